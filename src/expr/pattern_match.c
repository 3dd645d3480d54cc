/* Functions over regular expressions: REGEXP, ~, SIMILAR TO, regexp_extract and their kin. A constant pattern is compiled
 * once; one that varies is compiled again where it differs from the row before. What gives up is NULL. */
#include <stdlib.h>

#include "expr/kernels.h"
#include "expr/regex.h"
#include "expr/utf8.h"
#include "type/text.h"

typedef struct Matcher {
	unsigned base, flags;     /* of the function; with those of the flags argument */
	int flags_arg;            /* -1: none */
	Regex *regex;             /* NULL: not compiled, or no regular expression */
	char *pattern;            /* that it was compiled from, where it varies */
	size_t pattern_bytes;
	unsigned pattern_flags;
} Matcher;

static void *prepare(const Value *const *constants, int arg_count, unsigned base, int flags_arg)
{
	Matcher *matcher = mem_new(Matcher);
	matcher->base = matcher->flags = base;
	matcher->flags_arg = flags_arg >= 0 && flags_arg < arg_count ? flags_arg : -1;
	const Str *pattern = constant_text(constants, 1), *flags = matcher->flags_arg >= 0 ? constant_text(constants, flags_arg) : NULL;
	bool known = matcher->flags_arg < 0 || (flags && regex_flags_read(str_at(flags), flags->bytes, &matcher->flags));
	if (pattern && known) matcher->regex = regex_make(str_at(pattern), pattern->bytes, matcher->flags, NULL, 0);
	return matcher;
}

static void unprepare(void *state)
{
	Matcher *matcher = state;
	regex_free(matcher->regex);
	free(matcher->pattern);
	free(matcher);
}

#define MATCHER(name, flags, flags_arg) \
	void *prepare_##name(const Value *const *constants, int arg_count) { return prepare(constants, arg_count, flags, flags_arg); } \
	void unprepare_##name(void *state) { unprepare(state); }

MATCHER(regex, 0, 2)
MATCHER(regex_ignoring_case, REGEX_IGNORE_CASE, -1)
MATCHER(regex_similar, REGEX_SIMILAR, -1)
MATCHER(regex_plain, 0, -1)
MATCHER(regex_replace, 0, 3)

/* The compiled pattern of a row; NULL: it cannot be compiled */
static Regex *regex_at(KernelCall *call, int row)
{
	Matcher *matcher = call->state;
	bool flags_vary = matcher->flags_arg >= 0 && !call->constants[matcher->flags_arg];
	if (call->constants[1] && !flags_vary) return matcher->regex;
	const Str *pattern = &call->args[1].str[row];
	unsigned flags = matcher->flags;
	if (flags_vary) {
		const Str *letters = &call->args[matcher->flags_arg].str[row];
		flags = matcher->base;
		if (!regex_flags_read(str_at(letters), letters->bytes, &flags)) return NULL;
		matcher->flags = flags;
	}
	bool same = matcher->pattern && matcher->pattern_flags == flags && matcher->pattern_bytes == pattern->bytes && memcmp(matcher->pattern, str_at(pattern), pattern->bytes) == 0;
	if (same) return matcher->regex;
	regex_free(matcher->regex);
	matcher->pattern = mem_realloc(matcher->pattern, pattern->bytes + 1);
	memcpy(matcher->pattern, str_at(pattern), pattern->bytes);
	matcher->pattern_bytes = pattern->bytes;
	matcher->pattern_flags = flags;
	return matcher->regex = regex_make(str_at(pattern), pattern->bytes, flags, NULL, 0);
}

/* Looks for the pattern in a row; REGEX_GAVE_UP also where it cannot be compiled */
static RegexResult find(KernelCall *call, int row, Regex **regex)
{
	const Str *text = &call->args->str[row];
	*regex = regex_at(call, row);
	return *regex ? regex_find(*regex, str_at(text), text->bytes, 0) : REGEX_GAVE_UP;
}

void kernel_regexp(KernelCall *call)
{
	Regex *regex;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		RegexResult result = find(call, i, &regex);
		call->out->i64[i] = result == REGEX_YES;
		if (result == REGEX_GAVE_UP) kernel_null(call, i);
	}
}

/* regexp_extract(text, pattern [, group]) */
void kernel_regexp_extract(KernelCall *call)
{
	Regex *regex;
	for (int i = 0; i < call->count; i++) {
		size_t start, end;
		if (result_is_null(call, i)) continue;
		int64_t group = call->arg_count > 2 ? call->args[2].i64[i] : 0;
		bool found = find(call, i, &regex) == REGEX_YES && group >= 0 && group < 65536 && regex_group(regex, (int)group, &start, &end);
		if (found) call->out->str[i] = str_part(&call->args->str[i], start, end - start);
		else kernel_null(call, i);
	}
}

/* The groups of a match as a JSON array, or what matched if there are none */
static void print_groups(const Regex *regex, const char *text, StrBuf *out)
{
	int groups = regex_group_count(regex), first = groups ? 1 : 0;
	for (int g = first; g <= groups; g++) {
		size_t start, end;
		strbuf_addc(out, g > first ? ',' : '[');
		if (regex_group(regex, g, &start, &end)) text_print_json(text + start, end - start, out);
		else strbuf_adds(out, "null");
	}
	strbuf_addc(out, ']');
}

/* regexp_match(text, pattern [, flags]) */
void kernel_regexp_match(KernelCall *call)
{
	Regex *regex;
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		if (find(call, i, &regex) != REGEX_YES) {
			kernel_null(call, i);
			continue;
		}
		strbuf_clear(&out);
		print_groups(regex, str_at(&call->args->str[i]), &out);
		call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
	}
	strbuf_release(&out);
}

/* Calls each for every occurrence, one after the other; false: gave up */
typedef bool OccurrenceFunction(const Regex *regex, size_t start, size_t end, void *context);

static bool each_occurrence(Regex *regex, const Str *text, OccurrenceFunction *each, void *context)
{
	const char *at = str_at(text);
	size_t from = 0, start, end;
	while (from <= text->bytes) {
		RegexResult result = regex_find(regex, at, text->bytes, from);
		if (result == REGEX_GAVE_UP) return false;
		if (result == REGEX_NO || !regex_group(regex, 0, &start, &end)) return true;
		if (!each(regex, start, end, context)) return true;
		from = end > start ? end : end + (end < text->bytes ? utf8_step(at + end, at + text->bytes) : 1);
	}
	return true;
}

static bool count_one(const Regex *regex, size_t start, size_t end, void *context)
{
	(void)regex, (void)start, (void)end;
	++*(int64_t *)context;
	return true;
}

typedef struct Extracting { const char *text; int group; StrBuf *out; } Extracting;

static bool extract_one(const Regex *regex, size_t start, size_t end, void *context)
{
	Extracting *extracting = context;
	strbuf_addc(extracting->out, extracting->out->bytes ? ',' : '[');
	if (regex_group(regex, extracting->group, &start, &end)) text_print_json(extracting->text + start, end - start, extracting->out);
	else strbuf_adds(extracting->out, "null");
	return extracting->out->bytes <= RESULT_BYTES_MAX;
}

void kernel_regexp_extract_all(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		Regex *regex = regex_at(call, i);
		int64_t group = call->arg_count > 2 ? call->args[2].i64[i] : 0;
		Extracting extracting = {str_at(&call->args->str[i]), (int)group, &out};
		strbuf_clear(&out);
		bool ok = regex && group >= 0 && group <= regex_group_count(regex) && each_occurrence(regex, &call->args->str[i], extract_one, &extracting) && out.bytes <= RESULT_BYTES_MAX;
		if (!out.bytes) strbuf_addc(&out, '[');
		strbuf_addc(&out, ']');
		if (ok) call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
		else kernel_null(call, i);
	}
	strbuf_release(&out);
}

typedef struct Matching { const char *text; StrBuf *out; bool all; } Matching;

static bool match_one(const Regex *regex, size_t start, size_t end, void *context)
{
	(void)start, (void)end;
	Matching *matching = context;
	if (matching->out->bytes > 1) strbuf_addc(matching->out, ',');
	print_groups(regex, matching->text, matching->out);
	return matching->all && matching->out->bytes <= RESULT_BYTES_MAX;
}

/* The rows of regexp_matches() as an array: the groups of the first match, with flag g of all */
void kernel_regexp_match_rows(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		Regex *regex = regex_at(call, i);
		Matching matching = {str_at(&call->args->str[i]), &out, ((Matcher *)call->state)->flags & REGEX_ALL};
		strbuf_clear(&out);
		strbuf_addc(&out, '[');
		bool ok = regex && each_occurrence(regex, &call->args->str[i], match_one, &matching) && out.bytes <= RESULT_BYTES_MAX;
		strbuf_addc(&out, ']');
		if (ok) call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
		else kernel_null(call, i);
	}
	strbuf_release(&out);
}

void kernel_regexp_count(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		Regex *regex = regex_at(call, i);
		int64_t count = 0;
		if (!regex || !each_occurrence(regex, &call->args->str[i], count_one, &count)) kernel_null(call, i);
		call->out->i64[i] = count;
	}
}

void kernel_regexp_instr(KernelCall *call)
{
	Regex *regex;
	for (int i = 0; i < call->count; i++) {
		size_t start, end;
		if (result_is_null(call, i)) continue;
		RegexResult result = find(call, i, &regex);
		call->out->i64[i] = result == REGEX_YES && regex_group(regex, 0, &start, &end) ? (int64_t)utf8_count(str_at(&call->args->str[i]), start) + 1 : 0;
		if (result == REGEX_GAVE_UP) kernel_null(call, i);
	}
}

/* ---- replacing ---- */

typedef struct Replacing { const char *text; const Str *with; StrBuf *out; size_t done; bool all; } Replacing;

/* \1 to \9 are groups, \0 and \& what matched, \\ a backslash */
static void add_replacement(const Regex *regex, const Replacing *r)
{
	const char *at = str_at(r->with), *end = at + r->with->bytes;
	while (at < end) {
		const char *slash = memchr(at, '\\', (size_t)(end - at));
		strbuf_add(r->out, at, (size_t)((slash ? slash : end) - at));
		if (!slash) return;
		char c = slash + 1 < end ? slash[1] : '\\';
		size_t start, stop;
		if (c == '&' || (c >= '0' && c <= '9')) {
			if (regex_group(regex, c == '&' ? 0 : c - '0', &start, &stop)) strbuf_add(r->out, r->text + start, stop - start);
		} else strbuf_addc(r->out, c);
		at = slash + 2;
	}
}

static bool replace_one(const Regex *regex, size_t start, size_t end, void *context)
{
	Replacing *r = context;
	strbuf_add(r->out, r->text + r->done, start - r->done);
	add_replacement(regex, r);
	r->done = end;
	return r->all && r->out->bytes <= STR_BYTES_MAX;
}

static void replace(KernelCall *call, bool always_all)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		Regex *regex = regex_at(call, i);
		const Str *text = &call->args->str[i];
		Replacing r = {.text = str_at(text), .with = &call->args[2].str[i], .out = &out};
		r.all = always_all || (((Matcher *)call->state)->flags & REGEX_ALL);
		strbuf_clear(&out);
		if (!regex || !each_occurrence(regex, text, replace_one, &r) || out.bytes > STR_BYTES_MAX) {
			kernel_null(call, i);
			continue;
		}
		strbuf_add(&out, r.text + r.done, text->bytes - r.done);
		call->out->str[i] = r.done || out.bytes != text->bytes ? str_copy(call->scratch, out.text, out.bytes) : *text;
	}
	strbuf_release(&out);
}

void kernel_regexp_replace(KernelCall *call) { replace(call, false); }
void kernel_regexp_replace_all(KernelCall *call) { replace(call, true); }

/* The parts between occurrences as a JSON array. Where nothing matches between two characters they are parted, too. */
typedef struct Splitting { const char *text; size_t bytes; StrBuf *out; size_t done; } Splitting;

static bool split_one(const Regex *regex, size_t start, size_t end, void *context)
{
	(void)regex;
	Splitting *s = context;
	if (start == end && (start == s->done || start == s->bytes)) return true;
	text_print_json(s->text + s->done, start - s->done, s->out);
	strbuf_addc(s->out, ',');
	s->done = end;
	return true;
}

void kernel_regexp_split(KernelCall *call)
{
	StrBuf out = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		Regex *regex = regex_at(call, i);
		const Str *text = &call->args->str[i];
		Splitting s = {.text = str_at(text), .bytes = text->bytes, .out = &out};
		strbuf_clear(&out);
		strbuf_addc(&out, '[');
		if (!regex || !each_occurrence(regex, text, split_one, &s)) {
			kernel_null(call, i);
			continue;
		}
		text_print_json(s.text + s.done, text->bytes - s.done, &out);
		strbuf_addc(&out, ']');
		call->out->str[i] = str_copy(call->scratch, out.text, out.bytes);
	}
	strbuf_release(&out);
}
