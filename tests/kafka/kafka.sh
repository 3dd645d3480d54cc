#!/usr/bin/env bash
# One real Apache Kafka broker (KRaft, single node) on loopback, its jars from Maven.
#   kafka.sh fetch | start | stop | topic NAME [PARTITIONS] | compacted NAME [PARTITIONS] (at once and without end) | drop NAME | cut NAME PARTITION OFFSET (records before it go)       KAFKA_DIR: where it lives; KAFKA_PORT: 19192
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${KAFKA_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-test-kafka}
port=${KAFKA_PORT:-19192}
cp="$dir/lib/*"
case ${1:-} in
fetch)
	mkdir -p "$dir"
	ls "$dir"/lib/kafka_*.jar >/dev/null 2>&1 || mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/lib"
	;;
start)
	rm -rf "$dir/logs-$port"
	mkdir -p "$dir/logs-$port"
	cat > "$dir/server-$port.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$dir/logs-$port
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=10485760
log.cleaner.backoff.ms=300
END
	id=$(java -cp "$cp" kafka.tools.StorageTool random-uuid 2>/dev/null | tail -1)
	java -cp "$cp" kafka.tools.StorageTool format -t "$id" -c "$dir/server-$port.properties" >"$dir/format.out" 2>&1
	setsid java -Xmx1g -Xms256m -cp "$cp" kafka.Kafka "$dir/server-$port.properties" >"$dir/broker-$port.out" 2>&1 </dev/null &
	echo $! >"$dir/pid-$port"
	for _ in $(seq 120); do
		if (exec 3<>/dev/tcp/127.0.0.1/"$port") 2>/dev/null; then echo "up on 127.0.0.1:$port"; exit 0; fi
		sleep 0.25
	done
	tail -5 "$dir/broker-$port.out" >&2
	exit 1
	;;
stop) [ -f "$dir/pid-$port" ] && kill "$(cat "$dir/pid-$port")" 2>/dev/null; rm -rf "$dir/logs-$port" "$dir/pid-$port" ;;
topic) java -cp "$cp" org.apache.kafka.tools.TopicCommand --bootstrap-server "127.0.0.1:$port" --create --topic "$2" --partitions "${3:-1}" >/dev/null 2>&1 ;;
compacted)
	java -cp "$cp" org.apache.kafka.tools.TopicCommand --bootstrap-server "127.0.0.1:$port" --create --topic "$2" --partitions "${3:-1}" --config cleanup.policy=compact \
		--config segment.ms=500 --config min.cleanable.dirty.ratio=0.001 --config delete.retention.ms=3600000 --config min.compaction.lag.ms=0 >/dev/null 2>&1
	;;
drop) java -cp "$cp" org.apache.kafka.tools.TopicCommand --bootstrap-server "127.0.0.1:$port" --delete --topic "$2" >/dev/null 2>&1 ;;
cut)
	printf '{"partitions":[{"topic":"%s","partition":%d,"offset":%d}],"version":1}' "$2" "$3" "$4" > "$dir/cut-$port.json"
	java -cp "$cp" org.apache.kafka.tools.DeleteRecordsCommand --bootstrap-server "127.0.0.1:$port" --offset-json-file "$dir/cut-$port.json" >/dev/null 2>&1
	;;
*) echo "usage: kafka.sh fetch | start | stop | topic NAME [PARTITIONS] | compacted NAME [PARTITIONS] | drop NAME | cut NAME PARTITION OFFSET" >&2; exit 2 ;;
esac
