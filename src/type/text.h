/* Values as text and back: what stands in the file, in results, in literals and casts; one spelling per type.
 *
 *   INTEGER -12   REAL 0.1 1.0e+300 (SQLite's form, shortest digits that read back)   DECIMAL 12.50   BOOLEAN true (file: 1)
 *   DATE 2026-11-20   TIME 10:00:00.25   TIMESTAMP 2026-11-20 10:00:00.25 (fraction only where there is one, up to 6 digits)
 *   INTERVAL P1DT2H (ISO 8601)   BLOB raw bytes
 */
#ifndef WEIR_TYPE_TEXT_H
#define WEIR_TYPE_TEXT_H

#include "type/batch.h"

void value_print(const Value *value, StrBuf *out);                    /* NULL prints as nothing */
void value_print_sql(const Value *value, StrBuf *out);                /* a literal that reads back with its type */
void value_print_json(const Value *value, StrBuf *out);               /* DIALECT section 4 */
void text_print_json(const char *at, size_t bytes, StrBuf *out);      /* a JSON string with its quotes */
void bytes_print_base64(const void *at, size_t bytes, StrBuf *out);

/* Strict readers: all bytes must be used, surrounding blanks are allowed. false: the text is no such value. */
bool text_to_integer(const char *at, size_t bytes, int64_t *out);     /* 12, +12, 12.0 */
bool text_to_real(const char *at, size_t bytes, double *out);
bool text_to_decimal(const char *at, size_t bytes, int precision, int scale, Int128 *out);   /* rounds half away from zero */
bool text_to_boolean(const char *at, size_t bytes, int64_t *out);     /* true/false/t/f/1/0/yes/no/on/off */
bool text_to_date(const char *at, size_t bytes, int64_t *days);
bool text_to_time(const char *at, size_t bytes, int64_t *us);
bool text_to_timestamp(const char *at, size_t bytes, int64_t *us);    /* ISO 8601 with T or blank, Z or offset, or a date alone */
/* A number of seconds, ms, us or ns since 1970, times 10^9: what divides it into microseconds, by its size; finer than those is cut. */
int64_t epoch_divisor_by_size(Int128 nano);
bool epoch_to_timestamp(Int128 nano, int64_t divisor, int64_t *us);
bool text_to_interval(const char *at, size_t bytes, Interval *out);   /* '5 seconds', '1 day 02:03:04', ISO 8601 */
/* INTERVAL '10' SECOND, INTERVAL '1-2' YEAR TO MONTH: unit words as the parser gives them ("SECOND", "YEAR TO MONTH") */
bool text_to_interval_unit(const char *at, size_t bytes, const char *unit, Interval *out);
/* Types of fixed size; any other, and text that is none: false. */
bool text_to_fixed(const char *at, size_t bytes, Type type, Value *out);
/* Any type; text that is none: false. */
bool text_to_value(const char *at, size_t bytes, Type type, Value *out, Arena *arena);

bool utf8_is_valid(const char *at, size_t bytes);
bool json_text_is_valid(const char *at, size_t bytes);                /* RFC 8259, nested at most 1000 deep */

/* 1 month = 30 days, 1 day = 24 h: only for comparing, as PostgreSQL does */
Int128 interval_compare_us(Interval interval);
/* Fixed length in microseconds; false if it has months (windows, watermarks) */
bool interval_to_us(Interval interval, int64_t *us);
/* Calendar arithmetic, UTC; false: out of the range 0001-01-01 .. 9999-12-31 */
bool timestamp_add_interval(int64_t us, Interval interval, int sign, int64_t *out);

/* Decimal arithmetic on scaled 128-bit integers; false: does not fit 38 digits */
bool decimal_add(Int128 a, int scale_a, Int128 b, int scale_b, int scale_out, Int128 *out);
bool decimal_multiply(Int128 a, int scale_a, Int128 b, int scale_b, int scale_out, Int128 *out);
bool decimal_divide(Int128 a, int scale_a, Int128 b, int scale_b, int scale_out, Int128 *out);      /* b != 0 */
bool decimal_rescale(Int128 a, int scale_from, int precision_to, int scale_to, Int128 *out);
int decimal_compare(Int128 a, int scale_a, Int128 b, int scale_b);
double decimal_to_real(Int128 a, int scale);
bool real_to_decimal(double x, int precision, int scale, Int128 *out);

#endif
