/* ALTER of local streams and tables: the rows that they keep, in the form of the new definition. New columns have their DEFAULT or are computed,
 * a column of another type is converted as INSERT would, and what the definition now demands is tested; a row that cannot be makes the statement fail. */
#include <string.h>
#include <strings.h>

#include "expr/cast.h"

#include "engine/redefine.h"
#include "type/text.h"

typedef enum Origin { ORIGIN_COPY, ORIGIN_CAST, ORIGIN_DEFAULT, ORIGIN_COMPUTED } Origin;

typedef struct Shape {
	const Redefinition *redefinition;
	const Relation *made;
	Origin *origins;
	Type *types;
	Arena arena;
} Shape;

static Origin origin_of(const Redefinition *redefinition, int column)
{
	const RelationColumn *made = &redefinition->made->columns[column];
	if (redefine_same_column(redefinition, column)) return ORIGIN_COPY;
	if (made->kind == COLUMN_COMPUTED) return ORIGIN_COMPUTED;
	return redefinition->column_from[column] >= 0 ? ORIGIN_CAST : ORIGIN_DEFAULT;
}

static bool cannot_convert(const Shape *shape, int column, const Value *value, Error *err)
{
	StrBuf text = STRBUF_INIT, type = STRBUF_INIT;
	value_print_sql(value, &text);
	type_print(shape->types[column], &type);
	error_set(err, ERR_INVALID_TEXT, SPAN_NONE, "column \"%s\" of %s \"%s\" cannot be %s: a row has %.200s", shape->made->columns[column].name,
		relation_kind_name(shape->made->kind), shape->made->name, type.text, text.text);
	strbuf_release(&text);
	strbuf_release(&type);
	return false;
}

/* The row as the expressions of the relation see it: its inputs. */
static Batch *inputs_of(const Shape *shape, const Value *row)
{
	const Relation *made = shape->made;
	BatchBuilder builder;
	batch_builder_init(&builder, shape->types, made->column_count, 1);
	int at = batch_builder_row(&builder, 1);
	for (int c = 0; c < made->column_count; c++) batch_builder_set(&builder, at, c, &row[c]);
	Batch *stored = batch_builder_take(&builder), *inputs = batch_derive(stored, made->input_count);
	batch_builder_release(&builder);
	inputs->rows = inputs->count = 1;
	inputs->system_us = engine_now(shape->redefinition->engine);
	for (int i = 0; i < made->input_count; i++) inputs->columns[i] = stored->columns[made->inputs[i].path.column];
	batch_unref(stored);
	return inputs;
}

static Value evaluate(const Shape *shape, Expr *e, const Value *row, Arena *arena)
{
	const Relation *made = shape->made;
	Batch *inputs = inputs_of(shape, row);
	ColumnId *layout = arena_array(arena, ColumnId, made->input_count + 1);
	for (int i = 0; i < made->input_count; i++) layout[i] = i + 1;
	ExprProgram *program = expr_compile(arena, e, layout, made->input_count);
	Column result = expr_eval(program, inputs, arena);
	Value value = column_value(&result, 0);
	if (!value.is_null && type_phys(value.type) == PHYS_STR) value.str = str_copy(arena, str_at(&value.str), value.str.bytes);
	expr_program_release(program);
	batch_unref(inputs);
	return value;
}

static bool test_row(const Shape *shape, const Value *row, Arena *arena, Error *err)
{
	const Relation *made = shape->made;
	for (int c = 0; c < made->column_count; c++)
		if (row[c].is_null && made->columns[c].not_null)
			return error_set(err, ERR_NOT_NULL_VIOLATION, SPAN_NONE, "column \"%s\" of %s \"%s\" cannot be NOT NULL: there are rows without a value", made->columns[c].name,
				relation_kind_name(made->kind), made->name) || error_hint(err, "A DEFAULT gives them one.");
	for (int k = 0; k < made->check_count; k++) {
		Value holds = evaluate(shape, made->checks[k].condition, row, arena);
		if (!holds.is_null && !holds.i64)
			return error_set(err, ERR_CHECK_VIOLATION, SPAN_NONE, "a row of %s \"%s\" breaks CHECK (%s)", relation_kind_name(made->kind), made->name, made->checks[k].sql);
	}
	return true;
}

static bool convert_row(void *context, const Value *old, Value *new, Arena *arena, Error *err)
{
	const Shape *shape = context;
	const Relation *made = shape->made;
	const int *from = shape->redefinition->column_from;
	for (int c = 0; c < made->column_count; c++) {
		new[c] = (Value){.type = shape->types[c], .is_null = true};
		if (shape->origins[c] == ORIGIN_COPY) new[c] = old[from[c]];
		else if (shape->origins[c] == ORIGIN_CAST && !old[from[c]].is_null && !value_cast(&old[from[c]], shape->types[c], CAST_ASSIGN, &new[c], arena))
			return cannot_convert(shape, c, &old[from[c]], err);
	}
	for (int c = 0; c < made->column_count; c++) {
		Expr *value = shape->origins[c] == ORIGIN_DEFAULT ? made->columns[c].default_value : shape->origins[c] == ORIGIN_COMPUTED ? made->columns[c].computed : NULL;
		if (value) new[c] = evaluate(shape, value, new, arena);
	}
	return test_row(shape, new, arena, err);
}

/* A table stays what its key says it is. */
bool engine_check_key(const Redefinition *redefinition, Error *err)
{
	const Relation *old = redefinition->old, *made = redefinition->made;
	bool same = old->primary_key_count == made->primary_key_count;
	for (int k = 0; same && k < made->primary_key_count; k++) same = redefinition->column_from[made->primary_key[k]] == old->primary_key[k];
	if (same) return true;
	return error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "the primary key of %s \"%s\" cannot be changed", relation_kind_name(old->kind), old->name)
		|| error_hint(err, "Make another table and INSERT INTO it SELECT from this one.");
}

static bool put_in_place(const Redefinition *redefinition, const StoreTableSpec *spec, Error *err)
{
	Engine *engine = redefinition->engine;
	StoreTableSpec beside = *spec;
	StrBuf name = STRBUF_INIT;
	strbuf_printf(&name, "weir_building_%lld", (long long)spec->id);
	beside.name = name.text;
	StoreTable *built = store_table_open(engine->store, &beside, err);
	strbuf_release(&name);
	if (!built) return false;
	bool ok = store_table_take_name(engine->store, built, redefinition->old->name, engine->config.notice, engine->config.context, err)
		&& (strcasecmp(spec->name, redefinition->old->name) == 0 || store_table_rename(engine->store, built, spec->name, err)) && engine_create_uniques(engine, redefinition->made, err);
	store_table_close(built);
	return ok;
}

/* Nothing of the rows, nor of what is demanded of them, has changed. */
static bool is_as_it_was(const Redefinition *redefinition, const Shape *shape)
{
	const Relation *old = redefinition->old, *made = redefinition->made;
	bool same = old->column_count == made->column_count && old->check_count == made->check_count && old->unique_count == made->unique_count
		&& strcmp(old->name, made->name) == 0;
	for (int c = 0; same && c < made->column_count; c++)
		same = shape->origins[c] == ORIGIN_COPY && redefinition->column_from[c] == c && strcmp(old->columns[c].name, made->columns[c].name) == 0
			&& made->columns[c].not_null == old->columns[c].not_null;
	for (int k = 0; same && k < made->check_count; k++) same = strcmp(old->checks[k].sql, made->checks[k].sql) == 0;
	for (int u = 0; same && u < made->unique_count; u++)
		same = old->uniques[u].count == made->uniques[u].count && memcmp(old->uniques[u].columns, made->uniques[u].columns, sizeof(int) * (size_t)made->uniques[u].count) == 0;
	return same;
}

bool engine_reshape(const Redefinition *redefinition, Error *err)
{
	Engine *engine = redefinition->engine;
	const Relation *made = redefinition->made;
	Shape shape = {.redefinition = redefinition, .made = made};
	arena_init(&shape.arena, 0);
	shape.origins = arena_array(&shape.arena, Origin, made->column_count + 1);
	shape.types = arena_array(&shape.arena, Type, made->column_count + 1);
	for (int c = 0; c < made->column_count; c++) {
		shape.types[c] = made->columns[c].type;
		shape.origins[c] = origin_of(redefinition, c);
	}
	StoreTable *table = NULL;
	if (is_as_it_was(redefinition, &shape) || !(table = engine_table(engine, redefinition->old, err))) {
		arena_release(&shape.arena);
		return err->code == ERR_NONE;
	}
	StoreTableSpec spec = engine_table_spec(made, &shape.arena);
	bool ok = store_table_reshape(engine->store, table, &spec, convert_row, &shape, err);
	engine_forget_table(engine, made->id);
	store_table_close(table);
	ok = ok && put_in_place(redefinition, &spec, err);
	arena_release(&shape.arena);
	return ok;
}
