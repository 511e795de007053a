/* smtp_rcpt.c: RCPT TO's arguments, read and written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp_param_int.h"

static const struct {
	struct slice word;
	enum smtp_notify bit;
} notifies[] = {
	{ S("NEVER"), SMTP_NOTIFY_NEVER },
	{ S("SUCCESS"), SMTP_NOTIFY_SUCCESS },
	{ S("FAILURE"), SMTP_NOTIFY_FAILURE },
	{ S("DELAY"), SMTP_NOTIFY_DELAY },
};

enum { NOTIFIES = sizeof(notifies) / sizeof(notifies[0]) };

static enum rc notify(struct slice value, unsigned *out)
{
	unsigned bits = 0;
	while (value.len) {
		struct slice word = slice_split(&value, ',');
		unsigned bit = 0;
		for (size_t i = 0; i < NOTIFIES; i++)
			if (slice_eq_nocase(word, notifies[i].word))
				bit = (unsigned)notifies[i].bit;
		if (!bit)
			return RC_BAD;
		bits |= bit;
	}
	if ((bits & SMTP_NOTIFY_NEVER) && bits != SMTP_NOTIFY_NEVER)
		return RC_BAD; /* RFC 3461 4.1: NEVER stands alone */
	*out = bits;
	return RC_OK;
}

static enum rc orcpt(struct slice value, struct arena *a, struct smtp_rcpt *out)
{
	struct slice rest = value;
	out->orcpt_type = slice_split(&rest, ';');
	if (!out->orcpt_type.len || !rest.len)
		return RC_BAD;
	return smtp_xtext_parse(rest, a, &out->orcpt);
}

static enum rc param(const struct smtp_param *p, struct arena *a, struct smtp_rcpt *out)
{
	if (slice_eq_nocase(p->name, S("NOTIFY")) && !out->notify && p->has_value)
		return notify(p->value, &out->notify);
	if (slice_eq_nocase(p->name, S("ORCPT")) && !out->orcpt_type.len && p->has_value)
		return orcpt(p->value, a, out);
	if (slice_eq_nocase(p->name, S("NOTIFY")) || slice_eq_nocase(p->name, S("ORCPT")))
		return RC_BAD;
	return RC_NONE;
}

enum rc smtp_rcpt_parse(
	struct slice args, struct arena *a, struct smtp_rcpt *out, struct fault *why)
{
	struct smtp_rcpt got = { 0 };
	struct smtp_param p;
	enum rc rc;
	TRY(smtp_param_path(&args, a, &got.to, why));
	if (got.to.is_null)
		return fault_set(why, FAULT_SYNTAX, "a recipient is expected");
	while ((rc = smtp_param_next(&args, &p)) == RC_OK) {
		rc = param(&p, a, &got);
		if (rc == RC_NONE)
			return fault_set(
				why, FAULT_PARAM_UNKNOWN, "unknown parameter %.*s", FMT(p.name));
		if (rc != RC_OK)
			return fault_set(
				why, FAULT_SYNTAX, "bad or doubled parameter %.*s", FMT(p.name));
	}
	if (rc != RC_NONE)
		return fault_set(why, FAULT_SYNTAX, "bad parameters");
	*out = got;
	return RC_OK;
}

void smtp_rcpt_write(const struct smtp_rcpt *r, struct buf *out)
{
	buf_str(out, "RCPT TO:<");
	buf_add(out, r->to.address);
	buf_byte(out, '>');
	const char *before = " NOTIFY=";
	for (size_t i = 0; i < NOTIFIES; i++) {
		if (!(r->notify & (unsigned)notifies[i].bit))
			continue;
		buf_str(out, before);
		buf_add(out, notifies[i].word);
		before = ",";
	}
	if (r->orcpt_type.len) {
		buf_str(out, " ORCPT=");
		buf_add(out, r->orcpt_type);
		buf_byte(out, ';');
		smtp_xtext_write(r->orcpt, out);
	}
	buf_str(out, "\r\n");
}
