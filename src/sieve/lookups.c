/* lookups.c: Tests that only a server can answer: mailboxes, annotations, lists, duplicates, environment, scores. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/ops_int.h"

enum rc sieve_ask(struct sieve_run *r, enum sieve_ask_kind kind, struct slice a, struct slice b,
	struct slice *answer)
{
	*answer = S("");
	if (!r->host->ask)
		return RC_NONE;
	return r->host->ask(
		r->host->of, &(struct sieve_ask){ .kind = kind, .a = a, .b = b }, &r->step, answer);
}

/* Is each of the strings? */
enum rc sieve_ask_all(struct sieve_run *r, enum sieve_ask_kind kind, const struct sieve_value *v,
	struct slice b, bool *yes)
{
	struct slice *texts, answer;
	enum rc rc = RC_OK;
	TRY(sieve_expand_all(r, v, &texts));
	for (size_t i = 0; i < v->n && rc == RC_OK; i++)
		rc = sieve_ask(r, kind, texts[i], b, &answer);
	*yes = rc == RC_OK;
	return rc == RC_NONE ? RC_OK : rc;
}

/* The answer against the keys; no answer: no. */
enum rc sieve_ask_match(struct sieve_run *r, const struct sieve_op *op, struct sieve_ask ask,
	const struct sieve_value *keys, bool *yes)
{
	struct sieve_matcher m;
	struct slice answer;
	TRY(sieve_matcher_init(&m, r, op, keys));
	enum rc rc = sieve_ask(r, ask.kind, ask.a, ask.b, &answer);
	if (rc == RC_OK)
		TRY(sieve_matcher_add(&m, answer));
	else if (rc != RC_NONE)
		return rc;
	return sieve_matcher_end(&m, yes);
}

/* RFC 5490 3.1 */
enum rc sieve_do_mailboxexists(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return sieve_ask_all(r, SIEVE_ASK_MAILBOX, &op->positions[0], S(""), yes);
}

/* RFC 9042 5 */
enum rc sieve_do_mailboxidexists(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return sieve_ask_all(r, SIEVE_ASK_MAILBOX_ID, &op->positions[0], S(""), yes);
}

/* RFC 8579 3 */
enum rc sieve_do_specialuse_exists(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct slice box = S(""), *uses, answer;
	enum rc rc = RC_OK;
	if (op->positions[0].n)
		TRY(sieve_string(r, op, 0, &box));
	TRY(sieve_expand_all(r, &op->positions[1], &uses));
	for (size_t i = 0; i < op->positions[1].n && rc == RC_OK; i++)
		rc = sieve_ask(r, SIEVE_ASK_SPECIAL_USE, box, uses[i], &answer);
	*yes = rc == RC_OK;
	return rc == RC_NONE ? RC_OK : rc;
}

/* RFC 5490 3.3 */
enum rc sieve_do_metadata(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_ask ask = { .kind = SIEVE_ASK_METADATA };
	TRY(sieve_string(r, op, 0, &ask.a));
	TRY(sieve_string(r, op, 1, &ask.b));
	return sieve_ask_match(r, op, ask, &op->positions[2], yes);
}

static enum rc annotations(struct sieve_run *r, enum sieve_ask_kind kind, struct slice box,
	const struct sieve_value *v, bool *yes)
{
	struct slice *names, answer;
	enum rc rc = RC_OK;
	TRY(sieve_expand_all(r, v, &names));
	for (size_t i = 0; i < v->n && rc == RC_OK; i++)
		rc = sieve_ask(r, kind, box, names[i], &answer);
	*yes = rc == RC_OK;
	return rc == RC_NONE ? RC_OK : rc;
}

enum rc sieve_do_metadataexists(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct slice box;
	TRY(sieve_string(r, op, 0, &box));
	return annotations(r, SIEVE_ASK_METADATA, box, &op->positions[1], yes);
}

/* RFC 5490 3.5 */
enum rc sieve_do_servermetadata(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_ask ask = { .kind = SIEVE_ASK_SERVER_METADATA };
	TRY(sieve_string(r, op, 0, &ask.b));
	return sieve_ask_match(r, op, ask, &op->positions[1], yes);
}

enum rc sieve_do_servermetadataexists(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return annotations(r, SIEVE_ASK_SERVER_METADATA, S(""), &op->positions[0], yes);
}

/* RFC 5183 4 */
enum rc sieve_do_environment(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_ask ask = { .kind = SIEVE_ASK_ENVIRONMENT };
	TRY(sieve_string(r, op, 0, &ask.a));
	return sieve_ask_match(r, op, ask, &op->positions[1], yes);
}

/* RFC 6134 2.6 */
enum rc sieve_do_valid_ext_list(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return sieve_ask_all(r, SIEVE_ASK_LIST, &op->positions[0], S(""), yes);
}

/* RFC 5235 2: 0 is "not tested", and is not counted. */
static enum rc score(
	struct sieve_run *r, const struct sieve_op *op, enum sieve_ask_kind kind, bool *yes)
{
	struct sieve_matcher m;
	struct slice answer;
	uint64_t n = 0;
	TRY(sieve_matcher_init(&m, r, op, &op->positions[0]));
	enum rc rc = sieve_ask(r, kind, S(""), S(""), &answer);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	bool tested = rc == RC_OK && slice_u64(answer, 100, &n) == RC_OK;
	if (tested && kind == SIEVE_ASK_SPAM && !sieve_op_has(op, TAG_PERCENT))
		n = 1 + n * 9 / 100;
	if (tested || op->match != MATCH_COUNT)
		TRY(sieve_matcher_add(&m, arena_fmt(&r->step, "%llu", (unsigned long long)n)));
	return sieve_matcher_end(&m, yes);
}

enum rc sieve_do_spamtest(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return score(r, op, SIEVE_ASK_SPAM, yes);
}

enum rc sieve_do_virustest(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	return score(r, op, SIEVE_ASK_VIRUS, yes);
}

/* The id: of a header field, given, or Message-ID. RC_NONE: the message has none, and is no duplicate. RFC 7352 3.1. */
static enum rc duplicate_id(struct sieve_run *r, const struct sieve_op *op, struct slice *out)
{
	struct sieve_field *at;
	struct slice name = S("Message-ID");
	size_t n;
	if (sieve_op_has(op, TAG_UNIQUEID))
		return sieve_expand(r, &sieve_op_value(op, TAG_UNIQUEID)->texts[0], out);
	if (sieve_op_has(op, TAG_HEADER))
		TRY(sieve_expand(r, &sieve_op_value(op, TAG_HEADER)->texts[0], &name));
	TRY(sieve_fields(r, 0, name, &at, &n));
	if (n == 0)
		return RC_NONE;
	*out = at[0].text;
	return RC_OK;
}

enum rc sieve_do_duplicate(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = { .kind = SIEVE_REMEMBER, .last = sieve_op_has(op, TAG_LAST) };
	const struct sieve_value *seconds = sieve_op_value(op, TAG_SECONDS);
	struct slice answer;
	*yes = false;
	enum rc rc = duplicate_id(r, op, &a.text);
	if (rc != RC_OK)
		return rc == RC_NONE ? RC_OK : rc;
	if (sieve_op_has(op, TAG_HANDLE))
		TRY(sieve_expand(r, &sieve_op_value(op, TAG_HANDLE)->texts[0], &a.handle));
	rc = sieve_ask(r, SIEVE_ASK_DUPLICATE, a.text, a.handle, &answer);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	*yes = rc == RC_OK;
	a.has_seconds = seconds != NULL;
	a.seconds = seconds ? seconds->number : 0;
	TRY(sieve_save(r, a.text, &a.text));
	TRY(sieve_save(r, a.handle, &a.handle));
	/* Its time begins again only with :last. */
	return *yes && !a.last ? RC_OK : sieve_action_add(r, op, &a);
}
