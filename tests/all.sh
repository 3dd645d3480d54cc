#!/usr/bin/env bash
# Tests of the built binary that `make check` leaves out: a real Kafka broker, kill -9, other systems' cases. usage: tests/all.sh WEIR
set -uo pipefail
weir=$(realpath "${1:-./weir}")
here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0 skipped=0
part() {
	local name=$1
	shift
	echo "== $name"
	"$@"
	case $? in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)); echo "SKIPPED: $name" ;;
	*) failed=$((failed + 1)); echo "FAILED: $name" ;;
	esac
}
part "pages made of tables" "$here/documents.sh" "$weir"
part "shell" python3 "$here/shell.py" --weir "$weir"
part "failures, and what goes on beside them" python3 "$here/failures.py" --weir "$weir"
part "full disk" "$here/full_disk.sh" "$weir"
part "kill -9 and Kafka" python3 "$here/crash.py" --weir "$weir" --kills "${KILLS:-20}"
part "where views start, gaps of topics" python3 "$here/kafka_options.py" --weir "$weir"
part "pauses, losses, copies" python3 "$here/recovery.py" --weir "$weir"
part "tables from topics that carry changes" python3 "$here/kafka_changelog.py" --weir "$weir"
part "definitions that change" python3 "$here/definitions.py" --weir "$weir"
part "random queries against SQLite" python3 "$here/oracle.py" --weir "$weir" --queries 600 --seed "${SEED:-400000}"
part "the same with a rewrite rule left out" python3 "$here/oracle.py" --weir "$weir" --queries 80 --without each --seed "${SEED:-400000}"
part "windows and late rows against a model" python3 "$here/windows.py" --weir "$weir" --cases 60
part "conditions on now() against the same query" python3 "$here/moving.py" --weir "$weir" --cases 4
part "TPC-H against SQLite" python3 "$here/tpch.py" --weir "$weir"
part "examples of the documentation" python3 "$here/docs.py" --weir "$weir"
shared=$here/../../shared/conformance
if [ -d "$shared" ]; then
	part "cases of other systems" python3 "$here/conformance.py" --weir "$weir" --folder "$shared"
else
	echo "SKIPPED: cases of other systems (the folder is not there)"
	skipped=$((skipped + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
