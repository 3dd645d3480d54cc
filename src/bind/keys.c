/* Where columns of keys stand, in ksqlDB's words and in upsert-kafka's, written as the options key_fields, key_format and value_fields. */
#include "bind/binder.h"

static void add_option(Binder *binder, AstCreateRelation *ast, const char *name, const char *value)
{
	AstOption option = {.name = name, .name_written = name, .kind = AST_OPTION_STRING, .value = value};
	vec_push_in(binder->arena, &ast->options, option);
}

/* By canonical name, under whichever name it was given */
static const AstOption *given_option(const AstCreateRelation *ast, const char *name)
{
	for (int i = 0; i < ast->options.count; i++) {
		const OptionSpec *spec = option_spec(ast->options.at[i].name);
		if (spec && strcmp(spec->name, name) == 0) return &ast->options.at[i];
	}
	return NULL;
}

static bool option_is(const AstOption *option, const char *word) { return option && option->value && names_equal(option->value, word); }

static bool is_number(const AstTypeName *type)
{
	static const char *const NAMES[] = {"int", "integer", "bigint", "double"};
	for (size_t i = 0; type && type->name && i < sizeof NAMES / sizeof *NAMES; i++)
		if (names_equal(type->name, NAMES[i])) return true;
	return false;
}

/* ---- ksqlDB ---- */

static bool is_key(const AstCreateRelation *ast, const AstColumnDef *column) { return column->key || (ast->kind == AST_KIND_TABLE && column->primary_key); }

/* Java's serializers write numbers as 4 or 8 bytes, ksqlDB's default for keys; here a key is text unless it is said otherwise. */
static bool check_ksql_column(Binder *binder, const AstCreateRelation *ast, const AstColumnDef *column)
{
	const AstOption *key_format = given_option(ast, "key_format"), *format = given_option(ast, "format");
	bool number = is_number(column->type);
	if (!is_key(ast, column)) {
		if (number && option_is(format, "kafka") && !column->metadata) return REFUSE(binder, column->span, "a number in VALUE_FORMAT KAFKA");
		return true;
	}
	if (column->type && column->type->fields.count && !option_is(key_format, "none")) return REFUSE(binder, column->span, "a STRUCT as KEY");
	if (number && !key_format)
		notice(binder, "key column \"%s\" is read as text: KEY_FORMAT = 'KAFKA' reads the bytes that Java's serializers write", column->name.text);
	return true;
}

/* FORMAT = 'JSON' is that of keys and values. */
static void write_ksql_format(Binder *binder, AstCreateRelation *ast)
{
	const AstOption *both = ast_option_find(&ast->options, "format");
	if (both && both->value && !given_option(ast, "key_format")) add_option(binder, ast, "key_format", both->value);
}

/* KEY columns stand in the record's key, a TABLE takes upserts, and event time is the record's own if nothing else is said. */
static bool write_ksql(Binder *binder, AstCreateRelation *ast)
{
	StrBuf keys = STRBUF_INIT;
	bool table = ast->kind == AST_KIND_TABLE, fine = true;
	for (int i = 0; i < ast->columns.count; i++)
		if (is_key(ast, &ast->columns.at[i])) strbuf_printf(&keys, "%s%s", keys.bytes ? ";" : "", ast->columns.at[i].name.text);
	if (keys.bytes) write_ksql_format(binder, ast);
	for (int i = 0; i < ast->columns.count && fine; i++) fine = check_ksql_column(binder, ast, &ast->columns.at[i]);
	bool found_anyway = table && option_is(given_option(ast, "key_format"), "json");       /* upserts look for it in the key, with or without its name */
	if (keys.bytes && !found_anyway && !given_option(ast, "key_fields")) {
		if (!given_option(ast, "value_fields")) add_option(binder, ast, "value_fields", "except_key");
		add_option(binder, ast, "key_fields", arena_strdup(binder->arena, keys.text));
		if (!given_option(ast, "key_format")) add_option(binder, ast, "key_format", "raw");
	}
	strbuf_release(&keys);
	if (table) add_option(binder, ast, "changelog", "upsert");
	else if (!given_option(ast, "event_time") && !ast->watermarks.count) add_option(binder, ast, "event_time", "ROWTIME");
	return fine;
}

/* ---- upsert-kafka ---- */

/* With a prefix the key is the PRIMARY KEY, whose columns have other names than the fields. */
static void write_prefixed_key(Binder *binder, AstCreateRelation *ast)
{
	StrBuf keys = STRBUF_INIT;
	for (int i = 0; i < ast->columns.count; i++)
		if (ast->columns.at[i].primary_key) strbuf_printf(&keys, "%s%s", keys.bytes ? ";" : "", ast->columns.at[i].name.text);
	for (int i = 0; i < ast->constraints.count; i++) {
		const AstConstraint *constraint = &ast->constraints.at[i];
		for (int c = 0; constraint->kind == AST_CONSTRAINT_PRIMARY_KEY && c < constraint->columns.count; c++)
			strbuf_printf(&keys, "%s%s", keys.bytes ? ";" : "", constraint->columns.at[c].text);
	}
	if (keys.bytes) add_option(binder, ast, "key_fields", arena_strdup(binder->arena, keys.text));
	strbuf_release(&keys);
}

bool write_keys(Binder *binder, AstCreateRelation *ast)
{
	if (ast_option_find(&ast->options, "kafka_topic")) return write_ksql(binder, ast);
	if (given_option(ast, "key_prefix") && !given_option(ast, "key_fields")) write_prefixed_key(binder, ast);
	return true;
}
