/* scram.c: The example of RFC 7677, and keys in and out of text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/scram.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char message[] =
	"n=user,r=rOprNGfwEbeRWgbNEkqO,"
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

static void unbase(const char *text, uint8_t out[SCRAM_LEN])
{
	size_t n;
	assert_int_equal(crypto_unbase64(slice_str(text), SCRAM_LEN, out, &n), RC_OK);
}

static void agrees_with_the_rfc(void **state)
{
	(void)state;
	struct scram_keys keys = { .rounds = 4096 };
	size_t n;
	uint8_t proof[SCRAM_LEN], want[SCRAM_LEN], out[SCRAM_LEN];
	assert_int_equal(
		crypto_unbase64(S("W22ZaJ0SNY7soEsUEjb6gQ=="), sizeof(keys.salt), keys.salt, &n),
		RC_OK);
	keys.salt_len = (uint8_t)n;
	assert_int_equal(scram_keys_derive(S("pencil"), &keys), RC_OK);
	unbase("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof);
	assert_true(scram_proof_fits(&keys, slice_str(message), slice_of(proof, SCRAM_LEN)));
	assert_int_equal(scram_proof(S("pencil"), &keys, slice_str(message), out), RC_OK);
	assert_memory_equal(out, proof, SCRAM_LEN);
	scram_signature(&keys, slice_str(message), out);
	unbase("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", want);
	assert_memory_equal(out, want, SCRAM_LEN);
	proof[0] ^= 1;
	assert_false(scram_proof_fits(&keys, slice_str(message), slice_of(proof, SCRAM_LEN)));
	assert_false(scram_proof_fits(&keys, slice_str(message), slice_of(proof, SCRAM_LEN - 1)));
}

static void writes_and_parses(void **state)
{
	(void)state;
	struct scram_keys keys, again;
	struct buf b;
	buf_init(&b, 0, NULL);
	assert_int_equal(scram_keys_make(S("pencil"), &keys), RC_OK);
	scram_keys_write(&keys, &b);
	assert_int_equal(scram_keys_parse(buf_slice(&b), &again), RC_OK);
	assert_memory_equal(&keys, &again, sizeof(keys));
	buf_done(&b);
	again.rounds = SCRAM_ROUNDS_MOST + 1;
	assert_int_equal(scram_keys_derive(S("x"), &again), RC_BAD);
}

/* RFC 4013 3: compatibility forms and invisible characters are the same password. */
static void prepares_passwords(void **state)
{
	(void)state;
	static const char *const same[][2] = {
		{ "\xe2\x85\xa8", "IX" },
		{ "I\xc2\xadX", "IX" },
		{ "a\xc2\xa0"
		  "b",
			"a b" },
		{ "p\x61\xcc\x88ss", "p\xc3\xa4ss" },
	};
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct scram_keys one, two;
		assert_int_equal(scram_keys_make(slice_str(same[i][0]), &one), RC_OK);
		two = one;
		assert_int_equal(scram_keys_derive(slice_str(same[i][1]), &two), RC_OK);
		assert_memory_equal(one.stored, two.stored, SCRAM_LEN);
	}
}

static void fakes_the_same_for_the_same(void **state)
{
	(void)state;
	struct scram_keys one, two, other;
	scram_keys_fake(S("process secret"), S("nobody"), &one);
	scram_keys_fake(S("process secret"), S("nobody"), &two);
	scram_keys_fake(S("process secret"), S("somebody"), &other);
	assert_memory_equal(&one, &two, sizeof(one));
	assert_memory_not_equal(one.salt, other.salt, SCRAM_SALT_LEN);
}

int test_scram(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_rfc),
		cmocka_unit_test(writes_and_parses),
		cmocka_unit_test(prepares_passwords),
		cmocka_unit_test(fakes_the_same_for_the_same),
	};
	return cmocka_run_group_tests_name("crypto/scram", tests, NULL, NULL);
}
