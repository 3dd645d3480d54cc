/* The command line: what was asked for, read from the words by one table of options (options_cli.def). */
#ifndef WEIR_SHELL_CLI_H
#define WEIR_SHELL_CLI_H

#include "base/vec.h"
#include "output.h"

typedef enum Command { COMMAND_SHELL, COMMAND_RUN, COMMAND_TEST, COMMAND_STATUS } Command;

enum { EXIT_FINE = 0, EXIT_SQL = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3, EXIT_CANCELED = 130 };

typedef struct Input { enum { INPUT_FILE, INPUT_TEXT } kind; const char *value; } Input;      /* -f, -c in their order */

typedef struct Cli {
	Command command;
	const char *path;                 /* NULL: in memory */
	VEC(Input) inputs;
	VEC(const char *) files;          /* weir test */
	VEC(const char *) variables;      /* name=value */
	bool has_mode; OutputMode mode;
	bool keep_going, until_end, final, check, take_over, verbose;
} Cli;

/* False: *exit_code says how to end (help and version were printed, or what is wrong). */
bool cli_parse(Cli *cli, int argc, char **argv, int *exit_code);
void cli_release(Cli *cli);
void cli_help(FILE *file);

/* ---- the commands; each returns the exit code ---- */
int command_batch(const Cli *cli);
int command_shell(const Cli *cli);
int command_run(const Cli *cli);
int command_status(const Cli *cli);
int command_test(const Cli *cli);

#endif
