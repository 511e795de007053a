/* cli_words.c: Options and words of the command line, and secrets from standard input. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/cli.h"
#include <errno.h>
#include <termios.h>
#include <unistd.h>

enum { SECRET_MAX = 1024 };

/* Options with a value; those without a place here go to the server as they are. */
static const char *const with_value[] = { "--config", "--data", "--set", "--server", "--token",
	"--name", "--quota", "--alias", "--role", "--member", "--enabled", "--filter", "--limit",
	"--domain", "--from", "--to", "--dns-table", "--key", "--selector", "--headers", "--time",
	"--authserv-id", "--for", "--reason", "--after", "--url", "--replace", "--ip", "--helo",
	"--sender", "--method" };

static bool wants_value(const char *word)
{
	for (size_t i = 0; i < sizeof(with_value) / sizeof(with_value[0]); i++) {
		if (strcmp(word, with_value[i]) == 0)
			return true;
	}
	return false;
}

/* The value of `word` when it is "NAME=value", else NULL. */
static const char *value_of(const char *word, const char *name)
{
	size_t n = strlen(name);
	return strncmp(word, name, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static bool take_flag(struct cli *cli, const char *word)
{
	bool *flags[] = { &cli->json, &cli->help, &cli->help, &cli->version, &cli->password_stdin,
		&cli->settings };
	static const char *const names[] = { "--json", "--help", "-h", "--version",
		"--password-stdin", "--settings" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0) {
			*flags[i] = true;
			return true;
		}
	}
	return false;
}

static bool take_own(struct cli *cli, const char *word, const char **sets)
{
	const char *value;
	if ((value = value_of(word, "--config")) != NULL)
		cli->ask.file = value;
	else if ((value = value_of(word, "--data")) != NULL)
		cli->ask.data_dir = value;
	else if ((value = value_of(word, "--set")) != NULL)
		sets[cli->ask.nsets++] = value;
	else if (value_of(word, "--server") || value_of(word, "--token"))
		cli->fault = "--server and --token: this version answers commands on its control "
			     "socket only; "
			     "run veredus on the server's machine, with --data DIR";
	else
		return false;
	return true;
}

void cli_words(int argc, char **argv, struct cli *cli)
{
	size_t most = (size_t)argc + 1;
	*cli = (struct cli){ 0 };
	arena_init(&cli->arena, 0);
	const char **sets = arena_try_array(&cli->arena, most, sizeof(*sets));
	const char **command = arena_try_array(&cli->arena, most, sizeof(*command));
	cli->words = arena_try_array(&cli->arena, most, sizeof(*cli->words));
	if (!sets || !command || !cli->words) {
		cli->fault = "too many words";
		return;
	}
	cli->ask.sets = sets;
	cli->command = command;
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];
		bool option = word[0] == '-' && word[1];
		if (wants_value(word) && i + 1 < argc)
			word = (char *)(uintptr_t)arena_fmt(&cli->arena, "%s=%s", word, argv[++i])
				       .at;
		else if (wants_value(word))
			cli->fault = (const char *)arena_fmt(
				&cli->arena, "%s needs a value behind it", word)
					     .at;
		if (option && (take_flag(cli, word) || take_own(cli, word, sets)))
			continue;
		cli->words[cli->n++] = word;
		if (!option)
			command[cli->commands++] = word;
	}
}

static bool echo(bool on)
{
	struct termios t;
	if (tcgetattr(STDIN_FILENO, &t) != 0)
		return false;
	if (on)
		t.c_lflag |= ECHO;
	else
		t.c_lflag &= ~(tcflag_t)ECHO;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &t) == 0;
}

enum rc cli_secret(const char *prompt, struct arena *a, struct slice *out)
{
	char line[SECRET_MAX + 2];
	bool terminal = isatty(STDIN_FILENO) != 0;
	if (terminal) {
		fputs(prompt, stderr);
		echo(false);
	}
	char *got = fgets(line, sizeof(line), stdin);
	if (terminal) {
		echo(true);
		fputc('\n', stderr);
	}
	if (!got)
		return RC_NONE;
	struct slice s = slice_str(line);
	bool whole = s.len && (s.at[s.len - 1] == '\n' || s.len <= SECRET_MAX);
	while (s.len && (s.at[s.len - 1] == '\n' || s.at[s.len - 1] == '\r'))
		s.len--;
	enum rc rc = !whole ? RC_LIMIT : s.len ? arena_copy(a, s, out) : RC_NONE;
	explicit_bzero(line, sizeof(line));
	return rc;
}
