/* name.c: Names and types of questions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns_int.h"
#include <idn2.h>

enum { LABEL_MAX = 63 };

static const char *const type_names[DNS_TYPES] = { "A", "AAAA", "MX", "TXT", "PTR", "TLSA" };

const char *dns_type_name(enum dns_type type)
{
	return type_names[type];
}

enum rc dns_type_parse(struct slice text, enum dns_type *out)
{
	for (enum dns_type t = 0; t < DNS_TYPES; t++) {
		if (slice_eq_nocase(text, slice_str(type_names[t]))) {
			*out = t;
			return RC_OK;
		}
	}
	return RC_BAD;
}

/* RFC 1035 2.3.4, for names in text. Octets that would need an escape are nothing that mail asks for, but a blank: SPF's
 * macros make some (RFC 7208 7.1). */
static enum rc check(const char *at, size_t len)
{
	size_t label = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)at[i];
		if (c < ' ' || c >= 0x7f || c == '\\')
			return RC_BAD;
		if (c == '.' && label == 0)
			return RC_BAD;
		label = c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return RC_BAD;
	}
	return len && label ? RC_OK : RC_BAD;
}

enum rc name_plain(struct slice name, char *out, size_t *len)
{
	char text[1024];
	bool wide = false;
	if (name.len && name.at[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len >= sizeof(text) || slice_find(name, 0) < name.len)
		return RC_BAD;
	for (size_t i = 0; i < name.len; i++)
		wide |= name.at[i] >= 0x80;
	memcpy(text, name.at, name.len);
	text[name.len] = 0;
	if (wide) {
		uint8_t *ascii = NULL;
		int rc = idn2_lookup_u8(
			(const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
		if (rc != IDN2_OK)
			return RC_BAD;
		size_t n = strlen((const char *)ascii);
		if (n < sizeof(text))
			memcpy(text, ascii, n + 1);
		idn2_free(ascii);
		if (n >= sizeof(text))
			return RC_BAD;
	}
	size_t n = strlen(text);
	if (n > NAME_MAX_TEXT)
		return RC_BAD;
	TRY(check(text, n));
	for (size_t i = 0; i <= n; i++)
		out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
	*len = n;
	return RC_OK;
}

enum rc dns_name_ascii(struct slice name, struct arena *a, struct slice *out)
{
	char text[NAME_MAX_TEXT + 1];
	size_t n = 0;
	TRY(name_plain(name, text, &n));
	if (slice_find(slice_of(text, n), ' ') < n)
		return RC_BAD; /* it may be asked for, but names no host */
	return arena_copy(a, slice_of(text, n), out);
}

struct slice dns_name_reverse(const uint8_t *address, size_t len, struct arena *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const char hex[] = "0123456789abcdef";
	char text[16 * 4 + 1];
	size_t n = 0;
	if (len == 16 && memcmp(address, mapped, sizeof(mapped)) == 0) {
		address += 12;
		len = 4;
	}
	if (len == 4)
		return arena_fmt(a, "%u.%u.%u.%u.in-addr.arpa", address[3], address[2], address[1],
			address[0]);
	for (size_t i = 16; i-- > 0;) {
		text[n++] = hex[address[i] & 15];
		text[n++] = '.';
		text[n++] = hex[address[i] >> 4];
		text[n++] = '.';
	}
	return arena_fmt(a, "%.*sip6.arpa", (int)n, text);
}
