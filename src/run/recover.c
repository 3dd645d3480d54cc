/* Starting from a file: the lanes as the last commit left them.
 *
 * Each lane is loaded from its last checkpoint; then the commits since are replayed one by one, as recorded: from each partition exactly the records
 * up to the recorded position, the recorded clock and idle partitions, local changes from the log. The views in the file hold all that already, so
 * what comes out is thrown away. Where other records come than were once read the start fails: it never goes on from a guess.
 */
#include <stdio.h>

#include "base/clock.h"
#include "run/input_log.h"
#include "run/place.h"
#include "run/sharing.h"
#include "run/source_log.h"

enum { REPLAY_PATIENCE_US = 60000000 };

/* ---- lanes and pipelines of the catalog ---- */

static Lane *lane_at(Runtime *runtime, Place place)
{
	Lane *lane = runtime_lane(runtime, place.lane);
	return lane ? lane : lane_new(runtime, place.lane, LANE_BUILDING);
}

bool pipeline_start(Runtime *runtime, Relation *relation, Error *err)
{
	Pipeline *pipeline;
	if (runtime_lane_of(runtime, relation->id, &pipeline)) return true;
	for (int d = 0; d < relation->depend_count; d++) {
		Relation *below = catalog_find_id(runtime->catalog, relation->depends[d]);
		if (below && below != relation && relation_has_pipeline(below) && !pipeline_start(runtime, below, err)) return false;
	}
	Place place = place_get(runtime, relation);
	if (place_is_away(place)) return true;
	Lane *lane = lane_at(runtime, place);
	Lowered *lowered = NULL;
	if (!runtime->config.lower(runtime->config.context, relation, &lowered, err)) return false;
	if (lowered->is_other) {
		lowered_free(lowered, true);
		runtime->outdated = relation;
		return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "the state of %s \"%s\" was saved by another version of weir", relation_kind_name(relation->kind), relation->name);
	}
	pipeline = pipeline_new(runtime, relation, lowered, place.beside, err);
	if (!pipeline) return false;
	pipeline->loaded = true;
	if (!pipeline_open_end(runtime, pipeline, false, err)) {
		pipeline_free(pipeline);
		return false;
	}
	return pipeline_attach(runtime, lane, pipeline, err);
}

/* ---- loading ---- */

typedef struct Loading { Runtime *runtime; Lane *lane; } Loading;

/* The one that owns it: *outer. */
static Op *loading_op(const Lane *lane, int32_t number, Op **outer)
{
	Pipeline *pipeline = lane_pipeline(lane, number / PIPELINE_OPS_MAX);
	for (int o = 0; pipeline && o < pipeline->lowered->ops.count; o++) {
		Op *op = *outer = pipeline->lowered->ops.at[o];
		if (op_number(pipeline, op) == number) return op;
		for (int n = 0; n < op->inner_count; n++)
			if (op_number(pipeline, op->inner[n]) == number) return op->inner[n];
	}
	return NULL;
}

static bool lane_is_damaged(Loading *loading, Error *err)
{
	loading->runtime->damaged = loading->lane;
	return error_hint(err, "ALTER MATERIALIZED VIEW ... REBUILD makes a stopped view anew.");
}

/* A view whose state is damaged is stopped by name; what belongs to nobody may be missing anywhere in the lane. */
static bool load_page(void *context, int32_t number, uint32_t page, const void *bytes, uint32_t count, Error *err)
{
	Loading *loading = context;
	Op *outer = NULL, *op = loading_op(loading->lane, number, &outer);
	if (!op || !op->state) {
		error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "state of operator %d belongs to no operator of its view", number % PIPELINE_OPS_MAX);
		return lane_is_damaged(loading, err);
	}
	bool ok = bytes && state_load_page(op->state, page, bytes, count, err);
	if (!ok) outer->failed = true;
	return ok;
}

/* Partitions that an earlier process has read keep their numbers, files of a glob above all. */
static void know_partitions(Runtime *runtime, Reader *reader)
{
	for (int n = 0; ; n++) {
		const char *name = store_setting_get(runtime->store, partition_setting(&reader->arena, reader->relation->id, n), &reader->arena);
		if (!name) return;
		reader_partition(reader, n, name)->sealed_name = true;
	}
}

static void restore_partition(Reader *reader, const PartitionRecord *record)
{
	Partition *partition = reader_partition(reader, record->partition, NULL);
	partition->position = partition->sealed_position = record->position;
	partition->hash = record->hash;
	partition->fingerprint = record->last_fingerprint;
	partition->last_position = record->last_position;
	partition->watermark = partition->committed_watermark = record->watermark_us;
	partition->idle = partition->sealed_idle = record->idle;
	partition->seen = record->records > 0 || record->last_position >= 0;
}

static bool finish_op(Op *op, Error *err)
{
	if (op->state && !state_load_finish(op->state, err)) return false;
	return !op->class->restored || op->class->restored(op, err);
}

static bool finish_ops(const Lane *lane, Error *err)
{
	for (int n = 0; n < lane->graph.nodes.count; n++) {
		Op *op = lane->graph.nodes.at[n]->op;
		bool ok = true;
		if (op->served_by) continue;
		for (int i = 0; ok && i < op->inner_count; i++) ok = finish_op(op->inner[i], err);
		op->failed = !ok || !finish_op(op, err);
		if (op->failed) return false;
	}
	return true;
}

static bool load_checkpoint(Loading *loading, const CheckpointRecord *record, Error *err)
{
	Lane *lane = loading->lane;
	lane->generation = record->generation;
	if (record->clock_us > loading->runtime->clock_us) loading->runtime->clock_us = record->clock_us;
	bool ok = store_state_load(loading->runtime->store, lane->id, load_page, loading, err);
	for (int p = 0; p < record->partition_count; p++) {
		Reader *reader = lane_reader_find(lane, record->partitions[p].relation);
		if (reader) restore_partition(reader, &record->partitions[p]);
	}
	return ok && (lane_extra_load(lane, record->extra, record->extra_bytes, err) || lane_is_damaged(loading, err));
}

bool lane_load(Runtime *runtime, Lane *lane, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	CheckpointRecord record = {0};
	Loading loading = {runtime, lane};
	for (int r = 0; r < lane->readers.count; r++)
		if (lane->readers.at[r]->source) know_partitions(runtime, lane->readers.at[r]);
	bool found = store_checkpoint_last(runtime->store, lane->id, &arena, &record, err);
	bool ok = found ? load_checkpoint(&loading, &record, err) : err->code == ERR_NONE;
	if (!found && record.generation) lane_is_damaged(&loading, err);             /* it is there, but says nothing */
	ok = ok && finish_ops(lane, err);
	arena_release(&arena);
	return ok;
}

/* ---- replay ---- */

typedef struct Replay { Runtime *runtime; Relation *relation; int64_t commit; bool done; } Replay;

static bool replay_batch(void *context, Batch *batch, Error *err)
{
	Replay *replay = context;
	return runtime_push_local(replay->runtime, replay->relation, batch, err);
}

/* Ends behind the commit. What the log keeps of views is for paused lanes. */
static bool replay_log(void *context, int64_t commit, int64_t seq, int64_t relation_id, const void *bytes, uint32_t count, Error *err)
{
	(void)seq;
	Replay *replay = context;
	if (commit != replay->commit) return !(replay->done = true);
	if (relation_id < 0) return source_log_replay(replay->runtime, commit, -relation_id, bytes, count, err);
	Relation *relation = replay->relation = catalog_find_id(replay->runtime->catalog, relation_id);
	if (!relation || !relation_is_local(relation)) return true;                  /* dropped since, or a view */
	Type *types = mem_alloc(sizeof *types * (size_t)(relation->column_count + 1));
	for (int c = 0; c < relation->column_count; c++) types[c] = relation->columns[c].type;
	bool ok = input_log_read(types, relation->column_count, bytes, count, replay_batch, replay, err);
	free(types);
	return ok;
}

static bool cannot_replay(Runtime *runtime, const Reader *reader, const Partition *partition, const PartitionRecord *record, Error *err)
{
	runtime->unreplayed = reader;
	return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "cannot replay partition %d of stream \"%s\": other records than before up to position %lld (at %lld)",
			partition->number, reader->relation->name, (long long)record->position, (long long)partition->position)
		|| error_hint(err, "The topic was recreated or compacted; ALTER MATERIALIZED VIEW ... REBUILD makes the views anew.");
}

static void wait_for_input(Runtime *runtime)
{
	struct timespec until = clock_deadline(20000);
	pthread_cond_timedwait(&runtime->wake, &runtime->lock, &until);
	atomic_store(&runtime->input, false);
}

static bool replay_started(Runtime *runtime, Reader *reader, Error *err)
{
	int64_t deadline = clock_monotonic_us() + REPLAY_PATIENCE_US;
	while (!reader->started) {
		*err = ERROR_INIT;
		if (reader_start(reader, 1000, err)) break;
		if (!err->retryable || clock_monotonic_us() > deadline || runtime_is_interrupted(runtime, err)) return false;
		if (runtime->config.notice) runtime->config.notice(runtime->config.context, err->message);
		wait_for_input(runtime);
	}
	return true;
}

/* Hands on what the partition had up to the record's position. */
static bool replay_partition(Runtime *runtime, Reader *reader, const PartitionRecord *record, Error *err)
{
	Partition *partition = reader_partition(reader, record->partition, NULL);
	if (!replay_started(runtime, reader, err)) {
		if (err->code != ERR_POSITION_LOST) return false;
		*err = ERROR_INIT;
		return cannot_replay(runtime, reader, partition, record, err);
	}
	if (record->position < 0) return true;                /* it had not begun */
	atomic_store(&partition->limit, record->position);
	decode_pool_wake(runtime->pool);
	StepContext step = runtime_step_context(runtime, runtime->live);
	int64_t deadline = clock_monotonic_us() + REPLAY_PATIENCE_US;
	while (partition->position < record->position) {
		bool did = false;
		if (runtime_is_interrupted(runtime, err)) return false;
		if (!reader_step(reader, &step, &did, err)) {
			if (err->code != ERR_POSITION_LOST) return false;
			*err = ERROR_INIT;
			return cannot_replay(runtime, reader, partition, record, err);
		}
		if (did) deadline = clock_monotonic_us() + REPLAY_PATIENCE_US;
		else if (clock_monotonic_us() > deadline || atomic_load(&partition->ended)) return cannot_replay(runtime, reader, partition, record, err);
		else wait_for_input(runtime);
	}
	if (partition->position != record->position || partition->hash != record->hash) return cannot_replay(runtime, reader, partition, record, err);
	partition->idle = record->idle;
	return true;
}

/* Until their turn comes, readers hold still. */
static void hold_readers(const Lane *lane)
{
	for (int r = 0; r < lane->readers.count; r++)
		for (int p = 0; p < lane->readers.at[r]->partitions.count; p++) {
			Partition *partition = lane->readers.at[r]->partitions.at[p];
			atomic_store(&partition->limit, partition->position < 0 ? 0 : partition->position);
		}
}

static void drop_output(Lane *lane)
{
	for (int p = 0; p < lane->pipelines.count; p++) {
		Pipeline *pipeline = lane->pipelines.at[p];
		if (pipeline->end != PIPELINE_VIEW) continue;
		Changes changes = {0};
		op_sink_take(pipeline->tail, &changes);
		changes_release(&changes);
	}
}

static bool replay_lane(Runtime *runtime, Lane *lane, const CommitRecord *record, Error *err)
{
	if (lane->generation >= record->commit) return true;
	for (int i = 0; i < record->partition_count; i++) {
		const PartitionRecord *partition = &record->partitions[i];
		Reader *reader = partition->lane == lane->id ? lane_reader_find(lane, partition->relation) : NULL;
		if (!reader || !reader->relation->connector) continue;
		if (reader->logged) source_log_replayed(reader, partition);
		else if (!replay_partition(runtime, reader, partition, err)) return false;
	}
	for (int r = 0; r < lane->readers.count; r++) {
		reader_recompute_watermark(lane->readers.at[r]);
		for (int s = 0; s < lane->readers.at[r]->scans.count; s++) {
			Op *op = lane->readers.at[r]->scans.at[s].scan->op;
			if (op->rule_count && lane->readers.at[r]->watermark > op->out_watermarks[0]) op->out_watermarks[0] = lane->readers.at[r]->watermark;
		}
	}
	CommitInfo info = {.commit = (uint64_t)record->commit, .system_us = record->clock_us};
	if (!graph_commit(&lane->graph, &info, err)) return false;
	drop_output(lane);
	return true;
}

static bool replay_commit(void *context, const CommitRecord *record, Error *err)
{
	Runtime *runtime = context;
	runtime->commit = (uint64_t)record->commit;
	if (record->clock_us > runtime->clock_us) runtime->clock_us = record->clock_us;
	runtime->gathering = true;
	Replay replay = {.runtime = runtime, .commit = record->commit};
	if (!store_log_list(runtime->store, STORE_LOG_INPUT, 0, record->commit, 0, replay_log, &replay, err) && !replay.done) return false;
	for (int l = 0; l < runtime->lanes.count; l++)
		if (!replay_lane(runtime, runtime->lanes.at[l], record, err)) return false;
	return true;
}

static void set_replaying(Runtime *runtime, bool replaying)
{
	runtime->replaying = replaying;
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (replaying) hold_readers(lane);
		for (int p = 0; p < lane->pipelines.count; p++) lane->pipelines.at[p]->replaying = replaying;
	}
}

/* What was replayed is in the accounts already. */
void lane_settled(Lane *lane)
{
	for (int r = 0; r < lane->readers.count; r++)
		for (int q = 0; q < lane->readers.at[r]->partitions.count; q++) {
			Partition *partition = lane->readers.at[r]->partitions.at[q];
			atomic_store(&partition->limit, SOURCE_STOP_NEVER);
			partition->sealed_position = partition->position;
			partition->sealed_idle = partition->idle;
			partition->sealed_count = partition->record_count;
		}
	for (int p = 0; p < lane->pipelines.count; p++) account_settle(lane->pipelines.at[p]);
}

bool runtime_recover(Runtime *runtime, Error *err)
{
	int64_t after = INT64_MAX;
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (!lane_load(runtime, lane, err)) return false;
		if (lane->generation < after) after = lane->generation;
	}
	set_replaying(runtime, true);
	bool ok = store_commits_list(runtime->store, after, replay_commit, runtime, err);
	set_replaying(runtime, false);
	for (int l = 0; l < runtime->lanes.count; l++) lane_settled(runtime->lanes.at[l]);
	Error unread = ERROR_INIT;
	int64_t last;
	if (!store_commit_last(runtime->store, &last, ok ? err : &unread)) return false;
	runtime->commit = (uint64_t)last + 1;
	store_checkpoints_resume(runtime->store, last);
	runtime->gathering = false;
	return ok;
}

static bool start_lanes(Runtime *runtime, Error *err)
{
	for (int r = 0; r < runtime->catalog->relations.count; r++) {
		Relation *relation = runtime->catalog->relations.at[r];
		if (relation_has_pipeline(relation) && !pipeline_start(runtime, relation, err)) return false;
	}
	return sharing_restore(runtime, err) && runtime_recover(runtime, err) && holds_refresh(runtime, err);
}

/* What cannot be brought to where the file is stays behind, stopped. */
bool runtime_start(Runtime *runtime, Error *err)
{
	if (runtime->started) return true;
	while (!start_lanes(runtime, err)) {
		Error why = *err;
		*err = ERROR_INIT;
		if (runtime->outdated ? !outdated_leave(runtime, err) : !stop_unstarted(runtime, &why, err)) {
			runtime->failure = *err = why;
			return false;
		}
		runtime->unreplayed = NULL;
		runtime->damaged = NULL;
		runtime_forget(runtime);
	}
	runtime->started = true;
	if (!lanes_join_local(runtime, err) || !sinks_hold(runtime, err) || (runtime->config.take_over && !sinks_release(runtime, err))) return false;
	return !runtime->anew.count || outdated_remake(runtime, err);
}
