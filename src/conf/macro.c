/* macro.c: %{env:NAME}% and %{file:PATH}%, and how much memory the machine gives. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"
#include <errno.h>
#include <unistd.h>

enum { FILE_MOST = 64 * 1024, NAME_MOST = 1024 };

static enum rc add_file(const char *path, struct buf *out, struct fault *why)
{
	FILE *f = fopen(path, "re");
	if (!f) {
		(void)fault_set(why, FAULT_CONFIG, "%%{file:%s}%%: %s", path, strerror(errno));
		return RC_NONE;
	}
	size_t before = out->len, n;
	uint8_t *room = buf_room(out, FILE_MOST);
	n = room ? fread(room, 1, FILE_MOST, f) : 0;
	fclose(f);
	buf_added(out, n);
	/* a secret's file usually ends in a line end that is not part of it */
	while (out->len > before &&
		(out->at[out->len - 1] == '\n' || out->at[out->len - 1] == '\r'))
		out->len--;
	return RC_OK;
}

static enum rc add_macro(struct slice inside, struct buf *out, struct fault *why)
{
	char name[NAME_MOST];
	struct slice rest = inside;
	struct slice kind = slice_split(&rest, ':');
	snprintf(name, sizeof(name), "%.*s", FMT(rest));
	if (slice_eq(kind, S("file")))
		return add_file(name, out, why);
	if (!slice_eq(kind, S("env")))
		return fault_set(why, FAULT_CONFIG,
			"%%{%.*s}%% is not known: there are env and file", FMT(inside));
	const char *value = getenv(name);
	if (!value) {
		(void)fault_set(why, FAULT_CONFIG, "%%{env:%s}%%: there is no such variable", name);
		return RC_NONE;
	}
	buf_str(out, value);
	return RC_OK;
}

enum rc conf_macro(struct slice text, struct arena *a, struct slice *out, struct fault *why)
{
	struct buf b;
	if (slice_search(text, S("%{")) == text.len) {
		*out = text;
		return RC_OK;
	}
	buf_init(&b, 0, a);
	while (text.len) {
		size_t at = slice_search(text, S("%{"));
		buf_add(&b, slice_head(text, at));
		text = slice_tail(text, at);
		size_t end = slice_search(text, S("}%"));
		if (end == text.len) {
			buf_add(&b, text);
			break;
		}
		TRY(add_macro(slice_tail(slice_head(text, end), 2), &b, why));
		text = slice_tail(text, end + 2);
	}
	*out = buf_slice(&b);
	return RC_OK;
}

static uint64_t number_in(const char *path)
{
	char text[64] = "";
	uint64_t n;
	FILE *f = fopen(path, "re");
	if (!f)
		return UINT64_MAX;
	size_t len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	return slice_u64(slice_trim(slice_of(text, len)), UINT64_MAX, &n) == RC_OK ? n : UINT64_MAX;
}

/* The least limit of `group`, a path in the tree of groups at `tree`, and of each group above it. */
static uint64_t least_in(const char *tree, const char *group, const char *file)
{
	char path[8192];
	struct slice g = slice_trim(slice_str(group));
	uint64_t least = UINT64_MAX;
	while (true) {
		g = slice_head(g, slice_rfind(g, '/') + 1 == g.len ? g.len - 1 : g.len);
		snprintf(path, sizeof(path), "%s%.*s/%s", tree, FMT(g), file);
		uint64_t n = number_in(path);
		least = n < least ? n : least;
		if (g.len == 0)
			return least;
		size_t cut = slice_rfind(g, '/');
		g = slice_head(g, cut < g.len ? cut : 0);
	}
}

/* "0::/path" in version 2 of the kernel's groups; "4:memory:/path" in version 1. */
uint64_t conf_cgroup_memory(const char *own, const char *root)
{
	char line[4096] = "", tree[4096];
	FILE *f = fopen(own, "re");
	uint64_t least = UINT64_MAX;
	while (f && fgets(line, sizeof(line), f)) {
		char *what = strchr(line, ':'), *group = what ? strchr(what + 1, ':') : NULL;
		uint64_t n = UINT64_MAX;
		if (!group)
			continue;
		*group++ = 0;
		if (what[1] == 0)
			n = least_in(root, group, "memory.max");
		else if (strcmp(what + 1, "memory") == 0 &&
			 snprintf(tree, sizeof(tree), "%s/memory", root) < (int)sizeof(tree))
			n = least_in(tree, group, "memory.limit_in_bytes");
		least = n < least ? n : least;
	}
	if (f)
		fclose(f);
	return least;
}

uint64_t conf_memory(void)
{
	uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t most = conf_cgroup_memory("/proc/self/cgroup", "/sys/fs/cgroup");
	most = ram < most ? ram : most;
	return most / 10 * 7;
}
