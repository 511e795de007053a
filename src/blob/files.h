/* files.h: Frames of a blob as one file, flushed before anybody links it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_FILES_H
#define BLOB_FILES_H

#include "blob/blob.h"
#include <dirent.h>

/* The file: frames one after the other; then a table of be32 packed lengths; then be32 count of frames.
 * It appears under its name at once and whole (O_TMPFILE, linkat), its folder flushed. */
struct files {
	char *path;
	unsigned depth;
};
/* `upload` makes the name unique: a purge unlinks one upload, and never the one that somebody writes meanwhile. */
enum rc files_put(const struct files *f, const struct blob_ref *ref, uint64_t upload,
	const struct slice *frames, size_t n, struct fault *why);
/* The same piece by piece: a file without a name (gone with a crash), frames, the end (flushed), its name. */
enum rc files_begin(const struct files *f, int *fd, struct fault *why);
enum rc files_frame(int fd, struct slice packed, struct fault *why);
/* `table`: be32 length of each frame; the count is added. */
enum rc files_end(int fd, struct buf *table, struct fault *why);
enum rc files_name(const struct files *f, int fd, const struct blob_ref *ref, uint64_t upload,
	struct fault *why);
/* -1 afterwards; nothing happens when it is -1 already. */
void files_close(int *fd);
/* One packed frame, in `a`. RC_NONE: no such file. RC_LOST: damaged. */
enum rc files_get(const struct files *f, const struct blob_ref *ref, uint64_t upload,
	uint32_t frame, struct arena *a, struct slice *out, struct fault *why);
/* RC_OK also when it is not there. */
enum rc files_remove(
	const struct files *f, const struct blob_ref *ref, uint64_t upload, struct fault *why);

/* walk.c: all files that bear a blob's name, in no order, one folder of each level open at a time. */
struct files_walk {
	const struct files *files;
	DIR *dirs[5];
	unsigned level;
};
struct files_entry {
	struct blob_ref ref; /* its hash alone */
	uint64_t upload;
	int64_t named; /* unix seconds: when it got its name, or later */
};
enum rc files_walk(const struct files *f, struct files_walk *w, struct fault *why);
/* RC_NONE: that was all. */
enum rc files_next(struct files_walk *w, struct files_entry *out, struct fault *why);
/* At any time after files_walk, or zeroed. */
void files_walk_done(struct files_walk *w);
/* Does the folder bear this mark? One that bears none gets it, flushed. */
enum rc files_mark(const struct files *f, struct slice mark, bool *same, struct fault *why);

#endif
