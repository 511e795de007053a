/* scram.c: The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677, RFC 9266). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_int.h"
#include "base/mem.h"
#include "base/random.h"

enum { NONCE_BYTES = 18, CODED_MOST = 1024 };

static enum rc unusual(struct auth_session *s, struct fault *why, const char *what)
{
	return auth_end(s, fault_set(why, FAULT_SYNTAX, "%s", what));
}

static enum rc no_memory(struct auth_session *s, struct fault *why)
{
	return auth_end(s, fault_set(why, FAULT_MEMORY, "too much for one log-in"));
}

static struct slice coded(struct slice in, struct arena *a)
{
	struct buf b;
	buf_init(&b, 0, a);
	crypto_base64(in, &b);
	return buf_slice(&b);
}

/* RFC 5802 6: which binding the client uses, and that nobody has struck ours from the list. */
static enum rc check_binding(
	const struct auth_try *t, const struct sasl_scram_first *first, struct slice *data)
{
	bool has_any = t->exporter.len > 0 || t->end_point.len > 0;
	*data = S("");
	if (t->mech == AUTH_SCRAM)
		return first->binding == SASL_BIND_NOT ||
				       (first->binding == SASL_BIND_COULD && !has_any)
			       ? RC_OK
			       : RC_DENIED;
	if (first->binding != SASL_BIND_USED)
		return RC_DENIED;
	if (slice_eq(first->binding_name, S("tls-exporter")))
		*data = t->exporter;
	else if (slice_eq(first->binding_name, S("tls-server-end-point")))
		*data = t->end_point;
	return data->len > 0 ? RC_OK : RC_DENIED;
}

static struct slice our_nonce(struct slice client, struct arena *a)
{
	uint8_t raw[NONCE_BYTES];
	struct buf b;
	random_bytes(raw, sizeof(raw));
	buf_init(&b, 0, a);
	buf_add(&b, client);
	crypto_base64(slice_of(raw, sizeof(raw)), &b);
	return buf_slice(&b);
}

/* Keys that fit no proof, with the same salt each time, for whoever cannot log in this way. */
static void choose_keys(struct auth_try *t)
{
	if (t->who.is_known && t->who.secret.has_scram) {
		t->scram.keys = t->who.secret.scram;
		return;
	}
	t->who.is_known = false;
	scram_keys_fake(
		slice_of(t->auth->secret, sizeof(t->auth->secret)), t->user, &t->scram.keys);
}

static enum rc challenge(struct auth_session *s, const struct sasl_scram_first *first,
	struct buf *reply, struct fault *why)
{
	struct auth_try *t = s->try;
	struct slice salt = coded(slice_of(t->scram.keys.salt, t->scram.keys.salt_len), &t->arena);
	struct sasl_scram_challenge c = {
		.nonce = t->scram.nonce, .salt = salt, .rounds = t->scram.keys.rounds
	};
	struct buf said;
	buf_init(&said, 0, &t->arena);
	buf_add(&said, first->bare);
	buf_byte(&said, ',');
	size_t at = said.len;
	sasl_scram_challenge_write(&c, &said);
	if (said.over)
		return no_memory(s, why);
	crypto_base64(slice_of(said.at + at, said.len - at), reply);
	buf_byte(&said, ',');
	t->scram.said = buf_slice(&said);
	t->stage = AUTH_ASK_SCRAM_FINAL;
	return said.over ? no_memory(s, why) : RC_MORE;
}

enum rc auth_scram_first(
	struct auth_session *s, struct slice msg, struct buf *reply, struct fault *why)
{
	struct auth_try *t = s->try;
	struct sasl_scram_first first;
	struct slice data;
	if (sasl_scram_first_parse(msg, &t->arena, &first) != RC_OK)
		return unusual(s, why, "that is no first message of SCRAM");
	if (arena_copy(&t->arena, first.user, &t->user) != RC_OK)
		return no_memory(s, why);
	if (check_binding(t, &first, &data) != RC_OK)
		return auth_refuse(s, "the channel binding does not fit");
	enum rc rc = auth_find_who(t, first.user, why);
	if (rc != RC_OK)
		return auth_end(s, rc);
	if (first.authzid.len > 0 && !slice_eq_nocase(first.authzid, first.user))
		t->who.is_known = false;
	choose_keys(t);
	struct buf whole;
	buf_init(&whole, 0, &t->arena);
	buf_add(&whole, first.gs2);
	buf_add(&whole, data);
	t->scram.binding = coded(buf_slice(&whole), &t->arena);
	t->scram.nonce = our_nonce(first.nonce, &t->arena);
	return challenge(s, &first, reply, why);
}

enum rc auth_scram_final(
	struct auth_session *s, struct slice msg, struct buf *reply, struct fault *why)
{
	struct auth_try *t = s->try;
	struct sasl_scram_final f;
	uint8_t proof[SCRAM_LEN], signature[SCRAM_LEN];
	size_t len;
	struct buf all, out;
	if (sasl_scram_final_parse(msg, &f) != RC_OK ||
		crypto_unbase64(f.proof, sizeof(proof), proof, &len) != RC_OK)
		return unusual(s, why, "that is no final message of SCRAM");
	if (!slice_eq(f.nonce, t->scram.nonce))
		return auth_refuse(s, "the nonce is another one");
	if (!slice_eq(f.binding, t->scram.binding))
		return auth_refuse(s, "the channel binding does not fit");
	buf_init(&all, 0, &t->arena);
	buf_add(&all, t->scram.said);
	buf_add(&all, f.without_proof);
	if (all.over)
		return no_memory(s, why);
	bool fits = scram_proof_fits(&t->scram.keys, buf_slice(&all), slice_of(proof, len));
	if (!fits || !t->who.is_known)
		return auth_refuse(s, "wrong user name or password");
	scram_signature(&t->scram.keys, buf_slice(&all), signature);
	buf_init(&out, 0, &t->arena);
	sasl_scram_verifier_write(coded(slice_of(signature, sizeof(signature)), &t->arena), &out);
	crypto_base64(buf_slice(&out), reply);
	t->stage = AUTH_ASK_NOTHING;
	return RC_MORE;
}
