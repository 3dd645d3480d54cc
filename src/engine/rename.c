/* ALTER ... RENAME TO: the relation, its table in the file, and the texts of all that names it. Nothing is read otherwise than before, so that all
 * goes on from where it is: their plans are compared, and what would be another one (the new name means something else there) is refused. */
#include <stdio.h>

#include "engine/internal.h"

/* The table in the file, of local relations and of what is kept up to date */
static bool rename_table(Engine *engine, const Relation *old, const Relation *made, Error *err)
{
	bool local = has_table(old);
	if (!local && !relation_is_maintained(old)) return true;
	StoreTable *table = local ? engine_table(engine, old, err) : runtime_table(engine->runtime, old->id);
	if (!table) {
		if (err->code) return false;
		return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "%s \"%s\" cannot be renamed while it is not live", relation_kind_name(old->kind), old->name)
			|| error_hint(err, "Wait until it is (SHOW VIEWS), or RESUME it.");
	}
	bool ok = store_table_rename(engine->store, table, made->name, err);
	if (local) {
		engine_forget_table(engine, old->id);
		store_table_close(table);
	}
	return ok;
}

/* Their hashes hold the names of what they scan, so operators and scans are compared. */
static bool is_same_plan(const Lowered *a, const Lowered *b)
{
	bool same = a->ops.count == b->ops.count && a->scans.count == b->scans.count && a->column_count == b->column_count;
	for (int o = 0; same && o < a->ops.count; o++) same = a->ops.at[o]->class == b->ops.at[o]->class;
	for (int s = 0; same && s < a->scans.count; s++)
		same = a->scans.at[s].relation->id == b->scans.at[s].relation->id && a->scans.at[s].column_count == b->scans.at[s].column_count;
	for (int c = 0; same && c < a->column_count; c++) same = type_equal(a->types[c], b->types[c]);
	return same;
}

/* It goes on with its state: what is kept of its plan says so from now on under the new name. */
static bool keep_plan(Engine *engine, Catalog *trial, Relation *old, Relation *made, bool *same, Error *err)
{
	Lowered *before = NULL, *after = NULL;
	bool ok = engine_lower_on(engine->catalog, old, &before, err) && engine_lower_on(trial, made, &after, err);
	*same = ok && is_same_plan(before, after);
	if (*same) facts_from_lowered(made, after);
	lowered_free(before, true);
	lowered_free(after, true);
	return ok;
}

static bool cannot_follow(const Relation *old, const Relation *dependant, Error *err)
{
	char why[ERROR_MESSAGE_BYTES];
	snprintf(why, sizeof why, "%s", err->code ? err->message : "the new name means something else in it");
	*err = ERROR_INIT;
	return error_set(err, ERR_DEPENDENT_OBJECTS, SPAN_NONE, "%s \"%s\" cannot be renamed: %s \"%s\" would not hold any more: %.600s", relation_kind_name(old->kind), old->name,
		relation_kind_name(dependant->kind), dependant->name, why) || error_hint(err, "DROP it or change it first.");
}

/* The dependant with the new name in its text, bound on the trial catalog, which takes it. */
static Relation *follow(Engine *engine, const BoundAlter *alter, Catalog *trial, Relation *dependant, Arena *arena, Error *err)
{
	PlanContext context = {.arena = arena};
	BindSettings settings = {.stored = true};
	const char *text = bind_renamed_text(dependant->sql, alter->relation, alter->new_name, engine->catalog, &context, err);
	Relation *made = text ? bind_relation_text(text, dependant->id, trial, &settings, &context, NULL, err) : NULL;
	if (!made) return cannot_follow(alter->relation, dependant, err), NULL;
	facts_copy(made, dependant);
	bool same = made->kind == dependant->kind && made->depend_count == dependant->depend_count;
	if (same && relation_has_pipeline(dependant)) same = keep_plan(engine, trial, dependant, made, &same, err) && same;
	if (!same) {
		relation_unref(made);
		return cannot_follow(alter->relation, dependant, err), NULL;
	}
	catalog_add(trial, relation_ref(made));
	return made;
}

typedef VEC(Relation *) Followers;

static bool follow_all(Engine *engine, const BoundAlter *alter, Followers *followers, Arena *arena, Error *err)
{
	Catalog *trial = catalog_copy(engine->catalog, false);
	catalog_add(trial, relation_ref(alter->replacement));
	bool ok = true;
	for (int r = 0; ok && r < engine->catalog->relations.count; r++) {
		Relation *relation = engine->catalog->relations.at[r];
		bool depends = false;
		for (int d = 0; d < relation->depend_count; d++) depends |= relation->depends[d] == alter->relation->id;
		if (!depends || relation->id == alter->relation->id) continue;
		Relation *made = refuse_while_replaced(engine, relation, err) ? follow(engine, alter, trial, relation, arena, err) : NULL;
		ok = made != NULL;
		if (made) vec_push_in(arena, followers, made);
	}
	catalog_free(trial);
	return ok;
}

bool rename_relation(Session *session, BoundAlter *alter, Error *err)
{
	Engine *engine = session->engine;
	Relation *made = alter->replacement;
	Followers followers = {0};
	Arena arena;
	arena_init(&arena, 0);
	made->id = alter->relation->id;
	facts_copy(made, alter->relation);
	bool ok = refuse_while_replaced(engine, alter->relation, err) && follow_all(engine, alter, &followers, &arena, err)
		&& runtime_start(engine->runtime, err) && begin_definition(session, err) && rename_table(engine, alter->relation, made, err) && put_catalog(session, made, err);
	for (int f = 0; ok && f < followers.count; f++) ok = put_catalog(session, followers.at[f], err);
	for (int f = 0; f < followers.count; f++) {
		if (ok) catalog_add(engine->catalog, followers.at[f]);
		else relation_unref(followers.at[f]);
	}
	if (ok) {
		catalog_add(engine->catalog, made);
		alter->replacement = NULL;
		engine->runtime->restart_wanted = true;
	}
	arena_release(&arena);
	return ok;
}
