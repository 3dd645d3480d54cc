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

/* A sink that runs has delivered until now; of one that does not it is noted when it left. */
static bool keep_delivered(Runtime *runtime, Relation *old, Error *err)
{
	Pipeline *pipeline;
	if (old->kind != RELATION_SINK || !runtime_lane_of(runtime, old->id, &pipeline) || pipeline->building) return true;
	return delivered_keep_all(runtime, &old, 1, err);
}

bool replaced_leave(Runtime *runtime, Relation *const *relations, int count, Error *err)
{
	for (int pass = 0; pass < 3; pass++)                  /* what sinks have delivered is told by the views that leave */
		for (int r = count - 1; r >= 0; r--) {
			Relation *old = relations[r]->replaces ? catalog_find_id(runtime->catalog, relations[r]->replaces) : NULL;
			if (!old) continue;
			bool ok = pass == 0 ? keep_delivered(runtime, old, err) : pass == 1 ? hand_over(runtime, old, relations[r], err) : leave_for_good(runtime, old, err);
			if (!ok) return false;
		}
	for (int r = 0; r < count; r++) {
		if (!relations[r]->replaces) continue;
		int64_t old = relations[r]->replaces;
		relations[r]->replaces = 0;
		if (!replaces_put(runtime, relations[r], 0, err)) return false;
		catalog_remove(runtime->catalog, old);
		renumber(runtime->catalog, old, relations[r]->id);
	}
	return true;
}

bool lane_replaces(Runtime *runtime, const Lane *lane, Error *err)
{
	Relation **relations = mem_alloc(sizeof *relations * (size_t)(lane->pipelines.count + 1));
	for (int p = 0; p < lane->pipelines.count; p++) relations[p] = lane->pipelines.at[p]->relation;
	bool ok = replaced_leave(runtime, relations, lane->pipelines.count, err);
	free(relations);
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
