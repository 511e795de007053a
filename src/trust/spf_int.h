/* spf_int.h: An SPF record read, and macros, for the files of SPF. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_SPF_INT_H
#define TRUST_SPF_INT_H

#include "base/buf.h"
#include "trust/spf.h"

enum spf_kind { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_term {
	enum spf_kind kind;
	enum spf_result on_match; /* its qualifier */
	struct slice text; /* as it stands */
	struct slice domain; /* domain-spec with its macros; empty: the current domain */
	uint8_t ip[16];
	unsigned prefix4, prefix6; /* leading bits that count */
};

struct spf_record {
	struct spf_term *terms;
	size_t n;
	struct slice redirect, exp; /* empty: none */
};

/* spf_record.c, RFC 7208 4.6.1 and 5: the text behind "v=spf1". RC_BAD: a syntax error anywhere; `*problem` says what. */
enum rc spf_record_parse(
	struct slice text, struct arena *a, struct spf_record *out, const char **problem);

/* One evaluation. */
struct spf {
	const struct spf_ask *ask;
	struct dns_memo *known;
	struct arena *a;
	struct fault *why;
	struct slice local, sender_domain;
	uint8_t ip[16];
	size_t ip_len; /* 4 or 16 */
	struct slice mechanism; /* the outermost term that decided */
	const char *problem;
	unsigned lookups, voids;
};

/* spf_macro.c, RFC 7208 7. `is_exp`: an explanation, in which blanks and the letters c, r, t may stand. */
/* RC_BAD: not a macro-string; with `is_exp` false, not a domain-spec. */
enum rc spf_macro_check(struct slice spec, bool is_exp);
/* Puts values in. RC_WAIT: %{p} has to be asked for. */
enum rc spf_macro_expand(
	struct spf *q, struct slice spec, struct slice domain, bool is_exp, struct slice *out);

/* spf_ptr.c: names of the client's address that lead back to it (RFC 7208 5.5), ten at most. Errors of DNS: none. */
enum { SPF_PTR_MOST = 10 };
enum rc spf_ptr_names(struct spf *q, struct slice *names, size_t *n);
/* The name itself, or one below it; no case, no final dot. */
bool spf_is_below(struct slice name, struct slice domain);
/* Has the host the client's address? RC_NONE: no. RC_TEMP: DNS. `*is_void`: there was nothing at all. */
enum rc spf_has_address(struct spf *q, struct slice host, unsigned prefix, bool *is_void);

#endif
