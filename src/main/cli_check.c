/* cli_check.c: veredus store check: every room proves what it has stored. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "blob/check.h"
#include "dir/check.h"
#include "mail/check.h"
#include "main/cli.h"
#include "main/stores.h"
#include "main/user.h"
#include "queue/check.h"
#include "run/run.h"
#include "text/json.h"
#include <inttypes.h>
#include <unistd.h>

struct checked {
	struct check check;
	struct data *data;
	struct blob *blob;
	struct run *run;
	struct accounts *accounts;
	struct mail *mail;
	bool json, bar;
};

static const char *const kinds[] = {
	[CHECK_MENDED] = "mended",
	[CHECK_PARKED] = "parked",
	[CHECK_LOST] = "lost",
};

static void tell(void *ctx, enum check_kind kind, struct slice what)
{
	struct checked *c = ctx;
	if (!c->json) {
		printf("%s%s: %.*s\n", c->bar ? "\r" : "", kinds[kind], FMT(what));
		return;
	}
	struct buf line;
	buf_init(&line, 0, NULL);
	buf_fmt(&line, "{\"kind\":\"%s\",\"what\":", kinds[kind]);
	json_quote(what, &line);
	printf("%.*s}\n", FMT(buf_slice(&line)));
	buf_done(&line);
}

static void progress(void *ctx, const char *part, uint64_t looked)
{
	const struct checked *c = ctx;
	if (c->bar)
		fprintf(stderr, "\r%-16s %12" PRIu64 " read ", part, looked);
}

/* Who has linked a content. */
static enum rc holder(void *ctx, uint32_t account, uint8_t kind, uint64_t item, struct fault *why)
{
	struct checked *c = ctx;
	if (kind == 'Q')
		return queue_check_holds(&c->check, item, why);
	return kind == ACCOUNT_MAIL ? mail_check_holds(&c->check, account, item, why) : RC_OK;
}

static enum rc prove(struct checked *c, const struct conf *conf, struct fault *why)
{
	TRY(dir_check(&c->check, why));
	TRY(blob_check(c->blob, &c->check, holder, c, why));
	TRY(mail_check(c->mail, &c->check, why));
	return queue_check(c->blob, conf->queue.relay_host, &c->check, why);
}

static void rooms(struct checked *c)
{
	c->run = run_new(&(struct run_conf){ .seats = 1 });
	run_start(c->run);
	c->accounts = accounts_new(&(struct accounts_deps){ .data = c->data, .run = c->run });
	c->mail = mail_new(&(struct mail_deps){
		.accounts = c->accounts, .data = c->data, .blob = c->blob, .run = c->run });
	c->check.data = c->data;
}

static void leave(struct checked *c)
{
	if (c->run)
		run_free(&c->run); /* background jobs hold accounts */
	if (c->mail)
		mail_free(&c->mail);
	if (c->accounts)
		accounts_free(&c->accounts);
	if (c->blob)
		blob_close(&c->blob);
	if (c->data)
		data_close(&c->data);
}

static void summary(const struct checked *c)
{
	const uint64_t *n = c->check.found;
	if (c->json) {
		printf("{\"read\":%" PRIu64 ",\"mended\":%" PRIu64 ",\"parked\":%" PRIu64
		       ",\"lost\":%" PRIu64 ",\"dry_run\":%s}\n",
			c->check.looked, n[CHECK_MENDED], n[CHECK_PARKED], n[CHECK_LOST],
			c->check.look ? "true" : "false");
		return;
	}
	printf("%s%" PRIu64 " keys and contents read; %" PRIu64 " mended, %" PRIu64
	       " parked, %" PRIu64 " lost%s\n",
		c->bar ? "\r" : "", c->check.looked, n[CHECK_MENDED], n[CHECK_PARKED],
		n[CHECK_LOST], c->check.look ? " (dry run: nothing was changed)" : "");
}

int cli_store_check(struct cli *cli, const struct conf *conf)
{
	struct fault why = { 0 };
	struct checked c = { .json = cli->json, .bar = !cli->json && isatty(STDERR_FILENO) };
	bool dry = cli->n == 3 && strcmp(cli->words[2], "--dry-run") == 0;
	if (cli->commands != 2 || (cli->n != 2 && !dry)) {
		fputs("usage: veredus store check [--dry-run]\n", stderr);
		return 2;
	}
	c.check = (struct check){ .look = dry, .tell = tell, .progress = progress, .ctx = &c };
	event_setup(LEVEL_ERROR, EVENT_TEXT);
	enum rc rc = user_become(conf, &why);
	if (rc == RC_OK)
		rc = stores_open(conf, &c.data, &c.blob, &why);
	if (rc == RC_OK) {
		rooms(&c);
		rc = prove(&c, conf, &why);
	}
	leave(&c);
	if (rc == RC_OK)
		summary(&c);
	else
		fprintf(stderr, "veredus: store check: %s\n", fault_text(&why));
	return rc == RC_OK && c.check.found[CHECK_PARKED] + c.check.found[CHECK_LOST] == 0 ? 0 : 1;
}
