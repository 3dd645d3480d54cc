/* UPDATE, DELETE, TRUNCATE of local relations, and what INSERT (insert.c) shares with them.
 *
 * A statement runs at once, on what all before it left: its rows come from an ad-hoc query on the writer's connection, which sees what is not
 * committed yet. Each row is tested (NOT NULL, CHECK, keys) and written to the relation's table in the transaction of the commit being gathered;
 * when all are in, their changes go into the graph. A statement that fails leaves nothing: savepoint in the file, nothing in the graph.
 */
#include <stdio.h>

#include "engine/change.h"

void change_init(Change *change, Session *session, Relation *target)
{
	*change = (Change){.session = session, .engine = session->engine, .target = target, .bytes = STRBUF_INIT};
	arena_init(&change->arena, 0);
	arena_init(&change->scratch, 0);
	change->types = arena_array(&change->arena, Type, target->column_count + 1);
	change->values = arena_array(&change->arena, Value, target->column_count + 1);
	change->old = arena_array(&change->arena, Value, target->column_count + 1);
	for (int c = 0; c < target->column_count; c++) change->types[c] = target->columns[c].type;
	batch_builder_init(&change->out, change->types, target->column_count, BATCH_ROWS_MAX);
}

static void release(Change *change)
{
	for (int b = 0; b < change->batches.count; b++) batch_unref(change->batches.at[b]);
	vec_release(&change->batches);
	batch_builder_release(&change->out);
	strbuf_release(&change->bytes);
	arena_release(&change->scratch);
	arena_release(&change->arena);
}

/* ---- tests of a row ---- */

static bool test_not_null(const Change *change, const Value *row, Error *err)
{
	const Relation *target = change->target;
	for (int c = 0; c < target->column_count; c++) {
		bool key = false;
		for (int k = 0; k < target->primary_key_count; k++) key |= target->primary_key[k] == c;
		if (row[c].is_null && (target->columns[c].not_null || key))
			return error_set(err, ERR_NOT_NULL_VIOLATION, SPAN_NONE, "column \"%s\" of %s \"%s\" cannot be NULL", target->columns[c].name, relation_kind_name(target->kind), target->name);
	}
	return true;
}

Batch *change_row_batch(Change *change, const Value *row)
{
	BatchBuilder builder;
	batch_builder_init(&builder, change->types, change->target->column_count, 1);
	int at = batch_builder_row(&builder, 1);
	for (int c = 0; c < change->target->column_count; c++) batch_builder_set(&builder, at, c, &row[c]);
	Batch *batch = batch_builder_take(&builder);
	batch->system_us = engine_now(change->engine);
	batch_builder_release(&builder);
	return batch;
}

/* CHECK conditions are over the relation's inputs: id = index + 1. Only FALSE refuses. */
static bool test_checks(Change *change, const Value *row, Error *err)
{
	const Relation *target = change->target;
	if (!target->check_count) return true;
	Batch *stored = change_row_batch(change, row), *inputs = batch_derive(stored, target->input_count);
	inputs->rows = inputs->count = 1;
	ColumnId *layout = arena_array(&change->scratch, ColumnId, target->input_count + 1);
	for (int i = 0; i < target->input_count; i++) {
		inputs->columns[i] = stored->columns[target->inputs[i].path.column];
		layout[i] = i + 1;
	}
	bool ok = true;
	for (int k = 0; ok && k < target->check_count; k++) {
		ExprProgram *program = expr_compile(&change->scratch, target->checks[k].condition, layout, target->input_count);
		Column result = expr_eval(program, inputs, &change->scratch);
		if (!column_is_null(&result, 0) && !result.i64[0])
			ok = error_set(err, ERR_CHECK_VIOLATION, SPAN_NONE, "row of %s \"%s\" breaks CHECK (%s)", relation_kind_name(target->kind), target->name, target->checks[k].sql);
		expr_program_release(program);
	}
	batch_unref(inputs);
	batch_unref(stored);
	return ok;
}

bool change_test(Change *change, const Value *row, Error *err) { return test_not_null(change, row, err) && test_checks(change, row, err); }

/* ---- writing ---- */

static void note_change(Change *change, const Value *row, int64_t weight)
{
	int at = batch_builder_row(&change->out, weight);
	for (int c = 0; c < change->target->column_count; c++) batch_builder_set(&change->out, at, c, &row[c]);
	if (!batch_builder_full(&change->out)) return;
	Batch *batch = batch_builder_take(&change->out);
	vec_push(&change->batches, batch);
}

static ChangeRow packed(Change *change, const Value *row, int64_t weight)
{
	ChangeRow out = {.offset = (uint32_t)change->bytes.bytes, .weight = weight};
	row_pack_values(&change->bytes, row, change->target->column_count);
	out.bytes = (uint32_t)(change->bytes.bytes - out.offset);
	return out;
}

/* SQLite has refused a row: by which UNIQUE is asked for here, so that it can be said. */
static bool unique_violation(Change *change, const Value *old, const Value *new, Error *err)
{
	const Relation *target = change->target;
	for (int u = 0; u < target->unique_count; u++) {
		const int *columns = target->uniques[u].columns;
		int count = target->uniques[u].count;
		bool moved = !old;
		for (int c = 0; old && c < count; c++) moved |= !value_equal(&old[columns[c]], &new[columns[c]]);
		Error ignored = ERROR_INIT;
		if (!moved || store_table_find_unique(change->engine->store, change->table, columns, count, new, NULL, &change->scratch, &ignored) != 1) continue;
		StrBuf names = STRBUF_INIT;
		for (int c = 0; c < count; c++) strbuf_printf(&names, "%s%s", c ? ", " : "", target->columns[columns[c]].name);
		error_clear(err);
		error_set(err, ERR_UNIQUE_VIOLATION, SPAN_NONE, "a row with this value (%s) is in %s \"%s\" already", names.text, relation_kind_name(target->kind), target->name);
		error_hint(err, "INSERT ... ON CONFLICT (%s) DO UPDATE SET ... changes it.", names.text);
		strbuf_release(&names);
		break;
	}
	return false;
}

/* old or new may be NULL; both: an update. */
bool change_write(Change *change, const Value *old, const Value *new, Error *err)
{
	strbuf_clear(&change->bytes);
	Changes changes = {.rows = change->change_rows};
	if (old) change->change_rows[changes.count++] = packed(change, old, -1);
	if (new) change->change_rows[changes.count++] = packed(change, new, 1);
	changes.bytes = change->bytes.text;
	changes.byte_count = change->bytes.bytes;
	for (int i = 0; i < changes.count; i++) {
		ChangeRow *row = &change->change_rows[i];
		row->hash = hash_bytes_128(changes.bytes + row->offset, row->bytes);
	}
	if (!store_apply(change->engine->store, change->table, &changes, NULL, err)) return new && err->code == ERR_UNIQUE_VIOLATION ? unique_violation(change, old, new, err) : false;
	if (old) note_change(change, old, -1);
	if (new) note_change(change, new, 1);
	return true;
}

/* A whole batch of new rows without a key: nothing to look up. */
bool change_append(Change *change, const Batch *batch, Error *err)
{
	Changes changes = {0};
	StrBuf bytes = STRBUF_INIT;
	changes.rows = mem_alloc(sizeof *changes.rows * (size_t)(batch->count + 1));
	for (int i = 0; i < batch->count; i++) {
		ChangeRow *row = &changes.rows[changes.count++];
		*row = (ChangeRow){.offset = (uint32_t)bytes.bytes, .weight = 1};
		row_pack(&bytes, batch->columns, change->target->column_count, batch_row(batch, i));
		row->bytes = (uint32_t)(bytes.bytes - row->offset);
		row->hash = hash_bytes_128(bytes.text + row->offset, row->bytes);
	}
	changes.bytes = bytes.text;
	changes.byte_count = bytes.bytes;
	bool ok = store_apply(change->engine->store, change->table, &changes, NULL, err);
	free(changes.rows);
	strbuf_release(&bytes);
	return ok;
}

static bool begin(Change *change, Error *err)
{
	Runtime *runtime = change->engine->runtime;
	if (!runtime_start(runtime, err) || !runtime_file_begin(runtime, err)) return false;
	change->table = engine_table(change->engine, change->target, err);
	if (!change->table) return false;
	change->keyed = store_table_spec(change->table)->has_key;
	return store_savepoint(change->engine->store, err);
}

/* The graph gets the changes only when all rows are in the file. */
static bool end(Change *change, bool ok, Error *err)
{
	Store *store = change->engine->store;
	Runtime *runtime = change->engine->runtime;
	if (!ok) {
		if (store_in_transaction(store)) store_savepoint_rollback(store);
		else runtime->file_open = false;
		return false;
	}
	if (!store_savepoint_release(store, err)) return false;
	Batch *last = batch_builder_take(&change->out);
	if (last) vec_push(&change->batches, last);
	for (int b = 0; b < change->batches.count; b++)
		if (!runtime_push_local(runtime, change->target, change->batches.at[b], err)) {
			runtime->failure = *err;          /* the file has it, the operators do not: only a new start is safe */
			return false;
		}
	change->session->changed = true;
	return true;
}

static bool begin_returning(const Change *change, Error *err)
{
	Session *session = change->session;
	if (!change->returning_count || !session->out.begin) return true;
	ResultColumn *out = arena_array(&session->arena, ResultColumn, change->returning_count);
	for (int c = 0; c < change->returning_count; c++) out[c] = (ResultColumn){.name = change->returning[c].name, .type = change->returning[c].type};
	return session->out.begin(session->out.context, RESULT_TABLE, out, change->returning_count) || error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
}

bool change_run(Change *change, ChangeRows make, Error *err)
{
	bool ok = begin(change, err);
	if (ok) {
		ok = begin_returning(change, err) && make(change, err);
		ok = end(change, ok, err);
	}
	release(change);
	return ok;
}

bool change_statement(Change *change, const char *what, ChangeRows make, Error *err)
{
	Session *session = change->session;
	if (session->check) {
		release(change);
		session_done(session, "%s", what);
		return true;
	}
	if (!change_run(change, make, err)) return false;
	if (!change->returning_count) session_done(session, "%s %lld", what, (long long)change->rows);
	else if (session->out.end) session->out.end(session->out.context);
	return true;
}

void change_key(const Relation *target, const Value *row, Value *key)
{
	for (int k = 0; k < target->primary_key_count; k++) key[k] = row[target->primary_key[k]];
}

bool change_same_key(const Relation *target, const Value *a, const Value *b)
{
	for (int k = 0; k < target->primary_key_count; k++)
		if (!value_equal(&a[target->primary_key[k]], &b[target->primary_key[k]])) return false;
	return true;
}

bool change_key_violation(const Change *change, Error *err)
{
	const Relation *target = change->target;
	StrBuf names = STRBUF_INIT;
	for (int k = 0; k < target->primary_key_count; k++) strbuf_printf(&names, "%s%s", k ? ", " : "", target->columns[target->primary_key[k]].name);
	error_set(err, ERR_UNIQUE_VIOLATION, SPAN_NONE, "a row with this key (%s) is in table \"%s\" already", names.text, target->name);
	error_hint(err, "INSERT ... ON CONFLICT (%s) DO UPDATE SET ... replaces it.", names.text);
	strbuf_release(&names);
	return false;
}

/* ---- what a statement reads and gives back ---- */

/* All rows of the plan, before any is written: what is written must not be seen. */
bool change_read(Change *change, Plan *plan, ChangeBatches *rows, Error *err)
{
	AdhocOptions options = {.store = change->engine->store, .system_us = engine_now(change->engine)};
	AdhocQuery *query = adhoc_open(&options, plan, err);
	bool ok = query != NULL;
	session_set_adhoc(change->session, query);
	for (Batch *batch = NULL; ok; ) {
		ok = !session_was_canceled(change->session, err) && adhoc_next(query, BATCH_ROWS_MAX, &batch, err);
		if (!ok || !batch) break;
		vec_push(rows, batch);
	}
	session_set_adhoc(change->session, NULL);
	adhoc_close(query);
	return ok;
}

void change_rows_release(ChangeBatches *rows)
{
	for (int b = 0; b < rows->count; b++) batch_unref(rows->at[b]);
	vec_release(rows);
}

/* ---- UPDATE, DELETE ---- */

/* ChangeBatches whose key changes are taken out first and put in when all are out, so that keys may be swapped or moved along. */
typedef struct Moved { Batch *batch; int row; } Moved;
typedef struct Update { Change base; BoundChange *bound; bool deletes; VEC(Moved) moved; } Update;

static void load_row(const Update *update, const Batch *batch, int row, int first, Value *out)
{
	for (int c = 0; c < update->base.target->column_count; c++) out[c] = column_value(&batch->columns[first + c], row);
}

static bool change_row(Update *update, Batch *batch, int row, Error *err)
{
	Change *change = &update->base;
	arena_clear(&change->scratch);
	load_row(update, batch, row, 0, change->old);
	change->rows++;
	if (update->deletes) return change_write(change, change->old, NULL, err);
	load_row(update, batch, row, change->target->column_count, change->values);
	if (!change_test(change, change->values, err)) return false;
	if (change->keyed && !change_same_key(change->target, change->old, change->values)) {
		Moved moved = {batch, row};
		vec_push(&update->moved, moved);
		return change_write(change, change->old, NULL, err);
	}
	return change_write(change, change->old, change->values, err);
}

static bool insert_moved(Update *update, Error *err)
{
	Change *change = &update->base;
	for (int m = 0; m < update->moved.count; m++) {
		arena_clear(&change->scratch);
		load_row(update, update->moved.at[m].batch, update->moved.at[m].row, change->target->column_count, change->values);
		Value *key = arena_array(&change->scratch, Value, change->target->primary_key_count + 1);
		change_key(change->target, change->values, key);
		int found = store_table_find(change->engine->store, change->table, key, NULL, &change->scratch, err);
		if (found < 0) return false;
		if (found) return change_key_violation(change, err);
		if (!change_write(change, NULL, change->values, err)) return false;
	}
	return true;
}

static bool return_columns(Update *update, Batch *batch, Error *err)
{
	int first = update->base.target->column_count * (update->deletes ? 1 : 2), count = update->bound->returning_count;
	if (!count) return true;
	Batch *out = batch_derive(batch, count);
	out->rows = batch->rows;
	out->count = batch->count;
	out->sel = batch->sel;
	for (int c = 0; c < count; c++) out->columns[c] = batch->columns[first + c];
	bool ok = session_emit(update->base.session, out, err);
	batch_unref(out);
	return ok;
}

static bool change_rows(Change *change, Error *err)
{
	Update *update = (Update *)change;
	ChangeBatches rows = {0};
	bool ok = change_read(&update->base, update->bound->plan, &rows, err);
	for (int b = 0; ok && b < rows.count; b++) {
		ok = !session_was_canceled(update->base.session, err);
		for (int i = 0; ok && i < rows.at[b]->count; i++) ok = change_row(update, rows.at[b], batch_row(rows.at[b], i), err);
		ok = ok && return_columns(update, rows.at[b], err);
	}
	ok = ok && insert_moved(update, err);
	change_rows_release(&rows);
	return ok;
}

bool run_change(Session *session, BoundStatement *bound, Error *err)
{
	bool deletes = bound->kind == BOUND_DELETE;
	Update update = {.bound = &bound->change, .deletes = deletes};
	change_init(&update.base, session, bound->change.target);
	update.base.returning = bound->change.returning_columns;
	update.base.returning_count = bound->change.returning_count;
	bool ok = change_statement(&update.base, deletes ? "DELETE" : "UPDATE", change_rows, err);
	vec_release(&update.moved);
	return ok;
}

/* ---- TRUNCATE ---- */

/* Views that read the relation are told of each row that goes. */
static bool take_all_back(Change *change, const Relation *target, Error *err)
{
	int *columns = arena_array(&change->arena, int, target->column_count);
	for (int c = 0; c < target->column_count; c++) columns[c] = c;
	StoreScan *scan = store_scan_open(change->session->engine->store, NULL, store_table_spec(change->table), columns, target->column_count, STORE_SCAN_ALL, err);
	bool ok = scan != NULL;
	for (Batch *batch = NULL; ok && (ok = store_scan_next(scan, BATCH_ROWS_MAX, &batch, NULL, err)) && batch; ) {
		int64_t *weights = arena_alloc(&batch->arena, sizeof *weights * (size_t)batch->rows);
		for (int i = 0; i < batch->rows; i++) weights[i] = -1;
		batch->weights = weights;
		vec_push(&change->batches, batch);
	}
	if (scan) store_scan_close(scan);
	return ok;
}

static bool truncate_rows(Change *change, Error *err)
{
	return (!runtime_is_read(change->engine->runtime, change->target) || take_all_back(change, change->target, err)) &&
		store_table_truncate(change->engine->store, change->table, err);
}

static bool truncate_one(Session *session, Relation *target, Error *err)
{
	Change change;
	change_init(&change, session, target);
	return change_run(&change, truncate_rows, err);
}

bool run_truncate(Session *session, BoundStatement *bound, Error *err)
{
	if (bound->relations.count > 1 && !begin_definition(session, err)) return false;
	for (int r = 0; r < bound->relations.count; r++)
		if (!truncate_one(session, bound->relations.at[r], err)) return false;
	session_done(session, "TRUNCATE");
	return true;
}
