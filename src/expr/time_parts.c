/* Parts of times, and times cut to a unit: year(), extract, date_trunc, date_bin, floor and ceil TO, with a zone where days
 * are not those of UTC. */
#include <stdlib.h>
#include <strings.h>

#include "expr/kernels.h"
#include "expr/moment.h"
#include "type/text.h"
#include "type/zone.h"

/* ---- units ---- */

static const struct { const char *names; int64_t us; int months; } UNITS[UNIT_COUNT] = {
	[UNIT_NONE] = {"", 0, 0},
	[UNIT_MICROSECOND] = {" microsecond microseconds us usec ", 1, 0},
	[UNIT_MILLISECOND] = {" millisecond milliseconds ms msec ", 1000, 0},
	[UNIT_SECOND] = {" second seconds s sec sql_tsi_second ", US_PER_SECOND, 0},
	[UNIT_MINUTE] = {" minute minutes m min mi sql_tsi_minute ", US_PER_MINUTE, 0},
	[UNIT_HOUR] = {" hour hours h hr sql_tsi_hour ", US_PER_HOUR, 0},
	[UNIT_DAY] = {" day days d dd sql_tsi_day ", US_PER_DAY, 0},
	[UNIT_WEEK] = {" week weeks w wk sql_tsi_week ", 7 * US_PER_DAY, 0},
	[UNIT_MONTH] = {" month months mon mons mm sql_tsi_month ", 0, 1},
	[UNIT_QUARTER] = {" quarter quarters qtr sql_tsi_quarter ", 0, 3},
	[UNIT_YEAR] = {" year years y yr yyyy sql_tsi_year ", 0, 12},
	[UNIT_DECADE] = {" decade decades ", 0, 120},
	[UNIT_CENTURY] = {" century centuries ", 0, 1200},
	[UNIT_MILLENNIUM] = {" millennium millennia millenniums ", 0, 12000},
};

TimeUnit time_unit_find(const char *at, size_t bytes)
{
	char word[32];
	if (bytes == 0 || bytes > sizeof word - 3) return UNIT_NONE;
	word[0] = ' ';
	for (size_t i = 0; i < bytes; i++) word[i + 1] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] | 0x20 : at[i]);
	word[bytes + 1] = ' ';
	word[bytes + 2] = 0;
	if (memchr(word + 1, ' ', bytes)) return UNIT_NONE;
	for (int unit = 1; unit < UNIT_COUNT; unit++)
		if (strstr(UNITS[unit].names, word)) return (TimeUnit)unit;
	return UNIT_NONE;
}

int64_t time_unit_us(TimeUnit unit) { return UNITS[unit].us; }
int time_unit_months(TimeUnit unit) { return UNITS[unit].months; }

/* ---- the calendar of a day ---- */

int moment_day_of_year(const Moment *moment) { return (int)(moment->day - days_from_civil(moment->civil.year, 1, 1)) + 1; }

/* The week belongs to the year of its Thursday. */
int moment_iso_week(const Moment *moment, int *year)
{
	int64_t thursday = moment->day - moment_iso_weekday(moment) + 4;
	int of_year = civil_from_days(thursday).year;
	if (year) *year = of_year;
	return (int)((thursday - days_from_civil(of_year, 1, 1)) / 7) + 1;
}

static int64_t floor_to(int64_t x, int64_t unit)
{
	int64_t rest = x % unit;
	return x - (rest < 0 ? rest + unit : rest);
}

/* Years of a century begin with 1 (2001, not 2000), those of a decade with 0, as PostgreSQL */
static int first_year(int year, TimeUnit unit)
{
	switch (unit) {
	case UNIT_DECADE: return year / 10 * 10;
	case UNIT_CENTURY: return (year - 1) / 100 * 100 + 1;
	case UNIT_MILLENNIUM: return (year - 1) / 1000 * 1000 + 1;
	default: return year;
	}
}

int64_t timestamp_truncate(int64_t us, TimeUnit unit)
{
	Moment moment = {0};
	if (unit == UNIT_NONE) return us;
	if (unit == UNIT_WEEK) return floor_to(us - 4 * US_PER_DAY, 7 * US_PER_DAY) + 4 * US_PER_DAY;         /* 1970-01-05 was a Monday */
	if (unit < UNIT_WEEK) return floor_to(us, UNITS[unit].us);
	moment_set(&moment, us);
	int month = unit == UNIT_MONTH ? moment.civil.month : unit == UNIT_QUARTER ? (moment.civil.month - 1) / 3 * 3 + 1 : 1;
	return days_from_civil(first_year(moment.civil.year, unit), month, 1) * US_PER_DAY;
}

/* ---- parts of timestamps and of times of day, which are timestamps of day 0 ---- */

#define PART(name, expression) \
	void kernel_##name(KernelCall *call) \
	{ \
		Moment m = {0}; \
		for (int i = 0; i < call->count; i++) { \
			moment_set(&m, call->args->i64[i]); \
			call->out->i64[i] = expression; \
		} \
	}

static int iso_year(const Moment *m) { int year; moment_iso_week(m, &year); return year; }

PART(year, m.civil.year)
PART(isoyear, iso_year(&m))
PART(quarter, (m.civil.month - 1) / 3 + 1)
PART(month, m.civil.month)
PART(week, moment_iso_week(&m, NULL))
PART(day, m.civil.day)
PART(dayofyear, moment_day_of_year(&m))
PART(dayofweek, moment_weekday(&m) + 1)
PART(dow, moment_weekday(&m))
PART(isodow, moment_iso_weekday(&m))
PART(hour, m.us / US_PER_HOUR)
PART(minute, m.us / US_PER_MINUTE % 60)
PART(second, m.us / US_PER_SECOND % 60)
PART(millisecond, m.us % US_PER_MINUTE / 1000)
PART(microsecond, m.us % US_PER_MINUTE)
PART(decade, m.civil.year / 10)
PART(century, (m.civil.year + 99) / 100)
PART(millennium, (m.civil.year + 999) / 1000)

void kernel_extract_second(KernelCall *call)
{
	Moment m = {0};
	for (int i = 0; i < call->count; i++) {
		moment_set(&m, call->args->i64[i]);
		call->out->f64[i] = (double)(m.us % US_PER_MINUTE) / US_PER_SECOND;
	}
}

void kernel_epoch(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->f64[i] = (double)call->args->i64[i] / US_PER_SECOND;
}

void kernel_epoch_ms(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->i64[i] = floor_to(call->args->i64[i], 1000) / 1000;
}

void kernel_julian(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->f64[i] = (double)call->args->i64[i] / US_PER_DAY + 2440588;
}

void kernel_zero_part(KernelCall *call)
{
	memset(call->out->i64, 0, 8 * (size_t)call->count);
}

/* ---- parts of intervals: fields as they stand ---- */

#define INTERVAL_PART(name, member, expression) \
	void kernel_interval_##name(KernelCall *call) \
	{ \
		for (int i = 0; i < call->count; i++) { \
			Interval x = call->args->interval[i]; \
			call->out->member[i] = expression; \
		} \
	}

INTERVAL_PART(year, i64, x.months / 12)
INTERVAL_PART(month, i64, x.months % 12)
INTERVAL_PART(day, i64, x.days)
INTERVAL_PART(hour, i64, x.us / US_PER_HOUR)
INTERVAL_PART(minute, i64, x.us / US_PER_MINUTE % 60)
INTERVAL_PART(whole_second, i64, x.us / US_PER_SECOND % 60)
INTERVAL_PART(second, f64, (double)(x.us % US_PER_MINUTE) / US_PER_SECOND)
INTERVAL_PART(millisecond, i64, x.us % US_PER_MINUTE / 1000)
INTERVAL_PART(microsecond, i64, x.us % US_PER_MINUTE)
/* PostgreSQL: a year has 365.25 days here, a month 30 */
INTERVAL_PART(epoch, f64, ((x.months / 12) * 365.25 + x.months % 12 * 30 + x.days) * 86400 + (double)x.us / US_PER_SECOND)

/* ---- cutting to a unit ---- */

typedef struct Cut {
	TimeUnit unit;            /* UNIT_NONE: read from each row */
	Zone *zone;               /* NULL: UTC, or read from each row */
	char zone_name[64];       /* of `zone` where it varies */
	size_t zone_bytes;
} Cut;

static TimeUnit unit_of(const Str *s) { return s ? time_unit_find(str_at(s), s->bytes) : UNIT_NONE; }

static void *prepare_cut(const Value *const *constants, int unit_arg, int zone_arg)
{
	Cut *cut = mem_new(Cut);
	cut->unit = unit_of(constant_text(constants, unit_arg));
	const Str *zone = zone_arg >= 0 ? constant_text(constants, zone_arg) : NULL;
	if (zone) cut->zone = zone_load(str_at(zone), zone->bytes);
	return cut;
}

static void unprepare_cut(void *state)
{
	Cut *cut = state;
	zone_free(cut->zone);
	free(cut);
}

void *prepare_date_trunc(const Value *const *constants, int arg_count) { return prepare_cut(constants, 0, arg_count > 2 ? 2 : -1); }
void unprepare_date_trunc(void *state) { unprepare_cut(state); }
void *prepare_floor_to(const Value *const *constants, int arg_count) { (void)arg_count; return prepare_cut(constants, 1, -1); }
void unprepare_floor_to(void *state) { unprepare_cut(state); }

/* The zone of a row, loaded again only where its name changes; NULL: there is none of this name */
static Zone *zone_of(Cut *cut, const Str *name)
{
	if (name->bytes == cut->zone_bytes && memcmp(cut->zone_name, str_at(name), name->bytes) == 0) return cut->zone;
	zone_free(cut->zone);
	cut->zone = zone_load(str_at(name), name->bytes);
	cut->zone_bytes = cut->zone ? name->bytes : 0;
	if (cut->zone) memcpy(cut->zone_name, str_at(name), name->bytes);
	return cut->zone;
}

static bool in_range(int64_t us) { return us >= TIMESTAMP_MIN && us <= TIMESTAMP_MAX; }

/* Days and more begin when the zone says. Hours and less keep the offset of the moment: local 01:40 comes twice in the night in which clocks
 * are set back, and the hour of the second is the second one. */
static int64_t truncate_in_zone(Zone *zone, int64_t us, TimeUnit unit)
{
	int64_t local = zone_to_local(zone, us), offset = local - us;
	return unit < UNIT_DAY ? timestamp_truncate(local, unit) - offset : zone_to_utc(zone, timestamp_truncate(local, unit));
}

void kernel_date_trunc(KernelCall *call)
{
	Cut *cut = call->state;
	bool with_zone = call->arg_count > 2, zone_varies = with_zone && !call->constants[2];
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		TimeUnit unit = cut->unit ? cut->unit : unit_of(&call->args[0].str[i]);
		int64_t us = call->args[1].i64[i];
		Zone *zone = zone_varies ? zone_of(cut, &call->args[2].str[i]) : cut->zone;
		if (!unit || (with_zone && !zone)) {
			kernel_null(call, i);
			continue;
		}
		us = zone ? truncate_in_zone(zone, us, unit) : timestamp_truncate(us, unit);
		call->out->i64[i] = us;
		if (!in_range(us)) kernel_null(call, i);
	}
}

/* Calcite's weeks begin on Sunday. */
static int64_t floor_week(int64_t us) { return timestamp_truncate(us + US_PER_DAY, UNIT_WEEK) - US_PER_DAY; }

static void floor_or_ceil(KernelCall *call, bool up)
{
	Cut *cut = call->state;
	for (int i = 0; i < call->count; i++) {
		TimeUnit unit = cut->unit ? cut->unit : unit_of(&call->args[1].str[i]);
		int64_t us = call->args[0].i64[i], down = unit == UNIT_WEEK ? floor_week(us) : timestamp_truncate(us, unit);
		Interval step = {.months = time_unit_months(unit), .us = time_unit_us(unit)};
		call->out->i64[i] = down;
		if (!unit || (up && down != us && !timestamp_add_interval(down, step, 1, &call->out->i64[i])) || !in_range(call->out->i64[i])) kernel_null(call, i);
	}
}

void kernel_floor_to(KernelCall *call) { floor_or_ceil(call, false); }
void kernel_ceil_to(KernelCall *call) { floor_or_ceil(call, true); }

/* date_bin(stride, time [, origin]); strides with months have no length */
void kernel_date_bin(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) {
		int64_t stride, us = call->args[1].i64[i], origin = call->arg_count > 2 ? call->args[2].i64[i] : 0;
		if (!interval_to_us(call->args[0].interval[i], &stride) || stride <= 0) kernel_null(call, i);
		else {
			call->out->i64[i] = origin + floor_to(us - origin, stride);
			if (!in_range(call->out->i64[i])) kernel_null(call, i);
		}
	}
}

/* ---- zones ---- */

void *prepare_zone(const Value *const *constants, int arg_count) { (void)arg_count; return prepare_cut(constants, 1, 1); }
void unprepare_zone(void *state) { unprepare_cut(state); }

static void shift(KernelCall *call, int64_t (*convert)(Zone *zone, int64_t us))
{
	Cut *cut = call->state;
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		Zone *zone = call->constants[1] ? cut->zone : zone_of(cut, &call->args[1].str[i]);
		if (zone) call->out->i64[i] = convert(zone, call->args[0].i64[i]);
		if (!zone || !in_range(call->out->i64[i])) kernel_null(call, i);
	}
}

void kernel_at_time_zone(KernelCall *call) { shift(call, zone_to_local); }
void kernel_from_time_zone(KernelCall *call) { shift(call, zone_to_utc); }

/* ---- arithmetic with units ---- */

void *prepare_unit(const Value *const *constants, int arg_count) { (void)arg_count; return prepare_cut(constants, 0, -1); }
void unprepare_unit(void *state) { unprepare_cut(state); }

void kernel_timestampadd(KernelCall *call)
{
	Cut *cut = call->state;
	for (int i = 0; i < call->count; i++) {
		TimeUnit unit = cut->unit ? cut->unit : unit_of(&call->args[0].str[i]);
		int64_t n = call->args[1].i64[i], us = 0;
		int months = 0;
		bool ok = unit && !__builtin_mul_overflow(n, time_unit_months(unit), &months) && !__builtin_mul_overflow(n, time_unit_us(unit), &us);
		if (!ok || !timestamp_add_interval(call->args[2].i64[i], (Interval){.months = months, .us = us}, 1, &call->out->i64[i])) kernel_null(call, i);
	}
}

/* Whole months from a to b: one less where b has not come as far in its month */
static int64_t months_between(int64_t a, int64_t b)
{
	if (b < a) return -months_between(b, a);
	Moment from = {0}, to = {0};
	moment_set(&from, a);
	moment_set(&to, b);
	int64_t months = (int64_t)(to.civil.year - from.civil.year) * 12 + to.civil.month - from.civil.month;
	bool earlier = to.civil.day < from.civil.day || (to.civil.day == from.civil.day && to.us < from.us);
	return months - earlier;
}

void kernel_timestampdiff(KernelCall *call)
{
	Cut *cut = call->state;
	for (int i = 0; i < call->count; i++) {
		TimeUnit unit = cut->unit ? cut->unit : unit_of(&call->args[0].str[i]);
		int64_t a = call->args[1].i64[i], b = call->args[2].i64[i];
		if (!unit) kernel_null(call, i);
		else if (unit >= UNIT_MONTH) call->out->i64[i] = months_between(a, b) / time_unit_months(unit);
		else call->out->i64[i] = (b - a) / time_unit_us(unit);
	}
}

/* age(a, b): b to a in years, months, days and the rest, as PostgreSQL counts them: back from a */
static Interval age_of(int64_t a, int64_t b)
{
	if (a < b) {
		Interval age = age_of(b, a);
		return (Interval){-age.months, -age.days, -age.us};
	}
	Moment from = {0}, to = {0};
	moment_set(&from, b);
	moment_set(&to, a);
	int months = (to.civil.year - from.civil.year) * 12 + to.civil.month - from.civil.month;
	int days = to.civil.day - from.civil.day;
	int64_t us = to.us - from.us;
	if (us < 0) us += US_PER_DAY, days--;
	if (days < 0) days += days_in_month(from.civil.year, from.civil.month), months--;
	return (Interval){.months = months, .days = days, .us = us};
}

void kernel_age(KernelCall *call)
{
	for (int i = 0; i < call->count; i++) call->out->interval[i] = age_of(call->args[0].i64[i], call->args[1].i64[i]);
}
