#include "connection.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

enum { OWNER_PATIENCE_MS = 10000, OWNER_RETRY_MS = 20 };

void connection_notice(void *context, const char *text)
{
	(void)context;
	log_write(LOG_NOTICE, "%s", text);
}

void connection_variables(const Cli *cli, Session *session, Client *client)
{
	for (int v = 0; v < cli->variables.count; v++) {
		char *name = mem_strdup(cli->variables.at[v]), *value = strchr(name, '=');
		*value++ = 0;
		if (session) session_set_variable(session, name, value);
		else client_set_variable(client, name, value);
		free(name);
	}
}

/* A batch process listens on no socket, but is soon done: its file's lock is waited for. */
bool connection_open(Connection *connection, const Cli *cli, const ResultSink *out, SessionMode mode, Error *err)
{
	*connection = (Connection){0};
	EngineConfig config = {.path = cli->path, .notice = connection_notice};
	for (int waited_ms = 0; ; waited_ms += OWNER_RETRY_MS) {
		*err = ERROR_INIT;
		if ((connection->engine = engine_open(&config, err))) break;
		if (err->code != ERR_FILE_IN_USE) return false;
		Error refused = ERROR_INIT;
		if ((connection->client = client_connect(cli->path, out, mode, &refused))) break;
		if (refused.code != ERR_NONE) *err = refused;
		if (refused.code != ERR_NONE || waited_ms >= OWNER_PATIENCE_MS) return false;
		nanosleep(&(struct timespec){.tv_nsec = OWNER_RETRY_MS * 1000000L}, NULL);
	}
	if (connection->engine) connection->session = session_new(connection->engine, out, mode);
	connection_variables(cli, connection->session, connection->client);
	*err = ERROR_INIT;
	return true;
}

bool connection_run(Connection *connection, const char *text, size_t start, size_t end, Error *err)
{
	return connection->session ? session_run(connection->session, text, start, end, err) : client_run(connection->client, text, start, end, err);
}

bool connection_finish(Connection *connection, Error *err)
{
	return connection->session ? session_finish(connection->session, err) : client_finish(connection->client, err);
}

void connection_cancel(Connection *connection)
{
	if (connection->session) session_cancel(connection->session);
	else if (connection->client) client_cancel(connection->client);
}

void connection_names(Connection *connection, EngineNameVisit *visit, void *context)
{
	if (connection->engine) engine_names(connection->engine, visit, context);
	else client_names(connection->client, visit, context);
}

bool connection_progress(Connection *connection, EngineProgress *out)
{
	return connection->engine ? engine_progress(connection->engine, out) : client_progress(connection->client, out);
}

bool connection_close(Connection *connection, Error *err)
{
	session_free(connection->session);
	client_close(connection->client);
	bool ok = engine_close(connection->engine, err);
	*connection = (Connection){0};
	return ok;
}
