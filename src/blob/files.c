/* files.c: Blobs in the file system. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/files.h"
#include "base/event.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 4096 };

static enum rc failed(struct fault *why, const char *path)
{
	int e = errno;
	bool full = fault_is_full(e);
	event_log(full ? EVENT_STORE_FULL : EVENT_STORE_FAILED, f_str("path", path),
		f_str("why", strerror(e)));
	if (full)
		return fault_set(why, FAULT_STORE_FULL, "%s", "");
	return fault_set(why, FAULT_STORE, "%s: %s", path, strerror(e));
}

/* "PATH/ab/cd": its folder, made with `make`. */
static enum rc folder_of(
	const struct files *f, const struct blob_ref *ref, bool make, char *out, struct fault *why)
{
	int n = snprintf(out, PATH_LEN, "%s", f->path);
	for (unsigned i = 0; i < f->depth && n > 0 && n < PATH_LEN - 100; i++) {
		n += snprintf(out + n, (size_t)(PATH_LEN - n), "/%02x", ref->hash[i]);
		if (make && mkdir(out, 0700) != 0 && errno != EEXIST)
			return failed(why, out);
	}
	return RC_OK;
}

static enum rc path_of(const struct files *f, const struct blob_ref *ref, uint64_t upload,
	char *out, struct fault *why)
{
	TRY(folder_of(f, ref, false, out, why));
	size_t n = strlen(out);
	out[n++] = '/';
	for (size_t i = 0; i < sizeof(ref->hash); i++)
		n += (size_t)snprintf(out + n, PATH_LEN - n, "%02x", ref->hash[i]);
	snprintf(out + n, PATH_LEN - n, "-%016" PRIx64, upload);
	return RC_OK;
}

static enum rc write_all(int fd, struct slice s, const char *path, struct fault *why)
{
	while (s.len) {
		ssize_t n = write(fd, s.at, s.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(why, path);
		s = slice_tail(s, (size_t)n);
	}
	return RC_OK;
}

enum rc files_begin(const struct files *f, int *fd, struct fault *why)
{
	*fd = open(f->path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	return *fd < 0 ? failed(why, f->path) : RC_OK;
}

enum rc files_frame(int fd, struct slice packed, struct fault *why)
{
	return write_all(fd, packed, "a blob", why);
}

enum rc files_end(int fd, struct buf *table, struct fault *why)
{
	buf_be32(table, (uint32_t)(table->len / 4));
	if (table->over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(write_all(fd, buf_slice(table), "a blob", why));
	return fdatasync(fd) != 0 ? failed(why, "a blob") : RC_OK;
}

void files_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static enum rc flush_folder(const char *folder, struct fault *why)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	enum rc rc = ok ? RC_OK : failed(why, folder);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* A folder that was made a moment ago must be found after a power cut too: its parents are flushed as well. */
static enum rc flush_folders(const struct files *f, char *folder, struct fault *why)
{
	for (unsigned i = 0; i <= f->depth; i++) {
		TRY(flush_folder(folder, why));
		char *slash = strrchr(folder, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	return RC_OK;
}

enum rc files_name(const struct files *f, int fd, const struct blob_ref *ref, uint64_t upload,
	struct fault *why)
{
	char folder[PATH_LEN], path[PATH_LEN], self[64];
	TRY(folder_of(f, ref, true, folder, why));
	TRY(path_of(f, ref, upload, path, why));
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0)
		return failed(why, path);
	return flush_folders(f, folder, why);
}

static enum rc write_frames(int fd, const struct slice *frames, size_t n, struct fault *why)
{
	struct buf table;
	enum rc rc = RC_OK;
	buf_init(&table, 0, NULL);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		rc = files_frame(fd, frames[i], why);
		buf_be32(&table, (uint32_t)frames[i].len);
	}
	if (rc == RC_OK)
		rc = files_end(fd, &table, why);
	buf_done(&table);
	return rc;
}

enum rc files_put(const struct files *f, const struct blob_ref *ref, uint64_t upload,
	const struct slice *frames, size_t n, struct fault *why)
{
	int fd;
	TRY(files_begin(f, &fd, why));
	enum rc rc = write_frames(fd, frames, n, why);
	if (rc == RC_OK)
		rc = files_name(f, fd, ref, upload, why);
	files_close(&fd);
	return rc;
}

static bool read_at(int fd, uint8_t *at, size_t len, off_t from)
{
	while (len) {
		ssize_t n = pread(fd, at, len, from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

static uint32_t be32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum rc read_frame(int fd, uint32_t frame, struct arena *a, struct slice *out)
{
	struct stat st;
	uint8_t tail[4];
	if (fstat(fd, &st) != 0 || st.st_size < 4 || !read_at(fd, tail, 4, st.st_size - 4))
		return RC_LOST;
	uint32_t n = be32_at(tail);
	off_t table = st.st_size - 4 - (off_t)n * 4;
	if (frame >= n || table < 0)
		return RC_LOST;
	uint8_t *sizes = arena_try(a, ((size_t)frame + 1) * 4);
	if (!sizes || !read_at(fd, sizes, ((size_t)frame + 1) * 4, table))
		return sizes ? RC_LOST : RC_LIMIT;
	off_t from = 0;
	for (uint32_t i = 0; i < frame; i++)
		from += be32_at(sizes + 4 * (size_t)i);
	size_t len = be32_at(sizes + 4 * (size_t)frame);
	if (from + (off_t)len > table)
		return RC_LOST;
	uint8_t *bytes = arena_try(a, len ? len : 1);
	if (!bytes || !read_at(fd, bytes, len, from))
		return bytes ? RC_LOST : RC_LIMIT;
	*out = slice_of(bytes, len);
	return RC_OK;
}

enum rc files_get(const struct files *f, const struct blob_ref *ref, uint64_t upload,
	uint32_t frame, struct arena *a, struct slice *out, struct fault *why)
{
	char path[PATH_LEN];
	TRY(path_of(f, ref, upload, path, why));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? RC_NONE : failed(why, path);
	enum rc rc = read_frame(fd, frame, a, out);
	close(fd);
	if (rc == RC_LOST)
		return fault_set(why, FAULT_DAMAGED, "%s is damaged", path);
	return rc == RC_LIMIT ? fault_set(why, FAULT_MEMORY, "%s", "") : rc;
}

enum rc files_remove(
	const struct files *f, const struct blob_ref *ref, uint64_t upload, struct fault *why)
{
	char path[PATH_LEN];
	TRY(path_of(f, ref, upload, path, why));
	return unlink(path) == 0 || errno == ENOENT ? RC_OK : failed(why, path);
}
