/* headers.c: room: mime. Any bytes are a header, an address list, a date, words, parameters, ids. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "base/utf8.h"
#include "mime/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void read_value(struct slice value, struct arena *a)
{
	struct mime_address *list;
	struct mime_params p;
	struct slice id;
	size_t n;
	int64_t unix_s;
	int zone;
	must(mime_addresses(value, a, &list, &n) == RC_OK && n <= MIME_ADDRESSES_MAX + 1);
	(void)!mime_date(value, &unix_s, &zone);
	struct slice words = mime_words(value, a);
	must(utf8_valid(words));
	must(mime_base_subject(words).len <= words.len);
	if (mime_params(value, a, &p) == RC_OK)
		must(p.n <= MIME_PARAMS_MAX && p.type.len);
	while (mime_id_next(&value, &id) == RC_OK)
		must(id.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct mime_field f;
	struct slice rest = slice_of(at, len);
	arena_init(&a, 0);
	read_value(rest, &a);
	while (mime_field_next(&rest, &f) == RC_OK) {
		must(f.name.len && f.whole.len > f.name.len);
		read_value(f.value, &a);
	}
	arena_done(&a);
	return 0;
}
