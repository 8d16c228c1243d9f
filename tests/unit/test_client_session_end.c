/* SPDX-License-Identifier: BSD-2-Clause */
/* How sessions end: by their deadlines, by a reload, by the end of the front end. */
#include "session_fixture.h"

/* ---- deadlines ------------------------------------------------------------------------------- */

static const char idle[] = "421 4.4.2 mail.example.org Idle for too long\r\n";
static const char slow[] = "421 4.4.2 mail.example.org Too slow\r\n";
static const char late[] = "421 4.4.2 mail.example.org No login in time";

static void
test_idle(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	listener_of(rig)->idle_wait = 30;
	rig_connect(rig);
	rig_play(rig, GREETING NOOP);
	rig_hear(rig, idle);
	rig_hear_close(rig);
	rig_free(&rig);
}

/* A byte now and then does not help: the whole line has one deadline. */
static void
test_slow_line(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");
	uint64_t begin;

	(void)state;
	listener_of(rig)->command_wait = 60;
	rig_connect(rig);
	rig_play(rig, GREETING);
	begin = loop_now_ms(rig->loop);
	while (!rig->closed && loop_now_ms(rig->loop) - begin < 4000) {
		rig_say_text(rig, "x");
		rig_turns(rig, 2);
	}
	rig_hear_line(rig, "421 4.4.2 mail.example.org Too slow");
	rig_hear_close(rig);
	rig_free(&rig);
}

static void
test_slow_content(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig *rig = rig_new("none", CLEAR, "");

		rig_log_in(rig);
		/* either no byte at all for a while, or too few of them */
		listener_of(rig)->data_wait = i ? 5000 : 50;
		listener_of(rig)->minimum_rate = i ? 1000 : 0;
		listener_of(rig)->rate_window = 100;
		rig_play(rig, "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n"
			      "C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\n"
			      "C: DATA\nS: 354 End data with <CR><LF>.<CR><LF>\n");
		rig_say_text(rig, "From: <alice@example.org>\r\n");
		rig_hear(rig, slow);
		rig_hear_close(rig);
		assert_int_equal(rig->count, 0);
		rig_free(&rig);
	}
}

/* Fast enough on the average, over several windows. */
static void
test_steady_content(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");
	uint64_t begin;

	(void)state;
	rig_log_in(rig);
	listener_of(rig)->minimum_rate = 1000;
	listener_of(rig)->rate_window = 50;
	rig_play(rig, "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n"
		      "C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\n"
		      "C: DATA\nS: 354 End data with <CR><LF>.<CR><LF>\n");
	rig_say_text(rig, "From: <alice@example.org>\r\n\r\n");
	begin = loop_now_ms(rig->loop);
	while (loop_now_ms(rig->loop) - begin < 200) {
		rig_say_text(rig, "forty bytes of content and their line en\r\n");
		rig_turns(rig, 2);
	}
	rig_say_text(rig, ".\r\n");
	rig_hear_line(rig, "250 2.0.0 Ok: queued as ");
	rig_free(&rig);
}

/* E9: whoever does not log in has so long, whatever it says meanwhile. */
static void
test_late(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "before-login-wait = 5s\n", "");
	uint64_t begin;

	(void)state;
	listener_of(rig)->before_login_wait = 60;
	rig_connect(rig);
	rig_play(rig, GREETING);
	begin = loop_now_ms(rig->loop);
	while (!rig->closed && loop_now_ms(rig->loop) - begin < 4000) {
		rig_say_text(rig, "NOOP\r\n");
		rig_turns(rig, 2);
	}
	rig_hear_until(rig, late);
	/* who did has all the time it wants */
	rig_log_in(rig);
	begin = loop_now_ms(rig->loop);
	while (loop_now_ms(rig->loop) - begin < 120)
		rig_turns(rig, 1);
	rig_play(rig, NOOP);
	rig_free(&rig);
}

static void
test_unread(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	listener_of(rig)->send_wait = 50;
	rig_connect(rig);
	rig_play(rig, GREETING);
	stream_pause(rig->client);
	for (int i = 0; i < 200000; i++)
		stream_write(rig->client, SPAN_LITERAL("NOOP\r\n"));
	stream_flush(rig->client);
	rig_wait(rig, is_empty);
	rig_free(&rig);
}

static void
test_handshake_wait(void **state)
{
	struct rig *rig = rig_new("implicit", "handshake-wait = 1s\n", "");

	(void)state;
	rig_connect(rig);
	rig_wait(rig, is_empty);
	rig_free(&rig);
}

/* ---- reload and the end ---------------------------------------------------------------------- */

static void
test_reload(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "banner = \"first\"\n", "");
	struct setup *setup;

	(void)state;
	rig_connect(rig);
	rig_play(rig, "S: 220 mail.example.org first\n");
	setup = rig_setup(rig, "none", CLEAR "banner = \"second\" message-size = 1M\n", "");
	assert_true(front_serve(rig->service.front, setup, NULL, NULL));
	rig_say_text(rig, "EHLO x\r\n");
	rig_hear_line(rig, "250-mail.example.org");
	rig_hear_line(rig, "250-PIPELINING");
	rig_hear_line(rig, "250-SIZE 26214400");
	rig_connect(rig);
	rig_play(rig, "S: 220 mail.example.org second\n");
	rig_say_text(rig, "EHLO x\r\n");
	rig_hear_line(rig, "250-mail.example.org");
	rig_hear_line(rig, "250-PIPELINING");
	rig_hear_line(rig, "250-SIZE 1048576");
	rig_free(&rig);
}

/* Settings of three readings are in use at most; whoever began before them is asked to come again. */
static void
test_many_reloads(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	rig_connect(rig);
	rig_play(rig, GREETING);
	for (int i = 0; i < FRONT_GENERATIONS - 1; i++)
		assert_true(front_serve(
			rig->service.front, rig_setup(rig, "none", CLEAR, ""), NULL, NULL));
	rig_play(rig, "C: NOOP\nS: 250 2.0.0 Ok\n");
	assert_true(front_serve(
		rig->service.front, rig_setup(rig, "none", CLEAR, ""), NULL, NULL));
	rig_hear(rig, "421 4.3.2 mail.example.org Service is shutting down\r\n");
	rig_wait(rig, is_empty);
	rig_free(&rig);
}

/* A filter that is elsewhere is found there; nobody connects to one that is gone. */
static void
test_filter_taken_away(void **state)
{
	static const char *const readings[] = {
		"milter \"f\" { address = \"127.0.0.1:1\" } policy { milters = { f } }",
		"milter \"f\" { address = \"127.0.0.1:2\" }",
		"",
	};
	struct rig *rig = rig_new("none", CLEAR, readings[0]);

	(void)state;
	rig_connect(rig);
	rig_play(rig, GREETING);
	assert_true(front_serve(
		rig->service.front, rig_setup(rig, "none", CLEAR, readings[1]), NULL, NULL));
	rig_play(rig, "C: NOOP\nS: 250 2.0.0 Ok\n");
	assert_true(front_serve(
		rig->service.front, rig_setup(rig, "none", CLEAR, readings[2]), NULL, NULL));
	rig_hear(rig, "421 4.3.2 mail.example.org Service is shutting down\r\n");
	rig_wait(rig, is_empty);
	rig_free(&rig);
}

static bool emptied;

static void
on_empty(void *service)
{
	(void)service;
	emptied = true;
}

static bool
is_emptied(struct rig *rig)
{
	(void)rig;
	return emptied;
}

/* D16: the idle hear it at once, whoever has content under way when it is answered. */
static void
test_stop(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	emptied = false;
	rig_connect(rig);
	rig_play(rig, GREETING);
	rig_park(rig, 0);
	rig_log_in(rig);
	rig_play(rig, "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n"
		      "C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\n"
		      "C: DATA\nS: 354 End data with <CR><LF>.<CR><LF>\n");
	front_stop(rig->service.front, 3000, on_empty);
	rig_hear_silence(rig);
	rig_say_text(rig, "From: <alice@example.org>\r\n\r\nx\r\n.\r\nNOOP\r\n");
	rig_hear_line(rig, "250 2.0.0 Ok: queued as ");
	rig_hear(rig, "421 4.3.2 mail.example.org Service is shutting down\r\n");
	assert_int_equal(rig->count, 1);
	rig_wait(rig, is_emptied);
	rig_free(&rig);
}

static void
test_stop_does_not_wait_for_ever(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	emptied = false;
	rig_log_in(rig);
	rig->queue_mode = RIG_QUEUE_SILENT;
	rig_play(rig, "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n"
		      "C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\n"
		      "C: DATA\nS: 354 End data with <CR><LF>.<CR><LF>\n");
	rig_say_text(rig, "From: <alice@example.org>\r\n\r\nx\r\n.\r\n");
	rig_turns(rig, 6);
	front_stop(rig->service.front, 50, on_empty);
	rig_hear(rig, "421 4.3.2 mail.example.org Service is shutting down\r\n");
	rig_hear_close(rig);
	rig_wait(rig, is_emptied);
	rig_free(&rig);
}

static void
test_stop_of_nothing(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	emptied = false;
	front_stop(rig->service.front, 50, on_empty);
	assert_true(emptied);
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_slow_line),
		cmocka_unit_test(test_slow_content),
		cmocka_unit_test(test_steady_content),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_handshake_wait),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_many_reloads),
		cmocka_unit_test(test_filter_taken_away),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_does_not_wait_for_ever),
		cmocka_unit_test(test_stop_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
