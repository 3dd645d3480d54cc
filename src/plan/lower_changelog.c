/* The pipeline of a table from a changelog: what its connector says, and the operator that makes changes of rows of it. There is no query to plan:
 * all declared columns are read, and the table is what comes out. */
#include "plan/lower.h"

#include "expr/function.h"

static bool is_proctime(const Expr *e) { return e && e->kind == EXPR_CALL && (e->function->flags & FUNCTION_PROCTIME) && e->type.kind == TYPE_TIMESTAMP; }

static void describe(Lowered *out, const Relation *relation)
{
	int count = out->column_count = relation->column_count;
	out->names = arena_array(&out->arena, const char *, count + 1);
	out->types = arena_array(&out->arena, Type, count + 1);
	out->nullable = arena_array(&out->arena, bool, count + 1);
	for (int c = 0; c < count; c++) {
		out->names[c] = arena_strdup(&out->arena, relation->columns[c].name);
		out->types[c] = relation->columns[c].type;
		out->nullable[c] = !relation->columns[c].not_null;
	}
	bool exact = relation->primary_key_count > 0;
	for (int k = 0; k < relation->primary_key_count; k++) {
		out->nullable[relation->primary_key[k]] = false;
		exact &= type_is_exact_in_file(relation->columns[relation->primary_key[k]].type);
	}
	if (exact) {
		out->has_key = true;
		out->key_count = relation->primary_key_count;
		out->key = arena_copy(&out->arena, relation->primary_key, sizeof *out->key * (size_t)out->key_count);
	}
	if (relation->watermark_column < 0 || is_proctime(relation->columns[relation->watermark_column].computed)) return;
	out->watermarks[out->watermark_count++].column = relation->watermark_column;
}

static void add_op(Lowered *out, Op *op, Op *input, const WatermarkColumn *watermark, const LoweredNote *said)
{
	LoweredNote note = *said;
	note.op = op;
	note.inputs = arena_array(&out->arena, Op *, 1);
	note.inputs[0] = input;
	note.input_count = input != NULL;
	note.watermarks = arena_copy(&out->arena, watermark, sizeof *watermark);
	vec_push_in(&out->arena, &out->notes, note);
	op->id = out->ops.count;
	op->rule_count = out->watermark_count;
	if (input) op_connect(input, op, 0);
	for (int w = 0; input && w < op->rule_count; w++) {
		op->rules[w].terms = arena_array(&op->arena, WatermarkTerm, 1);
		op->rules[w].term_count = 1;
	}
	vec_push_in(&out->arena, &out->ops, op);
}

static Op *add_scan(Lowered *out, Relation *relation, const WatermarkColumn *watermark)
{
	int count = relation->column_count;
	LoweredScan scan = {.relation = relation_ref(relation), .column_count = count, .columns = arena_array(&out->arena, ColumnPath, count + 1),
		.types = out->types, .want_arrival = true};
	for (int c = 0; c < count; c++) scan.columns[c].column = c;
	scan.op = op_input_new(relation->name, scan.types, count);
	LoweredNote note = {.text = arena_strdup(&out->arena, relation->name)};
	scan.op->append_only = true;                          /* records, not yet rows */
	add_op(out, scan.op, NULL, watermark, &note);
	vec_push_in(&out->arena, &out->scans, scan);
	return scan.op;
}

static const char *key_names(Lowered *out, const Relation *relation)
{
	StrBuf text = STRBUF_INIT;
	strbuf_adds(&text, relation->changelog);
	for (int k = 0; k < relation->primary_key_count; k++) strbuf_printf(&text, "%s%s", k ? ", " : " by ", relation->columns[relation->primary_key[k]].name);
	const char *kept = arena_strdup(&out->arena, text.text);
	strbuf_release(&text);
	return kept;
}

static uint64_t hash_of(const Lowered *out, const Relation *relation)
{
	uint64_t hash = hash_bytes("changelog", 9);
	for (int c = 0; c < out->column_count; c++) {
		StrBuf type = STRBUF_INIT;
		type_print(out->types[c], &type);
		hash = hash_combine(hash, hash_bytes(type.text, type.bytes));
		strbuf_release(&type);
	}
	for (int k = 0; k < relation->primary_key_count; k++) hash = hash_combine(hash, (uint64_t)relation->primary_key[k]);
	return hash_combine(hash, (uint64_t)out->watermark_count);
}

Lowered *plan_lower_changelog(Relation *relation)
{
	Lowered *out = mem_new(Lowered);
	arena_init(&out->arena, 0);
	describe(out, relation);
	WatermarkColumn watermark = {.column = out->watermark_count ? relation->watermark_column : 0};
	Op *scan = add_scan(out, relation, &watermark);
	NormalizeSpec spec = {
		.in = {.types = out->types, .column_count = out->column_count, .append_only = true, .has_arrival = true, .watermarks = &watermark, .watermark_count = out->watermark_count},
		.key = relation->primary_key, .key_count = relation->primary_key_count,
	};
	LoweredNote note = {.text = key_names(out, relation), .stateful = true, .bounded = true, .bound = relation->primary_key_count ? "one row a key" : "one entry a row"};
	add_op(out, op_normalize_new(&spec), scan, &watermark, &note);
	out->root = out->ops.at[1];
	out->graph_hash = hash_of(out, relation);
	return out;
}
