/* search_fits.c: Does a message fit a search program? */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/search.h"
#include "mime/mime.h"

enum { DAY = 86400 };

static enum rc resolve(struct imap_session *s, struct imap_search_node *n)
{
	struct ranges uids = { 0 };
	bool was_uid = s->is_uid;
	s->is_uid = n->key == IMAP_KEY_UID;
	enum rc rc = imap_uids_lax(s, &n->set, &uids);
	s->is_uid = was_uid;
	if (rc == RC_OK) {
		n->set.at = arena_try_array(&s->arena, uids.n ? uids.n : 1, sizeof(*n->set.at));
		n->set.n = n->set.at ? uids.n : 0;
		for (size_t i = 0; i < n->set.n; i++)
			n->set.at[i] = uids.at[i];
	}
	ranges_done(&uids);
	return rc;
}

static enum rc prepare(
	struct imap_session *s, struct slice charset, struct imap_search_node *n, unsigned depth)
{
	if (depth > IMAP_SEARCH_DEPTH + 2)
		return RC_LIMIT;
	for (; n; n = n->next) {
		if (n->key == IMAP_KEY_SEQ || n->key == IMAP_KEY_UID)
			TRY(resolve(s, n));
		if (n->key == IMAP_KEY_HEADER || n->key == IMAP_KEY_BODY ||
			n->key == IMAP_KEY_TEXT) {
			if (charset.len)
				TRY(mime_to_utf8(charset, n->text, &s->arena, &n->text));
			TRY(search_fold(n->text, &s->arena, &n->text));
		}
		TRY(prepare(s, charset, n->child, depth + 1));
	}
	return RC_OK;
}

enum rc search_prepare(struct imap_session *s, struct imap_search *program, struct fault *why)
{
	if (program->charset.len && !mime_charset_known(program->charset)) {
		(void)fault_set(why, FAULT_CHARSET_UNKNOWN, "%s", "");
		return RC_DENIED;
	}
	return prepare(s, program->charset, program->root, 0);
}

static bool in_set(const struct imap_set *set, uint32_t uid)
{
	size_t lo = 0, hi = set->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (set->at[mid].hi < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < set->n && set->at[lo].lo <= uid;
}

static bool has_keyword(struct search_message *m, struct slice word)
{
	size_t n = 0;
	const char *const *names =
		m->entry->kwset ? mail_keywords(m->s->ma, m->entry->kwset, &n) : NULL;
	for (size_t i = 0; i < n; i++)
		if (slice_eq_nocase(slice_str(names[i]), word))
			return true;
	return false;
}

static int64_t day_of(int64_t unix_s)
{
	return (unix_s - (unix_s < 0 ? DAY - 1 : 0)) / DAY;
}

static enum search_fit is(bool fits)
{
	return fits ? SEARCH_YES : SEARCH_NO;
}

/* One that does not fit settles it, whatever is not known of the others. */
static enum search_fit all(struct search_message *m, const struct imap_search_node *child)
{
	enum search_fit sum = SEARCH_YES;
	for (; child; child = child->next) {
		enum search_fit fit = search_fits(m, child);
		if (fit == SEARCH_NO)
			return SEARCH_NO;
		if (fit == SEARCH_UNKNOWN)
			sum = SEARCH_UNKNOWN;
	}
	return sum;
}

static enum search_fit either(enum search_fit a, enum search_fit b)
{
	if (a == SEARCH_YES || b == SEARCH_YES)
		return SEARCH_YES;
	return a == SEARCH_UNKNOWN || b == SEARCH_UNKNOWN ? SEARCH_UNKNOWN : SEARCH_NO;
}

static enum search_fit one_of(struct search_message *m, const struct imap_search_node *child)
{
	enum search_fit first = search_fits(m, child);
	return first == SEARCH_YES ? first : either(first, search_fits(m, child->next));
}

static enum search_fit none(enum search_fit fit)
{
	return fit == SEARCH_UNKNOWN ? fit : is(fit == SEARCH_NO);
}

static bool sent(const struct search_message *m, const struct imap_search_node *n)
{
	int64_t day = day_of(m->rec.sent ? m->rec.sent : m->entry->received);
	return n->key == IMAP_KEY_SENTBEFORE ? day < n->date
	       : n->key == IMAP_KEY_SENTON   ? day == n->date
					     : day >= n->date;
}

static bool id_is(const struct imap_search_node *n, char letter, uint64_t value)
{
	char id[24];
	snprintf(id, sizeof(id), "%c%llx", letter, (unsigned long long)value);
	return slice_eq(slice_str(id), n->text);
}

/* Keys that the record answers, or the bytes. */
static enum search_fit deep(struct search_message *m, const struct imap_search_node *n)
{
	if (m->depth < SEARCH_RECORD)
		return SEARCH_UNKNOWN;
	if (n->key == IMAP_KEY_HEADER)
		return search_header(m, n->field, n->text);
	if (n->key == IMAP_KEY_THREADID)
		return is(id_is(n, 'T', m->rec.thread ? m->rec.thread : m->entry->mid));
	if (n->key != IMAP_KEY_BODY && n->key != IMAP_KEY_TEXT)
		return is(sent(m, n));
	enum search_fit header = SEARCH_NO;
	if (n->key == IMAP_KEY_TEXT) {
		if (m->depth == SEARCH_BYTES && search_read(m) != RC_OK)
			return SEARCH_NO;
		header = search_header(m, S(""), n->text);
	}
	if (header == SEARCH_YES || m->depth < SEARCH_BYTES)
		return either(header, SEARCH_UNKNOWN);
	return is(search_body(m, n->text));
}

enum search_fit search_fits(struct search_message *m, const struct imap_search_node *n)
{
	const struct mail_entry *e = m->entry;
	switch (n->key) {
	case IMAP_KEY_ALL:
		return SEARCH_YES;
	case IMAP_KEY_AND:
		return all(m, n->child);
	case IMAP_KEY_OR:
		return one_of(m, n->child);
	case IMAP_KEY_NOT:
		return none(search_fits(m, n->child));
	case IMAP_KEY_FLAGS:
		return is((e->flags & n->number) == n->number);
	case IMAP_KEY_KEYWORD:
		return is(has_keyword(m, n->text));
	case IMAP_KEY_SEQ:
	case IMAP_KEY_UID:
		return is(in_set(&n->set, e->uid));
	case IMAP_KEY_LARGER:
		return is(e->size > n->number);
	case IMAP_KEY_SMALLER:
		return is(e->size < n->number);
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_SAVEDBEFORE:
		return is(day_of(e->received) < n->date);
	case IMAP_KEY_ON:
	case IMAP_KEY_SAVEDON:
		return is(day_of(e->received) == n->date);
	case IMAP_KEY_SINCE:
	case IMAP_KEY_SAVEDSINCE:
		return is(day_of(e->received) >= n->date);
	case IMAP_KEY_SENTBEFORE:
	case IMAP_KEY_SENTON:
	case IMAP_KEY_SENTSINCE:
	case IMAP_KEY_HEADER:
	case IMAP_KEY_BODY:
	case IMAP_KEY_TEXT:
	case IMAP_KEY_THREADID:
		return deep(m, n);
	case IMAP_KEY_OLDER:
		return is(e->received <= m->now - (int64_t)n->number);
	case IMAP_KEY_YOUNGER:
		return is(e->received >= m->now - (int64_t)n->number);
	case IMAP_KEY_MODSEQ:
		return is(e->modseq >= n->number);
	case IMAP_KEY_EMAILID:
		return is(id_is(n, 'E', e->mid));
	}
	return SEARCH_NO;
}
