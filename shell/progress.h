/* Progress of long work in words: "building v: 45 %, 1.2 M/s, 12 s left". */
#ifndef WEIR_SHELL_PROGRESS_H
#define WEIR_SHELL_PROGRESS_H

#include "base/strbuf.h"
#include "engine/engine.h"

typedef struct Progress {
	char name[128];
	int64_t done, at_ms;              /* as last seen */
	double per_second;                /* smoothed; 0: not known yet */
} Progress;

/* The rate is that since the last call; the memory is the caller's. */
void progress_print(Progress *progress, const EngineProgress *now, StrBuf *out);

#endif
