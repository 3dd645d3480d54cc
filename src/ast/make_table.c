/* Tables and joins in FROM. See make.h. */
#include "ast/make.h"

/* Words before JOIN, as bits: their order is free, which of them fit together is not */
enum {
	JOIN_INNER = 1, JOIN_LEFT = 2, JOIN_RIGHT = 4, JOIN_FULL = 8, JOIN_OUTER = 16, JOIN_CROSS = 32, JOIN_SEMI = 64, JOIN_ANTI = 128,
	JOIN_NATURAL = 256, JOIN_ASOF = 512,
};

static const struct { uint16_t token, bit; } JOIN_BITS[] = {
	{TK_INNER, JOIN_INNER}, {TK_LEFT, JOIN_LEFT}, {TK_RIGHT, JOIN_RIGHT}, {TK_FULL, JOIN_FULL}, {TK_OUTER, JOIN_OUTER}, {TK_CROSS, JOIN_CROSS},
	{TK_SEMI, JOIN_SEMI}, {TK_ANTI, JOIN_ANTI}, {TK_NATURAL, JOIN_NATURAL}, {TK_ASOF, JOIN_ASOF},
};

static const struct { uint16_t bits; AstJoinKind kind; } JOIN_KINDS[] = {
	{0, AST_JOIN_INNER}, {JOIN_INNER, AST_JOIN_INNER}, {JOIN_CROSS, AST_JOIN_CROSS}, {JOIN_LEFT, AST_JOIN_LEFT}, {JOIN_LEFT | JOIN_OUTER, AST_JOIN_LEFT},
	{JOIN_RIGHT, AST_JOIN_RIGHT}, {JOIN_RIGHT | JOIN_OUTER, AST_JOIN_RIGHT}, {JOIN_FULL, AST_JOIN_FULL}, {JOIN_FULL | JOIN_OUTER, AST_JOIN_FULL},
	{JOIN_SEMI, AST_JOIN_SEMI}, {JOIN_LEFT | JOIN_SEMI, AST_JOIN_SEMI}, {JOIN_ANTI, AST_JOIN_ANTI}, {JOIN_LEFT | JOIN_ANTI, AST_JOIN_ANTI},
};

static AstTable *table_new(Parse *p, AstTableKind kind, Span span, int child_depth)
{
	AstTable *table = arena_new(p->arena, AstTable);
	table->kind = kind;
	table->span = span;
	table->depth = ast_depth(p, child_depth + 1);
	return table;
}

static void deepen(Parse *p, AstTable *table, const AstExpr *child)
{
	if (child && child->depth >= table->depth) table->depth = ast_depth(p, child->depth + 1);
}

/* ---- joins ---- */

static AstTable *join_new(Parse *p, AstTable *left, AstTable *right)
{
	AstTable *join = table_new(p, AST_TABLE_JOIN, span_join(left->span, right->span), left->depth > right->depth ? left->depth : right->depth);
	join->left = left;
	join->right = right;
	return join;
}

/* ---- commas ----
 *
 * A comma binds less than JOIN: a, b FULL JOIN c is a, (b FULL JOIN c). The grammar makes all hang to the left, which means the same as long
 * as the joins behind the comma are inner or left ones with ON: these stay as they are, so that their ON may name what stands before the
 * comma, as in SQLite. RIGHT and FULL, and USING and NATURAL, which look for names on their left side, take only what stands behind it.
 */

static bool minds_commas(const AstTable *join)
{
	return join->join == AST_JOIN_RIGHT || join->join == AST_JOIN_FULL || join->natural || join->using_columns.count;
}

/* The new join takes the place of what is right of the last comma on its left edge, and that takes the place of the comma. */
static AstTable *behind_comma(Parse *p, AstTable *join)
{
	if (!minds_commas(join)) return join;
	AstTable **edge = &join->left;
	while ((*edge)->kind == AST_TABLE_JOIN && !(*edge)->in_parens && (*edge)->join != AST_JOIN_COMMA) edge = &(*edge)->left;
	AstTable *comma = *edge;
	if (comma->kind != AST_TABLE_JOIN || comma->in_parens) return join;
	*edge = comma->right;
	for (AstTable *table = join; table != comma->right; table = table->left) table->span.start = comma->right->span.start;
	comma->right = join;
	comma->span.end = join->span.end;
	if (join->depth >= comma->depth) comma->depth = ast_depth(p, join->depth + 1);
	return comma;
}

AstTable *ast_join_comma(Parse *p, AstTable *left, Token comma, AstTable *right)
{
	AstTable *join = join_new(p, left, right);
	join->join = AST_JOIN_COMMA;
	join->join_span = token_span(comma);
	return join;
}

static uint16_t join_bit(Token word)
{
	for (size_t i = 0; i < sizeof JOIN_BITS / sizeof *JOIN_BITS; i++) if (JOIN_BITS[i].token == word.type) return JOIN_BITS[i].bit;
	return 0;
}

static bool join_kind(int bits, AstJoinKind *kind)
{
	int plain = bits & ~(JOIN_NATURAL | JOIN_ASOF);
	bool natural = bits & JOIN_NATURAL, asof = bits & JOIN_ASOF;
	for (size_t i = 0; i < sizeof JOIN_KINDS / sizeof *JOIN_KINDS; i++) {
		if (JOIN_KINDS[i].bits != plain) continue;
		*kind = JOIN_KINDS[i].kind;
		if (natural) return !asof && *kind >= AST_JOIN_INNER && *kind <= AST_JOIN_FULL;
		return !asof || *kind == AST_JOIN_INNER || *kind == AST_JOIN_LEFT;
	}
	return false;
}

/* The words gather as bits in `depth` of a table that is not one yet; JOIN, the last, makes the kind of them. */
AstTable *ast_join_word(Parse *p, AstTable *words, Token word)
{
	uint16_t bit = join_bit(word);
	if (!words) {
		words = arena_new(p->arena, AstTable);
		words->kind = AST_TABLE_JOIN;
		words->join_span = token_span(word);
	}
	words->join_span.end = word.end;
	if (bit & words->depth) parse_wrong(p, token_span(word), "a word of the join stands twice");
	words->depth |= bit;
	if (word.type != TK_JOIN) return words;
	words->natural = words->depth & JOIN_NATURAL;
	words->asof = words->depth & JOIN_ASOF;
	if (!join_kind(words->depth, &words->join))
		parse_wrong(p, words->join_span, "there is no such join: %.*s", (int)(words->join_span.end - words->join_span.start), p->text + words->join_span.start);
	return words;
}

AstTable *ast_join_on(Parse *p, AstExpr *on, const AstIdents *using_columns)
{
	AstTable *part = arena_new(p->arena, AstTable);
	part->on = on;
	if (using_columns) part->using_columns = *using_columns;
	part->span = on ? on->span : using_columns->at[using_columns->count - 1].span;
	return part;
}

AstTable *ast_within(Parse *p, AstExpr *before, AstExpr *after, AstExpr *grace)
{
	AstTable *part = arena_new(p->arena, AstTable);
	part->within_before = before;
	part->within_after = after;
	part->grace = grace;
	return part;
}

static void check_join(Parse *p, const AstTable *join)
{
	bool condition = join->on || join->using_columns.count;
	if (condition && join->natural) parse_wrong(p, join->join_span, "a NATURAL join has no ON or USING");
	if (condition && join->join == AST_JOIN_CROSS) parse_wrong(p, join->join_span, "a CROSS JOIN has no ON or USING");
	if (join->asof && !condition) parse_wrong(p, join->join_span, "an ASOF JOIN needs ON");
}

AstTable *ast_join(Parse *p, AstTable *left, AstTable *words, AstTable *right, const AstTable *within, const AstTable *on)
{
	AstTable *join = join_new(p, left, right);
	join->join = words->join;
	join->natural = words->natural;
	join->asof = words->asof;
	join->join_span = words->join_span;
	if (within) {
		join->within_before = within->within_before;
		join->within_after = within->within_after;
		join->grace = within->grace;
	}
	if (on) {
		join->on = on->on;
		join->using_columns = on->using_columns;
		join->span.end = on->span.end;
		deepen(p, join, on->on);
	}
	check_join(p, join);
	return behind_comma(p, join);
}

/* ---- tables ---- */

AstTable *ast_alias(Parse *p, AstIdent name, const AstIdents *columns)
{
	AstTable *alias = arena_new(p->arena, AstTable);
	alias->alias = name;
	alias->span = name.span;
	if (columns) {
		alias->columns = *columns;
		alias->span.end = columns->at[columns->count - 1].span.end;
	}
	return alias;
}

AstTable *ast_table_alias(Parse *p, AstTable *table, const AstTable *alias)
{
	(void)p;
	if (!alias) return table;
	table->alias = alias->alias;
	table->columns = alias->columns;
	if (alias->span.end > table->span.end) table->span.end = alias->span.end;
	return table;
}

AstTable *ast_table_name(Parse *p, const AstName *name, AstExpr *as_of)
{
	AstTable *table = table_new(p, AST_TABLE_NAME, name->span, 0);
	AstOptions *hints = ast_hint_options(p, name->span.end);
	table->name = *name;
	if (hints) table->hints = *hints;
	if (as_of) {
		table->as_of = as_of;
		table->span.end = as_of->span.end;
		deepen(p, table, as_of);
	}
	return table;
}

AstTable *ast_table_query(Parse *p, AstQuery *query, bool lateral)
{
	AstTable *table = table_new(p, AST_TABLE_QUERY, query->span, query->depth);
	table->query = query;
	table->lateral = lateral;
	return table;
}

AstTable *ast_table_function(Parse *p, AstExpr *call, bool lateral, bool with_ordinality)
{
	AstTable *table = table_new(p, AST_TABLE_FUNCTION, call->span, call->depth);
	AstOptions *hints = ast_hint_options(p, call->span.end);
	table->call = call;
	table->lateral = lateral;
	table->with_ordinality = with_ordinality;
	if (hints) table->hints = *hints;
	return table;
}

/* Parentheses around the left of a join say nothing; an alias makes them one relation. */
AstTable *ast_table_parens(Parse *p, Token left, AstTable *table, Token right, const AstTable *alias)
{
	table->span = (Span){left.start, right.end};
	table->in_parens = true;
	if (!alias) return table;
	if (table->alias.text) parse_wrong(p, alias->span, "the table has an alias already: \"%s\"", table->alias.text);
	return ast_table_alias(p, table, alias);
}
