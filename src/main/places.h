/* places.h: From the configuration's stores to places of content. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_PLACES_H
#define MAIN_PLACES_H

#include "blob/place.h"
#include "conf/conf.h"

/* A filesystem, an object store, in `a`; what the configuration leaves open is taken from the environment and the profile.
 * RC_NONE: the store is of a kind whose content lies in the data store. */
enum rc places_of(const struct conf *c, const struct conf_store *s, struct arena *a,
	struct place_options **out, struct fault *why);

#endif
