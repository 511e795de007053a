/* probe_sieve.c: veredus probe sieve: a script tried on a message. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "filter/probe.h"
#include "main/probe.h"
#include "run/run.h"

enum { DEPTH = 8 };

enum rc probe_sieve(const struct probe *p, struct slice text, struct dns_memo *memo,
	struct arena *a, struct json *j, struct fault *why)
{
	const struct json_item *in;
	(void)memo;
	TRY(json_read(text, DEPTH, a, &in, why));
	if (in->type != JSON_OBJECT)
		return fault_set(why, FAULT_SYNTAX, "an object with \"script\" is wanted");
	enum rc rc = filter_probe(json_read_str(in, S("script")), json_read_str(in, S("message")),
		in, run_unix(p->run), a, j);
	return rc == RC_LIMIT ? fault_set(why, FAULT_MEMORY, "%s", "") : rc;
}
