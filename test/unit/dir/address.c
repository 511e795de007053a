/* address.c: Addresses and domains: what is the same, what is none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dir/dir.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *in, *local, *base, *detail, *domain;
} good[] = {
	{ "Ann@Example.ORG", "ann", "ann", "", "example.org" },
	{ "ann", "ann", "ann", "", "" },
	{ "ann+Lists.tag@example.org.", "ann+lists.tag", "ann", "lists.tag", "example.org" },
	{ "+x@example.org", "+x", "+x", "", "example.org" },
	{ "\"a\\ b\"@example.org", "a b", "a b", "", "example.org" },
	{ "\"a@b\"@example.org", "a@b", "a@b", "", "example.org" },
	{ "J\xc3\x96RG@b\xc3\xbc"
	  "cher.example",
		"j\xc3\xb6rg", "j\xc3\xb6rg", "", "xn--bcher-kva.example" },
	{ "jo\xcc\x88rg@B\xc3\x9c"
	  "CHER.example",
		"j\xc3\xb6rg", "j\xc3\xb6rg", "", "xn--bcher-kva.example" },
	{ "x@XN--BCHER-KVA.example", "x", "x", "", "xn--bcher-kva.example" },
	{ "x@[IPv6:::1]", "x", "x", "", "[ipv6:::1]" },
};
static const char *const bad[] = { "", "@", "@example.org", "a@", "a@.", "a@x..y", "a@-\x01",
	"a@b c", "\"a\"b\"@x", "a\"b@x", "a\r\n@x", "\xff@x.org", "a@\xff.org", "\"\"@x.org",
	"a@\"x\"" };

static void reads_addresses(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct dir_address out;
		print_message("%s\n", good[i].in);
		assert_int_equal(dir_address(slice_str(good[i].in), &a, &out), RC_OK);
		assert_true(slice_eq(out.local, slice_str(good[i].local)));
		assert_true(slice_eq(out.base, slice_str(good[i].base)));
		assert_true(slice_eq(out.detail, slice_str(good[i].detail)));
		assert_true(slice_eq(out.domain, slice_str(good[i].domain)));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dir_address out;
		print_message("%s\n", bad[i]);
		assert_int_equal(dir_address(slice_str(bad[i]), &a, &out), RC_BAD);
	}
	char big[DIR_ADDRESS_MOST + 2];
	struct dir_address out;
	memset(big, 'a', sizeof(big));
	assert_int_equal(dir_address(slice_of(big, sizeof(big)), &a, &out), RC_BAD);
	arena_done(&a);
}

int test_address(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads_addresses) };
	return cmocka_run_group_tests_name("dir/address", tests, NULL, NULL);
}
