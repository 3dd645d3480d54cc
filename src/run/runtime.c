/* The runtime: what statements ask of it, and the cut of a commit. */
#include "run/runtime.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "run/checkpoint.h"
#include "run/input_log.h"
#include "run/place.h"
#include "run/sharing.h"
#include "run/source_log.h"
#include "run/starts.h"

const RuntimeConfig RUNTIME_CONFIG_DEFAULT = {
	.commit_interval_us = 200000, .checkpoint_interval_us = 10000000, .checkpoint_rows = 4000000,
	.checkpoint_small_bytes = 1 << 20, .checkpoint_growth_bytes = 16 << 20, .wal_limit_bytes = INT64_C(1) << 30, .dead_letters_bytes = INT64_C(1) << 30, .late_rows_bytes = INT64_C(1) << 30,
	.commits_kept_us = INT64_C(30) * 86400 * 1000000,
};

/* ---- lanes ---- */

Lane *lane_new(Runtime *runtime, int64_t id, LaneState state)
{
	Lane *lane = mem_new(Lane);
	lane->id = id;
	lane->state = state;
	vec_push(&runtime->lanes, lane);
	return lane;
}

/* Readers of views first: the last pipeline reads from those before it. */
void lane_free(Lane *lane)
{
	for (int r = 0; r < lane->readers.count; r++) reader_stop(lane->readers.at[r]);
	for (int p = lane->pipelines.count - 1; p >= 0; p--) pipeline_free(lane->pipelines.at[p]);
	for (int r = 0; r < lane->readers.count; r++) reader_free(lane->readers.at[r]);
	graph_release(&lane->graph);
	vec_release(&lane->readers);
	vec_release(&lane->pipelines);
	free(lane);
}

Reader *lane_reader_find(const Lane *lane, int64_t relation)
{
	for (int r = 0; r < lane->readers.count; r++)
		if (lane->readers.at[r]->relation->id == relation) return lane->readers.at[r];
	return NULL;
}

bool reader_closed_in_file(Runtime *runtime, const Relation *relation)
{
	char name[64];
	snprintf(name, sizeof name, "closed.%lld", (long long)relation->id);
	Arena arena;
	arena_init(&arena, 0);
	bool closed = store_setting_get(runtime->store, name, &arena) != NULL;
	arena_release(&arena);
	return closed;
}

Reader *lane_reader(Runtime *runtime, Lane *lane, Relation *relation, Error *err)
{
	Reader *reader = lane_reader_find(lane, relation->id);
	if (reader) return reader;
	reader = reader_new(relation, runtime->pool, err);
	if (!reader) return NULL;
	vec_push(&lane->readers, reader);
	reader->stop_at_end = runtime->until_end;
	reader->closed = reader_closed_in_file(runtime, relation);
	return reader;
}

Lane *runtime_lane(const Runtime *runtime, int64_t id)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		if (runtime->lanes.at[l]->id == id) return runtime->lanes.at[l];
	return NULL;
}

Lane *runtime_lane_of(const Runtime *runtime, int64_t relation, Pipeline **pipeline)
{
	*pipeline = NULL;
	for (int l = 0; l < runtime->lanes.count; l++)
		if ((*pipeline = lane_pipeline(runtime->lanes.at[l], relation))) return runtime->lanes.at[l];
	return NULL;
}

void lane_remove(Runtime *runtime, Lane *lane)
{
	int kept = 0;
	for (int l = 0; l < runtime->lanes.count; l++)
		if (runtime->lanes.at[l] != lane) runtime->lanes.at[kept++] = runtime->lanes.at[l];
	runtime->lanes.count = kept;
	lane_free(lane);
}

Pipeline *lane_pipeline(const Lane *lane, int64_t relation)
{
	for (int p = 0; p < lane->pipelines.count; p++)
		if (lane->pipelines.at[p]->relation && lane->pipelines.at[p]->relation->id == relation) return lane->pipelines.at[p];
	return NULL;
}

Pipeline *lane_pipeline_of(const Lane *lane, const Op *op)
{
	for (int p = 0; p < lane->pipelines.count; p++)
		for (int o = 0; o < lane->pipelines.at[p]->lowered->ops.count; o++)
			if (lane->pipelines.at[p]->lowered->ops.at[o] == op) return lane->pipelines.at[p];
	return NULL;
}

StoreTable *runtime_table(const Runtime *runtime, int64_t relation)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Pipeline *pipeline = lane_pipeline(runtime->lanes.at[l], relation);
		if (pipeline && pipeline->end == PIPELINE_VIEW && !pipeline->building) return pipeline->table;
	}
	return NULL;
}

/* ---- life ---- */

/* Never waits for the lock: whoever holds it is the loop, which looks at `input` before it sleeps, or a statement, which wakes it when it leaves. */
static void input_came(void *context)
{
	Runtime *runtime = context;
	if (atomic_exchange(&runtime->input, true) || pthread_mutex_trylock(&runtime->lock) != 0) return;
	pthread_cond_broadcast(&runtime->wake);
	pthread_mutex_unlock(&runtime->lock);
}

static void say_of_source(void *context, const char *text)
{
	const Runtime *runtime = context;
	if (runtime->config.notice) runtime->config.notice(runtime->config.context, text);
}

Runtime *runtime_new(const RuntimeConfig *config, Store *store, Catalog *catalog, Error *err)
{
	int64_t last;
	if (!store_commit_last(store, &last, err)) return NULL;
	Runtime *runtime = mem_new(Runtime);
	runtime->config = *config;
	runtime->piece_bytes = CHECKPOINT_PIECE_BYTES / 2;
	runtime->store = store;
	runtime->catalog = catalog;
	pthread_mutex_init(&runtime->lock, NULL);
	pthread_cond_init(&runtime->turn, NULL);
	pthread_cond_init(&runtime->wake, NULL);
	pthread_cond_init(&runtime->writer_wake, NULL);
	runtime->commit = runtime->written = (uint64_t)last;
	runtime->commit++;
	runtime->held_after = -1;
	runtime->live = lane_new(runtime, LANE_LIVE_ID, LANE_LIVE);
	runtime->pool = decode_pool_new(input_came, say_of_source, runtime);
	runtime->next = sealed_new();
	runtime->checkpoint_us = runtime->cut_us = clock_monotonic_us();
	return runtime;
}

/* Until which commit clients that end now have the changes. */
static void clients_follow(Runtime *runtime, int64_t commit)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		if (runtime->lanes.at[l]->id == 0 && runtime->lanes.at[l]->pipelines.count) runtime->lanes.at[l]->pipelines.at[0]->followed = commit;
}

static void runtime_drop_lanes(Runtime *runtime)
{
	Error restarted = ERROR_INIT;
	error_set(&restarted, ERR_CANCELED, SPAN_NONE, "what the query reads was started anew");
	Error ignored = ERROR_INIT;
	int64_t last;
	bool kept = store_commit_last(runtime->store, &last, &ignored) && last == (int64_t)runtime->commit - 1;       /* else clients have seen what was taken back */
	clients_follow(runtime, runtime->held_after >= 0 ? runtime->held_after : kept ? (int64_t)runtime->commit - 1 : 0);
	clients_end(runtime, NULL, &restarted);
	for (int l = runtime->lanes.count - 1; l >= 0; l--) lane_free(runtime->lanes.at[l]);
	runtime->lanes.count = 0;
	runtime->live = NULL;
}

/* The pieces that are left, a commit each: the WAL stays small, and is used again while it is still in memory. */
static bool finish_checkpoint(Runtime *runtime, Error *err)
{
	while (runtime->started && (runtime->checkpoint || runtime->checkpoint_wanted))
		if (!runtime_flush(runtime, err)) return false;
	return true;
}

static bool settle_inside(Runtime *runtime, Error *err)
{
	bool fine = runtime->failure.code == ERR_NONE;
	if (fine && !runtime->transaction && runtime->started) {
		runtime->checkpoint_wanted |= graph_dirty_bytes(&runtime->live->graph) > 0;
		runtime->noted_us = runtime->note_looked_us = 0;
		if (noted_is_due(runtime)) runtime_open_commit(runtime);
		fine = runtime_flush(runtime, err) && finish_checkpoint(runtime, err) && metrics_finish(runtime, err);
	}
	else if (!fine && err->code == ERR_NONE) *err = runtime->failure;
	if (fine || !runtime_has_given_up(runtime)) return fine;
	*err = ERROR_INIT;
	return true;
}

bool runtime_settle(Runtime *runtime, Error *err)
{
	runtime_loop_stop(runtime);
	runtime_enter(runtime);
	runtime->interrupt = &runtime->ending;
	bool ok = settle_inside(runtime, err);
	runtime_leave(runtime);
	return ok;
}

bool runtime_free(Runtime *runtime, Error *err)
{
	runtime_enter(runtime);
	runtime->interrupt = &runtime->ending;
	bool ok = settle_inside(runtime, err);
	if (runtime->file_open) store_rollback(runtime->store);
	runtime_leave(runtime);
	runtime_loop_stop(runtime);
	writer_stop(runtime);
	runtime_drop_lanes(runtime);
	vec_release(&runtime->lanes);
	vec_release(&runtime->holds);
	vec_release(&runtime->anew);
	vec_release(&runtime->orphans);
	vec_release(&runtime->retentions);
	decode_pool_free(runtime->pool);
	checkpoint_free(runtime->checkpoint);
	sealed_free(runtime->next);
	pthread_cond_destroy(&runtime->turn);
	pthread_cond_destroy(&runtime->wake);
	pthread_cond_destroy(&runtime->writer_wake);
	pthread_mutex_destroy(&runtime->lock);
	free(runtime);
	return ok;
}

void runtime_enter(Runtime *runtime)
{
	atomic_fetch_add(&runtime->waiting, 1);
	pthread_mutex_lock(&runtime->lock);
	while (runtime->inside) pthread_cond_wait(&runtime->turn, &runtime->lock);
	runtime->inside = true;
	runtime->interrupt = NULL;
}

/* A turn of the loop keeps the lock, so its end is waited for in small portions. */
bool runtime_enter_unless(Runtime *runtime, const atomic_bool *canceled, int64_t patience_us)
{
	enum { PORTION_US = 20000 };
	int64_t began_us = clock_monotonic_us();
	atomic_fetch_add(&runtime->waiting, 1);
	for (bool locked = false;;) {
		struct timespec until = clock_deadline(PORTION_US);
		if (!locked) locked = pthread_mutex_timedlock(&runtime->lock, &until) == 0;
		else if (runtime->inside) pthread_cond_timedwait(&runtime->turn, &runtime->lock, &until);
		if (locked && !runtime->inside) break;
		bool tired = (canceled && atomic_load(canceled)) || (patience_us && clock_monotonic_us() - began_us > patience_us);
		if (!tired) continue;
		atomic_fetch_sub(&runtime->waiting, 1);
		if (locked) pthread_mutex_unlock(&runtime->lock);
		return false;
	}
	runtime->inside = true;
	runtime->interrupt = canceled;
	return true;
}

bool runtime_is_interrupted(const Runtime *runtime, Error *err)
{
	if (!runtime->interrupt || !atomic_load(runtime->interrupt)) return false;
	error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	return true;
}

bool runtime_has_given_up(const Runtime *runtime) { return runtime->failure.code == ERR_CANCELED && atomic_load(&runtime->ending); }

void runtime_hurry(Runtime *runtime)
{
	atomic_store(&runtime->ending, true);
	store_interrupt(runtime->store);
}

/* `waiting` goes down before the lock, so the loop does not wait for one who has left. */
void runtime_leave(Runtime *runtime)
{
	atomic_fetch_sub(&runtime->waiting, 1);
	runtime->inside = false;
	pthread_cond_broadcast(&runtime->wake);
	pthread_cond_broadcast(&runtime->turn);
	pthread_mutex_unlock(&runtime->lock);
}

/* ---- gathering ---- */

int64_t runtime_now(const Runtime *runtime) { return runtime->config.fixed_clock_us ? runtime->config.fixed_clock_us : clock_wall_us(); }

void runtime_open_commit(Runtime *runtime)
{
	if (runtime->gathering) return;
	runtime->gathering = true;
	runtime->opened_us = clock_monotonic_us();
	int64_t now = runtime_now(runtime);
	if (!runtime->replaying && now > runtime->clock_us) runtime->clock_us = now;
}

static void keep_dead_letter(void *context, const Reader *reader, const Partition *partition, const DeadRecord *dead, const char *views)
{
	Runtime *runtime = context;
	if (runtime->replaying) return;
	SealedCommit *sealed = runtime->next;
	DeadLetter letter = {
		.source = reader->relation->name, .topic = partition->topic ? partition->topic : partition->name, .partition = partition->number,
		.offset = dead->position, .timestamp_us = dead->timestamp_us, .code = error_sqlstate(dead->code),
		.error = arena_strdup(&sealed->arena, dead->error), .views = *views ? arena_strdup(&sealed->arena, views) : NULL,
		.has_key = dead->has_key, .key_bytes = dead->key.bytes, .has_value = dead->has_value, .value_bytes = dead->value.bytes,
	};
	letter.key = arena_copy(&sealed->arena, str_at(&dead->key), dead->key.bytes);
	letter.value = arena_copy(&sealed->arena, str_at(&dead->value), dead->value.bytes);
	vec_push_in(&sealed->arena, &sealed->dead, letter);
}

/* What a client reads by the way leaves no trace in the file. */
StepContext runtime_step_context(Runtime *runtime, const Lane *lane)
{
	return (StepContext){.commit = runtime->commit, .system_us = runtime->clock_us, .dead = lane->id ? keep_dead_letter : NULL, .log = lane->id ? source_log_item : NULL, .lane = lane->id, .context = runtime};
}

/* A client that reads no view can be left in the midst of a commit: nobody else knows of its operators. */
static bool client_was_canceled(Runtime *runtime, Lane *lane, Error *err)
{
	if (lane->id || err->code != ERR_CANCELED || !lane->pipelines.at[0]->canceled) return false;
	client_end(runtime, lane, err);
	*err = ERROR_INIT;
	return true;
}

static bool push_part(Reader *reader, const StepContext *step, Batch *changes, int from, int count, Error *err)
{
	Batch *own = batch_derive(changes, changes->column_count);
	memcpy(own->columns, changes->columns, sizeof *own->columns * (size_t)changes->column_count);
	own->rows = changes->rows;
	own->count = count;
	own->sel = changes->sel ? changes->sel + from : NULL;
	own->weights = changes->weights;
	if (!own->sel && count < changes->count) {
		uint32_t *sel = arena_alloc(&own->arena, sizeof *sel * (size_t)count);
		for (int i = 0; i < count; i++) sel[i] = (uint32_t)(from + i);
		own->sel = sel;
	}
	bool ok = reader_push_local(reader, step, own, err);
	batch_unref(own);
	return ok;
}

/* Tests cut the changes into small batches: the answer must not depend on it. */
bool lane_push_local(Runtime *runtime, Lane *lane, Relation *relation, Batch *changes, Error *err)
{
	Reader *reader = lane_reader_find(lane, relation->id);
	StepContext step = runtime_step_context(runtime, lane);
	int portion = runtime->config.rows_per_batch ? (int)runtime->config.rows_per_batch : changes->count;
	for (int from = 0; reader && from < changes->count; from += portion)
		if (!push_part(reader, &step, changes, from, from + portion < changes->count ? portion : changes->count - from, err)) return false;
	return true;
}

bool runtime_push_local(Runtime *runtime, Relation *relation, Batch *changes, Error *err)
{
	if (changes->count == 0) return true;
	runtime_open_commit(runtime);
	runtime->rows_since_checkpoint += changes->count;
	if (!runtime->replaying && runtime_is_read(runtime, relation)) input_log_batch(runtime->next, relation->id, changes);
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (lane_push_local(runtime, lane, relation, changes, err)) continue;
		if (!client_was_canceled(runtime, lane, err)) return runtime_mend(runtime, err);
		l--;
	}
	return true;
}

bool runtime_is_read(const Runtime *runtime, const Relation *relation)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		Reader *reader = lane_reader_find(runtime->lanes.at[l], relation->id);
		if (reader && reader->scans.count) return true;
	}
	return holds_relation(runtime, relation->id);
}

bool runtime_close_stream(Runtime *runtime, Relation *stream, Error *err)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		Reader *reader = lane_reader_find(runtime->lanes.at[l], stream->id);
		if (reader) reader->closed = true;
	}
	if (!runtime_file_begin(runtime, err)) return false;
	char name[64];
	snprintf(name, sizeof name, "closed.%lld", (long long)stream->id);
	runtime_open_commit(runtime);
	runtime->checkpoint_wanted = true;                    /* the mark is kept with the checkpoint */
	return store_setting_put(runtime->store, name, "1", err);
}

bool runtime_file_begin(Runtime *runtime, Error *err)
{
	if (runtime->file_open) return true;
	if (!writer_wait(runtime, err)) return false;
	if (!store_begin(runtime->store, err)) return false;
	runtime->file_open = true;
	runtime_open_commit(runtime);
	return true;
}

void runtime_hold(Runtime *runtime, bool on)
{
	if (on && runtime->held_after < 0) runtime->held_after = (int64_t)runtime->commit - 1;
	runtime->transaction = on;
}

/* ---- the cut ---- */

static void scan_watermarks(const Reader *reader)
{
	for (int s = 0; s < reader->scans.count; s++) {
		LoweredScan *scan = reader->scans.at[s].scan;
		if (scan->op->rule_count && reader->watermark > scan->op->out_watermarks[0]) scan->op->out_watermarks[0] = reader->watermark;
	}
}

bool lane_commit(Runtime *runtime, Lane *lane, Error *err)
{
	int64_t now = clock_monotonic_us();
	for (int r = 0; r < lane->readers.count; r++) {
		Reader *reader = lane->readers.at[r];
		if (runtime->replaying) reader_recompute_watermark(reader);
		else reader_cut(reader, now, runtime->until_end);
		scan_watermarks(reader);
	}
	CommitInfo info = {.commit = runtime->commit, .system_us = runtime->clock_us};
	return graph_commit(&lane->graph, &info, err);
}

static bool seal_pipeline(SealedCommit *sealed, Pipeline *pipeline, Error *err)
{
	pipeline->fresh = false;
	if (pipeline->end == PIPELINE_CLIENT) return true;
	account_seal(sealed, pipeline);
	if (pipeline->end == PIPELINE_SINK && (!pipeline->sink || pipeline->runtime->trying)) return true;      /* of a copy: it leaves at once */
	if (pipeline->end == PIPELINE_SINK) {
		int64_t position = pipeline->sink_position;
		if (!sink_flush(pipeline->sink, sealed->record.commit, &position, err)) return false;
		if (position != pipeline->sink_position) {
			SealedSink sink = {pipeline->relation->id, position};
			vec_push_in(&sealed->arena, &sealed->sinks, sink);
		}
		pipeline->sink_position = position;
		return true;
	}
	SealedChanges view = {.table = pipeline->table, .relation = pipeline->relation->id};
	op_sink_take(pipeline->tail, &view.changes);
	if (pipeline->relation->kind != RELATION_SINK) pipeline->rows_out += view.changes.count;      /* a sink that is built has delivered none of them yet */
	history_seal(sealed, pipeline, &view.changes);
	if (holds_relation(pipeline->runtime, pipeline->relation->id)) input_log_changes(sealed, pipeline->relation->id, &view.changes);
	if (view.changes.count == 0) changes_release(&view.changes);
	else vec_push_in(&sealed->arena, &sealed->changes, view);
	return true;
}

static void seal_name(SealedCommit *sealed, const Reader *reader, Partition *partition)
{
	if (partition->sealed_name || !reader->source || !*partition->name) return;
	SealedSetting setting = {.name = partition_setting(&sealed->arena, reader->relation->id, partition->number), .value = arena_strdup(&sealed->arena, partition->name)};
	vec_push_in(&sealed->arena, &sealed->settings, setting);
	partition->sealed_name = true;
}

static void seal_positions(SealedCommit *sealed, const Lane *lane)
{
	for (int r = 0; r < lane->readers.count; r++) {
		Reader *reader = lane->readers.at[r];
		for (int p = 0; p < reader->partitions.count; p++) {
			Partition *partition = reader->partitions.at[p];
			if (partition->position == partition->sealed_position && partition->idle == partition->sealed_idle) continue;
			PartitionRecord record = {
				.lane = lane->id, .relation = reader->relation->id, .partition = partition->number, .position = partition->position,
				.records = partition->record_count - partition->sealed_count, .hash = partition->hash, .watermark_us = partition->watermark,
				.idle = partition->idle, .last_position = partition->last_position, .last_fingerprint = partition->fingerprint,
			};
			sealed->record.rows_in += record.records;
			seal_name(sealed, reader, partition);
			starts_seal(sealed, reader, partition);
			vec_push_in(&sealed->arena, &sealed->partitions, record);
			partition->sealed_position = partition->position;
			partition->sealed_idle = partition->idle;
			partition->sealed_count = partition->record_count;
		}
	}
}

static bool sealed_is_empty(const SealedCommit *sealed)
{
	return !sealed->file_open && !sealed->changes.count && !sealed->partitions.count && !sealed->sinks.count && !sealed->dead.count
		&& !sealed->late.count && !sealed->logs.count && !sealed->pieces.count && !sealed->accounts.count && !sealed->sources.count
		&& !sealed->expiries.count;
}

static bool seal(Runtime *runtime, SealedCommit *sealed, Error *err)
{
	sealed->record.commit = (int64_t)runtime->commit;
	sealed->record.time_us = runtime_now(runtime);
	sealed->record.clock_us = runtime->clock_us;
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		for (int p = 0; p < lane->pipelines.count; p++)
			if (!seal_pipeline(sealed, lane->pipelines.at[p], err)) return false;
		if (lane->id) seal_positions(sealed, lane);
	}
	for (int c = 0; c < sealed->changes.count; c++) sealed->record.rows_changed += sealed->changes.at[c].changes.count;
	noted_seal(runtime, sealed);
	sealed->record.partitions = sealed->partitions.at;
	sealed->record.partition_count = sealed->partitions.count;
	sealed->file_open = runtime->file_open;
	sealed->keep_open = runtime->transaction;
	retention_seal(runtime, sealed, sealed_is_empty(sealed));
	bool empty = sealed_is_empty(sealed);
	if (empty && !runtime->checkpoint_wanted && !runtime->checkpoint) return true;       /* what time alone has closed without a trace is saved with a commit */
	if (!empty) metrics_seal(runtime, sealed);
	return checkpoint_cut(runtime, sealed, err);
}

bool runtime_cut(Runtime *runtime, Error *err)
{
	if (runtime->transaction && !runtime_file_begin(runtime, err)) return false;
	runtime_open_commit(runtime);
	for (int l = 0; l < runtime->lanes.count; l++) {
		if (lane_commit(runtime, runtime->lanes.at[l], err)) continue;
		if (!client_was_canceled(runtime, runtime->lanes.at[l], err)) goto broken;
		l--;
	}
	SealedCommit *sealed = runtime->next;
	if (!seal(runtime, sealed, err)) goto broken;
	runtime->gathering = runtime->wanted = false;
	runtime->cut_us = clock_monotonic_us();
	bool empty = sealed_is_empty(sealed);
	if (!empty) {
		runtime->next = sealed_new();
		runtime->commit++;
		runtime->file_open = runtime->transaction;
		if (!writer_hand_over(runtime, sealed, err)) return false;
	}
	if (!runtime->transaction) runtime->held_after = -1;
	return true;
broken:
	runtime->failure = *err;                              /* operators have moved, the file has not: only a new start is safe */
	return false;
}

bool runtime_flush(Runtime *runtime, Error *err)
{
	if (!writer_wait(runtime, err)) return false;
	if (runtime->failure.code != ERR_NONE) {
		*err = runtime->failure;
		return false;
	}
	runtime->checkpoint_wanted |= runtime->restart_wanted;        /* what it starts from may be all that can still be had */
	bool nothing = !runtime->gathering && !runtime->file_open && !runtime->checkpoint_wanted && !runtime->checkpoint && !(runtime->started && runtime_time_is_due(runtime));
	if (!nothing && !runtime_cut(runtime, err)) return runtime_mend(runtime, err) && runtime_flush(runtime, err);
	if (!nothing && !writer_wait(runtime, err)) return false;
	if (runtime->sharing_wanted && runtime->started && !sharing_find(runtime, err)) return false;
	if (!runtime->restart_wanted || runtime->transaction) return true;
	runtime->restart_wanted = false;
	return runtime_rollback(runtime, err);
}

bool runtime_checkpoint(Runtime *runtime, Error *err)
{
	runtime->checkpoint_wanted = true;
	return runtime_flush(runtime, err) && finish_checkpoint(runtime, err);
}

void runtime_forget(Runtime *runtime)
{
	checkpoint_free(runtime->checkpoint);
	runtime->checkpoint = NULL;
	runtime_drop_lanes(runtime);
	runtime->live = lane_new(runtime, LANE_LIVE_ID, LANE_LIVE);
	runtime->started = runtime->gathering = runtime->checkpoint_wanted = false;
}

static bool start_again(Runtime *runtime, bool was_started, bool was_reading, Error *err)
{
	runtime_forget(runtime);
	if (was_started && !runtime_start(runtime, err)) return false;
	return !was_reading || runtime_read(runtime, runtime->until_end, runtime->final, err);
}

bool runtime_restart(Runtime *runtime, Error *err)
{
	runtime->sharing_wanted = false;                      /* what is in memory is of the old definitions */
	if (!(runtime->started ? runtime_checkpoint(runtime, err) : runtime_flush(runtime, err))) return false;
	runtime->restart_wanted = false;
	runtime->sharing_wanted = true;
	return start_again(runtime, runtime->started, runtime->reading, err);
}

bool runtime_rollback(Runtime *runtime, Error *err)
{
	Error late = ERROR_INIT;
	runtime->failure = ERROR_INIT;
	writer_wait(runtime, &late);
	if (store_in_transaction(runtime->store)) store_rollback(runtime->store);
	runtime->failure = ERROR_INIT;
	runtime->file_open = runtime->transaction = false;
	sealed_free(runtime->next);
	runtime->next = sealed_new();
	bool ok = start_again(runtime, runtime->started, runtime->reading, err);
	runtime->held_after = -1;
	return ok;
}

/* ---- clients ---- */

static Pipeline *client_add(Runtime *runtime, Lowered *lowered, TapFunction *tap, void *context, bool net, bool content, Error *err)
{
	if (!writer_wait(runtime, err)) return NULL;
	Pipeline *pipeline = pipeline_new_client(runtime, lowered, tap, context, net, err);
	if (!pipeline) return NULL;
	Lane *lane = lane_new(runtime, 0, LANE_LIVE);
	if (!pipeline_attach(runtime, lane, pipeline, err) || (content && !runtime_backfill(runtime, lane, pipeline, err))) {
		runtime_client_remove(runtime, pipeline);
		return NULL;
	}
	runtime_open_commit(runtime);
	return pipeline;
}

Pipeline *runtime_client_add(Runtime *runtime, Lowered *lowered, TapFunction *tap, void *context, bool net, Error *err)
{
	return client_add(runtime, lowered, tap, context, net, true, err);
}

Pipeline *runtime_client_follow(Runtime *runtime, Lowered *lowered, TapFunction *tap, void *context, Error *err)
{
	return client_add(runtime, lowered, tap, context, true, false, err);
}

static bool reads(const Pipeline *client, const Pipeline *pipeline)
{
	for (int f = 0; f < client->feeds.count; f++)
		if (client->feeds.at[f].from == pipeline) return true;
	return !pipeline;
}

void client_end(Runtime *runtime, Lane *lane, const Error *why)
{
	Pipeline *client = lane->pipelines.at[0];
	client->ended = *why;
	pipeline_detach(runtime, lane, client);
	vec_push(&runtime->orphans, client);
	lane_remove(runtime, lane);
}

void clients_end(Runtime *runtime, const Pipeline *pipeline, const Error *why)
{
	for (int l = runtime->lanes.count - 1; l >= 0; l--) {
		Lane *lane = runtime->lanes.at[l];
		if (lane->id == 0 && lane->pipelines.count && reads(lane->pipelines.at[0], pipeline)) client_end(runtime, lane, why);
	}
}

void clients_part(Runtime *runtime, const Pipeline *pipeline)
{
	Error why = ERROR_INIT;
	if (!pipeline) return;
	error_set(&why, ERR_WRONG_STATE, SPAN_NONE, "materialized view \"%s\" is made anew: ask again", pipeline->relation->name);
	for (int l = runtime->lanes.count - 1; l >= 0; l--) {
		Lane *lane = runtime->lanes.at[l];
		if (lane->id || !lane->pipelines.count || !reads(lane->pipelines.at[0], pipeline)) continue;
		lane->pipelines.at[0]->followed = runtime->held_after >= 0 ? runtime->held_after : (int64_t)runtime->commit - 1;
		client_end(runtime, lane, &why);
	}
}

void runtime_client_remove(Runtime *runtime, Pipeline *pipeline)
{
	for (int o = 0; o < runtime->orphans.count; o++)
		if (runtime->orphans.at[o] == pipeline) {
			runtime->orphans.at[o] = runtime->orphans.at[--runtime->orphans.count];
			pipeline_free(pipeline);
			return;
		}
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (lane->id != 0 || lane->pipelines.count == 0 || lane->pipelines.at[0] != pipeline) continue;
		pipeline_detach(runtime, lane, pipeline);
		pipeline_free(pipeline);
		lane_remove(runtime, lane);
		return;
	}
}
