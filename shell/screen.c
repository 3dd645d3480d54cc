#include "screen.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/vec.h"
#include "type/row.h"
#include "type/text.h"

enum { SLOTS_LEAST = 64, LINES_AROUND = 6 /* frame, header, what is left out, prompt */ };

struct ScreenRow {
	char *packed; uint32_t packed_bytes;
	char *key; uint32_t key_bytes;            /* sort key; NULL: the query asks for no order */
	uint64_t hash;
	int64_t count, place;
};

void screen_begin(Screen *screen, const ResultColumn *columns, int column_count)
{
	*screen = (Screen){.freed_place = -1, .column_count = column_count - 1};
	arena_init(&screen->arena, 0);
	Arena *arena = &screen->arena;
	ResultColumn *copy = arena_array(arena, ResultColumn, column_count);
	const char **names = arena_array(arena, const char *, column_count);
	bool *right = arena_array(arena, bool, column_count);
	screen->sort_columns = arena_array(arena, int, column_count);
	for (int c = 0; c < screen->column_count; c++) {
		copy[c] = columns[c + 1];
		names[c] = copy[c].name = arena_strdup(arena, columns[c + 1].name);
		right[c] = type_is_numeric(copy[c].type);
		if (copy[c].sort_rank > screen->sort_count) screen->sort_count = copy[c].sort_rank;
	}
	for (int c = 0; c < screen->column_count; c++)
		if (copy[c].sort_rank) screen->sort_columns[copy[c].sort_rank - 1] = c;
	screen->columns = copy;
	grid_init(&screen->grid, GRID_BOX, names, right, screen->column_count, arena);
}

static void row_release(ScreenRow *row)
{
	free(row->packed);
	free(row->key);
	row->packed = row->key = NULL;
}

void screen_release(Screen *screen)
{
	for (int64_t r = 0; r < screen->row_count; r++) row_release(&screen->rows[r]);
	free(screen->rows);
	free(screen->slots);
	arena_release(&screen->arena);
	*screen = (Screen){0};
}

/* ---- the multiset ---- */

/* Rows that are gone leave their place in the table of slots when it is made anew. */
static void rehash(Screen *screen)
{
	int64_t kept = 0;
	for (int64_t r = 0; r < screen->row_count; r++)
		if (screen->rows[r].count) screen->rows[kept++] = screen->rows[r];
		else row_release(&screen->rows[r]);
	screen->row_count = kept;
	for (screen->slot_count = SLOTS_LEAST; screen->slot_count < kept * 4; ) screen->slot_count *= 2;
	screen->slots = mem_realloc(screen->slots, sizeof *screen->slots * (size_t)screen->slot_count);
	memset(screen->slots, 0, sizeof *screen->slots * (size_t)screen->slot_count);
	for (int64_t r = 0; r < kept; r++) {
		int64_t at = (int64_t)(screen->rows[r].hash & (uint64_t)(screen->slot_count - 1));
		while (screen->slots[at]) at = (at + 1) & (screen->slot_count - 1);
		screen->slots[at] = r + 1;
	}
}

static ScreenRow *find_row(Screen *screen, const StrBuf *packed)
{
	if ((screen->row_count + 1) * 2 > screen->slot_count) rehash(screen);
	uint64_t hash = hash_bytes(packed->text, packed->bytes);
	int64_t at = (int64_t)(hash & (uint64_t)(screen->slot_count - 1));
	for (; screen->slots[at]; at = (at + 1) & (screen->slot_count - 1)) {
		ScreenRow *row = &screen->rows[screen->slots[at] - 1];
		if (row->hash == hash && row->packed_bytes == packed->bytes && memcmp(row->packed, packed->text, packed->bytes) == 0) return row;
	}
	if (screen->row_count == screen->row_room) {
		screen->row_room = screen->row_room ? screen->row_room * 2 : SLOTS_LEAST;
		screen->rows = mem_realloc(screen->rows, sizeof *screen->rows * (size_t)screen->row_room);
	}
	ScreenRow *row = &screen->rows[screen->row_count++];
	*row = (ScreenRow){.packed = mem_alloc(packed->bytes + 1), .packed_bytes = (uint32_t)packed->bytes, .hash = hash, .place = -1};
	memcpy(row->packed, packed->text, packed->bytes);
	screen->slots[at] = screen->row_count;
	return row;
}

static void add_key(Screen *screen, ScreenRow *row, const Batch *rows, int at)
{
	StrBuf key = STRBUF_INIT;
	for (int s = 0; s < screen->sort_count; s++) {
		int column = screen->sort_columns[s];
		SortSpec spec = {.descending = screen->columns[column].descending, .nulls_last = screen->columns[column].nulls_last};
		sort_key_add_column(&key, &rows->columns[column + 1], at, spec);
	}
	row->key_bytes = (uint32_t)key.bytes;
	row->key = key.bytes ? strbuf_detach(&key) : NULL;
}

static void add_row(Screen *screen, ScreenRow *row, const Batch *rows, int at)
{
	if (row->count++ == 0) {
		row->place = screen->freed_place >= 0 ? screen->freed_place : screen->next_place++;
		if (!row->key && screen->sort_count) add_key(screen, row, rows, at);
	}
	screen->freed_place = -1;
	screen->live++;
}

static void take_row(Screen *screen, ScreenRow *row, bool is_update)
{
	if (row->count == 0) return;
	screen->live--;
	if (--row->count == 0 && is_update) screen->freed_place = row->place;
}

void screen_change(Screen *screen, const Batch *rows)
{
	StrBuf packed = STRBUF_INIT;
	for (int i = 0; i < rows->count; i++) {
		int at = batch_row(rows, i);
		const char *op = str_at(&rows->columns[0].str[at]);
		strbuf_clear(&packed);
		row_pack(&packed, rows->columns + 1, screen->column_count, at);
		ScreenRow *row = find_row(screen, &packed);
		if (op[0] == '+') add_row(screen, row, rows, at);
		else take_row(screen, row, op[1] == 'U');
		screen->changes++;
	}
	strbuf_release(&packed);
}

/* ---- drawing ---- */

static int compare_rows(const ScreenRow *a, const ScreenRow *b)
{
	uint32_t least = a->key_bytes < b->key_bytes ? a->key_bytes : b->key_bytes;
	int order = least ? memcmp(a->key, b->key, least) : 0;
	if (order) return order;
	if (a->key_bytes != b->key_bytes) return a->key_bytes < b->key_bytes ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static int compare_pointers(const void *a, const void *b) { return compare_rows(*(const ScreenRow *const *)a, *(const ScreenRow *const *)b); }

/* The first `most` rows in order: a sorted list that better ones enter. */
static int first_rows(Screen *screen, const ScreenRow **out, int most)
{
	int count = 0;
	for (int64_t r = 0; r < screen->row_count; r++) {
		const ScreenRow *row = &screen->rows[r];
		if (row->count == 0 || (count == most && compare_rows(row, out[count - 1]) >= 0)) continue;
		if (count < most) {
			out[count++] = row;
			if (count == most) qsort(out, (size_t)count, sizeof *out, compare_pointers);
			continue;
		}
		int at = count - 1;
		for (; at > 0 && compare_rows(row, out[at - 1]) < 0; at--) out[at] = out[at - 1];
		out[at] = row;
	}
	if (count < most && count) qsort(out, (size_t)count, sizeof *out, compare_pointers);
	return count;
}

static char *cell_of(const Value *value)
{
	StrBuf text = STRBUF_INIT, cell = STRBUF_INIT;
	if (value->is_null) strbuf_adds(&text, "NULL");
	else if (value->type.kind == TYPE_BLOB) value_print_sql(value, &text);
	else value_print(value, &text);
	draw_text(&cell, text.text, text.bytes, GRID_BOX);
	strbuf_release(&text);
	return strbuf_detach(&cell);
}

static char **cells_of(Screen *screen, const ScreenRow *row)
{
	Type *types = mem_alloc(sizeof *types * (size_t)(screen->column_count + 1));
	Value *values = mem_alloc(sizeof *values * (size_t)(screen->column_count + 1));
	char **cells = mem_alloc(sizeof *cells * (size_t)(screen->column_count + 1));
	for (int c = 0; c < screen->column_count; c++) types[c] = screen->columns[c].type;
	row_unpack(row->packed, types, screen->column_count, values);
	for (int c = 0; c < screen->column_count; c++) cells[c] = cell_of(&values[c]);
	free(values);
	free(types);
	return cells;
}

static void cells_free(char **cells, int count)
{
	for (int c = 0; c < count; c++) free(cells[c]);
	free(cells);
}

/* Copies of a row are rows. */
static int draw_rows(Screen *screen, StrBuf *out, const ScreenRow *const *rows, char **const *cells, int count, int most)
{
	int shown = 0;
	for (int r = 0; r < count; r++)
		for (int64_t n = 0; n < rows[r]->count && shown < most; n++, shown++) grid_row(&screen->grid, cells[r], out);
	return shown;
}

/* No line may wrap, or the way back up is not known. */
static void add_lines(Screen *screen, StrBuf *out, const StrBuf *table, int columns)
{
	screen->drawn_lines = 0;
	for (char *line = table->text; *line; screen->drawn_lines++) {
		char *end = line + strcspn(line, "\n");
		*end = 0;
		if (columns > 0) draw_cut(out, line, columns);
		else strbuf_adds(out, line);
		strbuf_adds(out, "\x1b[K\r\n");
		line = end + 1;
	}
	strbuf_adds(out, "\x1b[J");
}

void screen_draw(Screen *screen, StrBuf *out, int lines, int columns)
{
	int most = lines > LINES_AROUND + 1 ? lines - LINES_AROUND : 1;
	const ScreenRow **rows = mem_alloc(sizeof *rows * (size_t)most);
	int count = first_rows(screen, rows, most);
	char ***cells = mem_alloc(sizeof *cells * (size_t)(count + 1));
	for (int c = 0; c < screen->column_count; c++) screen->grid.widths[c] = draw_width(screen->grid.names[c], strlen(screen->grid.names[c]));
	for (int r = 0; r < count; r++) {
		cells[r] = cells_of(screen, rows[r]);
		grid_measure(&screen->grid, cells[r], screen->column_count);
	}
	grid_fit(&screen->grid, columns);
	StrBuf table = STRBUF_INIT;
	grid_header(&screen->grid, &table);
	int shown = draw_rows(screen, &table, rows, (char **const *)cells, count, most);
	grid_footer(&screen->grid, &table);
	if (screen->live > shown) strbuf_printf(&table, "  %lld more rows\n", (long long)(screen->live - shown));
	if (screen->drawn_lines) strbuf_printf(out, "\x1b[%dA\r", screen->drawn_lines);
	add_lines(screen, out, &table, columns);
	strbuf_release(&table);
	for (int r = 0; r < count; r++) cells_free(cells[r], screen->column_count);
	free(cells);
	free(rows);
}
