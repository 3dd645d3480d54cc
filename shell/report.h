/* Errors as people read them: message, the line with a caret, detail and hint. */
#ifndef WEIR_SHELL_REPORT_H
#define WEIR_SHELL_REPORT_H

#include <stdio.h>

#include "base/error.h"

/* name: of the script ("setup.sql"), NULL: -c or stdin; text: what err->span points into, NULL: no place is shown. */
void report_error(FILE *file, const Error *err, const char *name, const char *text, size_t bytes);

#endif
