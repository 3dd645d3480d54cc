/* Results in all modes. What needs the width of columns (box, markdown) keeps the rows of a result until it ends, or until the commit is
 * complete for a continuous one; everything else is written row by row. */
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/vec.h"
#include "type/text.h"

const OutputModeInfo OUTPUT_MODES[] = {
#define OUTPUT_MODE(NAME, name, doc) {name, doc},
#include "modes.def"
#undef OUTPUT_MODE
};

bool output_mode_find(const char *name, OutputMode *mode)
{
	for (int m = 0; m < OUTPUT_MODE_COUNT; m++)
		if (strcmp(OUTPUT_MODES[m].name, name) == 0) {
			*mode = (OutputMode)m;
			return true;
		}
	return false;
}

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

static void current_clear(Output *output)
{
	for (int r = 0; r < output->current_count; r++) free(output->current[r].text);
	output->current_count = 0;
}

void output_release(Output *output)
{
	cells_clear(output);
	current_clear(output);
	free(output->cells);
	free(output->current);
	strbuf_release(&output->line);
	arena_release(&output->arena);
}

static bool put(Output *output, const char *text, size_t bytes)
{
	if (bytes && fwrite(text, 1, bytes, output->file) != bytes) output->failed = true;
	return !output->failed;
}

static bool put_line(Output *output)
{
	bool ok = put(output, output->line.text, output->line.bytes);
	strbuf_clear(&output->line);
	return ok;
}

static bool flush(Output *output)
{
	if (fflush(output->file) != 0) output->failed = true;
	return !output->failed;
}

/* ---- drawn tables ---- */

/* Characters, not bytes: good enough for what stands in tables; wide ones count one. */
static int display_width(const char *text)
{
	int width = 0;
	for (; *text; text++) width += (*text & 0xC0) != 0x80;
	return width;
}

/* Newlines and other control characters would break the drawing. */
static char *drawn_cell(const char *text, size_t bytes)
{
	StrBuf out = STRBUF_INIT;
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\n') strbuf_adds(&out, "\\n");
		else if (c == '\t') strbuf_adds(&out, "\\t");
		else if (c < 32 || c == 127) strbuf_printf(&out, "\\x%02x", c);
		else strbuf_addc(&out, (char)c);
	}
	return strbuf_detach(&out);
}

static void cell_add(Output *output, char *text)
{
	if (output->cell_count == output->cell_room) {
		output->cell_room = output->cell_room ? output->cell_room * 2 : 256;
		output->cells = mem_realloc(output->cells, sizeof *output->cells * (size_t)output->cell_room);
	}
	output->cells[output->cell_count++] = text;
}

static void value_text(const Value *value, StrBuf *out)
{
	if (!value->is_null && value->type.kind == TYPE_BLOB) {
		const char *bytes = str_at(&value->str);
		strbuf_adds(out, "x'");
		for (uint32_t i = 0; i < value->str.bytes; i++) strbuf_printf(out, "%02x", (unsigned char)bytes[i]);
		strbuf_addc(out, '\'');
	}
	else value_print(value, out);
}

static void keep_cells(Output *output, const Batch *rows)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < rows->count; i++)
		for (int c = 0; c < output->column_count; c++) {
			Value value = column_value(&rows->columns[c], batch_row(rows, i));
			strbuf_clear(&text);
			if (value.is_null) strbuf_adds(&text, output->mode == OUTPUT_BOX ? "NULL" : "");
			else value_text(&value, &text);
			cell_add(output, drawn_cell(text.text, text.bytes));
		}
	strbuf_release(&text);
}

static bool is_right_aligned(const Output *output, int column) { return type_is_numeric(output->columns[column].type); }

static void measure(Output *output)
{
	if (!output->widths) {
		output->widths = arena_array(&output->arena, int, output->column_count + 1);
		for (int c = 0; c < output->column_count; c++) output->widths[c] = display_width(output->columns[c].name);
	}
	for (int i = 0; i < output->cell_count; i++) {
		int width = display_width(output->cells[i]);
		if (width > output->widths[i % output->column_count]) output->widths[i % output->column_count] = width;
	}
}

static void pad(StrBuf *line, int count) { while (count-- > 0) strbuf_addc(line, ' '); }

static void draw_cell(Output *output, const char *text, int column)
{
	int space = output->widths[column] - display_width(text);
	bool right = is_right_aligned(output, column);
	pad(&output->line, right ? space : 0);
	strbuf_adds(&output->line, text);
	pad(&output->line, right ? 0 : space);
}

static void rule(Output *output, const char *left, const char *middle, const char *right)
{
	strbuf_adds(&output->line, left);
	for (int c = 0; c < output->column_count; c++) {
		for (int i = 0; i < output->widths[c] + 2; i++) strbuf_adds(&output->line, "─");
		strbuf_adds(&output->line, c + 1 < output->column_count ? middle : right);
	}
	strbuf_addc(&output->line, '\n');
	put_line(output);
}

static void draw_row(Output *output, char *const *cells, const char *bar)
{
	strbuf_adds(&output->line, bar);
	for (int c = 0; c < output->column_count; c++) {
		strbuf_addc(&output->line, ' ');
		draw_cell(output, cells ? cells[c] : output->columns[c].name, c);
		strbuf_addc(&output->line, ' ');
		strbuf_adds(&output->line, bar);
	}
	strbuf_addc(&output->line, '\n');
	put_line(output);
}

static void box_header(Output *output)
{
	rule(output, "┌", "┬", "┐");
	draw_row(output, NULL, "│");
	rule(output, "├", "┼", "┤");
}

static void markdown_header(Output *output)
{
	draw_row(output, NULL, "|");
	strbuf_addc(&output->line, '|');
	for (int c = 0; c < output->column_count; c++) {
		for (int i = 0; i < output->widths[c] + 1; i++) strbuf_addc(&output->line, '-');
		strbuf_adds(&output->line, is_right_aligned(output, c) ? ":|" : "-|");
	}
	strbuf_addc(&output->line, '\n');
	put_line(output);
}

static void draw_kept(Output *output)
{
	bool box = output->mode == OUTPUT_BOX;
	measure(output);
	if (!output->began && box) box_header(output);
	if (!output->began && !box) markdown_header(output);
	output->began = true;
	for (int i = 0; i < output->cell_count; i += output->column_count) draw_row(output, output->cells + i, box ? "│" : "|");
	cells_clear(output);
}

/* ---- row by row ---- */

static void csv_cell(StrBuf *line, const char *text, size_t bytes)
{
	if (!memchr(text, '"', bytes) && !memchr(text, ',', bytes) && !memchr(text, '\n', bytes) && !memchr(text, '\r', bytes)) {
		strbuf_add(line, text, bytes);
		return;
	}
	strbuf_addc(line, '"');
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '"') strbuf_addc(line, '"');
		strbuf_addc(line, text[i]);
	}
	strbuf_addc(line, '"');
}

static void tsv_cell(StrBuf *line, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\t') strbuf_adds(line, "\\t");
		else if (text[i] == '\n') strbuf_adds(line, "\\n");
		else if (text[i] == '\r') strbuf_adds(line, "\\r");
		else if (text[i] == '\\') strbuf_adds(line, "\\\\");
		else strbuf_addc(line, text[i]);
	}
}

static void json_row(Output *output, const Batch *rows, int row)
{
	StrBuf *line = &output->line;
	strbuf_addc(line, '{');
	for (int c = 0; c < output->column_count; c++) {
		Value name = {.type = TYPE(TEXT), .str = str_borrow(output->columns[c].name, strlen(output->columns[c].name))};
		Value value = column_value(&rows->columns[c], row);
		if (c) strbuf_addc(line, ',');
		value_print_json(&name, line);
		strbuf_addc(line, ':');
		value_print_json(&value, line);
	}
	strbuf_addc(line, '}');
}

static void plain_row(Output *output, const Batch *rows, int row, StrBuf *text)
{
	StrBuf *line = &output->line;
	for (int c = 0; c < output->column_count; c++) {
		Value value = column_value(&rows->columns[c], row);
		strbuf_clear(text);
		value_text(&value, text);
		if (output->mode == OUTPUT_LINE) {
			strbuf_printf(line, "%s = ", output->columns[c].name);
			strbuf_add(line, text->text, text->bytes);
			strbuf_addc(line, '\n');
			continue;
		}
		if (c) strbuf_addc(line, output->mode == OUTPUT_CSV ? ',' : output->mode == OUTPUT_TSV ? '\t' : '|');
		if (output->mode == OUTPUT_CSV) {
			if (!value.is_null && value.type.kind != TYPE_NULL && text->bytes == 0) strbuf_adds(line, "\"\"");        /* empty text is not NULL */
			else csv_cell(line, text->text, text->bytes);
		}
		else if (output->mode == OUTPUT_TSV) tsv_cell(line, text->text, text->bytes);
		else strbuf_add(line, text->text, text->bytes);
	}
	strbuf_adds(line, output->mode == OUTPUT_CSV ? "\r\n" : "\n");
}

static void plain_header(Output *output)
{
	if (output->mode != OUTPUT_CSV && output->mode != OUTPUT_TSV) return;
	for (int c = 0; c < output->column_count; c++) {
		if (c) strbuf_addc(&output->line, output->mode == OUTPUT_CSV ? ',' : '\t');
		const char *name = output->columns[c].name;
		if (output->mode == OUTPUT_CSV) csv_cell(&output->line, name, strlen(name));
		else tsv_cell(&output->line, name, strlen(name));
	}
	strbuf_adds(&output->line, output->mode == OUTPUT_CSV ? "\r\n" : "\n");
	put_line(output);
}

/* ---- what the engine calls ---- */

static bool is_drawn(const Output *output) { return output->mode == OUTPUT_BOX || output->mode == OUTPUT_MARKDOWN; }

static bool on_begin(void *context, ResultKind kind, const ResultColumn *columns, int column_count)
{
	Output *output = context;
	arena_clear(&output->arena);
	output->kind = kind;
	output->column_count = column_count;
	output->columns = arena_array(&output->arena, ResultColumn, column_count + 1);
	for (int c = 0; c < column_count; c++) output->columns[c] = (ResultColumn){.name = arena_strdup(&output->arena, columns[c].name), .type = columns[c].type};
	output->widths = NULL;
	output->rows = 0;
	output->began = false;
	cells_clear(output);
	if (output->mode == OUTPUT_JSON) strbuf_addc(&output->line, '[');
	else if (!is_drawn(output)) {
		plain_header(output);
		if (kind != RESULT_TABLE) flush(output);
	}
	return !output->failed;
}

/* Text results on a terminal or in list mode are printed bare. */
static bool is_bare(const Output *output) { return output->kind == RESULT_TEXT && (is_drawn(output) || output->mode == OUTPUT_LIST || output->mode == OUTPUT_LINE); }

static void bare_rows(Output *output, const Batch *rows)
{
	for (int i = 0; i < rows->count; i++) {
		Value value = column_value(&rows->columns[0], batch_row(rows, i));
		value_print(&value, &output->line);
		strbuf_addc(&output->line, '\n');
		put_line(output);
	}
}

static bool on_rows(void *context, const Batch *rows)
{
	Output *output = context;
	if (is_bare(output)) bare_rows(output, rows);
	else if (is_drawn(output)) keep_cells(output, rows);
	else {
		StrBuf text = STRBUF_INIT;
		for (int i = 0; i < rows->count && !output->failed; i++) {
			int row = batch_row(rows, i);
			if (output->mode == OUTPUT_JSON) {
				if (output->rows + i && output->line.bytes != 1) strbuf_addc(&output->line, ',');
				json_row(output, rows, row);
			}
			else if (output->mode == OUTPUT_NDJSON) {
				json_row(output, rows, row);
				strbuf_addc(&output->line, '\n');
			}
			else {
				if (output->mode == OUTPUT_LINE && output->rows + i) strbuf_addc(&output->line, '\n');
				plain_row(output, rows, row, &text);
			}
			if (output->mode != OUTPUT_JSON || output->line.bytes > 1 << 20) put_line(output);
		}
		strbuf_release(&text);
	}
	output->rows += rows->count;
	return !output->failed;
}

/* A commit's changes of a continuous result: what was kept is shown now. */
static bool on_flush(void *context)
{
	Output *output = context;
	if (is_drawn(output) && output->cell_count) draw_kept(output);
	if (output->mode == OUTPUT_JSON && output->rows) {
		strbuf_adds(&output->line, "]\n");
		put_line(output);
		strbuf_addc(&output->line, '[');
		output->rows = 0;
	}
	return flush(output);
}

static bool on_end(void *context)
{
	Output *output = context;
	if (output->mode == OUTPUT_JSON) {
		strbuf_adds(&output->line, "]\n");
		put_line(output);
	}
	else if (is_drawn(output) && !is_bare(output)) {
		draw_kept(output);
		if (output->mode == OUTPUT_BOX) rule(output, "└", "┴", "┘");
	}
	return flush(output);
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
