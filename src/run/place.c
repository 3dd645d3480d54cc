#include "run/place.h"

#include <stdio.h>

#include "run/starts.h"

static const char *const WORDS[] = {[PLACE_LIVE] = "live", [PLACE_BUILDING] = "building", [PLACE_PAUSED] = "paused", [PLACE_STOPPED] = "stopped"};

const char *place_word(PlaceState state) { return WORDS[state]; }

static void setting_name(const Relation *relation, char *name, size_t bytes) { snprintf(name, bytes, "lane.%lld", (long long)relation->id); }

Place place_get(Runtime *runtime, const Relation *relation)
{
	Arena arena;
	arena_init(&arena, 0);
	char name[64], word[16] = "";
	setting_name(relation, name, sizeof name);
	const char *text = store_setting_get(runtime->store, name, &arena);
	Place place = {.state = PLACE_LIVE, .lane = LANE_LIVE_ID};
	long long lane = 0, company = 0;
	int beside = 0, copy = 0;
	if (text && sscanf(text, "%15s %lld %d %d %lld", word, &lane, &beside, &copy, &company) > 0) {
		for (int s = 0; s < 4; s++)
			if (strcmp(word, WORDS[s]) == 0) place.state = (PlaceState)s;
		place.lane = lane;
		place.beside = beside;
		place.copy = copy;
		place.company = company;
		bool earlier = place.state == PLACE_BUILDING && !lane;        /* as files before this form have it */
		if (earlier) place = (Place){.state = PLACE_BUILDING, .lane = relation->id + 1, .beside = relation_is_maintained(relation)};
	}
	arena_release(&arena);
	return place;
}

static bool put_status(Runtime *runtime, const Relation *relation, Place place, const char *why, Error *err)
{
	StoreViewStatus status = {
		.id = relation->id, .name = relation->name, .state = WORDS[place.state], .lane = place.lane, .start = starts_text(runtime->catalog, relation), .why = why,
		.since_commit = (int64_t)runtime->commit, .progress = -1,
	};
	return store_view_status_put(runtime->store, &status, err);
}

static void unbroken_name(const Relation *relation, char *name, size_t bytes) { snprintf(name, bytes, "unbroken.%lld", (long long)relation->id); }

static bool end_unbroken(Runtime *runtime, const Relation *relation, Error *err)
{
	char name[64];
	unbroken_name(relation, name, sizeof name);
	return store_setting_put(runtime->store, name, NULL, err);
}

bool place_begin_unbroken(Runtime *runtime, const Relation *relation, Error *err)
{
	char name[64];
	unbroken_name(relation, name, sizeof name);
	return store_setting_put(runtime->store, name, "1", err);
}

bool place_is_unbroken(Runtime *runtime, const Relation *relation)
{
	char name[64];
	Arena arena;
	arena_init(&arena, 0);
	unbroken_name(relation, name, sizeof name);
	bool is = store_setting_get(runtime->store, name, &arena) != NULL;
	arena_release(&arena);
	return is;
}

bool place_put(Runtime *runtime, const Relation *relation, Place place, const char *why, Error *err)
{
	char name[64], text[96];
	setting_name(relation, name, sizeof name);
	snprintf(text, sizeof text, "%s %lld %d %d %lld", WORDS[place.state], (long long)place.lane, place.beside, place.copy, (long long)place.company);
	return store_setting_put(runtime->store, name, place.state == PLACE_LIVE ? NULL : text, err) && end_unbroken(runtime, relation, err)
		&& put_status(runtime, relation, place, why, err);
}

bool place_remove(Runtime *runtime, const Relation *relation, Error *err)
{
	char name[64];
	setting_name(relation, name, sizeof name);
	return store_setting_put(runtime->store, name, NULL, err) && end_unbroken(runtime, relation, err) && store_view_status_remove(runtime->store, relation->id, err);
}

/* ---- what the log keeps for lanes that are away ---- */

static void hold(Runtime *runtime, int64_t relation, int64_t after)
{
	for (int h = 0; h < runtime->holds.count; h++) {
		LogHold *known = &runtime->holds.at[h];
		if (known->relation != relation) continue;
		if (after < known->after) known->after = after;
		return;
	}
	LogHold one = {relation, after};
	vec_push(&runtime->holds, one);
}

static bool hold_for(Runtime *runtime, const Relation *relation, int64_t lane, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	CheckpointRecord record;
	bool found = store_checkpoint_last(runtime->store, lane, &arena, &record, err);
	for (int d = 0; found && d < relation->depend_count; d++) {
		const Relation *below = catalog_find_id(runtime->catalog, relation->depends[d]);
		if (below && (relation_is_maintained(below) || relation_is_local(below))) hold(runtime, below->id, record.generation);
	}
	arena_release(&arena);
	return err->code == ERR_NONE;
}

bool holds_refresh(Runtime *runtime, Error *err)
{
	runtime->holds.count = 0;
	for (int r = 0; r < runtime->catalog->relations.count; r++) {
		const Relation *relation = runtime->catalog->relations.at[r];
		if (!relation_has_pipeline(relation)) continue;
		Place place = place_get(runtime, relation);
		if (place_is_away(place) && place.lane && !hold_for(runtime, relation, place.lane, err)) return false;
	}
	return true;
}

bool holds_relation(const Runtime *runtime, int64_t relation)
{
	for (int h = 0; h < runtime->holds.count; h++)
		if (runtime->holds.at[h].relation == relation) return true;
	return false;
}

void holds_seal(const Runtime *runtime, SealedCommit *sealed)
{
	for (int h = 0; h < runtime->holds.count; h++) vec_push_in(&sealed->arena, &sealed->holds, runtime->holds.at[h]);
}
