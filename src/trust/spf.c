/* spf.c: check_host() of RFC 7208 4: a domain's record is found, its terms are tried in order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/spf_int.h"

enum { LOOKUPS_MOST = 10, VOIDS_MOST = 2, MX_MOST = 10, NAME_MOST = 253, LABEL_MOST = 63 };

/* Where an evaluation ended: the record whose exp= counts, under its domain. */
struct end {
	enum spf_result result;
	struct slice exp, domain;
};

const char *spf_result_name(enum spf_result result)
{
	static const char *const names[SPF_RESULTS] = { "none", "neutral", "pass", "fail",
		"softfail", "temperror", "permerror" };
	return names[result];
}

static enum rc check_host(struct spf *q, struct slice domain, unsigned depth, struct end *end);

static enum rc error(struct spf *q, struct end *end, enum spf_result result, const char *problem)
{
	end->result = result;
	end->exp = S("");
	q->problem = problem;
	return RC_OK;
}

/* RFC 7208 4.3: more than one label, none empty, none too long. */
static bool is_domain(struct slice s)
{
	size_t labels = 0;
	if (s.len && s.at[s.len - 1] == '.')
		s.len--;
	if (s.len == 0 || s.len > NAME_MOST || s.at[0] == '[')
		return false;
	while (s.len) {
		struct slice label = slice_split(&s, '.');
		if (label.len == 0 || label.len > LABEL_MOST)
			return false;
		labels++;
	}
	return labels > 1;
}

/* --- mechanisms: RC_OK: it matches; RC_NONE: it does not; RC_TEMP: DNS; RC_BAD: permerror, q->problem says why --- */

static enum rc permanent(struct spf *q, const char *problem)
{
	q->problem = problem;
	return RC_BAD;
}

static enum rc count_void(struct spf *q, bool is_void)
{
	q->voids += is_void;
	return q->voids > VOIDS_MOST ? permanent(q, "more than two names do not exist") : RC_OK;
}

static enum rc match_address(
	struct spf *q, struct slice host, const struct spf_term *t, bool counts)
{
	bool is_void;
	enum rc rc = spf_has_address(q, host, q->ip_len == 4 ? t->prefix4 : t->prefix6, &is_void);
	if (counts)
		TRY(count_void(q, is_void));
	return rc;
}

static enum rc match_mx(struct spf *q, struct slice domain, const struct spf_term *t)
{
	struct dns_answer answer = { 0 };
	enum rc rc = dns_memo_get(q->known, domain, DNS_MX, &answer, q->why);
	TRY(count_void(q, rc == RC_NONE || rc == RC_BAD));
	if (rc != RC_OK)
		return rc == RC_BAD ? RC_NONE : rc;
	if (answer.n > MX_MOST)
		return permanent(q, "an mx term has more than ten hosts");
	for (size_t i = 0; i < answer.n; i++) {
		if (answer.rr[i].mx.host.len == 0)
			continue;
		rc = match_address(q, answer.rr[i].mx.host, t, false);
		if (rc != RC_NONE)
			return rc;
	}
	return RC_NONE;
}

static enum rc match_ptr(struct spf *q, struct slice domain)
{
	struct slice names[SPF_PTR_MOST];
	size_t n = 0;
	TRY(spf_ptr_names(q, names, &n));
	for (size_t i = 0; i < n; i++) {
		if (spf_is_below(names[i], domain))
			return RC_OK;
	}
	return RC_NONE;
}

static enum rc match_exists(struct spf *q, struct slice domain)
{
	struct dns_answer answer = { 0 };
	enum rc rc = dns_memo_get(q->known, domain, DNS_A, &answer, q->why);
	TRY(count_void(q, rc == RC_NONE || rc == RC_BAD));
	return rc == RC_BAD ? RC_NONE : rc;
}

static enum rc match_include(struct spf *q, struct slice domain, unsigned depth)
{
	struct end inner = { 0 };
	TRY(check_host(q, domain, depth + 1, &inner));
	switch (inner.result) {
	case SPF_PASS:
		return RC_OK;
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_NEUTRAL:
		return RC_NONE;
	case SPF_TEMPERROR:
		return RC_TEMP;
	case SPF_NONE:
		return permanent(q, "an included domain has no record");
	case SPF_PERMERROR:
	case SPF_RESULTS:
		break;
	}
	return RC_BAD; /* the problem is said */
}

static bool is_in(const struct spf *q, const struct spf_term *t, size_t len, unsigned prefix)
{
	if (q->ip_len != len)
		return false;
	for (unsigned i = 0; i < prefix; i++) {
		if ((q->ip[i / 8] ^ t->ip[i / 8]) >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

static enum rc match(struct spf *q, const struct spf_term *t, struct slice domain, unsigned depth)
{
	struct slice target = domain;
	switch (t->kind) {
	case SPF_ALL:
		return RC_OK;
	case SPF_IP4:
		return is_in(q, t, 4, t->prefix4) ? RC_OK : RC_NONE;
	case SPF_IP6:
		return is_in(q, t, 16, t->prefix6) ? RC_OK : RC_NONE;
	case SPF_INCLUDE:
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS:
		break;
	}
	if (++q->lookups > LOOKUPS_MOST)
		return permanent(q, "more than ten terms ask DNS");
	if (t->domain.len)
		TRY(spf_macro_expand(q, t->domain, domain, false, &target));
	switch (t->kind) {
	case SPF_INCLUDE:
		return match_include(q, target, depth);
	case SPF_A:
		return match_address(q, target, t, true);
	case SPF_MX:
		return match_mx(q, target, t);
	case SPF_PTR:
		return match_ptr(q, target);
	case SPF_EXISTS:
		return match_exists(q, target);
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
		break;
	}
	return RC_NONE;
}

/* --- a record --- */

/* RFC 7208 4.5: the one TXT record that is SPF. RC_NONE: there is none. RC_BAD: several. */
static enum rc find_record(struct spf *q, struct slice domain, struct slice *text)
{
	struct dns_answer answer = { 0 };
	size_t found = 0;
	TRY(dns_memo_get(q->known, domain, DNS_TXT, &answer, q->why));
	for (size_t i = 0; i < answer.n; i++) {
		struct slice txt = answer.rr[i].txt;
		if (!slice_starts_nocase(txt, S("v=spf1")) || (txt.len > 6 && txt.at[6] != ' '))
			continue;
		*text = slice_tail(txt, 6);
		found++;
	}
	return found == 1 ? RC_OK
	       : found    ? permanent(q, "the domain has several SPF records")
			  : RC_NONE;
}

static enum rc redirected(struct spf *q, const struct spf_record *r, struct slice domain,
	unsigned depth, struct end *end)
{
	struct slice target;
	if (++q->lookups > LOOKUPS_MOST)
		return error(q, end, SPF_PERMERROR, "more than ten terms ask DNS");
	TRY(spf_macro_expand(q, r->redirect, domain, false, &target));
	TRY(check_host(q, target, depth + 1, end));
	if (end->result == SPF_NONE)
		return error(q, end, SPF_PERMERROR, "the domain it is redirected to has no record");
	return RC_OK;
}

static enum rc evaluate(struct spf *q, const struct spf_record *r, struct slice domain,
	unsigned depth, struct end *end)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct spf_term *t = &r->terms[i];
		enum rc rc = match(q, t, domain, depth);
		if (rc == RC_NONE)
			continue;
		if (rc == RC_WAIT || rc == RC_LIMIT)
			return rc;
		if (depth == 0 || rc != RC_OK)
			q->mechanism = t->text;
		if (rc == RC_TEMP)
			return error(q, end, SPF_TEMPERROR, "DNS does not answer");
		if (rc != RC_OK)
			return error(q, end, SPF_PERMERROR, q->problem);
		*end = (struct end){ .result = t->on_match, .exp = r->exp, .domain = domain };
		return RC_OK;
	}
	if (r->redirect.len)
		return redirected(q, r, domain, depth, end);
	end->result = SPF_NEUTRAL;
	return RC_OK;
}

static enum rc check_host(struct spf *q, struct slice domain, unsigned depth, struct end *end)
{
	struct spf_record record;
	struct slice text;
	if (!is_domain(domain))
		return error(q, end, SPF_NONE, "that is no domain name with two labels");
	if (depth > LOOKUPS_MOST)
		return error(q, end, SPF_PERMERROR, "more than ten terms ask DNS");
	enum rc rc = find_record(q, domain, &text);
	if (rc == RC_WAIT || rc == RC_LIMIT)
		return rc;
	if (rc == RC_TEMP)
		return error(q, end, SPF_TEMPERROR, "DNS does not answer");
	if (rc == RC_NONE)
		return error(q, end, SPF_NONE, "the domain has no SPF record");
	if (rc != RC_OK)
		return error(q, end, q->problem[0] ? SPF_PERMERROR : SPF_NONE, q->problem);
	rc = spf_record_parse(text, q->a, &record, &q->problem);
	if (rc != RC_OK)
		return rc == RC_LIMIT ? rc : error(q, end, SPF_PERMERROR, q->problem);
	return evaluate(q, &record, domain, depth, end);
}

/* RFC 7208 6.2: without a fault in it, or none at all. */
static enum rc explain(struct spf *q, const struct end *end, struct slice *out)
{
	struct dns_answer answer = { 0 };
	struct slice name, text;
	if (end->result != SPF_FAIL || end->exp.len == 0)
		return RC_OK;
	TRY(spf_macro_expand(q, end->exp, end->domain, false, &name));
	enum rc rc = dns_memo_get(q->known, name, DNS_TXT, &answer, q->why);
	if (rc == RC_WAIT || rc == RC_LIMIT)
		return rc;
	if (rc != RC_OK || answer.n != 1)
		return RC_OK;
	for (size_t i = 0; i < answer.rr[0].txt.len; i++) {
		if (answer.rr[0].txt.at[i] >= 0x80 || answer.rr[0].txt.at[i] < ' ')
			return RC_OK;
	}
	rc = spf_macro_expand(q, answer.rr[0].txt, end->domain, true, &text);
	if (rc == RC_OK)
		*out = text;
	return rc == RC_BAD ? RC_OK : rc;
}

static void take_address(struct spf *q)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool four = q->ask->ip_len == 16 && memcmp(q->ask->ip, mapped, sizeof(mapped)) == 0;
	q->ip_len = four || q->ask->ip_len == 4 ? 4 : 16;
	memcpy(q->ip, q->ask->ip + (four ? 12 : 0), q->ip_len);
}

enum rc spf_check(const struct spf_ask *ask, struct dns_memo *known, struct arena *a,
	struct spf_answer *out, struct fault *why)
{
	struct spf q = { .ask = ask, .known = known, .a = a, .why = why, .problem = "" };
	struct slice sender = ask->sender, explanation = S("");
	size_t at = slice_rfind(sender, '@');
	struct end end = { 0 };
	take_address(&q);
	q.local = at < sender.len ? slice_head(sender, at) : S("");
	q.sender_domain = sender.len == 0   ? ask->helo
			  : at < sender.len ? slice_tail(sender, at + 1)
					    : sender;
	if (q.local.len == 0)
		q.local = S("postmaster");
	enum rc rc = check_host(&q, q.sender_domain, 0, &end);
	if (rc == RC_OK)
		rc = explain(&q, &end, &explanation);
	if (rc != RC_OK)
		return rc;
	bool is_told = end.result == SPF_NONE || end.result == SPF_TEMPERROR ||
		       end.result == SPF_PERMERROR;
	*out = (struct spf_answer){ .result = end.result,
		.domain = q.sender_domain,
		.mechanism = q.mechanism,
		.explanation = explanation,
		.problem = is_told ? q.problem : "",
		.lookups = q.lookups };
	return RC_OK;
}
