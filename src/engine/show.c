/* SHOW and DESCRIBE: the catalog as tables. */
#include <stdio.h>
#include <strings.h>

#include "connect/inspect.h"
#include "engine/internal.h"
#include "run/place.h"
#include "expr/function.h"

#define TEXT_COLUMN(name_) {.name = name_, .type = {.kind = TYPE_TEXT}}
#define INTEGER_COLUMN(name_) {.name = name_, .type = {.kind = TYPE_INTEGER}}

/* SQL's LIKE with % and _, ignoring case; NULL: everything */
static bool like(const char *pattern, const char *text)
{
	if (!pattern) return true;
	for (; *pattern; pattern++, text++) {
		if (*pattern == '%') {
			for (const char *rest = text; ; rest++) {
				if (like(pattern + 1, rest)) return true;
				if (!*rest) return false;
			}
		}
		if (!*text || (*pattern != '_' && strncasecmp(pattern, text, 1) != 0)) return false;
	}
	return !*text;
}

/* ---- lists of relations ---- */

typedef struct ShowKind { const char *what; unsigned kinds; } ShowKind;

static const ShowKind SHOW_KINDS[] = {
	{"tables", 1 << RELATION_TABLE | 1 << RELATION_STREAM | 1 << RELATION_VIEW | 1 << RELATION_MATERIALIZED | 1 << RELATION_SINK},
	{"relations", 1 << RELATION_TABLE | 1 << RELATION_STREAM | 1 << RELATION_VIEW | 1 << RELATION_MATERIALIZED | 1 << RELATION_SINK},
	{"streams", 1 << RELATION_STREAM}, {"sources", 1 << RELATION_STREAM}, {"views", 1 << RELATION_VIEW | 1 << RELATION_MATERIALIZED},
	{"materialized views", 1 << RELATION_MATERIALIZED}, {"sinks", 1 << RELATION_SINK}, {"jobs", 1 << RELATION_MATERIALIZED | 1 << RELATION_SINK},
	{"queries", 1 << RELATION_MATERIALIZED | 1 << RELATION_SINK},
};

static const char *lane_state(Runtime *runtime, const Relation *relation)
{
	static const char *const STATES[] = {"live", "building"};
	for (int l = 0; l < runtime->lanes.count; l++)
		if (lane_pipeline(runtime->lanes.at[l], relation->id)) return STATES[runtime->lanes.at[l]->state];
	bool runs = relation_has_pipeline(relation);
	Error ignored = ERROR_INIT;
	if (!runs || !writer_wait(runtime, &ignored)) return NULL;
	Place place = place_get(runtime, relation);
	return place.copy ? "paused (copy)" : place_word(place.state);
}

static bool show_relations(Session *session, const ShowKind *kind, const AstShow *ast, Error *err)
{
	static const ResultColumn COLUMNS[] = {TEXT_COLUMN("name"), TEXT_COLUMN("kind"), TEXT_COLUMN("connector"), TEXT_COLUMN("state")};
	const Engine *engine = session->engine;
	Table table;
	table_begin(&table, session, RESULT_TABLE, COLUMNS, 4);
	for (int r = 0; r < engine->catalog->relations.count; r++) {
		const Relation *relation = engine->catalog->relations.at[r];
		if (!(kind->kinds & 1u << relation->kind) || !like(ast->like, relation->name)) continue;
		const char *cells[] = {relation->name, relation_kind_name(relation->kind), relation->connector, lane_state(engine->runtime, relation)};
		table_row(&table, cells);
	}
	return table_end(&table, err);
}

static bool show_functions(Session *session, const AstShow *ast, Error *err)
{
	static const ResultColumn COLUMNS[] = {TEXT_COLUMN("name"), TEXT_COLUMN("arguments"), TEXT_COLUMN("kind"), TEXT_COLUMN("description")};
	Table table;
	table_begin(&table, session, RESULT_TABLE, COLUMNS, 4);
	for (int f = 0; f < FUNCTION_COUNT; f++) {
		if (!like(ast->like, FUNCTIONS[f].name)) continue;
		const char *cells[] = {FUNCTIONS[f].name, FUNCTIONS[f].signature, FUNCTIONS[f].category, FUNCTIONS[f].description};
		table_row(&table, cells);
	}
	for (int d = 0; d < DEFINED_FUNCTION_COUNT; d++) {
		if (!like(ast->like, DEFINED_FUNCTIONS[d].name)) continue;
		const char *cells[] = {DEFINED_FUNCTIONS[d].name, DEFINED_FUNCTIONS[d].signature, DEFINED_FUNCTIONS[d].category, DEFINED_FUNCTIONS[d].description};
		table_row(&table, cells);
	}
	for (int a = 0; a < AGGREGATE_COUNT; a++) {
		if (!like(ast->like, AGGREGATES[a].name)) continue;
		const char *cells[] = {AGGREGATES[a].name, AGGREGATES[a].signature, "aggregate", AGGREGATES[a].description};
		table_row(&table, cells);
	}
	return table_end(&table, err);
}

/* ---- topics ---- */

static bool show_topics(Session *session, const AstShow *ast, Error *err)
{
	static const ResultColumn COLUMNS[] = {TEXT_COLUMN("topic"), INTEGER_COLUMN("partitions"), INTEGER_COLUMN("replicas")};
	const char *brokers = session_setting(session, "brokers");
	if (!brokers) return error_set(err, ERR_UNDEFINED_OBJECT, ast->what_span, "no brokers to ask") || error_hint(err, "SET brokers = 'host:9092' first.");
	OptionText given = {.name = "brokers", .value = brokers};
	OptionSet options, resolved;
	TopicList topics = {0};
	if (!options_load(&session->arena, &given, 1, &options, err) || !options_resolve(&session->arena, &options, &resolved, err)
		|| !kafka_topics(&session->arena, &resolved, &topics, 10000, err)) return false;
	Table table;
	table_begin(&table, session, RESULT_TABLE, COLUMNS, 3);
	for (int t = 0; t < topics.count; t++) {
		char partitions[16], replicas[16];
		snprintf(partitions, sizeof partitions, "%d", topics.at[t].partitions);
		snprintf(replicas, sizeof replicas, "%d", topics.at[t].replicas);
		const char *cells[] = {topics.at[t].name, partitions, replicas};
		if (like(ast->like, topics.at[t].name)) table_row(&table, cells);
	}
	return table_end(&table, err);
}

/* ---- one relation ---- */

static const char *column_extra(const Relation *relation, int column, Arena *arena)
{
	const RelationColumn *declared = &relation->columns[column];
	for (int k = 0; k < relation->primary_key_count; k++)
		if (relation->primary_key[k] == column) return "primary key";
	if (column == relation->watermark_column && relation->kind != RELATION_MATERIALIZED)
		return arena_printf(arena, "event time, watermark %g s behind", (double)relation->watermark_delay_us / 1e6);
	if (declared->kind == COLUMN_COMPUTED) return "computed";
	if (declared->kind == COLUMN_METADATA) return arena_printf(arena, "metadata %s", declared->metadata_key);
	return declared->not_null ? "not null" : NULL;
}

static bool describe_columns(Session *session, const Relation *relation, Error *err)
{
	static const ResultColumn COLUMNS[] = {TEXT_COLUMN("column"), TEXT_COLUMN("type"), TEXT_COLUMN("extra")};
	Table table;
	table_begin(&table, session, RESULT_TABLE, COLUMNS, 3);
	for (int c = 0; c < relation->column_count; c++) {
		StrBuf type = STRBUF_INIT;
		type_print(relation->columns[c].type, &type);
		const char *cells[] = {relation->columns[c].name, type.text, column_extra(relation, c, &session->arena)};
		table_row(&table, cells);
		strbuf_release(&type);
	}
	return table_end(&table, err);
}

static bool show_create(Session *session, BoundStatement *bound, Error *err)
{
	const Relation *relation = bound->relations.at[0];
	static const ResultColumn COLUMNS[] = {TEXT_COLUMN("name"), TEXT_COLUMN("sql")};
	Table table;
	table_begin(&table, session, session->mode == SESSION_TERMINAL ? RESULT_TEXT : RESULT_TABLE, COLUMNS + (session->mode == SESSION_TERMINAL), session->mode == SESSION_TERMINAL ? 1 : 2);
	const char *cells[] = {relation->name, relation->sql};
	table_row(&table, cells + (session->mode == SESSION_TERMINAL));
	return table_end(&table, err);
}

/* What weir_ tables answer is asked of them. */
static bool show_by_query(Session *session, const char *sql, Error *err)
{
	AstStatement *ast = parse_statement(sql, 0, strlen(sql), &session->arena, err);
	if (!ast) return false;
	BindSettings settings = session_bind_settings(session);
	BoundStatement bound = {0};
	bool ok = bind_statement(ast, session->engine->catalog, &settings, session->context, &bound, err) && run_query(session, &bound, err);
	bound_release(&bound);
	return ok;
}

bool run_show(Session *session, BoundStatement *bound, Error *err)
{
	const AstShow *ast = bound->ast->show;
	const char *what = ast->what;
	for (size_t k = 0; k < sizeof SHOW_KINDS / sizeof *SHOW_KINDS; k++)
		if (strcmp(what, SHOW_KINDS[k].what) == 0) return show_relations(session, &SHOW_KINDS[k], ast, err);
	if (strcmp(what, "functions") == 0) return show_functions(session, ast, err);
	if (strcmp(what, "topics") == 0) return show_topics(session, ast, err);
	if (strcmp(what, "create") == 0 && bound->relations.count) return show_create(session, bound, err);
	if (strcmp(what, "columns") == 0 && bound->relations.count) return describe_columns(session, bound->relations.at[0], err);
	if (strcmp(what, "lags") == 0 || strcmp(what, "positions") == 0) return show_by_query(session, "SELECT * FROM weir_positions", err);
	if (strcmp(what, "watermarks") == 0) return show_by_query(session, "SELECT * FROM weir_watermarks", err);
	if (strcmp(what, "all") == 0 || strcmp(what, "settings") == 0 || strcmp(what, "parameters") == 0 || strcmp(what, "properties") == 0 || strcmp(what, "variables") == 0)
		return settings_show(session, NULL, err);
	if (settings_show(session, what, err) || err->code != ERR_NONE) return err->code == ERR_NONE;
	return error_set(err, ERR_UNDEFINED_OBJECT, ast->what_span, "SHOW %s is not known", what)
		|| error_hint(err, "TABLES, STREAMS, VIEWS, SINKS, TOPICS, FUNCTIONS, COLUMNS FROM r, CREATE r, WATERMARKS, POSITIONS, SETTINGS or the name of a setting.");
}

bool run_describe(Session *session, BoundStatement *bound, Error *err)
{
	if (bound->relations.count) return describe_columns(session, bound->relations.at[0], err);
	return error_set(err, ERR_UNSUPPORTED, bound->ast->span, "DESCRIBE of this is not supported");
}
