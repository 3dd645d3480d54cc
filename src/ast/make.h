/* What the grammar's actions call: one constructor each, and the state of one parse. Private to ast/ and grammar/parser.y.
 *
 * Constructors of lists take the list so far (NULL: none yet) and one more; all take the tokens that give spans. What is wrong
 * beyond grammar (a name of no bytes, LIMIT twice, too deep) is noted in p->err; the driver stops at the next token.
 */
#ifndef WEIR_AST_MAKE_H
#define WEIR_AST_MAKE_H

#include "ast/ast.h"
#include "lexer.h"
#include "parser.h"

/* A hint comment, waiting for the table whose text ends at `after`. */
typedef struct ParseHint { uint32_t after; Span span; bool taken; } ParseHint;

enum { WORDS_AHEAD = 8, WORDS_POSITIONS = 16 };

/* Tokens on their way from the lexer to the parser: see words.c. */
typedef struct Words {
	Lexer lexer;
	Token ahead[WORDS_AHEAD];
	int first, count;             /* ring */
	uint16_t statement;           /* type of the first token */
	uint16_t previous, previous_2;/* types given to the parser */
	uint16_t raw, raw_2;          /* types that the lexer gave for them */
	uint32_t previous_end;
	int angles;                   /* open ROW< ARRAY< MAP< */
	int parens;
	int positions[WORDS_POSITIONS], position_count;      /* depths of parentheses in which IN belongs to POSITION */
	int json[WORDS_POSITIONS], json_count;               /* depths of parentheses of JSON_OBJECT( and its kin */
	bool json_name;               /* the token before is the name of one of them */
	int interval;                 /* where in an INTERVAL literal: see words.c */
	bool durations;               /* ksqlDB's: a number may be followed by a unit */
} Words;

typedef struct Parse {
	const char *text;
	size_t start, end;            /* of the statement in text */
	Arena *arena;
	Error *err;
	Words words;
	AstStatement *statement;      /* the result */
	AstExpr *expr;                /* the result of parse_expr */
	AstColumnDef column;          /* words behind a column's name and type, until the column is complete */
	AstAlter *alter;              /* its actions so far */
	AstIdents parameters;
	VEC(ParseHint) hints;
	AstIdents passed_over;        /* hints that are words: NOT INDEXED */
	uint32_t row_end;             /* of the last list in parentheses */
} Parse;

#define AST_NO_IDENT ((AstIdent){.text = NULL})
#define AST_NO_TOKEN ((Token){.type = 0})

typedef struct AstFlags { bool replace, temporary; } AstFlags;

/* What follows the body of a query, in any order but ORDER BY first. */
typedef struct AstTail {
	AstOrderTerms order_by;
	AstExpr *limit, *offset;
	bool has_order, has_limit, has_offset, with_ties;
	AstEmit emit;
	Span emit_span, span;
} AstTail;

/* ---- tokens (words.c), errors (syntax_error.c) ---- */
Token words_next(Parse *p);
bool words_phrase(int token, char *text, size_t bytes);   /* "EMIT CHANGES" for the token made of them; false: no such token */
const char *words_unit(int token);                /* "SECOND" for SECOND and SECONDS; NULL: no unit of time */

enum { EXPECTED_MAX = 128 };
/* Tokens that could stand where the error is; operand: an operator is among them; what: "an expression" */
typedef struct ParseExpected { int count; uint16_t tokens[EXPECTED_MAX]; const char *what; bool name, operand; } ParseExpected;
void parse_expect(ParseExpected *expected, int token);
void parse_syntax_error(Parse *p, int type, Token token, ParseExpected *expected);
void parse_bad_token(Parse *p, Token token);
void parse_too_deep(Parse *p);
/* ERR_SYNTAX at a place */
void parse_wrong(Parse *p, Span span, const char *format, ...) __attribute__((format(printf, 3, 4)));

static inline Span token_span(Token token) { return (Span){token.start, token.end}; }
static inline Span span_join(Span a, Span b) { return (Span){a.start, b.end}; }

/* Pushes onto an arena list, made when it is NULL; checks PARSE_LIST_MAX. Gives the list. */
#define AST_PUSH(p_, Type_, list_, ...) __extension__({ \
	Type_ *pushed_ = (list_) ? (list_) : arena_new((p_)->arena, Type_); \
	ast_check_count((p_), pushed_->count); \
	vec_push_in((p_)->arena, pushed_, __VA_ARGS__); \
	pushed_; })
void ast_check_count(Parse *p, int count);
uint16_t ast_depth(Parse *p, int depth);          /* checks AST_DEPTH_MAX */

/* ---- names and words (make.c) ---- */
AstIdent ast_ident(Parse *p, Token token);
AstIdent ast_ident_string(Parse *p, Token token);
AstIdent ast_ident_word(Token token, const char *text);           /* a token that stands for several words */
AstName *ast_name(Parse *p, AstName *name, AstIdent part);
AstName *ast_name_before(Parse *p, AstIdent part, AstName *name);
AstNames *ast_names(Parse *p, AstNames *list, const AstName *name);
AstIdents *ast_idents(Parse *p, AstIdents *list, AstIdent ident);
AstRelationKind ast_relation_kind(Token token);
char *ast_string(Parse *p, Token token);                          /* a STRING token, escapes resolved */
char *ast_string_bytes(Parse *p, Token token, uint32_t *bytes);
char *ast_lower(Parse *p, const char *text);
char *ast_token_text(Parse *p, Token token);
bool ast_ident_is(AstIdent ident, const char *word);              /* unquoted, any case */

AstOptions *ast_options(Parse *p, AstOptions *list, const AstOption *option);
AstOption *ast_option(Parse *p, AstOption *name, const AstOption *value);
AstOption *ast_option_name(Parse *p, const AstName *name);
AstOption *ast_option_name_word(Parse *p, Token token);
AstOption *ast_option_name_string(Parse *p, Token token);
AstOption *ast_option_value(Parse *p, AstOptionKind kind, Token first, Token last);
AstOption *ast_option_value_name(Parse *p, const AstName *name);
AstOption *ast_option_value_interval(Parse *p, const AstExpr *literal);
AstOptions *ast_option_word(Parse *p, const char *name, Token token, AstIdent value);
AstOptions *ast_hint_options(Parse *p, uint32_t after);           /* of the hints behind that place; NULL: none */
void ast_pass_over(Parse *p, Token hint);          /* a hint of words, for the notice */
void ast_collect_hints(Parse *p, AstStatement *statement);        /* those that nobody took */

AstTypeName *ast_type(Parse *p, Token token);
AstTypeName *ast_type_row(Parse *p, Token first, const AstTypeFields *fields, Token last);
AstTypeName *ast_type_array(Parse *p, Token first, AstTypeName *element, Token last);
AstTypeName *ast_type_array_of(Parse *p, AstTypeName *element, Token last);
AstTypeName *ast_type_map(Parse *p, Token first, AstTypeName *key, AstTypeName *element, Token last);
AstTypeName *ast_type_word(Parse *p, AstTypeName *type, Token word);
AstTypeName *ast_type_parameters(Parse *p, AstTypeName *type, Token first, Token second, Token last);
AstTypeFields *ast_type_fields(Parse *p, AstTypeFields *list, const AstTypeField *field);
AstTypeField *ast_type_field(Parse *p, AstIdent name, AstTypeName *type, bool not_null);

/* ---- expressions (make_expr.c) ---- */
AstExprs *ast_exprs(Parse *p, AstExprs *list, AstExpr *expr);
AstExpr *ast_literal(Parse *p, AstLiteralKind kind, Token token);
AstExpr *ast_literal_typed(Parse *p, AstLiteralKind kind, Token word, Token string);
AstExpr *ast_signed_number(Parse *p, Token sign, Token number);
AstExpr *ast_interval(Parse *p, Token word, Token sign, Token value, Token unit, Token to_unit);
AstExpr *ast_duration(Parse *p, AstExpr *interval);
AstExpr *ast_parameter(Parse *p, Token token);
AstExpr *ast_column(Parse *p, const AstName *name);
AstExpr *ast_parenthesis(Parse *p, Token left, AstExpr *expr, Token right);
AstExpr *ast_row(Parse *p, Token left, AstExpr *first, const AstExprs *rest, Token right);
AstExpr *ast_subquery(Parse *p, AstQuery *query);
AstExpr *ast_exists(Parse *p, Token word, AstQuery *query);
AstExpr *ast_array(Parse *p, Token word, const AstExprs *values, Token right);
AstExpr *ast_array_query(Parse *p, Token word, AstQuery *query);
AstExpr *ast_map(Parse *p, Token word, const AstExprs *values, Token right);
AstExpr *ast_cast(Parse *p, Token word, AstExpr *expr, AstTypeName *type, Token right);
AstExpr *ast_cast_literal(Parse *p, Token type, Token string);
AstExpr *ast_cast_postfix(Parse *p, AstExpr *expr, Token op, AstTypeName *type);
AstExpr *ast_case(Parse *p, Token word, AstExpr *operand, const AstExprs *whens, AstExpr *otherwise, Token last);
AstExpr *ast_field(Parse *p, AstExpr *expr, AstIdent field);
AstExpr *ast_subscript(Parse *p, AstExpr *expr, AstExpr *index, Token right);
AstExpr *ast_slice(Parse *p, AstExpr *expr, AstExpr *from, AstExpr *to, Token right);
AstExpr *ast_collate(Parse *p, AstExpr *expr, Token word, AstIdent collation);
AstExpr *ast_at_time_zone(Parse *p, AstExpr *expr, Token word, AstExpr *zone);
AstExpr *ast_unary(Parse *p, Token op, AstExpr *expr);
AstExpr *ast_binary(Parse *p, AstExpr *left, Token op, AstExpr *right);
AstExpr *ast_logic(Parse *p, AstExprKind kind, AstExpr *left, Token op, AstExpr *right);
AstExpr *ast_is(Parse *p, AstExpr *left, Token op, bool negated, AstExpr *right);
AstExpr *ast_is_null(Parse *p, AstExpr *left, Token op, bool negated, Token last);
AstExpr *ast_regex(Parse *p, AstExpr *left, Token op, AstExpr *right);
AstExpr *ast_like(Parse *p, AstExpr *left, bool negated, Token op, AstExpr *right, AstExpr *escape);
AstExpr *ast_between(Parse *p, AstExpr *left, bool negated, Token op, bool symmetric, AstExpr *low, AstExpr *high);
AstExpr *ast_in(Parse *p, AstExpr *left, bool negated, Token op, AstExpr *what);
AstExpr *ast_in_list(Parse *p, Token left, const AstExprs *list, Token right);
AstExpr *ast_in_query(Parse *p, AstQuery *query);
AstExpr *ast_in_relation(Parse *p, const AstName *name);
AstExpr *ast_in_function(Parse *p, AstName *name, AstArguments *arguments, Token right);
AstExpr *ast_quantified(Parse *p, AstExpr *left, Token op, Token quantifier, AstExpr *right);
AstExpr *ast_default(Parse *p, Token word);
AstExpr *ast_relation(Parse *p, Token word, const AstName *name, AstQuery *query);
AstExpr *ast_relation_split(Parse *p, AstExpr *relation, const AstExpr *split);
AstExpr *ast_split(Parse *p, Token word, AstExpr *partition_by, const AstOrderTerm *order_by);

/* ---- calls and windows (make_call.c) ---- */
AstArguments *ast_arguments(Parse *p, AstArguments *list, AstArgument argument);
AstArgument ast_argument(AstIdent name, AstExpr *value);
AstExpr *ast_call(Parse *p, AstName *name, bool distinct, const AstArguments *arguments, const AstOrderTerms *order_by, Token right);
AstExpr *ast_call_word(Parse *p, const char *name, Span name_span, AstExpr *const *arguments, int count, Span span);
AstExpr *ast_call_star(Parse *p, AstName *name, Token right);
AstExpr *ast_call_from(Parse *p, AstName *name, AstExpr *what, AstExpr *from, AstExpr *count, Token right);
AstExpr *ast_call_trim(Parse *p, AstName *name, Token side, AstExpr *what, AstExpr *from, Token right);
AstExpr *ast_call_overlay(Parse *p, AstName *name, AstExpr *what, AstExpr *placing, AstExpr *from, AstExpr *count, Token right);
AstExpr *ast_call_position(Parse *p, AstName *name, AstExpr *what, AstExpr *in, Token right);
typedef enum JsonClauseKind { JSON_RETURNING, JSON_ON_NULL, JSON_ON_EMPTY, JSON_ON_ERROR, JSON_WRAPPER } JsonClauseKind;
typedef struct JsonClause {
	JsonClauseKind kind;
	Span span;
	AstTypeName *type;            /* JSON_RETURNING */
	AstExpr *value;               /* JSON_ON_EMPTY, JSON_ON_ERROR: NULL stands for the literal NULL; JSON_WRAPPER: the function */
	const char *word;             /* "absent", "error", "unconditional" ...; else NULL */
} JsonClause;
typedef VEC(JsonClause) JsonClauses;
AstArguments *ast_json_member(Parse *p, AstArguments *list, AstExpr *key, AstExpr *value);
JsonClauses *ast_json_clauses(Parse *p, JsonClauses *list, JsonClause clause);
JsonClause ast_json_clause(Parse *p, Token token);
JsonClause ast_json_returning(Token token, AstTypeName *type);
JsonClause ast_json_default(Parse *p, Token token, AstExpr *value, Token on);
AstExpr *ast_call_json(Parse *p, AstName *name, const AstArguments *arguments, const JsonClauses *clauses, const AstOrderTerms *order_by, Token right);
AstExpr *ast_is_json(Parse *p, AstExpr *left, Token op, bool negated, Token kind);
AstExpr *ast_overlaps(Parse *p, AstExpr *left, Token op, AstExpr *right);
AstExpr *ast_call_to(Parse *p, AstName *name, AstExpr *what, AstIdent unit, Token right);
AstExpr *ast_call_nulls(Parse *p, AstExpr *call, Token word);
AstExpr *ast_call_within_group(Parse *p, AstExpr *call, const AstOrderTerms *order_by, Token right);
AstExpr *ast_call_filter(Parse *p, AstExpr *call, AstExpr *filter, Token right);
AstExpr *ast_call_over_name(Parse *p, AstExpr *call, AstIdent window);
AstExpr *ast_call_over(Parse *p, AstExpr *call, AstWindow *window, Token right);
AstWindow *ast_window(Parse *p, const AstExprs *partition_by, const AstOrderTerms *order_by, AstFrame *frame);
AstWindow *ast_window_based(AstWindow *window, AstIdent base);
AstWindow *ast_window_named(Parse *p, AstIdent name, AstWindow *window, Token right);
AstWindows *ast_windows(Parse *p, AstWindows *list, AstWindow *window);
AstOrderTerms *ast_order_terms(Parse *p, AstOrderTerms *list, const AstOrderTerm *term);
AstOrderTerm *ast_order_term(Parse *p, AstExpr *expr, bool descending, AstNulls nulls);
AstFrame *ast_frame(Parse *p, Token unit, const AstBound *start, const AstBound *end, AstFrameExclude exclude);
AstBound *ast_bound(Parse *p, AstBoundKind kind, AstExpr *offset);

/* ---- queries (make_query.c) ---- */
AstQuery *ast_query(Parse *p, AstWith *with, AstBody *body, const AstTail *tail);
AstQuery *ast_query_parens(Parse *p, Token left, AstQuery *query, Token right);
AstBody *ast_body_query(Parse *p, AstQuery *query);
AstBody *ast_body_select(Parse *p, AstSelect *select);
AstBody *ast_body_set(Parse *p, AstBody *left, Token op, bool all, AstBody *right);
AstIdents *ast_corresponding(Parse *p, AstIdent word, AstIdent by, const AstIdents *columns);
AstBody *ast_body_set_by_name(AstBody *set, const AstIdents *columns);
AstBody *ast_values(Parse *p, AstBody *values, Token word, const AstExprs *row);
void ast_row_end(Parse *p, Token right);
AstTail *ast_tail_add(Parse *p, AstTail *tail, const AstTail *part);
AstTail *ast_tail_order(Parse *p, Token word, const AstOrderTerms *terms);
AstTail *ast_tail_limit(Parse *p, Token word, AstExpr *limit, AstExpr *offset);
AstTail *ast_tail_offset(Parse *p, Token word, AstExpr *offset);
AstTail *ast_tail_fetch(Parse *p, Token word, AstExpr *limit, bool with_ties);
AstTail *ast_tail_emit(Parse *p, Token word, AstEmit emit);
AstWith *ast_with(Parse *p, Token word, bool recursive, AstWith *ctes);
AstWith *ast_ctes(Parse *p, AstWith *list, const AstCte *cte);
AstCte *ast_cte(Parse *p, AstIdent name, const AstIdents *columns, AstQuery *query);
AstSelect *ast_select_head(Parse *p, Token word, bool stream, bool distinct, const AstExprs *distinct_on);
AstSelect *ast_select(AstSelect *head, const AstItems *items, AstTable *from, AstKsqlWindow *window);
void ast_select_filters(AstSelect *select, AstExpr *where, const AstExprs *partition_by, const AstGroupings *group_by, AstExpr *having);
void ast_select_windows(AstSelect *select, const AstWindows *windows, AstExpr *qualify);
AstItems *ast_items(Parse *p, AstItems *list, const AstItem *item);
AstItem *ast_item(Parse *p, AstExpr *expr, AstIdent alias);
AstItem *ast_item_star(Parse *p, const AstName *name, Token star, const AstIdents *except);
AstGroupings *ast_groupings(Parse *p, AstGroupings *list, AstGrouping *grouping);
AstGrouping *ast_grouping(Parse *p, AstExpr *expr);
AstGrouping *ast_grouping_empty(Parse *p, Token left, Token right);
AstGrouping *ast_grouping_sets(Parse *p, Token word, const AstGroupings *sets, Token right);
AstKsqlWindow *ast_ksql_window(Parse *p, Token word, AstKsqlWindowKind kind, AstKsqlWindow *parts, Token right);
AstKsqlWindow *ast_ksql_window_add(Parse *p, AstKsqlWindow *window, const AstKsqlWindow *part);
AstKsqlWindow *ast_ksql_part(Parse *p, Token word, AstExpr *interval);

/* ---- tables in FROM (make_table.c) ---- */
AstTable *ast_join_comma(Parse *p, AstTable *left, Token comma, AstTable *right);
AstTable *ast_join(Parse *p, AstTable *left, AstTable *join, AstTable *right, const AstTable *within, const AstTable *on);
AstTable *ast_join_word(Parse *p, AstTable *words, Token word);
AstTable *ast_join_on(Parse *p, AstExpr *on, const AstIdents *using_columns);
AstTable *ast_within(Parse *p, AstExpr *before, AstExpr *after, AstExpr *grace);
AstTable *ast_alias(Parse *p, AstIdent name, const AstIdents *columns);
AstTable *ast_table_alias(Parse *p, AstTable *table, const AstTable *alias);
AstTable *ast_table_name(Parse *p, const AstName *name, AstExpr *as_of);
AstTable *ast_table_query(Parse *p, AstQuery *query, bool lateral);
AstTable *ast_table_function(Parse *p, AstExpr *call, bool lateral, bool with_ordinality);
AstTable *ast_table_parens(Parse *p, Token left, AstTable *table, Token right, const AstTable *alias);

/* ---- statements (make_statement.c); node is what the kind's member of the union points to ---- */
AstStatement *ast_statement(Parse *p, AstStatementKind kind, void *node);
AstStatement *ast_explained(Parse *p, AstStatementKind kind, void *node);
AstInsert *ast_insert(Parse *p, AstOrAction action, const AstName *target);
AstInsert *ast_insert_source(Parse *p, AstQuery *query, const AstOptions *options);
AstInsert *ast_insert_finish(AstInsert *insert, AstIdent alias, const AstInsert *source, const AstInsert *conflicts, const AstItems *returning);
AstInsert *ast_conflicts(Parse *p, AstInsert *list, const AstConflict *conflict);
AstConflict *ast_conflict_target(Parse *p, const AstIdents *columns, AstExpr *where);
AstConflict *ast_conflict_nothing(Parse *p, Token word, AstConflict *target, Token last);
AstConflict *ast_conflict_update(Parse *p, Token word, AstConflict *target, const AstAssignments *assignments, AstExpr *where);
AstAssignments *ast_assignments(Parse *p, AstAssignments *list, const AstAssignment *assignment);
AstAssignment *ast_assignment(Parse *p, const AstIdents *columns, AstExpr *value);
AstUpdate *ast_update(Parse *p, AstOrAction action, const AstName *target, AstIdent alias, const AstAssignments *assignments);
void ast_update_finish(Parse *p, AstUpdate *update, AstTable *from, AstExpr *where, const AstItems *returning);
AstDelete *ast_delete(Parse *p, const AstName *target, AstIdent alias, AstTable *using_tables, AstExpr *where, const AstItems *returning);
AstStatement *ast_show(Parse *p, const AstIdents *words, const AstName *from, Token like);
AstStatement *ast_show_all(Parse *p, Token all, const AstIdents *words);
AstStatement *ast_show_setting(Parse *p, const AstOption *setting);
AstStatement *ast_show_create(Parse *p, Token word, Token kind, const AstName *name);
AstStatement *ast_describe(Parse *p, bool extended, Token kind, const AstName *name, AstQuery *query);
AstStatement *ast_describe_function(Parse *p, AstIdent name);
AstStatement *ast_explain(Parse *p, AstIdents *stages, const AstOptions *options, AstStatement *statement);
AstStatement *ast_explain_name(Parse *p, AstIdents *stages, const AstOptions *options);
AstStatement *ast_set_show(Parse *p, Token word);
AstStatement *ast_set(Parse *p, const AstOption *option);
AstStatement *ast_set_time_zone(Parse *p, AstIdent time, AstIdent zone, const AstOption *value);
AstStatement *ast_reset(Parse *p, const AstOption *name);
AstStatement *ast_transaction(Parse *p, AstTransactionKind kind, AstIdent name);
AstStatement *ast_statement_set(Parse *p);
AstStatement *ast_close(Parse *p, const AstNames *names);
AstStatement *ast_pause(Parse *p, Token word, Token kind, const AstNames *names, AstResumeFrom from, const AstOptions *options);
AstStatement *ast_subscribe(Parse *p, const AstName *name, AstQuery *query, AstExpr *since, const AstOptions *options, AstExpr *limit);
AstStatement *ast_print(Parse *p, AstStatementKind kind, AstIdent topic, bool from_beginning, AstExpr *interval, AstExpr *limit,
	const AstOptions *options);
AstStatement *ast_use(Parse *p, AstIdent what, const AstName *name);

/* ---- definitions (make_define.c) ---- */
AstCreateRelation *ast_create_relation(Parse *p, Token kind, AstFlags flags, bool if_not_exists, const AstName *name, const AstCreateRelation *definitions);
void ast_create_cascade(Parse *p, Token word, bool or_replace, bool *cascade);
AstStatement *ast_create_relation_as(Parse *p, AstCreateRelation *relation, AstQuery *query);
void ast_create_options(Parse *p, AstCreateRelation *relation, const AstOptions *options);
void ast_create_include(Parse *p, AstCreateRelation *relation, const AstInclude *include);
void ast_create_on_conflict(Parse *p, AstCreateRelation *relation, Token token, Token end, const char *what);
void ast_create_version(Parse *p, AstCreateRelation *relation, Token token, AstIdent word, const AstIdents *columns);
void ast_create_option_word(Parse *p, AstCreateRelation *relation, const char *name, Token token, AstIdent value);
AstCreateRelation *ast_definitions_add(Parse *p, AstCreateRelation *list, const AstCreateRelation *definition);
AstCreateRelation *ast_definition_column(Parse *p, const AstColumnDef *column);
AstCreateRelation *ast_definition_constraint(Parse *p, const AstConstraint *constraint);
AstCreateRelation *ast_definition_watermark(Parse *p, const AstWatermark *watermark);
AstCreateRelation *ast_definition_star(Parse *p);
AstWatermark *ast_watermark(Parse *p, Token word, const AstName *column, AstExpr *expr);
AstConstraint *ast_constraint(Parse *p, AstConstraintKind kind, Token word, const AstIdents *columns, AstExpr *check, Token last);
AstConstraint *ast_constraint_foreign(Parse *p, Token word, const AstIdents *columns, const AstName *references, const AstIdents *referenced, Token last);
AstConstraint *ast_constraint_named(Parse *p, Token word, AstIdent name, AstConstraint *constraint);
AstColumnDef *ast_column_def(Parse *p, AstIdent name, AstTypeName *type);
void ast_column_end(Parse *p, Token word, Span last);
void ast_column_flag(Parse *p, Token word, bool *flag);
void ast_column_check(Parse *p, AstExpr *check, Token last);
void ast_column_expr(Parse *p, Token word, AstExpr **place, AstExpr *expr);
void ast_column_computed(Parse *p, Token word, AstExpr *expr);
void ast_column_metadata(Parse *p, Token word, Token key, bool has_key);
void ast_column_headers(Parse *p, Token word, Token header, bool has_header);
void ast_column_path(Parse *p, Token word, Token path);
void ast_column_comment(Parse *p, Token word, Token comment);
void ast_column_references(Parse *p, Token word, const AstName *name, const AstIdents *columns);
AstFormat *ast_format(Parse *p, AstIdent format, AstIdent encode, AstIdent key_encode, const AstOptions *options);
AstInclude *ast_include(Parse *p, Token word, AstIdent what, Token header, AstTypeName *type, AstIdent alias);
AstCreateView *ast_create_view(Parse *p, Token kind, AstFlags flags, bool if_not_exists, const AstName *name, const AstIdents *columns);
void ast_view_options(Parse *p, AstCreateView *view, const AstOptions *options);
AstStatement *ast_create_view_as(Parse *p, AstCreateView *view, AstQuery *query, const AstOptions *options);
AstCreateSink *ast_create_sink(Parse *p, AstFlags flags, bool if_not_exists, const AstName *name, const AstName *into);
AstCreateSink *ast_sink_from(Parse *p, AstCreateSink *sink, const AstName *from, AstQuery *query);
void ast_sink_options(Parse *p, AstCreateSink *sink, const AstOptions *options);
AstCreateIndex *ast_create_index(Parse *p, Token word, bool if_not_exists, const AstName *name, const AstName *relation, const AstOrderTerms *terms);
AstStatement *ast_create_index_where(Parse *p, AstCreateIndex *index, AstExpr *where);
AstStatement *ast_alter(Parse *p, Token kind, bool if_exists, const AstName *name, bool cascade);
void ast_alter_column(Parse *p, Token word, const AstColumnDef *column, bool if_not_exists);
void ast_alter_constraint(Parse *p, Token word, const AstConstraint *constraint);
void ast_alter_watermark(Parse *p, Token word, const AstWatermark *watermark);
void ast_alter_definitions(Parse *p, Token word, const AstCreateRelation *definitions);
void ast_alter_name(Parse *p, AstAlterKind kind, Token word, AstIdent name, bool if_exists);
void ast_alter_drop_columns(Parse *p, Token word, const AstIdents *columns);
void ast_alter_plain(Parse *p, AstAlterKind kind, Token word);
void ast_alter_rename(Parse *p, Token word, const AstIdent *old_name, AstIdent name);
void ast_alter_type(Parse *p, Token word, AstIdent column, AstTypeName *type);
void ast_alter_default(Parse *p, Token word, AstIdent column, AstExpr *value);
void ast_alter_options(Parse *p, AstAlterKind kind, Token word, const AstOptions *options);
AstStatement *ast_drop(Parse *p, Token kind, bool temporary, bool if_exists, const AstNames *names, bool cascade);
AstStatement *ast_truncate(Parse *p, const AstNames *names);

#endif
