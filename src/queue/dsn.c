/* dsn.c: Writing delivery reports. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/dsn.h"
#include "base/random.h"
#include "base/time.h"
#include <inttypes.h>

enum { NEVER = 1, FAILURE = 4, DELAY = 8, HEAD_MAX = 16384 };

static bool tells_failure(const struct queue_rcpt *r)
{
	return r->state == QUEUE_FAILED && (r->notify == 0 || r->notify & FAILURE) &&
	       !(r->notify & NEVER);
}

static bool tells_delay(
	const struct dsn_conf *conf, const struct queue_message *m, const struct queue_rcpt *r)
{
	return r->state == QUEUE_WAITING && !r->delayed_told &&
	       conf->now - m->made >= conf->notify_after_s &&
	       (r->notify == 0 || r->notify & DELAY) && !(r->notify & NEVER);
}

/* "550 5.1.1 ...": the enhanced code of an answer, or one made from its class. */
static void put_status(struct buf *out, const struct queue_rcpt *r)
{
	struct slice rest = r->answer;
	slice_split(&rest, ' ');
	struct slice code = slice_split(&rest, ' ');
	bool enhanced =
		code.len >= 5 && code.at[1] == '.' && (code.at[0] == '4' || code.at[0] == '5');
	if (enhanced)
		buf_add(out, code);
	else
		buf_str(out, r->state == QUEUE_FAILED ? "5.0.0" : "4.0.0");
}

static void put_clean(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_byte(out, s.at[i] < ' ' || s.at[i] == 0x7f ? ' ' : s.at[i]);
}

static void put_rcpt(struct buf *out, const struct queue_rcpt *r)
{
	buf_str(out, "\r\n");
	if (r->orcpt.len) {
		buf_str(out, "Original-Recipient: ");
		put_clean(out, r->orcpt);
		buf_str(out, "\r\n");
	}
	buf_str(out, "Final-Recipient: rfc822;");
	put_clean(out, r->address);
	buf_fmt(out, "\r\nAction: %s\r\nStatus: ", r->state == QUEUE_FAILED ? "failed" : "delayed");
	put_status(out, r);
	buf_str(out, "\r\nDiagnostic-Code: smtp;");
	put_clean(out, r->answer);
	buf_str(out, "\r\n");
}

static void put_head(struct buf *out, const struct dsn_conf *conf, const struct queue_message *m,
	bool failed, uint64_t boundary)
{
	buf_fmt(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <%.*s>\r\nDate: ",
		conf->hostname, FMT(m->sender));
	time_rfc5322(conf->now, out);
	buf_fmt(out,
		"\r\nSubject: %s\r\nMessage-ID: <dsn.%" PRIx64 ".%016" PRIx64
		"@%s>\r\nAuto-Submitted: auto-replied\r\n"
		"MIME-Version: 1.0\r\nContent-Type: multipart/report; "
		"report-type=delivery-status;\r\n\tboundary=\"dsn-%016" PRIx64 "\"\r\n\r\n",
		failed ? "Your message could not be delivered" : "Your message is delayed", m->id,
		boundary, conf->hostname, boundary);
}

static void put_text(
	struct buf *out, const struct dsn_conf *conf, const struct queue_message *m, bool failed)
{
	buf_str(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	buf_fmt(out, "This is the mail server %s.\r\n\r\n%s\r\n\r\n", conf->hostname,
		failed ? "Your message could not be delivered to:"
		       : "Your message could not be delivered yet. It is tried again; you need not "
			 "send it again:");
	for (size_t i = 0; i < m->rcpts_n; i++) {
		const struct queue_rcpt *r = &m->rcpts[i];
		if (failed ? !tells_failure(r) : !tells_delay(conf, m, r))
			continue;
		buf_fmt(out, "<%.*s>\r\n    ", FMT(r->address));
		put_clean(out, r->answer);
		buf_str(out, "\r\n");
	}
}

static void put_original(
	struct buf *out, struct blob *blob, const struct queue_message *m, struct arena *a)
{
	struct slice head;
	if (blob_read(blob, &m->blob, m->skip, HEAD_MAX, a, &head, NULL) != RC_OK)
		return;
	size_t end = slice_search(head, S("\r\n\r\n"));
	buf_add(out, slice_head(head, end < head.len ? end + 2 : end));
}

enum rc dsn_make(const struct dsn_conf *conf, struct blob *blob, struct queue_message *m,
	struct arena *a, struct slice *out)
{
	struct buf b;
	uint64_t boundary;
	bool failed = false, delayed = false;
	for (size_t i = 0; i < m->rcpts_n; i++) {
		failed |= tells_failure(&m->rcpts[i]);
		delayed |= tells_delay(conf, m, &m->rcpts[i]);
	}
	/* of several rounds, each failure is told in the round in which the whole message ends, so that it is told once */
	for (size_t i = 0; failed && i < m->rcpts_n; i++)
		failed = m->rcpts[i].state != QUEUE_WAITING;
	if (m->sender.len == 0 || (!failed && !delayed))
		return RC_NONE;
	random_bytes(&boundary, sizeof(boundary));
	buf_init(&b, 0, a);
	put_head(&b, conf, m, failed, boundary);
	buf_fmt(&b, "--dsn-%016" PRIx64 "\r\n", boundary);
	put_text(&b, conf, m, failed);
	buf_fmt(&b,
		"\r\n--dsn-%016" PRIx64
		"\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;%s\r\n",
		boundary, conf->hostname);
	if (m->envid.len) {
		buf_str(&b, "Original-Envelope-Id: ");
		put_clean(&b, m->envid);
		buf_str(&b, "\r\n");
	}
	buf_str(&b, "Arrival-Date: ");
	time_rfc5322(m->made, &b);
	buf_str(&b, "\r\n");
	for (size_t i = 0; i < m->rcpts_n; i++) {
		struct queue_rcpt *r = &m->rcpts[i];
		if (failed ? tells_failure(r) : tells_delay(conf, m, r))
			put_rcpt(&b, r);
	}
	for (size_t i = 0; !failed && i < m->rcpts_n; i++)
		m->rcpts[i].delayed_told |= tells_delay(conf, m, &m->rcpts[i]);
	buf_fmt(&b, "\r\n--dsn-%016" PRIx64 "\r\nContent-Type: text/rfc822-headers\r\n\r\n",
		boundary);
	put_original(&b, blob, m, a);
	buf_fmt(&b, "\r\n--dsn-%016" PRIx64 "--\r\n", boundary);
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}
