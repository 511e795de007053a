/* action.h: What a Sieve script wants done, as JSON for people and programs. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_ACTION_H
#define FILTER_ACTION_H

#include "sieve/sieve.h"
#include "text/json.h"

/* An array under `key`: an object for each action, with the members that mean something for its kind. */
void filter_actions_json(const struct sieve_action *at, size_t n, const char *key, struct json *j);

#endif
