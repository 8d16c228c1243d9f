/* SPDX-License-Identifier: BSD-2-Clause */
/* A hop on a thread: one connection, a script of lines. */
#include "scripted_hop.h"

#include "io/sock.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_BYTE_MS = 20 };

struct scripted_hop server;

static bool
read_line(char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size) {
		if (read(server.connection, line + used, 1) != 1)
			return false;
		if (line[used++] == '\n')
			break;
	}
	line[used] = '\0';
	return true;
}

static bool
read_content(void)
{
	size_t used = 0;
	char line[70000];

	while (read_line(line, sizeof line)) {
		if (strcmp(line, ".\r\n") == 0) {
			server.content[used] = '\0';
			return true;
		}
		used += (size_t)snprintf(server.content + used, sizeof server.content - used, "%s", line);
	}
	return false;
}

static void
say(const char *text)
{
	const struct timespec pause = { .tv_nsec = SLOW_BYTE_MS * 1000 * 1000 };

	if (*text != '~') {
		(void)!write(server.connection, text, strlen(text));
		return;
	}
	while (*++text && send(server.connection, text, 1, MSG_NOSIGNAL) == 1)
		nanosleep(&pause, NULL);
}

static void *
serve(void *context)
{
	char line[70000];

	(void)context;
	server.connection = accept(server.listener, NULL, NULL);
	say(server.greeting);
	for (const struct step *step = server.steps; step->wants; step++) {
		if (strcmp(step->wants, ".") == 0) {
			if (!read_content())
				break;
		} else if (step->wants[0]) {
			if (!read_line(line, sizeof line))
				break;
			snprintf(server.said + strlen(server.said),
				sizeof server.said - strlen(server.said), "%s", line);
			if (strncmp(line, step->wants, strlen(step->wants)) != 0) {
				snprintf(server.complaint, sizeof server.complaint,
					"wanted \"%s\", got \"%.200s\"", step->wants, line);
				break;
			}
		}
		if (!step->says)
			break;
		say(step->says);
	}
	shutdown(server.connection, SHUT_WR);
	while (read(server.connection, line, sizeof line) > 0)
		;
	close(server.connection);
	return NULL;
}

void
scripted_hop_start(const char *greeting, const struct step *steps)
{
	struct sock_address address;
	struct fault fault = FAULT_INIT;
	int flags = 0;

	memset(&server, 0, sizeof server);
	server.greeting = greeting;
	server.steps = steps;
	assert_true(sock_address_parse(SPAN_LITERAL("127.0.0.1:0"), &address, &fault));
	server.listener = sock_listen(&address, &fault);
	assert_true(server.listener >= 0);
	assert_int_equal(ioctl(server.listener, FIONBIO, &flags), 0);
	assert_true(sock_local(server.listener, &address));
	server.port = sock_address_port(&address);
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

void
scripted_hop_stop(void)
{
	pthread_join(server.thread, NULL);
	close(server.listener);
	if (server.complaint[0])
		fail_msg("%s", server.complaint);
}
