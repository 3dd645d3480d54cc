#!/usr/bin/env python3
"""Runs the examples of README.md and docs/*.md on the built binary. usage: python3 tests/docs.py --weir PATH [PAGE...]

A fenced block is an example if its info string says so; each page has a folder of its own, in which its blocks run in order:
    ```sh run        by bash -e, with weir on the PATH and as ./weir
    ```sql run       by weir on the page's file, docs.db; `sql run new` begins with a new file; `sql run in memory` needs none
    ```sql fails     must be refused; its output is the beginning of what stands on stderr
    ```text output   what the example before it writes to stdout, exactly
An example without output must only end with 0. Exit code 0: all hold, 1: one does not.
"""
import argparse, glob, os, re, subprocess, sys, tempfile

FENCE = re.compile(r"^```(\S*) ?(.*)$")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def blocks(path):
    """(line, language, words, text) of each fenced block"""
    inside, found = None, []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        match = FENCE.match(line.rstrip("\n"))
        if match and inside is None:
            inside = (number, match.group(1), match.group(2).split(), [])
        elif match:
            found.append((inside[0], inside[1], inside[2], "".join(inside[3])))
            inside = None
        elif inside is not None:
            inside[3].append(line)
    if inside:
        raise SystemExit(f"{path}:{inside[0]}: the block does not end")
    return found


def examples(path):
    """(line, language, words, text, expected output or None)"""
    found = []
    for line, language, words, text in blocks(path):
        if words[:1] in (["run"], ["fails"]):
            if language not in ("sh", "sql"):
                raise SystemExit(f"{path}:{line}: {language} cannot be run")
            found.append([line, language, words, text, None])
        elif words == ["output"]:
            if not found or found[-1][4] is not None:
                raise SystemExit(f"{path}:{line}: output without an example")
            found[-1][4] = text
        elif words:
            raise SystemExit(f"{path}:{line}: unknown words: {' '.join(words)}")
    return found


def run(weir, folder, language, words, text):
    environment = dict(os.environ, PATH=folder + "/.bin:" + os.environ["PATH"])
    if language == "sh":
        command, given = ["bash", "-e", "-c", text], None
    else:
        if "new" in words:
            for name in glob.glob(folder + "/docs.db*"):
                os.remove(name)
        command, given = [weir] + ([] if "memory" in words else ["docs.db"]), text
    return subprocess.run(command, input=given, text=True, capture_output=True, cwd=folder, env=environment, timeout=120)


def holds(words, ended, expected):
    if words[0] == "fails":
        return ended.returncode == 1 and ended.stderr.startswith((expected or "").rstrip("\n"))
    return ended.returncode == 0 and (expected is None or ended.stdout.rstrip() == expected.rstrip())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    parser.add_argument("pages", nargs="*")
    given = parser.parse_args()
    weir = os.path.realpath(given.weir)
    pages = given.pages or [ROOT + "/README.md"] + sorted(glob.glob(ROOT + "/docs/*.md"))
    count = bad = 0
    for page in pages:
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(folder + "/.bin")
            os.symlink(weir, folder + "/.bin/weir")
            os.symlink(weir, folder + "/weir")
            for line, language, words, text, expected in examples(page):
                count += 1
                ended = run(weir, folder, language, words, text)
                if holds(words, ended, expected):
                    continue
                bad += 1
                print(f"{os.path.relpath(page, ROOT)}:{line}: exit code {ended.returncode}\n--- expected\n{expected or ''}--- stdout\n{ended.stdout}--- stderr\n{ended.stderr}")
    print(f"{count} examples, {bad} differ")
    return 1 if bad or not count else 0


sys.exit(main())
