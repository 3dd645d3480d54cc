/* Ordered values: what min, max with retractions, percentiles, lists and first or last values read.
 *
 * All groups share one tree. A key is the group's number (4 bytes), the ordered's number (2), then the sort keys of the parts: order keys,
 * what breaks ties, arguments; the payload counts how often the row stands. Results decode the keys, so nothing is stored twice. Where
 * nothing is taken back and only the first or last entry is read, only that one is kept, as a blob beside the group's folds. */
#include "op/aggregate.h"

#include <endian.h>

typedef struct Keep { StateHandle blob; uint32_t room, bytes, reserved; } Keep;

enum { PREFIX_BYTES = 6 };

uint32_t ordered_keep_bytes(void) { return sizeof(Keep); }

static Keep *ordered_kept(Grouping *g, const Ordered *ordered, Group *group)
{
	return (Keep *)(void *)(group_states(g, group) + ordered->offset);
}

static void key_start(const Grouping *g, const Ordered *ordered, const Group *group, StrBuf *key)
{
	uint32_t number = htobe32(state_map_number(g->groups, group));
	uint16_t which = htobe16(ordered->number);
	strbuf_clear(key);
	strbuf_add(key, &number, sizeof number);
	strbuf_add(key, &which, sizeof which);
}

static void key_add_arrival(StrBuf *key, Int128 arrival)
{
	uint64_t words[] = {htobe64((uint64_t)(arrival >> 64)), htobe64((uint64_t)arrival)};
	strbuf_add(key, words, sizeof words);
}

/* ---- feeding ---- */

static void tree_count(StateTree *tree, const StrBuf *key, int64_t weight)
{
	int64_t *count = state_tree_upsert(tree, key->text, (uint32_t)key->bytes, NULL);
	*count += weight;
	if (*count == 0) state_tree_remove(tree, key->text, (uint32_t)key->bytes);
}

static int bytes_compare(const char *a, uint32_t a_bytes, const char *b, uint32_t b_bytes)
{
	int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
	return order ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static void keep_offer(Grouping *g, const Ordered *ordered, Group *group, const StrBuf *key)
{
	State *state = g->op.state;
	Keep *keep = ordered_kept(g, ordered, group);
	const char *entry = key->text + PREFIX_BYTES;
	uint32_t bytes = (uint32_t)key->bytes - PREFIX_BYTES;
	if (keep->blob) {
		int order = bytes_compare(entry, bytes, state_blob_at(state, keep->blob, NULL), keep->bytes);
		if (ordered->keep_first ? order >= 0 : order <= 0) return;
	}
	if (!keep->blob || keep->room < bytes) {
		state_blob_free(state, keep->blob);
		keep->room = (bytes + 31) & ~31u;
		keep->blob = state_blob_new(state, NULL, keep->room);
	}
	memcpy(state_blob_change(state, keep->blob, NULL), entry, bytes);
	keep->bytes = bytes;
}

static bool is_skipped(Grouping *g, const Ordered *ordered, Batch *in, int row)
{
	if (ordered->skip_first_null && column_is_null(input_column(g, ordered->first_arg, in), row)) return true;
	return ordered->skip_second_null && column_is_null(input_column(g, ordered->second_arg, in), row);
}

void ordered_apply(Grouping *g, Ordered *ordered, Batch *in)
{
	const Feed *feed = &g->feeds.at[ordered->feed];
	StrBuf key = STRBUF_INIT;
	for (int i = 0; i < feed->count; i++) {
		int row = feed->all ? i : (int)feed->rows[i];
		if (is_skipped(g, ordered, in, row)) continue;
		key_start(g, ordered, feed->groups[i], &key);
		for (int p = 0; p < ordered->part_count; p++) {
			const OrderedPart *part = &ordered->parts[p];
			if (part->input >= 0) sort_key_add_column(&key, input_column(g, part->input, in), row, part->spec);
			else key_add_arrival(&key, in->hidden.arrival[batch_row(in, row)]);
		}
		if (ordered->keep_first || ordered->keep_last) keep_offer(g, ordered, feed->groups[i], &key);
		else tree_count(g->values, &key, feed->weights ? feed->weights[i] : 1);
	}
	strbuf_release(&key);
}

/* ---- reading ---- */

typedef struct OrderedCursor {
	AggregateCursor base;
	const Ordered *ordered;
	const GroupCall *call;
	const char *prefix;
	StateCursor at;
	const char *kept;                 /* the one entry; NULL: read already, or none */
	Value *values;                    /* of all parts */
	Arena arena;                      /* strings of the entry at hand */
} OrderedCursor;

static void entry_decode(OrderedCursor *cursor, const char *entry, Value *values)
{
	enum { ARRIVAL_BYTES = 16 };
	arena_clear(&cursor->arena);
	for (int p = 0; p < cursor->ordered->part_count; p++) {
		const OrderedPart *part = &cursor->ordered->parts[p];
		if (part->input < 0) entry += ARRIVAL_BYTES;
		else entry += sort_key_read(entry, part->type, part->spec, &cursor->values[p], &cursor->arena);
	}
	for (int v = 0; v < cursor->call->value_count; v++) values[v] = cursor->values[cursor->call->value_parts[v]];
}

static bool kept_next(AggregateCursor *base, Value *values, int64_t *count)
{
	OrderedCursor *cursor = (OrderedCursor *)base;
	if (!cursor->kept) return false;
	entry_decode(cursor, cursor->kept, values);
	cursor->kept = NULL;
	*count = 1;
	return true;
}

static bool tree_next(AggregateCursor *base, Value *values, int64_t *count)
{
	OrderedCursor *cursor = (OrderedCursor *)base;
	while (cursor->at.valid) {
		uint32_t bytes;
		const char *key = state_cursor_key(&cursor->at, &bytes);
		if (bytes < PREFIX_BYTES || memcmp(key, cursor->prefix, PREFIX_BYTES) != 0) return false;
		*count = *(int64_t *)state_cursor_payload(&cursor->at);
		bool stands = *count > 0;
		if (stands) entry_decode(cursor, key + PREFIX_BYTES, values);
		if (cursor->call->reverse) state_cursor_prev(&cursor->at);
		else state_cursor_next(&cursor->at);
		if (stands) return true;
	}
	return false;
}

/* Behind the last key that begins with the prefix: the prefix of the next ordered, or of the next group. */
static void seek_last(StateTree *tree, StateCursor *cursor, const char *prefix)
{
	unsigned char next[PREFIX_BYTES];
	memcpy(next, prefix, PREFIX_BYTES);
	for (int i = PREFIX_BYTES; i-- > 0;)
		if (++next[i]) break;
	state_tree_seek_before(tree, cursor, next, PREFIX_BYTES);
}

void ordered_result(Grouping *g, const GroupCall *call, Group *group, Value *out, Arena *scratch)
{
	const Ordered *ordered = &g->ordereds.at[call->ordered];
	OrderedCursor cursor = {.ordered = ordered, .call = call};
	StrBuf prefix = STRBUF_INIT;
	arena_init(&cursor.arena, 0);
	cursor.values = mem_alloc(sizeof *cursor.values * (size_t)(ordered->part_count + 1));
	if (ordered->keep_first || ordered->keep_last) {
		const Keep *keep = ordered_kept(g, ordered, group);
		cursor.base.next = kept_next;
		cursor.kept = keep->blob ? state_blob_at(g->op.state, keep->blob, NULL) : NULL;
	} else {
		key_start(g, ordered, group, &prefix);
		cursor.base.next = tree_next;
		cursor.prefix = prefix.text;
		if (call->reverse) seek_last(g->values, &cursor.at, prefix.text);
		else state_tree_seek(g->values, &cursor.at, prefix.text, PREFIX_BYTES);
	}
	call->aggregate->ordered_result(&cursor.base, call->parameters, call->arg_types, call->arg_count, out, scratch);
	free(cursor.values);
	arena_release(&cursor.arena);
	strbuf_release(&prefix);
}

void ordered_release(Grouping *g, Ordered *ordered, Group *group)
{
	if (ordered->keep_first || ordered->keep_last) {
		state_blob_free(g->op.state, ordered_kept(g, ordered, group)->blob);
		return;
	}
	StrBuf prefix = STRBUF_INIT;
	key_start(g, ordered, group, &prefix);
	StateCursor cursor;
	state_tree_seek(g->values, &cursor, prefix.text, PREFIX_BYTES);
	while (cursor.valid) {
		uint32_t bytes;
		if (memcmp(state_cursor_key(&cursor, &bytes), prefix.text, PREFIX_BYTES) != 0) break;
		state_cursor_remove(&cursor);
	}
	strbuf_release(&prefix);
}
