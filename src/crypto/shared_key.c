/* shared_key.c: Azure Storage's Shared Key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/shared_key.h"
#include "base/must.h"
#include <stdlib.h>

static int by_name(const void *a, const void *b)
{
	const struct sigv4_pair *x = a, *y = b;
	return slice_cmp(x->name, y->name);
}

static void add_pair(struct slice name, struct slice value, struct buf *out)
{
	buf_add(out, name);
	buf_byte(out, ':');
	buf_add(out, value);
}

static size_t sort(const struct sigv4_pair *in, size_t n, struct sigv4_pair *sorted)
{
	must(n <= SIGV4_PAIRS_MOST);
	if (n == 0)
		return 0;
	memcpy(sorted, in, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_name);
	return n;
}

static struct slice header(const struct shared_key *r, const char *name)
{
	for (size_t i = 0; i < r->headers_n; i++)
		if (slice_eq(r->headers[i].name, slice_str(name)))
			return r->headers[i].value;
	return S("");
}

void shared_key_text(const struct shared_key *r, struct buf *out)
{
	static const char *const known[] = { "content-encoding", "content-language",
		"content-length", "content-md5", "content-type", "date", "if-modified-since",
		"if-match", "if-none-match", "if-unmodified-since", "range" };
	struct sigv4_pair sorted[SIGV4_PAIRS_MOST];
	buf_add(out, r->method);
	buf_byte(out, '\n');
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct slice value = header(r, known[i]);
		bool is_zero = slice_eq(value, S("0")) &&
			       slice_eq(slice_str(known[i]), S("content-length"));
		if (!is_zero)
			buf_add(out, value);
		buf_byte(out, '\n');
	}
	size_t n = sort(r->headers, r->headers_n, sorted);
	for (size_t i = 0; i < n; i++) {
		if (!slice_starts(sorted[i].name, S("x-ms-")))
			continue;
		add_pair(sorted[i].name, slice_trim(sorted[i].value), out);
		buf_byte(out, '\n');
	}
	buf_byte(out, '/');
	buf_add(out, r->account);
	buf_add(out, r->path);
	n = sort(r->query, r->query_n, sorted);
	for (size_t i = 0; i < n; i++) {
		buf_byte(out, '\n');
		add_pair(sorted[i].name, sorted[i].value, out);
	}
}

void shared_key_authorization(const struct shared_key *r, struct buf *out)
{
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct buf text;
	buf_init(&text, 0, NULL);
	shared_key_text(r, &text);
	crypto_hmac(CRYPTO_SHA256, r->key, buf_slice(&text), mac);
	buf_fmt(out, "SharedKey %.*s:", FMT(r->account));
	crypto_base64(slice_of(mac, sizeof(mac)), out);
	buf_done(&text);
}
