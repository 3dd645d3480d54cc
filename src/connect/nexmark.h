/* Values of the Nexmark benchmark's events, after the generator of github.com/nexmark/nexmark (GeneratorConfig and the model beside
 * it): of 50 events 1 is a person, 3 are auctions, 46 are bids; ids, hot sellers, auctions and bidders, prices and lengths are
 * drawn as there. Every value is a function of seed, event number and field alone, so any position can be read again and a column
 * costs nothing unless it is wanted.
 */
#ifndef WEIR_CONNECT_NEXMARK_H
#define WEIR_CONNECT_NEXMARK_H

#include "format/format.h"

typedef enum NexmarkKind { NEXMARK_PERSON, NEXMARK_AUCTION, NEXMARK_BID, NEXMARK_KINDS } NexmarkKind;

typedef struct NexmarkModel {
	uint64_t seed;
	int person_share, auction_share, bid_share, total_share;
	int hot_auctions, hot_bidders, hot_sellers;
	int64_t base_us;
	double us_per_event;
	/* prices are 10^(6u): a product of two table entries instead of pow() */
	double price_high[1024], price_low[1024];
	Batch *texts;                 /* owns what the strings below point to; batches borrow from it */
	const char *letters, *words;  /* NEXMARK_TEXT_BYTES of letters; of letters and blanks */
	Str *urls;                    /* NEXMARK_URLS of them, the first four are the hot ones */
	Str *channels;
	Str *names;                   /* 11 first names by 9 last names */
} NexmarkModel;

enum { NEXMARK_TEXT_BYTES = 1 << 20, NEXMARK_CHANNELS = 10000, NEXMARK_HOT_CHANNELS = 4 };

/* The rows for which values are made. */
typedef struct NexmarkRange {
	const NexmarkModel *model;
	int count;
	const int64_t *events, *last_person, *last_auction;      /* per row; ids without the 1000 in front */
	const int *rows[NEXMARK_KINDS];                          /* numbers of the rows of each kind */
	int row_counts[NEXMARK_KINDS];
	Batch *batch;                                            /* its arena takes strings that are made */
} NexmarkRange;

typedef struct NexmarkField {
	NexmarkKind kind;
	const char *name;             /* as Flink's script names it; found ignoring case and underscores */
	TypeKind type;
	void (*fill)(const NexmarkRange *range, Column *out);    /* the rows of its kind */
} NexmarkField;

extern const NexmarkField NEXMARK_FIELDS[];
extern const int NEXMARK_FIELD_COUNT;
extern const char *const NEXMARK_KIND_NAMES[];

void nexmark_model_init(NexmarkModel *model);     /* seed and shares are set */
void nexmark_model_release(NexmarkModel *model);
NexmarkKind nexmark_kind(const NexmarkModel *model, int64_t event);

#endif
