/* Options: the names of four systems end in one, values in one spelling, and mistakes are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "catalog/options.h"

enum { LIST_MAX = 12 };
#define PLUGINS "plugin." "library" ".paths"
typedef struct Case {
	const char *title;
	OptionsOf of;
	const char *given[LIST_MAX * 2 + 1];      /* name, value ... */
	const char *printed;                      /* canonical; NULL: refused */
	ErrorCode code;
	const char *message, *hint;               /* parts */
} Case;

static const Case CASES[] = {
	{"Flink's Kafka table", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "properties.bootstrap.servers", "h:1", "properties.group.id", "g",
		"scan.startup.mode", "earliest-offset", "scan.bounded.mode", "latest-offset", "format", "json", "json.ignore-parse-errors", "true"},
		"brokers = 'h:1', connector = 'kafka', format = 'json', on_error = 'skip', start = 'earliest', stop = 'latest', topic = 't'"},
	{"RisingWave's source", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "properties.bootstrap.server", "h:1", "scan.startup.mode", "earliest"},
		"brokers = 'h:1', connector = 'kafka', start = 'earliest', topic = 't'"},
	{"ksqlDB's stream has no connector", OPTIONS_OF_RELATION, {"KAFKA_TOPIC", "t", "VALUE_FORMAT", "JSON", "brokers", "h:1", "PARTITIONS", "3"},
		"brokers = 'h:1', connector = 'kafka', format = 'json', topic = 't'"},
	{"upsert-kafka says two things", OPTIONS_OF_RELATION, {"connector", "upsert-kafka", "topic", "t", "brokers", "h:1", "key.format", "json"},
		"brokers = 'h:1', changelog = 'upsert', connector = 'kafka', key_format = 'json', topic = 't'"},
	{"milliseconds make a start", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "scan.startup.mode", "timestamp", "scan.startup.timestamp-millis", "1700000000000"},
		"brokers = 'h:1', connector = 'kafka', start = 'timestamp', start_timestamp = '2023-11-14 22:13:20', topic = 't'"},
	{"a start may be a time itself", OPTIONS_OF_VIEW, {"start", "2026-11-20T10:00:00Z"}, "start = '2026-11-20 10:00:00'"},
	{"specific offsets", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "scan.startup.specific-offsets", "partition:0, offset:42;partition:1,offset:300"},
		"brokers = 'h:1', connector = 'kafka', start = 'offsets', start_offsets = 'partition:0,offset:42;partition:1,offset:300', topic = 't'"},
	{"lengths of time have one spelling", OPTIONS_OF_VIEW, {"retention", "120 minutes"}, "retention = '2h'"},
	{"bytes have one spelling", OPTIONS_OF_RELATION, {"connector", "stdin", "record_limit", "1 MB"}, "connector = 'stdin', record_limit = '1048576'"},
	{"a path says its format", OPTIONS_OF_RELATION, {"connector", "filesystem", "path", "file:///data/a.tsv"},
		"connector = 'file', 'csv.delimiter' = '\t', format = 'csv', path = '/data/a.tsv'"},
	{"without_header is the opposite", OPTIONS_OF_RELATION, {"connector", "file", "path", "a.csv", "without_header", "false", "delimiter", "TAB"},
		"connector = 'file', 'csv.delimiter' = '\t', 'csv.header' = 'true', format = 'csv', path = 'a.csv'"},
	{"fields of a generator", OPTIONS_OF_RELATION, {"connector", "datagen", "fields.Id.kind", "sequence", "number-of-rows", "10", "rows-per-second", "5"},
		"connector = 'datagen', events = '10', 'fields.Id.kind' = 'sequence', rate = '5'"},
	{"a secret may be a reference", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "properties.sasl.password", "${env:P}"},
		"brokers = 'h:1', connector = 'kafka', 'sasl.password' = '${env:P}', topic = 't'"},
	{"a reference may stand anywhere", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "${env:T}", "brokers", "${file:/b}:9092"},
		"brokers = '${file:/b}:9092', connector = 'kafka', topic = '${env:T}'"},
	{"the same twice is once", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "kafka_topic", "t", "brokers", "h:1"}, "brokers = 'h:1', connector = 'kafka', topic = 't'"},
	{"a local relation", OPTIONS_OF_RELATION, {"retention", "1 day"}, "retention = '1d'"},
	{"a sink", OPTIONS_OF_SINK, {"connector", "file", "path", "out.ndjson"}, "connector = 'file', path = 'out.ndjson'"},

	{"a mistyped option", OPTIONS_OF_RELATION, {"connector", "kafka", "topc", "t", "brokers", "h:1"}, NULL, ERR_UNDEFINED_OBJECT, "unknown option \"topc\"", "Did you mean \"topic\"?"},
	{"a mistyped connector", OPTIONS_OF_RELATION, {"connector", "kafkaa"}, NULL, ERR_UNDEFINED_OBJECT, "unknown connector \"kafkaa\"", "Did you mean \"kafka\"?"},
	{"a mistyped format", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "format", "jsn"}, NULL, ERR_UNDEFINED_OBJECT, "unknown format \"jsn\"", "\"json\""},
	{"a mistyped word", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "start", "erliest"}, NULL, ERR_INVALID_PARAMETER, "option \"start\" cannot be \"erliest\"", "\"earliest\""},
	{"an option of another connector", OPTIONS_OF_RELATION, {"connector", "stdin", "topic", "t"}, NULL, ERR_UNDEFINED_OBJECT, "unknown option \"topic\"", "Connector \"stdin\" has no such option."},
	{"no brokers", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t"}, NULL, ERR_INVALID_DEFINITION, "option \"brokers\" is missing", "SET brokers"},
	{"a secret in plain text is not repeated", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "properties.sasl.password", "hunter2"},
		NULL, ERR_PLAINTEXT_SECRET, "option \"sasl.password\" is a secret", "${env:SASL_PASSWORD}"},
	{"part of a secret in plain text", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "sasl.password", "hunter${env:N}"}, NULL, ERR_PLAINTEXT_SECRET, "sasl.password", ""},
	{"two values for one option", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "kafka_topic", "u", "brokers", "h:1"}, NULL, ERR_INVALID_DEFINITION, "\"topic\" is given twice", ""},
	{"a number out of range", OPTIONS_OF_RELATION, {"connector", "nexmark", "splits", "0"}, NULL, ERR_INVALID_PARAMETER, "option \"splits\" cannot be \"0\"", "between 1 and 1024"},
	{"no truth value", OPTIONS_OF_RELATION, {"connector", "file", "path", "a", "follow", "maybe"}, NULL, ERR_INVALID_PARAMETER, "\"maybe\"", "true or false"},
	{"a start without its time", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "start", "timestamp"}, NULL, ERR_INVALID_DEFINITION, "\"start_timestamp\" is missing", ""},
	{"a start that contradicts", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "start", "latest", "start_timestamp", "5"}, NULL, ERR_INVALID_DEFINITION, "contradicts", ""},
	{"a topic that Kafka forbids", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "a;b", "brokers", "h:1"}, NULL, ERR_INVALID_PARAMETER, "\"a;b\"", "letters"},
	{"librdkafka's options that run things", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "properties." PLUGINS, "x.so"}, NULL, ERR_UNDEFINED_OBJECT, PLUGINS, ""},
	{"a command of librdkafka's", OPTIONS_OF_RELATION, {"connector", "kafka", "topic", "t", "brokers", "h:1", "properties.sasl.kerberos.kinit.cmd", "true"}, NULL, ERR_UNDEFINED_OBJECT, "sasl.kerberos.kinit.cmd", ""},
	{"a sink that cannot be", OPTIONS_OF_SINK, {"connector", "stdin"}, NULL, ERR_UNSUPPORTED, "\"stdin\" cannot be written", ""},
};

static bool bind(const Case *c, Arena *arena, OptionSet *set, Error *err)
{
	OptionText given[LIST_MAX];
	int count = 0;
	for (; c->given[count * 2]; count++) given[count] = (OptionText){c->given[count * 2], c->given[count * 2 + 1], SPAN_NONE, SPAN_NONE};
	return options_bind(arena, given, count, c->of, set, NULL, NULL, err);
}

static void options_of_all_systems_end_in_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const Case *c = &CASES[i];
		Arena arena;
		arena_init(&arena, 0);
		OptionSet set;
		Error err = ERROR_INIT;
		StrBuf text = STRBUF_INIT;
		bool ok = bind(c, &arena, &set, &err);
		if (ok) options_print(&set, OPTIONS_PRINT_ALL, &text);
		if (ok != (c->printed != NULL)) fail_msg("%s: %s", c->title, ok ? text.text : err.message);
		if (ok) assert_string_equal(text.text, c->printed);
		else {
			if (err.code != c->code) fail_msg("%s: code of: %s", c->title, err.message);
			if (!strstr(err.message, c->message)) fail_msg("%s: %s", c->title, err.message);
			if (!strstr(err.hint, c->hint)) fail_msg("%s: hint %s", c->title, err.hint);
			assert_null(strstr(err.message, "hunter"));
		}
		strbuf_release(&text);
		arena_release(&arena);
	}
}

static void references_are_filled_in_only_when_opening(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	OptionSet set, real;
	Error err = ERROR_INIT;
	char path[] = "test-options-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "from the file\n", 14), 14);
	close(fd);
	OptionText given[] = {{"connector", "kafka"}, {"topic", "a${env:WEIR_T}b"}, {"brokers", "h:1"}, {"sasl.password", arena_printf(&arena, "${file:%s}", path)}};
	assert_true(options_bind(&arena, given, 4, OPTIONS_OF_RELATION, &set, NULL, NULL, &err));
	unsetenv("WEIR_T");
	assert_false(options_resolve(&arena, &set, &real, &err));
	assert_true(err.retryable);
	assert_non_null(strstr(err.message, "\"WEIR_T\" is not set"));
	setenv("WEIR_T", "x", 1);
	error_clear(&err);
	assert_true(options_resolve(&arena, &set, &real, &err));
	assert_string_equal(options_text(&real, "topic"), "axb");
	assert_string_equal(options_text(&real, "sasl.password"), "from the file");
	assert_string_equal(options_text(&set, "topic"), "a${env:WEIR_T}b");
	setenv("WEIR_T", "no topic;", 1);
	assert_false(options_resolve(&arena, &set, &real, &err));
	assert_null(strstr(err.message, "no topic"));
	unlink(path);
	arena_release(&arena);
}

static void defaults_and_settings_are_read_by_canonical_name(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	OptionSet set;
	Error err = ERROR_INIT;
	OptionText given[] = {{"connector", "kafka"}, {"topic", "t"}, {"brokers", "h:1"}};
	assert_true(options_bind(&arena, given, 3, OPTIONS_OF_RELATION, &set, NULL, NULL, &err));
	assert_string_equal(options_text(&set, "format"), "json");
	assert_int_equal(options_integer(&set, "idle_timeout"), 30000000);
	assert_int_equal(options_integer(&set, "queue_limit"), 32 << 20);
	assert_true(options_set(&arena, &set, "idle_timeout", "1 minute", SPAN_NONE, &err));
	assert_int_equal(options_integer(&set, "idle_timeout"), 60000000);
	assert_true(options_set(&arena, &set, "properties.bootstrap.servers", "h:2", SPAN_NONE, &err));
	assert_string_equal(options_text(&set, "brokers"), "h:2");
	StrBuf text = STRBUF_INIT;
	options_print(&set, OPTIONS_PRINT_ANSWERS, &text);
	assert_string_equal(text.text, "connector = 'kafka', topic = 't'");
	assert_false(options_set(&arena, &set, "idle_timeot", "1", SPAN_NONE, &err));
	Extent extent;
	assert_true(options_extent(&arena, &set, &extent, &err));
	assert_int_equal(extent.start, START_EARLIEST);
	assert_int_equal(extent.stop, STOP_NEVER);
	strbuf_release(&text);
	arena_release(&arena);
}

static void every_row_of_the_table_is_sound(void **state)
{
	(void)state;
	for (int i = 0; i < OPTION_COUNT; i++) {
		const OptionSpec *spec = &OPTIONS[i];
		assert_true(spec->doc && *spec->doc && spec->takers);
		assert_int_equal(spec->kind == OPTION_WORD || spec->kind == OPTION_START || spec->kind == OPTION_INTEGER, spec->check != NULL);
		assert_ptr_equal(option_spec(spec->name), spec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_of_all_systems_end_in_one_spelling),
		cmocka_unit_test(references_are_filled_in_only_when_opening),
		cmocka_unit_test(defaults_and_settings_are_read_by_canonical_name),
		cmocka_unit_test(every_row_of_the_table_is_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
