/* Bytes as text and back (hex, base64, URLs), digests, names of types, SQL's quoting, random values. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#include "expr/kernels.h"
#include "expr/resolve.h"
#include "type/number.h"
#include "type/text.h"

static const char LOWER_HEX[] = "0123456789abcdef", UPPER_HEX[] = "0123456789ABCDEF";

static void set_hex(KernelCall *call, int row, const unsigned char *at, size_t bytes, const char *digits)
{
	char *out = arena_alloc(call->scratch, bytes * 2);
	for (size_t i = 0; i < bytes; i++) {
		out[2 * i] = digits[at[i] >> 4];
		out[2 * i + 1] = digits[at[i] & 15];
	}
	result_set(call, row, out, bytes * 2);
}

static const unsigned char *bytes_at(const Str *s) { return (const unsigned char *)str_at(s); }

/* ---- hex ---- */

void kernel_hex(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) set_hex(call, i, bytes_at(&call->args->str[i]), call->args->str[i].bytes, UPPER_HEX);
}

void kernel_to_hex(KernelCall *call)
{
	char text[24];
	for (int i = 0; i < call->count; i++)
		call->out->str[i] = str_copy(call->scratch, text, (size_t)snprintf(text, sizeof text, "%llx", (unsigned long long)call->args->i64[i]));
}

void kernel_to_binary(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		uint64_t x = (uint64_t)call->args->i64[i];
		char text[64], *at = text + sizeof text;
		do *--at = (char)('0' + (x & 1)); while (x >>= 1);
		call->out->str[i] = str_copy(call->scratch, at, (size_t)(text + sizeof text - at));
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of digits; `ignored` may stand between pairs. false: anything else */
static bool from_hex(const Str *s, const Str *ignored, char *out, size_t *bytes)
{
	const char *at = str_at(s), *end = at + s->bytes;
	*bytes = 0;
	while (at < end) {
		int high = hex_value(*at), low = at + 1 < end ? hex_value(at[1]) : -1;
		if (high >= 0 && low >= 0) {
			out[(*bytes)++] = (char)(high << 4 | low);
			at += 2;
		} else if (high < 0 && ignored && memchr(str_at(ignored), *at, ignored->bytes)) at++;
		else return false;
	}
	return true;
}

void kernel_unhex(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		char *out = arena_alloc(call->scratch, s->bytes / 2 + 1);
		size_t bytes;
		if (from_hex(s, call->arg_count > 1 ? &call->args[1].str[i] : NULL, out, &bytes)) result_set(call, i, out, bytes);
		else kernel_null(call, i);
	}
}

/* ---- base64 ---- */

static void set_base64(KernelCall *call, int row, const Str *s)
{
	StrBuf text = STRBUF_INIT;
	bytes_print_base64(str_at(s), s->bytes, &text);
	call->out->str[row] = str_copy(call->scratch, text.text, text.bytes);
	strbuf_release(&text);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a' + 26;
	if (c >= '0' && c <= '9') return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Both alphabets, blanks passed over, padding optional */
bool base64_read(const Str *s, char *out, size_t *bytes)
{
	uint32_t bits = 0;
	int have = 0, digits = 0, padding = 0;
	*bytes = 0;
	for (uint32_t i = 0; i < s->bytes; i++) {
		char c = str_at(s)[i];
		if (c == ' ' || (c >= '\t' && c <= '\r')) continue;
		if (c == '=') {
			padding++;
			continue;
		}
		int value = base64_value(c);
		if (value < 0 || padding) return false;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		digits++;
		if (have >= 8) out[(*bytes)++] = (char)(bits >> (have -= 8));
	}
	return digits % 4 != 1 && (padding == 0 || (digits + padding) % 4 == 0);
}

void kernel_to_base64(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) set_base64(call, i, &call->args->str[i]);
}

void kernel_from_base64(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		char *out = arena_alloc(call->scratch, s->bytes);
		size_t bytes;
		if (base64_read(s, out, &bytes) && utf8_is_valid(out, bytes)) result_set(call, i, out, bytes);
		else kernel_null(call, i);
	}
}

/* ---- encode, decode ---- */

typedef enum Encoding { ENCODING_NONE, ENCODING_HEX, ENCODING_BASE64, ENCODING_UTF8, ENCODING_ESCAPE } Encoding;

static Encoding encoding_of(const Str *name)
{
	static const struct { const char *name; Encoding encoding; } NAMES[] = {
		{"hex", ENCODING_HEX}, {"base64", ENCODING_BASE64}, {"utf-8", ENCODING_UTF8}, {"utf8", ENCODING_UTF8}, {"us-ascii", ENCODING_UTF8}, {"escape", ENCODING_ESCAPE},
	};
	for (int i = 0; i < 6; i++)
		if (strlen(NAMES[i].name) == name->bytes && strncasecmp(NAMES[i].name, str_at(name), name->bytes) == 0) return NAMES[i].encoding;
	return ENCODING_NONE;
}

bool encoding_is_known(const Str *name) { return encoding_of(name) != ENCODING_NONE; }

/* PostgreSQL's: 0 and bytes beyond ASCII as \ooo, a backslash twice, all else as it is */
static void set_escaped(KernelCall *call, int row, const Str *s)
{
	char *out = arena_alloc(call->scratch, (size_t)s->bytes * 4), *o = out;
	for (uint32_t b = 0; b < s->bytes; b++) {
		unsigned char c = bytes_at(s)[b];
		if (c == 0 || c >= 0x80) *o++ = '\\', *o++ = (char)('0' + (c >> 6)), *o++ = (char)('0' + (c >> 3 & 7)), *o++ = (char)('0' + (c & 7));
		else if (c == '\\') *o++ = '\\', *o++ = '\\';
		else *o++ = (char)c;
	}
	result_set(call, row, out, (size_t)(o - out));
}

static bool is_octal(const char *at) { return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' && at[2] <= '7'; }

/* The same backwards; false: a backslash before anything else */
static bool from_escaped(const Str *s, char *out, size_t *bytes)
{
	const char *at = str_at(s), *end = at + s->bytes;
	char *o = out;
	while (at < end) {
		if (*at != '\\') *o++ = *at++;
		else if (end - at >= 2 && at[1] == '\\') *o++ = '\\', at += 2;
		else if (end - at >= 4 && is_octal(at + 1)) *o++ = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')), at += 4;
		else return false;
	}
	*bytes = (size_t)(o - out);
	return true;
}

/* encode(bytes, 'hex' | 'base64' | 'utf-8' | 'escape'): text */
void kernel_encode(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i];
		Encoding encoding = encoding_of(&call->args[1].str[i]);
		if (encoding == ENCODING_HEX) set_hex(call, i, bytes_at(s), s->bytes, LOWER_HEX);
		else if (encoding == ENCODING_BASE64) set_base64(call, i, s);
		else if (encoding == ENCODING_ESCAPE) set_escaped(call, i, s);
		else if (encoding == ENCODING_UTF8 && utf8_is_valid(str_at(s), s->bytes)) call->out->str[i] = *s;
		else kernel_null(call, i);
	}
}

void kernel_decode(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i];
		Encoding encoding = encoding_of(&call->args[1].str[i]);
		char *out = arena_alloc(call->scratch, s->bytes);
		size_t bytes = 0;
		bool ok = encoding == ENCODING_HEX ? from_hex(s, NULL, out, &bytes) : encoding == ENCODING_ESCAPE ? from_escaped(s, out, &bytes)
			: encoding == ENCODING_BASE64 && base64_read(s, out, &bytes);
		if (ok) result_set(call, i, out, bytes);
		else if (encoding == ENCODING_UTF8) call->out->str[i] = *s;
		else kernel_null(call, i);
	}
}

/* ---- digests ---- */

typedef struct Digest { EVP_MD *method; EVP_MD_CTX *context; } Digest;

static void *prepare_digest(const char *name)
{
	Digest *digest = mem_new(Digest);
	digest->method = EVP_MD_fetch(NULL, name, NULL);
	digest->context = EVP_MD_CTX_new();
	return digest;
}

static void unprepare_digest(void *state)
{
	Digest *digest = state;
	EVP_MD_free(digest->method);
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

#define DIGEST(name, algorithm) \
	void *prepare_##name(const Value *const *constants, int arg_count) { (void)constants; (void)arg_count; return prepare_digest(algorithm); } \
	void unprepare_##name(void *state) { unprepare_digest(state); }

DIGEST(md5, "MD5")
DIGEST(sha1, "SHA1")
DIGEST(sha224, "SHA224")
DIGEST(sha256, "SHA256")
DIGEST(sha384, "SHA384")
DIGEST(sha512, "SHA512")

/* NULL where the library's policy forbids the method (FIPS and MD5) */
void kernel_digest(KernelCall *call)
{
	Digest *digest = call->state;
	unsigned char out[EVP_MAX_MD_SIZE];
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		unsigned bytes = 0;
		if (digest->method && EVP_DigestInit_ex(digest->context, digest->method, NULL) && EVP_DigestUpdate(digest->context, str_at(s), s->bytes)
		    && EVP_DigestFinal_ex(digest->context, out, &bytes)) set_hex(call, i, out, bytes, LOWER_HEX);
		else kernel_null(call, i);
	}
}

/* ---- URLs ---- */

void kernel_url_encode(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		char *out = arena_alloc(call->scratch, (size_t)s->bytes * 3), *o = out;
		for (uint32_t b = 0; b < s->bytes; b++) {
			unsigned char c = bytes_at(s)[b];
			bool plain = (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10 || (c && strchr("-_.*", c));
			if (plain) *o++ = (char)c;
			else if (c == ' ') *o++ = '+';
			else *o++ = '%', *o++ = UPPER_HEX[c >> 4], *o++ = UPPER_HEX[c & 15];
		}
		result_set(call, i, out, (size_t)(o - out));
	}
}

/* false: a broken %xx, or what is no UTF-8 */
static bool url_decode(const char *at, size_t bytes, char *out, size_t *out_bytes)
{
	const char *end = at + bytes;
	char *o = out;
	for (; at < end; at++) {
		if (*at == '%') {
			int high = end - at > 2 ? hex_value(at[1]) : -1, low = end - at > 2 ? hex_value(at[2]) : -1;
			if (high < 0 || low < 0) return false;
			*o++ = (char)(high << 4 | low);
			at += 2;
		} else *o++ = *at == '+' ? ' ' : *at;
	}
	*out_bytes = (size_t)(o - out);
	return utf8_is_valid(out, *out_bytes);
}

void kernel_url_decode(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		char *out = arena_alloc(call->scratch, s->bytes);
		size_t bytes;
		if (url_decode(str_at(s), s->bytes, out, &bytes)) result_set(call, i, out, bytes);
		else kernel_null(call, i);
	}
}

typedef struct Part { const char *at; size_t bytes; } Part;

static Part until(const char *at, const char *end, const char *stops)
{
	const char *start = at;
	while (at < end && !strchr(stops, *at)) at++;
	return (Part){start, (size_t)(at - start)};
}

/* protocol://userinfo@host:port/path?query#ref */
typedef struct Url { Part protocol, authority, userinfo, host, path, query, ref, file; } Url;

static bool url_read(const char *at, const char *end, Url *url)
{
	*url = (Url){0};
	url->protocol = until(at, end, ":/?#");
	at += url->protocol.bytes;
	if (at == end || *at++ != ':' || !url->protocol.bytes) return false;
	if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
		url->authority = until(at + 2, end, "/?#");
		at = url->authority.at + url->authority.bytes;
		const char *host = url->authority.at, *sign = memchr(host, '@', url->authority.bytes);
		if (sign) url->userinfo = (Part){host, (size_t)(sign - host)}, host = sign + 1;
		url->host = *host == '[' && host < at ? until(host, at, "]") : until(host, at, ":");
		if (host < at && *host == '[' && host + url->host.bytes < at) url->host.bytes++;
	}
	url->path = until(at, end, "?#");
	url->file = url->path;
	at += url->path.bytes;
	if (at < end && *at == '?') {
		url->query = until(at + 1, end, "#");
		url->file.bytes += 1 + url->query.bytes;
		at = url->query.at + url->query.bytes;
	}
	if (at < end && *at == '#') url->ref = (Part){at + 1, (size_t)(end - at - 1)};
	return true;
}

static Part url_part(const Url *url, const Str *name)
{
	const struct { const char *name; const Part *part; } PARTS[] = {
		{"HOST", &url->host}, {"PATH", &url->path}, {"QUERY", &url->query}, {"REF", &url->ref}, {"PROTOCOL", &url->protocol},
		{"AUTHORITY", &url->authority}, {"FILE", &url->file}, {"USERINFO", &url->userinfo},
	};
	for (int i = 0; i < 8; i++)
		if (strlen(PARTS[i].name) == name->bytes && strncasecmp(PARTS[i].name, str_at(name), name->bytes) == 0) return *PARTS[i].part;
	return (Part){0};
}

static Part query_value(Part query, const Str *key)
{
	for (const char *at = query.at, *end = at + query.bytes; at < end;) {
		Part pair = until(at, end, "&");
		if (pair.bytes > key->bytes && pair.at[key->bytes] == '=' && memcmp(pair.at, str_at(key), key->bytes) == 0)
			return (Part){pair.at + key->bytes + 1, pair.bytes - key->bytes - 1};
		at += pair.bytes + 1;
	}
	return (Part){0};
}

void kernel_parse_url(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i];
		Url url;
		Part part = {0};
		if (url_read(str_at(s), str_at(s) + s->bytes, &url)) part = url_part(&url, &call->args[1].str[i]);
		if (part.at && call->arg_count > 2) part = query_value(part, &call->args[2].str[i]);
		if (part.at) call->out->str[i] = str_part(s, (size_t)(part.at - str_at(s)), part.bytes);
		else kernel_null(call, i);
	}
}

/* ---- types and quoting ---- */

void kernel_typeof(KernelCall *call)
{
	static const char *const NAMES[TYPE_KIND_COUNT] = {
		"null", "integer", "integer", "real", "decimal", "text", "blob", "json", "date", "time", "timestamp", "interval", "row",
	};
	const char *name = NAMES[call->args->type.kind];
	for (int i = 0; i < call->count; i++) {
		const char *text = is_null_at(call->args, i) ? "null" : name;
		call->out->str[i] = str_borrow(text, strlen(text));
	}
}

void kernel_quote(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		Value value = column_value(call->args, i);
		StrBuf text = STRBUF_INIT;
		if (value.is_null) strbuf_adds(&text, "NULL");
		else if (value.type.kind == TYPE_BLOB) {
			strbuf_adds(&text, "X'");
			for (uint32_t b = 0; b < value.str.bytes; b++) strbuf_printf(&text, "%02X", bytes_at(&value.str)[b]);
			strbuf_addc(&text, '\'');
		} else if (value.type.kind <= TYPE_DECIMAL) value_print(&value, &text);
		else {
			StrBuf plain = STRBUF_INIT;
			value_print(&value, &plain);
			strbuf_add_sql_string(&text, plain.text, plain.bytes);
			strbuf_release(&plain);
		}
		call->out->str[i] = str_copy(call->scratch, text.text, text.bytes);
		strbuf_release(&text);
	}
}

static char soundex_code(char c)
{
	static const char CODES[] = "01230120022455012623010202";
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? CODES[c - 'a'] : 0;
}

void kernel_soundex(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		const char *at = str_at(s), *end = at + s->bytes;
		char out[4] = "?000";
		int count = 0;
		char before = 0;
		while (at < end && !soundex_code(*at)) at++;
		for (; at < end && count < 4; at++) {
			char code = soundex_code(*at);
			if (!count) out[count++] = (char)(*at & ~0x20);
			else if (code > '0' && code != before) out[count++] = code;
			if (code) before = code;
			else if (*at) before = 0;
		}
		call->out->str[i] = str_borrow(out, 4);
	}
}

/* ---- random ---- */

typedef struct Random { uint64_t state[2]; } Random;

void *prepare_random(const Value *const *constants, int arg_count)
{
	(void)constants;
	(void)arg_count;
	Random *random = mem_new(Random);
	if (getrandom(random->state, sizeof random->state, 0) != sizeof random->state) random->state[0] = (uint64_t)(uintptr_t)random;
	random->state[1] |= 1;
	return random;
}

void unprepare_random(void *state) { free(state); }

/* xoroshiro128+ (Blackman and Vigna) */
static uint64_t random_next(Random *random)
{
	uint64_t a = random->state[0], b = random->state[1], sum = a + b;
	b ^= a;
	random->state[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
	random->state[1] = b << 37 | b >> 27;
	return sum;
}

void kernel_random(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = (int64_t)random_next(call->state);
}

void kernel_rand(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->f64[i] = (double)(random_next(call->state) >> 11) * 0x1.0p-53;
}

void kernel_rand_integer(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t below = call->args->i64[i];
		if (below <= 0) kernel_null(call, i);
		else call->out->i64[i] = (int64_t)(random_next(call->state) % (uint64_t)below);
	}
}

void kernel_randomblob(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t bytes = call->args->i64[i] < 1 ? 1 : call->args->i64[i];
		if (bytes > RESULT_BYTES_MAX) {
			kernel_null(call, i);
			continue;
		}
		char *out = arena_alloc(call->scratch, (size_t)bytes);
		for (int64_t b = 0; b < bytes; b++) out[b] = (char)(random_next(call->state) >> 32);
		result_set(call, i, out, (size_t)bytes);
	}
}

/* Version 4 */
void kernel_uuid(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		uint64_t high = (random_next(call->state) & ~0xf000ull) | 0x4000, low = (random_next(call->state) & ~(3ull << 62)) | 1ull << 63;
		char text[40];
		int bytes = snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff),
			(unsigned)(low >> 48), (unsigned long long)(low & 0xffffffffffffull));
		call->out->str[i] = str_copy(call->scratch, text, (size_t)bytes);
	}
}
