/* probe.h: A Sieve script tried on a message, with the facts of a server that a JSON object tells. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_PROBE_H
#define FILTER_PROBE_H

#include "text/json.h"
#include "text/json_read.h"

/* Members of `facts`, all of which may be absent: "envelope" {from, to, auth}; "now", unix seconds in place of `unix_now`;
 * "mailboxes" and "mailbox_ids", "seen" (ids of duplicates): arrays of strings; "special_use" {mailbox: attribute};
 * "environment", "metadata" {"mailbox annotation"}, "server_metadata", "scripts", "global_scripts": objects of strings;
 * "lists" {name: array}; "spam" 0..100, "virus" 0..5; "refused": extensions that are not offered.
 * Writes into the open object `j`: "actions"; and "error" {line, column, text} when the script has one, and then
 * "actions" only when it was found while it ran. RC_LIMIT: no memory. */
enum rc filter_probe(struct slice script, struct slice message, const struct json_item *facts,
	int64_t unix_now, struct arena *a, struct json *j);

#endif
