/* state_limit: a view whose operators remember more than it is allowed is stopped, with all that reads it, and takes its state along; the others go on. It is
 * looked at between two commits, so a view may be over its limit by what one commit brings. RESUME goes on where it stopped: to stay, it needs
 * a higher limit first. */
#include <stdio.h>

#include "run/commit.h"

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
