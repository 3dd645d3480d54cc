/* The grammar of Weir's SQL, for lemon. Grouped by statement; every action is one call of a constructor in src/ast/make.h.
 *
 * Words that are keywords only beside certain others (EMIT CHANGES, FETCH FIRST, OVER (, AT TIME ZONE ...) arrive here as tokens
 * of their own, see src/ast/words.c: what follows an expression or a table name must never be a %fallback word, because there
 * a name may stand too (an alias), and lemon's default reductions would let the name win.
 */
%name SqlParser
%token_prefix TK_
%token_type {Token}
%extra_argument {Parse *p}
%stack_size 12000
%start_symbol input

%include {
#include "ast/make.h"

#define YYNOERRORRECOVERY 1
}

%syntax_error {
	ParseExpected expected = {.count = 0};
	int state = yypParser->yytos->stateno, name_action = yy_find_shift_action(TK_ID, (YYACTIONTYPE)state);
	for (int token = 1; token < YYNTOKEN; token++) {
		int action = yy_find_shift_action((YYCODETYPE)token, (YYACTIONTYPE)state);
		if (action == YY_ERROR_ACTION || (token != TK_ID && SqlParserFallback(token) && action == name_action)) continue;
		parse_expect(&expected, token);
	}
	parse_syntax_error(p, yymajor, TOKEN, &expected);
}
%stack_overflow { parse_too_deep(p); }

%fallback ID
	ABORT ADD ADVANCE ALTER ALWAYS ANALYZE APPEND ASC AUTOINCREMENT BEGIN BEGINNING BIT BY CATALOG CHANGES CHAR CHARACTER
	CHECKPOINT CLOSE COLUMN COMMIT CONFLICT CUBE CUMULATE CURRENT DATA DATABASE DAY DAYS DEFERRED DESC DESCRIBE DO DOUBLE
	ENCODE END ENFORCED EXCLUDE EXCLUDING EXCLUSIVE EXECUTE EXPLAIN EXTENDED FAIL FINAL FIRST FLUSH FOLLOWING FUNCTION FUNCTIONS
	GAP GENERATED GRACE GROUPING GROUPS HEADER HEADERS HOPPING HOUR HOURS IF IGNORE IMMEDIATE INCLUDING INDEX INDEXED INDEXES KEY LAST
	LIST LOCAL MATERIALIZED METADATA MICROSECOND MICROSECONDS MILLISECOND MILLISECONDS MINUTE MINUTES MODIFY MODULES MONTH MONTHS
	MULTISET NEXT NO NOTHING NOW NULLS OF ONLY ORDINALITY OTHERS PARTITION PARTITIONED PAUSE PEEK PERIOD PLAN POSITION PRECEDING
	PRECISION PRINT QUARTER QUARTERS QUERY RANGE REBUILD RECURSIVE RELEASE RENAME REPLACE RESET RESPECT RESUME RETENTION ROLLBACK
	ROLLUP ROW ROWS SAFE_CAST SAVEPOINT SECOND SECONDS SESSION SETS SHOW SINCE SINK SINKS SIZE SNAPSHOT SOME SOURCE SOURCES START STATEMENT
	STORED STREAM STREAMS STRUCT SUBSCRIBE SYSTEM_TIME TABLES TEMP TEMPORARY TIES TIMESTAMP_LTZ TOPICS TRANSACTION TRUNCATE TUMBLING TYPE
	UNBOUNDED UNSET USE VARYING VIEW VIEWS VIRTUAL WATERMARK WEEK WEEKS WITHOUT WORK YEAR YEARS ZONE.
%token AT EMIT SEMICOLON PIVOT UNPIVOT TABLESAMPLE MATCH_RECOGNIZE TRIM EXTRACT SUBSTRING OVERLAY.

/* LOWEST: rules that give way to whatever may follow; the words beside it are what may follow */
%left LOWEST.
%left AS ORDER FROM TO IGNORE_NULLS RESPECT_NULLS.
%left OR.
%left AND.
%right NOT.
%left IS OVERLAPS LIKE ILIKE GLOB REGEXP RLIKE MATCH SIMILAR TILDE TILDE_STAR NOT_TILDE NOT_TILDE_STAR BETWEEN IN ISNULL NOTNULL NE EQ.
%left GT LE LT GE.
%right ESCAPE.
%left BITAND BITOR BITXOR LSHIFT RSHIFT.
%left PLUS MINUS.
%left STAR SLASH REM.
%left CONCAT ARROW ARROW_TEXT PATH PATH_TEXT.
%left COLLATE AT_TIME_ZONE AT_LOCAL.
%right BITNOT.
%left DOUBLE_COLON.
%left LBRACKET.
%left DOT.
%left UNION EXCEPT INTERSECT.
%left RP.

input ::= command(S). { p->statement = S; }
input ::= EXPR_ALONE expr(E). { p->expr = E; }

/* ---- names ---- */

%type nm {AstIdent}
nm(A) ::= ID(T). { A = ast_ident(p, T); }

%type name {AstName *}
name(A) ::= nm(N). { A = ast_name(p, NULL, N); }
name(A) ::= name(L) DOT nm(N). { A = ast_name(p, L, N); }

%type names {AstNames *}
names(A) ::= name(N). { A = ast_names(p, NULL, N); }
names(A) ::= names(L) COMMA name(N). { A = ast_names(p, L, N); }

%type idents {AstIdents *}
idents(A) ::= nm(N). { A = ast_idents(p, NULL, N); }
idents(A) ::= idents(L) COMMA nm(N). { A = ast_idents(p, L, N); }

%type words {AstIdents *}
words(A) ::= nm(N). { A = ast_idents(p, NULL, N); }
words(A) ::= words(L) nm(N). { A = ast_idents(p, L, N); }

%type columns_opt {AstIdents *}
columns_opt(A) ::= . { A = NULL; }
columns_opt(A) ::= LP idents(L) RP. { A = L; }

%type as_opt {AstIdent}
as_opt(A) ::= . [LOWEST] { A = AST_NO_IDENT; }
as_opt(A) ::= AS nm(N). { A = N; }
as_opt(A) ::= AS STRING(T). { A = ast_ident_string(p, T); }
as_opt(A) ::= nm(N). { A = N; }
as_opt(A) ::= STRING(T). { A = ast_ident_string(p, T); }

/* ---- options ---- */

%type options {AstOptions *}
options(A) ::= option(O). { A = ast_options(p, NULL, O); }
options(A) ::= options(L) COMMA option(O). { A = ast_options(p, L, O); }

%type option {AstOption *}
option(A) ::= option_name(N) EQ option_value(V). { A = ast_option(p, N, V); }
option(A) ::= TABLE(T) EQ option_value(V). { A = ast_option(p, ast_option_name_word(p, T), V); }

%type option_name {AstOption *}
option_name(A) ::= name(N). { A = ast_option_name(p, N); }
option_name(A) ::= STRING(T). { A = ast_option_name_string(p, T); }

%type option_value {AstOption *}
option_value(A) ::= STRING(T). { A = ast_option_value(p, AST_OPTION_STRING, T, T); }
option_value(A) ::= number(T). { A = ast_option_value(p, AST_OPTION_NUMBER, T, T); }
option_value(A) ::= PLUS number(T). { A = ast_option_value(p, AST_OPTION_NUMBER, T, T); }
option_value(A) ::= MINUS(M) number(T). { A = ast_option_value(p, AST_OPTION_NUMBER, M, T); }
option_value(A) ::= TRUE|FALSE(T). { A = ast_option_value(p, AST_OPTION_BOOLEAN, T, T); }
option_value(A) ::= NULL(T). { A = ast_option_value(p, AST_OPTION_NULL, T, T); }
option_value(A) ::= PARAM(T). { A = ast_option_value(p, AST_OPTION_PARAMETER, T, T); }
option_value(A) ::= ON(T). { A = ast_option_value(p, AST_OPTION_WORD, T, T); }
option_value(A) ::= name(N). { A = ast_option_value_name(p, N); }
option_value(A) ::= interval(E). { A = ast_option_value_interval(p, E); }

%type number {Token}
number(A) ::= INTEGER|DECIMAL|REAL(T). { A = T; }

%type with_options {AstOptions *}
with_options(A) ::= WITH LP options(L) RP. { A = L; }

%type with_options_opt {AstOptions *}
with_options_opt(A) ::= . { A = NULL; }
with_options_opt(A) ::= with_options(L). { A = L; }

/* EXPLAIN (VERBOSE, FORMAT x), RESET (a, b): values may be left out */
%type flags {AstOptions *}
flags(A) ::= flag(O). { A = ast_options(p, NULL, O); }
flags(A) ::= flags(L) COMMA flag(O). { A = ast_options(p, L, O); }
%type flag {AstOption *}
flag(A) ::= option_name(N). { A = N; }
flag(A) ::= option_name(N) option_value(V). { A = ast_option(p, N, V); }
flag(A) ::= option(O). { A = O; }

/* ---- types ---- */

%type type_start {AstTypeName *}
type_start(A) ::= ID(T). { A = ast_type(p, T); }
type_start(A) ::= TYPE_WORDS(T). { A = ast_type(p, T); }
type_start(A) ::= ROW_TYPE(T) fields(F) GT(E). { A = ast_type_row(p, T, F, E); }
type_start(A) ::= ROW_OF(T) LP fields(F) RP(E). { A = ast_type_row(p, T, F, E); }
type_start(A) ::= ARRAY_TYPE(T) element(X) GT(E). { A = ast_type_array(p, T, X, E); }
type_start(A) ::= MAP_TYPE(T) element(K) COMMA element(V) GT(E). { A = ast_type_map(p, T, K, V, E); }

/* where nothing but a type can stand: several words, as in SQLite */
%type type {AstTypeName *}
type(A) ::= type_start(A).
type(A) ::= type(L) ID(T). { A = ast_type_word(p, L, T); }
type(A) ::= type(L) ZONE_SUFFIX(T). { A = ast_type_word(p, L, T); }
type(A) ::= type(L) LP INTEGER(X) RP(E). { A = ast_type_parameters(p, L, X, X, E); }
type(A) ::= type(L) LP INTEGER(X) COMMA INTEGER(Y) RP(E). { A = ast_type_parameters(p, L, X, Y, E); }
type(A) ::= type(L) ARRAY_SUFFIX(T). { A = ast_type_array_of(p, L, T); }

/* behind :: */
%type short_type {AstTypeName *}
short_type(A) ::= type_start(A).
short_type(A) ::= short_type(L) ZONE_SUFFIX(T). { A = ast_type_word(p, L, T); }
short_type(A) ::= short_type(L) LP INTEGER(X) RP(E). { A = ast_type_parameters(p, L, X, X, E); }
short_type(A) ::= short_type(L) LP INTEGER(X) COMMA INTEGER(Y) RP(E). { A = ast_type_parameters(p, L, X, Y, E); }
short_type(A) ::= short_type(L) ARRAY_SUFFIX(T). { A = ast_type_array_of(p, L, T); }

%type element {AstTypeName *}
element(A) ::= type(A).
element(A) ::= type(T) NOT NULL. { A = T; }
element(A) ::= type(T) NULL. { A = T; }

%type fields {AstTypeFields *}
fields(A) ::= field(F). { A = ast_type_fields(p, NULL, F); }
fields(A) ::= fields(L) COMMA field(F). { A = ast_type_fields(p, L, F); }
%type field {AstTypeField *}
field(A) ::= nm(N) type(T). { A = ast_type_field(p, N, T, false); }
field(A) ::= nm(N) type(T) NULL. { A = ast_type_field(p, N, T, false); }
field(A) ::= nm(N) type(T) NOT NULL. { A = ast_type_field(p, N, T, true); }

/* ---- expressions ---- */

%type expr {AstExpr *}
%type exprs {AstExprs *}
exprs(A) ::= expr(E). { A = ast_exprs(p, NULL, E); }
exprs(A) ::= exprs(L) COMMA expr(E). { A = ast_exprs(p, L, E); }
%type exprs_opt {AstExprs *}
exprs_opt(A) ::= . { A = NULL; }
exprs_opt(A) ::= exprs(L). { A = L; }

%type literal {AstExpr *}
literal(A) ::= NULL(T). { A = ast_literal(p, AST_NULL, T); }
literal(A) ::= TRUE(T). { A = ast_literal(p, AST_TRUE, T); }
literal(A) ::= FALSE(T). { A = ast_literal(p, AST_FALSE, T); }
literal(A) ::= INTEGER(T). { A = ast_literal(p, AST_INTEGER, T); }
literal(A) ::= DECIMAL(T). { A = ast_literal(p, AST_DECIMAL, T); }
literal(A) ::= REAL(T). { A = ast_literal(p, AST_REAL, T); }
literal(A) ::= STRING(T). { A = ast_literal(p, AST_STRING, T); }
literal(A) ::= BLOB(T). { A = ast_literal(p, AST_BLOB, T); }
literal(A) ::= DATE(T) STRING(S). { A = ast_literal_typed(p, AST_DATE, T, S); }
literal(A) ::= TIME(T) STRING(S). { A = ast_literal_typed(p, AST_TIME, T, S); }
literal(A) ::= TIMESTAMP(T) STRING(S). { A = ast_literal_typed(p, AST_TIMESTAMP, T, S); }
literal(A) ::= TIMESTAMPTZ(T) STRING(S). { A = ast_literal_typed(p, AST_TIMESTAMPTZ, T, S); }
literal(A) ::= interval(A).

/* UNIT tokens stand only behind the value of an interval */
%type interval {AstExpr *}
interval(A) ::= INTERVAL(T) sign(M) interval_value(V). { A = ast_interval(p, T, M, V, AST_NO_TOKEN, AST_NO_TOKEN); }
interval(A) ::= INTERVAL(T) sign(M) interval_value(V) unit(U). [LOWEST] { A = ast_interval(p, T, M, V, U, U); }
interval(A) ::= INTERVAL(T) sign(M) interval_value(V) unit(U) TO unit(W). { A = ast_interval(p, T, M, V, U, W); }
%type sign {Token}
sign(A) ::= . { A = AST_NO_TOKEN; }
sign(A) ::= PLUS. { A = AST_NO_TOKEN; }
sign(A) ::= MINUS(T). { A = T; }
%type interval_value {Token}
interval_value(A) ::= STRING(T). { A = T; }
interval_value(A) ::= number(T). { A = T; }
%type unit {Token}
unit(A) ::= UNIT(T). { A = T; }
unit(A) ::= UNIT(T) LP INTEGER RP. { A = T; }
unit(A) ::= UNIT(T) LP INTEGER COMMA INTEGER RP. { A = T; }

/* ksqlDB: 10 SECONDS */
%type duration {AstExpr *}
duration(A) ::= number(V) UNIT(U). { A = ast_interval(p, V, AST_NO_TOKEN, V, U, U); }
duration(A) ::= interval(E). { A = ast_duration(p, E); }

expr(A) ::= literal(A).
expr(A) ::= LITERAL_TYPE(T) STRING(S). { A = ast_cast_literal(p, T, S); }
expr(A) ::= PARAM(T). { A = ast_parameter(p, T); }
expr(A) ::= name(N). [LBRACKET] { A = ast_column(p, N); }
expr(A) ::= call(A). [LOWEST]
expr(A) ::= LP(L) expr(E) RP(R). { A = ast_parenthesis(p, L, E, R); }
expr(A) ::= LP(L) expr(E) COMMA exprs(X) RP(R). { A = ast_row(p, L, E, X, R); }
expr(A) ::= ROW_OF(L) LP exprs_opt(X) RP(R). { A = ast_row(p, L, NULL, X, R); }
expr(A) ::= parens(Q). [LOWEST] { A = ast_subquery(p, Q); }
expr(A) ::= EXISTS(T) parens(Q). { A = ast_exists(p, T, Q); }
expr(A) ::= ARRAY(T) LBRACKET exprs_opt(X) RBRACKET(R). { A = ast_array(p, T, X, R); }
expr(A) ::= ARRAY(T) ARRAY_SUFFIX(R). { A = ast_array(p, T, NULL, R); }
expr(A) ::= ARRAY_QUERY(T) parens(Q). { A = ast_array_query(p, T, Q); }
expr(A) ::= MAP(T) LBRACKET exprs_opt(X) RBRACKET(R). { A = ast_map(p, T, X, R); }
expr(A) ::= MAP(T) ARRAY_SUFFIX(R). { A = ast_map(p, T, NULL, R); }
expr(A) ::= CAST(T) LP expr(E) AS type(Y) RP(R). { A = ast_cast(p, T, E, Y, R); }
expr(A) ::= TRY_CAST(T) LP expr(E) AS type(Y) RP(R). { A = ast_cast(p, T, E, Y, R); }
expr(A) ::= CASE(T) case_operand(O) case_whens(W) case_else(X) END(R). { A = ast_case(p, T, O, W, X, R); }

expr(A) ::= expr(E) DOT nm(N). { A = ast_field(p, E, N); }
expr(A) ::= expr(E) LBRACKET expr(I) RBRACKET(R). { A = ast_subscript(p, E, I, R); }
expr(A) ::= expr(E) LBRACKET slice_end(I) COLON slice_end(J) RBRACKET(R). { A = ast_slice(p, E, I, J, R); }
expr(A) ::= expr(E) DOUBLE_COLON(T) short_type(Y). { A = ast_cast_postfix(p, E, T, Y); }
expr(A) ::= expr(E) COLLATE(T) nm(N). { A = ast_collate(p, E, T, N); }
expr(A) ::= expr(E) AT_TIME_ZONE(T) expr(Z). { A = ast_at_time_zone(p, E, T, Z); }
expr(A) ::= expr(E) AT_LOCAL(T). { A = ast_at_time_zone(p, E, T, NULL); }

%type slice_end {AstExpr *}
slice_end(A) ::= . { A = NULL; }
slice_end(A) ::= expr(A).

expr(A) ::= MINUS(T) expr(E). [BITNOT] { A = ast_unary(p, T, E); }
expr(A) ::= PLUS(T) expr(E). [BITNOT] { A = ast_unary(p, T, E); }
expr(A) ::= BITNOT(T) expr(E). { A = ast_unary(p, T, E); }
expr(A) ::= NOT(T) expr(E). { A = ast_unary(p, T, E); }

expr(A) ::= expr(X) AND(T) expr(Y). { A = ast_logic(p, AST_AND, X, T, Y); }
expr(A) ::= expr(X) OR(T) expr(Y). { A = ast_logic(p, AST_OR, X, T, Y); }
expr(A) ::= expr(X) LT|GT|LE|GE(T) expr(Y). { A = ast_binary(p, X, T, Y); }
expr(A) ::= expr(X) EQ|NE(T) expr(Y). { A = ast_binary(p, X, T, Y); }
expr(A) ::= expr(X) BITAND|BITOR|BITXOR|LSHIFT|RSHIFT(T) expr(Y). { A = ast_binary(p, X, T, Y); }
expr(A) ::= expr(X) PLUS|MINUS(T) expr(Y). { A = ast_binary(p, X, T, Y); }
expr(A) ::= expr(X) STAR|SLASH|REM(T) expr(Y). { A = ast_binary(p, X, T, Y); }
expr(A) ::= expr(X) CONCAT|ARROW|ARROW_TEXT|PATH|PATH_TEXT(T) expr(Y). { A = ast_binary(p, X, T, Y); }

expr(A) ::= expr(X) IS(T) expr(Y). { A = ast_is(p, X, T, false, Y); }
expr(A) ::= expr(X) IS(T) NOT expr(Y). { A = ast_is(p, X, T, true, Y); }
expr(A) ::= expr(X) IS(T) NOT DISTINCT FROM expr(Y). [IS] { A = ast_is(p, X, T, false, Y); }
expr(A) ::= expr(X) IS(T) DISTINCT FROM expr(Y). [IS] { A = ast_is(p, X, T, true, Y); }
expr(A) ::= expr(X) IS(T) JSON_KIND(K). [IS] { A = ast_is_json(p, X, T, false, K); }
expr(A) ::= expr(X) IS(T) NOT JSON_KIND(K). [IS] { A = ast_is_json(p, X, T, true, K); }
expr(A) ::= expr(X) OVERLAPS(T) expr(Y). { A = ast_overlaps(p, X, T, Y); }
expr(A) ::= expr(X) ISNULL(T). { A = ast_is_null(p, X, T, false, T); }
expr(A) ::= expr(X) NOTNULL(T). { A = ast_is_null(p, X, T, true, T); }
expr(A) ::= expr(X) NOT(T) NULL(N). [NOTNULL] { A = ast_is_null(p, X, T, true, N); }

expr(A) ::= expr(X) like_op(T) expr(Y). [LIKE] { A = ast_like(p, X, false, T, Y, NULL); }
expr(A) ::= expr(X) NOT like_op(T) expr(Y). [LIKE] { A = ast_like(p, X, true, T, Y, NULL); }
expr(A) ::= expr(X) like_op(T) expr(Y) ESCAPE expr(Z). [LIKE] { A = ast_like(p, X, false, T, Y, Z); }
expr(A) ::= expr(X) NOT like_op(T) expr(Y) ESCAPE expr(Z). [LIKE] { A = ast_like(p, X, true, T, Y, Z); }
expr(A) ::= expr(X) TILDE|TILDE_STAR|NOT_TILDE|NOT_TILDE_STAR(T) expr(Y). [LIKE] { A = ast_regex(p, X, T, Y); }
%type like_op {Token}
like_op(A) ::= LIKE|ILIKE|GLOB|REGEXP|RLIKE|MATCH|SIMILAR(T). { A = T; }

expr(A) ::= expr(X) BETWEEN(T) expr(Y) AND expr(Z). [BETWEEN] { A = ast_between(p, X, false, T, false, Y, Z); }
expr(A) ::= expr(X) NOT BETWEEN(T) expr(Y) AND expr(Z). [BETWEEN] { A = ast_between(p, X, true, T, false, Y, Z); }
expr(A) ::= expr(X) BETWEEN(T) SYMMETRIC expr(Y) AND expr(Z). [BETWEEN] { A = ast_between(p, X, false, T, true, Y, Z); }
expr(A) ::= expr(X) NOT BETWEEN(T) SYMMETRIC expr(Y) AND expr(Z). [BETWEEN] { A = ast_between(p, X, true, T, true, Y, Z); }

expr(A) ::= expr(X) IN(T) in_what(W). [IN] { A = ast_in(p, X, false, T, W); }
expr(A) ::= expr(X) NOT IN(T) in_what(W). [IN] { A = ast_in(p, X, true, T, W); }
%type in_what {AstExpr *}
in_what(A) ::= LP(L) RP(R). { A = ast_in_list(p, L, NULL, R); }
in_what(A) ::= LP(L) exprs(X) RP(R). { A = ast_in_list(p, L, X, R); }
in_what(A) ::= parens(Q). [LOWEST] { A = ast_in_query(p, Q); }
in_what(A) ::= name(N). [LBRACKET] { A = ast_in_relation(p, N); }
in_what(A) ::= name(N) LP arguments_opt(X) RP(R). { A = ast_in_function(p, N, X, R); }

expr(A) ::= expr(X) EQ|NE(T) ANY|ALL(Q) quantified(Y). [EQ] { A = ast_quantified(p, X, T, Q, Y); }
expr(A) ::= expr(X) LT|GT|LE|GE(T) ANY|ALL(Q) quantified(Y). [GT] { A = ast_quantified(p, X, T, Q, Y); }
%type quantified {AstExpr *}
quantified(A) ::= parens(Q). [LOWEST] { A = ast_subquery(p, Q); }
quantified(A) ::= LP(L) expr(E) RP(R). { A = ast_parenthesis(p, L, E, R); }

%type case_operand {AstExpr *}
case_operand(A) ::= . { A = NULL; }
case_operand(A) ::= expr(A).
%type case_whens {AstExprs *}
case_whens(A) ::= WHEN expr(X) THEN expr(Y). { A = ast_exprs(p, ast_exprs(p, NULL, X), Y); }
case_whens(A) ::= case_whens(L) WHEN expr(X) THEN expr(Y). { A = ast_exprs(p, ast_exprs(p, L, X), Y); }
%type case_else {AstExpr *}
case_else(A) ::= . { A = NULL; }
case_else(A) ::= ELSE expr(E). { A = E; }

/* ---- calls ---- */

%type arguments {AstArguments *}
arguments(A) ::= argument(X). { A = ast_arguments(p, NULL, X); }
arguments(A) ::= arguments(L) COMMA argument(X). { A = ast_arguments(p, L, X); }
%type arguments_opt {AstArguments *}
arguments_opt(A) ::= . { A = NULL; }
arguments_opt(A) ::= arguments(L). { A = L; }

%type argument {AstArgument}
argument(A) ::= argument_value(E). { A = ast_argument(AST_NO_IDENT, E); }
argument(A) ::= nm(N) NAMED argument_value(E). { A = ast_argument(N, E); }
%type argument_value {AstExpr *}
argument_value(A) ::= expr(A).
argument_value(A) ::= TABLE(T) name(N). { A = ast_relation(p, T, N, NULL); }
argument_value(A) ::= TABLE(T) parens(Q). { A = ast_relation(p, T, NULL, Q); }
argument_value(A) ::= TABLE(T) name(N) relation_split(S). { A = ast_relation_split(p, ast_relation(p, T, N, NULL), S); }
argument_value(A) ::= TABLE(T) parens(Q) relation_split(S). { A = ast_relation_split(p, ast_relation(p, T, NULL, Q), S); }
argument_value(A) ::= name(N) relation_split(S). { A = ast_relation_split(p, ast_relation(p, AST_NO_TOKEN, N, NULL), S); }
argument_value(A) ::= parens(Q) relation_split(S). { A = ast_relation_split(p, ast_relation(p, AST_NO_TOKEN, NULL, Q), S); }
/* one expression, or several in parentheses: a comma is the function's next argument */
%type relation_split {AstExpr *}
relation_split(A) ::= PARTITION_BY(T) expr(E). [LOWEST] { A = ast_split(p, T, E, NULL); }
relation_split(A) ::= PARTITION_BY(T) expr(E) ORDER BY order_term(O). { A = ast_split(p, T, E, O); }

%type call {AstExpr *}
call(A) ::= name(N) LP arguments_opt(X) RP(R). { A = ast_call(p, N, false, X, NULL, R); }
call(A) ::= name(N) LP DISTINCT arguments(X) RP(R). { A = ast_call(p, N, true, X, NULL, R); }
call(A) ::= name(N) LP ALL arguments(X) RP(R). { A = ast_call(p, N, false, X, NULL, R); }
call(A) ::= name(N) LP arguments(X) ORDER BY order_terms(O) RP(R). { A = ast_call(p, N, false, X, O, R); }
call(A) ::= name(N) LP DISTINCT arguments(X) ORDER BY order_terms(O) RP(R). { A = ast_call(p, N, true, X, O, R); }
call(A) ::= name(N) LP arguments(X) IGNORE_NULLS|RESPECT_NULLS(T) RP(R). { A = ast_call_nulls(p, ast_call(p, N, false, X, NULL, R), T); }
call(A) ::= name(N) LP arguments(X) IGNORE_NULLS|RESPECT_NULLS(T) ORDER BY order_terms(O) RP(R). { A = ast_call_nulls(p, ast_call(p, N, false, X, O, R), T); }
call(A) ::= name(N) LP STAR RP(R). { A = ast_call_star(p, N, R); }
call(A) ::= name(N) LP expr(E) FROM expr(X) RP(R). { A = ast_call_from(p, N, E, X, NULL, R); }
call(A) ::= name(N) LP expr(E) FROM expr(X) FOR expr(Y) RP(R). { A = ast_call_from(p, N, E, X, Y, R); }
call(A) ::= name(N) LP expr(E) FOR expr(Y) RP(R). { A = ast_call_from(p, N, E, NULL, Y, R); }
call(A) ::= name(N) LP LEADING|TRAILING|BOTH(S) FROM expr(X) RP(R). { A = ast_call_trim(p, N, S, NULL, X, R); }
call(A) ::= name(N) LP LEADING|TRAILING|BOTH(S) expr(E) FROM expr(X) RP(R). { A = ast_call_trim(p, N, S, E, X, R); }
call(A) ::= name(N) LP expr(E) PLACING expr(X) FROM expr(Y) RP(R). { A = ast_call_overlay(p, N, E, X, Y, NULL, R); }
call(A) ::= name(N) LP expr(E) PLACING expr(X) FROM expr(Y) FOR expr(Z) RP(R). { A = ast_call_overlay(p, N, E, X, Y, Z, R); }
call(A) ::= name(N) LP expr(E) POSITION_IN expr(X) RP(R). { A = ast_call_position(p, N, E, X, R); }
call(A) ::= name(N) LP expr(E) TO nm(U) RP(R). { A = ast_call_to(p, N, E, U, R); }
call(A) ::= name(N) LP json_members(M) json_clauses(C) RP(R). { A = ast_call_json(p, N, M, C, NULL, R); }
call(A) ::= name(N) LP arguments(X) json_clauses_said(C) RP(R). { A = ast_call_json(p, N, X, C, NULL, R); }
call(A) ::= name(N) LP arguments(X) ORDER BY order_terms(O) json_clauses_said(C) RP(R). { A = ast_call_json(p, N, X, C, O, R); }
call(A) ::= call(C) WITHIN_GROUP LP ORDER BY order_terms(O) RP(R). { A = ast_call_within_group(p, C, O, R); }
call(A) ::= call(C) FILTER LP WHERE expr(E) RP(R). { A = ast_call_filter(p, C, E, R); }
call(A) ::= call(C) IGNORE_NULLS|RESPECT_NULLS(T). { A = ast_call_nulls(p, C, T); }
call(A) ::= call(C) OVER nm(N). { A = ast_call_over_name(p, C, N); }
call(A) ::= call(C) OVER LP window(W) RP(R). { A = ast_call_over(p, C, W, R); }

/* JSON_OBJECT('a' VALUE 1 ABSENT ON NULL), JSON_VALUE(x, '$.a' RETURNING INTEGER DEFAULT 0 ON EMPTY) */
%type json_members {AstArguments *}
json_members(A) ::= expr(K) JSON_MEMBER expr(V). { A = ast_json_member(p, NULL, K, V); }
json_members(A) ::= json_members(L) COMMA expr(K) JSON_MEMBER expr(V). { A = ast_json_member(p, L, K, V); }
%type json_clauses {JsonClauses *}
json_clauses(A) ::= . { A = NULL; }
json_clauses(A) ::= json_clauses_said(C). { A = C; }
%type json_clauses_said {JsonClauses *}
json_clauses_said(A) ::= json_clause(C). { A = ast_json_clauses(p, NULL, C); }
json_clauses_said(A) ::= json_clauses_said(L) json_clause(C). { A = ast_json_clauses(p, L, C); }
%type json_clause {JsonClause}
json_clause(A) ::= JSON_CLAUSE(T). { A = ast_json_clause(p, T); }
json_clause(A) ::= RETURNING(T) type(Y). { A = ast_json_returning(T, Y); }
json_clause(A) ::= DEFAULT(T) expr(E) JSON_ON(O). { A = ast_json_default(p, T, E, O); }

%type window {AstWindow *}
window(A) ::= window_parts(A).
window(A) ::= nm(B) window_parts(W). { A = ast_window_based(W, B); }
%type window_parts {AstWindow *}
window_parts(A) ::= frame_opt(F). { A = ast_window(p, NULL, NULL, F); }
window_parts(A) ::= ORDER BY order_terms(O) frame_opt(F). { A = ast_window(p, NULL, O, F); }
window_parts(A) ::= PARTITION_BY exprs(P) frame_opt(F). { A = ast_window(p, P, NULL, F); }
window_parts(A) ::= PARTITION_BY exprs(P) ORDER BY order_terms(O) frame_opt(F). { A = ast_window(p, P, O, F); }

%type order_terms {AstOrderTerms *}
order_terms(A) ::= order_term(T). { A = ast_order_terms(p, NULL, T); }
order_terms(A) ::= order_terms(L) COMMA order_term(T). { A = ast_order_terms(p, L, T); }
%type order_term {AstOrderTerm *}
order_term(A) ::= expr(E) descending(D) nulls(N). { A = ast_order_term(p, E, D, N); }
%type descending {bool}
descending(A) ::= . { A = false; }
descending(A) ::= ASC. { A = false; }
descending(A) ::= DESC. { A = true; }
%type nulls {AstNulls}
nulls(A) ::= . { A = AST_NULLS_DEFAULT; }
nulls(A) ::= NULLS_FIRST. { A = AST_NULLS_FIRST; }
nulls(A) ::= NULLS_LAST. { A = AST_NULLS_LAST; }

%type frame_opt {AstFrame *}
frame_opt(A) ::= . { A = NULL; }
frame_opt(A) ::= ROWS|RANGE|GROUPS(T) bound(S) exclude(X). { A = ast_frame(p, T, S, NULL, X); }
frame_opt(A) ::= ROWS|RANGE|GROUPS(T) BETWEEN bound(S) AND bound(E) exclude(X). { A = ast_frame(p, T, S, E, X); }
%type bound {AstBound *}
bound(A) ::= UNBOUNDED PRECEDING. { A = ast_bound(p, AST_BOUND_UNBOUNDED_PRECEDING, NULL); }
bound(A) ::= UNBOUNDED FOLLOWING. { A = ast_bound(p, AST_BOUND_UNBOUNDED_FOLLOWING, NULL); }
bound(A) ::= CURRENT ROW. { A = ast_bound(p, AST_BOUND_CURRENT_ROW, NULL); }
bound(A) ::= expr(E) PRECEDING. { A = ast_bound(p, AST_BOUND_PRECEDING, E); }
bound(A) ::= expr(E) FOLLOWING. { A = ast_bound(p, AST_BOUND_FOLLOWING, E); }
%type exclude {AstFrameExclude}
exclude(A) ::= . { A = AST_EXCLUDE_NO_OTHERS; }
exclude(A) ::= EXCLUDE NO OTHERS. { A = AST_EXCLUDE_NO_OTHERS; }
exclude(A) ::= EXCLUDE CURRENT ROW. { A = AST_EXCLUDE_CURRENT_ROW; }
exclude(A) ::= EXCLUDE GROUP. { A = AST_EXCLUDE_GROUP; }
exclude(A) ::= EXCLUDE TIES. { A = AST_EXCLUDE_TIES; }

/* ---- queries ---- */

/* parens is a query in parentheses, query one without around it: so ((select 1)) has one reading (PostgreSQL's way) */
%type query {AstQuery *}
query(A) ::= simple(B). { A = ast_query(p, NULL, B, NULL); }
query(A) ::= operand(B) tail(T). { A = ast_query(p, NULL, B, T); }
query(A) ::= with(W) operand(B). { A = ast_query(p, W, B, NULL); }
query(A) ::= with(W) operand(B) tail(T). { A = ast_query(p, W, B, T); }

%type parens {AstQuery *}
parens(A) ::= LP(L) query(Q) RP(R). { A = ast_query_parens(p, L, Q, R); }
parens(A) ::= LP(L) parens(Q) RP(R). { A = ast_query_parens(p, L, Q, R); }

/* where a statement wants a query */
%type whole_query {AstQuery *}
whole_query(A) ::= query(A).
whole_query(A) ::= parens(A).

%type operand {AstBody *}
operand(A) ::= simple(A).
operand(A) ::= parens(Q). { A = ast_body_query(p, Q); }

%type simple {AstBody *}
simple(A) ::= select(S). { A = ast_body_select(p, S); }
simple(A) ::= values(A).
simple(A) ::= operand(X) set_op(O) operand(Y). [UNION] { A = ast_body_set(p, X, O, false, Y); }
simple(A) ::= operand(X) set_op(O) DISTINCT operand(Y). [UNION] { A = ast_body_set(p, X, O, false, Y); }
simple(A) ::= operand(X) set_op(O) ALL operand(Y). [UNION] { A = ast_body_set(p, X, O, true, Y); }
simple(A) ::= operand(X) set_op(O) corresponding(C) operand(Y). [UNION] { A = ast_body_set_by_name(ast_body_set(p, X, O, false, Y), C); }
simple(A) ::= operand(X) set_op(O) ALL corresponding(C) operand(Y). [UNION] { A = ast_body_set_by_name(ast_body_set(p, X, O, true, Y), C); }
%type corresponding {AstIdents *}
corresponding(A) ::= nm(W). { A = ast_corresponding(p, W, AST_NO_IDENT, NULL); }
corresponding(A) ::= nm(W) nm(B) LP idents(L) RP. { A = ast_corresponding(p, W, B, L); }
%type set_op {Token}
set_op(A) ::= UNION|INTERSECT|EXCEPT(T). { A = T; }

%type values {AstBody *}
values(A) ::= VALUES(T) values_row(R). { A = ast_values(p, NULL, T, R); }
values(A) ::= values(L) COMMA(T) values_row(R). { A = ast_values(p, L, T, R); }
%type values_row {AstExprs *}
values_row(A) ::= LP values_list(L) RP(R). { A = L; ast_row_end(p, R); }
%type values_list {AstExprs *}
values_list(A) ::= values_item(E). { A = ast_exprs(p, NULL, E); }
values_list(A) ::= values_list(L) COMMA values_item(E). { A = ast_exprs(p, L, E); }
%type values_item {AstExpr *}
values_item(A) ::= expr(A).
values_item(A) ::= DEFAULT(T). { A = ast_default(p, T); }

%type tail {AstTail *}
tail(A) ::= tail_part(A).
tail(A) ::= tail(L) tail_part(T). { A = ast_tail_add(p, L, T); }
%type tail_part {AstTail *}
tail_part(A) ::= ORDER(T) BY order_terms(L). { A = ast_tail_order(p, T, L); }
tail_part(A) ::= LIMIT(T) expr(E). { A = ast_tail_limit(p, T, E, NULL); }
tail_part(A) ::= LIMIT(T) ALL. { A = ast_tail_limit(p, T, NULL, NULL); }
tail_part(A) ::= LIMIT(T) expr(O) COMMA expr(E). { A = ast_tail_limit(p, T, E, O); }
tail_part(A) ::= OFFSET(T) expr(E) rows_opt. { A = ast_tail_offset(p, T, E); }
tail_part(A) ::= FETCH(T) first_next ROW|ROWS ONLY. { A = ast_tail_fetch(p, T, NULL, false); }
tail_part(A) ::= FETCH(T) first_next expr(E) ROW|ROWS ONLY. { A = ast_tail_fetch(p, T, E, false); }
tail_part(A) ::= FETCH(T) first_next expr(E) ROW|ROWS WITH TIES. { A = ast_tail_fetch(p, T, E, true); }
tail_part(A) ::= EMIT_CHANGES(T). { A = ast_tail_emit(p, T, AST_EMIT_CHANGES); }
tail_part(A) ::= EMIT_FINAL(T). { A = ast_tail_emit(p, T, AST_EMIT_FINAL); }
tail_part(A) ::= EMIT_CLOSE(T). { A = ast_tail_emit(p, T, AST_EMIT_ON_WINDOW_CLOSE); }
rows_opt ::= .
rows_opt ::= ROW|ROWS.
first_next ::= FIRST|NEXT.

%type with {AstWith *}
with(A) ::= WITH(T) ctes(L). { A = ast_with(p, T, false, L); }
with(A) ::= WITH(T) RECURSIVE ctes(L). { A = ast_with(p, T, true, L); }
%type ctes {AstWith *}
ctes(A) ::= cte(C). { A = ast_ctes(p, NULL, C); }
ctes(A) ::= ctes(L) COMMA cte(C). { A = ast_ctes(p, L, C); }
%type cte {AstCte *}
cte(A) ::= nm(N) columns_opt(C) AS materialized parens(Q). { A = ast_cte(p, N, C, Q); }
materialized ::= .
materialized ::= MATERIALIZED.
materialized ::= NOT MATERIALIZED.

%type select {AstSelect *}
select(A) ::= select_head(S) items(I) from_opt(F) ksql_window(K) where(W) ksql_partition(P) group(G) having(H) windows(N) qualify(Q).
	{ A = ast_select(S, I, F, K); ast_select_filters(A, W, P, G, H); ast_select_windows(A, N, Q); }
%type select_head {AstSelect *}
select_head(A) ::= SELECT(T) stream(S). { A = ast_select_head(p, T, S, false, NULL); }
select_head(A) ::= SELECT(T) stream(S) ALL. { A = ast_select_head(p, T, S, false, NULL); }
select_head(A) ::= SELECT(T) stream(S) DISTINCT. { A = ast_select_head(p, T, S, true, NULL); }
select_head(A) ::= SELECT(T) stream(S) DISTINCT ON LP exprs(L) RP. { A = ast_select_head(p, T, S, true, L); }
%type stream {bool}
stream(A) ::= . { A = false; }
stream(A) ::= SELECT_STREAM. { A = true; }

%type items {AstItems *}
items(A) ::= item(I). { A = ast_items(p, NULL, I); }
items(A) ::= items(L) COMMA item(I). { A = ast_items(p, L, I); }
%type item {AstItem *}
item(A) ::= expr(E) as_opt(N). { A = ast_item(p, E, N); }
item(A) ::= STAR(T) except(X). { A = ast_item_star(p, NULL, T, X); }
item(A) ::= name(N) DOT STAR(T) except(X). { A = ast_item_star(p, N, T, X); }
%type except {AstIdents *}
except(A) ::= . { A = NULL; }
except(A) ::= STAR_EXCEPT LP idents(L) RP. { A = L; }

%type from_opt {AstTable *}
from_opt(A) ::= . { A = NULL; }
from_opt(A) ::= FROM joined(J). { A = J; }
%type where {AstExpr *}
where(A) ::= . { A = NULL; }
where(A) ::= WHERE expr(E). { A = E; }
%type having {AstExpr *}
having(A) ::= . { A = NULL; }
having(A) ::= HAVING expr(E). { A = E; }
%type qualify {AstExpr *}
qualify(A) ::= . { A = NULL; }
qualify(A) ::= QUALIFY expr(E). { A = E; }

%type ksql_partition {AstExprs *}
ksql_partition(A) ::= . { A = NULL; }
ksql_partition(A) ::= PARTITION_BY exprs(X). { A = X; }

%type group {AstGroupings *}
group(A) ::= . { A = NULL; }
group(A) ::= GROUP BY groupings(L). { A = L; }
%type groupings {AstGroupings *}
groupings(A) ::= grouping(G). { A = ast_groupings(p, NULL, G); }
groupings(A) ::= groupings(L) COMMA grouping(G). { A = ast_groupings(p, L, G); }
%type grouping {AstGrouping *}
grouping(A) ::= expr(E). { A = ast_grouping(p, E); }
grouping(A) ::= LP(L) RP(R). { A = ast_grouping_empty(p, L, R); }
grouping(A) ::= GROUPING_SETS(T) LP groupings(L) RP(R). { A = ast_grouping_sets(p, T, L, R); }

%type windows {AstWindows *}
windows(A) ::= . { A = NULL; }
windows(A) ::= WINDOW window_defs(L). { A = L; }
%type window_defs {AstWindows *}
window_defs(A) ::= window_def(W). { A = ast_windows(p, NULL, W); }
window_defs(A) ::= window_defs(L) COMMA window_def(W). { A = ast_windows(p, L, W); }
%type window_def {AstWindow *}
window_def(A) ::= nm(N) AS LP window(W) RP(R). { A = ast_window_named(p, N, W, R); }

/* ksqlDB's windows */
%type ksql_window {AstKsqlWindow *}
ksql_window(A) ::= . { A = NULL; }
ksql_window(A) ::= WINDOW_TUMBLING(T) LP ksql_parts(L) RP(R). { A = ast_ksql_window(p, T, AST_KSQL_TUMBLING, L, R); }
ksql_window(A) ::= WINDOW_HOPPING(T) LP ksql_parts(L) RP(R). { A = ast_ksql_window(p, T, AST_KSQL_HOPPING, L, R); }
ksql_window(A) ::= WINDOW_SESSION(T) LP ksql_parts(L) RP(R). { A = ast_ksql_window(p, T, AST_KSQL_SESSION, L, R); }
%type ksql_parts {AstKsqlWindow *}
ksql_parts(A) ::= ksql_part(A).
ksql_parts(A) ::= ksql_parts(L) COMMA ksql_part(X). { A = ast_ksql_window_add(p, L, X); }
%type ksql_part {AstKsqlWindow *}
ksql_part(A) ::= duration(E). { A = ast_ksql_part(p, AST_NO_TOKEN, E); }
ksql_part(A) ::= SIZE(T) duration(E). { A = ast_ksql_part(p, T, E); }
ksql_part(A) ::= ADVANCE(T) BY duration(E). { A = ast_ksql_part(p, T, E); }
ksql_part(A) ::= RETENTION(T) duration(E). { A = ast_ksql_part(p, T, E); }
ksql_part(A) ::= GRACE(T) PERIOD duration(E). { A = ast_ksql_part(p, T, E); }

/* ---- tables in FROM ---- */

%type joined {AstTable *}
joined(A) ::= table(A).
joined(A) ::= joined(X) COMMA(T) table(Y). { A = ast_join_comma(p, X, T, Y); }
joined(A) ::= joined(X) join(J) table(Y) within(W) join_on(O). { A = ast_join(p, X, J, Y, W, O); }

%type join {AstTable *}
join(A) ::= JOIN(E). { A = ast_join_word(p, NULL, E); }
join(A) ::= join_words(L) JOIN(E). { A = ast_join_word(p, L, E); }
%type join_words {AstTable *}
join_words(A) ::= join_word(T). { A = ast_join_word(p, NULL, T); }
join_words(A) ::= join_words(L) join_word(T). { A = ast_join_word(p, L, T); }
%type join_word {Token}
join_word(A) ::= NATURAL|INNER|LEFT|RIGHT|FULL|OUTER|CROSS|SEMI|ANTI|ASOF(T). { A = T; }

%type within {AstTable *}
within(A) ::= . { A = NULL; }
within(A) ::= WITHIN duration(E) grace(G). { A = ast_within(p, E, E, G); }
within(A) ::= WITHIN LP duration(E) RP grace(G). { A = ast_within(p, E, E, G); }
within(A) ::= WITHIN LP duration(E) COMMA duration(F) RP grace(G). { A = ast_within(p, E, F, G); }
%type grace {AstExpr *}
grace(A) ::= . { A = NULL; }
grace(A) ::= GRACE PERIOD duration(E). { A = E; }

%type join_on {AstTable *}
join_on(A) ::= . [LOWEST] { A = NULL; }
join_on(A) ::= ON expr(E). { A = ast_join_on(p, E, NULL); }
join_on(A) ::= USING LP idents(L) RP. { A = ast_join_on(p, NULL, L); }

%type table {AstTable *}
table(A) ::= name(N) table_alias(X). { A = ast_table_alias(p, ast_table_name(p, N, NULL), X); }
table(A) ::= name(N) table_alias(X) NOT_INDEXED(T). { A = ast_table_alias(p, ast_table_name(p, N, NULL), X); ast_pass_over(p, T); }
table(A) ::= name(N) AS_OF expr(E) table_alias(X). { A = ast_table_alias(p, ast_table_name(p, N, E), X); }
table(A) ::= name(N) table_alias_said(X) AS_OF expr(E). { A = ast_table_alias(p, ast_table_name(p, N, E), X); }
table(A) ::= parens(Q) table_alias(X). { A = ast_table_alias(p, ast_table_query(p, Q, false), X); }
table(A) ::= LATERAL parens(Q) table_alias(X). { A = ast_table_alias(p, ast_table_query(p, Q, true), X); }
table(A) ::= table_function(F) ordinality(O) table_alias(X). { A = ast_table_alias(p, ast_table_function(p, F, false, O), X); }
table(A) ::= LATERAL table_function(F) ordinality(O) table_alias(X). { A = ast_table_alias(p, ast_table_function(p, F, true, O), X); }
table(A) ::= TABLE LP table_function(F) RP table_alias(X). { A = ast_table_alias(p, ast_table_function(p, F, false, false), X); }
table(A) ::= LATERAL TABLE LP table_function(F) RP table_alias(X). { A = ast_table_alias(p, ast_table_function(p, F, true, false), X); }
table(A) ::= LP(L) joined(J) RP(R) table_alias(X). { A = ast_table_parens(p, L, J, R, X); }

%type table_function {AstExpr *}
table_function(A) ::= name(N) LP arguments_opt(X) RP(R). { A = ast_call(p, N, false, X, NULL, R); }
%type ordinality {bool}
ordinality(A) ::= . { A = false; }
ordinality(A) ::= WITH_ORDINALITY. { A = true; }

%type table_alias {AstTable *}
table_alias(A) ::= . [LOWEST] { A = NULL; }
table_alias(A) ::= table_alias_said(A).
%type table_alias_said {AstTable *}
table_alias_said(A) ::= alias(N). { A = ast_alias(p, N, NULL); }
table_alias_said(A) ::= alias(N) LP idents(L) RP(R). { A = ast_alias(p, N, L); ast_row_end(p, R); }
%type alias {AstIdent}
alias(A) ::= nm(N). { A = N; }
alias(A) ::= AS nm(N). { A = N; }
alias(A) ::= AS STRING(T). { A = ast_ident_string(p, T); }

%type command {AstStatement *}
command(A) ::= whole_query(Q). { A = ast_statement(p, AST_STATEMENT_QUERY, Q); }

/* ---- CREATE STREAM, SOURCE, TABLE ---- */

%type create_flags {AstFlags}
create_flags(A) ::= . { A = (AstFlags){.replace = false}; }
create_flags(A) ::= OR REPLACE. { A = (AstFlags){.replace = true}; }
create_flags(A) ::= TEMPORARY|TEMP. { A = (AstFlags){.temporary = true}; }
create_flags(A) ::= OR REPLACE TEMPORARY|TEMP. { A = (AstFlags){.replace = true, .temporary = true}; }
%type if_not_exists {bool}
if_not_exists(A) ::= . { A = false; }
if_not_exists(A) ::= IF_NOT_EXISTS. { A = true; }
%type if_exists {bool}
if_exists(A) ::= . { A = false; }
if_exists(A) ::= IF_EXISTS. { A = true; }

command(A) ::= create_relation(R). { A = ast_statement(p, AST_STATEMENT_CREATE_RELATION, R); }
command(A) ::= create_relation(R) CASCADE(T). { ast_create_cascade(p, T, R->or_replace, &R->cascade); A = ast_statement(p, AST_STATEMENT_CREATE_RELATION, R); }
command(A) ::= create_relation(R) AS whole_query(Q). { A = ast_create_relation_as(p, R, Q); }

%type create_relation {AstCreateRelation *}
create_relation(A) ::= CREATE create_flags(F) STREAM|SOURCE|TABLE(K) if_not_exists(I) name(N). { A = ast_create_relation(p, K, F, I, N, NULL); }
create_relation(A) ::= CREATE create_flags(F) STREAM|SOURCE|TABLE(K) if_not_exists(I) name(N) LP definitions(D) RP.
	{ A = ast_create_relation(p, K, F, I, N, D); }
create_relation(A) ::= create_relation(A) with_options(L). { ast_create_options(p, A, L); }
create_relation(A) ::= create_relation(A) format(F). { A->format = F; }
create_relation(A) ::= create_relation(A) include(I). { ast_create_include(p, A, I); }
create_relation(A) ::= create_relation(A) APPEND_ONLY. { A->append_only = true; }
create_relation(A) ::= create_relation(A) COMMENT STRING(T). { A->comment = ast_string(p, T); }
create_relation(A) ::= create_relation(A) PARTITIONED_BY LP idents(L) RP. { A->partitioned_by = *L; }
create_relation(A) ::= create_relation(A) LIKE name(N). { A->like = *N; }
create_relation(A) ::= create_relation(A) LIKE name(N) LP like_words(W) RP. { A->like = *N; A->like_options = *W; }
create_relation(A) ::= create_relation(A) ON_CONFLICT(T) nm(N). { ast_create_option_word(p, A, "on_conflict", T, N); }
create_relation(A) ::= create_relation(A) ON_CONFLICT(T) DO NOTHING(E). { ast_create_on_conflict(p, A, T, E, "ignore"); }
create_relation(A) ::= create_relation(A) ON_CONFLICT(T) DO UPDATE FULL_ROW(E). { ast_create_on_conflict(p, A, T, E, "overwrite"); }
create_relation(A) ::= create_relation(A) ON_CONFLICT(T) DO UPDATE IF NOT NULL(E). { ast_create_on_conflict(p, A, T, E, "update_if_not_null"); }
create_relation(A) ::= create_relation(A) WITH(T) nm(V) COLUMN LP idents(L) RP. { ast_create_version(p, A, T, V, L); }
create_relation(A) ::= create_relation(A) ON_OFFSET_GAP(T) nm(N). { ast_create_option_word(p, A, "on_offset_gap", T, N); }

%type like_words {AstIdents *}
like_words(A) ::= like_word(T). { A = ast_idents(p, NULL, ast_ident(p, T)); }
like_words(A) ::= like_words(L) like_word(T). { A = ast_idents(p, L, ast_ident(p, T)); }
%type like_word {Token}
like_word(A) ::= ALL|ID(T). { A = T; }

%type definitions {AstCreateRelation *}
definitions(A) ::= definition(A).
definitions(A) ::= definitions(L) COMMA definition(D). { A = ast_definitions_add(p, L, D); }
%type definition {AstCreateRelation *}
definition(A) ::= column(C). { A = ast_definition_column(p, C); }
definition(A) ::= constraint(C). { A = ast_definition_constraint(p, C); }
definition(A) ::= CONSTRAINT(T) nm(N) constraint(C). { A = ast_definition_constraint(p, ast_constraint_named(p, T, N, C)); }
definition(A) ::= watermark(W). { A = ast_definition_watermark(p, W); }
definition(A) ::= STAR. { A = ast_definition_star(p); }

%type watermark {AstWatermark *}
watermark(A) ::= WATERMARK_FOR(T) name(N). { A = ast_watermark(p, T, N, NULL); }
watermark(A) ::= WATERMARK_FOR(T) name(N) AS expr(E). { A = ast_watermark(p, T, N, E); }

%type constraint {AstConstraint *}
constraint(A) ::= PRIMARY(T) KEY LP idents(L) RP(R) not_enforced. { A = ast_constraint(p, AST_CONSTRAINT_PRIMARY_KEY, T, L, NULL, R); }
constraint(A) ::= UNIQUE(T) LP idents(L) RP(R). { A = ast_constraint(p, AST_CONSTRAINT_UNIQUE, T, L, NULL, R); }
constraint(A) ::= CHECK(T) LP expr(E) RP(R). { A = ast_constraint(p, AST_CONSTRAINT_CHECK, T, NULL, E, R); }
constraint(A) ::= FOREIGN(T) KEY LP idents(L) RP(R) REFERENCES name(N) columns_opt(C). { A = ast_constraint_foreign(p, T, L, N, C, R); }
not_enforced ::= .
not_enforced ::= NOT_ENFORCED.

/* The words behind a column write into p->column: between type and first word nothing may be reduced, see the head. */
%type column {AstColumnDef *}
column(A) ::= nm(N). { A = ast_column_def(p, N, NULL); }
column(A) ::= nm(N) type(T). { A = ast_column_def(p, N, T); }
column(A) ::= nm(N) column_words. { A = ast_column_def(p, N, NULL); }
column(A) ::= nm(N) type(T) column_words. { A = ast_column_def(p, N, T); }
column_words ::= column_word.
column_words ::= column_words column_word.
column_word ::= NULL(T). { ast_column_flag(p, T, &p->column.null); }
column_word ::= NOT NULL(T). { ast_column_flag(p, T, &p->column.not_null); }
column_word ::= PRIMARY KEY(T) not_enforced. { ast_column_flag(p, T, &p->column.primary_key); }
column_word ::= PRIMARY KEY(T) ASC not_enforced. { ast_column_flag(p, T, &p->column.primary_key); }
column_word ::= UNIQUE(T). { ast_column_flag(p, T, &p->column.unique); }
column_word ::= KEY(T). { ast_column_flag(p, T, &p->column.key); }
column_word ::= AUTOINCREMENT(T). { ast_column_flag(p, T, &p->column.autoincrement); }
column_word ::= CHECK LP expr(E) RP(T). { ast_column_check(p, E, T); }
column_word ::= DEFAULT(T) default_value(E). { ast_column_expr(p, T, &p->column.default_value, E); }
column_word ::= COLLATE(T) nm(N). { p->column.collation = N; ast_column_end(p, T, N.span); }
column_word ::= METADATA(T). [LOWEST] { ast_column_metadata(p, T, T, false); }
column_word ::= METADATA(T) FROM STRING(S). { ast_column_metadata(p, T, S, true); }
column_word ::= HEADERS(T). { ast_column_headers(p, T, T, false); }
column_word ::= HEADER(T) LP STRING(S) RP. { ast_column_headers(p, T, S, true); }
column_word ::= VIRTUAL(T). { ast_column_flag(p, T, &p->column.metadata_virtual); }
column_word ::= STORED(T). { ast_column_flag(p, T, &p->column.stored); }
column_word ::= FROM(T) STRING(S). { ast_column_path(p, T, S); }
column_word ::= GENERATED(T) LP expr(E) RP. { ast_column_expr(p, T, &p->column.generated, E); }
column_word ::= AS(T) expr(E). [LOWEST] { ast_column_computed(p, T, E); }
column_word ::= COMMENT(T) STRING(S). { ast_column_comment(p, T, S); }
column_word ::= REFERENCES(T) name(N) columns_opt(L). { ast_column_references(p, T, N, L); }
column_word ::= CONSTRAINT nm.

%type default_value {AstExpr *}
default_value(A) ::= literal(A).
default_value(A) ::= PLUS|MINUS(T) number(N). { A = ast_signed_number(p, T, N); }
default_value(A) ::= name(N). { A = ast_column(p, N); }
default_value(A) ::= table_function(A).
default_value(A) ::= LP(L) expr(E) RP(R). { A = ast_parenthesis(p, L, E, R); }

%type format {AstFormat *}
format(A) ::= FORMAT nm(F) ENCODE nm(E) key_encode(K). { A = ast_format(p, F, E, K, NULL); }
format(A) ::= FORMAT nm(F) ENCODE nm(E) LP options(L) RP key_encode(K). { A = ast_format(p, F, E, K, L); }
format(A) ::= FORMAT nm(F) ENCODE nm(E) KEY_ENCODE nm(K) LP options(L) RP. { A = ast_format(p, F, E, K, L); }
%type key_encode {AstIdent}
key_encode(A) ::= . { A = AST_NO_IDENT; }
key_encode(A) ::= KEY_ENCODE nm(N). { A = N; }

%type include {AstInclude *}
include(A) ::= INCLUDE(T) nm(W) include_as(N). { A = ast_include(p, T, W, AST_NO_TOKEN, NULL, N); }
include(A) ::= INCLUDE(T) nm(W) STRING(H) include_as(N). { A = ast_include(p, T, W, H, NULL, N); }
include(A) ::= INCLUDE(T) nm(W) STRING(H) type(Y) include_as(N). { A = ast_include(p, T, W, H, Y, N); }
%type include_as {AstIdent}
include_as(A) ::= . [LOWEST] { A = AST_NO_IDENT; }
include_as(A) ::= AS nm(N). { A = N; }

/* ---- CREATE VIEW, SINK, INDEX ---- */

%type view_head {AstCreateView *}
view_head(A) ::= CREATE create_flags(F) VIEW|MATERIALIZED_VIEW(K) if_not_exists(I) name(N) columns_opt(C). { A = ast_create_view(p, K, F, I, N, C); }
view_head(A) ::= view_head(A) with_options(L). { ast_view_options(p, A, L); }
view_head(A) ::= view_head(A) COMMENT STRING(T). { A->comment = ast_string(p, T); }
command(A) ::= view_head(V) AS whole_query(Q) with_options_opt(L). { A = ast_create_view_as(p, V, Q, L); }
command(A) ::= view_head(V) AS whole_query(Q) with_options_opt(L) CASCADE(T). { ast_create_cascade(p, T, V->or_replace, &V->cascade); A = ast_create_view_as(p, V, Q, L); }

%type sink_head {AstCreateSink *}
sink_head(A) ::= CREATE create_flags(F) SINK if_not_exists(I) name(N). { A = ast_create_sink(p, F, I, N, NULL); }
sink_head(A) ::= CREATE create_flags(F) SINK if_not_exists(I) name(N) INTO name(T). { A = ast_create_sink(p, F, I, N, T); }
%type sink {AstCreateSink *}
sink(A) ::= sink_head(H) FROM name(N). { A = ast_sink_from(p, H, N, NULL); }
sink(A) ::= sink_head(H) AS whole_query(Q). { A = ast_sink_from(p, H, NULL, Q); }
sink(A) ::= sink(A) with_options(L). { ast_sink_options(p, A, L); }
sink(A) ::= sink(A) format(F). { A->format = F; }
command(A) ::= sink(K) CASCADE(T). { ast_create_cascade(p, T, K->or_replace, &K->cascade); A = ast_statement(p, AST_STATEMENT_CREATE_SINK, K); }
command(A) ::= sink(K). { A = ast_statement(p, AST_STATEMENT_CREATE_SINK, K); }

%type index {AstCreateIndex *}
index(A) ::= CREATE(T) INDEX if_not_exists(I) name(N) ON name(R) LP order_terms(L) RP. { A = ast_create_index(p, T, I, N, R, L); }
index(A) ::= CREATE UNIQUE(T) INDEX if_not_exists(I) name(N) ON name(R) LP order_terms(L) RP. { A = ast_create_index(p, T, I, N, R, L); }
index(A) ::= CREATE(T) INDEX ON name(R) LP order_terms(L) RP. { A = ast_create_index(p, T, false, NULL, R, L); }
index(A) ::= index(A) INCLUDE LP idents(L) RP. { A->include = *L; }
command(A) ::= index(I) where(W). { A = ast_create_index_where(p, I, W); }

/* ---- ALTER, DROP, TRUNCATE ---- */

%type kind {Token}
kind(A) ::= STREAM|SOURCE|TABLE|VIEW|MATERIALIZED_VIEW|SINK|INDEX(T). { A = T; }
%type kind_opt {Token}
kind_opt(A) ::= . { A = AST_NO_TOKEN; }
kind_opt(A) ::= kind(A).
%type cascade {bool}
cascade(A) ::= . { A = false; }
cascade(A) ::= CASCADE. { A = true; }
cascade(A) ::= RESTRICT. { A = false; }

command(A) ::= ALTER kind(K) if_exists(I) name(N) actions cascade(C). { A = ast_alter(p, K, I, N, C); }
actions ::= action.
actions ::= actions COMMA action.
action ::= ADD(T) column(C). { ast_alter_column(p, T, C, false); }
action ::= ADD(T) COLUMN column(C). { ast_alter_column(p, T, C, false); }
action ::= ADD(T) COLUMN IF_NOT_EXISTS column(C). { ast_alter_column(p, T, C, true); }
action ::= ADD(T) constraint(C). { ast_alter_constraint(p, T, C); }
action ::= ADD(T) CONSTRAINT(S) nm(N) constraint(C). { ast_alter_constraint(p, T, ast_constraint_named(p, S, N, C)); }
action ::= ADD(T) watermark(W). { ast_alter_watermark(p, T, W); }
action ::= ADD(T) LP definitions(D) RP. { ast_alter_definitions(p, T, D); }
action ::= DROP(T) drop_column(E) nm(N). { ast_alter_name(p, AST_ALTER_DROP_COLUMN, T, N, E); }
action ::= DROP(T) LP idents(L) RP. { ast_alter_drop_columns(p, T, L); }
action ::= DROP(T) WATERMARK. { ast_alter_plain(p, AST_ALTER_DROP_WATERMARK, T); }
%type drop_column {bool}
drop_column(A) ::= . { A = false; }
drop_column(A) ::= COLUMN. { A = false; }
drop_column(A) ::= IF_EXISTS. { A = true; }
drop_column(A) ::= COLUMN IF_EXISTS. { A = true; }
action ::= RENAME(T) TO nm(N). { ast_alter_rename(p, T, NULL, N); }
action ::= RENAME(T) nm(O) TO nm(N). { ast_alter_rename(p, T, &O, N); }
action ::= RENAME(T) COLUMN nm(O) TO nm(N). { ast_alter_rename(p, T, &O, N); }
action ::= TYPE(T) nm(N) type(Y). { ast_alter_type(p, T, N, Y); }
action ::= MODIFY(T) nm(N) type(Y). { ast_alter_type(p, T, N, Y); }
action ::= alter_column(N) TYPE(T) type(Y). { ast_alter_type(p, T, N, Y); }
action ::= alter_column(N) SET DATA TYPE(T) type(Y). { ast_alter_type(p, T, N, Y); }
action ::= alter_column(N) SET(T) NOT NULL. { ast_alter_name(p, AST_ALTER_SET_NOT_NULL, T, N, false); }
action ::= alter_column(N) DROP(T) NOT NULL. { ast_alter_name(p, AST_ALTER_DROP_NOT_NULL, T, N, false); }
action ::= alter_column(N) SET(T) DEFAULT default_value(E). { ast_alter_default(p, T, N, E); }
action ::= alter_column(N) DROP(T) DEFAULT. { ast_alter_name(p, AST_ALTER_DROP_DEFAULT, T, N, false); }
%type alter_column {AstIdent}
alter_column(A) ::= ALTER nm(N). { A = N; }
alter_column(A) ::= ALTER COLUMN nm(N). { A = N; }
action ::= SET(T) LP options(L) RP. { ast_alter_options(p, AST_ALTER_SET_OPTIONS, T, L); }
action ::= SET(T) option(O). { ast_alter_options(p, AST_ALTER_SET_OPTIONS, T, ast_options(p, NULL, O)); }
action ::= RESET(T) LP flags(L) RP. { ast_alter_options(p, AST_ALTER_RESET_OPTIONS, T, L); }
action ::= REBUILD(T) with_options_opt(L). { ast_alter_options(p, AST_ALTER_REBUILD, T, L); }
action ::= ON_OFFSET_GAP(T) nm(N). { ast_alter_options(p, AST_ALTER_SET_OPTIONS, T, ast_option_word(p, "on_offset_gap", T, N)); }

command(A) ::= DROP kind(K) if_exists(I) names(L) cascade(C). { A = ast_drop(p, K, false, I, L, C); }
command(A) ::= DROP TEMPORARY|TEMP kind(K) if_exists(I) names(L) cascade(C). { A = ast_drop(p, K, true, I, L, C); }
command(A) ::= TRUNCATE names(L). { A = ast_truncate(p, L); }
command(A) ::= TRUNCATE TABLE names(L). { A = ast_truncate(p, L); }

/* ---- INSERT, UPDATE, DELETE ---- */

%type insert_head {AstInsert *}
insert_head(A) ::= INSERT or_action(O) INTO name(N). { A = ast_insert(p, O, N); }
insert_head(A) ::= REPLACE INTO name(N). { A = ast_insert(p, AST_OR_REPLACE, N); }
%type or_action {AstOrAction}
or_action(A) ::= . { A = AST_OR_NOT_SAID; }
or_action(A) ::= OR REPLACE. { A = AST_OR_REPLACE; }
or_action(A) ::= OR IGNORE. { A = AST_OR_IGNORE; }
or_action(A) ::= OR ABORT. { A = AST_OR_ABORT; }
or_action(A) ::= OR FAIL. { A = AST_OR_FAIL; }
or_action(A) ::= OR ROLLBACK. { A = AST_OR_ROLLBACK; }

%type insert_source {AstInsert *}
insert_source(A) ::= DEFAULT VALUES. { A = ast_insert_source(p, NULL, NULL); }
insert_source(A) ::= whole_query(Q). { A = ast_insert_source(p, Q, NULL); }
insert_source(A) ::= with_options(L) whole_query(Q). { A = ast_insert_source(p, Q, L); }
%type insert {AstInsert *}
insert(A) ::= insert_head(I) insert_alias(X) insert_source(S) conflicts(F) returning(R). { A = ast_insert_finish(I, X, S, F, R); }
insert(A) ::= insert_head(I) insert_alias(X) LP idents(C) RP insert_source(S) conflicts(F) returning(R).
	{ A = ast_insert_finish(I, X, S, F, R); A->columns = *C; }
%type insert_alias {AstIdent}
insert_alias(A) ::= . { A = AST_NO_IDENT; }
insert_alias(A) ::= AS nm(N). { A = N; }
%type conflicts {AstInsert *}
conflicts(A) ::= . { A = NULL; }
conflicts(A) ::= conflicts(L) conflict(C). { A = ast_conflicts(p, L, C); }
%type conflict {AstConflict *}
conflict(A) ::= ON_CONFLICT(T) conflict_target(C) DO NOTHING(E). { A = ast_conflict_nothing(p, T, C, E); }
conflict(A) ::= ON_CONFLICT(T) conflict_target(C) DO UPDATE SET assignments(L) where(W). { A = ast_conflict_update(p, T, C, L, W); }
%type conflict_target {AstConflict *}
conflict_target(A) ::= . { A = NULL; }
conflict_target(A) ::= LP idents(L) RP where(W). { A = ast_conflict_target(p, L, W); }
%type returning {AstItems *}
returning(A) ::= . { A = NULL; }
returning(A) ::= RETURNING items(L). { A = L; }
command(A) ::= insert(I). { A = ast_statement(p, AST_STATEMENT_INSERT, I); }
command(A) ::= with(W) insert(I). { I->with = W; A = ast_statement(p, AST_STATEMENT_INSERT, I); }

%type assignments {AstAssignments *}
assignments(A) ::= assignment(X). { A = ast_assignments(p, NULL, X); }
assignments(A) ::= assignments(L) COMMA assignment(X). { A = ast_assignments(p, L, X); }
%type assignment {AstAssignment *}
assignment(A) ::= nm(N) EQ expr(E). { A = ast_assignment(p, ast_idents(p, NULL, N), E); }
assignment(A) ::= nm(N) EQ DEFAULT. { A = ast_assignment(p, ast_idents(p, NULL, N), NULL); }
assignment(A) ::= LP idents(L) RP EQ expr(E). { A = ast_assignment(p, L, E); }

%type changed {AstIdent}
changed(A) ::= . { A = AST_NO_IDENT; }
changed(A) ::= nm(N). { A = N; }
changed(A) ::= AS nm(N). { A = N; }
%type update {AstUpdate *}
update(A) ::= UPDATE or_action(O) name(N) changed(X) SET assignments(L) from_opt(F) where(W) returning(R). { A = ast_update(p, O, N, X, L); ast_update_finish(p, A, F, W, R); }
command(A) ::= update(U). { A = ast_statement(p, AST_STATEMENT_UPDATE, U); }
command(A) ::= with(W) update(U). { U->with = W; A = ast_statement(p, AST_STATEMENT_UPDATE, U); }
%type delete {AstDelete *}
delete(A) ::= DELETE FROM name(N) changed(X) where(W) returning(R). { A = ast_delete(p, N, X, NULL, W, R); }
delete(A) ::= DELETE FROM name(N) changed(X) USING joined(F) where(W) returning(R). { A = ast_delete(p, N, X, F, W, R); }
command(A) ::= delete(D). { A = ast_statement(p, AST_STATEMENT_DELETE, D); }
command(A) ::= with(W) delete(D). { D->with = W; A = ast_statement(p, AST_STATEMENT_DELETE, D); }

/* ---- SHOW, DESCRIBE, EXPLAIN ---- */

command(A) ::= SHOW words(W) show_from(F) show_like(L). { A = ast_show(p, W, F, L); }
command(A) ::= LIST words(W) show_like(L). { A = ast_show(p, W, NULL, L); }
command(A) ::= SHOW ALL(T). { A = ast_show_all(p, T, NULL); }
command(A) ::= SHOW ALL(T) words(W). { A = ast_show_all(p, T, W); }
command(A) ::= SHOW STRING(T). { A = ast_show_setting(p, ast_option_name_string(p, T)); }
command(A) ::= SHOW nm(X) DOT name(N). { A = ast_show_setting(p, ast_option_name(p, ast_name_before(p, X, N))); }
command(A) ::= SHOW CREATE(T) kind_opt(K) name(N). { A = ast_show_create(p, T, K, N); }
%type show_from {AstName *}
show_from(A) ::= . { A = NULL; }
show_from(A) ::= FROM|IN name(N). { A = N; }
%type show_like {Token}
show_like(A) ::= . { A = AST_NO_TOKEN; }
show_like(A) ::= LIKE STRING(T). { A = T; }

command(A) ::= DESCRIBE|DESC extended(X) kind_opt(K) name(N) extended(Y). { A = ast_describe(p, X || Y, K, N, NULL); }
command(A) ::= DESCRIBE|DESC FUNCTION nm(N). { A = ast_describe_function(p, N); }
command(A) ::= DESCRIBE|DESC whole_query(Q). { A = ast_describe(p, false, AST_NO_TOKEN, NULL, Q); }
%type extended {bool}
extended(A) ::= . { A = false; }
extended(A) ::= EXTENDED. { A = true; }

command(A) ::= EXPLAIN PLAN_FOR|QUERY_PLAN explained(S). { A = ast_explain(p, NULL, NULL, S); }
command(A) ::= EXPLAIN explained(S). { A = ast_explain(p, NULL, NULL, S); }
command(A) ::= EXPLAIN stages(W) explained(S). { A = ast_explain(p, W, NULL, S); }
command(A) ::= EXPLAIN LP flags(L) RP explained(S). { A = ast_explain(p, NULL, L, S); }
command(A) ::= EXPLAIN stages(W) LP flags(L) RP explained(S). { A = ast_explain(p, W, L, S); }
command(A) ::= EXPLAIN stages(W). { A = ast_explain_name(p, W, NULL); }
command(A) ::= EXPLAIN LP flags(L) RP stages(W) explained(S). { A = ast_explain(p, W, L, S); }
command(A) ::= EXPLAIN LP flags(L) RP stages(W). { A = ast_explain_name(p, W, L); }
%type stages {AstIdents *}
stages(A) ::= nm(N). { A = ast_idents(p, NULL, N); }
stages(A) ::= MATERIALIZED_VIEW(T). { A = ast_idents(p, NULL, ast_ident_word(T, "materialized view")); }
stages(A) ::= stages(L) nm(N). { A = ast_idents(p, L, N); }
stages(A) ::= stages(L) MATERIALIZED_VIEW(T). { A = ast_idents(p, L, ast_ident_word(T, "materialized view")); }
stages(A) ::= stages(L) COMMA nm(N). { A = ast_idents(p, L, N); }

%type explained {AstStatement *}
explained(A) ::= whole_query(Q). { A = ast_explained(p, AST_STATEMENT_QUERY, Q); }
explained(A) ::= view_head(V) AS whole_query(Q) with_options_opt(L). { A = ast_create_view_as(p, V, Q, L); }
explained(A) ::= create_relation(R) AS whole_query(Q). { A = ast_create_relation_as(p, R, Q); }
explained(A) ::= sink(K). { A = ast_explained(p, AST_STATEMENT_CREATE_SINK, K); }
explained(A) ::= insert(I). { A = ast_explained(p, AST_STATEMENT_INSERT, I); }
explained(A) ::= update(U). { A = ast_explained(p, AST_STATEMENT_UPDATE, U); }
explained(A) ::= delete(D). { A = ast_explained(p, AST_STATEMENT_DELETE, D); }

/* ---- SET, transactions ---- */

command(A) ::= SET(T). { A = ast_set_show(p, T); }
command(A) ::= SET option(O). { A = ast_set(p, O); }
command(A) ::= SET option_name(N) TO option_value(V). { A = ast_set(p, ast_option(p, N, V)); }
command(A) ::= SET option_name(N) EQ DEFAULT. { A = ast_reset(p, N); }
command(A) ::= SET option_name(N) TO DEFAULT. { A = ast_reset(p, N); }
command(A) ::= SET nm(X) nm(Y) option_value(V). { A = ast_set_time_zone(p, X, Y, V); }
command(A) ::= RESET option_name(N). { A = ast_reset(p, N); }
command(A) ::= RESET ALL. { A = ast_reset(p, NULL); }
command(A) ::= UNSET option_name(N). { A = ast_reset(p, N); }

command(A) ::= BEGIN begin_word. { A = ast_transaction(p, AST_BEGIN, AST_NO_IDENT); }
command(A) ::= START TRANSACTION. { A = ast_transaction(p, AST_BEGIN, AST_NO_IDENT); }
command(A) ::= BEGIN STATEMENT SET. { A = ast_statement_set(p); }
command(A) ::= EXECUTE STATEMENT SET BEGIN. { A = ast_statement_set(p); }
command(A) ::= COMMIT|END transaction_word. { A = ast_transaction(p, AST_COMMIT, AST_NO_IDENT); }
command(A) ::= ABORT transaction_word. { A = ast_transaction(p, AST_ROLLBACK, AST_NO_IDENT); }
command(A) ::= ROLLBACK transaction_word. { A = ast_transaction(p, AST_ROLLBACK, AST_NO_IDENT); }
command(A) ::= ROLLBACK transaction_word TO nm(N). { A = ast_transaction(p, AST_ROLLBACK_TO, N); }
command(A) ::= ROLLBACK transaction_word TO SAVEPOINT nm(N). { A = ast_transaction(p, AST_ROLLBACK_TO, N); }
command(A) ::= SAVEPOINT nm(N). { A = ast_transaction(p, AST_SAVEPOINT, N); }
command(A) ::= RELEASE nm(N). { A = ast_transaction(p, AST_RELEASE, N); }
command(A) ::= RELEASE SAVEPOINT nm(N). { A = ast_transaction(p, AST_RELEASE, N); }
begin_word ::= transaction_word.
begin_word ::= DEFERRED|IMMEDIATE|EXCLUSIVE transaction_word.
transaction_word ::= .
transaction_word ::= TRANSACTION|WORK.

/* ---- steering ---- */

command(A) ::= FLUSH. { A = ast_statement(p, AST_STATEMENT_FLUSH, NULL); }
command(A) ::= CHECKPOINT. { A = ast_statement(p, AST_STATEMENT_CHECKPOINT, NULL); }
command(A) ::= CLOSE STREAM names(L). { A = ast_close(p, L); }
command(A) ::= CLOSE ALL. { A = ast_close(p, NULL); }
command(A) ::= CLOSE ALL STREAMS. { A = ast_close(p, NULL); }

command(A) ::= PAUSE(T) kind_opt(K) names(L). { A = ast_pause(p, T, K, L, AST_RESUME_AS_IT_WAS, NULL); }
command(A) ::= PAUSE(T) ALL. { A = ast_pause(p, T, AST_NO_TOKEN, NULL, AST_RESUME_AS_IT_WAS, NULL); }
command(A) ::= RESUME(T) kind_opt(K) names(L) resume_from(F) gap(G). { A = ast_pause(p, T, K, L, F, G); }
command(A) ::= RESUME(T) ALL. { A = ast_pause(p, T, AST_NO_TOKEN, NULL, AST_RESUME_AS_IT_WAS, NULL); }
%type resume_from {AstResumeFrom}
resume_from(A) ::= . { A = AST_RESUME_AS_IT_WAS; }
resume_from(A) ::= FROM NOW. { A = AST_RESUME_FROM_NOW; }
resume_from(A) ::= FROM SNAPSHOT. { A = AST_RESUME_FROM_SNAPSHOT; }
%type gap {AstOptions *}
gap(A) ::= . { A = NULL; }
gap(A) ::= ON_OFFSET_GAP(T) nm(N). { A = ast_option_word(p, "on_offset_gap", T, N); }

command(A) ::= SUBSCRIBE to name(N) since(S) with_options_opt(L) limit(M). { A = ast_subscribe(p, N, NULL, S, L, M); }
command(A) ::= SUBSCRIBE to parens(Q) since(S) with_options_opt(L) limit(M). { A = ast_subscribe(p, NULL, Q, S, L, M); }
to ::= .
to ::= TO.
%type since {AstExpr *}
since(A) ::= . { A = NULL; }
since(A) ::= SINCE expr(E). { A = E; }
%type limit {AstExpr *}
limit(A) ::= . { A = NULL; }
limit(A) ::= LIMIT expr(E). { A = E; }

command(A) ::= PRINT topic(T) beginning(B) print_interval(I) limit(M). { A = ast_print(p, AST_STATEMENT_PRINT, T, B, I, M, NULL); }
command(A) ::= PEEK topic(T) beginning(B) with_options_opt(L) limit(M). { A = ast_print(p, AST_STATEMENT_PEEK, T, B, NULL, M, L); }
%type topic {AstIdent}
topic(A) ::= STRING(T). { A = ast_ident_string(p, T); }
topic(A) ::= nm(N). { A = N; }
%type beginning {bool}
beginning(A) ::= . { A = false; }
beginning(A) ::= FROM BEGINNING. { A = true; }
%type print_interval {AstExpr *}
print_interval(A) ::= . { A = NULL; }
print_interval(A) ::= INTERVAL INTEGER(T). { A = ast_literal(p, AST_INTEGER, T); }

command(A) ::= USE name(N). { A = ast_use(p, AST_NO_IDENT, N); }
command(A) ::= USE nm(W) name(N). { A = ast_use(p, W, N); }
