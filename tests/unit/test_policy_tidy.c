/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields that are added, replaced and taken away. */
#include "unit.h"

#include <stdio.h>

#include "policy/tidy.h"

static const struct settings_permit permits[] = {
	{ .where = "f:1", .principal = { .kind = PRINCIPAL_ANONYMOUS }, .limits = "",
		.rights = RIGHT_SUBMIT | RIGHT_ANY_SENDER },
};
static struct settings_listener listener = { .where = "f:2", .limits = "", .hops = 5,
	.permit = { permits, 1 } };
static struct settings settings = { .hostname = "mail.example.org", .listener = { &listener, 1 } };
static const struct identity alice = { .login = "alice", .limits = "" };

static struct verdict answer;

static void
on_done(void *context, const struct verdict *verdict)
{
	(void)context;
	answer = *verdict;
}

/* 2026-11-21 09:51:00 UTC; the result, or the refusal's code. */
static const char *
tidied(const struct mail_session *session, const char *header, size_t recipients, bool smtputf8)
{
	static char text[8192];
	struct mail *mail = mail_new(session, "ID1", 1795254660000);
	struct stage *stage = tidy_stage_type.open(session, NULL);
	struct buf block = BUF_INIT(0);
	struct fault fault = FAULT_INIT;

	mail->smtputf8 = smtputf8;
	for (size_t i = 0; i < recipients; i++)
		mail_add_recipient(mail, "u@example.net", "", 0);
	buf_add_text(&mail->header_block, header);
	if (!mail_parse_header(mail, session->identity, &fault))
		fail_msg("%s", fault.text);
	assert_null(mail->trace);
	tidy_stage_type.eom(stage, mail, on_done, NULL);
	assert_ptr_equal(mail->trace,
		answer.kind == VERDICT_CONTINUE ? mail->header.fields[0].whole.start : NULL);
	header_format(&mail->header, &block);
	snprintf(text, sizeof text, "%s", buf_text(&block));
	if (answer.kind != VERDICT_CONTINUE)
		snprintf(text, sizeof text, "%u %s", answer.code, answer.enhanced);
	buf_fini(&block);
	tidy_stage_type.close(&stage);
	mail_free(&mail);
	return text;
}

static struct mail_session
session_of(bool login)
{
	return (struct mail_session){
		.settings = &settings, .listener = &listener, .identity = login ? &alice : NULL,
		.helo = "pc.example.net", .esmtp = true, .client_address = "192.0.2.7",
		.tls_version = "TLS1.3", .tls_cipher = "TLS_AES_256_GCM_SHA384",
		.tls_group = "X25519",
	};
}

static const char received[] =
	"Received: from pc.example.net ([192.0.2.7]) by mail.example.org with ESMTPSA\r\n"
	" (TLS1.3) tls TLS_AES_256_GCM_SHA384 group X25519 id ID1 for\r\n"
	" <u@example.net>; Sat, 21 Nov 2026 09:51:00 +0000\r\n";

/* Folding is a matter of taste; what counts is the text. */
static void
assert_same_text(const char *got, const char *want)
{
	while (*got || *want) {
		while (*got == '\r' || *got == '\n')
			got++;
		while (*want == '\r' || *want == '\n')
			want++;
		assert_int_equal(*got, *want);
		if (*got)
			got++, want++;
	}
}

static void
submission(void **state)
{
	struct mail_session session = session_of(true);
	char want[2048];

	(void)state;
	snprintf(want, sizeof want,
		"%sFrom: a@b.c\r\nDate: Sat, 21 Nov 2026 09:51:00 +0000\r\n"
		"Message-ID: <ID1@mail.example.org>\r\n",
		received);
	assert_same_text(tidied(&session, "From: a@b.c\r\n", 1, false), want);
	/* I11: nobody sees who else got it. */
	assert_same_text(
		tidied(&session,
			"From: a@b.c\r\nBcc: x@y.z\r\nbcc: y@y.z\r\nResent-Bcc: z@y.z\r\n"
			"Return-Path: <q@q.q>\r\n",
			1, false),
		want);
	/* What is valid stays byte for byte; what is not is replaced in its place. */
	snprintf(want, sizeof want,
		"%sDate: Fri, 20 Nov 2026 10:00:00 +0100\r\nMESSAGE-ID: <x@y.z>\r\nFrom: a@b.c\r\n",
		received);
	assert_same_text(
		tidied(&session,
			"Date: Fri, 20 Nov 2026 10:00:00 +0100\r\nMESSAGE-ID: <x@y.z>\r\n"
			"From: a@b.c\r\n",
			1, false),
		want);
	snprintf(want, sizeof want,
		"%sDate: Sat, 21 Nov 2026 09:51:00 +0000\r\nMessage-ID: <ID1@mail.example.org>\r\n",
		received);
	assert_same_text(tidied(&session, "Date: yesterday\r\nMessage-ID: none\r\n", 1, false), want);
	assert_string_equal(tidied(&session, "Date: a\r\nDate: b\r\n", 1, false), "554 5.6.0");
	assert_string_equal(
		tidied(&session, "Message-ID: <a@b>\r\nmessage-id: <c@d>\r\n", 1, false),
		"554 5.6.0");
}

static void
a_stranger_gets_only_the_trace(void **state)
{
	struct mail_session session = session_of(false);
	const char *got = tidied(&session, "From: a@b.c\r\nBcc: x\r\nDate: bad\r\n", 2, false);

	(void)state;
	assert_non_null(strstr(got, "with ESMTPS"));
	assert_null(strstr(got, "for\r\n <"));
	assert_null(strstr(got, " for "));
	assert_non_null(strstr(got, "From: a@b.c\r\nBcc: x\r\nDate: bad\r\n"));
	assert_null(strstr(got, "Message-ID"));
}

static void
loops_end(void **state)
{
	struct mail_session session = session_of(true);

	(void)state;
	assert_string_equal(tidied(&session, "Received: 1\r\nReceived: 2\r\nReceived: 3\r\n"
					     "Received: 4\r\nReceived: 5\r\n", 1, false),
		"554 5.4.6");
	assert_non_null(strstr(tidied(&session, "Received: 1\r\nReceived: 2\r\nReceived: 3\r\n"
						"Received: 4\r\n", 1, false), "id ID1"));
}

static void
the_client_can_be_hidden(void **state)
{
	struct mail_session session = session_of(true);
	const char *got;

	(void)state;
	listener.hide_client = true;
	got = tidied(&session, "From: a@b.c\r\n", 1, false);
	listener.hide_client = false;
	assert_true(strncmp(got, "Received: by mail.example.org with ESMTPSA", 42) == 0);
	assert_null(strstr(got, "192.0.2.7"));
	assert_null(strstr(got, "pc.example.net"));
}

/* RFC 3848 and RFC 6531 4.3. */
static void
protocols(void **state)
{
	static const struct {
		bool login, esmtp, tls, utf8;
		const char *name;
	} cases[] = {
		{ false, false, false, false, "SMTP" },
		{ false, true, false, false, "ESMTP" },
		{ false, true, true, false, "ESMTPS" },
		{ true, true, false, false, "ESMTPA" },
		{ true, true, true, false, "ESMTPSA" },
		{ false, true, false, true, "UTF8SMTP" },
		{ false, true, true, true, "UTF8SMTPS" },
		{ true, true, false, true, "UTF8SMTPA" },
		{ true, true, true, true, "UTF8SMTPSA" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail_session session = session_of(cases[i].login);

		session.esmtp = cases[i].esmtp;
		if (!cases[i].tls)
			session.tls_version = "";
		assert_string_equal(tidy_protocol(&session, cases[i].utf8), cases[i].name);
	}
}

static void
ipv6_has_its_tag(void **state)
{
	struct mail_session session = session_of(true);

	(void)state;
	session.client_address = "2001:db8::1";
	assert_non_null(strstr(tidied(&session, "From: a@b.c\r\n", 1, false),
		"([IPv6:2001:db8::1])"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(submission),
		cmocka_unit_test(a_stranger_gets_only_the_trace),
		cmocka_unit_test(loops_end),
		cmocka_unit_test(the_client_can_be_hidden),
		cmocka_unit_test(protocols),
		cmocka_unit_test(ipv6_has_its_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
