/* dmarc.c: Finds the policy, compares identifiers, and says what is to be done. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dmarc_int.h"

const char *dmarc_result_name(enum dmarc_result result)
{
	static const char *const names[DMARC_RESULTS] = { "none", "pass", "fail", "temperror",
		"permerror" };
	return names[result];
}

const char *dmarc_policy_name(enum dmarc_policy policy)
{
	static const char *const names[] = { "none", "quarantine", "reject" };
	return names[policy];
}

/* One evaluation; names are as DNS compares them. */
struct eval {
	const struct dmarc_ask *ask;
	struct dns_memo *known;
	struct arena *a;
	struct fault *why;
	struct slice from;
	struct dmarc_record record;
	struct dmarc_answer *out;
};

static enum rc end(struct eval *e, enum dmarc_result result, const char *problem)
{
	e->out->result = result;
	e->out->problem = problem;
	return RC_OK;
}

/* RFC 7489 6.6.3, RFC 9989 4.10.1: of the domain itself, of its organization, of the public suffix above. RC_NONE: there is
 * no policy. */
static enum rc discover(struct eval *e, const struct dmarc_place *place)
{
	const struct slice at[] = { e->from, place->org, place->psd };
	enum rc rc = RC_NONE;
	for (size_t i = 0; rc == RC_NONE && i < sizeof(at) / sizeof(at[0]); i++) {
		if (at[i].len == 0)
			continue;
		e->out->domain = at[i];
		rc = dmarc_record_get(at[i], e->known, e->a, &e->record, e->why);
	}
	return rc;
}

/* Same name, or with relaxed alignment of one organization (RFC 7489 3.1). RC_NONE: no. */
static enum rc is_aligned(struct eval *e, struct slice name, bool strict)
{
	struct slice plain;
	struct dmarc_place place;
	if (dns_name_ascii(name, e->a, &plain) != RC_OK)
		return RC_NONE;
	if (slice_eq(plain, e->from))
		return RC_OK;
	if (strict)
		return RC_NONE;
	TRY(dmarc_org(e->ask->method, plain, e->known, e->a, &place, e->why));
	return slice_eq(place.org, e->out->org_domain) ? RC_OK : RC_NONE;
}

static enum rc align(struct eval *e)
{
	enum rc rc = RC_NONE;
	if (e->ask->spf == SPF_PASS)
		rc = is_aligned(e, e->ask->spf_domain, e->record.strict_spf);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	e->out->spf_aligned = rc == RC_OK;
	for (size_t i = 0; i < e->ask->dkim_n && !e->out->dkim_aligned; i++) {
		if (e->ask->dkim[i].result != DKIM_PASS)
			continue;
		rc = is_aligned(e, e->ask->dkim[i].domain, e->record.strict_dkim);
		if (rc != RC_OK && rc != RC_NONE)
			return rc;
		e->out->dkim_aligned = rc == RC_OK;
	}
	return RC_OK;
}

/* Could a later try still pass? */
static bool may_pass_later(const struct dmarc_ask *ask)
{
	bool may = ask->spf == SPF_TEMPERROR;
	for (size_t i = 0; i < ask->dkim_n; i++)
		may |= ask->dkim[i].result == DKIM_TEMPERROR;
	return may;
}

/* RC_NONE: the name does not exist, so np= counts. */
static enum rc exists(struct eval *e)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_MX };
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct dns_answer answer = { 0 };
		enum rc rc = dns_memo_get(e->known, e->from, types[i], &answer, e->why);
		if (rc == RC_WAIT || rc == RC_LIMIT)
			return rc;
		if (rc != RC_NONE || !answer.is_nxdomain)
			return RC_OK;
	}
	return RC_NONE;
}

static enum rc choose_policy(struct eval *e)
{
	const struct dmarc_record *r = &e->record;
	enum dmarc_policy policy = r->p;
	if (!slice_eq(e->out->domain, e->from)) {
		policy = r->sp;
		if (r->np != r->sp) {
			enum rc rc = exists(e);
			if (rc == RC_WAIT || rc == RC_LIMIT)
				return rc;
			policy = rc == RC_NONE ? r->np : r->sp;
		}
	}
	e->out->published = e->out->policy = policy;
	e->out->is_spared = policy != DMARC_P_NONE && (r->is_testing || e->ask->dice >= r->pct);
	/* spared is one step less (RFC 7489 6.6.4) */
	if (e->out->is_spared)
		e->out->policy = policy == DMARC_P_REJECT ? DMARC_P_QUARANTINE : DMARC_P_NONE;
	return RC_OK;
}

static enum rc evaluate(struct eval *e)
{
	struct dmarc_place place;
	enum rc rc = dmarc_org(e->ask->method, e->from, e->known, e->a, &place, e->why);
	if (rc == RC_OK) {
		e->out->org_domain = place.org;
		rc = discover(e, &place);
	}
	if (rc == RC_NONE)
		return end(e, DMARC_NONE, "the domain has no policy");
	if (rc == RC_TEMP)
		return end(e, DMARC_TEMPERROR, "DNS does not answer");
	if (rc == RC_BAD)
		return end(
			e, DMARC_PERMERROR, "the domain's record has no policy that can be read");
	TRY(rc);
	e->out->rua = e->record.rua;
	e->out->ruf = e->record.ruf;
	e->out->fo = e->record.fo;
	TRY(choose_policy(e));
	rc = align(e);
	if (rc == RC_TEMP)
		return end(e, DMARC_TEMPERROR, "DNS does not answer");
	TRY(rc);
	if (e->out->spf_aligned || e->out->dkim_aligned)
		return end(e, DMARC_PASS, "");
	if (may_pass_later(e->ask))
		return end(e, DMARC_TEMPERROR, "SPF or DKIM cannot be told now");
	return end(e, DMARC_FAIL, "neither SPF nor DKIM passed for the domain in From");
}

enum rc dmarc_check(const struct dmarc_ask *ask, struct dns_memo *known, struct arena *a,
	struct dmarc_answer *out, struct fault *why)
{
	struct eval e = { .ask = ask, .known = known, .a = a, .why = why, .out = out };
	*out = (struct dmarc_answer){ .problem = "", .fo = S("0") };
	if (dns_name_ascii(ask->from, a, &e.from) != RC_OK)
		return end(&e, DMARC_PERMERROR, "From has no domain");
	return evaluate(&e);
}
