/* ${env:X} and ${file:path} in values. They are kept and shown as they were written and filled in only when something is opened,
 * so that no secret ever stands in the file. Errors name the reference, never what it gave. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/option_values.h"

enum { REFERENCE_FILE_BYTES_MAX = 64 << 10 };

typedef struct Reference { enum { REFERENCE_ENV, REFERENCE_FILE } kind; const char *at; size_t bytes, total; } Reference;

/* A reference that starts here; `total` are its bytes with ${ and }. */
static bool reference_at(const char *text, Reference *out)
{
	if (text[0] != '$' || text[1] != '{') return false;
	const char *close = strchr(text, '}');
	if (!close) return false;
	size_t prefix = strncmp(text + 2, "env:", 4) == 0 ? 4 : strncmp(text + 2, "file:", 5) == 0 ? 5 : 0;
	if (!prefix) return false;
	*out = (Reference){prefix == 4 ? REFERENCE_ENV : REFERENCE_FILE, text + 2 + prefix, (size_t)(close - text) - 2 - prefix, (size_t)(close - text) + 1};
	return out->bytes > 0;
}

bool option_has_reference(const char *value)
{
	Reference ref;
	for (; (value = strstr(value, "${")); value += 2)
		if (reference_at(value, &ref)) return true;
	return false;
}

bool option_reference_is_whole(const char *value)
{
	Reference ref;
	return reference_at(value, &ref) && !value[ref.total];
}

static bool add_env(StrBuf *out, const char *name, const char *variable, Span span, Error *err)
{
	const char *value = getenv(variable);
	if (!value) {
		error_set(err, ERR_INVALID_PARAMETER, span, "option \"%s\": environment variable \"%s\" is not set", name, variable);
		if (err) err->retryable = true;
		return false;
	}
	strbuf_adds(out, value);
	return true;
}

/* One newline at the end does not count: editors add it. */
static bool add_file(StrBuf *out, const char *name, const char *path, Span span, Error *err)
{
	const char *why = NULL;
	FILE *file = fopen(path, "re");
	if (!file) why = strerror(errno);
	else {
		char *room = strbuf_grow(out, REFERENCE_FILE_BYTES_MAX + 1);
		size_t bytes = fread(room, 1, REFERENCE_FILE_BYTES_MAX + 1, file);
		if (ferror(file)) why = strerror(errno);
		else if (bytes > REFERENCE_FILE_BYTES_MAX) why = "it has more than 64 KiB";
		else if (memchr(room, 0, bytes)) why = "it holds a NUL byte";
		if (bytes && room[bytes - 1] == '\n') bytes--;
		if (bytes && room[bytes - 1] == '\r') bytes--;
		out->bytes += why ? 0 : bytes;
		out->text[out->bytes] = 0;
		fclose(file);
	}
	if (!why) return true;
	error_set(err, ERR_INVALID_PARAMETER, span, "option \"%s\": could not read \"%s\": %s", name, path, why);
	if (err) err->retryable = true;
	return false;
}

const char *option_value_resolve(Arena *arena, const char *name, const char *value, Span span, Error *err)
{
	if (!option_has_reference(value)) return value;
	StrBuf out = STRBUF_INIT;
	bool ok = true;
	for (const char *at = value; ok && *at; ) {
		Reference ref;
		if (!reference_at(at, &ref)) { strbuf_addc(&out, *at++); continue; }
		const char *what = arena_strndup(arena, ref.at, ref.bytes);
		ok = ref.kind == REFERENCE_ENV ? add_env(&out, name, what, span, err) : add_file(&out, name, what, span, err);
		at += ref.total;
	}
	const char *result = ok ? arena_strndup(arena, out.text, out.bytes) : NULL;
	strbuf_release(&out);
	return result;
}
