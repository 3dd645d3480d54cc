/* Is what a view began with still there to be read? Asked before a view is built from its start again: silently it would become another. */
#include "run/starts.h"

#include "run/reader.h"

enum { ASK_TIMEOUT_MS = 5000 };

static bool compare(Runtime *runtime, const Relation *view, const Relation *source, const SourcePartitions *known, Error *err)
{
	for (int p = 0; p < known->count; p++) {
		int64_t begun = store_view_start(runtime->store, view->id, source->id, known->at[p].partition), least = known->at[p].earliest;
		if (begun < 0 || least <= begun) continue;
		error_set(err, ERR_POSITION_LOST, SPAN_NONE, "%s \"%s\" cannot be built from its start: it began at position %lld of \"%s\" [%d], which now begins at %lld",
			relation_kind_name(view->kind), view->name, (long long)begun, source->name, known->at[p].partition, (long long)least);
		return error_hint(err, "ALTER MATERIALIZED VIEW %s REBUILD WITH (start = 'earliest') builds it from what there is.", view->name);
	}
	return true;
}

static bool check_source(Runtime *runtime, const Relation *view, Relation *source, Error *err)
{
	Reader *reader = reader_new(source, runtime->pool, err);
	SourcePartitions known = {0};
	bool ok = reader && reader_prepare(reader, err) && source_partitions(reader->source, &known, ASK_TIMEOUT_MS, err) && compare(runtime, view, source, &known, err);
	vec_release(&known);
	reader_free(reader);
	return ok;
}

bool starts_are_there(Runtime *runtime, Relation *view, Error *err)
{
	if (relation_is_changelog(view)) return strcmp(view->connector, "kafka") != 0 || check_source(runtime, view, view, err);
	for (int d = 0; d < view->depend_count; d++) {
		Relation *source = catalog_find_id(runtime->catalog, view->depends[d]);
		bool asked = source && source->connector && source->kind == RELATION_STREAM && strcmp(source->connector, "kafka") == 0;
		if (asked && !check_source(runtime, view, source, err)) return false;
	}
	return true;
}
