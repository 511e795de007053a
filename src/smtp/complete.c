/* complete.c: What submission adds to a message that lacks it (RFC 6409 8): Date and Message-ID. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/time.h"
#include "mime/mime.h"
#include "run/run.h"
#include "smtp/session.h"
#include <inttypes.h>

static bool has_field(struct slice message, struct slice name)
{
	struct slice value;
	return mime_field_find(message, name, &value) == RC_OK;
}

void smtp_complete(void *arg)
{
	struct smtp_session *s = arg;
	struct slice body = post_held(s->mail);
	struct buf add;
	buf_init(&add, 2048, run_step_arena(s->conn->task.run));
	if (!has_field(body, S("Date"))) {
		buf_str(&add, "Date: ");
		time_rfc5322(run_unix(s->conn->task.run), &add);
		buf_str(&add, "\r\n");
	}
	if (!has_field(body, S("Message-ID"))) {
		uint64_t r;
		random_bytes(&r, sizeof(r));
		buf_fmt(&add, "Message-ID: <%.*s.%016" PRIx64 "@%s>\r\n", FMT(post_id(s->mail)), r,
			smtp_hostname(s));
	}
	if (add.len)
		post_prepend(s->mail, buf_slice(&add));
}
