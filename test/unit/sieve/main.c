/* main.c: Runs the tests of sieve. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_compile() + test_run() ? 1 : 0;
}
