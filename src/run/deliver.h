/* What sinks below views that are made anew have delivered, and what they still have to. See deliver.c. */
#ifndef WEIR_RUN_DELIVER_H
#define WEIR_RUN_DELIVER_H

#include "run/runtime.h"
#include "run/written.h"

/* Nothing that it is given is ever seen. */
bool sink_forgets(const Relation *sink);
/* Why what the sink has delivered cannot be told from what is in the file; in arena. NULL: it can. */
const char *delivered_unknown(Runtime *runtime, const Lowered *lowered, Arena *arena);
/* Before the sink leaves, or what it reads changes: notes in the file's transaction what it has delivered so far, as of the last commit. Does nothing where
 * that is noted already. *known (may be NULL): it can be told. */
bool delivered_keep(Runtime *runtime, Relation *sink, bool *known, Error *err);
/* The same for each sink among the relations. Refused, with the sink's name, where what one has delivered cannot be told. */
bool delivered_keep_all(Runtime *runtime, Relation *const *relations, int count, Error *err);
/* pause.c: the same for a relation that is to be made anew, if it is a sink that runs, or that rests where all rests that it reads. */
bool sink_keeps_delivered(Runtime *runtime, Relation *sink, Error *err);
bool delivered_is_kept(Runtime *runtime, const Relation *sink, bool *kept, Error *err);
/* Why a sink stays behind of which it cannot be told. */
bool delivered_untold(Error *err);
/* Says so where nothing is noted of a sink that is away, and so it will deliver all rows again. */
void delivered_tell_untold(Runtime *runtime, const Relation *sink);
bool delivered_forget(Runtime *runtime, const Relation *sink, Error *err);
bool delivered_move(Runtime *runtime, const Relation *sink, const Relation *to, Error *err);

/* Why the sink would write otherwise than before; NULL: it would not. *never: that cannot stand behind what it has written. May be in arena. */
const char *written_otherwise(const EncoderConfig *old, const EncoderConfig *made, bool *never, Arena *arena);

/* The sink that was built beside joins: it delivers what makes what was delivered what it has. *refused: it is the sink that cannot. */
bool sink_joins(Runtime *runtime, Lane *lane, Pipeline *pipeline, bool *refused, Error *err);
/* It does not join, for this reason: it leaves the lane and waits, stopped, with what it has delivered. */
bool sink_stays_behind(Runtime *runtime, Lane *lane, Pipeline *pipeline, const Error *why, Error *err);

#endif
