/* Times as text by patterns and back, and seconds since 1970. A constant pattern is read once; the text of a row is made
 * again only where its time leaves the unit that the pattern shows (a day for yyyy-MM-dd). */
#include <math.h>
#include <stdlib.h>

#include "expr/json_text.h"
#include "expr/kernels.h"
#include "expr/time_pattern.h"
#include "type/text.h"

typedef struct Formatter {
	PatternStyle style;
	TimePattern *pattern;     /* NULL: none that can be read, or it varies */
	char *text;               /* the pattern that `pattern` was read from, where it varies */
	size_t text_bytes;
	Moment moment;
	int64_t shown_from;       /* `shown` is the text of shown_from <= t < shown_from + unit */
	Str shown;
	bool has_shown;
} Formatter;

static void *prepare(const Value *const *constants, int pattern_arg, int arg_count, PatternStyle style, const char *usual)
{
	Formatter *formatter = mem_new(Formatter);
	formatter->style = style;
	const Str *text = pattern_arg < arg_count ? constant_text(constants, pattern_arg) : NULL;
	if (text) formatter->pattern = time_pattern_read(str_at(text), text->bytes, style);
	else if (pattern_arg >= arg_count && usual) formatter->pattern = time_pattern_read(usual, strlen(usual), style);
	return formatter;
}

static void unprepare(void *state)
{
	Formatter *formatter = state;
	time_pattern_free(formatter->pattern);
	free(formatter->text);
	free(formatter);
}

void *prepare_postgres_pattern(const Value *const *constants, int arg_count) { return prepare(constants, 1, arg_count, PATTERN_POSTGRES, NULL); }
void unprepare_postgres_pattern(void *state) { unprepare(state); }
void *prepare_java_pattern(const Value *const *constants, int arg_count) { return prepare(constants, 1, arg_count, PATTERN_JAVA, "yyyy-MM-dd HH:mm:ss"); }
void unprepare_java_pattern(void *state) { unprepare(state); }

/* The pattern of a row; NULL: it cannot be read */
static const TimePattern *pattern_of(KernelCall *call, Formatter *formatter, int row)
{
	if (call->arg_count < 2 || call->constants[1]) return formatter->pattern;
	const Str *text = &call->args[1].str[row];
	if (formatter->text && formatter->text_bytes == text->bytes && memcmp(formatter->text, str_at(text), text->bytes) == 0) return formatter->pattern;
	time_pattern_free(formatter->pattern);
	formatter->text = mem_realloc(formatter->text, text->bytes + 1);
	memcpy(formatter->text, str_at(text), text->bytes);
	formatter->text_bytes = text->bytes;
	formatter->has_shown = false;
	return formatter->pattern = time_pattern_read(formatter->text, formatter->text_bytes, formatter->style);
}

static void format_row(KernelCall *call, Formatter *formatter, int row, int64_t us)
{
	const TimePattern *pattern = pattern_of(call, formatter, row);
	if (!pattern) {
		kernel_null(call, row);
		return;
	}
	int64_t unit = time_pattern_unit_us(pattern);
	if (!formatter->has_shown || us < formatter->shown_from || us >= formatter->shown_from + unit) {
		moment_set(&formatter->moment, us);
		char *out = arena_alloc(call->scratch, time_pattern_room(pattern));
		formatter->shown = str_borrow(out, time_pattern_print(pattern, &formatter->moment, out));
		formatter->shown_from = us - formatter->moment.us % unit;
		formatter->has_shown = true;
	}
	call->out->str[row] = formatter->shown;
}

static void begin(Formatter *formatter)
{
	if (formatter->shown.bytes > STR_INLINE_BYTES) formatter->has_shown = false;     /* it lay in the scratch of an earlier batch */
}

void kernel_format_time(KernelCall *call)
{
	Formatter *formatter = call->state;
	begin(formatter);
	for (int i = 0; i < call->count; i++)
		if (!result_is_null(call, i)) format_row(call, formatter, i, call->args->i64[i]);
}

void kernel_parse_time(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		const TimePattern *pattern = pattern_of(call, call->state, i);
		const Str *text = &call->args->str[i];
		if (!pattern || !time_pattern_parse(pattern, str_at(text), text->bytes, &call->out->i64[i])) kernel_null(call, i);
	}
}

static int64_t floor_div(int64_t x, int64_t by) { return x / by - (x % by < 0); }

void kernel_parse_date(KernelCall *call)
{
	kernel_parse_time(call);
	for (int i = 0; i < call->count; i++)
		if (!result_is_null(call, i)) call->out->i64[i] = floor_div(call->out->i64[i], US_PER_DAY);
}

void kernel_parse_clock(KernelCall *call)
{
	kernel_parse_time(call);
	for (int i = 0; i < call->count; i++)
		if (!result_is_null(call, i)) timestamp_day(call->out->i64[i], &call->out->i64[i]);
}

/* ---- as JSON holds them ---- */

void kernel_json_timestamp(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (!json_time(&call->args->str[i], &call->out->i64[i])) kernel_null(call, i);
}

void kernel_json_date(KernelCall *call)
{
	for (int i = 0; i < call->count; i++)
		if (!json_date(&call->args->str[i], &call->out->i64[i])) kernel_null(call, i);
}

/* ---- seconds since 1970 ---- */

static bool in_range(int64_t us) { return us >= TIMESTAMP_MIN && us <= TIMESTAMP_MAX; }

static void set_scaled(KernelCall *call, int row, int64_t number, int64_t unit)
{
	if (__builtin_mul_overflow(number, unit, &call->out->i64[row]) || !in_range(call->out->i64[row])) kernel_null(call, row);
}

void kernel_from_seconds(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) set_scaled(call, i, call->args->i64[i], US_PER_SECOND);
}

void kernel_from_milliseconds(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) set_scaled(call, i, call->args->i64[i], 1000);
}

void kernel_from_microseconds(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) set_scaled(call, i, call->args->i64[i], 1);
}

/* to_timestamp_ltz(number, 0 | 3): seconds or milliseconds */
void kernel_from_precision(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t precision = call->args[1].i64[i];
		if (precision == 0 || precision == 3) set_scaled(call, i, call->args->i64[i], precision ? 1000 : US_PER_SECOND);
		else kernel_null(call, i);
	}
}

static void set_real_scaled(KernelCall *call, int i, double value, int64_t unit)
{
	double us = rint(value * (double)unit);
	if (us >= (double)TIMESTAMP_MIN && us <= (double)TIMESTAMP_MAX) call->out->i64[i] = (int64_t)us;
	else kernel_null(call, i);
}

void kernel_from_real_seconds(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) set_real_scaled(call, i, call->args->f64[i], US_PER_SECOND);
}

/* to_timestamp_ltz(1.25, 0) */
void kernel_from_real_precision(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t precision = call->args[1].i64[i];
		if (precision == 0 || precision == 3) set_real_scaled(call, i, call->args->f64[i], precision ? 1000 : US_PER_SECOND);
		else kernel_null(call, i);
	}
}

void kernel_to_seconds(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = floor_div(call->args->i64[i], US_PER_SECOND);
}

void kernel_clock_seconds(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = floor_div(call->system_us, US_PER_SECOND);
}

/* Flink's FROM_UNIXTIME(seconds [, pattern]) */
void kernel_format_seconds(KernelCall *call)
{
	Formatter *formatter = call->state;
	begin(formatter);
	for (int i = 0; i < call->count; i++) {
		int64_t us;
		if (result_is_null(call, i)) continue;
		if (__builtin_mul_overflow(call->args->i64[i], US_PER_SECOND, &us) || !in_range(us)) kernel_null(call, i);
		else format_row(call, formatter, i, us);
	}
}

/* Flink's UNIX_TIMESTAMP(text [, pattern]) */
void kernel_parse_seconds(KernelCall *call)
{
	kernel_parse_time(call);
	for (int i = 0; i < call->count; i++)
		if (!result_is_null(call, i)) call->out->i64[i] = floor_div(call->out->i64[i], US_PER_SECOND);
}

/* ---- now ---- */

void kernel_now(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = call->system_us;
}

void kernel_today(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = floor_div(call->system_us, US_PER_DAY);
}

void kernel_time_now(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) timestamp_day(call->system_us, &call->out->i64[i]);
}

/* ---- made of parts ---- */

static bool day_of(int64_t year, int64_t month, int64_t day, int64_t *out)
{
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, (int)month)) return false;
	*out = days_from_civil(year, (int)month, (int)day);
	return true;
}

static bool clock_of(int64_t hour, int64_t minute, double second, int64_t *out)
{
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(second >= 0 && second < 60)) return false;
	*out = (hour * 60 + minute) * US_PER_MINUTE + (int64_t)rint(second * US_PER_SECOND);
	return *out < US_PER_DAY;
}

void kernel_make_date(KernelCall *call)
{
	const Column *a = call->args;
	for (int i = 0; i < call->count; i++)
		if (!day_of(a[0].i64[i], a[1].i64[i], a[2].i64[i], &call->out->i64[i])) kernel_null(call, i);
}

void kernel_make_time(KernelCall *call)
{
	const Column *a = call->args;
	for (int i = 0; i < call->count; i++)
		if (!clock_of(a[0].i64[i], a[1].i64[i], a[2].f64[i], &call->out->i64[i])) kernel_null(call, i);
}

void kernel_make_timestamp(KernelCall *call)
{
	const Column *a = call->args;
	for (int i = 0; i < call->count; i++) {
		int64_t day, clock;
		if (day_of(a[0].i64[i], a[1].i64[i], a[2].i64[i], &day) && clock_of(a[3].i64[i], a[4].i64[i], a[5].f64[i], &clock)) call->out->i64[i] = day * US_PER_DAY + clock;
		else kernel_null(call, i);
	}
}

/* make_interval(years, months, weeks, days, hours, minutes, seconds) */
void kernel_make_interval(KernelCall *call)
{
	const Column *a = call->args;
	for (int i = 0; i < call->count; i++) {
		int64_t n[6] = {0};
		for (int p = 0; p < 6 && p < call->arg_count; p++) n[p] = a[p].i64[i];
		double seconds = call->arg_count > 6 ? a[6].f64[i] : 0;
		Int128 months = (Int128)n[0] * 12 + n[1], days = (Int128)n[2] * 7 + n[3], us = ((Int128)n[4] * 60 + n[5]) * US_PER_MINUTE;
		if (fabs(seconds) > 9e12 || months != (int32_t)months || days != (int32_t)days || us > INT64_MAX / 2 || us < INT64_MIN / 2) kernel_null(call, i);
		else call->out->interval[i] = (Interval){.months = (int32_t)months, .days = (int32_t)days, .us = (int64_t)us + (int64_t)rint(seconds * US_PER_SECOND)};
	}
}

/* ---- intervals brought into form ---- */

static void justify(KernelCall *call, bool hours, bool days)
{
	for (int i = 0; i < call->count; i++) {
		Interval x = call->args->interval[i];
		int64_t all_days = x.days + (hours ? x.us / US_PER_DAY : 0), all_months = x.months + (days ? all_days / 30 : 0);
		if (hours) x.us %= US_PER_DAY;
		if (days) all_days %= 30;
		x.days = (int32_t)all_days;
		x.months = (int32_t)all_months;
		if (x.days != all_days || x.months != all_months) kernel_overflow(call, i);
		call->out->interval[i] = x;
	}
}

void kernel_justify_hours(KernelCall *call) { justify(call, true, false); }
void kernel_justify_days(KernelCall *call) { justify(call, false, true); }

static int32_t whole_units(Int128 *length, Int128 unit)
{
	Int128 count = *length / unit;
	if (count > INT32_MAX) count = INT32_MAX;
	if (count < INT32_MIN) count = INT32_MIN;
	*length -= count * unit;
	return (int32_t)count;
}

/* One form for all intervals of a length: parts of one sign, less than a month of days, less than a day of the rest. Of the longest the days, or the rest, take
 * what does not fit. */
void kernel_justify_interval(KernelCall *call)
{
	const Int128 day = US_PER_DAY;
	for (int i = 0; i < call->count; i++) {
		Int128 length = interval_compare_us(call->args->interval[i]);
		Interval *out = &call->out->interval[i];
		out->months = whole_units(&length, 30 * day);
		out->days = whole_units(&length, day);
		out->us = (int64_t)length;
	}
}

/* The last day of the month */
void kernel_last_day(KernelCall *call)
{
	Moment m = {0};
	for (int i = 0; i < call->count; i++) {
		moment_set(&m, call->args->i64[i]);
		call->out->i64[i] = m.day - m.civil.day + days_in_month(m.civil.year, m.civil.month);
	}
}
