/* Output: results on stdout, in one of the modes of modes.def. One writer a session; the engine's ResultSink calls it. */
#ifndef WEIR_SHELL_OUTPUT_H
#define WEIR_SHELL_OUTPUT_H

#include <stdio.h>

#include "base/strbuf.h"
#include "engine/engine.h"
#include "screen.h"

typedef enum OutputMode {
#define OUTPUT_MODE(NAME, name, doc) OUTPUT_##NAME,
#include "modes.def"
#undef OUTPUT_MODE
	OUTPUT_MODE_COUNT
} OutputMode;

typedef struct OutputModeInfo { const char *name, *doc; } OutputModeInfo;
extern const OutputModeInfo OUTPUT_MODES[];
bool output_mode_find(const char *name, OutputMode *mode);

typedef enum OutputHeaders { HEADERS_BY_MODE, HEADERS_OFF, HEADERS_ON } OutputHeaders;

typedef struct Output {
	FILE *file;
	OutputMode mode;
	OutputHeaders headers;            /* of csv, tsv and list; by mode: csv and tsv have one */
	const char *null_text;            /* NULL: what the mode does; borrowed */
	bool terminal;                    /* a person looks: boxes are cut to its width, changing results are redrawn, tags are told */
	bool failed;                      /* the pipe is closed */
	/* of the result that is being written */
	bool open;                        /* begun, not ended */
	ResultKind kind;
	ResultColumn *columns; int column_count;
	Arena arena;
	int64_t rows;
	Grid grid;
	char **cells; int cell_count, cell_room;      /* box and markdown: kept until widths are known */
	bool began;                       /* header is out */
	bool grows;                       /* what comes is shown at once, so later rows may need wider columns */
	bool upright;                     /* a box that is too wide for the terminal: a line a value */
	bool redrawn;                     /* on the screen */
	Screen screen;
	StrBuf line;
} Output;

void output_init(Output *output, FILE *file, OutputMode mode, bool terminal);
void output_release(Output *output);
ResultSink output_sink(Output *output);
/* The statement has failed or was canceled: what was begun is closed. False: there was nothing to be seen. */
bool output_abort(Output *output);
/* Columns and lines of the terminal; 0: no terminal, no limit. */
int output_columns(const Output *output);
int output_lines(const Output *output);

/* ---- within output: modes.c, the modes that need no widths ---- */
void output_header_plain(Output *output);
/* Appends row `row` of the batch to output->line, separators before it included. */
void output_row_plain(Output *output, const Batch *rows, int row);
/* A value as list, line, csv, tsv and drawn tables show it */
void output_value_text(const Value *value, StrBuf *out);

#endif
