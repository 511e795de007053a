/* event.c: Writing events. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/buf.h"
#include "base/time.h"
#include <stdatomic.h>
#include <unistd.h>

static const struct {
	enum event_level level;
	const char *name, *sentence;
} rows[EVENT_COUNT] = {
#define EVENT(id, level, name, sentence) { LEVEL_##level, name, sentence },
#include "base/events.tbl"
#undef EVENT
};

static _Atomic int least = LEVEL_INFO;
static _Atomic int form = EVENT_TEXT;

struct event_field f_u64(const char *name, uint64_t n)
{
	return (struct event_field){ .name = name, .number = n, .is_number = true };
}

struct event_field f_str(const char *name, const char *text)
{
	return f_slice(name, slice_str(text));
}

struct event_field f_slice(const char *name, struct slice text)
{
	return (struct event_field){ .name = name, .text = text };
}

void event_setup(enum event_level level, enum event_form how)
{
	atomic_store(&least, level);
	atomic_store(&form, how);
}

bool event_wanted(enum event_id id)
{
	return (int)rows[id].level >= atomic_load_explicit(&least, memory_order_relaxed);
}

const char *event_name(enum event_id id)
{
	return rows[id].name;
}

static const char *level_name(enum event_level level)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	return names[level];
}

/* JSON string; also good for text: control characters cannot forge a line. */
static void quoted(struct buf *b, struct slice s)
{
	buf_byte(b, '"');
	for (size_t i = 0; i < s.len && i < 512; i++) {
		uint8_t c = s.at[i];
		if (c == '"' || c == '\\')
			buf_fmt(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_fmt(b, "\\u%04x", c);
		else
			buf_byte(b, c);
	}
	buf_byte(b, '"');
}

static void add_field(struct buf *b, const struct event_field *f, bool json)
{
	if (json)
		buf_fmt(b, ",\"%s\":", f->name);
	else
		buf_fmt(b, " %s=", f->name);
	if (f->is_number)
		buf_u64(b, f->number);
	else
		quoted(b, f->text);
}

void event_write(enum event_id id, const struct event_field *fields, size_t n)
{
	struct buf b;
	struct timespec now;
	bool json = atomic_load(&form) == EVENT_JSON;
	buf_init(&b, 16384, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	if (json)
		buf_str(&b, "{\"time\":\"");
	time_iso(now.tv_sec, &b);
	if (json)
		buf_fmt(&b, "\",\"level\":\"%s\",\"event\":\"%s\",\"text\":\"%s\"", level_name(rows[id].level), rows[id].name,
			rows[id].sentence);
	else
		buf_fmt(&b, " %s %s: %s;", level_name(rows[id].level), rows[id].name, rows[id].sentence);
	for (size_t i = 0; i < n; i++)
		add_field(&b, &fields[i], json);
	buf_str(&b, json ? "}\n" : "\n");
	/* one write a line: lines of threads do not mix */
	ssize_t done = write(STDERR_FILENO, b.at, b.len);
	(void)done;
	buf_done(&b);
}
