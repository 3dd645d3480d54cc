/* weir_rows(entry, arguments ...): a table-valued function that gives what an operator makes of one row: windows of an instant, elements of an
 * array. So windows and UNNEST are computed by the very code of continuous queries. */
#include "store/adhoc_internal.h"

#include <stdio.h>

#include "type/row.h"

typedef struct RowsTable { sqlite3_vtab base; Functions *functions; } RowsTable;
typedef struct RowsCursor {
	sqlite3_vtab_cursor base;
	Entry *entry;
	VEC(Batch *) batches;             /* of this call: the entry may be called again before it is read */
	int batch, row;
	struct { int64_t at, stop, step; bool more; } series;
	int64_t number;                   /* of the row, from 0 */
} RowsCursor;

/* ---- entries ---- */

static bool collect(void *context, const Batch *batch, Error *err)
{
	(void)err;
	Entry *entry = context;
	vec_push(&entry->out, batch_ref((Batch *)(uintptr_t)batch));
	return true;
}

void entry_set_rows(Entry *entry, Op *op, int skip)
{
	entry->op = op;
	entry->skip = skip;
	entry->tap = op_tap_new(&(TapSpec){.in = {.types = op->types, .column_count = op->column_count}, .tap = collect, .context = entry});
	op_connect(op, entry->tap, 0);
}

/* ---- the table ---- */

static int rows_connect(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out, char **message)
{
	(void)argc, (void)argv, (void)message;
	char sql[512];
	int n = snprintf(sql, sizeof sql, "CREATE TABLE x(");
	for (int i = 0; i < ROWS_COLUMNS_MAX; i++) n += snprintf(sql + n, sizeof sql - (size_t)n, "v%d, ", i);
	n += snprintf(sql + n, sizeof sql - (size_t)n, "entry HIDDEN");
	for (int i = 0; i < ROWS_ARGS_MAX; i++) n += snprintf(sql + n, sizeof sql - (size_t)n, ", a%d HIDDEN", i);
	snprintf(sql + n, sizeof sql - (size_t)n, ")");
	int rc = sqlite3_declare_vtab(db, sql);
	if (rc != SQLITE_OK) return rc;
	RowsTable *table = mem_new(RowsTable);
	table->functions = context;
	*out = &table->base;
	return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
	free(table);
	return SQLITE_OK;
}

/* All hidden columns that are given must be given by equality; argv comes in their order. */
static int rows_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
	(void)table;
	int places[ROWS_ARGS_MAX + 1], given = 0;
	for (int i = 0; i <= ROWS_ARGS_MAX; i++) places[i] = -1;
	for (int i = 0; i < info->nConstraint; i++) {
		int hidden = info->aConstraint[i].iColumn - ROWS_COLUMNS_MAX;
		if (hidden < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
		if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
		if (places[hidden] < 0) places[hidden] = i;
	}
	for (int i = 0; i <= ROWS_ARGS_MAX && places[i] >= 0; i++) {
		info->aConstraintUsage[places[i]].argvIndex = ++given;
		info->aConstraintUsage[places[i]].omit = 1;
	}
	if (!given) return SQLITE_CONSTRAINT;
	info->estimatedCost = 10;
	info->estimatedRows = 10;
	return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	(void)table;
	*out = &mem_new(RowsCursor)->base;
	return SQLITE_OK;
}

static void cursor_clear(RowsCursor *cursor)
{
	for (int i = 0; i < cursor->batches.count; i++) batch_unref(cursor->batches.at[i]);
	cursor->batches.count = 0;
	cursor->batch = cursor->row = 0;
}

static int rows_close(sqlite3_vtab_cursor *base)
{
	RowsCursor *cursor = (RowsCursor *)base;
	cursor_clear(cursor);
	vec_release(&cursor->batches);
	free(cursor);
	return SQLITE_OK;
}

static int fail(RowsCursor *cursor, const char *message)
{
	sqlite3_vtab *table = cursor->base.pVtab;
	sqlite3_free(table->zErrMsg);
	table->zErrMsg = sqlite3_mprintf("%s", message);
	return SQLITE_ERROR;
}

/* What the operator makes may borrow from its input, so each call has a batch of its own, with its own strings. */
static bool push_row(RowsCursor *cursor, sqlite3_value **args, Error *err)
{
	Entry *entry = cursor->entry;
	BatchBuilder builder;
	batch_builder_init(&builder, entry->types, entry->arg_count, 1);
	int row = batch_builder_row(&builder, 1);
	for (int i = 0; i < entry->arg_count; i++) {
		Value value;
		store_value_read(args[i], entry->types[i], &value, NULL);
		batch_builder_set(&builder, row, i, &value);
	}
	Batch *in = batch_builder_take(&builder);
	in->system_us = entry->system_us;
	bool ok = op_push(entry->op, 0, in, err);
	batch_unref(in);
	for (int i = 0; i < entry->out.count; i++) vec_push(&cursor->batches, entry->out.at[i]);
	entry->out.count = 0;
	return ok;
}

static void unpack_row(RowsCursor *cursor, BatchBuilder *builder, Value *values)
{
	int row = batch_builder_row(builder, 1);
	for (int i = 0; i < cursor->entry->column_count; i++) batch_builder_set(builder, row, i, &values[i]);
	if (batch_builder_full(builder)) vec_push(&cursor->batches, batch_builder_take(builder));
}

static void unpack_rows(RowsCursor *cursor, sqlite3_value *packed)
{
	const Entry *entry = cursor->entry;
	const char *at = sqlite3_value_blob(packed), *end = at ? at + sqlite3_value_bytes(packed) : NULL;
	Value values[ROWS_COLUMNS_MAX];
	BatchBuilder builder;
	batch_builder_init(&builder, entry->columns, entry->column_count, BATCH_ROWS_MAX);
	while (at && at < end) {
		at += 1 + row_unpack(at + 1, entry->columns, entry->column_count, values);
		unpack_row(cursor, &builder, values);
	}
	for (int i = 0; i < entry->column_count; i++) values[i] = (Value){.type = entry->columns[i], .is_null = true};
	if (!end && entry->outer) unpack_row(cursor, &builder, values);
	Batch *last = batch_builder_take(&builder);
	if (last) vec_push(&cursor->batches, last);
}

/* As op/expand.c has it: a step of 0 counts as 1. */
static void start_series(RowsCursor *cursor, sqlite3_value **args)
{
	int64_t values[3] = {0, 0, 1};
	bool known = true;
	for (int i = 0; i < cursor->entry->arg_count; i++) {
		known &= sqlite3_value_type(args[i]) != SQLITE_NULL;
		values[i] = sqlite3_value_int64(args[i]);
	}
	int64_t step = values[2] ? values[2] : 1;
	bool any = known && (step > 0 ? values[0] <= values[1] : values[0] >= values[1]);
	cursor->series.at = values[0];
	cursor->series.stop = values[1];
	cursor->series.step = step;
	cursor->series.more = any;
}

static void next_in_series(RowsCursor *cursor)
{
	int64_t step = cursor->series.step;
	bool overflow = __builtin_add_overflow(cursor->series.at, step, &cursor->series.at);
	cursor->series.more = !overflow && (step > 0 ? cursor->series.at <= cursor->series.stop : cursor->series.at >= cursor->series.stop);
}

static int rows_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc, sqlite3_value **argv)
{
	(void)number, (void)text;
	RowsCursor *cursor = (RowsCursor *)base;
	Error err = ERROR_INIT;
	cursor_clear(cursor);
	Entry *entry = cursor->entry = functions_entry(((RowsTable *)base->pVtab)->functions, argv[0]);
	bool known = entry && (entry->kind == ENTRY_ROWS || entry->kind == ENTRY_UNPACK || entry->kind == ENTRY_SERIES) && argc - 1 == entry->arg_count;
	if (!known) return fail(cursor, "weir: no such entry");
	cursor->number = 0;
	if (entry->kind == ENTRY_SERIES) start_series(cursor, argv + 1);
	else if (entry->kind == ENTRY_UNPACK) unpack_rows(cursor, argv[1]);
	else if (!push_row(cursor, argv + 1, &err)) return fail(cursor, err.message);
	return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
	RowsCursor *cursor = (RowsCursor *)base;
	cursor->number++;
	if (cursor->entry->kind == ENTRY_SERIES) {
		next_in_series(cursor);
		return SQLITE_OK;
	}
	if (++cursor->row < cursor->batches.at[cursor->batch]->count) return SQLITE_OK;
	cursor->row = 0;
	cursor->batch++;
	return SQLITE_OK;
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
	RowsCursor *cursor = (RowsCursor *)base;
	return cursor->entry->kind == ENTRY_SERIES ? !cursor->series.more : cursor->batch >= cursor->batches.count;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	RowsCursor *cursor = (RowsCursor *)base;
	if (cursor->entry->kind == ENTRY_SERIES) {
		if (column < 2) sqlite3_result_int64(context, column == 0 ? cursor->series.at : cursor->number + 1);      /* value, ordinality */
		return SQLITE_OK;
	}
	const Batch *batch = cursor->batches.at[cursor->batch];
	int from = column + cursor->entry->skip;
	if (column >= ROWS_COLUMNS_MAX || from >= batch->column_count) return SQLITE_OK;
	Value value = column_value(&batch->columns[from], batch_row(batch, cursor->row));
	store_value_result(context, &value);
	return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = ((RowsCursor *)base)->number;
	return SQLITE_OK;
}

/* Without xCreate: a function that is always there, no table that could be made. */
const sqlite3_module ROWS_MODULE = {
	.iVersion = 1, .xConnect = rows_connect, .xDisconnect = rows_disconnect, .xBestIndex = rows_best_index, .xOpen = rows_open, .xClose = rows_close,
	.xFilter = rows_filter, .xNext = rows_next, .xEof = rows_eof, .xColumn = rows_column, .xRowid = rows_rowid,
};
