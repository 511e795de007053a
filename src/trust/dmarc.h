/* dmarc.h: Does the From domain stand behind the message? DMARC (RFC 7489), and the tree walk of its successor (RFC 9989). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_DMARC_H
#define TRUST_DMARC_H

#include "trust/dkim.h"
#include "trust/spf.h"

enum dmarc_result {
	DMARC_NONE,
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR,
	DMARC_RESULTS
};
enum dmarc_policy { DMARC_P_NONE, DMARC_P_QUARANTINE, DMARC_P_REJECT };
/* How the organizational domain is found: by the public suffix list, or by walking up the tree of names. */
enum dmarc_method { DMARC_BY_LIST, DMARC_BY_WALK };

struct dmarc_ask {
	enum dmarc_method method;
	struct slice from; /* domain of the From field's only author */
	enum spf_result spf;
	struct slice spf_domain; /* that SPF was asked about */
	const struct dkim_signature *dkim;
	size_t dkim_n;
	unsigned dice; /* 0..99, drawn once a message: whether pct= spares it */
};

struct dmarc_answer {
	enum dmarc_result result;
	enum dmarc_policy
		policy; /* what is to be done with a message that fails; after sp=, np=, pct= and t= */
	enum dmarc_policy published; /* before pct= and t= */
	struct slice domain; /* where the record was found */
	struct slice org_domain; /* of From */
	bool spf_aligned, dkim_aligned; /* and passed */
	bool is_spared; /* by pct= or t=y */
	struct slice rua, ruf; /* where reports go: URIs, commas between */
	struct slice fo;
	const char *problem; /* "" unless it failed or could not be told */
};

/* The domain of the authors that From names (RFC 7489 6.6.1). RC_NONE: no From, or no address in it. RC_BAD: two From
 * fields, or authors of two domains. */
enum rc dmarc_from(struct slice header, struct arena *a, struct slice *domain);

/* RC_OK: `out` lives as long as `a` and the memo. RC_WAIT: asked for; run it again. RC_LIMIT: no memory. */
enum rc dmarc_check(const struct dmarc_ask *ask, struct dns_memo *known, struct arena *a,
	struct dmarc_answer *out, struct fault *why);

/* "none", "pass", "fail", "temperror", "permerror" (RFC 8601 2.7). */
const char *dmarc_result_name(enum dmarc_result result);
/* "none", "quarantine", "reject". */
const char *dmarc_policy_name(enum dmarc_policy policy);

#endif
