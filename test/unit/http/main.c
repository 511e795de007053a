/* main.c: Unit tests of the HTTP server. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_server();
}
