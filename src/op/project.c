/* Project: one expression a column. Plain columns are borrowed from the batch that came; if all are, its selection stays, else the rows are
 * made dense once for all expressions. Computed columns lie in the arena of the batch that goes out. */
#include "op/select.h"
#include "op/specs.h"

typedef struct Project {
	Op op;
	ExprProgram *condition;           /* NULL: none */
	ExprProgram **programs;           /* NULL where the column is passed on */
	int *passed;                      /* column of the input, -1: computed */
	bool *read;                       /* by input column: some expression needs it */
	bool computes;
} Project;

/* A result may lie in the program (constants, until it next runs) or in scratch, so its values are copied; what strings point to
 * lies in the batch's arena, which they were evaluated with, in the batch below, or in the program's arena. */
static Column project_compute(Project *project, int column, const Batch *from, Batch *out)
{
	PhysKind phys = type_phys(project->op.types[column]);
	Column result = expr_eval(project->programs[column], from, phys == PHYS_STR ? &out->arena : &project->op.scratch);
	size_t count = (size_t)from->count;
	result.data = arena_copy(&out->arena, result.data, phys_bytes(phys) * count);
	if (result.null) result.null = arena_copy(&out->arena, result.null, count);
	return result;
}

static Batch *project_rows(Project *project, Batch *in)
{
	Batch *from = project->computes ? batch_dense(in, project->read) : batch_ref(in);
	Batch *out = batch_derive(from, project->op.column_count);
	for (int c = 0; c < project->op.column_count; c++) {
		if (project->passed[c] >= 0) out->columns[c] = from->columns[project->passed[c]];
		else out->columns[c] = project_compute(project, c, from, out);
		out->columns[c].type = project->op.types[c];
	}
	batch_unref(from);
	return out;
}

static bool project_push(Op *op, int input, Batch *in, Error *err)
{
	(void)input;
	Project *project = (Project *)op;
	if (!project->condition) return op_emit(op, project_rows(project, in), err);
	uint32_t *sel = arena_alloc(&op->scratch, sizeof *sel * (size_t)in->count);
	int count = expr_select(project->condition, in, &op->scratch, sel);
	if (count == 0) return true;
	Batch *kept = count == in->count ? batch_ref(in) : batch_select(in, sel, count);
	Batch *out = project_rows(project, kept);
	batch_unref(kept);
	return op_emit(op, out, err);
}

static void project_release(Op *op)
{
	Project *project = (Project *)op;
	if (project->condition) expr_program_release(project->condition);
	for (int c = 0; c < op->column_count; c++)
		if (project->programs[c]) expr_program_release(project->programs[c]);
}

static const OpClass PROJECT = {.name = "project", .push = project_push, .release = project_release, .passes_on = true};

static int layout_find(const OpInput *in, ColumnId id)
{
	for (int c = 0; c < in->column_count; c++)
		if (in->layout[c] == id) return c;
	return -1;
}

typedef struct Reads { const OpInput *in; bool *read; } Reads;

static bool mark_read(Expr *e, void *context)
{
	Reads *reads = context;
	int column = e->kind == EXPR_COLUMN ? layout_find(reads->in, e->column) : -1;
	if (column >= 0) reads->read[column] = true;
	return true;
}

static void project_compile(Project *project, const ProjectSpec *spec)
{
	Arena *arena = &project->op.arena;
	const OpInput *in = &spec->in;
	project->programs = arena_array(arena, ExprProgram *, spec->expr_count);
	project->passed = arena_array(arena, int, spec->expr_count);
	project->read = arena_array(arena, bool, in->column_count);
	Reads reads = {in, project->read};
	for (int c = 0; c < spec->expr_count; c++) {
		Expr *e = spec->exprs[c];
		expr_walk(e, mark_read, &reads);
		project->passed[c] = e->kind == EXPR_COLUMN ? layout_find(in, e->column) : -1;
		if (project->passed[c] >= 0) continue;
		project->programs[c] = expr_compile(arena, e, in->layout, in->column_count);
		project->computes = true;
	}
	if (spec->condition) project->condition = expr_compile(arena, spec->condition, in->layout, in->column_count);
}

Op *op_project_new(const ProjectSpec *spec)
{
	Type *types = mem_alloc(sizeof *types * (size_t)(spec->expr_count + 1));
	for (int c = 0; c < spec->expr_count; c++) types[c] = spec->exprs[c]->type;
	Project *project = op_new(&PROJECT, sizeof *project, "project", types, spec->expr_count, 1);
	free(types);
	op_input_init(&project->op, 0, spec->in.watermarks, spec->in.watermark_count);
	project->op.append_only = spec->in.append_only;
	project_compile(project, spec);
	return &project->op;
}
