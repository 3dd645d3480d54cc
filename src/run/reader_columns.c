/* Which columns of a relation a reader decodes, and from where in a record.
 *
 * They are the union over the lane's scans, so a record is decoded once for all views. When a new view wants more of them, the
 * decoder is made anew and reading begins again at the consumed position: rare, and simpler than decoders that grow while they run.
 */
#include "expr/function.h"
#include "run/reader.h"

static bool path_equal(const ColumnPath *a, const ColumnPath *b)
{
	if (a->column != b->column || a->field_count != b->field_count) return false;
	for (int i = 0; i < a->field_count; i++)
		if (strcmp(a->fields[i], b->fields[i]) != 0) return false;
	return true;
}

int reader_column(const Reader *reader, const ColumnPath *path)
{
	for (int c = 0; c < reader->columns.count; c++)
		if (path_equal(&reader->columns.at[c].path, path)) return c;
	return -1;
}

typedef struct ClockUse { bool found; } ClockUse;

static bool visit_clock(Expr *e, void *context)
{
	if (e->kind == EXPR_CALL && (e->function->flags & (FUNCTION_CLOCK | FUNCTION_PROCTIME))) ((ClockUse *)context)->found = true;
	return true;
}

typedef struct InputUse { Reader *reader; } InputUse;
static int reader_want(Reader *reader, const ColumnPath *path, Type type, ColumnId input);

static bool visit_inputs(Expr *e, void *context)
{
	if (e->kind != EXPR_COLUMN) return true;
	Reader *reader = ((InputUse *)context)->reader;
	const RelationInput *input = &reader->relation->inputs[e->column - 1];
	int column = reader_want(reader, &input->path, input->type, e->column);
	reader->columns.at[column].input = e->column;
	return true;
}

/* Inputs of a computed column come before it, so one pass computes all. */
static int reader_want(Reader *reader, const ColumnPath *path, Type type, ColumnId input)
{
	int found = reader_column(reader, path);
	if (found >= 0) return found;
	const RelationColumn *declared = &reader->relation->columns[path->column];
	ReaderColumn column = {.path = *path, .type = type, .decode = -1, .input = input};
	if (declared->kind == COLUMN_COMPUTED && path->field_count == 0) {
		InputUse use = {reader};
		expr_walk(declared->computed, visit_inputs, &use);
		ClockUse clock = {0};
		expr_walk(declared->computed, visit_clock, &clock);
		column.computed = declared->computed;
		column.clock = clock.found;
	}
	vec_push(&reader->columns, column);
	return reader->columns.count - 1;
}

static void reader_want_always(Reader *reader, int relation_column)
{
	ColumnPath path = {.column = relation_column};
	int column = reader_want(reader, &path, reader->relation->columns[relation_column].type, 0);
	reader->columns.at[column].always = true;
}

void reader_collect_columns(Reader *reader)
{
	Relation *relation = reader->relation;
	reader->columns.count = 0;
	reader->event_column = -1;
	if (!reader->relation->connector) {
		for (int c = 0; c < relation->column_count; c++) {
			ReaderColumn column = {.path = {.column = c}, .type = relation->columns[c].type, .decode = -1};
			vec_push(&reader->columns, column);
		}
	}
	else {
		for (int k = 0; k < relation->primary_key_count; k++) reader_want_always(reader, relation->primary_key[k]);
		if (relation->watermark_column >= 0) reader_want_always(reader, relation->watermark_column);
		for (int s = 0; s < reader->scans.count; s++) {
			LoweredScan *scan = reader->scans.at[s].scan;
			for (int c = 0; c < scan->column_count; c++) reader_want(reader, &scan->columns[c], scan->types[c], 0);
		}
	}
	if (relation->watermark_column >= 0) {
		ColumnPath path = {.column = relation->watermark_column};
		reader->event_column = reader_column(reader, &path);
	}
	for (int s = 0; s < reader->scans.count; s++) {
		ReaderScan *attached = &reader->scans.at[s];
		free(attached->map);
		attached->map = mem_alloc(sizeof *attached->map * (size_t)(attached->scan->column_count + 1));
		for (int c = 0; c < attached->scan->column_count; c++)
			attached->map[c] = reader_column(reader, &attached->scan->columns[c]);
	}
}

static TimeUnit time_unit(const Reader *reader)
{
	static const struct { const char *word; TimeUnit unit; } UNITS[] =
		{{"s", TIME_UNIT_SECONDS}, {"ms", TIME_UNIT_MS}, {"us", TIME_UNIT_US}, {"ns", TIME_UNIT_NS}};
	const char *word = options_text(&reader->options, "timestamp_unit");
	for (int i = 0; word && i < 4; i++)
		if (strcmp(word, UNITS[i].word) == 0) return UNITS[i].unit;
	return TIME_UNIT_BY_SIZE;
}

static bool metadata_column(Reader *reader, const RelationColumn *declared, DecodeColumn *column, Error *err)
{
	static const struct { const char *key; DecodeFrom from; } KEYS[] = {
		{"key", DECODE_KEY}, {"topic", DECODE_TOPIC}, {"partition", DECODE_PARTITION}, {"offset", DECODE_POSITION},
		{"timestamp", DECODE_TIMESTAMP}, {"headers", DECODE_HEADERS}, {"value", DECODE_VALUE},
	};
	for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
		if (strcmp(declared->metadata_key, KEYS[i].key) == 0) {
			column->from = KEYS[i].from;
			if (column->from == DECODE_HEADERS) column->type = declared->type;        /* it says in which form */
			return true;
		}
	if (strncmp(declared->metadata_key, "header:", 7) == 0) {
		column->from = DECODE_HEADER;
		const char **path = arena_array(&reader->arena, const char *, 1);
		path[0] = declared->metadata_key + 7;
		column->path = path;
		column->path_count = 1;
		return true;
	}
	return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "metadata \"%s\" of column \"%s\" is not known", declared->metadata_key, declared->name);
}

static bool field_path(Reader *reader, const RelationColumn *declared, const ColumnPath *path, DecodeColumn *column, Error *err)
{
	const char *const *base = NULL;
	int base_count = 0;
	if (declared->json_path) {
		if (!decode_path_parse(&reader->arena, declared->json_path, SPAN_NONE, &base, &base_count, err)) return false;
	}
	else {
		const char **name = arena_array(&reader->arena, const char *, 1);
		name[0] = declared->name;
		base = name;
		base_count = 1;
	}
	const char **all = arena_array(&reader->arena, const char *, base_count + path->field_count);
	for (int i = 0; i < base_count; i++) all[i] = base[i];
	for (int i = 0; i < path->field_count; i++) all[base_count + i] = path->fields[i];
	column->path = all;
	column->path_count = base_count + path->field_count;
	return true;
}

/* Has a record's value a field for the column? */
static bool stands_in_value(const Reader *reader, int column)
{
	const RelationColumn *declared = &reader->relation->columns[column];
	const char *keys = options_text(&reader->options, "key_fields"), *fields = options_text(&reader->options, "value_fields");
	bool without_keys = keys && fields && strcmp(fields, "except_key") == 0;
	return declared->kind == COLUMN_PHYSICAL && !(without_keys && key_fields_have(keys, declared->name));
}

/* As it is declared: a plan has JSON for what is kept whole. */
static Type declared_type(const RelationColumn *declared, const ColumnPath *path, Type read_as)
{
	Type type = declared->type;
	for (int i = 0; i < path->field_count && type.kind == TYPE_ROW; i++) {
		int field = 0;
		while (field < type.field_count && strcmp(type.fields[field].name, path->fields[i]) != 0) field++;
		if (field == type.field_count) return read_as;
		type = type.fields[field].type;
	}
	return type_is_nested(type) && type_phys(read_as) == PHYS_STR && read_as.kind != TYPE_TEXT ? type : read_as;
}

static bool decode_column(Reader *reader, const ColumnPath *path, Type type, bool not_null, DecodeColumn *out, Error *err)
{
	const Relation *relation = reader->relation;
	const RelationColumn *declared = &relation->columns[path->column];
	StrBuf name = STRBUF_INIT;
	strbuf_adds(&name, declared->name);
	for (int i = 0; i < path->field_count; i++) strbuf_printf(&name, ".%s", path->fields[i]);
	*out = (DecodeColumn){.name = arena_strdup(&reader->arena, name.text), .type = declared_type(declared, path, type), .unit = time_unit(reader), .not_null = not_null, .ordinal = -1};
	strbuf_release(&name);
	for (int c = 0, n = 0; c < relation->column_count; c++) {
		if (!stands_in_value(reader, c)) continue;
		if (c == path->column) out->ordinal = n;
		n++;
	}
	if (declared->kind == COLUMN_METADATA) return metadata_column(reader, declared, out, err);
	return field_path(reader, declared, path, out, err) && decode_column_place(&reader->options, &reader->arena, out, err);
}

static bool is_key_column(const Relation *relation, int column)
{
	for (int k = 0; k < relation->primary_key_count; k++)
		if (relation->primary_key[k] == column) return true;
	return false;
}

static bool make_decode_columns(Reader *reader, Error *err)
{
	reader->decode_columns = arena_array(&reader->arena, DecodeColumn, reader->columns.count + 1);
	reader->decode_count = 0;
	for (int c = 0; c < reader->columns.count; c++) {
		ReaderColumn *column = &reader->columns.at[c];
		if (column->computed) continue;
		const RelationColumn *declared = &reader->relation->columns[column->path.column];
		bool not_null = column->path.field_count == 0 && (declared->not_null || is_key_column(reader->relation, column->path.column));
		column->decode = reader->decode_count;
		DecodeColumn *decode = &reader->decode_columns[reader->decode_count++];
		if (!decode_column(reader, &column->path, column->type, not_null, decode, err)) return false;
		decode->is_key = column->path.field_count == 0 && is_key_column(reader->relation, column->path.column);
	}
	return true;
}

/* ---- for the decoder, and for what is computed behind it ---- */

static void make_decoder_config(Reader *reader)
{
	const OptionSet *options = &reader->options;
	const char *null = options_text(options, "csv.null"), *changelog = reader->relation->changelog;
	int physical = 0;
	for (int c = 0; c < reader->relation->column_count; c++) physical += stands_in_value(reader, c);
	reader->decoder_config = (DecoderConfig){
		.format = reader->format ? reader->format->name : "json", .columns = reader->decode_columns, .column_count = reader->decode_count,
		.csv_delimiter = options_text(options, "csv.delimiter") ? options_text(options, "csv.delimiter")[0] : ',',
		.csv_quote = options_text(options, "csv.quote") ? options_text(options, "csv.quote")[0] : '"',
		.csv_header = options_boolean(options, "csv.header"), .csv_null = null, .csv_field_count = physical,
		.changelog = !changelog ? CHANGELOG_NONE : strcmp(changelog, "upsert") == 0 ? CHANGELOG_UPSERT
			: strcmp(changelog, "debezium") == 0 ? CHANGELOG_DEBEZIUM : strcmp(changelog, "maxwell") == 0 ? CHANGELOG_MAXWELL
			: strcmp(changelog, "canal") == 0 ? CHANGELOG_CANAL : strcmp(changelog, "op") == 0 ? CHANGELOG_OP : CHANGELOG_NONE,
	};
}

bool reader_declared_columns(Reader *reader, DecodeColumn **out, int *count, Error *err)
{
	const Relation *relation = reader->relation;
	*out = arena_array(&reader->arena, DecodeColumn, relation->column_count + 1);
	*count = 0;
	for (int c = 0; c < relation->column_count; c++) {
		if (relation->columns[c].kind != COLUMN_PHYSICAL) continue;
		ColumnPath path = {.column = c};
		if (!decode_column(reader, &path, relation->columns[c].type, false, &(*out)[(*count)++], err)) return false;
	}
	return true;
}

bool reader_make_decoder(Reader *reader, Error *err)
{
	if (!make_decode_columns(reader, err)) return false;
	make_decoder_config(reader);
	return true;
}

static const ColumnId *program_layout(const Reader *reader, Arena *arena)
{
	ColumnId *layout = arena_array(arena, ColumnId, reader->columns.count + 1);
	for (int c = 0; c < reader->columns.count; c++) layout[c] = reader->columns.at[c].input;
	return layout;
}

ExprProgram **reader_compile_computed(const Reader *reader, Arena *arena, bool clock)
{
	const ColumnId *layout = program_layout(reader, arena);
	ExprProgram **programs = arena_array(arena, ExprProgram *, reader->columns.count + 1);
	for (int c = 0; c < reader->columns.count; c++) {
		const ReaderColumn *column = &reader->columns.at[c];
		if (column->computed && column->clock == clock) programs[c] = expr_compile(arena, column->computed, layout, reader->columns.count);
	}
	return programs;
}
