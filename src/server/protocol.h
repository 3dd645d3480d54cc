/* Frames of the attach protocol: 4 bytes length (of what follows), 1 byte kind, payload. Little-endian. */
#ifndef WEIR_SERVER_PROTOCOL_H
#define WEIR_SERVER_PROTOCOL_H

#include "base/error.h"
#include "base/strbuf.h"
#include "engine/engine.h"

typedef enum FrameKind {
	/* from the server */
	FRAME_HELLO = 'H',            /* version, process id, session number */
	FRAME_BEGIN = 'B',            /* kind of result, number of columns; each: name, type, precision, scale, rank in the order, its direction */
	FRAME_ROWS = 'R',             /* number of rows, packed rows (type/row.h) */
	FRAME_FLUSH = 'L', FRAME_END = 'E',
	FRAME_DONE = 'D', FRAME_NOTICE = 'N',
	FRAME_ERROR = 'X',            /* the statement failed: an Error */
	FRAME_OK = 'O',               /* the statement is through */
	FRAME_NAME = 'M',             /* name, kind: one of those asked for */
	FRAME_PROGRESS = 'P',         /* what, name, done and left (8 bytes each), whether they are bytes */
	/* from the client */
	FRAME_OPEN = 'A',             /* mode of the session; its results follow */
	FRAME_VARIABLE = 'V',         /* name, value */
	FRAME_RUN = 'Q',              /* start, end, text */
	FRAME_FINISH = 'F',
	FRAME_NAMES = 'T',            /* for completion; frames of names and an OK follow */
	FRAME_ASK_PROGRESS = 'W',     /* a frame of progress, if anything is under way, and an OK follow */
	FRAME_CANCEL = 'C',           /* session number; instead of FRAME_OPEN */
	FRAME_STATUS = 'S',           /* instead of FRAME_OPEN: the greeting is the answer */
} FrameKind;

enum { FRAME_BYTES_MAX = 256 << 20, FRAME_DESCENDING = 1, FRAME_NULLS_LAST = 2 /* of a column of FRAME_BEGIN */ };

/* Sends a whole frame; false: the other side is gone. */
bool frame_send(int fd, FrameKind kind, const void *payload, size_t bytes);
/* Receives one into buf (cleared first); false: gone, or no frame. */
bool frame_receive(int fd, FrameKind *kind, StrBuf *buf);

/* Payloads: put appends; take moves on and gives false at the end. Texts are NUL-terminated. */
typedef struct FrameReader { const char *at, *end; } FrameReader;
void frame_put_u32(StrBuf *buf, uint32_t value);
void frame_put_i64(StrBuf *buf, int64_t value);
void frame_put_text(StrBuf *buf, const char *text);
bool frame_take_u32(FrameReader *reader, uint32_t *value);
bool frame_take_i64(FrameReader *reader, int64_t *value);
bool frame_take_text(FrameReader *reader, const char **text);
void frame_put_error(StrBuf *buf, const Error *err);
bool frame_take_error(FrameReader *reader, Error *err);

/* The socket beside the file: FILE-socket, in the file's folder. fd of a connected or listening socket, -1. */
int socket_connect(const char *path);
int socket_listen(const char *path);
void socket_remove(const char *path);

#endif
