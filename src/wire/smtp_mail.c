/* smtp_mail.c: MAIL FROM's arguments, read and written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp_param_int.h"
#include "base/time.h"

typedef enum rc param_fn(struct slice value, struct arena *a, struct smtp_mail *m);

static enum rc size(struct slice value, struct arena *, struct smtp_mail *m)
{
	return slice_u64(value, UINT64_MAX / 2, &m->size);
}

static enum rc body(struct slice value, struct arena *, struct smtp_mail *m)
{
	if (slice_eq_nocase(value, S("7BIT")))
		m->body = SMTP_BODY_7BIT;
	else if (slice_eq_nocase(value, S("8BITMIME")))
		m->body = SMTP_BODY_8BITMIME;
	else if (slice_eq_nocase(value, S("BINARYMIME")))
		m->body = SMTP_BODY_BINARYMIME;
	else
		return RC_BAD;
	return RC_OK;
}

static enum rc smtputf8(struct slice value, struct arena *, struct smtp_mail *m)
{
	m->is_utf8 = true;
	return value.len ? RC_BAD : RC_OK;
}

static enum rc require_tls(struct slice value, struct arena *, struct smtp_mail *m)
{
	m->require_tls = true;
	return value.len ? RC_BAD : RC_OK;
}

static enum rc ret(struct slice value, struct arena *, struct smtp_mail *m)
{
	if (slice_eq_nocase(value, S("FULL")))
		m->ret = SMTP_RET_FULL;
	else if (slice_eq_nocase(value, S("HDRS")))
		m->ret = SMTP_RET_HDRS;
	else
		return RC_BAD;
	return RC_OK;
}

static enum rc envid(struct slice value, struct arena *a, struct smtp_mail *m)
{
	return value.len > 100 ? RC_BAD : smtp_xtext_parse(value, a, &m->envid);
}

static enum rc auth(struct slice value, struct arena *a, struct smtp_mail *m)
{
	m->has_auth = true;
	if (slice_eq(value, S("<>")))
		return RC_OK;
	return smtp_xtext_parse(value, a, &m->auth);
}

static enum rc signed_number(struct slice s, uint64_t max, int64_t *out)
{
	bool minus = s.len && s.at[0] == '-';
	uint64_t n;
	if (minus || (s.len && s.at[0] == '+'))
		s = slice_tail(s, 1);
	TRY(slice_u64(s, max, &n));
	*out = minus ? -(int64_t)n : (int64_t)n;
	return RC_OK;
}

static enum rc priority(struct slice value, struct arena *, struct smtp_mail *m)
{
	int64_t n;
	TRY(signed_number(value, 9, &n));
	m->priority = (int8_t)n;
	return RC_OK;
}

static enum rc hold_for(struct slice value, struct arena *, struct smtp_mail *m)
{
	uint64_t n;
	TRY(slice_u64(value, 999999999, &n));
	m->hold_s = (uint32_t)n;
	return n ? RC_OK : RC_BAD;
}

static bool digits(struct slice s, size_t at, size_t n, int64_t *out)
{
	uint64_t got;
	if (slice_u64(slice_head(slice_tail(s, at), n), 9999, &got) != RC_OK)
		return false;
	*out = (int64_t)got;
	return true;
}

/* RFC 3339: "2030-01-02T03:04:05Z", or "+01:00" for the Z. */
static enum rc hold_until(struct slice value, struct arena *, struct smtp_mail *m)
{
	int64_t y, mo, d, h, mi, s, zh = 0, zm = 0;
	if (value.len < 20 || !digits(value, 0, 4, &y) || !digits(value, 5, 2, &mo) ||
		!digits(value, 8, 2, &d) || !digits(value, 11, 2, &h) ||
		!digits(value, 14, 2, &mi) || !digits(value, 17, 2, &s) || y < 1970 || mo < 1 ||
		mo > 12 || d < 1 || d > 31)
		return RC_BAD;
	struct slice zone = slice_tail(value, 19);
	bool minus = zone.at[0] == '-';
	if (!slice_eq_nocase(zone, S("Z")) &&
		(zone.len != 6 || (zone.at[0] != '+' && !minus) || !digits(zone, 1, 2, &zh) ||
			!digits(zone, 4, 2, &zm)))
		return RC_BAD;
	struct time_parts t = { .year = (int)y,
		.month = (int)mo,
		.day = (int)d,
		.hour = (int)h,
		.minute = (int)mi,
		.second = (int)s };
	int64_t shift = zh * 3600 + zm * 60;
	m->hold_until = time_join(&t) + (minus ? shift : -shift);
	return RC_OK;
}

static enum rc by(struct slice value, struct arena *, struct smtp_mail *m)
{
	struct slice mode = value, number = slice_split(&mode, ';');
	TRY(signed_number(number, 999999999, &m->by_s));
	m->by_trace = mode.len == 2 && (mode.at[1] | 0x20) == 't';
	if (!mode.len || (mode.len > 1 && !m->by_trace))
		return RC_BAD;
	m->by_mode = mode.at[0] & 0xdf;
	return m->by_mode == 'N' || (m->by_mode == 'R' && m->by_s > 0) ? RC_OK : RC_BAD;
}

static const struct {
	struct slice name;
	param_fn *fn;
	bool wants_value;
} params[] = {
	{ S("SIZE"), size, true },
	{ S("BODY"), body, true },
	{ S("SMTPUTF8"), smtputf8, false },
	{ S("REQUIRETLS"), require_tls, false },
	{ S("RET"), ret, true },
	{ S("ENVID"), envid, true },
	{ S("AUTH"), auth, true },
	{ S("MT-PRIORITY"), priority, true },
	{ S("HOLDFOR"), hold_for, true },
	{ S("HOLDUNTIL"), hold_until, true },
	{ S("BY"), by, true },
};

/* RC_NONE: unknown. RC_BAD: bad, or a second time. */
static enum rc param(
	const struct smtp_param *p, struct arena *a, unsigned *seen, struct smtp_mail *m)
{
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		if (!slice_eq_nocase(p->name, params[i].name))
			continue;
		if ((*seen & 1U << i) || p->has_value != params[i].wants_value)
			return RC_BAD;
		*seen |= 1U << i;
		enum rc rc = params[i].fn(p->value, a, m);
		return rc == RC_NONE ? RC_BAD : rc;
	}
	return RC_NONE;
}

enum rc smtp_mail_parse(
	struct slice args, struct arena *a, struct smtp_mail *out, struct fault *why)
{
	struct smtp_mail got = { 0 };
	struct smtp_param p;
	unsigned seen = 0;
	enum rc rc;
	TRY(smtp_param_path(&args, a, &got.from, why));
	while ((rc = smtp_param_next(&args, &p)) == RC_OK) {
		rc = param(&p, a, &seen, &got);
		if (rc == RC_NONE)
			return fault_set(
				why, FAULT_PARAM_UNKNOWN, "unknown parameter %.*s", FMT(p.name));
		if (rc != RC_OK)
			return fault_set(
				why, FAULT_SYNTAX, "bad or doubled parameter %.*s", FMT(p.name));
	}
	if (rc != RC_NONE || (got.hold_s && got.hold_until))
		return fault_set(why, FAULT_SYNTAX, "bad parameters");
	*out = got;
	return RC_OK;
}

static void write_rare(const struct smtp_mail *m, struct buf *out)
{
	if (m->require_tls)
		buf_str(out, " REQUIRETLS");
	if (m->priority)
		buf_fmt(out, " MT-PRIORITY=%d", m->priority);
	if (m->hold_s)
		buf_fmt(out, " HOLDFOR=%u", m->hold_s);
	if (m->by_mode)
		buf_fmt(out, " BY=%lld;%c%s", (long long)m->by_s, m->by_mode,
			m->by_trace ? "T" : "");
}

void smtp_mail_write(const struct smtp_mail *m, struct buf *out)
{
	buf_str(out, "MAIL FROM:<");
	buf_add(out, m->from.address);
	buf_byte(out, '>');
	if (m->size)
		buf_fmt(out, " SIZE=%llu", (unsigned long long)m->size);
	if (m->body != SMTP_BODY_7BIT)
		buf_str(out, m->body == SMTP_BODY_8BITMIME ? " BODY=8BITMIME" : " BODY=BINARYMIME");
	if (m->is_utf8)
		buf_str(out, " SMTPUTF8");
	if (m->ret)
		buf_str(out, m->ret == SMTP_RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (m->envid.len) {
		buf_str(out, " ENVID=");
		smtp_xtext_write(m->envid, out);
	}
	if (m->has_auth) {
		buf_str(out, " AUTH=");
		smtp_xtext_write(m->auth, out);
		if (!m->auth.len)
			buf_str(out, "<>");
	}
	write_rare(m, out);
	buf_str(out, "\r\n");
}
