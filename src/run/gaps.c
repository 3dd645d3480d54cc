/* Gaps: positions that a topic no longer has, because its retention was faster than the reader or because it was made anew. The option on_offset_gap
 * says what comes of it. `fail` stops the source, and only it: what it feeds stays as it is, everything else goes on, and a person decides (ALTER
 * STREAM ... SET (on_offset_gap = ...), RESUME s ON OFFSET GAP ...). `earliest` and `latest` go on behind the gap and note in weir_gaps what
 * was lost. A commit that carries a gap carries a checkpoint, too: replay could not read across it. A client's query goes by the same option, but leaves no
 * trace in the file; where `fail` stops a source it ends. */
#include <stdio.h>
#include <string.h>

#include "run/commit.h"

GapPolicy gap_policy(const char *word)
{
	return !word || strcmp(word, "fail") == 0 ? GAP_FAIL : strcmp(word, "earliest") == 0 ? GAP_EARLIEST : GAP_LATEST;
}

static void note_gap(Runtime *runtime, const Lane *lane, const Reader *reader, const Partition *partition, const SourceLost *lost, int64_t went_on)
{
	static const char *const WHY[] = {[LOST_EXPIRED] = "expired", [LOST_SHRUNK] = "shrunk", [LOST_RECREATED] = "recreated"};
	SealedCommit *sealed = runtime->next;
	const char *topic = options_text(&reader->options, "topic");
	SourceGap gap = {
		.source = arena_strdup(&sealed->arena, reader->relation->name), .topic = topic ? arena_strdup(&sealed->arena, topic) : NULL, .why = WHY[lost->why],
		.partition = partition->number, .wanted = lost->wanted, .earliest = lost->earliest, .end = lost->end, .went_on = went_on, .lane = lane->id,
	};
	if (lane->id) vec_push_in(&sealed->arena, &sealed->gaps, gap);
	char text[512];
	snprintf(text, sizeof text, "stream \"%s\" [%d]: position %lld is not there any more (%s), it goes on at %lld", reader->relation->name, partition->number,
		(long long)lost->wanted, WHY[lost->why], (long long)went_on);
	if (runtime->config.notice) runtime->config.notice(runtime->config.context, text);
}

static void pass_partition(Runtime *runtime, const Lane *lane, Reader *reader, Partition *partition, const SourceLost *lost)
{
	int64_t to = reader->on_gap == GAP_EARLIEST ? lost->earliest : lost->end;
	note_gap(runtime, lane, reader, partition, lost, to);
	partition->position = to;
	partition->last_position = -1;
	partition->fingerprint = 0;
	if (partition->stop != SOURCE_STOP_NEVER && partition->stop < to) partition->stop = to;
}

static bool pass_partitions(Runtime *runtime, const Lane *lane, Reader *reader)
{
	bool any = false;
	SourceLost lost;
	for (int p = 0; p < reader->partitions.count; p++) {
		if (!source_lost(reader->source, reader->partitions.at[p]->number, &lost)) continue;
		pass_partition(runtime, lane, reader, reader->partitions.at[p], &lost);
		any = true;
	}
	return any;
}

static bool end_of_query(const Reader *reader, Error *err)
{
	return error_hint(err, "Ask again to begin with what the topic has now; ALTER STREAM %s SET (on_offset_gap = 'earliest') lets queries and views go on behind such a gap.", reader->relation->name);
}

/* The state of what was read so far is saved at once: what came since the last checkpoint may soon not be there to be read again either. */
bool gap_meet(Runtime *runtime, const Lane *lane, Reader *reader, Error *err)
{
	if (err->code != ERR_POSITION_LOST || runtime->replaying) return false;
	Error lost = *err;
	runtime_open_commit(runtime);
	if (lane->id) runtime->checkpoint_wanted = true;
	bool passed = reader->on_gap != GAP_FAIL && pass_partitions(runtime, lane, reader);
	if (!passed && !lane->id) return end_of_query(reader, err);
	reader_stop(reader);
	*err = ERROR_INIT;
	if (passed) {
		reader->retry_at_us = 0;
		return true;
	}
	reader->lost = true;
	reader->last_error = lost;
	runtime->noted_us = 0;
	runtime->note_wanted = true;
	if (!runtime->until_end) {
		if (runtime->config.notice) runtime->config.notice(runtime->config.context, lost.message);
		return true;
	}
	Error ignored = ERROR_INIT;
	runtime_flush(runtime, &ignored);                     /* who asks for the status finds it there */
	*err = lost;
	error_hint(err, "ALTER STREAM %s SET (on_offset_gap = 'earliest') goes on with what the topic has.", reader->relation->name);
	return false;
}

bool runtime_resume_source(Runtime *runtime, const Relation *stream, const char *on_gap, Error *err)
{
	for (int l = 0; l < runtime->lanes.count; l++) {
		Reader *reader = lane_reader_find(runtime->lanes.at[l], stream->id);
		if (!reader || !reader->lost) continue;
		if (on_gap) reader->on_gap = gap_policy(on_gap);
		if (reader->on_gap == GAP_FAIL) {
			error_set(err, ERR_WRONG_STATE, SPAN_NONE, "stream \"%s\" cannot go on: %s", stream->name, reader->last_error.message);
			return error_hint(err, "RESUME %s ON OFFSET GAP EARLIEST (or LATEST) goes on with what the topic has; weir_gaps says what was lost.", stream->name);
		}
		reader->lost = false;
		reader->retry_at_us = 0;
	}
	return true;
}
