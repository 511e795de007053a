/* profile.h: Files of AWS credentials: sections with keys. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_PROFILE_H
#define TEXT_PROFILE_H

#include "base/slice.h"

/* Views into the file; empty: not given. */
struct profile {
	struct slice access_key, secret_key, session_token, region;
};

/* Adds what the sections "[name]" and "[profile name]" say to `out`; of a key that is there twice the last one counts.
 * Lines that are none of a section, a key, a comment (# or ;) are passed over. RC_NONE: no such section. */
enum rc profile_parse(struct slice file, struct slice name, struct profile *out);

#endif
