/* cli_store.c: veredus store: copying between stores of the configuration, while no server has them open. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"
#include "main/cli.h"
#include "main/stores.h"
#include "main/user.h"
#include "move/copy.h"
#include <inttypes.h>
#include <unistd.h>

enum { BAR = 40 };

struct shown {
	bool bar; /* standard error is a terminal */
	int last; /* percent and phase that were shown; -1: none */
};

static const char *phase(const struct copy_progress *p)
{
	return p->verifying ? p->space == DATA_BLOB ? "comparing content" : "comparing keys"
	       : p->space == DATA_BLOB ? "copying content"
				       : "copying keys";
}

static void show(void *ctx, const struct copy_progress *p)
{
	struct shown *s = ctx;
	int now = (p->verifying ? 1000 : 0) + (p->space == DATA_BLOB ? 500 : 0) + (int)p->percent;
	if (!s->bar || now == s->last)
		return;
	s->last = now;
	fprintf(stderr, "\r%-18s [", phase(p));
	for (unsigned i = 0; i < BAR; i++)
		fputc(i < p->percent * BAR / 100 ? '#' : ' ', stderr);
	fprintf(stderr, "] %3u %%, %" PRIu64 " MB", p->percent, p->bytes / 1000000);
	if (p->percent == 100)
		fputc('\n', stderr);
}

/* The value of an option that has to be there. */
static const char *option(const struct cli *cli, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < cli->n; i++) {
		if (strncmp(cli->words[i], name, n) == 0 && cli->words[i][n] == '=')
			return cli->words[i] + n + 1;
	}
	return NULL;
}

static enum rc open_store(
	const struct conf *conf, const char *name, struct data **out, struct fault *why)
{
	const struct conf_store *s = conf_store(conf, name);
	if (!s)
		return fault_set(why, FAULT_CONFIG,
			"no [store.\"%s\"] in the configuration; `veredus check` lists those there "
			"are",
			name);
	return stores_data(conf, s, out, why);
}

static int copy(struct cli *cli, const struct conf *conf)
{
	const char *from = option(cli, "--from"), *to = option(cli, "--to");
	struct shown shown = { .bar = !cli->json && isatty(STDERR_FILENO), .last = -1 };
	struct copy_progress done = { 0 };
	struct fault why = { 0 };
	if (!from || !to || cli->commands != 2 || cli->n != 4) {
		fputs("usage: veredus store copy --from STORE --to STORE\n", stderr);
		return 2;
	}
	struct copy_ask ask = { .name = slice_str(from), .tell = show, .ctx = &shown };
	enum rc rc = strcmp(from, to) == 0
			     ? fault_set(&why, FAULT_CONFIG, "the two stores are the same")
			     : user_become(conf, &why);
	if (rc == RC_OK)
		rc = open_store(conf, from, &ask.from, &why);
	if (rc == RC_OK)
		rc = open_store(conf, to, &ask.to, &why);
	if (rc == RC_OK)
		rc = copy_run(&ask, &done, &why);
	if (ask.from)
		data_close(&ask.from);
	if (ask.to)
		data_close(&ask.to);
	if (rc != RC_OK) {
		fprintf(stderr, "%sveredus: store copy: %s\n", shown.last >= 0 ? "\n" : "",
			fault_text(&why));
		return 1;
	}
	printf(cli->json ? "{\"keys\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n"
			 : "copied and compared: %" PRIu64 " keys and %" PRIu64
			   " octets were read. Now set [storage] data to the new store.\n",
		done.keys, done.bytes);
	return 0;
}

int cli_store(struct cli *cli)
{
	struct conf *conf = NULL;
	struct buf report;
	const char *path = cli_socket(cli);
	int status = 1;
	buf_init(&report, 0, NULL);
	if (path && admin_answers(path))
		fprintf(stderr, "veredus: a server has the stores open (%s): stop it first\n",
			path);
	else if (path && cli_conf(&cli->ask, &conf, &report) == RC_OK)
		status = strcmp(cli->command[1], "check") == 0 ? cli_store_check(cli, conf)
							       : copy(cli, conf);
	fwrite(report.at, 1, report.len, stderr);
	conf_put(&conf);
	buf_done(&report);
	return status;
}
