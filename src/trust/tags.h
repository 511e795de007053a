/* tags.h: Lists of tags: "v=1; a=rsa-sha256; ..." (RFC 6376 3.2), of signatures, keys and policies. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_TAGS_H
#define TRUST_TAGS_H

#include "base/arena.h"

struct tag {
	struct slice name, value; /* trimmed; a value may be folded */
};

enum { TAGS_MOST = 64 };
struct tags {
	struct tag at[TAGS_MOST];
	size_t n;
};

/* Views into `text`. RC_BAD: it is no such list, or names a tag twice. RC_LIMIT: more than TAGS_MOST. */
enum rc tags_parse(struct slice text, struct tags *out);
/* NULL: it is not there. Names are told apart by case. */
const struct tag *tags_find(const struct tags *tags, const char *name);
/* The value of a tag, or `otherwise`. */
struct slice tags_get(const struct tags *tags, const char *name, struct slice otherwise);
/* Without any blank and line end; in `a`. */
struct slice tags_packed(struct slice value, struct arena *a);
/* Takes the next word of a list that colons part, trimmed. RC_NONE: the end. */
enum rc tags_word(struct slice *list, struct slice *word);
/* Has the list the word, in any case? */
bool tags_has_word(struct slice list, struct slice word);
/* The field's text with the value of the tag `b` left out (RFC 6376 3.5), appended. */
struct buf;
void tags_without_b(struct slice text, struct buf *out);

#endif
