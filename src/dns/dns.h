/* dns.h: Names asked by transactions: a memo of answers, a cache with a cap, a validating resolver behind it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include "base/fault.h"
#include "run/run.h"

enum dns_type { DNS_A, DNS_AAAA, DNS_MX, DNS_TXT, DNS_PTR, DNS_TLSA, DNS_TYPES };

struct dns_rr {
	union {
		uint8_t a[4];
		uint8_t aaaa[16];
		struct {
			uint16_t preference;
			struct slice host; /* empty: the null MX (RFC 7505) */
		} mx;
		struct slice txt; /* its character-strings joined (RFC 7208 3.3) */
		struct slice name; /* PTR */
		struct {
			uint8_t usage, selector, matching;
			struct slice data;
		} tlsa; /* RFC 6698 2.1 */
	};
};

/* Names are lower case, without a final dot. An answer does not change and lives as long as its memo. */
struct dns_answer {
	const struct dns_rr *rr;
	size_t n;
	bool secure; /* proven by DNSSEC: the records, or that there are none */
	bool is_nxdomain; /* the name does not exist (n is 0) */
	uint32_t ttl; /* seconds that were left when it was asked for */
	struct slice name; /* the name that has the records, at the end of all CNAMEs */
};

struct dns;
struct dns_item;

/* [dns 1] All answers of one transaction: asked once, they stay as they are until dns_memo_done, whatever the cache
 * does, so that a step that runs again sees the same. One owner at a time; zeroed memory is a memo without questions. */
struct dns_memo {
	struct dns *dns;
	struct task *
		task; /* woken with WAKE_EVENT by each answer; NULL: nobody (the caller looks again by itself) */
	struct dns_item *items;
	size_t n;
	unsigned rounds;
};

void dns_memo_init(struct dns_memo *m, struct dns *dns, struct task *task);
/* Forgets answers and questions; before its task is dropped. The memo can be used again. */
void dns_memo_done(struct dns_memo *m);

/* The records of `name`, which may have capitals, a final dot and letters beyond ASCII (IDNA 2008, UTS 46).
 * RC_WAIT: asked for; RC_NONE: no such name or no such records: `*out` is written too, with n = 0 (secure,
 * is_nxdomain); RC_TEMP: SERVFAIL, bogus, no answer in time, or too many rounds (fault DNS_TEMP, detail says which);
 * RC_BAD: not a name (fault SYNTAX). */
enum rc dns_memo_get(struct dns_memo *m, struct slice name, enum dns_type type,
	struct dns_answer *out, struct fault *why);
/* Asks without looking, so that several questions are under way at once. */
void dns_memo_ask(struct dns_memo *m, struct slice name, enum dns_type type);

/* A name as it goes on the wire: lower case, A-labels, no final dot; RFC 1035 lengths checked. RC_BAD: not a name. */
enum rc dns_name_ascii(struct slice name, struct arena *a, struct slice *out);
/* The name to ask for PTR: "4.3.2.1.in-addr.arpa", "...ip6.arpa". `len` 4 or 16; ::ffff:a.b.c.d counts as IPv4. */
struct slice dns_name_reverse(const uint8_t *address, size_t len, struct arena *a);
const char *dns_type_name(enum dns_type type);
/* "MX", any case. RC_BAD: none that we ask for. */
enum rc dns_type_parse(struct slice text, enum dns_type *out);

/* --- the resolver --- */

struct dns_conf {
	struct run *run;
	const char *const *servers; /* forwarders "192.0.2.1:53", "[2001:db8::1]", "192.0.2.1"; */
	size_t servers_n; /* 0: those of /etc/resolv.conf, or else the root servers */
	bool no_dnssec; /* do not validate: nothing is `secure` then */
	const char *
		anchor_file; /* trust anchors; NULL: Debian's root key if it is there, else the built-in one */
	const char *anchor; /* one more, as a DS or DNSKEY record in text: for tests; NULL: none */
	size_t cache_max[DNS_TYPES]; /* bytes of finished answers kept; 0: 1 MiB */
	size_t resolver_max; /* bytes of the library's own caches together; 0: 4 MiB */
	uint64_t timeout_ms; /* for one question; 0: 20 s */
};
/* Faults: CONFIG. Its actor is a task of `run`; dns_free comes after the run time's tasks have ended. */
enum rc dns_new(const struct dns_conf *conf, struct dns **out, struct fault *why);
void dns_free(struct dns **dns);
/* Other servers, validation and time-out, in two steps, of which only the first can fail (CONFIG). Questions that are under
 * way are asked again; what is cached is forgotten. Any thread, one at a time. */
struct dns_actor;
enum rc dns_prepare(
	struct dns *dns, const struct dns_conf *conf, struct dns_actor **next, struct fault *why);
void dns_unprepare(struct dns_actor **next);
void dns_change(struct dns *dns, const struct dns_conf *conf, struct dns_actor **next);
/* A new cap, felt at once. Any thread. */
void dns_cache_limit(struct dns *dns, enum dns_type type, size_t bytes);
/* Gives back about `bytes`: for run_memory_hook, with the dns as `arg`. */
void dns_evict(void *arg, size_t bytes);
/* Forgets all cached answers. */
void dns_flush(struct dns *dns);

struct dns_stats {
	uint64_t hits, misses, asked, answered, failed, bogus, timed_out, evicted;
	size_t in_flight;
	size_t bytes[DNS_TYPES], entries[DNS_TYPES], limit[DNS_TYPES];
};
void dns_stats(struct dns *dns, struct dns_stats *out);

/* --- a scripted table in its place: for tests and probes --- */

/* One record: text is as in a zone file without quotes ("10 mx.example.org", "v=spf1 -all", "3 1 1 ab12..").
 * NULL: the name exists and has no such record. */
struct dns_script_row {
	const char *name;
	enum dns_type type;
	const char *text;
	bool secure;
	enum rc rc; /* RC_TEMP: SERVFAIL */
};
/* Names without any row do not exist. Each question is first answered by RC_WAIT and a wake, then by the table, so a
 * test proves that steps can run again. Rows are borrowed. `run` may be NULL. RC_BAD: a row's text (fault CONFIG). */
enum rc dns_script_new(struct run *run, const struct dns_script_row *rows, size_t n,
	struct dns **out, struct fault *why);
/* The same from a file's text: lines of NAME TYPE TEXT; "!" before a name: secure; TEXT "SERVFAIL", "NODATA". */
enum rc dns_script_text(struct run *run, struct slice text, struct dns **out, struct fault *why);

#endif
