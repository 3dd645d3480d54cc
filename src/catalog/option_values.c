/* One function a kind of value. A value that passes is kept in one spelling, so that two definitions that say the same are equal
 * texts: "5 seconds", "5s" and "PT5S" are all kept as "5s". */
#include "catalog/option_values.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/vec.h"
#include "type/text.h"

static const char *wrong(const char *name, const char *value, Span span, Error *err, const char *hint)
{
	error_set(err, ERR_INVALID_PARAMETER, span, "option \"%s\" cannot be \"%.100s\"", name, value);
	if (hint) error_hint(err, "%s", hint);
	return NULL;
}

bool option_list_has(const char *list, const char *word)
{
	size_t bytes = strlen(word);
	while (bytes && *list) {
		size_t item = strcspn(list, " ");
		if (item == bytes && strncasecmp(list, word, bytes) == 0) return true;
		list += item + (list[item] == ' ');
	}
	return false;
}

/* "a=x,y|b": the canonical word for `value`; every spelling is offered to nearest. */
static const char *word_find(Arena *arena, const char *check, const char *value, Nearest *nearest)
{
	for (const char *at = check; ; at++) {
		size_t alternative = strcspn(at, "|"), canonical = strcspn(at, "=|");
		for (size_t i = 0; i <= alternative; ) {
			size_t bytes = strcspn(at + i, "=,|");
			if (strlen(value) == bytes && strncasecmp(at + i, value, bytes) == 0) return arena_strndup(arena, at, canonical);
			if (bytes) nearest_offer(nearest, arena_strndup(arena, at + i, bytes));
			i += bytes + 1;
		}
		at += alternative;
		if (!*at) return NULL;
	}
}

static const char *word_choices(Arena *arena, const char *check)
{
	StrBuf text = STRBUF_INIT;
	for (const char *at = check; ; at++) {
		strbuf_add(&text, at, strcspn(at, "=|"));
		at += strcspn(at, "|");
		if (!*at) break;
		strbuf_adds(&text, ", ");
	}
	const char *out = arena_printf(arena, "It is one of: %s.", text.text);
	strbuf_release(&text);
	return out;
}

static const char *word_canonical(Arena *arena, const OptionSpec *spec, const char *name, const char *value, Span span, Error *err)
{
	Nearest nearest;
	nearest_init(&nearest, value);
	const char *found = word_find(arena, spec->check, value, &nearest);
	if (found) return found;
	return wrong(name, value, span, err, nearest.best ? arena_printf(arena, "Did you mean \"%s\"?", nearest.best) : word_choices(arena, spec->check));
}

static bool timestamp_read(const char *value, int64_t *us)
{
	char *end;
	errno = 0;
	long long ms = strtoll(value, &end, 10);
	if (end != value && !*end && !errno) return !__builtin_mul_overflow(ms, 1000, us);
	return text_to_timestamp(value, strlen(value), us);
}

static const char *timestamp_canonical(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	int64_t us;
	if (!timestamp_read(value, &us)) return wrong(name, value, span, err, "Write a time as '2026-11-20 10:00:00', or milliseconds since 1970.");
	StrBuf text = STRBUF_INIT;
	value_print(&(Value){.type = TYPE(TIMESTAMP), .i64 = us}, &text);
	const char *out = arena_strdup(arena, text.text);
	strbuf_release(&text);
	return out;
}

static const char *start_canonical(Arena *arena, const OptionSpec *spec, const char *name, const char *value, Span span, Error *err)
{
	int64_t us;
	if (isdigit((unsigned char)*value) && timestamp_read(value, &us)) return timestamp_canonical(arena, name, value, span, err);
	return word_canonical(arena, spec, name, value, span, err);
}

static const char *boolean_canonical(const char *name, const char *value, Span span, Error *err)
{
	int64_t truth;
	if (!text_to_boolean(value, strlen(value), &truth)) return wrong(name, value, span, err, "Write true or false.");
	return truth ? "true" : "false";
}

static const char *integer_canonical(Arena *arena, const OptionSpec *spec, const char *name, const char *value, Span span, Error *err)
{
	int64_t number, least, most;
	char *dots;
	least = strtoll(spec->check, &dots, 10);
	most = strtoll(dots + 2, NULL, 10);
	if (!text_to_integer(value, strlen(value), &number)) return wrong(name, value, span, err, "Write a whole number.");
	if (number < least || number > most)
		return wrong(name, value, span, err, arena_printf(arena, "It lies between %" PRId64 " and %" PRId64 ".", least, most));
	return arena_printf(arena, "%" PRId64, number);
}

static const char *real_canonical(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	double number;
	if (!text_to_real(value, strlen(value), &number) || !isfinite(number)) return wrong(name, value, span, err, "Write a number.");
	return arena_printf(arena, "%.17g", number);
}

/* KB, MB, GB are taken as KiB, MiB, GiB, as PostgreSQL does: limits are powers of two. */
bool option_read_bytes(const char *value, int64_t *out)
{
	static const struct { const char *unit; int shift; } UNITS[] = {
		{"", 0}, {"b", 0}, {"bytes", 0}, {"k", 10}, {"kb", 10}, {"kib", 10}, {"m", 20}, {"mb", 20}, {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30},
	};
	char *end;
	errno = 0;
	double number = strtod(value, &end);
	if (end == value || errno || !(number >= 0)) return false;
	end += strspn(end, " ");
	for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
		if (strcasecmp(end, UNITS[i].unit) == 0 && number * (double)(1ull << UNITS[i].shift) < 9e18) {
			*out = (int64_t)(number * (double)(1ull << UNITS[i].shift));
			return true;
		}
	return false;
}

static const char *bytes_canonical(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	int64_t bytes;
	if (!option_read_bytes(value, &bytes)) return wrong(name, value, span, err, "Write bytes as a number, or as 64MiB.");
	return arena_printf(arena, "%" PRId64, bytes);
}

static const struct { const char *unit; int64_t us; } DURATIONS[] = {        /* longest first */
	{"d", 86400000000}, {"h", 3600000000}, {"min", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1},
};
enum { DURATION_COUNT = sizeof DURATIONS / sizeof *DURATIONS };

bool option_read_duration(const char *value, int64_t *us)
{
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (end != value && !errno) {
		end += strspn(end, " ");
		if (!*end) return number >= 0 && !__builtin_mul_overflow(number, 1000, us);
		for (int i = 0; i < DURATION_COUNT; i++)
			if (strcasecmp(end, DURATIONS[i].unit) == 0) return number >= 0 && !__builtin_mul_overflow(number, DURATIONS[i].us, us);
	}
	Interval interval;
	return text_to_interval(value, strlen(value), &interval) && interval_to_us(interval, us) && *us >= 0;
}

static const char *duration_canonical(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	int64_t us;
	if (!option_read_duration(value, &us)) return wrong(name, value, span, err, "Write a length of time as '5 seconds', 5s or 100ms.");
	for (int i = 0; i < DURATION_COUNT; i++)
		if (us % DURATIONS[i].us == 0 && us) return arena_printf(arena, "%" PRId64 "%s", us / DURATIONS[i].us, DURATIONS[i].unit);
	return "0s";
}

static const char *character_canonical(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	static const struct { const char *name, *text; } NAMES[] = {
		{"tab", "\t"}, {"\\t", "\t"}, {"comma", ","}, {"pipe", "|"}, {"space", " "}, {"semicolon", ";"},
	};
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (strcasecmp(value, NAMES[i].name) == 0) return NAMES[i].text;
	if (strlen(value) == 1 && *value != '\n' && *value != '\r' && !(*value & 0x80)) return arena_strdup(arena, value);
	return wrong(name, value, span, err, "Write one character, or tab, comma, pipe, space, semicolon.");
}

static const char *topic_canonical(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	size_t bytes = strlen(value), good = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	if (bytes == good && bytes && bytes <= 249 && strcmp(value, ".") != 0 && strcmp(value, "..") != 0) return arena_strdup(arena, value);
	return wrong(name, value, span, err, "A topic's name has letters, digits, dots, underscores and hyphens, at most 249.");
}

bool option_offsets_parse(Arena *arena, const char *value, PartitionOffset **out, int *count)
{
	VEC(PartitionOffset) list = {0};
	for (const char *at = value; *at; ) {
		int partition, used = 0;
		int64_t offset;
		if (sscanf(at, " partition : %d , offset : %" SCNd64 " %n", &partition, &offset, &used) != 2 || !used || partition < 0 || offset < 0) return false;
		vec_push_in(arena, &list, (PartitionOffset){partition, offset});
		at += used;
		if (*at == ';') at++;
		else if (*at) return false;
	}
	*out = list.at;
	*count = list.count;
	return list.count > 0;
}

static const char *offsets_canonical(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	PartitionOffset *list;
	int count;
	if (!option_offsets_parse(arena, value, &list, &count))
		return wrong(name, value, span, err, "Write it as partition:0,offset:42;partition:1,offset:300.");
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < count; i++)
		strbuf_printf(&text, "%spartition:%d,offset:%" PRId64, i ? ";" : "", list[i].partition, list[i].offset);
	const char *out = arena_strdup(arena, text.text);
	strbuf_release(&text);
	return out;
}

static const char *path_canonical(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	const char *path = strncmp(value, "file://", 7) == 0 ? value + 7 : value;
	if (!*path) return wrong(name, value, span, err, "Write the path of a file.");
	return arena_strdup(arena, path);
}

const char *option_value_canonical(Arena *arena, const OptionSpec *spec, const char *name, const char *value, Span span, Error *err)
{
	switch (spec->kind) {
	case OPTION_WORD: return word_canonical(arena, spec, name, value, span, err);
	case OPTION_BOOLEAN: return boolean_canonical(name, value, span, err);
	case OPTION_INTEGER: return integer_canonical(arena, spec, name, value, span, err);
	case OPTION_REAL: return real_canonical(arena, name, value, span, err);
	case OPTION_BYTES: return bytes_canonical(arena, name, value, span, err);
	case OPTION_DURATION: return duration_canonical(arena, name, value, span, err);
	case OPTION_START: return start_canonical(arena, spec, name, value, span, err);
	case OPTION_OFFSETS: return offsets_canonical(arena, name, value, span, err);
	case OPTION_TIMESTAMP: return timestamp_canonical(arena, name, value, span, err);
	case OPTION_CHARACTER: return character_canonical(arena, name, value, span, err);
	case OPTION_TOPIC: return topic_canonical(arena, name, value, span, err);
	case OPTION_PATH: return path_canonical(arena, name, value, span, err);
	default: return arena_strdup(arena, value);
	}
}

int64_t option_value_integer(const OptionSpec *spec, const char *value)
{
	int64_t out = 0;
	switch (spec->kind) {
	case OPTION_BYTES: option_read_bytes(value, &out); break;
	case OPTION_DURATION: option_read_duration(value, &out); break;
	case OPTION_START: case OPTION_TIMESTAMP: timestamp_read(value, &out); break;
	case OPTION_BOOLEAN: text_to_boolean(value, strlen(value), &out); break;
	default: text_to_integer(value, strlen(value), &out);
	}
	return out;
}
