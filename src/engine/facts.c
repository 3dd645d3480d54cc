/* What planning a view told about its result (key, watermarks, append-only), kept with it in the catalog as JSON; and lowering. */
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "engine/internal.h"
#include "expr/json_text.h"
#include "type/text.h"

static uint64_t layout_of(const Op *op)
{
	uint64_t hash = op->class->layout;
	for (int i = 0; i < op->inner_count; i++) hash = hash_combine(hash, layout_of(op->inner[i]));
	return hash;
}

/* What saved state and the table in the file depend on. Whether a column can be NULL shows in keys only. */
uint64_t facts_hash(const Lowered *lowered)
{
	uint64_t hash = hash_combine(STATE_LAYOUT, (uint64_t)lowered->ops.count);
	for (int o = 0; o < lowered->ops.count; o++) hash = hash_combine(hash, layout_of(lowered->ops.at[o]));
	hash = hash_combine(hash_combine(hash, lowered->graph_hash), (uint64_t)lowered->append_only * 2 + lowered->has_key);
	for (int c = 0; c < lowered->column_count; c++) {
		Type type = lowered->types[c];
		hash = hash_combine(hash, (uint64_t)type.kind << 32 | (uint64_t)(uint8_t)type.precision << 16 | (uint64_t)(uint8_t)type.scale);
	}
	for (int k = 0; k < lowered->key_count; k++) hash = hash_combine(hash, (uint64_t)lowered->key[k] * 2 + lowered->nullable[lowered->key[k]]);
	for (int w = 0; w < lowered->watermark_count; w++) {
		hash = hash_combine(hash, (uint64_t)lowered->watermarks[w].column * 2 + lowered->watermarks[w].inclusive);
		hash = hash_combine(hash, (uint64_t)lowered->watermarks[w].delta_us);
	}
	return hash ? hash : 1;
}

void facts_from_lowered(Relation *relation, const Lowered *lowered)
{
	relation->plan_hash = facts_hash(lowered);
	if (!relation->rules_version) relation->rules_version = PLAN_RULES_VERSION;
	relation->append_only = lowered->append_only;
	relation->view_key_count = lowered->has_key ? lowered->key_count : 0;
	relation->view_key = arena_copy(&relation->arena, lowered->key, sizeof *lowered->key * (size_t)lowered->key_count);
	relation->view_watermark_count = lowered->watermark_count;
	relation->view_watermarks = arena_zalloc(&relation->arena, sizeof *relation->view_watermarks * (size_t)(lowered->watermark_count + 1));
	for (int w = 0; w < lowered->watermark_count; w++) {
		relation->view_watermarks[w].column = lowered->watermarks[w].column;
		relation->view_watermarks[w].delta_us = lowered->watermarks[w].delta_us;
		relation->view_watermarks[w].inclusive = lowered->watermarks[w].inclusive;
	}
}

/* A definition that changed in options only: the plan is the same. */
void facts_copy(Relation *to, const Relation *from)
{
	to->plan_hash = from->plan_hash;
	to->rules_version = from->rules_version;
	to->append_only = from->append_only;
	to->view_key_count = from->view_key_count;
	to->view_key = arena_copy(&to->arena, from->view_key, sizeof *from->view_key * (size_t)from->view_key_count);
	to->view_watermark_count = from->view_watermark_count;
	to->view_watermarks = arena_copy(&to->arena, from->view_watermarks, sizeof *from->view_watermarks * (size_t)from->view_watermark_count);
}

char *facts_print(const Relation *relation, Arena *arena)
{
	StrBuf out = STRBUF_INIT;
	strbuf_printf(&out, "{\"append_only\":%s,\"key\":[", relation->append_only ? "true" : "false");
	for (int k = 0; k < relation->view_key_count; k++) strbuf_printf(&out, "%s%d", k ? "," : "", relation->view_key[k]);
	strbuf_adds(&out, "],\"watermarks\":[");
	for (int w = 0; w < relation->view_watermark_count; w++)
		strbuf_printf(&out, "%s{\"column\":%d,\"delta_us\":%lld,\"inclusive\":%s}", w ? "," : "", (int)relation->view_watermarks[w].column,
			(long long)relation->view_watermarks[w].delta_us, relation->view_watermarks[w].inclusive ? "true" : "false");
	strbuf_addc(&out, ']');
	if (relation->plan_hash) strbuf_printf(&out, ",\"plan\":%lld", (long long)relation->plan_hash);
	if (relation->rules_version) strbuf_printf(&out, ",\"rules\":%d", (int)relation->rules_version);
	strbuf_addc(&out, '}');
	char *text = arena_strdup(arena, out.text);
	strbuf_release(&out);
	return text;
}

static JsonPart find(JsonPart object, const char *name) { return json_find_key(object, name, strlen(name)); }

static bool read_integer(JsonPart part, int64_t *out) { return part.at && text_to_integer(part.at, json_part_bytes(part), out); }

/* The number of a column that the relation has. */
static bool read_column(const Relation *relation, JsonPart part, int *out)
{
	int64_t column;
	if (!read_integer(part, &column) || column < 0 || column >= relation->column_count) return false;
	*out = (int)column;
	return true;
}

static bool is_true(JsonPart part) { return part.at && *part.at == 't'; }

static bool read_key(Relation *relation, JsonPart key)
{
	int *columns = arena_array(&relation->arena, int, json_count(key) + 1), count = 0;
	for (JsonWalk walk = json_walk(key); json_walk_next(&walk); count++)
		if (!read_column(relation, walk.value, &columns[count])) return false;
	relation->view_key = columns;
	relation->view_key_count = count;
	return true;
}

static bool read_watermarks(Relation *relation, JsonPart watermarks)
{
	relation->view_watermarks = arena_zalloc(&relation->arena, sizeof *relation->view_watermarks * (size_t)(json_count(watermarks) + 1));
	for (JsonWalk walk = json_walk(watermarks); json_walk_next(&walk); relation->view_watermark_count++) {
		int column;
		int64_t delta_us = 0;
		if (!read_column(relation, find(walk.value, "column"), &column)) return false;
		read_integer(find(walk.value, "delta_us"), &delta_us);
		relation->view_watermarks[relation->view_watermark_count].column = column;
		relation->view_watermarks[relation->view_watermark_count].delta_us = delta_us;
		relation->view_watermarks[relation->view_watermark_count].inclusive = is_true(find(walk.value, "inclusive"));
	}
	return true;
}

bool facts_read(Relation *relation, const char *json)
{
	if (!json_text_is_valid(json, strlen(json))) return false;
	JsonPart facts = json_part(json, strlen(json)), key = find(facts, "key"), watermarks = find(facts, "watermarks");
	if (!key.at || *key.at != '[' || !watermarks.at || *watermarks.at != '[') return false;
	int64_t plan = 0, rules = 0;
	read_integer(find(facts, "plan"), &plan);
	read_integer(find(facts, "rules"), &rules);
	relation->append_only = is_true(find(facts, "append_only"));
	relation->plan_hash = (uint64_t)plan;
	relation->rules_version = (int)rules;
	return read_key(relation, key) && read_watermarks(relation, watermarks);
}

static Lowered *lower(PlanContext *context, Plan *plan, Error *err)
{
	Plan *optimized = plan_optimize(context, plan, err);
	return optimized ? plan_lower(context, optimized, err) : NULL;
}

bool engine_lower_on(Catalog *catalog, Relation *relation, Lowered **out, Error *err)
{
	if (relation_is_changelog(relation)) return (*out = plan_lower_changelog(relation)) != NULL;
	Arena arena;
	arena_init(&arena, 0);
	PlanContext context = {.arena = &arena, .result_is_final = relation->kind == RELATION_SINK, .rules_version = relation->rules_version, .rules_off = catalog->rules_off};
	BindSettings settings = {.stored = true};
	BoundQuery query = {0};
	Relation *again = bind_relation_text(relation->sql, relation->id, catalog, &settings, &context, &query, err);
	*out = again ? lower(&context, query.plan, err) : NULL;
	if (again) relation_unref(again);
	arena_release(&arena);
	return *out != NULL;
}

static bool lower_pending(Engine *engine, Relation *relation, Lowered **out, Error *err)
{
	Catalog *pending = catalog_copy(engine->catalog, true);
	bool ok = engine_lower_on(pending, relation, out, err);
	catalog_free(pending);
	return ok;
}

bool engine_lower_view(void *engine_pointer, Relation *relation, Lowered **out, Error *err)
{
	Engine *engine = engine_pointer;
	bool ok = relation->replaces ? lower_pending(engine, relation, out, err) : engine_lower_on(engine->catalog, relation, out, err);
	if (ok) (*out)->is_other = facts_hash(*out) != relation->plan_hash;
	return ok;
}

bool engine_replanned(void *engine_pointer, Relation *relation, const Lowered *lowered, Error *err)
{
	Engine *engine = engine_pointer;
	Arena arena;
	arena_init(&arena, 0);
	facts_from_lowered(relation, lowered);
	StoreCatalogRow row = {
		.id = relation->id, .kind = relation_kind_name(relation->kind), .name = relation->name, .sql = relation->sql, .state = "live", .extra = facts_print(relation, &arena),
	};
	bool ok = store_catalog_put(engine->store, &row, err);
	arena_release(&arena);
	return ok;
}

Lowered *engine_lower(Session *session, PlanContext *context, Plan *plan, Error *err)
{
	Lowered *lowered = lower(context, plan, err);
	const char *unbounded = session_setting(session, "unbounded_state");
	bool allow = unbounded && strcasecmp(unbounded, "allow") == 0, refuse = unbounded && strcasecmp(unbounded, "refuse") == 0;
	for (int w = 0; lowered && w < context->warnings.count; w++) {
		bool grows = strstr(context->warnings.at[w], "grows without bound") != NULL;
		if (grows && refuse) {
			error_set(err, ERR_RESOURCE_LIMIT, SPAN_NONE, "%s", context->warnings.at[w]);
			error_hint(err, "SET unbounded_state = 'warn' lets it pass.");
			lowered_free(lowered, true);
			return NULL;
		}
		if (!grows || !allow) session_notice(session, "%s", context->warnings.at[w]);
	}
	return lowered;
}
