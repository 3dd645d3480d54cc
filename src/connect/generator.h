/* What the generators share: events counted from 0, divided among partitions, an end, and a pace. Event n belongs to partition
 * n % splits, in which it has position n / splits.
 */
#ifndef WEIR_CONNECT_GENERATOR_H
#define WEIR_CONNECT_GENERATOR_H

#include "connect/connector.h"

enum { GENERATOR_SPLITS_MAX = 1024 };

typedef struct GeneratorPartition {
	char name[16];
	_Atomic int64_t position;
	int64_t stop;
	int64_t pace_us, pace_position;       /* at this time of the monotonic clock that position was due */
	bool is_assigned;
} GeneratorPartition;

typedef struct Generator {
	Source base;                          /* first */
	Arena arena;
	int64_t events;                       /* all partitions; -1: without end */
	int64_t rate;                         /* per second, all partitions; 0: as fast as they are read */
	int splits;
	GeneratorPartition *partitions;
} Generator;

/* Reads events, rate and splits; `class` calls the functions below. */
void generator_init(Generator *generator, const SourceClass *class, const OptionSet *options, int64_t rate_default);
void generator_release(Generator *generator);

bool generator_partitions(Source *source, SourcePartitions *out, int timeout_ms, Error *err);
bool generator_assign(Source *source, int partition, const SourceStart *start, Error *err);
void generator_unassign(Source *source, int partition);
bool generator_is_caught_up(const Source *source, int partition);
void generator_status(const Source *source, SourceStatus *out);
int64_t generator_end(const Source *source, int partition);

/* How many events of a partition may be made now, at most max: POLL_SOME and *count > 0, POLL_NOTHING or POLL_END. */
Poll generator_due(Generator *generator, int partition, int max, int64_t *position, int *count);

#endif
