/* SPDX-License-Identifier: BSD-2-Clause */
/* Display names: which may not stand before an address, and which pose as another one. */
#include "unit.h"

#include "base/buffer.h"
#include "wire/display_name.h"

#define A "alice@example.org"
#define B "bob@example.org"

static const struct {
	const char *name;
	bool poses;
	const char *fault;
} cases[] = {
	{ "", false, NULL },
	{ "Alice Example", false, NULL },
	{ "Alice B. Example", false, NULL },
	{ B, true, NULL },
	{ "Bob " B, true, NULL },
	{ "Bob (" B ")", true, NULL },
	{ "'" B "'", true, NULL },
	{ B " via List", true, NULL },
	/* the mailbox's own address is nobody else's */
	{ A, false, NULL },
	{ "ALICE@Example.ORG", false, NULL },
	{ "'" A "'", false, NULL },
	{ "Alice (" A ")", false, NULL },
	{ A " via List", false, NULL },
	{ A ".", false, NULL },
	{ A " " A, false, NULL },
	{ A " " B, true, NULL },
	{ B " " A, true, NULL },
	{ "x" A, true, NULL },
	{ A "x", true, NULL },
	{ A ".evil.example", true, NULL },
	{ "x." A, true, NULL },
	/* what is no address */
	{ "@alice", false, NULL },
	{ " @alice.example", false, NULL },
	{ "Alice @ Work", false, NULL },
	{ "Alice B. @ Work", false, NULL },
	{ "Alice (@alice)", false, NULL },
	{ "alice@localhost", false, NULL },
	/* but this is read as one */
	{ "bob @ example.org", true, NULL },
	{ "bob@ example . org", true, NULL },
	{ "bob\xef\xbc\xa0"
	  "example.org",
		true, NULL },
	{ "bob\xef\xb9\xab"
	  "example.org",
		true, NULL },
	{ "bob@example\xe3\x80\x82"
	  "org",
		true, NULL },
	{ "bob@example\xef\xbc\x8e"
	  "org",
		true, NULL },
	{ "alice\xef\xbc\xa0"
	  "example.org",
		true, NULL },
	/* shown from right to left */
	{ "\xe2\x80\xaegro.elpmaxe@bob", true, NULL },
	{ "\xe2\x81\xa7gro.elpmaxe@bob", true, NULL },
	{ "=?utf-8?b?4oCuZ3JvLmVscG1heGVAYm9i?=", true, NULL },
	{ "gro.elpmaxe@bob", false, NULL },
	{ "\xe2\x80\xa7gro.elpmaxe@bob", false, NULL },
	{ "\xe2\x80\xaegro elpmaxe@bob", false, NULL },
	/* encoded */
	{ "=?utf-8?q?bob=40example=2Eorg?=", true, NULL },
	{ "=?utf-8?b?Ym9iQGV4YW1wbGUub3Jn?=", true, NULL },
	{ "=?utf-8?q?bob?= =?utf-8?q?=40example?= =?utf-8?q?=2Eorg?=", true, NULL },
	{ "=?utf-8?q?bob?=@example.org", true, NULL },
	{ "=?utf-8?q?bob=EF=BC=A0example=2Eorg?=", true, NULL },
	{ "=?utf-8?q?alice=40example=2Eorg?=", false, NULL },
	{ "=?utf-8?q?ali?= =?utf-8?q?ce=40example=2Eorg?=", false, NULL },
	{ "=?utf-8?q?M=C3=BCller?=", false, NULL },
	{ "=?utf-7?q?bob+AEA-example.org?=", true, NULL },
	{ "=?martian?q?x?=", true, NULL },
	{ "=?iso-2022-jp?B?GyRCJTUlcyVXJWsbKEI=?=", false, NULL },
	/* may not stand there */
	{ "<" B ">", true, "an address in <> in a display name" },
	{ "<" A ">", false, "an address in <> in a display name" },
	{ "a > b@", false, "an address in <> in a display name" },
	{ "=?utf-8?q?=3Cbob=40x=2Ey=3E?=", true, "an address in <> in a display name" },
	{ "<=?utf-8?q?bob=40x=2Ey?=>", true, "an address in <> in a display name" },
	{ "I <3 you", false, NULL },
	{ "=?utf-8?q?x=0A?=", false, "an encoded word hides a line end or another control byte" },
	{ "=?utf-8?q?x=00?=", false, "an encoded word hides a line end or another control byte" },
	{ "=?utf-8?q?x", false, "an encoded word without its end" },
	{ "=?utf-8?q?x?y?=", false, "an encoded word without its end" },
	{ ".NET", false, "a display name that starts with a dot" },
};

static void
test_names(void **state)
{
	struct arena *arena = arena_new(1024);
	struct address alice;

	(void)state;
	assert_int_equal(address_parse(span_text(A), 0, &alice), ADDRESS_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span name = span_text(cases[i].name);
		const char *fault = display_name_fault(name, arena);

		if (display_name_poses(name, &alice, arena) != cases[i].poses)
			print_error("%s\n", cases[i].name);
		assert_int_equal(display_name_poses(name, &alice, arena), cases[i].poses);
		assert_string_equal(fault ? fault : "", cases[i].fault ? cases[i].fault : "");
	}
	arena_free(&arena);
}

static void
check_flood(const char *piece, const char *tail, bool poses)
{
	struct arena *arena = arena_new(1024);
	struct buf name = BUF_INIT(0);
	struct address address;

	assert_int_equal(address_parse(SPAN_LITERAL("a@b"), 0, &address), ADDRESS_OK);
	for (size_t i = 0; i < 1000000; i += strlen(piece))
		buf_add_text(&name, piece);
	buf_add_text(&name, tail);
	assert_int_equal(display_name_poses(buf_span(&name), &address, arena), poses);
	buf_fini(&name);
	arena_free(&arena);
}

/* E7: linear, whatever there is many of. */
static void
test_floods(void **state)
{
	(void)state;
	check_flood("@", "", false);
	check_flood("@", ".", true);
	check_flood("x", "@y.z", true);
	check_flood("a@b ", "", false);
	check_flood("a@b ", ".", false);
	check_flood("a@b ", "a@c .", true);
	check_flood("''''", "a@b.", false);
	check_flood(" ", "@.", false);
	check_flood("=?", "", false);
	check_flood("=?utf-8?q?\?= ", "a@c.", true);
	check_flood("=?utf-8?q?a=40b_?=", "", false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_floods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
