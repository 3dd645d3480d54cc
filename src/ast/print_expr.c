/* Expressions as SQL, with parentheses only where they are needed. See print.h. */
#include "ast/print.h"

#include <string.h>
#include <strings.h>

#include "keywords.h"
#include "parser.h"

/* How tightly a node holds together: the levels of parser.y. An operand of a lower level stands in parentheses. */
enum {
	LEVEL_OR = 1, LEVEL_AND, LEVEL_NOT, LEVEL_EQUALITY, LEVEL_COMPARISON, LEVEL_BITS, LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_CONCAT, LEVEL_COLLATE,
	LEVEL_UNARY, LEVEL_POSTFIX, LEVEL_ATOM,
};

static int op_level(AstOp op)
{
	switch (op) {
	case AST_OP_NOT: return LEVEL_NOT;
	case AST_OP_MINUS: case AST_OP_PLUS: case AST_OP_BIT_NOT: return LEVEL_UNARY;
	case AST_OP_EQ: case AST_OP_NE: case AST_OP_IS: case AST_OP_IS_NOT: return LEVEL_EQUALITY;
	case AST_OP_LT: case AST_OP_LE: case AST_OP_GT: case AST_OP_GE: return LEVEL_COMPARISON;
	case AST_OP_BIT_AND: case AST_OP_BIT_OR: case AST_OP_BIT_XOR: case AST_OP_SHIFT_LEFT: case AST_OP_SHIFT_RIGHT: return LEVEL_BITS;
	case AST_OP_ADD: case AST_OP_SUBTRACT: return LEVEL_ADD;
	case AST_OP_MULTIPLY: case AST_OP_DIVIDE: case AST_OP_MODULO: return LEVEL_MULTIPLY;
	case AST_OP_CONCAT: case AST_OP_ARROW: case AST_OP_ARROW_TEXT: case AST_OP_PATH: case AST_OP_PATH_TEXT: return LEVEL_CONCAT;
	default: return LEVEL_EQUALITY;
	}
}

static int expr_level(const AstExpr *e)
{
	switch (e->kind) {
	case AST_OR: return LEVEL_OR;
	case AST_AND: return LEVEL_AND;
	case AST_UNARY: case AST_BINARY: case AST_QUANTIFIED: return op_level(e->op);
	case AST_LIKE: case AST_BETWEEN: case AST_IN: return LEVEL_EQUALITY;
	case AST_COLLATE: return LEVEL_COLLATE;
	case AST_FIELD: case AST_SUBSCRIPT: return LEVEL_POSTFIX;
	default: return LEVEL_ATOM;
	}
}

/* NOT below an operator may swallow what follows it (a = NOT b AND c), so it is never an operand without parentheses but of
 * NOT, AND and OR; likewise a sign is not directly before a sign. */
static void print_operand(const AstExpr *e, int least, StrBuf *out)
{
	bool parens = expr_level(e) < least;
	if (parens) strbuf_addc(out, '(');
	ast_print_expr(e, out);
	if (parens) strbuf_addc(out, ')');
}

void ast_print_exprs(const AstExprs *exprs, StrBuf *out)
{
	for (int i = 0; i < exprs->count; i++) {
		if (i) strbuf_adds(out, ", ");
		ast_print_expr(exprs->at[i], out);
	}
}

/* ---- literals ---- */

static void print_string(const AstExpr *e, StrBuf *out) { strbuf_add_sql_string(out, e->text, e->bytes); }

static void print_typed(const char *word, const AstExpr *e, StrBuf *out)
{
	strbuf_printf(out, "%s ", word);
	print_string(e, out);
}

static void print_blob(const AstExpr *e, StrBuf *out)
{
	strbuf_adds(out, "x'");
	for (uint32_t i = 0; i < e->bytes; i++) strbuf_printf(out, "%02x", (unsigned char)e->text[i]);
	strbuf_addc(out, '\'');
}

static void print_literal(const AstExpr *e, StrBuf *out)
{
	switch (e->literal) {
	case AST_NULL: strbuf_adds(out, "NULL"); break;
	case AST_TRUE: strbuf_adds(out, "TRUE"); break;
	case AST_FALSE: strbuf_adds(out, "FALSE"); break;
	case AST_INTEGER: case AST_DECIMAL: case AST_REAL: strbuf_adds(out, e->text); break;
	case AST_STRING: print_string(e, out); break;
	case AST_BLOB: print_blob(e, out); break;
	case AST_DATE: print_typed("DATE", e, out); break;
	case AST_TIME: print_typed("TIME", e, out); break;
	case AST_TIMESTAMP: print_typed("TIMESTAMP", e, out); break;
	case AST_TIMESTAMPTZ: print_typed("TIMESTAMPTZ", e, out); break;
	case AST_INTERVAL:
		print_typed("INTERVAL", e, out);
		if (e->unit) strbuf_printf(out, " %s", e->unit);
		break;
	}
}

/* ---- names ---- */

static void print_path(const AstIdents *path, StrBuf *out)
{
	for (int i = 0; i < path->count; i++) {
		if (i) strbuf_addc(out, '.');
		ast_print_ident(path->at[i].text, out);
	}
}

static void print_star(const AstExpr *e, StrBuf *out)
{
	print_path(&e->path, out);
	strbuf_adds(out, e->path.count ? ".*" : "*");
	if (!e->except.count) return;
	strbuf_adds(out, " EXCEPT (");
	ast_print_idents(&e->except, out);
	strbuf_addc(out, ')');
}

/* ---- operators ---- */

/* Both sides of an operator of equal level hang to the left. */
static void print_binary(const AstExpr *e, StrBuf *out)
{
	int level = op_level(e->op);
	print_operand(e->args.at[0], level, out);
	strbuf_printf(out, " %s ", ast_op_text(e->op));
	print_operand(e->args.at[1], level + 1, out);
}

static void print_unary(const AstExpr *e, StrBuf *out)
{
	bool word = e->op == AST_OP_NOT;
	strbuf_adds(out, ast_op_text(e->op));
	if (word || e->args.at[0]->kind == AST_UNARY) strbuf_addc(out, ' ');      /* two minus signs would be a comment */
	print_operand(e->args.at[0], op_level(e->op), out);
}

static void print_logic(const AstExpr *e, StrBuf *out)
{
	const char *word = e->kind == AST_AND ? " AND " : " OR ";
	for (int i = 0; i < e->args.count; i++) {
		if (i) strbuf_adds(out, word);
		print_operand(e->args.at[i], expr_level(e) + 1, out);
	}
}

static void print_like(const AstExpr *e, StrBuf *out)
{
	print_operand(e->args.at[0], LEVEL_EQUALITY, out);
	strbuf_printf(out, " %s%s ", e->negated ? "NOT " : "", ast_op_text(e->op));
	print_operand(e->args.at[1], LEVEL_BITS, out);
	if (e->args.count < 3) return;
	strbuf_adds(out, " ESCAPE ");
	print_operand(e->args.at[2], LEVEL_BITS, out);
}

static void print_between(const AstExpr *e, StrBuf *out)
{
	print_operand(e->args.at[0], LEVEL_EQUALITY, out);
	strbuf_printf(out, " %sBETWEEN %s", e->negated ? "NOT " : "", e->symmetric ? "SYMMETRIC " : "");
	print_operand(e->args.at[1], LEVEL_COMPARISON, out);
	strbuf_adds(out, " AND ");
	print_operand(e->args.at[2], LEVEL_COMPARISON, out);
}

static void print_parens_query(const AstQuery *query, StrBuf *out)
{
	strbuf_addc(out, '(');
	ast_print_query(query, out);
	strbuf_addc(out, ')');
}

static void print_in(const AstExpr *e, StrBuf *out)
{
	print_operand(e->args.at[0], LEVEL_EQUALITY, out);
	strbuf_adds(out, e->negated ? " NOT IN " : " IN ");
	if (e->query) {
		print_parens_query(e->query, out);
	} else if (e->relation.parts.count) {
		ast_print_name(&e->relation, out);
	} else {
		AstExprs list = {.at = e->args.at + 1, .count = e->args.count - 1};
		strbuf_addc(out, '(');
		ast_print_exprs(&list, out);
		strbuf_addc(out, ')');
	}
}

static void print_quantified(const AstExpr *e, StrBuf *out)
{
	print_operand(e->args.at[0], op_level(e->op), out);
	strbuf_printf(out, " %s %s ", ast_op_text(e->op), e->all ? "ALL" : "ANY");
	if (e->query) {
		print_parens_query(e->query, out);
		return;
	}
	strbuf_addc(out, '(');
	ast_print_expr(e->args.at[1], out);
	strbuf_addc(out, ')');
}

/* ---- constructors, CASE, CAST ---- */

static void print_case(const AstExpr *e, StrBuf *out)
{
	strbuf_adds(out, "CASE");
	if (e->operand) {
		strbuf_addc(out, ' ');
		ast_print_expr(e->operand, out);
	}
	for (int i = 0; i + 1 < e->args.count; i += 2) {
		strbuf_adds(out, " WHEN ");
		ast_print_expr(e->args.at[i], out);
		strbuf_adds(out, " THEN ");
		ast_print_expr(e->args.at[i + 1], out);
	}
	if (e->otherwise) {
		strbuf_adds(out, " ELSE ");
		ast_print_expr(e->otherwise, out);
	}
	strbuf_adds(out, " END");
}

static void print_cast(const AstExpr *e, StrBuf *out)
{
	strbuf_adds(out, e->try_cast ? "TRY_CAST(" : "CAST(");
	ast_print_expr(e->args.at[0], out);
	strbuf_adds(out, " AS ");
	ast_print_type(e->type, out);
	strbuf_addc(out, ')');
}

static void print_list(const char *open, const AstExprs *list, const char *close, StrBuf *out)
{
	strbuf_adds(out, open);
	ast_print_exprs(list, out);
	strbuf_adds(out, close);
}

static void print_subscript(const AstExpr *e, StrBuf *out)
{
	const AstExpr *base = e->args.at[0];
	print_operand(base, base->kind == AST_LITERAL || base->kind == AST_PARAMETER ? LEVEL_ATOM + 1 : LEVEL_POSTFIX, out);
	strbuf_addc(out, '[');
	if (e->args.at[1]) ast_print_expr(e->args.at[1], out);
	if (e->args.count > 2) {
		strbuf_adds(out, " : ");
		if (e->args.at[2]) ast_print_expr(e->args.at[2], out);
	}
	strbuf_addc(out, ']');
}

/* a.b is a path, (a).b a field of a: a base that reads like a name stands in parentheses */
static void print_field(const AstExpr *e, StrBuf *out)
{
	const AstExpr *base = e->args.at[0];
	print_operand(base, base->kind == AST_COLUMN || base->kind == AST_LITERAL || base->kind == AST_PARAMETER ? LEVEL_ATOM + 1 : LEVEL_POSTFIX, out);
	strbuf_addc(out, '.');
	ast_print_ident(e->field.text, out);
}

/* ---- calls ---- */

/* Words that begin a special form before a parenthesis; all other keywords are function names there. */
static bool is_special(int token)
{
	switch (token) {
	case TK_CAST: case TK_TRY_CAST: case TK_SAFE_CAST: case TK_ROW: case TK_ANY: case TK_SOME: case TK_STREAM: case TK_SYMMETRIC: case TK_EXCLUDE:
	case TK_CURRENT: case TK_UNBOUNDED:
		return true;
	default:
		return keyword_class(token) == KEYWORD_RESERVED;
	}
}

static void print_function_name(const AstName *name, StrBuf *out)
{
	for (int i = 0; i < name->parts.count; i++) {
		const char *text = name->parts.at[i].text;
		int token = keyword_token(text, strlen(text));
		if (i) strbuf_addc(out, '.');
		bool bare = token ? !name->parts.at[i].quoted && !is_special(token) : keyword_is_call(text);
		if (bare) strbuf_adds(out, text);
		else ast_print_ident(text, out);
	}
}

/* IN right inside POSITION( ) would be its own */
static void print_argument(const AstArgument *argument, bool guard_in, StrBuf *out)
{
	bool parens = guard_in && expr_level(argument->value) < LEVEL_ATOM;
	if (argument->name.text) {
		ast_print_ident(argument->name.text, out);
		strbuf_adds(out, " => ");
	}
	if (parens) strbuf_addc(out, '(');
	ast_print_expr(argument->value, out);
	if (parens) strbuf_addc(out, ')');
}

static void print_arguments(const AstCall *call, StrBuf *out)
{
	AstIdent name = ast_name_last(&call->name);
	bool position = call->name.parts.count == 1 && !strcasecmp(name.text, "position");
	if (call->star) strbuf_addc(out, '*');
	if (call->distinct) strbuf_adds(out, "DISTINCT ");
	for (int i = 0; i < call->arguments.count; i++) {
		if (i) strbuf_adds(out, ", ");
		print_argument(&call->arguments.at[i], position, out);
	}
	if (!call->order_by.count) return;
	strbuf_adds(out, " ORDER BY ");
	ast_print_order(&call->order_by, out);
}

void ast_print_order(const AstOrderTerms *terms, StrBuf *out)
{
	for (int i = 0; i < terms->count; i++) {
		const AstOrderTerm *term = &terms->at[i];
		if (i) strbuf_adds(out, ", ");
		ast_print_expr(term->expr, out);
		if (term->descending) strbuf_adds(out, " DESC");
		if (term->nulls) strbuf_adds(out, term->nulls == AST_NULLS_FIRST ? " NULLS FIRST" : " NULLS LAST");
	}
}

static void print_bound(const AstBound *bound, StrBuf *out)
{
	static const char *const WORDS[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW", " FOLLOWING", "UNBOUNDED FOLLOWING"};
	if (bound->offset) ast_print_expr(bound->offset, out);
	strbuf_adds(out, WORDS[bound->kind]);
}

static void print_frame(const AstFrame *frame, StrBuf *out)
{
	static const char *const UNITS[] = {"ROWS", "RANGE", "GROUPS"};
	static const char *const EXCLUDES[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"};
	strbuf_printf(out, "%s BETWEEN ", UNITS[frame->unit]);
	print_bound(&frame->start, out);
	strbuf_adds(out, " AND ");
	print_bound(&frame->end, out);
	strbuf_adds(out, EXCLUDES[frame->exclude]);
}

/* What stands between the parentheses of a window */
void ast_print_window(const AstWindow *window, StrBuf *out)
{
	const char *blank = "";
	if (window->base.text) {
		ast_print_ident(window->base.text, out);
		blank = " ";
	}
	if (window->partition_by.count) {
		strbuf_printf(out, "%sPARTITION BY ", blank);
		ast_print_exprs(&window->partition_by, out);
		blank = " ";
	}
	if (window->order_by.count) {
		strbuf_printf(out, "%sORDER BY ", blank);
		ast_print_order(&window->order_by, out);
		blank = " ";
	}
	if (window->frame) {
		strbuf_adds(out, blank);
		print_frame(window->frame, out);
	}
}

static void print_over(const AstWindow *window, StrBuf *out)
{
	strbuf_adds(out, " OVER ");
	if (window->name.text) {
		ast_print_ident(window->name.text, out);
		return;
	}
	strbuf_addc(out, '(');
	ast_print_window(window, out);
	strbuf_addc(out, ')');
}

static bool is_default(const AstCall *call)
{
	return call->name.parts.count == 1 && !call->name.parts.at[0].quoted && !strcmp(call->name.parts.at[0].text, "default");
}

static void print_call(const AstCall *call, StrBuf *out)
{
	if (is_default(call)) {
		strbuf_adds(out, "DEFAULT");
		return;
	}
	print_function_name(&call->name, out);
	strbuf_addc(out, '(');
	print_arguments(call, out);
	strbuf_addc(out, ')');
	if (call->within_group.count) {
		strbuf_adds(out, " WITHIN GROUP (ORDER BY ");
		ast_print_order(&call->within_group, out);
		strbuf_addc(out, ')');
	}
	if (call->nulls) strbuf_adds(out, call->nulls == AST_IGNORE_NULLS ? " IGNORE NULLS" : " RESPECT NULLS");
	if (call->filter) {
		strbuf_adds(out, " FILTER (WHERE ");
		ast_print_expr(call->filter, out);
		strbuf_addc(out, ')');
	}
	if (call->over) print_over(call->over, out);
}

/* TABLE t PARTITION BY (a, b): always with the word, so that it reads as nothing else */
static void print_relation(const AstExpr *e, StrBuf *out)
{
	strbuf_adds(out, "TABLE ");
	if (e->query) print_parens_query(e->query, out);
	else ast_print_name(&e->relation, out);
	if (e->hints) {
		strbuf_adds(out, " /*+ OPTIONS");
		ast_print_options(e->hints, out);
		strbuf_adds(out, " */");
	}
	if (e->partition_by.count) print_list(" PARTITION BY (", &e->partition_by, ")", out);
	if (e->order_by.count) {
		strbuf_adds(out, " ORDER BY ");
		ast_print_order(&e->order_by, out);
	}
}

void ast_print_expr(const AstExpr *e, StrBuf *out)
{
	switch (e->kind) {
	case AST_LITERAL: print_literal(e, out); break;
	case AST_PARAMETER:
		if (e->text) strbuf_printf(out, ":%s", e->text);
		else strbuf_printf(out, "?%d", e->parameter);
		break;
	case AST_COLUMN: print_path(&e->path, out); break;
	case AST_STAR: print_star(e, out); break;
	case AST_FIELD: print_field(e, out); break;
	case AST_SUBSCRIPT: print_subscript(e, out); break;
	case AST_UNARY: print_unary(e, out); break;
	case AST_BINARY: print_binary(e, out); break;
	case AST_AND: case AST_OR: print_logic(e, out); break;
	case AST_LIKE: print_like(e, out); break;
	case AST_BETWEEN: print_between(e, out); break;
	case AST_IN: print_in(e, out); break;
	case AST_QUANTIFIED: print_quantified(e, out); break;
	case AST_EXISTS: strbuf_adds(out, "EXISTS "); print_parens_query(e->query, out); break;
	case AST_SUBQUERY: print_parens_query(e->query, out); break;
	case AST_CAST: print_cast(e, out); break;
	case AST_CASE: print_case(e, out); break;
	case AST_COLLATE:
		print_operand(e->args.at[0], LEVEL_COLLATE, out);
		strbuf_adds(out, " COLLATE ");
		ast_print_ident(e->field.text, out);
		break;
	case AST_ROW: print_list(e->args.count > 1 ? "(" : "ROW(", &e->args, ")", out); break;
	case AST_ARRAY:
		if (e->query) { strbuf_adds(out, "ARRAY "); print_parens_query(e->query, out); }
		else print_list("ARRAY[", &e->args, "]", out);
		break;
	case AST_MAP: print_list("MAP[", &e->args, "]", out); break;
	case AST_CALL: print_call(e->call, out); break;
	case AST_RELATION: print_relation(e, out); break;
	}
}
