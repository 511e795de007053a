/* shared_key.h: Azure Storage's Shared Key signature of an HTTP request. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SHARED_KEY_H
#define CRYPTO_SHARED_KEY_H

#include "crypto/sigv4.h"

/* All slices are borrowed; the pairs are as in struct sigv4, which is said of the other signature's pairs. */
struct shared_key {
	struct slice account;
	struct slice key; /* its octets, not base64 */
	struct slice method;
	struct slice path; /* encoded, as in the URL */
	const struct sigv4_pair *query; /* names in lower case, as they are */
	size_t query_n;
	const struct sigv4_pair
		*headers; /* names in lower case; those that the signature knows, and x-ms-... */
	size_t headers_n;
};

void shared_key_text(const struct shared_key *r, struct buf *out);
/* The value of the field Authorization. */
void shared_key_authorization(const struct shared_key *r, struct buf *out);

#endif
