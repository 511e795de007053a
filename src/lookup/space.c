/* space.c: Namespaces in the data store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup/space.h"
#include "base/buf.h"
#include "data/data.h"
#include <string.h>

/* Keys: 'N' 'k', name, 0, key. Values: as they are. */

enum rc space_check(struct slice name, struct fault *why)
{
	bool good = name.len > 0 && name.len <= SPACE_NAME_MAX;
	for (size_t i = 0; good && i < name.len; i++) {
		uint8_t c = name.at[i];
		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		       c == '.' || c == '-' || c == '_';
	}
	return good ? RC_OK
		    : fault_set(why, FAULT_SYNTAX,
			      "\"%.*s\" is no name of a namespace: 1 to %d letters, digits, \".\", "
			      "\"-\", \"_\"",
			      FMT(slice_head(name, 80)), SPACE_NAME_MAX);
}

static enum rc check_pair(struct slice key, struct slice value, struct fault *why)
{
	if (key.len == 0 || key.len > SPACE_KEY_MAX)
		return fault_set(why, FAULT_SYNTAX, "a key has 1 to %d octets", SPACE_KEY_MAX);
	if (value.len > SPACE_VALUE_MAX)
		return fault_set(
			why, FAULT_SYNTAX, "a value has %d octets at most", SPACE_VALUE_MAX);
	return RC_OK;
}

/* What stands before the name's keys, with the octet behind the name. */
static void stored_begin(struct buf *out, struct slice name, uint8_t end)
{
	buf_str(out, "Nk");
	buf_add(out, name);
	buf_byte(out, end);
}

static struct slice stored_key(struct arena *a, struct slice name, struct slice key)
{
	struct buf b;
	buf_init(&b, 0, a);
	stored_begin(&b, name, 0);
	buf_add(&b, key);
	return buf_slice(&b);
}

enum rc space_get(struct data *data, struct slice name, struct slice key, struct arena *a,
	struct slice *value, struct fault *why)
{
	TRY(space_check(name, why));
	TRY(check_pair(key, S(""), why));
	return data_get(data, DATA_MAIN, stored_key(a, name, key), a, value, why);
}

enum rc space_put(struct data *data, struct slice name, const struct space_pair *pairs, size_t n,
	struct fault *why)
{
	struct arena a;
	struct data_batch b;
	enum rc rc = space_check(name, why);
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		rc = check_pair(pairs[i].key, pairs[i].value, why);
		if (rc == RC_OK)
			data_put(&b, DATA_MAIN, stored_key(&a, name, pairs[i].key), pairs[i].value);
	}
	if (rc == RC_OK && n)
		rc = data_commit_now(data, &b, why);
	arena_done(&a);
	return rc;
}

enum rc space_remove(struct data *data, struct slice name, struct slice key, struct fault *why)
{
	struct arena a;
	struct data_batch b;
	struct slice value;
	arena_init(&a, 0);
	data_batch_init(&b, &a);
	enum rc rc = space_get(data, name, key, &a, &value, why);
	if (rc == RC_NONE)
		rc = fault_set(why, FAULT_NOT_FOUND, "\"%.*s\" is not in \"%.*s\"",
			FMT(slice_head(key, 80)), FMT(name));
	if (rc == RC_OK) {
		data_delete(&b, DATA_MAIN, stored_key(&a, name, key));
		rc = data_commit_now(data, &b, why);
	}
	arena_done(&a);
	return rc;
}

struct clearing {
	struct data_batch b;
	struct arena a;
	size_t n;
	bool is_over;
};

static bool clear_one(void *ctx, struct slice key, struct slice value)
{
	struct clearing *c = ctx;
	struct slice k;
	(void)value;
	c->is_over = arena_copy(&c->a, key, &k) != RC_OK;
	if (c->is_over)
		return false;
	data_delete(&c->b, DATA_MAIN, k);
	c->n++;
	return true;
}

enum rc space_clear(struct data *data, struct slice name, size_t *n, struct fault *why)
{
	struct clearing c;
	struct buf from, to;
	enum rc rc = RC_OK;
	*n = 0;
	TRY(space_check(name, why));
	buf_init(&from, 0, NULL);
	buf_init(&to, 0, NULL);
	stored_begin(&from, name, 0);
	stored_begin(&to, name, 1);
	const struct data_range range = { .space = DATA_MAIN,
		.from = buf_slice(&from),
		.to = buf_slice(&to),
		.limit = SPACE_PUT_MAX };
	do {
		c = (struct clearing){ .n = 0 };
		arena_init(&c.a, 0);
		data_batch_init(&c.b, &c.a);
		rc = data_scan(data, &range, clear_one, &c, why);
		if (rc == RC_OK && c.is_over)
			rc = fault_set(why, FAULT_MEMORY, "%s", "");
		if (rc == RC_OK && c.n)
			rc = data_commit_now(data, &c.b, why);
		*n += rc == RC_OK ? c.n : 0;
		arena_done(&c.a);
	} while (rc == RC_OK && c.n == SPACE_PUT_MAX);
	buf_done(&from);
	buf_done(&to);
	return rc;
}

struct listing {
	size_t skip; /* what stands before a key */
	space_visit_fn *visit;
	void *ctx;
};

static bool list_one(void *ctx, struct slice key, struct slice value)
{
	const struct listing *l = ctx;
	const struct space_pair pair = { slice_tail(key, l->skip), value };
	return l->visit(l->ctx, &pair);
}

enum rc space_list(struct data *data, struct slice name, struct slice after, space_visit_fn *visit,
	void *ctx, struct fault *why)
{
	struct buf from, to;
	TRY(space_check(name, why));
	buf_init(&from, 0, NULL);
	buf_init(&to, 0, NULL);
	stored_begin(&from, name, 0);
	stored_begin(&to, name, 1);
	struct listing l = { .skip = from.len, .visit = visit, .ctx = ctx };
	buf_add(&from, after);
	if (after.len)
		buf_byte(&from, 0);
	const struct data_range range = {
		.space = DATA_MAIN, .from = buf_slice(&from), .to = buf_slice(&to)
	};
	enum rc rc = data_scan(data, &range, list_one, &l, why);
	buf_done(&from);
	buf_done(&to);
	return rc;
}

struct naming {
	space_name_fn *visit;
	void *ctx;
	char name[SPACE_NAME_MAX];
	size_t len;
	uint64_t keys;
};

static bool name_one(void *ctx, struct slice key, struct slice value)
{
	struct naming *n = ctx;
	struct slice name = slice_tail(key, 2);
	(void)value;
	name.len = slice_find(name, 0);
	if (name.len > SPACE_NAME_MAX)
		return true;
	if (!slice_eq(name, slice_of(n->name, n->len))) {
		if (n->keys)
			n->visit(n->ctx, slice_of(n->name, n->len), n->keys);
		memcpy(n->name, name.at, name.len);
		n->len = name.len;
		n->keys = 0;
	}
	n->keys++;
	return true;
}

enum rc space_names(struct data *data, space_name_fn *visit, void *ctx, struct fault *why)
{
	struct naming n = { .visit = visit, .ctx = ctx };
	const struct data_range range = { .space = DATA_MAIN, .from = S("Nk"), .to = S("Nl") };
	TRY(data_scan(data, &range, name_one, &n, why));
	if (n.keys)
		visit(ctx, slice_of(n.name, n.len), n.keys);
	return RC_OK;
}
