/* serve.h: Wires the rooms and serves until it is told to stop. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_SERVE_H
#define MAIN_SERVE_H

#include "conf/conf.h"

/* Takes over the count of `conf`; `ask` is kept for reading it again on SIGHUP. Returns the exit status. */
int serve_main(struct conf *conf, const struct conf_ask *ask);

#endif
