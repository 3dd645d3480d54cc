/* Time zones from the system's tz database (TZif files, RFC 8536). libc's functions are of no use here: they know one zone
 * for the whole process.
 *
 *     Zone *zone = zone_load("Europe/Berlin", 13);       // NULL: no such zone
 *     int64_t local_us = zone_to_local(zone, utc_us);
 *     zone_free(zone);
 *
 * A Zone remembers the last stretch of constant offset that it was asked for: one thread at a time.
 */
#ifndef WEIR_TYPE_ZONE_H
#define WEIR_TYPE_ZONE_H

#include <stddef.h>
#include <stdint.h>

typedef struct Zone Zone;

/* A name of the database, UTC, Z, or a fixed offset (+02:00, -0530, +2) */
Zone *zone_load(const char *name, size_t bytes);
void zone_free(Zone *zone);

/* Both in microseconds. A local time that comes twice is the first of both; one that is left out is read with the offset
 * before the gap (as java.time and Python with fold = 0). */
int64_t zone_to_local(Zone *zone, int64_t utc_us);
int64_t zone_to_utc(Zone *zone, int64_t local_us);
/* From the first instant at which the clock shows local_us or later; until the last one at which it shows something earlier. Pieces of local time go from
 * one to the other: what the clock shows twice belongs to the same piece both times, what it leaves out makes them shorter. */
int64_t zone_begins(Zone *zone, int64_t local_us);
int64_t zone_ends(Zone *zone, int64_t local_us);

#endif
