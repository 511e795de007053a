/* tree.c: Trees of parts with their offsets, and what breaks them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Every part in order: type/subtype, lines and body in brackets, children in braces. */
static void show(struct slice m, const struct mime_part *root, struct buf *b)
{
	const struct mime_part *p = root;
	while (p) {
		buf_fmt(b, "%.*s/%.*s", FMT(p->type.type), FMT(p->type.subtype));
		if (p->child) {
			buf_byte(b, '{');
			p = p->child;
			continue;
		}
		buf_fmt(b, "[%.*s]", FMT(slice_of(m.at + p->body, p->body_len)));
		while (p && !p->next) {
			p = p->parent;
			if (p)
				buf_byte(b, '}');
		}
		p = p ? p->next : NULL;
	}
}

static const struct {
	const char *in, *out;
} table[] = {
	{ "Subject: x\r\n\r\nbody\r\n", "text/plain[body\r\n]" },
	{ "Subject: x\n\nbody\n", "text/plain[body\n]" },
	{ "no header at all\n\nbody\n", "text/plain[no header at all\n\nbody\n]" },
	{ "", "text/plain[]" },
	{ "A: b", "text/plain[]" },
	{ "Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\none\n--b\nContent-Type: "
	  "text/html\n\ntwo\n--b--\nend\n",
		"multipart/mixed{text/plain[one]text/html[two]}" },
	/* a part without body and blank line does not swallow the next boundary */
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
	  "text/html\n--b\n\ntwo\n--b--\n",
		"multipart/mixed{text/html[]text/plain[two]}" },
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nno header here\nmore\n--b--\n",
		"multipart/mixed{text/plain[no header here\nmore]}" },
	/* no last boundary */
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n",
		"multipart/mixed{text/plain[one\n]}" },
	/* the boundary never comes, or is not said: still readable */
	{ "Content-Type: multipart/mixed; boundary=b\n\nonly text\n", "text/plain[only text\n]" },
	{ "Content-Type: multipart/mixed\n\n--b\n\ntext\n", "text/plain[--b\n\ntext\n]" },
	/* an outer boundary ends inner parts; an inner one is a prefix of the outer */
	{ "Content-Type: multipart/mixed; boundary=b1\n\n--b1\nContent-Type: "
	  "multipart/alternative; boundary=b\n\n--b\n\nx\n"
	  "--b1\n\ny\n--b1--\n",
		"multipart/mixed{multipart/alternative{text/plain[x]}text/plain[y]}" },
	{ "Content-Type: message/rfc822\n\nSubject: in\n\nbody\n",
		"message/rfc822{text/plain[body\n]}" },
	{ "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nx\n--b--\n",
		"multipart/digest{message/rfc822{text/plain[x]}}" },
	/* an encoded message is no tree */
	{ "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdA==\n",
		"application/octet-stream[U3ViamVjdA==\n]" },
	{ "Content-Type: text\n\nx", "text/plain[x]" },
	{ "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\n--a b  \r\n\r\nx\r\n--a b-- \r\n",
		"multipart/mixed{text/plain[x]}" },
};

static void finds_parts(void **)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena a;
		struct mime_part *root;
		struct buf b;
		arena_init(&a, 0);
		buf_init(&b, 0, &a);
		assert_int_equal(mime_parse(slice_str(table[i].in), &a, &root), RC_OK);
		show(slice_str(table[i].in), root, &b);
		assert_string_equal(arena_str(&a, buf_slice(&b)), table[i].out);
		arena_done(&a);
	}
}

static void same(const struct mime_part *a, const struct mime_part *b, struct slice m)
{
	for (; a && b; a = a->next, b = b->next) {
		assert_true(a->head == b->head && a->head_len == b->head_len);
		assert_true(a->body == b->body && a->body_len == b->body_len);
		assert_int_equal(a->body_lines, b->body_lines);
		assert_true(slice_eq(a->type.subtype, b->type.subtype));
		assert_true(slice_eq(b->header, slice_of(m.at + b->head, b->head_len)));
		assert_true(slice_eq(a->peek, b->peek));
		same(a->child, b->child, m);
	}
	assert_true(!a && !b);
}

/* Each piece is gone when the next one comes. */
static void in_pieces(struct slice m, size_t size)
{
	struct arena a;
	struct mime_part *whole, *root;
	struct mime_walk *w;
	arena_init(&a, 0);
	assert_int_equal(mime_parse(m, &a, &whole), RC_OK);
	assert_int_equal(mime_walk_new(&a, &w), RC_OK);
	for (size_t at = 0; at < m.len; at += size) {
		struct arena piece;
		struct slice s;
		arena_init(&piece, 0);
		assert_int_equal(
			arena_copy(&piece, slice_head(slice_tail(m, at), size), &s), RC_OK);
		assert_int_equal(mime_walk_add(w, s), RC_OK);
		arena_done(&piece);
	}
	assert_int_equal(mime_walk_end(w, &root), RC_OK);
	same(whole, root, m);
	arena_done(&a);
}

static void walks_in_pieces(void **)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (size_t size = 1; size < 80; size++)
			in_pieces(slice_str(table[i].in), size);
}

/* Lines longer than what is kept of one, with boundaries before, between and behind. */
static void walks_long_lines(void **)
{
	struct arena a;
	struct buf b;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	buf_str(&b, "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; "
		    "boundary=b\r\n");
	buf_fmt(&b, "X: %020000d\r\n\r\n--b\r\n\r\n--b%040000d", 1, 1);
	buf_fmt(&b, "\r\n--b\r\n\r\n%050000d\r\n\r\n--b--\r\n--b", 1);
	for (size_t size = 1; size < 40000; size = size * 7 + 3)
		in_pieces(buf_slice(&b), size);
	arena_done(&a);
}

static unsigned depth_of(const struct mime_part *p)
{
	unsigned deepest = 0;
	for (; p; p = p->child)
		deepest = p->depth;
	return deepest;
}

static void caps_depth(void **)
{
	struct arena a;
	struct buf b;
	struct mime_part *root;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	for (int i = 0; i < 1000; i++)
		buf_fmt(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	assert_int_equal(mime_parse(buf_slice(&b), &a, &root), RC_OK);
	assert_int_equal(depth_of(root), MIME_DEPTH_MAX);
	buf_reset(&b);
	for (int i = 0; i < 1000; i++)
		buf_str(&b, "Content-Type: message/rfc822\r\n\r\n");
	assert_int_equal(mime_parse(buf_slice(&b), &a, &root), RC_OK);
	assert_int_equal(depth_of(root), MIME_DEPTH_MAX);
	arena_done(&a);
}

static void caps_parts(void **)
{
	struct arena a;
	struct buf b;
	struct mime_part *root;
	size_t n = 0, end = 0;
	arena_init(&a, 0);
	buf_init(&b, 0, &a);
	buf_str(&b, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 100000; i++)
		buf_str(&b, "--b\r\n\r\nx\r\n");
	assert_int_equal(mime_parse(buf_slice(&b), &a, &root), RC_OK);
	for (const struct mime_part *p = root->child; p; p = p->next, n++)
		end = p->body + p->body_len;
	assert_int_equal(n, MIME_PARTS_MAX - 1);
	assert_int_equal(end, b.len); /* the last one has all the rest */
	arena_done(&a);
}

int test_tree(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(finds_parts),
		cmocka_unit_test(walks_in_pieces), cmocka_unit_test(walks_long_lines),
		cmocka_unit_test(caps_depth), cmocka_unit_test(caps_parts) };
	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
