/* The loop: reads sources in a thread of its own, cuts commits when they are due, lets statements in between two steps. */
#include <stdio.h>

#include "base/clock.h"
#include "run/commit.h"

enum {
	IDLE_WAIT_US = 20000, STEPS_PER_TURN = 16, PENDING_ROWS_MAX = 262144, RETRY_NOTICE_US = 30000000,
	UNREACHABLE_LIMIT_US = 60000000, NO_TOPIC_LIMIT_US = 10000000, ASK_TIMEOUT_MS = 500,
};
#define PENDING_BYTES_MAX (UINT64_C(64) << 20)

/* ---- sources that are not there (yet) ---- */

static void say_unreachable(Runtime *runtime, Reader *reader, int64_t now)
{
	if (now < reader->notice_at_us || !runtime->config.notice) return;
	reader->notice_at_us = now + RETRY_NOTICE_US;
	char text[ERROR_MESSAGE_BYTES + 256];
	snprintf(text, sizeof text, "waiting for stream \"%s\": %s", reader->relation->name, reader->last_error.message);
	runtime->config.notice(runtime->config.context, text);
}

static bool ask_again(Runtime *runtime, Reader *reader, int64_t now, Error *err)
{
	Error failed = ERROR_INIT;
	if (reader_start(reader, ASK_TIMEOUT_MS, &failed)) return true;
	if (!failed.retryable) {
		*err = failed;
		return false;
	}
	say_unreachable(runtime, reader, now);
	int64_t limit = failed.code == ERR_NO_TOPIC ? NO_TOPIC_LIMIT_US : UNREACHABLE_LIMIT_US;
	if (!runtime->until_end || now - reader->unreachable_since_us < limit) return true;
	*err = failed;
	return false;
}

/* Connected once, but lost since: the source goes on trying, here it is only said. */
static bool watch_source(Runtime *runtime, Reader *reader, int64_t now, Error *err)
{
	if (now < reader->retry_at_us) return true;
	reader->retry_at_us = now + 1000000;
	SourceStatus status;
	source_status(reader->source, &status);
	if (status.state == SOURCE_LOST) {
		*err = status.last_error;
		return false;
	}
	if (status.state == SOURCE_RETRYING) {
		reader->last_error = status.last_error;
		if (!reader->unreachable_since_us) reader->unreachable_since_us = now;
		say_unreachable(runtime, reader, now);
		if (runtime->until_end && now - reader->unreachable_since_us > UNREACHABLE_LIMIT_US) {
			*err = status.last_error;
			return false;
		}
	}
	else reader->unreachable_since_us = 0;
	if (!runtime->until_end && status.partition_count > reader->partitions.count) reader->started = false;
	return true;
}

/* Without --until-end, a service or a shell only what a client's query asks for is read. */
static bool lane_is_read(const Runtime *runtime, const Lane *lane) { return runtime->reading || lane->id == 0; }

static bool tend_lane(Runtime *runtime, Lane *lane, int64_t now, Error *err)
{
	for (int r = 0; r < lane->readers.count; r++) {
		Reader *reader = lane->readers.at[r];
		if (!reader->source) continue;
		if (!reader->started) {
			bool asked = reader->lost || now < reader->retry_at_us || ask_again(runtime, reader, now, err);
			if (!asked && !gap_meet(runtime, lane, reader, err)) return false;
		}
		else if (!watch_source(runtime, reader, now, err) && !gap_meet(runtime, lane, reader, err)) return false;
	}
	return true;
}

/* What a client's query alone reads ends that query, not the views. */
static bool end_query(Runtime *runtime, Lane *lane, Error *err)
{
	if (lane->id) return false;
	client_end(runtime, lane, err);
	*err = ERROR_INIT;
	return true;
}

static bool tend_readers(Runtime *runtime, Error *err)
{
	int64_t now = clock_monotonic_us();
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (lane_is_read(runtime, lane) && !tend_lane(runtime, lane, now, err)) return end_query(runtime, lane, err);
	}
	return true;
}

/* ---- one turn ---- */

bool runtime_pending_is_full(const Runtime *runtime)
{
	uint64_t bytes = 0;
	int64_t rows = 0;
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int p = 0; p < runtime->lanes.at[l]->pipelines.count; p++) {
			Pipeline *pipeline = runtime->lanes.at[l]->pipelines.at[p];
			for (int o = 0; o < pipeline->lowered->ops.count; o++) rows += pipeline->lowered->ops.at[o]->rows_waiting;
			if (pipeline->end != PIPELINE_VIEW) continue;
			bytes += op_sink_pending_bytes(pipeline->tail);
			rows += op_sink_pending_rows(pipeline->tail);
		}
	return bytes >= PENDING_BYTES_MAX || rows >= PENDING_ROWS_MAX || runtime->wal_bytes >= runtime->config.wal_limit_bytes;
}

static bool step_lane(Runtime *runtime, Lane *lane, bool *did, Error *err)
{
	for (int r = 0; r < lane->readers.count; r++) {
		Reader *reader = lane->readers.at[r];
		if (!reader->source || !reader->started) continue;
		if (reader_has_items(reader)) runtime_open_commit(runtime);
		StepContext step = runtime_step_context(runtime, lane);
		int64_t before = reader->rows_in;
		if (!reader_step(reader, &step, did, err) && !gap_meet(runtime, lane, reader, err)) return false;
		runtime->rows_since_checkpoint += reader->rows_in - before;
	}
	return true;
}

static bool step_lanes(Runtime *runtime, bool *did, Error *err)
{
	bool near = false;
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (lane->state != LANE_BUILDING) continue;
		lane_limit(runtime, lane);
		near |= lane_is_near(runtime, lane);
	}
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (!lane_is_read(runtime, lane) || (near && lane == runtime->live)) continue;
		if (!step_lane(runtime, lane, did, err)) return *did = true, end_query(runtime, lane, err);
	}
	return true;
}

static bool somebody_idles(const Runtime *runtime, int64_t now)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int r = 0; r < runtime->lanes.at[l]->readers.count; r++)
			if (!runtime->until_end && reader_idles(runtime->lanes.at[l]->readers.at[r], now)) return true;
	return false;
}

/* Where a watermark is the clock's every moment may be the one that closes a window: what comes of nothing is no commit. */
bool runtime_time_is_due(const Runtime *runtime)
{
	int64_t now = runtime_now(runtime);
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Graph *graph = &runtime->lanes.at[l]->graph;
		if ((graph->has_clock && now > runtime->clock_us) || graph_next_time(graph) <= now) return true;
	}
	return false;
}

static bool cut_is_due(Runtime *runtime, bool full)
{
	if (runtime->transaction || !writer_is_free(runtime)) return false;
	if (runtime->wanted || (full && runtime->gathering)) return true;
	int64_t now = clock_monotonic_us(), interval_us = runtime->config.commit_interval_us;
	if (now - runtime->cut_us < (runtime->checkpoint ? interval_us / 2 : interval_us)) return false;        /* its pieces wait for commits */
	return runtime->gathering || runtime->checkpoint || somebody_idles(runtime, now) || runtime_time_is_due(runtime) || noted_is_due(runtime) || retention_is_due(runtime);
}

static bool join_lanes(Runtime *runtime, Error *err)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (!lane_can_join(runtime, lane)) continue;
		return lane_join(runtime, lane, false, err);
	}
	return true;
}

static bool all_done(const Runtime *runtime)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Lane *lane = runtime->lanes.at[l];
		if (lane->state == LANE_BUILDING) return false;
		for (int r = 0; lane->state == LANE_LIVE && r < lane->readers.count; r++)
			if (!reader_is_done(lane->readers.at[r])) return false;
	}
	return true;
}

/* --final: the watermarks of all external sources go to the end of time, for good. */
static bool close_sources(Runtime *runtime, Error *err)
{
	for (int r = 0; r < runtime->live->readers.count; r++)
		if (!runtime_close_stream(runtime, runtime->live->readers.at[r]->relation, err)) return false;
	return true;
}

static bool finish(Runtime *runtime, Error *err)
{
	if (!runtime_flush(runtime, err)) return false;
	if (runtime->final && (!close_sources(runtime, err) || !runtime_flush(runtime, err))) return false;
	runtime->ended = true;
	*err = runtime->trouble;
	return err->code == ERR_NONE;
}

/* Everything that may be done now. *did: something was. */
static bool loop_turn(Runtime *runtime, bool *did, Error *err)
{
	if (!tend_readers(runtime, err)) return false;
	bool full = runtime_pending_is_full(runtime);
	for (int n = 0; n < STEPS_PER_TURN && !full && !runtime->transaction; n++) {
		bool stepped = false;
		if (!step_lanes(runtime, &stepped, err)) return false;
		if (!stepped) break;
		*did = true;
		full = runtime_pending_is_full(runtime);
		if (atomic_load(&runtime->waiting)) break;
	}
	if (cut_is_due(runtime, full)) {
		*did = true;
		if (!runtime_cut(runtime, err)) return false;
	}
	if (!runtime->transaction && writer_is_free(runtime) && (!join_lanes(runtime, err) || !runtime_limit(runtime, err))) return false;
	if (!*did && !runtime->ended && runtime->ends && all_done(runtime)) return finish(runtime, err);
	return true;
}

/* ---- the thread ---- */

static void loop_wait(Runtime *runtime)
{
	if (atomic_exchange(&runtime->input, false)) return;
	struct timespec until = clock_deadline(IDLE_WAIT_US);
	pthread_cond_timedwait(&runtime->wake, &runtime->lock, &until);
	atomic_store(&runtime->input, false);
}

static bool turn_inside(Runtime *runtime)
{
	bool did = false;
	Error err = ERROR_INIT;
	runtime->inside = true;
	runtime->interrupt = &runtime->ending;
	runtime->turns++;
	if (!loop_turn(runtime, &did, &err) && !runtime_mend(runtime, &err) && runtime->failure.code == ERR_NONE) runtime->failure = err;
	runtime->inside = false;
	if (atomic_load(&runtime->waiting)) pthread_cond_broadcast(&runtime->turn);
	return did;
}

static void *loop_main(void *context)
{
	Runtime *runtime = context;
	pthread_mutex_lock(&runtime->lock);
	while (!runtime->stopping && !runtime->ended && runtime->failure.code == ERR_NONE) {
		bool must_wait = runtime->inside || atomic_load(&runtime->waiting);
		if (must_wait || !turn_inside(runtime)) loop_wait(runtime);
	}
	pthread_cond_broadcast(&runtime->turn);
	pthread_mutex_unlock(&runtime->lock);
	return NULL;
}

/* Ends with what is in the file when all sources that are read end by themselves. */
static bool all_bounded(const Runtime *runtime)
{
	bool any = false;
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int r = 0; r < runtime->lanes.at[l]->readers.count; r++) {
			const Reader *reader = runtime->lanes.at[l]->readers.at[r];
			if (!reader->source) continue;
			any = true;
			if (!source_is_bounded(reader->source)) return false;
		}
	return any;
}

bool runtime_read(Runtime *runtime, bool until_end, bool final, Error *err)
{
	if (!runtime_start(runtime, err)) return false;
	runtime->until_end = until_end;
	runtime->final = final;
	runtime->reading = true;
	runtime->ended = false;
	runtime->ends = until_end || (!runtime->stays && all_bounded(runtime));
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int r = 0; r < runtime->lanes.at[l]->readers.count; r++) {
			Reader *reader = runtime->lanes.at[l]->readers.at[r];
			reader->stop_at_end = until_end;
			if (until_end && reader->started) {           /* begun by recovery: once more, with the end */
				reader_stop(reader);
				reader->retry_at_us = 0;
			}
		}
	return runtime_loop_start(runtime, err);
}

bool runtime_loop_start(Runtime *runtime, Error *err)
{
	if (runtime->looping) return true;
	writer_start(runtime);
	runtime->stopping = false;
	if (pthread_create(&runtime->loop_thread, NULL, loop_main, runtime) != 0) return error_set(err, ERR_OUT_OF_MEMORY, SPAN_NONE, "could not start a thread");
	runtime->looping = true;
	return true;
}

void runtime_loop_stop(Runtime *runtime)
{
	if (!runtime->looping) return;
	pthread_mutex_lock(&runtime->lock);
	runtime->stopping = true;
	pthread_cond_broadcast(&runtime->wake);
	pthread_mutex_unlock(&runtime->lock);
	pthread_join(runtime->loop_thread, NULL);
	runtime->looping = false;
}

bool runtime_wait(Runtime *runtime, const atomic_bool *stop, Error *err)
{
	pthread_mutex_lock(&runtime->lock);
	while (!runtime->ended && runtime->failure.code == ERR_NONE && !(stop && atomic_load(stop))) {
		struct timespec until = clock_deadline(50000);
		pthread_cond_timedwait(&runtime->turn, &runtime->lock, &until);
	}
	bool ok = runtime->failure.code == ERR_NONE || runtime_has_given_up(runtime);
	if (!ok) *err = runtime->failure;
	pthread_mutex_unlock(&runtime->lock);
	return ok;
}
