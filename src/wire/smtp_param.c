/* smtp_param.c: Walking the parameters behind a path. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp_param_int.h"

static bool is_keyword(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i], low = c | 0x20;
		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && !(c == '-' && i))
			return false;
	}
	return s.len > 0;
}

enum rc smtp_param_next(struct slice *rest, struct smtp_param *out)
{
	*rest = slice_trim(*rest);
	if (!rest->len)
		return RC_NONE;
	struct slice word = slice_split(rest, ' ');
	size_t eq = slice_find(word, '=');
	struct smtp_param got = { .name = slice_head(word, eq), .value = slice_tail(word, eq + 1) };
	got.has_value = eq < word.len;
	if (!is_keyword(got.name) || (got.has_value && !got.value.len))
		return RC_BAD;
	for (size_t i = 0; i < got.value.len; i++)
		if (got.value.at[i] <= ' ' || got.value.at[i] == 127)
			return RC_BAD;
	*out = got;
	return RC_OK;
}

enum rc smtp_param_path(
	struct slice *args, struct arena *a, struct smtp_path *out, struct fault *why)
{
	enum rc rc = smtp_path_parse(args, a, out);
	if (rc == RC_LIMIT) {
		(void)fault_set(why, FAULT_SYNTAX, "the address is too long");
		return RC_LIMIT;
	}
	if (rc != RC_OK)
		return fault_set(why, FAULT_SYNTAX, "an address in angle brackets is expected");
	if (args->len && args->at[0] != ' ' && args->at[0] != '\t')
		return fault_set(why, FAULT_SYNTAX, "a blank is expected behind the address");
	return RC_OK;
}
