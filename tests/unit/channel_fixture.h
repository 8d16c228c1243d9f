/* SPDX-License-Identifier: BSD-2-Clause */
/* A channel with both its ends in this process. */
#ifndef UNIT_CHANNEL_FIXTURE_H
#define UNIT_CHANNEL_FIXTURE_H

#include "io/loop.h"
#include "ipc/channel.h"
#include "unit.h"

#include <sys/socket.h>

enum { WAIT_MS = 5000 };

/* One end of a pair, and what came there. */
struct end {
	struct channel *channel;
	unsigned messages;
	unsigned answers;
	unsigned unanswered;
	unsigned closed;
	unsigned rooms;
	uint32_t request;
	uint64_t sum;
	int fd;
	bool keep_fd;
	bool accept;
	bool more;         /* wait for further answers */
	unsigned stop_at;  /* messages */
	struct channel *free_in_message;
	struct fault why;
};

static struct loop *loop;
static struct end smtp;
static struct end queue;
static struct loop_timer guard;

static inline void
on_guard(void *context)
{
	(void)context;
	fail_msg("nothing happened in time");
}

static inline bool
on_message(void *context, struct channel_message *message)
{
	struct end *end = context;

	end->messages++;
	end->request = message->request;
	if (message->bytes.length)
		end->sum += (unsigned char)message->bytes.start[message->bytes.length - 1];
	if (end->keep_fd && message->fd >= 0) {
		end->fd = message->fd;
		message->fd = -1;
	}
	if (end->free_in_message)
		channel_free(&end->channel);
	if (!end->stop_at || end->messages == end->stop_at)
		loop_stop(loop);
	return end->accept;
}

static inline void
on_closed(void *context, const struct fault *why)
{
	struct end *end = context;

	end->closed++;
	end->why = *why;
	loop_stop(loop);
}

static inline void
on_room(void *context)
{
	struct end *end = context;

	end->rooms++;
}

static const struct channel_events events = { on_message, on_closed, on_room };

static inline void
run(void)
{
	loop_timer_start(&guard, WAIT_MS);
	loop_run(loop);
	loop_timer_stop(&guard);
}

static inline void
pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static inline int
set_up(void **state)
{
	int fds[2];

	(void)state;
	loop = loop_new();
	loop_timer_init(&guard, loop, on_guard, NULL);
	pair(fds);
	smtp = (struct end){ .accept = true, .fd = -1 };
	queue = (struct end){ .accept = true, .fd = -1 };
	smtp.channel = channel_new(loop, fds[0], ROLE_SMTP, ROLE_QUEUE, &events, &smtp);
	queue.channel = channel_new(loop, fds[1], ROLE_QUEUE, ROLE_SMTP, &events, &queue);
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	channel_free(&smtp.channel);
	channel_free(&queue.channel);
	channel_free(&queue.channel);
	loop_timer_stop(&guard);
	loop_free(&loop);
	return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
