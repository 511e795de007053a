/* order.h: The operations of a group in the order of their keys. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATA_ORDER_H
#define DATA_ORDER_H

#include "data/data.h"

/* Sorts by space and key; operations on one key keep their order. Engines insert neighbours at half the cost. Without
 * memory to sort in, the order stays as it is: it is right either way. */
void order_sort(const struct data_op **ops, size_t n);

#endif
