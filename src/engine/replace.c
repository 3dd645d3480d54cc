/* Putting a new definition in the place of one that others read: what stays the same goes on, what changes is made anew, all in one transaction. */
#include <string.h>

#include "engine/redefine.h"
#include "run/deliver.h"
#include "run/place.h"
#include "run/sharing.h"
#include "run/written.h"

/* ---- sinks, which get the difference ---- */

/* untold: why nobody knows what it has delivered */
typedef struct SinkChange { const Relation *old, *made; const char *untold, *why, *hint; bool other_columns; } SinkChange;

/* What it writes goes behind what it has written. */
static bool compare_sink(const Redefinition *redefinition, const Lowered *old, const Lowered *made, SinkChange *change, Error *err)
{
	Arena *arena = (Arena *)(uintptr_t)&redefinition->arena;
	EncoderConfig before, after;
	bool never = true;
	if (sink_forgets(sink_target(redefinition->engine->catalog, change->old))) return true;
	if (!written_by(redefinition->engine->catalog, change->old, old, arena, &before, err) || !written_by(redefinition->trial, change->made, made, arena, &after, err)) return false;
	change->why = written_otherwise(&before, &after, &never, arena);
	change->other_columns = change->why && !never;
	change->hint = never ? "DROP the sink first, and make it again on another target." : "CASCADE lets it take back what it has delivered and write the new columns from now on; or DROP it first.";
	if (change->other_columns && redefinition->cascade) change->why = NULL;
	return true;
}

static bool refuse_sink(const Redefinition *redefinition, const SinkChange *change, Error *err)
{
	const char *kind = relation_kind_name(redefinition->old->kind), *name = redefinition->old->name;
	bool itself = change->old == redefinition->old;
	if (!change->why && !change->untold) return true;
	if (itself) error_set(err, ERR_WRONG_STATE, SPAN_NONE, "sink \"%s\" cannot go on where it is: %s", name, change->untold ? change->untold : change->why);
	else if (change->untold)
		error_set(err, ERR_DEPENDENT_OBJECTS, SPAN_NONE, "%s \"%s\" cannot be changed: sink \"%s\", which reads it, could not be told what changes: %s", kind, name, change->old->name, change->untold);
	else error_set(err, ERR_DEPENDENT_OBJECTS, SPAN_NONE, "%s \"%s\" cannot be changed: sink \"%s\" reads it, and %s", kind, name, change->old->name, change->why);
	return error_hint(err, "%s", change->hint);
}

/* Of one that is away nobody need tell what it has delivered: it delivers all again when it is resumed. */
static bool check_sink(const Redefinition *redefinition, Relation *old_sink, Relation *made_sink, bool *other_columns, Error *err)
{
	Lowered *old = NULL, *made = NULL;
	Pipeline *pipeline;
	SinkChange change = {.old = old_sink, .made = made_sink, .hint = "DROP it first, or PAUSE it: when it is resumed it delivers all rows again."};
	bool ok = engine_lower_on(redefinition->engine->catalog, old_sink, &old, err) && engine_lower_on(redefinition->trial, made_sink, &made, err);
	if (ok && runtime_lane_of(redefinition->engine->runtime, old_sink->id, &pipeline)) change.untold = delivered_unknown(redefinition->engine->runtime, old, (Arena *)(uintptr_t)&redefinition->arena);
	if (ok && !change.untold) ok = compare_sink(redefinition, old, made, &change, err);
	lowered_free(old, true);
	lowered_free(made, true);
	if (other_columns) *other_columns = change.other_columns;
	return ok && refuse_sink(redefinition, &change, err);
}

static bool check_sinks(Redefinition *redefinition, Error *err)
{
	for (int d = 0; d < redefinition->dependants.count && !redefinition->is_other_target; d++) {
		Dependant *dependant = &redefinition->dependants.at[d];
		bool is_sink = dependant->old->kind == RELATION_SINK && relation_has_pipeline(dependant->old), stays = !dependant->changed && !dependant->follows;
		if (is_sink && !stays && !check_sink(redefinition, dependant->old, dependant->made, &dependant->writes_otherwise, err)) return false;
	}
	return true;
}

/* A sink that is replaced where it writes. */
static bool check_itself(const Redefinition *redefinition, Error *err)
{
	Pipeline *pipeline;
	Relation *old = redefinition->old;
	if (old->kind != RELATION_SINK) return true;
	if (!runtime_lane_of(redefinition->engine->runtime, old->id, &pipeline))
		return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "sink \"%s\" cannot be replaced: it is not running", old->name) || error_hint(err, "RESUME or DROP it first.");
	return check_sink(redefinition, old, redefinition->made, NULL, err);
}

/* In the file and in the catalog. */
static bool put_relation(Session *session, Relation *relation, Error *err)
{
	if (!put_catalog(session, relation, err)) return false;
	catalog_add(session->engine->catalog, relation_ref(relation));
	return true;
}

/* What a paused view was to be given later of a local relation has the old columns: it begins anew when it is resumed. */
static bool must_go(const Redefinition *redefinition, const Dependant *dependant)
{
	Pipeline *pipeline;
	if (!relation_has_pipeline(dependant->old)) return false;
	return dependant->changed || (has_table(redefinition->old) && !runtime_lane_of(redefinition->engine->runtime, dependant->old->id, &pipeline));
}

/* What they have delivered, before anything that they read changes. */
static bool keep_delivered(const Redefinition *redefinition, Error *err)
{
	Runtime *runtime = redefinition->engine->runtime;
	for (int d = 0; d < redefinition->dependants.count && !redefinition->is_other_target; d++) {
		Relation *old = redefinition->dependants.at[d].old;
		if (!must_go(redefinition, &redefinition->dependants.at[d])) continue;
		if (!runtime_file_begin(runtime, err) || !sink_keeps_delivered(runtime, old, err)) return false;
	}
	return true;
}

/* Changes that are kept are rows of the old columns. */
static bool forget_changes(Redefinition *redefinition, Error *err)
{
	Store *store = redefinition->engine->store;
	for (int d = 0; d < redefinition->dependants.count; d++) {
		const Dependant *dependant = &redefinition->dependants.at[d];
		if (!relation_same_columns(dependant->old, dependant->made) && !store_changes_drop(store, dependant->old->id, err)) return false;
	}
	return relation_same_columns(redefinition->old, redefinition->made) || store_changes_drop(store, redefinition->old->id, err);
}

/* *again: what has to be made anew, each before what reads it. */
static bool set_aside(Redefinition *redefinition, Relation **again, int *count, Error *err)
{
	Engine *engine = redefinition->engine;
	bool ran = false;
	if (!keep_delivered(redefinition, err) || !forget_changes(redefinition, err)) return false;
	for (int d = redefinition->dependants.count - 1; d >= 0; d--) {
		Dependant *dependant = &redefinition->dependants.at[d];
		if (!must_go(redefinition, dependant)) continue;
		if (!runtime_set_aside(engine->runtime, dependant->old, &ran, err)) return false;
		if (redefinition->is_other_target && !store_sink_remove(engine->store, dependant->old->id, err)) return false;
		if (ran) again[(*count)++] = dependant->made;
	}
	if (relation_has_pipeline(redefinition->old) && !runtime_set_aside(engine->runtime, redefinition->old, &ran, err)) return false;
	if (relation_has_pipeline(redefinition->old) && ran) again[(*count)++] = redefinition->made;
	for (int i = 0, j = *count - 1; i < j; i++, j--) {
		Relation *kept = again[i];
		again[i] = again[j];
		again[j] = kept;
	}
	return true;
}

static bool put_all(Session *session, const Redefinition *redefinition, Error *err)
{
	if (!put_relation(session, redefinition->made, err)) return false;
	for (int d = 0; d < redefinition->dependants.count; d++)
		if (!put_relation(session, redefinition->dependants.at[d].made, err)) return false;
	return true;
}

static bool apply(Session *session, Redefinition *redefinition, Error *err)
{
	Engine *engine = session->engine;
	Runtime *runtime = engine->runtime;
	bool restart = runtime->started && redefinition->old->kind != RELATION_VIEW;
	Relation **again = arena_array(&redefinition->arena, Relation *, redefinition->dependants.count + 1);
	int count = 0;
	return (!runtime->started || set_aside(redefinition, again, &count, err)) && put_all(session, redefinition, err)
		&& (!has_table(redefinition->old) || engine_reshape(redefinition, err)) && (!restart || runtime_restart(runtime, err))
		&& (!runtime->started || runtime_remake(runtime, again, count, err));
}

/* What is gathered goes into the file under the old definition; what has rows in the log or has to be made anew needs all that runs. The transaction is
 * held over the flushes in between. */
bool redefine_apply(Session *session, Redefinition *redefinition, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	bool held = runtime->transaction, needs_all = has_table(redefinition->old) || relation_has_pipeline(redefinition->old) || redefine_changed(redefinition);
	if ((needs_all && !runtime_start(runtime, err)) || !check_sinks(redefinition, err)) return false;
	if (!(runtime->started ? runtime_checkpoint(runtime, err) : runtime_flush(runtime, err)) || !begin_definition(session, err)) return false;
	runtime_hold(runtime, true);
	bool ok = (!runtime->started || sharing_end_over(runtime, redefinition->old, err)) && apply(session, redefinition, err);
	runtime_hold(runtime, held);
	return ok;
}

/* ---- a query in the place of another ---- */

typedef struct Replacing { Session *session; Relation **relations; Lowered **lowered; int count; } Replacing;

/* Under a number of its own; names find it when it has taken the old one's place. */
static bool add_replacing(Replacing *replacing, Relation *relation, const Relation *old, Lowered *lowered, Error *err)
{
	relation->id = 0;
	relation->replaces = old->id;
	facts_from_lowered(relation, lowered);
	replacing->relations[replacing->count] = relation;
	replacing->lowered[replacing->count++] = lowered;
	return retention_check(relation, err) && put_relation(replacing->session, relation, err);
}

/* Bound once more, on what has the new numbers. */
static bool add_dependant(Replacing *replacing, const Dependant *dependant, Error *err)
{
	Session *session = replacing->session;
	Catalog *pending = catalog_copy(session->engine->catalog, true);
	PlanContext context = {.arena = &session->arena};
	BindSettings settings = {.stored = true};
	Lowered *lowered = NULL;
	Relation *relation = bind_relation_text(dependant->old->sql, 0, pending, &settings, &context, NULL, err);
	bool ok = relation && engine_lower_on(pending, relation, &lowered, err) && add_replacing(replacing, relation, dependant->old, lowered, err);
	relation_unref(relation);
	catalog_free(pending);
	return ok;
}

static bool check_running(const Redefinition *redefinition, Error *err)
{
	Pipeline *pipeline;
	for (int d = 0; d < redefinition->dependants.count; d++) {
		const Relation *old = redefinition->dependants.at[d].old;
		if (!relation_has_pipeline(old)) continue;
		Place place = place_get(redefinition->engine->runtime, old);
		bool begins_anew = place_is_away(place) && !place.lane && !redefinition->dependants.at[d].changed;       /* when it is resumed */
		if (!begins_anew && !runtime_lane_of(redefinition->engine->runtime, old->id, &pipeline))
			return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "%s \"%s\" cannot be replaced: %s \"%s\", which reads it, is not running", relation_kind_name(redefinition->old->kind),
				redefinition->old->name, relation_kind_name(old->kind), old->name) || error_hint(err, "RESUME or DROP it first.");
	}
	return true;
}

static bool replace_all(Session *session, Redefinition *redefinition, Lowered *lowered, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	int room = redefinition->dependants.count + 1;
	Replacing replacing = {session, arena_array(&redefinition->arena, Relation *, room), arena_array(&redefinition->arena, Lowered *, room), 0};
	bool ok = add_replacing(&replacing, redefinition->made, redefinition->old, lowered, err);
	for (int d = 0; ok && d < redefinition->dependants.count; d++)
		if (relation_has_pipeline(redefinition->dependants.at[d].old) && !place_is_away(place_get(runtime, redefinition->dependants.at[d].old))) ok = add_dependant(&replacing, &redefinition->dependants.at[d], err);
	if (ok) return runtime_replace(runtime, replacing.relations, replacing.lowered, replacing.count, err);
	for (int r = 0; r < replacing.count; r++) lowered_free(replacing.lowered[r], true);
	return false;
}

bool redefine_replace(Session *session, Redefinition *redefinition, Lowered *lowered, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	bool held = runtime->transaction;
	if (!check_running(redefinition, err) || !check_itself(redefinition, err) || !check_sinks(redefinition, err) || !runtime_flush(runtime, err) || !begin_definition(session, err)) {
		lowered_free(lowered, true);
		return false;
	}
	runtime_hold(runtime, true);
	bool ok = replace_all(session, redefinition, lowered, err);
	runtime_hold(runtime, held);
	return ok;
}
