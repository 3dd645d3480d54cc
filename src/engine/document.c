/* Reference pages made of the tables that the program itself works by: docs/functions.md and so on. What stands there is what is there. */
#include <stdio.h>
#include <string.h>

#include "catalog/options.h"
#include "engine/internal.h"
#include "expr/aggregate.h"
#include "expr/function.h"

static void heading(StrBuf *out, const char *title, const char *text)
{
	strbuf_printf(out, "# %s\n\n<!-- made by `weir --docs`: not to be edited -->\n\n%s\n", title, text);
}

/* A bar would end the cell. */
static void cell(StrBuf *out, const char *text, bool code)
{
	strbuf_adds(out, code ? "| `" : "| ");
	for (; text && *text; text++) {
		if (*text == '|') strbuf_addc(out, '\\');
		strbuf_addc(out, *text);
	}
	strbuf_adds(out, code ? "` " : " ");
}

/* ---- functions ---- */

typedef struct Alias { const char *name, *function; } Alias;

static const Alias ALIASES[] = {
#define ALIAS(name, function) {name, function},
#include "expr/aliases.def"
#undef ALIAS
};
enum { ALIAS_COUNT = sizeof ALIASES / sizeof *ALIASES };

static void add_aliases(StrBuf *out, const char *function)
{
	const char *before = " Also: ";
	for (int a = 0; a < ALIAS_COUNT; a++) {
		if (strcmp(ALIASES[a].function, function) != 0) continue;
		strbuf_printf(out, "%s`%s`", before, ALIASES[a].name);
		before = ", ";
	}
	if (*before == ',') strbuf_addc(out, '.');
}

static void function_row(StrBuf *out, const char *name, const char *signature, const char *description, const char *example, const char *result, bool is_operator)
{
	char call[256];
	if (is_operator) snprintf(call, sizeof call, "%s", name);
	else snprintf(call, sizeof call, "%s(%s)", name, signature);
	cell(out, call, true);
	strbuf_adds(out, "| ");
	StrBuf text = STRBUF_INIT;
	strbuf_printf(&text, "%s.", description);
	for (const char *at = text.text; *at; at++) {
		if (*at == '|') strbuf_addc(out, '\\');
		strbuf_addc(out, *at);
	}
	strbuf_release(&text);
	add_aliases(out, name);
	if (is_operator) strbuf_printf(out, " (%s)", signature);
	strbuf_addc(out, ' ');
	cell(out, example, true);
	cell(out, result, true);
	strbuf_adds(out, "|\n");
}

static void document_functions(StrBuf *out)
{
	static const char HEAD[] = "\n| | | example | gives |\n|---|---|---|---|\n";
	heading(out, "Functions and operators", "Arguments: *number* is INTEGER, REAL or DECIMAL, *string* TEXT, BLOB or JSON, *same* means that all are brought to one type; what stands in"
		" [brackets] may be left out, ... repeats the last. Names are case-insensitive. Every example is a test. In SQL: `SHOW FUNCTIONS LIKE 'to%'`.");
	const char *category = "";
	for (int f = 0; f < FUNCTION_COUNT; f++) {
		const Function *function = &FUNCTIONS[f];
		bool seen = false;
		for (int b = 0; b < f && !seen; b++) seen = strcmp(FUNCTIONS[b].category, function->category) == 0;
		if (seen) continue;
		category = function->category;
		strbuf_printf(out, "\n## %c%s\n%s", category[0] - 32, category + 1, HEAD);
		for (int g = f; g < FUNCTION_COUNT; g++) {
			const Function *row = &FUNCTIONS[g];
			if (strcmp(row->category, category) == 0)
				function_row(out, row->name, row->signature, row->description, row->example, row->example_result, row->flags & FUNCTION_OPERATOR);
		}
		for (int d = 0; d < DEFINED_FUNCTION_COUNT; d++) {
			const DefinedFunction *row = &DEFINED_FUNCTIONS[d];
			if (strcmp(row->category, category) == 0) function_row(out, row->name, row->signature, row->description, row->example, row->example_result, false);
		}
	}
	strbuf_printf(out, "\n## Aggregates\n\nThe examples give the rows that x (and y) are taken from.\n%s", HEAD);
	for (int a = 0; a < AGGREGATE_COUNT; a++)
		function_row(out, AGGREGATES[a].name, AGGREGATES[a].signature, AGGREGATES[a].description, AGGREGATES[a].example, AGGREGATES[a].example_result, false);
}

/* ---- options ---- */

static const struct { unsigned bit; const char *name; } TAKERS[] = {
	{OPTION_FOR_KAFKA, "kafka"}, {OPTION_FOR_FILE, "file"}, {OPTION_FOR_STDIN, "stdin"}, {OPTION_FOR_NEXMARK, "nexmark"}, {OPTION_FOR_DATAGEN, "datagen"},
	{OPTION_FOR_BLACKHOLE, "blackhole"}, {OPTION_FOR_LOCAL, "local"}, {OPTION_FOR_VIEW, "view"},
};

static void takers(StrBuf *out, unsigned bits)
{
	const char *before = "| ";
	for (size_t t = 0; t < sizeof TAKERS / sizeof *TAKERS; t++) {
		if (!(bits & TAKERS[t].bit)) continue;
		strbuf_printf(out, "%s%s", before, TAKERS[t].name);
		before = ", ";
	}
	if (*before == '|') strbuf_adds(out, before);
	if (bits & OPTION_FOR_SOURCE && !(bits & OPTION_FOR_SINK)) strbuf_adds(out, " (read)");
	if (bits & OPTION_FOR_SINK && !(bits & OPTION_FOR_SOURCE)) strbuf_adds(out, " (written)");
	strbuf_addc(out, ' ');
}

/* `check` as documentation: the words without their synonyms, the range */
static void values(StrBuf *out, const OptionSpec *option)
{
	static const char *const KINDS[] = {
		[OPTION_TEXT] = "text", [OPTION_BOOLEAN] = "true, false", [OPTION_INTEGER] = "integer", [OPTION_REAL] = "number", [OPTION_BYTES] = "bytes: 64MiB",
		[OPTION_DURATION] = "duration: 5s", [OPTION_OFFSETS] = "offsets", [OPTION_TIMESTAMP] = "time", [OPTION_CHARACTER] = "character", [OPTION_TOPIC] = "topic",
		[OPTION_PATH] = "path", [OPTION_CONNECTOR] = "connector", [OPTION_FORMAT] = "format", [OPTION_WORD] = "", [OPTION_START] = ""};
	strbuf_adds(out, "| ");
	if (option->kind != OPTION_WORD && option->kind != OPTION_START) {
		strbuf_printf(out, "%s%s%s ", KINDS[option->kind], option->check ? " " : "", option->check ? option->check : "");
		return;
	}
	for (const char *at = option->check; at && *at; ) {
		size_t word = strcspn(at, "=|");
		strbuf_printf(out, "%s%.*s", at == option->check ? "" : ", ", (int)word, at);
		at += strcspn(at, "|");
		at += *at == '|';
	}
	strbuf_addc(out, ' ');
}

static void named_list(StrBuf *out, const char *name, const char *synonyms, const char *doc)
{
	strbuf_printf(out, "- `%s`", name);
	for (const char *at = synonyms; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");
		strbuf_printf(out, ", `%.*s`", (int)word, at);
		at += word;
	}
	strbuf_printf(out, ": %s\n", doc);
}

static bool means_nothing(const OptionSpec *option) { return option->kind == OPTION_PASSED_OVER || option->kind == OPTION_QUIET; }

static void synonyms(StrBuf *out, const OptionSpec *option)
{
	strbuf_adds(out, option->synonyms[0] ? "| " : "|");
	for (const char *at = option->synonyms; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");
		strbuf_printf(out, "%s`%.*s`", at == option->synonyms ? "" : " ", (int)word, at);
		at += word;
	}
	strbuf_addc(out, ' ');
}

static void option_row(StrBuf *out, const OptionSpec *option)
{
	cell(out, option->name, true);
	synonyms(out, option);
	takers(out, option->takers);
	values(out, option);
	cell(out, option->fallback ? option->fallback : "", false);
	strbuf_printf(out, "| %s%s%s |\n", option->doc, option->flags & OPTION_SECRET ? "; **secret**: write a reference" : "",
		option->flags & OPTION_CHANGES_ANSWER ? "" : " \xc2\xb7");
}

static void document_options(StrBuf *out)
{
	heading(out, "Options", "What stands in `WITH (...)` of streams, tables, views and sinks. Names of other systems mean the same; `properties.` in front of Kafka's is cut off."
		" Options marked with \xc2\xb7 change no answer: they can be changed at any time, the others make another definition."
		" `${env:NAME}` and `${file:/path}` may stand in any value and are read when the source is opened, at SIGHUP and RESUME; a literal secret is refused.\n\n## Connectors\n");
#define CONNECTOR(ident, name, synonyms, bit, reads, writes, needed, doc) named_list(out, name, synonyms, doc);
#include "catalog/connectors.def"
#undef CONNECTOR
	strbuf_adds(out, "\n## Formats\n\n");
#define FORMAT(ident, name, synonyms, framing, encodes, doc) named_list(out, name, synonyms, doc);
#include "catalog/formats.def"
#undef FORMAT
	strbuf_adds(out, "\n## Options\n\n| option | also | of | values | default | meaning |\n|---|---|---|---|---|---|\n");
	for (int o = 0; o < OPTION_COUNT; o++)
		if (!means_nothing(&OPTIONS[o])) option_row(out, &OPTIONS[o]);
	strbuf_adds(out, "\n## Passed over\n\nKnown from other systems, without meaning here.\n\n| option | also | why |\n|---|---|---|\n");
	for (int o = 0; o < OPTION_COUNT; o++) {
		if (!means_nothing(&OPTIONS[o])) continue;
		cell(out, OPTIONS[o].name, true);
		synonyms(out, &OPTIONS[o]);
		cell(out, OPTIONS[o].doc, false);
		strbuf_adds(out, "|\n");
	}
	strbuf_adds(out, "\n## Settings\n\n`SET name = value`, `RESET name`, `SHOW name`, `SHOW SETTINGS`.\n\n");
	settings_document(out);
}

/* ---- the rest ---- */

static void document_tables(StrBuf *out)
{
	heading(out, "Tables of Weir's own", "They stand in the file beside your views and can be read by any SQLite client, when Weir runs and when it does not.\n");
	store_tables_document(out);
	while (out->bytes > 1 && out->text[out->bytes - 2] == '\n') out->text[--out->bytes] = 0;
}

static void document_errors(StrBuf *out)
{
	static const struct { const char *name, *sqlstate, *kind, *meaning; } ERRORS[] = {
#define ERROR_CODE(name, sqlstate, kind, meaning) {#name, sqlstate, #kind, meaning},
#include "base/error.def"
#undef ERROR_CODE
	};
	heading(out, "Errors", "Every error says what is wrong, where, and often what to do. Its SQLSTATE is PostgreSQL's where one fits; its class is the exit code of the process.\n\n"
		"| SQLSTATE | class, exit code | meaning |\n|---|---|---|");
	for (size_t e = 0; e < sizeof ERRORS / sizeof *ERRORS; e++) {
		const char *kind = ERRORS[e].kind;
		const char *class = strcmp(kind, "SQL") == 0 ? "statement, 1" : strcmp(kind, "USAGE") == 0 ? "command line, 2" : "environment, 3";
		strbuf_printf(out, "| %s | %s | %s |\n", ERRORS[e].sqlstate, class, ERRORS[e].meaning);
	}
}

bool engine_document(const char *name, StrBuf *out)
{
	static const struct { const char *name; void (*make)(StrBuf *out); } PAGES[] = {
		{"functions", document_functions}, {"options", document_options}, {"tables", document_tables}, {"errors", document_errors}};
	for (size_t p = 0; p < sizeof PAGES / sizeof *PAGES; p++) {
		if (strcmp(PAGES[p].name, name) != 0) continue;
		PAGES[p].make(out);
		return true;
	}
	return false;
}
