/* Checkpoints: operator state on its way into the file.
 *
 * A checkpoint holds the state of one commit boundary. What changed since the one before is copied at that boundary, before the next batch changes
 * it. Little (checkpoint_small_bytes) goes into the commit itself; more is written in pieces of at most CHECKPOINT_PIECE_BYTES, one with each
 * following commit, and counts once the last piece is committed. All lanes that move are checkpointed together, so what one lane
 * takes from another is of one boundary, too.
 */
#ifndef WEIR_RUN_CHECKPOINT_H
#define WEIR_RUN_CHECKPOINT_H

#include "run/commit.h"

enum { CHECKPOINT_PIECE_BYTES = 32 << 20 };

struct Checkpoint {
	Arena arena;                          /* page bytes, records */
	int64_t generation;
	VEC(SealedPage) pages;
	VEC(CheckpointRecord) completes;
	int next;                             /* first page that is not in a commit yet */
	uint64_t bytes;
};

#endif
