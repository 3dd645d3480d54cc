/* Windows of an instant: shared by window.c and the slicing aggregate. Internal to op/. */
#ifndef WEIR_OP_WINDOW_H
#define WEIR_OP_WINDOW_H

#include "op/specs.h"
#include "type/zone.h"

typedef struct WindowSpan { int64_t start, end; } WindowSpan;

/* In local time where there is a zone: windows go by what its clock shows. */
typedef struct WindowShape {
	WindowKind kind;
	int64_t size_us, slide_us, offset_us;
	Zone *zone;
} WindowShape;

enum { WINDOW_TIME_BEFORE_END_US = 1000 };            /* window_time = window_end - 1 ms */

WindowShape window_shape_make(const WindowSpec *spec);
void window_shape_release(WindowShape *shape);

/* How many windows an instant can at most be in. */
int window_spans_max(const WindowShape *shape);
/* The windows that hold the instant, by their ends ascending; room for window_spans_max. */
int window_spans(const WindowShape *shape, int64_t time_us, WindowSpan *spans);

/* Time cut into pieces of `unit_us` from the offset on: the start of the piece that holds the instant (local, where there is a zone). */
int64_t window_floor(const WindowShape *shape, int64_t time_us, int64_t unit_us);

#endif
