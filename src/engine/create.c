/* CREATE, ALTER, DROP: definitions in the catalog, their tables in the file, their pipelines in the runtime; one commit each. */
#include <stdio.h>
#include <strings.h>

#include "engine/internal.h"

static const char *upper(const Session *session, const char *text)
{
	char *out = arena_strdup((Arena *)(uintptr_t)&session->arena, text);
	for (char *c = out; *c; c++) *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	return out;
}

/* Outside of a transaction what others gathered goes into the file first, so that this statement can be undone alone. */
static bool begin_definition(Session *session, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (!session->transaction && !runtime_flush(runtime, err)) return false;
	return runtime_file_begin(runtime, err);
}

static bool end_definition(Session *session, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	session->engine->catalog->version++;
	return session->transaction || runtime_flush(runtime, err);
}

static bool put_catalog(Session *session, Relation *relation, Error *err)
{
	Engine *engine = session->engine;
	StoreCatalogRow row = {
		.id = relation->id, .kind = relation_kind_name(relation->kind), .name = relation->name, .sql = relation->sql, .state = "live",
		.extra = facts_print(relation, &session->arena),
	};
	if (!store_catalog_put(engine->store, &row, err)) return false;
	relation->id = row.id;
	return true;
}

/* A relation of its own table: local streams and tables. */
static bool has_table(const Relation *relation)
{
	return relation_is_local(relation) && (relation->kind == RELATION_STREAM || relation->kind == RELATION_TABLE);
}

/* Options that are known, but whose meaning nobody gives yet: refused rather than passed over. */
static bool refuse_options(const Relation *relation, Error *err)
{
	static const char *const REFUSED[] = {"state_limit", NULL};
	for (int o = 0; REFUSED[o]; o++)
		if (relation_option(relation, REFUSED[o]))
			return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "option \"%s\" of %s \"%s\" is not supported", REFUSED[o], relation_kind_name(relation->kind), relation->name);
	return true;
}

static bool create_pipeline(Session *session, BoundCreate *create, Error *err)
{
	Engine *engine = session->engine;
	Relation *relation = create->relation;
	if (!runtime_start(engine->runtime, err)) return false;
	if (session->transaction && engine->runtime->gathering && !runtime_flush(engine->runtime, err)) return false;
	session->context->result_is_final = create->relation->kind == RELATION_SINK;
	Lowered *lowered = relation_is_changelog(relation) ? plan_lower_changelog(relation) : engine_lower(session, session->context, create->query.plan, err);
	if (!lowered) return false;
	facts_from_lowered(relation, lowered);
	if (!retention_check(relation, err) || !begin_definition(session, err) || !put_catalog(session, relation, err)) {
		lowered_free(lowered, true);
		return false;
	}
	catalog_add(engine->catalog, relation);
	create->relation = NULL;
	if (!runtime_create(engine->runtime, relation, lowered, err)) {
		catalog_remove(engine->catalog, relation->id);
		return false;
	}
	return true;
}

static bool create_relation(Session *session, BoundCreate *create, Error *err)
{
	Engine *engine = session->engine;
	Relation *relation = create->relation;
	if (!retention_check(relation, err) || !begin_definition(session, err) || !put_catalog(session, relation, err)) return false;
	catalog_add(engine->catalog, relation);
	create->relation = NULL;
	if (has_table(relation) && !engine_create_table(engine, relation, err)) {
		catalog_remove(engine->catalog, relation->id);
		return false;
	}
	return true;
}

static bool refuse_dependants(Engine *engine, const Relation *relation, Error *err)
{
	Relation *dependants[1];
	if (catalog_dependants(engine->catalog, relation->id, dependants, 1) == 0) return true;
	return error_set(err, ERR_DEPENDENT_OBJECTS, SPAN_NONE, "%s \"%s\" cannot be replaced: %s \"%s\" reads it", relation_kind_name(relation->kind), relation->name,
			relation_kind_name(dependants[0]->kind), dependants[0]->name)
		|| error_hint(err, "DROP what reads it first, or give the new one another name.");
}

static bool drop_relation(Engine *engine, Relation *relation, Error *err)
{
	if (relation_has_pipeline(relation)) {
		if (!runtime_start(engine->runtime, err) || !runtime_drop(engine->runtime, relation, err)) return false;
	}
	else if (has_table(relation)) {
		StoreTable *table = engine_table(engine, relation, err);
		if (!table || !store_table_drop(engine->store, table, err)) return false;
		engine_forget_table(engine, relation->id);
	}
	if (!store_catalog_remove(engine->store, relation->id, err)) return false;
	catalog_remove(engine->catalog, relation->id);
	return true;
}

static bool replace(Session *session, BoundCreate *create, Error *err)
{
	if (!refuse_dependants(session->engine, create->existing, err)) return false;
	if (relation_has_pipeline(create->existing) && !runtime_start(session->engine->runtime, err)) return false;
	if (!begin_definition(session, err) || !drop_relation(session->engine, create->existing, err)) return false;
	create->relation->id = 0;
	return relation_has_pipeline(create->relation) ? create_pipeline(session, create, err) : create_relation(session, create, err);
}

/* Options that change no answer are taken over: brokers, credentials, rates. Readers are made anew with them. */
static bool take_over_options(Session *session, BoundCreate *create, Error *err)
{
	Engine *engine = session->engine;
	Relation *relation = create->relation;
	relation->id = create->existing->id;
	facts_copy(relation, create->existing);
	if (!retention_check(relation, err) || !begin_definition(session, err) || !put_catalog(session, relation, err)) return false;
	catalog_add(engine->catalog, relation);
	create->relation = NULL;
	engine->runtime->restart_wanted = engine->runtime->started;
	return true;
}

static bool check_tells(Session *session, const BoundCreate *create)
{
	static const char *const OUTCOMES[] = {"new", "same", "options", "replaced", "same"};
	const Relation *relation = create->relation ? create->relation : create->existing;
	session_done(session, "%-8s %s %s", OUTCOMES[create->outcome], relation ? relation_kind_name(relation->kind) : "", relation ? relation->name : "");
	return true;
}

bool run_create(Session *session, BoundStatement *bound, Error *err)
{
	BoundCreate *create = &bound->create;
	const Relation *named = create->relation ? create->relation : create->existing;
	const char *kind = named ? relation_kind_name(named->kind) : "relation";
	bool insert = bound->ast->kind == AST_STATEMENT_INSERT, ok = true;
	if (create->relation && !refuse_options(create->relation, err)) return false;
	if (session->check) check_tells(session, create);
	switch (create->outcome) {
	case CREATE_EXISTS: case CREATE_SAME:
		if (!session->check && named) session_notice(session, "%s \"%s\" is there already with this definition", kind, named->name);
		return true;
	case CREATE_OPTIONS: ok = take_over_options(session, create, err); break;
	case CREATE_REPLACE: ok = replace(session, create, err); break;
	case CREATE_NEW: ok = relation_has_pipeline(create->relation) ? create_pipeline(session, create, err) : create_relation(session, create, err); break;
	}
	if (!ok || !end_definition(session, err)) return false;
	if (session->check) return true;
	session_done(session, insert ? "INSERT" : "CREATE %s", upper(session, kind));
	return true;
}

/* ---- DROP ---- */

bool run_drop(Session *session, BoundStatement *bound, Error *err)
{
	Engine *engine = session->engine;
	BoundDrop *drop = &bound->drop;
	for (int m = 0; m < drop->missing_count; m++) session_notice(session, "\"%s\" does not exist, skipping", drop->missing[m]);
	if (drop->count) {
		if (!runtime_start(engine->runtime, err) || !begin_definition(session, err)) return false;
		for (int r = 0; r < drop->count; r++)
			if (!drop_relation(engine, drop->relations[r], err)) return false;
		if (!end_definition(session, err)) return false;
	}
	session_done(session, "DROP");
	return true;
}

/* ---- indexes: SQLite's own, on the tables in the file ---- */

bool run_create_index(Session *session, BoundStatement *bound, Error *err)
{
	BoundIndex *index = &bound->index;
	StrBuf sql = STRBUF_INIT;
	strbuf_printf(&sql, "CREATE %sINDEX %s", index->unique ? "UNIQUE " : "", index->if_not_exists ? "IF NOT EXISTS " : "");
	strbuf_add_sql_ident(&sql, index->name);
	strbuf_adds(&sql, " ON ");
	strbuf_add_sql_ident(&sql, index->relation->name);
	for (int t = 0; t < index->term_count; t++) {
		strbuf_adds(&sql, t ? ", " : " (");
		strbuf_add_sql_ident(&sql, index->relation->columns[index->terms[t].column].name);
		if (index->terms[t].descending) strbuf_adds(&sql, " DESC");
	}
	strbuf_adds(&sql, ")");
	if (index->where_sql) strbuf_printf(&sql, " WHERE %s", index->where_sql);
	bool ok = begin_definition(session, err) && store_execute(session->engine->store, sql.text, err) && end_definition(session, err);
	strbuf_release(&sql);
	if (ok) session_done(session, "CREATE INDEX");
	return ok;
}

/* ---- ALTER ---- */

static bool alter_in_place(Session *session, BoundAlter *alter, Error *err)
{
	Engine *engine = session->engine;
	Relation *replacement = alter->replacement;
	replacement->id = alter->relation->id;
	facts_copy(replacement, alter->relation);
	if (!retention_check(replacement, err) || !begin_definition(session, err) || !put_catalog(session, replacement, err)) return false;
	catalog_add(engine->catalog, replacement);
	alter->replacement = NULL;
	engine->runtime->restart_wanted = engine->runtime->started;
	return end_definition(session, err);
}

bool run_alter(Session *session, BoundStatement *bound, Error *err)
{
	BoundAlter *alter = &bound->alter;
	Engine *engine = session->engine;
	if (!alter->relation) {
		session_notice(session, "there is no such relation, skipping");
		session_done(session, "ALTER");
		return true;
	}
	bool ok;
	if (alter->rebuild) ok = runtime_start(engine->runtime, err) && begin_definition(session, err) && runtime_rebuild(engine->runtime, alter->relation, err) && end_definition(session, err);
	else if (alter->same_reading && alter->replacement) ok = alter_in_place(session, alter, err);
	else {
		Relation *dependants[1];
		bool local = has_table(alter->relation);
		if (!local && !relation_has_pipeline(alter->relation) && catalog_dependants(engine->catalog, alter->relation->id, dependants, 1) == 0) ok = alter_in_place(session, alter, err);
		else return error_set(err, ERR_UNSUPPORTED, bound->ast->span, "ALTER of %s \"%s\" that changes how it is read, %s", relation_kind_name(alter->relation->kind),
			alter->relation->name, local ? "a local relation" : "while views read it");
	}
	if (ok) session_done(session, "ALTER");
	return ok;
}
