/* The Kafka source against librdkafka's mock cluster: positions, ends, gaps, lost brokers and topics. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/clock.h"
#include "base/vec.h"
#include "connect/connector.h"
#include "connect/inspect.h"

enum { PATIENCE_US = 20 * 1000000 };

typedef struct Cluster { rd_kafka_t *producer; rd_kafka_mock_cluster_t *mock; const char *brokers; } Cluster;

static int set_up(void **state)
{
	Cluster *cluster = mem_new(Cluster);
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof why);
	rd_kafka_conf_set(conf, "linger.ms", "0", why, sizeof why);
	rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why);
	cluster->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	cluster->mock = rd_kafka_handle_mock_cluster(cluster->producer);
	cluster->brokers = rd_kafka_mock_cluster_bootstraps(cluster->mock);
	*state = cluster;
	return 0;
}

static int tear_down(void **state)
{
	Cluster *cluster = *state;
	rd_kafka_flush(cluster->producer, 1000);
	rd_kafka_destroy(cluster->producer);
	free(cluster);
	return 0;
}

static void topic_make(Cluster *cluster, const char *topic, int partitions)
{
	rd_kafka_mock_topic_create(cluster->mock, topic, partitions, 1);
}

static void produce(Cluster *cluster, const char *topic, int partition, const char *key, const char *value)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
	rd_kafka_header_add(headers, "trace", -1, "42", 2);
	rd_kafka_resp_err_t code = rd_kafka_producev(cluster->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, key ? strlen(key) : 0),
		RD_KAFKA_V_VALUE((void *)value, value ? strlen(value) : 0), RD_KAFKA_V_TIMESTAMP(1700000000123), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
	assert_int_equal(code, 0);
}

static void produce_numbers(Cluster *cluster, const char *topic, int partition, int count)
{
	char value[32];
	for (int i = 0; i < count; i++) {
		snprintf(value, sizeof value, "{\"i\":%d}", i);
		produce(cluster, topic, partition, NULL, value);
	}
	assert_int_equal(rd_kafka_flush(cluster->producer, 10000), 0);
}

typedef struct Reader { Arena arena; OptionSet options; Source *source; int wake_fd; SourcePartitions partitions; int states[8]; int state_count; } Reader;

static void hear(void *context, const SourceStatus *status)
{
	Reader *reader = context;
	int count = __atomic_fetch_add(&reader->state_count, 1, __ATOMIC_RELAXED);
	if (count < 8) reader->states[count] = (int)status->state;
}

static void reader_open(Reader *reader, const char *brokers, const char *topic, const char *option, const char *value)
{
	Error err = ERROR_INIT;
	*reader = (Reader){.wake_fd = eventfd(0, EFD_NONBLOCK)};
	arena_init(&reader->arena, 0);
	OptionText given[] = {{"connector", "kafka"}, {"brokers", brokers}, {"topic", topic}, {option, value}};
	if (!options_bind(&reader->arena, given, option ? 4 : 3, OPTIONS_OF_RELATION, &reader->options, NULL, NULL, &err)) fail_msg("%s", err.message);
	SourceConfig config = {.name = "s", .options = &reader->options, .format = format_find("json", SPAN_NONE, NULL), .on_status = hear, .context = reader};
	if (!source_open(&config, &reader->source, &err)) fail_msg("%s", err.message);
}

static void reader_list(Reader *reader)
{
	Error err = ERROR_INIT;
	reader->partitions.count = 0;
	if (!source_partitions(reader->source, &reader->partitions, 10000, &err)) fail_msg("%s", err.message);
}

static void reader_close(Reader *reader)
{
	source_close(reader->source);
	close(reader->wake_fd);
	vec_release(&reader->partitions);
	arena_release(&reader->arena);
}

static void reader_sleep(Reader *reader)
{
	struct pollfd wait = {.fd = reader->wake_fd, .events = POLLIN};
	uint64_t count;
	poll(&wait, 1, 100);
	if (read(reader->wake_fd, &count, sizeof count) < 0) return;
}

/* Polls until `until` says so or nothing more can come; adds values with blanks between them. */
static Poll reader_read(Reader *reader, int partition, StrBuf *values, int records, Error *err)
{
	int64_t start = clock_monotonic_us();
	for (int got = 0; got < records; ) {
		RecordBatch batch;
		Poll poll = source_poll(reader->source, partition, 100, &batch, err);
		if (poll == POLL_END || poll == POLL_ERROR) return poll;
		if (poll == POLL_NOTHING) { reader_sleep(reader); }
		else {
			for (int i = 0; i < batch.count; i++) strbuf_printf(values, "%lld:%.*s ", (long long)batch.at[i].position, (int)batch.at[i].value_bytes, batch.at[i].value);
			got += batch.count;
			source_release(reader->source, &batch);
		}
		if (clock_monotonic_us() - start > PATIENCE_US) fail_msg("only %d of %d records came: %s", got, records, values->text);
	}
	return POLL_SOME;
}

static void wait_for(Reader *reader, int partition, bool (*happened)(Reader *reader, int partition), const char *what)
{
	int64_t start = clock_monotonic_us();
	while (!happened(reader, partition)) {
		RecordBatch batch;
		Error err = ERROR_INIT;
		if (partition >= 0 && source_poll(reader->source, partition, 100, &batch, &err) == POLL_SOME) source_release(reader->source, &batch);
		else reader_sleep(reader);
		if (clock_monotonic_us() - start > PATIENCE_US) fail_msg("never: %s", what);
	}
}

static bool caught_up(Reader *reader, int partition) { return source_is_caught_up(reader->source, partition); }

static bool retrying(Reader *reader, int partition)
{
	(void)partition;
	SourceStatus status;
	source_status(reader->source, &status);
	return status.state == SOURCE_RETRYING;
}

static bool reading(Reader *reader, int partition)
{
	(void)partition;
	SourceStatus status;
	source_status(reader->source, &status);
	return status.state == SOURCE_READING;
}

static SourceStart start_at(Reader *reader, int64_t position)
{
	return (SourceStart){.position = position, .stop = SOURCE_STOP_NEVER, .wake_fd = reader->wake_fd, .last_position = -1};
}

static void records_come_from_the_position_on_with_all_that_belongs_to_them(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	Error err = ERROR_INIT;
	topic_make(cluster, "plain", 1);
	produce_numbers(cluster, "plain", 0, 3);
	produce(cluster, "plain", 0, "k", NULL);
	produce_numbers(cluster, "plain", 0, 1);
	reader_open(&reader, cluster->brokers, "plain", NULL, NULL);
	reader_list(&reader);
	assert_int_equal(reader.partitions.count, 1);
	assert_string_equal(reader.partitions.at[0].name, "0");
	assert_int_equal(reader.partitions.at[0].earliest, 0);
	assert_int_equal(reader.partitions.at[0].end, 5);
	assert_int_equal(reader.partitions.at[0].start, 0);
	SourceStart start = start_at(&reader, 3);
	assert_true(source_assign(reader.source, 0, &start, &err));
	RecordBatch batch;
	int64_t begin = clock_monotonic_us();
	while (source_poll(reader.source, 0, 1, &batch, &err) != POLL_SOME) { reader_sleep(&reader); assert_true(clock_monotonic_us() - begin < PATIENCE_US); }
	assert_int_equal(batch.count, 1);
	assert_null(batch.at[0].value);
	assert_int_equal(batch.at[0].key_bytes, 1);
	assert_int_equal(batch.at[0].position, 3);
	assert_int_equal(batch.at[0].timestamp_us, 1700000000123000);
	assert_int_equal(batch.position_next, 4);
	assert_string_equal(batch.topic, "plain");
	StrBuf text = STRBUF_INIT;
	size_t bytes;
	batch.headers_json(&batch.at[0], &(HeadersForm){0}, &text);
	assert_string_equal(text.text, "{\"trace\":\"42\"}");
	strbuf_clear(&text);
	batch.headers_json(&batch.at[0], &(HeadersForm){.name = "k", .value = "v", .base64 = true}, &text);
	assert_string_equal(text.text, "[{\"k\":\"trace\",\"v\":\"NDI=\"}]");
	assert_memory_equal(batch.header_find(&batch.at[0], "trace", &bytes), "42", 2);
	assert_null(batch.header_find(&batch.at[0], "none", &bytes));
	source_release(reader.source, &batch);
	strbuf_clear(&text);
	reader_read(&reader, 0, &text, 1, &err);
	assert_string_equal(text.text, "4:{\"i\":0} ");
	wait_for(&reader, 0, caught_up, "caught up");
	produce_numbers(cluster, "plain", 0, 1);
	strbuf_clear(&text);
	reader_read(&reader, 0, &text, 1, &err);
	assert_string_equal(text.text, "5:{\"i\":0} ");
	strbuf_release(&text);
	reader_close(&reader);
}

static void partitions_are_polled_one_by_one_and_wait_when_they_are_not(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	Error err = ERROR_INIT;
	StrBuf text = STRBUF_INIT;
	topic_make(cluster, "three", 3);
	for (int p = 0; p < 3; p++) produce_numbers(cluster, "three", p, p + 1);
	reader_open(&reader, cluster->brokers, "three", NULL, NULL);
	reader_list(&reader);
	assert_int_equal(reader.partitions.count, 3);
	SourceStart start = start_at(&reader, 0);
	for (int p = 0; p < 3; p++) assert_true(source_assign(reader.source, p, &start, &err));
	reader_read(&reader, 2, &text, 3, &err);
	assert_string_equal(text.text, "0:{\"i\":0} 1:{\"i\":1} 2:{\"i\":2} ");
	wait_for(&reader, 2, caught_up, "partition 2 caught up");
	assert_false(source_is_caught_up(reader.source, 1));
	strbuf_clear(&text);
	reader_read(&reader, 1, &text, 2, &err);
	assert_string_equal(text.text, "0:{\"i\":0} 1:{\"i\":1} ");
	SourceStatus status;
	source_status(reader.source, &status);
	assert_int_equal(status.lag, 1);
	assert_int_equal(status.partition_count, 3);
	source_unassign(reader.source, 0);
	RecordBatch batch;
	assert_int_equal(source_poll(reader.source, 0, 10, &batch, &err), POLL_NOTHING);
	strbuf_release(&text);
	reader_close(&reader);
}

/* What was produced since the partitions were listed is known from asking alone. Slow machines: one of a few tries has to be quick. */
static void a_reader_that_starts_behind_is_watched_from_the_start(void **state)
{
	enum { TRIES = 5, QUICK_US = 500 * 1000 };
	Cluster *cluster = *state;
	Error err = ERROR_INIT;
	int64_t best_us = PATIENCE_US;
	topic_make(cluster, "behind", 1);
	produce_numbers(cluster, "behind", 0, 2);
	for (int t = 0; t < TRIES && best_us >= QUICK_US; t++) {
		Reader reader;
		SourceStatus status = {0};
		reader_open(&reader, cluster->brokers, "behind", NULL, NULL);
		reader_list(&reader);
		SourceStart start = start_at(&reader, 0);
		int64_t end = source_end(reader.source, 0), began = clock_monotonic_us(), passed;
		produce_numbers(cluster, "behind", 0, 2);
		assert_true(source_assign(reader.source, 0, &start, &err));
		do {
			usleep(1000);
			source_status(reader.source, &status);
			passed = clock_monotonic_us() - began;
		} while (status.lag < end + 2 && passed < PATIENCE_US);
		assert_int_equal(status.lag, end + 2);
		if (passed < best_us) best_us = passed;
		reader_close(&reader);
	}
	assert_true(best_us < QUICK_US);
}

static void a_bounded_topic_ends_where_it_ended_at_the_start(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	Error err = ERROR_INIT;
	StrBuf text = STRBUF_INIT;
	topic_make(cluster, "bounded", 1);
	produce_numbers(cluster, "bounded", 0, 4);
	reader_open(&reader, cluster->brokers, "bounded", "scan.bounded.mode", "latest-offset");
	assert_true(source_is_bounded(reader.source));
	reader_list(&reader);
	assert_int_equal(reader.partitions.at[0].stop, 4);
	produce_numbers(cluster, "bounded", 0, 2);
	SourceStart start = start_at(&reader, 0);
	start.stop = reader.partitions.at[0].stop;
	assert_true(source_assign(reader.source, 0, &start, &err));
	assert_int_equal(reader_read(&reader, 0, &text, 100, &err), POLL_END);
	assert_string_equal(text.text, "0:{\"i\":0} 1:{\"i\":1} 2:{\"i\":2} 3:{\"i\":3} ");
	SourceStatus status;
	source_status(reader.source, &status);
	assert_int_equal(status.state, SOURCE_ENDED);
	start.position = start.stop;
	assert_true(source_assign(reader.source, 0, &start, &err));
	assert_int_equal(reader_read(&reader, 0, &text, 1, &err), POLL_END);
	strbuf_release(&text);
	reader_close(&reader);
}

static void starts_are_numbers_for_every_option(void **state)
{
	Cluster *cluster = *state;
	static const struct { const char *option, *value; int64_t start; } CASES[] = {
		{"start", "earliest", 0}, {"start", "latest", 4}, {"start_offsets", "partition:0,offset:3", 3}, {"start_offsets", "partition:0,offset:99", 4},
	};
	topic_make(cluster, "starts", 1);
	produce_numbers(cluster, "starts", 0, 4);
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		Reader reader;
		reader_open(&reader, cluster->brokers, "starts", CASES[i].option, CASES[i].value);
		reader_list(&reader);
		assert_int_equal(reader.partitions.at[0].start, CASES[i].start);
		reader_close(&reader);
	}
}

static void a_partition_that_is_new_is_read_from_its_beginning(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	topic_make(cluster, "grown", 2);
	produce_numbers(cluster, "grown", 0, 3);
	produce_numbers(cluster, "grown", 1, 3);
	reader_open(&reader, cluster->brokers, "grown", "start", "latest");
	source_know(reader.source, 0, "0");
	reader_list(&reader);
	assert_int_equal(reader.partitions.at[0].start, 3);
	assert_int_equal(reader.partitions.at[1].start, 0);
	reader_close(&reader);
}

static void a_position_that_is_not_there_is_lost_with_both_positions(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	Error err = ERROR_INIT;
	topic_make(cluster, "short", 1);
	produce_numbers(cluster, "short", 0, 2);
	reader_open(&reader, cluster->brokers, "short", NULL, NULL);
	reader_list(&reader);
	SourceStart start = start_at(&reader, 7);
	assert_false(source_assign(reader.source, 0, &start, &err));
	assert_int_equal(err.code, ERR_POSITION_LOST);
	assert_non_null(strstr(err.message, "topic \"short\" [0]: position 7 is not there any more, it has 0 to 2"));
	SourceLost lost;
	assert_true(source_lost(reader.source, 0, &lost));
	assert_int_equal(lost.why, LOST_SHRUNK);
	assert_int_equal(lost.wanted, 7);
	assert_int_equal(lost.end, 2);
	RecordBatch batch;
	assert_int_equal(source_poll(reader.source, 0, 10, &batch, &err), POLL_ERROR);
	error_clear(&err);
	start.position = 0;
	assert_true(source_assign(reader.source, 0, &start, &err));
	assert_false(source_lost(reader.source, 0, &lost));
	StrBuf text = STRBUF_INIT;
	reader_read(&reader, 0, &text, 2, &err);
	strbuf_release(&text);
	reader_close(&reader);
}

static void another_record_at_the_last_position_shows_a_topic_made_anew(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	Error err = ERROR_INIT;
	StrBuf text = STRBUF_INIT;
	topic_make(cluster, "anew", 1);
	produce_numbers(cluster, "anew", 0, 3);
	reader_open(&reader, cluster->brokers, "anew", NULL, NULL);
	reader_list(&reader);
	Record last = {.value = "{\"i\":1}", .value_bytes = 7};
	SourceStart start = start_at(&reader, 2);
	start.last_position = 1;
	start.last_fingerprint = record_fingerprint(&last);
	assert_true(source_assign(reader.source, 0, &start, &err));
	reader_read(&reader, 0, &text, 1, &err);
	assert_string_equal(text.text, "2:{\"i\":2} ");
	start.last_fingerprint ^= 1;
	assert_true(source_assign(reader.source, 0, &start, &err));
	assert_int_equal(reader_read(&reader, 0, &text, 1, &err), POLL_ERROR);
	assert_int_equal(err.code, ERR_POSITION_LOST);
	assert_non_null(strstr(err.message, "made anew"));
	SourceLost lost;
	assert_true(source_lost(reader.source, 0, &lost));
	assert_int_equal(lost.why, LOST_RECREATED);
	strbuf_release(&text);
	reader_close(&reader);
}

static void a_missing_broker_is_named_and_waited_for(void **state)
{
	(void)state;
	Reader reader;
	Error err = ERROR_INIT;
	reader_open(&reader, "127.0.0.1:1", "t", NULL, NULL);
	assert_false(source_partitions(reader.source, &reader.partitions, 200, &err));
	assert_int_equal(err.code, ERR_CONNECTION);
	assert_true(err.retryable);
	assert_non_null(strstr(err.message, "\"127.0.0.1:1\""));
	assert_non_null(strstr(err.message, "refused"));
	SourceStatus status;
	source_status(reader.source, &status);
	assert_int_equal(status.state, SOURCE_RETRYING);
	assert_true(status.retry_since_us > 0);
	assert_int_equal(reader.state_count, 1);
	reader_close(&reader);
}

static void a_missing_topic_is_named(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	Error err = ERROR_INIT;
	reader_open(&reader, cluster->brokers, "nowhere", NULL, NULL);
	rd_kafka_mock_topic_set_error(cluster->mock, "nowhere", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	assert_false(source_partitions(reader.source, &reader.partitions, 5000, &err));
	assert_int_equal(err.code, ERR_NO_TOPIC);
	assert_true(err.retryable);
	assert_non_null(strstr(err.message, "topic \"nowhere\" does not exist"));
	rd_kafka_mock_topic_set_error(cluster->mock, "nowhere", 0);
	reader_list(&reader);
	assert_true(reader.partitions.count > 0);
	reader_close(&reader);
}

static void a_broker_that_goes_and_comes_back_costs_no_record(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	Error err = ERROR_INIT;
	StrBuf text = STRBUF_INIT;
	topic_make(cluster, "outage", 1);
	produce_numbers(cluster, "outage", 0, 2);
	reader_open(&reader, cluster->brokers, "outage", NULL, NULL);
	reader_list(&reader);
	SourceStart start = start_at(&reader, 0);
	assert_true(source_assign(reader.source, 0, &start, &err));
	reader_read(&reader, 0, &text, 2, &err);
	rd_kafka_mock_broker_set_down(cluster->mock, 1);
	wait_for(&reader, 0, retrying, "retrying");
	SourceStatus status;
	source_status(reader.source, &status);
	assert_int_equal(status.last_error.code, ERR_CONNECTION);
	assert_non_null(strstr(status.last_error.message, cluster->brokers));
	rd_kafka_mock_broker_set_up(cluster->mock, 1);
	wait_for(&reader, 0, reading, "reading again");
	produce_numbers(cluster, "outage", 0, 1);
	strbuf_clear(&text);
	reader_read(&reader, 0, &text, 1, &err);
	assert_string_equal(text.text, "2:{\"i\":0} ");
	strbuf_release(&text);
	reader_close(&reader);
}

static void errors_of_single_fetches_cost_no_record(void **state)
{
	Cluster *cluster = *state;
	Reader reader;
	Error err = ERROR_INIT;
	StrBuf text = STRBUF_INIT;
	topic_make(cluster, "faults", 1);
	produce_numbers(cluster, "faults", 0, 3);
	reader_open(&reader, cluster->brokers, "faults", NULL, NULL);
	reader_list(&reader);
	rd_kafka_mock_push_request_errors(cluster->mock, 1 /* Fetch */, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_UNKNOWN, RD_KAFKA_RESP_ERR__TRANSPORT);
	SourceStart start = start_at(&reader, 0);
	assert_true(source_assign(reader.source, 0, &start, &err));
	reader_read(&reader, 0, &text, 3, &err);
	assert_string_equal(text.text, "0:{\"i\":0} 1:{\"i\":1} 2:{\"i\":2} ");
	strbuf_release(&text);
	reader_close(&reader);
}

static void a_slow_reader_is_not_made_slower_by_a_full_queue(void **state)
{
	Cluster *cluster = *state;
	enum { RECORDS = 200, BYTES = 10000 };
	Reader reader;
	Error err = ERROR_INIT;
	topic_make(cluster, "slow", 1);
	char *big = mem_alloc(BYTES + 1);
	memset(big, 'x', BYTES);
	big[BYTES] = 0;
	for (int i = 0; i < RECORDS; i++) produce(cluster, "slow", 0, NULL, big);
	rd_kafka_flush(cluster->producer, 10000);
	reader_open(&reader, cluster->brokers, "slow", "queue_limit", "64KiB");             /* room for some 7 records */
	reader_list(&reader);
	SourceStart start = start_at(&reader, 0);
	assert_true(source_assign(reader.source, 0, &start, &err));
	int64_t begin = clock_monotonic_us();
	StrBuf text = STRBUF_INIT;
	reader_read(&reader, 0, &text, RECORDS, &err);
	/* asked once a second the queue would be filled 28 times */
	assert_true(clock_monotonic_us() - begin < 8 * 1000000);
	strbuf_release(&text);
	free(big);
	reader_close(&reader);
}

static void what_librdkafka_refuses_is_refused_when_opening(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	Error err = ERROR_INIT;
	OptionSet options;
	Source *source;
	setenv("WEIR_TEST_SECRET", "hunter2", 1);
	OptionText given[] = {{"connector", "kafka"}, {"brokers", "h:1"}, {"topic", "t"}, {"sasl.mechanism", "NONSENSE"}, {"security.protocol", "SASL_PLAINTEXT"},
		{"sasl.jaas.config", "${env:WEIR_TEST_SECRET}"}};
	assert_true(options_bind(&arena, given, 5, OPTIONS_OF_RELATION, &options, NULL, NULL, &err));
	assert_true(source_open(&(SourceConfig){.name = "s", .options = &options}, &source, &err));          /* only the client judges it */
	assert_false(source_partitions(source, &(SourcePartitions){0}, 100, &err));
	source_close(source);
	error_clear(&err);
	assert_true(options_bind(&arena, given, 6, OPTIONS_OF_RELATION, &options, NULL, NULL, &err));
	OptionSet real;
	assert_true(options_resolve(&arena, &options, &real, &err));
	assert_false(source_open(&(SourceConfig){.name = "s", .options = &real}, &source, &err));
	assert_non_null(strstr(err.message, "sasl.jaas.config"));
	assert_null(strstr(err.message, "hunter2"));
	arena_release(&arena);
}

/* The mock cluster knows no SASL: it refuses every handshake. */
static void refused_credentials_are_waited_out(void **state)
{
	Cluster *cluster = *state;
	Arena arena;
	arena_init(&arena, 0);
	Error err = ERROR_INIT;
	OptionSet options, real;
	setenv("WEIR_TEST_SECRET", "hunter2", 1);
	topic_make(cluster, "locked", 1);
	OptionText given[] = {{"connector", "kafka"}, {"brokers", cluster->brokers}, {"topic", "locked"}, {"security.protocol", "SASL_PLAINTEXT"}, {"sasl.mechanism", "PLAIN"},
		{"sasl.username", "user"}, {"sasl.password", "${env:WEIR_TEST_SECRET}"}};
	if (!options_bind(&arena, given, 7, OPTIONS_OF_RELATION, &options, NULL, NULL, &err) || !options_resolve(&arena, &options, &real, &err)) fail_msg("%s", err.message);
	Reader reader = {.wake_fd = eventfd(0, EFD_NONBLOCK)};
	arena_init(&reader.arena, 0);
	SourceConfig config = {.name = "s", .options = &real, .format = format_find("json", SPAN_NONE, NULL), .on_status = hear, .context = &reader};
	if (!source_open(&config, &reader.source, &err)) fail_msg("%s", err.message);
	for (int again = 0; again < 2; again++) {
		assert_false(source_partitions(reader.source, &reader.partitions, 1000, &err));
		assert_int_equal(err.code, ERR_CONNECTION);
		assert_true(err.retryable);
		assert_null(strstr(err.message, "hunter2"));
		error_clear(&err);
	}
	SourceStatus status;
	source_status(reader.source, &status);
	assert_int_equal(status.state, SOURCE_RETRYING);
	reader_close(&reader);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_from_the_position_on_with_all_that_belongs_to_them),
		cmocka_unit_test(partitions_are_polled_one_by_one_and_wait_when_they_are_not),
		cmocka_unit_test(a_reader_that_starts_behind_is_watched_from_the_start),
		cmocka_unit_test(a_bounded_topic_ends_where_it_ended_at_the_start),
		cmocka_unit_test(starts_are_numbers_for_every_option),
		cmocka_unit_test(a_partition_that_is_new_is_read_from_its_beginning),
		cmocka_unit_test(a_position_that_is_not_there_is_lost_with_both_positions),
		cmocka_unit_test(another_record_at_the_last_position_shows_a_topic_made_anew),
		cmocka_unit_test(a_missing_broker_is_named_and_waited_for),
		cmocka_unit_test(a_missing_topic_is_named),
		cmocka_unit_test(a_broker_that_goes_and_comes_back_costs_no_record),
		cmocka_unit_test(errors_of_single_fetches_cost_no_record),
		cmocka_unit_test(a_slow_reader_is_not_made_slower_by_a_full_queue),
		cmocka_unit_test(what_librdkafka_refuses_is_refused_when_opening),
		cmocka_unit_test(refused_credentials_are_waited_out),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
