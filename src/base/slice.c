/* slice.c: Comparing, searching and cutting views of bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"
#include "base/must.h"
#include <limits.h>
#include <string.h>
#include <strings.h>

int slice_int(size_t len)
{
	return len > INT_MAX ? INT_MAX : (int)len;
}

struct slice slice_of(const void *at, size_t len)
{
	return (struct slice){ at, len };
}

struct slice slice_str(const char *str)
{
	return (struct slice){ (const uint8_t *)str, str ? strlen(str) : 0 };
}

bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

int slice_cmp_nocase(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	for (size_t i = 0; i < n; i++) {
		int d = lower(a.at[i]) - lower(b.at[i]);
		if (d != 0)
			return d;
	}
	return (a.len > b.len) - (a.len < b.len);
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && slice_cmp_nocase(a, b) == 0;
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int d = n ? memcmp(a.at, b.at, n) : 0;
	return d ? d : (a.len > b.len) - (a.len < b.len);
}

bool slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq(slice_head(s, prefix.len), prefix);
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq_nocase(slice_head(s, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_eq(slice_tail(s, s.len - suffix.len), suffix);
}

size_t slice_find(struct slice s, uint8_t c)
{
	const uint8_t *p = s.len ? memchr(s.at, c, s.len) : NULL;
	return p ? (size_t)(p - s.at) : s.len;
}

size_t slice_rfind(struct slice s, uint8_t c)
{
	const uint8_t *p = s.len ? memrchr(s.at, c, s.len) : NULL;
	return p ? (size_t)(p - s.at) : s.len;
}

size_t slice_search(struct slice s, struct slice what)
{
	if (what.len == 0)
		return 0;
	const uint8_t *p = s.len ? memmem(s.at, s.len, what.at, what.len) : NULL;
	return p ? (size_t)(p - s.at) : s.len;
}

struct slice slice_head(struct slice s, size_t n)
{
	return (struct slice){ s.at, n < s.len ? n : s.len };
}

struct slice slice_tail(struct slice s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return (struct slice){ s.at ? s.at + n : NULL, s.len - n };
}

struct slice slice_split(struct slice *s, uint8_t c)
{
	size_t i = slice_find(*s, c);
	struct slice first = slice_head(*s, i);
	*s = slice_tail(*s, i < s->len ? i + 1 : i);
	return first;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.at[0]))
		s = slice_tail(s, 1);
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

enum rc slice_u64(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;
	if (s.len == 0)
		return RC_BAD;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t d = (uint8_t)(s.at[i] - '0');
		if (d > 9 || n > (UINT64_MAX - d) / 10)
			return RC_BAD;
		n = n * 10 + d;
	}
	if (n > max)
		return RC_BAD;
	*out = n;
	return RC_OK;
}
