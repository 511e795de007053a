/* conf.c: Values, macros, layers, faults with their lines, schedules. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"
#include "groups.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
	struct buf report;
	struct conf *conf;
	char path[64];
};

static enum rc with_sets(struct world *w, const char *text, const char *const *sets, size_t n)
{
	snprintf(w->path, sizeof(w->path), "/tmp/veredus-conf-%d.toml", (int)getpid());
	FILE *f = fopen(w->path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	buf_init(&w->report, 0, NULL);
	w->conf = NULL;
	struct conf_ask ask = { .file = w->path, .sets = sets, .nsets = n };
	enum rc rc = conf_read(&ask, &w->conf, &w->report);
	buf_byte(&w->report, 0);
	unlink(w->path);
	return rc;
}

static enum rc read_text(struct world *w, const char *text)
{
	return with_sets(w, text, NULL, 0);
}

static void done(struct world *w)
{
	conf_put(&w->conf);
	buf_done(&w->report);
}

static void reads_values(void **state)
{
	(void)state;
	struct world w;
	setenv("VEREDUS_TEST", "se,cret", 1);
	enum rc rc = read_text(&w,
		"[server]\nhostname = 'mx.example.org'\nmax-connections = 10\ndrain = '1.5s'\n"
		"[memory]\nlimit = '300MB'\n[store.x]\ntype='sqlite'\npath='/p'\npassword = "
		"'%{env:VEREDUS_TEST}%!'\n"
		"cache.size = 4096\n[storage]\ndata = 'x'\nblob = 'filesystem'\n"
		"[dns]\nservers = ['127.0.0.1:53', '%{env:VEREDUS_TEST}%']\n[queue]\nthrottle = "
		"'10/m'\n"
		"[data-retention]\ndataCleanupSchedule = '5 3 * * *'\n"
		"[server.listener.'imap.a']\nbind = '[::]:143'\nprotocol = "
		"'imap'\nproxy.trusted-networks = ['10.0.0.0/8']\n");
	if (rc != RC_OK)
		print_message("%s", w.report.at);
	assert_int_equal(rc, RC_OK);
	assert_string_equal(w.conf->hostname, "mx.example.org");
	assert_int_equal(w.conf->max_connections, 10);
	assert_int_equal(w.conf->drain_ms, 1500);
	assert_int_equal(w.conf->memory_limit, 300 << 20);
	const struct conf_store *x = conf_store(w.conf, w.conf->storage_data);
	assert_int_equal(x->type, CONF_STORE_SQLITE);
	assert_string_equal(x->password, "se,cret!");
	assert_int_equal(x->cache_size, 4096);
	assert_int_equal(conf_store(w.conf, "filesystem")->type, CONF_STORE_FILESYSTEM);
	assert_int_equal(w.conf->dns.servers.n, 2);
	assert_string_equal(w.conf->dns.servers.at[1], "se,cret");
	assert_int_equal(w.conf->queue.throttle.count, 10);
	assert_int_equal(w.conf->queue.throttle.per_ms, 60000);
	assert_int_equal(w.conf->retention.data_cleanup.hours, 1 << 3);
	assert_int_equal(w.conf->nlisteners, 1);
	assert_string_equal(w.conf->listeners[0].id, "imap.a");
	assert_int_equal(w.conf->listeners[0].protocol, CONF_IMAP);
	assert_string_equal(w.conf->listeners[0].bind.at[0], "[::]:143");
	struct conf *second = conf_get(w.conf);
	conf_put(&second);
	done(&w);
}

static void has_defaults_and_layers(void **state)
{
	(void)state;
	struct world w;
	static const char *const sets[] = { "server.default-ports=high",
		"store.\"a.b\".type=memory", "storage.data=a.b", "dns.servers=[\"1.1.1.1:53\"]",
		"log.level=debug", "server.hostname=x\"y" };
	enum rc rc = with_sets(&w, "log.level = 'warn'\n", sets, 6);
	if (rc != RC_OK)
		print_message("%s", w.report.at);
	assert_int_equal(rc, RC_OK);
	assert_int_equal(w.conf->nlisteners, 11);
	assert_string_equal(w.conf->listeners[0].bind.at[0], "127.0.0.1:2525");
	assert_string_equal(conf_store(w.conf, "memory")->id, "a.b");
	assert_int_equal(w.conf->log.level, 0);
	assert_string_equal(w.conf->hostname, "x\"y");
	struct buf value, origin;
	buf_init(&value, 0, NULL);
	buf_init(&origin, 0, NULL);
	assert_int_equal(conf_value(w.conf, S("dns.servers"), &value, &origin), RC_OK);
	assert_true(slice_eq(buf_slice(&value), S("[\"1.1.1.1:53\"]")));
	assert_true(slice_eq(buf_slice(&origin), S("--set")));
	assert_int_equal(conf_value(w.conf, S("dns.server"), &value, &origin), RC_NONE);
	buf_reset(&value);
	conf_render(w.conf, false, &value);
	assert_true(slice_search(buf_slice(&value),
			    S("\nsmtp.max-message-size = \"50MB\"  # default\n")) < value.len);
	assert_true(slice_search(buf_slice(&value),
			    S("\nstore.\"a.b\".type = \"memory\"  # --set\n")) < value.len);
	buf_reset(&value);
	conf_render(w.conf, true, &value);
	conf_document(&value);
	buf_done(&value);
	buf_done(&origin);
	done(&w);
}

static const struct {
	const char *in, *says; /* after "FILE:" */
} faults[] = {
	{ "\nserver.hostnam = 'x'",
		"2: unknown key server.hostnam; did you mean server.hostname?" },
	{ "[server]\nlimit = '1'", "2: unknown key server.limit; did you mean memory.limit?" },
	{ "[memry]\nlimit = '1MB'", "1: unknown key memry" },
	{ "[store.a]\ntype='sqlite'\npth='x'", "3: unknown key store.a.pth; did you mean path?" },
	{ "[server.listener.a]\nbind='127.0.0.1:1'\nprotocol='imap4'",
		"3: protocol: expected one of smtp|" },
	{ "[memory]\nlimit = 'much'", "2: memory.limit: expected a size" },
	{ "[server]\nmax-connections = 0",
		"2: server.max-connections: expected a whole number 1..1000000" },
	{ "[server]\nmax-connections = true", "2: server.max-connections: " },
	{ "[server]\nhostname = 5", "2: server.hostname: a number does not fit" },
	{ "[imap]\ntimeout = 30", "2: imap.timeout: a duration needs its unit" },
	{ "a = ", "1: a value is missing" },
	{ "[server]\nhostname = '%{env:VEREDUS_NO}%'",
		"2: server.hostname: %{env:VEREDUS_NO}%: there is no such variable" },
	{ "[storage]\ndata = 'nope'", "2: storage.data: there is no store \"nope\"" },
	{ "[storage]\ndata = 's'\n[store.s]\ntype='sharded'\nstores=['rocksdb']",
		"2: storage.data: store \"s\" is of a type that cannot do this" },
	{ "[store.r]\ntype='redis'", "1: store \"r\" needs \"url\" or \"urls\"" },
	{ "[store.r]\ntype='redis'\nurl='h'\nurls=['h']", "1: store \"r\" has both \"url\" and" },
	{ "[store.r]\ntype='redis'\nurl='h'\ncluster=true\nsentinel.master='m'",
		"1: store \"r\": \"cluster\" and \"sentinel.master\" exclude" },
	{ "[store.m]\ntype='memcached'\nurl='h'\nauth-secret='x'",
		"1: store \"m\": \"auth-...\"," },
	{ "[storage]\nlookup='nope'", "2: storage.lookup: there is no store \"nope\"" },
	{ "[storage]\nlookup='filesystem'",
		"2: storage.lookup: store \"filesystem\" is of a type that cannot do this" },
	{ "[storage]\nlookup='s'\n[store.s]\ntype='sharded'\nstores=['r']\nby='range'\nranges={'a-"
	  "z'="
	  "'r'}\n[store.r]\ntype='redis'\nurl='h'",
		"2: storage.lookup: store \"s\": keys of a lookup store are spread by" },
	{ "[store.s]\ntype='sharded'", "1: store \"s\": a sharded store needs" },
	{ "[store.s]\ntype='tiered'\nhot='x'\ncold='y'",
		"1: store \"s\" refers to the store \"x\", which" },
	{ "[store.s]\npath='x'", "1: store \"s\" needs \"type\"" },
	{ "[storage]\nblob='t'\n[store.t]\ntype='tiered'\nhot='rocksdb'\ncold='rocksdb'",
		"2: storage.blob: store \"rocksdb\" is of a type that cannot" },
	{ "[storage]\nblob='t'\n[store.f]\ntype='filesystem'\n[store.t]\ntype='tiered'\nhot='f'"
	  "\ncold='f'",
		"2: storage.blob: store \"t\": \"hot\" and \"cold\" are one" },
	{ "[storage]\nblob='s'\n[store.s]\ntype='sharded'\nstores=['rocksdb']",
		"2: storage.blob: store \"s\": \"rocksdb\" is of a type" },
	{ "[storage]\nblob='q'\n[store.q]\ntype='sqlite'",
		"2: storage.blob: content lies in the data store, and \"q\" is another one" },
	{ "[store.s]\ntype='s3'", "1: store \"s\" needs \"bucket\"" },
	{ "[store.s]\ntype='s3'\nbucket='b'\nendpoint='host:1'",
		"1: store \"s\": \"endpoint\" begins" },
	{ "[store.s]\ntype='s3'\nbucket='b'\nendpoint='http://h'\ntls.enable=true",
		"1: store \"s\": \"tls.enable\" and an endpoint" },
	{ "[store.s]\ntype='s3'\nbucket='b'\naccess-key='k'",
		"1: store \"s\": \"access-key\" and \"secret-key\" belong together" },
	{ "[store.s]\ntype='azure'\naccount='a'\ncontainer='c'",
		"1: store \"s\" needs one of \"access-key\" and" },
	{ "[server.listener.a]\nbind='127.0.0.1:25'\nprotocol='smtp'\n[server.listener.b]\nbind='"
	  "127.0.0.1:25'\nprotocol='lmtp'",
		"4: listeners \"a\" and \"b\" both bind" },
	{ "[server.listener.a]\nbind='::1:25'\nprotocol='smtp'",
		"1: listener \"a\": \"::1:25\" is no address:port" },
	{ "[certificate.a]\ncert='x'", "1: certificate \"a\" needs" },
	{ "[data-retention]\ndata-cleanup-schedule='0 2 * * *'\ndataCleanupSchedule='0 2 * * *'",
		"3: data-retention.data-cleanup-schedule is given twice" },
	{ "[data-retention]\narchiving-schedule='61 2 * * *'",
		"2: data-retention.archiving-schedule: expected a schedule" },
	{ "[cluster]\ntype='nats'", "2: this cluster.type needs cluster.urls" },
	{ "store.x = 1", "1: store.x should be a block" },
};

static void says_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct world w;
		enum rc rc = read_text(&w, faults[i].in);
		assert_int_equal(rc, RC_BAD);
		char line[400];
		snprintf(line, sizeof(line), "%s:%s", w.path, faults[i].says);
		if (!strstr((char *)w.report.at, line))
			print_message("wanted %s\ngot    %s", line, w.report.at);
		assert_non_null(strstr((char *)w.report.at, line));
		done(&w);
	}
}

static void reads_the_contract(void **state)
{
	(void)state;
	struct world w = { 0 };
	setenv("DB_PASSWORD", "x", 1);
	setenv("S3_KEY", "x", 1);
	setenv("S3_SECRET", "x", 1);
	struct conf_ask ask = { .file = "test/unit/conf/contract.toml" };
	buf_init(&w.report, 0, NULL);
	enum rc rc = conf_read(&ask, &w.conf, &w.report);
	buf_byte(&w.report, 0);
	if (rc != RC_OK)
		print_message("%s", w.report.at);
	assert_int_equal(rc, RC_OK);
	assert_int_equal(conf_store(w.conf, "all-accounts")->ranges.n, 2);
	assert_non_null(strstr((char *)w.report.at, "note: store \"s3\": nothing refers to it"));
	assert_null(
		strstr((char *)w.report.at, "store \"s3-hot\": nothing")); /* mail-archive does */
	assert_null(strstr((char *)w.report.at, "store \"rocksdb\": nothing"));
	assert_null(strstr((char *)w.report.at, "the engine postgresql"));
	assert_non_null(strstr((char *)w.report.at,
		"note: store \"postgres\": read-replicas has no effect in this version"));
	done(&w);
}

static void note_key(void *ctx, struct slice key)
{
	buf_fmt(ctx, "%.*s%s\n", FMT(key), conf_is_live(key) ? "" : " *");
}

static void compares_two(void **state)
{
	(void)state;
	struct world one, two;
	struct buf keys;
	buf_init(&keys, 0, NULL);
	assert_int_equal(
		read_text(&one, "[smtp]\nmax-errors = 3\n[store.\"a\"]\ntype = \"sqlite\"\n"
				"[store.\"b\"]\ntype = \"postgresql\"\npassword = \"x\"\n"),
		RC_OK);
	assert_int_equal(
		read_text(&two, "[queue]\nport = 26\n[smtp]\nmax-errors = 3\ntimeout = \"7s\"\n"
				"[store.\"b\"]\ntype = \"postgresql\"\npassword = \"y\"\n"),
		RC_OK);
	conf_compare(one.conf, two.conf, note_key, &keys);
	buf_byte(&keys, 0);
	assert_string_equal(
		(char *)keys.at, "smtp.timeout\nqueue.port\nstore.b.password *\nstore.a *\n");
	buf_reset(&keys);
	conf_compare(two.conf, two.conf, note_key, &keys);
	assert_int_equal(keys.len, 0);
	buf_done(&keys);
	done(&one);
	done(&two);
}

static void put_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Groups of both versions of the kernel, as files in a folder of our own. */
static void follows_groups(void **state)
{
	static const char *const folders[] = { "/a", "/a/b", "/memory", "/memory/c" };
	static const char *const files[] = { "/own", "/memory.max", "/a/memory.max",
		"/a/b/memory.max", "/memory/c/memory.limit_in_bytes" };
	char root[] = "/tmp/veredus-conf-XXXXXX", path[256];
	(void)state;
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof(path), "%s/own", root);
	put_file(root, "own", "3:cpu:/\n0::/a/b\n");
	assert_true(conf_cgroup_memory(path, root) == UINT64_MAX);
	put_file(root, "a/b/memory.max", "max\n");
	put_file(root, "a/memory.max", "500000000\n");
	assert_true(conf_cgroup_memory(path, root) == 500000000);
	put_file(root, "a/b/memory.max", "400000000\n");
	assert_true(conf_cgroup_memory(path, root) == 400000000);
	put_file(root, "memory.max", "300000000\n");
	assert_true(conf_cgroup_memory(path, root) == 300000000);
	put_file(root, "memory/c/memory.limit_in_bytes", "200000000\n");
	assert_true(conf_cgroup_memory(path, root) == 300000000);
	put_file(root, "own", "4:memory:/c\n1:name=systemd:/\n0::/\n");
	assert_true(conf_cgroup_memory(path, root) == 200000000);
	put_file(root, "own", "0::nonsense\nrubbish\n");
	assert_true(conf_cgroup_memory(path, root) == 300000000);
	for (size_t i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s%s", root, files[i]);
		unlink(path);
	}
	for (size_t i = 4; i-- > 0;) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		rmdir(path);
	}
	assert_int_equal(rmdir(root), 0);
}

int test_conf(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads_values),
		cmocka_unit_test(has_defaults_and_layers), cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(reads_the_contract), cmocka_unit_test(compares_two),
		cmocka_unit_test(follows_groups) };
	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
