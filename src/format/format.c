/* The table of formats, and paths into records. */
#include "format/format.h"

#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/nearest.h"
#include "base/vec.h"
#include "format/decoder.h"

const Format FORMATS[] = {
#define FORMAT(ident_, name_, synonyms_, framing_, encodes_, doc_) \
	{.name = name_, .synonyms = synonyms_, .framing = FRAMING_##framing_, .encodes = encodes_, .decoder = &DECODER_FOR_##ident_, .doc = doc_},
#define DECODER_FOR_json DECODER_JSON
#define DECODER_FOR_csv DECODER_CSV
#define DECODER_FOR_raw DECODER_RAW
#include "catalog/formats.def"
#undef FORMAT
};
const int FORMAT_COUNT = sizeof FORMATS / sizeof *FORMATS;

static bool list_has(const char *list, const char *word)
{
	size_t bytes = strlen(word);
	for (const char *at = list; bytes && *at; ) {
		size_t item = strcspn(at, " ");
		if (item == bytes && strncasecmp(at, word, bytes) == 0) return true;
		at += item + (at[item] == ' ');
	}
	return false;
}

const Format *format_find(const char *name, Span span, Error *err)
{
	Nearest nearest;
	nearest_init(&nearest, name);
	for (int i = 0; i < FORMAT_COUNT; i++) {
		if (strcasecmp(FORMATS[i].name, name) == 0 || list_has(FORMATS[i].synonyms, name)) return &FORMATS[i];
		nearest_offer(&nearest, FORMATS[i].name);
	}
	error_set(err, ERR_UNDEFINED_OBJECT, span, "unknown format \"%s\"", name);
	if (nearest.best) error_hint(err, "Did you mean \"%s\"?", nearest.best);
	return NULL;
}

uint64_t record_fingerprint(const Record *record)
{
	uint64_t hash = hash_combine(record->value ? hash_bytes(record->value, record->value_bytes) : 1, record->key ? hash_bytes(record->key, record->key_bytes) : 2);
	return hash ? hash : 1;
}

uint64_t record_hash(uint64_t hash, const RecordBatch *records, int from, int to)
{
	for (int i = from; i < to; i++) {
		const Record *record = &records->at[i];
		hash = hash_combine(hash, record->value ? hash_bytes(record->value, record->value_bytes) : 1);
		if (record->key) hash = hash_combine(hash, hash_bytes(record->key, record->key_bytes));
		hash = hash_combine(hash, (uint64_t)record->position);
	}
	return hash;
}

/* ---- columns of the key ---- */

/* "id;name": ignoring case and blanks around */
bool key_fields_have(const char *list, const char *name)
{
	for (const char *at = list; *at; ) {
		size_t bytes = strcspn(at, ";,"), lead = strspn(at, " "), content = bytes;
		while (content > lead && at[content - 1] == ' ') content--;
		if (content - lead == strlen(name) && strncasecmp(at + lead, name, content - lead) == 0) return true;
		at += bytes + (at[bytes] != 0);
	}
	return false;
}

bool decode_column_place(const OptionSet *options, Arena *arena, DecodeColumn *column, Error *err)
{
	const char *fields = options_text(options, "key_fields"), *format = options_text(options, "key_format"), *prefix = options_text(options, "key_prefix");
	if (!fields || column->from != DECODE_FIELD || !column->path_count || !key_fields_have(fields, column->path[0])) return true;
	if (!format || strcmp(format, "none") == 0)
		return error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "option \"key_format\" is missing: column \"%s\" is read from the key", column->name);
	size_t cut = prefix ? strlen(prefix) : 0;
	if (cut && strncasecmp(column->path[0], prefix, cut) != 0)
		return error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "column \"%s\" of the key does not begin with key_prefix \"%s\"", column->name, prefix);
	if (strcmp(format, "json") == 0) {
		const char **path = arena_array(arena, const char *, column->path_count);
		for (int i = 0; i < column->path_count; i++) path[i] = column->path[i] + (i ? 0 : cut);
		column->path = path;
		column->from = DECODE_KEY_FIELD;
		column->is_alone = column->path_count == 1 && !strpbrk(fields, ";,");
		return true;
	}
	if (column->path_count > 1) return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "column \"%s\": a key of format %s has no fields", column->name, format);
	column->from = strcmp(format, "kafka") == 0 ? DECODE_KEY_BINARY : DECODE_KEY;
	column->path_count = 0;
	return true;
}

/* ---- paths ---- */

static bool path_error(const char *text, Span span, ErrorCode code, const char *why, Error *err)
{
	return error_set(err, code, span, "path \"%s\" cannot be read: %s", text, why);
}

/* One name, plain or in double quotes ("" is one quote). NULL: none there. */
static const char *path_name(Arena *arena, const char **at)
{
	const char *from = *at;
	if (*from != '"') {
		size_t bytes = strcspn(from, ".[\"*");
		*at += bytes;
		return bytes ? arena_strndup(arena, from, bytes) : NULL;
	}
	StrBuf name = STRBUF_INIT;
	const char *in = from + 1;
	for (; *in && (*in != '"' || in[1] == '"'); in++) {
		if (*in == '"') in++;
		strbuf_addc(&name, *in);
	}
	const char *out = *in == '"' ? arena_strndup(arena, name.text, name.bytes) : NULL;
	*at = *in ? in + 1 : in;
	strbuf_release(&name);
	return out;
}

bool decode_path_parse(Arena *arena, const char *text, Span span, const char *const **path, int *path_count, Error *err)
{
	VEC(const char *) names = {0};
	const char *at = text;
	*path = NULL;
	*path_count = 0;
	if (*at == '$') at++;
	if (at != text && !*at) return true;                    /* the whole record */
	if (at != text && *at == '.') at++;
	while (true) {
		if (*at == '[' || *at == '*') return path_error(text, span, ERR_UNSUPPORTED, "indexes and wildcards are not supported; use json operators on the column", err);
		const char *name = path_name(arena, &at);
		if (!name) return path_error(text, span, ERR_INVALID_PARAMETER, "a field name is missing", err);
		vec_push_in(arena, &names, name);
		if (!*at) break;
		if (*at != '.' && *at != '[' && *at != '*') return path_error(text, span, ERR_INVALID_PARAMETER, "names are divided by dots", err);
		if (*at == '.') at++;
	}
	*path = names.at;
	*path_count = names.count;
	return true;
}
