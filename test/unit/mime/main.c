/* main.c: Runs the unit tests of the room mime. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	int failed = test_address() + test_charset() + test_date() + test_decode() + test_field() +
		     test_param() + test_samples() + test_text() + test_tree();
	return failed ? 1 : 0;
}
