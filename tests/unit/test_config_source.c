/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading configuration text: comments, marks, includes, and every kind of file that is refused. */
#include "config_file.h"

#include <sys/stat.h>

#include "config/source.h"

#define MARK "{ \1=0 "

static void
plain_text(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} cases[] = {
		{ "a = b\n", "a = b\n" },
		{ "a = b # c\nd", "a = b \nd" },
		{ "// x\nd", "\nd" },
		{ "a = b//c\n", "a = b//c\n" },
		{ "/* x\n y */ d", "\n  d" },
		{ "a /* \" { */ = b", "a   = b" },
		{ "a = \"# /* no comment\"", "a = \"# /* no comment\"" },
		{ "a = 'it\\'s'", "a = 'it\\'s'" },
		{ "a = \"say \\\"x\\\"\"", "a = \"say \\\"x\\\"\"" },
		{ "s { }", "s " MARK " }" },
		{ "s \"t\"\n{\n}", "s \"t\"\n" MARK "\n}" },
		{ "s { t { } }", "s " MARK " t " MARK " } }" },
		{ "policy { }", "policy \"default\" " MARK " }" },
		{ "a = b policy\n{ }", "a = b policy\n\"default\" " MARK " }" },
		{ "policy \"x\" { }", "policy \"x\" " MARK " }" },
		{ "policy x { }", "policy x " MARK " }" },
		{ "policy policy { }", "policy policy " MARK " }" },
		{ "listener policy { }", "listener policy " MARK " }" },
		{ "a = 'b' policy { }", "a = 'b' policy \"default\" " MARK " }" },
		{ "a = { b } policy { }", "a = { b } policy \"default\" " MARK " }" },
		{ "a = { } policy # x\n{ }", "a = { \"\2\"} policy \n\"default\" " MARK " }" },
		{ "s { policy { } }", "s " MARK " policy " MARK " } }" },
		{ "policy = { }", "policy = { \"\2\"}" },
		{ "a = { b, c }", "a = { b, c }" },
		{ "a = { }", "a = { \"\2\"}" },
		{ "a = {\n}\n", "a = {\n\"\2\"}\n" },
		{ "a = include", "a = include" },
		{ "$ in a comment # ${X}", NULL },
		{ "a = 1 # ${X}", "a = 1 " },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *arena = arena_new(256);
		struct fault fault = FAULT_INIT;
		struct source source;

		config_file_write("a.conf", cases[i].from);
		assert_int_equal(source_read(&source, "a.conf", arena, &fault),
			cases[i].to != NULL);
		if (cases[i].to) {
			assert_span_equal(buf_span(&source.text), cases[i].to);
			source_fini(&source);
		}
		arena_free(&arena);
	}
}

static void
refused(const char *path, const char *reason)
{
	struct arena *arena = arena_new(256);
	struct fault fault = FAULT_INIT;
	struct source source;

	assert_false(source_read(&source, path, arena, &fault));
	assert_string_equal(fault.text, reason);
	arena_free(&arena);
}

static void
bad_text(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{ "a = \"b\n\"", "a.conf:1: this string does not end on its line" },
		{ "\na = 'b", "a.conf:2: this string does not end on its line" },
		{ "\n/* x\n", "a.conf:2: this comment does not end" },
		{ "a = \"${HOME}\"", "a.conf:1: \"${\" is refused: the environment is not part of "
				     "the configuration" },
		{ "a = '${HOME}'", "a.conf:1: \"${\" is refused: the environment is not part of "
				   "the configuration" },
		{ "a = ${HOME}", "a.conf:1: the character $ stands only in a quoted string" },
		{ "a += { b }", "a.conf:1: the character + stands only in a quoted string" },
		{ "a = { *@b }", "a.conf:1: the character * stands only in a quoted string" },
		{ "a|b = 1", "a.conf:1: the character | stands only in a quoted string" },
		{ "a = \xc3\xbc", "a.conf:1: the character \\xc3 stands only in a quoted string" },
		{ "f(x)", "a.conf:1: the character ( stands only in a quoted string" },
		{ "a = \"\\n\"", "a.conf:1: a backslash stands only before a quote or a backslash" },
		{ "a = \"\\0\"", "a.conf:1: a backslash stands only before a quote or a backslash" },
		{ "a = '\\\"'", "a.conf:1: a backslash stands only before a quote or a backslash" },
		{ "a = \"b\\", "a.conf:1: a backslash stands only before a quote or a backslash" },
		{ "s {\n t {\n", "a.conf:2: this brace is not closed" },
		{ "s {\n t {\n}", "a.conf:1: this brace is not closed" },
		{ "}", "a.conf:1: this brace closes nothing" },
		{ "a{a{a{a{a{a{a{a{a{", "a.conf:1: braces are nested too deep" },
		{ "a = 1\r\nb = 2\r\n", "a.conf:1: has a carriage return; lines end in a line feed "
					"alone" },
		{ "a = 1 # \x1b[31m", "a.conf:1: has a control character (27)" },
		{ "\n\1 = 0", "a.conf:2: has a control character (1)" },
		{ "a = { \"\2\" }", "a.conf:1: has a control character (2)" },
		{ "include x", "a.conf:1: an include is written include(\"FILE\"), on one line" },
		{ "include(x)", "a.conf:1: an include is written include(\"FILE\"), on one line" },
		{ "include(\"x)", "a.conf:1: an include is written include(\"FILE\"), on one line" },
		{ "include(\"x\"", "a.conf:1: an include is written include(\"FILE\"), on one line" },
		{ "include(\"\")", "a.conf:1: an include is written include(\"FILE\"), on one line" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		config_file_write("a.conf", cases[i].text);
		refused("a.conf", cases[i].reason);
	}
	config_file_write_bytes("a.conf", span_of("a = 1\nb\0 = 2", 12));
	refused("a.conf", "a.conf:2: has a control character (0)");
}

/* H9 of the attack catalogue. */
static void
h9_bad_files(void **state)
{
	(void)state;
	refused("none.conf", "none.conf:1: cannot be opened: No such file or directory");
	refused(".", ".:1: is not a regular file");
	refused("/dev/null", "/dev/null:1: is not a regular file");
	refused("/proc/self/mem", "/proc/self/mem:1: cannot be read: Input/output error");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	refused("fifo", "fifo:1: is not a regular file");

	config_file_write("big.conf", "");
	assert_int_equal(truncate("big.conf", 1024 * 1024 * 1024), 0);
	refused("big.conf", "big.conf:1: is larger than 1048576 bytes");
	assert_int_equal(truncate("big.conf", SOURCE_FILE_MAX_BYTES), 0);
	refused("big.conf", "big.conf:1: has a control character (0)");

	config_file_write("one.conf", "\ninclude(\"two.conf\")");
	config_file_write("two.conf", "include(\"one.conf\")");
	refused("one.conf", "one.conf:1: includes itself");
	config_file_write("one.conf", "a = 1\ninclude( \"fifo\" )");
	refused("one.conf", "fifo:1: is not a regular file");
	config_file_write("one.conf", "a = 1\ninclude(\"gone.conf\")");
	refused("one.conf", "one.conf:2: gone.conf:1: cannot be opened: No such file or directory");
}

static void
too_many_includes(void **state)
{
	char name[32];
	char text[64];
	struct buf all = BUF_INIT(0);

	(void)state;
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "deep%d", i);
		snprintf(text, sizeof text, "include(\"deep%d\")", i + 1);
		config_file_write(name, text);
	}
	config_file_write("deep9", "");
	refused("deep0", "deep8:1: includes are nested more than 8 deep");

	config_file_write("empty", "");
	for (int i = 0; i < 1001; i++)
		buf_add_text(&all, "include(\"empty\")\n");
	config_file_write("wide", buf_text(&all));
	refused("wide", "wide:1001: more than 1000 includes");
	buf_fini(&all);

	char *large = calloc(1, 1000 * 1000 + 1);
	memset(large, '\n', 1000 * 1000);
	config_file_write("large", large);
	free(large);
	config_file_write("wide", "include(\"large\")include(\"large\")include(\"large\")"
				  "include(\"large\")include(\"large\")");
	refused("wide", "large:1: is too much: all files make more than 4194304 bytes");
}

/* What a line of the text was in the files. */
static void
places(void **state)
{
	static const struct {
		const char *file;
		unsigned int line;
	} wanted[] = { { "one.conf", 1 }, { "one.conf", 2 }, { "two.conf", 1 }, { "two.conf", 2 },
		{ "one.conf", 2 }, { "one.conf", 3 }, { "one.conf", 4 } };
	struct arena *arena = arena_new(256);
	struct fault fault = FAULT_INIT;
	struct source source;

	(void)state;
	config_file_write("one.conf", "a = 1 /* x */\ninclude(\"two.conf\") b = 2\nc = 3\nd = 4");
	config_file_write("two.conf", "e = 5\nf = 6");
	assert_true(source_read(&source, "one.conf", arena, &fault));
	assert_span_equal(buf_span(&source.text), "a = 1  \n\ne = 5\nf = 6\n b = 2\nc = 3\nd = 4");
	for (unsigned int i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		assert_string_equal(source_file(&source, i + 1), wanted[i].file);
		assert_int_equal(source_line(&source, i + 1), wanted[i].line);
	}
	assert_false(source_fault(&source, 3, &fault, "%s", "wrong"));
	assert_string_equal(fault.text, "two.conf:1: wrong");
	source_fini(&source);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text),
		cmocka_unit_test(bad_text),
		cmocka_unit_test(h9_bad_files),
		cmocka_unit_test(too_many_includes),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
