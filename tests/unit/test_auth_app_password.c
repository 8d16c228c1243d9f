/* SPDX-License-Identifier: BSD-2-Clause */
/* App passwords: their form, what people make of it, their labels, when they are good. */
#include "unit.h"

#include <stdio.h>

#include "auth/app_password.h"

static void
they_have_a_form_and_are_never_alike(void **state)
{
	char made[200][APP_PASSWORD_SIZE];
	char read[APP_PASSWORD_SIZE];
	unsigned seen[128] = { 0 };

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		app_password_make(made[i]);
		assert_int_equal(strlen(made[i]), APP_PASSWORD_SIZE - 1);
		assert_true(app_password_read(span_text(made[i]), read));
		assert_string_equal(read, made[i]);
		for (size_t at = 0; made[i][at]; at++) {
			seen[(unsigned char)made[i][at]]++;
			assert_int_equal(made[i][at] == '-', at % 6 == 5);
		}
		for (size_t other = 0; other < i; other++)
			assert_string_not_equal(made[i], made[other]);
	}
	/* 5,000 signs of 31: each about 161 times, and none that looks like another. */
	for (const char *at = "23456789abcdefghjkmnpqrstuvwxyz"; *at; at++)
		assert_in_range(seen[(unsigned char)*at], 80, 260);
	for (const char *at = "01ilo"; *at; at++)
		assert_int_equal(seen[(unsigned char)*at], 0);
}

static void
what_people_type_is_read(void **state)
{
	static const struct {
		const char *typed;
		bool good;
	} cases[] = {
		{ "abcde-fghjk-mnpqr-stuvw-23456", true },
		{ "abcdefghjkmnpqrstuvw23456", true },
		{ "ABCDE FGHJK MNPQR STUVW 23456", true },
		{ " ab-cd-ef gh jk mnpqr--stuvw 23456 ", true },
		{ "abcde-fghjk-mnpqr-stuvw-2345", false },
		{ "abcde-fghjk-mnpqr-stuvw-234567", false },
		{ "abcde-fghjk-mnpqr-stuvw-23451", false }, /* 1 is none of the signs */
		{ "abcde-fghjk-mnpqr-stuvw-2345l", false },
		{ "abcde.fghjk.mnpqr.stuvw.23456", false },
		{ "abcde-fghjk-mnpqr-stuvw-2345\xc3\xa9", false },
		{ "correct horse battery staple", false },
		{ "-", false },
		{ "", false },
	};
	char read[APP_PASSWORD_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(app_password_read(span_text(cases[i].typed), read), cases[i].good);
		assert_string_equal(read, cases[i].good ? "abcde-fghjk-mnpqr-stuvw-23456" : "");
	}
	assert_false(app_password_read(SPAN_LITERAL("abcde-fghjk-mnpqr-stuvw-2345\0"), read));
}

static void
labels_are_words(void **state)
{
	static const char *const good[] = { "scanner", "Scanner 2nd floor", "a", "my.phone_2-b" };
	static const char *const bad[] = { "", " a", "a ", "a/b", "a\nb", "b\xc3\xbcro", "a@b", "a\"b",
		"12345678901234567890123456789012345678901" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(app_label_is_valid(span_text(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(app_label_is_valid(span_text(bad[i])));
}

static void
scope_and_expiry_decide(void **state)
{
	struct app_password app = { .protocols = IDENTITY_SMTP, .expires_ms = 1000 };

	(void)state;
	assert_null(app_password_refusal(&app, IDENTITY_SMTP, 999));
	assert_string_equal(
		app_password_refusal(&app, IDENTITY_SMTP, 1000), "app password has expired");
	assert_string_equal(app_password_refusal(&app, IDENTITY_IMAP, 999),
		"app password is not for this protocol");
	app.expires_ms = 0;
	assert_null(app_password_refusal(&app, IDENTITY_SMTP, INT64_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_have_a_form_and_are_never_alike),
		cmocka_unit_test(what_people_type_is_read),
		cmocka_unit_test(labels_are_words),
		cmocka_unit_test(scope_and_expiry_decide),
	};

	return cmocka_run_group_tests_name("auth/app_password", tests, NULL, NULL);
}
