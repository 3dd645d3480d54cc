/* SQLite's date functions: date, time, datetime, julianday, unixepoch and strftime with their modifiers. Months are added as
 * SQLite does: 31 January + 1 month is 3 March. A text that is no time, or an unknown modifier, gives NULL. 'now' is the
 * binder's: it becomes now(). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "expr/kernels.h"
#include "expr/moment.h"
#include "type/number.h"
#include "type/text.h"

/* ---- the time value ---- */

/* A number is a julian day, unless the first modifier says seconds; `number` keeps it for that. */
typedef struct TimeValue { int64_t us; double number; bool is_number; } TimeValue;

#define JULIAN_1970 2440587.5
#define JULIAN_0_US (-210866760000000000ll)

static bool set_julian(TimeValue *value, double days)
{
	value->number = days;
	value->is_number = true;
	if (!(days >= 0 && days < 5373484.5)) return value->us = INT64_MAX, isfinite(days);        /* 'unixepoch' may still make it one */
	value->us = (int64_t)rint((days - JULIAN_1970) * 86400000.0) * 1000;       /* SQLite keeps milliseconds */
	return true;
}

static bool read_value(const Column *column, int row, TimeValue *out)
{
	*out = (TimeValue){0};
	switch (column->type.kind) {
	case TYPE_TIMESTAMP: out->us = column->i64[row]; return true;
	case TYPE_DATE: out->us = column->i64[row] * US_PER_DAY; return true;
	case TYPE_TIME: out->us = days_from_civil(2000, 1, 1) * US_PER_DAY + column->i64[row]; return true;
	case TYPE_INTEGER: case TYPE_BOOLEAN: return set_julian(out, (double)column->i64[row]);
	case TYPE_REAL: return set_julian(out, column->f64[row]);
	case TYPE_DECIMAL: return set_julian(out, decimal_to_real(column->i128[row], column->type.scale));
	default: break;
	}
	if (type_phys(column->type) != PHYS_STR) return false;
	const char *at = str_at(&column->str[row]);
	size_t bytes = column->str[row].bytes;
	double number;
	if (text_to_timestamp(at, bytes, &out->us)) return true;
	if (text_to_time(at, bytes, &out->us)) return out->us += days_from_civil(2000, 1, 1) * US_PER_DAY, true;
	return text_to_real(at, bytes, &number) && set_julian(out, number);
}

/* ---- modifiers ---- */

static bool is_word(const char *at, size_t bytes, const char *word) { return strlen(word) == bytes && strncasecmp(at, word, bytes) == 0; }

static bool add_months(TimeValue *value, int64_t months)
{
	Moment m = {0};
	moment_set(&m, value->us);
	if (months > 120000 || months < -120000) return false;
	int64_t index = (int64_t)m.civil.year * 12 + m.civil.month - 1 + months, year = index / 12 - (index % 12 < 0);
	value->us = days_from_civil(year, (int)(index - year * 12) + 1, m.civil.day) * US_PER_DAY + m.us;
	return true;
}

/* NNN unit: whole months and years by the calendar, their fractions in days of 30 and 365 */
static bool add_units(TimeValue *value, double n, const char *unit, size_t bytes)
{
	static const struct { const char *name; double seconds; int months; } UNITS[] = {
		{"second", 1, 0}, {"minute", 60, 0}, {"hour", 3600, 0}, {"day", 86400, 0}, {"month", 30 * 86400.0, 1}, {"year", 365 * 86400.0, 12},
	};
	if (bytes && (unit[bytes - 1] | 0x20) == 's') bytes--;
	for (int i = 0; i < 6; i++) {
		if (!is_word(unit, bytes, UNITS[i].name)) continue;
		if (fabs(n * UNITS[i].seconds) > 4.7e11) return false;
		if (UNITS[i].months) {
			double whole = trunc(n);
			if (!add_months(value, (int64_t)whole * UNITS[i].months)) return false;
			n -= whole;
		}
		value->us += (int64_t)rint(n * UNITS[i].seconds * 1000) * 1000;
		return true;
	}
	return false;
}

/* +HH:MM[:SS[.fff]] and +YYYY-MM-DD [HH:MM[:SS]] */
static bool add_shift(TimeValue *value, const char *at, size_t bytes)
{
	int sign = *at == '-' ? -1 : 1;
	int64_t us = 0;
	at++, bytes--;
	if (bytes >= 10 && at[4] == '-' && at[7] == '-') {
		char text[11] = {0};
		int years, months, days;
		memcpy(text, at, 10);
		if (sscanf(text, "%4d-%2d-%2d", &years, &months, &days) != 3 || months > 11 || days > 30) return false;
		if (bytes > 10 && (at[10] != ' ' || !text_to_time(at + 11, bytes - 11, &us))) return false;
		if (!add_months(value, sign * (years * 12 + months))) return false;
		value->us += sign * (days * US_PER_DAY + us);
		return true;
	}
	if (!text_to_time(at, bytes, &us)) return false;
	value->us += sign * us;
	return true;
}

static bool start_of(TimeValue *value, const char *unit, size_t bytes)
{
	static const struct { const char *name; TimeUnit unit; } UNITS[] = {{"day", UNIT_DAY}, {"month", UNIT_MONTH}, {"year", UNIT_YEAR}};
	for (int i = 0; i < 3; i++) {
		if (!is_word(unit, bytes, UNITS[i].name)) continue;
		value->us = timestamp_truncate(value->us, UNITS[i].unit);
		return true;
	}
	return false;
}

/* Forward to the next day of the week, 0 Sunday; stays if it is one */
static bool to_weekday(TimeValue *value, const char *at, size_t bytes)
{
	double day;
	int64_t rest;
	if (!text_to_real(at, bytes, &day) || day < 0 || day > 6 || day != floor(day)) return false;
	int ahead = ((int)day - weekday_of(timestamp_day(value->us, &rest)) + 7) % 7;
	value->us += ahead * US_PER_DAY;
	return true;
}

static bool modify_by_number(TimeValue *value, const char *at, size_t bytes)
{
	NumberText parts;
	double n;
	size_t used = number_prefix(at, bytes, &parts);
	if (used < bytes && (at[used] == ':' || (at[used] == '-' && used == 5)) && (*at == '+' || *at == '-')) return add_shift(value, at, bytes);
	if (!used || !text_to_real(at, used, &n)) return false;
	while (used < bytes && at[used] == ' ') used++;
	return add_units(value, n, at + used, bytes - used);
}

static bool modify(TimeValue *value, const Str *modifier, bool first)
{
	const char *at = str_at(modifier);
	size_t bytes = modifier->bytes;
	while (bytes && *at == ' ') at++, bytes--;
	while (bytes && at[bytes - 1] == ' ') bytes--;
	if (!bytes) return false;
	if (value->us == INT64_MAX && !is_word(at, bytes, "unixepoch") && !is_word(at, bytes, "auto")) return false;
	if (is_word(at, bytes, "unixepoch") || (is_word(at, bytes, "auto") && !(value->number >= 0 && value->number < 5373484.5))) {
		if (!first || !value->is_number || fabs(value->number) > 2.6e11) return is_word(at, bytes, "auto") && first && !value->is_number;
		value->us = (int64_t)rint(value->number * 1000) * 1000;
		return true;
	}
	if (is_word(at, bytes, "auto") || is_word(at, bytes, "julianday")) return first && (value->is_number || is_word(at, bytes, "auto"));
	if (is_word(at, bytes, "utc") || is_word(at, bytes, "localtime") || is_word(at, bytes, "subsec") || is_word(at, bytes, "subsecond")) return true;     /* all time is UTC */
	if (bytes > 9 && strncasecmp(at, "start of ", 9) == 0) return start_of(value, at + 9, bytes - 9);
	if (bytes > 8 && strncasecmp(at, "weekday ", 8) == 0) return to_weekday(value, at + 8, bytes - 8);
	return modify_by_number(value, at, bytes);
}

/* Argument `from` and the modifiers behind it; false: NULL */
static bool time_at(KernelCall *call, int from, int row, int64_t *us)
{
	TimeValue value;
	if (!read_value(&call->args[from], row, &value)) return false;
	for (int a = from + 1; a < call->arg_count; a++)
		if (!modify(&value, &call->args[a].str[row], a == from + 1) || value.us > TIMESTAMP_MAX || value.us < JULIAN_0_US) return false;
	*us = value.us;
	return value.us >= TIMESTAMP_MIN && value.us <= TIMESTAMP_MAX;
}

#define TIME_KERNEL(name, member, expression) \
	void kernel_sqlite_##name(KernelCall *call) \
	{ \
		for (int i = 0; i < call->count; i++) { \
			int64_t us = 0, rest = 0, day = 0; \
			if (result_is_null(call, i)) continue; \
			if (!time_at(call, 0, i, &us)) { kernel_null(call, i); continue; } \
			day = timestamp_day(us, &rest); \
			(void)day; \
			call->out->member[i] = expression; \
		} \
	}

TIME_KERNEL(date, i64, day)
TIME_KERNEL(time, i64, rest - rest % US_PER_SECOND)
TIME_KERNEL(datetime, i64, day * US_PER_DAY + rest - rest % US_PER_SECOND)
TIME_KERNEL(julianday, f64, (double)(us / 1000 + 210866760000000) / 86400000.0)
TIME_KERNEL(unixepoch, i64, day * 86400 + rest / US_PER_SECOND)

/* ---- strftime ---- */

/* SQLite's letters; false: another one */
static bool print_letter(StrBuf *out, char letter, const Moment *m)
{
	int seconds = (int)(m->us / US_PER_SECOND), day_of_year = moment_day_of_year(m), weekday = moment_weekday(m), iso_year, hour = seconds / 3600;
	int64_t us = m->day * US_PER_DAY + m->us;
	switch (letter) {
	case 'd': strbuf_printf(out, "%02d", m->civil.day); return true;
	case 'e': strbuf_printf(out, "%2d", m->civil.day); return true;
	case 'f': strbuf_printf(out, "%06.3f", (double)(m->us % US_PER_MINUTE / 1000) / 1000); return true;
	case 'F': strbuf_printf(out, "%04d-%02d-%02d", m->civil.year, m->civil.month, m->civil.day); return true;
	case 'G': moment_iso_week(m, &iso_year); strbuf_printf(out, "%04d", iso_year); return true;
	case 'g': moment_iso_week(m, &iso_year); strbuf_printf(out, "%02d", iso_year % 100); return true;
	case 'H': strbuf_printf(out, "%02d", hour); return true;
	case 'k': strbuf_printf(out, "%2d", hour); return true;
	case 'I': strbuf_printf(out, "%02d", hour % 12 ? hour % 12 : 12); return true;
	case 'l': strbuf_printf(out, "%2d", hour % 12 ? hour % 12 : 12); return true;
	case 'j': strbuf_printf(out, "%03d", day_of_year); return true;
	case 'J': strbuf_printf(out, "%.16g", (double)(us / 1000 + 210866760000000) / 86400000.0); return true;
	case 'm': strbuf_printf(out, "%02d", m->civil.month); return true;
	case 'M': strbuf_printf(out, "%02d", seconds / 60 % 60); return true;
	case 'p': strbuf_adds(out, hour < 12 ? "AM" : "PM"); return true;
	case 'P': strbuf_adds(out, hour < 12 ? "am" : "pm"); return true;
	case 'R': strbuf_printf(out, "%02d:%02d", hour, seconds / 60 % 60); return true;
	case 's': strbuf_printf(out, "%lld", (long long)(m->day * 86400 + seconds)); return true;
	case 'S': strbuf_printf(out, "%02d", seconds % 60); return true;
	case 'T': strbuf_printf(out, "%02d:%02d:%02d", hour, seconds / 60 % 60, seconds % 60); return true;
	case 'u': strbuf_printf(out, "%d", moment_iso_weekday(m)); return true;
	case 'w': strbuf_printf(out, "%d", weekday); return true;
	case 'U': strbuf_printf(out, "%02d", (day_of_year + 6 - weekday) / 7); return true;
	case 'V': strbuf_printf(out, "%02d", moment_iso_week(m, NULL)); return true;
	case 'W': strbuf_printf(out, "%02d", (day_of_year + 6 - (weekday + 6) % 7) / 7); return true;
	case 'Y': strbuf_printf(out, "%04d", m->civil.year); return true;
	case '%': strbuf_addc(out, '%'); return true;
	default: return false;
	}
}

void kernel_sqlite_strftime(KernelCall *call)
{
	StrBuf text = STRBUF_INIT;
	Moment moment = {0};
	for (int i = 0; i < call->count; i++) {
		int64_t us;
		if (result_is_null(call, i)) continue;
		const char *at = str_at(&call->args->str[i]), *end = at + call->args->str[i].bytes;
		bool ok = time_at(call, 1, i, &us);
		strbuf_clear(&text);
		if (ok) moment_set(&moment, us);
		for (; ok && at < end; at++) {
			if (*at != '%') strbuf_addc(&text, *at);
			else ok = ++at < end && print_letter(&text, *at, &moment);
		}
		if (ok) call->out->str[i] = str_copy(call->scratch, text.text, text.bytes);
		else kernel_null(call, i);
	}
	strbuf_release(&text);
}
