/* random.c: getrandom, whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/must.h"
#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
	uint8_t *at = out;
	while (len) {
		ssize_t n = getrandom(at, len, 0);
		must(n > 0 || errno == EINTR);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

uint64_t random_below(uint64_t below)
{
	must(below > 0);
	uint64_t n, top = UINT64_MAX - UINT64_MAX % below;
	do {
		random_bytes(&n, sizeof(n));
	} while (n >= top);
	return n % below;
}
