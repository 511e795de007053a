/* main.c: Where the program begins. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/cli.h"
#include "net/tls.h"

int main(int argc, char **argv)
{
	tls_count_memory();
	return cli_main(argc, argv);
}
