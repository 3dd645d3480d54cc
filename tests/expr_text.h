/* Reads expressions for tests: enough of SQL for the examples of functions.def and for tables of cases, and independent of
 * the grammar. Names are columns; the test gives them types. A mistake in the text ends the test. */
#ifndef WEIR_TESTS_EXPR_TEXT_H
#define WEIR_TESTS_EXPR_TEXT_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "expr/function.h"
#include "type/text.h"

typedef struct ExprText {
	Arena *arena;
	const char *at;
	Error *err;                                               /* set by expr_call and others: expr_text gives NULL */
	Expr *(*column)(Arena *arena, const char *name);          /* NULL: there are no columns */
} ExprText;

static Expr *expr_text_or(ExprText *t);

static inline void text_blanks(ExprText *t) { while (isspace((unsigned char)*t->at)) t->at++; }

static inline bool text_symbol(ExprText *t, const char *symbol)
{
	text_blanks(t);
	if (strncmp(t->at, symbol, strlen(symbol)) != 0) return false;
	t->at += strlen(symbol);
	return true;
}

static inline bool text_word(ExprText *t, const char *word)
{
	text_blanks(t);
	size_t bytes = strlen(word);
	if (strncasecmp(t->at, word, bytes) != 0 || isalnum((unsigned char)t->at[bytes]) || t->at[bytes] == '_') return false;
	t->at += bytes;
	return true;
}

static inline void text_need(ExprText *t, const char *symbol)
{
	if (text_symbol(t, symbol)) return;
	fprintf(stderr, "expected %s at: %s\n", symbol, t->at);
	abort();
}

static inline char *text_string(ExprText *t)
{
	StrBuf out = STRBUF_INIT;
	text_need(t, "'");
	while (*t->at && (*t->at != '\'' || t->at[1] == '\'')) {
		if (*t->at == '\'') t->at++;
		strbuf_addc(&out, *t->at++);
	}
	t->at++;
	char *text = arena_strdup(t->arena, out.text);
	strbuf_release(&out);
	return text;
}

static inline char *text_name(ExprText *t)
{
	const char *start = t->at;
	while (isalnum((unsigned char)*t->at) || *t->at == '_') t->at++;
	return arena_strndup(t->arena, start, (size_t)(t->at - start));
}

static inline Type text_type(ExprText *t)
{
	Type type = TYPE(NULL);
	int parameters[2] = {-1, -1};
	text_blanks(t);
	char *name = text_name(t);
	if (text_symbol(t, "(")) {
		for (int i = 0; i < 2; i++) {
			parameters[i] = (int)strtol(t->at, (char **)&t->at, 10);
			if (!text_symbol(t, ",")) break;
		}
		text_need(t, ")");
	}
	type_from_name(name, parameters[0], parameters[1], SPAN_NONE, &type, t->err);
	return type;
}

static inline Expr *text_call(ExprText *t, const char *name, Expr *a, Expr *b)
{
	Expr *args[2] = {a, b};
	if (!a || (t->err->code != ERR_NONE)) return NULL;
	return expr_call(t->arena, name, args, b ? 2 : 1, SPAN_NONE, t->err);
}

static inline Expr *text_typed_literal(ExprText *t, TypeKind kind)
{
	Value value;
	text_blanks(t);
	char *text = text_string(t);
	if (!text_to_value(text, strlen(text), (Type){.kind = kind}, &value, t->arena)) {
		fprintf(stderr, "bad literal %s\n", text);
		abort();
	}
	return expr_constant(t->arena, &value, SPAN_NONE);
}

static inline Expr *text_number(ExprText *t)
{
	const char *start = t->at;
	bool real = false;
	while (isdigit((unsigned char)*t->at) || *t->at == '.' || ((*t->at | 32) == 'e') || ((*t->at == '-' || *t->at == '+') && (t->at[-1] | 32) == 'e')) {
		real |= !isdigit((unsigned char)*t->at);
		t->at++;
	}
	Value value = {.type = real ? TYPE(REAL) : TYPE(INTEGER)};
	if (!real && !text_to_integer(start, (size_t)(t->at - start), &value.i64)) real = true, value.type = TYPE(REAL);
	if (real) text_to_real(start, (size_t)(t->at - start), &value.f64);
	return expr_constant(t->arena, &value, SPAN_NONE);
}

static inline Expr *text_blob(ExprText *t)
{
	char *hex = text_string(t), *bytes = arena_alloc(t->arena, strlen(hex) + 1);
	size_t count = strlen(hex) / 2;
	for (size_t i = 0; i < count; i++) {
		unsigned byte;
		sscanf(hex + 2 * i, "%2x", &byte);
		bytes[i] = (char)byte;
	}
	Value value = {.type = TYPE(BLOB), .str = str_borrow(bytes, count)};
	return expr_constant(t->arena, &value, SPAN_NONE);
}

static inline Expr *text_case(ExprText *t)
{
	Expr *args[64] = {0}, *operand = NULL;
	int count = 0;
	const char *start = t->at;
	if (!text_word(t, "WHEN")) operand = expr_text_or(t);
	else t->at = start;
	while (text_word(t, "WHEN")) {
		args[count] = expr_text_or(t);
		if (operand) args[count] = text_call(t, "=", operand, args[count]);
		count++;
		if (!text_word(t, "THEN")) abort();
		args[count++] = expr_text_or(t);
	}
	if (text_word(t, "ELSE")) args[count] = expr_text_or(t);
	count++;
	if (!text_word(t, "END")) abort();
	if (t->err->code != ERR_NONE) return NULL;
	return expr_case(t->arena, args, count, SPAN_NONE, t->err);
}

static inline Expr *text_function(ExprText *t, const char *name)
{
	static const char *const CORE[] = {"truth", NULL};
	Expr *args[64];
	int count = 0;
	text_need(t, "(");
	bool extract = strcasecmp(name, "extract") == 0;
	text_blanks(t);
	if (extract && *t->at != '\'') {
		args[count++] = expr_text(t->arena, text_name(t));
		if (!text_word(t, "FROM")) abort();
		args[count++] = expr_text_or(t);
		text_need(t, ")");
	} else if (!text_symbol(t, ")")) {
		do args[count++] = expr_text_or(t); while (text_symbol(t, ","));
		text_need(t, ")");
	}
	if (t->err->code != ERR_NONE) return NULL;
	for (int i = 0; CORE[i]; i++)
		if (strcasecmp(name, CORE[i]) == 0) return expr_call(t->arena, name, args, count, SPAN_NONE, t->err);
	return expr_call_function(t->arena, name, args, count, SPAN_NONE, t->err);
}

static inline Expr *text_cast(ExprText *t, CastRule rule)
{
	text_need(t, "(");
	Expr *e = expr_text_or(t);
	if (!text_word(t, "AS")) abort();
	Type type = text_type(t);
	text_need(t, ")");
	return e && t->err->code == ERR_NONE ? expr_cast(t->arena, e, type, rule, t->err) : NULL;
}

static inline bool text_before_quote(ExprText *t, const char *word)
{
	const char *start = t->at;
	if (text_word(t, word)) {
		text_blanks(t);
		if (*t->at == '\'') return true;
	}
	t->at = start;
	return false;
}

static inline Expr *expr_text_primary(ExprText *t)
{
	text_blanks(t);
	if (text_symbol(t, "(")) {
		Expr *e = expr_text_or(t);
		text_need(t, ")");
		return e;
	}
	if (isdigit((unsigned char)*t->at) || (*t->at == '.' && isdigit((unsigned char)t->at[1]))) return text_number(t);
	if (*t->at == '\'') return expr_text(t->arena, text_string(t));
	if ((*t->at == 'x' || *t->at == 'X') && t->at[1] == '\'') { t->at++; return text_blob(t); }
	if (text_word(t, "NULL")) return expr_null(t->arena, TYPE(NULL));
	if (text_word(t, "TRUE")) return expr_bool(t->arena, true);
	if (text_word(t, "FALSE")) return expr_bool(t->arena, false);
	if (text_before_quote(t, "DATE")) return text_typed_literal(t, TYPE_DATE);
	if (text_before_quote(t, "TIME")) return text_typed_literal(t, TYPE_TIME);
	if (text_before_quote(t, "TIMESTAMP")) return text_typed_literal(t, TYPE_TIMESTAMP);
	if (text_before_quote(t, "INTERVAL")) return text_typed_literal(t, TYPE_INTERVAL);
	if (text_word(t, "CASE")) return text_case(t);
	if (text_word(t, "CAST")) return text_cast(t, CAST_EXPLICIT);
	if (text_word(t, "TRY_CAST")) return text_cast(t, CAST_TRY);
	char *name = text_name(t);
	if (!*name) {
		fprintf(stderr, "cannot read: %s\n", t->at);
		abort();
	}
	text_blanks(t);
	if (*t->at == '(') return text_function(t, name);
	return t->column(t->arena, name);
}

static inline Expr *expr_text_unary(ExprText *t)
{
	text_blanks(t);
	if (t->at[0] == '-' && t->at[1] != '>') { t->at++; return text_call(t, "neg", expr_text_unary(t), NULL); }
	if (text_symbol(t, "+")) return expr_text_unary(t);
	if (t->at[0] == '~') { t->at++; return text_call(t, "~", expr_text_unary(t), NULL); }
	Expr *e = expr_text_primary(t);
	while (text_word(t, "AT")) {
		if (!text_word(t, "TIME") || !text_word(t, "ZONE")) abort();
		e = text_call(t, "at time zone", e, expr_text_primary(t));
	}
	return e;
}

/* Binary operators by level, strongest first; longer spellings before their beginnings */
static inline Expr *expr_text_binary(ExprText *t, int level)
{
	static const char *const LEVELS[][9] = {
		{"||", "->>", "->", NULL}, {"*", "/", "%", NULL}, {"+", "-", NULL}, {"<<", ">>", "&", "|", "#", NULL}, {"<=", ">=", "<", ">", NULL},
	};
	if (level < 0) return expr_text_unary(t);
	Expr *e = expr_text_binary(t, level - 1);
	for (;;) {
		int i = 0;
		text_blanks(t);
		for (; LEVELS[level][i]; i++) {
			if (strcmp(LEVELS[level][i], "|") == 0 && t->at[0] && t->at[1] == '|') continue;
			if (strcmp(LEVELS[level][i], "-") == 0 && t->at[0] && t->at[1] == '>') continue;
			if (level == 4 && t->at[0] == '<' && t->at[1] == '>') continue;
			if (text_symbol(t, LEVELS[level][i])) break;
		}
		if (!LEVELS[level][i]) return e;
		e = text_call(t, LEVELS[level][i], e, expr_text_binary(t, level - 1));
	}
}

static inline Expr *text_is(ExprText *t, Expr *e)
{
	static const char *const TESTS[] = {"NOT TRUE", "NOT FALSE", "TRUE", "FALSE", NULL};
	for (int i = 0; TESTS[i]; i++) {
		const char *start = t->at, *second = strchr(TESTS[i], ' ');
		char name[24];
		if (second ? text_word(t, "NOT") && text_word(t, second + 1) : text_word(t, TESTS[i])) {
			snprintf(name, sizeof name, "is %s", TESTS[i]);
			return text_call(t, name, e, NULL);
		}
		t->at = start;
	}
	bool negated = text_word(t, "NOT");
	if (text_word(t, "DISTINCT")) {
		if (!text_word(t, "FROM")) abort();
		negated = !negated;
	}
	if (text_word(t, "NULL")) return text_call(t, negated ? "is not null" : "is null", e, NULL);
	return text_call(t, negated ? "is not" : "is", e, expr_text_binary(t, 4));
}

static inline Expr *text_in(ExprText *t, Expr *e)
{
	Expr *args[64] = {e};
	int count = 1;
	text_need(t, "(");
	if (!text_symbol(t, ")")) {
		do args[count++] = expr_text_or(t); while (text_symbol(t, ","));
		text_need(t, ")");
	}
	return t->err->code == ERR_NONE ? expr_call(t->arena, "in", args, count, SPAN_NONE, t->err) : NULL;
}

static inline Expr *text_pattern(ExprText *t, const char *name, Expr *e)
{
	Expr *args[3] = {e, expr_text_binary(t, 4)};
	int count = 2;
	if (text_word(t, "ESCAPE")) args[count++] = expr_text_binary(t, 4);
	return t->err->code == ERR_NONE ? expr_call(t->arena, name, args, count, SPAN_NONE, t->err) : NULL;
}

static inline Expr *expr_text_equality(ExprText *t)
{
	static const char *const PATTERNS[] = {"like", "ilike", "glob", "regexp", NULL};
	static const char *const SYMBOLS[] = {"==", "=", "<>", "!=", "!~*", "!~", "~*", "~", NULL};
	Expr *e = expr_text_binary(t, 4);
	for (;;) {
		Expr *before = e;
		bool negated = false;
		for (int i = 0; SYMBOLS[i] && e == before; i++)
			if (text_symbol(t, SYMBOLS[i])) e = text_call(t, SYMBOLS[i], e, expr_text_binary(t, 4));
		if (e != before) continue;
		if (text_word(t, "IS")) { e = text_is(t, e); continue; }
		negated = text_word(t, "NOT");
		if (text_word(t, "IN")) e = text_in(t, e);
		else if (text_word(t, "BETWEEN")) {
			Expr *args[3] = {e, expr_text_binary(t, 4)};
			if (!text_word(t, "AND")) abort();
			args[2] = expr_text_binary(t, 4);
			e = t->err->code == ERR_NONE ? expr_call(t->arena, "between", args, 3, SPAN_NONE, t->err) : NULL;
		} else if (text_word(t, "SIMILAR")) {
			if (!text_word(t, "TO")) abort();
			e = text_pattern(t, "similar to", e);
		} else for (int i = 0; PATTERNS[i] && e == before; i++)
			if (text_word(t, PATTERNS[i])) e = text_pattern(t, PATTERNS[i], e);
		if (e == before) return e;
		if (negated && e) e = expr_not(t->arena, e);
	}
}

static inline Expr *expr_text_not(ExprText *t)
{
	if (!text_word(t, "NOT")) return expr_text_equality(t);
	Expr *e = expr_text_not(t);
	return e ? expr_not(t->arena, e) : NULL;
}

static inline Expr *expr_text_and(ExprText *t)
{
	Expr *e = expr_text_not(t);
	while (text_word(t, "AND")) {
		Expr *right = expr_text_not(t);
		e = e && right ? expr_and(t->arena, e, right) : NULL;
	}
	return e;
}

static Expr *expr_text_or(ExprText *t)
{
	Expr *e = expr_text_and(t);
	while (text_word(t, "OR")) {
		Expr *right = expr_text_and(t);
		e = e && right ? expr_or(t->arena, e, right) : NULL;
	}
	return e;
}

/* NULL and err: the types do not fit */
static inline Expr *expr_text_read(Arena *arena, const char *text, Expr *(*column)(Arena *, const char *), Error *err)
{
	ExprText t = {.arena = arena, .at = text, .err = err, .column = column};
	Expr *e = expr_text_or(&t);
	text_blanks(&t);
	if (e && *t.at) {
		fprintf(stderr, "left over: %s\n", t.at);
		abort();
	}
	return err->code == ERR_NONE ? e : NULL;
}

#endif
