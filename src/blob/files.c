/* files.c: Blobs in the file system. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/files.h"
#include "base/buf.h"
#include "base/event.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 4096, COPY_LEN = 65536 };

struct files_write {
	struct place_write write;
	int fd; /* a file without a name: gone with a crash */
};

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

/* What stands where the hash does, when that is not known to who removes it: the name of an object store. */
static const uint8_t *digits_of(
	const struct files *f, const struct place_name *name, uint8_t id[32])
{
	if (!f->by_id && !name->is_cold)
		return name->hash;
	memset(id, 0, 32);
	for (int i = 0; i < 8; i++) {
		id[i] = (uint8_t)(name->upload >> (56 - 8 * i));
		id[8 + i] = (uint8_t)((uint64_t)name->born >> (56 - 8 * i));
	}
	return id;
}

/* "PATH/ab/cd": its folder, made with `make`. */
static enum rc folder_of(const struct files *f, const struct place_name *name, bool make, char *out,
	struct fault *why)
{
	uint8_t id[32];
	const uint8_t *digits = digits_of(f, name, id);
	int n = snprintf(out, PATH_LEN, "%s", f->path);
	for (unsigned i = 0; i < f->depth && n > 0 && n < PATH_LEN - 100; i++) {
		n += snprintf(out + n, (size_t)(PATH_LEN - n), "/%02x", digits[i]);
		if (make && mkdir(out, 0700) != 0 && errno != EEXIST)
			return failed(why, out);
	}
	return RC_OK;
}

static enum rc path_of(
	const struct files *f, const struct place_name *name, char *out, struct fault *why)
{
	uint8_t id[32];
	const uint8_t *digits = digits_of(f, name, id);
	TRY(folder_of(f, name, false, out, why));
	size_t n = strlen(out);
	out[n++] = '/';
	for (size_t i = 0; i < sizeof(name->hash); i++)
		n += (size_t)snprintf(out + n, PATH_LEN - n, "%02x", digits[i]);
	snprintf(out + n, PATH_LEN - n, "%c%016" PRIx64, name->is_cold || f->by_id ? '+' : '-',
		name->upload);
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

static enum rc give_name(
	const struct files *f, int fd, const struct place_name *name, struct fault *why)
{
	char folder[PATH_LEN], path[PATH_LEN], self[64];
	if (fdatasync(fd) != 0)
		return failed(why, "a blob");
	TRY(folder_of(f, name, true, folder, why));
	TRY(path_of(f, name, path, why));
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0)
		return failed(why, path);
	return flush_folders(f, folder, why);
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

static enum rc write_bytes(int fd, const struct place_bytes *b, struct fault *why)
{
	uint8_t piece[COPY_LEN];
	if (b->at)
		return write_all(fd, slice_of(b->at, (size_t)b->len), "a blob", why);
	for (uint64_t at = 0; at < b->len;) {
		size_t n = b->len - at < sizeof(piece) ? (size_t)(b->len - at) : sizeof(piece);
		if (!read_at(b->fd, piece, n, (off_t)at))
			return failed(why, "a piece of a blob");
		TRY(write_all(fd, slice_of(piece, n), "a blob", why));
		at += n;
	}
	return RC_OK;
}

static enum rc files_begin(
	struct place *p, const struct place_name *name, struct place_write **out, struct fault *why)
{
	struct files *f = (struct files *)p;
	int fd = open(f->path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	(void)name;
	if (fd < 0)
		return failed(why, f->path);
	struct files_write *w = mem_new(MEM_STORE, sizeof(*w));
	*w = (struct files_write){ .write = { p }, .fd = fd };
	*out = &w->write;
	return RC_OK;
}

static enum rc files_add(struct place_write *w, const struct place_bytes *b, struct fault *why)
{
	return write_bytes(((struct files_write *)w)->fd, b, why);
}

static enum rc files_end(struct place_write *w, const struct place_name *name, struct fault *why)
{
	return give_name((struct files *)w->place, ((struct files_write *)w)->fd, name, why);
}

static void files_drop(struct place_write *w)
{
	close(((struct files_write *)w)->fd);
	mem_free(MEM_STORE, w);
}

static enum rc files_put(struct place *p, const struct place_name *name,
	const struct place_bytes *b, struct fault *why)
{
	struct place_write *w = NULL;
	TRY(files_begin(p, name, &w, why));
	enum rc rc = files_add(w, b, why);
	if (rc == RC_OK)
		rc = files_end(w, name, why);
	files_drop(w);
	return rc;
}

static enum rc open_file(
	const struct files *f, const struct place_name *name, int *fd, struct fault *why)
{
	char path[PATH_LEN];
	TRY(path_of(f, name, path, why));
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOENT ? RC_NONE : failed(why, path);
	return RC_OK;
}

/* Below files_get and files_table: the file is closed on all ways. */
static enum rc read_slice(
	int fd, uint64_t from, size_t len, struct arena *a, struct slice *out, struct fault *why)
{
	uint8_t *at = arena_try(a, len ? len : 1);
	if (!at)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	if (!read_at(fd, at, len, (off_t)from))
		return fault_set(why, FAULT_DAMAGED, "the file of a blob is damaged");
	*out = slice_of(at, len);
	return RC_OK;
}

static enum rc files_get(struct place *p, const struct place_name *name,
	const struct place_range *range, struct arena *a, struct slice *out, struct fault *why)
{
	int fd;
	TRY(open_file((struct files *)p, name, &fd, why));
	enum rc rc = read_slice(fd, range->from, range->len, a, out, why);
	close(fd);
	return rc;
}

static enum rc read_table(int fd, struct arena *a, struct slice *out, struct fault *why)
{
	struct stat st;
	struct slice tail;
	uint32_t n = 0;
	if (fstat(fd, &st) != 0 || st.st_size < 4)
		return fault_set(why, FAULT_DAMAGED, "the file of a blob is damaged");
	uint64_t end = (uint64_t)st.st_size - 4;
	TRY(read_slice(fd, end, 4, a, &tail, why));
	if (take_be32(&tail, &n) != RC_OK || n * UINT64_C(4) > end)
		return fault_set(why, FAULT_DAMAGED, "the file of a blob is damaged");
	return read_slice(fd, end - n * UINT64_C(4), n * (size_t)4, a, out, why);
}

static enum rc files_table(struct place *p, const struct place_name *name, struct arena *a,
	struct slice *out, struct fault *why)
{
	int fd;
	TRY(open_file((struct files *)p, name, &fd, why));
	enum rc rc = read_table(fd, a, out, why);
	close(fd);
	return rc;
}

static enum rc files_remove(
	struct place *p, const struct place_name *name, bool parts, struct fault *why)
{
	(void)parts;
	char path[PATH_LEN];
	TRY(path_of((struct files *)p, name, path, why));
	return unlink(path) == 0 || errno == ENOENT ? RC_OK : failed(why, path);
}

static void files_close(struct place *p)
{
	mem_free(MEM_STORE, ((struct files *)p)->path);
	mem_free(MEM_STORE, p);
}

static const struct place_engine files_engine = { .close = files_close,
	.put = files_put,
	.begin = files_begin,
	.add = files_add,
	.end = files_end,
	.drop = files_drop,
	.get = files_get,
	.table = files_table,
	.remove = files_remove };

const struct files *files_of(const struct place *p)
{
	return p && p->engine == &files_engine ? (const struct files *)p : NULL;
}

enum rc files_open(const struct place_options *o, struct place **out, struct fault *why)
{
	if (mkdir(o->path, 0700) != 0 && errno != EEXIST)
		return fault_set(why, FAULT_STORE, "%s: %s", o->path, strerror(errno));
	struct files *f = mem_new(MEM_STORE, sizeof(*f));
	*f = (struct files){ .place = { .engine = &files_engine },
		.path = mem_str(MEM_STORE, o->path),
		.depth = o->depth > 4 ? 4 : o->depth,
		.by_id = o->by_id };
	*out = &f->place;
	return RC_OK;
}
