/* Views that leave the lane in which they move, and come back.
 *
 * A paused view takes its state along: pages and positions become those of a lane that is only in the file, at the boundary of the commit with which
 * it left. What can be read again waits in the topics; what local relations and views that go on do meanwhile is kept in the input log. When it is
 * resumed the lane is loaded, given the log, and then is as one that is being built: it reads until its positions are those of the live lane, and joins it
 * in one commit. Till then its rows are in tables beside, so readers see the view as it was paused.
 */
#include <stdio.h>

#include "run/deliver.h"
#include "run/input_log.h"
#include "run/place.h"
#include "run/sharing.h"
#include "run/starts.h"

/* ---- which ---- */

bool relations_have(const Relations *list, const Relation *relation)
{
	for (int r = 0; r < list->at.count; r++)
		if (list->at.at[r] == relation) return true;
	return false;
}

/* Readers before what they read. */
static void list_readers(const Runtime *runtime, Relation *relation, Relations *out)
{
	if (relations_have(out, relation)) return;
	int count = catalog_dependants(runtime->catalog, relation->id, NULL, 0);
	Relation **readers = mem_alloc(sizeof *readers * (size_t)(count + 1));
	catalog_dependants(runtime->catalog, relation->id, readers, count);
	for (int r = 0; r < count; r++)
		if (relation_has_pipeline(readers[r])) list_readers(runtime, readers[r], out);
	free(readers);
	vec_push(&out->at, relation);
}

Relations relations_family(const Runtime *runtime, Relation *relation)
{
	Relations list = {0};
	list_readers(runtime, relation, &list);
	for (int i = 0, j = list.at.count - 1; i < j; i++, j--) {
		Relation *kept = list.at.at[i];
		list.at.at[i] = list.at.at[j];
		list.at.at[j] = kept;
	}
	return list;
}

/* ---- leaving ---- */

void pipeline_leave(Runtime *runtime, Lane *lane, Pipeline *pipeline)
{
	Error why = ERROR_INIT;
	error_set(&why, ERR_WRONG_STATE, SPAN_NONE, "materialized view \"%s\" is no longer running", pipeline->relation->name);
	clients_end(runtime, pipeline, &why);
	pipeline_detach(runtime, lane, pipeline);
	pipeline_free(pipeline);
}

bool table_beside_drop(Runtime *runtime, const Relation *relation, Error *err)
{
	char name[64];
	snprintf(name, sizeof name, "weir_building_%lld", (long long)relation->id);
	return store_table_drop_name(runtime->store, name, err);
}

static bool reads_any(const Reader *reader, Pipeline *const *pipelines, int count)
{
	for (int s = 0; s < reader->scans.count; s++)
		for (int p = 0; p < count; p++)
			if (reader->scans.at[s].pipeline == pipelines[p]) return true;
	return false;
}

static void put_positions(Runtime *runtime, const CheckpointRecord *record)
{
	SealedCommit *sealed = runtime->next;
	for (int p = 0; p < record->partition_count; p++) {
		PartitionRecord partition = record->partitions[p];
		partition.records = 0;                        /* nothing was read for it */
		vec_push_in(&sealed->arena, &sealed->partitions, partition);
	}
}

/* Pages, positions and watermarks of some of a lane's pipelines become a lane of their own in the file. */
static bool part_lane(Runtime *runtime, Lane *lane, int64_t id, Pipeline *const *pipelines, int count, Error *err)
{
	Lane part = {.id = id};
	bool ok = true;
	for (int p = 0; ok && p < count; p++) {
		int32_t first = op_first(pipelines[p]->relation);
		ok = store_state_part(runtime->store, lane->id, id, first, first + PIPELINE_OPS_MAX, err);
		vec_push(&part.pipelines, pipelines[p]);
	}
	for (int r = 0; r < lane->readers.count; r++)
		if (reads_any(lane->readers.at[r], pipelines, count)) vec_push(&part.readers, lane->readers.at[r]);
	CheckpointRecord record = checkpoint_record(runtime, &part, lane->generation, &runtime->next->arena);
	put_positions(runtime, &record);
	vec_release(&part.pipelines);
	vec_release(&part.readers);
	return ok && store_checkpoint_complete(runtime->store, &record, err);
}

/* The lane was checkpointed right before. */
static bool leave_lane(Runtime *runtime, Lane *lane, Pipeline **pipelines, int count, Place to, const char *why, Error *err)
{
	bool whole = lane != runtime->live && count == lane->pipelines.count;
	int64_t id = whole ? lane->id : pipelines[0]->relation->id + 1;
	if (!whole && !part_lane(runtime, lane, id, pipelines, count, err)) return false;
	for (int p = 0; p < count; p++)
		if (!place_put(runtime, pipelines[p]->relation, (Place){to.state, id, pipelines[p]->building, to.copy}, why, err)) return false;
	for (int p = count - 1; p >= 0; p--) pipeline_leave(runtime, lane, pipelines[p]);
	runtime->checkpoint_wanted = runtime->sharing_wanted = true;
	if (whole) lane_remove(runtime, lane);
	return whole || lane_drop_readers(runtime, lane, err);
}

static bool leave(Runtime *runtime, const Relations *family, Place to, const char *why, Error *err)
{
	Pipeline **pipelines = mem_alloc(sizeof *pipelines * (size_t)(family->at.count + 1));
	bool ok = true;
	for (int l = runtime->lanes.count - 1; ok && l >= 0; l--) {
		Lane *lane = runtime->lanes.at[l];
		int count = 0;
		for (int r = 0; lane->id && r < family->at.count; r++) {
			Pipeline *pipeline = lane_pipeline(lane, family->at.at[r]->id);
			if (pipeline) pipelines[count++] = pipeline;
		}
		ok = !count || leave_lane(runtime, lane, pipelines, count, to, why, err);
		if (l > runtime->lanes.count) l = runtime->lanes.count;        /* clients' lanes may have gone, too */
	}
	free(pipelines);
	return ok;
}

/* The second, small one is of the very commit after which the views leave: it is written at once since a statement changes the file. */
static bool checkpoint_here(Runtime *runtime, Error *err)
{
	if (!runtime_checkpoint(runtime, err) || !runtime_file_begin(runtime, err)) return false;
	runtime->checkpoint_wanted = true;
	return runtime_flush(runtime, err);
}

/* Indexes are packed anew, so no checkpoint of them may be under way. */
static bool end_sharing(Runtime *runtime, const Relations *leaving, Error *err)
{
	if (runtime->checkpoint && !runtime_checkpoint(runtime, err)) return false;
	for (int r = 0; r < leaving->at.count; r++) {
		Pipeline *pipeline = lane_pipeline(runtime->live, leaving->at.at[r]->id);
		if (pipeline && !sharing_end(runtime, pipeline, LEAVES_WITH_STATE, err)) return false;
	}
	return true;
}

/* A sink whose successor is being built: when that joins this one is away, and what it reads may have moved on. Where it cannot be told the successor stays behind. */
static bool keep_for_successors(Runtime *runtime, const Relations *leaving, Error *err)
{
	bool ok = true;
	for (int r = 0; ok && r < leaving->at.count; r++) {
		Relation *sink = leaving->at.at[r];
		if (sink->kind == RELATION_SINK && catalog_pending(runtime->catalog, sink->id)) ok = delivered_keep(runtime, sink, NULL, err);
	}
	return ok;
}

static bool pause_as(Runtime *runtime, Relation *relation, PlaceState state, const char *why, Error *err)
{
	Pipeline *pipeline;
	if (!runtime_flush(runtime, err)) return false;               /* what an operator holds for its commit is no state that another could take over */
	if (!runtime_lane_of(runtime, relation->id, &pipeline)) return true;
	Relations family = relations_family(runtime, relation);
	bool ok = end_sharing(runtime, &family, err) && checkpoint_here(runtime, err) && runtime_file_begin(runtime, err) && keep_for_successors(runtime, &family, err) && leave(runtime, &family, (Place){.state = state}, why, err)
		&& runtime_flush(runtime, err) && holds_refresh(runtime, err);
	vec_release(&family.at);
	return ok;
}

bool runtime_pause(Runtime *runtime, Relation *relation, Error *err) { return pause_as(runtime, relation, PLACE_PAUSED, "PAUSE", err); }

bool runtime_stop(Runtime *runtime, Relation *relation, const char *why, Error *err) { return pause_as(runtime, relation, PLACE_STOPPED, why, err); }

/* ---- sinks of a copied file ---- */

/* The commit stands at the clock of the last one: nothing may come out of a sink that is not open. */
static bool hold(Runtime *runtime, const Relations *sinks, Error *err)
{
	static const char WHY[] = "the file is a copy: RESUME it, or weir run --take-over";
	runtime->gathering = runtime->checkpoint_wanted = true;
	bool ok = runtime_file_begin(runtime, err) && end_sharing(runtime, sinks, err) && runtime_flush(runtime, err) && runtime_file_begin(runtime, err);
	for (int s = 0; ok && s < sinks->at.count; s++) {
		Relations alone = {0};
		vec_push(&alone.at, sinks->at.at[s]);
		ok = leave(runtime, &alone, (Place){.state = PLACE_PAUSED, .copy = true}, WHY, err);
		vec_release(&alone.at);
	}
	return ok && store_take_over(runtime->store, err) && runtime_flush(runtime, err) && holds_refresh(runtime, err);
}

static Relations list_sinks(const Runtime *runtime)
{
	Relations list = {0};
	for (int r = 0; r < runtime->catalog->relations.count; r++) {
		Relation *relation = runtime->catalog->relations.at[r];
		if (relation->kind == RELATION_SINK && relation_has_pipeline(relation)) vec_push(&list.at, relation);
	}
	return list;
}

bool sinks_hold(Runtime *runtime, Error *err)
{
	if (!store_is_copy(runtime->store)) return true;
	Relations sinks = list_sinks(runtime);
	bool ok = hold(runtime, &sinks, err);
	vec_release(&sinks.at);
	return ok;
}

bool sinks_release(Runtime *runtime, Error *err)
{
	Relations sinks = list_sinks(runtime);
	bool ok = true;
	for (int s = 0; ok && s < sinks.at.count; s++)
		if (place_get(runtime, sinks.at.at[s]).copy) ok = runtime_resume(runtime, sinks.at.at[s], err);
	vec_release(&sinks.at);
	return ok;
}

/* ---- coming back ---- */

static Relations list_lane(Runtime *runtime, int64_t id)
{
	Relations list = {0};
	for (int r = 0; r < runtime->catalog->relations.count; r++) {
		Relation *relation = runtime->catalog->relations.at[r];
		Place place = relation_has_pipeline(relation) ? place_get(runtime, relation) : (Place){0};
		if (place_is_away(place) && place.lane == id) vec_push(&list.at, relation);
	}
	return list;
}

typedef struct CatchUp { Runtime *runtime; Lane *lane; Relation *relation; PipelineFeed *feed; } CatchUp;

static bool give_local(void *context, Batch *batch, Error *err)
{
	CatchUp *up = context;
	return lane_push_local(up->runtime, up->lane, up->relation, batch, err);
}

static bool give_feed(void *context, Batch *batch, Error *err)
{
	CatchUp *up = context;
	batch->system_us = up->runtime->clock_us;
	return op_push(up->feed->adapter, 0, batch, err);
}

static bool give_view(CatchUp *up, const void *bytes, uint32_t count, Error *err)
{
	for (int p = 0; p < up->lane->pipelines.count; p++) {
		Pipeline *pipeline = up->lane->pipelines.at[p];
		for (int f = 0; f < pipeline->feeds.count; f++) {
			const Pipeline *from = pipeline->feeds.at[f].from;
			if (from->relation->id != up->relation->id || lane_pipeline(up->lane, from->relation->id)) continue;
			up->feed = &pipeline->feeds.at[f];
			if (!input_log_read(from->lowered->types, from->lowered->column_count, bytes, count, give_feed, up, err)) return false;
		}
	}
	return true;
}

static bool give_entry(void *context, int64_t commit, int64_t seq, int64_t relation_id, const void *bytes, uint32_t count, Error *err)
{
	(void)seq;
	CatchUp *up = context;
	Relation *relation = up->relation = catalog_find_id(up->runtime->catalog, relation_id);
	if (!relation || commit <= up->lane->generation) return true;
	if (!relation_is_local(relation)) return give_view(up, bytes, count, err);
	if (!lane_reader_find(up->lane, relation_id)) return true;
	Type *types = mem_alloc(sizeof *types * (size_t)(relation->column_count + 1));
	for (int c = 0; c < relation->column_count; c++) types[c] = relation->columns[c].type;
	bool ok = input_log_read(types, relation->column_count, bytes, count, give_local, up, err);
	free(types);
	return ok;
}

/* A stream may have been closed meanwhile, after its rows. */
static bool give_log(Runtime *runtime, Lane *lane, Error *err)
{
	CatchUp up = {.runtime = runtime, .lane = lane};
	runtime_open_commit(runtime);
	for (int r = 0; r < lane->readers.count; r++) lane->readers.at[r]->closed = false;
	bool ok = store_log_list(runtime->store, STORE_LOG_INPUT, 0, lane->generation, INT64_MAX, give_entry, &up, err);
	for (int r = 0; r < lane->readers.count; r++) lane->readers.at[r]->closed = reader_closed_in_file(runtime, lane->readers.at[r]->relation);
	return ok;
}

static bool reads_sources(const Lane *lane)
{
	for (int r = 0; r < lane->readers.count; r++)
		if (lane->readers.at[r]->source) return true;
	return false;
}

/* Readers go on to see the view as it was; the copy moves. */
static bool copy_table(Runtime *runtime, Pipeline *pipeline, Error *err)
{
	if (pipeline->end != PIPELINE_VIEW || pipeline->building) return true;
	StoreTableSpec spec = *store_table_spec(pipeline->table);
	char name[64];
	snprintf(name, sizeof name, "weir_building_%lld", (long long)pipeline->relation->id);
	spec.name = name;
	StoreTable *copy = store_table_copy(runtime->store, &spec, pipeline->relation->name, err);
	if (!copy) return false;
	store_table_close(pipeline->table);
	pipeline->table = copy;
	return pipeline->building = true;
}

static bool copy_tables(Runtime *runtime, Lane *lane, Error *err)
{
	for (int p = 0; p < lane->pipelines.count; p++) {
		Pipeline *pipeline = lane->pipelines.at[p];
		if (!copy_table(runtime, pipeline, err)) return false;
		if (!place_put(runtime, pipeline->relation, (Place){.state = PLACE_BUILDING, .lane = lane->id, .beside = pipeline->building}, NULL, err)) return false;
	}
	return true;
}

static bool load_lane(Runtime *runtime, int64_t id, Lane **lane, Error *err)
{
	Relations list = list_lane(runtime, id);
	bool ok = true;
	for (int r = 0; ok && r < list.at.count; r++) {
		Place place = place_get(runtime, list.at.at[r]);
		place.state = PLACE_BUILDING;
		place.copy = false;
		ok = (place.beside || list.at.at[r]->kind != RELATION_SINK || delivered_forget(runtime, list.at.at[r], err)) && place_put(runtime, list.at.at[r], place, NULL, err);
	}
	for (int r = 0; ok && r < list.at.count; r++) ok = pipeline_start(runtime, list.at.at[r], err);
	vec_release(&list.at);
	*lane = runtime_lane(runtime, id);
	if (!ok || !*lane || !lane_load(runtime, *lane, err)) return false;
	lane_settled(*lane);
	return true;
}

static bool lane_returns(Runtime *runtime, int64_t id, Error *err)
{
	Lane *lane;
	if (!runtime_flush(runtime, err) || !runtime_file_begin(runtime, err)) return false;
	if (!load_lane(runtime, id, &lane, err) || !give_log(runtime, lane, err)) return false;
	bool at_once = !reads_sources(lane);
	if (!at_once && !copy_tables(runtime, lane, err)) return false;
	runtime->checkpoint_wanted = true;
	if (!runtime_flush(runtime, err) || !holds_refresh(runtime, err)) return false;
	return !at_once || !lane_can_join(runtime, lane) || lane_join(runtime, lane, false, err);
}

bool lanes_join_local(Runtime *runtime, Error *err)
{
	for (int l = 0; !runtime->file_open && !runtime->transaction && l < runtime->lanes.count; l++) {
		Lane *lane = runtime->lanes.at[l];
		if (!lane->id || reads_sources(lane) || !lane_can_join(runtime, lane)) continue;
		if (!lane_join(runtime, lane, false, err)) return false;
		l = 0;
	}
	return true;
}

static bool make_again(Runtime *runtime, const Relations *list, Error *err)
{
	Lowered **lowered = mem_zalloc(sizeof *lowered * (size_t)(list->at.count + 1));
	bool ok = true;
	int count = 0;
	for (; ok && count < list->at.count; count++) {
		ok = store_account_remove(runtime->store, list->at.at[count]->id, err)
			&& runtime->config.lower(runtime->config.context, list->at.at[count], &lowered[count], err)
			&& (!lowered[count]->is_other || runtime->config.replanned(runtime->config.context, list->at.at[count], lowered[count], err));
		if (!ok) break;
	}
	if (ok) ok = pipelines_make(runtime, list->at.at, lowered, count, true, err);
	else for (int i = 0; i <= count && i < list->at.count; i++) lowered_free(lowered[i], true);
	free(lowered);
	return ok;
}

/* Is the state that the lane left with that of the plans of now? */
static bool lane_fits(Runtime *runtime, int64_t id, bool *fits, Error *err)
{
	Relations list = list_lane(runtime, id);
	bool ok = *fits = true;
	for (int r = 0; ok && r < list.at.count; r++) {
		Lowered *lowered = NULL;
		ok = runtime->config.lower(runtime->config.context, list.at.at[r], &lowered, err);
		*fits &= ok && !lowered->is_other;
		lowered_free(lowered, true);
	}
	vec_release(&list.at);
	return ok;
}

/* What reads the relation, left in its company and has kept no state; each before what reads it */
static Relations list_company(Runtime *runtime, Relation *relation, int64_t company)
{
	Relations family = relations_family(runtime, relation), list = {0};
	for (int r = 0; r < family.at.count; r++) {
		Place place = place_get(runtime, family.at.at[r]);
		bool follows = place_is_away(place) && !place.lane && company && place.company == company;
		if (follows || (family.at.at[r] == relation && !place.lane)) vec_push(&list.at, family.at.at[r]);
	}
	vec_release(&family.at);
	return list;
}

static bool resume_below(Runtime *runtime, const Relation *relation, const Relations *but, Error *err)
{
	for (int d = 0; d < relation->depend_count; d++) {
		Relation *below = catalog_find_id(runtime->catalog, relation->depends[d]);
		if (below && below != relation && relation_is_maintained(below) && !relations_have(but, below) && !runtime_resume(runtime, below, err)) return false;
	}
	return true;
}

/* From their starts, all together */
static bool company_returns(Runtime *runtime, Relation *relation, int64_t company, Error *err)
{
	Relations list = list_company(runtime, relation, company);
	bool ok = true;
	for (int r = 0; ok && r < list.at.count; r++) ok = resume_below(runtime, list.at.at[r], &list, err);
	ok = ok && (!list.at.count || (runtime_flush(runtime, err) && runtime_file_begin(runtime, err) && make_again(runtime, &list, err) && runtime_flush(runtime, err)));
	vec_release(&list.at);
	return ok;
}

bool runtime_resume(Runtime *runtime, Relation *relation, Error *err)
{
	Pipeline *pipeline;
	Relations none = {0};
	if (!resume_below(runtime, relation, &none, err)) return false;
	if (runtime_lane_of(runtime, relation->id, &pipeline)) return lanes_join_local(runtime, err);
	Place place = place_get(runtime, relation);
	bool fits = false;
	if (place.lane && !lane_fits(runtime, place.lane, &fits, err)) return false;
	if (place.lane && !fits) return runtime_rebuild(runtime, relation, err);
	if (!place.lane) return company_returns(runtime, relation, place.company, err);
	if (!lane_returns(runtime, place.lane, err)) return false;
	return runtime_lane_of(runtime, relation->id, &pipeline) != runtime->live || company_returns(runtime, relation, place.lane, err);
}

/* ---- from the start ---- */

bool away_forget(Runtime *runtime, const Relation *relation, Error *err)
{
	Place place = place_get(runtime, relation);
	if (!place_is_away(place) || !place.lane) return true;
	if (place.beside && !table_beside_drop(runtime, relation, err)) return false;
	Relations mates = list_lane(runtime, place.lane);
	int32_t first = op_first(relation);
	bool ok = mates.at.count > 1 ? store_state_remove(runtime->store, place.lane, first, first + PIPELINE_OPS_MAX, err) : store_lane_remove(runtime->store, place.lane, err);
	vec_release(&mates.at);
	return ok;
}

bool runtime_set_aside(Runtime *runtime, Relation *relation, bool *ran, Error *err)
{
	Pipeline *pipeline;
	Lane *lane = runtime_lane_of(runtime, relation->id, &pipeline);
	Place place = place_get(runtime, relation);
	*ran = lane != NULL;
	clients_part(runtime, pipeline);
	if (!runtime_file_begin(runtime, err) || !(lane ? pipeline_remove(runtime, lane, pipeline, err) : away_forget(runtime, relation, err))) return false;
	bool away = place_is_away(place);
	return place_put(runtime, relation, (Place){.state = away ? place.state : PLACE_PAUSED, .company = away ? place_company(place) : 0}, "its definition or what it reads has changed", err);
}

bool runtime_remake(Runtime *runtime, Relation *const *relations, int count, Error *err)
{
	Relations list = {0};
	for (int r = 0; r < count; r++) vec_push(&list.at, relations[r]);
	bool ok = !count || (runtime_flush(runtime, err) && runtime_file_begin(runtime, err) && make_again(runtime, &list, err) && runtime_flush(runtime, err));
	vec_release(&list.at);
	return ok && holds_refresh(runtime, err);
}

/* What is away and reads it begins anew, too, when it is resumed. */
static bool take_for_rebuild(Runtime *runtime, Relation *relation, bool wanted, Relations *again, Error *err)
{
	Pipeline *pipeline;
	Lane *lane = runtime_lane_of(runtime, relation->id, &pipeline);
	if (lane || wanted) vec_push(&again->at, relation);
	clients_part(runtime, pipeline);
	if (lane) return pipeline_remove(runtime, lane, pipeline, err);
	Place place = place_get(runtime, relation);
	return away_forget(runtime, relation, err) && (wanted || place_put(runtime, relation, (Place){.state = place.state, .company = place_company(place)}, "what it reads was rebuilt", err));
}

/* Do all views that the sink reads rest where it rests, so that their tables still are what it has delivered? */
static bool rests_with_all(Runtime *runtime, const Relation *sink)
{
	Place place = place_get(runtime, sink);
	for (int d = 0; d < sink->depend_count; d++) {
		const Relation *below = catalog_find_id(runtime->catalog, sink->depends[d]);
		Place other = below && relation_is_maintained(below) ? place_get(runtime, below) : (Place){.lane = -1};
		bool is_target = below && below->kind == RELATION_SINK;
		if (!is_target && (!place_is_away(other) || other.lane != place.lane)) return false;
	}
	return place_is_away(place) && place.lane && !place.copy;
}

bool sink_keeps_delivered(Runtime *runtime, Relation *sink, Error *err)
{
	Pipeline *pipeline;
	if (sink->kind != RELATION_SINK) return true;
	if (runtime_lane_of(runtime, sink->id, &pipeline)) return pipeline->building || delivered_keep_all(runtime, &sink, 1, err);
	Place place = place_get(runtime, sink);
	if (place.beside || !place.lane) return true;
	if (rests_with_all(runtime, sink) && !delivered_keep(runtime, sink, NULL, err)) return false;
	delivered_tell_untold(runtime, sink);
	return true;
}

/* Before any of them leaves. */
static bool keep_all_delivered(Runtime *runtime, const Relations *family, Error *err)
{
	bool ok = true;
	for (int r = 0; ok && r < family->at.count; r++) ok = sink_keeps_delivered(runtime, family->at.at[r], err);
	return ok;
}

bool runtime_rebuild(Runtime *runtime, Relation *view, Error *err)
{
	if (!starts_are_there(runtime, view, err) || (runtime->transaction && !runtime_flush(runtime, err)) || !runtime_file_begin(runtime, err)) return false;
	Relations family = relations_family(runtime, view), again = {0};
	Place place = place_get(runtime, view);
	bool ok = keep_all_delivered(runtime, &family, err);
	bool *wanted = mem_zalloc(sizeof *wanted * (size_t)(family.at.count + 1));
	for (int r = 0; r < family.at.count; r++) {
		Place other = place_get(runtime, family.at.at[r]);
		wanted[r] = family.at.at[r] == view || (place_is_away(place) && place_is_away(other) && place_company(other) == place_company(place) && place_company(place));
	}
	for (int r = family.at.count - 1; ok && r >= 0; r--) ok = take_for_rebuild(runtime, family.at.at[r], wanted[r], &again, err);
	for (int i = 0, j = again.at.count - 1; i < j; i++, j--) {
		Relation *kept = again.at.at[i];
		again.at.at[i] = again.at.at[j];
		again.at.at[j] = kept;
	}
	ok = ok && make_again(runtime, &again, err) && runtime_flush(runtime, err) && holds_refresh(runtime, err);
	free(wanted);
	vec_release(&again.at);
	vec_release(&family.at);
	return ok;
}
