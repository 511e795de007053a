/* dmarc_record.c: A domain's record of DMARC. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dmarc_int.h"
#include "trust/tags.h"

/* RC_NONE: no such tag. */
static enum rc take_policy(const struct tags *tags, const char *name, enum dmarc_policy *out)
{
	const struct tag *t = tags_find(tags, name);
	if (!t)
		return RC_NONE;
	for (int p = DMARC_P_NONE; p <= DMARC_P_REJECT; p++) {
		if (slice_eq_nocase(t->value, slice_str(dmarc_policy_name((enum dmarc_policy)p)))) {
			*out = (enum dmarc_policy)p;
			return RC_OK;
		}
	}
	return RC_BAD;
}

static bool is_word(const struct tags *tags, const char *name, const char *word)
{
	return slice_eq_nocase(tags_get(tags, name, S("")), slice_str(word));
}

static bool is_version(struct slice text)
{
	struct slice rest = text, first = slice_split(&rest, ';');
	struct slice name = slice_trim(slice_split(&first, '='));
	return slice_eq(name, S("v")) && slice_eq(slice_trim(first), S("DMARC1"));
}

enum rc dmarc_record_parse(struct slice text, struct dmarc_record *out)
{
	struct tags tags;
	uint64_t pct = 100;
	if (!is_version(text))
		return RC_NONE;
	if (tags_parse(text, &tags) != RC_OK)
		return RC_BAD;
	*out = (struct dmarc_record){ .rua = tags_get(&tags, "rua", S("")),
		.ruf = tags_get(&tags, "ruf", S("")),
		.fo = tags_get(&tags, "fo", S("0")),
		.strict_spf = is_word(&tags, "aspf", "s"),
		.strict_dkim = is_word(&tags, "adkim", "s"),
		.is_testing = is_word(&tags, "t", "y"),
		.psd = is_word(&tags, "psd", "y")   ? 'y'
		       : is_word(&tags, "psd", "n") ? 'n'
						    : 'u' };
	/* without a policy that can be read it only asks for reports (RFC 7489 6.6.3) */
	if (take_policy(&tags, "p", &out->p) != RC_OK && out->rua.len == 0)
		return RC_BAD;
	out->sp = out->p;
	if (take_policy(&tags, "sp", &out->sp) == RC_BAD)
		out->sp = out->p;
	out->np = out->sp;
	if (take_policy(&tags, "np", &out->np) == RC_BAD)
		out->np = out->sp;
	out->pct = slice_u64(tags_get(&tags, "pct", S("100")), 100, &pct) == RC_OK ? (unsigned)pct
										   : 100;
	return RC_OK;
}

enum rc dmarc_record_get(struct slice domain, struct dns_memo *known, struct arena *a,
	struct dmarc_record *out, struct fault *why)
{
	struct dns_answer answer = { 0 };
	struct slice name = arena_fmt(a, "_dmarc.%.*s", FMT(domain));
	size_t found = 0;
	enum rc result = RC_NONE, rc = dns_memo_get(known, name, DNS_TXT, &answer, why);
	if (rc != RC_OK)
		return rc == RC_BAD ? RC_NONE : rc;
	for (size_t i = 0; i < answer.n; i++) {
		rc = dmarc_record_parse(answer.rr[i].txt, out);
		if (rc == RC_NONE)
			continue;
		result = rc;
		found++;
	}
	return found > 1 ? RC_NONE : result;
}
