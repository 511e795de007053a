/* record_read.c: Reading the immutable record of a message. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "mail/log.h"
#include "mail/record_int.h"
#include <string.h>

void mail_record_set_thread(struct slice record, uint64_t thread)
{
	must(record.len > RECORD_THREAD_AT + 8);
	uint8_t *at = (uint8_t *)(uintptr_t)record.at + RECORD_THREAD_AT;
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(thread >> (56 - 8 * i));
}

/* A record is read for each message of a long answer: its numbers are short, so most take one step here. */
static inline enum rc number(struct slice *in, uint64_t *out)
{
	if (in->len == 0 || in->at[0] >= 0x80)
		return take_varint(in, out);
	*out = in->at[0];
	*in = (struct slice){ in->at + 1, in->len - 1 };
	return RC_OK;
}

static inline enum rc piece(struct slice *in, struct slice *out)
{
	uint64_t n;
	if (in->len >= 2 && in->at[0] >= 0x80 && in->at[1] < 0x80) { /* two octets: up to 16383 */
		n = (uint64_t)(in->at[0] & 0x7f) | (uint64_t)in->at[1] << 7;
		*in = (struct slice){ in->at + 2, in->len - 2 };
	} else {
		TRY(number(in, &n));
	}
	if (n > in->len)
		return RC_BAD;
	*out = (struct slice){ in->at, (size_t)n };
	*in = (struct slice){ in->at + n, in->len - (size_t)n };
	return RC_OK;
}

static enum rc read_all(struct slice in, struct mail_record *out)
{
	uint8_t version, whole;
	struct slice hash;
	TRY(take_byte(&in, &version));
	if (version != RECORD_VERSION)
		return RC_BAD;
	TRY(take_be64(&in, &out->thread));
	TRY(take_bytes(&in, sizeof(out->blob.hash), &hash));
	memcpy(out->blob.hash, hash.at, hash.len);
	TRY(number(&in, &out->size));
	TRY(number(&in, &out->head_len));
	TRY(mail_take_signed(&in, &out->sent));
	TRY(piece(&in, &out->envelope));
	TRY(piece(&in, &out->body));
	TRY(piece(&in, &out->structure));
	TRY(piece(&in, &out->preview));
	TRY(piece(&in, &out->subject));
	TRY(piece(&in, &out->parts));
	TRY(take_byte(&in, &whole));
	TRY(piece(&in, &out->fields));
	out->has_fields = whole;
	if (in.len)
		TRY(take_be64(&in, &out->blob.upload));
	out->blob.size = out->size;
	return RC_OK;
}

enum rc mail_record_read(struct slice bytes, struct mail_record *out)
{
	struct mail_record rec = { 0 };
	if (read_all(bytes, &rec) != RC_OK)
		return RC_LOST;
	*out = rec;
	return RC_OK;
}

static enum rc take_part(struct slice *in, struct mail_part *part)
{
	uint8_t bits;
	TRY(take_vslice(in, &part->number));
	TRY(take_varint(in, &part->head));
	TRY(take_varint(in, &part->head_len));
	TRY(take_varint(in, &part->body));
	TRY(take_varint(in, &part->body_len));
	TRY(take_varint(in, &part->inner_head_len));
	TRY(take_byte(in, &part->encoding));
	TRY(take_byte(in, &bits));
	part->is_message = bits & 1;
	part->is_multipart = bits & 2;
	part->is_text = bits & 4;
	return RC_OK;
}

enum rc mail_record_part(const struct mail_record *rec, struct slice number, struct mail_part *out)
{
	struct slice rest = rec->parts;
	struct mail_part part;
	while (rest.len) {
		if (take_part(&rest, &part) != RC_OK)
			return RC_LOST;
		if (slice_eq(part.number, number)) {
			*out = part;
			return RC_OK;
		}
	}
	return RC_NONE;
}

enum rc mail_record_part_next(struct slice *rest, struct mail_part *out)
{
	if (rest->len == 0)
		return RC_NONE;
	return take_part(rest, out) == RC_OK ? RC_OK : RC_LOST;
}

bool mail_record_keeps(struct slice name)
{
	static const struct {
		uint8_t len;
		char name[31];
	} kept[] = { { 4, "From" }, { 2, "To" }, { 2, "Cc" }, { 3, "Bcc" }, { 6, "Sender" },
		{ 8, "Reply-To" }, { 7, "Subject" }, { 4, "Date" }, { 10, "Message-ID" },
		{ 11, "In-Reply-To" }, { 10, "References" }, { 12, "Content-Type" },
		{ 25, "Content-Transfer-Encoding" }, { 12, "MIME-Version" }, { 7, "List-Id" },
		{ 9, "List-Post" }, { 16, "List-Unsubscribe" }, { 12, "List-Archive" },
		{ 10, "X-Priority" }, { 8, "Priority" }, { 10, "Importance" }, { 10, "Newsgroups" },
		{ 11, "Return-Path" }, { 12, "Delivered-To" }, { 13, "X-Spam-Status" },
		{ 14, "Auto-Submitted" }, { 10, "User-Agent" }, { 8, "X-Mailer" },
		{ 27, "Disposition-Notification-To" } };
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i].len == name.len &&
			slice_eq_nocase(name, slice_of(kept[i].name, kept[i].len)))
			return true;
	return false;
}

enum rc mail_field_next(
	struct slice *rest, struct slice *field, struct slice *name, struct slice *value)
{
	size_t end = 0;
	if (rest->len == 0)
		return RC_NONE;
	/* a field ends at the first line end that no blank follows */
	do {
		size_t lf = slice_find(slice_tail(*rest, end), '\n');
		end += lf + 1;
	} while (end < rest->len && (rest->at[end] == ' ' || rest->at[end] == '\t'));
	end = end > rest->len ? rest->len : end;
	*field = slice_head(*rest, end);
	*rest = slice_tail(*rest, end);
	*value = *field;
	*name = slice_trim(slice_split(value, ':'));
	return RC_OK;
}
