/* downgrade.h: A message with 8-bit parts, for a server that takes none (RFC 6152 3). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_DOWNGRADE_H
#define QUEUE_DOWNGRADE_H

#include "queue/queue.h"

/* What is sent, piece by piece: octets of the blob as they are or as quoted-printable, and headers written anew. */
enum downgrade_kind { DOWNGRADE_AS_IS, DOWNGRADE_QP, DOWNGRADE_TEXT };
struct downgrade_span {
	enum downgrade_kind kind;
	uint64_t from, len; /* octets of the blob */
	struct slice text; /* DOWNGRADE_TEXT */
};

/* The spans of the message without its skipped head. Parts with octets over 127 become quoted-printable; the fields of a
 * header are left as they are, 8-bit or not. Reads the whole blob, at most a frame at a time; spans live in `a`.
 * RC_LIMIT: no memory, or a header too large to be changed. Faults of blob_read. */
enum rc downgrade_plan(struct blob *blob, const struct queue_message *m, struct arena *a,
	struct downgrade_span **out, size_t *n, struct fault *why);

/* Quoted-printable (RFC 2045 6.7) of a text that comes in pieces; zeroed before the first one. */
struct downgrade_qp {
	unsigned column;
	uint8_t held; /* a blank or CR that needs what follows; 0: none */
};
void downgrade_qp(struct downgrade_qp *q, struct slice piece, bool is_last, struct buf *out);

#endif
