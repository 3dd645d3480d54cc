/* Results in all modes. What needs the width of columns (box, markdown) keeps the rows of a result until it ends or there are many, or until
 * the commit is complete for a continuous one; everything else is written row by row. */
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/vec.h"
#include "type/text.h"

enum { KEPT_ROWS_MAX = 10000, LINE_BYTES_MAX = 1 << 20, COLUMNS_UNKNOWN = 80, LINES_UNKNOWN = 24 };

void output_init(Output *output, FILE *file, OutputMode mode, bool terminal)
{
	*output = (Output){.file = file, .mode = mode, .terminal = terminal, .line = STRBUF_INIT};
	arena_init(&output->arena, 0);
}

static void cells_clear(Output *output)
{
	for (int c = 0; c < output->cell_count; c++) free(output->cells[c]);
	output->cell_count = 0;
}

void output_release(Output *output)
{
	cells_clear(output);
	free(output->cells);
	screen_release(&output->screen);
	strbuf_release(&output->line);
	arena_release(&output->arena);
}

/* ---- the terminal ---- */

static int terminal_size(const Output *output, const char *variable, int unknown, bool lines)
{
	struct winsize size;
	if (!output->terminal) return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && (lines ? size.ws_row : size.ws_col) > 0) return lines ? size.ws_row : size.ws_col;
	const char *text = getenv(variable);
	int given = text ? atoi(text) : 0;
	return given > 0 ? given : unknown;
}

int output_columns(const Output *output) { return terminal_size(output, "COLUMNS", COLUMNS_UNKNOWN, false); }
int output_lines(const Output *output) { return terminal_size(output, "LINES", LINES_UNKNOWN, true); }

static bool put_line(Output *output)
{
	if (output->line.bytes && fwrite(output->line.text, 1, output->line.bytes, output->file) != output->line.bytes) output->failed = true;
	strbuf_clear(&output->line);
	return !output->failed;
}

static bool flush(Output *output)
{
	put_line(output);
	if (fflush(output->file) != 0) output->failed = true;
	return !output->failed;
}

/* ---- drawn tables ---- */

static bool is_drawn(const Output *output) { return output->mode == OUTPUT_BOX || output->mode == OUTPUT_MARKDOWN; }
/* Text results on a terminal or in list mode are printed bare. */
static bool is_bare(const Output *output) { return output->kind == RESULT_TEXT && (is_drawn(output) || output->mode == OUTPUT_LIST || output->mode == OUTPUT_LINE); }

static void cell_add(Output *output, char *text)
{
	if (output->cell_count == output->cell_room) {
		output->cell_room = output->cell_room ? output->cell_room * 2 : 256;
		output->cells = mem_realloc(output->cells, sizeof *output->cells * (size_t)output->cell_room);
	}
	output->cells[output->cell_count++] = text;
}

static void keep_cells(Output *output, const Batch *rows)
{
	GridStyle style = output->mode == OUTPUT_BOX ? GRID_BOX : GRID_MARKDOWN;
	const char *null_text = output->null_text ? output->null_text : style == GRID_BOX ? "NULL" : "";
	StrBuf text = STRBUF_INIT, cell = STRBUF_INIT;
	for (int i = 0; i < rows->count; i++)
		for (int c = 0; c < output->column_count; c++) {
			Value value = column_value(&rows->columns[c], batch_row(rows, i));
			strbuf_clear(&text);
			cell = STRBUF_INIT;
			if (value.is_null || value.type.kind == TYPE_NULL) strbuf_adds(&text, null_text);
			else output_value_text(&value, &text);
			draw_text(&cell, text.text, text.bytes, style);
			cell_add(output, strbuf_detach(&cell));
		}
	strbuf_release(&text);
}

static void draw_upright(Output *output)
{
	int width = 0, columns = output_columns(output);
	for (int c = 0; c < output->column_count; c++) {
		int own = draw_width(output->columns[c].name, strlen(output->columns[c].name));
		if (own > width) width = own;
	}
	for (int i = 0; i < output->cell_count; i++) {
		int c = i % output->column_count;
		const char *name = output->columns[c].name;
		if (c == 0 && (output->began || i)) strbuf_addc(&output->line, '\n');
		for (int n = draw_width(name, strlen(name)); n < width; n++) strbuf_addc(&output->line, ' ');
		strbuf_printf(&output->line, "%s = ", name);
		draw_cut(&output->line, output->cells[i], columns > width + 8 ? columns - width - 3 : 8);
		strbuf_addc(&output->line, '\n');
	}
}

/* A continuous result is given room for what its columns usually hold, so that its boxes rarely change. */
static void widen_for_more(Output *output)
{
	for (int c = 0; c < output->column_count; c++) {
		TypeKind kind = output->columns[c].type.kind;
		int usual = kind == TYPE_TIMESTAMP ? 23 : kind == TYPE_TEXT || kind == TYPE_REAL || kind == TYPE_DECIMAL ? 12 : kind == TYPE_INTEGER ? 8 : 0;
		if (output->grid.widths[c] < usual) output->grid.widths[c] = usual;
	}
}

static void draw_kept(Output *output)
{
	Grid *grid = &output->grid;
	bool grown = grid_measure(grid, output->cells, output->cell_count);
	if (!output->began && output->grows) widen_for_more(output);
	int limit = output->mode == OUTPUT_BOX ? output_columns(output) : 0;
	if (!output->upright && !grid_fit(grid, limit) && !output->began) output->upright = true;
	if (output->upright) draw_upright(output);
	else {
		bool again = output->began && grown && output->grows && output->mode == OUTPUT_BOX;
		if (again) strbuf_addc(&output->line, '\n');
		if (!output->began || again) grid_header(grid, &output->line);
		for (int i = 0; i < output->cell_count; i += output->column_count) grid_row(grid, output->cells + i, &output->line);
	}
	output->began = true;
	cells_clear(output);
	put_line(output);
}

static void begin_drawn(Output *output)
{
	const char **names = arena_array(&output->arena, const char *, output->column_count + 1);
	bool *right = arena_array(&output->arena, bool, output->column_count + 1);
	for (int c = 0; c < output->column_count; c++) {
		StrBuf name = STRBUF_INIT;
		draw_text(&name, output->columns[c].name, strlen(output->columns[c].name), output->mode == OUTPUT_BOX ? GRID_BOX : GRID_MARKDOWN);
		names[c] = arena_strdup(&output->arena, name.text);
		strbuf_release(&name);
		right[c] = type_is_numeric(output->columns[c].type);
	}
	grid_init(&output->grid, output->mode == OUTPUT_BOX ? GRID_BOX : GRID_MARKDOWN, names, right, output->column_count, &output->arena);
}

static void draw_screen(Output *output)
{
	screen_draw(&output->screen, &output->line, output_lines(output), output_columns(output));
	flush(output);
}

/* ---- what the engine calls ---- */

static bool on_begin(void *context, ResultKind kind, const ResultColumn *columns, int column_count)
{
	Output *output = context;
	arena_clear(&output->arena);
	output->kind = kind;
	output->grows = kind == RESULT_APPEND || kind == RESULT_CHANGES || kind == RESULT_FEED;
	output->column_count = column_count;
	output->columns = arena_array(&output->arena, ResultColumn, column_count + 1);
	for (int c = 0; c < column_count; c++) {
		output->columns[c] = columns[c];
		output->columns[c].name = arena_strdup(&output->arena, columns[c].name);
	}
	output->rows = 0;
	output->open = true;
	output->began = output->upright = false;
	cells_clear(output);
	strbuf_clear(&output->line);
	output->redrawn = kind == RESULT_CHANGES && output->terminal && output->mode == OUTPUT_BOX;
	if (output->redrawn) screen_begin(&output->screen, output->columns, column_count);
	else if (output->mode == OUTPUT_JSON) strbuf_addc(&output->line, '[');
	else if (is_drawn(output)) begin_drawn(output);
	else output_header_plain(output);
	if (output->mode != OUTPUT_JSON && kind != RESULT_TABLE) flush(output);
	return !output->failed;
}

static void bare_row(Output *output, const Batch *rows, int row)
{
	Value value = column_value(&rows->columns[0], row);
	value_print(&value, &output->line);
	strbuf_addc(&output->line, '\n');
}

static bool on_rows(void *context, const Batch *rows)
{
	Output *output = context;
	if (output->redrawn) screen_change(&output->screen, rows);
	else if (is_drawn(output) && !is_bare(output)) {
		keep_cells(output, rows);
		if (!output->grows && (output->began || output->cell_count > KEPT_ROWS_MAX * output->column_count)) draw_kept(output);
	}
	else
		for (int i = 0; i < rows->count && !output->failed; i++, output->rows++) {
			if (is_bare(output)) bare_row(output, rows, batch_row(rows, i));
			else output_row_plain(output, rows, batch_row(rows, i));
			if (output->mode != OUTPUT_JSON || output->line.bytes > LINE_BYTES_MAX) put_line(output);
		}
	return !output->failed;
}

/* What came so far is shown now. Of a result that has an end only if somebody waits for it: it looks better as a whole. */
static bool on_flush(void *context)
{
	Output *output = context;
	bool has_end = output->kind == RESULT_TABLE;
	if (output->redrawn) draw_screen(output);
	else if (is_drawn(output)) {
		if (has_end && !output->terminal) return !output->failed;
		output->grows = true;
		if (output->cell_count) draw_kept(output);
	}
	else if (output->mode == OUTPUT_JSON && !has_end) {
		if (output->rows == 0) return !output->failed;
		strbuf_adds(&output->line, "]\n");
		flush(output);
		strbuf_addc(&output->line, '[');
		output->rows = 0;
		return !output->failed;
	}
	return flush(output);
}

static bool on_end(void *context)
{
	Output *output = context;
	bool continuous = output->kind == RESULT_APPEND || output->kind == RESULT_CHANGES || output->kind == RESULT_FEED;
	if (output->redrawn) {
		if (!output->screen.drawn_lines || output->screen.changes) draw_screen(output);
		screen_release(&output->screen);
	}
	else if (output->mode == OUTPUT_JSON) {
		if (continuous && !output->rows) strbuf_clear(&output->line);
		else strbuf_adds(&output->line, "]\n");
	}
	else if (is_drawn(output) && !is_bare(output)) {
		if (!output->began || output->cell_count) draw_kept(output);
		if (!output->upright) grid_footer(&output->grid, &output->line);
	}
	output->open = output->redrawn = false;
	return flush(output);
}

bool output_abort(Output *output)
{
	if (!output->open) return false;
	bool shown = output->redrawn ? output->screen.drawn_lines > 0 : output->mode == OUTPUT_JSON ? output->rows > 0 : is_drawn(output) ? output->began || output->cell_count > 0 : true;
	if (output->terminal && shown) strbuf_adds(&output->line, "\r\x1b[K");              /* over the ^C of the terminal's echo */
	if (shown) on_end(output);
	else strbuf_clear(&output->line);
	screen_release(&output->screen);
	output->open = output->redrawn = false;
	return shown;
}

static void on_done(void *context, const char *tag)
{
	Output *output = context;
	if (!output->terminal) return;
	fprintf(output->file, "%s\n", tag);
	flush(output);
}

static void on_notice(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "notice: %s\n", text);
}

ResultSink output_sink(Output *output)
{
	return (ResultSink){.begin = on_begin, .rows = on_rows, .flush = on_flush, .end = on_end, .done = on_done, .notice = on_notice, .context = output};
}
