/* Ad-hoc queries: a plan, printed as SQL for SQLite and run by it on the file.
 *
 *     AdhocQuery *query = adhoc_open(&(AdhocOptions){.store = store, .reader = reader, .system_us = now}, plan, &err);
 *     while (adhoc_next(query, BATCH_ROWS_MAX, &batch, &err) && batch) { ...; batch_unref(batch); }
 *     adhoc_close(query);
 *
 * The plan is as the binder made it, before unnesting: SQLite takes correlated subqueries as they are. Expressions mean what they mean in a
 * continuous query (promise 7): SQLite's own operators stand only where they answer the same, everything else is a call back into the
 * function and aggregate tables. What SQLite cannot say is refused with ERR_UNSUPPORTED and its name, by adhoc_open already.
 * A row never fails a query, save a scalar subquery with more than one row: ERR_CARDINALITY.
 *
 * Rows come as SQLite finds them: the first at once, where nothing has to be sorted or grouped. One thread at a time, the reader's; interrupting is
 * for any thread. The batch's strings are its own.
 */
#ifndef WEIR_STORE_ADHOC_H
#define WEIR_STORE_ADHOC_H

#include "plan/plan.h"
#include "store/store.h"

typedef struct AdhocQuery AdhocQuery;

typedef struct AdhocOptions {
	Store *store;
	StoreReader *reader;              /* NULL: the writer's connection, which sees what is not committed yet (UPDATE, DELETE, constraints) */
	int64_t system_us;                /* what now() is */
	int64_t time_ms_max;              /* 0: no limit; over it ERR_CANCELED */
	/* The table in the file that holds a relation's rows; NULL: all have the relation's name. Gives NULL where there is none. */
	const char *(*table_of)(void *context, const Relation *relation);
	void *context;
} AdhocOptions;

AdhocQuery *adhoc_open(const AdhocOptions *options, Plan *plan, Error *err);
/* At most rows_max rows; *out NULL: no more. Columns are the plan's.. */
bool adhoc_next(AdhocQuery *query, int rows_max, Batch **out, Error *err);
void adhoc_interrupt(AdhocQuery *query);              /* any thread: the next or running adhoc_next ends with ERR_CANCELED */
void adhoc_close(AdhocQuery *query);                  /* NULL is fine */

/* The SQL that SQLite gets; for EXPLAIN. false: ERR_UNSUPPORTED. */
bool adhoc_print(const AdhocOptions *options, Plan *plan, StrBuf *out, Error *err);
/* SQLite's own EXPLAIN QUERY PLAN, indented. */
bool adhoc_explain(const AdhocOptions *options, Plan *plan, StrBuf *out, Error *err);

#endif
