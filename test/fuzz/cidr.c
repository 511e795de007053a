/* cidr.c: room: net. A network as it is written in settings: any bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "net/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct net_cidr cidr;
	must(net_cidr_parse(slice_of(at, len), &cidr) != RC_OK || cidr.bits <= 128);
	return 0;
}
