/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices: exact text, strict fields, no injection, caps; and who gets one. */
#include "queue/notice.h"
#include "queue/notice_report.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW_MS = 1700000000 };

static const char plain_header[] = "From: <alice@example.org>\r\nSubject: hello\r\n"
				   "Message-ID: <1@client.example.org>\r\n\r\n";

static struct parcel *
original(const char *header, size_t header_length, const char *body,
	const struct message_envelope *envelope)
{
	struct parcel *parcel = parcel_new(1000);
	parcel->record = (struct record){ .id = "0abc", .parent = "", .session = "s1",
		.listener = "submission", .protocol = "ESMTPSA", .client_address = "192.0.2.1",
		.login = "alice", .envelope = *envelope };
	parcel_seal(parcel, span_of(header, header_length), span_text(body), 1000000);
	return parcel;
}

static struct notice
notice_of(enum notice_kind kind, const struct parcel *parcel, const struct recipient *recipients,
	size_t count)
{
	return (struct notice){ .kind = kind, .parcel = parcel, .recipients = recipients,
		.recipient_count = count, .hostname = "mail.example.org",
		.postmaster = "postmaster@example.org", .return_max_bytes = 50 * 1024, .now_ms = (int64_t)NOW_MS * 1000,
		.until_ms = (int64_t)(NOW_MS + 3600) * 1000 };
}

/* The content as text; it must have no NUL. */
static char *
text_of(const struct parcel *parcel)
{
	assert_false(span_has_byte(parcel->content, '\0'));
	return mem_strndup(parcel->content.start, parcel->content.length);
}

/* Every line ends in CRLF and is at most 998 bytes long; CR and LF stand nowhere else. */
static void
assert_lines(struct span content)
{
	size_t line = 0;
	for (size_t i = 0; i < content.length; i++) {
		char byte = content.start[i];
		if (byte == '\n') {
			assert_true(i > 0 && content.start[i - 1] == '\r');
			line = 0;
			continue;
		}
		if (byte == '\r')
			assert_true(i + 1 < content.length && content.start[i + 1] == '\n');
		else
			assert_true(++line <= 998);
	}
}

static size_t
count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

static const struct message_recipient two_recipients[] = {
	{ .number = 0, .path = "bob@example.net", .orcpt = "rfc822;bob+2Bx@orig.example" },
	{ .number = 1, .path = "carol@example.net", .orcpt = "" },
};

static const struct message_envelope plain_envelope = { .sender = "alice@example.org",
	.envid = "env+2B1", .recipient_count = 2, .recipients = two_recipients };

static const struct recipient two_failures[] = {
	{ .number = 0, .stage = RECIPIENT_FAILED, .attempts = 1, .tried_ms = INT64_C(1700000000000),
		.code = 550, .enhanced = "5.1.1", .text = "no such user", .hop = "mx.example.net" },
	{ .number = 1, .stage = RECIPIENT_FAILED, .attempts = 9, .tried_ms = INT64_C(1700000000000),
		.code = 0, .enhanced = "5.4.7", .text = "connection refused", .hop = "" },
};

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
		cmocka_unit_test(test_return_full),
		cmocka_unit_test(test_return_is_capped),
		cmocka_unit_test(test_thousand_recipients),
		cmocka_unit_test(test_who_is_the_last),
		cmocka_unit_test(test_smtputf8),
		cmocka_unit_test(test_global_report),
		cmocka_unit_test(test_double),
		cmocka_unit_test(test_nothing_is_told_away),
		cmocka_unit_test(test_long_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
