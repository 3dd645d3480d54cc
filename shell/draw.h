/* Drawing: tables made of characters, for terminals (boxes) and for Markdown.
 *
 *     Grid grid;
 *     grid_init(&grid, GRID_BOX, names, right_aligned, column_count, &arena);
 *     grid_measure(&grid, cells, cell_count);         // as often as cells come
 *     if (grid_fit(&grid, 80)) { grid_header(&grid, &out); grid_row(&grid, cells, &out); ...; grid_footer(&grid, &out); }
 *
 * Cells are texts made by draw_text: no control characters, valid UTF-8.
 */
#ifndef WEIR_SHELL_DRAW_H
#define WEIR_SHELL_DRAW_H

#include "base/arena.h"
#include "base/strbuf.h"

typedef enum GridStyle { GRID_BOX, GRID_MARKDOWN } GridStyle;

typedef struct Grid {
	GridStyle style;
	const char *const *names;
	const bool *right;                /* aligned */
	int column_count;
	int *widths;                      /* of the widest cell so far, or what grid_fit left of it */
} Grid;

/* Columns of a terminal that the text takes: wide characters two, combining ones none. */
int draw_width(const char *text, size_t bytes);
/* What can stand in a cell: newlines and other control characters as escapes, what is no UTF-8 as U+FFFD; a bar is escaped for Markdown. */
void draw_text(StrBuf *out, const char *text, size_t bytes, GridStyle style);
/* At most `width` columns of the text, the last one an ellipsis where something is left out. Returns the columns written. */
int draw_cut(StrBuf *out, const char *text, int width);

void grid_init(Grid *grid, GridStyle style, const char *const *names, const bool *right, int column_count, Arena *arena);
/* True: a column has become wider. */
bool grid_measure(Grid *grid, char *const *cells, int cell_count);
/* Makes the widest columns narrower until the table fits; false: it cannot fit. columns 0: no limit. */
bool grid_fit(Grid *grid, int columns);
void grid_header(const Grid *grid, StrBuf *out);
void grid_row(const Grid *grid, char *const *cells, StrBuf *out);
void grid_footer(const Grid *grid, StrBuf *out);

#endif
