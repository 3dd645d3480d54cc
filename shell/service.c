/* weir run FILE: keeps the views of a file up to date until it is told to stop. */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "connection.h"
#include "console.h"
#include "report.h"
#include "server/server.h"
#include "signals.h"

typedef struct Service { Engine *engine; Session *session; atomic_bool stopping; int ticks; } Service;

/* SIGTERM and SIGINT: a last commit and the end. A commit that takes longer than a second is given up; a second signal ends at once. SIGHUP: what ${env:}
 * and ${file:} name is read again. */
static bool on_signal(void *context, int number)
{
	Service *service = context;
	if (number == SIGHUP) engine_refresh(service->engine);
	if (number == 0 && ++service->ticks == SIGNALS_HURRY_TICKS) engine_hurry(service->engine);
	if (number == 0) return service->ticks < SIGNALS_HURRY_TICKS;
	if (number != SIGTERM && number != SIGINT) return service->stopping;
	if (service->stopping) signals_die(number);
	service->stopping = true;
	sd_notify(0, "STOPPING=1");
	session_cancel(service->session);
	engine_stop(service->engine);
	return true;
}

static int report(const Error *err)
{
	report_error(stderr, err, NULL, NULL, 0);
	return console_exit_code(err);
}

/* ---- the scripts ---- */

typedef VEC(ScriptText) Scripts;

static bool read_scripts(const Cli *cli, Scripts *scripts, Error *err)
{
	for (int i = 0; i < cli->inputs.count; i++) {
		const Input *input = &cli->inputs.at[i];
		char *text = NULL;
		ScriptText script = {.name = input->kind == INPUT_FILE ? input->value : "-c"};
		if (input->kind == INPUT_TEXT) {
			text = mem_strdup(input->value);
			script.bytes = strlen(text);
		}
		else if (!read_file(input->value, &text, &script.bytes, err)) {
			free(text);
			return false;
		}
		script.text = text;
		vec_push(scripts, script);
	}
	return true;
}

static int run_scripts(const Cli *cli, Session *session)
{
	Error err = ERROR_INIT;
	Scripts scripts = {0};
	int failed = 0, code = EXIT_FINE;
	if (!read_scripts(cli, &scripts, &err)) code = report(&err);
	else if (scripts.count && !session_run_script(session, scripts.at, scripts.count, cli->check, &failed, &err)) {
		report_error(stderr, &err, scripts.at[failed].name, scripts.at[failed].text, scripts.at[failed].bytes);
		code = console_exit_code(&err);
	}
	for (int i = 0; i < scripts.count; i++) free((char *)(uintptr_t)scripts.at[i].text);
	vec_release(&scripts);
	return code;
}

/* ---- serving ---- */

/* READY after recovery; the watchdog is fed while the commit loop turns. */
static bool serve(Engine *engine, Error *err)
{
	uint64_t watchdog_us = 0;
	sd_watchdog_enabled(0, &watchdog_us);
	sd_notifyf(0, "READY=1\nMAINPID=%d\nSTATUS=keeps %s up to date", (int)getpid(), engine_path(engine));
	return watchdog_us ? engine_wait_watched(engine, watchdog_us / 2, err) : engine_wait(engine, err);
}

static int read_and_serve(const Cli *cli, const Service *service)
{
	Engine *engine = service->engine;
	Error err = ERROR_INIT;
	unsigned flags = (cli->until_end ? ENGINE_UNTIL_END : 0) | (cli->final ? ENGINE_FINAL : 0);
	Server *server = server_start(engine, &err);
	bool ok = err.code == ERR_NONE && engine_read(engine, flags, &err) && serve(engine, &err);
	server_stop(server);
	return ok || (service->stopping && err.code == ERR_CANCELED) ? EXIT_FINE : report(&err);
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
	signals_block();
	bool looks_only = cli->check && access(cli->path, F_OK) != 0;           /* what would be, in memory: a check leaves no file */
	EngineConfig config = {.path = looks_only ? NULL : cli->path, .must_exist = cli->inputs.count == 0, .take_over = cli->take_over, .notice = connection_notice};
	Service service = {.engine = engine_open(&config, &err)};
	if (!service.engine) return report_owner(cli, &err);
	Output output;
	bool terminal = isatty(STDOUT_FILENO);
	output_init(&output, stdout, cli->has_mode ? cli->mode : terminal ? OUTPUT_BOX : OUTPUT_LIST, cli->check && terminal);
	ResultSink sink = output_sink(&output);
	service.session = session_new(service.engine, &sink, SESSION_BATCH);
	connection_variables(cli, service.session, NULL);
	signals_start(on_signal, &service);
	int code = run_scripts(cli, service.session);
	if (code == EXIT_FINE && !cli->check && !service.stopping) code = read_and_serve(cli, &service);
	if (service.stopping && code == EXIT_CANCELED) code = EXIT_FINE;      /* in the midst of the script, or of recovery */
	if (!engine_settle(service.engine, &err) && code == EXIT_FINE) code = report(&err);
	signals_stop();
	session_free(service.session);
	err = ERROR_INIT;
	if (!engine_close(service.engine, &err) && code == EXIT_FINE) code = report(&err);
	output_release(&output);
	return code;
}
