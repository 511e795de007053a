/* first.c: A first start on the demo ports: an administrator and a mailbox to try, printed once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth.h"
#include "base/mem.h"
#include "base/random.h"
#include "main/house.h"
#include "run/run.h"

static const char demo_domain[] = "example.org";

static void make_password(char out[17])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	for (int i = 0; i < 16; i++)
		out[i] = letters[random_below(sizeof(letters) - 1)];
	out[16] = '\0';
}

static enum rc add(struct house *h, const char *address, enum dir_role role, const char *password,
	struct fault *why)
{
	struct arena a;
	struct scram_keys scram;
	struct dir_new what = { .kind = DIR_ACCOUNT,
		.address = slice_str(address),
		.role = role,
		.scram = &scram,
		.unix_now = (uint64_t)run_unix(h->run) };
	uint32_t id;
	arena_init(&a, 0);
	enum rc rc = auth_new_password(slice_str(password), &a, &what.password_hash, &scram);
	if (rc == RC_OK)
		rc = dir_add(h->dir, &what, &id, why);
	arena_done(&a);
	return rc;
}

enum rc house_first(struct house *h, struct fault *why)
{
	struct arena a;
	const struct dir_domain *domains;
	struct dir_page page = { .most = 1 };
	size_t n;
	char admin[64], user[17], chosen[128];
	const char *secret = getenv("ADMIN_SECRET");
	if (h->conf->default_ports == 0)
		return RC_OK;
	arena_init(&a, 0);
	enum rc rc = dir_domain_list(h->dir, &page, &a, &domains, &n, why);
	arena_done(&a);
	if (rc != RC_OK || n)
		return rc;
	make_password(chosen);
	make_password(user);
	if (secret && secret[0])
		snprintf(chosen, sizeof(chosen), "%s", secret);
	TRY(dir_domain_add(h->dir, slice_str(demo_domain), (uint64_t)run_unix(h->run), why));
	snprintf(admin, sizeof(admin), "admin@%s", demo_domain);
	TRY(add(h, admin, DIR_ADMIN, chosen, why));
	TRY(add(h, "demo@example.org", DIR_USER, user, why));
	printf("first start: administrator %s, password %s\n", admin,
		secret && secret[0] ? "(from ADMIN_SECRET)" : chosen);
	printf("first start: mailbox demo@%s, password %s\n", demo_domain, user);
	fflush(stdout);
	mem_wipe(chosen, sizeof(chosen));
	mem_wipe(user, sizeof(user));
	return RC_OK;
}
