/* scram.h: SCRAM-SHA-256 keys and the server's side of its arithmetic (RFC 5802 3, RFC 7677). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_SCRAM_H
#define CRYPTO_SCRAM_H

#include "crypto/hash.h"

enum {
	SCRAM_LEN = 32,
	SCRAM_SALT_LEN = 16,
	SCRAM_SALT_MOST = 64,
	SCRAM_ROUNDS = 4096,
	SCRAM_ROUNDS_MOST = 1000000
};

/* What a server keeps: enough to check a proof, not enough to log in elsewhere. */
struct scram_keys {
	uint32_t rounds;
	uint8_t salt_len; /* 1..SCRAM_SALT_MOST */
	uint8_t salt[SCRAM_SALT_MOST];
	uint8_t stored[SCRAM_LEN];
	uint8_t server[SCRAM_LEN];
};

/* With a random salt and SCRAM_ROUNDS. The password is prepared (SASLprep, where it is valid UTF-8) first. */
/* RC_BAD: the library refuses such a password. */
enum rc scram_keys_make(struct slice plain, struct scram_keys *keys);
/* With the salt and rounds that stand in `keys`. RC_BAD: they are out of bounds. */
enum rc scram_keys_derive(struct slice plain, struct scram_keys *keys);
/* What an unknown user is shown: the same salt each time for the same `user` under the same `secret`; no proof fits. */
void scram_keys_fake(struct slice secret, struct slice user, struct scram_keys *keys);

/* "{SCRAM-SHA-256}rounds,salt,stored,server" (base64); the parser also takes it without the word in braces.
 * RC_BAD: not that. */
void scram_keys_write(const struct scram_keys *keys, struct buf *out);
enum rc scram_keys_parse(struct slice in, struct scram_keys *keys);

/* RFC 5802 3: H(proof XOR HMAC(stored, message)) is the stored key. Constant time. */
bool scram_proof_fits(const struct scram_keys *keys, struct slice message, struct slice proof);
/* The server's signature over the same message. */
void scram_signature(const struct scram_keys *keys, struct slice message, uint8_t out[SCRAM_LEN]);
/* The client's proof, for tests and for logging in elsewhere. */
enum rc scram_proof(struct slice plain, const struct scram_keys *keys, struct slice message,
	uint8_t out[SCRAM_LEN]);

#endif
