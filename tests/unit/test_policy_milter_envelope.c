/* SPDX-License-Identifier: BSD-2-Clause */
/* What a filter makes of an envelope, with and without the leave to name whom the client may not. */
#include "milter_change_fixture.h"

#define ADD MILTER_ADD_RCPT
#define WITH MILTER_ADD_RCPT_WITH
#define DEL MILTER_DELETE_RCPT
#define FROM MILTER_CHANGE_SENDER

struct want {
	enum milter_answer what;
	const char *path;
	const char *parameters;
};

#define TWO "bob@example.net carol@example.net"

static const struct {
	const char *title;
	struct want wants[4];
	const char *recipients; /* afterwards */
	const char *sender;
} rows[] = {
	{ "add", { { ADD, "<dan@example.net>", NULL } }, TWO " dan@example.net", NULL },
	{ "add without brackets", { { ADD, "dan@example.net", NULL } }, TWO " dan@example.net", NULL },
	{ "add, in canonical form", { { ADD, "<\"dan\"@Example.NET>", NULL } },
		TWO " dan@example.net", NULL },
	{ "add one that is there", { { ADD, "<bob@EXAMPLE.net>", NULL } }, TWO, NULL },
	{ "add twice", { { ADD, "dan@example.net", NULL }, { WITH, "<dan@example.net>", "" } },
		TWO " dan@example.net", NULL },
	{ "postmaster", { { ADD, "postmaster", NULL } }, TWO " postmaster", NULL },
	{ "unqualified, and ours", { { ADD, "<dan@local>", NULL } }, TWO " dan@local", NULL },
	{ "delete", { { DEL, "<bob@example.net>", NULL } }, "carol@example.net", NULL },
	{ "delete without brackets, domain in any case", { { DEL, "carol@EXAMPLE.NET", NULL } },
		"bob@example.net", NULL },
	{ "delete: local part exactly", { { DEL, "<Bob@example.net>", NULL } }, TWO, NULL },
	{ "delete one that is not there", { { DEL, "<dan@example.net>", NULL } }, TWO, NULL },
	{ "delete, then add", { { DEL, "<bob@example.net>", NULL }, { ADD, "<bob@example.net>", NULL } },
		"carol@example.net bob@example.net", NULL },
	{ "add, then delete", { { ADD, "<dan@example.net>", NULL }, { DEL, "<dan@example.net>", NULL } },
		TWO, NULL },
	{ "junk: nothing", { { ADD, "", NULL }, { DEL, "", NULL } }, TWO, NULL },
	{ "junk: null", { { ADD, "<>", NULL }, { DEL, "<>", NULL } }, TWO, NULL },
	{ "junk: blank", { { ADD, "a b", NULL }, { ADD, " dan@example.net", NULL } }, TWO, NULL },
	{ "junk: two", { { ADD, "<a@b.c> SIZE=1", NULL }, { ADD, "<a@b.c><d@e.f>", NULL },
		{ ADD, "a@b.c,d@e.f", NULL } }, TWO, NULL },
	{ "junk: line end", { { ADD, "<a@b.c>\r\nRCPT TO:<d@e.f>", NULL }, { ADD, "a@b.c\r\n", NULL } },
		TWO, NULL },
	{ "junk: route", { { ADD, "<@a.b:dan@example.net>", NULL } }, TWO, NULL },
	{ "junk: torn brackets", { { ADD, "<dan@example.net", NULL }, { ADD, "dan@example.net>", NULL } },
		TWO, NULL },
	{ "junk: not qualified", { { ADD, "<dan@host>", NULL }, { ADD, "dan", NULL } }, TWO, NULL },
	{ "junk: 8-bit", { { ADD, "<d\xc3\xa4n@example.net>", NULL } }, TWO, NULL },
	{ "junk between good ones", { { ADD, "<dan@example.net>", NULL }, { ADD, "a b", NULL },
		{ ADD, "<eve@example.net>", NULL } }, TWO " dan@example.net eve@example.net", NULL },
	{ "sender: null", { { FROM, "<>", NULL } }, TWO, "" },
	{ "sender: own", { { FROM, "<Alice@example.org>", NULL } }, TWO, "Alice@example.org" },
	{ "sender: nothing", { { FROM, "", NULL } }, TWO, "alice@example.org" },
	{ "sender: two", { { FROM, "<alice@example.org> <a@b.c>", NULL },
		{ FROM, "alice@example.org,a@b.c", NULL } }, TWO, "alice@example.org" },
	{ "sender: line end", { { FROM, "<alice@example.org>\r\nRCPT TO:<a@b.c>", NULL } }, TWO,
		"alice@example.org" },
	{ "sender: postmaster", { { FROM, "<postmaster>", NULL } }, TWO, "alice@example.org" },
	{ "sender: the last one counts", { { FROM, "<>", NULL }, { FROM, "alice@example.org", NULL } },
		TWO, "alice@example.org" },
	{ "sender: not the client's", { { FROM, "<srs0=x=y@example.org>", NULL } }, TWO,
		"alice@example.org" },
};

static struct milter_change *
want_all(struct mail *mail, const struct want *wants, size_t count)
{
	struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);

	for (size_t i = 0; i < count && wants[i].path; i++)
		assert_int_equal(
			take_path(change, wants[i].what, wants[i].path, wants[i].parameters),
			MILTER_TAKEN);
	return change;
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
		struct milter_change *change = want_all(mail, rows[i].wants, 4);

		if (apply(change, "plain") != VERDICT_CONTINUE ||
			strcmp(recipients_of(mail), rows[i].recipients) != 0)
			print_error("%s\n", rows[i].title);
		assert_string_equal(recipients_of(mail), rows[i].recipients);
		assert_string_equal(mail->sender, rows[i].sender ? rows[i].sender : "alice@example.org");
		assert_null(mail->allowed_sender);
		for (size_t at = 0; at < mail->recipient_count; at++)
			assert_non_null(mail->recipients[at].parameters);
		mail_free(&mail);
	}
}

static void
test_smtputf8(void **state)
{
	static const struct want wants[] = { { ADD, "<d\xc3\xa4n@example.net>", NULL } };
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");

	(void)state;
	mail->smtputf8 = true;
	assert_int_equal(apply(want_all(mail, wants, 1), "plain"), VERDICT_CONTINUE);
	assert_string_equal(recipients_of(mail), TWO " d\xc3\xa4n@example.net");
	mail_free(&mail);
}

static void
test_parameters(void **state)
{
	static const struct want wants[] = {
		{ WITH, "<dan@example.net>", "NOTIFY=NEVER ORCPT=rfc822;x BOGUS=1" },
		{ WITH, "<eve@example.net>", " BOGUS  notify=success,failure SIZE=1\tx NOTIFY=x " },
		{ FROM, "<>", "SIZE=1 AUTH=<> SMTPUTF8 RET=FULL ENVID=x BODY=8BITMIME" },
	};
	static const struct want later = { FROM, "<alice@example.org>", "ENVID=b+ RET=NO" };
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");

	(void)state;
	mail->ret = 2;
	assert_int_equal(apply(want_all(mail, wants, 3), "plain"), VERDICT_CONTINUE);
	assert_int_equal(mail->recipients[2].notify, SMTP_NOTIFY_NEVER);
	assert_string_equal(mail->recipients[2].orcpt, "rfc822;x");
	assert_int_equal(mail->recipients[3].notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE);
	assert_string_equal(mail->recipients[3].orcpt, "");
	assert_int_equal(mail->ret, SMTP_RET_FULL);
	assert_string_equal(mail->envid, "x");
	assert_false(mail->smtputf8 || mail->eightbit);
	/* What is malformed, or not said, leaves what was. */
	assert_int_equal(apply(want_all(mail, &later, 1), "plain"), VERDICT_CONTINUE);
	assert_string_equal(mail->envid, "x");
	assert_int_equal(mail->ret, SMTP_RET_FULL);
	mail_free(&mail);
}

/* A message for nobody is thrown away, not queued. */
static void
test_nobody_left(void **state)
{
	static const struct want wants[] = { { DEL, "<bob@example.net>", NULL },
		{ DEL, "carol@example.net", NULL }, { MILTER_QUARANTINE, "virus", NULL } };
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");

	(void)state;
	assert_int_equal(apply(want_all(mail, wants, 3), "plain"), VERDICT_DISCARD);
	assert_int_equal(mail->recipient_count, 0);
	mail_add_recipient(mail, "a@b.c", "", 0);
	assert_string_equal(recipients_of(mail), "a@b.c");
	mail_free(&mail);
}

/* ---- whom the client may not name ------------------------------------------------------------- */

/* Without the right to relay alice reaches our own domains alone. */
static void
test_trust(void **state)
{
	static const struct want wants[] = { { ADD, "<dan@example.net>", NULL },
		{ ADD, "<eve@example.org>", NULL }, { FROM, "<bounce@lists.example.com>", NULL } };
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");

	(void)state;
	fixture_permits[0].rights = RIGHT_SUBMIT;
	assert_int_equal(apply(want_all(mail, wants, 3), "plain"), VERDICT_CONTINUE);
	assert_string_equal(recipients_of(mail), TWO " eve@example.org");
	assert_string_equal(mail->sender, "alice@example.org");
	assert_int_equal(apply(want_all(mail, wants, 3), "unheard-of"), VERDICT_CONTINUE);
	assert_string_equal(recipients_of(mail), TWO " eve@example.org");
	assert_int_equal(apply(want_all(mail, wants, 3), "trusted"), VERDICT_CONTINUE);
	assert_string_equal(recipients_of(mail), TWO " eve@example.org dan@example.net!");
	assert_string_equal(mail->sender, "bounce@lists.example.com");
	assert_string_equal(mail->allowed_sender, "alice@example.org");
	fixture_permits[0].rights = RIGHT_SUBMIT | RIGHT_RELAY;
	mail_free(&mail);
}

/* It is the last sender the rights allowed that is remembered, and none once they allow it again. */
static void
test_allowed_sender(void **state)
{
	static const struct want first[] = { { FROM, "<one@example.com>", NULL },
		{ FROM, "<two@example.com>", NULL } };
	static const struct want second[] = { { FROM, "<three@example.com>", NULL } };
	static const struct want third[] = { { FROM, "<>", NULL } };
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");

	(void)state;
	assert_int_equal(apply(want_all(mail, first, 2), "trusted"), VERDICT_CONTINUE);
	assert_string_equal(mail->sender, "two@example.com");
	assert_string_equal(mail->allowed_sender, "alice@example.org");
	assert_int_equal(apply(want_all(mail, second, 1), "trusted"), VERDICT_CONTINUE);
	assert_string_equal(mail->sender, "three@example.com");
	assert_string_equal(mail->allowed_sender, "alice@example.org");
	assert_int_equal(apply(want_all(mail, third, 1), "plain"), VERDICT_CONTINUE);
	assert_string_equal(mail->sender, "");
	assert_null(mail->allowed_sender);
	mail_free(&mail);
}

/* ---- caps ------------------------------------------------------------------------------------- */

static void
test_most_recipients(void **state)
{
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
	struct milter_change *change;
	char path[64];

	(void)state;
	for (unsigned more = 98; more <= 99; more++) {
		change = change_new(mail, MILTER_MAY_ALL, 0, 0);
		for (unsigned i = 0; i < more; i++) {
			snprintf(path, sizeof path, "<u%u@example.net>", i);
			assert_int_equal(take_path(change, ADD, path, NULL), MILTER_TAKEN);
		}
		assert_int_equal(
			apply(change, "plain"), more == 98 ? VERDICT_CONTINUE : -1);
		if (more == 98) {
			assert_int_equal(mail->recipient_count, 100);
			mail_free(&mail);
			mail = mail_with("A: 1\r\n", "x\r\n");
		}
	}
	assert_string_equal(recipients_of(mail), TWO);
	mail_free(&mail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_smtputf8),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_nobody_left),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_allowed_sender),
		cmocka_unit_test(test_most_recipients),
	};

	return cmocka_run_group_tests_name("policy/milter_envelope", tests, NULL, NULL);
}
