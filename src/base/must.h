/* must.h: Assertions that are always compiled in: for our own mistakes, never for foreign or stored bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

/* Prints file:line and the condition on stderr and aborts; the supervising parent restarts the child. */
_Noreturn void must_fail(const char *file, int line, const char *what);

#define must(x) ((x) ? (void)0 : must_fail(__FILE__, __LINE__, #x))

#endif
