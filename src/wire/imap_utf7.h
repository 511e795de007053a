/* imap_utf7.h: Mailbox names in modified UTF-7, both ways (RFC 3501 5.1.3). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IMAP_UTF7_H
#define WIRE_IMAP_UTF7_H

#include "base/buf.h"

/* To UTF-8. RC_BAD: not modified UTF-7 (stray octets, bad base64, surrogates, ASCII in base64, "&" left open). A name
 * without "&" is returned as it is. RC_LIMIT: arena. */
enum rc imap_utf7_read(struct slice in, struct arena *a, struct slice *out);
/* From UTF-8; octets that are not UTF-8 become U+FFFD. */
void imap_utf7_write(struct slice utf8, struct buf *out);

#endif
