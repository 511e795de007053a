/* dmarc_int.h: Records of DMARC and organizational domains. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_DMARC_INT_H
#define TRUST_DMARC_INT_H

#include "trust/dmarc.h"

struct dmarc_record {
	enum dmarc_policy p, sp, np;
	bool strict_spf, strict_dkim;
	bool is_testing; /* t=y */
	uint8_t psd; /* 'y', 'n' or 'u' */
	unsigned pct;
	struct slice rua, ruf, fo;
};

/* dmarc_record.c: RFC 7489 6.3. RC_NONE: it is no record of DMARC. RC_BAD: it is, and has no policy. */
enum rc dmarc_record_parse(struct slice text, struct dmarc_record *out);
/* The one record of a domain. RC_NONE: none, or several (RFC 7489 6.6.3). RC_WAIT, RC_TEMP, RC_LIMIT, RC_BAD go through. */
enum rc dmarc_record_get(struct slice domain, struct dns_memo *known, struct arena *a,
	struct dmarc_record *out, struct fault *why);

/* dmarc_org.c: where a name belongs. */
struct dmarc_place {
	struct slice org; /* the organizational domain; the name itself when there is none above */
	struct slice
		psd; /* by the walk: a public suffix's domain above it that has a record; or empty */
};
/* RC_WAIT, RC_TEMP, RC_LIMIT. */
enum rc dmarc_org(enum dmarc_method method, struct slice name, struct dns_memo *known,
	struct arena *a, struct dmarc_place *out, struct fault *why);

#endif
