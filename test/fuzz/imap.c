/* imap.c: room: wire: IMAP commands with their literals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "wire/imap_args.h"
#include "wire/imap_fetch.h"
#include "wire/imap_search.h"
#include "wire/imap_utf7.h"
#include "wire/imap_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void names(struct slice in, struct arena *a)
{
	struct slice utf8, again;
	struct buf b;
	if (imap_utf7_read(in, a, &utf8) != RC_OK)
		return;
	buf_init(&b, 0, a);
	imap_utf7_write(utf8, &b);
	must(imap_utf7_read(buf_slice(&b), a, &again) == RC_OK && slice_eq(utf8, again));
	buf_init(&b, 0, a);
	imap_write_mailbox(utf8, false, &b);
	struct imap_lex x = { .rest = buf_slice(&b), .a = a };
	must(imap_lex_mailbox(&x, &again) == RC_OK && imap_lex_at_end(&x));
	must(slice_eq_nocase(utf8, again));
}

static void strings(struct slice in, struct arena *a)
{
	struct slice again;
	struct buf b;
	if (slice_find(in, 0) < in.len)
		return;
	buf_init(&b, 0, a);
	imap_write_astring(in, &b);
	struct imap_lex x = { .rest = buf_slice(&b), .a = a };
	must(imap_lex_astring(&x, &again) == RC_OK && imap_lex_at_end(&x) && slice_eq(in, again));
}

static void sets(struct imap_lex *x)
{
	struct imap_set set;
	struct ranges r = { 0 };
	if (imap_set_parse(x, &set) == RC_OK && imap_set_resolve(&set, 1000, true, &r) == RC_OK)
		must(ranges_count(&r) <= 1000);
	ranges_done(&r);
}

static void arguments(uint8_t which, struct imap_lex *x)
{
	union {
		struct imap_fetch fetch;
		struct imap_search search;
		struct imap_list list;
		struct imap_store store;
		struct imap_append append;
		struct imap_select select;
		unsigned status;
		struct slice slice;
		int64_t time;
	} u;
	struct slice *words;
	size_t n;
	switch (which % 12) {
	case 0:
		(void)imap_fetch_parse(x, &u.fetch);
		break;
	case 1:
		(void)imap_search_parse(x, &u.search);
		break;
	case 2:
		(void)imap_list_parse(x, &u.list);
		break;
	case 3:
		(void)imap_args_store(x, &u.store);
		break;
	case 4:
		(void)imap_args_append(x, &u.append);
		break;
	case 5:
		(void)imap_args_select(x, &u.select);
		break;
	case 6:
		(void)imap_args_status(x, &u.status);
		break;
	case 7:
		(void)imap_args_id(x, &words, &n);
		break;
	case 8:
		(void)imap_args_words(x, &words, &n);
		break;
	case 9:
		(void)imap_args_create(x, &u.slice);
		break;
	case 10:
		(void)imap_lex_date_time(x, &u.time);
		break;
	default:
		sets(x);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct imap_literal lit;
	if (!len)
		return 0;
	arena_init(&a, 1 << 24);
	struct imap_lex x = { .rest = slice_of(at + 1, len - 1), .a = &a };
	struct slice in = x.rest, pattern = slice_split(&in, '\n');
	arguments(at[0], &x);
	names(slice_of(at + 1, len - 1), &a);
	strings(slice_of(at + 1, len - 1), &a);
	(void)imap_literal_at_end(slice_of(at, len), &lit);
	(void)imap_list_match(pattern, in);
	arena_done(&a);
	return 0;
}
