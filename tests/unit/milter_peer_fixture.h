/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter that answers by a script, on a socketpair, in the loop of the test. */
#ifndef MILTER_PEER_FIXTURE_H
#define MILTER_PEER_FIXTURE_H

#include "io_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "../fake/fake_milter_change.h"
#include "io/sock.h"
#include "policy/chain.h"
#include "policy/milter.h"

enum {
	FILTER_CONNECTIONS = 4,
	FILTER_RULES = 32,
	FILTER_HEARD_SIZE = 1024, /* of one connection */
	FIXTURE_HURRY_MS = 20,
};

/* What the filter does when a command comes, in place of CONTINUE. */
enum filter_act {
	FILTER_SENDS,       /* the bytes, and nothing else */
	FILTER_CLOSES,      /* the bytes, and closes */
	FILTER_IS_SILENT,
	FILTER_STOPS,       /* the bytes, and reads no more */
};

struct filter_rule {
	char command;
	unsigned nth;       /* of this command, over all connections, from 1; 0: every one */
	enum filter_act act;
	const char *bytes;
	size_t length;
};

#define SENDS(command, nth, bytes) { (command), (nth), FILTER_SENDS, (bytes), sizeof(bytes) - 1 }
#define CLOSES(command, nth, bytes) { (command), (nth), FILTER_CLOSES, (bytes), sizeof(bytes) - 1 }
#define SILENT(command, nth) { (command), (nth), FILTER_IS_SILENT, "", 0 }
#define STOPS(command, nth, bytes) { (command), (nth), FILTER_STOPS, (bytes), sizeof(bytes) - 1 }

/* Packets. */
#define ANSWER(letter) "\0\0\0\1" letter

struct filter_connection {
	struct fixture *fixture;
	int fd;
	struct loop_watch *watch;
	struct buf in;
	struct buf out;
	bool ends;
	char heard[FILTER_HEARD_SIZE]; /* letters of commands; '.' it is closed by us */
};

struct fixture {
	struct loop *loop;
	struct settings_milter settings;
	struct settings_listener listener;
	struct settings all;
	struct milter_health health;
	struct milter_means means;
	struct milter milter;
	struct mail_session session;
	struct chain *chain;
	struct mail *mail;
	struct mail_recipient asked;
	bool waits;
	struct verdict verdict;

	/* the filter */
	uint32_t version, actions, steps;
	const struct filter_rule *rules;
	bool dribbles;      /* one byte a turn */
	bool stutters;      /* every packet without payload has a send of its own */
	bool with_tcp;
	unsigned refuse_from; /* the so manyth connection and all behind it are refused; 0: none */
	char hurry_after;   /* when it has answered this, what is told next has little time */
	unsigned reads;     /* how often something came */
	unsigned dialed;
	unsigned seen[256];
	struct filter_connection connections[FILTER_CONNECTIONS];
	char heard[FILTER_CONNECTIONS * FILTER_HEARD_SIZE];
	struct buf raw;     /* of the last connection */

	struct loop_timer later; /* for a test */
	struct loop_defer dial;
	milter_dialed_fn *dialed_fn;
	void *asker;
	bool dialing;
};

static inline void
fixture_hear(struct filter_connection *connection, char letter)
{
	size_t length = strlen(connection->heard);

	assert_true(length + 1 < sizeof connection->heard);
	connection->heard[length] = letter;
}

/* All connections, parted by '/'. */
static inline const char *
fixture_heard(struct fixture *fixture)
{
	fixture->heard[0] = '\0';
	for (unsigned i = 0; i < FILTER_CONNECTIONS && fixture->connections[i].fixture; i++) {
		if (i)
			strcat(fixture->heard, "/");
		strcat(fixture->heard, fixture->connections[i].heard);
	}
	return fixture->heard;
}

/* ---- the filter ------------------------------------------------------------------------------ */

static inline void
fixture_hang_up(struct filter_connection *connection)
{
	loop_watch_free(&connection->watch);
	sock_close(&connection->fd);
}

static inline void
fixture_flush(struct filter_connection *connection)
{
	size_t size = buf_length(&connection->out);
	ssize_t sent;

	if (connection->fixture->dribbles && size > 1)
		size = 1;
	if (connection->fixture->stutters && size > 5)
		size = 5;
	if (size) {
		sent = send(connection->fd, buf_span(&connection->out).start, size, MSG_NOSIGNAL);
		if (sent > 0)
			buf_consume(&connection->out, (size_t)sent);
		if (connection->fixture->stutters && buf_length(&connection->out)) {
			fixture_flush(connection);
			return;
		}
	}
	if (buf_length(&connection->out))
		loop_watch_set(connection->watch, LOOP_READABLE | LOOP_WRITABLE);
	else if (connection->ends)
		fixture_hang_up(connection);
	else
		loop_watch_set(connection->watch, LOOP_READABLE);
}

static inline bool
fixture_is_due(const struct fixture *fixture, char command)
{
	static const struct { char command; uint32_t mute; } mutes[] = {
		{ 'U', MILTER_MUTE_UNKNOWN }, { 'C', MILTER_MUTE_CONNECT }, { 'H', MILTER_MUTE_HELO }, { 'M', MILTER_MUTE_MAIL },
		{ 'R', MILTER_MUTE_RCPT }, { 'T', MILTER_MUTE_DATA }, { 'L', MILTER_MUTE_HEADER },
		{ 'N', MILTER_MUTE_HEADER_END }, { 'B', MILTER_MUTE_BODY },
	};

	for (size_t i = 0; i < sizeof mutes / sizeof *mutes; i++)
		if (mutes[i].command == command)
			return !(fixture->steps & mutes[i].mute);
	return command == 'E';
}

static inline void
fixture_offer(struct filter_connection *connection)
{
	struct fixture *fixture = connection->fixture;

	milter_write_offer(&connection->out, fixture->version, fixture->actions, fixture->steps);
}

static inline void
fixture_hurry(struct fixture *fixture)
{
	fixture->settings.command_wait = FIXTURE_HURRY_MS;
	fixture->settings.content_wait = FIXTURE_HURRY_MS;
	fixture->settings.end_wait = FIXTURE_HURRY_MS;
}

/* False if it reads no more. */
static inline bool
fixture_answer(struct filter_connection *connection, char command)
{
	struct fixture *fixture = connection->fixture;
	unsigned nth = ++fixture->seen[(unsigned char)command];

	for (const struct filter_rule *rule = fixture->rules; rule && rule->command; rule++) {
		if (rule->command != command || (rule->nth && rule->nth != nth))
			continue;
		buf_add(&connection->out, rule->bytes, rule->length);
		connection->ends = rule->act == FILTER_CLOSES;
		return rule->act != FILTER_STOPS;
	}
	if (command == 'O')
		fixture_offer(connection);
	else if (fixture_is_due(fixture, command))
		buf_add(&connection->out, ANSWER("c"), 5);
	return true;
}

static inline void
fixture_on_filter(unsigned events, void *context)
{
	struct filter_connection *connection = context;
	struct fixture *fixture = connection->fixture;
	char bytes[65536];
	ssize_t got;

	if (events & LOOP_WRITABLE)
		fixture_flush(connection);
	if (connection->fd < 0 || !(events & LOOP_READABLE))
		return;
	got = recv(connection->fd, bytes, sizeof bytes, 0);
	if (got <= 0) {
		if (got == 0 || errno != EAGAIN) {
			fixture_hear(connection, '.');
			fixture_hang_up(connection);
		}
		return;
	}
	fixture->reads++;
	buf_add(&connection->in, bytes, (size_t)got);
	buf_add(&fixture->raw, bytes, (size_t)got);
	for (;;) {
		struct span in = buf_span(&connection->in);
		const unsigned char *head = (const unsigned char *)in.start;
		size_t length;

		if (in.length < 5 || connection->ends)
			break;
		length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
		assert_true(length >= 1 && length <= 65536);
		if (in.length < 4 + length)
			break;
		if (head[4] != 'D') {
			fixture_hear(connection, (char)head[4]);
			if (!fixture_answer(connection, (char)head[4])) {
				fixture_flush(connection);
				loop_watch_set(connection->watch, 0);
				return;
			}
			if (head[4] == (unsigned char)fixture->hurry_after)
				fixture_hurry(fixture);
		}
		buf_consume(&connection->in, 4 + length);
	}
	fixture_flush(connection);
}

/* ---- means ----------------------------------------------------------------------------------- */

/* As dial makes one: without Nagle on our side; the filter knows nothing of that. */
static inline void
fixture_tcp_pair(int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&at, size), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	sock_close(&listener);
	setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
}

static inline void
fixture_on_dial(void *context)
{
	struct fixture *fixture = context;
	struct fault fault = FAULT_INIT;
	struct filter_connection *connection;
	int fds[2];

	fixture->dialing = false;
	fixture->dialed++;
	if (fixture->refuse_from && fixture->dialed >= fixture->refuse_from) {
		fault_set(&fault, FAULT_SYSTEM, "connect to the filter: refused");
		fixture->dialed_fn(fixture->asker, -1, &fault);
		return;
	}
	assert_true(fixture->dialed <= FILTER_CONNECTIONS);
	if (fixture->with_tcp)
		fixture_tcp_pair(fds);
	else
		assert_true(sock_pair(fds, &fault));
	connection = &fixture->connections[fixture->dialed - 1];
	*connection = (struct filter_connection){ .fixture = fixture, .fd = fds[1],
		.in = BUF_INIT(0), .out = BUF_INIT(0) };
	connection->watch = loop_watch_new(fixture->loop, fds[1], fixture_on_filter, connection);
	loop_watch_set(connection->watch, LOOP_READABLE);
	buf_clear(&fixture->raw);
	fixture->dialed_fn(fixture->asker, fds[0], NULL);
}

static inline void *
fixture_dial(void *context, const char *filter, uint64_t wait_ms, milter_dialed_fn *done, void *asker)
{
	struct fixture *fixture = context;

	assert_string_equal(filter, "test");
	assert_true(wait_ms > 0);
	assert_false(fixture->dialing);
	fixture->dialing = true;
	fixture->dialed_fn = done;
	fixture->asker = asker;
	loop_defer_init(&fixture->dial, fixture->loop, fixture_on_dial, fixture);
	loop_defer(&fixture->dial);
	return fixture;
}

static inline void
fixture_dial_forget(void *context, void **call)
{
	struct fixture *fixture = context;

	assert_true(fixture->dialing);
	loop_defer_cancel(&fixture->dial);
	fixture->dialing = false;
	*call = NULL;
}

#endif
