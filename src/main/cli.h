/* cli.h: The command line. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_CLI_H
#define MAIN_CLI_H

#include "conf/conf.h"

/* Everything that `veredus` does. Exit status: 0 done, 1 refused or failed, 2 usage. */
int cli_main(int argc, char **argv);

/* What was typed: options taken out, "--name value" joined to "--name=value". */
struct cli {
	struct arena arena;
	struct conf_ask ask;
	char **words; /* with the options that the command itself reads */
	size_t n, commands; /* all words; those that are no options */
	const char *const *command; /* the words that are no options */
	bool json, help, version, password_stdin, settings;
	const char *fault; /* not NULL: wrong usage */
};

/* Is there such a command, and a verb of it when one was typed? */
bool cli_knows(const struct cli *cli);
/* Usage: of everything, or of the command that was typed; when there is none of that name, this says so on stderr.
 * Returns the exit status. */
int cli_usage(const struct cli *cli, FILE *to);
void cli_words(int argc, char **argv, struct cli *cli);
/* Standard input's first line, or typed without echo. RC_NONE: none there; RC_LIMIT: over 1024 octets. */
enum rc cli_secret(const char *prompt, struct arena *a, struct slice *out);
/* DIR/veredus.sock; DIR by --data, else as the configuration says. NULL: it has a fault, which is printed. */
const char *cli_socket(struct cli *cli);
/* Standard input, or what --url=URL names, to a command that takes lines. Returns the exit status; -1: no server answers. */
int cli_load(struct cli *cli, const char *path);
int cli_check(struct cli *cli);
/* The configuration with the settings that are kept in its data folder (ask->overlay is not looked at); as conf_read. */
enum rc cli_conf(const struct conf_ask *ask, struct conf **conf, struct buf *report);
/* probe: parts tried alone. */
int cli_probe(struct cli *cli);
/* store copy, store check: stores of the configuration, while no server has them open. */
int cli_store(struct cli *cli);
int cli_store_check(struct cli *cli, const struct conf *conf);
/* The verbs of `config` that need no server: set, unset, export, diff, apply, rollback. */
bool cli_config_is(const char *verb);
int cli_config(struct cli *cli);

#endif
