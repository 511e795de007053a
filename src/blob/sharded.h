/* sharded.h: Several places as one: each object lies in one of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_SHARDED_H
#define BLOB_SHARDED_H

#include "blob/place.h"

/* By the upload's id. Rendezvous: each shard's name and the id give a weight, the heaviest has it; a shard that comes or goes
 * moves only its own share. An object is looked for in all of them, the heaviest first, so that what was stored with other
 * shards is found. */
enum { SHARDED_MOST = 64 };
enum rc sharded_open(const struct place_options *options, struct place **out, struct fault *why);

#endif
