/* weir: the program. */
#include <signal.h>
#include <locale.h>
#include <unistd.h>

#include "base/log.h"
#include "cli.h"

/* jemalloc: pages that were freed are kept for two seconds, so that batches do not fault them in again and again; then they go back, also where nothing
 * comes any more. Kept for good they were several times the state of a service: each checkpoint leaves holes of another size. */
const char *malloc_conf = "background_thread:true,dirty_decay_ms:2000,muzzy_decay_ms:0";

static int run(const Cli *cli)
{
	switch (cli->command) {
	case COMMAND_RUN: return command_run(cli);
	case COMMAND_TEST: return command_test(cli);
	case COMMAND_STATUS: return command_status(cli);
	case COMMAND_SHELL: break;
	}
	bool batch = cli->inputs.count || cli->until_end || !isatty(STDIN_FILENO);
	return batch ? command_batch(cli) : command_shell(cli);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "C.UTF-8");               /* widths of characters; only this one, so that nothing depends on where one is */
	Cli cli;
	int exit_code;
	signal(SIGPIPE, SIG_IGN);                     /* a closed pipe is a failing write: the statement is canceled, the file is closed well */
	signal(SIGXFSZ, SIG_IGN);                     /* a file at its limit is a full disk: an error, not the end */
	if (cli_parse(&cli, argc, argv, &exit_code)) {
		if (cli.verbose) log_set_level(LOG_DEBUG);
		exit_code = run(&cli);
	}
	cli_release(&cli);
	return exit_code;
}
