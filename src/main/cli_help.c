/* cli_help.c: What --help says of everything, of a command, of one of its verbs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"
#include "main/cli.h"

/* Those that need no server; the others are in admin/commands.c. */
static const struct {
	const char *word, *verb, *usage;
} own[] = {
	{ "serve", "", "serve [--set KEY=VALUE]..." },
	{ "check", "",
		"check                    reads the configuration: faults, and every effective "
		"value with its origin" },
	{ "probe", "arc",
		"probe arc [--dns-table FILE]         standard input: a message; proves its "
		"chain" },
	{ "probe", "dmarc",
		"probe dmarc [--ip IP --helo NAME --sender ADDRESS] [--method list|walk]   "
		"standard input: a message" },
	{ "probe", "dkim",
		"probe dkim [--dns-table FILE]        standard input: a message; proves its "
		"signatures" },
	{ "probe", "sieve",
		"probe sieve                          standard input: a JSON object with script, "
		"message, envelope; shows the actions, or the error with its line and column" },
	{ "probe", "spf",
		"probe spf [--dns-table FILE]         standard input: a JSON object a line, with "
		"ip, "
		"helo, sender" },
	{ "store", "check",
		"store check [--dry-run]              reads everything, mends what follows from "
		"other data, parks and names what is damaged" },
	{ "store", "copy",
		"store copy --from STORE --to STORE   all of one data store into another, which is "
		"empty; goes on where it was cut off" },
	{ "config", "set", "config set KEY VALUE" },
	{ "config", "unset", "config unset KEY" },
	{ "config", "export",
		"config export                    what was set, in the form that is read" },
	{ "config", "diff",
		"config diff [FILE|VERSION]       what apply FILE or rollback VERSION would "
		"change" },
	{ "config", "apply",
		"config apply FILE                keeps FILE in the place of all that is kept" },
	{ "config", "rollback",
		"config rollback [VERSION]        keeps what was kept before; 1: before the last "
		"change" },
};

static size_t usage_lines(struct slice word, struct slice verb, struct buf *out)
{
	size_t n = 0;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if ((word.len && !slice_eq(word, slice_str(own[i].word))) ||
			(verb.len && !slice_eq(verb, slice_str(own[i].verb))))
			continue;
		buf_fmt(out, "    veredus %s\n", own[i].usage);
		n++;
	}
	return n + admin_usage(word, verb, out);
}

bool cli_knows(const struct cli *cli)
{
	struct buf lines;
	buf_init(&lines, 0, NULL);
	size_t n = usage_lines(slice_str(cli->command[0]),
		cli->commands > 1 ? slice_str(cli->command[1]) : S(""), &lines);
	buf_done(&lines);
	return n > 0;
}

int cli_usage(const struct cli *cli, FILE *to)
{
	struct slice word = cli->commands > 0 ? slice_str(cli->command[0]) : S(""),
		     verb = cli->commands > 1 ? slice_str(cli->command[1]) : S("");
	struct buf lines;
	buf_init(&lines, 0, NULL);
	bool found = word.len && usage_lines(word, verb, &lines);
	if (!found && word.len) {
		/* no such verb: those that there are; no such word: all */
		fprintf(stderr, "veredus: there is no command \"%.*s%s%.*s\"\n", FMT(word),
			verb.len ? " " : "", FMT(verb));
		to = stderr;
		if (usage_lines(word, S(""), &lines) == 0)
			word = S("");
	}
	if (word.len == 0)
		usage_lines(S(""), S(""), &lines);
	fprintf(to, "usage: veredus [--config FILE] [--data DIR] [--json] COMMAND\n\n%.*s",
		FMT(buf_slice(&lines)));
	if (word.len == 0)
		fputs("\n--json: answers as JSON. --password-stdin: the password is the first line "
		      "of standard input.\n"
		      "--config FILE: instead of /etc/veredus/veredus.toml. --data DIR: of the "
		      "stores and the control socket.\n"
		      "COMMAND --help: of one command. "
		      "Exit status: 0 done, 1 refused or failed, 2 usage. See veredus(1).\n",
			to);
	buf_done(&lines);
	return to == stdout ? 0 : 2;
}
