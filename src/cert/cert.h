/* cert.h: Certificates and keys: from files, re-read when they change, or made by ourselves. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERT_CERT_H
#define CERT_CERT_H

#include "base/fault.h"
#include "net/tls.h"
#include "run/run.h"

/* Makes a P-256 key (mode 0600) and a certificate for it, signed by itself, good for ten years, when `key` or `cert`
 * is not there. Names go into subjectAltName: host names, or addresses as text. Files appear whole or not at all.
 * RC_OK: they are there now; `made` (may be NULL) says whether we made them. Faults: CONFIG (a file cannot be written). */
enum rc cert_self_signed(const struct tls_pair *files, const char *const *names, size_t n,
	bool *made, struct fault *why);

struct cert_info {
	char subject[128]; /* the first name */
	char issuer[128];
	int64_t not_before, not_after; /* unix seconds */
	bool self_signed;
};
/* Of the first certificate of a PEM file. Faults: CONFIG. */
enum rc cert_info(const char *file, struct cert_info *out, struct fault *why);

/* Watches the files of a `struct tls`: looks at their times and sizes every `every_ms` as a task of `run`, and loads
 * them all anew when one has changed and all fit. While they do not fit (half-written, key of another certificate) the
 * old ones serve, and one event says why. Warns by an event from 20 days before a certificate ends. */
struct cert_watch;
/* Not after run_drain. Pairs are copied. `tls` and `run` outlive it; it ends with the run time's tasks (drain). */
struct cert_watch *cert_watch_start(struct run *run, struct tls *tls, const struct tls_pair *pairs,
	size_t n, uint64_t every_ms);
/* The caller's hold; the watching itself ends with the run time's tasks. */
void cert_watch_free(struct cert_watch **watch);
/* Loads now, changed or not: for SIGHUP. Any thread. */
enum rc cert_reload(struct cert_watch *watch, struct fault *why);
/* Other files from now on, and loads them; on a fault all stays as it was. Any thread. */
enum rc cert_set(
	struct cert_watch *watch, const struct tls_pair *pairs, size_t n, struct fault *why);

#endif
