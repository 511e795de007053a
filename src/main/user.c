/* user.c: From root to the server's own user. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/user.h"
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of all that root may do, binding low ports is kept. */
static bool keep_bind_only(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 1u << CAP_NET_BIND_SERVICE,
		.permitted = 1u << CAP_NET_BIND_SERVICE } };
	return syscall(SYS_capset, &head, caps) == 0;
}

enum rc user_become(const struct conf *c, struct fault *why)
{
	if (geteuid() != 0 || c->run_user[0] == '\0')
		return RC_OK;
	struct passwd *pw = getpwnam(c->run_user);
	if (!pw)
		return fault_set(why, FAULT_CONFIG,
			"[server] user = \"%s\": no such user; make it with `useradd --system %s`, "
			"or set another",
			c->run_user, c->run_user);
	if (mkdir(c->data_dir, 0700) == 0 && chown(c->data_dir, pw->pw_uid, pw->pw_gid) != 0)
		return fault_set(why, FAULT_CONFIG, "%s: cannot be given to \"%s\"", c->data_dir,
			c->run_user);
	bool dropped = setgroups(0, NULL) == 0 && setgid(pw->pw_gid) == 0 &&
		       prctl(PR_SET_KEEPCAPS, 1) == 0 && setuid(pw->pw_uid) == 0 &&
		       keep_bind_only();
	return dropped ? RC_OK
		       : fault_set(why, FAULT_CONFIG, "cannot become user \"%s\"", c->run_user);
}
