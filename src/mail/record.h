/* record.h: The immutable record of a message: what IMAP and JMAP ask for, made once when it arrives. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_RECORD_H
#define MAIL_RECORD_H

#include "base/fault.h"
#include "blob/blob.h"

/* Where a part's bytes are in the message: offsets in octets. `number` is the IMAP part number ("1.2"), empty for the
 * message itself. */
struct mail_part {
	struct slice number;
	uint64_t head,
		head_len; /* its MIME header with the blank line; for message/rfc822 see `inner` */
	uint64_t body, body_len;
	uint8_t encoding; /* enum mime_encoding */
	bool is_message; /* message/rfc822: its header and text are the entries number + ".HEADER"/".TEXT" below */
	bool is_multipart;
	bool is_text;
	uint64_t
		inner_head_len; /* for is_message and the root: length of the inner message's header in body */
};

/* A record read: slices are views into its bytes. */
struct mail_record {
	struct blob_ref blob;
	uint64_t size;
	uint64_t head_len; /* of the message's header, with the blank line */
	int64_t sent; /* Date:, unix seconds; 0: none */
	uint64_t thread; /* thread id, 0: its own */
	struct slice envelope; /* ready to send: "(...)" */
	struct slice body; /* BODY */
	struct slice structure; /* BODYSTRUCTURE */
	struct slice preview; /* UTF-8, at most 256 characters */
	struct slice subject; /* base subject, decoded UTF-8 */
	struct slice
		fields; /* raw fields that clients ask for most, complete lines, in message order */
	struct slice parts; /* mail_record_part */
	bool has_fields; /* false: they were too many to keep; read the header itself */
};

/* From the bytes of a whole message; everything lives in `a`. Never refuses a message; RC_LIMIT: memory. */
struct mail_parsed {
	struct slice record;
	uint64_t msgid_hash;
	uint64_t *ref_hash;
	size_t ref_n;
};
enum rc mail_record_make(
	struct slice message, const struct blob_ref *ref, struct arena *a, struct mail_parsed *out);
/* The same for a message that is never whole in memory: what is kept while it arrives lies in `work`, which the caller
 * gives back after the end; the result lives in `a`. */
struct mail_making;
enum rc mail_record_begin(struct arena *work, struct mail_making **out);
enum rc mail_record_add(struct mail_making *m, struct slice bytes);
enum rc mail_record_end(struct mail_making *m, const struct blob_ref *ref, struct arena *a,
	struct mail_parsed *out);

/* RC_LOST: not such bytes. */
enum rc mail_record_read(struct slice bytes, struct mail_record *out);
/* The part with an IMAP number ("" the message). RC_NONE: no such part. */
enum rc mail_record_part(const struct mail_record *rec, struct slice number, struct mail_part *out);
/* All parts in order: start with `*rest` = rec->parts. RC_NONE: the end. */
enum rc mail_record_part_next(struct slice *rest, struct mail_part *out);
/* Whether a header field's name is among those kept in `fields` (so that its absence there means absence). */
bool mail_record_keeps(struct slice field_name);
/* Walks `fields`: one complete field ("Name: value CRLF" with its folded lines) at a time from `*rest`.
 * RC_NONE: the end. */
enum rc mail_field_next(
	struct slice *rest, struct slice *field, struct slice *name, struct slice *value);

#endif
