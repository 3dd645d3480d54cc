/* The rules, in their order. */
#include "plan/rules.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

static int find_rule(const char *name, size_t bytes)
{
	for (int i = 0; i < RULE_COUNT; i++)
		if (strlen(RULES[i].name) == bytes && strncasecmp(RULES[i].name, name, bytes) == 0) return i;
	return -1;
}

static bool no_rule(const char *name, size_t bytes, Error *err)
{
	StrBuf known = STRBUF_INIT;
	for (int i = 0; i < RULE_COUNT; i++)
		if (RULES[i].need == RULE_OPTIONAL) strbuf_printf(&known, "%s%s", known.bytes ? ", " : "", RULES[i].name);
	error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "there is no rule \"%.*s\"", (int)bytes, name);
	error_hint(err, "Rules that can be switched off are %s.", known.text);
	strbuf_release(&known);
	return false;
}

bool plan_rules_off(const char *names, uint64_t *off, Error *err)
{
	*off = 0;
	for (const char *at = names; *(at += strspn(at, ", ")); at += strcspn(at, ", ")) {
		size_t bytes = strcspn(at, ", ");
		int rule = find_rule(at, bytes);
		if (rule < 0) return no_rule(at, bytes, err);
		if (RULES[rule].need == RULE_REQUIRED) return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "rule \"%s\" cannot be switched off", RULES[rule].name);
		*off |= UINT64_C(1) << rule;
	}
	return true;
}

const char *plan_rules_names(uint64_t off, char *text, size_t bytes)
{
	size_t used = 0;
	*text = 0;
	for (int i = 0; i < RULE_COUNT && used < bytes; i++)
		if (off >> i & 1) used += (size_t)snprintf(text + used, bytes - used, "%s%s", used ? "," : "", RULES[i].name);
	return text;
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
