/* values.c: Variables: set, put into strings, and their modifiers (RFC 5229). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "sieve/ops_int.h"
#include <stdarg.h>

enum { EXPANDED_MAX = 1 << 20 };

enum rc sieve_err(struct sieve_run *r, const struct sieve_op *op, const char *fmt, ...)
{
	char text[sizeof(r->why->text)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return sieve_fail(r->why, r->top->program->script, op->at, "%s", text);
}

enum rc sieve_over(struct sieve_run *r, const struct sieve_op *op, const char *what)
{
	(void)!sieve_err(r, op, "%s", what);
	return RC_LIMIT;
}

enum rc sieve_save(struct sieve_run *r, struct slice s, struct slice *out)
{
	return arena_copy(r->arena, s, out);
}

static bool is_name_octet(uint8_t c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static struct slice take_name(struct slice *in)
{
	size_t n = 0;
	bool digits = in->len && in->at[0] >= '0' && in->at[0] <= '9';
	while (n < in->len &&
		(digits ? in->at[n] >= '0' && in->at[n] <= '9' : is_name_octet(in->at[n], n == 0)))
		n++;
	struct slice name = slice_head(*in, n);
	*in = slice_tail(*in, n);
	return name;
}

enum rc sieve_reference(struct slice *in, struct slice *space, struct slice *name)
{
	struct slice rest = *in;
	if (!slice_starts(rest, S("${")))
		return RC_NONE;
	rest = slice_tail(rest, 2);
	*space = S("");
	*name = take_name(&rest);
	bool may_be_space = name->len && is_name_octet(name->at[0], true);
	while (may_be_space && name->len && rest.len && rest.at[0] == '.') {
		*space = slice_of(in->at + 2, (size_t)(rest.at - in->at) - 2);
		rest = slice_tail(rest, 1);
		*name = take_name(&rest);
	}
	if (!name->len || !rest.len || rest.at[0] != '}')
		return RC_NONE;
	*in = slice_tail(rest, 1);
	return RC_OK;
}

static struct sieve_variable *find(struct sieve_variable *v, struct slice name)
{
	while (v && !slice_eq_nocase(v->name, name))
		v = v->next;
	return v;
}

static bool is_global(const struct sieve_run *r, struct slice name)
{
	for (size_t i = 0; i < r->top->globals_n; i++) {
		if (slice_eq_nocase(r->top->globals[i], name))
			return true;
	}
	return false;
}

struct slice sieve_variable_get(const struct sieve_run *r, struct slice name)
{
	uint64_t number;
	if (slice_u64(name, UINT32_MAX, &number) == RC_OK)
		return number < r->top->captures_n ? buf_slice(&r->top->captures[number]) : S("");
	const struct sieve_variable *v =
		find(is_global(r, name) ? r->globals : r->top->variables, name);
	return v ? buf_slice(&v->value) : S("");
}

enum rc sieve_variable_set(struct sieve_run *r, struct slice name, struct slice value)
{
	struct sieve_variable **list = is_global(r, name) ? &r->globals : &r->top->variables;
	struct sieve_variable *v = find(*list, name);
	if (!v) {
		if (r->variables_n == r->rules.variables_max)
			return RC_LIMIT;
		v = arena_new(r->arena, sizeof(*v));
		buf_init(&v->value, r->rules.variable_max, r->arena);
		*v = (struct sieve_variable){ .name = name, .value = v->value, .next = *list };
		*list = v;
		r->variables_n++;
	}
	buf_reset(&v->value);
	buf_add(&v->value, utf8_cut(value, r->rules.variable_max));
	return v->value.over || r->arena->over ? RC_LIMIT : RC_OK;
}

enum rc sieve_expand(struct sieve_run *r, const struct sieve_text *t, struct slice *out)
{
	struct buf b;
	struct slice space, name;
	if (!t->has_variables) {
		*out = t->text;
		return RC_OK;
	}
	buf_init(&b, EXPANDED_MAX, &r->step);
	for (struct slice rest = t->text; rest.len;) {
		if (sieve_reference(&rest, &space, &name) == RC_OK) {
			const struct sieve_variable *v = space.len ? find(r->globals, name) : NULL;
			buf_add(&b, !space.len ? sieve_variable_get(r, name)
				    : v        ? buf_slice(&v->value)
					       : S(""));
			continue;
		}
		buf_byte(&b, rest.at[0]);
		rest = slice_tail(rest, 1);
	}
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

enum rc sieve_expand_all(struct sieve_run *r, const struct sieve_value *v, struct slice **out)
{
	*out = arena_try_array(&r->step, v->n ? v->n : 1, sizeof(**out));
	if (!*out)
		return RC_LIMIT;
	for (size_t i = 0; i < v->n; i++)
		TRY(sieve_expand(r, &v->texts[i], &(*out)[i]));
	return RC_OK;
}

enum rc sieve_string(struct sieve_run *r, const struct sieve_op *op, size_t i, struct slice *out)
{
	return sieve_expand(r, &op->positions[i].texts[0], out);
}

enum rc sieve_tag_string(
	struct sieve_run *r, const struct sieve_op *op, enum sieve_tag tag, struct slice *out)
{
	const struct sieve_value *v = sieve_op_value(op, tag);
	struct slice s = S("");
	if (v)
		TRY(sieve_expand(r, &v->texts[0], &s));
	return sieve_save(r, s, out);
}

enum rc sieve_tag_list(struct sieve_run *r, const struct sieve_op *op, enum sieve_tag tag,
	const struct slice **out, size_t *n)
{
	const struct sieve_value *v = sieve_op_value(op, tag);
	*out = NULL;
	*n = 0;
	if (!v || !v->n)
		return RC_OK;
	struct slice *at = arena_try_array(r->arena, v->n, sizeof(*at));
	if (!at)
		return RC_LIMIT;
	for (size_t i = 0; i < v->n; i++) {
		TRY(sieve_expand(r, &v->texts[i], &at[i]));
		TRY(sieve_save(r, at[i], &at[i]));
	}
	*out = at;
	*n = v->n;
	return RC_OK;
}

/* --- modifiers, RFC 5229 4.1: the larger precedence first --- */

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static void change_case(const struct sieve_op *op, struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (sieve_op_has(op, TAG_LOWER))
			b->at[i] = lower(b->at[i]);
		if (sieve_op_has(op, TAG_UPPER))
			b->at[i] = upper(b->at[i]);
	}
	if (b->len && sieve_op_has(op, TAG_LOWERFIRST))
		b->at[0] = lower(b->at[0]);
	if (b->len && sieve_op_has(op, TAG_UPPERFIRST))
		b->at[0] = upper(b->at[0]);
}

/* A backslash before each octet of `special`. */
static void quote(struct arena *a, const char *special, struct buf *b)
{
	struct slice in = buf_slice(b);
	struct buf out;
	buf_init(&out, EXPANDED_MAX, a);
	for (size_t i = 0; i < in.len; i++) {
		if (in.at[i] && strchr(special, in.at[i]))
			buf_byte(&out, '\\');
		buf_byte(&out, in.at[i]);
	}
	*b = out;
}

/* RFC 5435 6: all but unreserved octets. */
static void encode_url(struct arena *a, struct buf *b)
{
	struct slice in = buf_slice(b);
	struct buf out;
	buf_init(&out, EXPANDED_MAX, a);
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];
		if (is_name_octet(c, false) || c == '-' || c == '.' || c == '~')
			buf_byte(&out, c);
		else
			buf_fmt(&out, "%%%02X", c);
	}
	*b = out;
}

enum rc sieve_modify(
	struct sieve_run *r, const struct sieve_op *op, struct slice in, struct slice *out)
{
	struct buf b;
	buf_init(&b, EXPANDED_MAX, &r->step);
	buf_add(&b, in);
	change_case(op, &b);
	if (sieve_op_has(op, TAG_QUOTEWILDCARD))
		quote(&r->step, "*?\\", &b);
	if (sieve_op_has(op, TAG_QUOTEREGEX))
		quote(&r->step, "\\^$.[]|()?*+{}", &b);
	if (sieve_op_has(op, TAG_ENCODEURL))
		encode_url(&r->step, &b);
	if (sieve_op_has(op, TAG_LENGTH)) {
		uint64_t n = 0;
		for (struct slice rest = buf_slice(&b); rest.len; n++)
			utf8_take(&rest);
		buf_reset(&b);
		buf_u64(&b, n);
	}
	*out = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

/* --- instructions --- */

enum rc sieve_do_set(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct slice value;
	(void)yes;
	TRY(sieve_string(r, op, 1, &value));
	TRY(sieve_modify(r, op, value, &value));
	if (sieve_variable_set(r, op->positions[0].texts[0].text, value) != RC_OK)
		return sieve_over(r, op, "this script has too many variables");
	return RC_OK;
}

/* RFC 5229 5: empty strings are not counted. */
enum rc sieve_do_string(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_matcher m;
	struct slice *sources;
	TRY(sieve_matcher_init(&m, r, op, &op->positions[1]));
	TRY(sieve_expand_all(r, &op->positions[0], &sources));
	for (size_t i = 0; i < op->positions[0].n; i++) {
		if (sources[i].len || op->match != MATCH_COUNT)
			TRY(sieve_matcher_add(&m, sources[i]));
	}
	return sieve_matcher_end(&m, yes);
}

/* RFC 6609 3.4.1 */
enum rc sieve_do_global(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_frame *f = r->top;
	size_t n = f->globals_n + op->positions[0].n;
	struct slice *all = n <= r->rules.variables_max * 2
				    ? arena_try_array(r->arena, n + 1, sizeof(*all))
				    : NULL;
	(void)yes;
	if (!all)
		return sieve_over(r, op, "this script has too many variables");
	for (size_t i = 0; i < f->globals_n; i++)
		all[i] = f->globals[i];
	for (size_t i = 0; i < op->positions[0].n; i++)
		all[f->globals_n + i] = op->positions[0].texts[i].text;
	f->globals = all;
	f->globals_n = n;
	return RC_OK;
}
