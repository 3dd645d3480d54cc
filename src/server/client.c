#include "server/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/vec.h"
#include "server/protocol.h"
#include "type/row.h"

enum { CLIENT_COLUMNS_MAX = 4096, CANCEL_PATIENCE_S = 2 };

struct Client {
	char *path;
	int fd;
	uint32_t owner, number;
	ResultSink out;
	StrBuf in, request;
	Arena arena;
	Type *types; int column_count;
	bool closed_pipe;                     /* results cannot be written: what still comes is passed over */
};

static bool greet(Client *client, Error *err)
{
	FrameKind kind;
	const char *version;
	if (!frame_receive(client->fd, &kind, &client->in) || kind != FRAME_HELLO) return false;
	FrameReader reader = {client->in.text, client->in.text + client->in.bytes};
	if (!frame_take_text(&reader, &version) || !frame_take_u32(&reader, &client->owner) || !frame_take_u32(&reader, &client->number)) return false;
	if (strcmp(version, PACKAGE_VERSION) == 0) return true;
	return error_set(err, ERR_FILE_IN_USE, SPAN_NONE, "file \"%s\" is owned by process %u of version %s, this is version " PACKAGE_VERSION, client->path, client->owner, version);
}

static Client *client_greeted(const char *path, Error *err)
{
	int fd = socket_connect(path);
	if (fd < 0) return NULL;
	Client *client = mem_new(Client);
	client->fd = fd;
	client->path = mem_strdup(path);
	client->in = client->request = STRBUF_INIT;
	arena_init(&client->arena, 0);
	if (greet(client, err)) return client;
	client_close(client);
	return NULL;
}

Client *client_connect(const char *path, const ResultSink *out, SessionMode mode, Error *err)
{
	Client *client = client_greeted(path, err);
	if (!client) return NULL;
	client->out = *out;
	frame_put_u32(&client->request, mode);
	frame_send(client->fd, FRAME_OPEN, client->request.text, client->request.bytes);
	return client;
}

void client_close(Client *client)
{
	if (!client) return;
	close(client->fd);
	strbuf_release(&client->in);
	strbuf_release(&client->request);
	arena_release(&client->arena);
	free(client->path);
	free(client);
}

int client_owner(const char *path)
{
	Error ignored = ERROR_INIT;
	Client *client = client_greeted(path, &ignored);
	int owner = client ? (int)client->owner : 0;
	if (client) frame_send(client->fd, FRAME_STATUS, "", 0);
	client_close(client);
	return owner;
}

/* By a connection of its own: the session's is busy with the statement. */
void client_cancel(Client *client)
{
	int fd = socket_connect(client->path);
	if (fd < 0) return;
	struct timeval patience = {.tv_sec = CANCEL_PATIENCE_S};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	FrameKind kind;
	StrBuf in = STRBUF_INIT;
	/* The greeting is read and the end awaited: who closes with something unread may take back what was sent. */
	if (frame_receive(fd, &kind, &in) && frame_send(fd, FRAME_CANCEL, &client->number, sizeof client->number)) frame_receive(fd, &kind, &in);
	strbuf_release(&in);
	close(fd);
}

void client_set_variable(Client *client, const char *name, const char *value)
{
	strbuf_clear(&client->request);
	frame_put_text(&client->request, name);
	frame_put_text(&client->request, value);
	frame_send(client->fd, FRAME_VARIABLE, client->request.text, client->request.bytes);
}

/* ---- answers ---- */

static bool take_begin(Client *client, FrameReader *reader)
{
	uint32_t kind, count;
	if (!frame_take_u32(reader, &kind) || !frame_take_u32(reader, &count) || count > CLIENT_COLUMNS_MAX) return false;
	arena_clear(&client->arena);
	ResultColumn *columns = arena_array(&client->arena, ResultColumn, count + 1);
	client->types = arena_array(&client->arena, Type, count + 1);
	client->column_count = (int)count;
	for (uint32_t c = 0; c < count; c++) {
		uint32_t type, precision, scale, rank, direction;
		if (!frame_take_text(reader, &columns[c].name) || !frame_take_u32(reader, &type) || !frame_take_u32(reader, &precision) || !frame_take_u32(reader, &scale)
			|| !frame_take_u32(reader, &rank) || !frame_take_u32(reader, &direction) || type >= TYPE_KIND_COUNT) return false;
		columns[c].name = arena_strdup(&client->arena, columns[c].name);
		client->types[c] = columns[c].type = (Type){.kind = (TypeKind)type, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
		columns[c].sort_rank = (int)rank;
		columns[c].descending = direction & FRAME_DESCENDING;
		columns[c].nulls_last = direction & FRAME_NULLS_LAST;
	}
	if (client->out.begin && !client->out.begin(client->out.context, (ResultKind)kind, columns, (int)count)) client->closed_pipe = true;
	return true;
}

static bool take_rows(Client *client, FrameReader *reader)
{
	uint32_t count;
	if (!frame_take_u32(reader, &count)) return false;
	if (count == 0) return true;
	Batch *batch = batch_new(client->types, client->column_count, (int)count);
	Value *values = arena_array(&batch->arena, Value, client->column_count + 1);
	for (uint32_t i = 0; i < count; i++) {
		reader->at += row_unpack(reader->at, client->types, client->column_count, values);
		for (int c = 0; c < client->column_count; c++) {
			if (values[c].is_null) batch_column_nulls(batch, c);
			column_set(&batch->columns[c], (int)i, &values[c], &batch->arena);
		}
	}
	batch->rows = batch->count = (int)count;
	if (client->out.rows && !client->closed_pipe && !client->out.rows(client->out.context, batch)) client->closed_pipe = true;
	batch_unref(batch);
	return true;
}

/* Until the statement's OK or ERROR. */
static bool await(Client *client, Error *err)
{
	bool told = false;
	for (FrameKind kind; frame_receive(client->fd, &kind, &client->in); ) {
		FrameReader reader = {client->in.text, client->in.text + client->in.bytes};
		ResultSink *out = &client->out;
		switch (kind) {
		case FRAME_OK: return true;
		case FRAME_ERROR:
			if (!frame_take_error(&reader, err)) goto broken;
			return false;
		case FRAME_BEGIN: if (!take_begin(client, &reader)) goto broken; break;
		case FRAME_ROWS: if (!take_rows(client, &reader)) goto broken; break;
		case FRAME_FLUSH: if (out->flush && !out->flush(out->context)) client->closed_pipe = true; break;
		case FRAME_END: if (out->end && !client->closed_pipe) out->end(out->context); break;
		case FRAME_DONE: if (out->done) out->done(out->context, client->in.text); break;
		case FRAME_NOTICE: if (out->notice) out->notice(out->context, client->in.text); break;
		default: goto broken;
		}
		if (client->closed_pipe && !told) {
			told = true;
			client_cancel(client);
		}
	}
broken:
	return error_set(err, ERR_IO, SPAN_NONE, "process %u that owns file \"%s\" has ended", client->owner, client->path);
}

bool client_run(Client *client, const char *text, size_t start, size_t end, Error *err)
{
	strbuf_clear(&client->request);
	frame_put_u32(&client->request, (uint32_t)start);
	frame_put_u32(&client->request, (uint32_t)end);
	strbuf_add(&client->request, text, end);
	client->closed_pipe = false;
	if (!frame_send(client->fd, FRAME_RUN, client->request.text, client->request.bytes))
		return error_set(err, ERR_IO, SPAN_NONE, "process %u that owns file \"%s\" has ended", client->owner, client->path);
	return await(client, err);
}

bool client_names(Client *client, EngineNameVisit *visit, void *context)
{
	if (!frame_send(client->fd, FRAME_NAMES, "", 0)) return false;
	for (FrameKind kind; frame_receive(client->fd, &kind, &client->in) && kind == FRAME_NAME; ) {
		FrameReader reader = {client->in.text, client->in.text + client->in.bytes};
		const char *name, *what;
		if (!frame_take_text(&reader, &name) || !frame_take_text(&reader, &what)) return false;
		visit(context, name, what);
	}
	return true;
}

bool client_progress(Client *client, EngineProgress *out)
{
	bool any = false;
	if (!frame_send(client->fd, FRAME_ASK_PROGRESS, "", 0)) return false;
	for (FrameKind kind; frame_receive(client->fd, &kind, &client->in) && kind == FRAME_PROGRESS; ) {
		FrameReader reader = {client->in.text, client->in.text + client->in.bytes};
		const char *what, *name;
		uint32_t in_bytes = 0;
		any = frame_take_text(&reader, &what) && frame_take_text(&reader, &name) && frame_take_i64(&reader, &out->done) && frame_take_i64(&reader, &out->left)
			&& frame_take_u32(&reader, &in_bytes);
		if (!any) return false;
		out->in_bytes = in_bytes;
		snprintf(out->what, sizeof out->what, "%s", what);
		snprintf(out->name, sizeof out->name, "%s", name);
	}
	return any;
}

bool client_finish(Client *client, Error *err)
{
	return frame_send(client->fd, FRAME_FINISH, "", 0) && await(client, err);
}
