/* Functions by which SQLite calls back into the function table. One adapter serves all: arguments become a batch of one row, the entry's
 * compiled expression runs on it. */
#include "store/adhoc_internal.h"

#include <ctype.h>
#include <string.h>

#include "type/calendar.h"
#include "type/row.h"

const char SCALAR_ERROR_MANY[] = "weir: more than one row";

struct Functions {
	sqlite3 *db;
	VEC(Entry *) entries;             /* by number; NULL: free */
	VEC(char *) known;                /* names that SQLite knows already */
};

/* ---- entries ---- */

Entry *entry_new(Functions *functions, EntryKind kind, Type type, const Type *types, int arg_count)
{
	Entry *entry = mem_new(Entry);
	arena_init(&entry->arena, 0);
	arena_init(&entry->scratch, 0);
	entry->kind = kind;
	entry->type = type;
	entry->arg_count = arg_count;
	entry->types = arena_array(&entry->arena, Type, arg_count + 1);
	if (arg_count) memcpy(entry->types, types, sizeof *types * (size_t)arg_count);
	while (entry->number < functions->entries.count && functions->entries.at[entry->number]) entry->number++;
	if (entry->number == functions->entries.count) vec_push(&functions->entries, entry);
	else functions->entries.at[entry->number] = entry;
	return entry;
}

void entry_free(Functions *functions, Entry *entry)
{
	functions->entries.at[entry->number] = NULL;
	if (entry->program) expr_program_release(entry->program);
	batch_unref(entry->batch);
	for (int i = 0; i < entry->out.count; i++) batch_unref(entry->out.at[i]);
	vec_release(&entry->out);
	op_free(entry->op);
	op_free(entry->tap);
	arena_release(&entry->scratch);
	arena_release(&entry->arena);
	free(entry);
}

Entry *functions_entry(Functions *functions, sqlite3_value *number)
{
	int at = sqlite3_value_int(number);
	return at >= 0 && at < functions->entries.count ? functions->entries.at[at] : NULL;
}

static void make_batch(Entry *entry)
{
	entry->batch = batch_new(entry->types, entry->arg_count, 1);
	entry->batch->rows = entry->batch->count = 1;
	entry->batch->system_us = entry->system_us;
	for (int i = 0; i < entry->arg_count; i++) batch_column_nulls(entry->batch, i);
}

void entry_read_arguments(Entry *entry, sqlite3_value **args)
{
	if (!entry->batch) make_batch(entry);
	for (int i = 0; i < entry->arg_count; i++) {
		Value value;
		Column *column = &entry->batch->columns[i];
		store_value_read(args[i], entry->types[i], &value, NULL);
		column->null[0] = value.is_null ? MARK_NULL : MARK_VALUE;
		if (phys_bytes(type_phys(entry->types[i])) == 8) column->i64[0] = value.is_null ? 0 : value.i64;
		else if (value.is_null) memset(column->data, 0, 16);
		else memcpy(column->data, &value.str, 16);
	}
}

/* ---- calls ---- */

static void eval_expr(sqlite3_context *context, Entry *entry, sqlite3_value **args)
{
	entry_read_arguments(entry, args);
	Column result = expr_eval(entry->program, entry->batch, &entry->scratch);
	Value value = column_value(&result, 0);
	value.type = entry->type;
	store_value_result(context, &value);
}

static void eval_sort_key(sqlite3_context *context, const Value *value)
{
	if (value->is_null) return;
	StrBuf key = STRBUF_INIT;
	sort_key_add(&key, value, (SortSpec){0});
	sqlite3_result_blob(context, key.text, (int)key.bytes, SQLITE_TRANSIENT);
	strbuf_release(&key);
}

static void eval_micros(sqlite3_context *context, const Value *value)
{
	if (value->is_null) return;
	sqlite3_result_int64(context, value->type.kind == TYPE_DATE ? value->i64 * US_PER_DAY : value->i64);
}

static void call_entry(sqlite3_context *context, int count, sqlite3_value **args)
{
	Entry *entry = functions_entry(sqlite3_user_data(context), args[0]);
	if (!entry || count - 1 != entry->arg_count) {
		sqlite3_result_error(context, "weir: no such entry", -1);
		return;
	}
	arena_clear(&entry->scratch);
	if (entry->kind == ENTRY_EXPR) {
		eval_expr(context, entry, args + 1);
		return;
	}
	Value value;
	store_value_read(args[1], entry->types[0], &value, NULL);
	if (entry->kind == ENTRY_READ) store_value_result(context, &value);
	else if (entry->kind == ENTRY_SORT_KEY) eval_sort_key(context, &value);
	else eval_micros(context, &value);
}

/* INTEGER arithmetic in SQLite goes on as REAL where it overflows; here it is NULL then. */
static void call_int(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	if (sqlite3_value_type(args[0]) == SQLITE_INTEGER) sqlite3_result_int64(context, sqlite3_value_int64(args[0]));
}

/* The one value of a scalar subquery: NULL for no row, an error for more than one. */
typedef struct Single { sqlite3_value *value; bool seen; } Single;

static void single_step(sqlite3_context *context, int count, sqlite3_value **args)
{
	(void)count;
	Single *single = sqlite3_aggregate_context(context, sizeof *single);
	if (!single) return;
	if (single->seen) sqlite3_result_error(context, SCALAR_ERROR_MANY, -1);
	else single->value = sqlite3_value_dup(args[0]);
	single->seen = true;
}

static void single_final(sqlite3_context *context)
{
	Single *single = sqlite3_aggregate_context(context, 0);
	if (!single || !single->value) return;
	sqlite3_result_value(context, single->value);
	sqlite3_value_free(single->value);
}

/* ---- registering ---- */

static bool is_known(const Functions *functions, const char *name)
{
	for (int i = 0; i < functions->known.count; i++)
		if (strcmp(functions->known.at[i], name) == 0) return true;
	return false;
}

/* Functions are made with the name of what they compute, so that the SQL reads well; operators are weir_expr. */
static void print_name(EntryKind kind, const char *name, bool deterministic, StrBuf *out)
{
	bool is_word = name && *name;
	for (const char *c = name; is_word && *c; c++) is_word = isalnum((unsigned char)*c) || *c == '_';
	strbuf_adds(out, kind == ENTRY_AGGREGATE ? "weir_agg_" : deterministic ? "weir_" : "weir_any_");
	strbuf_adds(out, is_word ? name : "expr");
}

bool functions_need(Functions *functions, const Entry *entry, const char *name, bool deterministic, StrBuf *out)
{
	StrBuf full = STRBUF_INIT;
	int rc = SQLITE_OK;
	print_name(entry->kind, name, deterministic, &full);
	if (!is_known(functions, full.text)) {
		int flags = SQLITE_UTF8 | (deterministic ? SQLITE_DETERMINISTIC : 0);
		if (entry->kind == ENTRY_AGGREGATE)
			rc = sqlite3_create_window_function(functions->db, full.text, -1, flags, functions, aggregate_step, aggregate_final, aggregate_value, aggregate_inverse, NULL);
		else rc = sqlite3_create_function_v2(functions->db, full.text, -1, flags, functions, call_entry, NULL, NULL, NULL);
		if (rc == SQLITE_OK) vec_push(&functions->known, mem_strdup(full.text));
	}
	strbuf_adds(out, full.text);
	strbuf_release(&full);
	return rc == SQLITE_OK;
}

/* When the connection closes; all queries on it have gone before. */
static void functions_free(void *pointer)
{
	Functions *functions = pointer;
	for (int i = 0; i < functions->known.count; i++) free(functions->known.at[i]);
	vec_release(&functions->known);
	vec_release(&functions->entries);
	free(functions);
}

Functions *functions_of(Store *store, StoreReader *reader, Error *err)
{
	Functions **place = reader ? &reader->functions : &store->functions;
	if (*place) return *place;
	Functions *functions = mem_new(Functions);
	sqlite3 *db = functions->db = store_connection(store, reader);
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	int rc = sqlite3_create_module_v2(db, "weir_rows", &ROWS_MODULE, functions, functions_free);          /* owns them, also where it fails */
	if (rc == SQLITE_OK) rc = sqlite3_create_function_v2(db, "weir_int", 1, flags, functions, call_int, NULL, NULL, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_create_function_v2(db, "weir_single", 1, flags, functions, NULL, single_step, single_final, NULL);
	if (rc == SQLITE_OK) rc = sqlite3_create_function_v2(db, "weir_pack", -1, flags, functions, NULL, pack_step, pack_final, NULL);
	if (rc == SQLITE_OK) return *place = functions;
	store_sqlite_error(db, rc, store->path, err);
	return NULL;
}
