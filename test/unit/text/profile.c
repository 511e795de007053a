/* profile.c: Files of AWS credentials as they are found in homes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/profile.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char file[] =
	"# mine\n[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\r\n"
	"aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY==\n\n"
	"; other\n[ mail ]\n\tAWS_Access_Key_ID\t=\tB\nnonsense\n = \n"
	"aws_session_token = t=1\n[profile mail]\nregion = eu-central-1\n[cut\nregion = no";

static void finds(void **state)
{
	struct profile p = { 0 };
	(void)state;
	assert_int_equal(profile_parse(slice_str(file), S("default"), &p), RC_OK);
	assert_true(slice_eq(p.access_key, S("AKIAIOSFODNN7EXAMPLE")));
	assert_true(slice_eq(p.secret_key, S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY==")));
	assert_true(p.session_token.len == 0 && p.region.len == 0);
	p = (struct profile){ 0 };
	assert_int_equal(profile_parse(slice_str(file), S("mail"), &p), RC_OK);
	assert_true(slice_eq(p.access_key, S("B")) && p.secret_key.len == 0);
	assert_true(slice_eq(p.session_token, S("t=1")));
	assert_true(slice_eq(p.region, S("eu-central-1")));
	assert_int_equal(profile_parse(slice_str(file), S("cut"), &p), RC_NONE);
	assert_int_equal(profile_parse(S(""), S("default"), &p), RC_NONE);
	assert_int_equal(profile_parse(S("[]\n[\n]"), S("a"), &p), RC_NONE);
}

int test_profile(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(finds) };
	return cmocka_run_group_tests_name("profiles", tests, NULL, NULL);
}
