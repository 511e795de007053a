/* arc.h: Authenticated Received Chain (RFC 8617): what those before us saw, proven link by link; and our own link. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_ARC_H
#define TRUST_ARC_H

#include "trust/dkim.h"

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_TEMPERROR, ARC_RESULTS };
enum { ARC_SETS_MOST = 50 };

struct arc_answer {
	enum arc_result result;
	const char *problem; /* "" unless it fails */
	unsigned sets; /* instances of the chain */
	bool is_ended; /* its last seal says that it was broken before: nothing is added any more */
	unsigned
		oldest_pass; /* the lowest instance whose message signature still fits, with all behind it; 0: none or all (RFC 8617 5.2) */
	struct slice domain, selector; /* of the last seal */
	struct slice results; /* the last ARC-Authentication-Results, without its instance */
};

struct arc_check;

/* As dkim_check_begin; the chain may be broken, which is told in the end. */
enum rc arc_check_begin(struct slice header, struct arena *a, struct arc_check **out);
void arc_check_body(struct arc_check *c, struct slice bytes);
void arc_check_end(struct arc_check *c);
/* RC_WAIT: keys are asked for. */
enum rc arc_check_result(
	struct arc_check *c, struct dns_memo *known, struct arc_answer *out, struct fault *why);

/* "none", "pass", "fail", "temperror". */
const char *arc_result_name(enum arc_result result);

/* --- sealing --- */

struct arc_sealer {
	struct slice domain, selector;
	const struct crypto_key *key;
	struct slice authserv_id; /* RFC 8601 2.5 */
	struct slice results; /* "spf=pass ...; dkim=pass ...", what we saw */
	const struct slice *names; /* fields of the message signature; names_n 0: the usual ones */
	size_t names_n;
	int64_t unix_now;
};
/* The three fields of the next set, the seal first, with their line ends, appended: for a message whose chain was found to
 * be `chain`, and the relaxed hash of its body. A broken one is ended by it. RC_NONE: none is added to a chain that was ended, could
 * not be proven now, or has ARC_SETS_MOST. RC_BAD: the key cannot sign, or no field of `names` is there. */
enum rc arc_seal(const struct arc_sealer *s, const struct arc_answer *chain, struct slice header,
	const uint8_t body_hash[CRYPTO_SHA256_LEN], struct arena *a, struct buf *out);

#endif
