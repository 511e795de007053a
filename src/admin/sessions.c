/* sessions.c: Counting sessions by service and step. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/sessions.h"

static void count_one(void *ctx, const char *service, const char *step)
{
	struct sessions *s = ctx;
	for (size_t i = 0; i < s->n; i++) {
		if (s->rows[i].service == service && s->rows[i].step == step) {
			s->rows[i].n++;
			return;
		}
	}
	if (s->n < SESSIONS_MAX)
		s->rows[s->n++] = (struct sessions_row){ service, step, 1 };
}

void sessions_count(struct run *run, struct sessions *out)
{
	out->n = 0;
	run_tasks(run, count_one, out);
}

void sessions_expose(struct run *run, struct buf *out)
{
	struct sessions s;
	sessions_count(run, &s);
	buf_str(out, "# HELP veredus_sessions sessions by service and step\n"
		     "# TYPE veredus_sessions gauge\n");
	for (size_t i = 0; i < s.n; i++)
		buf_fmt(out, "veredus_sessions{service=\"%s\",step=\"%s\"} %llu\n",
			s.rows[i].service, s.rows[i].step, (unsigned long long)s.rows[i].n);
}
