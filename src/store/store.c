/* Opening, owning and closing the file. Whose file it is is read from its first 100 bytes before SQLite sees it: opening a database with
 * SQLite, even to read, may make files beside it. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/store_internal.h"

enum {
	WRITER_CACHE_KIB = 32 * 1024, PATIENCE_MS = 60 * 1000, WAIT_TOLD_MS = 2000,
	HEADER_BYTES = 100, HEADER_PAGE_BYTES = 16, HEADER_WRITE_VERSION = 18, HEADER_PAGE_COUNT = 28, HEADER_SCHEMA_COOKIE = 40, HEADER_USER_VERSION = 60, HEADER_APPLICATION_ID = 68,
};

typedef struct Header { bool is_empty, is_wal; uint32_t user_version; } Header;

/* ---- whose file is it ---- */

static uint32_t read_u32(const uint8_t *at) { return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]; }

static bool not_weirs(const char *path, const char *what, Error *err)
{
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\" is not Weir's: it is %s", path, what);
	return error_hint(err, "Name another file; a new one is made where there is none.");
}

static bool too_new(const char *path, int64_t version, Error *err)
{
	error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "file \"%s\" was written by a newer version of Weir (format %lld, this one knows %d)",
		path, (long long)version, STORE_SCHEMA_VERSION);
	return error_hint(err, "Open it with that version.");
}

/* A process that was killed before its first transaction leaves a page that says nothing but how large pages are. */
static bool half_made(const uint8_t *bytes)
{
	bool nothing = read_u32(bytes + HEADER_APPLICATION_ID) == 0 && read_u32(bytes + HEADER_USER_VERSION) == 0 && read_u32(bytes + HEADER_SCHEMA_COOKIE) == 0;
	return nothing && read_u32(bytes + HEADER_PAGE_COUNT) == 1 && bytes[HEADER_PAGE_BYTES] == STORE_PAGE_BYTES >> 8;
}

/* A process that ended while it made the file leaves pages of it and a journal of a database that had none: SQLite takes them back when it opens
 * the file, and there is nothing in it. */
static bool is_being_born(const char *path)
{
	static const uint8_t MAGIC[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
	enum { JOURNAL_PAGES_BEFORE = 16, JOURNAL_BYTES = 20 };
	uint8_t bytes[JOURNAL_BYTES];
	char name[PATH_MAX + 16];
	snprintf(name, sizeof name, "%s-journal", path);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, bytes, sizeof bytes, 0);
	if (fd >= 0) close(fd);
	return n == JOURNAL_BYTES && memcmp(bytes, MAGIC, sizeof MAGIC) == 0 && read_u32(bytes + JOURNAL_PAGES_BEFORE) == 0;
}

static bool read_header(const char *path, int fd, Header *header, Error *err)
{
	uint8_t bytes[HEADER_BYTES];
	ssize_t n = pread(fd, bytes, sizeof bytes, 0);
	if (n < 0) return error_set(err, ERR_IO, SPAN_NONE, "file \"%s\" could not be read: %s", path, strerror(errno));
	*header = (Header){.is_empty = n == 0 || is_being_born(path)};
	if (header->is_empty) return true;
	if (n < HEADER_BYTES || memcmp(bytes, "SQLite format 3", 16) != 0) return not_weirs(path, "no database", err);
	if (half_made(bytes)) return header->is_empty = true;
	if (read_u32(bytes + HEADER_APPLICATION_ID) != STORE_APPLICATION_ID) return not_weirs(path, "a database of another program", err);
	header->user_version = read_u32(bytes + HEADER_USER_VERSION);
	header->is_wal = bytes[HEADER_WRITE_VERSION] == 2;
	return header->user_version <= STORE_SCHEMA_VERSION || too_new(path, header->user_version, err);
}

static bool missing(const char *path, Error *err)
{
	char copy[PATH_MAX];
	struct stat info;
	if (strlen(path) >= sizeof copy) return error_set(err, ERR_FILE_NOT_FOUND, SPAN_NONE, "file name \"%.40s...\" is too long", path);
	const char *folder = dirname(strcpy(copy, path));
	if (stat(folder, &info) != 0) {
		error_set(err, ERR_FILE_NOT_FOUND, SPAN_NONE, "folder \"%s\" does not exist", folder);
		return error_hint(err, "Make the folder first, or name a file elsewhere.");
	}
	return error_set(err, ERR_FILE_NOT_FOUND, SPAN_NONE, "file \"%s\" does not exist", path) || error_hint(err, "A script of definitions makes a new one: weir run FILE -f SCRIPT.");
}

static bool open_failed(const char *path, Error *err)
{
	int number = errno;
	if (number == ENOENT || number == ENOTDIR) return missing(path, err);
	if (number == EISDIR) return not_weirs(path, "a folder", err);
	if (number == ENOSPC || number == EDQUOT) return error_set(err, ERR_DISK_FULL, SPAN_NONE, "file \"%s\" could not be made: %s", path, strerror(number));
	return error_set(err, ERR_IO, SPAN_NONE, "file \"%s\" could not be opened: %s", path, strerror(number));
}

static bool check_is_file(const char *path, int fd, Error *err)
{
	struct stat info;
	if (fstat(fd, &info) != 0) return error_set(err, ERR_IO, SPAN_NONE, "file \"%s\" could not be read: %s", path, strerror(errno));
	if (S_ISDIR(info.st_mode)) return not_weirs(path, "a folder", err);
	return S_ISREG(info.st_mode) || not_weirs(path, "no ordinary file", err);
}

static bool take_lock(Store *store, Error *err)
{
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) return true;
	if (errno != EWOULDBLOCK) return error_set(err, ERR_IO, SPAN_NONE, "file \"%s\" could not be locked: %s", store->path, strerror(errno));
	error_set(err, ERR_FILE_IN_USE, SPAN_NONE, "file \"%s\" is in use by another process", store->path);
	return error_hint(err, "Work through that process, or stop it first.");
}

/* Opens the descriptor that carries the lock, making the file if need be. */
static bool open_and_lock(Store *store, bool *made, Header *header, Error *err)
{
	bool read_only = store->flags & STORE_OPEN_READ_ONLY;
	int access = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;        /* not to wait for the other end of a pipe */
	store->lock_fd = open(store->path, access);
	if (store->lock_fd < 0 && errno == ENOENT && !(store->flags & (STORE_OPEN_EXISTING | STORE_OPEN_READ_ONLY))) {
		store->lock_fd = open(store->path, access | O_CREAT | O_EXCL, 0600);
		*made = store->lock_fd >= 0;
	}
	if (store->lock_fd < 0) return open_failed(store->path, err);
	if (!check_is_file(store->path, store->lock_fd, err)) return false;
	if (!read_only && !take_lock(store, err)) return false;
	return read_header(store->path, store->lock_fd, header, err);
}

/* ---- SQLite ---- */

static int on_busy(void *context, int times)
{
	Store *store = context;
	if (atomic_load(&store->interrupted) || store->waited_ms >= store->wait_ms_max) return 0;
	int ms = times < 3 ? 1 : times < 10 ? 5 : 20;
	sqlite3_sleep(ms);
	store->waited_ms += ms;
	if (store->waited_ms > WAIT_TOLD_MS && store->wait_ms_max > WAIT_TOLD_MS && !store->wait_told) {
		store->wait_told = true;
		log_write(LOG_NOTICE, "file \"%s\": waiting for another program that is writing to it", store->path);
	}
	return 1;
}

static int on_wal(void *context, sqlite3 *db, const char *name, int frames)
{
	(void)db, (void)name;
	((Store *)context)->wal_frames = frames;
	return SQLITE_OK;
}

/* Where memory or the disk ends SQLite undoes the whole transaction, for reading, too. What is written after that would be committed by itself, statement
 * by statement. So nothing is, until who began the transaction rolls it back or fails to commit it. */
static void on_rollback(void *context)
{
	Store *store = context;
	if (store->in_transaction) store->lost = true;
}

static int on_commit(void *context) { return ((Store *)context)->lost; }

static bool configure_writer(Store *store, Error *err)
{
	sqlite3 *db = store->db;
	int on = 1;
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_handler(db, on_busy, store);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 1, NULL);      /* RENAME renames the table, not what the user's views say */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	if (!store_exec(store, err, "PRAGMA secure_delete = OFF; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
		" PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -%d", WRITER_CACHE_KIB)) return false;
	sqlite3_rollback_hook(db, on_rollback, store);
	sqlite3_commit_hook(db, on_commit, store);
	sqlite3_wal_hook(db, on_wal, store);          /* takes the place of wal_autocheckpoint's */
	return true;
}

/* SQLite's count of its own memory costs a lock for each allocation, and nobody reads it. */
static void configure_library(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

static bool open_writer(Store *store, Error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, configure_library);
	sqlite3_int64 no_limit = INT64_MAX;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (store->in_memory ? SQLITE_OPEN_CREATE | SQLITE_OPEN_URI : 0);
	int rc = sqlite3_open_v2(store->uri, &store->db, flags, NULL);
	if (rc != SQLITE_OK) return store_sqlite_error(store->db, rc, store->path, err);
	if (store->in_memory) sqlite3_file_control(store->db, "main", SQLITE_FCNTL_SIZE_LIMIT, &no_limit);
	return configure_writer(store, err);
}

/* The schema goes in before WAL mode, so that the first 100 bytes say from the first moment on whose file it is. */
static bool make_file(Store *store, Error *err)
{
	bool ok = store_exec(store, err, "PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL;%s BEGIN IMMEDIATE", STORE_PAGE_BYTES,
		store->in_memory ? " PRAGMA journal_mode = MEMORY;" : "");
	if (ok) store->in_transaction = true;
	ok = ok && schema_migrate(store, 0, err) && store_commit(store, err);
	store->is_new = ok;
	return ok;
}

static bool migrate_file(Store *store, Error *err)
{
	int64_t version = 0, application = 0, tables = 0;
	bool ok = store_read_integer(store, &version, err, "PRAGMA user_version", "") && store_read_integer(store, &application, err, "PRAGMA application_id", "") &&
		store_read_integer(store, &tables, err, "SELECT count(*) FROM sqlite_schema", "");
	if (!ok) return false;
	if (application == 0 && version == 0 && tables == 0) return make_file(store, err);    /* killed in its first transaction, which SQLite has taken back now */
	if (application != STORE_APPLICATION_ID) return not_weirs(store->path, "a database of another program", err);
	if (version > STORE_SCHEMA_VERSION) return too_new(store->path, version, err);
	if (version == STORE_SCHEMA_VERSION) return true;
	if (!store_begin(store, err)) return false;
	if (schema_migrate(store, (int)version, err) && store_commit(store, err)) return true;
	store_rollback(store);
	return false;
}

static bool enter_wal_mode(Store *store, Error *err)
{
	sqlite3_stmt *stmt = store_statement(store, "PRAGMA journal_mode = WAL", err);
	if (!stmt) return false;
	int rc = sqlite3_step(stmt);
	bool is_wal = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
	sqlite3_reset(stmt);
	if (is_wal) return true;
	if (rc != SQLITE_ROW) return store_fail(store, rc, err);
	return error_set(err, ERR_IO, SPAN_NONE, "file \"%s\" cannot be put into WAL mode: its file system has no shared memory", store->path);
}

/* A mode that the user gave the file since holds for its companions, too; SQLite itself looks only when it makes them. */
static void spread_mode(const Store *store)
{
	static const char *const COMPANIONS[] = {"-wal", "-shm"};
	struct stat info, other;
	if (store->lock_fd < 0 || fstat(store->lock_fd, &info) != 0) return;
	for (int i = 0; i < 2; i++) {
		char name[PATH_MAX + 8];
		snprintf(name, sizeof name, "%s%s", store->path, COMPANIONS[i]);
		if (stat(name, &other) != 0 || ((other.st_mode ^ info.st_mode) & 0777) == 0) continue;
		if (chmod(name, info.st_mode & 0777) != 0)
			log_write(LOG_WARNING, "file \"%s\": mode could not be changed: %s", name, strerror(errno));
	}
}

/* ---- originals and copies ---- */

static const char *identity(Store *store)
{
	char machine[64] = "";
	struct stat info;
	if (store->lock_fd < 0 || fstat(store->lock_fd, &info) != 0) return "memory";
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = read(fd, machine, sizeof machine - 1);
		machine[n > 0 ? n : 0] = 0;
		machine[strcspn(machine, "\n")] = 0;
		close(fd);
	}
	return arena_printf(&store->scratch, "%s:%llx:%llu", machine, (unsigned long long)info.st_dev, (unsigned long long)info.st_ino);
}

static const char IDENTITY[] = "weir.identity";

bool store_take_over(Store *store, Error *err)
{
	if (!store_setting_put(store, IDENTITY, identity(store), err)) return false;
	store->is_copy = false;
	return true;
}

static bool note_identity(Store *store, Error *err)
{
	if (!store->is_new) {
		const char *original = store_setting_get(store, IDENTITY, &store->scratch);
		store->is_copy = !original || strcmp(original, identity(store)) != 0;
		return true;
	}
	return store_take_over(store, err);
}

/* ---- open and close ---- */

static Store *store_make(const char *path, unsigned flags)
{
	Store *store = mem_new(Store);
	arena_init(&store->scratch, 0);
	store->flags = flags;
	store->lock_fd = -1;
	store->patience_ms = store->wait_ms_max = PATIENCE_MS;
	store_set_kept_bytes_max(store, (int64_t)1 << 30, (int64_t)1 << 30);
	store_set_commits_kept(store, INT64_C(30) * 86400 * 1000000);
	store->in_memory = !path;
	store->path = mem_strdup(path ? path : ":memory:");
	StrBuf uri = STRBUF_INIT;
	/* A name of its own for each; the readers find the same memory by it. A path must not be taken for an URI. */
	if (!path) strbuf_printf(&uri, "file:/weir%p?vfs=memdb", (void *)store);
	else strbuf_printf(&uri, "%s%s", strncmp(path, "file:", 5) == 0 ? "./" : "", path);
	store->uri = strbuf_detach(&uri);
	return store;
}

static bool open_file(Store *store, bool *made, Error *err)
{
	Header header = {.is_empty = true};
	if (!store->in_memory && !open_and_lock(store, made, &header, err)) return false;
	if (store->flags & STORE_OPEN_READ_ONLY) {
		if (header.is_empty && !store->in_memory) return not_weirs(store->path, "empty", err);
		return reader_connect(store, &store->db, err);
	}
	spread_mode(store);
	if (!open_writer(store, err)) return false;
	if (header.is_empty ? !make_file(store, err) : !migrate_file(store, err)) return false;
	if (!store->in_memory && !enter_wal_mode(store, err)) return false;
	return store->is_open = store_commit_last(store, &store->opened_commit, err) && note_identity(store, err);
}

Store *store_open(const char *path, unsigned flags, Error *err)
{
	if (path && strcmp(path, ":memory:") == 0) path = NULL;
	if (path && !*path) {
		error_set(err, ERR_FILE_NOT_FOUND, SPAN_NONE, "the file's name is empty");
		return NULL;
	}
	bool made = false;
	Store *store = store_make(path, flags);
	if (open_file(store, &made, err)) return store;
	if (made) unlink(path);
	store_close(store);
	return NULL;
}

static void close_writer(Store *store)
{
	store_rollback(store);
	store_tables_release(store);
	if (store->is_open && !store->in_memory) store_make_room(store);
	store_statements_release(store);
	if (store->is_open && !store->in_memory) {
		store->wait_ms_max = STORE_WAL_URGENT_WAIT_MS;
		store->waited_ms = 0;
		sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	}
	sqlite3_close_v2(store->db);
}

void store_close(Store *store)
{
	if (!store) return;
	if (store->db) close_writer(store);
	if (store->lock_fd >= 0) close(store->lock_fd);
	vec_release(&store->clean_lanes);
	arena_release(&store->scratch);
	free(store->path);
	free(store->uri);
	free(store);
}

const char *store_path(const Store *store) { return store->path; }
bool store_is_new(const Store *store) { return store->is_new; }
bool store_is_copy(const Store *store) { return store->is_copy; }
void store_set_patience_ms(Store *store, int64_t ms) { store->patience_ms = ms; }

void store_lend(Store *store, bool lent)
{
	store->lent_to = pthread_self();
	atomic_store(&store->lent, lent);
}

void store_interrupt(Store *store)
{
	atomic_store(&store->interrupted, true);
	if (store->db) sqlite3_interrupt(store->db);
}
