#include "run/graph.h"

#include <assert.h>

void graph_release(Graph *graph)
{
	for (int i = 0; i < graph->nodes.count; i++) free(graph->nodes.at[i]);
	vec_release(&graph->nodes);
}

void graph_add(Graph *graph, Op *op)
{
	GraphNode *node = mem_new(GraphNode);
	node->op = op;
	vec_push(&graph->nodes, node);
}

void graph_remove(Graph *graph, const Op *op)
{
	int kept = 0;
	for (int i = 0; i < graph->nodes.count; i++) {
		GraphNode *node = graph->nodes.at[i];
		if (node->op == op) free(node);
		else graph->nodes.at[kept++] = node;
	}
	graph->nodes.count = kept;
}

/* NULL: it is none of the graph's. Places are of this linking. */
static GraphNode *graph_node(const Graph *graph, const Op *op)
{
	if (op->place < 1 || op->place > graph->nodes.count) return NULL;
	GraphNode *node = graph->nodes.at[op->place - 1];
	return node->op == op ? node : NULL;
}

static bool op_has_clock(const Op *op)
{
	for (int w = 0; w < op->rule_count; w++)
		for (int t = 0; t < op->rules[w].term_count; t++)
			if (op->rules[w].terms[t].input < 0) return true;
	return false;
}

/* Readers in the order of the graph, as indexes ask for (op/index.c); those inside of recursions first: what they give out comes at the commit. */
static void sort_outputs(Op *op)
{
	OpEdge *edges = op->outputs.at;
	for (int e = 1; e < op->outputs.count; e++) {
		OpEdge edge = edges[e];
		int to = e;
		for (; to > 0 && edges[to - 1].to->place > edge.to->place; to--) edges[to] = edges[to - 1];
		edges[to] = edge;
	}
}

void graph_link(Graph *graph)
{
	graph->has_clock = false;
	for (int i = 0; i < graph->nodes.count; i++) graph->nodes.at[i]->op->place = i + 1;
	for (int i = 0; i < graph->nodes.count; i++) sort_outputs(graph->nodes.at[i]->op);
	for (int i = 0; i < graph->nodes.count; i++) {
		GraphNode *node = graph->nodes.at[i];
		memset(node->producers, 0, sizeof node->producers);
		node->producer_count = 0;
		graph->has_clock |= op_has_clock(node->op);
	}
	for (int i = 0; i < graph->nodes.count; i++) {
		Op *op = graph->nodes.at[i]->op;
		for (int e = 0; e < op->outputs.count; e++) {
			GraphNode *reader = graph_node(graph, op->outputs.at[e].to);
			if (!reader) continue;                /* inside of a recursion: its operator commits it */
			int input = op->outputs.at[e].input;
			assert(input < OP_INPUTS_MAX && !reader->producers[input]);
			reader->producers[input] = op;
			if (input >= reader->producer_count) reader->producer_count = input + 1;
		}
	}
}

static int64_t rule_watermark(const Op *op, const WatermarkRule *rule, int64_t system_us)
{
	int64_t least = WATERMARK_END;
	for (int t = 0; t < rule->term_count; t++) {
		const WatermarkTerm *term = &rule->terms[t];
		int64_t watermark = term->input < 0 ? system_us : op->in_watermarks[term->input][term->index];
		if (watermark != WATERMARK_NONE && watermark != WATERMARK_END) watermark -= term->delta_us;
		if (watermark < least) least = watermark;
	}
	return rule->term_count ? least : WATERMARK_NONE;
}

bool graph_commit(Graph *graph, const CommitInfo *commit, Error *err)
{
	for (int i = 0; i < graph->nodes.count; i++) {
		GraphNode *node = graph->nodes.at[i];
		Op *op = node->op;
		if (op->served_by) continue;
		for (int in = 0; in < node->producer_count; in++)
			if (node->producers[in])
				memcpy(op->in_watermarks[in], node->producers[in]->out_watermarks, sizeof op->in_watermarks[in]);
		arena_clear(&op->scratch);
		if (op_is_interrupted(op, err)) return false;
		if (op->class->commit && !op->class->commit(op, commit, err)) {
			op->failed = err->code != ERR_CANCELED;
			return false;
		}
		for (int w = 0; w < op->rule_count && node->producer_count; w++) {
			int64_t watermark = rule_watermark(op, &op->rules[w], commit->system_us);
			if (watermark > op->out_watermarks[w]) op->out_watermarks[w] = watermark;
		}
	}
	return true;
}

int64_t graph_next_time(const Graph *graph)
{
	int64_t next = INT64_MAX;
	for (int i = 0; i < graph->nodes.count; i++) {
		Op *op = graph->nodes.at[i]->op;
		if (op->served_by || !op->class->next_time) continue;
		int64_t time = op->class->next_time(op);
		if (time < next) next = time;
	}
	return next;
}

uint64_t graph_dirty_bytes(const Graph *graph)
{
	uint64_t bytes = 0;
	for (int i = 0; i < graph->nodes.count; i++) {
		const Op *op = graph->nodes.at[i]->op;
		if (op->state && !op->served_by) bytes += state_dirty_bytes(op->state);
		for (int n = 0; n < op->inner_count; n++)
			if (op->inner[n]->state) bytes += state_dirty_bytes(op->inner[n]->state);
	}
	return bytes;
}

void graph_look_at_growth(const Graph *graph, StateGrowth *sum)
{
	for (int i = 0; i < graph->nodes.count; i++) {
		const Op *op = graph->nodes.at[i]->op;
		if (op->state && !op->served_by) state_look_at_growth(op->state, sum);
		for (int n = 0; n < op->inner_count; n++)
			if (op->inner[n]->state) state_look_at_growth(op->inner[n]->state, sum);
	}
}
