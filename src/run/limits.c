/* Limits of memory.
 *
 * state_limit: a view whose operators remember more than it is allowed is stopped, with all that reads it, and takes its state along; the others go on. It is
 * looked at between two commits, so a view may be over its limit by what one commit brings. RESUME goes on where it stopped: to stay, it needs
 * a higher limit first.
 *
 * memory_limit: one commit may bring more than the machine has, as a join without a key does. While rows are pushed the memory of the process is looked at.
 * Above the limit the pipeline fails that holds the most, which stops it like any failure (stop.c) and takes the commit back.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "run/commit.h"

/* ---- memory_limit ---- */

enum { ROOM_ROWS = 65536, ROOM_PUSH_ROWS = 16, FREED_WITHIN_US = 3000000 };     /* looked at after so many rows, where a push counts as some */

static int64_t memory_of(const Pipeline *pipeline)
{
	return (int64_t)(pipeline_state_bytes(pipeline) + (pipeline->end == PIPELINE_VIEW ? op_sink_pending_bytes(pipeline->tail) : 0));
}

static bool holds_most(const Runtime *runtime, const Pipeline *own)
{
	int64_t bytes = memory_of(own);
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int p = 0; p < runtime->lanes.at[l]->pipelines.count; p++)
			if (memory_of(runtime->lanes.at[l]->pipelines.at[p]) > bytes) return false;
	return true;
}

/* Freed memory counts until it goes back, which takes two seconds: so it must be above the limit for longer than that, or by an eighth. Then any fails that
 * holds an eighth of it: what holds the most may be at rest. */
bool pipeline_has_room(void *context, int rows, Error *err)
{
	Pipeline *pipeline = context;
	Runtime *runtime = pipeline->runtime;
	if ((runtime->room.rows += rows + ROOM_PUSH_ROWS) < ROOM_ROWS) return true;
	runtime->room.rows = 0;
	if (!runtime->room.machine_bytes) runtime->room.machine_bytes = memory_machine_bytes();
	int64_t limit = runtime->config.memory_limit_bytes ? runtime->config.memory_limit_bytes : runtime->room.machine_bytes / 5 * 4, resident = memory_resident_bytes();
	int64_t now = clock_monotonic_us();
	if (resident <= limit) runtime->room.over_since_us = 0;
	else if (!runtime->room.over_since_us) runtime->room.over_since_us = now;
	if (resident <= limit || memory_of(pipeline) < resident / 8) return true;
	bool far = resident > limit + limit / 8;
	if (!far && (now - runtime->room.over_since_us < FREED_WITHIN_US || !holds_most(runtime, pipeline))) return true;
	runtime->room.over_since_us = 0;
	error_set(err, ERR_OUT_OF_MEMORY, SPAN_NONE, "memory_limit: the process holds %.0f MiB, %.0f MiB are allowed; %.0f MiB are this query's", (double)resident / (1 << 20),
		(double)limit / (1 << 20), (double)memory_of(pipeline) / (1 << 20));
	return error_hint(err, "Give joins an equality or less to join, or SET memory_limit.");
}

/* ---- state_limit ---- */

static int64_t limit_of(const Pipeline *pipeline)
{
	if (!pipeline->relation || !relation_option(pipeline->relation, "state_limit")) return INT64_MAX;
	OptionSet set = {pipeline->relation->options, pipeline->relation->option_count};
	return options_integer(&set, "state_limit");
}

static Relation *find_over(const Runtime *runtime, int64_t *bytes, int64_t *limit)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int p = 0; runtime->lanes.at[l]->id && p < runtime->lanes.at[l]->pipelines.count; p++) {
			const Pipeline *pipeline = runtime->lanes.at[l]->pipelines.at[p];
			*limit = limit_of(pipeline);
			if (*limit == INT64_MAX) continue;
			*bytes = (int64_t)pipeline_state_bytes(pipeline);
			if (*bytes > *limit) return pipeline->relation;
		}
	return NULL;
}

static bool stop(Runtime *runtime, Relation *relation, int64_t bytes, int64_t limit, Error *err)
{
	char why[256], text[512];
	snprintf(why, sizeof why, "state_limit: its operators hold %.1f MiB, %.1f MiB are allowed", (double)bytes / (1 << 20), (double)limit / (1 << 20));
	snprintf(text, sizeof text, "%s \"%s\" is stopped: %s", relation_kind_name(relation->kind), relation->name, why);
	relation_ref(relation);
	bool ok = runtime_stop(runtime, relation, why, err);
	relation_unref(relation);
	if (ok && runtime->config.notice) runtime->config.notice(runtime->config.context, text);
	return ok;
}

bool runtime_limit(Runtime *runtime, Error *err)
{
	if (runtime->limits_looked == runtime->commit || runtime->limiting || runtime->transaction || !runtime->started) return true;
	int64_t bytes, limit;
	bool ok = true;
	runtime->limiting = true;
	for (Relation *over; ok && (over = find_over(runtime, &bytes, &limit)); ) ok = writer_wait(runtime, err) && stop(runtime, over, bytes, limit, err);
	runtime->limiting = false;
	runtime->limits_looked = runtime->commit;
	return ok;
}
