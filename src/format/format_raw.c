/* Raw records: the whole value is the column. Nothing can be wrong with the record, only with the column's type. */
#include "format/decoder.h"

typedef struct DecoderRaw { JsonSlot value; const JsonSlot **found; } DecoderRaw;

static bool raw_init(Decoder *d, Error *err)
{
	DecoderRaw *raw = d->state = arena_new(&d->arena, DecoderRaw);
	raw->found = arena_array(&d->arena, const JsonSlot *, d->config.column_count + 1);
	int fields = 0;
	DecodeColumn *columns = (DecodeColumn *)d->config.columns;         /* our own copy */
	for (int col = 0; col < d->config.column_count; col++) {
		if (columns[col].from == DECODE_KEY_FIELD)
			return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "column \"%s\": format raw reads no fields of the key", columns[col].name);
		if (columns[col].from != DECODE_FIELD) continue;
		if (fields++) return error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "column \"%s\": format raw has one column for the whole record", columns[col].name);
		columns[col].from = DECODE_VALUE;
	}
	if (d->config.changelog > CHANGELOG_UPSERT)
		return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "format raw carries no changelog but upsert");
	return true;
}

static void raw_release(Decoder *d) { (void)d; }

static int raw_decode(Decoder *d, const RecordBatch *records, int from)
{
	DecoderRaw *raw = d->state;
	bool upsert = d->config.changelog == CHANGELOG_UPSERT;
	int i = from;
	for (; i < records->count && decoder_has_room(d); i++) {
		d->record = &records->at[i];
		if (!decoder_take_flaw(d)) decoder_add_row(d, raw->found, !upsert ? ROW_INSERT : d->record->value ? ROW_UPSERT : ROW_DELETE);
		d->bytes += d->record->value_bytes + d->record->key_bytes;
		d->stats.records++;
	}
	return i;
}

const DecoderClass DECODER_RAW = {.init = raw_init, .release = raw_release, .decode = raw_decode};
