/* tls.c: Made certificates under real TLS: SNI, STARTTLS without injection, reload by the watch, the client's side. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/mem.h"
#include "cert/cert.h"
#include "net/conn.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

struct world {
	char dir[32];
	char paths[6][64];
	struct tls_pair pairs[2];
	struct run *run;
	struct net *net;
	struct tls *tls;
	struct door door;
	SSL_CTX *client;
	unsigned port, plain_port;
};

/* --- a door that knows STARTTLS --- */

static enum step step_line(struct task *t)
{
	struct conn *c = conn_of(t);
	struct slice line;
	if (conn_timed_out(c) || conn_draining(c))
		return STEP_CLOSE;
	enum rc rc = conn_line(c, 200, &line);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc != RC_OK)
		return STEP_CLOSE;
	if (slice_eq(line, S("starttls"))) {
		buf_str(conn_out(c), "go\r\n");
		return conn_starttls(c) == RC_OK ? STEP_MORE : STEP_CLOSE;
	}
	if (slice_eq(line, S("bind"))) {
		struct slice e = conn_tls_exporter(c), p = conn_tls_end_point(c);
		for (size_t i = 0; i < e.len; i++)
			buf_fmt(conn_out(c), "%02x", e.at[i]);
		buf_fmt(conn_out(c), " %zu\r\n", p.len);
		return STEP_MORE;
	}
	buf_fmt(conn_out(c), "%.*s\r\n", FMT(line));
	return STEP_MORE;
}

static void drop(struct task *t)
{
	(void)t;
}

static enum rc open_session(void *arg, struct conn *c)
{
	c->session = arg;
	c->task.step = step_line;
	return RC_OK;
}

static const struct step_row steps[] = { { step_line, "line" } };
static const struct task_kind kind = { "tls-echo", steps, 1, drop };

/* --- the world --- */

static void make(struct world *w, int i, const char *name)
{
	struct fault why = { 0 };
	bool made = false;
	char dir[sizeof(w->dir)];
	memcpy(dir, w->dir, sizeof(dir));
	snprintf(w->paths[2 * i], sizeof(w->paths[0]), "%s/%d.crt", dir, i);
	snprintf(w->paths[2 * i + 1], sizeof(w->paths[0]), "%s/%d.key", dir, i);
	struct tls_pair pair = { w->paths[2 * i], w->paths[2 * i + 1] };
	const char *names[] = { name, "127.0.0.1" };
	assert_int_equal(cert_self_signed(&pair, names, 2, &made, &why), RC_OK);
	assert_true(made);
	if (i < 2)
		w->pairs[i] = pair;
}

static int setup(void **state)
{
	struct fault why = { 0 };
	struct world *w = mem_new(MEM_OTHER, sizeof(*w));
	snprintf(w->dir, sizeof(w->dir), "/tmp/veredus-cert-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	make(w, 0, "a.test");
	make(w, 1, "b.test");
	assert_int_equal(tls_new(w->pairs, 2, &w->tls, &why), RC_OK);
	w->run = run_new(&(struct run_conf){ .seats = 2 });
	w->net = net_new(&(struct net_conf){ .run = w->run, .tls = w->tls });
	w->door =
		(struct door){ .name = "tls-echo", .kind = &kind, .open = open_session, .arg = w };
	struct net_listener l = {
		.name = "tls", .bind = "127.0.0.1:0", .door = &w->door, .implicit_tls = true
	};
	assert_int_equal(net_listen(w->net, &l, &why), RC_OK);
	l.name = "plain";
	l.implicit_tls = false;
	assert_int_equal(net_listen(w->net, &l, &why), RC_OK);
	w->port = net_port(w->net, 0);
	w->plain_port = net_port(w->net, 1);
	run_start(w->run);
	w->client = SSL_CTX_new(TLS_client_method());
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	run_drain(w->run);
	assert_int_equal(run_wait_empty(w->run, 20000), 0);
	run_free(&w->run);
	net_free(&w->net);
	tls_free(&w->tls);
	SSL_CTX_free(w->client);
	for (int i = 0; i < 6; i++)
		if (w->paths[i][0])
			unlink(w->paths[i]);
	rmdir(w->dir);
	mem_free(MEM_OTHER, w);
	return 0;
}

static int dial(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct timeval patience = { 10, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static SSL *secure(struct world *w, int fd, const char *name)
{
	SSL *ssl = SSL_new(w->client);
	SSL_set_fd(ssl, fd);
	if (name)
		SSL_set_tlsext_host_name(ssl, name);
	assert_int_equal(SSL_connect(ssl), 1);
	return ssl;
}

static void hang_up(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

static void ask(SSL *ssl, const char *line, const char *wanted)
{
	char text[200];
	size_t n = 0, want = strlen(wanted);
	if (line)
		assert_int_equal(SSL_write(ssl, line, (int)strlen(line)), (int)strlen(line));
	while (n < want) {
		int got = SSL_read(ssl, text + n, (int)(want - n));
		assert_true(got > 0);
		n += (size_t)got;
	}
	text[n] = 0;
	assert_string_equal(text, wanted);
}

static void name_of(SSL *ssl, char *out, int size)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	assert_non_null(cert);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, size);
	X509_free(cert);
}

static void sni_chooses(void **state)
{
	struct world *w = *state;
	static const char *const asked[] = { "a.test", "b.test", "c.test", NULL };
	static const char *const wanted[] = { "a.test", "b.test", "a.test", "a.test" };
	char name[64];
	struct stat st;
	struct cert_info info;
	assert_int_equal(stat(w->paths[1], &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(cert_info(w->paths[0], &info, NULL), RC_OK);
	assert_string_equal(info.subject, "a.test");
	assert_true(info.self_signed && info.not_after - info.not_before > (int64_t)3000 * 86400);
	for (int i = 0; i < 4; i++) {
		SSL *ssl = secure(w, dial(w->port), asked[i]);
		name_of(ssl, name, sizeof(name));
		assert_string_equal(name, wanted[i]);
		ask(ssl, "hello\r\nagain\r\n", "hello\r\nagain\r\n");
		hang_up(ssl);
	}
}

static void both_ends_bind_to_the_channel(void **state)
{
	struct world *w = *state;
	unsigned char key[32];
	char wanted[96];
	size_t n = 0;
	SSL *ssl = secure(w, dial(w->port), "a.test");
	assert_int_equal(SSL_export_keying_material(
				 ssl, key, sizeof(key), "EXPORTER-Channel-Binding", 24, NULL, 0, 0),
		1);
	for (size_t i = 0; i < sizeof(key); i++)
		n += (size_t)snprintf(wanted + n, sizeof(wanted) - n, "%02x", key[i]);
	snprintf(wanted + n, sizeof(wanted) - n, " 32\r\n");
	ask(ssl, "bind\r\n", wanted);
	hang_up(ssl);
}

/* The ticket comes behind the first answer; with it the next handshake is a short one. */
static void a_ticket_shortens_the_next_handshake(void **state)
{
	struct world *w = *state;
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	for (int i = 0; i < 2; i++) {
		SSL_CTX_set_max_proto_version(w->client, versions[i]);
		SSL *ssl = secure(w, dial(w->port), "b.test");
		ask(ssl, "hello\r\n", "hello\r\n");
		SSL_SESSION *session = SSL_get1_session(ssl);
		assert_int_equal(SSL_SESSION_is_resumable(session), 1);
		ask(ssl, "again\r\n", "again\r\n");
		hang_up(ssl);
		ssl = SSL_new(w->client);
		SSL_set_fd(ssl, dial(w->port));
		SSL_set_tlsext_host_name(ssl, "b.test");
		SSL_set_session(ssl, session);
		assert_int_equal(SSL_connect(ssl), 1);
		assert_int_equal(SSL_session_reused(ssl), 1);
		ask(ssl, "short\r\n", "short\r\n");
		SSL_SESSION_free(session);
		hang_up(ssl);
	}
}

/* Pieces of records, and records that come together: each is answered once it is whole. */
static void records_come_as_they_like(void **state)
{
	struct world *w = *state;
	SSL *ssl = SSL_new(w->client);
	BIO *wire = BIO_new(BIO_s_mem());
	char bytes[400];
	int fd = dial(w->port);
	SSL_set_fd(ssl, fd);
	assert_int_equal(SSL_connect(ssl), 1);
	SSL_set0_wbio(ssl, wire);
	assert_int_equal(SSL_write(ssl, "one\r\n", 5), 5);
	assert_int_equal(SSL_write(ssl, "two\r\n", 5), 5);
	assert_int_equal(SSL_write(ssl, "three\r\n", 7), 7);
	int n = BIO_read(wire, bytes, sizeof(bytes)), first = n / 3 + 7;
	assert_true(n > 15);
	assert_int_equal(send(fd, bytes, (size_t)first, 0), first);
	ask(ssl, NULL, "one\r\n");
	assert_int_equal(send(fd, bytes + first, (size_t)(n - first), 0), n - first);
	ask(ssl, NULL, "two\r\nthree\r\n");
	SSL_free(ssl);
	close(fd);
}

static void nothing_slips_under_starttls(void **state)
{
	struct world *w = *state;
	char text[5] = "";
	int fd = dial(w->plain_port);
	assert_int_equal(send(fd, "starttls\r\nevil\r\n", 16, 0), 16);
	assert_int_equal(recv(fd, text, 4, MSG_WAITALL), 4);
	assert_string_equal(text, "go\r\n");
	SSL *ssl = secure(w, fd, "b.test");
	ask(ssl, "good\r\n", "good\r\n");
	hang_up(ssl);
}

static void a_changed_file_is_served(void **state)
{
	struct world *w = *state;
	char name[64] = "";
	struct fault why = { 0 };
	struct cert_watch *watch = cert_watch_start(w->run, w->tls, w->pairs, 2, 20);
	FILE *f = fopen(w->paths[0], "w"); /* half-written: the old one stays */
	fputs("-----BEGIN CERT", f);
	fclose(f);
	usleep(100000);
	SSL *ssl = secure(w, dial(w->port), "a.test");
	name_of(ssl, name, sizeof(name));
	assert_string_equal(name, "a.test");
	make(w, 2, "c.test");
	assert_int_equal(rename(w->paths[5], w->paths[1]), 0);
	assert_int_equal(rename(w->paths[4], w->paths[0]), 0);
	for (int i = 0; i < 500 && strcmp(name, "c.test") != 0; i++) {
		usleep(10000);
		SSL *fresh = secure(w, dial(w->port), NULL);
		name_of(fresh, name, sizeof(name));
		hang_up(fresh);
	}
	assert_string_equal(name, "c.test");
	ask(ssl, "still\r\n", "still\r\n"); /* who came before goes on */
	hang_up(ssl);
	assert_int_equal(cert_reload(watch, &why), RC_OK);
	cert_watch_free(&watch);
}

/* --- the client's side --- */

struct caller {
	_Atomic int result; /* 1: answered under TLS; 2: failed */
	bool asked, verify;
	char info[64];
};

static enum step step_call(struct task *t)
{
	struct conn *c = conn_of(t);
	struct caller *a = c->session;
	struct slice line;
	if (conn_failed(c) || conn_timed_out(c)) {
		atomic_store(&a->result, 2);
		return STEP_CLOSE;
	}
	if (!a->asked) {
		a->asked = true;
		buf_str(conn_out(c), "starttls\r\n");
	}
	enum rc rc = conn_line(c, 100, &line);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc == RC_OK && slice_eq(line, S("go"))) {
		assert_int_equal(conn_starttls_client(c, "b.test", a->verify), RC_OK);
		buf_init(&c->out, 0, NULL);
		a->info[0] = 1;
		return STEP_MORE;
	}
	return STEP_CLOSE;
}

static enum rc open_caller(void *arg, struct conn *c)
{
	(void)arg;
	c->task.step = step_call;
	return RC_OK;
}

static const struct step_row call_steps[] = { { step_call, "call" } };
static const struct task_kind call_kind = { "caller", call_steps, 1, drop };
static const struct door call_door = { .name = "caller", .kind = &call_kind, .open = open_caller };

static void a_wrong_certificate_fails_the_client(void **state)
{
	struct world *w = *state;
	struct caller a = { .verify = true };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->plain_port) };
	struct conn *c;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	struct net_target target = { (struct sockaddr *)&to, NULL, sizeof(to), 0, 5000 };
	assert_int_equal(net_connect(w->net, &target, &call_door, &a, &c), RC_OK);
	for (int i = 0; i < 10000 && atomic_load(&a.result) == 0; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&a.result), 2); /* nobody signed it but itself */
}

int test_tls(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(
						    sni_chooses, setup, teardown),
		cmocka_unit_test_setup_teardown(both_ends_bind_to_the_channel, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_ticket_shortens_the_next_handshake, setup, teardown),
		cmocka_unit_test_setup_teardown(records_come_as_they_like, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_slips_under_starttls, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_file_is_served, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_wrong_certificate_fails_the_client, setup, teardown) };
	return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
