/* body.c: The body of a message while it arrives: in memory when small, in a file without a name when large. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/mem.h"
#include "base/must.h"
#include "post/post_int.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SMALL_MAX = 512 * 1024, GATHER_MAX = 256 * 1024 };

static enum rc disk_fault(struct fault *why)
{
	int e = errno;
	bool full = fault_is_full(e);
	event_log(full ? EVENT_STORE_FULL : EVENT_STORE_FAILED, f_str("path", "spool"),
		f_str("why", strerror(e)));
	return full ? fault_set(why, FAULT_STORE_FULL, "%s", "")
		    : fault_set(why, FAULT_STORE, "the spool folder: %s", strerror(e));
}

static enum rc write_all(int fd, struct slice bytes, struct fault *why)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.at, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return disk_fault(why);
		bytes = slice_tail(bytes, (size_t)n);
	}
	return RC_OK;
}

/* Lines gather before they are written: one call to the kernel for many. */
static enum rc flush(struct post_mail *m, struct fault *why)
{
	if (m->spool < 0 || m->small.len == 0)
		return RC_OK;
	TRY(write_all(m->spool, buf_slice(&m->small), why));
	buf_reset(&m->small);
	return RC_OK;
}

static enum rc spill(struct post_mail *m, struct fault *why)
{
	m->spool = open(m->post->deps.spool, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (m->spool < 0)
		return disk_fault(why);
	return flush(m, why);
}

static enum rc put(struct post_mail *m, struct slice bytes, struct fault *why)
{
	if (!m->local && m->post->deps.size_max && m->size + bytes.len > m->post->deps.size_max)
		return fault_set(why, FAULT_MESSAGE_TOO_BIG, "%s", "");
	if (m->spool < 0 && m->size + bytes.len > SMALL_MAX)
		TRY(spill(m, why));
	buf_add(&m->small, bytes);
	if (m->small.over)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	m->size += bytes.len;
	return m->small.len >= GATHER_MAX ? flush(m, why) : RC_OK;
}

/* A CR or LF alone (RFC 5321 2.3.8): where chunks have a length it hides no command, but passed on by DATA it could. */
static bool is_bare(struct post_mail *m, struct slice in)
{
	bool cr = m->after_cr;
	while (in.len) {
		if (cr && in.at[0] != '\n')
			return true;
		in = slice_tail(in, cr ? 1 : 0);
		size_t next = slice_find(in, '\r');
		if (slice_find(slice_head(in, next), '\n') < next)
			return true;
		cr = next < in.len;
		in = slice_tail(in, cr ? next + 1 : next);
	}
	m->after_cr = cr;
	return false;
}

enum rc post_write(struct post_mail *m, struct slice bytes, struct fault *why)
{
	if (m->refused)
		return fault_set(why, FAULT_MEMORY, "%s", ""); /* or what was said before */
	enum rc rc = put(m, bytes, why);
	if (rc == RC_OK && !m->env.body_binary && !m->src->is_own && is_bare(m, bytes))
		rc = fault_set(why, FAULT_BARE_NEWLINE, "%s", "");
	m->refused = rc != RC_OK;
	return rc;
}

static enum rc map(struct post_mail *m, struct fault *why)
{
	if (m->mapped.at || m->spool < 0)
		return RC_OK;
	TRY(flush(m, why));
	buf_done(&m->small);
	void *at = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, m->spool, 0);
	if (at == MAP_FAILED)
		return disk_fault(why);
	m->mapped = slice_of(at, m->size);
	return RC_OK;
}

struct slice post_body(struct post_mail *m)
{
	if (m->spool >= 0 && map(m, NULL) != RC_OK)
		return S("");
	return m->spool >= 0 ? m->mapped : buf_slice(&m->small);
}

/* The head goes in front: a small body moves up in its own buffer, a spooled one is written anew behind its head. */
static enum rc join_small(struct post_mail *m, struct fault *why)
{
	struct buf *b = &m->small;
	size_t body = b->len;
	b->limit = 0;
	if (!buf_room(b, m->head.len))
		return fault_set(why, FAULT_MEMORY, "%s", "");
	memmove(b->at + m->head.len, b->at, body);
	memcpy(b->at, m->head.at, m->head.len);
	buf_added(b, m->head.len);
	m->whole = buf_slice(b);
	return RC_OK;
}

static enum rc join_spooled(struct post_mail *m, struct fault *why)
{
	int body = m->spool;
	struct slice old = m->mapped;
	m->mapped = S("");
	m->mapped.at = NULL;
	m->spool = open(m->post->deps.spool, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	enum rc rc = m->spool < 0 ? disk_fault(why) : write_all(m->spool, buf_slice(&m->head), why);
	loff_t from = 0;
	size_t left = m->size;
	while (rc == RC_OK && left) {
		ssize_t n = copy_file_range(body, &from, m->spool, NULL, left, 0);
		if (n > 0)
			left -= (size_t)n;
		else if (n < 0 && errno != EINTR)
			rc = disk_fault(why);
	}
	if (old.at)
		munmap((void *)(uintptr_t)old.at, old.len);
	close(body);
	TRY(rc);
	m->size += m->head.len;
	TRY(map(m, why));
	m->whole = m->mapped;
	return RC_OK;
}

enum rc post_body_whole(struct post_mail *m, struct fault *why)
{
	must(m->whole.at == NULL);
	TRY(flush(m, why));
	return m->spool >= 0 ? join_spooled(m, why) : join_small(m, why);
}

void post_body_drop(struct post_mail *m)
{
	if (m->mapped.at)
		munmap((void *)(uintptr_t)m->mapped.at, m->mapped.len);
	if (m->spool >= 0)
		close(m->spool);
	m->mapped = (struct slice){ 0 };
	m->spool = -1;
	buf_done(&m->small);
	buf_done(&m->head);
}
