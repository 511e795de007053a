/* form.c: Which kind of stored password it is; plain and salted digests, PBKDF2 in its spellings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/form_int.h"
#include "base/mem.h"

struct word {
	struct slice name;
	enum rc (*parse)(const struct word *w, struct slice rest, struct form *f);
	enum crypto_hash alg;
	bool is_salted;
};

/* Hex when it looks like hex, else base64: digest, then salt. */
static enum rc digest_parse(const struct word *w, struct slice rest, struct form *f)
{
	uint8_t all[CRYPTO_HASH_MOST + FORM_SALT_MOST];
	size_t n, len = crypto_hash_len(w->alg);
	enum rc rc = rest.len >= 2 * len ? crypto_unhex(rest, sizeof(all), all, &n) : RC_BAD;
	if (rc == RC_BAD)
		rc = crypto_unbase64(rest, sizeof(all), all, &n);
	TRY(rc);
	if (n < len || (n > len) != w->is_salted || n - len > sizeof(f->salt))
		return RC_BAD;
	*f = (struct form){
		.kind = FORM_DIGEST, .alg = w->alg, .digest_len = len, .salt_len = n - len
	};
	memcpy(f->digest, all, len);
	memcpy(f->salt, all + len, n - len);
	return RC_OK;
}

static enum rc salt_text(struct slice text, struct form *f)
{
	if (text.len == 0 || text.len > sizeof(f->salt))
		return RC_BAD;
	memcpy(f->salt, text.at, text.len);
	f->salt_len = text.len;
	return RC_OK;
}

static enum rc rounds_parse(struct slice text, struct form *f)
{
	uint64_t n;
	TRY(slice_u64(text, UINT32_MAX, &n));
	f->rounds = (uint32_t)n;
	if (n == 0)
		return RC_BAD;
	return n > FORM_ROUNDS_MOST ? RC_LIMIT : RC_OK;
}

/* Base64 without padding, with '.' for '+' as passlib writes it, or the usual '+'. */
static enum rc adapted64(struct slice in, size_t room, uint8_t *out, size_t *len)
{
	uint8_t plain[256];
	if (in.len > sizeof(plain))
		return RC_BAD;
	for (size_t i = 0; i < in.len; i++)
		plain[i] = in.at[i] == '.' ? '+' : in.at[i];
	return crypto_unbase64(slice_of(plain, in.len), room, out, len);
}

static enum rc pbkdf2_form(const struct word *w, struct form *f)
{
	*f = (struct form){ .kind = FORM_PBKDF2, .alg = w->alg };
	return RC_OK;
}

/* Django: rounds$salt$base64, the salt as it stands. */
static enum rc django_parse(const struct word *w, struct slice rest, struct form *f)
{
	TRY(pbkdf2_form(w, f));
	enum rc cost = rounds_parse(slice_split(&rest, '$'), f);
	if (cost == RC_BAD)
		return cost;
	TRY(salt_text(slice_split(&rest, '$'), f));
	TRY(crypto_unbase64(rest, sizeof(f->digest), f->digest, &f->digest_len));
	return f->digest_len < 16 ? RC_BAD : cost;
}

/* passlib and PHC: rounds$salt$digest, where rounds may be "i=N" with ",l=N" behind it. */
static enum rc phc_parse(const struct word *w, struct slice rest, struct form *f)
{
	TRY(pbkdf2_form(w, f));
	struct slice params = slice_split(&rest, '$');
	if (slice_starts(params, S("i=")))
		params = slice_tail(params, 2);
	enum rc cost = rounds_parse(slice_split(&params, ','), f);
	if (cost == RC_BAD)
		return cost;
	TRY(adapted64(slice_split(&rest, '$'), sizeof(f->salt), f->salt, &f->salt_len));
	TRY(adapted64(rest, sizeof(f->digest), f->digest, &f->digest_len));
	return f->digest_len < 16 ? RC_BAD : cost;
}

/* Dovecot: $1$salt$rounds$hex. */
static enum rc dovecot_parse(const struct word *w, struct slice rest, struct form *f)
{
	TRY(pbkdf2_form(w, f));
	if (!slice_starts(rest, S("$1$")))
		return RC_BAD;
	rest = slice_tail(rest, 3);
	TRY(salt_text(slice_split(&rest, '$'), f));
	enum rc cost = rounds_parse(slice_split(&rest, '$'), f);
	if (cost == RC_BAD)
		return cost;
	TRY(crypto_unhex(rest, sizeof(f->digest), f->digest, &f->digest_len));
	return f->digest_len < 16 ? RC_BAD : cost;
}

static enum rc scram_parse(const struct word *w, struct slice rest, struct form *f)
{
	(void)w;
	*f = (struct form){ .kind = FORM_SCRAM };
	return scram_keys_parse(rest, &f->scram);
}

/* The word tells nothing that the text behind it does not tell. */
static enum rc dollar_parse(const struct word *w, struct slice rest, struct form *f)
{
	(void)w;
	return rest.len > 0 && rest.at[0] == '$' ? form_parse(rest, f) : RC_BAD;
}

static const struct word words[] = {
	{ S("{SSHA}"), digest_parse, CRYPTO_SHA1, true },
	{ S("{SSHA256}"), digest_parse, CRYPTO_SHA256, true },
	{ S("{SSHA512}"), digest_parse, CRYPTO_SHA512, true },
	{ S("{SHA}"), digest_parse, CRYPTO_SHA1, false },
	{ S("{SHA1}"), digest_parse, CRYPTO_SHA1, false },
	{ S("{SHA256}"), digest_parse, CRYPTO_SHA256, false },
	{ S("{SHA512}"), digest_parse, CRYPTO_SHA512, false },
	{ S("{SCRAM-SHA-256}"), scram_parse, CRYPTO_SHA256, true },
	{ S("{PBKDF2}"), dovecot_parse, CRYPTO_SHA1, true },
	{ S("{PBKDF2-SHA1}"), phc_parse, CRYPTO_SHA1, true },
	{ S("{PBKDF2-SHA256}"), phc_parse, CRYPTO_SHA256, true },
	{ S("{PBKDF2-SHA512}"), phc_parse, CRYPTO_SHA512, true },
	{ S("pbkdf2_sha1$"), django_parse, CRYPTO_SHA1, true },
	{ S("pbkdf2_sha256$"), django_parse, CRYPTO_SHA256, true },
	{ S("pbkdf2_sha512$"), django_parse, CRYPTO_SHA512, true },
	{ S("$pbkdf2$"), phc_parse, CRYPTO_SHA1, true },
	{ S("$pbkdf2-sha1$"), phc_parse, CRYPTO_SHA1, true },
	{ S("$pbkdf2-sha256$"), phc_parse, CRYPTO_SHA256, true },
	{ S("$pbkdf2-sha512$"), phc_parse, CRYPTO_SHA512, true },
	{ S("{CRYPT}"), dollar_parse, CRYPTO_SHA256, true },
	{ S("{BLF-CRYPT}"), dollar_parse, CRYPTO_SHA256, true },
	{ S("{SHA256-CRYPT}"), dollar_parse, CRYPTO_SHA256, true },
	{ S("{SHA512-CRYPT}"), dollar_parse, CRYPTO_SHA256, true },
	{ S("{ARGON2I}"), dollar_parse, CRYPTO_SHA256, true },
	{ S("{ARGON2D}"), dollar_parse, CRYPTO_SHA256, true },
	{ S("{ARGON2ID}"), dollar_parse, CRYPTO_SHA256, true },
};

/* "{SSHA256.HEX}..." as Dovecot also writes it: the encoding is seen anyway. Writes the short spelling to `room`. */
static struct slice without_encoding(struct slice stored, uint8_t *room, size_t size)
{
	size_t dot = slice_find(stored, '.'), end = slice_find(stored, '}');
	if (stored.len == 0 || stored.at[0] != '{' || dot > end || stored.len > size)
		return stored;
	struct slice word = { stored.at + dot, end - dot };
	if (!slice_eq_nocase(word, S(".HEX")) && !slice_eq_nocase(word, S(".B64")) &&
		!slice_eq_nocase(word, S(".BASE64")))
		return stored;
	memcpy(room, stored.at, dot);
	memcpy(room + dot, stored.at + end, stored.len - end);
	return (struct slice){ room, dot + stored.len - end };
}

enum rc form_parse(struct slice stored, struct form *f)
{
	uint8_t room[FORM_TEXT_MOST];
	if (slice_starts(stored, S("$argon2")))
		return form_argon2_parse(stored, f);
	stored = without_encoding(stored, room, sizeof(room));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (slice_starts_nocase(stored, words[i].name))
			return words[i].parse(&words[i], slice_tail(stored, words[i].name.len), f);
	}
	return form_crypt_parse(stored, f);
}

static enum rc digest_check(const struct form *f, struct slice plain)
{
	uint8_t now[CRYPTO_HASH_MOST];
	struct buf all;
	buf_init(&all, 0, NULL);
	buf_add(&all, plain);
	buf_add(&all, slice_of(f->salt, f->salt_len));
	bool over = all.over;
	crypto_hash(f->alg, buf_slice(&all), now);
	if (all.len > 0)
		mem_wipe(all.at, all.len);
	buf_done(&all);
	if (over)
		return RC_TEMP;
	return mem_eq_const_time(now, f->digest, f->digest_len) ? RC_OK : RC_DENIED;
}

static enum rc pbkdf2_check(const struct form *f, struct slice plain)
{
	uint8_t now[CRYPTO_HASH_MOST];
	TRY(crypto_pbkdf2(
		f->alg, plain, slice_of(f->salt, f->salt_len), f->rounds, now, f->digest_len));
	return mem_eq_const_time(now, f->digest, f->digest_len) ? RC_OK : RC_DENIED;
}

static enum rc scram_check(const struct form *f, struct slice plain)
{
	struct scram_keys now = f->scram;
	TRY(scram_keys_derive(plain, &now));
	return mem_eq_const_time(now.stored, f->scram.stored, SCRAM_LEN) ? RC_OK : RC_DENIED;
}

enum rc form_check(const struct form *f, struct slice plain)
{
	switch (f->kind) {
	case FORM_ARGON2:
		return form_argon2_check(f, plain);
	case FORM_CRYPT:
		return form_crypt_check(f, plain);
	case FORM_DIGEST:
		return digest_check(f, plain);
	case FORM_PBKDF2:
		return pbkdf2_check(f, plain);
	case FORM_SCRAM:
		return scram_check(f, plain);
	}
	return RC_BAD;
}
