/* main.c: Runs the unit tests of the room queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_deliver() + test_downgrade() + test_dsn() + test_local() + test_many() +
			       test_reuse() + test_route()
		       ? 1
		       : 0;
}
