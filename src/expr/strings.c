/* Text: lengths, case, parts, searching, joining. Positions count characters of TEXT and bytes of BLOB, from 1. Parts of an
 * argument are borrowed from it. Case is ASCII's, as in SQLite. */
#include "expr/kernels.h"
#include "expr/utf8.h"

static bool counts_bytes(const Column *column) { return column->type.kind == TYPE_BLOB; }

/* ---- lengths ---- */

void kernel_length(KernelCall *call)
{
	const Column *in = call->args;
	bool bytes = counts_bytes(in);
	for (int i = 0; i < call->count; i++) call->out->i64[i] = bytes ? in->str[i].bytes : (int64_t)utf8_count(str_at(&in->str[i]), in->str[i].bytes);
}

void kernel_octet_length(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = call->args->str[i].bytes;
}

void kernel_bit_length(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = 8ll * call->args->str[i].bytes;
}

/* ---- case ---- */

static Str swap_inline(Str s, unsigned char from, unsigned char to)
{
	uint64_t first;
	uint32_t rest;
	memcpy(&first, s.inlined, 8);
	memcpy(&rest, s.inlined + 8, 4);
	first = swap_case(first, from, to);
	rest = (uint32_t)swap_case(rest, from, to);
	memcpy(s.inlined, &first, 8);
	memcpy(s.inlined + 8, &rest, 4);
	return s;
}

static void change_far(char *out, const char *at, uint32_t bytes, unsigned char from, unsigned char to)
{
	uint32_t b = 0;
	uint64_t eight;
	for (; b + 8 <= bytes; b += 8) {
		memcpy(&eight, at + b, 8);
		eight = swap_case(eight, from, to);
		memcpy(out + b, &eight, 8);
	}
	for (; b < bytes; b++) {
		unsigned char c = (unsigned char)at[b];
		out[b] = (char)(c >= from && c <= to ? c ^ 0x20 : c);
	}
}

static void change_case(KernelCall *call, unsigned char from, unsigned char to)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		if (s->bytes <= STR_INLINE_BYTES) {
			call->out->str[i] = swap_inline(*s, from, to);
			continue;
		}
		char *out = arena_alloc(call->scratch, s->bytes);
		change_far(out, s->far.at, s->bytes, from, to);
		result_set(call, i, out, s->bytes);
	}
}

void kernel_lower(KernelCall *call) { change_case(call, 'A', 'Z'); }
void kernel_upper(KernelCall *call) { change_case(call, 'a', 'z'); }

static bool is_letter(char c) { return (unsigned char)((c | 0x20) - 'a') < 26; }
static bool is_word(char c) { return is_letter(c) || (unsigned char)(c - '0') < 10 || (unsigned char)c > 127; }

void kernel_initcap(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		const char *at = str_at(s);
		char *out = arena_alloc(call->scratch, s->bytes);
		bool inside = false;
		for (uint32_t b = 0; b < s->bytes; b++) {
			out[b] = !is_letter(at[b]) ? at[b] : (char)(inside ? at[b] | 0x20 : at[b] & ~0x20);
			inside = is_word(at[b]);
		}
		result_set(call, i, out, s->bytes);
	}
}

/* ---- trimming ---- */

static bool set_has(const Str *set, const char *at, size_t bytes)
{
	const char *s = str_at(set), *end = s + set->bytes;
	for (size_t step; s < end; s += step) {
		step = utf8_step(s, end);
		if (step == bytes && memcmp(s, at, bytes) == 0) return true;
	}
	return false;
}

static void trim(KernelCall *call, bool left, bool right)
{
	const Str blank = str_borrow(" ", 1);
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i], *set = call->arg_count > 1 ? &call->args[1].str[i] : &blank;
		const char *start = str_at(s), *at = start, *end = at + s->bytes;
		while (left && at < end && set_has(set, at, utf8_step(at, end))) at += utf8_step(at, end);
		while (right && end > at) {
			const char *last = end - 1;
			while (last > at && utf8_continues(*last)) last--;
			if (!set_has(set, last, (size_t)(end - last))) break;
			end = last;
		}
		call->out->str[i] = str_part(s, (size_t)(at - start), (size_t)(end - at));
	}
}

void kernel_trim(KernelCall *call) { trim(call, true, true); }
void kernel_ltrim(KernelCall *call) { trim(call, true, false); }
void kernel_rtrim(KernelCall *call) { trim(call, false, true); }

/* ---- parts ---- */

/* Characters from..from + count of s, both at least 0 */
static Str part(const Str *s, bool bytes, int64_t from, int64_t count)
{
	const char *at = str_at(s);
	if (from >= s->bytes || count <= 0) return (Str){0};
	if (bytes) return str_part(s, (size_t)from, (size_t)(count < s->bytes - from ? count : s->bytes - from));
	size_t start = utf8_offset(at, s->bytes, (size_t)from);
	return str_part(s, start, utf8_offset(at + start, s->bytes - start, (size_t)(count < s->bytes ? count : s->bytes)));
}

/* SQLite's substr: a negative start counts from the end, a negative length takes what stands before the start. */
static Str substr_of(const Str *s, bool bytes, int64_t start, int64_t length)
{
	int64_t from = start;
	if (start < 0 || length < 0) {
		int64_t total = bytes ? s->bytes : (int64_t)utf8_count(str_at(s), s->bytes);
		bool backwards = length < 0;
		if (backwards) length = length == INT64_MIN ? INT64_MAX : -length;
		if (start < 0) {
			from = start < -total ? -1 : start + total;
			if (from < 0) {                           /* before the beginning: what lies there counts, too */
				int64_t missing = start + total < -INT64_MAX / 2 ? INT64_MAX / 2 : -(start + total);
				if (backwards) return (Str){0};
				length -= length < missing ? length : missing;
				from = 0;
			}
		} else if (start > 0) from = start - 1;
		else if (!backwards && length > 0) length--;
		if (backwards) {
			if (from > total) {
				length -= from - total < length ? from - total : length;
				from = total;
			}
			if (length > from) length = from;
			from -= length;
		}
		return part(s, bytes, from, length);
	}
	if (start > 0) from--;
	else if (length > 0) length--;
	return part(s, bytes, from, length);
}

void kernel_substr(KernelCall *call)
{
	const Column *in = call->args;
	bool bytes = counts_bytes(in);
	for (int i = 0; i < call->count; i++)
		call->out->str[i] = substr_of(&in->str[i], bytes, call->args[1].i64[i], call->arg_count > 2 ? call->args[2].i64[i] : INT64_MAX);
}

/* A negative number is how many to leave out at the other end. */
static int64_t kept_characters(const Str *s, bool bytes, int64_t n)
{
	if (n >= 0) return n;
	int64_t total = bytes ? s->bytes : (int64_t)utf8_count(str_at(s), s->bytes);
	return n < -total ? 0 : total + n;
}

void kernel_left(KernelCall *call)
{
	bool bytes = counts_bytes(call->args);
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		call->out->str[i] = part(s, bytes, 0, kept_characters(s, bytes, call->args[1].i64[i]));
	}
}

void kernel_right(KernelCall *call)
{
	bool bytes = counts_bytes(call->args);
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		int64_t kept = kept_characters(s, bytes, call->args[1].i64[i]), total = bytes ? s->bytes : (int64_t)utf8_count(str_at(s), s->bytes);
		call->out->str[i] = part(s, bytes, kept >= total ? 0 : total - kept, kept);
	}
}

/* Where field n (from 0) of s begins and ends between separators; false: there are fewer. */
static bool field_of(const Str *s, const Str *separator, int64_t n, size_t *from, size_t *bytes)
{
	const char *at = str_at(s), *end = at + s->bytes, *next;
	for (;; n--) {
		next = separator->bytes ? find_bytes(at, (size_t)(end - at), str_at(separator), separator->bytes) : NULL;
		if (n == 0 || !next) break;
		at = next + separator->bytes;
	}
	*from = (size_t)(at - str_at(s));
	*bytes = (size_t)((next ? next : end) - at);
	return n == 0;
}

static int64_t field_count(const Str *s, const Str *separator)
{
	const char *at = str_at(s), *end = at + s->bytes;
	int64_t count = 1;
	while (separator->bytes && (at = find_bytes(at, (size_t)(end - at), str_at(separator), separator->bytes))) at += separator->bytes, count++;
	return count;
}

/* PostgreSQL: from 1, or -1 for the last; '' where there is none */
void kernel_split_part(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i], *separator = &call->args[1].str[i];
		int64_t n = call->args[2].i64[i];
		size_t from, bytes;
		if (n == 0) kernel_null(call, i);
		if (n < 0) n += field_count(s, separator) + 1;
		call->out->str[i] = n > 0 && field_of(s, separator, n - 1, &from, &bytes) ? str_part(s, from, bytes) : (Str){0};
	}
}

/* Flink: from 0; NULL where there is none */
void kernel_split_index(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i];
		int64_t n = call->args[2].i64[i];
		size_t from, bytes;
		if (n >= 0 && field_of(s, &call->args[1].str[i], n, &from, &bytes)) call->out->str[i] = str_part(s, from, bytes);
		else kernel_null(call, i);
	}
}

/* The separator by its code, 1 to 255 */
void kernel_split_index_code(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i];
		int64_t code = call->args[1].i64[i], n = call->args[2].i64[i];
		char text[4];
		size_t from, bytes, length = code > 0 && code < 256 ? utf8_write((uint32_t)code, text) : 0;
		Str separator = str_borrow(text, length);
		if (length && n >= 0 && field_of(s, &separator, n, &from, &bytes)) call->out->str[i] = str_part(s, from, bytes);
		else kernel_null(call, i);
	}
}

/* ---- searching ---- */

/* Position of `what` in s at or after character `start` (from 1); 0: nowhere */
static int64_t position_of(const Str *s, const Str *what, bool bytes, int64_t start)
{
	const char *at = str_at(s), *end = at + s->bytes;
	if (start < 1) return 0;
	size_t skip = start == 1 ? 0 : bytes ? (size_t)(start - 1) : utf8_offset(at, s->bytes, (size_t)(start - 1));
	if (skip > s->bytes) return 0;
	const char *found = what->bytes ? find_bytes(at + skip, (size_t)(end - at) - skip, str_at(what), what->bytes) : at + skip;
	if (!found) return 0;
	return 1 + (bytes ? found - at : (int64_t)utf8_count(at, (size_t)(found - at)));
}

/* The last one that begins at or before character `back` from the end (1: the last); 0: nowhere */
static int64_t position_before(const Str *s, const Str *what, bool bytes, int64_t back)
{
	const char *at = str_at(s);
	int64_t count = bytes ? s->bytes : (int64_t)utf8_count(at, s->bytes);
	if (back > count) return 0;
	size_t from = bytes ? (size_t)(count - back) : utf8_offset(at, s->bytes, (size_t)(count - back));
	for (size_t i = from + 1; i-- > 0;)
		if (i + what->bytes <= s->bytes && memcmp(at + i, str_at(what), what->bytes) == 0) return 1 + (bytes ? (int64_t)i : (int64_t)utf8_count(at, i));
	return 0;
}


/* From a negative place backwards, as in ksqlDB */
void kernel_instr(KernelCall *call)
{
	const Column *in = call->args;
	bool bytes = counts_bytes(in) && counts_bytes(&call->args[1]);
	for (int i = 0; i < call->count; i++) {
		int64_t start = call->arg_count > 2 ? call->args[2].i64[i] : 1;
		const Str *what = &call->args[1].str[i];
		call->out->i64[i] = start < 0 && start > INT64_MIN ? position_before(&in->str[i], what, bytes, -start) : position_of(&in->str[i], what, bytes, start);
	}
}

void kernel_locate(KernelCall *call)
{
	const Column *in = &call->args[1];
	bool bytes = counts_bytes(in) && counts_bytes(call->args);
	for (int i = 0; i < call->count; i++)
		call->out->i64[i] = position_of(&in->str[i], &call->args->str[i], bytes, call->arg_count > 2 ? call->args[2].i64[i] : 1);
}

static bool begins_at(const Str *s, const Str *what, size_t from)
{
	return memcmp(str_at(s) + from, str_at(what), what->bytes) == 0;
}

void kernel_starts_with(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i], *what = &call->args[1].str[i];
		call->out->i64[i] = what->bytes <= s->bytes && begins_at(s, what, 0);
	}
}

void kernel_ends_with(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i], *what = &call->args[1].str[i];
		call->out->i64[i] = what->bytes <= s->bytes && begins_at(s, what, s->bytes - what->bytes);
	}
}

void kernel_contains(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i], *what = &call->args[1].str[i];
		call->out->i64[i] = what->bytes == 0 || memmem(str_at(s), s->bytes, str_at(what), what->bytes) != NULL;
	}
}

/* ---- joining ---- */

static Type string_type(const Type *args, int arg_count)
{
	for (int i = 0; i < arg_count; i++)
		if (args[i].kind != TYPE_BLOB) return TYPE(TEXT);
	return TYPE(BLOB);
}

Type result_string(const Type *args, int arg_count) { return string_type(args, arg_count > 1 ? 1 : arg_count); }

static void set_joined(KernelCall *call, int row, const Str *parts, int count, const Str *separator)
{
	size_t bytes = 0, at = 0;
	for (int p = 0; p < count; p++) bytes += parts[p].bytes + (p && separator ? separator->bytes : 0);
	if (bytes > STR_BYTES_MAX) {
		kernel_null(call, row);
		return;
	}
	char small[STR_INLINE_BYTES], *out = bytes <= sizeof small ? small : arena_alloc(call->scratch, bytes);
	for (int p = 0; p < count; p++) {
		if (p && separator) memcpy(out + at, str_at(separator), separator->bytes), at += separator->bytes;
		memcpy(out + at, str_at(&parts[p]), parts[p].bytes);
		at += parts[p].bytes;
	}
	result_set(call, row, out, bytes);
}

void kernel_join_two(KernelCall *call)
{
	const Str *a = call->args[0].str, *b = call->args[1].str;
	for (int i = 0; i < call->count; i++) {
		size_t bytes = (size_t)a[i].bytes + b[i].bytes;
		if (bytes <= STR_INLINE_BYTES) {
			Str joined = a[i];
			joined.bytes = (uint32_t)bytes;
			for (uint32_t k = 0; k < b[i].bytes; k++) joined.inlined[a[i].bytes + k] = b[i].inlined[k];
			call->out->str[i] = joined;
		} else if (bytes > STR_BYTES_MAX) kernel_null(call, i);
		else {
			char *out = arena_alloc(call->scratch, bytes);
			memcpy(out, str_at(&a[i]), a[i].bytes);
			memcpy(out + a[i].bytes, str_at(&b[i]), b[i].bytes);
			result_set(call, i, out, bytes);
		}
	}
}

static void join(KernelCall *call, int first)
{
	Str *parts = arena_alloc(call->scratch, sizeof *parts * (size_t)(call->arg_count + 1));
	for (int i = 0; i < call->count; i++) {
		int count = 0;
		for (int a = first; a < call->arg_count; a++)
			if (!is_null_at(&call->args[a], i)) parts[count++] = call->args[a].str[i];
		if (first && is_null_at(call->args, i)) kernel_null(call, i);
		else set_joined(call, i, parts, count, first ? &call->args->str[i] : NULL);
	}
}

void kernel_concat(KernelCall *call) { join(call, 0); }
void kernel_concat_ws(KernelCall *call) { join(call, 1); }

/* ---- making new text ---- */

void kernel_replace(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i], *from = &call->args[1].str[i], *to = &call->args[2].str[i];
		const char *at = str_at(s), *end = at + s->bytes;
		int64_t found = from->bytes ? field_count(s, from) - 1 : 0;
		size_t bytes = s->bytes + (size_t)found * to->bytes - (size_t)found * from->bytes;
		if (!found) call->out->str[i] = *s;
		else if (bytes > STR_BYTES_MAX) kernel_null(call, i);
		else {
			char *out = arena_alloc(call->scratch, bytes), *o = out;
			for (const char *next; (next = memmem(at, (size_t)(end - at), str_at(from), from->bytes)); at = next + from->bytes) {
				memcpy(o, at, (size_t)(next - at));
				memcpy(o + (next - at), str_at(to), to->bytes);
				o += (next - at) + to->bytes;
			}
			memcpy(o, at, (size_t)(end - at));
			result_set(call, i, out, bytes);
		}
	}
}

void kernel_reverse(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		const char *at = str_at(s), *end = at + s->bytes;
		char *out = arena_alloc(call->scratch, s->bytes), *o = out + s->bytes;
		for (size_t step; at < end; at += step) {
			step = utf8_step(at, end);
			o -= step;
			memcpy(o, at, step);
		}
		result_set(call, i, out, s->bytes);
	}
}

static void set_repeated(KernelCall *call, int row, const Str *s, int64_t n)
{
	if (n < 0) n = 0;
	if (s->bytes && n > RESULT_BYTES_MAX / (int64_t)s->bytes) {
		kernel_null(call, row);
		return;
	}
	size_t bytes = s->bytes * (size_t)n;
	char *out = arena_alloc(call->scratch, bytes);
	for (size_t at = 0; at < bytes; at += s->bytes) memcpy(out + at, str_at(s), s->bytes);
	result_set(call, row, out, bytes);
}

void kernel_repeat(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) set_repeated(call, i, &call->args[0].str[i], call->args[1].i64[i]);
}

void kernel_space(KernelCall *call)
{
	const Str blank = str_borrow(" ", 1);
	for (int i = 0; i < call->count; i++) set_repeated(call, i, &blank, call->args->i64[i]);
}

void kernel_zeroblob(KernelCall *call)
{
	const Str zero = str_borrow("\0", 1);
	for (int i = 0; i < call->count; i++) set_repeated(call, i, &zero, call->args->i64[i]);
}

/* s cut or filled up to `width` characters with the characters of `fill` in turn */
static void set_padded(KernelCall *call, int row, const Str *s, int64_t width, const Str *fill, bool left)
{
	int64_t length = (int64_t)utf8_count(str_at(s), s->bytes), missing = width - length;
	if (width <= 0) {
		call->out->str[row] = (Str){0};
		return;
	}
	if (missing <= 0 || fill->bytes == 0) {
		call->out->str[row] = part(s, false, 0, width);
		return;
	}
	if (missing > RESULT_BYTES_MAX / 4) {
		kernel_null(call, row);
		return;
	}
	char *padding = arena_alloc(call->scratch, (size_t)missing * 4 + s->bytes), *out = padding;
	const char *f = str_at(fill), *f_end = f + fill->bytes;
	if (!left) memcpy(out, str_at(s), s->bytes), out += s->bytes;
	for (; missing > 0; missing--) {
		size_t step = utf8_step(f, f_end);
		memcpy(out, f, step);
		out += step;
		f = f + step == f_end ? str_at(fill) : f + step;
	}
	if (left) memcpy(out, str_at(s), s->bytes), out += s->bytes;
	result_set(call, row, padding, (size_t)(out - padding));
}

static void pad(KernelCall *call, bool left)
{
	const Str blank = str_borrow(" ", 1);
	for (int i = 0; i < call->count; i++) set_padded(call, i, &call->args[0].str[i], call->args[1].i64[i], call->arg_count > 2 ? &call->args[2].str[i] : &blank, left);
}

void kernel_lpad(KernelCall *call) { pad(call, true); }
void kernel_rpad(KernelCall *call) { pad(call, false); }

/* Characters of `from` become those of `to` at the same place, or nothing where `to` is shorter. */
void kernel_translate(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i], *from = &call->args[1].str[i], *to = &call->args[2].str[i];
		const char *at = str_at(s), *end = at + s->bytes, *to_end = str_at(to) + to->bytes;
		char *out = arena_alloc(call->scratch, (size_t)s->bytes * 4), *o = out;
		for (size_t step; at < end; at += step) {
			Str c = str_borrow(at, step = utf8_step(at, end));
			int64_t place = position_of(from, &c, false, 1);
			const char *with = at, *with_end = at + step;
			if (place) {
				with = str_at(to) + utf8_offset(str_at(to), to->bytes, (size_t)(place - 1));
				with_end = with < to_end ? with + utf8_step(with, to_end) : with;
			}
			memcpy(o, with, (size_t)(with_end - with));
			o += with_end - with;
		}
		result_set(call, i, out, (size_t)(o - out));
	}
}

/* overlay(s, new, start [, length]): length of `new` unless told */
void kernel_overlay(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args[0].str[i], *with = &call->args[1].str[i];
		int64_t start = call->args[2].i64[i], length = call->arg_count > 3 ? call->args[3].i64[i] : (int64_t)utf8_count(str_at(with), with->bytes);
		int64_t rest;
		if (start < 1 || __builtin_add_overflow(start - 1, length, &rest)) {
			kernel_null(call, i);
			continue;
		}
		Str parts[3] = {part(s, false, 0, start - 1), *with, part(s, false, rest < 0 ? 0 : rest, s->bytes)};
		set_joined(call, i, parts, 3, NULL);
	}
}

/* ---- characters and codes ---- */

void kernel_char(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		char *out = arena_alloc(call->scratch, 4 * (size_t)call->arg_count);
		size_t bytes = 0;
		for (int a = 0; a < call->arg_count; a++) {
			int64_t code = is_null_at(&call->args[a], i) ? 0 : call->args[a].i64[i];
			bytes += utf8_write(code < 0 || code > 0x10ffff ? 0xfffd : (uint32_t)code, out + bytes);
		}
		result_set(call, i, out, bytes);
	}
}

static void first_code(KernelCall *call, bool null_if_empty)
{
	for (int i = 0; i < call->count; i++) {
		const Str *s = &call->args->str[i];
		const char *at = str_at(s);
		call->out->i64[i] = s->bytes ? utf8_read(at, utf8_step(at, at + s->bytes)) : 0;
		if (!s->bytes && null_if_empty) kernel_null(call, i);
	}
}

void kernel_unicode(KernelCall *call) { first_code(call, true); }
void kernel_ascii(KernelCall *call) { first_code(call, false); }
