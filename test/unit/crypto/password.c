/* password.c: Stored hashes of every form: right, wrong, damaged, too dear. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SECRET "secret p\xc3\xa4ssword"

static const struct {
	const char *plain, *stored;
} right[] = {
	{ "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
		      "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc" },
	{ "password", "{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/"
		      "uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4" },
	{ "password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+"
		      "sCcFanM2xBT63UP2sghkUoHLIUpWRS8" },
	{ SECRET, "{SSHA}POquzGBk8WcGwKKfsyewXaFEFLQBAgMEBQYHCA==" },
	{ SECRET, "{SSHA.HEX}3ceaaecc6064f16706c0a29fb327b05da14414b40102030405060708" },
	{ SECRET, "{SSHA256}gQX9F/3tuT8PFoyO8bUeDbrhBFYarNlK97tlhSeyNM8BAgMEBQYHCA==" },
	{ SECRET, "{ssha256.b64}gQX9F/3tuT8PFoyO8bUeDbrhBFYarNlK97tlhSeyNM8BAgMEBQYHCA==" },
	{ SECRET, "{SSHA256}"
		  "8105fd17fdedb93f0f168c8ef1b51e0dbae104561aacd94af7bb658527b234cf010203040506070"
		  "8" },
	{ SECRET, "{SSHA512}o85sEwofmDxeXqvqCz91VHhR3J1V168Ni8f9/nEFlKoBDhoTe7hw7dEUw+/guf/"
		  "8imX+QhHbiyzKkbZDPUzx4wECAwQFBgcI" },
	{ SECRET, "{SHA}jB+Uy1Mc1RaOC7xH05+66u4Wv9U=" },
	{ SECRET, "{SHA256}cIjm3oGWt9MVSPvKfbdoLWXuEHm7A+wtxr7Oj4Muwmo=" },
	{ SECRET, "{SHA512}2qO2hWgsvzKDv0cta8M8nr+p7TYaEZzItehwvsUuhKp2jV21H+"
		  "XtZ8W16ItgwtcCMY1ICFB2sKxJflboLvhJWw==" },
	{ SECRET, "pbkdf2_sha256$1000$seasalt$pxpKlunNFpGj3Kw5b4Px9xvhiq6qYWaOA4BV11BYVfA=" },
	{ SECRET, "$pbkdf2-sha256$1000$AQIDBAUGBwgBAgMEBQYHCA$icT3I9otJ05tsWoqpJO."
		  "saRiqbpag6Zpb6G9Eu3aiQ8" },
	{ SECRET, "$pbkdf2-sha256$i=1000,l=32$AQIDBAUGBwgBAgMEBQYHCA$icT3I9otJ05tsWoqpJO+"
		  "saRiqbpag6Zpb6G9Eu3aiQ8" },
	{ SECRET, "{PBKDF2}$1$seasalt$1000$a138b0b9218dd65214a7142c42ab88277e7b4174" },
	{ SECRET, "{PBKDF2-SHA512}1000$AQIDBAUGBwgBAgMEBQYHCA$dULRenSESHoFh1p1aTrkG4TO/VncDjK0/"
		  "nfr7rR37Qbj0xjbilVxfHSm9C9b"
		  "QjtRGtrBR6ZIYudvNwWxA.wEZw" },
	{ SECRET, "{SCRAM-SHA-256}4096,AQIDBAUGBwg=,xOEhUkFu7bLNZlyPKOxTYexmvHAQrkdujDbRaT/zKwc=,"
		  "Nd0zOIfwzX301u8S9TRVW8ZQl7EXyCuX3xmDmGob2Aw=" },
	{ SECRET, "$2b$05$abcdefghijklmnopqrstuuQBlh0THHmCp3Amey7GYnHsp5Vs0MNOm" },
	{ SECRET, "{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuuQBlh0THHmCp3Amey7GYnHsp5Vs0MNOm" },
	{ "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
	{ SECRET, "$5$rounds=1000$saltsalt$j1IzAmdCBffhKWVKoffrZ.dPPdtiysF29ePH9K9Dbx5" },
	{ "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5" },
	{ "Hello world!", "{SHA512-CRYPT}$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMH"
			  "Wjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1" },
	{ "pleaseletmein",
		"$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D" },
	{ "pleaseletmein",
		"$y$jD5.7$LdJMENpBABJJ3hIHjB1Bi.$HboGM6qPrsK.StKYGt6KErmUYtioHreJd98oIugoNB6" },
	{ SECRET, "{CRYPT}$y$j75$saltsaltsalt$KegnztSFfIaK6bLcqRTxS0iWHwoB0tGmE0kE0MyYQUB" },
	{ SECRET, "$gy$j75$saltsaltsalt$XLO/RoKRfBt3PDIXGY3wHn4NYWzjF2DftIL8IY6zdU8" },
};

static void checks_every_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct slice stored = slice_str(right[i].stored);
		print_message("%.40s\n", right[i].stored);
		assert_true(password_is_known(stored));
		assert_int_equal(password_check(stored, slice_str(right[i].plain)), RC_OK);
		assert_int_equal(password_check(stored, S("wrong")), RC_DENIED);
		assert_int_equal(password_check(stored, S("")), RC_DENIED);
	}
}

static const struct {
	const char *stored;
	enum rc rc;
} refused[] = {
	{ "", RC_BAD },
	{ "secret", RC_BAD },
	{ "{PLAIN}secret", RC_BAD },
	{ "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69", RC_BAD },
	{ "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", RC_BAD },
	{ "{SSHA}", RC_BAD },
	{ "{SSHA}jB+Uy1Mc1RaOC7xH05+66u4Wv9U=", RC_BAD },
	{ "{SHA}POquzGBk8WcGwKKfsyewXaFEFLQBAgMEBQYHCA==", RC_BAD },
	{ "{CRYPT}secret", RC_BAD },
	{ "{CRYPT}{CRYPT}$5$saltstring$x", RC_BAD },
	{ "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$", RC_BAD },
	{ "$argon2id$v=18$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		RC_BAD },
	{ "$argon2id$v=19$m=4,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		RC_BAD },
	{ "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$"
	  "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		RC_LIMIT },
	{ "$argon2id$v=19$m=19456,t=4000,p=1$c29tZXNhbHQ$"
	  "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		RC_LIMIT },
	{ "$2b$31$abcdefghijklmnopqrstuuQBlh0THHmCp3Amey7GYnHsp5Vs0MNOm", RC_LIMIT },
	{ "$2b$05$abcdefghijklmnopqrst", RC_BAD },
	{ "$5$rounds=999999999$saltsalt$j1IzAmdCBffhKWVKoffrZ.dPPdtiysF29ePH9K9Dbx5", RC_LIMIT },
	{ "$7$Z6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D", RC_LIMIT },
	{ "$y$jZT$saltsaltsalt$KegnztSFfIaK6bLcqRTxS0iWHwoB0tGmE0kE0MyYQUB", RC_LIMIT },
	{ "pbkdf2_sha256$0$seasalt$pxpKlunNFpGj3Kw5b4Px9xvhiq6qYWaOA4BV11BYVfA=", RC_BAD },
	{ "pbkdf2_sha256$2000000000$seasalt$pxpKlunNFpGj3Kw5b4Px9xvhiq6qYWaOA4BV11BYVfA=",
		RC_LIMIT },
	{ "{PBKDF2}$1$seasalt$1000$", RC_BAD },
	{ "{SCRAM-SHA-256}4096,AQIDBAUGBwg=,xOEh,Nd0z", RC_BAD },
	{ "{SCRAM-SHA-256}0,AQIDBAUGBwg=,,", RC_BAD },
};

static void refuses_the_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		print_message("%.40s\n", refused[i].stored);
		assert_int_equal(
			password_check(slice_str(refused[i].stored), S("secret")), refused[i].rc);
		assert_false(password_is_known(slice_str(refused[i].stored)));
	}
}

static void tells_its_memory(void **state)
{
	static const struct {
		const char *stored;
		size_t kib;
	} rows[] = {
		{ "", PASSWORD_MEMORY_KIB },
		{ "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$"
		  "rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk",
			65536 },
		{ "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
			16384 },
		{ "$y$j9T$saltsaltsalt$KegnztSFfIaK6bLcqRTxS0iWHwoB0tGmE0kE0MyYQUB", 16384 },
		{ "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(password_memory(slice_str(rows[i].stored)), rows[i].kib * 1024);
}

static void makes_ours(void **state)
{
	(void)state;
	struct arena a;
	struct slice one, two;
	uint8_t big[PASSWORD_LEN_MOST + 1] = { 'x' };
	arena_init(&a, 0);
	assert_int_equal(password_make(S(SECRET), &a, &one), RC_OK);
	assert_int_equal(password_make(S(SECRET), &a, &two), RC_OK);
	assert_false(slice_eq(one, two));
	assert_true(slice_starts(one, S("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_true(password_is_current(one));
	assert_false(password_is_current(slice_str(right[2].stored)));
	assert_int_equal(password_check(one, S(SECRET)), RC_OK);
	assert_int_equal(password_check(one, S("secret")), RC_DENIED);
	assert_int_equal(password_make(slice_of(big, sizeof(big)), &a, &two), RC_LIMIT);
	assert_int_equal(password_check(one, slice_of(big, sizeof(big))), RC_DENIED);
	arena_done(&a);
	password_waste(S("x"));
}

int test_password(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_every_form),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(tells_its_memory),
		cmocka_unit_test(makes_ours),
	};
	return cmocka_run_group_tests_name("crypto/password", tests, NULL, NULL);
}
