/* The console: runs texts of statements and dot commands through a connection; what batch and the interactive shell have in common. */
#ifndef WEIR_SHELL_CONSOLE_H
#define WEIR_SHELL_CONSOLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "connection.h"

typedef struct Console {
	const Cli *cli;
	Connection connection;
	Output output;
	ResultSink sink;                  /* of output */
	bool interactive;
	bool timer, keep_going, quit;     /* quit: .quit was said */
	int exit_code;                    /* .exit N */
	int depth;                        /* of .read in .read */
	const char *line;                 /* of the dot command that runs, whole */
	FILE *standard;                   /* where results go if not to a file of .output */
	char *null_text;
	bool once;                        /* .once: back to standard after the next statement */
	/* canceling, from the signals' thread */
	pthread_mutex_t lock;
	pthread_cond_t stopped;           /* of `stop` */
	bool running;
	bool cut_short;                   /* the last result was seen in part */
	atomic_bool stop;                 /* Ctrl-C: what runs is to end, and what would come after it */
} Console;

void console_init(Console *console, const Cli *cli, bool interactive);
void console_release(Console *console);

/* Statements and dot commands of a text. name: of the script for messages, NULL: none. Returns the exit code; the first error stops it unless
 * keep_going. */
int console_run(Console *console, const char *name, const char *text, size_t bytes);
/* The whole file, the same way. */
int console_run_file(Console *console, const char *path);
/* One statement, for dot commands. */
bool console_statement(Console *console, const char *sql, Error *err);
/* Any thread: what runs ends with ERR_CANCELED; nothing more is run until console_resume. True: something runs; what is about to begin may miss it,
 * so it is to be said again, as long as that is true. */
bool console_cancel(Console *console);
bool console_cancel_again(Console *console);
/* The end of all statements: what they changed goes into the file. May be canceled like one of them. */
bool console_finish(Console *console, Error *err);
void console_resume(Console *console);
/* Waits so long or until canceled: false. */
bool console_wait(Console *console, double seconds);
/* Where results go from now on; NULL: to standard output. */
bool console_output(Console *console, const char *path, Error *err);

int console_exit_code(const Error *err);
bool read_file(const char *path, char **text, size_t *bytes, Error *err);
/* Whether the text is whole: statements ended by semicolons, or a dot command. A shell reads on where it is not. */
bool console_is_complete(const char *text, size_t bytes);

/* ---- dot commands: dots.def ---- */
typedef struct DotCommand {
	const char *name, *arguments, *doc;
	bool (*run)(Console *console, int argc, char **argv, Error *err);     /* argv[0]: the name */
} DotCommand;
extern const DotCommand DOT_COMMANDS[];
extern const int DOT_COMMAND_COUNT;
/* A line that begins with a dot. Errors have no span. */
bool dot_run(Console *console, const char *line, size_t bytes, Error *err);

#endif
