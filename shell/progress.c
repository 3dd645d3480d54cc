#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_count(StrBuf *out, double count)
{
	if (count < 1000) strbuf_printf(out, "%.0f", count);
	else if (count < 1e6) strbuf_printf(out, "%.*f K", count < 1e4, count / 1e3);
	else if (count < 1e9) strbuf_printf(out, "%.*f M", count < 1e7, count / 1e6);
	else strbuf_printf(out, "%.1f G", count / 1e9);
}

static void print_rest(StrBuf *out, double seconds)
{
	if (seconds < 100) strbuf_printf(out, ", %.0f s left", seconds);
	else if (seconds < 6000) strbuf_printf(out, ", %.0f min left", seconds / 60);
	else strbuf_printf(out, ", %.1f h left", seconds / 3600);
}

static void learn_rate(Progress *progress, const EngineProgress *now)
{
	int64_t ms = now_ms();
	if (strcmp(progress->name, now->name) != 0) *progress = (Progress){0};
	else if (ms > progress->at_ms && now->done >= progress->done) {
		double rate = (double)(now->done - progress->done) * 1000 / (double)(ms - progress->at_ms);
		progress->per_second = progress->per_second > 0 ? (2 * progress->per_second + rate) / 3 : rate;
	}
	snprintf(progress->name, sizeof progress->name, "%s", now->name);
	progress->done = now->done;
	progress->at_ms = ms;
}

void progress_print(Progress *progress, const EngineProgress *now, StrBuf *out)
{
	learn_rate(progress, now);
	strbuf_printf(out, "%s %s", now->what, now->name);
	if (now->left >= 0) strbuf_printf(out, ": %.0f %%", now->done + now->left > 0 ? 100.0 * (double)now->done / (double)(now->done + now->left) : 100.0);
	if (progress->per_second <= 0) return;
	strbuf_adds(out, now->left >= 0 ? ", " : ": ");
	print_count(out, progress->per_second);
	strbuf_adds(out, now->in_bytes ? "B/s" : "/s");
	if (now->left > 0) print_rest(out, (double)now->left / progress->per_second);
}
