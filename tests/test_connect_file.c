/* Files and standard input as sources, files as sinks, samples of them. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/vec.h"
#include "connect/connector.h"
#include "connect/inspect.h"

typedef struct Folder { char path[64]; Arena arena; } Folder;

static int set_up(void **state)
{
	Folder *folder = mem_new(Folder);
	strcpy(folder->path, "test-connect-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	arena_init(&folder->arena, 0);
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	Folder *folder = *state;
	char command[128];
	snprintf(command, sizeof command, "rm -r '%s'", folder->path);
	int code = system(command);
	arena_release(&folder->arena);
	free(folder);
	return code;
}

static const char *path_of(Folder *folder, const char *name) { return arena_printf(&folder->arena, "%s/%s", folder->path, name); }

static void write_file(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static char *read_file(Folder *folder, const char *path)
{
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	char *text = arena_zalloc(&folder->arena, 65536);
	assert_true(fread(text, 1, 65535, file) < 65535);
	fclose(file);
	return text;
}

static OptionSet *options_make(Folder *folder, const char *const *pairs)
{
	OptionText given[16];
	int count = 0;
	for (; pairs[count * 2]; count++) given[count] = (OptionText){pairs[count * 2], pairs[count * 2 + 1], SPAN_NONE, SPAN_NONE};
	OptionSet *set = arena_new(&folder->arena, OptionSet);
	Error err = ERROR_INIT;
	if (!options_bind(&folder->arena, given, count, OPTIONS_OF_RELATION, set, NULL, NULL, &err)) fail_msg("%s", err.message);
	return set;
}

#define OPTIONS(...) options_make(folder, (const char *const[]){__VA_ARGS__, NULL})

static Source *open_known(const OptionSet *options, const char *const *known, int known_count)
{
	Source *source;
	Error err = ERROR_INIT;
	SourceConfig config = {.name = "s", .options = options, .format = format_find(options_text(options, "format"), SPAN_NONE, &err)};
	if (!source_open(&config, &source, &err)) fail_msg("%s", err.message);
	for (int i = 0; i < known_count; i++) source_know(source, i, known[i]);
	return source;
}

static Source *open_source(const OptionSet *options) { return open_known(options, NULL, 0); }

static SourceStart from(int64_t position) { return (SourceStart){.position = position, .stop = SOURCE_STOP_NEVER, .wake_fd = -1, .last_position = -1}; }

/* All that can be had of a partition now: "position:text " for each record; "!" where one is flawed. */
static Poll drain(Source *source, int partition, int max, StrBuf *out)
{
	RecordBatch batch;
	Error err = ERROR_INIT;
	Poll poll;
	while ((poll = source_poll(source, partition, max, &batch, &err)) == POLL_SOME) {
		for (int i = 0; i < batch.count; i++)
			strbuf_printf(out, "%lld:%.*s%s ", (long long)batch.at[i].position, (int)batch.at[i].value_bytes, batch.at[i].value, batch.at[i].flaw ? "!" : "");
		source_release(source, &batch);
	}
	if (poll == POLL_ERROR) strbuf_printf(out, "ERROR %s", err.message);
	return poll;
}

static SourcePartitions list(Source *source)
{
	SourcePartitions partitions = {0};
	Error err = ERROR_INIT;
	if (!source_partitions(source, &partitions, 1000, &err)) fail_msg("%s", err.message);
	return partitions;
}

static void assign(Source *source, int partition, SourceStart start)
{
	Error err = ERROR_INIT;
	if (!source_assign(source, partition, &start, &err)) fail_msg("%s", err.message);
}

static void lines_are_records_at_their_bytes(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "a.ndjson");
	write_file(path, "{\"i\":1}\n\n{\"i\":22}\r\n{\"i\":3}", O_TRUNC);
	for (int max = 1; max < 4; max++) {
		Source *source = open_source(OPTIONS("connector", "file", "path", path));
		SourcePartitions partitions = list(source);
		assert_int_equal(partitions.count, 1);
		assert_string_equal(partitions.at[0].name, path);
		assert_int_equal(partitions.at[0].end, 26);
		assert_true(source_is_bounded(source));
		assign(source, 0, from(0));
		StrBuf text = STRBUF_INIT;
		assert_int_equal(drain(source, 0, max, &text), POLL_END);
		assert_string_equal(text.text, "0:{\"i\":1} 9:{\"i\":22} 19:{\"i\":3} ");
		strbuf_clear(&text);
		assign(source, 0, from(9));
		drain(source, 0, max, &text);
		assert_string_equal(text.text, "9:{\"i\":22} 19:{\"i\":3} ");
		SourceStatus status;
		source_status(source, &status);
		assert_int_equal(status.state, SOURCE_ENDED);
		assert_int_equal(status.lag, 0);
		strbuf_release(&text);
		vec_release(&partitions);
		source_close(source);
	}
}

static void each_file_of_a_pattern_is_a_partition_and_keeps_its_number(void **state)
{
	Folder *folder = *state;
	write_file(path_of(folder, "p2.log"), "b\n", O_TRUNC);
	write_file(path_of(folder, "p3.log"), "c\n", O_TRUNC);
	const OptionSet *options = OPTIONS("connector", "file", "path", path_of(folder, "p*.log"), "format", "raw");
	Source *source = open_source(options);
	SourcePartitions partitions = list(source);
	assert_int_equal(partitions.count, 2);
	const char *known[] = {arena_strdup(&folder->arena, partitions.at[0].name), arena_strdup(&folder->arena, partitions.at[1].name)};
	vec_release(&partitions);
	source_close(source);
	write_file(path_of(folder, "p1.log"), "a\n", O_TRUNC);
	unlink(path_of(folder, "p2.log"));
	source = open_known(options, known, 2);
	partitions = list(source);
	assert_int_equal(partitions.count, 3);
	assert_string_equal(partitions.at[1].name, known[1]);
	assert_string_equal(partitions.at[2].name, path_of(folder, "p1.log"));
	StrBuf text = STRBUF_INIT;
	assign(source, 0, from(2));
	assert_int_equal(drain(source, 0, 10, &text), POLL_END);          /* read and removed since */
	assign(source, 2, from(0));
	drain(source, 2, 10, &text);
	assert_string_equal(text.text, "0:a ");
	strbuf_release(&text);
	vec_release(&partitions);
	source_close(source);
}

static void a_followed_file_gives_whole_lines_only(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "f.log");
	write_file(path, "one\ntw", O_TRUNC);
	Source *source = open_source(OPTIONS("connector", "file", "path", path, "format", "raw", "follow", "true"));
	assert_false(source_is_bounded(source));
	SourcePartitions partitions = list(source);
	assign(source, 0, from(0));
	StrBuf text = STRBUF_INIT;
	assert_int_equal(drain(source, 0, 10, &text), POLL_NOTHING);
	assert_string_equal(text.text, "0:one ");
	assert_true(source_is_caught_up(source, 0));
	write_file(path, "o\nthree\n", O_APPEND);
	assert_false(source_is_caught_up(source, 0));
	assert_true(source_retry_ms(source) > 0);
	drain(source, 0, 10, &text);
	assert_string_equal(text.text, "0:one 4:two 8:three ");
	assert_true(source_is_caught_up(source, 0));
	strbuf_release(&text);
	vec_release(&partitions);
	source_close(source);
}

static void wait_for_files(Source *source, int count)
{
	int64_t start = clock_monotonic_us();
	SourceStatus status;
	StrBuf text = STRBUF_INIT;
	do {
		poll(NULL, 0, source_retry_ms(source));
		drain(source, 0, 10, &text);
		source_status(source, &status);
	} while (status.partition_count < count && clock_monotonic_us() - start < 10000000);
	assert_int_equal(status.partition_count, count);
	assert_string_equal(text.text, "");
	strbuf_release(&text);
}

static void a_rotated_file_is_read_to_its_end_and_the_new_one_is_another_partition(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "r.log"), *old = path_of(folder, "r.log.1");
	const OptionSet *options = OPTIONS("connector", "file", "path", path, "format", "raw", "follow", "true");
	write_file(path, "one\n", O_TRUNC);
	Source *source = open_source(options);
	SourcePartitions partitions = list(source);
	assign(source, 0, from(0));
	StrBuf text = STRBUF_INIT;
	drain(source, 0, 10, &text);
	const char *known[2] = {arena_strdup(&folder->arena, partitions.at[0].name)};
	rename(path, old);
	write_file(path, "three\n", O_TRUNC);
	wait_for_files(source, 2);
	write_file(old, "two\n", O_APPEND);
	partitions.count = 0;
	assert_true(source_partitions(source, &partitions, 0, &(Error){0}));
	assert_int_equal(partitions.count, 2);
	known[1] = arena_strdup(&folder->arena, partitions.at[1].name);
	assert_int_equal(drain(source, 0, 10, &text), POLL_END);
	assign(source, 1, from(0));
	assert_int_equal(drain(source, 1, 10, &text), POLL_NOTHING);
	assert_string_equal(text.text, "0:one 4:two 0:three ");
	source_close(source);

	/* nobody watches: a third file comes, and what was added to the second is found under its new name */
	write_file(path, "four\n", O_APPEND);
	rename(path, path_of(folder, "r.log.2"));
	write_file(path, "five\n", O_TRUNC);
	source = open_known(options, known, 2);
	partitions.count = 0;
	assert_true(source_partitions(source, &partitions, 0, &(Error){0}));
	assert_int_equal(partitions.count, 3);
	strbuf_clear(&text);
	assign(source, 0, from(8));
	assign(source, 1, from(6));
	assign(source, 2, from(0));
	for (int p = 0; p < 3; p++) drain(source, p, 10, &text);
	assert_string_equal(text.text, "6:four 0:five ");
	strbuf_release(&text);
	vec_release(&partitions);
	source_close(source);
}

static void a_file_that_was_rotated_unseen_is_found_by_its_content(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "u.log");
	write_file(path_of(folder, "u.log.2"), "ten\nsix\n", O_TRUNC);
	write_file(path_of(folder, "u.log.1"), "one\ntwo\nthree\n", O_TRUNC);
	for (int shorter = 0; shorter < 2; shorter++) {                    /* shorter than the position, and not */
		write_file(path, shorter ? "4\n" : "four\nfive\n", O_TRUNC);
		Source *source = open_source(OPTIONS("connector", "file", "path", path, "format", "raw", "follow", "true"));
		SourcePartitions partitions = list(source);
		SourceStart start = from(8);
		start.last_position = 4;
		start.last_fingerprint = record_fingerprint(&(Record){.value = "two", .value_bytes = 3});
		assign(source, 0, start);
		StrBuf text = STRBUF_INIT;
		assert_int_equal(drain(source, 0, 10, &text), POLL_END);
		assert_string_equal(text.text, "8:three ");
		SourceStatus status;
		source_status(source, &status);
		assert_int_equal(status.partition_count, 2);
		partitions.count = 0;
		assert_true(source_partitions(source, &partitions, 0, &(Error){0}));
		assert_int_equal(partitions.count, 2);
		assign(source, 1, from(0));
		drain(source, 1, 10, &text);
		assert_string_equal(text.text, shorter ? "8:three 0:4 " : "8:three 0:four 5:five ");
		strbuf_release(&text);
		vec_release(&partitions);
		source_close(source);
	}
}

static void an_emptied_file_begins_anew_where_it_is_followed_and_is_lost_where_not(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "e.log");
	write_file(path, "one\ntwo\n", O_TRUNC);
	Source *source = open_source(OPTIONS("connector", "file", "path", path, "format", "raw", "follow", "true"));
	SourcePartitions partitions = list(source);
	assign(source, 0, from(0));
	StrBuf text = STRBUF_INIT;
	drain(source, 0, 10, &text);
	write_file(path, "3\n", O_TRUNC);
	assert_int_equal(drain(source, 0, 10, &text), POLL_END);
	partitions.count = 0;
	assert_true(source_partitions(source, &partitions, 0, &(Error){0}));
	assert_int_equal(partitions.count, 2);
	assign(source, 1, from(0));
	drain(source, 1, 10, &text);
	assert_string_equal(text.text, "0:one 4:two 0:3 ");
	source_close(source);

	source = open_source(OPTIONS("connector", "file", "path", path, "format", "raw"));
	partitions.count = 0;
	assert_true(source_partitions(source, &partitions, 0, &(Error){0}));
	Error err = ERROR_INIT;
	SourceLost lost;
	SourceStart start = from(8);
	assert_false(source_assign(source, 0, &start, &err));
	assert_int_equal(err.code, ERR_POSITION_LOST);
	assert_true(source_lost(source, 0, &lost));
	assert_int_equal(lost.why, LOST_SHRUNK);
	start = from(2);
	start.last_position = 0;
	start.last_fingerprint = record_fingerprint(&(Record){.value = "4", .value_bytes = 1});
	assign(source, 0, start);
	strbuf_clear(&text);
	assert_int_equal(drain(source, 0, 10, &text), POLL_ERROR);
	assert_non_null(strstr(text.text, "another content"));
	strbuf_release(&text);
	vec_release(&partitions);
	source_close(source);
}

static void csv_records_may_hold_line_ends_and_the_header_is_none(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "q.csv");
	write_file(path, "a,b\r\n1,\"x\ny\"\n\n2,it\"s\n", O_TRUNC);
	for (int at = 0; at <= 13; at += 13) {
		Source *source = open_source(OPTIONS("connector", "file", "path", path, "csv.header", "true"));
		SourcePartitions partitions = list(source);
		assign(source, 0, from(at));
		RecordBatch batch;
		Error err = ERROR_INIT;
		assert_int_equal(source_poll(source, 0, 10, &batch, &err), POLL_SOME);
		assert_int_equal(batch.header_bytes, 3);
		assert_memory_equal(batch.header, "a,b", 3);
		assert_int_equal(batch.count, at ? 1 : 2);
		if (!at) assert_memory_equal(batch.at[0].value, "1,\"x\ny\"", 7);
		assert_memory_equal(batch.at[batch.count - 1].value, "2,it\"s", 6);
		source_release(source, &batch);
		vec_release(&partitions);
		source_close(source);
	}
}

static void a_line_beyond_the_limit_is_one_flawed_record(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "long.log");
	write_file(path, "ok\n0123456789abcdef0123456789\nok\n0123456789abc", O_TRUNC);
	Source *source = open_source(OPTIONS("connector", "file", "path", path, "format", "raw", "record_limit", "10"));
	SourcePartitions partitions = list(source);
	StrBuf text = STRBUF_INIT;
	assign(source, 0, from(0));
	assert_int_equal(drain(source, 0, 10, &text), POLL_END);
	assert_string_equal(text.text, "0:ok 3:0123456789! 30:ok 33:0123456789! ");
	strbuf_release(&text);
	vec_release(&partitions);
	source_close(source);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "nowhere.ndjson");
	Source *source = open_source(OPTIONS("connector", "file", "path", path));
	SourcePartitions partitions = {0};
	Error err = ERROR_INIT;
	assert_false(source_partitions(source, &partitions, 0, &err));
	assert_int_equal(err.code, ERR_FILE_NOT_FOUND);
	assert_non_null(strstr(err.message, path));
	source_close(source);
}

static void standard_input_is_read_as_it_comes(void **state)
{
	Folder *folder = *state;
	int ends[2], saved = dup(STDIN_FILENO);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[0], STDIN_FILENO);
	Source *source = open_source(OPTIONS("connector", "stdin", "format", "raw"));
	assert_false(source_is_replayable(source));
	assert_true(source_is_bounded(source));
	SourcePartitions partitions = list(source);
	assign(source, 0, from(5));
	StrBuf text = STRBUF_INIT;
	assert_int_equal(drain(source, 0, 10, &text), POLL_NOTHING);
	assert_int_equal(write(ends[1], "a\nb\nc", 5), 5);
	assert_int_equal(drain(source, 0, 1, &text), POLL_NOTHING);
	assert_string_equal(text.text, "5:a 6:b ");
	assert_true(source_is_caught_up(source, 0));
	assert_int_equal(write(ends[1], "d", 1), 1);
	close(ends[1]);
	Poll poll = POLL_NOTHING;
	for (int i = 0; i < 3 && poll != POLL_END; i++) poll = drain(source, 0, 10, &text);
	assert_int_equal(poll, POLL_END);
	assert_string_equal(text.text, "5:a 6:b 7:cd ");
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(ends[0]);
	strbuf_release(&text);
	vec_release(&partitions);
	source_close(source);
}

/* ---- sinks ---- */

static Batch *batch_of(const int64_t *ids, const char *const *names, const int64_t *weights, int count)
{
	BatchBuilder builder;
	Type types[] = {TYPE(INTEGER), TYPE(TEXT)};
	batch_builder_init(&builder, types, 2, count);
	for (int i = 0; i < count; i++) {
		int row = batch_builder_row(&builder, weights[i]);
		batch_builder_set(&builder, row, 0, &(Value){.type = TYPE(INTEGER), .i64 = ids[i]});
		batch_builder_set(&builder, row, 1, &(Value){.type = TYPE(TEXT), .is_null = !names[i], .str = names[i] ? str_borrow(names[i], strlen(names[i])) : (Str){0}});
	}
	Batch *batch = batch_builder_take(&builder);
	batch_builder_release(&builder);
	return batch;
}

static const EncodeColumn COLUMNS[] = {{"id", {.kind = TYPE_INTEGER}}, {"na\"me", {.kind = TYPE_TEXT}}};

static Sink *sink_make(const OptionSet *options, bool append_only, int64_t position)
{
	static const int KEY[] = {0};
	Sink *sink;
	Error err = ERROR_INIT;
	SinkConfig config = {.name = "s", .options = options, .columns = COLUMNS, .column_count = 2, .append_only = append_only, .key_columns = KEY, .key_count = 1, .position = position};
	if (!sink_open(&config, &sink, &err)) fail_msg("%s", err.message);
	return sink;
}

static void a_file_sink_is_cut_back_to_what_was_committed(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "out.ndjson");
	const OptionSet *options = OPTIONS("connector", "file", "path", path);
	Error err = ERROR_INIT;
	int64_t first, second;
	Batch *batch = batch_of((int64_t[]){1, 2}, (const char *const[]){"x\n", NULL}, (int64_t[]){1, 2}, 2);
	Sink *sink = sink_make(options, true, SINK_POSITION_NEW);
	assert_true(sink_write(sink, batch, 1, &err));
	assert_true(sink_flush(sink, 1, &first, &err));
	assert_string_equal(read_file(folder, path), "{\"id\":1,\"na\\\"me\":\"x\\n\"}\n{\"id\":2,\"na\\\"me\":null}\n{\"id\":2,\"na\\\"me\":null}\n");
	assert_true(sink_write(sink, batch, 2, &err));
	assert_true(sink_flush(sink, 2, &second, &err));               /* written, but the commit was lost */
	assert_int_equal(second, 2 * first);
	assert_int_equal(sink_rows(sink), 4);
	sink_close(sink);
	sink = sink_make(options, true, first);
	assert_int_equal(strlen(read_file(folder, path)), first);
	sink_close(sink);
	SinkConfig config = {.name = "s", .options = options, .columns = COLUMNS, .column_count = 2, .position = second};
	assert_false(sink_open(&config, &sink, &err));
	assert_int_equal(err.code, ERR_POSITION_LOST);
	error_clear(&err);
	config.position = SINK_POSITION_NEW;
	assert_false(sink_open(&config, &sink, &err));
	assert_int_equal(err.code, ERR_WRONG_STATE);
	batch_unref(batch);
}

static void changes_carry_an_op_where_rows_are_taken_back(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "changes.csv");
	const OptionSet *options = OPTIONS("connector", "file", "path", path, "csv.header", "true");
	Error err = ERROR_INIT;
	int64_t position;
	Batch *batch = batch_of((int64_t[]){1, 2, 2, 3, 4}, (const char *const[]){"a,b", "old", "new", "", NULL}, (int64_t[]){1, -1, 1, -1, 1}, 5);
	Sink *sink = sink_make(options, false, SINK_POSITION_NEW);
	assert_true(sink_write(sink, batch, 1, &err));
	assert_true(sink_flush(sink, 1, &position, &err));
	sink_close(sink);
	assert_string_equal(read_file(folder, path), "op,id,\"na\"\"me\"\n+I,1,\"a,b\"\n-U,2,old\n+U,2,new\n-D,3,\"\"\n+I,4,\n");
	batch_unref(batch);
}

static void a_blackhole_counts(void **state)
{
	Folder *folder = *state;
	Error err = ERROR_INIT;
	int64_t position;
	Batch *batch = batch_of((int64_t[]){1, 2}, (const char *const[]){"a", "b"}, (int64_t[]){1, -1}, 2);
	Sink *sink = sink_make(OPTIONS("connector", "blackhole"), false, SINK_POSITION_NEW);
	for (int i = 0; i < 3; i++) assert_true(sink_write(sink, batch, i, &err));
	assert_true(sink_flush(sink, 1, &position, &err));
	assert_int_equal(sink_rows(sink), 6);
	assert_int_equal(position, 6);
	sink_close(sink);
	batch_unref(batch);
}

/* ---- samples ---- */

static void a_sample_tells_the_stream(void **state)
{
	Folder *folder = *state;
	const char *path = path_of(folder, "peek.ndjson");
	write_file(path, "{\"id\":1,\"price\":1.5,\"ok\":true,\"at\":\"2026-11-20 10:00:00\",\"where\":{\"city\":\"Oslo\",\"zip\":10},\"tags\":[1],\"created\":1700000000123,\"n\":null}\n"
		"{\"id\":2,\"price\":2,\"ok\":false,\"at\":\"2026-11-20 10:00:05\",\"where\":{\"city\":\"Rom\",\"zip\":20},\"tags\":[],\"created\":1700000000124,\"odd name\":\"x\"}\n"
		"{\"id\":3,\"price\":2,\"ok\":false,\"at\":\"2026-11-20 10:00:02\",\"where\":null,\"tags\":[],\"created\":1700000000125}\nnot json\n", O_TRUNC);
	const OptionSet *options = OPTIONS("connector", "file", "path", path);
	Arena arena;
	arena_init(&arena, 0);
	Sample sample;
	Error err = ERROR_INIT;
	StrBuf text = STRBUF_INIT;
	SourceConfig config = {.name = "s", .options = options, .format = format_find("json", SPAN_NONE, &err)};
	assert_true(source_sample(&arena, &config, SAMPLE_FIRST, 100, 5000, &sample, &err));
	assert_int_equal(sample.records, 4);
	assert_true(sample_guess(&sample, "orders", options, &text, &err));
	assert_string_equal(text.text, arena_printf(&arena, "-- from 4 records, 1 of which are no JSON objects; greatest disorder in at: 3.000 s\n"
		"CREATE STREAM orders (\n  id INTEGER,\n  price REAL,\n  ok BOOLEAN,\n  at TIMESTAMP,\n  \"where\" ROW<city TEXT, zip INTEGER>,\n  tags JSON,\n  created TIMESTAMP,\n"
		"  n TEXT,\n  \"odd name\" TEXT,\n  WATERMARK FOR at AS at - INTERVAL '5 seconds'\n) WITH (connector = 'file', path = '%s');\n", path));
	strbuf_clear(&text);
	assert_true(source_sample(&arena, &config, SAMPLE_LAST, 1, 5000, &sample, &err));
	sample_print(&sample, &text);
	assert_non_null(strstr(text.text, "value not json\n"));
	assert_int_equal(sample.records, 1);
	strbuf_release(&text);
	arena_release(&arena);
}

static void a_sample_that_is_no_json_tells_csv_or_raw(void **state)
{
	static const struct { const char *records[4]; int bytes; const char *stream; } CASES[] = {
		{{"1,\"a, b\",1.5,2026-11-20 10:00:05,true", "2,c,2,2026-11-20 10:00:02,false", "3,,3,2026-11-20 10:00:07,true"}, 0,
			"-- from 3 records; greatest disorder in c4: 3.000 s\nCREATE STREAM s (\n  c1 INTEGER,\n  c2 TEXT,\n  c3 REAL,\n  c4 TIMESTAMP,\n  c5 BOOLEAN,\n"
			"  WATERMARK FOR c4 AS c4 - INTERVAL '5 seconds'\n) WITH (connector = 'stdin', format = 'csv');\n"},
		{{"a;1", "b;2,5"}, 0, "-- from 2 records\nCREATE STREAM s (\n  c1 TEXT,\n  c2 TEXT\n) WITH (connector = 'stdin', format = 'csv', csv.delimiter = ';');\n"},
		{{"a\t1", "b\t2"}, 0, "-- from 2 records\nCREATE STREAM s (\n  c1 TEXT,\n  c2 INTEGER\n) WITH (connector = 'stdin', format = 'csv', csv.delimiter = 'tab');\n"},
		{{"a line, of a log", "another"}, 0, "-- from 2 records\nCREATE STREAM s (\n  value TEXT\n) WITH (connector = 'stdin', format = 'raw');\n"},
		{{"\x01,\xff"}, 3, "-- from 1 records\nCREATE STREAM s (\n  value BLOB\n) WITH (connector = 'stdin', format = 'raw');\n"},
		{{"[1,2]"}, 0, "-- from 1 records\nCREATE STREAM s (\n  c1 TEXT,\n  c2 TEXT\n) WITH (connector = 'stdin', format = 'csv');\n"},
	};
	Folder *folder = *state;
	const OptionSet *options = OPTIONS("connector", "stdin");
	for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
		Record records[4];
		RecordBatch batch = {.at = records};
		for (; batch.count < 4 && CASES[c].records[batch.count]; batch.count++) {
			const char *text = CASES[c].records[batch.count];
			records[batch.count] = (Record){.value = text, .value_bytes = (uint32_t)(CASES[c].bytes ? CASES[c].bytes : (int)strlen(text)), .timestamp_us = TIMESTAMP_NONE};
		}
		Sample sample = {.at = &batch, .count = 1, .records = batch.count};
		StrBuf text = STRBUF_INIT;
		Error err = ERROR_INIT;
		assert_true(sample_guess(&sample, "s", options, &text, &err));
		assert_string_equal(text.text, CASES[c].stream);
		strbuf_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_records_at_their_bytes),
		cmocka_unit_test(each_file_of_a_pattern_is_a_partition_and_keeps_its_number),
		cmocka_unit_test(a_followed_file_gives_whole_lines_only),
		cmocka_unit_test(a_rotated_file_is_read_to_its_end_and_the_new_one_is_another_partition),
		cmocka_unit_test(a_file_that_was_rotated_unseen_is_found_by_its_content),
		cmocka_unit_test(an_emptied_file_begins_anew_where_it_is_followed_and_is_lost_where_not),
		cmocka_unit_test(csv_records_may_hold_line_ends_and_the_header_is_none),
		cmocka_unit_test(a_line_beyond_the_limit_is_one_flawed_record),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
		cmocka_unit_test(standard_input_is_read_as_it_comes),
		cmocka_unit_test(a_file_sink_is_cut_back_to_what_was_committed),
		cmocka_unit_test(changes_carry_an_op_where_rows_are_taken_back),
		cmocka_unit_test(a_blackhole_counts),
		cmocka_unit_test(a_sample_tells_the_stream),
		cmocka_unit_test(a_sample_that_is_no_json_tells_csv_or_raw),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
