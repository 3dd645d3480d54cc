/* Rows as bytes: how rows and keys lie in state, in change buffers and in the log. Little-endian everywhere.
 *
 * Packed row   null bitmap, then each value that is not NULL: 8 or 16 bytes, or 4-byte length and bytes for strings. Equal
 *              rows have equal bytes: so hashing and memcmp work for grouping (-0.0 is stored as 0.0).
 * Sort key     bytes whose memcmp order is the SQL order: per value one byte for NULL or not (NULLS FIRST / LAST, whichever the
 *              direction), the value in big-endian with its sign flipped, strings escaped (00 -> 00 FF, end 00 00); DESC
 *              inverts all bytes of the value. As FoundationDB's tuple layer. Values can be read back from it.
 * Both orders and value_compare agree. Intervals of one length (1 month, 30 days) are equal for the operator =, but in all
 * of these they follow each other by months, then days: so equal means equal bytes. The binder brings keys into one form first (equal_form).
 */
#ifndef WEIR_TYPE_ROW_H
#define WEIR_TYPE_ROW_H

#include "type/batch.h"

typedef struct SortSpec { bool descending, nulls_last; } SortSpec;

/* Packs row `row` of the columns at the end of out. */
void row_pack(StrBuf *out, const Column *columns, int column_count, int row);
void row_pack_values(StrBuf *out, const Value *values, int count);
/* Strings borrow from the bytes. Returns how many bytes were read. */
size_t row_unpack(const void *bytes, const Type *types, int count, Value *values);
/* A packed row straight into the columns of a builder's row, from first_column on */
void batch_builder_packed(BatchBuilder *builder, int row, int first_column, const void *packed, int count);

/* Packs all rows of dense columns at once into one buffer of scratch: keys[i], bytes[i]; hashes[i] = hash_bytes of it. A single
 * PHYS_I64 column without NULLs is packed without a loop over types. */
typedef struct PackedRows { const char **at; uint32_t *bytes; uint64_t *hashes; } PackedRows;
PackedRows rows_pack(const Column *columns, int column_count, int count, Arena *scratch);
/* Rows that nobody looks for: without hashes */
PackedRows rows_pack_plain(const Column *columns, int column_count, int count, Arena *scratch);

void sort_key_add(StrBuf *out, const Value *value, SortSpec spec);
void sort_key_add_column(StrBuf *out, const Column *column, int row, SortSpec spec);
size_t sort_key_read(const void *bytes, Type type, SortSpec spec, Value *value, Arena *arena);

/* SQL order of two values of one type, NULLs first: <0, 0, >0 */
int value_compare(const Value *a, const Value *b);
bool value_equal(const Value *a, const Value *b);     /* NULLs are equal */

#endif
