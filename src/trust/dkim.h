/* dkim.h: DomainKeys Identified Mail (RFC 6376, RFC 8301, RFC 8463): signatures verified over a memo of DNS answers, and made. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_DKIM_H
#define TRUST_DKIM_H

#include "base/buf.h"
#include "crypto/sign.h"
#include "dns/dns.h"
#include "trust/canon.h"

/* RFC 8601 2.7.1 */
enum dkim_result {
	DKIM_NONE,
	DKIM_PASS,
	DKIM_FAIL, /* the signature does not fit the message */
	DKIM_POLICY, /* it may fit, and is not to be trusted: too short a key, SHA-1 */
	DKIM_NEUTRAL, /* it cannot be read */
	DKIM_TEMPERROR,
	DKIM_PERMERROR, /* its key is missing, revoked or of no use */
	DKIM_RESULTS
};

enum { DKIM_SIGNATURES_MOST = 10, DKIM_RSA_BITS_LEAST = 1024 };

/* What one signature says; slices are views into the header, or lie in the arena. */
struct dkim_signature {
	enum dkim_result result;
	const char *problem; /* "" when it passes */
	struct slice domain, selector, identity; /* d=, s=, i= (or "@" d) */
	struct slice algorithm; /* "rsa-sha256" */
	struct slice start; /* first eight characters of b=, for header.b (RFC 6008) */
	unsigned bits; /* of the key; 0: not seen */
	bool is_testing; /* the key says t=y */
	bool has_length; /* l= leaves some of the body out */
};

/* The signatures of one message. */
struct dkim_check;

/* `header`: the message's, with its blank line; it lives as long as the check, like `a`. At most DKIM_SIGNATURES_MOST
 * signatures are looked at, the first ones. RC_LIMIT: no memory. */
enum rc dkim_check_begin(struct slice header, struct arena *a, struct dkim_check **out);
/* The body, in pieces of any size. */
void dkim_check_body(struct dkim_check *c, struct slice bytes);
/* After the whole body; also when the check is given up. */
void dkim_check_end(struct dkim_check *c);
/* RC_WAIT: keys are asked for. `at` lives as long as the check; n may be 0. */
enum rc dkim_check_results(struct dkim_check *c, struct dns_memo *known, int64_t unix_now,
	const struct dkim_signature **at, size_t *n, struct fault *why);

/* "pass", "permerror" ... */
const char *dkim_result_name(enum dkim_result result);

/* --- signing --- */

struct dkim_signer {
	struct slice domain, selector, identity; /* identity empty: none is named */
	const struct crypto_key *key;
	enum canon header_form, body_form;
	const struct slice
		*names; /* fields to be signed; each as often as it stands there and once more */
	size_t names_n; /* 0: those of RFC 6376 5.4.1 that there are, From and Subject oversigned */
	int64_t unix_now, expires_s; /* x= so long after t=; 0: none */
};
/* The field "DKIM-Signature: ...", folded, with its line end, appended: for the message with that header and the hash of its
 * body in the signer's form. RC_BAD: there is no From, or the key cannot sign. */
enum rc dkim_sign(const struct dkim_signer *s, struct slice header,
	const uint8_t body_hash[CRYPTO_SHA256_LEN], struct arena *a, struct buf *out);

#endif
