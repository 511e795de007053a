/* sasl.h: Messages of SASL mechanisms, read and written; the arithmetic is crypto's, base64 around them the caller's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_SASL_H
#define WIRE_SASL_H

#include "base/buf.h"

enum { SASL_NAME_MAX = 1024, SASL_NONCE_MAX = 256, SASL_ROUNDS_MAX = 1000000 };

/* RFC 4616 2: authzid NUL authcid NUL passwd. Views into `msg`. */
struct sasl_plain {
	struct slice authzid, user, pass;
};
/* RC_BAD: not so, not UTF-8, or an empty name or password. */
enum rc sasl_plain_parse(struct slice msg, struct sasl_plain *out);
void sasl_plain_write(const struct sasl_plain *m, struct buf *out);

/* What LOGIN asks, in plain text: "Username:", then "Password:". */
struct slice sasl_login_prompt(bool for_pass);

/* Mechanism names: 1..20 of A-Z 0-9 - _ (RFC 4422 3.1); small letters are taken too. */
bool sasl_is_mech(struct slice s);

/* --- SCRAM (RFC 5802 7). Salt, proof, channel binding and signature stay base64 text here. --- */

enum sasl_binding { SASL_BIND_NOT, SASL_BIND_COULD, SASL_BIND_USED }; /* gs2 flag n, y, p */

struct sasl_scram_first {
	enum sasl_binding binding;
	struct slice binding_name; /* "tls-exporter" when used */
	struct slice authzid, user; /* =2C and =3D decoded */
	struct slice nonce;
	struct slice
		gs2; /* the gs2 header: its base64, with the binding data behind it, is what the final's `binding` must be */
	struct slice bare; /* client-first-message-bare */
};
/* client-first-message. Views into `msg`, decoded names in `a`. RC_BAD: not so, or an extension "m=". */
enum rc sasl_scram_first_parse(struct slice msg, struct arena *a, struct sasl_scram_first *out);
/* Writes it for a client; `bare`, `gs2` of `m` are not read. `bare_at` gets where the bare part begins in `out`. */
void sasl_scram_first_write(const struct sasl_scram_first *m, struct buf *out, size_t *bare_at);

struct sasl_scram_challenge {
	struct slice nonce; /* client's and server's */
	struct slice salt; /* base64 */
	uint32_t rounds;
};
/* server-first-message. RC_BAD: not so; RC_LIMIT: rounds over SASL_ROUNDS_MAX. */
enum rc sasl_scram_challenge_parse(struct slice msg, struct sasl_scram_challenge *out);
void sasl_scram_challenge_write(const struct sasl_scram_challenge *m, struct buf *out);

struct sasl_scram_final {
	struct slice binding; /* base64 */
	struct slice nonce;
	struct slice proof; /* base64 */
	struct slice without_proof; /* the message up to ",p=" */
};
/* client-final-message. Views into `msg`. RC_BAD: not so. */
enum rc sasl_scram_final_parse(struct slice msg, struct sasl_scram_final *out);
/* c=..,r=.. ; append the proof with the next call. */
void sasl_scram_final_write(struct slice binding, struct slice nonce, struct buf *out);
void sasl_scram_proof_write(struct slice proof, struct buf *out);

/* server-final-message: "v=" signature. RC_DENIED: the server says "e=" (in `out`); RC_BAD: neither. */
enum rc sasl_scram_verifier_parse(struct slice msg, struct slice *out);
void sasl_scram_verifier_write(struct slice signature, struct buf *out);
void sasl_scram_error_write(struct slice reason, struct buf *out);

/* SASLprep without NFKC (RFC 4013 2.1, 2.3): other blanks become SP, what maps to nothing goes, controls and
 * non-characters are refused. RC_BAD: refused or not UTF-8; RC_LIMIT: arena. */
enum rc sasl_prep(struct slice in, struct arena *a, struct slice *out);

#endif
