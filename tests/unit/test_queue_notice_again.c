/* SPDX-License-Identifier: BSD-2-Clause */
/* A notice that a hop of seven bits did not take: what goes out in its place. */
#include "notice_fixture.h"

#include "queue/notice_again.h"

#include <stdio.h>

#define EIGHT "Gr\xc3\xbc\xc3\x9f.\r\n"

/* Of a message that the given header and body make. */
static struct parcel *
notice_about(enum notice_kind kind, const char *header, const char *body,
	const struct message_envelope *envelope)
{
	struct parcel *parcel = original(header, strlen(header), body, envelope);
	struct notice notice = notice_of(kind, parcel, two_failures, 2);
	struct parcel *made = notice_make(&notice);
	parcel_drop(&parcel);
	return made;
}

static void
assert_plain(const struct parcel *again)
{
	struct span body = parcel_body(again);
	for (size_t i = 0; i < body.length; i++)
		assert_true((unsigned char)body.start[i] < 128);
	assert_int_equal(again->record.envelope.body_kind, BODY_7BIT);
	assert_lines(again->content);
}

static void
test_the_header_alone_is_returned(void **state)
{
	(void)state;
	struct parcel *notice =
		notice_about(NOTICE_FAILURE, plain_header, EIGHT, &plain_envelope);
	assert_int_equal(notice->record.envelope.body_kind, BODY_8BITMIME);
	struct parcel *again = notice_again_make(notice, 77000);
	char *before = text_of(notice);
	char *text = text_of(again);
	assert_plain(again);
	assert_string_equal(again->record.id, "0abc.F0.F0");
	assert_string_equal(again->record.parent, "0abc");
	assert_string_equal(again->record.envelope.sender, "");
	assert_string_equal(again->record.envelope.recipients[0].path, "alice@example.org");
	assert_int_equal(again->record.envelope.recipients[0].notify, NOTIFY_NEVER);
	assert_int_equal(again->received_ms, 77000);
	/* What comes before the original is as it was. */
	size_t same = (size_t)(strstr(before, "Content-Type: message/rfc822") - before);
	assert_memory_equal(before, text, same);
	assert_non_null(strstr(text + same, "Content-Type: text/rfc822-headers\r\n\r\nFrom: <alice@"));
	assert_non_null(strstr(text + same, "Subject: hello\r\n"));
	assert_null(strstr(text + same, "Gr"));
	/* Its end is where the first one's was. */
	assert_string_equal(text + strlen(text) - 40, before + strlen(before) - 40);
	mem_free(&before);
	mem_free(&text);
	parcel_drop(&again);
	parcel_drop(&notice);
}

/* What a sender has put into the original is neither taken for the notice's own part nor let through. */
static void
test_a_notice_within(void **state)
{
	(void)state;
	static const char header[] = "Subject: x;\r\n boundary=\"y\"\r\nBcc: <eve@example.net>\r\n"
				     "X-Raw: \xe4\r\n\r\n";
	static const char body[] = "--y\r\nContent-Type: message/rfc822\r\n"
				   "Content-Transfer-Encoding: 8bit\r\n\r\nX-Inner: \xe4\r\n\r\n";
	struct parcel *notice = notice_about(NOTICE_FAILURE, header, body, &plain_envelope);
	struct parcel *again = notice_again_make(notice, 77000);
	char *text = text_of(again);
	assert_plain(again);
	assert_null(strstr(text, "eve@"));
	assert_null(strstr(text, "X-Inner"));
	assert_non_null(strstr(text, "X-Raw: ?\r\n"));
	assert_int_equal(count_of(text, "text/rfc822-headers"), 1);
	mem_free(&text);
	parcel_drop(&again);
	parcel_drop(&notice);
}

/* The postmaster's stays the postmaster's: nobody is told if it fails. */
static void
test_of_the_postmaster(void **state)
{
	(void)state;
	struct message_envelope envelope = plain_envelope;
	envelope.sender = "";
	struct parcel *notice = notice_about(NOTICE_DOUBLE, plain_header, EIGHT, &envelope);
	struct parcel *again = notice_again_make(notice, 77000);
	assert_plain(again);
	assert_string_equal(again->record.id, "0abc.P0.P0");
	assert_true(notice_is_last(&again->record, "other@example.org"));
	parcel_drop(&again);
	parcel_drop(&notice);
}

static void
test_only_what_returns_eight_bits(void **state)
{
	(void)state;
	struct message_envelope envelope = plain_envelope;
	envelope.ret = RETURN_HEADERS;
	struct parcel *notice = notice_about(NOTICE_FAILURE, plain_header, EIGHT, &envelope);
	assert_null(notice_again_make(notice, 77000));
	parcel_drop(&notice);
}

static void
test_when_it_is_due(void **state)
{
	(void)state;
	static const struct {
		const char *parent;
		const char *sender;
		enum body_kind kind;
		enum recipient_stage stage;
		uint16_t code;
		const char *enhanced;
		bool due;
	} cases[] = {
		{ "0abc", "", BODY_8BITMIME, RECIPIENT_FAILED, 0, "5.6.3", true },
		{ "", "", BODY_8BITMIME, RECIPIENT_FAILED, 0, "5.6.3", false },
		{ "0abc", "a@b", BODY_8BITMIME, RECIPIENT_FAILED, 0, "5.6.3", false },
		{ "0abc", "", BODY_7BIT, RECIPIENT_FAILED, 0, "5.6.3", false },
		{ "0abc", "", BODY_8BITMIME, RECIPIENT_WAITING, 0, "5.6.3", false },
		{ "0abc", "", BODY_8BITMIME, RECIPIENT_FAILED, 554, "5.6.3", false },
		{ "0abc", "", BODY_8BITMIME, RECIPIENT_FAILED, 0, "5.6.7", false },
		{ "0abc", "", BODY_8BITMIME, RECIPIENT_FAILED, 0, NULL, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record record = { .parent = cases[i].parent,
			.envelope = { .sender = cases[i].sender, .body_kind = cases[i].kind } };
		struct recipient recipient = { .stage = cases[i].stage, .code = cases[i].code,
			.enhanced = cases[i].enhanced };
		assert_int_equal(notice_again_is_due(&record, &recipient), cases[i].due);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_header_alone_is_returned),
		cmocka_unit_test(test_a_notice_within),
		cmocka_unit_test(test_of_the_postmaster),
		cmocka_unit_test(test_only_what_returns_eight_bits),
		cmocka_unit_test(test_when_it_is_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
