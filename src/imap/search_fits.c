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

static bool all(struct search_message *m, const struct imap_search_node *child)
{
	for (; child; child = child->next)
		if (!search_fits(m, child))
			return false;
	return true;
}

static bool sent(struct search_message *m, const struct imap_search_node *n)
{
	if (search_record(m) != RC_OK)
		return false;
	int64_t day = day_of(m->rec.sent ? m->rec.sent : m->entry->received);
	return n->key == IMAP_KEY_SENTBEFORE ? day < n->date
	       : n->key == IMAP_KEY_SENTON   ? day == n->date
					     : day >= n->date;
}

static bool id_is(struct search_message *m, const struct imap_search_node *n)
{
	char id[24];
	uint64_t value = m->entry->mid;
	if (n->key == IMAP_KEY_THREADID && search_record(m) == RC_OK && m->rec.thread)
		value = m->rec.thread;
	snprintf(id, sizeof(id), "%c%llx", n->key == IMAP_KEY_THREADID ? 'T' : 'E',
		(unsigned long long)value);
	return slice_eq(slice_str(id), n->text);
}

bool search_fits(struct search_message *m, const struct imap_search_node *n)
{
	const struct mail_entry *e = m->entry;
	switch (n->key) {
	case IMAP_KEY_ALL:
		return true;
	case IMAP_KEY_AND:
		return all(m, n->child);
	case IMAP_KEY_OR:
		return search_fits(m, n->child) || search_fits(m, n->child->next);
	case IMAP_KEY_NOT:
		return !search_fits(m, n->child);
	case IMAP_KEY_FLAGS:
		return (e->flags & n->number) == n->number;
	case IMAP_KEY_KEYWORD:
		return has_keyword(m, n->text);
	case IMAP_KEY_SEQ:
	case IMAP_KEY_UID:
		return in_set(&n->set, e->uid);
	case IMAP_KEY_LARGER:
		return e->size > n->number;
	case IMAP_KEY_SMALLER:
		return e->size < n->number;
	case IMAP_KEY_BEFORE:
	case IMAP_KEY_SAVEDBEFORE:
		return day_of(e->received) < n->date;
	case IMAP_KEY_ON:
	case IMAP_KEY_SAVEDON:
		return day_of(e->received) == n->date;
	case IMAP_KEY_SINCE:
	case IMAP_KEY_SAVEDSINCE:
		return day_of(e->received) >= n->date;
	case IMAP_KEY_SENTBEFORE:
	case IMAP_KEY_SENTON:
	case IMAP_KEY_SENTSINCE:
		return sent(m, n);
	case IMAP_KEY_OLDER:
		return e->received <= m->now - (int64_t)n->number;
	case IMAP_KEY_YOUNGER:
		return e->received >= m->now - (int64_t)n->number;
	case IMAP_KEY_MODSEQ:
		return e->modseq >= n->number;
	case IMAP_KEY_HEADER:
		return search_header(m, n->field, n->text);
	case IMAP_KEY_BODY:
		return search_body(m, n->text);
	case IMAP_KEY_TEXT:
		return search_header(m, S(""), n->text) || search_body(m, n->text);
	case IMAP_KEY_EMAILID:
	case IMAP_KEY_THREADID:
		return id_is(m, n);
	}
	return false;
}
