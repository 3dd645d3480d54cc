#include "type/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "type/text.h"

Str str_copy(Arena *arena, const void *at, size_t bytes)
{
	if (bytes <= STR_INLINE_BYTES) return str_borrow(at, bytes);
	return str_borrow(arena_copy(arena, at, bytes), bytes);
}

int str_compare(const Str *a, const Str *b)
{
	uint32_t common = a->bytes < b->bytes ? a->bytes : b->bytes;
	int order = memcmp(str_at(a), str_at(b), common);
	if (order) return order;
	return a->bytes < b->bytes ? -1 : a->bytes > b->bytes;
}

Value column_value(const Column *column, int row)
{
	Value value = {.type = column->type, .is_null = column_is_null(column, row)};
	if (value.is_null) return value;
	switch (type_phys(column->type)) {
	case PHYS_I64: value.i64 = column->i64[row]; break;
	case PHYS_F64: value.f64 = column->f64[row]; break;
	case PHYS_I128: value.i128 = column->i128[row]; break;
	case PHYS_STR: value.str = column->str[row]; break;
	case PHYS_INTERVAL: value.interval = column->interval[row]; break;
	}
	return value;
}

static void column_zero(Column *column, int row)
{
	size_t bytes = phys_bytes(type_phys(column->type));
	memset((char *)column->data + bytes * (size_t)row, 0, bytes);
}

void column_set(Column *column, int row, const Value *value, Arena *arena)
{
	if (value->is_null) {
		assert(column->null);
		column->null[row] = MARK_NULL;
		column_zero(column, row);
		return;
	}
	if (column->null) column->null[row] = MARK_VALUE;
	switch (type_phys(column->type)) {
	case PHYS_I64: column->i64[row] = value->i64; break;
	case PHYS_F64: column->f64[row] = value->f64; break;
	case PHYS_I128: column->i128[row] = value->i128; break;
	case PHYS_STR: column->str[row] = str_copy(arena, str_at(&value->str), value->str.bytes); break;
	case PHYS_INTERVAL: column->interval[row] = value->interval; break;
	}
}

static Batch *batch_make(int column_count, int room, size_t bytes)
{
	Batch *batch = mem_new(Batch);
	batch->refs = 1;
	batch->room = room;
	batch->column_count = column_count;
	arena_init(&batch->arena, bytes + sizeof(Column) * (size_t)column_count + 64);
	batch->columns = arena_array(&batch->arena, Column, column_count);
	return batch;
}

Batch *batch_new(const Type *types, int column_count, int room)
{
	size_t bytes = 0;
	for (int i = 0; i < column_count; i++) bytes += phys_bytes(type_phys(types[i])) * (size_t)room + 16;
	Batch *batch = batch_make(column_count, room, bytes);
	for (int i = 0; i < column_count; i++) {
		batch->columns[i].type = types[i];
		batch->columns[i].data = arena_alloc(&batch->arena, phys_bytes(type_phys(types[i])) * (size_t)room);
	}
	return batch;
}

uint8_t *batch_column_nulls(Batch *batch, int column)
{
	Column *c = &batch->columns[column];
	if (!c->null) c->null = arena_zalloc(&batch->arena, (size_t)batch->room);
	return c->null;
}

Batch *batch_derive(Batch *parent, int column_count)
{
	Batch *batch = batch_make(column_count, parent->rows, 0);
	batch->rows = parent->rows;
	batch->count = parent->count;
	batch->sel = parent->sel;
	batch->weights = parent->weights;
	batch->hidden = parent->hidden;
	batch->system_us = parent->system_us;
	batch_borrow(batch, parent);
	return batch;
}

void batch_borrow(Batch *batch, Batch *parent)
{
	Batch **parents = arena_alloc(&batch->arena, sizeof *parents * (size_t)(batch->parent_count + 1));
	if (batch->parent_count) memcpy(parents, batch->parents, sizeof *parents * (size_t)batch->parent_count);
	parents[batch->parent_count++] = batch_ref(parent);
	batch->parents = parents;
}

/* Atomic, since two workers may each hold a batch that borrows from the same parent. */
Batch *batch_ref(Batch *batch)
{
	__atomic_fetch_add(&batch->refs, 1, __ATOMIC_RELAXED);
	return batch;
}

void batch_unref(Batch *batch)
{
	if (!batch || __atomic_sub_fetch(&batch->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
	for (int i = 0; i < batch->parent_count; i++) batch_unref(batch->parents[i]);
	arena_release(&batch->arena);
	free(batch);
}

static void *gather(const void *data, size_t bytes, const uint32_t *sel, int count, Arena *scratch)
{
	void *out = arena_alloc(scratch, bytes * (size_t)count);
	if (bytes == 8) {
		const int64_t *from = data;
		int64_t *to = out;
		for (int i = 0; i < count; i++) to[i] = from[sel[i]];
	} else {
		const char *from = data;
		char *to = out;
		for (int i = 0; i < count; i++) memcpy(to + (size_t)i * 16, from + (size_t)sel[i] * 16, 16);
	}
	return out;
}

Column batch_column(const Batch *batch, int column, Arena *scratch)
{
	const Column *from = &batch->columns[column];
	if (!batch->sel || batch->count == batch->rows) return *from;
	Column out = {.type = from->type};
	out.data = gather(from->data, phys_bytes(type_phys(from->type)), batch->sel, batch->count, scratch);
	if (from->null) {
		out.null = arena_alloc(scratch, (size_t)batch->count);
		for (int i = 0; i < batch->count; i++) out.null[i] = from->null[batch->sel[i]];
	}
	return out;
}

void batch_builder_init(BatchBuilder *builder, const Type *types, int column_count, int room)
{
	*builder = (BatchBuilder){.types = types, .column_count = column_count, .room = room};
}

static void builder_start(BatchBuilder *builder)
{
	builder->batch = batch_new(builder->types, builder->column_count, builder->room);
	Hidden *hidden = &builder->batch->hidden;
	if (builder->want_judge) hidden->judge = arena_alloc(&builder->batch->arena, sizeof *hidden->judge * (size_t)builder->room);
	if (builder->want_arrival) hidden->arrival = arena_alloc(&builder->batch->arena, sizeof *hidden->arrival * (size_t)builder->room);
}

int batch_builder_row(BatchBuilder *builder, int64_t weight)
{
	if (!builder->batch) builder_start(builder);
	Batch *batch = builder->batch;
	assert(batch->rows < builder->room);
	int row = batch->rows++;
	batch->count = batch->rows;
	if (weight != 1 && !batch->weights) {
		int64_t *weights = arena_alloc(&batch->arena, sizeof *weights * (size_t)builder->room);
		for (int i = 0; i < row; i++) weights[i] = 1;
		batch->weights = weights;
	}
	if (batch->weights) ((int64_t *)batch->weights)[row] = weight;
	if (batch->hidden.judge) batch->hidden.judge[row] = WATERMARK_NONE;
	if (batch->hidden.arrival) batch->hidden.arrival[row] = 0;
	return row;
}

void batch_builder_set(BatchBuilder *builder, int row, int column, const Value *value)
{
	if (value->is_null) batch_column_nulls(builder->batch, column);
	column_set(&builder->batch->columns[column], row, value, &builder->batch->arena);
}

void batch_builder_copy(BatchBuilder *builder, int row, int column, const Column *from, int from_row)
{
	Column *to = &builder->batch->columns[column];
	if (column_is_null(from, from_row)) {
		batch_column_nulls(builder->batch, column)[row] = from->null[from_row];
		column_zero(to, row);
		return;
	}
	switch (type_phys(to->type)) {
	case PHYS_I64: to->i64[row] = from->i64[from_row]; break;
	case PHYS_F64: to->f64[row] = from->f64[from_row]; break;
	case PHYS_STR: {
		const Str *s = &from->str[from_row];
		to->str[row] = s->bytes <= STR_INLINE_BYTES ? *s : str_copy(&builder->batch->arena, s->far.at, s->bytes);
		break;
	}
	case PHYS_I128: case PHYS_INTERVAL: to->i128[row] = from->i128[from_row]; break;
	}
}

void batch_builder_judge(BatchBuilder *builder, int row, int64_t judge)
{
	if (builder->batch->hidden.judge) builder->batch->hidden.judge[row] = judge;
}

void batch_builder_arrival(BatchBuilder *builder, int row, Int128 arrival)
{
	if (builder->batch->hidden.arrival) builder->batch->hidden.arrival[row] = arrival;
}

Batch *batch_builder_take(BatchBuilder *builder)
{
	Batch *batch = builder->batch;
	builder->batch = NULL;
	if (batch) batch_check(batch);
	return batch;
}

void batch_builder_release(BatchBuilder *builder)
{
	batch_unref(builder->batch);
	builder->batch = NULL;
}

void batch_print(const Batch *batch, StrBuf *out)
{
	for (int i = 0; i < batch->count; i++) {
		int row = batch_row(batch, i);
		strbuf_printf(out, "%+lld", (long long)batch_weight(batch, i));
		for (int c = 0; c < batch->column_count; c++) {
			Value value = column_value(&batch->columns[c], row);
			strbuf_adds(out, " | ");
			if (value.is_null && batch->columns[c].null[row] == MARK_BAD) strbuf_adds(out, "BAD");
			else value_print_sql(&value, out);
		}
		strbuf_addc(out, '\n');
	}
}

#ifndef NDEBUG
static void check_str(const Str *s)
{
	static const char zeros[STR_INLINE_BYTES];
	assert(s->bytes <= STR_BYTES_MAX);
	if (s->bytes <= STR_INLINE_BYTES) assert(memcmp(s->inlined + s->bytes, zeros, STR_INLINE_BYTES - s->bytes) == 0);
	else assert(s->far.at && memcmp(s->far.prefix, s->far.at, 4) == 0);
}
#endif

void batch_check(const Batch *batch)
{
#ifndef NDEBUG
	assert(batch->refs > 0 && batch->count >= 0 && batch->count <= batch->rows);
	assert(batch->sel || batch->count == batch->rows);
	for (int i = 0; i < batch->count; i++) {
		if (batch->sel) assert(batch->sel[i] < (uint32_t)batch->rows && (i == 0 || batch->sel[i - 1] < batch->sel[i]));
		if (batch->weights) assert(batch->weights[batch_row(batch, i)] != 0);
	}
	for (int c = 0; c < batch->column_count; c++) {
		const Column *column = &batch->columns[c];
		assert(column->type.kind < TYPE_KIND_COUNT && (column->data || batch->rows == 0));
		if (type_phys(column->type) != PHYS_STR) continue;
		for (int i = 0; i < batch->count; i++) check_str(&column->str[batch_row(batch, i)]);
	}
#else
	(void)batch;
#endif
}
