/* librdkafka's configuration. Only rows of options.def marked LIBRDKAFKA reach it, so no option from SQL can load a plugin or run a
 * command; what Weir needs to be right is set after them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "connect/kafka.h"

/* What must hold whatever the options say, and what was measured to be best (see docs on Kafka). */
static const char *const FIXED[][2] = {
	{"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"}, {"auto.commit.enable", "false"},
	{"auto.offset.reset", "error"},              /* a position that is gone is the user's decision */
	{"enable.partition.eof", "true"},            /* tells the reader's position behind transaction markers */
	{"allow.auto.create.topics", "false"},
	{"log.connection.close", "false"},
	{"fetch.error.backoff.ms", "100"},
};

static bool conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, bool secret, Error *err)
{
	char why[512];
	rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, why, sizeof why);
	if (result == RD_KAFKA_CONF_OK) return true;
	if (secret) return error_set(err, ERR_INVALID_PARAMETER, SPAN_NONE, "option \"%s\" has a value that librdkafka refuses", name);
	return error_set(err, result == RD_KAFKA_CONF_UNKNOWN ? ERR_UNSUPPORTED : ERR_INVALID_PARAMETER, SPAN_NONE, "option \"%s\" is refused by librdkafka: %s", name, why);
}

static bool conf_set_number(rd_kafka_conf_t *conf, const char *name, int64_t value, Error *err)
{
	char text[32];
	snprintf(text, sizeof text, "%lld", (long long)value);
	return conf_set(conf, name, text, false, err);
}

/* name="value" or name='value' anywhere in the line. */
static bool jaas_word(const char *line, const char *name, char *out, size_t room)
{
	size_t bytes = strlen(name);
	for (const char *at = line; (at = strcasestr(at, name)); at += bytes) {
		const char *value = at + bytes;
		if (at > line && at[-1] != ' ' && at[-1] != '\t' && at[-1] != '\n') continue;
		while (*value == ' ') value++;
		if (*value++ != '=') continue;
		while (*value == ' ') value++;
		if (*value != '"' && *value != '\'') continue;
		const char *end = strchr(value + 1, *value);
		if (!end || (size_t)(end - value - 1) >= room) return false;
		memcpy(out, value + 1, (size_t)(end - value - 1));
		out[end - value - 1] = 0;
		return true;
	}
	return false;
}

bool kafka_jaas_parse(const char *line, char *user, size_t user_bytes, char *password, size_t password_bytes)
{
	return jaas_word(line, "username", user, user_bytes) && jaas_word(line, "password", password, password_bytes);
}

static bool set_jaas(rd_kafka_conf_t *conf, const OptionSet *options, Error *err)
{
	const char *line = options_text(options, "sasl.jaas.config");
	char user[512], password[4096];
	if (!line) return true;
	if (!kafka_jaas_parse(line, user, sizeof user, password, sizeof password))
		return error_set(err, ERR_UNSUPPORTED, SPAN_NONE, "option \"sasl.jaas.config\" holds no username and password: other login modules cannot be used");
	bool ok = conf_set(conf, "sasl.username", user, false, err) && conf_set(conf, "sasl.password", password, true, err);
	explicit_bzero(password, sizeof password);
	return ok;
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	(void)client, (void)level;
	log_write(LOG_DEBUG, "librdkafka: %s: %s", facility, text);       /* what matters comes as an error, too */
}

bool kafka_has_queue_backoff(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bool has = rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", "1", NULL, 0) == RD_KAFKA_CONF_OK;
	rd_kafka_conf_destroy(conf);
	return has;
}

/* Records fetched ahead: bytes for all partitions together, and never more in one answer than a partition may hold. */
static bool set_queue(rd_kafka_conf_t *conf, const OptionSet *options, int partition_count, int64_t queue_bytes, Error *err)
{
	int64_t share = queue_bytes / (partition_count > 0 ? partition_count : 1), fetch = options_integer(options, "fetch.message.max.bytes");
	if (share < 64 << 10) share = 64 << 10;
	if (!options_find(options, "fetch.message.max.bytes") && fetch > share) fetch = share;
	if (!conf_set_number(conf, "fetch.message.max.bytes", fetch, err)) return false;
	if (kafka_has_queue_backoff() && !conf_set(conf, "fetch.queue.backoff.ms", "1", false, err)) return false;
	return options_find(options, "queued.max.messages.kbytes") || conf_set_number(conf, "queued.max.messages.kbytes", share >> 10, err);
}

static bool set_all(rd_kafka_conf_t *conf, const OptionSet *options, int partition_count, int64_t queue_bytes, Error *err)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const OptionSpec *spec = &OPTIONS[i];
		const char *value = spec->flags & OPTION_LIBRDKAFKA ? options_text(options, spec->name) : NULL;
		if (value && !conf_set(conf, spec->name, value, spec->flags & OPTION_SECRET, err)) return false;
	}
	for (size_t i = 0; i < sizeof FIXED / sizeof *FIXED; i++)
		if (!conf_set(conf, FIXED[i][0], FIXED[i][1], false, err)) return false;
	if (!options_find(options, "reconnect.backoff.max.ms") && !conf_set(conf, "reconnect.backoff.max.ms", "2000", false, err)) return false;
	return set_queue(conf, options, partition_count, queue_bytes, err) && set_jaas(conf, options, err)
		&& conf_set(conf, "bootstrap.servers", options_text(options, "brokers"), false, err);
}

rd_kafka_conf_t *kafka_conf_new(const OptionSet *options, int partition_count, int64_t queue_bytes, Error *err)
{
	if (!options_text(options, "brokers")) {
		error_set(err, ERR_INVALID_DEFINITION, SPAN_NONE, "option \"brokers\" is missing");
		return NULL;
	}
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_log_cb(conf, on_log);
	if (set_all(conf, options, partition_count, queue_bytes, err)) return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}

rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, Error *err)
{
	char why[512];
	rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
	if (client) return client;
	rd_kafka_conf_destroy(conf);
	error_set(err, ERR_CONNECTION, SPAN_NONE, "could not make a Kafka client: %s", why);
	return NULL;
}

bool kafka_error(Error *err, const char *brokers, const char *topic, rd_kafka_resp_err_t code, const KafkaComplaint *complaint)
{
	const char *why = complaint && complaint->code ? complaint->text : rd_kafka_err2str(code);
	switch (code) {
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		error_set(err, ERR_NO_TOPIC, SPAN_NONE, "topic \"%s\" does not exist at \"%s\"", topic, brokers);
		break;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		error_set(err, ERR_CONNECTION, SPAN_NONE, "topic \"%s\" at \"%s\" may not be read: %s", topic, brokers, rd_kafka_err2str(code));
		break;
	default:
		error_set(err, ERR_CONNECTION, SPAN_NONE, "could not reach brokers \"%s\" for topic \"%s\": %s", brokers, topic, why);
	}
	if (err) err->retryable = true;
	return false;
}
