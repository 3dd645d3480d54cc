/* A continuous query of a session while it runs: what query.c (SELECT) and subscribe.c share. */
#ifndef WEIR_ENGINE_CONTINUOUS_H
#define WEIR_ENGINE_CONTINUOUS_H

#include "engine/internal.h"

/* What a client's operators give, on its way from the runtime's thread to the session's. */
typedef struct Client {
	pthread_mutex_t lock;
	pthread_cond_t came, taken;
	VEC(Batch *) batches;
	int ready;                            /* so many of them are given out; those behind them are of a transaction that is open */
	const Runtime *runtime;
	int64_t bytes;
	Pipeline *pipeline;
	bool append_only;
	bool is_waited_for, is_lost;
	bool is_outside;                      /* of the runtime: the session comes for the batches without its lock */
} Client;

/* The final result of one that ends: net rows, sorted as ORDER BY says. */
typedef struct FinalRow { const char *at; uint32_t bytes; int64_t weight; uint64_t order; StrBuf key; } FinalRow;

typedef struct Final {
	Arena arena, keeping;                 /* of the programs; of the rows */
	const Type *types; int column_count;
	StateMap *map; State *state;          /* packed row -> number in rows */
	VEC(FinalRow) rows;
	int dead;                             /* rows of weight 0 */
	uint64_t next_order;
	ExprProgram **keys; const OpSortKey *order; int order_count;
} Final;

typedef struct Continuous {
	Session *session;
	BoundQuery *query;
	Client client;
	Plan *base;                           /* what is computed: the plan, or the SORT under its projection */
	Plan *project;                        /* applied to the final result; NULL: none */
	ColumnId *layout;
	Type *types;
	bool local;                           /* reads local relations and views only */
	bool ends;                            /* its sources end by themselves */
	bool flows;                           /* rows are given out as they come; else the final result at the end */
	Final final;
	bool feed;                            /* SUBSCRIBE */
	bool begun;                           /* the columns have been told */
	int64_t followed;                     /* it has ended with this commit, since the view that it follows is made anew; 0: not */
	const Lowered *lowered;               /* of the client's pipeline, or of the one to be */
	int64_t left;                         /* LIMIT of a result that only grows; -1: none */
	int64_t skip;                         /* its OFFSET */
} Continuous;

void client_init(Client *client, const Session *session);
void client_release(Client *client);
TapFunction client_tap;
/* Its query is over: what came of a transaction that was open then is read again when that is over. */
void client_forget_held(Client *client);
/* Until no other session's transaction is open: nothing of it may be seen. */
bool continuous_await_turn(Continuous *run, Error *err);
/* The same for a query that is bound already: on definitions that must be the same then. */
bool continuous_begin(Continuous *run, Error *err);
/* Tells the session what comes; op: with the column op in front. */
bool query_columns(Session *session, const BoundQuery *query, ResultKind kind, bool op, Error *err);
/* What is computed, of run->query. */
void continuous_plan(Continuous *run);
/* Outside of the runtime: gives out what came; waits for it a little, if asked to. */
bool continuous_step(Continuous *run, bool wait, Error *err);
/* Until it ends. */
bool continuous_follow(Continuous *run, Error *err);

#endif
