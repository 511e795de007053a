/* mail.h: Mailboxes and messages of accounts: opening, looking, watching. Changes are in mail/change.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include "account/account.h"
#include "base/ranges.h"
#include "blob/blob.h"

/* How mail is kept (subspace 'A' id 'm', see account.h):
 *   'c' counter, 'l' log        every change is one log record: append, flags, expunge, box ...
 *   'k'                         checkpoint: heads of all mailboxes as of one change id
 *   'p' be32(box) be32(uid>>8)  a page of entries, with the change id it is true for
 *   'r' be64(mid)               the immutable record of a message (mail/record.h)
 *   'i' be64(mid) be32(box) be32(uid)   where a message is, once it was copied or moved
 *   't' be64(hash)              thread of a Message-ID
 * The log is the truth; pages and checkpoint only shorten its replay. A change therefore costs its log record,
 * whatever the size of the mailbox; STORE 1:* is one record with one range.
 *
 * [mail 1] UIDs of a box rise for ever; uid_next is part of the head and only grows.
 * [mail 2] modseq of an entry is the change id that last touched it.
 * [mail 3] A view's messages are the table's below its uid_next, and those in `gone`. */

enum mail_flag {
	MAIL_SEEN = 1,
	MAIL_ANSWERED = 2,
	MAIL_FLAGGED = 4,
	MAIL_DELETED = 8,
	MAIL_DRAFT = 16,
	MAIL_FLAGS_ALL = 31,
	MAIL_RECENT = 32, /* computed per view, never stored */
};

enum mail_use {
	MAIL_USE_NONE,
	MAIL_USE_INBOX,
	MAIL_USE_ALL,
	MAIL_USE_ARCHIVE,
	MAIL_USE_DRAFTS,
	MAIL_USE_FLAGGED,
	MAIL_USE_JUNK,
	MAIL_USE_SENT,
	MAIL_USE_TRASH
};

/* What a table knows of a message: 40 bytes. */
struct mail_entry {
	uint64_t mid;
	uint64_t modseq;
	int64_t received; /* INTERNALDATE, unix seconds */
	uint32_t uid;
	uint32_t size; /* RFC822.SIZE, octets with CRLF */
	uint32_t flags; /* enum mail_flag */
	uint32_t kwset; /* keywords: mail_keywords() */
};

struct mail_box_info {
	uint32_t id;
	uint32_t uid_validity;
	uint32_t uid_next;
	uint32_t exists;
	uint32_t unseen;
	uint32_t deleted;
	uint32_t recent;
	uint64_t bytes;
	uint64_t modseq; /* HIGHESTMODSEQ */
	enum mail_use use;
	bool subscribed;
	bool selectable; /* false: only a name with children, or only subscribed */
	bool ghost; /* deleted, and still subscribed: LSUB shows it, LIST does not */
	struct slice name; /* UTF-8, levels parted by '/'; "INBOX" in capitals */
};

struct mail; /* the room */
struct mail_account; /* an account's mail in memory, counted */

struct mail_deps {
	struct accounts *accounts;
	struct data *data;
	struct blob *blob;
	struct run *run;
	size_t cache_bytes; /* ceiling for accounts that nobody uses and for pages of tables; 0: none */
	size_t calm_bytes; /* what of that may stay while nobody comes */
};

struct mail *mail_new(const struct mail_deps *deps);
void mail_free(struct mail **mail);

/* Loads heads and recent log when not in memory (three reads of the store; declares that it blocks). Makes the
 * default mailboxes in memory when the account has none yet; the first change stores them. */
enum rc mail_open(
	struct mail *mail, uint32_t account, struct mail_account **out, struct fault *why);
void mail_close(struct mail_account **ma);
/* Gives back `bytes` at least, of accounts that nobody uses and of pages of messages, also of selected mailboxes, those first
 * that were used longest ago; returns how many octets that made: fewer when there are no more. Nothing is written: they come
 * back from the store. */
size_t mail_evict(struct mail *mail, size_t bytes);
/* Once a second, from one thread: when no account was opened and no message looked at for some seconds, calm_bytes are kept of
 * what mail_evict could give back. */
void mail_calm(struct mail *mail);
/* Another ceiling (cache_bytes). Any thread. */
void mail_cache_limit(struct mail *mail, size_t bytes);
/* Bytes that mail_evict could give back. */
size_t mail_cached(struct mail *mail);
/* How many records of each account's change log are kept: from now on, at checkpoints and by mail_tidy. */
void mail_log_keep(struct mail *mail, uint64_t most);
/* Tidies up the first account from `*account` on, which becomes the one behind it: expunged messages that were left over go,
 * and log records that are too many or were made before `since` (unix seconds); those past the checkpoint get a new one
 * first. `n` counts records. RC_MORE: go on. After a fault the next call goes on behind that account. For a background
 * job: blocks. */
enum rc mail_tidy(
	struct mail *mail, uint32_t *account, int64_t since, size_t *n, struct fault *why);
struct account *mail_account_of(struct mail_account *ma);
struct mail *mail_of(struct mail_account *ma);
/* Bytes that the account may hold; 0: any. Whoever opens it for a change sets what the directory says. */
void mail_quota_set(struct mail_account *ma, uint64_t bytes);
/* Is there room for so many more? RC_LIMIT: QUOTA. */
enum rc mail_quota_check(struct mail_account *ma, uint64_t more, struct fault *why);
/* Sum of bytes over all mailboxes, and their messages. */
uint64_t mail_bytes(struct mail_account *ma);
uint64_t mail_messages(struct mail_account *ma);

/* One box by its name (INBOX in any case) or id; names live in `a`. RC_NONE: no such box. */
enum rc mail_box_find(
	struct mail_account *ma, struct slice name, struct arena *a, struct mail_box_info *out);
enum rc mail_box_by_use(
	struct mail_account *ma, enum mail_use use, struct arena *a, struct mail_box_info *out);
/* All boxes, sorted by name, INBOX first. */
enum rc mail_box_list(
	struct mail_account *ma, struct arena *a, struct mail_box_info **out, size_t *n);

/* --- A view: one session's picture of one selected mailbox; changes show only when it syncs. --- */

struct mail_view {
	struct mail_account *ma;
	struct mail_box *box; /* NULL once the box is deleted */
	uint32_t id; /* of the box */
	struct task *task; /* woken with WAKE_EVENT on a change */
	struct mail_view *next;
	struct ranges gone; /* expunged in the table, not announced here yet */
	struct ranges changed; /* flags changed by others, not announced yet */
	uint32_t uid_next; /* messages at and past it are not shown yet */
	struct ranges recent; /* UIDs that are \Recent here */
	uint32_t exists;
	bool read_only;
	_Atomic bool dirty; /* something to announce; set by others under the account's lock */
};

/* No message is read for it; the store is only when the directory of an old checkpoint is not known. */
enum rc mail_view_open(struct mail_account *ma, uint32_t box, bool read_only, struct task *task,
	struct mail_view *v, struct fault *why);
void mail_view_close(struct mail_view *v);

struct mail_news {
	const uint32_t *
		expunged; /* sequence numbers for "* n EXPUNGE", in sending order: each counts those before it */
	size_t expunged_n;
	struct ranges flags; /* UIDs whose flags others changed; mail_news_done */
	uint32_t exists, recent;
	bool more; /* exists grew: send EXISTS (and RECENT) after the expunges */
	bool deleted; /* the mailbox itself is gone */
};
/* Takes what others changed into the view. may_expunge false: messages in `gone` keep their numbers until a sync that
 * may. RC_LIMIT: no memory for the numbers; nothing is taken. */
enum rc mail_view_sync(
	struct mail_view *v, bool may_expunge, struct arena *a, struct mail_news *news);
void mail_news_done(struct mail_news *news);
/* Takes flags back that could not be told: the next sync names those of UIDs from `from` on again. */
void mail_view_untold(struct mail_view *v, const struct ranges *flags, uint32_t from);

/* 0: not in the view. */
uint32_t mail_view_seq(struct mail_view *v, uint32_t uid);
/* 0: seq is 0 or past exists. A message in `gone` still has its number. */
uint32_t mail_view_uid(struct mail_view *v, uint32_t seq);
/* Highest UID shown, 0 for none. */
uint32_t mail_view_uid_last(struct mail_view *v);

struct mail_reading {
	uint32_t from; /* UIDs below are left out; a read moves it behind the last one it found */
	const struct ranges *uids; /* NULL: all */
	struct mail_entry *entries; /* room for `max`, as `seqs` */
	uint32_t *seqs; /* their sequence numbers */
	size_t max, n; /* n < max: there are no more */
};
/* Copies entries, expunged ones left out. MAIL_RECENT is set where it holds. Reads those pages from the store that are not in
 * memory (and may block); after a fault what was found before it is there, and `from` stands behind that. */
enum rc mail_view_read(struct mail_view *v, struct mail_reading *r, struct fault *why);
/* The first message without \Seen; 0: there is none. Reads only pages that may have one. */
enum rc mail_view_first_unseen(struct mail_view *v, uint32_t *seq, struct fault *why);
/* Sequence numbers to UIDs. `seqs` beyond exists are dropped. */
enum rc mail_view_uids(struct mail_view *v, const struct ranges *seqs, struct ranges *uids);

/* The keywords of a set: names live as long as the account is in memory. n may be 0. */
const char *const *mail_keywords(struct mail_account *ma, uint32_t kwset, size_t *n);
/* All keyword names that the account knows, in the order in which it learned them (for the FLAGS response), and how
 * many: when the number has grown, a client is to hear of the new ones before it sees them. */
enum rc mail_keywords_all(struct mail_account *ma, struct arena *a, const char ***out, size_t *n);
size_t mail_keywords_count(struct mail_account *ma);

#endif
