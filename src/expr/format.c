/* printf (SQLite's, which is also format()), and to_char for numbers (PostgreSQL's). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/cast.h"
#include "expr/kernels.h"
#include "expr/resolve.h"
#include "expr/utf8.h"
#include "type/number.h"
#include "type/text.h"

/* ---- printf ---- */

typedef struct Spec {
	bool left, plus, blank, zero, alternate, comma, alternate_2;
	int64_t width, precision;             /* precision -1: none */
	char letter;
} Spec;

typedef struct Args { KernelCall *call; int row, next; } Args;

/* The next argument, or NULL where there are no more */
static Value take_value(Args *args)
{
	if (args->next >= args->call->arg_count) return (Value){.type = TYPE(NULL), .is_null = true};
	return column_value(&args->call->args[args->next++], args->row);
}

static int64_t take_integer(Args *args)
{
	Value value = take_value(args), out;
	bool ok = !value.is_null && value_cast(&value, TYPE(INTEGER), CAST_EXPLICIT, &out, args->call->scratch);
	return ok ? out.i64 : 0;
}

static double take_real(Args *args)
{
	Value value = take_value(args), out;
	bool ok = !value.is_null && value_cast(&value, TYPE(REAL), CAST_EXPLICIT, &out, args->call->scratch);
	return ok ? out.f64 : 0;
}

static const char *read_spec(const char *at, const char *end, Args *args, Spec *spec)
{
	*spec = (Spec){.precision = -1};
	for (; at < end; at++) {
		if (*at == '-') spec->left = true;
		else if (*at == '+') spec->plus = true;
		else if (*at == ' ') spec->blank = true;
		else if (*at == '0') spec->zero = true;
		else if (*at == '#') spec->alternate = true;
		else if (*at == '!') spec->alternate_2 = true;
		else if (*at == ',') spec->comma = true;
		else break;
	}
	if (at < end && *at == '*') {
		spec->width = take_integer(args);
		if (spec->width < 0) spec->left = true, spec->width = spec->width < -RESULT_BYTES_MAX ? RESULT_BYTES_MAX + 1 : -spec->width;
		at++;
	} else for (; at < end && (unsigned char)(*at - '0') < 10; at++)
		if (spec->width <= RESULT_BYTES_MAX) spec->width = spec->width * 10 + (*at - '0');
	if (at < end && *at == '.') {
		spec->precision = 0;
		at++;
		if (at < end && *at == '*') {
			spec->precision = take_integer(args);
			if (spec->precision < 0) spec->precision = spec->precision == INT64_MIN ? RESULT_BYTES_MAX : -spec->precision;
			at++;
		} else for (; at < end && (unsigned char)(*at - '0') < 10; at++)
			if (spec->precision <= RESULT_BYTES_MAX) spec->precision = spec->precision * 10 + (*at - '0');
	}
	while (at < end && *at == 'l') at++;
	spec->letter = at < end ? *at : 0;
	return at < end ? at + 1 : at;
}

static void add_blanks(StrBuf *out, int64_t count, char c)
{
	for (; count > 0; count--) strbuf_addc(out, c);
}

/* `digits` of the text at its end are the number proper; zeros go before them. */
static void add_padded(StrBuf *out, const Spec *spec, const char *text, size_t bytes, size_t sign_bytes, bool numeric)
{
	int64_t missing = spec->width - (int64_t)(numeric ? bytes : utf8_count(text, bytes));
	if (numeric && spec->zero && !spec->left) {
		strbuf_add(out, text, sign_bytes);
		add_blanks(out, missing, '0');
		strbuf_add(out, text + sign_bytes, bytes - sign_bytes);
		return;
	}
	if (!spec->left) add_blanks(out, missing, ' ');
	strbuf_add(out, text, bytes);
	if (spec->left) add_blanks(out, missing, ' ');
}

static const char *sign_of(bool negative, const Spec *spec)
{
	return negative ? "-" : spec->plus ? "+" : spec->blank ? " " : "";
}

/* Groups of three with commas among the digits before a point */
static void add_grouped(StrBuf *out, const char *digits, size_t bytes)
{
	size_t whole = 0;
	while (whole < bytes && (unsigned char)(digits[whole] - '0') < 10) whole++;
	for (size_t i = 0; i < whole; i++) {
		if (i && (whole - i) % 3 == 0) strbuf_addc(out, ',');
		strbuf_addc(out, digits[i]);
	}
	strbuf_add(out, digits + whole, bytes - whole);
}

static void print_integer(StrBuf *out, const Spec *spec, Args *args)
{
	int64_t x = take_integer(args);
	StrBuf text = STRBUF_INIT;
	char digits[80];
	uint64_t magnitude = x < 0 ? -(uint64_t)x : (uint64_t)x;
	const char *sign = "";
	switch (spec->letter) {
	case 'u': snprintf(digits, sizeof digits, "%llu", (unsigned long long)x); break;
	case 'x': snprintf(digits, sizeof digits, "%llx", (unsigned long long)x), sign = spec->alternate && x ? "0x" : ""; break;
	case 'X': snprintf(digits, sizeof digits, "%llX", (unsigned long long)x), sign = spec->alternate && x ? "0X" : ""; break;
	case 'o': snprintf(digits, sizeof digits, "%llo", (unsigned long long)x), sign = spec->alternate && x ? "0" : ""; break;
	default: snprintf(digits, sizeof digits, "%llu", (unsigned long long)magnitude), sign = sign_of(x < 0, spec); break;
	}
	strbuf_adds(&text, sign);
	add_blanks(&text, spec->precision - (int64_t)strlen(digits), '0');
	if (spec->comma && (spec->letter == 'd' || spec->letter == 'i')) add_grouped(&text, digits, strlen(digits));
	else strbuf_adds(&text, digits);
	add_padded(out, spec, text.text, text.bytes, strlen(sign), true);
	strbuf_release(&text);
}

/* %f rounds the shortest digits half away from zero, as SQLite; C rounds the exact value, half to even. false: too many digits */
static bool print_fixed(double x, int precision, char *out)
{
	Int128 scaled;
	if (precision > 30 || !real_to_decimal(x, DECIMAL_PRECISION_MAX, precision, &scaled)) return false;
	out[decimal_print(scaled, precision, out)] = 0;
	return true;
}

static void print_real(StrBuf *out, const Spec *spec, Args *args)
{
	double x = take_real(args);
	StrBuf text = STRBUF_INIT;
	const char *sign = sign_of(x < 0, spec);
	char format[8] = "%.*", digits[420];
	int precision = spec->precision < 0 ? 6 : spec->precision > 60 ? 60 : (int)spec->precision;
	strbuf_adds(&text, sign);
	if (isinf(x)) strbuf_adds(&text, "Inf");
	else {
		format[3] = spec->alternate ? '#' : spec->letter;
		if (spec->alternate) memcpy(format, "%#.*", 4), format[4] = spec->letter;
		if (spec->letter != 'f' || spec->alternate || !print_fixed(fabs(x), precision, digits)) snprintf(digits, sizeof digits, format, precision, fabs(x));
		if (spec->comma) add_grouped(&text, digits, strlen(digits));
		else strbuf_adds(&text, digits);
	}
	add_padded(out, spec, text.text, text.bytes, strlen(sign), !isinf(x));
	strbuf_release(&text);
}

/* s: as it is; q: quotes doubled; Q, L: with quotes around, NULL as NULL; w: double quotes doubled; I: as identifier */
static void print_text(StrBuf *out, const Spec *spec, Args *args)
{
	Value value = take_value(args);
	StrBuf plain = STRBUF_INIT, text = STRBUF_INIT;
	char letter = spec->letter;
	bool quoted = letter == 'Q' || letter == 'L' || letter == 'I';
	char quote = letter == 'w' || letter == 'I' ? '"' : '\'';
	value_print(&value, &plain);
	if (value.is_null && letter != 's' && letter != 'z' && letter != 'c') strbuf_adds(&text, quoted ? "NULL" : letter == 'q' ? "(NULL)" : "");
	else {
		size_t bytes = plain.bytes;
		if (spec->precision >= 0 && letter != 'c') bytes = utf8_offset(plain.text, plain.bytes, (size_t)spec->precision);
		if (letter == 'c') bytes = plain.bytes ? utf8_step(plain.text, plain.text + plain.bytes) : 0;
		int64_t copies = letter == 'c' && spec->precision > 1 ? spec->precision : 1;
		if (quoted) strbuf_addc(&text, quote);
		for (; copies > 0; copies--)
			for (size_t i = 0; i < bytes; i++) {
				if (plain.text[i] == quote && letter != 's' && letter != 'z' && letter != 'c') strbuf_addc(&text, quote);
				strbuf_addc(&text, plain.text[i]);
			}
		if (quoted) strbuf_addc(&text, quote);
	}
	add_padded(out, spec, text.text, text.bytes, 0, false);
	strbuf_release(&plain);
	strbuf_release(&text);
}

/* false: a letter without meaning (NULL, where SQLite ends the text), or too long */
static bool print_format(StrBuf *out, const Str *format, Args *args)
{
	const char *at = str_at(format), *end = at + format->bytes;
	while (at < end) {
		const char *percent = memchr(at, '%', (size_t)(end - at));
		Spec spec;
		strbuf_add(out, at, (size_t)((percent ? percent : end) - at));
		if (!percent) return true;
		if (percent + 1 == end) {
			strbuf_addc(out, '%');
			return true;
		}
		at = read_spec(percent + 1, end, args, &spec);
		if (spec.width > RESULT_BYTES_MAX || spec.precision > RESULT_BYTES_MAX || out->bytes > RESULT_BYTES_MAX) return false;
		switch (spec.letter) {
		case 'd': case 'i': case 'u': case 'x': case 'X': case 'o': print_integer(out, &spec, args); break;
		case 'f': case 'e': case 'E': case 'g': case 'G': print_real(out, &spec, args); break;
		case 's': case 'z': case 'c': case 'q': case 'Q': case 'w': case 'L': case 'I': print_text(out, &spec, args); break;
		case '%': strbuf_addc(out, '%'); break;
		default: return false;
		}
	}
	return true;
}

void kernel_printf(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		Args args = {.call = call, .row = i, .next = 1};
		strbuf_clear(&out);
		if (is_null_at(call->args, i) || !print_format(&out, &call->args->str[i], &args)) kernel_null(call, i);
		else call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
	}
	strbuf_release(&out);
}

/* ---- to_char(number, pattern) ---- */

/* 9 a digit or blank, 0 a digit or zero, . or D the point, , or G groups, S a sign (before the digits it stands next to them), MI a minus there, PR <> around
 * negatives, $ or L a dollar, FM nothing to fill up. */
typedef struct NumberPattern { int whole, fraction; bool fill, has_sign, bracket, sign_first; } NumberPattern;

static bool word_at(const char *at, const char *end, const char *word)
{
	size_t bytes = strlen(word);
	for (size_t i = 0; i < bytes; i++)
		if (at + i >= end || (at[i] & ~0x20) != word[i]) return false;
	return true;
}

/* false: a letter that is not known here (V, TH, RN, EEEE) */
static bool read_number_pattern(const char *at, const char *end, NumberPattern *out)
{
	bool point = false;
	*out = (NumberPattern){.fill = true};
	while (at < end) {
		size_t bytes = 1;
		if (word_at(at, end, "FM")) out->fill = false, bytes = 2;
		else if (word_at(at, end, "MI")) out->has_sign = true, bytes = 2;
		else if (word_at(at, end, "PR")) out->bracket = true, bytes = 2;
		else if (*at == '9' || *at == '0') *(point ? &out->fraction : &out->whole) += 1;
		else if (*at == '.' || *at == 'D' || *at == 'd') {
			if (point) return false;
			point = true;
		} else if (*at == 'S' || *at == 's') out->has_sign = true, out->sign_first = !out->whole && !point;
		else if (!strchr(",GgLl$ -:", *at)) return false;
		at += bytes;
	}
	return true;
}

bool number_pattern_is_known(const Str *pattern)
{
	NumberPattern read;
	return read_number_pattern(str_at(pattern), str_at(pattern) + pattern->bytes, &read);
}

/* The digits of |x| rounded to the pattern, with zeros up to its whole part; false: does not fit */
static bool digits_of(const Value *value, const NumberPattern *pattern, char *digits, bool *negative)
{
	Value decimal;
	Type type = type_decimal(DECIMAL_PRECISION_MAX, pattern->fraction);
	if (pattern->whole + pattern->fraction > 37 || !value_cast(value, type, CAST_EXPLICIT, &decimal, NULL)) return false;
	char text[DECIMAL_PRINT_BYTES];
	int bytes = decimal_print(decimal.i128 < 0 ? -decimal.i128 : decimal.i128, 0, text);
	*negative = decimal.i128 < 0;
	int wanted = pattern->whole + pattern->fraction;
	if (bytes == 1 && text[0] == '0') bytes = 0;
	if (bytes > wanted) return false;
	memset(digits, '0', (size_t)(wanted - bytes));
	memcpy(digits + wanted - bytes, text, (size_t)bytes);
	return true;
}

/* Right before the first digit */
static void add_sign(StrBuf *out, const NumberPattern *pattern, bool negative)
{
	if (negative) strbuf_addc(out, '-');
	else if (pattern->sign_first) strbuf_addc(out, '+');
	else if (pattern->fill) strbuf_addc(out, ' ');
}

static void print_pattern(StrBuf *out, const char *at, const char *end, const NumberPattern *pattern, const char *digits, bool negative)
{
	int place = 0;
	bool started = false, signed_yet = (pattern->has_sign && !pattern->sign_first) || pattern->bracket, point = false;
	StrBuf body = STRBUF_INIT;
	for (; at < end; at++) {
		if (word_at(at, end, "FM")) { at++; continue; }
		if (word_at(at, end, "PR")) { at++; continue; }
		if (word_at(at, end, "MI")) {
			if (negative) strbuf_addc(&body, '-');
			else if (pattern->fill) strbuf_addc(&body, ' ');
			at++;
		} else if (*at == 'S' || *at == 's') {
			if (!pattern->sign_first) strbuf_addc(&body, negative ? '-' : '+');
		} else if (*at == '9' || *at == '0') {
			started |= *at == '0' || digits[place] != '0' || point || (place == pattern->whole - 1 && pattern->fraction == 0);
			if (started && !signed_yet) add_sign(&body, pattern, negative), signed_yet = true;
			if (started) strbuf_addc(&body, digits[place]);
			else if (pattern->fill) strbuf_addc(&body, ' ');
			place++;
		} else if (*at == '.' || *at == 'D' || *at == 'd') {
			if (!signed_yet) add_sign(&body, pattern, negative), signed_yet = true;
			point = started = true;
			strbuf_addc(&body, '.');
		} else if (*at == ',' || *at == 'G' || *at == 'g') {
			if (started) strbuf_addc(&body, ',');
			else if (pattern->fill) strbuf_addc(&body, ' ');
		} else strbuf_addc(&body, *at == 'L' || *at == 'l' ? '$' : *at);
	}
	if (!pattern->fill && point) {                                 /* FM: no zeros that 9 stands for at the end */
		while (body.bytes && body.text[body.bytes - 1] == '0' && end[-1] == '9') body.text[--body.bytes] = 0;
	}
	if (pattern->bracket) strbuf_adds(out, negative ? "<" : pattern->fill ? " " : "");
	strbuf_add(out, body.text, body.bytes);
	if (pattern->bracket) strbuf_adds(out, negative ? ">" : pattern->fill ? " " : "");
	strbuf_release(&body);
}

void kernel_to_char_number(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		const Str *text = &call->args[1].str[i];
		const char *at = str_at(text), *end = at + text->bytes;
		NumberPattern pattern;
		char digits[DECIMAL_PRINT_BYTES];
		bool negative;
		Value value = column_value(&call->args[0], i);
		strbuf_clear(&out);
		if (!read_number_pattern(at, end, &pattern)) {
			kernel_null(call, i);
			continue;
		}
		if (digits_of(&value, &pattern, digits, &negative)) print_pattern(&out, at, end, &pattern, digits, negative);
		else {                                                      /* too many digits: PostgreSQL prints # */
			strbuf_addc(&out, ' ');
			add_blanks(&out, pattern.whole, '#');
			if (pattern.fraction) strbuf_addc(&out, '.');
			add_blanks(&out, pattern.fraction, '#');
		}
		call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
	}
	strbuf_release(&out);
}

/* ---- choosing by number, distance of words ---- */

/* elt(n, a, b ...): argument n, from 1 */
void kernel_elt(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t n = is_null_at(call->args, i) ? 0 : call->args->i64[i];
		if (n < 1 || n >= call->arg_count || is_null_at(&call->args[n], i)) kernel_null(call, i);
		else call->out->str[i] = call->args[n].str[i];
	}
}

/* field(x, a, b ...): which of them x is, from 1; 0: none */
void kernel_field(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t found = 0;
		for (int a = 1; a < call->arg_count && !found && !is_null_at(call->args, i); a++)
			if (!is_null_at(&call->args[a], i) && str_equal(&call->args->str[i], &call->args[a].str[i])) found = a;
		call->out->i64[i] = found;
	}
}

enum { LEVENSHTEIN_BYTES_MAX = 1000 };

/* Insertions, deletions and replacements of characters; NULL for longer texts */
void kernel_levenshtein(KernelCall *call)
{
	int row[LEVENSHTEIN_BYTES_MAX + 1];
	for (int i = 0; i < call->count; i++) {
		const Str *a = &call->args[0].str[i], *b = &call->args[1].str[i];
		if (result_is_null(call, i)) continue;
		if (a->bytes > LEVENSHTEIN_BYTES_MAX || b->bytes > LEVENSHTEIN_BYTES_MAX) {
			kernel_null(call, i);
			continue;
		}
		const char *x = str_at(a), *x_end = x + a->bytes, *b_end = str_at(b) + b->bytes;
		int columns = (int)utf8_count(str_at(b), b->bytes);
		for (int j = 0; j <= columns; j++) row[j] = j;
		for (size_t step_x; x < x_end; x += step_x) {
			step_x = utf8_step(x, x_end);
			int corner = row[0]++, j = 1;
			for (const char *y = str_at(b); y < b_end; j++) {
				size_t step_y = utf8_step(y, b_end);
				int replaced = corner + !(step_x == step_y && memcmp(x, y, step_x) == 0), shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
				corner = row[j];
				row[j] = replaced < shorter ? replaced : shorter;
				y += step_y;
			}
		}
		call->out->i64[i] = row[columns];
	}
}

/* likely(x) and its kin: hints to SQLite's planner */
void kernel_identity(KernelCall *call)
{
	memcpy(call->out->data, call->args->data, phys_bytes(type_phys(call->out->type)) * (size_t)call->count);
}
