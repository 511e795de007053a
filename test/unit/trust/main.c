/* main.c: Runs the tests of trust. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_spf() + test_dkim() + test_dmarc() ? 1 : 0;
}
