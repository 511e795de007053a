/* imap_write.h: Words of IMAP written: strings in their shortest safe form, flags, dates, names. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IMAP_WRITE_H
#define WIRE_IMAP_WRITE_H

#include "base/buf.h"

/* Quoted when it can be (at most 1024 octets, ASCII without CR, LF, NUL), else a literal. */
void imap_write_string(struct slice s, struct buf *out);
/* NIL for a slice whose `at` is NULL. */
void imap_write_nstring(struct slice s, struct buf *out);
/* An atom when it can be. */
void imap_write_astring(struct slice s, struct buf *out);
/* "{n}" CRLF only: the octets follow. */
void imap_write_literal(uint64_t size, struct buf *out);
/* A mailbox name from UTF-8: `utf8` as it is, quoted; else in modified UTF-7. */
void imap_write_mailbox(struct slice name, bool utf8, struct buf *out);
/* Text behind a status response: CR, LF, NUL and octets over 127 become '?'. */
void imap_write_text(struct slice s, struct buf *out);
/* The system flags and keywords with blanks between, without parentheses. */
void imap_write_flags(unsigned system, const char *const *keywords, size_t n, struct buf *out);
/* "\" 1-Feb-2024 13:05:00 +0000\"" with quotes; unix seconds, years 1..9999, in UTC. */
void imap_write_date_time(int64_t unix_s, struct buf *out);

#endif
