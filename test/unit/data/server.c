/* server.c: Speaks to the program that starts and ends the server. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pid;
static FILE *to, *from;
static struct link_server at;

static void hear(char *line, size_t size)
{
	if (!fgets(line, (int)size, from)) {
		(void)fprintf(stderr, "the server's program ended\n");
		exit(1);
	}
}

void server_start(const char *kind)
{
	int in[2], out[2];
	char line[256];
	if (pipe(in) != 0 || pipe(out) != 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		for (int fd = 3; fd < 256; fd++)
			close(fd);
		execlp("python3", "python3", "test/lib/stores.py", kind, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	to = fdopen(in[1], "w");
	from = fdopen(out[0], "r");
	hear(line, sizeof(line));
	at = (struct link_server){ .host = "127.0.0.1",
		.port = (unsigned)strtoul(line, NULL, 10),
		.database = "veredus",
		.user = "veredus",
		.password = "secret",
		.tls_ca = "",
		.connect_ms = 5000,
		.call_ms = 20000,
		.acquire_ms = 20000,
		.connections_max = 6,
		.retries = 3 };
}

void server_do(const char *word)
{
	char line[256];
	(void)fprintf(to, "%s\n", word);
	(void)fflush(to);
	hear(line, sizeof(line));
}

const struct link_server *server_at(void)
{
	return &at;
}

void server_patience(uint32_t call_ms)
{
	at.call_ms = at.connect_ms = at.acquire_ms = call_ms;
}

void server_end(void)
{
	(void)fclose(to);
	(void)fclose(from);
	waitpid(pid, NULL, 0);
}
