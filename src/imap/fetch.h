/* fetch.h: The cursor of FETCH, for its files. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap/session.h"
#include "mail/fetch.h"
#include "mail/record.h"
#include "wire/imap_fetch.h"

enum { FETCH_CHUNK = 256, FETCH_AHEAD = 32, FETCH_AHEAD_BYTES = 32 * 1024 };

/* Where the octets of a section are. */
struct fetch_span {
	bool is_nil; /* there is no such part */
	bool is_ready; /* `bytes` has them */
	uint64_t offset, len; /* in the message */
	struct slice bytes;
};

/* Records of messages that will be answered in this step, by one scan. */
struct fetch_ahead {
	uint8_t *bytes; /* FETCH_AHEAD_BYTES in the command's arena, or NULL */
	size_t used;
	size_t from, end; /* which of the chunk */
	struct slice records[FETCH_AHEAD]; /* NULL: it is gone */
};

struct fetch {
	struct imap_fetch args;
	bool needs_record, needs_bytes, seen_done;
	uint32_t from; /* next UID to look at */
	struct mail_entry *entries;
	uint32_t *seqs;
	size_t n, at; /* of the chunk; `at`: the next message */
	size_t item; /* the next item of message `at`; 0: not begun */
	struct mail_record rec; /* of message `at`, in `ahead` or the session's batch_arena */
	struct fetch_ahead ahead;
	uint64_t left, offset; /* of a literal that is being sent */
	size_t begun; /* where message `at` begins in the output; SIZE_MAX: some of it has left */
	uint64_t records; /* bytes of them that were read */
};

/* fetch_section.c: what a section is. RC_LIMIT, RC_TEMP, RC_LOST: cannot be read. */
enum rc fetch_section(struct imap_session *s, const struct mail_record *rec,
	const struct imap_fetch_item *item, struct arena *a, struct fetch_span *out,
	struct fault *why);
/* Only from the record: RC_NONE: its bytes do not suffice. */
enum rc fetch_fields_kept(const struct mail_record *rec, const struct imap_fetch_item *item,
	struct arena *a, struct fetch_span *out);
/* Can fetch_fields_kept answer the item. */
bool fetch_is_kept(const struct imap_fetch_item *item);
/* Cuts a span to <offset.length>. */
void fetch_partial(const struct imap_fetch_item *item, struct fetch_span *span);

#endif
