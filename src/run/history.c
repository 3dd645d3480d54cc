/* Changes of views for SUBSCRIBE v SINCE n. They cost a copy of each change in the file, so they are kept only where somebody may want them: for a
 * view with the option changes_retention, so long, always; for another from the first SUBSCRIBE on until an hour after the last. All changes of
 * commits after the setting `changes.N` are there; `changes_until.N` says how long they are wanted. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "run/input_log.h"

#define HISTORY_US INT64_C(3600000000)

enum { TEND_STEPS = 50 };

static bool is_asked_for(const Relation *view) { return relation_option(view, "changes_retention") != NULL; }

static int64_t keep_of(const Relation *view)
{
	if (!is_asked_for(view)) return HISTORY_US;
	OptionSet set = {view->options, view->option_count};
	return options_integer(&set, "changes_retention");
}

static char *setting(Arena *arena, const char *what, const Relation *view) { return arena_printf(arena, "%s.%" PRId64, what, view->id); }

static int64_t read_setting(Runtime *runtime, const char *what, const Relation *view, int64_t missing)
{
	Arena arena;
	arena_init(&arena, 0);
	const char *text = store_setting_get(runtime->store, setting(&arena, what, view), &arena);
	int64_t value = text ? strtoll(text, NULL, 10) : missing;
	arena_release(&arena);
	return value;
}

static void learn(Runtime *runtime, Pipeline *pipeline)
{
	if (pipeline->history.known) return;
	pipeline->history.known = true;
	pipeline->history.on = read_setting(runtime, "changes", pipeline->relation, -1) >= 0;
	pipeline->history.until_us = read_setting(runtime, "changes_until", pipeline->relation, 0);
}

static void seal_setting(SealedCommit *sealed, const char *what, const Relation *view, int64_t value)
{
	SealedSetting put = {.name = setting(&sealed->arena, what, view), .value = arena_printf(&sealed->arena, "%" PRId64, value)};
	vec_push_in(&sealed->arena, &sealed->settings, put);
}

static void tend(SealedCommit *sealed, Pipeline *pipeline, int64_t now_us, bool drop)
{
	SealedHistory history = {.relation = pipeline->relation->id, .now_us = now_us, .keep_us = keep_of(pipeline->relation), .drop = drop};
	vec_push_in(&sealed->arena, &sealed->histories, history);
	pipeline->history.tended_us = now_us;
	if (drop) pipeline->history.on = false;
}

void history_seal(SealedCommit *sealed, Pipeline *pipeline, const Changes *changes)
{
	Runtime *runtime = pipeline->runtime;
	const Relation *view = pipeline->relation;
	int64_t now_us = runtime_now(runtime), keep_us = keep_of(view);
	if (pipeline->building) return;                       /* nobody sees it yet */
	learn(runtime, pipeline);
	if (!pipeline->history.on && is_asked_for(view) && keep_us) {
		pipeline->history.on = true;
		seal_setting(sealed, "changes", view, sealed->record.commit - 1);
	}
	if (!pipeline->history.on) return;
	bool wanted = is_asked_for(view) ? keep_us > 0 : pipeline->history.subscribers || pipeline->history.until_us >= now_us;
	if (!wanted) {
		tend(sealed, pipeline, now_us, true);
		return;
	}
	if (pipeline->history.subscribers && now_us > pipeline->history.until_us - keep_us / 2) {
		pipeline->history.until_us = now_us + keep_us;
		seal_setting(sealed, "changes_until", view, pipeline->history.until_us);
	}
	if (changes->count == 0) return;
	input_log_changes_as(sealed, STORE_LOG_CHANGES, view->id, changes);
	if (now_us > pipeline->history.tended_us + keep_us / TEND_STEPS || !pipeline->history.tended_us) tend(sealed, pipeline, now_us, false);
}

bool history_write(const SealedCommit *sealed, Store *store, Error *err)
{
	for (int h = 0; h < sealed->histories.count; h++) {
		const SealedHistory *history = &sealed->histories.at[h];
		bool ok = history->drop ? store_changes_drop(store, history->relation, err)
			: store_changes_tend(store, history->relation, sealed->record.commit, history->now_us, history->keep_us, err);
		if (!ok) return false;
	}
	return true;
}

/* ---- a view that takes the place of another, or of itself ---- */

static bool log_difference(Runtime *runtime, const Relation *view, StoreDiff *diff, Error *err)
{
	for (Batch *batch = NULL; ; batch_unref(batch)) {
		if (!store_diff_next(diff, &batch, err)) return false;
		if (!batch) return true;
		StrBuf bytes = STRBUF_INIT;
		input_log_pack(&bytes, batch);
		bool ok = store_log_put(runtime->store, STORE_LOG_CHANGES, (int64_t)runtime->commit, view->id, bytes.text, (uint32_t)bytes.bytes, err);
		strbuf_release(&bytes);
		if (ok) continue;
		batch_unref(batch);
		return false;
	}
}

/* Has the table that readers see the columns of the one that was built? */
static bool is_alike(Runtime *runtime, const StoreTableSpec *seen)
{
	Error other = ERROR_INIT;
	StoreTable *table = store_table_open(runtime->store, seen, &other);
	store_table_close(table);
	return table != NULL;
}

bool history_bridge(Runtime *runtime, Pipeline *pipeline, Error *err)
{
	const Relation *view = pipeline->relation;
	Arena arena;
	StoreTableSpec made, seen;
	if (read_setting(runtime, "changes", view, -1) < 0) return true;
	arena_init(&arena, 0);
	pipeline_table_spec(pipeline, &arena, &made);
	seen = made;
	seen.name = view->name;
	bool tells = !relation_option(view, "retention") && is_alike(runtime, &seen), ok = tells || store_changes_drop(runtime->store, view->id, err);
	StoreDiff *diff = ok && tells ? store_diff_open(runtime->store, &seen, &made, err) : NULL;
	if (tells) ok = ok && diff && log_difference(runtime, view, diff, err);
	store_diff_close(diff);
	arena_release(&arena);
	pipeline->history.known = false;
	return ok;
}

/* ---- SUBSCRIBE ---- */

static bool put_setting(Runtime *runtime, const char *what, const Relation *view, int64_t value, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	bool ok = store_setting_put(runtime->store, setting(&arena, what, view), arena_printf(&arena, "%" PRId64, value), err);
	arena_release(&arena);
	return ok;
}

bool runtime_subscribed(Runtime *runtime, const Relation *view, int more, Error *err)
{
	Pipeline *pipeline;
	if (!runtime_lane_of(runtime, view->id, &pipeline)) return true;
	int64_t keep_us = keep_of(view);
	learn(runtime, pipeline);
	pipeline->history.subscribers += more;
	if (is_asked_for(view)) return true;
	if (!runtime_file_begin(runtime, err)) return false;
	if (!pipeline->history.on && !put_setting(runtime, "changes", view, (int64_t)runtime->written, err)) return false;
	pipeline->history.on = true;
	pipeline->history.until_us = runtime_now(runtime) + keep_us;
	return put_setting(runtime, "changes_until", view, pipeline->history.until_us, err) && runtime_flush(runtime, err);
}

static bool too_old(const Relation *view, int64_t since, int64_t oldest, Error *err)
{
	error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "the changes of materialized view \"%s\" since commit %" PRId64 " are not kept: the oldest to ask for is %" PRId64, view->name, since, oldest);
	return error_hint(err, "SUBSCRIBE without SINCE begins with what the view holds; the view's option changes_retention keeps changes longer.");
}

typedef struct Since { const Lowered *lowered; TapFunction *tap; void *context; ChangesPlace through; int64_t bytes, bytes_max; bool full; } Since;

static bool give_batch(void *context, Batch *batch, Error *err)
{
	Since *since = context;
	return since->tap(since->context, batch, err);
}

static bool give_entry(void *context, int64_t commit, int64_t seq, int64_t relation, const void *bytes, uint32_t count, Error *err)
{
	(void)relation;
	Since *since = context;
	if (since->bytes >= since->bytes_max) return !(since->full = true);
	since->through = (ChangesPlace){commit, seq};
	since->bytes += count;
	return input_log_read(since->lowered->types, since->lowered->column_count, bytes, count, give_batch, since, err);
}

bool runtime_changes_since(Runtime *runtime, const Relation *view, ChangesPlace *since, int64_t bytes_max, TapFunction *tap, void *context, bool *all, Error *err)
{
	Pipeline *pipeline;
	if (!writer_wait(runtime, err)) return false;
	int64_t oldest = read_setting(runtime, "changes", view, -1), last = (int64_t)runtime->written;
	if (since->commit > last) return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "commit %" PRId64 " has not been made: the last is %" PRId64, since->commit, last);
	if (!runtime_lane_of(runtime, view->id, &pipeline)) return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "materialized view \"%s\" is not running", view->name);
	if (oldest < 0 || since->commit < oldest) return too_old(view, since->commit, oldest < 0 ? last : oldest, err);
	Since giving = {.lowered = pipeline->lowered, .tap = tap, .context = context, .through = *since, .bytes_max = bytes_max};
	bool ok = store_log_list(runtime->store, STORE_LOG_CHANGES, view->id, since->commit, since->seq, give_entry, &giving, err);
	*all = ok && !giving.full;
	*since = *all ? (ChangesPlace){last, INT64_MAX} : giving.through;
	return ok || giving.full;
}
