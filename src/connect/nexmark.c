/* The Nexmark source: makes columns without a detour over JSON. `table` says whether the stream has all three kinds of events, as
 * columns event_type, person, auction, bid (ROWs, two of them NULL), or one kind with its fields as columns. */
#include "connect/nexmark.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "connect/generator.h"
#include "connect/sources.h"
#include "format/json_scan.h"
#include "type/text.h"

typedef enum WantWhat { WANT_FIELD, WANT_ROW, WANT_EVENT_TYPE, WANT_POSITION, WANT_PARTITION } WantWhat;
typedef struct Want { WantWhat what; const NexmarkField *field; NexmarkKind kind; } Want;

typedef struct NexmarkSource {
	Generator generator;          /* first */
	NexmarkModel model;
	int only;                     /* a NexmarkKind, or -1: combined */
	Want *wants;
	Type *types;
	int want_count;
} NexmarkSource;

/* Ignoring case and underscores: dateTime is date_time. */
static bool same_name(const char *a, const char *b)
{
	for (; ; a++, b++) {
		while (*a == '_') a++;
		while (*b == '_') b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
		if (!*a) return true;
	}
}

static bool is_json_like(TypeKind kind) { return kind == TYPE_ROW || kind == TYPE_JSON || kind == TYPE_TEXT; }

static const NexmarkField *field_find(NexmarkKind kind, const char *name)
{
	for (int i = 0; i < NEXMARK_FIELD_COUNT; i++)
		if (NEXMARK_FIELDS[i].kind == kind && same_name(NEXMARK_FIELDS[i].name, name)) return &NEXMARK_FIELDS[i];
	return NULL;
}

static bool no_field(int kind, const DecodeColumn *column, const char *name, Error *err)
{
	Nearest nearest;
	nearest_init(&nearest, name);
	for (int i = 0; i < NEXMARK_FIELD_COUNT; i++)
		if ((int)NEXMARK_FIELDS[i].kind == kind) nearest_offer(&nearest, NEXMARK_FIELDS[i].name);
	for (int i = 0; kind < 0 && i < NEXMARK_KINDS; i++) nearest_offer(&nearest, NEXMARK_KIND_NAMES[i]);
	error_set(err, ERR_UNDEFINED_COLUMN, SPAN_NONE, "nexmark makes no field for column \"%s\"", column->name);
	return nearest.best && error_hint(err, "Did you mean \"%s\"?", nearest.best);
}

static bool wrong_type(const DecodeColumn *column, const char *makes, Error *err)
{
	StrBuf type = STRBUF_INIT;
	type_print(column->type, &type);
	error_set(err, ERR_DATATYPE_MISMATCH, SPAN_NONE, "column \"%s\" cannot be %s: nexmark makes %s", column->name, type.text, makes);
	strbuf_release(&type);
	return false;
}

static bool want_field(NexmarkKind kind, const DecodeColumn *column, const char *name, Want *out, Error *err)
{
	*out = (Want){.what = WANT_FIELD, .field = field_find(kind, name), .kind = kind};
	if (!out->field) return no_field((int)kind, column, name, err);
	return column->type.kind == out->field->type || wrong_type(column, type_kind_name(out->field->type), err);
}

static bool want_combined(const DecodeColumn *column, Want *out, Error *err)
{
	const char *name = column->path[0];
	if (column->path_count == 1 && same_name(name, "event_type")) {
		*out = (Want){.what = WANT_EVENT_TYPE};
		return column->type.kind == TYPE_INTEGER || wrong_type(column, "INTEGER", err);
	}
	for (int kind = 0; kind < NEXMARK_KINDS; kind++) {
		if (!same_name(name, NEXMARK_KIND_NAMES[kind])) continue;
		if (column->path_count == 2) return want_field((NexmarkKind)kind, column, column->path[1], out, err);
		*out = (Want){.what = WANT_ROW, .kind = (NexmarkKind)kind};
		if (column->path_count == 1) return is_json_like(column->type.kind) || wrong_type(column, "a ROW", err);
	}
	return no_field(-1, column, name, err);
}

static bool want_one(const NexmarkSource *source, const DecodeColumn *column, Want *out, Error *err)
{
	switch (column->from) {
	case DECODE_FIELD:
		if (column->path_count < 1) return no_field(-1, column, "", err);
		if (source->only < 0) return want_combined(column, out, err);
		if (column->path_count != 1) return no_field(source->only, column, column->path[0], err);
		return want_field((NexmarkKind)source->only, column, column->path[0], out, err);
	case DECODE_POSITION: case DECODE_PARTITION:
		*out = (Want){.what = column->from == DECODE_POSITION ? WANT_POSITION : WANT_PARTITION};
		return column->type.kind == TYPE_INTEGER || wrong_type(column, "INTEGER", err);
	default:
		return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "column \"%s\": a generator's events have only partition and offset beside their fields", column->name);
	}
}

static bool nexmark_want(Source *base, const DecodeColumn *columns, int count, Error *err)
{
	NexmarkSource *source = (NexmarkSource *)base;
	Want *wants = mem_zalloc(sizeof *wants * (size_t)(count + 1));
	Type *types = mem_zalloc(sizeof *types * (size_t)(count + 1));
	for (int i = 0; i < count; i++) {
		types[i] = columns[i].type;
		if (want_one(source, &columns[i], &wants[i], err)) continue;
		free(wants);
		free(types);
		return false;
	}
	free(source->wants);
	free(source->types);
	source->wants = wants;
	source->types = types;
	source->want_count = count;
	return true;
}

/* ---- making batches ---- */

/* Which events become rows, in which kind, and the newest ids at each. */
static int64_t *range_make(const NexmarkSource *source, Batch *batch, int partition, int64_t position, int events, NexmarkRange *range)
{
	const NexmarkModel *model = &source->model;
	Arena *arena = &batch->arena;
	size_t bytes = sizeof(int64_t) * (size_t)events;
	int64_t *numbers = arena_alloc(arena, bytes), *persons = arena_alloc(arena, bytes), *auctions = arena_alloc(arena, bytes), *positions = arena_alloc(arena, bytes);
	int *rows[NEXMARK_KINDS], counts[NEXMARK_KINDS] = {0}, count = 0;
	for (int kind = 0; kind < NEXMARK_KINDS; kind++) rows[kind] = arena_alloc(arena, sizeof(int) * (size_t)events);
	int64_t n = position * source->generator.splits + partition, epoch = n / model->total_share, offset = n % model->total_share;
	for (int i = 0; i < events; i++) {
		bool person = offset < model->person_share, auction = !person && offset < model->person_share + model->auction_share;
		int kind = person ? NEXMARK_PERSON : auction ? NEXMARK_AUCTION : NEXMARK_BID;
		if (source->only < 0 || source->only == kind) {
			int64_t last = person ? -1 : auction ? offset - model->person_share : model->auction_share - 1;
			numbers[count] = n;
			positions[count] = position + i;
			persons[count] = epoch * model->person_share + (person ? offset : model->person_share - 1);
			auctions[count] = epoch * model->auction_share + last;
			rows[kind][counts[kind]++] = count++;
		}
		n += source->generator.splits;
		for (offset += source->generator.splits; offset >= model->total_share; offset -= model->total_share) epoch++;
	}
	for (int i = 0; i < count; i++) {
		if (persons[i] < 0) persons[i] = 0;
		if (auctions[i] < 0) auctions[i] = 0;
	}
	*range = (NexmarkRange){.model = model, .count = count, .events = numbers, .last_person = persons, .last_auction = auctions, .batch = batch};
	for (int kind = 0; kind < NEXMARK_KINDS; kind++) range->rows[kind] = rows[kind], range->row_counts[kind] = counts[kind];
	return positions;
}

/* Rows of other kinds are NULL, with zero bits. */
static void mark_others(const NexmarkRange *range, Batch *batch, int col, NexmarkKind kind)
{
	if (range->row_counts[kind] == range->count) return;
	Column *out = &batch->columns[col];
	uint8_t *null = batch_column_nulls(batch, col);
	memset(out->data, 0, phys_bytes(type_phys(out->type)) * (size_t)range->count);
	memset(null, MARK_NULL, (size_t)range->count);
	for (int j = 0; j < range->row_counts[kind]; j++) null[range->rows[kind][j]] = MARK_VALUE;
}

/* A whole person, auction or bid as JSON text. */
static void fill_row(const NexmarkRange *range, NexmarkKind kind, Column *out)
{
	Arena scratch;
	arena_init(&scratch, 0);
	Column fields[16];
	const char *names[16];
	int count = 0;
	for (int f = 0; f < NEXMARK_FIELD_COUNT; f++) {
		if (NEXMARK_FIELDS[f].kind != kind) continue;
		Type type = {.kind = NEXMARK_FIELDS[f].type};
		fields[count] = (Column){.type = type, .data = arena_zalloc(&scratch, phys_bytes(type_phys(type)) * (size_t)range->count)};
		NEXMARK_FIELDS[f].fill(range, &fields[count]);
		names[count++] = NEXMARK_FIELDS[f].name;
	}
	StrBuf text = STRBUF_INIT;
	for (int j = 0; j < range->row_counts[kind]; j++) {
		int row = range->rows[kind][j];
		strbuf_clear(&text);
		for (int f = 0; f < count; f++) {
			Value value = column_value(&fields[f], row);
			strbuf_addc(&text, f ? ',' : '{');
			json_add_string(&text, names[f], strlen(names[f]));
			strbuf_addc(&text, ':');
			value_print_json(&value, &text);
		}
		strbuf_addc(&text, '}');
		out->str[row] = str_copy(&range->batch->arena, text.text, text.bytes);
	}
	strbuf_release(&text);
	arena_release(&scratch);
}

static void fill_column(const NexmarkSource *source, const NexmarkRange *range, int col, int partition, const int64_t *positions)
{
	const Want *want = &source->wants[col];
	Column *out = &range->batch->columns[col];
	switch (want->what) {
	case WANT_FIELD: mark_others(range, range->batch, col, want->kind); want->field->fill(range, out); break;
	case WANT_ROW: mark_others(range, range->batch, col, want->kind); fill_row(range, want->kind, out); break;
	case WANT_EVENT_TYPE:
		for (int kind = 0; kind < NEXMARK_KINDS; kind++)
			for (int j = 0; j < range->row_counts[kind]; j++) out->i64[range->rows[kind][j]] = kind;
		break;
	case WANT_POSITION: memcpy(out->i64, positions, sizeof *positions * (size_t)range->count); break;
	case WANT_PARTITION: for (int i = 0; i < range->count; i++) out->i64[i] = partition; break;
	}
}

static Poll nexmark_poll(Source *base, int partition, int max, SourceBatch *out, Error *err)
{
	NexmarkSource *source = (NexmarkSource *)base;
	int64_t position;
	int events;
	(void)err;
	if (max > BATCH_ROWS_MAX) max = BATCH_ROWS_MAX;
	Poll poll = generator_due(&source->generator, partition, max, &position, &events);
	if (poll != POLL_SOME) return poll;
	NexmarkRange range;
	Batch *batch = batch_new(source->types, source->want_count, events);
	int64_t *positions = range_make(source, batch, partition, position, events, &range);
	for (int col = 0; col < source->want_count; col++) fill_column(source, &range, col, partition, positions);
	batch_borrow(batch, source->model.texts);
	batch->rows = batch->count = range.count;
	source->generator.partitions[partition].position = position + events;
	*out = (SourceBatch){.batch = batch, .position = position, .positions = source->only < 0 ? NULL : positions, .position_next = position + events};
	if (!range.count) {
		batch_unref(batch);
		out->batch = NULL, out->positions = NULL;
	}
	return POLL_SOME;
}

static void nexmark_close(Source *base)
{
	NexmarkSource *source = (NexmarkSource *)base;
	nexmark_model_release(&source->model);
	generator_release(&source->generator);
	free(source->wants);
	free(source->types);
	free(source);
}

static const SourceClass NEXMARK_CLASS = {
	.close = nexmark_close, .partitions = generator_partitions, .assign = generator_assign, .unassign = generator_unassign, .want = nexmark_want,
	.poll_batch = nexmark_poll, .is_caught_up = generator_is_caught_up, .status = generator_status, .end = generator_end,
};

static double us_per_event(const OptionSet *options)
{
	if (options_find(options, "event_time_rate") && options_real(options, "event_time_rate") > 0) return 1e6 / options_real(options, "event_time_rate");
	if (options_find(options, "nexmark.min.event.gap.in.ns")) return (double)options_integer(options, "nexmark.min.event.gap.in.ns") / 1000;
	return 100;                                   /* 10,000 a second, as the published generator */
}

bool connect_nexmark_source(const SourceConfig *config, Source **out, Error *err)
{
	const OptionSet *options = config->options;
	const char *table = options_text(options, "table");
	NexmarkSource *source = mem_new(NexmarkSource);
	generator_init(&source->generator, &NEXMARK_CLASS, options, 0);
	NexmarkModel *model = &source->model;
	*model = (NexmarkModel){
		.seed = (uint64_t)options_integer(options, "seed") * 0xff51afd7ed558ccdull, .person_share = (int)options_integer(options, "person.proportion"),
		.auction_share = (int)options_integer(options, "auction.proportion"), .bid_share = (int)options_integer(options, "bid.proportion"),
		.hot_auctions = (int)options_integer(options, "bid.hot-ratio.auctions"), .hot_bidders = (int)options_integer(options, "bid.hot-ratio.bidders"),
		.hot_sellers = (int)options_integer(options, "auction.hot-ratio.sellers"), .base_us = options_integer(options, "base_time"), .us_per_event = us_per_event(options),
	};
	source->only = -1;
	for (int kind = 0; kind < NEXMARK_KINDS; kind++)
		if (strcmp(table, NEXMARK_KIND_NAMES[kind]) == 0) source->only = kind;
	nexmark_model_init(model);
	if (!model->person_share && !model->auction_share && !model->bid_share)
		error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "of person.proportion, auction.proportion and bid.proportion one must be more than 0");
	else if (nexmark_want(&source->generator.base, config->declared, config->declared_count, err)) {
		*out = &source->generator.base;
		return true;
	}
	nexmark_close(&source->generator.base);
	return false;
}
