/* Batch: statements of -c, -f or stdin, one after the other; the service `weir run` beside it, since it runs scripts, too. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "ast/parse.h"
#include "connection.h"
#include "report.h"
#include "server/server.h"

/* ---- signals: the first ends what runs, in good order; a second ends the process ---- */

static Connection *running_connection;
static Engine *running_engine;
static volatile sig_atomic_t signals_seen;

static void on_signal(int number)
{
	if (signals_seen++) {
		signal(number, SIG_DFL);
		raise(number);
	}
	if (running_connection) connection_cancel(running_connection);
	if (running_engine) engine_stop(running_engine);
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int exit_code_of(const Error *err) { return err->code == ERR_CANCELED ? 130 : (int)error_class(err->code); }

static OutputMode mode_of(const Cli *cli, bool terminal) { return cli->has_mode ? cli->mode : terminal ? OUTPUT_BOX : OUTPUT_LIST; }

/* ---- texts ---- */

static bool read_file(const char *path, char **text, size_t *bytes, Error *err)
{
	FILE *file = fopen(path, "rb");
	if (!file) return error_set(err, errno == ENOENT ? ERR_FILE_NOT_FOUND : ERR_IO, SPAN_NONE, "cannot read script \"%s\": %s", path, strerror(errno));
	StrBuf buf = STRBUF_INIT;
	char chunk[65536];
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0; ) strbuf_add(&buf, chunk, n);
	bool ok = !ferror(file);
	fclose(file);
	if (!ok) error_set(err, ERR_IO, SPAN_NONE, "cannot read script \"%s\": %s", path, strerror(errno));
	*bytes = buf.bytes;
	*text = strbuf_detach(&buf);
	return ok;
}

/* Runs the statements of a text; returns the exit code. */
static int run_text(const Cli *cli, Connection *connection, const char *name, const char *text, size_t bytes)
{
	size_t offset = 0, start, end;
	int code = EXIT_FINE;
	while (parse_next_statement(text, bytes, &offset, &start, &end)) {
		Error err = ERROR_INIT;
		if (connection_run(connection, text, start, end, &err)) continue;
		if (err.code != ERR_CANCELED) {
			if (err.span.end == 0) err.span = (Span){(uint32_t)start, (uint32_t)start};
			report_error(stderr, &err, name, text, bytes);
		}
		code = exit_code_of(&err);
		if (!cli->keep_going || err.code == ERR_CANCELED || error_class(err.code) != ERROR_CLASS_SQL) return code;
	}
	return code;
}

/* Statements from stdin run as they become complete, so that what writes them may wait for answers. */
static int run_stdin(const Cli *cli, Connection *connection)
{
	StrBuf text = STRBUF_INIT;
	char *line = NULL;
	size_t room = 0;
	int code = EXIT_FINE;
	for (ssize_t n; code == EXIT_FINE && (n = getline(&line, &room, stdin)) > 0; ) {
		strbuf_add(&text, line, (size_t)n);
		if (!memchr(line, ';', (size_t)n) || !parse_is_complete(text.text, text.bytes)) continue;
		int failed = run_text(cli, connection, NULL, text.text, text.bytes);
		if (failed && !cli->keep_going) code = failed;
		strbuf_clear(&text);
	}
	if (code == EXIT_FINE && text.bytes) code = run_text(cli, connection, NULL, text.text, text.bytes);
	free(line);
	strbuf_release(&text);
	return code;
}

static int run_inputs(const Cli *cli, Connection *connection)
{
	int code = EXIT_FINE;
	for (int i = 0; i < cli->inputs.count; i++) {
		const Input *input = &cli->inputs.at[i];
		if (input->kind == INPUT_TEXT) code = run_text(cli, connection, NULL, input->value, strlen(input->value));
		else {
			Error err = ERROR_INIT;
			char *text = NULL;
			size_t bytes = 0;
			if (!read_file(input->value, &text, &bytes, &err)) {
				report_error(stderr, &err, NULL, NULL, 0);
				code = exit_code_of(&err);
			}
			else code = run_text(cli, connection, input->value, text, bytes);
			free(text);
		}
		if (code && !cli->keep_going) break;
	}
	return code;
}

static int report(const Error *err)
{
	report_error(stderr, err, NULL, NULL, 0);
	return exit_code_of(err);
}

static int read_to_the_end(const Cli *cli, Engine *engine)
{
	Error err = ERROR_INIT;
	bool ok = engine_read(engine, ENGINE_UNTIL_END | (cli->final ? ENGINE_FINAL : 0), &err) && engine_wait(engine, &err);
	return ok ? EXIT_FINE : report(&err);
}

int command_batch(const Cli *cli)
{
	Error err = ERROR_INIT;
	bool terminal = isatty(STDOUT_FILENO);
	Output output;
	output_init(&output, stdout, mode_of(cli, terminal), terminal);
	ResultSink sink = output_sink(&output);
	Connection connection;
	if (!connection_open(&connection, cli, &sink, SESSION_BATCH, &err)) return report(&err);
	running_connection = &connection;
	catch_signals();
	int code = cli->inputs.count ? run_inputs(cli, &connection) : cli->until_end ? EXIT_FINE : run_stdin(cli, &connection);
	if (!connection_finish(&connection, &err) && code == EXIT_FINE) code = report(&err);
	running_connection = NULL;
	running_engine = connection.engine;
	if (code == EXIT_FINE && cli->until_end && connection.engine) code = read_to_the_end(cli, connection.engine);
	running_engine = NULL;
	err = ERROR_INIT;
	if (!connection_close(&connection, &err) && code == EXIT_FINE) code = report(&err);
	output_release(&output);
	return code;
}

/* ---- weir run ---- */

static int run_scripts(const Cli *cli, Engine *engine, Session *session)
{
	(void)engine;
	Error err = ERROR_INIT;
	VEC(ScriptText) scripts = {0};
	bool ok = true;
	for (int i = 0; ok && i < cli->inputs.count; i++) {
		char *text = NULL;
		ScriptText script = {.name = cli->inputs.at[i].value};
		ok = read_file(script.name, &text, &script.bytes, &err);
		script.text = text;
		if (ok) vec_push(&scripts, script);
	}
	int failed = 0, code = EXIT_FINE;
	if (!ok) code = report(&err);
	else if (scripts.count && !session_run_script(session, scripts.at, scripts.count, cli->check, &failed, &err)) {
		report_error(stderr, &err, scripts.at[failed].name, scripts.at[failed].text, scripts.at[failed].bytes);
		code = exit_code_of(&err);
	}
	for (int i = 0; i < scripts.count; i++) free((char *)(uintptr_t)scripts.at[i].text);
	vec_release(&scripts);
	return code;
}

/* READY after recovery; the watchdog is fed while the commit loop turns. */
static bool serve(Engine *engine, Error *err)
{
	uint64_t watchdog_us = 0;
	sd_watchdog_enabled(0, &watchdog_us);
	sd_notify(0, "READY=1");
	bool ok = watchdog_us ? engine_wait_watched(engine, watchdog_us / 2, err) : engine_wait(engine, err);
	sd_notify(0, "STOPPING=1");
	return ok;
}

static int report_owner(const Cli *cli, Error *err)
{
	int owner = err->code == ERR_FILE_IN_USE ? client_owner(cli->path) : 0;
	if (owner) error_detail(err, "process %d has it open", owner);
	return report(err);
}

int command_run(const Cli *cli)
{
	Error err = ERROR_INIT;
	EngineConfig config = {.path = cli->path, .must_exist = cli->inputs.count == 0, .take_over = cli->take_over, .notice = connection_notice};
	Engine *engine = engine_open(&config, &err);
	if (!engine) return report_owner(cli, &err);
	Output output;
	output_init(&output, stdout, mode_of(cli, cli->check), cli->check);
	ResultSink sink = output_sink(&output);
	Session *session = session_new(engine, &sink, SESSION_BATCH);
	connection_variables(cli, session, NULL);
	running_engine = engine;
	catch_signals();
	int code = run_scripts(cli, engine, session);
	if (code == EXIT_FINE && !cli->check) {
		unsigned flags = (cli->until_end ? ENGINE_UNTIL_END : 0) | (cli->final ? ENGINE_FINAL : 0);
		Server *server = server_start(engine, &err);
		if (err.code != ERR_NONE || !engine_read(engine, flags, &err) || !serve(engine, &err)) code = report(&err);
		server_stop(server);
	}
	session_free(session);
	running_engine = NULL;
	err = ERROR_INIT;
	if (!engine_close(engine, &err) && code == EXIT_FINE) code = report(&err);
	output_release(&output);
	return code;
}
