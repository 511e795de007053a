/* held.h: Listening sockets, held by the parent too: while no child is there, connections wait and are not refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_HELD_H
#define MAIN_HELD_H

#include "conf/conf.h"

/* Made in the parent before the first child. Each child inherits the sockets; what it opens later it hands to the parent,
 * and it says what is closed. A socket listens from the first child's first use on. */
struct held;
struct held *held_new(void);
/* Parent: binds what the configuration names and nobody holds yet. Faults: CONFIG. */
enum rc held_open(struct held *held, const struct conf *conf, struct fault *why);
/* Parent: a descriptor that is readable when a child has something to say, and reading all of that. */
int held_channel(const struct held *held);
void held_hear(struct held *held);
/* Parent: closes all, before the child is told to stop. */
void held_close(struct held *held);

/* Child: the socket for this address, which is the caller's now; -1: there is none. */
int held_take(struct held *held, const char *bind);
/* Child: the parent shall hold this one, or no longer. */
void held_add(struct held *held, const char *bind, int fd);
void held_remove(struct held *held, const char *bind);
/* Child: closes what nobody took, here and in the parent. */
void held_remove_rest(struct held *held);

#endif
