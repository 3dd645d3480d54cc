/* INTERSECT and EXCEPT, with or without ALL: how often each row stands on either side, and what follows from that. Rows are equal where their
 * packed bytes are, so NULLs are. */
#include "op/emitter.h"
#include "op/select.h"
#include "op/specs.h"

typedef struct SetRow {
	int64_t sides[2];                 /* copies on the left and on the right */
	int64_t emitted;
	int64_t judge;
	uint32_t noted;                   /* changed in this commit; 0 at its end */
} SetRow;

typedef struct Setop {
	Op op;
	SetopKind kind;
	bool has_judge;
	StateMap *rows;
	VEC(SetRow *) notes;
} Setop;

static bool setop_push(Op *op, int input, Batch *in, Error *err)
{
	(void)err;
	Setop *setop = (Setop *)op;
	Batch *dense = batch_dense(in, NULL);
	PackedRows packed = rows_pack(dense->columns, op->column_count, dense->count, &op->scratch);
	void **found = arena_alloc(&op->scratch, sizeof *found * (size_t)dense->count);
	bool *added = arena_alloc(&op->scratch, sizeof *added * (size_t)dense->count);
	state_map_upsert_many(setop->rows, packed.at, packed.bytes, packed.hashes, dense->count, found, added);
	for (int i = 0; i < dense->count; i++) {
		SetRow *row = found[i];
		if (added[i]) row->judge = WATERMARK_NONE;
		row->sides[input] += dense->weights ? dense->weights[i] : 1;
		if (dense->hidden.judge && dense->hidden.judge[i] > row->judge) row->judge = dense->hidden.judge[i];
		if (row->noted) continue;
		row->noted = 1;
		vec_push(&setop->notes, row);
	}
	batch_unref(dense);
	return true;
}

static int64_t copies_wanted(SetopKind kind, int64_t left, int64_t right)
{
	switch (kind) {
	case SETOP_INTERSECT: return left > 0 && right > 0;
	case SETOP_INTERSECT_ALL: return left < 0 || right < 0 ? 0 : left < right ? left : right;
	case SETOP_EXCEPT: return left > 0 && right <= 0;
	case SETOP_EXCEPT_ALL: return left > right ? left - right : 0;
	}
	return 0;
}

static bool setop_commit(Op *op, const CommitInfo *commit, Error *err)
{
	(void)commit;
	Setop *setop = (Setop *)op;
	Emitter emitter;
	emitter_init(&emitter, op, setop->has_judge, err);
	for (int i = 0; i < setop->notes.count; i++) {
		SetRow *row = setop->notes.at[i];
		int64_t wanted = copies_wanted(setop->kind, row->sides[0], row->sides[1]);
		if (wanted != row->emitted) {
			uint32_t bytes;
			int at = emitter_row(&emitter, wanted - row->emitted, row->judge);
			emitter_packed(&emitter, at, 0, state_map_key(setop->rows, row, &bytes), op->column_count);
		}
		row->emitted = wanted;
		row->noted = 0;
		if (!row->sides[0] && !row->sides[1]) state_map_remove(setop->rows, row);
	}
	setop->notes.count = 0;
	return emitter_finish(&emitter);
}

static void setop_release(Op *op) { vec_release(&((Setop *)op)->notes); }

static const OpClass SETOP = {.name = "setop", .push = setop_push, .commit = setop_commit, .release = setop_release};

Op *op_setop_new(const SetopSpec *spec)
{
	Setop *setop = op_new(&SETOP, sizeof *setop, "setop", spec->left.types, spec->left.column_count, 2);
	Op *op = &setop->op;
	op_input_init(op, 0, spec->left.watermarks, spec->left.watermark_count);
	op_input_init(op, 1, spec->right.watermarks, spec->right.watermark_count);
	bool grows = spec->kind == SETOP_INTERSECT || spec->kind == SETOP_INTERSECT_ALL;
	op->append_only = grows && spec->left.append_only && spec->right.append_only;
	setop->kind = spec->kind;
	setop->has_judge = spec->left.has_judge || spec->right.has_judge;
	op->state = state_new("setop");
	setop->rows = state_map_open(op->state, sizeof(SetRow));
	return op;
}
