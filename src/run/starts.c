/* Where a view begins to read: its option `start`, else that of each stream. What came of it, a position for each partition, is kept in the file
 * (weir_starts), so that a view that is resumed or rebuilt begins where it began the first time, wherever "latest" is by then. Tables and views
 * always give their whole content: a start is a place in a stream.
 *
 * A local stream has no offsets but row numbers, which are its positions here; a time finds the first kept row whose event time is not before
 * it, and everything that arrived after that row belongs to the view. */
#include "run/starts.h"

#include <stdlib.h>
#include <string.h>

#include "run/commit.h"

static bool is_source(const Relation *relation) { return relation->connector && !relation_is_maintained(relation); }

static const char *view_start(const Relation *view)
{
	return view && view->kind == RELATION_MATERIALIZED ? relation_option(view, "start") : NULL;
}

static const char *source_start(const Relation *source)
{
	const char *start = relation_option(source, "start");
	const char *with = start && strcmp(start, "timestamp") == 0 ? relation_option(source, "start_timestamp") : NULL;
	return with ? with : start;
}

const char *starts_text(const Catalog *catalog, const Relation *view)
{
	const char *start = view_start(view);
	for (int d = 0; !start && d < view->depend_count; d++) {
		const Relation *below = catalog_find_id(catalog, view->depends[d]);
		if (below && is_source(below)) start = source_start(below);
	}
	if (relation_is_changelog(view)) start = source_start(view);
	return start ? start : "earliest";
}

static bool check_scan(const Relation *view, const Relation *relation, const char *start, Error *err)
{
	const char *kind = relation_kind_name(relation->kind);
	if (is_source(relation) && strcmp(relation->connector, "kafka") != 0) {
		error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "start = '%s' of materialized view \"%s\" over %s \"%s\": a %s source can only be read from its beginning", start, view->name,
			kind, relation->name, relation->connector);
		return false;
	}
	bool by_time = strcmp(start, "latest") != 0 && relation->kind == RELATION_STREAM && !is_source(relation);
	if (!by_time || relation->watermark_column >= 0) return true;
	error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "materialized view \"%s\" cannot start at a time: local stream \"%s\" has no event time", view->name, relation->name);
	return error_hint(err, "Declare WATERMARK FOR in the stream, or start at 'earliest' or 'latest'.");
}

bool starts_check(const Relation *view, const Lowered *lowered, Error *err)
{
	const char *start = view_start(view);
	if (!start || strcmp(start, "earliest") == 0) return true;
	for (int s = 0; s < lowered->scans.count; s++)
		if (!check_scan(view, lowered->scans.at[s].relation, start, err)) return false;
	return true;
}

/* ---- sources ---- */

bool starts_fit(const Reader *reader, const Relation *view)
{
	const char *start = view_start(view);
	return start ? reader->start && strcmp(reader->start, start) == 0 : !reader->start;
}

bool starts_set(Reader *reader, const Relation *view, Error *err)
{
	static const char *const COMPANIONS[] = {"start_timestamp", "start_offsets", "auto.offset.reset"};
	const char *start = view_start(view);
	if (!start || !is_source(reader->relation) || strcmp(reader->relation->connector, "kafka") != 0) return true;
	reader->start = arena_strdup(&reader->arena, start);
	for (int c = 0; c < 3; c++)
		if (options_find(&reader->options, COMPANIONS[c]) && !options_set(&reader->arena, &reader->options, COMPANIONS[c], NULL, SPAN_NONE, err)) return false;
	return options_set(&reader->arena, &reader->options, "start", reader->start, SPAN_NONE, err);
}

void starts_again(Runtime *runtime, Lane *lane, const Pipeline *pipeline)
{
	for (int s = 0; s < pipeline->lowered->scans.count; s++) {
		Reader *reader = lane_reader_find(lane, pipeline->lowered->scans.at[s].relation->id);
		if (!reader || !reader->source || reader->started) continue;
		for (int n = 0; ; n++) {
			int64_t position = store_view_start(runtime->store, pipeline->relation->id, reader->relation->id, n);
			if (position < 0) break;
			Partition *partition = reader_partition(reader, n, NULL);
			if (partition->position < 0) partition->position = partition->begun = position;
		}
	}
}

void starts_seal(SealedCommit *sealed, const Reader *reader, const Partition *partition)
{
	if (!reader->source || partition->sealed_position >= 0) return;
	for (int s = 0; s < reader->scans.count; s++) {
		const Pipeline *pipeline = reader->scans.at[s].pipeline;
		if (!pipeline->relation) continue;
		ViewStart start = {pipeline->relation->id, reader->relation->id, partition->number, partition->begun};
		vec_push_in(&sealed->arena, &sealed->starts, start);
	}
}

/* ---- local streams ---- */

static bool find_row(StoreScan *rows, int64_t us, int64_t *after, Error *err)
{
	for (;;) {
		Batch *batch = NULL;
		int64_t last = *after;
		if (!store_scan_next(rows, 1, &batch, &last, err)) return false;
		if (!batch) return true;
		const Column *times = &batch->columns[0];
		bool found = !column_is_null(times, 0) && times->i64[0] >= us;
		batch_unref(batch);
		if (found) return true;
		*after = last;
	}
}

/* The row before the first whose event time is not before the start; the last of all where there is none. */
static bool row_before(Runtime *runtime, const StoreTableSpec *spec, const Relation *stream, const char *start, int64_t *after, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	OptionSet said = {&(Option){.name = "start", .value = start}, 1};
	Extent extent;
	*after = STORE_SCAN_ALL;
	bool known = options_extent(&arena, &said, &extent, err);
	arena_release(&arena);
	if (!known) return false;
	if (extent.start == START_LATEST) {
		*after = store_table_last_row(runtime->store, spec);
		return true;
	}
	StoreScan *rows = store_scan_open(runtime->store, NULL, spec, &stream->watermark_column, 1, STORE_SCAN_ALL, err);
	bool ok = rows && find_row(rows, extent.start_us, after, err);
	if (rows) store_scan_close(rows);
	return ok;
}

bool starts_row(Runtime *runtime, const Relation *view, const Relation *stream, const StoreTableSpec *spec, int64_t *after, Error *err)
{
	const char *start = view_start(view);
	*after = STORE_SCAN_ALL;
	if (!start || strcmp(start, "earliest") == 0 || stream->kind != RELATION_STREAM) return true;
	int64_t kept = store_view_start(runtime->store, view->id, stream->id, 0);
	if (kept >= 0) {
		*after = kept - 1;
		return true;
	}
	if (!row_before(runtime, spec, stream, start, after, err)) return false;
	ViewStart begun = {view->id, stream->id, 0, *after == STORE_SCAN_ALL ? 0 : *after + 1};
	return store_view_start_put(runtime->store, &begun, err);
}
