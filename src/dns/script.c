/* script.c: Answers from a table, for tests and probes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "dns/dns_int.h"
#include <arpa/inet.h>

enum { RDATA_MAX = 4096, ROWS_MAX = 64, LINES_MAX = 100000 };

static int hex(uint8_t c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

static enum rc put_name(struct buf *b, struct slice name)
{
	char text[NAME_MAX_TEXT + 1];
	size_t n = 0;
	if (slice_eq(name, S("."))) {
		buf_byte(b, 0);
		return RC_OK;
	}
	TRY(name_plain(name, text, &n));
	struct slice s = slice_of(text, n);
	while (s.len) {
		struct slice label = slice_split(&s, '.');
		buf_byte(b, (uint8_t)label.len);
		buf_add(b, label);
	}
	buf_byte(b, 0);
	return RC_OK;
}

static enum rc put_address(struct buf *b, struct slice text, int family)
{
	char host[64];
	uint8_t at[16];
	snprintf(host, sizeof(host), "%.*s", FMT(text));
	if (inet_pton(family, host, at) != 1)
		return RC_BAD;
	buf_add(b, slice_of(at, family == AF_INET ? 4 : 16));
	return RC_OK;
}

static enum rc put_tlsa(struct buf *b, struct slice s)
{
	for (int i = 0; i < 3; i++) {
		uint64_t n;
		TRY(slice_u64(slice_split(&s, ' '), 255, &n));
		buf_byte(b, (uint8_t)n);
	}
	if (s.len % 2)
		return RC_BAD;
	for (size_t i = 0; i < s.len; i += 2) {
		int hi = hex(s.at[i]), lo = hex(s.at[i + 1]);
		if (hi < 0 || lo < 0)
			return RC_BAD;
		buf_byte(b, (uint8_t)(hi << 4 | lo));
	}
	return RC_OK;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* \\DDD, as in a zone file (RFC 1035 5.1), is the octet of that number. */
static uint8_t take_octet(struct slice *s)
{
	uint8_t c = s->at[0];
	size_t n = 1;
	if (c == '\\' && s->len >= 4 && is_digit(s->at[1]) && is_digit(s->at[2]) &&
		is_digit(s->at[3])) {
		c = (uint8_t)((s->at[1] - '0') * 100 + (s->at[2] - '0') * 10 + s->at[3] - '0');
		n = 4;
	}
	*s = slice_tail(*s, n);
	return c;
}

static void put_strings(struct buf *b, struct slice s)
{
	do {
		uint8_t part[255], n = 0;
		while (s.len && n < sizeof(part))
			part[n++] = take_octet(&s);
		buf_byte(b, n);
		buf_add(b, slice_of(part, n));
	} while (s.len);
}

/* Text of a record to its wire form. */
static enum rc put_record(struct buf *b, enum dns_type type, struct slice s)
{
	uint64_t n;
	switch (type) {
	case DNS_A:
		return put_address(b, s, AF_INET);
	case DNS_AAAA:
		return put_address(b, s, AF_INET6);
	case DNS_MX:
		TRY(slice_u64(slice_split(&s, ' '), 65535, &n));
		buf_be16(b, (uint16_t)n);
		return put_name(b, slice_trim(s));
	case DNS_TXT:
		put_strings(b, s);
		return RC_OK;
	case DNS_PTR:
		return put_name(b, s);
	case DNS_TLSA:
		return put_tlsa(b, s);
	case DNS_TYPES:
		break;
	}
	return RC_BAD;
}

struct dns_box *script_answer(struct dns *dns, enum dns_type type, struct slice name)
{
	struct buf wire;
	size_t starts[ROWS_MAX], n = 0;
	const uint8_t *rdata[ROWS_MAX];
	int len[ROWS_MAX];
	struct box_source src = { .type = type, .name = name, .is_nxdomain = true, .ttl = 300 };
	buf_init(&wire, 0, NULL);
	for (size_t i = 0; i < dns->rows_n && n < ROWS_MAX; i++) {
		const struct dns_script_row *row = &dns->rows[i];
		if (!slice_eq_nocase(slice_str(row->name), name))
			continue;
		src.is_nxdomain = false;
		if (row->type != type)
			continue;
		src.secure |= row->secure;
		src.rc = row->rc != RC_OK ? row->rc : src.rc;
		src.why = row->rc == RC_TEMP ? "its name servers fail (SERVFAIL)" : NULL;
		starts[n] = wire.len;
		if (row->text && put_record(&wire, type, slice_str(row->text)) == RC_OK) {
			len[n] = (int)(wire.len - starts[n]);
			n++;
		}
	}
	for (size_t i = 0; i < n; i++)
		rdata[i] = wire.at + starts[i];
	src.rdata = rdata;
	src.len = len;
	src.n = n;
	struct dns_box *box = box_new(&src, run_now_ms(dns->run));
	buf_done(&wire);
	return box;
}

static struct dns *script(struct run *run)
{
	struct dns *dns = mem_new(MEM_OTHER, sizeof(*dns));
	dns->run = run;
	cache_init(dns);
	return dns;
}

static enum rc check(const struct dns_script_row *row, struct fault *why)
{
	struct buf wire;
	if (!row->text)
		return RC_OK;
	buf_init(&wire, RDATA_MAX, NULL);
	enum rc rc = put_record(&wire, row->type, slice_str(row->text));
	if (rc != RC_OK || wire.over)
		rc = fault_set(why, FAULT_CONFIG, "%s %s: \"%s\" is not such a record", row->name,
			dns_type_name(row->type), row->text);
	buf_done(&wire);
	return rc;
}

enum rc dns_script_new(struct run *run, const struct dns_script_row *rows, size_t n,
	struct dns **out, struct fault *why)
{
	for (size_t i = 0; i < n; i++)
		TRY(check(&rows[i], why));
	struct dns *dns = script(run);
	dns->rows = rows;
	dns->rows_n = n;
	*out = dns;
	return RC_OK;
}

/* Cuts a word off a line, ending it with NUL. */
static char *word(char **line)
{
	char *at = *line + strspn(*line, " \t");
	char *end = at + strcspn(at, " \t");
	*line = *end ? end + 1 : end;
	*end = 0;
	return at;
}

static enum rc read_line(char *line, struct dns_script_row *row, struct fault *why)
{
	char *name = word(&line), *type = word(&line), *text = line + strspn(line, " \t");
	*row = (struct dns_script_row){ .name = name, .text = text };
	if (name[0] == '!') {
		row->secure = true;
		row->name++;
	}
	size_t n = strlen(row->name);
	if (n && name[strlen(name) - 1] == '.')
		name[strlen(name) - 1] = 0;
	struct slice rest = slice_str(row->name);
	char *to = name + row->secure;
	while (rest.len)
		*to++ = (char)take_octet(&rest);
	*to = 0;
	if (dns_type_parse(slice_str(type), &row->type) != RC_OK)
		return fault_set(why, FAULT_CONFIG, "%s: no such type \"%s\"", row->name, type);
	if (strcmp(text, "SERVFAIL") == 0)
		row->rc = RC_TEMP;
	if (row->rc == RC_TEMP || strcmp(text, "NODATA") == 0)
		row->text = NULL;
	return check(row, why);
}

enum rc dns_script_text(struct run *run, struct slice text, struct dns **out, struct fault *why)
{
	struct dns *dns = script(run);
	size_t n = 0, lines = 1;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	char *copy = mem_new(MEM_OTHER, text.len + 1);
	if (text.len)
		memcpy(copy, text.at, text.len);
	struct dns_script_row *rows =
		mem_new(MEM_OTHER, (lines < LINES_MAX ? lines : LINES_MAX) * sizeof(*rows));
	for (char *at = copy, *next; at && rc == RC_OK && n < LINES_MAX; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = 0;
		at[strcspn(at, "\r")] = 0;
		at += strspn(at, " \t");
		if (*at && *at != '#')
			rc = read_line(at, &rows[n++], why);
	}
	dns->rows = dns->rows_own = rows;
	dns->text_own = copy;
	dns->rows_n = n;
	if (rc == RC_OK)
		*out = dns;
	else
		dns_free(&dns);
	return rc;
}
