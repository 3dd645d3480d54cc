/* weir status FILE: is all well? */
#include <unistd.h>

#include "cli.h"
#include "report.h"
#include "server/client.h"

int command_status(const Cli *cli)
{
	Error err = ERROR_INIT;
	EngineHealth health = HEALTH_FRESH;
	Output output;
	bool terminal = isatty(STDOUT_FILENO);
	output_init(&output, stdout, cli->has_mode ? cli->mode : OUTPUT_BOX, terminal);
	output.null_text = "";
	ResultSink sink = output_sink(&output);
	bool ok = engine_status(cli->path, &sink, client_owner(cli->path), &health, &err);
	if (!ok) report_error(stderr, &err, NULL, NULL, 0);
	output_release(&output);
	return ok ? (int)health : (int)error_class(err.code);
}
