/* SPDX-License-Identifier: BSD-2-Clause */
/* Logging in: framing, aborts, rubbish, caps, an auth that is slow, wrong or gone, kicks and
 * revocations. */
#include "../fake/smtp_script.h"

#include <stdio.h>

#include "client/auth_link.h"

#define ABORTED "S: 501 5.7.0 Authentication aborted\n"
#define WELCOME "S: 235 2.7.0 Authentication successful\n"
#define GOOD "C: AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\n" WELCOME
#define SYNTAX "S: 501 5.5.2 Cannot read the authentication exchange\n"
#define WRONG "S: 535 5.7.8 Authentication credentials invalid\n"
#define NOT_OFFERED "S: 504 5.5.4 Authentication mechanism not offered\n"

static struct rig *
begin(const char *text)
{
	struct rig *rig = rig_new("none", text, "");

	rig_connect(rig);
	rig_hear_line(rig, "220");
	rig_say_text(rig, "EHLO x.example.org\r\n");
	rig_hear_until(rig, "250 ");
	return rig;
}

static const char *const exchanges[] = {
	GOOD,
	"C: AUTH PLAIN\nS: 334 \nC: AGFsaWNlAGFsaWNlcHc=\n" WELCOME,
	"C: auth plain AGFsaWNlAGFsaWNlcHc=\n" WELCOME,
	"C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2U=\nS: 334 UGFzc3dvcmQ6\nC: "
	"YWxpY2Vwdw==\n" WELCOME,
	"C: AUTH LOGIN YWxpY2U=\nS: 334 UGFzc3dvcmQ6\nC: YWxpY2Vwdw==\n" WELCOME,
	"C: AUTH SCRAM-SHA-256 b25l\nS: 334 dHdv\nC: YWxpY2U=\n" WELCOME,
	"C: AUTH SCRAM-SHA-256\nS: 334 \nC: b25l\nS: 334 dHdv\nC: YWxpY2U=\n" WELCOME,
	/* C4: broken off at each step, and then done right */
	"C: AUTH PLAIN\nS: 334 \nC: *\n" ABORTED GOOD,
	"C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: *\n" ABORTED GOOD,
	"C: AUTH LOGIN YWxpY2U=\nS: 334 UGFzc3dvcmQ6\nC: *\n" ABORTED GOOD,
	"C: AUTH SCRAM-SHA-256\nS: 334 \nC: *\n" ABORTED GOOD,
	"C: AUTH SCRAM-SHA-256 b25l\nS: 334 dHdv\nC: *\n" ABORTED GOOD,
	/* what is wrong, and then done right */
	"C: AUTH PLAIN AGFsaWNlAHdyb25n\n" WRONG GOOD,
	"C: AUTH SCRAM-SHA-256 b25l\nS: 334 dHdv\nC: d3Jvbmc=\n" WRONG GOOD,
	"C: AUTH LOGIN YWxpY2U=\nS: 334 UGFzc3dvcmQ6\nC: d3Jvbmc=\n" WRONG GOOD,
	"C: AUTH PLAIN AGxpbWl0AHg=\nS: 454 4.7.0 Too many sessions of this login\n" GOOD,
	/* C17 */
	"C: AUTH DIGEST-MD5\n" NOT_OFFERED "C: AUTH EXTERNAL =\n" NOT_OFFERED GOOD,
	"C: AUTH PLAIN-PLUS =\n" NOT_OFFERED "C: AUTH SCRAM-SHA-256-PLUS\n" NOT_OFFERED GOOD,
	"C: AUTH\nS: 501 5.5.4 syntax: AUTH mechanism [initial-response]\n" GOOD,
	"C: AUTH ../x\nS: 501 5.5.4 syntax: AUTH mechanism [initial-response]\n" GOOD,
	/* C9: nothing is as wrong as anything */
	"C: AUTH PLAIN AGFsaWNlAA==\n" WRONG "C: AUTH PLAIN AAB4\n" WRONG GOOD,
	/* C8: a NUL makes no other name */
	"C: AUTH LOGIN YWxpY2UAeA==\nS: 334 UGFzc3dvcmQ6\nC: YWxpY2Vwdw==\n" WRONG GOOD,
	"C: AUTH LOGIN YWxpY2U=\nS: 334 UGFzc3dvcmQ6\nC: YWxpY2VwdwBl\n" WRONG GOOD,
};

static void
test_exchanges(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof exchanges / sizeof *exchanges; i++) {
		struct rig *rig = begin(CLEAR);

		print_message("%s", exchanges[i / 2]);
		rig->bytewise = i % 2;
		rig_play(rig, exchanges[i / 2]);
		rig_play(rig, "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n");
		assert_string_equal(session_standing(rig->service.front->sessions)->name, "alice");
		rig_free(&rig);
	}
}

/* C5: as initial response, and as answer to 334. */
static const char *const rubbish[] = { "=", "====", "A", "!!!!", "AGFsaWNl", "AA==AAAA", "\xff\xfe",
	"AGFsaWNlAGFsaWNlcHc=junk", "AGFsaWNlAGFsaWNlcHc",
	"AGFsaWNlAGFsaWNlcHd=", "=AGFsaWNlAGFsaWNlcHc", "AAAA", "AGFsaWNlAGFsaWNlcHcA", "" };

static void
test_rubbish(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
		struct rig *rig = begin(CLEAR "login-tries = 10\n");

		print_message("%s\n", rubbish[i]);
		rig_say_text(rig, "AUTH PLAIN\r\n");
		rig_hear(rig, "334 \r\n");
		rig_say_text(rig, rubbish[i]);
		rig_say_text(rig, "\r\n");
		rig_hear(rig, "501 5.5.2 Cannot read the authentication exchange\r\n");
		if (rubbish[i][0]) {
			rig_say_text(rig, "AUTH PLAIN ");
			rig_say_text(rig, rubbish[i]);
			rig_say_text(rig, "\r\n");
			rig_hear_line(rig, "501 5.5.");
		}
		assert_int_equal(rig->logins, 0);
		rig_play(rig, GOOD);
		rig_free(&rig);
	}
}

/* C6: too much for any mechanism; the rest of the line is not run. */
static void
test_long_responses(void **state)
{
	static const size_t sizes[] = { 9000, 12289, 16383, 17000, 70000 };
	char *line = mem_alloc(100000);

	(void)state;
	memset(line, 'A', 100000);
	for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
		struct rig *rig = begin(CLEAR);

		rig_say_text(rig, i % 2 ? "AUTH PLAIN\r\n" : "AUTH PLAIN ");
		if (i % 2)
			rig_hear(rig, "334 \r\n");
		rig_say(rig, span_of(line, sizes[i / 2]));
		rig_say_text(rig, "\r\nNOOP\r\n");
		rig_hear_line(rig, "50");
		rig_hear(rig, "250 2.0.0 Ok\r\n");
		assert_int_equal(rig->logins, 0);
		rig_free(&rig);
	}
	mem_free(&line);
}

/* C11: after so many the connection ends; a delay asked for holds up nobody else. */
static void
test_tries(void **state)
{
	struct rig *rig = begin(CLEAR "login-tries = 3\n");

	(void)state;
	rig_play(rig,
		"C: AUTH PLAIN AGFsaWNlAHdyb25n\n" WRONG "C: AUTH PLAIN AGFsaWNlAHdyb25n\n" WRONG
		"C: AUTH PLAIN AGFsaWNlAHdyb25n\n" WRONG
		"S: 421 4.7.0 mail.example.org Too many failed logins\n");
	rig_hear_close(rig);
	rig_free(&rig);
}

static void
test_delay(void **state)
{
	struct rig *rig = begin(CLEAR);
	uint64_t before;

	(void)state;
	rig->login_delay_ms = 150;
	before = loop_now_ms(rig->loop);
	rig_say_text(rig, "AUTH PLAIN AGFsaWNlAHdyb25n\r\nNOOP\r\n");
	rig_turns(rig, 10);
	assert_int_equal(buf_length(&rig->got), 0);
	/* another client meanwhile; the first one stays connected */
	rig_park(rig, 0);
	rig_connect(rig);
	rig_hear_line(rig, "220");
	assert_true(loop_now_ms(rig->loop) - before < 150);
	rig_take_up(rig, 0);
	rig_hear(rig, "535 5.7.8 Authentication credentials invalid\r\n250 2.0.0 Ok\r\n");
	assert_true(loop_now_ms(rig->loop) - before >= 150);
	rig_free(&rig);
}

/* Failures of one address count over all its connections; then it is refused at the door. */
static void
test_address_is_refused(void **state)
{
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	rig->service.front->setup->listeners[0].gate.failures_per_address = 4;
	rig->service.front->setup->listeners[0].gate.failure_window_ms = 60000;
	for (int i = 0; i < 4; i++) {
		rig_connect(rig);
		rig_hear_line(rig, "220");
		rig_say_text(rig, "EHLO x\r\n");
		rig_hear_until(rig, "250 ");
		rig_play(rig, "C: AUTH PLAIN AGFsaWNlAHdyb25n\n" WRONG);
	}
	rig_connect(rig);
	rig_hear(rig, "421 4.7.0 mail.example.org Too many failed logins from your address\r\n");
	rig_hear_close(rig);
	rig_connect_from(rig, "192.0.2.77");
	rig_hear_line(rig, "220");
	rig_free(&rig);
}

/* C21 */
static void
test_auth_fails(void **state)
{
	static const char temporary[] = "454 4.7.0 Temporary authentication failure\r\n";
	struct rig *rig = begin(CLEAR);

	(void)state;
	rig->auth_mode = RIG_AUTH_DOWN;
	rig_say_text(rig, "AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n");
	rig_hear(rig, temporary);
	rig->auth_mode = RIG_AUTH_SILENT;
	rig_say_text(rig, "AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n");
	rig_hear(rig, temporary);
	assert_int_equal(rig->cancels, 1);
	rig->auth_mode = RIG_AUTH_GARBAGE;
	rig_say_text(rig, "AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n");
	rig_hear(rig, temporary);
	/* whoever says such things is not talked to any more */
	rig_turns(rig, 4);
	assert_null(rig->auth);
	rig_say_text(rig, "AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n");
	rig_hear(rig, temporary);
	rig->auth_mode = RIG_AUTH_GOOD;
	rig_link_auth(rig);
	rig_play(rig, GOOD);
	assert_int_equal(session_login(rig->service.front->sessions)->failures, 0);
	rig_free(&rig);
}

/* It dies while it thinks, and while the client does. */
static void
test_auth_dies(void **state)
{
	static const char temporary[] = "454 4.7.0 Temporary authentication failure\r\n";
	struct rig *rig = begin(CLEAR);

	(void)state;
	rig->auth_mode = RIG_AUTH_SILENT;
	rig_say_text(rig, "AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n");
	rig_turns(rig, 6);
	rig_kill_auth(rig);
	rig_hear(rig, temporary);
	rig->auth_mode = RIG_AUTH_GOOD;
	rig_link_auth(rig);
	rig_say_text(rig, "AUTH SCRAM-SHA-256 b25l\r\n");
	rig_hear(rig, "334 dHdv\r\n");
	rig_link_auth(rig); /* a new one, before the old one was seen to go */
	rig_turns(rig, 4);
	rig_say_text(rig, "YWxpY2U=\r\n");
	rig_hear(rig, temporary);
	rig_play(rig, GOOD);
	rig_free(&rig);
}

/* After a restart auth hears of who is logged in, and only of those. */
static void
test_announce(void **state)
{
	struct rig *rig = begin(CLEAR);

	(void)state;
	rig_link_auth(rig);
	rig_turns(rig, 4);
	assert_int_equal(rig->announced, 0);
	rig_play(rig, GOOD);
	rig_kill_auth(rig);
	rig_turns(rig, 4);
	rig_play(rig, "C: NOOP\nS: 250 2.0.0 Ok\n");
	rig_link_auth(rig);
	rig_turns(rig, 4);
	assert_int_equal(rig->announced, 1);
	assert_int_equal(rig->announcements_done, 3);
	rig_hang_up(rig);
	assert_int_equal(rig->ends, 1);
	rig_free(&rig);
}

/* A login that was taken away ends its sessions at their next command, with higher epochs alone. */
static void
test_revoke(void **state)
{
	struct rig *rig = begin(CLEAR);

	(void)state;
	rig->epoch = 7;
	rig_play(rig, GOOD);
	rig_revoke(rig, "alice", 7);
	rig_revoke(rig, "bob", 100);
	rig_play(rig, "C: NOOP\nS: 250 2.0.0 Ok\n");
	rig_revoke(rig, "alice", 8);
	rig_hear_silence(rig);
	rig_play(rig, "C: MAIL FROM:<alice@example.org>\n"
		      "S: 421 4.7.0 mail.example.org Your login is no longer valid\n");
	rig_hear_close(rig);
	rig_free(&rig);
}

static void
test_kick(void **state)
{
	struct rig *rig = begin(CLEAR);

	(void)state;
	rig_play(rig, GOOD);
	rig_kick(rig, "See you on Monday");
	rig_hear_silence(rig);
	rig_play(rig, "C: NOOP\nS: 421 4.7.0 mail.example.org See you on Monday\n");
	rig_hear_close(rig);
	rig_free(&rig);
}

static bool
was_fetched(struct rig *rig)
{
	return session_standing(rig->service.front->sessions)->refetch == 0;
}

/* An identity is fetched anew: it may have changed, or be gone. */
static void
test_renewal(void **state)
{
	struct rig *rig = begin(CLEAR);
	struct standing *standing;

	(void)state;
	rig_play(rig, GOOD "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n");
	standing = session_standing(rig->service.front->sessions);
	rig->epoch = 9;
	standing_refetch(standing, auth_link_channel(rig->service.front->auth));
	rig_wait(rig, was_fetched);
	assert_int_equal(standing->epoch, 9);
	rig_play(rig, "C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\nC: RSET\nS: 250 2.0.0 Ok\n"
		      "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n");
	rig->forget_alice = true;
	standing_refetch(standing, auth_link_channel(rig->service.front->auth));
	rig_wait(rig, was_fetched);
	rig_play(rig, "C: NOOP\nS: 421 4.7.0 mail.example.org Your login is no longer valid\n");
	rig_hear_close(rig);
	rig_free(&rig);
}

/* C16: gone at each step; nothing of it stays. */
static void
test_disconnects(void **state)
{
	static const char *const steps[] = { "AUTH PLAIN\r\n", "AUTH LOGIN\r\n",
		"AUTH LOGIN YWxpY2U=\r\n", "AUTH SCRAM-SHA-256 b25l\r\n",
		"AUTH PLAIN AGFsaWNlAGFsaWNlcHc=\r\n", "AUTH PLAIN AGFsaWNlAHdyb25n\r\n" };
	struct rig *rig = rig_new("none", CLEAR, "");

	(void)state;
	rig->service.front->setup->listeners[0].gate.failures_per_address = 0;
	for (int i = 0; i < 600; i++) {
		rig->auth_mode = i % 7 == 0 ? RIG_AUTH_SILENT : RIG_AUTH_GOOD;
		rig->login_delay_ms = i % 5 == 0 ? 50 : 0;
		rig_connect(rig);
		rig_say_text(rig, "EHLO x\r\n");
		rig_say_text(rig, steps[i % 6]);
		rig_turns(rig, (unsigned)i % 9);
	}
	rig_hang_up(rig);
	/* a client that is waited for is missed when the wait is over */
	while (rig->service.front->sessions)
		rig_turns(rig, 1);
	assert_int_equal(rig->service.front->session_count, 0);
	rig_free(&rig);
}

/* C14, B5: neither replies nor logs show a credential. */
static void
test_nothing_is_shown(void **state)
{
	static const char *const secrets[] = { "AGFsaWNl", "YWxpY2Vw", "alicepw", "QmFzZTY0" };
	struct rig *rig = begin(CLEAR);
	char *text;

	(void)state;
	rig_play(rig, "C: AUTH LOGIN YWxpY2Vw\nS: 334 UGFzc3dvcmQ6\nC: YWxpY2Vwdw==\n" WRONG
		      "C: AUTH DIGEST-MD5 AGFsaWNl\n" NOT_OFFERED
		      "C: QmFzZTY0IGluIHRoZSB3cm9uZyBwbGFjZQ==\nS: 500 5.5.1 command not "
		      "recognized\n" GOOD "C: NOOP\nS: 250 2.0.0 Ok\n");
	text = rig_read_journal(rig);
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		assert_null(strstr(text, secrets[i]));
	assert_non_null(strstr(text, "<,\"AUTH LOGIN ***\""));
	assert_non_null(strstr(text, "<,\"***\""));
	assert_non_null(strstr(text, "<,\"NOOP\""));
	assert_non_null(strstr(text, ">,\"235 2.7.0 Authentication successful\""));
	mem_free(&text);
	rig_free(&rig);
}

/* -PLUS needs a channel binding, which auth is given. */
static void
test_binding(void **state)
{
	struct rig *rig = rig_new("implicit", "", "");

	(void)state;
	rig_connect(rig);
	rig_shake(rig);
	rig_hear_line(rig, "220");
	rig_say_text(rig, "EHLO x\r\n");
	rig_hear_until(rig, "250-AUTH PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS");
	rig_hear_line(rig, "250 HELP");
	rig_play(rig, "C: AUTH SCRAM-SHA-256-PLUS b25l\nS: 334 dHdv\nC: YWxpY2U=\n" WELCOME);
	assert_string_equal(rig->last_mechanism, "SCRAM-SHA-256-PLUS");
	assert_true(rig->last_tls);
	assert_int_equal(rig->last_exporter, 32);
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_rubbish),
		cmocka_unit_test(test_long_responses),
		cmocka_unit_test(test_tries),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_address_is_refused),
		cmocka_unit_test(test_auth_fails),
		cmocka_unit_test(test_auth_dies),
		cmocka_unit_test(test_announce),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_kick),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_disconnects),
		cmocka_unit_test(test_nothing_is_shown),
		cmocka_unit_test(test_binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
