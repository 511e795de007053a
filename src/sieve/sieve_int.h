/* sieve_int.h: Trees of the parser, programs of the compiler, and the words of the language. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIEVE_SIEVE_INT_H
#define SIEVE_SIEVE_INT_H

#include "sieve/words_int.h"

/* --- tokens and trees --- */

enum sieve_token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_TAG, /* text: without the colon */
	TOKEN_NUMBER,
	TOKEN_STRING, /* text: unquoted */
	TOKEN_MARK /* one of ( ) [ ] { } , ; */
};

struct sieve_token {
	enum sieve_token_kind kind;
	uint8_t mark;
	uint32_t at; /* octets from the script's beginning */
	struct slice text;
	uint64_t number;
};

struct sieve_lexer {
	struct slice script;
	const struct sieve_rules *rules;
	struct arena *arena;
	struct sieve_error *why;
	size_t at;
	struct sieve_token ahead;
};

/* A string and where it stands. */
struct sieve_text {
	struct slice text;
	uint32_t at;
	bool has_variables;
};

enum sieve_value_kind { VALUE_NUMBER, VALUE_STRING, VALUE_LIST, VALUE_TAG };
struct sieve_value {
	enum sieve_value_kind kind;
	uint32_t at;
	enum sieve_tag tag; /* whose value it is */
	uint64_t number;
	struct sieve_text *texts; /* a string is a list of one; a tag's name */
	size_t n;
	struct sieve_value *next;
};

struct sieve_node {
	struct slice name;
	uint32_t at;
	struct sieve_value *values;
	struct sieve_node *tests, *block;
	bool has_list, has_block; /* tests in parentheses; a block, perhaps empty */
	struct sieve_node *next;
};

/* Fills lexer.ahead. RC_BAD, RC_LIMIT: `why` says it. */
enum rc sieve_lex_next(struct sieve_lexer *l);
/* The script's commands; NULL: none. */
enum rc sieve_parse(struct sieve_lexer *l, struct sieve_node **out);
/* Fills `why` with the place of octet `at`; RC_BAD. */
enum rc sieve_fail(struct sieve_error *why, struct slice script, uint32_t at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* --- programs --- */

enum sieve_match {
	MATCH_IS,
	MATCH_CONTAINS,
	MATCH_MATCHES,
	MATCH_COUNT,
	MATCH_VALUE,
	MATCH_REGEX,
	MATCH_LIST
};
enum sieve_relation { REL_EQ, REL_NE, REL_GT, REL_GE, REL_LT, REL_LE };
enum sieve_comparator { COMPARE_CASEMAP, COMPARE_OCTET, COMPARE_NUMERIC, COMPARE_UNICODE };

enum { SIEVE_POSITIONS = 4, SIEVE_LOOPS_MAX = 8, SIEVE_NEXT = 0xffffffff };

struct sieve_op {
	const struct sieve_word *word; /* NULL: the end */
	uint32_t at;
	uint32_t yes, no; /* where to go on; commands: yes */
	uint64_t tags; /* a bit for each given */
	struct sieve_value *tag_values; /* of those that take one */
	struct sieve_value positions[SIEVE_POSITIONS]; /* optional ones that are absent: n is 0 */
	enum sieve_match match;
	enum sieve_relation relation;
	enum sieve_comparator comparator;
};

struct sieve_program {
	struct sieve_op *ops;
	uint32_t n;
	uint64_t exts; /* required */
	struct slice script; /* a copy: places of errors, and foreverypart's names */
};

bool sieve_op_has(const struct sieve_op *op, enum sieve_tag tag);
/* NULL: not given. */
const struct sieve_value *sieve_op_value(const struct sieve_op *op, enum sieve_tag tag);

/* --- compiling --- */

struct sieve_compiler {
	const struct sieve_rules *rules;
	struct arena *arena;
	struct sieve_error *why;
	struct slice script;
	struct sieve_op *ops;
	size_t n, cap;
	uint32_t *labels; /* where each lies */
	size_t labels_n, labels_cap;
	struct sieve_loop {
		struct slice name;
		uint32_t end; /* label */
	} loops[SIEVE_LOOPS_MAX];
	unsigned loops_n;
	bool is_begun; /* require comes too late */
	uint64_t exts; /* required, or found by ihave */
};
enum rc sieve_compile_fail(struct sieve_compiler *c, uint32_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool sieve_compile_has(const struct sieve_compiler *c, enum sieve_ext ext);
bool sieve_compile_offers(const struct sieve_compiler *c, enum sieve_ext ext);
/* The values of a word checked and sorted into `op`. */
enum rc sieve_args(struct sieve_compiler *c, const struct sieve_node *node, struct sieve_op *op);

/* An address without name and brackets, as redirect takes it. */
bool sieve_is_address(struct slice s);
/* "+hhmm" or "-hhmm", RFC 5260 4.1. */
bool sieve_is_zone(struct slice s);
/* Takes "${name}" or "${space.name}" from the head; RC_NONE: none there. RFC 5229 3. */
enum rc sieve_reference(struct slice *in, struct slice *space, struct slice *name);
/* RFC 5228 2.4.2.4; in the arena when something was decoded. RC_BAD: `at` is where. */
enum rc sieve_encoded(struct slice text, struct arena *a, struct slice *out, size_t *at);
/* Does the pattern compile? */
enum rc sieve_regex_check(struct slice pattern, struct arena *a, char *text, size_t text_max);

#endif
