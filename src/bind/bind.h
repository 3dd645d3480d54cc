/* Binding: gives the names of a parsed statement their meaning and its expressions their types. AST in, BoundStatement out; queries in it
 * are logical plans that plan_optimize() takes from here.
 *
 *     PlanContext context = {.arena = &arena};
 *     BoundStatement bound;
 *     if (!bind_statement(ast, catalog, &settings, &context, &bound, &err)) ...      // err.span points into the text that was parsed
 *     ... run it ...
 *     bound_release(&bound);
 *
 * Nothing here changes the catalog, opens anything or reads a clock: running the statement is the engine's work. What BoundStatement points
 * to lies in context->arena, except for relations: those of the catalog are borrowed and valid as long as the catalog is not changed (who
 * keeps one takes a reference), new ones are in `create.relation` (owned by the statement until somebody takes it by setting that pointer
 * to NULL), and derived ones (OPTIONS hints) belong to the statement.
 *
 * Binding a definition writes into its AST: stars are replaced by columns, unnamed columns get names, options get their canonical names.
 * What is printed of it afterwards (relation->sql) binds to the same relation again, without the statement's surroundings: that is how
 * the catalog is made at start (bind_relation_text).
 */
#ifndef WEIR_BIND_BIND_H
#define WEIR_BIND_BIND_H

#include "ast/ast.h"
#include "plan/plan.h"

/* What a session says beside the statement. All may be left zero. */
typedef struct BindSettings {
	const char *brokers;              /* SET brokers: for Kafka relations that name none; NULL: none */
	const char *start;                /* ksqlDB's SET 'auto.offset.reset': "earliest", "latest", for sources that say none; NULL: none */
	/* Value of :name (weir -v name=value); NULL: not set. It stands as a literal: a number if it reads as one, else TEXT. */
	const char *(*parameter)(void *context, const char *name);
	/* A new relation for what is outside of the catalog and ad-hoc queries may read: weir_* tables, the user's own tables in the file. NULL:
	 * none. The statement takes the reference; only what runs once sees it: SELECT, changes, DESCRIBE, EXPLAIN. */
	Relation *(*outside)(void *context, const char *name);
	const char *(*outside_nearest)(void *context, const char *name);      /* for "Did you mean"; may be NULL */
	void *context;
	bool repeats_pass;                /* weir run -f: CREATE of what exists is no error where the definition is the same */
	bool stored;                      /* text of the catalog: nothing exists yet of that name, options are canonical and complete */
} BindSettings;

/* declared: what a ROW, ARRAY, MAP or JSONB holds, where that is known; else TYPE_NULL */
typedef struct BoundColumn { const char *name; Type type; bool nullable; Type declared; } BoundColumn;

/* A query: SELECT, the query of a view, of a sink, of INSERT. */
typedef struct BoundQuery {
	Plan *plan;                       /* its columns are the result's, in order. A top-level ORDER BY or LIMIT is a PLAN_SORT at the root, or
	                                     right under a PROJECT at the root (when it sorts by what is not shown) */
	Plan *rows;                       /* the same without top-level ORDER BY and LIMIT; = plan where there is neither */
	BoundColumn *columns; int column_count;
	bool ordered;                     /* a top-level ORDER BY */
	int64_t limit, offset;            /* top-level; limit -1: none */
	Relation **reads; int read_count; /* streams, tables, materialized views that are scanned, views expanded; each once */
	bool continuous;                  /* a stream is among them */
	bool outside;                     /* a relation of settings->outside is among them */
	bool emit_on_close;               /* EMIT ON WINDOW CLOSE, EMIT FINAL; context->emit_on_close says the same */
} BoundQuery;

/* What CREATE means for what is there. */
typedef enum BoundCreateOutcome {
	CREATE_NEW,                       /* nothing of that name */
	CREATE_SAME,                      /* the same definition with the same options: nothing to do */
	CREATE_OPTIONS,                   /* the same definition, but options that change no answer differ: take relation over as it is */
	CREATE_REPLACE,                   /* OR REPLACE with another definition */
	CREATE_EXISTS,                    /* IF NOT EXISTS, and something of that name exists: nothing to do; relation is NULL */
} BoundCreateOutcome;

/* CREATE STREAM, SOURCE, TABLE, VIEW, MATERIALIZED VIEW, SINK and INSERT INTO sink SELECT (a pipeline, kind RELATION_SINK named insert_N).
 * ksqlDB's CREATE STREAM | TABLE AS SELECT is a materialized view. relation->id is 0, or that of `existing`; view_key, view_watermarks and
 * append_only of views are filled in by whoever plans them. */
typedef struct BoundCreate {
	BoundCreateOutcome outcome;
	Relation *relation;
	Relation *existing;               /* NULL: none */
	Relation *sink;                   /* a pipeline's target; NULL: the relation itself (CREATE SINK ... WITH) or no sink */
	bool cascade;                     /* OR REPLACE ... CASCADE: what would change of those that read it is made anew */
	bool has_query;
	BoundQuery query;                 /* pipelines and sinks: cast to the sink's columns */
} BoundCreate;

typedef struct BoundIndex {
	const char *name;                 /* made up where none was said */
	bool unique, if_not_exists;
	Relation *relation;               /* table, local stream or materialized view */
	struct { int column; bool descending; } *terms; int term_count;
	const char *where_sql;            /* printed; NULL: none */
} BoundIndex;

/* ALTER: the definition with the changes made, bound again. Same id as `relation`. */
typedef struct BoundAlter {
	Relation *relation;               /* NULL: IF EXISTS, and there is none */
	Relation *replacement;            /* owned as create.relation; NULL: REBUILD alone */
	const int *column_from;           /* for each column of replacement the column of relation whose values it keeps; -1: a new one */
	bool same_reading;                /* only options that change no answer differ */
	bool renames;                     /* RENAME TO alone: replacement has the name; who names it is given the new one */
	AstIdent new_name;
	bool rebuild;                     /* ALTER MATERIALIZED VIEW v REBUILD [WITH (start = ...)] */
	bool starts_anew;                 /* REBUILD WITH (start = ...): replacement has it */
	bool cascade;
	bool has_query; BoundQuery query; /* views and sinks: their query, bound again */
	const AstAlter *ast;
} BoundAlter;

typedef struct BoundDrop {
	Relation **relations; int count;  /* dependants first: drop in this order. Without CASCADE dependants are an error */
	const char **missing; int missing_count;       /* IF EXISTS: names for the notice */
} BoundDrop;

/* INSERT into a local stream or table. source yields whole rows: all columns of target in order, cast, with DEFAULTs and computed columns
 * filled in (metadata columns NULL). NOT NULL, CHECK and keys are for the engine to test, when the row is there. */
typedef struct BoundConflict {
	bool any;                         /* no columns said: any key */
	int *columns; int column_count;   /* a key of target: its primary key or a UNIQUE */
	bool update;                      /* DO UPDATE; else DO NOTHING */
	int *set_columns; Expr **set_values; int set_count;           /* columns not set keep the old row's value, computed ones are set, too */
	Expr *where;                      /* NULL: always */
	ColumnId *old_columns, *excluded_columns;      /* for each column of target: its ids in these expressions */
} BoundConflict;

typedef struct BoundInsert {
	Relation *target;
	BoundQuery source;
	AstOrAction or_action;
	BoundConflict *conflicts; int conflict_count;
	/* RETURNING: over the row as it was stored, whose columns have these ids */
	ColumnId *row_columns;
	Expr **returning; BoundColumn *returning_columns; int returning_count;
} BoundInsert;

/* UPDATE, DELETE of a local table. plan yields for each row to change: the old row (all columns of target in order); for UPDATE then the
 * whole new row (cast, computed columns made anew); then the columns of RETURNING. With UPDATE ... FROM one old row may come several times:
 * the first counts. */
typedef struct BoundChange {
	Relation *target;
	Plan *plan;
	BoundColumn *returning_columns; int returning_count;
	Relation **reads; int read_count; /* besides target */
} BoundChange;

typedef struct BoundSubscribe {
	Relation *view;                   /* NULL: query */
	BoundQuery query;
	bool has_since; int64_t since;
	int64_t limit;                    /* -1: none */
	const AstSubscribe *ast;
} BoundSubscribe;

typedef struct BoundPrint {           /* PRINT, PEEK */
	const char *topic;
	bool from_beginning;
	int64_t interval;                 /* print each n-th record; 1 */
	int64_t limit;                    /* -1: none */
	Option *options; int option_count;        /* canonical, brokers of the session filled in */
} BoundPrint;

typedef enum BoundKind {
	BOUND_QUERY, BOUND_CREATE, BOUND_CREATE_INDEX, BOUND_ALTER, BOUND_DROP, BOUND_TRUNCATE, BOUND_INSERT, BOUND_UPDATE, BOUND_DELETE,
	BOUND_PAUSE, BOUND_RESUME, BOUND_SHOW, BOUND_DESCRIBE, BOUND_EXPLAIN, BOUND_SET, BOUND_RESET, BOUND_TRANSACTION, BOUND_FLUSH,
	BOUND_CHECKPOINT, BOUND_CLOSE, BOUND_SUBSCRIBE, BOUND_PRINT, BOUND_PEEK, BOUND_USE,
} BoundKind;

typedef struct BoundStatement BoundStatement;
struct BoundStatement {
	BoundKind kind;
	const AstStatement *ast;
	VEC(const char *) notices;        /* one line each: what was passed over or is read otherwise than where it comes from */
	VEC(Relation *) derived;          /* made for this statement; bound_release lets go of them */
	union {
		BoundQuery query;
		BoundCreate create;
		BoundIndex index;
		BoundAlter alter;
		BoundDrop drop;
		BoundInsert insert;
		BoundChange change;           /* UPDATE, DELETE */
		/* TRUNCATE, PAUSE, RESUME, CLOSE: what they name; count 0 with ALL. SHOW and DESCRIBE: the relation they name, if they name one;
		 * DESCRIBE of a query: a relation with its columns */
		struct { Relation **at; int count; } relations;
		struct { Relation *relation; BoundStatement *statement; } explain;    /* EXPLAIN: of a statement, or of what relation is */
		BoundSubscribe subscribe;
		BoundPrint print;
		Option set;                   /* SET: lower-case name, value; NULL name: show all. RESET: value NULL, name NULL: all */
	};
};

/* False: err. out is to be released in either case. */
bool bind_statement(AstStatement *statement, Catalog *catalog, const BindSettings *settings, PlanContext *context, BoundStatement *out, Error *err);
void bound_release(BoundStatement *bound);

/* A definition of the catalog, bound again: relation->sql as the text. Dependencies must be in the catalog. The result has the given id,
 * refs 1 and belongs to the caller; out_query (may be NULL) is the query of views, sinks and pipelines (plan in context->arena, which must
 * live as long as it is used). Errors say what of the text does not hold any more; spans point into sql. */
Relation *bind_relation_text(const char *sql, int64_t id, Catalog *catalog, const BindSettings *settings, PlanContext *context,
	BoundQuery *out_query, Error *err);

/* The text of a definition with another name for a relation that it may name, in arena: where it stood alone in FROM the old one becomes its alias.
 * The catalog is that before the renaming. NULL: err. */
const char *bind_renamed_text(const char *sql, const Relation *renamed, AstIdent name, Catalog *catalog, PlanContext *context, Error *err);

/* Functions that are said in SQL by others; their examples are tests. */
typedef struct DefinedFunction { const char *name, *signature, *definition, *category, *description, *example, *example_result; } DefinedFunction;
extern const DefinedFunction DEFINED_FUNCTIONS[];
extern const int DEFINED_FUNCTION_COUNT;

/* A constant expression as a value of the given type: DEFAULTs in tests, values of the shell. */
bool bind_constant(const AstExpr *ast, Type type, const BindSettings *settings, Arena *arena, Value *out, Error *err);

#endif
