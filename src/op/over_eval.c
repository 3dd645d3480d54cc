/* Computing calls over a part of a partition. */
#include "op/over.h"

typedef struct Eval {
	OverPart *part;
	const Call *call;
	int number;                           /* of the call */
	const FrameAt *frames;                /* by position - part->from */
	const StateHandle *snapshots;
	Arena *arena;
} Eval;

static FrameAt frame_of(const Eval *e, int position) { return e->frames[position - e->part->from]; }

static Value *result_of(const Eval *e, int position) { return over_result(e->part, position, e->number); }

static void set_integer(Value *out, int64_t x)
{
	*out = (Value){.type = TYPE(INTEGER)};
	out->i64 = x;
}

static void set_real(Value *out, double x)
{
	*out = (Value){.type = TYPE(REAL)};
	out->f64 = x;
}

static bool has_value(const Eval *e, int arg, int position)
{
	return e->call->args[arg] < 0 ? !e->call->constants[arg].is_null : !column_is_null(&e->part->columns[e->call->args[arg]], position);
}

static Value arg_value(const Eval *e, int arg, int position)
{
	return e->call->args[arg] < 0 ? e->call->constants[arg] : column_value(&e->part->columns[e->call->args[arg]], position);
}

static bool passes(const Eval *e, int position)
{
	if (e->call->filter < 0) return true;
	const Column *filter = &e->part->columns[e->call->filter];
	return !column_is_null(filter, position) && filter->i64[position];
}

/* ---- numbers ---- */

static void eval_number(Eval *e)
{
	OverPart *part = e->part;
	const Snapshot *before = snapshot_at(part->over, part->snapshot);
	int64_t rows = before ? before->rows : 0, groups = before ? before->groups : 0;
	int first_group = part->from < part->to ? part->group_no[part->run_from] : 0;
	for (int i = part->from; i < part->to; i++) {
		int64_t number = rows + i - part->run_from + 1;
		if (e->call->kind == OVER_RANK) number = rows + part->group_first[part->group_no[i]] - part->run_from + 1;
		if (e->call->kind == OVER_DENSE_RANK) number = groups + part->group_no[i] - first_group + 1;
		set_integer(result_of(e, i), number);
	}
}

static int64_t tile_of(int64_t row, int64_t rows, int64_t tiles)
{
	int64_t size = rows / tiles, larger = rows % tiles;
	if (row < larger * (size + 1)) return row / (size + 1) + 1;
	return larger + (row - larger * (size + 1)) / size + 1;
}

static void eval_whole(Eval *e)
{
	OverPart *part = e->part;
	for (int i = part->from; i < part->to; i++) {
		int group = part->group_no[i];
		Value *out = result_of(e, i);
		if (e->call->kind == OVER_PERCENT_RANK) set_real(out, part->count > 1 ? (double)part->group_first[group] / (part->count - 1) : 0);
		else if (e->call->kind == OVER_CUME_DIST) set_real(out, (double)part->group_first[group + 1] / part->count);
		else {
			Value tiles = arg_value(e, 0, i);
			if (tiles.is_null || tiles.i64 < 1) *out = (Value){.type = e->call->type, .is_null = true};
			else set_integer(out, tile_of(i, part->count, tiles.i64));
		}
	}
}

/* ---- lag, lead ---- */

/* The position `steps` before (steps > 0) or behind i, -1: there is none */
static int shifted(const Eval *e, int i, int64_t steps)
{
	int direction = steps > 0 ? -1 : 1, count = e->part->count;
	uint64_t left = steps < 0 ? 0 - (uint64_t)steps : (uint64_t)steps;
	if (!e->call->ignore_nulls) {
		if (left > (uint64_t)(direction < 0 ? i : count - 1 - i)) return -1;
		return i + direction * (int)left;
	}
	for (int at = i; ; at += direction) {
		if (at < 0 || at >= count) return -1;
		if (left == 0) return at;
		int next = at + direction;
		if (next >= 0 && next < count && has_value(e, 0, next)) left--;
	}
}

static void eval_shift(Eval *e)
{
	const Call *call = e->call;
	int sign = call->kind == OVER_LAG ? 1 : -1;
	for (int i = e->part->from; i < e->part->to; i++) {
		Value steps = {.type = TYPE(INTEGER), .i64 = 1};
		if (call->arg_count > 1) steps = arg_value(e, 1, i);
		Value *out = result_of(e, i);
		*out = (Value){.type = call->type, .is_null = true};
		if (steps.is_null) continue;
		int at = steps.i64 == 0 ? i : shifted(e, i, sign * steps.i64);
		if (at >= 0) *out = arg_value(e, 0, at);
		else if (call->arg_count > 2) *out = arg_value(e, 2, i);
	}
}

/* ---- first_value, last_value, nth_value ---- */

static int nth_in_frame(const Eval *e, int i, int64_t n, bool from_end)
{
	FrameAt frame = frame_of(e, i);
	Excluded excluded = over_excluded(e->part, e->call, i);
	if (n < 1) return -1;
	for (int k = frame.from; k < frame.to; k++) {
		int at = from_end ? frame.to - 1 - (k - frame.from) : k;
		if (over_is_excluded(&excluded, at) || (e->call->ignore_nulls && !has_value(e, 0, at))) continue;
		if (--n == 0) return at;
	}
	return -1;
}

static void eval_value(Eval *e)
{
	const Call *call = e->call;
	for (int i = e->part->from; i < e->part->to; i++) {
		Value n = {.type = TYPE(INTEGER), .i64 = 1};
		if (call->kind == OVER_NTH_VALUE) n = arg_value(e, 1, i);
		int at = n.is_null ? -1 : nth_in_frame(e, i, n.i64, call->kind == OVER_LAST_VALUE);
		Value *out = result_of(e, i);
		*out = (Value){.type = call->type, .is_null = true};
		if (at >= 0) *out = arg_value(e, 0, at);
	}
}

static void eval_value_running(Eval *e)
{
	OverPart *part = e->part;
	Over *over = part->over;
	ValueState *state = running_open(over, e->call, part->snapshot, e->arena);
	int seen = part->run_from;
	for (int i = part->from; i < part->to; i++) {
		for (int to = frame_of(e, i).to; seen < to; seen++) running_see(over, part, e->call, state, seen);
		Value value = running_value(over, e->call, state), *out = result_of(e, i);
		*out = value;
		if (!value.is_null && type_phys(value.type) == PHYS_STR) out->str = str_copy(e->arena, str_at(&value.str), value.str.bytes);
		StateHandle snapshot = e->snapshots ? e->snapshots[i - part->from] : 0;
		if (snapshot) running_store(over, e->call, state, snapshot);
	}
	running_release(over, e->call, state);
}

/* ---- aggregates that are folded ---- */

/* Adds (weight 1) or takes back (-1) positions from .. to - 1, as many at once as pass the filter side by side. */
static void fold_rows(const Eval *e, void *state, int from, int to, int64_t weight)
{
	enum { ROWS_AT_ONCE = 256 };
	void *groups[ROWS_AT_ONCE];
	int64_t weights[ROWS_AT_ONCE];
	while (from < to) {
		if (!passes(e, from)) {
			from++;
			continue;
		}
		int count = 1;
		while (count < ROWS_AT_ONCE && from + count < to && passes(e, from + count)) count++;
		Column args[OVER_ARGS_MAX];
		for (int a = 0; a < e->call->arg_count; a++) args[a] = over_column_from(e->part, e->call->args[a], from);
		for (int i = 0; i < count; i++) groups[i] = state, weights[i] = weight;
		e->call->aggregate->apply(groups, args, e->call->arg_count, count, weight == 1 ? NULL : weights, &e->part->over->spill);
		from += count;
	}
}

/* The excluded positions that lie in the frame, in two pieces around the one that stays */
static void fold_excluded(const Eval *e, void *state, FrameAt frame, const Excluded *x, int64_t weight)
{
	int from = x->from > frame.from ? x->from : frame.from, to = x->to < frame.to ? x->to : frame.to;
	if (x->but < from || x->but >= to) {
		fold_rows(e, state, from, to, weight);
		return;
	}
	fold_rows(e, state, from, x->but, weight);
	fold_rows(e, state, x->but + 1, to, weight);
}

static void fold_result(const Eval *e, const void *state, int position)
{
	e->call->aggregate->fold_result(state, e->call->arg_types, e->call->arg_count, result_of(e, position), e->arena, &e->part->over->spill);
}

static void eval_fold(Eval *e)
{
	OverPart *part = e->part;
	void *state = running_open(part->over, e->call, e->call->running ? part->snapshot : 0, e->arena);
	FrameAt folded = {0, 0};
	if (e->call->running) folded.to = part->run_from;
	else if (part->from < part->to) folded.from = folded.to = frame_of(e, part->from).from;
	for (int i = part->from; i < part->to; i++) {
		FrameAt frame = frame_of(e, i);
		if (e->call->running) frame.from = 0;
		if (frame.from > folded.to) {                     /* nothing in common with the frame before */
			fold_rows(e, state, folded.from, folded.to, -1);
			folded = (FrameAt){frame.from, frame.from};
		}
		if (frame.to > folded.to) fold_rows(e, state, folded.to, frame.to, 1);
		if (frame.to > folded.to) folded.to = frame.to;
		if (frame.from > folded.from) fold_rows(e, state, folded.from, frame.from, -1);
		folded.from = frame.from;
		Excluded excluded = over_excluded(part, e->call, i);
		frame.to = frame.to < folded.to ? frame.to : folded.to;
		fold_excluded(e, state, frame, &excluded, -1);
		fold_result(e, state, i);
		fold_excluded(e, state, frame, &excluded, 1);
		StateHandle snapshot = e->snapshots ? e->snapshots[i - part->from] : 0;
		if (snapshot && e->call->running) running_store(part->over, e->call, state, snapshot);
	}
	running_release(part->over, e->call, state);
}

static void eval_again(Eval *e)
{
	for (int i = e->part->from; i < e->part->to; i++) {
		FrameAt frame = frame_of(e, i);
		Excluded x = over_excluded(e->part, e->call, i);
		void *state = arena_zalloc(e->arena, e->call->state_bytes + 1);
		for (int at = frame.from; at < frame.to; at++)
			if (!over_is_excluded(&x, at)) fold_rows(e, state, at, at + 1, 1);
		fold_result(e, state, i);
		running_release(e->part->over, e->call, state);
	}
}

/* ---- min, max: a queue of positions whose values can still become the extreme, the best first ---- */

static void eval_extreme(Eval *e)
{
	OverPart *part = e->part;
	int *queue = arena_alloc(e->arena, sizeof *queue * (size_t)(part->count + 1)), head = 0, tail = 0;
	int sign = e->call->aggregate->default_order == AGGREGATE_ORDER_VALUE ? 1 : -1;
	int seen = part->from < part->to ? frame_of(e, part->from).from : 0;
	for (int i = part->from; i < part->to; i++) {
		FrameAt frame = frame_of(e, i);
		if (seen < frame.from) seen = frame.from;
		for (; seen < frame.to; seen++) {
			if (!has_value(e, 0, seen) || !passes(e, seen)) continue;
			Value value = arg_value(e, 0, seen);
			while (tail > head) {
				Value last = arg_value(e, 0, queue[tail - 1]);
				if (value_compare(&last, &value) * sign < 0) break;
				tail--;
			}
			queue[tail++] = seen;
		}
		while (head < tail && queue[head] < frame.from) head++;
		Value *out = result_of(e, i);
		*out = (Value){.type = e->call->type, .is_null = true};
		if (head < tail && frame.from < frame.to) *out = arg_value(e, 0, queue[head]);
	}
}

/* ---- aggregates that read their values in order ---- */

typedef struct FrameCursor { AggregateCursor cursor; const Eval *e; const int *order; int count, at; } FrameCursor;

static bool frame_cursor_next(AggregateCursor *cursor, Value *values, int64_t *count)
{
	FrameCursor *c = (FrameCursor *)cursor;
	if (c->at == c->count) return false;
	for (int a = 0; a < c->e->call->arg_count; a++) values[a] = arg_value(c->e, a, c->order[c->at]);
	c->at++;
	*count = 1;
	return true;
}

typedef struct SortContext { const Eval *e; int arg, sign; } SortContext;

/* Ties stay in the window's order. NULLs come first, as everywhere, but behind values of a second argument. */
static int compare_positions(const void *x, const void *y, void *context)
{
	const SortContext *sort = context;
	int a = *(const int *)x, b = *(const int *)y;
	Value u = arg_value(sort->e, sort->arg, a), v = arg_value(sort->e, sort->arg, b);
	int order = value_compare(&u, &v) * sort->sign;
	return order ? order : a < b ? -1 : a > b;
}

static bool is_fed(const Eval *e, int position)
{
	const Aggregate *aggregate = e->call->aggregate;
	if (!passes(e, position)) return false;
	if ((aggregate->skips_nulls || e->call->ignore_nulls) && !has_value(e, 0, position)) return false;
	return !aggregate->skips_second_nulls || has_value(e, 1, position);
}

static void eval_ordered(Eval *e)
{
	const Call *call = e->call;
	int *order = arena_alloc(e->arena, sizeof *order * (size_t)(e->part->count + 1));
	for (int i = e->part->from; i < e->part->to; i++) {
		FrameAt frame = frame_of(e, i);
		Excluded x = over_excluded(e->part, call, i);
		int count = 0;
		for (int at = frame.from; at < frame.to; at++)
			if (!over_is_excluded(&x, at) && is_fed(e, at)) order[count++] = at;
		int by = call->aggregate->default_order;
		bool second = by == AGGREGATE_ORDER_SECOND || by == AGGREGATE_ORDER_SECOND_DESC;
		SortContext sort = {e, second, by == AGGREGATE_ORDER_VALUE_DESC || by == AGGREGATE_ORDER_SECOND_DESC ? -1 : 1};
		if (by != AGGREGATE_ORDER_ARRIVAL && by != AGGREGATE_ORDER_NONE) qsort_r(order, (size_t)count, sizeof *order, compare_positions, &sort);
		FrameCursor cursor = {{frame_cursor_next}, e, order, count, 0};
		call->aggregate->ordered_result(&cursor.cursor, call->parameters, call->arg_types, call->arg_count, result_of(e, i), e->arena);
	}
}

/* ---- all calls ---- */

void over_evaluate(OverPart *part, const StateHandle *snapshots)
{
	Over *over = part->over;
	part->results = arena_alloc(part->arena, sizeof *part->results * (size_t)((part->to - part->from) * over->call_count + 1));
	for (int c = 0; c < over->call_count; c++) {
		Eval e = {.part = part, .call = &over->calls[c], .number = c, .snapshots = snapshots, .arena = part->arena};
		if (e.call->way >= WAY_VALUE) e.frames = over_frames(part, e.call);
		switch (e.call->way) {
		case WAY_NUMBER: eval_number(&e); break;
		case WAY_WHOLE: eval_whole(&e); break;
		case WAY_SHIFT: eval_shift(&e); break;
		case WAY_VALUE: if (e.call->running) eval_value_running(&e); else eval_value(&e); break;
		case WAY_FOLD: eval_fold(&e); break;
		case WAY_AGAIN: eval_again(&e); break;
		case WAY_EXTREME: eval_extreme(&e); break;
		case WAY_ORDERED: eval_ordered(&e); break;
		}
	}
}
