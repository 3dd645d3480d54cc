#!/usr/bin/env bash
# Measures Nexmark in one sitting and prints a Markdown table. See README.md.   usage: bench/run.sh [--quick] [--weir WEIR] [--only q1,q2] [--paths file-view,kafka-blackhole] ...
set -euo pipefail
exec python3 "$(dirname "$0")/run.py" "$@"
