/* What takes the content of one table to that of another of the same columns: rows that only the first has are taken away, rows that only the second has
 * are added. Both are read in one order, that of the second one's key or of all columns, and merged by SQLite, which uses the keys' indexes or sorts
 * beside, on disk; only rows of one key are in memory. Rejected: EXCEPT both ways, which goes through both tables twice and knows no copies. */
#include "store/table.h"

#include <string.h>

#include "type/row.h"

typedef struct DiffRow { size_t from, bytes; int64_t weight; } DiffRow;

struct StoreDiff {
	Store *store;
	sqlite3_stmt *stmt;
	Arena arena;
	Type *types;
	int column_count;
	int *order;                       /* columns by which rows are compared */
	int order_count;
	Value *values, *ordered;
	StrBuf packed;                    /* the rows of the run, one after the other */
	VEC(DiffRow) rows;                /* the run: rows that are equal in `order` */
	StrBuf run, row, key;             /* the order of the run, the row in hand and its order */
	bool ended, begun, in_hand;       /* in_hand: a row that does not belong to the run any more */
	int64_t weight;                   /* of the row in hand */
	bool whole;                       /* the run is complete, and not all of it is handed out */
};

/* ---- the statement ---- */

static void print_side(const StoreTableSpec *spec, int side, Arena *arena, StrBuf *sql)
{
	strbuf_printf(sql, "SELECT %d", side);
	for (int c = 0; c < spec->column_count; c++) {
		strbuf_adds(sql, ", ");
		if (spec->columns[c].name) strbuf_add_sql_ident(sql, spec->columns[c].name);
		else strbuf_adds(sql, "NULL");
	}
	strbuf_printf(sql, " FROM %s", store_quoted(arena, spec->name));
}

static bool has_key_of(const StoreTableSpec *old, const StoreTableSpec *made)
{
	bool same = old && made && old->has_key && made->has_key && old->key_count == made->key_count;
	for (int k = 0; same && k < made->key_count; k++) same = old->key[k] == made->key[k];
	return same;
}

/* Rows of one key that are no two stand so that equal ones follow each other. */
static void print_order(const StoreDiff *diff, bool one_each, StrBuf *sql)
{
	strbuf_adds(sql, " ORDER BY ");
	for (int k = 0; k < diff->order_count; k++) strbuf_printf(sql, "%d, ", diff->order[k] + 2);
	for (int c = 0; c < diff->column_count && !one_each && diff->order_count < diff->column_count; c++) strbuf_printf(sql, "%d, ", c + 2);
	strbuf_adds(sql, "1");
}

static bool prepare(StoreDiff *diff, const StoreTableSpec *old, const StoreTableSpec *made, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	if (old) print_side(old, 0, &diff->arena, &sql);
	if (old && made) strbuf_adds(&sql, " UNION ALL ");
	if (made) print_side(made, 1, &diff->arena, &sql);
	print_order(diff, has_key_of(old, made), &sql);
	int rc = sqlite3_prepare_v2(diff->store->db, sql.text, -1, &diff->stmt, NULL);
	strbuf_release(&sql);
	return rc == SQLITE_OK || store_own_error(diff->store->db, rc, diff->store->path, err);
}

StoreDiff *store_diff_open(Store *store, const StoreTableSpec *old, const StoreTableSpec *made, Error *err)
{
	StoreDiff *diff = mem_new(StoreDiff);
	const StoreTableSpec *spec = made ? made : old;
	arena_init(&diff->arena, 0);
	diff->store = store;
	diff->column_count = spec->column_count;
	diff->types = arena_array(&diff->arena, Type, spec->column_count);
	diff->values = arena_array(&diff->arena, Value, spec->column_count);
	diff->ordered = arena_array(&diff->arena, Value, spec->column_count);
	diff->order_count = spec->has_key ? spec->key_count : spec->column_count;
	diff->order = arena_array(&diff->arena, int, spec->column_count);
	for (int c = 0; c < spec->column_count; c++) diff->types[c] = spec->columns[c].type;
	for (int k = 0; k < diff->order_count; k++) diff->order[k] = spec->has_key ? spec->key[k] : k;
	diff->packed = diff->run = diff->row = diff->key = STRBUF_INIT;
	if (prepare(diff, old, made, err)) return diff;
	store_diff_close(diff);
	return NULL;
}

void store_diff_close(StoreDiff *diff)
{
	if (!diff) return;
	sqlite3_finalize(diff->stmt);
	strbuf_release(&diff->packed);
	strbuf_release(&diff->run);
	strbuf_release(&diff->row);
	strbuf_release(&diff->key);
	vec_release(&diff->rows);
	arena_release(&diff->arena);
	free(diff);
}

/* ---- runs ---- */

/* The next row of either side into the hand. */
static bool step(StoreDiff *diff, Error *err)
{
	int rc = diff->ended ? SQLITE_DONE : sqlite3_step(diff->stmt);
	diff->in_hand = rc == SQLITE_ROW;
	diff->ended = !diff->in_hand;
	if (rc != SQLITE_ROW) return rc == SQLITE_DONE || store_fail(diff->store, rc, err);
	diff->weight = sqlite3_column_int(diff->stmt, 0) ? 1 : -1;
	for (int c = 0; c < diff->column_count; c++) store_value_column(diff->stmt, c + 1, diff->types[c], &diff->values[c], NULL);
	for (int k = 0; k < diff->order_count; k++) diff->ordered[k] = diff->values[diff->order[k]];
	strbuf_clear(&diff->row);
	strbuf_clear(&diff->key);
	row_pack_values(&diff->row, diff->values, diff->column_count);
	row_pack_values(&diff->key, diff->ordered, diff->order_count);
	return true;
}

static bool same_bytes(const StrBuf *a, const StrBuf *b) { return a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0; }

static bool is_last_of_run(const StoreDiff *diff)
{
	const DiffRow *last = diff->rows.count ? &diff->rows.at[diff->rows.count - 1] : NULL;
	return last && last->bytes == diff->row.bytes && memcmp(diff->packed.text + last->from, diff->row.text, last->bytes) == 0;
}

static void add_to_run(StoreDiff *diff)
{
	if (is_last_of_run(diff)) {
		diff->rows.at[diff->rows.count - 1].weight += diff->weight;
		return;
	}
	DiffRow row = {diff->packed.bytes, diff->row.bytes, diff->weight};
	strbuf_add(&diff->packed, diff->row.text, diff->row.bytes);
	vec_push(&diff->rows, row);
}

/* All rows that are equal in the order, or of very many some; none at the end. */
static bool next_run(StoreDiff *diff, Error *err)
{
	diff->rows.count = 0;
	strbuf_clear(&diff->packed);
	if (!diff->begun && !step(diff, err)) return false;
	diff->begun = true;
	if (!diff->in_hand) return true;
	strbuf_clear(&diff->run);
	strbuf_add(&diff->run, diff->key.text, diff->key.bytes);
	while (diff->in_hand && same_bytes(&diff->run, &diff->key) && (diff->rows.count < BATCH_ROWS_MAX || is_last_of_run(diff))) {
		add_to_run(diff);
		if (!step(diff, err)) return false;
	}
	return diff->whole = true;
}

static int changes_of_run(const StoreDiff *diff)
{
	int changes = 0;
	for (int r = 0; r < diff->rows.count; r++) changes += diff->rows.at[r].weight != 0;
	return changes;
}

static void hand_out_row(const StoreDiff *diff, const DiffRow *from, Value *values, BatchBuilder *builder)
{
	int row = batch_builder_row(builder, from->weight);
	row_unpack(diff->packed.text + from->from, diff->types, diff->column_count, values);
	for (int c = 0; c < diff->column_count; c++) batch_builder_set(builder, row, c, &values[c]);
}

/* As much of the run as the batch has room for: what goes before what comes. */
static void hand_out(StoreDiff *diff, BatchBuilder *builder)
{
	Value *values = mem_alloc(sizeof *values * (size_t)(diff->column_count + 1));
	diff->whole = false;
	for (int sign = -1; sign <= 1; sign += 2)
		for (int r = 0; r < diff->rows.count; r++) {
			DiffRow *row = &diff->rows.at[r];
			if (row->weight * sign <= 0) continue;
			if (batch_builder_full(builder)) diff->whole = true;
			else {
				hand_out_row(diff, row, values, builder);
				row->weight = 0;
			}
		}
	free(values);
}

bool store_diff_next(StoreDiff *diff, Batch **out, Error *err)
{
	BatchBuilder builder;
	int filled = 0;
	*out = NULL;
	batch_builder_init(&builder, diff->types, diff->column_count, BATCH_ROWS_MAX);
	for (;;) {
		if (!diff->whole && !next_run(diff, err)) {
			batch_builder_release(&builder);
			return false;
		}
		int changes = diff->whole ? changes_of_run(diff) : 0;
		if (!diff->whole || filled == BATCH_ROWS_MAX || (filled && filled + changes > BATCH_ROWS_MAX)) break;
		hand_out(diff, &builder);
		filled = filled + changes < BATCH_ROWS_MAX ? filled + changes : BATCH_ROWS_MAX;
	}
	*out = batch_builder_take(&builder);
	return true;
}
