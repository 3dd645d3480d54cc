/* Days, clock times and timestamps: the proleptic Gregorian calendar, years 1 to 9999, UTC. Printing writes no NUL and
 * returns the length. */
#ifndef WEIR_TYPE_CALENDAR_H
#define WEIR_TYPE_CALENDAR_H

#include "type/batch.h"

#define US_PER_SECOND 1000000ll
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (3600 * US_PER_SECOND)
#define US_PER_DAY    (86400 * US_PER_SECOND)

#define DAYS_MIN      (-719162ll)                       /* 0001-01-01 */
#define DAYS_MAX      2932896ll                         /* 9999-12-31 */
#define TIMESTAMP_MIN (DAYS_MIN * US_PER_DAY)
#define TIMESTAMP_MAX (DAYS_MAX * US_PER_DAY + US_PER_DAY - 1)

enum { DATE_PRINT_BYTES = 16, TIME_PRINT_BYTES = 16, TIMESTAMP_PRINT_BYTES = 32, INTERVAL_PRINT_BYTES = 96 };

typedef struct Civil { int year, month, day; } Civil;             /* month 1-12, day 1-31 */
int64_t days_from_civil(int64_t year, int month, int day);        /* month 1-12; a day beyond the month's end goes on counting */
Civil civil_from_days(int64_t days);
int days_in_month(int64_t year, int month);
static inline bool is_leap_year(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }
static inline int weekday_of(int64_t days) { int r = (int)((days + 4) % 7); return r < 0 ? r + 7 : r; }   /* 0 Sunday */

/* Euclidean: the day of a timestamp and what is left of it, 0 <= rest < US_PER_DAY */
static inline int64_t timestamp_day(int64_t us, int64_t *rest)
{
	int64_t day = us / US_PER_DAY, left = us % US_PER_DAY;
	if (left < 0) { left += US_PER_DAY; day--; }
	*rest = left;
	return day;
}

int date_print(int64_t days, char *out);
int time_print(int64_t us, char *out);
int timestamp_print(int64_t us, char *out);
int interval_print(Interval interval, char *out);

#endif
