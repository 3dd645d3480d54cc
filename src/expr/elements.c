/* CAST of arrays and maps: each element, or value of a map, as another type. That type comes as text ("DECIMAL(10,2)[][]"), so that
 * plans show it and differ by it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/cast.h"
#include "expr/json_text.h"
#include "expr/kernels.h"
#include "type/text.h"

typedef struct ElementType { Type type; int depth; } ElementType;      /* depth 0: no type */

enum { ELEMENT_NAME_BYTES = 64 };

bool element_type_read(const char *at, size_t bytes, Type *type, int *depth)
{
	char name[ELEMENT_NAME_BYTES];
	const char *brackets = memchr(at, '[', bytes);
	size_t length = brackets ? (size_t)(brackets - at) : bytes;
	if (length >= sizeof name) return false;
	memcpy(name, at, length);
	name[length] = '\0';
	*depth = (int)(bytes - length) / 2;
	int precision = -1, scale = -1;
	char *parameters = strchr(name, '(');
	if (parameters) {
		if (sscanf(parameters, "(%d,%d)", &precision, &scale) < 1) return false;
		*parameters = '\0';
	}
	Error ignored = ERROR_INIT;
	return type_from_name(name, precision, scale, (Span){0}, type, &ignored);
}

static ElementType element_type(const Str *name)
{
	ElementType type;
	return element_type_read(str_at(name), name->bytes, &type.type, &type.depth) ? type : (ElementType){0};
}

void *prepare_element_type(const Value *const *constants, int arg_count)
{
	(void)arg_count;
	ElementType *state = mem_zalloc(sizeof *state);
	const Str *name = constant_text(constants, 1);
	if (name) *state = element_type(name);
	return state;
}

void unprepare_element_type(void *state) { free(state); }

typedef struct Casting { Type to; CastRule rule; Arena *arena; StrBuf text, out; } Casting;

/* A number keeps its digits where they are wanted. */
static void number_value(JsonPart part, Type wanted, Value *out)
{
	size_t bytes = json_part_bytes(part);
	bool digits = wanted.kind == TYPE_TEXT || wanted.kind == TYPE_DECIMAL;
	if (!digits && text_to_integer(part.at, bytes, &out->i64)) out->type = TYPE(INTEGER);
	else if (!digits && text_to_real(part.at, bytes, &out->f64)) out->type = TYPE(REAL);
	else *out = (Value){.type = TYPE(TEXT), .str = str_borrow(part.at, bytes)};
}

/* Lives in casting->text. */
static Value scalar_value(Casting *casting, JsonPart part)
{
	Value out = {.type = TYPE(TEXT)};
	strbuf_clear(&casting->text);
	switch (*part.at) {
	case 'n': out.is_null = true; break;
	case 't': case 'f': out = (Value){.type = TYPE(BOOLEAN), .i64 = *part.at == 't'}; break;
	case '"': json_unescape(part, &casting->text); break;
	case '[': case '{':
		out.is_null = casting->to.kind != TYPE_TEXT;
		json_minify(part, &casting->text);
		break;
	default: number_value(part, casting->to, &out); return out;
	}
	if (out.type.kind == TYPE_TEXT) out.str = str_borrow(casting->text.text, casting->text.bytes);
	return out;
}

/* depth: how many dimensions are certain. An array below them is one more, since PostgreSQL's INT[] stands for any number of them. */
static void cast_part(Casting *casting, JsonPart part, int depth)
{
	bool container = *part.at == '[' || *part.at == '{';
	if (depth > 0 || (*part.at == '[' && casting->to.kind != TYPE_TEXT)) {
		if (container) strbuf_addc(&casting->out, *part.at);
		else strbuf_adds(&casting->out, "null");
		bool any = false;
		for (JsonWalk walk = json_walk(part); container && json_walk_next(&walk); any = true) {
			if (any) strbuf_addc(&casting->out, ',');
			if (walk.object) json_minify(walk.key, &casting->out), strbuf_addc(&casting->out, ':');
			cast_part(casting, walk.value, depth - 1);
		}
		if (container) strbuf_addc(&casting->out, *part.at == '[' ? ']' : '}');
		return;
	}
	Value from = scalar_value(casting, part), to;
	value_cast(&from, casting->to, casting->rule, &to, casting->arena);
	json_print_member(&to, &casting->out);
}

/* cast_elements(array, 'INTEGER[]', whether NULL for what is not all of the type) */
void kernel_cast_elements(KernelCall *call)
{
	ElementType wanted = *(const ElementType *)call->state;
	Casting casting = {wanted.type, CAST_EXPLICIT, call->scratch, STRBUF_INIT, STRBUF_INIT};
	for (int i = 0; i < call->count; i++) {
		if (result_is_null(call, i)) continue;
		if (!call->constants[1]) wanted = element_type(&call->args[1].str[i]);
		casting.to = wanted.type;
		JsonPart whole = json_part(str_at(&call->args[0].str[i]), call->args[0].str[i].bytes);
		if (!wanted.depth || (*whole.at != '[' && *whole.at != '{')) {
			kernel_null(call, i);
			continue;
		}
		strbuf_clear(&casting.out);
		casting.rule = column_value(&call->args[2], i).i64 ? CAST_TRY : CAST_EXPLICIT;
		cast_part(&casting, whole, wanted.depth);
		call->out->str[i] = str_copy(call->scratch, casting.out.text, casting.out.bytes);
	}
	strbuf_release(&casting.text);
	strbuf_release(&casting.out);
}
