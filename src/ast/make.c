/* Names, strings, options, types. See make.h. */
#include "ast/make.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "keywords.h"
#include "type/text.h"

/* ---- names ---- */

char *ast_token_text(Parse *p, Token token)
{
	return arena_strndup(p->arena, p->text + token.start, token.end - token.start);
}

char *ast_lower(Parse *p, const char *text)
{
	char *lower = arena_strdup(p->arena, text);
	for (char *at = lower; *at; at++) if (*at >= 'A' && *at <= 'Z') *at = (char)(*at + 32);
	return lower;
}

bool ast_ident_is(AstIdent ident, const char *word)
{
	return ident.text && !ident.quoted && !strcasecmp(ident.text, word);
}

/* Bytes between the quotes, a doubled quote is one. */
static char *unquote(Parse *p, const char *from, size_t bytes, char quote, uint32_t *out_bytes)
{
	char *to = arena_alloc(p->arena, bytes + 1);
	size_t used = 0;
	for (size_t i = 0; i < bytes; i++) {
		to[used++] = from[i];
		if (from[i] == quote && i + 1 < bytes && from[i + 1] == quote) i++;
	}
	to[used] = 0;
	if (out_bytes) *out_bytes = (uint32_t)used;
	return to;
}

AstIdent ast_ident(Parse *p, Token token)
{
	AstIdent ident = {.span = token_span(token), .quoted = token.quoted};
	if (!token.quoted) {
		ident.text = ast_token_text(p, token);
		return ident;
	}
	char quote = p->text[token.start] == '[' ? 0 : p->text[token.start];
	ident.text = unquote(p, p->text + token.start + 1, token.end - token.start - 2, quote, NULL);
	if (!*ident.text) parse_wrong(p, ident.span, "a quoted name is empty");
	return ident;
}

AstIdent ast_ident_string(Parse *p, Token token)
{
	AstIdent ident = {.text = ast_string(p, token), .span = token_span(token), .quoted = true};
	if (!*ident.text) parse_wrong(p, ident.span, "a quoted name is empty");
	return ident;
}

AstIdent ast_ident_word(Token token, const char *text) { return (AstIdent){.text = text, .span = token_span(token)}; }

AstName *ast_name(Parse *p, AstName *name, AstIdent part)
{
	if (!name) {
		name = arena_new(p->arena, AstName);
		name->span = part.span;
	}
	name->span.end = part.span.end;
	ast_check_count(p, name->parts.count);
	vec_push_in(p->arena, &name->parts, part);
	return name;
}

AstName *ast_name_before(Parse *p, AstIdent part, AstName *name)
{
	AstName *whole = ast_name(p, NULL, part);
	for (int i = 0; i < name->parts.count; i++) ast_name(p, whole, name->parts.at[i]);
	return whole;
}

AstNames *ast_names(Parse *p, AstNames *list, const AstName *name) { return AST_PUSH(p, AstNames, list, *name); }
AstIdents *ast_idents(Parse *p, AstIdents *list, AstIdent ident) { return AST_PUSH(p, AstIdents, list, ident); }

AstRelationKind ast_relation_kind(Token token)
{
	switch (token.type) {
	case TK_STREAM: return AST_KIND_STREAM;
	case TK_SOURCE: return AST_KIND_SOURCE;
	case TK_TABLE: return AST_KIND_TABLE;
	case TK_VIEW: return AST_KIND_VIEW;
	case TK_MATERIALIZED_VIEW: return AST_KIND_MATERIALIZED_VIEW;
	case TK_SINK: return AST_KIND_SINK;
	case TK_INDEX: return AST_KIND_INDEX;
	default: return AST_KIND_NOT_SAID;
	}
}

/* ---- strings ---- */

static size_t add_utf8(char *to, uint32_t c)
{
	if (c < 0x80) { to[0] = (char)c; return 1; }
	if (c < 0x800) { to[0] = (char)(0xc0 | c >> 6); to[1] = (char)(0x80 | (c & 63)); return 2; }
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12); to[1] = (char)(0x80 | (c >> 6 & 63)); to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | (c >> 18 & 7)); to[1] = (char)(0x80 | (c >> 12 & 63)); to[2] = (char)(0x80 | (c >> 6 & 63)); to[3] = (char)(0x80 | (c & 63));
	return 4;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
	return 16;
}

/* Reads up to `most` digits of a base; -1 without one. */
static int64_t read_digits(const char **at, const char *end, int base, int most)
{
	int64_t value = -1;
	for (int n = 0; n < most && *at < end && digit_value(**at) < base; n++, (*at)++) value = (value < 0 ? 0 : value) * base + digit_value(**at);
	return value;
}

/* One of PostgreSQL's escapes, *at behind the backslash. Gives the bytes written; 0: what stands there is none. */
static size_t read_escape(const char **at, const char *end, char *to)
{
	static const char LETTERS[] = "bfnrt", MEANINGS[] = "\b\f\n\r\t";
	char c = *(*at)++;
	const char *letter = strchr(LETTERS, c);
	int64_t value;
	if (c && letter) { *to = MEANINGS[letter - LETTERS]; return 1; }
	if (c == 'x') value = read_digits(at, end, 16, 2);
	else if (c == 'u') value = read_digits(at, end, 16, 4);
	else if (c == 'U') value = read_digits(at, end, 16, 8);
	else if (c >= '0' && c <= '7') { (*at)--; value = read_digits(at, end, 8, 3); }
	else { *to = c; return 1; }
	if (value <= 0 || value > 0x10ffff) return 0;
	if (c == 'u' || c == 'U') return add_utf8(to, (uint32_t)value);
	*to = (char)value;
	return value < 256;
}

static char *unescape(Parse *p, Token token, uint32_t *bytes)
{
	const char *at = p->text + token.start + 2, *end = p->text + token.end - 1;
	char *text = arena_alloc(p->arena, (size_t)(end - at) + 5), *to = text;
	bool fine = true;
	while (at < end) {
		if (*at == '\\' && at + 1 < end) {
			at++;
			size_t written = read_escape(&at, end, to);
			fine &= written > 0;
			to += written;
		} else {
			if (*at == '\'') at++;
			*to++ = *at++;
		}
	}
	*to = 0;
	*bytes = (uint32_t)(to - text);
	if (!fine || !utf8_is_valid(text, *bytes)) parse_wrong(p, token_span(token), "an escape in the string is no character");
	return text;
}

char *ast_string_bytes(Parse *p, Token token, uint32_t *bytes)
{
	const char *from = p->text + token.start;
	size_t length = token.end - token.start;
	if (*from == '\'') return unquote(p, from + 1, length - 2, '\'', bytes);
	if (*from != '$') return unescape(p, token, bytes);
	size_t tag = (size_t)((const char *)memchr(from + 1, '$', length - 1) - from) + 1;
	*bytes = (uint32_t)(length - 2 * tag);
	return arena_strndup(p->arena, from + tag, *bytes);
}

char *ast_string(Parse *p, Token token)
{
	uint32_t bytes;
	return ast_string_bytes(p, token, &bytes);
}

/* ---- options ---- */

AstOptions *ast_options(Parse *p, AstOptions *list, const AstOption *option) { return AST_PUSH(p, AstOptions, list, *option); }

AstOption *ast_option(Parse *p, AstOption *name, const AstOption *value)
{
	(void)p;
	name->kind = value->kind;
	name->value = value->value;
	name->unit = value->unit;
	name->value_span = value->value_span;
	return name;
}

static AstOption *option_named(Parse *p, const char *written, Span span)
{
	AstOption *option = arena_new(p->arena, AstOption);
	*option = (AstOption){.name = ast_lower(p, written), .name_written = written, .kind = AST_OPTION_NONE, .name_span = span, .value_span = span};
	return option;
}

static char *name_text(Parse *p, const AstName *name)
{
	char *text = arena_strdup(p->arena, name->parts.at[0].text);
	for (int i = 1; i < name->parts.count; i++) text = arena_printf(p->arena, "%s.%s", text, name->parts.at[i].text);
	return text;
}

AstOption *ast_option_name(Parse *p, const AstName *name) { return option_named(p, name_text(p, name), name->span); }
AstOption *ast_option_name_word(Parse *p, Token token) { return option_named(p, ast_token_text(p, token), token_span(token)); }
AstOption *ast_option_name_string(Parse *p, Token token) { return option_named(p, ast_string(p, token), token_span(token)); }

AstOption *ast_option_value(Parse *p, AstOptionKind kind, Token first, Token last)
{
	AstOption *option = arena_new(p->arena, AstOption);
	option->kind = kind;
	option->value_span = (Span){first.start, last.end};
	switch (kind) {
	case AST_OPTION_STRING: option->value = ast_string(p, last); break;
	case AST_OPTION_BOOLEAN: option->value = ast_lower(p, ast_token_text(p, last)); break;
	case AST_OPTION_NULL: break;
	case AST_OPTION_NUMBER:
		option->value = arena_printf(p->arena, "%s%s", first.type == TK_MINUS ? "-" : "", ast_token_text(p, last));
		break;
	case AST_OPTION_PARAMETER:
		option->value = ast_token_text(p, last) + 1;
		if (p->text[last.start] == '?' || isdigit((unsigned char)*option->value)) parse_wrong(p, token_span(last), "a parameter of an option needs a name");
		break;
	default: option->value = ast_token_text(p, last); break;
	}
	return option;
}

AstOption *ast_option_value_name(Parse *p, const AstName *name)
{
	AstOption *option = arena_new(p->arena, AstOption);
	*option = (AstOption){.kind = AST_OPTION_WORD, .value = name_text(p, name), .value_span = name->span};
	return option;
}

AstOption *ast_option_value_interval(Parse *p, const AstExpr *literal)
{
	AstOption *option = arena_new(p->arena, AstOption);
	if (literal->kind != AST_LITERAL) parse_wrong(p, literal->span, "an interval in an option has no sign before its quotes");
	*option = (AstOption){.kind = AST_OPTION_INTERVAL, .value = literal->text, .unit = literal->unit, .value_span = literal->span};
	return option;
}

AstOptions *ast_option_word(Parse *p, const char *name, Token token, AstIdent value)
{
	AstOption option = {.name = name, .name_written = name, .kind = AST_OPTION_WORD, .value = value.text, .name_span = token_span(token), .value_span = value.span};
	return ast_options(p, NULL, &option);
}

/* ---- hints: OPTIONS(k = v, ...) is obeyed, all others are noted ---- */

static bool word_is_options(const Parse *p, Token token)
{
	return token.end - token.start == 7 && !strncasecmp(p->text + token.start, "options", 7);
}

static bool is_word(Token token) { return token.type == TK_ID || keyword_text(token.type); }

/* One k = v; the name may have dots. NULL: it is none. */
static AstOption *read_hint_option(Parse *p, Lexer *lexer, Token *token)
{
	AstOption *option;
	if (token->type == TK_STRING) {
		option = ast_option_name_string(p, *token);
		*token = lexer_next(lexer);
	} else {
		Token name = *token;
		while (is_word(*token) || token->type == TK_DOT) { name.end = token->end; *token = lexer_next(lexer); }
		if (!is_word(name)) return NULL;
		option = option_named(p, ast_token_text(p, name), token_span(name));
	}
	if (token->type != TK_EQ) return NULL;
	Token value = lexer_next(lexer);
	*token = lexer_next(lexer);
	switch (value.type) {
	case TK_STRING: return ast_option(p, option, ast_option_value(p, AST_OPTION_STRING, value, value));
	case TK_INTEGER: case TK_DECIMAL: case TK_REAL: return ast_option(p, option, ast_option_value(p, AST_OPTION_NUMBER, value, value));
	case TK_TRUE: case TK_FALSE: return ast_option(p, option, ast_option_value(p, AST_OPTION_BOOLEAN, value, value));
	default: return is_word(value) ? ast_option(p, option, ast_option_value(p, AST_OPTION_WORD, value, value)) : NULL;
	}
}

static bool read_hint_options(Parse *p, Lexer *lexer, AstOptions *options)
{
	Token token = lexer_next(lexer);
	if (token.type != TK_LP) return false;
	token = lexer_next(lexer);
	for (;;) {
		AstOption *option = read_hint_option(p, lexer, &token);
		if (!option) return false;
		vec_push_in(p->arena, options, *option);
		if (token.type == TK_RP) return true;
		if (token.type != TK_COMMA) return false;
		token = lexer_next(lexer);
	}
}

/* The lexer behind the hint's plus sign; it ends before the comment does. */
static Lexer hint_lexer(const Parse *p, Span span)
{
	return (Lexer){.text = p->text, .at = span.start + 3, .end = span.end - 2};
}

AstOptions *ast_hint_options(Parse *p, uint32_t after)
{
	AstOptions *options = NULL;
	for (int i = 0; i < p->hints.count; i++) {
		ParseHint *hint = &p->hints.at[i];
		Lexer lexer = hint_lexer(p, hint->span);
		Token word = lexer_next(&lexer);
		if (hint->after != after || !word_is_options(p, word)) continue;
		hint->taken = true;
		if (!options) options = arena_new(p->arena, AstOptions);
		if (!read_hint_options(p, &lexer, options)) parse_wrong(p, hint->span, "the hint is not OPTIONS('key' = 'value', ...)");
	}
	return options;
}

void ast_pass_over(Parse *p, Token hint) { vec_push_in(p->arena, &p->passed_over, ((AstIdent){.text = ast_token_text(p, hint), .span = token_span(hint)})); }

void ast_collect_hints(Parse *p, AstStatement *statement)
{
	for (int i = 0; i < p->passed_over.count; i++) vec_push_in(p->arena, &statement->ignored_hints, p->passed_over.at[i]);
	for (int i = 0; i < p->hints.count; i++) {
		if (p->hints.at[i].taken) continue;
		Lexer lexer = hint_lexer(p, p->hints.at[i].span);
		int depth = 0;
		for (Token token; (token = lexer_next(&lexer)).type; ) {
			if (token.type == TK_LP) depth++;
			else if (token.type == TK_RP) depth--;
			else if (!depth && is_word(token))
				vec_push_in(p->arena, &statement->ignored_hints, ((AstIdent){.text = ast_token_text(p, token), .span = token_span(token)}));
		}
	}
}

/* ---- types ---- */

static AstTypeName *type_new(Parse *p, AstTypeKind kind, Token first, Token last)
{
	AstTypeName *type = arena_new(p->arena, AstTypeName);
	*type = (AstTypeName){.kind = kind, .parameters = {-1, -1}, .depth = 1, .span = {first.start, last.end}};
	return type;
}

/* Words in lower case with one blank between: what stands in the text may hold comments and line ends. */
static char *type_words(Parse *p, Token token)
{
	Lexer lexer = {.text = p->text, .at = token.start, .end = token.end};
	char *words = NULL;
	for (Token word; (word = lexer_next(&lexer)).type; ) {
		char *text = ast_lower(p, word.quoted ? ast_ident(p, word).text : ast_token_text(p, word));
		words = words ? arena_printf(p->arena, "%s %s", words, text) : text;
	}
	return words;
}

AstTypeName *ast_type(Parse *p, Token token)
{
	AstTypeName *type = type_new(p, AST_TYPE_PLAIN, token, token);
	type->name = type_words(p, token);
	return type;
}

AstTypeName *ast_type_row(Parse *p, Token first, const AstTypeFields *fields, Token last)
{
	AstTypeName *type = type_new(p, AST_TYPE_ROW, first, last);
	type->fields = *fields;
	for (int i = 0; i < fields->count; i++)
		if (fields->at[i].type->depth >= type->depth) type->depth = ast_depth(p, fields->at[i].type->depth + 1);
	return type;
}

AstTypeName *ast_type_array(Parse *p, Token first, AstTypeName *element, Token last)
{
	AstTypeName *type = type_new(p, AST_TYPE_ARRAY, first, last);
	type->element = element;
	type->depth = ast_depth(p, element->depth + 1);
	return type;
}

AstTypeName *ast_type_array_of(Parse *p, AstTypeName *element, Token last)
{
	AstTypeName *type = ast_type_array(p, last, element, last);
	type->span.start = element->span.start;
	return type;
}

AstTypeName *ast_type_map(Parse *p, Token first, AstTypeName *key, AstTypeName *element, Token last)
{
	AstTypeName *type = type_new(p, AST_TYPE_MAP, first, last);
	type->key = key;
	type->element = element;
	type->depth = ast_depth(p, (key->depth > element->depth ? key->depth : element->depth) + 1);
	return type;
}

AstTypeName *ast_type_word(Parse *p, AstTypeName *type, Token word)
{
	char *text = type_words(p, word);
	if (!strcmp(text, "array")) return ast_type_array_of(p, type, word);       /* INT ARRAY */
	if (type->kind != AST_TYPE_PLAIN || (type->parameters[0] >= 0 && word.type != TK_ZONE_SUFFIX)) {
		parse_wrong(p, token_span(word), "syntax error near \"%s\"", text);
		return type;
	}
	type->name = arena_printf(p->arena, "%s %s", type->name, text);
	type->span.end = word.end;
	return type;
}

static int type_parameter(Parse *p, Token token)
{
	int64_t value = 0;
	bool fine = true;
	for (uint32_t i = token.start; fine && i < token.end; i++) {
		value = value * 10 + (p->text[i] - '0');
		fine = isdigit((unsigned char)p->text[i]) && value <= INT_MAX;
	}
	if (!fine) parse_wrong(p, token_span(token), "a type's parameter is a small whole number");
	return fine ? (int)value : -1;
}

AstTypeName *ast_type_parameters(Parse *p, AstTypeName *type, Token first, Token second, Token last)
{
	if (type->kind != AST_TYPE_PLAIN || type->parameters[0] >= 0) parse_wrong(p, (Span){first.start - 1, last.end}, "syntax error near \"(\"");
	type->parameters[0] = type_parameter(p, first);
	if (second.start != first.start) type->parameters[1] = type_parameter(p, second);
	type->span.end = last.end;
	return type;
}

AstTypeFields *ast_type_fields(Parse *p, AstTypeFields *list, const AstTypeField *field) { return AST_PUSH(p, AstTypeFields, list, *field); }

AstTypeField *ast_type_field(Parse *p, AstIdent name, AstTypeName *type, bool not_null)
{
	AstTypeField *field = arena_new(p->arena, AstTypeField);
	*field = (AstTypeField){name, type, not_null};
	return field;
}

/* ---- what readers of an AST ask ---- */

AstIdent ast_name_last(const AstName *name)
{
	return name->parts.count ? name->parts.at[name->parts.count - 1] : AST_NO_IDENT;
}

const AstOption *ast_option_find(const AstOptions *options, const char *name)
{
	for (int i = options->count - 1; i >= 0; i--) if (!strcmp(options->at[i].name, name)) return &options->at[i];
	return NULL;
}

uint16_t ast_depth(Parse *p, int depth)
{
	if (depth > AST_DEPTH_MAX) parse_too_deep(p);
	return (uint16_t)(depth > AST_DEPTH_MAX ? AST_DEPTH_MAX : depth);
}
