#!/usr/bin/env bash
# A file that may not grow (as on a full disk): exit code 3 with a message, nothing half-written, and the next run goes on. usage: full_disk.sh WEIR
set -u
weir=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
wrong() { echo "full_disk.sh: $1"; cat said; exit 1; }
for i in $(seq 1 60000); do echo "{\"a\":$i,\"b\":\"some text that takes place $i\"}"; done > in.ndjson
cat > views.sql <<'SQL'
CREATE STREAM s (a INTEGER, b TEXT) WITH (connector = 'file', path = 'in.ndjson', format = 'json');
CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n, sum(a) AS total FROM s;
CREATE MATERIALIZED VIEW copies AS SELECT a, b FROM s;
SQL
(ulimit -f 400; "$weir" f.db -c "CREATE TABLE t (a TEXT); INSERT INTO t SELECT printf('%0200d', i) FROM generate_series(1, 20000) AS g(i)") > said 2>&1
[ $? = 3 ] || wrong "a statement on a full disk did not end with 3"
grep -q "greatest size" said || wrong "a statement on a full disk did not say what it met"
"$weir" f.db -c "SELECT count(*) FROM t" > said 2>&1 || wrong "the file does not open afterwards"
[ "$(cat said)" = 0 ] || wrong "half a statement is there"
(ulimit -f 2000; "$weir" run g.db -f views.sql --until-end) > said 2>&1
[ $? = 3 ] || wrong "weir run on a full disk did not end with 3"
grep -q "greatest size" said || wrong "weir run on a full disk did not say what it met"
"$weir" run g.db -f views.sql --until-end > said 2>&1 || wrong "weir run does not go on"
"$weir" g.db -c "SELECT n.n, total, (SELECT count(*) FROM copies) FROM n" > said 2>&1
[ "$(cat said)" = "60000|1800030000|60000" ] || wrong "the end result is another one"
echo "full disk: a statement and weir run end with 3 and go on"
