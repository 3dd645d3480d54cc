/* The sink that forgets: what is left of a query's cost when nothing is written. Its position is the number of rows. */
#include <stdlib.h>

#include "connect/sources.h"

typedef struct Blackhole { Sink base; int64_t before; } Blackhole;

static bool blackhole_write(Sink *sink, const Batch *changes, int64_t commit_id, Error *err)
{
	(void)sink, (void)changes, (void)commit_id, (void)err;      /* sink_write() counts */
	return true;
}

static bool blackhole_flush(Sink *sink, int64_t commit_id, int64_t *position, Error *err)
{
	(void)commit_id, (void)err;
	*position = ((Blackhole *)sink)->before + sink->rows;
	return true;
}

static void blackhole_close(Sink *sink) { free(sink); }

static const SinkClass BLACKHOLE_CLASS = {.close = blackhole_close, .write = blackhole_write, .flush = blackhole_flush};

bool connect_blackhole_sink(const SinkConfig *config, Sink **out, Error *err)
{
	(void)err;
	Blackhole *sink = mem_new(Blackhole);
	sink->base.class = &BLACKHOLE_CLASS;
	sink->before = config->position == SINK_POSITION_NEW ? 0 : config->position;
	*out = &sink->base;
	return true;
}
