/* wire.c: Frames, read and written whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/wire.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static bool write_all(int fd, const uint8_t *at, size_t len)
{
	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, uint8_t *at, size_t len, bool *any)
{
	while (len) {
		ssize_t n = read(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		*any = true;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool admin_send(int fd, struct slice s)
{
	uint8_t head[4] = { (uint8_t)(s.len >> 24), (uint8_t)(s.len >> 16), (uint8_t)(s.len >> 8),
		(uint8_t)s.len };
	return write_all(fd, head, 4) && write_all(fd, s.at, s.len);
}

enum rc admin_receive(int fd, struct arena *a, struct slice *out)
{
	uint8_t head[4];
	bool any = false;
	if (!read_all(fd, head, 4, &any))
		return any ? RC_BAD : RC_NONE;
	size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	uint8_t *at = len <= ADMIN_FRAME_MAX ? arena_try(a, len + 1) : NULL;
	if (!at)
		return len <= ADMIN_FRAME_MAX ? RC_LIMIT : RC_BAD;
	if (!read_all(fd, at, len, &any))
		return RC_BAD;
	*out = slice_of(at, len);
	return RC_OK;
}
