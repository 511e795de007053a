/* redis_node.c: Connections to one server: greeting, log-in, one command at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "link/redis_int.h"
#include "run/run.h"
#include <string.h>

/* One exchange after the other. */
struct talk {
	struct stream *stream;
	uint64_t deadline_ms;
	struct arena *a;
};

/* A whole reply; what was not asked for is passed over. */
static enum rc receive(const struct talk *t, struct resp *out, struct fault *why)
{
	struct buf in;
	size_t done = 0;
	buf_init(&in, REDIS_REPLY_MAX, t->a);
	while (true) {
		struct slice rest = slice_tail(buf_slice(&in), done);
		enum rc rc = resp_parse(&rest, REDIS_REPLY_MAX, t->a, out);
		if (rc == RC_MORE) {
			TRY(stream_read(t->stream, &in, t->deadline_ms, why));
			continue;
		}
		if (rc != RC_OK)
			return fault_set(why, FAULT_STORE, "the answer is not RESP, or too long");
		done = in.len - rest.len;
		if (out->type == RESP_PUSH)
			continue;
		return rest.len == 0 ? RC_OK
				     : fault_set(why, FAULT_STORE, "more was answered than asked");
	}
}

static enum rc exchange(const struct talk *t, const struct slice *words, size_t n, struct resp *out,
	struct fault *why)
{
	struct buf b;
	buf_init(&b, 0, t->a);
	resp_command(&b, words, n);
	if (b.over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(stream_write(t->stream, buf_slice(&b), t->deadline_ms, why));
	return receive(t, out, why);
}

/* ---- a new connection ---- */

static enum rc refused(const struct address *at, const struct resp *r, struct fault *why)
{
	return fault_set(why, FAULT_STORE, "%s:%u: %.*s", at->host, at->port, FMT(r->text));
}

static enum rc must_take(const struct talk *t, const struct slice *words, size_t n,
	const struct address *at, struct fault *why)
{
	struct resp r;
	TRY(exchange(t, words, n, &r, why));
	return r.type == RESP_ERROR ? refused(at, &r, why) : RC_OK;
}

/* HELLO does it all; servers before 6.0 do not know it. */
static enum rc greet(
	const struct talk *t, unsigned protocol, const struct address *at, struct fault *why)
{
	struct slice user = slice_str(at->user), secret = slice_str(at->secret);
	const struct slice hello[] = { S("HELLO"), S("3"), S("AUTH"),
		user.len ? user : S("default"), secret };
	const struct slice auth[] = { S("AUTH"), user.len ? user : secret, secret };
	struct resp r = { .type = RESP_ERROR };
	if (protocol == 3) {
		TRY(exchange(t, hello, secret.len ? 5 : 2, &r, why));
		if (r.type != RESP_ERROR)
			return RC_OK;
		if (!resp_is_error(&r, S("ERR")) && !resp_is_error(&r, S("NOPROTO")))
			return refused(at, &r, why);
	}
	return secret.len ? must_take(t, auth, user.len ? 3 : 2, at, why) : RC_OK;
}

/* Sentinel's answer may be older than a fail-over. */
static enum rc must_be_master(const struct talk *t, const struct address *at, struct fault *why)
{
	const struct slice role[] = { S("ROLE") };
	struct resp r;
	TRY(exchange(t, role, 1, &r, why));
	if (r.type == RESP_ERROR)
		return refused(at, &r, why);
	if (r.type != RESP_ARRAY || r.n < 1 || !slice_eq(r.items[0].text, S("master")))
		return fault_set(why, FAULT_STORE, "%s:%u is no master", at->host, at->port);
	return RC_OK;
}

static enum rc prepare(struct redis *r, const struct talk *t, const struct address *at,
	bool is_data, struct fault *why)
{
	char number[16];
	const struct slice readonly[] = { S("READONLY") };
	TRY(greet(t, r->conf.protocol, at, why));
	if (!is_data)
		return RC_OK;
	if (at->database) {
		snprintf(number, sizeof(number), "%u", at->database);
		const struct slice select[] = { S("SELECT"), slice_str(number) };
		TRY(must_take(t, select, 2, at, why));
	}
	if (r->conf.is_cluster && r->conf.reads_from_replicas)
		TRY(must_take(t, readonly, 1, at, why));
	return r->conf.master[0] ? must_be_master(t, at, why) : RC_OK;
}

/* `is_data`: for commands of users, not for a question about who is who. */
static enum rc dial(struct redis *r, const struct address *at, bool is_data, uint64_t deadline_ms,
	struct stream **out, struct fault *why)
{
	struct arena a;
	struct stream_target to = { .host = at->host,
		.port = at->port,
		.tls = r->tls,
		.allow_invalid = r->conf.tls_allow_invalid };
	TRY(stream_open(&to, deadline_ms, out, why));
	arena_init(&a, 0);
	struct talk t = { *out, deadline_ms, &a };
	enum rc rc = prepare(r, &t, at, is_data, why);
	arena_done(&a);
	if (rc != RC_OK)
		stream_close(out);
	return rc;
}

static enum rc open_one(void *arg, uint64_t deadline_ms, void **connection, struct fault *why)
{
	struct redis_node *node = arg;
	struct stream *s = NULL;
	TRY(dial(node->redis, &node->at, true, deadline_ms, &s, why));
	*connection = s;
	return RC_OK;
}

static void close_one(void *connection)
{
	struct stream *s = connection;
	stream_close(&s);
}

struct redis_node *redis_node_new(struct redis *r, const struct address *at)
{
	static const struct pool_kind kind = { open_one, close_one };
	char name[280];
	struct redis_node *node = mem_new(MEM_OTHER, sizeof(*node));
	node->redis = r;
	node->at = *at;
	snprintf(name, sizeof(name), "redis %s:%u", at->host, at->port);
	node->pool = pool_new(&(struct pool_conf){
		.kind = &kind, .arg = node, .name = name, .most = r->conf.connections });
	return node;
}

void redis_node_free(struct redis_node **node)
{
	if (!*node)
		return;
	pool_free(&(*node)->pool);
	mem_wipe((*node)->at.secret, sizeof((*node)->at.secret));
	mem_free(MEM_OTHER, *node);
	*node = NULL;
}

/* ---- a command ---- */

static enum rc command(struct stream *s, struct redis_try *t, struct fault *why)
{
	const struct slice asking[] = { S("ASKING") };
	struct talk talk = { s, t->deadline_ms, t->a };
	if (t->is_asking)
		TRY(exchange(&talk, asking, 1, &t->reply, why));
	return exchange(&talk, t->command->words, t->command->n, &t->reply, why);
}

enum rc redis_node_try(struct redis_node *node, struct redis_try *t, struct fault *why)
{
	void *connection;
	bool is_used;
	t->is_stale = false;
	TRY(pool_take(node->pool, t->deadline_ms, &connection, &is_used, why));
	struct stream *s = connection;
	if (is_used && stream_is_stale(s)) {
		pool_drop(node->pool, s, false);
		t->is_stale = true;
		return fault_set(why, FAULT_STORE, "%s:%u: closed by the server", node->at.host,
			node->at.port);
	}
	enum rc rc = command(s, t, why);
	if (rc != RC_OK) {
		t->is_stale = is_used && !stream_is_late(s);
		if (rc == RC_TEMP && !t->is_stale)
			pool_fail(node->pool, s, why);
		else
			pool_drop(node->pool, s, false);
		return rc;
	}
	/* who is not the master any more: other connections to it are of no use either */
	if (resp_is_error(&t->reply, S("READONLY"))) {
		pool_drop(node->pool, s, false);
		pool_clear(node->pool);
	} else {
		pool_put(node->pool, s);
	}
	return RC_OK;
}

enum rc redis_ask(struct redis *r, const struct address *at, struct redis_try *t, struct fault *why)
{
	struct stream *s = NULL;
	uint64_t most = run_now_ms(NULL) + REDIS_ASK_MS;
	if (t->deadline_ms > most)
		t->deadline_ms = most;
	TRY(dial(r, at, false, t->deadline_ms, &s, why));
	enum rc rc = command(s, t, why);
	stream_close(&s);
	return rc;
}
