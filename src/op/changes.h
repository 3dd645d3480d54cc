/* ChangeLog: the changes of a commit as packed rows; what sink and tap share. */
#ifndef WEIR_OP_CHANGES_H
#define WEIR_OP_CHANGES_H

#include "op/specs.h"

typedef struct ChangeLog {
	VEC(ChangeRow) rows;
	char *bytes;
	size_t byte_count, byte_room;
	bool append_only;                 /* all weights > 0: nothing to net */
} ChangeLog;

enum { CHANGE_LOG_BYTES_MAX = UINT32_MAX };

void change_log_init(ChangeLog *log, bool append_only);
void change_log_release(ChangeLog *log);
bool change_log_add(ChangeLog *log, const Batch *in, Arena *scratch, Error *err);
/* Net changes in the order of keys, or of arrival where there are none or nothing is taken back; the log is empty afterwards. */
void change_log_take(ChangeLog *log, const Type *types, int column_count, const int *key_columns, int key_count, Changes *out);

#endif
