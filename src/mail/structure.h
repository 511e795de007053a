/* structure.h: ENVELOPE, BODY and BODYSTRUCTURE of IMAP, and the table of parts, from a parsed message. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_STRUCTURE_H
#define MAIL_STRUCTURE_H

#include "mail/fields.h"

/* RFC 3501 7.4.2 (RFC 9051 7.5.2). All append to `out`; RC_LIMIT: no memory. */
enum rc structure_envelope(const struct fields *header, struct arena *a, struct buf *out);
/* `header`: the root's. */
enum rc structure_body(const struct mime_part *root, const struct fields *header, bool extended,
	struct arena *a, struct buf *out);
/* The table that mail_record_part reads. */
enum rc structure_parts(const struct mime_part *root, struct buf *out);

#endif
