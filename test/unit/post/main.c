/* main.c: Runs the unit tests of the room post. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_rcpt() + test_deliver() ? 1 : 0;
}
