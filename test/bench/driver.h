/* driver.h: What the files of the bench's driver share: options, sessions, the operations that are measured. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* One kind of load. `begin`: the connection stands (TLS too); `line`: one line without its CRLF, NUL-terminated;
 * `closed`: the peer closed; `go`: measuring starts. */
struct work {
	const char *name;
	void (*begin)(struct session *s);
	void (*line)(struct session *s, char *line, size_t len);
	void (*closed)(struct session *s);
	void (*go)(struct session *s);
	bool connects_itself; /* a connection an operation: `go` opens it */
	bool literals; /* lines may end in {n} and go on behind n bytes (IMAP) */
};

struct opt {
	const char *host, *user, *rcpt, *password, *box, *command[4];
	unsigned port, sessions, users, multi, sink, commands;
	uint64_t count, size;
	bool tls, lmtp, auth;
};

struct bytes {
	char *at;
	size_t len, cap, off;
};

struct session {
	const struct work *work;
	int fd;
	unsigned id, phase, tag;
	uint32_t events;
	SSL *ssl;
	bool connecting, handshake, ready;
	uint64_t started; /* us; of the operation under way */
	uint64_t op;
	size_t skip; /* literal bytes still to pass over */
	struct bytes in, out;
	struct session *next; /* the sink's list of its connections */
};

extern struct opt opt;
extern const struct work work_deliver, work_relay, work_login, work_connect, work_command,
	work_append, work_idle, work_retr;

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t now_us(void);

/* --- io.c --- */
void io_init(void);
void io_connect(struct session *s);
void io_close(struct session *s);
void io_add(struct session *s, const void *bytes, size_t len);
void io_printf(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void io_flush(struct session *s);
/* Waits for events and hands them out; at most `ms`. */
void io_turn(int ms);
void io_listen(unsigned port, void (*accepted)(int fd));
void io_adopt(struct session *s, int fd);

/* --- driver.c --- */
/* The session is set up; measuring begins when all are. */
void session_ready(struct session *s);
/* Takes the next operation; false: none is left, the session rests. */
bool op_take(struct session *s, unsigned units);
void op_done(struct session *s, unsigned units, bool good);
/* An operation ended elsewhere (the sink), begun at `started`. */
void op_done_at(uint64_t started);
extern uint64_t responses; /* untagged answers, in sum */

/* --- message.c --- */
void message_init(void);
/* Adds the message of an operation to the session's output. */
void message_add(struct session *s, uint64_t op);
size_t message_size(void);

/* --- sink.c --- */
void sink_start(unsigned port);
void sink_sent(uint64_t op, uint64_t started);

/* `form` with its %u replaced by one of opt.users numbers. */
void number_name(char *to, size_t cap, const char *form, uint64_t n);

#endif
