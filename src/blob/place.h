/* place.h: Where content lies outside the data store: what each kind of place can do. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_PLACE_H
#define BLOB_PLACE_H

#include "base/arena.h"
#include "base/fault.h"

/* An object is made once and never changed: packed frames one after the other, then a table of their be32 lengths, then
 * the be32 count of frames. It is read in ranges. Every call may block, and says so to the run time
 * (run/run.h), but for reads of what is near. Any
 * thread, but one at a time for a write.
 *
 * [place 1] When place_put or place_end return RC_OK the object is there whole, under its name, flushed or verified.
 * [place 2] Two objects never have one name: upload ids are random, and `born` narrows what could meet. */

enum place_kind { PLACE_FILES, PLACE_S3, PLACE_AZURE, PLACE_SHARDED };

/* Strings are copied; NULL and "" mean the same. */
struct place_options {
	enum place_kind kind;
	const char *name; /* in the configuration, for faults and events */
	const char *path; /* files: a folder, made when absent */
	unsigned depth; /* files: levels of folders, 0..4 */
	bool by_id; /* files: as a shard */
	/* object stores: */
	const char *endpoint; /* URL; NULL: that of the region, or of the account */
	const char *bucket; /* or container */
	const char *region;
	const char *access_key, *secret_key, *session_token; /* S3 */
	const char *account, *account_key, *sas_token; /* Azure: the key in base64, or the token */
	const char *storage_class; /* or access tier; NULL: the store's own */
	const char *ca;
	bool allow_invalid; /* certificates */
	bool path_style; /* S3: the bucket stands in the path also where it could stand in the host's name */
	uint64_t timeout_ms; /* of one try */
	unsigned retries;
	size_t connections;
	/* sharded: */
	const struct place_options *const *shards; /* of other kinds */
	size_t shards_n;
	bool modulo; /* else by rendezvous */
};

struct place_name {
	uint8_t hash[32]; /* of the plain content; not known yet at place_begin */
	uint64_t upload;
	int64_t born; /* unix seconds when the upload began; 0: content of version 1 */
	bool is_cold; /* moved there: it never has the name of one that was not, be it in the same folder or bucket */
};

/* What is written: bytes in memory, or the first `len` bytes of a file. */
struct place_bytes {
	const uint8_t *at; /* NULL: they are in `fd` */
	int fd;
	uint64_t len;
};

/* The engine's own structs begin with these. */
struct place_engine;
struct place {
	const struct place_engine *engine;
	size_t part_min; /* bytes of a part of place_add, but of the last one; 0: any */
	bool is_far; /* behind a network: whoever writes reserves the name first, and what is left behind is found by that */
};
struct place_write {
	struct place *place;
};

struct place_range {
	uint64_t from;
	size_t len;
};

struct place_engine {
	void (*close)(struct place *p);
	enum rc (*put)(struct place *p, const struct place_name *name,
		const struct place_bytes *bytes, struct fault *why);
	enum rc (*begin)(struct place *p, const struct place_name *name, struct place_write **out,
		struct fault *why);
	enum rc (*add)(struct place_write *w, const struct place_bytes *bytes, struct fault *why);
	enum rc (*end)(struct place_write *w, const struct place_name *name, struct fault *why);
	void (*drop)(struct place_write *w);
	enum rc (*get)(struct place *p, const struct place_name *name,
		const struct place_range *range, struct arena *a, struct slice *out,
		struct fault *why);
	/* Of an object of version 1, whose table stands nowhere else: be32 lengths, in `a`. NULL: such are not here. */
	enum rc (*table)(struct place *p, const struct place_name *name, struct arena *a,
		struct slice *out, struct fault *why);
	enum rc (*remove)(
		struct place *p, const struct place_name *name, bool parts, struct fault *why);
};

enum rc place_open(const struct place_options *options, struct place **out, struct fault *why);
void place_close(struct place **place);

/* Faults of all: STORE, STORE_FULL, MEMORY. */
enum rc place_put(struct place *p, const struct place_name *name, const struct place_bytes *bytes,
	struct fault *why);
/* An object in parts: begin, add any number of times, then end; drop in any case afterwards. */
enum rc place_begin(struct place *p, const struct place_name *name, struct place_write **out,
	struct fault *why);
enum rc place_add(struct place_write *w, const struct place_bytes *bytes, struct fault *why);
enum rc place_end(struct place_write *w, const struct place_name *name, struct fault *why);
/* What was not ended leaves nothing behind. NULL afterwards; nothing happens when it is NULL already. */
void place_drop(struct place_write **w);
/* Those bytes, in `a`. RC_NONE: no such object. DAMAGED: it is shorter. ARCHIVED: it is asked back from there. */
enum rc place_get(struct place *p, const struct place_name *name, const struct place_range *range,
	struct arena *a, struct slice *out, struct fault *why);
enum rc place_table(struct place *p, const struct place_name *name, struct arena *a,
	struct slice *out, struct fault *why);
/* The object, and with `parts` what a write of it left that never ended. RC_OK also when it is not there. */
enum rc place_remove(struct place *p, const struct place_name *name, bool parts, struct fault *why);

#endif
