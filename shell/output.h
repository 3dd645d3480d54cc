/* Output: results on stdout, in one of the modes of modes.def. One writer a session; the engine's ResultSink calls it. */
#ifndef WEIR_SHELL_OUTPUT_H
#define WEIR_SHELL_OUTPUT_H

#include <stdio.h>

#include "base/strbuf.h"
#include "engine/engine.h"

typedef enum OutputMode {
#define OUTPUT_MODE(NAME, name, doc) OUTPUT_##NAME,
#include "modes.def"
#undef OUTPUT_MODE
	OUTPUT_MODE_COUNT
} OutputMode;

typedef struct OutputModeInfo { const char *name, *doc; } OutputModeInfo;
extern const OutputModeInfo OUTPUT_MODES[];
bool output_mode_find(const char *name, OutputMode *mode);

typedef struct Output {
	FILE *file;
	OutputMode mode;
	bool terminal;                    /* a person looks: boxes are cut to its width, changing results are redrawn, tags are told */
	bool failed;                      /* the pipe is closed */
	/* of the result that is being written */
	ResultKind kind;
	ResultColumn *columns; int column_count;
	Arena arena;
	int64_t rows;
	char **cells; int cell_count, cell_room;      /* box and markdown: kept until widths are known */
	int *widths;
	bool began;                       /* header is out */
	int64_t drawn_lines;              /* of a changing result on a terminal */
	struct { char *text; int64_t count; } *current; int current_count, current_room;
	StrBuf line;
} Output;

void output_init(Output *output, FILE *file, OutputMode mode, bool terminal);
void output_release(Output *output);
ResultSink output_sink(Output *output);

#endif
