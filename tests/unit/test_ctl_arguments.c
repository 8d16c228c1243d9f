/* SPDX-License-Identifier: BSD-2-Clause */
/* The words behind a verb: what is taken, what is refused, and with which words. */
#include "unit.h"

#include <stdlib.h>

#include "ctl/arguments.h"

static const struct argument table[] = {
	{ "LOGIN", "login", ARGUMENT_WORD, true },
	{ "ADDRESS", "address", ARGUMENT_WORD, false },
	{ "mail-from", "mail_from", ARGUMENT_OPTION, false },
	{ "all", "all", ARGUMENT_FLAG, false },
	{ "password-stdin", NULL, ARGUMENT_FLAG, false },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

static const struct argument required[] = {
	{ "listener", "listener", ARGUMENT_OPTION, true },
	{ NULL, NULL, ARGUMENT_WORD, false },
};

enum { WORDS_MAX = 4 };
#define WORDS(...) { __VA_ARGS__ }

static int
count(const char *const *words)
{
	int words_count = 0;

	while (words_count < WORDS_MAX && words[words_count])
		words_count++;
	return words_count;
}

static void
parsing(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *json;   /* NULL: refused */
		const char *reason;
	} cases[] = {
		{ WORDS("alice"), "{\"login\":\"alice\"}", NULL },
		{ WORDS("alice", "a@b"), "{\"login\":\"alice\",\"address\":\"a@b\"}", NULL },
		{ WORDS("--all", "alice"), "{\"login\":\"alice\",\"all\":true}", NULL },
		{ WORDS("alice", "--mail-from", "x@y"),
			"{\"login\":\"alice\",\"mail_from\":\"x@y\"}", NULL },
		{ WORDS("alice", "--mail-from=x@y"),
			"{\"login\":\"alice\",\"mail_from\":\"x@y\"}", NULL },
		{ WORDS("alice", "--mail-from="), "{\"login\":\"alice\",\"mail_from\":\"\"}",
			NULL },
		{ WORDS("alice", "--mail-from", "--all"),
			"{\"login\":\"alice\",\"mail_from\":\"--all\"}", NULL },
		{ WORDS("--", "--all"), "{\"login\":\"--all\"}", NULL },
		{ WORDS("-x"), "{\"login\":\"-x\"}", NULL },
		/* what has no key is not sent */
		{ WORDS("alice", "--password-stdin"), "{\"login\":\"alice\"}", NULL },
		{ WORDS("--all"), NULL, "LOGIN is missing" },
		{ WORDS("a", "b", "c"), NULL, "\"c\" is one word too many" },
		{ WORDS("a", "--banana"), NULL, "unknown option --banana" },
		{ WORDS("a", "--mailfrom", "x"), NULL,
			"unknown option --mailfrom; did you mean --mail-from?" },
		{ WORDS("a", "--mail-from"), NULL, "--mail-from needs a value" },
		{ WORDS("a", "--all=yes"), NULL, "--all takes no value" },
		{ WORDS("a", "--all", "--all"), NULL, "--all stands twice" },
		/* a word is no option */
		{ WORDS("a", "--ADDRESS", "x"), NULL, "unknown option --ADDRESS" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arguments arguments;
		struct fault fault = FAULT_INIT;
		json_t *object;
		char *text;

		assert_int_equal(arguments_parse(table, count(cases[i].words),
					 (char *const *)(uintptr_t)cases[i].words, &arguments,
					 &fault),
			cases[i].json != NULL);
		if (!cases[i].json) {
			assert_string_equal(fault.text, cases[i].reason);
			continue;
		}
		object = arguments_json(&arguments, &fault);
		text = json_dumps(object, JSON_COMPACT);
		assert_string_equal(text, cases[i].json);
		free(text);
		json_decref(object);
	}
}

static void
required_option(void **state)
{
	const char *const words[] = { "--listener", "x" };
	struct arguments arguments;
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_false(arguments_parse(required, 0, NULL, &arguments, &fault));
	assert_string_equal(fault.text, "--listener is missing");
	assert_true(arguments_parse(required, 2, (char *const *)(uintptr_t)words, &arguments,
		&fault));
	assert_string_equal(arguments_get(&arguments, "listener"), "x");
	assert_null(arguments_get(&arguments, "banana"));
}

static void
not_utf8(void **state)
{
	const char *const words[] = { "al\xffice" };
	struct arguments arguments;
	struct fault fault = FAULT_INIT;

	(void)state;
	assert_true(arguments_parse(table, 1, (char *const *)(uintptr_t)words, &arguments, &fault));
	assert_null(arguments_json(&arguments, &fault));
	assert_string_equal(fault.text, "LOGIN is not UTF-8");
}

static void
describing(void **state)
{
	char text[256];

	(void)state;
	arguments_describe(table, text, sizeof text);
	assert_string_equal(text,
		"LOGIN [ADDRESS] [--mail-from MAIL-FROM] [--all] [--password-stdin]");
	arguments_describe(required, text, sizeof text);
	assert_string_equal(text, "--listener LISTENER");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing),
		cmocka_unit_test(required_option),
		cmocka_unit_test(not_utf8),
		cmocka_unit_test(describing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
