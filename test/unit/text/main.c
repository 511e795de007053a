/* main.c: Unit tests of TOML, JSON and schedules. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_toml() + test_json() + test_object_xml() + test_profile() + test_cron();
}
