/* Arrays: JSON values whose elements are compared, cut, sorted and joined. Elements are equal where their values are (1 and 1.0, strings
 * however they are escaped); in order NULLs come first, as everywhere. Positions count from 1. What is no array gives NULL.
 *
 * Whatever asks for membership in an array sorts it once: a row must not take time by the square of its length. */
#include <stdlib.h>

#include "base/vec.h"
#include "expr/json_text.h"
#include "expr/kernels.h"
#include "type/text.h"

/* ---- reading and printing ---- */

typedef VEC(JsonPart) Elements;

static bool is_array(const Str *s) { return *json_part(str_at(s), s->bytes).at == '['; }

/* Appends the elements; false: it is no array. */
static bool elements_read(const Str *s, Elements *out)
{
	JsonPart whole = json_part(str_at(s), s->bytes);
	if (*whole.at != '[') return false;
	for (JsonWalk walk = json_walk(whole); json_walk_next(&walk);) vec_push(out, walk.value);
	return true;
}

typedef struct Printing { StrBuf text; bool any; } Printing;

static void print_begin(Printing *p)
{
	strbuf_clear(&p->text);
	strbuf_addc(&p->text, '[');
	p->any = false;
}

static void print_comma(Printing *p)
{
	if (p->any) strbuf_addc(&p->text, ',');
	p->any = true;
}

static void print_element(Printing *p, JsonPart element)
{
	print_comma(p);
	json_minify(element, &p->text);
}

static void print_argument(Printing *p, const Column *column, int row)
{
	Value value = column_value(column, row);
	print_comma(p);
	json_print_member(&value, &p->text);
}

static void print_end(KernelCall *call, int row, Printing *p)
{
	strbuf_addc(&p->text, ']');
	call->out->str[row] = str_copy(call->scratch, p->text.text, p->text.bytes);
}

/* Runs `each` on every row that has no NULL before; what it says is no array becomes NULL. */
typedef bool ArrayRow(KernelCall *call, int row, Elements *elements, Printing *printing);

static void for_each_row(KernelCall *call, ArrayRow *each)
{
	Elements elements = {0};
	Printing printing = {STRBUF_INIT, false};
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		elements.count = 0;
		print_begin(&printing);
		if (!each(call, i, &elements, &printing)) kernel_null(call, i);
	}
	vec_release(&elements);
	strbuf_release(&printing.text);
}

/* The value of argument `arg` as an element to compare with; lives in `text`. */
static JsonPart argument_element(KernelCall *call, int arg, int row, StrBuf *text)
{
	Value value = column_value(&call->args[arg], row);
	strbuf_clear(text);
	json_print_member(&value, text);
	return json_part(text->text, text->bytes);
}

static bool has_null(KernelCall *call, int row, int arg) { return is_null_at(&call->args[arg], row); }

/* ---- sets ---- */

static int compare_elements(const void *a, const void *b) { return json_compare(*(const JsonPart *)a, *(const JsonPart *)b); }

static void sort_elements(Elements *elements)
{
	if (elements->count) qsort(elements->at, (size_t)elements->count, sizeof *elements->at, compare_elements);
}

static bool is_in(const Elements *sorted, JsonPart element)
{
	return sorted->count && bsearch(&element, sorted->at, (size_t)sorted->count, sizeof *sorted->at, compare_elements);
}

typedef struct Placed { JsonPart element; int place; } Placed;

static int compare_placed(const void *a, const void *b)
{
	const Placed *x = a, *y = b;
	int order = json_compare(x->element, y->element);
	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

/* Prints each element once, where it stands first. wanted NULL: all; else those that are in it, or are not. */
static void print_distinct(Printing *p, const Elements *elements, const Elements *wanted, bool in)
{
	int count = elements->count;
	Placed *placed = mem_alloc(sizeof *placed * (size_t)(count + 1));
	bool *first = mem_zalloc((size_t)count + 1);
	for (int i = 0; i < count; i++) placed[i] = (Placed){elements->at[i], i};
	qsort(placed, (size_t)count, sizeof *placed, compare_placed);
	for (int i = 0; i < count; i++) first[placed[i].place] = i == 0 || json_compare(placed[i - 1].element, placed[i].element) != 0;
	for (int i = 0; i < count; i++)
		if (first[i] && (!wanted || is_in(wanted, elements->at[i]) == in)) print_element(p, elements->at[i]);
	free(placed);
	free(first);
}

static bool distinct_row(KernelCall *call, int row, Elements *elements, Printing *p)
{
	if (!elements_read(&call->args[0].str[row], elements)) return false;
	print_distinct(p, elements, NULL, true);
	print_end(call, row, p);
	return true;
}

static bool union_row(KernelCall *call, int row, Elements *elements, Printing *p)
{
	if (!elements_read(&call->args[0].str[row], elements) || !elements_read(&call->args[1].str[row], elements)) return false;
	print_distinct(p, elements, NULL, true);
	print_end(call, row, p);
	return true;
}

static bool filtered_by_second(KernelCall *call, int row, Elements *elements, Printing *p, bool in)
{
	Elements other = {0};
	bool ok = elements_read(&call->args[0].str[row], elements) && elements_read(&call->args[1].str[row], &other);
	if (ok) {
		sort_elements(&other);
		print_distinct(p, elements, &other, in);
		print_end(call, row, p);
	}
	vec_release(&other);
	return ok;
}

static bool intersect_row(KernelCall *call, int row, Elements *elements, Printing *p) { return filtered_by_second(call, row, elements, p, true); }
static bool except_row(KernelCall *call, int row, Elements *elements, Printing *p) { return filtered_by_second(call, row, elements, p, false); }

void kernel_array_distinct(KernelCall *call) { for_each_row(call, distinct_row); }
void kernel_array_union(KernelCall *call) { for_each_row(call, union_row); }
void kernel_array_intersect(KernelCall *call) { for_each_row(call, intersect_row); }
void kernel_array_except(KernelCall *call) { for_each_row(call, except_row); }

/* How many elements of argument `of` are in argument `in`; -1: one is no array */
static int count_shared(KernelCall *call, int row, int of, int in, int *total)
{
	Elements elements = {0}, sorted = {0};
	int shared = -1;
	if (elements_read(&call->args[of].str[row], &elements) && elements_read(&call->args[in].str[row], &sorted)) {
		sort_elements(&sorted);
		shared = 0;
		for (int i = 0; i < elements.count; i++) shared += is_in(&sorted, elements.at[i]);
	}
	*total = elements.count;
	vec_release(&elements);
	vec_release(&sorted);
	return shared;
}

void kernel_array_overlaps(KernelCall *call)
{
	for (int i = 0, total; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		int shared = count_shared(call, i, 0, 1, &total);
		if (shared < 0) kernel_null(call, i);
		else call->out->i64[i] = shared > 0;
	}
}

void kernel_array_contains_all(KernelCall *call)
{
	for (int i = 0, total; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		int shared = count_shared(call, i, 1, 0, &total);
		if (shared < 0) kernel_null(call, i);
		else call->out->i64[i] = shared == total;
	}
}

/* ---- one element ---- */

void kernel_array_contains(KernelCall *call)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart wanted = argument_element(call, 1, i, &text), whole = json_part(str_at(&call->args->str[i]), call->args->str[i].bytes);
		bool found = false;
		for (JsonWalk walk = json_walk(whole); *whole.at == '[' && !found && json_walk_next(&walk);) found = json_compare(walk.value, wanted) == 0;
		call->out->i64[i] = found;
	}
	strbuf_release(&text);
}

/* The place of the first element that is equal, from a place on; NULL: there is none */
void kernel_array_position(KernelCall *call)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		int64_t from = 1, at = 0, place = 0;
		if (has_null(call, i, 0) || (call->arg_count > 2 && has_null(call, i, 2)) || !is_array(&call->args->str[i])) {
			kernel_null(call, i);
			continue;
		}
		if (call->arg_count > 2) from = call->args[2].i64[i];
		JsonPart wanted = argument_element(call, 1, i, &text);
		for (JsonWalk walk = json_walk(json_part(str_at(&call->args->str[i]), call->args->str[i].bytes)); !place && json_walk_next(&walk);)
			if (++at >= from && json_compare(walk.value, wanted) == 0) place = at;
		if (place) call->out->i64[i] = place;
		else kernel_null(call, i);
	}
	strbuf_release(&text);
}

typedef enum ElementChange { ELEMENT_REMOVE, ELEMENT_REPLACE, ELEMENT_PLACES } ElementChange;

/* All elements that are equal to argument 1: without them, with argument 2 in their place, or their places */
static void change_elements(KernelCall *call, ElementChange change)
{
	StrBuf text = STRBUF_INIT;
	Printing p = {STRBUF_INIT, false};
	for (int i = 0; i < call->count; i++) {
		if (has_null(call, i, 0) || !is_array(&call->args->str[i])) {
			kernel_null(call, i);
			continue;
		}
		JsonPart wanted = argument_element(call, 1, i, &text);
		int64_t place = 0;
		print_begin(&p);
		for (JsonWalk walk = json_walk(json_part(str_at(&call->args->str[i]), call->args->str[i].bytes)); json_walk_next(&walk);) {
			bool equal = json_compare(walk.value, wanted) == 0;
			place++;
			if (change == ELEMENT_PLACES) {
				if (!equal) continue;
				print_comma(&p);
				strbuf_printf(&p.text, "%lld", (long long)place);
			} else if (!equal) print_element(&p, walk.value);
			else if (change == ELEMENT_REPLACE) print_argument(&p, &call->args[2], i);
		}
		print_end(call, i, &p);
	}
	strbuf_release(&text);
	strbuf_release(&p.text);
}

void kernel_array_remove(KernelCall *call) { change_elements(call, ELEMENT_REMOVE); }
void kernel_array_replace(KernelCall *call) { change_elements(call, ELEMENT_REPLACE); }
void kernel_array_positions(KernelCall *call) { change_elements(call, ELEMENT_PLACES); }

/* ---- longer ---- */

/* Arguments in turn, arrays (array says which) with all their elements; of NULL and an array the array is left, as in PostgreSQL. */
static void join_arrays(KernelCall *call, bool first_is_array, bool second_is_array)
{
	const bool array[2] = {first_is_array, second_is_array};
	Elements elements = {0};
	Printing p = {STRBUF_INIT, false};
	for (int i = 0; i < call->count; i++) {
		bool any = false, bad = false;
		print_begin(&p);
		for (int a = 0; a < call->arg_count; a++) {
			bool null = has_null(call, i, a);
			if (!array[a > 1 ? 1 : a]) print_argument(&p, &call->args[a], i);
			else if (!null) {
				elements.count = 0;
				bad |= !elements_read(&call->args[a].str[i], &elements);
				for (int e = 0; e < elements.count; e++) print_element(&p, elements.at[e]);
				any = true;
			}
		}
		if (bad || !(any || !first_is_array || !second_is_array)) kernel_null(call, i);
		else print_end(call, i, &p);
	}
	vec_release(&elements);
	strbuf_release(&p.text);
}

void kernel_array_cat(KernelCall *call) { join_arrays(call, true, true); }
void kernel_array_append(KernelCall *call) { join_arrays(call, true, false); }
void kernel_array_prepend(KernelCall *call) { join_arrays(call, false, true); }

/* PostgreSQL's || of arrays and of jsonb: what is JSON and no array is one element, two objects are one; NULL adds nothing, unless it is an
 * element's. */
static bool concat_row(KernelCall *call, int row, Elements *elements, Printing *p)
{
	const Column *args = call->args;
	bool null[2], any = false;
	for (int a = 0; a < 2; a++) null[a] = has_null(call, row, a) && (args[a].type.kind == TYPE_JSON || args[a].type.kind == TYPE_NULL);
	JsonPart object[2] = {{0}};
	for (int a = 0; a < 2; a++) {
		JsonPart whole = null[a] || args[a].type.kind != TYPE_JSON ? (JsonPart){0} : json_part(str_at(&args[a].str[row]), args[a].str[row].bytes);
		if (whole.at && *whole.at == '{') object[a] = whole;
	}
	if ((object[0].at || object[1].at) && (object[0].at || null[0]) && (object[1].at || null[1])) {
		static const JsonPart NONE = {"{}", &"{}"[2]};
		strbuf_clear(&p->text);
		json_union(null[0] ? NONE : object[0], null[1] ? NONE : object[1], &p->text);
		call->out->str[row] = str_copy(call->scratch, p->text.text, p->text.bytes);
		return true;
	}
	for (int a = 0; a < 2; a++) {
		if (null[a]) continue;
		any = true;
		elements->count = 0;
		if (args[a].type.kind != TYPE_JSON || !elements_read(&args[a].str[row], elements)) print_argument(p, &args[a], row);
		for (int e = 0; e < elements->count; e++) print_element(p, elements->at[e]);
	}
	if (any) print_end(call, row, p);
	return any;
}

void kernel_jsonb_concat(KernelCall *call) { for_each_row(call, concat_row); }

static bool flatten_row(KernelCall *call, int row, Elements *elements, Printing *p)
{
	if (!elements_read(&call->args[0].str[row], elements)) return false;
	for (int i = 0; i < elements->count; i++) {
		JsonPart part = elements->at[i];
		if (*part.at != '[') print_element(p, part);
		else for (JsonWalk walk = json_walk(part); json_walk_next(&walk);) print_element(p, walk.value);
	}
	print_end(call, row, p);
	return true;
}

void kernel_array_flatten(KernelCall *call) { for_each_row(call, flatten_row); }

/* Arrays side by side, as UNNEST of several reads them: what is no array is empty, all of them NULL are NULL. */
void kernel_array_zip(KernelCall *call)
{
	Elements *arrays = mem_zalloc(sizeof *arrays * (size_t)call->arg_count);
	Printing p = {STRBUF_INIT, false};
	for (int i = 0; i < call->count; i++) {
		int longest = 0;
		bool any = false;
		for (int a = 0; a < call->arg_count; a++) {
			arrays[a].count = 0;
			any |= !has_null(call, i, a) && elements_read(&call->args[a].str[i], &arrays[a]);
			if (arrays[a].count > longest) longest = arrays[a].count;
		}
		if (!any) {
			kernel_null(call, i);
			continue;
		}
		print_begin(&p);
		for (int e = 0; e < longest; e++) {
			const char *before = "{";
			print_comma(&p);
			for (int a = 0; a < call->arg_count; a++) {
				if (e >= arrays[a].count) continue;
				strbuf_printf(&p.text, "%s\"%d\":", before, a);
				json_minify(arrays[a].at[e], &p.text);
				before = ",";
			}
			strbuf_addc(&p.text, '}');
		}
		print_end(call, i, &p);
	}
	for (int a = 0; a < call->arg_count; a++) vec_release(&arrays[a]);
	free(arrays);
	strbuf_release(&p.text);
}

/* ---- order ---- */

/* array_sort(a [, ascending]) */
static bool sort_row(KernelCall *call, int row, Elements *elements, Printing *p)
{
	if (!elements_read(&call->args[0].str[row], elements)) return false;
	bool falling = call->arg_count > 1 && !call->args[1].i64[row];
	sort_elements(elements);
	for (int i = 0; i < elements->count; i++) print_element(p, elements->at[falling ? elements->count - 1 - i : i]);
	print_end(call, row, p);
	return true;
}

static bool reverse_row(KernelCall *call, int row, Elements *elements, Printing *p)
{
	if (!elements_read(&call->args[0].str[row], elements)) return false;
	for (int i = elements->count; i-- > 0;) print_element(p, elements->at[i]);
	print_end(call, row, p);
	return true;
}

void kernel_array_sort(KernelCall *call) { for_each_row(call, sort_row); }
void kernel_array_reverse(KernelCall *call) { for_each_row(call, reverse_row); }

/* The least or greatest element that is not null */
static void extreme(KernelCall *call, int sign)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart best = {0}, whole = json_part(str_at(&call->args->str[i]), call->args->str[i].bytes);
		for (JsonWalk walk = json_walk(whole); *whole.at == '[' && json_walk_next(&walk);)
			if (*walk.value.at != 'n' && (!best.at || json_compare(walk.value, best) * sign > 0)) best = walk.value;
		if (best.at) call->out->str[i] = str_copy(call->scratch, best.at, json_part_bytes(best));
		else kernel_null(call, i);
	}
}

void kernel_array_max(KernelCall *call) { extreme(call, 1); }
void kernel_array_min(KernelCall *call) { extreme(call, -1); }

/* Of integers an integer, else REAL; NULL of none */
void kernel_array_sum(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart whole = json_part(str_at(&call->args->str[i]), call->args->str[i].bytes);
		Value sum = {.type = TYPE(INTEGER)};
		double real = 0, x;
		bool any = false, whole_numbers = true;
		for (JsonWalk walk = json_walk(whole); *whole.at == '[' && json_walk_next(&walk);) {
			int64_t n;
			if (!text_to_real(walk.value.at, json_part_bytes(walk.value), &x)) continue;
			any = true;
			real += x;
			whole_numbers = whole_numbers && text_to_integer(walk.value.at, json_part_bytes(walk.value), &n) && !__builtin_add_overflow(sum.i64, n, &sum.i64);
		}
		if (!whole_numbers) sum = (Value){.type = TYPE(REAL), .f64 = real};
		StrBuf text = STRBUF_INIT;
		json_print_member(&sum, &text);
		if (any) call->out->str[i] = str_copy(call->scratch, text.text, text.bytes);
		else kernel_null(call, i);
		strbuf_release(&text);
	}
}

/* ---- parts ---- */

typedef enum SliceEnds { SLICE_FROM_END, SLICE_SQL } SliceEnds;

/* From place `from` to `to`, both inclusive. SLICE_FROM_END: negative ones count from the end. */
static void slice(KernelCall *call, SliceEnds ends)
{
	Elements elements = {0};
	Printing p = {STRBUF_INIT, false};
	for (int i = 0; i < call->count; i++) {
		bool open[2] = {call->arg_count < 2 || has_null(call, i, 1), call->arg_count < 3 || has_null(call, i, 2)};
		elements.count = 0;
		if (has_null(call, i, 0) || (ends == SLICE_FROM_END && (open[0] || (open[1] && call->arg_count > 2)))
			|| !elements_read(&call->args[0].str[i], &elements)) {
			kernel_null(call, i);
			continue;
		}
		int64_t count = elements.count, from = open[0] ? 1 : call->args[1].i64[i], to = open[1] ? count : call->args[2].i64[i];
		if (ends == SLICE_FROM_END && from < 0) from = from < -count ? 1 : count + 1 + from;
		if (ends == SLICE_FROM_END && to < 0) to = to < -count ? 0 : count + 1 + to;
		print_begin(&p);
		for (int64_t e = from < 1 ? 1 : from; e <= to && e <= count; e++) print_element(&p, elements.at[e - 1]);
		print_end(call, i, &p);
	}
	vec_release(&elements);
	strbuf_release(&p.text);
}

void kernel_array_slice(KernelCall *call) { slice(call, SLICE_FROM_END); }
void kernel_array_part(KernelCall *call) { slice(call, SLICE_SQL); }

/* trim_array(a, n): without the last n */
static bool trim_row(KernelCall *call, int row, Elements *elements, Printing *p)
{
	int64_t off = call->args[1].i64[row];
	if (!elements_read(&call->args[0].str[row], elements) || off < 0 || off > elements->count) return false;
	for (int i = 0; i < elements->count - (int)off; i++) print_element(p, elements->at[i]);
	print_end(call, row, p);
	return true;
}

void kernel_array_trim(KernelCall *call) { for_each_row(call, trim_row); }

/* ---- measures ---- */

/* The length of dimension n, counting from the outermost; NULL where there is none or it is empty, as in PostgreSQL */
void kernel_array_length(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart part = json_part(str_at(&call->args->str[i]), call->args->str[i].bytes);
		for (int64_t n = call->args[1].i64[i]; part.at && n > 1 && *part.at == '['; n--) part = json_find_index(part, 0);
		int64_t count = part.at && *part.at == '[' && call->args[1].i64[i] > 0 ? json_count(part) : 0;
		if (count) call->out->i64[i] = count;
		else kernel_null(call, i);
	}
}

void kernel_array_lower(KernelCall *call)
{
	kernel_array_length(call);
	for (int i = 0; i < call->count; i++) call->out->i64[i] = 1;
}

void kernel_array_ndims(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		int64_t depth = 0;
		for (JsonPart part = json_part(str_at(&call->args->str[i]), call->args->str[i].bytes); part.at && *part.at == '[' && json_count(part);
			part = json_find_index(part, 0)) depth++;
		if (depth) call->out->i64[i] = depth;
		else kernel_null(call, i);
	}
}

void kernel_array_dims(KernelCall *call)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		strbuf_clear(&text);
		for (JsonPart part = json_part(str_at(&call->args->str[i]), call->args->str[i].bytes); part.at && *part.at == '[' && json_count(part);
			part = json_find_index(part, 0)) strbuf_printf(&text, "[1:%lld]", (long long)json_count(part));
		if (text.bytes) call->out->str[i] = str_copy(call->scratch, text.text, text.bytes);
		else kernel_null(call, i);
	}
	strbuf_release(&text);
}

/* ---- as text ---- */

/* Members with a separator between; null ones are left out, or what argument 2 says */
void kernel_array_join(KernelCall *call)
{
	StrBuf text = STRBUF_INIT;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		JsonPart whole = json_part(str_at(&call->args->str[i]), call->args->str[i].bytes);
		const Str *separator = &call->args[1].str[i], *missing = call->arg_count > 2 ? &call->args[2].str[i] : NULL;
		bool any = false;
		if (*whole.at != '[') {
			kernel_null(call, i);
			continue;
		}
		strbuf_clear(&text);
		for (JsonWalk walk = json_walk(whole); json_walk_next(&walk);) {
			bool null = *walk.value.at == 'n';
			if (null && !missing) continue;
			if (any) strbuf_add(&text, str_at(separator), separator->bytes);
			any = true;
			if (null) strbuf_add(&text, str_at(missing), missing->bytes);
			else if (*walk.value.at == '"') json_unescape(walk.value, &text);
			else json_minify(walk.value, &text);
		}
		call->out->str[i] = str_copy(call->scratch, text.text, text.bytes);
	}
	strbuf_release(&text);
}
