/* form_crypt.c: bcrypt, scrypt, yescrypt and SHA-crypt by crypt(5), with their costs bounded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/form_int.h"
#include "base/mem.h"
#include "crypto/password.h"
#include <crypt.h>

enum { BCRYPT_COST_MOST = 16, SHA_ROUNDS_MOST = 5000000, LANES_MOST = 16 };

/* One digit of crypt's base64: 0..63, or 64. */
static uint32_t digit(uint8_t c)
{
	if (c >= '.' && c <= '9')
		return (uint32_t)(c - '.');
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A') + 12;
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 38;
	return 64;
}

/* Is 128 * 2^log2_n * r within what we give? */
static enum rc memory_fits(uint64_t log2_n, uint64_t r, struct form *f)
{
	if (log2_n < 1 || r < 1)
		return RC_BAD;
	if (log2_n > 24 || r > PASSWORD_MOST_KIB ||
		((uint64_t)128 << log2_n) * r > (uint64_t)PASSWORD_MOST_KIB * 1024)
		return RC_LIMIT;
	f->memory_kib = (uint32_t)(((uint64_t)128 << log2_n) * r / 1024);
	return RC_OK;
}

static enum rc bcrypt_fits(struct slice in, struct form *f)
{
	(void)f;
	uint64_t cost;
	TRY(slice_u64(slice_split(&in, '$'), 99, &cost));
	if (cost < 4 || in.len != 53)
		return RC_BAD;
	return cost > BCRYPT_COST_MOST ? RC_LIMIT : RC_OK;
}

static enum rc sha_fits(struct slice in, struct form *f)
{
	(void)f;
	if (slice_starts(in, S("rounds="))) {
		uint64_t rounds;
		TRY(slice_u64(slice_tail(slice_split(&in, '$'), 7), UINT32_MAX, &rounds));
		if (rounds > SHA_ROUNDS_MOST)
			return RC_LIMIT;
	}
	slice_split(&in, '$');
	return in.len == 43 || in.len == 86 ? RC_OK : RC_BAD;
}

/* $7$: one digit log2(N), five digits r, five digits p, least significant first. */
static enum rc scrypt_fits(struct slice in, struct form *f)
{
	if (in.len < 11)
		return RC_BAD;
	uint64_t r = 0, p = 0;
	for (size_t i = 0; i < 11; i++) {
		if (digit(in.at[i]) > 63)
			return RC_BAD;
	}
	for (size_t i = 5; i > 0; i--) {
		r = r << 6 | digit(in.at[i]);
		p = p << 6 | digit(in.at[i + 5]);
	}
	if (p < 1)
		return RC_BAD;
	return p > LANES_MOST ? RC_LIMIT : memory_fits(digit(in.at[0]), r, f);
}

/* yescrypt's numbers of variable length: a first digit in [start, end] tells how many follow. */
static enum rc take_yescrypt(struct slice *in, uint32_t min, uint32_t *out)
{
	if (in->len < 1 || digit(in->at[0]) > 63)
		return RC_BAD;
	uint32_t first = digit(in->at[0]), start = 0, end = 47, bits = 0, n = min;
	size_t more = 0;
	while (first > end) {
		n += (end + 1 - start) << bits;
		start = end + 1;
		end = start + (62 - end) / 2;
		more++;
		bits += 6;
	}
	if (in->len < more + 1 || bits > 18)
		return RC_BAD;
	n += (first - start) << bits;
	for (size_t i = 1; i <= more; i++) {
		if (digit(in->at[i]) > 63)
			return RC_BAD;
		bits -= 6;
		n += digit(in->at[i]) << bits;
	}
	*in = slice_tail(*in, more + 1);
	*out = n;
	return RC_OK;
}

static enum rc yescrypt_fits(struct slice in, struct form *f)
{
	struct slice params = slice_split(&in, '$');
	uint32_t flavour, log2_n, r;
	TRY(take_yescrypt(&params, 0, &flavour));
	TRY(take_yescrypt(&params, 1, &log2_n));
	TRY(take_yescrypt(&params, 1, &r));
	if (params.len > 0) {
		/* a bit for each of p, t, g and ROM: the last three nobody uses, and their cost we cannot tell */
		uint32_t have, p;
		TRY(take_yescrypt(&params, 1, &have));
		if (have != 1)
			return RC_LIMIT;
		TRY(take_yescrypt(&params, 2, &p));
		if (params.len > 0 || p > LANES_MOST)
			return RC_LIMIT;
	}
	return memory_fits(log2_n, r, f);
}

static const struct {
	struct slice prefix;
	enum rc (*fits)(struct slice, struct form *);
} kinds[] = {
	{ S("$2a$"), bcrypt_fits },
	{ S("$2b$"), bcrypt_fits },
	{ S("$2x$"), bcrypt_fits },
	{ S("$2y$"), bcrypt_fits },
	{ S("$5$"), sha_fits },
	{ S("$6$"), sha_fits },
	{ S("$7$"), scrypt_fits },
	{ S("$y$"), yescrypt_fits },
	{ S("$gy$"), yescrypt_fits },
};

enum rc form_crypt_parse(struct slice stored, struct form *f)
{
	*f = (struct form){ .kind = FORM_CRYPT };
	if (stored.len >= sizeof(f->text))
		return RC_BAD;
	for (size_t i = 0; i < stored.len; i++) {
		if (stored.at[i] <= ' ' || stored.at[i] > '~' || stored.at[i] == ':')
			return RC_BAD;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!slice_starts(stored, kinds[i].prefix))
			continue;
		memcpy(f->text, stored.at, stored.len);
		return kinds[i].fits(slice_tail(stored, kinds[i].prefix.len), f);
	}
	return RC_BAD;
}

enum rc form_crypt_check(const struct form *f, struct slice plain)
{
	char text[CRYPT_MAX_PASSPHRASE_SIZE];
	/* crypt knows no NUL and no longer text: such a password can have no hash */
	if (plain.len >= sizeof(text) || slice_find(plain, 0) < plain.len)
		return RC_DENIED;
	struct crypt_data *data = mem_try(MEM_OTHER, sizeof(*data));
	if (!data)
		return RC_TEMP;
	memset(data, 0, sizeof(*data));
	if (plain.len > 0)
		memcpy(text, plain.at, plain.len);
	text[plain.len] = 0;
	const char *made = crypt_r(text, f->text, data);
	size_t len = strlen(f->text);
	bool same = made && made[0] != '*' && strlen(made) == len &&
		    mem_eq_const_time(made, f->text, len);
	mem_wipe(text, sizeof(text));
	mem_wipe(data, sizeof(*data));
	mem_free(MEM_OTHER, data);
	return same ? RC_OK : RC_DENIED;
}
