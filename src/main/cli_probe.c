/* cli_probe.c: veredus probe: one part tried alone: questions or a message on standard input, JSON out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/probe.h"
#include "run/run.h"
#include <errno.h>
#include <poll.h>

enum {
	DEPTH = 4,
	TABLE_MAX = 16 << 20,
	PAUSE_MS = 1,
	LINE_MOST = 1 << 20,
	MESSAGE_MOST = 64 << 20
};

static const struct one {
	const char *word;
	probe_fn *run;
	bool takes_all; /* of standard input; else a question a line */
} probes[] = {
	{ "spf", probe_spf, false },
	{ "dkim", probe_dkim, true },
	{ "arc", probe_arc, true },
	{ "dmarc", probe_dmarc, true },
	{ "sieve", probe_sieve, true },
};

/* Runs it again until nothing is asked for any more, and prints. */
static int run_one(const struct probe *p, const struct one *one, struct slice text)
{
	struct arena a;
	struct buf out;
	struct dns_memo memo;
	struct fault why = { 0 };
	enum rc rc = RC_WAIT;
	buf_init(&out, 0, NULL);
	dns_memo_init(&memo, p->dns, NULL);
	while (rc == RC_WAIT) {
		struct json j;
		buf_reset(&out);
		arena_init(&a, 0);
		json_init(&j, &out);
		json_object(&j, NULL);
		rc = one->run(p, text, &memo, &a, &j, &why);
		if (rc == RC_OK) {
			json_end(&j);
			printf("%.*s\n", FMT(buf_slice(&out)));
		}
		arena_done(&a);
		if (rc == RC_WAIT)
			poll(NULL, 0, PAUSE_MS);
	}
	if (rc != RC_OK)
		fprintf(stderr, "veredus: probe: %s\n", fault_text(&why));
	dns_memo_done(&memo);
	buf_done(&out);
	return rc == RC_OK ? 0 : 1;
}

static int run_lines(const struct probe *p, const struct one *one)
{
	char *line = arena_try(&p->cli->arena, LINE_MOST);
	int status = 0;
	while (line && fgets(line, LINE_MOST, stdin)) {
		struct slice text = slice_trim(slice_str(line));
		if (text.len)
			status |= run_one(p, one, text);
	}
	return status;
}

static int run_message(const struct probe *p, const struct one *one)
{
	char *text = arena_try(&p->cli->arena, MESSAGE_MOST);
	size_t n = text ? fread(text, 1, MESSAGE_MOST, stdin) : MESSAGE_MOST;
	if (n == MESSAGE_MOST) {
		fputs("veredus: probe: the message is too long\n", stderr);
		return 1;
	}
	return run_one(p, one, slice_of(text, n));
}

/* A table of records in place of the resolver. */
static enum rc open_table(struct probe *p, const char *path, struct fault *why)
{
	FILE *f = fopen(path, "re");
	char *text = f ? arena_try(&p->cli->arena, TABLE_MAX) : NULL;
	size_t n = text ? fread(text, 1, TABLE_MAX, f) : 0;
	if (f)
		fclose(f);
	if (!text)
		return fault_set(why, FAULT_CONFIG, "%s: %s", path, strerror(errno));
	return dns_script_text(p->run, slice_of(text, n), &p->dns, why);
}

const char *probe_option(const struct probe *p, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 2; i < p->cli->n; i++) {
		const char *word = p->cli->words[i];
		if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, n) == 0 &&
			word[n + 2] == '=')
			return word + n + 3;
	}
	return NULL;
}

static enum rc open_dns(struct probe *p, struct fault *why)
{
	const struct conf *c = p->conf;
	if (probe_option(p, "dns-table"))
		return open_table(p, probe_option(p, "dns-table"), why);
	return dns_new(&(struct dns_conf){ .run = p->run,
			       .servers = c->dns.servers.at,
			       .servers_n = c->dns.servers.n,
			       .no_dnssec = !c->dns.dnssec,
			       .timeout_ms = c->dns.timeout_ms },
		&p->dns, why);
}

int cli_probe(struct cli *cli)
{
	struct probe p = { .cli = cli };
	struct conf *conf = NULL;
	struct buf report;
	struct fault why = { 0 };
	const struct one *one = NULL;
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (cli->commands == 2 && strcmp(cli->command[1], probes[i].word) == 0)
			one = &probes[i];
	}
	if (!one)
		return cli_usage(cli, stderr);
	int status = 1;
	buf_init(&report, 0, NULL);
	if (cli_conf(&cli->ask, &conf, &report) == RC_OK) {
		p.conf = conf;
		p.run = run_new(&(struct run_conf){ .seats = 1 });
		run_start(p.run);
		if (open_dns(&p, &why) == RC_OK)
			status = one->takes_all ? run_message(&p, one) : run_lines(&p, one);
		else
			fprintf(stderr, "veredus: probe: %s\n", fault_text(&why));
		run_drain(p.run);
		run_free(&p.run);
		if (p.dns)
			dns_free(&p.dns);
	}
	fwrite(report.at, 1, report.len, stderr);
	conf_put(&conf);
	buf_done(&report);
	return status;
}
