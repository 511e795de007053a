/* rc.c: Names of results, and the end of a failed assertion. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"
#include "base/must.h"
#include <stdio.h>
#include <stdlib.h>

const char *rc_name(enum rc rc)
{
	static const char *const names[] = { "OK", "MORE", "WAIT", "NONE", "TAKEN", "BAD", "DENIED",
		"LIMIT", "TEMP", "LOST" };
	return (unsigned)rc < sizeof(names) / sizeof(names[0]) ? names[rc] : "?";
}

void must_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "veredus: %s:%d: must hold: %s\n", file, line, what);
	abort();
}
