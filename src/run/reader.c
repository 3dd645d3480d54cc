/* Readers on the runtime's side: which columns are read, where partitions stand, and what each scan gets of a batch.
 *
 * The columns are the union over the lane's scans, so a record is decoded once for all views. When a new view wants more of them, the
 * decoder is made anew and reading begins again at the consumed position: rare, and simpler than decoders that grow while they run.
 */
#include "run/reader.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "expr/function.h"
#include "run/pipeline.h"

enum { RETRY_US = 1000000 };

/* ---- which columns ---- */

static bool path_equal(const ColumnPath *a, const ColumnPath *b)
{
	if (a->column != b->column || a->field_count != b->field_count) return false;
	for (int i = 0; i < a->field_count; i++)
		if (strcmp(a->fields[i], b->fields[i]) != 0) return false;
	return true;
}

int reader_column(const Reader *reader, const ColumnPath *path)
{
	for (int c = 0; c < reader->columns.count; c++)
		if (path_equal(&reader->columns.at[c].path, path)) return c;
	return -1;
}

typedef struct ClockUse { bool found; } ClockUse;

static bool visit_clock(Expr *e, void *context)
{
	if (e->kind == EXPR_CALL && (e->function->flags & (FUNCTION_CLOCK | FUNCTION_PROCTIME))) ((ClockUse *)context)->found = true;
	return true;
}

typedef struct InputUse { Reader *reader; } InputUse;
static int reader_want(Reader *reader, const ColumnPath *path, Type type, ColumnId input);

static bool visit_inputs(Expr *e, void *context)
{
	if (e->kind != EXPR_COLUMN) return true;
	Reader *reader = ((InputUse *)context)->reader;
	const RelationInput *input = &reader->relation->inputs[e->column - 1];
	int column = reader_want(reader, &input->path, input->type, e->column);
	reader->columns.at[column].input = e->column;
	return true;
}

/* Inputs of a computed column come before it, so one pass computes all. */
static int reader_want(Reader *reader, const ColumnPath *path, Type type, ColumnId input)
{
	int found = reader_column(reader, path);
	if (found >= 0) return found;
	const RelationColumn *declared = &reader->relation->columns[path->column];
	ReaderColumn column = {.path = *path, .type = type, .decode = -1, .input = input};
	if (declared->kind == COLUMN_COMPUTED && path->field_count == 0) {
		InputUse use = {reader};
		expr_walk(declared->computed, visit_inputs, &use);
		ClockUse clock = {0};
		expr_walk(declared->computed, visit_clock, &clock);
		column.computed = declared->computed;
		column.clock = clock.found;
	}
	vec_push(&reader->columns, column);
	return reader->columns.count - 1;
}

static void reader_want_always(Reader *reader, int relation_column)
{
	ColumnPath path = {.column = relation_column};
	int column = reader_want(reader, &path, reader->relation->columns[relation_column].type, 0);
	reader->columns.at[column].always = true;
}

static bool reader_is_local(const Reader *reader) { return !reader->relation->connector; }

static void collect_columns(Reader *reader)
{
	Relation *relation = reader->relation;
	reader->columns.count = 0;
	reader->event_column = -1;
	if (reader_is_local(reader)) {
		for (int c = 0; c < relation->column_count; c++) {
			ReaderColumn column = {.path = {.column = c}, .type = relation->columns[c].type, .decode = -1};
			vec_push(&reader->columns, column);
		}
	}
	else {
		for (int k = 0; k < relation->primary_key_count; k++) reader_want_always(reader, relation->primary_key[k]);
		if (relation->watermark_column >= 0) reader_want_always(reader, relation->watermark_column);
		for (int s = 0; s < reader->scans.count; s++) {
			LoweredScan *scan = reader->scans.at[s].scan;
			for (int c = 0; c < scan->column_count; c++) reader_want(reader, &scan->columns[c], scan->types[c], 0);
		}
	}
	if (relation->watermark_column >= 0) {
		ColumnPath path = {.column = relation->watermark_column};
		reader->event_column = reader_column(reader, &path);
	}
	for (int s = 0; s < reader->scans.count; s++) {
		ReaderScan *attached = &reader->scans.at[s];
		free(attached->map);
		attached->map = mem_alloc(sizeof *attached->map * (size_t)(attached->scan->column_count + 1));
		for (int c = 0; c < attached->scan->column_count; c++)
			attached->map[c] = reader_column(reader, &attached->scan->columns[c]);
	}
}

static TimeUnit time_unit(const Reader *reader)
{
	static const struct { const char *word; TimeUnit unit; } UNITS[] =
		{{"s", TIME_UNIT_SECONDS}, {"ms", TIME_UNIT_MS}, {"us", TIME_UNIT_US}, {"ns", TIME_UNIT_NS}};
	const char *word = options_text(&reader->options, "timestamp_unit");
	for (int i = 0; word && i < 4; i++)
		if (strcmp(word, UNITS[i].word) == 0) return UNITS[i].unit;
	return TIME_UNIT_BY_SIZE;
}

static bool metadata_column(Reader *reader, const RelationColumn *declared, DecodeColumn *column, Error *err)
{
	static const struct { const char *key; DecodeFrom from; } KEYS[] = {
		{"key", DECODE_KEY}, {"topic", DECODE_TOPIC}, {"partition", DECODE_PARTITION}, {"offset", DECODE_POSITION},
		{"timestamp", DECODE_TIMESTAMP}, {"headers", DECODE_HEADERS}, {"value", DECODE_VALUE},
	};
	for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
		if (strcmp(declared->metadata_key, KEYS[i].key) == 0) {
			column->from = KEYS[i].from;
			if (column->from == DECODE_HEADERS) column->type = declared->type;        /* it says in which form */
			return true;
		}
	if (strncmp(declared->metadata_key, "header:", 7) == 0) {
		column->from = DECODE_HEADER;
		const char **path = arena_array(&reader->arena, const char *, 1);
		path[0] = declared->metadata_key + 7;
		column->path = path;
		column->path_count = 1;
		return true;
	}
	return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "metadata \"%s\" of column \"%s\" is not known", declared->metadata_key, declared->name);
}

static bool field_path(Reader *reader, const RelationColumn *declared, const ColumnPath *path, DecodeColumn *column, Error *err)
{
	const char *const *base = NULL;
	int base_count = 0;
	if (declared->json_path) {
		if (!decode_path_parse(&reader->arena, declared->json_path, SPAN_NONE, &base, &base_count, err)) return false;
	}
	else {
		const char **name = arena_array(&reader->arena, const char *, 1);
		name[0] = declared->name;
		base = name;
		base_count = 1;
	}
	const char **all = arena_array(&reader->arena, const char *, base_count + path->field_count);
	for (int i = 0; i < base_count; i++) all[i] = base[i];
	for (int i = 0; i < path->field_count; i++) all[base_count + i] = path->fields[i];
	column->path = all;
	column->path_count = base_count + path->field_count;
	return true;
}

/* Has a record's value a field for the column? */
static bool stands_in_value(const Reader *reader, int column)
{
	const RelationColumn *declared = &reader->relation->columns[column];
	const char *keys = options_text(&reader->options, "key_fields"), *fields = options_text(&reader->options, "value_fields");
	bool without_keys = keys && fields && strcmp(fields, "except_key") == 0;
	return declared->kind == COLUMN_PHYSICAL && !(without_keys && key_fields_have(keys, declared->name));
}

static bool decode_column(Reader *reader, const ColumnPath *path, Type type, bool not_null, DecodeColumn *out, Error *err)
{
	const Relation *relation = reader->relation;
	const RelationColumn *declared = &relation->columns[path->column];
	StrBuf name = STRBUF_INIT;
	strbuf_adds(&name, declared->name);
	for (int i = 0; i < path->field_count; i++) strbuf_printf(&name, ".%s", path->fields[i]);
	*out = (DecodeColumn){.name = arena_strdup(&reader->arena, name.text), .type = type, .unit = time_unit(reader), .not_null = not_null, .ordinal = -1};
	strbuf_release(&name);
	for (int c = 0, n = 0; c < relation->column_count; c++) {
		if (!stands_in_value(reader, c)) continue;
		if (c == path->column) out->ordinal = n;
		n++;
	}
	if (declared->kind == COLUMN_METADATA) return metadata_column(reader, declared, out, err);
	return field_path(reader, declared, path, out, err) && decode_column_place(&reader->options, &reader->arena, out, err);
}

static bool is_key_column(const Relation *relation, int column)
{
	for (int k = 0; k < relation->primary_key_count; k++)
		if (relation->primary_key[k] == column) return true;
	return false;
}

static bool make_decode_columns(Reader *reader, Error *err)
{
	reader->decode_columns = arena_array(&reader->arena, DecodeColumn, reader->columns.count + 1);
	reader->decode_count = 0;
	for (int c = 0; c < reader->columns.count; c++) {
		ReaderColumn *column = &reader->columns.at[c];
		if (column->computed) continue;
		const RelationColumn *declared = &reader->relation->columns[column->path.column];
		bool not_null = column->path.field_count == 0 && (declared->not_null || is_key_column(reader->relation, column->path.column));
		column->decode = reader->decode_count;
		DecodeColumn *decode = &reader->decode_columns[reader->decode_count++];
		if (!decode_column(reader, &column->path, column->type, not_null, decode, err)) return false;
		decode->is_key = column->path.field_count == 0 && is_key_column(reader->relation, column->path.column);
	}
	return true;
}

/* ---- opening ---- */

static void make_decoder_config(Reader *reader)
{
	const OptionSet *options = &reader->options;
	const char *null = options_text(options, "csv.null"), *changelog = reader->relation->changelog;
	int physical = 0;
	for (int c = 0; c < reader->relation->column_count; c++) physical += stands_in_value(reader, c);
	reader->decoder_config = (DecoderConfig){
		.format = reader->format ? reader->format->name : "json", .columns = reader->decode_columns, .column_count = reader->decode_count,
		.csv_delimiter = options_text(options, "csv.delimiter") ? options_text(options, "csv.delimiter")[0] : ',',
		.csv_quote = options_text(options, "csv.quote") ? options_text(options, "csv.quote")[0] : '"',
		.csv_header = options_boolean(options, "csv.header"), .csv_null = null, .csv_field_count = physical,
		.changelog = !changelog ? CHANGELOG_NONE : strcmp(changelog, "upsert") == 0 ? CHANGELOG_UPSERT
			: strcmp(changelog, "debezium") == 0 ? CHANGELOG_DEBEZIUM : strcmp(changelog, "maxwell") == 0 ? CHANGELOG_MAXWELL
			: strcmp(changelog, "canal") == 0 ? CHANGELOG_CANAL : strcmp(changelog, "op") == 0 ? CHANGELOG_OP : CHANGELOG_NONE,
	};
}

static bool declared_columns(Reader *reader, DecodeColumn **out, int *count, Error *err)
{
	const Relation *relation = reader->relation;
	*out = arena_array(&reader->arena, DecodeColumn, relation->column_count + 1);
	*count = 0;
	for (int c = 0; c < relation->column_count; c++) {
		if (relation->columns[c].kind != COLUMN_PHYSICAL) continue;
		ColumnPath path = {.column = c};
		if (!decode_column(reader, &path, relation->columns[c].type, false, &(*out)[(*count)++], err)) return false;
	}
	return true;
}

static bool reader_open(Reader *reader, Error *err)
{
	const char *format = options_text(&reader->options, "format");
	if (format && !(reader->format = format_find(format, SPAN_NONE, err))) return false;
	SourceConfig config = {.name = reader->relation->name, .options = &reader->options, .format = reader->format};
	DecodeColumn *declared;
	if (!declared_columns(reader, &declared, &config.declared_count, err)) return false;
	config.declared = declared;
	return source_open(&config, &reader->source, err);
}

Reader *reader_new(Relation *relation, DecodePool *pool, Error *err)
{
	Reader *reader = mem_new(Reader);
	arena_init(&reader->arena, 0);
	arena_init(&reader->clock_arena, 0);
	arena_init(&reader->step_arena, 1 << 16);
	reader->relation = relation_ref(relation);
	reader->pool = pool;
	reader->watermark = WATERMARK_NONE;
	OptionSet stored = {relation->options, relation->option_count};
	if (!options_resolve(&reader->arena, &stored, &reader->options, err)) {
		reader_free(reader);
		return NULL;
	}
	reader->logged = relation_is_changelog(relation) && (strcmp(relation->connector, "kafka") == 0 || strcmp(relation->connector, "stdin") == 0);
	reader->max_future_us = options_integer(&reader->options, "max_future");
	reader->idle_timeout_us = options_integer(&reader->options, "idle_timeout");
	const char *on_error = options_text(&reader->options, "on_error");
	reader->dead_is_skipped = on_error && strcmp(on_error, "skip") == 0;
	reader->dead_is_failure = on_error && strcmp(on_error, "fail") == 0;
	reader->on_gap = gap_policy(options_text(&reader->options, "on_offset_gap"));
	return reader;
}

static void release_programs(ExprProgram **programs, int count)
{
	for (int c = 0; c < count; c++)
		if (programs[c]) expr_program_release(programs[c]);
}

static void partition_free(Partition *partition)
{
	release_programs(partition->programs, partition->program_count);
	if (partition->decoder) decoder_free(partition->decoder);
	arena_release(&partition->programs_arena);
	free(partition);
}

void reader_free(Reader *reader)
{
	if (!reader) return;
	reader_stop(reader);
	if (reader->source) source_close(reader->source);
	for (int i = 0; i < reader->partitions.count; i++) partition_free(reader->partitions.at[i]);
	for (int i = 0; i < reader->scans.count; i++) free(reader->scans.at[i].map);
	release_programs(reader->clock_programs, reader->clock_program_count);
	vec_release(&reader->partitions);
	vec_release(&reader->scans);
	vec_release(&reader->columns);
	relation_unref(reader->relation);
	arena_release(&reader->arena);
	arena_release(&reader->clock_arena);
	arena_release(&reader->step_arena);
	free(reader);
}

void reader_attach(Reader *reader, Pipeline *pipeline, LoweredScan *scan)
{
	ReaderScan attached = {.pipeline = pipeline, .scan = scan, .fresh = true, .counts = account_counts(pipeline, scan)};
	vec_push(&reader->scans, attached);
}

void reader_detach(Reader *reader, const Pipeline *pipeline)
{
	int kept = 0;
	for (int i = 0; i < reader->scans.count; i++) {
		if (reader->scans.at[i].pipeline == pipeline) free(reader->scans.at[i].map);
		else reader->scans.at[kept++] = reader->scans.at[i];
	}
	reader->scans.count = kept;
}

static const ColumnId *program_layout(const Reader *reader, Arena *arena)
{
	ColumnId *layout = arena_array(arena, ColumnId, reader->columns.count + 1);
	for (int c = 0; c < reader->columns.count; c++) layout[c] = reader->columns.at[c].input;
	return layout;
}

static ExprProgram **compile_computed(const Reader *reader, Arena *arena, bool clock)
{
	const ColumnId *layout = program_layout(reader, arena);
	ExprProgram **programs = arena_array(arena, ExprProgram *, reader->columns.count + 1);
	for (int c = 0; c < reader->columns.count; c++) {
		const ReaderColumn *column = &reader->columns.at[c];
		if (column->computed && column->clock == clock) programs[c] = expr_compile(arena, column->computed, layout, reader->columns.count);
	}
	return programs;
}

bool reader_prepare(Reader *reader, Error *err)
{
	collect_columns(reader);
	if (reader_is_local(reader)) {
		reader_partition(reader, 0, "local");
		return true;
	}
	if (!make_decode_columns(reader, err)) return false;
	if (!reader->source && !reader_open(reader, err)) return false;
	make_decoder_config(reader);
	release_programs(reader->clock_programs, reader->clock_program_count);
	arena_clear(&reader->clock_arena);
	reader->clock_programs = compile_computed(reader, &reader->clock_arena, true);
	reader->clock_program_count = reader->columns.count;
	if (source_makes_batches(reader->source)) return source_want(reader->source, reader->decode_columns, reader->decode_count, err);
	return true;
}

Partition *reader_partition(Reader *reader, int number, const char *name)
{
	for (int i = 0; i < reader->partitions.count; i++)
		if (reader->partitions.at[i]->number == number) return reader->partitions.at[i];
	Partition *partition = mem_new(Partition);
	partition->reader = reader;
	partition->number = number;
	partition->name = arena_strdup(&reader->arena, name ? name : "");
	partition->position = partition->sealed_position = partition->begun = -1;
	partition->last_position = -1;
	partition->watermark = partition->committed_watermark = WATERMARK_NONE;
	partition->stop = SOURCE_STOP_NEVER;
	atomic_store(&partition->limit, SOURCE_STOP_NEVER);
	arena_init(&partition->programs_arena, 0);
	arena_init(&partition->scratch, 0);
	vec_push(&reader->partitions, partition);
	return partition;
}

static bool partition_begin(Reader *reader, Partition *partition, const SourcePartition *known, Error *err)
{
	if (partition->position < 0) partition->position = known->start;
	if (partition->begun < 0) partition->begun = partition->position;
	if (partition->stop == SOURCE_STOP_NEVER) partition->stop = known->stop;
	if (reader->stop_at_end && known->end < partition->stop) partition->stop = known->end;
	if (partition->decoder) decoder_free(partition->decoder);
	partition->decoder = NULL;
	if (!source_makes_batches(reader->source) && !(partition->decoder = decoder_new(&reader->decoder_config, err))) return false;
	release_programs(partition->programs, partition->program_count);
	arena_clear(&partition->programs_arena);
	partition->programs = compile_computed(reader, &partition->programs_arena, false);
	partition->program_count = reader->columns.count;
	partition->read_position = partition->position;
	partition->read_hash = partition->hash;
	partition->has_records = false;
	atomic_store(&partition->ended, false);
	atomic_store(&partition->busy, false);
	atomic_store(&partition->broken, false);
	partition->error = ERROR_INIT;
	SourceStart start = {
		.position = partition->position, .stop = partition->stop, .wake_fd = decode_pool_fd(reader->pool, partition),
		.last_position = partition->last_position, .last_fingerprint = partition->fingerprint,
	};
	if (!source_assign(reader->source, partition->number, &start, err)) return false;
	partition->assigned = true;
	partition->arrived_us = clock_monotonic_us();
	decode_pool_add(reader->pool, partition);
	return true;
}

bool reader_start(Reader *reader, int timeout_ms, Error *err)
{
	if (reader_is_local(reader)) {
		reader->started = true;
		return true;
	}
	SourcePartitions known = {0};
	for (int i = 0; i < reader->partitions.count && !reader->started; i++)
		if (*reader->partitions.at[i]->name) source_know(reader->source, reader->partitions.at[i]->number, reader->partitions.at[i]->name);
	bool ok = source_partitions(reader->source, &known, timeout_ms, err);
	for (int i = 0; ok && i < known.count; i++) {
		Partition *partition = reader_partition(reader, known.at[i].partition, known.at[i].name);
		if (!partition->assigned) ok = partition_begin(reader, partition, &known.at[i], err);
	}
	vec_release(&known);
	if (ok) {
		reader->started = true;
		reader->unreachable_since_us = 0;
		reader->last_error = ERROR_INIT;
	}
	else {
		int64_t now = clock_monotonic_us();
		reader->last_error = *err;
		reader->retry_at_us = now + RETRY_US;
		if (!reader->unreachable_since_us) reader->unreachable_since_us = now;
	}
	return ok;
}

static void partition_stop(Reader *reader, Partition *partition)
{
	if (!partition->assigned) return;
	decode_pool_remove(reader->pool, partition);
	if (partition->stop != SOURCE_STOP_NEVER && partition->read_position >= partition->stop) partition_report(partition, true);
	if (partition->has_records) source_release(reader->source, &partition->records);
	partition->has_records = false;
	source_unassign(reader->source, partition->number);
	partition->assigned = false;
	for (Item *item; (item = partition_take(partition)); ) item_free(item);
}

void reader_stop(Reader *reader)
{
	for (int i = 0; i < reader->partitions.count; i++) partition_stop(reader, reader->partitions.at[i]);
	reader->started = false;
}

/* ---- rows into the graph ---- */

/* What judges the rows of one partition besides itself: the others as the last commit left them. */
static int64_t watermark_of_others(const Reader *reader, const Partition *own)
{
	int64_t least = WATERMARK_END;
	for (int i = 0; i < reader->partitions.count; i++) {
		const Partition *partition = reader->partitions.at[i];
		if (partition != own && !partition->idle && partition->committed_watermark < least) least = partition->committed_watermark;
	}
	return least;
}

/* Moves the partition's watermark over the batch; judges (may be NULL) gets what each row met before itself. */
static void partition_judge(Reader *reader, Partition *partition, const Batch *batch, int64_t *judges, bool alone)
{
	const Column *times = &batch->columns[reader->event_column];
	int64_t others = alone ? WATERMARK_END : watermark_of_others(reader, partition), own = partition->watermark, delay = reader->relation->watermark_delay_us;
	for (int i = 0; i < batch->count; i++) {
		int row = batch_row(batch, i);
		if (judges) {
			int64_t judge = own < others ? own : others;
			judges[row] = judge > reader->watermark ? judge : reader->watermark;
		}
		if (!column_is_null(times, row) && own != WATERMARK_END && times->i64[row] - delay > own) own = times->i64[row] - delay;
	}
	partition->watermark = own;
}

static void reader_judge(Reader *reader, Partition *partition, Batch *batch)
{
	if (reader->event_column < 0) return;
	bool wanted = false;
	for (int s = 0; s < reader->scans.count; s++) wanted |= reader->scans.at[s].scan->want_judge;
	int64_t *judges = wanted ? arena_alloc(&batch->arena, sizeof(int64_t) * (size_t)(batch->rows + 1)) : NULL;
	partition_judge(reader, partition, batch, judges, false);
	batch->hidden.judge = judges;
}

static void reader_number(Reader *reader, const Partition *partition, const Item *item, Batch *batch, uint64_t commit)
{
	bool wanted = false;
	for (int s = 0; s < reader->scans.count; s++) wanted |= reader->scans.at[s].scan->want_arrival;
	if (!wanted) return;
	Int128 *arrival = arena_alloc(&batch->arena, sizeof(Int128) * (size_t)(batch->rows + 1));
	Int128 base = ((Int128)commit << 88) | ((Int128)partition->number << 64);
	for (int row = 0; row < batch->rows; row++)
		arrival[row] = base + (item->positions ? item->positions[row] : item->position + row);
	batch->hidden.arrival = arrival;
}

/* Is the dead value in a column that the scan reads? Whole records, keys and event times count as read by all. */
static bool scan_reads(const Reader *reader, const ReaderScan *scan, int column)
{
	if (column < 0 || reader->columns.at[column].always) return true;
	for (int c = 0; c < scan->scan->column_count; c++)
		if (scan->map[c] == column) return true;
	return false;
}

static int reader_column_of_decode(const Reader *reader, int decode)
{
	for (int c = 0; c < reader->columns.count; c++)
		if (reader->columns.at[c].decode == decode && !reader->columns.at[c].computed) return c;
	return -1;
}

/* Computed columns that read a bad one are bad themselves: what a scan of theirs misses counts, too. */
static bool batch_row_is_bad(const Reader *reader, const ReaderScan *scan, const Batch *batch, int row)
{
	for (int c = 0; c < scan->scan->column_count; c++) {
		const Column *column = &batch->columns[scan->map[c]];
		if (column->null && column->null[row] == MARK_BAD) return true;
	}
	for (int c = 0; c < reader->columns.count; c++) {
		const Column *column = &batch->columns[c];
		if (reader->columns.at[c].always && column->null && column->null[row] == MARK_BAD) return true;
	}
	return false;
}

/* What is bad for one of the view's scans of the relation is dead for the view. */
static bool is_dead_for(const Reader *reader, const Pipeline *pipeline, const Batch *batch, int row)
{
	for (int s = 0; s < reader->scans.count; s++)
		if (reader->scans.at[s].pipeline == pipeline && batch_row_is_bad(reader, &reader->scans.at[s], batch, row)) return true;
	return false;
}

static Batch *scan_batch(const ReaderScan *scan, Batch *batch, const uint32_t *sel, int count)
{
	Batch *out = batch_derive(batch, scan->scan->column_count);
	out->rows = batch->rows;
	out->count = count;
	if (sel) out->sel = arena_copy(&out->arena, sel, sizeof *sel * (size_t)count);
	out->weights = batch->weights;
	out->hidden = batch->hidden;
	out->system_us = batch->system_us;
	for (int c = 0; c < scan->scan->column_count; c++) out->columns[c] = batch->columns[scan->map[c]];
	return out;
}

/* Rows that the scan gets: those that are not bad for it. */
static bool scan_deliver(Reader *reader, ReaderScan *scan, Batch *batch, bool any_bad, const uint8_t *all_dead, Error *err)
{
	uint32_t *sel = NULL;
	int count = batch->count;
	if (any_bad || all_dead) {
		sel = arena_alloc(&reader->step_arena, sizeof *sel * (size_t)(batch->count + 1));
		count = 0;
		for (int i = 0; i < batch->count; i++) {
			int row = batch_row(batch, i);
			if (all_dead && all_dead[row]) continue;
			if (any_bad && is_dead_for(reader, scan->pipeline, batch, row)) continue;
			sel[count++] = (uint32_t)row;
		}
	}
	else if (batch->sel) sel = (uint32_t *)(uintptr_t)batch->sel;
	if (scan->counts) scan->pipeline->rows_dead += batch->count - count;
	if (count == 0) return true;
	Batch *out = scan_batch(scan, batch, sel, count);
	bool ok = op_push(scan->scan->op, 0, out, err);
	batch_unref(out);
	return ok;
}

static const char *dead_views(Reader *reader, int column, const Batch *batch, int row)
{
	StrBuf names = STRBUF_INIT;
	for (int s = 0; s < reader->scans.count; s++) {
		const ReaderScan *scan = &reader->scans.at[s];
		bool misses = row < 0 || scan_reads(reader, scan, column) || (batch && batch_row_is_bad(reader, scan, batch, row));
		if (!misses || !scan->pipeline->relation || strstr(names.text, scan->pipeline->relation->name)) continue;
		strbuf_printf(&names, "%s%s", names.bytes ? ", " : "", scan->pipeline->relation->name);
	}
	const char *text = arena_strdup(&reader->step_arena, names.text);
	strbuf_release(&names);
	return text;
}

static bool dead_report(Reader *reader, const Partition *partition, const DeadRecord *dead, const char *views, const StepContext *step, Error *err)
{
	if (reader->dead_is_failure) {
		reader->refused = true;
		error_set(err, ERR_INVALID_TEXT, SPAN_NONE, "record at position %lld of partition %d of stream \"%s\" is no row: %s", (long long)dead->position, partition->number,
			reader->relation->name, dead->error);
		return error_hint(err, "ALTER STREAM %s SET (on_error = 'dead_letter') keeps such records beside; then RESUME what was stopped.", reader->relation->name);
	}
	if (!reader->dead_is_skipped && step->dead) step->dead(step->context, reader, partition, dead, views);
	return true;
}

/* One letter a record, however many of its values are bad. */
static bool report_dead(Reader *reader, const Partition *partition, const Item *item, const StepContext *step, Error *err)
{
	int64_t last = -1;
	for (int d = 0; d < item->dead.count; d++) {
		DeadRecord dead = item->dead.at[d];
		if (dead.row >= 0 && dead.position == last) continue;
		if (dead.column >= 0) dead.column = reader_column_of_decode(reader, dead.column);
		const char *views = dead_views(reader, dead.column, item->batch, dead.row);
		if (dead.row >= 0 && !*views) continue;               /* nobody reads it after all */
		last = dead.position;
		if (dead.row < 0) reader->dead_records++;
		if (!dead_report(reader, partition, &dead, views, step, err)) return false;
	}
	return true;
}

/* Marks rows whose event time is too far ahead of the commit's clock; NULL: there are none. */
static bool judge_future(Reader *reader, const Partition *partition, const Item *item, const StepContext *step, uint8_t **dead, Error *err)
{
	*dead = NULL;
	if (reader->event_column < 0 || reader->max_future_us <= 0) return true;
	const Column *times = &item->batch->columns[reader->event_column];
	for (int s = 0; s < item->suspects.count; s++) {
		const DeadRecord *suspect = &item->suspects.at[s];
		if (times->i64[suspect->row] <= step->system_us + reader->max_future_us) continue;
		if (!*dead) *dead = arena_zalloc(&item->batch->arena, (size_t)item->batch->rows);
		(*dead)[suspect->row] = 1;
		batch_column_nulls(item->batch, reader->event_column)[suspect->row] = MARK_BAD;       /* must not move the watermark */
		if (!dead_report(reader, partition, suspect, dead_views(reader, -1, NULL, -1), step, err)) return false;
	}
	return true;
}

static void compute_clock_columns(Reader *reader, Batch *batch)
{
	for (int c = 0; c < reader->columns.count; c++)
		if (reader->clock_programs[c]) batch->columns[c] = expr_eval(reader->clock_programs[c], batch, &batch->arena);
}

/* A record of a changelog may make several rows: in the accounts each counts. */
static int rows_beyond_records(const Item *item)
{
	int beyond = 0;
	for (int row = 1; item->ops && item->batch && row < item->batch->rows; row++) beyond += item->positions[row] == item->positions[row - 1];
	return beyond;
}

/* ... and where one of them is dead, the others are: what the record says is done as a whole or not at all. */
static void spread_dead(const Item *item, uint8_t **dead_rows)
{
	int rows = item->batch->rows;
	for (int d = 0; d < item->dead.count + rows; d++) {
		int row = d < item->dead.count ? item->dead.at[d].row : d - item->dead.count;
		if (row < 0 || (d >= item->dead.count && (!*dead_rows || !(*dead_rows)[row]))) continue;
		if (!*dead_rows) *dead_rows = arena_zalloc(&item->batch->arena, (size_t)rows);
		int from = row, to = row;
		while (from > 0 && item->positions[from - 1] == item->positions[row]) from--;
		while (to + 1 < rows && item->positions[to + 1] == item->positions[row]) to++;
		memset(*dead_rows + from, 1, (size_t)(to - from + 1));
	}
}

static bool item_push(Reader *reader, Partition *partition, Item *item, const StepContext *step, Error *err)
{
	if (!report_dead(reader, partition, item, step, err)) return false;
	int whole_dead = 0;
	for (int d = 0; d < item->dead.count; d++) whole_dead += item->dead.at[d].row < 0;
	for (int s = 0; s < reader->scans.count; s++) {
		if (!reader->scans.at[s].counts) continue;
		reader->scans.at[s].pipeline->rows_in += item->records + rows_beyond_records(item);
		reader->scans.at[s].pipeline->rows_dead += whole_dead;
	}
	if (!item->batch) return true;
	Batch *batch = item->batch;
	batch->system_us = step->system_us;
	compute_clock_columns(reader, batch);
	uint8_t *dead_rows;
	if (!judge_future(reader, partition, item, step, &dead_rows, err)) return false;
	if (item->ops) spread_dead(item, &dead_rows);
	reader_judge(reader, partition, batch);
	reader_number(reader, partition, item, batch, step->commit);
	batch->hidden.ops = item->ops;
	if (reader->logged && step->log) step->log(step->context, step->lane, partition, item, dead_rows);
	bool any_bad = item->dead.count > whole_dead;
	for (int s = 0; s < reader->scans.count; s++)
		if (!scan_deliver(reader, &reader->scans.at[s], batch, any_bad, dead_rows, err)) return false;
	return true;
}

bool reader_push_again(Reader *reader, Partition *partition, Item *item, const StepContext *step, Error *err)
{
	arena_clear(&reader->step_arena);
	item->batch->system_us = step->system_us;
	reader_judge(reader, partition, item->batch);
	reader_number(reader, partition, item, item->batch, step->commit);
	item->batch->hidden.ops = item->ops;
	for (int s = 0; s < reader->scans.count; s++)
		if (!scan_deliver(reader, &reader->scans.at[s], item->batch, false, NULL, err)) return false;
	return true;
}

/* Of the partitions that have something queued, the one whose watermark is lowest. */
static Partition *partition_in_turn(Reader *reader)
{
	Partition *best = NULL;
	for (int i = 0; i < reader->partitions.count; i++) {
		Partition *partition = reader->partitions.at[i];
		if (!__atomic_load_n(&partition->first, __ATOMIC_ACQUIRE)) continue;
		if (!best || partition->watermark < best->watermark) best = partition;
	}
	return best;
}

static bool partition_check(const Partition *partition, Error *err)
{
	if (!atomic_load(&partition->broken)) return true;
	*err = partition->error;
	return false;
}

bool reader_step(Reader *reader, const StepContext *step, bool *did, Error *err)
{
	Partition *partition = partition_in_turn(reader);
	if (!partition) {
		for (int i = 0; i < reader->partitions.count; i++)
			if (!partition_check(reader->partitions.at[i], err)) return false;
		return true;
	}
	Item *item = partition_take(partition);
	arena_clear(&reader->step_arena);
	if (!item_push(reader, partition, item, step, err)) {
		item_free(item);
		return false;
	}
	partition->position = item->position_next;
	partition->record_count += item->records;
	reader->rows_in += item->records;
	if (item->records) {
		partition->hash = item->hash;
		partition->seen = true;
		partition->arrived_us = clock_monotonic_us();
		if (item->fingerprint) {
			partition->fingerprint = item->fingerprint;
			partition->last_position = item->last_position;
		}
	}
	item_free(item);
	*did = true;
	return true;
}

void reader_tell_judge(Reader *reader, int64_t watermark)
{
	for (int s = 0; s < reader->scans.count; s++) pipeline_judge_by(reader->scans.at[s].pipeline, reader->relation, watermark);
}

bool reader_push_local(Reader *reader, const StepContext *step, Batch *changes, Error *err)
{
	Partition *partition = reader->partitions.at[0];
	arena_clear(&reader->step_arena);
	changes->system_us = step->system_us;
	reader_judge(reader, partition, changes);
	Item numbered = {.position = partition->position < 0 ? 0 : partition->position};
	reader_number(reader, partition, &numbered, changes, step->commit);
	partition->position = numbered.position + changes->count;
	partition->record_count += changes->count;
	reader->rows_in += changes->count;
	for (int s = 0; s < reader->scans.count; s++) {
		if (reader->scans.at[s].counts) reader->scans.at[s].pipeline->rows_in += changes->count;
		if (!scan_deliver(reader, &reader->scans.at[s], changes, false, NULL, err)) return false;
	}
	reader_tell_judge(reader, partition->watermark > reader->watermark ? partition->watermark : reader->watermark);
	return true;
}

bool reader_backfill(Reader *reader, const Pipeline *only, bool before_others, Batch *rows, int64_t first_row, bool judged, int64_t *watermark, Error *err)
{
	Partition own = {.reader = reader, .watermark = *watermark, .committed_watermark = *watermark};
	arena_clear(&reader->step_arena);
	rows->hidden.judge = NULL;
	if (reader->event_column >= 0) {
		int64_t *judges = arena_alloc(&rows->arena, sizeof(int64_t) * (size_t)(rows->rows + 1)), kept = reader->watermark;
		reader->watermark = WATERMARK_NONE;
		partition_judge(reader, &own, rows, judges, true);
		reader->watermark = kept;
		for (int row = 0; !judged && row < rows->rows; row++) judges[row] = WATERMARK_NONE;
		rows->hidden.judge = judges;
		*watermark = own.watermark;
	}
	Item numbered = {.position = first_row};
	reader_number(reader, &own, &numbered, rows, 0);
	for (int s = 0; s < reader->scans.count; s++) {
		ReaderScan *scan = &reader->scans.at[s];
		if (scan->pipeline != only || scan->scan->before_others != before_others) continue;
		if (scan->counts) scan->pipeline->rows_in += rows->count;
		if (!scan_deliver(reader, scan, rows, false, NULL, err)) return false;
	}
	return true;
}

/* ---- between commits ---- */

/* The source is asked before the queue is looked at: its thread may be about to queue what the source has just given. */
static bool partition_is_at_end(const Reader *reader, const Partition *partition)
{
	return (atomic_load(&partition->ended) || source_is_caught_up(reader->source, partition->number))
		&& !atomic_load(&partition->busy) && !__atomic_load_n(&partition->first, __ATOMIC_SEQ_CST);
}

void reader_recompute_watermark(Reader *reader)
{
	if (reader->event_column < 0) return;
	int64_t least = WATERMARK_END;
	bool any = false;
	for (int i = 0; i < reader->partitions.count; i++) {
		Partition *partition = reader->partitions.at[i];
		if (reader->closed) partition->watermark = WATERMARK_END;
		partition->committed_watermark = partition->watermark;
		if (partition->idle && !reader->closed) continue;
		any = true;
		if (partition->watermark < least) least = partition->watermark;
	}
	if (any && least > reader->watermark) reader->watermark = least;
	reader_tell_judge(reader, reader->watermark);
}

bool reader_idles(const Reader *reader, int64_t now_monotonic_us)
{
	for (int i = 0; reader->source && reader->event_column >= 0 && i < reader->partitions.count; i++) {
		const Partition *partition = reader->partitions.at[i];
		if (!partition->assigned || partition->idle) continue;
		if (partition_is_at_end(reader, partition) && now_monotonic_us - partition->arrived_us >= reader->idle_timeout_us) return true;
	}
	return false;
}

void reader_cut(Reader *reader, int64_t now_monotonic_us, bool until_end)
{
	for (int i = 0; reader->source && i < reader->partitions.count; i++) {
		Partition *partition = reader->partitions.at[i];
		if (!partition->assigned) continue;
		bool quiet = until_end ? !partition->seen : now_monotonic_us - partition->arrived_us >= reader->idle_timeout_us;
		if (quiet && atomic_load(&partition->busy)) continue;       /* perhaps its first record for long: idle or not, it stays what it was */
		partition->idle = quiet && partition_is_at_end(reader, partition);
	}
	reader_recompute_watermark(reader);
}

bool reader_is_done(const Reader *reader)
{
	if (!reader->source) return true;
	if (!reader->started) return false;
	for (int i = 0; i < reader->partitions.count; i++) {
		const Partition *partition = reader->partitions.at[i];
		if (!atomic_load(&partition->ended) && partition->position < partition->stop) return false;
		if (__atomic_load_n(&partition->first, __ATOMIC_SEQ_CST)) return false;       /* after `ended`: what it found last is queued before it says so */
	}
	return true;
}

bool reader_has_items(const Reader *reader)
{
	for (int i = 0; i < reader->partitions.count; i++)
		if (__atomic_load_n(&reader->partitions.at[i]->first, __ATOMIC_ACQUIRE)) return true;
	return false;
}

int64_t reader_lag(const Reader *reader)
{
	int64_t lag = 0;
	for (int i = 0; reader->source && i < reader->partitions.count; i++) {
		const Partition *partition = reader->partitions.at[i];
		int64_t end = source_end(reader->source, partition->number);
		if (end > partition->position && partition->position >= 0) lag += end - partition->position;
	}
	return lag;
}
