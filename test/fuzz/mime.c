/* mime.c: room: mime. Any bytes are a message: its tree holds [mime 1] to [mime 4], its texts can be read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "base/utf8.h"
#include "mime/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void check(const struct mime_part *p, size_t len)
{
	must(p->head + p->head_len == p->body && p->body + p->body_len <= len);
	must(!p->is_multipart || p->child);
	must(!p->is_message || (p->child && !p->child->next && p->child->head == p->body));
	must(slice_eq_nocase(p->type.type, S("multipart")) == p->is_multipart);
	size_t from = p->body;
	for (const struct mime_part *c = p->child; c; c = c->next) {
		must(c->parent == p && c->head >= from);
		must(c->body + c->body_len <= p->body + p->body_len);
		from = c->body + c->body_len;
	}
}

static const struct mime_part *following(const struct mime_part *p)
{
	if (p->child)
		return p->child;
	while (p && !p->next)
		p = p->parent;
	return p ? p->next : NULL;
}

/* Pieces of any size give the same parts. */
static void check_walk(struct slice m, const struct mime_part *p, struct arena *a)
{
	struct mime_walk *w;
	struct mime_part *root;
	size_t size = m.len ? m.at[m.len - 1] % 64u + 1 : 1;
	must(mime_walk_new(a, &w) == RC_OK);
	for (size_t at = 0; at < m.len; at += size)
		must(mime_walk_add(w, slice_head(slice_tail(m, at), size)) == RC_OK);
	must(mime_walk_end(w, &root) == RC_OK);
	const struct mime_part *q = root;
	for (; p && q; p = following(p), q = following(q))
		must(p->body == q->body && p->body_len == q->body_len &&
			p->body_lines == q->body_lines);
	must(!p && !q);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct mime_part *root;
	struct slice m = slice_of(at, len), text;
	arena_init(&a, 0);
	must(mime_parse(m, &a, &root) == RC_OK);
	check_walk(m, root, &a);
	for (const struct mime_part *p = root; p; p = following(p)) {
		check(p, len);
		if (mime_part_text(m, p, 4096, &a, &text) == RC_OK)
			must(utf8_valid(text));
	}
	arena_done(&a);
	return 0;
}
