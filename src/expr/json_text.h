/* JSON text as it stands: checked, walked and cut, never built as a tree. Numbers keep their digits, objects their order. */
#ifndef WEIR_EXPR_JSON_TEXT_H
#define WEIR_EXPR_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_TEXT_DEPTH_MAX = 1000 };

/* The end of the value that begins at `at` (after blanks), NULL: there is none. RFC 8259, no extensions. */
const char *json_text_end(const char *at, const char *end);
bool json_text_is_valid(const char *at, size_t bytes);

#endif
