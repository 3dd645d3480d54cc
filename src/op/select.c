#include "op/select.h"

Batch *batch_select(Batch *in, const uint32_t *sel, int count)
{
	if (count == in->rows && !in->sel) return batch_ref(in);
	Batch *out = batch_derive(in, in->column_count);
	memcpy(out->columns, in->columns, sizeof *in->columns * (size_t)in->column_count);
	out->sel = arena_copy(&out->arena, sel, sizeof *sel * (size_t)count);
	out->count = count;
	return out;
}

static void *gather(Arena *arena, const void *from, size_t bytes, const uint32_t *rows, int count)
{
	if (!from) return NULL;
	char *to = arena_alloc(arena, bytes * (size_t)count);
	if (bytes == 8)
		for (int i = 0; i < count; i++) ((int64_t *)(void *)to)[i] = ((const int64_t *)from)[rows[i]];
	else if (bytes == 1)
		for (int i = 0; i < count; i++) to[i] = ((const char *)from)[rows[i]];
	else
		for (int i = 0; i < count; i++) memcpy(to + (size_t)i * 16, (const char *)from + (size_t)rows[i] * 16, 16);
	return to;
}

Column column_gather(Arena *arena, const Column *from, const uint32_t *rows, int count)
{
	return (Column){
		.type = from->type,
		.data = gather(arena, from->data, phys_bytes(type_phys(from->type)), rows, count),
		.null = gather(arena, from->null, 1, rows, count),
	};
}

static const uint32_t *origins(Arena *arena, const uint32_t *from, const uint32_t *rows, int count)
{
	uint32_t *to = arena_alloc(arena, sizeof *to * (size_t)count);
	for (int i = 0; i < count; i++) to[i] = from ? from[rows[i]] : rows[i];
	return to;
}

static void hidden_gather(Batch *out, const Batch *in, const uint32_t *rows, int count)
{
	out->weights = gather(&out->arena, in->weights, 8, rows, count);
	out->hidden.judge = gather(&out->arena, in->hidden.judge, 8, rows, count);
	out->hidden.arrival = gather(&out->arena, in->hidden.arrival, 16, rows, count);
	out->hidden.ops = gather(&out->arena, in->hidden.ops, 1, rows, count);
	out->hidden.ends = gather(&out->arena, in->hidden.ends, 8, rows, count);
	out->hidden.origin = in->hidden.fate ? origins(&out->arena, in->hidden.origin, rows, count) : NULL;
	out->sel = NULL;
	out->rows = out->count = count;
}

Batch *batch_dense(Batch *in, const bool *wanted)
{
	if (!in->sel) return batch_ref(in);
	Batch *out = batch_derive(in, in->column_count);
	for (int c = 0; c < in->column_count; c++) {
		if (!wanted || wanted[c]) out->columns[c] = column_gather(&out->arena, &in->columns[c], in->sel, in->count);
		else out->columns[c] = in->columns[c];
	}
	hidden_gather(out, in, in->sel, in->count);
	return out;
}

void column_own_texts(Arena *arena, Column *column, int rows)
{
	if (type_phys(column->type) != PHYS_STR) return;
	Str *own = arena_array(arena, Str, rows + 1);
	for (int i = 0; i < rows; i++)
		if (!column_is_null(column, i)) own[i] = str_copy(arena, str_at(&column->str[i]), column->str[i].bytes);
	column->str = own;
}

Batch *batch_with_texts(Batch *in)
{
	Batch *dense = batch_dense(in, NULL), *out = batch_derive(dense, dense->column_count);
	for (int c = 0; c < dense->column_count; c++) {
		out->columns[c] = dense->columns[c];
		column_own_texts(&out->arena, &out->columns[c], dense->count);
	}
	batch_unref(dense);
	return out;
}

Batch *batch_repeat(Batch *in, const uint32_t *rows, int count, int extra)
{
	Batch *out = batch_derive(in, in->column_count + extra);
	uint32_t *physical = arena_alloc(&out->arena, sizeof *physical * (size_t)count);
	for (int i = 0; i < count; i++) physical[i] = (uint32_t)batch_row(in, (int)rows[i]);
	for (int c = 0; c < in->column_count; c++) out->columns[c] = column_gather(&out->arena, &in->columns[c], physical, count);
	hidden_gather(out, in, physical, count);
	return out;
}

const int64_t *batch_weights_dense(const Batch *in, Arena *scratch)
{
	if (!in->weights || !in->sel) return in->weights;
	return gather(scratch, in->weights, 8, in->sel, in->count);
}

const int64_t *batch_judges_dense(const Batch *in, Arena *scratch)
{
	if (!in->hidden.judge || !in->sel) return in->hidden.judge;
	return gather(scratch, in->hidden.judge, 8, in->sel, in->count);
}
