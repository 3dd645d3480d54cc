/* The server: lets other processes work on the file that this one owns. See README.md. */
#ifndef WEIR_SERVER_SERVER_H
#define WEIR_SERVER_SERVER_H

#include "engine/engine.h"

typedef struct Server Server;

/* NULL without error: no file (in memory). A socket that cannot be made is an error of the environment. */
Server *server_start(Engine *engine, Error *err);
/* Cancels what clients run and waits for them. NULL is fine. Before engine_close. */
void server_stop(Server *server);

#endif
