/* main.c: Runs the tests of mail. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	return test_mailboxes() + test_record() + test_find() + test_ahead() + test_check() +
			       test_trim() + test_race() + test_pages()
		       ? 1
		       : 0;
}
