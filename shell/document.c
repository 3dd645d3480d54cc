#include "document.h"

#include <stdlib.h>
#include <string.h>

#include "console.h"

/* ---- what all of them tell ---- */

static const struct { const char *code, *meaning; } EXIT_CODES[] = {
	{"0", "fine; status: all is live and fresh"},
	{"1", "an SQL error: the first stops a script unless --keep-going"},
	{"2", "wrong words on the command line"},
	{"3", "the environment: file, broker, disk"},
	{"4", "status: something wants a person (a view that is stopped or paused, a source that cannot be reached, new dead letters)"},
	{"5", "status: no process runs the file"},
	{"130", "canceled by Ctrl-C"},
};
enum { EXIT_CODE_COUNT = sizeof EXIT_CODES / sizeof *EXIT_CODES };

static const struct { const char *name, *meaning; } FILES[] = {
	{"FILE", "the SQLite file: definitions, views, positions, operator state. Any SQLite client may read it at any time."},
	{"FILE-wal, FILE-shm", "SQLite's companions of the file; they belong to it"},
	{"FILE-socket", "where the process that owns the file listens for others that work on it"},
	{"$XDG_STATE_HOME/weir/history, ~/.weir_history", "what was typed in the shell"},
	{"~/.editrc", "keys of the line editor; see editrc(5)"},
};
enum { FILE_COUNT = sizeof FILES / sizeof *FILES };

static const char SHELL_TEXT[] =
	"Statements end with a semicolon and may run over several lines. Tab completes keywords, relations, columns, functions, options and commands;"
	" the arrow keys and Ctrl-R bring back earlier statements. Ctrl-C ends the statement that runs, not the shell; a view that is being built goes on."
	" Ctrl-D leaves. A continuous query (one that reads a stream) says so first; a result that changes is drawn again in place."
	" While the shell is open the sources of the file are read, and other processes may work on it.";

/* ---- the man page ---- */

/* Text in roff: a dash is a minus, a backslash one that shows, no line begins with a dot. */
static void roff(StrBuf *out, const char *text)
{
	if (*text == '.' || *text == '\'') strbuf_adds(out, "\\&");
	for (; *text; text++) {
		if (*text == '-') strbuf_adds(out, "\\-");
		else if (*text == '\\') strbuf_adds(out, "\\e");
		else strbuf_addc(out, *text);
	}
}

static void roff_item(StrBuf *out, const char *words, const char *text)
{
	strbuf_adds(out, ".TP\n.B ");
	roff(out, words);
	strbuf_addc(out, '\n');
	roff(out, text);
	strbuf_addc(out, '\n');
}

static void option_words(char *out, size_t bytes, const CliOption *option)
{
	char letter[8] = "";
	if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
	snprintf(out, bytes, "%s--%s%s%s", letter, option->name, option->argument ? " " : "", option->argument ? option->argument : "");
}

static void man_options(StrBuf *out)
{
	char words[128];
	strbuf_adds(out, ".SH OPTIONS\n");
	for (int o = 0; o < CLI_OPTION_COUNT; o++) {
		if (!CLI_OPTIONS[o].doc) continue;
		option_words(words, sizeof words, &CLI_OPTIONS[o]);
		roff_item(out, words, CLI_OPTIONS[o].doc);
	}
	strbuf_adds(out, ".SS Modes of results\n");
	for (int m = 0; m < OUTPUT_MODE_COUNT; m++) {
		snprintf(words, sizeof words, "--%s", OUTPUT_MODES[m].name);
		roff_item(out, words, OUTPUT_MODES[m].doc);
	}
}

static void man_shell(StrBuf *out)
{
	char words[128];
	strbuf_adds(out, ".SH THE SHELL\n");
	roff(out, SHELL_TEXT);
	strbuf_adds(out, "\n.SS Commands\nA line each; they work in scripts, too. Unambiguous beginnings will do.\n");
	for (int d = 0; d < DOT_COMMAND_COUNT; d++) {
		snprintf(words, sizeof words, ".%s%s%s", DOT_COMMANDS[d].name, *DOT_COMMANDS[d].arguments ? " " : "", DOT_COMMANDS[d].arguments);
		roff_item(out, words, DOT_COMMANDS[d].doc);
	}
}

static void make_man(StrBuf *out)
{
	strbuf_adds(out, ".\\\" made by weir --docs man: not to be edited\n.TH WEIR 1 \"\" \"weir " PACKAGE_VERSION "\" \"User Commands\"\n"
		".SH NAME\nweir \\- streaming SQL into a SQLite file\n.SH SYNOPSIS\n");
	for (int c = 0; c < CLI_COMMAND_COUNT; c++) {
		strbuf_adds(out, c ? ".br\n.B " : ".B ");
		roff(out, CLI_COMMANDS[c].usage);
		strbuf_addc(out, '\n');
	}
	strbuf_adds(out, ".SH DESCRIPTION\nWeir reads streams, usually Kafka topics, and keeps the answers of SQL queries over them up to date, as tables in one SQLite file"
		" that any SQLite client can read meanwhile. Without FILE everything is in memory.\n");
	for (int c = 0; c < CLI_COMMAND_COUNT; c++) roff_item(out, CLI_COMMANDS[c].word ? CLI_COMMANDS[c].word : "weir [FILE]", CLI_COMMANDS[c].doc);
	man_options(out);
	man_shell(out);
	strbuf_adds(out, ".SH EXIT STATUS\n");
	for (int e = 0; e < EXIT_CODE_COUNT; e++) roff_item(out, EXIT_CODES[e].code, EXIT_CODES[e].meaning);
	strbuf_adds(out, ".SH SIGNALS\n");
	roff_item(out, "SIGINT, SIGTERM", "end what runs, commit, end; a second one ends at once");
	roff_item(out, "SIGHUP", "weir run: read again what ${env:NAME} and ${file:PATH} stand for in options of sources");
	strbuf_adds(out, ".SH FILES\n");
	for (int f = 0; f < FILE_COUNT; f++) roff_item(out, FILES[f].name, FILES[f].meaning);
	strbuf_adds(out, ".SH EXAMPLES\n.nf\n"
		"weir shop.db \\-c \"SELECT * FROM revenue\" \\-\\-csv\n"
		"weir run shop.db \\-f views.sql\n"
		"tail \\-f access.log | weir shop.db \\-c \"...\"\n"
		"sqlite3 shop.db \"SELECT * FROM revenue\"\n.fi\n.SH SEE ALSO\n.BR sqlite3 (1),\n.BR kcat (1)\n");
}

/* ---- docs/shell.md ---- */

static void table_row(StrBuf *out, const char *code, const char *text)
{
	strbuf_adds(out, "| `");
	for (; *code; code++) strbuf_printf(out, *code == '|' ? "\\%c" : "%c", *code);
	strbuf_adds(out, "` | ");
	for (; *text; text++) strbuf_printf(out, *text == '|' ? "\\%c" : "%c", *text);
	strbuf_adds(out, " |\n");
}

static void make_shell_page(StrBuf *out)
{
	char words[128];
	strbuf_adds(out, "# The program\n\n<!-- made by `weir --docs`: not to be edited -->\n\n| | |\n|---|---|\n");
	for (int c = 0; c < CLI_COMMAND_COUNT; c++) table_row(out, CLI_COMMANDS[c].usage, CLI_COMMANDS[c].doc);
	strbuf_adds(out, "\n## Options\n\n| | |\n|---|---|\n");
	for (int o = 0; o < CLI_OPTION_COUNT; o++) {
		if (!CLI_OPTIONS[o].doc) continue;
		option_words(words, sizeof words, &CLI_OPTIONS[o]);
		table_row(out, words, CLI_OPTIONS[o].doc);
	}
	strbuf_adds(out, "\n## Modes of results\n\n| | |\n|---|---|\n");
	for (int m = 0; m < OUTPUT_MODE_COUNT; m++) {
		snprintf(words, sizeof words, "--%s", OUTPUT_MODES[m].name);
		table_row(out, words, OUTPUT_MODES[m].doc);
	}
	strbuf_printf(out, "\n## The shell\n\n%s\n\nCommands are lines that begin with a dot; they work in scripts, too. Unambiguous beginnings will do.\n\n| | |\n|---|---|\n", SHELL_TEXT);
	for (int d = 0; d < DOT_COMMAND_COUNT; d++) {
		snprintf(words, sizeof words, ".%s%s%s", DOT_COMMANDS[d].name, *DOT_COMMANDS[d].arguments ? " " : "", DOT_COMMANDS[d].arguments);
		table_row(out, words, DOT_COMMANDS[d].doc);
	}
	strbuf_adds(out, "\n## Exit codes\n\n| | |\n|---|---|\n");
	for (int e = 0; e < EXIT_CODE_COUNT; e++) table_row(out, EXIT_CODES[e].code, EXIT_CODES[e].meaning);
	strbuf_adds(out, "\n## Files\n\n| | |\n|---|---|\n");
	for (int f = 0; f < FILE_COUNT; f++) table_row(out, FILES[f].name, FILES[f].meaning);
}

/* ---- completion for bash ---- */

static void make_completion(StrBuf *out)
{
	strbuf_adds(out, "# bash completion for weir; made by weir --docs completion: not to be edited\n_weir() {\n"
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n\tCOMPREPLY=()\n\tcase $before in\n");
	strbuf_adds(out, "\t--mode | -m) COMPREPLY=($(compgen -W '");
	for (int m = 0; m < OUTPUT_MODE_COUNT; m++) strbuf_printf(out, "%s%s", m ? " " : "", OUTPUT_MODES[m].name);
	strbuf_adds(out, "' -- \"$current\")); return ;;\n");
	for (int o = 0; o < CLI_OPTION_COUNT; o++) {
		const CliOption *option = &CLI_OPTIONS[o];
		if (!option->doc || !option->argument || strcmp(option->name, "mode") == 0) continue;
		strbuf_printf(out, "\t--%s", option->name);
		if (option->letter) strbuf_printf(out, " | -%c", option->letter);
		strbuf_adds(out, strcmp(option->argument, "SCRIPT") == 0 ? ") compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n" : ") return ;;\n");
	}
	strbuf_adds(out, "\tesac\n\tlocal options modes='");
	for (int m = 0; m < OUTPUT_MODE_COUNT; m++) strbuf_printf(out, "%s--%s", m ? " " : "", OUTPUT_MODES[m].name);
	strbuf_adds(out, "'\n\tcase ${COMP_WORDS[1]} in\n");
	for (int c = CLI_COMMAND_COUNT - 1; c >= 0; c--) {
		strbuf_printf(out, "\t%s) options='", CLI_COMMANDS[c].word ? CLI_COMMANDS[c].word : "*");
		for (int o = 0, n = 0; o < CLI_OPTION_COUNT; o++)
			if (CLI_OPTIONS[o].doc && strchr(CLI_OPTIONS[o].commands, CLI_COMMANDS[c].letter)) strbuf_printf(out, "%s--%s", n++ ? " " : "", CLI_OPTIONS[o].name);
		strbuf_adds(out, "' ;;\n");
	}
	strbuf_adds(out, "\tesac\n\tcase $current in\n\t-*) COMPREPLY=($(compgen -W \"$options $modes\" -- \"$current\")) ;;\n\t*)\n"
		"\t\tcompopt -o filenames\n\t\tCOMPREPLY=($(compgen -f -- \"$current\"))\n\t\t[ \"$COMP_CWORD\" = 1 ] && COMPREPLY+=($(compgen -W '");
	for (int c = 1; c < CLI_COMMAND_COUNT; c++) strbuf_printf(out, "%s%s", c > 1 ? " " : "", CLI_COMMANDS[c].word);
	strbuf_adds(out, "' -- \"$current\"))\n\t\t;;\n\tesac\n}\ncomplete -F _weir weir\n");
}

bool document_make(const char *name, StrBuf *out)
{
	static const struct { const char *name; void (*make)(StrBuf *out); } DOCUMENTS[] = {{"man", make_man}, {"completion", make_completion}, {"shell", make_shell_page}};
	for (size_t d = 0; d < sizeof DOCUMENTS / sizeof *DOCUMENTS; d++) {
		if (strcmp(DOCUMENTS[d].name, name) != 0) continue;
		DOCUMENTS[d].make(out);
		return true;
	}
	return engine_document(name, out);
}
