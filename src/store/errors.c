/* SQLite's result codes as Errors: which world each belongs to, and what a person can do. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store/store_internal.h"

/* Has the file, or its WAL, grown as far as this process may let a file grow? By the time that SQLite tells of a failed write errno is often gone. */
static bool is_at_size_limit(const char *path)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
	static const char *const ENDINGS[] = {"", "-wal"};
	for (int i = 0; i < 2; i++) {
		char name[PATH_MAX + 8];
		struct stat info;
		snprintf(name, sizeof name, "%s%s", path, ENDINGS[i]);
		if (stat(name, &info) == 0 && (uint64_t)info.st_size + STORE_WAL_FRAME_BYTES > limit.rlim_cur) return true;
	}
	return false;
}

static bool io_error(sqlite3 *db, int rc, const char *path, Error *err)
{
	int number = sqlite3_system_errno(db);
	if (number == EFBIG || (rc == SQLITE_IOERR_WRITE && is_at_size_limit(path))) {
		error_set(err, ERR_DISK_FULL, SPAN_NONE, "file \"%s\" could not be written: it has reached the greatest size that this process may give a file", path);
		return error_hint(err, "Raise the limit (ulimit -f, LimitFSIZE= of a unit file); what is committed is safe, and a restart goes on from there.");
	}
	if (number == ENOSPC || number == EDQUOT) {
		error_set(err, ERR_DISK_FULL, SPAN_NONE, "file \"%s\" could not be written: %s", path, strerror(number));
		return error_hint(err, "Free some space; what is committed is safe, and a restart goes on from there.");
	}
	error_set(err, ERR_IO, SPAN_NONE, "file \"%s\" could not be read or written: %s", path, number ? strerror(number) : sqlite3_errmsg(db));
	return error_hint(err, "Look into the system's log for disk errors; what is committed is safe, and a restart goes on from there.");
}

static bool damaged(sqlite3 *db, const char *path, Error *err)
{
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\" is damaged: %s", path, sqlite3_errmsg(db));
	return error_hint(err, "Go back to a copy of it, or save what can be read with: sqlite3 FILE .recover");
}

static bool in_use(const char *path, Error *err)
{
	error_set(err, ERR_FILE_IN_USE, SPAN_NONE, "file \"%s\" is being written by another program", path);
	error_hint(err, "End the other program's transaction, then try again.");
	err->retryable = true;
	return false;
}

bool store_sqlite_error(sqlite3 *db, int rc, const char *path, Error *err)
{
	Error unheard = ERROR_INIT;
	if (!err) err = &unheard;
	const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	switch (rc & 0xff) {
	case SQLITE_FULL:
		error_set(err, ERR_DISK_FULL, SPAN_NONE, "file \"%s\" could not be written: the disk is full", path);
		return error_hint(err, "Free some space; what is committed is safe, and a restart goes on from there.");
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM) return error_set(err, ERR_OUT_OF_MEMORY, SPAN_NONE, "file \"%s\": no memory left", path);
		return io_error(db, rc, path, err);
	case SQLITE_CORRUPT: case SQLITE_NOTADB: case SQLITE_FORMAT:
		return damaged(db, path, err);
	case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_PROTOCOL:
		return in_use(path, err);
	case SQLITE_INTERRUPT:
		return error_set(err, ERR_CANCELED, SPAN_NONE, "canceled");
	case SQLITE_NOMEM:
		return error_set(err, ERR_OUT_OF_MEMORY, SPAN_NONE, "file \"%s\": no memory left", path);
	case SQLITE_TOOBIG:
		return error_set(err, ERR_RESOURCE_LIMIT, SPAN_NONE, "a value is larger than the file can hold");
	case SQLITE_CANTOPEN: case SQLITE_PERM: case SQLITE_READONLY:
		return error_set(err, ERR_IO, SPAN_NONE, "file \"%s\" could not be opened for writing: %s", path, text);
	case SQLITE_CONSTRAINT:
		return error_set(err, ERR_UNIQUE_VIOLATION, SPAN_NONE, "file \"%s\": %s", path, text);
	default:
		return error_set(err, ERR_INTERNAL, SPAN_NONE, "file \"%s\": %s", path, text);
	}
}

/* Weir's own statements are right for Weir's own tables: if SQLite does not understand one, somebody has changed them. */
bool store_own_error(sqlite3 *db, int rc, const char *path, Error *err)
{
	if ((rc & 0xff) != SQLITE_ERROR) return store_sqlite_error(db, rc, path, err);
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\" is not as Weir left it: %s", path, sqlite3_errmsg(db));
	return error_hint(err, "Another program has changed it: go back to a copy of the file.");
}

bool store_fail(Store *store, int rc, Error *err)
{
	Error unheard = ERROR_INIT;
	if (!err) err = &unheard;
	bool refused = rc == SQLITE_CONSTRAINT_COMMITHOOK;        /* store.c: for what came before, of which nobody told */
	store_own_error(store->db, refused ? SQLITE_NOMEM : rc, store->path, err);
	if (store->lost) store_transaction_lost(store, err);
	return false;
}
