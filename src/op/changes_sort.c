/* Sorting a commit's changes by key.
 *
 * Most keys of a commit differ in a few bytes only (numbers have leading zeros, windows are near each other). The first sixteen bytes in which any
 * two differ make a number that sorts as the keys do as far as it goes; a radix sort of these, passing over the bytes that nobody
 * varies, costs a few nanoseconds a row. Rows that agree in it are compared in full only where it does not hold the whole key. */
#include <stdlib.h>

#include "op/changes.h"

enum { LOOK_BYTES = 64, ORDER_BYTES = 16, LONG_RUN = 16 };

typedef struct SortItem { uint64_t order[2]; uint32_t row; } SortItem;        /* the more significant word first */

typedef struct Sorting {
	Changes *changes;
	const char *keys;
	const size_t *ends;
	SortItem *items, *other;
	int positions[ORDER_BYTES], position_count;       /* bytes that make the order */
	bool exact;                                       /* it holds all in which keys differ */
} Sorting;

static const char *key_of(const Sorting *s, uint32_t row, size_t *bytes)
{
	size_t start = row ? s->ends[row - 1] : 0;
	*bytes = s->ends[row] - start;
	return s->keys + start;
}

static uint64_t load_word(const char *at) { uint64_t x; memcpy(&x, at, 8); return x; }

/* Which of the first bytes differ between keys; returns how many bytes all keys have, up to LOOK_BYTES. */
static size_t find_differences(Sorting *s, uint8_t *differ)
{
	uint64_t words[LOOK_BYTES / 8] = {0};
	size_t first_bytes, least;
	const char *first = key_of(s, 0, &first_bytes);
	s->exact = true;
	least = first_bytes < LOOK_BYTES ? first_bytes : LOOK_BYTES;
	for (int i = 1; i < s->changes->count; i++) {
		size_t bytes;
		const char *key = key_of(s, (uint32_t)i, &bytes);
		if (bytes != first_bytes) s->exact = false;
		if (bytes < least) least = bytes;
		size_t at = 0;
		for (; at + 8 <= least; at += 8) words[at / 8] |= load_word(first + at) ^ load_word(key + at);
		for (; at < least; at++) words[at / 8] |= (uint64_t)(uint8_t)(first[at] ^ key[at]) << at % 8 * 8;
	}
	if (first_bytes > LOOK_BYTES) s->exact = false;
	memcpy(differ, words, LOOK_BYTES);
	return least;
}

static void choose_positions(Sorting *s)
{
	uint8_t differ[LOOK_BYTES];
	size_t least = find_differences(s, differ);
	s->position_count = 0;
	for (size_t at = 0; at < least; at++) {
		if (!differ[at]) continue;
		if (s->position_count == ORDER_BYTES) {
			s->exact = false;
			return;
		}
		s->positions[s->position_count++] = (int)at;
	}
}

static void fill_items(Sorting *s)
{
	for (int i = 0; i < s->changes->count; i++) {
		size_t bytes;
		const char *key = key_of(s, (uint32_t)i, &bytes);
		SortItem item = {.row = (uint32_t)i};
		for (int p = 0; p < s->position_count; p++) item.order[p / 8] |= (uint64_t)(uint8_t)key[s->positions[p]] << (7 - p % 8) * 8;
		s->items[i] = item;
	}
}

static inline bool same_order(const SortItem *a, const SortItem *b) { return a->order[0] == b->order[0] && a->order[1] == b->order[1]; }

static void radix_pass(Sorting *s, int position)
{
	int word = position / 8, shift = (7 - position % 8) * 8;
	uint32_t starts[256] = {0}, sum = 0;
	int count = s->changes->count;
	for (int i = 0; i < count; i++) starts[s->items[i].order[word] >> shift & 255]++;
	for (int b = 0; b < 256; b++) {
		uint32_t here = starts[b];
		starts[b] = sum;
		sum += here;
	}
	for (int i = 0; i < count; i++) s->other[starts[s->items[i].order[word] >> shift & 255]++] = s->items[i];
	SortItem *items = s->items;
	s->items = s->other;
	s->other = items;
}

static bool is_sorted(const Sorting *s)
{
	for (int i = 1; i < s->changes->count; i++) {
		const uint64_t *a = s->items[i - 1].order, *b = s->items[i].order;
		if (a[0] > b[0] || (a[0] == b[0] && a[1] > b[1])) return false;
	}
	return true;
}

static int keys_compare(const Sorting *s, uint32_t a, uint32_t b)
{
	size_t a_bytes, b_bytes;
	const char *x = key_of(s, a, &a_bytes), *y = key_of(s, b, &b_bytes);
	int order = memcmp(x, y, a_bytes < b_bytes ? a_bytes : b_bytes);
	return order ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int items_compare(const void *a, const void *b, void *sorting)
{
	const SortItem *x = a, *y = b;
	int order = keys_compare(sorting, x->row, y->row);
	return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* ---- rows of one key ---- */

static int rows_compare(const void *a, const void *b, void *bytes)
{
	const ChangeRow *x = a, *y = b;
	const char *text = bytes;
	int order = memcmp(text + x->offset, text + y->offset, x->bytes < y->bytes ? x->bytes : y->bytes);
	return order ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Adds the row to those of its key that are kept from `from` on. */
static void run_add(ChangeRow *rows, int from, int *count, const ChangeRow *row, const char *bytes)
{
	for (int i = from; i < *count; i++) {
		if (rows[i].bytes != row->bytes || memcmp(bytes + rows[i].offset, bytes + row->offset, row->bytes) != 0) continue;
		rows[i].weight += row->weight;
		return;
	}
	rows[(*count)++] = *row;
}

/* Drops rows of weight 0 and puts those that go before those that come. */
static void run_finish(ChangeRow *rows, int from, int *count)
{
	int kept = from;
	for (int i = from; i < *count; i++)
		if (rows[i].weight) rows[kept++] = rows[i];
	*count = kept;
	int goes = from;
	for (int i = from; i < kept; i++) {
		if (rows[i].weight > 0) continue;
		ChangeRow row = rows[i];
		memmove(&rows[goes + 1], &rows[goes], sizeof *rows * (size_t)(i - goes));
		rows[goes++] = row;
	}
}

/* A key that changed many times: sorted by bytes first, so that equal rows are neighbours. */
static void run_add_long(ChangeRow *rows, int *count, const ChangeRow *from, const SortItem *items, int n, char *bytes)
{
	ChangeRow *sorted = mem_alloc(sizeof *sorted * (size_t)n);
	for (int i = 0; i < n; i++) sorted[i] = from[items[i].row];
	qsort_r(sorted, (size_t)n, sizeof *sorted, rows_compare, bytes);
	for (int i = 0; i < n; i++) run_add(rows, i > 0 ? *count - 1 : *count, count, &sorted[i], bytes);
	free(sorted);
}

static void runs_net(Sorting *s, const SortItem *items, int n, ChangeRow *rows, int *count)
{
	Changes *changes = s->changes;
	for (int i = 0; i < n;) {
		int end = i + 1, from = *count;
		while (end < n && same_order(&items[end], &items[i]) && (s->exact || keys_compare(s, items[i].row, items[end].row) == 0)) end++;
		if (end - i > LONG_RUN) run_add_long(rows, count, changes->rows, &items[i], end - i, changes->bytes);
		else
			for (int r = i; r < end; r++) run_add(rows, from, count, &changes->rows[items[r].row], changes->bytes);
		run_finish(rows, from, count);
		i = end;
	}
}

static void sort_ties(Sorting *s)
{
	int count = s->changes->count;
	for (int i = 0; i < count;) {
		int end = i + 1;
		while (end < count && same_order(&s->items[end], &s->items[i])) end++;
		if (end - i > 1) qsort_r(&s->items[i], (size_t)(end - i), sizeof *s->items, items_compare, s);
		i = end;
	}
}

void changes_by_key(Changes *changes, const char *keys, const size_t *ends)
{
	if (changes->count == 0) return;
	Sorting s = {.changes = changes, .keys = keys, .ends = ends};
	SortItem *first = s.items = mem_alloc(sizeof *s.items * (size_t)changes->count);
	SortItem *second = s.other = mem_alloc(sizeof *s.other * (size_t)changes->count);
	choose_positions(&s);
	fill_items(&s);
	if (!is_sorted(&s))
		for (int p = s.position_count; p-- > 0;) radix_pass(&s, p);
	if (!s.exact) sort_ties(&s);
	ChangeRow *rows = mem_alloc(sizeof *rows * (size_t)changes->count);
	int count = 0;
	runs_net(&s, s.items, changes->count, rows, &count);
	free(changes->rows);
	changes->rows = rows;
	changes->count = count;
	free(first);
	free(second);
}
