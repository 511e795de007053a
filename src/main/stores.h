/* stores.h: Opening stores of the configuration. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_STORES_H
#define MAIN_STORES_H

#include "conf/conf.h"
#include "data/data.h"

/* BAD: CONFIG: a store of this kind holds no data. */
enum rc stores_data(
	const struct conf *c, const struct conf_store *s, struct data **out, struct fault *why);
/* Those of [storage] data and blob. After a fault close what is not NULL. */
struct blob;
enum rc stores_open(
	const struct conf *c, struct data **data, struct blob **blob, struct fault *why);

#endif
