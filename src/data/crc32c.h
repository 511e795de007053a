/* crc32c.h: The checksum of RocksDB's log and blob files, by the processor's own instruction: decision 4. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_CRC32C_H
#define DATA_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The library's name for it: `rocksdb::crc32c::Extend(unsigned, char const *, unsigned long)`. */
#define CRC32C_EXTEND "_ZN7rocksdb6crc32c6ExtendEjPKcm"

/* The instruction gives what it should, or is not used here. */
bool crc32c_check(void);
#if defined(__x86_64__)
/* CRC-32C (RFC 3720 12.1) of A and the `len` octets behind it, when `crc` is that of A; 0 is that of nothing. It stands in
 * for the library's function: of the archive by the linker's --wrap, of the shared library by its name. Any thread. */
#ifdef VEREDUS_ROCKSDB_SHARED
uint32_t crc32c_extend(uint32_t crc, const char *at, size_t len) __asm__(CRC32C_EXTEND);
uint32_t crc32c_library(uint32_t crc, const char *at, size_t len);
#else
uint32_t crc32c_extend(uint32_t crc, const char *at, size_t len) __asm__("__wrap_" CRC32C_EXTEND);
/* The library's own. */
uint32_t crc32c_library(uint32_t crc, const char *at, size_t len) __asm__("__real_" CRC32C_EXTEND);
#endif
#endif

#endif
