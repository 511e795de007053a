/* smtp_data.h: The body of DATA as it streams in: dots unstuffed, its end found, bare line ends refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SMTP_DATA_H
#define WIRE_SMTP_DATA_H

#include "base/slice.h"

/* RFC 5321 4.5.2. Zeroed before the first octet; the state survives any cut of the input. */
struct smtp_data {
	uint8_t state;
	bool bare; /* a CR or LF stood alone (RFC 5321 2.3.8): the message is to be refused, its end is still found */
};

/* Takes from the head of `*in` up to the end of the body. `piece` is the next run of body octets, a view into `*in` or
 * a constant; it may be empty. RC_MORE: call again (with more input when `*in` is empty). RC_OK: the final dot line was
 * taken; `*in` holds what the client sent behind it. Only CR LF . CR LF ends the body. */
enum rc smtp_data_take(struct smtp_data *d, struct slice *in, struct slice *piece);

#endif
