#!/usr/bin/env python3
"""Which lines the tests have run, by folder and by file: what gcov says of a build made with --enable-coverage, after the tests.

    ./configure --enable-coverage && make && make check && tests/all.sh ./weir
    tests/coverage.py [--build DIR] [--files] [--least PERCENT]      --files: each file, too; --least: exit code 1 if less of all lines has run
"""
import argparse
import collections
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
FOLDERS = ("src/", "shell/")


def runs_of(build):
    """{file: {line: how often}}: a file may have been compiled more than once."""
    notes = [path for path in build.rglob("*.gcno") if not path.name.startswith("test_") and path.with_suffix(".gcda").exists()]
    if not notes:
        sys.exit(f"no .gcda below {build}: configure with --enable-coverage and run the tests first")
    files = collections.defaultdict(collections.Counter)
    with tempfile.TemporaryDirectory() as folder:
        for note in notes:
            subprocess.run(["gcov", "--json-format", note], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for made in Path(folder).glob("*.gcov.json.gz"):
                with gzip.open(made) as text:
                    told = json.load(text)
                made.unlink()
                for one in told["files"]:
                    name = os.path.relpath(os.path.join(told["current_working_directory"], one["file"]), SOURCE)
                    for line in one["lines"] if name.startswith(FOLDERS) else ():
                        files[name][line["line_number"]] += line["count"]
    return files


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=Path("."))
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--least", type=float, default=0)
    options = parser.parse_args()
    sums = collections.defaultdict(lambda: [0, 0])
    for name, lines in runs_of(options.build.resolve()).items():
        ran = sum(1 for count in lines.values() if count)
        for of in [os.path.dirname(name), "all"] + [name] * options.files:
            sums[of][0] += ran
            sums[of][1] += len(lines)
    for name in sorted(sums, key=lambda name: (name == "all", name)):
        ran, lines = sums[name]
        print(f"{100 * ran / lines:6.1f} %  {ran:6} of {lines:6}  {name}")
    ran, lines = sums["all"]
    return 100 * ran / lines < options.least


if __name__ == "__main__":
    sys.exit(main())
