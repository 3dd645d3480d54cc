/* Documents made of the tables that the program works by: the man page, the shell's page, bash's completion. */
#ifndef WEIR_SHELL_DOCUMENT_H
#define WEIR_SHELL_DOCUMENT_H

#include "base/strbuf.h"
#include "cli.h"

/* "man", "completion", "shell", and the pages of engine_document. False: there is none of this name. */
bool document_make(const char *name, StrBuf *out);

/* ---- of cli.c ---- */
typedef struct CliOption { int id; const char *name; char letter; const char *argument, *commands, *doc; } CliOption;      /* doc NULL: hidden */
extern const CliOption CLI_OPTIONS[];
extern const int CLI_OPTION_COUNT;
typedef struct CliCommand { const char *word; Command command; char letter; const char *usage, *doc; } CliCommand;
extern const CliCommand CLI_COMMANDS[];
extern const int CLI_COMMAND_COUNT;

#endif
