/* fields.c: Indexing a header. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/fields.h"

enum { FIRST = 24 };

enum rc fields_of(struct slice header, struct arena *a, struct fields *out)
{
	size_t cap = FIRST, n = 0;
	struct mime_field *at = arena_try(a, cap * sizeof(*at)), f;
	if (!at)
		return RC_LIMIT;
	while (mime_field_next(&header, &f) == RC_OK) {
		if (n == cap) {
			struct mime_field *more = arena_try(a, 2 * cap * sizeof(*at));
			if (!more)
				return RC_LIMIT;
			memcpy(more, at, n * sizeof(*at));
			at = more;
			cap *= 2;
		}
		at[n++] = f;
	}
	*out = (struct fields){ at, n };
	return RC_OK;
}

enum rc fields_find(const struct fields *f, struct slice name, struct slice *value)
{
	for (size_t i = 0; i < f->n; i++) {
		struct slice s = f->at[i].name;
		if (s.len == name.len && ((s.at[0] ^ name.at[0]) | 0x20) == 0x20 &&
			slice_eq_nocase(s, name)) {
			*value = f->at[i].value;
			return RC_OK;
		}
	}
	return RC_NONE;
}
