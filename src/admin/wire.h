/* wire.h: Frames on the control socket: be32 length and bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_WIRE_H
#define ADMIN_WIRE_H

#include "base/buf.h"

enum { ADMIN_FRAME_MAX = 1024 * 1024, ADMIN_WORDS_MAX = 256 };

/* Whole, or false. */
bool admin_send(int fd, struct slice bytes);
/* RC_NONE: the end; RC_BAD: too long, or cut; RC_LIMIT: no memory. Lives in `a`. */
enum rc admin_receive(int fd, struct arena *a, struct slice *out);

#endif
