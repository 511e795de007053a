/* main.c: Runs the unit tests of the room crypto. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	int failed = test_hash() + test_password() + test_scram() + test_sigv4();
	return failed ? 1 : 0;
}
