/* Dot commands: a row in dots.def and a function here. What they show of the file they ask for in SQL, so that all of them work in a second
 * process, too. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "console.h"
#include "server/client.h"

#define DOT(name, arguments, doc) static bool dot_##name(Console *console, int argc, char **argv, Error *err);
#include "dots.def"
#undef DOT

const DotCommand DOT_COMMANDS[] = {
#define DOT(name, arguments, doc) {#name, arguments, doc, dot_##name},
#include "dots.def"
#undef DOT
};
const int DOT_COMMAND_COUNT = sizeof DOT_COMMANDS / sizeof *DOT_COMMANDS;

enum { READ_DEPTH_MAX = 20 };

/* ---- words of the line ---- */

/* Blanks divide; 'x y' and "x y" are one word. In place. */
static int split(char *line, char **words, int most)
{
	int count = 0;
	for (char *at = line; count < most; ) {
		at += strspn(at, " \t\r\n");
		if (!*at) break;
		char quote = *at == '\'' || *at == '"' ? *at : 0;
		if (quote) at++;
		words[count++] = at;
		at = quote ? strchrnul(at, quote) : at + strcspn(at, " \t\r\n");
		if (*at) *at++ = 0;
	}
	return count;
}

static bool usage(const char *name, Error *err)
{
	for (int d = 0; d < DOT_COMMAND_COUNT; d++)
		if (strcmp(DOT_COMMANDS[d].name, name) == 0) error_set(err, ERR_SYNTAX, SPAN_NONE, "usage: .%s %s", name, DOT_COMMANDS[d].arguments);
	return false;
}

static const DotCommand *find(const char *word, Error *err)
{
	const DotCommand *found = NULL;
	size_t bytes = strlen(word);
	Nearest nearest;
	nearest_init(&nearest, word);
	for (int d = 0; d < DOT_COMMAND_COUNT; d++) {
		const DotCommand *command = &DOT_COMMANDS[d];
		nearest_offer(&nearest, command->name);
		if (strcmp(command->name, word) == 0) return command;
		if (bytes == 0 || strncmp(command->name, word, bytes) != 0) continue;
		if (found) {
			error_set(err, ERR_SYNTAX, SPAN_NONE, "command \".%s\" is ambiguous", word);
			error_hint(err, ".%s or .%s?", found->name, command->name);
			return NULL;
		}
		found = command;
	}
	if (found) return found;
	error_set(err, ERR_SYNTAX, SPAN_NONE, "command \".%s\" does not exist", word);
	if (nearest.best) error_hint(err, "Did you mean .%s?", nearest.best);
	else error_hint(err, ".help lists the commands.");
	return NULL;
}

bool dot_run(Console *console, const char *line, size_t bytes, Error *err)
{
	char *copy = mem_alloc(bytes + 1), *words[256] = {0};
	memcpy(copy, line, bytes);
	copy[bytes] = 0;
	int count = split(copy + 1, words, 255);
	for (size_t n = bytes; count && n > 1 && strchr("; \t\r", line[n - 1]); n--)              /* a semicolon out of habit */
		if (line[n - 1] == ';' && strcmp(words[0], "watch") != 0) {
			char *last = words[count - 1];
			size_t last_bytes = strlen(last);
			if (last_bytes && last[last_bytes - 1] == ';') last[last_bytes - 1] = 0;
			break;
		}
	const DotCommand *command = count ? find(words[0], err) : find("", err);
	words[0] = command ? (char *)(uintptr_t)command->name : NULL;
	const char *outer = console->line;
	char *whole = memset(mem_alloc(bytes + 1), 0, bytes + 1);
	console->line = memcpy(whole, line, bytes);
	bool ok = command && command->run(console, count, words, err);
	console->line = outer;
	free(whole);
	free(copy);
	return ok;
}

static bool on_or_off(int argc, char **argv, bool *out, Error *err)
{
	bool on = argc == 2 && (strcasecmp(argv[1], "on") == 0 || strcasecmp(argv[1], "yes") == 0 || strcmp(argv[1], "1") == 0);
	bool off = argc == 2 && (strcasecmp(argv[1], "off") == 0 || strcasecmp(argv[1], "no") == 0 || strcmp(argv[1], "0") == 0);
	if (!on && !off) return usage(argv[0], err);
	*out = on;
	return true;
}

/* ---- the commands, as in dots.def ---- */

static bool dot_bail(Console *console, int argc, char **argv, Error *err)
{
	bool on;
	if (!on_or_off(argc, argv, &on, err)) return false;
	console->keep_going = !on;
	return true;
}

static bool dot_exit(Console *console, int argc, char **argv, Error *err)
{
	char *end = NULL;
	if (argc > 2) return usage(argv[0], err);
	console->exit_code = argc == 2 ? (int)strtol(argv[1], &end, 10) : EXIT_FINE;
	if (end && *end) return usage(argv[0], err);
	return console->quit = true;
}

static bool dot_headers(Console *console, int argc, char **argv, Error *err)
{
	bool on;
	if (!on_or_off(argc, argv, &on, err)) return false;
	console->output.headers = on ? HEADERS_ON : HEADERS_OFF;
	return true;
}

static bool dot_help(Console *console, int argc, char **argv, Error *err)
{
	if (argc > 2) return usage(argv[0], err);
	const char *pattern = argc == 2 ? argv[1] + (argv[1][0] == '.') : "";
	int shown = 0;
	for (int d = 0; d < DOT_COMMAND_COUNT; d++) {
		const DotCommand *command = &DOT_COMMANDS[d];
		if (*pattern && !strcasestr(command->name, pattern) && !strcasestr(command->doc, pattern)) continue;
		char words[64];
		snprintf(words, sizeof words, ".%s %s", command->name, command->arguments);
		fprintf(console->output.file, "%-26s %s\n", words, command->doc);
		shown++;
	}
	if (!shown) return error_set(err, ERR_SYNTAX, SPAN_NONE, "no command has to do with \"%s\"", pattern);
	return true;
}

static bool dot_mode(Console *console, int argc, char **argv, Error *err)
{
	Output *output = &console->output;
	if (argc > 2) return usage(argv[0], err);
	if (argc == 1) {
		for (int m = 0; m < OUTPUT_MODE_COUNT; m++)
			fprintf(output->file, "%s %-10s %s\n", (OutputMode)m == output->mode ? "*" : " ", OUTPUT_MODES[m].name, OUTPUT_MODES[m].doc);
		return true;
	}
	if (output_mode_find(argv[1], &output->mode)) return true;
	Nearest nearest;
	nearest_init(&nearest, argv[1]);
	for (int m = 0; m < OUTPUT_MODE_COUNT; m++) nearest_offer(&nearest, OUTPUT_MODES[m].name);
	error_set(err, ERR_UNDEFINED_OBJECT, SPAN_NONE, "mode \"%s\" does not exist", argv[1]);
	return nearest.best ? error_hint(err, "Did you mean %s?", nearest.best) : error_hint(err, ".mode lists the modes.");
}

static bool dot_nullvalue(Console *console, int argc, char **argv, Error *err)
{
	if (argc != 2) return usage(argv[0], err);
	free(console->null_text);
	console->output.null_text = console->null_text = mem_strdup(argv[1]);
	return true;
}

static bool dot_once(Console *console, int argc, char **argv, Error *err)
{
	if (argc != 2) return usage(argv[0], err);
	return console->once = console_output(console, argv[1], err);
}

static bool dot_output(Console *console, int argc, char **argv, Error *err)
{
	if (argc > 2) return usage(argv[0], err);
	return console_output(console, argc == 2 && strcmp(argv[1], "stdout") != 0 ? argv[1] : NULL, err);
}

static bool dot_print(Console *console, int argc, char **argv, Error *err)
{
	(void)err;
	for (int i = 1; i < argc; i++) fprintf(console->output.file, "%s%s", i > 1 ? " " : "", argv[i]);
	fputc('\n', console->output.file);
	return true;
}

static bool dot_quit(Console *console, int argc, char **argv, Error *err)
{
	if (argc > 1) return usage(argv[0], err);
	return console->quit = true;
}

static bool dot_read(Console *console, int argc, char **argv, Error *err)
{
	if (argc != 2) return usage(argv[0], err);
	if (console->depth >= READ_DEPTH_MAX) return error_set(err, ERR_TOO_COMPLEX, SPAN_NONE, "scripts read each other more than %d deep", READ_DEPTH_MAX);
	console->depth++;
	int code = console_run_file(console, argv[1]);
	console->depth--;
	if (code) console->exit_code = code;
	return code == EXIT_FINE;
}

static void where_like(StrBuf *sql, int argc, char **argv)
{
	if (argc < 2) return;
	strbuf_adds(sql, " LIKE ");
	strbuf_add_sql_string(sql, argv[1], strlen(argv[1]));
}

/* Definitions are text, in whatever mode results are. */
static bool dot_schema(Console *console, int argc, char **argv, Error *err)
{
	if (argc > 2) return usage(argv[0], err);
	StrBuf sql = STRBUF_INIT;
	strbuf_adds(&sql, "SELECT sql || ';' AS sql FROM weir_catalog");
	if (argc == 2) strbuf_adds(&sql, " WHERE name");
	where_like(&sql, argc, argv);
	strbuf_adds(&sql, " ORDER BY id");
	OutputMode mode = console->output.mode;
	OutputHeaders headers = console->output.headers;
	console->output.mode = OUTPUT_LIST;
	console->output.headers = HEADERS_OFF;
	bool ok = console_statement(console, sql.text, err);
	console->output.mode = mode;
	console->output.headers = headers;
	strbuf_release(&sql);
	return ok;
}

static bool dot_show(Console *console, int argc, char **argv, Error *err)
{
	const Output *output = &console->output;
	static const char *const HEADERS[] = {"as the mode has it", "off", "on"};
	if (argc > 1) return usage(argv[0], err);
	fprintf(output->file, "%11s: %s\n%11s: %s\n%11s: %s\n%11s: %s\n%11s: %s\n%11s: %s\n", "file", console->cli->path ? console->cli->path : "in memory",
		"mode", OUTPUT_MODES[output->mode].name, "headers", HEADERS[output->headers], "nullvalue", output->null_text ? output->null_text : "as the mode has it",
		"timer", console->timer ? "on" : "off", "bail", console->keep_going ? "off" : "on");
	return true;
}

static bool dot_status(Console *console, int argc, char **argv, Error *err)
{
	EngineHealth health;
	if (argc > 1) return usage(argv[0], err);
	if (!console->cli->path) return error_set(err, ERR_WRONG_STATE, SPAN_NONE, "there is no file: everything is in memory");
	const char *null_text = console->output.null_text;
	console->output.null_text = null_text ? null_text : "";
	bool ok = engine_status(console->cli->path, &console->sink, client_owner(console->cli->path), &health, err);
	console->output.null_text = null_text;
	return ok;
}

static bool dot_tables(Console *console, int argc, char **argv, Error *err)
{
	if (argc > 2) return usage(argv[0], err);
	StrBuf sql = STRBUF_INIT;
	strbuf_adds(&sql, "SHOW TABLES");
	where_like(&sql, argc, argv);
	bool ok = console_statement(console, sql.text, err);
	strbuf_release(&sql);
	return ok;
}

static bool dot_timer(Console *console, int argc, char **argv, Error *err) { return on_or_off(argc, argv, &console->timer, err); }

static bool dot_version(Console *console, int argc, char **argv, Error *err)
{
	if (argc > 1) return usage(argv[0], err);
	fputs("weir " PACKAGE_VERSION "\n", console->output.file);
	return true;
}

/* On a terminal each result is drawn over the one before, whole, so that nothing flickers; of a long one what has room. */
static void draw_over(FILE *file, const char *text, int lines)
{
	fputs("\x1b[H", file);
	for (const char *line = text; *line && --lines > 0; ) {
		size_t length = strcspn(line, "\n");
		fprintf(file, "%.*s\x1b[K\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	fputs("\x1b[J", file);
	fflush(file);
}

static bool watch_once(Console *console, const char *sql, Error *err)
{
	Output *output = &console->output;
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = output->file, *memory = output->terminal ? open_memstream(&text, &bytes) : NULL;
	if (memory) output->file = memory;
	bool ok = console_statement(console, sql, err);
	output->file = file;
	if (memory) fclose(memory);
	if (memory && ok) draw_over(file, text, output_lines(output));
	free(text);
	return ok;
}

/* .watch [SECONDS] SELECT: its words are read here, for quotes are SQL's. */
static bool dot_watch(Console *console, int argc, char **argv, Error *err)
{
	char *end = NULL;
	double seconds = argc > 1 ? strtod(argv[1], &end) : 0;
	bool given = argc > 1 && end != argv[1] && !*end && seconds >= 0.1;
	const char *sql = console->line;
	for (int skipped = 0; skipped < (given ? 2 : 1); skipped++) {
		sql += strcspn(sql, " \t");
		sql += strspn(sql, " \t");
	}
	size_t bytes = strlen(sql);
	while (bytes && strchr("; \t\r", sql[bytes - 1])) bytes--;
	if (!bytes) return usage(argv[0], err);
	char *statement = mem_alloc(bytes + 1);
	memcpy(statement, sql, bytes);
	statement[bytes] = 0;
	if (console->output.terminal) fputs("\x1b[2J", console->output.file);
	bool ok = true;
	do ok = watch_once(console, statement, err);
	while (ok && !console->output.failed && console_wait(console, given ? seconds : 1));
	free(statement);
	if (ok && console->output.failed) return true;
	if (!ok && err->code != ERR_CANCELED) return false;
	console->cut_short = true;                                   /* Ctrl-C is how it ends: that needs no words */
	if (console->output.terminal) fputs("\r\x1b[K", console->output.file);
	return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
}
