/* banned.h: Functions that nobody here may call; force-included into every file. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef BANNED_AFTER /* a library's header whose macros say some of these: it has to come first (Makefile) */
#include BANNED_AFTER
#endif
#undef alloca
#pragma GCC poison strcpy strcat sprintf vsprintf strtok strtok_r atoi atol atoll localtime gmtime \
	gets alloca strncpy asctime ctime
#endif
