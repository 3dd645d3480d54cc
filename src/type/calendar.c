#include "type/calendar.h"

#include <endian.h>
#include <string.h>

#include "type/text.h"

/* ---- days ---- */

/* Years begin in March here, so that the leap day is the last; 400 years are one era (Howard Hinnant, "chrono-compatible
 * low-level date algorithms"). */
int64_t days_from_civil(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

Civil civil_from_days(int64_t days)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned of_era = (unsigned)(days - era * 146097);
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;
	Civil civil = {.day = (int)(of_year - (153 * month + 2) / 5 + 1), .month = (int)(month < 10 ? month + 3 : month - 9)};
	civil.year = (int)((int64_t)year + era * 400 + (civil.month <= 2));
	return civil;
}

int days_in_month(int64_t year, int month)
{
	static const int DAYS[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return month == 2 && is_leap_year(year) ? 29 : DAYS[month];
}

/* ---- printing ---- */

static char *print_two(char *to, int x)
{
	to[0] = (char)('0' + x / 10);
	to[1] = (char)('0' + x % 10);
	return to + 2;
}

int date_print(int64_t days, char *out)
{
	Civil civil = civil_from_days(days);
	char *to = out;
	if (civil.year < 0) { *to++ = '-'; civil.year = -civil.year; }
	if (civil.year > 9999) to = print_two(to, civil.year / 10000);
	to = print_two(to, civil.year / 100 % 100);
	to = print_two(to, civil.year % 100);
	*to++ = '-';
	to = print_two(to, civil.month);
	*to++ = '-';
	return (int)(print_two(to, civil.day) - out);
}

static char *print_fraction(char *to, int us)
{
	if (!us) return to;
	*to = '.';
	for (int i = 6; i; i--, us /= 10) to[i] = (char)('0' + us % 10);
	to += 7;
	while (to[-1] == '0') to--;
	return to;
}

int time_print(int64_t us, char *out)
{
	int seconds = (int)(us / US_PER_SECOND);
	char *to = print_two(out, seconds / 3600);
	*to++ = ':';
	to = print_two(to, seconds / 60 % 60);
	*to++ = ':';
	to = print_two(to, seconds % 60);
	return (int)(print_fraction(to, (int)(us % US_PER_SECOND)) - out);
}

int timestamp_print(int64_t us, char *out)
{
	int64_t rest, day = timestamp_day(us, &rest);
	int bytes = date_print(day, out);
	out[bytes++] = ' ';
	return bytes + time_print(rest, out + bytes);
}

/* ---- reading ---- */

typedef struct Cursor { const char *at, *end; } Cursor;

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static Cursor cursor_trimmed(const char *at, size_t bytes)
{
	const char *end = at + bytes;
	while (at < end && is_blank(*at)) at++;
	while (end > at && is_blank(end[-1])) end--;
	return (Cursor){at, end};
}

static bool take(Cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted) return false;
	c->at++;
	return true;
}

static bool take_number(Cursor *c, int digits_min, int digits_max, int *out)
{
	int count = 0;
	*out = 0;
	while (c->at < c->end && count < digits_max && (unsigned char)(*c->at - '0') < 10) {
		*out = *out * 10 + (*c->at++ - '0');
		count++;
	}
	return count >= digits_min;
}

/* 1 to any number of digits; what is finer than a microsecond is cut */
static bool take_fraction(Cursor *c, int *us)
{
	int unit = 100000;
	const char *start = c->at;
	*us = 0;
	for (; c->at < c->end && (unsigned char)(*c->at - '0') < 10; c->at++, unit /= 10) *us += unit * (*c->at - '0');
	return c->at > start;
}

static bool take_date(Cursor *c, int64_t *days)
{
	int year, month, day;
	if (!take_number(c, 4, 4, &year) || !take(c, '-') || !take_number(c, 1, 2, &month) || !take(c, '-') || !take_number(c, 1, 2, &day)) return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return false;
	*days = days_from_civil(year, month, day);
	return true;
}

static bool take_clock(Cursor *c, int64_t *us)
{
	int hour, minute, second = 0, fraction = 0;
	if (!take_number(c, 1, 2, &hour) || !take(c, ':') || !take_number(c, 2, 2, &minute)) return false;
	if (take(c, ':')) {
		if (!take_number(c, 2, 2, &second)) return false;
		if (c->at < c->end && (*c->at == '.' || *c->at == ',')) {
			c->at++;
			if (!take_fraction(c, &fraction)) return false;
		}
	}
	if (hour > 23 || minute > 59 || second > 59) return false;
	*us = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND + fraction;
	return true;
}

/* Nothing, Z, UTC, +02, +0200, +02:00; blanks before it are allowed */
static bool take_offset(Cursor *c, int64_t *offset_us)
{
	int hours, minutes = 0;
	*offset_us = 0;
	while (c->at < c->end && *c->at == ' ') c->at++;
	if (c->at == c->end) return true;
	if (take(c, 'Z') || take(c, 'z')) return true;
	if (c->end - c->at == 3 && (memcmp(c->at, "UTC", 3) == 0 || memcmp(c->at, "GMT", 3) == 0)) return c->at = c->end, true;
	bool west = *c->at == '-';
	if (!west && *c->at != '+') return false;
	c->at++;
	if (!take_number(c, 2, 2, &hours)) return false;
	take(c, ':');
	if (c->at < c->end && !take_number(c, 2, 2, &minutes)) return false;
	if (hours > 18 || minutes > 59) return false;
	*offset_us = (hours * 60 + minutes) * US_PER_MINUTE * (west ? -1 : 1);
	return true;
}

static bool timestamp_slow(Cursor c, int64_t *us)
{
	int64_t days, clock = 0, offset = 0;
	if (!take_date(&c, &days)) return false;
	if (c.at < c.end && (*c.at == 'T' || *c.at == 't' || *c.at == ' ')) {
		c.at++;
		while (c.at < c.end && *c.at == ' ') c.at++;
		if (!take_clock(&c, &clock) || !take_offset(&c, &offset)) return false;
	}
	*us = days * US_PER_DAY + clock - offset;
	return c.at == c.end && *us >= TIMESTAMP_MIN && *us <= TIMESTAMP_MAX;
}

/* Eight bytes at once; the first is the lowest. `separators` has, where a separator must stand, what turns it into '0'. */
static inline bool digit_pairs(const char *at, uint64_t separators, uint64_t *pairs)
{
	uint64_t x;
	memcpy(&x, at, 8);
	x = le64toh(x) ^ separators;
	if (((x & 0xf0f0f0f0f0f0f0f0ull) | ((x + 0x0606060606060606ull) & 0xf0f0f0f0f0f0f0f0ull) >> 4) != 0x3333333333333333ull) return false;
	x &= 0x0f0f0f0f0f0f0f0full;
	*pairs = x * 10 + (x >> 8);                          /* byte i: the number of digits i and i + 1 */
	return true;
}

static inline int pair(uint64_t pairs, int byte) { return (int)(pairs >> 8 * byte & 0xff); }

#define DASH ((uint64_t)('-' ^ '0'))
#define COLON ((uint64_t)(':' ^ '0'))

/* YYYY-MM-DD?HH:MM:SS, the form that nearly all records have */
static inline bool timestamp_fixed(const char *at, int64_t *us)
{
	uint64_t date, clock;
	if (!digit_pairs(at, DASH << 32 | DASH << 56, &date) || !digit_pairs(at + 11, COLON << 16 | COLON << 40, &clock)) return false;
	if (at[4] != '-' || at[7] != '-' || at[13] != ':' || at[16] != ':' || (at[10] != 'T' && at[10] != ' ')) return false;
	unsigned tens = (unsigned char)(at[8] - '0'), ones = (unsigned char)(at[9] - '0');
	if (tens > 9 || ones > 9) return false;
	int year = pair(date, 0) * 100 + pair(date, 2), month = pair(date, 5), day = (int)(tens * 10 + ones);
	int hour = pair(clock, 0), minute = pair(clock, 3), second = pair(clock, 6);
	if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
	if (day > 28 && day > days_in_month(year, month)) return false;
	*us = days_from_civil(year, month, day) * US_PER_DAY + ((hour * 60 + minute) * 60 + second) * US_PER_SECOND;
	return true;
}

bool text_to_timestamp(const char *at, size_t bytes, int64_t *us)
{
	enum { FIXED_BYTES = 19 };
	static const int UNITS[7] = {0, 100000, 10000, 1000, 100, 10, 1};
	if (bytes < FIXED_BYTES || !timestamp_fixed(at, us)) return timestamp_slow(cursor_trimmed(at, bytes), us);
	size_t end = bytes - (at[bytes - 1] == 'Z'), digits = end - FIXED_BYTES;
	if (digits == 0) return true;
	if (at[FIXED_BYTES] != '.' || digits < 2 || digits > 7) return timestamp_slow(cursor_trimmed(at, bytes), us);
	int fraction = 0;
	for (size_t i = FIXED_BYTES + 1; i < end; i++) {
		if ((unsigned char)(at[i] - '0') > 9) return timestamp_slow(cursor_trimmed(at, bytes), us);
		fraction = fraction * 10 + (at[i] - '0');
	}
	*us += fraction * UNITS[digits - 1];
	return true;
}

/* A date, or a timestamp that loses nothing as a date */
bool text_to_date(const char *at, size_t bytes, int64_t *days)
{
	Cursor c = cursor_trimmed(at, bytes);
	if (take_date(&c, days) && c.at == c.end) return true;
	int64_t us, rest;
	if (!text_to_timestamp(at, bytes, &us)) return false;
	*days = timestamp_day(us, &rest);
	return rest == 0;
}

bool text_to_time(const char *at, size_t bytes, int64_t *us)
{
	Cursor c = cursor_trimmed(at, bytes);
	if (!take_clock(&c, us)) return false;
	take(&c, 'Z');
	return c.at == c.end;
}

/* ---- arithmetic ---- */

bool timestamp_add_interval(int64_t us, Interval interval, int sign, int64_t *out)
{
	if (us < TIMESTAMP_MIN || us > TIMESTAMP_MAX) return false;
	if (interval.months) {
		int64_t rest, day = timestamp_day(us, &rest);
		Civil civil = civil_from_days(day);
		int64_t months = (int64_t)civil.year * 12 + civil.month - 1 + (int64_t)sign * interval.months;
		int64_t year = months / 12 - (months % 12 < 0);
		int month = (int)(months - year * 12) + 1;
		if (year < 1 || year > 9999) return false;
		int last = days_in_month(year, month);
		us = days_from_civil(year, month, civil.day < last ? civil.day : last) * US_PER_DAY + rest;
	}
	Int128 sum = (Int128)us + sign * ((Int128)interval.days * US_PER_DAY + interval.us);
	if (sum < TIMESTAMP_MIN || sum > TIMESTAMP_MAX) return false;
	*out = (int64_t)sum;
	return true;
}

/* ---- numbers since 1970 ---- */

/* 1e11 seconds are in the year 5138, 1e11 milliseconds in 1973. */
int64_t epoch_divisor_by_size(Int128 nano)
{
	Int128 size = (nano < 0 ? -nano : nano) / 1000000000;
	if (size < 100000000000) return 1000;
	return size < 100000000000000 ? 1000000 : size < 100000000000000000 ? 1000000000 : 1000000000000;
}

bool epoch_to_timestamp(Int128 nano, int64_t divisor, int64_t *us)
{
	Int128 whole = nano / divisor;
	if (nano % divisor < 0) whole--;
	if (whole < TIMESTAMP_MIN || whole > TIMESTAMP_MAX) return false;
	*us = (int64_t)whole;
	return true;
}
