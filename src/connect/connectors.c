/* The table of connectors, and the calls that go through a source's or sink's class. */
#include "connect/connector.h"

#include <assert.h>
#include <string.h>

#include "connect/sources.h"

#define connect_kafka_sink NULL
#define connect_stdin_sink NULL
#define connect_nexmark_sink NULL
#define connect_datagen_sink NULL
#define connect_blackhole_source NULL

const Connector CONNECTORS[] = {
#define CONNECTOR(ident_, name_, synonyms_, bit_, reads_, writes_, needs_, doc_) \
	{.name = name_, .option_bit = bit_, .open_source = connect_##ident_##_source, .open_sink = connect_##ident_##_sink, .doc = doc_},
#include "catalog/connectors.def"
#undef CONNECTOR
};
const int CONNECTOR_COUNT = sizeof CONNECTORS / sizeof *CONNECTORS;

const Connector *connector_find(const char *name)
{
	for (int i = 0; i < CONNECTOR_COUNT; i++)
		if (strcmp(CONNECTORS[i].name, name) == 0) return &CONNECTORS[i];
	return NULL;
}

static const Connector *connector_of(const OptionSet *options, Error *err)
{
	const char *name = options_text(options, "connector");
	const Connector *connector = name ? connector_find(name) : NULL;
	if (!connector) error_set(err, ERR_UNDEFINED_OBJECT, SPAN_NONE, "unknown connector \"%s\"", name ? name : "");
	return connector;
}

/* ---- sources ---- */

bool source_open(const SourceConfig *config, Source **source, Error *err)
{
	const Connector *connector = connector_of(config->options, err);
	if (!connector) return false;
	if (!connector->open_source) return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "connector \"%s\" cannot be read from", connector->name);
	return connector->open_source(config, source, err);
}

void source_close(Source *source)
{
	if (source) source->class->close(source);
}

void source_know(Source *source, int partition, const char *name)
{
	if (source->class->know) source->class->know(source, partition, name);
}

bool source_partitions(Source *source, SourcePartitions *out, int timeout_ms, Error *err)
{
	return source->class->partitions(source, out, timeout_ms, err);
}

bool source_assign(Source *source, int partition, const SourceStart *start, Error *err)
{
	return source->class->assign(source, partition, start, err);
}

void source_unassign(Source *source, int partition) { source->class->unassign(source, partition); }

Poll source_poll(Source *source, int partition, int max, RecordBatch *out, Error *err)
{
	assert(source->class->poll);
	return source->class->poll(source, partition, max, out, err);
}

void source_release(Source *source, RecordBatch *records) { source->class->release(source, records); }

bool source_makes_batches(const Source *source) { return source->class->poll_batch != NULL; }

bool source_want(Source *source, const DecodeColumn *columns, int count, Error *err) { return source->class->want(source, columns, count, err); }

Poll source_poll_batch(Source *source, int partition, int max, SourceBatch *out, Error *err)
{
	assert(source->class->poll_batch);
	return source->class->poll_batch(source, partition, max, out, err);
}

int source_fd(const Source *source) { return source->fd; }
int source_retry_ms(const Source *source) { return source->retry_ms; }
bool source_is_caught_up(const Source *source, int partition) { return source->class->is_caught_up(source, partition); }
bool source_is_bounded(const Source *source) { return source->is_bounded; }
bool source_is_replayable(const Source *source) { return source->is_replayable; }
void source_status(const Source *source, SourceStatus *out) { source->class->status(source, out); }
int64_t source_end(const Source *source, int partition) { return source->class->end(source, partition); }

bool source_lost(const Source *source, int partition, SourceLost *out)
{
	return source->class->lost && source->class->lost(source, partition, out);
}

bool source_refresh(Source *source, const OptionSet *options, Error *err)
{
	return !source->class->refresh || source->class->refresh(source, options, err);
}

/* ---- sinks ---- */

bool sink_open(const SinkConfig *config, Sink **sink, Error *err)
{
	const Connector *connector = connector_of(config->options, err);
	if (!connector) return false;
	if (!connector->open_sink) return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "connector \"%s\" cannot be written to", connector->name);
	return connector->open_sink(config, sink, err);
}

bool sink_write(Sink *sink, const Batch *changes, int64_t commit_id, Error *err)
{
	if (!sink->class->write(sink, changes, commit_id, err)) return false;
	sink->rows += changes->count;
	return true;
}

bool sink_flush(Sink *sink, int64_t commit_id, int64_t *position, Error *err) { return sink->class->flush(sink, commit_id, position, err); }
int64_t sink_rows(const Sink *sink) { return sink->rows; }

void sink_close(Sink *sink)
{
	if (sink) sink->class->close(sink);
}
