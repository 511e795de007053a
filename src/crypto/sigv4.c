/* sigv4.c: AWS Signature Version 4. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sigv4.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/time.h"
#include <stdio.h>
#include <stdlib.h>

static void encode(struct slice s, bool keep_slash, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
		if (plain || (c == '/' && keep_slash))
			buf_byte(out, c);
		else
			buf_fmt(out, "%%%02X", c);
	}
}

void sigv4_path(struct slice path, struct buf *out)
{
	encode(path, true, out);
}

static int by_name(const void *a, const void *b)
{
	const struct sigv4_pair *x = a, *y = b;
	int order = slice_cmp(x->name, y->name);
	return order ? order : slice_cmp(x->value, y->value);
}

static struct slice encoded(struct slice s, struct arena *a)
{
	struct buf b;
	buf_init(&b, 0, a);
	encode(s, false, &b);
	return buf_slice(&b);
}

void sigv4_query(const struct sigv4_pair *query, size_t n, struct buf *out)
{
	struct sigv4_pair sorted[SIGV4_PAIRS_MOST];
	struct arena a;
	must(n <= SIGV4_PAIRS_MOST);
	arena_init(&a, 0);
	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct sigv4_pair){ encoded(query[i].name, &a),
			encoded(query[i].value, &a) };
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i ? "&" : "");
		buf_add(out, sorted[i].name);
		buf_byte(out, '=');
		buf_add(out, sorted[i].value);
	}
	arena_done(&a);
}

void sigv4_time(int64_t unix_s, char out[SIGV4_TIME_LEN])
{
	struct time_parts t;
	time_split(unix_s, &t);
	(void)snprintf(out, SIGV4_TIME_LEN, "%04u%02u%02uT%02u%02u%02uZ", (unsigned)t.year % 10000,
		(unsigned)t.month % 100, (unsigned)t.day % 100, (unsigned)t.hour % 100,
		(unsigned)t.minute % 100, (unsigned)t.second % 100);
}

/* Blanks at the ends go, and of several in a row one stays. */
static void add_value(struct slice v, struct buf *out)
{
	v = slice_trim(v);
	for (size_t i = 0; i < v.len; i++)
		if (v.at[i] != ' ' || v.at[i - 1] != ' ')
			buf_byte(out, v.at[i]);
}

static size_t sort_headers(const struct sigv4 *r, struct sigv4_pair *sorted)
{
	must(r->headers_n > 0 && r->headers_n <= SIGV4_PAIRS_MOST);
	memcpy(sorted, r->headers, r->headers_n * sizeof(*sorted));
	qsort(sorted, r->headers_n, sizeof(*sorted), by_name);
	return r->headers_n;
}

static void add_names(const struct sigv4_pair *sorted, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i ? ";" : "");
		buf_add(out, sorted[i].name);
	}
}

void sigv4_canonical(const struct sigv4 *r, struct buf *out)
{
	struct sigv4_pair sorted[SIGV4_PAIRS_MOST];
	size_t n = sort_headers(r, sorted);
	buf_add(out, r->method);
	buf_byte(out, '\n');
	sigv4_path(r->path, out);
	buf_byte(out, '\n');
	sigv4_query(r->query, r->query_n, out);
	buf_byte(out, '\n');
	for (size_t i = 0; i < n; i++) {
		buf_add(out, sorted[i].name);
		buf_byte(out, ':');
		add_value(sorted[i].value, out);
		buf_byte(out, '\n');
	}
	buf_byte(out, '\n');
	add_names(sorted, n, out);
	buf_byte(out, '\n');
	buf_add(out, r->payload);
}

static void step(uint8_t key[CRYPTO_SHA256_LEN], struct slice in)
{
	uint8_t next[CRYPTO_SHA256_LEN];
	crypto_hmac(CRYPTO_SHA256, slice_of(key, CRYPTO_SHA256_LEN), in, next);
	memcpy(key, next, sizeof(next));
	mem_wipe(next, sizeof(next));
}

static void sign(const struct sigv4 *r, struct slice date, struct slice text, struct buf *out)
{
	uint8_t key[CRYPTO_SHA256_LEN];
	struct buf first;
	buf_init(&first, 0, NULL);
	buf_str(&first, "AWS4");
	buf_add(&first, r->secret_key);
	crypto_hmac(CRYPTO_SHA256, buf_slice(&first), date, key);
	mem_wipe(first.at, first.len);
	buf_done(&first);
	step(key, r->region);
	step(key, r->service);
	step(key, S("aws4_request"));
	step(key, text);
	crypto_hex(slice_of(key, sizeof(key)), out);
	mem_wipe(key, sizeof(key));
}

void sigv4_authorization(const struct sigv4 *r, struct buf *out)
{
	struct sigv4_pair sorted[SIGV4_PAIRS_MOST];
	size_t n = sort_headers(r, sorted);
	char time[SIGV4_TIME_LEN];
	uint8_t digest[CRYPTO_SHA256_LEN];
	struct buf canonical, scope, text;
	sigv4_time(r->time, time);
	struct slice date = slice_head(slice_str(time), 8);
	buf_init(&canonical, 0, NULL);
	buf_init(&scope, 0, NULL);
	buf_init(&text, 0, NULL);
	sigv4_canonical(r, &canonical);
	crypto_sha256(buf_slice(&canonical), digest);
	buf_fmt(&scope, "%.*s/%.*s/%.*s/aws4_request", FMT(date), FMT(r->region), FMT(r->service));
	buf_fmt(&text, "AWS4-HMAC-SHA256\n%s\n%.*s\n", time, FMT(buf_slice(&scope)));
	crypto_hex(slice_of(digest, sizeof(digest)), &text);
	buf_fmt(out, "AWS4-HMAC-SHA256 Credential=%.*s/%.*s,SignedHeaders=", FMT(r->access_key),
		FMT(buf_slice(&scope)));
	add_names(sorted, n, out);
	buf_str(out, ",Signature=");
	sign(r, date, buf_slice(&text), out);
	buf_done(&canonical);
	buf_done(&scope);
	buf_done(&text);
}
