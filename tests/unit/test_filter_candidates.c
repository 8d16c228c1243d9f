/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses of a message that somebody has to own. */
#include "unit.h"

#include "filter/candidates.h"

static const struct settings_domain domains[] = {
	{ .title = "plus.example.org", .where = "", .plus_address = "+" },
};
static const struct settings settings = { .domain = { domains, 1 } };

static struct arena *arena;

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const char *
joined(const struct settings_texts *texts)
{
	char *text = arena_strdup(arena, "");

	for (size_t i = 0; i < texts->count; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? " " : "", texts->items[i]);
	return text;
}

static void
addresses(void **state)
{
	static const struct {
		const char *sender;
		const char *block;
		const char *candidates;
	} cases[] = {
		{ "", NULL, "" },
		{ "a@B.example", NULL, "a@b.example" },
		{ "no address", NULL, "" },
		{ "\"a\"@b.example", NULL, "a@b.example" },
		{ "a+x@b.example", NULL, "a+x@b.example" },
		{ "a+x@plus.example.org", NULL, "a+x@plus.example.org a@plus.example.org" },
		{ "a@b.example", "From: a@b.example\r\n", "a@b.example" },
		{ "", "From: A <a@b.example>, c@d.example\r\nTo: x@y.example\r\n",
			"a@b.example c@d.example" },
		{ "", "Reply-To: x@y.example\r\nResent-Sender: r@s.example\r\nFROM: a@b.example\r\n",
			"a@b.example r@s.example" },
		{ "", "From: a@b.example\r\nFrom: c@d.example\r\n", "a@b.example c@d.example" },
		{ "", "From: \"x@y.example\" <a@b.example>\r\n", "a@b.example x@y.example" },
		{ "", "From: <a@b.example>:<c@d.example>\r\nSender: e@f.example\r\n", "e@f.example" },
		{ "", "From: M\xc3\xbcller <\xc3\xbc@b.example>\r\n", "\xc3\xbc@b.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fault fault = FAULT_INIT;
		struct settings_texts found;
		struct header header;

		if (cases[i].block &&
			!header_parse(span_text(cases[i].block), HEADER_UTF8, arena, &header, &fault))
			fail_msg("%s", fault.text);
		found = candidates_of(&settings, cases[i].sender, cases[i].block ? &header : NULL,
			arena);
		assert_string_equal(joined(&found), cases[i].candidates);
	}
}

/* However many there are, so many are asked about and no more. */
static void
cap(void **state)
{
	struct header header;
	struct settings_texts found;

	(void)state;
	header_init(&header, arena);
	for (unsigned i = 0; i < 2 * CANDIDATES_MAX; i++)
		assert_true(header_add(&header, SPAN_LITERAL("Resent-From"),
			span_text(arena_printf(arena, "a%u@example.org", i))));
	found = candidates_of(&settings, "own@example.org", &header, arena);
	assert_int_equal(found.count, CANDIDATES_MAX);
	assert_string_equal(found.items[0], "own@example.org");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(cap),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
