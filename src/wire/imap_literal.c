/* imap_literal.c: A literal announced at the end of a line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/imap_lex.h"

enum rc imap_literal_at_end(struct slice line, struct imap_literal *out)
{
	struct imap_literal got = { .is_sync = true };
	if (!line.len || line.at[line.len - 1] != '}')
		return RC_NONE;
	size_t open = slice_rfind(line, '{');
	if (open == line.len)
		return RC_NONE;
	struct slice number = slice_head(slice_tail(line, open + 1), line.len - open - 2);
	if (number.len && (number.at[number.len - 1] == '+' || number.at[number.len - 1] == '-')) {
		got.is_sync = false;
		number = slice_head(number, number.len - 1);
	}
	got.is_8 = open && line.at[open - 1] == '~';
	if (!number.len || number.at[0] < '0' || number.at[0] > '9')
		return RC_NONE;
	TRY(slice_u64(number, UINT64_MAX / 2, &got.size));
	*out = got;
	return RC_OK;
}
