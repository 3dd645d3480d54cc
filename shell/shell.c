/* The interactive shell. */
#include <errno.h>
#include <histedit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast/parse.h"
#include "connection.h"
#include "report.h"
#include "server/server.h"

static Connection *running_connection;
static void on_interrupt(int number)
{
	(void)number;
	if (running_connection) connection_cancel(running_connection);
}

static const char *prompt_text = "weir> ";
static char *prompt(EditLine *el)
{
	(void)el;
	return (char *)(uintptr_t)prompt_text;
}

static void run_statements(Connection *connection, const char *text, size_t bytes)
{
	size_t offset = 0, start, end;
	while (parse_next_statement(text, bytes, &offset, &start, &end)) {
		Error err = ERROR_INIT;
		running_connection = connection;
		bool ok = connection_run(connection, text, start, end, &err);
		running_connection = NULL;
		if (!ok) report_error(stderr, &err, NULL, text, bytes);
		if (!ok) return;
		if (connection->engine) engine_read(connection->engine, 0, &err);
	}
}

int command_shell(const Cli *cli)
{
	Error err = ERROR_INIT;
	Output output;
	output_init(&output, stdout, cli->has_mode ? cli->mode : OUTPUT_BOX, isatty(STDOUT_FILENO));
	ResultSink sink = output_sink(&output);
	Connection connection;
	if (!connection_open(&connection, cli, &sink, SESSION_TERMINAL, &err)) {
		report_error(stderr, &err, NULL, NULL, 0);
		return (int)error_class(err.code);
	}
	Server *server = connection.engine ? server_start(connection.engine, &err) : NULL;
	if (connection.engine) engine_read(connection.engine, 0, &err);
	signal(SIGINT, on_interrupt);
	EditLine *el = el_init("weir", stdin, stdout, stderr);
	el_set(el, EL_PROMPT, prompt);
	StrBuf text = STRBUF_INIT;
	for (int n; ; ) {
		prompt_text = text.bytes ? " ...> " : "weir> ";
		const char *line = el_gets(el, &n);
		if (!line || n <= 0) break;
		strbuf_add(&text, line, (size_t)n);
		if (!parse_is_complete(text.text, text.bytes)) continue;
		run_statements(&connection, text.text, text.bytes);
		strbuf_clear(&text);
	}
	el_end(el);
	strbuf_release(&text);
	server_stop(server);
	bool ok = connection_finish(&connection, &err);
	ok = connection_close(&connection, &err) && ok;
	output_release(&output);
	return ok ? EXIT_FINE : (int)error_class(err.code);
}
