/* StoreTable: a relation's table in the file and what is remembered of it; shared by table.c (the table itself), apply.c (its rows), scan.c. */
#ifndef WEIR_STORE_TABLE_H
#define WEIR_STORE_TABLE_H

#include "store/rowid_map.h"
#include "store/store_internal.h"
#include "store/value.h"

/* How a row is found again. */
typedef enum TableForm {
	TABLE_INTEGER_KEY,        /* the key is the rowid */
	TABLE_KEYED,              /* a key beside the rowid */
	TABLE_SINGLE,             /* at most one row */
	TABLE_MULTISET,           /* by all columns; n copies are n rows */
} TableForm;

enum { TABLE_UPDATES_MAX = 16, TABLE_MASK_COLUMNS = 64, TABLE_KEYED_BYTES_MAX = 256 << 20 };

typedef struct TableUnique { int *columns; int count; sqlite3_stmt *stmt; } TableUnique;        /* finds a row by them */
typedef struct TableUpdate { uint64_t mask; sqlite3_stmt *stmt; } TableUpdate;    /* columns that it sets; ~0: all */

struct StoreTable {
	Store *store;
	StoreTable *next;
	StoreTableSpec spec;              /* in arena */
	Arena arena;
	TableForm form;
	DecimalForm decimals;
	Type *types;
	bool *is_key;
	const char *quoted;               /* the table's name as SQL has it */
	const char *rowid;                /* a name under which SQLite finds the rowid */
	uint64_t seed;
	sqlite3_stmt *insert, *remove, *find;
	TableUpdate updates[TABLE_UPDATES_MAX];
	int update_count;
	VEC(TableUnique) uniques;
	bool has_retention_index;
	RowidMap map;                     /* TABLE_KEYED: a cache; TABLE_MULTISET: complete once loaded */
	RowidMap chain;                   /* TABLE_MULTISET: hash of a rowid -> rowid of the next copy of the same row */
	bool loaded;
	Value *old, *new, *key;           /* rows in hand */
	char (*texts)[VALUE_TEXT_BYTES];
	StrBuf packed;
};

/* A name of the rowid that no column has, or the column that is the rowid; NULL: all three are taken. */
const char *table_rowid_name(Arena *arena, const StoreTableSpec *spec);
void table_release_statements(StoreTable *table);
Hash128 table_hash(StoreTable *table, const Value *values, int count);
/* Column names, quoted, separated by commas. */
void table_print_columns(const StoreTable *table, StrBuf *out);
/* "a" = ?1 AND "b" IS ?2 */
void table_print_key_condition(const StoreTable *table, StrBuf *out);

#endif
