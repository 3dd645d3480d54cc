/* Weir's own tables, made from weir_tables.def, and the steps that bring older files up to this version. A new file is version 0 and takes
 * all of them. What has only been added since is found by looking: tables and columns that are not there are made, views are made anew. */
#include <string.h>
#include <strings.h>

#include "store/store_internal.h"

typedef enum SchemaRow { ROW_TABLE, ROW_COLUMN, ROW_CONSTRAINT, ROW_VIEW, ROW_INDEX } SchemaRow;
typedef enum SchemaAccess { READ, KEPT } SchemaAccess;

static const struct SchemaEntry {
	SchemaRow row;
	const char *name;                 /* of table or column; else the text */
	SchemaAccess access;
	TypeKind type;
	const char *declaration;
	const char *doc;
} SCHEMA[] = {
#define WEIR_TABLE(name_, access_, doc_) {.row = ROW_TABLE, .name = #name_, .access = access_, .doc = doc_},
#define WEIR_COLUMN(name_, type_, declaration_, doc_) {.row = ROW_COLUMN, .name = #name_, .type = TYPE_##type_, .declaration = declaration_, .doc = doc_},
#define WEIR_CONSTRAINT(text_) {.row = ROW_CONSTRAINT, .name = text_},
#define WEIR_VIEW(text_) {.row = ROW_VIEW, .name = text_},
#define WEIR_INDEX(text_) {.row = ROW_INDEX, .name = text_},
#include "store/weir_tables.def"
#undef WEIR_TABLE
#undef WEIR_COLUMN
#undef WEIR_CONSTRAINT
#undef WEIR_VIEW
#undef WEIR_INDEX
};
enum { SCHEMA_COUNT = sizeof SCHEMA / sizeof *SCHEMA };

static void begin_create(StrBuf *sql, int table, bool is_view)
{
	if (is_view) strbuf_printf(sql, "DROP VIEW IF EXISTS %s; CREATE VIEW %s(", SCHEMA[table].name, SCHEMA[table].name);
	else strbuf_printf(sql, "CREATE TABLE IF NOT EXISTS %s(", SCHEMA[table].name);
	for (int i = table + 1; SCHEMA[i].row == ROW_COLUMN; i++) {
		if (i > table + 1) strbuf_adds(sql, ", ");
		strbuf_add_sql_ident(sql, SCHEMA[i].name);
		if (!is_view) strbuf_printf(sql, " %s", SCHEMA[i].declaration);
	}
}

static void end_create(StrBuf *sql, const char *constraint)
{
	static const char WITHOUT_ROWID[] = "WITHOUT ROWID";
	const char *option = strstr(constraint, WITHOUT_ROWID);
	size_t bytes = option ? (size_t)(option - constraint) : strlen(constraint);
	while (bytes && constraint[bytes - 1] == ' ') bytes--;
	if (bytes) {
		strbuf_adds(sql, ", ");
		strbuf_add(sql, constraint, bytes);
	}
	strbuf_printf(sql, ") %s;\n", option ? option : "");
}

static bool add_columns(Store *store, int table, Error *err)
{
	for (int i = table + 1; SCHEMA[i].row == ROW_COLUMN; i++) {
		if (store_integer(store, 0, "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2", "tt", SCHEMA[table].name, SCHEMA[i].name)) continue;
		if (!store_exec(store, err, "ALTER TABLE %s ADD COLUMN \"%s\" %s", SCHEMA[table].name, SCHEMA[i].name, SCHEMA[i].declaration)) return false;
	}
	return true;
}

static bool bring_up_row(Store *store, int row, int table, Error *err)
{
	StrBuf sql = STRBUF_INIT;
	switch (SCHEMA[row].row) {
	case ROW_TABLE: case ROW_COLUMN: break;
	case ROW_CONSTRAINT:
		begin_create(&sql, table, false);
		end_create(&sql, SCHEMA[row].name);
		break;
	case ROW_VIEW:
		begin_create(&sql, table, true);
		strbuf_printf(&sql, ") AS %s;\n", SCHEMA[row].name);
		break;
	case ROW_INDEX: strbuf_printf(&sql, "CREATE INDEX IF NOT EXISTS %s;\n", SCHEMA[row].name); break;
	}
	bool ok = !sql.bytes || store_exec(store, err, "%s", sql.text);
	strbuf_release(&sql);
	return ok && (SCHEMA[row].row != ROW_CONSTRAINT || add_columns(store, table, err));
}

static bool bring_up(Store *store, Error *err)
{
	for (int i = 0, table = 0; i < SCHEMA_COUNT; i++) {
		if (SCHEMA[i].row == ROW_TABLE) table = i;
		if (!bring_up_row(store, i, table, err)) return false;
	}
	return true;
}

/* MIGRATIONS[v] takes a file of version v to version v + 1. */
static bool (*const MIGRATIONS[STORE_SCHEMA_VERSION])(Store *store, Error *err) = {bring_up, bring_up, bring_up};

bool schema_migrate(Store *store, int from_version, Error *err)
{
	for (int version = from_version; version < STORE_SCHEMA_VERSION; version++)
		if (!MIGRATIONS[version](store, err)) return false;
	return store_exec(store, err, "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
}

static int find_table(const char *name)
{
	for (int i = 0; i < SCHEMA_COUNT; i++)
		if (SCHEMA[i].row == ROW_TABLE && strcasecmp(SCHEMA[i].name, name) == 0) return i;
	return -1;
}

bool schema_column_type(const char *table, const char *column, Type *type)
{
	int at = find_table(table);
	if (at < 0) return false;
	for (int i = at + 1; i < SCHEMA_COUNT && SCHEMA[i].row == ROW_COLUMN; i++) {
		if (strcasecmp(SCHEMA[i].name, column) != 0) continue;
		*type = (Type){.kind = SCHEMA[i].type};
		return true;
	}
	return false;
}

bool schema_table_is_internal(const char *name)
{
	int at = find_table(name);
	return at < 0 || SCHEMA[at].access == KEPT;
}

void store_tables_document(StrBuf *out)
{
	for (int i = 0; i < SCHEMA_COUNT; i++) {
		if (SCHEMA[i].row != ROW_TABLE || SCHEMA[i].access == KEPT) continue;
		strbuf_printf(out, "## %s\n\n%s\n\n| column | type | meaning |\n|---|---|---|\n", SCHEMA[i].name, SCHEMA[i].doc);
		for (int c = i + 1; SCHEMA[c].row == ROW_COLUMN; c++)
			strbuf_printf(out, "| %s | %s | %s |\n", SCHEMA[c].name, type_kind_name(SCHEMA[c].type), SCHEMA[c].doc);
		strbuf_addc(out, '\n');
	}
}
