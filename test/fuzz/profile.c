/* profile.c: room: text. Files of AWS credentials. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "text/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct profile p = { 0 };
	struct slice in = slice_of(at, len);
	if (profile_parse(in, S("mail"), &p) != RC_OK)
		must(p.access_key.len == 0 && p.region.len == 0);
	must(slice_find(p.secret_key, '\n') == p.secret_key.len);
	return 0;
}
