#include "connect/generator.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/vec.h"

enum { PACE_MS = 5 };

static int64_t events_of(const Generator *generator, int partition)
{
	if (generator->events < 0) return SOURCE_STOP_NEVER;
	return (generator->events - partition + generator->splits - 1) / generator->splits;
}

void generator_init(Generator *generator, const SourceClass *class, const OptionSet *options, int64_t rate_default)
{
	arena_init(&generator->arena, 0);
	generator->events = options_find(options, "events") ? options_integer(options, "events") : -1;
	generator->rate = options_find(options, "rate") ? options_integer(options, "rate") : rate_default;
	generator->splits = (int)options_integer(options, "splits");
	generator->partitions = arena_array(&generator->arena, GeneratorPartition, generator->splits);
	for (int p = 0; p < generator->splits; p++) snprintf(generator->partitions[p].name, sizeof generator->partitions[p].name, "%d", p);
	generator->base = (Source){.class = class, .is_bounded = generator->events >= 0, .is_replayable = true, .fd = -1, .retry_ms = generator->rate ? PACE_MS : -1};
}

void generator_release(Generator *generator) { arena_release(&generator->arena); }

bool generator_partitions(Source *source, SourcePartitions *out, int timeout_ms, Error *err)
{
	(void)timeout_ms, (void)err;
	Generator *generator = (Generator *)source;
	for (int p = 0; p < generator->splits; p++) {
		int64_t end = events_of(generator, p);
		vec_push(out, (SourcePartition){p, generator->partitions[p].name, 0, end, 0, end});
	}
	return true;
}

bool generator_assign(Source *source, int partition, const SourceStart *start, Error *err)
{
	Generator *generator = (Generator *)source;
	if (partition < 0 || partition >= generator->splits) return error_set(err, ERR_POSITION_LOST, SPAN_NONE, "the generator has no partition %d", partition);
	GeneratorPartition *p = &generator->partitions[partition];
	p->position = p->pace_position = start->position;
	p->stop = start->stop < events_of(generator, partition) ? start->stop : events_of(generator, partition);
	p->pace_us = clock_monotonic_us();
	p->is_assigned = true;
	return true;
}

void generator_unassign(Source *source, int partition) { ((Generator *)source)->partitions[partition].is_assigned = false; }

bool generator_is_caught_up(const Source *source, int partition)
{
	const Generator *generator = (const Generator *)source;
	const GeneratorPartition *p = &generator->partitions[partition];
	return p->is_assigned && (generator->rate || p->position >= p->stop);       /* at a pace, there is nothing but what is due */
}

int64_t generator_end(const Source *source, int partition)
{
	int64_t end = events_of((const Generator *)source, partition);
	return end == SOURCE_STOP_NEVER ? -1 : end;
}

void generator_status(const Source *source, SourceStatus *out)
{
	const Generator *generator = (const Generator *)source;
	bool ended = true;
	*out = (SourceStatus){.state = SOURCE_READING, .last_error = ERROR_INIT, .partition_count = generator->splits, .lag = generator->events < 0 ? -1 : 0};
	for (int i = 0; i < generator->splits; i++) {
		const GeneratorPartition *p = &generator->partitions[i];
		if (out->lag >= 0 && p->is_assigned && p->stop > p->position) out->lag += p->stop - p->position;
		ended &= p->is_assigned && p->position >= p->stop;
	}
	if (ended) out->state = SOURCE_ENDED;
}

Poll generator_due(Generator *generator, int partition, int max, int64_t *position, int *count)
{
	GeneratorPartition *p = &generator->partitions[partition];
	if (!p->is_assigned) return POLL_NOTHING;
	int64_t left = p->stop - p->position;
	if (left <= 0) return POLL_END;
	if (generator->rate) {
		double seconds = (double)(clock_monotonic_us() - p->pace_us) / 1e6;
		int64_t due = p->pace_position + (int64_t)(seconds * (double)generator->rate / generator->splits) - p->position;
		if (due <= 0) return POLL_NOTHING;
		if (left > due) left = due;
	}
	*position = p->position;
	*count = left < max ? (int)left : max;
	return POLL_SOME;
}
