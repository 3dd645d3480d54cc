/* PRINT 'topic' and PEEK 'topic': looking at records before there is a stream. */
#include "connect/inspect.h"
#include "engine/internal.h"

enum { PEEK_RECORDS = 1000, PRINT_RECORDS = 10, INSPECT_TIMEOUT_MS = 10000 };

static bool sample(Session *session, BoundStatement *bound, SampleFrom from, int records, OptionSet *options, Sample *out, Error *err)
{
	const BoundPrint *print = &bound->print;
	*options = (OptionSet){print->options, print->option_count};
	if (!options_set(&session->arena, options, "connector", "kafka", SPAN_NONE, err) || !options_set(&session->arena, options, "topic", print->topic, SPAN_NONE, err)) return false;
	if (!options_find(options, "brokers"))
		return error_set(err, ERR_UNDEFINED_OBJECT, bound->ast->span, "no brokers to ask for topic \"%s\"", print->topic) || error_hint(err, "SET brokers = 'host:9092' first.");
	OptionSet resolved;
	if (!options_resolve(&session->arena, options, &resolved, err)) return false;
	const char *format_name = options_text(&resolved, "format");
	const Format *format = format_find(format_name ? format_name : "json", SPAN_NONE, err);
	if (!format) return false;
	SourceConfig config = {.name = print->topic, .options = &resolved, .format = format};
	return source_sample(&session->arena, &config, from, records, INSPECT_TIMEOUT_MS, out, err);
}

bool run_print(Session *session, BoundStatement *bound, Error *err)
{
	const BoundPrint *print = &bound->print;
	OptionSet options;
	Sample found = {0};
	int records = print->limit >= 0 && print->limit < 100000 ? (int)print->limit : PRINT_RECORDS;
	if (!sample(session, bound, print->from_beginning ? SAMPLE_FIRST : SAMPLE_LAST, records, &options, &found, err)) return false;
	StrBuf out = STRBUF_INIT;
	sample_print(&found, &out);
	bool ok = table_text(session, "record", out.text, err);
	strbuf_release(&out);
	return ok;
}

bool run_peek(Session *session, BoundStatement *bound, Error *err)
{
	OptionSet options;
	Sample found = {0};
	if (!sample(session, bound, SAMPLE_LAST, PEEK_RECORDS, &options, &found, err)) return false;
	StrBuf out = STRBUF_INIT;
	bool ok = sample_guess(&found, bound->print.topic, &options, &out, err) && table_text(session, "statement", out.text, err);
	strbuf_release(&out);
	return ok;
}
