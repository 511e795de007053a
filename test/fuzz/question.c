/* question.c: room: dns. What is asked of DNS: a type's word, and a name from any bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/must.h"
#include "dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct slice text = slice_of(at, len), out;
	enum dns_type type;
	must(dns_type_parse(text, &type) != RC_OK ||
		slice_eq_nocase(text, slice_str(dns_type_name(type))));
	arena_init(&a, 0);
	if (dns_name_ascii(text, &a, &out) == RC_OK)
		must(out.len > 0 && out.len <= 253);
	arena_done(&a);
	return 0;
}
