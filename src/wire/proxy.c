/* proxy.c: PROXY protocol headers, text and binary. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proxy.h"
#include <arpa/inet.h>
#include <string.h>

static const uint8_t signature[12] = { 13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10 };

enum { TLV_ALPN = 1, TLV_AUTHORITY = 2, TLV_SSL = 0x20, SSL_CLIENT = 1 };

static enum rc ip(struct slice s, enum proxy_family family, uint8_t out[16])
{
	char text[INET6_ADDRSTRLEN];
	if (s.len >= sizeof(text) || !s.len)
		return RC_BAD;
	memcpy(text, s.at, s.len);
	text[s.len] = 0;
	if (memchr(text, 0, s.len))
		return RC_BAD;
	return inet_pton(family == PROXY_IPV4 ? AF_INET : AF_INET6, text, out) == 1 ? RC_OK
										    : RC_BAD;
}

static enum rc port(struct slice s, uint16_t *out)
{
	uint64_t n;
	if (s.len > 1 && s.at[0] == '0')
		return RC_BAD;
	TRY(slice_u64(s, 65535, &n));
	*out = (uint16_t)n;
	return RC_OK;
}

/* "TCP4 src dst sport dport", one blank each. */
static enum rc text_words(struct slice line, struct proxy_head *out)
{
	struct slice w[5];
	size_t n = 0;
	if (slice_eq(line, S("UNKNOWN")) || slice_starts(line, S("UNKNOWN ")))
		return RC_OK;
	while (n < 5) {
		bool last = slice_find(line, ' ') == line.len;
		w[n++] = slice_split(&line, ' ');
		if (last)
			break;
	}
	if (n != 5 || line.len)
		return RC_BAD;
	if (slice_eq(w[0], S("TCP4")))
		out->family = PROXY_IPV4;
	else if (slice_eq(w[0], S("TCP6")))
		out->family = PROXY_IPV6;
	else
		return RC_BAD;
	TRY(ip(w[1], out->family, out->src));
	TRY(ip(w[2], out->family, out->dst));
	TRY(port(w[3], &out->src_port));
	return port(w[4], &out->dst_port);
}

static enum rc text(struct slice *in, struct proxy_head *out)
{
	struct proxy_head head = { .family = PROXY_NONE };
	struct slice seen = slice_head(*in, PROXY_V1_MAX);
	size_t lf = slice_find(seen, '\n');
	if (lf == seen.len)
		return seen.len == PROXY_V1_MAX ? RC_BAD : RC_MORE;
	if (lf < 1 || seen.at[lf - 1] != '\r')
		return RC_BAD;
	TRY(text_words(slice_tail(slice_head(seen, lf - 1), 6), &head));
	*in = slice_tail(*in, lf + 1);
	*out = head;
	return RC_OK;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void tlv(uint8_t type, struct slice value, struct proxy_head *out)
{
	if (type == TLV_ALPN)
		out->alpn = value;
	else if (type == TLV_AUTHORITY)
		out->server_name = value;
	else if (type == TLV_SSL && value.len >= 5)
		out->is_tls = value.at[0] & SSL_CLIENT;
}

static enum rc binary_body(struct slice body, uint8_t family, struct proxy_head *out)
{
	size_t addr = family >> 4 == 1 ? 4 : family >> 4 == 2 ? 16 : 0;
	size_t skip = family >> 4 == 3 ? 216 : 2 * addr + (addr ? 4 : 0);
	if (family >> 4 > 3 || (family & 15) > 2 || body.len < skip)
		return RC_BAD;
	if (addr && (family & 15) == 1) {
		out->family = addr == 4 ? PROXY_IPV4 : PROXY_IPV6;
		memcpy(out->src, body.at, addr);
		memcpy(out->dst, body.at + addr, addr);
		out->src_port = be16(body.at + 2 * addr);
		out->dst_port = be16(body.at + 2 * addr + 2);
	}
	body = slice_tail(body, skip);
	while (body.len) {
		if (body.len < 3 || body.len - 3 < be16(body.at + 1))
			return RC_BAD;
		size_t len = be16(body.at + 1);
		tlv(body.at[0], slice_head(slice_tail(body, 3), len), out);
		body = slice_tail(body, 3 + len);
	}
	return RC_OK;
}

static enum rc binary(struct slice *in, struct proxy_head *out)
{
	struct proxy_head head = { .family = PROXY_NONE };
	if (in->len < PROXY_V2_HEAD)
		return RC_MORE;
	uint8_t version = in->at[12] >> 4, command = in->at[12] & 15;
	size_t len = be16(in->at + 14);
	if (version != 2 || command > 1)
		return RC_BAD;
	if (len > PROXY_MAX - PROXY_V2_HEAD)
		return RC_LIMIT;
	if (in->len - PROXY_V2_HEAD < len)
		return RC_MORE;
	if (command == 1)
		TRY(binary_body(
			slice_head(slice_tail(*in, PROXY_V2_HEAD), len), in->at[13], &head));
	*in = slice_tail(*in, PROXY_V2_HEAD + len);
	*out = head;
	return RC_OK;
}

enum rc proxy_parse(struct slice *in, struct proxy_head *out)
{
	struct slice mark = slice_of(signature, sizeof(signature)), word = S("PROXY ");
	if (slice_starts(*in, mark))
		return binary(in, out);
	if (slice_starts(*in, word))
		return text(in, out);
	if (slice_starts(mark, *in) || slice_starts(word, *in))
		return RC_MORE;
	return RC_BAD;
}
