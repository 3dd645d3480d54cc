/* How a sink writes: in which columns, with or without an op. What it has delivered before is kept with how it was written (deliver.c): when what it reads
 * is made anew its columns may be others. An EncoderConfig says it; nothing else of a connector does. */
#ifndef WEIR_RUN_WRITTEN_H
#define WEIR_RUN_WRITTEN_H

#include "catalog/catalog.h"
#include "format/format.h"
#include "plan/lower.h"
#include "store/store.h"

/* The relation that a sink writes to: the one its definition names first among those that are sinks, or itself. */
Relation *sink_target(const Catalog *catalog, const Relation *sink);
/* As the sink of this plan writes; all of it in arena. */
bool written_by(const Catalog *catalog, const Relation *sink, const Lowered *lowered, Arena *arena, EncoderConfig *out, Error *err);

/* In tables of the file its columns are c1, c2 ...: what a sink writes may have several of one name. */
const char *written_column(Arena *arena, int column);

/* In the file, as the setting `written.N`; NULL: it is taken away. */
bool written_put(Store *store, int64_t sink, const EncoderConfig *written, Error *err);
/* Columns and op; the rest of *out stays. False: it is not there, and *out stays as it is. */
bool written_get(Store *store, int64_t sink, Arena *arena, EncoderConfig *out);
bool written_move(Store *store, int64_t sink, int64_t to, Error *err);

#endif
