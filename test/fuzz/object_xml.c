/* object_xml.c: room: text. Answers of object stores. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "text/object_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct object_xml x;
	arena_init(&a, 1 << 20);
	if (object_xml_parse(slice_of(at, len), &a, &x) == RC_OK) {
		must(x.n <= OBJECT_XML_UPLOADS);
		must(x.code.len <= OBJECT_XML_TEXT && x.upload_id.len <= OBJECT_XML_TEXT);
		for (size_t i = 0; i < x.n; i++)
			must(x.uploads[i].key.len + x.uploads[i].id.len <= len);
	}
	arena_done(&a);
	return 0;
}
