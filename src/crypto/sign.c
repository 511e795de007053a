/* sign.c: Signatures over OpenSSL's EVP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"
#include "base/mem.h"
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { SIGNATURE_MOST = 2048, ED25519_LEN = 32, DER_MOST = 8192 };

struct crypto_key {
	EVP_PKEY *pkey;
	enum crypto_key_kind kind;
};

static enum rc wrap(EVP_PKEY *pkey, struct crypto_key **out)
{
	int id = pkey ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE;
	if (id != EVP_PKEY_RSA && id != EVP_PKEY_ED25519) {
		EVP_PKEY_free(pkey);
		return RC_BAD;
	}
	struct crypto_key *key = mem_new(MEM_OTHER, sizeof(*key));
	*key = (struct crypto_key){ .pkey = pkey,
		.kind = id == EVP_PKEY_RSA ? CRYPTO_RSA : CRYPTO_ED25519 };
	*out = key;
	return RC_OK;
}

static EVP_PKEY *rsa_public(struct slice der)
{
	const unsigned char *at = der.at;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
	if (pkey)
		return pkey;
	at = der.at;
	return d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);
}

enum rc crypto_key_public(enum crypto_key_kind kind, struct slice bytes, struct crypto_key **out)
{
	struct crypto_key *key = NULL;
	if (bytes.len == 0 || bytes.len > DER_MOST)
		return RC_BAD;
	EVP_PKEY *pkey = kind == CRYPTO_RSA ? rsa_public(bytes)
					    : EVP_PKEY_new_raw_public_key(
						      EVP_PKEY_ED25519, NULL, bytes.at, bytes.len);
	TRY(wrap(pkey, &key));
	if (key->kind != kind) {
		crypto_key_free(&key);
		return RC_BAD;
	}
	*out = key;
	return RC_OK;
}

/* A key in a file that wants a pass phrase is none. */
static int no_phrase(char *room, int size, int rwflag, void *ctx)
{
	(void)room;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

enum rc crypto_key_private(struct slice pem, struct crypto_key **out)
{
	BIO *bio = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL) : NULL;
	BIO_free(bio);
	return wrap(pkey, out);
}

enum rc crypto_key_make(enum crypto_key_kind kind, struct crypto_key **out)
{
	return wrap(
		kind == CRYPTO_RSA ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
		out);
}

void crypto_key_free(struct crypto_key **key)
{
	if (!*key)
		return;
	EVP_PKEY_free((*key)->pkey);
	mem_free(MEM_OTHER, *key);
	*key = NULL;
}

enum crypto_key_kind crypto_key_kind(const struct crypto_key *key)
{
	return key->kind;
}

unsigned crypto_key_bits(const struct crypto_key *key)
{
	return (unsigned)EVP_PKEY_get_bits(key->pkey);
}

enum rc crypto_key_pem(const struct crypto_key *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *at = NULL;
	bool ok = bio &&
		  PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) == 1;
	long n = ok ? BIO_get_mem_data(bio, &at) : 0;
	if (n > 0) {
		buf_add(out, slice_of(at, (size_t)n));
		mem_wipe(at, (size_t)n);
	}
	BIO_free(bio);
	return n > 0 ? RC_OK : RC_BAD;
}

enum rc crypto_key_public_bytes(const struct crypto_key *key, struct buf *out)
{
	uint8_t raw[ED25519_LEN];
	size_t n = sizeof(raw);
	if (key->kind == CRYPTO_ED25519) {
		if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &n) != 1)
			return RC_BAD;
		buf_add(out, slice_of(raw, n));
		return RC_OK;
	}
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key->pkey, &der);
	if (len <= 0)
		return RC_BAD;
	buf_add(out, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	return RC_OK;
}

static bool verify_rsa(EVP_PKEY *pkey, const uint8_t *digest, struct slice signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool ok = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		  EVP_PKEY_verify(ctx, signature.at, signature.len, digest, CRYPTO_SHA256_LEN) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool verify_ed25519(EVP_PKEY *pkey, const uint8_t *digest, struct slice signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok =
		ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
		EVP_DigestVerify(ctx, signature.at, signature.len, digest, CRYPTO_SHA256_LEN) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

enum rc crypto_key_verify(const struct crypto_key *key, const uint8_t digest[CRYPTO_SHA256_LEN],
	struct slice signature)
{
	bool ok = key->kind == CRYPTO_RSA ? verify_rsa(key->pkey, digest, signature)
					  : verify_ed25519(key->pkey, digest, signature);
	return ok ? RC_OK : RC_DENIED;
}

static bool sign_rsa(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		  EVP_PKEY_sign(ctx, out, n, digest, CRYPTO_SHA256_LEN) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool sign_ed25519(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1 &&
		  EVP_DigestSign(ctx, out, n, digest, CRYPTO_SHA256_LEN) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

enum rc crypto_key_sign(
	const struct crypto_key *key, const uint8_t digest[CRYPTO_SHA256_LEN], struct buf *out)
{
	uint8_t signature[SIGNATURE_MOST];
	size_t n = sizeof(signature);
	if (!(key->kind == CRYPTO_RSA ? sign_rsa(key->pkey, digest, signature, &n)
				      : sign_ed25519(key->pkey, digest, signature, &n)))
		return RC_BAD;
	buf_add(out, slice_of(signature, n));
	return RC_OK;
}
