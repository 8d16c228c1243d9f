/* SPDX-License-Identifier: BSD-2-Clause */
/* What old devices say, and what the strict parser is given in its place. */
#include "unit.h"

#include "wire/smtp_command.h"
#include "wire/smtp_lenient.h"

#define DOMAIN "example.org"

/* strict NULL: the line is left to the strict parser as it is. */
struct line_case {
	const char *line;
	const char *strict;
	bool parses;
};

static const struct line_case cases[] = {
	/* Greetings. */
	{ "EHLO printer.example.org", "EHLO printer.example.org", true },
	{ "helo printer", "helo printer", true },
	{ "HELO HP_LaserJet", "HELO HP_LaserJet", true },
	{ "HELO HP LaserJet 4", "HELO HP-LaserJet-4", true },
	{ "HELO -scan- ", "HELO scan", true },
	{ "HELO ..a..b_-.c.", "HELO a.b.c", true },
	{ "HELO 192.0.2.9", "HELO 192.0.2.9", true },
	{ "EHLO [192.0.2.9]", "EHLO [192.0.2.9]", true },
	{ "EHLO fe80::1", "EHLO [IPv6:fe80::1]", true },
	{ "EHLO <printer>", "EHLO printer", true },
	{ "EHLO \x84\xf6", "EHLO unknown", true },
	{ "EHLO", "EHLO unknown", true },
	{ "HELO  ", "HELO unknown", true },
	{ "HELO\tprinter", "HELO printer", true },
	{ "HELO a\r\nMAIL FROM:<>", "HELO a-MAIL-FROM", true },
	{ "HELOx printer", NULL, false },
	/* Senders. */
	{ "MAIL FROM:<a@b.org>", "MAIL FROM:<a@b.org>", true },
	{ "MAIL FROM: <a@b.org>", "MAIL FROM:<a@b.org>", true },
	{ "MAIL FROM : < a@b.org > SIZE=10", "MAIL FROM:<a@b.org> SIZE=10", true },
	{ "MAIL FROM <a@b.org>", "MAIL FROM:<a@b.org>", true },
	{ "mail from:a@b.org", "mail FROM:<a@b.org>", true },
	{ "MAIL FROM:a@b.org BODY=8BITMIME", "MAIL FROM:<a@b.org> BODY=8BITMIME", true },
	{ "MAIL FROM:scanner", "MAIL FROM:<scanner@" DOMAIN ">", true },
	{ "MAIL FROM:<scanner>", "MAIL FROM:<scanner@" DOMAIN ">", true },
	{ "MAIL FROM:<\"scan ner\">", "MAIL FROM:<\"scan ner\"@" DOMAIN ">", true },
	{ "MAIL FROM:<>", "MAIL FROM:<>", true },
	{ "MAIL FROM:<postmaster>", "MAIL FROM:<postmaster@" DOMAIN ">", true },
	/* Nobody can say what is meant: the strict parser refuses. */
	{ "MAIL FROM:", NULL, false },
	{ "MAIL FROM a@b.org", NULL, false },
	{ "MAIL a@b.org", NULL, false },
	{ "MAIL FROM:<a@b.org", NULL, false },
	{ "MAIL FROM:Scanner <a@b.org>", "MAIL FROM:<Scanner@" DOMAIN "> <a@b.org>", false },
	{ "MAIL FROM:<Scanner <a@b.org>>", NULL, false },
	{ "MAIL FROM:<a b>", "MAIL FROM:<a b>", false },
	{ "MAIL FROM:<a@b@c>", "MAIL FROM:<a@b@c>", false },
	{ "MAIL FROM:<a@>", "MAIL FROM:<a@>", false },
	{ "MAIL FROM:\"a", NULL, false },
	{ "MAIL FROM:<a\r@b.org>", "MAIL FROM:<a\r@b.org>", false },
	/* Recipients. */
	{ "RCPT TO: bob", "RCPT TO:<bob@" DOMAIN ">", true },
	{ "RCPT TO:<bob@b.org>", "RCPT TO:<bob@b.org>", true },
	{ "RCPT TO:Postmaster", "RCPT TO:<Postmaster>", true },
	{ "RCPT TO:<>", "RCPT TO:<>", false },
	{ "RCPT FROM:<a@b.org>", NULL, false },
	/* The rest is not looked at. */
	{ "AUTH LOGIN c2Nhbm5lcg", NULL, true },
	{ "DATA", NULL, true },
	{ "", NULL, false },
	{ "MAI", NULL, false },
};

enum { OFFERS = SMTP_OFFER_SIZE | SMTP_OFFER_8BITMIME | SMTP_OFFER_AUTH };

static void
lines_become_strict(void **state)
{
	struct buf out = BUF_INIT(SMTP_COMMAND_MAX_BYTES);
	struct buf again = BUF_INIT(SMTP_COMMAND_MAX_BYTES);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct line_case *c = &cases[i];
		struct span line = span_text(c->line);
		bool rewritten = smtp_lenient_rewrite(line, DOMAIN, &out);
		struct smtp_command command;
		struct smtp_reply reply;

		print_message("%s\n", c->line);
		assert_int_equal(rewritten, c->strict != NULL);
		if (rewritten) {
			assert_span_equal(buf_span(&out), c->strict);
			line = buf_span(&out);
			/* What is strict stays as it is. */
			if (c->parses) {
				assert_true(smtp_lenient_rewrite(line, DOMAIN, &again));
				assert_true(span_equal(buf_span(&again), line));
			}
		}
		assert_int_equal(
			smtp_command_parse(line, OFFERS, false, &command, &reply), c->parses);
	}
	buf_fini(&out);
	buf_fini(&again);
}

static void
nothing_is_qualified_unless_told(void **state)
{
	struct buf out = BUF_INIT(0);

	(void)state;
	assert_true(smtp_lenient_rewrite(SPAN_LITERAL("MAIL FROM:scanner"), "", &out));
	assert_span_equal(buf_span(&out), "MAIL FROM:<scanner>");
	buf_fini(&out);
}

static void
what_does_not_fit_is_left(void **state)
{
	static char line[SMTP_COMMAND_MAX_BYTES] = "MAIL FROM:";
	struct buf out = BUF_INIT(SMTP_COMMAND_MAX_BYTES);

	(void)state;
	memset(line + 10, 'x', sizeof line - 10);
	assert_false(smtp_lenient_rewrite(span_of(line, sizeof line), DOMAIN, &out));
	buf_fini(&out);
}

static void
base64_without_its_form(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "Zg==", "f" }, { "Zg", "f" },
		{ "Zg=", "f" }, { " Zm8=  ", "fo" }, { "Zm8", "fo" }, { "Zm9v", "foo" },
		{ "Zm9v=", "foo" }, { "Z", NULL }, { "Zh", NULL }, { "Z m8", NULL }, { "=", "" },
		{ "Zm9v!", NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct secret *got = smtp_lenient_base64(span_text(pairs[i][0]));

		print_message("\"%s\"\n", pairs[i][0]);
		assert_int_equal(got != NULL, pairs[i][1] != NULL);
		if (got)
			assert_span_equal(secret_span(got), pairs[i][1]);
		secret_free(&got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_strict),
		cmocka_unit_test(nothing_is_qualified_unless_told),
		cmocka_unit_test(what_does_not_fit_is_left),
		cmocka_unit_test(base64_without_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
