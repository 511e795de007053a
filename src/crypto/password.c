/* password.c: Makes our password hashes and checks any that form.c can read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"
#include "base/mem.h"
#include "base/random.h"
#include "crypto/form_int.h"
#include <argon2.h>

enum { PASSES = 2, LANES = 1, SALT_LEN = 16, DIGEST_LEN = 32 };

static struct form form_now(void)
{
	return (struct form){
		.kind = FORM_ARGON2,
		.flavour = Argon2_id,
		.version = ARGON2_VERSION_13,
		.rounds = PASSES,
		.lanes = LANES,
		.memory_kib = PASSWORD_MEMORY_KIB,
		.salt_len = SALT_LEN,
		.digest_len = DIGEST_LEN,
	};
}

/* PHC strings carry base64 without padding. */
static void base64_bare(struct slice in, struct buf *out)
{
	crypto_base64(in, out);
	while (out->len > 0 && out->at[out->len - 1] == '=')
		out->len--;
}

enum rc password_make(struct slice plain, struct arena *a, struct slice *stored)
{
	if (plain.len > PASSWORD_LEN_MOST)
		return RC_LIMIT;
	struct form f = form_now();
	random_bytes(f.salt, f.salt_len);
	TRY(form_argon2_digest(&f, plain));
	struct buf out;
	buf_init(&out, 0, a);
	buf_fmt(&out, "$argon2id$v=%u$m=%u,t=%u,p=%u$", f.version, f.memory_kib, f.rounds, f.lanes);
	base64_bare(slice_of(f.salt, f.salt_len), &out);
	buf_byte(&out, '$');
	base64_bare(slice_of(f.digest, f.digest_len), &out);
	if (out.over)
		return RC_LIMIT;
	*stored = buf_slice(&out);
	return RC_OK;
}

enum rc password_check(struct slice stored, struct slice plain)
{
	struct form f;
	TRY(form_parse(stored, &f));
	if (plain.len > PASSWORD_LEN_MOST)
		return RC_DENIED;
	return form_check(&f, plain);
}

bool password_is_known(struct slice stored)
{
	struct form f;
	return form_parse(stored, &f) == RC_OK;
}

bool password_is_current(struct slice stored)
{
	struct form f, now = form_now();
	return form_parse(stored, &f) == RC_OK && f.kind == now.kind && f.flavour == now.flavour &&
	       f.version == now.version && f.rounds >= now.rounds && f.memory_kib >= now.memory_kib;
}

size_t password_memory(struct slice stored)
{
	struct form f;
	if (stored.len == 0)
		return (size_t)PASSWORD_MEMORY_KIB * 1024;
	return form_parse(stored, &f) == RC_OK ? (size_t)f.memory_kib * 1024 : 0;
}

void password_waste(struct slice plain)
{
	struct form f = form_now();
	if (form_argon2_digest(&f, slice_head(plain, PASSWORD_LEN_MOST)) == RC_OK)
		mem_wipe(&f, sizeof(f));
}
