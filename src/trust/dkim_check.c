/* dkim_check.c: All signatures of a message: read, fed with its body, proven. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dkim_int.h"

enum { START = 8 };

struct dkim_check {
	struct slice header;
	struct arena *arena;
	struct dkim_read *reads;
	struct dkim_signature *found;
	size_t n;
	bool ended;
};

const char *dkim_result_name(enum dkim_result result)
{
	static const char *const names[DKIM_RESULTS] = { "none", "pass", "fail", "policy",
		"neutral", "temperror", "permerror" };
	return names[result];
}

static bool signs_from(struct slice names)
{
	return tags_has_word(names, S("From"));
}

/* RC_OK: it can be proven. RC_BAD, RC_DENIED: *problem says why not. */
static enum rc read_one(struct dkim_read *r, struct arena *a, const char **problem)
{
	*problem = "it is no list of tags";
	if (tags_parse(r->field.value, &r->tags) != RC_OK)
		return RC_BAD;
	TRY(dkim_read_tags(r, S("simple/simple"), a, problem));
	*problem = "its version is not 1";
	if (!slice_eq(tags_get(&r->tags, "v", S("")), S("1")))
		return RC_BAD;
	*problem = "it does not sign From";
	if (!signs_from(r->names))
		return RC_BAD;
	*problem = "its key is not in DNS TXT";
	if (!tags_has_word(tags_get(&r->tags, "q", S("dns/txt")), S("dns/txt")))
		return RC_BAD;
	r->identity = tags_get(&r->tags, "i", S(""));
	return RC_OK;
}

static enum rc add(struct dkim_check *c, const struct mime_field *field)
{
	struct dkim_read *r = &c->reads[c->n];
	struct dkim_signature *s = &c->found[c->n];
	r->field = *field;
	enum rc rc = read_one(r, c->arena, &s->problem);
	if (rc == RC_LIMIT)
		return rc;
	c->n++;
	s->result = rc == RC_DENIED ? DKIM_POLICY : DKIM_NEUTRAL;
	s->domain = r->domain;
	s->selector = r->selector;
	s->identity = r->identity.len ? r->identity : arena_fmt(c->arena, "@%.*s", FMT(r->domain));
	s->algorithm = tags_get(&r->tags, "a", S(""));
	s->start = slice_head(tags_packed(tags_get(&r->tags, "b", S("")), c->arena), START);
	s->has_length = r->length != UINT64_MAX && rc == RC_OK;
	if (rc == RC_OK) {
		canon_body_init(&r->body, r->body_form, r->length);
		r->is_hashing = true;
		s->problem = NULL; /* not known yet */
	}
	return RC_OK;
}

enum rc dkim_check_begin(struct slice header, struct arena *a, struct dkim_check **out)
{
	struct mime_field f;
	struct slice rest = header;
	struct dkim_check *c = arena_new(a, sizeof(*c));
	*c = (struct dkim_check){ .header = header, .arena = a };
	c->reads = arena_try_array(a, DKIM_SIGNATURES_MOST, sizeof(*c->reads));
	c->found = arena_try_array(a, DKIM_SIGNATURES_MOST, sizeof(*c->found));
	if (!c->reads || !c->found)
		return RC_LIMIT;
	enum rc rc = RC_OK;
	while (rc == RC_OK && c->n < DKIM_SIGNATURES_MOST && mime_field_next(&rest, &f) == RC_OK) {
		if (slice_eq_nocase(f.name, S("DKIM-Signature")))
			rc = add(c, &f);
	}
	if (rc != RC_OK)
		dkim_check_end(c);
	*out = rc == RC_OK ? c : NULL;
	return rc;
}

void dkim_check_body(struct dkim_check *c, struct slice bytes)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->reads[i].is_hashing)
			canon_body_add(&c->reads[i].body, bytes);
	}
}

void dkim_check_end(struct dkim_check *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->reads[i].is_hashing)
			canon_body_final(&c->reads[i].body, c->reads[i].body_hash);
		c->reads[i].is_hashing = false;
	}
	c->ended = true;
}

static enum rc prove(
	struct dkim_check *c, size_t i, struct dns_memo *known, int64_t unix_now, struct fault *why)
{
	struct dkim_read *r = &c->reads[i];
	struct dkim_signature *s = &c->found[i];
	uint8_t digest[CRYPTO_SHA256_LEN];
	if (r->expires && (int64_t)r->expires < unix_now) {
		s->result = DKIM_PERMERROR;
		s->problem = "it has expired";
		return RC_OK;
	}
	if (r->length != UINT64_MAX && r->body.length < r->length) {
		s->result = DKIM_PERMERROR;
		s->problem = "it signs more of the body than there is";
		return RC_OK;
	}
	TRY(dkim_header_digest(r, c->header, c->arena, digest));
	return dkim_prove(r, digest, known, c->arena, s, why);
}

enum rc dkim_check_results(struct dkim_check *c, struct dns_memo *known, int64_t unix_now,
	const struct dkim_signature **at, size_t *n, struct fault *why)
{
	for (size_t i = 0; i < c->n; i++) { /* all keys at once */
		if (!c->found[i].problem)
			dns_memo_ask(known, dkim_key_name(&c->reads[i], c->arena), DNS_TXT);
	}
	for (size_t i = 0; i < c->n; i++) {
		const char *problem = c->found[i].problem;
		if (problem)
			continue;
		enum rc rc = prove(c, i, known, unix_now, why);
		if (rc != RC_OK) {
			c->found[i].problem = NULL;
			return rc;
		}
	}
	*at = c->found;
	*n = c->n;
	return RC_OK;
}
