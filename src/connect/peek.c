/* PEEK: from a sample of records to the CREATE STREAM that reads them: JSON, else CSV where all lines have as many fields, else raw.
 *
 * A field's type is the narrowest that all its values fit: numbers, truth values, times, ROWs of what their fields are; what fits
 * nothing in common is TEXT, arrays and objects with ever other fields are JSON. The event time is the time that (nearly) all
 * records have, best by name; the watermark waits for the disorder that was seen, half again, rounded up.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/vec.h"
#include "connect/inspect.h"
#include "format/json_scan.h"
#include "type/text.h"

enum { FIELDS_MAX = 300, DEPTH_MAX = 16, DISORDER_STEPS = 13 };

typedef struct Guess Guess;
struct Guess {
	const char *name;
	int seen, nulls, booleans, integers, reals, times, dates, epochs, texts, objects, arrays;
	int bytes_max;
	VEC(Guess *) fields;
	bool too_many;                /* more fields than a ROW should have */
	bool is_bytes;                /* a raw value that is no text */
	/* as event time: in order of arrival */
	int64_t newest_us, disorder_us;
};

typedef struct Peek {
	Arena *arena;
	Arena scratch;
	Guess *parent;
	int depth, records, dead;
	const char *dead_are, *format;        /* options of the format; NULL: JSON */
} Peek;

static Guess *guess_field(Peek *p, Guess *parent, const char *name, size_t bytes)
{
	for (int i = 0; i < parent->fields.count; i++)
		if (strlen(parent->fields.at[i]->name) == bytes && memcmp(parent->fields.at[i]->name, name, bytes) == 0) return parent->fields.at[i];
	if (parent->fields.count == FIELDS_MAX || memchr(name, 0, bytes)) { parent->too_many = true; return NULL; }
	Guess *guess = arena_new(p->arena, Guess);
	guess->name = arena_strndup(p->arena, name, bytes);
	guess->newest_us = INT64_MIN;
	vec_push_in(p->arena, &parent->fields, guess);
	return guess;
}

static void note_time(Guess *guess, int64_t us)
{
	if (us > guess->newest_us) guess->newest_us = us;
	else if (guess->newest_us - us > guess->disorder_us) guess->disorder_us = guess->newest_us - us;
}

/* A whole number that is a time between 2001 and 2100 in some unit, in a field whose name speaks of time. */
static bool is_epoch(const char *name, int64_t x, int64_t *us)
{
	static const char *const WORDS[] = {"time", "date", "timestamp", "created", "updated", "occurred"};
	static const struct { int64_t least, most, multiply, divide; } UNITS[] = {
		{978307200, 4102444800, 1000000, 1}, {978307200000, 4102444800000, 1000, 1}, {978307200000000, 4102444800000000, 1, 1}, {978307200000000000, 4102444800000000000, 1, 1000},
	};
	size_t bytes = strlen(name);
	bool named = strcasecmp(name, "ts") == 0 || strcasecmp(name, "at") == 0 || (bytes > 3 && (strcasecmp(name + bytes - 3, "_at") == 0 || strcasecmp(name + bytes - 3, "_ts") == 0))
		|| (bytes > 2 && strcmp(name + bytes - 2, "At") == 0);
	for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) named |= strcasestr(name, WORDS[i]) != NULL;
	for (size_t i = 0; named && i < sizeof UNITS / sizeof *UNITS; i++)
		if (x >= UNITS[i].least && x <= UNITS[i].most) { *us = x * UNITS[i].multiply / UNITS[i].divide; return true; }
	return false;
}

static void note_string(Peek *p, Guess *guess, JsonSpan value)
{
	size_t bytes;
	int64_t us;
	const char *text = json_string_text(&p->scratch, value, &bytes);
	if (text && bytes == 10 && text_to_date(text, bytes, &us)) guess->dates++;
	else if (text && bytes > 10 && bytes < 40 && isdigit((unsigned char)*text) && text_to_timestamp(text, bytes, &us)) { guess->times++; note_time(guess, us); }
	else guess->texts++;
}

static void note_number(Guess *guess, JsonSpan value)
{
	int64_t x, us;
	if (memchr(value.at, '.', value.bytes) || memchr(value.at, 'e', value.bytes) || memchr(value.at, 'E', value.bytes)) { guess->reals++; return; }
	if (!text_to_integer(value.at, value.bytes, &x)) { guess->reals++; guess->bytes_max = value.bytes > (size_t)guess->bytes_max ? (int)value.bytes : guess->bytes_max; return; }
	guess->integers++;
	if (is_epoch(guess->name, x, &us)) { guess->epochs++; note_time(guess, us); }
}

static bool note_field(void *context, const char *name, size_t name_bytes, JsonSpan value)
{
	Peek *p = context;
	Guess *parent = p->parent, *guess = guess_field(p, parent, name, name_bytes);
	if (!guess) return true;
	guess->seen++;
	switch (*value.at) {
	case 'n': guess->nulls++; break;
	case 't': case 'f': guess->booleans++; break;
	case '"': note_string(p, guess, value); break;
	case '[': guess->arrays++; break;
	case '{':
		guess->objects++;
		if (p->depth >= DEPTH_MAX) { guess->too_many = true; break; }
		p->parent = guess, p->depth++;
		json_each_field(value.at, value.bytes, note_field, p);
		p->parent = parent, p->depth--;
		break;
	default: note_number(guess, value);
	}
	return true;
}

/* ---- types ---- */

static int values_of(const Guess *g) { return g->seen - g->nulls; }

static bool is_row(const Guess *g)
{
	int filled = 0;
	if (g->too_many || !g->fields.count || g->objects != values_of(g)) return false;
	for (int i = 0; i < g->fields.count; i++) filled += g->fields.at[i]->seen;
	return filled * 3 >= g->objects * g->fields.count;          /* names that are data (a map) fill few of all fields */
}

static bool is_time(const Guess *g) { return values_of(g) > 0 && (g->times == values_of(g) || g->epochs == values_of(g)); }

static bool needs_quotes(const char *name)
{
	static const char *const RESERVED[] = {
		"all", "and", "as", "asc", "between", "by", "case", "cast", "check", "create", "cross", "delete", "desc", "distinct", "drop", "else", "end", "except", "exists",
		"false", "for", "from", "full", "group", "having", "in", "index", "inner", "insert", "intersect", "into", "is", "join", "left", "like", "limit", "natural", "not",
		"null", "offset", "on", "or", "order", "outer", "primary", "references", "right", "select", "set", "table", "then", "to", "true", "union", "unique", "update",
		"using", "values", "watermark", "when", "where", "with",
	};
	if (!isalpha((unsigned char)*name) && *name != '_') return true;
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '_') return true;
	for (size_t i = 0; i < sizeof RESERVED / sizeof *RESERVED; i++)
		if (strcasecmp(name, RESERVED[i]) == 0) return true;
	return false;
}

static void print_name(const char *name, StrBuf *out)
{
	if (needs_quotes(name)) strbuf_add_sql_ident(out, name);
	else strbuf_adds(out, name);
}

static void print_type(const Guess *g, StrBuf *out)
{
	int values = values_of(g), numbers = g->integers + g->reals;
	if (!values) strbuf_adds(out, g->is_bytes ? "BLOB" : "TEXT");
	else if (is_time(g)) strbuf_adds(out, "TIMESTAMP");
	else if (g->dates == values) strbuf_adds(out, "DATE");
	else if (g->booleans == values) strbuf_adds(out, "BOOLEAN");
	else if (g->integers == values) strbuf_adds(out, "INTEGER");
	else if (numbers == values) strbuf_adds(out, g->bytes_max ? "DECIMAL(38, 0)" : "REAL");
	else if (is_row(g)) {
		strbuf_adds(out, "ROW<");
		for (int i = 0; i < g->fields.count; i++) {
			if (i) strbuf_adds(out, ", ");
			print_name(g->fields.at[i]->name, out);
			strbuf_addc(out, ' ');
			print_type(g->fields.at[i], out);
		}
		strbuf_addc(out, '>');
	} else strbuf_adds(out, g->objects || g->arrays ? "JSON" : "TEXT");
}

/* ---- event time ---- */

static int time_rank(const char *name)
{
	static const char *const BEST[] = {"event_time", "eventtime", "event_timestamp", "timestamp", "ts", "at", "datetime", "date_time", "time", "occurred_at", "created_at", "createdat"};
	for (int i = 0; i < (int)(sizeof BEST / sizeof *BEST); i++)
		if (strcasecmp(name, BEST[i]) == 0) return i;
	return 100;
}

static const Guess *event_time(const Peek *p, const Guess *root)
{
	const Guess *best = NULL;
	for (int i = 0; i < root->fields.count; i++) {
		const Guess *g = root->fields.at[i];
		if (!is_time(g) || values_of(g) * 100 < (p->records - p->dead) * 99) continue;
		if (!best || time_rank(g->name) < time_rank(best->name)) best = g;
	}
	return best;
}

static void print_watermark(const char *name, int64_t disorder_us, StrBuf *out)
{
	static const struct { int64_t seconds; const char *text; } STEPS[DISORDER_STEPS] = {
		{1, "1 second"}, {2, "2 seconds"}, {5, "5 seconds"}, {10, "10 seconds"}, {30, "30 seconds"}, {60, "1 minute"}, {120, "2 minutes"}, {300, "5 minutes"},
		{600, "10 minutes"}, {1800, "30 minutes"}, {3600, "1 hour"}, {21600, "6 hours"}, {86400, "1 day"},
	};
	int step = 0;
	while (step + 1 < DISORDER_STEPS && STEPS[step].seconds * 1000000 < disorder_us + disorder_us / 2) step++;
	strbuf_adds(out, ",\n  WATERMARK FOR ");
	print_name(name, out);
	strbuf_adds(out, " AS ");
	print_name(name, out);
	strbuf_printf(out, " - INTERVAL '%s'", STEPS[step].text);
}

static bool record_times(const Sample *sample, Guess *out)
{
	out->newest_us = INT64_MIN;
	for (int b = 0; b < sample->count; b++, out->newest_us = INT64_MIN)
		for (int i = 0; i < sample->at[b].count; i++) {
			if (sample->at[b].at[i].timestamp_us == TIMESTAMP_NONE) return false;
			note_time(out, sample->at[b].at[i].timestamp_us);
		}
	return true;
}

static void print_stream(const Peek *p, const Sample *sample, const Guess *root, const char *name, const OptionSet *options, StrBuf *out)
{
	const Guess *time = event_time(p, root);
	Guess record_time = {0};
	strbuf_printf(out, "-- from %d records", p->records);
	if (p->dead) strbuf_printf(out, ", %d of which are %s", p->dead, p->dead_are);
	if (time) strbuf_printf(out, "; greatest disorder in %s: %.3f s", time->name, (double)time->disorder_us / 1e6);
	strbuf_adds(out, "\nCREATE STREAM ");
	print_name(name, out);
	strbuf_adds(out, " (");
	for (int i = 0; i < root->fields.count; i++) {
		strbuf_adds(out, i ? ",\n  " : "\n  ");
		print_name(root->fields.at[i]->name, out);
		strbuf_addc(out, ' ');
		print_type(root->fields.at[i], out);
	}
	if (time) print_watermark(time->name, time->disorder_us, out);
	else if (record_times(sample, &record_time)) {
		strbuf_adds(out, ",\n  record_time TIMESTAMP METADATA FROM 'timestamp'");
		print_watermark("record_time", record_time.disorder_us, out);
	}
	strbuf_adds(out, "\n) WITH (");
	options_print(options, OPTIONS_PRINT_ALL, out);
	if (p->format) strbuf_printf(out, ", %s", p->format);
	strbuf_adds(out, ");\n");
}

/* Between partitions times say nothing about disorder. */
static void forget_newest(Guess *g)
{
	g->newest_us = INT64_MIN;
	for (int i = 0; i < g->fields.count; i++) forget_newest(g->fields.at[i]);
}

static void guess_json(Peek *p, const Sample *sample, Guess *root)
{
	p->dead_are = "no JSON objects";
	for (int b = 0; b < sample->count; b++) {
		forget_newest(root);
		for (int i = 0; i < sample->at[b].count; i++, p->records++) {
			const Record *record = &sample->at[b].at[i];
			if (!record->value || !json_is_valid(record->value, record->value_bytes) || !json_each_field(record->value, record->value_bytes, note_field, p)) p->dead++;
			arena_clear(&p->scratch);
		}
	}
}

/* ---- no JSON ---- */

static const struct { char delimiter; const char *format; } DELIMITERS[] = {
	{',', "format = 'csv'"}, {'\t', "format = 'csv', csv.delimiter = 'tab'"}, {';', "format = 'csv', csv.delimiter = ';'"}, {'|', "format = 'csv', csv.delimiter = '|'"},
};

/* The field that begins at `at`; a quote opens one only at its beginning. Returns where it ends. */
static const char *csv_field(const char *at, const char *end, char delimiter)
{
	if (at < end && *at == '"')
		for (at++; at < end && (*at != '"' || (at + 1 < end && at[1] == '"')); at++) at += *at == '"';
	while (at < end && *at != delimiter) at++;
	return at;
}

static int csv_field_count(const Record *record, char delimiter)
{
	const char *at = record->value, *end = at + record->value_bytes;
	for (int count = 1; ; count++) {
		at = csv_field(at, end, delimiter);
		if (at == end) return count;
		at++;
	}
}

/* As many fields in every record, and more than one; else 0. */
static int csv_width(const Sample *sample, char delimiter)
{
	int width = 0;
	for (int b = 0; b < sample->count; b++)
		for (int i = 0; i < sample->at[b].count; i++) {
			const Record *record = &sample->at[b].at[i];
			if (!record->value) continue;
			int count = csv_field_count(record, delimiter);
			if (count < 2 || count > FIELDS_MAX || (width && count != width)) return 0;
			width = count;
		}
	return width;
}

static void note_text(Guess *guess, const char *at, size_t bytes)
{
	int64_t x, us;
	double real;
	bool is_time = bytes > 10 && bytes < 40 && isdigit((unsigned char)*at) && text_to_timestamp(at, bytes, &us);
	guess->seen++;
	if (!bytes) guess->nulls++;
	else if (text_to_integer(at, bytes, &x) && !memchr(at, '.', bytes)) {
		guess->integers++;
		if (is_epoch(guess->name, x, &us)) { guess->epochs++; note_time(guess, us); }
	}
	else if (text_to_real(at, bytes, &real)) guess->reals++;
	else if (bytes == 10 && text_to_date(at, bytes, &us)) guess->dates++;
	else if (is_time) { guess->times++; note_time(guess, us); }
	else if (strncasecmp(at, "true", bytes) == 0 || strncasecmp(at, "false", bytes) == 0) guess->booleans++;
	else guess->texts++;
}

static void guess_csv_record(const Record *record, char delimiter, Guess *root)
{
	const char *at = record->value, *end = at + record->value_bytes;
	while (end > at && (end[-1] == '\n' || end[-1] == '\r')) end--;
	for (int c = 0; c < root->fields.count; c++) {
		const char *stop = csv_field(at, end, delimiter);
		bool quoted = stop - at >= 2 && *at == '"' && stop[-1] == '"';
		note_text(root->fields.at[c], at + quoted, (size_t)(stop - at) - 2 * quoted);
		at = stop < end ? stop + 1 : end;
	}
}

/* Columns have no names there but their number. */
static bool guess_csv(Peek *p, const Sample *sample, Guess *root)
{
	int width = 0, d = 0;
	for (; d < (int)(sizeof DELIMITERS / sizeof *DELIMITERS) && !width; d++) width = csv_width(sample, DELIMITERS[d].delimiter);
	if (!width) return false;
	for (int c = 0; c < width; c++) {
		const char *name = arena_printf(p->arena, "c%d", c + 1);
		guess_field(p, root, name, strlen(name));
	}
	for (int b = 0; b < sample->count; b++) {
		forget_newest(root);
		for (int i = 0; i < sample->at[b].count; i++)
			if (sample->at[b].at[i].value) guess_csv_record(&sample->at[b].at[i], DELIMITERS[d - 1].delimiter, root);
	}
	p->format = DELIMITERS[d - 1].format;
	return true;
}

static void guess_raw(Peek *p, bool is_text, Guess *root)
{
	Guess *value = guess_field(p, root, "value", strlen("value"));
	value->is_bytes = !is_text;
	p->format = "format = 'raw'";
}

static void guess_no_json(Peek *p, const Sample *sample, Guess *root)
{
	bool is_text = true;
	p->dead = 0;
	p->dead_are = "without a value";
	for (int b = 0; b < sample->count; b++)
		for (int i = 0; i < sample->at[b].count; i++) {
			const Record *record = &sample->at[b].at[i];
			if (!record->value) p->dead++;
			else is_text &= utf8_is_valid(record->value, record->value_bytes) && !memchr(record->value, 0, record->value_bytes);
		}
	if (!is_text || !guess_csv(p, sample, root)) guess_raw(p, is_text, root);
}

bool sample_guess(const Sample *sample, const char *stream_name, const OptionSet *options, StrBuf *out, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	Guess *root = arena_new(&arena, Guess);
	Peek p = {.arena = &arena, .parent = root};
	arena_init(&p.scratch, 0);
	guess_json(&p, sample, root);
	bool ok = p.records > 0 || error_set(err, ERR_WRONG_STATE, SPAN_NONE, "there are no records to look at");
	if (ok && !root->fields.count) guess_no_json(&p, sample, root);
	if (ok) print_stream(&p, sample, root, stream_name, options, out);
	arena_release(&p.scratch);
	arena_release(&arena);
	return ok;
}
