/* Which operators are equal is lowering's word (LoweredNote.identity), and whether that is so as soon as they have been given the same rows or only if they
 * have lived through the same commits (LoweredNote.sharing). Rows of tables and views all readers have been given, whenever they were made. The same
 * history have those that were there before the first row and have never left the live lane.
 *
 * Rejected: hidden views that own what is shared. They would have to be paused, replaced and rebuilt with their readers, which are of different lanes
 * then; so each view keeps operators of its own, and an operator that is needed again gets a copy of the state. */
#include "run/sharing.h"

#include <stdio.h>
#include <stdlib.h>

#include "run/commit.h"
#include "run/place.h"
#include "run/sharing_index.h"

#define PREFIX "shared."

static bool setting_put(Runtime *runtime, int32_t op, int32_t owner, Error *err)
{
	char name[32], text[16];
	snprintf(name, sizeof name, PREFIX "%d", op);
	snprintf(text, sizeof text, "%d", owner);
	return store_setting_put(runtime->store, name, owner ? text : NULL, err);
}

/* ---- which may be shared ---- */

/* What `start` leaves out, and what `retention` has taken away since, other views may hold. */
static bool sees_all(Runtime *runtime, const Pipeline *pipeline)
{
	if (!pipeline->relation || relation_option(pipeline->relation, "start")) return false;
	for (int s = 0; s < pipeline->lowered->scans.count; s++) {
		const Relation *relation = pipeline->lowered->scans.at[s].relation;
		if (relation_option(relation, "retention") || retention_has_taken(runtime, relation)) return false;
	}
	return true;
}

static bool is_equal(const LoweredNote *a, const LoweredNote *b)
{
	return a->sharing != SHARED_NEVER && a->sharing == b->sharing && a->identity.low == b->identity.low && a->identity.high == b->identity.high;
}

/* Late rows that are kept are told view by view; so is which row is late in all branches of a query (Pipeline.has_fates). */
static bool has_whole_history(Runtime *runtime, const Pipeline *pipeline)
{
	return place_is_unbroken(runtime, pipeline->relation) && !relation_option(pipeline->relation, "late_rows");
}

/* Closed up to the same times: for all rows of a stream that is so. */
static bool same_times(const Op *a, const Op *b)
{
	return memcmp(a->in_watermarks, b->in_watermarks, sizeof a->in_watermarks) == 0 && memcmp(a->out_watermarks, b->out_watermarks, sizeof a->out_watermarks) == 0;
}

/* Each of the two counts the stream's late rows, but keeps none of them. */
static bool has_whole_stream(const Pipeline *pipeline, const Pipeline *other)
{
	return !pipeline->has_fates && !other->has_fates && !relation_option(pipeline->relation, "late_rows") && !relation_option(other->relation, "late_rows");
}

static const LoweredNote *find_equal(Runtime *runtime, int pipelines, const Pipeline *pipeline, const LoweredNote *note)
{
	for (int p = 0; p < pipelines; p++) {
		const Pipeline *other = runtime->live->pipelines.at[p];
		for (int n = 0; n < other->lowered->notes.count; n++) {
			const LoweredNote *found = &other->lowered->notes.at[n];
			if (!is_equal(found, note) || found->op->served_by || found->op->defers != note->op->defers || !sees_all(runtime, other)) continue;
			if (note->sharing == SHARED_BY_ROWS) return found;
			if (note->sharing == SHARED_BY_ORDER && has_whole_stream(other, pipeline) && same_times(found->op, note->op)) return found;
			if (!pipeline->has_fates && has_whole_history(runtime, other) && has_whole_history(runtime, pipeline)) return found;
		}
	}
	return NULL;
}

void sharing_prepare(Runtime *runtime, const Pipeline *pipeline)
{
	bool all = sees_all(runtime, pipeline);
	for (int n = 0; all && n < pipeline->lowered->notes.count; n++) {
		const LoweredNote *note = &pipeline->lowered->notes.at[n];
		const LoweredNote *owner = note->sharing == SHARED_BY_ROWS ? find_equal(runtime, runtime->live->pipelines.count - 1, pipeline, note) : NULL;
		if (owner) sharing_index_prepare(note->op, owner->op);
	}
}

/* ---- resting and waking ---- */

Pipeline *sharing_owner(const Lane *lane, const Op *op) { return op->served_by ? lane_pipeline_of(lane, op->served_by) : NULL; }

static void rest(Lane *lane, Op *op, Op *owner)
{
	for (int n = 0; n < lane->graph.nodes.count; n++) op_disconnect(lane->graph.nodes.at[n]->op, op);
	for (int e = 0; e < op->outputs.count; e++) op_connect(owner, op->outputs.at[e].to, op->outputs.at[e].input);
	op->outputs.count = 0;
	op->served_by = owner;
}

static bool feeds_from(const Runtime *runtime, const Pipeline *from, const Op *adapter)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int p = 0; p < runtime->lanes.at[l]->pipelines.count; p++) {
			const Pipeline *reader = runtime->lanes.at[l]->pipelines.at[p];
			for (int f = 0; f < reader->feeds.count; f++)
				if (reader->feeds.at[f].adapter == adapter) return reader->feeds.at[f].from == from;
		}
	return false;
}

/* Does the edge stand for one of the pipeline's operator? */
static bool is_edge_of(const Runtime *runtime, const Pipeline *pipeline, const Op *op, OpEdge edge)
{
	const Lowered *lowered = pipeline->lowered;
	for (int n = 0; n < lowered->notes.count; n++)
		if (lowered->notes.at[n].op == edge.to) return lowered->notes.at[n].inputs[edge.input] == op;
	return lowered->root == op && (edge.to == pipeline->tail || feeds_from(runtime, pipeline, edge.to));
}

static void take_readers(const Runtime *runtime, const Pipeline *pipeline, Op *owner, Op *op)
{
	int kept = 0;
	for (int e = 0; e < owner->outputs.count; e++) {
		OpEdge edge = owner->outputs.at[e];
		if (is_edge_of(runtime, pipeline, op, edge)) op_connect(op, edge.to, edge.input);
		else owner->outputs.at[kept++] = edge;
	}
	owner->outputs.count = kept;
}

/* Its state has become another. */
static bool restored(Op *op, Error *err) { return !op->class->restored || op->class->restored(op, err); }

static bool wake(Runtime *runtime, const Pipeline *pipeline, const LoweredNote *note, bool with_state, Error *err)
{
	Op *op = note->op, *owner = op->served_by;
	if (with_state && !(state_take_copy(op->state, owner->state, err) && restored(op, err))) return false;
	op->served_by = NULL;
	op->rows_late = owner->rows_late;
	memcpy(op->in_watermarks, owner->in_watermarks, sizeof op->in_watermarks);
	memcpy(op->out_watermarks, owner->out_watermarks, sizeof op->out_watermarks);
	for (int i = 0; i < note->input_count; i++) op_connect(op_serving(note->inputs[i]), op, i);
	take_readers(runtime, pipeline, owner, op);
	return setting_put(runtime, op_number(pipeline, op), 0, err);
}

/* ---- while it runs ---- */

/* What an operator has served that will rest now is served by its owner, too: nobody is served by one that rests. */
static bool pass_on(Runtime *runtime, const Op *op, Op *owner, int32_t owner_number, Error *err)
{
	const Lane *lane = runtime->live;
	for (int p = 0; p < lane->pipelines.count; p++) {
		Pipeline *served = lane->pipelines.at[p];
		for (int o = 0; o < served->lowered->ops.count; o++) {
			if (served->lowered->ops.at[o]->served_by != op) continue;
			served->lowered->ops.at[o]->served_by = owner;
			served->named = false;
			if (!setting_put(runtime, op_number(served, served->lowered->ops.at[o]), owner_number, err)) return false;
		}
	}
	return true;
}

static bool share(Runtime *runtime, Pipeline *pipeline, const LoweredNote *note, const LoweredNote *owner, Pipeline *owners, bool *found, Error *err)
{
	int32_t number = op_number(pipeline, note->op);
	bool can;
	if (!runtime_file_begin(runtime, err) || !sharing_index_widen(runtime, owners, owner, note->op, &can, err)) return false;
	if (!can) return true;
	*found = true;
	if (!pass_on(runtime, note->op, owner->op, op_number(owners, owner->op), err)) return false;
	rest(runtime->live, note->op, owner->op);
	state_clear(note->op->state);
	pipeline->named = false;
	return restored(note->op, err) && store_state_remove(runtime->store, runtime->live->id, number, number + 1, err)
		&& setting_put(runtime, number, op_number(owners, owner->op), err);
}

bool sharing_find(Runtime *runtime, Error *err)
{
	Lane *lane = runtime->live;
	bool found = false;
	if (runtime->checkpoint || runtime->restart_wanted) return true;      /* pages of what would rest are on their way, or all is made anew: wanted still */
	runtime->sharing_wanted = false;
	for (int p = 1; p < lane->pipelines.count; p++) {
		Pipeline *pipeline = lane->pipelines.at[p];
		bool all = sees_all(runtime, pipeline);
		for (int n = 0; all && n < pipeline->lowered->notes.count; n++) {
			const LoweredNote *note = &pipeline->lowered->notes.at[n];
			const LoweredNote *owner = note->sharing != SHARED_NEVER && !note->op->served_by ? find_equal(runtime, p, pipeline, note) : NULL;
			if (!owner) continue;
			if (!share(runtime, pipeline, note, owner, lane_pipeline_of(lane, owner->op), &found, err)) return false;
		}
	}
	if (!sharing_index_narrow(runtime, &found, err)) return false;
	if (!found) return true;
	for (int p = 0; p < lane->pipelines.count; p++) account_settle(lane->pipelines.at[p]);     /* late rows are counted by others now; all until here are in the file */
	graph_link(&lane->graph);
	runtime->checkpoint_wanted = true;
	return runtime_flush(runtime, err);
}

bool sharing_end(Runtime *runtime, Pipeline *pipeline, SharingEnd how, Error *err)
{
	Lane *lane = runtime->live;
	bool any = false;
	runtime->sharing_wanted = false;                      /* until it has left */
	for (int p = 0; p < lane->pipelines.count; p++) {
		Pipeline *other = lane->pipelines.at[p];
		for (int n = 0; n < other->lowered->notes.count; n++) {
			const LoweredNote *note = &other->lowered->notes.at[n];
			bool own = other == pipeline;
			if (!note->op->served_by || (!own && sharing_owner(lane, note->op) != pipeline)) continue;
			if (!any && !runtime_file_begin(runtime, err)) return false;
			any = true;
			if (!wake(runtime, other, note, !own || how == LEAVES_WITH_STATE, err)) return false;
			other->named = false;
		}
	}
	if (how == LEAVES_WITH_STATE && !sharing_index_leave(runtime, pipeline, NULL, &any, err)) return false;
	if (!any) return true;
	graph_link(&lane->graph);
	return runtime->checkpoint_wanted = true;
}

bool sharing_end_over(Runtime *runtime, const Relation *relation, Error *err)
{
	Lane *lane = runtime->live;
	bool any = false;
	for (int p = 0; p < lane->pipelines.count; p++) {
		Pipeline *pipeline = lane->pipelines.at[p];
		for (int n = 0; n < pipeline->lowered->notes.count; n++) {
			const LoweredNote *note = &pipeline->lowered->notes.at[n];
			if (!note->op->served_by || !sharing_index_is_of(pipeline, note, relation)) continue;
			if (!runtime_file_begin(runtime, err) || !wake(runtime, pipeline, note, true, err)) return false;
			any = true;
			pipeline->named = false;
		}
	}
	for (int p = 0; p < lane->pipelines.count; p++)
		if (!sharing_index_leave(runtime, lane->pipelines.at[p], relation, &any, err)) return false;
	runtime->sharing_wanted = false;
	if (!any) return true;
	graph_link(&lane->graph);
	return runtime->checkpoint_wanted = true;
}

/* ---- what the file says ---- */

typedef struct SharedPair { int32_t op, owner; } SharedPair;
typedef struct SharedPairs { VEC(SharedPair) at; } SharedPairs;

static bool list_pair(void *context, const char *name, const char *value, Error *err)
{
	(void)err;
	SharedPairs *pairs = context;
	SharedPair pair = {.owner = (int32_t)strtol(value, NULL, 10)};
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0) return true;
	pair.op = (int32_t)strtol(name + strlen(PREFIX), NULL, 10);
	vec_push(&pairs->at, pair);
	return true;
}

static bool copy_in_file(Runtime *runtime, SharedPair pair, Error *err)
{
	runtime->sharing_wanted = true;                       /* when all has started */
	return store_state_copy(runtime->store, LANE_LIVE_ID, pair.owner, pair.op, err) && setting_put(runtime, pair.op, 0, err);
}

bool sharing_end_in_file(Runtime *runtime, const Relation *relation, Error *err)
{
	SharedPairs pairs = {0};
	bool ok = store_settings_list(runtime->store, list_pair, &pairs, err);
	for (int i = 0; ok && i < pairs.at.count; i++) {
		SharedPair pair = pairs.at.at[i];
		if (pair.op / PIPELINE_OPS_MAX == relation->id) ok = setting_put(runtime, pair.op, 0, err);
		else if (pair.owner / PIPELINE_OPS_MAX == relation->id) ok = copy_in_file(runtime, pair, err);
	}
	vec_release(&pairs.at);
	return ok;
}

static const LoweredNote *note_of(const Lane *lane, int32_t number, int *place)
{
	for (*place = 0; *place < lane->pipelines.count; ++*place) {
		const Pipeline *pipeline = lane->pipelines.at[*place];
		for (int n = 0; pipeline->relation && n < pipeline->lowered->notes.count; n++)
			if (op_number(pipeline, pipeline->lowered->notes.at[n].op) == number) return &pipeline->lowered->notes.at[n];
	}
	return NULL;
}

static bool restore_pair(Runtime *runtime, SharedPair pair, Error *err)
{
	int place, owners_place;
	const LoweredNote *note = note_of(runtime->live, pair.op, &place), *owner = note_of(runtime->live, pair.owner, &owners_place);
	if (!note || !owner || owners_place >= place || !is_equal(note, owner)) return copy_in_file(runtime, pair, err);
	rest(runtime->live, note->op, owner->op);
	return true;
}

bool sharing_restore(Runtime *runtime, Error *err)
{
	SharedPairs pairs = {0};
	bool own = !runtime->file_open, ok = store_settings_list(runtime->store, list_pair, &pairs, err);
	if (ok && pairs.at.count) {
		ok = !own || store_begin(runtime->store, err);
		for (int i = 0; ok && i < pairs.at.count; i++) ok = restore_pair(runtime, pairs.at.at[i], err);
		ok = ok && (!own || store_commit(runtime->store, err));
		if (!ok && own) store_rollback(runtime->store);
		graph_link(&runtime->live->graph);
	}
	vec_release(&pairs.at);
	return ok;
}
