/* world.c: The rooms below, as the tests of post/ have them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "../post/world.c"
