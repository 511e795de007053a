/* main.c: Runs the unit tests of the room net. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "groups.h"

int main(void)
{
	event_setup(LEVEL_ERROR, EVENT_TEXT);
	return test_listen() + test_connect() + test_deadline() ? 1 : 0;
}
