/* overlay.h: What the batches of a group have written so far, for the asserts of later ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_OVERLAY_H
#define DATA_OVERLAY_H

#include "data/data.h"

struct overlay;
struct overlay *overlay_new(void);
void overlay_free(struct overlay **o);
void overlay_reset(struct overlay *o);
/* The operation is the key's last so far; it must live until the next reset. */
void overlay_put(struct overlay *o, const struct data_op *op);
/* The last operation on the key, or NULL. */
const struct data_op *overlay_get(const struct overlay *o, enum data_space space, struct slice key);

#endif
