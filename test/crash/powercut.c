/* powercut.c: A preloaded shim: at the n-th flush, all that was not flushed is gone (or torn), and the power is off. */
/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Writes go through; their undo records wait here until the file (for names: its folder) is flushed. At the cut the
 * records are played backwards. Mode "drop" undoes all; "tear" keeps a random half of the writes, one of them cut in two.
 * POWERCUT_DIR: only files below it. POWERCUT_AT: which flush, counted from 1; 0: never. POWERCUT_MODE, POWERCUT_SEED.
 * POWERCUT_MARK: a file that is made at the cut.
 * A reply to a change that leaves before a flush returned since its request writes a line to POWERCUT_EARLY. */
enum kind { WROTE, MADE, RENAMED, UNLINKED };
struct undo {
	struct undo *next;
	enum kind kind;
	dev_t dev;
	ino_t ino;
	int fd;
	off_t at, size;
	size_t len, old_len;
	char *old;
	char a[PATH_MAX], b[PATH_MAX];
};
static struct undo *undos; /* newest first */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
enum { DESCRIPTORS = 4096 };
static long calls, flushes; /* begun; done */
static long seen[DESCRIPTORS]; /* flushes when the descriptor was last read */
static struct {
	dev_t dev;
	ino_t ino;
	int fd;
} files[1024];
static unsigned nfiles, trash;

/* The function that ours hides. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool below(const char *path)
{
	const char *dir = getenv("POWERCUT_DIR");
	size_t n = strlen(path);
	bool is_shared =
		n > 4 && strcmp(path + n - 4, "-shm") == 0; /* memory of SQLite: made anew */
	return dir && strncmp(path, dir, strlen(dir)) == 0 && !strstr(path, "/.trash") &&
	       !is_shared;
}

static bool path_of(int fd, char *path)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = '\0';
	return n > 0 && below(path);
}

/* An own descriptor for the file, never closed (closing would drop SQLite's locks). */
static int own_fd(int fd, const struct stat *st)
{
	for (unsigned i = 0; i < nfiles; i++)
		if (files[i].dev == st->st_dev && files[i].ino == st->st_ino)
			return files[i].fd;
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	int mine = REAL(open)(link, O_RDWR | O_CLOEXEC);
	if (mine >= 0 && nfiles < sizeof(files) / sizeof(files[0])) {
		files[nfiles].dev = st->st_dev;
		files[nfiles].ino = st->st_ino;
		files[nfiles++].fd = mine;
	}
	return mine;
}

static struct undo *add(enum kind kind, const char *a, const char *b)
{
	struct undo *u = calloc(1, sizeof(*u));
	if (!u)
		abort();
	u->kind = kind;
	u->next = undos;
	u->fd = -1;
	snprintf(u->a, sizeof(u->a), "%s", a);
	snprintf(u->b, sizeof(u->b), "%s", b);
	return undos = u;
}

/* Before a write of `len` at `at` (-1: where the descriptor stands), or a cut to `at`. */
static void before_write(int fd, off_t at, size_t len, bool is_cut)
{
	struct stat st;
	char path[PATH_MAX];
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !path_of(fd, path))
		return;
	if (at < 0)
		at = fcntl(fd, F_GETFL) & O_APPEND ? st.st_size : lseek(fd, 0, SEEK_CUR);
	if (is_cut)
		len = at < st.st_size ? (size_t)(st.st_size - at) : 0;
	struct undo *u = add(WROTE, path, "");
	u->dev = st.st_dev;
	u->ino = st.st_ino;
	u->at = at;
	u->len = len;
	u->size = st.st_size;
	u->fd = own_fd(fd, &st);
	if (at < st.st_size && u->fd >= 0 && len > 0) {
		size_t was = (size_t)(st.st_size - at) < len ? (size_t)(st.st_size - at) : len;
		u->old = malloc(was);
		ssize_t n = u->old ? pread(u->fd, u->old, was, at) : 0;
		u->old_len = n > 0 ? (size_t)n : 0;
	}
}

/* Undoes all but the first `keep` bytes; `is_last`: nothing later in this file is kept. */
static void undo_write(const struct undo *u, size_t keep, bool is_last)
{
	static const char zeros[65536];
	if (u->fd < 0 || keep >= u->len + (u->len == 0))
		return;
	if (u->old_len > keep)
		(void)!REAL(pwrite)(u->fd, u->old + keep, u->old_len - keep, u->at + (off_t)keep);
	off_t end = u->at + (off_t)u->len, from = u->at + (off_t)keep;
	if (from < u->size)
		from = u->size;
	if (is_last && end > u->size)
		(void)!REAL(ftruncate)(u->fd, from);
	for (; !is_last && from < end; from += (off_t)sizeof(zeros)) {
		size_t n = end - from < (off_t)sizeof(zeros) ? (size_t)(end - from) : sizeof(zeros);
		(void)!REAL(pwrite)(u->fd, zeros, n, from);
	}
}

static void play_back(bool tears)
{
	bool is_torn = !tears;
	for (struct undo *u = undos; u; u = u->next) {
		bool is_last = true;
		for (struct undo *v = undos; v != u; v = v->next)
			is_last = is_last &&
				  !(v->kind == WROTE && v->ino == u->ino && v->len == (size_t)-1);
		if (u->kind == WROTE && tears && rand() % 2) {
			u->len = (size_t)-1; /* kept */
		} else if (u->kind == WROTE) {
			undo_write(u, is_torn ? 0 : u->len / 2, is_last);
			if (!is_torn && u->len > 1)
				u->len = (size_t)-1;
			is_torn = true;
		} else if (!tears && u->kind == MADE) {
			REAL(remove)(u->a);
		} else if (!tears && u->kind == RENAMED) {
			REAL(rename)(u->b, u->a);
		} else if (!tears && u->kind == UNLINKED) {
			REAL(rename)(u->b, u->a);
		}
	}
}

static bool in_folder(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(path, folder, n) == 0 && path[n] == '/' && !strchr(path + n + 1, '/');
}

static void flushed(int fd)
{
	struct stat st;
	char path[PATH_MAX];
	if (fstat(fd, &st) != 0 || !path_of(fd, path))
		return;
	for (struct undo **at = &undos; *at;) {
		struct undo *u = *at;
		bool is_name = u->kind != WROTE && S_ISDIR(st.st_mode) && in_folder(u->a, path);
		bool is_data = u->kind == WROTE && S_ISREG(st.st_mode) && u->dev == st.st_dev &&
			       u->ino == st.st_ino;
		if (!is_name && !is_data) {
			at = &u->next;
			continue;
		}
		if (u->kind == UNLINKED)
			REAL(unlink)(u->b);
		*at = u->next;
		free(u->old);
		free(u);
	}
}

static int flush(int fd, int (*real)(int))
{
	char path[PATH_MAX];
	if (!path_of(fd, path))
		return real(fd);
	pthread_mutex_lock(&lock);
	const char *at = getenv("POWERCUT_AT"), *mode = getenv("POWERCUT_MODE"),
		   *seed = getenv("POWERCUT_SEED");
	if (at && ++calls == atol(at)) {
		srand(seed ? (unsigned)atoi(seed) : 1);
		play_back(mode && strcmp(mode, "tear") == 0);
		const char *mark = getenv("POWERCUT_MARK");
		if (mark)
			(void)REAL(open)(mark, O_WRONLY | O_CREAT, 0644);
		kill(0, SIGKILL);
		pause();
	}
	int rc = real(fd);
	if (rc == 0) {
		if (!getenv("POWERCUT_LIE")) /* a disk that lies: the test must fail */
			flushed(fd);
		flushes++;
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int fsync(int fd)
{
	return flush(fd, REAL(fsync));
}

int fdatasync(int fd)
{
	return flush(fd, REAL(fdatasync));
}

#define GUARDED(type, before, call) \
	pthread_mutex_lock(&lock); \
	before; \
	type rc = call; \
	pthread_mutex_unlock(&lock); \
	return rc

ssize_t write(int fd, const void *at, size_t len)
{
	char path[PATH_MAX];
	if (!path_of(fd, path))
		return REAL(write)(fd, at, len);
	GUARDED(ssize_t, before_write(fd, -1, len, false), REAL(write)(fd, at, len));
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	GUARDED(ssize_t, before_write(fd, at, len, false), REAL(pwrite)(fd, bytes, len, at));
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite(fd, bytes, len, at);
}

static size_t total(const struct iovec *v, int n)
{
	size_t sum = 0;
	for (int i = 0; i < n; i++)
		sum += v[i].iov_len;
	return sum;
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	GUARDED(ssize_t, before_write(fd, -1, total(v, n), false), REAL(writev)(fd, v, n));
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	GUARDED(ssize_t, before_write(fd, at, total(v, n), false), REAL(pwritev)(fd, v, n, at));
}

int ftruncate(int fd, off_t size)
{
	GUARDED(int, before_write(fd, size, 0, true), REAL(ftruncate)(fd, size));
}

int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

static int made(const char *path, int rc)
{
	if (rc == 0)
		add(MADE, path, "");
	return rc;
}

/* Names are only followed by absolute path, which is how all our engines say them. */
int rename(const char *from, const char *to)
{
	if (!below(from) && !below(to))
		return REAL(rename)(from, to);
	char kept[PATH_MAX + 32] = "";
	pthread_mutex_lock(&lock);
	snprintf(kept, sizeof(kept), "%s/.trash.%d.%u", getenv("POWERCUT_DIR"), (int)getpid(),
		trash++);
	bool had = REAL(link)(to, kept) == 0;
	int rc = REAL(rename)(from, to);
	if (rc == 0) {
		if (had)
			add(UNLINKED, to, kept);
		add(RENAMED, from, to);
	} else if (had) {
		REAL(unlink)(kept);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int unlink(const char *path)
{
	if (!below(path))
		return REAL(unlink)(path);
	char kept[PATH_MAX + 32];
	pthread_mutex_lock(&lock);
	snprintf(kept, sizeof(kept), "%s/.trash.%d.%u", getenv("POWERCUT_DIR"), (int)getpid(),
		trash++);
	int rc = REAL(rename)(path, kept);
	if (rc == 0)
		add(UNLINKED, path, kept);
	pthread_mutex_unlock(&lock);
	return rc;
}

/* A name for a file that had none. */
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	if (!below(to))
		return REAL(linkat)(from_dir, from, to_dir, to, flags);
	GUARDED(int, , made(to, REAL(linkat)(from_dir, from, to_dir, to, flags)));
}

int mkdir(const char *path, mode_t mode)
{
	if (!below(path))
		return REAL(mkdir)(path, mode);
	GUARDED(int, , made(path, REAL(mkdir)(path, mode)));
}

static int open_any(const char *path, int flags, mode_t mode)
{
	if (!(flags & O_CREAT) || !below(path))
		return REAL(open)(path, flags, mode);
	pthread_mutex_lock(&lock);
	bool is_new = access(path, F_OK) != 0;
	int fd = REAL(open)(path, flags, mode);
	if (fd >= 0 && is_new)
		add(MADE, path, "");
	pthread_mutex_unlock(&lock);
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
	va_end(list);
	return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
	va_end(list);
	return open_any(path, flags, mode);
}

ssize_t recv(int fd, void *at, size_t len, int flags)
{
	ssize_t n = REAL(recv)(fd, at, len, flags);
	pthread_mutex_lock(&lock);
	if (n > 0 && fd >= 0 && fd < DESCRIPTORS)
		seen[fd] = flushes;
	pthread_mutex_unlock(&lock);
	return n;
}

/* Waits at the cut too: what was not sent before it never is. */
ssize_t send(int fd, const void *at, size_t len, int flags)
{
	pthread_mutex_lock(&lock);
	bool is_ack = memmem(at, len, "250 2.0.0", 9) || memmem(at, len, "[APPENDUID", 10) ||
		      memmem(at, len, "[COPYUID", 8);
	const char *early = getenv("POWERCUT_EARLY");
	if (is_ack && early && fd >= 0 && fd < DESCRIPTORS && seen[fd] == flushes) {
		int out = REAL(open)(early, O_WRONLY | O_CREAT | O_APPEND, 0644);
		(void)!REAL(write)(out, at, len);
		close(out);
	}
	ssize_t n = REAL(send)(fd, at, len, flags);
	pthread_mutex_unlock(&lock);
	return n;
}
