/* auth.h: Who is it? Passwords and SASL for every door, with a cache, job class and delays. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/buf.h"
#include "base/fault.h"
#include "dir/dir.h"
#include "run/task.h"

/* [auth 1] A password that proved right is remembered (as a keyed digest, in memory only) until its time is up, its account's
 *          credential generation moves, or the cache is full; so a changed password is felt at once.
 * [auth 2] An unknown user, a disabled one and a wrong password cost the same time and get the same answer.
 * [auth 3] A hash job outlives the session that asked for it; it then holds nothing of the session.
 * [auth 4] Sessions that ask for the same name with the same password at once wait for one hash.
 * [auth 5] Hashes under way take `hash_bytes` at most; one that wants more than that waits until it is alone, and is refused
 *          when it wants more than twice as much. */

struct auth;
struct bans;
struct lookup;

/* What may change while it runs. */
struct auth_terms {
	size_t cache_bytes;
	size_t hash_bytes; /* 0: as many hashes at once as there are cores */
	uint64_t cache_ms; /* 0: 10 minutes */
	uint64_t
		delay_ms; /* before the first refusal on a connection, doubled for each one after it, at most 8 times;
	                      0: 1 second */
	uint32_t failures_max; /* on one connection; 0: no limit */
	bool allow_plain_text; /* passwords may be sent without TLS from anywhere */
};

struct auth_deps {
	struct dir *dir;
	struct run *run;
	struct lookup *lookup; /* NULL: log-ins are not counted */
	struct bans *bans; /* failures count towards one; NULL: they do not */
	struct auth_terms terms;
};
struct auth *auth_new(const struct auth_deps *deps);
void auth_free(struct auth **auth);
/* Other terms, felt at once. Any thread. */
void auth_change(struct auth *auth, const struct auth_terms *terms);

/* Who asks, and what the door knows about its connection; slices are borrowed for the call only. */
struct auth_peer {
	struct auth *auth;
	struct task *task; /* the session's: woken when there is an answer */
	struct slice door; /* "imap": for events */
	struct slice address; /* of the client, as text */
	struct slice listener; /* where it came in */
	uint64_t logins_max,
		logins_ms; /* so many of one address in so many ms there; max 0: no limit */
	bool is_private; /* TLS, or a loopback peer: passwords may be sent */
	struct slice tls_exporter; /* RFC 9266, empty when there is none */
	struct slice tls_server_end_point; /* RFC 5929, empty when there is none */
};

struct conn;
/* As the connection tells it; lasts as long as the connection. */
struct auth_peer auth_peer_of(struct auth *auth, struct conn *conn, struct slice door);

/* Passwords may be sent over this connection. */
bool auth_takes_passwords(const struct auth_peer *peer);

/* Embedded in the door's session, zeroed before its first use. At rest it holds no memory. */
struct auth_session {
	struct auth_try *try; /* the attempt under way */
	uint32_t failures; /* on this connection */
	/* After RC_OK: */
	uint32_t account;
	enum dir_role role;
	uint32_t generation; /* of the credentials at that time */
};

/* So many refusals that the door should end the connection. */
bool auth_is_spent(const struct auth *auth, const struct auth_session *s);

/* The words to advertise, with a blank between: "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", as `peer` permits. */
void auth_mechs(const struct auth_peer *peer, struct buf *out);

struct auth_first {
	struct slice mech;
	bool has_initial;
	struct slice initial; /* as it stood on the wire: base64, "=" for empty */
};

/* Begins.
 * Then, as long as the result is RC_MORE or RC_WAIT, go on with auth_step:
 *   RC_MORE    send `reply` (base64, may be empty) as the challenge and give the client's next line to auth_step
 *   RC_WAIT    park; when woken call auth_step again (`line` is not looked at then). The wake is WAKE_EVENT,
 *              when the hash is done or the delay before a refusal is over
 *   RC_OK      s->account has logged in
 *   RC_DENIED  AUTH_FAILED, TLS_REQUIRED (see `why`); RC_BAD: SYNTAX; RC_TEMP: AUTH_BUSY or STORE
 *   RC_NONE    no such mechanism */
enum rc auth_start(struct auth_session *s, const struct auth_peer *peer,
	const struct auth_first *first, struct buf *reply, struct fault *why);
/* `line` "*" is RC_BAD (cancelled by the client). */
enum rc auth_step(struct auth_session *s, struct slice line, struct buf *reply, struct fault *why);

/* IMAP LOGIN, POP3 USER and PASS, HTTP Basic: as auth_start with PLAIN, but never RC_MORE. */
enum rc auth_plain(struct auth_session *s, const struct auth_peer *peer, struct slice user,
	struct slice pass, struct fault *why);

/* Gives up what is under way: call it from the session's drop. Nothing happens when nothing is. */
void auth_cancel(struct auth_session *s);

struct auth_stats {
	uint64_t tries, cached, hashed, refused, failed, jobs_now, cache_bytes, cache_entries;
	uint64_t hash_bytes_most; /* that hashes held at once */
};
void auth_stats(struct auth *auth, struct auth_stats *out);

/* What dir_add and dir_set_password want, from a plain password: blocks for the time of a hash. RC_LIMIT: too long. */
enum rc auth_new_password(
	struct slice plain, struct arena *a, struct slice *hash, struct scram_keys *scram);

#endif
