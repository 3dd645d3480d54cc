/* The table itself, and finding names in it. */
#include "expr/function.h"

#include <strings.h>

#include "base/nearest.h"
#include "expr/aggregate.h"
#include "expr/kernels.h"

enum {
	LOOSE = 0, STRICT = FUNCTION_STRICT, VOLATILE = FUNCTION_VOLATILE, CLOCK = FUNCTION_CLOCK, NEVER_NULL = FUNCTION_NEVER_NULL,
	MAY_NULL = FUNCTION_MAY_NULL, PROCTIME = FUNCTION_PROCTIME, ALL_NULL = FUNCTION_ALL_NULL, PREPARED_TAIL = FUNCTION_PREPARED_TAIL,
	OPERATOR = FUNCTION_OPERATOR,
};

#define FUNCTION(n, s, r, k, p, f, c, d, e, er) { \
	.name = n, .signature = s, .result = result_##r, .kernel = kernel_##k, .prepare = prepare_##p, .unprepare = unprepare_##p, \
	.flags = f, .category = c, .description = d, .example = e, .example_result = er},
const Function FUNCTIONS[] = {
#include "expr/functions.def"
};
#undef FUNCTION
const int FUNCTION_COUNT = sizeof FUNCTIONS / sizeof *FUNCTIONS;

static const struct { const char *name, *function; } ALIASES[] = {
#define ALIAS(name, function) {name, function},
#include "expr/aliases.def"
#undef ALIAS
};
enum { ALIAS_COUNT = sizeof ALIASES / sizeof *ALIASES };

static const Function *find_exact(const char *name)
{
	for (int i = 0; i < FUNCTION_COUNT; i++)
		if (strcasecmp(FUNCTIONS[i].name, name) == 0) return &FUNCTIONS[i];
	return NULL;
}

const Function *function_find(const char *name)
{
	const Function *found = find_exact(name);
	for (int i = 0; i < ALIAS_COUNT && !found; i++)
		if (strcasecmp(ALIASES[i].name, name) == 0) found = find_exact(ALIASES[i].function);
	return found;
}

static const char *const WINDOW_FUNCTIONS[] = {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "nth_value"};
enum { WINDOW_FUNCTION_COUNT = sizeof WINDOW_FUNCTIONS / sizeof *WINDOW_FUNCTIONS };

bool function_is_aggregate(const char *name) { return aggregate_find(name) != NULL; }

bool function_is_window_only(const char *name)
{
	for (int i = 0; i < WINDOW_FUNCTION_COUNT; i++)
		if (strcasecmp(name, WINDOW_FUNCTIONS[i]) == 0) return true;
	return false;
}

const char *function_nearest(const char *name)
{
	Nearest nearest;
	nearest_init(&nearest, name);
	for (int i = 0; i < FUNCTION_COUNT; i++)
		if (!(FUNCTIONS[i].flags & FUNCTION_OPERATOR)) nearest_offer(&nearest, FUNCTIONS[i].name);
	for (int i = 0; i < ALIAS_COUNT; i++) nearest_offer(&nearest, ALIASES[i].name);
	for (int i = 0; aggregate_name(i); i++) nearest_offer(&nearest, aggregate_name(i));
	for (int i = 0; i < WINDOW_FUNCTION_COUNT; i++) nearest_offer(&nearest, WINDOW_FUNCTIONS[i]);
	return nearest.best;
}

/* ---- result types ---- */

#define RESULT(name, kind) Type result_##name(const Type *args, int arg_count) { (void)args; (void)arg_count; return TYPE(kind); }
RESULT(boolean, BOOLEAN)
RESULT(integer, INTEGER)
RESULT(real, REAL)
RESULT(text, TEXT)
RESULT(blob, BLOB)
RESULT(json, JSON)
RESULT(date, DATE)
RESULT(time, TIME)
RESULT(timestamp, TIMESTAMP)
RESULT(interval, INTERVAL)

Type result_first(const Type *args, int arg_count) { return arg_count ? args[0] : TYPE(NULL); }

void *prepare_none(const Value *const *constants, int arg_count)
{
	(void)constants;
	(void)arg_count;
	return NULL;
}

void unprepare_none(void *state) { (void)state; }
