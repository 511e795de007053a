/* pop3.c: room: wire: POP3 command lines, and messages as bodies, which read back as what they were. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "wire/pop3.h"
#include "wire/smtp_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void command(struct slice line)
{
	struct slice args, mech, initial;
	uint32_t number;
	uint64_t lines;
	bool has;
	enum pop3_verb verb = pop3_verb(line, &args);
	must(args.len <= line.len && (verb == POP3_UNKNOWN || *pop3_verb_name(verb)));
	(void)pop3_number(args, &number);
	(void)pop3_top(args, &number, &lines);
	if (pop3_auth(args, &mech, &has, &initial) == RC_OK)
		must(mech.len && has == (initial.len > 0));
	(void)pop3_lang_fits(args, S("en"));
}

/* What a client reads up to the dot line, dots taken off, is the message with whole line ends. */
static void body(struct slice msg, size_t cut)
{
	struct pop3_body b = { 0 };
	struct smtp_data d = { 0 };
	struct buf out, back;
	struct slice piece;
	enum rc rc;
	buf_init(&out, 0, NULL);
	buf_init(&back, 0, NULL);
	buf_add(&out, slice_head(msg, cut));
	pop3_body_stuff(&b, &out, 0);
	size_t from = out.len;
	buf_add(&out, slice_tail(msg, cut));
	pop3_body_stuff(&b, &out, from);
	pop3_body_end(&b, &out);
	struct slice in = buf_slice(&out);
	while ((rc = smtp_data_take(&d, &in, &piece)) == RC_MORE && (in.len || piece.len))
		buf_add(&back, piece);
	must(rc == RC_OK && !in.len);
	struct slice again = buf_slice(&back);
	for (size_t i = 0; i < msg.len; i++) {
		if (msg.at[i] == '\n' && again.len && again.at[0] == '\r')
			again = slice_tail(again, 1);
		must(again.len && again.at[0] == msg.at[i]);
		again = slice_tail(again, 1);
	}
	must(again.len <= 2);
	buf_done(&out);
	buf_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice in = slice_of(at, len);
	uint64_t lines = len ? at[0] : 0;
	command(slice_head(in, slice_find(in, '\n')));
	must(pop3_body_lines(in, &lines) <= len);
	body(in, len ? at[0] % (len + 1) : 0);
	return 0;
}
