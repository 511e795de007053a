/* wire_utf8.h: UTF-8 checked, one character at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_WIRE_UTF8_H
#define WIRE_WIRE_UTF8_H

#include "base/slice.h"

/* Octets of the character at the head of `s`, and its code point; 0: empty, or not UTF-8 (RFC 3629 4). */
size_t wire_utf8_char(struct slice s, uint32_t *code);
/* The whole slice is UTF-8. */
bool wire_utf8_valid(struct slice s);
/* Has octets over 127. */
bool wire_utf8_beyond_ascii(struct slice s);
/* Writes a code point (no surrogate, at most 0x10ffff) and returns how many octets: 1..4. */
size_t wire_utf8_put(uint32_t code, uint8_t out[4]);

#endif
