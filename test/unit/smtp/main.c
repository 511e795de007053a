/* main.c: Runs the unit tests of the room smtp. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_commands() + test_session() ? 1 : 0;
}
