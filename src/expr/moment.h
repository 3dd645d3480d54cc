/* A timestamp taken apart, with the calendar of the last day kept: rows of a batch are mostly of one day. */
#ifndef WEIR_EXPR_MOMENT_H
#define WEIR_EXPR_MOMENT_H

#include "type/calendar.h"

typedef struct Moment {
	int64_t day;              /* since 1970-01-01 */
	Civil civil;
	int64_t us;               /* of the day */
} Moment;

/* A Moment begins as zeros. */
static inline void moment_set(Moment *moment, int64_t us)
{
	int64_t day = timestamp_day(us, &moment->us);
	if (day == moment->day && moment->civil.month) return;
	moment->day = day;
	moment->civil = civil_from_days(day);
}

int moment_day_of_year(const Moment *moment);            /* 1..366 */
int moment_iso_week(const Moment *moment, int *year);    /* 1..53; year may be NULL */
static inline int moment_weekday(const Moment *moment) { return weekday_of(moment->day); }                  /* 0 Sunday */
static inline int moment_iso_weekday(const Moment *moment) { int d = weekday_of(moment->day); return d ? d : 7; }   /* 1 Monday */

typedef enum TimeUnit {
	UNIT_NONE, UNIT_MICROSECOND, UNIT_MILLISECOND, UNIT_SECOND, UNIT_MINUTE, UNIT_HOUR, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_QUARTER,
	UNIT_YEAR, UNIT_DECADE, UNIT_CENTURY, UNIT_MILLENNIUM, UNIT_COUNT
} TimeUnit;

TimeUnit time_unit_find(const char *at, size_t bytes);   /* singular, plural and short names in any case; UNIT_NONE: none */
int64_t time_unit_us(TimeUnit unit);                     /* up to a week; 0 above */
int time_unit_months(TimeUnit unit);                     /* a month and above; 0 below */

/* The beginning of the unit in which it lies; weeks begin on Monday. May be before TIMESTAMP_MIN. */
int64_t timestamp_truncate(int64_t us, TimeUnit unit);

#endif
