/* CREATE, ALTER, DROP: definitions in the catalog, their tables in the file, their pipelines in the runtime; one commit each. */
#include <assert.h>
#include <stdio.h>
#include <strings.h>

#include "base/log.h"
#include "engine/redefine.h"
#include "run/deliver.h"
#include "run/starts.h"

static const char *upper(const Session *session, const char *text)
{
	char *out = arena_strdup((Arena *)(uintptr_t)&session->arena, text);
	for (char *c = out; *c; c++) *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	return out;
}

bool begin_definition(Session *session, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (!session->transaction && !session->undoable && !runtime_flush(runtime, err)) return false;
	session->undoable = !session->transaction;
	session->begun = true;
	return runtime_file_begin(runtime, err);
}

static bool end_definition(Session *session, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	session->engine->catalog->version++;
	return session->transaction || runtime_flush(runtime, err);
}

bool put_catalog(Session *session, Relation *relation, Error *err)
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
bool has_table(const Relation *relation)
{
	return relation_is_local(relation) && (relation->kind == RELATION_STREAM || relation->kind == RELATION_TABLE);
}

/* The text that is kept must give the plan that was made of the statement: at the next start state is loaded into what it gives. */
static void verify_kept_plan(Session *session, Relation *relation)
{
#ifndef NDEBUG
	Lowered *again = NULL;
	Error err = ERROR_INIT;
	bool ok = engine_lower_view(session->engine, relation, &again, &err);
	if (!ok || again->is_other) fprintf(stderr, "%s\n%s\n", relation->sql, err.message);
	assert(ok && !again->is_other);
	lowered_free(again, true);
#else
	(void)session;
	(void)relation;
#endif
}

/* Not where a sink is opened: those of older files go on. */
static bool check_written(Session *session, const Relation *relation, const Lowered *lowered, Error *err)
{
	const Catalog *catalog = session->engine->catalog;
	EncoderConfig written;
	if (relation->kind != RELATION_SINK || sink_forgets(sink_target(catalog, relation))) return true;
	if (!written_by(catalog, relation, lowered, &session->arena, &written, err)) return false;
	if (!encoder_hides_op(&written)) return true;
	error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "sink \"%s\" cannot have a column \"op\": so is called what it says of each row, +I, -U, +U or -D", relation->name);
	return error_hint(err, "Name it otherwise with AS.");
}

static bool create_pipeline(Session *session, BoundCreate *create, Error *err)
{
	Engine *engine = session->engine;
	Relation *relation = create->relation;
	if (!runtime_start(engine->runtime, err)) return false;
	for (int d = 0; d < relation->depend_count; d++) {
		const Relation *below = catalog_find_id(engine->catalog, relation->depends[d]);
		if (below && !refuse_while_replaced(engine, below, err)) return false;
	}
	if (session->transaction && engine->runtime->gathering && !runtime_flush(engine->runtime, err)) return false;
	session->context->result_is_final = create->relation->kind == RELATION_SINK;
	Lowered *lowered = relation_is_changelog(relation) ? plan_lower_changelog(relation) : engine_lower(session, session->context, create->query.plan, err);
	if (!lowered) return false;
	facts_from_lowered(relation, lowered);
	if (!check_written(session, relation, lowered, err) || !retention_check(relation, err) || !begin_definition(session, err) || !put_catalog(session, relation, err)) {
		lowered_free(lowered, true);
		return false;
	}
	catalog_add(engine->catalog, relation);
	create->relation = NULL;
	verify_kept_plan(session, relation);
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

static bool drop_relation(Engine *engine, Relation *relation, Error *err)
{
	Relation *pending = catalog_pending(engine->catalog, relation->id);
	if (pending && !drop_relation(engine, pending, err)) return false;
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

static bool is_made_anew(const Dependant *dependant) { return dependant->changed || dependant->follows; }

static bool goes_on(const Dependant *dependant) { return !is_made_anew(dependant); }

static bool writes_otherwise(const Dependant *dependant) { return dependant->writes_otherwise; }

static void tell_those(const Redefinition *redefinition, const char *what, bool (*is_told)(const Dependant *dependant), StrBuf *text)
{
	int count = 0;
	for (int d = 0; d < redefinition->dependants.count; d++) {
		const Dependant *dependant = &redefinition->dependants.at[d];
		if (!relation_has_pipeline(dependant->old) || !is_told(dependant)) continue;
		if (count++) strbuf_printf(text, ", \"%s\"", dependant->old->name);
		else strbuf_printf(text, "; %s: \"%s\"", what, dependant->old->name);
	}
}

static void tell_changes(Session *session, const Redefinition *redefinition)
{
	const Relation *old = redefinition->old;
	const char *diff = redefine_diff(old, redefinition->made, redefinition->column_from, &session->arena);
	StrBuf text = STRBUF_INIT;
	strbuf_printf(&text, "%s \"%s\": %s", relation_kind_name(old->kind), old->name, *diff ? diff : "it is read otherwise");
	tell_those(redefinition, "untouched", goes_on, &text);
	tell_those(redefinition, "made anew", is_made_anew, &text);
	tell_those(redefinition, "writing other columns from now on", writes_otherwise, &text);
	if (session->records_again) strbuf_printf(&text, "; %lld record%s to be read again", (long long)session->records_again, session->records_again == 1 ? " is" : "s are");
	if (!session->check) session_notice(session, "%s", text.text);
	strbuf_release(&text);
}

/* What is read by others, or holds rows: streams, tables, plain views, sinks that others write to. */
static bool redefine(Session *session, Redefinition *redefinition, Error *err)
{
	redefinition->engine = session->engine;
	redefinition->is_other_target = redefinition->old->kind == RELATION_SINK;
	redefinition->is_other_result = relation_is_changelog(redefinition->old);
	bool ok = (!has_table(redefinition->old) || engine_check_key(redefinition, err)) && redefine_try(redefinition, err) && redefine_refuse(redefinition, err)
		&& redefine_records(redefinition, &session->records_again, err) && redefine_apply(session, redefinition, err);
	if (ok) tell_changes(session, redefinition);
	redefine_release(redefinition);
	return ok;
}

static bool take_over_options(Session *session, BoundCreate *create, Error *err);

/* A query whose plan is the same is only written otherwise. Else the new one is made beside the old one. */
static bool replace_query(Session *session, BoundCreate *create, Error *err)
{
	Engine *engine = session->engine;
	bool same;
	if (!runtime_start(engine->runtime, err) || !redefine_same_query(engine, create->existing, create->relation, &same, err)) return false;
	if (same) session_notice(session, "%s \"%s\": its plan is the same, it goes on untouched", relation_kind_name(create->existing->kind), create->existing->name);
	if (same) return take_over_options(session, create, err);
	Redefinition redefinition = {
		.engine = engine, .old = create->existing, .made = create->relation, .is_other_query = true, .cascade = create->cascade,
		.column_from = columns_by_name(create->existing, create->relation, &session->arena),
	};
	session->context->result_is_final = create->relation->kind == RELATION_SINK;
	bool ok = redefine_try(&redefinition, err) && redefine_refuse(&redefinition, err) && redefine_records(&redefinition, &session->records_again, err);
	Lowered *lowered = ok ? engine_lower(session, session->context, create->query.plan, err) : NULL;
	if (lowered && !check_written(session, create->relation, lowered, err)) {
		lowered_free(lowered, true);
		lowered = NULL;
	}
	ok = lowered && redefine_replace(session, &redefinition, lowered, err);
	if (ok) tell_changes(session, &redefinition);
	redefine_release(&redefinition);
	return ok;
}

/* One that writes to the same place as before delivers what makes its old rows the new ones. Elsewhere nothing is there: the old one ends, the new one begins. */
static bool replace_sink(Session *session, BoundCreate *create, Error *err)
{
	if (!runtime_start(session->engine->runtime, err)) return false;
	if (redefine_same_answers(create->existing, create->relation)) return replace_query(session, create, err);
	if (!begin_definition(session, err) || !drop_relation(session->engine, create->existing, err)) return false;
	create->relation->id = 0;
	return create_pipeline(session, create, err);
}

static bool replace(Session *session, BoundCreate *create, Error *err)
{
	bool again = create->existing->kind == RELATION_MATERIALIZED && create->relation && !relation_option(create->relation, "start");
	if (again && (!runtime_start(session->engine->runtime, err) || !starts_are_there(session->engine->runtime, create->existing, err))) return false;
	if (create->existing->kind == RELATION_MATERIALIZED) return replace_query(session, create, err);
	if (create->existing->kind == RELATION_SINK && create->existing->query_sql) return replace_sink(session, create, err);
	Redefinition redefinition = {
		.old = create->existing, .made = create->relation, .cascade = create->cascade, .column_from = columns_by_name(create->existing, create->relation, &session->arena),
	};
	return redefine(session, &redefinition, err);
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

static void check_tells(Session *session, const BoundCreate *create, const char *kind, const char *name)
{
	static const char *const OUTCOMES[] = {"new", "same", "options", "replaced", "same"};
	session_tell(session, OUTCOMES[create->outcome], arena_printf(&session->arena, "%s %s", kind, name), create->outcome == CREATE_REPLACE ? session->records_again : -1, NULL);
}

/* weir run -f at each start: not a line for each of them. */
static void tell_unchanged(Session *session, const char *kind, const char *name)
{
	if (session->script && !log_is_on(LOG_DEBUG)) session->unchanged++;
	else session_notice(session, "%s \"%s\" is there already with this definition", kind, name);
}

bool run_create(Session *session, BoundStatement *bound, Error *err)
{
	BoundCreate *create = &bound->create;
	const Relation *named = create->relation ? create->relation : create->existing;
	const char *kind = named ? relation_kind_name(named->kind) : "relation";
	bool insert = bound->ast->kind == AST_STATEMENT_INSERT, ok = true;
	const char *name = named ? arena_strdup(&session->arena, named->name) : "";
	session->records_again = 0;
	if (!writer_wait(session->engine->runtime, err)) return false;        /* the file is asked, too, for what the change costs */
	switch (create->outcome) {
	case CREATE_EXISTS: case CREATE_SAME:
		if (session->check) check_tells(session, create, kind, name);
		else if (named) tell_unchanged(session, kind, name);
		return true;
	case CREATE_OPTIONS: ok = take_over_options(session, create, err); break;
	case CREATE_REPLACE: ok = replace(session, create, err); break;
	case CREATE_NEW: ok = relation_has_pipeline(create->relation) ? create_pipeline(session, create, err) : create_relation(session, create, err); break;
	}
	if (!ok || !end_definition(session, err)) return false;
	if (session->check) {
		check_tells(session, create, kind, name);
		return true;
	}
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
		int64_t *ids = arena_array(&session->arena, int64_t, drop->count + 1);       /* one may go along with another */
		for (int r = 0; r < drop->count; r++) ids[r] = drop->relations[r]->id;
		for (int r = 0; r < drop->count; r++)
			if (catalog_find_id(engine->catalog, ids[r]) && !drop_relation(engine, drop->relations[r], err)) return false;
		if (!end_definition(session, err)) return false;
	}
	session_done(session, "DROP");
	return true;
}

/* ---- indexes: SQLite's own, on the tables in the file ---- */

static bool index_name_is_free(Session *session, const BoundIndex *index, Error *err)
{
	const char *kind;
	if (!store_name_kind(session->engine->store, index->name, &session->arena, &kind, err)) return false;
	if (!kind || (index->if_not_exists && strcmp(kind, "index") == 0)) return true;
	return error_set(err, ERR_DUPLICATE_TABLE, SPAN_NONE, "%s \"%s\" exists already", kind, index->name);
}

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
	bool ok = begin_definition(session, err) && index_name_is_free(session, index, err) && store_execute(session->engine->store, sql.text, err) && end_definition(session, err);
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

static bool alter_reading(Session *session, BoundAlter *alter, Error *err)
{
	if (alter->relation->query_sql && alter->relation->kind != RELATION_VIEW)
		return error_set(err, ERR_UNSUPPORTED, alter->ast->name.span, "ALTER of %s \"%s\" that changes its result", relation_kind_name(alter->relation->kind), alter->relation->name)
			|| error_hint(err, "CREATE OR REPLACE gives it another definition.");
	Redefinition redefinition = {.old = alter->relation, .made = alter->replacement, .cascade = alter->cascade, .column_from = alter->column_from};
	return redefine(session, &redefinition, err);
}

/* With another start it forgets where it began. */
static bool rebuild_view(Session *session, BoundAlter *alter, Error *err)
{
	Engine *engine = session->engine;
	Relation *view = alter->relation;
	if (!runtime_start(engine->runtime, err) || !refuse_while_reader_replaced(engine, view, err) || !begin_definition(session, err)) return false;
	if (alter->starts_anew) {
		Relation *replacement = alter->replacement;
		replacement->id = view->id;
		facts_copy(replacement, view);
		if (!put_catalog(session, replacement, err) || !store_view_starts_remove(engine->store, replacement->id, err)) return false;
		catalog_add(engine->catalog, replacement);
		alter->replacement = NULL;
		view = replacement;
	}
	return runtime_rebuild(engine->runtime, view, err) && end_definition(session, err);
}

bool run_alter(Session *session, BoundStatement *bound, Error *err)
{
	BoundAlter *alter = &bound->alter;
	Engine *engine = session->engine;
	if (!alter->relation) {
		session_done(session, "ALTER");
		return true;
	}
	bool ok;
	session->records_again = 0;
	if (!writer_wait(engine->runtime, err) || !refuse_while_replaced(engine, alter->relation, err)) return false;
	if (alter->renames) ok = rename_relation(session, alter, err) && end_definition(session, err);
	else if (alter->rebuild) ok = rebuild_view(session, alter, err);
	else if (alter->same_reading) ok = alter_in_place(session, alter, err);
	else ok = alter_reading(session, alter, err) && end_definition(session, err);
	if (ok && session->check) session_tell(session, "runs", session->text, session->records_again, NULL);
	else if (ok) session_done(session, "ALTER");
	return ok;
}
