/* dkim_sign.c: Makes DKIM-Signature fields. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/dkim_int.h"
#include <inttypes.h>

enum { LINE = 72 };

/* RFC 6376 5.4.1, those that are there; the first ones are signed once more than they stand there, so that none can be
 * added. */
static const char *const usual[] = { "From", "Subject", "To", "Cc", "Date", "Message-ID",
	"Reply-To", "In-Reply-To", "References", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post" };
enum { USUAL_OVERSIGNED = 7 };

static void add_name(struct slice name, size_t times, struct buf *out)
{
	for (size_t i = 0; i < times; i++) {
		if (out->len)
			buf_byte(out, ':');
		buf_add(out, name);
	}
}

static void add_names(const struct dkim_signer *s, struct slice header, struct buf *out)
{
	for (size_t i = 0; i < s->names_n; i++)
		add_name(s->names[i], dkim_field_count(header, s->names[i]) + 1, out);
	for (size_t i = 0; s->names_n == 0 && i < sizeof(usual) / sizeof(usual[0]); i++) {
		struct slice name = slice_str(usual[i]);
		add_name(name, dkim_field_count(header, name) + (i < USUAL_OVERSIGNED), out);
	}
}

/* A value that may be cut anywhere (base64), or behind colons, over lines. */
static void fold(struct slice value, uint8_t at, size_t column, struct buf *out)
{
	while (column + value.len > LINE) {
		size_t room = LINE > column ? LINE - column : 1, n = room;
		if (at) {
			struct slice head = slice_head(value, room);
			size_t last = slice_rfind(head, at);
			n = last < head.len ? last + 1 : slice_find(value, at) + 1;
		}
		if (n >= value.len)
			break;
		buf_add(out, slice_head(value, n));
		buf_str(out, "\r\n\t ");
		value = slice_tail(value, n);
		column = 9;
	}
	buf_add(out, value);
}

static void write_tags(
	const struct dkim_signer *s, struct slice names, struct slice hash, struct buf *out)
{
	static const char *const forms[] = { "simple", "relaxed" };
	buf_fmt(out, " v=1; a=%s; c=%s/%s;\r\n\td=%.*s; s=%.*s;",
		crypto_key_kind(s->key) == CRYPTO_RSA ? "rsa-sha256" : "ed25519-sha256",
		forms[s->header_form], forms[s->body_form], FMT(s->domain), FMT(s->selector));
	if (s->identity.len)
		buf_fmt(out, " i=%.*s;", FMT(s->identity));
	buf_fmt(out, " t=%" PRId64 ";", s->unix_now);
	if (s->expires_s)
		buf_fmt(out, " x=%" PRId64 ";", s->unix_now + s->expires_s);
	buf_str(out, "\r\n\th=");
	fold(names, ':', 10, out);
	buf_fmt(out, ";\r\n\tbh=%.*s;\r\n\tb=", FMT(hash));
}

enum rc dkim_sign(const struct dkim_signer *s, struct slice header,
	const uint8_t body_hash[CRYPTO_SHA256_LEN], struct arena *a, struct buf *out)
{
	struct buf names, hash, field, signature, text;
	uint8_t digest[CRYPTO_SHA256_LEN];
	if (dkim_field_count(header, S("From")) == 0)
		return RC_BAD;
	buf_init(&names, 0, a);
	buf_init(&hash, 0, a);
	buf_init(&field, 0, a);
	buf_init(&signature, 0, a);
	buf_init(&text, 0, a);
	add_names(s, header, &names);
	crypto_base64(slice_of(body_hash, CRYPTO_SHA256_LEN), &hash);
	write_tags(s, buf_slice(&names), buf_slice(&hash), &field);
	struct dkim_read r = { .header_form = s->header_form,
		.names = buf_slice(&names),
		.field = { .name = S("DKIM-Signature"), .value = buf_slice(&field) } };
	TRY(dkim_header_digest(&r, header, a, digest));
	TRY(crypto_key_sign(s->key, digest, &signature));
	crypto_base64(buf_slice(&signature), &text);
	buf_str(out, "DKIM-Signature:");
	buf_add(out, buf_slice(&field));
	fold(buf_slice(&text), 0, 10, out);
	buf_str(out, "\r\n");
	return names.over || field.over || text.over || out->over ? RC_LIMIT : RC_OK;
}
