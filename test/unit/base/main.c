/* main.c: Unit tests of the ground floor. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_time() + test_event() + test_metric() + test_ranges() + test_fifo();
}
