/* AST back to SQL, in one canonical spelling: keywords in upper case, names quoted only where they must be, one blank between
 * tokens. What is printed parses to the same AST but for spans, so print(parse(x)) is a fixpoint; definitions are stored and
 * compared in this form. Unnamed result columns lose their written text: who needs its name gives an alias.
 */
#ifndef WEIR_AST_PRINT_H
#define WEIR_AST_PRINT_H

#include "ast/ast.h"
#include "base/strbuf.h"

void ast_print_statement(const AstStatement *statement, StrBuf *out);     /* no semicolon */
void ast_print_query(const AstQuery *query, StrBuf *out);
void ast_print_body(const AstBody *body, StrBuf *out);
void ast_print_table(const AstTable *table, StrBuf *out);                 /* what stands in FROM */
void ast_print_expr(const AstExpr *expr, StrBuf *out);
void ast_print_type(const AstTypeName *type, StrBuf *out);
void ast_print_column_def(const AstColumnDef *column, StrBuf *out);
void ast_print_option(const AstOption *option, StrBuf *out);              /* a = 'b' */
void ast_print_window(const AstWindow *window, StrBuf *out);              /* between its parentheses */
void ast_print_options(const AstOptions *options, StrBuf *out);           /* (a = 'b', c = 1) */
void ast_print_order(const AstOrderTerms *terms, StrBuf *out);            /* a DESC, b: without ORDER BY */
void ast_print_ident(const char *name, StrBuf *out);                      /* quoted where it must be */
void ast_print_name(const AstName *name, StrBuf *out);

/* Lists that several statements print */
void ast_print_exprs(const AstExprs *exprs, StrBuf *out);
void ast_print_idents(const AstIdents *idents, StrBuf *out);              /* a, b */
void ast_print_columns(const AstIdents *columns, StrBuf *out);            /* " (a, b)"; nothing where there are none */
void ast_print_items(const AstItems *items, StrBuf *out);
void ast_print_names(const AstNames *names, StrBuf *out);
void ast_print_with(const AstWith *with, StrBuf *out);
void ast_print_definition(const AstStatement *statement, StrBuf *out);    /* CREATE, ALTER, DROP, TRUNCATE */

#endif
