/* SET and RESET: of the session (brokers ...) and of the file (intervals, limits). One table of them. */
#include <stdio.h>
#include <strings.h>

#include "engine/internal.h"
#include "type/text.h"

typedef struct Setting { const char *name, *fallback, *doc; bool kept; enum { SETTING_TEXT, SETTING_DURATION, SETTING_WORD } kind; size_t offset; } Setting;

#define RUNTIME_SETTING(field) offsetof(RuntimeConfig, field)

static const Setting SETTINGS[] = {
	{"brokers", NULL, "Kafka brokers of streams that name none", false, SETTING_TEXT, 0},
	{"auto.offset.reset", NULL, "where Kafka streams begin that do not say: earliest or latest", false, SETTING_TEXT, 0},
	{"unbounded_state", "warn", "views whose state can grow without end: refuse, warn or allow", false, SETTING_TEXT, 0},
	{"commit_interval", "PT0.2S", "least time between two commits", true, SETTING_DURATION, RUNTIME_SETTING(commit_interval_us)},
	{"checkpoint_interval", "PT10S", "most time between two checkpoints of operator state", true, SETTING_DURATION, RUNTIME_SETTING(checkpoint_interval_us)},
};
enum { SETTING_COUNT = sizeof SETTINGS / sizeof *SETTINGS };

static const Setting *setting_find(const char *name)
{
	for (int s = 0; s < SETTING_COUNT; s++)
		if (strcasecmp(SETTINGS[s].name, name) == 0) return &SETTINGS[s];
	return NULL;
}

static void put(Session *session, const char *name, const char *value)
{
	int kept = 0;
	for (int i = 0; i < session->settings.count; i++) {
		Variable *variable = &session->settings.at[i];
		if (strcasecmp(variable->name, name) == 0) {
			free(variable->name);
			free(variable->value);
		}
		else session->settings.at[kept++] = *variable;
	}
	session->settings.count = kept;
	if (!value) return;
	Variable variable = {.name = mem_strdup(name), .value = mem_strdup(value)};
	vec_push(&session->settings, variable);
}

/* '5 seconds', PT5S, or milliseconds as a bare number */
static bool apply_duration(Engine *engine, const Setting *setting, const char *value, Error *err)
{
	Interval interval;
	int64_t us, ms;
	if (text_to_integer(value, strlen(value), &ms)) us = ms * 1000;
	else if (!text_to_interval(value, strlen(value), &interval) || !interval_to_us(interval, &us))
		return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "setting \"%s\" cannot be \"%s\"", setting->name, value) || error_hint(err, "Write it as '200 milliseconds'.");
	if (us < 0 || us > INT64_C(86400000000)) return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "setting \"%s\" cannot be \"%s\": 0 to 1 day", setting->name, value);
	*(int64_t *)((char *)&engine->runtime->config + setting->offset) = us;
	return true;
}

static bool apply_stored(void *context, const char *name, const char *value, Error *err)
{
	const Setting *setting = setting_find(name);
	if (setting && setting->kept && setting->kind == SETTING_DURATION) return apply_duration(context, setting, value, err);
	return true;
}

bool settings_apply(Engine *engine, Error *err) { return store_settings_list(engine->store, apply_stored, engine, err); }

static const char *current(const Session *session, const Setting *setting, char *text, size_t bytes)
{
	if (setting->kind == SETTING_DURATION) {
		int64_t us = *(const int64_t *)((const char *)&session->engine->runtime->config + setting->offset);
		snprintf(text, bytes, "%lld ms", (long long)(us / 1000));
		return text;
	}
	const char *value = session_setting(session, setting->name);
	return value ? value : setting->fallback;
}

static bool show_all(Session *session, const char *only, Error *err)
{
	static const ResultColumn COLUMNS[] = {{"name", {.kind = TYPE_TEXT}}, {"value", {.kind = TYPE_TEXT}}, {"description", {.kind = TYPE_TEXT}}};
	Table table;
	table_begin(&table, session, RESULT_TABLE, COLUMNS, 3);
	for (int s = 0; s < SETTING_COUNT; s++) {
		char text[64];
		if (only && strcasecmp(only, SETTINGS[s].name) != 0) continue;
		const char *cells[] = {SETTINGS[s].name, current(session, &SETTINGS[s], text, sizeof text), SETTINGS[s].doc};
		table_row(&table, cells);
	}
	return table_end(&table, err);
}

bool settings_show(Session *session, const char *name, Error *err)
{
	if (name && !setting_find(name)) return false;
	return show_all(session, name, err);
}

static bool set_one(Session *session, const Setting *setting, const char *value, Error *err)
{
	Engine *engine = session->engine;
	if (setting->kind == SETTING_DURATION && !apply_duration(engine, setting, value ? value : setting->fallback, err)) return false;
	if (!setting->kept) {
		put(session, setting->name, value);
		return true;
	}
	return runtime_file_begin(engine->runtime, err) && store_setting_put(engine->store, setting->name, value, err)
		&& (session->transaction || runtime_flush(engine->runtime, err));
}

/* Names of other systems (Flink's table.exec..., ksqlDB's ksql...) are passed over: their scripts set them. */
static bool pass_over(Session *session, const char *name, Error *err)
{
	if (strchr(name, '.') || strcmp(name, "parallelism") == 0) {
		session_notice(session, "setting \"%s\" has no meaning here and is passed over", name);
		return true;
	}
	error_set(err, ERR_UNDEFINED_OBJECT, SPAN_NONE, "unknown setting \"%s\"", name);
	return error_hint(err, "SET alone lists them all.");
}

bool run_set(Session *session, BoundStatement *bound, Error *err)
{
	const Option *set = &bound->set;
	if (!set->name && bound->kind == BOUND_SET) return show_all(session, NULL, err);
	for (int s = 0; !set->name && s < SETTING_COUNT; s++)
		if (!set_one(session, &SETTINGS[s], NULL, err)) return false;
	if (set->name) {
		const char *name = strncmp(set->name, "ksql.streams.", 13) == 0 ? set->name + 13 : set->name;
		const Setting *setting = setting_find(name);
		if (!(setting ? set_one(session, setting, set->value, err) : pass_over(session, set->name, err))) return false;
	}
	session_done(session, bound->kind == BOUND_SET ? "SET" : "RESET");
	return true;
}

void settings_document(StrBuf *out)
{
	strbuf_adds(out, "| setting | default | of | meaning |\n|---|---|---|---|\n");
	for (int s = 0; s < SETTING_COUNT; s++)
		strbuf_printf(out, "| `%s` | %s | %s | %s |\n", SETTINGS[s].name, SETTINGS[s].fallback ? SETTINGS[s].fallback : "", SETTINGS[s].kept ? "the file" : "the session", SETTINGS[s].doc);
}
