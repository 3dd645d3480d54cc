/* The client: a session in the process that owns the file; the same calls and the same results as engine.h's Session. */
#ifndef WEIR_SERVER_CLIENT_H
#define WEIR_SERVER_CLIENT_H

#include "engine/engine.h"

typedef struct Client Client;

/* NULL without error: nobody listens. ERR_FILE_IN_USE: the owner is of another version (its process id is in the message). */
Client *client_connect(const char *path, const ResultSink *out, SessionMode mode, Error *err);
void client_close(Client *client);
void client_set_variable(Client *client, const char *name, const char *value);
bool client_run(Client *client, const char *text, size_t start, size_t end, Error *err);
bool client_finish(Client *client, Error *err);
void client_cancel(Client *client);           /* any thread, while a statement runs */
bool client_names(Client *client, EngineNameVisit *visit, void *context);
bool client_progress(Client *client, EngineProgress *out);    /* false: nothing is under way */
/* Process id of the owner; 0: nobody listens. */
int client_owner(const char *path);

#endif
