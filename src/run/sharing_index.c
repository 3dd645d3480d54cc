/* An index keeps the columns that joins of its own query read, and when it serves others what theirs read, too. Which is the same index is lowering's word:
 * the same rows by the same key, all columns given (plan/lower_index.c). So nothing of this is in anybody's plan: a view that comes or goes changes what
 * rows of an index have, never whose state fits whom.
 *
 *   a view comes   the index that is there serves it. If it lacks columns it is filled anew: from the new view's, which was made with all that is
 *                  wanted, or, where that has been made elsewhere (RESUME, a lane that joins), from the table in the file, which stands where the
 *                  lane does between two commits
 *   one goes       what leaves with its state takes rows of just its own columns along; what stays is packed anew without those that nobody reads now
 *   at the start   whom it serves is in the file (sharing.c), what its rows have is in its state
 *
 * Rejected: that a later view's plan reads as much as an earlier one's. Then what it reads would depend on what else there was, and two that want
 * different columns would still have two indexes. Rejected, too: one index of all rows for joins of some of them (WHERE on the table in one view, none in the other), with
 * the condition tested behind it: a join would look at all rows of a key to find the few, and when the view without condition goes all of them
 * would have to be kept for one that needs few. Each condition has an index. */
#include "run/sharing_index.h"

#include "op/index.h"
#include "run/commit.h"

static const LoweredNote *note_of(const Lowered *lowered, const Op *op)
{
	for (int n = 0; n < lowered->notes.count; n++)
		if (lowered->notes.at[n].op == op) return &lowered->notes.at[n];
	return NULL;
}

/* What its rows are made of: below an index that may serve others there are conditions only. */
static LoweredScan *scan_of(const Lowered *lowered, const LoweredNote *note)
{
	while (note->input_count) note = note_of(lowered, note->inputs[0]);
	for (int s = 0; s < lowered->scans.count; s++)
		if (lowered->scans.at[s].op == note->op) return &lowered->scans.at[s];
	return NULL;
}

bool sharing_index_is_of(const Pipeline *pipeline, const LoweredNote *note, const Relation *relation)
{
	return index_reads(note->op) && scan_of(pipeline->lowered, note)->relation->id == relation->id;
}

/* ---- sets of columns ---- */

static bool has_all(const bool *set, const bool *of, int count)
{
	for (int c = 0; c < count; c++)
		if (of[c] && !set[c]) return false;
	return true;
}

/* What joins of an index's own query read, and those of all that it serves */
static void add_wanted(const Lane *lane, const Op *op, bool *wanted)
{
	for (int c = 0; c < op->column_count; c++) wanted[c] |= index_reads(op)[c];
	for (int n = 0; n < lane->graph.nodes.count; n++) {
		const Op *served = lane->graph.nodes.at[n]->op;
		for (int c = 0; served->served_by == op && c < op->column_count; c++) wanted[c] |= index_reads(served)[c];
	}
}

/* ---- filling anew ---- */

/* Of operators that nobody feeds or reads yet: rows go from the scan to the index and nowhere else. */
static void isolate(const Lowered *lowered, const LoweredNote *note)
{
	for (const Op *reader = NULL; note; reader = note->op, note = note->input_count ? note_of(lowered, note->inputs[0]) : NULL) {
		note->op->outputs.count = 0;
		if (reader) op_connect(note->op, (Op *)(uintptr_t)reader, 0);
	}
}

static const LoweredNote *find_alike(const Lowered *lowered, const LoweredNote *note)
{
	for (int n = 0; lowered && n < lowered->notes.count; n++) {
		const LoweredNote *made = &lowered->notes.at[n];
		bool same = made->op->id == note->op->id && made->identity.low == note->identity.low && made->identity.high == note->identity.high;
		if (same && !made->in_step && index_reads(made->op)) return made;
	}
	return NULL;
}

/* By operators made for nothing else, so that no account counts these rows. A plan that cannot be made again, or has become another, fills nothing. */
static bool fill(Runtime *runtime, const Pipeline *pipeline, const LoweredNote *note, const bool *wanted, bool *can, Error *err)
{
	Lowered *fresh = NULL;
	Error ignored = ERROR_INIT;
	const LoweredNote *made = runtime->config.lower(runtime->config.context, pipeline->relation, &fresh, &ignored) ? find_alike(fresh, note) : NULL;
	bool ok = true;
	*can = made != NULL;
	if (made) {
		isolate(fresh, made);
		index_keep(made->op, wanted);
		ok = scan_give_content(runtime, scan_of(fresh, made), err) && index_take(note->op, made->op, err);
	}
	lowered_free(fresh, true);
	return ok;
}

/* What was saved of it is of another form: all of it is saved with the commit that is asked for. */
static bool forget_saved(Runtime *runtime, Pipeline *pipeline, const Op *op, Error *err)
{
	pipeline->named = false;
	int32_t number = op_number(pipeline, op);
	runtime->checkpoint_wanted = true;
	return runtime_file_begin(runtime, err) && store_state_remove(runtime->store, runtime->live->id, number, number + 1, err);
}

void sharing_index_prepare(Op *op, const Op *owner)
{
	if (!index_reads(op)) return;
	bool *wanted = arena_array(&op->scratch, bool, op->column_count + 1);
	for (int c = 0; c < op->column_count; c++) wanted[c] = index_reads(op)[c] || index_keeps(owner)[c];
	index_keep(op, wanted);
}

bool sharing_index_widen(Runtime *runtime, Pipeline *owners, const LoweredNote *owner, const Op *op, bool *can, Error *err)
{
	Op *index = owner->op;
	*can = true;
	if (!index_reads(index)) return true;
	bool *wanted = arena_array(&index->scratch, bool, index->column_count + 1);
	add_wanted(runtime->live, index, wanted);
	add_wanted(runtime->live, op, wanted);
	if (has_all(index_keeps(index), wanted, index->column_count)) return true;
	bool there = has_all(index_keeps(op), wanted, index->column_count);
	if (!(there ? index_take(index, op, err) : fill(runtime, owners, owner, wanted, can, err))) return false;
	return !*can || forget_saved(runtime, owners, index, err);
}

/* ---- and less ---- */

static bool keep(Runtime *runtime, Pipeline *pipeline, Op *op, const bool *wanted, bool *any, Error *err)
{
	if (has_all(wanted, index_keeps(op), op->column_count)) return true;
	*any = true;
	index_keep(op, wanted);
	return forget_saved(runtime, pipeline, op, err);
}

bool sharing_index_narrow(Runtime *runtime, bool *any, Error *err)
{
	const Lane *lane = runtime->live;
	for (int n = 0; n < lane->graph.nodes.count; n++) {
		Op *op = lane->graph.nodes.at[n]->op;
		if (op->served_by || !index_reads(op)) continue;
		arena_clear(&op->scratch);
		bool *wanted = arena_array(&op->scratch, bool, op->column_count + 1);
		add_wanted(lane, op, wanted);
		if (!keep(runtime, lane_pipeline_of(lane, op), op, wanted, any, err)) return false;
	}
	return true;
}

bool sharing_index_leave(Runtime *runtime, Pipeline *pipeline, const Relation *relation, bool *any, Error *err)
{
	for (int n = 0; n < pipeline->lowered->notes.count; n++) {
		const LoweredNote *note = &pipeline->lowered->notes.at[n];
		Op *op = note->op;
		if (op->served_by || !index_reads(op) || (relation && !sharing_index_is_of(pipeline, note, relation))) continue;
		arena_clear(&op->scratch);
		if (!keep(runtime, pipeline, op, index_reads(op), any, err)) return false;
	}
	return true;
}
