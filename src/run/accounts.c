/* Accounts: what became of the rows that a view was given, in weir_accounts: rows_in = applied + filtered + late + dead.
 *
 * A row counts once for the view, however often the query reads its relation, and as the best of what became of it: applied if an operator has taken
 * it, late if none has and one found its window closed, else filtered. Where a row goes one way only, that is told by what operators count. Where it may
 * go several (the relation is read twice, UNION ALL of its branches, GROUPING SETS, windows that repeat rows) each batch carries what became of its rows
 * (OpFates, from the scans to the first operators that keep them); so does no other query, since it costs a little per row.
 *
 * A row that only became late after an operator had taken it (what a join made of it, or one of a session) is taken from
 * those applied. An operator that rests, since another view's serves it, has taken all: such operators find nothing late. */
#include "run/commit.h"

static bool op_is(const Op *op, const char *name) { return strcmp(op->class->name, name) == 0; }

/* ---- which way rows go ---- */

/* From here to the operators that keep rows: one way, each row at most once? */
static bool is_one_way(const Op *op)
{
	while (op->class->passes_on) {
		if (op->repeats || op->outputs.count > 1) return false;
		if (!op->outputs.count) return true;
		op = op->outputs.at[0].to;
	}
	return true;
}

static int first_scan(const Lowered *lowered, int scan)
{
	int s = 0;
	while (lowered->scans.at[s].relation->id != lowered->scans.at[scan].relation->id) s++;
	return s;
}

static bool goes_one_way(const Lowered *lowered)
{
	for (int s = 0; s < lowered->scans.count; s++)
		if (first_scan(lowered, s) != s || !is_one_way(lowered->scans.at[s].op)) return false;
	return true;
}

/* The scans of a relation get its rows one after the other: the first begins, the last counts. Where one is given the relation's content before the
 * other (PROCTIME joins) that is not so, and operators' counts must do. */
static bool scans_go_together(const Lowered *lowered)
{
	for (int s = 0; s < lowered->scans.count; s++)
		if (lowered->scans.at[s].before_others != lowered->scans.at[first_scan(lowered, s)].before_others) return false;
	return true;
}

static void add_filter(Pipeline *pipeline, Op *op)
{
	for (int f = 0; f < pipeline->filters.count; f++)
		if (pipeline->filters.at[f] == op) return;
	vec_push(&pipeline->filters, op);
}

/* What drops rows on the way that they go. */
static void mark_filters(Pipeline *pipeline, Op *op)
{
	for (int e = 0; e < op->outputs.count; e++) {
		Op *reader = op->outputs.at[e].to;
		if (!op_is(reader, "filter") && !op_is(reader, "project") && !(op_is(reader, "window") && !reader->repeats)) continue;
		add_filter(pipeline, reader);
		mark_filters(pipeline, reader);
	}
}

void accounts_open(Pipeline *pipeline)
{
	Lowered *lowered = pipeline->lowered;
	pipeline->has_fates = pipeline->relation && !goes_one_way(lowered) && scans_go_together(lowered);
	for (int o = 0; pipeline->has_fates && o < lowered->ops.count; o++) lowered->ops.at[o]->ways = lowered->ops.at[o]->outputs.count;
	for (int s = 0; s < lowered->scans.count; s++) {
		Op *op = lowered->scans.at[s].op;
		int first = first_scan(lowered, s);
		if (!pipeline->has_fates) mark_filters(pipeline, op);
		else if (first == s) vec_push(&pipeline->fates, op_fates_new());
		if (!pipeline->has_fates) continue;
		op->fates = first == s ? pipeline->fates.at[pipeline->fates.count - 1] : lowered->scans.at[first].op->fates;
		op->fates_begin = first == s;
		op->fates_end = true;
		for (int later = s + 1; later < lowered->scans.count; later++)
			if (first_scan(lowered, later) == first) op->fates_end = false;
	}
}

void accounts_close(Pipeline *pipeline)
{
	for (int f = 0; f < pipeline->fates.count; f++) op_fates_free(pipeline->fates.at[f]);
	vec_release(&pipeline->fates);
	vec_release(&pipeline->filters);
}

bool account_counts(const Pipeline *pipeline, const LoweredScan *scan)
{
	return &pipeline->lowered->scans.at[first_scan(pipeline->lowered, (int)(scan - pipeline->lowered->scans.at))] == scan;
}

/* ---- sums, since the pipeline was made ---- */

static uint64_t op_sources(const Op *op)
{
	uint64_t sources = 0;
	for (int i = 0; i < op->input_count; i++) sources |= op->in_sources[i];
	return sources;
}

/* What serves another view, too, may tell that view's fates: for this one all that is late counts. */
static int64_t late_of(Op *op)
{
	const Op *serving = op_serving(op);
	return serving->rows_late - (serving == op ? op->rows_late_told : 0);
}

/* What several operators over the same streams drop is mostly the same row. */
static int64_t late_above(const Lowered *lowered)
{
	int64_t late = 0;
	for (int o = 0; o < lowered->ops.count; o++) {
		Op *op = lowered->ops.at[o];
		int64_t own = late_of(op);
		bool most = own > 0;
		for (int other = 0; most && other < lowered->ops.count; other++) {
			int64_t rows = late_of(lowered->ops.at[other]);
			most = other == o || op_sources(lowered->ops.at[other]) != op_sources(op) || (other < o ? rows < own : rows <= own);
		}
		if (most) late += own;
	}
	return late;
}

static Account account_of(const Pipeline *pipeline)
{
	Account sum = {.in = pipeline->rows_in, .dead = pipeline->rows_dead};
	for (int f = 0; f < pipeline->feeds.count; f++)
		if (account_counts(pipeline, pipeline->feeds.at[f].scan)) sum.in += pipeline->feeds.at[f].adapter->rows_out;
	for (int f = 0; f < pipeline->filters.count; f++) sum.filtered += pipeline->filters.at[f]->rows_in - pipeline->filters.at[f]->rows_out;
	for (int f = 0; f < pipeline->fates.count; f++) {
		sum.filtered += pipeline->fates.at[f]->filtered;
		sum.late += pipeline->fates.at[f]->late;
	}
	sum.late += late_above(pipeline->lowered);
	int64_t left = sum.in - sum.dead - sum.filtered;
	if (sum.late > left) sum.late = left;
	return sum;
}

void account_settle(Pipeline *pipeline) { pipeline->sealed = account_of(pipeline); }

void account_seal(SealedCommit *sealed, Pipeline *pipeline)
{
	Account now = account_of(pipeline), then = pipeline->sealed;
	StoreAccount account = {
		.relation = pipeline->relation->id, .name = pipeline->relation->name, .rows_in = now.in - then.in, .late = now.late - then.late,
		.filtered = now.filtered - then.filtered, .dead = now.dead - then.dead,
	};
	account.applied = account.rows_in - account.late - account.filtered - account.dead;
	pipeline->sealed = now;
	if (account.rows_in || account.late || account.filtered || account.dead) vec_push_in(&sealed->arena, &sealed->accounts, account);
}
