/* Windows of an instant: shared by window.c and the slicing aggregate. Internal to op/. */
#ifndef WEIR_OP_WINDOW_H
#define WEIR_OP_WINDOW_H

#include "op/specs.h"

typedef struct WindowSpan { int64_t start, end; } WindowSpan;

enum { WINDOW_TIME_BEFORE_END_US = 1000 };            /* window_time = window_end - 1 ms */

/* How many windows an instant can at most be in. */
int window_spans_max(const WindowSpec *spec);
/* The windows that hold the instant, by their ends ascending; room for window_spans_max. */
int window_spans(const WindowSpec *spec, int64_t time_us, WindowSpan *spans);

#endif
