/* SPDX-License-Identifier: BSD-2-Clause */
/* What is negotiated with a filter, and what it then hears. */
#include "milter_fixture.h"

#include <stdlib.h>
#include <unistd.h>

enum { PIECE_BYTES = MILTER_PAYLOAD_MAX_BYTES };

/* ---- versions -------------------------------------------------------------------------------- */

struct version_case {
	uint64_t setting;
	uint32_t answered;
	const char *offer;  /* the packet's 12 bytes behind its letter */
	const char *heard;
};

static void
every_version(void **state)
{
	static const struct version_case versions[] = {
		{ 2, 2, "\0\0\0\2\0\0\1\xff\0\0\0\x7f", "OCHMRLLNBEQ." },
		{ 3, 3, "\0\0\0\3\0\0\1\xff\0\0\1\x7f", "OCHMRLLNBEQ." },
		{ 4, 4, "\0\0\0\4\0\0\1\xff\0\0\3\x7f", "OCHMRTLLNBEQ." },
		/* Nobody has ever spoken 5. */
		{ 5, 4, "\0\0\0\4\0\0\1\xff\0\0\3\x7f", "OCHMRTLLNBEQ." },
		{ 6, 6, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", "OCHMRTLLNBEQ." },
		{ 0, 6, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", "OCHMRTLLNBEQ." },
		/* A filter may know less than it is offered. */
		{ 6, 2, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", "OCHMRLLNBEQ." },
		{ 6, 4, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", "OCHMRTLLNBEQ." },
		/* But not more, and not nothing. */
		{ 4, 6, "\0\0\0\4\0\0\1\xff\0\0\3\x7f", "O." },
		{ 6, 7, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", "O." },
		{ 6, 1, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", "O." },
		{ 6, 0, "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", "O." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		struct fixture fixture;
		bool meets = strlen(versions[i].heard) > 2;

		fixture_open(&fixture, NULL);
		fixture.settings.version = versions[i].setting;
		fixture.version = versions[i].answered;
		fixture.steps = 0;
		assert_int_equal(fixture_mail(&fixture),
			meets ? VERDICT_CONTINUE : VERDICT_TEMPFAIL);
		/* 13 bytes and their length, neither more nor less: some insist on it. */
		assert_memory_equal(buf_span(&fixture.raw).start, "\0\0\0\x0dO", 5);
		assert_memory_equal(buf_span(&fixture.raw).start + 5, versions[i].offer, 12);
		if (meets) {
			assert_int_equal(fixture.health.version, versions[i].answered);
			/* To an older one even the macros of DATA are strange. */
			assert_int_equal(fixture_was_told(&fixture, "DTi"), versions[i].answered >= 4);
		}
		fixture_close(&fixture);
		if (strcmp(fixture_heard(&fixture), versions[i].heard) != 0)
			fail_msg("%zu: %s", i, fixture_heard(&fixture));
	}
}

struct offer_case {
	const char *name;
	const char *answer;
	size_t length;
	bool meets;
};

#define OFFERS(name, answer, meets) { name, answer, sizeof(answer) - 1, meets }
#define OFFER_6(steps, more) "\0\0\0\x0dO\0\0\0\6\0\0\1\xff" steps more

static void
every_answer_to_the_offer(void **state)
{
	static const struct offer_case offers[] = {
		OFFERS("actions that nobody knows", "\0\0\0\x0dO\0\0\0\6\xff\0\1\xff\0\0\0\0", true),
		OFFERS("larger packets", OFFER_6("\x20\0\0\0", ""), true),
		OFFERS("unknown steps", OFFER_6("\x80\x60\0\0", ""), false),
		OFFERS("too short", "\0\0\0\x09O\0\0\0\6\0\0\1\xff", false),
		OFFERS("empty", ANSWER("O"), false),
		OFFERS("continue", ANSWER("c"), false),
		OFFERS("twice", OFFER_6("\0\0\0\0", OFFER_6("\0\0\0\0", "")), false),
		OFFERS("and an answer at once", OFFER_6("\0\0\0\0", ANSWER("c")), false),
		OFFERS("a list of macros",
			"\0\0\0\x17O\0\0\0\6\0\0\1\xff\0\0\0\0\0\0\0\2i {x}\0", true),
		OFFERS("one without its end",
			"\0\0\0\x16O\0\0\0\6\0\0\1\xff\0\0\0\0\0\0\0\2i {x}", false),
		OFFERS("another service", "220 mail.example ESMTP\r\n", false),
		OFFERS("a web server", "HTTP/1.1 400 Bad Request\r\n", false),
	};

	(void)state;
	for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
		struct filter_rule rules[2] = { { 'O', 1, FILTER_SENDS, offers[i].answer,
			offers[i].length } };
		struct fixture fixture;

		fixture_open(&fixture, rules);
		if (fixture_mail(&fixture) !=
			(offers[i].meets ? VERDICT_CONTINUE : VERDICT_TEMPFAIL))
			fail_msg("%s: %d", offers[i].name, fixture.verdict.kind);
		fixture_close(&fixture);
	}
}

/* ---- what is not wanted, and what is not answered -------------------------------------------- */

struct step_case {
	uint32_t steps;
	const char *heard;
};

static void
every_step(void **state)
{
	static const struct step_case steps[] = {
		{ MILTER_NO_CONNECT, "OHMRTLLNBEQ." },
		{ MILTER_NO_HELO, "OCMRTLLNBEQ." },
		{ MILTER_NO_MAIL, "OCHRTLLNBEQ." },
		{ MILTER_NO_RCPT, "OCHMTLLNBEQ." },
		{ MILTER_NO_DATA, "OCHMRLLNBEQ." },
		{ MILTER_NO_HEADERS, "OCHMRTNBEQ." },
		{ MILTER_NO_HEADER_END, "OCHMRTLLBEQ." },
		{ MILTER_NO_BODY, "OCHMRTLLNEQ." },
		{ MILTER_NO_CONNECT | MILTER_NO_HELO | MILTER_NO_MAIL | MILTER_NO_RCPT |
			MILTER_NO_DATA | MILTER_NO_HEADERS | MILTER_NO_HEADER_END | MILTER_NO_BODY,
			"OEQ." },
		{ MILTER_MUTE_CONNECT, "OCHMRTLLNBEQ." },
		{ MILTER_MUTE_HELO, "OCHMRTLLNBEQ." },
		{ MILTER_MUTE_MAIL, "OCHMRTLLNBEQ." },
		{ MILTER_MUTE_RCPT, "OCHMRTLLNBEQ." },
		{ MILTER_MUTE_DATA, "OCHMRTLLNBEQ." },
		{ MILTER_MUTE_HEADER, "OCHMRTLLNBEQ." },
		{ MILTER_MUTE_HEADER_END, "OCHMRTLLNBEQ." },
		{ MILTER_MUTE_BODY, "OCHMRTLLNBEQ." },
		{ MILTER_MUTE_HEADER | MILTER_NO_HEADERS, "OCHMRTNBEQ." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct fixture fixture;

		fixture_open(&fixture, NULL);
		fixture.steps = steps[i].steps;
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		assert_int_equal(fixture.health.failures, 0);
		fixture_close(&fixture);
		if (strcmp(fixture_heard(&fixture), steps[i].heard) != 0)
			fail_msg("0x%x: %s", steps[i].steps, fixture_heard(&fixture));
	}
}

/* It says that it will not answer, and does: nobody knows any more what is meant. */
static void
answers_although_it_is_mute(void **state)
{
	static const struct {
		char command;
		uint32_t steps;
	} mutes[] = {
		{ 'M', MILTER_MUTE_CONNECT | MILTER_MUTE_HELO | MILTER_MUTE_MAIL },
		{ 'L', MILTER_MUTE_HEADER }, { 'B', MILTER_MUTE_BODY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof mutes / sizeof *mutes; i++) {
		struct filter_rule rules[2] = { { mutes[i].command, 0, FILTER_SENDS,
			ANSWER("c") ANSWER("c"), 10 } };
		struct fixture fixture;

		fixture_open(&fixture, rules);
		fixture.steps = mutes[i].steps;
		fixture_mail(&fixture);
		fixture_end_mail(&fixture);
		/* Of one message or the other, but it comes out; and never is it taken for a verdict. */
		fixture.rules = NULL;
		fixture.steps = 0;
		fixture_mail(&fixture);
		fixture_end_mail(&fixture);
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		assert_true(fixture.dialed > 1);
		fixture_close(&fixture);
	}
}

/* All is told in one go, so the first of many answers may be to CONNECT: no mail passes by it. */
static void
no_verdict_among_answers_to_what_is_mute(void **state)
{
	static const struct {
		const char *answers;
		size_t length;
		enum verdict_kind kind;
	} ends[] = {
		{ ANSWER("c"), 5, VERDICT_CONTINUE },
		{ ANSWER("c") ANSWER("c"), 10, VERDICT_TEMPFAIL },
		{ ANSWER("a") ANSWER("c"), 10, VERDICT_TEMPFAIL },
		{ ANSWER("r") ANSWER("c"), 10, VERDICT_REJECT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct filter_rule rules[2] = { { 'E', 1, FILTER_SENDS, ends[i].answers,
			ends[i].length } };
		struct fixture fixture;

		fixture_open(&fixture, rules);
		fixture.steps = 0xff080; /* rspamd's */
		if (fixture_mail(&fixture) != ends[i].kind)
			fail_msg("%zu: %d", i, fixture.verdict.kind);
		assert_int_equal(fixture.health.failures, ends[i].kind == VERDICT_TEMPFAIL);
		fixture_end_mail(&fixture);
		assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
		assert_int_equal(fixture.dialed, ends[i].length > 5 ? 2 : 1);
		fixture_close(&fixture);
	}
}

/* ---- SKIP ------------------------------------------------------------------------------------ */

static void
skips_recipients(void **state)
{
	static const struct filter_rule rules[] = { SENDS('R', 1, ANSWER("s")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	for (int message = 0; message < 2; message++) {
		fixture_from(&fixture);
		fixture_to(&fixture, "a@example.net");
		assert_int_equal(fixture_to(&fixture, "b@example.net"), VERDICT_CONTINUE);
		assert_int_equal(fixture_data(&fixture), VERDICT_CONTINUE);
		fixture_end_mail(&fixture);
	}
	fixture_close(&fixture);
	/* It holds for one message. */
	assert_string_equal(fixture_heard(&fixture), "OCHMRTAMRRTAQ.");
}

static void
body_of(struct fixture *fixture, size_t size)
{
	char *body = mem_alloc(size + 1);

	memset(body, 'x', size);
	fixture_from(fixture);
	fixture_to(fixture, "bob@example.net");
	fixture_data(fixture);
	fixture_content(fixture, "From: a@b.example\r\n", span_of(body, size));
	fixture_message(fixture);
	assert_int_equal(fixture->verdict.kind, VERDICT_CONTINUE);
	mem_free(&body);
}

static void
skips_the_body(void **state)
{
	static const struct filter_rule rules[] = { SENDS('B', 1, ANSWER("s")), { 0 } };
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, rules);
	body_of(&fixture, 5 * PIECE_BYTES);
	fixture_close(&fixture);
	/* Two pieces are under way by then. */
	assert_string_equal(fixture_heard(&fixture), "OCHMRTLNBBEQ.");
}

static size_t
count(const char *text, char letter)
{
	size_t found = 0;

	for (; *text; text++)
		found += *text == letter;
	return found;
}

/* ---- large ones ------------------------------------------------------------------------------ */

static void
bodies_in_pieces(void **state)
{
	static const struct {
		size_t size;
		const char *heard;
	} bodies[] = {
		{ 0, "OCHMRTLNEQ." },
		{ 1, "OCHMRTLNBEQ." },
		{ PIECE_BYTES, "OCHMRTLNBEQ." },
		{ PIECE_BYTES + 1, "OCHMRTLNBBEQ." },
		{ 4 * PIECE_BYTES, "OCHMRTLNBBBBEQ." },
		{ 4 * PIECE_BYTES + 1, "OCHMRTLNBBBBBEQ." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		for (int mute = 0; mute < 2; mute++) {
			struct fixture fixture;

			fixture_open(&fixture, NULL);
			fixture.steps |= mute ? MILTER_MUTE_BODY : 0;
			body_of(&fixture, bodies[i].size);
			fixture_close(&fixture);
			assert_string_equal(fixture_heard(&fixture), bodies[i].heard);
		}
}

static void
bodies_in_a_file(void **state)
{
	char path[] = "/tmp/test_policy_milter_XXXXXX";
	int fd = mkstemp(path);
	struct fixture fixture;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	fixture_open(&fixture, NULL);
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	fixture_data(&fixture);
	fixture_content(&fixture, "From: a@b.example\r\n", SPAN_EMPTY);
	fixture.mail->body_fd = fd;
	fixture.mail->body_length = PIECE_BYTES + 5;
	for (size_t i = 0; i < PIECE_BYTES; i++)
		assert_int_equal(write(fd, "y", 1), 1);
	assert_int_equal(write(fd, "last\n", 5), 5);
	assert_int_equal(fixture_message(&fixture), VERDICT_CONTINUE);
	assert_true(fixture_was_told(&fixture, "Blast\n"));
	fixture_end_mail(&fixture);
	/* It is shorter than it should be: no fault of the filter. */
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	fixture_data(&fixture);
	fixture_content(&fixture, "From: a@b.example\r\n", SPAN_EMPTY);
	fixture.mail->body_fd = fd;
	fixture.mail->body_length = PIECE_BYTES + 6;
	assert_int_equal(fixture_message(&fixture), VERDICT_TEMPFAIL);
	assert_string_equal(fixture.verdict.enhanced, "4.3.0");
	assert_int_equal(fixture.health.failures, 0);
	fixture_end_mail(&fixture);
	/* Its answer to what could be read is not taken for one to the next message. */
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTLNBBEMRTLNBAMRTLLNBEQ.");
	close(fd);
}

/* More than waits for answers at once, and more than is written at once. */
static void
long_headers(void **state)
{
	struct fixture fixture;
	struct buf header = BUF_INIT(0);

	(void)state;
	for (int i = 0; i < 200; i++)
		buf_printf(&header, "X-Field-%d: %0900d\r\n", i, i);
	for (int mute = 0; mute < 2; mute++) {
		fixture_open(&fixture, NULL);
		fixture.steps |= mute ? MILTER_MUTE_HEADER : 0;
		fixture_from(&fixture);
		fixture_to(&fixture, "bob@example.net");
		fixture_data(&fixture);
		fixture_content(&fixture, buf_text(&header), SPAN_LITERAL("x\r\n"));
		assert_int_equal(fixture_message(&fixture), VERDICT_CONTINUE);
		assert_int_equal(count(fixture_heard(&fixture), 'L'), 200);
		fixture_close(&fixture);
	}
	buf_fini(&header);
}

/* Who may send more than the listener takes gets as much back from a filter. */
static void
a_new_body_as_large_as_the_old(void **state)
{
	enum { NEW_BYTES = 150 * 1024 };
	char *answer = mem_alloc(5 + NEW_BYTES + 5);
	const struct filter_rule rules[] = {
		{ 'E', 1, FILTER_SENDS, answer, 5 + NEW_BYTES + 5 }, { 0 } };
	struct fixture fixture;

	(void)state;
	memset(answer, 'n', 5 + NEW_BYTES);
	memcpy(answer, "\x00\x02\x58\x01" "b", 5); /* 1 + NEW_BYTES */
	memcpy(answer + 5 + NEW_BYTES, ANSWER("c"), 5);
	for (int large = 0; large < 2; large++) {
		fixture_open(&fixture, rules);
		fixture.listener.message_size = 1000;
		fixture_from(&fixture);
		fixture_to(&fixture, "bob@example.net");
		fixture_data(&fixture);
		fixture_content(&fixture, FIXTURE_HEADER, span_of(answer, large ? NEW_BYTES : 10));
		assert_int_equal(fixture_message(&fixture), large ? VERDICT_CONTINUE : VERDICT_TEMPFAIL);
		fixture_close(&fixture);
	}
	mem_free(&answer);
}

/* What the protocol cannot say is refused, and the filter asked again next time. */
static void
a_field_that_cannot_be_said(void **state)
{
	struct fixture fixture;
	struct buf header = BUF_INIT(0);

	(void)state;
	buf_printf(&header, "X-Long: ");
	for (int i = 0; i < 100; i++)
		buf_printf(&header, "%0650d\r\n ", i);
	buf_add_text(&header, "x\r\n");
	fixture_open(&fixture, NULL);
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	fixture_data(&fixture);
	fixture_content(&fixture, buf_text(&header), SPAN_EMPTY);
	assert_int_equal(fixture_message(&fixture), VERDICT_REJECT);
	assert_int_equal(fixture.verdict.code, 554);
	assert_string_equal(fixture.verdict.enhanced, "5.6.0");
	fixture_end_mail(&fixture);
	assert_int_equal(fixture_mail(&fixture), VERDICT_CONTINUE);
	fixture_end_mail(&fixture);
	/* Who does not look at the header has nothing against it. */
	fixture_close(&fixture);
	fixture_open(&fixture, NULL);
	fixture.steps |= MILTER_NO_HEADERS;
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	fixture_data(&fixture);
	fixture_content(&fixture, buf_text(&header), SPAN_EMPTY);
	assert_int_equal(fixture_message(&fixture), VERDICT_CONTINUE);
	fixture_close(&fixture);
	buf_fini(&header);
}

/* Our own Received is not the author's, and is not signed. */
static void
our_own_trace(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture, NULL);
	fixture_from(&fixture);
	fixture_to(&fixture, "bob@example.net");
	fixture_data(&fixture);
	fixture_content(&fixture, "Received: ours\r\nReceived: theirs\r\nFrom: a@b.example\r\n",
		SPAN_EMPTY);
	fixture.mail->trace = fixture.mail->header.fields[0].whole.start;
	assert_int_equal(fixture_message(&fixture), VERDICT_CONTINUE);
	assert_false(fixture_was_told(&fixture, "ours"));
	assert_true(fixture_was_told(&fixture, "theirs"));
	fixture_close(&fixture);
	assert_string_equal(fixture_heard(&fixture), "OCHMRTLLNEQ.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version),
		cmocka_unit_test(every_answer_to_the_offer),
		cmocka_unit_test(every_step),
		cmocka_unit_test(answers_although_it_is_mute),
		cmocka_unit_test(no_verdict_among_answers_to_what_is_mute),
		cmocka_unit_test(skips_recipients),
		cmocka_unit_test(skips_the_body),
		cmocka_unit_test(bodies_in_pieces),
		cmocka_unit_test(bodies_in_a_file),
		cmocka_unit_test(long_headers),
		cmocka_unit_test(a_new_body_as_large_as_the_old),
		cmocka_unit_test(a_field_that_cannot_be_said),
		cmocka_unit_test(our_own_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
