/* cli_probe.c: veredus probe: one part tried alone, a JSON object a line in, a JSON object a line out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns.h"
#include "main/cli.h"
#include "run/run.h"
#include "text/json.h"
#include "text/json_read.h"
#include "trust/spf.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>

enum { DEPTH = 4, TABLE_MAX = 16 << 20, PAUSE_MS = 1, LINE_MOST = 1 << 20 };

/* What all probes have. */
struct probe {
	struct cli *cli;
	const struct conf *conf;
	struct run *run;
	struct dns *dns;
};

/* One question: reads `in`, writes members of the open object `j`. RC_WAIT: `memo` has something to wait for. */
typedef enum rc probe_fn(const struct probe *p, const struct json_item *in, struct dns_memo *memo,
	struct arena *a, struct json *j, struct fault *why);

static enum rc probe_spf(const struct probe *p, const struct json_item *in, struct dns_memo *memo,
	struct arena *a, struct json *j, struct fault *why)
{
	struct spf_answer answer;
	struct spf_ask ask = { .helo = json_read_str(in, S("helo")),
		.sender = json_read_str(in, S("sender")),
		.receiver = slice_str(p->conf->hostname),
		.unix_now = run_unix(p->run) };
	const char *ip = arena_str(a, json_read_str(in, S("ip")));
	ask.ip_len = ip && inet_pton(AF_INET, ip, ask.ip) == 1    ? 4
		     : ip && inet_pton(AF_INET6, ip, ask.ip) == 1 ? 16
								  : 0;
	if (ask.ip_len == 0)
		return fault_set(why, FAULT_SYNTAX, "\"ip\" is no address");
	TRY(spf_check(&ask, memo, a, &answer, why));
	json_str(j, "result", spf_result_name(answer.result));
	json_slice(j, "domain", answer.domain);
	json_slice(j, "mechanism", answer.mechanism);
	json_slice(j, "explanation", answer.explanation);
	json_str(j, "problem", answer.problem);
	json_u64(j, "lookups", answer.lookups);
	return RC_OK;
}

static const struct {
	const char *word, *usage;
	probe_fn *run;
} probes[] = {
	{ "spf", "spf [--dns-table FILE]   {\"ip\": ..., \"helo\": ..., \"sender\": ...}",
		probe_spf },
};

/* Runs it again until nothing is asked for any more. */
static enum rc run_one(
	const struct probe *p, probe_fn *fn, struct slice line, struct buf *out, struct fault *why)
{
	struct arena a;
	struct dns_memo memo;
	const struct json_item *in;
	enum rc rc = RC_WAIT;
	dns_memo_init(&memo, p->dns, NULL);
	while (rc == RC_WAIT) {
		struct json j;
		buf_reset(out);
		arena_init(&a, 0);
		json_init(&j, out);
		json_object(&j, NULL);
		rc = json_read(line, DEPTH, &a, &in, why);
		if (rc == RC_OK)
			rc = fn(p, in, &memo, &a, &j, why);
		json_end(&j);
		arena_done(&a);
		if (rc == RC_WAIT)
			poll(NULL, 0, PAUSE_MS);
	}
	dns_memo_done(&memo);
	return rc;
}

static int run_lines(const struct probe *p, probe_fn *fn)
{
	char *line = arena_try(&p->cli->arena, LINE_MOST);
	int status = 0;
	struct buf out;
	buf_init(&out, 0, NULL);
	while (line && fgets(line, LINE_MOST, stdin)) {
		struct fault why = { 0 };
		struct slice text = slice_trim(slice_str(line));
		if (text.len == 0)
			continue;
		if (run_one(p, fn, text, &out, &why) == RC_OK) {
			printf("%.*s\n", FMT(buf_slice(&out)));
			continue;
		}
		fprintf(stderr, "veredus: probe: %s\n", fault_text(&why));
		status = 1;
	}
	buf_done(&out);
	return status;
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

static enum rc open_dns(struct probe *p, struct fault *why)
{
	const struct conf *c = p->conf;
	if (p->cli->n == 3)
		return open_table(p, p->cli->words[2] + strlen("--dns-table="), why);
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
	probe_fn *fn = NULL;
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (cli->commands == 2 && strcmp(cli->command[1], probes[i].word) == 0)
			fn = probes[i].run;
	}
	bool table = cli->n == 3 && strncmp(cli->words[2], "--dns-table=", 12) == 0;
	if (!fn || (cli->n != 2 && !table)) {
		fprintf(stderr, "usage: veredus probe %s\n", probes[0].usage);
		return 2;
	}
	int status = 1;
	buf_init(&report, 0, NULL);
	if (cli_conf(&cli->ask, &conf, &report) == RC_OK) {
		p.conf = conf;
		p.run = run_new(&(struct run_conf){ .seats = 1 });
		run_start(p.run);
		if (open_dns(&p, &why) == RC_OK)
			status = run_lines(&p, fn);
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
