/* Changes of a commit: packed at once, so that nothing pins the batches they came in, netted and sorted when taken.
 *
 * Netting finds equal rows by 128 bits of hash (and compares their bytes); sorting goes by the first 16 bytes of the rows' sort keys and looks
 * at the rest only where these are equal. */
#include "op/changes.h"

#include <assert.h>
#include <stdlib.h>

void change_log_init(ChangeLog *log, bool append_only) { *log = (ChangeLog){.append_only = append_only}; }

void change_log_release(ChangeLog *log)
{
	vec_release(&log->rows);
	free(log->bytes);
	*log = (ChangeLog){.append_only = log->append_only};
}

void changes_release(Changes *changes)
{
	free(changes->rows);
	free(changes->bytes);
	*changes = (Changes){0};
}

static void log_reserve(ChangeLog *log, size_t bytes, int rows)
{
	if (log->byte_count + bytes > log->byte_room) {
		while (log->byte_count + bytes > log->byte_room) log->byte_room = log->byte_room ? log->byte_room * 2 : 4096;
		log->bytes = mem_realloc(log->bytes, log->byte_room);
	}
	if (log->rows.count + rows > log->rows.room) {
		while (log->rows.count + rows > log->rows.room) log->rows.room = VEC_GROWN(&log->rows);
		log->rows.at = mem_realloc(log->rows.at, sizeof *log->rows.at * (size_t)log->rows.room);
	}
}

bool change_log_add(ChangeLog *log, const Batch *in, Arena *scratch, Error *err)
{
	Column *columns = arena_array(scratch, Column, in->column_count);
	for (int c = 0; c < in->column_count; c++) columns[c] = batch_column(in, c, scratch);
	PackedRows packed = rows_pack(columns, in->column_count, in->count, scratch);
	size_t bytes = 0;
	for (int i = 0; i < in->count; i++) bytes += packed.bytes[i];
	if (log->byte_count + bytes > CHANGE_LOG_BYTES_MAX) {
		error_set(err, ERR_RESOURCE_LIMIT, SPAN_NONE, "one commit changes more than 4 GiB of a view");
		return error_hint(err, "Split the transaction into smaller ones.");
	}
	log_reserve(log, bytes, in->count);
	for (int i = 0; i < in->count; i++) {
		log->rows.at[log->rows.count++] = (ChangeRow){.offset = (uint32_t)log->byte_count, .bytes = packed.bytes[i], .weight = batch_weight(in, i)};
		if (packed.bytes[i]) memcpy(log->bytes + log->byte_count, packed.at[i], packed.bytes[i]);
		log->byte_count += packed.bytes[i];
	}
	return true;
}

/* ---- netting ---- */

static bool same_row(const char *bytes, const ChangeRow *a, const ChangeRow *b)
{
	return a->hash.low == b->hash.low && a->hash.high == b->hash.high && a->bytes == b->bytes && memcmp(bytes + a->offset, bytes + b->offset, a->bytes) == 0;
}

/* Sums the weights of equal rows into the first of them; rows of weight 0 go. */
static void changes_net(Changes *changes)
{
	uint32_t room = 16;
	while (room < (uint32_t)changes->count * 2u) room *= 2;
	uint32_t *slots = mem_zalloc(sizeof *slots * room);       /* number of a row + 1 */
	int kept = 0;
	for (int i = 0; i < changes->count; i++) {
		ChangeRow row = changes->rows[i];
		row.hash = hash_bytes_128(changes->bytes + row.offset, row.bytes);
		uint32_t at = (uint32_t)row.hash.low & (room - 1);
		while (slots[at] && !same_row(changes->bytes, &changes->rows[slots[at] - 1], &row)) at = (at + 1) & (room - 1);
		if (slots[at]) {
			changes->rows[slots[at] - 1].weight += row.weight;
			continue;
		}
		changes->rows[kept++] = row;
		slots[at] = (uint32_t)kept;
	}
	free(slots);
	changes->count = 0;
	for (int i = 0; i < kept; i++)
		if (changes->rows[i].weight) changes->rows[changes->count++] = changes->rows[i];
}

/* ---- sorting ---- */

typedef struct SortedRow { uint64_t high, low; const char *key; uint32_t bytes; int row; bool added; } SortedRow;

static int sorted_compare(const void *a, const void *b)
{
	const SortedRow *x = a, *y = b;
	if (x->high != y->high) return x->high < y->high ? -1 : 1;
	if (x->low != y->low) return x->low < y->low ? -1 : 1;
	uint32_t least = x->bytes < y->bytes ? x->bytes : y->bytes;
	int order = least > 16 ? memcmp(x->key, y->key, least) : 0;
	if (order) return order;
	if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
	if (x->added != y->added) return x->added - y->added;         /* old before new */
	return x->row < y->row ? -1 : 1;
}

static uint64_t key_word(const char *key, uint32_t bytes, uint32_t from)
{
	unsigned char word[8] = {0};
	if (bytes > from) memcpy(word, key + from, bytes - from < 8 ? bytes - from : 8);
	uint64_t x;
	memcpy(&x, word, 8);
	return __builtin_bswap64(x);
}

static void add_sort_key(StrBuf *keys, const Changes *changes, const ChangeRow *row, const Type *types, int column_count, const int *key_columns, int key_count, Value *values)
{
	row_unpack(changes->bytes + row->offset, types, column_count, values);
	for (int k = 0; k < key_count; k++) sort_key_add(keys, &values[key_columns[k]], (SortSpec){0});
}

static void changes_sort(Changes *changes, const Type *types, int column_count, const int *key_columns, int key_count)
{
	if (key_count == 0 || changes->count < 2) return;
	SortedRow *sorted = mem_alloc(sizeof *sorted * (size_t)changes->count);
	Value *values = mem_alloc(sizeof *values * (size_t)column_count);
	StrBuf keys = STRBUF_INIT;
	for (int i = 0; i < changes->count; i++) {
		size_t start = keys.bytes;
		add_sort_key(&keys, changes, &changes->rows[i], types, column_count, key_columns, key_count, values);
		sorted[i] = (SortedRow){.bytes = (uint32_t)(keys.bytes - start), .row = i, .added = changes->rows[i].weight > 0};
	}
	const char *key = keys.text;
	bool in_order = true;
	for (int i = 0; i < changes->count; key += sorted[i++].bytes) {
		sorted[i].key = key;
		sorted[i].high = key_word(key, sorted[i].bytes, 0);
		sorted[i].low = key_word(key, sorted[i].bytes, 8);
		if (i > 0 && in_order) in_order = sorted_compare(&sorted[i - 1], &sorted[i]) <= 0;
	}
	if (!in_order) {
		qsort(sorted, (size_t)changes->count, sizeof *sorted, sorted_compare);
		ChangeRow *rows = mem_alloc(sizeof *rows * (size_t)changes->count);
		for (int i = 0; i < changes->count; i++) rows[i] = changes->rows[sorted[i].row];
		free(changes->rows);
		changes->rows = rows;
	}
	strbuf_release(&keys);
	free(values);
	free(sorted);
}

void change_log_take(ChangeLog *log, const Type *types, int column_count, const int *key_columns, int key_count, Changes *out)
{
	*out = (Changes){.rows = log->rows.at, .count = log->rows.count, .bytes = log->bytes, .byte_count = log->byte_count};
	*log = (ChangeLog){.append_only = log->append_only};
	if (log->append_only) return;
	changes_net(out);
	changes_sort(out, types, column_count, key_columns, key_count);
}
