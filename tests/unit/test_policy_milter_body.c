/* SPDX-License-Identifier: BSD-2-Clause */
/* A new body in pieces: line ends, memory and file, what is dropped and when. */
#include "milter_change_fixture.h"

static struct milter_body *
new_body(uint64_t size_limit)
{
	memset(&files, 0, sizeof files);
	return milter_body_new(&fixture_means, size_limit, on_room, NULL);
}

/* As link does it: the next piece when there is room. */
static enum milter_taken
take_piece(struct milter_body *body, struct span piece)
{
	struct fault fault = FAULT_INIT;
	enum milter_taken taken = milter_body_take(body, piece, &fault);

	if (taken == MILTER_TAKEN_LATER)
		answer_file();
	return taken;
}

static struct mail *
put(struct milter_body **body)
{
	struct mail *mail = mail_new(&fixture_session, "m1", 0);
	struct fault fault = FAULT_INIT;

	assert_true(milter_body_end(*body, &fault));
	buf_add_text(&mail->body, "old");
	mail->body_length = 3;
	milter_body_put(body, mail);
	assert_null(*body);
	return mail;
}

/* ---- line ends -------------------------------------------------------------------------------- */

static const struct {
	struct span sent;
	struct span body;
} endings[] = {
	{ SPAN_LITERAL(""), SPAN_LITERAL("") },
	{ SPAN_LITERAL("a\r\n"), SPAN_LITERAL("a\r\n") },
	{ SPAN_LITERAL("a\n"), SPAN_LITERAL("a\r\n") },
	{ SPAN_LITERAL("a\r"), SPAN_LITERAL("a\r\n") },
	{ SPAN_LITERAL("a"), SPAN_LITERAL("a\r\n") },
	{ SPAN_LITERAL("\n\n"), SPAN_LITERAL("\r\n\r\n") },
	{ SPAN_LITERAL("\r\r"), SPAN_LITERAL("\r\n\r\n") },
	{ SPAN_LITERAL("\r\r\n"), SPAN_LITERAL("\r\n\r\n") },
	{ SPAN_LITERAL("\n\r"), SPAN_LITERAL("\r\n\r\n") },
	{ SPAN_LITERAL("a\r\nb\nc\rd"), SPAN_LITERAL("a\r\nb\r\nc\r\nd\r\n") },
	{ SPAN_LITERAL("a\n.\nMAIL"), SPAN_LITERAL("a\r\n.\r\nMAIL\r\n") },
	{ SPAN_LITERAL("a\r.\r\n..b\r\n"), SPAN_LITERAL("a\r\n.\r\n..b\r\n") },
	{ SPAN_LITERAL("a\0b\r\n\0"), SPAN_LITERAL("a\0b\r\n\0\r\n") },
	{ SPAN_LITERAL("\0\r\0\n"), SPAN_LITERAL("\0\r\n\0\r\n") },
};

static void
test_line_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		/* Whole, byte by byte, and with pieces of nothing between. */
		for (unsigned way = 0; way < 3; way++) {
			struct milter_body *body = new_body(0);
			struct span left = endings[i].sent;
			struct mail *mail;

			do {
				struct span piece = way ? span_first(left, 1) : left;

				assert_int_equal(take_piece(body, piece), MILTER_TAKEN);
				if (way == 2)
					assert_int_equal(
						take_piece(body, SPAN_EMPTY), MILTER_TAKEN);
				left = span_from(left, piece.length);
			} while (left.length);
			mail = put(&body);
			assert_int_equal(mail->body_length, endings[i].body.length);
			assert_true(span_equal(buf_span(&mail->body), endings[i].body));
			assert_int_equal(mail->body_fd, -1);
			assert_int_equal(mail->body_file, 0);
			assert_false(mail->body_8bit);
			mail_free(&mail);
		}
	}
}

static void
test_8bit(void **state)
{
	struct milter_body *body = new_body(0);
	struct mail *mail;

	(void)state;
	take_piece(body, SPAN_LITERAL("caf\xc3"));
	take_piece(body, SPAN_LITERAL("\xa9\n"));
	take_piece(body, SPAN_LITERAL("plain\n"));
	mail = put(&body);
	assert_true(mail->body_8bit);
	mail_free(&mail);
}

/* ---- memory and file -------------------------------------------------------------------------- */

/* Is in the file what should be, and is the hash that of the file? */
static void
check_file(const struct mail *mail, struct span want)
{
	unsigned char hash[DIGEST_BYTES];
	char *bytes = mem_alloc(want.length + 1);
	struct digest digest;

	assert_int_equal(mail->body_length, want.length);
	assert_int_equal(pread(mail->body_fd, bytes, want.length + 1, 0), want.length);
	assert_memory_equal(bytes, want.start, want.length);
	digest_init(&digest);
	digest_add(&digest, want);
	digest_final(&digest, hash);
	assert_memory_equal(hash, mail->body_hash, sizeof hash);
	mem_free(&bytes);
}

/* A body of so many bytes in lines of 64, of LF alone if the filter sends them so. */
static void
fill(struct buf *text, size_t length, const char *line_end)
{
	while (buf_length(text) + 64 <= length) {
		for (size_t i = strlen(line_end); i < 64; i++)
			buf_add_byte(text, (char)('a' + (buf_length(text) + i) % 26));
		buf_add_text(text, line_end);
	}
}

static void
test_where_it_lives(void **state)
{
	static const struct {
		size_t length;
		size_t piece;
		bool file;
	} cases[] = {
		{ 64 * 1024 - 64, 1000, false },
		{ 64 * 1024, 64 * 1024, true },
		{ 64 * 1024, 1000, true },
		{ 300 * 1000 / 64 * 64, 65535, true },
		{ 300 * 1000 / 64 * 64, 7, true },
		{ 30 * 1024 * 1024, 65535, true },
		{ 30 * 1024 * 1024, 30 * 1024 * 1024, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct milter_body *body = new_body(30 * 1024 * 1024);
		struct buf text = BUF_INIT(0);
		struct span left;
		struct mail *mail;

		fill(&text, cases[i].length, "\r\n");
		for (left = buf_span(&text); left.length; left = span_from(left, cases[i].piece))
			assert_int_not_equal(take_piece(body, span_first(left, cases[i].piece)),
				MILTER_TAKEN_BAD);
		assert_int_equal(files.rooms, cases[i].file);
		mail = put(&body);
		assert_int_equal(mail->body_file, cases[i].file ? 701 : 0);
		if (cases[i].file) {
			assert_int_equal(buf_length(&mail->body), 0);
			check_file(mail, buf_span(&text));
			close(mail->body_fd);
		} else {
			assert_true(span_equal(buf_span(&mail->body), buf_span(&text)));
		}
		assert_int_equal(files.dropped, 0);
		mail_free(&mail);
		buf_fini(&text);
	}
}

/* A last line without its end grows by two bytes, which must fit where the body is. */
static void
test_edge_of_memory(void **state)
{
	(void)state;
	for (size_t length = MAIL_MEMORY_MAX_BYTES - 3; length <= MAIL_MEMORY_MAX_BYTES + 1;
		length++) {
		struct milter_body *body = new_body(0);
		char *text = mem_alloc(length);
		struct mail *mail;

		memset(text, 'x', length);
		take_piece(body, span_of(text, length));
		mail = put(&body);
		assert_int_equal(mail->body_length, length + 2);
		assert_int_equal(mail->body_file != 0, length + 2 > MAIL_MEMORY_MAX_BYTES);
		if (mail->body_fd >= 0)
			close(mail->body_fd);
		mem_free(&text);
		mail_free(&mail);
	}
}

/* The old file of the mail is dropped once, and its fd closed; the new one is the mail's. */
static void
test_file_for_file(void **state)
{
	struct milter_body *body = new_body(0);
	struct mail *mail = mail_new(&fixture_session, "m1", 0);
	struct fault fault = FAULT_INIT;
	int old = make_file();

	(void)state;
	mail->body_fd = old;
	mail->body_file = 44;
	take_piece(body, SPAN_LITERAL("new\n"));
	assert_true(milter_body_end(body, &fault));
	assert_int_equal(files.dropped, 0);
	milter_body_put(&body, mail);
	assert_int_equal(files.dropped, 1);
	assert_int_equal(files.last_dropped, 44);
	assert_int_equal(fcntl(old, F_GETFD), -1);
	assert_int_equal(mail->body_fd, -1);
	assert_int_equal(mail->body_file, 0);
	assert_span_equal(buf_span(&mail->body), "new\r\n");
	mail_free(&mail);
}

/* ---- what goes wrong -------------------------------------------------------------------------- */

static void
test_too_large(void **state)
{
	struct milter_body *body = new_body(10);
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_int_equal(take_piece(body, SPAN_LITERAL("1234567\n")), MILTER_TAKEN);
	/* It is nine bytes by now: two for the line end. */
	assert_int_equal(take_piece(body, SPAN_LITERAL("1")), MILTER_TAKEN);
	assert_false(milter_body_end(body, &fault));
	assert_int_equal(fault.kind, FAULT_LIMIT);
	milter_body_free(&body);
	body = new_body(10);
	assert_int_equal(take_piece(body, SPAN_LITERAL("12345678901")), MILTER_TAKEN_BAD);
	assert_int_equal(take_piece(body, SPAN_LITERAL("")), MILTER_TAKEN_BAD);
	assert_false(milter_body_end(body, &fault));
	milter_body_free(&body);
}

static void
test_no_file(void **state)
{
	struct buf text = BUF_INIT(0);
	struct fault fault = FAULT_INIT;

	(void)state;
	fill(&text, 128 * 1024, "\n");
	for (unsigned way = 0; way < 2; way++) {
		struct milter_body *body = new_body(0);

		files.away = way;
		files.refuse = !way;
		assert_int_equal(take_piece(body, buf_span(&text)),
			way ? MILTER_TAKEN_BAD : MILTER_TAKEN_LATER);
		assert_int_equal(take_piece(body, SPAN_LITERAL("x")), MILTER_TAKEN_BAD);
		assert_false(milter_body_end(body, &fault));
		assert_int_equal(fault.kind, FAULT_BUSY);
		milter_body_free(&body);
		assert_int_equal(files.dropped, 0);
	}
	buf_fini(&text);
}

/* Given up: while the file is asked for, and when it is there. */
static void
test_given_up(void **state)
{
	struct buf text = BUF_INIT(0);
	struct fault fault = FAULT_INIT;
	struct milter_body *body = new_body(0);

	(void)state;
	fill(&text, 128 * 1024, "\r\n");
	assert_int_equal(milter_body_take(body, buf_span(&text), &fault), MILTER_TAKEN_LATER);
	milter_body_free(&body);
	assert_int_equal(files.forgotten, 1);
	assert_int_equal(files.dropped, 0);
	body = new_body(0);
	assert_int_equal(take_piece(body, buf_span(&text)), MILTER_TAKEN_LATER);
	milter_body_free(&body);
	assert_int_equal(files.forgotten, 0);
	assert_int_equal(files.dropped, 1);
	assert_int_equal(files.last_dropped, 701);
	milter_body_free(&body);
	buf_fini(&text);
}

/* A disk that is full: the file cannot be written, and the body never counts as whole. */
static void
test_full_disk(void **state)
{
	struct buf text = BUF_INIT(0);
	struct milter_body *body = new_body(0);
	struct fault fault = FAULT_INIT;
	milter_body_fn *done;

	(void)state;
	fill(&text, 128 * 1024, "\r\n");
	assert_int_equal(milter_body_take(body, buf_span(&text), &fault), MILTER_TAKEN_LATER);
	done = files.done;
	files.done = NULL;
	done(files.asker, 9, open("/dev/full", O_WRONLY), false);
	assert_int_equal(files.rooms, 1);
	assert_int_equal(take_piece(body, SPAN_LITERAL("x")), MILTER_TAKEN_BAD);
	assert_false(milter_body_end(body, &fault));
	assert_int_equal(fault.kind, FAULT_SYSTEM);
	milter_body_free(&body);
	assert_int_equal(files.last_dropped, 9);
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_8bit),
		cmocka_unit_test(test_where_it_lives),
		cmocka_unit_test(test_edge_of_memory),
		cmocka_unit_test(test_file_for_file),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests_name("policy/milter_body", tests, NULL, NULL);
}
