/* memory.c: Who keeps memory that can be given back: the caches, and the store's engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth.h"
#include "data/data.h"
#include "dir/dir.h"
#include "dns/dns.h"
#include "mail/mail.h"
#include "main/house.h"
#include "run/memory.h"

static void evict_mail(void *mail, size_t bytes)
{
	mail_evict(mail, bytes);
}

static void calm_mail(void *mail)
{
	mail_calm(mail);
}

static void size_mail(void *mail, uint64_t *cached, uint64_t *beyond)
{
	(void)beyond;
	*cached = mail_cached(mail);
}

static void size_dns(void *dns, uint64_t *cached, uint64_t *beyond)
{
	struct dns_stats s;
	(void)beyond;
	dns_stats(dns, &s);
	for (size_t t = 0; t < DNS_TYPES; t++)
		*cached += s.bytes[t];
}

static void size_directory(void *dir, uint64_t *cached, uint64_t *beyond)
{
	struct dir_stats s;
	(void)beyond;
	dir_stats(dir, &s);
	*cached = s.bytes;
}

static void evict_directory(void *dir, size_t bytes)
{
	dir_evict(dir, bytes);
}

static void size_engine(void *data, uint64_t *cached, uint64_t *beyond)
{
	struct data_memory m;
	data_memory(data, &m);
	*cached = m.cache;
	*beyond = m.cache + m.buffers + m.other;
}

enum rc house_memory(struct house *h, struct fault *why)
{
	const struct run_memory_keeper all[] = {
		{ .name = "mail",
			.evict = evict_mail,
			.calm = calm_mail,
			.size = size_mail,
			.arg = h->mail },
		{ .name = "dns", .evict = dns_evict, .size = size_dns, .arg = h->dns },
		{ .name = "directory",
			.evict = evict_directory,
			.size = size_directory,
			.arg = h->dir },
		{ .name = "engine",
			.evict = data_evict,
			.calm = data_calm,
			.size = size_engine,
			.arg = h->data },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (run_memory_keep(&all[i]) != RC_OK)
			return fault_set(why, FAULT_INTERNAL, "too many caches");
	run_memory_start(h->run, h->conf->memory_limit);
	return RC_OK;
}
