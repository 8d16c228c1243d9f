/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of the envelope and the header on a listener for devices, and on any other. */
#include "unit.h"

#include "policy/device_stage.h"

static const struct settings_listener fixed = { .title = "fixed", .qualify_domain = "",
	.fixed_from = "scanner@example.org" };
static const struct settings_listener lenient = { .title = "lenient", .lenient = true,
	.qualify_domain = "example.org", .fixed_from = "" };
static const struct settings_listener strict = { .title = "strict", .qualify_domain = "",
	.fixed_from = "" };

static const struct stage_case {
	const struct settings_listener *listener;
	const char *sender;
	const char *header;
	const char *sender_after;
	const char *header_after;
} cases[] = {
	{ &fixed, "x@y.org", "From: Bob <bob@y.org>\r\nSubject: s\r\n", "scanner@example.org",
		"From: scanner@example.org\r\nSubject: s\r\nReply-To: Bob <bob@y.org>\r\n" },
	{ &fixed, "", "From: bob@y.org\r\n", "",
		"From: scanner@example.org\r\nReply-To: bob@y.org\r\n" },
	{ &fixed, "x@y.org", "From: bob@y.org\r\nSender: x@y.org\r\nReply-To: c@y.org\r\n",
		"scanner@example.org",
		"From: scanner@example.org\r\nReply-To: c@y.org\r\n" },
	{ &fixed, "x@y.org", "From: Scanner@Example.org\r\n", "scanner@example.org",
		"From: scanner@example.org\r\n" },
	{ &fixed, "x@y.org", "Subject: none\r\n", "scanner@example.org",
		"Subject: none\r\nFrom: scanner@example.org\r\n" },
	{ &fixed, "x@y.org", "From: a@y.org\r\nFrom: b@y.org\r\n", "scanner@example.org",
		"From: scanner@example.org\r\n" },
	{ &fixed, "x@y.org", "From: Scanner <<>>\r\nSender: q\r\n", "scanner@example.org",
		"From: scanner@example.org\r\n" },
	{ &lenient, "x@y.org", "From: scanner\r\nTo: bob, c@y.org\r\nSubject: a\r\n", "x@y.org",
		"From: scanner@example.org\r\nTo: bob@example.org, c@y.org\r\nSubject: a\r\n" },
	{ &lenient, "x@y.org", "Subject: a\r\n", "x@y.org", "Subject: a\r\nFrom: x@y.org\r\n" },
	{ &lenient, "", "Subject: a\r\n", "", "Subject: a\r\n" },
	{ &strict, "x@y.org", "From: scanner\r\nTo: bob\r\n", "x@y.org",
		"From: scanner\r\nTo: bob\r\n" },
	{ &strict, "x@y.org", "Subject: a\r\n", "x@y.org", "Subject: a\r\n" },
};

static void
on_done(void *context, const struct verdict *verdict)
{
	assert_int_equal(verdict->kind, VERDICT_CONTINUE);
	*(unsigned *)context += 1;
}

static void
mail_is_made_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct stage_case *c = &cases[i];
		struct mail_session session = { .listener = c->listener, .id = "s1" };
		struct stage *stage = device_stage_type.open(&session, NULL);
		struct mail *mail = mail_new(&session, "m1", 0);
		struct buf after = BUF_INIT(0);
		struct fault fault = FAULT_INIT;
		unsigned calls = 0;

		print_message("%s: %s", c->listener->title, c->header);
		mail->sender = c->sender;
		buf_add_text(&mail->header_block, c->header);
		assert_true(mail_parse_header(mail, false, &fault));
		device_stage_type.envfrom(stage, mail, on_done, &calls);
		device_stage_type.eom(stage, mail, on_done, &calls);
		assert_int_equal(calls, 2);
		assert_string_equal(mail->sender, c->sender_after);
		assert_true(header_format(&mail->header, &after));
		assert_span_equal(buf_span(&after), c->header_after);
		buf_fini(&after);
		mail_free(&mail);
		device_stage_type.close(&stage);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_is_made_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
