/* dmarc_org.c: Organizational domains: by the public suffix list, or up the tree of names (RFC 9989 4.10). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dmarc_int.h"
#include <libpsl.h>

enum { LABELS_MOST = 8 };

static size_t count_labels(struct slice name)
{
	size_t n = name.len > 0;
	for (size_t i = 0; i < name.len; i++)
		n += name.at[i] == '.';
	return n;
}

static enum rc by_list(struct slice name, struct arena *a, struct slice *out)
{
	const char *text = arena_str(a, name);
	const psl_ctx_t *list = psl_builtin();
	if (!text)
		return RC_LIMIT;
	const char *registrable = list ? psl_registrable_domain(list, text) : NULL;
	*out = registrable ? slice_str(registrable) : name;
	return RC_OK;
}

/* One label off the left; from more than eight, down to seven. */
static struct slice parent(struct slice name)
{
	size_t labels = count_labels(name);
	do
		slice_split(&name, '.');
	while (--labels >= LABELS_MOST);
	return name;
}

static enum rc by_walk(struct slice name, struct dns_memo *known, struct arena *a,
	struct dmarc_place *out, struct fault *why)
{
	struct slice below = name;
	for (struct slice at = name; count_labels(at) > 0; below = at, at = parent(at)) {
		struct dmarc_record r;
		enum rc rc = dmarc_record_get(at, known, a, &r, why);
		if (rc == RC_NONE || rc == RC_BAD)
			continue;
		TRY(rc);
		if (r.psd == 'y') {
			out->org = at.len == name.len ? name : below;
			out->psd = at;
			return RC_OK;
		}
		out->org = at;
		if (r.psd == 'n')
			return RC_OK;
	}
	return RC_OK;
}

enum rc dmarc_org(enum dmarc_method method, struct slice name, struct dns_memo *known,
	struct arena *a, struct dmarc_place *out, struct fault *why)
{
	*out = (struct dmarc_place){ .org = name };
	return method == DMARC_BY_LIST ? by_list(name, a, &out->org)
				       : by_walk(name, known, a, out, why);
}
