/* SPDX-License-Identifier: BSD-2-Clause */
/* A channel that is replaced: what was asked of the old one is answered, and nothing of it lingers.
 */
#include "unit.h"

#include <unistd.h>

#include "client/peer.h"
#include "io/loop.h"
#include "io/sock.h"

struct place {
	struct loop *loop;
	struct peer peer;
	unsigned messages;
	unsigned unanswered;
};

static bool
on_message(void *context, struct channel_message *message)
{
	struct place *place = context;

	place->messages += message->id == MSG_PRESSURE;
	return true;
}

static bool
on_answer(void *context, struct channel_message *answer)
{
	struct place *place = context;

	place->unanswered += answer == NULL;
	return true;
}

static void
on_turn(void *context)
{
	struct place *place = context;

	loop_stop(place->loop);
}

static void
turns(struct place *place, unsigned count)
{
	struct loop_defer defer;

	loop_defer_init(&defer, place->loop, on_turn, place);
	for (unsigned i = 0; i < count; i++) {
		loop_defer(&defer);
		loop_run(place->loop);
	}
}

/* The other end of a new channel. */
static int
set(struct place *place)
{
	int fds[2];

	assert_true(sock_pair(fds, NULL));
	peer_set(&place->peer, fds[0]);
	assert_non_null(peer_channel(&place->peer));
	return fds[1];
}

static uint32_t
ask(struct place *place)
{
	uint32_t request = channel_ask(
		peer_channel(&place->peer), MSG_BODY_OPEN, NULL, -1, 0, on_answer, place);

	assert_int_not_equal(request, 0);
	return request;
}

static void
test_peer(void **state)
{
	static const struct channel_events events = { .on_message = on_message };
	struct place place = { .loop = loop_new() };
	int first;
	int second;

	(void)state;
	peer_init(&place.peer, place.loop, ROLE_SMTP, ROLE_QUEUE, &events, &place);
	assert_null(peer_channel(&place.peer));
	/* it dies */
	first = set(&place);
	ask(&place);
	turns(&place, 3);
	close(first);
	turns(&place, 3);
	assert_null(peer_channel(&place.peer));
	assert_int_equal(place.unanswered, 1);
	/* it is replaced while it lives, and once more in the same turn */
	first = set(&place);
	ask(&place);
	second = set(&place);
	close(set(&place));
	close(second);
	second = set(&place);
	turns(&place, 3);
	assert_int_equal(place.unanswered, 2);
	assert_non_null(peer_channel(&place.peer));
	/* and the last one is the one that counts */
	ask(&place);
	close(first);
	turns(&place, 3);
	assert_int_equal(place.unanswered, 2);
	close(second);
	turns(&place, 3);
	assert_int_equal(place.unanswered, 3);
	assert_null(peer_channel(&place.peer));
	peer_fini(&place.peer);
	loop_free(&place.loop);
}

/* Forgotten while it works, when it has just broken, or after its end: never heard of. */
static void
test_forget(void **state)
{
	static const struct channel_events events = { .on_message = on_message };
	struct place place = { .loop = loop_new() };
	uint32_t request;
	int fd;

	(void)state;
	peer_init(&place.peer, place.loop, ROLE_SMTP, ROLE_QUEUE, &events, &place);
	fd = set(&place);
	peer_forget(&place.peer, ask(&place));
	request = ask(&place);
	channel_drop(peer_channel(&place.peer), "broken");
	assert_null(peer_channel(&place.peer));
	peer_forget(&place.peer, request);
	turns(&place, 3);
	assert_int_equal(place.unanswered, 0);
	peer_forget(&place.peer, request);
	close(fd);
	peer_fini(&place.peer);
	loop_free(&place.loop);
}

/* Replaced: the old questions end there and then, before anything is asked of the new one. */
static void
test_replace(void **state)
{
	static const struct channel_events events = { .on_message = on_message };
	struct place place = { .loop = loop_new() };
	int fds[2];

	(void)state;
	peer_init(&place.peer, place.loop, ROLE_SMTP, ROLE_QUEUE, &events, &place);
	fds[0] = set(&place);
	ask(&place);
	fds[1] = set(&place);
	assert_int_equal(place.unanswered, 1);
	close(fds[0]);
	close(fds[1]);
	peer_fini(&place.peer);
	loop_free(&place.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
