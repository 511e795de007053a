/* proxy.h: PROXY protocol, versions 1 and 2: who the client behind a load balancer is. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_PROXY_H
#define WIRE_PROXY_H

#include "base/slice.h"

enum proxy_family {
	PROXY_NONE, /* LOCAL, UNKNOWN, or an address family we do not use: the connection's own addresses hold */
	PROXY_IPV4,
	PROXY_IPV6
};

enum {
	PROXY_V1_MAX = 107, /* octets of the longest version 1 header, with CRLF */
	PROXY_V2_HEAD = 16,
	PROXY_MAX = PROXY_V2_HEAD + 4096 /* a version 2 header that is longer is refused */
};

/* Addresses are in network order, the first 4 octets for IPv4; ports in host order. */
struct proxy_head {
	enum proxy_family family;
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port;
	bool is_tls; /* PP2_TYPE_SSL: the client itself came over TLS to the proxy */
	struct slice alpn; /* PP2_TYPE_ALPN, a view into the input */
	struct slice server_name; /* PP2_TYPE_AUTHORITY, a view into the input */
};

/* Takes one header from the head of `*in` and leaves what follows it.
 * RC_MORE: not whole yet, `*in` untouched; RC_BAD: does not begin with a header, or is a bad one; RC_LIMIT: over
 * PROXY_MAX. */
enum rc proxy_parse(struct slice *in, struct proxy_head *out);

#endif
