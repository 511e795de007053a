/* walk.c: Going through the files of blobs, folder by folder, and the mark that says whose they are. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "blob/files.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark_name[] = ".store";

static enum rc failed(const char *path, struct fault *why)
{
	return fault_set(why, FAULT_STORE, "%s: %s", path, strerror(errno));
}

enum rc files_walk(const struct files *f, struct files_walk *w, struct fault *why)
{
	*w = (struct files_walk){ .files = f };
	w->dirs[0] = opendir(f->path);
	return w->dirs[0] ? RC_OK : failed(f->path, why);
}

void files_walk_done(struct files_walk *w)
{
	for (size_t i = 0; i < sizeof(w->dirs) / sizeof(w->dirs[0]); i++)
		if (w->dirs[i])
			closedir(w->dirs[i]);
	*w = (struct files_walk){ 0 };
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex(const char *text, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);
		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* "ab": the folder below. */
static bool go_down(struct files_walk *w, const char *name)
{
	uint8_t byte;
	if (strlen(name) != 2 || !hex(name, &byte, 1))
		return false;
	int fd = openat(
		dirfd(w->dirs[w->level]), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	if (!dir)
		return false;
	w->dirs[++w->level] = dir;
	return true;
}

static bool is_blob(const struct files_walk *w, const char *name, struct files_entry *out)
{
	uint8_t upload[8];
	struct stat st;
	size_t digits = 2 * sizeof(out->name.hash);
	*out = (struct files_entry){ 0 };
	if (strlen(name) != digits + 1 + 2 * sizeof(upload) || name[digits] != '-' ||
		!hex(name, out->name.hash, sizeof(out->name.hash)) ||
		!hex(name + digits + 1, upload, sizeof(upload)))
		return false;
	struct slice number = slice_of(upload, sizeof(upload));
	if (take_be64(&number, &out->name.upload) != RC_OK ||
		fstatat(dirfd(w->dirs[w->level]), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	out->named = st.st_ctim.tv_sec;
	return S_ISREG(st.st_mode);
}

enum rc files_next(struct files_walk *w, struct files_entry *out, struct fault *why)
{
	while (true) {
		errno = 0;
		const struct dirent *e = readdir(w->dirs[w->level]);
		if (!e && errno)
			return failed(w->files->path, why);
		if (e && w->level < w->files->depth)
			(void)go_down(w, e->d_name);
		else if (e && is_blob(w, e->d_name, out))
			return RC_OK;
		if (e)
			continue;
		closedir(w->dirs[w->level]);
		w->dirs[w->level] = NULL;
		if (w->level == 0)
			return RC_NONE;
		w->level--;
	}
}

static enum rc read_mark(int fd, struct slice mark, const char *path, bool *same, struct fault *why)
{
	uint8_t bytes[64];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	if (n < 0)
		return failed(path, why);
	*same = slice_eq(slice_of(bytes, (size_t)n), mark);
	return RC_OK;
}

enum rc files_mark(const struct files *f, struct slice mark, bool *same, struct fault *why)
{
	int folder = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return failed(f->path, why);
	enum rc rc = RC_OK;
	int fd = openat(folder, mark_name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		rc = read_mark(fd, mark, f->path, same, why);
	} else {
		fd = openat(folder, mark_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		*same = fd >= 0 && write(fd, mark.at, mark.len) == (ssize_t)mark.len &&
			fsync(fd) == 0 && fsync(folder) == 0;
		rc = *same ? RC_OK : failed(f->path, why);
	}
	if (fd >= 0)
		close(fd);
	close(folder);
	return rc;
}
