/* words_int.h: The words of the language: commands, tests, tags and extensions. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIEVE_WORDS_INT_H
#define SIEVE_WORDS_INT_H

#include "sieve/sieve.h"

enum sieve_ext {
	EXT_NONE,
	EXT_BODY,
	EXT_CMP_CASEMAP,
	EXT_CMP_NUMERIC,
	EXT_CMP_OCTET,
	EXT_CMP_UNICODE,
	EXT_COPY,
	EXT_DATE,
	EXT_DUPLICATE,
	EXT_EDITHEADER,
	EXT_ENCLOSE,
	EXT_ENCODED,
	EXT_ENOTIFY,
	EXT_ENVELOPE,
	EXT_ENVIRONMENT,
	EXT_EREJECT,
	EXT_EXTLISTS,
	EXT_EXTRACTTEXT,
	EXT_FCC,
	EXT_FILEINTO,
	EXT_FOREVERYPART,
	EXT_IHAVE,
	EXT_FLAGS,
	EXT_INCLUDE,
	EXT_INDEX,
	EXT_MAILBOX,
	EXT_MAILBOXID,
	EXT_MBOXMETADATA,
	EXT_MIME,
	EXT_REGEX,
	EXT_REJECT,
	EXT_RELATIONAL,
	EXT_REPLACE,
	EXT_SERVERMETADATA,
	EXT_SPAMTEST,
	EXT_SPAMTESTPLUS,
	EXT_SPECIALUSE,
	EXT_SUBADDRESS,
	EXT_VACATION,
	EXT_VACATION_SECONDS,
	EXT_VARIABLES,
	EXT_VIRUSTEST,
	EXT_COUNT
};
enum sieve_tag {
	TAG_IS,
	TAG_CONTAINS,
	TAG_MATCHES,
	TAG_COUNT_OF,
	TAG_VALUE,
	TAG_REGEX,
	TAG_LIST,
	TAG_COMPARATOR,
	TAG_ALL,
	TAG_LOCALPART,
	TAG_DOMAIN,
	TAG_USER,
	TAG_DETAIL,
	TAG_OVER,
	TAG_UNDER,
	TAG_COPY,
	TAG_CREATE,
	TAG_FLAGS,
	TAG_SPECIALUSE,
	TAG_MAILBOXID,
	TAG_FCC,
	TAG_RAW,
	TAG_CONTENT,
	TAG_TEXT,
	TAG_INDEX,
	TAG_LAST,
	TAG_ZONE,
	TAG_ORIGINALZONE,
	TAG_LOWER,
	TAG_UPPER,
	TAG_LOWERFIRST,
	TAG_UPPERFIRST,
	TAG_QUOTEWILDCARD,
	TAG_QUOTEREGEX,
	TAG_ENCODEURL,
	TAG_LENGTH,
	TAG_DAYS,
	TAG_SECONDS,
	TAG_SUBJECT,
	TAG_FROM,
	TAG_ADDRESSES,
	TAG_MIME,
	TAG_HANDLE,
	TAG_HEADER,
	TAG_UNIQUEID,
	TAG_PERSONAL,
	TAG_GLOBAL,
	TAG_ONCE,
	TAG_OPTIONAL,
	TAG_IMPORTANCE,
	TAG_OPTIONS,
	TAG_MESSAGE,
	TAG_PERCENT,
	TAG_ANYCHILD,
	TAG_TYPE,
	TAG_SUBTYPE,
	TAG_CONTENTTYPE,
	TAG_PARAM,
	TAG_NAME,
	TAG_FIRST,
	TAG_HEADERS,
	TAG_COUNT
};
/* Of a group at most one tag may be given. */
enum sieve_group {
	GROUP_NONE,
	GROUP_MATCH,
	GROUP_PART,
	GROUP_SIZE,
	GROUP_BODY,
	GROUP_ZONE,
	GROUP_CASE,
	GROUP_FIRST,
	GROUP_WHERE,
	GROUP_MIME,
	GROUP_TIME
};
enum sieve_takes { TAKES_NOTHING, TAKES_NUMBER, TAKES_STRING, TAKES_LIST };

struct sieve_tag_row {
	const char *name;
	enum sieve_takes takes;
	enum sieve_ext ext;
	enum sieve_group group;
};
const struct sieve_tag_row *sieve_tag_row(enum sieve_tag tag);
/* TAG_COUNT: none of that name. */
enum sieve_tag sieve_tag_find(struct slice name);
/* EXT_NONE: none of that name. */
enum sieve_ext sieve_ext_find(struct slice name);
const char *sieve_ext_name(enum sieve_ext ext);

struct sieve_run;
struct sieve_op;
/* A command, or a test that answers. */
typedef enum rc sieve_op_fn(struct sieve_run *r, const struct sieve_op *op, bool *yes);

enum sieve_word_kind { WORD_COMMAND, WORD_TEST, WORD_CONTROL, WORD_LOGIC };
struct sieve_word {
	const char *name;
	enum sieve_word_kind kind;
	enum sieve_ext ext;
	/* n number, s string, S string or list, K keys of a match, v V variables, h field, A fields of addresses, E parts of
	 * an envelope, d part of a date, a address; ? before one that may be left out. */
	const char *takes;
	uint64_t own, more; /* tags: of the word itself; of extensions */
	sieve_op_fn *run;
};
/* NULL: none of that name. */
const struct sieve_word *sieve_word_find(struct slice name);

#endif
