/* sasl.c: Messages of PLAIN and SCRAM. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/sasl.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void reads_plain(void **)
{
	struct sasl_plain p;
	assert_int_equal(sasl_plain_parse(S("\0user\0pass"), &p), RC_OK);
	assert_true(slice_eq(p.user, S("user")) && slice_eq(p.pass, S("pass")) && !p.authzid.len);
	assert_int_equal(sasl_plain_parse(S("a\0user\0"), &p), RC_BAD);
	assert_int_equal(sasl_plain_parse(S("user\0pass"), &p), RC_BAD);
	assert_int_equal(sasl_plain_parse(S("\0u\0p\0x"), &p), RC_BAD);
	assert_int_equal(sasl_plain_parse(S("\0u\0\xff"), &p), RC_BAD);
}

/* The dialogue of RFC 7677 3. */
static void reads_scram(void **)
{
	struct arena a;
	struct sasl_scram_first first;
	struct sasl_scram_challenge challenge;
	struct sasl_scram_final final;
	struct slice v;
	arena_init(&a, 0);
	assert_int_equal(
		sasl_scram_first_parse(S("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &a, &first), RC_OK);
	assert_true(slice_eq(first.bare, S("n=user,r=rOprNGfwEbeRWgbNEkqO")) &&
		    slice_eq(first.gs2, S("n,,")));
	assert_int_equal(
		sasl_scram_challenge_parse(S("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
					     "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
			&challenge),
		RC_OK);
	assert_int_equal(challenge.rounds, 4096);
	assert_int_equal(sasl_scram_final_parse(
				 S("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
				   "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
				 &final),
		RC_OK);
	assert_true(slice_eq(final.without_proof,
		S("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")));
	assert_int_equal(sasl_scram_verifier_parse(S("v=6rri"), &v), RC_OK);
	assert_int_equal(sasl_scram_verifier_parse(S("e=invalid-proof"), &v), RC_DENIED);
	assert_int_equal(
		sasl_scram_first_parse(S("p=tls-exporter,a=x=2Cy,n=a=3Db,r=z"), &a, &first), RC_OK);
	assert_true(slice_eq(first.authzid, S("x,y")) && slice_eq(first.user, S("a=b")));
	struct buf b;
	size_t bare;
	buf_init(&b, 0, &a);
	sasl_scram_first_write(&first, &b, &bare);
	assert_true(slice_eq(buf_slice(&b), S("p=tls-exporter,a=x=2Cy,n=a=3Db,r=z")));
	assert_true(slice_eq(slice_tail(buf_slice(&b), bare), S("n=a=3Db,r=z")));
	assert_int_equal(sasl_scram_first_parse(S("n,,m=x,n=user,r=z"), &a, &first), RC_BAD);
	assert_int_equal(sasl_scram_first_parse(S("n,,n=us=er,r=z"), &a, &first), RC_BAD);
	assert_int_equal(sasl_scram_first_parse(S("n,n=user,r=z"), &a, &first), RC_BAD);
	arena_done(&a);
}

static void prepares_names(void **)
{
	struct arena a;
	struct slice out;
	arena_init(&a, 0);
	assert_int_equal(sasl_prep(S("I\xc2\xadX\xc2\xa0Y"), &a, &out), RC_OK);
	assert_true(slice_eq(out, S("IX Y")));
	assert_int_equal(sasl_prep(S("\x07"), &a, &out), RC_BAD);
	assert_true(sasl_is_mech(S("SCRAM-SHA-256-PLUS")));
	assert_false(sasl_is_mech(S("PLAIN!")));
	arena_done(&a);
}

int test_sasl(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_plain),
		cmocka_unit_test(reads_scram),
		cmocka_unit_test(prepares_names),
	};
	return cmocka_run_group_tests_name("wire/sasl", tests, NULL, NULL);
}
