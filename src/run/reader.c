/* Readers on the runtime's side: their scans, their partitions, and what a cut finds. What they read is in reader_columns.c, what becomes of
 * it in reader_rows.c. */
#include "run/reader.h"

#include "base/clock.h"
#include "run/pipeline.h"

enum { RETRY_US = 1000000 };

static bool reader_is_local(const Reader *reader) { return !reader->relation->connector; }

/* ---- opening ---- */

static bool reader_open(Reader *reader, Error *err)
{
	const char *format = options_text(&reader->options, "format");
	if (format && !(reader->format = format_find(format, SPAN_NONE, err))) return false;
	SourceConfig config = {.name = reader->relation->name, .options = &reader->options, .format = reader->format};
	DecodeColumn *declared;
	if (!reader_declared_columns(reader, &declared, &config.declared_count, err)) return false;
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

bool reader_prepare(Reader *reader, Error *err)
{
	reader_collect_columns(reader);
	if (reader_is_local(reader)) {
		reader_partition(reader, 0, "local");
		return true;
	}
	if (!reader->source && !reader_open(reader, err)) return false;
	if (!reader_make_decoder(reader, err)) return false;
	release_programs(reader->clock_programs, reader->clock_program_count);
	arena_clear(&reader->clock_arena);
	reader->clock_programs = reader_compile_computed(reader, &reader->clock_arena, true);
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
	partition->programs = reader_compile_computed(reader, &partition->programs_arena, false);
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

/* ---- between commits ---- */

/* The source is asked before the queue is looked at: its thread may be about to queue what the source has just given. */
bool partition_is_at_end(const Reader *reader, const Partition *partition)
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
