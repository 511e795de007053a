/* azure.h: A container of Azure Blob Storage as a place. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_AZURE_H
#define BLOB_AZURE_H

#include "blob/place.h"

/* Nothing is asked of the store yet. Blocks of an object that was never ended go by themselves after a week, so says
 * Azure. BAD: CONFIG. */
enum rc azure_open(const struct place_options *options, struct place **out, struct fault *why);

#endif
