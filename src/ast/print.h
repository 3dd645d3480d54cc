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
void ast_print_expr(const AstExpr *expr, StrBuf *out);
void ast_print_type(const AstTypeName *type, StrBuf *out);
void ast_print_options(const AstOptions *options, StrBuf *out);           /* (a = 'b', c = 1) */
void ast_print_ident(const char *name, StrBuf *out);                      /* quoted where it must be */
void ast_print_name(const AstName *name, StrBuf *out);

#endif
