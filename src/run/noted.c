/* What is noted in the file besides the work itself, so that it can be asked in SQL how sources and views fare, when nothing runs, too: weir_sources,
 * and the progress of views being built. At most once a second, with commits that are made anyway; only where the state of a source has
 * changed is there a commit for it. */
#include "run/commit.h"

#include "base/clock.h"

enum { NOTED_EVERY_US = 1000000 };

static const char *const STATE_NAMES[] = {
	[SOURCE_CONNECTING] = "connecting", [SOURCE_READING] = "reading", [SOURCE_RETRYING] = "retrying", [SOURCE_LOST] = "lost", [SOURCE_ENDED] = "ended"};

/* Whoever reads the relation and stands still, in whatever lane, makes it lost. */
static const Reader *loser(const Runtime *runtime, const Reader *reader)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Reader *other = runtime->lanes.at[l]->id ? lane_reader_find(runtime->lanes.at[l], reader->relation->id) : NULL;
		if (other && other->lost) return other;
	}
	return NULL;
}

/* Before it has begun it is the runtime that tries. */
static void look(const Runtime *runtime, const Reader *reader, SourceStatus *out)
{
	const Reader *lost = loser(runtime, reader);
	source_status(reader->source, out);
	if (out->state == SOURCE_ENDED && !source_is_bounded(reader->source)) out->state = SOURCE_READING;        /* --until-end ends, the topic does not */
	if (lost) {
		out->state = SOURCE_LOST;
		out->last_error = lost->last_error;
		return;
	}
	if (reader->started || reader->last_error.code == ERR_NONE || !reader->unreachable_since_us) return;
	out->state = SOURCE_RETRYING;
	out->last_error = reader->last_error;
}

/* The live lane's reader speaks for the source; another's where the live lane does not read it. */
static bool speaks(const Runtime *runtime, const Lane *lane, const Reader *reader)
{
	if (!reader->source || !lane->id) return false;
	return lane == runtime->live || !lane_reader_find(runtime->live, reader->relation->id);
}

static void note_reader(const Runtime *runtime, SealedCommit *sealed, Reader *reader)
{
	SourceStatus status;
	look(runtime, reader, &status);
	int64_t lag = reader->started ? reader_lag(reader) : -1;
	if (reader->noted && reader->noted_state == status.state && reader->noted_lag == lag) return;
	reader->noted = true;
	reader->noted_state = status.state;
	reader->noted_lag = lag;
	bool troubled = status.state == SOURCE_RETRYING || status.state == SOURCE_LOST;
	SealedSource source = {
		.relation = reader->relation->id, .name = arena_strdup(&sealed->arena, reader->relation->name), .state = STATE_NAMES[status.state], .lag = lag,
		.error = troubled && status.last_error.message[0] ? arena_strdup(&sealed->arena, status.last_error.message) : NULL,
	};
	vec_push_in(&sealed->arena, &sealed->sources, source);
}

static void note_building(const Runtime *runtime, SealedCommit *sealed, const Lane *lane)
{
	int64_t behind = lane_behind(runtime, lane), done = 0;
	for (int r = 0; r < lane->readers.count; r++)
		for (int p = 0; p < lane->readers.at[r]->partitions.count; p++) done += lane->readers.at[r]->partitions.at[p]->record_count;
	if (behind < 0) return;
	for (int p = 0; p < lane->pipelines.count; p++) {
		SealedProgress progress = {lane->pipelines.at[p]->relation->id, done + behind > 0 ? (double)done / (double)(done + behind) : 1};
		vec_push_in(&sealed->arena, &sealed->progress, progress);
	}
}

void noted_seal(Runtime *runtime, SealedCommit *sealed)
{
	int64_t now = clock_monotonic_us();
	if (!runtime->reading || (runtime->noted_us && now - runtime->noted_us < NOTED_EVERY_US && !runtime->note_wanted)) return;
	runtime->noted_us = now;
	runtime->note_wanted = false;
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Lane *lane = runtime->lanes.at[l];
		for (int r = 0; r < lane->readers.count; r++)
			if (speaks(runtime, lane, lane->readers.at[r])) note_reader(runtime, sealed, lane->readers.at[r]);
		if (lane->state == LANE_BUILDING && lane->id) note_building(runtime, sealed, lane);
	}
}

/* The lag is news only where it is gone: else a stream that is quiet would be told of as it was when it was busy. */
static bool is_news(const Runtime *runtime, const Reader *reader)
{
	SourceStatus status;
	look(runtime, reader, &status);
	return !reader->noted || reader->noted_state != status.state || (reader->noted_lag > 0 && reader->started && reader_lag(reader) == 0);
}

bool noted_is_due(Runtime *runtime)
{
	int64_t now = clock_monotonic_us();
	if (!runtime->reading || now - runtime->note_looked_us < NOTED_EVERY_US) return runtime->note_wanted;
	runtime->note_looked_us = now;
	for (int l = 0; l < runtime->lanes.count; l++) {
		const Lane *lane = runtime->lanes.at[l];
		for (int r = 0; r < lane->readers.count; r++)
			if (speaks(runtime, lane, lane->readers.at[r]) && is_news(runtime, lane->readers.at[r])) runtime->note_wanted = true;
	}
	return runtime->note_wanted;
}

bool noted_write(const SealedCommit *sealed, Store *store, Error *err)
{
	for (int i = 0; i < sealed->sources.count; i++) {
		const SealedSource *source = &sealed->sources.at[i];
		if (!store_source_status_put(store, source->relation, source->name, source->state, source->lag, source->error, err)) return false;
	}
	for (int i = 0; i < sealed->progress.count; i++)
		if (!store_view_progress_put(store, sealed->progress.at[i].relation, sealed->progress.at[i].part, err)) return false;
	return true;
}
