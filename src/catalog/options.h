/* Options: what stands in WITH (...) of streams, tables, views and sinks. One row of options.def each.
 *
 * A row gives the canonical name, the names that Flink, RisingWave and ksqlDB have for it, how its value is checked, which
 * connectors take it, whether it is secret, whether it changes answers, its default and its line of documentation.
 *
 *     OptionSet set;
 *     if (!options_bind(arena, given, count, OPTIONS_OF_RELATION, &set, notice, context, err)) ...   // CREATE: names and values are right
 *     const char *topic = options_text(&set, "topic");                    // canonical names only
 *     OptionSet real;
 *     if (!options_resolve(arena, &set, &real, err)) ...                  // when opening: ${env:X}, ${file:/path} filled in
 *
 * An OptionSet is plain data in the caller's arena. What it holds is what may be stored and shown: references stand in it as
 * they were written. What options_resolve gives holds secrets: never store, log or print it.
 */
#ifndef WEIR_CATALOG_OPTIONS_H
#define WEIR_CATALOG_OPTIONS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"

typedef enum OptionKind {
	OPTION_TEXT,
	OPTION_WORD,          /* one of `check`: "a=synonym,synonym|b"; ignoring case */
	OPTION_BOOLEAN,       /* true/false, stored so */
	OPTION_INTEGER,       /* `check`: "least..most" */
	OPTION_REAL,
	OPTION_BYTES,         /* 1048576, 64 MiB, 1MB */
	OPTION_DURATION,      /* '5 seconds', 5s, 100ms, PT5S; a bare number is milliseconds */
	OPTION_START,         /* one of `check`, or a timestamp */
	OPTION_OFFSETS,       /* partition:0,offset:42;partition:1,offset:300 */
	OPTION_TIMESTAMP,     /* ISO text, or milliseconds since 1970 */
	OPTION_CHARACTER,     /* one character, or its name: tab, comma, pipe, space, semicolon */
	OPTION_TOPIC,         /* a legal Kafka topic name */
	OPTION_PATH,          /* file:// in front is cut off */
	OPTION_CONNECTOR,     /* a name or synonym of connectors.def */
	OPTION_FORMAT,        /* a name or synonym of formats.def */
	OPTION_PASSED_OVER,   /* known from another system, without meaning here: a notice */
	OPTION_QUIET,         /* the same without notice: it says what holds anyway */
} OptionKind;

enum {                                        /* who takes an option */
	OPTION_FOR_KAFKA = 1 << 0, OPTION_FOR_FILE = 1 << 1, OPTION_FOR_STDIN = 1 << 2, OPTION_FOR_NEXMARK = 1 << 3,
	OPTION_FOR_DATAGEN = 1 << 4, OPTION_FOR_BLACKHOLE = 1 << 5, OPTION_FOR_LOCAL = 1 << 6,      /* no connector */
	OPTION_FOR_VIEW = 1 << 7, OPTION_FOR_SINK = 1 << 8,           /* SINK: only when written to */
	OPTION_FOR_SOURCE = 1 << 9,                                   /* SOURCE: only when read from */
};

enum { OPTION_SECRET = 1, OPTION_CHANGES_ANSWER = 2, OPTION_LIBRDKAFKA = 4 /* handed to librdkafka under its canonical name */ };

typedef struct OptionSpec {
	const char *name;             /* may hold one "*": fields.*.kind */
	const char *synonyms;         /* "a b c" */
	OptionKind kind;
	const char *check;
	unsigned takers;              /* OPTION_FOR_* */
	unsigned flags;
	const char *fallback;         /* default as text; NULL: none */
	const char *doc;
} OptionSpec;

extern const OptionSpec OPTIONS[];
extern const int OPTION_COUNT;

typedef struct OptionText { const char *name, *value; Span name_span, value_span; } OptionText;   /* as the parser has it */

typedef struct Option {
	const char *name;             /* canonical, "*" filled in */
	const char *value;            /* canonical spelling where it holds no reference */
	Span span;                    /* of the value */
} Option;

typedef struct OptionSet { Option *at; int count; } OptionSet;        /* of a Relation: {relation->options, relation->option_count} */

const OptionSpec *option_spec(const char *name);                      /* canonical name or synonym; NULL: unknown */

/* What a connector is, as far as definitions need to know (connectors.def). */
typedef struct ConnectorInfo {
	const char *name, *synonyms;
	unsigned bit;                 /* OPTION_FOR_... */
	bool reads, writes;
	const char *needs;            /* options that must be given */
	const char *doc;
} ConnectorInfo;
extern const ConnectorInfo CONNECTOR_INFOS[];
extern const int CONNECTOR_INFO_COUNT;
const ConnectorInfo *connector_info(const char *name);                /* name or synonym, ignoring case; NULL: unknown */

typedef enum OptionsOf { OPTIONS_OF_RELATION, OPTIONS_OF_SINK, OPTIONS_OF_VIEW } OptionsOf;

/* Called once for each thing worth saying (an option that is passed over, a deprecated meaning). */
typedef void OptionNotice(void *context, const char *text);

/* Names to canonical ones, values checked, contradictions refused. Errors: ERR_UNDEFINED_OBJECT `unknown option "topc"`, hint
 * `Did you mean "topic"?`; likewise for connectors and formats; ERR_INVALID_PARAMETER; ERR_PLAINTEXT_SECRET;
 * ERR_INVALID_DEFINITION where a needed option is missing. Neither opens nor resolves anything. */
bool options_bind(Arena *arena, const OptionText *given, int count, OptionsOf of, OptionSet *out,
	OptionNotice *notice, void *context, Error *err);

/* Reads stored canonical options (name, value) back without checks of completeness: the catalog's way in. */
bool options_load(Arena *arena, const OptionText *stored, int count, OptionSet *out, Error *err);

/* The same set with every ${env:X} and ${file:path} filled in and checked; errors name option and reference, never content.
 * A reference that cannot be read: ERR_INVALID_PARAMETER, retryable. */
bool options_resolve(Arena *arena, const OptionSet *set, OptionSet *out, Error *err);
bool option_has_reference(const char *value);

/* Values; what is not given has the default of its row. The set must be bound (and resolved, where references may stand). */
const Option *options_find(const OptionSet *set, const char *name);       /* NULL: not given */
const char *options_text(const OptionSet *set, const char *name);         /* NULL: not given and no default */
int64_t options_integer(const OptionSet *set, const char *name);          /* INTEGER, BYTES; DURATION: microseconds */
double options_real(const OptionSet *set, const char *name);
bool options_boolean(const OptionSet *set, const char *name);

/* Values as options take them, for settings: 1048576, 64MiB; '5 seconds', 5s, PT5S, a bare number of milliseconds. */
bool option_read_bytes(const char *value, int64_t *out);
bool option_read_duration(const char *value, int64_t *us);

/* Adds or replaces an option by its canonical name: ALTER ... SET, SET brokers. value NULL takes it away. */
bool options_set(Arena *arena, OptionSet *set, const char *name, const char *value, Span span, Error *err);

/* "connector = 'kafka', topic = 't'", sorted by name; only_answers: without those that change no answer. */
enum OptionsPrint { OPTIONS_PRINT_ALL, OPTIONS_PRINT_ANSWERS };
void options_print(const OptionSet *set, enum OptionsPrint which, StrBuf *out);

/* Where reading begins and ends: `start`, `stop` and their companions in one. */
typedef enum StartKind { START_EARLIEST, START_LATEST, START_TIMESTAMP, START_OFFSETS } StartKind;
typedef enum StopKind { STOP_NEVER, STOP_LATEST, STOP_TIMESTAMP, STOP_OFFSETS } StopKind;
typedef struct PartitionOffset { int partition; int64_t offset; } PartitionOffset;
typedef struct Extent {
	StartKind start; int64_t start_us; PartitionOffset *start_offsets; int start_offset_count;
	StopKind stop; int64_t stop_us; PartitionOffset *stop_offsets; int stop_offset_count;
} Extent;
bool options_extent(Arena *arena, const OptionSet *set, Extent *out, Error *err);

#endif
