/* main.c: Runs the unit tests of the room wire. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

int main(void)
{
	int failed = test_http1() + test_imap_lex() + test_imap_programs() + test_memcached() +
		     test_pop3() + test_proxy() + test_resp() + test_sasl() + test_smtp() +
		     test_smtp_reply();
	return failed ? 1 : 0;
}
