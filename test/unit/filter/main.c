/* main.c: Runs the tests of filter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_cases() ? 1 : 0;
}
