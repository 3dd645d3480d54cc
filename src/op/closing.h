/* How a watermark ends groups and makes rows late, in one place. */
#ifndef WEIR_OP_CLOSING_H
#define WEIR_OP_CLOSING_H

#include "op/specs.h"

/* What happens to a value of a watermark column: `passed` when no change for it, nor for what is less, can come any more. */
static inline bool watermark_passed(const WatermarkColumn *column, int64_t watermark, int64_t value)
{
	if (watermark == WATERMARK_NONE) return false;
	if (watermark == WATERMARK_END) return true;
	return column->inclusive ? watermark >= value : watermark > value;
}

static inline int64_t time_add(int64_t time_us, int64_t delta_us)
{
	int64_t sum;
	if (!__builtin_add_overflow(time_us, delta_us, &sum)) return sum;
	return delta_us > 0 ? INT64_MAX : INT64_MIN;
}

/* A row's judge in terms of the column */
static inline int64_t watermark_judge(const WatermarkColumn *column, int64_t judge)
{
	if (judge == WATERMARK_NONE || judge == WATERMARK_END) return judge;
	return time_add(judge, -column->delta_us);
}

static inline int64_t watermark_later(int64_t a, int64_t b) { return a > b ? a : b; }

/* The watermark of an operator's input that ends its groups, as of the last commit and as a row's judge sees it. */
typedef struct Closing {
	bool on;
	int key;                          /* number of the key column */
	int index;                        /* of the input's watermark */
	int64_t grace_us;
	WatermarkColumn column;
} Closing;

static inline Closing closing_make(const AggregateClose *close, const OpInput *in)
{
	if (close->key_index < 0 || close->input_watermark < 0) return (Closing){.on = false};
	return (Closing){
		.on = true, .key = close->key_index, .index = close->input_watermark, .grace_us = close->grace_us,
		.column = in->watermarks[close->input_watermark],
	};
}

static inline int64_t closing_watermark(const Closing *closing, const Op *op) { return op->in_watermarks[0][closing->index]; }

/* Is the group with this key value closed? NULL closes never. */
static inline bool closing_closed(const Closing *closing, int64_t watermark, int64_t value)
{
	return watermark_passed(&closing->column, watermark, time_add(value, closing->grace_us));
}

/* Is row `row` of a batch without selection late: is its group closed for what judges it, or was it at the last commit? */
static inline bool closing_late(const Closing *closing, const Op *op, const Batch *dense, const Column *keys, int row)
{
	if (!closing->on || column_is_null(&keys[closing->key], row)) return false;
	int64_t judge = dense->hidden.judge ? watermark_judge(&closing->column, dense->hidden.judge[row]) : WATERMARK_NONE;
	return closing_closed(closing, watermark_later(judge, closing_watermark(closing, op)), keys[closing->key].i64[row]);
}

#endif
