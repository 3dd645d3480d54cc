/* x IN (constants): a hash set made once. Up to eight numbers are compared one by one, which is faster. */
#include <stdlib.h>

#include "base/hash.h"
#include "expr/kernels.h"
#include "type/row.h"
#include "type/text.h"

enum { MEMBERS_IN_LINE = 8 };

typedef struct Members {
	PhysKind phys;
	bool has_null;
	int count;
	const Value **values;             /* without NULLs */
	uint32_t *slots;                  /* number of a value + 1; 0: free */
	uint32_t mask;
	int64_t line[MEMBERS_IN_LINE];    /* PHYS_I64, count <= MEMBERS_IN_LINE */
} Members;

static uint64_t hash_of(PhysKind phys, const void *at)
{
	switch (phys) {
	case PHYS_I64: return hash_mix64((uint64_t)*(const int64_t *)at);
	case PHYS_F64: {
		double x = *(const double *)at;
		uint64_t bits;
		x = x == 0 ? 0 : x;
		memcpy(&bits, &x, 8);
		return hash_mix64(bits);
	}
	case PHYS_STR: return hash_bytes(str_at(at), ((const Str *)at)->bytes);
	case PHYS_I128: return hash_combine((uint64_t)*(const Int128 *)at, (uint64_t)(*(const Int128 *)at >> 64));
	case PHYS_INTERVAL: {
		Int128 us = interval_compare_us(*(const Interval *)at);
		return hash_combine((uint64_t)us, (uint64_t)(us >> 64));
	}
	}
	return 0;
}

static bool is_same(PhysKind phys, const void *a, const void *b)
{
	switch (phys) {
	case PHYS_I64: return *(const int64_t *)a == *(const int64_t *)b;
	case PHYS_F64: return *(const double *)a == *(const double *)b;
	case PHYS_STR: return str_equal(a, b);
	case PHYS_I128: return *(const Int128 *)a == *(const Int128 *)b;
	case PHYS_INTERVAL: return interval_compare_us(*(const Interval *)a) == interval_compare_us(*(const Interval *)b);
	}
	return false;
}

static bool members_have(const Members *members, const void *at)
{
	for (uint32_t slot = (uint32_t)hash_of(members->phys, at) & members->mask; members->slots[slot]; slot = (slot + 1) & members->mask)
		if (is_same(members->phys, &members->values[members->slots[slot] - 1]->i64, at)) return true;
	return false;
}

void *prepare_in(const Value *const *constants, int arg_count)
{
	Members *members = mem_new(Members);
	uint32_t room = 16;
	while (room < (uint32_t)arg_count * 2) room *= 2;
	members->mask = room - 1;
	members->slots = mem_zalloc(sizeof *members->slots * room);
	members->values = mem_alloc(sizeof *members->values * (size_t)(arg_count + 1));
	for (int i = 1; i < arg_count; i++) {
		const Value *value = constants[i];
		members->phys = type_phys(value->type);
		if (value->is_null) members->has_null = true;
		else if (!members_have(members, &value->i64)) {
			uint32_t slot = (uint32_t)hash_of(members->phys, &value->i64) & members->mask;
			while (members->slots[slot]) slot = (slot + 1) & members->mask;
			if (members->phys == PHYS_I64 && members->count < MEMBERS_IN_LINE) members->line[members->count] = value->i64;
			members->values[members->count++] = value;
			members->slots[slot] = (uint32_t)members->count;
		}
	}
	return members;
}

void unprepare_in(void *state)
{
	Members *members = state;
	free(members->slots);
	free(members->values);
	free(members);
}

static void find_in_line(KernelCall *call, const Members *members)
{
	const int64_t *x = call->args->i64;
	int64_t *out = call->out->i64;
	memset(out, 0, 8 * (size_t)call->count);
	for (int m = 0; m < members->count; m++) {
		int64_t member = members->line[m];
		for (int i = 0; i < call->count; i++) out[i] |= x[i] == member;
	}
}

void kernel_in(KernelCall *call)
{
	const Members *members = call->state;
	const Column *x = call->args;
	size_t bytes = phys_bytes(type_phys(x->type));
	if (members->count == 0) memset(call->out->i64, 0, 8 * (size_t)call->count);
	else if (members->phys == PHYS_I64 && members->count <= MEMBERS_IN_LINE) find_in_line(call, members);
	else for (int i = 0; i < call->count; i++) call->out->i64[i] = members_have(members, (const char *)x->data + bytes * (size_t)i);
	if (!members->has_null) return;
	for (int i = 0; i < call->count; i++)
		if (!call->out->i64[i]) kernel_null(call, i);
}
