/* Queries: ad hoc, run by SQLite on the last commit; continuous, run by operators of their own until they end or are canceled. */
#include <stdio.h>

#include "base/clock.h"
#include "engine/continuous.h"
#include "op/select.h"
#include "plan/walk.h"

/* ---- ad hoc ---- */

/* By which of the result's columns the query orders it; from an expression on that is not shown nothing more can be told. */
static void mark_order(const BoundQuery *query, ResultColumn *columns)
{
	const Plan *project = query->plan->kind == PLAN_PROJECT ? query->plan : NULL, *sort = project ? project->inputs[0] : query->plan;
	for (int k = 0, rank = 0; sort->kind == PLAN_SORT && k < sort->order_count; k++) {
		const Expr *key = sort->order[k].expr;
		int found = -1;
		for (int c = 0; key->kind == EXPR_COLUMN && found < 0 && c < query->column_count; c++) {
			const Expr *shown = project ? project->items[c].expr : NULL;
			bool same = shown ? shown->kind == EXPR_COLUMN && shown->column == key->column : query->plan->columns[c].id == key->column;
			if (same) found = c;
		}
		if (found < 0) return;
		if (columns[found].sort_rank) continue;
		columns[found].sort_rank = ++rank;
		columns[found].descending = sort->order[k].spec.descending;
		columns[found].nulls_last = sort->order[k].spec.nulls_last;
	}
}

bool query_columns(Session *session, const BoundQuery *query, ResultKind kind, bool op, Error *err)
{
	int first = op ? 1 : 0;
	ResultColumn *columns = arena_array(&session->arena, ResultColumn, query->column_count + 2);
	columns[0] = (ResultColumn){.name = "op", .type = TYPE(TEXT)};
	for (int c = 0; c < query->column_count; c++) columns[c + first] = (ResultColumn){.name = query->columns[c].name, .type = query->columns[c].type};
	if (kind == RESULT_CHANGES) mark_order(query, columns + first);
	if (session->out.begin && !session->out.begin(session->out.context, kind, columns, query->column_count + first)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	return true;
}

static bool end_result(Session *session, Error *err)
{
	if (session->out.end && !session->out.end(session->out.context)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	return true;
}

void session_set_adhoc(Session *session, AdhocQuery *query)
{
	pthread_mutex_lock(&session->adhoc_lock);
	session->adhoc = query;
	pthread_mutex_unlock(&session->adhoc_lock);
}

static bool fetch_adhoc(Session *session, AdhocQuery *query, Error *err)
{
	for (Batch *batch = NULL; ; ) {
		if (session_is_canceled(session)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
		if (!adhoc_next(query, BATCH_ROWS_MAX, &batch, err)) return false;
		if (!batch) return true;
		bool ok = session_emit(session, batch, err);
		batch_unref(batch);
		if (!ok) return false;
	}
}

/* The query runs outside of the runtime's lock: commits go on beside it. */
static bool run_adhoc(Session *session, BoundQuery *query, Error *err)
{
	Engine *engine = session->engine;
	if (session->transaction && query->read_count)
		return error_set(err, ERR_ACTIVE_TRANSACTION, SPAN_NONE, "a SELECT that reads a relation cannot run inside a transaction") || error_hint(err, "COMMIT first.");
	/* in memory an open transaction keeps readers out, also one in which nothing is but a statement that failed */
	bool in_the_way = !session->transaction && !engine_path(engine) && engine->runtime->file_open;
	if (session->changed || in_the_way) {
		if (!runtime_flush(engine->runtime, err)) return false;
		session->changed = false;
	}
	if (!session->transaction && !writer_wait(engine->runtime, err)) return false;
	StoreReader *reader = session->transaction ? NULL : session_reader(session);
	AdhocOptions options = {.store = engine->store, .reader = reader, .system_us = engine_now(engine)};
	AdhocQuery *adhoc = adhoc_open(&options, query->plan, err);
	bool ok = adhoc != NULL;
	if (ok) {
		session_set_adhoc(session, adhoc);
		bool beside = reader && engine_path(engine);
		if (beside) runtime_leave(engine->runtime);
		ok = query_columns(session, query, RESULT_TABLE, false, err) && fetch_adhoc(session, adhoc, err) && end_result(session, err);
		if (beside) runtime_enter(engine->runtime);
		if (beside) engine->runtime->interrupt = &session->canceled;
		session_set_adhoc(session, NULL);
		adhoc_close(adhoc);
	}
	return ok;
}

/* ---- continuous ---- */

/* So much may wait for a session: a script is waited for, whoever looks at a terminal or from another process is given up when all too much waits. */
enum { CLIENT_BYTES_MAX = 16 << 20, CLIENT_BYTES_LOST = 256 << 20 };

static int64_t bytes_of(const Batch *batch)
{
	return (int64_t)batch->arena.used_bytes + (int64_t)batch->count * (int64_t)sizeof(Value) * batch->column_count;
}

bool client_tap(void *context, const Batch *batch, Error *err)
{
	(void)err;
	Client *client = context;
	bool held = client->runtime->held_after >= 0;
	pthread_mutex_lock(&client->lock);
	while (!held && client->is_waited_for && client->is_outside && client->bytes > CLIENT_BYTES_MAX) pthread_cond_wait(&client->taken, &client->lock);
	Batch *kept = batch_with_texts((Batch *)(uintptr_t)batch);
	client->bytes += bytes_of(batch) + (int64_t)kept->arena.used_bytes;           /* it holds the other, too */
	if (!client->is_waited_for && client->bytes > CLIENT_BYTES_LOST) client->is_lost = true;
	if (client->is_lost) batch_unref(kept);
	else vec_push(&client->batches, kept);
	if (!held) client->ready = client->batches.count;
	pthread_cond_signal(&client->came);
	pthread_mutex_unlock(&client->lock);
	return true;
}

/* Inside of the runtime: a transaction that held batches back may be over. */
static void client_settle(Client *client)
{
	pthread_mutex_lock(&client->lock);
	bool over = client->pipeline && client->pipeline->ended.code != ERR_NONE;
	if (client->runtime->held_after < 0 && !over) client->ready = client->batches.count;
	pthread_mutex_unlock(&client->lock);
}

void client_forget_held(Client *client)
{
	pthread_mutex_lock(&client->lock);
	while (client->batches.count > client->ready) batch_unref(client->batches.at[--client->batches.count]);
	pthread_mutex_unlock(&client->lock);
}

/* All that came so far; the caller owns the list. Waits a little where there is nothing. */
static int client_take(Client *client, Batch ***out, bool wait)
{
	pthread_mutex_lock(&client->lock);
	if (wait && client->ready == 0) {
		struct timespec until = clock_deadline(50000);
		pthread_cond_timedwait(&client->came, &client->lock, &until);
	}
	int count = client->ready;
	Batch **held = client->batches.at;
	int held_count = client->batches.count - count;
	*out = mem_alloc(sizeof **out * (size_t)(count + 1));
	if (count) memcpy(*out, held, sizeof *held * (size_t)count);
	if (held_count && count) memmove(held, held + count, sizeof *held * (size_t)held_count);
	client->batches.count = held_count;
	client->ready = 0;
	if (!held_count) client->bytes = 0;
	pthread_cond_broadcast(&client->taken);
	pthread_mutex_unlock(&client->lock);
	return count;
}

/* Gives whether it was given up. */
static bool client_set_outside(Client *client, bool outside)
{
	pthread_mutex_lock(&client->lock);
	client->is_outside = outside;
	bool is_lost = client->is_lost;
	pthread_cond_broadcast(&client->taken);
	pthread_mutex_unlock(&client->lock);
	return is_lost;
}

void client_init(Client *client, const Session *session)
{
	memset(client, 0, sizeof *client);
	client->runtime = session->engine->runtime;
	client->is_waited_for = session->mode == SESSION_BATCH && !session->out.is_remote;
	pthread_mutex_init(&client->lock, NULL);
	pthread_cond_init(&client->taken, NULL);
	pthread_cond_init(&client->came, NULL);
}

void client_release(Client *client)
{
	for (int b = 0; b < client->batches.count; b++) batch_unref(client->batches.at[b]);
	vec_release(&client->batches);
	pthread_cond_destroy(&client->taken);
	pthread_cond_destroy(&client->came);
	pthread_mutex_destroy(&client->lock);
}

/* ---- the final result of one that ends: net rows, sorted as ORDER BY says ---- */

enum { FINAL_DEAD_MAX = 100000 };

/* Rows that were taken back go when they are the most. */
static void final_compact(Final *final)
{
	Arena keeping;
	arena_init(&keeping, 0);
	state_free(final->state);
	final->state = state_new("result");
	final->map = state_map_open(final->state, sizeof(int64_t));
	int kept = 0;
	for (int r = 0; r < final->rows.count; r++) {
		FinalRow *row = &final->rows.at[r];
		bool added;
		if (row->weight == 0) {
			strbuf_release(&row->key);
			continue;
		}
		row->at = arena_copy(&keeping, row->at, row->bytes);
		*(int64_t *)state_map_upsert(final->map, row->at, row->bytes, hash_bytes(row->at, row->bytes), &added) = kept;
		final->rows.at[kept++] = *row;
	}
	final->rows.count = kept;
	final->dead = 0;
	arena_release(&final->keeping);
	final->keeping = keeping;
}

static void final_add(Final *final, const Batch *batch)
{
	Arena scratch;
	arena_init(&scratch, 0);
	Column *columns = arena_array(&scratch, Column, final->column_count + 1), *keys = arena_array(&scratch, Column, final->order_count + 1);
	for (int c = 0; c < final->column_count; c++) columns[c] = batch_column(batch, c, &scratch);
	for (int k = 0; k < final->order_count; k++) keys[k] = expr_eval(final->keys[k], batch, &scratch);
	PackedRows packed = rows_pack(columns, final->column_count, batch->count, &scratch);
	for (int i = 0; i < batch->count; i++) {
		bool added;
		int64_t *number = state_map_upsert(final->map, packed.at[i], packed.bytes[i], packed.hashes[i], &added);
		if (added) {
			*number = final->rows.count;
			FinalRow row = {.at = arena_copy(&final->keeping, packed.at[i], packed.bytes[i]), .bytes = packed.bytes[i], .order = final->next_order++, .key = STRBUF_INIT};
			for (int k = 0; k < final->order_count; k++) sort_key_add_column(&row.key, &keys[k], i, final->order[k].spec);
			vec_push(&final->rows, row);
		}
		FinalRow *row = &final->rows.at[*number];
		bool was_dead = !added && row->weight == 0;
		row->weight += batch_weight(batch, i);
		final->dead += (row->weight == 0) - was_dead;
	}
	arena_release(&scratch);
	if (final->dead > FINAL_DEAD_MAX && final->dead > final->rows.count / 2) final_compact(final);
}

static int final_compare(const void *a_pointer, const void *b_pointer)
{
	const FinalRow *a = a_pointer, *b = b_pointer;
	size_t least = a->key.bytes < b->key.bytes ? a->key.bytes : b->key.bytes;
	int order = memcmp(a->key.text, b->key.text, least);
	if (order) return order;
	if (a->key.bytes != b->key.bytes) return a->key.bytes < b->key.bytes ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static bool final_emit(Session *session, Final *final, Plan *project, const ColumnId *layout, Error *err)
{
	if (final->order_count && final->rows.count) qsort(final->rows.at, (size_t)final->rows.count, sizeof *final->rows.at, final_compare);
	BatchBuilder builder;
	batch_builder_init(&builder, final->types, final->column_count, BATCH_ROWS_MAX);
	Value *values = arena_array(&final->arena, Value, final->column_count + 1);
	ExprProgram **programs = NULL;
	if (project) {
		programs = arena_array(&final->arena, ExprProgram *, project->item_count + 1);
		for (int i = 0; i < project->item_count; i++) programs[i] = expr_compile(&final->arena, project->items[i].expr, layout, final->column_count);
	}
	bool ok = true;
	for (int r = 0; ok && r <= final->rows.count; r++) {
		for (int64_t n = r < final->rows.count ? final->rows.at[r].weight : 0; n > 0 && !batch_builder_full(&builder); n--) {
			row_unpack(final->rows.at[r].at, final->types, final->column_count, values);
			int at = batch_builder_row(&builder, 1);
			for (int c = 0; c < final->column_count; c++) batch_builder_set(&builder, at, c, &values[c]);
			final->rows.at[r].weight--;
		}
		bool full = batch_builder_full(&builder);
		if (!full && r < final->rows.count) continue;
		Batch *batch = batch_builder_take(&builder), *shown = batch;
		if (!batch) continue;
		if (project) {
			shown = batch_derive(batch, project->item_count);
			shown->rows = shown->count = batch->rows;
			for (int i = 0; i < project->item_count; i++) shown->columns[i] = expr_eval(programs[i], batch, &shown->arena);
			batch_unref(batch);
		}
		ok = session_emit(session, shown, err);
		batch_unref(shown);
		if (full && r < final->rows.count && final->rows.at[r].weight > 0) r--;
	}
	batch_builder_release(&builder);
	return ok;
}

static void final_release(Final *final)
{
	for (int r = 0; r < final->rows.count; r++) strbuf_release(&final->rows.at[r].key);
	vec_release(&final->rows);
	state_free(final->state);
	arena_release(&final->keeping);
	arena_release(&final->arena);
}

/* ---- running ---- */

static bool reads_only_local(const BoundQuery *query)
{
	for (int r = 0; r < query->read_count; r++) {
		const Relation *relation = query->reads[r];
		if (relation->connector && !relation_is_maintained(relation)) return false;
	}
	return true;
}

/* Does the result end by itself? For a person who looks at a local stream it does not before the stream is closed. */
static bool sources_end(const Runtime *runtime, const Pipeline *pipeline, SessionMode mode)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Lane *lane = runtime->lanes.at[l];
		if (lane->id != 0 || lane->pipelines.count == 0 || lane->pipelines.at[0] != pipeline) continue;
		for (int r = 0; r < lane->readers.count; r++) {
			const Reader *reader = lane->readers.at[r];
			bool ends = reader->source ? source_is_bounded(reader->source) : mode == SESSION_BATCH || reader->closed || reader->relation->kind != RELATION_STREAM;
			if (!ends) return false;
		}
	}
	return true;
}

static bool client_is_done(const Runtime *runtime, const Pipeline *pipeline)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Lane *lane = runtime->lanes.at[l];
		if (lane->id != 0 || lane->pipelines.count == 0 || lane->pipelines.at[0] != pipeline) continue;
		for (int r = 0; r < lane->readers.count; r++)
			if (!reader_is_done(lane->readers.at[r])) return false;
	}
	return true;
}

/* ---- the final result: everything that came, netted ---- */

static void begin_final(Continuous *run)
{
	Final *final = &run->final;
	*final = (Final){.types = run->types, .column_count = run->base->column_count};
	arena_init(&final->arena, 0);
	arena_init(&final->keeping, 0);
	final->state = state_new("result");
	final->map = state_map_open(final->state, sizeof(int64_t));
	if (run->base->kind != PLAN_SORT) return;
	final->order = run->base->order;
	final->order_count = run->base->order_count;
	final->keys = arena_array(&final->arena, ExprProgram *, final->order_count + 1);
	for (int k = 0; k < final->order_count; k++) final->keys[k] = expr_compile(&final->arena, final->order[k].expr, run->layout, run->base->column_count);
}

static void net_all(Continuous *run, bool wait)
{
	Batch **batches;
	int count = client_take(&run->client, &batches, wait);
	for (int b = 0; b < count; b++) {
		final_add(&run->final, batches[b]);
		batch_unref(batches[b]);
	}
	free(batches);
}

static bool emit_final(Continuous *run, Error *err)
{
	net_all(run, false);
	return query_columns(run->session, run->query, RESULT_TABLE, false, err) && final_emit(run->session, &run->final, run->project, run->layout, err)
		&& end_result(run->session, err);
}

/* What the rows of the batch do. A result of at most one row has no key, but a new row in the place of the old one. */
static uint8_t *ops_of(const Continuous *run, const Batch *batch, Arena *scratch)
{
	const Lowered *lowered = run->lowered;
	uint8_t *ops = change_ops(batch, lowered->key, lowered->has_key ? lowered->key_count : 0, scratch);
	bool single = lowered->has_key && lowered->key_count == 0 && batch->count == 2;
	if (single && batch_weight(batch, 0) == -1 && batch_weight(batch, 1) == 1) {
		ops[0] = CHANGE_UPDATE_BEFORE;
		ops[1] = CHANGE_UPDATE_AFTER;
	}
	return ops;
}

/* A row of weight 3 is three rows. Gives their number, and which of the batch's rows each is. */
static int repeat_rows(const Batch *batch, Arena *scratch, uint32_t **out)
{
	int64_t count = 0;
	int n = 0;
	for (int i = 0; i < batch->count; i++) count += llabs(batch_weight(batch, i));
	uint32_t *rows = *out = arena_array(scratch, uint32_t, count + 1);
	for (int i = 0; i < batch->count; i++)
		for (int64_t w = llabs(batch_weight(batch, i)); w > 0; w--) rows[n++] = (uint32_t)i;
	return n;
}

/* ORDER BY what is not shown: the shown columns are computed from those of the sort. */
static Batch *project_changes(const Continuous *run, const Batch *batch)
{
	Batch *shown = batch_derive((Batch *)(uintptr_t)batch, run->project->item_count);
	shown->rows = batch->rows;
	shown->count = batch->count;
	shown->sel = batch->sel;
	shown->weights = batch->weights;
	for (int i = 0; i < run->project->item_count; i++) {
		ExprProgram *program = expr_compile(&shown->arena, run->project->items[i].expr, run->layout, run->base->column_count);
		Column dense = expr_eval(program, batch, &shown->arena);
		shown->columns[i] = dense;
	}
	shown->sel = NULL;                                    /* what was evaluated is dense */
	shown->rows = batch->count;
	int64_t *weights = arena_array(&shown->arena, int64_t, batch->count + 1);
	for (int i = 0; i < batch->count; i++) weights[i] = batch_weight(batch, i);
	shown->weights = weights;
	return shown;
}

/* Changes with their op in front, or plain rows. */
static bool emit_changes(Continuous *run, const Batch *in, Error *err)
{
	Session *session = run->session;
	int first = run->client.append_only && !run->feed ? 0 : 1;
	Batch *batch = run->project ? project_changes(run, in) : batch_ref((Batch *)(uintptr_t)in);
	Batch *out = batch_derive(batch, batch->column_count + first);
	uint32_t *rows;
	int count = repeat_rows(batch, &out->arena, &rows);
	int64_t skipped = run->skip < count ? run->skip : count;
	run->skip -= skipped;
	count -= (int)skipped;
	if (run->left >= 0 && run->left < count) count = (int)run->left;
	out->rows = batch->count;
	out->count = count;
	out->sel = rows + skipped;
	for (int c = 0; c < batch->column_count; c++) out->columns[c + first] = batch_column(batch, c, &out->arena);
	if (first) {
		uint8_t *ops = ops_of(run, in, &out->arena);
		Str *texts = arena_array(&out->arena, Str, batch->count + 1);
		for (int i = 0; i < batch->count; i++) texts[i] = str_borrow(CHANGE_OP_TEXT[ops[i]], 2);
		out->columns[0] = (Column){.type = TYPE(TEXT), .str = texts};
	}
	if (run->left >= 0) run->left -= count;
	bool ok = session_emit(session, out, err);
	batch_unref(out);
	batch_unref(batch);
	return ok;
}

static bool emit_all(Continuous *run, bool wait, Error *err)
{
	Batch **batches;
	int count = client_take(&run->client, &batches, wait);
	bool ok = true;
	for (int b = 0; b < count; b++) {
		if (ok && run->left != 0) ok = emit_changes(run, batches[b], err);
		batch_unref(batches[b]);
	}
	free(batches);
	if (ok && count && run->session->out.flush && !run->session->out.flush(run->session->out.context)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	return ok;
}

static bool take_all(Continuous *run, bool wait, Error *err)
{
	if (run->flows) return emit_all(run, wait, err);
	net_all(run, wait);
	return true;
}

bool continuous_step(Continuous *run, bool wait, Error *err)
{
	Session *session = run->session;
	Runtime *runtime = session->engine->runtime;
	client_set_outside(&run->client, true);
	runtime_leave(runtime);
	bool ok = take_all(run, wait, err), is_lost = client_set_outside(&run->client, false);
	if (ok && session_is_canceled(session)) ok = error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	if (ok && is_lost) ok = error_set(err, ERR_WRONG_STATE, SPAN_NONE, "the results were read so slowly that they piled up");
	runtime_enter(runtime);
	runtime->interrupt = &session->canceled;
	client_settle(&run->client);
	return ok;
}

bool continuous_await_turn(Continuous *run, Error *err)
{
	while (run->session->engine->runtime->transaction)
		if (!continuous_step(run, true, err)) return false;
	return true;
}

bool continuous_begin(Continuous *run, Error *err)
{
	const Catalog *catalog = run->session->engine->catalog;
	int64_t version = catalog->version;
	if (!continuous_await_turn(run, err)) return false;
	if (catalog->version == version) return true;
	return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "definitions have changed in a transaction that was open") || error_hint(err, "Ask again.");
}

bool continuous_follow(Continuous *run, Error *err)
{
	Session *session = run->session;
	Runtime *runtime = session->engine->runtime;
	ResultKind kind = run->feed ? RESULT_FEED : run->ends ? RESULT_TABLE : run->client.append_only ? RESULT_APPEND : RESULT_CHANGES;
	if (run->flows && !run->begun && !query_columns(session, run->query, kind, !run->client.append_only || run->feed, err)) return false;
	run->begun = true;
	if (!run->flows) begin_final(run);
	bool ok = true, done = false;
	while (ok && !done) {
		done = run->ends && client_is_done(runtime, run->client.pipeline);
		if (done && !(ok = runtime_flush(runtime, err))) break;
		Error over = run->client.pipeline->ended.code != ERR_NONE ? run->client.pipeline->ended : runtime->failure;
		if (over.code != ERR_NONE) {
			ok = false;
			if (continuous_step(run, false, err)) *err = over;               /* what came before it is given out */
			break;
		}
		ok = continuous_step(run, !done, err);
		if (run->left == 0) done = true;
	}
	if (ok) ok = run->flows ? end_result(session, err) : emit_final(run, err);
	if (!run->flows) final_release(&run->final);
	return ok;
}

/* A projection over a derived table with LIMIT may ask queries, which only planning can answer; that of an ORDER BY leaves out columns. */
static bool can_be_applied(const Plan *project)
{
	for (int i = 0; i < project->item_count; i++)
		if (expr_has_subquery(project->items[i].expr)) return false;
	return true;
}

void continuous_plan(Continuous *run)
{
	BoundQuery *query = run->query;
	run->base = query->plan;
	if (query->plan->kind == PLAN_PROJECT && query->plan->inputs[0]->kind == PLAN_SORT && can_be_applied(query->plan)) {
		run->project = query->plan;
		run->base = query->plan->inputs[0];
	}
	run->layout = arena_array(&run->session->arena, ColumnId, run->base->column_count + 1);
	run->types = arena_array(&run->session->arena, Type, run->base->column_count + 1);
	for (int c = 0; c < run->base->column_count; c++) {
		run->layout[c] = run->base->columns[c].id;
		run->types[c] = run->base->columns[c].type;
	}
}

/* LIMIT without ORDER BY over what only grows is no top-n: so many rows, and the query ends. NULL without error: it is none of these. */
static Lowered *lower_limited(Continuous *run, Error *err)
{
	Session *session = run->session;
	Plan *plan = run->base;
	if (plan->kind != PLAN_SORT || plan->order_count || plan->limit < 0) return NULL;
	Lowered *lowered = engine_lower(session, session->context, plan_copy(session->context, plan->inputs[0], NULL), err);
	if (lowered && !lowered->append_only) {
		lowered_free(lowered, true);
		return NULL;
	}
	if (!lowered) return NULL;
	run->left = plan->limit;
	run->skip = plan->offset > 0 ? plan->offset : 0;
	return lowered;
}

/* With its client made; nobody else's transaction is open. */
static bool follow_query(Continuous *run, Error *err)
{
	Session *session = run->session;
	Runtime *runtime = session->engine->runtime;
	run->flows = false;
	continuous_plan(run);
	bool final = run->local && session->mode == SESSION_BATCH;
	session->context->result_is_final = true;
	Lowered *lowered = final ? NULL : lower_limited(run, err);
	if (!lowered && err->code == ERR_NONE) lowered = engine_lower(session, session->context, final || run->project ? run->base : run->query->plan, err);
	if (!lowered) return false;
	bool append_only = lowered->append_only;
	run->lowered = lowered;
	run->client.append_only = append_only;
	run->client.pipeline = runtime_client_add(runtime, lowered, client_tap, &run->client, !append_only, err);
	bool ok = run->client.pipeline != NULL;
	if (ok && final) {
		begin_final(run);
		ok = runtime_flush(runtime, err) && emit_final(run, err);
		final_release(&run->final);
	}
	else if (ok) {
		if (session->mode == SESSION_TERMINAL) session_notice(session, "continuous query: Ctrl-C ends it");
		pipeline_cancel_by(run->client.pipeline, &session->canceled);
		run->ends = sources_end(runtime, run->client.pipeline, session->mode);
		run->flows = !run->ends || (append_only && (run->base->kind != PLAN_SORT || run->left >= 0));
		ok = runtime_loop_start(runtime, err) && continuous_follow(run, err);
	}
	if (run->client.pipeline) {
		Error ignored = ERROR_INIT;
		writer_wait(runtime, &ignored);
		runtime_client_remove(runtime, run->client.pipeline);
	}
	return ok;
}

static bool run_continuous(Session *session, BoundQuery *query, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (session->transaction)
		return error_set(err, ERR_ACTIVE_TRANSACTION, SPAN_NONE, "a SELECT that reads a relation cannot run inside a transaction") || error_hint(err, "COMMIT first.");
	Continuous run = {.session = session, .query = query, .left = -1, .local = reads_only_local(query), .flows = true};
	client_init(&run.client, session);
	bool ok = continuous_begin(&run, err) && runtime_start(runtime, err) && runtime_flush(runtime, err) && follow_query(&run, err);
	client_release(&run.client);
	return ok;
}

bool run_query(Session *session, BoundStatement *bound, Error *err)
{
	return bound->query.continuous ? run_continuous(session, &bound->query, err) : run_adhoc(session, &bound->query, err);
}
