/* find.h: Looking for words in bytes as they lie, without case. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_FIND_H
#define MAIL_FIND_H

#include "base/slice.h"

/* Index of the first place where `lower` stands in `in`, or in.len. ASCII letters of `in` are folded; `lower` has none in
 * upper case; all other octets must be the same. Reads nothing outside `in`. */
size_t find_text(struct slice in, struct slice lower);
/* Nothing but octets below 128. */
bool find_is_ascii(struct slice s);

#endif
