/* action.c: Sieve actions written as JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "filter/action.h"

static void list(struct json *j, const char *key, const struct slice *at, size_t n)
{
	json_array(j, key);
	for (size_t i = 0; i < n; i++)
		json_slice(j, NULL, at[i]);
	json_end(j);
}

static void some(struct json *j, const char *key, struct slice s)
{
	if (s.len)
		json_slice(j, key, s);
}

static void mark(struct json *j, const char *key, bool is_true)
{
	if (is_true)
		json_bool(j, key, true);
}

/* The key of `text` and of `value`, by kind; NULL: the kind has none. */
static const struct {
	const char *text, *value;
} keys[] = {
	[SIEVE_KEEP] = { NULL, NULL },
	[SIEVE_FILEINTO] = { "mailbox", NULL },
	[SIEVE_REDIRECT] = { "address", NULL },
	[SIEVE_DISCARD] = { NULL, NULL },
	[SIEVE_REJECT] = { "reason", NULL },
	[SIEVE_EREJECT] = { "reason", NULL },
	[SIEVE_VACATION] = { "reason", NULL },
	[SIEVE_NOTIFY] = { "method", "importance" },
	[SIEVE_ADDHEADER] = { "name", "value" },
	[SIEVE_DELETEHEADER] = { "name", NULL },
	[SIEVE_REPLACE] = { "text", NULL },
	[SIEVE_ENCLOSE] = { "text", NULL },
	[SIEVE_REMEMBER] = { "id", NULL },
};

static void one(const struct sieve_action *a, struct json *j)
{
	json_object(j, NULL);
	json_str(j, "action", sieve_action_name(a->kind));
	if (keys[a->kind].text)
		json_slice(j, a->is_list ? "list" : keys[a->kind].text, a->text);
	if (keys[a->kind].value)
		some(j, keys[a->kind].value, a->value);
	mark(j, "implicit", a->is_implicit);
	mark(j, "copy", a->copy);
	mark(j, "create", a->create);
	mark(j, "mime", a->mime);
	mark(j, "last", a->last);
	if (a->kind == SIEVE_DELETEHEADER || a->kind == SIEVE_REPLACE)
		json_u64(j, a->kind == SIEVE_REPLACE ? "part" : "index", a->index);
	if (a->has_seconds)
		json_u64(j, "seconds", a->seconds);
	some(j, a->kind == SIEVE_NOTIFY ? "message" : "subject", a->subject);
	some(j, "from", a->from);
	if (a->kind != SIEVE_VACATION)
		some(j, "handle", a->handle);
	some(j, "special_use", a->special_use);
	some(j, "mailbox_id", a->mailbox_id);
	some(j, "fcc", a->fcc);
	if (a->has_flags)
		list(j, "flags", a->flags, a->flags_n);
	if (a->addresses_n)
		list(j, "addresses", a->addresses, a->addresses_n);
	if (a->headers_n)
		list(j, a->kind == SIEVE_NOTIFY ? "options" : "headers", a->headers, a->headers_n);
	json_end(j);
}

void filter_actions_json(const struct sieve_action *at, size_t n, const char *key, struct json *j)
{
	json_array(j, key);
	for (size_t i = 0; i < n; i++)
		one(&at[i], j);
	json_end(j);
}
