/* Modes that write row by row: json, ndjson, csv, tsv, line, list. */
#include <string.h>

#include "output.h"
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

void output_value_text(const Value *value, StrBuf *out)
{
	if (!value->is_null && value->type.kind == TYPE_BLOB) value_print_sql(value, out);
	else value_print(value, out);
}

static void csv_cell(StrBuf *line, const char *text, size_t bytes)
{
	bool blank_around = bytes && (text[0] == ' ' || text[bytes - 1] == ' ');       /* some readers strip them */
	if (!blank_around && !memchr(text, '"', bytes) && !memchr(text, ',', bytes) && !memchr(text, '\n', bytes) && !memchr(text, '\r', bytes)) {
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
		Value value = column_value(&rows->columns[c], row);
		if (c) strbuf_addc(line, ',');
		text_print_json(output->columns[c].name, strlen(output->columns[c].name), line);
		strbuf_addc(line, ':');
		value_print_json(&value, line);
	}
	strbuf_addc(line, '}');
}

/* Names of equal width, as sqlite3 has them. */
static void line_row(Output *output, const Batch *rows, int row)
{
	int width = 0;
	for (int c = 0; c < output->column_count; c++) {
		int own = draw_width(output->columns[c].name, strlen(output->columns[c].name));
		if (own > width) width = own;
	}
	for (int c = 0; c < output->column_count; c++) {
		const char *name = output->columns[c].name;
		Value value = column_value(&rows->columns[c], row);
		for (int i = draw_width(name, strlen(name)); i < width; i++) strbuf_addc(&output->line, ' ');
		strbuf_printf(&output->line, "%s = ", name);
		if (value.is_null && output->null_text) strbuf_adds(&output->line, output->null_text);
		else output_value_text(&value, &output->line);
		strbuf_addc(&output->line, '\n');
	}
}

static void separated_cell(Output *output, const char *text, size_t bytes)
{
	if (output->mode == OUTPUT_CSV) csv_cell(&output->line, text, bytes);
	else if (output->mode == OUTPUT_TSV) tsv_cell(&output->line, text, bytes);
	else strbuf_add(&output->line, text, bytes);
}

static void separator(Output *output, int column)
{
	if (column) strbuf_addc(&output->line, output->mode == OUTPUT_CSV ? ',' : output->mode == OUTPUT_TSV ? '\t' : '|');
}

static void separated_row(Output *output, const Batch *rows, int row)
{
	StrBuf text = STRBUF_INIT;
	for (int c = 0; c < output->column_count; c++) {
		Value value = column_value(&rows->columns[c], row);
		separator(output, c);
		strbuf_clear(&text);
		output_value_text(&value, &text);
		bool is_null = value.is_null || value.type.kind == TYPE_NULL;
		if (is_null) strbuf_adds(&output->line, output->null_text ? output->null_text : "");
		else if (output->mode == OUTPUT_CSV && text.bytes == 0) strbuf_adds(&output->line, "\"\"");        /* empty text is not NULL */
		else separated_cell(output, text.text, text.bytes);
	}
	strbuf_adds(&output->line, output->mode == OUTPUT_CSV ? "\r\n" : "\n");
	strbuf_release(&text);
}

void output_header_plain(Output *output)
{
	bool by_mode = output->mode == OUTPUT_CSV || output->mode == OUTPUT_TSV;
	bool separated = by_mode || output->mode == OUTPUT_LIST;
	if (!separated || output->headers == HEADERS_OFF || (output->headers == HEADERS_BY_MODE && !by_mode)) return;
	for (int c = 0; c < output->column_count; c++) {
		separator(output, c);
		separated_cell(output, output->columns[c].name, strlen(output->columns[c].name));
	}
	strbuf_adds(&output->line, output->mode == OUTPUT_CSV ? "\r\n" : "\n");
}

void output_row_plain(Output *output, const Batch *rows, int row)
{
	switch (output->mode) {
	case OUTPUT_JSON:
		strbuf_adds(&output->line, output->rows ? "," : "");
		json_row(output, rows, row);
		break;
	case OUTPUT_NDJSON:
		json_row(output, rows, row);
		strbuf_addc(&output->line, '\n');
		break;
	case OUTPUT_CSV: case OUTPUT_TSV: case OUTPUT_LIST:
		separated_row(output, rows, row);
		break;
	default:
		strbuf_adds(&output->line, output->rows ? "\n" : "");
		line_row(output, rows, row);
	}
}
