/* cli_config.c: Settings that the command line keeps: DIR/settings.toml, read over the file at each start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/cli.h"
#include "main/kept.h"
#include "text/json.h"
#include <unistd.h>

enum rc cli_conf(const struct conf_ask *asked, struct conf **conf, struct buf *report)
{
	struct conf_ask ask = *asked;
	struct arena a;
	ask.overlay = NULL;
	TRY(conf_read(&ask, conf, report));
	arena_init(&a, 0);
	ask.overlay = kept_path((*conf)->data_dir, 0, &a);
	enum rc rc = RC_OK;
	if (access(ask.overlay, F_OK) == 0) {
		conf_put(conf);
		buf_reset(report);
		rc = conf_read(&ask, conf, report);
	}
	arena_done(&a);
	return rc;
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

/* One of these verbs at work. */
struct work {
	struct cli *cli;
	struct conf *now; /* with what is kept */
	struct buf report, text;
};

static int faulty(struct work *w)
{
	fwrite(w->report.at, 1, w->report.len, stderr);
	return 1;
}

static int keep(struct work *w)
{
	if (!kept_replace(w->now->data_dir, buf_slice(&w->text), &w->cli->arena))
		return 1;
	if (!w->cli->json)
		puts("kept; it counts after `veredus config reload`, or from the next start on");
	return 0;
}

static int set_one(struct work *w)
{
	struct cli *cli = w->cli;
	bool set = cli->commands == 4;
	struct slice key = slice_str(cli->command[2]);
	struct conf *proved = NULL;
	/* proved before it is kept: the server must start with it */
	const char **sets = arena_try_array(&cli->arena, cli->ask.nsets + 1, sizeof(*sets));
	for (size_t i = 0; i < cli->ask.nsets; i++)
		sets[i] = cli->ask.sets[i];
	if (set)
		sets[cli->ask.nsets++] = (const char *)arena_fmt(
			&cli->arena, "%s=%s", cli->command[2], cli->command[3])
						 .at;
	cli->ask.sets = sets;
	if (cli_conf(&cli->ask, &proved, &w->report) != RC_OK)
		return faulty(w);
	conf_put(&proved);
	kept_others(w->now->data_dir, key, &cli->arena, &w->text);
	if (set)
		add_line(key, slice_str(cli->command[3]), &w->text);
	return keep(w);
}

static int export(struct work *w)
{
	conf_export(w->now, NULL, &w->text);
	fwrite(w->text.at, 1, w->text.len, stdout);
	return 0;
}

/* --- differences --- */

struct diff {
	const struct conf *before, *now;
	bool json;
	size_t n;
	struct json j;
};

static void diff_line(void *ctx, struct slice key)
{
	struct diff *d = ctx;
	struct buf before, now, origin;
	buf_init(&before, 0, NULL);
	buf_init(&now, 0, NULL);
	buf_init(&origin, 0, NULL);
	bool was = conf_value(d->before, key, &before, &origin) == RC_OK;
	bool is = conf_value(d->now, key, &now, &origin) == RC_OK;
	d->n++;
	if (d->json) {
		json_object(&d->j, NULL);
		json_slice(&d->j, "key", key);
		json_slice(&d->j, "before", buf_slice(&before));
		json_slice(&d->j, "after", buf_slice(&now));
		json_end(&d->j);
	} else if (was || is) {
		printf("-%.*s = %.*s\n+%.*s = %.*s\n", FMT(key), FMT(buf_slice(&before)), FMT(key),
			FMT(buf_slice(&now)));
	} else {
		printf("%c[%.*s]\n", conf_has_block(d->now, key) ? '+' : '-', FMT(key));
	}
	buf_done(&before);
	buf_done(&now);
	buf_done(&origin);
}

/* Prints what changes from one to the other; secrets as stars. */
static void show_diff(struct work *w, const struct conf *now)
{
	struct buf out;
	struct diff d = { .before = w->now, .now = now, .json = w->cli->json };
	buf_init(&out, 0, NULL);
	json_init(&d.j, &out);
	if (d.json)
		json_array(&d.j, NULL);
	conf_compare(w->now, now, diff_line, &d);
	if (d.json) {
		json_end(&d.j);
		printf("%.*s\n", FMT(buf_slice(&out)));
	} else if (d.n == 0) {
		puts("no setting changes");
	}
	buf_done(&out);
}

/* The settings as they would be with `path` in the place of what is kept; its own lines go to w->text. */
static enum rc with_file(struct work *w, const char *path, struct conf **out)
{
	struct conf_ask ask = w->cli->ask;
	ask.overlay = path;
	if (access(path, R_OK) != 0) {
		buf_fmt(&w->report, "veredus: %s: cannot be read\n", path);
		return RC_NONE;
	}
	TRY(conf_read(&ask, out, &w->report));
	buf_reset(&w->text);
	conf_export(*out, path, &w->text);
	return RC_OK;
}

/* A version by its number, or a file. */
static const char *named(struct work *w, const char *name)
{
	uint64_t version;
	if (slice_u64(slice_str(name), KEPT_VERSIONS, &version) == RC_OK)
		return kept_path(w->now->data_dir, (unsigned)version, &w->cli->arena);
	return name;
}

static int diff_with(struct work *w, const char *path, bool also_keep)
{
	struct conf *now = NULL;
	if (with_file(w, path, &now) != RC_OK)
		return faulty(w);
	show_diff(w, now);
	conf_put(&now);
	return also_keep ? keep(w) : 0;
}

static int diff(struct work *w)
{
	return diff_with(w, named(w, w->cli->commands == 3 ? w->cli->command[2] : "1"), false);
}

static int apply(struct work *w)
{
	return diff_with(w, w->cli->command[2], true);
}

static int rollback(struct work *w)
{
	const char *name = w->cli->commands == 3 ? w->cli->command[2] : "1";
	const char *path = named(w, name);
	if (path == name) {
		fprintf(stderr,
			"veredus: \"%s\" is no version: 1 is the one before what counts, up to "
			"%d\n",
			name, KEPT_VERSIONS);
		return 1;
	}
	return diff_with(w, path, true);
}

static const struct {
	const char *verb, *usage;
	size_t least, most; /* words, the first two included */
	int (*run)(struct work *w);
} verbs[] = {
	{ "set", "set KEY VALUE", 4, 4, set_one },
	{ "unset", "unset KEY", 3, 3, set_one },
	{ "export", "export", 2, 2, export },
	{ "diff", "diff [FILE|VERSION]", 2, 3, diff },
	{ "apply", "apply FILE", 3, 3, apply },
	{ "rollback", "rollback [VERSION]", 2, 3, rollback },
};

bool cli_config_is(const char *verb)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].verb, verb) == 0)
			return true;
	}
	return false;
}

int cli_config(struct cli *cli)
{
	struct work w = { .cli = cli };
	size_t v = 0;
	while (strcmp(verbs[v].verb, cli->command[1]) != 0)
		v++;
	if (cli->commands < verbs[v].least || cli->commands > verbs[v].most ||
		cli->n != cli->commands) {
		fprintf(stderr, "usage: veredus config %s\n", verbs[v].usage);
		return 2;
	}
	buf_init(&w.report, 0, &cli->arena);
	buf_init(&w.text, 0, &cli->arena);
	int status = cli_conf(&cli->ask, &w.now, &w.report) == RC_OK ? 0 : faulty(&w);
	buf_reset(&w.report);
	if (status == 0)
		status = verbs[v].run(&w);
	conf_put(&w.now);
	return status;
}
