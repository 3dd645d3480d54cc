/* Sinks below views that are made anew: OR REPLACE, REBUILD, ALTER ... CASCADE. They have delivered rows of the old content, and must deliver what makes it
 * the new one: the net difference, in the commit in which the new content takes its place.
 *
 * The new query of the sink is built beside, as those of views are, into a table weir_building_N. What was delivered is what the sink's query gives over
 * the tables that it read, as the last commit left them: at that moment it is computed once more, by operators of its own, into weir_delivered_N. When the
 * lane joins, both are merged in order (store/diff.c), and the difference goes to the target; its position is recorded in the same transaction, so a crash
 * leaves all of it or nothing. Rejected: to keep what was delivered for every sink, which costs as much as the view for what seldom happens; and to push
 * the difference of the views through the sink's operators, which is wrong where one of them takes no deletes, and holds it in memory. */
#include "run/deliver.h"

#include <stdio.h>

#include "op/changes.h"
#include "run/commit.h"
#include "run/place.h"

enum { PORTION_BYTES = 8 << 20, NAME_BYTES = 64 };

static void delivered_name(int64_t sink, char *name) { snprintf(name, NAME_BYTES, "weir_delivered_%lld", (long long)sink); }

static bool is_kept(Runtime *runtime, const Relation *sink)
{
	char name[NAME_BYTES];
	Arena arena;
	delivered_name(sink->id, name);
	arena_init(&arena, 0);
	bool kept = store_name_kind(runtime->store, name, &arena) != NULL;
	arena_release(&arena);
	return kept;
}

const char *delivered_unknown(const Lowered *lowered, Arena *arena)
{
	for (int s = 0; s < lowered->scans.count; s++) {
		const Relation *relation = lowered->scans.at[s].relation;
		const char *kind = relation_kind_name(relation->kind);
		if (!relation_is_maintained(relation) && !relation_is_local(relation)) return arena_printf(arena, "it reads %s \"%s\" itself", kind, relation->name);
		if (relation_option(relation, "retention")) return arena_printf(arena, "rows of %s \"%s\" go by their age", kind, relation->name);
	}
	return lowered->of_rows ? NULL : "its rows depend on time or on the order of arrival";
}

/* ---- what was delivered ---- */

typedef struct Writing { Runtime *runtime; StoreTable *table; ChangeLog log; Arena scratch; } Writing;

static bool write_portion(Writing *writing, Error *err)
{
	Changes changes;
	change_log_take(&writing->log, &changes);
	bool ok = store_apply(writing->runtime->store, writing->table, &changes, NULL, err);
	changes_release(&changes);
	return ok;
}

static bool write_tap(void *context, const Batch *batch, Error *err)
{
	Writing *writing = context;
	arena_clear(&writing->scratch);
	return change_log_add(&writing->log, batch, &writing->scratch, err) && (writing->log.byte_count < PORTION_BYTES || write_portion(writing, err));
}

/* Operators of its own are given the content of what the sink reads. Takes over `lowered`. */
static bool compute(Writing *writing, Lowered *lowered, Error *err)
{
	Runtime *runtime = writing->runtime;
	Pipeline *pipeline = pipeline_new_client(runtime, lowered, write_tap, writing, false, err);
	if (!pipeline) return false;
	Lane *lane = lane_new(runtime, 0, LANE_LIVE);
	pipeline->unfed = true;
	bool ok = pipeline_attach(runtime, lane, pipeline, err) && runtime_backfill(runtime, lane, pipeline, err) && lane_commit(runtime, lane, err) && write_portion(writing, err);
	runtime_client_remove(runtime, pipeline);
	return ok;
}

static bool has_state(const Lowered *lowered)
{
	for (int o = 0; o < lowered->ops.count; o++)
		if (lowered->ops.at[o]->state) return true;
	return false;
}

static StoreTable *make_table(Runtime *runtime, const Relation *sink, const Lowered *lowered, Error *err)
{
	char name[NAME_BYTES];
	Arena arena;
	Pipeline named = {.relation = (Relation *)(uintptr_t)sink, .lowered = (Lowered *)(uintptr_t)lowered};
	StoreTableSpec spec;
	arena_init(&arena, 0);
	delivered_name(sink->id, name);
	pipeline_table_spec(&named, &arena, &spec);
	spec.name = name;
	spec.has_key = false;
	spec.key_count = 0;
	spec.append_only = !has_state(lowered);               /* what has none only passes rows on */
	StoreTable *table = store_table_create(runtime->store, &spec, err);
	arena_release(&arena);
	return table;
}

static bool keep(Runtime *runtime, const Relation *sink, Lowered *lowered, Error *err)
{
	Writing writing = {.runtime = runtime, .table = make_table(runtime, sink, lowered, err)};
	if (!writing.table) {
		lowered_free(lowered, true);
		return false;
	}
	arena_init(&writing.scratch, 0);
	change_log_init(&writing.log, false, NULL, 0);
	bool ok = compute(&writing, lowered, err);
	change_log_release(&writing.log);
	arena_release(&writing.scratch);
	store_table_close(writing.table);
	return ok;
}

static bool unknown(const Relation *sink, const char *why, Error *err)
{
	error_set(err, ERR_DEPENDENT_OBJECTS, SPAN_NONE, "sink \"%s\" could not be told what changes: %s", sink->name, why);
	return error_hint(err, "DROP it first, or PAUSE it: when it is resumed it delivers all rows again.");
}

static bool keep_or_say(Runtime *runtime, Relation *sink, const char **why, Arena *arena, Error *err)
{
	Lowered *lowered = NULL;
	*why = NULL;
	if (is_kept(runtime, sink)) return true;
	if (!runtime->config.lower(runtime->config.context, sink, &lowered, err)) return false;
	if (!(*why = delivered_unknown(lowered, arena))) return keep(runtime, sink, lowered, err);
	lowered_free(lowered, true);
	return true;
}

bool delivered_keep(Runtime *runtime, Relation *sink, bool *known, Error *err)
{
	Arena arena;
	const char *why;
	arena_init(&arena, 0);
	bool ok = keep_or_say(runtime, sink, &why, &arena, err);
	if (known) *known = ok && !why;
	arena_release(&arena);
	return ok;
}

bool delivered_keep_all(Runtime *runtime, Relation *const *relations, int count, Error *err)
{
	Arena arena;
	bool ok = true;
	arena_init(&arena, 0);
	for (int r = 0; ok && r < count; r++) {
		const char *why;
		if (relations[r]->kind != RELATION_SINK) continue;
		ok = keep_or_say(runtime, relations[r], &why, &arena, err) && (!why || unknown(relations[r], why, err));
	}
	arena_release(&arena);
	return ok;
}

bool delivered_forget(Runtime *runtime, const Relation *sink, Error *err)
{
	char name[NAME_BYTES];
	delivered_name(sink->id, name);
	return store_table_drop_name(runtime->store, name, err);
}

bool delivered_move(Runtime *runtime, const Relation *sink, const Relation *to, Error *err)
{
	char sql[3 * NAME_BYTES], from[NAME_BYTES], name[NAME_BYTES];
	delivered_name(sink->id, from);
	delivered_name(to->id, name);
	snprintf(sql, sizeof sql, "ALTER TABLE %s RENAME TO %s", from, name);
	return !is_kept(runtime, sink) || store_execute(runtime->store, sql, err);
}

/* ---- joining ---- */

static bool takes_back(const Batch *batch)
{
	for (int i = 0; i < batch->count; i++)
		if (batch_weight(batch, i) < 0) return true;
	return false;
}

bool sink_forgets(const Relation *sink) { return sink->connector && strcmp(sink->connector, "blackhole") == 0; }

static bool cannot_take_back(const Pipeline *pipeline, Error *err)
{
	error_set(err, ERR_WRONG_STATE, SPAN_NONE, "sink \"%s\" would have to take back rows that it has delivered, and writes rows without an op", pipeline->relation->name);
	return error_hint(err, "DROP it, and make it again on another target.");
}

static bool deliver(Runtime *runtime, Pipeline *pipeline, StoreDiff *diff, bool *refused, Error *err)
{
	for (Batch *batch = NULL; ; batch_unref(batch)) {
		if (!store_diff_next(diff, &batch, err)) return false;
		if (!batch) return true;
		bool impossible = pipeline->lowered->append_only && !sink_forgets(pipeline->target) && takes_back(batch);
		*refused = impossible ? !cannot_take_back(pipeline, err) : !runtime->trying && !sink_write(pipeline->sink, batch, (int64_t)runtime->commit, err);
		if (!*refused) continue;
		batch_unref(batch);
		return false;
	}
}

static bool record_position(Runtime *runtime, Pipeline *pipeline, bool *refused, Error *err)
{
	int64_t position = pipeline->sink_position, commit = (int64_t)runtime->commit;
	if (runtime->trying) return true;
	*refused = !sink_flush(pipeline->sink, commit, &position, err);
	if (*refused) return false;
	pipeline->sink_position = position;
	return position == SINK_POSITION_NEW || store_sink_put(runtime->store, pipeline->relation->id, position, commit, NULL, err);
}

/* Nothing was delivered, or nobody knows what: it is given all rows. */
static bool make_empty(Runtime *runtime, const Pipeline *pipeline, Error *err)
{
	StoreTable *table = make_table(runtime, pipeline->relation, pipeline->lowered, err);
	store_table_close(table);
	return table != NULL;
}

bool sink_joins(Runtime *runtime, Lane *lane, Pipeline *pipeline, bool *refused, Error *err)
{
	char name[NAME_BYTES];
	Arena arena;
	StoreTableSpec made, old;
	StoreDiff *diff = NULL;
	arena_init(&arena, 0);
	pipeline_table_spec(pipeline, &arena, &made);
	old = made;
	old.name = name;
	old.has_key = false;
	delivered_name(pipeline->relation->id, name);
	bool ok = (is_kept(runtime, pipeline->relation) || make_empty(runtime, pipeline, err)) && !(*refused = !pipeline_begin_sink(runtime, lane, pipeline, err))
		&& (diff = store_diff_open(runtime->store, &old, &made, err)) && deliver(runtime, pipeline, diff, refused, err) && record_position(runtime, pipeline, refused, err);
	store_diff_close(diff);
	ok = ok && delivered_forget(runtime, pipeline->relation, err) && table_beside_drop(runtime, pipeline->relation, err);
	arena_release(&arena);
	return ok;
}

bool sink_stays_behind(Runtime *runtime, Lane *lane, Pipeline *pipeline, const Error *why, Error *err)
{
	char text[ERROR_MESSAGE_BYTES + 256];
	Relation *sink = relation_ref(pipeline->relation);
	int32_t first = op_first(sink);
	snprintf(text, sizeof text, "sink \"%s\" is stopped: %s", sink->name, why->message);
	if (runtime->config.notice) runtime->config.notice(runtime->config.context, text);
	pipeline_detach(runtime, lane, pipeline);
	pipeline_free(pipeline);
	bool ok = store_state_remove(runtime->store, lane->id, first, first + PIPELINE_OPS_MAX, err) && table_beside_drop(runtime, sink, err) && lane_drop_readers(runtime, lane, err)
		&& place_put(runtime, sink, (Place){.state = PLACE_STOPPED}, why->message, err);
	relation_unref(sink);
	return ok;
}
