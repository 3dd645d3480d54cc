/* Calls, their special forms, and windows. See make.h. */
#include "ast/make.h"

#include <string.h>
#include <strings.h>

static void deepen(Parse *p, AstExpr *e, const AstExpr *child)
{
	if (child && child->depth >= e->depth) e->depth = ast_depth(p, child->depth + 1);
}

static void deepen_order(Parse *p, AstExpr *e, const AstOrderTerms *terms)
{
	for (int i = 0; i < terms->count; i++) deepen(p, e, terms->at[i].expr);
}

static void deepen_window(Parse *p, AstExpr *e, const AstWindow *window)
{
	for (int i = 0; i < window->partition_by.count; i++) deepen(p, e, window->partition_by.at[i]);
	deepen_order(p, e, &window->order_by);
	if (!window->frame) return;
	deepen(p, e, window->frame->start.offset);
	deepen(p, e, window->frame->end.offset);
}

static AstExpr *call_new(Parse *p, Span name_span, Span span)
{
	AstExpr *e = arena_new(p->arena, AstExpr);
	e->kind = AST_CALL;
	e->depth = 1;
	e->span = span;
	e->op_span = name_span;
	e->call = arena_new(p->arena, AstCall);
	return e;
}

static void add_argument(Parse *p, AstExpr *e, AstArgument argument)
{
	ast_check_count(p, e->call->arguments.count);
	vec_push_in(p->arena, &e->call->arguments, argument);
	deepen(p, e, argument.value);
}

AstArguments *ast_arguments(Parse *p, AstArguments *list, AstArgument argument) { return AST_PUSH(p, AstArguments, list, argument); }
AstArgument ast_argument(AstIdent name, AstExpr *value) { return (AstArgument){name, value}; }

/* f(g(x) IGNORE NULLS): the words belong to f, but the grammar has given them to g. */
static void move_nulls(AstExpr *e)
{
	AstCall *call = e->call;
	AstExpr *last = call->arguments.count ? call->arguments.at[call->arguments.count - 1].value : NULL;
	if (!last || last->kind != AST_CALL || last->call->over || !last->call->nulls) return;
	call->nulls = last->call->nulls;
	last->call->nulls = AST_NULLS_NOT_SAID;
}

AstExpr *ast_call(Parse *p, AstName *name, bool distinct, const AstArguments *arguments, const AstOrderTerms *order_by, Token right)
{
	AstExpr *e = call_new(p, name->span, (Span){name->span.start, right.end});
	e->call->name = *name;
	e->call->distinct = distinct;
	for (int i = 0; arguments && i < arguments->count; i++) add_argument(p, e, arguments->at[i]);
	if (order_by) {
		e->call->order_by = *order_by;
		deepen_order(p, e, order_by);
	}
	move_nulls(e);
	return e;
}

AstExpr *ast_call_word(Parse *p, const char *name, Span name_span, AstExpr *const *arguments, int count, Span span)
{
	AstExpr *e = call_new(p, name_span, span);
	e->call->name = *ast_name(p, NULL, (AstIdent){.text = name, .span = name_span});
	for (int i = 0; i < count; i++) add_argument(p, e, ast_argument(AST_NO_IDENT, arguments[i]));
	return e;
}

AstExpr *ast_call_star(Parse *p, AstName *name, Token right)
{
	AstExpr *e = ast_call(p, name, false, NULL, NULL, right);
	e->call->star = true;
	return e;
}

/* ---- forms with words instead of commas ---- */

static bool name_is(const AstName *name, const char *word)
{
	return name->parts.count == 1 && ast_ident_is(name->parts.at[0], word);
}

static AstExpr *wrong_form(Parse *p, const AstName *name, const char *form, Span span)
{
	parse_wrong(p, name->span, "function \"%s\" is not called with %s", ast_name_last(name).text, form);
	return call_new(p, name->span, span);
}

/* The unit of EXTRACT and the like: a bare word or a string, given on as a string in lower case */
static AstExpr *unit_text(Parse *p, AstIdent unit)
{
	AstExpr *e = arena_new(p->arena, AstExpr);
	*e = (AstExpr){.kind = AST_LITERAL, .literal = AST_STRING, .depth = 1, .span = unit.span, .op_span = unit.span, .text = ast_lower(p, unit.text)};
	e->bytes = (uint32_t)strlen(e->text);
	return e;
}

static AstExpr *unit_of(Parse *p, AstExpr *what)
{
	AstIdent unit = {.span = what->span};
	if (what->kind == AST_COLUMN && what->path.count == 1) unit.text = what->path.at[0].text;
	else if (what->kind == AST_LITERAL && what->literal == AST_STRING) unit.text = what->text;
	if (unit.text) return unit_text(p, unit);
	parse_wrong(p, what->span, "EXTRACT takes a unit of time before FROM");
	return what;
}

/* PostgreSQL's SUBSTRING(x FROM 'regular expression'): its first group, or what matched if there are none */
static AstExpr *substring_of_pattern(Parse *p, AstName *name, AstExpr *what, AstExpr *pattern, AstExpr *escape, Token right)
{
	if (escape) parse_wrong(p, escape->span, "SUBSTRING with a pattern takes no FOR here");
	AstExpr *groups = ast_call_word(p, "regexp_match", name->span, (AstExpr *[]){what, pattern}, 2, (Span){name->span.start, right.end});
	AstExpr *first = ast_literal(p, AST_INTEGER, (Token){.start = right.start, .end = right.start});
	first->text = "1";
	first->bytes = 1;
	return ast_subscript(p, groups, first, right);
}

AstExpr *ast_call_from(Parse *p, AstName *name, AstExpr *what, AstExpr *from, AstExpr *count, Token right)
{
	Span span = {name->span.start, right.end};
	if (name_is(name, "extract") && from && !count)
		return ast_call_word(p, "extract", name->span, (AstExpr *[]){unit_of(p, what), from}, 2, span);
	if (name_is(name, "trim") && from && !count)
		return ast_call_word(p, "trim", name->span, (AstExpr *[]){from, what}, 2, span);
	if (!name_is(name, "substring") && !name_is(name, "substr")) return wrong_form(p, name, from ? "FROM" : "FOR", span);
	Token one = {.start = right.start, .end = right.start};
	if (from && from->kind == AST_LITERAL && from->literal == AST_STRING) return substring_of_pattern(p, name, what, from, count, right);
	if (!from) {
		from = ast_literal(p, AST_INTEGER, one);
		from->text = "1";
		from->bytes = 1;
	}
	return ast_call_word(p, "substring", name->span, (AstExpr *[]){what, from, count}, count ? 3 : 2, span);
}

AstExpr *ast_call_trim(Parse *p, AstName *name, Token side, AstExpr *what, AstExpr *from, Token right)
{
	const char *function = side.type == TK_LEADING ? "ltrim" : side.type == TK_TRAILING ? "rtrim" : "trim";
	return ast_call_word(p, function, name->span, (AstExpr *[]){from, what}, what ? 2 : 1, (Span){name->span.start, right.end});
}

AstExpr *ast_call_overlay(Parse *p, AstName *name, AstExpr *what, AstExpr *placing, AstExpr *from, AstExpr *count, Token right)
{
	Span span = {name->span.start, right.end};
	if (!name_is(name, "overlay")) return wrong_form(p, name, "PLACING", span);
	return ast_call_word(p, "overlay", name->span, (AstExpr *[]){what, placing, from, count}, count ? 4 : 3, span);
}

AstExpr *ast_call_position(Parse *p, AstName *name, AstExpr *what, AstExpr *in, Token right)
{
	return ast_call_word(p, "position", name->span, (AstExpr *[]){what, in}, 2, (Span){name->span.start, right.end});
}

AstExpr *ast_call_to(Parse *p, AstName *name, AstExpr *what, AstIdent unit, Token right)
{
	Span span = {name->span.start, right.end};
	if (!name_is(name, "floor") && !name_is(name, "ceil") && !name_is(name, "ceiling")) return wrong_form(p, name, "TO", span);
	const char *function = name_is(name, "floor") ? "floor" : "ceil";
	return ast_call_word(p, function, name->span, (AstExpr *[]){what, unit_text(p, unit)}, 2, span);
}

/* ---- what follows a call ---- */

AstExpr *ast_call_nulls(Parse *p, AstExpr *call, Token word)
{
	if (call->call->nulls) parse_wrong(p, token_span(word), "IGNORE NULLS or RESPECT NULLS stands twice");
	call->call->nulls = word.type == TK_IGNORE_NULLS ? AST_IGNORE_NULLS : AST_RESPECT_NULLS;
	if (word.end > call->span.end) call->span.end = word.end;
	return call;
}

AstExpr *ast_call_within_group(Parse *p, AstExpr *call, const AstOrderTerms *order_by, Token right)
{
	if (call->call->within_group.count || call->call->order_by.count) parse_wrong(p, call->span, "the order of the values is said twice");
	call->call->within_group = *order_by;
	deepen_order(p, call, order_by);
	call->span.end = right.end;
	return call;
}

AstExpr *ast_call_filter(Parse *p, AstExpr *call, AstExpr *filter, Token right)
{
	if (call->call->filter) parse_wrong(p, filter->span, "FILTER stands twice");
	if (call->call->over) parse_wrong(p, filter->span, "FILTER must stand before OVER");
	call->call->filter = filter;
	deepen(p, call, filter);
	call->span.end = right.end;
	return call;
}

static AstExpr *call_over(Parse *p, AstExpr *call, AstWindow *window, uint32_t end)
{
	if (call->call->over) parse_wrong(p, window->span, "OVER stands twice");
	call->call->over = window;
	deepen_window(p, call, window);
	call->span.end = end;
	return call;
}

AstExpr *ast_call_over_name(Parse *p, AstExpr *call, AstIdent name)
{
	AstWindow *window = arena_new(p->arena, AstWindow);
	window->name = name;
	window->span = name.span;
	return call_over(p, call, window, name.span.end);
}

AstExpr *ast_call_over(Parse *p, AstExpr *call, AstWindow *window, Token right)
{
	window->span = (Span){call->span.end, right.end};
	return call_over(p, call, window, right.end);
}

/* ---- windows ---- */

AstWindow *ast_window(Parse *p, const AstExprs *partition_by, const AstOrderTerms *order_by, AstFrame *frame)
{
	AstWindow *window = arena_new(p->arena, AstWindow);
	if (partition_by) window->partition_by = *partition_by;
	if (order_by) window->order_by = *order_by;
	window->frame = frame;
	return window;
}

AstWindow *ast_window_based(AstWindow *window, AstIdent base)
{
	window->base = base;
	return window;
}

AstWindow *ast_window_named(Parse *p, AstIdent name, AstWindow *window, Token right)
{
	(void)p;
	window->name = name;
	window->span = (Span){name.span.start, right.end};
	return window;
}

AstWindows *ast_windows(Parse *p, AstWindows *list, AstWindow *window) { return AST_PUSH(p, AstWindows, list, window); }

AstOrderTerms *ast_order_terms(Parse *p, AstOrderTerms *list, const AstOrderTerm *term) { return AST_PUSH(p, AstOrderTerms, list, *term); }

AstOrderTerm *ast_order_term(Parse *p, AstExpr *expr, bool descending, AstNulls nulls)
{
	AstOrderTerm *term = arena_new(p->arena, AstOrderTerm);
	*term = (AstOrderTerm){expr, descending, nulls};
	return term;
}

AstBound *ast_bound(Parse *p, AstBoundKind kind, AstExpr *offset)
{
	AstBound *bound = arena_new(p->arena, AstBound);
	*bound = (AstBound){kind, offset};
	return bound;
}

AstFrame *ast_frame(Parse *p, Token unit, const AstBound *start, const AstBound *end, AstFrameExclude exclude)
{
	AstFrame *frame = arena_new(p->arena, AstFrame);
	*frame = (AstFrame){
		.unit = unit.type == TK_ROWS ? AST_FRAME_ROWS : unit.type == TK_RANGE ? AST_FRAME_RANGE : AST_FRAME_GROUPS,
		.start = *start, .end = end ? *end : (AstBound){.kind = AST_BOUND_CURRENT_ROW}, .exclude = exclude,
		.span = token_span(unit),
	};
	if (frame->start.kind == AST_BOUND_UNBOUNDED_FOLLOWING || frame->end.kind == AST_BOUND_UNBOUNDED_PRECEDING || frame->start.kind > frame->end.kind)
		parse_wrong(p, frame->span, "the frame ends before it begins");
	return frame;
}
