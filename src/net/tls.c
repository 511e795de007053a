/* tls.c: Contexts, SNI and records by OpenSSL. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/must.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { PAIRS_MAX = 256 };

/* A set of certificates, counted: connections keep the one they began with through their SSL's own count. */
struct tls {
	struct lock lock;
	SSL_CTX *servers[PAIRS_MAX];
	size_t n;
	SSL_CTX *client;
	bool has_roots; /* the client side knows the system's authorities: read when first asked for, 20 ms and 2 MiB */
};

struct tls_conn {
	SSL *ssl;
	bool owes_ticket, has_heard;
	char info[80];
	uint8_t exporter[32], end_point[32]; /* made when they are asked for */
	size_t exporter_len, end_point_len;
};

static void *lib_new(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size ? mem_lend(MEM_TLS, size) : NULL;
}

static void lib_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	mem_free(MEM_TLS, p);
}

static void *lib_grow(void *p, size_t size, const char *file, int line)
{
	if (size)
		return mem_lend_more(MEM_TLS, p, size);
	lib_free(p, file, line);
	return NULL;
}

void tls_count_memory(void)
{
	int counted = CRYPTO_set_mem_functions(lib_new, lib_grow, lib_free);
	must(counted == 1); /* else the library was used before */
}

static enum rc ssl_fault(struct fault *why, const char *what, const char *file)
{
	char text[160] = "";
	unsigned long e = ERR_get_error();
	if (e)
		ERR_error_string_n(e, text, sizeof(text));
	ERR_clear_error();
	return fault_set(why, FAULT_CONFIG, "%s %s: %s", what, file, text);
}

static bool names_match(SSL_CTX *ctx, const char *name)
{
	X509 *cert = SSL_CTX_get0_certificate(ctx);
	return cert && X509_check_host(cert, name, 0, 0, NULL) == 1;
}

static int choose(SSL *ssl, int *alert, void *arg)
{
	struct tls *tls = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	(void)alert;
	if (!name)
		return SSL_TLSEXT_ERR_OK;
	lock_enter(&tls->lock);
	for (size_t i = 0; i < tls->n; i++) {
		if (names_match(tls->servers[i], name)) {
			SSL_set_SSL_CTX(ssl, tls->servers[i]);
			break;
		}
	}
	lock_leave(&tls->lock);
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 3.2: the server's order counts; nothing in common ends the handshake by no_application_protocol. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *arg)
{
	const char *ours = SSL_get_app_data(ssl);
	unsigned char *chosen;
	(void)arg;
	if (!ours)
		return SSL_TLSEXT_ERR_NOACK;
	if (SSL_select_next_proto(&chosen, out_len, (const unsigned char *)ours,
		    (unsigned)strlen(ours), in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* AES-128 first, as in RFC 8446 9.1: its key schedule takes SHA-256, which processors compute themselves, where that of
 * AES-256 takes SHA-384, which they do not: 20 us less a handshake. */
static const char suites[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

static void lean(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1); /* a record's head and body by one read */
	must(SSL_CTX_set_ciphersuites(ctx, suites) == 1);
}

static enum rc make_server(
	struct tls *tls, const struct tls_pair *pair, SSL_CTX **out, struct fault *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	must(ctx != NULL);
	lean(ctx);
	SSL_CTX_set_num_tickets(ctx, 0); /* by the handshake: send_ticket */
	SSL_CTX_set_tlsext_servername_callback(ctx, choose);
	SSL_CTX_set_tlsext_servername_arg(ctx, tls);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	enum rc rc = RC_OK;
	if (SSL_CTX_use_certificate_chain_file(ctx, pair->cert) != 1)
		rc = ssl_fault(why, "certificate", pair->cert);
	else if (SSL_CTX_use_PrivateKey_file(ctx, pair->key, SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(ctx) != 1)
		rc = ssl_fault(why, "key", pair->key);
	if (rc != RC_OK) {
		SSL_CTX_free(ctx);
		return rc;
	}
	*out = ctx;
	return RC_OK;
}

enum rc tls_reload(struct tls *tls, const struct tls_pair *pairs, size_t n, struct fault *why)
{
	SSL_CTX *fresh[PAIRS_MAX], *old[PAIRS_MAX];
	enum rc rc = RC_OK;
	size_t made = 0;
	if (n > PAIRS_MAX)
		return fault_set(why, FAULT_CONFIG, "more than %d certificates", PAIRS_MAX);
	while (rc == RC_OK && made < n) {
		rc = make_server(tls, &pairs[made], &fresh[made], why);
		made += rc == RC_OK;
	}
	if (rc != RC_OK) {
		while (made--)
			SSL_CTX_free(fresh[made]);
		return rc;
	}
	lock_enter(&tls->lock);
	size_t old_n = tls->n;
	memcpy(old, tls->servers, old_n * sizeof(*old));
	memcpy(tls->servers, fresh, n * sizeof(*fresh));
	tls->n = n;
	lock_leave(&tls->lock);
	for (size_t i = 0; i < old_n; i++)
		SSL_CTX_free(old[i]);
	return RC_OK;
}

enum rc tls_new(const struct tls_pair *pairs, size_t n, struct tls **out, struct fault *why)
{
	struct tls *tls = mem_new(MEM_OTHER, sizeof(*tls));
	lock_init(&tls->lock, LOCK_CERT);
	tls->client = SSL_CTX_new(TLS_client_method());
	must(tls->client != NULL);
	lean(tls->client);
	enum rc rc = tls_reload(tls, pairs, n, why);
	if (rc != RC_OK) {
		tls_free(&tls);
		return rc;
	}
	*out = tls;
	return RC_OK;
}

void tls_free(struct tls **ref)
{
	struct tls *tls = *ref;
	if (!tls)
		return;
	for (size_t i = 0; i < tls->n; i++)
		SSL_CTX_free(tls->servers[i]);
	SSL_CTX_free(tls->client);
	lock_done(&tls->lock);
	mem_free(MEM_OTHER, tls);
	*ref = NULL;
}

bool tls_has_certificate(const struct tls *tls)
{
	return tls && tls->n > 0;
}

static struct tls_conn *wrap(SSL *ssl, int fd)
{
	if (!ssl || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	struct tls_conn *c = mem_new(MEM_SESSION, sizeof(*c));
	c->ssl = ssl;
	return c;
}

struct tls_conn *tls_accept(struct tls *tls, int fd, const char *alpn)
{
	lock_enter(&tls->lock);
	SSL *ssl = tls->n ? SSL_new(tls->servers[0]) : NULL;
	lock_leave(&tls->lock);
	struct tls_conn *c = wrap(ssl, fd);
	if (!c)
		return NULL;
	SSL_set_app_data(c->ssl, (char *)(uintptr_t)alpn);
	SSL_set_accept_state(c->ssl);
	return c;
}

static void need_roots(struct tls *tls)
{
	lock_enter(&tls->lock);
	if (!tls->has_roots)
		SSL_CTX_set_default_verify_paths(tls->client);
	tls->has_roots = true;
	lock_leave(&tls->lock);
}

enum rc tls_trust(struct tls *tls, const char *ca, struct fault *why)
{
	if (SSL_CTX_load_verify_locations(tls->client, ca, NULL) != 1)
		return ssl_fault(why, "authorities", ca);
	lock_enter(&tls->lock);
	tls->has_roots = true;
	lock_leave(&tls->lock);
	return RC_OK;
}

struct tls_conn *tls_connect(struct tls *tls, int fd, const char *name, bool verify)
{
	if (verify)
		need_roots(tls);
	struct tls_conn *c = wrap(SSL_new(tls->client), fd);
	if (!c)
		return NULL;
	SSL_set_connect_state(c->ssl);
	/* an address is not sent as a name (RFC 6066 3), and stands in the certificate as an address */
	bool is_address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), name) == 1;
	if (!is_address)
		SSL_set_tlsext_host_name(c->ssl, name);
	if (verify) {
		if (!is_address)
			SSL_set1_host(c->ssl, name);
		SSL_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	}
	return c;
}

void tls_conn_free(struct tls_conn **c)
{
	if (!*c)
		return;
	SSL_free((*c)->ssl);
	mem_free(MEM_SESSION, *c);
	*c = NULL;
}

static enum rc outcome(struct tls_conn *c, int ret)
{
	int e = SSL_get_error(c->ssl, ret);
	ERR_clear_error();
	if (e == SSL_ERROR_WANT_READ)
		return RC_MORE;
	if (e == SSL_ERROR_WANT_WRITE)
		return RC_WAIT;
	return e == SSL_ERROR_ZERO_RETURN ? RC_NONE : RC_BAD;
}

enum rc tls_handshake(struct tls_conn *c)
{
	int ret = SSL_do_handshake(c->ssl);
	if (ret != 1)
		return outcome(c, ret);
	c->owes_ticket = SSL_is_server(c->ssl) && SSL_version(c->ssl) == TLS1_3_VERSION;
	snprintf(c->info, sizeof(c->info), "%s %s", SSL_get_version(c->ssl),
		SSL_get_cipher_name(c->ssl));
	return RC_OK;
}

enum rc tls_read(struct tls_conn *c, uint8_t *at, size_t max, size_t *n)
{
	int ret = SSL_read_ex(c->ssl, at, max, n);
	c->has_heard |= ret == 1;
	return ret == 1 ? RC_OK : outcome(c, ret);
}

/* RFC 8446 4.6.1: with the first answer. Who connects, sees the greeting and goes (a health check, a scanner) costs no
 * ticket. */
static void send_ticket(struct tls_conn *c)
{
	c->owes_ticket = false;
	if (SSL_new_session_ticket(c->ssl) != 1)
		ERR_clear_error(); /* the client does the whole handshake again, no more */
}

enum rc tls_write(struct tls_conn *c, struct slice bytes, size_t *n)
{
	if (c->owes_ticket && c->has_heard)
		send_ticket(c);
	int ret = SSL_write_ex(c->ssl, bytes.at, bytes.len, n);
	return ret == 1 ? RC_OK : outcome(c, ret);
}

void tls_bye(struct tls_conn *c)
{
	if (SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	ERR_clear_error();
}

struct slice tls_info(struct tls_conn *c)
{
	return slice_str(c->info);
}

struct slice tls_exporter(struct tls_conn *c)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	if (SSL_version(c->ssl) != TLS1_3_VERSION)
		return S("");
	if (!c->exporter_len && SSL_export_keying_material(c->ssl, c->exporter, sizeof(c->exporter),
					label, sizeof(label) - 1, NULL, 0, 0) == 1)
		c->exporter_len = sizeof(c->exporter);
	return slice_of(c->exporter, c->exporter_len);
}

/* RFC 5929 4.1: the certificate's own hash, SHA-256 in place of MD5 and SHA-1. */
struct slice tls_end_point(struct tls_conn *c)
{
	X509 *cert = SSL_get_certificate(c->ssl);
	unsigned len = 0;
	if (!c->end_point_len && cert && X509_digest(cert, EVP_sha256(), c->end_point, &len) == 1)
		c->end_point_len = len;
	return slice_of(c->end_point, c->end_point_len);
}
