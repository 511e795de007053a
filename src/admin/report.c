/* report.c: Rows as text or JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/report.h"

void report_quote(struct buf *out, struct slice s)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];
		if (c == '"' || c == '\\')
			buf_byte(out, '\\');
		if (c < 0x20)
			buf_fmt(out, "\\u%04x", c);
		else
			buf_byte(out, c);
	}
	buf_byte(out, '"');
}

void report_begin(struct report *r, struct buf *out, bool json, bool list)
{
	*r = (struct report){ .out = out, .json = json, .list = list };
	if (json && list)
		buf_byte(out, '[');
}

static void close_row(struct report *r)
{
	if (!r->open)
		return;
	if (r->json)
		buf_byte(r->out, '}');
	else if (r->list)
		buf_byte(r->out, '\n');
	r->open = false;
}

void report_row(struct report *r)
{
	close_row(r);
	if (r->json)
		buf_str(r->out, r->rows ? ",{" : "{");
	r->rows++;
	r->values = 0;
	r->open = true;
}

static void name_of(struct report *r, const char *name)
{
	if (r->json)
		buf_fmt(r->out, "%s\"%s\":", r->values ? "," : "", name);
	else if (r->list)
		buf_fmt(r->out, "%s%s=", r->values ? " " : "", name);
	else
		buf_fmt(r->out, "%-20s ", name);
	r->values++;
}

static void value_end(struct report *r)
{
	if (!r->json && !r->list)
		buf_byte(r->out, '\n');
}

void report_text(struct report *r, const char *name, struct slice value)
{
	name_of(r, name);
	if (r->json)
		report_quote(r->out, value);
	else
		buf_add(r->out, value);
	value_end(r);
}

void report_texts(
	struct report *r, const char *name, const char *one, const struct slice *values, size_t n)
{
	if (r->json) {
		name_of(r, name);
		buf_byte(r->out, '[');
	}
	for (size_t i = 0; i < n; i++) {
		if (!r->json) {
			report_text(r, one, values[i]);
			continue;
		}
		if (i)
			buf_byte(r->out, ',');
		report_quote(r->out, values[i]);
	}
	if (r->json)
		buf_byte(r->out, ']');
}

void report_number(struct report *r, const char *name, uint64_t value)
{
	name_of(r, name);
	buf_u64(r->out, value);
	value_end(r);
}

void report_bool(struct report *r, const char *name, bool value)
{
	name_of(r, name);
	buf_str(r->out, value ? "true" : "false");
	value_end(r);
}

void report_end(struct report *r)
{
	close_row(r);
	if (r->json)
		buf_str(r->out, r->list ? "]\n" : "\n");
}

void report_error(struct buf *out, bool json, const struct fault *why)
{
	if (json) {
		buf_str(out, "{\"error\":");
		report_quote(out, slice_str(fault_text(why)));
		buf_fmt(out, ",\"fault\":\"%s\"}\n", fault_row(why->id)->name);
	} else {
		buf_fmt(out, "veredus: %s\n", fault_text(why));
	}
}
