/* form_int.h: A stored password hash, taken apart. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_FORM_INT_H
#define CRYPTO_FORM_INT_H

#include "crypto/hash.h"
#include "crypto/scram.h"

enum form_kind { FORM_ARGON2, FORM_CRYPT, FORM_DIGEST, FORM_PBKDF2, FORM_SCRAM };

enum { FORM_SALT_MOST = 128, FORM_TEXT_MOST = 384, FORM_ROUNDS_MOST = 10000000 };

struct form {
	enum form_kind kind;
	enum crypto_hash alg; /* digest, pbkdf2 */
	uint32_t rounds; /* pbkdf2; argon2: passes */
	uint32_t memory_kib; /* argon2; scrypt and yescrypt */
	uint32_t lanes, version; /* argon2 */
	int flavour; /* argon2_type */
	size_t salt_len;
	uint8_t salt[FORM_SALT_MOST];
	size_t digest_len;
	uint8_t digest[CRYPTO_HASH_MOST];
	char text[FORM_TEXT_MOST]; /* crypt: the setting */
	struct scram_keys scram;
};

/* RC_BAD: no form we know. RC_LIMIT: it wants more memory or rounds than we give. */
enum rc form_parse(struct slice stored, struct form *f);
enum rc form_argon2_parse(struct slice stored, struct form *f);
enum rc form_crypt_parse(struct slice stored, struct form *f);

/* RC_OK: it is that password; RC_DENIED; RC_TEMP. */
enum rc form_check(const struct form *f, struct slice plain);
enum rc form_argon2_check(const struct form *f, struct slice plain);
enum rc form_crypt_check(const struct form *f, struct slice plain);

/* Computes f->digest from what else stands in `f`. RC_TEMP: no memory. */
enum rc form_argon2_digest(struct form *f, struct slice plain);

#endif
