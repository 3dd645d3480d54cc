/* The rules, in their order. */
#include "plan/rules.h"

#include <assert.h>

const Rule RULES[] = {
#define RULE(name, function, since, need, meaning) {name, function, since, need, meaning},
#include "plan/rules.def"
#undef RULE
};
const int RULE_COUNT = sizeof RULES / sizeof *RULES;

static bool is_applied(const PlanContext *context, int rule)
{
	if (RULES[rule].need == RULE_REQUIRED) return true;
	if (context->rules_version && RULES[rule].since > context->rules_version) return false;
	return !(context->rules_off >> rule & 1);
}

Plan *plan_optimize(PlanContext *context, Plan *plan, Error *err)
{
	assert(RULE_COUNT <= 64);
	plan_verify(plan);
	for (int i = 0; i < RULE_COUNT; i++) {
		assert(RULES[i].since <= PLAN_RULES_VERSION);
		if (!is_applied(context, i)) continue;
		plan = RULES[i].function(context, plan, err);
		if (!plan) return NULL;
		plan_verify(plan);
	}
	plan_derive(context, plan);
	return plan;
}

void plan_warn(PlanContext *context, const char *format, ...)
{
	StrBuf text = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	bool known = false;
	for (int i = 0; i < context->warnings.count; i++) known |= strcmp(context->warnings.at[i], text.text) == 0;
	if (!known) vec_push_in(context->arena, &context->warnings, arena_strdup(context->arena, text.text));
	strbuf_release(&text);
}
