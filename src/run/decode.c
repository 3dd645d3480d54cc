/* Decode threads: from a source's records to items in a partition's queue.
 *
 * There are max(1, cores / 2) of them for the whole process; each serves many partitions in turn and sleeps in poll(2) on its own eventfd
 * and on the sources' descriptors. One mutex guards the queues of all partitions: it is taken once an item (thousands of rows), so
 * finer locks would buy nothing. A partition whose queue is full is simply not polled; the source then stops fetching for it.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/reader.h"

enum { DECODE_THREADS_MAX = 8, IDLE_WAIT_MS = 200, ITEM_BYTES_MAX = 4 << 20 };

typedef struct DecodeThread {
	DecodePool *pool;
	pthread_t thread;
	bool running;
	int wake_fd;
	VEC(Partition *) partitions;          /* under the pool's mutex */
	Partition *busy;                      /* being filled right now */
} DecodeThread;

struct DecodePool {
	pthread_mutex_t mutex;
	pthread_cond_t idle;                  /* a thread finished with a partition */
	atomic_bool stopping;
	DecodeThread threads[DECODE_THREADS_MAX];
	int thread_count;
	int next;                             /* thread that gets the next partition */
	void (*wake)(void *context);
	void (*say)(void *context, const char *text);
	void *context;
};

DecodePool *decode_pool_new(void (*wake)(void *context), void (*say)(void *context, const char *text), void *context)
{
	DecodePool *pool = mem_new(DecodePool);
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->idle, NULL);
	pool->wake = wake;
	pool->say = say;
	pool->context = context;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	pool->thread_count = cores < 4 ? 1 : cores / 2 > DECODE_THREADS_MAX ? DECODE_THREADS_MAX : (int)(cores / 2);
	for (int i = 0; i < pool->thread_count; i++) {
		pool->threads[i].pool = pool;
		pool->threads[i].wake_fd = -1;
	}
	return pool;
}

static void thread_wake(DecodeThread *thread)
{
	uint64_t one = 1;
	if (thread->wake_fd >= 0 && write(thread->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN) assert(!"eventfd");
}

void decode_pool_wake(DecodePool *pool)
{
	for (int i = 0; i < pool->thread_count; i++) thread_wake(&pool->threads[i]);
}

void item_free(Item *item)
{
	if (!item) return;
	if (item->batch) batch_unref(item->batch);
	arena_release(&item->arena);
	free(item);
}

/* ---- one partition's turn ---- */

typedef struct Decoding { Item *item; } Decoding;

static DeadRecord *dead_add(Item *item, const Record *record, ErrorCode code, const char *error)
{
	DeadRecord dead = {
		.row = -1, .column = -1, .position = record->position, .timestamp_us = record->timestamp_us,
		.has_key = record->key, .has_value = record->value, .code = code, .error = arena_strdup(&item->arena, error),
	};
	if (record->key) dead.key = str_copy(&item->arena, record->key, record->key_bytes);
	if (record->value) dead.value = str_copy(&item->arena, record->value, record->value_bytes);
	vec_push_in(&item->arena, &item->dead, dead);
	return &item->dead.at[item->dead.count - 1];
}

static void on_dead_record(void *context, const RecordBatch *records, const Record *record, ErrorCode code, const char *error)
{
	(void)records;
	dead_add(((Decoding *)context)->item, record, code, error);
}

static void on_dead_value(void *context, const RecordBatch *records, const Record *record, int row, int column, ErrorCode code, const char *error)
{
	(void)records;
	DeadRecord *dead = dead_add(((Decoding *)context)->item, record, code, error);
	dead->row = row;
	dead->column = column;
}

static Item *item_new(int64_t position)
{
	Item *item = mem_new(Item);
	arena_init(&item->arena, 0);
	item->position = position;
	return item;
}

typedef struct BadInput { const Reader *reader; const Batch *batch; int row; bool bad; } BadInput;

static bool visit_bad_input(Expr *e, void *context)
{
	BadInput *search = context;
	if (e->kind != EXPR_COLUMN) return true;
	for (int c = 0; c < search->reader->columns.count; c++)
		if (search->reader->columns.at[c].input == e->column && search->batch->columns[c].null
			&& search->batch->columns[c].null[search->row] == MARK_BAD) search->bad = true;
	return !search->bad;
}

/* A computed column is bad where one of the columns that it reads is. */
static void mark_computed_bad(const Reader *reader, const Item *item, const Expr *computed, Batch *batch, int column)
{
	for (int d = 0; d < item->dead.count; d++) {
		int row = item->dead.at[d].row;
		if (row < 0) continue;
		BadInput search = {.reader = reader, .batch = batch, .row = row};
		expr_walk((Expr *)(uintptr_t)computed, visit_bad_input, &search);
		if (search.bad) batch_column_nulls(batch, column)[row] = MARK_BAD;
	}
}

/* The decoder's columns in the order of the reader's, with computed ones evaluated. Takes over `decoded`. */
static Batch *reader_batch(Partition *partition, Item *item, Batch *decoded)
{
	Reader *reader = partition->reader;
	Batch *batch = batch_derive(decoded, reader->columns.count);
	batch->rows = decoded->rows;
	batch->count = decoded->count;
	for (int c = 0; c < reader->columns.count; c++) {
		const ReaderColumn *column = &reader->columns.at[c];
		if (column->decode >= 0) batch->columns[c] = decoded->columns[column->decode];
		else batch->columns[c] = (Column){.type = column->type};
	}
	for (int c = 0; c < reader->columns.count; c++) {
		if (!partition->programs[c]) continue;
		batch->columns[c] = expr_eval(partition->programs[c], batch, &batch->arena);
		if (item->dead.count) mark_computed_bad(reader, item, reader->columns.at[c].computed, batch, c);
	}
	batch_unref(decoded);
	return batch;
}

static void partition_queue(Partition *partition, Item *item)
{
	DecodePool *pool = partition->reader->pool;
	pthread_mutex_lock(&pool->mutex);
	if (partition->last) partition->last->next = item;
	else __atomic_store_n(&partition->first, item, __ATOMIC_RELEASE);     /* the runtime looks without the lock whether there is one */
	partition->last = item;
	partition->queued_bytes += item->bytes;
	partition->queued_items++;
	pthread_mutex_unlock(&pool->mutex);
	pool->wake(pool->context);
}

Item *partition_take(Partition *partition)
{
	DecodePool *pool = partition->reader->pool;
	pthread_mutex_lock(&pool->mutex);
	Item *item = partition->first;
	bool was_full = false;
	if (item) {
		was_full = partition->queued_items >= PARTITION_QUEUE_ITEMS || partition->queued_bytes >= PARTITION_QUEUE_BYTES;
		__atomic_store_n(&partition->first, item->next, __ATOMIC_RELEASE);
		if (!item->next) partition->last = NULL;
		partition->queued_bytes -= item->bytes;
		partition->queued_items--;
	}
	pthread_mutex_unlock(&pool->mutex);
	if (was_full) decode_pool_wake(pool);
	return item;
}

int64_t partition_queued_bytes(const Partition *partition)
{
	DecodePool *pool = partition->reader->pool;
	pthread_mutex_lock(&pool->mutex);
	int64_t bytes = partition->queued_bytes;
	pthread_mutex_unlock(&pool->mutex);
	return bytes;
}

static bool partition_is_full(Partition *partition)
{
	DecodePool *pool = partition->reader->pool;
	pthread_mutex_lock(&pool->mutex);
	bool full = partition->queued_items >= PARTITION_QUEUE_ITEMS || partition->queued_bytes >= PARTITION_QUEUE_BYTES;
	pthread_mutex_unlock(&pool->mutex);
	return full;
}

/* Index of the first polled record at or behind the limit: what may be decoded now ends there. */
static int records_below(const RecordBatch *records, int from, int64_t limit)
{
	if (limit == SOURCE_STOP_NEVER || records->count == 0 || records->at[records->count - 1].position < limit) return records->count;
	int n = from;
	while (n < records->count && records->at[n].position < limit) n++;
	return n;
}

/* The bytes of rows whose event time may turn out to be too far in the future: that is judged by the commit's clock, when the record
 * is gone. */
static void keep_suspects(Partition *partition, Item *item, const RecordBatch *records, int from)
{
	const Reader *reader = partition->reader;
	if (reader->event_column < 0 || !item->positions) return;
	const Column *times = &item->batch->columns[reader->event_column];
	int64_t limit = clock_wall_us() + reader->max_future_us - SUSPECT_MARGIN_US;
	int record = from;
	for (int row = 0; row < item->batch->rows; row++) {
		if (times->i64[row] <= limit || column_is_null(times, row)) continue;
		while (record < records->count && records->at[record].position < item->positions[row]) record++;
		if (record == records->count) return;
		DeadRecord *suspect = dead_add(item, &records->at[record], ERR_DATETIME_FORMAT, "event time is too far in the future");
		suspect->row = row;
		vec_push_in(&item->arena, &item->suspects, *suspect);
		item->dead.count--;
	}
}

/* Once a stream, whichever of its partitions comes first. */
void partition_report(Partition *partition, bool is_end)
{
	Reader *reader = partition->reader;
	atomic_bool *told = is_end ? &reader->reported_end : &reader->reported;
	if (!partition->decoder || reader->dead_is_skipped || atomic_load(told)) return;
	StrBuf text = STRBUF_INIT;
	if (decoder_report(partition->decoder, is_end, &text) && !atomic_exchange(told, true))
		for (char *line = text.text, *end; (end = strchr(line, '\n')); line = end + 1) {
			StrBuf notice = STRBUF_INIT;
			*end = 0;
			strbuf_printf(&notice, "stream \"%s\": %s", reader->relation->name, line);
			reader->pool->say(reader->pool->context, notice.text);
			strbuf_release(&notice);
		}
	strbuf_release(&text);
}

static void partition_decode(Partition *partition, int to)
{
	RecordBatch records = partition->records;
	records.count = to;
	int from = partition->records_from;
	Item *item = item_new(partition->read_position);
	Decoding decoding = {item};
	DeadSink dead = {.context = &decoding, .record = on_dead_record, .value = on_dead_value};
	Decoded out = {0};
	int next = from;
	if (from < to) next = decoder_decode(partition->decoder, &records, from, &out, &dead);
	if (next > from) {
		partition->read_hash = record_hash(partition->read_hash, &records, from, next);
		item->fingerprint = record_fingerprint(&records.at[next - 1]);
		item->last_position = records.at[next - 1].position;
	}
	if (partition->records.topic) partition->topic = partition->records.topic;
	item->records = next - from;
	item->bytes = out.bytes + (int64_t)sizeof *item;
	item->hash = partition->read_hash;
	item->ops = out.ops;
	item->positions = out.positions;
	if (out.batch) {
		item->batch = reader_batch(partition, item, out.batch);
		keep_suspects(partition, item, &records, from);
	}
	bool all = next >= partition->records.count;
	partition->read_position = all ? partition->records.position_next : records.at[next].position;
	item->position_next = partition->read_position;
	partition->records_from = next;
	partition_queue(partition, item);
	partition_report(partition, false);
	if (all) {
		source_release(partition->reader->source, &partition->records);
		partition->has_records = false;
	}
}

static bool partition_fail(Partition *partition, const Error *err)
{
	partition->error = *err;
	atomic_store(&partition->broken, true);
	partition->reader->pool->wake(partition->reader->pool->context);
	return false;
}

static bool partition_end(Partition *partition)
{
	if (!atomic_load(&partition->ended)) partition_report(partition, true);
	if (!atomic_exchange(&partition->ended, true)) partition->reader->pool->wake(partition->reader->pool->context);
	return false;
}

static bool fill_from_batches(Partition *partition, int64_t limit)
{
	int64_t room = limit == SOURCE_STOP_NEVER ? BATCH_ROWS_MAX : limit - partition->read_position;
	if (room <= 0) return false;
	SourceBatch out = {0};
	Error err = ERROR_INIT;
	switch (source_poll_batch(partition->reader->source, partition->number, room < BATCH_ROWS_MAX ? (int)room : BATCH_ROWS_MAX, &out, &err)) {
	case POLL_NOTHING: return false;
	case POLL_END: return partition_end(partition);
	case POLL_ERROR: return partition_fail(partition, &err);
	case POLL_SOME: break;
	}
	Item *item = item_new(out.position);
	item->positions = out.positions;
	item->position_next = partition->read_position = out.position_next;
	if (out.batch) {
		item->records = out.batch->count;
		item->bytes = (int64_t)out.batch->arena.used_bytes;
		item->batch = reader_batch(partition, item, out.batch);
	}
	partition_queue(partition, item);
	return true;
}

static bool fill(Partition *partition)
{
	int64_t limit = atomic_load(&partition->limit);
	if (source_makes_batches(partition->reader->source)) return fill_from_batches(partition, limit);
	if (!partition->has_records) {
		if (partition->read_position >= limit) return false;
		Error err = ERROR_INIT;
		switch (source_poll(partition->reader->source, partition->number, RECORD_BATCH_MAX, &partition->records, &err)) {
		case POLL_NOTHING: return false;
		case POLL_END: return partition_end(partition);
		case POLL_ERROR: return partition_fail(partition, &err);
		case POLL_SOME: break;
		}
		partition->has_records = true;
		partition->records_from = 0;
	}
	int to = records_below(&partition->records, partition->records_from, limit);
	if (to == partition->records_from && to < partition->records.count) return false;     /* held at the limit */
	partition_decode(partition, to);
	return true;
}

/* One portion of work. false: there is nothing to do for this partition now. */
static bool partition_fill(Partition *partition)
{
	if (atomic_load(&partition->ended) || atomic_load(&partition->broken) || partition_is_full(partition)) return false;
	atomic_store(&partition->busy, true);
	bool did = fill(partition);
	atomic_store(&partition->busy, partition->has_records);
	return did;
}

/* ---- threads ---- */

/* The next partition in the thread's list, marked busy; NULL: none. *count: of how many. */
static Partition *thread_claim(DecodeThread *thread, int *turn, int *count)
{
	pthread_mutex_lock(&thread->pool->mutex);
	Partition *partition = NULL;
	*count = thread->partitions.count;
	if (*count) partition = thread->partitions.at[(*turn)++ % *count];
	thread->busy = partition;
	pthread_mutex_unlock(&thread->pool->mutex);
	return partition;
}

static void thread_release(DecodeThread *thread)
{
	pthread_mutex_lock(&thread->pool->mutex);
	thread->busy = NULL;
	pthread_cond_broadcast(&thread->pool->idle);
	pthread_mutex_unlock(&thread->pool->mutex);
}

static void thread_sleep(DecodeThread *thread)
{
	struct pollfd fds[65] = {{.fd = thread->wake_fd, .events = POLLIN}};
	int count = 1, wait_ms = IDLE_WAIT_MS;
	pthread_mutex_lock(&thread->pool->mutex);
	for (int i = 0; i < thread->partitions.count && count < 65; i++) {
		Partition *partition = thread->partitions.at[i];
		if (partition->queued_items >= PARTITION_QUEUE_ITEMS || partition->queued_bytes >= PARTITION_QUEUE_BYTES) continue;
		/* nobody polls these, so a descriptor that is readable would never become quiet */
		if (atomic_load(&partition->ended) || atomic_load(&partition->broken) || partition->read_position >= atomic_load(&partition->limit)) continue;
		int fd = source_fd(partition->reader->source), retry_ms = source_retry_ms(partition->reader->source);
		if (fd >= 0) fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		if (retry_ms >= 0 && retry_ms < wait_ms) wait_ms = retry_ms;
	}
	pthread_mutex_unlock(&thread->pool->mutex);
	poll(fds, (nfds_t)count, wait_ms);
	uint64_t drained;
	while (read(thread->wake_fd, &drained, sizeof drained) > 0) { }
}

static void *thread_main(void *context)
{
	DecodeThread *thread = context;
	int turn = 0, idle = 0, count;
	while (!thread->pool->stopping) {
		Partition *partition = thread_claim(thread, &turn, &count);
		bool did = partition && partition_fill(partition);
		thread_release(thread);
		idle = did ? 0 : idle + 1;
		if (idle >= count) {
			thread_sleep(thread);
			idle = 0;
		}
	}
	return NULL;
}

static DecodeThread *thread_of(DecodePool *pool, const Partition *partition)
{
	for (int i = 0; i < pool->thread_count; i++)
		for (int p = 0; p < pool->threads[i].partitions.count; p++)
			if (pool->threads[i].partitions.at[p] == partition) return &pool->threads[i];
	return NULL;
}

/* A new partition's thread is chosen here, before source_assign asks for its descriptor. */
int decode_pool_fd(const DecodePool *pool_const, const Partition *partition)
{
	DecodePool *pool = (DecodePool *)(uintptr_t)pool_const;
	DecodeThread *thread = thread_of(pool, partition);
	if (!thread) thread = &pool->threads[pool->next % pool->thread_count];
	if (thread->wake_fd < 0) thread->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return thread->wake_fd;
}

void decode_pool_add(DecodePool *pool, Partition *partition)
{
	decode_pool_fd(pool, partition);
	pthread_mutex_lock(&pool->mutex);
	DecodeThread *thread = &pool->threads[pool->next++ % pool->thread_count];
	vec_push(&thread->partitions, partition);
	bool start = !thread->running;
	thread->running = true;
	pthread_mutex_unlock(&pool->mutex);
	if (start && pthread_create(&thread->thread, NULL, thread_main, thread) != 0) assert(!"no thread");
	thread_wake(thread);
}

void decode_pool_remove(DecodePool *pool, Partition *partition)
{
	pthread_mutex_lock(&pool->mutex);
	DecodeThread *thread = thread_of(pool, partition);
	if (thread) {
		int kept = 0;
		for (int i = 0; i < thread->partitions.count; i++)
			if (thread->partitions.at[i] != partition) thread->partitions.at[kept++] = thread->partitions.at[i];
		thread->partitions.count = kept;
		while (thread->busy == partition) pthread_cond_wait(&pool->idle, &pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
}

void decode_pool_free(DecodePool *pool)
{
	if (!pool) return;
	pthread_mutex_lock(&pool->mutex);
	pool->stopping = true;
	pthread_mutex_unlock(&pool->mutex);
	decode_pool_wake(pool);
	for (int i = 0; i < pool->thread_count; i++) {
		DecodeThread *thread = &pool->threads[i];
		if (thread->running) pthread_join(thread->thread, NULL);
		if (thread->wake_fd >= 0) close(thread->wake_fd);
		vec_release(&thread->partitions);
	}
	pthread_cond_destroy(&pool->idle);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}
