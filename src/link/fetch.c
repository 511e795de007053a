/* fetch.c: HTTP requests over libcurl. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/fetch.h"
#include "base/mem.h"
#include "base/must.h"
#include "link/pool.h"
#include "run/run.h"
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CONNECT_MS = 5000, UPLOAD_BYTES = 65536, RECEIVE_BYTES = 65536 };

struct fetch {
	struct pool *pool;
	char *name, *ca;
	uint64_t connect_ms;
	bool allow_invalid;
};

/* What libcurl's calls back know of the call. */
struct under_way {
	struct fetch_call *call;
	uint64_t sent;
	bool failed; /* our side: a file that cannot be read, a body over its limit */
};

/* --- connections: an easy handle keeps one --- */

static enum rc begin(void *arg, uint64_t deadline_ms, void **connection, struct fault *why)
{
	CURL *easy = curl_easy_init();
	(void)arg;
	(void)deadline_ms;
	if (!easy)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	*connection = easy;
	return RC_OK;
}

static void end(void *connection)
{
	curl_easy_cleanup(connection);
}

static const struct pool_kind kind = { .open = begin, .close = end };

struct fetch *fetch_new(const struct fetch_conf *conf)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	struct fetch *f = mem_new(MEM_OTHER, sizeof(*f));
	f->name = mem_str(MEM_OTHER, conf->name);
	f->ca = mem_str(MEM_OTHER, conf->ca ? conf->ca : "");
	f->connect_ms = conf->connect_ms ? conf->connect_ms : CONNECT_MS;
	f->allow_invalid = conf->allow_invalid;
	struct pool_conf p = { .kind = &kind, .name = f->name, .most = conf->most };
	f->pool = pool_new(&p);
	return f;
}

void fetch_free(struct fetch **ref)
{
	struct fetch *f = *ref;
	if (!f)
		return;
	pool_free(&f->pool);
	mem_free(MEM_OTHER, f->name);
	mem_free(MEM_OTHER, f->ca);
	mem_free(MEM_OTHER, f);
	*ref = NULL;
	curl_global_cleanup();
}

/* --- one call --- */

static size_t send_more(char *at, size_t size, size_t n, void *ctx)
{
	struct under_way *u = ctx;
	const struct fetch_body *b = u->call->body;
	uint64_t left = b->len - u->sent;
	size_t len = size * n < left ? size * n : (size_t)left;
	if (b->at) {
		memcpy(at, b->at + u->sent, len);
		u->sent += len;
		return len;
	}
	ssize_t got;
	do
		got = pread(b->fd, at, len, (off_t)u->sent);
	while (got < 0 && errno == EINTR);
	if (got < 0 || (got == 0 && len)) {
		u->failed = true;
		return CURL_READFUNC_ABORT;
	}
	u->sent += (uint64_t)got;
	return (size_t)got;
}

static int send_again(void *ctx, curl_off_t offset, int origin)
{
	struct under_way *u = ctx;
	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	u->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t take_body(char *at, size_t size, size_t n, void *ctx)
{
	struct under_way *u = ctx;
	buf_add(u->call->out, slice_of(at, size * n));
	u->failed |= u->call->out->over;
	return u->failed ? 0 : size * n;
}

static size_t take_field(char *at, size_t size, size_t n, void *ctx)
{
	struct under_way *u = ctx;
	buf_add(u->call->head, slice_of(at, size * n));
	return size * n;
}

static struct curl_slist *list_fields(const char *const *fields)
{
	struct curl_slist *list = NULL;
	for (; *fields; fields++) {
		struct curl_slist *more = curl_slist_append(list, *fields);
		if (!more) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = more;
	}
	return list;
}

static void set_connection(CURL *easy, const struct fetch *f, uint64_t left_ms)
{
	uint64_t connect_ms = f->connect_ms < left_ms ? f->connect_ms : left_ms;
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	if (f->ca[0])
		curl_easy_setopt(easy, CURLOPT_CAINFO, f->ca);
	if (f->allow_invalid) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_call(CURL *easy, struct under_way *u, struct curl_slist *fields)
{
	const struct fetch_call *c = u->call;
	curl_easy_setopt(easy, CURLOPT_URL, c->url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, u);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_field);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, u);
	if (strcmp(c->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (c->body) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)c->body->len);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, send_more);
		curl_easy_setopt(easy, CURLOPT_READDATA, u);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, send_again);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, u);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, c->method);
}

static enum rc perform(struct fetch *f, CURL *easy, struct fetch_call *c, struct fault *why)
{
	char text[CURL_ERROR_SIZE] = "";
	long status = 0;
	struct under_way u = { .call = c };
	uint64_t now = run_now_ms(NULL);
	struct curl_slist *fields = list_fields(c->fields);
	CURLcode code = fields ? CURLE_OK : CURLE_OUT_OF_MEMORY;
	curl_easy_reset(easy); /* the connection stays */
	if (c->deadline_ms <= now)
		code = CURLE_OPERATION_TIMEDOUT;
	if (code == CURLE_OK) {
		set_connection(easy, f, c->deadline_ms - now);
		set_call(easy, &u, fields);
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, text);
		code = curl_easy_perform(easy);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
	}
	curl_slist_free_all(fields);
	c->status = (unsigned)status;
	if (code == CURLE_OK && status)
		return RC_OK;
	if (u.failed || code == CURLE_OUT_OF_MEMORY)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	return fault_set(
		why, FAULT_STORE, "%s: %s", f->name, text[0] ? text : curl_easy_strerror(code));
}

enum rc fetch_do(struct fetch *f, struct fetch_call *c, struct fault *why)
{
	void *easy;
	c->status = 0;
	TRY(pool_take(f->pool, c->deadline_ms, &easy, NULL, why));
	enum rc rc = perform(f, easy, c, why);
	if (rc == RC_OK)
		pool_put(f->pool, easy);
	else
		pool_drop(f->pool, easy, rc == RC_TEMP);
	return rc;
}

bool fetch_field(struct slice head, const char *name, struct slice *value)
{
	struct slice want = slice_str(name);
	while (head.len) {
		struct slice line = slice_split(&head, '\n');
		struct slice key = slice_head(line, slice_find(line, ':'));
		if (key.len < line.len && slice_eq_nocase(slice_trim(key), want)) {
			*value = slice_trim(slice_tail(line, key.len + 1));
			return true;
		}
	}
	return false;
}
