/* profile.c: Reads files of AWS credentials. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text/profile.h"

static bool is_section(struct slice line, struct slice name)
{
	if (!slice_ends(line, S("]")))
		return false;
	struct slice inside = slice_trim(slice_head(slice_tail(line, 1), line.len - 2));
	struct slice rest = slice_tail(inside, S("profile").len);
	return slice_eq(inside, name) ||
	       (slice_starts(inside, S("profile ")) && slice_eq(slice_trim(rest), name));
}

static struct slice *field_of(struct profile *p, struct slice key)
{
	if (slice_eq_nocase(key, S("aws_access_key_id")))
		return &p->access_key;
	if (slice_eq_nocase(key, S("aws_secret_access_key")))
		return &p->secret_key;
	if (slice_eq_nocase(key, S("aws_session_token")))
		return &p->session_token;
	return slice_eq_nocase(key, S("region")) ? &p->region : NULL;
}

enum rc profile_parse(struct slice file, struct slice name, struct profile *out)
{
	bool inside = false, found = false;
	while (file.len) {
		struct slice line = slice_trim(slice_split(&file, '\n'));
		if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';')
			continue;
		if (line.at[0] == '[') {
			inside = is_section(line, name);
			found |= inside;
			continue;
		}
		size_t n = slice_find(line, '=');
		struct slice *field = inside && n < line.len
					      ? field_of(out, slice_trim(slice_head(line, n)))
					      : NULL;
		if (field)
			*field = slice_trim(slice_tail(line, n + 1));
	}
	return found ? RC_OK : RC_NONE;
}
