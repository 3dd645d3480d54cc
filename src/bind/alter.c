/* ALTER: the stored definition is read back, changed as an AST, and bound again as a whole; so whatever CREATE would refuse is refused
 * here, too, and there is no second way of making a relation. */
#include "bind/binder.h"

#include "ast/parse.h"
#include "base/nearest.h"

typedef struct Altering {
	Binder *binder;
	const AstAlter *ast;
	Relation *relation;
	AstStatement *definition;     /* as stored, then changed */
	VEC(const char *) renamed_from;
	VEC(const char *) renamed_to;
	bool changes;                 /* anything but REBUILD */
} Altering;

static bool kind_fits(AstRelationKind word, const Relation *relation)
{
	switch (word) {
	case AST_KIND_VIEW: return relation->kind == RELATION_VIEW || relation->kind == RELATION_MATERIALIZED;
	case AST_KIND_MATERIALIZED_VIEW: return relation->kind == RELATION_MATERIALIZED;
	case AST_KIND_SINK: return relation->kind == RELATION_SINK;
	case AST_KIND_STREAM: case AST_KIND_SOURCE: case AST_KIND_TABLE: return relation->kind != RELATION_VIEW;
	default: return true;
	}
}

/* ---- columns of the definition ---- */

static AstColumnDef *find_column(Altering *altering, AstCreateRelation *create, const AstIdent *name)
{
	Nearest nearest;
	nearest_init(&nearest, name->text);
	for (int i = 0; i < create->columns.count; i++) {
		if (names_equal(create->columns.at[i].name.text, name->text)) return &create->columns.at[i];
		nearest_offer(&nearest, create->columns.at[i].name.text);
	}
	error_set(altering->binder->err, ERR_UNDEFINED_COLUMN, name->span, "%s \"%s\" has no column \"%s\"", relation_kind_name(altering->relation->kind),
		altering->relation->name, name->text);
	if (nearest.best) error_hint(altering->binder->err, "Did you mean \"%s\"?", nearest.best);
	return NULL;
}

static bool has_column(const AstCreateRelation *create, const char *name)
{
	for (int i = 0; i < create->columns.count; i++)
		if (names_equal(create->columns.at[i].name.text, name)) return true;
	return false;
}

static void rename_ident(AstIdent *ident, const char *from, const AstIdent *to)
{
	if (ident->text && names_equal(ident->text, from)) *ident = *to;
}

/* The first part of each path: a column of the relation, or its field behind it. */
static void rename_in_expr(AstExpr *e, const char *from, const AstIdent *to)
{
	if (!e) return;
	if (e->kind == AST_COLUMN) rename_ident(&e->path.at[0], from, to);
	for (int i = 0; i < e->args.count; i++) rename_in_expr(e->args.at[i], from, to);
	rename_in_expr(e->operand, from, to);
	rename_in_expr(e->otherwise, from, to);
	for (int i = 0; e->call && i < e->call->arguments.count; i++) rename_in_expr(e->call->arguments.at[i].value, from, to);
}

/* What reads records goes on to read the field of the old name. */
static void rename_column(Altering *altering, AstCreateRelation *create, AstColumnDef *column, const AstIdent *to)
{
	Binder *binder = altering->binder;
	const char *from = column->name.text;
	if (altering->relation->connector && !column->generated && !column->metadata && !column->path)
		column->path = arena_printf(binder->arena, "$.\"%s\"", from);
	if (column->metadata && !column->metadata_key && !column->header) column->metadata_key = from;
	vec_push_in(binder->arena, &altering->renamed_from, from);
	vec_push_in(binder->arena, &altering->renamed_to, to->text);
	for (int i = 0; i < create->columns.count; i++) {
		rename_in_expr(create->columns.at[i].generated, from, to);
		for (int j = 0; j < create->columns.at[i].checks.count; j++) rename_in_expr(create->columns.at[i].checks.at[j], from, to);
	}
	for (int i = 0; i < create->constraints.count; i++) {
		AstConstraint *constraint = &create->constraints.at[i];
		for (int j = 0; j < constraint->columns.count; j++) rename_ident(&constraint->columns.at[j], from, to);
		rename_in_expr(constraint->check, from, to);
	}
	for (int i = 0; i < create->watermarks.count; i++) {
		rename_ident(&create->watermarks.at[i].column.parts.at[0], from, to);
		rename_in_expr(create->watermarks.at[i].expr, from, to);
	}
	column->name = *to;
}

static void drop_column(AstCreateRelation *create, const AstColumnDef *column)
{
	int at = (int)(column - create->columns.at);
	memmove(&create->columns.at[at], &create->columns.at[at + 1], sizeof *column * (size_t)(create->columns.count - at - 1));
	create->columns.count--;
}

/* ---- actions ---- */

static bool change_column(Altering *altering, AstCreateRelation *create, const AstAlterAction *action)
{
	AstColumnDef *column = find_column(altering, create, &action->name);
	if (!column) return false;
	switch (action->kind) {
	case AST_ALTER_DROP_COLUMN: drop_column(create, column); break;
	case AST_ALTER_RENAME_COLUMN: rename_column(altering, create, column, &action->new_name); break;
	case AST_ALTER_COLUMN_TYPE: column->type = action->type; break;
	case AST_ALTER_SET_NOT_NULL: column->not_null = true; column->null = false; break;
	case AST_ALTER_DROP_NOT_NULL: column->not_null = false; break;
	case AST_ALTER_SET_DEFAULT: column->default_value = action->column.default_value; break;
	case AST_ALTER_DROP_DEFAULT: column->default_value = NULL; break;
	default: break;
	}
	return true;
}

static bool set_options(Altering *altering, const AstOptions *given, OptionsOf of, AstOptions *out)
{
	Binder *binder = altering->binder;
	OptionSet old = {altering->relation->options, altering->relation->option_count}, options;
	if (!merge_options(binder, &old, given, of, &options)) return false;
	write_options(binder, &options, false, out);
	return true;
}

static bool reset_options(Altering *altering, const AstOptions *names, AstOptions *out)
{
	Binder *binder = altering->binder;
	OptionSet kept = {arena_array(binder->arena, Option, altering->relation->option_count + 1), 0};
	for (int i = 0; i < names->count; i++)
		if (!option_spec(names->at[i].name)) return error_set(binder->err, ERR_UNDEFINED_OBJECT, names->at[i].name_span, "unknown option \"%s\"", names->at[i].name);
	for (int i = 0; i < altering->relation->option_count; i++) {
		const Option *option = &altering->relation->options[i];
		bool named = false;
		for (int j = 0; j < names->count; j++) named |= strcmp(option_spec(names->at[j].name)->name, option->name) == 0;
		if (!named) kept.at[kept.count++] = *option;
	}
	write_options(binder, &kept, false, out);
	return true;
}

static bool alter_relation(Altering *altering, const AstAlterAction *action)
{
	Binder *binder = altering->binder;
	AstCreateRelation *create = altering->definition->create_relation;
	switch (action->kind) {
	case AST_ALTER_ADD_COLUMN:
		if (has_column(create, action->column.name.text)) {
			if (action->if_exists) return true;
			return error_set(binder->err, ERR_DUPLICATE_COLUMN, action->column.name.span, "%s \"%s\" has a column \"%s\" already",
				relation_kind_name(altering->relation->kind), altering->relation->name, action->column.name.text);
		}
		vec_push_in(binder->arena, &create->columns, action->column);
		return true;
	case AST_ALTER_ADD_CONSTRAINT:
		vec_push_in(binder->arena, &create->constraints, action->constraint);
		return true;
	case AST_ALTER_ADD_WATERMARK:
		create->watermarks.count = 0;
		vec_push_in(binder->arena, &create->watermarks, action->watermark);
		return true;
	case AST_ALTER_DROP_WATERMARK:
		create->watermarks.count = 0;
		return true;
	case AST_ALTER_SET_OPTIONS: return set_options(altering, &action->options, OPTIONS_OF_RELATION, &create->options);
	case AST_ALTER_RESET_OPTIONS: return reset_options(altering, &action->options, &create->options);
	case AST_ALTER_DROP_COLUMN:
		if (action->if_exists && !has_column(create, action->name.text)) return true;
		return change_column(altering, create, action);
	default: return change_column(altering, create, action);
	}
}

static AstOptions *query_options(Altering *altering)
{
	return altering->definition->kind == AST_STATEMENT_CREATE_VIEW ? &altering->definition->create_view->options : &altering->definition->create_sink->options;
}

static bool alter_query(Altering *altering, const AstAlterAction *action)
{
	OptionsOf of = altering->definition->kind == AST_STATEMENT_CREATE_VIEW ? OPTIONS_OF_VIEW : OPTIONS_OF_SINK;
	if (action->kind == AST_ALTER_SET_OPTIONS) return set_options(altering, &action->options, of, query_options(altering));
	if (action->kind == AST_ALTER_RESET_OPTIONS) return reset_options(altering, &action->options, query_options(altering));
	REFUSE(altering->binder, action->span, "this change of a %s", relation_kind_name(altering->relation->kind));
	return error_hint(altering->binder->err, "CREATE OR REPLACE gives it another query.");
}

static AstName *definition_name(Altering *altering)
{
	switch (altering->definition->kind) {
	case AST_STATEMENT_CREATE_RELATION: return &altering->definition->create_relation->name;
	case AST_STATEMENT_CREATE_VIEW: return &altering->definition->create_view->name;
	default: return &altering->definition->create_sink->name;
	}
}

static bool rename_relation(Altering *altering, const AstAlterAction *action)
{
	Binder *binder = altering->binder;
	const Relation *relation = altering->relation, *other = catalog_find(binder->catalog, action->new_name.text);
	if (other && other != relation)
		return error_set(binder->err, ERR_DUPLICATE_TABLE, action->new_name.span, "%s \"%s\" exists already", relation_kind_name(other->kind), other->name);
	Relation *dependants[1];
	bool alone = altering->ast->actions.count == 1;
	if (!alone && catalog_dependants(binder->catalog, relation->id, dependants, 1)) {
		error_set(binder->err, ERR_DEPENDENT_OBJECTS, action->new_name.span, "%s \"%s\" cannot be renamed: %s \"%s\" names it", relation_kind_name(relation->kind),
			relation->name, relation_kind_name(dependants[0]->kind), dependants[0]->name);
		return error_hint(binder->err, "Rename it in a statement of its own.");
	}
	definition_name(altering)->parts.at[0] = action->new_name;
	definition_name(altering)->parts.count = 1;
	return true;
}

static bool rebuild(Altering *altering, const AstAlterAction *action, BoundAlter *out)
{
	Binder *binder = altering->binder;
	const AstOptions *given = &action->options;
	if (!relation_is_maintained(altering->relation))
		return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, action->span, "%s \"%s\" cannot be rebuilt", relation_kind_name(altering->relation->kind), altering->relation->name);
	for (int o = 0; o < given->count; o++)
		if (strcmp(given->at[o].name, "start") != 0) return REFUSE(binder, given->at[o].name_span, "REBUILD with option \"%s\"", given->at[o].name);
	out->rebuild = true;
	out->starts_anew = given->count > 0;
	if (!given->count) return true;
	if (altering->definition->kind != AST_STATEMENT_CREATE_VIEW) return REFUSE(binder, action->span, "REBUILD of a %s from another start", relation_kind_name(altering->relation->kind));
	altering->changes = true;
	return set_options(altering, given, OPTIONS_OF_VIEW, query_options(altering));
}

static bool apply(Altering *altering, const AstAlterAction *action, BoundAlter *out)
{
	if (action->kind == AST_ALTER_REBUILD) return rebuild(altering, action, out);
	altering->changes = true;
	if (action->kind == AST_ALTER_RENAME_TO) {
		out->renames = altering->ast->actions.count == 1;
		out->new_name = action->new_name;
		return rename_relation(altering, action);
	}
	return altering->definition->kind == AST_STATEMENT_CREATE_RELATION ? alter_relation(altering, action) : alter_query(altering, action);
}

/* ---- the whole ---- */

static int old_column(const Altering *altering, const char *name)
{
	for (int i = altering->renamed_to.count - 1; i >= 0; i--)
		if (names_equal(altering->renamed_to.at[i], name)) name = altering->renamed_from.at[i];
	return relation_column_find(altering->relation, name);
}

/* ---- what still needs a column that is dropped ---- */

static bool expr_names(const AstExpr *e, const char *name)
{
	if (!e) return false;
	bool named = (e->kind == AST_COLUMN && names_equal(e->path.at[0].text, name)) || expr_names(e->operand, name) || expr_names(e->otherwise, name);
	for (int i = 0; !named && i < e->args.count; i++) named = expr_names(e->args.at[i], name);
	for (int i = 0; !named && e->call && i < e->call->arguments.count; i++) named = expr_names(e->call->arguments.at[i].value, name);
	return named;
}

static const char *needs_column(Altering *altering, const AstCreateRelation *create, const char *name)
{
	for (int i = 0; i < create->watermarks.count; i++)
		if (names_equal(create->watermarks.at[i].column.parts.at[0].text, name) || expr_names(create->watermarks.at[i].expr, name)) return "its watermark is made of it";
	for (int i = 0; i < create->columns.count; i++) {
		const AstColumnDef *column = &create->columns.at[i];
		if (expr_names(column->generated, name)) return arena_printf(altering->binder->arena, "column \"%s\" is computed from it", column->name.text);
		for (int j = 0; j < column->checks.count; j++)
			if (expr_names(column->checks.at[j], name)) return arena_printf(altering->binder->arena, "a check of column \"%s\" reads it", column->name.text);
	}
	for (int i = 0; i < create->constraints.count; i++)
		if (expr_names(create->constraints.at[i].check, name)) return "a check reads it";
	return NULL;
}

/* The definition as a whole is refused; where a dropped column is missing in it that is the reason to tell. */
static void tell_dropped(Altering *altering)
{
	Binder *binder = altering->binder;
	for (int i = 0; i < altering->ast->actions.count && altering->definition->kind == AST_STATEMENT_CREATE_RELATION; i++) {
		const AstAlterAction *action = &altering->ast->actions.at[i];
		const char *why = action->kind == AST_ALTER_DROP_COLUMN ? needs_column(altering, altering->definition->create_relation, action->name.text) : NULL;
		if (!why || has_column(altering->definition->create_relation, action->name.text)) continue;
		*binder->err = ERROR_INIT;
		error_set(binder->err, ERR_DEPENDENT_OBJECTS, action->name.span, "column \"%s\" of %s \"%s\" cannot be dropped: %s", action->name.text,
			relation_kind_name(altering->relation->kind), altering->relation->name, why);
		error_hint(binder->err, "Drop or change that in the same statement.");
		return;
	}
}

static bool make_replacement(Altering *altering, BoundAlter *out)
{
	Binder *binder = altering->binder;
	Relation *sink = NULL;
	bool done = make_definition(binder, altering->definition, &out->replacement, &out->query, &sink);
	if (!done) {
		binder->err->span = altering->ast->name.span;             /* it may point into the stored text */
		tell_dropped(altering);
		return false;
	}
	Relation *made = out->replacement;
	made->id = altering->relation->id;
	out->has_query = made->query_sql != NULL;
	out->same_reading = made->kind == altering->relation->kind && made->identity && altering->relation->identity
		&& strcmp(made->identity, altering->relation->identity) == 0;
	int *from = arena_array(binder->arena, int, made->column_count + 1);
	for (int i = 0; i < made->column_count; i++) from[i] = old_column(altering, made->columns[i].name);
	out->column_from = from;
	if (made->kind == altering->relation->kind) return true;
	error_set(binder->err, ERR_INVALID_DEFINITION, altering->ast->name.span, "%s \"%s\" would become a %s", relation_kind_name(altering->relation->kind),
		altering->relation->name, relation_kind_name(made->kind));
	return error_hint(binder->err, "DROP it and CREATE it anew.");
}

static bool find_altered(Altering *altering, BoundAlter *out)
{
	Binder *binder = altering->binder;
	const AstAlter *ast = altering->ast;
	altering->relation = out->relation = find_relation(binder, &ast->name, false);
	if (!altering->relation) return ast->if_exists || find_relation_error(binder, &ast->name);
	if (!kind_fits(ast->kind, altering->relation))
		return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, ast->name.span, "\"%s\" is a %s", altering->relation->name, relation_kind_name(altering->relation->kind));
	const char *sql = altering->relation->sql;
	altering->definition = sql ? parse_statement(sql, 0, strlen(sql), binder->arena, binder->err) : NULL;
	if (altering->definition) return true;
	*binder->err = ERROR_INIT;
	return error_set(binder->err, ERR_INTERNAL, ast->name.span, "the definition of \"%s\" cannot be read back", altering->relation->name);
}

bool bind_alter(Binder *binder, AstStatement *statement)
{
	BoundAlter *out = &binder->out->alter;
	Altering altering = {.binder = binder, .ast = statement->alter};
	binder->out->kind = BOUND_ALTER;
	*out = (BoundAlter){.ast = statement->alter, .cascade = statement->alter->cascade};
	if (!find_altered(&altering, out)) return false;
	if (!altering.relation) {
		notice(binder, "\"%s\" does not exist: nothing to alter", ast_name_last(&statement->alter->name).text);
		return true;
	}
	for (int i = 0; i < statement->alter->actions.count; i++)
		if (!apply(&altering, &statement->alter->actions.at[i], out)) return false;
	return !altering.changes || make_replacement(&altering, out);
}
