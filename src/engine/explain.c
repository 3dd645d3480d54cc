/* EXPLAIN: the forms of a query, each as it is after its step: logical, optimized, physical; what SQLite gets for an ad-hoc query. */
#include <stdio.h>
#include <strings.h>

#include "engine/internal.h"
#include "op/index.h"
#include "run/sharing.h"

static bool wants(const AstExplain *ast, const char *stage, bool otherwise)
{
	bool any = false;
	for (int s = 0; s < ast->stages.count; s++) {
		if (strcasecmp(ast->stages.at[s].text, stage) == 0) return true;
		any |= strcasecmp(ast->stages.at[s].text, "logical") == 0 || strcasecmp(ast->stages.at[s].text, "physical") == 0 || strcasecmp(ast->stages.at[s].text, "optimized") == 0;
	}
	return !any && otherwise;
}

static bool explain_continuous(Session *session, const AstExplain *ast, Plan *plan, StrBuf *out, Error *err)
{
	if (wants(ast, "logical", false)) {
		strbuf_adds(out, "logical\n");
		plan_print(plan, false, out);
	}
	Plan *optimized = plan_optimize(session->context, plan, err);
	if (!optimized) return false;
	if (wants(ast, "optimized", true)) {
		strbuf_adds(out, "optimized\n");
		plan_derive(session->context, optimized);
		plan_print(optimized, true, out);
	}
	if (!wants(ast, "physical", true)) return true;
	Lowered *lowered = plan_lower(session->context, optimized, err);
	if (!lowered) return false;
	strbuf_adds(out, "physical\n");
	lowered_print(lowered, out);
	lowered_free(lowered, true);
	return true;
}

static bool explain_adhoc(Session *session, const AstExplain *ast, Plan *plan, StrBuf *out, Error *err)
{
	AdhocOptions options = {.store = session->engine->store, .system_us = engine_now(session->engine)};
	if (wants(ast, "logical", true)) {
		strbuf_adds(out, "logical\n");
		plan_print(plan, false, out);
	}
	if (!wants(ast, "physical", true)) return true;
	strbuf_adds(out, "SQLite\n");
	if (!adhoc_print(&options, plan, out, err)) return false;
	strbuf_addc(out, '\n');
	return writer_wait(session->engine->runtime, err) && adhoc_explain(&options, plan, out, err);
}

static void print_conflict(const Relation *target, const BoundConflict *conflict, StrBuf *out)
{
	strbuf_adds(out, "  on conflict");
	for (int c = 0; c < conflict->column_count && !conflict->any; c++) strbuf_printf(out, "%s%s", c ? ", " : " of ", target->columns[conflict->columns[c]].name);
	strbuf_adds(out, conflict->update ? " update" : " nothing");
	for (int s = 0; s < conflict->set_count; s++) strbuf_printf(out, "%s%s", s ? ", " : " ", target->columns[conflict->set_columns[s]].name);
	strbuf_addc(out, '\n');
}

/* What is done with the rows of the query that follows */
static void print_change(const BoundStatement *bound, StrBuf *out)
{
	if (bound->kind == BOUND_UPDATE) strbuf_printf(out, "update %s\n", bound->change.target->name);
	else if (bound->kind == BOUND_DELETE) strbuf_printf(out, "delete from %s\n", bound->change.target->name);
	if (bound->kind != BOUND_INSERT) return;
	strbuf_printf(out, "insert into %s\n", bound->insert.target->name);
	for (int i = 0; i < bound->insert.conflict_count; i++) print_conflict(bound->insert.target, &bound->insert.conflicts[i], out);
}

/* of: the statement whose rows the query gives; NULL: the query itself */
static bool explain_query(Session *session, const AstExplain *ast, const BoundStatement *of, BoundQuery *query, bool continuous, Error *err)
{
	StrBuf out = STRBUF_INIT;
	if (of) print_change(of, &out);
	bool ok = continuous ? explain_continuous(session, ast, query->plan, &out, err) : explain_adhoc(session, ast, query->plan, &out, err);
	ok = ok && table_text(session, "plan", out.text, err);
	strbuf_release(&out);
	return ok;
}

/* What it keeps of its table, for this view and those that it serves. */
static void print_kept(const Op *op, StrBuf *out)
{
	if (!index_reads(op) || op->served_by) return;
	int count = 0;
	for (int c = 0; c < op->column_count; c++)
		if (index_keeps(op)[c]) strbuf_printf(out, "%s%s", count++ ? ", " : "; keeps ", index_column(op, c));
}

/* Operators of a running view with what they have seen and hold. */
static bool explain_analyze(Session *session, const Relation *relation, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (!runtime_start(runtime, err)) return false;
	StrBuf out = STRBUF_INIT;
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Pipeline *pipeline = lane_pipeline(runtime->lanes.at[l], relation->id);
		for (int o = 0; pipeline && o < pipeline->lowered->ops.count; o++) {
			const Op *op = pipeline->lowered->ops.at[o];
			const Pipeline *owner = sharing_owner(runtime->lanes.at[l], op);
			strbuf_printf(&out, "%d %s: ", op->id, op->label ? op->label : op->class->name);
			if (owner) strbuf_printf(&out, "shared, see \"%s\"\n", owner->relation->name);
			if (owner) continue;
			strbuf_printf(&out, "%lld rows in, %lld out, %lld late, %llu bytes of state",
				(long long)op->rows_in, (long long)op->rows_out, (long long)op->rows_late, (unsigned long long)(op->state ? state_bytes(op->state) : 0));
			print_kept(op, &out);
			strbuf_addc(&out, '\n');
		}
	}
	bool ok = table_text(session, "plan", out.text, err);
	strbuf_release(&out);
	return ok;
}

static bool explain_changelog(Session *session, Relation *relation, Error *err)
{
	StrBuf out = STRBUF_INIT;
	Lowered *lowered = plan_lower_changelog(relation);
	strbuf_adds(&out, "physical\n");
	lowered_print(lowered, &out);
	lowered_free(lowered, true);
	bool ok = table_text(session, "plan", out.text, err);
	strbuf_release(&out);
	return ok;
}

static bool explain_relation(Session *session, const AstExplain *ast, Relation *relation, Error *err)
{
	if (ast->analyze && relation_has_pipeline(relation)) return explain_analyze(session, relation, err);
	if (relation_is_changelog(relation)) return explain_changelog(session, relation, err);
	if (!relation->query_sql) return table_text(session, "plan", relation->sql, err);
	BindSettings settings = {.stored = true};
	BoundQuery query = {0};
	Relation *again = bind_relation_text(relation->sql, relation->id, session->engine->catalog, &settings, session->context, &query, err);
	bool ok = again && explain_query(session, ast, NULL, &query, true, err);
	if (again) relation_unref(again);
	return ok;
}

bool run_explain(Session *session, BoundStatement *bound, Error *err)
{
	const AstExplain *ast = bound->ast->explain;
	if (bound->explain.relation) return explain_relation(session, ast, bound->explain.relation, err);
	BoundStatement *inner = bound->explain.statement;
	if (inner->kind == BOUND_QUERY) return explain_query(session, ast, NULL, &inner->query, inner->query.continuous, err);
	if (inner->kind == BOUND_CREATE && inner->create.has_query) return explain_query(session, ast, inner, &inner->create.query, inner->create.relation && inner->create.relation->kind != RELATION_VIEW, err);
	if (inner->kind == BOUND_INSERT) return explain_query(session, ast, inner, &inner->insert.source, false, err);
	if (inner->kind == BOUND_UPDATE || inner->kind == BOUND_DELETE) {
		BoundQuery query = {.plan = inner->change.plan};
		return explain_query(session, ast, inner, &query, false, err);
	}
	return error_set(err, ERR_UNSUPPORTED, bound->ast->span, "EXPLAIN of this statement is not supported");
}
