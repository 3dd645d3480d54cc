/* The keyword table as the lexer, the printer and completion ask for it. */
#include "keywords.h"

#include <string.h>
#include <strings.h>

#include "ast/parse.h"
#include "lexer.h"
#include "parser.h"

typedef struct Keyword { const char *text; uint16_t token; uint8_t bytes, class; } Keyword;

static const Keyword KEYWORDS[] = {
#define KEYWORD(word, class_) {#word, TK_##word, sizeof #word - 1, KEYWORD_##class_},
#include "keywords.def"
#undef KEYWORD
};
enum { KEYWORD_COUNT = sizeof KEYWORDS / sizeof *KEYWORDS };

static const Keyword BY_TOKEN[] = {
#define KEYWORD(word, class_) [TK_##word] = {#word, TK_##word, sizeof #word - 1, KEYWORD_##class_},
#include "keywords.def"
#undef KEYWORD
};

/* Functions that SQL calls without parentheses: a column of such a name must be quoted */
static const char *const CALL_WORDS[] = {
	"current_timestamp", "current_date", "current_time", "localtime", "localtimestamp", "current_row_timestamp", "current_user",
	"session_user",
};

/* The table is sorted by capitals, in which _ comes after the letters. */
static int word_compare(const char *word, size_t bytes, const Keyword *keyword)
{
	for (size_t i = 0; i < bytes && i < keyword->bytes; i++) {
		char c = word[i] >= 'a' && word[i] <= 'z' ? (char)(word[i] - 32) : word[i];
		if (c != keyword->text[i]) return c < keyword->text[i] ? -1 : 1;
	}
	return (bytes > keyword->bytes) - (bytes < keyword->bytes);
}

static const Keyword *keyword_find(const char *word, size_t bytes)
{
	int low = 0, high = KEYWORD_COUNT - 1;
	while (low <= high) {
		int middle = (low + high) / 2, order = word_compare(word, bytes, &KEYWORDS[middle]);
		if (!order) return &KEYWORDS[middle];
		if (order < 0) high = middle - 1; else low = middle + 1;
	}
	return NULL;
}

int keyword_token(const char *word, size_t bytes)
{
	const Keyword *keyword = keyword_find(word, bytes);
	return keyword ? keyword->token : 0;
}

static const Keyword *keyword_of(int token)
{
	bool inside = token > 0 && token < (int)(sizeof BY_TOKEN / sizeof *BY_TOKEN);
	return inside && BY_TOKEN[token].text ? &BY_TOKEN[token] : NULL;
}

const char *keyword_text(int token)
{
	const Keyword *keyword = keyword_of(token);
	return keyword ? keyword->text : NULL;
}

KeywordClass keyword_class(int token)
{
	const Keyword *keyword = keyword_of(token);
	return keyword ? keyword->class : KEYWORD_PLAIN;
}

bool keyword_is_name(int token)
{
	const Keyword *keyword = keyword_of(token);
	return keyword && keyword->class != KEYWORD_RESERVED;
}

bool keyword_is_call(const char *name)
{
	for (size_t i = 0; i < sizeof CALL_WORDS / sizeof *CALL_WORDS; i++) if (!strcasecmp(name, CALL_WORDS[i])) return true;
	return false;
}

int parse_keyword_count(void) { return KEYWORD_COUNT; }
const char *parse_keyword(int index) { return KEYWORDS[index].text; }

static bool is_word(const char *name)
{
	for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
		bool letter = (*at | 32) >= 'a' && (*at | 32) <= 'z';
		bool later = (*at >= '0' && *at <= '9') || *at == '$';
		if (!letter && *at != '_' && *at < 0x80 && !(later && at != (const unsigned char *)name)) return false;
	}
	return *name != 0;
}

bool parse_name_needs_quotes(const char *name)
{
	if (!is_word(name)) return true;
	const Keyword *keyword = keyword_find(name, strlen(name));
	if (keyword) return keyword->class != KEYWORD_PLAIN;
	return keyword_is_call(name) || !strcasecmp(name, "unknown");        /* x IS UNKNOWN */
}
