/* SQL/JSON: JSON_OBJECT(k VALUE v ...), JSON_VALUE(x, path RETURNING type DEFAULT d ON EMPTY) and their kin become calls with commas. See make.h.
 *
 * ERROR ON EMPTY and ERROR ON ERROR are refused: a row never fails a view. */
#include "ast/make.h"

#include <string.h>
#include <strings.h>

static bool name_is(const AstName *name, const char *word) { return name->parts.count == 1 && ast_ident_is(name->parts.at[0], word); }

static AstExpr *literal(Parse *p, AstLiteralKind kind, const char *text, Span span)
{
	AstExpr *e = arena_new(p->arena, AstExpr);
	*e = (AstExpr){.kind = AST_LITERAL, .literal = kind, .depth = 1, .span = span, .op_span = span};
	if (kind == AST_STRING) e->text = (char *)text;
	if (kind == AST_STRING) e->bytes = (uint32_t)strlen(text);
	return e;
}

static AstExpr *text_literal(Parse *p, const char *text, Span span) { return literal(p, AST_STRING, text, span); }

/* ---- clauses ---- */

/* The words of a clause, in lower case with one blank between */
static const char *clause_words(Parse *p, Token token)
{
	char *out = arena_strndup(p->arena, p->text + token.start, token.end - token.start);
	size_t count = 0;
	for (const char *at = out; *at; at++) {
		bool blank = *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r';
		if (blank && count && out[count - 1] == ' ') continue;
		out[count++] = blank ? ' ' : *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
	}
	out[count] = 0;
	return out;
}

static bool ends_with(const char *text, const char *end)
{
	size_t bytes = strlen(text), end_bytes = strlen(end);
	return bytes >= end_bytes && strcmp(text + bytes - end_bytes, end) == 0;
}

static bool begins_with(const char *text, const char *begin) { return strncmp(text, begin, strlen(begin)) == 0; }

JsonClause ast_json_clause(Parse *p, Token token)
{
	JsonClause clause = {.span = token_span(token)};
	const char *words = clause_words(p, token);
	if (ends_with(words, "wrapper")) {
		clause.kind = JSON_WRAPPER;
		clause.word = begins_with(words, "without") ? "without" : strstr(words, " conditional") ? "conditional" : "unconditional";
		return clause;
	}
	if (ends_with(words, "on null")) {
		clause.kind = JSON_ON_NULL;
		clause.word = begins_with(words, "absent") ? "absent" : "null";
		return clause;
	}
	clause.kind = ends_with(words, "on empty") ? JSON_ON_EMPTY : JSON_ON_ERROR;
	if (begins_with(words, "error")) {
		error_set(p->err, ERR_UNSUPPORTED, clause.span, "%s is not supported: a row never fails a view", clause.kind == JSON_ON_EMPTY ? "ERROR ON EMPTY" : "ERROR ON ERROR");
		error_hint(p->err, "NULL or DEFAULT may stand there.");
	} else if (begins_with(words, "empty array")) clause.value = text_literal(p, "[]", clause.span);
	else if (begins_with(words, "empty object")) clause.value = text_literal(p, "{}", clause.span);
	else if (begins_with(words, "true")) clause.value = literal(p, AST_TRUE, NULL, clause.span);
	else if (begins_with(words, "false")) clause.value = literal(p, AST_FALSE, NULL, clause.span);
	return clause;
}

JsonClause ast_json_returning(Token token, AstTypeName *type)
{
	return (JsonClause){.kind = JSON_RETURNING, .span = token_span(token), .type = type};
}

JsonClause ast_json_default(Parse *p, Token token, AstExpr *value, Token on)
{
	bool empty = ends_with(clause_words(p, on), "empty");
	return (JsonClause){.kind = empty ? JSON_ON_EMPTY : JSON_ON_ERROR, .span = {token.start, on.end}, .value = value};
}

JsonClauses *ast_json_clauses(Parse *p, JsonClauses *list, JsonClause clause)
{
	for (int i = 0; list && i < list->count; i++)
		if (list->at[i].kind == clause.kind) parse_wrong(p, clause.span, "the clause stands twice");
	return AST_PUSH(p, JsonClauses, list, clause);
}

AstArguments *ast_json_member(Parse *p, AstArguments *list, AstExpr *key, AstExpr *value)
{
	return ast_arguments(p, ast_arguments(p, list, ast_argument(AST_NO_IDENT, key)), ast_argument(AST_NO_IDENT, value));
}

/* ---- calls ---- */

static const JsonClause *find(const JsonClauses *clauses, JsonClauseKind kind)
{
	for (int i = 0; clauses && i < clauses->count; i++)
		if (clauses->at[i].kind == kind) return &clauses->at[i];
	return NULL;
}

static AstExpr *value_or_null(Parse *p, const JsonClause *clause, Span span)
{
	return clause && clause->value ? clause->value : literal(p, AST_NULL, NULL, span);
}

typedef struct JsonCall {
	const AstName *name;
	AstExpr *args[6];
	int count;
	const JsonClauses *clauses;
	Span span;
	Token right;
} JsonCall;

static AstExpr *returning(Parse *p, const JsonCall *call, AstExpr *e)
{
	const JsonClause *type = find(call->clauses, JSON_RETURNING);
	if (!type) return e;
	Token word = {.start = call->span.start, .end = call->span.start, .type = TK_TRY_CAST};
	return ast_cast(p, word, e, type->type, call->right);
}

static AstExpr *json_value(Parse *p, JsonCall *call)
{
	const JsonClause *empty = find(call->clauses, JSON_ON_EMPTY), *error = find(call->clauses, JSON_ON_ERROR);
	bool plain = !(empty && empty->value) && !(error && error->value);
	call->args[2] = value_or_null(p, empty, call->span);
	call->args[3] = value_or_null(p, error, call->span);
	return returning(p, call, ast_call_word(p, plain ? "json_value" : "json_value_else", call->name->span, call->args, plain ? 2 : 4, call->span));
}

static AstExpr *json_query(Parse *p, JsonCall *call)
{
	const JsonClause *empty = find(call->clauses, JSON_ON_EMPTY), *error = find(call->clauses, JSON_ON_ERROR), *wrapper = find(call->clauses, JSON_WRAPPER);
	call->args[2] = text_literal(p, wrapper ? wrapper->word : "without", call->span);
	call->args[3] = value_or_null(p, empty, call->span);
	call->args[4] = value_or_null(p, error, call->span);
	return returning(p, call, ast_call_word(p, "json_query_else", call->name->span, call->args, 5, call->span));
}

static AstExpr *json_exists(Parse *p, JsonCall *call)
{
	call->args[2] = value_or_null(p, find(call->clauses, JSON_ON_ERROR), call->span);
	return ast_call_word(p, "json_exists_else", call->name->span, call->args, 3, call->span);
}

/* Functions that build: NULLs stay, or are left out */
static AstExpr *json_build(Parse *p, AstName *name, const AstArguments *arguments, const JsonClauses *clauses, const AstOrderTerms *order_by, Token right)
{
	static const struct { const char *name, *present, *absent; } FUNCTIONS_OF[] = {
		{"json_object", "json_object", "json_object_absent"}, {"json_array", "json_array", "json_array_absent"},
		{"json_arrayagg", "array_agg", "json_arrayagg"}, {"json_objectagg", "json_objectagg", "json_objectagg"},
	};
	const JsonClause *on_null = find(clauses, JSON_ON_NULL);
	for (size_t i = 0; i < sizeof FUNCTIONS_OF / sizeof *FUNCTIONS_OF; i++) {
		if (!name_is(name, FUNCTIONS_OF[i].name)) continue;
		bool absent = on_null && strcmp(on_null->word, "absent") == 0, said = on_null != NULL;
		const char *function = absent ? FUNCTIONS_OF[i].absent : said ? FUNCTIONS_OF[i].present : FUNCTIONS_OF[i].name;
		AstName *own = ast_name(p, NULL, (AstIdent){.text = function, .span = name->span});
		AstExpr *e = ast_call(p, own, false, arguments, order_by, right);
		bool filters = absent && name_is(name, "json_objectagg") && arguments->count == 2;
		if (!filters) return e;
		Token at = {.start = right.start, .end = right.start};
		return ast_call_filter(p, e, ast_is_null(p, arguments->at[1].value, at, true, at), right);
	}
	parse_wrong(p, name->span, "function \"%s\" is not called with VALUE or ON NULL", ast_name_last(name).text);
	return ast_call(p, name, false, arguments, NULL, right);
}

static void check_clauses(Parse *p, const AstName *name, const JsonClauses *clauses, unsigned allowed)
{
	for (int i = 0; clauses && i < clauses->count; i++)
		if (!(allowed & 1u << clauses->at[i].kind)) parse_wrong(p, clauses->at[i].span, "the clause cannot stand in %s", ast_name_last(name).text);
}

AstExpr *ast_call_json(Parse *p, AstName *name, const AstArguments *arguments, const JsonClauses *clauses, const AstOrderTerms *order_by, Token right)
{
	static const struct { const char *name; AstExpr *(*make)(Parse *p, JsonCall *call); unsigned allowed; } READERS[] = {
		{"json_value", json_value, 1u << JSON_RETURNING | 1u << JSON_ON_EMPTY | 1u << JSON_ON_ERROR},
		{"json_query", json_query, 1u << JSON_RETURNING | 1u << JSON_ON_EMPTY | 1u << JSON_ON_ERROR | 1u << JSON_WRAPPER},
		{"json_exists", json_exists, 1u << JSON_ON_ERROR},
	};
	for (size_t i = 0; i < sizeof READERS / sizeof *READERS; i++) {
		if (!name_is(name, READERS[i].name)) continue;
		check_clauses(p, name, clauses, READERS[i].allowed);
		if (arguments->count != 2 || order_by) parse_wrong(p, name->span, "%s takes a value and a path before its clauses", ast_name_last(name).text);
		JsonCall call = {.name = name, .clauses = clauses, .span = {name->span.start, right.end}, .right = right};
		for (int a = 0; a < 2; a++) call.args[a] = arguments->at[a < arguments->count ? a : 0].value;
		return READERS[i].make(p, &call);
	}
	check_clauses(p, name, clauses, 1u << JSON_ON_NULL | 1u << JSON_RETURNING);
	return json_build(p, name, arguments, clauses, order_by, right);
}

/* ---- conditions ---- */

AstExpr *ast_is_json(Parse *p, AstExpr *left, Token op, bool negated, Token kind)
{
	const char *words = clause_words(p, kind), *blank = strchr(words, ' ');
	Span span = {left->span.start, kind.end};
	AstExpr *args[2] = {left, text_literal(p, blank ? blank + 1 : "value", token_span(kind))};
	AstExpr *e = ast_call_word(p, "is_json", token_span(op), args, 2, span);
	if (!negated) return e;
	AstExpr *not = ast_unary(p, (Token){.start = op.start, .end = op.end, .type = TK_NOT}, e);
	not->span = span;
	return not;
}

/* (a, b) OVERLAPS (c, d) */
AstExpr *ast_overlaps(Parse *p, AstExpr *left, Token op, AstExpr *right)
{
	bool pairs = left->kind == AST_ROW && right->kind == AST_ROW && left->args.count == 2 && right->args.count == 2;
	if (!pairs) {
		parse_wrong(p, token_span(op), "OVERLAPS stands between two pairs of times");
		return left;
	}
	AstExpr *args[4] = {left->args.at[0], left->args.at[1], right->args.at[0], right->args.at[1]};
	return ast_call_word(p, "overlaps", token_span(op), args, 4, (Span){left->span.start, right->span.end});
}
