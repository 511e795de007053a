/* check.c: Proves content: all of it is there, bears its hash, and is linked by something that exists. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/check.h"
#include "blob/blob_int.h"
#include "crypto/hash.h"

enum { PIECE = 8 * BLOB_FRAME, LINK_LEN = 2 + 32 + 4 + 1 + 8, META_LEN = 2 + 32 };

struct proof {
	struct blob *blob;
	struct check *check;
	blob_holder_fn *holder;
	void *ctx;
};

static struct slice hex(struct slice hash, struct arena *a)
{
	struct buf out;
	buf_init(&out, 0, a);
	crypto_hex(hash, &out);
	return buf_slice(&out);
}

/* RC_NONE: it is not all there; RC_LOST: damaged, or of another hash. */
static enum rc read_whole(struct blob *blob, const struct blob_ref *ref, struct fault *why)
{
	struct crypto_sha256 sum;
	uint8_t hash[CRYPTO_SHA256_LEN];
	enum rc rc = RC_OK;
	crypto_sha256_init(&sum);
	for (uint64_t at = 0; rc == RC_OK && at < ref->size;) {
		struct arena a;
		struct slice piece = { 0 };
		arena_init(&a, 0);
		rc = blob_read(blob, ref, at, PIECE, &a, &piece, why);
		if (rc == RC_OK && piece.len == 0)
			rc = RC_LOST;
		if (rc == RC_OK)
			crypto_sha256_add(&sum, piece);
		at += piece.len;
		arena_done(&a);
	}
	crypto_sha256_final(&sum, hash);
	return rc == RC_OK && memcmp(hash, ref->hash, sizeof(hash)) != 0 ? RC_LOST : rc;
}

/* Is there a key that begins so? */
static enum rc exists(struct proof *p, uint8_t what, const struct blob_ref *ref, bool *is,
	struct arena *a, struct fault *why)
{
	struct buf to;
	struct data_range range = { .space = DATA_MAIN, .from = meta_key(a, what, ref) };
	buf_init(&to, 0, a);
	buf_add(&to, range.from);
	for (int i = 0; i < LINK_LEN; i++)
		buf_byte(&to, 0xff);
	range.to = buf_slice(&to);
	return data_any(p->check->data, &range, is, why);
}

/* Purge looks at what is asked about only. */
static enum rc prove_asked(
	struct proof *p, const struct blob_ref *ref, struct arena *a, struct fault *why)
{
	struct data_batch b;
	bool linked, asked;
	TRY(exists(p, 'l', ref, &linked, a, why));
	TRY(exists(p, 'u', ref, &asked, a, why));
	if (linked || asked)
		return RC_OK;
	data_batch_init(&b, a);
	data_put(&b, DATA_MAIN, meta_key(a, 'u', ref), S(""));
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED,
		"content %.*s is linked by nobody, and goes at the next purge",
		FMT(hex(slice_of(ref->hash, sizeof(ref->hash)), a)));
	return RC_OK;
}

static enum rc prove_content(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct blob_ref ref = { 0 };
	struct blob_meta m;
	struct slice at;
	if (key.len != META_LEN)
		return check_park(p->check, key, value, S("a content's key that is none"), why);
	memcpy(ref.hash, key.at + 2, sizeof(ref.hash));
	enum rc rc = meta_get(p->blob, &ref, a, &at, &m, why);
	if (rc == RC_OK) {
		ref.size = m.size;
		rc = read_whole(p->blob, &ref, why);
	}
	if (rc == RC_LOST || rc == RC_NONE)
		return check_park(p->check, key, value,
			arena_fmt(a, "content %.*s of %llu octets is %s",
				FMT(hex(slice_of(ref.hash, sizeof(ref.hash)), a)),
				(unsigned long long)ref.size,
				rc == RC_NONE ? "missing" : "damaged"),
			why);
	TRY(rc);
	return prove_asked(p, &ref, a, why);
}

/* A link of what does not exist any more keeps content for nobody. */
static enum rc prove_link(
	void *ctx, struct slice key, struct slice value, struct arena *a, struct fault *why)
{
	struct proof *p = ctx;
	struct slice rest = slice_tail(key, 2), hash;
	struct blob_ref ref = { 0 };
	struct data_batch b;
	uint32_t account;
	uint64_t item;
	uint8_t kind;
	if (key.len != LINK_LEN || take_bytes(&rest, sizeof(ref.hash), &hash) != RC_OK ||
		take_be32(&rest, &account) != RC_OK || take_byte(&rest, &kind) != RC_OK ||
		take_be64(&rest, &item) != RC_OK)
		return check_park(p->check, key, value, S("a link that is none"), why);
	enum rc rc = p->holder(p->ctx, account, kind, item, why);
	if (rc != RC_NONE)
		return rc;
	memcpy(ref.hash, hash.at, sizeof(ref.hash));
	data_batch_init(&b, a);
	blob_unlink(&b, &ref, account, kind, item);
	TRY(check_commit(p->check, &b, why));
	check_tell(p->check, CHECK_MENDED,
		"account %u: a link to content %.*s of what is gone was taken away", account,
		FMT(hex(hash, a)));
	return RC_OK;
}

enum rc blob_check(struct blob *blob, struct check *check, blob_holder_fn *holder, void *ctx,
	struct fault *why)
{
	struct proof p = { .blob = blob, .check = check, .holder = holder, .ctx = ctx };
	const struct check_range links = { "links", S("Bl"), S("Bm") },
				 contents = { "contents", S("Bm"), S("Bn") };
	TRY(check_walk(check, &links, prove_link, &p, why));
	return check_walk(check, &contents, prove_content, &p, why);
}

enum rc blob_has(struct blob *blob, const struct blob_ref *ref, struct fault *why)
{
	struct arena a;
	struct slice value;
	struct blob_meta m;
	arena_init(&a, 0);
	enum rc rc = meta_get(blob, ref, &a, &value, &m, why);
	arena_done(&a);
	return rc == RC_OK && m.size != ref->size ? RC_NONE : rc;
}
