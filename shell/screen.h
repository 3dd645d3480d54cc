/* The screen: a result that changes, drawn again in place at each commit, as much of it as the terminal has lines for.
 *
 *     screen_begin(&screen, columns, column_count);           // columns[0] is "op"
 *     screen_change(&screen, batch);                          // any number of times
 *     screen_draw(&screen, &out, lines, columns);             // moves up over what it drew before
 *     screen_release(&screen);
 *
 * Rows are a multiset. They stand in the order that the query asks for, else in that of their coming; the new version of a row stands where
 * the old one stood.
 */
#ifndef WEIR_SHELL_SCREEN_H
#define WEIR_SHELL_SCREEN_H

#include "draw.h"
#include "engine/engine.h"

typedef struct ScreenRow ScreenRow;

typedef struct Screen {
	Arena arena;
	Grid grid;
	const ResultColumn *columns; int column_count;        /* without "op" */
	int *sort_columns; int sort_count;                    /* by rank */
	ScreenRow *rows; int64_t row_count, row_room;         /* count 0: free */
	int64_t *slots; int64_t slot_count;                   /* hash of the packed row -> row + 1 */
	int64_t live, next_place, freed_place;                /* freed_place: of an old version, for the new one; -1 */
	int drawn_lines;
	int64_t changes;
} Screen;

void screen_begin(Screen *screen, const ResultColumn *columns, int column_count);
void screen_release(Screen *screen);
void screen_change(Screen *screen, const Batch *rows);
void screen_draw(Screen *screen, StrBuf *out, int lines, int columns);

#endif
