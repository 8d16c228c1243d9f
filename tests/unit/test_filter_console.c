/* SPDX-License-Identifier: BSD-2-Clause */
/* What the administrator is told by hand. */
#include "filter_fixture.h"

#include "filter/console.h"

#define CONFIG                                                                                     \
	"hostname = \"mail.example.org\"\n"                                                        \
	"authoritative-domains = { \"example.org\" }\n"                                            \
	"permit \"authenticated\" { rights = submit }\n"                                           \
	"permit \"login:dave\" { wrong-sender = rewrite }\n"                                       \
	"filter { user = \"nobody\"  lookup-socket = \"/s\"  mode = log }\n"

static char said[8192];

/* What the call wrote is in said. */
static enum console_exit
asked(const struct console_question *question)
{
	FILE *out = fmemopen(said, sizeof said, "w");
	enum console_exit result;

	assert_non_null(out);
	config_file_write("filter.conf", CONFIG);
	result = console_check("filter.conf", question, out, stderr);
	fclose(out);
	return result;
}

static void
verdicts(void **state)
{
	static const struct {
		struct console_question question;
		enum console_exit result;
		const char *words;
	} cases[] = {
		{ { .login = "alice", .address = "alice@example.org" }, CONSOLE_YES,
			"verdict:    pass\ndecided by: own address\n" },
		{ { .login = "alice", .address = "bob@example.org" }, CONSOLE_NO,
			"verdict:    refuse\n"
			"reply:      550 5.7.1 Client does not have permission to send as this sender "
			"(MAIL FROM: not granted to this login)\n"
			"decided by: no permit names this sender of ours\n" },
		{ { .login = "dave", .address = "bob@example.org", .from = "Bob <bob@example.org>" },
			CONSOLE_YES,
			"verdict:    rewrite\ndecided by: filter.conf:4\n"
			"MAIL FROM:  dave@example.org\nFrom:       dave@example.org\n"
			"Reply-To:   Bob <bob@example.org>\n" },
		{ { .login = "away", .address = "away@example.org" }, CONSOLE_NO,
			"verdict:    tempfail\nreply:      451 4.3.0 It cannot be told now who may send "
			"as this sender; try again later\ndecided by: source of identities\n" },
		{ { .login = "", .address = "x@example.org" }, CONSOLE_YES,
			"verdict:    pass\ndecided by: unauthenticated = pass\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(asked(&cases[i].question), cases[i].result);
		assert_string_equal(said, cases[i].words);
		assert_int_equal(fixture_open, 0);
	}
}

static void
configurations(void **state)
{
	FILE *out = fmemopen(said, sizeof said, "w");

	(void)state;
	assert_non_null(out);
	config_file_write("filter.conf", CONFIG);
	assert_int_equal(console_test("filter.conf", out, out), CONSOLE_YES);
	config_file_write("filter.conf", "banana");
	assert_int_equal(console_test("filter.conf", out, out), CONSOLE_NO);
	fclose(out);
	assert_non_null(strstr(said, "filter.conf: good\nsallyport-milter: filter.conf:1: "));
	assert_int_equal(fixture_open, 0);
}

/* What the start would miss. */
static void
names(void **state)
{
	static const struct {
		const char *settings;
		const char *words; /* "": good */
		bool of_root;
	} cases[] = {
		{ "user = \"nobody\"  socket-group = \"no-such\"", "there is no group no-such", false },
		{ "user = \"no-such\"  socket-group = \"root\"", "there is no user no-such", true },
		{ "user = \"root\"  socket-group = \"root\"", "user root is root itself", true },
		{ "user = \"nobody\"  socket-group = \"root\"", "", false },
		{ "user = \"nobody\"", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = !cases[i].words[0] || (cases[i].of_root && geteuid() != 0);
		FILE *out = fmemopen(said, sizeof said, "w");
		char text[512];

		assert_non_null(out);
		snprintf(text, sizeof text,
			"hostname = \"mail.example.org\"\n"
			"filter { socket = \"unix:/run/x\"  lookup-socket = \"/s\"  %s }\n",
			cases[i].settings);
		config_file_write("filter.conf", text);
		assert_int_equal(console_test("filter.conf", out, out),
			good ? CONSOLE_YES : CONSOLE_NO);
		fclose(out);
		assert_non_null(strstr(said, good ? "filter.conf: good\n" : cases[i].words));
	}
	assert_int_equal(fixture_open, 0);
}

/* What a terminal gets is printable. */
static void
mailboxes(void **state)
{
	FILE *out = fmemopen(said, sizeof said, "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(console_parse_from("M\xc3\xbcller <a@B.example>", out, out), CONSOLE_YES);
	assert_int_equal(console_parse_from("a@b.example <c@d.example", out, out), CONSOLE_NO);
	fclose(out);
	assert_non_null(strstr(said,
		"mailbox:    a@b.example\nname:       M\\xc3\\xbcller\nsallyport-milter: "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(configurations),
		cmocka_unit_test(names),
		cmocka_unit_test(mailboxes),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
