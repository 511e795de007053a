/* random.h: Bytes that nobody can guess. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* From the kernel; never fails (a kernel without getrandom aborts). Any thread. */
void random_bytes(void *out, size_t len);
/* 0..below-1, evenly. `below` > 0. */
uint64_t random_below(uint64_t below);

#endif
