/* The name that a mistyped one was meant to be: for "Did you mean ...?". */
#ifndef WEIR_BASE_NEAREST_H
#define WEIR_BASE_NEAREST_H

/* Edits (insert, delete, replace, swap of neighbours) that make a of b, ignoring case; names longer than 63 bytes count as far. */
int nearest_distance(const char *a, const char *b);

/* Feeds candidates one by one; `best` is NULL until one is near enough (a third of the name's length, at least 1 from two letters on). */
typedef struct Nearest { const char *name, *best; int distance; } Nearest;
void nearest_init(Nearest *nearest, const char *name);
void nearest_offer(Nearest *nearest, const char *candidate);

#endif
