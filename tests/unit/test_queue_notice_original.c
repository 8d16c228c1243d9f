/* SPDX-License-Identifier: BSD-2-Clause */
/* How much of the original comes back with a notice, and in which form. */
#include "notice_fixture.h"

#include "queue/notice_report.h"

#include <stdio.h>
#include <stdlib.h>

static void
test_return_full(void **state)
{
	(void)state;
	struct message_envelope envelope = plain_envelope;
	char *large = mem_alloc(60000);
	memset(large, 'x', 59999);
	for (size_t i = 70; i < 59999; i += 72)
		memcpy(large + i, "\r\n", 2);
	memcpy(large + 59997, "\r\n", 2);
	const struct {
		enum return_kind ret;
		const char *body;
		bool full;
		enum body_kind kind;
	} cases[] = {
		{ RETURN_FULL, "The body.\r\n", true, BODY_7BIT },
		{ RETURN_FULL, "Gr\xc3\xbc\xc3\x9f.\r\n", true, BODY_8BITMIME },
		{ RETURN_FULL, "bare\nline\r\n", false, BODY_7BIT },
		{ RETURN_FULL, "bare\rline\r\n", false, BODY_7BIT },
		{ RETURN_FULL, large, false, BODY_7BIT },
		{ RETURN_HEADERS, "The body.\r\n", false, BODY_7BIT },
		{ RETURN_DEFAULT, "The body.\r\n", true, BODY_7BIT },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		envelope.ret = cases[i].ret;
		struct parcel *parcel = original(
			plain_header, sizeof(plain_header) - 1, cases[i].body, &envelope);
		struct notice notice = notice_of(NOTICE_FAILURE, parcel, two_failures, 2);
		struct parcel *made = notice_make(&notice);
		char *text = text_of(made);
		assert_int_equal(strstr(text, "message/rfc822\r\n") != NULL, cases[i].full);
		assert_int_equal(strstr(text, "text/rfc822-headers\r\n") != NULL, !cases[i].full);
		assert_int_equal(strstr(text, cases[i].body) != NULL, cases[i].full);
		assert_int_equal(made->record.envelope.body_kind, cases[i].kind);
		assert_int_equal(strstr(text, "Content-Transfer-Encoding: 8bit") != NULL,
			cases[i].kind == BODY_8BITMIME);
		assert_lines(made->content);
		mem_free(&text);
		parcel_drop(&made);
		parcel_drop(&parcel);
	}
	mem_free(&large);
}

/* A header beyond the cap ends at a line's end; a line that is too long loses its tail. */
static void
test_return_is_capped(void **state)
{
	(void)state;
	struct buf header = BUF_INIT(0);
	for (unsigned i = 0; i < 3000; i++)
		buf_printf(&header, "X-Field-%u: 0123456789012345678901234567890123456789\r\n", i);
	buf_add_text(&header, "\r\n");
	struct parcel *parcel = original(buf_span(&header).start, buf_length(&header), "x",
		&plain_envelope);
	struct notice notice = notice_of(NOTICE_FAILURE, parcel, two_failures, 2);
	struct parcel *made = notice_make(&notice);
	size_t body = parcel_body(made).length;
	assert_true(body > 49 * 1024 && body < 53 * 1024);
	assert_lines(made->content);
	parcel_drop(&made);
	parcel_drop(&parcel);
	buf_clear(&header);
	buf_add_text(&header, "X-Long: ");
	for (unsigned i = 0; i < 3000; i++)
		buf_add_byte(&header, 'y');
	buf_add_text(&header, "\r\nX-Next: 1\r\n\r\n");
	parcel = original(buf_span(&header).start, buf_length(&header), "x", &plain_envelope);
	notice.parcel = parcel;
	made = notice_make(&notice);
	char *text = text_of(made);
	assert_lines(made->content);
	assert_non_null(strstr(text, "X-Next: 1\r\n"));
	mem_free(&text);
	parcel_drop(&made);
	parcel_drop(&parcel);
	buf_fini(&header);
}

/* I7: a thousand bad recipients give one notice, which tells of each once; whatever was said of them. */
static void
test_thousand_recipients(void **state)
{
	enum { COUNT = 1000 };
	(void)state;
	struct message_recipient *recipients = calloc(COUNT, sizeof(*recipients));
	struct recipient *failures = calloc(COUNT, sizeof(*failures));
	char (*paths)[300] = calloc(COUNT, sizeof(*paths));
	char text[501];
	struct message_envelope envelope = { .sender = "alice@example.org", .envid = "",
		.smtputf8 = true, .recipient_count = COUNT, .recipients = recipients };
	memset(text, 't', 500);
	text[500] = '\0';
	for (unsigned size = 0; size < 2; size++) {
		for (unsigned i = 0; i < COUNT; i++) {
			snprintf(paths[i], sizeof(paths[i]), "user-%u-%s@example.net", i,
				size ? "\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6" : "x");
			recipients[i] = (struct message_recipient){ .number = i, .path = paths[i],
				.orcpt = size ? text : "" };
			failures[i] = (struct recipient){ .number = i, .stage = RECIPIENT_FAILED,
				.code = 550, .enhanced = "5.1.1", .text = size ? text : "no",
				.hop = size ? text : "mx.example.net", .tried_ms = 1 };
		}
		struct parcel *parcel =
			original(plain_header, sizeof(plain_header) - 1, "x", &envelope);
		struct notice notice = notice_of(NOTICE_FAILURE, parcel, failures, COUNT);
		struct parcel *made = notice_make(&notice);
		assert_true(parcel_body(made).length <= MESSAGE_NOTICE_MAX_BYTES);
		char *made_text = text_of(made);
		assert_int_equal(count_of(made_text, "\nFinal-Recipient: "), COUNT);
		assert_int_equal(count_of(made_text, "\nStatus: 5.1.1\r\n"), COUNT);
		assert_int_equal(count_of(made_text, "; user-0-"), 1);
		assert_int_equal(count_of(made_text, "; user-999-"), 1);
		/* with such letters the words are in base64 */
		assert_int_equal(count_of(made_text, "more, who are listed in the report"), !size);
		assert_string_equal(made->record.id, "0abc.F0");
		assert_lines(made->content);
		mem_free(&made_text);
		parcel_drop(&made);
		parcel_drop(&parcel);
	}
	free(paths);
	free(failures);
	free(recipients);
}

/*
 * RFC 6533: what had to be global is told in global forms, in base64 so that any hop can carry them;
 * where only the recipient was, the sender may not know these, and is told in ASCII.
 */
static void
test_smtputf8(void **state)
{
	(void)state;
#define UTF8_ADDRESS "b\xc3\xb6" "b@example.net"
	static const char utf8_header[] =
		"From: <\xc3\xa4@example.org>\r\nSubject: \xc3\xbc\r\n\r\n";
	static const char ascii_header[] = "From: <a@example.org>\r\nSubject: u\r\n\r\n";
	static const struct {
		const char *sender;
		const char *header;
		const char *orcpt;
		enum return_kind ret;
		bool global;
		bool needs_utf8; /* the way back */
		const char *parts[2];
	} cases[] = {
		{ "\xc3\xa4@example.org", utf8_header, "utf-8;b\\x{F6}b@example.net",
			RETURN_HEADERS, true, true,
			{ "message/global-headers\r\nContent-Transfer-Encoding: base64", "" } },
		{ "alice@example.org", utf8_header, "utf-8;" UTF8_ADDRESS, RETURN_FULL, true, false,
			{ "message/global\r\nContent-Transfer-Encoding: base64", "" } },
		{ "\xc3\xa4@example.org", ascii_header, "", RETURN_FULL, true, true,
			{ "message/global\r\n", "" } },
		{ "alice@example.org", ascii_header, "utf-8;" UTF8_ADDRESS, RETURN_HEADERS, false,
			false,
			{ "Final-Recipient: utf-8; b\\x{F6}b@example.net\r\n",
				"Original-Recipient: utf-8;b\\x{F6}b@example.net\r\n" } },
		{ "alice@example.org", ascii_header, "utf-8;b\\x{F6}b\\x{2B}@example.net",
			RETURN_FULL, false, false,
			{ "Original-Recipient: utf-8;b\\x{F6}b\\x{2B}@example.net\r\n",
				"message/rfc822\r\n" } },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct message_recipient recipient = { .number = 0, .path = UTF8_ADDRESS,
			.orcpt = cases[i].orcpt };
		struct message_envelope envelope = { .sender = cases[i].sender, .envid = "",
			.ret = cases[i].ret, .smtputf8 = true, .recipient_count = 1,
			.recipients = &recipient };
		struct parcel *parcel =
			original(cases[i].header, strlen(cases[i].header), "x\r\n", &envelope);
		struct notice notice = notice_of(NOTICE_FAILURE, parcel, two_failures, 1);
		struct parcel *made = notice_make(&notice);
		char *text = text_of(made);
		assert_int_equal(
			strstr(text, "Content-Type: message/global-delivery-status\r\n") != NULL,
			cases[i].global);
		assert_int_equal(strstr(text, "report-type=global-delivery-status;") != NULL,
			cases[i].global);
		assert_int_equal(strstr(text, "Content-Type: message/delivery-status\r\n") != NULL,
			!cases[i].global);
		for (size_t k = 0; k < 2; k++)
			assert_non_null(strstr(text, cases[i].parts[k]));
		assert_int_equal(made->record.envelope.smtputf8, cases[i].needs_utf8);
		assert_int_equal(made->record.envelope.body_kind, BODY_7BIT);
		for (size_t k = 0; k < parcel_body(made).length; k++)
			assert_true((unsigned char)parcel_body(made).start[k] < 128);
		assert_lines(made->content);
		mem_free(&text);
		parcel_drop(&made);
		parcel_drop(&parcel);
	}
}

/* The global report itself, before it is encoded. */
static void
test_global_report(void **state)
{
	(void)state;
	const struct message_recipient recipient = { .number = 0, .path = UTF8_ADDRESS,
		.orcpt = "utf-8;\\x{20AC}\\x{1F600}b@example.net" };
	const struct message_envelope envelope = { .sender = "a@b", .envid = "", .smtputf8 = true,
		.recipient_count = 1, .recipients = &recipient };
	struct parcel *parcel =
		original(plain_header, sizeof(plain_header) - 1, "x", &envelope);
	struct notice notice = notice_of(NOTICE_FAILURE, parcel, two_failures, 1);
	struct buf report = BUF_INIT(0);
	notice_report_add(&report, &notice, true);
	assert_non_null(strstr(buf_text(&report), "\nFinal-Recipient: utf-8; " UTF8_ADDRESS "\r\n"));
	assert_non_null(strstr(buf_text(&report),
		"\nOriginal-Recipient: utf-8;\xe2\x82\xac\xf0\x9f\x98\x80" "b@example.net\r\n"));
	buf_fini(&report);
	parcel_drop(&parcel);
}

/* What is nobody's business: blind recipients, the path of a socket; and a cap of nothing. */
static void
test_nothing_is_told_away(void **state)
{
	(void)state;
	static const char header[] = "From: <a@b>\r\nBcc: <eve@example.net>,\r\n <mallory@c>\r\n"
				     "resent-bcc: <trent@d>\r\nX-Last: 1\r\n\r\n";
	struct message_envelope envelope = plain_envelope;
	struct recipient failure = two_failures[0];
	failure.hop = "/run/dovecot/lmtp";
	envelope.ret = RETURN_HEADERS;
	struct parcel *parcel = original(header, sizeof(header) - 1, "x\r\n", &envelope);
	struct notice notice = notice_of(NOTICE_FAILURE, parcel, &failure, 1);
	struct parcel *made = notice_make(&notice);
	char *text = text_of(made);
	assert_non_null(strstr(text, "X-Last: 1\r\n"));
	assert_null(strstr(text, "eve@"));
	assert_null(strstr(text, "mallory@"));
	assert_null(strstr(text, "trent@"));
	assert_null(strstr(text, "/run"));
	assert_null(strstr(text, "Remote-MTA"));
	assert_non_null(strstr(text, "The mail server said: 550 5.1.1 no such user\r\n"));
	mem_free(&text);
	parcel_drop(&made);
	notice.return_max_bytes = 0;
	made = notice_make(&notice);
	text = text_of(made);
	assert_int_equal(count_of(text, "Content-Type: "), 3);
	assert_null(strstr(text, "X-Last"));
	mem_free(&text);
	parcel_drop(&made);
	parcel_drop(&parcel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_return_full),
		cmocka_unit_test(test_return_is_capped),
		cmocka_unit_test(test_thousand_recipients),
		cmocka_unit_test(test_smtputf8),
		cmocka_unit_test(test_global_report),
		cmocka_unit_test(test_nothing_is_told_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
