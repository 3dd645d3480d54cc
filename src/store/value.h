/* Values in the file's form: what each type is when SQLite holds it (DIALECT section 1).
 *
 *   INTEGER, BOOLEAN   integer            REAL   real              TEXT, JSON   text           BLOB   blob
 *   DATE, TIME, TIMESTAMP, INTERVAL       text as type/text.h prints it
 *   DECIMAL            integer at scale 0 if it fits 64 bits, else real up to 15 significant digits, else text with all of them
 */
#ifndef WEIR_STORE_VALUE_H
#define WEIR_STORE_VALUE_H

#include <sqlite3.h>

#include "type/batch.h"

enum { VALUE_TEXT_BYTES = 96, DECIMAL_PLAIN_DIGITS = 15 };

typedef enum DecimalForm { DECIMAL_AS_NUMBER, DECIMAL_AS_TEXT } DecimalForm;

/* Strings are bound as they are: their bytes must live until the statement is reset. Others may need `text`. */
void store_value_bind(sqlite3_stmt *stmt, int index, const Value *value, DecimalForm form, char text[VALUE_TEXT_BYTES]);
/* What SQLite holds as a value of the type; what is none of it reads as NULL. Strings are copied to the arena; arena NULL: they borrow from
 * SQLite, until it goes on. */
void store_value_column(sqlite3_stmt *stmt, int column, Type type, Value *out, Arena *arena);
void store_value_read(sqlite3_value *from, Type type, Value *out, Arena *arena);
void store_value_result(sqlite3_context *context, const Value *value);
/* The declared type of a column that holds it. */
const char *store_type_declared(Type type, DecimalForm form, char text[VALUE_TEXT_BYTES]);
/* A literal in the file's form. */
void store_value_print_literal(const Value *value, StrBuf *out);

#endif
