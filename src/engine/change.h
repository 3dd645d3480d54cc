/* One statement's change of a local relation: what INSERT, UPDATE, DELETE and TRUNCATE share (change.c), and INSERT with its conflicts
 * (insert.c). Runs on the session's thread while it has entered the runtime. */
#ifndef WEIR_ENGINE_CHANGE_H
#define WEIR_ENGINE_CHANGE_H

#include "engine/internal.h"

typedef VEC(Batch *) ChangeBatches;

typedef struct Change {
	Session *session;
	Engine *engine;
	Relation *target;
	StoreTable *table;
	Type *types;
	BatchBuilder out;                     /* changes for the graph */
	ChangeBatches batches;
	int64_t rows;
	Value *values, *old;
	bool keyed;
	ExprProgram **checks;
	Arena arena;                          /* of the statement's run */
	Arena scratch;                        /* of one row */
	/* one row's change as the store wants it */
	StrBuf bytes;
	ChangeRow change_rows[2];
	const BoundColumn *returning;
	int returning_count;
} Change;

/* Makes the rows of a statement, and counts them in change->rows. The change is the first member of what the statement works on. */
typedef bool (*ChangeRows)(Change *change, Error *err);

void change_init(Change *change, Session *session, Relation *target);
bool change_run(Change *change, ChangeRows make, Error *err);                    /* releases it, too */
bool change_statement(Change *change, const char *what, ChangeRows make, Error *err);          /* the same with RETURNING, or the tag `what` with the number of rows; only the tag in --check */
Batch *change_row_batch(Change *change, const Value *row);
bool change_test(Change *change, const Value *row, Error *err);
bool change_write(Change *change, const Value *old, const Value *new, Error *err);
bool change_append(Change *change, const Batch *batch, Error *err);
void change_key(const Relation *target, const Value *row, Value *key);
bool change_same_key(const Relation *target, const Value *a, const Value *b);
bool change_key_violation(const Change *change, Error *err);
bool change_read(Change *change, Plan *plan, ChangeBatches *rows, Error *err);
void change_rows_release(ChangeBatches *rows);

#endif
