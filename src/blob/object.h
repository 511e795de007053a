/* object.h: What object stores have in common: signed calls that are tried again, and how their answers are read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_OBJECT_H
#define BLOB_OBJECT_H

#include "blob/place.h"
#include "crypto/sigv4.h"
#include "link/fetch.h"
#include "text/object_xml.h"

enum { OBJECT_KEY_LEN = 64, OBJECT_PART_MIN = 8 * 1024 * 1024 };

/* One request and its answer; everything borrowed lives as long as the call. */
struct object_call {
	const char *method;
	struct slice path; /* not encoded, from the server's root */
	struct sigv4_pair query[4];
	size_t query_n;
	struct sigv4_pair fields[10]; /* names in lower case, signed */
	size_t fields_n;
	struct fetch_body body; /* len 0: none */
	char sha256[65]; /* of the body, in hex */
	struct buf head, out; /* of the answer; `out` is limited */
	unsigned status;
	struct object_xml xml; /* of an answer that is XML; in `a` */
	struct arena a;
};

struct object_store;
/* Makes url and field lines ("Name: value", NULL at the end) of a call at that time, signed; in `a`. RC_LIMIT: no memory. */
typedef enum rc object_sign_fn(struct object_store *s, const struct object_call *c, int64_t now,
	struct arena *a, const char **url, const char ***fields);

struct object_store {
	struct place place;
	struct fetch *fetch;
	object_sign_fn *sign;
	char *name; /* in the configuration, for faults and events */
	char *base; /* "https://host:port" */
	char *host; /* host, and port when it is not the scheme's */
	char *path; /* before a key: "/bucket/" */
	char *storage_class; /* "" : the store's own */
	uint64_t timeout_ms;
	unsigned retries;
};

/* Fills all but `sign`; `bucket_host`: the bucket is part of the host's name. BAD: CONFIG: the endpoint is no URL. */
enum rc object_store_init(struct object_store *s, const struct place_options *o,
	const char *endpoint, bool bucket_host, struct fault *why);
void object_store_done(struct object_store *s);

/* "ab/0123456789-0123456789abcdef". */
void object_key(const struct place_name *name, char out[OBJECT_KEY_LEN]);

/* A call to the object of that key (NULL: to the bucket). `most`: octets of an answer. */
void object_begin(struct object_call *c, const struct object_store *s, const char *method,
	const char *key, size_t most);
void object_query(struct object_call *c, const char *name, const char *value);
/* The value is copied. */
void object_field(struct object_call *c, const char *name, const char *value);
/* Reads the body once for its digests: the call's sha256, and the field content-md5. `md5`: it too, unless NULL. */
enum rc object_body(
	struct object_call *c, const struct place_bytes *b, uint8_t md5[16], struct fault *why);
/* RC_OK: there is an answer that says more than "later"; its XML was read. Within twice the timeout, with its tries. */
enum rc object_do(struct object_store *s, struct object_call *c, struct fault *why);
void object_end(struct object_call *c);

/* 2xx. */
bool object_is_good(const struct object_call *c);
bool object_has_code(const struct object_call *c, const char *code);
/* What the store did not do, with its code, as a fault and an event. */
enum rc object_failed(
	struct object_store *s, const struct object_call *c, const char *what, struct fault *why);
/* By a HEAD: the object has that length, and that entity tag unless `etag` is empty. */
enum rc object_verify(struct object_store *s, const char *key, uint64_t len, struct slice etag,
	struct fault *why);
/* What a GET of a range brought, into `a`: DAMAGED when the object is shorter. */
enum rc object_take(struct object_store *s, const struct object_call *c,
	const struct place_range *r, struct arena *a, struct slice *out, struct fault *why);
/* After asking for an object to come back from the archive: ARCHIVED, also when the store's code says that it does
 * already; else what failed. Never RC_OK. */
enum rc object_wanted(struct object_store *s, const struct object_call *c, const char *under_way,
	struct fault *why);

#endif
