/* Frames: which rows a result is made of. */
#include "op/over.h"

#include "type/text.h"

/* ---- RANGE: values and offsets ---- */

/* Saturating, so that what is past all values is just that. */
static bool time_plus_interval(Type type, int64_t x, Interval offset, int sign, int64_t *out)
{
	static const int64_t DAY_US = 86400000000;
	if (type.kind == TYPE_TIME) {
		int64_t us = offset.us + offset.days * DAY_US + offset.months * 30 * DAY_US;
		*out = time_add(x, sign * us);
		return true;
	}
	bool date = type.kind == TYPE_DATE;
	if (!timestamp_add_interval(date ? x * DAY_US : x, offset, sign, out)) return false;
	return true;
}

/* b compared with a + sign * offset: < 0, 0, > 0 */
static int compare_shifted(const Value *b, const Value *a, const Value *offset, int sign)
{
	static const int64_t DAY_US = 86400000000;
	switch (type_phys(a->type)) {
	case PHYS_I64: {
		int64_t bound, at = b->i64;
		if (offset->type.kind == TYPE_INTERVAL) {
			if (!time_plus_interval(a->type, a->i64, offset->interval, sign, &bound)) return -sign;
			if (a->type.kind == TYPE_DATE) at *= DAY_US;
		} else if (sign > 0 ? __builtin_add_overflow(a->i64, offset->i64, &bound) : __builtin_sub_overflow(a->i64, offset->i64, &bound)) {
			return -sign;
		}
		return at < bound ? -1 : at > bound;
	}
	case PHYS_F64: {
		double bound = a->f64 + sign * offset->f64;
		return b->f64 < bound ? -1 : b->f64 > bound;
	}
	case PHYS_I128: {
		Int128 bound = a->i128 + sign * offset->i128;         /* both have at most 38 digits of one scale */
		return b->i128 < bound ? -1 : b->i128 > bound;
	}
	case PHYS_INTERVAL: {
		Int128 bound = interval_compare_us(a->interval) + sign * interval_compare_us(offset->interval), at = interval_compare_us(b->interval);
		return at < bound ? -1 : at > bound;
	}
	case PHYS_STR: break;
	}
	return 0;
}

/* Where b lies with regard to the bound that is the offset away from a, in the order's direction (direction -1: before a): < 0 before it.
 * NULLs are the offset away from NULLs only. */
static int compare_to_bound(const Over *over, const Value *a, const Value *b, const Value *offset, int direction)
{
	SortSpec spec = over->rows.specs[0];
	if (a->is_null || b->is_null) {
		if (a->is_null == b->is_null) return 0;
		bool null_is_first = !spec.nulls_last;
		return b->is_null == null_is_first ? -1 : 1;
	}
	int order = compare_shifted(b, a, offset, spec.descending ? -direction : direction);
	return spec.descending ? -order : order;
}

bool over_within_range(const Over *over, const Value *a, const Value *b, const Value *offset, int direction)
{
	return compare_to_bound(over, a, b, offset, direction) * direction <= 0;
}

Value over_order_value(const Over *over, const char *key, Arena *arena)
{
	Value value;
	sort_key_read(key + 4, over->rows.order.types[0], over->rows.specs[0], &value, arena);
	return value;
}

/* ---- bounds ---- */

static int clamp(int64_t x, int low, int high) { return x < low ? low : x > high ? high : (int)x; }

static int group_start(const OverPart *part, int64_t group) { return part->group_first[clamp(group, 0, part->group_count)]; }

/* First position at or behind the bound (of a frame's start), or behind it (of its end): a pointer that only goes on */
static int range_pointer(const OverPart *part, int at, int position, const Value *offset, int direction, bool is_end)
{
	const Value *value = &part->order_values[position];
	for (; at < part->count; at++) {
		int order = compare_to_bound(part->over, value, &part->order_values[at], offset, direction);
		if (is_end ? order > 0 : order >= 0) break;
	}
	return at;
}

static int bound_at(const OverPart *part, const Call *call, int position, bool is_end, int before)
{
	const Frame *frame = &call->frame;
	FrameBound bound = is_end ? frame->end : frame->start;
	const Value *offset = is_end ? &frame->end_offset : &frame->start_offset;
	if (bound == BOUND_UNBOUNDED_PRECEDING) return 0;
	if (bound == BOUND_UNBOUNDED_FOLLOWING) return part->count;
	int direction = bound == BOUND_PRECEDING ? -1 : bound == BOUND_FOLLOWING ? 1 : 0;
	int64_t group = part->group_no[position];
	switch (frame->unit) {
	case FRAME_ROWS: {
		int64_t steps = direction ? offset->i64 : 0;
		if (steps > part->count) steps = part->count;
		return clamp(position + direction * steps + is_end, 0, part->count);
	}
	case FRAME_GROUPS: {
		int64_t steps = direction ? offset->i64 : 0;
		if (steps > part->group_count) steps = part->group_count;
		return group_start(part, group + direction * steps + is_end);
	}
	case FRAME_RANGE:
		if (!direction) return group_start(part, group + is_end);
		return range_pointer(part, before, position, offset, direction, is_end);
	}
	return 0;
}

FrameAt *over_frames(const OverPart *part, const Call *call)
{
	FrameAt *frames = arena_alloc(part->arena, sizeof *frames * (size_t)(part->to - part->from + 1));
	FrameAt last = {0, 0};
	for (int i = part->from; i < part->to; i++) {
		last.from = bound_at(part, call, i, false, last.from);
		last.to = bound_at(part, call, i, true, last.to);
		frames[i - part->from] = (FrameAt){last.from, last.to > last.from ? last.to : last.from};
	}
	return frames;
}

Excluded over_excluded(const OverPart *part, const Call *call, int position)
{
	int group = part->group_no[position];
	switch (call->frame.exclude) {
	case EXCLUDE_NO_OTHERS: break;
	case EXCLUDE_CURRENT_ROW: return (Excluded){position, position + 1, -1};
	case EXCLUDE_GROUP: return (Excluded){part->group_first[group], part->group_first[group + 1], -1};
	case EXCLUDE_TIES: return (Excluded){part->group_first[group], part->group_first[group + 1], position};
	}
	return (Excluded){0, 0, -1};
}
