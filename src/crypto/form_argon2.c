/* form_argon2.c: argon2id, argon2i and argon2d in PHC strings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/form_int.h"
#include "base/mem.h"
#include "crypto/password.h"
#include <argon2.h>

enum { PASSES_MOST = 64, LANES_MOST = 16 };

static int memory_take(uint8_t **out, size_t len)
{
	*out = mem_try(MEM_OTHER, len);
	return *out ? 0 : ARGON2_MEMORY_ALLOCATION_ERROR;
}

static void memory_give(uint8_t *at, size_t len)
{
	mem_wipe(at, len);
	mem_free(MEM_OTHER, at);
}

/* Takes "x=123" up to `end` off the head of `in`. */
static enum rc take_number(struct slice *in, uint8_t name, uint8_t end, uint32_t *out)
{
	struct slice part = slice_split(in, end);
	if (part.len < 3 || part.at[0] != name || part.at[1] != '=')
		return RC_BAD;
	uint64_t n;
	TRY(slice_u64(slice_tail(part, 2), UINT32_MAX, &n));
	*out = (uint32_t)n;
	return RC_OK;
}

static enum rc bounds(const struct form *f)
{
	if (f->rounds < 1 || f->lanes < 1 || f->salt_len < ARGON2_MIN_SALT_LENGTH ||
		f->digest_len < ARGON2_MIN_OUTLEN)
		return RC_BAD;
	if (f->version != ARGON2_VERSION_10 && f->version != ARGON2_VERSION_13)
		return RC_BAD;
	if (f->memory_kib > PASSWORD_MOST_KIB || f->rounds > PASSES_MOST || f->lanes > LANES_MOST)
		return RC_LIMIT;
	return f->memory_kib < 8 * f->lanes ? RC_BAD : RC_OK;
}

enum rc form_argon2_parse(struct slice stored, struct form *f)
{
	*f = (struct form){ .kind = FORM_ARGON2, .version = ARGON2_VERSION_10 };
	if (slice_starts(stored, S("$argon2id$")))
		f->flavour = Argon2_id;
	else if (slice_starts(stored, S("$argon2i$")))
		f->flavour = Argon2_i;
	else if (slice_starts(stored, S("$argon2d$")))
		f->flavour = Argon2_d;
	else
		return RC_BAD;
	struct slice in = slice_tail(stored, 1);
	(void)slice_split(&in, '$');
	if (slice_starts(in, S("v=")))
		TRY(take_number(&in, 'v', '$', &f->version));
	TRY(take_number(&in, 'm', ',', &f->memory_kib));
	TRY(take_number(&in, 't', ',', &f->rounds));
	TRY(take_number(&in, 'p', '$', &f->lanes));
	TRY(crypto_unbase64(slice_split(&in, '$'), sizeof(f->salt), f->salt, &f->salt_len));
	TRY(crypto_unbase64(in, sizeof(f->digest), f->digest, &f->digest_len));
	return bounds(f);
}

enum rc form_argon2_digest(struct form *f, struct slice plain)
{
	argon2_context ctx = {
		.out = f->digest,
		.outlen = (uint32_t)f->digest_len,
		.pwd = (uint8_t *)(uintptr_t)plain.at,
		.pwdlen = (uint32_t)plain.len,
		.salt = f->salt,
		.saltlen = (uint32_t)f->salt_len,
		.t_cost = f->rounds,
		.m_cost = f->memory_kib,
		.lanes = f->lanes,
		.threads = 1,
		.version = f->version,
		.allocate_cbk = memory_take,
		.free_cbk = memory_give,
		.flags = ARGON2_DEFAULT_FLAGS,
	};
	return argon2_ctx(&ctx, (argon2_type)f->flavour) == ARGON2_OK ? RC_OK : RC_TEMP;
}

enum rc form_argon2_check(const struct form *f, struct slice plain)
{
	struct form now = *f;
	TRY(form_argon2_digest(&now, plain));
	bool same = mem_eq_const_time(now.digest, f->digest, f->digest_len);
	mem_wipe(&now, sizeof(now));
	return same ? RC_OK : RC_DENIED;
}
