/* SPDX-License-Identifier: BSD-2-Clause */
/* Large transactions: the limits of content and header, loops, and bodies that go into files. */
#include "transaction_fixture.h"

/* ---- limits ---------------------------------------------------------------------------------- */

static void
say_large(struct rig *rig, size_t size)
{
	char *bytes = mem_alloc(size);

	memset(bytes, 'z', size);
	for (size_t i = 76; i + 4 < size; i += 78)
		memcpy(bytes + i, "\r\n", 2);
	memcpy(bytes + size - 2, "\r\n", 2);
	rig_say(rig, span_of(bytes, size));
	mem_free(&bytes);
}

/* D15, D5: too large: the rest is read and dropped, the session goes on, nothing is left of it. */
static void
test_size(void **state)
{
	struct rig *rig = begin("message-size = 64K header-size = 32K\n", false);

	(void)state;
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD);
	say_large(rig, 500000);
	rig_say_text(rig, ".\r\n");
	rig_hear(rig, "552 5.3.4 Message is larger than 65536 bytes, the most allowed here\r\n");
	rig_play(rig, "C: RCPT TO:<u@example.net>\nS: 503 5.5.1 MAIL first\n");
	next(rig);
	rig_say_text(rig, "BDAT 100000 LAST\r\n");
	say_large(rig, 100000);
	rig_hear_line(rig, "552 5.3.4 ");
	rig_play(rig, NOOP);
	next(rig);
	say_chunk(rig, SPAN_LITERAL(HEAD), false);
	rig_hear_line(rig, "250 2.0.0");
	rig_say_text(rig, "BDAT 65536 LAST\r\n");
	say_large(rig, 65536);
	rig_hear_line(rig, "552 5.3.4 ");
	next(rig);
	say_data(rig, HEAD "small\r\n.\r\n");
	rig_hear_line(rig, ok);
	assert_int_equal(rig->count, 1);
	rig_free(&rig);
}

/* The limit is that of the content: neither stuffed dots nor the final one count. */
static void
test_exact_size(void **state)
{
	struct rig *rig = begin("message-size = 64K header-size = 32K\n", false);
	size_t left = 65536 - (sizeof HEAD - 1) - 5;

	(void)state;
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD "....\r\n");
	say_large(rig, left);
	rig_say_text(rig, ".\r\n");
	rig_hear_line(rig, ok);
	next(rig);
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD "....\r\n");
	say_large(rig, left + 1);
	rig_say_text(rig, ".\r\n");
	rig_hear_line(rig, "552 5.3.4 ");
	rig_free(&rig);
}

static void
test_endless_content(void **state)
{
	struct rig *rig = begin("message-size = 64K header-size = 32K\n", false);

	(void)state;
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD);
	for (int i = 0; i < 40 && !rig->closed; i++) {
		say_large(rig, 1000000);
		rig_turns(rig, 40);
	}
	rig_hear_line(rig, "552 5.3.4 ");
	rig_hear_close(rig);
	rig_free(&rig);
}

/* E4, E5 */
static void
test_header_size(void **state)
{
	struct rig *rig = begin("header-size = 16K\n", false);
	struct buf lines = BUF_INIT(0);

	(void)state;
	for (int i = 0; i < 2000; i++)
		buf_add_text(&lines, "X-Line: a\r\n");
	rig_play(rig, DATA);
	rig_say(rig, buf_span(&lines));
	rig_say_text(rig, "\r\nbody\r\n.\r\n");
	rig_hear(rig, "552 5.3.4 The header is larger than 16384 bytes, the most allowed here\r\n");
	next(rig);
	say_data(rig, "From: <alice@example.org>\r\nno field\r\n\r\nbody\r\n.\r\n");
	rig_hear_line(rig, "554 5.6.0 ");
	rig_play(rig, NOOP);
	assert_int_equal(rig->count, 0);
	buf_fini(&lines);
	rig_free(&rig);
}

/* I5 */
static void
test_loop(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig_play(rig, DATA);
	for (int i = 0; i < 60; i++)
		rig_say_text(rig, "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n");
	rig_say_text(rig, HEAD "x\r\n.\r\n");
	rig_hear_line(rig, "554 5.4.6 ");
	rig_free(&rig);
}

/* ---- body files ------------------------------------------------------------------------------ */

static void
test_body_file(void **state)
{
	(void)state;
	for (size_t size = 65530; size < 65545; size++) {
		struct rig *rig = begin("", false);
		bool in_file = size > 65536;

		rig_play(rig, DATA);
		rig_say_text(rig, HEAD);
		say_large(rig, size);
		rig_say_text(rig, ".\r\n");
		rig_hear_line(rig, ok);
		assert_int_equal(buf_length(&rig_last(rig)->body), size);
		assert_int_equal(rig_last(rig)->in_file, in_file);
		assert_int_equal(rig_last(rig)->hash_good, in_file);
		assert_int_equal(rig->drops, 0);
		rig_free(&rig);
	}
}

static void
test_large_bodies(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD);
	say_large(rig, 5000000);
	rig_say_text(rig, ".\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<u@example.net>\r\n"
			  "BDAT 3000000 LAST\r\n");
	rig_hear_line(rig, ok);
	assert_true(rig_last(rig)->hash_good);
	assert_int_equal(buf_length(&rig_last(rig)->body), 5000000);
	rig_hear_line(rig, "250 2.1.0 Ok");
	rig_hear_line(rig, "250 2.1.5 Ok");
	rig_say_text(rig, HEAD);
	say_large(rig, 3000000 - sizeof HEAD + 1);
	rig_hear_line(rig, ok);
	assert_true(rig_last(rig)->hash_good);
	assert_int_equal(buf_length(&rig_last(rig)->body), 3000000 - sizeof HEAD + 1);
	/* not wanted after all: the file is given back, and not only by a client that stays */
	next(rig);
	rig_play(rig, DATA);
	rig_say_text(rig, "From: <bob@example.org>\r\n\r\n");
	say_large(rig, 200000);
	rig_say_text(rig, ".\r\n");
	rig_hear_line(rig, "550 5.7.1 ");
	rig_turns(rig, 4);
	assert_int_equal(rig->drops, 1);
	next(rig);
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD);
	say_large(rig, 200000);
	rig_turns(rig, 20);
	rig_hang_up(rig);
	assert_int_equal(rig->drops, 2);
	rig_free(&rig);
}

static void
test_no_file(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig->queue_mode = RIG_QUEUE_NO_FILES;
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD);
	say_large(rig, 200000);
	rig_say_text(rig, ".\r\n");
	rig_hear(rig, "452 4.3.1 Out of storage; try again later\r\n");
	next(rig);
	rig_play(rig, DATA);
	rig_kill_queue(rig);
	rig_turns(rig, 4);
	rig_say_text(rig, HEAD);
	say_large(rig, 200000);
	rig_say_text(rig, ".\r\n");
	rig_hear(rig, "451 4.3.0 The queue is away; try again later\r\n");
	rig_free(&rig);
}

static bool
has_asked_for_body(struct rig *rig)
{
	return rig->waiting_body != 0;
}

/* Nobody wants the file any more when it comes: it is given back, and not kept for ever. */
static void
test_late_file(void **state)
{
	struct rig *rig = begin("", false);

	(void)state;
	rig->queue_mode = RIG_QUEUE_LATE_FILES;
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD);
	say_large(rig, 200000);
	rig_wait(rig, has_asked_for_body);
	session_abort(rig->service.front->sessions, SESSION_END_KICKED);
	rig_wait_close(rig);
	assert_int_equal(rig->drops, 0);
	rig_answer_body(rig);
	assert_int_equal(rig->drops, 1);
	/* and a queue that dies with the question takes nobody along */
	rig_connect(rig);
	rig_log_in(rig);
	next(rig);
	rig->waiting_body = 0;
	rig_play(rig, DATA);
	rig_say_text(rig, HEAD);
	say_large(rig, 200000);
	rig_wait(rig, has_asked_for_body);
	session_abort(rig->service.front->sessions, SESSION_END_KICKED);
	rig_wait_close(rig);
	rig_kill_queue(rig);
	rig_turns(rig, 4);
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_exact_size),
		cmocka_unit_test(test_endless_content),
		cmocka_unit_test(test_header_size),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_body_file),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_late_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
