/* charset.c: Every charset that iconv knows, to UTF-8. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "mime/mime.h"
#include <errno.h>
#include <iconv.h>

enum { NAME_MAX_LEN = 60 };

static bool is_utf8_name(struct slice s)
{
	return s.len == 0 || slice_eq_nocase(s, S("utf-8")) || slice_eq_nocase(s, S("utf8")) ||
	       slice_eq_nocase(s, S("us-ascii")) || slice_eq_nocase(s, S("ascii"));
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] >= 0x80)
			return false;
	return true;
}

/* What mail calls them, and what iconv should read instead: the supersets that everybody means, and names of old. */
static const char *iconv_name(const char *name)
{
	static const char *const table[][2] = { { "iso-8859-1", "WINDOWS-1252" },
		{ "latin1", "WINDOWS-1252" }, { "iso8859-1", "WINDOWS-1252" },
		{ "iso_8859-1", "WINDOWS-1252" }, { "iso-8859-9", "WINDOWS-1254" },
		{ "iso-8859-8-i", "ISO-8859-8" }, { "iso-8859-8-e", "ISO-8859-8" },
		{ "iso-8859-6-i", "ISO-8859-6" }, { "x-unknown", "WINDOWS-1252" },
		{ "unknown-8bit", "WINDOWS-1252" }, { "8bit", "WINDOWS-1252" },
		{ "ansi", "WINDOWS-1252" }, { "gb2312", "GB18030" }, { "gbk", "GB18030" },
		{ "x-gbk", "GB18030" }, { "euc-cn", "GB18030" }, { "euc-kr", "CP949" },
		{ "ks_c_5601-1987", "CP949" }, { "ks_c_5601-1989", "CP949" },
		{ "ksc5601", "CP949" }, { "windows-949", "CP949" }, { "shift_jis", "CP932" },
		{ "shift-jis", "CP932" }, { "sjis", "CP932" }, { "x-sjis", "CP932" },
		{ "windows-31j", "CP932" }, { "big5", "BIG5-HKSCS" },
		{ "unicode-1-1-utf-7", "UTF-7" }, { "unicode-1-1-utf-8", "UTF-8" },
		{ "x-mac-roman", "MACINTOSH" }, { "macroman", "MACINTOSH" },
		{ "x-mac-cyrillic", "MAC-CYRILLIC" }, { "windows-874", "CP874" },
		{ "tis-620", "CP874" } };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (slice_eq_nocase(slice_str(name), slice_str(table[i][0])))
			return table[i][1];
	return name;
}

static bool open_charset(struct slice charset, iconv_t *cd)
{
	char name[NAME_MAX_LEN + 1];
	if (charset.len == 0 || charset.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < charset.len; i++) {
		uint8_t c = charset.at[i];
		bool fine = (c >= '0' && c <= '9') ||
			    ((unsigned)(c | 0x20) - (unsigned)'a') < 26u || c == '-' || c == '_' ||
			    c == '.' || c == ':' || c == '+';
		if (!fine)
			return false;
		name[i] = (char)c;
	}
	name[charset.len] = '\0';
	*cd = iconv_open("UTF-8", iconv_name(name));
	return *cd != (iconv_t)-1;
}

bool mime_charset_known(struct slice charset)
{
	iconv_t cd;
	if (is_utf8_name(charset))
		return true;
	if (!open_charset(charset, &cd))
		return false;
	iconv_close(cd);
	return true;
}

/* Broken octets become U+FFFD, one each. */
static enum rc convert(iconv_t cd, struct slice text, struct buf *out)
{
	char *in = (char *)(uintptr_t)text.at;
	size_t left = text.len;
	while (left) {
		size_t room = left * 2 + 64;
		uint8_t *at = buf_room(out, room);
		if (!at)
			return RC_LIMIT;
		char *to = (char *)at;
		size_t space = room;
		size_t n = iconv(cd, &in, &left, &to, &space);
		buf_added(out, room - space);
		if (n != (size_t)-1)
			break;
		if (errno == EILSEQ || errno == EINVAL) {
			utf8_add(out, 0xfffd);
			in++;
			left--;
			iconv(cd, NULL, NULL, NULL, NULL);
		} else if (errno != E2BIG) {
			break;
		}
	}
	return out->over ? RC_LIMIT : RC_OK;
}

/* Well-formed UTF-8 of what claims to be UTF-8; undeclared other bytes are Windows-1252. */
static enum rc repair(struct slice text, bool declared, struct arena *a, struct slice *out)
{
	struct buf b;
	iconv_t cd;
	if (utf8_valid(text)) {
		*out = text;
		return RC_OK;
	}
	buf_init(&b, 0, a);
	if (!declared && open_charset(S("WINDOWS-1252"), &cd)) {
		enum rc rc = convert(cd, text, &b);
		iconv_close(cd);
		TRY(rc);
	} else {
		while (text.len)
			utf8_add(&b, utf8_take(&text));
	}
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

enum rc mime_to_utf8(struct slice charset, struct slice text, struct arena *a, struct slice *out)
{
	struct buf b;
	iconv_t cd;
	if (is_utf8_name(charset))
		return repair(text, slice_starts_nocase(charset, S("utf")), a, out);
	bool stateful = slice_starts_nocase(charset, S("iso-2022")) ||
			slice_starts_nocase(charset, S("utf-7")) ||
			slice_starts_nocase(charset, S("unicode")) ||
			slice_starts_nocase(charset, S("ucs")) ||
			slice_starts_nocase(charset, S("utf-16")) ||
			slice_starts_nocase(charset, S("utf-32")) ||
			slice_starts_nocase(charset, S("hz"));
	if (!stateful && is_ascii(text)) {
		*out = text;
		return RC_OK;
	}
	if (!open_charset(charset, &cd))
		return repair(text, false, a, out);
	buf_init(&b, 0, a);
	enum rc rc = convert(cd, text, &b);
	iconv_close(cd);
	TRY(rc);
	/* iconv lets some sequences pass that are no UTF-8 */
	return repair(buf_slice(&b), true, a, out);
}
