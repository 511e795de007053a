/* user.h: Who we are when root has started us. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_USER_H
#define MAIN_USER_H

#include "conf/conf.h"

/* As root: makes the data folder when it is absent, gives it to [server] user, and becomes that user, who may still bind
 * low ports. Else, or when none is set: nothing. Faults: CONFIG. */
enum rc user_become(const struct conf *c, struct fault *why);

#endif
