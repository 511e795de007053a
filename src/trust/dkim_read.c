/* dkim_read.c: Reads signature fields, and makes the digest that they sign. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dkim_int.h"

enum { SIGNATURE_MOST = 1024, FIELDS_MOST = 2048 };

static enum rc say(const char **problem, enum rc rc, const char *what)
{
	*problem = what;
	return rc;
}

static enum rc take_number(const struct tags *tags, const char *name, uint64_t *out)
{
	const struct tag *t = tags_find(tags, name);
	return t ? slice_u64(t->value, UINT64_MAX - 1, out) : RC_OK;
}

static enum rc take_form(struct slice word, enum canon *out)
{
	*out = slice_eq_nocase(word, S("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
	return *out == CANON_RELAXED || slice_eq_nocase(word, S("simple")) ? RC_OK : RC_BAD;
}

static enum rc take_forms(struct dkim_read *r, struct slice otherwise)
{
	struct slice body = tags_get(&r->tags, "c", otherwise);
	struct slice header = slice_trim(slice_split(&body, '/'));
	TRY(take_form(header, &r->header_form));
	return take_form(body.len ? slice_trim(body) : S("simple"), &r->body_form);
}

static enum rc take_base64(
	const struct dkim_read *r, const char *name, struct arena *a, struct slice *out)
{
	const struct tag *t = tags_find(&r->tags, name);
	uint8_t *room = arena_try(a, SIGNATURE_MOST);
	size_t n = 0;
	if (!room)
		return RC_LIMIT;
	if (!t || crypto_unbase64(tags_packed(t->value, a), SIGNATURE_MOST, room, &n) != RC_OK ||
		n == 0)
		return RC_BAD;
	*out = slice_of(room, n);
	return RC_OK;
}

static enum rc take_algorithm(struct dkim_read *r, const char **problem)
{
	struct slice a = tags_get(&r->tags, "a", S(""));
	if (slice_eq_nocase(a, S("rsa-sha1")))
		return say(problem, RC_DENIED, "SHA-1 is not trusted any more (RFC 8301)");
	r->kind = slice_eq_nocase(a, S("ed25519-sha256")) ? CRYPTO_ED25519 : CRYPTO_RSA;
	if (r->kind == CRYPTO_RSA && !slice_eq_nocase(a, S("rsa-sha256")))
		return say(problem, RC_BAD, "its algorithm is not known");
	return RC_OK;
}

static enum rc take_times(struct dkim_read *r)
{
	r->length = UINT64_MAX;
	TRY(take_number(&r->tags, "l", &r->length));
	TRY(take_number(&r->tags, "t", &r->made));
	TRY(take_number(&r->tags, "x", &r->expires));
	return r->expires && r->made && r->expires < r->made ? RC_BAD : RC_OK;
}

/* What a signature and a seal have in common. */
enum rc dkim_read_seal(struct dkim_read *r, struct arena *a, const char **problem)
{
	TRY(take_algorithm(r, problem));
	r->domain = tags_get(&r->tags, "d", S(""));
	r->selector = tags_get(&r->tags, "s", S(""));
	if (r->domain.len == 0 || r->selector.len == 0)
		return say(problem, RC_BAD, "it names no domain or selector");
	if (take_times(r) != RC_OK)
		return say(problem, RC_BAD, "its times or length cannot be read");
	enum rc rc = take_base64(r, "b", a, &r->signature);
	return rc == RC_BAD ? say(problem, rc, "its signature cannot be read") : rc;
}

enum rc dkim_read_tags(
	struct dkim_read *r, struct slice forms, struct arena *a, const char **problem)
{
	TRY(dkim_read_seal(r, a, problem));
	r->names = tags_get(&r->tags, "h", S(""));
	if (take_forms(r, forms) != RC_OK)
		return say(problem, RC_BAD, "its canonical form is not known");
	enum rc rc = take_base64(r, "bh", a, &r->hash);
	if (rc != RC_OK)
		return rc == RC_LIMIT ? rc : say(problem, RC_BAD, "its hash cannot be read");
	if (r->hash.len != CRYPTO_SHA256_LEN)
		return say(problem, RC_BAD, "its hash has another length");
	return RC_OK;
}

struct fields {
	struct mime_field *at;
	bool *used;
	size_t n;
};

static enum rc list_fields(struct slice header, struct arena *a, struct fields *f)
{
	f->at = arena_try_array(a, FIELDS_MOST, sizeof(*f->at));
	f->used = arena_try_array(a, FIELDS_MOST, sizeof(*f->used));
	if (!f->at || !f->used)
		return RC_LIMIT;
	while (f->n < FIELDS_MOST && mime_field_next(&header, &f->at[f->n]) == RC_OK)
		f->n++;
	return RC_OK;
}

/* The lowest one that was not taken yet; one that is not there counts as nothing (RFC 6376 5.4). */
static const struct mime_field *take_field(struct fields *f, struct slice name)
{
	for (size_t i = f->n; i-- > 0;) {
		if (f->used[i] || !slice_eq_nocase(f->at[i].name, name))
			continue;
		f->used[i] = true;
		return &f->at[i];
	}
	return NULL;
}

enum rc dkim_header_digest(const struct dkim_read *r, struct slice header, struct arena *a,
	uint8_t digest[CRYPTO_SHA256_LEN])
{
	struct fields fields = { 0 };
	struct slice names = r->names, name;
	struct buf text, own;
	TRY(list_fields(header, a, &fields));
	buf_init(&text, 0, a);
	buf_init(&own, 0, a);
	while (tags_word(&names, &name) == RC_OK) {
		const struct mime_field *f = take_field(&fields, name);
		if (f)
			canon_field(r->header_form, f->name, f->value, &text);
	}
	tags_without_b(r->field.value, &own);
	canon_field(r->header_form, r->field.name, buf_slice(&own), &text);
	if (text.over || own.over)
		return RC_LIMIT;
	crypto_sha256(slice_head(buf_slice(&text), text.len - 2), digest);
	return RC_OK;
}

size_t dkim_field_count(struct slice header, struct slice name)
{
	struct mime_field f;
	size_t n = 0;
	while (mime_field_next(&header, &f) == RC_OK)
		n += slice_eq_nocase(f.name, name);
	return n;
}
