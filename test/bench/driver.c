/* driver.c: Loads a mail server with many sessions from one thread; prints rate and latencies as one JSON line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct opt opt = { .host = "127.0.0.1",
	.user = "user%u@bench.test",
	.password = "secret",
	.sessions = 1,
	.users = 50,
	.multi = 1,
	.count = 1,
	.size = 10240 };
uint64_t responses;

static const struct work *const works[] = { &work_deliver, &work_relay, &work_login, &work_connect,
	&work_command, &work_append, &work_idle, &work_retr };
static const struct work *chosen;
static struct session *sessions;
static unsigned readies;
static uint64_t taken, done, good_ops, first_us, last_us;
static uint32_t *latency;
static size_t latencies;

void die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("driver: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void number_name(char *to, size_t cap, const char *form, uint64_t n)
{
	const char *mark = strstr(form, "%u");
	if (!mark)
		snprintf(to, cap, "%s", form);
	else
		snprintf(to, cap, "%.*s%llu%s", (int)(mark - form), form,
			(unsigned long long)(n % opt.users + 1), mark + 2);
}

void session_ready(struct session *s)
{
	if (!s->ready)
		readies++;
	s->ready = true;
}

bool op_take(struct session *s, unsigned units)
{
	if (taken + units > opt.count)
		return false;
	s->op = taken;
	taken += units;
	s->started = now_us();
	return true;
}

void op_done_at(uint64_t started)
{
	last_us = now_us();
	latency[latencies++] = (uint32_t)(last_us - started);
	done++;
	good_ops++;
}

void op_done(struct session *s, unsigned units, bool good)
{
	last_us = now_us();
	latency[latencies++] = (uint32_t)(last_us - s->started);
	done += units;
	if (good)
		good_ops += units;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void report(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
		     (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
	double s = (double)(last_us - first_us) / 1e6;
	qsort(latency, latencies, sizeof *latency, by_value);
	uint32_t p50 = latencies ? latency[latencies / 2] : 0,
		 p99 = latencies ? latency[latencies * 99 / 100] : 0;
	printf("{\"ops\": %llu, \"good\": %llu, \"seconds\": %.4f, \"rate\": %.1f, \"p50_us\": %u, "
	       "\"p99_us\": %u, "
	       "\"responses\": %llu, \"driver_cpu_ms\": %.1f}\n",
		(unsigned long long)done, (unsigned long long)good_ops, s,
		s > 0 ? (double)done / s : 0, p50, p99, (unsigned long long)responses, cpu);
}

static void options(int argc, char **argv)
{
	int c;
	while ((c = getopt(argc, argv, "h:p:n:s:u:U:R:P:b:c:m:k:z:tla")) != -1) {
		switch (c) {
		case 'h':
			opt.host = optarg;
			break;
		case 'p':
			opt.port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			opt.count = strtoull(optarg, NULL, 10);
			break;
		case 's':
			opt.sessions = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'u':
			opt.users = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'U':
			opt.user = optarg;
			break;
		case 'P':
			opt.password = optarg;
			break;
		case 'R':
			opt.rcpt = optarg;
			break;
		case 'a':
			opt.auth = true;
			break;
		case 'b':
			opt.box = optarg;
			break;
		case 'c':
			if (opt.commands == 4)
				die("at most four commands");
			opt.command[opt.commands++] = optarg;
			break;
		case 'm':
			opt.multi = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'k':
			opt.sink = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'z':
			opt.size = strtoull(optarg, NULL, 10);
			break;
		case 't':
			opt.tls = true;
			break;
		case 'l':
			opt.lmtp = true;
			break;
		default:
			die("usage: driver -p PORT [-h HOST] [-n OPERATIONS] [-s SESSIONS] [-u "
			    "USERS] [-U user%%u@dom]\n"
			    "  [-P PASSWORD] [-R rcpt%%u@dom] [-b MAILBOX] [-c COMMAND ...] [-m "
			    "MESSAGES AN APPEND]\n"
			    "  [-k SINK PORT] [-z MESSAGE SIZE] [-t (TLS)] [-l (LMTP)] [-a (AUTH)] "
			    "WORK");
		}
	}
	for (size_t i = 0; optind < argc && i < sizeof works / sizeof *works; i++)
		if (strcmp(works[i]->name, argv[optind]) == 0)
			chosen = works[i];
	if (!chosen)
		die("no such work");
}

/* Says that all is set up, and waits for the word to go. */
static void wait_go(void)
{
	char word[16];
	puts("READY");
	fflush(stdout);
	if (!fgets(word, sizeof word, stdin))
		exit(0);
}

int main(int argc, char **argv)
{
	options(argc, argv);
	io_init();
	message_init();
	latency = calloc(opt.count + 16, sizeof *latency);
	sessions = calloc(opt.sessions, sizeof *sessions);
	if (!latency || !sessions)
		die("no memory");
	if (opt.sink)
		sink_start(opt.sink);
	for (unsigned i = 0; i < opt.sessions; i++) {
		struct session *s = &sessions[i];
		s->work = chosen;
		s->fd = -1;
		s->id = i;
		if (chosen->connects_itself)
			session_ready(s);
		else
			io_connect(s);
		/* no more than 64 at once in the listener's queue */
		for (uint64_t end = now_us() + 60000000; readies + 64 < i && now_us() < end;)
			io_turn(100);
	}
	for (uint64_t end = now_us() + 60000000; readies < opt.sessions;) {
		io_turn(100);
		if (now_us() > end)
			die("only %u of %u sessions could be set up", readies, opt.sessions);
	}
	wait_go();
	first_us = last_us = now_us();
	for (unsigned i = 0; i < opt.sessions && chosen->go; i++)
		chosen->go(&sessions[i]);
	while (chosen->go && done + (opt.multi - 1) < opt.count) {
		io_turn(1000);
		if (now_us() > last_us + 120000000)
			die("nothing came for two minutes; %llu of %llu done",
				(unsigned long long)done, (unsigned long long)opt.count);
	}
	report();
	return 0;
}
