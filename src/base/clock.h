/* Reading the clock: only run/, connect/ and shell/ may. Operators get time as data. */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_wall_us(void);          /* microseconds since 1970-01-01 UTC */
int64_t clock_monotonic_us(void);
struct timespec clock_deadline(int64_t from_now_us);          /* by the wall clock: what pthread_cond_timedwait and its like ask for; from_now_us >= 0 */

#endif
