/* WITH (...), FORMAT ... ENCODE ..., OPTIONS hints: whatever way options are said, one list of canonical options comes of it, and that list
 * is what a definition is printed with. */
#include "bind/binder.h"

#include <ctype.h>

#include "catalog/options.h"

typedef VEC(OptionText) OptionTexts;

static void say(void *context, const char *text) { notice(context, "%s", text); }

/* NULL: err */
static const char *option_text(Binder *binder, const AstOption *option)
{
	switch (option->kind) {
	case AST_OPTION_NULL: return "";
	case AST_OPTION_NONE: return "true";
	case AST_OPTION_PARAMETER: return parameter_text(binder, option->value, option->value_span);
	case AST_OPTION_INTERVAL: {
		if (!option->unit) return option->value;
		char *text = arena_printf(binder->arena, "%s %s", option->value, option->unit);
		for (char *c = text; *c; c++) *c = (char)tolower((unsigned char)*c);
		return text;
	}
	default: return option->value;
	}
}

static void add_text(Binder *binder, OptionTexts *texts, const char *name, const char *value, Span name_span, Span value_span)
{
	vec_push_in(binder->arena, texts, (OptionText){name, value, name_span, value_span});
}

static bool add_options(Binder *binder, OptionTexts *texts, const AstOptions *options)
{
	for (int i = 0; i < options->count; i++) {
		const AstOption *option = &options->at[i];
		const char *text = option_text(binder, option);
		if (!text) return false;
		add_text(binder, texts, option->name, text, option->name_span, option->value_span);
	}
	return true;
}

static bool has_text(const OptionTexts *texts, const char *const *names)
{
	for (int i = 0; i < texts->count; i++)
		for (int j = 0; names[j]; j++)
			if (names_equal(texts->at[i].name, names[j])) return true;
	return false;
}

static bool is_kafka(const OptionTexts *texts)
{
	static const char *const TOPICS[] = {"topic", "kafka_topic", NULL};
	for (int i = 0; i < texts->count; i++)
		if (names_equal(texts->at[i].name, "connector")) return connector_info(texts->at[i].value) && connector_info(texts->at[i].value)->bit == OPTION_FOR_KAFKA;
	return has_text(texts, TOPICS);
}

/* ---- FORMAT ... ENCODE ... ---- */

static bool add_format(Binder *binder, OptionTexts *texts, const AstFormat *format)
{
	static const struct { const char *word, *changelog; } FORMATS_KNOWN[] = {
		{"plain", NULL}, {"native", NULL}, {"none", NULL}, {"upsert", "upsert"}, {"debezium", "debezium"},
		{"maxwell", "maxwell"}, {"canal", "canal"},
	};
	if (!format) return true;
	bool known = false;
	for (size_t i = 0; i < sizeof FORMATS_KNOWN / sizeof *FORMATS_KNOWN; i++) {
		if (!names_equal(FORMATS_KNOWN[i].word, format->format)) continue;
		known = true;
		if (FORMATS_KNOWN[i].changelog) add_text(binder, texts, "changelog", FORMATS_KNOWN[i].changelog, format->format_span, format->format_span);
	}
	if (!known) return REFUSE(binder, format->format_span, "FORMAT %s", format->format);
	bool native = !format->encode || names_equal(format->encode, "native") || names_equal(format->encode, "none");
	if (!native) add_text(binder, texts, "format", format->encode, format->encode_span, format->encode_span);
	if (format->key_encode) add_text(binder, texts, "key_format", format->key_encode, format->encode_span, format->encode_span);
	return add_options(binder, texts, &format->options);
}

/* What the session says for Kafka relations that do not say it. */
static void add_session(Binder *binder, OptionTexts *texts)
{
	static const char *const BROKERS[] = {"brokers", "bootstrap.servers", "bootstrap.server", "bootstrap_servers", "metadata.broker.list",
		"properties.bootstrap.servers", "properties.bootstrap.server", "properties.brokers", NULL};
	static const char *const STARTS[] = {"start", "scan.startup.mode", "auto.offset.reset", "properties.auto.offset.reset", "start_timestamp", "start_offsets",
		"scan.startup.timestamp-millis", "scan.startup.timestamp.millis", "scan.startup.timestamp_millis", "scan.startup.specific-offsets", NULL};
	const BindSettings *settings = binder->settings;
	if (!is_kafka(texts)) return;
	if (settings->brokers && !has_text(texts, BROKERS)) add_text(binder, texts, "brokers", settings->brokers, SPAN_NONE, SPAN_NONE);
	if (settings->start && !has_text(texts, STARTS)) add_text(binder, texts, "auto.offset.reset", settings->start, SPAN_NONE, SPAN_NONE);
}

bool relation_options(Binder *binder, const AstOptions *given, const AstFormat *format, OptionsOf of, OptionSet *out)
{
	OptionTexts texts = {0};
	if (!add_options(binder, &texts, given)) return false;
	if (!add_format(binder, &texts, format)) return false;
	if (binder->settings->stored) return options_load(binder->arena, texts.at, texts.count, out, binder->err);
	if (of != OPTIONS_OF_VIEW) add_session(binder, &texts);
	return options_bind(binder->arena, texts.at, texts.count, of, out, say, binder, binder->err);
}

void write_options(Binder *binder, const OptionSet *options, bool answers_only, AstOptions *out)
{
	*out = (AstOptions){0};
	for (int i = 0; i < options->count; i++) {
		const OptionSpec *spec = option_spec(options->at[i].name);
		if (answers_only && !(spec && spec->flags & OPTION_CHANGES_ANSWER)) continue;
		AstOption option = {.name = options->at[i].name, .name_written = options->at[i].name, .kind = AST_OPTION_STRING, .value = options->at[i].value};
		int at = out->count;
		vec_push_in(binder->arena, out, option);
		for (; at > 0 && strcmp(out->at[at - 1].name, option.name) > 0; at--) out->at[at] = out->at[at - 1];
		out->at[at] = option;                         /* sorted: the order in which they were written means nothing */
	}
}

void keep_options(Binder *binder, Relation *relation, const OptionSet *options)
{
	(void)binder;
	relation->option_count = options->count;
	relation->options = arena_array(&relation->arena, Option, options->count + 1);
	for (int i = 0; i < options->count; i++) {
		relation->options[i].name = arena_strdup(&relation->arena, options->at[i].name);
		relation->options[i].value = arena_strdup(&relation->arena, options->at[i].value);
	}
}

/* ---- hints ---- */

static bool is_overridden(const AstOptions *hints, const char *canonical)
{
	for (int i = 0; i < hints->count; i++) {
		const OptionSpec *spec = option_spec(hints->at[i].name);
		if (spec && strcmp(spec->name, canonical) == 0) return true;
	}
	return false;
}

/* What goes with the place where reading begins or ends gives way with it. */
static bool gives_way(const AstOptions *hints, const char *canonical)
{
	static const struct { const char *name, *with; } COMPANIONS[] = {
		{"start_timestamp", "start"}, {"start_offsets", "start"}, {"stop_timestamp", "stop"}, {"stop_offsets", "stop"},
	};
	if (is_overridden(hints, canonical)) return true;
	for (size_t i = 0; i < sizeof COMPANIONS / sizeof *COMPANIONS; i++)
		if (strcmp(COMPANIONS[i].name, canonical) == 0 && is_overridden(hints, COMPANIONS[i].with)) return true;
	return false;
}

bool merge_options(Binder *binder, const OptionSet *old, const AstOptions *given, OptionsOf of, OptionSet *out)
{
	OptionTexts texts = {0};
	for (int i = 0; i < old->count; i++)
		if (!gives_way(given, old->at[i].name)) add_text(binder, &texts, old->at[i].name, old->at[i].value, SPAN_NONE, SPAN_NONE);
	if (!add_options(binder, &texts, given)) return false;
	return options_bind(binder->arena, texts.at, texts.count, of, out, say, binder, binder->err);
}

bool override_options(Binder *binder, Relation *relation, const AstOptions *hints, Relation **out)
{
	static const char *const FIXED[] = {"connector", "changelog", "key_fields", "event_time", NULL};
	Span span = hints->at[0].name_span;
	if (!relation->connector) return error_set(binder->err, ERR_WRONG_OBJECT_TYPE, span, "%s \"%s\" has no connector: there are no options to set",
			relation_kind_name(relation->kind), relation->name);
	if (relation_is_changelog(relation)) return REFUSE(binder, span, "OPTIONS hint on a table: its rows are in the file, read as it was declared");
	for (int i = 0; FIXED[i]; i++)
		if (is_overridden(hints, FIXED[i])) return REFUSE(binder, span, "option \"%s\" in an OPTIONS hint", FIXED[i]);
	OptionSet old = {relation->options, relation->option_count}, options;
	if (!merge_options(binder, &old, hints, OPTIONS_OF_RELATION, &options)) return false;
	Relation *derived = relation_new(relation->kind, relation->name);
	Arena arena = derived->arena;
	const char *name = derived->name;
	*derived = *relation;
	derived->refs = 1;
	derived->arena = arena;
	derived->name = name;
	derived->derived_from = relation_ref(relation->derived_from ? relation->derived_from : relation);
	keep_options(binder, derived, &options);
	vec_push_in(binder->arena, &binder->out->derived, derived);
	*out = derived;
	return true;
}
