/* main.c: Runs the unit tests of the room pop3. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_locks() ? 1 : 0;
}
