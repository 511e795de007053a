/* azure.c: Objects as block blobs in a container of Azure Blob Storage. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/azure.h"
#include "base/mem.h"
#include "base/time.h"
#include "blob/object.h"
#include "crypto/shared_key.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1 << 20, KEY_MAX = 256, BLOCK_ID_LEN = 32 };

static const char version[] = "2021-08-06";

struct azure {
	struct object_store store;
	char *account, *sas_token;
	uint8_t key[KEY_MAX];
	size_t key_len;
};

struct azure_write {
	struct place_write write;
	char key[OBJECT_KEY_LEN];
	struct buf blocks; /* the list of them, in XML */
	unsigned n;
	uint64_t len;
};

/* --- signing --- */

/* "Fri, 26 Jun 2015 23:39:12 GMT" (RFC 9110 5.6.7). */
static struct slice date_of(int64_t now, struct arena *a)
{
	struct buf b;
	buf_init(&b, 0, a);
	time_rfc5322(now, &b);
	struct slice s = buf_slice(&b);
	return arena_fmt(a, "%.*sGMT", FMT(slice_head(s, slice_rfind(s, ' ') + 1)));
}

static struct slice url_path(const struct object_call *c, struct arena *a)
{
	struct buf b;
	buf_init(&b, 0, a);
	sigv4_path(c->path, &b);
	return buf_slice(&b);
}

static const char *url_of(
	const struct azure *s, const struct object_call *c, struct slice path, struct arena *a)
{
	struct buf b;
	buf_init(&b, 0, a);
	buf_str(&b, s->store.base);
	buf_add(&b, path);
	buf_str(&b, c->query_n || s->sas_token[0] ? "?" : "");
	sigv4_query(c->query, c->query_n, &b);
	buf_str(&b, c->query_n && s->sas_token[0] ? "&" : "");
	buf_str(&b, s->sas_token);
	buf_byte(&b, 0);
	return b.over ? NULL : (const char *)b.at;
}

static struct slice authorization(const struct azure *s, const struct object_call *c,
	struct slice path, const struct sigv4_pair *pairs, size_t n, struct arena *a)
{
	struct buf b;
	struct shared_key r = { .account = slice_str(s->account),
		.key = slice_of(s->key, s->key_len),
		.method = slice_str(c->method),
		.path = path,
		.query = c->query,
		.query_n = c->query_n,
		.headers = pairs,
		.headers_n = n };
	buf_init(&b, 0, a);
	shared_key_authorization(&r, &b);
	return buf_slice(&b);
}

static enum rc sign(struct object_store *store, const struct object_call *c, int64_t now,
	struct arena *a, const char **url, const char ***fields)
{
	const struct azure *s = (const struct azure *)store;
	struct sigv4_pair pairs[SIGV4_PAIRS_MOST];
	struct slice path = url_path(c, a);
	size_t n = 0, lines_n = 0;
	for (size_t i = 0; i < c->fields_n; i++)
		pairs[n++] = c->fields[i];
	pairs[n++] = (struct sigv4_pair){ S("x-ms-date"), date_of(now, a) };
	pairs[n++] = (struct sigv4_pair){ S("x-ms-version"), slice_str(version) };
	size_t sent = n; /* libcurl writes the length itself */
	if (c->body.len)
		pairs[n++] = (struct sigv4_pair){ S("content-length"),
			arena_fmt(a, "%" PRIu64, c->body.len) };
	struct sigv4_pair auth = { S("authorization"), S("") };
	if (!s->sas_token[0])
		auth.value = authorization(s, c, path, pairs, n, a);
	const char **lines = arena_try_array(a, sent + 4, sizeof(*lines));
	*url = url_of(s, c, path, a);
	if (!lines || !*url)
		return RC_LIMIT;
	for (size_t i = 0; i <= sent; i++) {
		const struct sigv4_pair *p = i < sent ? &pairs[i] : &auth;
		struct slice line = arena_fmt(a, "%.*s: %.*s", FMT(p->name), FMT(p->value));
		if (line.len == 0)
			return RC_LIMIT;
		if (i < sent || auth.value.len)
			lines[lines_n++] = (const char *)line.at;
	}
	lines[lines_n++] = "Expect:"; /* libcurl's own fields go */
	lines[lines_n++] = "Accept:";
	lines[lines_n] = NULL;
	*fields = lines;
	return RC_OK;
}

/* --- writing --- */

static enum rc send_body(struct object_store *s, struct object_call *c, const struct place_bytes *b,
	struct fault *why)
{
	TRY(object_body(c, b, NULL, why));
	TRY(object_do(s, c, why));
	return object_is_good(c) ? RC_OK : object_failed(s, c, "storing", why);
}

static void add_tier(struct object_call *c, const struct object_store *s)
{
	if (s->storage_class[0])
		object_field(c, "x-ms-access-tier", s->storage_class);
}

static enum rc azure_put(struct place *p, const struct place_name *name,
	const struct place_bytes *b, struct fault *why)
{
	struct object_store *s = (struct object_store *)p;
	struct object_call c;
	char key[OBJECT_KEY_LEN];
	object_key(name, key);
	object_begin(&c, s, "PUT", key, ANSWER_MAX);
	object_field(&c, "content-type", "application/octet-stream");
	object_field(&c, "x-ms-blob-type", "BlockBlob");
	add_tier(&c, s);
	enum rc rc = send_body(s, &c, b, why);
	object_end(&c);
	return rc == RC_OK ? object_verify(s, key, b->len, S(""), why) : rc;
}

static enum rc azure_begin(
	struct place *p, const struct place_name *name, struct place_write **out, struct fault *why)
{
	struct azure_write *w = mem_new(MEM_STORE, sizeof(*w));
	(void)why;
	w->write.place = p;
	object_key(name, w->key);
	buf_init(&w->blocks, 0, NULL);
	*out = &w->write;
	return RC_OK;
}

/* Ids of one blob have one length. */
static void block_id(unsigned n, char out[BLOCK_ID_LEN])
{
	struct buf b;
	char text[16];
	(void)snprintf(text, sizeof(text), "part-%07u", n);
	buf_init(&b, 0, NULL);
	crypto_base64(slice_str(text), &b);
	(void)snprintf(out, BLOCK_ID_LEN, "%.*s", FMT(buf_slice(&b)));
	buf_done(&b);
}

static enum rc azure_add(struct place_write *write, const struct place_bytes *b, struct fault *why)
{
	struct azure_write *w = (struct azure_write *)write;
	struct object_store *s = (struct object_store *)write->place;
	struct object_call c;
	char id[BLOCK_ID_LEN];
	block_id(++w->n, id);
	object_begin(&c, s, "PUT", w->key, ANSWER_MAX);
	object_query(&c, "comp", "block");
	object_query(&c, "blockid", id);
	enum rc rc = send_body(s, &c, b, why);
	object_end(&c);
	TRY(rc);
	buf_fmt(&w->blocks, "<Latest>%s</Latest>", id);
	w->len += b->len;
	return w->blocks.over ? fault_set(why, FAULT_MEMORY, "%s", "") : RC_OK;
}

static enum rc azure_end(
	struct place_write *write, const struct place_name *name, struct fault *why)
{
	struct azure_write *w = (struct azure_write *)write;
	struct object_store *s = (struct object_store *)write->place;
	struct object_call c;
	struct buf list;
	(void)name;
	buf_init(&list, 0, NULL);
	buf_fmt(&list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>%.*s</BlockList>",
		FMT(buf_slice(&w->blocks)));
	struct place_bytes b = { .at = list.at, .fd = -1, .len = list.len };
	object_begin(&c, s, "PUT", w->key, ANSWER_MAX);
	object_query(&c, "comp", "blocklist");
	object_field(&c, "x-ms-blob-content-type", "application/octet-stream");
	object_field(&c, "content-type", "application/xml");
	add_tier(&c, s);
	enum rc rc = list.over ? fault_set(why, FAULT_MEMORY, "%s", "") : send_body(s, &c, &b, why);
	object_end(&c);
	buf_done(&list);
	return rc == RC_OK ? object_verify(s, w->key, w->len, S(""), why) : rc;
}

static void azure_drop(struct place_write *write)
{
	struct azure_write *w = (struct azure_write *)write;
	buf_done(&w->blocks);
	mem_free(MEM_STORE, w);
}

/* --- reading --- */

/* From the archive: it is asked to come back, which takes hours. */
static enum rc restore(struct object_store *s, const char *key, struct fault *why)
{
	struct object_call c;
	object_begin(&c, s, "PUT", key, ANSWER_MAX);
	object_query(&c, "comp", "tier");
	object_field(&c, "x-ms-access-tier", "Hot");
	enum rc rc = object_do(s, &c, why);
	if (rc == RC_OK)
		rc = object_wanted(s, &c, "BlobBeingRehydrated", why);
	object_end(&c);
	return rc;
}

static enum rc azure_get(struct place *p, const struct place_name *name,
	const struct place_range *r, struct arena *a, struct slice *out, struct fault *why)
{
	struct object_store *s = (struct object_store *)p;
	struct object_call c;
	char key[OBJECT_KEY_LEN], range[64];
	object_key(name, key);
	(void)snprintf(
		range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, r->from, r->from + r->len - 1);
	object_begin(&c, s, "GET", key, r->len + 4096);
	object_field(&c, "x-ms-range", range);
	enum rc rc = object_do(s, &c, why);
	bool archived = rc == RC_OK && object_has_code(&c, "BlobArchived");
	if (rc == RC_OK && c.status == 404 && object_has_code(&c, "BlobNotFound"))
		rc = RC_NONE;
	else if (rc == RC_OK && !archived)
		rc = object_take(s, &c, r, a, out, why);
	object_end(&c);
	return archived ? restore(s, key, why) : rc;
}

static enum rc azure_remove(
	struct place *p, const struct place_name *name, bool parts, struct fault *why)
{
	struct object_store *s = (struct object_store *)p;
	struct object_call c;
	char key[OBJECT_KEY_LEN];
	(void)parts; /* azure.h */
	object_key(name, key);
	object_begin(&c, s, "DELETE", key, ANSWER_MAX);
	enum rc rc = object_do(s, &c, why);
	if (rc == RC_OK && !object_is_good(&c) && !object_has_code(&c, "BlobNotFound"))
		rc = object_failed(s, &c, "removing", why);
	object_end(&c);
	return rc;
}

/* --- opening --- */

static void azure_close(struct place *p)
{
	struct azure *s = (struct azure *)p;
	object_store_done(&s->store);
	mem_free(MEM_STORE, s->account);
	mem_free(MEM_STORE, s->sas_token);
	mem_wipe(s->key, sizeof(s->key));
	mem_free(MEM_STORE, s);
}

static const struct place_engine azure_engine = { .close = azure_close,
	.put = azure_put,
	.begin = azure_begin,
	.add = azure_add,
	.end = azure_end,
	.drop = azure_drop,
	.get = azure_get,
	.remove = azure_remove };

static char *copy(const char *text)
{
	return mem_str(MEM_STORE, text ? text : "");
}

static enum rc set_key(struct azure *s, const struct place_options *o, struct fault *why)
{
	if (s->sas_token[0] == '?')
		memmove(s->sas_token, s->sas_token + 1, strlen(s->sas_token));
	if (s->sas_token[0])
		return RC_OK;
	if (crypto_unbase64(slice_str(o->account_key), sizeof(s->key), s->key, &s->key_len) !=
			RC_OK ||
		s->key_len == 0)
		return fault_set(why, FAULT_CONFIG,
			"store \"%s\": access-key is not the base64 that Azure gives out", o->name);
	return RC_OK;
}

enum rc azure_open(const struct place_options *o, struct place **out, struct fault *why)
{
	char own[128];
	struct azure *s = mem_new(MEM_STORE, sizeof(*s));
	s->account = copy(o->account);
	s->sas_token = copy(o->sas_token);
	s->store.sign = sign;
	s->store.place.engine = &azure_engine;
	(void)snprintf(own, sizeof(own), "https://%s.blob.core.windows.net", s->account);
	enum rc rc = set_key(s, o, why);
	if (rc == RC_OK)
		rc = object_store_init(&s->store, o,
			o->endpoint && o->endpoint[0] ? o->endpoint : own, false, why);
	*out = &s->store.place;
	if (rc != RC_OK)
		place_close(out);
	return rc;
}
