/* password.h: Stored password hashes: making ours, checking ours and those that users bring along. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/arena.h"

/* Forms that are understood (the scheme word in braces is optional where the text says the kind by itself):
 *   $argon2id$ $argon2i$ $argon2d$    PHC strings; also as {ARGON2ID}...
 *   $2a$ $2b$ $2x$ $2y$ · $7$ · $y$ $gy$ · $5$ · $6$    crypt(5): bcrypt, scrypt, yescrypt, SHA-crypt; {BLF-CRYPT} {CRYPT} ...
 *   {SHA} {SHA256} {SHA512} {SSHA} {SSHA256} {SSHA512}  base64, or hex, of digest and salt
 *   pbkdf2_sha256$rounds$salt$base64                    Django
 *   $pbkdf2-sha256$ $pbkdf2-sha512$ $pbkdf2$            passlib; {PBKDF2}$1$salt$rounds$hex  Dovecot
 *   {SCRAM-SHA-256}rounds,salt,stored,server            Dovecot, RFC 5803's order of fields apart
 * Plain text and MD5 are never accepted. Any thread; costs up to seconds of CPU: run as a job of class RUN_JOB_HASH. */

enum {
	PASSWORD_MEMORY_KIB = 19 * 1024, /* what password_make takes */
	PASSWORD_MOST_KIB = 256 * 1024, /* a stored hash that wants more is refused */
	PASSWORD_LEN_MOST = 1024 /* bytes of plain text */
};

/* argon2id, 19 MiB, t=2, p=1, with a random salt, as a PHC string.
 * RC_LIMIT: plain text too long or arena full. RC_TEMP: no memory for the hash. */
enum rc password_make(struct slice plain, struct arena *a, struct slice *stored);

/* RC_OK: it is that password. RC_DENIED: it is not. RC_BAD: `stored` is no form we know. RC_LIMIT: `stored` asks for more
 * memory or rounds than we give. RC_TEMP: no memory now. Compares in constant time. */
enum rc password_check(struct slice stored, struct slice plain);

/* Does `stored` have a form that password_check knows? Costs nothing. */
bool password_is_known(struct slice stored);
/* Is it what password_make makes today? If not, hash again after the next log-in that proves the password. */
bool password_is_current(struct slice stored);

/* Bytes that password_check takes beside its stack; of ours for an empty `stored`, as password_waste does. Costs nothing. */
size_t password_memory(struct slice stored);

/* Spends the time that password_check takes for one of ours: for users that do not exist. */
void password_waste(struct slice plain);

#endif
