/* Which relations can go on when one that they read is defined anew: see redefine.h.
 *
 * Two plans are the same if the hashes of their graphs are (plan/lower.c; they hold no numbers of relations or columns) and if each column that they
 * scan of what has changed is read as it was: from the same field, with the same type, computed by the same expression; of local relations: it is the
 * same stored column. Texts were rejected: they are all the same after ADD COLUMN, and differ where only a name does. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/redefine.h"
#include "run/place.h"

/* ---- how a relation is read, as text ---- */

typedef struct Reading { const Relation *relation; const int *column_from; StrBuf *out; Arena *arena; } Reading;

static void reading_column(const Reading *reading, const ColumnPath *path);

/* What an expression of the relation calls a column: how that is read. */
static const char *reading_input(ColumnId column, void *context)
{
	const Reading *reading = context;
	StrBuf text = STRBUF_INIT;
	Reading inner = *reading;
	inner.out = &text;
	reading_column(&inner, &reading->relation->inputs[column - 1].path);
	const char *kept = arena_strdup(reading->arena, text.text);
	strbuf_release(&text);
	return kept;
}

/* Formats that go by position read another field when one before it comes or goes. */
static bool goes_by_position(const Relation *relation)
{
	const char *format = relation_option(relation, "format");
	return format && strcasecmp(format, "json") != 0;
}

static void reading_place(const Reading *reading, const RelationColumn *column, int at)
{
	StrBuf *out = reading->out;
	if (!reading->relation->connector) strbuf_printf(out, "#%d", reading->column_from ? reading->column_from[at] : at);
	else if (column->metadata_key) strbuf_printf(out, "metadata %s", column->metadata_key);
	else if (column->json_path) strbuf_adds(out, column->json_path);
	else strbuf_printf(out, "$.\"%s\"", column->name);
	if (reading->relation->connector && goes_by_position(reading->relation)) strbuf_printf(out, " at %d of %d", at, reading->relation->column_count);
}

static void reading_column(const Reading *reading, const ColumnPath *path)
{
	const RelationColumn *column = &reading->relation->columns[path->column];
	StrBuf *out = reading->out;
	strbuf_printf(out, "[%d %d ", (int)column->kind, column->not_null && reading->relation->connector);
	type_print(column->type, out);
	for (int f = 0; f < path->field_count; f++) strbuf_printf(out, ".%s", path->fields[f]);
	strbuf_addc(out, ' ');
	if (column->kind == COLUMN_COMPUTED) expr_print(column->computed, out, reading_input, (void *)(uintptr_t)reading);
	else reading_place(reading, column, path->column);
	strbuf_addc(out, ']');
}

static bool is_about_where(const char *option)
{
	static const char *const WHERE[] = {"start", "start_timestamp", "start_offsets", "auto.offset.reset", "on_error", NULL};
	for (int i = 0; WHERE[i]; i++)
		if (strcmp(WHERE[i], option) == 0) return true;
	return false;
}

/* What matters to all that read it, whichever columns they want. Where reading starts is of no matter to those who have begun. */
static void reading_whole(const Reading *reading)
{
	const Relation *relation = reading->relation;
	StrBuf *out = reading->out;
	strbuf_printf(out, "%d %s %s", (int)relation->kind, relation->connector ? relation->connector : "", relation->changelog ? relation->changelog : "");
	OptionSet options = {arena_array(reading->arena, Option, relation->option_count + 1), 0};
	for (int i = 0; i < relation->option_count; i++)
		if (!is_about_where(relation->options[i].name)) options.at[options.count++] = relation->options[i];
	options_print(&options, OPTIONS_PRINT_ANSWERS, out);
	for (int k = 0; k < relation->primary_key_count; k++) {
		ColumnPath path = {.column = relation->primary_key[k]};
		reading_column(reading, &path);
	}
	if (relation->watermark_column < 0) return;
	ColumnPath path = {.column = relation->watermark_column};
	strbuf_printf(out, " watermark %lld ", (long long)relation->watermark_delay_us);
	reading_column(reading, &path);
}

static bool same_texts(StrBuf *a, StrBuf *b)
{
	bool same = a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0;
	strbuf_release(a);
	strbuf_release(b);
	return same;
}

/* Each that the query reads itself. */
static void reading_columns(const Reading *reading, const LoweredScan *scan)
{
	for (int c = 0; c < scan->column_count; c++)
		if (!scan->reads || scan->reads[c]) reading_column(reading, &scan->columns[c]);
}

static bool same_scan(const LoweredScan *old, const LoweredScan *made, const int *column_from)
{
	StrBuf before = STRBUF_INIT, after = STRBUF_INIT;
	Arena arena;
	arena_init(&arena, 0);
	Reading reads_old = {old->relation, NULL, &before, &arena}, reads_made = {made->relation, column_from, &after, &arena};
	reading_whole(&reads_old);
	reading_whole(&reads_made);
	reading_columns(&reads_old, old);
	reading_columns(&reads_made, made);
	arena_release(&arena);
	return same_texts(&before, &after);
}

/* ---- one dependant ---- */

static const Dependant *dependant_of(const Redefinition *redefinition, int64_t id)
{
	for (int d = 0; d < redefinition->dependants.count; d++)
		if (redefinition->dependants.at[d].old->id == id) return &redefinition->dependants.at[d];
	return NULL;
}

static const char *scan_differs(const Redefinition *redefinition, const LoweredScan *old, const LoweredScan *made, bool *follows)
{
	const Relation *relation = old->relation;
	if (relation->id != made->relation->id) return "it reads another relation";
	const Dependant *below = dependant_of(redefinition, relation->id);
	bool replaced = redefinition->is_other_query && (below ? below->follows || below->changed : relation->id == redefinition->old->id);
	if (replaced) *follows = true;
	if (replaced) return NULL;
	if (below) return below->changed ? "what it reads changes" : NULL;
	if (relation->id != redefinition->old->id) return NULL;
	if (redefinition->is_other_result) return "what it reads changes";
	if (relation_is_maintained(relation)) return NULL;
	return same_scan(old, made, redefinition->column_from) ? NULL : "it would read other values";
}

static const char *plans_differ(const Redefinition *redefinition, const Lowered *old, const Lowered *made, bool *follows)
{
	if (old->scans.count != made->scans.count) return "its plan would change";
	for (int s = 0; s < old->scans.count; s++) {
		const char *why = scan_differs(redefinition, &old->scans.at[s], &made->scans.at[s], follows);
		if (why) return why;
	}
	return facts_hash(old) == facts_hash(made) ? NULL : "its plan would change";
}

/* It cannot be bound, CASCADE or not: the reason is that of its own text. */
static bool does_not_hold(const Redefinition *redefinition, const Relation *relation, Error *err)
{
	char message[ERROR_MESSAGE_BYTES];
	snprintf(message, sizeof message, "%s", err->message);
	const Relation *old = redefinition->old;
	*err = ERROR_INIT;
	error_set(err, ERR_DEPENDENT_OBJECTS, SPAN_NONE, "%s \"%s\" cannot be changed: %s \"%s\" would not hold any more: %.600s", relation_kind_name(old->kind), old->name,
		relation_kind_name(relation->kind), relation->name, message);
	return error_hint(err, "DROP it or change it first.");
}

static bool compare_plans(const Redefinition *redefinition, Dependant *dependant, Error *err)
{
	Engine *engine = redefinition->engine;
	Lowered *old = NULL, *made = NULL;
	bool ok = engine_lower_on(engine->catalog, dependant->old, &old, err);
	if (ok && !(ok = engine_lower_on(redefinition->trial, dependant->made, &made, err))) does_not_hold(redefinition, dependant->old, err);
	if (ok) {
		dependant->why = plans_differ(redefinition, old, made, &dependant->follows);
		for (int d = 0; d < dependant->made->depend_count && !dependant->why; d++)
			if (redefinition->is_other_target && dependant->made->depends[d] == redefinition->old->id) dependant->why = "it writes elsewhere";
		dependant->changed = dependant->why != NULL;
		dependant->made->rules_version = dependant->old->rules_version;
		facts_from_lowered(dependant->made, made);
	}
	lowered_free(old, true);
	lowered_free(made, true);
	return ok;
}

static bool try_dependant(Redefinition *redefinition, Relation *old, Error *err)
{
	PlanContext context = {.arena = &redefinition->arena};
	BindSettings settings = {.stored = true};
	Dependant dependant = {.old = old};
	if (!refuse_while_replaced(redefinition->engine, old, err)) return false;
	dependant.made = bind_relation_text(old->sql, old->id, redefinition->trial, &settings, &context, NULL, err);
	if (!dependant.made) return does_not_hold(redefinition, old, err);
	catalog_add(redefinition->trial, dependant.made);
	if (relation_has_pipeline(old) && !compare_plans(redefinition, &dependant, err)) return false;
	relation_ref(old);
	vec_push_in(&redefinition->arena, &redefinition->dependants, dependant);
	return true;
}

/* ---- all of them, in order of dependence ---- */

static bool is_reached(const Redefinition *redefinition, const Relation *relation, int depth)
{
	for (int d = 0; d < relation->depend_count && depth < 100; d++) {
		if (relation->depends[d] == redefinition->old->id) return true;
		const Relation *below = catalog_find_id(redefinition->engine->catalog, relation->depends[d]);
		if (below && is_reached(redefinition, below, depth + 1)) return true;
	}
	return false;
}

static bool try_reached(Redefinition *redefinition, Relation *relation, Error *err)
{
	if (relation->id == redefinition->old->id || dependant_of(redefinition, relation->id) || !is_reached(redefinition, relation, 0)) return true;
	for (int d = 0; d < relation->depend_count; d++) {
		Relation *below = catalog_find_id(redefinition->engine->catalog, relation->depends[d]);
		if (below && below->id != relation->id && !try_reached(redefinition, below, err)) return false;
	}
	return try_dependant(redefinition, relation, err);
}

bool redefine_try(Redefinition *redefinition, Error *err)
{
	const Catalog *catalog = redefinition->engine->catalog;
	arena_init(&redefinition->arena, 0);
	relation_ref(redefinition->old);
	redefinition->trial = catalog_copy(catalog, false);
	catalog_add(redefinition->trial, relation_ref(redefinition->made));
	if (!refuse_while_replaced(redefinition->engine, redefinition->old, err)) return false;
	for (int r = 0; r < catalog->relations.count; r++)
		if (!try_reached(redefinition, catalog->relations.at[r], err)) return false;
	return true;
}

void redefine_release(Redefinition *redefinition)
{
	if (!redefinition->trial) return;
	for (int d = 0; d < redefinition->dependants.count; d++) relation_unref(redefinition->dependants.at[d].old);
	relation_unref(redefinition->old);
	catalog_free(redefinition->trial);
	arena_release(&redefinition->arena);
}

bool redefine_same_column(const Redefinition *redefinition, int made)
{
	int from = redefinition->column_from[made];
	if (from < 0) return false;
	StrBuf before = STRBUF_INIT, after = STRBUF_INIT;
	Arena arena;
	arena_init(&arena, 0);
	Reading reads_old = {redefinition->old, NULL, &before, &arena}, reads_made = {redefinition->made, redefinition->column_from, &after, &arena};
	reading_column(&reads_old, &(ColumnPath){.column = from});
	reading_column(&reads_made, &(ColumnPath){.column = made});
	arena_release(&arena);
	return same_texts(&before, &after);
}

bool redefine_refuse(const Redefinition *redefinition, Error *err)
{
	const Relation *old = redefinition->old;
	for (int d = 0; !redefinition->cascade && d < redefinition->dependants.count; d++) {
		const Dependant *dependant = &redefinition->dependants.at[d];
		if (!dependant->changed) continue;
		error_set(err, ERR_DEPENDENT_OBJECTS, SPAN_NONE, "%s \"%s\" cannot be changed: %s \"%s\" reads it, and %s", relation_kind_name(old->kind), old->name,
			relation_kind_name(dependant->old->kind), dependant->old->name, dependant->why);
		return error_hint(err, "CASCADE makes it anew; or DROP it first.");
	}
	return true;
}

int redefine_changed(const Redefinition *redefinition)
{
	int changed = 0;
	for (int d = 0; d < redefinition->dependants.count; d++) changed += redefinition->dependants.at[d].changed;
	return changed;
}

/* ---- what it costs ---- */

/* Of one source or kept relation, as of the last commit. */
static bool count_records(Engine *engine, const Relation *relation, int64_t *records, Error *err)
{
	if (has_table(relation)) {
		StoreTable *table = engine_table(engine, relation, err);
		*records += table ? store_table_row_count(engine->store, table) : 0;
		return table != NULL;
	}
	Arena arena;
	arena_init(&arena, 0);
	PartitionRecord *at;
	int count;
	bool ok = store_positions_list(engine->store, LANE_LIVE_ID, &arena, &at, &count, err);
	for (int p = 0; ok && p < count; p++)
		if (at[p].relation == relation->id) *records += at[p].records;
	arena_release(&arena);
	return ok;
}

/* What is below a query, through plain views and through views that are made anew along with it. */
static bool count_below(Engine *engine, const Relation *relation, int64_t *records, int depth, Error *err)
{
	for (int d = 0; d < relation->depend_count && depth < 100; d++) {
		const Relation *below = catalog_find_id(engine->catalog, relation->depends[d]);
		if (!below || below->id == relation->id || below->kind == RELATION_SINK || below->kind == RELATION_MATERIALIZED) continue;
		bool ok = below->kind == RELATION_VIEW ? count_below(engine, below, records, depth + 1, err) : count_records(engine, below, records, err);
		if (!ok) return false;
	}
	return true;
}

bool redefine_records(const Redefinition *redefinition, int64_t *records, Error *err)
{
	Engine *engine = redefinition->engine;
	*records = 0;
	if (redefinition->is_other_query && !count_below(engine, redefinition->made, records, 0, err)) return false;
	if (redefinition->is_other_result && !count_records(engine, redefinition->old, records, err)) return false;
	for (int d = 0; d < redefinition->dependants.count; d++) {
		const Dependant *dependant = &redefinition->dependants.at[d];
		if ((dependant->changed || dependant->follows) && !count_below(engine, dependant->old, records, 0, err)) return false;
	}
	return true;
}

bool is_being_replaced(const Engine *engine, const Relation *relation) { return relation->replaces || catalog_pending(engine->catalog, relation->id); }

bool refuse_while_replaced(const Engine *engine, const Relation *relation, Error *err)
{
	if (!is_being_replaced(engine, relation)) return true;
	return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "%s \"%s\" is being replaced", relation_kind_name(relation->kind), relation->name)
		|| error_hint(err, "Wait until the new one has caught up (SHOW VIEWS), or DROP it.");
}

bool refuse_while_reader_replaced(const Engine *engine, Relation *relation, Error *err)
{
	Relations family = relations_family(engine->runtime, relation);
	const Relation *replaced = NULL;
	for (int r = 0; !replaced && r < family.at.count; r++)
		if (is_being_replaced(engine, family.at.at[r])) replaced = family.at.at[r];
	vec_release(&family.at);
	if (!replaced || replaced == relation) return refuse_while_replaced(engine, relation, err);
	return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "%s \"%s\", which reads %s \"%s\", is being replaced", relation_kind_name(replaced->kind), replaced->name,
		relation_kind_name(relation->kind), relation->name) || error_hint(err, "Wait until the new one has caught up (SHOW VIEWS), or DROP it.");
}

/* ---- a query in the place of another ---- */

static bool same_columns(const Relation *a, const Relation *b)
{
	bool same = a->column_count == b->column_count;
	for (int c = 0; same && c < a->column_count; c++) same = strcmp(a->columns[c].name, b->columns[c].name) == 0;
	return same;
}

bool redefine_same_answers(const Relation *a, const Relation *b)
{
	StrBuf before = STRBUF_INIT, after = STRBUF_INIT;
	OptionSet of_a = {a->options, a->option_count}, of_b = {b->options, b->option_count};
	options_print(&of_a, OPTIONS_PRINT_ANSWERS, &before);
	options_print(&of_b, OPTIONS_PRINT_ANSWERS, &after);
	return same_texts(&before, &after);
}

bool redefine_same_query(Engine *engine, Relation *old, Relation *made, bool *same, Error *err)
{
	Redefinition nothing = {.engine = engine, .old = old, .made = made};
	Lowered *before = NULL, *after = NULL;
	bool follows = false, alike = old->emit_on_close == made->emit_on_close && same_columns(old, made) && redefine_same_answers(old, made)
		&& old->depend_count == made->depend_count && memcmp(old->depends, made->depends, sizeof *old->depends * (size_t)old->depend_count) == 0;
	if (alike) made->rules_version = old->rules_version;
	bool ok = engine_lower_on(engine->catalog, made, &after, err) && (!alike || engine_lower_on(engine->catalog, old, &before, err));
	*same = ok && alike && !plans_differ(&nothing, before, after, &follows);
	if (!*same) made->rules_version = 0;
	if (ok) facts_from_lowered(made, after);
	lowered_free(before, true);
	lowered_free(after, true);
	return ok;
}

/* ---- what has changed, in words ---- */

const int *columns_by_name(const Relation *old, const Relation *made, Arena *arena)
{
	int *from = arena_array(arena, int, made->column_count + 1);
	for (int c = 0; c < made->column_count; c++) from[c] = relation_column_find(old, made->columns[c].name);
	return from;
}

static void diff_item(StrBuf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void diff_item(StrBuf *out, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (out->bytes) strbuf_adds(out, ", ");
	strbuf_vprintf(out, format, args);
	va_end(args);
}

static void diff_column(StrBuf *out, const RelationColumn *was, const RelationColumn *is)
{
	StrBuf before = STRBUF_INIT, after = STRBUF_INIT;
	if (strcmp(was->name, is->name) != 0) diff_item(out, "column \"%s\" is named \"%s\"", was->name, is->name);
	type_print(was->type, &before);
	type_print(is->type, &after);
	if (strcmp(before.text, after.text) != 0) diff_item(out, "column \"%s\" is %s, was %s", is->name, after.text, before.text);
	strbuf_release(&before);
	strbuf_release(&after);
}

static void diff_columns(StrBuf *out, const Relation *old, const Relation *made, const int *column_from)
{
	for (int c = 0; c < made->column_count; c++) {
		if (column_from[c] < 0) diff_item(out, "column \"%s\" is new", made->columns[c].name);
		else diff_column(out, &old->columns[column_from[c]], &made->columns[c]);
	}
	for (int o = 0; o < old->column_count; o++) {
		bool kept = false;
		for (int c = 0; c < made->column_count; c++) kept |= column_from[c] == o;
		if (!kept) diff_item(out, "column \"%s\" is gone", old->columns[o].name);
	}
}

static void diff_options(StrBuf *out, const Relation *old, const Relation *made)
{
	for (int i = 0; i < made->option_count; i++) {
		const char *was = relation_option(old, made->options[i].name);
		if (!was) diff_item(out, "option %s is set", made->options[i].name);
		else if (strcmp(was, made->options[i].value) != 0) diff_item(out, "option %s is another", made->options[i].name);
	}
	for (int i = 0; i < old->option_count; i++)
		if (!relation_option(made, old->options[i].name)) diff_item(out, "option %s is not set any more", old->options[i].name);
}

char *redefine_diff(const Relation *old, const Relation *made, const int *column_from, Arena *arena)
{
	StrBuf out = STRBUF_INIT;
	diff_columns(&out, old, made, column_from);
	diff_options(&out, old, made);
	if (old->watermark_column >= 0 && made->watermark_column < 0) diff_item(&out, "there is no watermark any more");
	else if (made->watermark_column >= 0 && (old->watermark_column < 0 || old->watermark_delay_us != made->watermark_delay_us)) diff_item(&out, "the watermark is another");
	if (old->query_sql && made->query_sql && strcmp(old->query_sql, made->query_sql) != 0) diff_item(&out, "its query is another");
	if (old->emit_on_close != made->emit_on_close) diff_item(&out, "its emission is another");
	char *text = arena_strdup(arena, out.bytes ? out.text : "");
	strbuf_release(&out);
	return text;
}
