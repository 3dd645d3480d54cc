/* op_normalize: what records of a changelog do, as changes of rows. */
#include "op_harness.h"

static Op *keyed(Arena *arena)
{
	static const int KEY[] = {0};
	NormalizeSpec spec = {.in = test_input(arena, 1, "integer text", true), .key = KEY, .key_count = 1};
	return op_normalize_new(&spec);
}

static Op *versioned(Arena *arena)
{
	static const int KEY[] = {0};
	NormalizeSpec spec = {.in = test_input(arena, 1, "integer text timestamp", true), .key = KEY, .key_count = 1};
	test_input_watermark(arena, &spec.in, 2, 0, false);
	return op_normalize_new(&spec);
}

static Op *keyless(Arena *arena)
{
	NormalizeSpec spec = {.in = test_input(arena, 1, "integer text", true)};
	return op_normalize_new(&spec);
}

/* ---- feeding: "U2 | 1 | 'a'": an upsert that partition 2 has ---- */

static void push_from(Harness *h, const TestRows *rows, const uint8_t *ops, int from, int to)
{
	BatchBuilder builder;
	batch_builder_init(&builder, rows->types, rows->column_count, to - from);
	builder.want_arrival = true;
	for (int i = from; i < to; i++) batch_add_row(&builder, rows, &rows->at[i]);
	Batch *batch = batch_builder_take(&builder);
	batch->hidden.ops = ops + from;
	Error err = ERROR_INIT;
	if (!op_push(h->op, 0, batch, &err)) fail_msg("%s", err.message);
	batch_unref(batch);
	batch_builder_release(&builder);
}

static void push_changes(Harness *h, const char *text, int batch_rows)
{
	TestRows rows;
	StrBuf plain = STRBUF_INIT;
	uint8_t ops[64];
	int partitions[64], count = 0;
	test_rows_init(&rows, h->inputs[0].types, h->inputs[0].column_count);
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		while (*line == ' ' || *line == '\t') line++;
		ops[count] = *line == 'D' ? ROW_DELETE : *line == 'U' ? ROW_UPSERT : ROW_INSERT;
		partitions[count++] = line[1] - '0';
		strbuf_printf(&plain, "+1 %.*s\n", (int)strcspn(line, "\n") - 2, line + 2);
	}
	test_rows_parse(&rows, plain.text);
	assert_int_equal(rows.count, count);
	for (int i = 0; i < count; i++) rows.at[i].arrival = ((Int128)(h->commit.commit + 1) << 88) | ((Int128)partitions[i] << 64) | ++h->position;
	for (int from = 0; from < count; from += batch_rows) push_from(h, &rows, ops, from, from + batch_rows < count ? from + batch_rows : count);
	test_rows_release(&rows);
	strbuf_release(&plain);
}

/* ---- cases: what one commit holds, and what comes out of it; a second commit may follow ---- */

typedef struct Case { const char *title; TestMake *make; const char *first, *first_out, *second, *second_out; } Case;

static const Case CASES[] = {
	{"a new key is added", keyed, "U0 | 1 | 'a'\nU0 | 2 | 'b'", "+1 | 1 | 'a'\n+1 | 2 | 'b'", "", ""},
	{"a known one is replaced", keyed, "U0 | 1 | 'a'", "+1 | 1 | 'a'", "U0 | 1 | 'b'", "-1 | 1 | 'a'\n+1 | 1 | 'b'"},
	{"several times in a commit", keyed, "U0 | 1 | 'a'\nU0 | 1 | 'b'\nU0 | 1 | 'c'", "+1 | 1 | 'c'", "", ""},
	{"an insert of a known key replaces", keyed, "I0 | 1 | 'a'", "+1 | 1 | 'a'", "I0 | 1 | 'b'", "-1 | 1 | 'a'\n+1 | 1 | 'b'"},
	{"the same again is nothing", keyed, "U0 | 1 | 'a'", "+1 | 1 | 'a'", "U0 | 1 | 'a'", ""},
	{"a delete goes by the key", keyed, "U0 | 1 | 'a'", "+1 | 1 | 'a'", "D0 | 1 | NULL", "-1 | 1 | 'a'"},
	{"a delete of nothing is nothing", keyed, "D0 | 1 | NULL", "", "D0 | 1 | NULL\nU0 | 1 | 'a'", "+1 | 1 | 'a'"},
	{"gone and there again", keyed, "U0 | 1 | 'a'", "+1 | 1 | 'a'", "D0 | 1 | NULL\nU0 | 1 | 'b'\nD0 | 1 | NULL\nU0 | 1 | 'c'", "-1 | 1 | 'a'\n+1 | 1 | 'c'"},
	{"a NULL key is no row", keyed, "U0 | NULL | 'a'", "", "", ""},
	{"within a commit the higher partition wins", keyed, "U0 | 1 | 'a'\nU1 | 1 | 'b'", "+1 | 1 | 'b'", "", ""},
	{"... whichever is read first", keyed, "U1 | 1 | 'b'\nU0 | 1 | 'a'", "+1 | 1 | 'b'", "", ""},
	{"a later commit wins", keyed, "U1 | 1 | 'b'", "+1 | 1 | 'b'", "U0 | 1 | 'a'", "-1 | 1 | 'b'\n+1 | 1 | 'a'"},
	{"a delete of a higher partition wins", keyed, "D1 | 1 | NULL\nU0 | 1 | 'a'", "", "U0 | 1 | 'a'", "+1 | 1 | 'a'"},
	{"one of a lower partition does not", keyed, "U1 | 1 | 'b'\nD0 | 1 | NULL", "+1 | 1 | 'b'", "", ""},
	{"without key equal rows are several", keyless, "U0 | 1 | 'a'\nI0 | 1 | 'a'", "+2 | 1 | 'a'", "D0 | 1 | 'a'", "-1 | 1 | 'a'"},
	{"a row of another partition is another one", keyless, "U0 | 1 | 'a'", "+1 | 1 | 'a'", "D1 | 1 | 'a'\nU1 | 1 | 'a'", "+1 | 1 | 'a'"},
	{"a delete of no such row is nothing", keyless, "D0 | 1 | 'a'\nU0 | 1 | 'b'", "+1 | 1 | 'b'", "D0 | 1 | 'a'", ""},
	{"NULLs are equal there", keyless, "U0 | NULL | NULL", "+1 | NULL | NULL", "D0 | NULL | NULL", "-1 | NULL | NULL"},
};

static void records_become_changes(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < 4 * (sizeof CASES / sizeof *CASES); i++) {
		const Case *c = &CASES[i / 4];
		Harness h;
		harness_open(&h, c->make, "integer text", NULL);
		print_message("%s\n", c->title);
		push_changes(&h, c->first, i % 2 ? 1 : 64);
		harness_commit(&h);
		harness_expect(&h, c->first_out);
		if (i % 4 > 1) harness_restart(&h);
		push_changes(&h, c->second, i % 2 ? 1 : 64);
		harness_commit(&h);
		harness_expect(&h, c->second_out);
		harness_close(&h);
	}
}

/* Net they are nothing, but each row of a key was a version. */
static void rows_that_are_beaten_were_there(void **unused)
{
	(void)unused;
	static const char *const IN[] = {"U0 | 1 | 'a' | 10\nU1 | 1 | 'b' | 20", "U1 | 1 | 'b' | 20\nU0 | 1 | 'a' | 10"};
	for (int i = 0; i < 2; i++) {
		Harness h;
		harness_open(&h, versioned, "integer text timestamp", NULL);
		push_changes(&h, IN[i], 64);
		bool seen = false;
		for (int r = 0; r < h.fresh.count; r++) seen |= h.fresh.at[r].weight > 0 && h.fresh.at[r].values[2].i64 == 10 * SECOND;
		assert_true(seen);
		harness_commit(&h);
		harness_expect(&h, "+1 | 1 | 'b' | 20");
		harness_close(&h);
	}
}

/* ---- random records of three partitions, in any interleaving, against what they come to when they are put in order ---- */

enum { RANDOM_KEYS = 12, RANDOM_COMMITS = 300, RANDOM_RECORDS = 40 };

typedef struct Model { bool there[RANDOM_KEYS]; int64_t value[RANDOM_KEYS]; } Model;

static void random_commit(Harness *h, Model *model, unsigned *seed)
{
	StrBuf text = STRBUF_INIT;
	int at[3] = {0}, keys[3][RANDOM_RECORDS], values[3][RANDOM_RECORDS], count = 1 + rand_r(seed) % RANDOM_RECORDS;
	for (int i = 0; i < count; i++) {
		int partition = rand_r(seed) % 3, key = rand_r(seed) % RANDOM_KEYS, value = rand_r(seed) % 4 ? rand_r(seed) % 3 : -1;
		keys[partition][at[partition]] = key;
		values[partition][at[partition]++] = value;
		if (value < 0) strbuf_printf(&text, "D%d | %d | NULL\n", partition, key);
		else strbuf_printf(&text, "U%d | %d | '%d'\n", partition, key, value);
	}
	for (int p = 0; p < 3; p++)
		for (int i = 0; i < at[p]; i++) {
			model->there[keys[p][i]] = values[p][i] >= 0;
			model->value[keys[p][i]] = values[p][i];
		}
	push_changes(h, text.text, 1 + rand_r(seed) % 7);
	strbuf_release(&text);
}

static void any_interleaving_of_partitions_gives_the_same(void **unused)
{
	(void)unused;
	Harness h;
	Model model = {0};
	unsigned seed = 7;
	harness_open(&h, keyed, "integer text", NULL);
	for (int c = 0; c < RANDOM_COMMITS; c++) {
		random_commit(&h, &model, &seed);
		harness_commit(&h);
		if (c % 10 == 9) harness_restart(&h);
		TestRows all, expected;
		test_rows_init(&all, h.op->types, 2);
		test_rows_init(&expected, h.op->types, 2);
		StrBuf text = STRBUF_INIT;
		for (int k = 0; k < RANDOM_KEYS; k++)
			if (model.there[k]) strbuf_printf(&text, "+1 | %d | '%lld'\n", k, (long long)model.value[k]);
		test_rows_parse(&expected, text.text);
		test_rows_append(&all, &h.fresh);
		test_rows_net(&all);
		test_rows_net(&expected);
		test_rows_compare(&all, &expected, "random");
		strbuf_release(&text);
		test_rows_release(&all);
		test_rows_release(&expected);
	}
	harness_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_become_changes),
		cmocka_unit_test(rows_that_are_beaten_were_there),
		cmocka_unit_test(any_interleaving_of_partitions_gives_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
