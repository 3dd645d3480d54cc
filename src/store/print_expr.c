/* Expressions as SQLite's SQL. An operator is SQLite's own where it answers what Weir's kernel does, and then indexes work; everything else is
 * one call back for the largest part of the tree that SQLite has no part in. */
#include "store/adhoc_internal.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 18, CALL_ARGS_MAX = 120 };

bool refuse(Printer *printer, Span span, const char *what)
{
	return error_set(printer->err, ERR_UNSUPPORTED, span, "%s cannot be run ad hoc", what);
}

/* ---- columns ---- */

void printer_name(Printer *printer, ColumnId id, const char *text)
{
	while (printer->names.count <= id) vec_push_in(printer->arena, &printer->names, (const char *)NULL);
	printer->names.at[id] = text;
}

const char *printer_name_of(const Printer *printer, ColumnId id)
{
	return id < printer->names.count ? printer->names.at[id] : NULL;
}

static bool print_column(Printer *printer, const Expr *e, StrBuf *out)
{
	const char *name = printer_name_of(printer, e->column);
	if (!name) return refuse(printer, e->span, "a field of a ROW column");
	strbuf_adds(out, name);
	return true;
}

/* ---- what is SQLite's own ---- */

/* Numbers as SQLite holds them are the values themselves. */
static bool is_plain_number(Type type)
{
	switch (type.kind) {
	case TYPE_BOOLEAN: case TYPE_INTEGER: case TYPE_REAL: return true;
	case TYPE_DECIMAL: return type.precision <= DECIMAL_PLAIN_DIGITS || (type.scale == 0 && type.precision <= 18);
	default: return false;
	}
}

static bool is_call(const Expr *e, const char *name) { return e->kind == EXPR_CALL && strcmp(e->function->name, name) == 0; }

/* Also DECIMALs that are wider only because an INTEGER became one. */
static bool is_number(const Expr *e)
{
	if (is_plain_number(e->type)) return true;
	if (e->type.kind != TYPE_DECIMAL) return false;
	if (e->kind == EXPR_CONSTANT) {
		StrBuf literal = STRBUF_INIT;
		store_value_print_literal(&e->constant, &literal);
		bool plain = *literal.text != '\'';
		strbuf_release(&literal);
		return plain;
	}
	return is_call(e, "cast") && e->type.scale == 0 && e->type.precision >= 19 && (e->args[0]->type.kind == TYPE_INTEGER || e->args[0]->type.kind == TYPE_BOOLEAN);
}

static bool is_text(const Expr *e) { return e->type.kind == TYPE_TEXT || e->type.kind == TYPE_JSON; }

/* Does SQLite order and equate the two as Weir does? */
static bool compares_natively(const Expr *a, const Expr *b)
{
	if (is_number(a) && is_number(b)) return true;
	if (is_text(a) && is_text(b)) return true;
	switch (a->type.kind) {
	case TYPE_BLOB: case TYPE_DATE: case TYPE_TIME: case TYPE_TIMESTAMP: return a->type.kind == b->type.kind;
	default: return false;
	}
}

bool type_sorts_natively(Type type)
{
	return is_plain_number(type) || type.kind == TYPE_NULL || (type.kind != TYPE_DECIMAL && type.kind != TYPE_INTERVAL && type.kind != TYPE_ROW);
}

static bool all_of(const Expr *e, TypeKind kind)
{
	for (int i = 0; i < e->arg_count; i++)
		if (e->args[i]->type.kind != kind) return false;
	return e->type.kind == kind;
}

/* A cast after which SQLite's value is what it was before, or made so by SQLite's own CAST (*word). */
static bool casts_natively(const Expr *e, const char **word)
{
	Type from = e->args[0]->type, to = e->type;
	*word = NULL;
	if (from.kind == to.kind && from.kind != TYPE_DECIMAL) return true;
	switch (to.kind) {
	case TYPE_TEXT: *word = from.kind == TYPE_INTEGER ? "TEXT" : NULL; return from.kind == TYPE_INTEGER || from.kind == TYPE_JSON;
	case TYPE_INTEGER: return from.kind == TYPE_BOOLEAN;
	case TYPE_REAL: *word = "REAL"; return is_plain_number(from);
	case TYPE_DECIMAL:
		if (from.kind == TYPE_INTEGER || from.kind == TYPE_BOOLEAN) return to.scale == 0 && to.precision >= 19;
		return from.kind == TYPE_DECIMAL && is_plain_number(from) && to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
	default: return false;
	}
}

typedef enum Form {
	FORM_CALL_BACK, FORM_COMPARE, FORM_BINARY, FORM_CHAIN, FORM_CHECKED, FORM_PREFIX, FORM_SUFFIX, FORM_CAST, FORM_IN, FORM_COALESCE,
} Form;

static const struct NativeOperator { const char *name; Form form; const char *sql; } NATIVE[] = {
	{"=", FORM_COMPARE, " = "}, {"<>", FORM_COMPARE, " <> "}, {"<", FORM_COMPARE, " < "}, {"<=", FORM_COMPARE, " <= "}, {">", FORM_COMPARE, " > "},
	{">=", FORM_COMPARE, " >= "}, {"is", FORM_COMPARE, " IS "}, {"is not", FORM_COMPARE, " IS NOT "},
	{"+", FORM_CHAIN, " + "}, {"-", FORM_CHAIN, " - "}, {"*", FORM_CHAIN, " * "}, {"/", FORM_CHECKED, " / "}, {"%", FORM_BINARY, " % "},
	{"&", FORM_BINARY, " & "}, {"|", FORM_BINARY, " | "},
	{"neg", FORM_CHAIN, "- "}, {"~", FORM_PREFIX, "~"}, {"not", FORM_PREFIX, "NOT "},
	{"is null", FORM_SUFFIX, " IS NULL"}, {"is not null", FORM_SUFFIX, " IS NOT NULL"}, {"is true", FORM_SUFFIX, " IS TRUE"},
	{"is not true", FORM_SUFFIX, " IS NOT TRUE"}, {"is false", FORM_SUFFIX, " IS FALSE"}, {"is not false", FORM_SUFFIX, " IS NOT FALSE"},
	{"cast", FORM_CAST, ""}, {"try_cast", FORM_CAST, ""}, {"in", FORM_IN, ""}, {"coalesce", FORM_COALESCE, ""}, {"ifnull", FORM_COALESCE, ""},
};

static const struct NativeOperator *native_operator(const Expr *e)
{
	for (size_t i = 0; e->kind == EXPR_CALL && i < sizeof NATIVE / sizeof *NATIVE; i++)
		if (strcmp(NATIVE[i].name, e->function->name) == 0) return &NATIVE[i];
	return NULL;
}

static Form form_of(const Expr *e)
{
	const struct NativeOperator *native = native_operator(e);
	const char *word;
	if (!native) return FORM_CALL_BACK;
	switch (native->form) {
	case FORM_COMPARE: return compares_natively(e->args[0], e->args[1]) ? FORM_COMPARE : FORM_CALL_BACK;
	case FORM_CHAIN: case FORM_CHECKED:
		if (all_of(e, TYPE_REAL)) return e->arg_count == 1 ? FORM_PREFIX : FORM_BINARY;
		return all_of(e, TYPE_INTEGER) ? native->form : FORM_CALL_BACK;
	case FORM_BINARY: return all_of(e, TYPE_INTEGER) ? FORM_BINARY : FORM_CALL_BACK;
	case FORM_PREFIX: return all_of(e, strcmp(native->name, "~") == 0 ? TYPE_INTEGER : TYPE_BOOLEAN) ? FORM_PREFIX : FORM_CALL_BACK;
	case FORM_CAST: return casts_natively(e, &word) ? FORM_CAST : FORM_CALL_BACK;
	case FORM_IN:
		for (int i = 1; i < e->arg_count; i++)
			if (!compares_natively(e->args[0], e->args[i])) return FORM_CALL_BACK;
		return e->arg_count > 1 ? FORM_IN : FORM_CALL_BACK;
	default: return native->form;
	}
}

/* ---- calling back ---- */

typedef struct Leaves {
	Printer *printer;
	VEC(ColumnId) columns;
	VEC(Type) types;
	VEC(Expr *) subqueries;           /* at the end of columns, under new numbers */
	bool deterministic;
} Leaves;

static void add_leaf(Leaves *leaves, ColumnId id, Type type)
{
	for (int i = 0; i < leaves->columns.count; i++)
		if (leaves->columns.at[i] == id) return;
	vec_push_in(leaves->printer->arena, &leaves->columns, id);
	vec_push_in(leaves->printer->arena, &leaves->types, type);
}

static bool find_columns(Expr *e, void *context)
{
	Leaves *leaves = context;
	if (e->kind == EXPR_COLUMN) add_leaf(leaves, e->column, e->type);
	if (e->kind == EXPR_CALL && (e->function->flags & FUNCTION_VOLATILE)) leaves->deterministic = false;
	return true;
}

/* Subqueries are SQLite's: inside a call they are arguments. */
static Expr *take_subquery(Expr *e, void *context)
{
	Leaves *leaves = context;
	if (e->kind != EXPR_SUBQUERY) return NULL;
	vec_push_in(leaves->printer->arena, &leaves->subqueries, e);
	return expr_column(leaves->printer->arena, leaves->printer->next_column++, e->type, true, e->span);
}

static bool print_leaves(Leaves *leaves, StrBuf *out)
{
	Printer *printer = leaves->printer;
	int plain = leaves->columns.count - leaves->subqueries.count;
	for (int i = 0; i < leaves->columns.count; i++) {
		strbuf_adds(out, ", ");
		if (i >= plain) {
			if (!print_expr(printer, leaves->subqueries.at[i - plain], out)) return false;
			continue;
		}
		Expr *column = expr_column(printer->arena, leaves->columns.at[i], leaves->types.at[i], true, SPAN_NONE);
		if (!print_column(printer, column, out)) return false;
	}
	return true;
}

static bool print_entry_name(Printer *printer, const Entry *entry, const char *name, bool deterministic, StrBuf *out)
{
	if (!functions_need(printer->functions, entry, name, deterministic, out)) return store_sqlite_error(printer->db, sqlite3_errcode(printer->db), "", printer->err);
	strbuf_printf(out, "(%d", entry->number);
	return true;
}

static Entry *add_entry(Printer *printer, EntryKind kind, Type type, const Type *types, int count)
{
	Entry *entry = entry_new(printer->functions, kind, type, types, count);
	entry->system_us = printer->options->system_us;
	vec_push(printer->entries, entry);
	return entry;
}

static bool print_call_back(Printer *printer, Expr *e, StrBuf *out)
{
	Leaves leaves = {.printer = printer, .deterministic = true};
	Expr *inner = expr_has_subquery(e) ? expr_rewrite(printer->arena, e, take_subquery, &leaves) : e;
	ColumnId first_subquery = printer->next_column - leaves.subqueries.count;
	expr_walk(inner, find_columns, &leaves);
	/* columns first, subqueries after them in the order of their numbers */
	VEC(ColumnId) columns = {0};
	VEC(Type) types = {0};
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < leaves.columns.count; i++) {
			if ((leaves.subqueries.count && leaves.columns.at[i] >= first_subquery) != (pass == 1)) continue;
			vec_push_in(printer->arena, &columns, leaves.columns.at[i]);
			vec_push_in(printer->arena, &types, leaves.types.at[i]);
		}
	leaves.columns.at = columns.at;
	leaves.types.at = types.at;
	if (columns.count > CALL_ARGS_MAX) return refuse(printer, e->span, "an expression of so many columns");
	Entry *entry = add_entry(printer, ENTRY_EXPR, e->type, types.at, columns.count);
	entry->program = expr_compile(&entry->arena, expr_copy(&entry->arena, inner), columns.at, columns.count);
	const char *name = e->kind == EXPR_CALL ? e->function->name : "expr";
	if (!print_entry_name(printer, entry, name, leaves.deterministic, out) || !print_leaves(&leaves, out)) return false;
	strbuf_addc(out, ')');
	return true;
}

bool print_read(Printer *printer, const char *column, Type type, StrBuf *out)
{
	Entry *entry = add_entry(printer, ENTRY_READ, type, &type, 1);
	if (!print_entry_name(printer, entry, "read", true, out)) return false;
	strbuf_printf(out, ", %s)", column);
	return true;
}

static bool print_wrapped(Printer *printer, EntryKind kind, const char *name, Expr *e, StrBuf *out)
{
	Entry *entry = add_entry(printer, kind, TYPE(BLOB), &e->type, 1);
	if (!print_entry_name(printer, entry, name, true, out)) return false;
	strbuf_adds(out, ", ");
	if (!print_expr(printer, e, out)) return false;
	strbuf_addc(out, ')');
	return true;
}

bool print_sortable(Printer *printer, Expr *e, StrBuf *out)
{
	if (type_sorts_natively(e->type) || is_number(e)) return print_expr(printer, e, out);
	return print_wrapped(printer, ENTRY_SORT_KEY, "sort_key", e, out);
}

bool print_range_key(Printer *printer, Expr *e, StrBuf *out)
{
	bool is_time = e->type.kind == TYPE_TIMESTAMP || e->type.kind == TYPE_DATE || e->type.kind == TYPE_TIME;
	return is_time ? print_wrapped(printer, ENTRY_MICROS, "micros", e, out) : print_sortable(printer, e, out);
}

bool print_rows_call(Printer *printer, Op *op, int skip, Expr **args, int arg_count, StrBuf *out)
{
	Type types[ROWS_ARGS_MAX] = {{0}};
	if (arg_count > ROWS_ARGS_MAX || op->column_count - skip > ROWS_COLUMNS_MAX) {
		op_free(op);
		return refuse(printer, SPAN_NONE, "a table function of so many arguments");
	}
	for (int i = 0; i < arg_count; i++) types[i] = args[i]->type;
	Entry *entry = add_entry(printer, ENTRY_ROWS, TYPE(NULL), types, arg_count);
	entry_set_rows(entry, op, skip);
	strbuf_printf(out, "weir_rows(%d", entry->number);
	for (int i = 0; i < arg_count; i++) {
		strbuf_adds(out, ", ");
		if (!print_expr(printer, args[i], out)) return false;
	}
	strbuf_addc(out, ')');
	return true;
}

bool print_series_call(Printer *printer, Expr **args, int arg_count, StrBuf *out)
{
	static const Type TYPES[] = {{.kind = TYPE_INTEGER}, {.kind = TYPE_INTEGER}, {.kind = TYPE_INTEGER}};
	strbuf_printf(out, "weir_rows(%d", add_entry(printer, ENTRY_SERIES, TYPE(INTEGER), TYPES, arg_count)->number);
	for (int i = 0; i < arg_count; i++) {
		strbuf_adds(out, ", ");
		if (!print_expr(printer, args[i], out)) return false;
	}
	strbuf_addc(out, ')');
	return true;
}

bool print_packed(Printer *printer, const Plan *plan, const ColumnId *ids, int count, bool outer, const char *from, const char *ctes, StrBuf *out)
{
	Type *types = arena_array(printer->arena, Type, count + 1), blob = TYPE(BLOB);
	for (int i = 0; i < count; i++) types[i] = plan_column(plan, ids[i])->type;
	if (count > ROWS_COLUMNS_MAX) return refuse(printer, plan->span, "LATERAL of so many columns");
	Entry *pack = add_entry(printer, ENTRY_PACK, blob, types, count), *unpack = add_entry(printer, ENTRY_UNPACK, TYPE(NULL), &blob, 1);
	unpack->columns = arena_copy(&unpack->arena, types, sizeof *types * (size_t)(count + 1));
	unpack->column_count = count;
	unpack->outer = outer;
	strbuf_printf(out, "weir_rows(%d, (%s%s%sSELECT weir_pack(%d", unpack->number, *ctes ? "WITH RECURSIVE " : "", ctes, *ctes ? " " : "", pack->number);
	for (int i = 0; i < count; i++) {
		const char *name = printer_name_of(printer, ids[i]);
		if (!name) return refuse(printer, plan->span, "a field of a ROW column");
		strbuf_printf(out, ", %s", name);
	}
	strbuf_printf(out, ")%s))", from);
	return true;
}

/* ---- native forms ---- */

static bool print_nested(Printer *printer, Expr *e, StrBuf *out)
{
	bool bare = e->kind == EXPR_COLUMN || e->kind == EXPR_CONSTANT || e->kind == EXPR_CASE || (e->kind == EXPR_CALL && form_of(e) == FORM_CALL_BACK);
	if (!bare) strbuf_addc(out, '(');
	if (!print_expr(printer, e, out)) return false;
	if (!bare) strbuf_addc(out, ')');
	return true;
}

static bool print_binary(Printer *printer, Expr *e, const char *sql, StrBuf *out)
{
	if (!print_nested(printer, e->args[0], out)) return false;
	strbuf_adds(out, sql);
	return print_nested(printer, e->args[1], out);
}

/* + - * of INTEGERs: what overflows anywhere goes on as REAL, so one test of the result is enough. */
static bool print_chain(Printer *printer, Expr *e, StrBuf *out)
{
	if (form_of(e) != FORM_CHAIN || printer->depth >= DEPTH_MAX) return print_nested(printer, e, out);
	printer->depth++;
	const char *sql = native_operator(e)->sql;
	strbuf_addc(out, '(');
	bool ok = true;
	if (e->arg_count == 1) strbuf_adds(out, sql);
	ok = print_chain(printer, e->args[0], out);
	if (ok && e->arg_count == 2) {
		strbuf_adds(out, sql);
		ok = print_chain(printer, e->args[1], out);
	}
	strbuf_addc(out, ')');
	printer->depth--;
	return ok;
}

static bool print_list(Printer *printer, Expr **exprs, int count, StrBuf *out)
{
	for (int i = 0; i < count; i++) {
		if (i) strbuf_adds(out, ", ");
		if (!print_expr(printer, exprs[i], out)) return false;
	}
	return true;
}

static bool print_cast(Printer *printer, Expr *e, StrBuf *out)
{
	const char *word;
	casts_natively(e, &word);
	if (!word) return print_expr(printer, e->args[0], out);
	strbuf_adds(out, "CAST(");
	if (!print_expr(printer, e->args[0], out)) return false;
	strbuf_printf(out, " AS %s)", word);
	return true;
}

static bool print_call(Printer *printer, Expr *e, StrBuf *out)
{
	Form form = form_of(e);
	const struct NativeOperator *native = native_operator(e);
	bool ok;
	switch (form) {
	case FORM_COMPARE: case FORM_BINARY: return print_binary(printer, e, native->sql, out);
	case FORM_CHAIN: case FORM_CHECKED:
		strbuf_adds(out, "weir_int(");
		ok = form == FORM_CHAIN ? print_chain(printer, e, out) : print_binary(printer, e, native->sql, out);
		strbuf_addc(out, ')');
		return ok;
	case FORM_PREFIX:
		strbuf_adds(out, native->sql);
		return print_nested(printer, e->args[0], out);
	case FORM_SUFFIX:
		ok = print_nested(printer, e->args[0], out);
		strbuf_adds(out, native->sql);
		return ok;
	case FORM_CAST: return print_cast(printer, e, out);
	case FORM_IN:
		if (!print_nested(printer, e->args[0], out)) return false;
		strbuf_adds(out, " IN (");
		ok = print_list(printer, e->args + 1, e->arg_count - 1, out);
		strbuf_addc(out, ')');
		return ok;
	case FORM_COALESCE:
		if (e->arg_count == 1) return print_expr(printer, e->args[0], out);
		strbuf_adds(out, "coalesce(");
		ok = print_list(printer, e->args, e->arg_count, out);
		strbuf_addc(out, ')');
		return ok;
	default: return print_call_back(printer, e, out);
	}
}

static bool print_logic(Printer *printer, Expr *e, StrBuf *out)
{
	const char *sql = e->kind == EXPR_AND ? " AND " : " OR ";
	for (int i = 0; i < e->arg_count; i++) {
		if (i) strbuf_adds(out, sql);
		bool ok = e->args[i]->kind == e->kind ? print_logic(printer, e->args[i], out) : print_nested(printer, e->args[i], out);
		if (!ok) return false;
	}
	return true;
}

static bool print_case(Printer *printer, Expr *e, StrBuf *out)
{
	strbuf_adds(out, "CASE");
	for (int i = 0; i + 1 < e->arg_count; i += 2) {
		strbuf_adds(out, " WHEN ");
		if (!print_expr(printer, e->args[i], out)) return false;
		strbuf_adds(out, " THEN ");
		if (!print_expr(printer, e->args[i + 1], out)) return false;
	}
	strbuf_adds(out, " ELSE ");
	if (!print_expr(printer, e->args[e->arg_count - 1], out)) return false;
	strbuf_adds(out, " END");
	return true;
}

/* ---- subqueries ---- */

static bool gives_one_row_at_most(const Plan *plan)
{
	switch (plan->kind) {
	case PLAN_AGGREGATE: return plan->global;
	case PLAN_VALUES: return plan->row_count <= 1;
	case PLAN_SORT: return (plan->limit >= 0 && plan->limit <= 1) || gives_one_row_at_most(plan->inputs[0]);
	case PLAN_PROJECT: case PLAN_FILTER: return gives_one_row_at_most(plan->inputs[0]);
	default: return false;
	}
}

static bool print_scalar(Printer *printer, Expr *e, StrBuf *out)
{
	if (gives_one_row_at_most(e->plan)) return print_subquery(printer, e->plan, out);
	strbuf_printf(out, "(SELECT weir_single(c%d) FROM ", e->plan->columns[0].id);
	if (!print_subquery(printer, e->plan, out)) return false;
	strbuf_addc(out, ')');
	return true;
}

/* lhs op column, for each pair, as one condition */
static Expr *comparison(Printer *printer, const Expr *e)
{
	Expr *all = NULL;
	const Function *function = e->function ? e->function : function_find("=");
	for (int i = 0; i < e->arg_count; i++) {
		const PlanColumn *column = &e->plan->columns[i];
		Expr *call = arena_new(printer->arena, Expr);
		*call = (Expr){.kind = EXPR_CALL, .type = TYPE(BOOLEAN), .nullable = true, .function = function, .arg_count = 2, .span = e->span};
		call->args = arena_array(printer->arena, Expr *, 2);
		call->args[0] = e->args[i];
		call->args[1] = expr_column(printer->arena, column->id, column->type, column->nullable, e->span);
		all = expr_and(printer->arena, all, call);
	}
	return all;
}

static bool is_native_in(const Expr *e)
{
	if (e->function && strcmp(e->function->name, "=") != 0) return false;
	for (int i = 0; i < e->arg_count; i++) {
		Expr column = {.kind = EXPR_COLUMN, .type = e->plan->columns[i].type};
		if (!compares_natively(e->args[i], &column)) return false;
	}
	return true;
}

static bool print_native_in(Printer *printer, Expr *e, StrBuf *out)
{
	if (e->arg_count > 1) strbuf_addc(out, '(');
	for (int i = 0; i < e->arg_count; i++) {
		if (i) strbuf_adds(out, ", ");
		if (!print_nested(printer, e->args[i], out)) return false;
	}
	strbuf_adds(out, e->arg_count > 1 ? ") IN " : " IN ");
	return print_subquery(printer, e->plan, out);
}

/* Three-valued: true if one pair is (ALL: false if one is not), else NULL if one is NULL, else the contrary. */
static bool print_quantified(Printer *printer, Expr *e, StrBuf *out)
{
	bool is_all = e->subquery == SUBQUERY_ALL;
	strbuf_printf(out, "(SELECT CASE WHEN %s THEN %d WHEN count(*) > count(q) THEN NULL ELSE %d END FROM (SELECT ", is_all ? "min(q) = 0" : "max(q) = 1",
		!is_all, is_all);
	StrBuf from = STRBUF_INIT;
	bool ok = print_subquery(printer, e->plan, &from);
	for (int i = 0; i < e->plan->column_count; i++) printer_name(printer, e->plan->columns[i].id, arena_printf(printer->arena, "c%d", e->plan->columns[i].id));
	ok = ok && print_expr(printer, comparison(printer, e), out);
	strbuf_printf(out, " AS q FROM %s))", from.text);
	strbuf_release(&from);
	return ok;
}

static bool print_subquery_expr(Printer *printer, Expr *e, StrBuf *out)
{
	bool ok = true;
	if (e->negated) strbuf_adds(out, "NOT ");
	switch (e->subquery) {
	case SUBQUERY_SCALAR: return print_scalar(printer, e, out);
	case SUBQUERY_EXISTS:
		strbuf_adds(out, "EXISTS ");
		return print_subquery(printer, e->plan, out);
	case SUBQUERY_IN: case SUBQUERY_ANY:
		if (!is_native_in(e)) return print_quantified(printer, e, out);
		if (e->negated) strbuf_addc(out, '(');
		ok = print_native_in(printer, e, out);
		if (e->negated) strbuf_addc(out, ')');
		return ok;
	default: return print_quantified(printer, e, out);
	}
}

static bool print_any(Printer *printer, Expr *e, StrBuf *out)
{
	switch (e->kind) {
	case EXPR_COLUMN: return print_column(printer, e, out);
	case EXPR_CONSTANT: store_value_print_literal(&e->constant, out); return true;
	case EXPR_CALL: return print_call(printer, e, out);
	case EXPR_AND: case EXPR_OR: return print_logic(printer, e, out);
	case EXPR_CASE: return print_case(printer, e, out);
	case EXPR_SUBQUERY: return print_subquery_expr(printer, e, out);
	default: return refuse(printer, e->span, "this expression");
	}
}

/* SQLite's parser has a stack of 100: deep expressions are left to Weir whole. */
bool print_expr(Printer *printer, Expr *e, StrBuf *out)
{
	bool is_leaf = e->kind == EXPR_COLUMN || e->kind == EXPR_CONSTANT || e->kind == EXPR_SUBQUERY;
	if (printer->depth >= DEPTH_MAX && !is_leaf) return print_call_back(printer, e, out);
	printer->depth++;
	bool ok = print_any(printer, e, out);
	printer->depth--;
	return ok;
}

/* ---- aggregates ---- */

/* count, min and max of what SQLite orders itself */
static const char *native_aggregate(const AggregateCall *call)
{
	const char *name = call->aggregate->name;
	if (strcmp(name, "count") == 0) return call->distinct && call->arg_count != 1 ? NULL : "count";
	if (call->arg_count != 1 || !type_sorts_natively(call->args[0]->type)) return NULL;
	if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) return name;
	return NULL;
}

static bool print_filter(Printer *printer, const AggregateCall *call, StrBuf *out)
{
	if (!call->filter) return true;
	strbuf_adds(out, " FILTER (WHERE ");
	if (!print_expr(printer, call->filter, out)) return false;
	strbuf_addc(out, ')');
	return true;
}

static bool print_native_aggregate(Printer *printer, const AggregateCall *call, const char *name, StrBuf *out)
{
	strbuf_printf(out, "%s(%s", name, call->distinct && call->arg_count ? "DISTINCT " : "");
	if (call->arg_count == 0) strbuf_addc(out, '*');
	if (!print_list(printer, call->args, call->arg_count, out)) return false;
	strbuf_addc(out, ')');
	return print_filter(printer, call, out);
}

static Entry *aggregate_entry(Printer *printer, const AggregateCall *call, Expr **ties, int tie_count, AggregateUse use)
{
	int count = call->arg_count + call->order_count + tie_count;
	Type *types = arena_array(printer->arena, Type, count + 1);
	for (int i = 0; i < call->arg_count; i++) types[i] = call->args[i]->type;
	for (int i = 0; i < call->order_count; i++) types[call->arg_count + i] = call->order[i].expr->type;
	for (int i = 0; i < tie_count; i++) types[call->arg_count + call->order_count + i] = ties[i]->type;
	Entry *entry = add_entry(printer, ENTRY_AGGREGATE, call->type, types, count);
	entry_set_aggregate(entry, call, tie_count, use);
	return entry;
}

static bool print_aggregate_call(Printer *printer, const Entry *entry, const AggregateCall *call, Expr **ties, int tie_count, StrBuf *out)
{
	if (!print_entry_name(printer, entry, call->aggregate->name, true, out)) return false;
	for (int i = 0; i < call->arg_count + call->order_count + tie_count; i++) {
		Expr *e = i < call->arg_count ? call->args[i] : i < call->arg_count + call->order_count ? call->order[i - call->arg_count].expr
			: ties[i - call->arg_count - call->order_count];
		strbuf_adds(out, ", ");
		if (!print_expr(printer, e, out)) return false;
	}
	strbuf_addc(out, ')');
	return print_filter(printer, call, out);
}

/* `over` (NULL: none) stands after each call. Over no rows SQLite asks for the result without saying whose it is: a result that is not NULL
 * then is written out. */
bool print_aggregate(Printer *printer, const AggregateCall *call, Expr **ties, int tie_count, const char *over, AggregateUse use, StrBuf *out)
{
	const char *native = native_aggregate(call);
	Value empty;
	if (call->arg_count + call->order_count + tie_count > CALL_ARGS_MAX) return refuse(printer, SPAN_NONE, "an aggregate that reads so many columns");
	if (native && !(call->aggregate->obeys_order && call->order_count)) {
		if (!print_native_aggregate(printer, call, native, out)) return false;
		strbuf_adds(out, over ? over : "");
		return true;
	}
	if (call->distinct) ties = NULL, tie_count = 0;
	Entry *entry = aggregate_entry(printer, call, ties, tie_count, use);
	entry_aggregate_empty(entry, &empty);
	if (!empty.is_null) {
		strbuf_adds(out, "CASE WHEN count(*)");
		if (!print_filter(printer, call, out)) return false;
		strbuf_printf(out, "%s = 0 THEN ", over ? over : "");
		store_value_print_literal(&empty, out);
		strbuf_adds(out, " ELSE ");
	}
	if (!print_aggregate_call(printer, entry, call, ties, tie_count, out)) return false;
	strbuf_adds(out, over ? over : "");
	if (!empty.is_null) strbuf_adds(out, " END");
	return true;
}
