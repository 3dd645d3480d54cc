#include "base/clock.h"

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_us(void) { return clock_us(CLOCK_REALTIME); }
int64_t clock_monotonic_us(void) { return clock_us(CLOCK_MONOTONIC); }

struct timespec clock_deadline(int64_t from_now_us)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	int64_t ns = t.tv_nsec + from_now_us % 1000000 * 1000;
	t.tv_sec += (time_t)(from_now_us / 1000000 + ns / 1000000000);
	t.tv_nsec = (long)(ns % 1000000000);
	return t;
}
