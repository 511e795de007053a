/* fields.h: The fields of a header, found once and then asked for by name. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_FIELDS_H
#define MAIL_FIELDS_H

#include "mime/mime.h"

/* In message order; views into the header. */
struct fields {
	const struct mime_field *at;
	size_t n;
};
/* The list lives in `a`. RC_LIMIT: no memory. */
enum rc fields_of(struct slice header, struct arena *a, struct fields *out);
/* The first field of that name. RC_NONE: none. */
enum rc fields_find(const struct fields *f, struct slice name, struct slice *value);

#endif
