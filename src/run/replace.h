/* Views that take the place of others. */
#ifndef WEIR_RUN_REPLACE_H
#define WEIR_RUN_REPLACE_H

#include "run/runtime.h"

bool replaces_put(Runtime *runtime, const Relation *relation, int64_t replaced, Error *err);       /* replaced 0: nothing any more */
int64_t replaces_get(Store *store, int64_t relation);
/* Those that the lane's relations replace leave for good, and names find the new ones. Tables still have to take theirs. */
bool lane_replaces(Runtime *runtime, const Lane *lane, bool of_statement, Error *err);

#endif
