/* SPDX-License-Identifier: BSD-2-Clause */
/* The SMTP dialogue: scripts with every byte of the replies, said whole and a byte at a time. */
#include "../fake/smtp_rig.h"

#define EHLO_TLS                                                                                    \
	"S: 250-mail.example.org\nS: 250-PIPELINING\nS: 250-SIZE 26214400\nS: 250-8BITMIME\n"       \
	"S: 250-SMTPUTF8\nS: 250-CHUNKING\nS: 250-DSN\nS: 250-ENHANCEDSTATUSCODES\n"

static void
test_first(void **state)
{
	struct rig *rig = rig_new("starttls", "", "");

	(void)state;
	rig_connect(rig);
	rig_play(rig, "S: 220 mail.example.org ESMTP\nC: EHLO x.example.org\n" EHLO_TLS
		"S: 250-STARTTLS\nS: 250 HELP\nC: QUIT\nS: 221 2.0.0 mail.example.org Goodbye\n");
	rig_hear_close(rig);
	rig_log_in(rig);
	rig_play(rig, "C: MAIL FROM:<alice@example.org>\nS: 250 2.1.0 Ok\n"
		"C: RCPT TO:<u@example.net>\nS: 250 2.1.5 Ok\nC: DATA\n"
		"S: 354 End data with <CR><LF>.<CR><LF>\n"
		"C: From: <alice@example.org>\nC: Subject: x\nC: \nC: hello\nC: .\n");
	rig_hear_line(rig, "250 2.0.0 Ok: queued as ");
	assert_int_equal(rig->count, 1);
	print_message("%.*s", SPAN_PRINT(buf_span(&rig_last(rig)->header)));
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
