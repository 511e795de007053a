/* box.c: Records out of their wire form, in one block. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "dns/dns_int.h"
#include <stdatomic.h>

/* A domain that answers with more than this for one name is not believed further. */
enum {
	RECORDS_MAX = 256,
	BYTES_MAX = 256 * 1024,
	TTL_MAX_S = 86400,
	TTL_NONE_MAX_S = 900,
	TTL_TEMP_S = 5
};

uint16_t box_type_number(enum dns_type type)
{
	static const uint16_t numbers[DNS_TYPES] = { 1, 28, 15, 16, 12, 52 };
	return numbers[type];
}

/* A name without its root dot, lower case; octets that no host's name has become '?'. */
static enum rc take_name(struct slice *in, uint8_t **at, struct slice *out)
{
	uint8_t *start = *at, *p = start, len;
	while (true) {
		struct slice label;
		TRY(take_byte(in, &len));
		if (len == 0)
			break;
		if (len > 63)
			return RC_BAD;
		TRY(take_bytes(in, len, &label));
		if (p != start)
			*p++ = '.';
		for (size_t i = 0; i < label.len; i++) {
			uint8_t c = label.at[i];
			*p++ = c >= 'A' && c <= 'Z'                             ? c | 0x20
			       : c <= ' ' || c >= 0x7f || c == '.' || c == '\\' ? '?'
										: c;
		}
	}
	*out = slice_of(start, (size_t)(p - start));
	*at = p;
	return RC_OK;
}

static enum rc take_strings(struct slice in, uint8_t **at, struct slice *out)
{
	uint8_t *start = *at, *p = start, len;
	while (in.len) {
		struct slice s;
		TRY(take_byte(&in, &len));
		TRY(take_bytes(&in, len, &s));
		if (s.len)
			memcpy(p, s.at, s.len);
		p += s.len;
	}
	*out = slice_of(start, (size_t)(p - start));
	*at = p;
	return RC_OK;
}

static enum rc take_record(enum dns_type type, struct slice in, uint8_t **at, struct dns_rr *rr)
{
	struct slice bytes;
	switch (type) {
	case DNS_A:
		if (in.len != 4)
			return RC_BAD;
		memcpy(rr->a, in.at, 4);
		return RC_OK;
	case DNS_AAAA:
		if (in.len != 16)
			return RC_BAD;
		memcpy(rr->aaaa, in.at, 16);
		return RC_OK;
	case DNS_MX:
		TRY(take_be16(&in, &rr->mx.preference));
		return take_name(&in, at, &rr->mx.host);
	case DNS_TXT:
		return take_strings(in, at, &rr->txt);
	case DNS_PTR:
		return take_name(&in, at, &rr->name);
	case DNS_TLSA:
		TRY(take_bytes(&in, 3, &bytes));
		rr->tlsa.usage = bytes.at[0];
		rr->tlsa.selector = bytes.at[1];
		rr->tlsa.matching = bytes.at[2];
		if (in.len)
			memcpy(*at, in.at, in.len);
		rr->tlsa.data = slice_of(*at, in.len);
		*at += in.len;
		return RC_OK;
	case DNS_TYPES:
		break;
	}
	return RC_BAD;
}

static uint32_t time_to_keep(const struct box_source *src, bool none)
{
	if (src->rc == RC_TEMP)
		return src->ttl < TTL_TEMP_S ? src->ttl : TTL_TEMP_S;
	uint32_t most = none ? TTL_NONE_MAX_S : TTL_MAX_S;
	return src->ttl < most ? src->ttl : most;
}

struct dns_box *box_new(const struct box_source *src, uint64_t now_ms)
{
	size_t n = src->n < RECORDS_MAX ? src->n : RECORDS_MAX, bytes = src->name.len, used = 0;
	for (size_t i = 0; i < n; i++) {
		if (src->len[i] < 0 || bytes + (size_t)src->len[i] > BYTES_MAX)
			n = i;
		else
			bytes += (size_t)src->len[i];
	}
	size_t whole = sizeof(struct dns_box) + n * sizeof(struct dns_rr) + bytes;
	struct dns_box *box = n ? mem_try(MEM_CACHE, whole) : mem_new(MEM_CACHE, whole);
	if (!box)
		return NULL;
	memset(box, 0, whole);
	struct dns_rr *rr = (struct dns_rr *)(box + 1);
	uint8_t *at = (uint8_t *)(rr + n);
	for (size_t i = 0; i < n; i++)
		used += take_record(src->type, slice_of(src->rdata[i], (size_t)src->len[i]), &at,
				&rr[used]) == RC_OK;
	if (src->name.len)
		memcpy(at, src->name.at, src->name.len);
	atomic_store(&box->refs, 1);
	box->rc = src->rc == RC_OK && used == 0 ? RC_NONE : src->rc;
	box->why = src->why;
	box->bytes = whole;
	box->answer = (struct dns_answer){ .rr = rr,
		.n = used,
		.secure = src->secure,
		.is_nxdomain = src->is_nxdomain,
		.name = slice_of(at, src->name.len) };
	box->expires_ms = now_ms + (uint64_t)time_to_keep(src, box->rc != RC_OK) * 1000;
	return box;
}

struct dns_box *box_get(struct dns_box *box)
{
	atomic_fetch_add(&box->refs, 1);
	return box;
}

void box_put(struct dns_box *box)
{
	if (box && atomic_fetch_sub(&box->refs, 1) == 1)
		mem_free(MEM_CACHE, box);
}
