/* main.c: Runs the unit tests of the room link. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	int failed = test_address() + test_breaker() + test_pool() + test_fetch();
	return failed ? 1 : 0;
}
