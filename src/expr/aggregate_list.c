/* Aggregates that give all values of the group: as text, as JSON array, as JSON object. */
#include "expr/aggregate_rows.h"
#include "expr/json_text.h"
#include "type/row.h"
#include "type/text.h"

Value value_keep(const Value *value, Arena *arena)
{
	Value kept = *value;
	if (!kept.is_null && type_phys(kept.type) == PHYS_STR) kept.str = str_copy(arena, str_at(&value->str), value->str.bytes);
	return kept;
}

/* Hands the text over as a value; what is longer than a value may be is NULL. Releases text. */
static void value_set_text(Value *out, Type type, StrBuf *text, Arena *scratch)
{
	value_set_null(out, type);
	if (text->bytes <= STR_BYTES_MAX) {
		out->is_null = false;
		out->str = str_copy(scratch, text->text, text->bytes);
	}
	strbuf_release(text);
}

/* ---- string_agg ---- */

/* separator NULL: each row has its own beside it, and that of the first is not needed */
static void join_values(AggregateCursor *cursor, const Str *separator, Value *out, Arena *scratch)
{
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count;
	StrBuf text = STRBUF_INIT;
	bool any = false;
	while (cursor->next(cursor, values, &count)) {
		const Str *before = separator ? separator : values[1].is_null ? NULL : &values[1].str;
		for (; count > 0 && text.bytes <= STR_BYTES_MAX; count--, any = true) {
			if (any && before) strbuf_add(&text, str_at(before), before->bytes);
			strbuf_add(&text, str_at(&values[0].str), values[0].str.bytes);
		}
	}
	value_set_text(out, TYPE(TEXT), &text, scratch);
	if (!any) value_set_null(out, TYPE(TEXT));
}

AGGREGATE_ORDERED(join_by_comma)
{
	(void)parameters; (void)args; (void)arg_count;
	const Str comma = str_borrow(",", 1);
	join_values(cursor, &comma, out, scratch);
}

AGGREGATE_ORDERED(join)
{
	(void)args; (void)arg_count;
	const Str none = {0};
	join_values(cursor, parameters[0].is_null ? &none : &parameters[0].str, out, scratch);
}

/* group_concat(x, y) */
AGGREGATE_ORDERED(join_each)
{
	(void)parameters; (void)args; (void)arg_count;
	join_values(cursor, NULL, out, scratch);
}

/* ---- JSON arrays ---- */

/* Each entry `count` times, or once where distinct (entries then come in order of value); at most `limit` elements. */
static int64_t print_array(AggregateCursor *cursor, bool distinct, int64_t limit, StrBuf *json)
{
	Value values[AGGREGATE_VALUES_MAX], last = {0};
	int64_t count, written = 0;
	Arena kept;
	arena_init(&kept, 0);
	strbuf_addc(json, '[');
	while (written < limit && json->bytes <= STR_BYTES_MAX && cursor->next(cursor, values, &count)) {
		if (distinct) {
			if (written && value_equal(&last, &values[0])) continue;
			arena_clear(&kept);
			last = value_keep(&values[0], &kept);
			count = 1;
		}
		for (; count > 0 && written < limit && json->bytes <= STR_BYTES_MAX; count--, written++) {
			if (written) strbuf_addc(json, ',');
			json_print_member(&values[0], json);
		}
	}
	strbuf_addc(json, ']');
	arena_release(&kept);
	return written;
}

AGGREGATE_ORDERED(list)
{
	(void)parameters; (void)args; (void)arg_count;
	StrBuf json = STRBUF_INIT;
	int64_t written = print_array(cursor, false, INT64_MAX, &json);
	value_set_text(out, TYPE(JSON), &json, scratch);
	if (!written) value_set_null(out, TYPE(JSON));
}

AGGREGATE_ORDERED(list_or_empty)
{
	(void)parameters; (void)args; (void)arg_count;
	StrBuf json = STRBUF_INIT;
	print_array(cursor, false, INT64_MAX, &json);
	value_set_text(out, TYPE(JSON), &json, scratch);
}

AGGREGATE_ORDERED(set)
{
	(void)parameters; (void)args; (void)arg_count;
	StrBuf json = STRBUF_INIT;
	print_array(cursor, true, INT64_MAX, &json);
	value_set_text(out, TYPE(JSON), &json, scratch);
}

AGGREGATE_ORDERED(top)
{
	(void)args; (void)arg_count;
	StrBuf json = STRBUF_INIT;
	print_array(cursor, false, parameters[0].is_null ? 0 : parameters[0].i64, &json);
	value_set_text(out, TYPE(JSON), &json, scratch);
}

AGGREGATE_ORDERED(top_distinct)
{
	(void)args; (void)arg_count;
	StrBuf json = STRBUF_INIT;
	print_array(cursor, true, parameters[0].is_null ? 0 : parameters[0].i64, &json);
	value_set_text(out, TYPE(JSON), &json, scratch);
}

/* ---- ksqlDB's first and last ---- */

static bool keeps_nulls(const Value *parameter) { return !parameter->is_null && !parameter->i64; }

AGGREGATE_ORDERED(earliest)
{
	(void)arg_count;
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count;
	value_set_null(out, args[0]);
	while (cursor->next(cursor, values, &count)) {
		if (values[0].is_null && !keeps_nulls(&parameters[0])) continue;
		*out = value_keep(&values[0], scratch);
		return;
	}
}

AGGREGATE_ORDERED(latest)
{
	(void)arg_count;
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count;
	StrBuf text = STRBUF_INIT;
	value_set_null(out, args[0]);
	while (cursor->next(cursor, values, &count)) {
		if (values[0].is_null && !keeps_nulls(&parameters[0])) continue;
		*out = values[0];
		if (out->is_null || type_phys(out->type) != PHYS_STR) continue;
		strbuf_clear(&text);                                          /* good until the next call only */
		strbuf_add(&text, str_at(&values[0].str), values[0].str.bytes);
		out->str = str_borrow(text.text, text.bytes);
	}
	*out = value_keep(out, scratch);
	strbuf_release(&text);
}

/* The first or the last elements of a list that is written from its beginning on */
typedef struct Elements { StrBuf json; VEC(size_t) ends; int first; } Elements;      /* ends: of each element; those before `first` are dropped */

static void elements_add(Elements *elements, const Value *value)
{
	json_print_member(value, &elements->json);
	vec_push(&elements->ends, elements->json.bytes);
}

static void elements_drop_first(Elements *elements)
{
	enum { DROPPED_MAX = 1024 };
	if (++elements->first < DROPPED_MAX || elements->first < elements->ends.count / 2) return;
	size_t dropped = elements->ends.at[elements->first - 1];
	memmove(elements->json.text, elements->json.text + dropped, elements->json.bytes - dropped);
	elements->json.bytes -= dropped;
	elements->ends.count -= elements->first;
	for (int i = 0; i < elements->ends.count; i++) elements->ends.at[i] = elements->ends.at[i + elements->first] - dropped;
	elements->first = 0;
}

static void elements_value(Elements *elements, Value *out, Arena *scratch)
{
	StrBuf json = STRBUF_INIT;
	strbuf_addc(&json, '[');
	for (int i = elements->first; i < elements->ends.count; i++) {
		size_t start = i ? elements->ends.at[i - 1] : 0;
		if (i > elements->first) strbuf_addc(&json, ',');
		strbuf_add(&json, elements->json.text + start, elements->ends.at[i] - start);
	}
	strbuf_addc(&json, ']');
	value_set_text(out, TYPE(JSON), &json, scratch);
	strbuf_release(&elements->json);
	vec_release(&elements->ends);
}

static void ends_of_list(AggregateCursor *cursor, const Value *most_value, bool nulls, bool last, Value *out, Arena *scratch)
{
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count, most = most_value->is_null ? 0 : most_value->i64;
	Elements elements = {.json = STRBUF_INIT};
	while (most > 0 && cursor->next(cursor, values, &count)) {
		if (values[0].is_null && !nulls) continue;
		for (int64_t i = 0; i < count && i < most; i++) {
			bool full = elements.ends.count - elements.first >= most;
			if (full && !last) break;
			if (full) elements_drop_first(&elements);
			elements_add(&elements, &values[0]);
		}
	}
	elements_value(&elements, out, scratch);
}

#define ENDS_OF_LIST(name, nulls, last) \
	AGGREGATE_ORDERED(name) \
	{ \
		(void)args; (void)arg_count; \
		ends_of_list(cursor, &parameters[0], nulls, last, out, scratch); \
	}

ENDS_OF_LIST(earliest_list, false, false)
ENDS_OF_LIST(latest_list, false, true)
ENDS_OF_LIST(earliest_list_of_all, keeps_nulls(&parameters[1]), false)
ENDS_OF_LIST(latest_list_of_all, keeps_nulls(&parameters[1]), true)

/* ---- JSON objects ---- */

static void print_name(const Value *value, StrBuf *json)
{
	StrBuf text = STRBUF_INIT;
	value_print(value, &text);
	Value name = {.type = TYPE(TEXT), .str = str_borrow(text.text, text.bytes)};
	value_print_json(&name, json);
	strbuf_release(&text);
}

static int64_t print_object(AggregateCursor *cursor, StrBuf *json)
{
	Value values[AGGREGATE_VALUES_MAX];
	int64_t count, written = 0;
	strbuf_addc(json, '{');
	while (json->bytes <= STR_BYTES_MAX && cursor->next(cursor, values, &count)) {
		for (; count > 0 && json->bytes <= STR_BYTES_MAX; count--, written++) {
			if (written) strbuf_addc(json, ',');
			print_name(&values[0], json);
			strbuf_addc(json, ':');
			json_print_member(&values[1], json);
		}
	}
	strbuf_addc(json, '}');
	return written;
}

AGGREGATE_ORDERED(object)
{
	(void)parameters; (void)args; (void)arg_count;
	StrBuf json = STRBUF_INIT;
	int64_t written = print_object(cursor, &json);
	value_set_text(out, TYPE(JSON), &json, scratch);
	if (!written) value_set_null(out, TYPE(JSON));
}

AGGREGATE_ORDERED(object_or_empty)
{
	(void)parameters; (void)args; (void)arg_count;
	StrBuf json = STRBUF_INIT;
	print_object(cursor, &json);
	value_set_text(out, TYPE(JSON), &json, scratch);
}

/* {"value": how often, ...}; equal values are neighbours */
AGGREGATE_ORDERED(histogram)
{
	(void)parameters; (void)args; (void)arg_count;
	Value values[AGGREGATE_VALUES_MAX], last = {0};
	int64_t count, total = 0;
	bool any = false;
	StrBuf json = STRBUF_INIT;
	strbuf_addc(&json, '{');
	while (cursor->next(cursor, values, &count)) {
		if (!any || !value_equal(&last, &values[0])) {
			if (any) strbuf_printf(&json, "%lld,", (long long)total);
			print_name(&values[0], &json);
			strbuf_addc(&json, ':');
			last = value_keep(&values[0], scratch);
			total = 0;
		}
		total += count;
		any = true;
	}
	if (any) strbuf_printf(&json, "%lld", (long long)total);
	strbuf_addc(&json, '}');
	value_set_text(out, TYPE(JSON), &json, scratch);
}
