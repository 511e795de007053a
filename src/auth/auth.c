/* auth.c: An attempt to log in, from the mechanism's name to the account. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_int.h"
#include "auth/ban.h"
#include "auth/rate.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "base/random.h"
#include "crypto/password.h"
#include "run/run.h"

enum { CACHE_MS = 10 * 60 * 1000, DELAY_MS = 1000 };

static const struct mech_row {
	struct slice name;
	enum auth_mech mech;
	enum auth_stage first;
	bool sends_password;
} mechs[] = {
	{ S("PLAIN"), AUTH_PLAIN, AUTH_ASK_PLAIN, true },
	{ S("LOGIN"), AUTH_LOGIN, AUTH_ASK_USER, true },
	{ S("SCRAM-SHA-256"), AUTH_SCRAM, AUTH_ASK_SCRAM_FIRST, false },
	{ S("SCRAM-SHA-256-PLUS"), AUTH_SCRAM_PLUS, AUTH_ASK_SCRAM_FIRST, false },
};

struct auth *auth_new(const struct auth_deps *deps)
{
	struct auth *auth = mem_new(MEM_OTHER, sizeof(*auth));
	auth->dir = deps->dir;
	auth->run = deps->run;
	auth->lookup = deps->lookup;
	auth->bans = deps->bans;
	auth->cache = auth_cache_new(deps->terms.cache_bytes);
	lock_init(&auth->lock, LOCK_AUTH);
	pthread_cond_init(&auth->less, NULL);
	auth_change(auth, &deps->terms);
	random_bytes(auth->secret, sizeof(auth->secret));
	auth_delay_init(auth);
	return auth;
}

void auth_change(struct auth *auth, const struct auth_terms *terms)
{
	atomic_store(&auth->cache_ms, terms->cache_ms ? terms->cache_ms : CACHE_MS);
	atomic_store(&auth->delay_ms, terms->delay_ms ? terms->delay_ms : DELAY_MS);
	atomic_store(&auth->failures_max, terms->failures_max);
	atomic_store(&auth->allow_plain_text, terms->allow_plain_text);
	auth_cache_resize(auth->cache, terms->cache_bytes);
	lock_enter(&auth->lock);
	auth->hash_limit = terms->hash_bytes;
	lock_leave(&auth->lock);
	pthread_cond_broadcast(&auth->less);
}

void auth_free(struct auth **auth)
{
	if (!*auth)
		return;
	must(atomic_load(&(*auth)->jobs_now) == 0);
	auth_cache_free(&(*auth)->cache);
	pthread_cond_destroy(&(*auth)->less);
	lock_done(&(*auth)->lock);
	mem_wipe((*auth)->secret, sizeof((*auth)->secret));
	mem_free(MEM_OTHER, *auth);
	*auth = NULL;
}

void auth_stats(struct auth *auth, struct auth_stats *out)
{
	*out = (struct auth_stats){
		.tries = atomic_load(&auth->tries),
		.cached = atomic_load(&auth->cached),
		.hashed = atomic_load(&auth->hashed),
		.refused = atomic_load(&auth->refused),
		.failed = atomic_load(&auth->failed),
		.jobs_now = atomic_load(&auth->jobs_now),
	};
	auth_cache_stats(auth->cache, &out->cache_bytes, &out->cache_entries);
	lock_enter(&auth->lock);
	out->hash_bytes_most = auth->hash_bytes_most;
	lock_leave(&auth->lock);
}

bool auth_takes_passwords(const struct auth_peer *peer)
{
	return peer->is_private || atomic_load(&peer->auth->allow_plain_text);
}

bool auth_is_spent(const struct auth *auth, const struct auth_session *s)
{
	uint32_t most = atomic_load(&auth->failures_max);
	return most && s->failures >= most;
}

static bool is_offered(const struct mech_row *row, const struct auth_peer *peer)
{
	if (row->mech == AUTH_SCRAM_PLUS)
		return peer->tls_exporter.len > 0 || peer->tls_server_end_point.len > 0;
	return auth_takes_passwords(peer) || !row->sends_password;
}

void auth_mechs(const struct auth_peer *peer, struct buf *out)
{
	bool is_first = true;
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		if (!is_offered(&mechs[i], peer))
			continue;
		if (!is_first)
			buf_byte(out, ' ');
		buf_add(out, mechs[i].name);
		is_first = false;
	}
}

/* ---- how an attempt ends ---- */

static void drop(struct auth_session *s)
{
	struct auth_try *t = s->try;
	auth_job_leave(t);
	auth_delay_leave(t);
	arena_done(&t->arena);
	mem_wipe(t, sizeof(*t));
	mem_free(MEM_SESSION, t);
	s->try = NULL;
}

void auth_cancel(struct auth_session *s)
{
	if (s->try)
		drop(s);
}

enum rc auth_end(struct auth_session *s, enum rc rc)
{
	if (rc == RC_TEMP || rc == RC_LOST)
		atomic_fetch_add(&s->try->auth->failed, 1);
	drop(s);
	return rc;
}

static const char *mech_name(enum auth_mech mech)
{
	return (const char *)mechs[mech].name.at;
}

enum rc auth_succeed(struct auth_session *s, const char *how)
{
	struct auth_try *t = s->try;
	s->account = t->who.id;
	s->role = t->who.role;
	s->generation = t->who.secret.generation;
	s->failures = 0;
	metric_add(METRIC_AUTH_OK, 1);
	event_log(EVENT_AUTH_OK, f_slice("service", t->door), f_slice("peer", t->address),
		f_slice("user", t->user), f_u64("account", t->who.id),
		f_str("mechanism", mech_name(t->mech)), f_str("by", how));
	drop(s);
	return RC_OK;
}

enum rc auth_refuse(struct auth_session *s, const char *reason)
{
	struct auth_try *t = s->try;
	unsigned delay = s->failures < AUTH_DELAYS ? s->failures : AUTH_DELAYS - 1;
	s->failures++;
	atomic_fetch_add(&t->auth->refused, 1);
	metric_add(METRIC_AUTH_FAILED, 1);
	event_log(EVENT_AUTH_FAILED, f_slice("service", t->door), f_slice("peer", t->address),
		f_slice("user", t->user), f_str("mechanism", mech_name(t->mech)),
		f_str("reason", reason), f_u64("failures", s->failures));
	if (t->auth->bans && bans_failed(t->auth->bans, t->address))
		s->failures = atomic_load(&t->auth->failures_max); /* this connection ends, too */
	auth_job_leave(t);
	t->stage = AUTH_DELAYED;
	t->until_ms = run_now_ms(t->auth->run) + (atomic_load(&t->auth->delay_ms) << delay);
	auth_delay_add(t, delay);
	return RC_WAIT;
}

static enum rc delayed(struct auth_session *s, struct fault *why)
{
	if (!auth_delay_is_over(s->try))
		return RC_WAIT;
	return auth_end(s, fault_set(why, FAULT_AUTH_FAILED, "%s", ""));
}

/* ---- who, and with which password ---- */

enum rc auth_find_who(struct auth_try *t, struct slice user, struct fault *why)
{
	struct dir_principal p;
	t->who = (struct auth_who){ 0 };
	enum rc rc = dir_find(t->auth->dir, user, &t->arena, &p, why);
	if (rc == RC_OK)
		rc = dir_secret(t->auth->dir, p.id, &t->arena, &t->who.secret, why);
	if (rc == RC_NONE)
		return RC_OK;
	TRY(rc);
	t->who.id = p.id;
	t->who.role = p.role;
	t->who.is_known = p.kind == DIR_ACCOUNT && p.is_enabled &&
			  (t->who.secret.n > 0 || t->who.secret.has_scram);
	return RC_OK;
}

/* RFC 4616 2: an authorization identity is taken only when it is the same account. */
static enum rc check_authzid(struct auth_try *t, struct slice authzid, struct fault *why)
{
	struct dir_principal p;
	if (authzid.len == 0 || !t->who.is_known)
		return RC_OK;
	enum rc rc = dir_find(t->auth->dir, authzid, &t->arena, &p, why);
	if (rc == RC_NONE || (rc == RC_OK && p.id != t->who.id)) {
		t->who.is_known = false;
		return RC_OK;
	}
	return rc;
}

static void digest_password(struct auth_try *t, struct slice pass)
{
	uint8_t bytes[8 + CRYPTO_SHA256_LEN];
	for (size_t i = 0; i < 4; i++) {
		bytes[i] = (uint8_t)(t->who.id >> (24 - 8 * i));
		bytes[4 + i] = (uint8_t)(t->who.secret.generation >> (24 - 8 * i));
	}
	crypto_sha256(pass, bytes + 8);
	crypto_hmac(CRYPTO_SHA256, slice_of(t->auth->secret, sizeof(t->auth->secret)),
		slice_of(bytes, sizeof(bytes)), t->digest);
	mem_wipe(bytes, sizeof(bytes));
}

enum rc auth_check_password(struct auth_session *s, struct slice authzid, struct slice user,
	struct slice pass, struct fault *why)
{
	struct auth_try *t = s->try;
	enum rc rc = arena_copy(&t->arena, user, &t->user);
	if (rc == RC_OK)
		rc = auth_find_who(t, user, why);
	if (rc == RC_OK)
		rc = check_authzid(t, authzid, why);
	if (rc == RC_LIMIT)
		rc = fault_set(why, FAULT_MEMORY, "too much for one log-in");
	if (rc != RC_OK)
		return auth_end(s, rc);
	digest_password(t, pass);
	t->stage = AUTH_HASHING;
	bool is_cached = t->who.is_known &&
			 auth_cache_has(t->auth->cache, t->digest, run_now_ms(t->auth->run));
	rc = is_cached ? RC_OK : auth_job_start(t, slice_head(pass, PASSWORD_LEN_MOST + 1));
	if (rc == RC_OK) {
		atomic_fetch_add(&t->auth->cached, 1);
		return auth_succeed(s, "cache");
	}
	if (rc != RC_WAIT)
		return auth_end(s, fault_set(why, FAULT_AUTH_BUSY,
					   "too many log-ins at once; try again later"));
	return RC_WAIT;
}

/* The password was right when its hash was read; is it the password still? [auth 1] */
static enum rc proved(struct auth_session *s, struct fault *why)
{
	struct auth_try *t = s->try;
	struct dir_secret now;
	enum rc rc = dir_secret(t->auth->dir, t->who.id, &t->arena, &now, why);
	if (rc == RC_OK && now.generation != t->who.secret.generation)
		rc = fault_set(
			why, FAULT_AUTH_BUSY, "the password was changed meanwhile; try again");
	if (rc != RC_OK)
		return auth_end(
			s, rc == RC_NONE ? fault_set(why, FAULT_AUTH_FAILED, "%s", "") : rc);
	return auth_succeed(s, "hash");
}

static enum rc hashing(struct auth_session *s, struct fault *why)
{
	struct auth_try *t = s->try;
	switch (auth_job_answer(t)) {
	case RC_WAIT:
		return RC_WAIT;
	case RC_OK:
		return proved(s, why);
	case RC_TEMP:
		return auth_end(s, fault_set(why, FAULT_AUTH_BUSY, "%s", ""));
	case RC_BAD:
	case RC_LIMIT:
		return auth_refuse(s, "the stored password hash cannot be checked");
	case RC_MORE:
	case RC_NONE:
	case RC_TAKEN:
	case RC_DENIED:
	case RC_LOST:
		break;
	}
	return auth_refuse(s, "wrong user name or password");
}

/* ---- the mechanisms' messages ---- */

static enum rc syntax(struct auth_session *s, const char *what, struct fault *why)
{
	return auth_end(s, fault_set(why, FAULT_SYNTAX, "%s", what));
}

static enum rc plain(struct auth_session *s, struct slice msg, struct fault *why)
{
	struct sasl_plain m;
	if (sasl_plain_parse(msg, &m) != RC_OK)
		return syntax(s, "that is no message of PLAIN", why);
	return auth_check_password(s, m.authzid, m.user, m.pass, why);
}

static enum rc login_user(
	struct auth_session *s, struct slice msg, struct buf *reply, struct fault *why)
{
	struct auth_try *t = s->try;
	if (msg.len == 0 || msg.len > SASL_NAME_MAX)
		return syntax(s, "the user name is empty or too long", why);
	t->user = msg;
	t->stage = AUTH_ASK_PASS;
	crypto_base64(sasl_login_prompt(true), reply);
	return RC_MORE;
}

static enum rc message(
	struct auth_session *s, struct slice msg, struct buf *reply, struct fault *why)
{
	struct auth_try *t = s->try;
	switch (t->stage) {
	case AUTH_ASK_PLAIN:
		return plain(s, msg, why);
	case AUTH_ASK_USER:
		return login_user(s, msg, reply, why);
	case AUTH_ASK_PASS:
		return auth_check_password(s, S(""), t->user, msg, why);
	case AUTH_ASK_SCRAM_FIRST:
		return auth_scram_first(s, msg, reply, why);
	case AUTH_ASK_SCRAM_FINAL:
		return auth_scram_final(s, msg, reply, why);
	case AUTH_ASK_NOTHING:
		return msg.len == 0 ? auth_succeed(s, "proof")
				    : syntax(s, "an empty answer was due", why);
	case AUTH_HASHING:
	case AUTH_DELAYED:
		break;
	}
	must(false);
	return RC_BAD;
}

static enum rc decoded_message(
	struct auth_session *s, struct slice line, struct buf *reply, struct fault *why)
{
	struct slice msg = { 0 };
	size_t room = line.len / 4 * 3 + 3;
	if (line.len > AUTH_LINE_MOST)
		return auth_end(s, fault_set(why, FAULT_LINE_TOO_LONG, "too much for one log-in"));
	uint8_t *bytes = arena_try(&s->try->arena, room);
	if (!bytes)
		return auth_end(s, fault_set(why, FAULT_MEMORY, "too much for one log-in"));
	if (crypto_unbase64(line, room, bytes, &msg.len) != RC_OK)
		return syntax(s, "that is not base64", why);
	msg.at = bytes;
	return message(s, msg, reply, why);
}

/* ---- what doors call ---- */

static enum rc open_try(struct auth_session *s, const struct auth_peer *peer)
{
	struct auth_try *t = mem_new(MEM_SESSION, sizeof(*t));
	must(!s->try);
	t->auth = peer->auth;
	t->task = peer->task;
	arena_init(&t->arena, AUTH_TRY_BYTES);
	s->try = t;
	atomic_fetch_add(&peer->auth->tries, 1);
	TRY(arena_copy(&t->arena, peer->door, &t->door));
	TRY(arena_copy(&t->arena, peer->address, &t->address));
	TRY(arena_copy(&t->arena, peer->tls_exporter, &t->exporter));
	return arena_copy(&t->arena, peer->tls_server_end_point, &t->end_point);
}

enum rc auth_start(struct auth_session *s, const struct auth_peer *peer,
	const struct auth_first *first, struct buf *reply, struct fault *why)
{
	const struct mech_row *row = NULL;
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++) {
		if (slice_eq_nocase(mechs[i].name, first->mech))
			row = &mechs[i];
	}
	if (row && row->sends_password && !auth_takes_passwords(peer))
		return fault_set(why, FAULT_TLS_REQUIRED, "%s", "");
	if (!row || !is_offered(row, peer))
		return fault_set(why, FAULT_AUTH_MECH, "%s", "");
	TRY(rate_try(peer->auth->lookup, peer, why));
	if (open_try(s, peer) != RC_OK)
		return auth_end(s, fault_set(why, FAULT_MEMORY, "%s", ""));
	s->try->mech = row->mech;
	s->try->stage = row->first;
	if (first->has_initial) {
		bool is_empty = slice_eq(first->initial, S("="));
		return decoded_message(s, is_empty ? S("") : first->initial, reply, why);
	}
	if (row->mech == AUTH_LOGIN)
		crypto_base64(sasl_login_prompt(false), reply);
	return RC_MORE;
}

enum rc auth_step(struct auth_session *s, struct slice line, struct buf *reply, struct fault *why)
{
	must(s->try);
	if (s->try->stage == AUTH_HASHING)
		return hashing(s, why);
	if (s->try->stage == AUTH_DELAYED)
		return delayed(s, why);
	if (slice_eq(line, S("*")))
		return syntax(s, "cancelled", why);
	return decoded_message(s, line, reply, why);
}

enum rc auth_plain(struct auth_session *s, const struct auth_peer *peer, struct slice user,
	struct slice pass, struct fault *why)
{
	if (!auth_takes_passwords(peer))
		return fault_set(why, FAULT_TLS_REQUIRED, "%s", "");
	TRY(rate_try(peer->auth->lookup, peer, why));
	if (open_try(s, peer) != RC_OK)
		return auth_end(s, fault_set(why, FAULT_MEMORY, "%s", ""));
	s->try->mech = AUTH_PLAIN;
	return auth_check_password(s, S(""), user, pass, why);
}

enum rc auth_new_password(
	struct slice plain_text, struct arena *a, struct slice *hash, struct scram_keys *scram)
{
	TRY(password_make(plain_text, a, hash));
	return scram_keys_make(plain_text, scram);
}
