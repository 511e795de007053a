/* value.c: Sizes, durations, rates, choices, lists: from text to typed members. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf_int.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* A number, perhaps with a fraction, and a unit. RC_BAD: neither; RC_LIMIT: over 64 bits. */
static enum rc with_unit(struct slice text, const struct unit *units, size_t n, uint64_t *out)
{
	uint64_t whole = 0, part = 0, scale = 1;
	size_t i = 0;
	for (; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
		if (whole > UINT64_MAX / 20)
			return RC_LIMIT;
		whole = whole * 10 + (uint64_t)(text.at[i] - '0');
	}
	if (i == 0)
		return RC_BAD;
	if (i + 1 < text.len && text.at[i] == '.') {
		for (i++; i < text.len && text.at[i] >= '0' && text.at[i] <= '9' && scale < 1000000;
			i++) {
			part = part * 10 + (uint64_t)(text.at[i] - '0');
			scale *= 10;
		}
	}
	struct slice name = slice_trim(slice_tail(text, i));
	for (size_t u = 0; u < n; u++) {
		if (!slice_eq_nocase(name, slice_str(units[u].name)))
			continue;
		if (whole > UINT64_MAX / 2 / units[u].factor)
			return RC_LIMIT;
		*out = whole * units[u].factor + part * units[u].factor / scale;
		return RC_OK;
	}
	return RC_BAD;
}

static enum rc size_of(struct slice text, uint64_t *out)
{
	static const struct unit units[] = { { "", 1 }, { "b", 1 }, { "k", 1 << 10 },
		{ "kb", 1 << 10 }, { "kib", 1 << 10 }, { "m", 1 << 20 }, { "mb", 1 << 20 },
		{ "mib", 1 << 20 }, { "g", 1 << 30 }, { "gb", 1 << 30 }, { "gib", 1 << 30 },
		{ "t", 1ull << 40 }, { "tb", 1ull << 40 }, { "tib", 1ull << 40 } };
	return with_unit(text, units, sizeof(units) / sizeof(units[0]), out);
}

static enum rc ms_of(struct slice text, uint64_t *out)
{
	static const struct unit units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "min", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { "w", 604800000 } };
	if (slice_eq(text, S("0"))) {
		*out = 0;
		return RC_OK;
	}
	return with_unit(text, units, sizeof(units) / sizeof(units[0]), out);
}

enum rc conf_duration(struct slice text, uint64_t *ms)
{
	return ms_of(text, ms);
}

static enum rc rate_of(struct slice text, struct conf_rate *out)
{
	struct slice rest = text;
	struct slice count = slice_trim(slice_split(&rest, '/'));
	if (text.len == 0)
		return RC_OK;
	/* "10/m" is "10/1m" */
	bool bare = rest.len && (rest.at[0] < '0' || rest.at[0] > '9');
	char one[16];
	int n = snprintf(one, sizeof(one), "1%.*s", FMT(slice_head(rest, 8)));
	TRY(slice_u64(count, UINT32_MAX, &out->count));
	TRY(ms_of(bare ? slice_of(one, (size_t)n) : slice_trim(rest), &out->per_ms));
	return out->per_ms ? RC_OK : RC_BAD;
}

static enum rc choice_of(const struct conf_row *row, struct slice text, unsigned *out)
{
	struct slice rest = slice_str(row->range);
	for (unsigned i = 0; rest.len; i++) {
		if (slice_eq(slice_split(&rest, '|'), text)) {
			*out = i;
			return RC_OK;
		}
	}
	return RC_BAD;
}

static enum rc number_of(const struct conf_row *row, struct slice text, uint64_t *out)
{
	struct slice rest = slice_str(row->range);
	uint64_t lo = 0, hi = UINT64_MAX;
	size_t dots = slice_search(rest, S(".."));
	if (dots < rest.len) {
		TRY(slice_u64(slice_head(rest, dots), UINT64_MAX, &lo));
		TRY(slice_u64(slice_tail(rest, dots + 2), UINT64_MAX, &hi));
	}
	TRY(slice_u64(text, hi, out));
	return *out >= lo ? RC_OK : RC_BAD;
}

static struct conf_list list_of(struct slice text, struct arena *a)
{
	size_t n = 0;
	const char **at = arena_try_array(a, text.len + 1, sizeof(*at));
	while (at && text.len) {
		struct slice one = slice_trim(slice_split(&text, ','));
		if (one.len)
			at[n++] = arena_str(a, one);
	}
	return (struct conf_list){ at, at ? n : 0 };
}

static enum rc map_of(struct slice text, struct arena *a, struct conf_map *out)
{
	const char **names = arena_try_array(a, text.len + 1, sizeof(*names));
	const char **values = arena_try_array(a, text.len + 1, sizeof(*values));
	size_t n = 0;
	while (names && values && text.len) {
		struct slice value = slice_trim(slice_split(&text, ','));
		size_t eq = slice_find(value, '=');
		if (eq == value.len)
			return RC_BAD;
		names[n] = arena_str(a, slice_trim(slice_head(value, eq)));
		values[n++] = arena_str(a, slice_trim(slice_tail(value, eq + 1)));
	}
	*out = (struct conf_map){ names, values, n };
	return RC_OK;
}

static enum rc expected(const struct conf_row *row, struct fault *why)
{
	static const char *const words[] = { "a string", "a string", "true or false",
		"a whole number", "a size as \"50MB\"", "a duration as \"30s\", \"5m\", \"1d\"",
		"a rate as \"10/1m\"", "a schedule as \"0 2 * * *\"", "one of", "a list of strings",
		"a table of strings" };
	bool range = row->range[0] != 0;
	return fault_set(why, FAULT_CONFIG, "expected %s%s%s", words[row->type], range ? " " : "",
		row->range);
}

enum rc conf_value_set(const struct conf_row *row, void *block, struct slice text, struct arena *a,
	struct fault *why)
{
	void *at = (uint8_t *)block + row->offset;
	enum rc rc = RC_OK;
	switch (row->type) {
	case CONF_STR:
	case CONF_SECRET:
		*(const char **)at = arena_str(a, text);
		rc = slice_find(text, 0) < text.len ? RC_BAD : RC_OK;
		break;
	case CONF_BOOL:
		*(bool *)at = slice_eq(text, S("true"));
		rc = slice_eq(text, S("true")) || slice_eq(text, S("false")) ? RC_OK : RC_BAD;
		break;
	case CONF_INT:
		rc = number_of(row, text, at);
		break;
	case CONF_SIZE:
		rc = size_of(text, at);
		break;
	case CONF_MS:
		rc = ms_of(text, at);
		break;
	case CONF_RATE:
		rc = rate_of(text, at);
		break;
	case CONF_CRON:
		rc = cron_parse(text, at);
		break;
	case CONF_ENUM:
		rc = choice_of(row, text, at);
		break;
	case CONF_LIST:
		*(struct conf_list *)at = list_of(text, a);
		break;
	case CONF_MAP:
		rc = map_of(text, a, at);
		break;
	}
	return rc == RC_OK ? RC_OK : expected(row, why);
}
