/* Columns and batches: how rows travel.
 *
 * Str      16 bytes: length and either up to 12 bytes inline or a 4-byte prefix and a pointer (as in Umbra, CIDR 2020).
 *          Unused inline bytes are zero, so two short strings are equal iff their 16 bytes are.
 * Column   dense values of one physical kind, one NULL mark a row. The value under a NULL is all zero bits: kernels may
 *          compute on it, never trust it.
 * Batch    columns of equal length, a weight for each row (Z-set: +n adds n copies, -n takes n away), optionally a
 *          selection (row numbers in ascending order) and hidden columns. Immutable once it is handed on; reference-counted;
 *          owns one arena with all its bytes, or keeps another batch alive from which it borrows.
 *
 * Who reads a batch uses batch_column(): it gives a dense column of `count` values in the selection's order (the column
 * itself where there is no selection, a gathered copy else), so kernels and operators never see selections.
 * One thread at a time owns a batch; handing it to another thread goes through a queue of run/.
 */
#ifndef WEIR_TYPE_BATCH_H
#define WEIR_TYPE_BATCH_H

#include <string.h>

#include "type/type.h"

typedef __int128 Int128;

typedef struct Interval { int32_t months, days; int64_t us; } Interval;

enum { STR_INLINE_BYTES = 12 };

typedef struct Str {
	uint32_t bytes;
	union {
		char inlined[STR_INLINE_BYTES];
		struct { char prefix[4]; const char *at; } __attribute__((packed)) far;
	};
} Str;
_Static_assert(sizeof(Str) == 16, "Str is two words");

static inline const char *str_at(const Str *s) { return s->bytes <= STR_INLINE_BYTES ? s->inlined : s->far.at; }

/* A Str over memory that outlives it; copies only what goes inline. */
static inline Str str_borrow(const void *at, size_t bytes)
{
	Str s = {.bytes = (uint32_t)bytes};
	if (bytes <= STR_INLINE_BYTES) { if (bytes) memcpy(s.inlined, at, bytes); }
	else { memcpy(s.far.prefix, at, 4); s.far.at = at; }
	return s;
}
Str str_copy(Arena *arena, const void *at, size_t bytes);

static inline bool str_equal(const Str *a, const Str *b)
{
	if (memcmp(a, b, 8) != 0) return false;                       /* length and prefix */
	if (a->bytes <= STR_INLINE_BYTES) return memcmp(a, b, 16) == 0;
	return memcmp(a->far.at, b->far.at, a->bytes) == 0;
}
int str_compare(const Str *a, const Str *b);                          /* binary order, <0 0 >0 */

enum { STR_BYTES_MAX = 64 << 20 };                                    /* of one value */

/* NULL marks. MARK_BAD stands only between a source and the readers of its columns: the record has a value that is none
 * of the type; a view that reads the column treats the row as dead, others do not notice. */
enum { MARK_VALUE = 0, MARK_NULL = 1, MARK_BAD = 2 };

typedef struct Column {
	Type type;
	union { void *data; int64_t *i64; double *f64; Int128 *i128; Str *str; Interval *interval; };
	uint8_t *null;                /* a mark for each row, or NULL: no row is NULL */
} Column;

static inline bool column_is_null(const Column *column, int row) { return column->null && column->null[row]; }

/* One value: constants, literals, options, results. kind of the union member: type_phys(type). */
typedef struct Value {
	Type type;
	bool is_null;
	union { int64_t i64; double f64; Int128 i128; Str str; Interval interval; };
} Value;

/* value under a NULL reads as zeros; strings borrow from the column */
Value column_value(const Column *column, int row);
void column_set(Column *column, int row, const Value *value, Arena *arena);   /* strings are copied to arena */

enum { BATCH_ROWS_MAX = 4096 };

/* What a record of a changelog does. */
typedef enum RowOp {
	ROW_INSERT,           /* one more row like this */
	ROW_UPSERT,           /* replaces the row with its key */
	ROW_DELETE,           /* takes the row back: with a key by key, else one equal row */
	ROW_BEFORE,           /* the same, but of an update: what is there now follows */
} RowOp;

/* Columns that no statement names. They are present only where the graph needs them (see plan/README). */
typedef struct Hidden {
	int64_t *judge;       /* the watermark that judges the row (microseconds), WATERMARK_NONE: none; NULL: nothing is judged */
	Int128 *arrival;      /* order of arrival: commit << 88 | partition << 64 | position; NULL: not needed */
	const uint8_t *ops;   /* what records of a changelog do (RowOp); NULL: each is a row */
	int64_t *ends;        /* of rows that go and are not replaced: the event time since when, WATERMARK_END: not said; else WATERMARK_NONE; NULL: of none */
	uint8_t *fate;        /* what has become of the rows of the scan's batch so far (op.h, OpFates); NULL: nobody asks */
	const uint32_t *origin;       /* each row's place in there; NULL: its own number */
} Hidden;

#define WATERMARK_NONE INT64_MIN      /* no watermark yet */
#define WATERMARK_END  INT64_MAX      /* the stream is closed: no row will come */

typedef struct Batch Batch;
struct Batch {
	int refs;
	int rows;                 /* physical length of the columns */
	int room;                 /* rows for which batch_new made memory */
	int count;                /* rows that are in the batch: length of sel, or rows */
	int column_count;
	Column *columns;
	const uint32_t *sel;      /* NULL: all rows */
	const int64_t *weights;   /* physical; NULL: all +1 */
	Hidden hidden;
	int64_t system_us;        /* the commit's clock */
	Arena arena;              /* owns what the columns point to, unless borrowed (of parents, or of state that outlives the commit) */
	Batch **parents;          /* batches whose bytes are borrowed, with a reference on each */
	int parent_count;
};

/* A new batch with `room` rows of uninitialised columns; fill, set rows = count, hand on. Columns get no null array
 * until batch_column_nulls() asks for one. */
Batch *batch_new(const Type *types, int column_count, int room);
uint8_t *batch_column_nulls(Batch *batch, int column);                /* zeroed at first call */

/* A batch of no columns of its own that borrows from parent; the caller sets columns, sel, weights (allocated in its arena). */
Batch *batch_derive(Batch *parent, int column_count);
void batch_borrow(Batch *batch, Batch *parent);                       /* keep another parent alive, too */

Batch *batch_ref(Batch *batch);
void batch_unref(Batch *batch);

static inline int batch_row(const Batch *batch, int i) { return batch->sel ? (int)batch->sel[i] : i; }
static inline int64_t batch_weight(const Batch *batch, int i) { return batch->weights ? batch->weights[batch_row(batch, i)] : 1; }
static inline int64_t batch_judge(const Batch *batch, int i) { return batch->hidden.judge ? batch->hidden.judge[batch_row(batch, i)] : WATERMARK_NONE; }

/* Dense column of batch->count values; gathered into `scratch` where there is a selection. */
Column batch_column(const Batch *batch, int column, Arena *scratch);

/* Builds a batch row by row where rows come from state or from a result: not the way for input or kernels. */
typedef struct BatchBuilder {
	Batch *batch;
	const Type *types;
	int column_count, room;
	bool want_judge, want_arrival;
} BatchBuilder;
void batch_builder_init(BatchBuilder *builder, const Type *types, int column_count, int room);
/* Starts a new row and returns its number; weight and hidden values are set by the caller through the accessors. */
int batch_builder_row(BatchBuilder *builder, int64_t weight);
static inline bool batch_builder_full(const BatchBuilder *builder) { return builder->batch && builder->batch->rows == builder->room; }
void batch_builder_set(BatchBuilder *builder, int row, int column, const Value *value);   /* copies strings */
void batch_builder_copy(BatchBuilder *builder, int row, int column, const Column *from, int from_row);
void batch_builder_judge(BatchBuilder *builder, int row, int64_t judge);
void batch_builder_arrival(BatchBuilder *builder, int row, Int128 arrival);
Batch *batch_builder_take(BatchBuilder *builder);                     /* NULL if empty; the builder starts anew */
void batch_builder_release(BatchBuilder *builder);

/* For debug output and tests: "+1 | 1 | 'a' | NULL" a line. */
void batch_print(const Batch *batch, StrBuf *out);

/* Debug builds: asserts that lengths, selection and strings are sound. */
void batch_check(const Batch *batch);

#endif
