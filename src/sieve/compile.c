/* compile.c: From a script's tree to a program: instructions with two ways on, no tree at run time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sieve/sieve_int.h"
#include "base/utf8.h"
#include "sieve/ops_int.h"
#include <stdarg.h>

/* Tests become instructions whose `yes` and `no` say where to go on; and, or and not are only ways. While compiling, ways
 * are labels; link_ops() puts places for them. */

enum truth { UNKNOWN, YES, NO };

static enum rc compile_block(struct sieve_compiler *c, const struct sieve_node *n);
static enum rc compile_test(
	struct sieve_compiler *c, const struct sieve_node *n, uint32_t yes, uint32_t no);

static const struct sieve_word jump_word = { "", WORD_CONTROL, EXT_NONE, "", 0, 0, NULL };
static const struct sieve_word next_word = { "foreverypart", WORD_CONTROL, EXT_NONE, "", 0, 0,
	sieve_do_nextpart };

void sieve_rules_fill(struct sieve_rules *r)
{
	r->script_max = r->script_max ? r->script_max : 1 << 20;
	r->string_max = r->string_max ? r->string_max : 64 << 10;
	r->strings_max = r->strings_max ? r->strings_max : 1024;
	r->nesting_max = r->nesting_max ? r->nesting_max : 32;
	r->commands_max = r->commands_max ? r->commands_max : 8192;
	r->actions_max = r->actions_max ? r->actions_max : 32;
	r->redirects_max = r->redirects_max ? r->redirects_max : 4;
	r->steps_max = r->steps_max ? r->steps_max : 100000;
	r->octets_max = r->octets_max ? r->octets_max : 256 << 20;
	r->includes_max = r->includes_max ? r->includes_max : 10;
	r->variables_max = r->variables_max ? r->variables_max : 128;
	r->variable_max = r->variable_max ? r->variable_max : 8 << 10;
}

enum rc sieve_compile_fail(struct sieve_compiler *c, uint32_t at, const char *fmt, ...)
{
	char text[sizeof(c->why->text)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return sieve_fail(c->why, c->script, at, "%s", text);
}

static enum rc too_much(struct sieve_compiler *c, uint32_t at, const char *what)
{
	(void)!sieve_compile_fail(c, at, "%s", what);
	return RC_LIMIT;
}

bool sieve_compile_has(const struct sieve_compiler *c, enum sieve_ext ext)
{
	return c->exts >> ext & 1;
}

bool sieve_compile_offers(const struct sieve_compiler *c, enum sieve_ext ext)
{
	for (size_t i = 0; i < c->rules->refused_n; i++) {
		if (slice_eq(c->rules->refused[i], slice_str(sieve_ext_name(ext))))
			return false;
	}
	return true;
}

/* A copy of `old` with twice the room. */
static void *grow(struct sieve_compiler *c, const void *old, size_t n, size_t *cap, size_t size)
{
	size_t wanted = *cap ? *cap * 2 : 16;
	void *more = arena_try_array(c->arena, wanted, size);
	if (more && n)
		memcpy(more, old, n * size);
	if (more)
		*cap = wanted;
	return more;
}

static enum rc emit(struct sieve_compiler *c, const struct sieve_node *n,
	const struct sieve_word *word, struct sieve_op **out)
{
	if (c->n == c->rules->commands_max)
		return too_much(c, n->at, "this script has too many commands and tests");
	if (c->n == c->cap) {
		struct sieve_op *more = grow(c, c->ops, c->n, &c->cap, sizeof(*more));
		if (!more)
			return too_much(c, n->at, "there is no memory for this script");
		c->ops = more;
	}
	struct sieve_op *op = &c->ops[c->n++];
	*op = (struct sieve_op){ .word = word, .at = n->at, .yes = SIEVE_NEXT, .no = SIEVE_NEXT };
	if (out)
		*out = op;
	return RC_OK;
}

static enum rc new_label(struct sieve_compiler *c, uint32_t *out)
{
	if (c->labels_n == c->labels_cap) {
		uint32_t *more = grow(c, c->labels, c->labels_n, &c->labels_cap, sizeof(*more));
		if (!more)
			return too_much(c, 0, "there is no memory for this script");
		c->labels = more;
	}
	*out = (uint32_t)c->labels_n++;
	return RC_OK;
}

static void place(struct sieve_compiler *c, uint32_t label)
{
	c->labels[label] = (uint32_t)c->n;
}

static enum rc jump(struct sieve_compiler *c, const struct sieve_node *n, uint32_t label)
{
	struct sieve_op *op;
	TRY(emit(c, n, &jump_word, &op));
	op->yes = label;
	return RC_OK;
}

static bool is_word(const struct sieve_node *n, const char *word)
{
	return n && slice_eq_nocase(n->name, slice_str(word));
}

/* Are all extensions of an ihave test there? Then they count as required from here on. */
static bool have(struct sieve_compiler *c, const struct sieve_node *n)
{
	uint64_t found = 0;
	for (size_t i = 0; n->values && i < n->values->n; i++) {
		enum sieve_ext e = sieve_ext_find(n->values->texts[i].text);
		if (e == EXT_NONE || !sieve_compile_offers(c, e))
			return false;
		found |= 1ull << e;
	}
	c->exts |= found;
	return true;
}

/* What is known of a test before any message: RFC 5463 4 wants that what it guards is not looked at. */
static enum truth known(struct sieve_compiler *c, const struct sieve_node *n)
{
	enum truth all = UNKNOWN;
	if (is_word(n, "ihave") && sieve_compile_has(c, EXT_IHAVE))
		return have(c, n) ? YES : NO;
	if (is_word(n, "not") && n->tests) {
		all = known(c, n->tests);
		return all == UNKNOWN ? UNKNOWN : all == YES ? NO : YES;
	}
	bool is_all = is_word(n, "allof");
	if (!is_all && !is_word(n, "anyof"))
		return UNKNOWN;
	all = is_all ? YES : NO;
	for (const struct sieve_node *t = n->tests; t; t = t->next) {
		enum truth one = known(c, t);
		if (one == (is_all ? NO : YES))
			return one;
		all = one == UNKNOWN ? UNKNOWN : all;
	}
	return all;
}

static enum rc find_word(struct sieve_compiler *c, const struct sieve_node *n, bool test,
	const struct sieve_word **out)
{
	const struct sieve_word *w = sieve_word_find(n->name);
	struct slice name = slice_head(n->name, 40);
	bool is_test = w && (w->kind == WORD_TEST || w->kind == WORD_LOGIC);
	if (!w)
		return sieve_compile_fail(
			c, n->at, "there is no %s %.*s", test ? "test" : "command", FMT(name));
	if (is_test != test)
		return sieve_compile_fail(c, n->at, "%.*s is a %s, and a %s is wanted here",
			FMT(name), is_test ? "test" : "command", test ? "test" : "command");
	bool plus = w->ext == EXT_SPAMTEST && sieve_compile_has(c, EXT_SPAMTESTPLUS);
	if (w->ext != EXT_NONE && !plus && !sieve_compile_has(c, w->ext))
		return sieve_compile_fail(
			c, n->at, "%.*s wants require \"%s\"", FMT(name), sieve_ext_name(w->ext));
	*out = w;
	return RC_OK;
}

/* allof and anyof: all but the last go on to the next one. */
static enum rc compile_list(
	struct sieve_compiler *c, const struct sieve_node *n, uint32_t yes, uint32_t no)
{
	bool is_all = is_word(n, "allof");
	if (!n->has_list || n->values)
		return sieve_compile_fail(
			c, n->at, "%.*s takes tests in parentheses", FMT(n->name));
	for (const struct sieve_node *t = n->tests; t; t = t->next) {
		uint32_t next;
		bool ends = is_all && known(c, t) == NO;
		TRY(new_label(c, &next));
		if (!t->next || ends)
			return compile_test(c, t, yes, no);
		TRY(compile_test(c, t, is_all ? next : yes, is_all ? no : next));
		place(c, next);
	}
	return RC_OK;
}

static enum rc compile_logic(
	struct sieve_compiler *c, const struct sieve_node *n, uint32_t yes, uint32_t no)
{
	if (is_word(n, "allof") || is_word(n, "anyof"))
		return compile_list(c, n, yes, no);
	if (is_word(n, "not")) {
		if (n->values || !n->tests || n->has_list)
			return sieve_compile_fail(c, n->at, "not takes one test");
		return compile_test(c, n->tests, no, yes);
	}
	if (n->tests || n->has_list)
		return sieve_compile_fail(c, n->at, "%.*s takes no tests", FMT(n->name));
	if (is_word(n, "ihave")) {
		const struct sieve_value *v = n->values;
		if (!v || v->next || (v->kind != VALUE_STRING && v->kind != VALUE_LIST))
			return sieve_compile_fail(c, n->at, "ihave takes a string or a list");
		return jump(c, n, have(c, n) ? yes : no);
	}
	if (n->values)
		return sieve_compile_fail(c, n->at, "%.*s takes no arguments", FMT(n->name));
	return jump(c, n, is_word(n, "true") ? yes : no);
}

static enum rc compile_test(
	struct sieve_compiler *c, const struct sieve_node *n, uint32_t yes, uint32_t no)
{
	const struct sieve_word *w;
	struct sieve_op *op;
	TRY(find_word(c, n, true, &w));
	if (w->kind == WORD_LOGIC)
		return compile_logic(c, n, yes, no);
	if (n->tests || n->has_list)
		return sieve_compile_fail(c, n->at, "%s takes no tests", w->name);
	TRY(emit(c, n, w, &op));
	op->yes = yes;
	op->no = no;
	return sieve_args(c, n, op);
}

static enum rc compile_require(struct sieve_compiler *c, const struct sieve_node *n)
{
	const struct sieve_value *v = n->values;
	if (c->is_begun)
		return sieve_compile_fail(c, n->at, "require stands before all other commands");
	if (!v || v->next || (v->kind != VALUE_STRING && v->kind != VALUE_LIST) || n->tests ||
		n->has_block)
		return sieve_compile_fail(c, n->at, "require takes a string or a list of strings");
	for (size_t i = 0; i < v->n; i++) {
		enum sieve_ext e = sieve_ext_find(v->texts[i].text);
		if (e == EXT_NONE || !sieve_compile_offers(c, e))
			return sieve_compile_fail(c, v->texts[i].at,
				"there is no extension \"%.*s\" here",
				FMT(slice_head(v->texts[i].text, 80)));
		c->exts |= 1ull << e;
	}
	return RC_OK;
}

static enum rc check_if(struct sieve_compiler *c, const struct sieve_node *n, bool has_test)
{
	if (n->values || n->has_list || (has_test ? !n->tests : n->tests != NULL))
		return sieve_compile_fail(
			c, n->at, "%.*s takes %s", FMT(n->name), has_test ? "one test" : "no test");
	if (!n->has_block)
		return sieve_compile_fail(c, n->at, "%.*s wants a block", FMT(n->name));
	return RC_OK;
}

/* One arm; `end` is behind the last. */
static enum rc compile_arm(struct sieve_compiler *c, const struct sieve_node *n, uint32_t end)
{
	uint32_t then, other;
	uint64_t exts = c->exts;
	TRY(check_if(c, n, true));
	TRY(new_label(c, &then));
	TRY(new_label(c, &other));
	TRY(compile_test(c, n->tests, then, other));
	place(c, then);
	bool never = known(c, n->tests) ==
		     NO; /* "not ihave": what it found counts for the arms behind */
	if (!never)
		TRY(compile_block(c, n->block));
	TRY(jump(c, n, end));
	place(c, other);
	c->exts = never ? c->exts : exts;
	return RC_OK;
}

/* if with its elsif and else, which are its next nodes; `*last` is the last of them. */
static enum rc compile_if(struct sieve_compiler *c, const struct sieve_node **last)
{
	const struct sieve_node *n = *last;
	uint32_t end;
	uint64_t exts = c->exts;
	bool done = known(c, n->tests ? n->tests : n) == YES;
	c->exts = exts;
	TRY(new_label(c, &end));
	TRY(compile_arm(c, n, end));
	for (; is_word(n->next, "elsif"); n = n->next) {
		if (!done)
			TRY(compile_arm(c, n->next, end));
	}
	if (is_word(n->next, "else")) {
		n = n->next;
		TRY(check_if(c, n, false));
		if (!done)
			TRY(compile_block(c, n->block));
	}
	place(c, end);
	*last = n;
	return RC_OK;
}

static enum rc compile_loop(struct sieve_compiler *c, const struct sieve_node *n)
{
	struct sieve_op *op;
	uint32_t next, body, end;
	TRY(emit(c, n, sieve_word_find(n->name), &op));
	TRY(sieve_args(c, n, op));
	const struct sieve_value *name = sieve_op_value(op, TAG_NAME);
	if (!n->has_block || n->tests)
		return sieve_compile_fail(c, n->at, "foreverypart wants a block");
	if (c->loops_n == SIEVE_LOOPS_MAX)
		return too_much(c, n->at, "foreverypart is nested too deep");
	TRY(new_label(c, &next));
	TRY(new_label(c, &body));
	TRY(new_label(c, &end));
	c->loops[c->loops_n++] = (struct sieve_loop){ name ? name->texts[0].text : S(""), end };
	place(c, next);
	TRY(emit(c, n, &next_word, &op));
	op->yes = body;
	op->no = end;
	place(c, body);
	TRY(compile_block(c, n->block));
	TRY(jump(c, n, next));
	place(c, end);
	c->loops_n--;
	return RC_OK;
}

static enum rc compile_break(struct sieve_compiler *c, const struct sieve_node *n)
{
	struct sieve_op *op;
	TRY(emit(c, n, sieve_word_find(n->name), &op));
	TRY(sieve_args(c, n, op));
	const struct sieve_value *name = sieve_op_value(op, TAG_NAME);
	unsigned i = c->loops_n;
	while (i && name && !slice_eq(c->loops[i - 1].name, name->texts[0].text))
		i--;
	if (i == 0 || n->has_block || n->tests)
		return sieve_compile_fail(c, n->at, "break ends a foreverypart, and there is none");
	op->positions[0].number = c->loops_n - i + 1;
	op->yes = c->loops[i - 1].end;
	return RC_OK;
}

static enum rc compile_command(struct sieve_compiler *c, const struct sieve_node **at)
{
	const struct sieve_node *n = *at;
	const struct sieve_word *w;
	struct sieve_op *op;
	TRY(find_word(c, n, false, &w));
	if (is_word(n, "require"))
		return compile_require(c, n);
	c->is_begun = true;
	if (is_word(n, "if"))
		return compile_if(c, at);
	if (is_word(n, "elsif") || is_word(n, "else"))
		return sieve_compile_fail(c, n->at, "%s stands behind an if", w->name);
	if (is_word(n, "foreverypart"))
		return compile_loop(c, n);
	if (is_word(n, "break"))
		return compile_break(c, n);
	if (n->has_block || n->tests || n->has_list)
		return sieve_compile_fail(
			c, n->at, "%s takes no %s", w->name, n->has_block ? "block" : "tests");
	TRY(emit(c, n, w, &op));
	return sieve_args(c, n, op);
}

static enum rc compile_block(struct sieve_compiler *c, const struct sieve_node *n)
{
	for (; n; n = n->next)
		TRY(compile_command(c, &n));
	return RC_OK;
}

/* Labels become places. */
static void link_ops(struct sieve_compiler *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct sieve_op *op = &c->ops[i];
		op->yes = op->yes == SIEVE_NEXT ? (uint32_t)i + 1 : c->labels[op->yes];
		op->no = op->no == SIEVE_NEXT ? (uint32_t)i + 1 : c->labels[op->no];
	}
}

static enum rc check_script(struct sieve_compiler *c, struct slice script)
{
	if (script.len > c->rules->script_max) {
		*c->why = (struct sieve_error){ .line = 0 };
		snprintf(c->why->text, sizeof(c->why->text),
			"this script is longer than %zu octets", c->rules->script_max);
		return RC_LIMIT;
	}
	if (arena_copy(c->arena, script, &c->script) != RC_OK)
		return too_much(c, 0, "there is no memory for this script");
	struct slice rest = c->script;
	while (rest.len) {
		struct slice before = rest;
		uint32_t ch = utf8_take(&rest);
		if (ch == 0xfffd && before.at[0] != 0xef)
			return sieve_compile_fail(
				c, (uint32_t)(before.at - c->script.at), "this is no UTF-8");
	}
	return RC_OK;
}

enum rc sieve_compile(const struct sieve_rules *rules, struct slice script, struct arena *a,
	struct sieve_program **out, struct sieve_error *why)
{
	struct sieve_rules all = rules ? *rules : (struct sieve_rules){ 0 };
	struct sieve_compiler c = { .rules = &all, .arena = a, .why = why, .script = S("") };
	struct sieve_node *tree;
	sieve_rules_fill(&all);
	TRY(check_script(&c, script));
	struct sieve_lexer l = { .script = c.script, .rules = &all, .arena = a, .why = why };
	TRY(sieve_parse(&l, &tree));
	TRY(compile_block(&c, tree));
	TRY(emit(&c, &(struct sieve_node){ .at = (uint32_t)c.script.len }, NULL, NULL));
	link_ops(&c);
	struct sieve_program *p = arena_new(a, sizeof(*p));
	*p = (struct sieve_program){
		.ops = c.ops, .n = (uint32_t)c.n, .exts = c.exts, .script = c.script
	};
	*out = p;
	return a->over ? too_much(&c, 0, "there is no memory for this script") : RC_OK;
}
