/* dir.h: The internal directory: who lives here, under which addresses, and where their mail goes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIR_DIR_H
#define DIR_DIR_H

#include "base/arena.h"
#include "base/fault.h"
#include "crypto/scram.h"
#include "data/data.h"
#include "dir/address.h"

/* Keys of subspace 'D' in DATA_MAIN (domain and local part normalised: see address.h):
 *   'D' 'g'                     the directory's generation: be64, moved by every change
 *   'D' 'n'                     the next principal id: be32, never used twice
 *   'D' 'd' domain              a domain
 *   'D' 'a' domain 0 local      an address: whose it is (principal id)
 *   'D' 'p' be32(id)            a principal: account, group or list
 *   'D' 's' be32(id)            an account's secret: password hashes, SCRAM keys, credential generation
 *   'D' 'm'                     the administrator who reads postmaster's mail (id)
 *
 * [dir 1] A change is one batch, which asserts the generation it has read and moves it: of two changes at once one is
 *         tried again, so that addresses stay unique and every address key has its principal, and the reverse.
 * [dir 2] What lies in the cache was read after the last change by this process to that key.
 *
 * All functions may be called on any thread and may block on the store. Results live in `a`.
 * Faults: STORE, DAMAGED, MEMORY, and those named. Every change is durable when its function returns RC_OK. */

struct dir;

enum {
	DIR_MEMBERS_MOST = 10000, /* of one group or list */
	DIR_EXPAND_MOST = 10000, /* recipients that one address may become */
	DIR_DEPTH_MOST = 10, /* lists within lists */
	DIR_ADD_MOST = 128
};

enum dir_kind { DIR_ACCOUNT = 'a', DIR_GROUP = 'g', DIR_LIST = 'l' };
enum dir_role { DIR_USER, DIR_ADMIN };

/* `cache_bytes`: the most that cached records hold. */
struct dir *dir_new(struct data *data, size_t cache_bytes);
void dir_free(struct dir **dir);
/* Another ceiling, felt at once. Any thread. */
void dir_cache_limit(struct dir *dir, size_t bytes);

struct dir_stats {
	uint64_t hits, misses, evictions, bytes, entries, generation;
};
void dir_stats(struct dir *dir, struct dir_stats *out);
/* Gives back about `bytes` of what is cached. */
void dir_evict(struct dir *dir, size_t bytes);
/* Another node has changed something: forget what is cached. Never blocks. */
void dir_forget(struct dir *dir);

/* ---- look-ups for mail (lookup.c) ---- */

enum dir_route { DIR_LOCAL, DIR_REMOTE };

struct dir_rcpt {
	enum dir_route route; /* DIR_REMOTE: the domain is not ours; nothing else is set */
	const uint32_t *ids; /* accounts, each once, in rising order */
	size_t n;
	const struct slice *remote; /* addresses elsewhere, from lists; each once */
	size_t nremote;
	struct slice
		detail; /* the sub-address, when the address is an account's own ("user+tag": "tag") */
	struct slice
		list; /* the list's address when it is a list (for List-Id and the envelope sender), else empty */
};

/* Where mail for an address goes: exact address, then without its sub-address, then the domain's catch-all.
 * postmaster and abuse go to the first administrator when nobody has
 * them. RC_NONE: USER_UNKNOWN. RC_BAD: SYNTAX. RC_LIMIT: over the caps above. A list
 * that contains itself is walked once. Disabled accounts still get mail. */
enum rc dir_lookup_rcpt(struct dir *dir, struct slice address, struct arena *a,
	struct dir_rcpt *out, struct fault *why);

/* RC_OK: it is one of ours. RC_NONE: it is not. */
enum rc dir_domain_is_local(struct dir *dir, struct slice domain, struct fault *why);

/* RC_OK: the account has the address: its own, an alias, a sub-address of those, its group's, or, for an administrator,
 * any address of a local domain. RC_DENIED: SENDER_NOT_OWNED. */
enum rc dir_may_send_as(struct dir *dir, uint32_t account, struct slice address, struct fault *why);

/* ---- principals ---- */

struct dir_principal {
	enum dir_kind kind;
	uint32_t id;
	struct slice address; /* the primary one, normalised */
	struct slice name; /* for people, UTF-8; may be empty */
	const struct slice *aliases; /* normalised, without the primary */
	size_t naliases;
	const struct slice *members; /* group: local addresses; list: any address */
	size_t nmembers;
	enum dir_role role;
	bool is_enabled; /* false: may not log in */
	uint64_t quota_bytes; /* 0: no limit */
	uint64_t made_unix;
};

/* RC_NONE: NOT_FOUND. By id; by address (also an alias; a name without '@' is one of the only domain). */
enum rc dir_principal(struct dir *dir, uint32_t id, struct arena *a, struct dir_principal *out,
	struct fault *why);
enum rc dir_find(struct dir *dir, struct slice name, struct arena *a, struct dir_principal *out,
	struct fault *why);

/* What a log-in needs. */
struct dir_secret {
	uint32_t
		generation; /* moved by every change of the password, of the role and of is_enabled */
	const struct slice *hashes; /* forms of crypto/password.h */
	size_t n;
	bool has_scram;
	struct scram_keys scram;
};
enum rc dir_secret(
	struct dir *dir, uint32_t id, struct arena *a, struct dir_secret *out, struct fault *why);

/* ---- changes; names are normalised by the function ---- */

struct dir_domain {
	struct slice name; /* A-labels */
	struct slice catch_all; /* an address, or empty */
	uint64_t made_unix;
	uint64_t addresses; /* how many; filled by dir_domain_show only */
};

/* `unix_now` seconds since 1970. TAKEN: EXISTS. BAD: SYNTAX. */
enum rc dir_domain_add(struct dir *dir, struct slice name, uint64_t unix_now, struct fault *why);
enum rc dir_domain_show(struct dir *dir, struct slice name, struct arena *a, struct dir_domain *out,
	struct fault *why);
/* DENIED: FORBIDDEN when principals still live there. NONE: DOMAIN_UNKNOWN. */
enum rc dir_domain_delete(struct dir *dir, struct slice name, struct fault *why);
/* Empty `address`: none. The address must exist (NONE: USER_UNKNOWN). */
enum rc dir_domain_catch_all(
	struct dir *dir, struct slice name, struct slice address, struct fault *why);
/* In order of names, from the first one after `after` (empty: from the start), at most `most`. */
struct dir_page {
	struct slice after;
	size_t most;
};
enum rc dir_domain_list(struct dir *dir, const struct dir_page *page, struct arena *a,
	const struct dir_domain **out, size_t *n, struct fault *why);

struct dir_new {
	enum dir_kind kind;
	struct slice address;
	struct slice name;
	const struct slice *aliases;
	size_t naliases;
	const struct slice *members; /* groups and lists */
	size_t nmembers;
	enum dir_role role;
	uint64_t quota_bytes;
	struct slice password_hash; /* accounts; empty: no log-in by password */
	const struct scram_keys *scram; /* NULL: none */
	uint64_t unix_now;
};

/* EXISTS: one of the addresses is somebody's. DOMAIN_UNKNOWN: add the domain first. SYNTAX: an address or a hash. */
enum rc dir_add(struct dir *dir, const struct dir_new *what, uint32_t *id, struct fault *why);
/* Many in one batch, all or none, at most DIR_ADD_MOST. One that is there already is left out: its id is 0. When another one
 * is refused, *at is its place in `what`. */
enum rc dir_add_many(struct dir *dir, const struct dir_new *what, size_t n, uint32_t *ids,
	size_t *at, struct fault *why);
/* With its addresses and secret. What the account holds is deleted by the account's own job. */
enum rc dir_delete(struct dir *dir, uint32_t id, struct fault *why);
struct dir_filter {
	enum dir_kind kind; /* 0: all */
	struct slice domain; /* empty: all */
	uint32_t after; /* id; 0: from the start */
	size_t most;
};
/* In order of ids. */
enum rc dir_list(struct dir *dir, const struct dir_filter *filter, struct arena *a,
	const struct dir_principal **out, size_t *n, struct fault *why);

/* Replaces password hashes and SCRAM keys at once; `hash` empty: nobody can log in by password. */
enum rc dir_set_password(struct dir *dir, uint32_t id, struct slice hash,
	const struct scram_keys *scram, struct fault *why);
/* The same password in a better form: only as long as the credential generation is still `generation`, which stays. TAKEN:
 * CONFLICT. */
enum rc dir_renew_secret(struct dir *dir, uint32_t id, uint32_t generation, struct slice hash,
	const struct scram_keys *scram, struct fault *why);
enum rc dir_alias_add(struct dir *dir, uint32_t id, struct slice address, struct fault *why);
/* The primary address cannot be removed (FORBIDDEN). */
enum rc dir_alias_remove(struct dir *dir, uint32_t id, struct slice address, struct fault *why);
enum rc dir_member_add(struct dir *dir, uint32_t id, struct slice address, struct fault *why);
enum rc dir_member_remove(struct dir *dir, uint32_t id, struct slice address, struct fault *why);
enum rc dir_set_name(struct dir *dir, uint32_t id, struct slice name, struct fault *why);
enum rc dir_set_quota(struct dir *dir, uint32_t id, uint64_t bytes, struct fault *why);
enum rc dir_set_role(struct dir *dir, uint32_t id, enum dir_role role, struct fault *why);
enum rc dir_set_enabled(struct dir *dir, uint32_t id, bool is_enabled, struct fault *why);

#endif
