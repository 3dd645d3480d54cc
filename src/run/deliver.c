/* Sinks below views that are made anew: OR REPLACE, REBUILD, ALTER ... CASCADE. They have delivered rows of the old content, and must deliver what makes it
 * the new one: the net difference, in the commit in which the new content takes its place.
 *
 * The new query of the sink is built beside, as those of views are, into a table weir_building_N. What was delivered is what the sink's query gives over
 * the tables that it read, as the last commit left them: at that moment it is computed once more, by operators of its own, into weir_delivered_N. When the
 * lane joins, both are merged in order (store/diff.c), and the difference goes to the target; its position is recorded in the same transaction, so a crash
 * leaves all of it or nothing. How the old one wrote is noted beside (written.h). Where the new one writes other columns no old row is like a new one: all are
 * taken back as they were written, then all new ones are delivered. Without an op to take them back with, and where columns have only come, an old row is
 * the new one that a reader finds in it: a field that is not there is NULL. Rejected: to keep what was delivered for every sink, which costs as much as the view for what seldom happens; and to push
 * the difference of the views through the sink's operators, which is wrong where one of them takes no deletes, and holds it in memory. */
#include "run/deliver.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "op/changes.h"
#include "run/commit.h"
#include "run/place.h"
#include "run/written.h"

enum { PORTION_BYTES = 8 << 20, NAME_BYTES = 64 };

static void delivered_name(int64_t sink, char *name) { snprintf(name, NAME_BYTES, "weir_delivered_%lld", (long long)sink); }

bool delivered_is_kept(Runtime *runtime, const Relation *sink, bool *kept, Error *err)
{
	char name[NAME_BYTES];
	const char *kind;
	Arena arena;
	delivered_name(sink->id, name);
	arena_init(&arena, 0);
	bool ok = store_name_kind(runtime->store, name, &arena, &kind, err);
	*kept = kind != NULL;
	arena_release(&arena);
	return ok;
}

const char *delivered_unknown(Runtime *runtime, const Lowered *lowered, Arena *arena)
{
	for (int s = 0; s < lowered->scans.count; s++) {
		const Relation *relation = lowered->scans.at[s].relation;
		const char *kind = relation_kind_name(relation->kind);
		if (!relation_is_maintained(relation) && !relation_is_local(relation)) return arena_printf(arena, "it reads %s \"%s\" itself", kind, relation->name);
		if (relation_option(relation, "retention")) return arena_printf(arena, "rows of %s \"%s\" go by their age", kind, relation->name);
		if (retention_has_taken(runtime, relation)) return arena_printf(arena, "rows of %s \"%s\" have gone by their age", kind, relation->name);
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

static bool put_written(Runtime *runtime, const Relation *sink, const Lowered *lowered, Error *err)
{
	Arena arena;
	EncoderConfig written;
	arena_init(&arena, 0);
	bool ok = written_by(runtime->catalog, sink, lowered, &arena, &written, err) && written_put(runtime->store, sink->id, &written, err);
	arena_release(&arena);
	return ok;
}

static bool keep(Runtime *runtime, const Relation *sink, Lowered *lowered, Error *err)
{
	Writing writing = {.runtime = runtime, .table = put_written(runtime, sink, lowered, err) ? make_table(runtime, sink, lowered, err) : NULL};
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
	bool kept;
	*why = NULL;
	if (!delivered_is_kept(runtime, sink, &kept, err)) return false;
	if (kept) return true;
	if (!runtime->config.lower(runtime->config.context, sink, &lowered, err)) return false;
	if (!(*why = delivered_unknown(runtime, lowered, arena))) return keep(runtime, sink, lowered, err);
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

bool delivered_untold(Error *err)
{
	return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "it cannot be told any more what it has delivered; RESUME delivers all rows again");
}

void delivered_tell_untold(Runtime *runtime, const Relation *sink)
{
	char text[ERROR_MESSAGE_BYTES];
	Error unheard = ERROR_INIT;
	int64_t position;
	bool kept, has = store_sink_get(runtime->store, sink->id, &position, NULL, NULL, NULL, &unheard) && position > 0;
	if (!has || !delivered_is_kept(runtime, sink, &kept, &unheard) || kept || sink_forgets(sink_target(runtime->catalog, sink)) || !runtime->config.notice) return;
	snprintf(text, sizeof text, "sink \"%s\" delivers all rows again when it is resumed: it cannot be told any more which it has delivered", sink->name);
	runtime->config.notice(runtime->config.context, text);
}

bool delivered_forget(Runtime *runtime, const Relation *sink, Error *err)
{
	char name[NAME_BYTES];
	delivered_name(sink->id, name);
	return store_table_drop_name(runtime->store, name, err) && written_put(runtime->store, sink->id, NULL, err);
}

bool delivered_move(Runtime *runtime, const Relation *sink, const Relation *to, Error *err)
{
	char sql[3 * NAME_BYTES], from[NAME_BYTES], name[NAME_BYTES];
	bool kept;
	if (!delivered_is_kept(runtime, sink, &kept, err)) return false;
	delivered_name(sink->id, from);
	delivered_name(to->id, name);
	snprintf(sql, sizeof sql, "ALTER TABLE %s RENAME TO %s", from, name);
	return !kept || (store_execute(runtime->store, sql, err) && written_move(runtime->store, sink->id, to->id, err));
}

/* ---- with other columns ---- */

static const char *other_columns(const EncoderConfig *old, const EncoderConfig *made, Arena *arena)
{
	if (old->column_count != made->column_count) return "it would write other columns";
	for (int c = 0; c < old->column_count; c++) {
		const char *was = old->columns[c].name, *is = made->columns[c].name;
		if (strcmp(was, is) != 0) return arena_printf(arena, "it would write column \"%s\" as \"%s\"", was, is);
		if (!type_equal(old->columns[c].type, made->columns[c].type)) return arena_printf(arena, "it would write column \"%s\" with another type", was);
	}
	return NULL;
}

const char *written_otherwise(const EncoderConfig *old, const EncoderConfig *made, bool *never, Arena *arena)
{
	*never = true;
	if (old->with_op != made->with_op) return made->with_op ? "it has written rows without an op, and rows could be taken back" : "it has written rows with an op, and they would have none";
	if (encoder_alike(old, made)) return NULL;
	const char *columns = other_columns(old, made, arena), *why = encoder_cannot_follow(old, made);
	*never = why != NULL;
	return why ? arena_printf(arena, "%s, and %s", columns, why) : columns;
}

/* ---- joining ---- */

/* How far, and how, its target is written; as what it is to be written. */
typedef struct Joining { Runtime *runtime; Lane *lane; Pipeline *pipeline; const Relation *target; Arena arena; int64_t recorded, position; EncoderConfig old, made; bool refused, opened; } Joining;

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

/* sink: NULL where it is only asked whether there is anything to take back. */
static bool deliver_rows(Joining *joining, StoreDiff *diff, Sink *sink, Error *err)
{
	Pipeline *pipeline = joining->pipeline;
	for (Batch *batch = NULL; ; batch_unref(batch)) {
		if (runtime_is_interrupted(joining->runtime, err) || !store_diff_next(diff, &batch, err)) return false;
		if (!batch) return true;
		bool impossible = !joining->made.with_op && !sink_forgets(joining->target) && takes_back(batch);
		joining->refused = impossible ? !cannot_take_back(pipeline, err) : !joining->runtime->trying && !pipeline_write(pipeline, sink, batch, err);
		if (!joining->refused) continue;
		batch_unref(batch);
		return false;
	}
}

static bool deliver_difference(Joining *joining, const StoreTableSpec *old, const StoreTableSpec *made, Sink *sink, Error *err)
{
	StoreDiff *diff = store_diff_open(joining->runtime->store, old, made, err);
	bool ok = diff && deliver_rows(joining, diff, sink, err);
	store_diff_close(diff);
	return ok;
}

/* Of a target that nothing was written to, or that forgets, there is nothing to take back. */
static bool take_all_back(Joining *joining, const StoreTableSpec *old, Error *err)
{
	bool writes = joining->made.with_op && !joining->runtime->trying, ok = true;
	Sink *sink = NULL;
	if (joining->position <= 0 || sink_forgets(joining->target)) return true;
	if (writes) joining->refused = !(ok = joining->opened = pipeline_open_target(joining->pipeline, &joining->old, joining->position, &sink, err));
	ok = ok && deliver_difference(joining, old, NULL, sink, err);
	if (ok && writes) joining->refused = !(ok = sink_flush(sink, (int64_t)joining->runtime->commit, &joining->position, err));
	if (sink) sink_close(sink);
	return ok;
}

/* Nothing was delivered, or nobody knows what: it is given all rows. */
static bool make_empty(Runtime *runtime, const Pipeline *pipeline, Error *err)
{
	StoreTable *table = make_table(runtime, pipeline->relation, pipeline->lowered, err);
	store_table_close(table);
	return table != NULL;
}

/* The one column of this name, in any case, and its type; -1: there is none. *other: a reader may take another for it. */
static int find_column(const EncoderConfig *written, const EncodeColumn *column, bool *other)
{
	int found = -1, named = 0;
	for (int c = 0; c < written->column_count; c++) {
		if (strcasecmp(written->columns[c].name, column->name) != 0) continue;
		named++;
		found = c;
	}
	if (found >= 0) *other |= named > 1 || strcmp(written->columns[found].name, column->name) != 0 || !type_equal(written->columns[found].type, column->type);
	return found;
}

/* How the table of what was delivered is read as rows of the new columns. False: they are other rows. Only where columns have come is a row that stays what
 * a reader of the new ones finds in it, now and after the next change: one that is gone would still stand in it. */
static bool old_columns(Joining *joining, StoreColumn *columns)
{
	const EncoderConfig *old = &joining->old, *made = &joining->made;
	bool alike = encoder_alike(old, made), other = !alike && (made->with_op || !encoder_names_fields(made));
	for (int c = 0; !alike && c < old->column_count; c++)
		if (find_column(made, &old->columns[c], &other) < 0) other = true;
	for (int c = 0; c < made->column_count; c++) {
		int from = alike ? c : find_column(old, &made->columns[c], &other);
		columns[c] = (StoreColumn){.name = from < 0 ? NULL : written_column(&joining->arena, from), .type = made->columns[c].type, .nullable = true};
	}
	return !other;
}

static void old_spec(Joining *joining, StoreTableSpec *old, bool *anew)
{
	int room = joining->old.column_count > joining->made.column_count ? joining->old.column_count : joining->made.column_count;
	StoreColumn *columns = arena_array(&joining->arena, StoreColumn, room + 1);
	char *name = arena_alloc(&joining->arena, NAME_BYTES);
	delivered_name(joining->pipeline->relation->id, name);
	*old = (StoreTableSpec){.id = joining->pipeline->relation->id, .name = name, .kind = "sink", .columns = columns, .column_count = joining->made.column_count};
	*anew = !old_columns(joining, columns);
	if (!*anew) return;
	old->column_count = joining->old.column_count;
	for (int c = 0; c < old->column_count; c++) columns[c] = (StoreColumn){.name = written_column(&joining->arena, c), .type = joining->old.columns[c].type, .nullable = true};
}

static bool may_follow(Joining *joining, Error *err)
{
	bool never;
	const char *why = joining->position > 0 && !sink_forgets(joining->target) ? written_otherwise(&joining->old, &joining->made, &never, &joining->arena) : NULL;
	joining->refused = why && never;
	if (!joining->refused) return true;
	error_set(err, ERR_WRONG_STATE, SPAN_NONE, "sink \"%s\" cannot go on where it is: %s", joining->pipeline->relation->name, why);
	return error_hint(err, "DROP it, and make it again on another target.");
}

static bool deliver(Joining *joining, Error *err)
{
	Pipeline *pipeline = joining->pipeline;
	StoreTableSpec made, old;
	bool anew;
	pipeline_table_spec(pipeline, &joining->arena, &made);
	old_spec(joining, &old, &anew);
	if (anew && !take_all_back(joining, &old, err)) return false;
	bool opened = pipeline_begin_sink(joining->runtime, joining->lane, pipeline, joining->position, err);
	joining->opened |= opened;
	joining->refused = !opened;
	return opened && deliver_difference(joining, anew ? NULL : &old, &made, pipeline->sink, err);
}

static bool record_position(Joining *joining, Error *err)
{
	Runtime *runtime = joining->runtime;
	Pipeline *pipeline = joining->pipeline;
	int64_t position = pipeline->sink_position, commit = (int64_t)runtime->commit;
	if (runtime->trying) return true;
	joining->refused = !sink_flush(pipeline->sink, commit, &position, err);
	if (joining->refused) return false;
	pipeline->sink_position = position;
	return position == SINK_POSITION_NEW || store_sink_put(runtime->store, pipeline->relation->id, position, commit, NULL, err);
}

/* What was written of what does not count: behind the position that was recorded before, which is not asked for now, since what fails may be the file. */
static void cut_off(Joining *joining)
{
	Sink *sink = NULL;
	Error unheard = ERROR_INIT;
	if (!joining->opened || joining->runtime->trying) return;
	if (pipeline_open_target(joining->pipeline, &joining->old, joining->recorded > 0 ? joining->recorded : 0, &sink, &unheard)) sink_close(sink);
}

bool sink_joins(Runtime *runtime, Lane *lane, Pipeline *pipeline, bool *refused, Error *err)
{
	Joining joining = {.runtime = runtime, .lane = lane, .pipeline = pipeline, .target = sink_target(runtime->catalog, pipeline->relation)};
	arena_init(&joining.arena, 0);
	bool kept, ok = pipeline_recorded(pipeline, &joining.recorded, err) && delivered_is_kept(runtime, pipeline->relation, &kept, err) && (kept || make_empty(runtime, pipeline, err))
		&& written_by(runtime->catalog, pipeline->relation, pipeline->lowered, &joining.arena, &joining.made, err);
	joining.old = joining.made;
	joining.position = joining.recorded;
	if (ok) written_get(runtime->store, pipeline->relation->id, &joining.arena, &joining.old);
	ok = ok && may_follow(&joining, err) && deliver(&joining, err) && record_position(&joining, err)
		&& delivered_forget(runtime, pipeline->relation, err) && table_beside_drop(runtime, pipeline->relation, err);
	if (!ok) cut_off(&joining);
	*refused = joining.refused;
	arena_release(&joining.arena);
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
