/* What becomes of relations that read one whose definition changes.
 *
 * The new definition is tried out on a copy of the catalog: all that reads it, directly or through others, is bound and planned again. Whose operators,
 * result and reading stay the same goes on untouched; plans are compared, not texts. Others are refused by name, or, with CASCADE, made anew.
 */
#ifndef WEIR_ENGINE_REDEFINE_H
#define WEIR_ENGINE_REDEFINE_H

#include "engine/internal.h"

typedef struct Dependant {
	Relation *old;                /* as it was in the catalog; a reference */
	Relation *made;               /* bound on what changes; a reference of the trial catalog's */
	bool changed;                 /* it cannot go on with what it remembers */
	bool follows;                 /* it can, but for what it reads, which is made anew: so is it, unasked */
	bool writes_otherwise;        /* a sink, of other columns than before */
	const char *why;
} Dependant;

typedef struct Redefinition {
	Engine *engine;
	Relation *old, *made;         /* the same id */
	const int *column_from;       /* for each column of made the column of old that it was; -1: new */
	bool is_other_query;          /* made is a query in the place of another: whoever reads it is made anew along with it */
	bool is_other_result;         /* it has a pipeline of its own, whose rows will be others: whoever reads it must read it again */
	bool is_other_target;         /* made is a sink that is written elsewhere or otherwise */
	bool cascade;                 /* what would change of those that read it is made anew */
	Catalog *trial;
	VEC(Dependant) dependants;    /* in order of dependence */
	Arena arena;
} Redefinition;

/* Tries it out. False: err names the first that could not be bound any more, CASCADE or not. */
bool redefine_try(Redefinition *redefinition, Error *err);
/* Refuses by name where something would change, but with CASCADE. */
bool redefine_refuse(const Redefinition *redefinition, Error *err);
/* How many records and rows, of all sources, have to be read again for what is made anew. */
bool redefine_records(const Redefinition *redefinition, int64_t *records, Error *err);
int redefine_changed(const Redefinition *redefinition);
void redefine_release(Redefinition *redefinition);
/* Is this column of made read, stored or computed as it was? */
bool redefine_same_column(const Redefinition *redefinition, int made);
/* Is the query of made, which replaces that of old, the same but for how it is written? Tells made what its planning says. */
bool redefine_same_query(Engine *engine, Relation *old, Relation *made, bool *same, Error *err);
/* Have both the same options, those left out that change no answer? */
bool redefine_same_answers(const Relation *a, const Relation *b);
/* For columns that keep their names */
const int *columns_by_name(const Relation *old, const Relation *made, Arena *arena);
/* "column c added, price is DECIMAL(10,2) now, ...": for the notice. "" where nothing can be told. */
char *redefine_diff(const Relation *old, const Relation *made, const int *column_from, Arena *arena);
/* Puts it into catalog and file, and makes anew what changed; within begin_definition. */
bool redefine_apply(Session *session, Redefinition *redefinition, Error *err);
/* The same for a query: the new one is made beside the old one, with all that reads it. Takes over `lowered`, which is made's. */
bool redefine_replace(Session *session, Redefinition *redefinition, Lowered *lowered, Error *err);
/* The kept rows of a local relation in the form of its new definition: reshape.c. */
bool engine_check_key(const Redefinition *redefinition, Error *err);
bool engine_reshape(const Redefinition *redefinition, Error *err);

#endif
