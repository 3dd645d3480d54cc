/* Cutting a stream of bytes into records: lines, or CSV records whose quoted fields may hold line ends. */
#ifndef WEIR_CONNECT_LINES_H
#define WEIR_CONNECT_LINES_H

#include "connect/connector.h"

typedef struct Lines {
	Framing framing;
	char delimiter, quote;        /* CSV */
	bool skips_blank;             /* empty lines are no records */
	int64_t bytes_max;            /* a longer one is a flawed record */
} Lines;

typedef struct LineCut {
	size_t total;                 /* bytes up to the next record, with the line end; 0: the record is not complete */
	size_t content;               /* bytes of the record, without line end */
} LineCut;

void lines_init(Lines *lines, const OptionSet *options, const Format *format);

/* The record at the beginning of the bytes. is_final: nothing follows, so what is there is complete. */
LineCut lines_cut(const Lines *lines, const char *at, size_t bytes, bool is_final);

/* A batch's memory: the bytes that were read and the records in them. Kept by their source for reuse. */
typedef struct LineBuffer LineBuffer;
struct LineBuffer {
	Record records[RECORD_BATCH_MAX];         /* first: RecordBatch.at points to it */
	int count;
	char *bytes;
	size_t room, used;
	LineBuffer *next;
};

LineBuffer *line_buffer_new(size_t room);
void line_buffer_free(LineBuffer *buffer);

/* Cuts the buffer's bytes [0, used) into at most max records; position is that of the first byte and grows by bytes, or, for
 * by_record, by records. Returns how many bytes were consumed. `flaw` records: one that is longer than bytes_max is cut there; the
 * caller must skip its rest, *is_cut says so. */
size_t line_buffer_cut(LineBuffer *buffer, const Lines *lines, int max, int64_t position, bool by_record, bool is_final, bool *is_cut);

#endif
