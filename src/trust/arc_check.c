/* arc_check.c: Gathers the sets of a chain, and proves message signatures and seals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/arc_int.h"

struct arc_check {
	struct slice header;
	struct arena *arena;
	struct arc_set *sets;
	unsigned n; /* the highest instance */
	const char *problem; /* not NULL: the chain is broken, whatever the keys say */
};

const char *arc_result_name(enum arc_result result)
{
	static const char *const names[ARC_RESULTS] = { "none", "pass", "fail", "temperror" };
	return names[result];
}

static enum rc take_instance(struct slice text, unsigned *out)
{
	uint64_t n;
	if (slice_u64(text, ARC_SETS_MOST, &n) != RC_OK || n == 0)
		return RC_BAD;
	*out = (unsigned)n;
	return RC_OK;
}

/* "i=1; results": only its first tag is a tag. */
static enum rc results_instance(struct slice value, unsigned *out, struct slice *rest)
{
	struct slice spec = slice_split(&value, ';');
	struct slice name = slice_trim(slice_split(&spec, '='));
	*rest = slice_trim(value);
	return slice_eq(name, S("i")) ? take_instance(slice_trim(spec), out) : RC_BAD;
}

static enum rc tags_instance(struct dkim_read *r, unsigned *out)
{
	TRY(tags_parse(r->field.value, &r->tags));
	return take_instance(tags_get(&r->tags, "i", S("")), out);
}

/* A field goes to its set. RC_BAD: it is broken, or there are two. */
static enum rc file(struct arc_check *c, const struct mime_field *f, enum arc_part part)
{
	struct dkim_read *r = arena_try_array(c->arena, 1, sizeof(*r));
	struct slice rest = { 0 };
	unsigned instance = 0;
	if (!r)
		return RC_LIMIT;
	r->field = *f;
	TRY(part == ARC_PART_RESULTS ? results_instance(f->value, &instance, &rest)
				     : tags_instance(r, &instance));
	struct arc_set *set = &c->sets[instance - 1];
	if (set->part[part])
		return RC_BAD;
	set->part[part] = r;
	if (part == ARC_PART_RESULTS)
		set->results = rest;
	c->n = instance > c->n ? instance : c->n;
	return RC_OK;
}

static bool is_part(struct slice name, enum arc_part *part)
{
	static const char *const names[ARC_PARTS] = { "ARC-Authentication-Results",
		"ARC-Message-Signature", "ARC-Seal" };
	for (int i = 0; i < ARC_PARTS; i++) {
		*part = (enum arc_part)i;
		if (slice_eq_nocase(name, slice_str(names[i])))
			return true;
	}
	return false;
}

/* RFC 8617 4.1.3: a seal has neither h= nor what belongs to a body. */
static const char *read_seal(struct dkim_read *r, unsigned instance, struct arena *a)
{
	const char *problem = NULL;
	struct slice cv = tags_get(&r->tags, "cv", S(""));
	if (tags_find(&r->tags, "h"))
		return "a seal has a list of fields";
	if (!slice_eq_nocase(cv, instance == 1 ? S("none") : S("pass")))
		return slice_eq_nocase(cv, S("fail"))
			       ? "a seal says that the chain was broken before it"
			       : "a seal's cv= does not fit its place";
	return dkim_read_seal(r, a, &problem) == RC_OK ? NULL : problem;
}

static const char *read_signature(struct dkim_read *r, struct arena *a)
{
	const char *problem = NULL;
	/* what sealers do who leave c= out, and what the public suite expects */
	if (dkim_read_tags(r, S("relaxed/relaxed"), a, &problem) != RC_OK)
		return problem;
	if (tags_has_word(r->names, S("ARC-Seal")))
		return "a message signature signs a seal";
	canon_body_init(&r->body, r->body_form, r->length);
	r->is_hashing = true;
	return NULL;
}

static void read_sets(struct arc_check *c)
{
	for (unsigned i = 0; i < c->n && !c->problem; i++) {
		struct arc_set *set = &c->sets[i];
		for (int p = 0; p < ARC_PARTS; p++) {
			if (!set->part[p])
				c->problem = "a set of the chain is not whole";
		}
		if (!c->problem)
			c->problem = read_seal(set->part[ARC_PART_SEAL], i + 1, c->arena);
		if (!c->problem)
			c->problem = read_signature(set->part[ARC_PART_SIGNATURE], c->arena);
	}
}

enum rc arc_check_begin(struct slice header, struct arena *a, struct arc_check **out)
{
	struct mime_field f;
	struct slice rest = header;
	enum arc_part part;
	struct arc_check *c = arena_new(a, sizeof(*c));
	*c = (struct arc_check){ .header = header, .arena = a };
	c->sets = arena_try_array(a, ARC_SETS_MOST, sizeof(*c->sets));
	if (!c->sets)
		return RC_LIMIT;
	while (!c->problem && mime_field_next(&rest, &f) == RC_OK) {
		enum rc rc = is_part(f.name, &part) ? file(c, &f, part) : RC_OK;
		if (rc == RC_LIMIT)
			return rc;
		if (rc != RC_OK)
			c->problem = "a field of the chain cannot be read, or stands there twice";
	}
	read_sets(c);
	*out = c;
	return RC_OK;
}

static struct dkim_read *signature_of(struct arc_check *c, unsigned i)
{
	struct dkim_read *r = c->sets[i].part[ARC_PART_SIGNATURE];
	return r && r->is_hashing ? r : NULL;
}

void arc_check_body(struct arc_check *c, struct slice bytes)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (signature_of(c, i))
			canon_body_add(&signature_of(c, i)->body, bytes);
	}
}

void arc_check_end(struct arc_check *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		struct dkim_read *r = signature_of(c, i);
		if (!r)
			continue;
		canon_body_final(&r->body, r->body_hash);
		r->is_hashing = false;
	}
}

enum rc arc_check_sets(const struct arc_check *c, struct arc_set *out, unsigned n)
{
	if (c->problem || c->n != n)
		return RC_BAD;
	for (unsigned i = 0; i < n; i++)
		out[i] = c->sets[i];
	return RC_OK;
}

/* --- proving --- */

static enum rc prove_signature(struct arc_check *c, unsigned i, struct dns_memo *known,
	struct dkim_signature *s, struct fault *why)
{
	uint8_t digest[CRYPTO_SHA256_LEN];
	struct dkim_read *r = c->sets[i].part[ARC_PART_SIGNATURE];
	TRY(dkim_header_digest(r, c->header, c->arena, digest));
	return dkim_prove(r, digest, known, c->arena, s, why);
}

enum rc arc_seal_digest(
	const struct arc_set *sets, unsigned n, struct arena *a, uint8_t digest[CRYPTO_SHA256_LEN])
{
	struct buf text;
	buf_init(&text, 0, a);
	for (unsigned i = 0; i < n; i++) {
		for (int p = 0; p < ARC_PARTS; p++) {
			const struct mime_field *f = &sets[i].part[p]->field;
			struct buf own;
			buf_init(&own, 0, a);
			if (i + 1 == n && p == ARC_PART_SEAL)
				tags_without_b(f->value, &own);
			else
				buf_add(&own, f->value);
			if (own.over)
				return RC_LIMIT;
			canon_field(CANON_RELAXED, f->name, buf_slice(&own), &text);
		}
	}
	if (text.over)
		return RC_LIMIT;
	crypto_sha256(slice_head(buf_slice(&text), text.len - 2), digest);
	return RC_OK;
}

static enum rc prove_seal(struct arc_check *c, unsigned i, struct dns_memo *known,
	const char **problem, struct fault *why)
{
	uint8_t digest[CRYPTO_SHA256_LEN];
	struct dkim_key key = { 0 };
	struct dkim_read *r = c->sets[i].part[ARC_PART_SEAL];
	TRY(arc_seal_digest(c->sets, i + 1, c->arena, digest));
	TRY(dkim_key_get(r, known, c->arena, &key, problem, why));
	enum rc rc = crypto_key_verify(key.key, digest, r->signature);
	if (rc != RC_OK)
		*problem = "a seal does not fit";
	if (r->kind == CRYPTO_RSA && crypto_key_bits(key.key) < DKIM_RSA_BITS_LEAST) {
		*problem = "a seal's key is shorter than 1024 bits";
		rc = RC_DENIED;
	}
	crypto_key_free(&key.key);
	return rc;
}

static enum rc end(struct arc_answer *out, enum arc_result result, const char *problem)
{
	out->result = result;
	out->problem = problem;
	return RC_OK;
}

static enum rc prove_seals(
	struct arc_check *c, struct dns_memo *known, struct arc_answer *out, struct fault *why)
{
	for (unsigned i = c->n; i-- > 0;) {
		const char *problem = "";
		enum rc rc = prove_seal(c, i, known, &problem, why);
		if (rc == RC_WAIT || rc == RC_LIMIT)
			return rc;
		if (rc != RC_OK)
			return end(out, rc == RC_TEMP ? ARC_TEMPERROR : ARC_FAIL, problem);
	}
	return end(out, ARC_PASS, "");
}

/* How far back message signatures still fit: what was changed on the way, and by whom. */
static enum rc oldest_pass(
	struct arc_check *c, struct dns_memo *known, struct arc_answer *out, struct fault *why)
{
	for (unsigned i = c->n - 1; i-- > 0;) {
		struct dkim_signature s = { 0 };
		TRY(prove_signature(c, i, known, &s, why));
		if (s.result != DKIM_PASS) {
			out->oldest_pass = i + 2;
			return RC_OK;
		}
	}
	return RC_OK;
}

static void ask_all(struct arc_check *c, struct dns_memo *known)
{
	for (unsigned i = 0; i < c->n; i++) {
		dns_memo_ask(
			known, dkim_key_name(c->sets[i].part[ARC_PART_SEAL], c->arena), DNS_TXT);
		dns_memo_ask(known, dkim_key_name(c->sets[i].part[ARC_PART_SIGNATURE], c->arena),
			DNS_TXT);
	}
}

enum rc arc_check_result(
	struct arc_check *c, struct dns_memo *known, struct arc_answer *out, struct fault *why)
{
	struct dkim_signature last = { 0 };
	*out = (struct arc_answer){ .problem = "", .sets = c->n };
	if (c->n == 0 && !c->problem)
		return end(out, ARC_NONE, "");
	const struct dkim_read *seal = c->n ? c->sets[c->n - 1].part[ARC_PART_SEAL] : NULL;
	out->is_ended = seal && slice_eq_nocase(tags_get(&seal->tags, "cv", S("")), S("fail"));
	if (c->problem)
		return end(out, ARC_FAIL, c->problem);
	ask_all(c, known);
	const struct arc_set *set = &c->sets[c->n - 1];
	out->domain = set->part[ARC_PART_SEAL]->domain;
	out->selector = set->part[ARC_PART_SEAL]->selector;
	out->results = set->results;
	TRY(prove_signature(c, c->n - 1, known, &last, why));
	if (last.result != DKIM_PASS)
		return end(out, last.result == DKIM_TEMPERROR ? ARC_TEMPERROR : ARC_FAIL,
			last.problem);
	TRY(oldest_pass(c, known, out, why));
	return prove_seals(c, known, out, why);
}
