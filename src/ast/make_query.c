/* Queries: bodies, tails, SELECT's clauses. See make.h. */
#include "ast/make.h"

#include <string.h>

static uint16_t deeper(uint16_t depth, int child) { return child > depth ? (uint16_t)child : depth; }
static uint16_t expr_depth(uint16_t depth, const AstExpr *e) { return e ? deeper(depth, e->depth) : depth; }

static uint16_t order_depth(uint16_t depth, const AstOrderTerms *terms)
{
	for (int i = 0; i < terms->count; i++) depth = expr_depth(depth, terms->at[i].expr);
	return depth;
}

/* ---- queries ---- */

static void query_take_tail(AstQuery *query, const AstTail *tail)
{
	query->order_by = tail->order_by;
	query->limit = tail->limit;
	query->offset = tail->offset;
	query->with_ties = tail->with_ties;
	query->emit = tail->emit;
	query->emit_span = tail->emit_span;
	query->span.end = tail->span.end;
}

AstQuery *ast_query(Parse *p, AstWith *with, AstBody *body, const AstTail *tail)
{
	AstQuery *query = arena_new(p->arena, AstQuery);
	query->with = with;
	query->body = body;
	query->span = body->span;
	if (with) query->span.start = with->span.start;
	if (tail) query_take_tail(query, tail);
	uint16_t depth = body->depth;
	if (with) depth = deeper(depth, with->depth);
	depth = order_depth(expr_depth(expr_depth(depth, query->limit), query->offset), &query->order_by);
	query->depth = ast_depth(p, depth + AST_QUERY_DEPTH);
	return query;
}

AstQuery *ast_query_parens(Parse *p, Token left, AstQuery *query, Token right)
{
	if (query->emit) parse_wrong(p, query->emit_span, "EMIT stands at the end of the whole statement, not in parentheses");
	query->span = (Span){left.start, right.end};
	return query;
}

/* (SELECT 1) UNION ... needs no query of its own, (SELECT 1 LIMIT 1) UNION ... does */
AstBody *ast_body_query(Parse *p, AstQuery *query)
{
	AstBody *body = query->body;
	if (query->with || query->order_by.count || query->limit || query->offset) {
		body = arena_new(p->arena, AstBody);
		body->kind = AST_BODY_QUERY;
		body->query = query;
		body->depth = query->depth;
	}
	body->span = query->span;
	return body;
}

AstBody *ast_body_select(Parse *p, AstSelect *select)
{
	AstBody *body = arena_new(p->arena, AstBody);
	uint16_t depth = select->from ? select->from->depth : 0;
	for (int i = 0; i < select->items.count; i++) depth = expr_depth(depth, select->items.at[i].expr);
	for (int i = 0; i < select->partition_by.count; i++) depth = expr_depth(depth, select->partition_by.at[i]);
	for (int i = 0; i < select->distinct_on.count; i++) depth = expr_depth(depth, select->distinct_on.at[i]);
	for (int i = 0; i < select->group_by.count; i++) depth = deeper(depth, select->group_by.at[i]->depth);
	for (int i = 0; i < select->windows.count; i++) {
		const AstWindow *window = select->windows.at[i];
		depth = order_depth(depth, &window->order_by);
		for (int k = 0; k < window->partition_by.count; k++) depth = expr_depth(depth, window->partition_by.at[k]);
		if (window->frame) depth = expr_depth(expr_depth(depth, window->frame->start.offset), window->frame->end.offset);
	}
	depth = expr_depth(expr_depth(expr_depth(depth, select->where), select->having), select->qualify);
	*body = (AstBody){.kind = AST_BODY_SELECT, .select = select, .span = select->span, .depth = ast_depth(p, depth + 1)};
	return body;
}

AstBody *ast_body_set(Parse *p, AstBody *left, Token op, bool all, AstBody *right)
{
	AstBody *body = arena_new(p->arena, AstBody);
	*body = (AstBody){.kind = AST_BODY_SET, .left = left, .right = right, .all = all, .span = span_join(left->span, right->span)};
	body->op = op.type == TK_UNION ? AST_UNION : op.type == TK_INTERSECT ? AST_INTERSECT : AST_EXCEPT;
	body->depth = ast_depth(p, deeper(left->depth, right->depth) + 1);
	return body;
}

AstIdents *ast_corresponding(Parse *p, AstIdent word, AstIdent by, const AstIdents *columns)
{
	AstIdents *out = arena_new(p->arena, AstIdents);
	if (strcasecmp(word.text, "corresponding") != 0) parse_wrong(p, word.span, "syntax error near \"%s\"", word.text);
	else if (by.text && strcasecmp(by.text, "by") != 0) parse_wrong(p, by.span, "syntax error near \"%s\"", by.text);
	if (columns) *out = *columns;
	return out;
}

AstBody *ast_body_set_by_name(AstBody *set, const AstIdents *columns)
{
	set->by_name = true;
	set->by_columns = *columns;
	return set;
}

/* Where the list in parentheses ended that was reduced last */
void ast_row_end(Parse *p, Token right) { p->row_end = right.end; }

AstBody *ast_values(Parse *p, AstBody *values, Token word, const AstExprs *row)
{
	if (!values) {
		values = arena_new(p->arena, AstBody);
		values->kind = AST_BODY_VALUES;
		values->span = token_span(word);
	}
	uint16_t depth = 0;
	for (int i = 0; i < row->count; i++) depth = expr_depth(depth, row->at[i]);
	values->depth = deeper(values->depth, ast_depth(p, depth + 1));
	values->span.end = p->row_end;
	vec_push_in(p->arena, &values->rows, *row);
	return values;
}

/* ---- what follows a body ---- */

static AstTail *tail_new(Parse *p, Token word, const AstExpr *last)
{
	AstTail *tail = arena_new(p->arena, AstTail);
	tail->span = (Span){word.start, last ? last->span.end : word.end};
	return tail;
}

AstTail *ast_tail_order(Parse *p, Token word, const AstOrderTerms *terms)
{
	AstTail *tail = tail_new(p, word, terms->at[terms->count - 1].expr);
	tail->has_order = true;
	tail->order_by = *terms;
	return tail;
}

AstTail *ast_tail_limit(Parse *p, Token word, AstExpr *limit, AstExpr *offset)
{
	AstTail *tail = tail_new(p, word, limit);
	tail->has_limit = true;
	tail->has_offset = offset != NULL;
	tail->limit = limit;
	tail->offset = offset;
	return tail;
}

AstTail *ast_tail_offset(Parse *p, Token word, AstExpr *offset)
{
	AstTail *tail = tail_new(p, word, offset);
	tail->has_offset = true;
	tail->offset = offset;
	return tail;
}

AstTail *ast_tail_fetch(Parse *p, Token word, AstExpr *limit, bool with_ties)
{
	Token one = {.start = word.start, .end = word.start};
	if (!limit) {
		limit = ast_literal(p, AST_INTEGER, one);
		limit->text = "1";
		limit->bytes = 1;
	}
	AstTail *tail = ast_tail_limit(p, word, limit, NULL);
	tail->with_ties = with_ties;
	return tail;
}

AstTail *ast_tail_emit(Parse *p, Token word, AstEmit emit)
{
	AstTail *tail = tail_new(p, word, NULL);
	tail->emit = emit;
	tail->emit_span = token_span(word);
	return tail;
}

AstTail *ast_tail_add(Parse *p, AstTail *tail, const AstTail *part)
{
	if (part->has_order && tail->has_order) parse_wrong(p, part->span, "ORDER BY stands twice");
	else if (part->has_order && (tail->has_limit || tail->has_offset)) parse_wrong(p, part->span, "ORDER BY must stand before LIMIT and OFFSET");
	else if (part->has_limit && tail->has_limit) parse_wrong(p, part->span, "LIMIT stands twice");
	else if (part->has_offset && tail->has_offset) parse_wrong(p, part->span, "OFFSET stands twice");
	else if (part->emit && tail->emit) parse_wrong(p, part->span, "EMIT stands twice");
	if (part->has_order) tail->order_by = part->order_by;
	if (part->has_limit) { tail->limit = part->limit; tail->with_ties = part->with_ties; }
	if (part->has_offset) tail->offset = part->offset;
	if (part->emit) { tail->emit = part->emit; tail->emit_span = part->emit_span; }
	tail->has_order |= part->has_order;
	tail->has_limit |= part->has_limit;
	tail->has_offset |= part->has_offset;
	tail->span.end = part->span.end;
	return tail;
}

/* ---- WITH ---- */

AstCte *ast_cte(Parse *p, AstIdent name, const AstIdents *columns, AstQuery *query)
{
	AstCte *cte = arena_new(p->arena, AstCte);
	cte->name = name;
	if (columns) cte->columns = *columns;
	cte->query = query;
	return cte;
}

AstWith *ast_ctes(Parse *p, AstWith *list, const AstCte *cte)
{
	AstWith *with = list ? list : arena_new(p->arena, AstWith);
	ast_check_count(p, with->ctes.count);
	vec_push_in(p->arena, &with->ctes, *cte);
	with->depth = deeper(with->depth, cte->query->depth);
	with->span.end = cte->query->span.end;
	return with;
}

AstWith *ast_with(Parse *p, Token word, bool recursive, AstWith *ctes)
{
	(void)p;
	ctes->recursive = recursive;
	ctes->span.start = word.start;
	return ctes;
}

/* ---- SELECT ---- */

AstSelect *ast_select_head(Parse *p, Token word, bool stream, bool distinct, const AstExprs *distinct_on)
{
	AstSelect *select = arena_new(p->arena, AstSelect);
	select->span = token_span(word);
	select->stream = stream;
	select->distinct = distinct;
	if (distinct_on) select->distinct_on = *distinct_on;
	return select;
}

AstSelect *ast_select(AstSelect *select, const AstItems *items, AstTable *from, AstKsqlWindow *window)
{
	select->items = *items;
	select->from = from;
	select->ksql_window = window;
	select->span.end = window ? window->span.end : from ? from->span.end : items->at[items->count - 1].span.end;
	return select;
}

void ast_select_filters(AstSelect *select, AstExpr *where, const AstExprs *partition_by, const AstGroupings *group_by, AstExpr *having)
{
	select->where = where;
	if (partition_by) select->partition_by = *partition_by;
	if (group_by) select->group_by = *group_by;
	select->having = having;
	if (where) select->span.end = where->span.end;
	if (partition_by) select->span.end = partition_by->at[partition_by->count - 1]->span.end;
	if (group_by) select->span.end = group_by->at[group_by->count - 1]->span.end;
	if (having) select->span.end = having->span.end;
}

void ast_select_windows(AstSelect *select, const AstWindows *windows, AstExpr *qualify)
{
	if (windows) select->windows = *windows;
	select->qualify = qualify;
	if (windows) select->span.end = windows->at[windows->count - 1]->span.end;
	if (qualify) select->span.end = qualify->span.end;
}

AstItems *ast_items(Parse *p, AstItems *list, const AstItem *item) { return AST_PUSH(p, AstItems, list, *item); }

AstItem *ast_item(Parse *p, AstExpr *expr, AstIdent alias)
{
	AstItem *item = arena_new(p->arena, AstItem);
	*item = (AstItem){.expr = expr, .alias = alias, .span = expr->span};
	item->text = arena_strndup(p->arena, p->text + expr->span.start, expr->span.end - expr->span.start);
	if (alias.text) item->span.end = alias.span.end;
	return item;
}

AstItem *ast_item_star(Parse *p, const AstName *name, Token star, const AstIdents *except)
{
	AstExpr *e = arena_new(p->arena, AstExpr);
	e->kind = AST_STAR;
	e->depth = 1;
	e->op_span = token_span(star);
	e->span = name ? span_join(name->span, e->op_span) : e->op_span;
	if (name) e->path = name->parts;
	if (except) e->except = *except;
	return ast_item(p, e, AST_NO_IDENT);
}

/* ---- GROUP BY ---- */

AstGroupings *ast_groupings(Parse *p, AstGroupings *list, AstGrouping *grouping) { return AST_PUSH(p, AstGroupings, list, grouping); }

static AstGrouping *grouping_new(Parse *p, AstGroupingKind kind, Span span)
{
	AstGrouping *grouping = arena_new(p->arena, AstGrouping);
	grouping->kind = kind;
	grouping->depth = 1;
	grouping->span = span;
	return grouping;
}

static void grouping_add(Parse *p, AstGrouping *grouping, AstGrouping *child)
{
	vec_push_in(p->arena, &grouping->children, child);
	grouping->depth = deeper(grouping->depth, ast_depth(p, child->depth + 1));
}

static bool is_call_of(const AstExpr *e, const char *name)
{
	return e->kind == AST_CALL && e->call->name.parts.count == 1 && ast_ident_is(e->call->name.parts.at[0], name)
		&& !e->call->over && !e->call->filter && !e->call->distinct && !e->call->star;
}

/* (a, b) is a set, a an expression */
static AstGrouping *grouping_simple(Parse *p, AstExpr *e)
{
	AstGrouping *grouping = grouping_new(p, e->kind == AST_ROW ? AST_GROUPING_SET : AST_GROUPING_EXPR, e->span);
	if (e->kind == AST_ROW) grouping->exprs = e->args;
	else vec_push_in(p->arena, &grouping->exprs, e);
	grouping->depth = e->depth;
	return grouping;
}

/* ROLLUP and CUBE read like calls, so they need no keywords */
AstGrouping *ast_grouping(Parse *p, AstExpr *e)
{
	bool rollup = is_call_of(e, "rollup");
	if (!rollup && !is_call_of(e, "cube")) return grouping_simple(p, e);
	AstGrouping *grouping = grouping_new(p, rollup ? AST_GROUPING_ROLLUP : AST_GROUPING_CUBE, e->span);
	for (int i = 0; i < e->call->arguments.count; i++) grouping_add(p, grouping, grouping_simple(p, e->call->arguments.at[i].value));
	return grouping;
}

AstGrouping *ast_grouping_empty(Parse *p, Token left, Token right)
{
	return grouping_new(p, AST_GROUPING_SET, (Span){left.start, right.end});
}

AstGrouping *ast_grouping_sets(Parse *p, Token word, const AstGroupings *sets, Token right)
{
	AstGrouping *grouping = grouping_new(p, AST_GROUPING_SETS, (Span){word.start, right.end});
	for (int i = 0; i < sets->count; i++) grouping_add(p, grouping, sets->at[i]);
	return grouping;
}

/* ---- ksqlDB's windows ---- */

AstKsqlWindow *ast_ksql_part(Parse *p, Token word, AstExpr *interval)
{
	AstKsqlWindow *part = arena_new(p->arena, AstKsqlWindow);
	part->span = interval->span;
	switch (word.type) {
	case TK_ADVANCE: part->advance = interval; break;
	case TK_RETENTION: part->retention = interval; break;
	case TK_GRACE: part->grace = interval; break;
	default: part->size = interval; break;
	}
	return part;
}

AstKsqlWindow *ast_ksql_window_add(Parse *p, AstKsqlWindow *window, const AstKsqlWindow *part)
{
	if ((part->size && window->size) || (part->advance && window->advance) || (part->retention && window->retention) || (part->grace && window->grace))
		parse_wrong(p, part->span, "a part of the window stands twice");
	if (part->size) window->size = part->size;
	if (part->advance) window->advance = part->advance;
	if (part->retention) window->retention = part->retention;
	if (part->grace) window->grace = part->grace;
	return window;
}

AstKsqlWindow *ast_ksql_window(Parse *p, Token word, AstKsqlWindowKind kind, AstKsqlWindow *window, Token right)
{
	window->kind = kind;
	window->span = (Span){word.start, right.end};
	if (!window->size) parse_wrong(p, window->span, kind == AST_KSQL_SESSION ? "the window has no gap" : "the window has no SIZE");
	else if (kind == AST_KSQL_HOPPING && !window->advance) parse_wrong(p, window->span, "a hopping window has no ADVANCE BY");
	else if (kind != AST_KSQL_HOPPING && window->advance) parse_wrong(p, window->advance->span, "only hopping windows have ADVANCE BY");
	return window;
}
