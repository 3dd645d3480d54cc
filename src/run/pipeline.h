/* Pipelines: one continuous query each, from its scans to its end: a view's table, a sink, or a client.
 *
 * A pipeline owns its operators (from lowering) and its end. Pipelines that read a view are fed by that view's pipeline through an adapter
 * that passes on the columns they want.
 */
#ifndef WEIR_RUN_PIPELINE_H
#define WEIR_RUN_PIPELINE_H

#include "connect/connector.h"
#include "plan/lower.h"
#include "store/store.h"

typedef enum PipelineEnd { PIPELINE_VIEW, PIPELINE_SINK, PIPELINE_CLIENT } PipelineEnd;

typedef struct PipelineFeed { struct Pipeline *from; Op *adapter; LoweredScan *scan; } PipelineFeed;

typedef struct Account { int64_t in, filtered, late, dead; } Account;

typedef struct Pipeline Pipeline;
struct Pipeline {
	struct Runtime *runtime;
	Relation *relation;               /* the view, or the sink's insert pipeline; NULL: a client's query */
	Relation *target;                 /* PIPELINE_SINK: the relation written to */
	PipelineEnd end;
	Lowered *lowered;
	Op *tail;                         /* op_sink or op_tap */
	StoreTable *table;                /* PIPELINE_VIEW */
	Sink *sink;                       /* PIPELINE_SINK */
	int64_t sink_position;            /* as last recorded */
	VEC(PipelineFeed) feeds;          /* scans of views */
	/* accounts since the view's start: rows_in = applied + filtered + late + dead */
	int64_t rows_in, rows_dead;
	Account sealed;                   /* what the accounts in the file have already, of this process */
	int64_t rows_out, metered_out;    /* rows of the view changed, or delivered by the sink, in this process; those that weir_metrics has */
	struct { bool known, on; int subscribers; int64_t until_us, tended_us; } history;     /* history.c: its changes are kept */
	bool named;                       /* its operators are in weir_operators */
	VEC(Op *) filters;                /* filters, projections and windows right above scans */
	VEC(OpFates *) fates;             /* one for each relation, where rows may go several ways (accounts.c) */
	bool has_fates;
	int64_t *judges;                  /* by number of Lowered.sources: what judges a row of another stream now (op.h) */
	bool building;                    /* its table has another name until it joins; that of a sink is what it will have to deliver */
	bool untold;                      /* a sink in the place of another of which nobody knows what it has delivered: it does not join */
	bool unfed;                       /* no view feeds it: it is only given what is there now */
	bool replaying;                   /* what comes out was delivered before */
	bool fresh;                       /* made in the commit being gathered */
	bool loaded;                      /* its state comes from the file: it may read views of lanes that are not live yet */
	bool defers;                      /* as its operators (op.h); not while it is given content */
	const atomic_bool *canceled;      /* of a client that reads no view: its query's own, whoever runs it (pipeline_cancel_by) */
	Error ended;                      /* of a client: why its query is over */
	OpRoom room;                      /* limits.c */
	int64_t followed;                 /* of a client that has ended since its view is made or started anew: the last commit of which it has the changes; 0: not known */
};

/* The relation's rows of other streams are judged by this watermark from now on: local relations up to the statement, others as of the last
 * commit. */
void pipeline_judge_by(Pipeline *pipeline, const Relation *relation, int64_t watermark);
/* accounts.c */
void accounts_open(Pipeline *pipeline);
void accounts_close(Pipeline *pipeline);
/* Of several scans of a relation one counts its rows. */
bool account_counts(const Pipeline *pipeline, const LoweredScan *scan);
void account_settle(Pipeline *pipeline);              /* what it has counted is in the file */
/* limits.c: is there memory for what its operators are given? */
bool pipeline_has_room(void *pipeline, int rows, Error *err);
/* From now on *canceled alone interrupts its operators. Not for one that a view feeds: that would be interrupted, too. */
void pipeline_cancel_by(Pipeline *pipeline, const atomic_bool *canceled);
void pipeline_defer(Pipeline *pipeline, bool defers);

#endif
