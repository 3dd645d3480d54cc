/* The datagen source: each column random or counting, as Flink's and RisingWave's generators of this name. Every value is a function of
 * seed, column name and event number, so that any position can be read again; times count up from base_time instead of reading
 * the clock, for the same reason.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "connect/generator.h"
#include "connect/sources.h"
#include "type/calendar.h"
#include "type/text.h"

enum { RATE_DEFAULT = 10000, TEXT_BYTES_DEFAULT = 100 };

typedef struct DatagenColumn {
	Type type;
	DecodeFrom from;
	bool is_sequence;
	uint64_t seed;
	int64_t least, most;          /* INTEGER, DATE (days), TIME and TIMESTAMP (us), DECIMAL (scaled): random between these */
	double real_least, real_most;
	int64_t first;                /* sequence */
	int bytes;                    /* TEXT, BLOB */
	double null_rate;
	bool counts_time;             /* TIMESTAMP without min and max */
} DatagenColumn;

typedef struct DatagenSource {
	Generator generator;          /* first */
	OptionSet options;
	int64_t base_us;
	double us_per_event;
	uint64_t seed;
	DatagenColumn *columns;
	Type *types;
	int column_count;
} DatagenSource;

static const char *field_option(const DatagenSource *source, const char *field, const char *what)
{
	for (int i = 0; i < source->options.count; i++) {
		const char *name = source->options.at[i].name;
		size_t field_bytes = strlen(field);
		if (strncmp(name, "fields.", 7) == 0 && strncasecmp(name + 7, field, field_bytes) == 0 && name[7 + field_bytes] == '.' && strcmp(name + 8 + field_bytes, what) == 0)
			return source->options.at[i].value;
	}
	return NULL;
}

static bool bad_bound(const DecodeColumn *column, const char *what, const char *value, Error *err)
{
	return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "option \"fields.%s.%s\" cannot be \"%s\": it is no %s", column->name, what, value, type_kind_name(column->type.kind));
}

/* A bound in the column's own type, as the integer in which it lies there. */
static bool read_bound(const DatagenSource *source, const DecodeColumn *column, const char *field, const char *what, int64_t *out, double *real, bool *given, Error *err)
{
	const char *text = field_option(source, field, what);
	Value value;
	Arena scratch;
	if (!text) return true;
	arena_init(&scratch, 0);
	bool ok = text_to_value(text, strlen(text), column->type, &value, &scratch);
	arena_release(&scratch);
	if (!ok) return bad_bound(column, what, text, err);
	*given = true;
	if (column->type.kind == TYPE_REAL) *real = value.f64;
	else if (column->type.kind != TYPE_DECIMAL) *out = value.i64;
	else if (value.i128 > INT64_MAX || value.i128 < INT64_MIN) return bad_bound(column, what, text, err);
	else *out = (int64_t)value.i128;
	return true;
}

static void default_bounds(const DatagenSource *source, DatagenColumn *out)
{
	int64_t most = 1;
	out->real_least = 0, out->real_most = 1;
	switch (out->type.kind) {
	case TYPE_INTEGER: out->least = INT64_MIN, out->most = INT64_MAX; break;
	case TYPE_DECIMAL:
		for (int i = 0; i < out->type.precision && i < 18; i++) most *= 10;
		out->least = 0, out->most = most - 1;
		break;
	case TYPE_DATE: out->most = source->base_us / US_PER_DAY, out->least = out->most - 365; break;
	case TYPE_TIME: out->least = 0, out->most = US_PER_DAY - 1; break;
	case TYPE_TIMESTAMP: out->least = source->base_us, out->most = source->base_us; break;
	default: break;
	}
}

static bool has_bounds(TypeKind kind) { return kind == TYPE_INTEGER || kind == TYPE_DECIMAL || kind == TYPE_REAL || kind == TYPE_DATE || kind == TYPE_TIME || kind == TYPE_TIMESTAMP; }

static bool read_column(const DatagenSource *source, const DecodeColumn *column, const char *field, DatagenColumn *out, Error *err)
{
	const char *kind = field_option(source, field, "kind"), *length = field_option(source, field, "length"), *first = field_option(source, field, "start");
	const char *nulls = field_option(source, field, "null_rate"), *seed = field_option(source, field, "seed");
	bool given = false;
	*out = (DatagenColumn){.type = column->type, .from = column->from, .is_sequence = kind ? strcmp(kind, "sequence") == 0 : first != NULL};
	out->seed = hash_combine(hash_bytes(field, strlen(field)), seed ? (uint64_t)strtoll(seed, NULL, 10) : source->seed);
	out->bytes = length ? atoi(length) : TEXT_BYTES_DEFAULT;
	out->first = first ? strtoll(first, NULL, 10) : 1;
	out->null_rate = nulls ? strtod(nulls, NULL) : 0;
	default_bounds(source, out);
	if (has_bounds(column->type.kind) && (!read_bound(source, column, field, "min", &out->least, &out->real_least, &given, err)
		|| !read_bound(source, column, field, "max", &out->most, &out->real_most, &given, err))) return false;
	out->counts_time = column->type.kind == TYPE_TIMESTAMP && !given;
	if (out->least > out->most || out->real_least > out->real_most)
		return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "option \"fields.%s.min\" lies above \"fields.%s.max\"", field, field);
	TypeKind type = column->type.kind;
	if (out->is_sequence && type != TYPE_INTEGER && type != TYPE_REAL && type != TYPE_DECIMAL && type != TYPE_TEXT)
		return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "column \"%s\": datagen makes no sequence of %s", column->name, type_kind_name(type));
	if (type == TYPE_JSON || type == TYPE_ROW)
		return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "column \"%s\": datagen makes no %s", column->name, type_kind_name(type));
	return true;
}

static bool want_one(const DatagenSource *source, const DecodeColumn *column, DatagenColumn *out, Error *err)
{
	char field[256];
	size_t bytes = 0;
	if (column->from == DECODE_POSITION || column->from == DECODE_PARTITION) {
		*out = (DatagenColumn){.type = column->type, .from = column->from};
		return column->type.kind == TYPE_INTEGER || error_set(err, ERR_DATATYPE_MISMATCH, SPAN_NONE, "column \"%s\" must be INTEGER", column->name);
	}
	if (column->from != DECODE_FIELD)
		return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "column \"%s\": a generator's events have only partition and offset beside their fields", column->name);
	for (int i = 0; i < column->path_count && bytes < sizeof field; i++)
		bytes += (size_t)snprintf(field + bytes, sizeof field - bytes, "%s%s", i ? "." : "", column->path[i]);
	return read_column(source, column, field, out, err);
}

static bool datagen_want(Source *base, const DecodeColumn *columns, int count, Error *err)
{
	DatagenSource *source = (DatagenSource *)base;
	DatagenColumn *made = mem_zalloc(sizeof *made * (size_t)(count + 1));
	Type *types = mem_zalloc(sizeof *types * (size_t)(count + 1));
	bool ok = true;
	for (int i = 0; ok && i < count; i++) {
		types[i] = columns[i].type;
		ok = want_one(source, &columns[i], &made[i], err);
	}
	free(ok ? source->columns : made);
	free(ok ? source->types : types);
	if (ok) source->columns = made, source->types = types, source->column_count = count;
	return ok;
}

/* ---- values ---- */

static inline uint64_t draw(const DatagenColumn *column, int64_t event, int nth) { return hash_mix64(((uint64_t)event * 64 + (uint64_t)nth) * 0x9e3779b97f4a7c15ull + column->seed); }

static inline int64_t between(uint64_t random, int64_t least, int64_t most)
{
	unsigned __int128 width = (unsigned __int128)((Int128)most - least) + 1;
	return (int64_t)(least + (Int128)(width * random >> 64));
}

static Str random_bytes(const DatagenColumn *column, int64_t event, Arena *arena)
{
	char *out = arena_alloc(arena, (size_t)column->bytes + 8);
	bool text = column->type.kind == TYPE_TEXT;
	for (int i = 0; i < column->bytes; i += 8) {
		uint64_t r = hash_mix64(draw(column, event, 1) + (uint64_t)i);
		for (int b = 0; b < 8; b++) out[i + b] = text ? (char)('a' + (r >> b * 8 & 0xff) % 26) : (char)(r >> b * 8);
	}
	return str_borrow(out, (size_t)column->bytes);
}

static int64_t random_integer(const DatagenSource *source, const DatagenColumn *column, int64_t n)
{
	if (column->type.kind == TYPE_BOOLEAN) return (int64_t)(draw(column, n, 1) >> 63);
	if (column->counts_time) return source->base_us + (int64_t)((double)n * source->us_per_event);
	return between(draw(column, n, 1), column->least, column->most);
}

static void put_random(const DatagenSource *source, const DatagenColumn *column, int64_t n, Column *out, int row, Arena *arena)
{
	switch (type_phys(column->type)) {
	case PHYS_I64: out->i64[row] = random_integer(source, column, n); break;
	case PHYS_F64: out->f64[row] = column->real_least + (column->real_most - column->real_least) * ((double)(draw(column, n, 1) >> 11) * 0x1p-53); break;
	case PHYS_I128: out->i128[row] = between(draw(column, n, 1), column->least, column->most); break;
	case PHYS_STR: out->str[row] = random_bytes(column, n, arena); break;
	case PHYS_INTERVAL: out->interval[row] = (Interval){.us = between(draw(column, n, 1), 0, US_PER_DAY)}; break;
	}
}

static void put_sequence(const DatagenColumn *column, int64_t n, Column *out, int row, Arena *arena)
{
	int64_t x = column->first + n;
	char text[24];
	Int128 scaled = x;
	switch (type_phys(column->type)) {
	case PHYS_F64: out->f64[row] = (double)x; break;
	case PHYS_I128: for (int i = 0; i < column->type.scale; i++) scaled *= 10; out->i128[row] = scaled; break;
	case PHYS_STR: out->str[row] = str_copy(arena, text, (size_t)snprintf(text, sizeof text, "%" PRId64, x)); break;
	default: out->i64[row] = x;
	}
}

static void fill_column(const DatagenSource *source, Batch *batch, int col, int partition, int64_t position, int count)
{
	const DatagenColumn *column = &source->columns[col];
	Column *out = &batch->columns[col];
	uint8_t *null = column->null_rate > 0 ? batch_column_nulls(batch, col) : NULL;
	for (int row = 0; row < count; row++) {
		int64_t n = (position + row) * source->generator.splits + partition;
		if (column->from != DECODE_FIELD) { out->i64[row] = column->from == DECODE_PARTITION ? partition : position + row; continue; }
		if (column->is_sequence) put_sequence(column, n, out, row, &batch->arena);
		else put_random(source, column, n, out, row, &batch->arena);
		if (!null || (double)(draw(column, n, 2) >> 11) * 0x1p-53 >= column->null_rate) continue;
		null[row] = MARK_NULL;
		size_t bytes = phys_bytes(type_phys(out->type));
		memset((char *)out->data + bytes * (size_t)row, 0, bytes);
	}
}

static Poll datagen_poll(Source *base, int partition, int max, SourceBatch *out, Error *err)
{
	DatagenSource *source = (DatagenSource *)base;
	int64_t position;
	int count;
	(void)err;
	Poll poll = generator_due(&source->generator, partition, max < BATCH_ROWS_MAX ? max : BATCH_ROWS_MAX, &position, &count);
	if (poll != POLL_SOME) return poll;
	Batch *batch = batch_new(source->types, source->column_count, count);
	for (int col = 0; col < source->column_count; col++) fill_column(source, batch, col, partition, position, count);
	batch->rows = batch->count = count;
	source->generator.partitions[partition].position = position + count;
	*out = (SourceBatch){.batch = batch, .position = position, .position_next = position + count};
	return POLL_SOME;
}

static void datagen_close(Source *base)
{
	DatagenSource *source = (DatagenSource *)base;
	generator_release(&source->generator);
	free(source->columns);
	free(source->types);
	free(source);
}

static const SourceClass DATAGEN_CLASS = {
	.close = datagen_close, .partitions = generator_partitions, .assign = generator_assign, .unassign = generator_unassign, .want = datagen_want,
	.poll_batch = datagen_poll, .is_caught_up = generator_is_caught_up, .status = generator_status, .end = generator_end,
};

/* A sequence with an end ends the rows. */
static void end_with_sequences(DatagenSource *source)
{
	Generator *generator = &source->generator;
	for (int i = 0; i < source->options.count; i++) {
		const char *name = source->options.at[i].name, *dot = strrchr(name, '.');
		char field[256];
		if (strncmp(name, "fields.", 7) != 0 || strcmp(dot, ".end") != 0 || (size_t)(dot - name) >= sizeof field) continue;
		snprintf(field, sizeof field, "%.*s", (int)(dot - name - 7), name + 7);
		const char *first = field_option(source, field, "start");
		int64_t count = strtoll(source->options.at[i].value, NULL, 10) - (first ? strtoll(first, NULL, 10) : 1) + 1;
		if (count < 0) count = 0;
		if (generator->events < 0 || count < generator->events) generator->events = count;
	}
	generator->base.is_bounded = generator->events >= 0;
}

bool connect_datagen_source(const SourceConfig *config, Source **out, Error *err)
{
	DatagenSource *source = mem_new(DatagenSource);
	const OptionSet *options = config->options;
	generator_init(&source->generator, &DATAGEN_CLASS, options, RATE_DEFAULT);
	Arena *arena = &source->generator.arena;
	source->options = (OptionSet){arena_array(arena, Option, options->count + 1), options->count};
	for (int i = 0; i < options->count; i++) source->options.at[i] = (Option){arena_strdup(arena, options->at[i].name), arena_strdup(arena, options->at[i].value), options->at[i].span};
	source->base_us = options_integer(options, "base_time");
	source->seed = (uint64_t)options_integer(options, "seed");
	/* not from `rate`: that one may change without changing answers */
	double rate = options_real(options, "event_time_rate");
	source->us_per_event = 1e6 / (rate > 0 ? rate : RATE_DEFAULT);
	end_with_sequences(source);
	if (datagen_want(&source->generator.base, config->declared, config->declared_count, err)) {
		*out = &source->generator.base;
		return true;
	}
	datagen_close(&source->generator.base);
	return false;
}
