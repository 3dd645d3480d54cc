/* ChangeLog: the changes of a commit as packed rows; what sink and tap share. */
#ifndef WEIR_OP_CHANGES_H
#define WEIR_OP_CHANGES_H

#include "op/specs.h"

typedef struct ChangeLog {
	VEC(ChangeRow) rows;
	char *bytes;
	size_t byte_count, byte_room;
	bool append_only;                 /* all weights > 0: nothing to net, the order of arrival stays */
	const int *key_columns;           /* of the view's key; the caller's */
	int key_count;                    /* 0: none */
	StrBuf keys;                      /* sort keys of the rows */
	VEC(size_t) key_ends;
} ChangeLog;

enum { CHANGE_LOG_BYTES_MAX = UINT32_MAX };

void change_log_init(ChangeLog *log, bool append_only, const int *key_columns, int key_count);
void change_log_release(ChangeLog *log);
bool change_log_add(ChangeLog *log, const Batch *in, Arena *scratch, Error *err);
/* Net changes in the order of keys, or of arrival where there are none or nothing is taken back; the log is empty afterwards. */
void change_log_take(ChangeLog *log, Changes *out);

/* ---- changes_sort.c ---- */
/* Nets and sorts changes by their sort keys (key i ends at ends[i]); rows of one key: first those that go. */
void changes_by_key(Changes *changes, const char *keys, const size_t *ends);

#endif
