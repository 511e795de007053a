/* blocks.h: The kinds of values, and the blocks of which a configuration has many: stores, listeners, certificates. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_BLOCKS_H
#define CONF_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_list {
	const char *const *at;
	size_t n;
};

struct conf_map {
	const char *const *names, *const *values;
	size_t n;
};

/* "10/1m": at most `count` in `per_ms`; count 0: no limit. */
struct conf_rate {
	uint64_t count, per_ms;
};

enum conf_store_type {
	CONF_STORE_ROCKSDB,
	CONF_STORE_SQLITE,
	CONF_STORE_MEMORY,
	CONF_STORE_FILESYSTEM,
	CONF_STORE_POSTGRESQL,
	CONF_STORE_MYSQL,
	CONF_STORE_S3,
	CONF_STORE_AZURE,
	CONF_STORE_REDIS,
	CONF_STORE_MEMCACHED,
	CONF_STORE_SHARDED,
	CONF_STORE_TIERED,
	CONF_STORE_TYPES
};

struct conf_store {
	const char *id;
	unsigned type; /* enum conf_store_type */
	const char *path;
	unsigned compression; /* enum conf_compression */
	uint64_t cache_size;
	bool optimize_writes, optimize_reads;
	uint64_t max_background_jobs, depth;
	unsigned durability; /* 0 strict, 1 relaxed */
	const char *host, *database, *user, *password;
	uint64_t port, pool_max, pool_acquire_ms, pool_idle_ms, connect_ms;
	struct conf_list read_replicas, stores, urls;
	unsigned by; /* 0 hash, 1 range, 2 modulo */
	struct conf_map ranges;
	const char *endpoint, *bucket, *region, *access_key, *secret_key, *storage_class;
	const char *session_token, *profile;
	unsigned addressing; /* enum conf_addressing */
	const char *account, *container, *sas_token;
	const char *hot, *cold;
	uint64_t after_ms;
	const char *url, *auth_username, *auth_secret, *sentinel_master;
	bool cluster, read_from_replicas;
	uint64_t protocol_version;
	uint64_t timeout_ms, retries;
	bool tls_enable, tls_allow_invalid;
	const char *tls_ca;
};
enum conf_compression { CONF_COMPRESS_LZ4, CONF_COMPRESS_ZSTD, CONF_COMPRESS_NONE };

enum conf_addressing { CONF_ADDRESS_AUTO, CONF_ADDRESS_PATH, CONF_ADDRESS_HOST };

enum conf_protocol {
	CONF_SMTP,
	CONF_SUBMISSION,
	CONF_LMTP,
	CONF_IMAP,
	CONF_POP3,
	CONF_MANAGESIEVE,
	CONF_HTTP,
	CONF_PROTOCOLS
};

struct conf_listener {
	const char *id;
	struct conf_list bind; /* "[::]:143", "127.0.0.1:2143" */
	unsigned protocol; /* enum conf_protocol */
	bool tls_implicit;
	struct conf_list trusted; /* networks whose PROXY header is believed */
	uint64_t max_connections; /* 0: only the total */
	uint64_t idle_ms, total_ms; /* 0: the protocol's own */
	struct conf_rate login_rate;
	const char *hostname; /* "": the server's */
};

struct conf_certificate {
	const char *id;
	const char *cert, *key; /* PEM files */
	bool is_default;
};

#endif
