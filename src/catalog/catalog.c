/* Relations lie in one list in the order of their creation: there are tens of them, seldom hundreds, and statements that name one are
 * rare against rows. A hash table would have to be kept in step with renames for nothing that can be measured. */
#include "catalog/catalog.h"

#include <assert.h>
#include <strings.h>

#include "base/nearest.h"

static int position_of(const Catalog *catalog, int64_t id)
{
	for (int i = 0; i < catalog->relations.count; i++)
		if (catalog->relations.at[i]->id == id) return i;
	return -1;
}

static bool depends_on(const Relation *relation, int64_t id)
{
	for (int i = 0; i < relation->depend_count; i++)
		if (relation->depends[i] == id) return true;
	return false;
}

Catalog *catalog_new(void) { return mem_new(Catalog); }

void catalog_free(Catalog *catalog)
{
	if (!catalog) return;
	for (int i = 0; i < catalog->relations.count; i++) relation_unref(catalog->relations.at[i]);
	vec_release(&catalog->relations);
	free(catalog);
}

Catalog *catalog_copy(const Catalog *catalog, bool with_pending)
{
	Catalog *copy = catalog_new();
	copy->version = catalog->version;
	copy->shows_pending = with_pending;
	copy->rules_off = catalog->rules_off;
	for (int i = 0; i < catalog->relations.count; i++) {
		Relation *relation = catalog->relations.at[i];
		if (with_pending && catalog_pending(catalog, relation->id)) continue;
		vec_push(&copy->relations, relation_ref(relation));
	}
	return copy;
}

Relation *catalog_pending(const Catalog *catalog, int64_t id)
{
	for (int i = 0; i < catalog->relations.count; i++)
		if (catalog->relations.at[i]->replaces == id) return catalog->relations.at[i];
	return NULL;
}

Relation *relation_new(RelationKind kind, const char *name)
{
	Relation *relation = mem_new(Relation);
	relation->refs = 1;
	relation->kind = kind;
	relation->watermark_column = -1;
	arena_init(&relation->arena, 0);
	relation->name = arena_strdup(&relation->arena, name);
	return relation;
}

Relation *relation_ref(Relation *relation)
{
	relation->refs++;
	return relation;
}

void relation_unref(Relation *relation)
{
	if (!relation || --relation->refs > 0) return;
	assert(relation->refs == 0);
	relation_unref(relation->derived_from);
	for (int i = 0; i < relation->hinted_count; i++) relation_unref(relation->hinted[i]);
	Arena arena = relation->arena;
	arena_release(&arena);
	free(relation);
}

Relation *catalog_find(const Catalog *catalog, const char *name)
{
	for (int i = 0; i < catalog->relations.count; i++)
		if ((catalog->shows_pending || !catalog->relations.at[i]->replaces) && strcasecmp(catalog->relations.at[i]->name, name) == 0) return catalog->relations.at[i];
	return NULL;
}

Relation *catalog_find_id(const Catalog *catalog, int64_t id)
{
	int at = position_of(catalog, id);
	return at < 0 ? NULL : catalog->relations.at[at];
}

const char *catalog_nearest(const Catalog *catalog, const char *name)
{
	Nearest nearest;
	nearest_init(&nearest, name);
	for (int i = 0; i < catalog->relations.count; i++) nearest_offer(&nearest, catalog->relations.at[i]->name);
	return nearest.best;
}

void catalog_add(Catalog *catalog, Relation *relation)
{
	assert(relation->id > 0);
	catalog->version++;
	int at = position_of(catalog, relation->id);
	if (at < 0) {
		vec_push(&catalog->relations, relation);
		return;
	}
	Relation *old = catalog->relations.at[at];
	catalog->relations.at[at] = relation;
	relation_unref(old);
}

void catalog_remove(Catalog *catalog, int64_t id)
{
	int at = position_of(catalog, id);
	if (at < 0) return;
	catalog->version++;
	Relation *old = catalog->relations.at[at];
	catalog->relations.count--;
	memmove(&catalog->relations.at[at], &catalog->relations.at[at + 1], sizeof old * (size_t)(catalog->relations.count - at));
	relation_unref(old);
}

int catalog_dependants(const Catalog *catalog, int64_t id, Relation **out, int room)
{
	int count = 0;
	for (int i = 0; i < catalog->relations.count; i++) {
		Relation *relation = catalog->relations.at[i];
		if (relation->id == id || !depends_on(relation, id)) continue;
		if (count < room) out[count] = relation;
		count++;
	}
	return count;
}

const char *relation_option(const Relation *relation, const char *name)
{
	OptionSet set = {relation->options, relation->option_count};
	const Option *option = options_find(&set, name);
	return option ? option->value : NULL;
}

ColumnPath column_path_inner(Arena *arena, ColumnPath outer, const char *field)
{
	ColumnPath inner = {outer.column, arena_array(arena, const char *, outer.field_count + 1), outer.field_count + 1};
	if (outer.field_count) memcpy(inner.fields, outer.fields, sizeof *outer.fields * (size_t)outer.field_count);
	inner.fields[outer.field_count] = field;
	return inner;
}

int relation_column_find(const Relation *relation, const char *name)
{
	int found = -1, fits = 0;
	for (int i = 0; i < relation->column_count; i++) {
		if (strcmp(relation->columns[i].name, name) == 0) return i;
		if (strcasecmp(relation->columns[i].name, name) != 0) continue;
		found = i;
		fits++;
	}
	return fits == 1 ? found : -1;
}

const char *relation_kind_name(RelationKind kind)
{
	switch (kind) {
	case RELATION_STREAM: return "stream";
	case RELATION_TABLE: return "table";
	case RELATION_VIEW: return "view";
	case RELATION_MATERIALIZED: return "materialized view";
	case RELATION_SINK: return "sink";
	}
	return "relation";
}

bool relation_is_local(const Relation *relation)
{
	return (relation->kind == RELATION_STREAM || relation->kind == RELATION_TABLE) && !relation->connector;
}

bool relation_is_changelog(const Relation *relation) { return relation->kind == RELATION_TABLE && relation->connector; }

bool relation_is_maintained(const Relation *relation) { return relation->kind == RELATION_MATERIALIZED || relation_is_changelog(relation); }

bool relation_same_columns(const Relation *a, const Relation *b)
{
	bool same = a->column_count == b->column_count;
	for (int c = 0; same && c < a->column_count; c++) same = strcmp(a->columns[c].name, b->columns[c].name) == 0 && type_equal(a->columns[c].type, b->columns[c].type);
	return same;
}

bool relation_has_pipeline(const Relation *relation)
{
	return relation_is_maintained(relation) || (relation->kind == RELATION_SINK && relation->query_sql);
}
