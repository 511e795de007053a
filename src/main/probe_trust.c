/* probe_trust.c: SPF, DKIM and ARC tried alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/probe.h"
#include "mime/mime.h"
#include "run/run.h"
#include "text/json_read.h"
#include "trust/arc.h"
#include "trust/dkim.h"
#include "trust/dmarc.h"
#include "trust/spf.h"
#include <arpa/inet.h>

enum { DEPTH = 4 };

static enum rc take_ip(const char *ip, struct spf_ask *ask, struct fault *why)
{
	ask->ip_len = ip && inet_pton(AF_INET, ip, ask->ip) == 1    ? 4
		      : ip && inet_pton(AF_INET6, ip, ask->ip) == 1 ? 16
								    : 0;
	return ask->ip_len ? RC_OK : fault_set(why, FAULT_SYNTAX, "\"ip\" is no address");
}

enum rc probe_spf(const struct probe *p, struct slice text, struct dns_memo *memo, struct arena *a,
	struct json *j, struct fault *why)
{
	struct spf_answer answer;
	const struct json_item *in;
	TRY(json_read(text, DEPTH, a, &in, why));
	struct spf_ask ask = { .helo = json_read_str(in, S("helo")),
		.sender = json_read_str(in, S("sender")),
		.receiver = slice_str(p->conf->hostname),
		.unix_now = run_unix(p->run) };
	TRY(take_ip(arena_str(a, json_read_str(in, S("ip"))), &ask, why));
	TRY(spf_check(&ask, memo, a, &answer, why));
	json_str(j, "result", spf_result_name(answer.result));
	json_slice(j, "domain", answer.domain);
	json_slice(j, "mechanism", answer.mechanism);
	json_slice(j, "explanation", answer.explanation);
	json_str(j, "problem", answer.problem);
	json_u64(j, "lookups", answer.lookups);
	return RC_OK;
}

/* Behind the header's blank line. */
static struct slice body_of(struct slice message)
{
	struct mime_field f;
	while (mime_field_next(&message, &f) == RC_OK)
		;
	return message;
}

enum rc probe_dkim(const struct probe *p, struct slice text, struct dns_memo *memo, struct arena *a,
	struct json *j, struct fault *why)
{
	struct dkim_check *check;
	const struct dkim_signature *at;
	size_t n;
	struct slice body = body_of(text);
	TRY(dkim_check_begin(slice_head(text, text.len - body.len), a, &check));
	dkim_check_body(check, body);
	dkim_check_end(check);
	TRY(dkim_check_results(check, memo, run_unix(p->run), &at, &n, why));
	json_array(j, "signatures");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_str(j, "result", dkim_result_name(at[i].result));
		json_slice(j, "domain", at[i].domain);
		json_slice(j, "selector", at[i].selector);
		json_slice(j, "identity", at[i].identity);
		json_slice(j, "algorithm", at[i].algorithm);
		json_u64(j, "bits", at[i].bits);
		json_bool(j, "testing", at[i].is_testing);
		json_str(j, "problem", at[i].problem);
		json_end(j);
	}
	json_end(j);
	return RC_OK;
}

/* What we saw ourselves, by the fields of our own authserv-id (RFC 8617 5.1, RFC 8601 5). */
static struct slice own_results(struct slice header, struct slice id, struct arena *a)
{
	struct mime_field f;
	struct buf out;
	buf_init(&out, 0, a);
	while (mime_field_next(&header, &f) == RC_OK) {
		struct slice rest = slice_trim(f.value);
		if (!slice_eq_nocase(f.name, S("Authentication-Results")) ||
			!slice_eq_nocase(slice_trim(slice_split(&rest, ';')), id))
			continue;
		buf_str(&out, out.len ? ";\r\n\t " : "");
		buf_add(&out, slice_trim(rest));
	}
	return buf_slice(&out);
}

static enum rc read_key(const char *path, struct crypto_key **out, struct fault *why)
{
	char pem[16384];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(pem, 1, sizeof(pem), f) : 0;
	if (f)
		fclose(f);
	enum rc rc = crypto_key_private(slice_of(pem, n), out);
	explicit_bzero(pem, sizeof(pem));
	return rc == RC_OK ? rc : fault_set(why, FAULT_CONFIG, "%s: no private key in PEM", path);
}

static struct slice option(const struct probe *p, const char *name, struct slice otherwise)
{
	const char *value = probe_option(p, name);
	return value ? slice_str(value) : otherwise;
}

/* With --key: the set that we would add. */
static enum rc seal(const struct probe *p, const struct arc_answer *chain, struct slice message,
	struct arena *a, struct json *j, struct fault *why)
{
	struct slice names[64], list = option(p, "headers", S("")), body = body_of(message);
	struct slice header = slice_head(message, message.len - body.len);
	struct arc_sealer s = { .domain = option(p, "domain", S("")),
		.selector = option(p, "selector", S("")),
		.authserv_id = option(p, "authserv-id", slice_str(p->conf->hostname)),
		.names = names,
		.unix_now = run_unix(p->run) };
	struct crypto_key *key;
	struct canon_body sum;
	uint8_t hash[CRYPTO_SHA256_LEN];
	uint64_t when;
	struct buf out;
	while (list.len && s.names_n < 64)
		names[s.names_n++] = slice_trim(slice_split(&list, ':'));
	if (slice_u64(option(p, "time", S("")), INT64_MAX, &when) == RC_OK)
		s.unix_now = (int64_t)when;
	TRY(read_key(probe_option(p, "key"), &key, why));
	s.key = key;
	s.results = own_results(header, s.authserv_id, a);
	canon_body_init(&sum, CANON_RELAXED, UINT64_MAX);
	canon_body_add(&sum, body);
	canon_body_final(&sum, hash);
	buf_init(&out, 0, a);
	enum rc rc = arc_seal(&s, chain, header, hash, a, &out);
	crypto_key_free(&key);
	json_slice(j, "set", buf_slice(&out));
	return rc == RC_NONE ? RC_OK
	       : rc == RC_BAD
		       ? fault_set(why, FAULT_CONFIG, "none of the fields to be signed is there")
		       : rc;
}

enum rc probe_arc(const struct probe *p, struct slice text, struct dns_memo *memo, struct arena *a,
	struct json *j, struct fault *why)
{
	struct arc_check *check;
	struct arc_answer answer;
	struct slice body = body_of(text);
	struct slice header = slice_head(text, text.len - body.len);
	TRY(arc_check_begin(header, a, &check));
	arc_check_body(check, body);
	arc_check_end(check);
	TRY(arc_check_result(check, memo, &answer, why));
	json_str(j, "result", arc_result_name(answer.result));
	json_u64(j, "sets", answer.sets);
	json_u64(j, "oldest_pass", answer.oldest_pass);
	json_slice(j, "domain", answer.domain);
	json_slice(j, "selector", answer.selector);
	json_slice(j, "results", answer.results);
	json_str(j, "problem", answer.problem);
	return probe_option(p, "key") ? seal(p, &answer, text, a, j, why) : RC_OK;
}

/* SPF of --ip, --helo and --sender; without --ip it counts as none. */
static enum rc envelope(const struct probe *p, struct dns_memo *memo, struct arena *a,
	struct spf_answer *out, struct fault *why)
{
	struct spf_ask ask = { .helo = option(p, "helo", S("")),
		.sender = option(p, "sender", S("")),
		.receiver = slice_str(p->conf->hostname),
		.unix_now = run_unix(p->run) };
	*out = (struct spf_answer){ .result = SPF_NONE };
	if (!probe_option(p, "ip"))
		return RC_OK;
	TRY(take_ip(probe_option(p, "ip"), &ask, why));
	return spf_check(&ask, memo, a, out, why);
}

enum rc probe_dmarc(const struct probe *p, struct slice text, struct dns_memo *memo,
	struct arena *a, struct json *j, struct fault *why)
{
	struct dkim_check *check;
	struct spf_answer spf;
	struct dmarc_answer answer;
	struct slice body = body_of(text), header = slice_head(text, text.len - body.len);
	struct dmarc_ask ask = { .method = slice_eq(option(p, "method", S("walk")), S("list"))
						   ? DMARC_BY_LIST
						   : DMARC_BY_WALK };
	if (dmarc_from(header, a, &ask.from) != RC_OK)
		return fault_set(why, FAULT_SYNTAX, "From names no domain, or several");
	TRY(envelope(p, memo, a, &spf, why));
	ask.spf = spf.result;
	ask.spf_domain = spf.domain;
	TRY(dkim_check_begin(header, a, &check));
	dkim_check_body(check, body);
	dkim_check_end(check);
	TRY(dkim_check_results(check, memo, run_unix(p->run), &ask.dkim, &ask.dkim_n, why));
	TRY(dmarc_check(&ask, memo, a, &answer, why));
	json_str(j, "result", dmarc_result_name(answer.result));
	json_str(j, "policy", dmarc_policy_name(answer.policy));
	json_str(j, "published", dmarc_policy_name(answer.published));
	json_slice(j, "from", ask.from);
	json_slice(j, "domain", answer.domain);
	json_slice(j, "org_domain", answer.org_domain);
	json_str(j, "spf", spf_result_name(spf.result));
	json_bool(j, "spf_aligned", answer.spf_aligned);
	json_bool(j, "dkim_aligned", answer.dkim_aligned);
	json_slice(j, "rua", answer.rua);
	json_str(j, "problem", answer.problem);
	return RC_OK;
}
