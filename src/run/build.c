/* Views that are made while others run: giving them their content, and letting them join.
 *
 * Local relations and views hand over what they hold in the commit that makes the view. External sources are read again from the view's start by a
 * lane of its own, which never reads past the live lane and writes into a table of another name. When it is near, the live lane holds still for
 * the last stretch (at most LANE_NEAR_RECORDS); when all positions are equal the lane joins: readers, operators and state become the live lane's,
 * the table takes its name, in one commit.
 */
#include "run/deliver.h"
#include "run/place.h"
#include "run/replace.h"
#include "run/sharing.h"
#include "run/starts.h"

enum { LANE_NEAR_RECORDS = 100000, CONTENT_PORTION_BYTES = 16 << 20 };

/* ---- content of what is in the file ---- */

static StoreTableSpec relation_spec(const Relation *relation, Arena *arena)
{
	StoreColumn *columns = arena_array(arena, StoreColumn, relation->column_count + 1);
	for (int c = 0; c < relation->column_count; c++)
		columns[c] = (StoreColumn){.name = relation->columns[c].name, .type = relation->columns[c].type, .nullable = !relation->columns[c].not_null};
	return (StoreTableSpec){.id = relation->id, .name = relation->name, .kind = relation_kind_name(relation->kind), .columns = columns, .column_count = relation->column_count};
}

typedef struct Backfill { Runtime *runtime; Lane *lane; Pipeline *pipeline; LoweredScan *scan; Reader *reader; StoreScan *rows; int64_t watermark, row; bool judged; int *places; } Backfill;

static bool goes_with(const LoweredScan *scan, const LoweredScan *other)
{
	return scan->relation->id == other->relation->id && scan->before_others == other->before_others;
}

/* Of a view: `rows` has the columns that some scan wants, each gets its own. */
static bool push_scan(const Backfill *fill, const LoweredScan *scan, Batch *rows, Error *err)
{
	Batch *own = batch_derive(rows, scan->column_count);
	for (int c = 0; c < scan->column_count; c++) own->columns[c] = rows->columns[fill->places[scan->columns[c].column]];
	bool ok = op_push(scan->op, 0, own, err);
	batch_unref(own);
	return ok;
}

static bool push_scans(const Backfill *fill, Batch *rows, Error *err)
{
	Pipeline *pipeline = fill->pipeline;
	if (account_counts(pipeline, fill->scan)) pipeline->rows_in += rows->count;
	for (int s = 0; s < pipeline->lowered->scans.count; s++)
		if (goes_with(&pipeline->lowered->scans.at[s], fill->scan) && !push_scan(fill, &pipeline->lowered->scans.at[s], rows, err)) return false;
	return true;
}

static bool backfill_rows(Backfill *fill, Error *err)
{
	for (;;) {
		Batch *batch = NULL;
		int64_t last = fill->row;
		if (!store_scan_next(fill->rows, BATCH_ROWS_MAX, &batch, &last, err)) return false;
		if (!batch) return true;
		batch->system_us = fill->runtime->clock_us;
		bool ok = fill->reader ? reader_backfill(fill->reader, fill->pipeline, fill->scan->before_others, batch, fill->row, fill->judged, &fill->watermark, err)
			: push_scans(fill, batch, err);
		fill->row += batch->count;
		batch_unref(batch);
		if (!ok) return false;
	}
}

/* What the reader has seen of the relation before does not count for it: a fresh one learns its watermark and position here. */
static void backfill_done(Backfill *fill)
{
	if (!fill->reader || !fill->reader->partitions.count) return;
	Partition *partition = fill->reader->partitions.at[0];
	if (fill->judged && fill->watermark > partition->watermark) partition->watermark = fill->watermark;
	if (fill->row > partition->position) partition->position = fill->row;
}

/* The columns of a view that some scan wants, and where each is among them. */
static int wanted_columns(const Backfill *fill, int *columns)
{
	int count = 0;
	const Lowered *lowered = fill->pipeline->lowered;
	for (int c = 0; c < fill->scan->relation->column_count; c++) {
		bool wanted = false;
		for (int s = 0; s < lowered->scans.count; s++)
			for (int k = 0; goes_with(&lowered->scans.at[s], fill->scan) && k < lowered->scans.at[s].column_count; k++) wanted |= lowered->scans.at[s].columns[k].column == c;
		if (!wanted) continue;
		fill->places[c] = count;
		columns[count++] = c;
	}
	return count;
}

/* With all scans of the relation that go with it, of which it is the first. */
static bool backfill_scan(Runtime *runtime, Lane *lane, Pipeline *pipeline, LoweredScan *scan, Error *err)
{
	for (LoweredScan *other = pipeline->lowered->scans.at; other < scan; other++)
		if (goes_with(other, scan)) return true;
	const Relation *relation = scan->relation;
	bool view = relation_is_maintained(relation);
	if (pipeline->relation && relation->id == pipeline->relation->id) return true;      /* a changelog gives its table its content */
	if (!view && !relation_is_local(relation)) return true;
	Arena arena;
	arena_init(&arena, 0);
	StoreTableSpec spec = relation_spec(relation, &arena);
	int count = relation->column_count, *columns = arena_array(&arena, int, count + 1);
	Backfill fill = {
		.runtime = runtime, .lane = lane, .pipeline = pipeline, .scan = scan, .watermark = WATERMARK_NONE,
		.reader = view ? NULL : lane_reader_find(lane, relation->id), .judged = relation->kind == RELATION_STREAM, .places = arena_array(&arena, int, count + 1),
	};
	for (int c = 0; c < count; c++) columns[c] = c;
	if (view) count = wanted_columns(&fill, columns);
	int64_t after;
	bool ok = starts_row(runtime, pipeline->relation, relation, &spec, &after, err);
	if (ok) fill.rows = store_scan_open(runtime->store, NULL, &spec, columns, count, after, err);
	ok = ok && fill.rows && backfill_rows(&fill, err);
	if (fill.rows) store_scan_close(fill.rows);
	if (ok) backfill_done(&fill);
	arena_release(&arena);
	return ok;
}

bool scan_give_content(Runtime *runtime, LoweredScan *scan, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	StoreTableSpec spec = relation_spec(scan->relation, &arena);
	int *columns = arena_array(&arena, int, scan->column_count + 1);
	for (int c = 0; c < scan->column_count; c++) columns[c] = scan->columns[c].column;
	StoreScan *rows = store_scan_open(runtime->store, NULL, &spec, columns, scan->column_count, STORE_SCAN_ALL, err);
	bool ok = rows != NULL;
	for (int64_t last = 0; ok; ) {
		Batch *batch = NULL;
		ok = store_scan_next(rows, BATCH_ROWS_MAX, &batch, &last, err);
		if (!batch) break;
		batch->system_us = runtime->clock_us;
		ok = ok && op_push(scan->op, 0, batch, err);
		batch_unref(batch);
	}
	if (rows) store_scan_close(rows);
	arena_release(&arena);
	return ok;
}

/* ---- making and dropping ---- */

static bool reader_has_begun(const Reader *reader)
{
	for (int p = 0; p < reader->partitions.count; p++)
		if (reader->partitions.at[p]->position >= 0) return true;
	return false;
}

/* Reads the query a source of which others have read something already, or it itself before, or which others begin to read elsewhere? */
static bool must_catch_up(const Runtime *runtime, const Relation *view, const Lowered *lowered, bool again)
{
	for (int s = 0; s < lowered->scans.count; s++) {
		const Relation *relation = lowered->scans.at[s].relation;
		if (!relation->connector || (relation_is_maintained(relation) && relation->id != view->id)) continue;
		Reader *reader = lane_reader_find(runtime->live, relation->id);
		if (reader && (reader_has_begun(reader) || !starts_fit(reader, view))) return true;
		if (!reader && again && store_view_start(runtime->store, view->id, relation->id, 0) >= 0) return true;
	}
	return false;
}

static bool local_is_untouched(const Runtime *runtime, const Relation *relation, const Reader *reader)
{
	Arena arena;
	arena_init(&arena, 0);
	StoreTableSpec spec = relation_spec(relation, &arena);
	bool untouched = store_table_last_row(runtime->store, &spec) == 0 && !reader_closed_in_file((Runtime *)runtime, relation);
	arena_release(&arena);
	for (int p = 0; reader && p < reader->partitions.count; p++)
		untouched &= reader->partitions.at[p]->position <= 0 && reader->partitions.at[p]->watermark == WATERMARK_NONE;
	return untouched;
}

/* Has nothing ever come of what the query reads, so that it has missed nothing? `of`: the relation that it is for. */
static bool reads_untouched(const Runtime *runtime, const Relation *of, const Lowered *lowered)
{
	for (int s = 0; s < lowered->scans.count; s++) {
		const Relation *relation = lowered->scans.at[s].relation;
		const Reader *reader = lane_reader_find(runtime->live, relation->id);
		const Pipeline *below = relation_is_maintained(relation) && relation->id != of->id ? lane_pipeline(runtime->live, relation->id) : NULL;
		bool untouched = below ? reads_untouched(runtime, relation, below->lowered)
			: relation_is_local(relation) ? local_is_untouched(runtime, relation, reader) : !reader || !reader_has_begun(reader);
		if (!untouched) return false;
	}
	return true;
}

/* One of those that are made together, each before what reads it. */
typedef struct Making { Runtime *runtime; Lane *lane; Pipeline **pipelines; int count; bool again; } Making;

static bool open_pipeline(Making *making, Relation *relation, Lowered *lowered, Error *err)
{
	Runtime *runtime = making->runtime;
	bool beside = making->lane != runtime->live && (making->again || relation->kind != RELATION_SINK);
	Pipeline *pipeline = pipeline_new(runtime, relation, lowered, beside, err);
	if (!pipeline) return false;
	if (!pipeline_open_end(runtime, pipeline, true, err)) {
		pipeline_free(pipeline);
		return false;
	}
	pipeline->fresh = true;
	making->pipelines[making->count++] = pipeline;
	if (!pipeline_attach(runtime, making->lane, pipeline, err)) return false;
	if (!beside) sharing_prepare(runtime, pipeline);
	if (making->again) starts_again(runtime, making->lane, pipeline);
	return true;
}

static bool is_among(const Making *making, const Relation *relation)
{
	for (int p = 0; p < making->count; p++)
		if (making->pipelines[p]->relation == relation) return true;
	return false;
}

static bool write_content(void *context, const Changes *changes, Error *err)
{
	Pipeline *pipeline = context;
	pipeline->rows_out += changes->count;
	return store_apply(pipeline->runtime->store, pipeline->table, changes, NULL, err);
}

/* What a new view holds goes into its table while it is made, since it may be more than memory holds; the transaction is this statement's. Not where its
 * changes are kept, too: those are the commit's. */
static void write_portions(Pipeline *pipeline, bool on)
{
	if (pipeline->end != PIPELINE_VIEW) return;
	bool kept = !pipeline->building && (relation_option(pipeline->relation, "changes_retention") || holds_relation(pipeline->runtime, pipeline->relation->id));
	op_sink_portions(pipeline->tail, CONTENT_PORTION_BYTES, on && !kept ? write_content : NULL, pipeline);
}

/* What is made together gets its content from one another. The table of a PROCTIME join comes before its left side. */
static bool give_content(const Making *making, Error *err)
{
	bool ok = true;
	for (int p = 0; p < making->count; p++) pipeline_defer(making->pipelines[p], false);
	for (int first = 1; first >= 0; first--)
		for (int p = 0; p < making->count; p++) {
			Pipeline *pipeline = making->pipelines[p];
			for (int s = 0; ok && s < pipeline->lowered->scans.count; s++) {
				LoweredScan *scan = &pipeline->lowered->scans.at[s];
				if (scan->before_others != first || is_among(making, scan->relation)) continue;
				ok = backfill_scan(making->runtime, making->lane, pipeline, scan, err);
			}
		}
	for (int p = 0; p < making->count; p++) pipeline_defer(making->pipelines[p], making->pipelines[p]->defers);
	return ok;
}

bool runtime_backfill(Runtime *runtime, Lane *lane, Pipeline *pipeline, Error *err)
{
	return give_content(&(Making){.runtime = runtime, .lane = lane, .pipelines = &pipeline, .count = 1}, err);
}

/* What was there before is made beside even where it has nothing to catch up with, and joins at once: the one way in which the new takes the place of the
 * old, and tells sinks and subscribers the difference. */
bool pipelines_make(Runtime *runtime, Relation *const *relations, Lowered **lowered, int count, bool again, Error *err)
{
	Making making = {.runtime = runtime, .again = again, .pipelines = mem_alloc(sizeof(Pipeline *) * (size_t)count)};
	bool ok = runtime_file_begin(runtime, err), catches_up = false, untouched = !again && reads_untouched(runtime, relations[0], lowered[0]);
	for (int i = 0; i < count; i++) {
		ok = ok && starts_check(relations[i], lowered[i], err);
		catches_up |= must_catch_up(runtime, relations[i], lowered[i], again);
	}
	bool building = catches_up || again;
	making.lane = building && ok ? lane_new(runtime, relations[0]->id + 1, LANE_BUILDING) : runtime->live;
	for (int i = 0; i < count; i++)
		if (ok) ok = open_pipeline(&making, relations[i], lowered[i], err);
		else lowered_free(lowered[i], true);
	for (int p = 0; ok && p < count; p++) write_portions(making.pipelines[p], true);
	ok = ok && give_content(&making, err);
	for (int p = 0; ok && p < count; p++) write_portions(making.pipelines[p], false);
	for (int p = 0; ok && p < count; p++) {
		Place place = {.state = building ? PLACE_BUILDING : PLACE_LIVE, .lane = making.lane->id, .beside = making.pipelines[p]->building};
		ok = place_put(runtime, relations[p], place, NULL, err) && (building || !untouched || place_begin_unbroken(runtime, relations[p], err));
	}
	runtime->checkpoint_wanted = runtime->sharing_wanted = true;
	free(making.pipelines);
	return ok && (catches_up || !again || lane_join(runtime, making.lane, true, err));
}

bool runtime_create(Runtime *runtime, Relation *relation, Lowered *lowered, Error *err)
{
	return pipelines_make(runtime, &relation, &lowered, 1, false, err);
}

bool lane_drop_readers(Runtime *runtime, Lane *lane, Error *err)
{
	int kept = 0;
	bool ok = true;
	for (int r = 0; r < lane->readers.count; r++) {
		Reader *reader = lane->readers.at[r];
		if (reader->scans.count || relation_is_local(reader->relation)) {
			lane->readers.at[kept++] = reader;
			continue;
		}
		ok = ok && store_positions_remove(runtime->store, lane->id, reader->relation->id, err);
		if (lane == runtime->live) ok = ok && store_source_status_put(runtime->store, reader->relation->id, NULL, NULL, -1, NULL, err);
		reader_free(reader);
	}
	lane->readers.count = kept;
	return ok;
}

bool pipeline_remove(Runtime *runtime, Lane *lane, Pipeline *pipeline, Error *err)
{
	int32_t first = op_first(pipeline->relation);
	bool ok = sharing_end(runtime, pipeline, LEAVES_FOR_GOOD, err) && store_state_remove(runtime->store, lane->id, first, first + PIPELINE_OPS_MAX, err);
	pipeline_leave(runtime, lane, pipeline);
	ok = ok && lane_drop_readers(runtime, lane, err);
	if (ok && lane != runtime->live && lane->id && !lane->pipelines.count) {
		ok = store_lane_remove(runtime->store, lane->id, err);
		lane_remove(runtime, lane);
	}
	runtime->checkpoint_wanted = runtime->sharing_wanted = true;
	return ok;
}

bool runtime_drop(Runtime *runtime, Relation *relation, Error *err)
{
	Pipeline *pipeline;
	Lane *lane = runtime_lane_of(runtime, relation->id, &pipeline);
	if (!runtime_file_begin(runtime, err)) return false;
	bool beside = pipeline && pipeline->building;
	if (!pipeline && !away_forget(runtime, relation, err)) return false;
	if (!place_remove(runtime, relation, err) || !store_view_starts_remove(runtime->store, relation->id, err)
		|| !store_sink_remove(runtime->store, relation->id, err)) return false;
	if (pipeline && !pipeline_remove(runtime, lane, pipeline, err)) return false;
	if (beside && !table_beside_drop(runtime, relation, err)) return false;
	if (!store_changes_drop(runtime->store, relation->id, err) || !delivered_forget(runtime, relation, err)) return false;
	if (relation->replaces) return replaces_put(runtime, relation, 0, err);
	return !relation_is_maintained(relation) || store_table_drop_name(runtime->store, relation->name, err);
}

/* ---- catching up and joining ---- */

static const Partition *partition_find(const Reader *reader, int number)
{
	for (int p = 0; reader && p < reader->partitions.count; p++)
		if (reader->partitions.at[p]->number == number) return reader->partitions.at[p];
	return NULL;
}

/* One that began at the end when the live lane had been told an earlier one (--until-end): it begins there. */
static void begin_no_later(Partition *partition, int64_t stop)
{
	if (partition->position <= stop || partition->last_position >= 0 || partition->record_count) return;
	partition->position = partition->begun = stop;
	partition->sealed_position = -1;
}

void lane_limit(Runtime *runtime, Lane *lane)
{
	for (int r = 0; r < lane->readers.count; r++) {
		Reader *reader = lane->readers.at[r], *live = lane_reader_find(runtime->live, reader->relation->id);
		for (int p = 0; reader->source && p < reader->partitions.count; p++) {
			Partition *partition = reader->partitions.at[p];
			const Partition *ahead = partition_find(live, partition->number);
			if (ahead) begin_no_later(partition, ahead->stop);
			int64_t limit = ahead ? ahead->position : live ? partition->position : SOURCE_STOP_NEVER;
			if (atomic_exchange(&partition->limit, limit) != limit) decode_pool_wake(runtime->pool);
		}
	}
}

/* A view that it reads may still be in a lane of its own. */
static bool reads_joined(const Runtime *runtime, const Lane *lane)
{
	for (int p = 0; p < lane->pipelines.count; p++)
		for (int f = 0; f < lane->pipelines.at[p]->feeds.count; f++) {
			int64_t from = lane->pipelines.at[p]->feeds.at[f].from->relation->id;
			if (!lane_pipeline(lane, from) && !lane_pipeline(runtime->live, from)) return false;
		}
	return true;
}

/* Nobody else reads the source: it has caught up when it has what was there as it began, or all that there is, decoded, too. -1: not known yet. */
static int64_t behind_alone(const Reader *reader)
{
	int64_t behind = 0;
	if (!reader->started) return -1;
	for (int p = 0; p < reader->partitions.count; p++) {
		Partition *partition = reader->partitions.at[p];
		int64_t end = source_end(reader->source, partition->number);
		if (partition->position < 0) return -1;
		if (!partition->goal && end > 0) partition->goal = end;
		bool there = partition_is_at_end(reader, partition) || end == SOURCE_STOP_NEVER || partition->position >= partition->goal;
		behind += there ? 0 : partition->goal - partition->position;
	}
	return behind;
}

int64_t lane_behind(const Runtime *runtime, const Lane *lane)
{
	int64_t behind = 0;
	if (!reads_joined(runtime, lane)) return -1;
	for (int r = 0; r < lane->readers.count; r++) {
		const Reader *reader = lane->readers.at[r], *live = lane_reader_find(runtime->live, reader->relation->id);
		if (!reader->source) continue;
		if (!live) {
			int64_t alone = behind_alone(reader);
			if (alone < 0) return -1;
			behind += alone;
			continue;
		}
		if (!reader->started || reader->partitions.count != live->partitions.count) return -1;
		for (int p = 0; p < reader->partitions.count; p++) {
			const Partition *ahead = partition_find(live, reader->partitions.at[p]->number);
			if (!ahead || reader->partitions.at[p]->position < 0) return -1;
			behind += ahead->position > reader->partitions.at[p]->position ? ahead->position - reader->partitions.at[p]->position : 0;
			if (ahead->position < reader->partitions.at[p]->position) behind += LANE_NEAR_RECORDS + 1;
		}
	}
	return behind;
}

bool lane_is_near(const Runtime *runtime, const Lane *lane)
{
	int64_t behind = lane_behind(runtime, lane);
	return lane->state == LANE_BUILDING && behind >= 0 && behind <= LANE_NEAR_RECORDS;
}

bool lane_can_join(const Runtime *runtime, const Lane *lane) { return lane->state == LANE_BUILDING && lane_behind(runtime, lane) == 0; }

/* The scans of a reader become those of the live lane's reader of the same relation, or the reader moves as a whole. */
static bool join_reader(Runtime *runtime, Reader *reader, Error *err)
{
	Reader *live = lane_reader_find(runtime->live, reader->relation->id);
	if (!live) {
		vec_push(&runtime->live->readers, reader);
		for (int p = 0; p < reader->partitions.count; p++) atomic_store(&reader->partitions.at[p]->limit, SOURCE_STOP_NEVER);
		decode_pool_wake(runtime->pool);
		return true;
	}
	bool was_started = live->started;
	reader_stop(reader);
	reader_stop(live);
	for (int s = 0; s < reader->scans.count; s++) reader_attach(live, reader->scans.at[s].pipeline, reader->scans.at[s].scan);
	reader_free(reader);
	if (!reader_prepare(live, err)) return false;
	Error ignored = ERROR_INIT;
	if (live->source && was_started) reader_start(live, 1000, &ignored);
	return true;
}

/* The table that was built takes the view's name, and the place of the one that the view had before. */
static bool name_table(Runtime *runtime, Pipeline *pipeline, Error *err)
{
	if (!history_bridge(runtime, pipeline, err)) return false;
	pipeline->building = false;
	return store_table_take_name(runtime->store, pipeline->table, pipeline->relation->name, runtime->config.notice, runtime->config.context, err);
}

/* A sink that cannot deliver fails the statement, if there is one; else it stays behind. *stays: it does. */
static bool take_place(Runtime *runtime, Lane *lane, Pipeline *pipeline, bool of_statement, bool *stays, Error *err)
{
	*stays = false;
	if (!pipeline->building) return true;
	if (pipeline->relation->kind != RELATION_SINK) return name_table(runtime, pipeline, err);
	bool refused = pipeline->untold, joins = refused ? delivered_untold(err) : sink_joins(runtime, lane, pipeline, &refused, err);
	if (joins || !refused || of_statement) return joins;
	Error why = *err;
	*err = ERROR_INIT;
	*stays = true;
	return sink_stays_behind(runtime, lane, pipeline, &why, err);
}

static bool join_file(Runtime *runtime, Lane *lane, bool of_statement, Error *err)
{
	if (!lane_replaces(runtime, lane, of_statement, err)) return false;
	for (int p = 0; p < lane->pipelines.count; p++) {
		Pipeline *pipeline = lane->pipelines.at[p];
		bool stays;
		if (!take_place(runtime, lane, pipeline, of_statement, &stays, err)) return false;
		if (stays) p--;
		else if (!place_put(runtime, pipeline->relation, (Place){.state = PLACE_LIVE, .lane = LANE_LIVE_ID}, NULL, err)) return false;
	}
	for (int r = 0; r < lane->readers.count; r++) {               /* its reader moves as a whole where the live lane has none */
		int64_t relation = lane->readers.at[r]->relation->id;
		if (!lane_reader_find(runtime->live, relation) && !store_positions_move(runtime->store, lane->id, LANE_LIVE_ID, relation, err)) return false;
	}
	return store_state_move(runtime->store, lane->id, LANE_LIVE_ID, 0, err) && store_lane_remove(runtime->store, lane->id, err);
}

bool lane_join(Runtime *runtime, Lane *lane, bool of_statement, Error *err)
{
	if (!runtime_checkpoint(runtime, err) || !runtime_file_begin(runtime, err) || !join_file(runtime, lane, of_statement, err)) return false;
	for (int n = 0; n < lane->graph.nodes.count; n++) vec_push(&runtime->live->graph.nodes, lane->graph.nodes.at[n]);
	lane->graph.nodes.count = 0;
	for (int p = 0; p < lane->pipelines.count; p++) vec_push(&runtime->live->pipelines, lane->pipelines.at[p]);
	lane->pipelines.count = 0;
	for (int r = 0; r < lane->readers.count; r++)
		if (!join_reader(runtime, lane->readers.at[r], err)) return false;
	lane->readers.count = 0;
	graph_link(&runtime->live->graph);
	lane_remove(runtime, lane);
	runtime->checkpoint_wanted = runtime->sharing_wanted = true;
	return runtime_flush(runtime, err);
}
