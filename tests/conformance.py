#!/usr/bin/env python3
"""Runs other systems' cases on the binary and fails on a wrong answer or a crash; refusals are counted and named.

    conformance.py --weir PATH --folder DIR [--report FILE]
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--weir", required=True)
parser.add_argument("--folder", required=True, type=Path, help="where run_cases.py and cases/ are")
parser.add_argument("--report", type=Path)
options = parser.parse_args()

with tempfile.TemporaryDirectory() as folder:
    report = options.report or Path(folder) / "report.json"
    subprocess.run([sys.executable, "-B", "run_cases.py", "--weir", options.weir, "--cases", "cases", "--jobs", "2", "--report", str(report)],
                   cwd=options.folder, stdout=subprocess.DEVNULL)
    found = json.loads(report.read_text())
cases = found if isinstance(found, list) else found["cases"]
outcomes = {}
for case in cases:
    outcomes.setdefault(case["outcome"], []).append(case)
for outcome in ("refused", "accepted", "wrong", "crash"):
    for case in outcomes.get(outcome, []):
        first = case["problems"][0] if case["problems"] else {"message": ""}
        print(f"{outcome:8} {case['id']}: {first['message'][:160]}")
print(", ".join(f"{len(entries)} {outcome}" for outcome, entries in outcomes.items()), f"of {len(cases)} cases")
sys.exit(1 if outcomes.get("wrong") or outcomes.get("crash") or not cases else 0)
