/* Windows: TUMBLE, HOP and CUMULATE append window_start, window_end and window_time. A tumbling window borrows the batch and computes three
 * columns beside it; the others repeat rows, as many as a batch holds at a time. */
#include "op/window.h"

#include <assert.h>
#include <string.h>

#include "op/select.h"

typedef struct Window {
	Op op;
	WindowShape shape;
	ExprProgram *time;
} Window;

/* ---- the windows of an instant ---- */

WindowShape window_shape_make(const WindowSpec *spec)
{
	WindowShape shape = {.kind = spec->kind, .size_us = spec->size_us, .slide_us = spec->slide_us, .offset_us = spec->offset_us};
	if (spec->kind == WINDOW_TUMBLE) shape.slide_us = spec->size_us;
	if (spec->zone) {
		shape.zone = zone_load(spec->zone, strlen(spec->zone));
		assert(shape.zone);                           /* its name was checked when the query was bound */
	}
	return shape;
}

void window_shape_release(WindowShape *shape) { zone_free(shape->zone); }

/* The greatest multiple of size, counted from offset, that is not after the time. */
static int64_t floor_to(int64_t time, int64_t size, int64_t offset)
{
	int64_t rest = (time - offset) % size;
	return time - (rest < 0 ? rest + size : rest);
}

static int64_t shown_time(const WindowShape *shape, int64_t time_us) { return shape->zone ? zone_to_local(shape->zone, time_us) : time_us; }

int64_t window_floor(const WindowShape *shape, int64_t time_us, int64_t unit_us) { return floor_to(shown_time(shape, time_us), unit_us, shape->offset_us); }

int window_spans_max(const WindowShape *shape) { return (int)((shape->size_us + shape->slide_us - 1) / shape->slide_us); }

/* Where the clock is set back, windows overlap: an instant is in those that hold what the clock shows. */
static WindowSpan span_of(const WindowShape *shape, int64_t start, int64_t size_us)
{
	if (!shape->zone) return (WindowSpan){start, start + size_us};
	return (WindowSpan){zone_begins(shape->zone, start), zone_ends(shape->zone, start + size_us)};
}

static int hop_spans(const WindowShape *shape, int64_t time, WindowSpan *spans)
{
	int64_t last = window_floor(shape, time, shape->slide_us), shown = shown_time(shape, time);
	int count = 0;
	for (int64_t start = last - (window_spans_max(shape) - 1) * shape->slide_us; start <= last; start += shape->slide_us)
		if (start + shape->size_us > shown) spans[count++] = span_of(shape, start, shape->size_us);
	return count;
}

/* Steps that the clock leaves out end where the one before does, and are the same window. */
static int cumulate_spans(const WindowShape *shape, int64_t time, WindowSpan *spans)
{
	int64_t start = window_floor(shape, time, shape->size_us), shown = shown_time(shape, time);
	int steps = window_spans_max(shape), count = 0;
	for (int i = 1; i <= steps; i++) {
		int64_t size = i == steps ? shape->size_us : i * shape->slide_us;
		if (start + size <= shown) continue;
		WindowSpan span = span_of(shape, start, size);
		if (!count || spans[count - 1].end != span.end) spans[count++] = span;
	}
	return count;
}

int window_spans(const WindowShape *shape, int64_t time_us, WindowSpan *spans)
{
	if (shape->kind == WINDOW_HOP) return hop_spans(shape, time_us, spans);
	if (shape->kind == WINDOW_CUMULATE) return cumulate_spans(shape, time_us, spans);
	spans[0] = span_of(shape, window_floor(shape, time_us, shape->size_us), shape->size_us);
	return 1;
}

int window_starts(const WindowSpec *spec, int64_t time_us, int64_t *starts, int room)
{
	WindowShape shape = window_shape_make(spec);
	WindowSpan *spans = mem_alloc(sizeof *spans * (size_t)window_spans_max(&shape));
	int count = window_spans(&shape, time_us, spans);
	for (int i = 0; i < count && i < room; i++) starts[i] = spans[i].start;
	free(spans);
	window_shape_release(&shape);
	return count;
}

/* ---- the operator ---- */

typedef struct WindowColumns { int64_t *start, *end, *time; } WindowColumns;

static WindowColumns window_columns(Batch *out, int rows)
{
	WindowColumns columns;
	int64_t **all[] = {&columns.start, &columns.end, &columns.time};
	for (int i = 0; i < 3; i++) {
		*all[i] = arena_alloc(&out->arena, sizeof(int64_t) * (size_t)rows);
		out->columns[out->column_count - 3 + i] = (Column){.type = TYPE(TIMESTAMP), .i64 = *all[i]};
	}
	return columns;
}

static inline void window_set(WindowColumns *columns, int row, WindowSpan span)
{
	columns->start[row] = span.start;
	columns->end[row] = span.end;
	columns->time[row] = span.end - WINDOW_TIME_BEFORE_END_US;
}

static bool tumble_push(Window *window, Batch *in, const Column *times, Error *err)
{
	Batch *out = batch_derive(in, in->column_count + 3);
	memcpy(out->columns, in->columns, sizeof *in->columns * (size_t)in->column_count);
	WindowColumns columns = window_columns(out, in->rows);
	WindowSpan span = {0, 0};
	uint32_t *sel = NULL;
	int kept = 0;
	if (times->null) sel = arena_alloc(&out->arena, sizeof *sel * (size_t)in->count);
	for (int i = 0; i < in->count; i++) {
		int row = batch_row(in, i);
		if (times->null) {
			if (times->null[i]) continue;
			sel[kept++] = (uint32_t)row;
		}
		int64_t time = times->i64[i];
		/* one that is longer than its size overlaps with others */
		if (time < span.start || time >= span.end || span.end - span.start != window->shape.size_us) window_spans(&window->shape, time, &span);
		window_set(&columns, row, span);
	}
	if (sel) {
		out->sel = sel;
		out->count = kept;
	}
	return op_emit(&window->op, out, err);
}

typedef struct Repeats { uint32_t rows[BATCH_ROWS_MAX]; WindowSpan spans[BATCH_ROWS_MAX]; int count; } Repeats;

static bool repeats_emit(Window *window, Batch *in, Repeats *repeats, Error *err)
{
	if (repeats->count == 0) return true;
	Batch *out = batch_repeat(in, repeats->rows, repeats->count, 3);
	WindowColumns columns = window_columns(out, repeats->count);
	for (int i = 0; i < repeats->count; i++) window_set(&columns, i, repeats->spans[i]);
	repeats->count = 0;
	return op_emit(&window->op, out, err);
}

static bool repeat_push(Window *window, Batch *in, const Column *times, Error *err)
{
	Arena *scratch = &window->op.scratch;
	Repeats *repeats = arena_alloc(scratch, sizeof *repeats);
	WindowSpan *spans = arena_alloc(scratch, sizeof *spans * (size_t)window_spans_max(&window->shape));
	repeats->count = 0;
	for (int i = 0; i < in->count; i++) {
		if (times->null && times->null[i]) continue;
		int count = window_spans(&window->shape, times->i64[i], spans);
		for (int w = 0; w < count; w++) {
			if (repeats->count == BATCH_ROWS_MAX && !repeats_emit(window, in, repeats, err)) return false;
			repeats->rows[repeats->count] = (uint32_t)i;
			repeats->spans[repeats->count++] = spans[w];
		}
	}
	return repeats_emit(window, in, repeats, err);
}

static bool window_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Window *window = (Window *)op;
	Column times = expr_eval(window->time, in, &op->scratch);
	return window->shape.kind == WINDOW_TUMBLE ? tumble_push(window, in, &times, err) : repeat_push(window, in, &times, err);
}

static void window_release(Op *op)
{
	expr_program_release(((Window *)op)->time);
	window_shape_release(&((Window *)op)->shape);
}

static const OpClass WINDOW = {.name = "window", .push = window_push, .release = window_release, .passes_on = true};

Op *op_window_new(const WindowSpec *spec)
{
	const OpInput *in = &spec->in;
	Type *types = mem_alloc(sizeof *types * (size_t)(in->column_count + 3));
	for (int c = 0; c < in->column_count; c++) types[c] = in->types[c];
	for (int c = 0; c < 3; c++) types[in->column_count + c] = TYPE(TIMESTAMP);
	Window *window = op_new(&WINDOW, sizeof *window, "window", types, in->column_count + 3, 1);
	free(types);
	op_input_init(&window->op, 0, in->watermarks, in->watermark_count);
	window->op.append_only = in->append_only;
	window->shape = window_shape_make(spec);
	window->time = expr_compile(&window->op.arena, spec->time, in->layout, in->column_count);
	window->op.repeats = spec->kind != WINDOW_TUMBLE;
	return &window->op;
}
