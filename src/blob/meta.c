/* meta.c: The keys of content, and what is known of one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_int.h"

enum { META_FIRST = 1, META_VERSION = 2 };

struct slice meta_key(struct arena *a, uint8_t what, const struct blob_ref *ref)
{
	struct buf key;
	buf_init(&key, 0, a);
	buf_byte(&key, 'B');
	buf_byte(&key, what);
	buf_add(&key, slice_of(ref->hash, sizeof(ref->hash)));
	return buf_slice(&key);
}

struct slice meta_key_upload(struct arena *a, uint64_t upload)
{
	struct buf key;
	buf_init(&key, 0, a);
	buf_byte(&key, 'B');
	buf_byte(&key, 'p');
	buf_be64(&key, upload);
	return buf_slice(&key);
}

struct slice meta_key_frame(
	struct arena *a, const struct blob_ref *ref, uint64_t upload, uint32_t frame)
{
	struct buf key;
	buf_init(&key, 0, a);
	if (upload)
		buf_be64(&key, upload);
	else
		buf_add(&key, slice_of(ref->hash, sizeof(ref->hash)));
	buf_be32(&key, frame);
	return buf_slice(&key);
}

struct slice meta_write(struct arena *a, const struct blob_meta *m)
{
	struct buf v;
	buf_init(&v, 0, a);
	buf_byte(&v, META_VERSION);
	buf_varint(&v, m->size);
	buf_varint(&v, m->touch);
	buf_varint(&v, m->upload);
	buf_byte(&v, (uint8_t)m->where);
	buf_varint(&v, (uint64_t)m->born);
	buf_add(&v, m->lens);
	return buf_slice(&v);
}

enum rc meta_read(const struct blob *blob, struct slice v, struct blob_meta *m)
{
	uint8_t version, where = blob->place ? META_IN_PLACE : META_IN_DATA;
	uint64_t born = 0;
	TRY(take_byte(&v, &version));
	if (version != META_FIRST && version != META_VERSION)
		return RC_BAD;
	TRY(take_varint(&v, &m->size));
	TRY(take_varint(&v, &m->touch));
	TRY(take_varint(&v, &m->upload));
	if (version != META_FIRST) {
		TRY(take_byte(&v, &where));
		TRY(take_varint(&v, &born));
	}
	m->where = where;
	m->born = (int64_t)born;
	m->lens = v;
	return RC_OK;
}

enum rc meta_get(struct blob *blob, const struct blob_ref *ref, struct arena *a,
	struct slice *value, struct blob_meta *m, struct fault *why)
{
	TRY(data_get(blob->data, DATA_MAIN, meta_key(a, 'm', ref), a, value, why));
	if (meta_read(blob, *value, m) != RC_OK)
		return fault_set(why, FAULT_DAMAGED, "the figures of a content are damaged");
	return RC_OK;
}

enum rc meta_add(struct blob *blob, struct data_batch *b, const struct blob_ref *ref,
	const struct blob_meta *fresh, bool *there, struct fault *why)
{
	struct slice key = meta_key(b->arena, 'm', ref), value;
	struct blob_meta m;
	enum rc rc = meta_get(blob, ref, b->arena, &value, &m, why);
	if (rc != RC_OK && rc != RC_NONE && rc != RC_LOST)
		return rc;
	*there = rc == RC_OK && m.size == ref->size;
	if (!*there) {
		m = *fresh;
		m.size = ref->size;
		m.touch = 0;
	}
	m.touch++;
	if (rc == RC_NONE)
		data_assert_absent(b, DATA_MAIN, key);
	else
		data_assert(b, DATA_MAIN, key, value); /* a damaged one is written anew */
	data_put(b, DATA_MAIN, key, meta_write(b->arena, &m));
	return RC_OK;
}

void meta_name(const struct blob_ref *ref, const struct blob_meta *m, struct place_name *out)
{
	*out = (struct place_name){
		.upload = m->upload, .born = m->born, .is_cold = m->where == META_IN_COLD
	};
	memcpy(out->hash, ref->hash, sizeof(out->hash));
}

enum rc meta_place(struct blob *blob, enum meta_where where, struct place **out, struct fault *why)
{
	*out = where == META_IN_PLACE ? blob->place : where == META_IN_COLD ? blob->cold : NULL;
	if (!*out)
		return fault_set(why, FAULT_STORE,
			"a content lies in a store that [storage] blob does not name");
	return RC_OK;
}
