/* object.c: Calls to object stores: signed, tried again, read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/object.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "base/random.h"
#include "run/run.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAUSE_MS = 50, PAUSE_MAX_MS = 2000, HEAD_MAX = 16384, READ_LEN = 65536 };

/* --- the store --- */

static char *text_of(struct slice s)
{
	char *out = mem_new(MEM_STORE, s.len + 1);
	memcpy(out, s.at, s.len);
	return out;
}

static void set_host(struct object_store *s, struct slice scheme, struct slice authority,
	const char *bucket, bool bucket_host)
{
	struct buf b;
	bool is_tls = slice_eq(scheme, S("https://"));
	struct slice usual = is_tls ? S(":443") : S(":80");
	struct slice host = slice_ends(authority, usual)
				    ? slice_head(authority, authority.len - usual.len)
				    : authority;
	buf_init(&b, 0, NULL);
	buf_add(&b, scheme);
	buf_fmt(&b, "%s%s%.*s", bucket_host ? bucket : "", bucket_host ? "." : "", FMT(host));
	s->base = text_of(buf_slice(&b));
	s->host = text_of(slice_tail(buf_slice(&b), scheme.len));
	buf_done(&b);
}

enum rc object_store_init(struct object_store *s, const struct place_options *o,
	const char *endpoint, bool bucket_host, struct fault *why)
{
	struct slice rest = slice_str(endpoint);
	struct slice scheme = slice_starts(rest, S("https://"))  ? S("https://")
			      : slice_starts(rest, S("http://")) ? S("http://")
								 : S("");
	rest = slice_tail(rest, scheme.len);
	struct slice authority = slice_head(rest, slice_find(rest, '/'));
	struct slice path = slice_tail(rest, authority.len);
	if (scheme.len == 0 || authority.len == 0)
		return fault_set(why, FAULT_CONFIG,
			"store \"%s\": the endpoint %s is no URL that begins with http:// or "
			"https://",
			o->name, endpoint);
	while (slice_ends(path, S("/")))
		path.len--;
	set_host(s, scheme, authority, o->bucket, bucket_host);
	struct buf b;
	buf_init(&b, 0, NULL);
	buf_add(&b, path);
	buf_fmt(&b, "%s%s/", bucket_host ? "" : "/", bucket_host ? "" : o->bucket);
	s->path = text_of(buf_slice(&b));
	buf_done(&b);
	s->name = mem_str(MEM_STORE, o->name);
	s->storage_class = mem_str(MEM_STORE, o->storage_class ? o->storage_class : "");
	s->timeout_ms = o->timeout_ms;
	s->retries = o->retries;
	s->place.part_min = OBJECT_PART_MIN;
	s->place.is_far = true;
	struct fetch_conf f = { .name = s->name,
		.most = o->connections,
		.connect_ms = o->timeout_ms,
		.ca = o->ca,
		.allow_invalid = o->allow_invalid };
	s->fetch = fetch_new(&f);
	return RC_OK;
}

void object_store_done(struct object_store *s)
{
	fetch_free(&s->fetch);
	mem_free(MEM_STORE, s->name);
	mem_free(MEM_STORE, s->base);
	mem_free(MEM_STORE, s->host);
	mem_free(MEM_STORE, s->path);
	mem_free(MEM_STORE, s->storage_class);
}

void object_key(const struct place_name *name, char out[OBJECT_KEY_LEN])
{
	(void)snprintf(out, OBJECT_KEY_LEN, "%02x/%010" PRIx64 "%c%016" PRIx64,
		(unsigned)(name->upload >> 56), (uint64_t)name->born, name->is_cold ? '+' : '-',
		name->upload);
}

/* --- a call --- */

static void set_sha256(struct object_call *c, const uint8_t sum[CRYPTO_SHA256_LEN])
{
	for (size_t i = 0; i < CRYPTO_SHA256_LEN; i++)
		(void)snprintf(c->sha256 + 2 * i, 3, "%02x", sum[i]);
}

void object_begin(struct object_call *c, const struct object_store *s, const char *method,
	const char *key, size_t most)
{
	*c = (struct object_call){ .method = method, .body = { .fd = -1 } };
	arena_init(&c->a, 0);
	size_t cut = key ? 0 : 1; /* the bucket itself has no slash behind it */
	c->path = arena_fmt(&c->a, "%.*s%s", (int)(strlen(s->path) - cut), s->path, key ? key : "");
	if (c->path.len == 0)
		c->path = S("/");
	buf_init(&c->head, HEAD_MAX, NULL);
	buf_init(&c->out, most, NULL);
	uint8_t sum[CRYPTO_SHA256_LEN];
	crypto_sha256(S(""), sum);
	set_sha256(c, sum);
}

void object_end(struct object_call *c)
{
	buf_done(&c->head);
	buf_done(&c->out);
	arena_done(&c->a);
}

void object_query(struct object_call *c, const char *name, const char *value)
{
	must(c->query_n < sizeof(c->query) / sizeof(c->query[0]));
	c->query[c->query_n++] =
		(struct sigv4_pair){ slice_str(name), arena_fmt(&c->a, "%s", value) };
}

void object_field(struct object_call *c, const char *name, const char *value)
{
	must(c->fields_n < sizeof(c->fields) / sizeof(c->fields[0]));
	c->fields[c->fields_n++] =
		(struct sigv4_pair){ slice_str(name), arena_fmt(&c->a, "%s", value) };
}

static enum rc read_piece(
	const struct place_bytes *b, uint64_t from, uint8_t *at, struct slice *out)
{
	size_t len = b->len - from < READ_LEN ? (size_t)(b->len - from) : READ_LEN;
	if (b->at) {
		*out = slice_of(b->at + from, len);
		return RC_OK;
	}
	ssize_t n;
	do
		n = pread(b->fd, at, len, (off_t)from);
	while (n < 0 && errno == EINTR);
	*out = slice_of(at, n > 0 ? (size_t)n : 0);
	return n > 0 ? RC_OK : RC_TEMP;
}

static enum rc digest(
	const struct place_bytes *b, struct crypto_digest *sha, struct crypto_digest *md)
{
	uint8_t piece[READ_LEN];
	struct slice s;
	for (uint64_t at = 0; at < b->len; at += s.len) {
		TRY(read_piece(b, at, piece, &s));
		crypto_digest_add(sha, s);
		crypto_digest_add(md, s);
	}
	return RC_OK;
}

enum rc object_body(
	struct object_call *c, const struct place_bytes *b, uint8_t md5[16], struct fault *why)
{
	struct crypto_digest sha, md;
	uint8_t sum[CRYPTO_SHA256_LEN], sum5[16];
	struct buf text;
	c->body = (struct fetch_body){ .at = b->at, .fd = b->fd, .len = b->len };
	crypto_digest_init(&sha, CRYPTO_SHA256);
	crypto_digest_init(&md, CRYPTO_MD5);
	enum rc rc = digest(b, &sha, &md);
	crypto_digest_final(&sha, sum);
	crypto_digest_final(&md, sum5);
	if (rc != RC_OK)
		return fault_set(why, FAULT_STORE, "a part of a content cannot be read: %s",
			strerror(errno));
	buf_init(&text, 0, NULL);
	set_sha256(c, sum);
	crypto_base64(slice_of(sum5, sizeof(sum5)), &text);
	buf_byte(&text, 0);
	object_field(c, "content-md5", (const char *)text.at);
	buf_done(&text);
	if (md5)
		memcpy(md5, sum5, sizeof(sum5));
	return RC_OK;
}

bool object_is_good(const struct object_call *c)
{
	return c->status >= 200 && c->status < 300 && !c->xml.is_error;
}

bool object_has_code(const struct object_call *c, const char *code)
{
	struct slice field;
	if (slice_eq(c->xml.code, slice_str(code)))
		return true;
	/* a HEAD has no body; Azure says it in a field, too */
	return fetch_field(buf_slice(&c->head), "x-ms-error-code", &field) &&
	       slice_eq(field, slice_str(code));
}

static bool says_later(const struct object_call *c)
{
	static const char *const codes[] = { "SlowDown", "RequestTimeout", "ServiceUnavailable",
		"InternalError", "ServerBusy", "OperationTimedOut" };
	if (c->status == 408 || c->status == 429 || c->status == 500 ||
		(c->status >= 502 && c->status <= 504))
		return true;
	for (size_t i = 0; c->xml.is_error && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (slice_eq(c->xml.code, slice_str(codes[i])))
			return true;
	return false;
}

/* What begins with '<' is XML, whatever it says of itself. */
static enum rc read_xml(struct object_call *c, struct fault *why)
{
	struct slice body = slice_trim(buf_slice(&c->out));
	c->xml = (struct object_xml){ 0 };
	if (!slice_starts(body, S("<")))
		return RC_OK;
	if (object_xml_parse(body, &c->a, &c->xml) == RC_LIMIT)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	return RC_OK;
}

static enum rc try_once(
	struct object_store *s, struct object_call *c, uint64_t deadline_ms, struct fault *why)
{
	struct arena a;
	struct fetch_call call = { .method = c->method,
		.body = c->body.len || c->method[0] == 'P' ? &c->body : NULL,
		.deadline_ms = deadline_ms,
		.head = &c->head,
		.out = &c->out };
	const char **fields;
	buf_reset(&c->head);
	buf_reset(&c->out);
	arena_init(&a, 0);
	enum rc rc = s->sign(s, c, run_unix(NULL), &a, &call.url, &fields);
	call.fields = fields;
	if (rc == RC_OK)
		rc = fetch_do(s->fetch, &call, why);
	else
		rc = fault_set(why, FAULT_MEMORY, "%s", "");
	arena_done(&a);
	c->status = call.status;
	return rc == RC_OK ? read_xml(c, why) : rc;
}

/* Twice as long each time, and no two callers alike. */
static uint64_t pause_of(unsigned tries, const struct object_call *c)
{
	uint64_t most = (uint64_t)PAUSE_MS << (tries < 6 ? tries : 6), asked = 0;
	struct slice field;
	if (c->status && fetch_field(buf_slice(&c->head), "retry-after", &field) &&
		slice_u64(field, PAUSE_MAX_MS / 1000, &asked) == RC_OK)
		asked *= 1000;
	uint64_t ms = most / 2 + random_below(most / 2 + 1);
	return ms > asked ? ms : asked;
}

enum rc object_do(struct object_store *s, struct object_call *c, struct fault *why)
{
	uint64_t end = run_now_ms(NULL) + 2 * s->timeout_ms;
	enum rc rc = RC_TEMP;
	for (unsigned tries = 0;; tries++) {
		uint64_t now = run_now_ms(NULL);
		uint64_t by = now + s->timeout_ms < end ? now + s->timeout_ms : end;
		c->status = 0;
		rc = try_once(s, c, by, why);
		bool later = rc == RC_TEMP || (rc == RC_OK && says_later(c));
		uint64_t ms = pause_of(tries, c);
		if (!later || tries >= s->retries || run_now_ms(NULL) + ms >= end)
			break;
		metric_add(METRIC_OBJECT_RETRIES, 1);
		run_pause(ms);
	}
	metric_add(METRIC_OBJECT_CALLS, 1);
	if (rc == RC_OK && says_later(c))
		return object_failed(s, c, c->method, why);
	if (rc == RC_TEMP)
		event_log(EVENT_STORE_FAILED, f_str("store", s->name),
			f_str("why", why ? fault_text(why) : "no answer"));
	return rc;
}

enum rc object_failed(
	struct object_store *s, const struct object_call *c, const char *what, struct fault *why)
{
	struct slice code = c->xml.code, text = slice_head(c->xml.message, 120);
	if (code.len == 0)
		(void)fetch_field(buf_slice(&c->head), "x-ms-error-code", &code);
	code = slice_head(code, 60);
	struct fault f;
	bool full = c->status == 507 || slice_eq(code, S("QuotaExceeded"));
	enum rc rc = fault_set(&f, full ? FAULT_STORE_FULL : FAULT_STORE, "%s: %s: %u %.*s %.*s",
		s->name, what, c->status, FMT(code), FMT(text));
	event_log(full ? EVENT_STORE_FULL : EVENT_STORE_FAILED, f_str("store", s->name),
		f_str("why", f.detail));
	if (why)
		*why = f;
	return rc;
}

enum rc object_verify(
	struct object_store *s, const char *key, uint64_t len, struct slice etag, struct fault *why)
{
	struct object_call c;
	struct slice field = S("");
	uint64_t got = 0;
	object_begin(&c, s, "HEAD", key, 4096);
	enum rc rc = object_do(s, &c, why);
	struct slice head = buf_slice(&c.head);
	if (rc == RC_OK && !object_is_good(&c))
		rc = object_failed(s, &c, "looking at what was stored", why);
	else if (rc == RC_OK && (!fetch_field(head, "content-length", &field) ||
					slice_u64(field, UINT64_MAX, &got) != RC_OK || got != len))
		rc = object_failed(s, &c, "what was stored has another length", why);
	else if (rc == RC_OK && etag.len &&
		 (!fetch_field(head, "etag", &field) || !slice_eq(field, etag)))
		rc = object_failed(s, &c, "what was stored has another entity tag", why);
	object_end(&c);
	return rc;
}

enum rc object_take(struct object_store *s, const struct object_call *c,
	const struct place_range *r, struct arena *a, struct slice *out, struct fault *why)
{
	struct slice got = buf_slice(&c->out);
	if (c->status == 200) /* the whole of it */
		got = slice_head(slice_tail(got, (size_t)r->from), r->len);
	if (c->status == 416 || (object_is_good(c) && got.len != r->len))
		return fault_set(why, FAULT_DAMAGED, "%s: an object is too short", s->name);
	if (!object_is_good(c))
		return object_failed(s, c, "reading", why);
	return arena_copy(a, got, out) == RC_OK ? RC_OK : fault_set(why, FAULT_MEMORY, "%s", "");
}

enum rc object_wanted(struct object_store *s, const struct object_call *c, const char *under_way,
	struct fault *why)
{
	if (!object_is_good(c) && !object_has_code(c, under_way))
		return object_failed(s, c, "asking for a content from the archive", why);
	return fault_set(why, FAULT_ARCHIVED, "%s", "");
}
