/* WITH RECURSIVE: the fixpoint of a step over a seed, kept up to date.
 *
 * The step's operators hold all rows of the result as their input. What a step gives for new rows alone is the change of its output when they are
 * added, since SQL lets the step read them only once and linearly. So where seed and outside inputs only grow, the new rows go round until
 * nothing new comes (semi-naive evaluation). Where anything is taken away, the rows are taken out of the step again and the fixpoint is made
 * from the seed: counting derivations would keep rows alive that only derive each other. What comes out is the difference to what was told.
 */
#include "op/emitter.h"
#include "op/select.h"
#include "op/specs.h"

typedef struct RecurseRow {
	int64_t seed;                     /* copies in the seed */
	int64_t fed;                      /* copies that the step's input holds */
	int64_t told;                     /* copies given out */
	int64_t wanted;                   /* of noted rows, while a commit is being worked out */
	int64_t judge;
	uint32_t noted, reserved;
} RecurseRow;

#define COPIES_MAX INT32_MAX          /* of a row, under UNION ALL */

typedef struct Recurse {
	Op op;
	Op *step_in;
	bool all, has_judge;
	int iterations_max;
	StateMap *rows;
	VEC(Batch *) seed, produced;          /* of this commit */
	VEC(RecurseRow *) frontier, noted;
	bool taken_away;                      /* something was retracted in this commit */
	bool muted;                           /* what the step gives now is thrown away */
} Recurse;

/* ---- input ---- */

static void look_for_deletes(Recurse *recurse, const Batch *in)
{
	for (int i = 0; i < in->count; i++) recurse->taken_away |= batch_weight(in, i) < 0;
}

static bool recurse_push(Op *op, int input, Batch *in, Error *err)
{
	(void)err;
	Recurse *recurse = (Recurse *)op;
	if (input == 1 && recurse->muted) return true;
	look_for_deletes(recurse, in);
	if (input == 0) vec_push(&recurse->seed, batch_ref(in));
	else vec_push(&recurse->produced, batch_ref(in));
	return true;
}

/* ---- rows ---- */

/* A row that the commit comes to for the first time; until something is known of it, it is wanted as it was told. */
static void note(Recurse *recurse, RecurseRow *row)
{
	if (row->noted) return;
	row->noted = 1;
	row->wanted = row->told;
	vec_push(&recurse->noted, row);
}

typedef void RowFunction(Recurse *recurse, RecurseRow *row, int64_t weight, int64_t judge);

static void each_row(Recurse *recurse, Batch *in, RowFunction *function)
{
	Arena scratch;
	arena_init(&scratch, 0);
	Batch *dense = batch_dense(in, NULL);
	PackedRows packed = rows_pack(dense->columns, recurse->op.column_count, dense->count, &scratch);
	for (int i = 0; i < dense->count; i++) {
		bool added;
		RecurseRow *row = state_map_upsert(recurse->rows, packed.at[i], packed.bytes[i], packed.hashes[i], &added);
		if (added) row->judge = WATERMARK_NONE;
		function(recurse, row, dense->weights ? dense->weights[i] : 1, dense->hidden.judge ? dense->hidden.judge[i] : WATERMARK_NONE);
	}
	batch_unref(dense);
	arena_release(&scratch);
}

static void each_batch(Recurse *recurse, Batch **batches, int count, RowFunction *function)
{
	for (int b = 0; b < count; b++) {
		if (function) each_row(recurse, batches[b], function);
		batch_unref(batches[b]);
	}
}

static void add_seed(Recurse *recurse, RecurseRow *row, int64_t weight, int64_t judge)
{
	note(recurse, row);
	row->seed += weight;
	if (judge > row->judge) row->judge = judge;
}

/* A row that the fixpoint has (UNION: once; ALL: so many times more) goes into the next round. */
static void add_wanted(Recurse *recurse, RecurseRow *row, int64_t weight, int64_t judge)
{
	if (judge > row->judge) row->judge = judge;
	note(recurse, row);
	if (weight <= 0 || (!recurse->all && row->wanted)) return;
	row->wanted += recurse->all ? weight : 1;
	vec_push(&recurse->frontier, row);
}

static void add_new_seed(Recurse *recurse, RecurseRow *row, int64_t weight, int64_t judge)
{
	add_seed(recurse, row, weight, judge);
	add_wanted(recurse, row, weight, judge);
}

/* ---- the step ---- */

static bool commit_step(Recurse *recurse, const CommitInfo *commit, Error *err)
{
	for (int s = 0; s < recurse->op.inner_count; s++) {
		Op *op = recurse->op.inner[s];
		arena_clear(&op->scratch);
		if (op->class->commit && !op->class->commit(op, commit, err)) return false;
	}
	return true;
}

/* Brings the step's input to what each listed row wants (or to none of it). */
static bool feed(Recurse *recurse, RecurseRow *const *rows, int count, bool take_out, Error *err)
{
	Emitter emitter;
	emitter_init(&emitter, recurse->step_in, recurse->has_judge, err);
	for (int r = 0; r < count; r++) {
		RecurseRow *row = rows[r];
		int64_t change = (take_out ? 0 : row->wanted) - row->fed;
		if (change == 0) continue;
		uint32_t bytes;
		int at = emitter_row(&emitter, change, row->judge);
		emitter_packed(&emitter, at, 0, state_map_key(recurse->rows, row, &bytes), recurse->op.column_count);
		state_map_changed(recurse->rows, row);
		row->fed += change;
	}
	return emitter_finish(&emitter);
}

static bool too_many(const Recurse *recurse, int steps, Error *err)
{
	error_set(err, ERR_RESOURCE_LIMIT, SPAN_NONE, "WITH RECURSIVE has no end: still new rows after %d steps", steps);
	return error_hint(err, "%s", recurse->all ? "UNION instead of UNION ALL ends where rows repeat; or bound the steps in WHERE." : "Bound the steps in WHERE.");
}

/* What repeats without end grows by copies, too. */
static bool copies_are_bounded(const Recurse *recurse, RecurseRow *const *rows, int count)
{
	for (int r = 0; recurse->all && r < count; r++)
		if (rows[r]->wanted > COPIES_MAX || rows[r]->wanted < -COPIES_MAX) return false;
	return true;
}

static bool rounds(Recurse *recurse, const CommitInfo *commit, Error *err)
{
	for (int n = 0; recurse->frontier.count; n++) {
		if (n == recurse->iterations_max) return too_many(recurse, n, err);
		int count = recurse->frontier.count;
		RecurseRow **rows = recurse->frontier.at;
		memset(&recurse->frontier, 0, sizeof recurse->frontier);
		bool ok = (copies_are_bounded(recurse, rows, count) || too_many(recurse, n, err)) && feed(recurse, rows, count, false, err) && commit_step(recurse, commit, err);
		free(rows);
		if (!ok) return false;
		Batch **produced = recurse->produced.at;
		int produced_count = recurse->produced.count;
		memset(&recurse->produced, 0, sizeof recurse->produced);
		each_batch(recurse, produced, produced_count, add_wanted);
		free(produced);
	}
	return true;
}

/* ---- commit ---- */

static bool begin_anew(Recurse *recurse, const CommitInfo *commit, Error *err)
{
	VEC(RecurseRow *) all = {0};
	uint32_t cursor = 0;
	for (RecurseRow *row; (row = state_map_next(recurse->rows, &cursor)); ) {
		note(recurse, row);
		row->wanted = 0;
		vec_push(&all, row);
	}
	recurse->muted = true;
	bool ok = feed(recurse, all.at, all.count, true, err) && commit_step(recurse, commit, err);
	recurse->muted = false;
	for (int r = 0; r < all.count; r++) add_wanted(recurse, all.at[r], all.at[r]->seed, all.at[r]->judge);
	vec_release(&all);
	return ok;
}

static bool tell(Recurse *recurse, Error *err)
{
	Emitter emitter;
	emitter_init(&emitter, &recurse->op, recurse->has_judge, err);
	for (int r = 0; r < recurse->noted.count; r++) {
		RecurseRow *row = recurse->noted.at[r];
		state_map_changed(recurse->rows, row);
		if (row->wanted != row->told) {
			uint32_t bytes;
			int at = emitter_row(&emitter, row->wanted - row->told, row->judge);
			emitter_packed(&emitter, at, 0, state_map_key(recurse->rows, row, &bytes), recurse->op.column_count);
		}
		row->told = row->wanted;
		row->noted = 0;
		if (!row->seed && !row->told && !row->fed) state_map_remove(recurse->rows, row);
	}
	recurse->noted.count = 0;
	return emitter_finish(&emitter);
}

static bool recurse_commit(Op *op, const CommitInfo *commit, Error *err)
{
	Recurse *recurse = (Recurse *)op;
	if (!commit_step(recurse, commit, err)) return false;         /* what inputs from outside changed */
	if (recurse->seed.count == 0 && recurse->produced.count == 0) return true;
	bool anew = recurse->taken_away, ok = true;
	each_batch(recurse, recurse->seed.at, recurse->seed.count, anew ? add_seed : add_new_seed);
	Batch **produced = recurse->produced.at;
	int produced_count = recurse->produced.count;
	memset(&recurse->produced, 0, sizeof recurse->produced);
	each_batch(recurse, produced, produced_count, anew ? NULL : add_wanted);
	free(produced);
	recurse->seed.count = 0;
	recurse->taken_away = false;
	if (anew) ok = begin_anew(recurse, commit, err);
	return ok && rounds(recurse, commit, err) && tell(recurse, err);
}

static void recurse_release(Op *op)
{
	Recurse *recurse = (Recurse *)op;
	for (int b = 0; b < recurse->seed.count; b++) batch_unref(recurse->seed.at[b]);
	for (int b = 0; b < recurse->produced.count; b++) batch_unref(recurse->produced.at[b]);
	vec_release(&recurse->seed);
	vec_release(&recurse->produced);
	vec_release(&recurse->frontier);
	vec_release(&recurse->noted);
	for (int s = 0; s < op->inner_count; s++) op_free(op->inner[s]);
}

static const OpClass RECURSE = {.name = "recurse", .push = recurse_push, .commit = recurse_commit, .release = recurse_release};

static bool step_input_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	return op_emit(op, batch_ref(in), err);
}

static const OpClass STEP_INPUT = {.name = "step input", .push = step_input_push};

Op *op_step_input_new(const Type *types, int column_count) { return op_new(&STEP_INPUT, sizeof(Op), "step input", types, column_count, 0); }

Op *op_recurse_new(const RecurseSpec *spec)
{
	Recurse *recurse = op_new(&RECURSE, sizeof *recurse, "recurse", spec->types, spec->column_count, 2);
	recurse->step_in = spec->step_in;
	recurse->all = spec->all;
	recurse->has_judge = spec->seed->has_judge;
	recurse->iterations_max = spec->iterations_max;
	recurse->op.inner = arena_array(&recurse->op.arena, Op *, spec->step_op_count + 1);
	bool listed = false;
	for (int s = 0; s < spec->step_op_count; s++) {
		recurse->op.inner[recurse->op.inner_count++] = spec->step_ops[s];
		listed |= spec->step_ops[s] == spec->step_in;
	}
	if (!listed) recurse->op.inner[recurse->op.inner_count++] = spec->step_in;
	recurse->op.state = state_new("recurse");
	recurse->rows = state_map_open(recurse->op.state, sizeof(RecurseRow));
	return &recurse->op;
}
