/* crc32c.c: CRC-32C by SSE 4.2; by the library's tables where a processor lacks it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "data/crc32c.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <string.h>

#ifdef VEREDUS_ROCKSDB_SHARED
#include <dlfcn.h>

uint32_t crc32c_library(uint32_t crc, const char *at, size_t len)
{
	uint32_t (*extend)(uint32_t, const char *, size_t) = dlsym(RTLD_NEXT, CRC32C_EXTEND);
	return extend(crc, at, len);
}
#endif

__attribute__((target("sse4.2"))) static uint32_t by_instruction(
	uint32_t crc, const char *at, size_t len)
{
	uint64_t sum = ~crc, word;
	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = _mm_crc32_u64(sum, word);
	}
	for (; len; at++, len--)
		sum = _mm_crc32_u8((uint32_t)sum, (uint8_t)*at);
	return ~(uint32_t)sum;
}

uint32_t crc32c_extend(uint32_t crc, const char *at, size_t len)
{
	return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, at, len)
						: crc32c_library(crc, at, len);
}

bool crc32c_check(void)
{
	return !__builtin_cpu_supports("sse4.2") || crc32c_extend(0, "123456789", 9) == 0xe3069283;
}
#else
bool crc32c_check(void)
{
	return true;
}
#endif
