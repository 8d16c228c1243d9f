/* SPDX-License-Identifier: BSD-2-Clause */
/* How sessions begin: the gate, the PROXY header, the greeting, and TLS. */
#include "session_fixture.h"

#include <stdio.h>

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
		assert_string_equal(
			session_server_host(rig->service.front->sessions), "10.0.0.1");
		assert_int_equal(session_server_port(rig->service.front->sessions), 587);
		rig_connect(rig);
		rig_say(rig, span_of(v2_local, sizeof v2_local - 1));
		rig_play(rig, GREETING);
		assert_string_equal(session_client_host(rig->service.front->sessions), "192.0.2.1");
		assert_string_equal(session_server_host(rig->service.front->sessions), "");
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
