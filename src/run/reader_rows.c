/* Rows into the graph: an item is taken from a partition's queue, its rows are judged, numbered and handed to each scan that wants them;
 * what is dead is told. On the runtime's thread. */
#include "base/clock.h"
#include "run/pipeline.h"
#include "run/reader.h"

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
	for (int i = 0; i < batch->count; i++) {              /* not by row: a part of a batch begins where the one before ended */
		int row = batch_row(batch, i);
		arrival[row] = base + (item->positions ? item->positions[row] : item->position + i);
	}
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

static bool misses(const Reader *reader, const ReaderScan *scan, int column, const Batch *batch, int row)
{
	return scan->pipeline->relation && (row < 0 || scan_reads(reader, scan, column) || (batch && batch_row_is_bad(reader, scan, batch, row)));
}

/* The names of the views that miss the row, each once. */
static const char *dead_views(Reader *reader, int column, const Batch *batch, int row)
{
	StrBuf names = STRBUF_INIT;
	for (int s = 0; s < reader->scans.count; s++) {
		const ReaderScan *scan = &reader->scans.at[s];
		bool skip = !misses(reader, scan, column, batch, row);
		for (int t = 0; t < s && !skip; t++)
			skip = reader->scans.at[t].pipeline == scan->pipeline && misses(reader, &reader->scans.at[t], column, batch, row);
		if (!skip) strbuf_printf(&names, "%s%s", names.bytes ? ", " : "", scan->pipeline->relation->name);
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
