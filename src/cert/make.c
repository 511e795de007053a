/* make.c: A key and a certificate of our own, for the first start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "cert/cert.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

enum { YEARS_S = 3650 * 86400 };

static enum rc failed(struct fault *why, const char *what)
{
	ERR_clear_error();
	return fault_set(why, FAULT_CONFIG, "cannot make a certificate: %s", what);
}

static bool add_names(GENERAL_NAMES *all, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char at[16];
		int len = inet_pton(AF_INET, names[i], at) == 1    ? 4
			  : inet_pton(AF_INET6, names[i], at) == 1 ? 16
								   : 0;
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_STRING *text = len ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
		if (!name || !text ||
			ASN1_STRING_set(text, len ? (const void *)at : names[i], len ? len : -1) !=
				1) {
			GENERAL_NAME_free(name);
			ASN1_STRING_free(text);
			return false;
		}
		GENERAL_NAME_set0_value(name, len ? GEN_IPADD : GEN_DNS, text);
		if (!sk_GENERAL_NAME_push(all, name)) {
			GENERAL_NAME_free(name);
			return false;
		}
	}
	return true;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *const *names, size_t n)
{
	uint64_t serial;
	random_bytes(&serial, sizeof(serial));
	X509_NAME *subject = X509_get_subject_name(cert);
	GENERAL_NAMES *alt = GENERAL_NAMES_new();
	BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
	bool ok = alt && basic && X509_set_version(cert, X509_VERSION_3) == 1 &&
		  ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1 &&
		  X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
		  X509_gmtime_adj(X509_getm_notAfter(cert), YEARS_S) &&
		  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
			  (const unsigned char *)(n ? names[0] : "localhost"), -1, -1, 0) == 1 &&
		  X509_set_issuer_name(cert, subject) == 1 && X509_set_pubkey(cert, key) == 1 &&
		  add_names(alt, names, n) &&
		  X509_add1_ext_i2d(cert, NID_basic_constraints, basic, 1, 0) == 1 &&
		  (n == 0 || X509_add1_ext_i2d(cert, NID_subject_alt_name, alt, 0, 0) == 1) &&
		  X509_sign(cert, key, EVP_sha256()) > 0;
	GENERAL_NAMES_free(alt);
	BASIC_CONSTRAINTS_free(basic);
	return ok;
}

/* Writes beside the file and renames: it is there whole or not at all. */
static enum rc write_file(const char *path, X509 *cert, EVP_PKEY *key, struct fault *why)
{
	char beside[4096];
	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >= sizeof(beside))
		return failed(why, "its path is too long");
	unlink(beside);
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, key ? 0600 : 0644);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f) {
		int saved = errno;
		if (fd >= 0)
			close(fd);
		return fault_set(why, FAULT_CONFIG, "cannot write %s: %s", beside, strerror(saved));
	}
	bool ok = key ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1
		      : PEM_write_X509(f, cert) == 1;
	ok = ok && fflush(f) == 0 && fsync(fd) == 0;
	ok = fclose(f) == 0 && ok;
	ok = ok && rename(beside, path) == 0;
	if (!ok)
		return fault_set(why, FAULT_CONFIG, "cannot write %s: %s", path, strerror(errno));
	return RC_OK;
}

enum rc cert_self_signed(const struct tls_pair *files, const char *const *names, size_t n,
	bool *made, struct fault *why)
{
	if (made)
		*made = false;
	if (access(files->cert, F_OK) == 0 && access(files->key, F_OK) == 0)
		return RC_OK;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	enum rc rc = key && cert && fill(cert, key, names, n) ? RC_OK
							      : failed(why, "the library refuses");
	if (rc == RC_OK)
		rc = write_file(files->key, NULL, key, why);
	if (rc == RC_OK)
		rc = write_file(files->cert, cert, NULL, why);
	if (rc == RC_OK && made)
		*made = true;
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

static int64_t unix_of(const ASN1_TIME *t)
{
	int days = 0, seconds = 0;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch, t) != 1)
		days = seconds = 0;
	ASN1_TIME_free(epoch);
	return (int64_t)days * 86400 + seconds;
}

enum rc cert_info(const char *file, struct cert_info *out, struct fault *why)
{
	FILE *f = fopen(file, "re");
	X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	ERR_clear_error();
	if (!cert)
		return fault_set(why, FAULT_CONFIG, "%s holds no certificate", file);
	*out = (struct cert_info){ 0 };
	X509_NAME_get_text_by_NID(
		X509_get_subject_name(cert), NID_commonName, out->subject, sizeof(out->subject));
	X509_NAME_get_text_by_NID(
		X509_get_issuer_name(cert), NID_commonName, out->issuer, sizeof(out->issuer));
	out->not_before = unix_of(X509_get0_notBefore(cert));
	out->not_after = unix_of(X509_get0_notAfter(cert));
	out->self_signed =
		X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
	X509_free(cert);
	return RC_OK;
}
