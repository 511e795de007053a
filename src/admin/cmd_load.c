/* cmd_load.c: Many accounts from lines of a password file, many in one batch. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"
#include "run/run.h"

/* ADDRESS:HASH[:UID:GID:NAME[:...]], as passwd-files of mail servers have it; the rest of a line is not looked at. Empty
 * lines and those with # in front are passed over. */
static enum rc line_parse(struct slice line, struct dir_new *what, struct fault *why)
{
	what->address = slice_trim(slice_split(&line, ':'));
	what->password_hash = slice_trim(slice_split(&line, ':'));
	(void)slice_split(&line, ':');
	(void)slice_split(&line, ':');
	what->name = slice_trim(slice_split(&line, ':'));
	if (what->address.len == 0)
		return fault_set(why, FAULT_SYNTAX, "a line begins with an address and a colon");
	return RC_OK;
}

struct load {
	struct dir *dir;
	uint64_t line, added, there; /* `line`: the last that was read */
	struct dir_new what[DIR_ADD_MOST];
	uint64_t lines[DIR_ADD_MOST];
	size_t n;
};

static enum rc named(enum rc rc, uint64_t line, struct fault *why)
{
	struct fault of = *why;
	(void)fault_set(why, of.id, "line %llu: %s", (unsigned long long)line, fault_text(&of));
	return rc;
}

static enum rc flush(struct load *l, struct fault *why)
{
	uint32_t ids[DIR_ADD_MOST] = { 0 };
	size_t at = 0;
	if (l->n == 0)
		return RC_OK;
	enum rc rc = dir_add_many(l->dir, l->what, l->n, ids, &at, why);
	if (rc != RC_OK)
		return named(rc, l->lines[at], why);
	for (size_t i = 0; i < l->n; i++) {
		l->added += ids[i] != 0;
		l->there += ids[i] == 0;
	}
	l->n = 0;
	return RC_OK;
}

enum rc admin_account_load(struct admin_call *c, struct fault *why)
{
	struct load *l = arena_try(c->arena, sizeof(*l));
	struct slice rest = c->secret, first;
	struct report r;
	if (!l)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	*l = (struct load){ .dir = c->deps->dir };
	if (admin_option(c, "after-line", 0, &first) == RC_OK)
		TRY(slice_u64(first, UINT32_MAX, &l->line));
	while (rest.len > 0) {
		struct slice line = slice_trim(slice_split(&rest, '\n'));
		l->line++;
		if (line.len == 0 || line.at[0] == '#')
			continue;
		struct dir_new *what = &l->what[l->n];
		*what = (struct dir_new){ .kind = DIR_ACCOUNT,
			.unix_now = (uint64_t)run_unix(c->deps->run) };
		enum rc rc = line_parse(line, what, why);
		if (rc != RC_OK)
			return named(rc, l->line, why);
		l->lines[l->n++] = l->line;
		if (l->n == DIR_ADD_MOST)
			TRY(flush(l, why));
	}
	TRY(flush(l, why));
	report_begin(&r, c->out, c->json, false);
	report_row(&r);
	report_number(&r, "lines", l->line);
	report_number(&r, "added", l->added);
	report_number(&r, "there already", l->there);
	report_end(&r);
	return RC_OK;
}
