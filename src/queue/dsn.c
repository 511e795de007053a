/* dsn.c: Writing delivery reports. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/dsn.h"
#include "base/random.h"
#include "base/time.h"
#include <inttypes.h>

enum { NEVER = 1, SUCCESS = 2, FAILURE = 4, DELAY = 8 };
enum { HEAD_MAX = 64 * 1024, RETURN_MAX = 1024 * 1024 };

enum action { NOTHING, FAILED, DELAYED, EXPANDED, RELAYED, DELIVERED, ACTIONS };

static const struct {
	const char *word; /* RFC 3464 2.3.3 */
	const char *subject;
	const char *sentence;
} actions[ACTIONS] = {
	[FAILED] = { "failed", "Your message could not be delivered",
		"Your message could not be delivered to:" },
	[DELAYED] = { "delayed", "Your message is delayed",
		"Your message could not be delivered yet. It is tried again; you need not send it "
		"again:" },
	[EXPANDED] = { "expanded", "Your message was delivered",
		"Your message was given to all who stand behind:" },
	[RELAYED] = { "relayed", "Your message was passed on",
		"Your message was passed on to a server that will not report what becomes of it, "
		"for:" },
	[DELIVERED] = { "delivered", "Your message was delivered",
		"Your message was delivered to:" },
};

/* One report while it is written. */
struct report {
	const struct dsn_conf *conf;
	const struct queue_message *m;
	struct buf *out;
	uint64_t boundary;
	enum action worst;
	bool utf8; /* RFC 6533: it has addresses that need it */
};

static enum action sent(const struct queue_rcpt *r)
{
	if (r->told || !(r->notify & SUCCESS))
		return NOTHING;
	switch (r->how) {
	case QUEUE_PASSED:
		return NOTHING; /* the next server will tell */
	case QUEUE_RELAYED:
		return RELAYED;
	case QUEUE_DELIVERED:
		return DELIVERED;
	case QUEUE_EXPANDED:
		return EXPANDED;
	}
	return NOTHING;
}

static enum action result(const struct queue_message *m, const struct queue_rcpt *r)
{
	if (m->sender.len == 0 || r->notify & NEVER || r->state == QUEUE_WAITING)
		return NOTHING;
	if (r->state == QUEUE_SENT)
		return sent(r);
	return !r->told && (r->notify == 0 || r->notify & FAILURE) ? FAILED : NOTHING;
}

static enum action action_of(
	const struct dsn_conf *conf, const struct queue_message *m, const struct queue_rcpt *r)
{
	if (r->state != QUEUE_WAITING)
		return result(m, r);
	bool late = conf->now - m->made >= conf->notify_after_s && !r->delayed_told;
	bool wanted = r->notify == 0 || r->notify & DELAY;
	return m->sender.len && late && wanted && !(r->notify & NEVER) ? DELAYED : NOTHING;
}

bool dsn_owes(const struct queue_message *m, const struct queue_rcpt *r)
{
	return result(m, r) != NOTHING;
}

void dsn_told(const struct dsn_conf *conf, struct queue_message *m)
{
	for (size_t i = 0; i < m->rcpts_n; i++) {
		struct queue_rcpt *r = &m->rcpts[i];
		enum action action = action_of(conf, m, r);
		r->delayed_told |= action == DELAYED;
		r->told |= action != NOTHING && action != DELAYED;
	}
}

/* --- pieces --- */

static bool has_8bit(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 127)
			return true;
	return false;
}

/* What others have said goes into fields: no controls, and beyond ASCII only where that is announced. */
static void put_clean(const struct report *r, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_byte(r->out, s.at[i] < ' ' || s.at[i] == 0x7f ? ' '
				 : s.at[i] > 0x7f && !r->utf8     ? '?'
								  : s.at[i]);
}

static void put_field(const struct report *r, const char *name, struct slice value)
{
	buf_fmt(r->out, "%s: ", name);
	put_clean(r, value);
	buf_str(r->out, "\r\n");
}

static void put_date(const struct report *r, const char *name, int64_t when)
{
	buf_fmt(r->out, "%s: ", name);
	time_rfc5322(when, r->out);
	buf_str(r->out, "\r\n");
}

/* "550 5.1.1 ...": the enhanced code of an answer, or one made from its class. */
static void put_status(const struct report *r, const struct queue_rcpt *rcpt)
{
	struct slice rest = rcpt->answer;
	char class = rcpt->state == QUEUE_FAILED ? '5' : rcpt->state == QUEUE_SENT ? '2' : '4';
	slice_split(&rest, ' ');
	struct slice code = slice_split(&rest, ' ');
	bool enhanced =
		code.len >= 5 && code.at[1] == '.' && code.at[0] >= '2' && code.at[0] <= '5';
	if (enhanced && (code.at[0] == class || rcpt->state == QUEUE_FAILED)) {
		buf_fmt(r->out, "Status: %c.%.*s\r\n", class, FMT(slice_tail(code, 2)));
		return;
	}
	buf_fmt(r->out, "Status: %c.%s\r\n", class, class == '2' ? "1.5" : "0.0");
}

static void put_rcpt(const struct report *r, const struct queue_rcpt *rcpt, enum action action)
{
	const char *type = has_8bit(rcpt->address) ? "utf-8" : "rfc822";
	buf_str(r->out, "\r\n");
	if (rcpt->orcpt.len)
		put_field(r, "Original-Recipient", rcpt->orcpt);
	buf_fmt(r->out, "Final-Recipient: %s;", type);
	put_clean(r, rcpt->address);
	buf_fmt(r->out, "\r\nAction: %s\r\n", actions[action].word);
	put_status(r, rcpt);
	if (rcpt->server.len) {
		buf_str(r->out, "Remote-MTA: dns;");
		put_clean(r, rcpt->server);
		buf_str(r->out, "\r\n");
	}
	if (rcpt->answer.len) {
		buf_str(r->out, "Diagnostic-Code: smtp;");
		put_clean(r, rcpt->answer);
		buf_str(r->out, "\r\n");
	}
	if (action == FAILED || action == DELAYED)
		put_date(r, "Last-Attempt-Date", r->conf->now);
	if (action == DELAYED)
		put_date(r, "Will-Retry-Until", r->m->made + r->conf->expire_s);
}

/* --- the parts --- */

static void put_head(const struct report *r)
{
	buf_fmt(r->out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <%.*s>\r\n",
		r->conf->hostname, FMT(r->m->sender));
	put_date(r, "Date", r->conf->now);
	buf_fmt(r->out,
		"Subject: %s\r\nMessage-ID: <dsn.%" PRIx64 ".%016" PRIx64
		"@%s>\r\nAuto-Submitted: auto-replied\r\n"
		"MIME-Version: 1.0\r\nContent-Type: multipart/report; "
		"report-type=delivery-status;\r\n\tboundary=\"dsn-%016" PRIx64 "\"\r\n\r\n",
		actions[r->worst].subject, r->m->id, r->boundary, r->conf->hostname, r->boundary);
}

/* Opens a part; the last one is closed by a type of NULL. */
static void put_part(const struct report *r, const char *type, bool is_8bit)
{
	buf_fmt(r->out, "\r\n--dsn-%016" PRIx64, r->boundary);
	if (!type) {
		buf_str(r->out, "--\r\n");
		return;
	}
	buf_fmt(r->out, "\r\nContent-Type: %s\r\n%s\r\n", type,
		is_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

static void put_reason(const struct report *r, const struct queue_rcpt *rcpt)
{
	if (rcpt->answer.len == 0)
		return;
	buf_str(r->out, "    ");
	put_clean(r, rcpt->server);
	if (rcpt->server.len)
		buf_str(r->out, " said: ");
	put_clean(r, rcpt->answer);
	buf_str(r->out, "\r\n");
}

static void put_text(const struct report *r)
{
	put_part(r, "text/plain; charset=utf-8", r->utf8);
	buf_fmt(r->out, "This is the mail server %s.\r\n", r->conf->hostname);
	for (enum action action = FAILED; action < ACTIONS; action++) {
		bool said = false;
		for (size_t i = 0; i < r->m->rcpts_n; i++) {
			const struct queue_rcpt *rcpt = &r->m->rcpts[i];
			if (action_of(r->conf, r->m, rcpt) != action)
				continue;
			if (!said)
				buf_fmt(r->out, "\r\n%s\r\n\r\n", actions[action].sentence);
			said = true;
			buf_byte(r->out, '<');
			put_clean(r, rcpt->address);
			buf_str(r->out, ">\r\n");
			put_reason(r, rcpt);
		}
	}
}

static void put_statuses(const struct report *r)
{
	put_part(
		r, r->utf8 ? "message/global-delivery-status" : "message/delivery-status", r->utf8);
	buf_fmt(r->out, "Reporting-MTA: dns;%s\r\n", r->conf->hostname);
	if (r->m->envid.len)
		put_field(r, "Original-Envelope-Id", r->m->envid);
	put_date(r, "Arrival-Date", r->m->made);
	for (size_t i = 0; i < r->m->rcpts_n; i++) {
		enum action action = action_of(r->conf, r->m, &r->m->rcpts[i]);
		if (action != NOTHING)
			put_rcpt(r, &r->m->rcpts[i], action);
	}
}

/* RFC 3461 4.3: the whole message only with a failure, and when it was asked for. */
static void put_original(const struct report *r, struct blob *blob, struct arena *a)
{
	const struct queue_message *m = r->m;
	struct slice text = S("");
	uint64_t size = m->blob.size - m->skip;
	bool whole = m->ret_full && r->worst == FAILED && size <= RETURN_MAX;
	uint64_t most = whole ? size : size < HEAD_MAX ? size : HEAD_MAX;
	if (blob_read(blob, &m->blob, m->skip, most, a, &text, NULL) != RC_OK)
		text = S("");
	size_t end = slice_search(text, S("\r\n\r\n"));
	struct slice head = slice_head(text, end < text.len ? end + 2 : end);
	if (!whole)
		text = head;
	bool utf8_head = has_8bit(head);
	put_part(r,
		whole       ? utf8_head ? "message/global" : "message/rfc822"
		: utf8_head ? "message/global-headers"
			    : "text/rfc822-headers",
		has_8bit(text));
	buf_add(r->out, text);
}

enum rc dsn_make(const struct dsn_conf *conf, struct blob *blob, const struct queue_message *m,
	struct arena *a, struct slice *out)
{
	struct buf b;
	struct report r = { .conf = conf, .m = m, .out = &b, .worst = NOTHING };
	for (size_t i = 0; i < m->rcpts_n; i++) {
		enum action action = action_of(conf, m, &m->rcpts[i]);
		if (action == NOTHING)
			continue;
		if (r.worst == NOTHING || action < r.worst)
			r.worst = action;
		r.utf8 |= has_8bit(m->rcpts[i].address);
	}
	if (r.worst == NOTHING)
		return RC_NONE;
	r.utf8 |= has_8bit(m->sender);
	random_bytes(&r.boundary, sizeof(r.boundary));
	buf_init(&b, 0, a);
	put_head(&r);
	put_text(&r);
	put_statuses(&r);
	put_original(&r, blob, a);
	put_part(&r, NULL, false);
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}
