/* cli_config.c: Settings that the command line keeps: DIR/settings.toml, read over the file at each start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/cli.h"
#include "text/json.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OVERLAY_MAX = 1 << 20 };

enum rc cli_conf(const struct conf_ask *asked, struct conf **conf, struct buf *report)
{
	struct conf_ask ask = *asked;
	char path[4096];
	ask.overlay = NULL;
	TRY(conf_read(&ask, conf, report));
	snprintf(path, sizeof(path), "%s/settings.toml", (*conf)->data_dir);
	if (access(path, F_OK) != 0)
		return RC_OK;
	ask.overlay = path;
	conf_put(conf);
	buf_reset(report);
	return conf_read(&ask, conf, report);
}

/* All lines of the old file but those of this key. */
static void keep_others(const char *path, struct slice key, struct arena *a, struct buf *out)
{
	FILE *f = fopen(path, "re");
	uint8_t *text = f ? arena_try(a, OVERLAY_MAX) : NULL;
	size_t n = text ? fread(text, 1, OVERLAY_MAX, f) : 0;
	if (f)
		fclose(f);
	for (struct slice rest = slice_of(text, n); rest.len;) {
		struct slice line = slice_split(&rest, '\n');
		if (slice_eq(slice_head(line, slice_search(line, S(" = "))), key) || line.len == 0)
			continue;
		buf_add(out, line);
		buf_byte(out, '\n');
	}
}

/* Whole or not at all, flushed before it takes the old one's place; it belongs to the folder's owner. */
static bool replace(const char *dir, const char *path, struct slice text, struct arena *a)
{
	const char *next = (const char *)arena_fmt(a, "%s.new", path).at;
	struct stat owner;
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = folder >= 0 && fd >= 0 && fstat(folder, &owner) == 0 &&
		  (geteuid() != 0 || fchown(fd, owner.st_uid, owner.st_gid) == 0) &&
		  write(fd, text.at, text.len) == (ssize_t)text.len && fsync(fd) == 0 &&
		  rename(next, path) == 0 && fsync(folder) == 0;
	if (!ok)
		fprintf(stderr, "veredus: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return ok;
}

static void add_line(struct slice key, struct slice value, struct buf *out)
{
	buf_add(out, key);
	buf_str(out, " = ");
	if (value.len && (value.at[0] == '[' || value.at[0] == '{'))
		buf_add(out, value);
	else
		json_quote(value, out);
	buf_byte(out, '\n');
}

int cli_config(struct cli *cli)
{
	bool set = strcmp(cli->command[1], "set") == 0;
	if (cli->commands != (set ? 4 : 3) || cli->n != cli->commands) {
		fprintf(stderr, "usage: veredus config %s\n", set ? "set KEY VALUE" : "unset KEY");
		return 2;
	}
	struct conf *conf = NULL;
	struct buf report, text;
	struct slice key = slice_str(cli->command[2]);
	buf_init(&report, 0, &cli->arena);
	buf_init(&text, 0, &cli->arena);
	/* proved before it is kept: the server must start with it */
	const char **sets = arena_try_array(&cli->arena, cli->ask.nsets + 1, sizeof(*sets));
	for (size_t i = 0; i < cli->ask.nsets; i++)
		sets[i] = cli->ask.sets[i];
	if (set)
		sets[cli->ask.nsets++] = (const char *)arena_fmt(
			&cli->arena, "%s=%s", cli->command[2], cli->command[3])
						 .at;
	cli->ask.sets = sets;
	if (cli_conf(&cli->ask, &conf, &report) != RC_OK) {
		fwrite(report.at, 1, report.len, stderr);
		return 1;
	}
	const char *path =
		(const char *)arena_fmt(&cli->arena, "%s/settings.toml", conf->data_dir).at;
	keep_others(path, key, &cli->arena, &text);
	if (set)
		add_line(key, slice_str(cli->command[3]), &text);
	bool ok = replace(conf->data_dir, path, buf_slice(&text), &cli->arena);
	conf_put(&conf);
	if (ok && !cli->json)
		puts("kept; it counts after `veredus config reload`, or from the next start on");
	return ok ? 0 : 1;
}
