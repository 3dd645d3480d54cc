#include "run/source_log.h"

#include "run/commit.h"

/* As it lies in the file: lane, partition, number of rows; then of each row its position, what its record does, and the packed row. */
typedef struct LogHead { int64_t lane; int32_t partition, rows; } LogHead;

static bool row_is_dead(const Batch *batch, const uint8_t *dead_rows, int row)
{
	if (dead_rows && dead_rows[row]) return true;
	for (int c = 0; c < batch->column_count; c++)
		if (batch->columns[c].null && batch->columns[c].null[row] == MARK_BAD) return true;
	return false;
}

void source_log_item(void *context, int64_t lane, const Partition *partition, const Item *item, const uint8_t *dead_rows)
{
	Runtime *runtime = context;
	const Batch *batch = item->batch;
	if (runtime->replaying) return;
	StrBuf bytes = STRBUF_INIT;
	LogHead head = {.lane = lane, .partition = partition->number};
	strbuf_add(&bytes, &head, sizeof head);
	for (int row = 0; row < batch->rows; row++) {
		if (row_is_dead(batch, dead_rows, row)) continue;
		int64_t position = item->positions ? item->positions[row] : item->position + row;
		strbuf_add(&bytes, &position, sizeof position);
		strbuf_addc(&bytes, (char)(item->ops ? item->ops[row] : ROW_INSERT));
		row_pack(&bytes, batch->columns, batch->column_count, row);
		head.rows++;
	}
	memcpy(bytes.text, &head, sizeof head);
	SealedLog log = {.log = STORE_LOG_INPUT, .relation = -partition->reader->relation->id, .bytes = str_copy(&runtime->next->arena, bytes.text, bytes.bytes)};
	if (head.rows) vec_push_in(&runtime->next->arena, &runtime->next->logs, log);
	runtime->logged_bytes += head.rows ? (int64_t)bytes.bytes : 0;
	strbuf_release(&bytes);
}

static Lane *lane_find(const Runtime *runtime, int64_t id)
{
	for (int l = 0; l < runtime->lanes.count; l++)
		if (runtime->lanes.at[l]->id == id) return runtime->lanes.at[l];
	return NULL;
}

static void read_rows(const Reader *reader, const LogHead *head, const char *at, Item *item)
{
	int count = reader->columns.count;
	Type *types = arena_array(&item->arena, Type, count + 1);
	Value *values = arena_array(&item->arena, Value, count + 1);
	int64_t *positions = arena_array(&item->arena, int64_t, head->rows);
	uint8_t *ops = arena_array(&item->arena, uint8_t, head->rows);
	BatchBuilder builder;
	for (int c = 0; c < count; c++) types[c] = reader->columns.at[c].type;
	batch_builder_init(&builder, types, count, head->rows);
	for (int r = 0; r < head->rows; r++) {
		memcpy(&positions[r], at, sizeof *positions);
		ops[r] = (uint8_t)at[sizeof *positions];
		at += sizeof *positions + 1;
		at += row_unpack(at, types, count, values);
		int row = batch_builder_row(&builder, 1);
		for (int c = 0; c < count; c++) batch_builder_set(&builder, row, c, &values[c]);
	}
	item->batch = batch_builder_take(&builder);
	item->positions = positions;
	item->ops = ops;
	batch_builder_release(&builder);
}

bool source_log_replay(Runtime *runtime, int64_t commit, int64_t relation, const void *bytes, uint32_t count, Error *err)
{
	LogHead head;
	if (count < sizeof head) return error_set(err, ERR_FILE_FORMAT, SPAN_NONE, "the log of commit %lld is damaged", (long long)commit);
	memcpy(&head, bytes, sizeof head);
	Lane *lane = lane_find(runtime, head.lane);
	Reader *reader = lane && lane->generation < commit ? lane_reader_find(lane, relation) : NULL;
	if (!reader) return true;                             /* dropped since, or in the checkpoint already */
	Item item = {0};
	arena_init(&item.arena, 0);
	read_rows(reader, &head, (const char *)bytes + sizeof head, &item);
	StepContext step = runtime_step_context(runtime, lane);
	bool ok = reader_push_again(reader, reader_partition(reader, head.partition, NULL), &item, &step, err);
	batch_unref(item.batch);
	arena_release(&item.arena);
	return ok;
}

void source_log_replayed(Reader *reader, const PartitionRecord *record)
{
	Partition *partition = reader_partition(reader, record->partition, NULL);
	partition->position = record->position;
	partition->record_count += record->records;
	partition->hash = record->hash;
	partition->fingerprint = record->last_fingerprint;
	partition->last_position = record->last_position;
	partition->watermark = record->watermark_us;
	partition->idle = record->idle;
	partition->seen |= record->records > 0;
}
