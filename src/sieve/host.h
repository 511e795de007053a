/* host.h: What a running script asks of who runs it: the message, its envelope, and what only a server knows. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIEVE_HOST_H
#define SIEVE_HOST_H

#include "base/arena.h"

/* Callbacks answer RC_OK; RC_NONE: there is no such thing; RC_WAIT: it is being found out, ask again; what else they answer
 * ends the run. Results live as long as the arena given, or are views of the message. */

struct sieve_field {
	struct slice name;
	struct slice raw; /* as it stands in the header, without name and line end */
	struct slice text; /* unfolded, encoded words decoded, trimmed: UTF-8 */
};

struct sieve_address {
	struct slice local, domain; /* unquoted; domain empty: none */
};

struct sieve_part {
	size_t end; /* the first part, in order, that does not lie in this one */
	struct slice type, subtype;
	bool is_multipart;
};

struct sieve_param {
	struct slice name, value;
};

enum sieve_form {
	SIEVE_FORM_RAW, /* as it stands */
	SIEVE_FORM_DECODED, /* the transfer encoding undone; texts in UTF-8 */
	SIEVE_FORM_TEXT /* what a person would read */
};

enum sieve_ask_kind {
	SIEVE_ASK_MAILBOX, /* may mail be put into mailbox `a`? RFC 5490 3.1 */
	SIEVE_ASK_MAILBOX_ID, /* is there a mailbox with the id `a`? RFC 9042 4 */
	SIEVE_ASK_SPECIAL_USE, /* has mailbox `a` (empty: any) the attribute `b`? RFC 8579 3 */
	SIEVE_ASK_METADATA, /* annotation `b` of mailbox `a`, RFC 5490 3.3 */
	SIEVE_ASK_SERVER_METADATA, /* annotation `b`, RFC 5490 3.5 */
	SIEVE_ASK_ENVIRONMENT, /* item `a`, RFC 5183 4 */
	SIEVE_ASK_DUPLICATE, /* was id `a` seen under handle `b`? RFC 7352 */
	SIEVE_ASK_LIST, /* is there a list `a`? RFC 6134 2.6 */
	SIEVE_ASK_LISTED, /* is `b` on list `a`? RFC 6134 2.4 */
	SIEVE_ASK_SCRIPT, /* the script `a`, `b` is "personal" or "global", RFC 6609 3.2 */
	SIEVE_ASK_SPAM, /* "0".."100": how sure it is spam; RC_NONE: not tested, RFC 5235 2.1 */
	SIEVE_ASK_VIRUS, /* "0".."5", RFC 5235 2.2 */
	SIEVE_ASK_NOTIFY, /* may the URI `a` be notified? RFC 5435 4 */
	SIEVE_ASK_NOTIFY_ABLE /* capability `b` of the URI `a`, RFC 5435 5 */
};

struct sieve_ask {
	enum sieve_ask_kind kind;
	struct slice a, b;
};

struct sieve_host {
	void *of; /* first parameter of all */
	uint64_t size; /* of the message, in octets with CRLF */
	int64_t unix_now;
	int zone_minutes; /* east of UTC: the local zone of date tests */

	/* Fields of that name in the header of a part, in order. Part 0 is the message. */
	enum rc (*fields)(void *of, size_t part, struct slice name, struct arena *a,
		struct sieve_field **out, size_t *n);
	/* The addresses in a field's raw value; groups are opened. */
	enum rc (*addresses)(
		void *of, struct slice raw, struct arena *a, struct sieve_address **out, size_t *n);
	/* RC_NONE: no date (RFC 5322 3.3). */
	enum rc (*date)(void *of, struct slice raw, int64_t *unix_s, int *zone_minutes);
	/* "type/subtype; name=value" of a raw value; type and subtype become the first two. RC_NONE: broken. */
	enum rc (*params)(
		void *of, struct slice raw, struct arena *a, struct sieve_param **out, size_t *n);
	/* Parts in order of their beginnings, 0: the message. RC_NONE: no more. */
	enum rc (*part)(void *of, size_t part, struct arena *a, struct sieve_part *out);
	enum rc (*content)(void *of, size_t part, enum sieve_form form, size_t max, struct arena *a,
		struct slice *out);
	/* "from" and "to", "auth", in the form of an address without angle brackets; "" is the null sender. Others: RC_NONE. */
	enum rc (*envelope)(void *of, struct slice name, struct arena *a, struct slice *out);
	/* RC_OK: yes; `answer` is empty when nothing but yes was asked for. NULL: always RC_NONE. */
	enum rc (*ask)(
		void *of, const struct sieve_ask *ask, struct arena *a, struct slice *answer);
};

#endif
