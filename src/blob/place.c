/* place.c: Calls of a place, each of which may block, from any kind of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/place.h"
#include "blob/azure.h"
#include "blob/files.h"
#include "blob/s3.h"
#include "blob/sharded.h"
#include "run/run.h"

enum rc place_open(const struct place_options *o, struct place **out, struct fault *why)
{
	switch (o->kind) {
	case PLACE_FILES:
		return files_open(o, out, why);
	case PLACE_S3:
		return s3_open(o, out, why);
	case PLACE_AZURE:
		return azure_open(o, out, why);
	case PLACE_SHARDED:
		return sharded_open(o, out, why);
	}
	return fault_set(why, FAULT_INTERNAL, "no such kind of place");
}

void place_close(struct place **p)
{
	if (*p)
		(*p)->engine->close(*p);
	*p = NULL;
}

enum rc place_put(struct place *p, const struct place_name *name, const struct place_bytes *bytes,
	struct fault *why)
{
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = p->engine->put(p, name, bytes, why);
	run_block_end();
	return rc;
}

enum rc place_begin(
	struct place *p, const struct place_name *name, struct place_write **out, struct fault *why)
{
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = p->engine->begin(p, name, out, why);
	run_block_end();
	return rc;
}

enum rc place_add(struct place_write *w, const struct place_bytes *bytes, struct fault *why)
{
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = w->place->engine->add(w, bytes, why);
	run_block_end();
	return rc;
}

enum rc place_end(struct place_write *w, const struct place_name *name, struct fault *why)
{
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = w->place->engine->end(w, name, why);
	run_block_end();
	return rc;
}

void place_drop(struct place_write **w)
{
	if (!*w)
		return;
	run_block_begin(RUN_STORE_BLOB);
	(*w)->place->engine->drop(*w);
	run_block_end();
	*w = NULL;
}

enum rc place_get(struct place *p, const struct place_name *name, const struct place_range *range,
	struct arena *a, struct slice *out, struct fault *why)
{
	if (p->is_far)
		run_block_begin(RUN_STORE_BLOB);
	enum rc rc = p->engine->get(p, name, range, a, out, why);
	if (p->is_far)
		run_block_end();
	return rc;
}

enum rc place_table(struct place *p, const struct place_name *name, struct arena *a,
	struct slice *out, struct fault *why)
{
	if (!p->engine->table)
		return RC_NONE;
	if (p->is_far)
		run_block_begin(RUN_STORE_BLOB);
	enum rc rc = p->engine->table(p, name, a, out, why);
	if (p->is_far)
		run_block_end();
	return rc;
}

enum rc place_remove(struct place *p, const struct place_name *name, bool parts, struct fault *why)
{
	run_block_begin(RUN_STORE_BLOB);
	enum rc rc = p->engine->remove(p, name, parts, why);
	run_block_end();
	return rc;
}
