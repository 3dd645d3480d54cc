/* Changes of a commit: packed at once, so that nothing pins the batches they came in; netted when taken. Views with a key are sorted by it,
 * which brings equal rows together (changes_sort.c); rows of others are found again by 128 bits of hash and their bytes. */
#include "op/changes.h"

#include <stdlib.h>

void change_log_init(ChangeLog *log, bool append_only, const int *key_columns, int key_count)
{
	*log = (ChangeLog){.append_only = append_only, .key_columns = key_columns, .key_count = append_only ? 0 : key_count, .keys = STRBUF_INIT};
}

void change_log_release(ChangeLog *log)
{
	vec_release(&log->rows);
	vec_release(&log->key_ends);
	strbuf_release(&log->keys);
	free(log->bytes);
	log->bytes = NULL;
	log->byte_count = log->byte_room = 0;
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

static void log_add_keys(ChangeLog *log, const Column *columns, int count)
{
	for (int i = 0; i < count; i++) {
		for (int k = 0; k < log->key_count; k++) sort_key_add_column(&log->keys, &columns[log->key_columns[k]], i, (SortSpec){0});
		vec_push(&log->key_ends, log->keys.bytes);
	}
}

bool change_log_add(ChangeLog *log, const Batch *in, Arena *scratch, Error *err)
{
	Column *columns = arena_array(scratch, Column, in->column_count);
	for (int c = 0; c < in->column_count; c++) columns[c] = batch_column(in, c, scratch);
	PackedRows packed = rows_pack_plain(columns, in->column_count, in->count, scratch);
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
	if (log->key_count) log_add_keys(log, columns, in->count);
	return true;
}

static bool same_row(const char *bytes, const ChangeRow *a, const ChangeRow *b)
{
	return a->hash.low == b->hash.low && a->hash.high == b->hash.high && a->bytes == b->bytes && memcmp(bytes + a->offset, bytes + b->offset, a->bytes) == 0;
}

/* Sums the weights of equal rows into the first of them; rows of weight 0 go. */
static void changes_by_hash(Changes *changes)
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

void change_log_take(ChangeLog *log, Changes *out)
{
	*out = (Changes){.rows = log->rows.at, .count = log->rows.count, .bytes = log->bytes, .byte_count = log->byte_count};
	if (log->key_count) changes_by_key(out, log->keys.text, log->key_ends.at);
	else if (!log->append_only) changes_by_hash(out);
	vec_release(&log->key_ends);
	strbuf_release(&log->keys);
	change_log_init(log, log->append_only, log->key_columns, log->key_count);
}
