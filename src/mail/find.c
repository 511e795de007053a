/* find.c: Looking for words in bytes as they lie: sixteen places at a time, by first and last octet. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/find.h"
#include <string.h>

enum { WIDTH = 16 };
typedef uint8_t lanes __attribute__((vector_size(WIDTH)));

static bool is_letter(uint8_t lower)
{
	return lower >= 'a' && lower <= 'z';
}

/* One octet of what is looked for: x | bit == value exactly when x is the octet in either case. */
struct wanted {
	lanes bit, value;
};

static struct wanted want(uint8_t lower)
{
	struct wanted w;
	memset(&w.bit, is_letter(lower) ? 0x20 : 0, sizeof(w.bit));
	memset(&w.value, lower, sizeof(w.value));
	return w;
}

static lanes equal(const uint8_t *at, const struct wanted *w)
{
	lanes x;
	memcpy(&x, at, sizeof(x));
	return (lanes)((x | w->bit) == w->value);
}

static bool any(lanes hits)
{
	uint64_t half[2];
	memcpy(half, &hits, sizeof(half));
	return (half[0] | half[1]) != 0;
}

static bool same(const uint8_t *at, struct slice lower)
{
	for (size_t i = 0; i < lower.len; i++) {
		uint8_t c = at[i];
		if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != lower.at[i])
			return false;
	}
	return true;
}

size_t find_text(struct slice in, struct slice lower)
{
	if (lower.len == 0 || lower.len > in.len)
		return lower.len ? in.len : 0;
	size_t last = lower.len - 1, i = 0, end = in.len - last;
	struct wanted first_w = want(lower.at[0]), last_w = want(lower.at[last]);
	for (; i + WIDTH <= end; i += WIDTH) {
		lanes hits = equal(in.at + i, &first_w) & equal(in.at + i + last, &last_w);
		if (!any(hits))
			continue;
		for (size_t j = 0; j < WIDTH; j++)
			if (hits[j] && same(in.at + i + j, lower))
				return i + j;
	}
	for (; i < end; i++)
		if (same(in.at + i, lower))
			return i;
	return in.len;
}

bool find_is_ascii(struct slice s)
{
	lanes seen = { 0 };
	uint8_t rest = 0;
	size_t i = 0;
	for (; i + WIDTH <= s.len; i += WIDTH) {
		lanes x;
		memcpy(&x, s.at + i, sizeof(x));
		seen |= x;
	}
	for (; i < s.len; i++)
		rest |= s.at[i];
	for (size_t j = 0; j < WIDTH; j++)
		rest |= seen[j];
	return rest < 128;
}
