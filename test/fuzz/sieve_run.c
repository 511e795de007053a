/* sieve_run.c: room: filter. A script and a message, cut apart by a line "--- message": compiled, run, shown as JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "base/utf8.h"
#include "filter/probe.h"
#include "sieve/sieve.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static const char facts[] =
	"{\"envelope\":{\"from\":\"a@example.com\",\"to\":\"b+c@example.org\"},\"now\":1764144000,"
	"\"mailboxes\":[\"INBOX\",\"a\"],\"seen\":[\"<1@x>\"],\"spam\":40,\"virus\":3,"
	"\"lists\":{\"l\":[\"a@example.com\"]},\"environment\":{\"domain\":\"example.org\"},"
	"\"scripts\":{\"a\":\"require \\\"include\\\"; include \\\"b\\\";\",\"b\":\"return; "
	"keep;\","
	"\"self\":\"require \\\"include\\\"; include \\\"self\\\";\"}}";

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct arena a;
	struct buf out;
	struct json j;
	const struct json_item *told;
	struct slice all = slice_of(at, len), mark = S("\n--- message\n");
	size_t cut = slice_search(all, mark);
	arena_init(&a, 64 << 20);
	buf_init(&out, 0, NULL);
	json_init(&j, &out);
	must(json_read(slice_str(facts), 8, &a, &told, NULL) == RC_OK);
	json_object(&j, NULL);
	enum rc rc = filter_probe(
		slice_head(all, cut), slice_tail(all, cut + mark.len), told, 0, &a, &j);
	must(rc == RC_OK || rc == RC_LIMIT);
	if (rc == RC_OK) {
		json_end(&j);
		must(utf8_valid(buf_slice(&out)));
	}
	buf_done(&out);
	arena_done(&a);
	return 0;
}
