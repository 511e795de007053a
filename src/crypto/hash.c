/* hash.c: Digests, HMAC and PBKDF2 over OpenSSL's EVP, fetched once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include <limits.h>
#include <openssl/evp.h>
#include <stdatomic.h>

static const struct {
	const char *name;
	size_t len, block;
} algs[] = {
	[CRYPTO_MD5] = { "MD5", 16, 64 },
	[CRYPTO_SHA1] = { "SHA1", 20, 64 },
	[CRYPTO_SHA256] = { "SHA256", 32, 64 },
	[CRYPTO_SHA512] = { "SHA512", 64, 128 },
};

/* An implicit fetch takes locks on every call; each algorithm is fetched once and kept. */
static _Atomic(EVP_MD *) fetched[sizeof(algs) / sizeof(algs[0])];

static const EVP_MD *md_of(enum crypto_hash alg)
{
	EVP_MD *md = atomic_load_explicit(&fetched[alg], memory_order_acquire);
	if (md)
		return md;
	md = EVP_MD_fetch(NULL, algs[alg].name, NULL);
	must(md);
	EVP_MD *first = NULL;
	if (atomic_compare_exchange_strong(&fetched[alg], &first, md))
		return md;
	EVP_MD_free(md);
	return first;
}

size_t crypto_hash_len(enum crypto_hash alg)
{
	return algs[alg].len;
}

static EVP_MD_CTX *ctx_new(enum crypto_hash alg)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	must(ctx);
	must(EVP_DigestInit_ex2(ctx, md_of(alg), NULL) == 1);
	return ctx;
}

void crypto_hash(enum crypto_hash alg, struct slice in, uint8_t *out)
{
	EVP_MD_CTX *ctx = ctx_new(alg);
	must(EVP_DigestUpdate(ctx, in.at, in.len) == 1);
	must(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
	EVP_MD_CTX_free(ctx);
}

void crypto_sha256(struct slice in, uint8_t out[CRYPTO_SHA256_LEN])
{
	crypto_hash(CRYPTO_SHA256, in, out);
}

void crypto_sha256_init(struct crypto_sha256 *h)
{
	h->ctx = ctx_new(CRYPTO_SHA256);
}

void crypto_sha256_add(struct crypto_sha256 *h, struct slice in)
{
	must(EVP_DigestUpdate(h->ctx, in.at, in.len) == 1);
}

void crypto_sha256_final(struct crypto_sha256 *h, uint8_t out[CRYPTO_SHA256_LEN])
{
	must(EVP_DigestFinal_ex(h->ctx, out, NULL) == 1);
	crypto_sha256_done(h);
}

void crypto_sha256_done(struct crypto_sha256 *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

void crypto_digest_init(struct crypto_digest *d, enum crypto_hash alg)
{
	d->ctx = ctx_new(alg);
}

void crypto_digest_add(struct crypto_digest *d, struct slice in)
{
	must(EVP_DigestUpdate(d->ctx, in.at, in.len) == 1);
}

void crypto_digest_final(struct crypto_digest *d, uint8_t *out)
{
	must(EVP_DigestFinal_ex(d->ctx, out, NULL) == 1);
	crypto_digest_done(d);
}

void crypto_digest_done(struct crypto_digest *d)
{
	EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
}

static void hmac_half(EVP_MD_CTX *ctx, enum crypto_hash alg, const uint8_t *key, uint8_t pad)
{
	uint8_t block[128];
	for (size_t i = 0; i < algs[alg].block; i++)
		block[i] = (uint8_t)(key[i] ^ pad);
	must(EVP_DigestInit_ex2(ctx, NULL, NULL) == 1);
	must(EVP_DigestUpdate(ctx, block, algs[alg].block) == 1);
	mem_wipe(block, sizeof(block));
}

void crypto_hmac(enum crypto_hash alg, struct slice key, struct slice in, uint8_t *out)
{
	uint8_t whole[128] = { 0 };
	if (key.len > algs[alg].block)
		crypto_hash(alg, key, whole);
	else if (key.len > 0)
		memcpy(whole, key.at, key.len);
	uint8_t inner[CRYPTO_HASH_MOST];
	EVP_MD_CTX *ctx = ctx_new(alg);
	hmac_half(ctx, alg, whole, 0x36);
	must(EVP_DigestUpdate(ctx, in.at, in.len) == 1);
	must(EVP_DigestFinal_ex(ctx, inner, NULL) == 1);
	hmac_half(ctx, alg, whole, 0x5c);
	must(EVP_DigestUpdate(ctx, inner, algs[alg].len) == 1);
	must(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
	EVP_MD_CTX_free(ctx);
	mem_wipe(whole, sizeof(whole));
	mem_wipe(inner, sizeof(inner));
}

enum rc crypto_pbkdf2(enum crypto_hash alg, struct slice pass, struct slice salt, uint32_t rounds,
	uint8_t *out, size_t len)
{
	if (rounds == 0 || len == 0 || rounds > INT_MAX || len > INT_MAX)
		return RC_BAD;
	if (pass.len > INT_MAX || salt.len > INT_MAX)
		return RC_BAD;
	const char *text = pass.len ? (const char *)pass.at : "";
	int done = PKCS5_PBKDF2_HMAC(text, (int)pass.len, salt.at, (int)salt.len, (int)rounds,
		md_of(alg), (int)len, out);
	return done == 1 ? RC_OK : RC_BAD;
}
