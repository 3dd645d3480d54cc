/* Arrays and maps are JSON values. What their elements are is known from where they come from: a declaration, a literal, an aggregate, a cast,
 * or a function that makes an array of another one. Where it is known, a[i] and array_max(a) have the type of the elements, `||` joins
 * arrays, and UNNEST gives values of that type; where it is not, elements are text and `||` is that of text, as in SQLite. */
#include "bind/binder.h"

#include "expr/cast.h"
#include "expr/function.h"

static bool is_one_of(const Expr *e, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (expr_is_call(e, names[i])) return true;
	return false;
}

/* The column of a scope that an expression is */
static const ScopeColumn *column_of(const Clause *clause, const Expr *e)
{
	for (const Scope *scope = clause->scope; scope; scope = scope->outer)
		for (int t = 0; t < scope->tables.count; t++)
			for (int c = 0; c < scope->tables.at[t]->column_count; c++)
				if (expr_equal(scope->tables.at[t]->columns[c].expr, e)) return &scope->tables.at[t]->columns[c];
	return NULL;
}

static bool common_type(Clause *clause, Expr **exprs, int count, Type *out)
{
	Error ignored = ERROR_INIT;
	if (!count || !expr_common_type(exprs, count, out, &ignored) || out->kind == TYPE_NULL) return false;
	Type inner;
	if (out->kind == TYPE_JSON && array_element_type(clause, exprs[0], &inner)) *out = array_type_of(clause->binder, inner);
	return true;
}

/* array_agg(x) and its kin, by the column of the aggregate */
static bool type_of_aggregate(Clause *clause, const Expr *e, Type *out)
{
	static const char *const NAMES[] = {"array_agg", "json_group_array", "collect_set", "topk", "topkdistinct"};
	for (int i = 0; clause->select && i < clause->select->calls.count; i++) {
		const PlanCall *call = &clause->select->calls.at[i];
		if (call->id != e->column) continue;
		bool by_offset = call->call.parameter_count && strstr(call->call.aggregate->name, "_by_offset");
		if (by_offset) return common_type(clause, call->call.args, 1, out);
		for (size_t n = 0; n < sizeof NAMES / sizeof *NAMES; n++)
			if (strcmp(call->call.aggregate->name, NAMES[n]) == 0) return common_type(clause, call->call.args, 1, out);
	}
	return false;
}

/* ARRAY(query) */
static bool type_of_query(Clause *clause, const Expr *e, Type *out)
{
	const Plan *plan = e->plan;
	bool is_array = plan->kind == PLAN_AGGREGATE && plan->call_count == 1 && strcmp(plan->calls[0].call.aggregate->name, "json_group_array") == 0;
	return is_array && common_type(clause, plan->calls[0].call.args, 1, out);
}

static Type list_type(Binder *binder, const char *keys, Type element)
{
	RowField *field = arena_new(binder->arena, RowField);
	*field = (RowField){keys, element};
	return (Type){.kind = TYPE_JSON, .field_count = 1, .fields = field};
}

Type array_type_of(Binder *binder, Type element) { return list_type(binder, "", element); }

bool is_map(Type declared) { return declared.kind == TYPE_JSON && declared.field_count == 1 && *declared.fields[0].name; }

/* MAP[...], map_union(a, b) ... */
static bool makes_map(const Expr *e)
{
	static const char *const MAPS[] = {"json_object", "map_from_arrays", "map_union", "map_insert", "map_delete", "str_to_map"};
	return is_one_of(e, MAPS, sizeof MAPS / sizeof *MAPS);
}

/* The same as a declaration says it: JSON that knows its elements */
bool declared_of(Clause *clause, const Expr *e, Type *out)
{
	Type element;
	if (!array_element_type(clause, e, &element)) return false;
	*out = list_type(clause->binder, makes_map(e) ? type_kind_name(TYPE_TEXT) : "", element);
	return true;
}

/* What CAST made of the elements */
static bool type_of_cast(Binder *binder, const Expr *e, Type *out)
{
	int depth;
	const Expr *name = e->args[1];
	if (name->kind != EXPR_CONSTANT || !element_type_read(str_at(&name->constant.str), name->constant.str.bytes, out, &depth)) return false;
	for (int i = 1; i < depth; i++) *out = array_type_of(binder, *out);
	return true;
}

static bool type_of_call(Clause *clause, const Expr *e, Type *out)
{
	static const char *const KEEPING[] = {
		"array_append", "array_cat", "array_remove", "array_replace", "array_distinct", "array_union", "array_intersect", "array_except", "array_sort",
		"array_reverse", "array_slice", "array_part", "trim_array", "map_values", "map_union", "map_insert", "map_delete", "coalesce", "ifnull", "jsonb_concat",
	};
	static const char *const TEXTS[] = {"split", "string_to_array", "regexp_split_to_array", "regexp_match", "json_keys", "str_to_map", "text_to_array", "regexp_extract_all"};
	Binder *binder = clause->binder;
	if (expr_is_call(e, "json_array")) return common_type(clause, e->args, e->arg_count, out);
	if (expr_is_call(e, "json_object")) {
		Expr **values = arena_array(binder->arena, Expr *, e->arg_count / 2 + 1);
		for (int i = 1; i < e->arg_count; i += 2) values[i / 2] = e->args[i];
		return common_type(clause, values, e->arg_count / 2, out);
	}
	if (expr_is_call(e, "cast_elements")) return type_of_cast(binder, e, out);
	if (expr_is_call(e, "map_from_arrays")) return array_element_type(clause, e->args[1], out);
	if (expr_is_call(e, "->") || expr_is_call(e, "subscript") || expr_is_call(e, "array_flatten")) {
		Type outer;
		if (!array_element_type(clause, e->args[0], &outer) || outer.kind != TYPE_JSON || outer.field_count != 1) return false;
		*out = outer.fields[0].type;
		return true;
	}
	if (expr_is_call(e, "regexp_match_rows")) {
		*out = array_type_of(binder, TYPE(TEXT));
		return true;
	}
	if (is_one_of(e, TEXTS, sizeof TEXTS / sizeof *TEXTS)) {
		*out = TYPE(TEXT);
		return true;
	}
	if (expr_is_call(e, "array_prepend")) return array_element_type(clause, e->args[1], out) || (*out = e->args[0]->type, true);
	if (!is_one_of(e, KEEPING, sizeof KEEPING / sizeof *KEEPING)) return false;
	for (int i = 0; i < e->arg_count; i++)
		if (array_element_type(clause, e->args[i], out)) return true;
	return false;
}

/* What the elements of an array, or the values of a map, are; false: it is none, or they are not known. */
bool array_element_type(Clause *clause, const Expr *e, Type *out)
{
	if (e->type.kind != TYPE_JSON) return false;
	if (e->kind == EXPR_CALL) return type_of_call(clause, e, out);
	if (e->kind == EXPR_SUBQUERY) return type_of_query(clause, e, out);
	if (e->kind != EXPR_COLUMN) return false;
	const ScopeColumn *column = column_of(clause, e);
	if (!column) return type_of_aggregate(clause, e, out);
	if (column->declared.kind != TYPE_JSON || column->declared.field_count != 1) return false;
	*out = column->declared.fields[0].type;
	return true;
}

/* The type inside arrays of arrays and maps of arrays, and how deep it lies */
static Type innermost(Type list, int *depth)
{
	for (*depth = 0; list.kind == TYPE_JSON && list.field_count == 1; ++*depth) list = list.fields[0].type;
	return list;
}

/* Whether e is an array of just these elements. Text that was read as an array may hold anything. */
static bool has_elements(Clause *clause, const Expr *e, Type declared)
{
	Type element;
	int depth, wanted_depth;
	if (expr_is_call(e, "text_to_array") || !array_element_type(clause, e, &element)) return false;
	Type inner = innermost(array_type_of(clause->binder, element), &depth), wanted = innermost(declared, &wanted_depth);
	return depth == wanted_depth && type_equal(inner, wanted);
}

/* CAST(a AS INT[]): each element, where it is not of that type as it stands. Rows inside keep their text until their fields are read. */
Expr *cast_array(Clause *clause, Expr *e, Type declared, CastRule rule, Span span)
{
	Binder *binder = clause->binder;
	int depth;
	Type inner = innermost(declared, &depth), from;
	if (!depth || inner.kind == TYPE_JSON || inner.kind == TYPE_ROW || inner.kind == TYPE_NULL || has_elements(clause, e, declared)) return e;
	if (inner.kind == TYPE_BLOB && array_element_type(clause, e, &from)) {
		REFUSE(binder, span, "CAST of an array of %s to one of BLOB", type_kind_name(from.kind));
		return NULL;
	}
	if (inner.kind == TYPE_BLOB) return e;
	StrBuf name = STRBUF_INIT;
	type_print(inner, &name);
	for (int i = 0; i < depth; i++) strbuf_adds(&name, "[]");
	Expr *args[3] = {e, expr_text(binder->arena, arena_strdup(binder->arena, name.text)), expr_bool(binder->arena, rule == CAST_TRY)};
	strbuf_release(&name);
	return expr_call(binder->arena, "cast_elements", args, 3, span, binder->err);
}

/* CAST(r AS ROW<...>) says what the fields of JSON are; those of a declared ROW are what they are. */
bool row_can_be(Clause *clause, const Expr *e, Type declared, Span span)
{
	const ScopeColumn *column = declared.kind == TYPE_ROW ? column_of(clause, e) : NULL;
	if (!column || column->declared.kind != TYPE_ROW || type_equal(column->declared, declared)) return true;
	return REFUSE(clause->binder, span, "CAST of a ROW to one of other fields") || error_hint(clause->binder->err, "CAST(ROW(r.a, r.b) AS ROW<...>) casts each field.");
}

/* An element that came out as JSON, as a value of its type; of TYPE_NULL: as text */
Expr *element_value(Binder *binder, Expr *json, Type type, Span span)
{
	if (type.kind == TYPE_JSON || type.kind == TYPE_ROW) return json;
	Expr *args[2] = {json, expr_text(binder->arena, "$")};
	Expr *text = expr_call(binder->arena, "->>", args, 2, span, binder->err);
	if (!text || type.kind == TYPE_NULL || type.kind == TYPE_TEXT) return text;
	return json_typed(binder, text, type, span);
}

/* array_max(a), element_at(a, i): JSON by the function table, of the elements' type where that is known */
Expr *typed_element(Clause *clause, Expr *call)
{
	static const char *const NAMES[] = {"array_max", "array_min", "array_sum", "subscript"};
	Type element;
	if (!is_one_of(call, NAMES, sizeof NAMES / sizeof *NAMES) || !array_element_type(clause, call->args[0], &element)) return call;
	return element_value(clause->binder, call, element, call->span);
}

/* Whether a || b joins arrays or maps: one of them is known to be one. */
bool is_array_concat(Clause *clause, const Expr *a, const Expr *b)
{
	Type element;
	return array_element_type(clause, a, &element) || array_element_type(clause, b, &element);
}

/* ---- a[i], a[m:n] ---- */

/* Below 1 there is no element; to -> a negative number would count from the end. */
static Expr *index_from_zero(Binder *binder, Expr *index, Span span)
{
	Value value;
	if (expr_is_constant(index)) {
		if (!expr_fold(binder->arena, index, &value, binder->err)) return NULL;
		return value.is_null || value.i64 < 1 ? expr_null(binder->arena, TYPE(INTEGER)) : expr_int(binder->arena, value.i64 - 1);
	}
	Expr *positive[2] = {index, expr_int(binder->arena, 0)}, *less[2] = {index, expr_int(binder->arena, 1)};
	Expr *branches[3] = {expr_call(binder->arena, ">", positive, 2, span, binder->err), expr_call(binder->arena, "-", less, 2, span, binder->err), NULL};
	return branches[0] && branches[1] ? expr_case(binder->arena, branches, 3, span, binder->err) : NULL;
}

/* a[m:n], where either may be left out: a part of the array; places below 1 and behind the end hold nothing. */
static Expr *bind_slice(Clause *clause, const AstExpr *ast, Expr *from)
{
	Binder *binder = clause->binder;
	Expr *args[3] = {from, expr_null(binder->arena, TYPE(INTEGER)), expr_null(binder->arena, TYPE(INTEGER))};
	for (int i = 1; i < 3; i++) {
		if (!ast->args.at[i]) continue;
		Expr *end = bind_expr(clause, ast->args.at[i]);
		if (!end || !(args[i] = expr_cast(binder->arena, end, TYPE(INTEGER), CAST_ASSIGN, binder->err))) return NULL;
	}
	return expr_call(binder->arena, "array_part", args, 3, ast->span, binder->err);
}

/* Arrays are counted from 1, as in Flink, PostgreSQL and ksqlDB; maps go by their keys. */
bool column_element(Clause *clause, const ScopeColumn *from, const AstExpr *ast, ScopeColumn *out)
{
	Binder *binder = clause->binder;
	if (from->expr->type.kind != TYPE_JSON)
		return error_set(binder->err, ERR_DATATYPE_MISMATCH, ast->span, "a value of type %s has no elements", type_kind_name(from->expr->type.kind));
	if (ast->args.count == 3) {
		*out = (ScopeColumn){.expr = bind_slice(clause, ast, from->expr), .declared = from->declared};
		return out->expr != NULL;
	}
	Expr *index = bind_expr(clause, ast->args.at[1]);
	if (!index) return false;
	if (index->type.kind == TYPE_INTEGER && !(index = index_from_zero(binder, index, ast->span))) return false;
	Type element = from->declared.kind == TYPE_JSON && from->declared.field_count == 1 ? from->declared.fields[0].type : TYPE(NULL);
	Expr *value = json_element(binder, from->expr, index, element, ast->span);
	if (!value) return false;
	*out = (ScopeColumn){.expr = value, .declared = element.kind == TYPE_NULL ? value->type : element};
	return fields_from_json(binder, out, ast->span);
}
