/* simdjson's DOM parser behind C: one record validated whole, the wanted fields put into slots.
 *
 * simdjson chooses between its kernels (AVX2, SSE4.2 ...) when it first runs. One parser belongs to one thread at a time. Strings in slots
 * are valid until the next call.
 */
#ifndef WEIR_FORMAT_JSON_SIMD_H
#define WEIR_FORMAT_JSON_SIMD_H

#include "format/json_tree.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct JsonSimd JsonSimd;

JsonSimd *json_simd_new(void);
void json_simd_free(JsonSimd *simd);

typedef enum JsonSimdResult {
	JSON_SIMD_OK,
	JSON_SIMD_NO_OBJECT,          /* valid JSON, but an array or a scalar */
	JSON_SIMD_REFUSED,            /* no JSON, or something that only json_scan can judge */
} JsonSimdResult;

/* Calls json_tree_begin itself. */
JsonSimdResult json_simd_parse(JsonSimd *simd, JsonTree *tree, const char *text, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
