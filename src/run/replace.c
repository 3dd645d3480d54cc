/* OR REPLACE of views: the new one, and what reads it, are made beside the old ones, which go on until the new ones have caught up; then they take their
 * places and names in one commit. In the file the setting `replaces.N` says of the new relation N which one it is to replace. */
#include <stdio.h>

#include "run/deliver.h"
#include "run/place.h"
#include "run/replace.h"

static void setting_name(const Relation *relation, char *name, size_t bytes) { snprintf(name, bytes, "replaces.%lld", (long long)relation->id); }

bool replaces_put(Runtime *runtime, const Relation *relation, int64_t replaced, Error *err)
{
	char name[64], text[32];
	setting_name(relation, name, sizeof name);
	snprintf(text, sizeof text, "%lld", (long long)replaced);
	return store_setting_put(runtime->store, name, replaced ? text : NULL, err);
}

int64_t replaces_get(Store *store, int64_t relation)
{
	char name[64];
	Relation named = {.id = relation};
	setting_name(&named, name, sizeof name);
	Arena arena;
	arena_init(&arena, 0);
	const char *text = store_setting_get(store, name, &arena);
	int64_t replaced = text ? strtoll(text, NULL, 10) : 0;
	arena_release(&arena);
	return replaced;
}

/* With all that the file has of it but its table, which the new one's replaces, and its row in the catalog. */
static bool leave_for_good(Runtime *runtime, Relation *relation, Error *err)
{
	Pipeline *pipeline;
	Lane *lane = runtime_lane_of(runtime, relation->id, &pipeline);
	if (lane && pipeline->building && !table_beside_drop(runtime, relation, err)) return false;
	clients_part(runtime, pipeline);
	if (!(lane ? pipeline_remove(runtime, lane, pipeline, err) : away_forget(runtime, relation, err))) return false;
	return place_remove(runtime, relation, err) && store_view_starts_remove(runtime->store, relation->id, err)
		&& store_sink_remove(runtime->store, relation->id, err) && store_catalog_remove(runtime->store, relation->id, err);
}

/* Plain views name what they read; their numbers follow. */
static void renumber(Catalog *catalog, int64_t from, int64_t to)
{
	for (int r = 0; r < catalog->relations.count; r++)
		for (int d = 0; d < catalog->relations.at[r]->depend_count; d++)
			if (catalog->relations.at[r]->depends[d] == from) catalog->relations.at[r]->depends[d] = to;
}

/* What the old one told others goes on: how far its target is written, what it has delivered, the changes that subscribers may ask for. */
static bool hand_over(Runtime *runtime, const Relation *old, const Relation *made, Error *err)
{
	if (old->kind == RELATION_SINK) return store_sink_move(runtime->store, old->id, made->id, err) && delivered_move(runtime, old, made, err);
	return relation_same_columns(old, made) ? store_changes_move(runtime->store, old->id, made->id, err) : store_changes_drop(runtime->store, old->id, err);
}

/* A sink that runs has delivered until now; of one that does not it is noted when it left. What could be told when the statement was given may not be any more:
 * the sink does not fail the others, but stays behind. */
static bool keep_delivered(Runtime *runtime, Relation *old, bool of_statement, bool *told, Error *err)
{
	Pipeline *pipeline;
	*told = true;
	if (old->kind != RELATION_SINK) return true;
	bool runs = runtime_lane_of(runtime, old->id, &pipeline) != NULL;
	if (runs && pipeline->building) return true;
	if (runs) return of_statement ? delivered_keep_all(runtime, &old, 1, err) : delivered_keep(runtime, old, told, err);
	return delivered_is_kept(runtime, old, told, err);
}

static Relation *old_of(const Runtime *runtime, const Relation *made) { return made->replaces ? catalog_find_id(runtime->catalog, made->replaces) : NULL; }

static bool reads_any(const Relation *relation, const Relations *list)
{
	for (int d = 0; d < relation->depend_count; d++)
		for (int r = 0; r < list->at.count; r++)
			if (relation->depends[d] == list->at.at[r]->id) return true;
	return false;
}

/* Those of the lane, and behind them those that were to take places together with them, but have left it since. Each before what reads it. */
static Relations list_successors(const Runtime *runtime, const Lane *lane)
{
	Relations list = {0};
	for (int p = 0; p < lane->pipelines.count; p++) vec_push(&list.at, lane->pipelines.at[p]->relation);
	for (int count = -1; count != list.at.count; ) {
		count = list.at.count;
		for (int r = 0; r < runtime->catalog->relations.count; r++) {
			Relation *relation = runtime->catalog->relations.at[r];
			if (relation->replaces && !relations_have(&list, relation) && reads_any(relation, &list)) vec_push(&list.at, relation);
		}
	}
	return list;
}

/* It has missed what its lane has done since: it begins anew when it is resumed, together with what it left with. */
static bool begin_anew(Runtime *runtime, const Relation *relation, Place old, Error *err)
{
	Place place = place_get(runtime, relation);
	if (!place_is_away(place)) return true;
	if (!away_forget(runtime, relation, err) || !table_beside_drop(runtime, relation, err)) return false;
	return place_put(runtime, relation, (Place){.state = place.state, .company = place_company(place_is_away(old) ? old : place)}, "what it reads was replaced", err);
}

static bool replaced_leave(Runtime *runtime, const Relations *list, int in_lane, Error *err)
{
	for (int r = list->at.count - 1; r >= 0; r--) {
		Relation *old = old_of(runtime, list->at.at[r]);
		if (old && !hand_over(runtime, old, list->at.at[r], err)) return false;
	}
	for (int r = list->at.count - 1; r >= 0; r--) {
		Relation *old = old_of(runtime, list->at.at[r]);
		if (old && ((r >= in_lane && !begin_anew(runtime, list->at.at[r], place_get(runtime, old), err)) || !leave_for_good(runtime, old, err))) return false;
	}
	for (int r = 0; r < list->at.count; r++) {
		Relation *made = list->at.at[r];
		int64_t old = made->replaces;
		if (!old) continue;
		made->replaces = 0;
		if (!replaces_put(runtime, made, 0, err)) return false;
		catalog_remove(runtime->catalog, old);
		renumber(runtime->catalog, old, made->id);
	}
	return true;
}

/* What sinks have delivered is told by the views that leave. */
bool lane_replaces(Runtime *runtime, const Lane *lane, bool of_statement, Error *err)
{
	Relations list = list_successors(runtime, lane);
	bool ok = true;
	for (int r = 0; ok && r < list.at.count; r++) {
		Relation *old = old_of(runtime, list.at.at[r]);
		bool told = true;
		ok = !old || keep_delivered(runtime, old, of_statement, &told, err);
		if (r < lane->pipelines.count) lane->pipelines.at[r]->untold = !told;
		else if (ok && !told) delivered_tell_untold(runtime, old);
	}
	ok = ok && replaced_leave(runtime, &list, lane->pipelines.count, err);
	vec_release(&list.at);
	return ok;
}

bool runtime_replace(Runtime *runtime, Relation *const *relations, Lowered **lowered, int count, Error *err)
{
	bool ok = runtime_file_begin(runtime, err);
	for (int r = 0; ok && r < count; r++) ok = replaces_put(runtime, relations[r], relations[r]->replaces, err);
	if (ok) return pipelines_make(runtime, relations, lowered, count, true, err) && runtime_flush(runtime, err) && holds_refresh(runtime, err);
	for (int r = 0; r < count; r++) lowered_free(lowered[r], true);
	return false;
}
