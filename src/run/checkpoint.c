#include "run/checkpoint.h"

#include "base/clock.h"
#include "run/place.h"

#define LOGGED_BYTES_MAX (INT64_C(64) << 20)          /* of the log of sources: beyond, a checkpoint frees it */

static PartitionRecord partition_record(const Lane *lane, const Reader *reader, const Partition *partition)
{
	return (PartitionRecord){
		.lane = lane->id, .relation = reader->relation->id, .partition = partition->number, .position = partition->position,
		.records = partition->record_count, .hash = partition->hash, .watermark_us = partition->watermark, .idle = partition->idle,
		.last_position = partition->last_position, .last_fingerprint = partition->fingerprint,
	};
}

CheckpointRecord checkpoint_record(const Runtime *runtime, const Lane *lane, int64_t generation, Arena *arena)
{
	VEC(PartitionRecord) partitions = {0};
	for (int r = 0; r < lane->readers.count; r++) {
		const Reader *reader = lane->readers.at[r];
		for (int p = 0; p < reader->partitions.count; p++)
			vec_push_in(arena, &partitions, partition_record(lane, reader, reader->partitions.at[p]));
	}
	StrBuf extra = STRBUF_INIT;
	lane_extra_save(lane, &extra);
	CheckpointRecord record = {
		.lane = lane->id, .generation = generation, .clock_us = runtime->clock_us,
		.partitions = partitions.at, .partition_count = partitions.count,
		.extra = arena_copy(arena, extra.text, extra.bytes), .extra_bytes = (uint32_t)extra.bytes,
	};
	strbuf_release(&extra);
	return record;
}

static bool lane_is_saved(const Lane *lane) { return lane->id != 0; }

static void freeze_state(Checkpoint *checkpoint, const Lane *lane, const Pipeline *pipeline, Op *op)
{
	if (!op->state || op->served_by) return;
	FrozenState frozen = {lane->id, op_number(pipeline, op), op->state};
	state_freeze(op->state);
	vec_push_in(&checkpoint->arena, &checkpoint->states, frozen);
}

static Checkpoint *checkpoint_take(Runtime *runtime)
{
	Checkpoint *checkpoint = mem_new(Checkpoint);
	arena_init(&checkpoint->arena, 0);
	checkpoint->generation = (int64_t)runtime->commit;
	for (int l = 0; l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (!lane_is_saved(lane)) continue;
		for (int p = 0; p < lane->pipelines.count; p++) {
			Pipeline *pipeline = lane->pipelines.at[p];
			for (int o = 0; o < pipeline->lowered->ops.count; o++) {
				Op *op = pipeline->lowered->ops.at[o];
				freeze_state(checkpoint, lane, pipeline, op);
				for (int n = 0; n < op->inner_count; n++) freeze_state(checkpoint, lane, pipeline, op->inner[n]);
			}
		}
		vec_push_in(&checkpoint->arena, &checkpoint->completes, checkpoint_record(runtime, lane, checkpoint->generation, &checkpoint->arena));
		lane->generation = checkpoint->generation;
	}
	runtime->rows_since_checkpoint = runtime->logged_bytes = 0;
	runtime->checkpoint_us = clock_monotonic_us();
	return checkpoint;
}

void checkpoint_free(Checkpoint *checkpoint)
{
	if (!checkpoint) return;
	arena_release(&checkpoint->arena);
	free(checkpoint);
}

void checkpoint_forget(Checkpoint *checkpoint, const Pipeline *pipeline)
{
	for (int i = 0; checkpoint && i < checkpoint->states.count; i++)
		if (pipeline->relation && checkpoint->states.at[i].op / PIPELINE_OPS_MAX == pipeline->relation->id) checkpoint->states.at[i].state = NULL;
}

/* ---- pieces ---- */

typedef struct Piece { SealedCommit *sealed; const FrozenState *from; VEC(SealedPage) pages; uint64_t bytes; } Piece;

static void copy_page(void *context, uint32_t page, const void *bytes, uint32_t count)
{
	Piece *piece = context;
	SealedPage sealed = {.lane = piece->from->lane, .op = piece->from->op, .page = page, .bytes = count};
	if (count) sealed.at = arena_copy(&piece->sealed->arena, bytes, count);
	piece->bytes += count;
	vec_push_in(&piece->sealed->arena, &piece->pages, sealed);
}

/* What is frozen, as much of it as one commit takes (all: every page); with the last the checkpoint is done. */
static bool checkpoint_piece(Runtime *runtime, Checkpoint *checkpoint, SealedCommit *sealed, bool all)
{
	int64_t left = runtime->piece_bytes - runtime->piece_written;         /* the end of another may go into the same commit */
	uint64_t bytes_max = all ? UINT64_MAX : left > 0 ? (uint64_t)left : 0;
	Piece piece = {.sealed = sealed};
	for (; checkpoint->next < checkpoint->states.count; checkpoint->next++) {
		piece.from = &checkpoint->states.at[checkpoint->next];
		if (piece.from->state && !state_save_next(piece.from->state, bytes_max - piece.bytes, copy_page, &piece)) break;
		if (piece.bytes >= bytes_max) break;              /* the next call finds this state done, and goes on */
	}
	bool last = checkpoint->next == checkpoint->states.count;
	SealedPiece out = {.generation = checkpoint->generation, .pages = piece.pages.at, .page_count = piece.pages.count};
	if (last) {
		out.completes = checkpoint->completes.at;
		out.complete_count = checkpoint->completes.count;
	}
	vec_push_in(&sealed->arena, &sealed->pieces, out);
	runtime->piece_written += (int64_t)piece.bytes;
	return last;
}

/* A commit that took longer than the interval gets half as much next time, one with a piece that was soon written twice as much. Where nothing
 * else comes (a clean stop) pieces are whole. */
static void fit_piece(Runtime *runtime, const SealedCommit *sealed)
{
	int64_t *bytes = &runtime->piece_bytes, written = runtime->piece_written;
	runtime->piece_written = 0;
	if (sealed->record.rows_in == 0) *bytes = CHECKPOINT_PIECE_BYTES;
	else if (written && runtime->write_us > runtime->config.commit_interval_us) *bytes /= 2;
	else if (written > *bytes / 2 && runtime->write_us < runtime->config.commit_interval_us / 2) *bytes *= 2;
	if (*bytes > CHECKPOINT_PIECE_BYTES) *bytes = CHECKPOINT_PIECE_BYTES;
	if (*bytes < CHECKPOINT_PIECE_BYTES_MIN) *bytes = CHECKPOINT_PIECE_BYTES_MIN;
}

static void checkpoint_finish(Runtime *runtime, Checkpoint *checkpoint, SealedCommit *sealed)
{
	vec_push_in(&sealed->arena, &sealed->done, checkpoint);
	sealed->prune_through = store_checkpoint_previous(runtime->store, LANE_LIVE_ID);
	holds_seal(runtime, sealed);
}

static uint64_t dirty_bytes(const Runtime *runtime)
{
	uint64_t bytes = 0;
	for (int l = 0; l < runtime->lanes.count; l++)
		if (lane_is_saved(runtime->lanes.at[l])) bytes += graph_dirty_bytes(&runtime->lanes.at[l]->graph);
	return bytes;
}

static bool checkpoint_is_due(const Runtime *runtime)
{
	return clock_monotonic_us() - runtime->checkpoint_us >= runtime->config.checkpoint_interval_us
		|| runtime->rows_since_checkpoint >= runtime->config.checkpoint_rows || runtime->logged_bytes >= LOGGED_BYTES_MAX;
}

/* A page that is new, and has been left alone from one cut to the next, must be written once, and most likely just once: doing so now, beside the
 * input, costs what it costs later, and leaves less for a stop to wait for and for a crash to replay. Where most pages change again and again
 * they are written when the checkpoint is due, and not before. */
static bool growth_is_due(const Runtime *runtime, uint64_t dirty)
{
	StateGrowth growth = {0};
	uint64_t least = (uint64_t)runtime->config.checkpoint_growth_bytes;
	if (dirty < least) return false;
	for (int l = 0; l < runtime->lanes.count; l++)
		if (lane_is_saved(runtime->lanes.at[l])) graph_look_at_growth(&runtime->lanes.at[l]->graph, &growth);
	return growth.settled_bytes >= least && growth.settled_bytes >= growth.dirty_bytes / 4 * 3;
}

bool checkpoint_cut(Runtime *runtime, SealedCommit *sealed, Error *err)
{
	(void)err;
	if (!runtime->started) return true;                  /* lanes that were not loaded have nothing to say about what the file holds */
	bool wanted = runtime->checkpoint_wanted, at_once = wanted && sealed->file_open;        /* it goes with a change of the catalog */
	fit_piece(runtime, sealed);
	if (runtime->checkpoint) {
		if (!checkpoint_piece(runtime, runtime->checkpoint, sealed, at_once)) return true;
		checkpoint_finish(runtime, runtime->checkpoint, sealed);
		runtime->checkpoint = NULL;
	}
	uint64_t dirty = dirty_bytes(runtime);
	bool small = dirty <= (uint64_t)runtime->config.checkpoint_small_bytes;
	if (!wanted && !small && !checkpoint_is_due(runtime) && !growth_is_due(runtime, dirty)) return true;
	Checkpoint *checkpoint = checkpoint_take(runtime);
	runtime->checkpoint_wanted = false;
	if (checkpoint_piece(runtime, checkpoint, sealed, at_once || small)) checkpoint_finish(runtime, checkpoint, sealed);
	else runtime->checkpoint = checkpoint;
	return true;
}

/* ---- what a lane keeps beside pages: watermarks of operators, of readers ---- */

static void put_i64(StrBuf *out, int64_t value) { strbuf_add(out, &value, sizeof value); }

void lane_extra_save(const Lane *lane, StrBuf *out)
{
	for (int p = 0; p < lane->pipelines.count; p++) {
		const Pipeline *pipeline = lane->pipelines.at[p];
		for (int o = 0; o < pipeline->lowered->ops.count; o++) {
			Op *op = pipeline->lowered->ops.at[o];
			if (!op->rule_count) continue;
			put_i64(out, op_number(pipeline, op));
			put_i64(out, op->rule_count);
			for (int w = 0; w < op->rule_count; w++) put_i64(out, op_serving(op)->out_watermarks[w]);
		}
	}
	put_i64(out, -1);
	for (int r = 0; r < lane->readers.count; r++) {
		put_i64(out, lane->readers.at[r]->relation->id);
		put_i64(out, lane->readers.at[r]->watermark);
		put_i64(out, lane->readers.at[r]->closed);
	}
}

typedef struct Extra { const char *at, *end; } Extra;

static bool take_i64(Extra *extra, int64_t *value)
{
	if (extra->end - extra->at < (ptrdiff_t)sizeof *value) return false;
	memcpy(value, extra->at, sizeof *value);
	extra->at += sizeof *value;
	return true;
}

static Op *lane_op(const Lane *lane, int64_t number)
{
	Pipeline *pipeline = lane_pipeline(lane, number / PIPELINE_OPS_MAX);
	int id = (int)(number % PIPELINE_OPS_MAX);
	for (int o = 0; pipeline && o < pipeline->lowered->ops.count; o++)
		if (pipeline->lowered->ops.at[o]->id == id) return pipeline->lowered->ops.at[o];
	return NULL;
}

bool lane_extra_load(Lane *lane, const void *bytes, uint32_t count, Error *err)
{
	Extra extra = {bytes, (const char *)bytes + count};
	int64_t number, watermarks, value;
	while (take_i64(&extra, &number) && number >= 0) {
		Op *op = lane_op(lane, number);
		if (!take_i64(&extra, &watermarks)) break;
		for (int w = 0; w < watermarks && take_i64(&extra, &value); w++)
			if (op && w < op->rule_count) op->out_watermarks[w] = value;
	}
	int64_t relation, watermark, closed;
	while (take_i64(&extra, &relation) && take_i64(&extra, &watermark) && take_i64(&extra, &closed)) {
		Reader *reader = lane_reader_find(lane, relation);
		if (!reader) continue;
		reader->watermark = watermark;
		reader->closed = closed;
		reader_tell_judge(reader, watermark);
	}
	return extra.at == extra.end || error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "checkpoint of lane %lld is damaged", (long long)lane->id);
}
