/* Intervals: '1 day 02:03:04' (PostgreSQL), '1-2' and '1 10:00' (the standard), P1DT2H (ISO 8601). Months, days and
 * microseconds stay apart, since their lengths differ from month to month. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "type/calendar.h"
#include "type/text.h"

/* A count of one unit is `months` months, `days` days and `us` microseconds; one of them is not 0. */
typedef struct Unit { const char *names; int months, days; int64_t us; } Unit;

static const Unit UNITS[] = {
	{" microsecond microseconds us usec usecs ", 0, 0, 1},
	{" millisecond milliseconds ms msec msecs ", 0, 0, 1000},
	{" second seconds s sec secs ", 0, 0, US_PER_SECOND},
	{" minute minutes m min mins ", 0, 0, US_PER_MINUTE},
	{" hour hours h hr hrs ", 0, 0, US_PER_HOUR},
	{" day days d ", 0, 1, 0},
	{" week weeks w ", 0, 7, 0},
	{" month months mon mons ", 1, 0, 0},
	{" quarter quarters ", 3, 0, 0},
	{" year years y yr yrs ", 12, 0, 0},
	{" decade decades ", 120, 0, 0},
	{" century centuries ", 1200, 0, 0},
	{" millennium millennia millenniums ", 12000, 0, 0},
};
enum { UNIT_COUNT = sizeof UNITS / sizeof *UNITS, UNIT_SECOND = 2, UNIT_MINUTE, UNIT_HOUR, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_YEAR = 9 };

static const Unit *unit_find(const char *name, size_t bytes)
{
	char word[24];
	if (bytes == 0 || bytes > sizeof word - 3) return NULL;
	word[0] = ' ';
	for (size_t i = 0; i < bytes; i++) {
		char c = name[i];
		if (c >= 'A' && c <= 'Z') c = (char)(c | 0x20);
		if (c < 'a' || c > 'z') return NULL;
		word[i + 1] = c;
	}
	word[bytes + 1] = ' ';
	word[bytes + 2] = 0;
	for (int i = 0; i < UNIT_COUNT; i++)
		if (strstr(UNITS[i].names, word)) return &UNITS[i];
	return NULL;
}

/* A number as it stands: sign, whole part, and the fraction in billionths. */
typedef struct Quantity { bool negative; int64_t whole, billionths; } Quantity;

/* Sums that may pass what an Interval holds; checked once at the end. */
typedef struct Sum { Int128 months, days, us; } Sum;

static bool sum_take(const Sum *sum, Interval *out)
{
	if (sum->months < INT_MIN || sum->months > INT_MAX || sum->days < INT_MIN || sum->days > INT_MAX) return false;
	if (sum->us < INT64_MIN || sum->us > INT64_MAX) return false;
	*out = (Interval){.months = (int32_t)sum->months, .days = (int32_t)sum->days, .us = (int64_t)sum->us};
	return true;
}

/* The fraction of a month is counted in days of 1/30, that of a day in microseconds, as PostgreSQL does. A fraction of a
 * year gives whole months. */
static void sum_add(Sum *sum, const Unit *unit, Quantity q)
{
	const Int128 billion = 1000000000;
	int sign = q.negative ? -1 : 1;
	sum->months += sign * (Int128)q.whole * unit->months;
	sum->days += sign * (Int128)q.whole * unit->days;
	sum->us += sign * ((Int128)q.whole * unit->us + (Int128)q.billionths * unit->us / billion);
	Int128 month_part = (Int128)q.billionths * unit->months, day_part = (Int128)q.billionths * unit->days;
	sum->months += sign * (month_part / billion);
	if (unit->months == 1) day_part += month_part % billion * 30;
	sum->days += sign * (day_part / billion);
	sum->us += sign * (day_part % billion * US_PER_DAY / billion);
}

typedef struct Cursor { const char *at, *end; } Cursor;

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }
static bool is_letter(char c) { return (unsigned char)((c | 0x20) - 'a') < 26; }
static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void skip_blanks(Cursor *c) { while (c->at < c->end && is_blank(*c->at)) c->at++; }

static bool take(Cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted) return false;
	c->at++;
	return true;
}

static bool take_whole(Cursor *c, int64_t *out)
{
	const char *start = c->at;
	*out = 0;
	for (; c->at < c->end && is_digit(*c->at); c->at++)
		if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *c->at - '0', out)) return false;
	return c->at > start;
}

static bool take_fraction(Cursor *c, int64_t *billionths)
{
	int64_t unit = 100000000;
	const char *start = c->at;
	for (; c->at < c->end && is_digit(*c->at); c->at++, unit /= 10) *billionths += unit * (*c->at - '0');
	return c->at > start;
}

static bool take_quantity(Cursor *c, Quantity *q)
{
	*q = (Quantity){0};
	if (c->at < c->end && (*c->at == '-' || *c->at == '+')) q->negative = *c->at++ == '-';
	bool whole = take_whole(c, &q->whole);
	if (!whole && q->whole) return false;
	if (take(c, '.') || take(c, ',')) return take_fraction(c, &q->billionths) || whole;
	return whole;
}

/* What follows the first number of HH:MM[:SS[.fff]]; first_unit UNIT_MINUTE reads MM:SS. */
static bool take_clock(Cursor *c, Quantity first, int first_unit, Sum *sum)
{
	Quantity next = {.negative = first.negative};
	sum_add(sum, &UNITS[first_unit], first);
	for (int unit = first_unit - 1; take(c, ':'); unit--) {
		if (unit < UNIT_SECOND) return false;
		next.billionths = 0;
		if (!take_whole(c, &next.whole) || next.whole > 59) return false;
		if (unit == UNIT_SECOND && take(c, '.') && !take_fraction(c, &next.billionths)) return false;
		sum_add(sum, &UNITS[unit], next);
	}
	return true;
}

static bool take_word(Cursor *c, const char **word, size_t *bytes)
{
	*word = c->at;
	while (c->at < c->end && is_letter(*c->at)) c->at++;
	*bytes = (size_t)(c->at - *word);
	return *bytes > 0;
}

/* P1Y2M3W4DT5H6M7.8S; a sign before P or before any number */
static bool iso_interval(Cursor *c, bool negative, Sum *sum)
{
	static const char LETTERS[] = "YMWD", CLOCK_LETTERS[] = "HMS";
	static const int LETTER_UNITS[] = {UNIT_YEAR, UNIT_MONTH, UNIT_WEEK, UNIT_DAY}, CLOCK_UNITS[] = {UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND};
	bool clock = false, any = false;
	while (c->at < c->end) {
		Quantity q;
		if (!clock && (take(c, 'T') || take(c, 't'))) {
			clock = true;
			any = false;
			continue;
		}
		if (!take_quantity(c, &q) || c->at == c->end) return false;
		if (negative) q.negative = !q.negative;
		char letter = *c->at++;
		if (letter >= 'a') letter = (char)(letter - 32);
		const char *found = strchr(clock ? CLOCK_LETTERS : LETTERS, letter);
		if (!found || !letter) return false;
		sum_add(sum, &UNITS[clock ? CLOCK_UNITS[found - CLOCK_LETTERS] : LETTER_UNITS[found - LETTERS]], q);
		any = true;
	}
	return any;
}

/* One of: 5 seconds | 02:03:04 | 1-2 | 1 10:00 (days and a clock) | 10 (seconds, only alone) */
static bool take_part(Cursor *c, Sum *sum, bool alone)
{
	Quantity q, months;
	const char *word;
	size_t bytes;
	if (!take_quantity(c, &q)) return false;
	if (c->at < c->end && *c->at == ':') return take_clock(c, q, UNIT_HOUR, sum);
	if (c->at < c->end && *c->at == '-' && !q.billionths) {
		c->at++;
		months = (Quantity){.negative = q.negative};
		if (!take_whole(c, &months.whole) || months.whole > 11) return false;
		sum_add(sum, &UNITS[UNIT_YEAR], q);
		sum_add(sum, &UNITS[UNIT_MONTH], months);
		return true;
	}
	skip_blanks(c);
	if (take_word(c, &word, &bytes)) {
		const Unit *unit = unit_find(word, bytes);
		if (!unit) return false;
		sum_add(sum, unit, q);
		return true;
	}
	if (c->at == c->end && alone) {
		sum_add(sum, &UNITS[UNIT_SECOND], q);
		return true;
	}
	const char *colon = c->at < c->end ? memchr(c->at, ':', (size_t)(c->end - c->at)) : NULL;
	if (!colon) return false;
	sum_add(sum, &UNITS[UNIT_DAY], q);
	Quantity hours;
	bool sign_follows = *c->at == '-' || *c->at == '+';
	if (!take_quantity(c, &hours) || c->at == c->end || *c->at != ':') return false;
	if (!sign_follows) hours.negative = q.negative;
	return take_clock(c, hours, UNIT_HOUR, sum);
}

static Cursor cursor_trimmed(const char *at, size_t bytes)
{
	Cursor c = {at, at + bytes};
	skip_blanks(&c);
	while (c.end > c.at && is_blank(c.end[-1])) c.end--;
	return c;
}

bool text_to_interval(const char *at, size_t bytes, Interval *out)
{
	Cursor c = cursor_trimmed(at, bytes);
	Sum sum = {0};
	if (c.at == c.end) return false;
	Cursor iso = c;
	bool negative = take(&iso, '-');
	if (take(&iso, 'P') || take(&iso, 'p')) return iso_interval(&iso, negative, &sum) && sum_take(&sum, out);
	for (bool alone = true; c.at < c.end; alone = false) {
		if (!take_part(&c, &sum, alone)) return false;
		skip_blanks(&c);
		take(&c, ',');
		skip_blanks(&c);
		if (c.end - c.at == 3 && strncasecmp(c.at, "ago", 3) == 0) {
			sum = (Sum){-sum.months, -sum.days, -sum.us};
			break;
		}
	}
	return sum_take(&sum, out);
}

/* "DAY TO SECOND" -> the two units; parentheses of precisions are passed over */
static bool unit_range(const char *unit, const Unit **from, const Unit **to)
{
	Cursor c = {unit, unit + strlen(unit)};
	const char *word;
	size_t bytes;
	*from = *to = NULL;
	while (c.at < c.end) {
		skip_blanks(&c);
		if (take(&c, '(')) {
			while (c.at < c.end && *c.at != ')') c.at++;
			if (!take(&c, ')')) return false;
			continue;
		}
		if (!take_word(&c, &word, &bytes)) break;
		if (*from && bytes == 2 && strncasecmp(word, "to", 2) == 0) continue;
		const Unit *found = unit_find(word, bytes);
		if (!found) return false;
		if (!*from) *from = found;
		else *to = found;
	}
	skip_blanks(&c);
	return *from && c.at == c.end;
}

bool text_to_interval_unit(const char *at, size_t bytes, const char *unit, Interval *out)
{
	const Unit *from, *to;
	Quantity q;
	Sum sum = {0};
	if (!unit_range(unit, &from, &to)) return false;
	Cursor c = cursor_trimmed(at, bytes), number = c;
	if (take_quantity(&number, &q) && number.at == number.end) {          /* a number alone counts the last unit */
		sum_add(&sum, to ? to : from, q);
		return sum_take(&sum, out);
	}
	bool is_minutes = from == &UNITS[UNIT_MINUTE] && to == &UNITS[UNIT_SECOND];
	number = c;
	if (is_minutes && take_quantity(&number, &q) && number.at < number.end && *number.at == ':')
		return take_clock(&number, q, UNIT_MINUTE, &sum) && number.at == number.end && sum_take(&sum, out);
	return text_to_interval(c.at, (size_t)(c.end - c.at), out);
}

/* ---- lengths ---- */

Int128 interval_compare_us(Interval interval)
{
	return ((Int128)interval.months * 30 + interval.days) * US_PER_DAY + interval.us;
}

bool interval_to_us(Interval interval, int64_t *us)
{
	Int128 length = (Int128)interval.days * US_PER_DAY + interval.us;
	if (interval.months || length < INT64_MIN || length > INT64_MAX) return false;
	*us = (int64_t)length;
	return true;
}

/* ---- printing ---- */

static int print_count(char *out, int64_t count, char letter)
{
	return count ? sprintf(out, "%lld%c", (long long)count, letter) : 0;
}

/* Every number has a sign of its own, as in PostgreSQL's iso_8601 style. */
int interval_print(Interval interval, char *out)
{
	char *to = out;
	*to++ = 'P';
	to += print_count(to, interval.months / 12, 'Y');
	to += print_count(to, interval.months % 12, 'M');
	to += print_count(to, interval.days, 'D');
	if (interval.us) {
		*to++ = 'T';
		to += print_count(to, interval.us / US_PER_HOUR, 'H');
		to += print_count(to, interval.us / US_PER_MINUTE % 60, 'M');
		int64_t us = interval.us % US_PER_MINUTE;
		if (us) {
			int64_t whole = us / US_PER_SECOND, fraction = us % US_PER_SECOND;
			to += sprintf(to, "%s%lld", us < 0 ? "-" : "", (long long)(whole < 0 ? -whole : whole));
			if (fraction) {
				to += sprintf(to, ".%06lld", (long long)(fraction < 0 ? -fraction : fraction));
				while (to[-1] == '0') to--;
			}
			*to++ = 'S';
		}
	}
	if (to == out + 1) to += sprintf(to, "T0S");
	return (int)(to - out);
}
