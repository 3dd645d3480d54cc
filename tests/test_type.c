/* src/type: text and back, decimal and calendar arithmetic against tables that Python computed, packed rows, sort keys. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include "base/hash.h"
#include "type/calendar.h"
#include "type/number.h"
#include "type/row.h"
#include "type/text.h"
#include "type/zone.h"

#define LENGTH(table) ((int)(sizeof (table) / sizeof *(table)))

static const char *printed(Value value)
{
	static StrBuf out;
	if (!out.text) out = STRBUF_INIT;
	strbuf_clear(&out);
	value_print(&value, &out);
	return out.text;
}

static void type_names_of_all_systems_are_known(void **state)
{
	(void)state;
	static const struct { const char *name; int p1, p2; const char *type; } CASES[] = {
		{"BIGINT", -1, -1, "INTEGER"}, {"varchar", 20, -1, "TEXT"}, {"Double Precision", -1, -1, "REAL"}, {"numeric", -1, -1, "DECIMAL(38,10)"},
		{"decimal", 10, 2, "DECIMAL(10,2)"}, {"dec", 5, -1, "DECIMAL(5,0)"}, {"timestamp with local time zone", 3, -1, "TIMESTAMP"}, {"jsonb", -1, -1, "JSONB"}, {"json", -1, -1, "JSON"},
		{"bytea", -1, -1, "BLOB"}, {"string", -1, -1, "TEXT"}, {"bool", -1, -1, "BOOLEAN"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Type type;
		Error err = ERROR_INIT;
		StrBuf out = STRBUF_INIT;
		assert_true(type_from_name(CASES[i].name, CASES[i].p1, CASES[i].p2, SPAN_NONE, &type, &err));
		type_print(type, &out);
		assert_string_equal(out.text, CASES[i].type);
		strbuf_release(&out);
	}
}

static void an_unknown_type_is_refused_with_the_nearest_name(void **state)
{
	(void)state;
	Type type;
	Error err = ERROR_INIT;
	assert_false(type_from_name("timestmap", -1, -1, SPAN_NONE, &type, &err));
	assert_string_equal(err.message, "type \"timestmap\" does not exist");
	assert_string_equal(err.hint, "Did you mean timestamp?");
	error_clear(&err);
	assert_false(type_from_name("decimal", 39, 0, SPAN_NONE, &type, &err));
	assert_int_equal(err.code, ERR_INVALID_PARAMETER);
	error_clear(&err);
	assert_false(type_from_name("decimal", 3, 4, SPAN_NONE, &type, &err));
}

static void a_row_type_prints_its_fields(void **state)
{
	(void)state;
	RowField inner[] = {{"x y", TYPE(TEXT)}};
	RowField fields[] = {{"a", TYPE(INTEGER)}, {"b", {.kind = TYPE_ROW, .field_count = 1, .fields = inner}}};
	Type type = {.kind = TYPE_ROW, .field_count = 2, .fields = fields};
	StrBuf out = STRBUF_INIT;
	type_print(type, &out);
	assert_string_equal(out.text, "ROW<a INTEGER, b ROW<\"x y\" TEXT>>");
	strbuf_release(&out);
	assert_true(type_equal(type, type));
}

static void what_a_type_prints_reads_as_the_same_type(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {
		"NULL", "BOOLEAN", "INTEGER", "REAL", "DECIMAL(38,10)", "DECIMAL(5,0)", "TEXT", "BLOB", "DATE", "TIME", "TIMESTAMP", "INTERVAL", "JSON", "JSONB", "ARRAY<TEXT>", "MAP<TEXT, ARRAY<DECIMAL(38,0)>>", "MAP<INTEGER, JSONB>", "ROW<a INTEGER, b ROW<\"x y\" TEXT>>",
		"ARRAY<ROW<\"a\"\"b, c>\" TIMESTAMP, x MAP<DATE, REAL>>>",
	};
	static const char *const NONE[] = {"", "ARRAY<", "ARRAY<TEXT", "ARRAY<TEXT>>", "MAP<TEXT>", "ROW<>", "ROW<a>", "ROW<a INTEGER,b INTEGER>", "DECIMAL(99,1)", "DECIMAL", "DECIMAL(1", "ROW<a INTEGER> ", "TIM", "TIMESTAMPS", "integer", "ROW"};
	Arena arena;
	arena_init(&arena, 0);
	Type before = TYPE(ROW), type;
	for (int i = 0; i < LENGTH(TEXTS); i++) {
		StrBuf out = STRBUF_INIT;
		if (!type_read(TEXTS[i], strlen(TEXTS[i]), &arena, &type)) fail_msg("%s is not read", TEXTS[i]);
		type_print(type, &out);
		assert_string_equal(out.text, TEXTS[i]);
		assert_true(type_same_inside(type, type_copy(&arena, type)));
		assert_false(type_same_inside(type, before));
		before = type;
		strbuf_release(&out);
	}
	for (int i = 0; i < LENGTH(NONE); i++)
		if (type_read(NONE[i], strlen(NONE[i]), &arena, &type)) fail_msg("%s is read", NONE[i]);
	arena_release(&arena);
}

/* result NULL: the text is no such value */
static void text_becomes_values_and_prints_as_one_spelling(void **state)
{
	(void)state;
	static const struct { TypeKind kind; const char *text, *result; } CASES[] = {
		{TYPE_INTEGER, "12", "12"}, {TYPE_INTEGER, " +12 ", "12"}, {TYPE_INTEGER, "12.0", "12"}, {TYPE_INTEGER, "-9223372036854775808", "-9223372036854775808"},
		{TYPE_INTEGER, "9223372036854775807", "9223372036854775807"}, {TYPE_INTEGER, "9223372036854775808", NULL}, {TYPE_INTEGER, "12.5", NULL},
		{TYPE_INTEGER, "", NULL}, {TYPE_INTEGER, "1x", NULL}, {TYPE_INTEGER, "-", NULL}, {TYPE_INTEGER, "1e3", NULL},
		{TYPE_REAL, "0.1", "0.1"}, {TYPE_REAL, "1e300", "1.0e+300"}, {TYPE_REAL, "100", "100.0"}, {TYPE_REAL, "-0.00012", "-0.00012"}, {TYPE_REAL, "0.00001", "1.0e-05"},
		{TYPE_REAL, "123456789012345", "123456789012345.0"}, {TYPE_REAL, "1e15", "1.0e+15"}, {TYPE_REAL, "1e999", "Inf"}, {TYPE_REAL, "-infinity", "-Inf"},
		{TYPE_REAL, "nan", NULL}, {TYPE_REAL, "+.5", "0.5"}, {TYPE_REAL, "5.", "5.0"}, {TYPE_REAL, "1e-400", "0.0"}, {TYPE_REAL, "-0.0", "0.0"}, {TYPE_REAL, "0x10", NULL},
		{TYPE_REAL, "1.7976931348623157e308", "1.7976931348623157e+308"}, {TYPE_REAL, "+-5", NULL},
		{TYPE_BOOLEAN, "TRUE", "true"}, {TYPE_BOOLEAN, "off", "false"}, {TYPE_BOOLEAN, "maybe", NULL}, {TYPE_BOOLEAN, " 1 ", "true"},
		{TYPE_DATE, "2026-11-20", "2026-11-20"}, {TYPE_DATE, "2026-02-29", NULL}, {TYPE_DATE, "2024-02-29", "2024-02-29"}, {TYPE_DATE, "0001-01-01", "0001-01-01"},
		{TYPE_DATE, "2026-11-20 00:00:00", "2026-11-20"}, {TYPE_DATE, "2026-11-20 10:00:00", NULL}, {TYPE_DATE, "2026-13-01", NULL}, {TYPE_DATE, "0000-01-01", NULL},
		{TYPE_TIME, "10:00:00.25", "10:00:00.25"}, {TYPE_TIME, "10:00", "10:00:00"}, {TYPE_TIME, "24:00:00", NULL}, {TYPE_TIME, "23:59:59.9999999", "23:59:59.999999"},
		{TYPE_TIMESTAMP, "2026-11-20 10:00:00.250", "2026-11-20 10:00:00.25"}, {TYPE_TIMESTAMP, "2026-11-20T10:00:00Z", "2026-11-20 10:00:00"},
		{TYPE_TIMESTAMP, "2026-11-20T10:00:00.123456Z", "2026-11-20 10:00:00.123456"}, {TYPE_TIMESTAMP, "2026-11-20T10:00:00.1234567Z", "2026-11-20 10:00:00.123456"},
		{TYPE_TIMESTAMP, "2026-11-20 10:00:00+02:00", "2026-11-20 08:00:00"}, {TYPE_TIMESTAMP, "2026-11-20 10:00:00.5-0130", "2026-11-20 11:30:00.5"},
		{TYPE_TIMESTAMP, "2026-11-20", "2026-11-20 00:00:00"}, {TYPE_TIMESTAMP, "2026-11-20 10:00", "2026-11-20 10:00:00"}, {TYPE_TIMESTAMP, "2026-11-20 10:00:00.", NULL},
		{TYPE_TIMESTAMP, "2026-11-20 10:00:60", NULL}, {TYPE_TIMESTAMP, "2026-11-20x10:00:00", NULL}, {TYPE_TIMESTAMP, "2026-11-31 10:00:00", NULL},
		{TYPE_TIMESTAMP, "2026-11-20 10:00:00.1x", NULL}, {TYPE_TIMESTAMP, " 2026-11-20 10:00:00 ", "2026-11-20 10:00:00"}, {TYPE_TIMESTAMP, "2026-11-20 1a:00:00", NULL},
		{TYPE_TIMESTAMP, "2026-11-20 10:00:00Zx", NULL}, {TYPE_TIMESTAMP, "2026-11-20 10:00:00 UTC", "2026-11-20 10:00:00"}, {TYPE_TIMESTAMP, "9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"},
		{TYPE_TIMESTAMP, "9999-12-31 23:59:59-01:00", NULL}, {TYPE_TIMESTAMP, "", NULL}, {TYPE_TIMESTAMP, "2026-11-20 10:00:00.Z", NULL}, {TYPE_TIMESTAMP, "2026:11:20 10:00:00", NULL},
		{TYPE_INTERVAL, "5 seconds", "PT5S"}, {TYPE_INTERVAL, "1 day 02:03:04", "P1DT2H3M4S"}, {TYPE_INTERVAL, "P1DT2H", "P1DT2H"}, {TYPE_INTERVAL, "1-2", "P1Y2M"},
		{TYPE_INTERVAL, "1 year 2 mons -3 days", "P1Y2M-3D"}, {TYPE_INTERVAL, "10", "PT10S"}, {TYPE_INTERVAL, "1 10:00", "P1DT10H"}, {TYPE_INTERVAL, "-1 10:00", "P-1DT-10H"},
		{TYPE_INTERVAL, "5 minutes ago", "PT-5M"}, {TYPE_INTERVAL, "1.5 days", "P1DT12H"}, {TYPE_INTERVAL, "1.5 months", "P1M15D"}, {TYPE_INTERVAL, "1.5 years", "P1Y6M"}, {TYPE_INTERVAL, "0.5 s", "PT0.5S"},
		{TYPE_INTERVAL, "PT1.5S", "PT1.5S"}, {TYPE_INTERVAL, "-P1D", "P-1D"}, {TYPE_INTERVAL, "P", NULL}, {TYPE_INTERVAL, "P1DT", NULL}, {TYPE_INTERVAL, "1 fortnight", NULL}, {TYPE_INTERVAL, "", NULL},
		{TYPE_INTERVAL, "0 seconds", "PT0S"}, {TYPE_INTERVAL, "2 weeks", "P14D"}, {TYPE_INTERVAL, "-0.25 seconds", "PT-0.25S"}, {TYPE_INTERVAL, "02:03", "PT2H3M"}, {TYPE_INTERVAL, "1h 30m", "PT1H30M"},
		{TYPE_INTERVAL, "99999999999 years", NULL}, {TYPE_INTERVAL, "02:99", NULL}, {TYPE_INTERVAL, "5", "PT5S"}, {TYPE_INTERVAL, "5 5", NULL},
		{TYPE_TEXT, "\xc3\xa4", "\xc3\xa4"}, {TYPE_TEXT, "\xc3", NULL}, {TYPE_TEXT, "\xed\xa0\x80", NULL}, {TYPE_TEXT, "\xf0\x9f\x98\x80 and more text", "\xf0\x9f\x98\x80 and more text"},
	};
	Arena arena;
	arena_init(&arena, 0);
	for (int i = 0; i < LENGTH(CASES); i++) {
		Value value;
		bool ok = text_to_value(CASES[i].text, strlen(CASES[i].text), (Type){.kind = CASES[i].kind}, &value, &arena);
		if (ok != (CASES[i].result != NULL)) fail_msg("'%s' as %s is %s", CASES[i].text, type_kind_name(CASES[i].kind), ok ? printed(value) : "refused");
		if (ok) assert_string_equal(printed(value), CASES[i].result);
	}
	arena_release(&arena);
}

static void decimals_are_read_with_rounding_half_away_from_zero(void **state)
{
	(void)state;
	static const struct { const char *text; int precision, scale; const char *result; } CASES[] = {
		{"12.5", 10, 2, "12.50"}, {"12.345", 10, 2, "12.35"}, {"-12.345", 10, 2, "-12.35"}, {"12.344999", 10, 2, "12.34"}, {"1e3", 10, 2, "1000.00"}, {"1.5e-1", 10, 2, "0.15"},
		{"0.005", 10, 2, "0.01"}, {"0.004", 10, 2, "0.00"}, {"99.995", 4, 2, NULL}, {"99.994", 4, 2, "99.99"}, {"100", 4, 2, NULL}, {"abc", 4, 2, NULL}, {".5", 4, 0, "1"},
		{"12345678901234567890123456789012345678", 38, 0, "12345678901234567890123456789012345678"}, {"123456789012345678901234567890123456789", 38, 0, NULL},
		{"1e400", 38, 0, NULL}, {"0e400", 38, 0, "0"}, {"1e-400", 38, 10, "0.0000000000"}, {"00012", 2, 0, "12"},
		{"0.00000000000000000000000000000000000000000000000000000000000000001", 10, 2, "0.00"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Value value = {.type = type_decimal(CASES[i].precision, CASES[i].scale)};
		bool ok = text_to_decimal(CASES[i].text, strlen(CASES[i].text), CASES[i].precision, CASES[i].scale, &value.i128);
		if (ok != (CASES[i].result != NULL)) fail_msg("%s", CASES[i].text);
		if (ok) assert_string_equal(printed(value), CASES[i].result);
	}
}

/* made by Python's integers; "" is: does not fit 38 digits */
static const struct { char op; const char *a; int scale_a; const char *b; int scale_b, scale_out; const char *result; } DECIMAL_CASES[] = {
	{'*', "666", 2, "924672410201908", 10, 0, "615832"},
	{'/', "-88", 1, "7", 0, 10, "-12571428571"},
	{'*', "9", 0, "-98188978473544020551349921395003836658", 1, 0, "-88370080626189618496214929255503452992"},
	{'/', "91992936782289163485658553245250082198", 10, "-585", 38, 0, ""},
	{'+', "-3465608723044488519", 10, "1158252176259998755", 1, 6, "115825217279439003195551"},
	{'/', "-5794992457191552792", 1, "-407104716530737", 38, 0, ""},
	{'/', "-89357554103934831982579031763011793727", 20, "-897", 6, 2, "99618231999927348921493"},
	{'/', "-8", 1, "-3", 6, 6, "266666666667"},
	{'+', "-9607093724521005345753723", 2, "2", 6, 0, "-96070937245210053457537"},
	{'+', "3250525777127907420907922", 1, "-4220745258790318925589003", 20, 0, "325052577712790742048585"},
	{'*', "90724726673468", 38, "47271878635426040288979761619376402947", 6, 10, "428872826854037896"},
	{'*', "1605146219573275274676223", 0, "261160431222206", 6, 10, ""},
	{'+', "549434", 10, "-56230048", 10, 2, "-1"},
	{'+', "-7699788894944045023653576", 6, "11458602938854740135034658959952930951", 1, 0, "1145860293885474005803677001051248071"},
	{'*', "4303248432663712", 2, "9", 10, 0, "38729"},
	{'+', "-19626382759885885393735406680834429096", 6, "-478", 2, 0, "-19626382759885885393735406680839"},
	{'+', "-5", 10, "446734325923758040418927", 2, 0, "4467343259237580404189"},
	{'/', "-9741899683660671018", 10, "-2", 2, 0, "48709498418"},
	{'*', "-85529466493573931993478179294717409700", 10, "652", 38, 0, "0"},
	{'+', "-34014282285485627127928400708979151207", 0, "823037520127375", 38, 2, ""},
	{'*', "-92948721", 2, "-458", 0, 0, "425705142"},
	{'+', "-201", 6, "543417319936020", 20, 2, "0"},
	{'/', "-1", 1, "-33912438643906088397513156794079576177", 6, 2, "0"},
	{'+', "27027956898594713611465011109814159853", 10, "532873439501583281593488", 6, 0, "2702795690392344800648084393"},
	{'/', "93285955083772285026677405540550987410", 10, "262735729547428019", 20, 0, "3550562203490967217760622830985"},
	{'*', "-4762886018083875575399893649963542805", 10, "-218", 1, 10, ""},
	{'*', "56238912", 20, "-6526163295750817819", 10, 10, "-3670243"},
	{'*', "89070030336722347725548981174633345917", 10, "8118871567794974744", 0, 0, ""},
	{'+', "633", 20, "-69529320632288", 10, 10, "-69529320632288"},
	{'/', "119467850337835", 10, "7179768929885685520668443996931838714", 6, 10, "0"},
	{'+', "-33926697238230980385578133070591815174", 10, "-8", 1, 10, "-33926697238230980385578133078591815174"},
	{'*', "8255438681419692497", 6, "427", 6, 2, "352507231697"},
	{'+', "-4114012658902881171643015", 38, "803", 1, 2, "8030"},
	{'+', "62778440", 6, "765", 6, 0, "63"},
	{'/', "71676478495094659434668518705257689467", 0, "-366", 20, 2, ""},
	{'+', "-61561748", 2, "-333553652922956422", 10, 10, "-339709827722956422"},
	{'*', "1932842424923274771", 0, "-5", 38, 0, "0"},
	{'*', "-44000044183201813387357120403316972470", 20, "-153", 2, 0, "673200676002987745"},
	{'*', "-2", 2, "-57703683975780812972093071084591923883", 10, 0, "115407367951561625944186142"},
	{'+', "4831115473071684188", 2, "5899667733332767373442029", 6, 10, "59479788880634842153220290000"},
	{'/', "355", 0, "33614664", 0, 10, "105609"},
	{'/', "486", 20, "8246719412883996886", 38, 6, "58932525"},
	{'/', "346533022542773", 1, "-4234749908814477602", 38, 0, "-818308117373064092375405565189701"},
	{'*', "17423955", 6, "-2", 1, 0, "-3"},
	{'+', "-9786364277828683410012159", 6, "49861319302891432906877696631823239877", 1, 0, "4986131930289143280901405385353640578"},
	{'*', "-409985823794649", 1, "-9", 0, 2, "36898724141518410"},
	{'+', "-143467", 6, "391", 2, 10, "37665330000"},
	{'/', "516", 38, "-94", 0, 0, "0"},
	{'*', "-414943865969821907", 0, "5", 10, 10, "-2074719329849109535"},
	{'+', "-6308376297150756574157301", 38, "2799914021044497466759125", 38, 10, "0"},
	{'/', "914478857730684", 0, "311026948764719673676109", 0, 0, "0"},
	{'+', "-7284842531004154281908345", 20, "74964259", 0, 10, "748914105746899585"},
	{'/', "270", 20, "898126868812819", 10, 10, "0"},
	{'+', "5136640622943487625471922", 6, "-4256330290777629400", 38, 6, "5136640622943487625471922"},
	{'+', "863530178690984", 10, "-4911912898357607865886298", 10, 0, "-491191289749408"},
	{'+', "302612597261020", 2, "-4", 20, 10, "30261259726102000000000"},
	{'*', "863754285875381", 0, "-224337090070335", 6, 0, "-193772123029063233878335"},
	{'*', "-570405243113635", 1, "-5", 1, 0, "28520262155682"},
	{'/', "-8", 1, "-976", 10, 10, "81967213114754098"},
	{'*', "5", 0, "480360485181898303452874", 6, 6, "2401802425909491517264370"},
	{'*', "-18885403", 38, "6113829773027486502602156", 2, 0, "0"},
	{'*', "-1994328986455733440571796598513236417", 0, "-33985569", 6, 6, ""},
	{'/', "-6", 0, "-6478435", 0, 2, "0"},
	{'/', "-994", 1, "-447", 38, 2, ""},
	{'*', "6", 6, "-29053785155617171972655036268042863291", 2, 2, "-174322710933703031835930217608257"},
	{'*', "-99152712", 6, "-4616457379376391331337370", 10, 6, "45773426899758206927539"},
	{'+', "165", 1, "2700186941840607365077910", 0, 0, "2700186941840607365077927"},
	{'*', "-4411106795057895290", 0, "5", 20, 6, "-220555"},
	{'*', "-236444495897137", 1, "-5367937927643121620034029", 20, 10, "12692193773087001602644950706"},
	{'/', "4177336190226256422533921", 20, "-65429623174275107291879184102854860737", 6, 6, "0"},
};

static Int128 int128(const char *text)
{
	Int128 x = 0;
	assert_true(text_to_decimal(text, strlen(text), 38, 0, &x));
	return x;
}

static void decimal_arithmetic_agrees_with_python(void **state)
{
	(void)state;
	for (int i = 0; i < LENGTH(DECIMAL_CASES); i++) {
		const __typeof__(*DECIMAL_CASES) *c = &DECIMAL_CASES[i];
		bool (*compute)(Int128, int, Int128, int, int, Int128 *) = c->op == '+' ? decimal_add : c->op == '*' ? decimal_multiply : decimal_divide;
		Int128 result = 0;
		bool ok = compute(int128(c->a), c->scale_a, int128(c->b), c->scale_b, c->scale_out, &result);
		if (ok != (c->result[0] != 0)) fail_msg("%s %d %c %s %d at %d", c->a, c->scale_a, c->op, c->b, c->scale_b, c->scale_out);
		if (ok) assert_string_equal(printed((Value){.type = type_decimal(38, 0), .i128 = result}), c->result);
	}
}

static void decimals_compare_across_scales(void **state)
{
	(void)state;
	assert_int_equal(decimal_compare(125, 2, 1250, 3), 0);
	assert_int_equal(decimal_compare(125, 2, 1251, 3), -1);
	assert_int_equal(decimal_compare(-125, 2, -1251, 3), 1);
	assert_int_equal(decimal_compare(int128("99999999999999999999999999999999999999"), 0, 1, 38), 1);
	assert_int_equal(decimal_compare(-1, 0, 1, 5), -1);
}

static void reals_and_decimals_convert_by_their_shortest_text(void **state)
{
	(void)state;
	Int128 x;
	assert_true(real_to_decimal(0.1, 10, 3, &x));
	assert_int_equal((int)x, 100);
	assert_true(real_to_decimal(2.675, 10, 2, &x));      /* the double is below, its text is not */
	assert_int_equal((int)x, 268);
	assert_true(real_to_decimal(-1e20, 38, 2, &x));
	assert_string_equal(printed((Value){.type = type_decimal(38, 2), .i128 = x}), "-100000000000000000000.00");
	assert_false(real_to_decimal(1e39, 38, 0, &x));
	assert_false(real_to_decimal(INFINITY, 38, 0, &x));
	assert_true(decimal_to_real(1, 1) == 0.1);
	assert_true(decimal_to_real(int128("12345678901234567890123"), 10) == 1234567890123.4567890123);
}

/* made by Python's datetime: text, microseconds, weekday (0 Sunday) */
static const struct { const char *text; int64_t us; int weekday; } TIMESTAMP_CASES[] = {
	{"2733-09-11 00:00:00.000001", 24099811200000001ll, 1},
	{"4249-06-04 23:45:38.331637", 71931714338331637ll, 1},
	{"7186-07-14 00:00:00", 164617833600000000ll, 1},
	{"9618-03-04 00:00:00.000001", 241352956800000001ll, 0},
	{"2202-12-02 20:50:34.21042", 7350209434210420ll, 4},
	{"4561-07-17 00:00:00.000001", 81781142400000001ll, 5},
	{"9969-04-19 20:11:35.909812", 252433483895909812ll, 6},
	{"8513-04-02 00:00:00.000001", 206485027200000001ll, 0},
	{"8708-03-24 00:00:00", 212637830400000000ll, 2},
	{"3460-08-23 00:00:00.25", 47040134400250000ll, 4},
	{"5429-11-14 14:49:33.278939", 109182955773278939ll, 6},
	{"1541-07-09 00:00:00", -13521600000000000ll, 3},
	{"0413-02-09 00:00:00.000001", -49130755199999999ll, 6},
	{"2963-07-23 15:52:07.472527", 31353666727472527ll, 6},
	{"6592-11-08 20:42:01.593093", 145883277721593093ll, 4},
	{"6710-04-29 00:00:00.25", 149590108800250000ll, 5},
	{"6222-06-08 00:00:00", 134193801600000000ll, 6},
	{"8198-03-14 00:00:00.25", 196542979200250000ll, 3},
	{"3273-05-05 02:32:04.378149", 41129519524378149ll, 5},
	{"9807-05-08 00:00:00.25", 247322764800250000ll, 5},
	{"9194-09-24 00:00:00.000001", 227990419200000001ll, 6},
	{"0232-02-11 15:51:36.828151", -54842429303171849ll, 6},
	{"1366-08-08 00:00:00", -19041436800000000ll, 5},
	{"4339-07-27 00:00:00.25", 74776262400250000ll, 4},
	{"6326-10-08 00:00:00.000001", 137486246400000001ll, 5},
};

static void timestamps_agree_with_python(void **state)
{
	(void)state;
	for (int i = 0; i < LENGTH(TIMESTAMP_CASES); i++) {
		int64_t us, rest;
		const char *text = TIMESTAMP_CASES[i].text;
		assert_true(text_to_timestamp(text, strlen(text), &us));
		assert_true(us == TIMESTAMP_CASES[i].us);
		assert_int_equal(weekday_of(timestamp_day(us, &rest)), TIMESTAMP_CASES[i].weekday);
		assert_string_equal(printed((Value){.type = TYPE(TIMESTAMP), .i64 = us}), text);
	}
}

static void every_day_of_the_calendar_goes_both_ways(void **state)
{
	(void)state;
	Civil before = {0, 12, 31};
	for (int64_t day = DAYS_MIN; day <= DAYS_MAX; day++) {
		Civil civil = civil_from_days(day);
		assert_true(days_from_civil(civil.year, civil.month, civil.day) == day);
		bool next = civil.day == before.day + 1 || (civil.day == 1 && before.day == (before.year ? days_in_month(before.year, before.month) : 31));
		if (!next) fail_msg("after %d-%d-%d comes %d-%d-%d", before.year, before.month, before.day, civil.year, civil.month, civil.day);
		before = civil;
	}
}

/* made by Python's zoneinfo; both ways, or only from local to UTC where a local time comes twice or never */
static const struct { const char *zone, *utc, *local; bool only_to_utc; } ZONE_CASES[] = {
	{"Europe/Berlin", "2037-09-28 14:28:00", "2037-09-28 16:28:00", 0},
	{"Europe/Berlin", "2038-10-07 05:51:00", "2038-10-07 07:51:00", 0},
	{"Europe/Berlin", "2038-08-21 19:50:00", "2038-08-21 21:50:00", 0},
	{"Europe/Berlin", "1999-02-15 09:09:00", "1999-02-15 10:09:00", 0},
	{"Europe/Berlin", "1980-09-26 22:40:00", "1980-09-27 00:40:00", 0},
	{"Europe/Berlin", "1950-10-13 14:41:00", "1950-10-13 15:41:00", 0},
	{"Europe/Berlin", "2300-10-21 05:39:00", "2300-10-21 07:39:00", 0},
	{"America/New_York", "1950-09-03 01:02:00", "1950-09-02 21:02:00", 0},
	{"America/New_York", "2007-04-20 00:49:00", "2007-04-19 20:49:00", 0},
	{"America/New_York", "2037-06-15 18:53:00", "2037-06-15 14:53:00", 0},
	{"America/New_York", "2007-09-08 20:18:00", "2007-09-08 16:18:00", 0},
	{"America/New_York", "2037-01-22 02:29:00", "2037-01-21 21:29:00", 0},
	{"America/New_York", "2100-05-14 17:59:00", "2100-05-14 13:59:00", 0},
	{"America/New_York", "1980-12-09 10:48:00", "1980-12-09 05:48:00", 0},
	{"Australia/Lord_Howe", "2007-09-10 00:04:00", "2007-09-10 10:34:00", 0},
	{"Australia/Lord_Howe", "2045-02-13 03:54:00", "2045-02-13 14:54:00", 0},
	{"Australia/Lord_Howe", "2011-07-03 00:54:00", "2011-07-03 11:24:00", 0},
	{"Australia/Lord_Howe", "2100-01-07 06:59:00", "2100-01-07 17:59:00", 0},
	{"Australia/Lord_Howe", "1950-08-13 22:25:00", "1950-08-14 08:25:00", 0},
	{"Australia/Lord_Howe", "2026-02-19 20:12:00", "2026-02-20 07:12:00", 0},
	{"Australia/Lord_Howe", "2100-05-11 02:19:00", "2100-05-11 12:49:00", 0},
	{"Asia/Kolkata", "2024-01-14 03:08:00", "2024-01-14 08:38:00", 0},
	{"Asia/Kolkata", "2007-12-04 00:03:00", "2007-12-04 05:33:00", 0},
	{"Asia/Kolkata", "2037-08-06 21:35:00", "2037-08-07 03:05:00", 0},
	{"Asia/Kolkata", "2007-08-17 06:46:00", "2007-08-17 12:16:00", 0},
	{"Asia/Kolkata", "1999-07-21 12:07:00", "1999-07-21 17:37:00", 0},
	{"Asia/Kolkata", "2026-07-07 00:17:00", "2026-07-07 05:47:00", 0},
	{"Asia/Kolkata", "2045-05-01 06:11:00", "2045-05-01 11:41:00", 0},
	{"America/Sao_Paulo", "2026-10-21 18:06:00", "2026-10-21 15:06:00", 0},
	{"America/Sao_Paulo", "1950-03-07 14:16:00", "1950-03-07 12:16:00", 0},
	{"America/Sao_Paulo", "1950-10-11 09:24:00", "1950-10-11 06:24:00", 0},
	{"America/Sao_Paulo", "1980-02-03 06:37:00", "1980-02-03 03:37:00", 0},
	{"America/Sao_Paulo", "2100-04-01 19:23:00", "2100-04-01 16:23:00", 0},
	{"America/Sao_Paulo", "2024-10-15 04:37:00", "2024-10-15 01:37:00", 0},
	{"America/Sao_Paulo", "2037-10-05 12:11:00", "2037-10-05 09:11:00", 0},
	{"Africa/Casablanca", "2100-03-10 07:52:00", "2100-03-10 08:52:00", 0},
	{"Africa/Casablanca", "2045-04-24 06:10:00", "2045-04-24 07:10:00", 0},
	{"Africa/Casablanca", "2300-11-18 06:43:00", "2300-11-18 07:43:00", 0},
	{"Africa/Casablanca", "2026-08-20 02:26:00", "2026-08-20 03:26:00", 0},
	{"Africa/Casablanca", "1950-02-04 01:32:00", "1950-02-04 01:32:00", 0},
	{"Africa/Casablanca", "2011-04-24 22:25:00", "2011-04-24 23:25:00", 0},
	{"Africa/Casablanca", "2011-07-27 19:31:00", "2011-07-27 20:31:00", 0},
	{"Europe/Dublin", "2011-09-06 23:04:00", "2011-09-07 00:04:00", 0},
	{"Europe/Dublin", "1999-04-16 17:41:00", "1999-04-16 18:41:00", 0},
	{"Europe/Dublin", "2045-10-03 08:13:00", "2045-10-03 09:13:00", 0},
	{"Europe/Dublin", "2007-12-01 02:17:00", "2007-12-01 02:17:00", 0},
	{"Europe/Dublin", "2026-08-08 01:02:00", "2026-08-08 02:02:00", 0},
	{"Europe/Dublin", "1999-05-12 16:36:00", "1999-05-12 17:36:00", 0},
	{"Europe/Dublin", "1999-02-12 04:57:00", "1999-02-12 04:57:00", 0},
	{"Pacific/Apia", "2037-06-22 23:44:00", "2037-06-23 12:44:00", 0},
	{"Pacific/Apia", "2038-10-05 18:02:00", "2038-10-06 07:02:00", 0},
	{"Pacific/Apia", "1950-08-12 22:19:00", "1950-08-12 11:19:00", 0},
	{"Pacific/Apia", "1950-01-20 20:04:00", "1950-01-20 09:04:00", 0},
	{"Pacific/Apia", "2037-02-24 09:20:00", "2037-02-24 22:20:00", 0},
	{"Pacific/Apia", "1999-02-03 14:34:00", "1999-02-03 03:34:00", 0},
	{"Pacific/Apia", "2024-12-02 23:47:00", "2024-12-03 12:47:00", 0},
	{"Asia/Tehran", "2300-03-26 10:22:00", "2300-03-26 13:52:00", 0},
	{"Asia/Tehran", "1980-11-16 02:55:00", "1980-11-16 06:25:00", 0},
	{"Asia/Tehran", "2026-01-28 15:36:00", "2026-01-28 19:06:00", 0},
	{"Asia/Tehran", "1950-10-22 12:24:00", "1950-10-22 15:54:00", 0},
	{"Asia/Tehran", "2045-01-20 02:05:00", "2045-01-20 05:35:00", 0},
	{"Asia/Tehran", "1980-11-04 08:56:00", "1980-11-04 12:26:00", 0},
	{"Asia/Tehran", "2026-12-11 12:59:00", "2026-12-11 16:29:00", 0},
	{"Antarctica/Troll", "2300-12-19 14:28:00", "2300-12-19 14:28:00", 0},
	{"Antarctica/Troll", "2037-09-03 16:48:00", "2037-09-03 18:48:00", 0},
	{"Antarctica/Troll", "2038-01-10 19:05:00", "2038-01-10 19:05:00", 0},
	{"Antarctica/Troll", "2037-01-08 22:07:00", "2037-01-08 22:07:00", 0},
	{"Antarctica/Troll", "2037-10-22 15:16:00", "2037-10-22 17:16:00", 0},
	{"Antarctica/Troll", "1950-06-10 04:43:00", "1950-06-10 04:43:00", 0},
	{"Antarctica/Troll", "2045-04-17 05:48:00", "2045-04-17 07:48:00", 0},
	{"America/Nuuk", "2024-11-15 15:57:00", "2024-11-15 13:57:00", 0},
	{"America/Nuuk", "2007-06-13 21:16:00", "2007-06-13 19:16:00", 0},
	{"America/Nuuk", "2007-11-14 06:56:00", "2007-11-14 03:56:00", 0},
	{"America/Nuuk", "2007-07-08 18:58:00", "2007-07-08 16:58:00", 0},
	{"America/Nuuk", "2024-04-05 04:31:00", "2024-04-05 03:31:00", 0},
	{"America/Nuuk", "2024-01-23 02:17:00", "2024-01-23 00:17:00", 0},
	{"America/Nuuk", "1999-02-15 15:17:00", "1999-02-15 12:17:00", 0},
	{"Europe/Berlin", "2026-03-29 01:30:00", "2026-03-29 02:30:00", 1},
	{"Europe/Berlin", "2026-10-25 00:30:00", "2026-10-25 02:30:00", 1},
	{"America/New_York", "2040-03-11 07:15:00", "2040-03-11 02:15:00", 1},
	{"America/New_York", "2040-11-04 05:15:00", "2040-11-04 01:15:00", 1},
	{"Australia/Lord_Howe", "2026-04-04 14:45:00", "2026-04-05 01:45:00", 1},
	{"Europe/Berlin", "2026-06-30 22:00:00", "2026-07-01 00:00:00", 1},
	{"Pacific/Apia", "2011-12-30 22:00:00", "2011-12-30 12:00:00", 1},
	{"Europe/Dublin", "2050-10-30 00:30:00", "2050-10-30 01:30:00", 1},
	{"Europe/Berlin", "2099-12-31 22:59:59", "2099-12-31 23:59:59", 1},
};

static int64_t timestamp_of(const char *text)
{
	int64_t us = 0;
	assert_true(text_to_timestamp(text, strlen(text), &us));
	return us;
}

static void zones_agree_with_python(void **state)
{
	(void)state;
	for (int i = 0; i < LENGTH(ZONE_CASES); i++) {
		Zone *zone = zone_load(ZONE_CASES[i].zone, strlen(ZONE_CASES[i].zone));
		assert_non_null(zone);
		int64_t utc = timestamp_of(ZONE_CASES[i].utc), local = timestamp_of(ZONE_CASES[i].local);
		if (!ZONE_CASES[i].only_to_utc && zone_to_local(zone, utc) != local) fail_msg("%s at %s", ZONE_CASES[i].zone, ZONE_CASES[i].utc);
		if (zone_to_utc(zone, local) != utc) {
			int64_t back = zone_to_local(zone, zone_to_utc(zone, local));
			if (ZONE_CASES[i].only_to_utc || back != local) fail_msg("%s local %s", ZONE_CASES[i].zone, ZONE_CASES[i].local);
		}
		zone_free(zone);
	}
}

/* Minute by minute around each jump: where the clock first shows a time or a later one, and where it has shown an earlier one for the last time */
static void pieces_of_local_time_begin_and_end_by_the_clock(void **state)
{
	(void)state;
	static const struct { const char *zone, *jump; } JUMPS[] = {
		{"Europe/Berlin", "2026-03-29 01:00:00"}, {"Europe/Berlin", "2026-10-25 01:00:00"}, {"America/New_York", "2040-11-04 06:00:00"}, {"Australia/Lord_Howe", "2026-04-04 15:00:00"},
		{"Australia/Lord_Howe", "2026-10-03 15:30:00"}, {"America/St_Johns", "2010-11-07 02:31:00"}, {"America/Havana", "2026-11-01 05:00:00"}, {"Asia/Kolkata", "2026-01-01 00:00:00"},
	};
	enum { MINUTES = 8 * 60 };
	for (int i = 0; i < LENGTH(JUMPS); i++) {
		Zone *zone = zone_load(JUMPS[i].zone, strlen(JUMPS[i].zone));
		assert_non_null(zone);
		int64_t from = timestamp_of(JUMPS[i].jump) - MINUTES / 2 * US_PER_MINUTE;
		for (int64_t m = 180; m < MINUTES - 180; m += 5) {
			int64_t local = zone_to_local(zone, timestamp_of(JUMPS[i].jump) - 1) + (m - MINUTES / 2) * US_PER_MINUTE + 1, begins = 0, ends = 0;
			for (int64_t t = MINUTES; t >= 0; t--)
				if (zone_to_local(zone, from + t * US_PER_MINUTE) >= local) begins = from + t * US_PER_MINUTE;
			for (int64_t t = 0; t < MINUTES; t++)
				if (zone_to_local(zone, from + t * US_PER_MINUTE) < local) ends = from + (t + 1) * US_PER_MINUTE;
			if (zone_begins(zone, local) != begins || zone_ends(zone, local) != ends)
				fail_msg("%s, %d minutes after %s", JUMPS[i].zone, (int)(m - MINUTES / 2), JUMPS[i].jump);
		}
		zone_free(zone);
	}
}

static void fixed_offsets_are_zones_and_paths_are_not(void **state)
{
	(void)state;
	Zone *zone = zone_load("+05:30", 6);
	assert_true(zone_to_local(zone, 0) == 330 * US_PER_MINUTE && zone_to_utc(zone, 330 * US_PER_MINUTE) == 0);
	zone_free(zone);
	static const char *const BAD[] = {"", "../etc/passwd", "/etc/localtime", "Europe/Nowhere", "Europe", "+25:00", "+1x", "tzdata.zi"};
	for (int i = 0; i < LENGTH(BAD); i++) assert_null(zone_load(BAD[i], strlen(BAD[i])));
}

static void intervals_are_added_by_the_calendar(void **state)
{
	(void)state;
	static const struct { const char *at, *interval; int sign; const char *result; } CASES[] = {
		{"2026-01-31 10:00:00", "1 month", 1, "2026-02-28 10:00:00"}, {"2024-03-31 00:00:00", "1 month", -1, "2024-02-29 00:00:00"},
		{"2026-11-20 10:00:00", "1 year 1 day 00:00:01.5", 1, "2027-11-21 10:00:01.5"}, {"1969-12-31 23:59:59", "2 seconds", 1, "1970-01-01 00:00:01"},
		{"9999-12-31 00:00:00", "1 day", 1, NULL}, {"0001-01-15 00:00:00", "1 month", -1, NULL}, {"2026-01-15 00:00:00", "13 months", -1, "2024-12-15 00:00:00"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		int64_t us;
		Interval interval;
		assert_true(text_to_timestamp(CASES[i].at, strlen(CASES[i].at), &us));
		assert_true(text_to_interval(CASES[i].interval, strlen(CASES[i].interval), &interval));
		assert_int_equal(timestamp_add_interval(us, interval, CASES[i].sign, &us), CASES[i].result != NULL);
		if (CASES[i].result) assert_string_equal(printed((Value){.type = TYPE(TIMESTAMP), .i64 = us}), CASES[i].result);
	}
}

static void interval_literals_take_units(void **state)
{
	(void)state;
	static const struct { const char *text, *unit, *result; } CASES[] = {
		{"10", "SECOND", "PT10S"}, {"1-2", "YEAR TO MONTH", "P1Y2M"}, {"1 10:00", "DAY TO MINUTE", "P1DT10H"}, {"10:30", "MINUTE TO SECOND", "PT10M30S"}, {"10:30", "HOUR TO MINUTE", "PT10H30M"},
		{"-5", "DAYS", "P-5D"}, {"2", "QUARTER", "P6M"}, {"5 seconds", "SECOND", "PT5S"}, {"1.5", "hour", "PT1H30M"}, {"3", "DAY(3)", "P3D"}, {"3", "EONS", NULL}, {"x", "DAY", NULL},
		{"4 5:12:10.222", "DAY TO SECOND(3)", "P4DT5H12M10.222S"},
	};
	for (int i = 0; i < LENGTH(CASES); i++) {
		Value value = {.type = TYPE(INTERVAL)};
		bool ok = text_to_interval_unit(CASES[i].text, strlen(CASES[i].text), CASES[i].unit, &value.interval);
		if (ok != (CASES[i].result != NULL)) fail_msg("'%s' %s", CASES[i].text, CASES[i].unit);
		if (ok) assert_string_equal(printed(value), CASES[i].result);
	}
}

static void values_print_as_literals_and_as_json(void **state)
{
	(void)state;
	static const struct { TypeKind kind; const char *text, *sql, *json; } CASES[] = {
		{TYPE_INTEGER, "-5", "-5", "-5"}, {TYPE_REAL, "1e999", "9.0e+999", "1e999"}, {TYPE_TEXT, "it's \"\\\n\x01", "'it''s \"\\\n\x01'", "\"it's \\\"\\\\\\n\\u0001\""},
		{TYPE_BLOB, "abcd", "x'61626364'", "\"YWJjZA==\""}, {TYPE_BOOLEAN, "t", "TRUE", "true"}, {TYPE_DATE, "2026-11-20", "DATE '2026-11-20'", "\"2026-11-20\""},
		{TYPE_INTERVAL, "1 day", "INTERVAL 'P1D'", "\"P1D\""}, {TYPE_JSON, "{\"a\":1}", "CAST('{\"a\":1}' AS JSON)", "\"{\\\"a\\\":1}\""},
	};
	Arena arena;
	arena_init(&arena, 0);
	for (int i = 0; i < LENGTH(CASES); i++) {
		Value value;
		StrBuf out = STRBUF_INIT;
		assert_true(text_to_value(CASES[i].text, strlen(CASES[i].text), (Type){.kind = CASES[i].kind}, &value, &arena));
		value_print_sql(&value, &out);
		assert_string_equal(out.text, CASES[i].sql);
		strbuf_clear(&out);
		value_print_json(&value, &out);
		assert_string_equal(out.text, CASES[i].json);
		strbuf_release(&out);
	}
	arena_release(&arena);
}

/* ---- rows, keys and batches: random values, drawn so that equal ones and near neighbours are frequent ---- */

static const Type ROW_TYPES[] = {
	{.kind = TYPE_INTEGER}, {.kind = TYPE_REAL}, {.kind = TYPE_DECIMAL, .precision = 30, .scale = 4}, {.kind = TYPE_TEXT}, {.kind = TYPE_BLOB},
	{.kind = TYPE_TIMESTAMP}, {.kind = TYPE_INTERVAL}, {.kind = TYPE_BOOLEAN}, {.kind = TYPE_NULL},
};
enum { ROW_TYPE_COUNT = sizeof ROW_TYPES / sizeof *ROW_TYPES };

static uint64_t random_state = 88172645463325252ull;
static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}
static int64_t draw_int(void) { return draw() % 4 ? (int64_t)(draw() % 7) - 3 : (int64_t)draw(); }

static Value draw_value(Type type, Arena *arena)
{
	static const double REALS[] = {0.0, -0.0, 1.5, -1.5, 1e300, -1e-300, INFINITY, -INFINITY};
	Value value = {.type = type, .is_null = type.kind == TYPE_NULL || draw() % 5 == 0};
	if (value.is_null) return value;
	switch (type_phys(type)) {
	case PHYS_I64: value.i64 = draw_int(); break;
	case PHYS_F64: value.f64 = REALS[draw() % 8]; break;
	case PHYS_I128: value.i128 = (Int128)draw_int() * (draw() % 2 ? 1 : 1000000000000ll); break;
	case PHYS_INTERVAL: value.interval = (Interval){.months = (int)(draw() % 3) - 1, .days = (int)(draw() % 61) - 30, .us = draw_int()}; break;
	case PHYS_STR: {
		char text[40];
		size_t bytes = draw() % 3 ? draw() % 5 : draw() % 40;
		for (size_t i = 0; i < bytes; i++) text[i] = "\0\x01\xff\x61"[draw() % 4];
		value.str = str_copy(arena, text, bytes);
		break;
	}
	}
	return value;
}

static int sign(int x) { return (x > 0) - (x < 0); }

static void packed_rows_come_back_and_equal_rows_have_equal_bytes(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	for (int round = 0; round < 2000; round++) {
		Value a[ROW_TYPE_COUNT], b[ROW_TYPE_COUNT], back[ROW_TYPE_COUNT];
		StrBuf packed_a = STRBUF_INIT, packed_b = STRBUF_INIT;
		bool equal = true;
		for (int i = 0; i < ROW_TYPE_COUNT; i++) {
			a[i] = draw_value(ROW_TYPES[i], &arena);
			b[i] = draw() % 4 ? a[i] : draw_value(ROW_TYPES[i], &arena);
			equal &= value_equal(&a[i], &b[i]);
		}
		row_pack_values(&packed_a, a, ROW_TYPE_COUNT);
		row_pack_values(&packed_b, b, ROW_TYPE_COUNT);
		assert_int_equal(row_unpack(packed_a.text, ROW_TYPES, ROW_TYPE_COUNT, back), packed_a.bytes);
		for (int i = 0; i < ROW_TYPE_COUNT; i++) assert_true(value_equal(&a[i], &back[i]));
		assert_int_equal(equal, packed_a.bytes == packed_b.bytes && memcmp(packed_a.text, packed_b.text, packed_a.bytes) == 0);
		strbuf_release(&packed_a);
		strbuf_release(&packed_b);
		arena_clear(&arena);
	}
	arena_release(&arena);
}

static void sort_keys_order_as_values_compare_and_can_be_read_back(void **state)
{
	(void)state;
	Arena arena;
	arena_init(&arena, 0);
	for (int round = 0; round < 20000; round++) {
		Type type = ROW_TYPES[draw() % ROW_TYPE_COUNT];
		SortSpec spec = {.descending = draw() % 2, .nulls_last = draw() % 2};
		Value a = draw_value(type, &arena), b = draw_value(type, &arena), back;
		StrBuf key_a = STRBUF_INIT, key_b = STRBUF_INIT;
		sort_key_add(&key_a, &a, spec);
		sort_key_add(&key_b, &b, spec);
		size_t common = key_a.bytes < key_b.bytes ? key_a.bytes : key_b.bytes;
		int order = sign(memcmp(key_a.text, key_b.text, common)), wanted = sign(value_compare(&a, &b));
		if (order == 0) assert_int_equal(key_a.bytes, key_b.bytes);
		if (a.is_null || b.is_null) { if (spec.nulls_last) wanted = -wanted; }
		else if (spec.descending) wanted = -wanted;
		assert_int_equal(order, wanted);
		assert_int_equal(sort_key_read(key_a.text, type, spec, &back, &arena), key_a.bytes);
		assert_true(value_equal(&a, &back));
		strbuf_release(&key_a);
		strbuf_release(&key_b);
		if (round % 100 == 0) arena_clear(&arena);
	}
	arena_release(&arena);
}

static Batch *random_batch(int rows)
{
	BatchBuilder builder;
	Arena arena;
	arena_init(&arena, 0);
	batch_builder_init(&builder, ROW_TYPES, ROW_TYPE_COUNT, rows);
	for (int i = 0; i < rows; i++) {
		int row = batch_builder_row(&builder, draw() % 3 ? 1 : -2);
		for (int c = 0; c < ROW_TYPE_COUNT; c++) {
			Value value = draw_value(ROW_TYPES[c], &arena);
			batch_builder_set(&builder, row, c, &value);
		}
	}
	arena_release(&arena);
	return batch_builder_take(&builder);
}

static void rows_packed_together_are_the_rows_packed_one_by_one(void **state)
{
	(void)state;
	Batch *batch = random_batch(100);
	Arena scratch;
	arena_init(&scratch, 0);
	for (int count = 1; count <= ROW_TYPE_COUNT; count++) {
		PackedRows rows = rows_pack(batch->columns, count, batch->rows, &scratch);
		for (int i = 0; i < batch->rows; i++) {
			StrBuf one = STRBUF_INIT;
			row_pack(&one, batch->columns, count, i);
			assert_int_equal(one.bytes, rows.bytes[i]);
			assert_memory_equal(one.text, rows.at[i], one.bytes);
			assert_true(hash_bytes(one.text, one.bytes) == rows.hashes[i]);
			strbuf_release(&one);
		}
	}
	int64_t numbers[] = {1, -1, INT64_MIN};
	Column column = {.type = TYPE(INTEGER), .i64 = numbers};
	PackedRows rows = rows_pack(&column, 1, 3, &scratch);
	StrBuf one = STRBUF_INIT;
	row_pack(&one, &column, 1, 2);
	assert_memory_equal(one.text, rows.at[2], one.bytes);
	strbuf_release(&one);
	arena_release(&scratch);
	batch_unref(batch);
}

static void a_selection_gathers_and_a_derived_batch_keeps_its_parent(void **state)
{
	(void)state;
	Batch *parent = random_batch(50);
	Batch *derived = batch_derive(parent, ROW_TYPE_COUNT);
	uint32_t *sel = arena_alloc(&derived->arena, sizeof *sel * 25);
	for (uint32_t i = 0; i < 25; i++) sel[i] = i * 2 + 1;
	for (int c = 0; c < ROW_TYPE_COUNT; c++) derived->columns[c] = parent->columns[c];
	derived->sel = sel;
	derived->count = 25;
	Batch *copy = parent;
	batch_unref(parent);
	batch_check(derived);
	Arena scratch;
	arena_init(&scratch, 0);
	for (int c = 0; c < ROW_TYPE_COUNT; c++) {
		Column column = batch_column(derived, c, &scratch);
		for (int i = 0; i < 25; i++) {
			Value here = column_value(&column, i), there = column_value(&copy->columns[c], 2 * i + 1);
			assert_true(value_equal(&here, &there));
		}
	}
	arena_release(&scratch);
	batch_unref(derived);
}

static void a_builder_copies_rows_and_a_batch_prints_them(void **state)
{
	(void)state;
	static const Type TYPES[] = {{.kind = TYPE_INTEGER}, {.kind = TYPE_TEXT}};
	BatchBuilder builder;
	batch_builder_init(&builder, TYPES, 2, 2);
	assert_null(batch_builder_take(&builder));
	Value one = {.type = TYPE(INTEGER), .i64 = 1}, text = {.type = TYPE(TEXT), .str = str_borrow("a longer text than inline", 25)}, null = {.type = TYPE(TEXT), .is_null = true};
	int row = batch_builder_row(&builder, 1);
	batch_builder_set(&builder, row, 0, &one);
	batch_builder_set(&builder, row, 1, &text);
	row = batch_builder_row(&builder, -3);
	batch_builder_copy(&builder, row, 0, &builder.batch->columns[0], 0);
	batch_builder_set(&builder, row, 1, &null);
	assert_true(batch_builder_full(&builder));
	Batch *batch = batch_builder_take(&builder);
	StrBuf out = STRBUF_INIT;
	batch_print(batch, &out);
	assert_string_equal(out.text, "+1 | 1 | 'a longer text than inline'\n-3 | 1 | NULL\n");
	strbuf_release(&out);
	batch_unref(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type_names_of_all_systems_are_known),
		cmocka_unit_test(an_unknown_type_is_refused_with_the_nearest_name),
		cmocka_unit_test(a_row_type_prints_its_fields),
		cmocka_unit_test(what_a_type_prints_reads_as_the_same_type),
		cmocka_unit_test(text_becomes_values_and_prints_as_one_spelling),
		cmocka_unit_test(decimals_are_read_with_rounding_half_away_from_zero),
		cmocka_unit_test(decimal_arithmetic_agrees_with_python),
		cmocka_unit_test(decimals_compare_across_scales),
		cmocka_unit_test(reals_and_decimals_convert_by_their_shortest_text),
		cmocka_unit_test(timestamps_agree_with_python),
		cmocka_unit_test(every_day_of_the_calendar_goes_both_ways),
		cmocka_unit_test(zones_agree_with_python),
		cmocka_unit_test(pieces_of_local_time_begin_and_end_by_the_clock),
		cmocka_unit_test(fixed_offsets_are_zones_and_paths_are_not),
		cmocka_unit_test(intervals_are_added_by_the_calendar),
		cmocka_unit_test(interval_literals_take_units),
		cmocka_unit_test(values_print_as_literals_and_as_json),
		cmocka_unit_test(packed_rows_come_back_and_equal_rows_have_equal_bytes),
		cmocka_unit_test(sort_keys_order_as_values_compare_and_can_be_read_back),
		cmocka_unit_test(rows_packed_together_are_the_rows_packed_one_by_one),
		cmocka_unit_test(a_selection_gathers_and_a_derived_batch_keeps_its_parent),
		cmocka_unit_test(a_builder_copies_rows_and_a_batch_prints_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
