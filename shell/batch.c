/* Batch: statements of -c, -f or stdin, one after the other. */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ast/parse.h"
#include "console.h"
#include "report.h"
#include "signals.h"

typedef struct Job {
	Console console;
	_Atomic(Engine *) reading;        /* --until-end is under way */
	int stop_fd;                      /* readable when the process is to end */
	atomic_int signal_number;         /* the first; 0: none */
	int ticks;                        /* since then */
} Job;

/* What does not stop for a second gives up the commit that it is in: nothing comes after it. */
static bool tick(Job *job)
{
	console_cancel_again(&job->console);
	Engine *engine = job->console.connection.engine;
	if (++job->ticks == SIGNALS_HURRY_TICKS && engine) engine_hurry(engine);
	return job->ticks < SIGNALS_HURRY_TICKS;
}

/* The first signal ends what runs, in good order; a second one the process. */
static bool on_signal(void *context, int number)
{
	Job *job = context;
	if (number == 0) return tick(job);
	if (number != SIGINT && number != SIGTERM && number != SIGHUP) return false;
	if (job->signal_number) signals_die(number);
	job->signal_number = number;
	console_cancel(&job->console);
	Engine *engine = atomic_load(&job->reading);
	if (engine) engine_stop(engine);
	eventfd_write(job->stop_fd, 1);
	return true;
}

static int report(const Error *err)
{
	report_error(stderr, err, NULL, NULL, 0);
	return console_exit_code(err);
}

/* ---- stdin ---- */

/* Statements run as they become complete, so that what writes them may wait for answers. */
static int run_complete(Job *job, StrBuf *text, bool end)
{
	const char *last = memrchr(text->text, '\n', text->bytes);
	size_t bytes = end ? text->bytes : last ? (size_t)(last - text->text) + 1 : 0;
	if (bytes == 0 || (!end && !console_is_complete(text->text, bytes))) return EXIT_FINE;
	int code = console_run(&job->console, NULL, text->text, bytes);
	StrBuf rest = STRBUF_INIT;
	strbuf_add(&rest, text->text + bytes, text->bytes - bytes);
	strbuf_release(text);
	*text = rest;
	return code;
}

static int run_stdin(Job *job)
{
	StrBuf text = STRBUF_INIT;
	int code = EXIT_FINE;
	bool end = false;
	while (!end && !job->console.quit) {
		struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = job->stop_fd, .events = POLLIN}};
		if (poll(fds, 2, -1) < 0) continue;
		if (fds[1].revents) break;
		ssize_t n = read(STDIN_FILENO, strbuf_grow(&text, 65536), 65536);
		end = n <= 0;
		if (n > 0) text.bytes += (size_t)n;
		text.text[text.bytes] = 0;
		if (!end && !memchr(text.text + text.bytes - n, '\n', (size_t)n)) continue;
		int failure = run_complete(job, &text, end);
		if (failure) code = failure;
		if (failure && (!job->console.keep_going || failure != EXIT_SQL)) break;
	}
	strbuf_release(&text);
	return code;
}

/* ---- all of it ---- */

static int run_inputs(Job *job)
{
	Console *console = &job->console;
	int code = EXIT_FINE;
	for (int i = 0; i < console->cli->inputs.count && !console->quit; i++) {
		const Input *input = &console->cli->inputs.at[i];
		int failure = input->kind == INPUT_TEXT ? console_run(console, NULL, input->value, strlen(input->value)) : console_run_file(console, input->value);
		if (failure) code = failure;
		if (failure && (!console->keep_going || failure != EXIT_SQL)) break;
	}
	return code;
}

static int read_to_the_end(Job *job)
{
	Error err = ERROR_INIT;
	Engine *engine = job->console.connection.engine;
	if (!engine)
		return report((error_set(&err, ERR_FILE_IN_USE, SPAN_NONE, "--until-end cannot read beside process %d, which owns the file and reads all the time",
			client_owner(job->console.cli->path)), &err));
	atomic_store(&job->reading, engine);
	bool ok = job->signal_number || (engine_read(engine, ENGINE_UNTIL_END | (job->console.cli->final ? ENGINE_FINAL : 0), &err) && engine_wait(engine, &err));
	atomic_store(&job->reading, NULL);
	return ok ? EXIT_FINE : report(&err);
}

static int run_job(Job *job, const Cli *cli)
{
	Error err = ERROR_INIT;
	Console *console = &job->console;
	int code = cli->inputs.count ? run_inputs(job) : cli->until_end ? EXIT_FINE : run_stdin(job);
	if (console->quit) code = code ? code : console->exit_code;
	if (!console_finish(console, &err) && code == EXIT_FINE) code = job->signal_number ? console_exit_code(&err) : report(&err);
	if (code == EXIT_FINE && cli->until_end && !job->signal_number) code = read_to_the_end(job);
	return code;
}

int command_batch(const Cli *cli)
{
	Error err = ERROR_INIT;
	Job job = {.stop_fd = eventfd(0, EFD_CLOEXEC)};
	signals_block();
	console_init(&job.console, cli, false);
	int code;
	if (connection_open(&job.console.connection, cli, &job.console.sink, SESSION_BATCH, &err)) {
		signals_start(on_signal, &job);
		code = run_job(&job, cli);
		err = ERROR_INIT;
		signals_stop();
		if (!connection_close(&job.console.connection, &err) && code == EXIT_FINE) code = report(&err);
	}
	else code = report(&err);
	if (job.signal_number && code == EXIT_FINE) code = 128 + job.signal_number;
	console_release(&job.console);
	close(job.stop_fd);
	return code;
}
