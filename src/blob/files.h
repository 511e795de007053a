/* files.h: Frames of a blob as one file, flushed before anybody links it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_FILES_H
#define BLOB_FILES_H

#include "blob/blob.h"

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

#endif
