/* event.h: What happens, as one structured line from one table: text, JSON lines or the journal. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include "base/slice.h"

enum event_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR };

enum event_id {
#define EVENT(id, level, name, sentence) EVENT_##id,
#include "base/events.tbl"
#undef EVENT
	EVENT_COUNT
};

struct event_field {
	const char *name;
	struct slice text; /* used when not NULL */
	uint64_t number;
	bool is_number;
};

struct event_field f_u64(const char *name, uint64_t n);
struct event_field f_str(const char *name, const char *text);
struct event_field f_slice(const char *name, struct slice text);

enum event_form { EVENT_TEXT, EVENT_JSON };
/* Before threads start, and on reload. Lines go to stderr, or to the journal. */
void event_setup(enum event_level least, enum event_form form);
/* A datagram socket that is connected to the journal: events go there in its own form, and to stderr when it takes
 * none. -1: only stderr. */
void event_journal(int fd);
bool event_wanted(enum event_id id);
const char *event_name(enum event_id id);

/* Secrets never go in. Any thread; costs next to nothing when the level is off. */
void event_write(enum event_id id, const struct event_field *fields, size_t n);

#define event_log(id, ...) \
	(event_wanted(id) ? event_write(id, (struct event_field[]){ __VA_ARGS__ }, \
				    sizeof((struct event_field[]){ __VA_ARGS__ }) / \
					    sizeof(struct event_field)) \
			  : (void)0)

#endif
