/* cmd_append.c: APPEND: messages are taken in as they come, and stored all at once (RFC 3502). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "mail/intake.h"
#include "run/memory.h"
#include "wire/imap_args.h"

/* Small messages wait in memory for the commit until they are KEPT_MOST together. */
enum { MESSAGES_MAX = 1000, KEPT_MOST = 1024 * 1024 };

struct message {
	struct imap_append args;
	struct mail_intake in;
	struct message *next;
};

/* [imap 3] s->append is set while intakes exist: they are done before the command's arena goes. */
struct imap_append_work {
	struct mail_box_info box;
	struct message *first, *last;
	size_t n, kept;
	bool is_stored;
};

void imap_append_drop(struct imap_session *s)
{
	for (struct message *m = s->append ? s->append->first : NULL; m; m = m->next)
		mail_intake_done(&m->in, s->append->is_stored);
	s->append = NULL;
	buf_done(&s->body);
}

/* Flags and literal of the next message; `x` stands behind the space. */
static enum rc add_message(struct imap_session *s, struct imap_lex *x, struct fault *why)
{
	struct imap_append_work *w = s->append;
	struct message *m = arena_new(&s->arena, sizeof(*m));
	TRY(imap_args_append(x, &m->args));
	if (m->args.literal.size > s->imap->deps.append_max || w->n == MESSAGES_MAX)
		return fault_set(why, FAULT_MESSAGE_TOO_BIG, "%s", "");
	if (!m->args.literal.size)
		return fault_set(why, FAULT_SYNTAX, "an empty message");
	if (run_memory_refuse())
		return fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(mail_quota_check(s->ma, m->args.literal.size, why));
	*(w->last ? &w->last->next : &w->first) = m;
	w->last = m;
	w->n++;
	arena_reset(&s->batch_arena);
	TRY(mail_intake_begin(&m->in, s->imap->deps.blob, &s->body, &s->batch_arena, why));
	if (m->args.literal.is_sync)
		buf_str(imap_out(s), "+ go on\r\n");
	s->literal_left = m->args.literal.size;
	s->conn->task.step = imap_step_body;
	return RC_OK;
}

/* Keeps what the line names: it is copied into the command's arena. */
static enum rc keep(struct imap_session *s, struct imap_lex *x, struct slice line)
{
	struct slice text;
	TRY(arena_copy(&s->arena, line, &text));
	*x = (struct imap_lex){ .rest = text, .a = &s->arena, .is_utf8 = s->x.is_utf8 };
	return RC_OK;
}

static enum rc begin(
	struct imap_session *s, struct imap_lex *x, struct slice name, struct fault *why)
{
	struct imap_append_work *w = imap_work(s, sizeof(*w));
	s->append = w;
	enum rc rc = mail_box_find(s->ma, name, &s->arena, &w->box);
	if (rc == RC_LIMIT)
		return rc;
	if (rc != RC_OK || !w->box.selectable) {
		(void)fault_set(why, FAULT_MAILBOX_UNKNOWN, "%s", "");
		return RC_DENIED;
	}
	rc = add_message(s, x, why);
	return rc == RC_NONE ? RC_BAD : rc;
}

/* "tag APPEND mailbox ... {n}": is the literal the message, or only the mailbox's name? */
enum rc imap_append_line(struct imap_session *s, const struct imap_literal *lit, struct fault *why)
{
	struct imap_lex x;
	struct slice tag, word, name;
	struct imap_append args;
	(void)lit;
	if (s->state == IMAP_NEW || s->work)
		return RC_NONE;
	TRY(keep(s, &x, buf_slice(&s->cmd)));
	bool head = imap_lex_tag(&x, &tag) == RC_OK && imap_lex_space(&x) == RC_OK &&
		    imap_lex_atom(&x, &word) == RC_OK && slice_eq_nocase(word, S("APPEND")) &&
		    imap_lex_space(&x) == RC_OK && imap_lex_mailbox(&x, &name) == RC_OK &&
		    imap_lex_space(&x) == RC_OK;
	struct imap_lex probe = x;
	if (!head || imap_args_append(&probe, &args) != RC_OK)
		return RC_NONE;
	snprintf(s->tag, sizeof(s->tag), "%.*s", FMT(slice_head(tag, IMAP_TAG_MAX)));
	s->command = imap_command_find(word);
	buf_reset(&s->cmd);
	enum rc rc = begin(s, &x, name, why);
	if (rc == RC_DENIED && why->id == FAULT_MAILBOX_UNKNOWN)
		snprintf(s->code, sizeof(s->code), "[TRYCREATE] ");
	return rc == RC_NONE ? RC_BAD : rc;
}

/* What comes is thrown away from here on; in the end the command is refused. */
static void refuse(struct imap_session *s, enum rc rc, const struct fault *why)
{
	s->refused = arena_new(&s->arena, sizeof(*s->refused));
	*s->refused = *why;
	s->refused_rc = rc;
	mail_intake_done(&s->append->last->in, false);
	buf_done(&s->body);
}

static void take(struct imap_session *s, struct slice bytes)
{
	struct fault why = { 0 };
	enum rc rc = mail_intake_add(&s->append->last->in, bytes, &why);
	if (rc != RC_OK)
		refuse(s, rc, &why);
}

static void message_done(struct imap_session *s)
{
	struct fault why = { 0 };
	struct imap_append_work *w = s->append;
	struct mail_intake *in = &w->last->in;
	enum rc rc = mail_intake_end(in, w->kept > KEPT_MOST, &s->arena, &why);
	w->kept += in->up.packed.len;
	if (rc != RC_OK)
		refuse(s, rc, &why);
}

enum step imap_step_body(struct task *t)
{
	struct imap_session *s = conn_of(t)->session;
	struct slice bytes;
	if (imap_too_slow(s))
		return STEP_CLOSE;
	while (s->literal_left) {
		size_t max = s->literal_left < 262144 ? (size_t)s->literal_left : 262144;
		enum rc rc = conn_bytes(s->conn, max, &bytes);
		if (rc == RC_MORE)
			return STEP_PARK;
		if (rc != RC_OK)
			return STEP_CLOSE;
		s->literal_left -= bytes.len;
		if (!s->refused)
			take(s, bytes);
	}
	if (!s->refused)
		message_done(s);
	t->step = imap_step_line;
	return STEP_MORE;
}

/* What stands behind a message: nothing, ")" of UTF8, or another message. */
enum rc imap_append_next(struct imap_session *s, struct slice line, struct fault *why)
{
	struct imap_lex x;
	TRY(keep(s, &x, line));
	if (s->append->last->args.is_utf8)
		TRY(imap_lex_char(&x, ')'));
	if (imap_lex_at_end(&x)) {
		s->conn->task.step = imap_step_run;
		return RC_OK;
	}
	TRY(imap_lex_space(&x));
	return add_message(s, &x, why);
}

static enum rc store(struct imap_session *s, struct mail_change *ch, struct fault *why)
{
	struct imap_append_work *w = s->append;
	ranges_clear(&s->touched);
	for (struct message *m = w->first; m; m = m->next) {
		const struct mail_parsed *parsed = &m->in.parsed;
		struct mail_new msg = { .blob = m->in.up.ref,
			.record = parsed->record,
			.size = m->args.literal.size,
			.received = m->args.has_date ? m->args.date : run_unix(s->conn->task.run),
			.flags = m->args.flags.system & MAIL_FLAGS_ALL,
			.keywords = m->args.flags.keywords,
			.keywords_n = m->args.flags.n,
			.msgid_hash = parsed->msgid_hash,
			.ref_hash = parsed->ref_hash,
			.ref_n = parsed->ref_n };
		uint32_t uid;
		TRY(mail_change_append(ch, w->box.id, &msg, &uid, why));
		TRY(blob_upload_store(&m->in.up, &s->batch, why));
		TRY(ranges_add(&s->touched, uid, uid));
	}
	return RC_OK;
}

enum rc imap_cmd_append(struct imap_session *s, struct fault *why)
{
	struct imap_append_work *w = s->append;
	struct buf b;
	if (!w)
		return RC_BAD; /* no literal */
	TRY(imap_change_follow(s, store, why));
	w->is_stored = true;
	buf_init(&b, 0, &s->arena);
	buf_fmt(&b, "[APPENDUID %u ", w->box.uid_validity);
	ranges_text(&s->touched, &b);
	buf_str(&b, "] ");
	s->long_code = buf_slice(&b);
	return RC_OK;
}
