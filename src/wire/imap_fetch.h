/* imap_fetch.h: What FETCH asks for (RFC 3501 6.4.5, RFC 7162 3.1, RFC 3516, RFC 8474, RFC 8970, RFC 8514). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IMAP_FETCH_H
#define WIRE_IMAP_FETCH_H

#include "wire/imap_lex.h"

enum imap_fetch_kind {
	IMAP_FETCH_FLAGS,
	IMAP_FETCH_UID,
	IMAP_FETCH_INTERNALDATE,
	IMAP_FETCH_SIZE, /* RFC822.SIZE */
	IMAP_FETCH_ENVELOPE,
	IMAP_FETCH_BODY, /* BODY without a section */
	IMAP_FETCH_BODYSTRUCTURE,
	IMAP_FETCH_SECTION, /* BODY[...], BODY.PEEK[...], BINARY[...] and RFC822, RFC822.HEADER, RFC822.TEXT */
	IMAP_FETCH_BINARY_SIZE,
	IMAP_FETCH_MODSEQ,
	IMAP_FETCH_EMAILID,
	IMAP_FETCH_THREADID,
	IMAP_FETCH_SAVEDATE,
	IMAP_FETCH_PREVIEW,
};

enum imap_section_what {
	IMAP_SECTION_ALL, /* BODY[] or BODY[1.2] */
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,
};

enum { IMAP_FETCH_ITEMS = 128, IMAP_SECTION_DEPTH = 64 };

struct imap_fetch_item {
	enum imap_fetch_kind kind;
	enum imap_section_what what;
	bool is_peek; /* does not set \Seen */
	bool is_binary; /* BINARY: transfer encoding undone */
	bool has_partial;
	uint32_t offset, length; /* <offset.length> */
	struct slice number; /* "1.2", "" for the message */
	struct slice *fields; /* header field names */
	size_t fields_n;
	struct slice echo; /* the item's name in the answer: "BODY[1.TEXT]<0>", "RFC822.HEADER" */
};

struct imap_fetch {
	struct imap_fetch_item *items;
	size_t n;
	unsigned kinds; /* 1 << enum imap_fetch_kind of all items */
	bool sets_seen; /* some item is a section without peek */
	bool has_changed_since; /* RFC 7162 3.1.4.1 */
	bool vanished; /* RFC 7162 3.2.6 */
	uint64_t changed_since;
};

/* Macro, one item or a list, and modifiers, up to the end of the command. */
enum rc imap_fetch_parse(struct imap_lex *x, struct imap_fetch *out);

#endif
