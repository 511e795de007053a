/* desk.h: Commands run as the control socket runs them, over the rooms of the tests of post/. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_ADMIN_DESK_H
#define TEST_UNIT_ADMIN_DESK_H

#include "../post/world.h"
#include "admin/admin.h"

struct desk {
	struct world w;
	struct admin_deps deps;
	char said[65536]; /* what the last command printed, or why it was refused */
};

void desk_begin(struct desk *d);
void desk_end(struct desk *d);
/* Words with a blank between; those with dashes are options; "<" and what is behind it come on standard input. */
enum rc desk_run(struct desk *d, const char *words);

#endif
