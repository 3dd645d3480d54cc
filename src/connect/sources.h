/* The connectors' entry points, one pair a row of connectors.def. */
#ifndef WEIR_CONNECT_SOURCES_H
#define WEIR_CONNECT_SOURCES_H

#include "connect/connector.h"

bool connect_kafka_source(const SourceConfig *config, Source **source, Error *err);
bool connect_file_source(const SourceConfig *config, Source **source, Error *err);
bool connect_stdin_source(const SourceConfig *config, Source **source, Error *err);
bool connect_nexmark_source(const SourceConfig *config, Source **source, Error *err);
bool connect_datagen_source(const SourceConfig *config, Source **source, Error *err);

bool connect_file_sink(const SinkConfig *config, Sink **sink, Error *err);
bool connect_blackhole_sink(const SinkConfig *config, Sink **sink, Error *err);

#endif
