/* check.h: The proof of the directory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIR_CHECK_H
#define DIR_CHECK_H

#include "data/check.h"

/* While nobody serves from the store. Mends addresses and the next id, parks records that cannot be read. */
enum rc dir_check(struct check *check, struct fault *why);

#endif
