/* SPDX-License-Identifier: BSD-2-Clause */
/* Mailbox lists: the values they give, why they are refused, what they cost. */
#include "unit.h"

#include "base/buffer.h"
#include "wire/mailboxes.h"

#define A "alice@example.org"

struct parsed {
	struct arena *arena;
	struct mailboxes list;
	struct fault fault;
	bool good;
};

static struct parsed
parse(struct span value, unsigned rules)
{
	struct parsed parsed = { .arena = arena_new(1024), .fault = FAULT_INIT };

	parsed.good = mailboxes_parse(value, rules, parsed.arena, &parsed.list, &parsed.fault);
	return parsed;
}

static void
test_names_and_addresses_are_given(void **state)
{
	struct parsed p = parse(
		SPAN_LITERAL(
			" \"Doe, \\\"J\\\"  x\" \r\n Q. (c) Public <j@A.example>,\r\n b@b.example "
			"(x), \"c@x.y\" <c@[192.0.2.1]>, =?utf-8?q?d=40x.y?= <d@d.example>"),
		0);

	(void)state;
	assert_true(p.good);
	assert_int_equal(p.list.count, 4);
	assert_span_equal(p.list.list[0].display, "Doe, \"J\"  x Q. Public");
	assert_span_equal(address_local(&p.list.list[0].address), "j");
	assert_span_equal(address_domain(&p.list.list[0].address), "a.example");
	assert_false(p.list.list[0].poses);
	assert_span_equal(p.list.list[1].display, "");
	assert_false(p.list.list[1].poses);
	assert_span_equal(p.list.list[2].display, "c@x.y");
	assert_true(p.list.list[2].poses);
	assert_int_equal(p.list.list[2].address.kind, ADDRESS_LITERAL);
	assert_span_equal(p.list.list[3].display, "=?utf-8?q?d=40x.y?=");
	assert_true(p.list.list[3].poses);
	arena_free(&p.arena);
}

static void
test_sender_is_one(void **state)
{
	struct parsed p = parse(SPAN_LITERAL(A), MAILBOXES_ONE);

	(void)state;
	assert_true(p.good);
	assert_int_equal(p.list.count, 1);
	arena_free(&p.arena);
	p = parse(SPAN_LITERAL(A ", " A), MAILBOXES_ONE);
	assert_false(p.good);
	assert_int_equal(p.fault.kind, FAULT_LIMIT);
	arena_free(&p.arena);
}

static void
test_every_refusal_says_what(void **state)
{
	static const struct {
		const char *value;
		const char *text;
	} cases[] = {
		{ "", "no address in it" },
		{ " (x)\r\n ", "no address in it" },
		{ ",", "an empty element" },
		{ "<@b.c>", "malformed local part of address" },
		{ "a", "a name without an address" },
		{ "g: a@b.c;", "a group of addresses" },
		{ "<@x:a@b.c>", "source routes are not accepted" },
		{ "x <>", "an empty address" },
		{ "<alice>", "address has no domain" },
		{ "a@b.c d@e.f",
			"something behind an address that is neither a comma nor a comment" },
		{ "a b@c.d", "\"@\" in a display name without quotes, or a blank in an address" },
		{ "@b.c", "an address without its local part" },
		{ "a @b.c", "a blank or a comment inside of an address" },
		{ "a@b.c (x@y)", "\"<\", \">\" or \"@\" in a comment" },
		{ "a@b.c (x", "a comment without its end" },
		{ "a@b.c (x(\r\n y))", "a line end in a nested comment" },
		{ "=?utf-8?q?x <a@b.c>", "an encoded word without its end" },
		{ "=?utf-8?q?x \"y\" ?= <a@b.c>", "an encoded word without its end" },
		{ "\"x <a@b.c>", "a quoted string without its end" },
		{ "a@b.c <d@b.c>", "another address as a display name without quotes" },
		{ "a@b.c <a@b.c", "a \"<\" without its \">\"" },
		{ "<a@b.c", "a \"<\" without its \">\"" },
		{ "<\"a>b\"@b.c>", "\"@\", \"<\", \">\" or a comma in a local part" },
		{ "<\"a>@b.c", "a \"<\" without its \">\"" },
		{ "< @x:a@b.c>", "source routes are not accepted" },
		{ "\"a@b\r\n c\" <a@b.c>",
			"\"<\", \">\" or \"@\" in quotes, and quotes or a comment of several lines" },
		{ "=?utf-8?q?x=0A?= <a@b.c>",
			"an encoded word hides a line end or another control byte" },
		{ "a@b.c (=?utf-8?q?=40?=)",
			"an encoded word in a comment hides an address or a line end" },
		{ "a; b", "a special character out of place" },
		{ "=?x?q?y?=@b.c", "an encoded word in an address" },
		{ "\"a\rb\" <a@b.c>", "a line end that is no folding" },
		{ "a@b.c\r\n", "a line end that is no folding" },
		{ "\n a@b.c", "a line end that is no folding" },
		{ "\xc3\xa4 <a@b.c>", "8-bit byte" },
		{ "\x01 <a@b.c>", "control byte" },
		{ ".x <a@b.c>", "a display name that starts with a dot" },
		{ "((((((((( <a@b.c>", "comments are nested too deep" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed p = parse(span_text(cases[i].value), 0);

		assert_false(p.good);
		assert_int_equal(p.fault.kind, FAULT_PEER);
		assert_string_equal(p.fault.text, cases[i].text);
		arena_free(&p.arena);
	}
}

/* E7: floods of every kind are refused, or read, in linear time and with a flat stack. */
static void
check_flood(const char *head, const char *piece, size_t count, const char *tail, bool good)
{
	struct buf value = BUF_INIT(0);
	struct parsed p;

	buf_add_text(&value, head);
	for (size_t i = 0; i < count; i++)
		buf_add_text(&value, piece);
	buf_add_text(&value, tail);
	p = parse(buf_span(&value), 0);
	assert_int_equal(p.good, good);
	arena_free(&p.arena);
	buf_fini(&value);
}

static void
test_floods(void **state)
{
	(void)state;
	check_flood("", "<a@b.c>,", MAILBOXES_MAX - 1, "<a@b.c>", true);
	check_flood("", "<a@b.c>,", MAILBOXES_MAX, "<a@b.c>", false);
	check_flood("", "<a@b.c>,", 1000000, "<a@b.c>", false);
	check_flood("", "(x)", 1000000, "a@b.c", true);
	check_flood("", "(", 1000000, "a@b.c", false);
	check_flood("", ",", 1000000, "a@b.c", false);
	check_flood("\"", "x", 1000000, "\" <a@b.c>", true);
	check_flood("\"", "\\\"", 1000000, "\" <a@b.c>", true);
	check_flood("", "\"", 1000001, " <a@b.c>", false);
	check_flood("", "=?", 1000000, " <a@b.c>", false);
	check_flood("", "=?a?q?", 300000, " <a@b.c>", false);
	check_flood("", "=?a?q?x?= ", 100000, " <a@b.c>", true);
	check_flood("", "\"=?a?q?x?=\" ", 100000, " <a@b.c>", true);
	check_flood("", "x ", 1000000, " <a@b.c>", true);
	check_flood("", "\r\n ", 1000000, " <a@b.c>", true);
	check_flood("", "<", 1000000, "a@b.c>", false);
}

/* Cut anywhere, a value is refused or gives the mailboxes before the cut; nothing behind it is read. */
static void
test_every_prefix(void **state)
{
	static const char whole[] = "\"A\" (x) < a@b.c > (y), c@d.e <c@d.e>,\r\n =?utf-8?q?x?= <\"f\"@g.h>";
	size_t good = 0;

	(void)state;
	for (size_t length = 0; length < sizeof whole; length++) {
		char *bytes = mem_alloc(length + 1);
		struct parsed p;

		memcpy(bytes, whole, length);
		p = parse(span_of(bytes, length), 0);
		if (p.good) {
			good++;
			assert_true(p.list.count <= 3);
			assert_span_equal(address_local(&p.list.list[0].address), "a");
		}
		arena_free(&p.arena);
		mem_free(&bytes);
	}
	/* The first with its blank and its comment, "c@d", "c@d.e", its blank, its twin, and the third. */
	assert_int_equal(good, 8);
}

/* ---- what was accepted, written again, is accepted again and is the same ------------------------- */

static void
put_display(struct buf *out, struct span display)
{
	buf_add_byte(out, '"');
	for (size_t i = 0; i < display.length; i++) {
		if (display.start[i] == '"' || display.start[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, display.start[i]);
	}
	buf_add_text(out, "\" ");
}

static void
put_list(struct buf *out, const struct mailboxes *list)
{
	char text[ADDRESS_TEXT_SIZE];

	buf_clear(out);
	for (size_t i = 0; i < list->count; i++) {
		address_format(&list->list[i].address, text);
		buf_add_text(out, i ? ",\r\n " : " ");
		if (list->list[i].display.length)
			put_display(out, list->list[i].display);
		buf_printf(out, "<%s>", text);
	}
}

static void
check_same(const struct mailboxes *a, const struct mailboxes *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_true(address_equal(&a->list[i].address, &b->list[i].address));
		assert_true(span_equal(a->list[i].display, b->list[i].display));
		assert_int_equal(a->list[i].poses, b->list[i].poses);
	}
}

/* A value of pieces that grammars trip over; the numbers come from a seed, so every run is the same. */
static void
put_pieces(struct buf *out, uint64_t *seed)
{
	static const char *const pieces[] = { "a@b.c", "<a@b.c>", "<", ">", "@", ",", " ", "\r\n ", "\t",
		"\"", "\\", "(", ")", ";", ":", ".", "a", "Alice", "\"a b\"", "\"x@y.z\"", "(c)", "(c\r\n d)",
		"\"e\r\n f\"", "=?utf-8?q?x=40y.z?=", "=?utf-8?b?w6Q=?=", "\"q\"@b.c", "< a@b.c >", "[1.2.3.4]",
		"a@[1.2.3.4]", "\xc3\xa4", "a@\xc3\xa4.b", "\xc3\xa4@b.c", "xn--4ca" };
	size_t count;

	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	count = 1 + (*seed >> 33) % 7;
	buf_clear(out);
	for (size_t i = 0; i < count; i++) {
		*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		buf_add_text(out, pieces[(*seed >> 33) % (sizeof pieces / sizeof pieces[0])]);
	}
}

static void
test_what_is_accepted_is_accepted_again(void **state)
{
	struct buf value = BUF_INIT(0);
	struct buf again = BUF_INIT(0);
	uint64_t seed = 1;
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		struct parsed first;
		struct parsed second;

		put_pieces(&value, &seed);
		first = parse(buf_span(&value), MAILBOXES_UTF8);
		if (first.good) {
			accepted++;
			put_list(&again, &first.list);
			second = parse(buf_span(&again), MAILBOXES_UTF8);
			if (!second.good)
				print_error("%s: %s\n", buf_text(&again), second.fault.text);
			assert_true(second.good);
			check_same(&first.list, &second.list);
			arena_free(&second.arena);
		}
		arena_free(&first.arena);
	}
	assert_true(accepted > 10000);
	buf_fini(&value);
	buf_fini(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_addresses_are_given),
		cmocka_unit_test(test_sender_is_one),
		cmocka_unit_test(test_every_refusal_says_what),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_what_is_accepted_is_accepted_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
