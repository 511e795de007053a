/* login.c: Dialogues of log-in in a running run time, over a directory in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth.h"
#include "base/mem.h"
#include "groups.h"
#include "run/run.h"
#include "wire/sasl.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { LINES_MOST = 6, DELAY_MS = 30, HASH_BYTES = 30 << 20 };

/* A client: gives the next line whenever it is asked, and keeps how it ended. */
struct client {
	struct task task; /* first */
	struct auth *auth;
	struct auth_peer peer;
	struct client *kept_next;
	struct auth_session s;
	const char *mech; /* NULL: auth_plain with lines[0] and lines[1] */
	const char *lines[LINES_MOST]; /* base64 is made of them; NULL ends */
	size_t at;
	/* SCRAM: the password; the client's messages are made as it goes */
	const char *scram_pass, *user;
	struct slice binding;
	const char *binding_name;
	struct arena arena;
	struct slice bare, first;
	/* the end */
	enum rc rc;
	struct fault why;
	bool is_done, has_signature;
	pthread_mutex_t lock;
	pthread_cond_t done;
};

struct world {
	struct data *data;
	struct dir *dir;
	struct run *run;
	struct auth *auth, *lenient;
	uint32_t ann;
	struct fault why;
};

static struct slice coded(struct arena *a, struct slice in)
{
	struct buf b;
	buf_init(&b, 0, a);
	crypto_base64(in, &b);
	return buf_slice(&b);
}

static struct slice scram_first(struct client *c)
{
	struct sasl_scram_first m = { .binding = c->binding_name ? SASL_BIND_USED : SASL_BIND_NOT,
		.binding_name = slice_str(c->binding_name),
		.user = slice_str(c->user),
		.nonce = S("clientnonce") };
	struct buf b;
	size_t at;
	buf_init(&b, 0, &c->arena);
	sasl_scram_first_write(&m, &b, &at);
	c->bare = slice_tail(buf_slice(&b), at);
	c->first = slice_head(buf_slice(&b), at);
	return buf_slice(&b);
}

static struct slice scram_final(struct client *c, struct slice challenge)
{
	struct sasl_scram_challenge ch;
	struct scram_keys keys = { 0 };
	struct buf gs2, b, said;
	uint8_t proof[SCRAM_LEN];
	size_t len;
	assert_int_equal(sasl_scram_challenge_parse(challenge, &ch), RC_OK);
	assert_int_equal(crypto_unbase64(ch.salt, sizeof(keys.salt), keys.salt, &len), RC_OK);
	keys.salt_len = (uint8_t)len;
	keys.rounds = ch.rounds;
	buf_init(&gs2, 0, &c->arena);
	buf_add(&gs2, c->first);
	buf_add(&gs2, c->binding);
	buf_init(&b, 0, &c->arena);
	sasl_scram_final_write(coded(&c->arena, buf_slice(&gs2)), ch.nonce, &b);
	buf_init(&said, 0, &c->arena);
	buf_fmt(&said, "%.*s,%.*s,%.*s", FMT(c->bare), FMT(challenge), FMT(buf_slice(&b)));
	assert_int_equal(
		scram_proof(slice_str(c->scram_pass), &keys, buf_slice(&said), proof), RC_OK);
	sasl_scram_proof_write(coded(&c->arena, slice_of(proof, SCRAM_LEN)), &b);
	return buf_slice(&b);
}

static struct slice next_line(struct client *c, struct slice reply)
{
	uint8_t *room = arena_new(&c->arena, 2048);
	size_t len = 0;
	if (!c->scram_pass)
		return coded(&c->arena, slice_str(c->lines[c->at++]));
	if (c->at++ == 0)
		return coded(&c->arena, scram_first(c));
	assert_int_equal(crypto_unbase64(reply, 2048, room, &len), RC_OK);
	if (c->at == 2)
		return coded(&c->arena, scram_final(c, slice_of(room, len)));
	c->has_signature = slice_starts(slice_of(room, len), S("v="));
	return S("");
}

static enum step ended(struct client *c, enum rc rc)
{
	pthread_mutex_lock(&c->lock);
	c->rc = rc;
	c->is_done = true;
	pthread_cond_signal(&c->done);
	pthread_mutex_unlock(&c->lock);
	return STEP_CLOSE;
}

static enum step go_on(struct task *t)
{
	struct client *c = (struct client *)t;
	struct buf reply;
	buf_init(&reply, 4096, run_step_arena(t->run));
	enum rc rc = auth_step(&c->s, S(""), &reply, &c->why);
	while (rc == RC_MORE) {
		struct slice line = next_line(c, buf_slice(&reply));
		buf_reset(&reply);
		rc = auth_step(&c->s, line, &reply, &c->why);
	}
	return rc == RC_WAIT ? STEP_PARK : ended(c, rc);
}

static enum step begin(struct task *t)
{
	struct client *c = (struct client *)t;
	struct buf reply;
	enum rc rc;
	buf_init(&reply, 4096, run_step_arena(t->run));
	t->step = go_on;
	if (!c->mech) {
		rc = auth_plain(
			&c->s, &c->peer, slice_str(c->lines[0]), slice_str(c->lines[1]), &c->why);
		return rc == RC_WAIT ? STEP_PARK : ended(c, rc);
	}
	rc = auth_start(&c->s, &c->peer, &(struct auth_first){ .mech = slice_str(c->mech) }, &reply,
		&c->why);
	while (rc == RC_MORE) {
		struct slice line = next_line(c, buf_slice(&reply));
		buf_reset(&reply);
		rc = auth_step(&c->s, line, &reply, &c->why);
	}
	return rc == RC_WAIT ? STEP_PARK : ended(c, rc);
}

static void dropped(struct task *t)
{
	struct client *c = (struct client *)t;
	auth_cancel(&c->s);
}

static const struct step_row steps[] = { { begin, "begin" }, { go_on, "go on" } };
static const struct task_kind kind = { "client", steps, 2, dropped };

static void start(struct world *w, struct client *c)
{
	c->auth = w->auth;
	c->peer = (struct auth_peer){ .auth = c->auth,
		.task = &c->task,
		.door = S("test"),
		.address = S("192.0.2.1"),
		.is_private = true };
	if (c->binding_name)
		c->peer.tls_exporter = S("thirty-two octets of the exporter");
	arena_init(&c->arena, 0);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->done, NULL);
	task_init(&c->task, w->run, &kind, begin);
	task_start(&c->task);
}

static enum rc wait_for(struct client *c)
{
	pthread_mutex_lock(&c->lock);
	while (!c->is_done)
		pthread_cond_wait(&c->done, &c->lock);
	pthread_mutex_unlock(&c->lock);
	arena_done(&c->arena);
	return c->rc;
}

/* Runs the dialogue to its end. */
static enum rc log_in(struct world *w, struct client *c)
{
	start(w, c);
	return wait_for(c);
}

/* The client outlives its task, which the run time drops soon after its end. */
static struct client *client_new(void)
{
	static struct client *kept; /* until the program ends */
	struct client *c = mem_new(MEM_OTHER, sizeof(*c));
	c->kept_next = kept;
	kept = c;
	return c;
}

static enum rc by_password(struct world *w, const char *user, const char *pass)
{
	struct client *c = client_new();
	c->lines[0] = user;
	c->lines[1] = pass;
	return log_in(w, c);
}

static enum rc by_scram(struct world *w, const char *user, const char *pass)
{
	struct client *c = client_new();
	c->mech = "SCRAM-SHA-256";
	c->user = user;
	c->scram_pass = pass;
	enum rc rc = log_in(w, c);
	assert_true(c->has_signature == (rc == RC_OK));
	return rc;
}

static void set_password(struct world *w, const char *pass)
{
	struct arena a;
	struct slice hash;
	struct scram_keys keys;
	arena_init(&a, 0);
	assert_int_equal(auth_new_password(slice_str(pass), &a, &hash, &keys), RC_OK);
	assert_int_equal(dir_set_password(w->dir, w->ann, hash, &keys, &w->why), RC_OK);
	arena_done(&a);
}

static int open_world(void **state)
{
	struct world *w = mem_new(MEM_OTHER, sizeof(*w));
	struct data_options options = { .type = "memory" };
	struct dir_new ann = { .kind = DIR_ACCOUNT, .address = S("ann@example.org") };
	assert_int_equal(data_open(&options, &w->data, &w->why), RC_OK);
	w->dir = dir_new(w->data, 1 << 20);
	w->run = run_new(&(struct run_conf){ .seats = 2 });
	w->auth = auth_new(&(struct auth_deps){ .dir = w->dir,
		.run = w->run,
		.terms.cache_bytes = 4096,
		.terms.hash_bytes = HASH_BYTES,
		.terms.delay_ms = DELAY_MS });
	w->lenient = auth_new(&(struct auth_deps){ .dir = w->dir,
		.run = w->run,
		.terms.cache_bytes = 4096,
		.terms.allow_plain_text = true });
	run_start(w->run);
	assert_int_equal(dir_domain_add(w->dir, S("example.org"), 0, &w->why), RC_OK);
	assert_int_equal(dir_add(w->dir, &ann, &w->ann, &w->why), RC_OK);
	set_password(w, "secret");
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;
	run_drain(w->run);
	assert_int_equal(run_wait_empty(w->run, 5000), 0);
	run_free(&w->run);
	auth_free(&w->auth);
	auth_free(&w->lenient);
	dir_free(&w->dir);
	data_close(&w->data);
	mem_free(MEM_OTHER, w);
	return 0;
}

static void takes_passwords(void **state)
{
	struct world *w = *state;
	struct auth_stats s;
	assert_int_equal(by_password(w, "ann@example.org", "secret"), RC_OK);
	assert_int_equal(by_password(w, "ANN", "secret"), RC_OK);
	assert_int_equal(by_password(w, "ann@example.org", "secret"), RC_OK);
	auth_stats(w->auth, &s);
	assert_int_equal(s.hashed, 1);
	assert_int_equal(s.cached, 2);
	assert_int_equal(by_password(w, "ann@example.org", "wrong"), RC_DENIED);
	assert_int_equal(by_password(w, "nobody@example.org", "secret"), RC_DENIED);
	assert_int_equal(by_password(w, "", "secret"), RC_DENIED);
	assert_int_equal(by_password(w, "ann@example.org", ""), RC_DENIED);
}

/* [auth 1] */
static void feels_changes_at_once(void **state)
{
	struct world *w = *state;
	assert_int_equal(by_password(w, "ann@example.org", "secret"), RC_OK);
	set_password(w, "other");
	assert_int_equal(by_password(w, "ann@example.org", "secret"), RC_DENIED);
	assert_int_equal(by_password(w, "ann@example.org", "other"), RC_OK);
	assert_int_equal(by_scram(w, "ann@example.org", "other"), RC_OK);
	assert_int_equal(dir_set_enabled(w->dir, w->ann, false, &w->why), RC_OK);
	assert_int_equal(by_password(w, "ann@example.org", "other"), RC_DENIED);
	assert_int_equal(by_scram(w, "ann@example.org", "other"), RC_DENIED);
	assert_int_equal(dir_set_enabled(w->dir, w->ann, true, &w->why), RC_OK);
	assert_int_equal(by_password(w, "ann@example.org", "other"), RC_OK);
}

static void delays_refusals(void **state)
{
	struct world *w = *state;
	uint64_t before = run_now_us();
	assert_int_equal(by_scram(w, "ann@example.org", "wrong"), RC_DENIED);
	assert_true(run_now_us() - before >= DELAY_MS * 1000 - 2000);
}

static void speaks_scram(void **state)
{
	struct world *w = *state;
	assert_int_equal(by_scram(w, "ann@example.org", "secret"), RC_OK);
	assert_int_equal(by_scram(w, "ann", "secret"), RC_OK);
	assert_int_equal(by_scram(w, "nobody@example.org", "secret"), RC_DENIED);
	struct client *c = client_new();
	c->mech = "SCRAM-SHA-256-PLUS";
	c->user = "ann@example.org";
	c->scram_pass = "secret";
	c->binding_name = "tls-exporter";
	c->binding = S("thirty-two octets of the exporter");
	assert_int_equal(log_in(w, c), RC_OK);
	assert_int_equal(c->s.account, w->ann);
	c = client_new();
	c->mech = "SCRAM-SHA-256-PLUS";
	c->user = "ann@example.org";
	c->scram_pass = "secret";
	c->binding_name = "tls-exporter";
	c->binding = S("what a man in the middle would see");
	assert_int_equal(log_in(w, c), RC_DENIED);
}

static void speaks_login_and_plain(void **state)
{
	struct world *w = *state;
	struct client *c = client_new();
	c->mech = "login";
	c->lines[0] = "ann@example.org";
	c->lines[1] = "secret";
	assert_int_equal(log_in(w, c), RC_OK);
	assert_int_equal(c->s.account, w->ann);
	c = client_new();
	c->mech = "CRAM-MD5";
	assert_int_equal(log_in(w, c), RC_NONE);
	c = client_new();
	c->mech = "PLAIN";
	c->lines[0] = "no zero octets";
	assert_int_equal(log_in(w, c), RC_BAD);
}

/* Who comes with another server's hash gets ours, and can use SCRAM from then on. */
static void renews_old_hashes(void **state)
{
	struct world *w = *state;
	struct arena a;
	struct dir_secret s = { 0 };
	struct slice old = S("{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=");
	arena_init(&a, 0);
	assert_int_equal(dir_set_password(w->dir, w->ann, old, NULL, &w->why), RC_OK);
	assert_int_equal(by_scram(w, "ann", "secret"), RC_DENIED);
	assert_int_equal(by_password(w, "ann", "secret"), RC_OK);
	for (int i = 0; i < 200 && !s.has_scram; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		assert_int_equal(dir_secret(w->dir, w->ann, &a, &s, &w->why), RC_OK);
	}
	assert_true(slice_starts(s.hashes[0], S("$argon2id$")));
	assert_int_equal(by_scram(w, "ann", "secret"), RC_OK);
	assert_int_equal(
		dir_renew_secret(w->dir, w->ann, s.generation + 1, old, NULL, &w->why), RC_TAKEN);
	arena_done(&a);
}

static enum step only_ask(struct task *t)
{
	struct client *c = (struct client *)t;
	struct fault why;
	c->peer = (struct auth_peer){ .auth = c->auth, .task = &c->task, .door = S("test") };
	return ended(c, auth_plain(&c->s, &c->peer, S("ann"), S("secret"), &why));
}

static void wants_privacy(void **state)
{
	struct world *w = *state;
	struct buf b;
	struct auth_peer open = { .auth = w->auth };
	struct auth_peer tls = { .auth = w->auth, .is_private = true, .tls_exporter = S("x") };
	buf_init(&b, 0, NULL);
	auth_mechs(&open, &b);
	assert_true(slice_eq(buf_slice(&b), S("SCRAM-SHA-256")));
	buf_reset(&b);
	auth_mechs(&tls, &b);
	assert_true(slice_eq(buf_slice(&b), S("PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS")));
	open.auth = w->lenient;
	buf_reset(&b);
	auth_mechs(&open, &b);
	assert_true(slice_eq(buf_slice(&b), S("PLAIN LOGIN SCRAM-SHA-256")));
	buf_done(&b);
	struct client *c = client_new();
	c->auth = w->auth;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->done, NULL);
	task_init(&c->task, w->run, &kind, only_ask);
	task_start(&c->task);
	pthread_mutex_lock(&c->lock);
	while (!c->is_done)
		pthread_cond_wait(&c->done, &c->lock);
	pthread_mutex_unlock(&c->lock);
	assert_int_equal(c->rc, RC_DENIED);
}

static enum step ask_and_go(struct task *t)
{
	struct client *c = (struct client *)t;
	struct fault why;
	c->peer = (struct auth_peer){
		.auth = c->auth, .task = &c->task, .door = S("test"), .is_private = true
	};
	assert_int_equal(auth_plain(&c->s, &c->peer, S("ann"), S("other"), &why), RC_WAIT);
	return ended(c, RC_OK);
}

/* [auth 3]: sessions that go away while their hash is computed. */
static void outlives_sessions(void **state)
{
	struct world *w = *state;
	struct auth_stats s;
	for (int i = 0; i < 8; i++) {
		struct client *c = client_new();
		c->auth = w->auth;
		pthread_mutex_init(&c->lock, NULL);
		pthread_cond_init(&c->done, NULL);
		task_init(&c->task, w->run, &kind, ask_and_go);
		task_start(&c->task);
	}
	assert_int_equal(by_password(w, "ann", "secret"), RC_OK);
	auth_stats(w->auth, &s);
	assert_true(s.hashed >= 1);
}

/* [auth 4]: who comes while the hash is computed waits for it; who comes later finds it in the cache. */
static void hashes_once(void **state)
{
	struct world *w = *state;
	struct auth_stats s;
	struct client *clients[20];
	for (size_t i = 0; i < 20; i++) {
		clients[i] = client_new();
		clients[i]->lines[0] = "ann@example.org";
		clients[i]->lines[1] = "secret";
		start(w, clients[i]);
	}
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(wait_for(clients[i]), RC_OK);
	auth_stats(w->auth, &s);
	assert_int_equal(s.hashed, 1);
}

/* [auth 5]: there is memory for one of our hashes at a time, and none for a much larger one. */
static void bounds_memory(void **state)
{
	struct world *w = *state;
	struct auth_stats s;
	struct client *clients[8];
	static const char *const words[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	for (size_t i = 0; i < 8; i++) {
		clients[i] = client_new();
		clients[i]->lines[0] = "nobody@example.org";
		clients[i]->lines[1] = words[i];
		start(w, clients[i]);
	}
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(wait_for(clients[i]), RC_DENIED);
	auth_stats(w->auth, &s);
	assert_int_equal(s.hashed, 8);
	assert_int_equal(s.hash_bytes_most, 19 << 20);
	struct slice large = S("$argon2id$v=19$m=65536,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
			       "rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk");
	assert_int_equal(dir_set_password(w->dir, w->ann, large, NULL, &w->why), RC_OK);
	assert_int_equal(by_password(w, "ann", "secret"), RC_DENIED);
	auth_stats(w->auth, &s);
	assert_int_equal(s.hash_bytes_most, 19 << 20);
}

int test_login(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_passwords, open_world, close_world),
		cmocka_unit_test_setup_teardown(feels_changes_at_once, open_world, close_world),
		cmocka_unit_test_setup_teardown(delays_refusals, open_world, close_world),
		cmocka_unit_test_setup_teardown(speaks_scram, open_world, close_world),
		cmocka_unit_test_setup_teardown(speaks_login_and_plain, open_world, close_world),
		cmocka_unit_test_setup_teardown(renews_old_hashes, open_world, close_world),
		cmocka_unit_test_setup_teardown(wants_privacy, open_world, close_world),
		cmocka_unit_test_setup_teardown(outlives_sessions, open_world, close_world),
		cmocka_unit_test_setup_teardown(hashes_once, open_world, close_world),
		cmocka_unit_test_setup_teardown(bounds_memory, open_world, close_world),
	};
	return cmocka_run_group_tests_name("auth/login", tests, NULL, NULL);
}
