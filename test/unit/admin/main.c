/* main.c: Runs the unit tests of the room admin. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "groups.h"

int main(void)
{
	event_setup(LEVEL_ERROR, EVENT_TEXT);
	return test_report() + test_commands() + test_control() ? 1 : 0;
}
