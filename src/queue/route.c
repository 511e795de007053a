/* route.c: From a domain to the addresses of its mail servers, best first (RFC 5321 5.1). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "queue/deliver_int.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { SMTP_PORT = 25, MX_MAX = 64 };

struct candidate {
	const struct dns_rr *rr;
	uint16_t dice; /* RFC 5321 5.1: those of equal preference take turns */
};

bool route_is_relay(const struct queue_terms *terms)
{
	return terms->relay_host[0] != '\0';
}

static unsigned port_of(const struct delivery *d)
{
	uint64_t port;
	if (route_is_relay(d->terms)) {
		struct slice s = slice_str(d->terms->relay_host);
		s = slice_tail(s, slice_rfind(s, ':') + 1);
		return slice_u64(s, 65535, &port) == RC_OK ? (unsigned)port : SMTP_PORT;
	}
	return d->terms->port ? d->terms->port : SMTP_PORT;
}

/* --- hosts --- */

static int by_preference(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;
	int order = a->rr->mx.preference - b->rr->mx.preference;
	return order ? order : a->dice - b->dice;
}

/* RFC 5321 5.1: we are no way to ourselves, and neither is a host that is not better than we are. */
static unsigned our_preference(const struct dns_answer *mx, const char *hostname)
{
	unsigned ours = UINT32_MAX;
	for (size_t i = 0; i < mx->n; i++)
		if (slice_eq_nocase(mx->rr[i].mx.host, slice_str(hostname)) &&
			mx->rr[i].mx.preference < ours)
			ours = mx->rr[i].mx.preference;
	return ours;
}

static enum rc choose(struct delivery *d, const struct dns_answer *mx, const char **no)
{
	struct candidate all[MX_MAX];
	uint16_t dice[MX_MAX];
	size_t n = 0;
	unsigned ours = our_preference(mx, d->terms->hostname);
	if (mx->n == 1 && mx->rr[0].mx.host.len == 0) {
		*no = "556 5.1.10 the domain takes no mail"; /* RFC 7505 */
		return RC_DENIED;
	}
	random_bytes(dice, sizeof(dice));
	for (size_t i = 0; i < mx->n && n < MX_MAX; i++)
		if (mx->rr[i].mx.preference < ours && mx->rr[i].mx.host.len) {
			all[n] = (struct candidate){ &mx->rr[i], dice[n] };
			n++;
		}
	if (n == 0) {
		*no = ours == UINT32_MAX ? "550 5.1.2 the domain names no mail server"
					 : "554 5.4.6 this server is the domain's best one, and "
					   "does not know it";
		return RC_DENIED;
	}
	qsort(all, n, sizeof(all[0]), by_preference);
	for (size_t i = 0; i < n && i < ROUTE_HOSTS; i++)
		d->hosts[d->hosts_n++] = all[i].rr->mx.host;
	return RC_OK;
}

enum rc route_hosts(struct delivery *d, const char **no)
{
	struct dns_answer mx = { 0 };
	struct fault why = { 0 };
	d->hosts_n = 0;
	if (route_is_relay(d->terms)) {
		d->hosts[d->hosts_n++] = slice_head(d->domain, slice_rfind(d->domain, ':'));
		return RC_OK;
	}
	if (d->domain.len > 2 && d->domain.at[0] == '[') { /* an address literal */
		d->hosts[d->hosts_n++] = slice_of(d->domain.at + 1, d->domain.len - 2);
		return RC_OK;
	}
	enum rc rc =
		d->q->deps.dns ? dns_memo_get(&d->memo, d->domain, DNS_MX, &mx, &why) : RC_TEMP;
	if (rc == RC_WAIT)
		return RC_WAIT;
	if (rc == RC_TEMP) {
		*no = "451 4.4.3 the domain's DNS does not answer";
		return RC_TEMP;
	}
	if (rc == RC_OK)
		return choose(d, &mx, no);
	if (rc != RC_NONE || mx.is_nxdomain) {
		*no = "550 5.1.2 no such domain";
		return RC_NONE;
	}
	d->hosts[d->hosts_n++] = d->domain; /* RFC 5321 5.1: its own address is its implicit MX */
	return RC_OK;
}

const char *route_unreachable(const struct delivery *d)
{
	if (d->hosts_n == 0 || d->has_address || d->dns_failed || route_is_relay(d->terms))
		return NULL;
	return slice_eq(d->hosts[0], d->domain)
		       ? "550 5.1.2 the domain has neither a mail server nor an address"
		       : "550 5.4.4 the domain's mail servers have no address";
}

/* --- addresses --- */

static void put_v4(const uint8_t at[4], unsigned port, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	*out = (struct sockaddr_storage){ 0 };
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	memcpy(&v4->sin_addr, at, 4);
	*len = sizeof(*v4);
}

static void put_v6(
	const uint8_t at[16], unsigned port, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	*out = (struct sockaddr_storage){ 0 };
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	memcpy(&v6->sin6_addr, at, 16);
	*len = sizeof(*v6);
}

/* "192.0.2.1", "2001:db8::1", "IPv6:2001:db8::1", with or without brackets. */
static bool literal(struct slice host, unsigned port, struct sockaddr_storage *out, socklen_t *len)
{
	char text[64];
	uint8_t bits[16];
	if (host.len > 2 && host.at[0] == '[')
		host = slice_of(host.at + 1, host.len - 2);
	if (slice_starts_nocase(host, S("IPv6:")))
		host = slice_tail(host, 5);
	snprintf(text, sizeof(text), "%.*s", FMT(host));
	if (inet_pton(AF_INET, text, bits) == 1)
		put_v4(bits, port, out, len);
	else if (inet_pton(AF_INET6, text, bits) == 1)
		put_v6(bits, port, out, len);
	else
		return false;
	return true;
}

enum rc route_address(struct delivery *d, struct sockaddr_storage *out, socklen_t *len)
{
	struct dns_answer a = { 0 }, aaaa = { 0 };
	struct slice host = d->hosts[d->host];
	unsigned port = port_of(d);
	if (literal(host, port, out, len)) {
		d->has_address = true;
		return d->address++ == 0 ? RC_OK : RC_NONE;
	}
	if (!d->q->deps.dns) {
		d->dns_failed = true;
		return RC_NONE;
	}
	dns_memo_ask(&d->memo, host, DNS_AAAA); /* both at once */
	enum rc rc4 = dns_memo_get(&d->memo, host, DNS_A, &a, NULL);
	enum rc rc6 = dns_memo_get(&d->memo, host, DNS_AAAA, &aaaa, NULL);
	if (rc4 == RC_WAIT || rc6 == RC_WAIT)
		return RC_WAIT;
	size_t n4 = rc4 == RC_OK ? a.n : 0, n6 = rc6 == RC_OK ? aaaa.n : 0, i = d->address++;
	d->dns_failed |= rc4 == RC_TEMP || rc6 == RC_TEMP;
	d->has_address |= n4 + n6 > 0;
	if (i < n4)
		put_v4(a.rr[i].a, port, out, len);
	else if (i - n4 < n6)
		put_v6(aaaa.rr[i - n4].aaaa, port, out, len);
	else
		return RC_NONE;
	return RC_OK;
}
