/* utf8.h: UTF-8 octets: checking, decoding, encoding (RFC 3629). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

/* No overlong forms, no surrogates, nothing past U+10FFFF. */
bool utf8_valid(struct slice s);
/* Takes one character from the head; a broken octet is taken alone and gives U+FFFD. s must not be empty. */
uint32_t utf8_take(struct slice *s);
/* Characters over U+10FFFF and surrogates become U+FFFD. */
void utf8_add(struct buf *out, uint32_t c);
/* The longest head of at most `max` octets that cuts no character. */
struct slice utf8_cut(struct slice s, size_t max);

#endif
