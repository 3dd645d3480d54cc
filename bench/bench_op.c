/* Nanoseconds a row of the core operators on bids as Nexmark makes them (hot auctions and bidders, recent ones else), in batches of 1024 and
 * commits of 200,000 rows, into a sink that is taken at each commit. usage: bench_op [million rows] [case] */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "op/specs.h"

enum { BATCH = 1024, COMMIT_ROWS = 200000 };
enum { AUCTION, BIDDER, PRICE, TIME, CHANNEL, DAY, CHEAP, MIDDLE, DEAR, COLUMNS };

static const Type TYPES[] = {{.kind = TYPE_INTEGER}, {.kind = TYPE_INTEGER}, {.kind = TYPE_INTEGER}, {.kind = TYPE_TIMESTAMP}, {.kind = TYPE_TEXT},
	{.kind = TYPE_TEXT}, {.kind = TYPE_BOOLEAN}, {.kind = TYPE_BOOLEAN}, {.kind = TYPE_BOOLEAN}};
static const ColumnId LAYOUT[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static uint64_t seed = 1;
static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % n);
}

static Batch *make_bids(int64_t first)
{
	Batch *batch = batch_new(TYPES, COLUMNS, BATCH);
	for (int i = 0; i < BATCH; i++) {
		int64_t event = (first + i) * 50 / 46, person = event / 50, auction = event / 50 * 3;
		int64_t a = below(2) ? auction / 100 * 100 : auction - below(100), b = below(4) ? person / 100 * 100 : person - below(1000), price = 1 + below(100000) * (int64_t)below(1000) % 10000000;
		char channel[32];
		static const char *const HOT[] = {"Google", "Facebook", "Baidu", "Apple"};
		int bytes = below(2) ? snprintf(channel, sizeof channel, "%s", HOT[below(4)]) : snprintf(channel, sizeof channel, "channel-%u", below(10000));
		batch->columns[AUCTION].i64[i] = a < 0 ? 0 : a;
		batch->columns[BIDDER].i64[i] = b < 0 ? 0 : b;
		batch->columns[PRICE].i64[i] = price;
		batch->columns[TIME].i64[i] = 1600000000000000ll + event * 10;        /* 100,000 events a second */
		batch->columns[CHANNEL].str[i] = str_copy(&batch->arena, channel, (size_t)bytes);
		batch->columns[DAY].str[i] = str_borrow("2026-11-20", 10);
		batch->columns[CHEAP].i64[i] = price < 10000;
		batch->columns[MIDDLE].i64[i] = price >= 10000 && price < 1000000;
		batch->columns[DEAR].i64[i] = price >= 1000000;
	}
	batch->rows = batch->count = BATCH;
	return batch;
}

/* ---- cases ---- */

static Arena arena;

static OpInput bids(void) { return (OpInput){.layout = LAYOUT, .types = TYPES, .column_count = COLUMNS, .append_only = true}; }
static Expr *column(int c) { return expr_column(&arena, LAYOUT[c], TYPES[c], false, SPAN_NONE); }

typedef struct CallText { const char *name; int arg; bool distinct; int filter; } CallText;
enum { NO = -1 };

static Op *grouped(OpInput in, const int *keys, int key_count, const CallText *texts, int count, const WindowSpec *slices)
{
	AggregateSpec spec = {.in = in, .key_count = key_count, .close.key_index = -1, .slices = slices};
	spec.keys = arena_array(&arena, Expr *, key_count + 1);
	for (int k = 0; k < key_count; k++) spec.keys[k] = keys[k] < 0 ? NULL : column(keys[k]);
	spec.window_start_key = slices ? 0 : -1;
	spec.window_end_key = slices ? 1 : -1;
	spec.window_time_key = -1;
	spec.calls = arena_array(&arena, AggregateCall, count + 1);
	spec.call_count = count;
	for (int i = 0; i < count; i++) {
		Error err = ERROR_INIT;
		AggregateCall *call = &spec.calls[i];
		Expr **args = arena_array(&arena, Expr *, 1);
		if (texts[i].arg >= 0) args[0] = column(texts[i].arg);
		*call = (AggregateCall){.args = args, .arg_count = texts[i].arg >= 0, .distinct = texts[i].distinct};
		call->aggregate = aggregate_resolve(&arena, texts[i].name, args, call->arg_count, call->arg_count == 0, SPAN_NONE, &err);
		if (texts[i].filter >= 0) call->filter = column(texts[i].filter);
		Type type = call->arg_count ? args[0]->type : TYPE(NULL);
		call->type = call->aggregate->result(&type, call->arg_count);
	}
	return op_aggregate_new(&spec);
}

static Op *identity(void)
{
	ProjectSpec spec = {.in = bids(), .expr_count = 5};
	spec.exprs = arena_array(&arena, Expr *, 5);
	for (int i = 0; i < 5; i++) spec.exprs[i] = column(i);
	return op_project_new(&spec);
}

static const CallText COUNT[] = {{"count", NO, false, NO}};
static Op *count_by_auction(void) { return grouped(bids(), (const int[]){AUCTION}, 1, COUNT, 1, NULL); }
static Op *count_by_price(void) { return grouped(bids(), (const int[]){PRICE}, 1, COUNT, 1, NULL); }
static Op *distinct_pairs(void) { return grouped(bids(), (const int[]){AUCTION, BIDDER}, 2, NULL, 0, NULL); }

static const CallText Q15[] = {
	{"count", NO, false, NO}, {"count", NO, false, CHEAP}, {"count", NO, false, MIDDLE}, {"count", NO, false, DEAR},
	{"count", BIDDER, true, NO}, {"count", BIDDER, true, CHEAP}, {"count", BIDDER, true, MIDDLE}, {"count", BIDDER, true, DEAR},
	{"count", AUCTION, true, NO}, {"count", AUCTION, true, CHEAP}, {"count", AUCTION, true, MIDDLE}, {"count", AUCTION, true, DEAR},
};
static Op *q15(void) { return grouped(bids(), (const int[]){DAY}, 1, Q15, 12, NULL); }
static Op *q16(void) { return grouped(bids(), (const int[]){CHANNEL, DAY}, 2, Q15, 12, NULL); }

static const CallText Q17[] = {
	{"count", NO, false, NO}, {"count", NO, false, CHEAP}, {"count", NO, false, MIDDLE}, {"count", NO, false, DEAR},
	{"min", PRICE, false, NO}, {"max", PRICE, false, NO}, {"avg", PRICE, false, NO}, {"sum", PRICE, false, NO},
};
static Op *q17(void) { return grouped(bids(), (const int[]){AUCTION, DAY}, 2, Q17, 8, NULL); }

static Op *min_updating(void)
{
	static const CallText MIN[] = {{"min", PRICE, false, NO}, {"max", PRICE, false, NO}};
	OpInput in = bids();
	in.append_only = false;
	return grouped(in, (const int[]){AUCTION}, 1, MIN, 2, NULL);
}

static WindowSpec hop = {.kind = WINDOW_HOP, .size_us = 10000000, .slide_us = 2000000};
static Op *q5_slices(void)
{
	hop.in = bids();
	hop.time = column(TIME);
	return grouped(bids(), (const int[]){NO, NO, AUCTION}, 3, COUNT, 1, &hop);
}
static Op *hop_rows(void)
{
	hop.in = bids();
	hop.time = column(TIME);
	return op_window_new(&hop);
}

static const struct { const char *name; Op *(*make)(void); bool append_only; } CASES[] = {
	{"q0 identity", identity, true}, {"count by auction", count_by_auction, false}, {"count by price", count_by_price, false},
	{"distinct auction, bidder", distinct_pairs, true}, {"q15", q15, false}, {"q16", q16, false}, {"q17", q17, false},
	{"min, max updating", min_updating, false}, {"q5 slices", q5_slices, false}, {"hop rows", hop_rows, true},
};

const char *malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1";       /* as weir itself */

typedef struct Result { double push, commit, take, changes, state_mb; } Result;

static Result run(int which, Batch **batches, int batch_count)
{
	arena_init(&arena, 0);
	Op *op = CASES[which].make();
	ColumnId *layout = arena_array(&arena, ColumnId, op->column_count);
	for (int c = 0; c < op->column_count; c++) layout[c] = c + 1;
	static const int KEYS[] = {0, 1, 2};
	SinkSpec spec = {.in = {.layout = layout, .types = op->types, .column_count = op->column_count, .append_only = CASES[which].append_only}, .key_columns = KEYS};
	spec.key_count = CASES[which].append_only ? 0 : op->column_count < 4 ? 1 : op->column_count == 4 ? 3 : 2;
	Op *sink = op_sink_new(&spec);
	op_connect(op, sink, 0);
	Error err = ERROR_INIT;
	int64_t push_ns = 0, commit_ns = 0, take_ns = 0, changes_count = 0, rows = 0, since = 0;
	for (int b = 0; b < batch_count; b++) {
		int64_t start = now_ns();
		op_push(op, 0, batches[b], &err);
		int64_t pushed = now_ns();
		push_ns += pushed - start;
		rows += BATCH;
		since += BATCH;
		if (since < COMMIT_ROWS && b + 1 < batch_count) continue;
		since = 0;
		CommitInfo commit = {.commit = (uint64_t)b};
		arena_clear(&op->scratch);
		if (op->class->commit) op->class->commit(op, &commit, &err);
		int64_t committed = now_ns();
		Changes changes;
		op_sink_take(sink, &changes);
		changes_count += changes.count;
		changes_release(&changes);
		commit_ns += committed - pushed;
		take_ns += now_ns() - committed;
	}
	Result result = {(double)push_ns / (double)rows, (double)commit_ns / (double)rows, (double)take_ns / (double)rows, (double)changes_count / (double)rows,
		op->state ? (double)state_bytes(op->state) / 1e6 : 0};
	op_free(op);
	op_free(sink);
	arena_release(&arena);
	return result;
}

int main(int argc, char **argv)
{
	int batch_count = (argc > 1 ? atoi(argv[1]) : 2) * 1000000 / BATCH;
	Batch **batches = mem_alloc(sizeof *batches * (size_t)batch_count);
	for (int b = 0; b < batch_count; b++) batches[b] = make_bids((int64_t)b * BATCH);
	for (int i = 0; i < (int)(sizeof CASES / sizeof *CASES); i++)
		if (argc < 3 || strstr(CASES[i].name, argv[2])) {
			Result best = {.push = 1e9};
			for (int round = 0; round < 4; round++) {             /* the first one gets the memory from the kernel */
				Result result = run(i, batches, batch_count);
				if (result.push + result.commit + result.take < best.push + best.commit + best.take) best = result;
			}
			printf("%-26s push %6.1f  commit %6.1f  sink %6.1f  = %6.1f ns a row; %.3f changes a row, state %.1f MB\n", CASES[i].name,
				best.push, best.commit, best.take, best.push + best.commit + best.take, best.changes, best.state_mb);
		}
	for (int b = 0; b < batch_count; b++) batch_unref(batches[b]);
	free(batches);
}
