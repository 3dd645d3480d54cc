/* weir_metrics: some numbers that tell how a file fares, and weir_operators, the names behind weir_state. Written with commits that are made
 * anyway, at most every few seconds and with checkpoints that somebody asked for, and once more at a clean stop; a file at rest gets no commits for them. Counters count
 * since the file was made, over restarts; a killed process takes the last seconds of them along. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/commit.h"
#include "run/sharing.h"

enum { METRICS_EVERY_US = 5000000 };

static void put(SealedCommit *sealed, const char *name, const char *subject, int64_t value, MetricKind kind)
{
	SealedMetric metric = {.name = name, .subject = subject ? arena_strdup(&sealed->arena, subject) : NULL, .value = value, .kind = kind};
	vec_push_in(&sealed->arena, &sealed->metrics, metric);
}

static int64_t memory_bytes(void)
{
	long long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file) return 0;
	int got = fscanf(file, "%lld %lld", &pages, &resident);
	fclose(file);
	return got == 2 ? resident * sysconf(_SC_PAGESIZE) : 0;
}

uint64_t pipeline_state_bytes(const Pipeline *pipeline)
{
	uint64_t bytes = 0;
	for (int o = 0; o < pipeline->lowered->ops.count; o++) {
		const Op *op = pipeline->lowered->ops.at[o];
		if (op->state) bytes += state_bytes(op->state);
		for (int n = 0; n < op->inner_count; n++)
			if (op->inner[n]->state) bytes += state_bytes(op->inner[n]->state);
	}
	return bytes;
}

static void meter_pipeline(SealedCommit *sealed, Pipeline *pipeline)
{
	if (!pipeline->relation) return;
	put(sealed, "rows_out", pipeline->relation->name, pipeline->rows_out - pipeline->metered_out, METRIC_COUNTER);
	put(sealed, "state_bytes", pipeline->relation->name, (int64_t)pipeline_state_bytes(pipeline), METRIC_GAUGE);
	pipeline->metered_out = pipeline->rows_out;
}

static void meter_reader(SealedCommit *sealed, Reader *reader)
{
	int64_t queued = 0;
	for (int p = 0; p < reader->partitions.count; p++) queued += partition_queued_bytes(reader->partitions.at[p]);
	put(sealed, "rows_in", reader->relation->name, reader->rows_in - reader->metered_in, METRIC_COUNTER);
	put(sealed, "queue_bytes", reader->relation->name, queued, METRIC_GAUGE);
	reader->metered_in = reader->rows_in;
}

static void meter_writer(Runtime *runtime, SealedCommit *sealed)
{
	int64_t commits = atomic_exchange(&runtime->metered.commits, 0), us = atomic_exchange(&runtime->metered.us, 0), most_us = atomic_exchange(&runtime->metered.most_us, 0);
	put(sealed, "commits", NULL, commits, METRIC_COUNTER);
	if (commits) put(sealed, "commit_us", NULL, us / commits, METRIC_GAUGE);
	if (commits) put(sealed, "commit_us_max", NULL, most_us, METRIC_GAUGE);
	put(sealed, "wal_bytes", NULL, runtime->wal_bytes, METRIC_GAUGE);
	put(sealed, "memory_bytes", NULL, memory_bytes(), METRIC_GAUGE);
}

static void meter(Runtime *runtime, SealedCommit *sealed)
{
	meter_writer(runtime, sealed);
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Lane *lane = runtime->lanes.at[l];
		for (int p = 0; lane->id && p < lane->pipelines.count; p++) meter_pipeline(sealed, lane->pipelines.at[p]);
	}
	for (int r = 0; r < runtime->live->readers.count; r++) meter_reader(sealed, runtime->live->readers.at[r]);
	runtime->metered_us = clock_monotonic_us();
}

/* ---- operators ---- */

static const char *detail_of(const Lowered *lowered, const Op *op)
{
	for (int n = 0; n < lowered->notes.count; n++)
		if (lowered->notes.at[n].op == op) return lowered->notes.at[n].text;
	return NULL;
}

static void name_op(SealedCommit *sealed, const Lane *lane, const Pipeline *pipeline, const Op *op)
{
	if (!op->state) return;
	const char *detail = detail_of(pipeline->lowered, op);
	const Pipeline *owner = sharing_owner(lane, op);
	SealedOperator operator = {
		.lane = lane->id, .op = op_number(pipeline, op), .view = pipeline->relation->id, .name = op->class->name,
		.detail = detail ? arena_strdup(&sealed->arena, detail) : NULL,
	};
	if (owner) operator.detail = arena_printf(&sealed->arena, "%s (shared: see %s)", detail ? detail : "", owner->relation->name);
	vec_push_in(&sealed->arena, &sealed->operators, operator);
}

static void name_ops(SealedCommit *sealed, const Lane *lane, Pipeline *pipeline)
{
	if (pipeline->named || !pipeline->relation) return;
	pipeline->named = true;
	for (int o = 0; o < pipeline->lowered->ops.count; o++) {
		const Op *op = pipeline->lowered->ops.at[o];
		name_op(sealed, lane, pipeline, op);
		for (int n = 0; n < op->inner_count; n++) name_op(sealed, lane, pipeline, op->inner[n]);
	}
}

/* ---- the seal, the writer, the end ---- */

void metrics_seal(Runtime *runtime, SealedCommit *sealed)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		for (int p = 0; runtime->lanes.at[l]->id && p < runtime->lanes.at[l]->pipelines.count; p++)
			name_ops(sealed, runtime->lanes.at[l], runtime->lanes.at[l]->pipelines.at[p]);
	bool due = !runtime->metered_us || runtime->checkpoint_wanted || clock_monotonic_us() - runtime->metered_us >= METRICS_EVERY_US;
	if (due) meter(runtime, sealed);
}

bool metrics_write(const SealedCommit *sealed, Store *store, Error *err)
{
	for (int o = 0; o < sealed->operators.count; o++) {
		const SealedOperator *operator = &sealed->operators.at[o];
		if (!store_operator_put(store, operator->lane, operator->op, operator->view, operator->name, operator->detail, err)) return false;
	}
	for (int m = 0; m < sealed->metrics.count; m++) {
		const SealedMetric *metric = &sealed->metrics.at[m];
		bool ok = metric->kind == METRIC_COUNTER ? store_metric_add(store, metric->name, metric->subject, metric->value, err)
			: store_metric_put(store, metric->name, metric->subject, metric->value, err);
		if (!ok) return false;
	}
	return true;
}

bool metrics_finish(Runtime *runtime, Error *err)
{
	if (!runtime->live || !atomic_load(&runtime->metered.commits)) return true;
	SealedCommit *last = sealed_new();
	meter(runtime, last);
	bool ok = store_begin(runtime->store, err) && metrics_write(last, runtime->store, err) && store_commit(runtime->store, err);
	if (!ok) store_rollback(runtime->store);
	sealed_free(last);
	return ok;
}
