#include "expr/nested.h"

#include <stdlib.h>
#include <strings.h>

#include "base/vec.h"
#include "expr/cast.h"
#include "expr/kernels.h"
#include "type/number.h"
#include "type/row.h"
#include "type/text.h"

/* ---- entries ---- */

/* One entry of an object; its name lies in the text behind the others. */
typedef struct Entry { size_t name, name_bytes; JsonPart value; int place; } Entry;
typedef struct Entries { VEC(Entry) list; StrBuf names; } Entries;

static void entries_read(JsonPart object, Entries *out)
{
	for (JsonWalk walk = json_walk(object); json_walk_next(&walk);) {
		Entry entry = {.name = out->names.bytes, .value = walk.value, .place = out->list.count};
		json_unescape(walk.key, &out->names);
		entry.name_bytes = out->names.bytes - entry.name;
		vec_push(&out->list, entry);
	}
}

static void entries_release(Entries *entries)
{
	vec_release(&entries->list);
	strbuf_release(&entries->names);
}

static const char *name_of(const Entries *entries, const Entry *entry) { return entries->names.text + entry->name; }

static int compare_names(const Entries *entries, const Entry *a, const Entry *b)
{
	size_t least = a->name_bytes < b->name_bytes ? a->name_bytes : b->name_bytes;
	int order = least ? memcmp(name_of(entries, a), name_of(entries, b), least) : 0;
	return order ? order : (a->name_bytes > b->name_bytes) - (a->name_bytes < b->name_bytes);
}

static int by_name(const void *a, const void *b, void *entries)
{
	int order = compare_names(entries, a, b);
	return order ? order : ((const Entry *)a)->place - ((const Entry *)b)->place;
}

static int by_length(const void *a, const void *b, void *entries)
{
	const Entry *x = a, *y = b;
	if (x->name_bytes != y->name_bytes) return x->name_bytes < y->name_bytes ? -1 : 1;
	return by_name(a, b, entries);
}

/* In order, of equal names the last one. */
static void entries_sort(Entries *entries, int (*compare)(const void *a, const void *b, void *entries))
{
	int count = 0;
	if (!entries->list.count) return;
	qsort_r(entries->list.at, (size_t)entries->list.count, sizeof *entries->list.at, compare, entries);
	for (int i = 0; i < entries->list.count; i++) {
		bool again = count && compare_names(entries, &entries->list.at[count - 1], &entries->list.at[i]) == 0;
		entries->list.at[again ? count - 1 : count++] = entries->list.at[i];
	}
	entries->list.count = count;
}

/* ---- JSONB ---- */

static void print_exponent(const char *digits, int count, int64_t point, StrBuf *out)
{
	strbuf_addc(out, digits[0]);
	if (count > 1) strbuf_addc(out, '.');
	strbuf_add(out, digits + 1, (size_t)(count - 1));
	strbuf_printf(out, "e%lld", (long long)(point - 1));
}

/* 0.digits * 10^point */
static void print_digits(const char *digits, int count, int64_t point, StrBuf *out)
{
	enum { WHOLE_MAX = 40, ZEROS_MAX = 20 };
	if (point > WHOLE_MAX || point < -ZEROS_MAX) {
		print_exponent(digits, count, point, out);
		return;
	}
	if (point <= 0) strbuf_adds(out, "0.");
	for (int64_t i = point; i < 0; i++) strbuf_addc(out, '0');
	for (int i = 0; i < count; i++) {
		if (i && i == point) strbuf_addc(out, '.');
		strbuf_addc(out, digits[i]);
	}
	for (int64_t i = count; i < point; i++) strbuf_addc(out, '0');
}

static void print_number(JsonPart part, StrBuf *out)
{
	NumberText number;
	bool known = number_text(part.at, json_part_bytes(part), &number) && number.exponent <= NUMBER_EXPONENT_MAX && number.exponent >= -NUMBER_EXPONENT_MAX;
	if (!known) {
		json_minify(part, out);
		return;
	}
	StrBuf digits = STRBUF_INIT;
	strbuf_add(&digits, number.whole, number.whole_bytes);
	strbuf_add(&digits, number.fraction, number.fraction_bytes);
	int from = 0, end = (int)digits.bytes;
	while (from < end && digits.text[from] == '0') from++;
	while (end > from && digits.text[end - 1] == '0') end--;
	if (from == end) strbuf_addc(out, '0');
	else {
		if (number.negative) strbuf_addc(out, '-');
		print_digits(digits.text + from, end - from, (int64_t)number.whole_bytes - from + number.exponent, out);
	}
	strbuf_release(&digits);
}

static void print_string(JsonPart string, StrBuf *out)
{
	if (!memchr(string.at, '\\', json_part_bytes(string))) {
		strbuf_add(out, string.at, json_part_bytes(string));
		return;
	}
	StrBuf text = STRBUF_INIT;
	json_unescape(string, &text);
	text_print_json(text.text, text.bytes, out);
	strbuf_release(&text);
}

static void print_normal(JsonPart value, StrBuf *out);

static void print_normal_object(JsonPart object, StrBuf *out)
{
	Entries entries = {.names = STRBUF_INIT};
	entries_read(object, &entries);
	entries_sort(&entries, by_length);
	strbuf_addc(out, '{');
	for (int i = 0; i < entries.list.count; i++) {
		const Entry *entry = &entries.list.at[i];
		if (i) strbuf_addc(out, ',');
		text_print_json(name_of(&entries, entry), entry->name_bytes, out);
		strbuf_addc(out, ':');
		print_normal(entry->value, out);
	}
	strbuf_addc(out, '}');
	entries_release(&entries);
}

static void print_normal(JsonPart value, StrBuf *out)
{
	bool any = false;
	switch (*value.at) {
	case '{': print_normal_object(value, out); break;
	case '[':
		strbuf_addc(out, '[');
		for (JsonWalk walk = json_walk(value); json_walk_next(&walk); any = true) {
			if (any) strbuf_addc(out, ',');
			print_normal(walk.value, out);
		}
		strbuf_addc(out, ']');
		break;
	case '"': print_string(value, out); break;
	case 't': case 'f': case 'n': json_minify(value, out); break;
	default: print_number(value, out);
	}
}

/* ---- ROW, ARRAY, MAP ---- */

typedef struct Printing { const NestedReading *reading; StrBuf *out; } Printing;

static bool print_value(const Printing *printing, JsonPart value, const Type *type);

/* A part by who knows how to convert it; of another form than its type wants, it may be null there. */
static bool print_part(const Printing *printing, JsonPart value, const Type *type)
{
	Value converted = {.type = plain_type(*type)};
	if (!printing->reading->part(printing->reading->context, *type, value, &converted)) return false;
	if (type->kind == TYPE_REAL && converted.f64 == 0) converted.f64 = 0;                /* -0.0 */
	value_print_json(&converted, printing->out);
	return true;
}

static void print_name(const char *name, size_t bytes, int place, StrBuf *out)
{
	if (place) strbuf_addc(out, ',');
	text_print_json(name, bytes, out);
	strbuf_addc(out, ':');
}

static bool is_name(JsonPart key, const char *name)
{
	size_t bytes = strlen(name);
	return json_part_bytes(key) == bytes + 2 && memcmp(key.at + 1, name, bytes) == 0 && !memchr(name, '\\', bytes);
}

/* The fields of a ROW that stand as they are declared. *fits false: they do not, and nothing is printed. */
static bool print_fields_in_order(const Printing *printing, JsonPart object, const Type *type, bool *fits)
{
	size_t before = printing->out->bytes;
	int i = 0;
	for (JsonWalk walk = json_walk(object); *fits && json_walk_next(&walk); i++) {
		if (!(*fits = i < type->field_count && is_name(walk.key, type->fields[i].name))) break;
		print_name(type->fields[i].name, strlen(type->fields[i].name), i, printing->out);
		if (!print_value(printing, walk.value, &type->fields[i].type)) return false;
	}
	*fits &= i == type->field_count;
	if (!*fits) printing->out->bytes = before;
	return true;
}

/* The exact name comes before another case; of one name the last counts; two other cases fit neither. */
static const Entry *find_field(const Entries *entries, const char *name)
{
	size_t bytes = strlen(name);
	const Entry *loose = NULL;
	bool many = false;
	for (int i = entries->list.count - 1; i >= 0; i--) {
		const Entry *entry = &entries->list.at[i];
		if (entry->name_bytes != bytes || strncasecmp(name_of(entries, entry), name, bytes) != 0) continue;
		if (memcmp(name_of(entries, entry), name, bytes) == 0) return entry;
		many |= loose && compare_names(entries, loose, entry) != 0;
		if (!loose) loose = entry;
	}
	return many ? NULL : loose;
}

static bool print_fields(const Printing *printing, JsonPart object, const Type *type)
{
	bool fits = true, fine = print_fields_in_order(printing, object, type, &fits);
	if (!fine || fits) return fine;
	Entries entries = {.names = STRBUF_INIT};
	entries_read(object, &entries);
	for (int i = 0; i < type->field_count && fine; i++) {
		const RowField *field = &type->fields[i];
		const Entry *entry = find_field(&entries, field->name);
		print_name(field->name, strlen(field->name), i, printing->out);
		if (entry) fine = print_value(printing, entry->value, &field->type);
		else strbuf_adds(printing->out, "null");
	}
	entries_release(&entries);
	return fine;
}

/* Keys are text in JSON: of numbers and times that of their values, so that 01 is 1. */
static void settle_key(Entries *entries, Entry *entry, Type type)
{
	Value key = {.type = type};
	if (type_phys(type) == PHYS_STR || !text_to_fixed(name_of(entries, entry), entry->name_bytes, type, &key)) return;
	size_t at = entries->names.bytes;
	value_print(&key, &entries->names);
	entry->name = at;
	entry->name_bytes = entries->names.bytes - at;
}

static bool print_entries(const Printing *printing, JsonPart object, const Type *type)
{
	Entries entries = {.names = STRBUF_INIT};
	Type keys = TYPE(TEXT);
	Error ignored = ERROR_INIT;
	bool fine = true;
	entries_read(object, &entries);
	if (strcasecmp(type->fields->name, "TEXT") != 0 && type_from_name(type->fields->name, -1, -1, SPAN_NONE, &keys, &ignored) && keys.kind != TYPE_DECIMAL)
		for (int i = 0; i < entries.list.count; i++) settle_key(&entries, &entries.list.at[i], keys);
	entries_sort(&entries, by_name);
	for (int i = 0; i < entries.list.count && fine; i++) {
		const Entry *entry = &entries.list.at[i];
		print_name(name_of(&entries, entry), entry->name_bytes, i, printing->out);
		fine = print_value(printing, entry->value, &type->fields->type);
	}
	entries_release(&entries);
	return fine;
}

static bool print_elements(const Printing *printing, JsonPart array, const Type *type)
{
	bool any = false, scalars = type->fields->type.kind != TYPE_ROW && type->fields->type.kind != TYPE_JSON && type->fields->type.kind != TYPE_TEXT;
	for (JsonWalk walk = json_walk(array); json_walk_next(&walk); any = true) {
		if (any) strbuf_addc(printing->out, ',');
		bool dimension = printing->reading->deep && scalars && *walk.value.at == '[';
		if (!print_value(printing, walk.value, dimension ? type : &type->fields->type)) return false;
	}
	return true;
}

typedef bool PrintInside(const Printing *printing, JsonPart value, const Type *type);

static bool print_container(const Printing *printing, JsonPart value, const Type *type, const char *brackets, PrintInside *inside)
{
	if (*value.at != *brackets) return print_part(printing, value, type);
	strbuf_addc(printing->out, brackets[0]);
	if (!inside(printing, value, type)) return false;
	strbuf_addc(printing->out, brackets[1]);
	return true;
}

/* Most parts are in their form already. */
static bool is_plain(JsonPart value, TypeKind kind)
{
	enum { DIGITS_MAX = 18 };
	size_t bytes = json_part_bytes(value);
	if (kind == TYPE_BOOLEAN) return *value.at == 't' || *value.at == 'f';
	if (kind == TYPE_TEXT) return *value.at == '"' && !memchr(value.at, '\\', bytes);
	if (kind != TYPE_INTEGER || bytes > DIGITS_MAX || (*value.at == '0' && bytes > 1)) return false;
	for (const char *at = value.at; at < value.end; at++)
		if ((unsigned char)(*at - '0') > 9) return false;
	return true;
}

static bool print_value(const Printing *printing, JsonPart value, const Type *type)
{
	if (*value.at == 'n') {
		strbuf_adds(printing->out, "null");
		return true;
	}
	if (type->kind == TYPE_ROW) return print_container(printing, value, type, "{}", print_fields);
	if (type->kind != TYPE_JSON) {
		if (!is_plain(value, type->kind)) return print_part(printing, value, type);
		strbuf_add(printing->out, value.at, json_part_bytes(value));
		return true;
	}
	if (type->field_count == 1) return *type->fields->name ? print_container(printing, value, type, "{}", print_entries) : print_container(printing, value, type, "[]", print_elements);
	if (type->precision) print_normal(value, printing->out);
	else json_minify(value, printing->out);
	return true;
}

bool nested_print(JsonPart value, const Type *type, const NestedReading *reading, StrBuf *out)
{
	Printing printing = {reading, out};
	return print_value(&printing, value, type);
}

/* ---- by CAST ---- */

typedef struct Casting { Arena arena; StrBuf text; CastRule rule; bool strict; } Casting;

static bool read_bytes(const Str *text, Casting *casting, Str *out)
{
	size_t bytes;
	char *to = arena_alloc(&casting->arena, text->bytes + 1);
	if (!base64_read(text, to, &bytes)) return false;
	*out = str_borrow(to, bytes);
	return true;
}

/* A number keeps its digits where they are wanted, and where it is a value only if none is lost. */
static void number_value(const Casting *casting, JsonPart part, Type wanted, Value *out)
{
	size_t bytes = json_part_bytes(part);
	bool digits = wanted.kind == TYPE_TEXT || wanted.kind == TYPE_DECIMAL || casting->rule == CAST_TRY;
	if (!digits && text_to_integer(part.at, bytes, &out->i64)) out->type = TYPE(INTEGER);
	else if (!digits && text_to_real(part.at, bytes, &out->f64)) out->type = TYPE(REAL);
	else *out = (Value){.type = TYPE(TEXT), .str = str_borrow(part.at, bytes)};
}

/* What stands there, before it is cast; lives in casting->text. */
static Value scalar_value(Casting *casting, JsonPart part, Type wanted)
{
	Value out = {.type = TYPE(TEXT)};
	strbuf_clear(&casting->text);
	switch (*part.at) {
	case 't': case 'f': out = (Value){.type = TYPE(BOOLEAN), .i64 = *part.at == 't'}; break;
	case '"': json_unescape(part, &casting->text); break;
	case '[': case '{':
		out.is_null = wanted.kind != TYPE_TEXT;
		json_minify(part, &casting->text);
		break;
	default: number_value(casting, part, wanted, &out); return out;
	}
	if (out.type.kind == TYPE_TEXT) out.str = str_borrow(casting->text.text, casting->text.bytes);
	return out;
}

static bool cast_scalar(Casting *casting, JsonPart part, Type type, Value *out)
{
	Value from = scalar_value(casting, part, type);
	Str text = str_borrow(part.at, json_part_bytes(part));
	if (*part.at == '"') text = from.str;
	switch (type.kind) {
	case TYPE_TIMESTAMP: return json_time(&text, &out->i64);
	case TYPE_DATE: return json_date(&text, &out->i64);
	case TYPE_BLOB: return read_bytes(&text, casting, &out->str);
	default: return !from.is_null && value_cast(&from, type, casting->rule, out, &casting->arena) && !out->is_null;
	}
}

static bool cast_part(void *context, Type type, JsonPart part, Value *out)
{
	Casting *casting = context;
	bool wrong_form = type.kind == TYPE_ROW || type.kind == TYPE_JSON;
	if (!wrong_form && cast_scalar(casting, part, type, out)) return true;
	*out = (Value){.type = type, .is_null = true};
	return !casting->strict;
}

/* ---- order ---- */

static const SortSpec ASCENDING = {false, false};

static void add_integer(int64_t x, StrBuf *out) { sort_key_add(out, &(Value){.type = TYPE(INTEGER), .i64 = x}, ASCENDING); }

static void add_text(const char *at, size_t bytes, StrBuf *out) { sort_key_add(out, &(Value){.type = TYPE(TEXT), .str = str_borrow(at, bytes)}, ASCENDING); }

static void order_string(JsonPart string, StrBuf *out)
{
	StrBuf text = STRBUF_INIT;
	json_unescape(string, &text);
	add_text(text.text, text.bytes, out);
	strbuf_release(&text);
}

/* PostgreSQL's: null, text, numbers, false, true, arrays, objects; of these the shorter before the longer. */
static void order_jsonb(JsonPart value, StrBuf *out)
{
	static const char KINDS[] = "n\"-ft[{";
	const char *kind = strchr(KINDS, *value.at);
	Value number = {.type = TYPE(REAL)};
	strbuf_addc(out, kind ? (char)(kind - KINDS) : 2);
	if (*value.at == '"') order_string(value, out);
	else if (*value.at == '[' || *value.at == '{') {
		add_integer(json_count(value), out);
		for (JsonWalk walk = json_walk(value); json_walk_next(&walk);) {
			if (walk.object) order_string(walk.key, out);
			order_jsonb(walk.value, out);
		}
	} else if ((!kind || *kind == '-') && text_to_real(value.at, json_part_bytes(value), &number.f64)) sort_key_add(out, &number, ASCENDING);
}

static void order_value(Casting *casting, JsonPart value, const Type *type, StrBuf *out);

/* Members one after the other, before each that there is one: so what is a beginning of another comes first. */
static void order_members(Casting *casting, JsonPart value, const Type *type, StrBuf *out)
{
	bool row = type->kind == TYPE_ROW;
	int field = 0;
	for (JsonWalk walk = json_walk(value); json_walk_next(&walk); field++) {
		if (row && field >= type->field_count) break;
		strbuf_addc(out, 1);
		if (walk.object && !row) order_string(walk.key, out);
		order_value(casting, walk.value, row ? &type->fields[field].type : &type->fields->type, out);
	}
	strbuf_addc(out, 0);
}

/* NULLs first, as everywhere. A dimension more than is declared stands behind the values. */
static void order_value(Casting *casting, JsonPart value, const Type *type, StrBuf *out)
{
	Value scalar = {.type = plain_type(*type)};
	bool is_jsonb = type->kind == TYPE_JSON && type->precision, there = *value.at != 'n' || is_jsonb, members = type->kind == TYPE_ROW || (type->kind == TYPE_JSON && type->field_count == 1);
	strbuf_addc(out, there ? 1 : 0);
	if (!there) return;
	if (members) order_members(casting, value, type, out);
	else if (is_jsonb) order_jsonb(value, out);
	else if (type->kind == TYPE_JSON || (*value.at == '[' && type->kind != TYPE_TEXT)) add_text(value.at, json_part_bytes(value), out);
	else {
		scalar.is_null = !cast_scalar(casting, value, *type, &scalar);
		sort_key_add(out, &scalar, ASCENDING);
	}
}

/* ---- json_as(json, 'ROW<...>' [, how]), json_order(json, 'ROW<...>') ---- */

typedef struct AsType { Arena arena; Type type; bool known; Casting casting; StrBuf text; } AsType;

bool is_type_text(const Str *text)
{
	Arena arena;
	Type type;
	arena_init(&arena, 0);
	bool known = type_read(str_at(text), text->bytes, &arena, &type) && type_is_nested(type);
	arena_release(&arena);
	return known;
}

static bool is_word(const Str *text, const char *word) { return text->bytes == strlen(word) && memcmp(str_at(text), word, text->bytes) == 0; }

bool is_json_as_mode(const Str *text) { return is_word(text, "cast") || is_word(text, "compare"); }

void *prepare_json_as(const Value *const *constants, int arg_count)
{
	AsType *as = mem_new(AsType);
	const Str *text = arg_count > 1 ? constant_text(constants, 1) : NULL;
	arena_init(&as->arena, 0);
	arena_init(&as->casting.arena, 0);
	const Str *how = arg_count > 2 ? constant_text(constants, 2) : NULL;
	as->casting.text = as->text = STRBUF_INIT;
	as->casting.strict = how && is_word(how, "compare");
	as->casting.rule = how && is_word(how, "cast") ? CAST_EXPLICIT : CAST_TRY;
	as->known = text && type_read(str_at(text), text->bytes, &as->arena, &as->type) && type_is_nested(as->type);
	return as;
}

void unprepare_json_as(void *memory)
{
	AsType *as = memory;
	arena_release(&as->arena);
	arena_release(&as->casting.arena);
	strbuf_release(&as->casting.text);
	strbuf_release(&as->text);
	free(as);
}

void kernel_json_as(KernelCall *call)
{
	AsType *as = call->state;
	NestedReading reading = {cast_part, &as->casting, true};
	bool is_jsonb = as->type.kind == TYPE_JSON && as->type.precision;          /* whose null is a value */
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		const Str *json = &call->args->str[i];
		strbuf_clear(&as->text);
		arena_clear(&as->casting.arena);
		bool fine = as->known && nested_print(json_part(str_at(json), json->bytes), &as->type, &reading, &as->text);
		if (!fine && as->casting.strict) call->out->str[i] = *json;          /* equal to no value of the type */
		else if (!fine || (!is_jsonb && as->text.bytes == 4 && memcmp(as->text.text, "null", 4) == 0)) kernel_null(call, i);
		else call->out->str[i] = str_copy(call->scratch, as->text.text, as->text.bytes);
	}
}

void kernel_json_order(KernelCall *call)
{
	AsType *as = call->state;
	bool is_jsonb = as->type.kind == TYPE_JSON && as->type.precision;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart whole = json_part(str_at(&call->args->str[i]), call->args->str[i].bytes);
		bool empty_jsonb = is_jsonb && *whole.at == '[' && json_count(whole) == 0;
		strbuf_clear(&as->text);
		arena_clear(&as->casting.arena);
		if (empty_jsonb) strbuf_addc(&as->text, 0);          /* before all others in PostgreSQL */
		else order_value(&as->casting, whole, &as->type, &as->text);
		call->out->str[i] = str_copy(call->scratch, as->text.text, as->text.bytes);
	}
}
