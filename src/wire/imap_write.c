/* imap_write.c: Words of IMAP written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_write.h"
#include "base/time.h"
#include "wire/imap_utf7.h"
#include <string.h>

enum { QUOTED_MAX = 1024 };

/* What an octet is in a string: an atom's, one that wants quotes, one that wants a backslash too, one beyond ASCII, one
 * that only a literal may hold. */
enum { ATOM, QUOTED, ESCAPED, HIGH, RAW };

static const uint8_t classes[256] = {
	[0] = RAW,
	[1 ... 9] = QUOTED,
	['\n'] = RAW,
	[11 ... 12] = QUOTED,
	['\r'] = RAW,
	[14 ... ' '] = QUOTED,
	['('] = QUOTED,
	[')'] = QUOTED,
	['{'] = QUOTED,
	['%'] = QUOTED,
	['*'] = QUOTED,
	[']'] = QUOTED,
	['"'] = ESCAPED,
	['\\'] = ESCAPED,
	[127] = QUOTED,
	[128 ... 255] = HIGH,
};

/* The worst of its octets' classes. */
static int class_of(struct slice s)
{
	uint8_t worst = s.len ? ATOM : QUOTED;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = classes[s.at[i]];
		worst = c > worst ? c : worst;
	}
	return worst;
}

static bool is_atom(struct slice s)
{
	return class_of(s) == ATOM && s.len <= QUOTED_MAX && !slice_eq_nocase(s, S("NIL"));
}

static void quote(struct slice s, bool escapes, struct buf *out)
{
	uint8_t *at = buf_room(out, (escapes ? 2 * s.len : s.len) + 2);
	size_t n = 0;
	if (!at)
		return;
	at[n++] = '"';
	if (!escapes && s.len)
		memcpy(at + n, s.at, s.len);
	for (size_t i = 0; escapes && i < s.len; i++) {
		if (classes[s.at[i]] == ESCAPED)
			at[n++] = '\\';
		at[n++] = s.at[i];
	}
	n += escapes ? 0 : s.len;
	at[n++] = '"';
	buf_added(out, n);
}

void imap_write_literal(uint64_t size, struct buf *out)
{
	buf_byte(out, '{');
	buf_u64(out, size);
	buf_str(out, "}\r\n");
}

void imap_write_string(struct slice s, struct buf *out)
{
	int class = s.len <= QUOTED_MAX ? class_of(s) : RAW;
	if (class <= ESCAPED) {
		quote(s, class == ESCAPED, out);
		return;
	}
	imap_write_literal(s.len, out);
	buf_add(out, s);
}

void imap_write_nstring(struct slice s, struct buf *out)
{
	if (!s.at)
		buf_str(out, "NIL");
	else
		imap_write_string(s, out);
}

void imap_write_astring(struct slice s, struct buf *out)
{
	if (is_atom(s))
		buf_add(out, s);
	else
		imap_write_string(s, out);
}

/* Modified UTF-7 in quotes: quotes and backslashes stand for themselves there, so the parts between them are encoded
 * alone. */
static void quote_utf7(struct slice name, struct buf *out)
{
	buf_byte(out, '"');
	while (name.len) {
		size_t n = 0;
		while (n < name.len && name.at[n] != '"' && name.at[n] != '\\')
			n++;
		imap_utf7_write(slice_head(name, n), out);
		if (n < name.len) {
			buf_byte(out, '\\');
			buf_byte(out, name.at[n++]);
		}
		name = slice_tail(name, n);
	}
	buf_byte(out, '"');
}

void imap_write_mailbox(struct slice name, bool utf8, struct buf *out)
{
	bool plain = slice_find(name, '&') == name.len || utf8;
	if (is_atom(name) && plain)
		buf_add(out, name);
	else if (utf8 && name.len <= QUOTED_MAX && class_of(name) <= HIGH)
		quote(name, true, out);
	else
		quote_utf7(name, out);
}

void imap_write_text(struct slice s, struct buf *out)
{
	uint8_t *at = buf_room(out, s.len);
	for (size_t i = 0; at && i < s.len; i++)
		at[i] = s.at[i] >= ' ' && s.at[i] < 127 ? s.at[i] : '?';
	if (at)
		buf_added(out, s.len);
}

void imap_write_flags(unsigned system, const char *const *keywords, size_t n, struct buf *out)
{
	static const char *const names[] = { "\\Seen", "\\Answered", "\\Flagged", "\\Deleted",
		"\\Draft", "\\Recent" };
	bool first = true;
	for (unsigned i = 0; i < 6; i++) {
		if (!(system & 1U << i))
			continue;
		if (!first)
			buf_byte(out, ' ');
		first = false;
		buf_str(out, names[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (!first)
			buf_byte(out, ' ');
		first = false;
		buf_str(out, keywords[i]);
	}
}

void imap_write_date_time(int64_t unix_s, struct buf *out)
{
	buf_byte(out, '"');
	time_imap(unix_s, out);
	buf_byte(out, '"');
}
