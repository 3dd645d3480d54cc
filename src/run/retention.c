/* Retention: rows that are kept for a time go, a few thousand with a commit. Of a local stream they go by when they came (store/retention.c); of a
 * view by the time in its key, against the watermark of that column, or, where it has none, against the commit's clock. No change flows: views
 * that have counted a row keep it counted.
 *
 * When there is something to do is known without looking into the tables: when time has moved by a step since the last time. */
#include <stdio.h>

#include "run/commit.h"

#include "type/calendar.h"

enum { EXPIRE_ROWS = 20000, STEPS = 1000, STREAM_STEPS = 50 };
#define STEP_US_MAX INT64_C(1000000)
#define IDLE_STEP_US_MAX INT64_C(60000000)

/* now_us INT64_MIN: it has no retention, or its time is not known yet */
typedef struct Due { int64_t now_us, keep_us, step_us; } Due;

static int64_t keep_of(const Relation *relation)
{
	if (!relation_option(relation, "retention")) return -1;
	OptionSet set = {relation->options, relation->option_count};
	return options_integer(&set, "retention");
}

static bool is_kept_stream(const Relation *relation) { return relation->kind == RELATION_STREAM && relation_is_local(relation); }

/* ---- views ---- */

static bool holds_time(const Relation *view, int column)
{
	TypeKind kind = view->columns[column].type.kind;
	return kind == TYPE_TIMESTAMP || kind == TYPE_DATE;
}

static bool has_watermark(const Relation *view, int column)
{
	for (int w = 0; w < view->view_watermark_count; w++)
		if (view->view_watermarks[w].column == column) return true;
	return false;
}

/* Of several times in the key the first that has a watermark, else the first; -1: there is none. */
static int time_column(const Relation *view)
{
	int found = -1;
	for (int k = 0; k < view->view_key_count; k++) {
		int column = view->view_key[k];
		if (!holds_time(view, column)) continue;
		if (has_watermark(view, column)) return column;
		if (found < 0) found = column;
	}
	return found;
}

bool retention_check(const Relation *relation, Error *err)
{
	if (keep_of(relation) < 0 || is_kept_stream(relation)) return true;
	if (relation->kind != RELATION_MATERIALIZED) {
		error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "retention of %s \"%s\" is not supported: views that read it would not learn what goes", relation_kind_name(relation->kind), relation->name);
		return error_hint(err, "DELETE takes rows from a table; a view over it may have retention.");
	}
	if (time_column(relation) >= 0) return true;
	error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "materialized view \"%s\" cannot have retention: its key holds no time", relation->name);
	return error_hint(err, "GROUP BY window_start, or by a date, makes a key that says how old a row is; of sessions the view must have window_start and window_end.");
}

/* INT64_MIN: not known yet. */
static int64_t time_of_view(const Pipeline *pipeline, int column, int64_t clock_us)
{
	const Lowered *lowered = pipeline->lowered;
	for (int w = 0; w < lowered->watermark_count; w++) {
		if (lowered->watermarks[w].column != column) continue;
		int64_t watermark = op_serving(lowered->root)->out_watermarks[w];
		return watermark == WATERMARK_NONE || watermark == WATERMARK_END ? INT64_MIN : watermark;
	}
	return clock_us;
}

static Due due_of_view(const Pipeline *pipeline, int64_t clock_us)
{
	Due due = {.now_us = INT64_MIN, .keep_us = pipeline->relation ? keep_of(pipeline->relation) : -1};
	int column = pipeline->end == PIPELINE_VIEW && due.keep_us >= 0 ? time_column(pipeline->relation) : -1;
	if (column >= 0) due.now_us = time_of_view(pipeline, column, clock_us);
	due.step_us = due.keep_us / STEPS < STEP_US_MAX ? due.keep_us / STEPS : STEP_US_MAX;
	return due;
}

static Due due_of_stream(const Runtime *runtime, const Relation *stream)
{
	Due due = {.now_us = INT64_MIN, .keep_us = is_kept_stream(stream) ? keep_of(stream) : -1};
	if (due.keep_us >= 0) due.now_us = runtime_now(runtime);
	due.step_us = due.keep_us / STREAM_STEPS;
	return due;
}

static RetentionNote *note_of(Runtime *runtime, int64_t relation)
{
	for (int n = 0; n < runtime->retentions.count; n++)
		if (runtime->retentions.at[n].relation == relation) return &runtime->retentions.at[n];
	RetentionNote note = {.relation = relation, .keep_us = -1};
	vec_push(&runtime->retentions, note);
	return &runtime->retentions.at[runtime->retentions.count - 1];
}

static bool is_due(Runtime *runtime, int64_t relation, const Due *due, int64_t step_us)
{
	if (due->now_us == INT64_MIN) return false;
	const RetentionNote *note = note_of(runtime, relation);
	return note->keep_us != due->keep_us || due->now_us > note->done_us + step_us || atomic_load(&runtime->retention_more);
}

/* Is it now, and noted as done? */
static bool take_due(Runtime *runtime, int64_t relation, const Due *due)
{
	if (!is_due(runtime, relation, due, due->step_us)) return false;
	RetentionNote *note = note_of(runtime, relation);
	note->done_us = due->now_us;
	note->keep_us = due->keep_us;
	return true;
}

/* ---- the seal ---- */

static StoreTableSpec stream_spec(Arena *arena, const Relation *stream)
{
	StoreColumn *columns = arena_array(arena, StoreColumn, stream->column_count + 1);
	for (int c = 0; c < stream->column_count; c++) columns[c] = (StoreColumn){.name = arena_strdup(arena, stream->columns[c].name), .type = stream->columns[c].type};
	return (StoreTableSpec){.id = stream->id, .name = arena_strdup(arena, stream->name), .kind = "stream", .columns = columns, .column_count = stream->column_count, .append_only = true};
}

/* Whatever a commit brings, rows of the stream may be among it, and when they came is to be marked. */
static void seal_stream(Runtime *runtime, SealedCommit *sealed, const Relation *stream, bool empty)
{
	Due due = due_of_stream(runtime, stream);
	if (due.now_us == INT64_MIN || (!take_due(runtime, stream->id, &due) && empty)) return;
	SealedExpiry expiry = {.relation = stream->id, .stream = stream_spec(&sealed->arena, stream), .now_us = due.now_us, .keep_us = due.keep_us};
	vec_push_in(&sealed->arena, &sealed->expiries, expiry);
}

static void seal_view(Runtime *runtime, SealedCommit *sealed, const Pipeline *pipeline)
{
	Due due = due_of_view(pipeline, runtime->clock_us);
	if (due.now_us == INT64_MIN || !take_due(runtime, pipeline->relation->id, &due)) return;
	int column = time_column(pipeline->relation);
	SealedExpiry expiry = {.relation = pipeline->relation->id, .table = pipeline->table, .column = column, .before = {.type = pipeline->relation->columns[column].type, .i64 = due.now_us - due.keep_us}};
	if (expiry.before.type.kind == TYPE_DATE) expiry.before.i64 = (expiry.before.i64 - (expiry.before.i64 < 0 ? US_PER_DAY - 1 : 0)) / US_PER_DAY;
	vec_push_in(&sealed->arena, &sealed->expiries, expiry);
}

void retention_seal(Runtime *runtime, SealedCommit *sealed, bool empty)
{
	for (int r = 0; r < runtime->catalog->relations.count; r++) seal_stream(runtime, sealed, runtime->catalog->relations.at[r], empty);
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int p = 0; runtime->lanes.at[l]->id && p < runtime->lanes.at[l]->pipelines.count; p++) seal_view(runtime, sealed, runtime->lanes.at[l]->pipelines.at[p]);
	atomic_store(&runtime->retention_more, false);
}

static bool is_idle_due(Runtime *runtime, int64_t relation, const Due *due)
{
	int64_t step_us = due->keep_us / STREAM_STEPS;
	step_us = step_us < STEP_US_MAX ? STEP_US_MAX : step_us > IDLE_STEP_US_MAX ? IDLE_STEP_US_MAX : step_us;
	return is_due(runtime, relation, due, step_us);
}

/* Is there a commit to make without input, for what the clock alone makes old? */
bool retention_is_due(Runtime *runtime)
{
	if (atomic_load(&runtime->retention_more)) return true;
	int64_t now = runtime_now(runtime), clock_us = now > runtime->clock_us ? now : runtime->clock_us;
	for (int r = 0; r < runtime->catalog->relations.count; r++) {
		Due due = due_of_stream(runtime, runtime->catalog->relations.at[r]);
		if (is_idle_due(runtime, runtime->catalog->relations.at[r]->id, &due)) return true;
	}
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int p = 0; runtime->lanes.at[l]->id && p < runtime->lanes.at[l]->pipelines.count; p++) {
			const Pipeline *pipeline = runtime->lanes.at[l]->pipelines.at[p];
			Due due = due_of_view(pipeline, clock_us);
			if (due.now_us != INT64_MIN && is_idle_due(runtime, pipeline->relation->id, &due)) return true;
		}
	return false;
}

/* ---- the writer ---- */

static void taken_setting(int64_t relation, char *name, size_t bytes) { snprintf(name, bytes, "expired.%lld", (long long)relation); }

bool retention_has_taken(Runtime *runtime, const Relation *relation)
{
	char name[64];
	Arena arena;
	arena_init(&arena, 0);
	taken_setting(relation->id, name, sizeof name);
	bool has = store_setting_get(runtime->store, name, &arena) != NULL;
	arena_release(&arena);
	return has;
}

bool retention_write(SealedCommit *sealed, Store *store, Error *err)
{
	for (int e = 0; e < sealed->expiries.count; e++) {
		const SealedExpiry *expiry = &sealed->expiries.at[e];
		int64_t removed = 0;
		bool ok = expiry->table ? store_table_expire(store, expiry->table, expiry->column, &expiry->before, EXPIRE_ROWS, &removed, err)
			: store_stream_expire(store, &expiry->stream, expiry->now_us, expiry->keep_us, EXPIRE_ROWS, &removed, err);
		char name[64];
		taken_setting(expiry->relation, name, sizeof name);
		if (!ok || (removed && !store_setting_put(store, name, "1", err))) return false;
		sealed->expires_more |= removed == EXPIRE_ROWS;
	}
	return true;
}
