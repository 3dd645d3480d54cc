/* What the files of engine/ share. */
#ifndef WEIR_ENGINE_INTERNAL_H
#define WEIR_ENGINE_INTERNAL_H

#include "ast/parse.h"
#include "ast/print.h"
#include "bind/bind.h"
#include "engine/engine.h"
#include "run/runtime.h"
#include "store/adhoc.h"

typedef struct LocalTable { int64_t relation; StoreTable *table; } LocalTable;

struct Engine {
	EngineConfig config;
	char *path;
	Store *store;
	Catalog *catalog;
	Runtime *runtime;
	VEC(LocalTable) tables;               /* of local streams and tables, opened when first needed */
	atomic_bool stop;
	bool reading;
};

typedef struct Variable { char *name, *value; } Variable;

struct Session {
	Engine *engine;
	ResultSink out;
	SessionMode mode;
	VEC(Variable) variables;
	VEC(Variable) settings;               /* SET brokers, auto.offset.reset ... */
	bool changed;                         /* has inserted something that may not be committed yet */
	uint64_t taken_back;                  /* Runtime.taken_back when a statement of it was last inside */
	bool transaction, aborted;            /* BEGIN; and a statement in it failed */
	bool script;                          /* weir run -f: the transaction is the script's */
	bool undoable;                        /* all before the statement that runs is committed: going back to the last commit undoes it alone */
	bool begun;                           /* the statement that runs has begun to change definitions */
	int unchanged;                        /* definitions of the script that were passed over without a word */
	int64_t records_again;                /* that the statement makes the views read again */
	bool check;                           /* --check: nothing is kept, each statement tells what it would do ... */
	struct Table *told;                          /* ... by a row of this (session_tell) */
	const char *text;                     /* its first words */
	PlanContext *context;                 /* of the statement that runs */
	atomic_bool canceled;
	AdhocQuery *adhoc;                    /* running, for cancel; under adhoc_lock */
	pthread_mutex_t adhoc_lock;
	StoreReader *reader;                  /* opened when first needed */
	Arena arena;                          /* of the statement */
};

/* ---- engine.c ---- */
StoreTable *engine_table(Engine *engine, const Relation *relation, Error *err);          /* of a local relation; NULL: err */
bool engine_create_table(Engine *engine, const Relation *relation, Error *err);
void engine_forget_table(Engine *engine, int64_t relation);
StoreTableSpec engine_table_spec(const Relation *relation, Arena *arena);
bool engine_create_uniques(Engine *engine, const Relation *relation, Error *err);
bool engine_reload(Engine *engine, Error *err);       /* the catalog, from the file; the runtime starts anew when needed */
bool engine_load_catalog(Engine *engine, Error *err);
int64_t engine_now(const Engine *engine);
/* Undoes what is not committed, in file, catalog and operators. */
bool engine_rollback(Engine *engine, Error *err);

/* ---- facts.c: what planning a view told, kept with it in the catalog ---- */
void facts_from_lowered(Relation *relation, const Lowered *lowered);
bool rename_relation(Session *session, BoundAlter *alter, Error *err);             /* rename.c */
void facts_copy(Relation *to, const Relation *from);
char *facts_print(const Relation *relation, Arena *arena);
bool facts_read(Relation *relation, const char *json);
uint64_t facts_hash(const Lowered *lowered);          /* of operators and result: what saved state and the view's table fit */
bool engine_lower_on(Catalog *catalog, Relation *relation, Lowered **out, Error *err);
bool engine_lower_view(void *context, Relation *relation, Lowered **out, Error *err);
bool engine_replanned(void *engine, Relation *relation, const Lowered *lowered, Error *err);       /* its state is that of another plan from now on */
Lowered *engine_lower(Session *session, PlanContext *context, Plan *plan, Error *err);   /* optimizes and lowers; warnings become notices */

/* ---- create.c ---- */
bool begin_definition(Session *session, Error *err);  /* what others gathered goes into the file, so that this statement can be undone alone */
bool has_table(const Relation *relation);             /* of rows of its own: local streams and tables */
bool put_catalog(Session *session, Relation *relation, Error *err);

bool is_being_replaced(const Engine *engine, const Relation *relation);
bool refuse_while_replaced(const Engine *engine, const Relation *relation, Error *err);      /* redefine.c */
/* The same where what is done to the relation is done to all that read it, too. */
bool refuse_while_reader_replaced(const Engine *engine, Relation *relation, Error *err);

/* ---- session.c ---- */
void session_notice(Session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool session_was_canceled(const Session *session, Error *err);        /* err: ERR_CANCELED */
void session_set_adhoc(Session *session, AdhocQuery *query);          /* what session_cancel interrupts; NULL: none any more */
void session_done(Session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* --check: a row for a statement. records: to be read again; -1: it is no matter of that. failed: NULL, or why it is refused. */
void session_tell(Session *session, const char *result, const char *statement, int64_t records, const Error *failed);
StoreReader *session_reader(Session *session);
const char *session_setting(const Session *session, const char *name);                   /* NULL: not set */
bool session_emit(Session *session, const Batch *rows, Error *err);                      /* to out; ERR_CANCELED */
bool session_is_canceled(const Session *session);
BindSettings session_bind_settings(Session *session);
bool session_commit_if_due(Session *session, Error *err);     /* outside of transactions: weir test's one commit a statement, limits */

/* ---- the statements; each inside of runtime_enter/leave unless said otherwise ---- */
bool run_create(Session *session, BoundStatement *bound, Error *err);             /* create.c */
bool run_create_index(Session *session, BoundStatement *bound, Error *err);
bool run_alter(Session *session, BoundStatement *bound, Error *err);
bool run_drop(Session *session, BoundStatement *bound, Error *err);
bool run_insert(Session *session, BoundStatement *bound, Error *err);             /* insert.c */
bool run_change(Session *session, BoundStatement *bound, Error *err);
bool run_truncate(Session *session, BoundStatement *bound, Error *err);
bool run_query(Session *session, BoundStatement *bound, Error *err);              /* query.c; enters by itself */
bool run_subscribe(Session *session, BoundStatement *bound, Error *err);
bool run_show(Session *session, BoundStatement *bound, Error *err);               /* show.c */
bool run_describe(Session *session, BoundStatement *bound, Error *err);
bool run_explain(Session *session, BoundStatement *bound, Error *err);            /* explain.c */
bool run_print(Session *session, BoundStatement *bound, Error *err);              /* inspect.c */
bool run_peek(Session *session, BoundStatement *bound, Error *err);
bool run_set(Session *session, BoundStatement *bound, Error *err);                /* settings.c */
bool settings_show(Session *session, const char *name, Error *err);                      /* name NULL: all; false without error: no such setting */
void settings_document(StrBuf *out);
bool settings_apply(Engine *engine, Error *err);      /* those of the file, at start */

/* ---- a result made here: text cells, or typed ones ---- */
typedef struct Table { Session *session; Arena arena; Type types[16]; BatchBuilder rows; int column_count; } Table;
bool table_begin(Table *table, Session *session, ResultKind kind, const ResultColumn *columns, int column_count);
/* One row; text NULL is NULL; INTEGER columns take decimal text */
void table_row(Table *table, const char *const *cells);
bool table_end(Table *table, Error *err);
bool table_text(Session *session, const char *name, const char *text, Error *err);       /* RESULT_TEXT, a row a line */

#endif
