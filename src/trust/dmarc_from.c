/* dmarc_from.c: Whose message a message says it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mime/mime.h"
#include "trust/dmarc.h"

static enum rc one_domain(struct slice value, struct arena *a, struct slice *domain)
{
	struct mime_address *at;
	size_t n;
	TRY(mime_addresses(value, a, &at, &n));
	*domain = S("");
	for (size_t i = 0; i < n; i++) {
		if (at[i].domain.len == 0)
			continue;
		if (domain->len && !slice_eq_nocase(*domain, at[i].domain))
			return RC_BAD;
		*domain = at[i].domain;
	}
	return domain->len ? RC_OK : RC_NONE;
}

enum rc dmarc_from(struct slice header, struct arena *a, struct slice *domain)
{
	struct mime_field f;
	struct slice value = { 0 };
	size_t n = 0;
	while (mime_field_next(&header, &f) == RC_OK) {
		if (!slice_eq_nocase(f.name, S("From")))
			continue;
		value = f.value;
		n++;
	}
	return n == 1 ? one_domain(value, a, domain) : n ? RC_BAD : RC_NONE;
}
