/* Queries as SQL. See print.h. */
#include "ast/print.h"

static void print_clause(const char *words, const AstExpr *e, StrBuf *out)
{
	if (!e) return;
	strbuf_adds(out, words);
	ast_print_expr(e, out);
}

static void print_hints(const AstOptions *hints, StrBuf *out)
{
	if (!hints->count) return;
	strbuf_adds(out, " /*+ OPTIONS");
	ast_print_options(hints, out);
	strbuf_adds(out, " */");
}

/* ---- FROM ---- */

static void print_alias(const AstTable *table, StrBuf *out)
{
	if (!table->alias.text) return;
	strbuf_adds(out, " AS ");
	ast_print_ident(table->alias.text, out);
	ast_print_columns(&table->columns, out);
}

static void print_join_words(const AstTable *join, StrBuf *out)
{
	static const char *const KINDS[] = {
		[AST_JOIN_CROSS] = "CROSS ", [AST_JOIN_INNER] = "", [AST_JOIN_LEFT] = "LEFT ", [AST_JOIN_RIGHT] = "RIGHT ", [AST_JOIN_FULL] = "FULL ",
		[AST_JOIN_SEMI] = "SEMI ", [AST_JOIN_ANTI] = "ANTI ",
	};
	if (join->join == AST_JOIN_COMMA) {
		strbuf_adds(out, ", ");
		return;
	}
	strbuf_printf(out, " %s%s%sJOIN ", join->natural ? "NATURAL " : "", join->asof ? "ASOF " : "", KINDS[join->join]);
}

static void print_within(const AstTable *join, StrBuf *out)
{
	if (!join->within_before) return;
	strbuf_adds(out, " WITHIN ");
	if (join->within_before != join->within_after) strbuf_addc(out, '(');
	ast_print_expr(join->within_before, out);
	if (join->within_before != join->within_after) {
		strbuf_adds(out, ", ");
		ast_print_expr(join->within_after, out);
		strbuf_addc(out, ')');
	}
	print_clause(" GRACE PERIOD ", join->grace, out);
}

static bool keeps_comma_in(const AstTable *table)
{
	if (!table->in_parens) return false;
	while (table->kind == AST_TABLE_JOIN && table->join != AST_JOIN_COMMA) table = table->left;
	return table->kind == AST_TABLE_JOIN;
}

/* Joins hang to the left; a join on the right, or one with an alias, stands in parentheses, and one with a comma that another
 * join would reach behind. */
static void print_side(const AstTable *table, bool right, StrBuf *out)
{
	bool parens = table->kind == AST_TABLE_JOIN && (right || keeps_comma_in(table)) && !table->alias.text;
	if (parens) strbuf_addc(out, '(');
	ast_print_table(table, out);
	if (parens) strbuf_addc(out, ')');
}

static void print_join(const AstTable *join, StrBuf *out)
{
	if (join->alias.text) strbuf_addc(out, '(');
	print_side(join->left, false, out);
	print_join_words(join, out);
	print_side(join->right, true, out);
	print_within(join, out);
	print_clause(" ON ", join->on, out);
	if (join->using_columns.count) {
		strbuf_adds(out, " USING");
		ast_print_columns(&join->using_columns, out);
	}
	if (join->alias.text) strbuf_addc(out, ')');
}

void ast_print_table(const AstTable *table, StrBuf *out)
{
	if (table->lateral) strbuf_adds(out, "LATERAL ");
	switch (table->kind) {
	case AST_TABLE_NAME:
		ast_print_name(&table->name, out);
		print_hints(&table->hints, out);
		print_clause(" FOR SYSTEM_TIME AS OF ", table->as_of, out);
		break;
	case AST_TABLE_QUERY:
		strbuf_addc(out, '(');
		ast_print_query(table->query, out);
		strbuf_addc(out, ')');
		break;
	case AST_TABLE_FUNCTION:
		ast_print_expr(table->call, out);
		print_hints(&table->hints, out);
		if (table->with_ordinality) strbuf_adds(out, " WITH ORDINALITY");
		break;
	case AST_TABLE_JOIN:
		print_join(table, out);
		break;
	}
	print_alias(table, out);
}

/* ---- SELECT ---- */

void ast_print_items(const AstItems *items, StrBuf *out)
{
	for (int i = 0; i < items->count; i++) {
		const AstItem *item = &items->at[i];
		if (i) strbuf_adds(out, ", ");
		ast_print_expr(item->expr, out);
		if (!item->alias.text) continue;
		strbuf_adds(out, " AS ");
		ast_print_ident(item->alias.text, out);
	}
}

static void print_distinct(const AstSelect *select, StrBuf *out)
{
	if (!select->distinct) return;
	strbuf_adds(out, "DISTINCT ");
	if (!select->distinct_on.count) return;
	strbuf_adds(out, "ON (");
	ast_print_exprs(&select->distinct_on, out);
	strbuf_adds(out, ") ");
}

static void print_grouping(const AstGrouping *grouping, StrBuf *out)
{
	static const char *const WORDS[] = {
		[AST_GROUPING_EXPR] = "", [AST_GROUPING_SET] = "", [AST_GROUPING_ROLLUP] = "ROLLUP ", [AST_GROUPING_CUBE] = "CUBE ",
		[AST_GROUPING_SETS] = "GROUPING SETS ",
	};
	if (grouping->kind == AST_GROUPING_EXPR) {
		ast_print_expr(grouping->exprs.at[0], out);
		return;
	}
	bool row = grouping->kind == AST_GROUPING_SET && grouping->exprs.count == 1;      /* (a) would be an expression */
	strbuf_adds(out, row ? "ROW" : WORDS[grouping->kind]);
	strbuf_addc(out, '(');
	ast_print_exprs(&grouping->exprs, out);
	for (int i = 0; i < grouping->children.count; i++) {
		if (i) strbuf_adds(out, ", ");
		print_grouping(grouping->children.at[i], out);
	}
	strbuf_addc(out, ')');
}

static void print_groupings(const AstGroupings *groupings, StrBuf *out)
{
	if (groupings->count) strbuf_adds(out, " GROUP BY ");
	for (int i = 0; i < groupings->count; i++) {
		if (i) strbuf_adds(out, ", ");
		print_grouping(groupings->at[i], out);
	}
}

static void print_windows(const AstWindows *windows, StrBuf *out)
{
	for (int i = 0; i < windows->count; i++) {
		strbuf_adds(out, i ? ", " : " WINDOW ");
		ast_print_ident(windows->at[i]->name.text, out);
		strbuf_adds(out, " AS (");
		ast_print_window(windows->at[i], out);
		strbuf_addc(out, ')');
	}
}

static void print_ksql_window(const AstKsqlWindow *window, StrBuf *out)
{
	static const char *const KINDS[] = {"TUMBLING (SIZE ", "HOPPING (SIZE ", "SESSION ("};
	if (!window) return;
	strbuf_printf(out, " WINDOW %s", KINDS[window->kind]);
	ast_print_expr(window->size, out);
	print_clause(", ADVANCE BY ", window->advance, out);
	print_clause(", RETENTION ", window->retention, out);
	print_clause(", GRACE PERIOD ", window->grace, out);
	strbuf_addc(out, ')');
}

static void print_select(const AstSelect *select, StrBuf *out)
{
	strbuf_adds(out, select->stream ? "SELECT STREAM " : "SELECT ");
	print_distinct(select, out);
	ast_print_items(&select->items, out);
	if (select->from) {
		strbuf_adds(out, " FROM ");
		ast_print_table(select->from, out);
	}
	print_ksql_window(select->ksql_window, out);
	print_clause(" WHERE ", select->where, out);
	if (select->partition_by.count) strbuf_adds(out, " PARTITION BY ");
	ast_print_exprs(&select->partition_by, out);
	print_groupings(&select->group_by, out);
	print_clause(" HAVING ", select->having, out);
	print_windows(&select->windows, out);
	print_clause(" QUALIFY ", select->qualify, out);
}

/* ---- bodies and queries ---- */

static void print_values(const AstBody *body, StrBuf *out)
{
	strbuf_adds(out, "VALUES ");
	for (int i = 0; i < body->rows.count; i++) {
		strbuf_adds(out, i ? ", (" : "(");
		ast_print_exprs(&body->rows.at[i], out);
		strbuf_addc(out, ')');
	}
}

/* Set operations hang to the left, all on one level. */
static void print_set(const AstBody *body, StrBuf *out)
{
	static const char *const OPS[] = {" UNION ", " INTERSECT ", " EXCEPT "};
	bool parens = body->right->kind == AST_BODY_SET;
	ast_print_body(body->left, out);
	strbuf_adds(out, OPS[body->op]);
	if (body->all) strbuf_adds(out, "ALL ");
	if (body->by_name) strbuf_adds(out, "CORRESPONDING ");
	if (body->by_columns.count) {
		strbuf_adds(out, "BY");
		ast_print_columns(&body->by_columns, out);
		strbuf_addc(out, ' ');
	}
	if (parens) strbuf_addc(out, '(');
	ast_print_body(body->right, out);
	if (parens) strbuf_addc(out, ')');
}

void ast_print_body(const AstBody *body, StrBuf *out)
{
	switch (body->kind) {
	case AST_BODY_SELECT: print_select(body->select, out); break;
	case AST_BODY_VALUES: print_values(body, out); break;
	case AST_BODY_SET: print_set(body, out); break;
	case AST_BODY_QUERY:
		strbuf_addc(out, '(');
		ast_print_query(body->query, out);
		strbuf_addc(out, ')');
		break;
	}
}

void ast_print_with(const AstWith *with, StrBuf *out)
{
	if (!with) return;
	strbuf_adds(out, with->recursive ? "WITH RECURSIVE " : "WITH ");
	for (int i = 0; i < with->ctes.count; i++) {
		const AstCte *cte = &with->ctes.at[i];
		if (i) strbuf_adds(out, ", ");
		ast_print_ident(cte->name.text, out);
		ast_print_columns(&cte->columns, out);
		strbuf_adds(out, " AS (");
		ast_print_query(cte->query, out);
		strbuf_addc(out, ')');
	}
	strbuf_addc(out, ' ');
}

/* OFFSET is a keyword only before numbers, parameters and parentheses */
static void print_offset(const AstExpr *offset, StrBuf *out)
{
	if (!offset) return;
	bool plain = offset->kind == AST_PARAMETER || (offset->kind == AST_LITERAL && offset->literal == AST_INTEGER);
	strbuf_adds(out, plain ? " OFFSET " : " OFFSET (");
	ast_print_expr(offset, out);
	if (!plain) strbuf_addc(out, ')');
}

static void print_limit(const AstQuery *query, StrBuf *out)
{
	if (query->with_ties) {
		print_offset(query->offset, out);
		print_clause(" FETCH FIRST ", query->limit, out);
		strbuf_adds(out, " ROWS WITH TIES");
		return;
	}
	print_clause(" LIMIT ", query->limit, out);
	print_offset(query->offset, out);
}

void ast_print_query(const AstQuery *query, StrBuf *out)
{
	static const char *const EMITS[] = {"", " EMIT CHANGES", " EMIT ON WINDOW CLOSE", " EMIT ON WINDOW CLOSE"};
	ast_print_with(query->with, out);
	ast_print_body(query->body, out);
	if (query->order_by.count) {
		strbuf_adds(out, " ORDER BY ");
		ast_print_order(&query->order_by, out);
	}
	print_limit(query, out);
	strbuf_adds(out, EMITS[query->emit]);
}
