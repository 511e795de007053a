/* stored.c: Keys, pages and checkpoints as bytes in the store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "mail/mail_int.h"
#include <string.h>

enum { PAGE_VERSION = 1, HEADS_VERSION = 1 };

static struct slice key_of(
	struct arena *a, uint32_t account, uint8_t tail, const uint32_t *words, size_t n)
{
	struct buf key;
	buf_init(&key, 0, a);
	account_key(&key, account, ACCOUNT_MAIL, tail);
	for (size_t i = 0; i < n; i++)
		buf_be32(&key, words[i]);
	return buf_slice(&key);
}

struct slice mail_key(struct arena *a, uint32_t account, uint8_t tail)
{
	return key_of(a, account, tail, NULL, 0);
}

struct slice mail_key_u64(struct arena *a, uint32_t account, uint8_t tail, uint64_t n)
{
	return key_of(a, account, tail, (uint32_t[]){ (uint32_t)(n >> 32), (uint32_t)n }, 2);
}

struct slice mail_key_page(struct arena *a, uint32_t account, uint32_t box, uint32_t page)
{
	return key_of(a, account, 'p', (uint32_t[]){ box, page }, 2);
}

struct slice mail_key_where(
	struct arena *a, uint32_t account, uint64_t mid, uint32_t box, uint32_t uid)
{
	return key_of(
		a, account, 'i', (uint32_t[]){ (uint32_t)(mid >> 32), (uint32_t)mid, box, uid }, 4);
}

struct slice mail_key_end(struct arena *a, struct slice prefix)
{
	uint8_t *end = arena_new(a, prefix.len);
	memcpy(end, prefix.at, prefix.len);
	size_t n = prefix.len;
	while (n && ++end[n - 1] == 0)
		n--;
	return slice_of(end, n);
}

/* The keyword names that a page uses, each once, in `sets`' order; index of a name by its id. */
static void write_names(
	const struct mail_account *ma, const struct mail_page *p, uint32_t *index, struct buf *out)
{
	struct buf names;
	uint32_t n = 0;
	buf_init(&names, 0, NULL);
	for (uint16_t i = 0; i < p->n; i++) {
		const struct mail_kwset *set = mail_kwset_get(&ma->keywords, p->at[i].kwset);
		for (uint32_t j = 0; j < set->n; j++) {
			if (index[set->ids[j]])
				continue;
			index[set->ids[j]] = ++n;
			buf_vslice(&names, slice_str(set->names[j]));
		}
	}
	buf_varint(out, n);
	buf_add(out, buf_slice(&names));
	buf_done(&names);
}

void mail_page_write(
	const struct mail_account *ma, const struct mail_page *p, uint64_t change, struct buf *out)
{
	uint32_t *index = mem_new(MEM_OTHER, (ma->keywords.names_n + 1) * sizeof(*index));
	uint32_t last = p->no << MAIL_PAGE_BITS;
	buf_byte(out, PAGE_VERSION);
	buf_varint(out, change);
	write_names(ma, p, index, out);
	buf_varint(out, p->n);
	for (uint16_t i = 0; i < p->n; i++) {
		const struct mail_entry *e = &p->at[i];
		const struct mail_kwset *set = mail_kwset_get(&ma->keywords, e->kwset);
		buf_varint(out, e->uid - last);
		buf_varint(out, e->mid);
		buf_varint(out, e->modseq);
		buf_varint(out, e->size);
		mail_put_signed(out, e->received);
		buf_varint(out, e->flags);
		buf_varint(out, set->n);
		for (uint32_t j = 0; j < set->n; j++)
			buf_varint(out, index[set->ids[j]] - 1);
		last = e->uid;
	}
	mem_free(MEM_OTHER, index);
}

struct page_names {
	uint32_t *sets; /* a one-word set a name */
	uint64_t n;
};

static enum rc read_entry(struct mail_account *ma, struct slice *in, const struct page_names *names,
	struct mail_entry *e)
{
	uint64_t uid, size, flags, words, word;
	TRY(take_varint(in, &uid));
	TRY(take_varint(in, &e->mid));
	TRY(take_varint(in, &e->modseq));
	TRY(take_varint(in, &size));
	TRY(mail_take_signed(in, &e->received));
	TRY(take_varint(in, &flags));
	TRY(take_varint(in, &words));
	if (uid > MAIL_PAGE_SIZE || size > UINT32_MAX || flags > MAIL_FLAGS_ALL)
		return RC_BAD;
	e->uid += (uint32_t)uid;
	e->size = (uint32_t)size;
	e->flags = (uint32_t)flags;
	e->kwset = 0;
	for (uint64_t i = 0; i < words; i++) {
		TRY(take_varint(in, &word));
		if (word >= names->n)
			return RC_BAD;
		e->kwset = mail_kwset_join(&ma->keywords, e->kwset, names->sets[word]);
	}
	return RC_OK;
}

static enum rc read_names(struct mail_account *ma, struct slice *in, struct page_names *names)
{
	TRY(take_varint(in, &names->n));
	if (names->n > MAIL_KEYWORDS_MAX)
		return RC_BAD;
	names->sets = mem_new(MEM_OTHER, (names->n + 1) * sizeof(*names->sets));
	for (uint64_t i = 0; i < names->n; i++) {
		struct slice name;
		TRY(take_vslice(in, &name));
		TRY(mail_kwset_of(&ma->keywords, &name, 1, &names->sets[i]));
	}
	return RC_OK;
}

static enum rc read_page(struct mail_account *ma, struct slice in, uint32_t no,
	struct page_names *names, struct mail_table *t)
{
	uint8_t version;
	uint64_t change, n;
	TRY(take_byte(&in, &version));
	if (version != PAGE_VERSION)
		return RC_BAD;
	TRY(take_varint(&in, &change));
	TRY(read_names(ma, &in, names));
	TRY(take_varint(&in, &n));
	struct mail_entry e = { .uid = no << MAIL_PAGE_BITS };
	for (uint64_t i = 0; i < n; i++) {
		uint32_t last = e.uid;
		TRY(read_entry(ma, &in, names, &e));
		if (e.uid >> MAIL_PAGE_BITS != no || (i && e.uid <= last))
			return RC_BAD;
		mail_table_put(t, &e, UINT64_MAX);
	}
	struct mail_page *p = mail_table_page(t, no << MAIL_PAGE_BITS, true);
	p->change = change;
	p->dirty = false;
	return RC_OK;
}

enum rc mail_page_read(struct mail_account *ma, struct slice in, uint32_t no, struct mail_table *t)
{
	struct page_names names = { 0 };
	enum rc rc = read_page(ma, in, no, &names, t);
	mem_free(MEM_OTHER, names.sets);
	return rc == RC_OK ? RC_OK : RC_LOST;
}

void mail_heads_write(const struct mail_account *ma, uint64_t claim, struct buf *out)
{
	buf_byte(out, HEADS_VERSION);
	buf_varint(out, claim);
	buf_varint(out, ma->change);
	buf_varint(out, ma->uid_validity_last);
	buf_varint(out, ma->box_last);
	buf_varint(out, ma->boxes_n);
	for (size_t i = 0; i < ma->boxes_n; i++) {
		const struct mail_box *box = ma->boxes[i];
		mail_put_info(out, &box->head);
		buf_varint(out, box->head.uid_next);
		buf_varint(out, box->head.exists);
		buf_varint(out, box->head.unseen);
		buf_varint(out, box->head.deleted);
		buf_varint(out, box->head.bytes);
		buf_varint(out, box->head.modseq);
		buf_varint(out, box->recent_uid);
	}
}

static enum rc read_box(struct mail_account *ma, struct slice *in)
{
	struct mail_box_info info = { 0 };
	uint64_t n[7];
	TRY(mail_take_info(in, &info));
	for (size_t i = 0; i < 7; i++)
		TRY(take_varint(in, &n[i]));
	struct mail_box *box = mem_new(MEM_CACHE, sizeof(*box));
	uint8_t *name = mem_new(MEM_CACHE, info.name.len + 1);
	memcpy(name, info.name.at, info.name.len);
	box->head = info;
	box->head.name = slice_of(name, info.name.len);
	box->head.uid_next = (uint32_t)n[0];
	box->head.exists = (uint32_t)n[1];
	box->head.unseen = (uint32_t)n[2];
	box->head.deleted = (uint32_t)n[3];
	box->head.bytes = n[4];
	box->head.modseq = n[5];
	box->recent_uid = (uint32_t)n[6];
	if (ma->boxes_n == ma->boxes_cap) {
		ma->boxes_cap = ma->boxes_cap ? ma->boxes_cap * 2 : 8;
		ma->boxes = mem_more(MEM_CACHE, ma->boxes, ma->boxes_cap * sizeof(*ma->boxes));
	}
	ma->boxes[ma->boxes_n++] = box;
	return RC_OK;
}

static enum rc read_heads(struct mail_account *ma, struct slice in, uint64_t *claim)
{
	uint8_t version;
	uint64_t change, validity, last, n;
	TRY(take_byte(&in, &version));
	if (version != HEADS_VERSION)
		return RC_BAD;
	TRY(take_varint(&in, claim));
	TRY(take_varint(&in, &change));
	TRY(take_varint(&in, &validity));
	TRY(take_varint(&in, &last));
	TRY(take_varint(&in, &n));
	for (uint64_t i = 0; i < n; i++)
		TRY(read_box(ma, &in));
	ma->change = ma->checkpoint = change;
	ma->uid_validity_last = (uint32_t)validity;
	ma->box_last = (uint32_t)last;
	return RC_OK;
}

enum rc mail_heads_read(struct mail_account *ma, struct slice in, uint64_t *claim)
{
	return read_heads(ma, in, claim) == RC_OK ? RC_OK : RC_LOST;
}
