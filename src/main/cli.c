/* cli.c: The commands: those that need no server, and those that go to its control socket. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/cli.h"
#include "admin/admin.h"
#include "base/event.h"
#include "base/mem.h"
#include "main/journal.h"
#include "main/serve.h"

static void print_report(const struct buf *report)
{
	if (report->len)
		fwrite(report->at, 1, report->len, stderr);
}

static int serve(struct cli *cli)
{
	struct conf *conf = NULL;
	struct buf report;
	buf_init(&report, 0, NULL);
	enum rc rc = cli_conf(&cli->ask, &conf, &report);
	print_report(&report);
	buf_done(&report);
	if (rc != RC_OK)
		return 1;
	event_journal(journal_open());
	return serve_main(conf, &cli->ask);
}

int cli_check(struct cli *cli)
{
	struct conf *conf = NULL;
	struct buf report, out;
	buf_init(&report, 0, NULL);
	buf_init(&out, 0, NULL);
	enum rc rc = RC_OK;
	if (cli->settings) {
		conf_document(&out);
	} else {
		rc = cli_conf(&cli->ask, &conf, &report);
		if (rc == RC_OK)
			conf_render(conf, cli->json, &out);
	}
	print_report(&report);
	if (out.len)
		fwrite(out.at, 1, out.len, stdout);
	if (cli->json && rc == RC_OK)
		fputc('\n', stdout);
	conf_put(&conf);
	buf_done(&report);
	buf_done(&out);
	return rc == RC_OK ? 0 : 1;
}

const char *cli_socket(struct cli *cli)
{
	struct conf *conf = NULL;
	struct buf report;
	const char *dir = cli->ask.data_dir;
	buf_init(&report, 0, NULL);
	if (!dir && conf_read(&cli->ask, &conf, &report) == RC_OK)
		dir = arena_str(&cli->arena, slice_str(conf->data_dir));
	if (!dir)
		print_report(&report);
	conf_put(&conf);
	buf_done(&report);
	return dir ? (const char *)arena_fmt(&cli->arena, "%s/veredus.sock", dir).at : NULL;
}

static bool is_command(const struct cli *cli, const char *word, const char *verb)
{
	return cli->commands >= 2 && strcmp(cli->command[0], word) == 0 &&
	       strcmp(cli->command[1], verb) == 0;
}

static int no_server(const char *path)
{
	fprintf(stderr,
		"veredus: no server answers at %s; is it running, and may you (root, or its own "
		"user) talk to it?\n",
		path);
	return 1;
}

static int call_server(struct cli *cli)
{
	struct slice secret = S("");
	const char *path = cli_socket(cli);
	if (!path)
		return 1;
	if (cli->json)
		cli->words[cli->n++] = arena_str(&cli->arena, S("--json"));
	if (is_command(cli, "account", "load") || is_command(cli, "lookup", "load")) {
		int loaded = cli_load(cli, path);
		return loaded < 0 ? no_server(path) : loaded;
	}
	if (cli->password_stdin || is_command(cli, "account", "passwd")) {
		if (cli_secret("Password: ", &cli->arena, &secret) != RC_OK) {
			fputs("veredus: a password of 1 to 1024 octets is expected on standard "
			      "input\n",
				stderr);
			return 1;
		}
	}
	int status = admin_call(path, cli->words, cli->n, secret);
	mem_wipe((void *)(uintptr_t)secret.at, secret.len);
	return status < 0 ? no_server(path) : status;
}

static int run(struct cli *cli)
{
	const char *word = cli->commands ? cli->command[0] : "";
	if (cli->fault) {
		fprintf(stderr, "veredus: %s\n", cli->fault);
		return 2;
	}
	if (cli->version) {
		puts("veredus " VEREDUS_VERSION);
		return 0;
	}
	if (cli->help || cli->commands == 0)
		return cli_usage(cli, cli->help ? stdout : stderr);
	if (!cli_knows(cli) ||
		((strcmp(word, "serve") == 0 || strcmp(word, "check") == 0) && cli->n != 1))
		return cli_usage(cli, stderr);
	if (strcmp(word, "serve") == 0)
		return serve(cli);
	if (strcmp(word, "check") == 0)
		return cli_check(cli);
	if (strcmp(word, "config") == 0 && cli->commands >= 2 && cli_config_is(cli->command[1]))
		return cli_config(cli);
	if (strcmp(word, "probe") == 0)
		return cli_probe(cli);
	if (strcmp(word, "store") == 0)
		return cli_store(cli);
	return call_server(cli);
}

int cli_main(int argc, char **argv)
{
	struct cli cli;
	cli_words(argc, argv, &cli);
	int status = run(&cli);
	arena_done(&cli.arena);
	return status;
}
