/* AST: what the text of a statement says, before any name has a meaning. Made by the parser (parse.h), read by the binder,
 * printed back by print.h.
 *
 * Everything lies in the arena that was given to the parser and lives as long as it. Texts are NUL-terminated, in the
 * spelling of the statement unless said otherwise; spans are byte offsets into the text that was parsed (the whole script, so
 * that a caret finds its line). Lists are VEC(T): {at, count, room}; an absent list has count 0, an absent node is NULL.
 *
 * Spellings that mean the same are one node, so that a meaning is bound in one place:
 *   x ISNULL, x IS NULL                        binary AST_OP_IS with NULL;  IS [NOT] DISTINCT FROM is AST_OP_IS_NOT / AST_OP_IS
 *   ==, <>                                     AST_OP_EQ, AST_OP_NE
 *   x::t                                       AST_CAST
 *   EXTRACT(u FROM x)                          call extract('u', x);  u in lower case
 *   POSITION(a IN b), SUBSTRING(x FROM a FOR b), OVERLAY(x PLACING y FROM a FOR b)
 *                                              calls position(a, b), substring(x, a, b), overlay(x, y, a, b)
 *   TRIM(LEADING|TRAILING|BOTH c FROM x)       calls ltrim(x, c), rtrim(x, c), trim(x, c);  without c one argument
 *   FLOOR(x TO u), CEIL(x TO u)                calls floor(x, 'u'), ceil(x, 'u')
 *   x AT TIME ZONE z, x AT LOCAL               call timezone(z, x) (PostgreSQL's name and order), timezone('local', x)
 *   CURRENT_TIMESTAMP without parentheses      call current_timestamp() (also current_date, current_time, localtime,
 *                                              localtimestamp, current_row_timestamp, current_user, session_user)
 *   TABLE(f(...)), LATERAL TABLE(f(...))       table function f
 */
#ifndef WEIR_AST_AST_H
#define WEIR_AST_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"

typedef struct AstExpr AstExpr;
typedef struct AstQuery AstQuery;
typedef struct AstBody AstBody;
typedef struct AstSelect AstSelect;
typedef struct AstTable AstTable;
typedef struct AstTypeName AstTypeName;
typedef struct AstStatement AstStatement;

/* Depth of the deepest node below, itself included, never above this: whoever recurses over an AST needs no limit of his
 * own. A query counts as AST_QUERY_DEPTH levels, because recursion over it takes that much more stack. */
enum { AST_DEPTH_MAX = 1000, AST_QUERY_DEPTH = 8 };

/* ---- names ---- */

typedef struct AstIdent {
	const char *text;             /* NULL: none */
	Span span;
	bool quoted;                  /* "x", `x`, [x] */
} AstIdent;
typedef VEC(AstIdent) AstIdents;

/* catalog.schema.relation: the last part is the name, the binder decides about those before it */
typedef struct AstName {
	AstIdents parts;              /* never empty where the name is there */
	Span span;
} AstName;
typedef VEC(AstName) AstNames;

/* The last part of a name; its text is NULL where there is no name. */
AstIdent ast_name_last(const AstName *name);

/* ---- options ---- */

typedef enum AstOptionKind {
	AST_OPTION_STRING, AST_OPTION_NUMBER, AST_OPTION_BOOLEAN, AST_OPTION_WORD,
	AST_OPTION_INTERVAL,          /* value text and unit, as text_to_interval_unit reads them; unit NULL: text_to_interval */
	AST_OPTION_NULL,
	AST_OPTION_PARAMETER,         /* value: name of :name, for `weir -v name=value` */
	AST_OPTION_NONE,              /* the name alone, as in EXPLAIN (VERBOSE) */
} AstOptionKind;

typedef struct AstOption {
	const char *name;             /* in lower case: "scan.startup.mode", "kafka_topic" */
	const char *name_written;     /* as it stands in the text */
	AstOptionKind kind;
	const char *value;            /* without quotes; numbers with their sign; "true" or "false"; NULL for NULL and NONE */
	const char *unit;             /* AST_OPTION_INTERVAL */
	Span name_span, value_span;
} AstOption;
typedef VEC(AstOption) AstOptions;

/* The last option of that name (lower case), or NULL. */
const AstOption *ast_option_find(const AstOptions *options, const char *name);

/* ---- types ---- */

typedef enum AstTypeKind { AST_TYPE_PLAIN, AST_TYPE_ROW, AST_TYPE_ARRAY, AST_TYPE_MAP } AstTypeKind;

typedef struct AstTypeField {
	AstIdent name;
	AstTypeName *type;
	bool not_null;
} AstTypeField;
typedef VEC(AstTypeField) AstTypeFields;

struct AstTypeName {
	AstTypeKind kind;
	const char *name;             /* PLAIN: lower case, words with one blank: "timestamp with time zone", as type_from_name wants it */
	int parameters[2];            /* -1 where absent */
	AstTypeFields fields;         /* ROW<...>, STRUCT<...> */
	AstTypeName *key;             /* MAP */
	AstTypeName *element;         /* ARRAY, MAP */
	uint16_t depth;
	Span span;
};

/* ---- expressions ---- */

typedef enum AstExprKind {
	AST_LITERAL,          /* literal, text, unit */
	AST_PARAMETER,        /* text: name without ':' or NULL for '?'; parameter: number from 1 */
	AST_COLUMN,           /* path: a, t.a, t.a.b ...: which part is what only the binder knows */
	AST_STAR,             /* path: qualifier or empty; except */
	AST_FIELD,            /* (args[0]).field */
	AST_SUBSCRIPT,        /* args[0][args[1]]; with three args [from:to], where either may be a NULL pointer */
	AST_UNARY,            /* op args[0] */
	AST_BINARY,           /* args[0] op args[1] */
	AST_AND, AST_OR,      /* args, two or more: chains are flat */
	AST_LIKE,             /* args[0] [NOT] op args[1] [ESCAPE args[2]]; op is AST_OP_LIKE ... AST_OP_SIMILAR */
	AST_BETWEEN,          /* args[0] [NOT] BETWEEN [SYMMETRIC] args[1] AND args[2] */
	AST_IN,               /* args[0] [NOT] IN (args[1] ... | query | relation) */
	AST_QUANTIFIED,       /* args[0] op ANY|ALL (query | args[1]) */
	AST_EXISTS,           /* query */
	AST_SUBQUERY,         /* query as one value; as argument of a table function a relation */
	AST_CAST,             /* args[0], type; try_cast: what cannot be cast is NULL */
	AST_CASE,             /* operand or NULL; args = when1, then1, when2, then2 ...; otherwise */
	AST_COLLATE,          /* args[0], field: the collation's name */
	AST_ROW,              /* (a, b) or ROW(a, b) */
	AST_ARRAY,            /* ARRAY[...] or ARRAY(query) */
	AST_MAP,              /* MAP[k1, v1, k2, v2 ...] */
	AST_CALL,             /* call */
	AST_RELATION,         /* only as argument of a table function: TABLE t or t PARTITION BY ... ORDER BY ...; relation or query */
} AstExprKind;

typedef enum AstLiteralKind {
	AST_NULL, AST_TRUE, AST_FALSE,
	AST_INTEGER,          /* text: digits or 0x1f */
	AST_DECIMAL,          /* text: 1.50, .5 */
	AST_REAL,             /* text: 1e9 */
	AST_STRING,           /* text, bytes (escapes resolved; holds no NUL) */
	AST_BLOB,             /* text, bytes: raw bytes, may hold NUL */
	AST_DATE, AST_TIME, AST_TIMESTAMP, AST_TIMESTAMPTZ,   /* text: DATE '...' */
	AST_INTERVAL,         /* text and unit ("SECOND", "YEAR TO MONTH", singular, upper case; NULL: all is in text) */
} AstLiteralKind;

typedef enum AstOp {
	AST_OP_NONE,
	/* unary */
	AST_OP_NOT, AST_OP_MINUS, AST_OP_PLUS, AST_OP_BIT_NOT,
	/* binary */
	AST_OP_EQ, AST_OP_NE, AST_OP_LT, AST_OP_LE, AST_OP_GT, AST_OP_GE, AST_OP_IS, AST_OP_IS_NOT,
	AST_OP_BIT_AND, AST_OP_BIT_OR, AST_OP_BIT_XOR, AST_OP_SHIFT_LEFT, AST_OP_SHIFT_RIGHT,
	AST_OP_ADD, AST_OP_SUBTRACT, AST_OP_MULTIPLY, AST_OP_DIVIDE, AST_OP_MODULO,
	AST_OP_CONCAT, AST_OP_ARROW, AST_OP_ARROW_TEXT, AST_OP_PATH, AST_OP_PATH_TEXT,     /* || -> ->> #> #>> */
	/* pattern matches */
	AST_OP_LIKE, AST_OP_ILIKE, AST_OP_GLOB, AST_OP_REGEXP, AST_OP_MATCH, AST_OP_SIMILAR,
	AST_OP_COUNT
} AstOp;

/* "+", "IS NOT", "SIMILAR TO" */
const char *ast_op_text(AstOp op);

typedef VEC(AstExpr *) AstExprs;

typedef enum AstNulls { AST_NULLS_DEFAULT, AST_NULLS_FIRST, AST_NULLS_LAST } AstNulls;

typedef struct AstOrderTerm {
	AstExpr *expr;                /* a collation is an AST_COLLATE around it */
	bool descending;
	AstNulls nulls;
} AstOrderTerm;
typedef VEC(AstOrderTerm) AstOrderTerms;

typedef enum AstFrameUnit { AST_FRAME_ROWS, AST_FRAME_RANGE, AST_FRAME_GROUPS } AstFrameUnit;
typedef enum AstFrameExclude { AST_EXCLUDE_NO_OTHERS, AST_EXCLUDE_CURRENT_ROW, AST_EXCLUDE_GROUP, AST_EXCLUDE_TIES } AstFrameExclude;
typedef enum AstBoundKind {
	AST_BOUND_UNBOUNDED_PRECEDING, AST_BOUND_PRECEDING, AST_BOUND_CURRENT_ROW, AST_BOUND_FOLLOWING, AST_BOUND_UNBOUNDED_FOLLOWING,
} AstBoundKind;

typedef struct AstBound { AstBoundKind kind; AstExpr *offset; } AstBound;

typedef struct AstFrame {
	AstFrameUnit unit;
	AstBound start, end;          /* end is CURRENT ROW where the text has no BETWEEN */
	AstFrameExclude exclude;
	Span span;
} AstFrame;

typedef struct AstWindow {
	AstIdent name;                /* of WINDOW name AS (...); for OVER name: the window meant, all else empty */
	AstIdent base;                /* OVER (base ...): the window that is extended; text NULL: none */
	AstExprs partition_by;
	AstOrderTerms order_by;
	AstFrame *frame;              /* NULL: the default */
	Span span;
} AstWindow;
typedef VEC(AstWindow *) AstWindows;

typedef struct AstArgument {
	AstIdent name;                /* name => value, name := value; text NULL: by position */
	AstExpr *value;
} AstArgument;
typedef VEC(AstArgument) AstArguments;

typedef enum AstNullTreatment { AST_NULLS_NOT_SAID, AST_IGNORE_NULLS, AST_RESPECT_NULLS } AstNullTreatment;

typedef struct AstCall {
	AstName name;
	AstArguments arguments;
	bool star;                    /* count(*) */
	bool distinct;
	AstOrderTerms order_by;       /* inside the parentheses */
	AstOrderTerms within_group;   /* WITHIN GROUP (ORDER BY ...) */
	AstNullTreatment nulls;       /* inside or after the parentheses */
	AstExpr *filter;
	AstWindow *over;              /* NULL: no window function */
} AstCall;

struct AstExpr {
	AstExprKind kind;
	AstLiteralKind literal;
	AstOp op;
	uint16_t depth;
	bool negated;                 /* LIKE, BETWEEN, IN (NOT EXISTS is NOT over EXISTS) */
	bool symmetric;               /* BETWEEN SYMMETRIC */
	bool all;                     /* QUANTIFIED: ALL, else ANY */
	bool try_cast;
	int parameter;
	Span span;                    /* of the whole expression, with parentheses around it */
	Span op_span;                 /* of the operator, function name or keyword: where an error about it points */
	const char *text;
	uint32_t bytes;               /* of text */
	const char *unit;
	AstIdents path;
	AstIdents except;             /* STAR */
	AstIdent field;
	AstExprs args;
	AstExpr *operand, *otherwise;
	AstCall *call;
	AstTypeName *type;
	AstQuery *query;
	AstName relation;             /* IN relation, RELATION; no parts: none */
	AstExprs partition_by;        /* RELATION */
	AstOrderTerms order_by;       /* RELATION */
	AstOptions *hints;            /* RELATION: OPTIONS hint behind the name; NULL: none */
};

/* ---- queries ---- */

typedef struct AstItem {
	AstExpr *expr;                /* AST_STAR for * and t.* */
	AstIdent alias;               /* text NULL: none */
	const char *text;             /* the expression as written: SQLite's name of an unnamed column */
	Span span;
} AstItem;
typedef VEC(AstItem) AstItems;

typedef enum AstTableKind {
	AST_TABLE_NAME,               /* name */
	AST_TABLE_QUERY,              /* query */
	AST_TABLE_FUNCTION,           /* call: name and arguments; TUMBLE's first argument is an AST_COLUMN, AST_SUBQUERY or AST_RELATION */
	AST_TABLE_JOIN,               /* left, right, join ...; FROM a, b is a join too */
} AstTableKind;

typedef enum AstJoinKind {
	AST_JOIN_COMMA, AST_JOIN_CROSS, AST_JOIN_INNER, AST_JOIN_LEFT, AST_JOIN_RIGHT, AST_JOIN_FULL, AST_JOIN_SEMI, AST_JOIN_ANTI,
} AstJoinKind;

struct AstTable {
	AstTableKind kind;
	uint16_t depth;
	Span span;
	AstIdent alias;               /* text NULL: none; a join in parentheses may have one too */
	AstIdents columns;            /* AS x (a, b) */
	AstName name;
	AstOptions hints;             /* OPTIONS hint behind the name or function */
	AstExpr *as_of;               /* FOR SYSTEM_TIME AS OF */
	AstQuery *query;
	AstExpr *call;                /* AST_CALL */
	bool lateral;
	bool with_ordinality;
	AstTable *left, *right;
	AstJoinKind join;
	bool in_parens;               /* a comma inside is not one of the FROM around it */
	bool natural, asof;
	AstExpr *on;
	AstIdents using_columns;
	AstExpr *within_before, *within_after;   /* ksqlDB's WITHIN: intervals; both or none */
	AstExpr *grace;
	Span join_span;               /* the words of the join */
};

/* ksqlDB's WINDOW TUMBLING (SIZE ...): all intervals, NULL where not said */
typedef enum AstKsqlWindowKind { AST_KSQL_TUMBLING, AST_KSQL_HOPPING, AST_KSQL_SESSION } AstKsqlWindowKind;
typedef struct AstKsqlWindow {
	AstKsqlWindowKind kind;
	AstExpr *size;                /* SESSION: the gap */
	AstExpr *advance, *retention, *grace;
	Span span;
} AstKsqlWindow;

typedef enum AstGroupingKind {
	AST_GROUPING_EXPR,            /* exprs[0]: an expression, or the number of a result column */
	AST_GROUPING_SET,             /* (a, b), () */
	AST_GROUPING_ROLLUP, AST_GROUPING_CUBE,   /* children: EXPR or SET */
	AST_GROUPING_SETS,            /* children: any */
} AstGroupingKind;

typedef struct AstGrouping AstGrouping;
struct AstGrouping {
	AstGroupingKind kind;
	uint16_t depth;
	AstExprs exprs;
	VEC(AstGrouping *) children;
	Span span;
};
typedef VEC(AstGrouping *) AstGroupings;

struct AstSelect {
	bool distinct;
	bool stream;                  /* SELECT STREAM */
	AstExprs distinct_on;         /* DISTINCT ON (...) */
	AstItems items;
	AstTable *from;               /* NULL: one row without columns */
	AstKsqlWindow *ksql_window;
	AstExpr *where;
	AstExprs partition_by;        /* ksqlDB's PARTITION BY: the key of the records that are written */
	AstGroupings group_by;
	AstExpr *having;
	AstWindows windows;           /* WINDOW name AS (...) */
	AstExpr *qualify;
	Span span;
};

typedef enum AstBodyKind { AST_BODY_SELECT, AST_BODY_VALUES, AST_BODY_SET, AST_BODY_QUERY } AstBodyKind;
typedef enum AstSetOp { AST_UNION, AST_INTERSECT, AST_EXCEPT } AstSetOp;

struct AstBody {
	AstBodyKind kind;
	uint16_t depth;
	Span span;
	AstSelect *select;
	VEC(AstExprs) rows;           /* VALUES */
	AstSetOp op;                  /* SET: left-associative, all of one precedence, as in SQLite */
	bool all;
	AstBody *left, *right;
	bool by_name;                 /* CORRESPONDING: columns that have the same name on both sides; BY (...): these of them */
	AstIdents by_columns;
	AstQuery *query;              /* QUERY: (select ... order by ... limit ...) as operand */
};

typedef struct AstCte {
	AstIdent name;
	AstIdents columns;
	AstQuery *query;
} AstCte;

typedef struct AstWith {
	bool recursive;
	VEC(AstCte) ctes;
	uint16_t depth;
	Span span;
} AstWith;

typedef enum AstEmit { AST_EMIT_NOT_SAID, AST_EMIT_CHANGES, AST_EMIT_FINAL, AST_EMIT_ON_WINDOW_CLOSE } AstEmit;

struct AstQuery {
	AstWith *with;
	AstBody *body;
	AstOrderTerms order_by;
	AstExpr *limit, *offset;
	bool with_ties;               /* FETCH FIRST n ROWS WITH TIES */
	AstEmit emit;                 /* only at the top of a statement; FINAL and ON WINDOW CLOSE mean the same */
	Span emit_span;
	uint16_t depth;
	Span span;
};

/* ---- definitions ---- */

typedef enum AstRelationKind {
	AST_KIND_NOT_SAID, AST_KIND_STREAM, AST_KIND_SOURCE, AST_KIND_TABLE, AST_KIND_VIEW, AST_KIND_MATERIALIZED_VIEW, AST_KIND_SINK,
	AST_KIND_INDEX, AST_KIND_COUNT
} AstRelationKind;

/* "MATERIALIZED VIEW" */
const char *ast_relation_kind_text(AstRelationKind kind);

typedef struct AstColumnDef {
	AstIdent name;
	AstTypeName *type;            /* NULL: none said */
	bool not_null, null;          /* null: said NULL */
	bool primary_key, unique;
	bool key;                     /* ksqlDB's KEY: the record's key, no constraint */
	bool autoincrement;
	AstExpr *default_value;
	AstExpr *generated;           /* x AS expr, x type [GENERATED ALWAYS] AS (expr) */
	bool stored;
	AstExprs checks;
	bool metadata;                /* METADATA [FROM 'key'] [VIRTUAL] */
	const char *metadata_key;     /* NULL: the column's name; ksqlDB's HEADERS is "headers" */
	const char *header;           /* ksqlDB's HEADER('x'): that header's value; then metadata is true and metadata_key "header" */
	bool metadata_virtual;
	const char *path;             /* FROM '$.a.b' */
	AstIdent collation;
	const char *comment;
	AstName references;           /* no parts: none */
	AstIdents referenced_columns;
	Span source_span;             /* METADATA ..., FROM ... */
	Span span;
} AstColumnDef;
typedef VEC(AstColumnDef) AstColumnDefs;

typedef enum AstConstraintKind { AST_CONSTRAINT_PRIMARY_KEY, AST_CONSTRAINT_UNIQUE, AST_CONSTRAINT_CHECK, AST_CONSTRAINT_FOREIGN_KEY } AstConstraintKind;
typedef struct AstConstraint {
	AstConstraintKind kind;
	AstIdent name;
	AstIdents columns;
	AstExpr *check;
	AstName references;
	AstIdents referenced_columns;
	Span span;
} AstConstraint;
typedef VEC(AstConstraint) AstConstraints;

typedef struct AstWatermark {
	AstName column;               /* may be a path into a ROW: bid.at */
	AstExpr *expr;                /* NULL: the column itself */
	Span span;
} AstWatermark;
typedef VEC(AstWatermark) AstWatermarks;

/* RisingWave's FORMAT PLAIN ENCODE JSON (...); words in lower case */
typedef struct AstFormat {
	const char *format, *encode;
	const char *key_encode;       /* KEY ENCODE x; NULL: not said */
	AstOptions options;
	Span format_span, encode_span;
} AstFormat;

/* RisingWave's INCLUDE OFFSET AS off */
typedef struct AstInclude {
	const char *what;             /* in lower case: "key", "partition", "offset", "timestamp", "header", "payload" */
	const char *header;           /* INCLUDE HEADER 'x'; NULL: all */
	AstTypeName *type;            /* of the header; NULL: not said */
	AstIdent alias;               /* text NULL: none */
	Span span;
} AstInclude;
typedef VEC(AstInclude) AstIncludes;

/* CREATE STREAM | SOURCE | TABLE; with a query it is ksqlDB's CREATE STREAM/TABLE ... AS SELECT */
typedef struct AstCreateRelation {
	AstRelationKind kind;         /* STREAM, SOURCE or TABLE: the word */
	bool or_replace, if_not_exists, temporary, append_only;
	bool cascade;                 /* OR REPLACE ... CASCADE */
	AstName name;
	bool star;                    /* RisingWave's (*): columns from the schema registry */
	AstColumnDefs columns;
	AstConstraints constraints;
	AstWatermarks watermarks;
	AstOptions options;           /* WITH (...); ON OFFSET GAP x is the option on_offset_gap; ON CONFLICT x is on_conflict */
	AstFormat *format;
	AstIncludes includes;
	AstName like;                 /* Flink's LIKE t; no parts: none */
	AstIdents like_options;       /* words between its parentheses, pairs: INCLUDING ALL, EXCLUDING OPTIONS */
	AstIdents partitioned_by;
	const char *comment;
	AstQuery *query;
} AstCreateRelation;

/* CREATE [MATERIALIZED] VIEW */
typedef struct AstCreateView {
	AstRelationKind kind;
	bool or_replace, if_not_exists, temporary, cascade;
	AstName name;
	AstIdents columns;
	AstOptions options;
	const char *comment;
	AstQuery *query;              /* with its EMIT */
} AstCreateView;

typedef struct AstCreateSink {
	bool or_replace, if_not_exists, cascade;
	AstName name;
	AstName into;                 /* CREATE SINK s INTO t; no parts: none */
	AstName from;                 /* no parts: query */
	AstQuery *query;
	AstOptions options;
	AstFormat *format;
} AstCreateSink;

typedef struct AstCreateIndex {
	bool unique, if_not_exists;
	AstName name;                 /* no parts: none said */
	AstName relation;
	AstOrderTerms terms;
	AstIdents include;
	AstExpr *where;
} AstCreateIndex;

typedef enum AstAlterKind {
	AST_ALTER_ADD_COLUMN,         /* column */
	AST_ALTER_ADD_CONSTRAINT,     /* constraint */
	AST_ALTER_ADD_WATERMARK, AST_ALTER_DROP_WATERMARK,
	AST_ALTER_DROP_COLUMN,        /* name */
	AST_ALTER_RENAME_COLUMN,      /* name, new_name */
	AST_ALTER_RENAME_TO,          /* new_name */
	AST_ALTER_COLUMN_TYPE,        /* name, type */
	AST_ALTER_SET_NOT_NULL, AST_ALTER_DROP_NOT_NULL, AST_ALTER_SET_DEFAULT, AST_ALTER_DROP_DEFAULT,   /* name, column.default_value */
	AST_ALTER_SET_OPTIONS,        /* options */
	AST_ALTER_RESET_OPTIONS,      /* options: names only */
	AST_ALTER_REBUILD,            /* options: WITH (start = ...) */
} AstAlterKind;

typedef struct AstAlterAction {
	AstAlterKind kind;
	bool if_exists;               /* ADD COLUMN IF NOT EXISTS, DROP COLUMN IF EXISTS */
	AstIdent name, new_name;
	AstColumnDef column;
	AstConstraint constraint;
	AstWatermark watermark;
	AstTypeName *type;
	AstOptions options;
	Span span;
} AstAlterAction;

typedef struct AstAlter {
	AstRelationKind kind;
	bool if_exists, cascade;
	AstName name;
	VEC(AstAlterAction) actions;
} AstAlter;

typedef struct AstDrop {
	AstRelationKind kind;
	bool if_exists, cascade, temporary;
	AstNames names;
} AstDrop;

/* ---- changes ---- */

typedef struct AstAssignment {
	AstIdents columns;            /* several: (a, b) = row or query */
	AstExpr *value;               /* NULL: DEFAULT */
} AstAssignment;
typedef VEC(AstAssignment) AstAssignments;

typedef struct AstConflict {
	AstIdents columns;            /* none: any conflict */
	AstExpr *index_where;
	bool update;                  /* DO UPDATE, else DO NOTHING */
	AstAssignments assignments;
	AstExpr *where;
	Span span;
} AstConflict;
typedef VEC(AstConflict) AstConflicts;

typedef enum AstOrAction { AST_OR_NOT_SAID, AST_OR_ABORT, AST_OR_FAIL, AST_OR_IGNORE, AST_OR_REPLACE, AST_OR_ROLLBACK } AstOrAction;
const char *ast_or_action(AstOrAction action);        /* " OR IGNORE"; "" */

typedef struct AstInsert {
	AstWith *with;                /* before INSERT */
	AstOrAction or_action;        /* REPLACE INTO is OR REPLACE */
	AstName target;
	AstIdent alias;
	AstIdents columns;
	AstQuery *query;              /* VALUES too; NULL: DEFAULT VALUES; a bare DEFAULT in VALUES is AST_CALL default() */
	AstOptions hints;             /* OPTIONS hint behind the target */
	AstOptions options;           /* ksqlDB: INSERT INTO s WITH (...) SELECT */
	AstConflicts conflicts;
	AstItems returning;
} AstInsert;

typedef struct AstUpdate {
	AstWith *with;
	AstOrAction or_action;
	AstName target;
	AstIdent alias;
	AstAssignments assignments;
	AstTable *from;
	AstExpr *where;
	AstItems returning;
} AstUpdate;

typedef struct AstDelete {
	AstWith *with;
	AstName target;
	AstIdent alias;
	AstTable *using_tables;
	AstExpr *where;
	AstItems returning;
} AstDelete;

/* ---- asking and steering ---- */

typedef enum AstResumeFrom { AST_RESUME_AS_IT_WAS, AST_RESUME_FROM_NOW, AST_RESUME_FROM_SNAPSHOT } AstResumeFrom;

/* PAUSE, RESUME [kind] names | ALL */
typedef struct AstPause {
	AstRelationKind kind;
	bool all;
	AstNames names;
	AstResumeFrom from;           /* RESUME SINK s FROM NOW | SNAPSHOT */
	AstOptions options;           /* RESUME s ON OFFSET GAP x: on_offset_gap */
} AstPause;

typedef struct AstShow {
	const char *what;             /* in lower case, words with one blank: "tables", "materialized views", "create", "columns", "all" */
	AstRelationKind kind;         /* SHOW CREATE kind name */
	AstName name;                 /* SHOW CREATE name, SHOW COLUMNS FROM name, any FROM | IN; no parts: none */
	const char *like;             /* NULL: none */
	bool extended;
	Span what_span;
} AstShow;                            /* SHOW setting: what is its name ("commit_interval") */

typedef struct AstDescribe {
	AstRelationKind kind;
	bool extended, function;      /* DESCRIBE FUNCTION f */
	AstName name;                 /* no parts: query */
	AstQuery *query;
} AstDescribe;

typedef struct AstExplain {
	bool analyze;
	AstIdents stages;             /* words before the statement: EXPLAIN LOGICAL PHYSICAL SELECT ... (not ANALYZE; PLAN FOR and QUERY PLAN say nothing) */
	AstOptions options;           /* EXPLAIN (VERBOSE, TYPES true) */
	AstRelationKind kind;         /* EXPLAIN [MATERIALIZED VIEW] v */
	AstName name;                 /* no parts: statement */
	AstStatement *statement;
} AstExplain;

/* SET name = value; SET alone shows all (then option.name is NULL). SET name = DEFAULT, RESET and UNSET: AST_RESET. */
typedef struct AstSet {
	AstOption option;             /* RESET: value NULL; RESET ALL: name NULL */
} AstSet;

typedef enum AstTransactionKind {
	AST_BEGIN, AST_COMMIT, AST_ROLLBACK, AST_SAVEPOINT, AST_RELEASE, AST_ROLLBACK_TO,
} AstTransactionKind;

typedef struct AstTransaction {
	AstTransactionKind kind;
	bool statement_set;           /* Flink's EXECUTE STATEMENT SET BEGIN, BEGIN STATEMENT SET; its END is a COMMIT */
	AstIdent name;                /* savepoint */
} AstTransaction;

typedef struct AstClose {
	bool all;                     /* CLOSE ALL STREAMS */
	AstNames names;
} AstClose;

typedef struct AstSubscribe {
	AstName name;                 /* no parts: query */
	AstQuery *query;
	AstExpr *since, *limit;
	AstOptions options;
} AstSubscribe;

/* PRINT 'topic', PEEK 'topic' */
typedef struct AstPrint {
	const char *topic;
	Span topic_span;
	bool from_beginning;
	AstExpr *interval, *limit;
	AstOptions options;
} AstPrint;

typedef struct AstUse {
	const char *what;             /* in lower case: "catalog", "database", "modules"; "": not said */
	AstName name;
} AstUse;

/* ---- statements ---- */

typedef enum AstStatementKind {
	AST_STATEMENT_QUERY,          /* query */
	AST_STATEMENT_CREATE_RELATION, AST_STATEMENT_CREATE_VIEW, AST_STATEMENT_CREATE_SINK, AST_STATEMENT_CREATE_INDEX,
	AST_STATEMENT_ALTER, AST_STATEMENT_DROP, AST_STATEMENT_TRUNCATE,
	AST_STATEMENT_INSERT, AST_STATEMENT_UPDATE, AST_STATEMENT_DELETE,
	AST_STATEMENT_PAUSE, AST_STATEMENT_RESUME,
	AST_STATEMENT_SHOW, AST_STATEMENT_DESCRIBE, AST_STATEMENT_EXPLAIN,
	AST_STATEMENT_SET, AST_STATEMENT_RESET,
	AST_STATEMENT_TRANSACTION, AST_STATEMENT_FLUSH, AST_STATEMENT_CHECKPOINT, AST_STATEMENT_CLOSE,
	AST_STATEMENT_SUBSCRIBE, AST_STATEMENT_PRINT, AST_STATEMENT_PEEK, AST_STATEMENT_USE,
	AST_STATEMENT_KIND_COUNT
} AstStatementKind;

/* "CREATE VIEW", for messages and logs */
const char *ast_statement_kind_text(AstStatementKind kind);

struct AstStatement {
	AstStatementKind kind;
	Span span;                    /* without the semicolon and blanks or comments around */
	const char *text;             /* as written, without the semicolon */
	int parameter_count;          /* of '?' and :name, each name counted once */
	AstIdents parameters;         /* by number - 1; text NULL for '?' */
	AstIdents ignored_hints;      /* hints that were passed over, for the notice */
	union {
		AstQuery *query;
		AstCreateRelation *create_relation;
		AstCreateView *create_view;
		AstCreateSink *create_sink;
		AstCreateIndex *create_index;
		AstAlter *alter;
		AstDrop *drop;            /* TRUNCATE too: names */
		AstInsert *insert;
		AstUpdate *update;
		AstDelete *delete_from;
		AstPause *pause;          /* PAUSE and RESUME */
		AstShow *show;
		AstDescribe *describe;
		AstExplain *explain;
		AstSet *set;              /* SET and RESET */
		AstTransaction *transaction;
		AstClose *close;
		AstSubscribe *subscribe;
		AstPrint *print;          /* PRINT and PEEK */
		AstUse *use;
	};
};

typedef VEC(AstStatement *) AstScript;

#endif
