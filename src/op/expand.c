/* Expand: functions that make rows of a row: UNNEST, json_each, json_tree, generate_series, and the sets of GROUPING SETS. Linear: what a row makes
 * has its weight, so taking the row back takes back all of it. */
#include "op/expand.h"

#include "op/select.h"
#include "type/text.h"

typedef struct Expand {
	Op op;
	ExpandKind kind;
	Exprs args;
	bool outer, with_ordinality;
	const uint64_t *sets; int set_count;
	int made_columns;
} Expand;

/* ---- rows ---- */

static void expansion_flush(Expansion *x)
{
	if (!x->count) return;
	int first = x->in->column_count;
	Batch *out = batch_repeat(x->in, x->rows, x->count, x->type_count);
	for (int c = 0; c < x->type_count; c++) {
		Column *column = &out->columns[first + c];
		size_t bytes = phys_bytes(type_phys(x->types[c])) * (size_t)x->count;
		*column = (Column){.type = x->types[c], .data = arena_zalloc(&out->arena, bytes), .null = arena_zalloc(&out->arena, (size_t)x->count)};
		for (int i = 0; i < x->count; i++) column_set(column, i, &x->values[i * x->type_count + c], &out->arena);
	}
	x->count = 0;
	x->fine = op_emit(x->op, out, x->err);
}

Value *expansion_row(Expansion *x)
{
	if (x->count == BATCH_ROWS_MAX && !x->list) expansion_flush(x);
	if (x->fine && x->made == EXPAND_ROWS_OF_ONE_MAX)
		x->fine = error_set(x->err, ERR_RESOURCE_LIMIT, SPAN_NONE, "%s makes more than %d rows of one", x->op->label, EXPAND_ROWS_OF_ONE_MAX);
	if (!x->fine) return NULL;
	if (x->list) {
		Value value = {.type = x->list_type, .is_null = true};
		vec_push(x->list, value);
		x->made++;
		return &x->list->at[x->list->count - 1];
	}
	Value *values = &x->values[x->count * x->type_count];
	for (int c = 0; c < x->type_count; c++) values[c] = (Value){.type = x->types[c], .is_null = true};
	x->rows[x->count++] = (uint32_t)x->row;
	x->made++;
	if (!x->with_ordinality) return values;
	values[x->type_count - 1].is_null = false;
	values[x->type_count - 1].i64 = x->made;
	return values;
}

/* ---- generate_series ---- */

static bool series_step(const Value *step, int64_t from, int64_t *to)
{
	if (step->type.kind == TYPE_INTERVAL) return timestamp_add_interval(from, step->interval, 1, to);
	return !__builtin_add_overflow(from, step->i64, to);
}

/* A step of 0 counts as 1, as in SQLite. */
static void expand_series(Expansion *x, const Value *start, const Value *stop, Value step)
{
	if (start->is_null || stop->is_null || step.is_null) return;
	if (step.type.kind != TYPE_INTERVAL && step.i64 == 0) step.i64 = 1;
	int64_t at = start->i64, next;
	if (!series_step(&step, at, &next) || next == at) return;
	bool up = next > at;
	for (bool more = true; more && (up ? at <= stop->i64 : at >= stop->i64); at = next) {
		Value *values = expansion_row(x);
		if (!values) return;
		values[0].is_null = false;
		values[0].i64 = at;
		more = series_step(&step, at, &next) && (up ? next > at : next < at);
	}
}

/* ---- several functions side by side ---- */

/* Arguments of a function: an array, or start, stop and step of a series */
static void expand_function(Expansion *x, const Column *args)
{
	if (column_is_null(args, x->row)) return;
	if (args->type.kind == TYPE_JSON) {
		expand_json_elements(x, &args->str[x->row]);
		return;
	}
	Value start = column_value(&args[0], x->row), stop = column_value(&args[1], x->row);
	expand_series(x, &start, &stop, column_value(&args[2], x->row));
}

/* The shorter are filled up with NULL, as PostgreSQL does. */
static void expand_side_by_side(Expand *expand, Expansion *x, const Column *args)
{
	int functions = expand->args.count / EXPAND_SIDE_ARGS, longest = 0;
	ExpandList *lists = arena_array(&expand->op.scratch, ExpandList, functions);
	for (int f = 0; f < functions && x->fine; f++) {
		x->list = &lists[f];
		x->list_type = x->types[f];
		x->made = 0;
		expand_function(x, &args[f * EXPAND_SIDE_ARGS]);
		if (lists[f].count > longest) longest = lists[f].count;
	}
	x->list = NULL;
	x->made = 0;
	for (int i = 0; i < longest; i++) {
		Value *values = expansion_row(x);
		for (int f = 0; f < functions && values; f++)
			if (i < lists[f].count) values[f] = lists[f].at[i];
	}
	for (int f = 0; f < functions; f++) vec_release(&lists[f]);
}

/* ---- grouping sets ---- */

/* The grouping id is that of GROUPING(all keys): a bit for each key that the set leaves out, the last key lowest. */
static void expand_sets(const Expand *expand, Expansion *x, const Column *keys)
{
	int count = expand->args.count;
	for (int s = 0; s < expand->set_count; s++) {
		Value *values = expansion_row(x);
		if (!values) return;
		int64_t id = 0;
		for (int k = 0; k < count; k++) {
			bool grouped = expand->sets[s] >> k & 1;
			id = id << 1 | !grouped;
			if (grouped) values[k] = column_value(&keys[k], x->row);
		}
		values[count].is_null = false;
		values[count].i64 = id;
	}
}

/* ---- the operator ---- */

static void expand_row(Expand *expand, Expansion *x, const Column *args)
{
	const Column *first = args, *second = &args[1];
	bool two = expand->args.count > 1;
	Value one = {.type = TYPE(INTEGER), .i64 = 1};
	switch (expand->kind) {
	case EXPAND_GROUPING_SETS: expand_sets(expand, x, args); return;
	case EXPAND_SIDE_BY_SIDE: expand_side_by_side(expand, x, args); return;
	case EXPAND_SERIES: {
		if (expand->args.count > 2) one = column_value(&args[2], x->row);
		Value start = column_value(first, x->row), stop = column_value(second, x->row);
		expand_series(x, &start, &stop, one);
		return;
	}
	case EXPAND_UNNEST: case EXPAND_JSON_EACH: case EXPAND_JSON_TREE: {
		if (column_is_null(first, x->row) || (two && column_is_null(second, x->row))) return;
		const Str *json = &first->str[x->row], *path = two ? &second->str[x->row] : NULL;
		if (expand->kind == EXPAND_UNNEST) expand_json_elements(x, json);
		else if (expand->kind == EXPAND_JSON_EACH) expand_json_each(x, json, path);
		else expand_json_tree(x, json, path);
		return;
	}
	}
}

static bool expand_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Expand *expand = (Expand *)op;
	Batch *dense = batch_dense(in, NULL);
	const Column *args = exprs_eval(&expand->args, dense, &op->scratch);
	Expansion x = {
		.op = op, .in = dense, .err = err, .fine = true, .types = op->types + dense->column_count, .type_count = expand->made_columns,
		.with_ordinality = expand->with_ordinality,
	};
	x.values = arena_alloc(&op->scratch, sizeof *x.values * (size_t)(BATCH_ROWS_MAX * (x.type_count + 1)));
	for (x.row = 0; x.row < dense->count && x.fine; x.row++) {
		x.made = 0;
		expand_row(expand, &x, args);
		if (x.made || !expand->outer) continue;
		Value *values = expansion_row(&x);
		if (values && x.with_ordinality) values[x.type_count - 1].is_null = true;
	}
	if (x.fine) expansion_flush(&x);
	batch_unref(dense);
	return x.fine;
}

static void expand_release(Op *op) { exprs_release(&((Expand *)op)->args); }

static const OpClass EXPAND = {.name = "expand", .push = expand_push, .release = expand_release, .passes_on = true};

Op *op_expand_new(const ExpandSpec *spec)
{
	const OpInput *in = &spec->in;
	int count = in->column_count + spec->type_count;
	Type *types = mem_alloc(sizeof *types * (size_t)(count + 1));
	/* of some neither side has columns that are read */
	if (in->column_count) memcpy(types, in->types, sizeof *types * (size_t)in->column_count);
	if (spec->type_count) memcpy(types + in->column_count, spec->types, sizeof *types * (size_t)spec->type_count);
	Expand *expand = op_new(&EXPAND, sizeof *expand, "expand", types, count, 1);
	free(types);
	Op *op = &expand->op;
	op_input_init(op, 0, in->watermarks, in->watermark_count);
	op->append_only = in->append_only;
	expand->kind = spec->kind;
	expand->outer = spec->outer;
	expand->with_ordinality = spec->with_ordinality;
	expand->made_columns = spec->type_count;
	if (spec->set_count) expand->sets = arena_copy(&op->arena, spec->grouping_sets, sizeof *spec->grouping_sets * (size_t)spec->set_count);
	expand->set_count = spec->set_count;
	exprs_compile(&expand->args, &op->arena, spec->args, spec->arg_count, in);
	op->repeats = true;
	return op;
}
