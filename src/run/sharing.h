/* Sharing: operators of the live lane that are equal and have seen the same input are one. The one of the view that stands first serves the readers
 * of all; the others rest: they get no rows, keep no state, and are not saved. Only operators with state are shared; what lies below goes on in each
 * view, so that its accounts are its own.
 *
 *     a view goes live, or one has left  ->  Runtime.sharing_wanted  ->  with the next flush, sharing_find()
 *     a pipeline is about to leave       ->  sharing_end(): resting operators get their state back
 *
 * In the file the setting `shared.N` says by which operator number N is served. Whoever changes it does so in the transaction that saves or removes
 * the states concerned. One thread: whoever is inside the runtime.
 */
#ifndef WEIR_RUN_SHARING_H
#define WEIR_RUN_SHARING_H

#include "run/runtime.h"

typedef enum SharingEnd { LEAVES_FOR_GOOD, LEAVES_WITH_STATE } SharingEnd;

/* Between two commits. What it finds is in the file when the commit that it asks for is. */
bool sharing_find(Runtime *runtime, Error *err);
/* A pipeline of the live lane that has had no rows yet: what of it will be shared is made so that the other need not be filled anew. */
void sharing_prepare(Runtime *runtime, const Pipeline *pipeline);
/* Nothing of the pipeline is shared any more: neither what serves it nor what it serves. LEAVES_FOR_GOOD: its own operators stay empty. */
bool sharing_end(Runtime *runtime, Pipeline *pipeline, SharingEnd how, Error *err);
/* Before a relation's columns become others: no index over it is shared any more, and each keeps what its own query reads. What is found to be equal
 * when lanes have been made anew is shared again. */
bool sharing_end_over(Runtime *runtime, const Relation *relation, Error *err);
/* The same for a relation of lanes that are not in memory, in the open transaction, before its state is removed. */
bool sharing_end_in_file(Runtime *runtime, const Relation *relation, Error *err);
/* The pipeline whose operator serves this one; NULL: it serves itself. */
Pipeline *sharing_owner(const Lane *lane, const Op *op);
/* At the start, before states are loaded: makes rest what the file says. Where plans do not allow it any more each gets a copy. */
bool sharing_restore(Runtime *runtime, Error *err);

#endif
