/* Checkpoints: operator state on its way into the file.
 *
 * A checkpoint holds the state of one commit boundary: states are frozen there and copy what is changed before it is written (state.h). Little
 * (checkpoint_small_bytes) goes into the commit itself; more is written in pieces of CHECKPOINT_PIECE_BYTES, one with each
 * following commit (these come at half the interval then), and counts once the last piece is committed. Pieces are smaller where the disk is slow,
 * so that commits keep their interval. All lanes that move are checkpointed together, so what one lane takes from another is of one boundary, too.
 *
 * One is due after checkpoint_interval or checkpoint_rows; before that where checkpoint_growth_bytes have been added to states and left alone since
 * the cut before the last one. A state that only grows is so written beside its input, each page once, and a clean stop finds little left to write.
 */
#ifndef WEIR_RUN_CHECKPOINT_H
#define WEIR_RUN_CHECKPOINT_H

#include "run/commit.h"

enum { CHECKPOINT_PIECE_BYTES = 32 << 20, CHECKPOINT_PIECE_BYTES_MIN = 1 << 20 };

typedef struct FrozenState { int64_t lane; int32_t op; State *state; } FrozenState;

struct Checkpoint {
	Arena arena;
	int64_t generation;
	VEC(FrozenState) states;              /* NULL: its view has gone since */
	int next;                             /* first state that is not written whole yet */
	VEC(CheckpointRecord) completes;
};

/* The states of a pipeline are about to go. */
void checkpoint_forget(Checkpoint *checkpoint, const Pipeline *pipeline);

#endif
