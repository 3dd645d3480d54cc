/* Inner joins of many inputs by one key (FROM bid b, person p, auction a WHERE p.id = b.bidder AND a.seller = b.bidder): what comes of one input meets
 * the rows of all others at once. A tree of joins would keep what the lower ones give, which are the same rows again, joined; here each input's rows
 * are kept once, in its index, and an order of the joins need not be chosen (McSherry et al., "Shared Arrangements", VLDB 2020, call it a delta
 * query). index.c says why each combination is made once, when its last row comes: an index hands its rows on before it adds them.
 */
#include "op/exprs.h"
#include "op/join_rows.h"
#include "op/select.h"

typedef struct ManyInput {
	OpInput in;
	Exprs keys;
	IndexReader index;
	JoinReader reader;                /* its rows as of this push */
	int *columns; int column_count;   /* of the input: read above */
} ManyInput;

typedef struct Many {
	Op op;
	ManyInput inputs[JOIN_MANY_MAX];
	bool *null_equal;
} Many;

/* Of one push: a portion of combinations on its way into a batch. */
typedef struct Combining {
	Many *many;
	int input;
	Batch *dense;
	void **keys[JOIN_MANY_MAX];               /* of each other input, by row: where its rows hang; NULL: there are none */
	const JoinRow **met[JOIN_MANY_MAX];       /* of each other input, by combination */
	uint32_t *rows;                           /* by combination: number in the batch */
	int count;
	Error *err;
} Combining;

/* ---- portions ---- */

static void gather_own(const Combining *combining, Batch *batch)
{
	const ManyInput *own = &combining->many->inputs[combining->input];
	join_rows_make_columns(&own->reader, batch, 0);
	for (int k = 0; k < own->column_count; k++) {
		int c = own->columns[k];
		batch->columns[own->reader.first_column + c] = column_gather(&batch->arena, &combining->dense->columns[c], combining->rows, combining->count);
	}
}

static void unpack_others(const Combining *combining, Batch *batch)
{
	for (int i = 0; i < combining->many->op.input_count; i++) {
		const JoinReader *reader = &combining->many->inputs[i].reader;
		if (i == combining->input) continue;
		join_rows_make_columns(reader, batch, combining->count);
		for (int n = 0; n < combining->count; n++) {
			if (n + JOIN_AHEAD < combining->count) join_row_prefetch(combining->met[i][n + JOIN_AHEAD]);
			join_rows_unpack(reader, join_row_packed(reader->rows, combining->met[i][n]), batch, n);
		}
	}
}

static void weigh(const Combining *combining, Batch *batch)
{
	const Batch *dense = combining->dense;
	int64_t *weights = arena_alloc(&batch->arena, sizeof *weights * (size_t)combining->count), unlike = 0;
	for (int n = 0; n < combining->count; n++) {
		weights[n] = dense->weights ? dense->weights[combining->rows[n]] : 1;
		for (int i = 0; i < combining->many->op.input_count; i++)
			if (i != combining->input) weights[n] *= join_row_weight(combining->many->inputs[i].reader.rows, combining->met[i][n]);
		unlike |= weights[n] ^ 1;
	}
	batch->weights = unlike ? weights : NULL;
	batch->hidden = (Hidden){0};
}

static bool flush(Combining *combining)
{
	Many *many = combining->many;
	if (combining->count == 0) return true;
	Batch *batch = batch_derive(combining->dense, many->op.column_count);
	batch->rows = batch->count = batch->room = combining->count;
	gather_own(combining, batch);
	unpack_others(combining, batch);
	weigh(combining, batch);
	combining->count = 0;
	return op_emit(&many->op, batch, combining->err);
}

/* ---- combinations ---- */

/* The next one after `at`, as a number whose last digit moves first. False: that was the last. */
static bool advance(const Combining *combining, int row, const JoinRow **at)
{
	for (int i = combining->many->op.input_count - 1; i >= 0; i--) {
		const JoinRows *rows = combining->many->inputs[i].reader.rows;
		if (i == combining->input) continue;
		if ((at[i] = join_row_at(rows, at[i]->next))) return true;
		at[i] = join_rows_first(rows, combining->keys[i][row]);
	}
	return false;
}

static bool combine(Combining *combining, int row)
{
	const JoinRow *at[JOIN_MANY_MAX];
	int inputs = combining->many->op.input_count;
	for (int i = 0; i < inputs; i++) {
		if (i == combining->input) continue;
		at[i] = combining->keys[i][row] ? join_rows_first(combining->many->inputs[i].reader.rows, combining->keys[i][row]) : NULL;
		if (!at[i]) return true;
	}
	do {
		for (int i = 0; i < inputs; i++)
			if (i != combining->input) combining->met[i][combining->count] = at[i];
		combining->rows[combining->count++] = (uint32_t)row;
		if (combining->count == BATCH_ROWS_MAX && !flush(combining)) return false;
	} while (advance(combining, row, at));
	return true;
}

/* ---- a batch ---- */

/* Rows that another input has nothing for are not looked up in the next. */
static void find_others(Combining *combining)
{
	Many *many = combining->many;
	Arena *scratch = &many->op.scratch;
	const ManyInput *own = &many->inputs[combining->input];
	int count = combining->dense->count, wanted = 0;
	const Column *columns = exprs_eval(&own->keys, combining->dense, scratch);
	PackedRows packed = rows_pack(columns, own->keys.count, count, scratch), asked = {
		arena_array(scratch, const char *, count + 1), arena_array(scratch, uint32_t, count + 1), arena_array(scratch, uint64_t, count + 1)};
	uint32_t *rows = arena_alloc(scratch, sizeof *rows * (size_t)(count + 1));
	void **found = arena_alloc(scratch, sizeof *found * (size_t)(count + 1));
	for (int i = 0; i < count; i++)
		if (!join_key_is_null(columns, own->keys.count, many->null_equal, i)) rows[wanted++] = (uint32_t)i;
	for (int i = 0; i < many->op.input_count; i++) {
		if (i == combining->input) continue;
		const JoinRows *others = many->inputs[i].reader.rows;
		combining->keys[i] = arena_array(scratch, void *, count + 1);
		int kept = 0;
		for (int w = 0; w < wanted; w++) {
			asked.at[w] = packed.at[rows[w]];
			asked.bytes[w] = packed.bytes[rows[w]];
			asked.hashes[w] = packed.hashes[rows[w]];
		}
		state_map_find_many(others->keys, asked.at, asked.bytes, asked.hashes, wanted, found);
		for (int w = 0; w < wanted; w++) {
			if (!found[w]) continue;
			__builtin_prefetch(join_rows_first(others, found[w]));
			combining->keys[i][rows[w]] = found[w];
			rows[kept++] = rows[w];
		}
		wanted = kept;
	}
}

static bool many_push(Op *op, int input, Batch *in, Error *err)
{
	Many *many = (Many *)op;
	for (int i = 0; i < op->input_count; i++) {
		ManyInput *each = &many->inputs[i];
		if (!index_reader_update(&each->index, err)) return false;
		each->reader.rows = each->index.rows;
		each->reader.places = each->index.places;
	}
	Batch *dense = index_reader_batch(&many->inputs[input].index, in, many->inputs[input].in.column_count);
	Combining combining = {.many = many, .input = input, .dense = dense, .err = err, .rows = arena_alloc(&op->scratch, sizeof(uint32_t) * BATCH_ROWS_MAX)};
	for (int i = 0; i < op->input_count; i++) combining.met[i] = arena_alloc(&op->scratch, sizeof(JoinRow *) * BATCH_ROWS_MAX);
	find_others(&combining);
	bool ok = true;
	for (int i = 0; ok && i < dense->count; i++) ok = combine(&combining, i);
	ok = ok && flush(&combining);
	batch_unref(dense);
	return ok;
}

static void many_release(Op *op)
{
	for (int i = 0; i < op->input_count; i++) exprs_release(&((Many *)op)->inputs[i].keys);
}

static const OpClass JOIN_MANY = {.name = "join many", .push = many_push, .release = many_release};

/* ---- making ---- */

static void make_input(Many *many, const JoinManySpec *spec, int i, int first_column)
{
	ManyInput *own = &many->inputs[i];
	Arena *arena = &many->op.arena;
	const bool *reads = spec->reads ? spec->reads + first_column : NULL;
	own->in = spec->inputs[i];
	own->in.types = arena_copy(arena, spec->inputs[i].types, sizeof(Type) * (size_t)own->in.column_count);
	exprs_compile(&own->keys, arena, spec->keys[i], spec->key_count, &spec->inputs[i]);
	own->reader = (JoinReader){.in = &own->in, .first_column = first_column};
	own->columns = arena_array(arena, int, own->in.column_count + 1);
	for (int c = 0; c < own->in.column_count; c++)
		if (!reads || reads[c]) own->columns[own->column_count++] = c;
	index_reader_init(&own->index, arena, spec->indexes[i], spec->from[i], &own->in, own->columns, own->column_count);
}

/* Its state is empty: it is there so that equal joins of several views are one. */
Op *op_join_many_new(const JoinManySpec *spec)
{
	int all = 0, first = 0;
	for (int i = 0; i < spec->input_count; i++) all += spec->inputs[i].column_count;
	Type *types = mem_alloc(sizeof *types * (size_t)(all + 1));
	for (int i = 0; i < spec->input_count; first += spec->inputs[i++].column_count)
		if (spec->inputs[i].column_count) memcpy(types + first, spec->inputs[i].types, sizeof *types * (size_t)spec->inputs[i].column_count);
	Many *many = op_new(&JOIN_MANY, sizeof *many, "join many", types, all, spec->input_count);
	free(types);
	many->null_equal = arena_array(&many->op.arena, bool, spec->key_count + 1);
	for (int k = 0; k < spec->key_count; k++) many->null_equal[k] = spec->null_equal[k];
	many->op.append_only = true;
	first = 0;
	for (int i = 0; i < spec->input_count; first += spec->inputs[i++].column_count) {
		op_input_init(&many->op, i, spec->inputs[i].watermarks, spec->inputs[i].watermark_count);
		many->op.append_only &= spec->inputs[i].append_only;
		make_input(many, spec, i, first);
	}
	many->op.state = state_new("join many");
	return &many->op;
}
