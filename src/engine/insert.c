/* INSERT: rows that come, and what is done with one that meets a row of the same key or of the same UNIQUE values. A row is looked at after all
 * before it in the statement are written. */
#include "engine/change.h"

typedef struct Insert {
	Change base;
	BoundInsert *bound;
} Insert;

enum { PRIMARY_KEY = -1 };            /* constraints: the key, and the UNIQUEs from 0 */

static bool is_checked(const Change *change) { return change->keyed || change->target->unique_count; }

/* ---- rows that are in the way ---- */

/* A row that has the same key (1), none (0), an error (-1). A key that can be none of the file (REAL, wide DECIMAL) is one of the UNIQUEs. */
static int find_row(Change *change, int constraint, const Value *row, Value *found, Error *err)
{
	const Relation *target = change->target;
	if (constraint != PRIMARY_KEY)
		return store_table_find_unique(change->engine->store, change->table, target->uniques[constraint].columns, target->uniques[constraint].count, row, found,
			&change->scratch, err);
	if (!change->keyed) return 0;
	Value *key = arena_array(&change->scratch, Value, target->primary_key_count + 1);
	change_key(target, row, key);
	return store_table_find(change->engine->store, change->table, key, found, &change->scratch, err);
}

static bool same_columns(const int *a, int a_count, const int *b, int b_count)
{
	bool same = a_count == b_count;
	for (int i = 0; same && i < a_count; i++) {
		bool found = false;
		for (int j = 0; j < b_count; j++) found |= a[i] == b[j];
		same = found;
	}
	return same;
}

static bool is_about(const BoundConflict *conflict, const Relation *target, int constraint)
{
	if (conflict->any) return true;
	if (constraint == PRIMARY_KEY) return same_columns(conflict->columns, conflict->column_count, target->primary_key, target->primary_key_count);
	return same_columns(conflict->columns, conflict->column_count, target->uniques[constraint].columns, target->uniques[constraint].count);
}

/* The row that a clause is about; conflict NULL: any row that is in the way. */
static int find_conflict(Change *change, const BoundConflict *conflict, const Value *row, Value *found, Error *err)
{
	int result = 0;
	for (int u = PRIMARY_KEY; result == 0 && u < change->target->unique_count; u++)
		if (!conflict || is_about(conflict, change->target, u)) result = find_row(change, u, row, found, err);
	return result;
}

/* ---- what is done ---- */

/* Evaluates one expression of ON CONFLICT DO UPDATE over the old row and the one that was to be inserted. */
static bool conflict_value(Insert *insert, const BoundConflict *conflict, Expr *expr, const Value *old, const Value *new, Value *out)
{
	Change *change = &insert->base;
	int n = change->target->column_count;
	Batch *old_batch = change_row_batch(change, old), *new_batch = change_row_batch(change, new), *both = batch_derive(old_batch, 2 * n);
	batch_borrow(both, new_batch);
	both->rows = both->count = 1;
	both->system_us = old_batch->system_us;
	ColumnId *layout = arena_array(&change->scratch, ColumnId, 2 * n + 1);
	for (int c = 0; c < n; c++) {
		both->columns[c] = old_batch->columns[c];
		both->columns[n + c] = new_batch->columns[c];
		layout[c] = conflict->old_columns[c];
		layout[n + c] = conflict->excluded_columns[c];
	}
	ExprProgram *program = expr_compile(&change->scratch, expr, layout, 2 * n);
	Column result = expr_eval(program, both, &change->scratch);
	*out = column_value(&result, 0);
	if (!out->is_null && type_phys(out->type) == PHYS_STR) out->str = str_copy(&change->arena, str_at(&out->str), out->str.bytes);
	expr_program_release(program);
	batch_unref(both);
	batch_unref(new_batch);
	batch_unref(old_batch);
	return true;
}

/* The row in place of the old one, whose key it may not have. */
static bool replace_row(Change *change, const Value *old, const Value *row, Error *err)
{
	if (!change->keyed || change_same_key(change->target, old, row)) return change_write(change, old, row, err);
	Value *other = arena_array(&change->scratch, Value, change->target->column_count + 1);
	int found = find_row(change, PRIMARY_KEY, row, other, err);
	if (found) return found > 0 && change_key_violation(change, err);
	return change_write(change, old, NULL, err) && change_write(change, NULL, row, err);
}

static bool conflict_update(Insert *insert, const BoundConflict *conflict, const Value *old, const Value *new, Value *result, bool *updated, Error *err)
{
	Change *change = &insert->base;
	*updated = false;
	if (conflict->where) {
		Value holds;
		conflict_value(insert, conflict, conflict->where, old, new, &holds);
		if (holds.is_null || !holds.i64) return true;
	}
	memcpy(result, old, sizeof *old * (size_t)change->target->column_count);
	for (int s = 0; s < conflict->set_count; s++)
		conflict_value(insert, conflict, conflict->set_values[s], old, new, &result[conflict->set_columns[s]]);
	*updated = true;
	return change_test(change, result, err) && replace_row(change, old, result, err);
}

static bool return_row(Insert *insert, const Value *row, Error *err)
{
	BoundInsert *bound = insert->bound;
	if (!bound->returning_count) return true;
	Change *change = &insert->base;
	Batch *stored = change_row_batch(change, row), *out = batch_derive(stored, bound->returning_count);
	out->rows = out->count = 1;
	for (int r = 0; r < bound->returning_count; r++) {
		ExprProgram *program = expr_compile(&change->scratch, bound->returning[r], bound->row_columns, change->target->column_count);
		out->columns[r] = expr_eval(program, stored, &out->arena);
		expr_program_release(program);
	}
	bool ok = session_emit(change->session, out, err);
	batch_unref(out);
	batch_unref(stored);
	return ok;
}

static bool settle(Insert *insert, const BoundConflict *conflict, const Value *old, const Value *row, Error *err)
{
	if (!conflict->update) return true;
	bool updated;
	Value *result = arena_array(&insert->base.scratch, Value, insert->base.target->column_count + 1);
	if (!conflict_update(insert, conflict, old, row, result, &updated, err)) return false;
	insert->base.rows += updated;
	return !updated || return_row(insert, result, err);
}

/* INSERT OR REPLACE: all rows that are in the way go, the one of the same key by an update. */
static bool replace_all(Insert *insert, const Value *row, Error *err)
{
	Change *change = &insert->base;
	Value *old = arena_array(&change->scratch, Value, change->target->column_count + 1);
	int found = 0;
	for (int u = 0; found >= 0 && u < change->target->unique_count; u++) {
		found = find_row(change, u, row, old, err);
		bool same = found > 0 && change->keyed && change_same_key(change->target, old, row);
		if (found > 0 && !same && !change_write(change, old, NULL, err)) return false;
	}
	if (found < 0 || (found = find_row(change, PRIMARY_KEY, row, old, err)) < 0) return false;
	change->rows++;
	return change_write(change, found ? old : NULL, row, err) && return_row(insert, row, err);
}

/* The first clause whose key is there already decides; without one it is an error. */
static bool insert_checked(Insert *insert, const Value *row, Error *err)
{
	Change *change = &insert->base;
	BoundInsert *bound = insert->bound;
	bool key_is_new = false;
	for (int k = 0; k < bound->conflict_count; k++) {
		int found = find_conflict(change, &bound->conflicts[k], row, change->old, err);
		if (found) return found > 0 && settle(insert, &bound->conflicts[k], change->old, row, err);
		key_is_new |= is_about(&bound->conflicts[k], change->target, PRIMARY_KEY);
	}
	if (bound->or_action == AST_OR_REPLACE) return replace_all(insert, row, err);
	if (bound->or_action == AST_OR_IGNORE) {
		int found = find_conflict(change, NULL, row, change->old, err);
		if (found) return found > 0;
	} else if (!key_is_new) {
		int found = find_row(change, PRIMARY_KEY, row, change->old, err);
		if (found) return found > 0 && change_key_violation(change, err);
	}
	change->rows++;
	return change_write(change, NULL, row, err) && return_row(insert, row, err);
}

static bool insert_row(Insert *insert, const Batch *batch, int row, Error *err)
{
	Change *change = &insert->base;
	arena_clear(&change->scratch);
	for (int c = 0; c < change->target->column_count; c++) change->values[c] = column_value(&batch->columns[c], row);
	if (!change_test(change, change->values, err)) return insert->bound->or_action == AST_OR_IGNORE && err->code == ERR_NOT_NULL_VIOLATION ? (error_clear(err), true) : false;
	if (is_checked(change)) return insert_checked(insert, change->values, err);
	change->rows++;
	return return_row(insert, change->values, err);
}

static bool insert_batch(Insert *insert, Batch *batch, Error *err)
{
	Change *change = &insert->base;
	if (session_was_canceled(change->session, err)) return false;
	for (int i = 0; i < batch->count; i++)
		if (!insert_row(insert, batch, batch_row(batch, i), err)) return false;
	if (is_checked(change)) return true;
	if (!change_append(change, batch, err)) return false;
	vec_push(&change->batches, batch_ref(batch));
	return true;
}

static bool insert_rows(Change *change, Error *err)
{
	Insert *insert = (Insert *)change;
	ChangeBatches rows = {0};
	bool ok = change_read(&insert->base, insert->bound->source.plan, &rows, err);
	for (int b = 0; ok && b < rows.count; b++) ok = insert_batch(insert, rows.at[b], err);
	change_rows_release(&rows);
	return ok;
}

bool run_insert(Session *session, BoundStatement *bound, Error *err)
{
	Insert insert = {.bound = &bound->insert};
	change_init(&insert.base, session, bound->insert.target);
	insert.base.returning = bound->insert.returning_columns;
	insert.base.returning_count = bound->insert.returning_count;
	return change_statement(&insert.base, "INSERT", insert_rows, err);
}
