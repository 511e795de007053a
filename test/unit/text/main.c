/* main.c: Unit tests of TOML and JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_toml() + test_json();
}
