/* bans.c: Bans as the configuration wants them, and who is never banned. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/ban.h"
#include "base/mem.h"
#include "main/house.h"

static const uint64_t period_most_ms = UINT64_C(400) * 86400000;

bool house_is_banned(void *house, const uint8_t at[16])
{
	struct house *h = house;
	return h->bans && bans_has(h->bans, at);
}

static enum rc add_all(const struct conf_list *list, const char *what, struct net_cidr *all,
	size_t *n, struct fault *why)
{
	for (size_t i = 0; i < list->n; i++)
		if (net_cidr_parse(slice_str(list->at[i]), &all[(*n)++]) != RC_OK)
			return fault_set(
				why, FAULT_CONFIG, "%s: \"%s\" is no network", what, list->at[i]);
	return RC_OK;
}

/* `all` has room for whatever is never banned. */
static enum rc terms_of(
	const struct conf *c, struct net_cidr *all, struct ban_terms *out, struct fault *why)
{
	const struct conf_rate *rate = &c->auth.ban_rate;
	size_t n = 0;
	TRY(add_all(&c->auth.ban_allow, "auth.ban.allow", all, &n, why));
	for (size_t i = 0; i < c->nlisteners; i++)
		TRY(add_all(&c->listeners[i].trusted, "proxy.trusted-networks", all, &n, why));
	*out = (struct ban_terms){ .window = { LOOKUP_FIXED, rate->count,
					   rate->per_ms < period_most_ms ? rate->per_ms
									 : period_most_ms },
		.ban_ms = c->auth.ban_ms,
		.spared = all,
		.spared_n = n };
	return RC_OK;
}

enum rc house_bans(struct house *h, const struct conf *c, struct fault *why)
{
	struct ban_deps deps = { .data = h->data, .lookup = h->lookup };
	size_t most = c->auth.ban_allow.n;
	for (size_t i = 0; i < c->nlisteners; i++)
		most += c->listeners[i].trusted.n;
	struct net_cidr *all = mem_new(MEM_OTHER, (most + 1) * sizeof(*all));
	enum rc rc = terms_of(c, all, &deps.terms, why);
	if (rc == RC_OK && h->bans)
		bans_change(h->bans, &deps.terms);
	else if (rc == RC_OK)
		rc = bans_open(&deps, &h->bans, why);
	mem_free(MEM_OTHER, all);
	return rc;
}
