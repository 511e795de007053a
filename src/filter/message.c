/* message.c: Header fields, parts and bodies of a message for Sieve, by way of mime/. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "filter/message.h"

static struct slice header_of(const struct filter_message *m, size_t part)
{
	const struct mime_part *p = m->parts[part];
	return slice_of(m->message.at + p->head, p->head_len);
}

static size_t count(struct slice header, struct slice name)
{
	struct mime_field f;
	size_t n = 0;
	while (mime_field_next(&header, &f) == RC_OK)
		n += slice_eq_nocase(f.name, name);
	return n;
}

static enum rc fields(void *of, size_t part, struct slice name, struct arena *a,
	struct sieve_field **out, size_t *n)
{
	const struct filter_message *m = of;
	if (part >= m->n)
		return RC_NONE;
	struct slice header = header_of(m, part);
	struct mime_field f;
	size_t found = 0, all = count(header, name);
	struct sieve_field *at = arena_try_array(a, all + 1, sizeof(*at));
	if (!at)
		return RC_LIMIT;
	while (found < all && mime_field_next(&header, &f) == RC_OK) {
		if (!slice_eq_nocase(f.name, name))
			continue;
		at[found].name = f.name;
		at[found].raw = f.value;
		at[found].text = slice_trim(mime_words(mime_unfold(f.value, a), a));
		found++;
	}
	*out = at;
	*n = found;
	return a->over ? RC_LIMIT : RC_OK;
}

static enum rc addresses(
	void *of, struct slice raw, struct arena *a, struct sieve_address **out, size_t *n)
{
	struct mime_address *all;
	size_t all_n, found = 0;
	(void)of;
	TRY(mime_addresses(raw, a, &all, &all_n));
	struct sieve_address *at = arena_try_array(a, all_n + 1, sizeof(*at));
	if (!at)
		return RC_LIMIT;
	for (size_t i = 0; i < all_n; i++) {
		if (!all[i].group_start && !all[i].group_end)
			at[found++] = (struct sieve_address){ all[i].local, all[i].domain };
	}
	*out = at;
	*n = found;
	return RC_OK;
}

static enum rc date(void *of, struct slice raw, int64_t *unix_s, int *zone_minutes)
{
	(void)of;
	return mime_date(raw, unix_s, zone_minutes) == RC_OK ? RC_OK : RC_NONE;
}

static enum rc params(
	void *of, struct slice raw, struct arena *a, struct sieve_param **out, size_t *n)
{
	struct mime_params p;
	(void)of;
	enum rc rc = mime_params(raw, a, &p);
	if (rc != RC_OK)
		return rc == RC_BAD ? RC_NONE : rc;
	struct sieve_param *at = arena_try_array(a, p.n + 2, sizeof(*at));
	if (!at)
		return RC_LIMIT;
	at[0].value = p.type;
	at[1].value = p.subtype;
	for (size_t i = 0; i < p.n; i++)
		at[i + 2] = (struct sieve_param){ p.at[i].name, p.at[i].value };
	*out = at;
	*n = p.n + 2;
	return RC_OK;
}

static enum rc part(void *of, size_t i, struct arena *a, struct sieve_part *out)
{
	const struct filter_message *m = of;
	(void)a;
	if (i >= m->n)
		return RC_NONE;
	*out = (struct sieve_part){ .end = m->ends[i],
		.type = m->parts[i]->type.type,
		.subtype = m->parts[i]->type.subtype,
		.is_multipart = m->parts[i]->is_multipart };
	return RC_OK;
}

/* What is of a multipart itself: its prologue, and its epilogue (RFC 5173 5.2). */
static struct slice around(
	const struct filter_message *m, const struct mime_part *p, struct arena *a)
{
	const struct mime_part *last = p->child;
	while (last->next)
		last = last->next;
	size_t from = last->body + last->body_len, end = p->body + p->body_len;
	struct buf b;
	buf_init(&b, 0, a);
	buf_add(&b, slice_of(m->message.at + p->body, p->child->head - p->body));
	buf_add(&b, slice_of(m->message.at + from, end - from));
	return buf_slice(&b);
}

static enum rc decoded(const struct filter_message *m, const struct mime_part *p, struct slice body,
	struct arena *a, struct slice *out)
{
	if (p->is_message) {
		*out = slice_of(m->message.at + p->child->head, p->child->head_len);
		return RC_OK;
	}
	if (p->is_multipart) {
		*out = around(m, p, a);
		return RC_OK;
	}
	TRY(mime_decode(p->encoding, body, a, out));
	if (!slice_eq_nocase(p->type.type, S("text")))
		return RC_OK;
	return mime_to_utf8(mime_param(&p->type, S("charset")), *out, a, out);
}

static enum rc content(
	void *of, size_t i, enum sieve_form form, size_t max, struct arena *a, struct slice *out)
{
	const struct filter_message *m = of;
	if (i >= m->n)
		return RC_NONE;
	const struct mime_part *p = m->parts[i];
	struct slice body = slice_head(slice_of(m->message.at + p->body, p->body_len), max);
	if (form == SIEVE_FORM_RAW) {
		*out = body;
		return RC_OK;
	}
	if (form == SIEVE_FORM_TEXT)
		return mime_part_text(m->message, p, max, a, out);
	return decoded(m, p, body, a, out);
}

static enum rc envelope(void *of, struct slice name, struct arena *a, struct slice *out)
{
	const struct filter_message *m = of;
	(void)a;
	const struct {
		const char *name;
		bool has;
		struct slice text;
	} all[] = { { "from", m->has_from, m->from }, { "to", m->has_to, m->to },
		{ "auth", m->has_auth, m->auth } };
	for (size_t i = 0; i < 3; i++) {
		if (all[i].has && slice_eq_nocase(name, slice_str(all[i].name))) {
			*out = all[i].text;
			return RC_OK;
		}
	}
	return RC_NONE;
}

/* The part behind `p`, or below it, in the order of beginnings; NULL: it was the last. */
static struct mime_part *following(struct mime_part *p)
{
	if (p->child)
		return p->child;
	while (p && !p->next)
		p = p->parent;
	return p ? p->next : NULL;
}

enum rc filter_message_init(struct filter_message *m, struct slice message, struct arena *a)
{
	struct mime_part *root;
	size_t n = 0;
	TRY(mime_parse(message, a, &root));
	for (struct mime_part *p = root; p; p = following(p))
		n++;
	m->message = message;
	m->n = n;
	m->parts = arena_try_array(a, n, sizeof(struct mime_part *));
	m->ends = arena_try_array(a, n, sizeof(*m->ends));
	if (!m->parts || !m->ends)
		return RC_LIMIT;
	n = 0;
	for (struct mime_part *p = root; p; p = following(p))
		m->parts[n++] = p;
	for (size_t i = 0; i < n; i++) {
		m->ends[i] = i + 1;
		while (m->ends[i] < n && m->parts[m->ends[i]]->depth > m->parts[i]->depth)
			m->ends[i]++;
	}
	m->host.of = m;
	m->host.size = message.len;
	m->host.fields = fields;
	m->host.addresses = addresses;
	m->host.date = date;
	m->host.params = params;
	m->host.part = part;
	m->host.content = content;
	m->host.envelope = envelope;
	return RC_OK;
}
