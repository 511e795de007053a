/* smtp_answer.c: Replies as the client reads them, line by line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp_reply.h"
#include <string.h>

enum { CODE_LEN = 3 };

void smtp_answer_init(struct smtp_answer *r, struct arena *a)
{
	*r = (struct smtp_answer){ 0 };
	buf_init(&r->text, SMTP_ANSWER_BYTES, a);
}

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Takes "2.1.5 " from the head of a text; its class must be the code's. */
static bool enhanced(struct slice *text, unsigned code, uint8_t out[3])
{
	struct slice in = *text, word = slice_split(&in, ' ');
	uint8_t got[3];
	for (size_t i = 0; i < 3; i++) {
		uint64_t n;
		bool found = slice_find(word, '.') < word.len;
		if (found != (i < 2) || slice_u64(slice_split(&word, '.'), 999, &n) != RC_OK)
			return false;
		got[i] = (uint8_t)(n > 255 ? 255 : n);
	}
	if (got[0] != code / 100 || got[0] == 3)
		return false;
	memcpy(out, got, 3);
	*text = in;
	return true;
}

enum rc smtp_answer_line(struct smtp_answer *r, struct slice line)
{
	if (line.len < CODE_LEN || line.at[0] < '2' || line.at[0] > '5' || !digit(line.at[1]) ||
		!digit(line.at[2]))
		return RC_BAD;
	if (line.len > CODE_LEN && line.at[3] != ' ' && line.at[3] != '-')
		return RC_BAD;
	unsigned code = (line.at[0] - '0') * 100U + (line.at[1] - '0') * 10U + (line.at[2] - '0');
	if (r->lines && code != r->code)
		return RC_BAD;
	bool more = line.len > CODE_LEN && line.at[3] == '-';
	struct slice text = slice_tail(line, CODE_LEN + 1);
	uint8_t status[3] = { 0 };
	if (enhanced(&text, code, status) && !r->enhanced[0])
		memcpy(r->enhanced, status, sizeof(status));
	if (r->lines)
		buf_byte(&r->text, '\n');
	buf_add(&r->text, text);
	r->code = code;
	if (++r->lines > SMTP_ANSWER_LINES || r->text.over)
		return RC_LIMIT;
	return more ? RC_MORE : RC_OK;
}

struct slice smtp_answer_text(const struct smtp_answer *r)
{
	return buf_slice(&r->text);
}
