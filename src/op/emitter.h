/* Emitter: rows that an operator gives out one by one at its commit, handed on in batches. */
#ifndef WEIR_OP_EMITTER_H
#define WEIR_OP_EMITTER_H

#include "op/op.h"

typedef struct Emitter {
	Op *op;
	Error *err;
	BatchBuilder builder;
	bool fine;                        /* false: a reader did not take a batch; nothing more is handed on */
} Emitter;

/* with_judge: rows carry the watermark that judges them */
void emitter_init(Emitter *emitter, Op *op, bool with_judge, Error *err);
/* A new row; its values are to be set by emitter_set or emitter_packed, all columns once. */
int emitter_row(Emitter *emitter, int64_t weight, int64_t judge);
/* Where the builder was told to want it */
void emitter_arrival(Emitter *emitter, int row, Int128 arrival);
/* The row goes, and it is known since when (Hidden.ends). */
void emitter_ends(Emitter *emitter, int row, int64_t since_us);
void emitter_set(Emitter *emitter, int row, int column, const Value *value);
void emitter_set_integer(Emitter *emitter, int row, int column, int64_t x);
/* A packed row into the columns from first_column on */
void emitter_packed(Emitter *emitter, int row, int first_column, const void *packed, int count);
/* Hands on the rest. */
bool emitter_finish(Emitter *emitter);

#endif
