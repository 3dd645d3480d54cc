/* COLLATE: as a function of what is compared or ordered, lower() for NOCASE.
 *
 * It counts where it is written: for a comparison (=, <, IS, BETWEEN, IN, ANY, CASE x WHEN) of which it is one side, and for a term of ORDER BY. The left side's
 * counts, else the right side's, as in SQLite. SQLite lets it work further, out of whatever it is within (functions, other comparisons) and as a property of
 * columns: there it is refused, since a value has no collation here.
 */
#include "bind/binder.h"

Expr *collated(Binder *binder, Expr *e, const AstExpr *ast)
{
	static const struct { const char *name, *function; } COLLATIONS[] = {
		{"binary", NULL}, {"nocase", "lower"}, {"rtrim", "rtrim"}, {"C", NULL}, {"POSIX", NULL}, {"ucs_basic", NULL}, {"default", NULL},
	};
	if (ast->kind != AST_COLLATE || e->type.kind != TYPE_TEXT) return e;
	for (size_t i = 0; i < sizeof COLLATIONS / sizeof *COLLATIONS; i++) {
		if (!names_equal(ast->field.text, COLLATIONS[i].name)) continue;
		return COLLATIONS[i].function ? expr_call(binder->arena, COLLATIONS[i].function, &e, 1, e->span, binder->err) : e;
	}
	error_set(binder->err, ERR_UNDEFINED_OBJECT, ast->field.span, "collation \"%s\" does not exist", ast->field.text);
	error_hint(binder->err, "There are BINARY, NOCASE and RTRIM.");
	return NULL;
}

const AstExpr *without_collation(const AstExpr *ast) { return ast->kind == AST_COLLATE ? ast->args.at[0] : ast; }

bool collate_sides(Binder *binder, const AstExpr *left, const AstExpr *right, Expr **a, Expr **b)
{
	const AstExpr *by = left->kind == AST_COLLATE ? left : right;
	return (*a = collated(binder, *a, by)) && (*b = collated(binder, *b, by));
}

Expr *bind_comparison(Clause *clause, AstOp op, const AstExpr *left, const AstExpr *right, Span span)
{
	Expr *a = bind_expr(clause, without_collation(left));
	Expr *b = a ? bind_expr(clause, without_collation(right)) : NULL;
	return b && collate_sides(clause->binder, left, right, &a, &b) ? bind_compare(clause, op, a, b, span) : NULL;
}

Expr *bind_collate(Clause *clause, const AstExpr *ast)
{
	Binder *binder = clause->binder;
	Expr *e = bind_expr(clause, ast->args.at[0]), *by = e ? collated(binder, e, ast) : NULL;
	if (!by || by == e) return by;
	REFUSE(binder, ast->span, "COLLATE on what is neither side of a comparison nor a term of ORDER BY");
	error_hint(binder->err, "Write it on the whole side: (a || b) COLLATE NOCASE = c. lower(x) groups, partitions and tells apart without regard to case.");
	return NULL;
}
