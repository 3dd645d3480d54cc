/* What the files of bind/ share: scopes, the state of one statement, and who binds what. bind.h is the outside.
 *
 * Every function that binds gives NULL or false with binder->err set, or what it bound. A Scope says which names can be seen; scopes are
 * chained from the innermost query outwards, so a column of an outer query is found like any other and simply appears as its ColumnId.
 * A Clause says where an expression stands: what may be in it, and where its aggregates and window calls are collected.
 */
#ifndef WEIR_BIND_BINDER_H
#define WEIR_BIND_BINDER_H

#include "ast/print.h"
#include "bind/bind.h"
#include "plan/walk.h"
#include "type/row.h"

typedef struct Scope Scope;
typedef struct Select Select;
typedef struct Cte Cte;
typedef struct Clause Clause;

/* A column that can be named. Fields of a ROW column are columns of their own, reached by dots. */
typedef struct ScopeColumn ScopeColumn;
typedef struct ScopeTable ScopeTable;
struct ScopeColumn {
	const char *name;
	Expr *expr;                   /* what it is: a column, or COALESCE of both sides of FULL JOIN ... USING */
	Type declared;                /* ROW, or JSON with the type of its elements; else that of expr */
	bool hidden;                  /* not in `*` */
	bool merged;                  /* taken by USING: in `*` and alone the merged column stands for it */
	bool proctime;                /* PROCTIME() of the row: makes AS OF a temporal join by arrival */
	const ScopeTable *before;     /* of a merged column: the relation before whose columns `*` gives it */
	ScopeColumn *fields; int field_count;
};

struct ScopeTable {
	AstIdent alias;               /* text NULL: none */
	AstTable *ast;                /* gets an alias when `*` has to name it; may be NULL */
	ScopeColumn *columns; int column_count;
	Relation *relation;           /* what it scans, where it is a plain relation; NULL */
	bool told_apart;              /* ast->columns has a name of its own for each shown column: see stars.c */
};

struct Scope {
	Scope *outer;
	VEC(ScopeTable *) tables;
	VEC(ScopeColumn *) merged;    /* of USING and NATURAL, those of outer joins first */
	Select *select;               /* whose FROM it is; NULL: of a join or a definition */
	Clause *looked_through;       /* while a subquery is bound: the clause in which it stands; NULL */
};

/* FROM, or a part of it */
typedef struct From {
	Plan *plan;
	VEC(ScopeTable *) tables;
	VEC(ScopeColumn *) merged;
} From;

/* What a query gives out. plan may give out more columns than are named here (fields of ROW columns, sort keys). */
typedef struct Rows {
	Plan *plan;
	ScopeColumn *columns; int column_count;
	Plan *unsorted;               /* plan without its own ORDER BY and LIMIT; = plan where there is neither */
	bool ordered;
	int64_t limit, offset;
} Rows;

/* now() and random(): what views allow is known only at the end */
typedef struct Impurity { Span span; const char *name; bool is_clock, in_condition; } Impurity;

/* Where a definition names the relation that gets another name: the names themselves, which are changed when all is bound. */
typedef struct Renaming { const Relation *relation; VEC(AstName *) names; } Renaming;

typedef struct Binder {
	PlanContext *context;
	Arena *arena;                 /* = context->arena */
	Catalog *catalog;
	const BindSettings *settings;
	BoundStatement *out;
	Error *err;
	VEC(Relation *) reads;        /* what is scanned */
	VEC(Relation *) named;        /* what the statement itself names, views included */
	VEC(Impurity) impurities;
	Impurity bare;                /* the first column that SQLite takes from some row of its group: not in views; name NULL: none */
	Cte *ctes;                    /* names of WITH in scope, innermost first */
	bool reads_outside;
	bool may_read_outside;
	bool defining;                /* a definition: what is bound is written back into the AST */
	bool strict;                  /* a view, sink or pipeline: its query is kept up to date */
	bool ksql;                    /* CREATE STREAM | TABLE ... AS SELECT: ksqlDB's words, which mean something else where that is said */
	bool keeps_nulls;             /* columns of NULLs alone keep their type: they are cast to those of a target */
	int view_depth, view_count;   /* views being expanded, and how many were */
	Renaming *renaming;           /* NULL: nothing is renamed */
	Expr **defined_args;          /* of the defined function that is being bound; NULL: none is */
	const char *self;             /* the relation that is being made: a query that names it is told so */
} Binder;

struct Clause {
	Binder *binder;
	Scope *scope;
	Select *select;               /* collects aggregates and window calls; NULL: neither may stand here */
	const char *name;             /* "WHERE", for messages */
	bool aggregates, windows;     /* may stand here */
	bool aliases;                 /* names of SELECT items may stand here */
	bool in_aggregate, in_window;
};

/* ---- names.c ---- */
ScopeTable *scope_table_new(Binder *binder, AstIdent alias, AstTable *ast, int column_count);
/* The column that a path names, fields followed. Looks outwards. leave_count: parts at the end that are left for the caller because the
 * column found is JSON without declared fields. NULL: err. */
ScopeColumn *scope_find(Clause *clause, const AstExpr *ast, int *left_over);
/* The same without an error: NULL where the name is not there. */
ScopeColumn *scope_find_name(Scope *scope, const char *name);
ScopeColumn *scope_table_column(ScopeTable *table, const char *name);
bool names_equal(const char *a, const char *b);
/* A relation by its name: catalog, then outside where that is allowed. Schemas that other systems put in front are passed over. */
Relation *find_relation(Binder *binder, const AstName *name, bool outside);
Relation *find_relation_error(Binder *binder, const AstName *name);              /* sets "does not exist" with its hint; NULL */
void note_read(Binder *binder, Relation *relation);
void notice(Binder *binder, const char *format, ...) __attribute__((format(printf, 2, 3)));
ScopeColumn scope_column_of(Binder *binder, const char *name, ColumnId id, Type declared, bool nullable);
/* Fields of a ROW that is kept as JSON, taken out of it where they are read. */
/* A field of a column that has fields. NULL: err. */
ScopeColumn *scope_field(Binder *binder, const ScopeColumn *of, const AstIdent *name);
bool fields_from_json(Binder *binder, ScopeColumn *column, Span span);
void scope_table_make_nullable(Binder *binder, ScopeTable *table);

/* ---- literals.c ---- */
Expr *bind_literal(Binder *binder, const AstExpr *ast);
bool literal_value(Binder *binder, const AstExpr *ast, Value *out);
Expr *bind_parameter(Binder *binder, const AstExpr *ast);
const char *parameter_text(Binder *binder, const char *name, Span span);      /* NULL: err */
bool bind_type(Binder *binder, const AstTypeName *ast, Type *out);
/* Constants of clauses: LIMIT, WITHIN, windows. what: "LIMIT", for messages */
bool constant_integer(Binder *binder, const AstExpr *ast, const char *what, int64_t *out, bool *is_null);
bool constant_duration(Binder *binder, const AstExpr *ast, const char *what, int64_t *out_us);
bool constant_text(Binder *binder, const AstExpr *ast, const char *what, const char **out);

/* ---- expressions.c ---- */
Expr *bind_expr(Clause *clause, const AstExpr *ast);
Expr *null_as_false(Binder *binder, Expr *condition);                            /* of a filter */
Expr *bind_condition(Clause *clause, const AstExpr *ast);                        /* BOOLEAN; numbers by SQLite's truth */
Expr *bind_compare(Clause *clause, AstOp op, Expr *a, Expr *b, Span span);
Expr *bind_assigned(Clause *clause, const AstExpr *ast, Type declared);          /* cast as into a column of that type */
Expr *bind_constant_expr(Binder *binder, const AstExpr *ast, const char *where); /* no columns in sight */
const AstItem *alias_meant(Clause *clause, const AstExpr *ast);                  /* NULL: the name is no item's */

/* ---- parts.c: fields and elements ---- */
/* An expression that keeps what is known of its fields and elements, where it is a column or a part of one. */
bool bind_column_like(Clause *clause, const AstExpr *ast, ScopeColumn *out);
Expr *bind_part(Clause *clause, const AstExpr *ast);                             /* AST_FIELD, AST_SUBSCRIPT, is_field_arrow() */
bool is_field_arrow(const AstExpr *ast);
Expr *json_field(Binder *binder, Expr *from, const char *name, Type declared, Span span);
Expr *json_typed(Binder *binder, Expr *text, Type type, Span span);
Expr *json_element(Binder *binder, Expr *from, Expr *which, Type declared, Span span);          /* by name or number */
Expr *json_fields(Binder *binder, Expr *from, const AstIdent *names, int count, Span span);
Expr *expr_with_span(Binder *binder, const Expr *e, Span span);                  /* a copy */

/* ---- operators.c: forms that are not one call ---- */
Expr *bind_in(Clause *clause, const AstExpr *ast);
Expr *bind_quantified(Clause *clause, const AstExpr *ast);
Expr *bind_between(Clause *clause, const AstExpr *ast);
Expr *bind_like(Clause *clause, const AstExpr *ast);
Expr *bind_case(Clause *clause, const AstExpr *ast);
Expr *bind_array_query(Clause *clause, const AstExpr *ast);
Expr *bind_exists(Clause *clause, const AstExpr *ast);
Expr *bind_scalar_subquery(Clause *clause, const AstExpr *ast);
Expr *bind_row_comparison(Clause *clause, const AstExpr *ast);
bool is_row(const AstExpr *ast);

/* ---- calls.c: functions, aggregates, window functions ---- */
Expr *bind_call(Clause *clause, const AstExpr *ast);
bool call_is_aggregate(const AstCall *call);
const char *call_name(const AstCall *call);
AstOrderTerms order_terms(Binder *binder, const AstOrderTerms *terms);          /* with the columns of rows one by one */
bool bind_order_terms(Clause *clause, const AstOrderTerms *terms, OpSortKey **out, int *count);
bool bind_arguments(Clause *clause, const AstCall *call, Expr ***out);           /* names of arguments are refused */

/* ---- collations.c ---- */
Expr *collated(Binder *binder, Expr *e, const AstExpr *ast);                     /* COLLATE as a function of the value; ast without one: e */
const AstExpr *without_collation(const AstExpr *ast);
bool collate_sides(Binder *binder, const AstExpr *left, const AstExpr *right, Expr **a, Expr **b);
Expr *bind_comparison(Clause *clause, AstOp op, const AstExpr *left, const AstExpr *right, Span span);
Expr *bind_collate(Clause *clause, const AstExpr *ast);                          /* where it is no side of a comparison */

/* ---- arrays.c ---- */
bool array_element_type(Clause *clause, const Expr *e, Type *out);
Expr *cast_nested(Clause *clause, Expr *e, Type declared, CastRule rule, Span span);
bool row_can_be(Clause *clause, const Expr *e, Type declared, Span span);
bool is_map(Type declared);                                                       /* else it is an ARRAY, or not known */
bool declared_of(Clause *clause, const Expr *e, Type *out);
Type array_type_of(Binder *binder, Type element);                                /* JSON that remembers it */
Expr *element_value(Binder *binder, Expr *json, Type type, Span span);
Expr *typed_element(Clause *clause, Expr *call);
bool bind_nested_concat(Clause *clause, Expr **args, Span span, Expr **out);
/* The declared type of a value that is kept whole, where it is in the one form of that (expr/nested.h). */
bool form_of(Clause *clause, const Expr *e, Type *out);
Expr *nested_as(Binder *binder, Expr *e, Type declared);                          /* e itself where the type has no such form */
Expr *nested_form(Clause *clause, Expr *e, Type declared);                        /* the same; e itself where it has it already */
Expr *order_form(Clause *clause, Expr *e);                                        /* what < and ORDER BY compare of it; itself, or NULL */
bool bring_into_order(Clause *clause, Expr **a, Expr **b, Span span);             /* of <, <=, >, >= */
bool bring_into_forms(Binder *binder, Expr **a, Type left, Expr **b, Type right, Span span);
bool bring_into_form(Clause *clause, Expr **a, Expr **b, Span span);              /* both sides of = */
bool column_element(Clause *clause, const ScopeColumn *from, const AstExpr *ast, ScopeColumn *out);      /* ast: from[i] or from[m:n] */

/* ---- defined_functions.c ---- */
const DefinedFunction *defined_function(const char *name);                       /* the first row of a name; NULL: there is none */
Expr *bind_defined_function(Clause *clause, const DefinedFunction *first, const AstExpr *ast, Expr **args);
Expr *defined_argument(Binder *binder, const AstExpr *ast);

bool call_is_plain(Clause *clause, const AstExpr *ast);       /* no DISTINCT, FILTER ...: those are for aggregates */
bool bind_over_aggregate(Clause *inner, const AstExpr *ast, AggregateCall *out);
/* What the column of an aggregate's result is by the name that the call has */
Expr *aggregate_as_named(Binder *binder, const AstExpr *ast, Expr *result);

/* ---- over.c ---- */
Expr *bind_over(Clause *clause, const AstExpr *ast);

/* ---- select.c ---- */
typedef struct SelectKey { ColumnId id; Expr *expr; const AstExpr *ast; } SelectKey;
typedef struct SelectItem {
	const AstItem *ast;           /* NULL: out of a star */
	const AstExpr *expr_ast;
	const char *name;
	Span span;
	Expr *expr;
	ScopeColumn column;           /* fields and elements, where the item is a bare column */
	ColumnId id;                  /* after projection */
} SelectItem;
typedef struct SelectOver {
	ColumnId id;
	OverCall call;
	Expr **partition; int partition_count;
	OpSortKey *order; int order_count;
	bool nullable;
	Span span;
} SelectOver;
/* ksqlDB's WINDOW clause and Flink's old GROUP BY TUMBLE(...): one window under the grouping */
typedef struct GroupWindow {
	Plan *plan;                   /* NULL: none */
	const AstExpr *call;          /* GROUP BY TUMBLE(...); NULL: ksqlDB's */
} GroupWindow;

/* A subquery in GROUP BY. What says the same elsewhere in the SELECT is the same expression, so that it is known as a key. */
typedef struct KeyQuery { const AstExpr *ast; const char *text; Expr *expr; } KeyQuery;

struct Select {
	Binder *binder;
	AstSelect *ast;
	Scope scope;
	Plan *plan;                   /* as far as it is made */
	Plan *input;                  /* what is grouped; NULL: not yet known */
	bool grouped, has_group_by, in_sets;
	VEC(SelectKey) keys;
	VEC(KeyQuery) key_queries;    /* those in GROUP BY */
	VEC(PlanCall) calls;
	int own_calls;                /* those that the text has; behind them what stands for bare columns */
	VEC(uint64_t) sets;
	VEC(SelectOver) overs;
	VEC(SelectItem) items;
	ColumnId grouping_id;
	Plan *expand;                 /* its node */
	const AstExpr *row_function;  /* SELECT unnest(...): below it all else stays as it is; NULL: none */
	GroupWindow window;
};
Plan *distinct_plan(Binder *binder, Plan *input, Span span);                     /* each row once */
bool bind_returning(Binder *binder, const AstItems *items, ScopeTable **tables, int table_count, Plan *plan, Expr ***exprs, BoundColumn **columns, int *count);
bool bind_select(Binder *binder, AstSelect *ast, Scope *outer, const AstQuery *around, Rows *out);

/* ---- stars.c ---- */
bool add_star(Select *select, const AstExpr *star);                               /* the items that it stands for */

/* ---- grouping.c ---- */
bool bind_group_by(Select *select);
Expr *bind_grouping_call(Clause *clause, const AstExpr *ast);
Expr *bind_key_query(Clause *clause, const AstExpr *ast, Expr *(*bind)(Clause *clause, const AstExpr *ast));       /* an expression that is a subquery */
Expr *regroup(Select *select, Expr *e);                                           /* from columns of FROM to keys and calls */
bool regroup_all(Select *select);
bool refuse_bare(Binder *binder, Span span, const char *name);                   /* false */
Plan *group_plan(Select *select, Plan *input);
Plan *grouping_sets_plan(Select *select, Plan *input);
ColumnId select_add_call(Select *select, const AggregateCall *call);
bool over_same_window(const SelectOver *a, const SelectOver *b);

/* ---- from.c, joins.c ---- */
bool bind_from(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out);
bool bind_table(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out);       /* AS OF is the caller's */
bool bind_join(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out);
bool from_rows(Binder *binder, AstTable *ast, Rows *rows, AstIdent alias, From *out);
bool scan_relation(Binder *binder, Relation *relation, AstTable *ast, AstIdent alias, From *out);
bool bind_relation_reference(Binder *binder, AstTable *ast, const AstName *name, Span span, From *out);
bool rename_columns(Binder *binder, ScopeTable *table, const AstIdents *names, Span span);

/* ---- windows.c ---- */
bool is_window_function(const char *name);
bool bind_window_function(Binder *binder, AstTable *ast, Scope *lateral, Scope *outer, From *out);
bool bind_ksql_window(Select *select);
bool bind_group_window(Select *select, const AstExpr *call);
void finish_group_window(Select *select);
Expr *bind_group_window_call(Clause *clause, const AstExpr *ast, bool *is_one);
ScopeColumn *event_time_column(ScopeTable *table);

/* ---- table_functions.c ---- */
/* left: what the function's arguments may read, and onto what it is set; NULL: one row */
bool is_table_function(const char *name);
/* UNNEST(list) as an item of SELECT: one row an element */
bool is_row_function(const AstExpr *ast);
bool bind_row_function(Clause *clause, const AstExpr *ast, ScopeColumn *out);
bool bind_table_function(Binder *binder, AstTable *ast, Scope *lateral, From *left, bool left_outer, From *out);

/* ---- query.c, with.c ---- */
struct Cte {
	Cte *next;
	const AstCte *ast;
	Cte *env;                     /* names that its query sees */
	Scope *outer;
	enum { CTE_UNBOUND, CTE_BINDING, CTE_BOUND } state;
	bool recursive;
	Rows rows;                    /* CTE_BOUND: columns as named by the WITH */
	Plan *shared;                 /* NULL: correlated, bound at each use */
	VEC(Plan *) uses;             /* PLAN_SHARED nodes */
	Plan *step;                   /* the RECURSIVE node while its step is bound; NULL */
	int step_uses;
};
typedef VEC(AstBody *) AstBodies;
bool bind_query(Binder *binder, AstQuery *ast, Scope *outer, Rows *out);
bool bind_body(Binder *binder, AstBody *body, Scope *outer, const AstQuery *around, Rows *out);
bool bind_values(Binder *binder, AstBody *body, Scope *outer, Rows *out);
/* Sorts rows by terms over their columns: set operations, VALUES. */
bool sort_rows(Binder *binder, const AstQuery *ast, Scope *outer, Rows *rows);
bool bind_limits(Binder *binder, const AstQuery *ast, Rows *rows);
Plan *sort_plan(Binder *binder, Plan *input, const AstQuery *ast, OpSortKey *order, int order_count, const Rows *limits);
/* The columns alone, each once and in order: where exactly they must come out. */
Plan *exact_columns(Binder *binder, const Rows *rows);
bool bring_together(Binder *binder, Rows *rows, int count, Span span, const char *what);      /* casts the columns of all to common types */
bool bind_with(Binder *binder, const AstWith *with, Scope *outer);
void close_with(Binder *binder, Cte *before);
bool check_recursion(Binder *binder, const Cte *cte, Plan *steps);      /* recursion.c: steps read cte->step in ways that have a fixpoint */
bool use_cte(Binder *binder, Cte *cte, AstTable *ast, AstIdent alias, From *out);
Cte *find_cte(Binder *binder, const AstName *name);
/* The query of a statement: result columns of plain types, checked for what views do not allow. */
bool bind_top_query(Binder *binder, AstQuery *ast, BoundQuery *out);
bool check_purity(Binder *binder, bool continuous);
bool finish_query(Binder *binder, Rows *rows, BoundQuery *out);

/* ---- options.c ---- */
bool relation_options(Binder *binder, const AstOptions *given, const AstFormat *format, OptionsOf of, OptionSet *out);
bool merge_options(Binder *binder, const OptionSet *old, const AstOptions *given, OptionsOf of, OptionSet *out);
bool override_options(Binder *binder, Relation *relation, const AstOptions *hints, Relation **out);      /* a derived relation */
void write_options(Binder *binder, const OptionSet *options, bool answers_only, AstOptions *out);
void keep_options(Binder *binder, Relation *relation, const OptionSet *options);

/* ---- relations.c: CREATE STREAM, SOURCE, TABLE ---- */
/* *out is made even where it is refused: the caller lets go of it. */
bool make_relation(Binder *binder, AstCreateRelation *ast, Relation **out);

/* ---- keys.c ---- */
bool write_keys(Binder *binder, AstCreateRelation *ast);

/* ---- definitions.c: all CREATEs, and INSERT INTO sink SELECT ---- */
bool bind_create(Binder *binder, AstStatement *statement);
bool bind_pipeline(Binder *binder, AstStatement *statement, Relation *sink);
/* The relation that a statement defines, without regard to what exists. sink: what a pipeline writes to. */
bool make_definition(Binder *binder, AstStatement *statement, Relation **out, BoundQuery *query, Relation **sink);

/* ---- changes.c: what INSERT, UPDATE and DELETE share, UPDATE, DELETE, TRUNCATE;  insert.c ---- */
Relation *find_target(Binder *binder, const AstName *name, bool updates);         /* a local table, or for INSERT a local stream; sinks too */
Expr *over_columns(Binder *binder, const Relation *relation, Expr *e, Expr **columns, Span span);      /* an expression of the relation over a row */
bool fill_computed(Binder *binder, const Relation *relation, Expr **row, Span span);
int assignable_column(Binder *binder, const Relation *relation, const AstIdent *name);
bool name_column(Binder *binder, const Relation *target, int column, Span span);    /* adds to an error of what was to become of it; false */
Plan *fit_to_columns(Binder *binder, Plan *given, const Relation *target, const int *columns, Span span);      /* as many as given; columns NULL: all */
bool bind_assignments(Clause *clause, const Relation *target, const AstAssignments *ast, Expr **row);  /* into row, by column */
ScopeTable *row_table(Binder *binder, const Relation *relation, AstIdent alias, Expr **row);
Expr *default_of(Binder *binder, const Relation *relation, int column);
bool bind_insert(Binder *binder, AstStatement *statement);
bool bind_update(Binder *binder, AstStatement *statement);
bool bind_delete(Binder *binder, AstStatement *statement);
bool bind_truncate(Binder *binder, AstStatement *statement);

/* ---- alter.c, steering.c ---- */
bool bind_alter(Binder *binder, AstStatement *statement);
bool bind_drop(Binder *binder, AstStatement *statement);
bool bind_create_index(Binder *binder, AstStatement *statement);
bool bind_steering(Binder *binder, AstStatement *statement);
bool bind_inner(Binder *binder, AstStatement *statement);                         /* any statement into binder->out */

/* What is understood but cannot be run is refused by the name of the form; false. */
/* Intervals of a length are equal ('1 day', '24 hours'): what is compared by its bytes (keys of groups and partitions, ranks, DISTINCT, set operations) is
 * brought into one form. e itself, if it is no interval. */
Expr *equal_form(Binder *binder, Expr *e);
void rows_in_equal_form(Binder *binder, Rows *rows);          /* query.c */

#define REFUSE(binder_, span_, form_, ...) error_set((binder_)->err, ERR_UNSUPPORTED, (span_), form_ " is not supported", ##__VA_ARGS__)

#endif
