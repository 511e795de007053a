/* cmd_lookup.c: Namespaces of look-up keys: seen, changed, loaded in bulk. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"
#include "lookup/space.h"

enum { LIST_MAX = 10000 };

struct rows {
	struct report r;
	uint64_t n, most;
};

static void put_name(void *ctx, struct slice name, uint64_t keys)
{
	struct rows *rows = ctx;
	report_row(&rows->r);
	report_text(&rows->r, "namespace", name);
	report_number(&rows->r, "keys", keys);
}

static bool put_pair(void *ctx, const struct space_pair *pair)
{
	struct rows *rows = ctx;
	report_row(&rows->r);
	report_text(&rows->r, "key", pair->key);
	report_text(&rows->r, "value", pair->value);
	return ++rows->n < rows->most;
}

enum rc admin_lookup_list(struct admin_call *c, struct fault *why)
{
	struct rows rows = { .most = LIST_MAX };
	struct slice text, after = S("");
	enum rc rc;
	(void)admin_option(c, "after", 0, &after);
	if (admin_option(c, "limit", 0, &text) == RC_OK &&
		(slice_u64(text, LIST_MAX, &rows.most) != RC_OK || rows.most == 0))
		return fault_set(why, FAULT_SYNTAX, "\"%.*s\" is no number from 1 to %d", FMT(text),
			LIST_MAX);
	report_begin(&rows.r, c->out, c->json, true);
	if (c->n > 2)
		rc = space_list(c->deps->data, c->words[2], after, put_pair, &rows, why);
	else
		rc = space_names(c->deps->data, put_name, &rows, why);
	if (rc == RC_OK)
		report_end(&rows.r);
	else
		buf_reset(c->out);
	return rc;
}

enum rc admin_lookup_add(struct admin_call *c, struct fault *why)
{
	const struct space_pair pair = { c->words[3], c->n > 4 ? c->words[4] : S("") };
	return space_put(c->deps->data, c->words[2], &pair, 1, why);
}

enum rc admin_lookup_remove(struct admin_call *c, struct fault *why)
{
	struct report r;
	size_t n = 0;
	if (c->n > 3)
		return space_remove(c->deps->data, c->words[2], c->words[3], why);
	TRY(space_clear(c->deps->data, c->words[2], &n, why));
	report_begin(&r, c->out, c->json, false);
	report_row(&r);
	report_number(&r, "removed", n);
	report_end(&r);
	return RC_OK;
}

/* ---- many at once ---- */

struct load {
	struct data *data;
	struct slice name;
	struct space_pair pairs[SPACE_PUT_MAX];
	uint64_t line, kept, first; /* `first`: the line of pairs[0] */
	size_t n;
};

static enum rc flush(struct load *l, struct fault *why)
{
	enum rc rc = space_put(l->data, l->name, l->pairs, l->n, why);
	if (rc != RC_OK) {
		struct fault of = *why;
		return fault_set(why, of.id, "lines %llu to %llu: %s", (unsigned long long)l->first,
			(unsigned long long)l->line, fault_text(&of));
	}
	l->kept += l->n;
	l->n = 0;
	return RC_OK;
}

/* KEY, or KEY, white space and a value. */
static enum rc take_line(struct load *l, struct slice line, struct fault *why)
{
	size_t end = 0;
	l->line++;
	line = slice_trim(line);
	if (line.len == 0 || line.at[0] == '#')
		return RC_OK;
	while (end < line.len && line.at[end] != ' ' && line.at[end] != '\t')
		end++;
	if (l->n == 0)
		l->first = l->line;
	l->pairs[l->n++] =
		(struct space_pair){ slice_head(line, end), slice_trim(slice_tail(line, end)) };
	return l->n == SPACE_PUT_MAX ? flush(l, why) : RC_OK;
}

enum rc admin_lookup_load(struct admin_call *c, struct fault *why)
{
	struct load *l = arena_try(c->arena, sizeof(*l));
	struct slice rest = c->secret, text;
	struct report r;
	size_t removed = 0;
	if (!l)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	*l = (struct load){ .data = c->deps->data, .name = c->words[2] };
	TRY(space_check(l->name, why));
	if (admin_option(c, "after-line", 0, &text) == RC_OK)
		TRY(slice_u64(text, UINT32_MAX, &l->line));
	if (l->line == 0 && admin_option(c, "replace", 0, &text) == RC_OK)
		TRY(space_clear(l->data, l->name, &removed, why));
	while (rest.len > 0)
		TRY(take_line(l, slice_split(&rest, '\n'), why));
	TRY(flush(l, why));
	report_begin(&r, c->out, c->json, false);
	report_row(&r);
	report_number(&r, "lines", l->line);
	report_number(&r, "kept", l->kept);
	report_number(&r, "removed", removed);
	report_end(&r);
	return RC_OK;
}
