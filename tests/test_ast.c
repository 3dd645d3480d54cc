/* src/ast and grammar: statements become trees, print in one spelling, and read back; names, spans, splitting. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ast/parse.h"
#include "ast/print.h"
#include "keywords.h"
#include "parser.h"

#define LENGTH(table) ((int)(sizeof (table) / sizeof *(table)))

int SqlParserFallback(int token);

static const struct { const char *text, *printed; } STATEMENTS[] = {
#include "ast_statements.def"
};

static AstStatement *parse(Arena *arena, const char *text)
{
	Error err = ERROR_INIT;
	AstStatement *statement = parse_statement(text, 0, strlen(text), arena, &err);
	if (!statement) print_error("%s [%u,%u): %s\n", err.message, err.span.start, err.span.end, text);
	assert_non_null(statement);
	return statement;
}

static const char *printed(const AstStatement *statement)
{
	static StrBuf out;
	if (!out.text) out = STRBUF_INIT;
	strbuf_clear(&out);
	ast_print_statement(statement, &out);
	return out.text;
}

static void assert_prints(const char *text, const char *expected)
{
	Arena arena;
	arena_init(&arena, 0);
	assert_string_equal(printed(parse(&arena, text)), expected);
	arena_release(&arena);
}

/* ---- printing ---- */

static void statements_print_in_one_spelling(void **state)
{
	(void)state;
	for (int i = 0; i < LENGTH(STATEMENTS); i++) assert_prints(STATEMENTS[i].text, STATEMENTS[i].printed ? STATEMENTS[i].printed : STATEMENTS[i].text);
}

static void what_is_printed_reads_back_as_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < LENGTH(STATEMENTS); i++) if (STATEMENTS[i].printed) assert_prints(STATEMENTS[i].printed, STATEMENTS[i].printed);
}

static void an_expression_alone_can_be_read_and_printed(void **state)
{
	(void)state;
	Arena arena;
	Error err = ERROR_INIT;
	StrBuf out = STRBUF_INIT;
	arena_init(&arena, 0);
	AstExpr *e = parse_expr("a+b * f(c)", 10, &arena, &err);
	assert_non_null(e);
	ast_print_expr(e, &out);
	assert_string_equal(out.text, "a + b * f(c)");
	assert_null(parse_expr("a, b", 4, &arena, &err));
	assert_int_equal(err.span.start, 1);
	strbuf_release(&out);
	arena_release(&arena);
}

/* ---- keywords and names ---- */

static void keywords_are_sorted_and_reserved_ones_never_fall_back(void **state)
{
	(void)state;
	for (int i = 0; i < parse_keyword_count(); i++) {
		const char *word = parse_keyword(i);
		int token = keyword_token(word, strlen(word));
		if (i) assert_true(strcmp(parse_keyword(i - 1), word) < 0);
		assert_string_equal(keyword_text(token), word);
		if (keyword_class(token) == KEYWORD_RESERVED) assert_int_equal(SqlParserFallback(token), 0);
		else assert_true(SqlParserFallback(token) == TK_ID || SqlParserFallback(token) == 0);
	}
	assert_int_equal(keyword_token("selec", 5), 0);
	assert_int_equal(keyword_token("SeLeCt", 6), TK_SELECT);
	assert_int_equal(keyword_token("timestamp_LTZ", 13), TK_TIMESTAMP_LTZ);
}

/* Every place where a name may stand: %1$s is the name as printed. */
static const char *const NAME_PLACES[] = {
	"SELECT %1$s FROM %1$s", "SELECT %1$s, %1$s AS %1$s FROM t AS %1$s WHERE %1$s = 1 AND %1$s IN (%1$s) ORDER BY %1$s DESC, %1$s NULLS FIRST",
	"SELECT %1$s.%1$s.%1$s, (%1$s).%1$s, %1$s[1] FROM %1$s.%1$s AS %1$s (%1$s, %1$s) JOIN %1$s AS x ON %1$s.a = x.%1$s LEFT JOIN %1$s USING (%1$s)",
	"SELECT sum(%1$s) OVER (PARTITION BY %1$s ORDER BY %1$s ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS %1$s, count(DISTINCT %1$s) FILTER (WHERE %1$s) FROM t",
	"SELECT CASE %1$s WHEN %1$s THEN %1$s ELSE %1$s END, CAST(%1$s AS TEXT), -%1$s + %1$s * %1$s, NOT %1$s, %1$s LIKE %1$s, %1$s BETWEEN %1$s AND %1$s FROM t",
	"SELECT %1$s FROM t GROUP BY %1$s HAVING %1$s > 1 LIMIT %1$s", "WITH %1$s (%1$s) AS (SELECT 1) SELECT %1$s.* FROM %1$s",
	"CREATE TABLE %1$s (%1$s INT NOT NULL, x INT AS (%1$s), PRIMARY KEY (%1$s), WATERMARK FOR %1$s AS %1$s - INTERVAL '1' SECOND) WITH (a = 'b')",
	"CREATE MATERIALIZED VIEW %1$s (%1$s, y) AS SELECT %1$s, 1 FROM %1$s EMIT ON WINDOW CLOSE", "CREATE SINK %1$s FROM %1$s WITH (%1$s = 'x')",
	"INSERT INTO %1$s (%1$s, a) VALUES (%1$s, 1) ON CONFLICT (%1$s) DO UPDATE SET %1$s = excluded.%1$s RETURNING %1$s",
	"UPDATE %1$s AS %1$s SET %1$s = %1$s + 1 WHERE %1$s", "DELETE FROM %1$s WHERE %1$s", "DROP VIEW IF EXISTS %1$s, %1$s CASCADE",
	"ALTER STREAM %1$s RENAME COLUMN %1$s TO %1$s, DROP COLUMN %1$s, ADD COLUMN %1$s TEXT, ALTER COLUMN %1$s TYPE INT", "ALTER VIEW %1$s RENAME TO %1$s",
	"DESCRIBE TABLE %1$s", "SHOW CREATE VIEW %1$s", "SUBSCRIBE TO %1$s SINCE 5", "PAUSE VIEW %1$s", "CLOSE STREAM %1$s", "SAVEPOINT %1$s",
	"SELECT * FROM tumble(%1$s, %1$s, INTERVAL '1' DAY) AS %1$s, f(%1$s => %1$s), json_each(%1$s)", "SET %1$s = 1",
};

static void assert_name_stands_everywhere(const char *name)
{
	char text[1000];
	for (int i = 0; i < LENGTH(NAME_PLACES); i++) {
		StrBuf quoted = STRBUF_INIT;
		ast_print_ident(name, &quoted);
		if (*quoted.text == '"' && !strncmp(NAME_PLACES[i], "SET", 3)) { strbuf_release(&quoted); continue; }     /* printed as a string */
		if (*quoted.text == '"' && strstr(NAME_PLACES[i], "SINK")) { strbuf_release(&quoted); continue; }
		snprintf(text, sizeof text, NAME_PLACES[i], quoted.text, quoted.text);
		assert_prints(text, text);
		strbuf_release(&quoted);
	}
}

static void every_keyword_is_a_name_as_it_is_printed(void **state)
{
	(void)state;
	char lower[64];
	for (int i = 0; i < parse_keyword_count(); i++) {
		const char *word = parse_keyword(i);
		for (size_t k = 0; k <= strlen(word); k++) lower[k] = (char)(word[k] >= 'A' && word[k] <= 'Z' ? word[k] + 32 : word[k]);
		assert_name_stands_everywhere(lower);
	}
	assert_name_stands_everywhere("current_timestamp");
	assert_name_stands_everywhere("a b");
	assert_name_stands_everywhere("1a");
	assert_name_stands_everywhere("\"");
	assert_name_stands_everywhere("größe");
}

static void names_of_kafka_and_of_time_need_no_quotes(void **state)
{
	(void)state;
	static const char *const NAMES[] = {
		"key", "value", "count", "user", "text", "time", "timestamp", "date", "version", "at", "first", "last", "size", "format", "partition", "topic",
		"header", "headers", "source", "type", "state", "year", "day", "start", "end", "session", "data", "name", "plan", "zone", "temp", "index", "position",
	};
	for (int i = 0; i < LENGTH(NAMES); i++) assert_false(parse_name_needs_quotes(NAMES[i]));
	assert_prints("SELECT offset, stream, rows, left, filter FROM window WHERE offset > 5 AND row = 1", "SELECT \"offset\", \"stream\", \"rows\", \"left\", filter FROM \"window\" WHERE \"offset\" > 5 AND \"row\" = 1");
}

static void a_quoted_name_is_never_a_string_nor_a_call(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	const AstItems *items = &parse(&arena, "SELECT \"a\", 'a', \"current_date\", current_date, `x``y`, [p q]")->query->body->select->items;
	assert_int_equal(items->at[0].expr->kind, AST_COLUMN);
	assert_true(items->at[0].expr->path.at[0].quoted);
	assert_int_equal(items->at[1].expr->literal, AST_STRING);
	assert_int_equal(items->at[2].expr->kind, AST_COLUMN);
	assert_int_equal(items->at[3].expr->kind, AST_CALL);
	assert_string_equal(items->at[4].expr->path.at[0].text, "x`y");
	assert_string_equal(items->at[5].expr->path.at[0].text, "p q");
	arena_release(&arena);
}

/* ---- what a tree holds ---- */

static void spans_point_into_the_script(void **state)
{
	(void)state;
	static const char TEXT[] = "SELECT 1;\n SELECT foo(a , b)  AS x FROM t AS u WHERE (a+1)*2 > c.d ; ";
	Arena arena;
	Error err = ERROR_INIT;
	AstScript script = {0};
	arena_init(&arena, 0);
	assert_true(parse_script(TEXT, strlen(TEXT), &arena, &script, &err));
	assert_int_equal(script.count, 2);
	const AstSelect *select = script.at[1]->query->body->select;
	const AstExpr *where = select->where;
	const struct { Span span; const char *text; } CASES[] = {
		{script.at[0]->span, "SELECT 1"}, {script.at[1]->span, "SELECT foo(a , b)  AS x FROM t AS u WHERE (a+1)*2 > c.d"},
		{select->items.at[0].span, "foo(a , b)  AS x"}, {select->items.at[0].expr->span, "foo(a , b)"}, {select->items.at[0].expr->op_span, "foo"},
		{select->items.at[0].alias.span, "x"}, {select->from->span, "t AS u"}, {select->from->name.span, "t"}, {where->span, "(a+1)*2 > c.d"},
		{where->op_span, ">"}, {where->args.at[0]->span, "(a+1)*2"}, {where->args.at[0]->args.at[0]->op_span, "+"}, {where->args.at[1]->path.at[1].span, "d"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		assert_int_equal(CASES[i].span.end - CASES[i].span.start, strlen(CASES[i].text));
		assert_memory_equal(TEXT + CASES[i].span.start, CASES[i].text, strlen(CASES[i].text));
	}
	assert_string_equal(script.at[1]->text, CASES[1].text);
	assert_string_equal(select->items.at[0].text, "foo(a , b)");
	arena_release(&arena);
}

static void parameters_are_numbered_by_name(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	AstStatement *statement = parse(&arena, "SELECT :a, ?, :b, :a, ?7");
	assert_int_equal(statement->parameter_count, 7);
	assert_string_equal(statement->parameters.at[0].text, "a");
	assert_null(statement->parameters.at[1].text);
	assert_string_equal(statement->parameters.at[2].text, "b");
	assert_int_equal(statement->query->body->select->items.at[3].expr->parameter, 1);
	arena_release(&arena);
}

static void options_keep_name_kind_and_value(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	const AstCreateRelation *relation = parse(&arena, "CREATE STREAM s (a INT) WITH (KAFKA_Topic = 'X', 'scan.Mode' = Latest, group.id = -5, \"on\" = TRUE, i = INTERVAL '5' MINUTES, p = :P)"
		" ON OFFSET GAP earliest")->create_relation;
	static const struct { const char *name, *written, *value, *unit; AstOptionKind kind; } CASES[] = {
		{"kafka_topic", "KAFKA_Topic", "X", NULL, AST_OPTION_STRING}, {"scan.mode", "scan.Mode", "Latest", NULL, AST_OPTION_WORD},
		{"group.id", "group.id", "-5", NULL, AST_OPTION_NUMBER}, {"i", "i", "5", "MINUTE", AST_OPTION_INTERVAL}, {"p", "p", "P", NULL, AST_OPTION_PARAMETER},
		{"on_offset_gap", "on_offset_gap", "earliest", NULL, AST_OPTION_WORD},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		const AstOption *option = ast_option_find(&relation->options, CASES[i].name);
		assert_non_null(option);
		assert_string_equal(option->name_written, CASES[i].written);
		assert_int_equal(option->kind, CASES[i].kind);
		assert_string_equal(option->value, CASES[i].value);
		if (CASES[i].unit) assert_string_equal(option->unit, CASES[i].unit);
	}
	assert_null(ast_option_find(&relation->options, "topic"));
	arena_release(&arena);
}

static void types_of_all_systems_have_one_name(void **state)
{
	(void)state;
	static const struct { const char *text, *name; int p1, p2; } CASES[] = {
		{"double /* x */\n PRECISION", "double precision", -1, -1}, {"timestamp(3) with local time zone", "timestamp with local time zone", 3, -1},
		{"Character Varying(10)", "character varying", 10, -1}, {"decimal ( 10 , 2 )", "decimal", 10, 2}, {"\"Foo\"", "foo", -1, -1},
		{"time without time zone", "time without time zone", -1, -1}, {"unsigned big int", "unsigned big int", -1, -1},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Arena arena;
		char text[200];
		arena_init(&arena, 0);
		snprintf(text, sizeof text, "CREATE TABLE t (a %s NOT NULL)", CASES[i].text);
		const AstTypeName *type = parse(&arena, text)->create_relation->columns.at[0].type;
		assert_string_equal(type->name, CASES[i].name);
		assert_int_equal(type->parameters[0], CASES[i].p1);
		assert_int_equal(type->parameters[1], CASES[i].p2);
		arena_release(&arena);
	}
}

static void hints_other_than_options_are_noted(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	AstStatement *statement = parse(&arena, "SELECT /*+ STATE_TTL('t' = '1d'), BROADCAST(a, b) */ * FROM t /*+ OPTIONS('a' = 'b', c.d = 5) */ AS x /*+ OPTIONS('late' = '1') */");
	const AstOptions *hints = &statement->query->body->select->from->hints;
	assert_int_equal(hints->count, 2);
	assert_string_equal(hints->at[1].name, "c.d");
	assert_int_equal(statement->ignored_hints.count, 3);
	assert_string_equal(statement->ignored_hints.at[1].text, "BROADCAST");
	arena_release(&arena);
}

static void chains_of_and_and_or_are_flat(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	const AstExpr *where = parse(&arena, "SELECT 1 WHERE a OR b OR (c OR d) OR e AND f AND g")->query->body->select->where;
	assert_int_equal(where->kind, AST_OR);
	assert_int_equal(where->args.count, 4);
	assert_int_equal(where->args.at[2]->kind, AST_OR);
	assert_int_equal(where->args.at[3]->args.count, 3);
	assert_int_equal(where->depth, 3);
	arena_release(&arena);
}

static void an_explained_statement_has_its_own_text(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	AstStatement *statement = parse(&arena, "EXPLAIN ANALYZE (verbose) CREATE VIEW v AS SELECT a FROM t");
	assert_true(statement->explain->analyze);
	assert_string_equal(statement->explain->statement->text, "CREATE VIEW v AS SELECT a FROM t");
	assert_int_equal(statement->explain->statement->kind, AST_STATEMENT_CREATE_VIEW);
	arena_release(&arena);
}

/* ---- splitting ---- */

static void a_script_splits_at_semicolons_outside_of_quotes_and_comments(void **state)
{
	(void)state;
	static const char TEXT[] = ";; SELECT ';', \";\", `;`, E'\\';' -- ;\n ; /* ; */ SELECT [;] ; $$;$$;\n"
		"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END; -- end\n SELECT 2 -- no semicolon\n";
	static const char *const PARTS[] = {
		"SELECT ';', \";\", `;`, E'\\';'", "SELECT [;]", "$$;$$", "EXECUTE STATEMENT SET BEGIN", "INSERT INTO a SELECT 1", "END", "SELECT 2",
	};
	size_t offset = 0, start, end;
	for (int i = 0; i < LENGTH(PARTS); i++) {
		assert_true(parse_next_statement(TEXT, strlen(TEXT), &offset, &start, &end));
		assert_int_equal(end - start, strlen(PARTS[i]));
		assert_memory_equal(TEXT + start, PARTS[i], end - start);
	}
	assert_false(parse_next_statement(TEXT, strlen(TEXT), &offset, &start, &end));
	assert_int_equal(offset, strlen(TEXT));
}

static void a_shell_knows_when_a_statement_is_complete(void **state)
{
	(void)state;
	static const struct { const char *text; bool complete; } CASES[] = {
		{"", true}, {"  -- nothing\n", true}, {";", true}, {"SELECT 1", false}, {"SELECT 1;", true}, {"SELECT 1; -- x", true}, {"SELECT ';", false},
		{"SELECT 1; SELECT", false}, {"SELECT 1; /* open", false}, {"SELECT \"a;", false}, {"SELECT $$a;", false}, {"SELECT 'a'';'; ", true},
		{"SELECT 1 -- ;", false}, {"EXECUTE STATEMENT SET BEGIN", true}, {"EXECUTE STATEMENT SET", false}, {"SELECT [a;", false},
	};
	for (int i = 0; i < LENGTH(CASES); i++) assert_int_equal(parse_is_complete(CASES[i].text, strlen(CASES[i].text)), CASES[i].complete);
}

static void a_script_stops_at_the_first_error_and_keeps_what_stood_before(void **state)
{
	(void)state;
	static const char TEXT[] = "SELECT 1; SELECT 2; SELECT FROM; SELECT 3";
	Arena arena;
	Error err = ERROR_INIT;
	AstScript script = {0};
	arena_init(&arena, 0);
	assert_false(parse_script(TEXT, strlen(TEXT), &arena, &script, &err));
	assert_int_equal(script.count, 2);
	assert_int_equal(err.span.start, strlen("SELECT 1; SELECT 2; SELECT "));
	arena_release(&arena);
}

static void a_byte_order_mark_is_passed_over(void **state)
{
	(void)state;
	assert_prints("\xef\xbb\xbfSELECT 1", "SELECT 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_print_in_one_spelling),
		cmocka_unit_test(what_is_printed_reads_back_as_the_same),
		cmocka_unit_test(an_expression_alone_can_be_read_and_printed),
		cmocka_unit_test(keywords_are_sorted_and_reserved_ones_never_fall_back),
		cmocka_unit_test(every_keyword_is_a_name_as_it_is_printed),
		cmocka_unit_test(names_of_kafka_and_of_time_need_no_quotes),
		cmocka_unit_test(a_quoted_name_is_never_a_string_nor_a_call),
		cmocka_unit_test(spans_point_into_the_script),
		cmocka_unit_test(parameters_are_numbered_by_name),
		cmocka_unit_test(options_keep_name_kind_and_value),
		cmocka_unit_test(types_of_all_systems_have_one_name),
		cmocka_unit_test(hints_other_than_options_are_noted),
		cmocka_unit_test(chains_of_and_and_or_are_flat),
		cmocka_unit_test(an_explained_statement_has_its_own_text),
		cmocka_unit_test(a_script_splits_at_semicolons_outside_of_quotes_and_comments),
		cmocka_unit_test(a_shell_knows_when_a_statement_is_complete),
		cmocka_unit_test(a_script_stops_at_the_first_error_and_keeps_what_stood_before),
		cmocka_unit_test(a_byte_order_mark_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
