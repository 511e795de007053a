/* object_xml.c: Answers of object stores, by expat. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/object_xml.h"
#include "base/buf.h"
#include "base/mem.h"
#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 16, NAME_MAX_LEN = 40, FIRST_UPLOADS = 16 };

struct reading {
	XML_Parser parser;
	struct arena *a;
	struct object_xml *out;
	unsigned depth;
	char names[DEPTH_MAX][NAME_MAX_LEN]; /* of the elements that are open */
	struct buf text; /* of the innermost one */
	size_t cap; /* of the uploads */
	enum rc rc;
};

static void *take(size_t n)
{
	return mem_try(MEM_OTHER, n);
}

static void *grow(void *old, size_t n)
{
	return mem_grow(MEM_OTHER, old, n);
}

static void give(void *p)
{
	mem_free(MEM_OTHER, p);
}

static void stop(struct reading *r, enum rc rc)
{
	if (r->rc == RC_OK)
		r->rc = rc;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static void doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public,
	int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(ctx, RC_BAD);
}

/* "Name", or "prefix:Name". */
static const char *local(const XML_Char *name)
{
	const char *colon = strrchr(name, ':');
	return colon ? colon + 1 : name;
}

static void add_upload(struct reading *r)
{
	struct object_xml *o = r->out;
	if (o->n == OBJECT_XML_UPLOADS) {
		stop(r, RC_LIMIT);
		return;
	}
	if (o->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : FIRST_UPLOADS;
		struct object_xml_upload *more = arena_try_array(r->a, cap, sizeof(*more));
		if (!more) {
			stop(r, RC_LIMIT);
			return;
		}
		if (o->n)
			memcpy(more, o->uploads, o->n * sizeof(*more));
		o->uploads = more;
		r->cap = cap;
	}
	o->uploads[o->n++] = (struct object_xml_upload){ 0 };
}

static void opened(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = ctx;
	(void)attributes;
	if (r->depth == DEPTH_MAX) {
		stop(r, RC_BAD);
		return;
	}
	/* a longer name is none that we know, cut or not */
	(void)snprintf(r->names[r->depth], NAME_MAX_LEN, "%s", local(name));
	if (r->depth == 0)
		r->out->is_error = strcmp(r->names[0], "Error") == 0;
	if (r->depth == 1 && strcmp(r->names[1], "Upload") == 0)
		add_upload(r);
	r->depth++;
	buf_reset(&r->text);
}

static void characters(void *ctx, const XML_Char *at, int len)
{
	struct reading *r = ctx;
	buf_add(&r->text, slice_of(at, (size_t)len));
	if (r->text.over)
		stop(r, RC_LIMIT);
}

/* Where the text of an element goes; NULL: nowhere. */
static struct slice *place_of(struct reading *r, const char *name)
{
	struct object_xml *o = r->out;
	if (r->depth == 3 && o->n && strcmp(r->names[1], "Upload") == 0) {
		struct object_xml_upload *u = &o->uploads[o->n - 1];
		return strcmp(name, "Key") == 0        ? &u->key
		       : strcmp(name, "UploadId") == 0 ? &u->id
						       : NULL;
	}
	if (r->depth != 2)
		return NULL;
	if (strcmp(name, "Code") == 0)
		return &o->code;
	if (strcmp(name, "Message") == 0)
		return &o->message;
	if (strcmp(name, "UploadId") == 0)
		return &o->upload_id;
	return strcmp(name, "ETag") == 0 ? &o->etag : NULL;
}

static void closed(void *ctx, const XML_Char *name)
{
	struct reading *r = ctx;
	struct slice text = slice_trim(buf_slice(&r->text));
	struct slice *to = place_of(r, local(name));
	if (to && arena_copy(r->a, text, to) != RC_OK)
		stop(r, RC_LIMIT);
	if (r->depth == 2 && strcmp(local(name), "IsTruncated") == 0)
		r->out->is_cut = slice_eq(text, S("true"));
	r->depth--;
	buf_reset(&r->text);
}

enum rc object_xml_parse(struct slice in, struct arena *a, struct object_xml *out)
{
	static const XML_Memory_Handling_Suite memory = { take, grow, give };
	struct reading r = { .a = a, .out = out };
	*out = (struct object_xml){ 0 };
	in = slice_trim(in);
	if (in.len > INT_MAX)
		return RC_LIMIT;
	r.parser = XML_ParserCreate_MM(NULL, &memory, NULL);
	if (!r.parser)
		return RC_LIMIT;
	buf_init(&r.text, OBJECT_XML_TEXT, NULL);
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, opened, closed);
	XML_SetCharacterDataHandler(r.parser, characters);
	XML_SetStartDoctypeDeclHandler(r.parser, doctype);
	enum XML_Status status = XML_Parse(r.parser, (const char *)in.at, (int)in.len, XML_TRUE);
	if (status != XML_STATUS_OK && r.rc == RC_OK)
		r.rc = XML_GetErrorCode(r.parser) == XML_ERROR_NO_MEMORY ? RC_LIMIT : RC_BAD;
	XML_ParserFree(r.parser);
	buf_done(&r.text);
	return r.rc;
}
