/* The interactive shell: reads statements and dot commands from a person, shows results, and reads the sources of the file all the while. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ast/parse.h"
#include "base/log.h"
#include "complete.h"
#include "console.h"
#include "editor.h"
#include "progress.h"
#include "report.h"
#include "server/server.h"
#include "signals.h"

typedef struct Shell {
	Console console;
	Editor *editor;
	Server *server;
	Progress progress;
	pthread_t reading;                /* starts to read the sources */
	bool started;
	atomic_bool ending;               /* SIGTERM, SIGHUP */
	atomic_bool closing;              /* the last commit is made */
	int ticks;                        /* since SIGTERM, SIGHUP */
} Shell;

/* Ctrl-C ends what runs, or gives the line up; it never ends the shell. */
static bool on_signal(void *context, int number)
{
	Shell *shell = context;
	if (number == SIGWINCH || number == SIGCONT) {
		editor_resize(shell->editor);
		return false;
	}
	Engine *engine = shell->console.connection.engine;
	bool tired = shell->closing && (number == SIGINT || (number == 0 && ++shell->ticks >= SIGNALS_HURRY_TICKS));
	if (tired && engine) engine_hurry(engine);
	if (number == 0) return console_cancel_again(&shell->console) || (shell->ending && !tired);
	bool running = console_cancel(&shell->console);
	if (number == SIGTERM || number == SIGHUP) {
		shell->ending = true;
		editor_hang_up(shell->editor);
	}
	else if (number == SIGINT && !running) editor_interrupt(shell->editor);
	return running || shell->ending;
}

/* ---- what others say while a line is being edited ---- */

static void on_log(void *context, const char *line) { editor_say(((Shell *)context)->editor, line); }

/* ---- reading the sources ---- */

/* In a thread of its own: recovery may have to wait for a broker, the prompt need not. */
static void *start_reading(void *context)
{
	Shell *shell = context;
	Error err = ERROR_INIT;
	if (engine_read(shell->console.connection.engine, ENGINE_STAY, &err)) return NULL;
	StrBuf text = STRBUF_INIT;
	strbuf_printf(&text, "error: the sources are not read: %s (%s)%s%s", err.message, error_sqlstate(err.code), err.hint[0] ? "\nhint: " : "", err.hint);
	editor_say(shell->editor, text.text);
	strbuf_release(&text);
	return NULL;
}

/* ---- the editor's side ---- */

static void candidates(void *context, const char *text, size_t bytes, void (*offer)(void *list, const char *word), void *list)
{
	complete_candidates(&((Shell *)context)->console.connection, text, bytes, offer, list);
}

static void idle(void *context, StrBuf *out)
{
	Shell *shell = context;
	EngineProgress now;
	if (connection_progress(&shell->console.connection, &now)) progress_print(&shell->progress, &now, out);
	else shell->progress = (Progress){0};
}

/* ---- statements ---- */

static bool is_blank(const StrBuf *text) { return strspn(text->text, " \t\r\n;") == text->bytes; }

/* Without the newline at its end. What begins with a blank is not kept, for those who want that. */
static void remember(Shell *shell, StrBuf *text)
{
	while (text->bytes && strchr(" \t\r\n", text->text[text->bytes - 1])) text->text[--text->bytes] = 0;
	if (text->bytes && text->text[0] != ' ') editor_remember(shell->editor, text->text);
}

static void run_text(Shell *shell, StrBuf *text)
{
	Console *console = &shell->console;
	int code = console_run(console, NULL, text->text, text->bytes);
	if (code == EXIT_CANCELED && !console->cut_short) fputs("\r\x1b[Kcanceled\n", stdout);
	remember(shell, text);
	strbuf_clear(text);
}

static void edit_and_run(Shell *shell)
{
	StrBuf text = STRBUF_INIT;
	while (!shell->console.quit && !shell->ending) {
		const char *line;
		console_resume(&shell->console);
		EditorResult result = editor_read(shell->editor, text.bytes ? " ...> " : "weir> ", text.text, &line);
		if (result == EDITOR_END) break;
		if (result == EDITOR_CANCELED) {
			strbuf_clear(&text);
			continue;
		}
		strbuf_adds(&text, line);
		if (is_blank(&text)) strbuf_clear(&text);
		else if (console_is_complete(text.text, text.bytes)) run_text(shell, &text);
	}
	if (!shell->console.quit) fputs("\n", stdout);
	strbuf_release(&text);
}

/* ---- life ---- */

static void greet(const Shell *shell)
{
	const Cli *cli = shell->console.cli;
	printf("weir " PACKAGE_VERSION ", ");
	if (shell->console.connection.client) printf("%s, through process %d\n", cli->path, client_owner(cli->path));
	else if (cli->path) printf("%s\n", cli->path);
	else printf("in memory: what is made here is gone at the end\n");
	printf("Statements end with a semicolon; .help lists commands, Ctrl-D leaves.\n");
}

static int report(const Error *err)
{
	report_error(stderr, err, NULL, NULL, 0);
	return console_exit_code(err);
}

static void start(Shell *shell)
{
	Error err = ERROR_INIT;
	Engine *engine = shell->console.connection.engine;
	if (!engine) return;
	shell->server = server_start(engine, &err);
	if (err.code) report(&err);
	shell->started = pthread_create(&shell->reading, NULL, start_reading, shell) == 0;
}

static int stop(Shell *shell)
{
	Error err = ERROR_INIT;
	Connection *connection = &shell->console.connection;
	if (shell->started) pthread_join(shell->reading, NULL);
	shell->closing = true;
	server_stop(shell->server);
	int code = console_finish(&shell->console, &err) ? EXIT_FINE : report(&err);
	err = ERROR_INIT;
	if (connection->engine && !engine_settle(connection->engine, &err) && code == EXIT_FINE) code = report(&err);
	signals_stop();
	err = ERROR_INIT;
	if (!connection_close(connection, &err) && code == EXIT_FINE) code = report(&err);
	return code;
}

int command_shell(const Cli *cli)
{
	Error err = ERROR_INIT;
	Shell shell = {0};
	signals_block();
	console_init(&shell.console, cli, true);
	shell.console.keep_going = false;
	if (!connection_open(&shell.console.connection, cli, &shell.console.sink, SESSION_TERMINAL, &err)) {
		console_release(&shell.console);
		return report(&err);
	}
	EditorSide side = {.candidates = candidates, .idle = idle, .context = &shell};
	shell.editor = editor_open(&side);
	log_set_writer(on_log, &shell);
	signals_start(on_signal, &shell);
	greet(&shell);
	start(&shell);
	edit_and_run(&shell);
	int code = stop(&shell);
	log_set_writer(NULL, NULL);
	editor_close(shell.editor);
	if (shell.console.quit) code = code ? code : shell.console.exit_code;
	console_release(&shell.console);
	return code;
}
