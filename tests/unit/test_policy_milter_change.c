/* SPDX-License-Identifier: BSD-2-Clause */
/* What one filter wants: gathered packet by packet, what is refused, and all of it or nothing. */
#include "milter_change_fixture.h"

#define S(text) SPAN_LITERAL(text)

/* ---- packets that are no changes --------------------------------------------------------------- */

static const struct {
	const char *title;
	enum milter_answer what;
	struct span payload;
} bad[] = {
	{ "no NUL", MILTER_ADD_HEADER, S("X") },
	{ "one text", MILTER_ADD_HEADER, S("X\0") },
	{ "three texts", MILTER_ADD_HEADER, S("X\0" "1\0" "2\0") },
	{ "no NUL at the end", MILTER_ADD_HEADER, S("X\0" "1") },
	{ "no name", MILTER_ADD_HEADER, S("\0" "1\0") },
	{ "a name of two", MILTER_ADD_HEADER, S("X Evil:\r\nBcc\0" "1\0") },
	{ "a name with its colon", MILTER_ADD_HEADER, S("X:\0" "1\0") },
	{ "a name beyond ASCII", MILTER_ADD_HEADER, S("X\xc3\xa9\0" "1\0") },
	{ "no index", MILTER_INSERT_HEADER, S("\0\0\0") },
	{ "an index alone", MILTER_INSERT_HEADER, S("\0\0\0\1") },
	{ "an index too high", MILTER_INSERT_HEADER, S("\xff\xff\xff\xffX\0" "1\0") },
	{ "an index below none", MILTER_CHANGE_HEADER, S("\xff\xff\xff\xf6X\0" "1\0") },
	{ "a change of no name", MILTER_CHANGE_HEADER, S("\0\0\0\1\0" "1\0") },
	{ "no recipient", MILTER_ADD_RCPT, S("") },
	{ "a recipient without NUL", MILTER_ADD_RCPT, S("<a@b.c>") },
	{ "parameters without NUL", MILTER_ADD_RCPT_WITH, S("<a@b.c>\0NOTIFY=NEVER") },
	{ "three texts", MILTER_ADD_RCPT_WITH, S("<a@b.c>\0NOTIFY=NEVER\0x\0") },
	{ "nobody to delete", MILTER_DELETE_RCPT, S("") },
	{ "no sender", MILTER_CHANGE_SENDER, S("") },
};

static void
test_bad_packets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
		struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);
		enum milter_taken taken;

		assert_int_equal(take_field(change, MILTER_ADD_HEADER, 0, S("Good"), S("1")),
			MILTER_TAKEN);
		taken = take(change, bad[i].what, bad[i].payload);
		if (taken != MILTER_TAKEN_BAD)
			print_error("%s\n", bad[i].title);
		assert_int_equal(taken, MILTER_TAKEN_BAD);
		/* From then on everything is, and nothing is changed. */
		assert_int_equal(take_field(change, MILTER_ADD_HEADER, 0, S("Good"), S("2")),
			MILTER_TAKEN_BAD);
		assert_true(milter_change_is_any(change));
		assert_int_equal(apply(change, "plain"), -1);
		assert_string_equal(header_of(mail), "A: 1\r\n");
		mail_free(&mail);
	}
}

/* ---- what was not negotiated -------------------------------------------------------------------- */

static const struct {
	enum milter_answer what;
	uint32_t action;
	struct span payload;
} asked[] = {
	{ MILTER_ADD_HEADER, MILTER_MAY_ADD_HEADERS, S("X\0" "1\0") },
	{ MILTER_INSERT_HEADER, MILTER_MAY_ADD_HEADERS, S("\0\0\0\0X\0" "1\0") },
	{ MILTER_CHANGE_HEADER, MILTER_MAY_CHANGE_HEADERS, S("\0\0\0\1A\0" "2\0") },
	{ MILTER_ADD_RCPT, MILTER_MAY_ADD_RCPT, S("<dan@example.net>\0") },
	{ MILTER_ADD_RCPT_WITH, MILTER_MAY_ADD_RCPT_WITH, S("<dan@example.net>\0") },
	{ MILTER_DELETE_RCPT, MILTER_MAY_DELETE_RCPT, S("<bob@example.net>\0") },
	{ MILTER_CHANGE_SENDER, MILTER_MAY_CHANGE_SENDER, S("<>\0") },
	{ MILTER_QUARANTINE, MILTER_MAY_QUARANTINE, S("virus\0") },
	{ MILTER_REPLACE_BODY, MILTER_MAY_CHANGE_BODY, S("new\r\n") },
};

static bool
is_changed(const struct mail *mail)
{
	return strcmp(header_of(mail), "A: 1\r\n") != 0 ||
	       strcmp(recipients_of(mail), "bob@example.net carol@example.net") != 0 ||
	       strcmp(mail->sender, "alice@example.org") != 0 || mail->hold ||
	       !span_is(buf_span(&mail->body), "x\r\n");
}

static void
test_negotiated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		for (unsigned may = 0; may < 2; may++) {
			struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
			uint32_t others = MILTER_MAY_ALL & ~asked[i].action;
			struct milter_change *change =
				change_new(mail, may ? asked[i].action : others, 0, 0);
			bool is_bad = !may && asked[i].what == MILTER_REPLACE_BODY;

			assert_false(milter_change_is_any(change));
			assert_int_equal(take(change, asked[i].what, asked[i].payload),
				is_bad ? MILTER_TAKEN_BAD : MILTER_TAKEN);
			assert_int_equal(milter_change_is_any(change), may);
			assert_int_equal(apply(change, "plain"),
				is_bad ? -1 :
				may && asked[i].what == MILTER_QUARANTINE ? VERDICT_HOLD :
					 VERDICT_CONTINUE);
			assert_int_equal(is_changed(mail), may);
			mail_free(&mail);
		}
	}
}

/* What makes no difference is taken, and the message is told of as it is: not changed. */
static void
test_made(void **state)
{
	static const struct {
		enum milter_answer what;
		struct span payload;
		bool made;
	} cases[] = {
		{ MILTER_REPLACE_BODY, S("new\r\n"), true },
		{ MILTER_QUARANTINE, S("virus\0"), true },
		{ MILTER_DELETE_RCPT, S("<bob@example.net>\0"), true },
		{ MILTER_DELETE_RCPT, S("<dan@example.net>\0"), false },
		{ MILTER_CHANGE_HEADER, S("\0\0\0\1A\0" "\0"), true },
		{ MILTER_CHANGE_HEADER, S("\0\0\0\1B\0" "\0"), false },
		{ MILTER_ADD_RCPT, S("junk\0"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
		struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);
		enum verdict_kind kind;
		struct fault fault = FAULT_INIT;

		assert_int_equal(take(change, cases[i].what, cases[i].payload), MILTER_TAKEN);
		assert_true(milter_change_is_any(change));
		assert_false(milter_change_is_made(change));
		assert_true(milter_change_apply(change, "plain", &kind, &fault));
		if (milter_change_is_made(change) != cases[i].made)
			fail_msg("case %zu", i);
		milter_change_free(&change);
		mail_free(&mail);
	}
}

/* ---- quarantine --------------------------------------------------------------------------------- */

static void
test_quarantine(void **state)
{
	static char long_reason[60 * 1000];
	static const struct {
		struct span payload;
		const char *reason;
	} cases[] = {
		{ S("virus found\0"), "plain: virus found" },
		{ S("virus found"), "plain: virus found" },
		{ S("\0"), "plain: quarantined" },
		{ S(""), "plain: quarantined" },
		{ S("a\r\nb\x1b\xff\0"), "plain: a\\x0D\\x0Ab\\x1B\\xFF" },
		{ { long_reason, sizeof long_reason }, NULL },
	};

	(void)state;
	memset(long_reason, 'x', sizeof long_reason);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
		struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);

		assert_int_equal(take(change, MILTER_QUARANTINE, cases[i].payload), MILTER_TAKEN);
		assert_int_equal(take(change, MILTER_QUARANTINE, S("second\0")), MILTER_TAKEN);
		assert_int_equal(apply(change, "plain"), VERDICT_HOLD);
		assert_true(mail->hold);
		assert_true(strlen(mail->hold_reason) < 160);
		if (cases[i].reason)
			assert_int_equal(strcasecmp(mail->hold_reason, cases[i].reason), 0);
		mail_free(&mail);
	}
}

/* Who held it first says why. */
static void
test_held_before(void **state)
{
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
	struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);

	(void)state;
	mail->hold = true;
	mail->hold_reason = "limits";
	take(change, MILTER_QUARANTINE, S("virus\0"));
	assert_int_equal(apply(change, "plain"), VERDICT_HOLD);
	assert_string_equal(mail->hold_reason, "limits");
	mail_free(&mail);
}

/* ---- all or nothing ----------------------------------------------------------------------------- */

static void
test_everything_at_once(void **state)
{
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
	struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);

	(void)state;
	take(change, MILTER_REPLACE_BODY, S("one\r"));
	take_field(change, MILTER_ADD_HEADER, 0, S("X"), S("1"));
	take(change, MILTER_REPLACE_BODY, S("\ntwo"));
	take_path(change, MILTER_DELETE_RCPT, "<bob@example.net>", NULL);
	take_path(change, MILTER_CHANGE_SENDER, "<>", "");
	take(change, MILTER_QUARANTINE, S("odd\0"));
	assert_false(is_changed(mail));
	assert_int_equal(apply(change, "plain"), VERDICT_HOLD);
	assert_string_equal(header_of(mail), "A: 1\r\nX: 1\r\n");
	assert_span_equal(buf_span(&mail->body), "one\r\ntwo\r\n");
	assert_int_equal(mail->body_length, 10);
	assert_int_equal(mail_size(mail), 12 + 2 + 10);
	assert_string_equal(recipients_of(mail), "carol@example.net");
	assert_string_equal(mail->sender, "");
	mail_free(&mail);
}

/* An empty packet is a body too, of nothing. */
static void
test_empty_body(void **state)
{
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
	struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);

	(void)state;
	assert_int_equal(take(change, MILTER_REPLACE_BODY, SPAN_EMPTY), MILTER_TAKEN);
	assert_true(milter_change_is_any(change));
	assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
	assert_int_equal(mail->body_length, 0);
	assert_int_equal(buf_length(&mail->body), 0);
	mail_free(&mail);
}

/* Each cap on its own, with changes beside it that would have been good. */
static void
test_nothing_is_half_done(void **state)
{
	static char value[60 * 1000];

	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
		struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 30);
		char path[64];

		take_field(change, MILTER_ADD_HEADER, 0, S("X"), S("1"));
		take_path(change, MILTER_CHANGE_SENDER, "<>", NULL);
		take_path(change, MILTER_DELETE_RCPT, "<bob@example.net>", NULL);
		take(change, MILTER_QUARANTINE, S("odd\0"));
		take(change, MILTER_REPLACE_BODY, S("new\r\n"));
		memset(value, 'x', sizeof value);
		if (way == 0)
			take_field(change, MILTER_ADD_HEADER, 0, S("Y"), span_of(value, sizeof value));
		/* The body alone is within the limit, but not with its header. */
		if (way == 1)
			assert_int_equal(take(change, MILTER_REPLACE_BODY, span_of(value, 12)),
				MILTER_TAKEN);
		if (way == 2)
			assert_int_equal(take(change, MILTER_REPLACE_BODY, span_of(value, 40)),
				MILTER_TAKEN_BAD);
		for (unsigned i = 0; way == 3 && i < 100; i++) {
			snprintf(path, sizeof path, "<u%u@example.net>", i);
			take_path(change, MILTER_ADD_RCPT, path, NULL);
		}
		assert_int_equal(apply(change, "plain"), -1);
		assert_false(is_changed(mail));
		mail_free(&mail);
	}
}

/* A message that just fits may still be signed: only a new body is measured. */
static void
test_at_the_size_limit(void **state)
{
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
	struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, mail_size(mail));

	(void)state;
	take_field(change, MILTER_INSERT_HEADER, 0, S("DKIM-Signature"), S("v=1"));
	assert_int_equal(apply(change, "plain"), VERDICT_CONTINUE);
	mail_free(&mail);
}

/* One that was let in although it is larger may get a body of its size, and no larger one. */
static void
test_beyond_the_size_limit(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		struct mail *mail = mail_with("A: 1\r\n", "a body\r\n");
		struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 10);

		assert_int_equal(take(change, MILTER_REPLACE_BODY,
			more ? S("another\r\n") : S("A BODY\r\n")), MILTER_TAKEN);
		assert_int_equal(
			apply(change, "plain"), more ? -1 : VERDICT_CONTINUE);
		mail_free(&mail);
	}
}

/* ---- floods ------------------------------------------------------------------------------------- */

/* It is the packets beyond all sense that are refused, at once and for little. */
static void
test_floods(void **state)
{
	static const struct {
		enum milter_answer what;
		struct span payload;
		unsigned taken;
		uint32_t actions;
	} floods[] = {
		{ MILTER_ADD_HEADER, S("X\0" "1\0"), MILTER_CHANGE_FIELDS_MAX, MILTER_MAY_ALL },
		{ MILTER_INSERT_HEADER, S("\0\0\0\0X\0" "1\0"), MILTER_CHANGE_FIELDS_MAX, MILTER_MAY_ALL },
		{ MILTER_CHANGE_HEADER, S("\0\0\0\2A\0\0"), MILTER_CHANGE_FIELDS_MAX, MILTER_MAY_ALL },
		{ MILTER_ADD_RCPT, S("<a@b.c>\0"), MILTER_CHANGE_PATHS_MAX, MILTER_MAY_ALL },
		{ MILTER_DELETE_RCPT, S("<a@b.c>\0"), MILTER_CHANGE_PATHS_MAX, MILTER_MAY_ALL },
		{ MILTER_CHANGE_SENDER, S("<a@b.c>\0"), MILTER_CHANGE_PATHS_MAX, MILTER_MAY_ALL },
		{ MILTER_QUARANTINE, S("again\0"), MILTER_CHANGE_VAIN_MAX, MILTER_MAY_ALL },
		{ MILTER_REPLACE_BODY, S(""), MILTER_CHANGE_VAIN_MAX, MILTER_MAY_ALL },
		{ MILTER_ADD_RCPT, S("<a@b.c>\0"), MILTER_CHANGE_VAIN_MAX, MILTER_MAY_ADD_HEADERS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
		struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
		struct milter_change *change = change_new(mail, floods[i].actions, 0, 0);
		unsigned taken = 0;

		for (unsigned n = 0; n < 100 * 1000; n++)
			taken += take(change, floods[i].what, floods[i].payload) == MILTER_TAKEN;
		assert_int_equal(taken, floods[i].taken);
		assert_int_equal(apply(change, "plain"), -1);
		assert_false(is_changed(mail));
		mail_free(&mail);
	}
}

static void
test_bytes_gathered(void **state)
{
	static char value[100 * 1000];
	struct mail *mail = mail_with("A: 1\r\n", "x\r\n");
	struct milter_change *change = change_new(mail, MILTER_MAY_ALL, 0, 0);
	unsigned taken = 0;

	(void)state;
	memset(value, 'x', sizeof value);
	memcpy(value, "X", 2);
	value[sizeof value - 1] = '\0';
	while (take(change, MILTER_ADD_HEADER, span_of(value, sizeof value)) == MILTER_TAKEN)
		taken++;
	assert_int_equal(taken, MILTER_CHANGE_FIELDS_MAX_BYTES / sizeof value);
	assert_int_equal(apply(change, "plain"), -1);
	change = change_new(mail, MILTER_MAY_ALL, 0, 0);
	taken = 0;
	while (take(change, MILTER_ADD_RCPT, span_of(value + sizeof value - 8000, 8000)) ==
		MILTER_TAKEN)
		taken++;
	assert_int_equal(taken, MILTER_CHANGE_PATHS_MAX_BYTES / 8000);
	milter_change_free(&change);
	mail_free(&mail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_packets),
		cmocka_unit_test(test_negotiated),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_quarantine),
		cmocka_unit_test(test_held_before),
		cmocka_unit_test(test_everything_at_once),
		cmocka_unit_test(test_empty_body),
		cmocka_unit_test(test_nothing_is_half_done),
		cmocka_unit_test(test_at_the_size_limit),
		cmocka_unit_test(test_beyond_the_size_limit),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_bytes_gathered),
	};

	return cmocka_run_group_tests_name("policy/milter_change", tests, NULL, NULL);
}
