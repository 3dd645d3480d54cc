/* Functions that are said in SQL by others: a row of defined_functions.def is parsed and bound where it is called, its ?1, ?2 ... being the
 * arguments as they are bound already. What a plan holds are the functions of the definition. */
#include "bind/binder.h"

#include "ast/parse.h"

const DefinedFunction DEFINED_FUNCTIONS[] = {
#define DEFINED(n, s, d, c, text, e, r) {.name = n, .signature = s, .definition = d, .category = c, .description = text, .example = e, .example_result = r},
#include "bind/defined_functions.def"
#undef DEFINED
};
const int DEFINED_FUNCTION_COUNT = sizeof DEFINED_FUNCTIONS / sizeof *DEFINED_FUNCTIONS;

static int argument_count(const DefinedFunction *function)
{
	int count = *function->signature != 0;
	for (const char *at = function->signature; *at; at++) count += *at == ',';
	return count;
}

const DefinedFunction *defined_function(const char *name)
{
	for (int i = 0; i < DEFINED_FUNCTION_COUNT; i++)
		if (names_equal(DEFINED_FUNCTIONS[i].name, name)) return &DEFINED_FUNCTIONS[i];
	return NULL;
}

static const DefinedFunction *of_count(const DefinedFunction *first, int count)
{
	for (const DefinedFunction *row = first; row < DEFINED_FUNCTIONS + DEFINED_FUNCTION_COUNT && strcmp(row->name, first->name) == 0; row++)
		if (argument_count(row) == count) return row;
	return NULL;
}

static Expr *wrong_count(Binder *binder, const DefinedFunction *first, const AstExpr *ast)
{
	error_set(binder->err, ERR_UNDEFINED_FUNCTION, ast->op_span, "function \"%s\" does not take %d argument%s", first->name, ast->call->arguments.count,
		ast->call->arguments.count == 1 ? "" : "s");
	error_hint(binder->err, "%s takes %s.", first->name, first->signature);
	return NULL;
}

/* A mistake in what the definition makes of the arguments is one of the call. */
Expr *bind_defined_function(Clause *clause, const DefinedFunction *first, const AstExpr *ast, Expr **args)
{
	Binder *binder = clause->binder;
	const DefinedFunction *function = of_count(first, ast->call->arguments.count);
	if (!function) return wrong_count(binder, first, ast);
	AstExpr *definition = parse_expr(function->definition, strlen(function->definition), binder->arena, binder->err);
	if (!definition) return NULL;
	Expr **before = binder->defined_args;
	binder->defined_args = args;
	Expr *e = bind_expr(clause, definition);
	binder->defined_args = before;
	if (!e) {
		binder->err->span = ast->span;
		return NULL;
	}
	e = arena_copy(binder->arena, e, sizeof *e);
	e->span = ast->span;
	return e;
}

Expr *defined_argument(Binder *binder, const AstExpr *ast) { return binder->defined_args[ast->parameter - 1]; }
