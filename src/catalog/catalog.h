/* The catalog: what relations there are and what they look like, in memory; store/ keeps it in the file as the text of each
 * definition, and engine/ makes it again at start by parsing and binding those texts in order.
 *
 * Who owns: one Catalog an engine; relations are immutable once added (ALTER and OR REPLACE put a new one in the place of the old) and
 * reference-counted, so a running pipeline or statement may keep the one it was bound to. Engine thread only.
 */
#ifndef WEIR_CATALOG_CATALOG_H
#define WEIR_CATALOG_CATALOG_H

#include "base/vec.h"
#include "catalog/options.h"
#include "expr/expr.h"

typedef enum RelationKind {
	RELATION_STREAM,          /* append-only events: connector, or local with INSERT */
	RELATION_TABLE,           /* rows with inserts, updates, deletes, kept in the file; or a changelog from a connector */
	RELATION_VIEW,            /* CREATE VIEW: expanded where it is used */
	RELATION_MATERIALIZED,    /* a continuous query's result, kept in the file */
	RELATION_SINK,            /* a target of INSERT INTO ... SELECT: CREATE TABLE/SINK with a connector that can be written */
} RelationKind;

typedef enum ColumnKind { COLUMN_PHYSICAL, COLUMN_COMPUTED, COLUMN_METADATA } ColumnKind;

/* A part of a record that a reader asks for: a column or, by dots, a field of a ROW column. */
typedef struct ColumnPath { int column; const char **fields; int field_count; } ColumnPath;
ColumnPath column_path_inner(Arena *arena, ColumnPath outer, const char *field);

typedef struct RelationColumn {
	const char *name;
	Type type;
	ColumnKind kind;
	bool not_null;
	bool hidden;                      /* not in `*`: ksqlDB's ROWTIME */
	const char *json_path;            /* FROM '$.address.city'; NULL: the name */
	const char *metadata_key;         /* COLUMN_METADATA: "offset", "partition", "timestamp", "key", "topic", "headers", "header:NAME" */
	const char *default_sql;          /* DEFAULT; NULL: none */
	Expr *default_value;              /* bound; constant or clock */
	Expr *computed;                   /* COLUMN_COMPUTED: over relation->inputs */
} RelationColumn;

/* Inputs of computed columns, CHECKs and the watermark: EXPR_COLUMN ids in those expressions index this list (id = index + 1). */
typedef struct RelationInput { ColumnPath path; Type type; } RelationInput;

typedef struct Relation {
	int refs;
	int64_t id;                       /* of the catalog table; never reused */
	RelationKind kind;
	const char *name;                 /* as written; looked up ignoring case */
	RelationColumn *columns; int column_count;
	RelationInput *inputs; int input_count;
	const int *primary_key; int primary_key_count;
	struct { const int *columns; int count; } *uniques; int unique_count;
	struct { const char *name, *sql; Expr *condition; } *checks; int check_count;
	int watermark_column;             /* event-time column, -1: none */
	int64_t watermark_delay_us;       /* watermark = greatest event time - delay */
	Option *options; int option_count;        /* canonical names (options.def); references unresolved */
	const char *connector;            /* NULL: local */
	const char *changelog;            /* "upsert", "debezium" ...: how records change a table; NULL: each record is a row */
	const char *sql;                  /* definition as kept: printed statement, * expanded, views' SELECT included */
	const char *identity;             /* printed without options that change no answer: equal texts are the same definition */
	const char *query_sql;            /* views: the SELECT alone */
	bool emit_on_close;
	int64_t *depends; int depend_count;   /* ids of relations that the definition reads (or, for INSERT INTO ... SELECT, writes) */
	bool append_only;                 /* streams; views whose plan says so; tables declared APPEND ONLY */
	/* views: what readers of the view may know, from planning it */
	const int *view_key; int view_key_count;
	struct { int column; int64_t delta_us; bool inclusive; } *view_watermarks; int view_watermark_count;
	uint64_t plan_hash;               /* of its operators and its result's form, as it was made: saved state fits no others; 0: not kept */
	int rules_version;                /* rules of planning that were known when it was made; 0: not kept */
	int64_t replaces;                 /* > 0: being built to take the place of the relation of this id; names do not find it before (catalog_copy) */
	struct Relation *derived_from;    /* a copy with other options for one statement (OPTIONS hint); shares what that one owns; NULL: none */
	struct Relation **hinted; int hinted_count;       /* such copies that this relation's own query scans: kept alive with it */
	Arena arena;                      /* owns all of the above */
} Relation;

typedef struct Catalog {
	VEC(Relation *) relations;
	int64_t version;
	bool shows_pending;
	uint64_t rules_off;               /* by which its queries are not planned: PlanContext */
} Catalog;

Catalog *catalog_new(void);
void catalog_free(Catalog *catalog);
/* The same relations, to try out a change; with_pending: what is being built stands in the place of what it is to replace. */
Catalog *catalog_copy(const Catalog *catalog, bool with_pending);

Relation *relation_new(RelationKind kind, const char *name);           /* refs 1, arena ready */
Relation *relation_ref(Relation *relation);
void relation_unref(Relation *relation);

/* Ignoring case; NULL: none. What is still being built to replace another is found by its id alone. */
Relation *catalog_find(const Catalog *catalog, const char *name);
Relation *catalog_find_id(const Catalog *catalog, int64_t id);
const char *catalog_nearest(const Catalog *catalog, const char *name);  /* "Did you mean"; NULL: nothing near */
void catalog_add(Catalog *catalog, Relation *relation);                  /* takes the reference; replaces one of the same id */
void catalog_remove(Catalog *catalog, int64_t id);
Relation *catalog_pending(const Catalog *catalog, int64_t id);              /* what is being built to replace it; NULL: nothing */
/* Relations that read the given one directly, in order of creation; returns how many there are, also beyond room. */
int catalog_dependants(const Catalog *catalog, int64_t id, Relation **out, int room);

const char *relation_option(const Relation *relation, const char *name);  /* NULL: not given */
int relation_column_find(const Relation *relation, const char *name);     /* exact case first, then ignoring case if one fits; -1 */
const char *relation_kind_name(RelationKind kind);                        /* "materialized view" */
bool relation_is_local(const Relation *relation);                         /* stream or table without connector */
bool relation_is_changelog(const Relation *relation);                     /* table whose changes come from a connector */
/* Its rows are in the file, put there by a pipeline of its own, which others read: materialized views, tables from changelogs. */
bool relation_is_maintained(const Relation *relation);
bool relation_same_columns(const Relation *a, const Relation *b);          /* of the same names and types, in the same order */
bool relation_has_pipeline(const Relation *relation);                     /* those, and what writes into a sink */

/* A view (or INSERT INTO sink SELECT pipeline) is also found here; pipelines are relations of kind RELATION_SINK with query_sql set and
 * names "insert_N". */

#endif
