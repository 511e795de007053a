/* memcached.c: The meta protocol's lines. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/memcached.h"
#include "base/must.h"

enum { LINE_MAX_LEN = 2048, RELATIVE_MAX_S = 30 * 24 * 3600 };

static void base64(struct buf *out, struct slice s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		uint32_t bits = (uint32_t)s.at[i] << 16;
		bits |= n > 1 ? (uint32_t)s.at[i + 1] << 8 : 0;
		bits |= n > 2 ? s.at[i + 2] : 0;
		for (size_t d = 0; d < 4; d++)
			buf_byte(out, d <= n ? (uint8_t)digits[bits >> (18 - 6 * d) & 63] : '=');
	}
}

static void begin(struct buf *out, const char *command, struct slice key)
{
	must(key.len > 0 && key.len <= MEMCACHED_KEY_MAX);
	buf_str(out, command);
	buf_byte(out, ' ');
	base64(out, key);
}

void memcached_get(struct buf *out, struct slice key)
{
	begin(out, "mg", key);
	buf_str(out, " b v c\r\n");
}

void memcached_set(struct buf *out, const struct memcached_put *put)
{
	/* more than 30 days would be taken for a date: who asks for more lets it live as long as there is room */
	uint64_t ttl = put->ttl_s > RELATIVE_MAX_S ? 0 : put->ttl_s;
	begin(out, "ms", put->key);
	buf_fmt(out, " %zu b T%llu", put->value.len, (unsigned long long)ttl);
	if (put->cas)
		buf_fmt(out, " C%llu", (unsigned long long)put->cas);
	buf_str(out, put->is_add ? " ME\r\n" : "\r\n");
	buf_add(out, put->value);
	buf_str(out, "\r\n");
}

void memcached_delete(struct buf *out, struct slice key, uint64_t cas)
{
	begin(out, "md", key);
	buf_str(out, " b");
	if (cas)
		buf_fmt(out, " C%llu", (unsigned long long)cas);
	buf_str(out, "\r\n");
}

static enum memcached_code code_of(struct slice word)
{
	static const struct {
		struct slice word;
		enum memcached_code code;
	} codes[] = { { S("HD"), MEMCACHED_HD }, { S("VA"), MEMCACHED_VA },
		{ S("EN"), MEMCACHED_EN }, { S("NF"), MEMCACHED_NF }, { S("NS"), MEMCACHED_NS },
		{ S("EX"), MEMCACHED_EX }, { S("MN"), MEMCACHED_MN } };
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (slice_eq(codes[i].word, word))
			return codes[i].code;
	}
	return MEMCACHED_ERROR;
}

static bool is_error(struct slice line)
{
	return slice_eq(line, S("ERROR")) || slice_starts(line, S("CLIENT_ERROR")) ||
	       slice_starts(line, S("SERVER_ERROR"));
}

static enum rc flags(struct slice all, uint64_t *cas)
{
	*cas = 0;
	while (all.len) {
		struct slice flag = slice_split(&all, ' ');
		if (flag.len && flag.at[0] == 'c')
			TRY(slice_u64(slice_tail(flag, 1), UINT64_MAX, cas));
	}
	return RC_OK;
}

enum rc memcached_parse(struct slice *in, size_t limit, struct memcached_reply *out)
{
	size_t end = slice_find(*in, '\n');
	uint64_t len = 0;
	if (end == in->len)
		return end > LINE_MAX_LEN ? RC_BAD : RC_MORE;
	if (end == 0 || in->at[end - 1] != '\r' || end > LINE_MAX_LEN)
		return RC_BAD;
	struct slice line = slice_head(*in, end - 1), rest = line, tail = slice_tail(*in, end + 1);
	struct memcached_reply r = { .code = code_of(slice_split(&rest, ' ')), .text = rest };
	if (r.code == MEMCACHED_ERROR) {
		r.text = line;
		if (!is_error(line))
			return RC_BAD;
	} else if (r.code == MEMCACHED_VA) {
		TRY(slice_u64(slice_split(&r.text, ' '), UINT32_MAX, &len));
		if (len > limit)
			return RC_LIMIT;
		if (tail.len < len + 2)
			return RC_MORE;
		if (tail.at[len] != '\r' || tail.at[len + 1] != '\n')
			return RC_BAD;
		r.value = slice_head(tail, (size_t)len);
		tail = slice_tail(tail, (size_t)len + 2);
	}
	if (r.code != MEMCACHED_ERROR)
		TRY(flags(r.text, &r.cas));
	*out = r;
	*in = tail;
	return RC_OK;
}
