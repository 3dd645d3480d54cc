#include "op/exprs.h"

static int layout_find(const OpInput *in, ColumnId id)
{
	for (int c = 0; c < in->column_count; c++)
		if (in->layout[c] == id) return c;
	return -1;
}

void exprs_compile(Exprs *exprs, Arena *arena, Expr *const *list, int count, const OpInput *in)
{
	exprs->count = count;
	exprs->programs = arena_array(arena, ExprProgram *, count + 1);
	exprs->passed = arena_array(arena, int, count + 1);
	exprs->types = arena_array(arena, Type, count + 1);
	for (int i = 0; i < count; i++) {
		exprs->types[i] = list[i]->type;
		exprs->passed[i] = list[i]->kind == EXPR_COLUMN ? layout_find(in, list[i]->column) : -1;
		if (exprs->passed[i] < 0) exprs->programs[i] = expr_compile(arena, list[i], in->layout, in->column_count);
	}
}

void exprs_release(Exprs *exprs)
{
	for (int i = 0; i < exprs->count; i++)
		if (exprs->programs[i]) expr_program_release(exprs->programs[i]);
}

Column *exprs_eval(const Exprs *exprs, const Batch *dense, Arena *scratch)
{
	Column *columns = arena_array(scratch, Column, exprs->count + 1);
	for (int i = 0; i < exprs->count; i++)
		columns[i] = exprs->passed[i] >= 0 ? dense->columns[exprs->passed[i]] : expr_eval(exprs->programs[i], dense, scratch);
	return columns;
}
