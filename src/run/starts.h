/* Where views begin to read, and that it is remembered. */
#ifndef WEIR_RUN_STARTS_H
#define WEIR_RUN_STARTS_H

#include "run/runtime.h"

/* "earliest", "latest" or a time: for weir_views */
const char *starts_text(const Catalog *catalog, const Relation *view);
/* Can all that the query reads be read from the view's start? */
bool starts_check(const Relation *view, const Lowered *lowered, Error *err);
/* May the view share the reader, which has not begun yet? */
bool starts_fit(const Reader *reader, const Relation *view);
/* The view's start in the place of the relation's, for a reader that is not open yet. */
bool starts_set(Reader *reader, const Relation *view, Error *err);
/* RESUME, REBUILD: readers that have no position get the view's beginnings. */
void starts_again(Runtime *runtime, Lane *lane, const Pipeline *pipeline);
/* Has each source still what the view began with? beginnings.c */
bool starts_are_there(Runtime *runtime, Relation *view, Error *err);
/* At the seal: a partition that begins in this commit, for all views that read it. */
void starts_seal(SealedCommit *sealed, const Reader *reader, const Partition *partition);
/* The kept row of a local stream after which the view begins; found and noted the first time. */
bool starts_row(Runtime *runtime, const Relation *view, const Relation *stream, const StoreTableSpec *spec, int64_t *after, Error *err);

#endif
