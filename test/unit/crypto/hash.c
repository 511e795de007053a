/* hash.c: Known answers for digests, HMAC, PBKDF2, hex and base64. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	enum crypto_hash alg;
	const char *in, *hex;
} digests[] = {
	{ CRYPTO_MD5, "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ CRYPTO_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ CRYPTO_SHA256, "abc",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ CRYPTO_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ CRYPTO_SHA512, "abc",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static void assert_hex(const uint8_t *at, size_t len, const char *hex)
{
	struct buf out;
	buf_init(&out, 0, NULL);
	crypto_hex(slice_of(at, len), &out);
	buf_byte(&out, 0);
	assert_string_equal((const char *)out.at, hex);
	buf_done(&out);
}

static void knows_digests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		uint8_t out[CRYPTO_HASH_MOST];
		crypto_hash(digests[i].alg, slice_str(digests[i].in), out);
		assert_hex(out, crypto_hash_len(digests[i].alg), digests[i].hex);
	}
}

static void adds_piece_by_piece(void **state)
{
	(void)state;
	struct crypto_sha256 h;
	uint8_t out[CRYPTO_SHA256_LEN];
	crypto_sha256_init(&h);
	crypto_sha256_add(&h, S("a"));
	crypto_sha256_add(&h, S(""));
	crypto_sha256_add(&h, S("bc"));
	crypto_sha256_final(&h, out);
	assert_hex(out, sizeof(out), digests[2].hex);
	crypto_sha256_done(&h);
}

static void knows_hmac(void **state)
{
	(void)state;
	uint8_t out[CRYPTO_HASH_MOST], key[131];
	crypto_hmac(CRYPTO_SHA256, S("Jefe"), S("what do ya want for nothing?"), out);
	assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	crypto_hmac(CRYPTO_SHA256, slice_of(key, sizeof(key)),
		S("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void knows_pbkdf2(void **state)
{
	(void)state;
	uint8_t out[20];
	assert_int_equal(
		crypto_pbkdf2(CRYPTO_SHA1, S("password"), S("salt"), 4096, out, 20), RC_OK);
	assert_hex(out, 20, "4b007901b765489abead49d926f721d065a429c1");
	assert_int_equal(crypto_pbkdf2(CRYPTO_SHA1, S("password"), S("salt"), 0, out, 20), RC_BAD);
}

static const struct {
	const char *plain, *coded;
} pairs[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
static const char *const wrong[] = { "Z", "Zg=", "Zg===", "Zm9v=", "Z m8=", "Zm9v!", "=", "====" };

static void codes_base64(void **state)
{
	(void)state;
	uint8_t out[8];
	size_t n;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct slice plain = slice_str(pairs[i].plain), coded = slice_str(pairs[i].coded);
		struct buf b;
		buf_init(&b, 0, NULL);
		crypto_base64(plain, &b);
		assert_true(slice_eq(buf_slice(&b), coded));
		buf_done(&b);
		assert_int_equal(crypto_unbase64(coded, sizeof(out), out, &n), RC_OK);
		assert_true(slice_eq(slice_of(out, n), plain));
		assert_int_equal(crypto_unbase64(slice_head(coded, slice_find(coded, '=')),
					 sizeof(out), out, &n),
			RC_OK);
		assert_int_equal(n, plain.len);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
			crypto_unbase64(slice_str(wrong[i]), sizeof(out), out, &n), RC_BAD);
	assert_int_equal(crypto_unbase64(S("Zm9vYmFyZm9v"), sizeof(out), out, &n), RC_LIMIT);
	assert_int_equal(crypto_unhex(S("00fFAb"), sizeof(out), out, &n), RC_OK);
	assert_int_equal(n, 3);
	assert_int_equal(out[1], 255);
	assert_int_equal(crypto_unhex(S("0g"), sizeof(out), out, &n), RC_BAD);
	assert_int_equal(crypto_unhex(S("000"), sizeof(out), out, &n), RC_BAD);
}

int test_hash(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_digests),
		cmocka_unit_test(adds_piece_by_piece),
		cmocka_unit_test(knows_hmac),
		cmocka_unit_test(knows_pbkdf2),
		cmocka_unit_test(codes_base64),
	};
	return cmocka_run_group_tests_name("crypto/hash", tests, NULL, NULL);
}
