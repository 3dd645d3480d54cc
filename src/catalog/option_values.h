/* Values of options: checked and brought to one spelling, by the kind of their row. Used by options.c alone. */
#ifndef WEIR_CATALOG_OPTION_VALUES_H
#define WEIR_CATALOG_OPTION_VALUES_H

#include "catalog/options.h"

/* The canonical spelling of a value without references, in arena; NULL and err set (the value is not shown for secrets). */
const char *option_value_canonical(Arena *arena, const OptionSpec *spec, const char *name, const char *value, Span span, Error *err);

/* Reading back what option_value_canonical gave. */
int64_t option_value_integer(const OptionSpec *spec, const char *value);     /* INTEGER, BYTES; DURATION, TIMESTAMP: us; BOOLEAN: 0/1 */
bool option_offsets_parse(Arena *arena, const char *value, PartitionOffset **out, int *count);

/* `word` is one of the words of a list divided by blanks, ignoring case. */
bool option_list_has(const char *list, const char *word);

/* Fills in ${env:X} and ${file:path}; text without them comes back as it is. */
const char *option_value_resolve(Arena *arena, const char *name, const char *value, Span span, Error *err);
bool option_reference_is_whole(const char *value);                            /* nothing but one reference */

#endif
