/* ids.h: Message-IDs in Message-ID, In-Reply-To and References, and base subjects. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIME_IDS_H
#define MIME_IDS_H

#include "base/arena.h"

/* Takes the next id from a field's value (raw, may be folded): what stands between '<' and '>' without blanks; a view,
 * or in `a` when blanks had to go. Without any '<' the first word with an '@' counts. RC_NONE: no more. */
enum rc mime_id_next(struct slice *rest, struct arena *a, struct slice *id);

/* RFC 5256 2.1 of a decoded subject (UTF-8): reply and forward marks, list tags in brackets and "(fwd)" off, blanks
 * folded. `reply` (may be NULL): whether such a mark was taken off. In `a`; empty without memory. */
struct slice mime_subject_base(struct slice subject, struct arena *a, bool *reply);

#endif
