/* main.c: Runs the unit tests of the room auth. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "groups.h"

int main(void)
{
	event_setup(LEVEL_ERROR, EVENT_TEXT);
	return test_ban() + test_cache() + test_login() ? 1 : 0;
}
