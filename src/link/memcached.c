/* memcached.c: Which server has a key, and one request to it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/memcached.h"
#include "base/mem.h"
#include "link/address.h"
#include "link/pool.h"
#include "link/stream.h"
#include "run/run.h"
#include <poll.h>
#include <string.h>

enum { PORT = 11211, SERVERS_MAX = 64, VALUE_MAX = 1024 * 1024, PAUSE_MS = 20 };

struct server {
	struct memcached *all;
	struct address at;
	struct pool *pool;
	uint64_t salt;
};

struct memcached {
	struct memcached_conf conf;
	struct tls *tls;
	size_t n;
	struct server servers[SERVERS_MAX];
};

static uint64_t digest(struct slice s)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.at[i]) * 0x100000001b3u;
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	return h ^ h >> 31;
}

/* Rendezvous: another server takes its share, and the rest stays where it is. */
static struct server *server_of(struct memcached *m, struct slice key)
{
	uint64_t h = digest(key), most = 0;
	struct server *best = &m->servers[0];
	for (size_t i = 0; i < m->n; i++) {
		uint64_t both = h ^ m->servers[i].salt;
		uint64_t weight = digest(slice_of(&both, sizeof(both)));
		if (i == 0 || weight > most) {
			most = weight;
			best = &m->servers[i];
		}
	}
	return best;
}

/* ---- opening ---- */

static enum rc open_one(void *arg, uint64_t deadline_ms, void **connection, struct fault *why)
{
	struct server *s = arg;
	struct stream *stream;
	struct stream_target to = { .host = s->at.host,
		.port = s->at.port,
		.tls = s->all->tls,
		.allow_invalid = s->all->conf.tls_allow_invalid };
	TRY(stream_open(&to, deadline_ms, &stream, why));
	*connection = stream;
	return RC_OK;
}

static void close_one(void *connection)
{
	struct stream *s = connection;
	stream_close(&s);
}

static enum rc add_server(struct memcached *m, const char *url, struct fault *why)
{
	static const struct pool_kind kind = { open_one, close_one };
	char name[290];
	struct server *s = &m->servers[m->n];
	if (address_read(slice_str(url), PORT, &s->at) != RC_OK ||
		(s->at.scheme[0] && strcmp(s->at.scheme, "memcached") != 0))
		return fault_set(why, FAULT_CONFIG, "\"%s\" is no URL of Memcached", url);
	snprintf(name, sizeof(name), "memcached %s:%u", s->at.host, s->at.port);
	s->all = m;
	s->salt = digest(slice_str(name));
	s->pool = pool_new(&(struct pool_conf){
		.kind = &kind, .arg = s, .name = name, .most = m->conf.connections });
	m->n++;
	return RC_OK;
}

enum rc memcached_new(const struct memcached_conf *conf, struct memcached **out, struct fault *why)
{
	if (conf->urls_n == 0 || conf->urls_n > SERVERS_MAX)
		return fault_set(why, FAULT_CONFIG, "1 to %d URLs are wanted", SERVERS_MAX);
	struct memcached *m = mem_new(MEM_OTHER, sizeof(*m));
	m->conf = *conf;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < conf->urls_n; i++)
		rc = add_server(m, conf->urls[i], why);
	if (rc == RC_OK && conf->tls)
		rc = tls_new(NULL, 0, &m->tls, why);
	if (rc == RC_OK && conf->tls && conf->tls_ca[0])
		rc = tls_trust(m->tls, conf->tls_ca, why);
	if (rc != RC_OK)
		memcached_free(&m);
	*out = m;
	return rc;
}

void memcached_free(struct memcached **ref)
{
	struct memcached *m = *ref;
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		pool_free(&m->servers[i].pool);
	tls_free(&m->tls);
	mem_free(MEM_OTHER, m);
	*ref = NULL;
}

/* ---- calling ---- */

/* One request, and for how long it may take. */
struct ask {
	struct server *server;
	struct slice request;
	uint64_t deadline_ms;
	struct arena *a;
};

static enum rc exchange(
	const struct ask *q, struct stream *s, struct memcached_reply *out, struct fault *why)
{
	struct buf in;
	buf_init(&in, 2 * VALUE_MAX, q->a);
	TRY(stream_write(s, q->request, q->deadline_ms, why));
	while (true) {
		struct slice rest = buf_slice(&in);
		enum rc rc = memcached_parse(&rest, VALUE_MAX, out);
		if (rc == RC_OK && rest.len == 0)
			return RC_OK;
		if (rc != RC_MORE)
			return fault_set(why, FAULT_STORE, "%s:%u: not an answer of Memcached",
				q->server->at.host, q->server->at.port);
		TRY(stream_read(s, &in, q->deadline_ms, why));
	}
}

static enum rc once(
	const struct ask *q, bool *is_stale, struct memcached_reply *out, struct fault *why)
{
	void *connection;
	bool is_used;
	*is_stale = false;
	TRY(pool_take(q->server->pool, q->deadline_ms, &connection, &is_used, why));
	struct stream *s = connection;
	enum rc rc = is_used && stream_is_stale(s)
			     ? fault_set(why, FAULT_STORE, "closed by the server")
			     : exchange(q, s, out, why);
	if (rc == RC_OK) {
		pool_put(q->server->pool, s);
		return RC_OK;
	}
	*is_stale = is_used && !stream_is_late(s);
	if (rc == RC_TEMP && !*is_stale)
		pool_fail(q->server->pool, s, why);
	else
		pool_drop(q->server->pool, s, false);
	return rc;
}

/* False: it is left alone, or there is no time. */
static bool rest(const struct ask *q, unsigned failures)
{
	struct pool_stats stats;
	uint64_t pause = (uint64_t)PAUSE_MS << (failures < 5 ? failures : 5);
	pool_stats(q->server->pool, &stats);
	if (stats.is_broken || run_now_ms(NULL) + pause >= q->deadline_ms)
		return false;
	poll(NULL, 0, (int)pause);
	return true;
}

enum rc memcached_call(struct memcached *m, struct slice key, const struct buf *request,
	struct arena *a, struct memcached_reply *out, struct fault *why)
{
	const struct ask q = { .server = server_of(m, key),
		.request = buf_slice(request),
		.deadline_ms = run_now_ms(NULL) + m->conf.timeout_ms,
		.a = a };
	struct fault unused;
	unsigned failures = 0, stale = 0;
	why = why ? why : &unused; /* a pool remembers it */
	enum rc rc;
	if (request->over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	while (true) {
		bool is_stale;
		rc = once(&q, &is_stale, out, why);
		if (rc != RC_TEMP)
			break;
		if (is_stale && stale++ < m->conf.connections)
			continue;
		if (failures++ >= m->conf.retries || !rest(&q, failures))
			break;
	}
	if (rc == RC_OK && out->code == MEMCACHED_ERROR)
		rc = fault_set(why, FAULT_STORE, "Memcached: %.*s", FMT(out->text));
	return rc;
}
