/* Sessions: from the text of a statement to the function that runs it; transactions; the table that statements answer with. */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "engine/internal.h"
#include "type/text.h"

Session *session_new(Engine *engine, const ResultSink *out, SessionMode mode)
{
	Session *session = mem_new(Session);
	session->engine = engine;
	session->out = *out;
	session->mode = mode;
	pthread_mutex_init(&session->adhoc_lock, NULL);
	arena_init(&session->arena, 0);
	return session;
}

static void variables_free(Variable *variables, int count)
{
	for (int i = 0; i < count; i++) {
		free(variables[i].name);
		free(variables[i].value);
	}
	free(variables);
}

void session_free(Session *session)
{
	if (!session) return;
	variables_free(session->variables.at, session->variables.count);
	variables_free(session->settings.at, session->settings.count);
	store_reader_close(session->reader);
	pthread_mutex_destroy(&session->adhoc_lock);
	arena_release(&session->arena);
	free(session);
}

void session_set_variable(Session *session, const char *name, const char *value)
{
	Variable variable = {.name = mem_strdup(name), .value = mem_strdup(value)};
	vec_push(&session->variables, variable);
}

bool session_in_transaction(const Session *session) { return session->transaction; }
bool session_is_canceled(const Session *session) { return atomic_load(&session->canceled); }

bool session_was_canceled(const Session *session, Error *err) { return session_is_canceled(session) && !error_set(err, ERR_CANCELED, SPAN_NONE, "canceled"); }

void session_cancel(Session *session)
{
	atomic_store(&session->canceled, true);
	if (pthread_mutex_trylock(&session->adhoc_lock) != 0) return;         /* it is being opened or closed: the flag is enough */
	if (session->adhoc) adhoc_interrupt(session->adhoc);
	pthread_mutex_unlock(&session->adhoc_lock);
}

void session_notice(Session *session, const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (session->out.notice) session->out.notice(session->out.context, text);
}

void session_done(Session *session, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (session->check) session_tell(session, "runs", session->text, -1, NULL);
	else if (session->out.done) session->out.done(session->out.context, text);
}

bool session_emit(Session *session, const Batch *rows, Error *err)
{
	if (session_is_canceled(session) || (session->out.rows && !session->out.rows(session->out.context, rows)))
		return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	return true;
}

/* ---- what binding asks the session ---- */

static const char *session_parameter(void *context, const char *name)
{
	const Session *session = context;
	for (int i = session->variables.count - 1; i >= 0; i--)
		if (strcmp(session->variables.at[i].name, name) == 0) return session->variables.at[i].value;
	return NULL;
}

const char *session_setting(const Session *session, const char *name)
{
	for (int i = session->settings.count - 1; i >= 0; i--)
		if (strcasecmp(session->settings.at[i].name, name) == 0) return session->settings.at[i].value;
	return NULL;
}

/* The session's own connection for reading; NULL: could not be opened, then the writer's serves. */
StoreReader *session_reader(Session *session)
{
	Error ignored = ERROR_INIT;
	if (!session->reader) session->reader = store_reader_open(session->engine->store, &ignored);
	return session->reader;
}

/* Tables of the file that are no relations: the user's own, and Weir's. */
static Relation *session_outside(void *context, const char *name)
{
	Session *session = context;
	Error ignored = ERROR_INIT;
	StoreTableInfo info;
	/* a transaction that is open here would be waited for in vain: in memory it keeps readers out */
	const Runtime *runtime = session->engine->runtime;          /* none: weir status */
	StoreReader *reader = runtime && runtime->file_open ? NULL : session_reader(session);
	if (!store_table_columns(session->engine->store, reader, name, &session->arena, &info, &ignored)) return NULL;
	Relation *relation = relation_new(RELATION_TABLE, info.name);
	relation->columns = arena_array(&relation->arena, RelationColumn, info.column_count + 1);
	relation->column_count = info.column_count;
	relation->watermark_column = -1;
	for (int c = 0; c < info.column_count; c++)
		relation->columns[c] = (RelationColumn){.name = arena_strdup(&relation->arena, info.columns[c].name), .type = info.columns[c].type, .not_null = !info.columns[c].nullable};
	return relation;
}

BindSettings session_bind_settings(Session *session)
{
	return (BindSettings){
		.brokers = session_setting(session, "brokers"), .start = session_setting(session, "auto.offset.reset"),
		.parameter = session_parameter, .outside = session_outside, .context = session, .repeats_pass = session->script,
	};
}

/* ---- transactions ---- */

static bool run_begin(Session *session, const AstTransaction *ast, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (session->transaction || runtime->transaction) return error_set(err, ERR_ACTIVE_TRANSACTION, SPAN_NONE, "a transaction is open already");
	if (!runtime_start(runtime, err) || !runtime_flush(runtime, err)) return false;
	session->transaction = true;
	session->aborted = false;
	runtime_hold(runtime, true);
	session_done(session, ast->statement_set ? "BEGIN STATEMENT SET" : "BEGIN");
	return true;
}

static bool rollback(Session *session, Error *err)
{
	session->transaction = session->aborted = session->changed = false;
	runtime_hold(session->engine->runtime, false);
	return engine_rollback(session->engine, err);
}

static bool run_commit(Session *session, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (!session->transaction) return error_set(err, ERR_NO_TRANSACTION, SPAN_NONE, "there is no transaction to commit");
	if (session->aborted)
		return error_set(err, ERR_ACTIVE_TRANSACTION, SPAN_NONE, "a statement of the transaction was refused: it cannot be committed") || error_hint(err, "ROLLBACK it.");
	session->transaction = false;
	runtime_hold(runtime, false);
	if (!runtime_flush(runtime, err)) {
		Error ignored = ERROR_INIT;
		rollback(session, &ignored);
		return false;
	}
	session_done(session, "COMMIT");
	return true;
}

static bool run_transaction(Session *session, const AstTransaction *ast, Error *err)
{
	switch (ast->kind) {
	case AST_BEGIN: return run_begin(session, ast, err);
	case AST_COMMIT: return run_commit(session, err);
	case AST_ROLLBACK:
		if (!session->transaction) return error_set(err, ERR_NO_TRANSACTION, SPAN_NONE, "there is no transaction to roll back");
		if (!rollback(session, err)) return false;
		session_done(session, "ROLLBACK");
		return true;
	default: return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "SAVEPOINT is not supported");
	}
}

static bool refuse_in_transaction(const Session *session, const char *what, Error *err)
{
	if (!session->transaction || session->script) return true;
	return error_set(err, ERR_ACTIVE_TRANSACTION, SPAN_NONE, "%s cannot run inside a transaction", what) || error_hint(err, "COMMIT first.");
}

static bool run_flush(Session *session, bool checkpoint, Error *err)
{
	if (!refuse_in_transaction(session, checkpoint ? "CHECKPOINT" : "FLUSH", err)) return false;
	Runtime *runtime = session->engine->runtime;
	if (!session->script) {
		if (!runtime_start(runtime, err)) return false;
		if (!(checkpoint ? runtime_checkpoint(runtime, err) : runtime_flush(runtime, err))) return false;
		session->changed = false;
	}
	else if (checkpoint) runtime->checkpoint_wanted = true;
	session_done(session, checkpoint ? "CHECKPOINT" : "FLUSH");
	return true;
}

static bool run_close(Session *session, BoundStatement *bound, Error *err)
{
	Engine *engine = session->engine;
	if (!runtime_start(engine->runtime, err)) return false;
	const AstClose *ast = bound->ast->close;
	for (int r = 0; ast->all && r < engine->catalog->relations.count; r++) {
		Relation *relation = engine->catalog->relations.at[r];
		if (relation->kind == RELATION_STREAM && relation_is_local(relation) && !runtime_close_stream(engine->runtime, relation, err)) return false;
	}
	for (int r = 0; !ast->all && r < bound->relations.count; r++)
		if (!runtime_close_stream(engine->runtime, bound->relations.at[r], err)) return false;
	session->changed = true;
	if (!session->transaction && !runtime_flush(engine->runtime, err)) return false;
	session_done(session, "CLOSE STREAM");
	return true;
}

static bool is_source(const Relation *relation) { return relation->connector && (relation->kind == RELATION_STREAM || relation->kind == RELATION_TABLE); }

/* RESUME s [ON OFFSET GAP x], for a stream whose next record the topic no longer has */
static bool resume_source(Session *session, const Relation *relation, const AstPause *ast, Error *err)
{
	static const char *const WORDS[] = {"fail", "earliest", "latest"};
	const char *on_gap = NULL;
	for (int o = 0; o < ast->options.count; o++)
		for (int w = 0; w < 3; w++)
			if (strcasecmp(ast->options.at[o].value, WORDS[w]) == 0) on_gap = WORDS[w];
	if (ast->options.count && !on_gap) return error_set(err, ERR_INVALID_PARAMETER, ast->options.at[0].value_span, "ON OFFSET GAP is FAIL, EARLIEST or LATEST");
	return runtime_resume_source(session->engine->runtime, relation, on_gap, err);
}

/* A sink that others write into by INSERT ... SELECT. */
static bool pause_writers(Session *session, const Relation *sink, bool pause, Error *err)
{
	Engine *engine = session->engine;
	int count = catalog_dependants(engine->catalog, sink->id, NULL, 0);
	Relation **writers = arena_array(&session->arena, Relation *, count + 1);
	catalog_dependants(engine->catalog, sink->id, writers, count);
	for (int w = 0; w < count; w++)
		if (relation_has_pipeline(writers[w]) && !(pause ? runtime_pause : runtime_resume)(engine->runtime, writers[w], err)) return false;
	return true;
}

static bool run_pause(Session *session, BoundStatement *bound, bool pause, Error *err)
{
	Engine *engine = session->engine;
	if (!refuse_in_transaction(session, pause ? "PAUSE" : "RESUME", err) || !runtime_start(engine->runtime, err) || !runtime_flush(engine->runtime, err)) return false;
	session->undoable = !session->transaction;
	const AstPause *ast = bound->ast->pause;
	if (ast->from != AST_RESUME_AS_IT_WAS)
		return error_set(err, ERR_UNSUPPORTED, bound->ast->span, "RESUME ... FROM %s is not supported", ast->from == AST_RESUME_FROM_NOW ? "NOW" : "SNAPSHOT");
	int count = ast->all ? engine->catalog->relations.count : bound->relations.count;
	for (int r = 0; r < count; r++) {
		Relation *relation = ast->all ? engine->catalog->relations.at[r] : bound->relations.at[r];
		bool runs = relation_has_pipeline(relation);
		if (!runs && ast->all) continue;
		if (!pause && is_source(relation) && !resume_source(session, relation, ast, err)) return false;
		if (!pause && is_source(relation) && !runs) continue;
		if (relation->kind == RELATION_SINK && !runs) {
			if (!pause_writers(session, relation, pause, err)) return false;
			continue;
		}
		if (!runs) return error_set(err, ERR_WRONG_OBJECT_TYPE, SPAN_NONE, "%s \"%s\" is no continuous query", relation_kind_name(relation->kind), relation->name);
		bool may = pause ? refuse_while_reader_replaced(engine, relation, err) : refuse_while_replaced(engine, relation, err);
		if (!may && !ast->all) return false;
		if (!may) {
			if (pause && !relation->replaces) session_notice(session, "%s; it goes on", err->message);
			*err = ERROR_INIT;
			continue;
		}
		if (!(pause ? runtime_pause(engine->runtime, relation, err) : runtime_resume(engine->runtime, relation, err))) return false;
	}
	session_done(session, pause ? "PAUSE" : "RESUME");
	return true;
}

/* ---- one statement ---- */

static bool dispatch(Session *session, BoundStatement *bound, Error *err)
{
	switch (bound->kind) {
	case BOUND_CREATE: return run_create(session, bound, err);
	case BOUND_CREATE_INDEX: return run_create_index(session, bound, err);
	case BOUND_ALTER: return run_alter(session, bound, err);
	case BOUND_DROP: return run_drop(session, bound, err);
	case BOUND_TRUNCATE: return run_truncate(session, bound, err);
	case BOUND_INSERT: return run_insert(session, bound, err);
	case BOUND_UPDATE: case BOUND_DELETE: return run_change(session, bound, err);
	case BOUND_PAUSE: return run_pause(session, bound, true, err);
	case BOUND_RESUME: return run_pause(session, bound, false, err);
	case BOUND_SHOW: return run_show(session, bound, err);
	case BOUND_DESCRIBE: return run_describe(session, bound, err);
	case BOUND_EXPLAIN: return run_explain(session, bound, err);
	case BOUND_SET: case BOUND_RESET: return run_set(session, bound, err);
	case BOUND_TRANSACTION: return run_transaction(session, bound->ast->transaction, err);
	case BOUND_FLUSH: return run_flush(session, false, err);
	case BOUND_CHECKPOINT: return run_flush(session, true, err);
	case BOUND_CLOSE: return run_close(session, bound, err);
	case BOUND_PRINT: return run_print(session, bound, err);
	case BOUND_PEEK: return run_peek(session, bound, err);
	case BOUND_USE: session_done(session, "USE"); return true;
	case BOUND_QUERY: return run_query(session, bound, err);
	case BOUND_SUBSCRIBE: return run_subscribe(session, bound, err);
	}
	return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "the statement is not supported");
}

/* A statement that failed halfway through file and operators: outside of a transaction everything before it was flushed when it began to change
 * them, so going back to the last commit loses nothing; inside, the transaction is over. */
static void after_failure(Session *session)
{
	Error ignored = ERROR_INIT;
	session->engine->runtime->interrupt = NULL;           /* going back is not to be interrupted, too */
	if (session->transaction) session->aborted = true;
	else if (session->undoable && session->engine->runtime->file_open) engine_rollback(session->engine, &ignored);
}

/* ---- --check ---- */

enum { TOLD_COLUMNS = 4, TOLD_TEXT_MAX = 60 };
static const ResultColumn TOLD[TOLD_COLUMNS] = {{"result", {.kind = TYPE_TEXT}}, {"statement", {.kind = TYPE_TEXT}}, {"records", {.kind = TYPE_INTEGER}}, {"error", {.kind = TYPE_TEXT}}};

void session_tell(Session *session, const char *result, const char *statement, int64_t records, const Error *failed)
{
	Arena *arena = &session->arena;
	const char *cells[TOLD_COLUMNS] = {result, statement};
	if (records >= 0) cells[2] = arena_printf(arena, "%lld", (long long)records);
	if (failed) cells[3] = arena_printf(arena, "%s (%s)", failed->message, error_sqlstate(failed->code));
	table_row(session->told, cells);
}

/* A statement by its first words. */
static const char *told_text(Session *session, const char *text, size_t bytes)
{
	char *words = arena_strndup(&session->arena, text, bytes > TOLD_TEXT_MAX ? TOLD_TEXT_MAX : bytes);
	for (char *c = words; *c; c++)
		if (*c == '\n' || *c == '\t' || *c == '\r') *c = ' ';
	return bytes > TOLD_TEXT_MAX ? arena_printf(&session->arena, "%s ...", words) : words;
}

/* What defines nothing that a later statement could need is not run. */
static bool is_only_told(const Session *session, BoundKind kind)
{
	switch (kind) {
	case BOUND_QUERY: case BOUND_SUBSCRIBE: case BOUND_SHOW: case BOUND_DESCRIBE: case BOUND_EXPLAIN: case BOUND_PRINT: case BOUND_PEEK: case BOUND_TRUNCATE:
	case BOUND_FLUSH: case BOUND_CHECKPOINT: case BOUND_CLOSE: case BOUND_PAUSE: case BOUND_RESUME:
		return session->check;
	default: return false;
	}
}

static bool run_bound(Session *session, AstStatement *ast, Error *err)
{
	Engine *engine = session->engine;
	PlanContext context = {.arena = &session->arena, .rules_off = engine->catalog->rules_off};
	BindSettings settings = session_bind_settings(session);
	BoundStatement bound = {0};
	bool ok = bind_statement(ast, engine->catalog, &settings, &context, &bound, err);
	session->context = &context;
	session->undoable = session->begun = false;
	for (int n = 0; ok && n < bound.notices.count; n++) session_notice(session, "%s", bound.notices.at[n]);
	if (ok && is_only_told(session, bound.kind)) session_tell(session, "runs", session->text, -1, NULL);
	else if (ok && !(ok = dispatch(session, &bound, err))) after_failure(session);
	bound_release(&bound);
	return ok;
}

/* Operators were stopped in the midst of a commit: they are made anew from the file, and what was gathered since the last commit is undone as a whole, whoever
 * it came from (is_still_there tells them). A script's process is about to end, and need not start anew for that. */
static void after_interrupt(Session *session, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (runtime->failure.code != ERR_CANCELED) return;
	error_detail(err, session->transaction ? "the transaction is rolled back" : "what was not committed yet is taken back");
	if (session->mode == SESSION_BATCH && !session->out.is_remote) return;
	Error ignored = ERROR_INIT;
	runtime->interrupt = NULL;
	runtime->taken_back++;
	rollback(session, &ignored);
}

/* Has what this session changed been undone with a commit that another one canceled? */
static bool is_still_there(Session *session, Error *err)
{
	uint64_t now = session->engine->runtime->taken_back, then = session->taken_back;
	bool lost = session->changed && now != then;
	session->taken_back = now;
	if (!lost) return true;
	session->changed = false;
	error_set(err, ERR_CANCELED, SPAN_NONE, "what this session had changed since the last commit is taken back: another canceled that commit");
	return error_hint(err, "Run the statements since the last FLUSH once more.");
}

static bool is_transaction_end(const AstStatement *ast)
{
	return ast->kind == AST_STATEMENT_TRANSACTION && (ast->transaction->kind == AST_ROLLBACK || ast->transaction->kind == AST_COMMIT);
}

bool session_run(Session *session, const char *text, size_t start, size_t end, Error *err)
{
	arena_clear(&session->arena);
	atomic_store(&session->canceled, false);
	AstStatement *ast = parse_statement(text, start, end, &session->arena, err);
	if (!ast) return false;
	Runtime *runtime = session->engine->runtime;
	if (!runtime_enter_unless(runtime, &session->canceled, 0)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	bool ok = is_still_there(session, err);
	if (runtime->failure.code != ERR_NONE) {
		*err = runtime->failure;
		ok = false;
	}
	else if (session->aborted && !is_transaction_end(ast))
		ok = error_set(err, ERR_ACTIVE_TRANSACTION, ast->span, "a statement of the transaction was refused: what follows is passed over until ROLLBACK");
	ok = ok && run_bound(session, ast, err) && session_commit_if_due(session, err) && (session->transaction || runtime_limit(runtime, err));
	if (!ok) after_interrupt(session, err);
	runtime_leave(runtime);
	return ok;
}

/* Without the loop nobody else cuts: a commit grows no larger than what memory is meant to hold. */
bool session_commit_if_due(Session *session, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (session->transaction || !runtime->gathering) return true;
	if (session->engine->config.commit_each_statement || (!runtime->looping && runtime_pending_is_full(runtime))) return runtime_flush(runtime, err);
	return true;
}

bool session_finish(Session *session, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	atomic_store(&session->canceled, false);
	if (!runtime_enter_unless(runtime, &session->canceled, 0)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	bool ok = is_still_there(session, err);
	if (!ok) session->changed = false;
	else if (session->transaction) {
		session_notice(session, "the transaction that is still open is rolled back");
		ok = rollback(session, err);
	}
	else if (session->changed) ok = runtime_flush(runtime, err) && runtime_limit(runtime, err);
	if (!ok) after_interrupt(session, err);
	session->changed = false;
	runtime_leave(runtime);
	return ok;
}

/* ---- weir run FILE -f SCRIPT ---- */

static bool run_script_statement(Session *session, const char *text, size_t start, size_t end, Error *err)
{
	arena_clear(&session->arena);
	AstStatement *ast = parse_statement(text, start, end, &session->arena, err);
	session->text = told_text(session, text + start, end - start);
	if (ast && run_bound(session, ast, err)) return true;
	if (err->span.end == 0) err->span = (Span){(uint32_t)start, (uint32_t)start};
	return false;
}

/* --check goes on behind a statement that is refused before it changes anything; the first error is what it ends with. */
static bool run_script_text(Session *session, const ScriptText *script, Error *err)
{
	size_t offset = 0, start, end;
	while (parse_next_statement(script->text, script->bytes, &offset, &start, &end)) {
		Error failed = ERROR_INIT;
		session->aborted = false;
		if (run_script_statement(session, script->text, start, end, &failed)) continue;
		if (session->check) session_tell(session, "error", session->text, -1, &failed);
		if (err->code == ERR_NONE) *err = failed;
		if (!session->check || session->begun) return false;
	}
	return err->code == ERR_NONE;
}

static bool run_scripts(Session *session, const ScriptText *scripts, int count, int *failed_script, Error *err)
{
	bool ok = true;
	for (int i = 0; ok && i < count; i++) {
		*failed_script = i;
		ok = run_script_text(session, &scripts[i], err);
	}
	return ok;
}

/* As many rows as statements, then all that they did is taken back. */
static bool check_scripts(Session *session, const ScriptText *scripts, int count, int *failed_script, Error *err)
{
	Table table;
	session->check = true;
	session->told = &table;
	bool ok = table_begin(&table, session, RESULT_TABLE, TOLD, TOLD_COLUMNS);
	ok = ok && run_scripts(session, scripts, count, failed_script, err);
	Error unheard = ERROR_INIT;
	session->check = false;
	return table_end(&table, ok ? err : &unheard) && ok;
}

bool session_run_script(Session *session, const ScriptText *scripts, int count, bool check, int *failed_script, Error *err)
{
	Runtime *runtime = session->engine->runtime;
	if (!runtime_enter_unless(runtime, &session->canceled, 0)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	bool ok = runtime_start(runtime, err) && runtime_flush(runtime, err);
	session->transaction = session->script = true;
	session->unchanged = 0;
	runtime_hold(runtime, true);
	runtime->trying = check;
	if (ok) ok = (check ? check_scripts : run_scripts)(session, scripts, count, failed_script, err);
	if (ok && !check) {
		session->transaction = session->script = false;
		runtime_hold(runtime, false);
		ok = runtime_flush(runtime, err);
		if (ok && session->unchanged) session_notice(session, "%d definition%s unchanged", session->unchanged, session->unchanged == 1 ? "" : "s");
	}
	else {
		Error ignored = ERROR_INIT;
		session->script = runtime->trying = false;
		if (runtime->failure.code != ERR_CANCELED) rollback(session, &ignored);       /* else the process ends as it is */
	}
	runtime_leave(runtime);
	return ok;
}

/* ---- results made here ---- */

bool table_begin(Table *table, Session *session, ResultKind kind, const ResultColumn *columns, int column_count)
{
	*table = (Table){.session = session, .column_count = column_count};
	arena_init(&table->arena, 0);
	for (int c = 0; c < column_count; c++) table->types[c] = columns[c].type;
	batch_builder_init(&table->rows, table->types, column_count, BATCH_ROWS_MAX);
	return !session->out.begin || session->out.begin(session->out.context, kind, columns, column_count);
}

static void table_flush(Table *table)
{
	Batch *batch = batch_builder_take(&table->rows);
	Error ignored = ERROR_INIT;
	if (batch) session_emit(table->session, batch, &ignored);
	if (batch) batch_unref(batch);
}

void table_row(Table *table, const char *const *cells)
{
	int row = batch_builder_row(&table->rows, 1);
	for (int c = 0; c < table->column_count; c++) {
		Value value = {.type = table->types[c], .is_null = true};
		if (cells[c]) text_to_value(cells[c], strlen(cells[c]), table->types[c], &value, &table->arena);
		batch_builder_set(&table->rows, row, c, &value);
	}
	if (batch_builder_full(&table->rows)) table_flush(table);
}

bool table_end(Table *table, Error *err)
{
	table_flush(table);
	batch_builder_release(&table->rows);
	arena_release(&table->arena);
	ResultSink *out = &table->session->out;
	if (out->end && !out->end(out->context)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	return true;
}

bool table_text(Session *session, const char *name, const char *text, Error *err)
{
	ResultColumn column = {.name = name, .type = TYPE(TEXT)};
	Table table;
	table_begin(&table, session, RESULT_TEXT, &column, 1);
	for (const char *line = text; *line; ) {
		size_t bytes = strcspn(line, "\n");
		const char *cell = arena_strndup(&table.arena, line, bytes);
		table_row(&table, &cell);
		line += bytes + (line[bytes] == '\n');
	}
	return table_end(&table, err);
}
