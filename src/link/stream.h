/* stream.h: A connection to a server by calls that block, each with a deadline; plain or TLS. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_STREAM_H
#define LINK_STREAM_H

#include "base/buf.h"
#include "base/fault.h"
#include "net/tls.h"

/* One owner at a time. Deadlines are times of run_now_ms; a worker gives up its seat before (run_block_begin). */
struct stream;

struct stream_target {
	const char *host; /* a name or an address, "::1" too */
	unsigned port;
	struct tls *tls; /* NULL: plain */
	bool allow_invalid; /* any certificate is taken */
};

/* Every address of the name in turn, until one takes us. STORE: none did, or the deadline is over. */
enum rc stream_open(const struct stream_target *target, uint64_t deadline_ms, struct stream **out,
	struct fault *why);
void stream_close(struct stream **stream);

/* All of it. STORE: the peer has gone, or the deadline is over: the connection is of no use any more. */
enum rc stream_write(struct stream *s, struct slice bytes, uint64_t deadline_ms, struct fault *why);
/* Appends what is there, at least one octet. Faults as those of stream_write; MEMORY: over the limit of `in`. */
enum rc stream_read(struct stream *s, struct buf *in, uint64_t deadline_ms, struct fault *why);
/* The peer has ended it, or sent what nobody asked for. Never blocks. */
bool stream_is_stale(struct stream *s);
/* The last fault came because the deadline was over. */
bool stream_is_late(const struct stream *s);

#endif
