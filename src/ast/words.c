/* Which words are keywords here: stands between lexer and parser, as SQLite does it for WINDOW, OVER and FILTER.
 *
 * SQL has some 280 words that mean something somewhere, and most of them are good names for columns: key, offset, timestamp,
 * filter, left. A grammar for lemon cannot tell AS x FILTER from a column called filter, so what can be told from one to
 * four words ahead is told here: some sequences become one token (EMIT ON WINDOW CLOSE), some words stay keywords only
 * between certain neighbours and are names elsewhere. What needs a whole sentence is grammar. Also here: the > of nested
 * types, [] as one token, units of time behind INTERVAL, hints.
 */
#include <stdio.h>

#include "ast/make.h"
#include "keywords.h"

/* Words that make one token. The first that fits wins; 0 ends the list of words. */
static const struct { uint16_t token, words[4]; } PHRASES[] = {
	{TK_APPEND_ONLY, {TK_APPEND, TK_ONLY}},
	{TK_AT_LOCAL, {TK_AT, TK_LOCAL}},
	{TK_AT_TIME_ZONE, {TK_AT, TK_TIME, TK_ZONE}},
	{TK_TYPE_WORDS, {TK_BIT, TK_VARYING}},
	{TK_TYPE_WORDS, {TK_CHAR, TK_VARYING}},
	{TK_TYPE_WORDS, {TK_CHARACTER, TK_VARYING}},
	{TK_TYPE_WORDS, {TK_DOUBLE, TK_PRECISION}},
	{TK_EMIT_CHANGES, {TK_EMIT, TK_CHANGES}},
	{TK_EMIT_FINAL, {TK_EMIT, TK_FINAL}},
	{TK_EMIT_CLOSE, {TK_EMIT, TK_ON, TK_WINDOW, TK_CLOSE}},
	{TK_AS_OF, {TK_FOR, TK_SYSTEM_TIME, TK_AS, TK_OF}},
	{TK_GENERATED, {TK_GENERATED, TK_ALWAYS, TK_AS}},
	{TK_GROUPING_SETS, {TK_GROUPING, TK_SETS}},
	{TK_IF_EXISTS, {TK_IF, TK_EXISTS}},
	{TK_IF_NOT_EXISTS, {TK_IF, TK_NOT, TK_EXISTS}},
	{TK_IGNORE_NULLS, {TK_IGNORE, TK_NULLS}},
	{TK_KEY_ENCODE, {TK_KEY, TK_ENCODE}},
	{TK_MATERIALIZED_VIEW, {TK_MATERIALIZED, TK_VIEW}},
	{TK_NOT_ENFORCED, {TK_NOT, TK_ENFORCED}},
	{TK_NOT_INDEXED, {TK_NOT, TK_INDEXED}},
	{TK_NULLS_FIRST, {TK_NULLS, TK_FIRST}},
	{TK_NULLS_LAST, {TK_NULLS, TK_LAST}},
	{TK_ON_CONFLICT, {TK_ON, TK_CONFLICT}},
	{TK_ON_OFFSET_GAP, {TK_ON, TK_OFFSET, TK_GAP}},
	{TK_PARTITIONED_BY, {TK_PARTITIONED, TK_BY}},
	{TK_PARTITION_BY, {TK_PARTITION, TK_BY}},
	{TK_PLAN_FOR, {TK_PLAN, TK_FOR}},
	{TK_QUERY_PLAN, {TK_QUERY, TK_PLAN}},
	{TK_RESPECT_NULLS, {TK_RESPECT, TK_NULLS}},
	{TK_SIMILAR, {TK_SIMILAR, TK_TO}},
	{TK_WATERMARK_FOR, {TK_WATERMARK, TK_FOR}},
	{TK_WINDOW_HOPPING, {TK_WINDOW, TK_HOPPING}},
	{TK_WINDOW_SESSION, {TK_WINDOW, TK_SESSION}},
	{TK_WINDOW_TUMBLING, {TK_WINDOW, TK_TUMBLING}},
	{TK_WITHIN_GROUP, {TK_WITHIN, TK_GROUP}},
	{TK_WITH_ORDINALITY, {TK_WITH, TK_ORDINALITY}},
	{TK_ZONE_SUFFIX, {TK_WITH, TK_LOCAL, TK_TIME, TK_ZONE}},
	{TK_ZONE_SUFFIX, {TK_WITH, TK_TIME, TK_ZONE}},
	{TK_ZONE_SUFFIX, {TK_WITHOUT, TK_LOCAL, TK_TIME, TK_ZONE}},
	{TK_ZONE_SUFFIX, {TK_WITHOUT, TK_TIME, TK_ZONE}},
};

static const struct { uint16_t token; const char *unit; } UNITS[] = {
	{TK_YEAR, "YEAR"}, {TK_YEARS, "YEAR"}, {TK_QUARTER, "QUARTER"}, {TK_QUARTERS, "QUARTER"}, {TK_MONTH, "MONTH"},
	{TK_MONTHS, "MONTH"}, {TK_WEEK, "WEEK"}, {TK_WEEKS, "WEEK"}, {TK_DAY, "DAY"}, {TK_DAYS, "DAY"}, {TK_HOUR, "HOUR"},
	{TK_HOURS, "HOUR"}, {TK_MINUTE, "MINUTE"}, {TK_MINUTES, "MINUTE"}, {TK_SECOND, "SECOND"}, {TK_SECONDS, "SECOND"},
	{TK_MILLISECOND, "MILLISECOND"}, {TK_MILLISECONDS, "MILLISECOND"}, {TK_MICROSECOND, "MICROSECOND"}, {TK_MICROSECONDS, "MICROSECOND"},
};

/* Where in INTERVAL - '1' DAY (3) TO SECOND the next token stands */
enum { INTERVAL_NONE, INTERVAL_WORD, INTERVAL_VALUE, INTERVAL_UNIT, INTERVAL_TO };

const char *words_unit(int token)
{
	for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) if (UNITS[i].token == token) return UNITS[i].unit;
	return NULL;
}

bool words_phrase(int token, char *text, size_t bytes)
{
	for (size_t i = 0; i < sizeof PHRASES / sizeof *PHRASES; i++) {
		size_t used = 0;
		if (PHRASES[i].token != token) continue;
		for (int n = 0; n < 4 && PHRASES[i].words[n] && used < bytes; n++)
			used += (size_t)snprintf(text + used, bytes - used, "%s%s", n ? " " : "", keyword_text(PHRASES[i].words[n]));
		return true;
	}
	return false;
}

/* ---- looking ahead ---- */

static Token fetch(Parse *p)
{
	Words *w = &p->words;
	for (;;) {
		uint32_t after = (uint32_t)w->lexer.previous_end;
		Token token = lexer_next(&w->lexer);
		if (token.type != TOKEN_HINT) return token;
		w->lexer.previous_end = after;         /* a second hint stands behind the same thing */
		vec_push_in(p->arena, &p->hints, (ParseHint){.after = after, .span = token_span(token)});
	}
}

/* ahead(p, 1) is the token behind the one that was taken. */
static Token *ahead(Parse *p, int n)
{
	Words *w = &p->words;
	while (w->count < n) {
		w->ahead[(w->first + w->count) % WORDS_AHEAD] = fetch(p);
		w->count++;
	}
	return &w->ahead[(w->first + n - 1) % WORDS_AHEAD];
}

static int next_type(Parse *p, int n) { return ahead(p, n)->type; }

static Token take(Parse *p)
{
	Token token = *ahead(p, 1);
	p->words.first = (p->words.first + 1) % WORDS_AHEAD;
	p->words.count--;
	return token;
}

/* A name, or a keyword that may be one. */
static bool is_name(int type) { return type == TK_ID || keyword_is_name(type); }
static bool next_is_name(Parse *p, int n) { return is_name(next_type(p, n)); }
static bool is_number(int type) { return type == TK_INTEGER || type == TK_DECIMAL || type == TK_REAL; }
static bool is_end(int type) { return !type || type == TK_SEMICOLON; }

/* Whether a token, as it was given to the parser, ends an operand: then an operator or clause may follow. */
static bool ends_operand(int type)
{
	switch (type) {
	case TK_ID: case TK_INTEGER: case TK_DECIMAL: case TK_REAL: case TK_STRING: case TK_BLOB: case TK_PARAM: case TK_RP: case TK_RBRACKET:
	case TK_ARRAY_SUFFIX: case TK_NULL: case TK_TRUE: case TK_FALSE: case TK_UNIT: case TK_NULLS_FIRST: case TK_NULLS_LAST:
	case TK_ALL: case TK_STAR: case TK_TYPE_WORDS: case TK_ZONE_SUFFIX: case TK_ISNULL: case TK_NOTNULL:
		return true;
	case TK_BY: case TK_LIKE: case TK_ILIKE: case TK_GLOB: case TK_REGEXP: case TK_RLIKE: case TK_MATCH: case TK_OVER:
		return false;
	default:
		return keyword_is_name(type);
	}
}

static bool starts_expression(int type)
{
	switch (type) {
	case TK_LP: case TK_CASE: case TK_NOT: case TK_EXISTS: case TK_DISTINCT: case TK_ALL: case TK_NULL: case TK_TRUE: case TK_FALSE: case TK_STRING:
	case TK_BLOB: case TK_PARAM: case TK_STAR: case TK_ID:
		return true;
	default:
		return is_number(type) || keyword_is_name(type);
	}
}

/* ---- sequences of words ---- */

/* The last word must not begin a name with dots; JOIN x ON conflict = 1 and NOT enforced are conditions;
 * WITH ordinality AS (...) is a CTE. */
static bool phrase_fits(Parse *p, const uint16_t *words)
{
	int count = 1;
	for (; count < 4 && words[count]; count++) if (next_type(p, count) != words[count]) return false;
	int next = next_type(p, count);
	if (words[0] == TK_ON && words[1] == TK_CONFLICT) return next == TK_LP || next == TK_DO || is_name(next);
	if (words[1] == TK_INDEXED) return is_name(p->words.previous);
	if (words[0] == TK_NOT) return p->words.previous == TK_RP || p->words.previous == TK_KEY;
	if (words[0] == TK_PLAN || words[0] == TK_QUERY) return p->words.previous == TK_EXPLAIN;
	if (words[0] == TK_WATERMARK) return next != TK_SYSTEM_TIME || next_type(p, count + 2) != TK_OF;
	if (words[1] == TK_ORDINALITY) return p->words.previous == TK_RP;
	return next != TK_DOT;
}

static bool take_phrase(Parse *p, Token *token)
{
	for (size_t i = 0; i < sizeof PHRASES / sizeof *PHRASES; i++) {
		const uint16_t *words = PHRASES[i].words;
		if (words[0] != token->type || !phrase_fits(p, words)) continue;
		for (int n = 1; n < 4 && words[n]; n++) token->end = take(p).end;
		token->type = PHRASES[i].token;
		return true;
	}
	return false;
}

/* TIMESTAMP WITH TIME ZONE '...' is a literal */
static bool take_timestamp_zone(Parse *p, Token *token)
{
	bool with = next_type(p, 1) == TK_WITH;
	if ((!with && next_type(p, 1) != TK_WITHOUT) || next_type(p, 2) != TK_TIME || next_type(p, 3) != TK_ZONE || next_type(p, 4) != TK_STRING)
		return false;
	for (int i = 0; i < 3; i++) token->end = take(p).end;
	token->type = with ? TK_TIMESTAMPTZ : TK_TIMESTAMP;
	return true;
}

/* ROW<a INT>, ARRAY<INT>, MAP<TEXT, INT>: one token with the <, so that a comparison with a column of that name stays one */
static bool take_type_opening(Parse *p, Token *token, int type, bool fields)
{
	if (next_type(p, 1) != TK_LT) return false;
	int third = next_type(p, 3);
	bool name_first = next_is_name(p, 2);
	if (fields ? !(name_first && is_name(third)) : !(name_first && (third == TK_GT || third == TK_RSHIFT || third == TK_LT || third == TK_COMMA || third == TK_LP
		|| third == TK_NOT || third == TK_PRECISION || third == TK_VARYING || third == TK_WITH || third == TK_WITHOUT || third == TK_LBRACKET)))
		return false;
	token->end = take(p).end;
	token->type = (uint16_t)type;
	p->words.angles++;
	return true;
}

/* ---- words that are keywords only beside certain others: each says whether it is one here ---- */

static bool is_join_word(int type)
{
	switch (type) {
	case TK_JOIN: case TK_OUTER: case TK_SEMI: case TK_ANTI: case TK_ASOF: case TK_LEFT: case TK_RIGHT: case TK_FULL: case TK_INNER: case TK_CROSS:
		return true;
	default:
		return false;
	}
}

static bool is_select_stream(Parse *p)
{
	int next = next_type(p, 1), after = next_type(p, 2);
	if (p->words.raw != TK_SELECT) return false;
	if (next == TK_STAR) return after == TK_FROM || after == TK_COMMA || after == TK_EXCLUDE || after == TK_EXCEPT;
	return starts_expression(next);
}

static bool is_interval(Parse *p)
{
	int next = next_type(p, 1), after = next_type(p, 2);
	if (next == TK_STRING || is_number(next)) return true;
	if (next != TK_MINUS && next != TK_PLUS) return false;
	return after == TK_STRING || (is_number(after) && words_unit(next_type(p, 3)));
}

static bool is_star_except(Parse *p)
{
	int after = next_type(p, 2);
	return p->words.previous == TK_STAR && next_type(p, 1) == TK_LP && after != TK_SELECT && after != TK_WITH && after != TK_VALUES && after != TK_LP;
}

static bool is_comparison(int type)
{
	return type == TK_EQ || type == TK_NE || type == TK_LT || type == TK_LE || type == TK_GT || type == TK_GE;
}

static bool ends_call(int type) { return type == TK_RP || type == TK_IGNORE_NULLS || type == TK_RESPECT_NULLS; }

static bool is_like(const Words *w)
{
	return ends_operand(w->previous == TK_NOT ? w->previous_2 : w->previous);
}

/* The token that a word is here; TK_ID: a name. */
static int word_here(Parse *p, const Token *token)
{
	const Words *w = &p->words;
	int type = token->type, next = next_type(p, 1);
	bool operand = ends_operand(w->previous);
	switch (type) {
	case TK_FULL:
		if (w->raw == TK_UPDATE && w->raw_2 == TK_DO) return TK_FULL_ROW;
		return operand || is_join_word(w->raw) || w->raw == TK_NATURAL ? (is_join_word(next) ? type : TK_ID) : TK_ID;
	case TK_LEFT: case TK_RIGHT: case TK_INNER: case TK_CROSS: case TK_NATURAL: case TK_OUTER: case TK_ASOF: case TK_SEMI: case TK_ANTI:
		return operand || is_join_word(w->raw) || w->raw == TK_NATURAL ? (is_join_word(next) ? type : TK_ID) : TK_ID;
	case TK_LIKE: case TK_ILIKE: case TK_GLOB: case TK_REGEXP: case TK_RLIKE: case TK_MATCH:
		return is_like(w) ? type : TK_ID;
	case TK_BY:
		return w->raw == TK_ORDER || w->raw == TK_GROUP || w->raw == TK_ADVANCE ? type : TK_ID;
	case TK_REPLACE:
		return next == TK_INTO || w->raw == TK_OR ? type : TK_ID;
	case TK_CAST: case TK_TRY_CAST:
		return next == TK_LP ? type : TK_ID;
	case TK_SAFE_CAST:
		return next == TK_LP ? TK_TRY_CAST : TK_ID;
	case TK_ROW:
		return next == TK_LP ? TK_ROW_OF : type;
	case TK_ARRAY:
		if (next == TK_LP && (next_type(p, 2) == TK_SELECT || next_type(p, 2) == TK_WITH || next_type(p, 2) == TK_VALUES)) return TK_ARRAY_QUERY;
		return next == TK_LBRACKET ? type : TK_ID;
	case TK_MAP:
		return next == TK_LBRACKET ? type : TK_ID;
	case TK_INTERVAL:
		return is_interval(p) ? type : TK_ID;
	case TK_DATE: case TK_TIME: case TK_TIMESTAMP: case TK_TIMESTAMPTZ:
		return next == TK_STRING && w->previous != TK_AS ? type : TK_ID;
	case TK_TIMESTAMP_LTZ:
		return next == TK_STRING && w->previous != TK_AS ? TK_TIMESTAMPTZ : TK_ID;
	case TK_OVER:
		return ends_call(w->previous) && (next == TK_LP || is_name(next)) ? type : TK_ID;
	case TK_FILTER:
		return ends_call(w->previous) && next == TK_LP ? type : TK_ID;
	case TK_WINDOW:
		return is_name(next) && next_type(p, 2) == TK_AS ? type : TK_ID;
	case TK_FETCH:
		return next == TK_FIRST || next == TK_NEXT ? type : TK_ID;
	case TK_OFFSET:
		return operand && (is_number(next) || next == TK_PARAM || next == TK_LP) ? type : TK_ID;
	case TK_WITHIN:
		return operand && (is_number(next) || next == TK_LP || next == TK_INTERVAL) ? type : TK_ID;
	case TK_ANY: case TK_SOME:
		return is_comparison(w->previous) && next == TK_LP ? TK_ANY : TK_ID;
	case TK_SYMMETRIC:
		return w->previous == TK_BETWEEN && next != TK_AND ? type : TK_ID;
	case TK_EXCLUDE:
		return is_star_except(p) ? TK_STAR_EXCEPT : type;
	case TK_EXCEPT:
		return is_star_except(p) ? TK_STAR_EXCEPT : type;
	case TK_STREAM:
		if (is_select_stream(p)) return TK_SELECT_STREAM;
		return is_name(next) ? type : TK_ID;
	case TK_SOURCE: case TK_VIEW: case TK_SINK:
		return is_name(next) ? type : TK_ID;
	case TK_INDEX:
		return is_name(next) || next == TK_ON ? type : TK_ID;
	case TK_FORMAT:
		return is_name(next) && next_type(p, 2) == TK_ENCODE ? type : TK_ID;
	case TK_INCLUDE:
		return w->statement == TK_CREATE && operand && (is_name(next) || next == TK_LP) ? type : TK_ID;
	case TK_COMMENT:
		return next == TK_STRING ? type : TK_ID;
	case TK_CASCADE: case TK_RESTRICT:
		if (w->statement == TK_CREATE && type == TK_CASCADE) return is_end(next) && w->previous != TK_AS ? type : TK_ID;
		return (w->statement == TK_ALTER || w->statement == TK_DROP) && is_end(next) ? type : TK_ID;
	case TK_LEADING: case TK_TRAILING: case TK_BOTH:
		return w->previous == TK_LP && w->raw_2 == TK_TRIM ? type : TK_ID;
	case TK_PLACING:
		return operand ? type : TK_ID;
	case TK_OVERLAPS:
		return w->previous == TK_RP && next == TK_LP ? type : TK_ID;
	case TK_PIVOT: case TK_UNPIVOT: case TK_MATCH_RECOGNIZE:
		return operand && next == TK_LP ? type : TK_ID;
	case TK_TABLESAMPLE:
		return operand && is_name(next) ? type : TK_ID;
	case TK_TRIM: case TK_EXTRACT: case TK_SUBSTRING: case TK_OVERLAY: case TK_STRUCT: case TK_AT: case TK_EMIT: case TK_SIMILAR: case TK_WITHOUT:
		return TK_ID;
	default:
		return type;
	}
}

/* Reserved words that can only be names where they stand: beside a dot, before =>, and as AS order, */
static bool must_be_name(Parse *p)
{
	int next = next_type(p, 1), previous = p->words.previous;
	if (previous == TK_DOT || next == TK_DOT || next == TK_NAMED) return true;
	return previous == TK_AS && (next == TK_COMMA || next == TK_FROM || next == TK_RP || is_end(next));
}

/* ---- things that are remembered from token to token ---- */

static bool is_unit_here(const Words *w)
{
	return w->interval == INTERVAL_VALUE || w->interval == INTERVAL_TO || (w->durations && is_number(w->previous));
}

static int interval_after(int interval, int type)
{
	if (type == TK_INTERVAL) return INTERVAL_WORD;
	if (type == TK_UNIT) return INTERVAL_UNIT;
	switch (interval) {
	case INTERVAL_WORD: return type == TK_STRING || is_number(type) ? INTERVAL_VALUE : type == TK_MINUS || type == TK_PLUS ? INTERVAL_WORD : INTERVAL_NONE;
	case INTERVAL_UNIT: return type == TK_TO ? INTERVAL_TO : type == TK_LP || type == TK_INTEGER || type == TK_COMMA || type == TK_RP ? INTERVAL_UNIT : INTERVAL_NONE;
	default: return INTERVAL_NONE;
	}
}

/* Keeps the depth of parentheses; IN right inside POSITION( ) is no operator. */
static void follow_parens(Parse *p, Token *token)
{
	Words *w = &p->words;
	int innermost = w->position_count ? w->positions[w->position_count - 1] : -1;
	if (token->type == TK_LP) {
		w->parens++;
		if (w->json_name && w->json_count < WORDS_POSITIONS) w->json[w->json_count++] = w->parens;
		if (w->raw == TK_POSITION && w->position_count < WORDS_POSITIONS) w->positions[w->position_count++] = w->parens;
	} else if (token->type == TK_RP) {
		if (innermost == w->parens) w->position_count--;
		if (w->json_count && w->json[w->json_count - 1] == w->parens) w->json_count--;
		w->parens--;
	} else if (token->type == TK_IN && innermost == w->parens) {
		token->type = TK_POSITION_IN;
		w->position_count--;
	}
}

/* ---- SQL/JSON: words inside of JSON_OBJECT( ... ) and its kin that are names everywhere else ---- */

static bool text_is(const Parse *p, const Token *token, const char *word)
{
	size_t bytes = strlen(word);
	return token->end - token->start == bytes && !strncasecmp(p->text + token->start, word, bytes);
}

static bool is_json_function(const Parse *p, const Token *token)
{
	static const char *const NAMES[] = {"json_object", "json_objectagg", "json_array", "json_arrayagg", "json_value", "json_query", "json_exists"};
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (token->type == TK_ID && text_is(p, token, NAMES[i])) return true;
	return false;
}

/* Clauses behind the arguments that are one token; the maker reads them again. */
static const char *const JSON_CLAUSES[][4] = {
	{"NULL", "ON", "NULL"}, {"ABSENT", "ON", "NULL"}, {"NULL", "ON", "EMPTY"}, {"NULL", "ON", "ERROR"}, {"ERROR", "ON", "EMPTY"}, {"ERROR", "ON", "ERROR"},
	{"TRUE", "ON", "ERROR"}, {"FALSE", "ON", "ERROR"}, {"UNKNOWN", "ON", "ERROR"}, {"EMPTY", "ARRAY", "ON", "EMPTY"}, {"EMPTY", "ARRAY", "ON", "ERROR"},
	{"EMPTY", "OBJECT", "ON", "EMPTY"}, {"EMPTY", "OBJECT", "ON", "ERROR"}, {"WITH", "WRAPPER"}, {"WITH", "ARRAY", "WRAPPER"}, {"WITHOUT", "WRAPPER"},
	{"WITHOUT", "ARRAY", "WRAPPER"}, {"WITH", "UNCONDITIONAL", "WRAPPER"}, {"WITH", "UNCONDITIONAL", "ARRAY", "WRAPPER"},
	{"WITH", "CONDITIONAL", "WRAPPER"}, {"WITH", "CONDITIONAL", "ARRAY", "WRAPPER"},
};

static bool take_json_clause(Parse *p, Token *token)
{
	for (size_t i = 0; i < sizeof JSON_CLAUSES / sizeof *JSON_CLAUSES; i++) {
		const char *const *words = JSON_CLAUSES[i];
		int count = 1;
		if (!text_is(p, token, words[0])) continue;
		while (count < 4 && words[count] && text_is(p, ahead(p, count), words[count])) count++;
		if (count < 4 && words[count]) continue;
		for (int n = 1; n < count; n++) token->end = take(p).end;
		token->type = TK_JSON_CLAUSE;
		return true;
	}
	return false;
}

/* ON EMPTY, ON ERROR behind DEFAULT x; x VALUE y and x : y */
static bool take_json_word(Parse *p, Token *token)
{
	const Words *w = &p->words;
	if (!ends_operand(w->previous) && w->previous != TK_JSON_CLAUSE && w->previous != TK_JSON_ON) return false;
	if (take_json_clause(p, token)) return true;
	if (text_is(p, token, "ON") && (text_is(p, ahead(p, 1), "EMPTY") || text_is(p, ahead(p, 1), "ERROR"))) {
		token->end = take(p).end;
		token->type = TK_JSON_ON;
		return true;
	}
	bool is_value = token->type == TK_COLON || (text_is(p, token, "VALUE") && starts_expression(next_type(p, 1)));
	if (is_value) token->type = TK_JSON_MEMBER;
	return is_value;
}

/* JSON_OBJECT(KEY 'a' VALUE 1): the word says nothing more */
static void pass_json_key(Parse *p, Token *token)
{
	const Words *w = &p->words;
	int next = next_type(p, 1);
	bool is_key = (w->previous == TK_LP || w->previous == TK_COMMA) && text_is(p, token, "KEY");
	if (is_key && (next == TK_STRING || is_name(next)) && !text_is(p, ahead(p, 1), "VALUE")) *token = take(p);
}

static bool is_json_here(Parse *p, Token *token)
{
	Words *w = &p->words;
	if (!w->json_count || w->json[w->json_count - 1] != w->parens) return false;
	pass_json_key(p, token);
	return take_json_word(p, token);
}

/* x IS [NOT] JSON [VALUE | ARRAY | OBJECT | SCALAR] */
static bool take_is_json(Parse *p, Token *token)
{
	static const char *const KINDS[] = {"VALUE", "ARRAY", "OBJECT", "SCALAR"};
	const Words *w = &p->words;
	if (w->previous != TK_IS && !(w->previous == TK_NOT && w->previous_2 == TK_IS)) return false;
	if (!text_is(p, token, "JSON") || next_type(p, 1) == TK_DOT) return false;
	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
		if (!text_is(p, ahead(p, 1), KINDS[i])) continue;
		token->end = take(p).end;
		break;
	}
	token->type = TK_JSON_KIND;
	return true;
}

/* INT '5': the name of a type before a text, where a value begins */
static bool is_literal_type(Parse *p, const Token *token)
{
	static const char *const TYPES[] = {"int", "integer", "smallint", "bigint", "real", "float", "numeric", "decimal", "boolean", "bool", "varchar", "text",
		"json", "jsonb", "bytea"};
	int previous = p->words.previous;
	if (token->type != TK_ID || next_type(p, 1) != TK_STRING || ends_operand(previous) || previous == TK_DOT || previous == TK_AS) return false;
	for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
		size_t bytes = strlen(TYPES[i]);
		if (token->end - token->start == bytes && !strncasecmp(p->text + token->start, TYPES[i], bytes)) return true;
	}
	return false;
}

static bool take_special(Parse *p, Token *token)
{
	switch (token->type) {
	case TK_TIMESTAMP: return take_timestamp_zone(p, token);
	case TK_ROW: case TK_STRUCT: return take_type_opening(p, token, TK_ROW_TYPE, true);
	case TK_ARRAY: case TK_MULTISET: return take_type_opening(p, token, TK_ARRAY_TYPE, false);
	case TK_MAP: return take_type_opening(p, token, TK_MAP_TYPE, false);
	default: return false;
	}
}

static void classify_word(Parse *p, Token *token)
{
	if (must_be_name(p)) token->type = TK_ID;
	else if (is_unit_here(&p->words) && words_unit(token->type)) token->type = TK_UNIT;
	else if (!take_phrase(p, token) && !take_special(p, token)) token->type = (uint16_t)word_here(p, token);
}

/* Puts a part of a token back, to be taken next. */
static void put_back(Parse *p, Token token)
{
	Words *w = &p->words;
	w->first = (w->first + WORDS_AHEAD - 1) % WORDS_AHEAD;
	w->count++;
	w->ahead[w->first] = token;
}

static void classify_mark(Parse *p, Token *token)
{
	Words *w = &p->words;
	if (token->type == TK_LBRACKET && next_type(p, 1) == TK_RBRACKET) {
		token->end = take(p).end;
		token->type = TK_ARRAY_SUFFIX;
	} else if (token->type == TK_RSHIFT && w->angles) {        /* the second > is read again */
		put_back(p, (Token){.start = token->start + 1, .end = token->end, .type = TK_GT});
		token->end--;
		token->type = TK_GT;
	}
	if (token->type == TK_GT && w->angles) w->angles--;
	if (token->type == TK_BITNOT && ends_operand(w->previous)) token->type = TK_TILDE;
}

/* a[1:n] and JSON_OBJECT('k':v): behind a value there is no parameter, so the colon stands alone. */
static void split_colon(Parse *p, Token *token)
{
	int previous = p->words.previous;
	bool value = previous == TK_ID || previous == TK_RP || previous == TK_RBRACKET || previous == TK_STRING || is_number(previous);
	if (!value || token->type != TK_PARAM || p->text[token->start] != ':' || token->end - token->start < 2) return;
	put_back(p, (Token){.start = token->start + 1, .end = token->end, .type = TK_ID});
	token->end = token->start + 1;
	token->type = TK_COLON;
}

Token words_next(Parse *p)
{
	Words *w = &p->words;
	Token token = take(p);
	split_colon(p, &token);
	uint16_t raw = token.type;
	if (!w->statement) w->statement = raw;
	if (is_json_here(p, &token) || take_is_json(p, &token)) raw = token.type;
	else if (keyword_text(raw = token.type)) classify_word(p, &token);
	else if (is_literal_type(p, &token)) token.type = TK_LITERAL_TYPE;
	else classify_mark(p, &token);
	follow_parens(p, &token);
	w->json_name = is_json_function(p, &token);
	w->interval = interval_after(w->interval, token.type);
	w->durations |= token.type == TK_WITHIN || token.type == TK_WINDOW_TUMBLING || token.type == TK_WINDOW_HOPPING || token.type == TK_WINDOW_SESSION;
	w->raw_2 = w->raw;
	w->raw = raw;
	w->previous_2 = w->previous;
	w->previous = token.type;
	w->previous_end = token.end;
	return token;
}
