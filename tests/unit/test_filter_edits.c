/* SPDX-License-Identifier: BSD-2-Clause */
/* Two headers, and the steps from one to the other. */
#include "unit.h"

#include "filter/edits.h"

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

static struct header
header_of(const char *block)
{
	struct fault fault = FAULT_INIT;
	struct header header;

	if (!header_parse(span_text(block), 0, arena, &header, &fault))
		fail_msg("%s", fault.text);
	return header;
}

/* "NAME INDEX VALUE;" of each step. */
static const char *
steps(const char *from, const char *to, bool leading_space)
{
	struct header before = header_of(from);
	struct header after = header_of(to);
	struct edits edits = edits_between(&before, &after, leading_space, arena);
	char *text = arena_strdup(arena, "");

	for (size_t i = 0; i < edits.count; i++)
		text = arena_printf(arena, "%s%s %zu [%s];", text, edits.items[i].name,
			edits.items[i].index, edits.items[i].value ? edits.items[i].value : "-");
	return text;
}

static void
every_step(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		bool leading_space;
		const char *steps;
	} cases[] = {
		{ "From: a\r\nX: 1\r\n", "From: a\r\nX: 2\r\n", false, "" },
		{ "From: a\r\n", "From: b\r\n", false, "From 1 [b];" },
		{ "From: a\r\n", "From: b\r\n", true, "From 1 [ b];" },
		{ "from:a\r\n", "from:b\r\n", true, "From 1 [b];" },
		{ "From: a\r\n", "From: a\r\nSender: b\r\n", false, "Sender 0 [b];" },
		{ "From: a\r\nSender: b\r\nsender: c\r\n", "From: a\r\n", false,
			"Sender 2 [-];Sender 1 [-];" },
		{ "Resent-From: a\r\nResent-From: b\r\nResent-From: c\r\n",
			"Resent-From: a\r\nResent-From: x\r\nResent-From: c\r\n", false,
			"Resent-From 2 [x];" },
		{ "From: a\r\n", "From: a,\r\n\tb\r\n", false, "From 1 [a,\n\tb];" },
		{ "From: a\r\n", "From: b\r\nReply-To: a\r\n", false, "From 1 [b];Reply-To 0 [a];" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(steps(cases[i].from, cases[i].to, cases[i].leading_space),
			cases[i].steps);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
