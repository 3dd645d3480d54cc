/* Views that cannot go on are stopped, and only they and what reads them: because an operator failed, or because replay finds other records than were
 * once read. Operators have moved then and the file has not, or they cannot be brought to where the file is; so all lanes are made anew from the file,
 * without those views. A stopped view stays readable as the last commit left it; RESUME and REBUILD build it from its start.
 */
#include <stdio.h>

#include "run/input_log.h"
#include "run/place.h"

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

/* ---- in the file ---- */

static bool stop_one(Runtime *runtime, Relation *relation, const char *why, Error *err)
{
	Place place = place_get(runtime, relation);
	if (place_is_away(place)) return true;
	int32_t first = op_first(relation);
	return (!place.beside || table_beside_drop(runtime, relation, err)) && store_state_remove(runtime->store, place.lane, first, first + PIPELINE_OPS_MAX, err)
		&& place_put(runtime, relation, (Place){.state = PLACE_STOPPED}, why, err);
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
		ok = stop_one(runtime, family.at.at[r], why, err);
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

bool stop_unreplayed(Runtime *runtime, Error *why, Error *err)
{
	Pipeline *failed = find_failed(runtime);
	Relations list = {0};
	int64_t lane = 0;
	const Relation *lost = runtime->unreplayed ? runtime->unreplayed->relation : NULL;
	if (failed) vec_push(&list.at, failed->relation);
	for (int l = 0; !failed && lost && l < runtime->lanes.count; l++) {
		bool reading = false;
		for (int r = 0; r < runtime->lanes.at[l]->readers.count; r++) reading |= runtime->lanes.at[l]->readers.at[r] == runtime->unreplayed;
		if (!reading) continue;
		lane = runtime->lanes.at[l]->id;
		list = readers_of(runtime->lanes.at[l], lost);
	}
	if (!list.at.count) return false;
	bool own = !runtime->file_open, ok = !own || store_begin(runtime->store, err);
	for (int r = 0; ok && r < list.at.count; r++) ok = stop_family(runtime, list.at.at[r], why->message, err);
	ok = ok && (failed || store_positions_remove(runtime->store, lane, lost->id, err)) && (!own || store_commit(runtime->store, err));
	if (!ok && own) store_rollback(runtime->store);
	vec_release(&list.at);
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

static bool start_without(Runtime *runtime, Relation *relation, const char *why, Error *err)
{
	SealedCommit *gathered = runtime->next;
	bool was_reading = runtime->reading, had_input = runtime->gathering;
	runtime->next = sealed_new();
	runtime_forget(runtime);
	bool ok = (!relation || (runtime_file_begin(runtime, err) && stop_family(runtime, relation, why, err))) && runtime_start(runtime, err);
	if (ok && had_input) runtime_open_commit(runtime);
	ok = ok && push_gathered(runtime, gathered, err) && (!was_reading || runtime_read(runtime, runtime->until_end, runtime->final, err));
	sealed_free(gathered);
	return ok;
}

bool runtime_mend(Runtime *runtime, Error *err)
{
	Pipeline *failed = runtime->replaying || runtime->transaction ? NULL : find_failed(runtime);
	if (!failed || failed->fresh) return false;
	Error why = *err, none = ERROR_INIT;
	runtime->failure = ERROR_INIT;
	if (!writer_wait(runtime, &none)) return false;
	Relation *relation = failed->relation ? relation_ref(failed->relation) : NULL;
	if (!relation) failed->ended = why;
	bool ok = start_without(runtime, relation, why.message, &none);
	if (relation) {
		runtime->trouble = why;
		relation_unref(relation);
	}
	*err = ok ? (Error)ERROR_INIT : none;
	if (!ok) runtime->failure = none;
	return ok;
}
