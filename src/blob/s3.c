/* s3.c: Objects in a bucket of an S3-compatible store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/s3.h"
#include "base/mem.h"
#include "blob/object.h"
#include "run/run.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1 << 20, ETAG_MAX = 128, RESTORE_DAYS = 7 };

struct s3 {
	struct object_store store;
	char *region, *access_key, *secret_key, *session_token;
};

struct s3_write {
	struct place_write write;
	char key[OBJECT_KEY_LEN];
	char *id; /* of the multipart upload */
	struct buf parts; /* the list of them, in XML */
	unsigned n;
	uint64_t len;
	bool is_ended;
};

/* --- signing --- */

static void add_line(struct arena *a, const char **lines, size_t *n, struct sigv4_pair p)
{
	const char *line = (const char *)arena_fmt(a, "%.*s: %.*s", FMT(p.name), FMT(p.value)).at;
	if (line)
		lines[(*n)++] = line;
}

static const char *url_of(
	const struct object_store *s, const struct object_call *c, struct arena *a)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_str(&b, s->base);
	sigv4_path(c->path, &b);
	buf_str(&b, c->query_n ? "?" : "");
	sigv4_query(c->query, c->query_n, &b);
	buf_byte(&b, 0);
	return b.over ? NULL : (const char *)b.at;
}

static enum rc sign(struct object_store *store, const struct object_call *c, int64_t now,
	struct arena *a, const char **url, const char ***fields)
{
	const struct s3 *s = (const struct s3 *)store;
	struct sigv4_pair pairs[SIGV4_PAIRS_MOST];
	char time[SIGV4_TIME_LEN];
	struct buf auth;
	size_t n = 0, lines_n = 0;
	sigv4_time(now, time);
	for (size_t i = 0; i < c->fields_n; i++)
		pairs[n++] = c->fields[i];
	pairs[n++] = (struct sigv4_pair){ S("host"), slice_str(store->host) };
	pairs[n++] = (struct sigv4_pair){ S("x-amz-content-sha256"), slice_str(c->sha256) };
	pairs[n++] = (struct sigv4_pair){ S("x-amz-date"), slice_str(time) };
	if (s->session_token[0])
		pairs[n++] = (struct sigv4_pair){ S("x-amz-security-token"),
			slice_str(s->session_token) };
	struct sigv4 r = { .access_key = slice_str(s->access_key),
		.secret_key = slice_str(s->secret_key),
		.region = slice_str(s->region),
		.service = S("s3"),
		.method = slice_str(c->method),
		.path = c->path,
		.query = c->query,
		.query_n = c->query_n,
		.headers = pairs,
		.headers_n = n,
		.payload = slice_str(c->sha256),
		.time = now };
	buf_init(&auth, 0, a);
	sigv4_authorization(&r, &auth);
	const char **lines = arena_try_array(a, n + 5, sizeof(*lines));
	*url = url_of(store, c, a);
	if (!lines || !*url || auth.over)
		return RC_LIMIT;
	for (size_t i = 0; i < n; i++)
		add_line(a, lines, &lines_n, pairs[i]);
	add_line(a, lines, &lines_n, (struct sigv4_pair){ S("authorization"), buf_slice(&auth) });
	if (lines_n < n + 1)
		return RC_LIMIT;
	lines[lines_n++] = "Expect:"; /* libcurl's own fields go */
	lines[lines_n++] = "Accept:";
	lines[lines_n] = NULL;
	*fields = lines;
	return RC_OK;
}

/* --- one object at once --- */

static void add_class(struct object_call *c, const struct object_store *s)
{
	if (s->storage_class[0])
		object_field(c, "x-amz-storage-class", s->storage_class);
}

/* The entity tag is the MD5 of what was sent, but where the store encrypts with a key of its own. */
static bool is_whole(const struct object_call *c, struct slice etag, const uint8_t md5[16])
{
	struct buf hex;
	struct slice field, head = buf_slice(&c->head);
	if (fetch_field(head, "x-amz-server-side-encryption", &field) &&
		slice_starts(field, S("aws:kms")))
		return true;
	while (etag.len && etag.at[0] == '"')
		etag = slice_tail(etag, 1);
	while (etag.len && etag.at[etag.len - 1] == '"')
		etag.len--;
	buf_init(&hex, 0, NULL);
	crypto_hex(slice_of(md5, 16), &hex);
	bool same = etag.len != hex.len || slice_eq_nocase(etag, buf_slice(&hex));
	buf_done(&hex);
	return same;
}

/* Sends a body, and copies the entity tag of the answer. */
static enum rc send_body(struct object_store *s, struct object_call *c, const struct place_bytes *b,
	char etag[ETAG_MAX], struct fault *why)
{
	uint8_t md5[16];
	struct slice field = S("");
	TRY(object_body(c, b, md5, why));
	TRY(object_do(s, c, why));
	if (!object_is_good(c))
		return object_failed(s, c, "storing", why);
	if (!fetch_field(buf_slice(&c->head), "etag", &field) || field.len >= ETAG_MAX)
		return object_failed(s, c, "storing: no entity tag", why);
	if (!is_whole(c, field, md5))
		return object_failed(s, c, "what was stored is not what was sent", why);
	(void)snprintf(etag, ETAG_MAX, "%.*s", FMT(field));
	return RC_OK;
}

static enum rc s3_put(struct place *p, const struct place_name *name, const struct place_bytes *b,
	struct fault *why)
{
	struct object_store *s = (struct object_store *)p;
	struct object_call c;
	char key[OBJECT_KEY_LEN], etag[ETAG_MAX];
	object_key(name, key);
	object_begin(&c, s, "PUT", key, ANSWER_MAX);
	object_field(&c, "content-type", "application/octet-stream");
	add_class(&c, s);
	enum rc rc = send_body(s, &c, b, etag, why);
	object_end(&c);
	return rc == RC_OK ? object_verify(s, key, b->len, slice_str(etag), why) : rc;
}

/* --- in parts --- */

static enum rc s3_begin(
	struct place *p, const struct place_name *name, struct place_write **out, struct fault *why)
{
	struct object_store *s = (struct object_store *)p;
	struct object_call c;
	char key[OBJECT_KEY_LEN];
	object_key(name, key);
	object_begin(&c, s, "POST", key, ANSWER_MAX);
	object_query(&c, "uploads", "");
	object_field(&c, "content-type", "application/octet-stream");
	add_class(&c, s);
	enum rc rc = object_do(s, &c, why);
	if (rc == RC_OK && (!object_is_good(&c) || c.xml.upload_id.len == 0))
		rc = object_failed(s, &c, "beginning a multipart upload", why);
	if (rc == RC_OK) {
		struct s3_write *w = mem_new(MEM_STORE, sizeof(*w));
		w->write.place = p;
		memcpy(w->key, key, sizeof(key));
		w->id = mem_new(MEM_STORE, c.xml.upload_id.len + 1);
		memcpy(w->id, c.xml.upload_id.at, c.xml.upload_id.len);
		buf_init(&w->parts, 0, NULL);
		*out = &w->write;
	}
	object_end(&c);
	return rc;
}

static enum rc s3_add(struct place_write *write, const struct place_bytes *b, struct fault *why)
{
	struct s3_write *w = (struct s3_write *)write;
	struct object_store *s = (struct object_store *)write->place;
	struct object_call c;
	char etag[ETAG_MAX], number[16];
	object_begin(&c, s, "PUT", w->key, ANSWER_MAX);
	(void)snprintf(number, sizeof(number), "%u", ++w->n);
	object_query(&c, "partNumber", number);
	object_query(&c, "uploadId", w->id);
	enum rc rc = send_body(s, &c, b, etag, why);
	object_end(&c);
	TRY(rc);
	buf_fmt(&w->parts, "<Part><PartNumber>%u</PartNumber><ETag>", w->n);
	for (const char *e = etag; *e; e++) {
		if (*e == '"')
			buf_str(&w->parts, "&quot;");
		else if (*e == '<' || *e == '>' || *e == '&')
			return fault_set(why, FAULT_STORE, "%s: a strange entity tag", s->name);
		else
			buf_byte(&w->parts, (uint8_t)*e);
	}
	buf_str(&w->parts, "</ETag></Part>");
	w->len += b->len;
	return w->parts.over ? fault_set(why, FAULT_MEMORY, "%s", "") : RC_OK;
}

/* An answer that was lost leaves the upload ended: the object itself says so. */
static enum rc complete(
	struct s3_write *w, struct buf *list, char etag[ETAG_MAX], struct fault *why)
{
	struct object_store *s = (struct object_store *)w->write.place;
	struct place_bytes b = { .at = list->at, .fd = -1, .len = list->len };
	struct object_call c;
	object_begin(&c, s, "POST", w->key, ANSWER_MAX);
	object_query(&c, "uploadId", w->id);
	object_field(&c, "content-type", "application/xml");
	enum rc rc = object_body(&c, &b, NULL, why);
	if (rc == RC_OK)
		rc = object_do(s, &c, why);
	if (rc == RC_OK && object_is_good(&c) && c.xml.etag.len && c.xml.etag.len < ETAG_MAX)
		(void)snprintf(etag, ETAG_MAX, "%.*s", FMT(c.xml.etag));
	else if (rc == RC_OK && !object_has_code(&c, "NoSuchUpload"))
		rc = object_failed(s, &c, "ending a multipart upload", why);
	object_end(&c);
	return rc;
}

static enum rc s3_end(struct place_write *write, const struct place_name *name, struct fault *why)
{
	struct s3_write *w = (struct s3_write *)write;
	struct object_store *s = (struct object_store *)write->place;
	struct buf list;
	char etag[ETAG_MAX] = "";
	(void)name;
	buf_init(&list, 0, NULL);
	buf_str(&list,
		"<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	buf_add(&list, buf_slice(&w->parts));
	buf_str(&list, "</CompleteMultipartUpload>");
	enum rc rc =
		list.over ? fault_set(why, FAULT_MEMORY, "%s", "") : complete(w, &list, etag, why);
	buf_done(&list);
	TRY(rc);
	w->is_ended = true;
	struct slice tag = slice_str(etag);
	/* without its quotes in some stores */
	if (tag.len && tag.at[0] != '"')
		tag = S("");
	return object_verify(s, w->key, w->len, tag, why);
}

/* It is not there, or such a store has none. */
static bool cannot(const struct object_call *c)
{
	return c->status == 404 || c->status == 405 || c->status == 501;
}

static enum rc abandon(struct object_store *s, const char *key, const char *id, struct fault *why)
{
	struct object_call c;
	object_begin(&c, s, "DELETE", key, ANSWER_MAX);
	object_query(&c, "uploadId", id);
	enum rc rc = object_do(s, &c, why);
	if (rc == RC_OK && !object_is_good(&c) && !cannot(&c))
		rc = object_failed(s, &c, "giving a multipart upload up", why);
	object_end(&c);
	return rc;
}

static void s3_drop(struct place_write *write)
{
	struct s3_write *w = (struct s3_write *)write;
	if (!w->is_ended) /* what cannot be given up now is found by the object's reservation */
		(void)!abandon((struct object_store *)write->place, w->key, w->id, NULL);
	buf_done(&w->parts);
	mem_free(MEM_STORE, w->id);
	mem_free(MEM_STORE, w);
}

/* --- reading --- */

/* From a class that is no storage to read from: a copy is asked for. */
static enum rc restore(struct object_store *s, const char *key, struct fault *why)
{
	struct object_call c;
	char text[200];
	int n = snprintf(text, sizeof(text),
		"<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>%d</Days>"
		"<GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters>"
		"</RestoreRequest>",
		RESTORE_DAYS);
	struct place_bytes b = { .at = (const uint8_t *)text, .fd = -1, .len = (uint64_t)n };
	object_begin(&c, s, "POST", key, ANSWER_MAX);
	object_query(&c, "restore", "");
	object_field(&c, "content-type", "application/xml");
	enum rc rc = object_body(&c, &b, NULL, why);
	if (rc == RC_OK)
		rc = object_do(s, &c, why);
	if (rc == RC_OK)
		rc = object_wanted(s, &c, "RestoreAlreadyInProgress", why);
	object_end(&c);
	return rc;
}

static enum rc read_range(struct object_store *s, const char *key, const struct place_range *r,
	struct arena *a, struct slice *out, struct fault *why)
{
	struct object_call c;
	char range[64];
	(void)snprintf(
		range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, r->from, r->from + r->len - 1);
	object_begin(&c, s, "GET", key, r->len + 4096);
	object_field(&c, "range", range);
	enum rc rc = object_do(s, &c, why);
	if (rc == RC_OK && c.status == 404 && object_has_code(&c, "NoSuchKey"))
		rc = RC_NONE;
	else if (rc == RC_OK && c.status == 403 && object_has_code(&c, "InvalidObjectState"))
		rc = RC_DENIED; /* it lies in an archive */
	else if (rc == RC_OK)
		rc = object_take(s, &c, r, a, out, why);
	object_end(&c);
	return rc;
}

static enum rc s3_get(struct place *p, const struct place_name *name, const struct place_range *r,
	struct arena *a, struct slice *out, struct fault *why)
{
	struct object_store *s = (struct object_store *)p;
	char key[OBJECT_KEY_LEN];
	object_key(name, key);
	enum rc rc = read_range(s, key, r, a, out, why);
	return rc == RC_DENIED ? restore(s, key, why) : rc;
}

/* --- removing --- */

/* Parts that were never put together count as stored, and are paid for. A store that cannot tell has none. */
static enum rc abandon_all(struct object_store *s, const char *key, struct fault *why)
{
	struct object_call c;
	object_begin(&c, s, "GET", NULL, ANSWER_MAX);
	object_query(&c, "uploads", "");
	object_query(&c, "prefix", key);
	enum rc rc = object_do(s, &c, why);
	bool is_told = object_is_good(&c);
	if (rc == RC_OK && !is_told && !cannot(&c))
		rc = object_failed(s, &c, "asking for multipart uploads", why);
	for (size_t i = 0; rc == RC_OK && is_told && i < c.xml.n; i++) {
		const struct object_xml_upload *u = &c.xml.uploads[i];
		char *id = arena_str(&c.a, u->id);
		if (id && slice_eq(u->key, slice_str(key)))
			rc = abandon(s, key, id, why);
	}
	object_end(&c);
	return rc;
}

static enum rc s3_remove(
	struct place *p, const struct place_name *name, bool parts, struct fault *why)
{
	struct object_store *s = (struct object_store *)p;
	struct object_call c;
	char key[OBJECT_KEY_LEN];
	object_key(name, key);
	object_begin(&c, s, "DELETE", key, ANSWER_MAX);
	enum rc rc = object_do(s, &c, why);
	if (rc == RC_OK && !object_is_good(&c) && !object_has_code(&c, "NoSuchKey"))
		rc = object_failed(s, &c, "removing", why);
	object_end(&c);
	return rc == RC_OK && parts ? abandon_all(s, key, why) : rc;
}

/* --- opening --- */

static void s3_close(struct place *p)
{
	struct s3 *s = (struct s3 *)p;
	object_store_done(&s->store);
	mem_free(MEM_STORE, s->region);
	mem_free(MEM_STORE, s->access_key);
	if (s->secret_key)
		mem_wipe(s->secret_key, strlen(s->secret_key));
	mem_free(MEM_STORE, s->secret_key);
	mem_free(MEM_STORE, s->session_token);
	mem_free(MEM_STORE, s);
}

static const struct place_engine s3_engine = { .close = s3_close,
	.put = s3_put,
	.begin = s3_begin,
	.add = s3_add,
	.end = s3_end,
	.drop = s3_drop,
	.get = s3_get,
	.remove = s3_remove };

/* A bucket's name with dots or capitals fits no certificate, or no host's name. */
static bool fits_host(const char *bucket)
{
	for (const char *c = bucket; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-'))
			return false;
	return bucket[0] != 0;
}

static char *copy(const char *text, const char *otherwise)
{
	return mem_str(MEM_STORE, text && text[0] ? text : otherwise);
}

enum rc s3_open(const struct place_options *o, struct place **out, struct fault *why)
{
	char own[128];
	struct s3 *s = mem_new(MEM_STORE, sizeof(*s));
	s->region = copy(o->region, "us-east-1");
	s->access_key = copy(o->access_key, "");
	s->secret_key = copy(o->secret_key, "");
	s->session_token = copy(o->session_token, "");
	s->store.sign = sign;
	s->store.place.engine = &s3_engine;
	(void)snprintf(own, sizeof(own), "https://s3.%s.amazonaws.com", s->region);
	const char *endpoint = o->endpoint && o->endpoint[0] ? o->endpoint : own;
	enum rc rc = object_store_init(
		&s->store, o, endpoint, !o->path_style && fits_host(o->bucket), why);
	*out = &s->store.place;
	if (rc != RC_OK)
		place_close(out);
	return rc;
}
