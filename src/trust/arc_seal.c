/* arc_seal.c: Our own set: what we saw, the message as it leaves, and the seal over the chain. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/arc_int.h"
#include <inttypes.h>

static const char *const usual[] = { "From", "To", "Cc", "Subject", "Date", "Message-ID",
	"Reply-To", "In-Reply-To", "References", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "DKIM-Signature", "List-Id", "List-Unsubscribe" };

/* A name as often as its field is there. */
static void add_names(const struct arc_sealer *s, struct slice header, struct buf *out)
{
	size_t n = s->names_n ? s->names_n : sizeof(usual) / sizeof(usual[0]);
	for (size_t i = 0; i < n; i++) {
		struct slice name = s->names_n ? s->names[i] : slice_str(usual[i]);
		for (size_t j = dkim_field_count(header, name); j > 0; j--) {
			if (out->len)
				buf_byte(out, ':');
			buf_add(out, name);
		}
	}
}

static const char *algorithm(const struct arc_sealer *s)
{
	return crypto_key_kind(s->key) == CRYPTO_RSA ? "rsa-sha256" : "ed25519-sha256";
}

/* Puts the signature behind "b=" of the field's value, which stands for it as "b=;"; in one line, since a later seal signs
 * its folding too. */
static enum rc sign(const struct arc_sealer *s, const uint8_t digest[CRYPTO_SHA256_LEN],
	struct arena *a, struct slice *value)
{
	struct buf signature, text, whole;
	size_t at = slice_search(*value, S(" b=;")) + 3;
	buf_init(&signature, 0, a);
	buf_init(&text, 0, a);
	buf_init(&whole, 0, a);
	TRY(crypto_key_sign(s->key, digest, &signature));
	crypto_base64(buf_slice(&signature), &text);
	buf_add(&whole, slice_head(*value, at));
	buf_add(&whole, buf_slice(&text));
	buf_add(&whole, slice_tail(*value, at));
	*value = buf_slice(&whole);
	return whole.over ? RC_LIMIT : RC_OK;
}

/* Tags in the order of their names, so that a seal does not depend on who writes it. */
static enum rc sign_message(const struct arc_sealer *s, unsigned instance, struct slice header,
	const uint8_t body_hash[CRYPTO_SHA256_LEN], struct arena *a, struct dkim_read *r)
{
	struct buf names, hash;
	uint8_t digest[CRYPTO_SHA256_LEN];
	buf_init(&names, 0, a);
	buf_init(&hash, 0, a);
	add_names(s, header, &names);
	if (names.len == 0)
		return RC_BAD;
	crypto_base64(slice_of(body_hash, CRYPTO_SHA256_LEN), &hash);
	r->header_form = CANON_RELAXED;
	r->names = buf_slice(&names);
	r->field.name = S("ARC-Message-Signature");
	r->field.value = arena_fmt(a,
		" a=%s;\r\n\t b=;\r\n\t bh=%.*s;\r\n\t c=relaxed/relaxed; d=%.*s;\r\n\t "
		"h=%.*s;\r\n\t i=%u; s=%.*s; t=%" PRId64,
		algorithm(s), FMT(buf_slice(&hash)), FMT(s->domain), FMT(r->names), instance,
		FMT(s->selector), s->unix_now);
	TRY(dkim_header_digest(r, header, a, digest));
	return sign(s, digest, a, &r->field.value);
}

static enum rc gather(struct slice header, struct arena *a, struct arc_set *sets, unsigned n)
{
	struct arc_check *c;
	TRY(arc_check_begin(header, a, &c));
	enum rc rc = arc_check_sets(c, sets, n);
	arc_check_end(c);
	return rc;
}

static void write_field(const struct dkim_read *r, struct buf *out)
{
	buf_add(out, r->field.name);
	buf_byte(out, ':');
	buf_add(out, r->field.value);
	buf_str(out, "\r\n");
}

enum rc arc_seal(const struct arc_sealer *s, const struct arc_answer *chain, struct slice header,
	const uint8_t body_hash[CRYPTO_SHA256_LEN], struct arena *a, struct buf *out)
{
	struct dkim_read parts[ARC_PARTS] = { 0 };
	uint8_t digest[CRYPTO_SHA256_LEN];
	unsigned instance = chain->sets + 1;
	bool failed = chain->result == ARC_FAIL;
	if (chain->is_ended || chain->result == ARC_TEMPERROR || instance > ARC_SETS_MOST)
		return RC_NONE;
	struct arc_set *sets = arena_try_array(a, instance, sizeof(*sets));
	if (!sets)
		return RC_LIMIT;
	if (!failed)
		TRY(gather(header, a, sets, instance - 1));
	for (int p = 0; p < ARC_PARTS; p++)
		sets[instance - 1].part[p] = &parts[p];
	parts[ARC_PART_RESULTS].field.name = S("ARC-Authentication-Results");
	parts[ARC_PART_RESULTS].field.value =
		arena_fmt(a, " i=%u; %.*s; %.*s", instance, FMT(s->authserv_id), FMT(s->results));
	TRY(sign_message(s, instance, header, body_hash, a, &parts[ARC_PART_SIGNATURE]));
	struct dkim_read *seal = &parts[ARC_PART_SEAL];
	seal->field.name = S("ARC-Seal");
	seal->field.value =
		arena_fmt(a, " a=%s;\r\n\t b=;\r\n\t cv=%s; d=%.*s; i=%u; s=%.*s;\r\n\t t=%" PRId64,
			algorithm(s),
			failed        ? "fail"
			: chain->sets ? "pass"
				      : "none",
			FMT(s->domain), instance, FMT(s->selector), s->unix_now);
	/* a broken chain is not sealed again: only what says so (RFC 8617 5.1.2) */
	TRY(failed ? arc_seal_digest(&sets[instance - 1], 1, a, digest)
		   : arc_seal_digest(sets, instance, a, digest));
	TRY(sign(s, digest, a, &seal->field.value));
	write_field(seal, out);
	write_field(&parts[ARC_PART_SIGNATURE], out);
	write_field(&parts[ARC_PART_RESULTS], out);
	return out->over ? RC_LIMIT : RC_OK;
}
