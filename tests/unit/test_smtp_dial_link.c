/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections asked of dial: answered once, asked again when dial comes back, forgotten for good. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "io/sock.h"
#include "ipc/message_login.h"
#include "smtp/dial_link.h"

enum { WAIT_MS = 5000, ASKED_MAX = 8 };

enum answer {
	ANSWER_CONNECTED,
	ANSWER_REFUSED,
	ANSWER_BUSY,
	ANSWER_GARBAGE,
	ANSWER_LATER, /* when the test says so */
};

static struct {
	struct loop *loop;
	struct dial_link *link;
	struct channel *dial; /* the fake's end */
	enum answer answer;
	struct {
		uint32_t request;
		char endpoint[64];
		uint32_t wait_ms;
	} asked[ASKED_MAX];
	unsigned asked_count;
	uint32_t cancelled;
	unsigned cancels;
	int far;              /* the other end of what was connected */
	unsigned closed;
	unsigned done;
	int fd;
	struct fault fault;
	struct loop_timer guard;
} rig;

static void
on_guard(void *context)
{
	(void)context;
	fail_msg("nothing happened in time");
}

/* Until the count is reached, or so many turns of a millisecond have passed. */
static void
on_turn(void *context)
{
	(void)context;
	loop_stop(rig.loop);
}

static void
wait_for(const unsigned *count, unsigned value)
{
	struct loop_timer turn;

	loop_timer_start(&rig.guard, WAIT_MS);
	loop_timer_init(&turn, rig.loop, on_turn, NULL);
	while (*count < value) {
		loop_timer_start(&turn, 1);
		loop_run(rig.loop);
	}
	loop_timer_stop(&rig.guard);
}

static void
turns(unsigned count)
{
	struct loop_defer defer;

	loop_defer_init(&defer, rig.loop, on_turn, NULL);
	while (count--) {
		loop_defer(&defer);
		loop_run(rig.loop);
	}
}

/* ---- the fake of dial ------------------------------------------------------------------------ */

static void
connect_one(uint32_t request)
{
	struct message_dialed dialed = { .address = "127.0.0.1:8891" };
	struct buf content = BUF_INIT(0);
	int fds[2];

	assert_true(sock_pair(fds, NULL));
	sock_close(&rig.far);
	rig.far = fds[0];
	message_dialed_pack(&content, &dialed);
	assert_true(channel_answer(rig.dial, request, MSG_DIALED, &content, fds[1]));
	buf_fini(&content);
}

static bool
on_asked(void *context, struct channel_message *message)
{
	struct arena *arena = arena_new(0);
	struct message_dial question;
	struct message_dial_cancel cancel;
	struct buf garbage = BUF_INIT(0);

	(void)context;
	if (message->id == MSG_DIAL_CANCEL) {
		assert_true(message_dial_cancel_unpack(message->bytes, arena, &cancel));
		rig.cancelled = cancel.call;
		rig.cancels++;
		arena_free(&arena);
		return true;
	}
	assert_int_equal(message->id, MSG_DIAL);
	assert_true(message_dial_unpack(message->bytes, arena, &question));
	assert_true(rig.asked_count < ASKED_MAX);
	rig.asked[rig.asked_count].request = message->request;
	rig.asked[rig.asked_count].wait_ms = question.wait_ms;
	snprintf(rig.asked[rig.asked_count].endpoint, sizeof rig.asked[0].endpoint, "%s",
		question.endpoint);
	rig.asked_count++;
	switch (rig.answer) {
	case ANSWER_CONNECTED:
		connect_one(message->request);
		break;
	case ANSWER_REFUSED:
		channel_refuse(rig.dial, message->request, 451, "4.4.1", "nobody listens there");
		break;
	case ANSWER_BUSY:
		channel_refuse(rig.dial, message->request, 451, MESSAGE_DIAL_BUSY, "too many");
		break;
	case ANSWER_GARBAGE:
		buf_add_text(&garbage, "\1");
		channel_answer(rig.dial, message->request, MSG_REFUSED, &garbage, -1);
		break;
	case ANSWER_LATER:
		break;
	}
	buf_fini(&garbage);
	arena_free(&arena);
	return true;
}

static void
on_closed(void *context, const struct fault *why)
{
	(void)context;
	(void)why;
	rig.closed++;
	channel_free(&rig.dial);
}

static void
start_dial(void)
{
	static const struct channel_events events = { .on_message = on_asked,
		.on_closed = on_closed };
	int fds[2];

	assert_true(sock_pair(fds, NULL));
	channel_free(&rig.dial);
	rig.dial = channel_new(rig.loop, fds[0], ROLE_DIAL, ROLE_SMTP, &events, NULL);
	dial_link_set(rig.link, fds[1]);
}

/* ---- who asks -------------------------------------------------------------------------------- */

static void
on_done(void *context, int fd, const struct fault *fault)
{
	assert_ptr_equal(context, &rig);
	rig.done++;
	rig.fd = fd;
	rig.fault = fd < 0 ? *fault : FAULT_INIT;
}

static struct dial_call *
call(uint64_t wait_ms)
{
	unsigned before = rig.done;
	struct dial_call *made =
		dial_link_call(rig.link, "milter:filter", wait_ms, on_done, &rig);

	assert_non_null(made);
	assert_int_equal(rig.done, before); /* never from inside the call */
	return made;
}

static void
connected(void **state)
{
	char byte;

	(void)state;
	start_dial();
	call(3000);
	wait_for(&rig.done, 1);
	assert_true(rig.fd >= 0);
	assert_true(fcntl(rig.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(rig.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(rig.far, "x", 1), 1);
	assert_int_equal(read(rig.fd, &byte, 1), 1);
	assert_string_equal(rig.asked[0].endpoint, "milter:filter");
	assert_in_range(rig.asked[0].wait_ms, 2000, 3000);
}

static void
refused_with_its_reason(void **state)
{
	(void)state;
	rig.answer = ANSWER_REFUSED;
	start_dial();
	call(3000);
	wait_for(&rig.done, 1);
	assert_int_equal(rig.fd, -1);
	assert_string_equal(rig.fault.text, "nobody listens there");
	assert_int_equal(rig.fault.kind, FAULT_MISSING);
}

/* It has too much to do: that is not the fault of whom we call. */
static void
refused_for_want_of_room(void **state)
{
	(void)state;
	rig.answer = ANSWER_BUSY;
	start_dial();
	call(3000);
	wait_for(&rig.done, 1);
	assert_int_equal(rig.fault.kind, FAULT_BUSY);
}

static void
a_malformed_answer_is_a_failure_and_ends_the_channel(void **state)
{
	(void)state;
	rig.answer = ANSWER_GARBAGE;
	start_dial();
	call(3000);
	wait_for(&rig.done, 1);
	assert_int_equal(rig.fd, -1);
	wait_for(&rig.closed, 1);
	assert_null(dial_link_channel(rig.link));
}

static void
while_dial_is_away_calls_wait_for_it(void **state)
{
	(void)state;
	call(3000);
	call(3000);
	turns(3);
	assert_int_equal(rig.done, 0);
	start_dial();
	wait_for(&rig.done, 2);
	assert_int_equal(rig.asked_count, 2);
}

static void
a_dial_that_dies_leaves_its_calls_to_the_next(void **state)
{
	(void)state;
	rig.answer = ANSWER_LATER;
	start_dial();
	call(3000);
	wait_for(&rig.asked_count, 1);
	channel_free(&rig.dial);
	turns(3);
	assert_null(dial_link_channel(rig.link));
	assert_int_equal(rig.done, 0);
	rig.answer = ANSWER_CONNECTED;
	start_dial();
	wait_for(&rig.done, 1);
	assert_true(rig.fd >= 0);
	assert_int_equal(rig.asked_count, 2);
}

/* The pair is replaced before anybody has seen that the one before is gone. */
static void
a_new_link_in_place_of_one_that_works(void **state)
{
	(void)state;
	rig.answer = ANSWER_LATER;
	start_dial();
	call(3000);
	wait_for(&rig.asked_count, 1);
	rig.answer = ANSWER_CONNECTED;
	start_dial();
	wait_for(&rig.done, 1);
	assert_true(rig.fd >= 0);
}

static void
nobody_answers(void **state)
{
	(void)state;
	rig.answer = ANSWER_LATER;
	call(0);
	wait_for(&rig.done, 1);
	assert_string_equal(rig.fault.text, "dial is away");
	start_dial();
	call(1);
	wait_for(&rig.done, 2);
	assert_string_equal(rig.fault.text, "dial does not answer");
	wait_for(&rig.cancels, 1);
}

/* Whoever forgot is not called, and the connection that was made for it is closed. */
static void
forgotten(void **state)
{
	struct dial_call *made;
	char byte;

	(void)state;
	rig.answer = ANSWER_LATER;
	start_dial();
	made = call(3000);
	wait_for(&rig.asked_count, 1);
	dial_link_forget(&made);
	assert_null(made);
	dial_link_forget(&made);
	wait_for(&rig.cancels, 1);
	assert_int_equal(rig.cancelled, rig.asked[0].request);
	connect_one(rig.asked[0].request); /* it was on its way already */
	rig.answer = ANSWER_REFUSED;
	call(3000);
	wait_for(&rig.done, 1);
	assert_int_equal(read(rig.far, &byte, 1), 0);
}

static void
the_end_of_the_process_answers_nobody(void **state)
{
	(void)state;
	rig.answer = ANSWER_LATER;
	start_dial();
	call(3000);
	wait_for(&rig.asked_count, 1);
	dial_link_free(&rig.link);
	turns(3);
	assert_int_equal(rig.done, 0);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&rig, 0, sizeof rig);
	rig.far = rig.fd = -1;
	rig.loop = loop_new();
	rig.link = dial_link_new(rig.loop);
	loop_timer_init(&rig.guard, rig.loop, on_guard, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dial_link_free(&rig.link);
	channel_free(&rig.dial);
	sock_close(&rig.far);
	sock_close(&rig.fd);
	loop_free(&rig.loop);
	return 0;
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(connected),
		CASE(refused_with_its_reason),
		CASE(refused_for_want_of_room),
		CASE(a_malformed_answer_is_a_failure_and_ends_the_channel),
		CASE(while_dial_is_away_calls_wait_for_it),
		CASE(a_dial_that_dies_leaves_its_calls_to_the_next),
		CASE(a_new_link_in_place_of_one_that_works),
		CASE(nobody_answers),
		CASE(forgotten),
		CASE(the_end_of_the_process_answers_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
