/* The setting is JSON, {"op":true,"columns":{"total":"INTEGER"}}: columns in their order, of which several may have one name. */
#include "run/written.h"

#include <string.h>

#include "format/json_scan.h"

Relation *sink_target(const Catalog *catalog, const Relation *sink)
{
	for (int d = 0; d < sink->depend_count; d++) {
		Relation *target = catalog_find_id(catalog, sink->depends[d]);
		if (target && target->kind == RELATION_SINK && target->id != sink->id && target->connector) return target;
	}
	return (Relation *)(uintptr_t)sink;
}

bool written_by(const Catalog *catalog, const Relation *sink, const Lowered *lowered, Arena *arena, EncoderConfig *out, Error *err)
{
	const Relation *target = sink_target(catalog, sink);
	OptionSet stored = {target->options, target->option_count}, options;
	EncodeColumn *columns = arena_array(arena, EncodeColumn, lowered->column_count + 1);
	for (int c = 0; c < lowered->column_count; c++) {
		const char *name = c < target->column_count ? target->columns[c].name : lowered->names[c];
		columns[c] = (EncodeColumn){.name = arena_strdup(arena, name), .type = lowered->types[c]};
	}
	if (!options_resolve(arena, &stored, &options, err)) return false;
	*out = (EncoderConfig){.columns = columns, .column_count = lowered->column_count, .with_op = !lowered->append_only};
	encoder_options(out, &options);
	return true;
}

const char *written_column(Arena *arena, int column) { return arena_printf(arena, "c%d", column + 1); }

/* ---- in the file ---- */

static char *setting(Arena *arena, int64_t sink) { return arena_printf(arena, "written.%lld", (long long)sink); }

static void print(const EncoderConfig *written, StrBuf *out)
{
	strbuf_printf(out, "{\"op\":%s,\"columns\":{", written->with_op ? "true" : "false");
	for (int c = 0; c < written->column_count; c++) {
		if (c) strbuf_addc(out, ',');
		json_add_string(out, written->columns[c].name, strlen(written->columns[c].name));
		strbuf_adds(out, ":\"");
		type_print(written->columns[c].type, out);
		strbuf_addc(out, '"');
	}
	strbuf_adds(out, "}}");
}

typedef struct Parsing { Arena *arena; VEC(EncodeColumn) columns; bool with_op; } Parsing;

static bool parse_column(void *context, const char *name, size_t name_bytes, JsonSpan value)
{
	Parsing *parsing = context;
	size_t bytes = 0;
	const char *type = value.bytes && *value.at == '"' ? json_string_text(parsing->arena, value, &bytes) : NULL;
	EncodeColumn column = {.name = arena_strndup(parsing->arena, name, name_bytes)};
	if (!type || !type_read(type, bytes, parsing->arena, &column.type)) return false;
	vec_push_in(parsing->arena, &parsing->columns, column);
	return true;
}

static bool parse_part(void *context, const char *name, size_t name_bytes, JsonSpan value)
{
	Parsing *parsing = context;
	if (name_bytes == 2 && memcmp(name, "op", 2) == 0) parsing->with_op = value.bytes == 4;
	else return json_each_field(value.at, value.bytes, parse_column, context);
	return true;
}

bool written_put(Store *store, int64_t sink, const EncoderConfig *written, Error *err)
{
	Arena arena;
	StrBuf text = STRBUF_INIT;
	arena_init(&arena, 0);
	if (written) print(written, &text);
	bool ok = store_setting_put(store, setting(&arena, sink), written ? text.text : NULL, err);
	strbuf_release(&text);
	arena_release(&arena);
	return ok;
}

bool written_get(Store *store, int64_t sink, Arena *arena, EncoderConfig *out)
{
	const char *text = store_setting_get(store, setting(arena, sink), arena);
	Parsing parsing = {.arena = arena};
	if (!text || !json_each_field(text, strlen(text), parse_part, &parsing)) return false;
	out->columns = parsing.columns.at;
	out->column_count = parsing.columns.count;
	out->with_op = parsing.with_op;
	return true;
}

bool written_move(Store *store, int64_t sink, int64_t to, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	const char *text = store_setting_get(store, setting(&arena, sink), &arena);
	bool ok = !text || (store_setting_put(store, setting(&arena, to), text, err) && store_setting_put(store, setting(&arena, sink), NULL, err));
	arena_release(&arena);
	return ok;
}
