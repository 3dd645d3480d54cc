/* What all operators share: life cycle, edges, handing on. */
#include "op/op.h"

#include <assert.h>
#include <stdlib.h>

void *op_new(const OpClass *class, size_t bytes, const char *label, const Type *types, int column_count, int input_count)
{
	assert(bytes >= sizeof(Op) && input_count <= OP_INPUTS_MAX);
	Op *op = mem_zalloc(bytes);
	op->class = class;
	arena_init(&op->arena, 0);
	arena_init(&op->scratch, 0);
	op->label = arena_strdup(&op->arena, label);
	op->types = column_count ? arena_copy(&op->arena, types, sizeof *types * (size_t)column_count) : NULL;
	op->column_count = column_count;
	op->input_count = input_count;
	for (int w = 0; w < OP_WATERMARKS_MAX; w++) {
		op->out_watermarks[w] = WATERMARK_NONE;
		for (int i = 0; i < OP_INPUTS_MAX; i++) op->in_watermarks[i][w] = WATERMARK_NONE;
	}
	return op;
}

void op_free(Op *op)
{
	if (!op) return;
	if (op->class->release) op->class->release(op);
	state_free(op->state);
	vec_release(&op->outputs);
	arena_release(&op->scratch);
	arena_release(&op->arena);
	free(op);
}

void op_input_init(Op *op, int input, const WatermarkColumn *columns, int column_count)
{
	assert(input < op->input_count && column_count <= OP_WATERMARKS_MAX);
	op->in_column_count[input] = column_count;
	if (column_count) op->in_columns[input] = arena_copy(&op->arena, columns, sizeof *columns * (size_t)column_count);
}

void op_connect(Op *from, Op *to, int input)
{
	assert(input < to->input_count);
	vec_push(&from->outputs, (OpEdge){to, input});
}

void op_disconnect(Op *from, Op *to)
{
	int kept = 0;
	for (int i = 0; i < from->outputs.count; i++)
		if (from->outputs.at[i].to != to) from->outputs.at[kept++] = from->outputs.at[i];
	from->outputs.count = kept;
}

bool op_is_interrupted(const Op *op, Error *err)
{
	const atomic_bool *flag = op->interrupt ? *op->interrupt : NULL;
	if (!flag || !atomic_load_explicit(flag, memory_order_relaxed)) return false;
	error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	return true;
}

/* ---- fates ---- */

OpFates *op_fates_new(void)
{
	OpFates *fates = mem_new(OpFates);
	arena_init(&fates->arena, 0);
	return fates;
}

void op_fates_free(OpFates *fates)
{
	arena_release(&fates->arena);
	free(fates);
}

static Batch *with_fate(Batch *in, uint8_t *fate)
{
	Batch *out = batch_derive(in, in->column_count);
	memcpy(out->columns, in->columns, sizeof *in->columns * (size_t)in->column_count);
	out->hidden.fate = fate;
	out->hidden.origin = NULL;
	return out;
}

static void count_fates(OpFates *fates, const Batch *in)
{
	for (int i = 0; i < in->count; i++) {
		uint8_t fate = fates->fate[batch_row(in, i)];
		if (fate & FATE_TAKEN) continue;
		if (fate & FATE_LATE) fates->late++;
		else fates->filtered++;
	}
}

static bool push_scan(Op *op, int input, Batch *in, Error *err)
{
	OpFates *fates = op->fates;
	if (op->fates_begin) {
		arena_clear(&fates->arena);
		fates->fate = arena_zalloc(&fates->arena, (size_t)in->rows + 1);
	}
	Batch *told = with_fate(in, fates->fate);
	bool fine = op->class->push(op, input, told, err);
	batch_unref(told);
	if (fine && op->fates_end) count_fates(fates, in);
	return fine;
}

/* The operator keeps what it does not find late, and may keep the batch for longer than its fates last. */
static bool push_kept(Op *op, int input, Batch *in, Error *err)
{
	Batch *plain = with_fate(in, NULL);
	op->late_room = in->count;
	op->late_now = NULL;
	bool fine = op->class->push(op, input, plain, err);
	op->late_room = 0;
	for (int i = 0; fine && i < in->count; i++) {
		int row = batch_row(in, i);
		in->hidden.fate[in->hidden.origin ? (int)in->hidden.origin[row] : row] |= op->late_now && op->late_now[i] ? FATE_LATE : FATE_TAKEN;
	}
	batch_unref(plain);
	return fine;
}

static bool push(Op *op, int input, Batch *in, Error *err)
{
	if (op->fates) return push_scan(op, input, in, err);
	return in->hidden.fate && !op->class->passes_on ? push_kept(op, input, in, err) : op->class->push(op, input, in, err);
}

bool op_push(Op *op, int input, Batch *in, Error *err)
{
	if (op_is_interrupted(op, err)) return false;
	arena_clear(&op->scratch);
	op->rows_in += in->count;
	bool fine = (!op->room || op->room->ask(op->room->context, in->count, err)) && push(op, input, in, err);
	if (!fine && err->code != ERR_CANCELED) op->failed = true;
	return fine;
}

static void all_taken(Batch *batch)
{
	for (int i = 0; i < batch->count; i++) {
		int row = batch_row(batch, i);
		batch->hidden.fate[batch->hidden.origin ? (int)batch->hidden.origin[row] : row] |= FATE_TAKEN;
	}
}

bool op_emit(Op *op, Batch *batch, Error *err)
{
	if (!batch) return true;
	bool fine = true;
	if (batch->count > 0) {
		batch_check(batch);
		assert(batch->column_count == op->column_count);
		if (op->drops_judge && batch->refs == 1) batch->hidden.judge = NULL;
		op->rows_out += batch->count;
		if (batch->hidden.fate && op->outputs.count < op->ways) all_taken(batch);
		for (int i = 0; i < op->outputs.count && fine; i++) {
			OpEdge edge = op->outputs.at[i];
			fine = op_push(edge.to, edge.input, batch, err);
		}
	}
	batch_unref(batch);
	return fine;
}

void op_late(Op *op, const Batch *batch, int row)
{
	op->rows_late++;
	if (op->late_room) {
		assert(row < op->late_room);
		if (!op->late_now) op->late_now = arena_zalloc(&op->scratch, (size_t)op->late_room);
		op->late_now[row] = 1;
		op->rows_late_told++;
	}
	if (op->late) op->late(op, batch, row, op->late_context);
}

int64_t op_input_watermark(const Op *op, int input, int column, const WatermarkColumn **which)
{
	for (int i = 0; i < op->in_column_count[input]; i++) {
		if (op->in_columns[input][i].column != column) continue;
		if (which) *which = &op->in_columns[input][i];
		return op->in_watermarks[input][i];
	}
	if (which) *which = NULL;
	return WATERMARK_NONE;
}

static int64_t lowest(int64_t a, int64_t b) { return a < b ? a : b; }

/* What an input's watermark columns say of its judge, as of the last commit. */
static int64_t committed_judge(const Op *op, int input)
{
	int64_t judge = op->in_column_count[input] ? WATERMARK_END : WATERMARK_NONE;
	for (int i = 0; i < op->in_column_count[input]; i++) {
		int64_t watermark = op->in_watermarks[input][i];
		if (watermark != WATERMARK_NONE && watermark != WATERMARK_END) watermark += op->in_columns[input][i].delta_us;
		judge = lowest(judge, watermark);
	}
	return judge;
}

int64_t op_other_judge(const Op *op, int input)
{
	int64_t judge = WATERMARK_END;
	for (int other = 0; other < op->input_count; other++) {
		uint64_t sources = op->in_sources[other] & ~op->in_sources[input];
		if (other == input) continue;
		if (!op->source_judges || !op->in_sources[other]) judge = lowest(judge, committed_judge(op, other));
		else for (; sources; sources &= sources - 1) judge = lowest(judge, op->source_judges[__builtin_ctzll(sources)]);
	}
	return judge;
}

Batch *op_judged(const Op *op, int input, Batch *in)
{
	if (!in->hidden.judge) return batch_ref(in);
	int64_t highest = op_other_judge(op, input);
	int above = 0;
	for (int i = 0; i < in->rows; i++) above += in->hidden.judge[i] > highest;
	if (!above) return batch_ref(in);
	Batch *out = batch_derive(in, in->column_count);
	memcpy(out->columns, in->columns, sizeof *in->columns * (size_t)in->column_count);
	out->hidden.judge = arena_copy(&out->arena, in->hidden.judge, sizeof *in->hidden.judge * (size_t)in->rows);
	for (int i = 0; i < in->rows; i++)
		if (out->hidden.judge[i] > highest) out->hidden.judge[i] = highest;
	return out;
}
