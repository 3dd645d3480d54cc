#include "connect/nexmark.h"

#include <math.h>
#include <stdio.h>

#include "base/hash.h"

enum {
	FIRST_ID = 1000, FIRST_CATEGORY = 10, CATEGORIES = 5, HOT_GROUP = 100, ID_LEAD = 10, IN_FLIGHT_AUCTIONS = 100, ACTIVE_PEOPLE = 1000,
	PERSON_BYTES = 200, AUCTION_BYTES = 500, BID_BYTES = 100,
};

static const char *const FIRST_NAMES[] = {"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"};
static const char *const LAST_NAMES[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"};
static const char *const CITIES[] = {"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"};
static const char *const STATES[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
static const char *const HOT_CHANNELS[] = {"Google", "Facebook", "Baidu", "Apple"};
enum { FIRST_NAME_COUNT = 11, LAST_NAME_COUNT = 9, CITY_COUNT = 10, STATE_COUNT = 6 };

const char *const NEXMARK_KIND_NAMES[] = {"person", "auction", "bid"};

/* ---- chance ---- */

/* One salt a draw: fields are independent of each other and of which of them are wanted. */
enum Salt {
	SALT_TEXT = 1, SALT_BID_AUCTION, SALT_BID_BIDDER, SALT_BID_PRICE, SALT_BID_CHANNEL, SALT_BID_EXTRA, SALT_AUCTION_SELLER, SALT_AUCTION_CATEGORY,
	SALT_AUCTION_INITIAL, SALT_AUCTION_RESERVE, SALT_AUCTION_LENGTH, SALT_AUCTION_ITEM, SALT_AUCTION_DESCRIPTION, SALT_AUCTION_EXTRA,
	SALT_PERSON_NAME, SALT_PERSON_EMAIL, SALT_PERSON_CARD, SALT_PERSON_CITY, SALT_PERSON_STATE, SALT_PERSON_EXTRA,
};

static inline uint64_t draw(const NexmarkModel *model, int64_t event, enum Salt salt)
{
	return hash_mix64(((uint64_t)event * 32 + salt) * 0x9e3779b97f4a7c15ull + model->seed);
}

/* 0 .. n - 1 from the upper bits; the lower 16 are left for a second, small choice. */
static inline int64_t pick(uint64_t random, int64_t n) { return (int64_t)((unsigned __int128)random * (uint64_t)n >> 64); }
static inline bool is_hot(uint64_t random, int ratio) { return (random & 0xffff) % (unsigned)ratio != 0; }

/* ---- the model ---- */

static const char *make_text(NexmarkModel *model, enum Salt salt, int blank_every)
{
	char *text = arena_alloc(&model->texts->arena, NEXMARK_TEXT_BYTES);
	for (int i = 0; i < NEXMARK_TEXT_BYTES; i++) {
		uint64_t r = draw(model, i, salt);
		text[i] = blank_every && (r & 0xffff) % (unsigned)blank_every == 0 ? ' ' : (char)('a' + pick(r, 26));
	}
	return text;
}

static Str make_url(NexmarkModel *model, int i)
{
	char url[192], part[3][8];
	for (int p = 0; p < 3; p++) {
		uint64_t r = draw(model, i * 4 + p, SALT_BID_CHANNEL);
		int bytes = 3 + (int)(r % 2);
		for (int c = 0; c < bytes; c++) part[p][c] = (char)('a' + (r >> (8 + 5 * c)) % 26);
		part[p][bytes] = 0;
	}
	int bytes = snprintf(url, sizeof url, "https://www.nexmark.com/%s/%s/%s/item.htm?query=1", part[0], part[1], part[2]);
	if (i >= NEXMARK_HOT_CHANNELS && draw(model, i * 4 + 3, SALT_BID_CHANNEL) % 10)
		bytes += snprintf(url + bytes, sizeof url - (size_t)bytes, "&channel_id=%u", (unsigned)i * 2654435761u >> 1);
	return str_copy(&model->texts->arena, url, (size_t)bytes);
}

static void make_channels(NexmarkModel *model)
{
	Arena *arena = &model->texts->arena;
	char channel[24];
	int count = NEXMARK_HOT_CHANNELS + NEXMARK_CHANNELS;
	model->urls = arena_array(arena, Str, count);
	model->channels = arena_array(arena, Str, count);
	for (int i = 0; i < count; i++) {
		int bytes = i < NEXMARK_HOT_CHANNELS ? snprintf(channel, sizeof channel, "%s", HOT_CHANNELS[i]) : snprintf(channel, sizeof channel, "channel-%d", i - NEXMARK_HOT_CHANNELS);
		model->channels[i] = str_copy(arena, channel, (size_t)bytes);
		model->urls[i] = make_url(model, i);
	}
}

void nexmark_model_init(NexmarkModel *model)
{
	char name[32];
	model->total_share = model->person_share + model->auction_share + model->bid_share;
	model->texts = batch_new(NULL, 0, 0);
	model->letters = make_text(model, SALT_TEXT, 0);
	model->words = make_text(model, SALT_AUCTION_DESCRIPTION, 13);
	make_channels(model);
	model->names = arena_array(&model->texts->arena, Str, FIRST_NAME_COUNT * LAST_NAME_COUNT);
	for (int i = 0; i < FIRST_NAME_COUNT * LAST_NAME_COUNT; i++) {
		int bytes = snprintf(name, sizeof name, "%s %s", FIRST_NAMES[i / LAST_NAME_COUNT], LAST_NAMES[i % LAST_NAME_COUNT]);
		model->names[i] = str_copy(&model->texts->arena, name, (size_t)bytes);
	}
	for (int i = 0; i < 1024; i++) {
		model->price_high[i] = 100 * pow(10, 6.0 * i / 1024);
		model->price_low[i] = pow(10, 6.0 * i / (1024 * 1024));
	}
}

void nexmark_model_release(NexmarkModel *model) { batch_unref(model->texts); }

NexmarkKind nexmark_kind(const NexmarkModel *model, int64_t event)
{
	int64_t offset = event % model->total_share;
	return offset < model->person_share ? NEXMARK_PERSON : offset < model->person_share + model->auction_share ? NEXMARK_AUCTION : NEXMARK_BID;
}

/* ---- parts of values ---- */

static inline int64_t event_us(const NexmarkModel *model, int64_t event)
{
	return model->base_us + (int64_t)((double)event * model->us_per_event) / 1000 * 1000;
}

static inline int64_t price(const NexmarkModel *model, uint64_t random)
{
	return (int64_t)(model->price_high[random >> 54] * model->price_low[random >> 44 & 1023] + 0.5);
}

static inline int64_t any_person(uint64_t random, int64_t last_person)
{
	int64_t people = last_person + 1, active = people < ACTIVE_PEOPLE ? people : ACTIVE_PEOPLE;
	return people - active + pick(random, active + ID_LEAD);
}

static inline int64_t any_auction(uint64_t random, int64_t last_auction)
{
	int64_t least = last_auction > IN_FLIGHT_AUCTIONS ? last_auction - IN_FLIGHT_AUCTIONS : 0;
	return least + pick(random, last_auction - least + 1 + ID_LEAD);
}

/* So long that the whole event has `wanted` bytes on average: 80 to 120 of a hundred. */
static inline Str extra(const NexmarkModel *model, uint64_t random, int wanted)
{
	int delta = wanted / 5, bytes = wanted - delta + (int)((random & 0xffff) % (unsigned)(2 * delta));
	return str_borrow(model->letters + pick(random, NEXMARK_TEXT_BYTES - 1024), (size_t)bytes);
}

static Str words(const NexmarkModel *model, uint64_t random, int bytes_max)
{
	int bytes = 3 + (int)((random & 0xffff) % (unsigned)(bytes_max - 3));
	const char *at = model->words + pick(random, NEXMARK_TEXT_BYTES - 1024), *end = at + bytes;
	while (at < end && *at == ' ') at++;
	while (at < end && end[-1] == ' ') end--;
	return str_borrow(at, (size_t)(end - at));
}

/* ---- fields ---- */

/* The rows of a kind: i is the row, n its event number. */
#define EACH_ROW(kind_, i_, n_) \
	for (int j_ = 0, i_; j_ < range->row_counts[kind_] && (i_ = range->rows[kind_][j_], true); j_++) \
		for (int64_t n_ = range->events[i_], once_ = 1; once_; once_ = 0)

static void bid_auction(const NexmarkRange *range, Column *out)
{
	const NexmarkModel *model = range->model;
	EACH_ROW(NEXMARK_BID, i, n) {
		uint64_t r = draw(model, n, SALT_BID_AUCTION);
		int64_t last = range->last_auction[i], any = any_auction(r, last), hot = last / HOT_GROUP * HOT_GROUP;
		out->i64[i] = FIRST_ID + (is_hot(r, model->hot_auctions) ? hot : any);
	}
}

static void bid_bidder(const NexmarkRange *range, Column *out)
{
	const NexmarkModel *model = range->model;
	EACH_ROW(NEXMARK_BID, i, n) {
		uint64_t r = draw(model, n, SALT_BID_BIDDER);
		int64_t last = range->last_person[i], any = any_person(r, last), hot = last / HOT_GROUP * HOT_GROUP + 1;
		out->i64[i] = FIRST_ID + (is_hot(r, model->hot_bidders) ? hot : any);
	}
}

static void bid_price(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_BID, i, n) out->i64[i] = price(range->model, draw(range->model, n, SALT_BID_PRICE));
}

/* Half of the bids come through one of four channels. */
static inline int64_t channel_of(const NexmarkModel *model, int64_t event)
{
	uint64_t r = draw(model, event, SALT_BID_CHANNEL);
	return is_hot(r, 2) ? pick(r, NEXMARK_HOT_CHANNELS) : NEXMARK_HOT_CHANNELS + pick(r, NEXMARK_CHANNELS);
}

static void bid_channel(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_BID, i, n) out->str[i] = range->model->channels[channel_of(range->model, n)];
}

static void bid_url(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_BID, i, n) out->str[i] = range->model->urls[channel_of(range->model, n)];
}

static void bid_extra(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_BID, i, n) out->str[i] = extra(range->model, draw(range->model, n, SALT_BID_EXTRA), BID_BYTES - 32);
}

static void times(const NexmarkRange *range, NexmarkKind kind, Column *out)
{
	EACH_ROW(kind, i, n) out->i64[i] = event_us(range->model, n);
}

static void bid_time(const NexmarkRange *range, Column *out) { times(range, NEXMARK_BID, out); }
static void auction_time(const NexmarkRange *range, Column *out) { times(range, NEXMARK_AUCTION, out); }
static void person_time(const NexmarkRange *range, Column *out) { times(range, NEXMARK_PERSON, out); }

static void auction_id(const NexmarkRange *range, Column *out)
{
	for (int j = 0; j < range->row_counts[NEXMARK_AUCTION]; j++) {
		int i = range->rows[NEXMARK_AUCTION][j];
		out->i64[i] = FIRST_ID + range->last_auction[i];
	}
}

static void auction_item(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_AUCTION, i, n) out->str[i] = words(range->model, draw(range->model, n, SALT_AUCTION_ITEM), 20);
}

static void auction_description(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_AUCTION, i, n) out->str[i] = words(range->model, draw(range->model, n, SALT_AUCTION_DESCRIPTION), 100);
}

static void auction_initial(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_AUCTION, i, n) out->i64[i] = price(range->model, draw(range->model, n, SALT_AUCTION_INITIAL));
}

static void auction_reserve(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_AUCTION, i, n)
		out->i64[i] = price(range->model, draw(range->model, n, SALT_AUCTION_INITIAL)) + price(range->model, draw(range->model, n, SALT_AUCTION_RESERVE));
}

/* On average as long as it takes until IN_FLIGHT_AUCTIONS more are there. */
static void auction_expires(const NexmarkRange *range, Column *out)
{
	const NexmarkModel *model = range->model;
	int64_t ahead = (int64_t)IN_FLIGHT_AUCTIONS * model->total_share / (model->auction_share ? model->auction_share : 1);
	EACH_ROW(NEXMARK_AUCTION, i, n) {
		int64_t now = event_us(model, n), horizon_ms = (event_us(model, n + ahead) - now) / 1000;
		out->i64[i] = now + 1000 * (1 + pick(draw(model, n, SALT_AUCTION_LENGTH), horizon_ms > 0 ? horizon_ms * 2 : 1));
	}
}

static void auction_seller(const NexmarkRange *range, Column *out)
{
	const NexmarkModel *model = range->model;
	EACH_ROW(NEXMARK_AUCTION, i, n) {
		uint64_t r = draw(model, n, SALT_AUCTION_SELLER);
		int64_t last = range->last_person[i];
		out->i64[i] = FIRST_ID + (is_hot(r, model->hot_sellers) ? last / HOT_GROUP * HOT_GROUP : any_person(r, last));
	}
}

static void auction_category(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_AUCTION, i, n) out->i64[i] = FIRST_CATEGORY + pick(draw(range->model, n, SALT_AUCTION_CATEGORY), CATEGORIES);
}

static void auction_extra(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_AUCTION, i, n) out->str[i] = extra(range->model, draw(range->model, n, SALT_AUCTION_EXTRA), AUCTION_BYTES - 110);
}

static void person_id(const NexmarkRange *range, Column *out)
{
	for (int j = 0; j < range->row_counts[NEXMARK_PERSON]; j++) {
		int i = range->rows[NEXMARK_PERSON][j];
		out->i64[i] = FIRST_ID + range->last_person[i];
	}
}

static void person_name(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_PERSON, i, n) out->str[i] = range->model->names[pick(draw(range->model, n, SALT_PERSON_NAME), FIRST_NAME_COUNT * LAST_NAME_COUNT)];
}

static void person_email(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_PERSON, i, n) {
		uint64_t r = draw(range->model, n, SALT_PERSON_EMAIL);
		const char *at = range->model->letters + pick(r, NEXMARK_TEXT_BYTES - 16);
		char email[24];
		int bytes = snprintf(email, sizeof email, "%.*s@%.*s.com", 3 + (int)(r % 4), at, 3 + (int)(r / 4 % 2), at + 8);
		out->str[i] = str_copy(&range->batch->arena, email, (size_t)bytes);
	}
}

static void person_card(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_PERSON, i, n) {
		uint64_t r = draw(range->model, n, SALT_PERSON_CARD);
		char card[24];
		int bytes = snprintf(card, sizeof card, "%04u %04u %04u %04u", (unsigned)(r & 0xffff) % 10000, (unsigned)(r >> 16 & 0xffff) % 10000,
			(unsigned)(r >> 32 & 0xffff) % 10000, (unsigned)(r >> 48) % 10000);
		out->str[i] = str_copy(&range->batch->arena, card, (size_t)bytes);
	}
}

static void person_city(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_PERSON, i, n) {
		const char *city = CITIES[pick(draw(range->model, n, SALT_PERSON_CITY), CITY_COUNT)];
		out->str[i] = str_borrow(city, strlen(city));
	}
}

static void person_state(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_PERSON, i, n) out->str[i] = str_borrow(STATES[pick(draw(range->model, n, SALT_PERSON_STATE), STATE_COUNT)], 2);
}

static void person_extra(const NexmarkRange *range, Column *out)
{
	EACH_ROW(NEXMARK_PERSON, i, n) out->str[i] = extra(range->model, draw(range->model, n, SALT_PERSON_EXTRA), PERSON_BYTES - 70);
}

const NexmarkField NEXMARK_FIELDS[] = {
	{NEXMARK_PERSON, "id", TYPE_INTEGER, person_id}, {NEXMARK_PERSON, "name", TYPE_TEXT, person_name}, {NEXMARK_PERSON, "emailAddress", TYPE_TEXT, person_email},
	{NEXMARK_PERSON, "creditCard", TYPE_TEXT, person_card}, {NEXMARK_PERSON, "city", TYPE_TEXT, person_city}, {NEXMARK_PERSON, "state", TYPE_TEXT, person_state},
	{NEXMARK_PERSON, "dateTime", TYPE_TIMESTAMP, person_time}, {NEXMARK_PERSON, "extra", TYPE_TEXT, person_extra},
	{NEXMARK_AUCTION, "id", TYPE_INTEGER, auction_id}, {NEXMARK_AUCTION, "itemName", TYPE_TEXT, auction_item}, {NEXMARK_AUCTION, "description", TYPE_TEXT, auction_description},
	{NEXMARK_AUCTION, "initialBid", TYPE_INTEGER, auction_initial}, {NEXMARK_AUCTION, "reserve", TYPE_INTEGER, auction_reserve},
	{NEXMARK_AUCTION, "dateTime", TYPE_TIMESTAMP, auction_time}, {NEXMARK_AUCTION, "expires", TYPE_TIMESTAMP, auction_expires},
	{NEXMARK_AUCTION, "seller", TYPE_INTEGER, auction_seller}, {NEXMARK_AUCTION, "category", TYPE_INTEGER, auction_category}, {NEXMARK_AUCTION, "extra", TYPE_TEXT, auction_extra},
	{NEXMARK_BID, "auction", TYPE_INTEGER, bid_auction}, {NEXMARK_BID, "bidder", TYPE_INTEGER, bid_bidder}, {NEXMARK_BID, "price", TYPE_INTEGER, bid_price},
	{NEXMARK_BID, "channel", TYPE_TEXT, bid_channel}, {NEXMARK_BID, "url", TYPE_TEXT, bid_url}, {NEXMARK_BID, "dateTime", TYPE_TIMESTAMP, bid_time},
	{NEXMARK_BID, "extra", TYPE_TEXT, bid_extra},
};
const int NEXMARK_FIELD_COUNT = sizeof NEXMARK_FIELDS / sizeof *NEXMARK_FIELDS;
