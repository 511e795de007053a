/* scram.c: SCRAM-SHA-256: keys from a password, their text form, proofs and signatures. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/scram.h"
#include "base/mem.h"
#include "base/random.h"
#include <utf8proc.h>

enum { PREPARE_MOST = 1024 };

/* RFC 4013 2.1: spaces of other scripts become SPACE (NFKC does it for most). */
static utf8proc_int32_t map_space(utf8proc_int32_t c, void *ctx)
{
	(void)ctx;
	return c == 0x1680 || c == 0x200B ? ' ' : c;
}

/* RFC 4013 for what people type: NFKC, without invisible characters. Writes to `room` (4 * PREPARE_MOST bytes, which is
 * also the working space) or gives `plain` back as it is: ASCII, too long, or not UTF-8. */
static struct slice prepared(struct slice plain, utf8proc_int32_t *room)
{
	bool is_ascii = true;
	for (size_t i = 0; i < plain.len; i++)
		is_ascii = is_ascii && plain.at[i] < 0x80;
	if (is_ascii || plain.len > PREPARE_MOST)
		return plain;
	enum { HOW = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_IGNORE };
	utf8proc_ssize_t n = utf8proc_decompose_custom(plain.at, (utf8proc_ssize_t)plain.len, room,
		PREPARE_MOST, (utf8proc_option_t)HOW, map_space, NULL);
	if (n <= 0 || n > PREPARE_MOST)
		return plain;
	n = utf8proc_reencode(room, n, (utf8proc_option_t)HOW);
	return n <= 0 ? plain : slice_of(room, (size_t)n);
}

enum rc scram_keys_derive(struct slice plain, struct scram_keys *keys)
{
	if (keys->salt_len < 1 || keys->salt_len > SCRAM_SALT_MOST || keys->rounds < 1 ||
		keys->rounds > SCRAM_ROUNDS_MOST)
		return RC_BAD;
	utf8proc_int32_t room[PREPARE_MOST + 1];
	uint8_t salted[SCRAM_LEN], client[SCRAM_LEN];
	struct slice pass = prepared(plain, room);
	TRY(crypto_pbkdf2(CRYPTO_SHA256, pass, slice_of(keys->salt, keys->salt_len), keys->rounds,
		salted, SCRAM_LEN));
	crypto_hmac(CRYPTO_SHA256, slice_of(salted, SCRAM_LEN), S("Client Key"), client);
	crypto_sha256(slice_of(client, SCRAM_LEN), keys->stored);
	crypto_hmac(CRYPTO_SHA256, slice_of(salted, SCRAM_LEN), S("Server Key"), keys->server);
	mem_wipe(salted, sizeof(salted));
	mem_wipe(client, sizeof(client));
	mem_wipe(room, sizeof(room));
	return RC_OK;
}

enum rc scram_keys_make(struct slice plain, struct scram_keys *keys)
{
	*keys = (struct scram_keys){ .rounds = SCRAM_ROUNDS, .salt_len = SCRAM_SALT_LEN };
	random_bytes(keys->salt, keys->salt_len);
	return scram_keys_derive(plain, keys);
}

static void fake(struct slice secret, const char *what, struct slice user, uint8_t out[SCRAM_LEN])
{
	uint8_t key[SCRAM_LEN];
	crypto_hmac(CRYPTO_SHA256, secret, slice_str(what), key);
	crypto_hmac(CRYPTO_SHA256, slice_of(key, SCRAM_LEN), user, out);
}

void scram_keys_fake(struct slice secret, struct slice user, struct scram_keys *keys)
{
	*keys = (struct scram_keys){ .rounds = SCRAM_ROUNDS, .salt_len = SCRAM_SALT_LEN };
	uint8_t salt[SCRAM_LEN];
	fake(secret, "salt", user, salt);
	memcpy(keys->salt, salt, SCRAM_SALT_LEN);
	fake(secret, "stored", user, keys->stored);
	fake(secret, "server", user, keys->server);
}

void scram_keys_write(const struct scram_keys *keys, struct buf *out)
{
	buf_fmt(out, "{SCRAM-SHA-256}%u,", keys->rounds);
	crypto_base64(slice_of(keys->salt, keys->salt_len), out);
	buf_byte(out, ',');
	crypto_base64(slice_of(keys->stored, SCRAM_LEN), out);
	buf_byte(out, ',');
	crypto_base64(slice_of(keys->server, SCRAM_LEN), out);
}

enum rc scram_keys_parse(struct slice in, struct scram_keys *keys)
{
	struct scram_keys k = { 0 };
	uint64_t rounds;
	size_t salt_len, stored_len, server_len;
	if (slice_starts_nocase(in, S("{SCRAM-SHA-256}")))
		in = slice_tail(in, S("{SCRAM-SHA-256}").len);
	TRY(slice_u64(slice_split(&in, ','), SCRAM_ROUNDS_MOST, &rounds));
	enum rc rc = crypto_unbase64(slice_split(&in, ','), sizeof(k.salt), k.salt, &salt_len);
	if (rc == RC_OK)
		rc = crypto_unbase64(
			slice_split(&in, ','), sizeof(k.stored), k.stored, &stored_len);
	if (rc == RC_OK)
		rc = crypto_unbase64(in, sizeof(k.server), k.server, &server_len);
	if (rc != RC_OK || rounds == 0 || salt_len == 0 || stored_len != SCRAM_LEN ||
		server_len != SCRAM_LEN)
		return RC_BAD;
	k.rounds = (uint32_t)rounds;
	k.salt_len = (uint8_t)salt_len;
	*keys = k;
	return RC_OK;
}

bool scram_proof_fits(const struct scram_keys *keys, struct slice message, struct slice proof)
{
	uint8_t client[SCRAM_LEN], stored[SCRAM_LEN];
	if (proof.len != SCRAM_LEN)
		return false;
	crypto_hmac(CRYPTO_SHA256, slice_of(keys->stored, SCRAM_LEN), message, client);
	for (size_t i = 0; i < SCRAM_LEN; i++)
		client[i] ^= proof.at[i];
	crypto_sha256(slice_of(client, SCRAM_LEN), stored);
	mem_wipe(client, sizeof(client));
	return mem_eq_const_time(stored, keys->stored, SCRAM_LEN);
}

void scram_signature(const struct scram_keys *keys, struct slice message, uint8_t out[SCRAM_LEN])
{
	crypto_hmac(CRYPTO_SHA256, slice_of(keys->server, SCRAM_LEN), message, out);
}

enum rc scram_proof(struct slice plain, const struct scram_keys *keys, struct slice message,
	uint8_t out[SCRAM_LEN])
{
	struct scram_keys k = *keys;
	TRY(scram_keys_derive(plain, &k));
	utf8proc_int32_t room[PREPARE_MOST + 1];
	uint8_t salted[SCRAM_LEN], client[SCRAM_LEN];
	TRY(crypto_pbkdf2(CRYPTO_SHA256, prepared(plain, room), slice_of(k.salt, k.salt_len),
		k.rounds, salted, SCRAM_LEN));
	crypto_hmac(CRYPTO_SHA256, slice_of(salted, SCRAM_LEN), S("Client Key"), client);
	crypto_hmac(CRYPTO_SHA256, slice_of(k.stored, SCRAM_LEN), message, out);
	for (size_t i = 0; i < SCRAM_LEN; i++)
		out[i] ^= client[i];
	mem_wipe(salted, sizeof(salted));
	mem_wipe(client, sizeof(client));
	return RC_OK;
}
