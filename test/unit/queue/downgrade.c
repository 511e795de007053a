/* downgrade.c: 8-bit parts for servers that take none become quoted-printable, and nothing else changes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "mime/mime.h"
#include "peer.h"
#include "queue/downgrade.h"
#include "world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct peer p;

/* What the peer got of the message. */
static const char *sent(struct slice text, const char *extensions)
{
	static struct world w;
	struct queue_rcpt to[] = { { .address = S("x@a.test") } };
	struct queue_message m = { .rcpts = to, .rcpts_n = 1, .body_8bit = true };
	p = (struct peer){ .extensions = extensions };
	peer_start(&p, 0);
	world_begin(&w, &(struct queue_deps){ .terms.port = p.port });
	world_queue(&w, text, &m);
	assert_true(world_emptied(&w));
	world_end(&w);
	peer_stop(&p);
	assert_int_equal(p.messages, 1);
	p.body[p.body_len] = '\0';
	return p.body;
}

#define UMLAUT "\xc3\xbc"

static void as_it_is(void **state)
{
	(void)state;
	assert_string_equal(
		sent(S("S: 1\r\n\r\n" UMLAUT "\r\n"), "8BITMIME"), "S: 1\r\n\r\n" UMLAUT "\r\n");
	assert_non_null(strstr(p.log, " BODY=8BITMIME\r\n"));
}

static void one_text(void **state)
{
	(void)state;
	assert_string_equal(
		sent(S("S: 1\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n"
		       "Content-Type: text/plain;\r\n\tcharset=utf-8\r\nX: y\r\n\r\n"
		       "a=b " UMLAUT " \r\n.dot\t\r\n\r\nend"),
			"PIPELINING"),
		"S: 1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain;\r\n\tcharset=utf-8\r\nX: "
		"y\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"a=3Db =C3=BC=20\r\n.dot=09\r\n\r\nend\r\n");
	assert_null(strstr(p.log, "BODY="));
}

static void without_mime(void **state)
{
	(void)state;
	assert_string_equal(sent(S("S: 1\r\n\r\n\xfc\r\n"), ""),
		"S: 1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n=FC\r\n");
}

static void only_the_parts_that_need_it(void **state)
{
	(void)state;
	assert_string_equal(
		sent(S("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
		       "Content-Transfer-Encoding: 8bit\r\n\r\nbefore\r\n"
		       "--b\r\n\r\nplain = plain\r\n"
		       "--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: "
		       "8bit\r\n\r\n" UMLAUT "\r\n"
		       "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n"
		       "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: "
		       "8bit\r\n\r\n"
		       "S: in\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nin " UMLAUT
		       "\r\n"
		       "--b--\r\nbehind\r\n"),
			""),
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nbefore\r\n"
		"--b\r\n\r\nplain = plain\r\n"
		"--b\r\nContent-Type: text/html\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n"
		"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n"
		"--b\r\nContent-Type: message/rfc822\r\n\r\n"
		"S: in\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\nin =C3=BC\r\n"
		"--b--\r\nbehind\r\n");
}

/* Longer than a frame of the store: what is decoded is what was. */
static void large(void **state)
{
	struct arena a;
	struct buf text;
	struct slice back, got;
	(void)state;
	arena_init(&a, 0);
	buf_init(&text, 0, &a);
	for (int i = 0; i < 2500; i++)
		buf_fmt(&text, "%d " UMLAUT " = %c\t\xff%s\r\n", i, 'a' + i % 26,
			i % 3 ? ""
			      : " and a line that is too long for one line of quoted-printable, so "
				"that it is cut");
	sent(arena_fmt(&a, "S: 1\r\n\r\n%.*s", FMT(buf_slice(&text))), "");
	got = slice_of(p.body, p.body_len);
	got = slice_tail(got, slice_search(got, S("\r\n\r\n")) + 4);
	for (struct slice rest = got; rest.len;)
		assert_true(slice_split(&rest, '\n').len <= 77);
	for (size_t i = 0; i < got.len; i++)
		assert_true(got.at[i] < 127);
	assert_int_equal(mime_decode(MIME_QP, got, &a, &back), RC_OK);
	assert_true(slice_eq(back, buf_slice(&text)));
	arena_done(&a);
}

/* However the text is cut into pieces, it is the same. */
static void pieces(void **state)
{
	static const struct slice text =
		S("a \r\n\r\r\n b=\t\r\n\n" UMLAUT
		  " 0123456789012345678901234567890123456789012345678901234567890123456789 \r");
	struct arena a;
	struct buf whole, cut;
	(void)state;
	arena_init(&a, 0);
	buf_init(&whole, 0, &a);
	buf_init(&cut, 0, &a);
	struct downgrade_qp q = { 0 };
	downgrade_qp(&q, text, true, &whole);
	assert_true(slice_starts(buf_slice(&whole), S("a=20\r\n=0D\r\n b=3D=09\r\n=0A=C3=BC 01")));
	assert_true(slice_ends(buf_slice(&whole), S("=20=0D")));
	for (size_t i = 0; i <= text.len; i++) {
		buf_reset(&cut);
		downgrade_qp(&q, slice_head(text, i), false, &cut);
		downgrade_qp(&q, slice_tail(text, i), true, &cut);
		assert_true(slice_eq(buf_slice(&whole), buf_slice(&cut)));
	}
	arena_done(&a);
}

int test_downgrade(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_it_is), cmocka_unit_test(one_text),
		cmocka_unit_test(without_mime), cmocka_unit_test(only_the_parts_that_need_it),
		cmocka_unit_test(large), cmocka_unit_test(pieces) };
	return _cmocka_run_group_tests(
		"downgrade", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
