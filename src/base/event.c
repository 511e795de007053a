/* event.c: Writing events. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/buf.h"
#include "base/time.h"
#include "base/utf8.h"
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

enum { FIELD_MAX = 512 };

static _Atomic int least = LEVEL_INFO;
static _Atomic int form = EVENT_TEXT;
static _Atomic int journal = -1; /* the journal's socket; -1: lines go to stderr */

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

void event_journal(int fd)
{
	atomic_store(&journal, fd);
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

/* JSON string; also good for text: control characters cannot forge a line, and what is no UTF-8 becomes U+FFFD. */
static void quoted(struct buf *b, struct slice s)
{
	s = utf8_cut(s, FIELD_MAX);
	buf_byte(b, '"');
	while (s.len) {
		uint32_t c = utf8_take(&s);
		if (c == '"' || c == '\\')
			buf_fmt(b, "\\%c", (int)c);
		else if (c < 0x20 || c == 0x7f)
			buf_fmt(b, "\\u%04x", (unsigned)c);
		else
			utf8_add(b, c);
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

/* The journal's own form: NAME=value lines; a value with a line end has its length in front (little-endian). */
static void journal_field(struct buf *b, const char *name, struct slice value)
{
	for (const char *c = name; *c; c++) {
		bool letter = (*c >= 'a' && *c <= 'z');
		buf_byte(b, letter ? (uint8_t)(*c - 32) : *c == '-' ? '_' : (uint8_t)*c);
	}
	if (slice_find(value, '\n') == value.len) {
		buf_byte(b, '=');
	} else {
		buf_byte(b, '\n');
		for (unsigned i = 0; i < 8; i++)
			buf_byte(b, (uint8_t)((uint64_t)value.len >> (8 * i)));
	}
	buf_add(b, value);
	buf_byte(b, '\n');
}

/* False: the journal did not take it. */
static bool journal_write(enum event_id id, const struct event_field *fields, size_t n)
{
	static const char *const priorities[] = { "7", "6", "4", "3" };
	struct buf b, text;
	buf_init(&b, 32768, NULL);
	buf_init(&text, 16384, NULL);
	buf_fmt(&text, "%s: %s;", rows[id].name, rows[id].sentence);
	for (size_t i = 0; i < n; i++)
		add_field(&text, &fields[i], false);
	journal_field(&b, "MESSAGE", buf_slice(&text));
	journal_field(&b, "PRIORITY", slice_str(priorities[rows[id].level]));
	journal_field(&b, "SYSLOG_IDENTIFIER", S("veredus"));
	journal_field(&b, "EVENT", slice_str(rows[id].name));
	for (size_t i = 0; i < n; i++) {
		buf_reset(&text);
		buf_fmt(&text, "VEREDUS_%s", fields[i].name);
		buf_byte(&text, 0);
		struct buf number;
		buf_init(&number, 32, NULL);
		buf_u64(&number, fields[i].number);
		if (!text.over)
			journal_field(&b, (const char *)text.at,
				fields[i].is_number ? buf_slice(&number)
						    : slice_head(fields[i].text, FIELD_MAX));
		buf_done(&number);
	}
	bool sent = !b.over && write(atomic_load(&journal), b.at, b.len) >= 0;
	buf_done(&b);
	buf_done(&text);
	return sent;
}

void event_write(enum event_id id, const struct event_field *fields, size_t n)
{
	if (atomic_load_explicit(&journal, memory_order_relaxed) >= 0 &&
		journal_write(id, fields, n))
		return;
	struct buf b;
	struct timespec now;
	bool json = atomic_load(&form) == EVENT_JSON;
	buf_init(&b, 16384, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	if (json)
		buf_str(&b, "{\"time\":\"");
	time_iso(now.tv_sec, &b);
	if (json)
		buf_fmt(&b, "\",\"level\":\"%s\",\"event\":\"%s\",\"text\":\"%s\"",
			level_name(rows[id].level), rows[id].name, rows[id].sentence);
	else
		buf_fmt(&b, " %s %s: %s;", level_name(rows[id].level), rows[id].name,
			rows[id].sentence);
	for (size_t i = 0; i < n; i++)
		add_field(&b, &fields[i], json);
	buf_str(&b, json ? "}\n" : "\n");
	/* one write a line: lines of threads do not mix */
	ssize_t done = write(STDERR_FILENO, b.at, b.len);
	(void)done;
	buf_done(&b);
}
