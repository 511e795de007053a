/* stores.h: Opening one store of the configuration. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_STORES_H
#define MAIN_STORES_H

#include "conf/conf.h"
#include "data/data.h"

/* BAD: CONFIG: a store of this kind holds no data. */
enum rc stores_data(
	const struct conf *c, const struct conf_store *s, struct data **out, struct fault *why);

#endif
