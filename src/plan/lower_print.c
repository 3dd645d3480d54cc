/* EXPLAIN PHYSICAL: one operator a line, in the order of the graph. */
#include "plan/lower.h"

static void print_inputs(const LoweredNote *note, StrBuf *out)
{
	if (!note->input_count) return;
	strbuf_adds(out, " from");
	for (int i = 0; i < note->input_count; i++) strbuf_printf(out, "%s %d", i ? "," : "", note->inputs[i]->id);
}

static void print_edge(const Op *op, const LoweredNote *note, StrBuf *out)
{
	strbuf_adds(out, op->append_only ? "; append-only" : "; updating");
	for (int i = 0; i < op->rule_count; i++)
		strbuf_printf(out, "%s%d", i ? ", " : "; watermark on ", note->watermarks[i].column);
}

void lowered_print(const Lowered *lowered, StrBuf *out)
{
	for (int i = 0; i < lowered->notes.count; i++) {
		const LoweredNote *note = &lowered->notes.at[i];
		strbuf_printf(out, "%s%d %s", note->in_step ? "  " : "", note->op->id, note->op->class->name);
		if (*note->text) strbuf_printf(out, " %s", note->text);
		print_inputs(note, out);
		print_edge(note->op, note, out);
		if (note->stateful) strbuf_printf(out, "; state %s: %s", note->bounded ? "bounded" : "unbounded", note->bound);
		strbuf_addc(out, '\n');
	}
}
