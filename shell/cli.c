#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "document.h"

typedef enum CliOptionId {
#define CLI_OPTION(id, name, letter, argument, commands, doc) CLI_##id,
#include "options_cli.def"
#undef CLI_OPTION
} CliOptionId;

const CliOption CLI_OPTIONS[] = {
#define CLI_OPTION(id, name, letter, argument, commands, doc) {CLI_##id, name, letter, argument, commands, doc},
#include "options_cli.def"
#undef CLI_OPTION
};
const int CLI_OPTION_COUNT = sizeof CLI_OPTIONS / sizeof *CLI_OPTIONS;

const CliCommand CLI_COMMANDS[] = {
	{NULL, COMMAND_SHELL, 'S', "weir [FILE] [options]", "shell on FILE (none: in memory); with -c, -f or statements on stdin: run them and end"},
	{"run", COMMAND_RUN, 'R', "weir run FILE [-f SCRIPT] [options]", "service: keep the views of FILE up to date until SIGTERM"},
	{"test", COMMAND_TEST, 'T', "weir test FILE...", "run test scripts"},
	{"status", COMMAND_STATUS, 'A', "weir status FILE", "is all well? exit code 0 live and fresh, 4 something wants a person, 5 no one runs it"},
};
const int CLI_COMMAND_COUNT = sizeof CLI_COMMANDS / sizeof *CLI_COMMANDS;

void cli_help(FILE *file)
{
	fputs("weir: streaming SQL into a SQLite file\n\n", file);
	for (int c = 0; c < CLI_COMMAND_COUNT; c++) fprintf(file, "  %-38s %s\n", CLI_COMMANDS[c].usage, CLI_COMMANDS[c].doc);
	fputs("\noptions\n", file);
	for (int o = 0; o < CLI_OPTION_COUNT; o++) {
		const CliOption *option = &CLI_OPTIONS[o];
		if (!option->doc) continue;
		char words[64];
		snprintf(words, sizeof words, "%s%c%s--%s%s%s", option->letter ? "-" : "", option->letter ? option->letter : ' ', option->letter ? ", " : "   ",
			option->name, option->argument ? " " : "", option->argument ? option->argument : "");
		fprintf(file, "  %-28s %s\n", words, option->doc);
	}
	fputs("\nmodes of results\n", file);
	for (int m = 0; m < OUTPUT_MODE_COUNT; m++) fprintf(file, "  --%-26s %s\n", OUTPUT_MODES[m].name, OUTPUT_MODES[m].doc);
	fputs("\nexit codes: 0 fine, 1 an SQL error, 2 wrong words on the command line, 3 file, broker or disk\n", file);
}

static bool usage(int *exit_code, const char *format, const char *word)
{
	fputs("weir: ", stderr);
	fprintf(stderr, format, word);
	fputs("\nTry 'weir --help'.\n", stderr);
	*exit_code = EXIT_USAGE;
	return false;
}

static const CliOption *find_long(const char *name, size_t bytes)
{
	for (int o = 0; o < CLI_OPTION_COUNT; o++)
		if (strlen(CLI_OPTIONS[o].name) == bytes && memcmp(CLI_OPTIONS[o].name, name, bytes) == 0) return &CLI_OPTIONS[o];
	return NULL;
}

static const CliOption *find_short(char letter)
{
	for (int o = 0; o < CLI_OPTION_COUNT; o++)
		if (CLI_OPTIONS[o].letter == letter) return &CLI_OPTIONS[o];
	return NULL;
}

static bool set_mode(Cli *cli, const char *name, int *exit_code)
{
	if (!output_mode_find(name, &cli->mode)) return usage(exit_code, "no such mode: %s", name);
	return cli->has_mode = true;
}

static bool print_document(const char *name, int *exit_code)
{
	StrBuf out = STRBUF_INIT;
	bool known = document_make(name, &out);
	fwrite(out.text, 1, out.bytes, stdout);
	strbuf_release(&out);
	*exit_code = EXIT_FINE;
	return known ? false : usage(exit_code, "no such page: %s", name);
}

static bool apply(Cli *cli, const CliOption *option, const char *argument, int *exit_code)
{
	Input input = {.kind = option->id == CLI_FILE ? INPUT_FILE : INPUT_TEXT, .value = argument};
	switch ((CliOptionId)option->id) {
	case CLI_COMMAND: case CLI_FILE: vec_push(&cli->inputs, input); return true;
	case CLI_VARIABLE:
		if (!strchr(argument, '=')) return usage(exit_code, "-v takes NAME=VALUE, not %s", argument);
		vec_push(&cli->variables, argument);
		return true;
	case CLI_KEEP_GOING: return cli->keep_going = true;
	case CLI_UNTIL_END: return cli->until_end = true;
	case CLI_FINAL: return cli->final = true;
	case CLI_CHECK: return cli->check = true;
	case CLI_TAKE_OVER: return cli->take_over = true;
	case CLI_VERBOSE: return cli->verbose = true;
	case CLI_MODE: return set_mode(cli, argument, exit_code);
	case CLI_DOCS: return print_document(argument, exit_code);
	case CLI_MAN: return print_document("man", exit_code);
	case CLI_HELP: cli_help(stdout); *exit_code = EXIT_FINE; return false;
	case CLI_VERSION: puts("weir " PACKAGE_VERSION); *exit_code = EXIT_FINE; return false;
	}
	return true;
}

static bool unknown_option(const char *word, int *exit_code)
{
	char text[256];
	Nearest nearest;
	const char *name = word + strspn(word, "-");
	nearest_init(&nearest, name);
	for (int o = 0; o < CLI_OPTION_COUNT; o++)
		if (CLI_OPTIONS[o].doc) nearest_offer(&nearest, CLI_OPTIONS[o].name);
	for (int m = 0; m < OUTPUT_MODE_COUNT; m++) nearest_offer(&nearest, OUTPUT_MODES[m].name);
	if (!nearest.best) return usage(exit_code, "no such option: %s", word);
	snprintf(text, sizeof text, "no such option: %s. Did you mean --%s?", word, nearest.best);
	return usage(exit_code, "%s", text);
}

/* One option word, with its argument in the same word (--file=x, -fx) or the next. */
static bool parse_option(Cli *cli, int argc, char **argv, int *i, int *exit_code)
{
	const char *word = argv[*i], *argument = NULL;
	const CliOption *option;
	if (word[1] == '-') {
		const char *equals = strchr(word, '=');
		size_t bytes = equals ? (size_t)(equals - word - 2) : strlen(word + 2);
		OutputMode mode;
		option = find_long(word + 2, bytes);
		if (!option && !equals && output_mode_find(word + 2, &mode)) return set_mode(cli, word + 2, exit_code);
		if (equals) argument = equals + 1;
	}
	else {
		option = find_short(word[1]);
		if (option && word[2]) argument = word + 2;
	}
	if (!option) return unknown_option(word, exit_code);
	if (!strchr(option->commands, CLI_COMMANDS[cli->command].letter)) return usage(exit_code, "not an option of this command: %s", word);
	if (!option->argument && argument) return usage(exit_code, "%s takes no argument", word);
	if (option->argument && !argument) {
		if (*i + 1 >= argc) return usage(exit_code, "%s needs an argument", word);
		argument = argv[++*i];
	}
	return apply(cli, option, argument, exit_code);
}

static bool take_word(Cli *cli, const char *word, int *exit_code)
{
	if (cli->command == COMMAND_TEST) {
		vec_push(&cli->files, word);
		return true;
	}
	if (cli->path) return usage(exit_code, "one FILE is enough: %s", word);
	cli->path = word;
	return true;
}

bool cli_parse(Cli *cli, int argc, char **argv, int *exit_code)
{
	*cli = (Cli){0};
	int i = 1;
	for (int c = 1; argc > 1 && c < CLI_COMMAND_COUNT; c++)
		if (strcmp(argv[1], CLI_COMMANDS[c].word) == 0) {
			cli->command = CLI_COMMANDS[c].command;
			i = 2;
		}
	bool options = true;
	for (; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) options = false;
		else if (options && argv[i][0] == '-' && argv[i][1]) {
			if (!parse_option(cli, argc, argv, &i, exit_code)) return false;
		}
		else if (!take_word(cli, argv[i], exit_code)) return false;
	}
	if ((cli->command == COMMAND_RUN || cli->command == COMMAND_STATUS) && !cli->path)
		return usage(exit_code, "weir %s needs a FILE", cli->command == COMMAND_RUN ? "run" : "status");
	if (cli->command == COMMAND_TEST && cli->files.count == 0) return usage(exit_code, "weir test needs test %s", "scripts");
	if (cli->final && !cli->until_end) return usage(exit_code, "%s goes with --until-end", "--final");
	return true;
}

void cli_release(Cli *cli)
{
	vec_release(&cli->inputs);
	vec_release(&cli->files);
	vec_release(&cli->variables);
}
