/* serve.h: The server process: everything made, wired, started, drained. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_SERVE_H
#define MAIN_SERVE_H

#include "conf/conf.h"

#define VEREDUS_VERSION "0.1.0"

/* Serves until SIGTERM or SIGINT, under the supervising parent. `ask` is how `conf` was read: SIGHUP reads it
 * again. Returns the exit status. */
int serve_main(struct conf *conf, const struct conf_ask *ask);

#endif
