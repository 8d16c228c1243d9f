/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream in clear with its owner, and its peer as a bare fd. */
#ifndef STREAM_PEER_FIXTURE_H
#define STREAM_PEER_FIXTURE_H

#include "stream_fixture.h"

static struct loop *loop;
static struct owner owner;
static int peer;

static inline int
set_up(void **state)
{
	int fds[2];

	(void)state;
	loop = loop_new();
	assert_true(sock_pair(fds, NULL));
	owner_init(&owner, loop, fds[0]);
	peer = fds[1];
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	owner_fini(&owner);
	sock_close(&peer);
	loop_free(&loop);
	return 0;
}

static inline void
run_until_taken(size_t bytes)
{
	owner.stop_at = bytes;
	while (buf_length(&owner.got) < bytes && !owner.closed)
		fixture_run(loop);
}

static inline void
run_until_closed(void)
{
	while (!owner.closed)
		fixture_run(loop);
}

#endif
