/* object_xml.h: Answers of object stores, S3 and Azure, in XML. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_OBJECT_XML_H
#define TEXT_OBJECT_XML_H

#include "base/arena.h"

struct object_xml_upload {
	struct slice key, id;
};

/* What an answer has of these; all else is passed over. Slices are in the arena, or empty. */
struct object_xml {
	bool is_error; /* the document is an <Error>, whatever the status said */
	struct slice code, message;
	struct slice upload_id; /* of a multipart upload that begins */
	struct slice etag; /* of one that is complete */
	struct object_xml_upload *uploads; /* under way */
	size_t n;
	bool is_cut; /* there are more than these */
};

enum { OBJECT_XML_UPLOADS = 1000, OBJECT_XML_TEXT = 8192 };

/* White space before the document is passed over. RC_BAD: not well formed, or it has a document type. RC_LIMIT: no memory,
 * more than OBJECT_XML_UPLOADS uploads, or a text over OBJECT_XML_TEXT octets. */
enum rc object_xml_parse(struct slice in, struct arena *a, struct object_xml *out);

#endif
