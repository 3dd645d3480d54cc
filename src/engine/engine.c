/* The engine: opening a file and making its catalog; what keeps store, catalog and runtime together. */
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/internal.h"
#include "expr/aggregate.h"
#include "expr/function.h"
#include "run/replace.h"

typedef struct StoredRow { int64_t id, replaces; char *sql, *extra; bool bound; } StoredRow;
typedef struct StoredRows { VEC(StoredRow) at; } StoredRows;

static bool collect_row(void *context, const StoreCatalogRow *row, Error *err)
{
	if (row->id <= 0 || !row->sql) return error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "a definition in the file cannot be read: weir_catalog has no statement for number %lld", (long long)row->id);
	StoredRow stored = {.id = row->id, .sql = mem_strdup(row->sql), .extra = row->extra ? mem_strdup(row->extra) : NULL};
	vec_push(&((StoredRows *)context)->at, stored);
	return true;
}

static bool bind_row(Engine *engine, Catalog *catalog, StoredRow *stored, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	PlanContext context = {.arena = &arena};
	BindSettings settings = {.stored = true};
	Relation *relation = bind_relation_text(stored->sql, stored->id, catalog, &settings, &context, NULL, err);
	if (relation && stored->extra && !facts_read(relation, stored->extra)) {
		error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "what the file remembers of \"%s\" is damaged", relation->name);
		relation_unref(relation);
		relation = NULL;
	}
	if (relation) relation->replaces = stored->replaces;
	if (relation) catalog_add(engine->catalog, relation);
	arena_release(&arena);
	return stored->bound = relation != NULL;
}

/* In order of their making, but what was replaced may stand on younger ones: again and again until no more can be bound. */
static bool bind_rows(Engine *engine, StoredRows *rows, Error *err)
{
	for (bool progress = true; progress; ) {
		progress = false;
		bool missing = false;
		for (int i = 0; i < rows->at.count; i++) {
			StoredRow *row = &rows->at.at[i];
			if (row->bound || row->replaces) continue;
			Error failed = ERROR_INIT;
			if (bind_row(engine, engine->catalog, row, &failed)) progress = true;
			else {
				missing = true;
				*err = failed;
			}
		}
		if (!missing) {
			*err = ERROR_INIT;
			return true;
		}
	}
	char message[ERROR_MESSAGE_BYTES];
	snprintf(message, sizeof message, "%s", err->message);
	*err = ERROR_INIT;
	return error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "a definition in the file cannot be read: %.900s", message);
}

/* What is to replace others, each before what reads it: on those that it reads, new ones where there are. */
static bool bind_pending(Engine *engine, StoredRows *rows, Error *err)
{
	bool ok = true;
	for (int i = 0; ok && i < rows->at.count; i++) {
		if (!rows->at.at[i].replaces) continue;
		Catalog *pending = catalog_copy(engine->catalog, true);
		ok = bind_row(engine, pending, &rows->at.at[i], err);
		catalog_free(pending);
	}
	return ok;
}

bool engine_load_catalog(Engine *engine, Error *err)
{
	StoredRows rows = {0};
	bool ok = store_catalog_list(engine->store, collect_row, &rows, err);
	for (int i = 0; i < rows.at.count; i++) rows.at.at[i].replaces = replaces_get(engine->store, rows.at.at[i].id);
	ok = ok && bind_rows(engine, &rows, err) && bind_pending(engine, &rows, err);
	for (int i = 0; i < rows.at.count; i++) {
		free(rows.at.at[i].sql);
		free(rows.at.at[i].extra);
	}
	vec_release(&rows.at);
	return ok;
}

static void engine_close_tables(Engine *engine)
{
	for (int i = 0; i < engine->tables.count; i++) store_table_close(engine->tables.at[i].table);
	engine->tables.count = 0;
}

int64_t engine_now(const Engine *engine) { return engine->config.fixed_clock_us ? engine->config.fixed_clock_us : clock_wall_us(); }

static void engine_notice(void *context, const char *text)
{
	Engine *engine = context;
	if (engine->config.notice) engine->config.notice(engine->config.context, text);
}

static RuntimeConfig runtime_config(Engine *engine)
{
	RuntimeConfig config = RUNTIME_CONFIG_DEFAULT;
	config.fixed_clock_us = engine->config.fixed_clock_us;
	config.rows_per_batch = engine->config.rows_per_batch;
	config.lower = engine_lower_view;
	config.take_over = engine->config.take_over;
	config.replanned = engine_replanned;
	config.notice = engine_notice;
	config.context = engine;
	return config;
}

/* --take-over: the copy counts as the original from now on. */
static bool take_over(Engine *engine, Error *err)
{
	return !store_is_copy(engine->store) || (store_begin(engine->store, err) && store_take_over(engine->store, err) && store_commit(engine->store, err));
}

Engine *engine_open(const EngineConfig *config, Error *err)
{
	Engine *engine = mem_new(Engine);
	engine->config = *config;
	engine->path = config->path ? mem_strdup(config->path) : NULL;
	engine->catalog = catalog_new();
	engine->store = store_open(config->path, config->must_exist ? STORE_OPEN_EXISTING : 0, err);
	bool ok = engine->store && (!config->take_over || take_over(engine, err)) && engine_load_catalog(engine, err);
	if (ok) {
		RuntimeConfig runtime = runtime_config(engine);
		engine->runtime = runtime_new(&runtime, engine->store, engine->catalog, err);
		ok = engine->runtime && settings_apply(engine, err);
	}
	if (ok) return engine;
	Error ignored = ERROR_INIT;
	engine_close(engine, &ignored);
	return NULL;
}

bool engine_close(Engine *engine, Error *err)
{
	if (!engine) return true;
	bool ok = !engine->runtime || runtime_free(engine->runtime, err);
	engine_close_tables(engine);
	vec_release(&engine->tables);
	store_close(engine->store);
	catalog_free(engine->catalog);
	free(engine->path);
	free(engine);
	return ok;
}

void engine_abandon(Engine *engine)
{
	Error ignored = ERROR_INIT;
	error_set(&engine->runtime->failure, ERR_CANCELED, SPAN_NONE, "abandoned");
	engine_close(engine, &ignored);
}

const char *engine_path(const Engine *engine) { return engine->path; }

/* ---- tables of local relations ---- */

static const int *stored_key(const Relation *relation, int *count)
{
	*count = relation->primary_key_count;
	for (int k = 0; k < *count; k++)
		if (!type_is_exact_in_file(relation->columns[relation->primary_key[k]].type)) *count = 0;
	return relation->primary_key;
}

StoreTableSpec engine_table_spec(const Relation *relation, Arena *arena)
{
	StoreColumn *columns = arena_array(arena, StoreColumn, relation->column_count + 1);
	for (int c = 0; c < relation->column_count; c++) {
		bool key = false;
		for (int k = 0; k < relation->primary_key_count; k++) key |= relation->primary_key[k] == c;
		columns[c] = (StoreColumn){.name = relation->columns[c].name, .type = relation->columns[c].type, .nullable = !relation->columns[c].not_null && !key};
	}
	int key_count;
	const int *key = stored_key(relation, &key_count);
	return (StoreTableSpec){
		.id = relation->id, .name = relation->name, .kind = relation_kind_name(relation->kind), .columns = columns, .column_count = relation->column_count,
		.key = key, .key_count = key_count, .has_key = key_count > 0, .append_only = relation->kind == RELATION_STREAM,
	};
}

static StoreTable *open_table(Engine *engine, const Relation *relation, bool create, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	StoreTableSpec spec = engine_table_spec(relation, &arena);
	StoreTable *table = create ? store_table_create(engine->store, &spec, err) : store_table_open(engine->store, &spec, err);
	arena_release(&arena);
	return table;
}

StoreTable *engine_table(Engine *engine, const Relation *relation, Error *err)
{
	for (int i = 0; i < engine->tables.count; i++)
		if (engine->tables.at[i].relation == relation->id) return engine->tables.at[i].table;
	LocalTable local = {.relation = relation->id, .table = open_table(engine, relation, false, err)};
	if (local.table) vec_push(&engine->tables, local);
	return local.table;
}

/* SQLite enforces what is UNIQUE beside the primary key. */
bool engine_create_uniques(Engine *engine, const Relation *relation, Error *err)
{
	bool ok = true;
	for (int u = 0; ok && u < relation->unique_count; u++) {
		StrBuf sql = STRBUF_INIT;
		strbuf_printf(&sql, "CREATE UNIQUE INDEX \"weir_unique_%lld_%d\" ON ", (long long)relation->id, u);
		strbuf_add_sql_ident(&sql, relation->name);
		for (int c = 0; c < relation->uniques[u].count; c++) {
			strbuf_adds(&sql, c ? ", " : " (");
			strbuf_add_sql_ident(&sql, relation->columns[relation->uniques[u].columns[c]].name);
		}
		strbuf_addc(&sql, ')');
		ok = store_execute(engine->store, sql.text, err);
		strbuf_release(&sql);
	}
	return ok;
}

bool engine_create_table(Engine *engine, const Relation *relation, Error *err)
{
	LocalTable local = {.relation = relation->id, .table = open_table(engine, relation, true, err)};
	if (local.table) vec_push(&engine->tables, local);
	return local.table && engine_create_uniques(engine, relation, err);
}

void engine_forget_table(Engine *engine, int64_t relation)
{
	int kept = 0;
	for (int i = 0; i < engine->tables.count; i++)
		if (engine->tables.at[i].relation != relation) engine->tables.at[kept++] = engine->tables.at[i];
	engine->tables.count = kept;
}

/* ---- going back ---- */

bool engine_rollback(Engine *engine, Error *err)
{
	Runtime *runtime = engine->runtime;
	if (runtime->file_open) store_rollback(engine->store);
	runtime->file_open = false;
	engine_close_tables(engine);
	while (engine->catalog->relations.count) catalog_remove(engine->catalog, engine->catalog->relations.at[engine->catalog->relations.count - 1]->id);
	return engine_load_catalog(engine, err) && runtime_rollback(runtime, err);
}

/* ---- reading ---- */

static bool reads_outside(const Engine *engine, const Relation *relation, int depth)
{
	for (int d = 0; d < relation->depend_count && depth < 100; d++) {
		const Relation *below = catalog_find_id(engine->catalog, relation->depends[d]);
		if (!below) continue;
		if (below->connector && below->kind != RELATION_SINK) return true;
		if (reads_outside(engine, below, depth + 1)) return true;
	}
	return false;
}

bool engine_has_work(Engine *engine)
{
	for (int r = 0; r < engine->catalog->relations.count; r++) {
		const Relation *relation = engine->catalog->relations.at[r];
		if (relation_is_changelog(relation) || (relation_has_pipeline(relation) && reads_outside(engine, relation, 0))) return true;
	}
	return false;
}

bool engine_read(Engine *engine, unsigned flags, Error *err)
{
	if (!runtime_enter_unless(engine->runtime, &engine->runtime->ending, 0)) return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	engine->runtime->stays = flags & ENGINE_STAY;
	bool ok = runtime_read(engine->runtime, flags & ENGINE_UNTIL_END, flags & ENGINE_FINAL, err);
	engine->reading = ok;
	runtime_leave(engine->runtime);
	return ok;
}

bool engine_wait(Engine *engine, Error *err) { return runtime_wait(engine->runtime, &engine->stop, err); }

typedef struct Watchdog { Engine *engine; uint64_t interval_us; bool stop; pthread_mutex_t lock; pthread_cond_t stopped; } Watchdog;

static void watchdog_sleep(Watchdog *watchdog)
{
	struct timespec until = clock_deadline((int64_t)watchdog->interval_us);
	pthread_cond_timedwait(&watchdog->stopped, &watchdog->lock, &until);
}

/* The loop stands still while a statement is inside, which may take its time. */
static void *watchdog_main(void *context)
{
	Watchdog *watchdog = context;
	uint64_t seen = 0;
	pthread_mutex_lock(&watchdog->lock);
	for (; !watchdog->stop; watchdog_sleep(watchdog)) {
		uint64_t turns = engine_heartbeat(watchdog->engine);
		if (turns != seen || atomic_load(&watchdog->engine->runtime->waiting)) sd_notify(0, "WATCHDOG=1");
		seen = turns;
	}
	pthread_mutex_unlock(&watchdog->lock);
	return NULL;
}

bool engine_wait_watched(Engine *engine, uint64_t interval_us, Error *err)
{
	Watchdog watchdog = {.engine = engine, .interval_us = interval_us, .lock = PTHREAD_MUTEX_INITIALIZER, .stopped = PTHREAD_COND_INITIALIZER};
	pthread_t thread;
	bool watched = pthread_create(&thread, NULL, watchdog_main, &watchdog) == 0;
	bool ok = engine_wait(engine, err);
	pthread_mutex_lock(&watchdog.lock);
	watchdog.stop = true;
	pthread_cond_signal(&watchdog.stopped);
	pthread_mutex_unlock(&watchdog.lock);
	if (watched) pthread_join(thread, NULL);
	return ok;
}

static bool refresh_reader(Reader *reader, Error *err)
{
	OptionSet stored = {reader->relation->options, reader->relation->option_count}, fresh;
	if (!options_resolve(&reader->arena, &stored, &fresh, err) || !source_refresh(reader->source, &fresh, err)) return false;
	reader->options = fresh;
	return true;
}

void engine_refresh(Engine *engine)
{
	runtime_enter(engine->runtime);
	for (int l = 0; l < engine->runtime->lanes.count; l++)
		for (int r = 0; r < engine->runtime->lanes.at[l]->readers.count; r++) {
			Reader *reader = engine->runtime->lanes.at[l]->readers.at[r];
			Error err = ERROR_INIT;
			if (!reader->source || refresh_reader(reader, &err)) continue;
			StrBuf text = STRBUF_INIT;
			strbuf_printf(&text, "stream \"%s\" keeps its options: %s", reader->relation->name, err.message);
			engine_notice(engine, text.text);
			strbuf_release(&text);
		}
	runtime_leave(engine->runtime);
}

void engine_stop(Engine *engine) { atomic_store(&engine->stop, true); }
bool engine_settle(Engine *engine, Error *err) { return runtime_settle(engine->runtime, err); }
void engine_hurry(Engine *engine) { runtime_hurry(engine->runtime); }
uint64_t engine_heartbeat(const Engine *engine) { return engine->runtime->turns; }

void engine_set_clock(Engine *engine, int64_t us)
{
	runtime_enter(engine->runtime);
	Error ignored = ERROR_INIT;
	engine->config.fixed_clock_us = engine->runtime->config.fixed_clock_us = us;
	if (!engine->runtime->transaction && runtime_start(engine->runtime, &ignored)) runtime_flush(engine->runtime, &ignored);
	runtime_leave(engine->runtime);
}

/* ---- completion ---- */

typedef struct Names { Engine *engine; EngineNameVisit *visit; void *context; bool go; } Names;

static void visit_relation(Names *names, const Relation *relation)
{
	names->go = names->go && names->visit(names->context, relation->name, relation_kind_name(relation->kind));
	for (int c = 0; names->go && c < relation->column_count; c++) names->go = names->visit(names->context, relation->columns[c].name, "column");
}

/* Tables of the file that are no relations: Weir's, the user's own. */
static bool visit_table(void *context, const char *name, bool is_weirs_own, Error *err)
{
	Names *names = context;
	if (catalog_find(names->engine->catalog, name)) return true;
	Arena arena;
	arena_init(&arena, 0);
	StoreTableInfo info;
	bool ok = store_table_columns(names->engine->store, NULL, name, &arena, &info, err);
	names->go = names->go && names->visit(names->context, name, is_weirs_own ? "weir table" : "table");
	for (int c = 0; ok && names->go && c < info.column_count; c++) names->go = names->visit(names->context, info.columns[c].name, "column");
	arena_release(&arena);
	return names->go;
}

void engine_names(Engine *engine, EngineNameVisit *visit, void *context)
{
	Names names = {.engine = engine, .visit = visit, .context = context, .go = true};
	Error ignored = ERROR_INIT;
	runtime_enter(engine->runtime);
	for (int r = 0; names.go && r < engine->catalog->relations.count; r++) visit_relation(&names, engine->catalog->relations.at[r]);
	if (names.go && writer_wait(engine->runtime, &ignored)) store_tables_list(engine->store, NULL, visit_table, &names, &ignored);
	runtime_leave(engine->runtime);
	for (int f = 0; names.go && f < FUNCTION_COUNT; f++) names.go = visit(context, FUNCTIONS[f].name, "function");
	for (int d = 0; names.go && d < DEFINED_FUNCTION_COUNT; d++) names.go = visit(context, DEFINED_FUNCTIONS[d].name, "function");
	for (int a = 0; names.go && a < AGGREGATE_COUNT; a++) names.go = visit(context, AGGREGATES[a].name, "function");
	for (int o = 0; names.go && o < OPTION_COUNT; o++) names.go = visit(context, OPTIONS[o].name, "option");
}

/* ---- progress ---- */

enum { PROGRESS_RECORDS_LEAST = 20000, PROGRESS_PATIENCE_US = 30000 };

static int64_t units_done(const Reader *reader)
{
	int64_t done = 0;
	for (int p = 0; p < reader->partitions.count; p++)
		if (reader->partitions.at[p]->position > 0) done += reader->partitions.at[p]->position;
	return done;
}

static bool counts_bytes(const Reader *reader) { return reader->relation->connector && strcmp(reader->relation->connector, "file") == 0; }

static void look_at_lane(const Runtime *runtime, const Lane *lane, EngineProgress *most)
{
	bool building = lane->state == LANE_BUILDING && lane->pipelines.count && lane->pipelines.at[0]->relation;
	int64_t behind = building ? lane_behind(runtime, lane) : -1, done = 0;
	bool in_bytes = false;
	for (int r = 0; r < lane->readers.count; r++) {
		const Reader *reader = lane->readers.at[r];
		if (!reader->source || !reader->started) continue;
		done += units_done(reader);
		in_bytes |= counts_bytes(reader);
		int64_t lag = building ? -1 : reader_lag(reader);
		if (lag < PROGRESS_RECORDS_LEAST || lag <= most->left) continue;
		*most = (EngineProgress){.what = "reading", .done = units_done(reader), .left = lag, .in_bytes = counts_bytes(reader)};
		snprintf(most->name, sizeof most->name, "%s", reader->relation->name);
	}
	if (!building || behind < most->left) return;
	*most = (EngineProgress){.what = "building", .done = done, .left = behind, .in_bytes = in_bytes};
	snprintf(most->name, sizeof most->name, "%s", lane->pipelines.at[0]->relation->name);
}

bool engine_progress(Engine *engine, EngineProgress *out)
{
	*out = (EngineProgress){.left = -1};
	if (!runtime_enter_unless(engine->runtime, NULL, PROGRESS_PATIENCE_US)) return false;
	for (int l = 0; l < engine->runtime->lanes.count; l++)
		if (engine->runtime->reading || engine->runtime->lanes.at[l]->id == 0) look_at_lane(engine->runtime, engine->runtime->lanes.at[l], out);
	runtime_leave(engine->runtime);
	return out->what[0];
}
