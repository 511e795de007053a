/* intake.c: The one receiver of messages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/intake.h"

static enum rc memory(enum rc rc, struct fault *why)
{
	return rc == RC_OK ? RC_OK : fault_set(why, FAULT_MEMORY, "%s", "");
}

enum rc mail_intake_begin(struct mail_intake *in, struct blob *blob, struct buf *frame,
	struct arena *work, struct fault *why)
{
	*in = (struct mail_intake){ 0 };
	blob_upload_init(blob, frame, &in->up);
	return memory(mail_record_begin(work, &in->making), why);
}

enum rc mail_intake_add(struct mail_intake *in, struct slice bytes, struct fault *why)
{
	TRY(blob_upload_add(&in->up, bytes, why));
	return memory(mail_record_add(in->making, bytes), why);
}

enum rc mail_intake_end(struct mail_intake *in, bool spill, struct arena *a, struct fault *why)
{
	TRY(blob_upload_end(&in->up, spill, a, why));
	return memory(mail_record_end(in->making, &in->up.ref, a, &in->parsed), why);
}

void mail_intake_done(struct mail_intake *in, bool stored)
{
	blob_upload_done(&in->up, stored);
	in->making = NULL;
}
