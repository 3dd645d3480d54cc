/* SUBSCRIBE: what a view holds, or the kept changes since a commit, and then its changes as they come; or the same of a query. */
#include "engine/continuous.h"

/* The query that SUBSCRIBE v stands for. */
static bool bind_feed(Session *session, const Relation *view, BoundStatement *bound, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	strbuf_adds(&sql, "SELECT * FROM ");
	strbuf_add_sql_ident(&sql, view->name);
	char *text = arena_strdup(&session->arena, sql.text);
	AstStatement *ast = parse_statement(text, 0, sql.bytes, &session->arena, err);
	BindSettings settings = session_bind_settings(session);
	strbuf_release(&sql);
	return ast && bind_statement(ast, session->engine->catalog, &settings, session->context, bound, err);
}

/* The kept changes, in portions that are shown one by one, so that memory holds no more than one of them. The last, between a flush and the moment from which
 * the query follows the view, is short and is shown with what comes then. */
static bool give_since(Continuous *run, const Relation *view, int64_t commit, Error *err)
{
	enum { PORTION_BYTES = 4 << 20 };
	Runtime *runtime = run->session->engine->runtime;
	ChangesPlace since = {commit, INT64_MAX};
	if (!run->begun && !query_columns(run->session, run->query, RESULT_FEED, true, err)) return false;
	run->begun = true;
	for (bool flushed = false, all = false; run->left != 0; ) {
		if (!runtime_changes_since(runtime, view, &since, PORTION_BYTES, client_tap, &run->client, &all, err)) return false;
		if (all && flushed) return true;
		flushed = all;
		if (!(all ? runtime_flush(runtime, err) : continuous_step(run, false, err)) || !continuous_await_turn(run, err)) return false;
		if (catalog_find_id(run->session->engine->catalog, view->id) == view) continue;
		if (since.seq == INT64_MAX) run->followed = since.commit;
		return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "the definition of materialized view \"%s\" has changed meanwhile", view->name) || error_hint(err, "SUBSCRIBE again.");
	}
	return true;
}

/* Until it ends, or what is followed is made anew (run->followed). */
static bool feed_once(Continuous *run, const Relation *view, int64_t since, Error *err)
{
	Session *session = run->session;
	Runtime *runtime = session->engine->runtime;
	run->client.pipeline = NULL;
	if (!runtime_start(runtime, err) || !runtime_flush(runtime, err)) return false;
	continuous_plan(run);
	session->context->result_is_final = true;
	Lowered *lowered = engine_lower(session, session->context, run->query->plan, err);
	if (!lowered) return false;
	run->lowered = lowered;
	bool ok = (!view || runtime_subscribed(runtime, view, 1, err)) && (since < 0 || give_since(run, view, since, err));
	if (!ok) lowered_free(lowered, true);
	else if (since >= 0) run->client.pipeline = runtime_client_follow(runtime, lowered, client_tap, &run->client, err);
	else run->client.pipeline = runtime_client_add(runtime, lowered, client_tap, &run->client, true, err);
	ok = ok && run->client.pipeline && runtime_loop_start(runtime, err) && continuous_follow(run, err);
	if (run->client.pipeline) {
		Error ignored = ERROR_INIT;
		writer_wait(runtime, &ignored);
		if (!ok && run->client.pipeline->ended.code != ERR_NONE) run->followed = run->client.pipeline->followed;
		runtime_client_remove(runtime, run->client.pipeline);
		run->client.pipeline = NULL;
		client_forget_held(&run->client);
	}
	Error unheard = ERROR_INIT;
	if (view && runtime->failure.code == ERR_NONE && runtime_flush(runtime, &unheard)) runtime_subscribed(runtime, view, -1, &unheard);
	return ok;
}

static void begin_feed(Continuous *run, Session *session, int64_t limit)
{
	*run = (Continuous){.session = session, .left = limit, .feed = true, .flows = true};
	client_init(&run->client, session);
}

static bool feed_query(Session *session, BoundQuery *query, int64_t limit, Error *err)
{
	Continuous run;
	begin_feed(&run, session, limit);
	run.query = query;
	bool ok = continuous_begin(&run, err) && feed_once(&run, NULL, -1, err);
	client_release(&run.client);
	return ok;
}

/* The one that readers see under the name of the view that was followed, as soon as it is there; NULL: err. */
static Relation *await_successor(Continuous *run, const Relation *view, Error *err)
{
	Engine *engine = run->session->engine;
	for (;;) {
		Pipeline *pipeline;
		if (!continuous_await_turn(run, err)) return NULL;
		Relation *relation = catalog_find_id(engine->catalog, view->id);
		if (!relation) relation = catalog_find(engine->catalog, view->name);
		if (relation && relation_same_columns(view, relation)) {
			Lane *lane = runtime_start(engine->runtime, err) ? runtime_lane_of(engine->runtime, relation->id, &pipeline) : NULL;
			if (lane && lane == engine->runtime->live && !pipeline->building) return relation;
			if (!lane && err->code == ERR_NONE) error_set(err, ERR_WRONG_STATE, SPAN_NONE, "materialized view \"%s\" is no longer running", view->name);
			if (!lane || !continuous_step(run, true, err)) return NULL;
			continue;
		}
		error_set(err, ERR_WRONG_STATE, SPAN_NONE, "materialized view \"%s\" %s", view->name, relation ? "has other columns now" : "is no longer there");
		if (relation) error_hint(err, "SUBSCRIBE again.");
		return NULL;
	}
}

/* What is made anew under it (OR REPLACE, REBUILD, ALTER) is followed where it goes on: the kept changes have the difference. */
static bool feed_view(Session *session, Relation *view, int64_t since, int64_t limit, Error *err)
{
	Continuous run;
	bool ok = true;
	begin_feed(&run, session, limit);
	for (relation_ref(view); ok; ) {
		BoundStatement feed = {0};
		run.followed = 0;
		run.query = &feed.query;
		ok = continuous_await_turn(&run, err);
		Relation *now = catalog_find_id(session->engine->catalog, view->id);       /* a transaction that is taken back leaves another */
		if (now) {
			relation_ref(now);
			relation_unref(view);
			view = now;
		}
		ok = ok && bind_feed(session, view, &feed, err) && feed_once(&run, view, since, err);
		bound_release(&feed);
		if (ok || !run.followed) break;
		*err = ERROR_INIT;
		since = run.followed;
		Relation *next = await_successor(&run, view, err);
		if ((ok = next != NULL)) {
			relation_unref(view);
			view = relation_ref(next);
		}
	}
	relation_unref(view);
	client_release(&run.client);
	return ok;
}

/* SUBSCRIBE v: what the view holds, then its changes: a continuous query that reads nothing but the view. */
bool run_subscribe(Session *session, BoundStatement *bound, Error *err)
{
	BoundSubscribe *subscribe = &bound->subscribe;
	if (subscribe->has_since && !subscribe->view) return error_set(err, ERR_UNSUPPORTED, bound->ast->span, "SUBSCRIBE of a query with SINCE: changes are kept of materialized views");
	if (session->transaction) return error_set(err, ERR_ACTIVE_TRANSACTION, bound->ast->span, "SUBSCRIBE cannot run inside a transaction") || error_hint(err, "COMMIT first.");
	if (subscribe->query.plan) return feed_query(session, &subscribe->query, subscribe->limit, err);
	return feed_view(session, subscribe->view, subscribe->has_since ? subscribe->since : -1, subscribe->limit, err);
}
