/* smtp_reply.c: Replies of SMTP and LMTP, written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp_reply.h"

enum { REPLY_LINE_MAX = 500, REPLY_CODE_LEN = 3 };

static void clean(struct buf *out, struct slice text)
{
	uint8_t *at = buf_room(out, text.len);
	size_t n = 0;
	for (size_t i = 0; at && i < text.len; i++)
		if (text.at[i] != '\r' && text.at[i] && text.at[i] != '\n')
			at[n++] = text.at[i];
	buf_added(out, n);
}

void smtp_reply_line(struct buf *out, unsigned code, bool is_last, struct slice text)
{
	buf_u64(out, code);
	buf_byte(out, is_last ? ' ' : '-');
	clean(out, slice_head(text, REPLY_LINE_MAX));
	buf_str(out, "\r\n");
}

void smtp_reply(struct buf *out, const char *codes, struct slice text)
{
	struct slice all = slice_str(codes), code = slice_head(all, REPLY_CODE_LEN);
	struct slice enhanced = slice_tail(all, REPLY_CODE_LEN + 1);
	bool last;
	do {
		last = slice_find(text, '\n') == text.len;
		struct slice line = slice_split(&text, '\n');
		buf_add(out, code);
		buf_byte(out, last ? ' ' : '-');
		buf_add(out, enhanced);
		if (enhanced.len)
			buf_byte(out, ' ');
		clean(out, slice_head(line, REPLY_LINE_MAX - enhanced.len));
		buf_str(out, "\r\n");
	} while (!last);
}
