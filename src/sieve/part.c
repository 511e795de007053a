/* part.c: Parts of a message: foreverypart, :mime, replace, enclose, extracttext (RFC 5703), and body (RFC 5173). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "sieve/ops_int.h"

enum { CONTENT_MAX = 8 << 20 }; /* octets that one instruction looks at */

/* The part in hand: that of the innermost loop, of this script or of those that include it; 0: the message. */
static size_t current(const struct sieve_run *r)
{
	for (const struct sieve_frame *f = r->top; f; f = f->below) {
		if (f->loops_n)
			return f->loops[f->loops_n - 1].part;
	}
	return 0;
}

static enum rc part_end(struct sieve_run *r, size_t part, size_t *end)
{
	struct sieve_part p;
	TRY(r->host->part(r->host->of, part, &r->step, &p));
	*end = p.end;
	return RC_OK;
}

enum rc sieve_parts(struct sieve_run *r, const struct sieve_op *op, size_t *from, size_t *to)
{
	*from = sieve_op_has(op, TAG_MIME) ? current(r) : 0;
	*to = *from + 1;
	return sieve_op_has(op, TAG_ANYCHILD) ? part_end(r, *from, to) : RC_OK;
}

enum rc sieve_do_foreverypart(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_frame *f = r->top;
	size_t part = current(r), end;
	bool inside = f->loops_n > 0 || part > 0;
	(void)yes;
	if (f->loops_n == SIEVE_LOOPS_MAX)
		return sieve_over(r, op, "foreverypart is nested too deep");
	TRY(part_end(r, part, &end));
	/* A loop inside another goes through what lies in the part in hand. */
	f->loops[f->loops_n++] =
		(struct sieve_loop_state){ .part = inside ? part + 1 : part, .end = end };
	return RC_OK;
}

enum rc sieve_do_nextpart(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_loop_state *l = &r->top->loops[r->top->loops_n - 1];
	(void)op;
	if (l->is_begun)
		l->part++;
	l->is_begun = true;
	*yes = l->part < l->end;
	if (!*yes)
		r->top->loops_n--;
	return RC_OK;
}

enum rc sieve_do_break(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	(void)yes;
	r->top->loops_n -= (unsigned)op->positions[0].number;
	return RC_OK;
}

/* What of the field is compared: all of it, or its type, subtype, both, or parameters (RFC 5703 4.1). */
enum rc sieve_mime_value(struct sieve_matcher *m, const struct sieve_field *f)
{
	struct sieve_run *r = m->r;
	const struct sieve_op *op = m->op;
	struct sieve_param *p;
	struct slice *names;
	size_t n;
	bool type = sieve_op_has(op, TAG_TYPE), subtype = sieve_op_has(op, TAG_SUBTYPE);
	const struct sieve_value *wanted = sieve_op_value(op, TAG_PARAM);
	if (!type && !subtype && !wanted && !sieve_op_has(op, TAG_CONTENTTYPE))
		return sieve_matcher_add(m, f->text);
	enum rc rc = r->host->params(r->host->of, f->raw, &r->step, &p, &n);
	if (rc != RC_OK || n < 2)
		return rc == RC_NONE ? RC_OK : rc;
	if (type || subtype)
		return sieve_matcher_add(m, p[type ? 0 : 1].value);
	if (!wanted)
		return sieve_matcher_add(m,
			p[1].value.len
				? arena_fmt(&r->step, "%.*s/%.*s", FMT(p[0].value), FMT(p[1].value))
				: p[0].value);
	TRY(sieve_expand_all(r, wanted, &names));
	for (size_t i = 0; i < wanted->n; i++) {
		for (size_t k = 2; k < n && !m->yes; k++) {
			if (slice_eq_nocase(p[k].name, names[i]))
				TRY(sieve_matcher_add(m, p[k].value));
		}
	}
	return RC_OK;
}

/* RFC 5703 5 */
enum rc sieve_do_replace(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = {
		.kind = SIEVE_REPLACE, .mime = sieve_op_has(op, TAG_MIME), .index = current(r)
	};
	(void)yes;
	TRY(sieve_string(r, op, 0, &a.text));
	TRY(sieve_save(r, a.text, &a.text));
	TRY(sieve_tag_string(r, op, TAG_SUBJECT, &a.subject));
	TRY(sieve_tag_string(r, op, TAG_FROM, &a.from));
	return sieve_action_add(r, op, &a);
}

/* RFC 5703 6 */
enum rc sieve_do_enclose(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_action a = { .kind = SIEVE_ENCLOSE };
	(void)yes;
	TRY(sieve_string(r, op, 0, &a.text));
	TRY(sieve_save(r, a.text, &a.text));
	TRY(sieve_tag_string(r, op, TAG_SUBJECT, &a.subject));
	TRY(sieve_tag_list(r, op, TAG_HEADERS, &a.headers, &a.headers_n));
	return sieve_action_add(r, op, &a);
}

/* RFC 5703 7 */
enum rc sieve_do_extracttext(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct slice text = S("");
	const struct sieve_value *first = sieve_op_value(op, TAG_FIRST);
	(void)yes;
	enum rc rc = r->host->content(
		r->host->of, current(r), SIEVE_FORM_TEXT, CONTENT_MAX, &r->step, &text);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	if (first) {
		struct slice rest = text;
		for (uint64_t i = 0; i < first->number && rest.len; i++)
			utf8_take(&rest);
		text = slice_head(text, text.len - rest.len);
	}
	TRY(sieve_modify(r, op, text, &text));
	if (sieve_variable_set(r, op->positions[0].texts[0].text, text) != RC_OK)
		return sieve_over(r, op, "this script has too many variables");
	return RC_OK;
}

/* RFC 5173 5.2: "text" is each text, "text/plain" that type, "" is everything. */
static bool is_type(const struct sieve_part *p, struct slice wanted)
{
	size_t slash = slice_find(wanted, '/');
	struct slice subtype = slice_tail(wanted, slash + 1);
	if (!wanted.len)
		return true;
	if (slash < wanted.len &&
		(!slash || !subtype.len || slice_find(subtype, '/') < subtype.len))
		return false;
	return slice_eq_nocase(p->type, slice_head(wanted, slash)) &&
	       (slash == wanted.len || slice_eq_nocase(p->subtype, subtype));
}

/* Takes what was looked at off `*left`. */
static enum rc add_content(struct sieve_matcher *m, size_t part, enum sieve_form form, size_t *left)
{
	struct sieve_run *r = m->r;
	struct slice text;
	enum rc rc = r->host->content(r->host->of, part, form, *left, &r->step, &text);
	if (rc != RC_OK)
		return rc == RC_NONE ? RC_OK : rc;
	*left -= text.len < *left ? text.len : *left;
	return sieve_matcher_add(m, text);
}

static bool is_wanted(const struct sieve_part *p, const struct slice *types, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_type(p, types[i]))
			return true;
	}
	return false;
}

enum rc sieve_do_body(struct sieve_run *r, const struct sieve_op *op, bool *yes)
{
	struct sieve_matcher m;
	struct sieve_part p;
	struct slice text = S("text"), *types = &text;
	const struct sieve_value *content = sieve_op_value(op, TAG_CONTENT);
	size_t types_n = content ? content->n : 1, left = CONTENT_MAX;
	enum rc rc;
	TRY(sieve_matcher_init(&m, r, op, &op->positions[0]));
	m.sets_nothing = true;
	if (sieve_op_has(op, TAG_RAW)) {
		TRY(add_content(&m, 0, SIEVE_FORM_RAW, &left));
		return sieve_matcher_end(&m, yes);
	}
	if (content)
		TRY(sieve_expand_all(r, content, &types));
	for (size_t i = 0; !m.yes && left; i++) {
		rc = r->host->part(r->host->of, i, &r->step, &p);
		if (rc == RC_NONE)
			break;
		if (rc != RC_OK)
			return rc;
		if (is_wanted(&p, types, types_n))
			TRY(add_content(
				&m, i, content ? SIEVE_FORM_DECODED : SIEVE_FORM_TEXT, &left));
	}
	return sieve_matcher_end(&m, yes);
}
