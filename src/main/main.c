/* main.c: Where the program begins. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
