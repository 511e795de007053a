/* password.c: room: crypto. Parses stored password hashes of every form. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"
#include "crypto/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = slice_of(at, len);
	struct scram_keys keys;
	bool is_known = password_is_known(in);
	if (password_is_current(in) && !is_known)
		abort();
	if (scram_keys_parse(in, &keys) == RC_OK && (keys.salt_len == 0 || keys.rounds == 0))
		abort();
	return 0;
}
