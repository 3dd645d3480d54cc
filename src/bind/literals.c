/* Literals, parameters, types, and the constants that clauses want. */
#include "bind/binder.h"

#include <ctype.h>
#include <errno.h>

#include "type/text.h"

/* ---- literals ---- */

static bool hex_integer(Binder *binder, const AstExpr *ast, Value *out)
{
	errno = 0;
	out->type = TYPE(INTEGER);
	out->i64 = (int64_t)strtoull(ast->text, NULL, 16);
	return errno == 0 || error_set(binder->err, ERR_NUMERIC_RANGE, ast->span, "hexadecimal number does not fit 64 bits: %s", ast->text);
}

/* Digits that do not fit 64 bits are REAL, as in SQLite. */
static bool number(Binder *binder, const AstExpr *ast, Value *out)
{
	if (ast->literal == AST_INTEGER) {
		if (ast->text[0] == '0' && tolower((unsigned char)ast->text[1]) == 'x') return hex_integer(binder, ast, out);
		out->type = TYPE(INTEGER);
		if (text_to_integer(ast->text, strlen(ast->text), &out->i64)) return true;
	}
	out->type = TYPE(REAL);
	return text_to_real(ast->text, strlen(ast->text), &out->f64)
		|| error_set(binder->err, ERR_NUMERIC_RANGE, ast->span, "number is out of range: %s", ast->text);
}

static bool time_literal(Binder *binder, const AstExpr *ast, Value *out)
{
	size_t bytes = strlen(ast->text);
	bool is_one = false;
	switch (ast->literal) {
	case AST_DATE:
		out->type = TYPE(DATE);
		is_one = text_to_date(ast->text, bytes, &out->i64);
		break;
	case AST_TIME:
		out->type = TYPE(TIME);
		is_one = text_to_time(ast->text, bytes, &out->i64);
		break;
	case AST_INTERVAL:
		out->type = TYPE(INTERVAL);
		is_one = ast->unit ? text_to_interval_unit(ast->text, bytes, ast->unit, &out->interval) : text_to_interval(ast->text, bytes, &out->interval);
		break;
	default:
		out->type = TYPE(TIMESTAMP);
		is_one = text_to_timestamp(ast->text, bytes, &out->i64);
	}
	return is_one || error_set(binder->err, ERR_DATETIME_FORMAT, ast->span, "\"%s\" is no %s", ast->text, type_kind_name(out->type.kind));
}

bool literal_value(Binder *binder, const AstExpr *ast, Value *out)
{
	memset(out, 0, sizeof *out);
	switch (ast->literal) {
	case AST_NULL:
		out->type = TYPE(NULL);
		out->is_null = true;
		return true;
	case AST_TRUE: case AST_FALSE:
		out->type = TYPE(BOOLEAN);
		out->i64 = ast->literal == AST_TRUE;
		return true;
	case AST_INTEGER: case AST_DECIMAL: case AST_REAL:
		return number(binder, ast, out);
	case AST_STRING: case AST_BLOB:
		out->type = ast->literal == AST_STRING ? TYPE(TEXT) : TYPE(BLOB);
		out->str = str_borrow(ast->text, ast->bytes);
		return true;
	default:
		return time_literal(binder, ast, out);
	}
}

Expr *bind_literal(Binder *binder, const AstExpr *ast)
{
	Value value;
	if (!literal_value(binder, ast, &value)) return NULL;
	return expr_constant(binder->arena, &value, ast->span);
}

/* ---- parameters ---- */

const char *parameter_text(Binder *binder, const char *name, Span span)
{
	const BindSettings *settings = binder->settings;
	const char *text = settings->parameter ? settings->parameter(settings->context, name) : NULL;
	if (text) return text;
	error_set(binder->err, ERR_UNDEFINED_OBJECT, span, "parameter \":%s\" has no value", name);
	error_hint(binder->err, "Give it one with -v %s=value.", name);
	return NULL;
}

Expr *bind_parameter(Binder *binder, const AstExpr *ast)
{
	if (binder->defined_args) return defined_argument(binder, ast);
	if (!ast->text) {
		error_set(binder->err, ERR_UNSUPPORTED, ast->span, "a parameter without a name cannot be given a value");
		error_hint(binder->err, "Write :name, and give its value with -v name=value.");
		return NULL;
	}
	const char *text = parameter_text(binder, ast->text, ast->span);
	if (!text) return NULL;
	Value value = {.type = TYPE(INTEGER)};
	size_t bytes = strlen(text);
	bool is_digits = bytes && strspn(text, "+-0123456789") == bytes;
	if (!is_digits || !text_to_integer(text, bytes, &value.i64)) {
		value.type = TYPE(REAL);
		bool may_be_number = bytes && strspn(text, "+-.0123456789eE") == bytes;
		if (!may_be_number || !text_to_real(text, bytes, &value.f64)) {
			value.type = TYPE(TEXT);
			value.str = str_copy(binder->arena, text, bytes);
		}
	}
	return expr_constant(binder->arena, &value, ast->span);
}

/* ---- types ---- */

static bool bind_row_type(Binder *binder, const AstTypeName *ast, Type *out)
{
	RowField *fields = arena_array(binder->arena, RowField, ast->fields.count ? ast->fields.count : 1);
	for (int i = 0; i < ast->fields.count; i++) {
		const AstTypeField *field = &ast->fields.at[i];
		for (int j = 0; j < i; j++)
			if (names_equal(fields[j].name, field->name.text) && strcmp(fields[j].name, field->name.text) == 0)
				return error_set(binder->err, ERR_DUPLICATE_COLUMN, field->name.span, "ROW has two fields \"%s\"", field->name.text);
		fields[i].name = arena_strdup(binder->arena, field->name.text);
		if (!bind_type(binder, field->type, &fields[i].type)) return false;
	}
	*out = (Type){.kind = TYPE_ROW, .field_count = (uint16_t)ast->fields.count, .fields = fields};
	return true;
}

/* ARRAY and MAP are JSON that remembers the type of its elements: a single field without name. */
/* keys: the name of the type of a MAP's keys; "": of an ARRAY, which has none */
static bool bind_element_type(Binder *binder, const AstTypeName *element, const char *keys, Type *out)
{
	RowField *field = arena_new(binder->arena, RowField);
	field->name = keys;
	if (element && !bind_type(binder, element, &field->type)) return false;
	*out = (Type){.kind = TYPE_JSON, .field_count = element ? 1 : 0, .fields = element ? field : NULL};
	return true;
}

bool bind_type(Binder *binder, const AstTypeName *ast, Type *out)
{
	switch (ast->kind) {
	case AST_TYPE_ROW:
		return bind_row_type(binder, ast, out);
	case AST_TYPE_MAP: {
		Type key = TYPE(TEXT);
		if (ast->key && !bind_type(binder, ast->key, &key)) return false;
		return bind_element_type(binder, ast->element, type_kind_name(key.kind), out);
	}
	case AST_TYPE_ARRAY:
		return bind_element_type(binder, ast->element, "", out);
	case AST_TYPE_PLAIN:
		break;
	}
	return type_from_name(ast->name, ast->parameters[0], ast->parameters[1], ast->span, out, binder->err);
}

/* ---- constants of clauses ---- */

static bool constant_value(Binder *binder, const AstExpr *ast, const char *what, Value *out)
{
	Expr *expr = bind_constant_expr(binder, ast, what);
	if (!expr) return false;
	if (!expr_is_constant(expr)) return error_set(binder->err, ERR_INVALID_PARAMETER, ast->span, "%s must be a constant", what);
	if (!expr_fold(binder->arena, expr, out, binder->err)) return false;
	return true;
}

bool constant_integer(Binder *binder, const AstExpr *ast, const char *what, int64_t *out, bool *is_null)
{
	Value value;
	if (!constant_value(binder, ast, what, &value)) return false;
	if (is_null) *is_null = value.is_null;
	*out = 0;
	if (value.is_null) return is_null || error_set(binder->err, ERR_INVALID_PARAMETER, ast->span, "%s must not be NULL", what);
	bool is_one = true;
	if (value.type.kind == TYPE_INTEGER || value.type.kind == TYPE_BOOLEAN) *out = value.i64;
	else if (value.type.kind == TYPE_REAL && value.f64 == (double)(int64_t)value.f64) *out = (int64_t)value.f64;
	else if (value.type.kind == TYPE_TEXT) is_one = text_to_integer(str_at(&value.str), value.str.bytes, out);
	else is_one = false;
	return is_one || error_set(binder->err, ERR_DATATYPE_MISMATCH, ast->span, "%s must be an INTEGER, not %s", what, type_kind_name(value.type.kind));
}

bool constant_duration(Binder *binder, const AstExpr *ast, const char *what, int64_t *out_us)
{
	Value value;
	if (!constant_value(binder, ast, what, &value)) return false;
	bool is_one = !value.is_null && value.type.kind == TYPE_INTERVAL;
	if (!value.is_null && value.type.kind == TYPE_TEXT) is_one = text_to_interval(str_at(&value.str), value.str.bytes, &value.interval);
	if (!is_one) {
		error_set(binder->err, ERR_DATATYPE_MISMATCH, ast->span, "%s must be an INTERVAL", what);
		return error_hint(binder->err, "Write it as INTERVAL '10 seconds'.");
	}
	if (interval_to_us(value.interval, out_us)) return true;
	REFUSE(binder, ast->span, "%s in months", what);
	return error_hint(binder->err, "Months have no fixed length: use days.");
}

bool constant_text(Binder *binder, const AstExpr *ast, const char *what, const char **out)
{
	Value value;
	if (!constant_value(binder, ast, what, &value)) return false;
	if (value.is_null || value.type.kind != TYPE_TEXT) return error_set(binder->err, ERR_DATATYPE_MISMATCH, ast->span, "%s must be TEXT", what);
	*out = arena_strndup(binder->arena, str_at(&value.str), value.str.bytes);
	return true;
}
