/* journal.h: The journal's socket, when this process's stderr goes there. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIN_JOURNAL_H
#define MAIN_JOURNAL_H

/* JOURNAL_STREAM of systemd.exec(5) names stderr's device and inode. -1: not so, or nobody listens. */
int journal_open(void);

#endif
