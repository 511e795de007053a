/* cron.c: room: text. Schedules: the next time is never before, and is its own next; clocks are set at any moment. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "text/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* One change of the clock; each offset is as far from UTC as zones are. */
struct zone {
	int64_t change, before, after;
};

static int64_t offset(void *ctx, int64_t unix_s)
{
	const struct zone *z = ctx;
	return unix_s < z->change ? z->before : z->after;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct cron c;
	if (len < 8)
		return 0;
	/* from 1970 to 2106; the change within some days of it; quarters of an hour */
	int64_t from = (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
	struct zone z = { from + ((int64_t)at[4] << 8 | at[5]) * 10,
		((int64_t)at[6] % 104 - 48) * 900, ((int64_t)at[7] % 104 - 48) * 900 };
	if (cron_parse(slice_of(at + 8, len - 8), &c) != RC_OK)
		return 0;
	int64_t next = cron_next(&c, from, offset, &z);
	must(next >= from);
	must(cron_next(&c, next, offset, &z) == next);
	next = cron_next(&c, from, NULL, NULL);
	must(next >= from && next % 60 == 0);
	return 0;
}
