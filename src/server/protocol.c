#include "server/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"

static bool write_all(int fd, const char *at, size_t bytes)
{
	while (bytes) {
		ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return false;
		at += n;
		bytes -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, char *at, size_t bytes)
{
	while (bytes) {
		ssize_t n = recv(fd, at, bytes, 0);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return false;
		at += n;
		bytes -= (size_t)n;
	}
	return true;
}

bool frame_send(int fd, FrameKind kind, const void *payload, size_t bytes)
{
	char head[5];
	uint32_t length = (uint32_t)bytes + 1;
	if (bytes >= FRAME_BYTES_MAX) return false;
	memcpy(head, &length, 4);
	head[4] = (char)kind;
	return write_all(fd, head, sizeof head) && write_all(fd, payload, bytes);
}

bool frame_receive(int fd, FrameKind *kind, StrBuf *buf)
{
	char head[5];
	uint32_t length;
	strbuf_clear(buf);
	if (!read_all(fd, head, sizeof head)) return false;
	memcpy(&length, head, 4);
	if (length == 0 || length > FRAME_BYTES_MAX) return false;
	*kind = (FrameKind)(unsigned char)head[4];
	if (!read_all(fd, strbuf_grow(buf, length), length - 1)) return false;
	buf->bytes = length - 1;
	buf->text[buf->bytes] = 0;
	return true;
}

void frame_put_u32(StrBuf *buf, uint32_t value) { strbuf_add(buf, &value, sizeof value); }
void frame_put_i64(StrBuf *buf, int64_t value) { strbuf_add(buf, &value, sizeof value); }
void frame_put_text(StrBuf *buf, const char *text) { strbuf_add(buf, text, strlen(text) + 1); }

bool frame_take_u32(FrameReader *reader, uint32_t *value)
{
	if (reader->end - reader->at < 4) return false;
	memcpy(value, reader->at, 4);
	reader->at += 4;
	return true;
}

bool frame_take_i64(FrameReader *reader, int64_t *value)
{
	if (reader->end - reader->at < 8) return false;
	memcpy(value, reader->at, 8);
	reader->at += 8;
	return true;
}

bool frame_take_text(FrameReader *reader, const char **text)
{
	const char *nul = reader->at < reader->end ? memchr(reader->at, 0, (size_t)(reader->end - reader->at)) : NULL;
	if (!nul) return false;
	*text = reader->at;
	reader->at = nul + 1;
	return true;
}

void frame_put_error(StrBuf *buf, const Error *err)
{
	frame_put_u32(buf, err->code);
	frame_put_u32(buf, err->span.start);
	frame_put_u32(buf, err->span.end);
	frame_put_text(buf, err->message);
	frame_put_text(buf, err->detail);
	frame_put_text(buf, err->hint);
}

bool frame_take_error(FrameReader *reader, Error *err)
{
	uint32_t code, start, end;
	const char *message, *detail, *hint;
	if (!frame_take_u32(reader, &code) || !frame_take_u32(reader, &start) || !frame_take_u32(reader, &end) || !frame_take_text(reader, &message)
		|| !frame_take_text(reader, &detail) || !frame_take_text(reader, &hint) || code == ERR_NONE || code >= ERR_COUNT) return false;
	error_set(err, (ErrorCode)code, (Span){start, end}, "%s", message);
	error_detail(err, "%s", detail);
	error_hint(err, "%s", hint);
	return true;
}

/* ---- sockets ---- */

/* A socket's path holds 108 bytes; through the folder's descriptor any path fits. Gives that descriptor, -1. */
static int socket_address(const char *path, struct sockaddr_un *address)
{
	char *folder_copy = mem_strdup(path), *name_copy = mem_strdup(path);
	int folder = open(dirname(folder_copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int bytes = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s-socket", folder, basename(name_copy));
	free(folder_copy);
	free(name_copy);
	if (folder >= 0 && bytes >= (int)sizeof address->sun_path) {
		close(folder);
		return -1;
	}
	return folder;
}

int socket_connect(const char *path)
{
	struct sockaddr_un address;
	int folder = socket_address(path, &address);
	if (folder < 0) return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		close(fd);
		fd = -1;
	}
	close(folder);
	return fd;
}

int socket_listen(const char *path)
{
	struct sockaddr_un address;
	struct stat file;
	int folder = socket_address(path, &address);
	if (folder < 0) return -1;
	unlink(address.sun_path);                     /* whoever listened there is gone: the file's lock is ours */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t mask = umask(0177);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
	umask(mask);
	if (ok && stat(path, &file) == 0) ok = chmod(address.sun_path, file.st_mode & 0777) == 0;
	ok = ok && listen(fd, 16) == 0;
	if (!ok && fd >= 0) {
		close(fd);
		fd = -1;
	}
	close(folder);
	return fd;
}

void socket_remove(const char *path)
{
	struct sockaddr_un address;
	int folder = socket_address(path, &address);
	if (folder < 0) return;
	unlink(address.sun_path);
	close(folder);
}
