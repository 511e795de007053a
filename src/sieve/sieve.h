/* sieve.h: Sieve (RFC 5228): scripts compiled to programs, and programs run over a message to a list of actions. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIEVE_SIEVE_H
#define SIEVE_SIEVE_H

#include "base/arena.h"
#include "base/buf.h"

struct sieve_host;

/* Nothing here does anything to a message: a run ends with a list of actions that the caller carries out, all or none.
 * [sieve 1] A program is never changed: many runs may share it, on any threads. A run has one owner.
 * [sieve 2] What cannot be decided from the script is asked of the host (host.h), always before anything of the run is
 *           changed: after RC_WAIT the same instruction runs again.
 * [sieve 3] Steps, octets compared, variables, redirects and actions are counted: no script runs for ever. */

/* --- compiling --- */

/* Where it is wrong, in lines and characters from 1, and why, as a sentence. Line 0: nowhere in the script. */
struct sieve_error {
	unsigned line, column;
	char text[240];
};

/* What a script may have; 0 is what the RFCs ask for or more (sieve_rules_fill). */
struct sieve_rules {
	size_t script_max; /* octets; 1 MiB */
	size_t string_max; /* octets of one string; 64 KiB */
	size_t strings_max; /* strings of one list; 1,024 */
	unsigned nesting_max; /* blocks and tests within each other; 32 */
	size_t commands_max; /* commands and tests of a script; 8,192 */
	size_t actions_max; /* a run; 32 */
	unsigned redirects_max; /* a run; 4 */
	size_t steps_max; /* instructions of a run; 100,000 */
	size_t octets_max; /* compared in a run; 256 MiB */
	unsigned includes_max; /* scripts within each other; 10 */
	size_t variables_max; /* 128 */
	size_t variable_max; /* octets of a variable's value; 8 KiB */
	const struct slice *refused; /* extensions that this host does not do */
	size_t refused_n;
};
void sieve_rules_fill(struct sieve_rules *rules);

struct sieve_program;

/* The program lives as long as `a`; the script is not needed any more. RC_BAD: wrong; RC_LIMIT: over a rule or no memory. */
enum rc sieve_compile(const struct sieve_rules *rules, struct slice script, struct arena *a,
	struct sieve_program **out, struct sieve_error *why);

/* The names of extensions for `require`, in order of the alphabet; empty: no more. What a host refuses is named too. */
struct slice sieve_extension(size_t i);

/* --- actions --- */

enum sieve_action_kind {
	SIEVE_KEEP,
	SIEVE_FILEINTO,
	SIEVE_REDIRECT,
	SIEVE_DISCARD,
	SIEVE_REJECT, /* by a message, RFC 5429 2.2 */
	SIEVE_EREJECT, /* at SMTP when that is possible, RFC 5429 2.1 */
	SIEVE_VACATION,
	SIEVE_NOTIFY,
	SIEVE_ADDHEADER,
	SIEVE_DELETEHEADER,
	SIEVE_REPLACE, /* of a part, RFC 5703 5 */
	SIEVE_ENCLOSE, /* RFC 5703 6 */
	SIEVE_REMEMBER, /* a `duplicate` test's id, RFC 7352 3: it has been seen when all is done */
};

/* In the order of the script: an edit of the header counts for the actions behind it. */
struct sieve_action {
	enum sieve_action_kind kind;
	bool is_implicit; /* keep: by RFC 5228 2.10.2, not by the script */
	bool has_flags; /* `flags` replaces what the message would have otherwise */
	bool copy, create, mime, last, has_seconds;
	bool is_list; /* redirect: `text` names a list of addresses, RFC 6134 */
	struct slice text; /* mailbox; address; reason; message; name of the field; method; id */
	struct slice value; /* field's value; importance "1".."3"; subject to enclose with */
	struct slice subject, from, handle;
	struct slice special_use, mailbox_id;
	struct slice
		fcc; /* mailbox; vacation and notify: also create, flags, special_use, mailbox_id */
	const struct slice *flags, *addresses,
		*headers; /* headers: options of notify, fields of enclose */
	size_t flags_n, addresses_n, headers_n;
	uint64_t seconds; /* vacation's or duplicate's time */
	uint64_t
		index; /* deleteheader: which field of that name, from 1; replace: which part of the message */
};
const char *sieve_action_name(enum sieve_action_kind kind);

/* --- running --- */

struct sieve_run;
/* `p` and `host` outlive the run. Results live as long as `a`, whose limit is the run's. RC_LIMIT: no memory. */
enum rc sieve_run_new(const struct sieve_program *p, const struct sieve_rules *rules,
	const struct sieve_host *host, struct arena *a, struct sieve_run **out);
/* At most `steps` instructions. RC_OK: the script has ended. RC_MORE: call again. RC_WAIT: the host has to find something
 * out first. Everything else ends the run with the implicit keep as its one action: RC_BAD: the script erred, `why` says
 * where; RC_LIMIT: over a rule; RC_TEMP and others: the host's. */
enum rc sieve_run_go(struct sieve_run *r, size_t steps, struct sieve_error *why);
/* What is to be done, once sieve_run_go has ended the run. */
void sieve_run_actions(const struct sieve_run *r, const struct sieve_action **at, size_t *n);
/* Gives the run's own memory back; the actions stay. */
void sieve_run_done(struct sieve_run *r);

#endif
