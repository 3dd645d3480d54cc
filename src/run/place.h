/* Place: where a view or insert pipeline is, as the file remembers it: in the live lane, in one beside, or paused with the state that it left with.
 *
 * The setting `lane.N` (N: the relation) has "STATE LANE BESIDE COPY COMPANY"; a relation without it is live. Views of one lane have one lane number. What a
 * paused lane would have read of local relations and of views that go on is kept in the input log (LogHold) until it is resumed.
 */
#ifndef WEIR_RUN_PLACE_H
#define WEIR_RUN_PLACE_H

#include "run/commit.h"

typedef enum PlaceState { PLACE_LIVE, PLACE_BUILDING, PLACE_PAUSED, PLACE_STOPPED } PlaceState;

typedef struct Place {
	PlaceState state;
	int64_t lane;                     /* 0: it has left and kept no state; it will be built from its start */
	bool beside;                      /* its rows are in weir_building_N until it joins */
	bool copy;                        /* a sink that waits since the file is a copy of another */
	int64_t company;                  /* lane is 0: the lane that it left with, or was stopped for; 0: it was alone. RESUME brings them all back */
} Place;

static inline bool place_is_away(Place place) { return place.state == PLACE_PAUSED || place.state == PLACE_STOPPED; }
static inline int64_t place_company(Place place) { return place.lane ? place.lane : place.company; }

const char *place_word(PlaceState state);             /* of weir_views: "live" ... */
Place place_get(Runtime *runtime, const Relation *relation);
/* In the file's transaction; with the row of weir_views. why: NULL: nothing to say. */
bool place_put(Runtime *runtime, const Relation *relation, Place place, const char *why, Error *err);
bool place_remove(Runtime *runtime, const Relation *relation, Error *err);

/* In the live lane since before the first row of anything that it reads: all such have seen the same of that. Ends with the next place_put. */
bool place_begin_unbroken(Runtime *runtime, const Relation *relation, Error *err);
bool place_is_unbroken(Runtime *runtime, const Relation *relation);

/* Lanes that read no source have nothing to catch up with: a process that ended before they joined left them. */
bool lanes_join_local(Runtime *runtime, Error *err);
/* In a copy of a file, at the start: sinks leave, so that they do not write where those of the original do. */
bool sinks_hold(Runtime *runtime, Error *err);
/* --take-over: those that were held go on. */
bool sinks_release(Runtime *runtime, Error *err);

typedef struct Relations { VEC(Relation *) at; } Relations;
/* The view and all that read it, each before what reads it; the caller releases. */
Relations relations_family(const Runtime *runtime, Relation *relation);
bool relations_have(const Relations *list, const Relation *relation);

/* Works out anew what the log must keep. */
bool holds_refresh(Runtime *runtime, Error *err);
bool holds_relation(const Runtime *runtime, int64_t relation);
/* For the commit that prunes the log. */
void holds_seal(const Runtime *runtime, SealedCommit *sealed);

#endif
