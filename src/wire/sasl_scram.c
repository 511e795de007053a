/* sasl_scram.c: The four messages of SCRAM. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sasl.h"
#include "base/utf8.h"

/* Takes "x=value" and its comma. */
static enum rc attribute(struct slice *in, uint8_t letter, struct slice *out)
{
	if (in->len < 2 || in->at[0] != letter || in->at[1] != '=')
		return RC_BAD;
	struct slice rest = *in;
	*out = slice_tail(slice_split(&rest, ','), 2);
	*in = rest;
	return RC_OK;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign. */
static enum rc name_read(struct slice in, struct arena *a, struct slice *out)
{
	if (in.len > SASL_NAME_MAX || !utf8_valid(in) || slice_find(in, 0) < in.len)
		return RC_BAD;
	uint8_t *at = arena_try(a, in.len + 1);
	size_t n = 0;
	if (!at)
		return RC_LIMIT;
	for (size_t i = 0; i < in.len; i++) {
		at[n++] = in.at[i];
		if (in.at[i] != '=')
			continue;
		struct slice escape = slice_head(slice_tail(in, i), 3);
		if (slice_eq(escape, S("=2C")))
			at[n - 1] = ',';
		else if (!slice_eq(escape, S("=3D")))
			return RC_BAD;
		i += 2;
	}
	*out = slice_of(at, n);
	return RC_OK;
}

static void name_write(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.at[i] == ',')
			buf_str(out, "=2C");
		else if (in.at[i] == '=')
			buf_str(out, "=3D");
		else
			buf_byte(out, in.at[i]);
	}
}

static bool is_nonce(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] >= 127 || s.at[i] == ',')
			return false;
	return s.len > 0 && s.len <= SASL_NONCE_MAX;
}

static bool is_base64(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i], low = c | 0x20;
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '+' &&
			c != '/' && c != '=')
			return false;
	}
	return s.len > 0;
}

static enum rc gs2(struct slice *in, struct arena *a, struct sasl_scram_first *out)
{
	struct slice flag = slice_split(in, ',');
	if (slice_eq(flag, S("n")))
		out->binding = SASL_BIND_NOT;
	else if (slice_eq(flag, S("y")))
		out->binding = SASL_BIND_COULD;
	else if (slice_starts(flag, S("p=")) && flag.len > 2)
		out->binding = SASL_BIND_USED;
	else
		return RC_BAD;
	out->binding_name = out->binding == SASL_BIND_USED ? slice_tail(flag, 2) : S("");
	if (slice_find(*in, ',') == in->len)
		return RC_BAD;
	struct slice authzid = slice_split(in, ',');
	if (!authzid.len)
		return RC_OK;
	if (!slice_starts(authzid, S("a=")))
		return RC_BAD;
	return name_read(slice_tail(authzid, 2), a, &out->authzid);
}

enum rc sasl_scram_first_parse(struct slice msg, struct arena *a, struct sasl_scram_first *out)
{
	struct sasl_scram_first got = { 0 };
	struct slice rest = msg, name;
	TRY(gs2(&rest, a, &got));
	got.gs2 = slice_head(msg, msg.len - rest.len);
	got.bare = rest;
	TRY(attribute(&rest, 'n', &name)); /* "m=" stands before it: refused */
	TRY(name_read(name, a, &got.user));
	TRY(attribute(&rest, 'r', &got.nonce));
	if (!got.user.len || !is_nonce(got.nonce))
		return RC_BAD;
	*out = got;
	return RC_OK;
}

void sasl_scram_first_write(const struct sasl_scram_first *m, struct buf *out, size_t *bare_at)
{
	if (m->binding == SASL_BIND_USED) {
		buf_str(out, "p=");
		buf_add(out, m->binding_name);
	} else {
		buf_byte(out, m->binding == SASL_BIND_COULD ? 'y' : 'n');
	}
	buf_byte(out, ',');
	if (m->authzid.len) {
		buf_str(out, "a=");
		name_write(m->authzid, out);
	}
	buf_byte(out, ',');
	*bare_at = out->len;
	buf_str(out, "n=");
	name_write(m->user, out);
	buf_str(out, ",r=");
	buf_add(out, m->nonce);
}

enum rc sasl_scram_challenge_parse(struct slice msg, struct sasl_scram_challenge *out)
{
	struct sasl_scram_challenge got;
	struct slice rounds;
	uint64_t n;
	TRY(attribute(&msg, 'r', &got.nonce));
	TRY(attribute(&msg, 's', &got.salt));
	TRY(attribute(&msg, 'i', &rounds));
	if (!is_nonce(got.nonce) || !is_base64(got.salt) ||
		slice_u64(rounds, UINT32_MAX, &n) != RC_OK || !n)
		return RC_BAD;
	if (n > SASL_ROUNDS_MAX)
		return RC_LIMIT;
	got.rounds = (uint32_t)n;
	*out = got;
	return RC_OK;
}

void sasl_scram_challenge_write(const struct sasl_scram_challenge *m, struct buf *out)
{
	buf_str(out, "r=");
	buf_add(out, m->nonce);
	buf_str(out, ",s=");
	buf_add(out, m->salt);
	buf_fmt(out, ",i=%u", m->rounds);
}

enum rc sasl_scram_final_parse(struct slice msg, struct sasl_scram_final *out)
{
	struct sasl_scram_final got;
	struct slice rest = msg;
	TRY(attribute(&rest, 'c', &got.binding));
	TRY(attribute(&rest, 'r', &got.nonce));
	while (rest.len && !slice_starts(rest, S("p="))) { /* extensions are skipped */
		if (rest.len < 2 || rest.at[1] != '=')
			return RC_BAD;
		(void)slice_split(&rest, ',');
	}
	if (!rest.len)
		return RC_BAD;
	got.without_proof = slice_head(msg, msg.len - rest.len - 1);
	TRY(attribute(&rest, 'p', &got.proof));
	if (rest.len || !is_base64(got.proof) || !is_base64(got.binding) || !is_nonce(got.nonce))
		return RC_BAD;
	*out = got;
	return RC_OK;
}

void sasl_scram_final_write(struct slice binding, struct slice nonce, struct buf *out)
{
	buf_str(out, "c=");
	buf_add(out, binding);
	buf_str(out, ",r=");
	buf_add(out, nonce);
}

void sasl_scram_proof_write(struct slice proof, struct buf *out)
{
	buf_str(out, ",p=");
	buf_add(out, proof);
}

enum rc sasl_scram_verifier_parse(struct slice msg, struct slice *out)
{
	struct slice error;
	if (attribute(&msg, 'v', out) == RC_OK)
		return RC_OK;
	TRY(attribute(&msg, 'e', &error));
	*out = error;
	return RC_DENIED;
}

void sasl_scram_verifier_write(struct slice signature, struct buf *out)
{
	buf_str(out, "v=");
	buf_add(out, signature);
}

void sasl_scram_error_write(struct slice reason, struct buf *out)
{
	buf_str(out, "e=");
	buf_add(out, reason);
}
