/* samples.c: Every sample message parses, and its parts lie where a tree's parts must. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <glob.h>

static bool load(const char *path, struct arena *a, struct slice *out)
{
	struct buf b;
	FILE *f = fopen(path, "rb");
	size_t n;
	if (!f)
		return false;
	buf_init(&b, 0, a);
	do {
		uint8_t *at = buf_room(&b, 65536);
		n = fread(at, 1, 65536, f);
		buf_added(&b, n);
	} while (n);
	fclose(f);
	*out = buf_slice(&b);
	return true;
}

/* [mime 1] to [mime 4] */
static void check_part(const struct mime_part *p, struct slice m)
{
	assert_true(p->head + p->head_len == p->body && p->body + p->body_len <= m.len);
	assert_true(!p->is_multipart || p->child);
	assert_true(!p->is_message || (p->child && !p->child->next && p->child->head == p->body));
	assert_int_equal(slice_eq_nocase(p->type.type, S("multipart")), p->is_multipart);
	assert_true(p->depth <= MIME_DEPTH_MAX);
	size_t at = p->body;
	for (const struct mime_part *c = p->child; c; c = c->next) {
		assert_true(c->parent == p && c->head >= at &&
			    c->body + c->body_len <= p->body + p->body_len);
		at = c->body + c->body_len;
		check_part(c, m);
	}
}

static size_t parses_all(const char *pattern)
{
	glob_t g = { 0 };
	size_t n = 0;
	if (glob(pattern, 0, NULL, &g) == 0)
		n = g.gl_pathc;
	for (size_t i = 0; i < n; i++) {
		struct arena a;
		struct slice m;
		struct mime_part *root;
		arena_init(&a, 0);
		assert_true(load(g.gl_pathv[i], &a, &m));
		assert_int_equal(mime_parse(m, &a, &root), RC_OK);
		check_part(root, m);
		arena_done(&a);
	}
	globfree(&g);
	return n;
}

/* Our own, and those of the shared data where it is. */
static void parses_samples(void **)
{
	size_t ours = parses_all("test/samples/mime/*.eml");
	size_t others = parses_all("../shared/data/mime/*/*.eml");
	assert_true(ours > 40);
	print_message("%zu sample messages of ours, %zu of the shared data\n", ours, others);
}

int test_samples(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parses_samples) };
	return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
