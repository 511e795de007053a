/* post.c: The envelope: beginning a message and checking its recipients. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "post/post.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/must.h"
#include "base/random.h"
#include "mail/mail.h"
#include "post/post_int.h"
#include "run/run.h"
#include <inttypes.h>

enum { ENVELOPE_MAX = 16 * 1024 * 1024, HOPS_MAX = 50 };

struct post *post_new(const struct post_deps *deps)
{
	struct post *post = mem_new(MEM_OTHER, sizeof(*post));
	post->deps = *deps;
	atomic_store(&post->next_id, random_below(1 << 24)); /* a reload makes another one */
	post->deps.hops_max = deps->hops_max ? deps->hops_max : HOPS_MAX;
	return post;
}

void post_free(struct post **post)
{
	mem_free(MEM_OTHER, *post);
	*post = NULL;
}

const struct post_deps *post_deps(const struct post *post)
{
	return &post->deps;
}

struct post_mail *post_begin(
	struct post *post, const struct post_source *src, const struct post_envelope *env)
{
	struct post_mail *m = mem_new(MEM_SESSION, sizeof(*m));
	m->post = post;
	m->src = src;
	arena_init(&m->arena, ENVELOPE_MAX);
	arena_init(&m->work, 0);
	buf_init(&m->head, 64 * 1024, NULL);
	buf_init(&m->held, 0, NULL);
	buf_init(&m->frame, 0, NULL);
	m->env = *env;
	if (arena_copy(&m->arena, env->sender, &m->env.sender) != RC_OK ||
		arena_copy(&m->arena, env->envid, &m->env.envid) != RC_OK)
		m->refused = true;
	uint64_t seq = atomic_fetch_add_explicit(&post->next_id, 1, memory_order_relaxed);
	snprintf(m->id, sizeof(m->id), "t%010" PRIx64 "%06" PRIx64,
		(uint64_t)run_unix(post->deps.run), seq & 0xffffff);
	return m;
}

static void leave_all(struct post_mail *m)
{
	for (size_t i = 0; i < m->targets_n; i++) {
		account_leave(&m->targets[i].visit);
		mail_close(&m->targets[i].ma);
	}
	m->targets_n = m->entered = 0;
}

void post_drop(struct post_mail **ref)
{
	struct post_mail *m = *ref;
	*ref = NULL;
	if (!m)
		return;
	/* A batch under way is the committer's: a session ends only after its commit was answered. */
	must(m->stage != POST_COMMITTING || m->committed);
	leave_all(m);
	post_body_drop(m);
	arena_done(&m->work);
	arena_done(&m->arena);
	mem_free(MEM_SESSION, m);
}

struct slice post_id(const struct post_mail *m)
{
	return slice_str(m->id);
}

bool post_is_binary(const struct post_mail *m)
{
	return m->env.body_binary;
}

size_t post_rcpts(const struct post_mail *m, const struct post_rcpt **out)
{
	*out = m->rcpts;
	return m->rcpts_n;
}

/* A mailbox over its quota refuses at RCPT already, when nothing was sent yet. */
static enum rc check_quota(struct post_mail *m, uint32_t account, struct fault *why)
{
	struct dir_principal p;
	struct mail_account *ma;
	TRY(dir_principal(m->post->deps.dir, account, &m->arena, &p, why));
	if (p.quota_bytes == 0)
		return RC_OK;
	TRY(mail_open(m->post->deps.mail, account, &ma, why));
	bool full = mail_bytes(ma) >= p.quota_bytes;
	mail_close(&ma);
	return full ? fault_set(why, FAULT_QUOTA, "%s", "") : RC_OK;
}

static enum rc look_up(struct post_mail *m, struct post_rcpt *r, struct fault *why)
{
	TRY(dir_lookup_rcpt(m->post->deps.dir, r->address, &m->arena, &r->to, why));
	bool away = r->to.route == DIR_REMOTE;
	if (away && !m->src->may_relay)
		return fault_set(why, FAULT_RELAY_DENIED, "%s", "");
	if (away && m->env.body_binary) /* RFC 3030 3: it would have to be encoded anew */
		return fault_set(why, FAULT_RELAY_DENIED,
			"a binary body is not passed on; send it as base64");
	if ((away || r->to.nremote) && !m->post->deps.queue)
		return fault_set(why, FAULT_RELAY_DENIED, "this server does not relay");
	if (!away && r->to.n == 1)
		return check_quota(m, r->to.ids[0], why);
	return RC_OK;
}

static enum rc grow(struct post_mail *m, struct fault *why)
{
	if (m->rcpts_n < m->rcpts_cap)
		return RC_OK;
	size_t cap = m->rcpts_cap ? m->rcpts_cap * 2 : 4;
	struct post_rcpt *p = arena_try_array(&m->arena, cap, sizeof(*p));
	if (!p)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	for (size_t i = 0; i < m->rcpts_n; i++)
		p[i] = m->rcpts[i];
	m->rcpts = p;
	m->rcpts_cap = cap;
	return RC_OK;
}

static enum rc add(struct post_mail *m, struct slice address, struct slice orcpt, unsigned notify,
	struct fault *why)
{
	struct post_rcpt r = { .notify = notify };
	if (m->rcpts_n >= m->post->deps.rcpt_max)
		return fault_set(why, FAULT_TOO_MANY_RCPT, "%s", "");
	TRY(grow(m, why));
	if (arena_copy(&m->arena, address, &r.address) != RC_OK ||
		arena_copy(&m->arena, orcpt, &r.orcpt) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(look_up(m, &r, why));
	m->rcpts[m->rcpts_n++] = r;
	return RC_OK;
}

enum rc post_rcpt_add(struct post_mail *m, struct slice address, struct slice orcpt,
	unsigned notify, struct fault *why)
{
	enum rc rc = add(m, address, orcpt, notify, why);
	if (rc != RC_OK)
		event_log(EVENT_SMTP_RCPT_REFUSED, f_slice("trace", post_id(m)),
			f_slice("rcpt", address), f_slice("from", m->env.sender),
			f_slice("peer", m->src->peer), f_str("why", fault_text(why)));
	return rc;
}
