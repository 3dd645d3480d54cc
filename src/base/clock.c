#include "base/clock.h"

#include <time.h>

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_us(void) { return clock_us(CLOCK_REALTIME); }
int64_t clock_monotonic_us(void) { return clock_us(CLOCK_MONOTONIC); }
