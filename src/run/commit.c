/* Writing a sealed commit, and the thread that does it. */
#include "run/commit.h"

#include "base/clock.h"
#include "base/log.h"

char *partition_setting(Arena *arena, int64_t relation, int partition)
{
	return arena_printf(arena, "partition.%lld.%d", (long long)relation, partition);
}

SealedCommit *sealed_new(void)
{
	SealedCommit *sealed = mem_new(SealedCommit);
	arena_init(&sealed->arena, 0);
	return sealed;
}

void sealed_free(SealedCommit *sealed)
{
	if (!sealed) return;
	for (int i = 0; i < sealed->changes.count; i++) changes_release(&sealed->changes.at[i].changes);
	for (int i = 0; i < sealed->done.count; i++) checkpoint_free(sealed->done.at[i]);
	arena_release(&sealed->arena);
	free(sealed);
}

static bool write_changes(SealedCommit *sealed, Store *store, Error *err)
{
	for (int i = 0; i < sealed->changes.count; i++) {
		SealedChanges *view = &sealed->changes.at[i];
		if (!store_apply(store, view->table, &view->changes, NULL, err)) return false;
	}
	for (int i = 0; i < sealed->sinks.count; i++) {
		const SealedSink *sink = &sealed->sinks.at[i];
		if (!store_sink_put(store, sink->relation, sink->position, sealed->record.commit, NULL, err)) return false;
	}
	for (int i = 0; i < sealed->gaps.count; i++) {
		sealed->gaps.at[i].commit = sealed->record.commit;
		if (!store_gap_put(store, &sealed->gaps.at[i], err)) return false;
	}
	for (int i = 0; i < sealed->starts.count; i++)
		if (!store_view_start_put(store, &sealed->starts.at[i], err)) return false;
	for (int i = 0; i < sealed->settings.count; i++)
		if (!store_setting_put(store, sealed->settings.at[i].name, sealed->settings.at[i].value, err)) return false;
	return true;
}

static bool write_logs(SealedCommit *sealed, Store *store, Error *err)
{
	int64_t commit = sealed->record.commit;
	for (int i = 0; i < sealed->logs.count; i++) {
		const SealedLog *log = &sealed->logs.at[i];
		if (!store_log_put(store, log->log, commit, log->relation, str_at(&log->bytes), log->bytes.bytes, err)) return false;
	}
	for (int i = 0; i < sealed->dead.count; i++) sealed->dead.at[i].commit = commit;
	for (int i = 0; i < sealed->late.count; i++) sealed->late.at[i].commit = commit;
	if (sealed->dead.count && !store_dead_letters_put(store, sealed->dead.at, sealed->dead.count, err)) return false;
	if (sealed->late.count && !store_late_rows_put(store, sealed->late.at, sealed->late.count, err)) return false;
	for (int i = 0; i < sealed->accounts.count; i++)
		if (!store_account_add(store, &sealed->accounts.at[i], err)) return false;
	return true;
}

/* What paused lanes will want stays. */
static bool prune_log(const SealedCommit *sealed, Store *store, Error *err)
{
	int64_t *held = mem_alloc(sizeof *held * (size_t)(sealed->holds.count + 1));
	bool ok = true;
	for (int h = 0; h < sealed->holds.count; h++) {
		const LogHold *hold = &sealed->holds.at[h];
		held[h] = hold->relation;
		int64_t through = hold->after < sealed->prune_through ? hold->after : sealed->prune_through;
		ok = ok && store_log_prune(store, STORE_LOG_INPUT, hold->relation, through, err);
	}
	ok = ok && store_log_prune_others(store, STORE_LOG_INPUT, held, sealed->holds.count, sealed->prune_through, err);
	free(held);
	return ok;
}

static bool write_checkpoint(SealedCommit *sealed, Store *store, Error *err)
{
	for (int p = 0; p < sealed->pieces.count; p++) {
		const SealedPiece *piece = &sealed->pieces.at[p];
		for (int i = 0; i < piece->page_count; i++) {
			const SealedPage *page = &piece->pages[i];
			if (!store_state_put(store, page->lane, page->op, page->page, piece->generation, page->bytes ? page->at : NULL, page->bytes, err)) return false;
		}
		for (int i = 0; i < piece->complete_count; i++)
			if (!store_checkpoint_complete(store, &piece->completes[i], err)) return false;
	}
	return !sealed->prune_through || (store_commits_prune(store, sealed->prune_through, sealed->record.time_us, err) && prune_log(sealed, store, err));
}

bool sealed_write(SealedCommit *sealed, Store *store, Error *err)
{
	if (!sealed->file_open && !store_begin(store, err)) return false;
	bool ok = write_changes(sealed, store, err) && write_logs(sealed, store, err) && retention_write(sealed, store, err) && history_write(sealed, store, err) && metrics_write(sealed, store, err) && noted_write(sealed, store, err)
		&& store_commit_put(store, &sealed->record, err) && write_checkpoint(sealed, store, err);
	if (!ok) {
		store_rollback(store);
		return false;
	}
	return sealed->keep_open || store_commit(store, err);
}

/* ---- the writer ---- */

/* Without the runtime's lock where the writer has a thread: *wal_bytes is for whoever holds it next. */
static bool write_and_tend(Runtime *runtime, SealedCommit *sealed, int64_t *wal_bytes, Error *err)
{
	int64_t began_us = clock_monotonic_us();
	if (!sealed_write(sealed, runtime->store, err)) return false;
	int64_t us = clock_monotonic_us() - began_us;
	atomic_fetch_add(&runtime->metered.commits, 1);
	atomic_fetch_add(&runtime->metered.us, us);
	if (us > atomic_load(&runtime->metered.most_us)) atomic_store(&runtime->metered.most_us, us);
	if (sealed->expires_more) atomic_store(&runtime->retention_more, true);
	if (sealed->keep_open) return true;
	StoreWal wal = {0};
	if (!store_wal_tend(runtime->store, &wal, err)) return false;
	*wal_bytes = wal.wal_bytes;
	return true;
}

static void *writer_main(void *context)
{
	Runtime *runtime = context;
	pthread_mutex_lock(&runtime->lock);
	for (;;) {
		while (!runtime->sealed && runtime->writer_running) pthread_cond_wait(&runtime->writer_wake, &runtime->lock);
		if (!runtime->sealed) break;
		SealedCommit *sealed = runtime->sealed;
		Error err = ERROR_INIT;
		int64_t began_us = clock_monotonic_us(), wal_bytes = runtime->wal_bytes;
		pthread_mutex_unlock(&runtime->lock);
		store_lend(runtime->store, true);
		bool ok = write_and_tend(runtime, sealed, &wal_bytes, &err);
		store_lend(runtime->store, false);
		int64_t write_us = clock_monotonic_us() - began_us;
		uint64_t commit = (uint64_t)sealed->record.commit;
		sealed_free(sealed);
		pthread_mutex_lock(&runtime->lock);
		runtime->sealed = NULL;
		runtime->write_us = write_us;
		runtime->wal_bytes = wal_bytes;
		if (ok) runtime->written = commit;
		else if (runtime->failure.code == ERR_NONE) runtime->failure = err;
		pthread_cond_broadcast(&runtime->wake);
		pthread_cond_broadcast(&runtime->turn);
	}
	pthread_mutex_unlock(&runtime->lock);
	return NULL;
}

void writer_start(Runtime *runtime)
{
	if (runtime->writer_running) return;
	runtime->writer_running = pthread_create(&runtime->writer_thread, NULL, writer_main, runtime) == 0;
}

bool writer_is_free(const Runtime *runtime) { return !runtime->sealed; }

/* The lock is let go while waiting, but the caller stays inside. */
bool writer_wait(Runtime *runtime, Error *err)
{
	while (runtime->sealed && runtime->failure.code == ERR_NONE) pthread_cond_wait(&runtime->turn, &runtime->lock);
	if (runtime->failure.code == ERR_NONE) return true;
	*err = runtime->failure;
	return false;
}

bool writer_hand_over(Runtime *runtime, SealedCommit *sealed, Error *err)
{
	if (runtime->writer_running && !sealed->keep_open) {
		runtime->sealed = sealed;
		pthread_cond_signal(&runtime->writer_wake);
		return true;
	}
	bool ok = write_and_tend(runtime, sealed, &runtime->wal_bytes, err);
	if (ok) runtime->written = (uint64_t)sealed->record.commit;
	else runtime->failure = *err;
	sealed_free(sealed);
	return ok;
}

void writer_stop(Runtime *runtime)
{
	if (!runtime->writer_running) return;
	pthread_mutex_lock(&runtime->lock);
	runtime->writer_running = false;
	pthread_cond_signal(&runtime->writer_wake);
	pthread_mutex_unlock(&runtime->lock);
	pthread_join(runtime->writer_thread, NULL);
}
