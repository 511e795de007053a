/* record_int.h: The bytes of a message record, for those who write them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_RECORD_INT_H
#define MAIL_RECORD_INT_H

#include "mail/record.h"

/* version(1) thread be64, then: blob hash 32, varints size head_len, signed sent, and length-prefixed slices
 * envelope body structure preview subject parts, a byte (fields are kept), fields, and perhaps be64: where the upload put the content. Each part: vslice number, varints head head_len body body_len
 * inner_head_len, byte encoding, byte bits. */
enum { RECORD_VERSION = 1, RECORD_THREAD_AT = 1 };

/* Writes the thread id into a record that the caller owns. */
void mail_record_set_thread(struct slice record, uint64_t thread);

#endif
