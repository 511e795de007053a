/* smtp_ehlo.c: What a server says it can do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp_reply.h"

static const struct {
	struct slice word;
	enum smtp_ext ext;
} extensions[] = {
	{ S("PIPELINING"), SMTP_EXT_PIPELINING },
	{ S("8BITMIME"), SMTP_EXT_8BITMIME },
	{ S("SMTPUTF8"), SMTP_EXT_SMTPUTF8 },
	{ S("CHUNKING"), SMTP_EXT_CHUNKING },
	{ S("BINARYMIME"), SMTP_EXT_BINARYMIME },
	{ S("DSN"), SMTP_EXT_DSN },
	{ S("ENHANCEDSTATUSCODES"), SMTP_EXT_ENHANCED },
	{ S("STARTTLS"), SMTP_EXT_STARTTLS },
	{ S("SIZE"), SMTP_EXT_SIZE },
	{ S("AUTH"), SMTP_EXT_AUTH },
	{ S("REQUIRETLS"), SMTP_EXT_REQUIRETLS },
	{ S("DELIVERBY"), SMTP_EXT_DELIVERBY },
	{ S("MT-PRIORITY"), SMTP_EXT_MT_PRIORITY },
	{ S("LIMITS"), SMTP_EXT_LIMITS },
};

static uint32_t limit(struct slice args, struct slice name)
{
	while (args.len) {
		struct slice word = slice_split(&args, ' ');
		uint64_t n;
		if (word.len > name.len && slice_starts_nocase(word, name) &&
			word.at[name.len] == '=' &&
			slice_u64(slice_tail(word, name.len + 1), 1000000, &n) == RC_OK)
			return (uint32_t)n;
	}
	return 0;
}

static void keyword(struct slice line, struct smtp_ehlo *out)
{
	struct slice args = line, word = slice_split(&args, ' ');
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (slice_eq_nocase(word, extensions[i].word))
			out->ext |= (unsigned)extensions[i].ext;
	args = slice_trim(args);
	uint64_t size;
	if (slice_eq_nocase(word, S("SIZE")) && slice_u64(args, UINT64_MAX, &size) == RC_OK)
		out->size = size;
	if (slice_eq_nocase(word, S("AUTH")))
		out->auth = args;
	if (slice_eq_nocase(word, S("LIMITS"))) {
		out->rcpt_max = limit(args, S("RCPTMAX"));
		out->mail_max = limit(args, S("MAILMAX"));
	}
}

void smtp_ehlo_read(struct slice text, struct smtp_ehlo *out)
{
	*out = (struct smtp_ehlo){ 0 };
	struct slice first = slice_split(&text, '\n');
	out->name = slice_split(&first, ' ');
	while (text.len)
		keyword(slice_trim(slice_split(&text, '\n')), out);
}
