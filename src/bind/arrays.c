/* Arrays and maps are JSON values. What their elements are is known from where they come from: a declaration, a literal, an aggregate, a cast,
 * or a function that makes an array of another one. Where it is known, a[i] and array_max(a) have the type of the elements, `||` joins
 * arrays, and UNNEST gives values of that type; where it is not, elements are text and `||` is that of text, as in SQLite. */
#include "bind/binder.h"

#include "expr/function.h"
#include "type/text.h"

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
	static const char *const MAPS[] = {"json_object", "map_from_arrays", "map_union", "map_insert", "map_delete", "str_to_map", "json_records"};
	return is_one_of(e, MAPS, sizeof MAPS / sizeof *MAPS);
}

/* ---- the one form of values that are kept whole ---- */

/* The type that json_as(x, 'ROW<...>') makes */
static bool type_of_json_as(Binder *binder, const Expr *e, Type *out)
{
	if (!expr_is_call(e, "json_as") || e->args[1]->kind != EXPR_CONSTANT) return false;
	const Str *text = &e->args[1]->constant.str;
	return type_read(str_at(text), text->bytes, binder->arena, out);
}

/* Of CASE and COALESCE: that of all values */
static bool form_of_values(Clause *clause, const Expr *e, Type *out)
{
	bool any = false;
	Type form;
	for (int i = 0; i < e->arg_count; i++) {
		bool is_condition = e->kind == EXPR_CASE && i % 2 == 0 && i + 1 < e->arg_count;
		if (is_condition || (e->args[i]->kind == EXPR_CONSTANT && e->args[i]->constant.is_null)) continue;
		if (!form_of(clause, e->args[i], &form) || (any && !type_same_inside(form, *out))) return false;
		*out = form;
		any = true;
	}
	return any;
}

/* Of an aggregate or window function that gives one of the values that it is given */
static bool form_of_call(Clause *clause, const Expr *e, Type *out)
{
	static const char *const NAMES[] = {"min_by", "max_by", "first_value", "last_value", "nth_value", "any_value", "mode"};
	const Select *select = e->kind == EXPR_COLUMN ? clause->select : NULL;
	const AggregateCall *found = NULL;
	bool keeps = false;
	for (int i = 0; select && i < select->calls.count && !found; i++)
		if (select->calls.at[i].id == e->column) found = &select->calls.at[i].call;
	for (int i = 0; select && i < select->overs.count && !found; i++) {
		if (select->overs.at[i].id != e->column) continue;
		found = &select->overs.at[i].call.aggregate;
		keeps = select->overs.at[i].call.kind >= OVER_LAG && select->overs.at[i].call.kind != OVER_AGGREGATE && found->arg_count == 1;
	}
	if (!found || !found->arg_count || found->parameter_count) return false;
	for (size_t n = 0; n < sizeof NAMES / sizeof *NAMES && found->aggregate; n++) keeps |= strcmp(found->aggregate->name, NAMES[n]) == 0;
	return keeps && form_of(clause, found->args[0], out);
}

bool form_of(Clause *clause, const Expr *e, Type *out)
{
	if (e->type.kind != TYPE_JSON) return false;
	if (e->kind == EXPR_CASE || expr_is_call(e, "coalesce") || expr_is_call(e, "ifnull")) return form_of_values(clause, e, out);
	const ScopeColumn *column = e->kind == EXPR_COLUMN ? column_of(clause, e) : NULL;
	if (!column) return type_of_json_as(clause->binder, e, out) || form_of_call(clause, e, out);
	*out = column->declared;
	return type_is_nested(*out);
}

/* how: what becomes of parts that are no such values; see json_as */
static Expr *nested_by(Binder *binder, Expr *e, Type declared, const char *how)
{
	Type made;
	if (!type_is_nested(declared) || (type_of_json_as(binder, e, &made) && type_same_inside(made, declared))) return e;
	if (e->kind == EXPR_CONSTANT && e->constant.is_null) return e;
	StrBuf text = STRBUF_INIT;
	type_print(declared, &text);
	Expr *args[3] = {e, expr_text(binder->arena, arena_strdup(binder->arena, text.text)), how ? expr_text(binder->arena, how) : NULL};
	strbuf_release(&text);
	return expr_call(binder->arena, "json_as", args, how ? 3 : 2, e->span, binder->err);
}

Expr *nested_as(Binder *binder, Expr *e, Type declared) { return nested_by(binder, e, declared, NULL); }

Expr *nested_form(Clause *clause, Expr *e, Type declared)
{
	Type made;
	return form_of(clause, e, &made) && type_same_inside(made, declared) ? e : nested_as(clause->binder, e, declared);
}

/* The same as a declaration says it: JSON that knows its elements */
bool declared_of(Clause *clause, const Expr *e, Type *out)
{
	Type element;
	if (form_of(clause, e, out)) return true;
	if (!array_element_type(clause, e, &element)) return false;
	*out = list_type(clause->binder, makes_map(e) ? type_kind_name(TYPE_TEXT) : "", element);
	return true;
}

static Expr *order_as(Binder *binder, Expr *e, Type type)
{
	StrBuf text = STRBUF_INIT;
	type_print(type, &text);
	Expr *args[2] = {e, expr_text(binder->arena, arena_strdup(binder->arena, text.text))};
	strbuf_release(&text);
	return expr_call(binder->arena, "json_order", args, 2, e->span, binder->err);
}

static bool has_order(Clause *clause, const Expr *e, Type *type) { return e->type.kind == TYPE_JSON && declared_of(clause, e, type) && type_is_nested(*type); }

/* What values are ordered by: < and ORDER BY go by the members of arrays and rows, not by their text. */
Expr *order_form(Clause *clause, Expr *e)
{
	Type type;
	return has_order(clause, e, &type) ? order_as(clause->binder, e, type) : e;
}

/* What is compared with a value in its form gets that form, too: ARRAY[1, 2], '[1, 2]', MAP['b', 1, 'a', 2]. */
static bool takes_form(const Expr *e) { return e->type.kind == TYPE_JSON || (e->type.kind == TYPE_TEXT && expr_is_constant(e)); }

/* left, right: what is declared of both sides, where they are in that form; else of no nested type */
bool bring_into_forms(Binder *binder, Expr **a, Type left, Expr **b, Type right, Span span)
{
	bool has_left = type_is_nested(left), has_right = type_is_nested(right);
	if (has_left && has_right && !type_same_inside(left, right)) {
		StrBuf one = STRBUF_INIT, other = STRBUF_INIT;
		type_print(left, &one);
		type_print(right, &other);
		REFUSE(binder, span, "comparing %s with %s", one.text, other.text);
		strbuf_release(&one);
		strbuf_release(&other);
		return error_hint(binder->err, "CAST one of them.");
	}
	if (has_left && !has_right && takes_form(*b)) *b = nested_by(binder, *b, left, "compare");
	if (has_right && !has_left && takes_form(*a)) *a = nested_by(binder, *a, right, "compare");
	return *a && *b;
}

bool bring_into_form(Clause *clause, Expr **a, Expr **b, Span span)
{
	Type left, right;
	if (!form_of(clause, *a, &left)) left = TYPE(NULL);
	if (!form_of(clause, *b, &right)) right = TYPE(NULL);
	return bring_into_forms(clause->binder, a, left, b, right, span);
}

/* ---- what elements are ---- */

/* Functions that make a list of lists: what is in all of them is in the result, and so are arguments that are elements themselves (a bit each). */
static const struct { const char *name; bool first_only; unsigned elements; } LIST_FUNCTIONS[] = {
	{"array_append", false, 2}, {"array_prepend", false, 1}, {"array_cat", false, 0}, {"array_union", false, 0}, {"array_replace", true, 4}, {"map_union", false, 0},
	{"map_insert", true, 4}, {"jsonb_concat", false, 3}, {"coalesce", false, 0}, {"ifnull", false, 0},
	{"array_remove", true, 0}, {"array_distinct", true, 0}, {"array_intersect", true, 0}, {"array_except", true, 0}, {"array_sort", true, 0}, {"array_reverse", true, 0},
	{"array_slice", true, 0}, {"array_part", true, 0}, {"trim_array", true, 0}, {"map_values", true, 0}, {"map_delete", true, 0},
};

/* Values of both types as one type: the same, or numbers of different kinds. false: there is none. */
static bool merge_types(Type a, Type *b)
{
	if (a.kind == TYPE_NULL || b->kind == TYPE_NULL) {
		if (b->kind == TYPE_NULL) *b = a;
		return true;
	}
	if (type_same_inside(a, *b)) return true;
	if (!type_is_numeric(a) || !type_is_numeric(*b)) return false;
	*b = TYPE(REAL);
	return true;
}

/* NULL, [] and {} hold nothing that could be of another type. */
static bool is_empty_list(const Expr *e)
{
	if (e->kind == EXPR_CONSTANT) return e->constant.is_null || (e->type.kind == TYPE_JSON && e->constant.str.bytes == 2);
	return (expr_is_call(e, "json_array") || expr_is_call(e, "json_object")) && e->arg_count == 0;
}

static bool type_of_list_function(Clause *clause, const Expr *e, Type *out)
{
	size_t f = 0;
	while (f < sizeof LIST_FUNCTIONS / sizeof *LIST_FUNCTIONS && !expr_is_call(e, LIST_FUNCTIONS[f].name)) f++;
	if (f == sizeof LIST_FUNCTIONS / sizeof *LIST_FUNCTIONS) return false;
	*out = TYPE(NULL);
	bool known = false;
	for (int i = 0; i < e->arg_count; i++) {
		const Expr *arg = e->args[i];
		bool list = arg->type.kind == TYPE_JSON, element = LIST_FUNCTIONS[f].elements >> i & 1;
		Type type = arg->type;
		if (is_empty_list(arg) || (!element && (i > 0 && LIST_FUNCTIONS[f].first_only))) continue;
		if (list && array_element_type(clause, arg, &type)) known = true;
		else if (!element || (list && !expr_is_call(e, "array_append") && !expr_is_call(e, "array_prepend"))) return false;
		if (!merge_types(type, out)) return false;
	}
	return known && out->kind != TYPE_NULL;
}

static bool type_of_call(Clause *clause, const Expr *e, Type *out)
{
	static const char *const TEXTS[] = {"split", "string_to_array", "regexp_split_to_array", "regexp_match", "json_keys", "json_items", "json_records", "str_to_map", "text_to_array", "regexp_extract_all"};
	Binder *binder = clause->binder;
	Type made;
	if (type_of_json_as(binder, e, &made)) {
		if (made.kind != TYPE_JSON || made.field_count != 1) return false;
		*out = made.fields->type;
		return true;
	}
	if (expr_is_call(e, "json_array")) return common_type(clause, e->args, e->arg_count, out);
	if (expr_is_call(e, "json_object")) {
		Expr **values = arena_array(binder->arena, Expr *, e->arg_count / 2 + 1);
		for (int i = 1; i < e->arg_count; i += 2) values[i / 2] = e->args[i];
		return common_type(clause, values, e->arg_count / 2, out);
	}
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
	return type_of_list_function(clause, e, out);
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

static Type innermost(Type list)
{
	while (list.kind == TYPE_JSON && list.field_count == 1) list = list.fields[0].type;
	return list;
}

static bool holds_row(Type type) { return innermost(type).kind == TYPE_ROW; }

/* CAST(a AS INT[]): each element as CAST makes it; a field of a ROW that is no value of its type is null. */
Expr *cast_nested(Clause *clause, Expr *e, Type declared, CastRule rule, Span span)
{
	Type from;
	if (innermost(declared).kind == TYPE_BLOB && array_element_type(clause, e, &from) && innermost(from).kind != TYPE_BLOB) {
		REFUSE(clause->binder, span, "CAST of an array of %s to one of BLOB", type_kind_name(from.kind));
		return NULL;
	}
	if (form_of(clause, e, &from) && type_same_inside(from, declared)) return e;
	return nested_by(clause->binder, e, declared, rule == CAST_TRY || holds_row(declared) ? NULL : "cast");
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

/* Both sides of <: JSON of which no more is known is as the other side; with what is none, an array or row has no order. */
bool bring_into_order(Clause *clause, Expr **a, Expr **b, Span span)
{
	Type left, right;
	bool one = has_order(clause, *a, &left), other = has_order(clause, *b, &right);
	if (!one && !other) return true;
	if (one != other) {
		const Expr *unknown = one ? *b : *a;
		if (unknown->type.kind == TYPE_NULL) return true;
		if (unknown->type.kind != TYPE_JSON) return REFUSE(clause->binder, span, "the order of an array or row and what is none");
	}
	*a = order_as(clause->binder, *a, one ? left : right);
	*b = order_as(clause->binder, *b, other ? right : left);
	return *a && *b;
}

/* Of JSONB, or a part of it */
static bool is_jsonb(Clause *clause, const Expr *e)
{
	Type made;
	while (expr_is_call(e, "->") || expr_is_call(e, "json_path") || expr_is_call(e, "coalesce")) e = e->args[0];
	return form_of(clause, e, &made) && made.kind == TYPE_JSON && made.precision;
}

/* Text that stands beside JSONB or a MAP is JSON where it is a literal, as in PostgreSQL. */
static Expr *literal_as_json(Binder *binder, Expr *e)
{
	Value value;
	Error ignored = ERROR_INIT;
	if (e->type.kind != TYPE_TEXT || !expr_is_constant(e) || !expr_fold(binder->arena, e, &value, &ignored) || value.is_null) return e;
	if (!json_text_is_valid(str_at(&value.str), value.str.bytes)) return e;
	return expr_cast(binder->arena, e, TYPE(JSON), CAST_EXPLICIT, binder->err);
}

/* Is each part of a constant a value of its type? */
static bool literal_fits(Binder *binder, Expr *e, Type type)
{
	Value plain, form;
	Error ignored = ERROR_INIT;
	if (e->type.kind != TYPE_JSON || !expr_is_constant(e)) return false;
	Expr *made = nested_as(binder, e, type), *strict = nested_by(binder, e, type, "compare");
	return made && strict && expr_fold(binder->arena, made, &form, &ignored) && expr_fold(binder->arena, strict, &plain, &ignored) && value_equal(&plain, &form);
}

/* What a || b is: an array whose elements are REAL stays one, whatever numbers are put to it. */
static bool form_of_concat(Clause *clause, Expr *const *args, int known, Type *out)
{
	Expr *other = args[1 - known];
	Type element;
	if (!form_of(clause, args[known], out) || out->kind != TYPE_JSON) return false;
	if (out->precision) return true;
	if (is_map(*out)) {
		if (!array_element_type(clause, other, &element)) return literal_fits(clause->binder, other, *out);
		if (!merge_types(out->fields->type, &element)) return false;
		*out = list_type(clause->binder, out->fields->name, element);
		return true;
	}
	if (other->type.kind != TYPE_JSON) element = other->type;
	else if (!array_element_type(clause, other, &element)) return false;
	return out->fields->type.kind == TYPE_REAL && type_is_numeric(element);
}

/* a || b that joins arrays, maps or JSONB: one of them is known to be one. *out NULL: it joins text. */
bool bind_nested_concat(Clause *clause, Expr **args, Span span, Expr **out)
{
	Binder *binder = clause->binder;
	Type element, form = TYPE(JSON);
	bool joins = false, found = false;
	*out = NULL;
	for (int i = 0; i < 2; i++) {
		bool jsonb = is_jsonb(clause, args[i]), list = array_element_type(clause, args[i], &element);
		if (!jsonb && !list) continue;
		if ((jsonb || (form_of(clause, args[i], &form) && is_map(form))) && !(args[1 - i] = literal_as_json(binder, args[1 - i]))) return false;
		joins |= list || args[1 - i]->type.kind == TYPE_JSON;
	}
	if (!joins) return true;
	for (int i = 0; i < 2 && !found; i++) found = form_of_concat(clause, args, i, &form);
	Expr *joined = expr_call(binder->arena, "jsonb_concat", args, 2, span, binder->err);
	return joined && (*out = found ? nested_as(binder, joined, form) : joined);
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
