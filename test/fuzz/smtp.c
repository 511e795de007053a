/* smtp.c: room: wire: SMTP command lines, replies and their round trips. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "wire/smtp.h"
#include "wire/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void answer(struct slice in, struct arena *a)
{
	struct smtp_answer r;
	struct smtp_ehlo ehlo;
	smtp_answer_init(&r, a);
	while (in.len && smtp_answer_line(&r, slice_split(&in, '\n')) == RC_MORE)
		;
	smtp_ehlo_read(smtp_answer_text(&r), &ehlo);
}

static void mail(struct slice args, struct arena *a)
{
	struct smtp_mail m, again;
	struct buf b;
	if (smtp_mail_parse(args, a, &m, NULL) != RC_OK)
		return;
	buf_init(&b, 0, a);
	smtp_mail_write(&m, &b);
	must(smtp_verb(buf_slice(&b), &args) == SMTP_MAIL);
	if (m.envid.len > 33)
		return; /* escaped it may be longer than allowed */
	must(smtp_mail_parse(args, a, &again, NULL) == RC_OK);
	must(slice_eq(again.from.address, m.from.address) && again.size == m.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct slice in = slice_of(at, len), args, mech, initial;
	struct smtp_rcpt rcpt;
	uint64_t size;
	bool flag;
	arena_init(&a, 1 << 22);
	enum smtp_verb verb = smtp_verb(in, &args);
	if (verb == SMTP_MAIL)
		mail(args, &a);
	else if (verb == SMTP_RCPT)
		(void)smtp_rcpt_parse(args, &a, &rcpt, NULL);
	else if (verb == SMTP_BDAT)
		(void)smtp_bdat_parse(args, &size, &flag);
	else if (verb == SMTP_AUTH)
		(void)smtp_auth_parse(args, &mech, &flag, &initial);
	else
		answer(in, &a);
	(void)smtp_is_helo(args);
	arena_done(&a);
	return 0;
}
