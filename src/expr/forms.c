/* Names that are more than a row of the table: they become other expressions, or a row that depends on a constant. */
#include <string.h>
#include <strings.h>

#include "expr/cast.h"
#include "expr/json_text.h"
#include "expr/moment.h"
#include "expr/nested.h"
#include "expr/regex.h"
#include "expr/resolve.h"
#include "expr/time_pattern.h"
#include "type/zone.h"

static bool is(const char *name, const char *word) { return strcasecmp(name, word) == 0; }

static const Str *text_constant(const Expr *e)
{
	bool is_text = e->kind == EXPR_CONSTANT && !e->constant.is_null && type_phys(e->type) == PHYS_STR;
	return is_text ? &e->constant.str : NULL;
}

/* ---- other expressions ---- */

static Expr *resolve_between(Arena *arena, Expr **args, Span span, Error *err)
{
	Expr *low = compare_make(arena, ">=", args[0], args[1], span, err);
	Expr *high = low ? compare_make(arena, "<=", args[0], args[2], span, err) : NULL;
	return high ? expr_and(arena, low, high) : NULL;
}

static Expr *resolve_nullif(Arena *arena, Expr **args, Span span, Error *err)
{
	Expr *equal = compare_make(arena, "=", args[0], args[1], span, err);
	Expr *branches[3] = {equal, expr_null(arena, args[0]->type), args[0]};
	return equal ? expr_case(arena, branches, 3, span, err) : NULL;
}

static Expr *resolve_if(Arena *arena, Expr **args, int arg_count, Span span, Error *err)
{
	Expr **branches = arena_array(arena, Expr *, arg_count + 1);
	memcpy(branches, args, sizeof *args * (size_t)arg_count);
	return expr_case(arena, branches, arg_count | 1, span, err);
}

/* ---- EXTRACT(field FROM x): the function of that field ---- */

static const struct { const char *field, *function; } FIELDS[] = {
	{"second", "extract_second"}, {"seconds", "extract_second"}, {"sec", "extract_second"}, {"epoch", "epoch"}, {"doy", "dayofyear"}, {"dow", "dow"},
	{"isodow", "isodow"}, {"isoyear", "isoyear"}, {"julian", "julian"}, {"timezone", "timezone"}, {"timezone_hour", "timezone"},
	{"timezone_minute", "timezone"}, {"dayofweek", "dayofweek"}, {"dayofyear", "dayofyear"}, {"day_of_week", "dayofweek"}, {"day_of_year", "dayofyear"},
};
static const char *const UNIT_FUNCTIONS[UNIT_COUNT] = {
	[UNIT_MICROSECOND] = "microsecond", [UNIT_MILLISECOND] = "millisecond", [UNIT_MINUTE] = "minute", [UNIT_HOUR] = "hour", [UNIT_DAY] = "day",
	[UNIT_WEEK] = "week", [UNIT_MONTH] = "month", [UNIT_QUARTER] = "quarter", [UNIT_YEAR] = "year", [UNIT_DECADE] = "decade", [UNIT_CENTURY] = "century",
	[UNIT_MILLENNIUM] = "millennium",
};

static const char *field_function(const Str *field)
{
	for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
		if (strlen(FIELDS[i].field) == field->bytes && strncasecmp(FIELDS[i].field, str_at(field), field->bytes) == 0) return FIELDS[i].function;
	return UNIT_FUNCTIONS[time_unit_find(str_at(field), field->bytes)];
}

static Expr *resolve_extract(Arena *arena, Expr **args, Span span, Error *err)
{
	const Str *field = text_constant(args[0]);
	if (!field) {
		error_set(err, ERR_UNSUPPORTED, span, "EXTRACT of a field that is no constant");
		return NULL;
	}
	const char *function = field_function(field);
	if (function) return expr_call(arena, function, args + 1, 1, span, err);
	error_set(err, ERR_INVALID_PARAMETER, args[0]->span.end ? args[0]->span : span, "unknown field \"%.*s\" of EXTRACT", (int)field->bytes, str_at(field));
	error_hint(err, "Fields are year, quarter, month, week, day, hour, minute, second, millisecond, microsecond, dow, isodow, doy, epoch and others.");
	return NULL;
}

/* ---- SQLite's date functions: 'now' or nothing is the clock, which must show in the expression ---- */

static bool is_now(const Expr *e)
{
	const Str *text = text_constant(e);
	return text && text->bytes == 3 && strncasecmp(str_at(text), "now", 3) == 0;
}

/* Where the time stands among the arguments; -1: no such function */
static int time_argument(const char *name)
{
	static const char *const NAMES[] = {"date", "time", "datetime", "julianday", "unixepoch"};
	for (int i = 0; i < 5; i++)
		if (is(name, NAMES[i])) return 0;
	return is(name, "strftime") ? 1 : -1;
}

static Expr *resolve_sqlite_time(Arena *arena, const char *name, int at, Expr **args, int arg_count, Span span, Error *err)
{
	Expr **own = arena_array(arena, Expr *, arg_count + 1);
	memcpy(own, args, sizeof *args * (size_t)arg_count);
	own[at] = expr_call(arena, "now", NULL, 0, span, err);
	return own[at] ? expr_call(arena, name, own, arg_count > at ? arg_count : at + 1, span, err) : NULL;
}

/* age(t): from t to the beginning of today */
static Expr *resolve_age(Arena *arena, Expr *from, Span span, Error *err)
{
	Expr *args[2] = {expr_call(arena, "current_date", NULL, 0, span, err), from};
	return args[0] ? expr_call(arena, "age", args, 2, span, err) : NULL;
}

/* (s1, e1) OVERLAPS (s2, e2): each from the earlier to before the later, or the one moment that both are; an end may be an INTERVAL. NULL where
 * one of them is. */
static Expr *resolve_overlaps(Arena *arena, Expr **args, Span span, Error *err)
{
	Expr *low[2], *high[2];
	for (int i = 0; i < 2; i++) {
		Expr *ends[2] = {args[2 * i], args[2 * i + 1]};
		if (ends[1]->type.kind == TYPE_INTERVAL && !(ends[1] = expr_call(arena, "+", ends, 2, span, err))) return NULL;
		low[i] = expr_call(arena, "min", ends, 2, span, err);
		high[i] = low[i] ? expr_call(arena, "max", ends, 2, span, err) : NULL;
		if (!high[i]) return NULL;
	}
	Expr *same = compare_make(arena, "=", low[0], low[1], span, err), *any = same;
	for (int i = 0; i < 2 && any; i++) {
		Expr *after = compare_make(arena, ">", low[1 - i], low[i], span, err), *before = after ? compare_make(arena, "<", low[1 - i], high[i], span, err) : NULL;
		any = before ? expr_or(arena, any, expr_and(arena, after, before)) : NULL;
	}
	return any;
}

/* ksqlDB's json_concat(a, b ...): what is in them put together; NULL where one is NULL or no JSON */
static Expr *resolve_json_concat(Arena *arena, Expr **args, int arg_count, Span span, Error *err)
{
	Expr *all = NULL, *missing = NULL;
	for (int i = 0; i < arg_count; i++) {
		Expr *part = expr_cast(arena, args[i], TYPE(JSON), CAST_EXPLICIT, err), *pair[2] = {all, part};
		if (!part) return NULL;
		missing = expr_or(arena, missing, expr_call(arena, "is null", &part, 1, span, err));
		all = all ? expr_call(arena, "jsonb_concat", pair, 2, span, err) : part;
		if (!missing || !all) return NULL;
	}
	return expr_case(arena, (Expr *[]){missing, expr_null(arena, TYPE(JSON)), all}, 3, span, err);
}

/* timestampadd('day', n, DATE): days, weeks and months later it is a date again. */
static bool is_whole_days(const Expr *unit_name)
{
	const Str *text = text_constant(unit_name);
	TimeUnit unit = text ? time_unit_find(str_at(text), text->bytes) : UNIT_NONE;
	return unit != UNIT_NONE && time_unit_us(unit) % US_PER_DAY == 0;
}

/* FLOOR(DATE TO MONTH) is a date, too. */
static Expr *resolve_date_floor(Arena *arena, const char *name, Expr **args, Span span, Error *err)
{
	Expr *moved[2] = {cast_make(arena, args[0], TYPE(TIMESTAMP), CAST_IMPLICIT), args[1]};
	Expr *e = expr_call(arena, name, moved, 2, span, err);
	return e ? cast_make(arena, e, TYPE(DATE), CAST_EXPLICIT) : NULL;
}

static Expr *resolve_add_days(Arena *arena, Expr **args, Span span, Error *err)
{
	Expr *moved[3] = {args[0], args[1], cast_make(arena, args[2], TYPE(TIMESTAMP), CAST_IMPLICIT)};
	Expr *e = expr_call(arena, "timestampadd", moved, 3, span, err);
	return e ? cast_make(arena, e, TYPE(DATE), CAST_EXPLICIT) : NULL;
}

Expr *resolve_form(Arena *arena, const char *name, Expr **args, int arg_count, Span span, bool *done, Error *err)
{
	static const char *const COMPARISONS[] = {"=", "<>", "<", "<=", ">", ">=", "is", "is not"};
	int time_at = time_argument(name);
	*done = true;
	for (int i = 0; i < 8; i++)
		if (arg_count == 2 && strcmp(name, COMPARISONS[i]) == 0) return compare_make(arena, name, args[0], args[1], span, err);
	if (is(name, "in") && arg_count >= 1) return in_make(arena, args, arg_count, span, err);
	if (is(name, "between") && arg_count == 3) return resolve_between(arena, args, span, err);
	if (is(name, "nullif") && arg_count == 2) return resolve_nullif(arena, args, span, err);
	if ((is(name, "iif") || is(name, "if")) && arg_count >= 2) return resolve_if(arena, args, arg_count, span, err);
	if ((is(name, "extract") || is(name, "date_part") || is(name, "datepart")) && arg_count == 2) return resolve_extract(arena, args, span, err);
	if (is(name, "timezone") && arg_count == 2) {
		Expr *swapped[2] = {args[1], args[0]};
		return expr_call(arena, "at time zone", swapped, 2, span, err);
	}
	if ((is(name, "make_timestamp") || is(name, "make_timestamptz")) && arg_count == 7) {
		Expr *local[2] = {expr_call(arena, "make_timestamp", args, 6, span, err), args[6]};
		return local[0] ? expr_call(arena, "to_utc_timestamp", local, 2, span, err) : NULL;
	}
	if (is(name, "#>") && arg_count == 2) return expr_call(arena, "json_at_path", args, 2, span, err);
	if (is(name, "#>>") && arg_count == 2) return expr_call(arena, "json_at_path_text", args, 2, span, err);
	if (is(name, "json_concat") && arg_count >= 1) return resolve_json_concat(arena, args, arg_count, span, err);
	if (is(name, "timestampadd") && arg_count == 3 && args[2]->type.kind == TYPE_DATE && is_whole_days(args[0])) return resolve_add_days(arena, args, span, err);
	if ((is(name, "floor") || is(name, "ceil")) && arg_count == 2 && args[0]->type.kind == TYPE_DATE && is_whole_days(args[1]))
		return resolve_date_floor(arena, name, args, span, err);
	if (is(name, "overlaps") && arg_count == 4) return resolve_overlaps(arena, args, span, err);
	if (is(name, "age") && arg_count == 1) return resolve_age(arena, args[0], span, err);
	if (time_at >= 0 && (arg_count == time_at || (arg_count > time_at && is_now(args[time_at]))))
		return resolve_sqlite_time(arena, name, time_at, args, arg_count, span, err);
	*done = false;
	return NULL;
}

/* round(DECIMAL, 2) has two digits where the 2 is a constant. */
Expr *narrow_rounded(Arena *arena, Expr *call)
{
	bool rounds = strcmp(call->function->name, "round") == 0 || strcmp(call->function->name, "trunc") == 0;
	if (!rounds || call->type.kind != TYPE_DECIMAL) return call;
	const Expr *digits = call->arg_count > 1 ? call->args[1] : NULL;
	if (digits && (digits->kind != EXPR_CONSTANT || digits->constant.is_null)) return call;
	int64_t scale = digits ? digits->constant.i64 : 0;
	if (scale < 0) scale = 0;
	if (scale >= call->type.scale) return call;
	return cast_make(arena, call, type_decimal(call->type.precision - call->type.scale + (scale ? (int)scale : 1), (int)scale), CAST_EXPLICIT);
}

/* ---- constants that are read once ---- */

static bool unit_is_known(const Str *text) { return time_unit_find(str_at(text), text->bytes) != UNIT_NONE; }

static bool zone_is_known(const Str *text)
{
	Zone *zone = zone_load(str_at(text), text->bytes);
	zone_free(zone);
	return zone != NULL;
}

static bool path_is_json(const Str *text)
{
	JsonPath path;
	return json_path_read(str_at(text), text->bytes, &path);
}

static bool path_is_any(const Str *text)
{
	JsonPath path;
	return json_path_read_any(str_at(text), text->bytes, &path);
}

static bool pattern_is_java(const Str *text)
{
	TimePattern *pattern = time_pattern_read(str_at(text), text->bytes, PATTERN_JAVA);
	time_pattern_free(pattern);
	return pattern != NULL;
}

static const struct { const char *function; int arg; bool (*is_known)(const Str *text); const char *what, *hint; } CHECKS[] = {
	{"date_trunc", 0, unit_is_known, "unit of time", "Units are microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century, millennium."},
	{"floor", 1, unit_is_known, "unit of time", NULL}, {"ceil", 1, unit_is_known, "unit of time", NULL},
	{"timestampadd", 0, unit_is_known, "unit of time", NULL}, {"timestampdiff", 0, unit_is_known, "unit of time", NULL},
	{"date_trunc", 2, zone_is_known, "time zone", "Names are those of the tz database, such as Europe/Berlin."}, {"at time zone", 1, zone_is_known, "time zone", NULL},
	{"from_utc_timestamp", 1, zone_is_known, "time zone", NULL}, {"to_utc_timestamp", 1, zone_is_known, "time zone", NULL},
	{"date_format", 1, pattern_is_java, "time pattern", "Letters are Java's: yyyy-MM-dd HH:mm:ss.SSS."}, {"from_unixtime", 1, pattern_is_java, "time pattern", NULL},
	{"json_extract", 1, path_is_json, "JSON path", "Paths are like $.a.b[0]; wildcards may stand in JSON_QUERY and JSON_EXISTS."}, {"json_value", 1, path_is_json, "JSON path", "Paths are like $.a.b[0]; wildcards may stand in JSON_QUERY and JSON_EXISTS."},
	{"json_value_else", 1, path_is_json, "JSON path", NULL}, {"json_query_else", 1, path_is_any, "JSON path", NULL}, {"json_exists_else", 1, path_is_any, "JSON path", NULL},
	{"json_as", 2, is_json_as_mode, "way", "There are 'cast' and 'compare'."}, {"json_order", 1, is_type_text, "type", NULL}, {"json_as", 1, is_type_text, "type", "Types are written as ROW<a INTEGER, b ARRAY<TEXT>>, MAP<TEXT, REAL>, JSONB."},
	{"json_query", 1, path_is_any, "JSON path", NULL}, {"json_exists", 1, path_is_any, "JSON path", NULL}, {"json_type", 1, path_is_json, "JSON path", NULL},
	{"encode", 1, encoding_is_known, "encoding", "Encodings are hex, base64, escape and utf-8."}, {"decode", 1, encoding_is_known, "encoding", "Encodings are hex, base64, escape and utf-8."},
	{"parse_timestamp", 1, pattern_is_java, "time pattern", NULL}, {"parse_date", 1, pattern_is_java, "time pattern", NULL},
	{"parse_time", 1, pattern_is_java, "time pattern", NULL}, {"unix_timestamp", 1, pattern_is_java, "time pattern", NULL},
};

/* Functions with a regular expression as second argument, and how it is read */
static const struct { const char *function; unsigned flags; } REGEX_FUNCTIONS[] = {
	{"regexp", 0}, {"~", 0}, {"~*", REGEX_IGNORE_CASE}, {"similar to", REGEX_SIMILAR}, {"regexp_like", 0}, {"regexp_extract", 0}, {"regexp_extract_all", 0}, {"regexp_match", 0},
	{"regexp_match_rows", 0}, {"regexp_replace", 0}, {"regexp_replace_all", 0}, {"regexp_count", 0}, {"regexp_instr", 0}, {"regexp_split_to_array", 0},
};

static bool check_regex(const Expr *call, const Expr *arg, unsigned flags, Error *err)
{
	char message[160];
	const Str *text = text_constant(arg);
	Regex *regex = text ? regex_make(str_at(text), text->bytes, flags, message, sizeof message) : NULL;
	bool ok = !text || regex;
	regex_free(regex);
	return ok || error_set(err, ERR_INVALID_PARAMETER, arg->span.end ? arg->span : call->span, "regular expression \"%.*s\" cannot be read: %s", (int)text->bytes, str_at(text), message);
}

/* $1 is a group in Flink and plain text in PostgreSQL: neither is guessed. */
static bool check_replacement(const Expr *call, Error *err)
{
	const Str *text = text_constant(call->args[2]);
	for (uint32_t i = 0; text && i + 1 < text->bytes; i++) {
		if (str_at(text)[i] != '$' || (unsigned char)(str_at(text)[i + 1] - '0') > 9) continue;
		error_set(err, ERR_UNSUPPORTED, call->span, "$%c in the replacement of regexp_replace", str_at(text)[i + 1]);
		return error_hint(err, "Write \\%c for a group of the match, and '$' || '%c' for the text.", str_at(text)[i + 1], str_at(text)[i + 1]);
	}
	return true;
}

/* All matches would be rows. */
static bool check_match_flags(const Expr *call, Error *err)
{
	const Str *flags = call->arg_count > 2 ? text_constant(call->args[2]) : NULL;
	if (!flags || !memchr(str_at(flags), 'g', flags->bytes)) return true;
	error_set(err, ERR_UNSUPPORTED, call->span, "all matches in %s: the flag g", call->function->name);
	return error_hint(err, "regexp_matches() gives them as rows.");
}

static bool check_pattern(const Expr *call, Error *err)
{
	const char *name = call->function->name;
	if (call->arg_count < 2 || call->args[1]->type.kind != TYPE_TEXT) return true;
	for (size_t i = 0; i < sizeof REGEX_FUNCTIONS / sizeof *REGEX_FUNCTIONS; i++)
		if (strcmp(REGEX_FUNCTIONS[i].function, name) == 0 && !check_regex(call, call->args[1], REGEX_FUNCTIONS[i].flags, err)) return false;
	if (strcmp(name, "regexp_match") == 0 && !check_match_flags(call, err)) return false;
	return strncmp(name, "regexp_replace", 14) != 0 || check_replacement(call, err);
}

static bool check_number_pattern(const Expr *call, Error *err)
{
	bool is_number = strcmp(call->function->name, "to_char") == 0 && type_is_numeric(call->args[0]->type);
	const Str *text = is_number ? text_constant(call->args[1]) : NULL;
	if (!text || number_pattern_is_known(text)) return true;
	error_set(err, ERR_UNSUPPORTED, call->args[1]->span.end ? call->args[1]->span : call->span, "the pattern '%.*s' of to_char for a number is not supported", (int)text->bytes, str_at(text));
	return error_hint(err, "Digits are 9 and 0; . D , G, S MI PR, L and FM may stand with them.");
}

bool check_constants(const Expr *call, Error *err)
{
	if (!check_pattern(call, err) || !check_number_pattern(call, err)) return false;
	if ((strcmp(call->function->name, "json_object") == 0 || strcmp(call->function->name, "json_object_absent") == 0) && call->arg_count % 2)
		return error_set(err, ERR_UNDEFINED_FUNCTION, call->span, "json_object takes keys and values in turn");
	if (strcmp(call->function->name, "json_as") == 0 || strcmp(call->function->name, "json_order") == 0)
		for (int i = 1; i < call->arg_count; i++)
			if (!text_constant(call->args[i])) return error_set(err, ERR_INVALID_PARAMETER, call->span, "the type of %s must be a constant", call->function->name);
	for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS; i++) {
		if (CHECKS[i].arg >= call->arg_count || strcmp(CHECKS[i].function, call->function->name) != 0) continue;
		const Expr *arg = call->args[CHECKS[i].arg];
		const Str *text = text_constant(arg);
		if (!text || CHECKS[i].is_known(text)) continue;
		error_set(err, ERR_INVALID_PARAMETER, arg->span.end ? arg->span : call->span, "unknown %s \"%.*s\"", CHECKS[i].what, (int)text->bytes, str_at(text));
		if (CHECKS[i].hint) error_hint(err, "%s", CHECKS[i].hint);
		return false;
	}
	return true;
}
