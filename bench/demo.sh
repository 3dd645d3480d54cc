#!/usr/bin/env bash
# Live views over generated auction events, shown as they change: 20 seconds on a terminal (Ctrl-C ends), else three snapshots.
# usage: demo.sh [WEIR]        DEMO_FILE: the SQLite file; DEMO_SECONDS: how long
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "${1:-$here/../weir}")
file=${DEMO_FILE:-${TMPDIR:-/tmp}/weir-demo-$(id -u).db}
is_terminal=0 seconds=${DEMO_SECONDS:-9} pause=3
if [ -t 1 ]; then is_terminal=1 seconds=${DEMO_SECONDS:-20} pause=0.5; fi

rm -f "$file" "$file"-wal "$file"-shm
# in a session of its own: Ctrl-C is for this script, which ends the service in good order
setsid "$weir" run "$file" -f "$here/demo.sql" 2>"$file.log" &
service=$!
end() {
	trap - INT TERM EXIT
	kill -TERM "$service" 2>/dev/null || true
	wait "$service" 2>/dev/null || { echo "the service ended early:"; cat "$file.log"; exit 1; }
	[ "$is_terminal" = 0 ] || printf '\033[?25h'
	cat <<END

The views are tables of a SQLite file; any program that reads SQLite
can have them, now or while they change:
  sqlite3 $file 'SELECT * FROM per_second ORDER BY second DESC LIMIT 5'
  $weir $file                        a shell; .help says what it can do
  $weir run $file                    goes on where this ended
  $here/demo.sql                     the generator and the views, as they were declared
END
	exit 0
}
trap end INT TERM EXIT

show() {
	"$weir" "$file" --box \
		-c "SELECT * FROM per_second ORDER BY second DESC LIMIT 5" \
		-c "SELECT place, auction, bids, highest FROM hot_auctions WHERE since = (SELECT max(since) FROM hot_auctions) ORDER BY place" \
		-c "SELECT * FROM channels ORDER BY bids DESC LIMIT 4" 2>&1 || true
}

until=$((SECONDS + seconds))
[ "$is_terminal" = 0 ] || printf '\033[2J\033[?25l'
while [ $SECONDS -lt "$until" ] && kill -0 "$service" 2>/dev/null; do
	sleep "$pause"
	text=$(show)
	[ "$is_terminal" = 0 ] || { printf '\033[H'; text=$(sed $'s/$/\033[K/' <<<"$text"); }
	printf 'bids of each second; hottest auctions of the last ten seconds; channels\033[K\n%s\n' "$text" | if [ "$is_terminal" = 1 ]; then cat; else sed $'s/\033\\[K//'; fi
	[ "$is_terminal" = 0 ] || printf '\033[J'
done
