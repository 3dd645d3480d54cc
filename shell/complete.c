/* Completion looks at the words before the cursor, not at the grammar: after FROM stand relations, behind a dot columns, in the parentheses of WITH
 * options, elsewhere keywords, functions, relations, and the columns of the relations that the statement names. */
#include "complete.h"

#include <ctype.h>
#include <glob.h>
#include <string.h>
#include <strings.h>

#include "ast/parse.h"
#include "console.h"

typedef struct NamedRelation { char *name; int first_column, column_count; } NamedRelation;

typedef struct Names {
	VEC(NamedRelation) relations;
	VEC(char *) columns, functions, options;
} Names;

typedef struct Words { VEC(char *) at; } Words;           /* of the text before the word; punctuation is a word by itself */

typedef struct Completion {
	Names names;
	Words words;
	const char *typed; size_t typed_bytes;    /* the word */
	void (*offer)(void *list, const char *word);
	void *list;
} Completion;

/* ---- what there is ---- */

static bool note_name(void *context, const char *name, const char *kind)
{
	Names *names = context;
	if (strcmp(kind, "function") == 0) vec_push(&names->functions, mem_strdup(name));
	else if (strcmp(kind, "option") == 0) vec_push(&names->options, mem_strdup(name));
	else if (strcmp(kind, "column") == 0) {
		vec_push(&names->columns, mem_strdup(name));
		if (names->relations.count) names->relations.at[names->relations.count - 1].column_count++;
	}
	else {
		NamedRelation relation = {.name = mem_strdup(name), .first_column = names->columns.count};
		vec_push(&names->relations, relation);
	}
	return true;
}

static void texts_free(char **at, int count)
{
	for (int i = 0; i < count; i++) free(at[i]);
	free(at);
}

static void completion_release(Completion *c)
{
	for (int r = 0; r < c->names.relations.count; r++) free(c->names.relations.at[r].name);
	vec_release(&c->names.relations);
	texts_free(c->names.columns.at, c->names.columns.count);
	texts_free(c->names.functions.at, c->names.functions.count);
	texts_free(c->names.options.at, c->names.options.count);
	texts_free(c->words.at.at, c->words.at.count);
}

/* ---- the text before the cursor ---- */

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80; }

/* False: the cursor is within a string or a comment. */
static bool split_words(Words *words, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; ) {
		size_t start = i;
		if (isspace((unsigned char)text[i])) {
			i++;
			continue;
		}
		if (text[i] == '-' && i + 1 < bytes && text[i + 1] == '-') {
			const char *end = memchr(text + i, '\n', bytes - i);
			if (!end) return false;
			i = (size_t)(end - text);
			continue;
		}
		if (text[i] == '\'' || text[i] == '"' || text[i] == '`') {
			const char *end = i + 1 < bytes ? memchr(text + i + 1, text[i], bytes - i - 1) : NULL;
			if (!end) return false;
			i = (size_t)(end - text) + 1;
			start++;                                      /* a quoted name is a name */
			size_t inner = i - start - 1;
			char *word = memset(mem_alloc(inner + 3), 0, inner + 3);
			memcpy(word, text[start - 1] == '\'' ? "''" : text + start, text[start - 1] == '\'' ? 2 : inner);
			vec_push(&words->at, word);
			continue;
		}
		if (is_word(text[i])) while (i < bytes && is_word(text[i])) i++;
		else i++;
		char *word = mem_alloc(i - start + 1);
		memcpy(word, text + start, i - start);
		word[i - start] = 0;
		vec_push(&words->at, word);
	}
	return true;
}

static const char *word_back(const Completion *c, int n) { return c->words.at.count >= n ? c->words.at.at[c->words.at.count - n] : ""; }

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcasecmp(word, *list) == 0) return true;
	return false;
}

static const NamedRelation *relation_find(const Completion *c, const char *name)
{
	for (int r = 0; r < c->names.relations.count; r++)
		if (strcasecmp(c->names.relations.at[r].name, name) == 0) return &c->names.relations.at[r];
	return NULL;
}

/* The relation itself, or the one that has this alias: orders o, orders AS o */
static const NamedRelation *relation_of(const Completion *c, const char *qualifier)
{
	const NamedRelation *found = relation_find(c, qualifier);
	for (int w = 1; !found && w < c->words.at.count; w++) {
		if (strcasecmp(c->words.at.at[w], qualifier) != 0) continue;
		int before = w - 1 - (strcasecmp(c->words.at.at[w - 1], "AS") == 0);
		if (before >= 0) found = relation_find(c, c->words.at.at[before]);
	}
	return found;
}

static bool is_in_options(const Completion *c)
{
	int depth = 0;
	for (int w = c->words.at.count - 1; w >= 0; w--) {
		const char *word = c->words.at.at[w];
		if (strcmp(word, ")") == 0) depth++;
		else if (strcmp(word, "(") == 0 && depth-- == 0) return w > 0 && strcasecmp(c->words.at.at[w - 1], "WITH") == 0 && (strcmp(word_back(c, 1), "(") == 0 || strcmp(word_back(c, 1), ",") == 0);
	}
	return false;
}

/* ---- offering ---- */

static void offer(Completion *c, const char *word)
{
	if (strncasecmp(word, c->typed, c->typed_bytes) == 0) c->offer(c->list, word);
}

static void offer_name(Completion *c, const char *name)
{
	StrBuf text = STRBUF_INIT;
	if (parse_name_needs_quotes(name)) strbuf_add_sql_ident(&text, name);
	else strbuf_adds(&text, name);
	if (strncasecmp(name, c->typed, c->typed_bytes) == 0) c->offer(c->list, text.text);
	strbuf_release(&text);
}

/* Weir's own tables only where somebody begins to spell them. */
static void offer_relations(Completion *c)
{
	for (int r = 0; r < c->names.relations.count; r++)
		if (c->typed_bytes || strncasecmp(c->names.relations.at[r].name, "weir_", 5) != 0) offer_name(c, c->names.relations.at[r].name);
}

static void offer_columns(Completion *c, const NamedRelation *relation)
{
	for (int i = 0; i < relation->column_count; i++) offer_name(c, c->names.columns.at[relation->first_column + i]);
}

static bool is_written_as_name(const char *name)
{
	for (const char *at = name; *at; at++)
		if (!is_word(*at)) return false;
	return *name;
}

/* Keywords in the case in which they are begun. */
static void offer_keywords(Completion *c)
{
	bool lower = c->typed_bytes && islower((unsigned char)c->typed[0]);
	for (int k = 0; k < parse_keyword_count(); k++) {
		char word[64];
		snprintf(word, sizeof word, "%s", parse_keyword(k));
		for (char *at = word; *at; at++) *at = (char)(lower ? tolower((unsigned char)*at) : toupper((unsigned char)*at));
		offer(c, word);
	}
}

static void offer_functions(Completion *c)
{
	for (int f = 0; f < c->names.functions.count; f++) {
		char word[80];
		if (!is_written_as_name(c->names.functions.at[f])) continue;
		snprintf(word, sizeof word, "%s(", c->names.functions.at[f]);
		offer(c, word);
	}
}

/* Dots need no quotes in options. Those with a star have to be filled in by whoever writes them. */
static void offer_options(Completion *c)
{
	for (int o = 0; o < c->names.options.count; o++) {
		const char *name = c->names.options.at[o];
		if (strchr(name, '-')) offer_name(c, name);
		else if (!strchr(name, '*')) offer(c, name);
	}
}

static void offer_anything(Completion *c)
{
	if (!c->typed_bytes) return;
	for (int w = 0; w < c->words.at.count; w++) {
		const NamedRelation *relation = relation_find(c, c->words.at.at[w]);
		if (relation) offer_columns(c, relation);
	}
	offer_relations(c);
	offer_keywords(c);
	offer_functions(c);
}

static void offer_for_sql(Completion *c)
{
	static const char *const BEFORE_RELATIONS[] = {
		"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "VIEW", "STREAM", "SOURCE", "SINK", "DESCRIBE", "DESC", "SUBSCRIBE", "TUMBLE", "HOP", "CUMULATE", "SESSION", NULL};
	bool paren = strcmp(word_back(c, 1), "(") == 0;
	if (strcmp(word_back(c, 1), ".") == 0) {
		const NamedRelation *relation = relation_of(c, word_back(c, 2));
		if (relation) offer_columns(c, relation);
	}
	else if (is_in_options(c)) offer_options(c);
	else if (is_one_of(word_back(c, paren ? 2 : 1), BEFORE_RELATIONS)) offer_relations(c);
	else offer_anything(c);
}

/* ---- dot commands ---- */

static void offer_files(Completion *c, const char *text, size_t bytes)
{
	const char *start = text + bytes;
	while (start > text && start[-1] != ' ') start--;
	char *pattern = mem_alloc((size_t)(text + bytes - start) + 2);
	snprintf(pattern, (size_t)(text + bytes - start) + 2, "%.*s*", (int)(text + bytes - start), start);
	glob_t found;
	if (glob(pattern, GLOB_MARK, NULL, &found) == 0) {
		size_t skipped = (size_t)(text + bytes - start) - c->typed_bytes;
		for (size_t i = 0; i < found.gl_pathc; i++) c->offer(c->list, found.gl_pathv[i] + skipped);
		globfree(&found);
	}
	free(pattern);
}

static void offer_for_dot(Completion *c, const char *line, size_t bytes)
{
	static const char *const WITH_FILE[] = {"read", "output", "once", NULL}, *const WITH_RELATION[] = {"schema", "tables", NULL};
	static const char *const WITH_SWITCH[] = {"bail", "headers", "timer", NULL};
	const char *name = c->words.at.count > 1 ? c->words.at.at[1] : "";
	if (c->words.at.count <= 1) for (int d = 0; d < DOT_COMMAND_COUNT; d++) offer(c, DOT_COMMANDS[d].name);
	else if (strcmp(name, "mode") == 0) for (int m = 0; m < OUTPUT_MODE_COUNT; m++) offer(c, OUTPUT_MODES[m].name);
	else if (is_one_of(name, WITH_FILE)) offer_files(c, line, bytes);
	else if (is_one_of(name, WITH_RELATION)) offer_relations(c);
	else if (is_one_of(name, WITH_SWITCH)) {
		offer(c, "on");
		offer(c, "off");
	}
	else if (strcmp(name, "watch") == 0) offer_for_sql(c);
}

void complete_candidates(Connection *connection, const char *text, size_t bytes, void (*offer_word)(void *list, const char *word), void *list)
{
	Completion c = {.offer = offer_word, .list = list};
	size_t start = bytes;
	while (start > 0 && is_word(text[start - 1])) start--;
	c.typed = text + start;
	c.typed_bytes = bytes - start;
	bool dot = text[strspn(text, " \t")] == '.', whole = split_words(&c.words, text, start);
	connection_names(connection, note_name, &c.names);
	if (dot) offer_for_dot(&c, text, bytes);
	else if (whole) offer_for_sql(&c);
	completion_release(&c);
}
