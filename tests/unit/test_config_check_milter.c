/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters and policies: which one a listener has, and what does not fit together. */
#include "base/buffer.h"
#include "config_text.h"

#define DKIM "milter \"dkim\" { address = \"127.0.0.1:1\" }\n"
#define SPAM "milter \"spam\" { address = \"unix:/run/spam\" }\n"
#define OUT "listener \"out\" { address = \"*:25\" policy = out }\n"

/* The filters of a listener's mail, "a b ". */
static void
passes(const struct settings *settings, const char *listener, const char *filters)
{
	const struct settings_policy *policy =
		settings_find_policy(settings, settings_find_listener(settings, listener));
	struct buf found = BUF_INIT(0);

	assert_non_null(policy);
	for (size_t i = 0; i < policy->milters.count; i++)
		buf_printf(&found, "%s ", policy->milters.items[i]);
	assert_string_equal(buf_text(&found), filters);
	buf_fini(&found);
}

static void
chosen_by_listener(void **state)
{
	static const struct {
		const char *text;
		const char *in;  /* of listener in, which names no policy */
		const char *out; /* of listener out, which names "out" */
	} cases[] = {
		{ "policy \"out\" { }", "", "" },
		{ "policy { milters = { dkim, spam } } policy \"out\" { milters = spam }",
			"dkim spam ", "spam " },
		{ "policy \"out\" { milters = { spam, dkim } } policy { milters = dkim }",
			"dkim ", "spam dkim " },
		{ "policy \"default\" { milters = dkim } policy \"out\" { }", "dkim ", "" },
		{ "policy\n{\n}\npolicy \"out\" { milters = dkim }", "", "dkim " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[1024];
		struct settings *settings;

		snprintf(text, sizeof text, "%s%s", GOOD DKIM SPAM OUT, cases[i].text);
		settings = load(text);
		passes(settings, "in", cases[i].in);
		passes(settings, "out", cases[i].out);
		settings_free(&settings);
	}
}

static void
usual_and_written(void **state)
{
	struct settings *settings = load(GOOD DKIM
		"milter \"x\" { address = \"127.0.0.1:1\" budget = 20s connect-wait = 2s\n"
		"  macros = { \"daemon_name=A\", \"{auth_author}=\" } logins = only version = 4\n"
		"  listeners = in groups = { support } networks = \"10.0.0.0/8\"\n"
		"  smallest = 1K largest = 1M change-envelope = yes on-failure = hold }");
	const struct settings_milter *usual = settings_find_milter(settings, "dkim");
	const struct settings_milter *written = settings_find_milter(settings, "x");

	(void)state;
	assert_int_equal(usual->on_failure, MILTER_FAILURE_TEMPFAIL);
	assert_int_equal(usual->version, 6);
	assert_int_equal(usual->connect_wait, 10 * 1000);
	assert_int_equal(usual->command_wait, 30 * 1000);
	assert_int_equal(usual->content_wait, 60 * 1000);
	assert_int_equal(usual->end_wait, 90 * 1000);
	assert_int_equal(usual->budget, 100 * 1000);
	assert_int_equal(usual->logins, MILTER_LOGINS_ANY);
	assert_int_equal(usual->macros.count + usual->listeners.count + usual->groups.count +
			usual->networks.count,
		0);
	assert_int_equal(usual->smallest + usual->largest, 0);
	assert_false(usual->change_envelope);

	/* a wait that was not written is never more than the budget */
	assert_int_equal(written->connect_wait, 2 * 1000);
	assert_int_equal(written->command_wait, 20 * 1000);
	assert_int_equal(written->content_wait, 20 * 1000);
	assert_int_equal(written->end_wait, 20 * 1000);
	assert_string_equal(written->macros.items[0], "{daemon_name}=A");
	assert_string_equal(written->macros.items[1], "{auth_author}=");
	assert_int_equal(written->version, 4);
	assert_int_equal(written->logins, MILTER_LOGINS_ONLY);
	assert_string_equal(written->listeners.items[0], "in");
	assert_string_equal(written->groups.items[0], "support");
	assert_int_equal(written->networks.items[0].bits, 104);
	assert_int_equal(written->smallest, 1024);
	assert_int_equal(written->largest, 1024 * 1024);
	assert_true(written->change_envelope);
	settings_free(&settings);
}

#define WITH(rest) GOOD "milter \"x\" { address = \"127.0.0.1:1\"\n" rest " }"

static void
what_does_not_fit(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{ GOOD DKIM "policy { milters = dkin }",
			"c.conf:5: policy \"default\": milters: there is no milter section \"dkin\"; "
			"did you mean \"dkim\"?" },
		{ GOOD DKIM "policy \"x\" { milters = { dkim,\nother } }",
			"c.conf:6: policy \"x\": milters: there is no milter section \"other\"" },
		{ GOOD DKIM SPAM "policy \"x\" { milters = { dkim, spam,\ndkim } }",
			"c.conf:7: policy \"x\": milters: \"dkim\" stands here a second time" },
		{ GOOD OUT "policy \"ou\" { }",
			"c.conf:4: listener \"out\": policy: there is no policy section \"out\"; did "
			"you mean \"ou\"?" },
		{ GOOD "policy { }\npolicy { }",
			"c.conf:5: the title \"default\" stands here a second time" },
		{ GOOD "policy { }\npolicy \"default\" { }",
			"c.conf:5: the title \"default\" stands here a second time" },
		{ GOOD "policy \"\" { }",
			"c.conf:4: policy \"\": the title is not a name of letters, digits, '-', '_' "
			"and '.'" },
		{ WITH("listeners = { inn }"),
			"c.conf:5: milter \"x\": listeners: there is no listener section \"inn\"; did "
			"you mean \"in\"?" },
		{ WITH("end-wait = 2m"), "c.conf:5: milter \"x\": end-wait: \"2m\" is out of range: "
					 "100ms to 119s" },
		{ WITH("budget = 10m"), "c.conf:5: milter \"x\": budget: \"10m\" is out of range: "
					"100ms to 119s" },
		{ WITH("connect-wait = 11s budget = 10s"),
			"c.conf:5: milter \"x\": connect-wait: is more than budget, which is for the "
			"whole message" },
		{ WITH("end-wait = 101s"), "c.conf:5: milter \"x\": end-wait: is more than budget, "
					   "which is for the whole message" },
		{ WITH("version = 1"), "c.conf:5: milter \"x\": version: \"1\" is out of range: 2 to "
				       "6" },
		{ WITH("macros = { \"j=a\", \"{j}=b\" }"),
			"c.conf:5: milter \"x\": macros: j stands here a second time" },
		{ WITH("macros = daemon"), "c.conf:5: milter \"x\": macros: \"daemon\" is not "
					   "{name}=value" },
		{ WITH("logins = none groups = support"),
			"c.conf:5: milter \"x\": groups: has no use where logins is none: strangers are "
			"in no group" },
		{ WITH("smallest = 2K largest = 1K"),
			"c.conf:5: milter \"x\": largest: is less than smallest" },
		{ GOOD "milter \"x\" { }", "c.conf:4: milter \"x\": address must be set" },
		{ GOOD "milter { address = \"127.0.0.1:1\" }",
			"c.conf:4: missing title for section 'milter'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fault fault = FAULT_INIT;

		config_file_write("c.conf", cases[i].text);
		assert_null(config_load("c.conf", &fault));
		assert_string_equal(fault.text, cases[i].reason);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_by_listener),
		cmocka_unit_test(usual_and_written),
		cmocka_unit_test(what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, config_file_setup, config_file_teardown);
}
