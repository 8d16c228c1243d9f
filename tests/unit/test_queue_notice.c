/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices: exact text, strict fields, no injection; and who gets one. */
#include "notice_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void
test_failure_word_for_word(void **state)
{
	(void)state;
	struct parcel *parcel =
		original(plain_header, sizeof(plain_header) - 1, "Hi.\r\n", &plain_envelope);
	struct notice notice = notice_of(NOTICE_FAILURE, parcel, two_failures, 2);
	struct parcel *made = notice_make(&notice);
	char *text = text_of(made);
	char *start = strstr(text, "boundary=\"");
	char boundary[40];
	char wanted[4000];
	assert_int_equal(sscanf(start, "boundary=\"%34[^\"]\"", boundary), 1);
	snprintf(wanted, sizeof(wanted),
		"Received: by mail.example.org with local id 0abc.F0; Tue, 14 Nov 2023 22:13:20 "
		"+0000\r\n"
		"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
		"From: Mail Delivery System <postmaster@example.org>\r\n"
		"To: <alice@example.org>\r\n"
		"Subject: Undeliverable: hello\r\n"
		"Message-ID: <0abc.F0@mail.example.org>\r\n"
		"In-Reply-To: <1@client.example.org>\r\n"
		"References: <1@client.example.org>\r\n"
		"Auto-Submitted: auto-replied\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		" boundary=\"%s\"\r\n"
		"\r\n"
		"--%s\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"\r\n"
		"Your message could not be delivered.\r\n"
		"\r\n"
		"  Subject: hello\r\n"
		"  Sent: Thu, 01 Jan 1970 00:16:40 +0000\r\n"
		"\r\n"
		"It did not reach:\r\n"
		"\r\n"
		"  <bob@example.net>\r\n"
		"    There is no such address. Check how it is written.\r\n"
		"    mx.example.net said: 550 5.1.1 no such user\r\n"
		"  <carol@example.net>\r\n"
		"    It was tried for as long as is allowed here, in vain. Try again later.\r\n"
		"    The reason: connection refused\r\n"
		"\r\n"
		"It will not be tried again: correct what is wrong, and send it once more, or reach\r\n"
		"these people in another way.\r\n"
		"\r\n"
		"This is the mail system at mail.example.org; the number of the message here is\r\n"
		"0abc. Who runs it reads <postmaster@example.org>.\r\n"
		"\r\n"
		"--%s\r\n"
		"Content-Type: message/delivery-status\r\n"
		"\r\n"
		"Original-Envelope-Id: env+1\r\n"
		"Reporting-MTA: dns; mail.example.org\r\n"
		"Arrival-Date: Thu, 01 Jan 1970 00:16:40 +0000\r\n"
		"\r\n"
		"Original-Recipient: rfc822;bob+x@orig.example\r\n"
		"Final-Recipient: rfc822; bob@example.net\r\n"
		"Action: failed\r\n"
		"Status: 5.1.1\r\n"
		"Remote-MTA: dns; mx.example.net\r\n"
		"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
		"Last-Attempt-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
		"\r\n"
		"Final-Recipient: rfc822; carol@example.net\r\n"
		"Action: failed\r\n"
		"Status: 5.4.7\r\n"
		"Last-Attempt-Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
		"\r\n"
		"--%s\r\n"
		"Content-Type: message/rfc822\r\n"
		"\r\n"
		"From: <alice@example.org>\r\n"
		"Subject: hello\r\n"
		"Message-ID: <1@client.example.org>\r\n"
		"\r\n"
		"Hi.\r\n"
		"\r\n"
		"--%s--\r\n",
		boundary, boundary, boundary, boundary, boundary);
	assert_string_equal(text, wanted);
	/* and its envelope */
	assert_string_equal(made->record.id, "0abc.F0");
	assert_string_equal(made->record.parent, "0abc");
	assert_string_equal(made->record.envelope.sender, "");
	assert_int_equal(made->record.envelope.recipient_count, 1);
	assert_string_equal(made->record.envelope.recipients[0].path, "alice@example.org");
	assert_int_equal(made->record.envelope.recipients[0].notify, NOTIFY_NEVER);
	assert_int_equal(made->record.envelope.body_kind, BODY_7BIT);
	/* made again it is the same message */
	struct parcel *again = notice_make(&notice);
	assert_true(span_equal(record_digest(made->bytes), record_digest(again->bytes)));
	parcel_drop(&again);
	mem_free(&text);
	parcel_drop(&made);
	parcel_drop(&parcel);
}

static void
test_other_kinds(void **state)
{
	(void)state;
	static const struct {
		enum notice_kind kind;
		bool at_mailbox;
		const char *id;
		const char *parts[4];
	} cases[] = {
		{ NOTICE_DELAY, false, "0abc.D1",
			{ "Action: delayed\r\n", "Status: 4.4.1\r\n",
				"Will-Retry-Until: Tue, 14 Nov 2023 23:13:20 +0000\r\n",
				"It will be tried until: Tue, 14 Nov 2023 23:13:20" } },
		{ NOTICE_SUCCESS, false, "0abc.S1",
			{ "Action: relayed\r\n", "Status: 2.0.0\r\n", "passed on",
				"text/rfc822-headers" } },
		{ NOTICE_SUCCESS, true, "0abc.S1",
			{ "Action: delivered\r\n", "Status: 2.0.0\r\n", "was delivered",
				"text/rfc822-headers" } },
	};
	struct parcel *parcel =
		original(plain_header, sizeof(plain_header) - 1, "Hi.\r\n", &plain_envelope);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct recipient recipient = { .number = 1, .enhanced = "4.4.1", .text = "t",
			.hop = "hop" };
			struct notice notice = notice_of(cases[i].kind, parcel, &recipient, 1);
		notice.at_mailbox = cases[i].at_mailbox;
		struct parcel *made = notice_make(&notice);
		char *text = text_of(made);
		assert_string_equal(made->record.id, cases[i].id);
		for (size_t k = 0; k < 4; k++)
			assert_non_null(strstr(text, cases[i].parts[k]));
		assert_lines(made->content);
		mem_free(&text);
		parcel_drop(&made);
	}
	parcel_drop(&parcel);
}

static void
test_who_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *sender;
		uint8_t notify;
		const char *parent;
		bool failure, delay, success, again;
	} cases[] = {
		{ "a@b", NOTIFY_DEFAULT, "", true, true, false, false },
		{ "a@b", NOTIFY_NEVER, "", false, false, false, false },
		{ "a@b", NOTIFY_FAILURE, "", true, false, false, false },
		{ "a@b", NOTIFY_DELAY, "", false, true, false, false },
		{ "a@b", NOTIFY_SUCCESS, "", false, false, true, false },
		{ "a@b", NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "", true, true, true,
			false },
		{ "", NOTIFY_DEFAULT, "", false, false, false, true },
		{ "", NOTIFY_SUCCESS | NOTIFY_FAILURE, "", false, false, false, true },
		{ "", NOTIFY_NEVER, "", false, false, false, false },
		{ "", NOTIFY_NEVER, "0abc", false, false, false, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message_recipient recipient = { .path = "c@d", .notify = cases[i].notify,
			.orcpt = "" };
		struct record record = { .parent = cases[i].parent,
			.envelope = { .sender = cases[i].sender, .recipient_count = 1,
				.recipients = &recipient } };
		assert_int_equal(
			notice_is_wanted(&record, 0, NOTICE_FAILURE), cases[i].failure);
		assert_int_equal(notice_is_wanted(&record, 0, NOTICE_DELAY), cases[i].delay);
		assert_int_equal(
			notice_is_wanted(&record, 0, NOTICE_SUCCESS), cases[i].success);
		assert_int_equal(
			notice_is_wanted(&record, 0, NOTICE_DOUBLE), cases[i].again);
	}
}

/* I6: behind the postmaster there is nobody. */
static void
test_who_is_the_last(void **state)
{
	(void)state;
	static const struct {
		const char *id, *parent, *sender, *recipient;
		bool last;
	} cases[] = {
		{ "0abc.F0", "0abc", "", "a@b", false },
		{ "0abc.F0", "0abc", "", "POSTMASTER@example.org", true },
		{ "0abc.F0.P0", "0abc.F0", "", "former-postmaster@example.org", true },
		{ "0abc", "", "", "postmaster@example.org", false },
		{ "0abc.P0", "", "a@b", "postmaster@example.org", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message_recipient recipient = { .path = cases[i].recipient, .orcpt = "" };
		struct record record = { .id = cases[i].id, .parent = cases[i].parent,
			.envelope = { .sender = cases[i].sender, .recipient_count = 1,
				.recipients = &recipient } };
		assert_int_equal(
			notice_is_last(&record, "postmaster@example.org"), cases[i].last);
	}
}

/* H3, H5, H6: what others chose cannot end a line, open a part, or add a field. */
static void
test_nothing_is_injected(void **state)
{
	(void)state;
	static const char header[] =
		"From: a\r\nX-Bad: \x01\x1b[0m\0\xff\rInjected: yes\nAlso: yes\r\n"
		"--=_guess\r\nContent-Type: text/html\r\n\r\n";
	const struct message_recipient recipient = { .number = 0,
		.path = "bob\r\nInjected: 1@example.net",
		.orcpt = "rfc822;x+0D+0AInjected:+202" };
	const struct message_envelope envelope = { .sender = "alice@example.org",
		.envid = "e+0D+0AInjected:+203", .recipient_count = 1, .recipients = &recipient };
	const struct recipient failure = { .number = 0, .stage = RECIPIENT_FAILED, .code = 550,
		.enhanced = "5.0.0", .text = "no\r\nInjected: 4\r\n.\r\n\x1b\x9b",
		.hop = "hop\r\nInjected: 5" };
	struct parcel *parcel = original(header, sizeof(header) - 1, "x\r\n", &envelope);
	struct notice notice = notice_of(NOTICE_FAILURE, parcel, &failure, 1);
	struct parcel *made = notice_make(&notice);
	char *text = text_of(made);
	assert_lines(made->content);
	assert_int_equal(count_of(text, "\nInjected"), 0);
	assert_int_equal(count_of(text, "\nAlso"), 0);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "Original-Envelope-Id: e+0D+0AInjected:+203\r\n"));
	assert_non_null(strstr(text, "Original-Recipient: rfc822;x+0D+0AInjected:+202\r\n"));
	assert_non_null(strstr(text, "X-Bad: ?"));
	mem_free(&text);
	parcel_drop(&made);
	parcel_drop(&parcel);
}

/* To the postmaster, with the whole notice that could not be delivered. */
static void
test_double(void **state)
{
	(void)state;
	struct parcel *parcel =
		original(plain_header, sizeof(plain_header) - 1, "Hi.\r\n", &plain_envelope);
	struct notice notice = notice_of(NOTICE_FAILURE, parcel, two_failures, 2);
	struct parcel *first = notice_make(&notice);
	const struct recipient failure = { .number = 0, .stage = RECIPIENT_FAILED, .code = 550,
		.enhanced = "5.1.1", .text = "gone", .hop = "mx.example.org" };
	notice = notice_of(NOTICE_DOUBLE, first, &failure, 1);
	struct parcel *second = notice_make(&notice);
	char *text = text_of(second);
	assert_string_equal(second->record.id, "0abc.F0.P0");
	assert_string_equal(second->record.parent, "0abc.F0");
	assert_string_equal(second->record.envelope.sender, "");
	assert_string_equal(
		second->record.envelope.recipients[0].path, "postmaster@example.org");
	assert_true(notice_is_last(&second->record, "another@example.org"));
	assert_non_null(strstr(text, "To: <postmaster@example.org>\r\n"));
	assert_non_null(strstr(text, "Final-Recipient: rfc822; alice@example.org\r\n"));
	assert_non_null(strstr(text, "\r\n\r\nHi.\r\n"));
	assert_lines(second->content);
	mem_free(&text);
	parcel_drop(&second);
	parcel_drop(&first);
	parcel_drop(&parcel);
}

static void
test_long_id(void **state)
{
	(void)state;
	struct parcel *parcel =
		original(plain_header, sizeof(plain_header) - 1, "Hi.\r\n", &plain_envelope);
	parcel->record.id = "0123456789012345678901234567890";
	struct notice notice = notice_of(NOTICE_FAILURE, parcel, two_failures, 2);
	struct parcel *made = notice_make(&notice);
	assert_true(strlen(made->record.id) <= MESSAGE_ID_MAX_BYTES);
	assert_non_null(strstr(made->record.id, ".F0"));
	parcel_drop(&made);
	parcel_drop(&parcel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure_word_for_word),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_who_is_told),
		cmocka_unit_test(test_nothing_is_injected),
		cmocka_unit_test(test_who_is_the_last),
		cmocka_unit_test(test_double),
		cmocka_unit_test(test_long_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
