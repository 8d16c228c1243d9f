/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An SMTP load generator: keeps C connections busy with K messages each until N messages are
 * accepted or the time is over, and prints one JSON line. One thread, epoll, GnuTLS.
 *
 * TCP_QUICKACK is set after each read, so that a server with Nagle's algorithm on is measured for
 * what it does, not for what the client's delayed acknowledgements do to it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

enum { IN_BYTES = 4096, EVENTS = 256, SAMPLES_MAX = 2000000 };

enum phase { BANNER, EHLO, STARTTLS, HANDSHAKE, EHLO_TLS, AUTH, MAIL, RCPT, DATA, END, QUIT, IDLE };

struct connection {
	int fd;
	enum phase phase;
	bool open;
	gnutls_session_t tls;
	char in[IN_BYTES];
	size_t in_length;
	const char *out;       /* what is being sent; static or the message */
	size_t out_left;
	unsigned messages;     /* left on this connection */
	double began;          /* this message, or the connection for its first */
	double dot;
};

static struct {
	struct sockaddr_in to;
	unsigned connections;
	unsigned per_connection;
	unsigned long total;
	double seconds;
	size_t size;
	bool tls;
	bool hold;             /* log in and stay: for the memory of idle connections */
	char auth[1024];       /* the whole command; empty: none */
	char mail[512];
	char rcpt[512];
} plan = { .connections = 1, .per_connection = 1, .total = 1000, .seconds = 60, .size = 4096 };

static char mail_command[600];
static char rcpt_command[600];
static int poller;
static char *message;
static size_t message_length;
static unsigned long started, accepted, refused, broken, ready;
static unsigned busy;
static float *to_accept, *to_end;
static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priority;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* The final CRLF.CRLF is part of it. */
static void
make_message(void)
{
	static const char line[] =
		"The quick brown fox jumps over the lazy dog, as it has done so often befor\r\n";
	size_t used;

	message = malloc(plan.size + 1024);
	used = (size_t)sprintf(message, "From: <%s>\r\nTo: <%s>\r\nSubject: load\r\n\r\n", plan.mail,
		plan.rcpt);
	while (used + sizeof line - 1 <= plan.size) {
		memcpy(message + used, line, sizeof line - 1);
		used += sizeof line - 1;
	}
	memcpy(message + used, ".\r\n", 3);
	message_length = used + 3;
}

static void connection_start(struct connection *c);

static void
connection_end(struct connection *c, bool good)
{
	if (!good)
		broken++;
	if (c->tls)
		gnutls_deinit(c->tls);
	c->tls = NULL;
	close(c->fd);
	c->open = false;
	busy--;
	if (accepted + refused < plan.total && !plan.hold && broken < 1000)
		connection_start(c);
}

static void
watch(struct connection *c, int how, bool writing)
{
	struct epoll_event event = { .events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c };

	if (epoll_ctl(poller, how, c->fd, &event) < 0)
		die("epoll_ctl");
}

static bool
flush(struct connection *c)
{
	while (c->out_left) {
		ssize_t put = c->tls && c->phase != HANDSHAKE
			? gnutls_record_send(c->tls, c->out, c->out_left)
			: send(c->fd, c->out, c->out_left, MSG_NOSIGNAL);

		if (put > 0) {
			c->out += put;
			c->out_left -= (size_t)put;
			if (!c->out_left)
				watch(c, EPOLL_CTL_MOD, false);
		} else if (put == GNUTLS_E_AGAIN || put == GNUTLS_E_INTERRUPTED ||
			(put < 0 && !c->tls && (errno == EAGAIN || errno == EINTR))) {
			watch(c, EPOLL_CTL_MOD, true);
			return true;
		} else {
			return false;
		}
	}
	return true;
}

static bool
say(struct connection *c, enum phase next, const char *text, size_t length)
{
	c->phase = next;
	c->out = text;
	c->out_left = length;
	return flush(c);
}

static bool
command(struct connection *c, enum phase next, const char *text)
{
	return say(c, next, text, strlen(text));
}

static bool
handshake(struct connection *c)
{
	int result = gnutls_handshake(c->tls);

	if (result == GNUTLS_E_SUCCESS)
		return command(c, EHLO_TLS, "EHLO load.example\r\n");
	if (gnutls_error_is_fatal(result))
		return false;
	watch(c, EPOLL_CTL_MOD, gnutls_record_get_direction(c->tls) == 1);
	return true;
}

static bool
start_tls(struct connection *c)
{
	gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	gnutls_priority_set(c->tls, priority);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_transport_set_int(c->tls, c->fd);
	c->phase = HANDSHAKE;
	return handshake(c);
}

static bool
next_message(struct connection *c)
{
	if (plan.hold) {
		c->phase = IDLE;
		ready++;
		return true;
	}
	if (!c->messages || started >= plan.total)
		return command(c, QUIT, "QUIT\r\n");
	c->messages--;
	started++;
	return command(c, MAIL, mail_command);
}

static bool
log_in_or_send(struct connection *c)
{
	if (plan.auth[0] && c->phase != AUTH)
		return command(c, AUTH, plan.auth);
	return next_message(c);
}

static bool
on_end(struct connection *c, int code)
{
	double t = now();

	if (code == 250) {
		if (accepted < SAMPLES_MAX) {
			to_accept[accepted] = (float)(t - c->dot);
			to_end[accepted] = (float)(t - c->began);
		}
		accepted++;
	} else {
		refused++;
	}
	c->began = t;
	c->phase = AUTH;
	return log_in_or_send(c);
}

static bool
on_reply(struct connection *c, int code)
{
	if (code >= 400 && c->phase != END) {
		fprintf(stderr, "load: %d in phase %d\n", code, c->phase);
		return false;
	}
	switch (c->phase) {
	case BANNER:
		return command(c, EHLO, "EHLO load.example\r\n");
	case EHLO:
		if (plan.tls)
			return command(c, STARTTLS, "STARTTLS\r\n");
		return log_in_or_send(c);
	case STARTTLS:
		return start_tls(c);
	case EHLO_TLS:
	case AUTH:
		return log_in_or_send(c);
	case MAIL:
		return command(c, RCPT, rcpt_command);
	case RCPT:
		return command(c, DATA, "DATA\r\n");
	case DATA:
		c->dot = now();
		return say(c, END, message, message_length);
	case END:
		return on_end(c, code);
	case QUIT:
	case HANDSHAKE:
	case IDLE:
		break;
	}
	return false;
}

/* Whole replies only: the last line has a blank behind its code. */
static bool
take_lines(struct connection *c)
{
	char *end;

	while ((end = memchr(c->in, '\n', c->in_length))) {
		size_t length = (size_t)(end - c->in) + 1;
		bool last = length > 3 && c->in[3] != '-';
		int code = atoi(c->in);

		memmove(c->in, end + 1, c->in_length - length);
		c->in_length -= length;
		if (last && !on_reply(c, code))
			return false;
	}
	return c->in_length < IN_BYTES;
}

static bool
receive(struct connection *c)
{
	int one = 1;

	for (;;) {
		ssize_t got = c->tls ? gnutls_record_recv(c->tls, c->in + c->in_length,
					       IN_BYTES - c->in_length)
				     : recv(c->fd, c->in + c->in_length, IN_BYTES - c->in_length, 0);

		setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
		if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED ||
			(got < 0 && !c->tls && (errno == EAGAIN || errno == EINTR)))
			return true;
		if (got <= 0)
			return false;
		c->in_length += (size_t)got;
		if (!take_lines(c))
			return false;
		if (c->phase == HANDSHAKE)
			return true;
	}
}

static void
on_event(struct connection *c, uint32_t events)
{
	bool quitting = c->phase == QUIT;
	bool good;

	if (c->phase == HANDSHAKE)
		good = handshake(c);
	else
		good = (!(events & EPOLLOUT) || flush(c)) &&
			(!(events & ~(uint32_t)EPOLLOUT) || receive(c));
	if (!good)
		connection_end(c, quitting || c->phase == QUIT);
}

static void
connection_start(struct connection *c)
{
	int one = 1;

	memset(c, 0, sizeof *c);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, (struct sockaddr *)&plan.to, sizeof plan.to) < 0 && errno != EINPROGRESS)
		die("connect");
	c->open = true;
	c->messages = plan.per_connection;
	c->began = now();
	busy++;
	watch(c, EPOLL_CTL_ADD, false);
}

static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

static double
percentile(float *samples, double share)
{
	unsigned long count = accepted < SAMPLES_MAX ? accepted : SAMPLES_MAX;

	return count ? samples[(unsigned long)((double)(count - 1) * share)] * 1e3 : 0;
}

static void
base64(const char *from, size_t length, char *to)
{
	gnutls_datum_t in = { (unsigned char *)from, (unsigned)length };
	gnutls_datum_t out;

	gnutls_base64_encode2(&in, &out);
	memcpy(to, out.data, out.size);
	to[out.size] = '\0';
	gnutls_free(out.data);
}

static void
set_auth(const char *user, const char *password)
{
	char plain[512] = "", encoded[800];
	size_t length = 0;

	plain[length++] = '\0';
	length += (size_t)sprintf(plain + length, "%s", user) + 1;
	length += (size_t)sprintf(plain + length, "%s", password);
	base64(plain, length, encoded);
	snprintf(plan.auth, sizeof plan.auth, "AUTH PLAIN %s\r\n", encoded);
}

static void
usage(void)
{
	fprintf(stderr, "usage: load -p PORT -f FROM -t TO [-c CONNECTIONS] [-k MESSAGES-EACH] [-n TOTAL]\n"
			"            [-d SECONDS] [-s SIZE] [-T] [-u USER -w PASSWORD] [-H]\n");
	exit(2);
}

static void
read_plan(int argc, char **argv)
{
	const char *user = NULL, *password = NULL;
	int option;

	plan.to.sin_family = AF_INET;
	plan.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((option = getopt(argc, argv, "p:f:t:c:k:n:d:s:Tu:w:H")) != -1) {
		switch (option) {
		case 'p': plan.to.sin_port = htons((uint16_t)atoi(optarg)); break;
		case 'f': snprintf(plan.mail, sizeof plan.mail, "%s", optarg); break;
		case 't': snprintf(plan.rcpt, sizeof plan.rcpt, "%s", optarg); break;
		case 'c': plan.connections = (unsigned)atoi(optarg); break;
		case 'k': plan.per_connection = (unsigned)atoi(optarg); break;
		case 'n': plan.total = strtoul(optarg, NULL, 10); break;
		case 'd': plan.seconds = atof(optarg); break;
		case 's': plan.size = strtoul(optarg, NULL, 10); break;
		case 'T': plan.tls = true; break;
		case 'u': user = optarg; break;
		case 'w': password = optarg; break;
		case 'H': plan.hold = true; break;
		default: usage();
		}
	}
	if (!plan.to.sin_port || !plan.mail[0] || !plan.rcpt[0] || !plan.connections)
		usage();
	if (user)
		set_auth(user, password ? password : "");
	snprintf(mail_command, sizeof mail_command, "MAIL FROM:<%s>\r\n", plan.mail);
	snprintf(rcpt_command, sizeof rcpt_command, "RCPT TO:<%s>\r\n", plan.rcpt);
}

static void
report(double seconds)
{
	struct rusage usage_now;
	double cpu;

	getrusage(RUSAGE_SELF, &usage_now);
	cpu = (double)usage_now.ru_utime.tv_sec + (double)usage_now.ru_stime.tv_sec +
		(double)(usage_now.ru_utime.tv_usec + usage_now.ru_stime.tv_usec) / 1e6;
	qsort(to_accept, accepted < SAMPLES_MAX ? accepted : SAMPLES_MAX, sizeof *to_accept, compare);
	qsort(to_end, accepted < SAMPLES_MAX ? accepted : SAMPLES_MAX, sizeof *to_end, compare);
	printf("{\"accepted\":%lu,\"refused\":%lu,\"broken\":%lu,\"ready\":%lu,\"seconds\":%.4f,"
	       "\"rate\":%.1f,\"accept_p50_ms\":%.3f,\"accept_p99_ms\":%.3f,\"total_p50_ms\":%.3f,"
	       "\"total_p99_ms\":%.3f,\"load_cpu_s\":%.3f}\n",
		accepted, refused, broken, ready, seconds, (double)accepted / seconds,
		percentile(to_accept, 0.5), percentile(to_accept, 0.99), percentile(to_end, 0.5),
		percentile(to_end, 0.99), cpu);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct connection *connections;
	double begin;

	gnutls_global_init();
	read_plan(argc, argv);
	make_message();
	gnutls_certificate_allocate_credentials(&credentials);
	gnutls_priority_init(&priority, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
	to_accept = calloc(SAMPLES_MAX, sizeof *to_accept);
	to_end = calloc(SAMPLES_MAX, sizeof *to_end);
	poller = epoll_create1(0);
	connections = calloc(plan.connections, sizeof *connections);
	begin = now();
	for (unsigned i = 0; i < plan.connections; i++)
		connection_start(&connections[i]);
	while (busy && now() - begin < plan.seconds && (!plan.hold || ready < plan.connections)) {
		int count = epoll_wait(poller, events, EVENTS, 100);

		for (int i = 0; i < count; i++) {
			struct connection *c = events[i].data.ptr;

			if (c->open)
				on_event(c, events[i].events);
		}
		if (accepted + refused >= plan.total)
			break;
	}
	report(now() - begin);
	/* Whoever measures idle connections says by end of input that it is done. */
	if (plan.hold)
		(void)!read(STDIN_FILENO, message, 1);
	return 0;
}
