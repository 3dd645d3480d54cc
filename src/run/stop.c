/* Views that cannot go on are stopped, and only they and what reads them: because an operator failed, because its state in the file is damaged, because
 * replay finds other records than were once read, or because a source said on_error = 'fail' gave a record that is no row. Operators have moved then and
 * the file has not, or they cannot be brought to where the file is; so all lanes are made anew from the file, without those views. A stopped view stays
 * readable as the last commit left it; RESUME and REBUILD build it from its start, but what a bad record stops takes its state along and RESUME goes on
 * before that record.
 */
#include <stdio.h>

#include "run/deliver.h"
#include "run/input_log.h"
#include "run/place.h"
#include "run/sharing.h"

/* ---- whose fault ---- */

/* Those that only pass on the failure of one that reads them are marked, too. */
static bool failed_itself(const Op *op)
{
	for (int e = 0; e < op->outputs.count; e++)
		if (op->outputs.at[e].to->failed) return false;
	return op->failed;
}

static bool pipeline_failed(const Pipeline *pipeline)
{
	for (int f = 0; f < pipeline->feeds.count; f++)
		if (failed_itself(pipeline->feeds.at[f].adapter)) return true;
	for (int o = 0; o < pipeline->lowered->ops.count; o++)
		if (failed_itself(pipeline->lowered->ops.at[o])) return true;
	return failed_itself(pipeline->tail);
}

static Pipeline *find_failed(const Runtime *runtime)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int p = 0; p < runtime->lanes.at[l]->pipelines.count; p++)
			if (pipeline_failed(runtime->lanes.at[l]->pipelines.at[p])) return runtime->lanes.at[l]->pipelines.at[p];
	return NULL;
}

static const Lane *lane_of_reader(const Runtime *runtime, const Reader *reader)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int r = 0; r < runtime->lanes.at[l]->readers.count; r++)
			if (runtime->lanes.at[l]->readers.at[r] == reader) return runtime->lanes.at[l];
	return NULL;
}

static const Reader *find_refusing(const Runtime *runtime)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int r = 0; r < runtime->lanes.at[l]->readers.count; r++)
			if (runtime->lanes.at[l]->readers.at[r]->refused) return runtime->lanes.at[l]->readers.at[r];
	return NULL;
}

/* ---- in the file ---- */

static bool reads_views_only(const Runtime *runtime, const Relation *sink)
{
	for (int d = 0; d < sink->depend_count; d++) {
		const Relation *below = catalog_find_id(runtime->catalog, sink->depends[d]);
		if (!below || (!relation_is_maintained(below) && below->kind != RELATION_SINK)) return false;
	}
	return true;
}

/* What it has delivered is told by the tables of the views that it reads, as of the last commit; local tables may be ahead of that. Where it cannot be told
 * the sink delivers all rows again when it is resumed. */
static void keep_delivered(Runtime *runtime, Relation *sink, Place place)
{
	Error untold = ERROR_INIT;
	if (sink->kind != RELATION_SINK || place.beside || place.lane != LANE_LIVE_ID || !reads_views_only(runtime, sink)) return;
	if (!store_savepoint(runtime->store, &untold)) return;
	if (!delivered_keep(runtime, sink, NULL, &untold)) store_savepoint_rollback(runtime->store);
	else store_savepoint_release(runtime->store, &untold);
}

static bool stop_one(Runtime *runtime, Relation *relation, int64_t company, const char *why, Error *err)
{
	Place place = place_get(runtime, relation);
	if (place_is_away(place)) return true;
	int32_t first = op_first(relation);
	keep_delivered(runtime, relation, place);
	return sharing_end_in_file(runtime, relation, err) && (!place.beside || table_beside_drop(runtime, relation, err)) && store_state_remove(runtime->store, place.lane, first, first + PIPELINE_OPS_MAX, err)
		&& place_put(runtime, relation, (Place){.state = PLACE_STOPPED, .company = company}, why, err);
}

static void tell(const Runtime *runtime, const Relation *relation, const char *why)
{
	char text[ERROR_MESSAGE_BYTES + 256];
	snprintf(text, sizeof text, "%s \"%s\" is stopped: %s", relation_kind_name(relation->kind), relation->name, why);
	if (runtime->config.notice) runtime->config.notice(runtime->config.context, text);
}

/* With all that reads it. */
static bool stop_family(Runtime *runtime, Relation *relation, const char *why, Error *err)
{
	Relations family = relations_family(runtime, relation);
	bool ok = true;
	for (int r = 0; ok && r < family.at.count; r++) {
		ok = stop_one(runtime, family.at.at[r], relation->id + 1, why, err);
		tell(runtime, family.at.at[r], why);
	}
	vec_release(&family.at);
	return ok;
}

static bool reads(const Pipeline *pipeline, const Relation *relation)
{
	for (int s = 0; s < pipeline->lowered->scans.count; s++)
		if (pipeline->lowered->scans.at[s].relation->id == relation->id) return true;
	return false;
}

/* What reads the relation in this lane directly, as relations: the pipelines will be gone. */
static Relations readers_of(const Lane *lane, const Relation *relation)
{
	Relations list = {0};
	for (int p = 0; p < lane->pipelines.count; p++)
		if (reads(lane->pipelines.at[p], relation)) vec_push(&list.at, lane->pipelines.at[p]->relation);
	return list;
}

/* ---- at the start ---- */

static Relations views_of(const Lane *lane)
{
	Relations list = {0};
	for (int p = 0; p < lane->pipelines.count; p++) vec_push(&list.at, lane->pipelines.at[p]->relation);
	return list;
}

/* Who stays behind, and what of their lane goes from the file: positions in a source that cannot be replayed; all of it where it is damaged as a whole. */
typedef struct Left { Relations views; const Lane *lane; const Relation *unreplayed; bool whole; } Left;

static bool find_left(const Runtime *runtime, Left *left)
{
	const Pipeline *failed = find_failed(runtime);
	*left = (Left){0};
	if (failed) vec_push(&left->views.at, failed->relation);
	else if (runtime->damaged) *left = (Left){.views = views_of(runtime->damaged), .lane = runtime->damaged, .whole = true};
	else if (runtime->unreplayed) {
		left->unreplayed = runtime->unreplayed->relation;
		left->lane = lane_of_reader(runtime, runtime->unreplayed);
		if (left->lane) left->views = readers_of(left->lane, left->unreplayed);
	}
	return left->views.at.count || left->whole;
}

static bool leave_in_file(Runtime *runtime, const Left *left, const char *why, Error *err)
{
	for (int r = 0; r < left->views.at.count; r++)
		if (!stop_family(runtime, left->views.at.at[r], why, err)) return false;
	if (left->whole) return store_lane_remove(runtime->store, left->lane->id, err);
	return !left->unreplayed || store_positions_remove(runtime->store, left->lane->id, left->unreplayed->id, err);
}

bool stop_unstarted(Runtime *runtime, Error *why, Error *err)
{
	Left left;
	if (!find_left(runtime, &left)) return false;
	bool own = !runtime->file_open, ok = (!own || store_begin(runtime->store, err)) && leave_in_file(runtime, &left, why->message, err)
		&& (!own || store_commit(runtime->store, err));
	if (!ok && own) store_rollback(runtime->store);
	vec_release(&left.views.at);
	runtime->trouble = *why;
	return ok;
}

/* ---- while it runs ---- */

typedef struct Again { Runtime *runtime; Relation *relation; } Again;

static bool push_again(void *context, Batch *batch, Error *err)
{
	Again *again = context;
	return runtime_push_local(again->runtime, again->relation, batch, err);
}

/* What statements have changed since the last commit is in the file's transaction; the operators get it once more. */
static bool push_gathered(Runtime *runtime, const SealedCommit *gathered, Error *err)
{
	bool ok = true;
	for (int i = 0; ok && i < gathered->logs.count; i++) {
		const SealedLog *log = &gathered->logs.at[i];
		Again again = {runtime, catalog_find_id(runtime->catalog, log->relation)};
		if (!again.relation || !relation_is_local(again.relation)) continue;
		Type *types = mem_alloc(sizeof *types * (size_t)(again.relation->column_count + 1));
		for (int c = 0; c < again.relation->column_count; c++) types[c] = again.relation->columns[c].type;
		ok = input_log_read(types, again.relation->column_count, str_at(&log->bytes), log->bytes.bytes, push_again, &again, err);
		free(types);
	}
	return ok;
}

/* What stops: at once, without its state, or as the last commit left it, when all has started anew. */
typedef struct Halt { Relations views; bool keeps_state; const char *why; } Halt;

static bool halt_before(Runtime *runtime, const Halt *halt, Error *err)
{
	if (halt->keeps_state || !halt->views.at.count) return true;
	bool ok = runtime_file_begin(runtime, err);
	for (int v = 0; ok && v < halt->views.at.count; v++) ok = stop_family(runtime, halt->views.at.at[v], halt->why, err);
	return ok;
}

static bool halt_after(Runtime *runtime, const Halt *halt, Error *err)
{
	bool ok = true;
	for (int v = 0; ok && halt->keeps_state && v < halt->views.at.count; v++) {
		Pipeline *pipeline;
		if (!runtime_lane_of(runtime, halt->views.at.at[v]->id, &pipeline)) continue;         /* with one that it reads */
		ok = runtime_stop(runtime, halt->views.at.at[v], halt->why, err);
		if (ok) tell(runtime, halt->views.at.at[v], halt->why);
	}
	return ok;
}

static bool start_without(Runtime *runtime, const Halt *halt, Error *err)
{
	SealedCommit *gathered = runtime->next;
	bool was_reading = runtime->reading, had_input = runtime->gathering;
	runtime->next = sealed_new();
	runtime_forget(runtime);
	bool ok = halt_before(runtime, halt, err) && runtime_start(runtime, err);
	if (ok && had_input) runtime_open_commit(runtime);
	ok = ok && push_gathered(runtime, gathered, err) && halt_after(runtime, halt, err)
		&& (!was_reading || runtime_read(runtime, runtime->until_end, runtime->final, err));
	sealed_free(gathered);
	return ok;
}

static void refs(const Relations *list, bool more)
{
	for (int r = 0; r < list->at.count; r++) more ? (void)relation_ref(list->at.at[r]) : relation_unref(list->at.at[r]);
}

bool runtime_mend(Runtime *runtime, Error *err)
{
	bool can = !runtime->replaying && !runtime->transaction && err->code != ERR_CANCELED;
	Pipeline *failed = can ? find_failed(runtime) : NULL;
	const Reader *refusing = can && !failed ? find_refusing(runtime) : NULL;
	if ((!failed && !refusing) || (failed && failed->fresh)) return false;
	Error why = *err, none = ERROR_INIT;
	runtime->failure = ERROR_INIT;
	if (!writer_wait(runtime, &none)) return false;
	Halt halt = {.keeps_state = refusing != NULL, .why = why.message};
	if (refusing) halt.views = readers_of(lane_of_reader(runtime, refusing), refusing->relation);
	else if (failed->relation) vec_push(&halt.views.at, failed->relation);
	else failed->ended = why;
	refs(&halt.views, true);
	bool ok = start_without(runtime, &halt, &none);
	if (halt.views.at.count) runtime->trouble = why;
	refs(&halt.views, false);
	vec_release(&halt.views.at);
	*err = ok ? (Error)ERROR_INIT : none;
	if (!ok) runtime->failure = none;
	return ok;
}
