/* ops_int.h: A running program: its frames, variables and edits, and what the instructions share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIEVE_OPS_INT_H
#define SIEVE_OPS_INT_H

#include "sieve/host.h"
#include "sieve/sieve_int.h"

struct sieve_variable {
	struct slice name;
	struct buf value;
	struct sieve_variable *next;
};

enum { SIEVE_CAPTURES = 10 };

/* A script that runs: the first, and those it includes. */
struct sieve_frame {
	const struct sieve_program *program;
	uint32_t at;
	struct sieve_variable *variables;
	const struct slice *globals; /* names that `global` made */
	size_t globals_n;
	struct buf captures[SIEVE_CAPTURES];
	unsigned captures_n;
	struct sieve_loop_state {
		size_t part, end; /* the part in hand; where the loop's parts end */
		bool is_begun;
	} loops[SIEVE_LOOPS_MAX];
	unsigned loops_n;
	struct sieve_frame *below;
};

/* A script that was included: compiled once. */
struct sieve_included {
	struct slice name, where;
	struct sieve_program *program; /* NULL: there is none of that name */
	bool has_run;
	struct sieve_included *next;
};

/* All fields of one name as the script has edited them. */
struct sieve_edit {
	struct slice name;
	struct sieve_field *at;
	size_t n;
	struct sieve_edit *next;
};

struct sieve_run {
	const struct sieve_host *host;
	struct sieve_rules rules;
	struct arena *arena; /* results */
	struct arena step; /* forgotten after each instruction */
	struct sieve_error *why;
	struct sieve_frame *top;
	unsigned frames;
	struct sieve_variable *globals;
	size_t variables_n;
	struct sieve_included *included;
	struct sieve_edit *edits;
	struct slice *flags; /* the internal variable, RFC 5232 2 */
	size_t flags_n;
	bool flags_set;
	struct sieve_action *actions;
	size_t actions_n, actions_cap, edits_n;
	unsigned redirects;
	size_t steps, octets;
	bool keeps; /* the implicit keep is in effect */
	bool ended, is_finished;
};

/* --- values.c --- */

/* Variables put in. Lives until the step ends. */
enum rc sieve_expand(struct sieve_run *r, const struct sieve_text *t, struct slice *out);
enum rc sieve_expand_all(struct sieve_run *r, const struct sieve_value *v, struct slice **out);
/* Positional argument `i`, a string. */
enum rc sieve_string(struct sieve_run *r, const struct sieve_op *op, size_t i, struct slice *out);
/* The value of a tag; the empty slice when not given. In the run's arena. */
enum rc sieve_tag_string(
	struct sieve_run *r, const struct sieve_op *op, enum sieve_tag tag, struct slice *out);
enum rc sieve_tag_list(struct sieve_run *r, const struct sieve_op *op, enum sieve_tag tag,
	const struct slice **out, size_t *n);
enum rc sieve_variable_set(struct sieve_run *r, struct slice name, struct slice value);
/* The empty slice: never set. */
struct slice sieve_variable_get(const struct sieve_run *r, struct slice name);
/* The modifiers of set and extracttext. */
enum rc sieve_modify(
	struct sieve_run *r, const struct sieve_op *op, struct slice in, struct slice *out);
enum rc sieve_save(struct sieve_run *r, struct slice s, struct slice *out);
/* Ends the run: what is wrong, at the instruction. */
enum rc sieve_err(struct sieve_run *r, const struct sieve_op *op, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
enum rc sieve_over(struct sieve_run *r, const struct sieve_op *op, const char *what);

/* --- match.c --- */

/* Values found so far against the keys. `yes` stays true once it is. */
struct sieve_matcher {
	struct sieve_run *r;
	const struct sieve_op *op;
	struct slice *keys;
	size_t keys_n;
	uint64_t count;
	bool sets_nothing; /* no match variables */
	struct slice folded; /* the value at hand, as its comparator sees it */
	uint32_t *
		origin; /* for each octet of it, and its end, where it was; NULL: at the same place */
	struct sieve_regexes *regexes; /* regex.c's */
	bool yes;
};
enum rc sieve_matcher_init(struct sieve_matcher *m, struct sieve_run *r, const struct sieve_op *op,
	const struct sieve_value *keys);
enum rc sieve_matcher_add(struct sieve_matcher *m, struct slice value);
/* :count compares now. */
enum rc sieve_matcher_end(struct sieve_matcher *m, bool *yes);
/* regex.c: key `key` on a value. RC_NONE: no match. Captures are offsets, SIZE_MAX: not set. */
struct sieve_regexes;
enum rc sieve_regex(struct sieve_matcher *m, size_t key, struct slice value,
	size_t captures[2 * SIEVE_CAPTURES]);

/* --- header.c, part.c --- */

/* Fields of that name as they stand now, in `part`. */
enum rc sieve_fields(
	struct sieve_run *r, size_t part, struct slice name, struct sieve_field **out, size_t *n);
/* The parts that a test looks at: [*from, *to); 0 is the message. RFC 5703 4. */
enum rc sieve_parts(struct sieve_run *r, const struct sieve_op *op, size_t *from, size_t *to);
/* What a field gives to a header test, :mime or not. */
enum rc sieve_mime_value(struct sieve_matcher *m, const struct sieve_field *f);
/* Leaves of :index and :last one field, or none. */
void sieve_pick(const struct sieve_op *op, struct sieve_field **at, size_t *n);

/* --- deliver.c --- */

enum rc sieve_action_add(
	struct sieve_run *r, const struct sieve_op *op, const struct sieve_action *a);
enum rc sieve_where(struct sieve_run *r, const struct sieve_op *op, struct sieve_action *a);
enum rc sieve_ask(struct sieve_run *r, enum sieve_ask_kind kind, struct slice a, struct slice b,
	struct slice *answer);
/* lookups.c: yes when each of the strings is; the answer against keys, RC_NONE being no. */
enum rc sieve_ask_all(struct sieve_run *r, enum sieve_ask_kind kind, const struct sieve_value *v,
	struct slice b, bool *yes);
enum rc sieve_ask_match(struct sieve_run *r, const struct sieve_op *op, struct sieve_ask ask,
	const struct sieve_value *keys, bool *yes);
/* flags.c: flags split at blanks, each once; in the run's arena. */
enum rc sieve_flags_list(
	struct sieve_run *r, const struct sieve_value *v, const struct slice **out, size_t *n);
void sieve_flags_now(const struct sieve_run *r, struct sieve_action *a);

/* --- instructions --- */

sieve_op_fn sieve_do_addflag, sieve_do_addheader, sieve_do_address, sieve_do_body, sieve_do_break,
	sieve_do_currentdate, sieve_do_date, sieve_do_deleteheader, sieve_do_discard,
	sieve_do_duplicate, sieve_do_enclose, sieve_do_envelope, sieve_do_environment,
	sieve_do_ereject, sieve_do_error, sieve_do_exists, sieve_do_extracttext, sieve_do_fileinto,
	sieve_do_foreverypart, sieve_do_global, sieve_do_hasflag, sieve_do_header, sieve_do_include,
	sieve_do_keep, sieve_do_mailboxexists, sieve_do_mailboxidexists, sieve_do_metadata,
	sieve_do_metadataexists, sieve_do_notify, sieve_do_notify_method_capability,
	sieve_do_redirect, sieve_do_reject, sieve_do_removeflag, sieve_do_replace, sieve_do_return,
	sieve_do_servermetadata, sieve_do_servermetadataexists, sieve_do_set, sieve_do_setflag,
	sieve_do_size, sieve_do_spamtest, sieve_do_specialuse_exists, sieve_do_stop,
	sieve_do_string, sieve_do_vacation, sieve_do_valid_ext_list, sieve_do_valid_notify_method,
	sieve_do_virustest, sieve_do_nextpart;

#endif
