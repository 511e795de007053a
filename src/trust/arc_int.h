/* arc_int.h: The sets of a chain, for checking and sealing. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_ARC_INT_H
#define TRUST_ARC_INT_H

#include "trust/arc.h"
#include "trust/dkim_int.h"

/* In the order in which a seal signs them (RFC 8617 5.1.1). */
enum arc_part { ARC_PART_RESULTS, ARC_PART_SIGNATURE, ARC_PART_SEAL, ARC_PARTS };

struct arc_set {
	struct dkim_read *part[ARC_PARTS];
	struct slice results;
};

/* What the seal of the n-th set signs: all fields of the sets up to it, its own b= left out. */
enum rc arc_seal_digest(
	const struct arc_set *sets, unsigned n, struct arena *a, uint8_t digest[CRYPTO_SHA256_LEN]);
/* The first n sets of a chain that is whole. RC_BAD: it is not. */
enum rc arc_check_sets(const struct arc_check *c, struct arc_set *out, unsigned n);

#endif
