#include "server/server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/vec.h"
#include "server/protocol.h"
#include "type/row.h"

enum { CONNECTIONS_MAX = 64 };

typedef struct Connection {
	Server *server;
	pthread_t thread;
	int fd;
	uint32_t number;
	Session *session;                     /* under the server's lock where others look at it */
	bool ended;
	bool hung_up;                         /* of the listener's thread: the client is gone, what it ran was canceled */
	StrBuf out;
	int column_count;
} Connection;

struct Server {
	Engine *engine;
	char *path;
	int fd, stop_pipe[2];
	pthread_t thread;
	pthread_mutex_t lock;
	VEC(Connection *) connections;
	uint32_t next_number;
};

/* ---- results into frames ---- */

static bool send_empty(Connection *connection, FrameKind kind) { return frame_send(connection->fd, kind, "", 0); }

static bool on_begin(void *context, ResultKind kind, const ResultColumn *columns, int column_count)
{
	Connection *connection = context;
	StrBuf *out = &connection->out;
	strbuf_clear(out);
	frame_put_u32(out, kind);
	frame_put_u32(out, (uint32_t)column_count);
	for (int c = 0; c < column_count; c++) {
		frame_put_text(out, columns[c].name);
		frame_put_u32(out, columns[c].type.kind);
		frame_put_u32(out, columns[c].type.precision);
		frame_put_u32(out, columns[c].type.scale);
		frame_put_u32(out, (uint32_t)columns[c].sort_rank);
		frame_put_u32(out, (columns[c].descending ? FRAME_DESCENDING : 0) | (columns[c].nulls_last ? FRAME_NULLS_LAST : 0));
	}
	connection->column_count = column_count;
	return frame_send(connection->fd, FRAME_BEGIN, out->text, out->bytes);
}

static bool on_rows(void *context, const Batch *rows)
{
	Connection *connection = context;
	StrBuf *out = &connection->out;
	strbuf_clear(out);
	frame_put_u32(out, (uint32_t)rows->count);
	for (int i = 0; i < rows->count; i++) row_pack(out, rows->columns, connection->column_count, batch_row(rows, i));
	return frame_send(connection->fd, FRAME_ROWS, out->text, out->bytes);
}

static bool on_flush(void *context) { return send_empty(context, FRAME_FLUSH); }
static bool on_end(void *context) { return send_empty(context, FRAME_END); }

static void on_done(void *context, const char *tag)
{
	frame_send(((Connection *)context)->fd, FRAME_DONE, tag, strlen(tag) + 1);
}

static void on_notice(void *context, const char *text)
{
	frame_send(((Connection *)context)->fd, FRAME_NOTICE, text, strlen(text) + 1);
}

/* ---- one connection ---- */

static bool answer(Connection *connection, bool ok, const Error *err)
{
	if (ok) return send_empty(connection, FRAME_OK);
	strbuf_clear(&connection->out);
	frame_put_error(&connection->out, err);
	return frame_send(connection->fd, FRAME_ERROR, connection->out.text, connection->out.bytes);
}

static void cancel(Server *server, uint32_t number)
{
	pthread_mutex_lock(&server->lock);
	for (int c = 0; c < server->connections.count; c++) {
		Connection *connection = server->connections.at[c];
		if (connection->number == number && connection->session) session_cancel(connection->session);
	}
	pthread_mutex_unlock(&server->lock);
}

static bool on_name(void *context, const char *name, const char *kind)
{
	Connection *connection = context;
	strbuf_clear(&connection->out);
	frame_put_text(&connection->out, name);
	frame_put_text(&connection->out, kind);
	return frame_send(connection->fd, FRAME_NAME, connection->out.text, connection->out.bytes);
}

static bool send_progress(Connection *connection)
{
	EngineProgress progress;
	if (!engine_progress(connection->server->engine, &progress)) return send_empty(connection, FRAME_OK);
	strbuf_clear(&connection->out);
	frame_put_text(&connection->out, progress.what);
	frame_put_text(&connection->out, progress.name);
	frame_put_i64(&connection->out, progress.done);
	frame_put_i64(&connection->out, progress.left);
	frame_put_u32(&connection->out, progress.in_bytes);
	return frame_send(connection->fd, FRAME_PROGRESS, connection->out.text, connection->out.bytes) && send_empty(connection, FRAME_OK);
}

static bool serve_frame(Connection *connection, FrameKind kind, FrameReader reader)
{
	Error err = ERROR_INIT;
	uint32_t start, end;
	const char *name, *value;
	switch (kind) {
	case FRAME_VARIABLE:
		if (!frame_take_text(&reader, &name) || !frame_take_text(&reader, &value)) return false;
		session_set_variable(connection->session, name, value);
		return true;
	case FRAME_RUN:
		if (!frame_take_u32(&reader, &start) || !frame_take_u32(&reader, &end) || end > (size_t)(reader.end - reader.at) || start > end) return false;
		return answer(connection, session_run(connection->session, reader.at, start, end, &err), &err);
	case FRAME_FINISH: return answer(connection, session_finish(connection->session, &err), &err);
	case FRAME_NAMES:
		engine_names(connection->server->engine, on_name, connection);
		return send_empty(connection, FRAME_OK);
	case FRAME_ASK_PROGRESS: return send_progress(connection);
	default: return false;
	}
}

static void serve_session(Connection *connection, SessionMode mode)
{
	ResultSink sink = {.begin = on_begin, .rows = on_rows, .flush = on_flush, .end = on_end, .done = on_done, .notice = on_notice, .is_remote = true, .context = connection};
	Session *session = session_new(connection->server->engine, &sink, mode);
	pthread_mutex_lock(&connection->server->lock);
	connection->session = session;
	pthread_mutex_unlock(&connection->server->lock);
	StrBuf in = STRBUF_INIT;
	for (FrameKind kind; frame_receive(connection->fd, &kind, &in); )
		if (!serve_frame(connection, kind, (FrameReader){in.text, in.text + in.bytes})) break;
	strbuf_release(&in);
	Error ignored = ERROR_INIT;
	session_finish(session, &ignored);
	pthread_mutex_lock(&connection->server->lock);
	connection->session = NULL;
	pthread_mutex_unlock(&connection->server->lock);
	session_free(session);
}

static void *connection_main(void *context)
{
	Connection *connection = context;
	strbuf_clear(&connection->out);
	frame_put_text(&connection->out, PACKAGE_VERSION);
	frame_put_u32(&connection->out, (uint32_t)getpid());
	frame_put_u32(&connection->out, connection->number);
	StrBuf in = STRBUF_INIT;
	FrameKind kind;
	if (frame_send(connection->fd, FRAME_HELLO, connection->out.text, connection->out.bytes) && frame_receive(connection->fd, &kind, &in)) {
		FrameReader reader = {in.text, in.text + in.bytes};
		uint32_t value;
		if (kind == FRAME_CANCEL && frame_take_u32(&reader, &value)) cancel(connection->server, value);
		else if (kind == FRAME_OPEN && frame_take_u32(&reader, &value)) serve_session(connection, value == SESSION_TERMINAL ? SESSION_TERMINAL : SESSION_BATCH);
	}
	strbuf_release(&in);
	shutdown(connection->fd, SHUT_RDWR);
	pthread_mutex_lock(&connection->server->lock);
	connection->ended = true;
	pthread_mutex_unlock(&connection->server->lock);
	return NULL;
}

/* ---- the listener ---- */

static void connection_free(Connection *connection)
{
	pthread_join(connection->thread, NULL);
	close(connection->fd);
	strbuf_release(&connection->out);
	free(connection);
}

static void reap(Server *server)
{
	pthread_mutex_lock(&server->lock);
	int kept = 0;
	for (int c = 0; c < server->connections.count; c++) {
		Connection *connection = server->connections.at[c];
		if (connection->ended) connection_free(connection);
		else server->connections.at[kept++] = connection;
	}
	server->connections.count = kept;
	pthread_mutex_unlock(&server->lock);
}

static void accept_one(Server *server)
{
	int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) return;
	reap(server);
	Connection *connection = mem_new(Connection);
	*connection = (Connection){.server = server, .fd = fd, .number = ++server->next_number, .out = STRBUF_INIT};
	bool ok = server->connections.count < CONNECTIONS_MAX && pthread_create(&connection->thread, NULL, connection_main, connection) == 0;
	if (!ok) {
		close(fd);
		free(connection);
		return;
	}
	pthread_mutex_lock(&server->lock);
	vec_push(&server->connections, connection);
	pthread_mutex_unlock(&server->lock);
}

/* A client that is gone cannot say that it needs no more, and a continuous query without changes would never find out. */
static void cancel_hung_up(Server *server, const struct pollfd *fds, int count)
{
	pthread_mutex_lock(&server->lock);
	for (int c = 0; c < server->connections.count; c++) {
		Connection *connection = server->connections.at[c];
		for (int i = 0; i < count; i++) {
			if (fds[i].fd != connection->fd || !(fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) || connection->ended) continue;
			connection->hung_up = true;
			if (connection->session) session_cancel(connection->session);
		}
	}
	pthread_mutex_unlock(&server->lock);
}

static int fill_fds(Server *server, struct pollfd *fds)
{
	int count = 0;
	fds[count++] = (struct pollfd){.fd = server->stop_pipe[0], .events = POLLIN};
	fds[count++] = (struct pollfd){.fd = server->fd, .events = POLLIN};
	pthread_mutex_lock(&server->lock);
	for (int c = 0; c < server->connections.count; c++) {
		const Connection *connection = server->connections.at[c];
		if (!connection->ended && !connection->hung_up) fds[count++] = (struct pollfd){.fd = connection->fd, .events = POLLRDHUP};
	}
	pthread_mutex_unlock(&server->lock);
	return count;
}

static void *server_main(void *context)
{
	Server *server = context;
	for (;;) {
		struct pollfd fds[CONNECTIONS_MAX + 2];
		int count = fill_fds(server, fds);
		if (poll(fds, (nfds_t)count, -1) < 0) continue;
		if (fds[0].revents) return NULL;
		cancel_hung_up(server, fds + 2, count - 2);
		if (fds[1].revents) accept_one(server);
	}
}

Server *server_start(Engine *engine, Error *err)
{
	if (!engine_path(engine)) return NULL;
	Server *server = mem_new(Server);
	server->engine = engine;
	server->path = mem_strdup(engine_path(engine));
	server->fd = socket_listen(server->path);
	if (server->fd < 0 || pipe(server->stop_pipe) != 0) {
		error_set(err, ERR_IO, SPAN_NONE, "cannot listen on a socket beside \"%s\"", server->path);
		free(server->path);
		free(server);
		return NULL;
	}
	pthread_mutex_init(&server->lock, NULL);
	pthread_create(&server->thread, NULL, server_main, server);
	return server;
}

void server_stop(Server *server)
{
	if (!server) return;
	if (write(server->stop_pipe[1], "x", 1) == 1) pthread_join(server->thread, NULL);
	pthread_mutex_lock(&server->lock);
	for (int c = 0; c < server->connections.count; c++) {
		Connection *connection = server->connections.at[c];
		if (connection->session) session_cancel(connection->session);
		shutdown(connection->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&server->lock);
	for (int c = 0; c < server->connections.count; c++) connection_free(server->connections.at[c]);
	vec_release(&server->connections);
	close(server->fd);
	close(server->stop_pipe[0]);
	close(server->stop_pipe[1]);
	socket_remove(server->path);
	pthread_mutex_destroy(&server->lock);
	free(server->path);
	free(server);
}
