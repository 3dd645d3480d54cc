/* A connection to a file: by a session of an engine in this process, or, where another process owns the file, through that one's socket. */
#ifndef WEIR_SHELL_CONNECTION_H
#define WEIR_SHELL_CONNECTION_H

#include "cli.h"
#include "engine/engine.h"
#include "server/client.h"

typedef struct Connection {
	Engine *engine;                   /* NULL: through a client */
	Session *session;
	Client *client;
} Connection;

bool connection_open(Connection *connection, const Cli *cli, const ResultSink *out, SessionMode mode, Error *err);
bool connection_run(Connection *connection, const char *text, size_t start, size_t end, Error *err);
bool connection_finish(Connection *connection, Error *err);
void connection_cancel(Connection *connection);       /* any thread */
void connection_names(Connection *connection, EngineNameVisit *visit, void *context);
bool connection_progress(Connection *connection, EngineProgress *out);
bool connection_close(Connection *connection, Error *err);
/* For EngineConfig: notices as lines of the log */
void connection_notice(void *context, const char *text);
void connection_variables(const Cli *cli, Session *session, Client *client);

#endif
