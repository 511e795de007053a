/* resolver.c: Real questions to a real name server (knot) with a signed and a plain zone on loopback. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "base/mem.h"
#include "dns/dns.h"
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	char dir[32], anchor[256], server[32];
	unsigned port;
	pid_t pid;
} knot;

static void write_file(const char *name, const char *fmt, ...)
{
	char path[96];
	va_list ap;
	snprintf(path, sizeof(path), "%s/%s", knot.dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static int bind_at(int type, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, type, 0);
	assert_true(fd >= 0);
	if (bind(fd, (struct sockaddr *)at, sizeof(*at)) == 0)
		return getsockname(fd, (struct sockaddr *)at, &len) == 0 ? fd : -1;
	close(fd);
	return -1;
}

/* One that is free for datagrams and for streams: a name server takes both. */
static unsigned free_port(void)
{
	for (int i = 0; i < 100; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		int udp = bind_at(SOCK_DGRAM, &at);
		assert_true(udp >= 0);
		int tcp = bind_at(SOCK_STREAM, &at);
		close(udp);
		if (tcp >= 0) {
			close(tcp);
			return ntohs(at.sin_port);
		}
	}
	fail_msg("no port is free");
	return 0;
}

static const char zone[] =
	"$TTL 60\n@ SOA ns hostmaster 1 60 60 600 5\n@ NS ns\nns A 127.0.0.1\n@ MX 10 mx\n@ MX 5 "
	"Other.example.\n"
	"@ TXT \"v=spf1 \" \"-all\"\nmx A 192.0.2.7\nmx AAAA 2001:db8::7\nalias CNAME mx\n"
	"_25._tcp.mx TLSA 3 1 1 0101010101010101010101010101010101010101010101010101010101010101\n";

/* Asks until the zone is served with its signatures: 0, or -1 after 20 s, or when the server has ended. */
static int wait_until_signed(void)
{
	/* SOA of signed.test, with an OPT record that asks for signatures (RFC 1035 4.1, RFC 6891 6.1, RFC 3225) */
	static const uint8_t query[] = "\0\1\0\0\0\1\0\0\0\0\0\1"
				       "\6signed\4test\0\0\6\0\1"
				       "\0\0\x29\x10\0\0\0\x80\0\0";
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)knot.port) };
	struct timeval wait = { .tv_usec = 50000 };
	uint8_t reply[4096];
	int answers = 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	for (int i = 0; i < 400 && answers < 2 && knot.pid; i++) { /* SOA and its RRSIG */
		if (waitpid(knot.pid, NULL, WNOHANG) == knot.pid)
			knot.pid = 0;
		sendto(fd, query, sizeof(query), 0, (struct sockaddr *)&at, sizeof(at));
		ssize_t n = recv(fd, reply, sizeof(reply), 0);
		answers = n > 12 && (reply[3] & 15) == 0 ? reply[6] << 8 | reply[7] : 0;
		if (answers < 2)
			usleep(50000); /* a refused datagram comes back at once */
	}
	close(fd);
	return answers < 2 ? -1 : 0;
}

static void write_conf(void)
{
	knot.port = free_port();
	snprintf(knot.server, sizeof(knot.server), "127.0.0.1:%u", knot.port);
	write_file("knot.conf",
		"server:\n  rundir: %s\n  listen: 127.0.0.1@%u\n  udp-workers: 1\n  tcp-workers: "
		"1\n  background-workers: "
		"1\ndatabase:\n  storage: %s\n  journal-db-max-size: 8M\n  kasp-db-max-size: 8M\n  "
		"timer-db-max-size: 4M\n"
		"policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n"
		"template:\n  - id: default\n    storage: %s\n    zonefile-load: difference\n    "
		"zonefile-sync: -1\n"
		"zone:\n  - domain: signed.test\n    file: zone\n    dnssec-signing: on\n    "
		"dnssec-policy: p\n"
		"  - domain: plain.test\n    file: zone\n",
		knot.dir, knot.port, knot.dir, knot.dir);
}

static void make_key(void)
{
	char command[256], line[256] = "";
	snprintf(command, sizeof(command),
		"keymgr -c %s/knot.conf signed.test generate algorithm=13 ksk=yes zsk=yes "
		">/dev/null 2>&1",
		knot.dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "keymgr -c %s/knot.conf signed.test ds 2>/dev/null",
		knot.dir);
	FILE *f = popen(command, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " 2 "))
			snprintf(knot.anchor, sizeof(knot.anchor), "%.*s", (int)strcspn(line, "\n"),
				line);
	if (f)
		pclose(f);
	assert_true(knot.anchor[0]);
}

/* Another may have taken the port meanwhile: the server ends then, and another port is tried. */
static int start_knot(void **state)
{
	char conf[64];
	int rc = -1;
	(void)state;
	snprintf(knot.dir, sizeof(knot.dir), "/tmp/veredus-dns-XXXXXX");
	assert_non_null(mkdtemp(knot.dir));
	snprintf(conf, sizeof(conf), "%s/knot.conf", knot.dir);
	write_file("zone", "%s", zone);
	for (int i = 0; i < 5 && !knot.pid; i++) {
		write_conf();
		if (i == 0)
			make_key();
		knot.pid = fork();
		if (knot.pid == 0) {
			freopen("/dev/null", "w", stdout);
			freopen("/dev/null", "w", stderr);
			execl("/usr/sbin/knotd", "knotd", "-c", conf, (char *)NULL);
			_exit(1);
		}
		rc = wait_until_signed();
	}
	return rc;
}

static int stop_knot(void **state)
{
	char command[64];
	(void)state;
	if (!knot.pid)
		return 0;
	kill(knot.pid, SIGTERM);
	waitpid(knot.pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", knot.dir);
	return system(command);
}

/* --- a task that asks --- */

struct asker {
	struct task task; /* first */
	struct dns_memo memo;
	const char *name;
	enum dns_type type;
	enum rc rc;
	struct dns_answer answer;
	struct fault why;
	_Atomic bool done;
};

static enum step step_ask(struct task *t)
{
	struct asker *a = (struct asker *)t;
	if (run_draining(t->run))
		return STEP_CLOSE;
	if (atomic_load(&a->done))
		return STEP_PARK;
	a->rc = dns_memo_get(&a->memo, slice_str(a->name), a->type, &a->answer, &a->why);
	if (a->rc != RC_WAIT)
		atomic_store(&a->done, true);
	return STEP_PARK;
}

static void drop(struct task *t)
{
	dns_memo_done(&((struct asker *)t)->memo);
}

static const struct step_row steps[] = { { step_ask, "ask" } };
static const struct task_kind kind = { "asker", steps, 1, drop };

static void begin(
	struct asker *a, struct run *run, struct dns *dns, const char *name, enum dns_type type)
{
	*a = (struct asker){ .name = name, .type = type };
	task_init(&a->task, run, &kind, step_ask);
	dns_memo_init(&a->memo, dns, &a->task);
	task_start(&a->task);
}

static enum rc finish(struct asker *a)
{
	for (int i = 0; i < 15000 && !atomic_load(&a->done); i++)
		usleep(1000);
	assert_true(atomic_load(&a->done));
	return a->rc;
}

static void end(struct run *run, struct dns *dns)
{
	run_drain(run);
	assert_int_equal(run_wait_empty(run, 20000), 0);
	dns_free(&dns);
	run_free(&run);
}

static struct dns *resolver(struct run *run, const char *anchor, uint64_t timeout_ms)
{
	const char *servers[] = { knot.server };
	struct dns *dns;
	struct fault why = { 0 };
	struct dns_conf conf = { .run = run,
		.servers = servers,
		.servers_n = 1,
		.anchor = anchor,
		.timeout_ms = timeout_ms,
		.no_dnssec = !anchor };
	enum rc rc = dns_new(&conf, &dns, &why);
	if (rc != RC_OK)
		print_error("%s\n", fault_text(&why));
	assert_int_equal(rc, RC_OK);
	return dns;
}

static void signed_and_plain(void **state)
{
	(void)state;
	if (!knot.pid)
		fail_msg("knot did not start; `make deps` installs it");
	struct run *run = run_new(&(struct run_conf){ .seats = 2 });
	struct dns *dns = resolver(run, knot.anchor, 10000);
	struct asker a[9];
	struct dns_stats stats;
	run_start(run);
	begin(&a[0], run, dns, "Signed.Test", DNS_MX);
	begin(&a[1], run, dns, "signed.test.", DNS_TXT);
	begin(&a[2], run, dns, "alias.signed.test", DNS_A);
	begin(&a[3], run, dns, "_25._tcp.mx.signed.test", DNS_TLSA);
	begin(&a[4], run, dns, "nobody.signed.test", DNS_A);
	begin(&a[5], run, dns, "mx.signed.test", DNS_TXT);
	begin(&a[6], run, dns, "mx.plain.test", DNS_AAAA);
	begin(&a[7], run, dns, "nobody.plain.test", DNS_A);
	assert_int_equal(finish(&a[0]), RC_OK);
	assert_int_equal(a[0].answer.n, 2);
	assert_true(a[0].answer.secure);
	assert_int_equal(a[0].answer.rr[0].mx.preference + a[0].answer.rr[1].mx.preference, 15);
	assert_int_equal(finish(&a[1]), RC_OK);
	assert_true(slice_eq(a[1].answer.rr[0].txt, S("v=spf1 -all")));
	assert_in_range(a[1].answer.ttl, 50, 60);
	assert_int_equal(finish(&a[2]), RC_OK);
	assert_int_equal(a[2].answer.rr[0].a[3], 7);
	assert_true(slice_eq(a[2].answer.name, S("mx.signed.test")));
	assert_int_equal(finish(&a[3]), RC_OK);
	assert_int_equal(a[3].answer.rr[0].tlsa.data.len, 32);
	assert_true(a[3].answer.secure);
	assert_int_equal(finish(&a[4]), RC_NONE);
	assert_true(a[4].answer.is_nxdomain && a[4].answer.secure);
	assert_int_equal(finish(&a[5]), RC_NONE);
	assert_true(!a[5].answer.is_nxdomain && a[5].answer.secure);
	assert_int_equal(finish(&a[6]), RC_OK);
	assert_false(a[6].answer.secure);
	assert_int_equal(finish(&a[7]), RC_NONE);
	begin(&a[8], run, dns, "signed.test", DNS_MX);
	assert_int_equal(finish(&a[8]), RC_OK);
	dns_stats(dns, &stats);
	assert_int_equal(stats.asked, 8);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(stats.in_flight, 0);
	assert_true(stats.bytes[DNS_MX] > 0);
	dns_cache_limit(dns, DNS_MX, 1);
	dns_evict(dns, 1 << 20);
	dns_stats(dns, &stats);
	for (enum dns_type t = 0; t < DNS_TYPES; t++)
		assert_int_equal(stats.bytes[t], 0);
	assert_int_equal(a[8].answer.n, 2); /* the memo's own: still there */
	end(run, dns);
}

static void wrong_signatures_are_temporary(void **state)
{
	(void)state;
	if (!knot.pid)
		fail_msg("knot did not start; `make deps` installs it");
	struct run *run = run_new(&(struct run_conf){ .seats = 1 });
	struct dns *dns = resolver(run,
		"signed.test. IN DS 4711 13 2 "
		"0101010101010101010101010101010101010101010101010101010101010101",
		10000);
	struct asker a;
	run_start(run);
	begin(&a, run, dns, "mx.signed.test", DNS_A);
	assert_int_equal(finish(&a), RC_TEMP);
	assert_int_equal(a.why.id, FAULT_DNS_TEMP);
	end(run, dns);
}

static void many_ask_the_same(void **state)
{
	(void)state;
	enum { ASKERS = 200 };
	if (!knot.pid)
		fail_msg("knot did not start; `make deps` installs it");
	struct run *run = run_new(&(struct run_conf){ .seats = 2 });
	struct dns *dns = resolver(run, NULL, 10000);
	struct dns_stats stats;
	struct asker *a = mem_new(MEM_OTHER, ASKERS * sizeof(*a));
	run_start(run);
	for (int i = 0; i < ASKERS; i++)
		begin(&a[i], run, dns, i % 2 ? "mx.plain.test" : "signed.test",
			i % 2 ? DNS_A : DNS_MX);
	for (int i = 0; i < ASKERS; i++) {
		assert_int_equal(finish(&a[i]), RC_OK);
		assert_false(a[i].answer.secure);
	}
	dns_stats(dns, &stats);
	assert_int_equal(stats.asked, 2);
	end(run, dns);
	mem_free(MEM_OTHER, a);
}

/* A server that never answers: the question ends in time, and those who left are not woken. */
static void silence_ends_in_time(void **state)
{
	(void)state;
	char server[32];
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int deaf = socket(AF_INET, SOCK_DGRAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(deaf, (struct sockaddr *)&at, sizeof(at)), 0);
	getsockname(deaf, (struct sockaddr *)&at, &len);
	snprintf(server, sizeof(server), "127.0.0.1:%u", ntohs(at.sin_port));
	struct run *run = run_new(&(struct run_conf){ .seats = 1 });
	const char *servers[] = { server };
	struct dns *dns;
	struct fault why = { 0 };
	struct dns_conf conf = {
		.run = run, .servers = servers, .servers_n = 1, .no_dnssec = true, .timeout_ms = 300
	};
	assert_int_equal(dns_new(&conf, &dns, &why), RC_OK);
	struct asker a, b;
	run_start(run);
	begin(&a, run, dns, "x.plain.test", DNS_A);
	begin(&b, run, dns, "x.plain.test", DNS_A);
	usleep(50000);
	assert_int_equal(finish(&a), RC_TEMP);
	assert_int_equal(finish(&b), RC_TEMP);
	end(run, dns);
	close(deaf);
}

int test_resolver(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(signed_and_plain),
		cmocka_unit_test(wrong_signatures_are_temporary),
		cmocka_unit_test(many_ask_the_same), cmocka_unit_test(silence_ends_in_time) };
	return cmocka_run_group_tests_name("resolver", tests, start_knot, stop_knot);
}
