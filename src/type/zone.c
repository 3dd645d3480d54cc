#include "type/zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "type/calendar.h"

enum { ZONE_NAME_BYTES_MAX = 64, ZONE_FILE_BYTES_MAX = 1 << 20, SECONDS_PER_DAY = 86400 };

/* One change of a POSIX rule: Mm.w.d, Jn (1-365, without 29 February) or n (0-365), and the local second of that day */
typedef struct Change { char form; int month, week, day; int second; } Change;

typedef struct Rule {
	bool has_summer;
	int offset, summer_offset;        /* seconds east of UTC */
	Change to_summer, to_standard;
} Rule;

struct Zone {
	int transition_count;
	int64_t *transitions;             /* UTC seconds, ascending */
	int *offsets;                     /* after each */
	int first_offset;
	bool has_rule;                    /* for what follows the last transition */
	Rule rule;
	int64_t from, until;              /* the last stretch asked for: from <= t < until */
	int offset;
};

/* ---- POSIX TZ: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

static bool skip_zone_name(const char **at)
{
	const char *start = *at;
	if (**at == '<') {
		const char *end = strchr(*at, '>');
		if (!end) return false;
		*at = end + 1;
		return true;
	}
	while ((unsigned char)((**at | 0x20) - 'a') < 26) ++*at;
	return *at - start >= 3;
}

static bool read_number(const char **at, int *out)
{
	char *end;
	if ((unsigned char)(**at - '0') > 9) return false;
	*out = (int)strtol(*at, &end, 10);
	*at = end;
	return true;
}

/* [+-]hh[:mm[:ss]] as seconds */
static bool read_clock(const char **at, int *out)
{
	int hours, minutes = 0, seconds = 0, sign = **at == '-' ? -1 : 1;
	if (**at == '-' || **at == '+') ++*at;
	if (!read_number(at, &hours)) return false;
	if (**at == ':' && (++*at, !read_number(at, &minutes))) return false;
	if (**at == ':' && (++*at, !read_number(at, &seconds))) return false;
	*out = sign * (hours * 3600 + minutes * 60 + seconds);
	return true;
}

static bool read_change(const char **at, Change *out)
{
	*out = (Change){.form = 'n', .second = 2 * 3600};
	if (**at != ',') return false;
	++*at;
	if (**at == 'M') {
		out->form = 'M';
		++*at;
		if (!read_number(at, &out->month) || *(*at)++ != '.' || !read_number(at, &out->week) || *(*at)++ != '.' || !read_number(at, &out->day)) return false;
	} else {
		if (**at == 'J') out->form = 'J', ++*at;
		if (!read_number(at, &out->day)) return false;
	}
	if (**at != '/') return true;
	++*at;
	return read_clock(at, &out->second);
}

static bool rule_read(const char *at, Rule *rule)
{
	*rule = (Rule){0};
	if (!skip_zone_name(&at) || !read_clock(&at, &rule->offset)) return false;
	rule->offset = -rule->offset;                                   /* POSIX counts to the west */
	if (!*at) return true;
	rule->has_summer = true;
	rule->summer_offset = rule->offset + 3600;
	if (!skip_zone_name(&at)) return false;
	if (*at && *at != ',') {
		if (!read_clock(&at, &rule->summer_offset)) return false;
		rule->summer_offset = -rule->summer_offset;
	}
	return read_change(&at, &rule->to_summer) && read_change(&at, &rule->to_standard) && !*at;
}

/* The local second since 1970 at which a change happens in a year */
static int64_t change_second(const Change *change, int64_t year)
{
	int64_t day;
	if (change->form == 'M') {
		int64_t first = days_from_civil(year, change->month, 1);
		int offset = (change->day - weekday_of(first) + 7) % 7 + (change->week - 1) * 7;
		if (offset >= days_in_month(year, change->month)) offset -= 7;          /* week 5 is the last */
		day = first + offset;
	} else {
		day = days_from_civil(year, 1, 1) + change->day;
		if (change->form == 'J') day -= 1 - (is_leap_year(year) && change->day >= 60);
	}
	return day * SECONDS_PER_DAY + change->second;
}

/* Sets the stretch around t by the rule: the changes of three years, in order */
static void rule_stretch(Zone *zone, int64_t t)
{
	const Rule *rule = &zone->rule;
	int64_t year = civil_from_days(t / SECONDS_PER_DAY - (t % SECONDS_PER_DAY < 0)).year;
	zone->offset = rule->offset;
	if (!rule->has_summer) return;
	for (int64_t y = year - 1; y <= year + 1; y++) {
		int64_t changes[2] = {change_second(&rule->to_summer, y) - rule->offset, change_second(&rule->to_standard, y) - rule->summer_offset};
		for (int i = 0; i < 2; i++) {
			int which = changes[0] < changes[1] ? i : 1 - i;
			if (changes[which] <= t) {
				if (changes[which] > zone->from) zone->from = changes[which];
				zone->offset = which == 0 ? rule->summer_offset : rule->offset;
			} else if (changes[which] < zone->until) zone->until = changes[which];
		}
	}
}

static void find_stretch(Zone *zone, int64_t t)
{
	int low = 0, high = zone->transition_count;                     /* the number of transitions at or before t */
	while (low < high) {
		int middle = (low + high) / 2;
		if (zone->transitions[middle] <= t) low = middle + 1;
		else high = middle;
	}
	zone->from = low ? zone->transitions[low - 1] : INT64_MIN;
	zone->until = low < zone->transition_count ? zone->transitions[low] : INT64_MAX;
	zone->offset = low ? zone->offsets[low - 1] : zone->first_offset;
	if (low == zone->transition_count && zone->has_rule) rule_stretch(zone, t);
}

static int offset_at(Zone *zone, int64_t t)
{
	if (t < zone->from || t >= zone->until) find_stretch(zone, t);
	return zone->offset;
}

/* ---- files ---- */

static int64_t read_be(const unsigned char *at, int bytes)
{
	uint64_t x = at[0] & 0x80 ? UINT64_MAX : 0;
	for (int i = 0; i < bytes; i++) x = x << 8 | at[i];
	return (int64_t)x;
}

typedef struct Header { int64_t isutc, isstd, leaps, transitions, types, letters; } Header;

enum { HEADER_BYTES = 44 };

static bool header_read(const unsigned char *at, size_t bytes, Header *out)
{
	if (bytes < HEADER_BYTES || memcmp(at, "TZif", 4) != 0) return false;
	*out = (Header){read_be(at + 20, 4), read_be(at + 24, 4), read_be(at + 28, 4), read_be(at + 32, 4), read_be(at + 36, 4), read_be(at + 40, 4)};
	return out->isutc >= 0 && out->isstd >= 0 && out->leaps >= 0 && out->transitions >= 0 && out->types > 0 && out->letters >= 0
		&& out->transitions < ZONE_FILE_BYTES_MAX && out->types < 256 && out->leaps < ZONE_FILE_BYTES_MAX && out->letters < ZONE_FILE_BYTES_MAX;
}

static size_t body_bytes(const Header *h, int time_bytes)
{
	return (size_t)(h->transitions * (time_bytes + 1) + h->types * 6 + h->letters + h->leaps * (time_bytes + 4) + h->isstd + h->isutc);
}

static bool zone_read(Zone *zone, const unsigned char *at, size_t bytes)
{
	Header h;
	if (!header_read(at, bytes, &h) || at[4] < '2') return false;
	size_t skipped = HEADER_BYTES + body_bytes(&h, 4);
	if (skipped > bytes || !header_read(at + skipped, bytes - skipped, &h)) return false;
	const unsigned char *body = at + skipped + HEADER_BYTES, *end = at + bytes;
	if (body_bytes(&h, 8) > (size_t)(end - body)) return false;
	const unsigned char *numbers = body + h.transitions * 8, *types = numbers + h.transitions;
	zone->transition_count = (int)h.transitions;
	zone->transitions = mem_alloc(sizeof *zone->transitions * (size_t)(h.transitions + 1));
	zone->offsets = mem_alloc(sizeof *zone->offsets * (size_t)(h.transitions + 1));
	zone->first_offset = (int)read_be(types, 4);
	for (int i = 0; i < zone->transition_count; i++) {
		if (numbers[i] >= h.types) return false;
		zone->transitions[i] = read_be(body + i * 8, 8);
		zone->offsets[i] = (int)read_be(types + numbers[i] * 6, 4);
	}
	const char *footer = (const char *)body + body_bytes(&h, 8);
	if ((const unsigned char *)footer >= end || *footer++ != '\n') return true;
	const char *footer_end = memchr(footer, '\n', (size_t)(end - (const unsigned char *)footer));
	if (!footer_end || footer_end == footer) return true;
	char text[128];
	if ((size_t)(footer_end - footer) >= sizeof text) return false;
	memcpy(text, footer, (size_t)(footer_end - footer));
	text[footer_end - footer] = 0;
	zone->has_rule = rule_read(text, &zone->rule);
	return zone->has_rule;
}

static bool zone_file_read(Zone *zone, const char *name)
{
	const char *folder = getenv("TZDIR");
	char path[512];
	if (snprintf(path, sizeof path, "%s/%s", folder ? folder : "/usr/share/zoneinfo", name) >= (int)sizeof path) return false;
	FILE *file = fopen(path, "rbe");
	if (!file) return false;
	unsigned char *bytes = mem_alloc(ZONE_FILE_BYTES_MAX);
	size_t count = fread(bytes, 1, ZONE_FILE_BYTES_MAX, file);
	bool ok = !ferror(file) && zone_read(zone, bytes, count);
	fclose(file);
	free(bytes);
	return ok;
}

/* +02:00, -0530, +2: the whole text */
static bool fixed_offset(const char *name, int *offset)
{
	int hours = 0, minutes = 0, digits = 0;
	const char *at = name + 1;
	if (*name != '+' && *name != '-') return false;
	for (; digits < 2 && (unsigned char)(*at - '0') < 10; at++, digits++) hours = hours * 10 + (*at - '0');
	if (*at == ':') at++;
	if (!digits) return false;
	if (*at) {
		if ((unsigned char)(at[0] - '0') > 9 || (unsigned char)(at[1] - '0') > 9 || at[2]) return false;
		minutes = (at[0] - '0') * 10 + (at[1] - '0');
	}
	*offset = (hours * 3600 + minutes * 60) * (*name == '-' ? -1 : 1);
	return hours <= 18 && minutes < 60;
}

static bool is_database_name(const char *name)
{
	if (*name == '/' || strstr(name, "..") || !*name) return false;
	for (const char *c = name; *c; c++)
		if (!((unsigned char)((*c | 0x20) - 'a') < 26 || (unsigned char)(*c - '0') < 10 || strchr("/_+-", *c))) return false;
	return true;
}

Zone *zone_load(const char *name, size_t bytes)
{
	char text[ZONE_NAME_BYTES_MAX + 1];
	if (bytes == 0 || bytes > ZONE_NAME_BYTES_MAX || memchr(name, 0, bytes)) return NULL;
	memcpy(text, name, bytes);
	text[bytes] = 0;
	Zone *zone = mem_new(Zone);
	zone->from = 1;                          /* no stretch yet */
	bool ok = strcmp(text, "UTC") == 0 || strcmp(text, "Z") == 0 || fixed_offset(text, &zone->first_offset) || (is_database_name(text) && zone_file_read(zone, text));
	if (ok) return zone;
	zone_free(zone);
	return NULL;
}

void zone_free(Zone *zone)
{
	if (!zone) return;
	free(zone->transitions);
	free(zone->offsets);
	free(zone);
}

/* ---- converting ---- */

static int64_t seconds_of(int64_t us, int64_t *rest)
{
	int64_t seconds = us / US_PER_SECOND;
	*rest = us % US_PER_SECOND;
	if (*rest < 0) *rest += US_PER_SECOND, seconds--;
	return seconds;
}

int64_t zone_to_local(Zone *zone, int64_t utc_us)
{
	int64_t rest, seconds = seconds_of(utc_us, &rest);
	return (seconds + offset_at(zone, seconds)) * US_PER_SECOND + rest;
}

int64_t zone_to_utc(Zone *zone, int64_t local_us)
{
	int64_t rest, local = seconds_of(local_us, &rest);
	int before = offset_at(zone, local - SECONDS_PER_DAY), after = offset_at(zone, local + SECONDS_PER_DAY);
	int64_t utc = local - before;
	if (before != after && offset_at(zone, utc) != before && offset_at(zone, local - after) == after) utc = local - after;
	return utc * US_PER_SECOND + rest;
}

/* The jump that a local time (seconds) may be touched by: at `at` the offset changes from before to after. */
typedef struct Jump { int64_t at; int before, after; } Jump;

static Jump jump_around(Zone *zone, int64_t local)
{
	int64_t last = local + SECONDS_PER_DAY;
	Jump jump = {.before = offset_at(zone, local - SECONDS_PER_DAY)};
	while (zone->until <= last && offset_at(zone, zone->until) == jump.before) {}
	jump.at = zone->offset == jump.before ? zone->until : zone->from;
	jump.after = offset_at(zone, last);
	return jump;
}

int64_t zone_begins(Zone *zone, int64_t local_us)
{
	int64_t rest, local = seconds_of(local_us, &rest);
	Jump jump = jump_around(zone, local);
	int64_t utc = local - jump.before;
	if (jump.before != jump.after && utc >= jump.at) {
		utc = local - jump.after;
		if (utc < jump.at) return jump.at * US_PER_SECOND;
	}
	return utc * US_PER_SECOND + rest;
}

int64_t zone_ends(Zone *zone, int64_t local_us)
{
	int64_t rest, local = seconds_of(local_us, &rest);
	Jump jump = jump_around(zone, local);
	int64_t before = (local - jump.before) * US_PER_SECOND + rest, after = (local - jump.after) * US_PER_SECOND + rest, at = jump.at;
	if (jump.before == jump.after) return before;
	at *= US_PER_SECOND;
	if (after > at) return after;
	return before < at ? before : at;
}
