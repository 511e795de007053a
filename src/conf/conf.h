/* conf.h: The configuration: one immutable, counted snapshot with plain typed members, made from one table. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/buf.h"
#include "base/fault.h"
#include "conf/blocks.h"
#include "text/cron.h"

/* [conf 1] A snapshot never changes; a reload makes a new one. Holders count themselves in and out.
 * [conf 2] Strings are NUL-terminated and never NULL ("" when not set); durations are milliseconds, sizes bytes.
 * [conf 3] Every member has its row in conf/settings.tbl: key, type, default, range and what it does. */

enum conf_cluster_type {
	CONF_CLUSTER_NONE,
	CONF_CLUSTER_KAFKA,
	CONF_CLUSTER_NATS,
	CONF_CLUSTER_REDIS,
	CONF_CLUSTER_PEER
};

enum conf_pop3_lock { CONF_POP3_EXCLUSIVE, CONF_POP3_SNAPSHOT };

struct conf_cache {
	uint64_t message, events, contacts, files, access_token, permission, http_auth, directory;
	uint64_t dns_txt, dns_mx, dns_ptr, dns_ipv4, dns_ipv6, dns_tlsa, dns_mta_sts, dns_rbl;
};

struct conf {
	const char *hostname, *data_dir, *run_user;
	uint64_t max_connections, workers, drain_ms, rate_min, stress_ms;
	unsigned default_ports; /* 0 standard, 1 high (loopback, unprivileged) */
	const char *storage_data, *storage_blob, *storage_fts, *storage_lookup, *storage_directory;
	uint64_t memory_limit; /* effective: never 0 */
	struct conf_cache cache;
	struct {
		unsigned type; /* enum conf_cluster_type */
		struct conf_list bootstrap_servers, urls, seeds;
		const char *topic, *group_id, *node_id, *bind;
	} cluster;
	struct {
		bool enable;
		const char *bind;
		unsigned type; /* 0 prometheus */
	} metrics;
	struct {
		struct conf_list servers;
		uint64_t timeout_ms;
		bool dnssec;
	} dns;
	struct {
		struct cron data_cleanup, archiving, auto_expunge, telemetry;
		uint64_t changes_ms, changes_max;
	} retention;
	struct {
		unsigned level; /* enum event_level */
		unsigned format; /* 0 text, 1 json */
	} log;
	struct {
		uint64_t cache_ms, delay_ms, failures_max;
		bool allow_plain_text; /* passwords without TLS, also from afar */
		struct conf_rate ban_rate;
		uint64_t ban_ms;
		struct conf_list ban_allow;
	} auth;
	struct {
		uint64_t message_max, rcpt_max, errors_max, command_ms, data_ms, total_ms, login_ms,
			hops_max;
	} smtp;
	struct {
		uint64_t idle_ms, login_ms, literal_max, errors_max;
	} imap;
	struct {
		uint64_t idle_ms, login_ms, errors_max, login_delay_ms, expire_ms;
		unsigned lock; /* enum conf_pop3_lock */
		bool delete_retrieved;
	} pop3;
	struct {
		uint64_t idle_ms, body_max;
	} http;
	struct {
		uint64_t retry_first_ms, retry_max_ms, expire_ms, notify_ms, connect_ms, command_ms;
		uint64_t per_destination, per_connection, rest_ms, per_message_rcpt, total,
			partitions, smtp_port;
		const char *relay_host; /* "": by MX */
		unsigned tls; /* 0 opportunistic, 1 require, 2 never */
		struct conf_rate throttle;
	} queue;
	struct conf_store *stores;
	size_t nstores;
	struct conf_listener *listeners; /* the defaults when the file has none */
	size_t nlisteners;
	struct conf_certificate *certificates;
	size_t ncertificates;
	struct conf_inside *inside; /* the room's own */
};

struct conf_ask {
	const char *file; /* NULL: /etc/veredus/veredus.toml when it is there, else only defaults */
	const char *data_dir; /* --data DIR; NULL: [server] data */
	const char *const *sets; /* --set KEY=VALUE */
	size_t nsets;
	const char *overlay; /* settings that `veredus config set` keeps; NULL or absent: none */
};

/* Reads, checks, and makes a snapshot with one count. Notes and faults ("file:line: ...\n") are appended to `report`.
 * RC_BAD: at least one fault; no snapshot. Any thread. */
enum rc conf_read(const struct conf_ask *ask, struct conf **out, struct buf *report);
struct conf *conf_get(struct conf *conf);
/* Counts out; the last one frees. Clears `*conf`. */
void conf_put(struct conf **conf);

/* The store that a role names: an id, or a type when only one store has it. NULL: "", or unknown (conf_read refuses that
 * for roles). The default store exists without being written in the file. */
const struct conf_store *conf_store(const struct conf *conf, const char *name);

/* Every effective value and its origin: text lines "key = value  # origin", or JSON objects in an array. Secrets are "***". */
void conf_render(const struct conf *conf, bool json, struct buf *out);
/* What was set, as a document that reads the same: "key = value" lines, secrets and macros as they were written. `file`:
 * only what that file says; NULL: all of it. */
void conf_export(const struct conf *conf, const char *file, struct buf *out);
/* One effective value as it would stand in the file. RC_NONE: no such key. */
enum rc conf_value(
	const struct conf *conf, struct slice key, struct buf *value, struct buf *origin);
/* Visits the key of each setting whose effective value differs, and "section.NAME" of each block that only one of both
 * has. Does it count for new connections without a restart? */
typedef void conf_visit_fn(void *ctx, struct slice key);
void conf_compare(
	const struct conf *before, const struct conf *now, conf_visit_fn *visit, void *ctx);
bool conf_is_live(struct slice key);
/* Is there a block "section.NAME", as conf_compare tells it? */
bool conf_has_block(const struct conf *conf, struct slice name);
/* Accepted, and without effect in this version. */
bool conf_is_later(struct slice key);
/* "30s", "1d" as a setting takes it. RC_BAD, RC_LIMIT: not such. */
enum rc conf_duration(struct slice text, uint64_t *ms);
/* The nearest known key to a wrong one, or "". */
const char *conf_nearest(struct slice key);
/* docs/settings.md, from the table. */
void conf_document(struct buf *out);

#endif
