/* hash.h: Digests, HMAC, PBKDF2, hex and base64. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/buf.h"

/* Every function here may be called on any thread. Algorithms are fetched from the library once per process. */

enum crypto_hash { CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512 };
enum { CRYPTO_HASH_MOST = 64, CRYPTO_SHA256_LEN = 32, CRYPTO_SHA512_LEN = 64 };

/* 16, 20, 32, 64. */
size_t crypto_hash_len(enum crypto_hash alg);
/* One shot; `out` has room for crypto_hash_len bytes. */
void crypto_hash(enum crypto_hash alg, struct slice in, uint8_t *out);
void crypto_sha256(struct slice in, uint8_t out[CRYPTO_SHA256_LEN]);

/* Piece by piece: init, add any number of times, then final or done (both end it). */
struct crypto_sha256 {
	void *ctx;
};
void crypto_sha256_init(struct crypto_sha256 *h);
void crypto_sha256_add(struct crypto_sha256 *h, struct slice in);
void crypto_sha256_final(struct crypto_sha256 *h, uint8_t out[CRYPTO_SHA256_LEN]);
/* Gives it up without a result; nothing happens when it is ended already. */
void crypto_sha256_done(struct crypto_sha256 *h);

/* The same for any of them. */
struct crypto_digest {
	void *ctx;
};
void crypto_digest_init(struct crypto_digest *d, enum crypto_hash alg);
void crypto_digest_add(struct crypto_digest *d, struct slice in);
/* `out` has room for crypto_hash_len bytes. */
void crypto_digest_final(struct crypto_digest *d, uint8_t *out);
void crypto_digest_done(struct crypto_digest *d);

/* RFC 2104; `out` has room for crypto_hash_len bytes. */
void crypto_hmac(enum crypto_hash alg, struct slice key, struct slice in, uint8_t *out);
/* RFC 8018 5.2, into out[len]. RC_BAD: no rounds, no length, or more rounds than the library counts. */
enum rc crypto_pbkdf2(enum crypto_hash alg, struct slice pass, struct slice salt, uint32_t rounds,
	uint8_t *out, size_t len);

/* Lower-case hex. */
void crypto_hex(struct slice in, struct buf *out);
/* Both cases. RC_BAD: odd or not hex; RC_LIMIT: more than `room` bytes. */
enum rc crypto_unhex(struct slice in, size_t room, uint8_t *out, size_t *len);
/* RFC 4648 4, with padding; crypto_unbase64 takes it with or without padding, and nothing else. */
void crypto_base64(struct slice in, struct buf *out);
enum rc crypto_unbase64(struct slice in, size_t room, uint8_t *out, size_t *len);

#endif
