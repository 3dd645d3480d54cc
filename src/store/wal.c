/* The WAL: copied into the file in the pause between two commits, when readers have moved on to the last one. Copying without waiting (PASSIVE) is
 * enough as long as there is an instant without a reader of an old commit; past 64 MiB readers are waited for. */
#include <sys/stat.h>

#include "store/store_internal.h"

int64_t store_wal_bytes(const Store *store) { return store->wal_frames * STORE_WAL_FRAME_BYTES; }

/* Pages that a transaction takes and gives back again are never written, but count: a file may have to grow by more than the WAL holds. From version 3.36 on
 * SQLite takes that for damage and copies nothing, ever again. So the file gets its size before. */
int store_make_room(Store *store)
{
	enum { SLACK_BYTES = 65536 };                 /* SQLite's own: a page that it leaves out */
	sqlite3_int64 page_bytes = store_integer(store, STORE_PAGE_BYTES, "PRAGMA page_size", "");
	sqlite3_int64 wanted = store_integer(store, 0, "PRAGMA page_count", "") * page_bytes;
	int chunk = (int)page_bytes, none = 0;
	if (wanted <= store_file_bytes(store) + SLACK_BYTES + store->wal_frames * page_bytes) return SQLITE_OK;
	sqlite3_file_control(store->db, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
	int rc = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_SIZE_HINT, &wanted);
	sqlite3_file_control(store->db, "main", SQLITE_FCNTL_CHUNK_SIZE, &none);
	return rc;
}

static int checkpoint(Store *store, int mode, int64_t wait_ms, int *frames, int *copied)
{
	store->wait_ms_max = wait_ms;
	store->waited_ms = 0;
	store->wait_told = true;                      /* readers are no reason for a notice about writers */
	return sqlite3_wal_checkpoint_v2(store->db, "main", mode, frames, copied);
}

bool store_wal_tend(Store *store, StoreWal *out, Error *err)
{
	*out = (StoreWal){0};
	if (store->in_memory || store->wal_frames == 0) return true;
	int frames = 0, copied = 0, rc = store_make_room(store);
	if (rc == SQLITE_OK) rc = checkpoint(store, SQLITE_CHECKPOINT_PASSIVE, 0, &frames, &copied);
	int64_t bytes = (int64_t)frames * STORE_WAL_FRAME_BYTES;
	if ((rc == SQLITE_OK || rc == SQLITE_BUSY) && bytes > STORE_WAL_RESTART_BYTES) {
		int64_t wait_ms = bytes > STORE_WAL_URGENT_BYTES ? STORE_WAL_URGENT_WAIT_MS : STORE_WAL_WAIT_MS;
		rc = checkpoint(store, SQLITE_CHECKPOINT_RESTART, wait_ms, &frames, &copied);
		out->held_by_readers = rc == SQLITE_BUSY;
		if (rc == SQLITE_OK) frames = copied = 0;
	}
	if (rc != SQLITE_OK && rc != SQLITE_BUSY) return store_fail(store, rc, err);
	if (frames >= 0) {
		store->wal_frames = frames;
		out->pending_bytes = (int64_t)(frames - copied) * STORE_WAL_FRAME_BYTES;
	}
	out->wal_bytes = store_wal_bytes(store);
	return true;
}

int64_t store_file_bytes(Store *store)
{
	struct stat info;
	if (store->lock_fd >= 0 && fstat(store->lock_fd, &info) == 0) return info.st_size;
	return store->db ? store_integer(store, 0, "PRAGMA page_count", "") * store_integer(store, STORE_PAGE_BYTES, "PRAGMA page_size", "") : 0;
}

bool store_shrink(Store *store, int pages_max, Error *err)
{
	return store_exec(store, err, "PRAGMA incremental_vacuum(%d)", pages_max);
}
