/* kept.c: Replaces the kept settings as a whole, and remembers what they were. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/kept.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20 };

const char *kept_path(const char *dir, unsigned version, struct arena *a)
{
	struct slice path = version ? arena_fmt(a, "%s/settings.toml.%u", dir, version)
				    : arena_fmt(a, "%s/settings.toml", dir);
	return (const char *)path.at;
}

/* False: it is not there. */
static bool read_text(const char *path, struct arena *a, struct slice *out)
{
	FILE *f = fopen(path, "re");
	uint8_t *text = f ? arena_try(a, TEXT_MAX) : NULL;
	size_t n = text ? fread(text, 1, TEXT_MAX, f) : 0;
	if (f)
		fclose(f);
	*out = slice_of(text, n);
	return text != NULL;
}

void kept_others(const char *dir, struct slice key, struct arena *a, struct buf *out)
{
	struct slice rest;
	bool there = read_text(kept_path(dir, 0, a), a, &rest);
	while (there && rest.len) {
		struct slice line = slice_split(&rest, '\n');
		if (slice_eq(slice_head(line, slice_search(line, S(" = "))), key) || line.len == 0)
			continue;
		buf_add(out, line);
		buf_byte(out, '\n');
	}
}

bool kept_read(const char *dir, unsigned version, struct arena *a, struct buf *out)
{
	struct slice text;
	const char *path = kept_path(dir, version, a);
	errno = 0;
	if (!read_text(path, a, &text)) {
		fprintf(stderr, "veredus: %s: %s\n", path, errno ? strerror(errno) : "too long");
		return false;
	}
	buf_add(out, text);
	return true;
}

/* What counts is linked as version 1 when the others have moved up; a crash in between leaves a gap, and loses nothing. */
static bool move_up(const char *dir, struct arena *a)
{
	for (unsigned v = KEPT_VERSIONS - 1; v >= 1; v--) {
		if (rename(kept_path(dir, v, a), kept_path(dir, v + 1, a)) != 0 && errno != ENOENT)
			return false;
	}
	return link(kept_path(dir, 0, a), kept_path(dir, 1, a)) == 0 || errno == ENOENT;
}

bool kept_replace(const char *dir, struct slice text, struct arena *a)
{
	const char *path = kept_path(dir, 0, a);
	const char *next = (const char *)arena_fmt(a, "%s.new", path).at;
	struct stat owner;
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	/* it belongs to the folder's owner */
	bool ok = folder >= 0 && fd >= 0 && fstat(folder, &owner) == 0 &&
		  (geteuid() != 0 || fchown(fd, owner.st_uid, owner.st_gid) == 0) &&
		  write(fd, text.at, text.len) == (ssize_t)text.len && fsync(fd) == 0 &&
		  move_up(dir, a) && rename(next, path) == 0 && fsync(folder) == 0;
	if (!ok)
		fprintf(stderr, "veredus: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return ok;
}
