/* smtp_param_int.h: Walking the parameters behind a path. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SMTP_PARAM_INT_H
#define WIRE_SMTP_PARAM_INT_H

#include "wire/smtp.h"

struct smtp_param {
	struct slice name, value;
	bool has_value;
};

/* The next one from the head of `*rest`. RC_NONE: the end. RC_BAD: not a parameter. */
enum rc smtp_param_next(struct slice *rest, struct smtp_param *out);
/* Path at the head of `*args`, with blanks (or the end) behind it; faults are set. */
enum rc smtp_param_path(
	struct slice *args, struct arena *a, struct smtp_path *out, struct fault *why);

#endif
