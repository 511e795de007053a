/* sigv4.h: AWS Signature Version 4 of an HTTP request, and its forms of path and query. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SIGV4_H
#define CRYPTO_SIGV4_H

#include "crypto/hash.h"

enum { SIGV4_PAIRS_MOST = 24, SIGV4_TIME_LEN = 17 };

struct sigv4_pair {
	struct slice name, value;
};

/* All slices are borrowed. At most SIGV4_PAIRS_MOST of each kind; more are our own mistake. */
struct sigv4 {
	struct slice access_key, secret_key, region, service;
	struct slice method;
	struct slice path; /* as it is, not encoded; begins with '/' */
	const struct sigv4_pair
		*query; /* as they are; a parameter without value has an empty one */
	size_t query_n;
	const struct sigv4_pair
		*headers; /* names in lower case; all are signed; `host` must be among them */
	size_t headers_n;
	struct slice payload; /* SHA-256 of the body, in hex */
	int64_t time; /* unix seconds, as in x-amz-date */
};

/* What stands in the URL: only A-Z a-z 0-9 - . _ ~ and, in a path, '/' stay; parameters in the order of their encoded names. */
void sigv4_path(struct slice path, struct buf *out);
void sigv4_query(const struct sigv4_pair *query, size_t n, struct buf *out);
/* "20130524T000000Z" and a NUL. */
void sigv4_time(int64_t unix_s, char out[SIGV4_TIME_LEN]);
/* The canonical request, and the value of the field Authorization. */
void sigv4_canonical(const struct sigv4 *r, struct buf *out);
void sigv4_authorization(const struct sigv4 *r, struct buf *out);

#endif
