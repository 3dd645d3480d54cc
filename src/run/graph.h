/* Graph: the operators of a lane in topological order, and the pass that makes one commit.
 *
 * Pipelines add their operators behind those they read from, so the order of adding is topological. Batches travel by op_emit();
 * the graph only orders commits and carries watermarks along the edges.
 */
#ifndef WEIR_RUN_GRAPH_H
#define WEIR_RUN_GRAPH_H

#include "op/op.h"

typedef struct GraphNode {
	Op *op;
	Op *producers[OP_INPUTS_MAX];         /* by input; NULL: fed by the runtime */
	int producer_count;
} GraphNode;

typedef struct Graph {
	VEC(GraphNode *) nodes;
	bool has_clock;                       /* a watermark of it is the clock's: time alone closes windows */
} Graph;

void graph_release(Graph *graph);                     /* not the operators */
void graph_add(Graph *graph, Op *op);
void graph_remove(Graph *graph, const Op *op);
void graph_link(Graph *graph);                        /* after adding, removing or connecting: producers; edges in the order of their readers */
/* Commit of every operator, in order, then its watermarks. What scans hold as out_watermarks is taken as given. */
bool graph_commit(Graph *graph, const CommitInfo *commit, Error *err);
/* Earliest system time at which an operator changes its output by itself; INT64_MAX: never */
int64_t graph_next_time(const Graph *graph);
uint64_t graph_dirty_bytes(const Graph *graph);       /* of all states, since they were last saved */
void graph_look_at_growth(const Graph *graph, StateGrowth *sum);

#endif
