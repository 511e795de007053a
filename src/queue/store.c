/* store.c: Queue records as bytes. Version 1 has no server and no told; 1 and 2 know no accounts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/dsn.h"
#include "queue/queue_int.h"

enum { VERSION = 3, RCPTS_MAX = 100000 };

void queue_key(struct buf *key, uint64_t id)
{
	buf_str(key, "Qm");
	buf_be64(key, id);
}

void queue_due_key(struct buf *key, struct due place)
{
	buf_str(key, "Qd");
	buf_be64(key, (uint64_t)place.at);
	buf_be64(key, place.id);
}

struct slice queue_to(const struct queue *q, const struct queue_message *m)
{
	const struct queue_terms *terms = terms_now(q);
	for (size_t i = 0; i < m->rcpts_n; i++)
		if (m->rcpts[i].state == QUEUE_WAITING && m->rcpts[i].account)
			return S(" local"); /* no domain has a blank */
		else if (m->rcpts[i].state == QUEUE_WAITING)
			return route_is_relay(terms) ? slice_str(terms->relay_host)
						     : queue_domain(m->rcpts[i].address);
	return S("");
}

struct slice queue_domain(struct slice address)
{
	return slice_tail(address, slice_rfind(address, '@') + 1);
}

void queue_write(const struct queue_message *m, struct buf *out)
{
	buf_byte(out, VERSION);
	buf_byte(out, (uint8_t)(m->ret_headers | m->smtputf8 << 1 | m->body_8bit << 2 |
				m->paused << 3 | m->ret_full << 4));
	buf_add(out, slice_of(m->blob.hash, sizeof(m->blob.hash)));
	buf_varint(out, m->blob.size);
	buf_varint(out, m->skip);
	buf_be64(out, (uint64_t)m->made);
	buf_be64(out, (uint64_t)m->due);
	buf_vslice(out, m->trace);
	buf_vslice(out, m->sender);
	buf_vslice(out, m->envid);
	buf_varint(out, m->rcpts_n);
	for (size_t i = 0; i < m->rcpts_n; i++) {
		const struct queue_rcpt *r = &m->rcpts[i];
		buf_vslice(out, r->address);
		buf_varint(out, r->account);
		buf_vslice(out, r->orcpt);
		buf_byte(out, (uint8_t)r->notify);
		buf_byte(out, (uint8_t)((unsigned)r->state | (unsigned)r->how << 2 |
					(unsigned)r->delayed_told << 4 | (unsigned)r->told << 5));
		buf_varint(out, r->tries);
		buf_vslice(out, r->server);
		buf_vslice(out, r->answer);
	}
}

static enum rc read_rcpt(struct slice *in, uint8_t version, struct queue_rcpt *r)
{
	uint8_t notify, state;
	uint64_t tries, account = 0;
	TRY(take_vslice(in, &r->address));
	if (version >= 3)
		TRY(take_varint(in, &account));
	TRY(take_vslice(in, &r->orcpt));
	TRY(take_byte(in, &notify));
	TRY(take_byte(in, &state));
	TRY(take_varint(in, &tries));
	r->account = (uint32_t)account;
	r->notify = notify;
	r->state = (state & 3) <= QUEUE_FAILED ? (enum queue_state)(state & 3) : QUEUE_FAILED;
	r->how = (enum queue_how)(state >> 2 & 3);
	r->delayed_told = state & 16;
	r->told =
		version == 1 ? r->state != QUEUE_WAITING : state & 32; /* it told before it wrote */
	r->tries = (uint32_t)tries;
	r->server = S("");
	if (version >= 2)
		TRY(take_vslice(in, &r->server));
	return take_vslice(in, &r->answer);
}

static enum rc read_all(struct slice in, struct arena *a, struct queue_message *m)
{
	uint8_t version, bits;
	uint64_t made, due, n;
	struct slice hash;
	TRY(take_byte(&in, &version));
	TRY(take_byte(&in, &bits));
	TRY(take_bytes(&in, sizeof(m->blob.hash), &hash));
	TRY(take_varint(&in, &m->blob.size));
	TRY(take_varint(&in, &m->skip));
	TRY(take_be64(&in, &made));
	TRY(take_be64(&in, &due));
	TRY(take_vslice(&in, &m->trace));
	TRY(take_vslice(&in, &m->sender));
	TRY(take_vslice(&in, &m->envid));
	TRY(take_varint(&in, &n));
	if (version == 0 || version > VERSION || n > RCPTS_MAX)
		return RC_BAD;
	memcpy(m->blob.hash, hash.at, hash.len);
	m->ret_headers = bits & 1;
	m->smtputf8 = bits & 2;
	m->body_8bit = bits & 4;
	m->paused = bits & 8;
	m->ret_full = bits & 16;
	m->made = (int64_t)made;
	m->due = (int64_t)due;
	m->rcpts = arena_try_array(a, (size_t)n + 1, sizeof(*m->rcpts));
	if (!m->rcpts)
		return RC_LIMIT;
	for (m->rcpts_n = 0; m->rcpts_n < n; m->rcpts_n++)
		TRY(read_rcpt(&in, version, &m->rcpts[m->rcpts_n]));
	return RC_OK;
}

enum rc queue_read(struct slice in, uint64_t id, struct arena *a, struct queue_message *out)
{
	struct queue_message m = { .id = id };
	if (read_all(in, a, &m) != RC_OK)
		return RC_LOST;
	m.filed = m.paused ? 0 : m.due;
	*out = m;
	return RC_OK;
}

enum rc queue_load(
	struct queue *q, uint64_t id, struct arena *a, struct queue_message *out, struct fault *why)
{
	struct buf key;
	struct slice value;
	buf_init(&key, 0, a);
	queue_key(&key, id);
	enum rc rc = data_get(q->deps.data, DATA_MAIN, buf_slice(&key), a, &value, why);
	if (rc == RC_NONE)
		return fault_set(why, FAULT_NOT_FOUND, "no such message in the queue");
	TRY(rc);
	if (queue_read(value, id, a, out) != RC_OK)
		return fault_set(why, FAULT_DAMAGED, "the queue's record is damaged");
	return RC_OK;
}

bool queue_finished(const struct queue_message *m)
{
	for (size_t i = 0; i < m->rcpts_n; i++)
		if (m->rcpts[i].state == QUEUE_WAITING || dsn_owes(m, &m->rcpts[i]))
			return false;
	return true;
}

static void unfile(struct data_batch *b, const struct queue_message *m)
{
	struct buf key;
	buf_init(&key, 0, b->arena);
	queue_due_key(&key, (struct due){ m->filed, m->id });
	data_delete(b, DATA_MAIN, buf_slice(&key));
}

static void file(struct queue *q, struct data_batch *b, const struct queue_message *m)
{
	struct buf key;
	buf_init(&key, 0, b->arena);
	queue_due_key(&key, (struct due){ m->due, m->id });
	data_put(b, DATA_MAIN, buf_slice(&key), queue_to(q, m));
}

void queue_note(struct data_batch *b, const struct queue_message *m)
{
	struct buf key, value;
	buf_init(&key, 0, b->arena);
	buf_init(&value, 0, b->arena);
	queue_key(&key, m->id);
	queue_write(m, &value);
	data_put(b, DATA_MAIN, buf_slice(&key), buf_slice(&value));
}

struct slice queue_save(struct queue *q, struct data_batch *b, const struct queue_message *m)
{
	struct buf key, value;
	bool gone = queue_finished(m);
	buf_init(&key, 0, b->arena);
	buf_init(&value, 0, b->arena);
	queue_key(&key, m->id);
	if (m->filed && (gone || m->paused || m->filed != m->due))
		unfile(b, m);
	if (gone) {
		data_delete(b, DATA_MAIN, buf_slice(&key));
		blob_unlink(b, &m->blob, 0, 'Q', m->id);
		data_add(b, DATA_MAIN, S("Qn"), -1);
		return S("");
	}
	queue_write(m, &value);
	data_put(b, DATA_MAIN, buf_slice(&key), buf_slice(&value));
	if (!m->paused && m->filed != m->due)
		file(q, b, m);
	return buf_slice(&value);
}
