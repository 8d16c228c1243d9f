/* SPDX-License-Identifier: BSD-2-Clause */
/* What every connection shares: the gate, the PROXY header, greeting, TLS, deadlines, reload, the
 * end. */
#include "../fake/smtp_script.h"

#include <stdio.h>

#include "io/sock.h"

/* Shorter waits than the configuration allows. */
static struct settings_listener *
listener_of(struct rig *rig)
{
	return (struct settings_listener *)(uintptr_t)rig->service.front->setup->listeners[0]
		.settings;
}

static enum session_phase
phase(struct rig *rig)
{
	assert_non_null(rig->service.front->sessions);
	return session_phase(rig->service.front->sessions);
}

/* ---- the gate -------------------------------------------------------------------------------- */

static void
test_gate(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "connections-per-address = 1\n", "");

	(void)state;
	rig_connect(rig);
	rig_play(rig, GREETING);
	rig_park(rig, 0);
	rig_connect(rig);
	rig_hear(rig, "421 4.7.0 mail.example.org Too many connections from your address\r\n");
	rig_hear_close(rig);
	rig_connect_from(rig, "192.0.2.2");
	rig_play(rig, GREETING);
	/* IPv6 counts by /64 */
	rig_connect_from(rig, "2001:db8::1");
	rig_play(rig, GREETING);
	rig_park(rig, 1);
	rig_connect_from(rig, "2001:db8::2");
	rig_hear_line(rig, "421 4.7.0 ");
	rig_connect_from(rig, "2001:db8:0:1::1");
	rig_play(rig, GREETING);
	/* whoever leaves makes room */
	rig_take_up(rig, 0);
	rig_connect(rig);
	rig_play(rig, GREETING);
	rig_free(&rig);
}

/* Those that have not logged in count apart. */
static void
test_gate_before_login(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "connections-before-login = 1\n", "");

	(void)state;
	rig_log_in(rig);
	rig_park(rig, 0);
	rig_connect(rig);
	rig_play(rig, GREETING);
	rig_park(rig, 1);
	rig_connect(rig);
	rig_hear_line(
		rig, "421 4.3.2 mail.example.org Too many connections that have not logged in");
	rig_free(&rig);
}

/* ---- the PROXY header ------------------------------------------------------------------------ */

static const char v2[] =
	"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x0a\0\0\x01\x1f\x40\x02\x4b";
static const char v2_local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

static void
test_proxy(void **state)
{
	(void)state;
	for (int bytewise = 0; bytewise < 2; bytewise++) {
		struct rig *rig =
			rig_new("none", CLEAR "proxy-networks = { \"192.0.2.0/28\" }\n", "");

		rig_connect(rig);
		rig->bytewise = bytewise;
		rig_hear_silence(rig);
		assert_int_equal(phase(rig), SESSION_PROXY);
		rig_say(rig, span_of(v2, sizeof v2 - 1));
		rig_play(rig, GREETING);
		assert_string_equal(
			session_client_host(rig->service.front->sessions), "203.0.113.9");
		rig_connect(rig);
		rig_say(rig, span_of(v2_local, sizeof v2_local - 1));
		rig_play(rig, GREETING);
		assert_string_equal(session_client_host(rig->service.front->sessions), "192.0.2.1");
		/* mandatory there, and nothing special elsewhere: C24 */
		rig_connect(rig);
		rig_say_text(rig, "EHLO x\r\n");
		rig_hear_close(rig);
		rig_connect_from(rig, "192.0.2.200");
		rig_play(rig, GREETING);
		rig_say(rig, span_of(v2, sizeof v2 - 1));
		rig_hear_line(rig, "500 5.5.1 ");
		rig_free(&rig);
	}
}

/* The hello of the client may come in one piece with the header, and the gate counts the client. */
static void
test_proxy_with_tls(void **state)
{
	struct rig *rig = rig_new("implicit",
		"proxy-networks = { \"192.0.2.0/28\" } connections-per-address = 1\n", "");

	(void)state;
	rig_connect(rig);
	stream_write(rig->client, span_of(v2, sizeof v2 - 1));
	rig_shake(rig);
	rig_play(rig, GREETING);
	rig_park(rig, 0);
	rig_connect(rig);
	stream_write(rig->client, span_of(v2, sizeof v2 - 1));
	rig_hear_close(rig);
	rig_free(&rig);
}

/* ---- the greeting ---------------------------------------------------------------------------- */

static void
test_greet_delay(void **state)
{
	struct rig *rig = rig_new("none", CLEAR "greet-delay = 50ms\n", "");
	uint64_t before;

	(void)state;
	before = loop_now_ms(rig->loop);
	rig_connect(rig);
	rig_play(rig, GREETING);
	assert_true(loop_now_ms(rig->loop) - before >= 50);
	rig_play(rig, NOOP);
	/* D11 */
	rig_connect(rig);
	rig_say_text(rig, "EHLO early\r\n");
	rig_hear(rig, "554 5.5.1 mail.example.org You spoke before the greeting\r\n");
	rig_hear_close(rig);
	rig_free(&rig);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static void
test_starttls(void **state)
{
	struct rig *rig = rig_new("starttls", "", "");

	(void)state;
	rig_connect(rig);
	/* B6, B5, B7 */
	rig_play(rig, GREETING
		"C: STARTTLS foo\nS: 501 5.5.4 this command takes no argument\n"
		"C: EHLO before.example.org\n"
		"S: 250-mail.example.org\nS: 250-PIPELINING\nS: 250-SIZE 26214400\nS: "
		"250-8BITMIME\n"
		"S: 250-SMTPUTF8\nS: 250-CHUNKING\nS: 250-DSN\nS: 250-ENHANCEDSTATUSCODES\n"
		"S: 250-STARTTLS\nS: 250 HELP\n"
		"C: AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\nS: 538 5.7.11 Encryption required: STARTTLS "
		"first\n"
		"C: AUTH LOGIN\nS: 538 5.7.11 Encryption required: STARTTLS first\n"
		"C: MAIL FROM:<alice@example.org>\nS: 530 5.7.0 Must issue a STARTTLS command "
		"first\n"
		"C: RCPT TO:<u@example.net>\nS: 530 5.7.0 Must issue a STARTTLS command first\n"
		"C: DATA\nS: 530 5.7.0 Must issue a STARTTLS command first\n"
		"C: BDAT 6 LAST\nC: NOOP\nS: 530 5.7.0 Must issue a STARTTLS command first\n"
		"C: VRFY alice\nS: 530 5.7.0 Must issue a STARTTLS command first\n"
		"C: EXPN list\nS: 530 5.7.0 Must issue a STARTTLS command first\n"
		"C: STARTTLS\nS: 220 2.0.0 Go ahead\n");
	rig_shake(rig);
	assert_true(rig->secured);
	/* B3: nothing from before counts; B4 */
	rig_play(rig,
		"C: AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\n"
		"S: 503 5.5.1 EHLO first, and not in a transaction\n"
		"C: STARTTLS\nS: 503 5.5.1 TLS is active already\n"
		"C: EHLO after.example.org\n"
		"S: 250-mail.example.org\nS: 250-PIPELINING\nS: 250-SIZE 26214400\nS: "
		"250-8BITMIME\n"
		"S: 250-SMTPUTF8\nS: 250-CHUNKING\nS: 250-DSN\nS: 250-ENHANCEDSTATUSCODES\n"
		"S: 250-AUTH PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS\nS: 250 HELP\n"
		"C: AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\nS: 235 2.7.0 Authentication successful\n");
	assert_int_equal(rig->logins, 1);
	rig_free(&rig);
}

/* B1: what stands behind STARTTLS is run neither before nor after the handshake. */
static void
test_injection(void **state)
{
	static const char *const injected[] = { "NOOP injected\r\nRSET\r\n", "\r\n", "NOO",
		"EHLO x\r\nMAIL FROM:<alice@example.org>\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof injected / sizeof *injected; i++) {
		struct rig *rig = rig_new("starttls", "", "");
		char said[200];

		rig_connect(rig);
		rig_play(rig, GREETING);
		snprintf(said, sizeof said, "STARTTLS\r\n%s", injected[i]);
		rig_say_text(rig, said);
		rig_wait_close(rig);
		assert_null(strstr(buf_text(&rig->got), "\n2"));
		rig_free(&rig);
	}
}

/* B4, B10: a listener that begins with TLS takes nothing else. */
static void
test_implicit(void **state)
{
	struct rig *rig = rig_new("implicit", "", "");

	(void)state;
	rig_connect(rig);
	rig_shake(rig);
	rig_play(rig, GREETING "C: STARTTLS\nS: 503 5.5.1 TLS is active already\n");
	rig_connect(rig);
	rig_say_text(rig, "EHLO x\r\nMAIL FROM:<alice@example.org>\r\n");
	rig_wait_close(rig);
	assert_null(strstr(buf_text(&rig->got), "250"));
	assert_null(strstr(buf_text(&rig->got), "220"));
	rig_free(&rig);
}

static bool
is_empty(struct rig *rig)
{
	return rig->service.front->session_count == 0;
}

/* B9: TLS ends in the middle of content, of a login, of a line; in order and torn off. */
static void
test_tls_ends_anywhere(void **state)
{
	static const char *const places[] = { "BDAT 1000\r\nabc", "DATA\r\nFrom: <al", "NOO", "",
		"BDAT 1000 LAST\r\nabc\r\n.\r\n" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof places / sizeof *places; i++) {
		struct rig *rig = rig_new("starttls", "", "");

		rig_log_in(rig);
		rig_play(rig, "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n"
			      "C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\n");
		rig_say_text(rig, places[i / 2]);
		rig_turns(rig, 6);
		if (i % 2)
			stream_close(rig->client);
		else
			stream_free(&rig->client);
		rig_wait(rig, is_empty);
		assert_int_equal(rig->count, 0);
		rig_free(&rig);
	}
}

static void
test_login_ends_with_tls(void **state)
{
	struct rig *rig = rig_new("implicit", "", "");

	(void)state;
	rig_connect(rig);
	rig_shake(rig);
	rig_play(rig, GREETING);
	rig_say_text(rig, "EHLO x\r\nAUTH SCRAM-SHA-256 b25l\r\n");
	rig_hear_until(rig, "334 ");
	stream_close(rig->client);
	rig_wait(rig, is_empty);
	rig_turns(rig, 4);
	assert_int_equal(rig->cancels, 1);
	rig_free(&rig);
}

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
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_gate_before_login),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_proxy_with_tls),
		cmocka_unit_test(test_greet_delay),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_implicit),
		cmocka_unit_test(test_tls_ends_anywhere),
		cmocka_unit_test(test_login_ends_with_tls),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_slow_line),
		cmocka_unit_test(test_slow_content),
		cmocka_unit_test(test_steady_content),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_handshake_wait),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_many_reloads),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_does_not_wait_for_ever),
		cmocka_unit_test(test_stop_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
