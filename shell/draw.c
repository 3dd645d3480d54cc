#include "draw.h"

#include <string.h>
#include <wchar.h>

enum { COLUMN_WIDTH_LEAST = 6, CELL_PADDING = 3 };

/* ---- characters ---- */

/* Reads one character; bytes that are no UTF-8 are one U+FFFD each. */
static size_t read_character(const char *at, size_t bytes, wchar_t *out)
{
	unsigned char first = (unsigned char)*at;
	size_t count = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
	uint32_t c = count == 1 ? first : count ? first & (0x7fu >> count) : 0;
	bool valid = count > 0 && count <= bytes;
	for (size_t i = 1; valid && i < count; i++) {
		valid = ((unsigned char)at[i] & 0xc0) == 0x80;
		c = c << 6 | ((unsigned char)at[i] & 0x3f);
	}
	valid = valid && !(count == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) && !(count == 4 && (c < 0x10000 || c > 0x10ffff));
	*out = valid ? (wchar_t)c : 0xfffd;
	return valid ? count : 1;
}

static int width_of(wchar_t c)
{
	if (c < 0x7f) return c >= 0x20;
	int width = wcwidth(c);
	return width < 0 ? 1 : width;
}

int draw_width(const char *text, size_t bytes)
{
	int width = 0;
	for (size_t i = 0; i < bytes; ) {
		wchar_t c;
		i += read_character(text + i, bytes - i, &c);
		width += width_of(c);
	}
	return width;
}

/* C0, DEL, C1 and what turns the direction of writing: none may reach the terminal. */
static bool is_control(wchar_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069); }

static void add_escape(StrBuf *out, wchar_t c, GridStyle style)
{
	if (c == '\n') strbuf_adds(out, style == GRID_MARKDOWN ? "<br>" : "\\n");
	else if (c == '\t') strbuf_adds(out, style == GRID_MARKDOWN ? " " : "\\t");
	else if (c == '\r') strbuf_adds(out, style == GRID_MARKDOWN ? "" : "\\r");
	else strbuf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
}

void draw_text(StrBuf *out, const char *text, size_t bytes, GridStyle style)
{
	for (size_t i = 0; i < bytes; ) {
		wchar_t c;
		size_t step = read_character(text + i, bytes - i, &c);
		if (is_control(c)) add_escape(out, c, style);
		else if (c == 0xfffd) strbuf_adds(out, "\xef\xbf\xbd");
		else if (c == '|' && style == GRID_MARKDOWN) strbuf_adds(out, "\\|");
		else strbuf_add(out, text + i, step);
		i += step;
	}
}

int draw_cut(StrBuf *out, const char *text, int width)
{
	size_t bytes = strlen(text), kept = 0;
	if (draw_width(text, bytes) <= width) {
		strbuf_add(out, text, bytes);
		return draw_width(text, bytes);
	}
	int columns = 0;
	for (size_t i = 0; i < bytes; kept = i) {
		wchar_t c;
		i += read_character(text + i, bytes - i, &c);
		if (columns + width_of(c) > width - 1) break;
		columns += width_of(c);
	}
	if (width <= 0) return 0;
	strbuf_add(out, text, kept);
	strbuf_adds(out, "…");
	return columns + 1;
}

/* ---- tables ---- */

void grid_init(Grid *grid, GridStyle style, const char *const *names, const bool *right, int column_count, Arena *arena)
{
	*grid = (Grid){.style = style, .names = names, .right = right, .column_count = column_count};
	grid->widths = arena_array(arena, int, column_count + 1);
	for (int c = 0; c < column_count; c++) {
		int width = draw_width(names[c], strlen(names[c]));
		grid->widths[c] = style == GRID_MARKDOWN && width < 2 ? 2 : width;
	}
}

bool grid_measure(Grid *grid, char *const *cells, int cell_count)
{
	bool grown = false;
	for (int i = 0, c = 0; i < cell_count; i++, c = c + 1 == grid->column_count ? 0 : c + 1) {
		int width = draw_width(cells[i], strlen(cells[i]));
		if (width <= grid->widths[c]) continue;
		grid->widths[c] = width;
		grown = true;
	}
	return grown;
}

static int total_width(const Grid *grid)
{
	int total = 1;
	for (int c = 0; c < grid->column_count; c++) total += grid->widths[c] + CELL_PADDING;
	return total;
}

/* The widest columns give first: all that are wider than some width get that width. */
bool grid_fit(Grid *grid, int columns)
{
	if (columns <= 0) return true;
	for (int excess = total_width(grid) - columns; excess > 0; excess = total_width(grid) - columns) {
		int widest = 0, next = 0, widest_count = 0;
		for (int c = 0; c < grid->column_count; c++)
			if (grid->widths[c] > widest) widest = grid->widths[c];
		for (int c = 0; c < grid->column_count; c++) {
			if (grid->widths[c] == widest) widest_count++;
			else if (grid->widths[c] > next) next = grid->widths[c];
		}
		if (widest <= COLUMN_WIDTH_LEAST) return false;
		int cut = (excess + widest_count - 1) / widest_count, width = widest - cut > next ? widest - cut : next;
		if (width < COLUMN_WIDTH_LEAST) width = COLUMN_WIDTH_LEAST;
		for (int c = 0, left = excess; c < grid->column_count && left > 0; c++) {
			if (grid->widths[c] != widest) continue;
			grid->widths[c] = widest - left > width ? widest - left : width;
			left -= widest - grid->widths[c];
		}
	}
	return true;
}

static void repeat(StrBuf *out, const char *text, int count) { while (count-- > 0) strbuf_adds(out, text); }

static void rule(const Grid *grid, const char *left, const char *middle, const char *right, StrBuf *out)
{
	strbuf_adds(out, left);
	for (int c = 0; c < grid->column_count; c++) {
		repeat(out, "─", grid->widths[c] + 2);
		strbuf_adds(out, c + 1 < grid->column_count ? middle : right);
	}
	strbuf_addc(out, '\n');
}

static void draw_row(const Grid *grid, char *const *cells, const char *const *names, StrBuf *out)
{
	const char *bar = grid->style == GRID_BOX ? "│" : "|";
	strbuf_adds(out, bar);
	StrBuf cell = STRBUF_INIT;
	for (int c = 0; c < grid->column_count; c++) {
		strbuf_clear(&cell);
		int space = grid->widths[c] - draw_cut(&cell, cells ? cells[c] : names[c], grid->widths[c]);
		strbuf_addc(out, ' ');
		if (grid->right[c]) repeat(out, " ", space);
		strbuf_add(out, cell.text, cell.bytes);
		if (!grid->right[c]) repeat(out, " ", space);
		strbuf_addc(out, ' ');
		strbuf_adds(out, bar);
	}
	strbuf_release(&cell);
	strbuf_addc(out, '\n');
}

void grid_header(const Grid *grid, StrBuf *out)
{
	if (grid->style == GRID_BOX) rule(grid, "┌", "┬", "┐", out);
	draw_row(grid, NULL, grid->names, out);
	if (grid->style == GRID_BOX) {
		rule(grid, "├", "┼", "┤", out);
		return;
	}
	strbuf_addc(out, '|');
	for (int c = 0; c < grid->column_count; c++) {
		repeat(out, "-", grid->widths[c] + 1);
		strbuf_adds(out, grid->right[c] ? ":|" : "-|");
	}
	strbuf_addc(out, '\n');
}

void grid_row(const Grid *grid, char *const *cells, StrBuf *out) { draw_row(grid, cells, NULL, out); }

void grid_footer(const Grid *grid, StrBuf *out)
{
	if (grid->style == GRID_BOX) rule(grid, "└", "┴", "┘", out);
}
