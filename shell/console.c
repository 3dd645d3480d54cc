#include "console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast/parse.h"
#include "base/clock.h"
#include "report.h"

static void on_notice(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "notice: %s\n", text);
}

void console_init(Console *console, const Cli *cli, bool interactive)
{
	*console = (Console){.cli = cli, .interactive = interactive, .keep_going = cli->keep_going, .standard = stdout};
	bool terminal = isatty(STDOUT_FILENO);
	output_init(&console->output, stdout, cli->has_mode ? cli->mode : terminal || interactive ? OUTPUT_BOX : OUTPUT_LIST, terminal);
	console->sink = output_sink(&console->output);
	console->sink.notice = on_notice;
	pthread_mutex_init(&console->lock, NULL);
	pthread_cond_init(&console->stopped, NULL);
}

void console_release(Console *console)
{
	Error ignored = ERROR_INIT;
	console_output(console, NULL, &ignored);
	output_release(&console->output);
	free(console->null_text);
	pthread_cond_destroy(&console->stopped);
	pthread_mutex_destroy(&console->lock);
}

int console_exit_code(const Error *err) { return err->code == ERR_CANCELED ? EXIT_CANCELED : (int)error_class(err->code); }

/* ---- canceling ---- */

static void set_running(Console *console, bool running)
{
	pthread_mutex_lock(&console->lock);
	console->running = running;
	pthread_mutex_unlock(&console->lock);
}

/* Under the lock, so that the connection is there until its cancel is through. */
bool console_cancel(Console *console)
{
	pthread_mutex_lock(&console->lock);
	bool running = console->running;
	atomic_store(&console->stop, true);
	if (running) connection_cancel(&console->connection);
	pthread_cond_broadcast(&console->stopped);
	pthread_mutex_unlock(&console->lock);
	return running;
}

bool console_cancel_again(Console *console)
{
	pthread_mutex_lock(&console->lock);
	bool still = console->running && atomic_load(&console->stop);        /* else it was resumed, and what runs is another */
	if (still) connection_cancel(&console->connection);
	pthread_mutex_unlock(&console->lock);
	return still;
}

void console_resume(Console *console) { atomic_store(&console->stop, false); }

bool console_wait(Console *console, double seconds)
{
	struct timespec until = clock_deadline((int64_t)(seconds * 1e6));
	pthread_mutex_lock(&console->lock);
	int rc = 0;
	while (!atomic_load(&console->stop) && rc == 0) rc = pthread_cond_timedwait(&console->stopped, &console->lock, &until);
	pthread_mutex_unlock(&console->lock);
	return !atomic_load(&console->stop);
}

/* ---- running ---- */

static double now_s(void) { return (double)clock_monotonic_us() / 1e6; }

static bool run_statement(Console *console, const char *text, size_t start, size_t end, Error *err)
{
	double began = now_s();
	set_running(console, true);
	bool ok = connection_run(&console->connection, text, start, end, err);
	set_running(console, false);
	console->cut_short = !ok && output_abort(&console->output);
	if (console->timer) fprintf(console->output.file, "Run Time: real %.3f\n", now_s() - began);
	if (console->timer) fflush(console->output.file);
	return ok;
}

bool console_finish(Console *console, Error *err)
{
	set_running(console, true);
	bool ok = connection_finish(&console->connection, err);
	set_running(console, false);
	return ok;
}

bool console_statement(Console *console, const char *sql, Error *err) { return run_statement(console, sql, 0, strlen(sql), err); }

/* Ctrl-C needs no words; what has no place in the text is shown at the statement's start. */
static int failed(Console *console, Error *err, const char *name, const char *text, size_t bytes, size_t start)
{
	if (err->code == ERR_CANCELED && atomic_load(&console->stop)) return EXIT_CANCELED;
	if (err->code == ERR_CANCELED && console->output.failed) return EXIT_FINE;        /* the reader of our pipe has enough */
	if (err->span.end == 0) err->span = (Span){(uint32_t)start, (uint32_t)start};
	fflush(console->output.file);
	report_error(stderr, err, name, text, bytes);
	return console_exit_code(err);
}

static bool is_dot_line(const char *text, size_t at)
{
	if (text[at] != '.') return false;
	while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) at--;
	return at == 0 || text[at - 1] == '\n';
}

static int run_one(Console *console, const char *name, const char *text, size_t bytes, size_t *offset, size_t start, size_t end)
{
	Error err = ERROR_INIT;
	bool ok;
	if (is_dot_line(text, start)) {
		const char *newline = memchr(text + start, '\n', bytes - start);
		end = newline ? (size_t)(newline - text) : bytes;
		*offset = end;
		ok = dot_run(console, text + start, end - start, &err);
		fflush(console->output.file);
		if (!ok && err.code == ERR_NONE) return console->exit_code;           /* it has told by itself */
	}
	else {
		bool once = console->once;
		ok = run_statement(console, text, start, end, &err);
		Error ignored = ERROR_INIT;
		if (once) console_output(console, NULL, &ignored);
	}
	return ok ? EXIT_FINE : failed(console, &err, name, text, bytes, start);
}

int console_run(Console *console, const char *name, const char *text, size_t bytes)
{
	size_t offset = 0, start, end;
	int code = EXIT_FINE;
	while (!console->quit && !console->output.failed && parse_next_statement(text, bytes, &offset, &start, &end)) {
		if (atomic_load(&console->stop)) return EXIT_CANCELED;
		int failure = run_one(console, name, text, bytes, &offset, start, end);
		if (failure == EXIT_FINE) continue;
		code = failure;
		if (!console->keep_going || code != EXIT_SQL) return code;
	}
	return code;
}

bool read_file(const char *path, char **text, size_t *bytes, Error *err)
{
	FILE *file = fopen(path, "rb");
	if (!file) return error_set(err, errno == ENOENT ? ERR_FILE_NOT_FOUND : ERR_IO, SPAN_NONE, "cannot read script \"%s\": %s", path, strerror(errno));
	StrBuf buf = STRBUF_INIT;
	char chunk[65536];
	for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0; ) strbuf_add(&buf, chunk, n);
	bool ok = !ferror(file);
	if (!ok) error_set(err, ERR_IO, SPAN_NONE, "cannot read script \"%s\": %s", path, strerror(errno));
	fclose(file);
	*bytes = buf.bytes;
	*text = strbuf_detach(&buf);
	return ok;
}

int console_run_file(Console *console, const char *path)
{
	Error err = ERROR_INIT;
	char *text = NULL;
	size_t bytes = 0;
	int code;
	if (read_file(path, &text, &bytes, &err)) code = console_run(console, path, text, bytes);
	else {
		report_error(stderr, &err, NULL, NULL, 0);
		code = console_exit_code(&err);
	}
	free(text);
	return code;
}

bool console_is_complete(const char *text, size_t bytes)
{
	size_t offset = 0, start, end;
	while (parse_next_statement(text, bytes, &offset, &start, &end)) {
		if (!is_dot_line(text, start)) {
			if (end == bytes || offset >= bytes) return parse_is_complete(text + start, bytes - start);
			continue;
		}
		const char *newline = memchr(text + start, '\n', bytes - start);
		offset = newline ? (size_t)(newline - text) : bytes;
	}
	return parse_is_complete(text + (offset < bytes ? offset : bytes), offset < bytes ? bytes - offset : 0);
}

/* ---- where results go ---- */

bool console_output(Console *console, const char *path, Error *err)
{
	Output *output = &console->output;
	if (output->file != console->standard) fclose(output->file);
	output->file = console->standard;
	output->terminal = isatty(STDOUT_FILENO);
	console->once = false;
	if (!path) return true;
	FILE *file = fopen(path, "w");
	if (!file) return error_set(err, ERR_IO, SPAN_NONE, "cannot write to \"%s\": %s", path, strerror(errno));
	output->file = file;
	output->terminal = false;
	return true;
}
