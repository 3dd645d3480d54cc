#include "expr/time_pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"

typedef enum FieldKind {
	FIELD_TEXT, FIELD_YEAR, FIELD_YEAR_LAST, FIELD_YEAR_COMMA, FIELD_ISO_YEAR, FIELD_ISO_YEAR_LAST, FIELD_ERA, FIELD_CENTURY, FIELD_QUARTER,
	FIELD_MONTH, FIELD_MONTH_NAME, FIELD_MONTH_SHORT, FIELD_MONTH_ROMAN, FIELD_ISO_WEEK, FIELD_WEEK_OF_YEAR, FIELD_WEEK_OF_MONTH,
	FIELD_DAY, FIELD_DAY_OF_YEAR, FIELD_ISO_DAY_OF_YEAR, FIELD_DOW, FIELD_ISO_DOW, FIELD_DAY_NAME, FIELD_DAY_SHORT, FIELD_JULIAN,
	FIELD_HALF,                                     /* fields from here on change within a day */
	FIELD_HOUR_24, FIELD_HOUR_12, FIELD_HOUR_0_11, FIELD_HOUR_1_24,
	FIELD_MINUTE, FIELD_SECOND, FIELD_SECOND_OF_DAY, FIELD_FRACTION, FIELD_MILLI_OF_DAY,
	FIELD_ZONE_NAME, FIELD_ZONE_HOUR, FIELD_ZONE_MINUTE, FIELD_ZONE_OFFSET,
} FieldKind;

typedef enum LetterCase { CASE_UPPER, CASE_TITLE, CASE_LOWER } LetterCase;

typedef struct Field {
	FieldKind kind;
	uint8_t width;            /* digits at least; of a fraction: exactly; 0 or 1: as many as there are */
	uint8_t pad;              /* names: blanks up to so many */
	LetterCase letters;
	char ordinal;             /* 't': th, 'T': TH follows the number */
	bool dotted;              /* A.M.; +hh:mm */
	bool zulu;                /* offset 0 is Z */
	bool bare;                /* FM before the last digits of a year: width still says which, but no 0 is put before them */
	size_t text, text_bytes;  /* FIELD_TEXT: in pattern->text */
} Field;

struct TimePattern {
	PatternStyle style;
	int count, room;
	Field *fields;
	char *text;               /* the literals, one after the other */
	size_t text_bytes;
	size_t print_bytes;
	int64_t unit_us;
};

static const char *const MONTHS[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
static const char *const DAYS[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const ROMANS[] = {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};

/* ---- reading patterns ---- */

static Field *add_field(TimePattern *pattern, Field field)
{
	if (pattern->count == pattern->room) {
		pattern->room = pattern->room ? pattern->room * 2 : 16;
		pattern->fields = mem_realloc(pattern->fields, sizeof field * (size_t)pattern->room);
	}
	pattern->fields[pattern->count] = field;
	return &pattern->fields[pattern->count++];
}

static void add_text(TimePattern *pattern, const char *at, size_t bytes)
{
	Field *last = pattern->count ? &pattern->fields[pattern->count - 1] : NULL;
	memcpy(pattern->text + pattern->text_bytes, at, bytes);
	if (last && last->kind == FIELD_TEXT) last->text_bytes += bytes;
	else add_field(pattern, (Field){.kind = FIELD_TEXT, .text = pattern->text_bytes, .text_bytes = bytes});
	pattern->text_bytes += bytes;
}

/* Words of PostgreSQL; longer ones before their beginnings. Case matters only for names, where it is the case printed. */
static const struct { const char *word; Field field; } POSTGRES_WORDS[] = {
	{"Y,YYY", {.kind = FIELD_YEAR_COMMA}}, {"IYYY", {.kind = FIELD_ISO_YEAR, .width = 4}}, {"IDDD", {.kind = FIELD_ISO_DAY_OF_YEAR, .width = 3}},
	{"IYY", {.kind = FIELD_ISO_YEAR_LAST, .width = 3}}, {"IY", {.kind = FIELD_ISO_YEAR_LAST, .width = 2}}, {"IW", {.kind = FIELD_ISO_WEEK, .width = 2}},
	{"ID", {.kind = FIELD_ISO_DOW}}, {"I", {.kind = FIELD_ISO_YEAR_LAST, .width = 1}},
	{"YYYY", {.kind = FIELD_YEAR, .width = 4}}, {"YYY", {.kind = FIELD_YEAR_LAST, .width = 3}}, {"YY", {.kind = FIELD_YEAR_LAST, .width = 2}},
	{"Y", {.kind = FIELD_YEAR_LAST, .width = 1}}, {"Q", {.kind = FIELD_QUARTER}}, {"CC", {.kind = FIELD_CENTURY, .width = 2}},
	{"MONTH", {.kind = FIELD_MONTH_NAME, .pad = 9}}, {"MON", {.kind = FIELD_MONTH_SHORT}}, {"MM", {.kind = FIELD_MONTH, .width = 2}},
	{"MI", {.kind = FIELD_MINUTE, .width = 2}}, {"MS", {.kind = FIELD_FRACTION, .width = 3}}, {"US", {.kind = FIELD_FRACTION, .width = 6}},
	{"FF1", {.kind = FIELD_FRACTION, .width = 1}}, {"FF2", {.kind = FIELD_FRACTION, .width = 2}}, {"FF3", {.kind = FIELD_FRACTION, .width = 3}},
	{"FF4", {.kind = FIELD_FRACTION, .width = 4}}, {"FF5", {.kind = FIELD_FRACTION, .width = 5}}, {"FF6", {.kind = FIELD_FRACTION, .width = 6}},
	{"RM", {.kind = FIELD_MONTH_ROMAN, .pad = 4}}, {"DDD", {.kind = FIELD_DAY_OF_YEAR, .width = 3}}, {"DD", {.kind = FIELD_DAY, .width = 2}},
	{"DAY", {.kind = FIELD_DAY_NAME, .pad = 9}}, {"DY", {.kind = FIELD_DAY_SHORT}}, {"D", {.kind = FIELD_DOW}}, {"J", {.kind = FIELD_JULIAN}},
	{"WW", {.kind = FIELD_WEEK_OF_YEAR, .width = 2}}, {"W", {.kind = FIELD_WEEK_OF_MONTH}}, {"HH24", {.kind = FIELD_HOUR_24, .width = 2}},
	{"HH12", {.kind = FIELD_HOUR_12, .width = 2}}, {"HH", {.kind = FIELD_HOUR_12, .width = 2}}, {"SSSSS", {.kind = FIELD_SECOND_OF_DAY}},
	{"SSSS", {.kind = FIELD_SECOND_OF_DAY}}, {"SS", {.kind = FIELD_SECOND, .width = 2}}, {"A.M.", {.kind = FIELD_HALF, .dotted = true}},
	{"P.M.", {.kind = FIELD_HALF, .dotted = true}}, {"AM", {.kind = FIELD_HALF}}, {"PM", {.kind = FIELD_HALF}}, {"A.D.", {.kind = FIELD_ERA, .dotted = true}},
	{"B.C.", {.kind = FIELD_ERA, .dotted = true}}, {"AD", {.kind = FIELD_ERA}}, {"BC", {.kind = FIELD_ERA}}, {"TZH", {.kind = FIELD_ZONE_HOUR}},
	{"TZM", {.kind = FIELD_ZONE_MINUTE, .width = 2}}, {"TZ", {.kind = FIELD_ZONE_NAME}}, {"OF", {.kind = FIELD_ZONE_HOUR}},
};
enum { POSTGRES_WORD_COUNT = sizeof POSTGRES_WORDS / sizeof *POSTGRES_WORDS };

static LetterCase case_of(const char *word)
{
	if (word[0] >= 'a') return CASE_LOWER;
	return word[1] >= 'a' ? CASE_TITLE : CASE_UPPER;
}

static bool is_number(FieldKind kind)
{
	switch (kind) {
	case FIELD_TEXT: case FIELD_ERA: case FIELD_MONTH_NAME: case FIELD_MONTH_SHORT: case FIELD_MONTH_ROMAN: case FIELD_DAY_NAME: case FIELD_DAY_SHORT:
	case FIELD_HALF: case FIELD_ZONE_NAME: case FIELD_ZONE_HOUR: case FIELD_ZONE_OFFSET: return false;
	default: return true;
	}
}

static const char *postgres_field(TimePattern *pattern, const char *at, const char *end, bool fill)
{
	for (int i = 0; i < POSTGRES_WORD_COUNT; i++) {
		size_t bytes = strlen(POSTGRES_WORDS[i].word);
		if ((size_t)(end - at) < bytes || strncasecmp(at, POSTGRES_WORDS[i].word, bytes) != 0) continue;
		Field *field = add_field(pattern, POSTGRES_WORDS[i].field);
		field->letters = case_of(at);
		at += bytes;
		bool last_digits = field->kind == FIELD_YEAR_LAST || field->kind == FIELD_ISO_YEAR_LAST;
		if (!fill && field->kind != FIELD_FRACTION && !last_digits) field->width = 0;
		if (!fill) field->pad = 0;
		field->bare = !fill && last_digits;
		if (is_number(field->kind) && end - at >= 2 && (at[0] | 0x20) == 't' && (at[1] | 0x20) == 'h') {
			field->ordinal = *at == 'T' ? 'T' : 't';
			at += 2;
		}
		return at;
	}
	return NULL;
}

static void read_postgres(TimePattern *pattern, const char *at, const char *end)
{
	while (at < end) {
		bool fill = true;
		if (*at == '"') {
			const char *start = ++at;
			while (at < end && *at != '"') at++;
			add_text(pattern, start, (size_t)(at - start));
			at += at < end;
			continue;
		}
		if (end - at > 2 && strncasecmp(at, "FM", 2) == 0) fill = false, at += 2;
		else if (end - at > 2 && strncasecmp(at, "TM", 2) == 0) at += 2;
		const char *after = postgres_field(pattern, at, end, fill);
		if (!after) add_text(pattern, at, 1);
		at = after ? after : at + 1;
	}
}

/* A letter `count` times; false: none that is known. What depends on a locale's weeks is refused. */
static bool java_field(TimePattern *pattern, char letter, int count)
{
	uint8_t width = (uint8_t)(count > 19 ? 19 : count);
	switch (letter) {
	case 'y': case 'u': return add_field(pattern, count == 2 ? (Field){.kind = FIELD_YEAR_LAST, .width = 2} : (Field){.kind = FIELD_YEAR, .width = width});
	case 'M': case 'L':
		if (count > 4) return false;
		return add_field(pattern, count == 4 ? (Field){.kind = FIELD_MONTH_NAME, .letters = CASE_TITLE} : count == 3 ? (Field){.kind = FIELD_MONTH_SHORT, .letters = CASE_TITLE}
			: (Field){.kind = FIELD_MONTH, .width = width});
	case 'E':
		if (count > 4) return false;
		return add_field(pattern, (Field){.kind = count == 4 ? FIELD_DAY_NAME : FIELD_DAY_SHORT, .letters = CASE_TITLE});
	case 'Q': case 'q': return count <= 2 && add_field(pattern, (Field){.kind = FIELD_QUARTER, .width = width});
	case 'd': return count <= 2 && add_field(pattern, (Field){.kind = FIELD_DAY, .width = width});
	case 'D': return count <= 3 && add_field(pattern, (Field){.kind = FIELD_DAY_OF_YEAR, .width = width});
	case 'G': return count <= 3 && add_field(pattern, (Field){.kind = FIELD_ERA});
	case 'a': return count == 1 && add_field(pattern, (Field){.kind = FIELD_HALF});
	case 'H': return count <= 2 && add_field(pattern, (Field){.kind = FIELD_HOUR_24, .width = width});
	case 'h': return count <= 2 && add_field(pattern, (Field){.kind = FIELD_HOUR_12, .width = width});
	case 'K': return count <= 2 && add_field(pattern, (Field){.kind = FIELD_HOUR_0_11, .width = width});
	case 'k': return count <= 2 && add_field(pattern, (Field){.kind = FIELD_HOUR_1_24, .width = width});
	case 'm': return count <= 2 && add_field(pattern, (Field){.kind = FIELD_MINUTE, .width = width});
	case 's': return count <= 2 && add_field(pattern, (Field){.kind = FIELD_SECOND, .width = width});
	case 'S': return count <= 9 && add_field(pattern, (Field){.kind = FIELD_FRACTION, .width = width});
	case 'A': return add_field(pattern, (Field){.kind = FIELD_MILLI_OF_DAY, .width = width});
	case 'z': case 'V': return add_field(pattern, (Field){.kind = FIELD_ZONE_NAME});
	case 'X': return count <= 3 && add_field(pattern, (Field){.kind = FIELD_ZONE_OFFSET, .zulu = true, .dotted = count == 3, .width = width});
	case 'x': return count <= 3 && add_field(pattern, (Field){.kind = FIELD_ZONE_OFFSET, .dotted = count == 3, .width = width});
	case 'Z': return count <= 3 && add_field(pattern, (Field){.kind = FIELD_ZONE_OFFSET, .width = 2});
	default: return false;
	}
}

static bool read_java(TimePattern *pattern, const char *at, const char *end)
{
	while (at < end) {
		const char *start = at;
		if (*at == '\'') {
			if (end - at > 1 && at[1] == '\'') {
				add_text(pattern, "'", 1);
				at += 2;
				continue;
			}
			for (at++; at < end; at++) {
				if (*at != '\'') add_text(pattern, at, 1);
				else if (end - at > 1 && at[1] == '\'') add_text(pattern, at++, 1);
				else break;
			}
			if (at++ >= end) return false;
		} else if ((unsigned char)((*at | 0x20) - 'a') < 26) {
			while (at < end && *at == *start) at++;
			if (!java_field(pattern, *start, (int)(at - start))) return false;
		} else if (strchr("[]{}#", *at) && *at) return false;
		else add_text(pattern, at++, 1);
	}
	return true;
}

static int64_t field_unit_us(const Field *field)
{
	switch (field->kind) {
	case FIELD_HALF: return 12 * US_PER_HOUR;
	case FIELD_HOUR_24: case FIELD_HOUR_12: case FIELD_HOUR_0_11: case FIELD_HOUR_1_24: return US_PER_HOUR;
	case FIELD_MINUTE: return US_PER_MINUTE;
	case FIELD_SECOND: case FIELD_SECOND_OF_DAY: return US_PER_SECOND;
	case FIELD_FRACTION: return field->width <= 1 ? 100000 : field->width == 2 ? 10000 : field->width == 3 ? 1000 : 1;
	case FIELD_MILLI_OF_DAY: return 1000;
	default: return US_PER_DAY;
	}
}

TimePattern *time_pattern_read(const char *at, size_t bytes, PatternStyle style)
{
	TimePattern *pattern = mem_new(TimePattern);
	pattern->style = style;
	pattern->text = mem_alloc(bytes + 1);
	pattern->unit_us = US_PER_DAY;
	bool ok = true;
	if (style == PATTERN_POSTGRES) read_postgres(pattern, at, at + bytes);
	else ok = read_java(pattern, at, at + bytes);
	for (int i = 0; i < pattern->count; i++) {
		int64_t unit = field_unit_us(&pattern->fields[i]);
		if (unit < pattern->unit_us) pattern->unit_us = unit;
		pattern->print_bytes += pattern->fields[i].kind == FIELD_TEXT ? pattern->fields[i].text_bytes : 24;
	}
	if (ok) return pattern;
	time_pattern_free(pattern);
	return NULL;
}

void time_pattern_free(TimePattern *pattern)
{
	if (!pattern) return;
	free(pattern->fields);
	free(pattern->text);
	free(pattern);
}

size_t time_pattern_room(const TimePattern *pattern) { return pattern->print_bytes + 1; }
int64_t time_pattern_unit_us(const TimePattern *pattern) { return pattern->unit_us; }

/* ---- printing ---- */

static char *print_number(char *to, int64_t x, int width)
{
	char reversed[24];
	int count = 0;
	if (width == 2 && (uint64_t)x < 100) {
		to[0] = (char)('0' + x / 10);
		to[1] = (char)('0' + x % 10);
		return to + 2;
	}
	if (x < 0) *to++ = '-', x = -x;
	do { reversed[count++] = (char)('0' + x % 10); x /= 10; } while (x);
	for (int i = count; i < width; i++) *to++ = '0';
	while (count) *to++ = reversed[--count];
	return to;
}

static char *print_name(char *to, const char *name, size_t bytes, const Field *field)
{
	for (size_t i = 0; i < bytes; i++) {
		char c = name[i];
		if (field->letters == CASE_UPPER && c >= 'a') c = (char)(c - 32);
		if (field->letters == CASE_LOWER && c >= 'A' && c <= 'Z') c = (char)(c + 32);
		*to++ = c;
	}
	for (size_t i = bytes; i < field->pad; i++) *to++ = ' ';
	return to;
}

static int64_t modulo10(int64_t x, int digits)
{
	static const int POWERS[] = {1, 10, 100, 1000};
	return digits < 4 ? x % POWERS[digits] : x;
}

static int hour_12(int hour) { return hour % 12 ? hour % 12 : 12; }

static int64_t iso_day_of_year(const Moment *m)
{
	return (moment_iso_week(m, NULL) - 1) * 7 + moment_iso_weekday(m);
}

static int64_t field_number(const Field *field, const Moment *m)
{
	int iso_year, hour = (int)(m->us / US_PER_HOUR);
	switch (field->kind) {
	case FIELD_YEAR: return m->civil.year;
	case FIELD_YEAR_LAST: return modulo10(m->civil.year, field->width);
	case FIELD_ISO_YEAR: case FIELD_ISO_YEAR_LAST:
		moment_iso_week(m, &iso_year);
		return field->kind == FIELD_ISO_YEAR ? iso_year : modulo10(iso_year, field->width);
	case FIELD_CENTURY: return (m->civil.year + 99) / 100;
	case FIELD_QUARTER: return (m->civil.month - 1) / 3 + 1;
	case FIELD_MONTH: return m->civil.month;
	case FIELD_ISO_WEEK: return moment_iso_week(m, NULL);
	case FIELD_WEEK_OF_YEAR: return (moment_day_of_year(m) - 1) / 7 + 1;
	case FIELD_WEEK_OF_MONTH: return (m->civil.day - 1) / 7 + 1;
	case FIELD_DAY: return m->civil.day;
	case FIELD_DAY_OF_YEAR: return moment_day_of_year(m);
	case FIELD_ISO_DAY_OF_YEAR: return iso_day_of_year(m);
	case FIELD_DOW: return moment_weekday(m) + 1;
	case FIELD_ISO_DOW: return moment_iso_weekday(m);
	case FIELD_JULIAN: return m->day + 2440588;
	case FIELD_HOUR_24: return hour;
	case FIELD_HOUR_12: return hour_12(hour);
	case FIELD_HOUR_0_11: return hour % 12;
	case FIELD_HOUR_1_24: return hour ? hour : 24;
	case FIELD_MINUTE: return m->us / US_PER_MINUTE % 60;
	case FIELD_SECOND: return m->us / US_PER_SECOND % 60;
	case FIELD_SECOND_OF_DAY: return m->us / US_PER_SECOND;
	case FIELD_MILLI_OF_DAY: return m->us / 1000;
	default: return 0;
	}
}

static char *print_fraction(char *to, int64_t us, int width)
{
	if (width == 3) return print_number(print_number(to, us / 100000, 1), us / 1000 % 100, 2);
	for (int i = 0, unit = 100000; i < width; i++, unit /= 10) *to++ = (char)('0' + (unit ? us / unit % 10 : 0));
	return to;
}

static const char *ordinal_of(int64_t x)
{
	if (x % 100 / 10 == 1) return "th";
	return x % 10 == 1 ? "st" : x % 10 == 2 ? "nd" : x % 10 == 3 ? "rd" : "th";
}

static char *print_offset(char *to, const Field *field)
{
	const char *text = field->zulu ? "Z" : field->dotted ? "+00:00" : field->width < 2 ? "+00" : "+0000";
	return stpcpy(to, text);
}

static char *print_half(char *to, const Moment *m, const Field *field)
{
	const char *text = m->us >= 12 * US_PER_HOUR ? (field->dotted ? "P.M." : "PM") : field->dotted ? "A.M." : "AM";
	return print_name(to, text, strlen(text), &(Field){.letters = field->letters == CASE_LOWER ? CASE_LOWER : CASE_UPPER});
}

static char *print_field(const TimePattern *pattern, const Field *field, const Moment *m, char *to)
{
	const char *name;
	switch (field->kind) {
	case FIELD_TEXT:
		if (field->text_bytes == 1) return *to = pattern->text[field->text], to + 1;
		memcpy(to, pattern->text + field->text, field->text_bytes);
		return to + field->text_bytes;
	case FIELD_YEAR_COMMA:
		to = print_number(to, m->civil.year / 1000, 1);
		*to++ = ',';
		return print_number(to, m->civil.year % 1000, 3);
	case FIELD_ERA: return stpcpy(to, field->dotted ? "A.D." : "AD");
	case FIELD_MONTH_NAME: name = MONTHS[m->civil.month - 1]; return print_name(to, name, strlen(name), field);
	case FIELD_MONTH_SHORT: return print_name(to, MONTHS[m->civil.month - 1], 3, field);
	case FIELD_MONTH_ROMAN: name = ROMANS[m->civil.month - 1]; return print_name(to, name, strlen(name), field);
	case FIELD_DAY_NAME: name = DAYS[moment_weekday(m)]; return print_name(to, name, strlen(name), field);
	case FIELD_DAY_SHORT: return print_name(to, DAYS[moment_weekday(m)], 3, field);
	case FIELD_HALF: return print_half(to, m, field);
	case FIELD_FRACTION: return print_fraction(to, m->us % US_PER_SECOND, field->width);
	case FIELD_ZONE_NAME: return print_name(to, "UTC", 3, &(Field){.letters = field->letters == CASE_LOWER ? CASE_LOWER : CASE_UPPER});
	case FIELD_ZONE_HOUR: return stpcpy(to, "+00");
	case FIELD_ZONE_MINUTE: return stpcpy(to, "00");
	case FIELD_ZONE_OFFSET: return print_offset(to, field);
	default: break;
	}
	int64_t number = field_number(field, m);
	to = print_number(to, number, field->bare ? 0 : field->width);
	if (field->ordinal) to = print_name(to, ordinal_of(number), 2, &(Field){.letters = field->ordinal == 'T' ? CASE_UPPER : CASE_LOWER});
	return to;
}

size_t time_pattern_print(const TimePattern *pattern, const Moment *moment, char *out)
{
	char *to = out;
	for (int i = 0; i < pattern->count; i++) to = print_field(pattern, &pattern->fields[i], moment, to);
	return (size_t)(to - out);
}

/* ---- parsing ---- */

typedef struct Parsed {
	int64_t year, month, day, day_of_year, julian, hour, hour_12, minute, second, second_of_day, us, offset_us;
	int64_t iso_year, iso_week, iso_dow;
	int half;                 /* 0: not said, 1: AM, 2: PM */
	bool before_christ;
} Parsed;

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static bool parse_digits(const char **at, const char *end, int digits_min, int digits_max, int64_t *out, int *count)
{
	*out = 0;
	*count = 0;
	while (*at < end && *count < digits_max && is_digit(**at)) {
		*out = *out * 10 + (*(*at)++ - '0');
		++*count;
	}
	return *count >= digits_min;
}

/* Which of the names the text begins with; -1: none. Short names are the first three letters. */
static int parse_name(const char **at, const char *end, const char *const *names, int count, bool is_short)
{
	for (int i = count - 1; i >= 0; i--) {           /* Roman numbers: XII before X */
		size_t bytes = is_short ? 3 : strlen(names[i]);
		if ((size_t)(end - *at) < bytes || strncasecmp(*at, names[i], bytes) != 0) continue;
		*at += bytes;
		return i;
	}
	return -1;
}

static bool parse_half(const char **at, const char *end, bool dotted, int *half)
{
	static const char *const WORDS[2][2] = {{"AM", "A.M."}, {"PM", "P.M."}};
	for (int i = 0; i < 2; i++) {
		size_t bytes = strlen(WORDS[i][dotted]);
		if ((size_t)(end - *at) < bytes || strncasecmp(*at, WORDS[i][dotted], bytes) != 0) continue;
		*at += bytes;
		*half = i + 1;
		return true;
	}
	return false;
}

static bool parse_offset(const char **at, const char *end, bool hours_only, int64_t *us)
{
	int64_t hours, minutes = 0;
	int count;
	if (*at < end && (**at == 'Z' || **at == 'z')) return ++*at, *us = 0, true;
	bool west = *at < end && **at == '-';
	if (*at < end && (**at == '-' || **at == '+')) ++*at;
	if (!parse_digits(at, end, 1, 2, &hours, &count)) return false;
	if (!hours_only) {
		if (*at < end && **at == ':') ++*at;
		parse_digits(at, end, 0, 2, &minutes, &count);
	}
	*us = (hours * 60 + minutes) * US_PER_MINUTE * (west ? -1 : 1);
	return hours <= 18 && minutes < 60;
}

/* A literal: exactly itself for Java; for PostgreSQL any separators for separators, and blanks before anything */
static bool parse_text(const TimePattern *pattern, const Field *field, const char **at, const char *end)
{
	const char *text = pattern->text + field->text;
	if (pattern->style == PATTERN_JAVA) {
		if ((size_t)(end - *at) < field->text_bytes || memcmp(*at, text, field->text_bytes) != 0) return false;
		*at += field->text_bytes;
		return true;
	}
	for (size_t i = 0; i < field->text_bytes && *at < end; i++) {
		bool separator = !is_digit(text[i]) && (unsigned char)((text[i] | 0x20) - 'a') >= 26;
		if (**at == text[i]) ++*at;
		else if (separator && !is_digit(**at) && **at != '+' && **at != '-') ++*at;
		else if (!separator) ++*at;
	}
	return true;
}

static int64_t *parsed_number(Parsed *p, FieldKind kind)
{
	switch (kind) {
	case FIELD_YEAR: return &p->year;
	case FIELD_MONTH: return &p->month;
	case FIELD_DAY: return &p->day;
	case FIELD_DAY_OF_YEAR: return &p->day_of_year;
	case FIELD_JULIAN: return &p->julian;
	case FIELD_HOUR_24: case FIELD_HOUR_1_24: return &p->hour;
	case FIELD_HOUR_12: case FIELD_HOUR_0_11: return &p->hour_12;
	case FIELD_MINUTE: return &p->minute;
	case FIELD_SECOND: return &p->second;
	case FIELD_SECOND_OF_DAY: return &p->second_of_day;
	case FIELD_ISO_YEAR: return &p->iso_year;
	case FIELD_ISO_WEEK: return &p->iso_week;
	case FIELD_ISO_DOW: return &p->iso_dow;
	default: return NULL;
	}
}

/* Two digits of a year are those nearest to 2020 (PostgreSQL) or of 2000 to 2099 (Java). */
static int64_t full_year(int64_t x, int digits, PatternStyle style)
{
	if (digits >= 4) return x;
	if (style == PATTERN_JAVA) return x + 2000;
	if (digits == 3) return x < 500 ? x + 2000 : x + 1000;
	return x < 70 ? x + 2000 : x + 1900;
}

static bool parse_number(const TimePattern *pattern, int f, const char **at, const char *end, Parsed *p)
{
	const Field *field = &pattern->fields[f];
	bool adjacent = f + 1 < pattern->count && is_number(pattern->fields[f + 1].kind), java = pattern->style == PATTERN_JAVA;
	int natural = field->width > 1 ? field->width : field->kind == FIELD_YEAR ? 4 : field->kind == FIELD_JULIAN ? 7 : field->kind == FIELD_SECOND_OF_DAY ? 5
		: field->kind == FIELD_DAY_OF_YEAR ? 3 : field->kind == FIELD_QUARTER || field->kind == FIELD_DOW || field->kind == FIELD_ISO_DOW ? 1 : 2;
	int most = adjacent || (java && field->width > 1) ? natural : field->kind == FIELD_YEAR ? 9 : natural, least = java && field->width > 1 ? field->width : 1, count;
	if (field->kind == FIELD_FRACTION) {
		int64_t digits;
		if (!parse_digits(at, end, java ? field->width : 1, java ? field->width : 9, &digits, &count)) return false;
		for (; count < 6; count++) digits *= 10;
		for (; count > 6; count--) digits /= 10;
		p->us = digits;
		return true;
	}
	int64_t number;
	if (field->kind == FIELD_YEAR && *at < end && **at == '-') return false;
	if (!parse_digits(at, end, least, most, &number, &count)) return false;
	if (field->kind == FIELD_YEAR && !java && count < 4 && count > 0) number = full_year(number, count, pattern->style);
	if (field->kind == FIELD_YEAR_LAST) p->year = full_year(number, count, pattern->style);
	else if (field->kind == FIELD_ZONE_MINUTE) p->offset_us += (p->offset_us < 0 ? -1 : 1) * number * US_PER_MINUTE;
	else if (field->kind == FIELD_HOUR_1_24 && number == 24) p->hour = 0;
	else if (parsed_number(p, field->kind)) *parsed_number(p, field->kind) = number;
	if (field->ordinal && end - *at >= 2) *at += 2;
	return true;
}

static bool parse_year_comma(const char **at, const char *end, int64_t *year)
{
	int64_t rest;
	int count;
	if (!parse_digits(at, end, 1, 6, year, &count)) return false;
	if (*at == end || **at != ',') return true;
	++*at;
	if (!parse_digits(at, end, 3, 3, &rest, &count)) return false;
	*year = *year * 1000 + rest;
	return true;
}

static bool parse_field(const TimePattern *pattern, int f, const char **at, const char *end, Parsed *p)
{
	const Field *field = &pattern->fields[f];
	int name;
	if (pattern->style == PATTERN_POSTGRES && field->kind != FIELD_TEXT)
		while (*at < end && **at == ' ') ++*at;
	switch (field->kind) {
	case FIELD_TEXT: return parse_text(pattern, field, at, end);
	case FIELD_MONTH_NAME: case FIELD_MONTH_SHORT: case FIELD_MONTH_ROMAN:
		name = parse_name(at, end, field->kind == FIELD_MONTH_ROMAN ? ROMANS : MONTHS, 12, field->kind == FIELD_MONTH_SHORT);
		p->month = name + 1;
		return name >= 0;
	case FIELD_DAY_NAME: case FIELD_DAY_SHORT: return parse_name(at, end, DAYS, 7, field->kind == FIELD_DAY_SHORT) >= 0;
	case FIELD_HALF: return parse_half(at, end, field->dotted, &p->half);
	case FIELD_ERA:
		if (end - *at < 2) return false;
		p->before_christ = (**at | 0x20) == 'b';
		*at += field->dotted ? 4 : 2;
		return *at <= end;
	case FIELD_ZONE_NAME:
		if (end - *at >= 3 && (strncasecmp(*at, "UTC", 3) == 0 || strncasecmp(*at, "GMT", 3) == 0)) return *at += 3, p->offset_us = 0, true;
		return parse_offset(at, end, false, &p->offset_us);
	case FIELD_ZONE_HOUR: return parse_offset(at, end, true, &p->offset_us);
	case FIELD_ZONE_OFFSET: return parse_offset(at, end, false, &p->offset_us);
	case FIELD_YEAR_COMMA: return parse_year_comma(at, end, &p->year);
	default: return parse_number(pattern, f, at, end, p);
	}
}

static bool parsed_day(const Parsed *p, int64_t *day)
{
	if (p->julian >= 0) {
		*day = p->julian - 2440588;
		return true;
	}
	if (p->iso_week >= 0 && p->iso_year >= 0) {
		Moment fourth = {.day = days_from_civil(p->iso_year, 1, 4)};
		*day = fourth.day - moment_iso_weekday(&fourth) + (p->iso_week - 1) * 7 + (p->iso_dow > 0 ? p->iso_dow : 1);
		return p->iso_week >= 1 && p->iso_week <= 53 && p->iso_dow <= 7;
	}
	if (p->year < 1 || p->year > 9999 || p->before_christ) return false;
	if (p->day_of_year >= 0) {
		*day = days_from_civil(p->year, 1, 1) + p->day_of_year - 1;
		return p->day_of_year >= 1 && p->day_of_year <= 365 + is_leap_year(p->year);
	}
	if (p->month < 1 || p->month > 12 || p->day < 1 || p->day > days_in_month(p->year, (int)p->month)) return false;
	*day = days_from_civil(p->year, (int)p->month, (int)p->day);
	return true;
}

static bool parsed_clock(Parsed *p, int64_t *us)
{
	if (p->second_of_day >= 0) {
		*us = p->second_of_day * US_PER_SECOND + p->us;
		return p->second_of_day < 86400;
	}
	if (p->hour_12 > 12) return false;
	if (p->hour_12 >= 0) p->hour = p->hour_12 % 12 + (p->half == 2 ? 12 : 0);
	if (p->hour > 23 || p->minute > 59 || p->second > 59) return false;
	*us = ((p->hour * 60 + p->minute) * 60 + p->second) * US_PER_SECOND + p->us;
	return true;
}

bool time_pattern_parse(const TimePattern *pattern, const char *at, size_t bytes, int64_t *us)
{
	const char *end = at + bytes;
	Parsed p = {.year = pattern->style == PATTERN_JAVA ? 1970 : 1, .month = 1, .day = 1, .day_of_year = -1, .julian = -1, .hour_12 = -1, .second_of_day = -1,
		.iso_year = -1, .iso_week = -1, .iso_dow = -1};
	bool java = pattern->style == PATTERN_JAVA;
	if (!java) while (at < end && *at == ' ') at++;
	if (at == end) return false;
	for (int i = 0; i < pattern->count; i++) {
		if (!java && at == end) break;                   /* fields that the text does not have keep their least value */
		if (!parse_field(pattern, i, &at, end, &p)) return false;
	}
	int64_t day, clock;
	if ((java && at != end) || !parsed_day(&p, &day) || !parsed_clock(&p, &clock)) return false;
	*us = day * US_PER_DAY + clock - p.offset_us;
	return *us >= TIMESTAMP_MIN && *us <= TIMESTAMP_MAX;
}

/* What PostgreSQL would read as something else than it says: minutes written mm, months MM beside days dd */
bool time_pattern_looks_java(const char *at, size_t bytes)
{
	char text[128];
	if (bytes >= sizeof text) return false;
	memcpy(text, at, bytes);
	text[bytes] = 0;
	return strstr(text, "HH:mm") || strstr(text, "hh:mm") || strstr(text, "yyyy-MM") || strstr(text, "HHmm") || strstr(text, "yyyyMM") || strstr(text, "MM-dd") || strstr(text, "MM/dd")
		|| strstr(text, "dd.MM") || strstr(text, "dd/MM") || strstr(text, ".SSS");
}
