/* Pipelines: attaching a query's operators to what it reads and to where its changes go. */
#include "run/pipeline.h"

#include "format/json_scan.h"
#include "run/checkpoint.h"
#include "run/deliver.h"
#include "run/starts.h"
#include "run/written.h"
#include "type/text.h"

/* ---- the end ---- */

bool pipeline_write(Pipeline *pipeline, Sink *sink, const Batch *changes, Error *err)
{
	pipeline->rows_out += changes->count;
	return sink_write(sink, changes, (int64_t)pipeline->runtime->commit, err);
}

/* What the writer of a file gets: batches as they come (append-only) or the commit's net changes; of nothing: batches as they come. */
static bool sink_tap(void *context, const Batch *batch, Error *err)
{
	Pipeline *pipeline = context;
	if (pipeline->replaying || pipeline->runtime->trying) return true;
	return pipeline_write(pipeline, pipeline->sink, batch, err);
}

static OpInput root_input(Pipeline *pipeline)
{
	Lowered *lowered = pipeline->lowered;
	ColumnId *layout = arena_array(&lowered->arena, ColumnId, lowered->column_count + 1);
	for (int c = 0; c < lowered->column_count; c++) layout[c] = c + 1;
	return (OpInput){.layout = layout, .types = lowered->types, .column_count = lowered->column_count, .append_only = lowered->append_only};
}

static void make_tail(Pipeline *pipeline, TapFunction *tap, void *context, bool net)
{
	Lowered *lowered = pipeline->lowered;
	if (pipeline->end == PIPELINE_VIEW) {
		SinkSpec spec = {.in = root_input(pipeline), .key_columns = lowered->key, .key_count = lowered->has_key ? lowered->key_count : 0};
		pipeline->tail = op_sink_new(&spec);
	}
	else {
		TapSpec spec = {.in = root_input(pipeline), .tap = tap, .context = context, .net = net};
		if (pipeline->end == PIPELINE_CLIENT && lowered->has_key) {
			spec.key_columns = lowered->key;
			spec.key_count = lowered->key_count;
		}
		pipeline->tail = op_tap_new(&spec);
	}
	op_connect(lowered->root, pipeline->tail, 0);
}

/* What nobody sees need not be net. */
static bool wants_net(const Pipeline *pipeline) { return !pipeline->lowered->append_only && !sink_forgets(pipeline->relation); }

static const char *const *late_names(const Lowered *lowered, const Op *op, int column_count)
{
	for (int n = 0; n < lowered->notes.count; n++) {
		const LoweredNote *note = &lowered->notes.at[n];
		if (note->op != op || op->late_input >= note->input_count) continue;
		return note->input_names[op->late_input].count == column_count ? note->input_names[op->late_input].at : NULL;
	}
	return NULL;
}

/* Rows too late are counted by the operator; here they are kept where the view says so. */
static void keep_late(Op *op, const Batch *batch, int row, void *context)
{
	Pipeline *pipeline = context;
	if (pipeline->replaying) return;
	SealedCommit *sealed = pipeline->runtime->next;
	StrBuf json = STRBUF_INIT;
	const char *const *names = late_names(pipeline->lowered, op, batch->column_count);
	strbuf_addc(&json, '{');
	int physical = batch_row(batch, row);
	for (int c = 0; c < batch->column_count; c++) {
		Value value = column_value(&batch->columns[c], physical);
		if (c) strbuf_addc(&json, ',');
		const char *name = names ? names[c] : arena_printf(&sealed->arena, "column%d", c + 1);
		json_add_string(&json, name, strlen(name));
		strbuf_addc(&json, ':');
		value_print_json(&value, &json);
	}
	strbuf_addc(&json, '}');
	LateRow late = {
		.view = pipeline->relation->name, .operator = op->class->name, .watermark_us = batch_judge(batch, row),
		.row_json = arena_strndup(&sealed->arena, json.text, json.bytes),
	};
	strbuf_release(&json);
	vec_push_in(&sealed->arena, &sealed->late, late);
}

static void keep_late_rows(Pipeline *pipeline)
{
	const char *option = pipeline->relation ? relation_option(pipeline->relation, "late_rows") : NULL;
	if (!option || strcmp(option, "keep") != 0) return;
	for (int o = 0; o < pipeline->lowered->ops.count; o++) {
		pipeline->lowered->ops.at[o]->late = keep_late;
		pipeline->lowered->ops.at[o]->late_context = pipeline;
	}
}

static void judge_by_sources(Pipeline *pipeline)
{
	Lowered *lowered = pipeline->lowered;
	pipeline->judges = arena_array(&lowered->arena, int64_t, lowered->sources.count + 1);
	for (int s = 0; s < lowered->sources.count; s++) pipeline->judges[s] = WATERMARK_NONE;
	for (int o = 0; o < lowered->ops.count; o++) lowered->ops.at[o]->source_judges = pipeline->judges;
}

void pipeline_judge_by(Pipeline *pipeline, const Relation *relation, int64_t watermark)
{
	for (int s = 0; s < pipeline->lowered->sources.count; s++)
		if (pipeline->lowered->sources.at[s]->id == relation->id) pipeline->judges[s] = watermark;
}

static bool reads_sources(const Catalog *catalog, const Relation *relation, int depth)
{
	if (relation->connector && relation->kind != RELATION_SINK) return true;
	for (int d = 0; d < relation->depend_count && depth < 100; d++) {
		const Relation *below = catalog_find_id(catalog, relation->depends[d]);
		if (below && below != relation && reads_sources(catalog, below, depth + 1)) return true;
	}
	return false;
}

void pipeline_defer(Pipeline *pipeline, bool defers)
{
	for (int o = 0; o < pipeline->lowered->ops.count; o++) {
		Op *op = pipeline->lowered->ops.at[o];
		op->defers = defers;
		for (int n = 0; n < op->inner_count; n++) op->inner[n]->defers = defers;
	}
}

static void interrupt_by(Pipeline *pipeline, const atomic_bool *const *interrupt)
{
	for (int o = 0; o < pipeline->lowered->ops.count; o++) {
		Op *op = pipeline->lowered->ops.at[o];
		op->interrupt = interrupt;
		op->room = &pipeline->room;
		for (int n = 0; n < op->inner_count; n++) {
			op->inner[n]->interrupt = interrupt;
			op->inner[n]->room = &pipeline->room;
		}
	}
	if (!pipeline->tail) return;
	pipeline->tail->interrupt = interrupt;
	pipeline->tail->room = &pipeline->room;
}

void pipeline_cancel_by(Pipeline *pipeline, const atomic_bool *canceled)
{
	if (pipeline->feeds.count) return;
	pipeline->canceled = canceled;
	interrupt_by(pipeline, &pipeline->canceled);
}

static bool must_defer(const Pipeline *pipeline)
{
	bool any = false;
	for (int s = 0; s < pipeline->lowered->scans.count; s++) any |= reads_sources(pipeline->runtime->catalog, pipeline->lowered->scans.at[s].relation, 0);
	return any;
}

/* A sink that is built beside has a table as views have: what it is to deliver is known when it joins (deliver.c). */
static PipelineEnd end_of(const Relation *relation, bool beside)
{
	if (!relation) return PIPELINE_CLIENT;
	return relation->kind == RELATION_SINK && !beside ? PIPELINE_SINK : PIPELINE_VIEW;
}

Pipeline *pipeline_new(Runtime *runtime, Relation *relation, Lowered *lowered, bool beside, Error *err)
{
	if (lowered->ops.count >= PIPELINE_OPS_MAX) {
		error_set(err, ERR_TOO_COMPLEX, SPAN_NONE, "query needs %d operators, at most %d are possible", lowered->ops.count, PIPELINE_OPS_MAX - 1);
		lowered_free(lowered, true);
		return NULL;
	}
	Pipeline *pipeline = mem_new(Pipeline);
	pipeline->runtime = runtime;
	pipeline->lowered = lowered;
	pipeline->relation = relation ? relation_ref(relation) : NULL;
	pipeline->end = end_of(relation, beside);
	pipeline->building = beside;
	pipeline->room = (OpRoom){pipeline_has_room, pipeline};
	if (pipeline->end == PIPELINE_VIEW) make_tail(pipeline, NULL, NULL, false);
	else if (pipeline->end == PIPELINE_SINK) make_tail(pipeline, sink_tap, pipeline, wants_net(pipeline));
	judge_by_sources(pipeline);
	pipeline->defers = must_defer(pipeline);
	pipeline_defer(pipeline, pipeline->defers);
	accounts_open(pipeline);
	keep_late_rows(pipeline);
	interrupt_by(pipeline, &runtime->interrupt);
	return pipeline;
}

Pipeline *pipeline_new_client(Runtime *runtime, Lowered *lowered, TapFunction *tap, void *context, bool net, Error *err)
{
	Pipeline *pipeline = pipeline_new(runtime, NULL, lowered, false, err);
	if (pipeline) make_tail(pipeline, tap, context, net);
	return pipeline;
}

void pipeline_free(Pipeline *pipeline)
{
	if (!pipeline) return;
	checkpoint_forget(pipeline->runtime->checkpoint, pipeline);
	for (int f = 0; f < pipeline->feeds.count; f++) op_free(pipeline->feeds.at[f].adapter);
	if (pipeline->tail) op_free(pipeline->tail);
	lowered_free(pipeline->lowered, true);
	if (pipeline->sink) sink_close(pipeline->sink);
	store_table_close(pipeline->table);
	if (pipeline->target) relation_unref(pipeline->target);
	if (pipeline->relation) relation_unref(pipeline->relation);
	vec_release(&pipeline->feeds);
	accounts_close(pipeline);
	free(pipeline);
}

static const char *column_name(const Pipeline *pipeline, int column, Arena *arena)
{
	return pipeline->relation->kind == RELATION_SINK ? written_column(arena, column) : pipeline->relation->columns[column].name;
}

void pipeline_table_spec(const Pipeline *pipeline, Arena *arena, StoreTableSpec *spec)
{
	const Lowered *lowered = pipeline->lowered;
	StoreColumn *columns = arena_array(arena, StoreColumn, lowered->column_count + 1);
	for (int c = 0; c < lowered->column_count; c++)
		columns[c] = (StoreColumn){.name = column_name(pipeline, c, arena), .type = lowered->types[c], .nullable = lowered->nullable[c]};
	const char *decimals = relation_option(pipeline->relation, "decimals");
	*spec = (StoreTableSpec){
		.id = pipeline->relation->id, .name = pipeline->building ? arena_printf(arena, "weir_building_%lld", (long long)pipeline->relation->id) : pipeline->relation->name,
		.kind = relation_kind_name(pipeline->relation->kind), .columns = columns, .column_count = lowered->column_count,
		.key = lowered->key, .key_count = lowered->key_count, .has_key = lowered->has_key, .append_only = lowered->append_only,
		.expires = relation_option(pipeline->relation, "retention") != NULL, .decimals_as_text = decimals && strcmp(decimals, "text") == 0,
	};
}

static bool open_table(Runtime *runtime, Pipeline *pipeline, bool create, Error *err)
{
	Arena arena;
	arena_init(&arena, 0);
	StoreTableSpec spec;
	pipeline_table_spec(pipeline, &arena, &spec);
	if (create && pipeline->building && !store_table_drop_name(runtime->store, spec.name, err)) return false;
	pipeline->table = create ? store_table_create(runtime->store, &spec, err) : store_table_open(runtime->store, &spec, err);
	arena_release(&arena);
	return pipeline->table != NULL;
}

bool pipeline_open_target(Pipeline *pipeline, const EncoderConfig *written, int64_t position, Sink **out, Error *err)
{
	Runtime *runtime = pipeline->runtime;
	const Relation *target = sink_target(runtime->catalog, pipeline->relation);
	const Lowered *lowered = pipeline->lowered;
	bool keyed = lowered->has_key && lowered->column_count == written->column_count;      /* other columns are only taken back: there is no update to be told */
	OptionSet stored = {target->options, target->option_count}, options;
	Arena arena;
	arena_init(&arena, 0);
	bool ok = options_resolve(&arena, &stored, &options, err);
	SinkConfig config = {
		.name = target->name, .options = &options, .columns = written->columns, .column_count = written->column_count,
		.append_only = !written->with_op, .key_columns = lowered->key, .key_count = keyed ? lowered->key_count : 0, .position = position, .looks_only = runtime->trying,
	};
	ok = ok && sink_open(&config, out, err);
	arena_release(&arena);
	return ok;
}

bool pipeline_recorded(const Pipeline *pipeline, int64_t *position, Error *err)
{
	Error why = ERROR_INIT;
	if (store_sink_get(pipeline->runtime->store, pipeline->relation->id, position, NULL, NULL, NULL, &why)) return true;
	*position = SINK_POSITION_NEW;
	if (why.code == ERR_NONE) return true;
	*err = why;
	return false;
}

static bool open_sink(Runtime *runtime, Pipeline *pipeline, int64_t position, Error *err)
{
	Arena arena;
	EncoderConfig written;
	arena_init(&arena, 0);
	pipeline->target = relation_ref(sink_target(runtime->catalog, pipeline->relation));
	pipeline->sink_position = position;
	bool ok = written_by(runtime->catalog, pipeline->relation, pipeline->lowered, &arena, &written, err) && pipeline_open_target(pipeline, &written, position, &pipeline->sink, err);
	arena_release(&arena);
	return ok;
}

bool pipeline_open_end(Runtime *runtime, Pipeline *pipeline, bool create, Error *err)
{
	if (pipeline->end == PIPELINE_VIEW) return open_table(runtime, pipeline, create, err);
	int64_t position;
	if (pipeline->end != PIPELINE_SINK || (pipeline->loaded && store_is_copy(runtime->store))) return true;
	return pipeline_recorded(pipeline, &position, err) && open_sink(runtime, pipeline, position, err);
}

bool pipeline_begin_sink(Runtime *runtime, Lane *lane, Pipeline *pipeline, int64_t position, Error *err)
{
	op_disconnect(pipeline->lowered->root, pipeline->tail);
	graph_remove(&lane->graph, pipeline->tail);
	op_free(pipeline->tail);
	store_table_close(pipeline->table);
	pipeline->table = NULL;
	pipeline->end = PIPELINE_SINK;
	pipeline->building = false;
	make_tail(pipeline, sink_tap, pipeline, wants_net(pipeline));
	interrupt_by(pipeline, &runtime->interrupt);
	graph_add(&lane->graph, pipeline->tail);
	return open_sink(runtime, pipeline, position, err);
}

/* ---- the beginning ---- */

/* A table from a changelog reads its connector itself, all others read the table. */
static bool feeds(const Relation *relation, const Pipeline *pipeline)
{
	return relation_is_maintained(relation) && !(pipeline->relation && relation->id == pipeline->relation->id);
}

/* Passes on the columns of a view's result that the scan wants, and its watermarks. */
static Op *make_adapter(Pipeline *from, const LoweredScan *scan)
{
	OpInput in = root_input(from);
	Arena arena;
	arena_init(&arena, 0);
	Expr **exprs = arena_array(&arena, Expr *, scan->column_count + 1);
	for (int c = 0; c < scan->column_count; c++)
		exprs[c] = expr_column(&arena, scan->columns[c].column + 1, scan->types[c], true, SPAN_NONE);
	ProjectSpec spec = {.in = in, .exprs = exprs, .expr_count = scan->column_count};
	Op *adapter = op_project_new(&spec);
	arena_release(&arena);
	return adapter;
}

static void one_to_one(Op *op, int out, int in)
{
	op->rules[out].terms = arena_array(&op->arena, WatermarkTerm, 1);
	op->rules[out].terms[0] = (WatermarkTerm){.input = 0, .index = in};
	op->rules[out].term_count = 1;
}

/* Watermark column k of the scan is the k-th of the view's whose column it reads. */
static void feed_watermarks(const Pipeline *from, const LoweredScan *scan, Op *adapter)
{
	Op *op = scan->op;
	int next = 0;
	adapter->rule_count = from->lowered->watermark_count;
	for (int w = 0; w < from->lowered->watermark_count; w++) {
		one_to_one(adapter, w, w);
		for (int c = 0; c < scan->column_count; c++)
			if (scan->columns[c].column == from->lowered->watermarks[w].column && next < op->rule_count) {
				one_to_one(op, next++, w);
				break;
			}
	}
	for (int w = 0; w < OP_WATERMARKS_MAX; w++) adapter->out_watermarks[w] = op_serving(from->lowered->root)->out_watermarks[w];
}

static bool attach_view(Lane *lane, Pipeline *pipeline, LoweredScan *scan, Error *err)
{
	if (pipeline->unfed) return true;
	Pipeline *from = lane_pipeline(lane, scan->relation->id), *elsewhere;
	if (!from) from = lane_pipeline(pipeline->runtime->live, scan->relation->id);
	bool building = !from && runtime_lane_of(pipeline->runtime, scan->relation->id, &elsewhere);
	if (building && pipeline->loaded) from = elsewhere;
	if (!from)
		return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "%s \"%s\" is %s", relation_kind_name(scan->relation->kind), scan->relation->name, building ? "still being built" : "not running")
			|| error_hint(err, building ? "SHOW VIEWS says when it is live." : "RESUME it first.");
	PipelineFeed feed = {.from = from, .adapter = make_adapter(from, scan), .scan = scan};
	feed_watermarks(from, scan, feed.adapter);
	graph_add(&lane->graph, feed.adapter);
	op_connect(op_serving(from->lowered->root), feed.adapter, 0);
	op_connect(feed.adapter, scan->op, 0);
	vec_push(&pipeline->feeds, feed);
	return true;
}

static bool attach_reader(Runtime *runtime, Lane *lane, Pipeline *pipeline, LoweredScan *scan, Error *err)
{
	for (int c = 0; c < scan->column_count; c++)
		if (relation_is_local(scan->relation) && scan->columns[c].field_count)
			return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "fields of ROW column \"%s\" of local %s \"%s\" cannot be read in a view",
				scan->relation->columns[scan->columns[c].column].name, relation_kind_name(scan->relation->kind), scan->relation->name);
	Reader *reader = lane_reader(runtime, lane, scan->relation, err);
	if (!reader || (!reader->source && !starts_set(reader, pipeline->relation, err))) return false;
	bool was_started = reader->started;
	if (was_started) reader_stop(reader);
	reader_attach(reader, pipeline, scan);
	if (!reader_prepare(reader, err)) return false;
	if (!was_started || !reader->source) return true;
	Error ignored = ERROR_INIT;
	reader_start(reader, 1000, &ignored);                 /* what fails now is tried again by the loop */
	return true;
}

bool pipeline_attach(Runtime *runtime, Lane *lane, Pipeline *pipeline, Error *err)
{
	Lowered *lowered = pipeline->lowered;
	vec_push(&lane->pipelines, pipeline);
	for (int s = 0; s < lowered->scans.count; s++) {
		LoweredScan *scan = &lowered->scans.at[s];
		bool ok = feeds(scan->relation, pipeline) ? attach_view(lane, pipeline, scan, err) : attach_reader(runtime, lane, pipeline, scan, err);
		if (!ok) return false;
	}
	for (int o = 0; o < lowered->ops.count; o++) graph_add(&lane->graph, lowered->ops.at[o]);
	graph_add(&lane->graph, pipeline->tail);
	graph_link(&lane->graph);
	return true;
}

void pipeline_detach(Runtime *runtime, Lane *lane, Pipeline *pipeline)
{
	(void)runtime;
	for (int f = 0; f < pipeline->feeds.count; f++) {
		op_disconnect(op_serving(pipeline->feeds.at[f].from->lowered->root), pipeline->feeds.at[f].adapter);
		graph_remove(&lane->graph, pipeline->feeds.at[f].adapter);
	}
	for (int r = 0; r < lane->readers.count; r++) reader_detach(lane->readers.at[r], pipeline);
	for (int o = 0; o < pipeline->lowered->ops.count; o++) graph_remove(&lane->graph, pipeline->lowered->ops.at[o]);
	graph_remove(&lane->graph, pipeline->tail);
	int kept = 0;
	for (int p = 0; p < lane->pipelines.count; p++)
		if (lane->pipelines.at[p] != pipeline) lane->pipelines.at[kept++] = lane->pipelines.at[p];
	lane->pipelines.count = kept;
	graph_link(&lane->graph);
}
