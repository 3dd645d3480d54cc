/* SET and RESET: of the session (brokers ...) and of the file (intervals, limits). One table of them. */
#include <stdio.h>
#include <strings.h>

#include "engine/internal.h"
#include "type/text.h"

typedef enum SettingKind { SETTING_TEXT, SETTING_WORD, SETTING_DURATION, SETTING_BYTES, SETTING_ROWS, SETTING_RULES } SettingKind;

typedef struct Setting {
	const char *name, *fallback, *doc;
	bool kept;                            /* in the file; else of the session */
	SettingKind kind;
	size_t offset;                        /* in RuntimeConfig */
	int64_t most;
	const char *const *words;
} Setting;

#define RUNTIME_SETTING(field) offsetof(RuntimeConfig, field)
#define ONE_DAY INT64_C(86400000000)

static const char *const BOUND_WORDS[] = {"refuse", "warn", "allow", NULL};

static const Setting SETTINGS[] = {
	{"brokers", NULL, "Kafka brokers of streams that name none", false, SETTING_TEXT, 0},
	{"auto.offset.reset", NULL, "where Kafka streams begin that do not say: earliest or latest", false, SETTING_TEXT, 0},
	{"unbounded_state", "warn", "views whose state can grow without end: refuse, warn or allow", false, SETTING_WORD, 0, 0, BOUND_WORDS},
	{"commit_interval", "PT0.2S", "least time between two commits", true, SETTING_DURATION, RUNTIME_SETTING(commit_interval_us), ONE_DAY},
	{"checkpoint_interval", "PT10S", "most time between two checkpoints of operator state", true, SETTING_DURATION, RUNTIME_SETTING(checkpoint_interval_us), ONE_DAY},
	{"commit_retention", "P30D", "commit records that two checkpoints cover are kept so long, one an hour", true, SETTING_DURATION, RUNTIME_SETTING(commits_kept_us), 36500 * ONE_DAY},
	{"dead_letter_limit", "1GiB", "bytes in weir_dead_letters; beyond it the oldest lose key and value", true, SETTING_BYTES, RUNTIME_SETTING(dead_letters_bytes), INT64_MAX},
	{"late_row_limit", "1GiB", "bytes in weir_late_rows; beyond it the oldest lose their row", true, SETTING_BYTES, RUNTIME_SETTING(late_rows_bytes), INT64_MAX},
	{"memory_limit", "0", "above it the view stops that holds the most memory; 0: four fifths of the machine's", true, SETTING_BYTES, RUNTIME_SETTING(memory_limit_bytes), INT64_MAX},
	{"rules_off", "", "rewrite rules of plans that are not applied, for tests: fold, filters, joins, top-n, scans, projects", true, SETTING_RULES, 0},
	{"rows_per_batch", "0", "changes of local relations are cut into batches of so many rows, for tests; 0: as they come", true, SETTING_ROWS, RUNTIME_SETTING(rows_per_batch), 1 << 20},
	{"wal_limit", "1GiB", "input waits while the WAL is larger, because readers hold it", true, SETTING_BYTES, RUNTIME_SETTING(wal_limit_bytes), INT64_MAX},
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

static bool wrong_value(const Setting *setting, const char *value, Error *err, const char *hint)
{
	error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "setting \"%s\" cannot be \"%s\"", setting->name, value);
	return error_hint(err, "%s", hint);
}

static bool apply_number(Engine *engine, const Setting *setting, const char *value, Error *err)
{
	int64_t number;
	bool is_duration = setting->kind == SETTING_DURATION;
	if (!(is_duration ? option_read_duration(value, &number) : option_read_bytes(value, &number)))
		return wrong_value(setting, value, err, is_duration ? "Write it as '200 milliseconds'." : setting->kind == SETTING_ROWS ? "Write a number." : "Write bytes as a number, or as '64MiB'.");
	if (number > setting->most) return wrong_value(setting, value, err, !is_duration ? "At most 1048576." : setting->most == ONE_DAY ? "At most 1 day." : "At most 100 years.");
	*(int64_t *)((char *)&engine->runtime->config + setting->offset) = number;
	return true;
}

static bool check_word(const Setting *setting, const char *value, Error *err)
{
	for (int w = 0; setting->words && setting->words[w]; w++)
		if (strcasecmp(setting->words[w], value) == 0) return true;
	return !setting->words || wrong_value(setting, value, err, "It is one of: refuse, warn, allow.");
}

static bool is_number(const Setting *setting) { return setting->kind == SETTING_DURATION || setting->kind == SETTING_BYTES || setting->kind == SETTING_ROWS; }

/* What the writer goes by; it must not be writing. */
static void tell_store(Engine *engine)
{
	const RuntimeConfig *config = &engine->runtime->config;
	store_set_kept_bytes_max(engine->store, config->dead_letters_bytes, config->late_rows_bytes);
	store_set_commits_kept(engine->store, config->commits_kept_us);
}

static bool apply_stored(void *context, const char *name, const char *value, Error *err)
{
	Engine *engine = context;
	const Setting *setting = setting_find(name);
	if (!setting || !setting->kept) return true;
	if (setting->kind == SETTING_RULES) return plan_rules_off(value, &engine->catalog->rules_off, err);
	return !is_number(setting) || apply_number(engine, setting, value, err);
}

bool settings_apply(Engine *engine, Error *err)
{
	bool ok = store_settings_list(engine->store, apply_stored, engine, err);
	tell_store(engine);
	return ok;
}

static const char *current(const Session *session, const Setting *setting, char *text, size_t bytes)
{
	if (is_number(setting)) {
		int64_t number = *(const int64_t *)((const char *)&session->engine->runtime->config + setting->offset);
		if (setting->kind == SETTING_ROWS) {
			snprintf(text, bytes, "%lld", (long long)number);
			return text;
		}
		bool is_bytes = setting->kind == SETTING_BYTES, round = is_bytes ? number % (1 << 20) == 0 : number && number % ONE_DAY == 0;
		int64_t unit = is_bytes ? (round ? 1 << 20 : 1) : round ? ONE_DAY : 1000;
		snprintf(text, bytes, "%lld %s", (long long)(number / unit), is_bytes ? (round ? "MiB" : "bytes") : round ? "days" : "ms");
		return text;
	}
	if (setting->kind == SETTING_RULES) return plan_rules_names(session->engine->catalog->rules_off, text, bytes);
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
	if (value && !check_word(setting, value, err)) return false;
	if (is_number(setting) && (!runtime_file_begin(engine->runtime, err) || !apply_number(engine, setting, value ? value : setting->fallback, err))) return false;
	if (is_number(setting)) tell_store(engine);
	if (setting->kind == SETTING_RULES && (!runtime_file_begin(engine->runtime, err) || !plan_rules_off(value ? value : "", &engine->catalog->rules_off, err))) return false;
	if (!setting->kept) {
		put(session, setting->name, value);
		return true;
	}
	return store_setting_put(engine->store, setting->name, value, err)
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
