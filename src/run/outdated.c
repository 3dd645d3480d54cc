/* Views whose saved state is of another plan: a newer version plans them otherwise than the rules of their time would, or saves an operator's state in
 * another form. State is never loaded into another graph. At the start such a view is set aside with all that reads it; when the rest has started they
 * are built beside, from their starts, and take their places. Readers see them as they were until then. All of it is one transaction of the file. */
#include <stdio.h>

#include "run/deliver.h"
#include "run/place.h"
#include "run/sharing.h"

static void tell(const Runtime *runtime, const Relation *relation, const char *what)
{
	char text[512];
	snprintf(text, sizeof text, "the state of %s \"%s\" was saved by another version of weir: %s", relation_kind_name(relation->kind), relation->name, what);
	if (runtime->config.notice) runtime->config.notice(runtime->config.context, text);
}

/* A sink that would deliver all again, since nobody can tell what it has: that is for a person to say. */
static bool set_aside(Runtime *runtime, Relation *relation, Error *err)
{
	Place place = place_get(runtime, relation);
	if (place_is_away(place)) return true;
	int32_t first = op_first(relation);
	bool told = true;
	if (relation->kind == RELATION_SINK && !place.beside && !delivered_keep(runtime, relation, &told, err)) return false;
	if (place.beside && !table_beside_drop(runtime, relation, err)) return false;
	if (!sharing_end_in_file(runtime, relation, err)) return false;
	if (!store_state_remove(runtime->store, place.lane, first, first + PIPELINE_OPS_MAX, err)) return false;
	tell(runtime, relation, told ? "it is built anew" : "it is stopped; RESUME delivers all rows again");
	if (told) vec_push(&runtime->anew, relation->id);
	return place_put(runtime, relation, (Place){PLACE_STOPPED, 0, false}, "its state was saved by another version of weir", err);
}

bool outdated_leave(Runtime *runtime, Error *err)
{
	Relations family = relations_family(runtime, runtime->outdated);
	runtime->outdated = NULL;
	bool ok = runtime_file_begin(runtime, err);
	for (int r = 0; ok && r < family.at.count; r++) ok = set_aside(runtime, family.at.at[r], err);
	vec_release(&family.at);
	return ok;
}

static bool is_listed(Relation *const *list, int count, int64_t id)
{
	for (int i = 0; i < count; i++)
		if (list[i]->id == id) return true;
	return false;
}

static bool awaits(const Runtime *runtime, const Relation *relation, Relation *const *placed, int count)
{
	for (int d = 0; d < relation->depend_count; d++) {
		if (relation->depends[d] == relation->id || is_listed(placed, count, relation->depends[d])) continue;
		for (int a = 0; a < runtime->anew.count; a++)
			if (runtime->anew.at[a] == relation->depends[d]) return true;
	}
	return false;
}

/* Each before what reads it. Through plain views all is named that is read, too. */
static int in_order(const Runtime *runtime, Relation **out)
{
	int count = 0;
	for (bool progress = true; progress; ) {
		progress = false;
		for (int a = 0; a < runtime->anew.count; a++) {
			Relation *relation = catalog_find_id(runtime->catalog, runtime->anew.at[a]);
			if (!relation || is_listed(out, count, relation->id) || awaits(runtime, relation, out, count)) continue;
			out[count++] = relation;
			progress = true;
		}
	}
	return count;
}

bool outdated_remake(Runtime *runtime, Error *err)
{
	bool held = runtime->transaction;
	Relation **relations = mem_alloc(sizeof *relations * (size_t)(runtime->anew.count + 1));
	int count = in_order(runtime, relations);
	runtime_hold(runtime, true);
	bool ok = runtime_remake(runtime, relations, count, err);
	runtime_hold(runtime, held);
	runtime->anew.count = 0;
	free(relations);
	return ok && (held || runtime_flush(runtime, err));
}
