/* EXPLAIN's spelling of expressions: every operator in parentheses, so that no precedence must be known. */
#include <string.h>

#include "expr/expr.h"
#include "expr/function.h"
#include "type/text.h"

typedef struct Printer {
	StrBuf *out;
	const char *(*column_name)(ColumnId column, void *context);
	void *context;
} Printer;

static void print(const Printer *p, const Expr *e);

static void print_list(const Printer *p, Expr *const *args, int count, const char *separator)
{
	for (int i = 0; i < count; i++) {
		if (i) strbuf_adds(p->out, separator);
		print(p, args[i]);
	}
}

static void print_upper(StrBuf *out, const char *name)
{
	for (; *name; name++) strbuf_addc(out, *name >= 'a' && *name <= 'z' ? (char)(*name - 32) : *name);
}

static void print_operator(const Printer *p, const Expr *e, const char *name)
{
	StrBuf *out = p->out;
	if (strcmp(name, "in") == 0) {
		print(p, e->args[0]);
		strbuf_adds(out, " IN (");
		print_list(p, e->args + 1, e->arg_count - 1, ", ");
		strbuf_addc(out, ')');
		return;
	}
	strbuf_addc(out, '(');
	if (e->arg_count == 1 && (strncmp(name, "is ", 3) == 0)) {
		print(p, e->args[0]);
		strbuf_addc(out, ' ');
		print_upper(out, name);
	} else if (e->arg_count == 1) {
		if (strcmp(name, "neg") == 0) strbuf_addc(out, '-');
		else print_upper(out, name);
		if (strcmp(name, "not") == 0) strbuf_addc(out, ' ');
		print(p, e->args[0]);
	} else {
		print(p, e->args[0]);
		strbuf_addc(out, ' ');
		print_upper(out, name);
		strbuf_addc(out, ' ');
		print(p, e->args[1]);
		if (e->arg_count > 2) {
			strbuf_adds(out, " ESCAPE ");
			print(p, e->args[2]);
		}
	}
	strbuf_addc(out, ')');
}

static void print_call(const Printer *p, const Expr *e)
{
	const char *name = e->function->name;
	StrBuf *out = p->out;
	bool is_cast = strcmp(name, "cast") == 0, is_try = strcmp(name, "try_cast") == 0;
	if (is_cast || is_try) {
		strbuf_adds(out, is_try ? "TRY_CAST(" : "CAST(");
		print(p, e->args[0]);
		strbuf_adds(out, " AS ");
		type_print(e->type, out);
		strbuf_addc(out, ')');
	} else if (strcmp(name, "truth") == 0) {
		strbuf_adds(out, "CAST(");
		print(p, e->args[0]);
		strbuf_adds(out, " AS BOOLEAN)");
	} else if (e->function->flags & FUNCTION_OPERATOR) {
		print_operator(p, e, name);
	} else {
		strbuf_adds(out, name);
		strbuf_addc(out, '(');
		print_list(p, e->args, e->arg_count, ", ");
		strbuf_addc(out, ')');
	}
}

static void print_case(const Printer *p, const Expr *e)
{
	strbuf_adds(p->out, "CASE");
	for (int i = 0; i + 1 < e->arg_count; i += 2) {
		strbuf_adds(p->out, " WHEN ");
		print(p, e->args[i]);
		strbuf_adds(p->out, " THEN ");
		print(p, e->args[i + 1]);
	}
	strbuf_adds(p->out, " ELSE ");
	print(p, e->args[e->arg_count - 1]);
	strbuf_adds(p->out, " END");
}

static void print_subquery(const Printer *p, const Expr *e)
{
	static const char *const WORDS[] = {
		[SUBQUERY_SCALAR] = "", [SUBQUERY_EXISTS] = "EXISTS ", [SUBQUERY_IN] = "IN ", [SUBQUERY_ANY] = "ANY ", [SUBQUERY_ALL] = "ALL ",
	};
	if (e->negated) strbuf_adds(p->out, "NOT ");
	if (e->arg_count) {
		strbuf_addc(p->out, '(');
		print_list(p, e->args, e->arg_count, ", ");
		strbuf_adds(p->out, ") ");
	}
	if (e->function) strbuf_printf(p->out, "%s ", e->function->name);
	strbuf_printf(p->out, "%s(subquery)", WORDS[e->subquery]);
}

static void print(const Printer *p, const Expr *e)
{
	switch (e->kind) {
	case EXPR_COLUMN: {
		const char *name = p->column_name ? p->column_name(e->column, p->context) : NULL;
		if (name) strbuf_adds(p->out, name);
		else strbuf_printf(p->out, "c%d", (int)e->column);
		break;
	}
	case EXPR_CONSTANT: value_print_sql(&e->constant, p->out); break;
	case EXPR_CALL: print_call(p, e); break;
	case EXPR_AND: case EXPR_OR:
		strbuf_addc(p->out, '(');
		print_list(p, e->args, e->arg_count, e->kind == EXPR_AND ? " AND " : " OR ");
		strbuf_addc(p->out, ')');
		break;
	case EXPR_CASE: print_case(p, e); break;
	case EXPR_SUBQUERY: print_subquery(p, e); break;
	case EXPR_KIND_COUNT: break;
	}
}

void expr_print(const Expr *e, StrBuf *out, const char *(*column_name)(ColumnId column, void *context), void *context)
{
	Printer printer = {out, column_name, context};
	print(&printer, e);
}
