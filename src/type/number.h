/* Numbers as text: the parts from which text.c, decimal.c and the kernels build. real.cpp stands on the C++ library's
 * shortest-digits printing and exact reading, for which C has no function. */
#ifndef WEIR_TYPE_NUMBER_H
#define WEIR_TYPE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The fewest decimal digits that read back as the same double: d.ddd * 10^exponent */
typedef struct RealDigits { bool negative; int count, exponent; char digits[20]; } RealDigits;
void real_digits(double x, RealDigits *out);                            /* x finite */

enum { REAL_PRINT_BYTES = 40, DECIMAL_PRINT_BYTES = 48, INTEGER_PRINT_BYTES = 24 };

/* These write no NUL and return the length. */
int real_print(double x, char *out);                                    /* 0.1, 100.0, 1.0e+300, Inf: SQLite's spelling */
int decimal_print(__int128 x, int scale, char *out);                    /* 12.50 */
int integer_print(int64_t x, char *out);

/* All bytes must be a number in C's decimal form without sign +; too large is infinite, too small is 0 */
bool real_parse(const char *at, size_t bytes, double *out);

enum { NUMBER_EXPONENT_MAX = 99999 };      /* of a larger one the last digits are passed over */

/* [blanks] [sign] digits [. digits] [e [sign] digits] [blanks]: the parts of it */
typedef struct NumberText {
	bool negative, has_point, has_exponent;
	const char *whole, *fraction;
	size_t whole_bytes, fraction_bytes;
	int64_t exponent;                     /* beyond NUMBER_EXPONENT_MAX, either way, not exact */
} NumberText;
bool number_text(const char *at, size_t bytes, NumberText *out);        /* false: there is more or less than a number */
/* The longest number at the beginning, after blanks, as SQLite's CAST takes it; returns where it ends, 0: none */
size_t number_prefix(const char *at, size_t bytes, NumberText *out);

#ifdef __cplusplus
}
#endif
#endif
