/* Completion: what could stand where the cursor is. */
#ifndef WEIR_SHELL_COMPLETE_H
#define WEIR_SHELL_COMPLETE_H

#include "connection.h"

/* text: the statement so far, up to the cursor. Whole words are offered, those in the place of the word that is being typed. */
void complete_candidates(Connection *connection, const char *text, size_t bytes, void (*offer)(void *list, const char *word), void *list);

#endif
