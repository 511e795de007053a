/* toml.c: room: text: TOML documents; what is accepted is walked, what is refused has a line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "text/json_read.h"
#include "text/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static size_t count(const struct toml_item *item, unsigned depth)
{
	size_t n = 1;
	for (const struct toml_item *i = item->first; depth && i; i = i->next) {
		if (item->type == TOML_TABLE)
			must(toml_get(item, i->key) == i);
		n += count(i, depth - 1);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct toml_item *root;
	const struct json_item *top;
	struct fault why = { 0 };
	unsigned line = 0;
	arena_init(&a, 64 << 20);
	if (toml_parse(slice_of(at, len), &a, &root, &line, &why) == RC_OK)
		must(count(root, 200) > 0);
	else
		must(why.detail[0] != 0);
	(void)!json_read(slice_of(at, len), 32, &a, &top, &why);
	arena_done(&a);
	return 0;
}
