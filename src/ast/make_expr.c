/* Expressions but for calls. See make.h. */
#include "ast/make.h"

#include <stdlib.h>
#include <string.h>

#include "keywords.h"

enum { PARAMETER_MAX = 32766 };

static const struct { uint16_t token; AstOp op; } OPS[] = {
	{TK_EQ, AST_OP_EQ}, {TK_NE, AST_OP_NE}, {TK_LT, AST_OP_LT}, {TK_LE, AST_OP_LE}, {TK_GT, AST_OP_GT}, {TK_GE, AST_OP_GE},
	{TK_BITAND, AST_OP_BIT_AND}, {TK_BITOR, AST_OP_BIT_OR}, {TK_BITXOR, AST_OP_BIT_XOR}, {TK_LSHIFT, AST_OP_SHIFT_LEFT}, {TK_RSHIFT, AST_OP_SHIFT_RIGHT},
	{TK_PLUS, AST_OP_ADD}, {TK_MINUS, AST_OP_SUBTRACT}, {TK_STAR, AST_OP_MULTIPLY}, {TK_SLASH, AST_OP_DIVIDE}, {TK_REM, AST_OP_MODULO},
	{TK_CONCAT, AST_OP_CONCAT}, {TK_ARROW, AST_OP_ARROW}, {TK_ARROW_TEXT, AST_OP_ARROW_TEXT}, {TK_PATH, AST_OP_PATH}, {TK_PATH_TEXT, AST_OP_PATH_TEXT},
	{TK_LIKE, AST_OP_LIKE}, {TK_ILIKE, AST_OP_ILIKE}, {TK_GLOB, AST_OP_GLOB}, {TK_REGEXP, AST_OP_REGEXP}, {TK_RLIKE, AST_OP_REGEXP},
	{TK_MATCH, AST_OP_MATCH}, {TK_SIMILAR, AST_OP_SIMILAR},
};

static AstOp op_of(Token token)
{
	for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) if (OPS[i].token == token.type) return OPS[i].op;
	return AST_OP_NONE;
}

/* ---- making nodes ---- */

static AstExpr *expr_new(Parse *p, AstExprKind kind, Span span, Span op_span)
{
	AstExpr *e = arena_new(p->arena, AstExpr);
	e->kind = kind;
	e->depth = 1;
	e->span = span;
	e->op_span = op_span;
	return e;
}

static void deepen(Parse *p, AstExpr *e, int child_depth)
{
	if (child_depth >= e->depth) e->depth = ast_depth(p, child_depth + 1);
}

static void add_arg(Parse *p, AstExpr *e, AstExpr *arg)
{
	ast_check_count(p, e->args.count);
	vec_push_in(p->arena, &e->args, arg);
	if (arg) deepen(p, e, arg->depth);
}

static void add_args(Parse *p, AstExpr *e, const AstExprs *args)
{
	for (int i = 0; args && i < args->count; i++) add_arg(p, e, args->at[i]);
}

/* left op right, spans from the outermost ends */
static AstExpr *expr_two(Parse *p, AstExprKind kind, AstExpr *left, Token op, AstExpr *right)
{
	AstExpr *e = expr_new(p, kind, span_join(left->span, right->span), token_span(op));
	add_arg(p, e, left);
	add_arg(p, e, right);
	return e;
}

AstExprs *ast_exprs(Parse *p, AstExprs *list, AstExpr *expr) { return AST_PUSH(p, AstExprs, list, expr); }

/* ---- literals ---- */

static void blob_bytes(Parse *p, AstExpr *e, Token token)
{
	size_t count = (token.end - token.start - 3) / 2;
	char *bytes = arena_alloc(p->arena, count + 1);
	for (size_t i = 0; i < count; i++) {
		char digits[3] = {p->text[token.start + 2 + 2 * i], p->text[token.start + 3 + 2 * i], 0};
		bytes[i] = (char)strtol(digits, NULL, 16);
	}
	bytes[count] = 0;
	e->text = bytes;
	e->bytes = (uint32_t)count;
}

AstExpr *ast_literal(Parse *p, AstLiteralKind kind, Token token)
{
	AstExpr *e = expr_new(p, AST_LITERAL, token_span(token), token_span(token));
	e->literal = kind;
	switch (kind) {
	case AST_STRING: e->text = ast_string_bytes(p, token, &e->bytes); break;
	case AST_BLOB: blob_bytes(p, e, token); break;
	case AST_INTEGER: case AST_DECIMAL: case AST_REAL:
		e->text = ast_token_text(p, token);
		e->bytes = token.end - token.start;
		break;
	default: break;
	}
	return e;
}

AstExpr *ast_literal_typed(Parse *p, AstLiteralKind kind, Token word, Token string)
{
	AstExpr *e = expr_new(p, AST_LITERAL, (Span){word.start, string.end}, token_span(word));
	e->literal = kind;
	e->text = ast_string_bytes(p, string, &e->bytes);
	return e;
}

AstExpr *ast_signed_number(Parse *p, Token sign, Token number)
{
	AstLiteralKind kind = number.type == TK_INTEGER ? AST_INTEGER : number.type == TK_DECIMAL ? AST_DECIMAL : AST_REAL;
	return ast_unary(p, sign, ast_literal(p, kind, number));
}

static const char *interval_unit(Parse *p, Token unit, Token to_unit)
{
	const char *first, *last;
	if (!unit.type) return NULL;
	Lexer lexer = {.text = p->text, .at = unit.start, .end = unit.end};
	first = words_unit(lexer_next(&lexer).type);
	if (to_unit.start == unit.start) return first;
	lexer = (Lexer){.text = p->text, .at = to_unit.start, .end = to_unit.end};
	last = words_unit(lexer_next(&lexer).type);
	return arena_printf(p->arena, "%s TO %s", first, last);
}

/* A sign before a number is part of it; before quotes, where several parts may stand, it negates the whole. */
AstExpr *ast_interval(Parse *p, Token word, Token sign, Token value, Token unit, Token to_unit)
{
	Token last = to_unit.type ? to_unit : unit.type ? unit : value;
	AstExpr *e = expr_new(p, AST_LITERAL, (Span){word.start, last.end}, token_span(word));
	bool quoted = value.type == TK_STRING;
	e->literal = AST_INTERVAL;
	e->unit = interval_unit(p, unit, to_unit);
	e->text = quoted ? ast_string(p, value) : arena_printf(p->arena, "%s%s", sign.type ? "-" : "", ast_token_text(p, value));
	e->bytes = (uint32_t)strlen(e->text);
	if (!quoted && !unit.type) parse_wrong(p, e->span, "an interval needs a unit: INTERVAL %s SECOND", e->text);
	return quoted && sign.type ? ast_unary(p, sign, e) : e;
}

AstExpr *ast_duration(Parse *p, AstExpr *interval)
{
	if (interval->kind != AST_LITERAL) parse_wrong(p, interval->span, "a duration has no sign");
	return interval;
}

/* ---- parameters and names ---- */

static int parameter_find(const Parse *p, const char *name)
{
	for (int i = 0; i < p->parameters.count; i++)
		if (p->parameters.at[i].text && !strcmp(p->parameters.at[i].text, name)) return i + 1;
	return 0;
}

AstExpr *ast_parameter(Parse *p, Token token)
{
	AstExpr *e = expr_new(p, AST_PARAMETER, token_span(token), token_span(token));
	const char *text = ast_token_text(p, token) + 1;
	bool numbered = *text >= '0' && *text <= '9', named = *text && !numbered;
	long number = numbered ? strtol(text, NULL, 10) : named ? parameter_find(p, text) : 0;
	if (!number && !numbered) number = p->parameters.count + 1;
	if (number < 1 || number > PARAMETER_MAX) {
		parse_wrong(p, e->span, "a parameter's number is between 1 and %d", PARAMETER_MAX);
		return e;
	}
	while (p->parameters.count < number) vec_push_in(p->arena, &p->parameters, ((AstIdent){.text = NULL, .span = e->span}));
	if (named) p->parameters.at[number - 1] = (AstIdent){.text = text, .span = e->span};
	e->text = named ? text : NULL;
	e->parameter = (int)number;
	return e;
}

AstExpr *ast_column(Parse *p, const AstName *name)
{
	bool call = name->parts.count == 1 && !name->parts.at[0].quoted && keyword_is_call(name->parts.at[0].text);
	if (call) return ast_call_word(p, ast_lower(p, name->parts.at[0].text), name->span, NULL, 0, name->span);
	AstExpr *e = expr_new(p, AST_COLUMN, name->span, name->span);
	e->path = name->parts;
	return e;
}

/* ---- parentheses, subqueries, constructors ---- */

AstExpr *ast_parenthesis(Parse *p, Token left, AstExpr *expr, Token right)
{
	(void)p;
	expr->span = (Span){left.start, right.end};
	return expr;
}

AstExpr *ast_row(Parse *p, Token left, AstExpr *first, const AstExprs *rest, Token right)
{
	Span span = {left.start, right.end};
	AstExpr *e = expr_new(p, AST_ROW, span, span);
	if (first) add_arg(p, e, first);
	add_args(p, e, rest);
	return e;
}

static AstExpr *query_expr(Parse *p, AstExprKind kind, AstQuery *query, Span span, Span op_span)
{
	AstExpr *e = expr_new(p, kind, span, op_span);
	e->query = query;
	deepen(p, e, query->depth);
	return e;
}

AstExpr *ast_subquery(Parse *p, AstQuery *query) { return query_expr(p, AST_SUBQUERY, query, query->span, query->span); }

AstExpr *ast_exists(Parse *p, Token word, AstQuery *query)
{
	return query_expr(p, AST_EXISTS, query, (Span){word.start, query->span.end}, token_span(word));
}

AstExpr *ast_array(Parse *p, Token word, const AstExprs *values, Token right)
{
	AstExpr *e = expr_new(p, AST_ARRAY, (Span){word.start, right.end}, token_span(word));
	add_args(p, e, values);
	return e;
}

AstExpr *ast_array_query(Parse *p, Token word, AstQuery *query)
{
	return query_expr(p, AST_ARRAY, query, (Span){word.start, query->span.end}, token_span(word));
}

AstExpr *ast_map(Parse *p, Token word, const AstExprs *values, Token right)
{
	AstExpr *e = expr_new(p, AST_MAP, (Span){word.start, right.end}, token_span(word));
	add_args(p, e, values);
	if (e->args.count % 2) parse_wrong(p, e->span, "a map has a value for every key");
	return e;
}

AstExpr *ast_cast(Parse *p, Token word, AstExpr *expr, AstTypeName *type, Token right)
{
	AstExpr *e = expr_new(p, AST_CAST, (Span){word.start, right.end}, token_span(word));
	add_arg(p, e, expr);
	deepen(p, e, type->depth);
	e->type = type;
	e->try_cast = word.type == TK_TRY_CAST;
	return e;
}

/* INT '5' */
AstExpr *ast_cast_literal(Parse *p, Token type, Token string)
{
	return ast_cast(p, type, ast_literal(p, AST_STRING, string), ast_type(p, type), string);
}

AstExpr *ast_cast_postfix(Parse *p, AstExpr *expr, Token op, AstTypeName *type)
{
	AstExpr *e = expr_new(p, AST_CAST, span_join(expr->span, type->span), token_span(op));
	add_arg(p, e, expr);
	deepen(p, e, type->depth);
	e->type = type;
	return e;
}

AstExpr *ast_case(Parse *p, Token word, AstExpr *operand, const AstExprs *whens, AstExpr *otherwise, Token last)
{
	AstExpr *e = expr_new(p, AST_CASE, (Span){word.start, last.end}, token_span(word));
	e->operand = operand;
	e->otherwise = otherwise;
	e->args = *whens;
	for (int i = 0; i < whens->count; i++) deepen(p, e, whens->at[i]->depth);
	if (operand) deepen(p, e, operand->depth);
	if (otherwise) deepen(p, e, otherwise->depth);
	return e;
}

/* ---- postfix ---- */

AstExpr *ast_field(Parse *p, AstExpr *expr, AstIdent field)
{
	AstExpr *e = expr_new(p, AST_FIELD, span_join(expr->span, field.span), field.span);
	add_arg(p, e, expr);
	e->field = field;
	return e;
}

AstExpr *ast_subscript(Parse *p, AstExpr *expr, AstExpr *index, Token right)
{
	AstExpr *e = expr_new(p, AST_SUBSCRIPT, (Span){expr->span.start, right.end}, index->span);
	add_arg(p, e, expr);
	add_arg(p, e, index);
	return e;
}

AstExpr *ast_slice(Parse *p, AstExpr *expr, AstExpr *from, AstExpr *to, Token right)
{
	AstExpr *e = expr_new(p, AST_SUBSCRIPT, (Span){expr->span.start, right.end}, (Span){expr->span.end, right.end});
	add_arg(p, e, expr);
	add_arg(p, e, from);
	add_arg(p, e, to);
	return e;
}

AstExpr *ast_collate(Parse *p, AstExpr *expr, Token word, AstIdent collation)
{
	AstExpr *e = expr_new(p, AST_COLLATE, span_join(expr->span, collation.span), token_span(word));
	add_arg(p, e, expr);
	e->field = collation;
	return e;
}

AstExpr *ast_at_time_zone(Parse *p, AstExpr *expr, Token word, AstExpr *zone)
{
	Span span = {expr->span.start, zone ? zone->span.end : word.end};
	if (!zone) {
		zone = expr_new(p, AST_LITERAL, token_span(word), token_span(word));
		zone->literal = AST_STRING;
		zone->text = "local";
		zone->bytes = 5;
	}
	return ast_call_word(p, "timezone", token_span(word), (AstExpr *[]){zone, expr}, 2, span);
}

/* ---- operators ---- */

AstExpr *ast_unary(Parse *p, Token op, AstExpr *expr)
{
	AstExpr *e = expr_new(p, AST_UNARY, (Span){op.start, expr->span.end}, token_span(op));
	switch (op.type) {
	case TK_NOT: e->op = AST_OP_NOT; break;
	case TK_MINUS: e->op = AST_OP_MINUS; break;
	case TK_PLUS: e->op = AST_OP_PLUS; break;
	default: e->op = AST_OP_BIT_NOT; break;
	}
	add_arg(p, e, expr);
	return e;
}

AstExpr *ast_binary(Parse *p, AstExpr *left, Token op, AstExpr *right)
{
	AstExpr *e = expr_two(p, AST_BINARY, left, op, right);
	e->op = op_of(op);
	return e;
}

/* a AND b AND c is one node: a chain of thousands is no deeper than its parts. What stands in parentheses stays as it is. */
AstExpr *ast_logic(Parse *p, AstExprKind kind, AstExpr *left, Token op, AstExpr *right)
{
	bool open = left->kind == kind && left->span.start == left->args.at[0]->span.start;
	if (!open) return expr_two(p, kind, left, op, right);
	add_arg(p, left, right);
	left->span.end = right->span.end;
	return left;
}

static AstExpr *null_literal(Parse *p, Span span)
{
	AstExpr *e = expr_new(p, AST_LITERAL, span, span);
	e->literal = AST_NULL;
	return e;
}

AstExpr *ast_is(Parse *p, AstExpr *left, Token op, bool negated, AstExpr *right)
{
	if (right->kind == AST_COLUMN && right->path.count == 1 && ast_ident_is(right->path.at[0], "unknown")) right = null_literal(p, right->span);
	AstExpr *e = expr_two(p, AST_BINARY, left, op, right);
	e->op = negated ? AST_OP_IS_NOT : AST_OP_IS;
	return e;
}

AstExpr *ast_is_null(Parse *p, AstExpr *left, Token op, bool negated, Token last)
{
	return ast_is(p, left, op, negated, null_literal(p, token_span(last)));
}

AstExpr *ast_like(Parse *p, AstExpr *left, bool negated, Token op, AstExpr *right, AstExpr *escape)
{
	AstExpr *e = expr_two(p, AST_LIKE, left, op, right);
	e->op = op_of(op);
	e->negated = negated;
	if (escape) {
		add_arg(p, e, escape);
		e->span.end = escape->span.end;
	}
	return e;
}

/* PostgreSQL's ~, ~*, !~ and !~* are REGEXP, where a pattern says itself that it ignores case */
AstExpr *ast_regex(Parse *p, AstExpr *left, Token op, AstExpr *right)
{
	Token regexp = {.type = TK_REGEXP, .start = op.start, .end = op.end}, concat = {.type = TK_CONCAT, .start = op.start, .end = op.end};
	if (op.type == TK_TILDE_STAR || op.type == TK_NOT_TILDE_STAR) {
		AstExpr *flag = expr_new(p, AST_LITERAL, token_span(op), token_span(op));
		flag->literal = AST_STRING;
		flag->text = "(?i)";
		flag->bytes = 4;
		right = ast_binary(p, flag, concat, right);
	}
	return ast_like(p, left, op.type == TK_NOT_TILDE || op.type == TK_NOT_TILDE_STAR, regexp, right, NULL);
}

AstExpr *ast_between(Parse *p, AstExpr *left, bool negated, Token op, bool symmetric, AstExpr *low, AstExpr *high)
{
	AstExpr *e = expr_two(p, AST_BETWEEN, left, op, low);
	add_arg(p, e, high);
	e->span.end = high->span.end;
	e->negated = negated;
	e->symmetric = symmetric;
	return e;
}

/* ---- IN: `what` is a node without its left side yet ---- */

AstExpr *ast_in_list(Parse *p, Token left, const AstExprs *list, Token right)
{
	Span span = {left.start, right.end};
	AstExpr *e = expr_new(p, AST_IN, span, span);
	add_arg(p, e, NULL);
	add_args(p, e, list);
	return e;
}

AstExpr *ast_in_query(Parse *p, AstQuery *query)
{
	AstExpr *e = query_expr(p, AST_IN, query, query->span, query->span);
	add_arg(p, e, NULL);
	return e;
}

AstExpr *ast_in_relation(Parse *p, const AstName *name)
{
	AstExpr *e = expr_new(p, AST_IN, name->span, name->span);
	add_arg(p, e, NULL);
	e->relation = *name;
	return e;
}

/* x IN f(y) is x IN (SELECT * FROM f(y)), as in SQLite */
AstExpr *ast_in_function(Parse *p, AstName *name, AstArguments *arguments, Token right)
{
	AstExpr *call = ast_call(p, name, false, arguments, NULL, right);
	Token star = {.start = name->span.start, .end = name->span.end, .type = TK_STAR};
	AstItems *items = ast_items(p, NULL, ast_item_star(p, NULL, star, NULL));
	AstSelect *head = ast_select_head(p, star, false, false, NULL);
	AstSelect *select = ast_select(head, items, ast_table_function(p, call, false, false), NULL);
	AstQuery *query = ast_query(p, NULL, ast_body_select(p, select), NULL);
	query->span = call->span;
	return ast_in_query(p, query);
}

AstExpr *ast_in(Parse *p, AstExpr *left, bool negated, Token op, AstExpr *what)
{
	what->args.at[0] = left;
	deepen(p, what, left->depth);
	what->negated = negated;
	what->span.start = left->span.start;
	what->op_span = token_span(op);
	return what;
}

AstExpr *ast_quantified(Parse *p, AstExpr *left, Token op, Token quantifier, AstExpr *right)
{
	AstExpr *e = expr_new(p, AST_QUANTIFIED, span_join(left->span, right->span), (Span){op.start, quantifier.end});
	e->op = op_of(op);
	e->all = quantifier.type == TK_ALL;
	add_arg(p, e, left);
	if (right->kind == AST_SUBQUERY) {
		e->query = right->query;
		deepen(p, e, right->query->depth);
	} else {
		add_arg(p, e, right);
	}
	return e;
}

AstExpr *ast_default(Parse *p, Token word)
{
	return ast_call_word(p, "default", token_span(word), NULL, 0, token_span(word));
}

/* ---- relations as arguments ---- */

AstExpr *ast_relation(Parse *p, Token word, const AstName *name, AstQuery *query)
{
	Span span = name ? name->span : query->span;
	AstExpr *e = expr_new(p, AST_RELATION, span, span);
	if (word.type) e->span.start = word.start;
	if (name) {
		e->relation = *name;
		e->hints = ast_hint_options(p, name->span.end);
	} else {
		e->query = query;
		deepen(p, e, query->depth);
	}
	return e;
}

AstExpr *ast_relation_split(Parse *p, AstExpr *relation, const AstExpr *split)
{
	relation->partition_by = split->partition_by;
	relation->order_by = split->order_by;
	relation->span.end = split->span.end;
	deepen(p, relation, split->depth - 1);
	return relation;
}

/* PARTITION BY (a, b) is two expressions */
AstExpr *ast_split(Parse *p, Token word, AstExpr *partition_by, const AstOrderTerm *order_by)
{
	AstExpr *e = expr_new(p, AST_RELATION, (Span){word.start, partition_by->span.end}, token_span(word));
	deepen(p, e, partition_by->depth);
	if (partition_by->kind == AST_ROW) e->partition_by = partition_by->args;
	else vec_push_in(p->arena, &e->partition_by, partition_by);
	if (order_by) {
		vec_push_in(p->arena, &e->order_by, *order_by);
		deepen(p, e, order_by->expr->depth);
		e->span.end = order_by->expr->span.end;
	}
	return e;
}
