/* sign.h: Keys of mail's signatures: RSA and Ed25519 over a SHA-256 digest (RFC 6376, RFC 8463). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "crypto/hash.h"

enum crypto_key_kind { CRYPTO_RSA, CRYPTO_ED25519 };

/* Public, or private and public. Any thread; never changed. */
struct crypto_key;

/* As in DNS: RSA as SubjectPublicKeyInfo or RSAPublicKey in DER, Ed25519 as its 32 octets. RC_BAD: no such key. */
enum rc crypto_key_public(enum crypto_key_kind kind, struct slice bytes, struct crypto_key **out);
/* PEM, PKCS #8 or PKCS #1, without a pass phrase. RC_BAD: no key of either kind. */
enum rc crypto_key_private(struct slice pem, struct crypto_key **out);
/* A new one; RSA of 2048 bits. */
enum rc crypto_key_make(enum crypto_key_kind kind, struct crypto_key **out);
void crypto_key_free(struct crypto_key **key);

enum crypto_key_kind crypto_key_kind(const struct crypto_key *key);
unsigned crypto_key_bits(const struct crypto_key *key);
/* PKCS #8 PEM of a private one; wipe it. */
enum rc crypto_key_pem(const struct crypto_key *key, struct buf *out);
/* The public half as crypto_key_public takes it. */
enum rc crypto_key_public_bytes(const struct crypto_key *key, struct buf *out);

/* RSASSA-PKCS1-v1_5, or PureEdDSA over the digest. RC_DENIED: it is not this key's signature. */
enum rc crypto_key_verify(const struct crypto_key *key, const uint8_t digest[CRYPTO_SHA256_LEN],
	struct slice signature);
/* RC_BAD: the key is public only. */
enum rc crypto_key_sign(
	const struct crypto_key *key, const uint8_t digest[CRYPTO_SHA256_LEN], struct buf *out);

#endif
