/* dkim_int.h: What DKIM-Signature and ARC-Message-Signature have in common. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_DKIM_INT_H
#define TRUST_DKIM_INT_H

#include "mime/mime.h"
#include "trust/dkim.h"
#include "trust/tags.h"

/* A signature field read, and its body under way. */
struct dkim_read {
	struct mime_field field;
	struct tags tags;
	enum crypto_key_kind kind;
	enum canon header_form, body_form;
	struct slice domain, selector, identity, names; /* names: h= */
	struct slice hash, signature; /* decoded bh= and b= */
	uint64_t length; /* l=; UINT64_MAX: none */
	uint64_t made, expires; /* t=, x=; 0: none */
	struct canon_body body;
	uint8_t body_hash[CRYPTO_SHA256_LEN];
	bool is_hashing;
};

/* Reads what both have: a b bh c d h l s t x; `forms`: when there is no c=. On RC_DENIED or RC_BAD `*problem` says why: not to be trusted, not to be read. */
enum rc dkim_read_tags(
	struct dkim_read *r, struct slice forms, struct arena *a, const char **problem);
/* The same of an ARC-Seal: a b d s t. */
enum rc dkim_read_seal(struct dkim_read *r, struct arena *a, const char **problem);
/* The digest that b= signs: the fields of h= in the message's header, each from the bottom up, then the signature's own
 * field without the value of b=. RC_LIMIT: no memory. */
enum rc dkim_header_digest(const struct dkim_read *r, struct slice header, struct arena *a,
	uint8_t digest[CRYPTO_SHA256_LEN]);

/* How many fields of that name there are. */
size_t dkim_field_count(struct slice header, struct slice name);

/* dkim_key.c: a key as it is published (RFC 6376 3.6.1). */
struct dkim_key {
	struct crypto_key *key; /* crypto_key_free */
	bool is_testing, is_strict; /* t=y, t=s */
};
/* RC_WAIT; RC_TEMP; RC_NONE, RC_BAD, RC_DENIED: there is none, it cannot be used, it is revoked; `*problem` says which. */
enum rc dkim_key_get(const struct dkim_read *r, struct dns_memo *known, struct arena *a,
	struct dkim_key *out, const char **problem, struct fault *why);
/* The answer's name: SELECTOR._domainkey.DOMAIN */
struct slice dkim_key_name(const struct dkim_read *r, struct arena *a);
/* Key, its strength, then the digest: sets `out`, but its names. RC_WAIT and RC_LIMIT go through. */
enum rc dkim_prove(const struct dkim_read *r, const uint8_t digest[CRYPTO_SHA256_LEN],
	struct dns_memo *known, struct arena *a, struct dkim_signature *out, struct fault *why);

#endif
