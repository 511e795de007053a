/* dkim_key.c: A signer's key out of DNS, and the proof by it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dkim_int.h"

enum { KEY_MOST = 4096 };

static enum rc say(const char **problem, enum rc rc, const char *what)
{
	*problem = what;
	return rc;
}

struct slice dkim_key_name(const struct dkim_read *r, struct arena *a)
{
	return arena_fmt(a, "%.*s._domainkey.%.*s", FMT(r->selector), FMT(r->domain));
}

static enum rc read_key(const struct dkim_read *r, struct slice text, struct arena *a,
	struct dkim_key *out, const char **problem)
{
	struct tags tags;
	size_t n = 0;
	if (tags_parse(text, &tags) != RC_OK ||
		!slice_eq(tags_get(&tags, "v", S("DKIM1")), S("DKIM1")))
		return say(problem, RC_BAD, "its key's record cannot be read");
	bool is_ed25519 = slice_eq_nocase(tags_get(&tags, "k", S("rsa")), S("ed25519"));
	if (is_ed25519 != (r->kind == CRYPTO_ED25519) ||
		(!is_ed25519 && !slice_eq_nocase(tags_get(&tags, "k", S("rsa")), S("rsa"))))
		return say(problem, RC_BAD, "its key is of another kind");
	if (!tags_has_word(tags_get(&tags, "h", S("sha256")), S("sha256")))
		return say(problem, RC_BAD, "its key does not allow SHA-256");
	struct slice service = tags_get(&tags, "s", S("*"));
	if (!tags_has_word(service, S("*")) && !tags_has_word(service, S("email")))
		return say(problem, RC_BAD, "its key is not for mail");
	if (!tags_find(&tags, "p"))
		return say(problem, RC_BAD, "its key's record has no key");
	struct slice p = tags_packed(tags_get(&tags, "p", S("")), a);
	if (p.len == 0)
		return say(problem, RC_DENIED, "its key was revoked");
	uint8_t *bytes = arena_try(a, KEY_MOST);
	if (!bytes)
		return RC_LIMIT;
	if (crypto_unbase64(p, KEY_MOST, bytes, &n) != RC_OK ||
		crypto_key_public(r->kind, slice_of(bytes, n), &out->key) != RC_OK)
		return say(problem, RC_BAD, "its key cannot be read");
	struct slice flags = tags_get(&tags, "t", S(""));
	out->is_testing = tags_has_word(flags, S("y"));
	out->is_strict = tags_has_word(flags, S("s"));
	return RC_OK;
}

enum rc dkim_key_get(const struct dkim_read *r, struct dns_memo *known, struct arena *a,
	struct dkim_key *out, const char **problem, struct fault *why)
{
	struct dns_answer answer = { 0 };
	enum rc rc = dns_memo_get(known, dkim_key_name(r, a), DNS_TXT, &answer, why);
	if (rc == RC_WAIT || rc == RC_LIMIT)
		return rc;
	if (rc == RC_TEMP)
		return say(problem, rc, "DNS does not answer");
	if (rc != RC_OK)
		return say(problem, RC_NONE, "its key is not in DNS");
	rc = RC_BAD;
	for (size_t i = 0; i < answer.n && rc == RC_BAD; i++)
		rc = read_key(r, answer.rr[i].txt, a, out, problem);
	return rc;
}

/* i= must be of d= (RFC 6376 3.5), and with t=s exactly (3.6.1). */
static bool identity_fits(const struct dkim_read *r, bool is_strict)
{
	struct slice of = slice_tail(r->identity, slice_rfind(r->identity, '@') + 1);
	if (r->identity.len == 0 || slice_eq_nocase(of, r->domain))
		return true;
	return !is_strict && of.len > r->domain.len &&
	       slice_eq_nocase(slice_tail(of, of.len - r->domain.len), r->domain) &&
	       of.at[of.len - r->domain.len - 1] == '.';
}

static void judge(const struct dkim_read *r, const struct dkim_key *key,
	const uint8_t digest[CRYPTO_SHA256_LEN], struct dkim_signature *out)
{
	out->bits = crypto_key_bits(key->key);
	out->is_testing = key->is_testing;
	out->result = DKIM_FAIL;
	if (!identity_fits(r, key->is_strict)) {
		out->result = DKIM_PERMERROR;
		out->problem = "its identity is not of its domain";
	} else if (r->kind == CRYPTO_RSA && out->bits < DKIM_RSA_BITS_LEAST) {
		out->result = DKIM_POLICY;
		out->problem = "its key is shorter than 1024 bits (RFC 8301)";
	} else if (memcmp(r->hash.at, r->body_hash, sizeof(r->body_hash)) != 0) {
		out->problem = "the body was changed";
	} else if (crypto_key_verify(key->key, digest, r->signature) != RC_OK) {
		out->problem = "a signed field was changed, or the key is another";
	} else {
		out->result = DKIM_PASS;
		out->problem = "";
	}
}

enum rc dkim_prove(const struct dkim_read *r, const uint8_t digest[CRYPTO_SHA256_LEN],
	struct dns_memo *known, struct arena *a, struct dkim_signature *out, struct fault *why)
{
	struct dkim_key key = { 0 };
	enum rc rc = dkim_key_get(r, known, a, &key, &out->problem, why);
	if (rc == RC_WAIT || rc == RC_LIMIT)
		return rc;
	if (rc != RC_OK) {
		out->result = rc == RC_TEMP ? DKIM_TEMPERROR : DKIM_PERMERROR;
		return RC_OK;
	}
	judge(r, &key, digest, out);
	crypto_key_free(&key.key);
	return RC_OK;
}
