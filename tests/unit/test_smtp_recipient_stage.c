/* SPDX-License-Identifier: BSD-2-Clause */
/* Recipients in our own domains: who is asked, and what the client is told. */
#include "../fake/smtp_rig.h"

#include <stdio.h>

#define STRANGERS "permit \"anonymous\" { rights = { submit, any-sender } }\n"
#define DOMAINS                                                                                    \
	"domain \"example.org\" { recipients = %s  unsure = %s }\n"

static struct rig *
begin_as(const char *recipients, const char *unsure)
{
	char more[300];
	struct rig *rig;

	snprintf(more, sizeof more, STRANGERS DOMAINS, recipients, unsure);
	rig = rig_new("none", "login = off\n", more);
	rig_connect(rig);
	rig_hear_line(rig, "220");
	rig_play(rig, "C: HELO relay.example.net\nS: 250 mail.example.org\n"
		      "C: MAIL FROM:<somebody@example.net>\nS: 250 2.1.0 Ok\n");
	return rig;
}

static void
what_strangers_are_told(void **state)
{
	static const struct {
		enum finding finding;
		const char *code;
		const char *unsure;
		const char *reply;
	} cases[] = {
		{ FINDING_KNOWN, "2.1.5", "tempfail", "250 2.1.5 Ok" },
		{ FINDING_UNKNOWN, "", "accept", "550 5.1.1 There is no such recipient here" },
		{ FINDING_UNKNOWN, "5.2.1", "tempfail", "550 5.2.1 " },
		{ FINDING_UNKNOWN, "4.2.1", "tempfail", "550 5.1.1 " },
		{ FINDING_LATER, "4.2.2", "accept", "450 4.2.2 " },
		{ FINDING_LATER, "", "tempfail", "450 4.1.1 " },
		{ FINDING_UNSURE, "", "tempfail", "450 4.4.3 " },
		{ FINDING_UNSURE, "", "accept", "250 2.1.5 Ok" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (unsigned directory = 0; directory < 2; directory++) {
			struct rig *rig = begin_as(
				directory ? "directory" : "call-ahead", cases[i].unsure);

			rig->finding = cases[i].finding;
			rig->finding_code = cases[i].code;
			rig_play(rig, "C: RCPT TO:<Bob@EXAMPLE.org>\n");
			rig_hear_line(rig, cases[i].reply);
			assert_int_equal(rig->asked_auth, directory);
			assert_int_equal(rig->asked_queue, !directory);
			assert_string_equal(rig->asked_path, "Bob@example.org");
			rig_free(&rig);
		}
	}
}

/* Whoever logged in hears of it at once, or by a notice: nothing is put off. */
static void
what_logins_are_told(void **state)
{
	static const struct {
		enum finding finding;
		const char *reply;
	} cases[] = {
		{ FINDING_KNOWN, "250 2.1.5 Ok" },
		{ FINDING_UNKNOWN, "550 5.1.1 " },
		{ FINDING_LATER, "250 2.1.5 Ok" },
		{ FINDING_UNSURE, "250 2.1.5 Ok" },
	};
	struct rig *rig = rig_new("none",
		"login = plain insecure-networks = { \"192.0.2.0/24\" } insecure-login = allow\n", "");

	(void)state;
	rig_log_in(rig);
	rig_play(rig, "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char command[80];

		rig->finding = cases[i].finding;
		snprintf(command, sizeof command, "C: RCPT TO:<u%zu@example.org>\n", i);
		rig_play(rig, command);
		rig_hear_line(rig, cases[i].reply);
	}
	assert_int_equal(rig->asked_queue, 4);
	/* domains of others are nobody's to tell */
	rig_play(rig, "C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\n"
		      "C: RCPT TO:<u@sub.example.org>\nS: 250 2.1.5 Ok\n");
	assert_int_equal(rig->asked_queue, 4);
	rig_free(&rig);
}

static void
nobody_is_asked_where_any_is_taken(void **state)
{
	struct rig *rig = begin_as("any", "tempfail");

	(void)state;
	rig->finding = FINDING_UNKNOWN;
	rig_play(rig, "C: RCPT TO:<bob@example.org>\nS: 250 2.1.5 Ok\n");
	assert_int_equal(rig->asked_auth + rig->asked_queue, 0);
	rig_free(&rig);
}

/* The rights come first: of what is refused anyway nobody is asked. */
static void
rights_come_first(void **state)
{
	struct rig *rig = begin_as("call-ahead", "tempfail");

	(void)state;
	rig_play(rig, "C: RCPT TO:<bob@example.net>\n");
	rig_hear_line(rig, "550 5.7.1 ");
	assert_int_equal(rig->asked_queue, 0);
	rig_free(&rig);
}

static void
who_is_asked_goes_away(void **state)
{
	struct rig *rig = begin_as("call-ahead", "tempfail");

	(void)state;
	rig->finding_silent = true;
	rig_say_text(rig, "RCPT TO:<bob@example.org>\r\n");
	rig_hear_silence(rig);
	assert_int_equal(rig->asked_queue, 1);
	rig_kill_queue(rig);
	rig_hear_line(rig, "450 4.4.3 ");
	rig_play(rig, "C: RCPT TO:<bob@example.org>\n");
	rig_hear_line(rig, "450 4.4.3 ");
	rig->finding_silent = false;
	rig_link_queue(rig);
	rig_play(rig, "C: RCPT TO:<bob@example.org>\nS: 250 2.1.5 Ok\n");
	rig_free(&rig);
}

static void
the_client_leaves_first(void **state)
{
	struct rig *rig = begin_as("directory", "tempfail");

	(void)state;
	rig->finding_silent = true;
	rig_say_text(rig, "RCPT TO:<bob@example.org>\r\n");
	rig_hear_silence(rig);
	assert_int_equal(rig->asked_auth, 1);
	rig_hang_up(rig);
	rig_turns(rig, 4);
	rig_kill_auth(rig); /* whose answer nobody waits for */
	rig_turns(rig, 4);
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_strangers_are_told),
		cmocka_unit_test(what_logins_are_told),
		cmocka_unit_test(nobody_is_asked_where_any_is_taken),
		cmocka_unit_test(rights_come_first),
		cmocka_unit_test(who_is_asked_goes_away),
		cmocka_unit_test(the_client_leaves_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
