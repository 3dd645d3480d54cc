/* The table of options, and what CREATE does with the list in WITH (...): every name is looked up among the options of the
 * connector that is named there, in any of the systems' spellings; an unknown name is an error, never passed over in silence. */
#include "catalog/options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/vec.h"
#include "catalog/option_values.h"

enum {
	Kafka = OPTION_FOR_KAFKA, File = OPTION_FOR_FILE, Stdin = OPTION_FOR_STDIN, Nexmark = OPTION_FOR_NEXMARK, Datagen = OPTION_FOR_DATAGEN,
	Blackhole = OPTION_FOR_BLACKHOLE, Local = OPTION_FOR_LOCAL, View = OPTION_FOR_VIEW, Sink = OPTION_FOR_SINK, Source = OPTION_FOR_SOURCE,
	AnySource = Kafka | File | Stdin | Nexmark | Datagen, Records = Kafka | File | Stdin,
	Secret = OPTION_SECRET, Answer = OPTION_CHANGES_ANSWER, Librdkafka = OPTION_LIBRDKAFKA,
};

const OptionSpec OPTIONS[] = {
#define OPTION(name_, synonyms_, kind_, check_, takers_, flags_, fallback_, doc_) \
	{.name = name_, .synonyms = synonyms_, .kind = OPTION_##kind_, .check = check_, .takers = takers_, .flags = flags_, .fallback = fallback_, .doc = doc_},
#include "catalog/options.def"
#undef OPTION
};
const int OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS;

const ConnectorInfo CONNECTOR_INFOS[] = {
#define CONNECTOR(ident_, name_, synonyms_, bit_, reads_, writes_, needs_, doc_) \
	{.name = name_, .synonyms = synonyms_, .bit = bit_, .reads = reads_, .writes = writes_, .needs = needs_, .doc = doc_},
#include "catalog/connectors.def"
#undef CONNECTOR
};
const int CONNECTOR_INFO_COUNT = sizeof CONNECTOR_INFOS / sizeof *CONNECTOR_INFOS;

static const struct { const char *name, *synonyms; } FORMAT_NAMES[] = {
#define FORMAT(ident_, name_, synonyms_, framing_, encodes_, doc_) {name_, synonyms_},
#include "catalog/formats.def"
#undef FORMAT
};
enum { FORMAT_NAME_COUNT = sizeof FORMAT_NAMES / sizeof *FORMAT_NAMES };

/* Some values of other systems say two things at once. */
static const struct { const char *option, *value, *canonical, *also, *also_value; } IMPLIED[] = {
	{"connector", "upsert-kafka", "kafka", "changelog", "upsert"},
	{"format", "tsv", "csv", "csv.delimiter", "\t"},
	{"format", "debezium-json", "json", "changelog", "debezium"}, {"format", "maxwell-json", "json", "changelog", "maxwell"},
	{"format", "canal-json", "json", "changelog", "canal"},
};
enum { IMPLIED_COUNT = sizeof IMPLIED / sizeof *IMPLIED };

typedef struct Binding {
	Arena *arena;
	unsigned takers;              /* the connector's bit, or LOCAL or VIEW */
	const char *connector;        /* NULL: none */
	OptionsOf of;
	VEC(Option) options;
	OptionNotice *notice;
	void *context;
	Error *err;
} Binding;

const ConnectorInfo *connector_info(const char *name)
{
	for (int i = 0; i < CONNECTOR_INFO_COUNT; i++)
		if (strcasecmp(CONNECTOR_INFOS[i].name, name) == 0 || option_list_has(CONNECTOR_INFOS[i].synonyms, name)) return &CONNECTOR_INFOS[i];
	return NULL;
}

/* Names with one "*": where it stands in `name`, in *star and *bytes. */
static bool pattern_matches(const char *pattern, const char *name, const char **star, size_t *bytes)
{
	const char *mark = strchr(pattern, '*');
	*star = NULL;
	if (!mark) return strcasecmp(pattern, name) == 0;
	size_t before = (size_t)(mark - pattern), after = strlen(mark + 1), length = strlen(name);
	if (length <= before + after || strncasecmp(pattern, name, before) != 0 || strcasecmp(mark + 1, name + length - after) != 0) return false;
	*star = name + before;
	*bytes = length - before - after;
	return true;
}

static bool spec_matches(const OptionSpec *spec, const char *name, const char **star, size_t *bytes)
{
	if (pattern_matches(spec->name, name, star, bytes)) return true;
	for (const char *at = spec->synonyms; *at; ) {
		size_t length = strcspn(at, " ");
		char synonym[128];
		if (length < sizeof synonym) {
			memcpy(synonym, at, length);
			synonym[length] = 0;
			if (pattern_matches(synonym, name, star, bytes)) return true;
		}
		at += length + (at[length] == ' ');
	}
	return false;
}

static bool spec_is_taken(const OptionSpec *spec, unsigned takers, OptionsOf of)
{
	if (!(spec->takers & takers)) return false;
	if (of == OPTIONS_OF_SINK && (spec->takers & Source)) return false;
	return true;
}

/* Kafka's own settings may have Flink's "properties." in front, a format's "value.", as where the key has one, too. */
static const char *bare_name(const char *name, unsigned takers)
{
	static const char *const FORMATS[] = {"json.", "csv.", "debezium-json.", "maxwell-json.", "canal-json."};
	if ((takers & Kafka) && strncasecmp(name, "properties.", 11) == 0) return name + 11;
	for (size_t f = 0; (takers & Records) && strncasecmp(name, "value.", 6) == 0 && f < sizeof FORMATS / sizeof *FORMATS; f++)
		if (strncasecmp(name + 6, FORMATS[f], strlen(FORMATS[f])) == 0) return name + 6;
	return name;
}

static const OptionSpec *spec_find(const char *name, unsigned takers, OptionsOf of, const char **star, size_t *bytes)
{
	name = bare_name(name, takers);
	for (int i = 0; i < OPTION_COUNT; i++)
		if (spec_is_taken(&OPTIONS[i], takers, of) && spec_matches(&OPTIONS[i], name, star, bytes)) return &OPTIONS[i];
	return NULL;
}

const OptionSpec *option_spec(const char *name)
{
	const char *star;
	size_t bytes;
	return spec_find(name, ~0u, OPTIONS_OF_RELATION, &star, &bytes);
}

static bool unknown_option(Binding *b, const OptionText *given)
{
	Nearest nearest;
	nearest_init(&nearest, bare_name(given->name, b->takers));
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (!spec_is_taken(&OPTIONS[i], b->takers, b->of)) continue;
		nearest_offer(&nearest, OPTIONS[i].name);
		for (const char *at = OPTIONS[i].synonyms; *at; ) {
			size_t length = strcspn(at, " ");
			nearest_offer(&nearest, arena_strndup(b->arena, at, length));
			at += length + (at[length] == ' ');
		}
	}
	error_set(b->err, ERR_UNDEFINED_OBJECT, given->name_span, "unknown option \"%s\"", given->name);
	if (nearest.best) return error_hint(b->err, "Did you mean \"%s\"?", nearest.best);
	if (option_spec(given->name))
		return error_hint(b->err, b->connector ? "Connector \"%s\" has no such option." : b->of == OPTIONS_OF_VIEW ? "It is no option of a view."
			: "Without a connector there is no such option.", b->connector);
	return false;
}

static bool unknown_name(Error *err, const char *kind, const char *written, Span span, const char *best)
{
	error_set(err, ERR_UNDEFINED_OBJECT, span, "unknown %s \"%s\"", kind, written);
	return best && error_hint(err, "Did you mean \"%s\"?", best);
}

static const char *connector_canonical(const char *value, Span span, Error *err)
{
	const ConnectorInfo *info = connector_info(value);
	if (info) return info->name;
	Nearest nearest;
	nearest_init(&nearest, value);
	for (int i = 0; i < CONNECTOR_INFO_COUNT; i++) nearest_offer(&nearest, CONNECTOR_INFOS[i].name);
	unknown_name(err, "connector", value, span, nearest.best);
	return NULL;
}

static const char *format_canonical(const char *value, Span span, Error *err)
{
	Nearest nearest;
	nearest_init(&nearest, value);
	for (int i = 0; i < FORMAT_NAME_COUNT; i++) {
		if (strcasecmp(FORMAT_NAMES[i].name, value) == 0 || option_list_has(FORMAT_NAMES[i].synonyms, value)) return FORMAT_NAMES[i].name;
		nearest_offer(&nearest, FORMAT_NAMES[i].name);
	}
	unknown_name(err, "format", value, span, nearest.best);
	return NULL;
}

static Option *binding_find(Binding *b, const char *name)
{
	for (int i = 0; i < b->options.count; i++)
		if (strcmp(b->options.at[i].name, name) == 0) return &b->options.at[i];
	return NULL;
}

static bool binding_put(Binding *b, const char *name, const char *value, Span span, const char *written)
{
	Option *old = binding_find(b, name);
	if (!old) { vec_push_in(b->arena, &b->options, (Option){name, value, span}); return true; }
	if (strcmp(old->value, value) == 0) return true;
	return error_set(b->err, ERR_INVALID_DEFINITION, span, "option \"%s\" is given twice%s%s%s", name,
		strcasecmp(written, name) == 0 ? "" : ", once as \"", strcasecmp(written, name) == 0 ? "" : written, strcasecmp(written, name) == 0 ? "" : "\"");
}

static bool put_implied(Binding *b, const char *name, const char **value, Span span)
{
	for (int i = 0; i < IMPLIED_COUNT; i++) {
		if (strcmp(IMPLIED[i].option, name) != 0 || strcasecmp(IMPLIED[i].value, *value) != 0) continue;
		*value = IMPLIED[i].canonical;
		return binding_put(b, IMPLIED[i].also, IMPLIED[i].also_value, span, IMPLIED[i].also);
	}
	return true;
}

/* Without a place: whoever shows the place shows the secret. The name in capitals is what to call the variable it should come from. */
static void refuse_secret(Binding *b, const char *name)
{
	char variable[64];
	size_t n = 0;
	for (const char *at = name; *at && n < sizeof variable - 1; at++)
		variable[n++] = (char)(*at == '.' ? '_' : *at >= 'a' && *at <= 'z' ? *at - 32 : *at);
	variable[n] = 0;
	error_set(b->err, ERR_PLAINTEXT_SECRET, SPAN_NONE, "option \"%s\" is a secret and cannot stand in the text", name);
	error_hint(b->err, "Write '%s' = '${env:%s}' or '${file:/path/of/a/file}'; it is read when the source is opened.", name, variable);
}

static const char *value_bound(Binding *b, const OptionSpec *spec, const char *name, const OptionText *given)
{
	const char *value = given->value;
	bool reference = option_has_reference(value);
	if (spec->flags & Secret) {
		/* a JAAS line holds its secrets among other words */
		if (strcmp(spec->name, "sasl.jaas.config") == 0 ? reference : option_reference_is_whole(value)) return arena_strdup(b->arena, value);
		refuse_secret(b, name);
		return NULL;
	}
	if (spec->kind == OPTION_CONNECTOR) return connector_canonical(value, given->value_span, b->err);
	if (spec->kind == OPTION_FORMAT) return format_canonical(value, given->value_span, b->err);
	if (reference) return arena_strdup(b->arena, value);
	return option_value_canonical(b->arena, spec, name, value, given->value_span, b->err);
}

static void say_passed_over(Binding *b, const OptionText *given, const OptionSpec *spec)
{
	if (spec->kind == OPTION_PASSED_OVER && b->notice)
		b->notice(b->context, arena_printf(b->arena, "option \"%s\" is passed over: %s", given->name, spec->doc));
}

static bool bind_one(Binding *b, const OptionText *given)
{
	const char *star;
	size_t star_bytes;
	const OptionSpec *spec = spec_find(given->name, b->takers, b->of, &star, &star_bytes);
	if (!spec) return unknown_option(b, given);
	if (spec->kind == OPTION_PASSED_OVER || spec->kind == OPTION_QUIET) { say_passed_over(b, given, spec); return true; }
	const char *mark = strchr(spec->name, '*'), *name = spec->name;
	if (mark) name = arena_printf(b->arena, "%.*s%.*s%s", (int)(mark - spec->name), spec->name, (int)star_bytes, star, mark + 1);
	OptionText text = *given;
	if (!put_implied(b, name, &text.value, given->value_span)) return false;
	const char *value = value_bound(b, spec, name, &text);
	return value && binding_put(b, name, value, given->value_span, bare_name(given->name, b->takers));
}

/* Which connector the list is for; ksqlDB names none but a topic. */
static bool bind_connector(Binding *b, const OptionText *given, int count)
{
	const OptionText *connector = NULL;
	bool topic = false;
	for (int i = 0; i < count; i++) {
		if (strcasecmp(given[i].name, "connector") == 0) connector = &given[i];
		topic |= strcasecmp(given[i].name, "topic") == 0 || strcasecmp(given[i].name, "kafka_topic") == 0;
	}
	b->takers = b->of == OPTIONS_OF_VIEW ? View : Local;
	if (b->of == OPTIONS_OF_VIEW) return true;
	if (!connector && !topic) {
		if (b->of == OPTIONS_OF_SINK) return error_set(b->err, ERR_INVALID_DEFINITION, SPAN_NONE, "option \"connector\" is missing");
		return true;
	}
	b->connector = connector ? connector_canonical(connector->value, connector->value_span, b->err) : "kafka";
	if (!b->connector) return false;
	const ConnectorInfo *info = connector_info(b->connector);
	b->takers = info->bit;
	if (b->of == OPTIONS_OF_SINK && !info->writes)
		return error_set(b->err, ERR_UNSUPPORTED, connector ? connector->value_span : SPAN_NONE, "connector \"%s\" cannot be written to", info->name);
	return connector || binding_put(b, "connector", "kafka", SPAN_NONE, "connector");
}

static bool bind_needs(Binding *b)
{
	if (!b->connector) return true;
	for (const char *at = connector_info(b->connector)->needs; *at; ) {
		size_t length = strcspn(at, " ");
		const char *name = arena_strndup(b->arena, at, length);
		if (!binding_find(b, name)) {
			error_set(b->err, ERR_INVALID_DEFINITION, SPAN_NONE, "option \"%s\" is missing: connector \"%s\" needs it", name, b->connector);
			return error_hint(b->err, strcmp(name, "brokers") == 0 ? "Write brokers = 'host:9092', or once: SET brokers = 'host:9092'." : "Add it to WITH (...).");
		}
		at += length + (at[length] == ' ');
	}
	return true;
}

/* `mode` says timestamp or offsets, `companion` which: either makes the other necessary. */
static bool bind_companion(Binding *b, const char *mode, const char *word, const char *companion)
{
	Option *said = binding_find(b, mode), *with = binding_find(b, companion);
	bool wanted = said && strcmp(said->value, word) == 0;
	if (wanted && !with) return error_set(b->err, ERR_INVALID_DEFINITION, said->span, "option \"%s\" is missing: \"%s\" is %s", companion, mode, word);
	if (with && said && !wanted && !option_has_reference(said->value))
		return error_set(b->err, ERR_INVALID_DEFINITION, with->span, "option \"%s\" contradicts %s = '%s'", companion, mode, said->value);
	if (with && !said) return binding_put(b, mode, word, with->span, mode);
	return true;
}

/* A view starts at one place in all that it reads, so offsets say nothing. */
static bool bind_view_start(Binding *b)
{
	Option *start = binding_find(b, "start");
	if (!start || strcmp(start->value, "earliest") == 0 || strcmp(start->value, "latest") == 0 || (*start->value >= '0' && *start->value <= '9')) return true;
	error_set(b->err, ERR_INVALID_PARAMETER, start->span, "option \"start\" of a view cannot be \"%s\"", start->value);
	return error_hint(b->err, "It is 'earliest', 'latest' or a time: '2026-11-20 10:00:00'.");
}

static bool bind_header(Binding *b)
{
	Option *without = binding_find(b, "without_header");
	if (!without || option_has_reference(without->value)) return true;
	const char *header = strcmp(without->value, "true") == 0 ? "false" : "true";
	Span span = without->span;
	*without = b->options.at[--b->options.count];
	return binding_put(b, "csv.header", header, span, "without_header");
}

/* A path says the format where nobody else does. */
static bool bind_format_of_path(Binding *b)
{
	Option *path = binding_find(b, "path");
	if (!path || binding_find(b, "format")) return true;
	size_t bytes = strlen(path->value);
	const char *end = bytes > 4 ? path->value + bytes - 4 : "";
	if (strcasecmp(end, ".csv") == 0) return binding_put(b, "format", "csv", SPAN_NONE, "format");
	if (strcasecmp(end, ".tsv") == 0)
		return binding_put(b, "format", "csv", SPAN_NONE, "format") && (binding_find(b, "csv.delimiter") || binding_put(b, "csv.delimiter", "\t", SPAN_NONE, ""));
	return true;
}

bool options_bind(Arena *arena, const OptionText *given, int count, OptionsOf of, OptionSet *out, OptionNotice *notice, void *context, Error *err)
{
	Binding b = {.arena = arena, .of = of, .notice = notice, .context = context, .err = err};
	if (!bind_connector(&b, given, count)) return false;
	for (int i = 0; i < count; i++)
		if (!bind_one(&b, &given[i])) return false;
	if (of == OPTIONS_OF_VIEW && !bind_view_start(&b)) return false;
	if (!bind_needs(&b) || !bind_header(&b) || !bind_format_of_path(&b)) return false;
	if (!bind_companion(&b, "start", "timestamp", "start_timestamp") || !bind_companion(&b, "start", "offsets", "start_offsets")) return false;
	if (!bind_companion(&b, "stop", "timestamp", "stop_timestamp") || !bind_companion(&b, "stop", "offsets", "stop_offsets")) return false;
	Option *start = binding_find(&b, "start");
	if (start && strcmp(start->value, "group") == 0 && notice && !binding_find(&b, "auto.offset.reset"))
		notice(context, "start from group offsets: no group is used here, a new view starts at the earliest record");
	*out = (OptionSet){b.options.at, b.options.count};
	return true;
}

bool options_load(Arena *arena, const OptionText *stored, int count, OptionSet *out, Error *err)
{
	out->at = arena_array(arena, Option, count ? count : 1);
	out->count = 0;
	for (int i = 0; i < count; i++) {
		if (!option_spec(stored[i].name)) return error_set(err, ERR_UNDEFINED_OBJECT, stored[i].name_span, "unknown option \"%s\"", stored[i].name);
		out->at[out->count++] = (Option){arena_strdup(arena, stored[i].name), arena_strdup(arena, stored[i].value), stored[i].value_span};
	}
	return true;
}

bool options_resolve(Arena *arena, const OptionSet *set, OptionSet *out, Error *err)
{
	out->at = arena_array(arena, Option, set->count ? set->count : 1);
	out->count = 0;
	for (int i = 0; i < set->count; i++) {
		Option option = set->at[i];
		const OptionSpec *spec = option_spec(option.name);
		if (spec && option_has_reference(option.value)) {
			option.value = option_value_resolve(arena, option.name, option.value, option.span, err);
			Error inner = ERROR_INIT;
			if (option.value) option.value = option_value_canonical(arena, spec, option.name, option.value, option.span, &inner);
			/* what the reference gave may be a secret put in the wrong place: it is not shown */
			if (inner.code) error_set(err, inner.code, option.span, "option \"%s\" cannot be what \"%s\" gives", option.name, set->at[i].value);
			if (!option.value) return false;
		}
		out->at[out->count++] = option;
	}
	return true;
}

const Option *options_find(const OptionSet *set, const char *name)
{
	for (int i = 0; i < set->count; i++)
		if (strcmp(set->at[i].name, name) == 0) return &set->at[i];
	return NULL;
}

const char *options_text(const OptionSet *set, const char *name)
{
	const Option *option = options_find(set, name);
	if (option) return option->value;
	const OptionSpec *spec = option_spec(name);
	return spec ? spec->fallback : NULL;
}

int64_t options_integer(const OptionSet *set, const char *name)
{
	const char *value = options_text(set, name);
	return value ? option_value_integer(option_spec(name), value) : 0;
}

double options_real(const OptionSet *set, const char *name)
{
	const char *value = options_text(set, name);
	return value ? strtod(value, NULL) : 0;
}

bool options_boolean(const OptionSet *set, const char *name)
{
	const char *value = options_text(set, name);
	return value && strcmp(value, "true") == 0;
}

bool options_set(Arena *arena, OptionSet *set, const char *name, const char *value, Span span, Error *err)
{
	const char *connector = options_text(set, "connector");
	Binding b = {.arena = arena, .err = err, .connector = connector, .takers = connector ? connector_info(connector)->bit : Local | View};
	for (int i = 0; i < set->count; i++) vec_push_in(arena, &b.options, set->at[i]);
	const char *star;
	size_t bytes;
	const OptionSpec *spec = spec_find(name, b.takers, b.of, &star, &bytes);
	if (!spec) return unknown_option(&b, &(OptionText){name, value, span, span});
	const char *canonical = strchr(spec->name, '*') ? name : spec->name;
	Option *old = binding_find(&b, canonical);
	if (old) *old = b.options.at[--b.options.count];
	if (value && !bind_one(&b, &(OptionText){name, value, span, span})) return false;
	*set = (OptionSet){b.options.at, b.options.count};
	return true;
}

static int by_name(const void *a, const void *b) { return strcmp(((const Option *)a)->name, ((const Option *)b)->name); }

void options_print(const OptionSet *set, enum OptionsPrint which, StrBuf *out)
{
	Option *sorted = mem_alloc(sizeof *sorted * (size_t)(set->count + 1));
	if (set->count) memcpy(sorted, set->at, sizeof *sorted * (size_t)set->count);
	qsort(sorted, (size_t)set->count, sizeof *sorted, by_name);
	bool first = true;
	for (int i = 0; i < set->count; i++) {
		const OptionSpec *spec = option_spec(sorted[i].name);
		if (which == OPTIONS_PRINT_ANSWERS && !(spec && spec->flags & Answer)) continue;
		strbuf_adds(out, first ? "" : ", ");
		first = false;
		if (strspn(sorted[i].name, "abcdefghijklmnopqrstuvwxyz_") == strlen(sorted[i].name)) strbuf_adds(out, sorted[i].name);
		else strbuf_add_sql_string(out, sorted[i].name, strlen(sorted[i].name));
		strbuf_adds(out, " = ");
		strbuf_add_sql_string(out, sorted[i].value, strlen(sorted[i].value));
	}
	free(sorted);
}

bool options_extent(Arena *arena, const OptionSet *set, Extent *out, Error *err)
{
	const char *start = options_text(set, "start"), *stop = options_text(set, "stop"), *reset = options_text(set, "auto.offset.reset");
	*out = (Extent){.start = START_EARLIEST, .stop = STOP_NEVER};
	if (reset && (!options_find(set, "start") || strcmp(start, "group") == 0)) start = reset;
	if (strcmp(start, "latest") == 0) out->start = START_LATEST;
	else if (strcmp(start, "timestamp") == 0) { out->start = START_TIMESTAMP; out->start_us = options_integer(set, "start_timestamp"); }
	else if (strcmp(start, "offsets") == 0) out->start = START_OFFSETS;
	else if (*start >= '0' && *start <= '9') { out->start = START_TIMESTAMP; out->start_us = option_value_integer(option_spec("start"), start); }
	if (strcmp(stop, "latest") == 0) out->stop = STOP_LATEST;
	else if (strcmp(stop, "timestamp") == 0) { out->stop = STOP_TIMESTAMP; out->stop_us = options_integer(set, "stop_timestamp"); }
	else if (strcmp(stop, "offsets") == 0) out->stop = STOP_OFFSETS;
	if (out->start == START_OFFSETS && !option_offsets_parse(arena, options_text(set, "start_offsets"), &out->start_offsets, &out->start_offset_count))
		return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "option \"start_offsets\" is no list of partitions and offsets");
	if (out->stop == STOP_OFFSETS && !option_offsets_parse(arena, options_text(set, "stop_offsets"), &out->stop_offsets, &out->stop_offset_count))
		return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "option \"stop_offsets\" is no list of partitions and offsets");
	return true;
}
