/* files.h: A folder as a place: each object a file, flushed before anybody links it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_FILES_H
#define BLOB_FILES_H

#include "blob/place.h"
#include <dirent.h>

/* A file appears under its name at once and whole (O_TMPFILE, linkat), its folder flushed. Its name has the hash and the
 * upload: a purge unlinks one upload, and never the one that somebody writes meanwhile. */
struct files {
	struct place place;
	char *path;
	unsigned depth;
	bool by_id; /* names have no hash: objects are found by their reservations, as those of object stores */
};
enum rc files_open(const struct place_options *options, struct place **out, struct fault *why);
/* NULL: the place is none, or of another kind. */
const struct files *files_of(const struct place *place);

/* walk.c: all files that bear a blob's name, in no order, one folder of each level open at a time. */
struct files_walk {
	const struct files *files;
	DIR *dirs[5];
	unsigned level;
};
struct files_entry {
	struct place_name name; /* not when it began */
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
