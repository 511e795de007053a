/* places.c: Places of content, and the keys to them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "main/places.h"
#include "text/profile.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROFILE_MAX = 65536 };

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "";
}

static const char *either(const char *a, const char *b)
{
	return a && a[0] ? a : b;
}

/* RC_NONE: there is no such file. */
static enum rc read_file(const char *path, struct arena *a, struct slice *out, struct fault *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? RC_NONE
			       : fault_set(why, FAULT_CONFIG, "%s: %s", path, strerror(errno));
	uint8_t *at = arena_try(a, PROFILE_MAX);
	ssize_t n = at ? read(fd, at, PROFILE_MAX) : 0;
	close(fd);
	if (n < 0)
		return fault_set(why, FAULT_CONFIG, "%s: %s", path, strerror(errno));
	*out = slice_of(at, (size_t)n);
	return RC_OK;
}

static enum rc read_profile(const char *path, struct slice name, struct arena *a,
	struct profile *out, struct fault *why)
{
	struct slice file;
	enum rc rc = read_file(path, a, &file, why);
	if (rc == RC_OK)
		rc = profile_parse(file, name, out);
	return rc;
}

static const char *path_of(const char *given, const char *home, const char *file, struct arena *a)
{
	struct slice path = arena_fmt(a, "%s/.aws/%s", home, file);
	return given[0] || !path.len ? given : (const char *)path.at;
}

/* The files where AWS's own tools look. */
static enum rc find_profile(
	const char *name, struct arena *a, struct profile *out, struct fault *why)
{
	const char *home = variable("HOME");
	const char *keys = path_of(variable("AWS_SHARED_CREDENTIALS_FILE"), home, "credentials", a);
	const char *conf = path_of(variable("AWS_CONFIG_FILE"), home, "config", a);
	enum rc rc = read_profile(keys, slice_str(name), a, out, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	enum rc more = read_profile(conf, slice_str(name), a, out, why);
	return more == RC_OK || rc == RC_OK ? RC_OK : more;
}

static const char *text_of(struct slice s, struct arena *a)
{
	const char *text = s.len ? arena_str(a, s) : "";
	return text ? text : "";
}

/* The configuration's keys, or the environment's, or the profile's: never a mixture. */
static enum rc find_keys(
	const struct conf_store *s, struct arena *a, struct place_options *o, struct fault *why)
{
	struct profile p = { 0 };
	const char *profile = either(s->profile, either(variable("AWS_PROFILE"), "default"));
	o->region =
		either(s->region, either(variable("AWS_REGION"), variable("AWS_DEFAULT_REGION")));
	if (s->access_key[0]) {
		o->access_key = s->access_key;
		o->secret_key = s->secret_key;
		o->session_token = s->session_token;
	} else if (!s->profile[0] && variable("AWS_ACCESS_KEY_ID")[0]) {
		o->access_key = variable("AWS_ACCESS_KEY_ID");
		o->secret_key = variable("AWS_SECRET_ACCESS_KEY");
		o->session_token = variable("AWS_SESSION_TOKEN");
	}
	if (o->access_key && o->region[0])
		return RC_OK;
	enum rc rc = find_profile(profile, a, &p, why);
	if (rc != RC_OK && rc != RC_NONE)
		return rc;
	o->region = either(o->region, text_of(p.region, a));
	if (o->access_key)
		return RC_OK;
	if (p.access_key.len == 0 || p.secret_key.len == 0)
		return fault_set(why, FAULT_CONFIG,
			"[store.\"%s\"]: no access-key, no AWS_ACCESS_KEY_ID, and no profile "
			"\"%s\" with keys",
			s->id, profile);
	o->access_key = text_of(p.access_key, a);
	o->secret_key = text_of(p.secret_key, a);
	o->session_token = text_of(p.session_token, a);
	return RC_OK;
}

/* At AWS buckets live in hosts' names; elsewhere mostly in the path. */
static bool is_path_style(const struct conf_store *s)
{
	struct slice host = slice_str(s->endpoint);
	if (s->addressing != CONF_ADDRESS_AUTO)
		return s->addressing == CONF_ADDRESS_PATH;
	return host.len && slice_search(host, S(".amazonaws.com")) == host.len;
}

static void set_object_store(const struct conf_store *s, struct place_options *o)
{
	o->endpoint = s->endpoint;
	o->storage_class = s->storage_class;
	o->ca = s->tls_ca;
	o->allow_invalid = s->tls_allow_invalid;
	o->timeout_ms = s->timeout_ms;
	o->retries = (unsigned)s->retries;
	o->connections = s->pool_max;
}

/* Its shards are no shards: the configuration's check says so. */
static enum rc sharded(const struct conf *c, const struct conf_store *s, struct arena *a,
	struct place_options *o, struct fault *why)
{
	const struct place_options **shards = arena_try_array(a, s->stores.n, sizeof(*shards));
	if (!shards)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	for (size_t i = 0; i < s->stores.n; i++) {
		struct place_options *one;
		enum rc rc = places_of(c, conf_store(c, s->stores.at[i]), a, &one, why);
		if (rc != RC_OK)
			return rc == RC_NONE
				       ? fault_set(why, FAULT_CONFIG,
						 "[store.\"%s\"]: a shard cannot hold content",
						 s->id)
				       : rc;
		shards[i] = one;
	}
	o->kind = PLACE_SHARDED;
	o->shards = shards;
	o->shards_n = s->stores.n;
	o->modulo = s->by == 2;
	return RC_OK;
}

enum rc places_of(const struct conf *c, const struct conf_store *s, struct arena *a,
	struct place_options **out, struct fault *why)
{
	struct place_options *o = arena_new(a, sizeof(*o));
	o->name = s->id;
	*out = o;
	if (s->type == CONF_STORE_FILESYSTEM) {
		o->kind = PLACE_FILES;
		o->path = s->path[0] ? s->path
				     : (const char *)arena_fmt(a, "%s/blobs", c->data_dir).at;
		o->depth = (unsigned)s->depth;
		return RC_OK;
	}
	set_object_store(s, o);
	if (s->type == CONF_STORE_S3) {
		o->kind = PLACE_S3;
		o->bucket = s->bucket;
		o->path_style = is_path_style(s);
		return find_keys(s, a, o, why);
	}
	if (s->type == CONF_STORE_AZURE) {
		o->kind = PLACE_AZURE;
		o->bucket = s->container;
		o->account = s->account;
		o->account_key = s->access_key;
		o->sas_token = s->sas_token;
		return RC_OK;
	}
	if (s->type == CONF_STORE_SHARDED)
		return sharded(c, s, a, o, why);
	return RC_NONE;
}
