/* stored.c: Keys, pages and checkpoints as bytes in the store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "mail/mail_int.h"
#include <string.h>

enum { PAGE_VERSION = 1, HEADS_VERSION = 2, HEADS_UNLISTED = 1 };

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

enum rc mail_page_no(struct slice key, uint32_t *out)
{
	struct slice tail = slice_tail(key, key.len - (key.len < 4 ? key.len : 4));
	return take_be32(&tail, out) == RC_OK && *out <= UINT32_MAX >> MAIL_PAGE_BITS ? RC_OK
										      : RC_LOST;
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
		const struct mail_kwset *set = mail_kwset_get(&ma->keywords, p->body->at[i].kwset);
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
		const struct mail_entry *e = &p->body->at[i];
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
	mail_table_page(t, no << MAIL_PAGE_BITS, false)->body->change = change;
	return RC_OK;
}

enum rc mail_page_read(struct mail_account *ma, struct slice in, uint32_t no, struct mail_table *t)
{
	struct page_names names = { 0 };
	enum rc rc = read_page(ma, in, no, &names, t);
	mem_free(MEM_OTHER, names.sets);
	return rc == RC_OK ? RC_OK : RC_LOST;
}

/* --- checkpoints --- */

/* After a box's head: 0, and its directory is not known; or 1, how many pages it has, and of each: by how much its number is
 * higher than that of the page before; what it may hold; its UIDs, as runs (how many are left out, how many there are, less
 * one) or, when these are many, as bits. */
enum { PAGE_MAY = MAIL_MAY_UNSEEN | MAIL_MAY_DELETED, PAGE_BITMAP = 4, RUNS_MAX = 12 };

/* First number from `at` on whose bit is `set`; MAIL_PAGE_SIZE: none. */
static unsigned next_bit(const struct mail_page *p, unsigned at, bool set)
{
	for (unsigned w = at / 64; w < MAIL_PAGE_WORDS; w++) {
		uint64_t bits = set ? p->bits[w] : ~p->bits[w];
		bits &= mail_page_mask(w, at, MAIL_PAGE_SIZE - 1);
		if (bits)
			return w * 64 + (unsigned)__builtin_ctzll(bits);
	}
	return MAIL_PAGE_SIZE;
}

static size_t count_runs(const struct mail_page *p)
{
	size_t n = 0;
	for (unsigned w = 0; w < MAIL_PAGE_WORDS; w++) {
		uint64_t before = w ? p->bits[w - 1] >> 63 : 0;
		n += (size_t)__builtin_popcountll(p->bits[w] & ~(p->bits[w] << 1 | before));
	}
	return n;
}

static void write_uids(const struct mail_page *p, struct buf *out)
{
	size_t runs = count_runs(p);
	buf_byte(out, (uint8_t)(p->may | (runs > RUNS_MAX ? PAGE_BITMAP : 0)));
	if (runs > RUNS_MAX) {
		for (unsigned w = 0; w < MAIL_PAGE_WORDS; w++)
			buf_be64(out, p->bits[w]);
		return;
	}
	buf_varint(out, runs);
	for (unsigned at = 0, end; (at = next_bit(p, end = at, true)) < MAIL_PAGE_SIZE;) {
		buf_varint(out, at - end);
		end = next_bit(p, at, false);
		buf_varint(out, end - at - 1);
		at = end;
	}
}

static void write_directory(const struct mail_box *box, struct buf *out)
{
	uint32_t last = 0;
	size_t n = 0;
	buf_byte(out, box->listed);
	if (!box->listed)
		return;
	for (size_t i = 0; i < box->table.n; i++)
		n += box->table.pages[i].n > 0;
	buf_varint(out, n);
	for (size_t i = 0; i < box->table.n; i++) {
		const struct mail_page *p = &box->table.pages[i];
		if (!p->n)
			continue;
		buf_varint(out, p->no - last);
		write_uids(p, out);
		last = p->no;
	}
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
		write_directory(box, out);
	}
}

static enum rc read_runs(struct slice *in, struct mail_page *p)
{
	uint64_t runs, skip, more;
	unsigned at = 0;
	TRY(take_varint(in, &runs));
	for (; runs; runs--) {
		TRY(take_varint(in, &skip));
		TRY(take_varint(in, &more));
		if (skip >= MAIL_PAGE_SIZE || more >= MAIL_PAGE_SIZE ||
			at + skip + more >= MAIL_PAGE_SIZE)
			return RC_BAD;
		at += (unsigned)skip;
		for (unsigned w = 0; w < MAIL_PAGE_WORDS; w++)
			p->bits[w] |= mail_page_mask(w, at, at + (unsigned)more);
		at += (unsigned)more + 1;
	}
	return RC_OK;
}

static enum rc read_uids(struct slice *in, struct mail_page *p)
{
	uint8_t form;
	TRY(take_byte(in, &form));
	if (form & ~(PAGE_MAY | PAGE_BITMAP))
		return RC_BAD;
	p->may = form & PAGE_MAY;
	if (!(form & PAGE_BITMAP))
		return read_runs(in, p);
	for (unsigned w = 0; w < MAIL_PAGE_WORDS; w++)
		TRY(take_be64(in, &p->bits[w]));
	return RC_OK;
}

static enum rc read_directory(struct slice *in, struct mail_table *t)
{
	uint64_t pages, step, no = 0;
	TRY(take_varint(in, &pages));
	for (uint64_t i = 0; i < pages; i++) {
		TRY(take_varint(in, &step));
		no += step;
		if ((i && step == 0) || step > UINT32_MAX || no > UINT32_MAX >> MAIL_PAGE_BITS)
			return RC_BAD;
		struct mail_page *p = mail_table_page(t, (uint32_t)no << MAIL_PAGE_BITS, true);
		TRY(read_uids(in, p));
		for (unsigned w = 0; w < MAIL_PAGE_WORDS; w++)
			p->n = (uint16_t)(p->n + __builtin_popcountll(p->bits[w]));
		t->count += p->n;
	}
	return RC_OK;
}

static enum rc read_box(struct mail_account *ma, struct slice *in, uint8_t version)
{
	uint8_t listed = 0;
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
	if (version != HEADS_UNLISTED)
		TRY(take_byte(in, &listed));
	box->listed = listed == 1;
	return listed == 1 ? read_directory(in, &box->table) : listed ? RC_BAD : RC_OK;
}

static enum rc read_heads(struct mail_account *ma, struct slice in, uint64_t *claim)
{
	uint8_t version;
	uint64_t change, validity, last, n;
	TRY(take_byte(&in, &version));
	if (version != HEADS_VERSION && version != HEADS_UNLISTED)
		return RC_BAD;
	TRY(take_varint(&in, claim));
	TRY(take_varint(&in, &change));
	TRY(take_varint(&in, &validity));
	TRY(take_varint(&in, &last));
	TRY(take_varint(&in, &n));
	for (uint64_t i = 0; i < n; i++)
		TRY(read_box(ma, &in, version));
	ma->change = ma->checkpoint = change;
	ma->uid_validity_last = (uint32_t)validity;
	ma->box_last = (uint32_t)last;
	return RC_OK;
}

enum rc mail_heads_read(struct mail_account *ma, struct slice in, uint64_t *claim)
{
	return read_heads(ma, in, claim) == RC_OK ? RC_OK : RC_LOST;
}
