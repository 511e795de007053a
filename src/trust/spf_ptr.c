/* spf_ptr.c: Names of an address and addresses of a name, as SPF counts them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/spf_int.h"

bool spf_is_below(struct slice name, struct slice domain)
{
	if (domain.len && domain.at[domain.len - 1] == '.')
		domain.len--;
	if (name.len < domain.len)
		return false;
	struct slice end = slice_tail(name, name.len - domain.len);
	return slice_eq_nocase(end, domain) &&
	       (name.len == domain.len || name.at[name.len - domain.len - 1] == '.');
}

static bool same_prefix(const uint8_t *x, const uint8_t *y, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	if (memcmp(x, y, whole) != 0)
		return false;
	return rest == 0 || ((x[whole] ^ y[whole]) >> (8 - rest)) == 0;
}

enum rc spf_has_address(struct spf *q, struct slice host, unsigned prefix, bool *is_void)
{
	struct dns_answer answer = { 0 };
	bool four = q->ip_len == 4;
	*is_void = false;
	enum rc rc = dns_memo_get(q->known, host, four ? DNS_A : DNS_AAAA, &answer, q->why);
	*is_void = rc == RC_NONE || rc == RC_BAD;
	if (rc != RC_OK)
		return rc == RC_BAD ? RC_NONE : rc;
	for (size_t i = 0; i < answer.n; i++) {
		if (same_prefix(q->ip, four ? answer.rr[i].a : answer.rr[i].aaaa, prefix))
			return RC_OK;
	}
	return RC_NONE;
}

enum rc spf_ptr_names(struct spf *q, struct slice *names, size_t *n)
{
	struct dns_answer answer = { 0 };
	bool is_void;
	*n = 0;
	enum rc rc = dns_memo_get(
		q->known, dns_name_reverse(q->ip, q->ip_len, q->a), DNS_PTR, &answer, q->why);
	if (rc != RC_OK)
		return rc == RC_WAIT || rc == RC_LIMIT ? rc : RC_OK;
	for (size_t i = 0; i < answer.n && i < SPF_PTR_MOST; i++) {
		rc = spf_has_address(q, answer.rr[i].name, q->ip_len == 4 ? 32 : 128, &is_void);
		if (rc == RC_WAIT || rc == RC_LIMIT)
			return rc;
		if (rc == RC_OK)
			names[(*n)++] = answer.rr[i].name;
	}
	return RC_OK;
}
