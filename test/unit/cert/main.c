/* main.c: Runs the unit tests of the room cert. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "groups.h"
#include <signal.h>

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	event_setup(LEVEL_ERROR, EVENT_TEXT);
	return test_tls() ? 1 : 0;
}
