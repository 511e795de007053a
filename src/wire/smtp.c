/* smtp.c: Verbs, paths and mailboxes of SMTP. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smtp.h"
#include "base/utf8.h"
#include <arpa/inet.h>
#include <string.h>

static const char *const verbs[SMTP_VERBS] = {
	[SMTP_UNKNOWN] = "",
	[SMTP_HELO] = "HELO",
	[SMTP_EHLO] = "EHLO",
	[SMTP_LHLO] = "LHLO",
	[SMTP_MAIL] = "MAIL",
	[SMTP_RCPT] = "RCPT",
	[SMTP_DATA] = "DATA",
	[SMTP_BDAT] = "BDAT",
	[SMTP_RSET] = "RSET",
	[SMTP_NOOP] = "NOOP",
	[SMTP_QUIT] = "QUIT",
	[SMTP_VRFY] = "VRFY",
	[SMTP_EXPN] = "EXPN",
	[SMTP_HELP] = "HELP",
	[SMTP_STARTTLS] = "STARTTLS",
	[SMTP_AUTH] = "AUTH",
	[SMTP_ETRN] = "ETRN",
};

const char *smtp_verb_name(enum smtp_verb verb)
{
	return verb < SMTP_VERBS ? verbs[verb] : "";
}

/* "FROM :<a@b>" is seen in the wild: blanks on both sides of the colon are forgiven. */
static struct slice behind(struct slice args, struct slice word)
{
	if (!slice_starts_nocase(args, word))
		return args;
	struct slice rest = slice_trim(slice_tail(args, word.len));
	if (!rest.len || rest.at[0] != ':')
		return args;
	return slice_trim(slice_tail(rest, 1));
}

enum smtp_verb smtp_verb(struct slice line, struct slice *args)
{
	struct slice rest = slice_trim(line);
	size_t end = 0;
	while (end < rest.len && rest.at[end] != ' ' && rest.at[end] != '\t')
		end++;
	struct slice word = slice_head(rest, end);
	*args = slice_trim(slice_tail(rest, end));
	for (unsigned v = SMTP_HELO; v < SMTP_VERBS; v++) {
		if (!slice_eq_nocase(word, slice_str(verbs[v])))
			continue;
		if (v == SMTP_MAIL)
			*args = behind(*args, S("FROM"));
		if (v == SMTP_RCPT)
			*args = behind(*args, S("TO"));
		return v;
	}
	return SMTP_UNKNOWN;
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_high(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] > 127)
			return true;
	return false;
}

/* RFC 5322 3.2.3 atext, and UTF-8 (RFC 6531 3.3). */
static bool is_atext(uint8_t c)
{
	return is_alnum(c) || c > 127 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

bool smtp_is_domain(struct slice s)
{
	if (!s.len || s.len > SMTP_DOMAIN_MAX || s.at[s.len - 1] == '.' || !utf8_valid(s))
		return false;
	while (s.len) {
		struct slice label = slice_split(&s, '.');
		if (!label.len || label.len > 63 || label.at[0] == '-' ||
			label.at[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!is_alnum(label.at[i]) && label.at[i] < 128 && label.at[i] != '-' &&
				label.at[i] != '_')
				return false;
	}
	return true;
}

bool smtp_is_literal(struct slice s, uint8_t addr[16], size_t *len)
{
	char text[INET6_ADDRSTRLEN];
	if (s.len < 3 || s.at[0] != '[' || s.at[s.len - 1] != ']')
		return false;
	struct slice in = slice_head(slice_tail(s, 1), s.len - 2);
	bool six = slice_starts_nocase(in, S("IPv6:"));
	if (six)
		in = slice_tail(in, 5);
	if (!in.len || in.len >= sizeof(text) || memchr(in.at, 0, in.len))
		return false;
	memcpy(text, in.at, in.len);
	text[in.len] = 0;
	*len = six ? 16 : 4;
	return inet_pton(six ? AF_INET6 : AF_INET, text, addr) == 1;
}

bool smtp_is_helo(struct slice s)
{
	uint8_t addr[16];
	size_t len;
	if (s.len && s.at[s.len - 1] == '.')
		s = slice_head(s, s.len - 1);
	return smtp_is_domain(s) || smtp_is_literal(s, addr, &len);
}

/* Where the local part ends: index of its '@', or of the end. */
static enum rc local_end(struct slice s, size_t *end, bool *quoted)
{
	size_t i = 0;
	*quoted = s.len && s.at[0] == '"';
	if (!*quoted) {
		while (i < s.len && (is_atext(s.at[i]) || s.at[i] == '.'))
			i++;
		*end = i;
		return i ? RC_OK : RC_BAD;
	}
	for (i = 1; i < s.len && s.at[i] != '"'; i++) {
		if (s.at[i] == '\\' && ++i == s.len)
			return RC_BAD;
		if (s.at[i] < ' ' || s.at[i] == 127)
			return RC_BAD;
	}
	if (i >= s.len)
		return RC_BAD;
	*end = i + 1;
	return RC_OK;
}

static enum rc unquote(struct slice quoted, struct arena *a, struct slice *out)
{
	uint8_t *at = arena_try(a, quoted.len);
	size_t n = 0;
	if (!at)
		return RC_LIMIT;
	for (size_t i = 1; i + 1 < quoted.len; i++) {
		if (quoted.at[i] == '\\')
			i++;
		at[n++] = quoted.at[i];
	}
	*out = slice_of(at, n);
	return RC_OK;
}

static bool needs_quotes(struct slice local)
{
	if (!local.len || local.at[0] == '.' || local.at[local.len - 1] == '.')
		return true;
	for (size_t i = 0; i < local.len; i++)
		if (local.at[i] == '.' ? local.at[i - 1] == '.' : !is_atext(local.at[i]))
			return true;
	return false;
}

void smtp_mailbox_write(struct slice local, struct slice domain, struct buf *out)
{
	bool quotes = needs_quotes(local);
	if (quotes)
		buf_byte(out, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (quotes && (local.at[i] == '"' || local.at[i] == '\\'))
			buf_byte(out, '\\');
		buf_byte(out, local.at[i]);
	}
	if (quotes)
		buf_byte(out, '"');
	if (domain.len)
		buf_byte(out, '@');
	buf_add(out, domain);
}

static enum rc address(struct slice text, bool as_is, struct arena *a, struct smtp_path *out)
{
	if (as_is && !needs_quotes(out->local)) {
		out->address = text;
		return RC_OK;
	}
	struct buf b;
	buf_init(&b, 0, a);
	smtp_mailbox_write(out->local, out->domain, &b);
	out->address = buf_slice(&b);
	return b.over ? RC_LIMIT : RC_OK;
}

enum rc smtp_mailbox_parse(struct slice text, struct arena *a, struct smtp_path *out)
{
	struct smtp_path got = { .is_utf8 = has_high(text) };
	size_t end;
	bool quoted;
	uint8_t addr[16];
	TRY(local_end(text, &end, &quoted));
	got.local = slice_head(text, end);
	if (quoted)
		TRY(unquote(got.local, a, &got.local));
	if (end == text.len) {
		if (!slice_eq_nocase(got.local, S("postmaster")))
			return RC_BAD;
	} else {
		size_t len;
		got.domain = slice_tail(text, end + 1);
		if (text.at[end] != '@' || !utf8_valid(got.local))
			return RC_BAD;
		if (!smtp_is_domain(got.domain) && !smtp_is_literal(got.domain, addr, &len))
			return got.domain.len > SMTP_DOMAIN_MAX ? RC_LIMIT : RC_BAD;
	}
	if (got.local.len > SMTP_LOCAL_MAX)
		return RC_LIMIT;
	TRY(address(text, !quoted, a, &got));
	*out = got;
	return RC_OK;
}

/* Index of the '>' that closes the path, minding quotes; s.len when there is none. */
static size_t closing(struct slice s)
{
	bool quoted = false;
	size_t i;
	for (i = 1; i < s.len; i++) {
		if (quoted && s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			quoted = !quoted;
		else if (s.at[i] == '>' && !quoted)
			return i;
	}
	return s.len;
}

enum rc smtp_path_parse(struct slice *in, struct arena *a, struct smtp_path *out)
{
	if (!in->len || in->at[0] != '<')
		return RC_BAD;
	size_t end = closing(*in);
	if (end == in->len)
		return RC_BAD;
	struct slice text = slice_trim(slice_head(slice_tail(*in, 1), end - 1));
	if (text.len && text.at[0] == '@') { /* RFC 5321 C: a source route is ignored */
		size_t colon = slice_find(text, ':');
		if (colon == text.len)
			return RC_BAD;
		text = slice_tail(text, colon + 1);
	}
	if (text.len)
		TRY(smtp_mailbox_parse(text, a, out));
	else
		*out = (struct smtp_path){ .is_null = true };
	*in = slice_tail(*in, end + 1);
	return RC_OK;
}

enum rc smtp_bdat_parse(struct slice args, uint64_t *size, bool *is_last)
{
	struct slice rest = args, number = slice_split(&rest, ' ');
	uint64_t n;
	rest = slice_trim(rest);
	if (rest.len && !slice_eq_nocase(rest, S("LAST")))
		return RC_BAD;
	TRY(slice_u64(number, UINT64_MAX / 2, &n));
	*size = n;
	*is_last = rest.len != 0;
	return RC_OK;
}

enum rc smtp_auth_parse(
	struct slice args, struct slice *mech, bool *has_initial, struct slice *initial)
{
	struct slice rest = args, word = slice_split(&rest, ' ');
	rest = slice_trim(rest);
	if (!word.len || slice_find(rest, ' ') < rest.len)
		return RC_BAD;
	*mech = word;
	*has_initial = rest.len != 0;
	*initial = rest;
	return RC_OK;
}
