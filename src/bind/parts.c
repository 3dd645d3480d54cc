/* Parts of values: fields of ROWs and elements of arrays and maps, however they are written: row.field, (row).field, ksqlDB's row->field,
 * list[1], map['key']. What a declaration says of them is kept, so that parts of parts have their types. */
#include "bind/binder.h"

#include "expr/function.h"

Expr *expr_with_span(Binder *binder, const Expr *e, Span span)
{
	Expr *copy = arena_copy(binder->arena, e, sizeof *e);
	copy->span = span;
	return copy;
}

/* ---- fields ---- */

/* The text of a JSON value as a value of its type: bytes are base64, times may be numbers, as in records. NULL where it is none. */
Expr *json_typed(Binder *binder, Expr *text, Type type, Span span)
{
	Expr *args[2] = {text, NULL};
	switch (type.kind) {
	case TYPE_BLOB:
		args[1] = expr_text(binder->arena, "base64");
		return expr_call(binder->arena, "decode", args, 2, span, binder->err);
	case TYPE_TIMESTAMP: return expr_call(binder->arena, "json_timestamp", args, 1, span, binder->err);
	case TYPE_DATE: return expr_call(binder->arena, "json_date", args, 1, span, binder->err);
	default: return expr_cast(binder->arena, text, type, CAST_TRY, binder->err);
	}
}

/* Types are known where a declaration says them; else the value comes as text. */
Expr *json_element(Binder *binder, Expr *from, Expr *which, Type declared, Span span)
{
	bool is_json = declared.kind == TYPE_JSON || declared.kind == TYPE_ROW;
	Expr *args[2] = {from, which};
	Expr *value = expr_call(binder->arena, is_json ? "->" : "->>", args, 2, span, binder->err);
	if (!value || is_json || declared.kind == TYPE_NULL) return value;
	return json_typed(binder, value, declared, span);
}

Expr *json_field(Binder *binder, Expr *from, const char *name, Type declared, Span span)
{
	return json_element(binder, from, expr_text(binder->arena, name), declared, span);
}

Expr *json_fields(Binder *binder, Expr *from, const AstIdent *names, int count, Span span)
{
	for (int i = 0; i < count && from; i++)
		from = json_field(binder, from, names[i].text, i + 1 < count ? TYPE(JSON) : TYPE(NULL), span);
	return from;
}

static bool field_of(Clause *clause, const ScopeColumn *from, const AstIdent *name, Span span, ScopeColumn *out)
{
	Binder *binder = clause->binder;
	if (from->field_count) {
		const ScopeColumn *field = scope_field(binder, from, name);
		if (!field) return false;
		*out = *field;
		out->expr = expr_with_span(binder, out->expr, span);
		return true;
	}
	if (from->expr->type.kind == TYPE_JSON) {
		Expr *value = json_field(binder, from->expr, name->text, TYPE(NULL), span);
		if (!value) return false;
		*out = (ScopeColumn){.name = name->text, .expr = value, .declared = value->type};
		return true;
	}
	error_set(binder->err, ERR_UNDEFINED_COLUMN, name->span, "there is no field \"%s\" in a value of type %s", name->text, type_kind_name(from->expr->type.kind));
	return false;
}

/* ---- ksqlDB's arrows ---- */

/* What is behind -> is a name, or elements of what has that name: row->field, row->list[1]. To JSON a name is a column as anywhere else. */
bool is_field_arrow(const AstExpr *ast)
{
	if (ast->kind != AST_BINARY || ast->op != AST_OP_ARROW) return false;
	const AstExpr *right = ast->args.at[1];
	while (right->kind == AST_SUBSCRIPT) right = right->args.at[0];
	return right->kind == AST_COLUMN && right->path.count == 1;
}

static bool arrow_part(Clause *clause, const ScopeColumn *from, const AstExpr *right, ScopeColumn *out)
{
	if (right->kind == AST_COLUMN) return field_of(clause, from, &right->path.at[0], right->span, out);
	ScopeColumn list;
	return arrow_part(clause, from, right->args.at[0], &list) && column_element(clause, &list, right, out);
}

static bool bind_arrow(Clause *clause, const AstExpr *ast, ScopeColumn *out)
{
	Binder *binder = clause->binder;
	ScopeColumn from;
	if (!bind_column_like(clause, ast->args.at[0], &from)) return false;
	if (from.field_count) return arrow_part(clause, &from, ast->args.at[1], out);
	Expr *args[2] = {from.expr, bind_expr(clause, ast->args.at[1])};
	Expr *value = args[1] ? expr_call(binder->arena, "->", args, 2, ast->op_span, binder->err) : NULL;
	if (!value) return false;
	*out = (ScopeColumn){.expr = value, .declared = value->type};
	return true;
}

/* ---- any of them ---- */

static bool bind_part_like(Clause *clause, const AstExpr *ast, ScopeColumn *out)
{
	if (ast->kind == AST_BINARY) return bind_arrow(clause, ast, out);
	ScopeColumn from;
	if (!bind_column_like(clause, ast->args.at[0], &from)) return false;
	return ast->kind == AST_FIELD ? field_of(clause, &from, &ast->field, ast->span, out) : column_element(clause, &from, ast, out);
}

Expr *bind_part(Clause *clause, const AstExpr *ast)
{
	ScopeColumn part;
	return bind_part_like(clause, ast, &part) ? expr_with_span(clause->binder, part.expr, ast->span) : NULL;
}

bool bind_column_like(Clause *clause, const AstExpr *ast, ScopeColumn *out)
{
	int left_over = 0;
	if (ast->kind == AST_FIELD || ast->kind == AST_SUBSCRIPT || is_field_arrow(ast)) {
		if (!bind_part_like(clause, ast, out)) return false;
		out->expr = expr_with_span(clause->binder, out->expr, ast->span);
		return true;
	}
	if (ast->kind == AST_COLUMN && !alias_meant(clause, ast)) {
		ScopeColumn *column = scope_find(clause, ast, &left_over);
		if (!column) return false;
		if (left_over == 0) {
			*out = *column;
			out->expr = expr_with_span(clause->binder, column->expr, ast->span);
			out->hidden = out->merged = false;
			return true;
		}
	}
	if (is_row_function(ast) && !ast->call->over) return call_is_plain(clause, ast) && bind_row_function(clause, ast, out);
	Expr *expr = bind_expr(clause, ast);
	if (!expr) return false;
	Type cast;
	*out = (ScopeColumn){.expr = expr, .declared = expr->type};
	bool casts = ast->kind == AST_CAST && bind_type(clause->binder, ast->type, &cast);
	if (casts && cast.kind == TYPE_ROW) {
		out->declared = cast;
		return fields_from_json(clause->binder, out, ast->span);
	}
	if (casts && cast.kind == TYPE_JSON) out->declared = cast;
	else if (declared_of(clause, expr, &out->declared) && out->declared.kind == TYPE_ROW && !fields_from_json(clause->binder, out, ast->span)) return false;
	out->proctime = expr->kind == EXPR_CALL && (expr->function->flags & FUNCTION_PROCTIME);
	return true;
}
