/* sieve.c: room: sieve. Any bytes are a script, that compiles or not, within its memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "sieve/sieve.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct sieve_program *p;
	struct sieve_error why = { 0 };
	arena_init(&a, 16 << 20);
	enum rc rc = sieve_compile(NULL, slice_of(at, len), &a, &p, &why);
	must(rc == RC_OK || rc == RC_BAD || rc == RC_LIMIT);
	must((rc == RC_OK) == (why.text[0] == 0) && (rc != RC_BAD || (why.line && why.column)));
	must(a.used <= a.limit + 64 * ARENA_SMALL);
	arena_done(&a);
	return 0;
}
