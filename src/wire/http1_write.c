/* http1_write.c: Status lines and fields written; percent-decoding. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http1.h"

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 207, "Multi-Status" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 423, "Locked" },
	{ 424, "Failed Dependency" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
	{ 508, "Loop Detected" },
};

const char *http1_reason(unsigned status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

void http1_status_write(unsigned status, struct buf *out)
{
	buf_fmt(out, "HTTP/1.1 %03u %s\r\n", status, http1_reason(status));
}

void http1_field_write(struct slice name, struct slice value, struct buf *out)
{
	buf_add(out, name);
	buf_str(out, ": ");
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.at[i];
		buf_byte(out, c == '\r' || c == '\n' || !c ? ' ' : c);
	}
	buf_str(out, "\r\n");
}

static int hex(uint8_t c)
{
	uint8_t low = c | 0x20;
	if (c >= '0' && c <= '9')
		return c - '0';
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

enum rc http1_unescape(struct slice in, bool plus, struct arena *a, struct slice *out)
{
	uint8_t *at = arena_try(a, in.len + 1);
	size_t n = 0;
	if (!at)
		return RC_LIMIT;
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.at[i];
		if (c == '%') {
			if (in.len - i < 3 || hex(in.at[i + 1]) < 0 || hex(in.at[i + 2]) < 0)
				return RC_BAD;
			c = (uint8_t)(hex(in.at[i + 1]) << 4 | hex(in.at[i + 2]));
			i += 2;
			if (!c)
				return RC_BAD;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		at[n++] = c;
	}
	*out = slice_of(at, n);
	return RC_OK;
}
