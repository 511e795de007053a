/* probe.c: A Sieve script tried on a message: nothing is delivered, the actions are shown. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "filter/probe.h"
#include "filter/action.h"
#include "filter/message.h"

struct probe {
	struct filter_message message;
	const struct json_item *facts;
};

static bool has_string(const struct json_item *array, struct slice s)
{
	const struct json_item *i = array && array->type == JSON_ARRAY ? array->first : NULL;
	while (i && !(i->type == JSON_STRING && slice_eq(i->text, s)))
		i = i->next;
	return i != NULL;
}

static enum rc member(const struct json_item *object, struct slice key, struct slice *answer)
{
	const struct json_item *i = json_read_get(object, key);
	if (!i || (i->type != JSON_STRING && i->type != JSON_NUMBER))
		return RC_NONE;
	*answer = i->text;
	return RC_OK;
}

static enum rc special_use(const struct json_item *uses, const struct sieve_ask *ask)
{
	for (const struct json_item *i = uses ? uses->first : NULL; i; i = i->next) {
		if (i->type == JSON_STRING && slice_eq_nocase(i->text, ask->b) &&
			(!ask->a.len || slice_eq(i->key, ask->a)))
			return RC_OK;
	}
	return RC_NONE;
}

/* Mail to addresses is what every server can notify, RFC 5436. */
static bool is_mailto(struct slice uri)
{
	struct slice rest = slice_tail(uri, 7);
	return slice_starts_nocase(uri, S("mailto:")) && slice_find(rest, '@') < rest.len;
}

/* Where an answer is that is a string of an object: the object's name; NULL: elsewhere. */
static const char *const tables[] = {
	[SIEVE_ASK_METADATA] = "metadata",
	[SIEVE_ASK_SERVER_METADATA] = "server_metadata",
	[SIEVE_ASK_ENVIRONMENT] = "environment",
	[SIEVE_ASK_SCRIPT] = "scripts",
	[SIEVE_ASK_NOTIFY_ABLE] = NULL,
};

static const struct json_item *get(const struct probe *p, const char *name)
{
	return json_read_get(p->facts, slice_str(name));
}

static enum rc from_table(
	const struct probe *p, const struct sieve_ask *ask, struct arena *a, struct slice *answer)
{
	const char *name = tables[ask->kind];
	struct slice key = ask->a;
	if (ask->kind == SIEVE_ASK_SCRIPT && slice_eq(ask->b, S("global")))
		name = "global_scripts";
	if (ask->kind == SIEVE_ASK_METADATA)
		key = arena_fmt(a, "%.*s %.*s", FMT(ask->a), FMT(ask->b));
	if (ask->kind == SIEVE_ASK_SERVER_METADATA)
		key = ask->b;
	return member(get(p, name), key, answer);
}

static enum rc answer_to(
	void *of, const struct sieve_ask *ask, struct arena *a, struct slice *answer)
{
	const struct probe *p = of;
	bool yes = false;
	switch (ask->kind) {
	case SIEVE_ASK_MAILBOX:
		yes = has_string(get(p, "mailboxes"), ask->a);
		break;
	case SIEVE_ASK_MAILBOX_ID:
		yes = has_string(get(p, "mailbox_ids"), ask->a);
		break;
	case SIEVE_ASK_SPECIAL_USE:
		return special_use(get(p, "special_use"), ask);
	case SIEVE_ASK_DUPLICATE:
		yes = has_string(get(p, "seen"), ask->a);
		break;
	case SIEVE_ASK_LIST:
		yes = json_read_get(get(p, "lists"), ask->a) != NULL;
		break;
	case SIEVE_ASK_LISTED:
		yes = has_string(json_read_get(get(p, "lists"), ask->a), ask->b);
		break;
	case SIEVE_ASK_SPAM:
		return member(p->facts, S("spam"), answer);
	case SIEVE_ASK_VIRUS:
		return member(p->facts, S("virus"), answer);
	case SIEVE_ASK_NOTIFY:
		yes = is_mailto(ask->a);
		break;
	case SIEVE_ASK_NOTIFY_ABLE:
		*answer = S("maybe");
		yes = is_mailto(ask->a) && slice_eq_nocase(ask->b, S("online"));
		break;
	case SIEVE_ASK_METADATA:
	case SIEVE_ASK_SERVER_METADATA:
	case SIEVE_ASK_ENVIRONMENT:
	case SIEVE_ASK_SCRIPT:
		return from_table(p, ask, a, answer);
	}
	return yes ? RC_OK : RC_NONE;
}

static void error(const struct sieve_error *why, struct json *j)
{
	json_object(j, "error");
	json_u64(j, "line", why->line);
	json_u64(j, "column", why->column);
	json_str(j, "text", why->text);
	json_end(j);
}

static void envelope(const struct json_item *facts, struct filter_message *m)
{
	const struct json_item *e = json_read_get(facts, S("envelope"));
	m->has_from = member(e, S("from"), &m->from) == RC_OK;
	m->has_to = member(e, S("to"), &m->to) == RC_OK;
	m->has_auth = member(e, S("auth"), &m->auth) == RC_OK;
}

static enum rc refused(const struct json_item *facts, struct arena *a, struct sieve_rules *rules)
{
	const struct json_item *list = json_read_get(facts, S("refused"));
	size_t n = 0;
	if (!list || list->type != JSON_ARRAY)
		return RC_OK;
	struct slice *names = arena_try_array(a, list->n + 1, sizeof(*names));
	if (!names)
		return RC_LIMIT;
	for (const struct json_item *i = list->first; i; i = i->next)
		names[n++] = i->text;
	rules->refused = names;
	rules->refused_n = n;
	return RC_OK;
}

static enum rc run(const struct probe *p, const struct sieve_program *program,
	const struct sieve_rules *rules, struct arena *a, struct json *j)
{
	struct sieve_run *r;
	struct sieve_error why;
	const struct sieve_action *at;
	size_t n;
	TRY(sieve_run_new(program, rules, &p->message.host, a, &r));
	enum rc rc = sieve_run_go(r, rules->steps_max + 1, &why);
	if (rc != RC_OK)
		error(&why, j);
	sieve_run_actions(r, &at, &n);
	filter_actions_json(at, n, "actions", j);
	sieve_run_done(r);
	return RC_OK;
}

enum rc filter_probe(struct slice script, struct slice message, const struct json_item *facts,
	int64_t unix_now, struct arena *a, struct json *j)
{
	struct probe p = { .facts = facts };
	struct sieve_rules rules = { 0 };
	struct sieve_program *program;
	struct sieve_error why;
	uint64_t now;
	TRY(refused(facts, a, &rules));
	sieve_rules_fill(&rules);
	if (sieve_compile(&rules, script, a, &program, &why) != RC_OK) {
		error(&why, j);
		return RC_OK;
	}
	TRY(filter_message_init(&p.message, message, a));
	envelope(facts, &p.message);
	p.message.host.of = &p.message;
	p.message.host.ask = answer_to;
	p.message.host.unix_now =
		json_read_u64(facts, S("now"), &now) == RC_OK ? (int64_t)now : unix_now;
	return run(&p, program, &rules, a, j);
}
