/* probe.h: Parts that `veredus probe` tries alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_PROBE_H
#define MAIN_PROBE_H

#include "dns/dns.h"
#include "main/cli.h"
#include "text/json.h"

/* What all probes have. */
struct probe {
	struct cli *cli;
	const struct conf *conf;
	struct run *run;
	struct dns *dns;
};

/* One question or message: writes members of the open object `j`. RC_WAIT: `memo` has something to wait for. */
typedef enum rc probe_fn(const struct probe *p, struct slice text, struct dns_memo *memo,
	struct arena *a, struct json *j, struct fault *why);

/* {"ip": ..., "helo": ..., "sender": ...} */
probe_fn probe_spf;
/* A message; probe_arc also makes a set of its own, when there is a key, and probe_dmarc takes the envelope as options. */
probe_fn probe_dkim, probe_arc, probe_dmarc;

/* {"script": ..., "message": ..., "envelope": ...} and what filter/probe.h says. */
probe_fn probe_sieve;

/* "--NAME=VALUE" among the words that were typed; NULL: not there. */
const char *probe_option(const struct probe *p, const char *name);

#endif
