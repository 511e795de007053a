/* kept.h: DIR/settings.toml, what `veredus config` keeps, and the versions that it had before. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_KEPT_H
#define MAIN_KEPT_H

#include "base/arena.h"
#include "base/buf.h"

/* Version 0 is what counts, 1 the one before it, up to KEPT_VERSIONS. */
enum { KEPT_VERSIONS = 20 };

/* Where a version lies; in `a`. */
const char *kept_path(const char *dir, unsigned version, struct arena *a);
/* All lines of what counts but those of this key. */
void kept_others(const char *dir, struct slice key, struct arena *a, struct buf *out);
/* A version's text. False: there is none, or it cannot be read; printed. */
bool kept_read(const char *dir, unsigned version, struct arena *a, struct buf *out);
/* Whole or not at all, flushed; what counted before becomes version 1. False: it cannot be, and is printed. */
bool kept_replace(const char *dir, struct slice text, struct arena *a);

#endif
